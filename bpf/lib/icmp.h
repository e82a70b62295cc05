/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors carry the beginning of the packet they speak of. They follow that packet's flow: p takes on the flow's tuple,
 * as a packet in the error's direction would have it. One that names no packet, or a packet that its receiver did not send,
 * is dropped.
 */
#ifndef EBN_LIB_ICMP_H
#define EBN_LIB_ICMP_H

#include "lib/pkt.h"

#define EBN_ICMP_HEAD 8u

static __always_inline bool ebn_is_icmp_error(const struct ebn_pkt *p, const bool v6)
{
	return p->proto == (v6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP) && ebn_icmp_is_error(p->icmp_type, v6);
}

/* Transport header of the inner packet: the tuple turned round. */
static __always_inline enum ebn_reason ebn_inner_l4(struct __sk_buff *skb, struct ebn_pkt *p, __u32 off, __u8 proto,
						    const bool v6)
{
	__u32 w[2] = {};
	__u8 type;

	if (proto != EBN_PROTO_TCP && proto != EBN_PROTO_UDP && proto != EBN_PROTO_SCTP &&
	    proto != (v6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP)) {
		/* by its addresses alone, as its own packets are */
		p->proto = proto;
		p->sport = p->dport = 0;
		return EBN_R_NONE;
	}
	if (bpf_skb_load_bytes(skb, off, w, sizeof(w)))
		return EBN_R_TRUNCATED;
	p->proto = proto;
	if (proto != EBN_PROTO_ICMP && proto != EBN_PROTO_ICMP6) {
		p->sport = (__u16)(w[0] >> 16);
		p->dport = (__u16)w[0];
		return EBN_R_NONE;
	}
	type = (__u8)w[0];
	p->sport = (__u16)w[1];
	p->dport = 0;
	if (type == (v6 ? EBN_ICMP6_ECHO : EBN_ICMP_ECHO))
		p->ask = 1;
	else if (type == (v6 ? EBN_ICMP6_ECHO_REPLY : EBN_ICMP_ECHO_REPLY))
		p->ask = 0;
	else
		return EBN_R_ICMP_UNKNOWN;
	return EBN_R_NONE;
}

/* An endpoint speaks of what it received, never of what others said to each other. */
static __always_inline enum ebn_reason ebn_inner_ends(struct ebn_pkt *p, const __u32 *src, const __u32 *dst)
{
	if (!ebn_addr_eq6(src, p->dst))
		return EBN_R_ICMP_UNKNOWN;
	if (p->point == EBN_AT_FROM_ENDPOINT && !ebn_addr_eq6(dst, p->src))
		return EBN_R_ICMP_UNKNOWN;
	__builtin_memcpy(p->outer, p->src, sizeof(p->outer));
	__builtin_memcpy(p->src, dst, sizeof(p->src));
	p->evf |= EBN_EVF_RELATED;
	return EBN_R_NONE;
}

__attribute__((noinline)) int ebn_icmp4_inner(struct __sk_buff *skb, struct ebn_pkt *p)
{
	__u32 off, ihl, src[4] = {}, dst[4] = {};
	enum ebn_reason reason;
	struct ebn_ip4 ip;

	if (!p)
		return EBN_R_TABLES;
	off = p->l4_off + EBN_ICMP_HEAD;
	if (p->frag)
		return EBN_R_ICMP_UNKNOWN;
	if (p->l4_len < EBN_ICMP_HEAD + sizeof(ip) || bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return EBN_R_TRUNCATED;
	ihl = (ip.version_ihl & 15) * 4;
	if (ip.version_ihl >> 4 != 4 || ihl < sizeof(ip))
		return EBN_R_MALFORMED;
	if (ip.frag & bpf_htons(EBN_IP4_OFFSET))
		return EBN_R_ICMP_UNKNOWN;
	if (p->l4_len < EBN_ICMP_HEAD + ihl + 8)
		return EBN_R_TRUNCATED;
	src[2] = dst[2] = EBN_MAPPED;
	src[3] = ip.src;
	dst[3] = ip.dst;
	p->inner_off = off + ihl;
	reason = ebn_inner_ends(p, src, dst);
	return reason ? reason : ebn_inner_l4(skb, p, off + ihl, ip.proto, false);
}

__attribute__((noinline)) int ebn_icmp6_inner(struct __sk_buff *skb, struct ebn_pkt *p)
{
	__u32 off, l4_off, l4_len;
	enum ebn_reason reason;
	struct ebn_ip6 ip;
	__u8 evf;

	if (!p)
		return EBN_R_TABLES;
	l4_off = p->l4_off;
	l4_len = p->l4_len;
	evf = p->evf;
	off = l4_off + EBN_ICMP_HEAD;
	if (p->frag)
		return EBN_R_ICMP_UNKNOWN;
	if (l4_len < EBN_ICMP_HEAD + sizeof(ip) + 8 || bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)))
		return EBN_R_TRUNCATED;
	if ((*(__u8 *)&ip & 0xf0) != 0x60)
		return EBN_R_MALFORMED;
	/* the walk over extension headers takes the inner packet for the outer one meanwhile */
	p->proto = ip.next;
	p->l4_off = off + sizeof(ip);
	p->l4_len = l4_len - EBN_ICMP_HEAD - sizeof(ip);
	reason = ebn_ip6_ext(skb, p);
	if (!reason && (p->frag == EBN_FRAG_LATER || p->l4_len < 8))
		reason = p->frag == EBN_FRAG_LATER ? EBN_R_ICMP_UNKNOWN : EBN_R_TRUNCATED;
	off = p->inner_off = p->l4_off;
	p->l4_off = l4_off;
	p->l4_len = l4_len;
	p->frag = EBN_FRAG_NONE;
	p->evf = evf;
	if (!reason)
		reason = ebn_inner_ends(p, ip.src, ip.dst);
	if (!reason)
		return ebn_inner_l4(skb, p, off, p->proto, true);
	/* a report of the drop is about the error */
	p->proto = EBN_PROTO_ICMP6;
	return reason;
}

#endif
