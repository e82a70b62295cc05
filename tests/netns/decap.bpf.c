// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a backend does with packets in packets, where the kernel has no device for it: takes off the outer one. */
#include "lib/hdr.h"

#include <bpf/bpf_helpers.h>

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	struct ebn_eth *eth = (void *)(long)ctx->data, was;
	void *end = (void *)(long)ctx->data_end;
	struct ebn_ip4 *ip4 = (void *)(eth + 1);
	struct ebn_ip6 *ip6 = (void *)(eth + 1);
	__u32 outer = 0;
	__u8 next = 0;

	if ((void *)(ip4 + 1) > end)
		return XDP_PASS;
	if (eth->proto == bpf_htons(EBN_ETH_IP4) && ip4->version_ihl == 0x45) {
		next = ip4->proto;
		outer = sizeof(*ip4);
	} else if (eth->proto == bpf_htons(EBN_ETH_IP6) && (void *)(ip6 + 1) <= end) {
		next = ip6->next;
		outer = sizeof(*ip6);
	}
	if (next != 4 && next != 41)
		return XDP_PASS;
	was = *eth;
	was.proto = bpf_htons(next == 4 ? EBN_ETH_IP4 : EBN_ETH_IP6);
	if (bpf_xdp_adjust_head(ctx, (int)outer))
		return XDP_DROP;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_DROP;
	*eth = was;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
