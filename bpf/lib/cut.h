/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cutting a TCP flow that policy no longer allows: the packet that was denied becomes an RST to either end, with the numbers
 * that the ends expect, because they are its own. One goes to the endpoint whose hook this is, the other one comes from it:
 * that clone enters by the endpoint's device like anything it sends, so it finds its way by itself. Neither is judged by
 * policy again: an RST of a flow that is to be cut passes (conntrack.h).
 *
 * Only packets without options and extension headers; others of such a flow are dropped, and one without comes.
 */
#ifndef EBN_LIB_CUT_H
#define EBN_LIB_CUT_H

#include "lib/deliver.h"
#include "lib/endpoint.h"
#include "lib/neigh.h"
#include "lib/node.h"
#include "lib/pkt.h"

#define EBN_TCP_CHECK 16u	/* offset of the checksum */

struct ebn_cut_pseudo {
	__u32 src[4];		/* of IPv4 the last word alone; the sum is the same */
	__u32 dst[4];
	__u32 len;
	__u32 proto;
};

static __always_inline __u16 ebn_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

/* What the packet is turned into. */
struct ebn_cut_rst {
	__u32 seq;
	__u32 ack;
	__u8 reverse;		/* against the direction of the packet that was denied */
	__u8 partial;		/* its checksum is filled in later: the field holds the sum of the addresses */
	__u8 flags;		/* EBN_TCP_* */
	__u8 reserved;
	__u8 src_mac[6];
	__u8 dst_mac[6];
};

