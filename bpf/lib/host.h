/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The host as an endpoint: which packets of a node's device are its own, and which of them pass whatever policy says. Its row
 * has no device that programs are attached to; what it exchanges with endpoints of this node is judged at theirs.
 */
#ifndef EBN_LIB_HOST_H
#define EBN_LIB_HOST_H

#include "lib/carry.h"
#include "lib/endpoint.h"
#include "lib/judge.h"
#include "lib/node.h"
#include "lib/parse.h"
#include "lib/pkt.h"
#include "lib/policy.h"

#define EBN_PROTO_IGMP 2
#define EBN_ICMP6_MLD_FIRST 130
#define EBN_ICMP6_ND_LAST 137
#define EBN_ICMP6_MLD2 143
#define EBN_HOST_NOT 1	/* of ebn_host_begin() */

/* The addresses, before anything else is asked of the packet. 0, or why not. */
static __always_inline enum ebn_reason ebn_host_addresses(struct __sk_buff *skb, struct ebn_pkt *p, const bool v6)
{
	void *ip = ebn_data(skb) + EBN_ETH_LEN;

	if (ip + (v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4)) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	if (v6) {
		__builtin_memcpy(p->src, ((struct ebn_ip6 *)ip)->src, sizeof(p->src));
		__builtin_memcpy(p->dst, ((struct ebn_ip6 *)ip)->dst, sizeof(p->dst));
	} else {
		p->src[2] = p->dst[2] = EBN_MAPPED;
		p->src[3] = ((struct ebn_ip4 *)ip)->src;
		p->dst[3] = ((struct ebn_ip4 *)ip)->dst;
	}
	return EBN_R_NONE;
}

/* The address of nobody: a host that has none yet sends from it. */
static __always_inline bool ebn_host_nobody(const __u32 *a, const bool v6)
{
	return v6 ? ebn_addr_zero6(a) : !a[3];
}

/**
 * Is the packet the host's? Then p has its row. 0: yes; EBN_HOST_NOT: it is of others, on its way through; below 0: a drop, the
 * reason negated.
 */
static __always_inline int ebn_host_begin(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, __u32 out)
{
	struct ebn_slot slot = ebn_view_slot(v, EBN_P_HOST);
	__u32 group = skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST;
	const struct ebn_host_head *head;
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	const __u32 *addr;
	__u32 row;
	bool v6;

	if (!slot.off)
		return -EBN_R_TABLES;
	head = ebn_node_line(v, slot.off);
	row = EBN_READ(head->row);
	v6 = ebn_pkt_link(skb) == EBN_ETH_IP6;
	if (v6)
		reason = ebn_host_addresses(skb, p, true);
	else
		reason = ebn_host_addresses(skb, p, false);
	if (reason)
		return -reason;
	addr = ebn_side_addr(p, out ^ 1);
	/* an endpoint's, forwarded: a service's answer has the frontend's address, which may be the host's */
	if (out && skb->ingress_ifindex && ebn_ifindex_row(v, skb->ingress_ifindex) >= 0)
		return EBN_HOST_NOT;
	if ((__u32)ebn_address_row((struct ebn_address *)addr) != row) {
		if (out ? !ebn_host_nobody(addr, v6) : !group && !ebn_is_multicast(addr, v6))
			return EBN_HOST_NOT;
	}
	ep = ebn_ep_line(v, row - 1);
	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_LIVE))
		return -EBN_R_NO_ENDPOINT;
	p->row[(out ^ 1) & 1] = row;
	p->ep[(out ^ 1) & 1] = ep->id;
	p->zone = ep->zone;
	p->soft = !(EBN_READ(ep->flags) & EBN_EP_F_ENFORCE);
	EBN_WRITE(p->v6, v6);
	return 0;
}

/*
 * What a link cannot do without, and the errors a router and a host owe to others: neighbours, groups (RFC 4861, 3810, 3376), and
 * ICMP errors on their way out.
 */
static __always_inline bool ebn_host_links(const struct ebn_pkt *p, const bool v6)
{
	if (p->frag == EBN_FRAG_LATER)
		return false;
	if (!v6)
		return p->proto == EBN_PROTO_IGMP ||
		       (!p->side && p->proto == EBN_PROTO_ICMP && ebn_icmp_is_error(p->icmp_type, false));
	if (p->proto != EBN_PROTO_ICMP6)
		return false;
	return (p->icmp_type >= EBN_ICMP6_MLD_FIRST && p->icmp_type <= EBN_ICMP6_ND_LAST) ||
	       p->icmp_type == EBN_ICMP6_MLD2 || (!p->side && ebn_icmp_is_error(p->icmp_type, true));
}

/* An entry and a packet. Verifier: one way through. */
static long ebn_host_safe_step(__u32 i, void *arg)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_host_safe *s;
	struct ebn_slot slot;
	__u32 differs, port, out, host, k;
	const __u32 *addr;
	struct ebn_view v;

	if (!run || ebn_view_open(&v))
		return 1;
	slot = ebn_view_slot(&v, EBN_P_HOST);
	if (i >= slot.n)
		return 1;
	s = ebn_node_line(&v, slot.off + EBN_LINE + i * EBN_LINE);
	host = run->p.side & 1;
	addr = ebn_side_addr(&run->p, host ^ 1);
	out = s->flags & EBN_SAFE_F_OUT;
	/* whose port counts: the host's, or the other side's */
	port = bpf_ntohs(host ^ out ? run->p.dport : run->p.sport);
	differs = s->proto && s->proto != run->p.proto;
#pragma unroll
	for (k = 0; k < 4; k++)
		differs |= (addr[k] & s->mask[k]) ^ s->addr[k];
	differs |= port < s->port_min || port > s->port_max;
	*(__u32 *)arg |= !differs;
	return !differs;
}

/** Marked as safe by the administrator? A later fragment has its first one's ports. A function, for the verifier. */
__attribute__((noinline)) int ebn_host_safe(struct ebn_pkt *p)
{
	__u32 safe = 0;

	if (!p)
		return 0;
	bpf_loop(EBN_HOST_SAFE, ebn_host_safe_step, &safe, 0);
	return (int)safe;
}

/* What comes to the host, or what it sends: the other side is somebody outside. */
static __always_inline int ebn_host_ip(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, const bool v6)
{
	enum ebn_reason reason = ebn_parse(skb, p, v6);

	if (reason)
		return ebn_drop_for(p, reason);
	if (ebn_host_links(p, v6))
		return TC_ACT_OK;
	/* from elsewhere, in the node's name */
	if (!p->side && skb->ingress_ifindex && ebn_ct_switches() & EBN_NODE_F_CARRY && ebn_carry_is(p, v6))
		return TC_ACT_OK;
	reason = judge(skb, p, v, v6, false);
	if (reason) {
		if (!ebn_host_safe(p))
			return ebn_drop_for(p, reason);
		p->event = 0;
		if (p->frag == EBN_FRAG_FIRST)
			ebn_frag_first(p);
	}
	passed(p);
	return TC_ACT_OK;
}

#endif
