// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet harness. A test run repeats a program on one packet, and the program may have changed it; so this one puts the
 * packet back, makes it the next flow's, and tail-calls the program under test. With `packet_nothing` in its place the
 * harness measures itself.
 */
#include "lib/node.h"
#include "packet_bench.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} packet_target SEC(".maps");

struct packet_mode mode;

static __always_inline __u32 flow_of(void)
{
	__u32 n = mode.count++;

	if (mode.scatter)
		n = (n * 2654435761u) >> 7;
	return n & (mode.flows - 1);
}

static __always_inline int prepare(struct __sk_buff *skb, const __u32 len)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u16 *port, *addr;
	__u32 flow, i;

	skb->mark = 0;
	skb->cb[0] = skb->cb[1] = skb->cb[2] = skb->cb[3] = skb->cb[4] = 0;
	if (data + len > end)
		return -1;
#pragma unroll
	for (i = 0; i < len / 8; i++)
		((__u64 *)data)[i] = mode.packet[i];
	if (mode.flows > 1) {
		flow = flow_of();
		/* verifier: each variable offset is checked anew */
		port = (__u16 *)(data + (mode.port_off & 62));
		if ((__u8 *)(port + 1) > end)
			return -1;
		*port = (__u16)flow;
		addr = (__u16 *)(data + (mode.addr_off & 62));
		if ((__u8 *)(addr + 1) > end)
			return -1;
		*addr ^= __builtin_bswap16((__u16)(flow >> 16));
	}
	if (mode.epoch_off) {
		struct ebn_view v;
		__u32 *epoch;

		if (ebn_view_open(&v))
			return -1;
		epoch = (__u32 *)ebn_node_at(&v, mode.epoch_off, sizeof(*epoch));
		if (epoch)
			EBN_WRITE(*epoch, *epoch + 1);
	}
	return 0;
}

SEC("tc")
int packet_harness4(struct __sk_buff *skb)
{
	if (!prepare(skb, PACKET_LEN4))
		bpf_tail_call(skb, &packet_target, 0);
	return 99;
}

SEC("tc")
int packet_harness6(struct __sk_buff *skb)
{
	if (!prepare(skb, PACKET_LEN6))
		bpf_tail_call(skb, &packet_target, 0);
	return 99;
}

SEC("tc")
int packet_nothing(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
