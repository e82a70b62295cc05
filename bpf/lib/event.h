/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reports: one record into the ring for a verdict on a new flow, a drop, the end of a flow. */
#ifndef EBN_LIB_EVENT_H
#define EBN_LIB_EVENT_H

#include "ebn_event.h"

#include "lib/maps.h"
#include "lib/node.h"
#include "lib/overlay.h"
#include "lib/pkt.h"
#include "lib/stat.h"

/* Does anybody want this kind? Without a reader nobody does, and nothing is lost. */
static __always_inline bool ebn_event_wanted(const struct ebn_live *live, __u8 type)
{
	__u32 observe = EBN_READ(live->observe);

	switch (type) {
	case EBN_EV_DROP:
		return observe & EBN_OBSERVE_DROP;
	case EBN_EV_VERDICT:
	case EBN_EV_SEEN:
		return observe & EBN_OBSERVE_NEW;
	case EBN_EV_CLOSE:
		return observe & EBN_OBSERVE_CLOSE;
	default:
		return false;
	}
}

/* Identities that no policy look-up has found yet. */
static __always_inline void ebn_event_identities(struct ebn_pkt *p)
{
	const __u32 *addr;
	int side;

	if (!(p->evf & EBN_EVF_L3))
		return;
#pragma clang loop unroll(disable)
	for (side = 0; side < 2; side++) {
		if (p->identity[side & 1])
			continue;
		addr = p->src + 4 * (side & 1);
		EBN_WRITE(p->identity[side & 1], ebn_address_identity((struct ebn_address *)addr));
	}
}

/* The number that is told: of the labels, wherever the address stands. Verifier: one function, so that it is followed once. */
__attribute__((noinline)) __u32 ebn_told(__u32 identity)
{
	struct ebn_view v;
	__u32 told = 0;

	if (identity < EBN_ID_SPLIT || identity >= EBN_ID_SCOPE_REMOTE_NODE)
		return identity;
	if (!ebn_view_open(&v))
		told = ebn_peer_class(&v, identity + 1);
	return told ? told : identity;
}

static __always_inline void ebn_event_addr(__u32 *to, const __u32 *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

static __always_inline void ebn_event_fill(struct ebn_event *e, const struct ebn_pkt *p)
{
	bool icmp = p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6;
	/* an error's tuple is the flow's: it is told as what it is, from who sent it */
	bool related = p->evf & EBN_EVF_RELATED;

	/* of the last tick: the precise clock costs as much as the record; the ring keeps the order */
	e->time_ns = bpf_ktime_get_coarse_ns();
	e->abi = EBN_EVENT_ABI;
	e->type = p->event;
	e->point = p->point;
	e->flags = p->evf;
	e->verdict = p->verdict;
	e->reason = p->reason;
	e->proto = related ? (p->v6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP) : p->proto;
	e->tcp_flags = related || p->proto != EBN_PROTO_TCP ? 0 : p->tcp_flags;
	ebn_event_addr(e->src, related ? p->outer : p->src);
	ebn_event_addr(e->dst, p->dst);
	e->sport = icmp || related ? p->icmp_type : bpf_ntohs(p->sport);
	e->dport = icmp || related ? p->icmp_code : bpf_ntohs(p->dport);
	e->len = p->len;
	e->src_identity = ebn_told(p->identity[0]);
	e->dst_identity = ebn_told(p->identity[1]);
	e->egress_decision = p->decision[EBN_EGRESS];
	e->ingress_decision = p->decision[EBN_INGRESS];
	e->ep = p->ep[p->side & 1];
	e->peer_ep = p->ep[(p->side & 1) ^ 1];
	e->ifindex = p->ifindex;
	e->epoch = p->sum;
	e->generation = p->generation;
	e->reserved[0] = e->reserved[1] = e->reserved[2] = 0;
}

/* Fills a record and hands it out. What does not fit is counted. */
__attribute__((noinline)) int ebn_event_send(struct ebn_pkt *p)
{
	const struct ebn_live *live;
	struct ebn_event *e;
	struct ebn_view v;
	__u32 wake;

	if (!p || ebn_view_open(&v))
		return 0;
	live = ebn_node_live(&v);
	ebn_event_identities(p);
	e = bpf_ringbuf_reserve(&ebn_events, sizeof(*e), 0);
	if (!e) {
		ebn_count(EBN_C_EVENT_LOST);
		return 0;
	}
	ebn_event_fill(e, p);
	wake = EBN_READ(live->wake_bytes);
	/* a reader is woken for a batch, not for every record; it looks by itself now and then */
	if (bpf_ringbuf_query(&ebn_events, BPF_RB_AVAIL_DATA) >= wake)
		bpf_ringbuf_submit(e, BPF_RB_FORCE_WAKEUP);
	else
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

/** Reports p->event, when it is wanted. */
static __always_inline void ebn_event_emit(struct ebn_pkt *p)
{
	const struct ebn_live *live = ebn_live_get();

	if (live && ebn_event_wanted(live, p->event))
		ebn_event_send(p);
}

#endif
