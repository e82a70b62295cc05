// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The harness for XDP, as packet.bpf.c: takes off what the last run put around the packet, puts the packet back, makes it the next
 * flow's, and tail-calls the program under test. Beside it two that do nothing: with and without growing the packet.
 */
#include "ebn_types.h"
#include "xdp_bench.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xdp_target SEC(".maps");

struct xdp_mode mode;

SEC("xdp")
int xdp_harness(struct xdp_md *ctx)
{
	__u8 *data, *end;
	__u32 n, i;

	if (ctx->data_end - ctx->data > XDP_LEN && bpf_xdp_adjust_head(ctx, XDP_GROWN))
		return 99;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + XDP_LEN > end)
		return 99;
#pragma unroll
	for (i = 0; i < XDP_LEN / 8; i++)
		((__u64 *)data)[i] = mode.packet[i];
	if (mode.flows > 1) {
		n = mode.count++;
		if (mode.scatter)
			n = (n * 2654435761u) >> 7;
		n &= mode.flows - 1;
		/* the client's port, and the low half of its address */
		*(__u16 *)(data + 34) = (__u16)n;
		*(__u16 *)(data + 28) ^= __builtin_bswap16((__u16)(n >> 16));
	}
	bpf_tail_call(ctx, &xdp_target, 0);
	return 99;
}

SEC("xdp")
int xdp_nothing(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp")
int xdp_grow(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, -(int)XDP_GROWN) ? XDP_ABORTED : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