/** Writes over the whole of a packet of the right length. 0 or not. */
__attribute__((noinline)) int ebn_cut_write(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_cut_rst *rst)
{
	struct ebn_cut_pseudo ps = {};
	struct ebn_tcp tcp = {};
	struct ebn_eth eth;
	__u32 sum, swap, wide, differ, l4 = EBN_ETH_LEN + sizeof(struct ebn_ip4);
	int i;

	if (!p || !rst)
		return -1;
	ebn_mac_copy(eth.src, rst->src_mac);
	ebn_mac_copy(eth.dst, rst->dst_mac);
	eth.proto = p->v6 ? bpf_htons(EBN_ETH_IP6) : bpf_htons(EBN_ETH_IP4);
	/* verifier: without branches, which would be as many paths as there are words */
	swap = 0 - (__u32)(rst->reverse & 1);
	wide = 0 - (__u32)(p->v6 & 1);
	asm volatile("" : "+r"(swap), "+r"(wide));
#pragma unroll
	for (i = 0; i < 4; i++) {
		differ = (p->src[i] ^ p->dst[i]) & swap;
		ps.src[i] = (p->src[i] ^ differ) & (i < 3 ? wide : ~0u);
		ps.dst[i] = (p->dst[i] ^ differ) & (i < 3 ? wide : ~0u);
	}
	ps.len = bpf_htonl(sizeof(tcp));
	ps.proto = bpf_htonl(EBN_PROTO_TCP);
	differ = (__u32)(p->sport ^ p->dport) & swap;
	tcp.sport = (__u16)(p->sport ^ differ);
	tcp.dport = (__u16)(p->dport ^ differ);
	tcp.seq = bpf_htonl(rst->seq);
	tcp.ack = bpf_htonl(rst->ack);
	tcp.off = 5 << 4;
	tcp.flags = rst->flags;
	sum = bpf_csum_diff(0, 0, (__be32 *)&ps, sizeof(ps), 0);
	if (rst->partial) {
		tcp.check_urg = ebn_fold(sum);
	} else {
		sum = bpf_csum_diff(0, 0, (__be32 *)&tcp, sizeof(tcp), sum);
		tcp.check_urg = (__u16)~ebn_fold(sum);
	}
	if (p->v6) {
		struct ebn_ip6 ip = { .version = bpf_htonl(6u << 28), .len = bpf_htons(sizeof(tcp)),
				      .next = EBN_PROTO_TCP, .ttl = 64 };

		__builtin_memcpy(ip.src, ps.src, sizeof(ip.src));
		__builtin_memcpy(ip.dst, ps.dst, sizeof(ip.dst));
		l4 = EBN_ETH_LEN + sizeof(ip);
		if (bpf_skb_store_bytes(skb, EBN_ETH_LEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM))
			return -1;
	} else {
		struct ebn_ip4 ip = { .version_ihl = 0x45, .len = bpf_htons(sizeof(ip) + sizeof(tcp)),
				      .frag = bpf_htons(0x4000), .ttl = 64, .proto = EBN_PROTO_TCP,
				      .src = ps.src[3], .dst = ps.dst[3] };

		ip.check = (__u16)~ebn_fold(bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0));
		if (bpf_skb_store_bytes(skb, EBN_ETH_LEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM))
			return -1;
	}
	if (bpf_skb_store_bytes(skb, l4, &tcp, sizeof(tcp), BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return -1;
	return 0;
}

/* Will somebody fill the checksum in later? Then a change of the data leaves the field as it is. */
static __always_inline int ebn_cut_partial(struct __sk_buff *skb, __u32 check, __u8 *ret)
{
	__u16 before = 0, after = 0;

	if (bpf_skb_load_bytes(skb, check, &before, sizeof(before)) ||
	    bpf_l4_csum_replace(skb, check, 0, bpf_htonl(1), sizeof(__u32)) ||
	    bpf_skb_load_bytes(skb, check, &after, sizeof(after)))
		return -1;
	*ret = before == after;
	return 0;
}

/** Behind ebn_drop(p), whose action it is given and returns. Nothing of p is needed behind the clone. */
__attribute__((noinline)) int ebn_cut(struct __sk_buff *skb, struct ebn_pkt *p, int action)
{
	__u32 l4, side, ifindex, end, seq, ack;
	struct ebn_cut_rst rst = { .flags = EBN_TCP_RST | EBN_TCP_ACK };
	const struct ebn_ep_row *ep;
	struct ebn_view v;
	__u8 off = 0;

	if (!p)
		return TC_ACT_SHOT;
	side = p->side & 1;
	l4 = EBN_ETH_LEN + (p->v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4));
	if (ebn_view_open(&v))
		return action;
	ep = ebn_ep_line(&v, p->row[side] - 1);
	if (!ep || p->l4_off != l4 || bpf_skb_load_bytes(skb, l4 + 12, &off, 1))
		return action;
	ifindex = EBN_READ(ep->ifindex);
	/* the number behind the packet's last byte */
	seq = p->seq;
	ack = p->ack;
	end = seq + p->l4_len - (off >> 4) * 4 + !!(p->tcp_flags & EBN_TCP_SYN) + !!(p->tcp_flags & EBN_TCP_FIN);
	if (ebn_cut_partial(skb, l4 + EBN_TCP_CHECK, &rst.partial) ||
	    bpf_skb_change_tail(skb, l4 + sizeof(struct ebn_tcp), 0))
		return action;
	/* from the endpoint: in the packet's direction when it is the endpoint's */
	ebn_mac_copy(rst.src_mac, ep->mac);
	ebn_mac_copy(rst.dst_mac, ep->gw_mac);
	rst.reverse = side;
	rst.seq = side ? ack : seq;
	rst.ack = side ? end : ack;
	if (ebn_cut_write(skb, p, &rst))
		return action;
	bpf_clone_redirect(skb, ifindex, BPF_F_INGRESS);
	/* and to it */
	ebn_mac_copy(rst.src_mac, ep->gw_mac);
	ebn_mac_copy(rst.dst_mac, ep->mac);
	rst.reverse = !side;
	rst.seq = side ? seq : ack;
	rst.ack = side ? ack : end;
	if (ebn_cut_write(skb, p, &rst))
		return action;
	return p->point == EBN_AT_TO_ENDPOINT ? TC_ACT_OK : bpf_redirect(ifindex, 0);
}

#endif
