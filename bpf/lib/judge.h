/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The verdict on a packet, and what follows from it before it goes on. */
#ifndef EBN_LIB_JUDGE_H
#define EBN_LIB_JUDGE_H

#include "lib/conntrack.h"
#include "lib/cut.h"
#include "lib/deliver.h"
#include "lib/frag.h"
#include "lib/icmp.h"
#include "lib/rate.h"

/* Not let through by judge(): counted, reported, and cut when that is due. */
static __always_inline int refuse(struct __sk_buff *skb, struct ebn_pkt *p, enum ebn_reason reason)
{
	int action;

	p->reason = reason;
	/* from here, not from ebn_cut(): their frames share 512 bytes of stack */
	action = ebn_drop(p);
	return p->cut ? ebn_cut(skb, p, action) : action;
}

/* The verdict on a parsed packet whose addresses may be where they are; sent: it comes from an endpoint's device. */
static __always_inline int judge(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, const bool v6,
				 const bool sent)
{
	enum ebn_reason reason = p->ttl ? EBN_R_NONE : EBN_R_TTL;

	if (!reason && p->frag == EBN_FRAG_LATER)
		reason = ebn_frag_later(p);
	else if (!reason && !p->nat && ebn_is_icmp_error(p, v6))
		reason = v6 ? ebn_icmp6_inner(skb, p) : ebn_icmp4_inner(skb, p);
	if (reason)
		return reason;
	if (ebn_track(p, v6) == EBN_V_DENY)
		return p->reason ? p->reason : EBN_R_TABLES;
	if (p->frag == EBN_FRAG_FIRST)
		reason = ebn_frag_first(p);
	return reason ? reason : ebn_rate(skb, p, v, sent);
}

/* Let through: count it, and report what is new about it. */
static __always_inline void passed(struct ebn_pkt *p)
{
	if (!p->counted) {
		if (p->row[0])
			ebn_stat_passed(p->row[0], 0, p->len);
		if (p->row[1])
			ebn_stat_passed(p->row[1], 1, p->len);
	}
	if (p->event)
		ebn_event_emit(p);
}

/* Past the stack when the endpoint's row says so and there is a hop left; the stack answers for an exceeded one. */
static __always_inline int to_local(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, const bool v6)
{
	const struct ebn_ep_row *to = ebn_ep_line(v, p->row[1] - 1);
	int action;

	if (!to)
		return ebn_drop_for(p, EBN_R_TABLES);
	if (!(EBN_READ(to->flags) & EBN_EP_F_REDIRECT) || p->ttl <= 1)
		return TC_ACT_UNSPEC;
	action = ebn_deliver_peer(skb, to, v6);
	return action < 0 ? ebn_drop_for(p, EBN_R_WRITE) : action;
}

#endif
