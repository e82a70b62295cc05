/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clients outside, backends elsewhere: behind the service's translation (service_tc.h) the flow is carried (carry.h), so that the
 * backend answers this node.
 *
 *	ebn_svc_in -> ebn_svc_out -> ebn_svc_abroad	to the backend, by a device of the node or the overlay
 *	ebn_from_netdev -> ebn_carried -> ebn_svc_home	the answer: in the frontend's name, to the client
 *
 * Policy is asked where the backend is; it sees this node.
 */
#ifndef EBN_LIB_SERVICE_CARRY_H
#define EBN_LIB_SERVICE_CARRY_H

#include "lib/carry.h"
#include "lib/gateway.h"
#include "lib/service_count.h"
#include "lib/service_known.h"
#include "lib/service_tc.h"

/* The row of the device, 0: no client outside leaves by it. */
__attribute__((noinline)) __u32 ebn_source_of(__u32 ifindex)
{
	const struct ebn_egress_rule *row;
	struct ebn_slot slot;
	struct ebn_view v;
	__u32 i, off;

	if (ebn_view_open(&v))
		return 0;
	slot = ebn_view_slot(&v, EBN_P_SOURCE);
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_SOURCE_ROWS && i < slot.n; i++) {
		off = slot.off + i * (__u32)sizeof(*row);
		row = ebn_node_line(&v, off);
		if (row->first == ifindex)
			return off;
	}
	return 0;
}

/* Is the backend that ebn_svc_out has chosen for a client outside no endpoint of this node? A call, for the verifier. */
__attribute__((noinline)) int ebn_svc_is_abroad(void)
{
	struct ebn_run *run = ebn_run_get();

	return run && run->p.point != EBN_AT_FROM_ENDPOINT && ebn_ct_switches() & EBN_NODE_F_SOURCE &&
	       !ebn_endpoint_row((struct ebn_address *)run->w.to);
}

/* The packet is too large for its way: it becomes the client's again, to be answered. */
static __always_inline int ebn_svc_abroad_too_big(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_rewrite *w = &run->w;
	struct ebn_pkt *p = &run->p;
	__u16 port = w->from_port;
	int rc;

	__builtin_memcpy(p->dst, w->from, sizeof(p->dst));
	__builtin_memcpy(w->from, w->to, sizeof(w->from));
	__builtin_memcpy(w->to, p->dst, sizeof(w->to));
	w->from_port = w->to_port;
	w->to_port = port;
	p->dport = port;
	rc = v6 ? ebn_rewrite6(skb, p, w, 1) : ebn_rewrite4(skb, p, w, 1);
	return rc ? ebn_drop_for(p, rc) : ebn_gateway_too_big(skb, p);
}

/** Do packets of this flow go directly? (service_direct.h) */
int ebn_svc_is_direct(void);

/* run->p is the packet to the backend, run->w and run->svc are as ebn_svc_to_backend() left them. */
static __always_inline int ebn_svc_abroad_go(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	__u32 off, overlay = 0, state, flags = 0;
	const struct ebn_overlay_node *node;
	struct ebn_pkt *p = &run->p;
	struct ebn_view v;
	int ifindex, rc;

	run->svc.state = EBN_SVC_NEW;
	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	if (p->ttl <= 1)
		return ebn_drop_for(p, EBN_R_TTL);
	off = ebn_overlay_find((struct ebn_address *)p->dst);
	node = ebn_node_line(&v, off);
	if (off && !(node->flags & EBN_ON_F_NATIVE)) {
		overlay = ebn_gateway_overlay(&v);
		if (!overlay)
			return ebn_drop_for(p, EBN_R_NO_ROUTE);
		ifindex = (int)overlay;
	} else if (off && !run->svc.carry && ebn_svc_is_direct()) {
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_DIRECT);
		return ebn_drop_for(p, EBN_R_TABLES);
	} else {
		ifindex = ebn_leave_by(skb, p, (struct ebn_address *)p->src);
		if (ifindex <= 0)
			return ebn_drop_for(p, EBN_R_NO_ROUTE);
	}
	off = ebn_source_of((__u32)ifindex);
	if (!off)
		return ebn_drop_for(p, EBN_R_NAT_ADDRESS);
	if (ebn_leave_too_big(skb, run, (__u32)ifindex)) {
		if (ebn_icmp_too_big_told(skb, p))
			return ebn_svc_abroad_too_big(skb, run, v6);
		/* into the tunnel what may be cut goes, and is cut outside */
		if (!overlay)
			return ebn_drop_for(p, EBN_R_TOO_BIG);
	} else {
		ebn_svc_way_put(run, (__u32)ifindex, overlay);
	}
	ebn_svc_passed(0);
	if (!(p->evf & EBN_EVF_RELATED)) {
		state = EBN_CTL_STATE(run->nat.ctl);
		ebn_carry_state(p, false, &state, &flags);
		run->r.ctl = EBN_CTL(0, state, 0, 0);
		p->svc = EBN_SVC_DONE;
		ebn_svc_beside(run, v6);
	}
	rc = ebn_carry_out(skb, run, off, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	if (!ebn_leave_hop(skb, v6))
		return ebn_drop_for(p, EBN_R_WRITE);
	return overlay ? (int)bpf_redirect(overlay, 0) : (int)bpf_redirect_neigh((__u32)ifindex, 0, 0, 0);
}

/* run->p is the backend's answer as it came, run->nat its reservation, run->svc the client. */
static __always_inline int ebn_svc_home_go(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_rewrite *w = &run->w;
	struct ebn_pkt *p = &run->p;
	int ifindex, rc;

	if (p->ttl <= 1)
		return ebn_drop_for(p, EBN_R_TTL);
	__builtin_memcpy(w->from, p->dst, sizeof(w->from));
	ebn_svc_addr(p->dst, run->svc.w0, run->svc.w1);
	ifindex = ebn_leave_by(skb, p, (struct ebn_address *)p->src);
	__builtin_memcpy(p->dst, w->from, sizeof(p->dst));
	if (ifindex <= 0)
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	if (ebn_leave_too_big(skb, run, (__u32)ifindex))
		return ebn_gateway_too_big(skb, p);
	rc = ebn_carry_back(skb, run, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	rc = ebn_svc_to_client(skb, run, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	ebn_svc_passed(1);
	if (!ebn_leave_hop(skb, v6))
		return ebn_drop_for(p, EBN_R_WRITE);
	return (int)bpf_redirect_neigh((__u32)ifindex, 0, 0, 0);
}

#endif
