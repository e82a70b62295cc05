/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A short way for what a client outside sends in a flow that is carried to a backend elsewhere (service_carry.h): both translations
 * from one program, and no route asked.
 *
 *	ebn_svc_known(skb, v6)		the action; EBN_SVC_ASK: by ebn_svc_out and ebn_svc_abroad, which look at everything
 *	ebn_svc_way(row, ...)		there, behind all questions: packets of this tick to the backend may go so
 *
 * Each flow's first packet in a tick goes the long way: it is what sees entries, asks of UDP whether its backend is still there, and
 * finds the way. So what holds here has held an eighth of a second ago at most.
 */
#ifndef EBN_LIB_SERVICE_KNOWN_H
#define EBN_LIB_SERVICE_KNOWN_H

#include "lib/carry.h"
#include "lib/leave.h"
#include "lib/parse.h"
#include "lib/run.h"
#include "lib/service_count.h"
#include "lib/service_flow.h"

#define EBN_SVC_ASK (-1)
#define EBN_SVC_WAYS 1024u

/* Where the way to a backend leads. */
struct ebn_svc_way {
	__u32 row;		/* of the backend, + 1 */
	__u32 tick;
	__u32 ifindex;
	__u16 mtu;		/* what the device takes, 65535 at most */
	__u16 overlay;		/* the device is the overlay's */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EBN_SVC_WAYS);
	__type(key, __u32);
	__type(value, struct ebn_svc_way);
} ebn_svc_way SEC(".maps");

/* A flow that goes so: what it is counted by is found before what it is carried by, which takes the place of it in run->svc. */
struct ebn_svc_short {
	struct ebn_svc_way way;
	__u32 service;
	__u32 backend;		/* row */
};

static __always_inline struct ebn_svc_way *ebn_svc_way_at(__u32 row)
{
	__u32 cell = row & (EBN_SVC_WAYS - 1);

	return bpf_map_lookup_elem(&ebn_svc_way, &cell);
}

static __always_inline void ebn_svc_way_put(const struct ebn_run *run, __u32 ifindex, bool overlay)
{
	struct ebn_svc_way *way = ebn_svc_way_at(run->svc.row);

	if (!way)
		return;
	way->row = run->svc.row + 1;
	way->tick = ebn_tick();
	way->ifindex = ifindex;
	way->mtu = run->mtu > 65535 ? 65535 : (__u16)run->mtu;
	way->overlay = overlay;
}

/* Is there nothing to say about such a packet but where it goes? */
static __always_inline bool ebn_svc_plain(const struct __sk_buff *skb, const struct ebn_pkt *p)
{
	if (p->frag || p->ttl <= 1 || skb->gso_size)
		return false;
	return p->proto == EBN_PROTO_UDP ||
	       (p->proto == EBN_PROTO_TCP && !(p->tcp_flags & (EBN_TCP_SYN | EBN_TCP_FIN | EBN_TCP_RST)));
}

/* The entry of run->nat: seen in this tick, and no packet that is plain changes its state. */
static __always_inline bool ebn_svc_settled(const struct ebn_run *run)
{
	return run->nat.seen == run->nat.now && EBN_CTL_STATE(run->nat.ctl) == EBN_FS_ESTABLISHED;
}

/*
 * The backend into p's destination and run->w, the node's address and port into run->svc. 0: the long way. A call, for the verifier.
 */
static __always_inline int ebn_svc_known_find(struct ebn_svc_short *ret, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_svc_way *way;
	struct ebn_pkt *p;

	if (!run || !ret)
		return 0;
	p = &run->p;
	if (!(v6 ? ebn_svc6_entry(0) : ebn_svc4_entry(0)) || !ebn_svc_settled(run))
		return 0;
	way = ebn_svc_way_at(run->svc.row);
	if (!way || way->row != run->svc.row + 1 || way->tick != run->nat.now || p->len > way->mtu)
		return 0;
	ret->way = *way;
	ret->service = run->svc.service;
	ret->backend = run->svc.row;
	__builtin_memcpy(run->w.from, p->dst, sizeof(p->dst));
	run->w.from_port = p->dport;
	ebn_svc_addr(run->w.to, run->svc.w0, run->svc.w1);
	run->w.to_port = run->svc.port;
	__builtin_memcpy(p->dst, run->w.to, sizeof(p->dst));
	p->dport = run->w.to_port;
	if ((v6 ? ebn_svc6_entry(EBN_KEY_CARRY) : ebn_svc4_entry(EBN_KEY_CARRY)) && ebn_svc_settled(run) &&
	    run->svc.service == EBN_CARRY_MARK && run->svc.row == EBN_SOURCE_ID)
		return 1;
	return 0;
}

__attribute__((noinline)) int ebn_svc4_known_find(struct ebn_svc_short *ret)
{
	return ebn_svc_known_find(ret, false);
}

__attribute__((noinline)) int ebn_svc6_known_find(struct ebn_svc_short *ret)
{
	return ebn_svc_known_find(ret, true);
}

/** A packet to what may be a frontend. */
static __always_inline int ebn_svc_known(struct __sk_buff *skb, const bool v6)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 1);
	struct ebn_run *run = ebn_run_get();
	struct ebn_svc_short flow = {};
	struct ebn_rewrite *w;
	int rc;

	if (!p || !run || !(ebn_ct_switches() & EBN_NODE_F_SOURCE) || ebn_parse(skb, p, v6) || !ebn_svc_plain(skb, p) ||
	    !(v6 ? ebn_svc6_known_find(&flow) : ebn_svc4_known_find(&flow)))
		return EBN_SVC_ASK;
	w = &run->w;
	rc = v6 ? ebn_rewrite6(skb, p, w, 1) : ebn_rewrite4(skb, p, w, 1);
	if (rc)
		return ebn_drop_for(p, rc);
	__builtin_memcpy(w->from, p->src, sizeof(w->from));
	w->from_port = p->sport;
	ebn_svc_addr(w->to, run->svc.w0, run->svc.w1);
	w->to_port = run->svc.port;
	rc = v6 ? ebn_rewrite6(skb, p, w, 0) : ebn_rewrite4(skb, p, w, 0);
	if (rc || !ebn_leave_hop(skb, v6))
		return ebn_drop_for(p, rc ? rc : EBN_R_WRITE);
	run->svc.service = (__u16)flow.service;
	run->svc.row = flow.backend;
	run->svc.begun = 0;
	ebn_svc_passed(0);
	return flow.way.overlay ? (int)bpf_redirect(flow.way.ifindex, 0) :
				  (int)bpf_redirect_neigh(flow.way.ifindex, 0, 0, 0);
}

#endif
