/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows of watched devices: tracked like endpoints' (conntrack.h), without a question asked. */
#ifndef EBN_LIB_WATCH_H
#define EBN_LIB_WATCH_H

#include "lib/conntrack.h"
#include "lib/event.h"
#include "lib/parse.h"

#define EBN_ZONE_WATCH 0xffffu	/* flows of watched devices; no endpoint has this zone */

/* A watched device's flow: 1 when it was not known and is now. Asks nothing, drops nothing. */
static __always_inline int ebn_ct_watch(struct ebn_pkt *p, struct ebn_flow_ref *r, const bool v6)
{
	struct ebn_flow_body *e;
	__u32 hi;

	p->zone = EBN_ZONE_WATCH;
	r->torn = 0;
	r->now = ebn_tick();
	hi = ebn_ct_place(p, r, v6);
	ebn_flow_ref_hash(v6, r);
	if (ebn_flow_find(v6, r) != EBN_FLOW_HIT) {
		if (ebn_ct_put(p, r, hi, v6) == EBN_FLOW_INSERTED)
			return 1;
		ebn_count(EBN_C_FLOW_UNRECORDED);
		return 0;
	}
	e = ebn_flow_body(v6, r);
	if (!e)
		return 0;
	if (EBN_CTL_STATE(r->ctl) == EBN_FS_CLOSING && ebn_tcp_is_syn(p)) {
		ebn_ct_renew(p, e, hi);
		return ebn_flow_update(e, r, EBN_FS_HALF_OPEN, ebn_ct_init_flags(p, hi), 0);
	}
	if (hi != (EBN_CTL_FLAGS(r->ctl) & EBN_FF_INIT_HI))
		p->evf |= EBN_EVF_REPLY;
	if (!ebn_ct_quiet(p, EBN_CTL_STATE(r->ctl)))
		ebn_ct_step(p, r, e, hi);
	ebn_flow_count(e, r, hi, 1, p->len);
	return 0;
}

__attribute__((noinline)) int ebn_ct4_watch(struct ebn_pkt *p, struct ebn_flow_ref *r)
{
	return p && r ? ebn_ct_watch(p, r, false) : 0;
}

__attribute__((noinline)) int ebn_ct6_watch(struct ebn_pkt *p, struct ebn_flow_ref *r)
{
	return p && r ? ebn_ct_watch(p, r, true) : 0;
}

static __always_inline int ebn_watch_flow(struct ebn_pkt *p, const bool v6)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return 0;
	return v6 ? ebn_ct6_watch(p, &run->r) : ebn_ct4_watch(p, &run->r);
}

/* Reports a flow that was not known. Nothing is dropped here, and nothing changed. */
static __always_inline int ebn_watch(struct __sk_buff *skb, struct ebn_pkt *p)
{
	int new = 0;

	switch (ebn_pkt_link(skb)) {
	case EBN_ETH_IP4:
		if (!ebn_parse(skb, p, false) && p->frag != EBN_FRAG_LATER)
			new = ebn_watch_flow(p, false);
		break;
	case EBN_ETH_IP6:
		if (!ebn_parse(skb, p, true) && p->frag != EBN_FRAG_LATER)
			new = ebn_watch_flow(p, true);
		break;
	}
	if (new)
		p->event = EBN_EV_SEEN;
	if (p->event)
		ebn_event_emit(p);
	return TC_ACT_OK;
}

#endif
