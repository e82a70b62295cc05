/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet's way by an egress gateway, and its answer's:
 *
 *	endpoint -> ebn_from_ep -> ebn_egress -> ebn_to_overlay	to the gateway, as the endpoint sent it
 *	ebn_from_overlay -> ebn_egress				there: in the node's name, out
 *	ebn_from_netdev -> ebn_carried -> ebn_to_overlay	the answer, to the endpoint's node
 *	ebn_from_overlay -> ebn_from_netdev			there: judged as what it is, the flow's answer
 *
 * A gateway that is the endpoint's own node does both halves. The stack takes no part, but in what is not the gateway's matter.
 */
#ifndef EBN_LIB_GATEWAY_H
#define EBN_LIB_GATEWAY_H

#include "lib/carry.h"
#include "lib/deliver.h"
#include "lib/icmp_error.h"
#include "lib/leave.h"
#include "lib/parse.h"
#include "lib/stage.h"

/** Behind the verdict on what an endpoint sends to nobody here: may a rule want it? Answers go back the way the question came. */
static __always_inline bool ebn_gateway_wanted(const struct ebn_view *v, const struct ebn_pkt *p)
{
	return EBN_READ(ebn_node_live(v)->flags) & EBN_NODE_F_EGRESS && !(p->evf & EBN_EVF_REPLY) &&
	       ebn_egress_mask(v, p->row[0]);
}

/* The overlay's device, 0: there is none. */
static __always_inline __u32 ebn_gateway_overlay(const struct ebn_view *v)
{
	struct ebn_slot slot = ebn_view_slot(v, EBN_P_OVERLAY);
	const struct ebn_overlay_head *head;

	if (!slot.off)
		return 0;
	head = ebn_node_line(v, slot.off);
	return head->ifindex;
}

/* Into the overlay; the program there finds out where to. */
static __always_inline int ebn_gateway_tunnel(struct __sk_buff *skb, struct ebn_run *run, __u32 ifindex, const bool v6)
{
	if (!ebn_leave_hop(skb, v6))
		return ebn_drop_for(&run->p, EBN_R_WRITE);
	return (int)bpf_redirect(ifindex, 0);
}

static __always_inline int ebn_gateway_too_big(struct __sk_buff *skb, struct ebn_pkt *p)
{
	bpf_tail_call(skb, &ebn_stage, EBN_GO_TOO_BIG);
	return ebn_drop_for(p, EBN_R_TOO_BIG);
}

/* Too large for the overlay, and there is somebody to tell. What may be cut is cut outside, where the tunnel's packets are. */
static __always_inline bool ebn_gateway_refused(struct __sk_buff *skb, struct ebn_run *run, __u32 overlay)
{
	return ebn_leave_too_big(skb, run, overlay) && ebn_icmp_too_big_told(skb, &run->p);
}

/* As ebn_from_ep leaves what no rule is about. */
static __always_inline int ebn_gateway_stack(struct __sk_buff *skb, const struct ebn_view *v, const struct ebn_pkt *p)
{
	const struct ebn_ep_row *ep = ebn_ep_line(v, p->row[0] - 1);

	return ep ? ebn_deliver_stack(skb, ep) : TC_ACT_OK;
}

/* What the overlay brought: its tuple, as a flow's. */
static __always_inline enum ebn_reason ebn_gateway_parse(struct __sk_buff *skb, struct ebn_pkt *p, const bool v6)
{
	enum ebn_reason reason = ebn_parse(skb, p, v6);

	p->zone = EBN_ZONE_SVC;
	if (reason)
		return reason;
	if (p->frag == EBN_FRAG_LATER)
		return ebn_frag_later(p);
	if (ebn_is_icmp_error(p, v6))
		return v6 ? ebn_icmp6_inner(skb, p) : ebn_icmp4_inner(skb, p);
	return p->frag == EBN_FRAG_FIRST ? ebn_frag_first(p) : EBN_R_NONE;
}

