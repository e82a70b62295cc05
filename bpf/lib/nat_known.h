/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The short way out: a whole TCP or UDP packet of an endpoint's flow that has its port. Most packets are that, and need
 * nothing of what the others do: the packet is read once, and nothing is made of it but its keys.
 *
 *	ebn_nat4_known(skb)
 *	EBN_NAT_DONE translated, or its device does not masquerade; EBN_R_WRITE a drop, it may be half changed; EBN_NAT_NONE look
 *	closer, it is as it was
 *
 * It asks what ebn_nat_choose() asks, in the same order. Lengths were checked where the endpoint sent it; whatever is read and
 * written here lies in the frame.
 */
#ifndef EBN_LIB_NAT_KNOWN_H
#define EBN_LIB_NAT_KNOWN_H

#include "lib/nat.h"

/* TCP's and UDP's first two words: ports, and what ends with UDP's checksum. */
struct ebn_known_l4 {
	__u16 sport;
	__u16 dport;
	__u32 word;
};

/* The transport header of a packet that is as plain as most; in p its addresses and protocol. */
static __always_inline struct ebn_known_l4 *ebn_known_read(const struct __sk_buff *skb, struct ebn_pkt *p,
							   const bool v6)
{
	void *ip = ebn_data(skb) + EBN_ETH_LEN;
	struct ebn_known_l4 *l4 = ip + (v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4));
	struct ebn_ip4 *ip4 = ip;
	struct ebn_ip6 *ip6 = ip;

	if ((void *)(l4 + 1) > ebn_data_end(skb))
		return 0;
	if (v6) {
		p->proto = ip6->next;
		__builtin_memcpy(p->src, ip6->src, sizeof(p->src));
		__builtin_memcpy(p->dst, ip6->dst, sizeof(p->dst));
	} else {
		if (ip4->version_ihl != 0x45 || ip4->frag & bpf_htons(EBN_IP4_MF | EBN_IP4_OFFSET))
			return 0;
		p->proto = ip4->proto;
		p->src[0] = p->src[1] = p->dst[0] = p->dst[1] = 0;
		p->src[2] = p->dst[2] = EBN_MAPPED;
		p->src[3] = ip4->src;
		p->dst[3] = ip4->dst;
	}
	if (p->proto != EBN_PROTO_TCP && p->proto != EBN_PROTO_UDP)
		return 0;
	p->sport = l4->sport;
	p->dport = l4->dport;
	p->ask = 0;
	return l4;
}

/* The endpoint that sent it: by the device it came from, proven by its address. Row + 1, or 0. */
static __always_inline __u32 ebn_known_ep(const struct ebn_view *v, __u32 ifindex, struct ebn_run *run, const bool v6)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep = 0;
	__u32 row = ebn_ep_by_ifindex(v, ifindex, &ep);

	if (!row || !ep)
		return 0;
	run->p.zone = ep->zone;
	run->nat_owner = run->p.sport | ep->incarnation << 16;
	run->nat_row = row;
	if (!v6)
		return ep->addr4 && ep->addr4 == run->p.src[3] ? row : 0;
	line6 = ebn_ep_line6(v, row - 1);
	return line6 && !ebn_addr_zero6(line6->addr6) && ebn_addr_eq6(line6->addr6, run->p.src) ? row : 0;
}

/* The flow's port, run->r the flow and run->nat its reservation; 0: it has none, or not this one. */
static __always_inline __u16 ebn_known_port(struct ebn_run *run, const __u32 *addr, const bool v6)
{
	struct ebn_flow_ref *r = &run->r;
	__u16 port;
	__u32 hi;

	r->torn = 0;
	r->now = ebn_tick();
	hi = ebn_ct_place(&run->p, r, v6);
	ebn_flow_ref_hash(v6, r);
	if (ebn_flow_find_table(v6, r) != EBN_FLOW_HIT)
		return 0;
	port = hi ? r->row[0] : r->row[1];
	if (!(EBN_CTL_FLAGS(r->ctl) & EBN_FF_NAT) || hi != (EBN_CTL_FLAGS(r->ctl) & EBN_FF_INIT_HI) || !port)
		return 0;
	__builtin_memcpy(run->p.src, addr, sizeof(run->p.src));
	run->p.sport = port;
	run->p.zone = EBN_ZONE_NAT;
	r = &run->nat;
	r->torn = 0;
	r->now = run->r.now;
	ebn_ct_place(&run->p, r, v6);
	ebn_flow_ref_hash(v6, r);
	if (ebn_flow_find_table(v6, r) != EBN_FLOW_HIT || !ebn_nat_is_mine(run))
		return 0;
	return port;
}

static __always_inline int ebn_nat_known(struct __sk_buff *skb, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_nat_row *row;
	struct ebn_known_l4 *l4;
	struct ebn_rewrite *w;
	struct ebn_view v;
	__u16 port;
	__u32 at, places;

	if (!run || ebn_view_open(&v))
		return EBN_NAT_NONE;
	/* verifier: by way of memory, what is behind is followed once */
	EBN_WRITE(run->p.nat_off, ebn_nat_row_find(&v, skb->ifindex));
	at = EBN_READ(run->p.nat_off);
	if (!at)
		return EBN_NAT_NO_ROW;
	row = ebn_nat_line(&v, at);
	if (!row || !(row->flags & (v6 ? EBN_NAT_F_IP6 : EBN_NAT_F_IP4)) || ebn_addr_zero6(row->addr[v6]) ||
	    !ebn_known_read(skb, &run->p, v6))
		return EBN_NAT_NONE;
	w = &run->w;
	__builtin_memcpy(w->from, run->p.src, sizeof(w->from));
	w->from_port = run->p.sport;
	run->p.row[0] = ebn_known_ep(&v, skb->ingress_ifindex, run, v6);
	if (!run->p.row[0])
		return EBN_NAT_NONE;
	__builtin_memcpy(w->to, row->addr[v6], sizeof(w->to));
	port = ebn_known_port(run, w->to, v6);
	if (!port)
		return EBN_NAT_NONE;
	ebn_nat_follow(&run->nat, EBN_CTL_STATE(run->r.ctl), v6);
	w->to_port = port;
	w->diff = ebn_sum_fold(ebn_rewrite_diff(w, v6));
	if (!(v6 ? ebn_rewrite_ip6(skb, w, 0) : ebn_rewrite_ip4(skb, w, 0)))
		return EBN_R_WRITE;
	at = EBN_ETH_LEN + (v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4));
	l4 = ebn_data(skb) + at;
	if ((void *)(l4 + 1) > ebn_data_end(skb))
		return EBN_R_WRITE;
	l4->sport = port;
	EBN_WRITE(w->places, run->p.proto == EBN_PROTO_TCP ? EBN_PLACES_OF(0, 16, 0) :
							     EBN_PLACES_OF(0, 6, BPF_F_MARK_MANGLED_0));
	places = EBN_READ(w->places);
	return ebn_rewrite_sum(skb, at + (places >> 8 & 0xff), w, places >> 16, v6) ? EBN_NAT_DONE : EBN_R_WRITE;
}

__attribute__((noinline)) int ebn_nat4_known(struct __sk_buff *skb)
{
	return ebn_nat_known(skb, false);
}

__attribute__((noinline)) int ebn_nat6_known(struct __sk_buff *skb)
{
	return ebn_nat_known(skb, true);
}

#endif
