/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last step of services' packets, behind translation or verdict: to the other end, past the stack or through it. */
#ifndef EBN_LIB_SERVICE_DELIVER_H
#define EBN_LIB_SERVICE_DELIVER_H

#include "lib/deliver.h"
#include "lib/endpoint.h"
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
	struct bpf_fib_lookup fib = {};
	struct ebn_pkt *p = &run->p;
	struct ebn_eth *eth;
	__u32 mtu = 0;
	int rc;

	if (p->ttl <= 1)
		return ebn_drop_for(p, EBN_R_TTL);
	fib.family = v6 ? EBN_AF_INET6 : EBN_AF_INET;
	fib.ifindex = p->ifindex;
	fib.l4_protocol = p->proto;
	if (v6) {
		__builtin_memcpy(fib.src, p->src, sizeof(fib.src));
		__builtin_memcpy(fib.dst, p->dst, sizeof(fib.dst));
	} else {
		fib.src[0] = p->src[3];
		fib.dst[0] = p->dst[3];
	}
	rc = (int)bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH && rc != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	/* of what will be cut into segments, too */
	if (bpf_check_mtu(skb, fib.ifindex, &mtu, 0, BPF_MTU_CHK_SEGS) > 0) {
		run->mtu = mtu;
		bpf_tail_call(skb, &ebn_stage, EBN_GO_TOO_BIG);
		return ebn_drop_for(p, EBN_R_TOO_BIG);
	}
	rc = ebn_svc_to_client(skb, run, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	ebn_svc_passed(1);
	eth = ebn_data(skb);
	if (v6) {
		struct ebn_ip6 *ip = (struct ebn_ip6 *)(eth + 1);

		if ((void *)(ip + 1) > ebn_data_end(skb))
			return ebn_drop_for(p, EBN_R_WRITE);
		ip->ttl--;
	} else {
		struct ebn_ip4 *ip = (struct ebn_ip4 *)(eth + 1);

		if ((void *)(ip + 1) > ebn_data_end(skb))
			return ebn_drop_for(p, EBN_R_WRITE);
		ebn_hop4(ip);
	}
	return (int)bpf_redirect_neigh(fib.ifindex, 0, 0, 0);
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
	if (!past || !to)
		return from ? ebn_deliver_stack(skb, from) : TC_ACT_OK;
	rc = ebn_deliver_peer(skb, to, v6);
	return rc < 0 ? ebn_drop_for(p, EBN_R_WRITE) : rc;
}

#endif