/** run->p: judged, of an endpoint here; or only looked at, from the overlay, and run->egress_id is the rule. */
static __always_inline int ebn_gateway_out(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	const struct ebn_egress_rule *rule;
	struct ebn_pkt *p = &run->p;
	struct ebn_view v;
	bool here = p->point == EBN_AT_FROM_ENDPOINT;
	__u32 off, overlay, flags;
	int ifindex, rc;

	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	if (!here) {
		rc = ebn_gateway_parse(skb, p, v6);
		if (rc)
			return ebn_drop_for(p, rc);
		off = ebn_egress_here(&v, run);
	} else {
		off = ebn_egress_of(p);
	}
	if (!off)
		return here ? ebn_gateway_stack(skb, &v, p) : ebn_drop_for(p, EBN_R_EGRESS_GATEWAY);
	rule = ebn_node_line(&v, off);
	flags = rule->flags;
	if (flags & EBN_EG_F_HERE)
		__builtin_memcpy(run->w.to, rule->addr[v6], sizeof(run->w.to));
	else
		__builtin_memcpy(run->w.to, p->src, sizeof(run->w.to));
	ifindex = ebn_leave_by(skb, p, (struct ebn_address *)run->w.to);
	/* an exceeded hop is the stack's to answer for, and nothing leaves with it */
	if (here && (ifindex == EBN_LEAVE_HOST || p->ttl <= 1))
		return ebn_gateway_stack(skb, &v, p);
	if (p->ttl <= 1)
		return ebn_drop_for(p, EBN_R_TTL);
	if (!(flags & EBN_EG_F_HERE)) {
		overlay = ebn_gateway_overlay(&v);
		if (flags & EBN_EG_F_LOST || !overlay)
			return ebn_drop_for(p, EBN_R_EGRESS_GATEWAY);
		if (ebn_gateway_refused(skb, run, overlay))
			return ebn_gateway_too_big(skb, p);
		return ebn_gateway_tunnel(skb, run, overlay, v6);
	}
	if (ifindex <= 0)
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	if (ebn_leave_too_big(skb, run, (__u32)ifindex))
		return ebn_gateway_too_big(skb, p);
	rc = ebn_carry_out(skb, run, off, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	if (!ebn_leave_hop(skb, v6))
		return ebn_drop_for(p, EBN_R_WRITE);
	return (int)bpf_redirect_neigh((__u32)ifindex, 0, 0, 0);
}

/** TC_ACT_UNSPEC: not an answer to what the node carries; p->dst is known then. */
static __always_inline int ebn_gateway_in(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	struct ebn_address *to = (struct ebn_address *)run->w.to;
	const struct ebn_overlay_node *node;
	__u32 overlay = 0, off, row;
	struct ebn_view v;
	int rc;

	if (ebn_carry_in(skb, run, v6))
		return TC_ACT_UNSPEC;
	if (run->svc.row == EBN_SOURCE_ID) {
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_HOME);
		return ebn_drop_for(p, EBN_R_TABLES);
	}
	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	ebn_svc_addr(run->w.to, run->svc.w0, run->svc.w1);
	row = ebn_endpoint_row(to);
	if (!row) {
		off = ebn_overlay_find(to);
		overlay = ebn_gateway_overlay(&v);
		if (!off || !overlay)
			return ebn_drop_for(p, EBN_R_EGRESS_GATEWAY);
		node = ebn_node_line(&v, off);
		if (node->flags & EBN_ON_F_NATIVE)
			return ebn_drop_for(p, EBN_R_EGRESS_GATEWAY);
		if (p->ttl <= 1)
			return ebn_drop_for(p, EBN_R_TTL);
		if (ebn_gateway_refused(skb, run, overlay))
			return ebn_gateway_too_big(skb, p);
	}
	rc = ebn_carry_back(skb, run, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	if (!row)
		return ebn_gateway_tunnel(skb, run, overlay, v6);
	bpf_tail_call(skb, &ebn_stage, EBN_GO_FROM_NETDEV);
	return ebn_drop_for(p, EBN_R_TABLES);
}

#endif
