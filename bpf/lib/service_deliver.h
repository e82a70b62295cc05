/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last step of services' packets, behind translation or verdict: to the other end, past the stack or through it. */
#ifndef EBN_LIB_SERVICE_DELIVER_H
#define EBN_LIB_SERVICE_DELIVER_H

#include "lib/deliver.h"
#include "lib/endpoint.h"
#include "lib/gateway.h"
#include "lib/leave.h"
#include "lib/service_count.h"
#include "lib/service_tc.h"
#include "lib/stage.h"

/* Back to the endpoint that sent it: nobody but the endpoint has a say in what it tells itself. */
static __always_inline int ebn_svc_self_deliver(struct __sk_buff *skb, struct ebn_run *run)
{
	struct ebn_pkt *p = &run->p;
	const struct ebn_ep_row *ep;
	struct ebn_view v;
	int rc;

	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	ep = ebn_ep_line(&v, p->row[0] - 1);
	/* the stack knows no way from a device back to it */
	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_REDIRECT))
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	if (p->ttl <= 1)
		return ebn_drop_for(p, EBN_R_TTL);
	ebn_stat_passed(p->row[0], 0, p->len);
	ebn_stat_passed(p->row[0], 1, p->len);
	ebn_svc_passed(ebn_svc_is_self(p->dst, p->v6));
	rc = p->v6 ? ebn_deliver_peer(skb, ep, true) : ebn_deliver_peer(skb, ep, false);
	return rc < 0 ? ebn_drop_for(p, EBN_R_WRITE) : rc;
}

/*
 * An answer to a client outside, past the stack: that knows no way for what comes from an endpoint's device with an address of
 * the host. The neighbour is the kernel's to find.
 */
static __always_inline int ebn_svc_leave(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	int ifindex, rc;

	if (p->ttl <= 1)
		return ebn_drop_for(p, EBN_R_TTL);
	ifindex = ebn_leave_by(skb, p, (struct ebn_address *)p->src);
	if (ifindex <= 0)
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	if (ebn_leave_too_big(skb, run, (__u32)ifindex)) {
		bpf_tail_call(skb, &ebn_stage, EBN_GO_TOO_BIG);
		return ebn_drop_for(p, EBN_R_TOO_BIG);
	}
	rc = ebn_svc_to_client(skb, run, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	ebn_svc_passed(1);
	if (!ebn_leave_hop(skb, v6))
		return ebn_drop_for(p, EBN_R_WRITE);
	return (int)bpf_redirect_neigh((__u32)ifindex, 0, 0, 0);
}

/* A packet of a service's flow that was let through, on its way from one end to the other. */
static __always_inline int ebn_svc_deliver(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	const struct ebn_ep_row *from, *to;
	bool answer = p->evf & EBN_EVF_REPLY, past;
	struct ebn_view v;
	int rc = 0;

	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	if (answer && !p->row[1] && p->point == EBN_AT_FROM_ENDPOINT)
		return ebn_svc_leave(skb, run, v6);
	to = ebn_ep_line(&v, p->row[1] - 1);
	past = p->row[1] && to && EBN_READ(to->flags) & EBN_EP_F_REDIRECT && p->ttl > 1;
	if (answer && (past || p->point == EBN_AT_TO_ENDPOINT)) {
		rc = ebn_svc_to_client(skb, run, v6);
		if (rc)
			return ebn_drop_for(p, rc);
		ebn_svc_passed(1);
	} else if (!answer) {
		if (p->svc == EBN_SVC_DONE)
			ebn_svc_passed(0);
		ebn_svc_asked(run, v6);
	}
	if (p->point == EBN_AT_TO_ENDPOINT)
		return TC_ACT_OK;
	/* ebn_to_ep translates an answer that the stack brings there */
	from = ebn_ep_line(&v, p->row[0] - 1);
	if (p->point == EBN_AT_FROM_ENDPOINT && !p->row[1] && ebn_gateway_wanted(&v, p)) {
		bpf_tail_call(skb, &ebn_stage, EBN_GO_EGRESS);
		return ebn_drop_for(p, EBN_R_TABLES);
	}
	if (!past || !to)
		return from ? ebn_deliver_stack(skb, from) : TC_ACT_OK;
	rc = ebn_deliver_peer(skb, to, v6);
	return rc < 0 ? ebn_drop_for(p, EBN_R_WRITE) : rc;
}

#endif
