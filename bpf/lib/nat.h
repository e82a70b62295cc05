/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Masquerade: what endpoints send leaves the node with the device's address and a port of its range; answers find their way
 * back. Why and how: docs/nat.md; the two entries of a flow: ebn_flow.h.
 *
 *	ebn_nat_out(skb, p, off, v6)	p as the endpoint sent it, row[0] and zone its own
 *	ebn_nat4_in(skb, p, off)	p as it came, to the device's address
 *	off: the device's row, ebn_nat_row_of(), ebn_nat_row_at()
 *	EBN_NAT_DONE the packet is translated, EBN_NAT_NONE it is not to be, else the reason for a drop
 *
 * The reservation {node, peer} is the only thing that makes a port a flow's, and an insert is the only way to get one: of two
 * flows that want the same, one is told that it is there. Everything else is a hint.
 *
 * Which port: a few tries spread over the range from a place that the flow's hash names, so that a flow that was forgotten gets
 * the same port again; then a walk over the whole range, from where the last one for this destination ended. So a port is found
 * while there is one. When there was none, that is remembered for a tick, or each packet would walk the range.
 */
#ifndef EBN_LIB_NAT_H
#define EBN_LIB_NAT_H

#include "lib/conntrack.h"
#include "lib/endpoint.h"
#include "lib/frag.h"
#include "lib/icmp.h"
#include "lib/rewrite.h"
#include "lib/service_flow.h"

#define EBN_NAT_DONE 0
#define EBN_NAT_NONE (-1)
#define EBN_NAT_RESERVE_LO (-2)	/* a port is needed; the endpoint is the lower end of the flow's key */
#define EBN_NAT_RESERVE_HI (-3)
#define EBN_NAT_NO_ROW (-4)	/* the device does not masquerade */

#define EBN_NAT_TRIES 16
#define EBN_NAT_HINTS 1024u
#define EBN_PROTO_DCCP 33
#define EBN_PROTO_UDPLITE 136

/* By destination, several may share one: a hint that is another's costs a longer walk. */
struct ebn_nat_hint {
	__u32 dest;
	__u32 at;		/* offset in the range at which the last walk ended */
	__u32 full;		/* tick + 1 in which there was no port; 0: none */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBN_NAT_HINTS);
	__type(key, __u32);
	__type(value, struct ebn_nat_hint);
} ebn_nat_hint SEC(".maps");

/* ---- rows ---- */

#define EBN_NAT_ROW_OFF(slot, i) ((slot).off + (i) * (__u32)sizeof(struct ebn_nat_row))

/* The row's first line. */
static __always_inline const struct ebn_nat_row *ebn_nat_line(const struct ebn_view *v, __u32 off)
{
	return ebn_node_line(v, off);
}

/** The row of the device with this number, 0: it does not masquerade. */
static __always_inline __u32 ebn_nat_row_find(const struct ebn_view *v, __u32 ifindex)
{
	struct ebn_slot slot = ebn_view_slot(v, EBN_P_NAT);
	const struct ebn_nat_row *row;
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_NAT_ROWS && i < slot.n; i++) {
		row = ebn_nat_line(v, EBN_NAT_ROW_OFF(slot, i));
		if (row && row->ifindex == ifindex)
			return EBN_NAT_ROW_OFF(slot, i);
	}
	return 0;
}

__attribute__((noinline)) __u32 ebn_nat_row_of(__u32 ifindex)
{
	struct ebn_view v;

	return ebn_view_open(&v) ? 0 : ebn_nat_row_find(&v, ifindex);
}

/** The row that translates to this address, 0: none. Answers may come by another device than the question left by. */
__attribute__((noinline)) __u32 ebn_nat_row_at(struct ebn_address *addr, __u32 v6)
{
	const struct ebn_nat_row *row;
	struct ebn_slot slot;
	const __u32 *is;
	struct ebn_view v;
	__u32 i;

	if (!addr || ebn_view_open(&v))
		return 0;
	slot = ebn_view_slot(&v, EBN_P_NAT);
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_NAT_ROWS && i < slot.n; i++) {
		row = ebn_nat_line(&v, EBN_NAT_ROW_OFF(slot, i));
		if (!row)
			return 0;
		is = row->addr[v6 & 1];
		/* verifier: one comparison, not four branches */
		if (!((is[0] ^ addr->a[0]) | (is[1] ^ addr->a[1]) | (is[2] ^ addr->a[2]) | (is[3] ^ addr->a[3])))
			return EBN_NAT_ROW_OFF(slot, i);
	}
	return 0;
}

struct ebn_nat_look {
	__u32 addr[4];
	__u32 off;		/* of the prefixes */
	__u32 kept;
};

static long ebn_nat4_look(__u32 i, void *arg)
{
	const struct ebn_nat_prefix4 *k;
	struct ebn_nat_look *l = arg;
	struct ebn_view v;

	if (ebn_view_open(&v))
		return 1;
	k = ebn_node_at(&v, l->off + i * sizeof(*k), sizeof(*k));
	l->kept = k && !((l->addr[3] ^ k->addr) & k->mask);
	return l->kept;
}

static long ebn_nat6_look(__u32 i, void *arg)
{
	const struct ebn_nat_prefix6 *k;
	struct ebn_nat_look *l = arg;
	struct ebn_view v;

	if (ebn_view_open(&v))
		return 1;
	k = ebn_node_at(&v, l->off + i * sizeof(*k), sizeof(*k));
	l->kept = k && !(((l->addr[0] ^ k->addr[0]) & k->mask[0]) | ((l->addr[1] ^ k->addr[1]) & k->mask[1]) |
			 ((l->addr[2] ^ k->addr[2]) & k->mask[2]) | ((l->addr[3] ^ k->addr[3]) & k->mask[3]));
	return l->kept;
}

/** Is the destination one that is left as it is? */
__attribute__((noinline)) int ebn_nat_kept(struct ebn_address *addr, __u32 off, __u32 v6)
{
	const struct ebn_nat_row *row;
	struct ebn_nat_look l = {};
	struct ebn_view v;
	__u32 n;

	if (!addr || ebn_view_open(&v))
		return 0;
	row = ebn_nat_line(&v, off);
	if (!row)
		return 0;
	n = v6 ? row->n6 : row->n4;
	if (!n || n > EBN_NAT_PREFIXES)
		return 0;
	__builtin_memcpy(l.addr, addr->a, sizeof(l.addr));
	l.off = off +
		(v6 ? __builtin_offsetof(struct ebn_nat_row, keep6) : __builtin_offsetof(struct ebn_nat_row, keep4));
	/* verifier: a callback is followed once, a loop as often as it may turn */
	if (v6)
		bpf_loop(n, ebn_nat6_look, &l, 0);
	else
		bpf_loop(n, ebn_nat4_look, &l, 0);
	return (int)l.kept;
}

/* ---- reservations ---- */

static __always_inline bool ebn_nat_has_port(__u8 proto)
{
	return proto == EBN_PROTO_TCP || proto == EBN_PROTO_UDP || proto == EBN_PROTO_SCTP || proto == EBN_PROTO_ICMP ||
	       proto == EBN_PROTO_ICMP6;
}

/* Finds the reservation of p's tuple, whose one end is the node's. */
static __always_inline int ebn_nat_find(struct ebn_pkt *p, struct ebn_flow_ref *n, const bool v6)
{
	p->zone = EBN_ZONE_NAT;
	n->torn = 0;
	n->now = ebn_tick();
	ebn_ct_place(p, n, v6);
	ebn_flow_ref_hash(v6, n);
	return ebn_flow_find(v6, n);
}

/* By the owner's row, 0 of another node's endpoint: then its address and port, run->w.from, count. */
static __always_inline bool ebn_nat_is_mine(const struct ebn_run *run)
{
	const struct ebn_flow_ref *n = &run->nat;
	__u16 row = run->p.hi & 1 ? n->row[1] : n->row[0];

	return EBN_CTL_FLAGS(n->ctl) & EBN_FF_NAT && row == (__u16)run->nat_row && n->aux == run->nat_owner;
}

static __always_inline bool ebn_nat_is_from(struct ebn_run *run, const bool v6)
{
	const struct ebn_rewrite *w = &run->w;

	return ebn_svc_says(run, v6) && run->svc.w0 == ebn_svc_word(w->from, 0) &&
	       run->svc.w1 == ebn_svc_word(w->from, 1) && run->svc.port == w->from_port;
}

/* Nobody has used the port for as long as its flow may idle; the sweep has not come by yet. */
static __always_inline bool ebn_nat_expired(const struct ebn_flow_ref *n, __u8 proto)
{
	const struct ebn_live *live;
	struct ebn_view v;
	__s32 idle = (__s32)(n->now - n->seen);

	if (ebn_view_open(&v))
		return false;
	live = ebn_node_live(&v);
	if (idle < 0)
		return false;
	return (__u32)idle >
	       EBN_READ(live->idle_ticks[(ebn_flow_idle_of[proto] >> (4 * (EBN_CTL_STATE(n->ctl) & 7))) & 7]);
}

enum ebn_nat_try {
	EBN_NAT_TAKEN,		/* another flow's, or another CPU is at it */
	EBN_NAT_MINE,		/* this flow's already */
	EBN_NAT_GIVEN,		/* this flow's from now on */
	EBN_NAT_NO_ROOM,	/* the flow table is full */
};

/* One port, in host order: whose is it? Nobody's: it is the flow's. p.src is the node's address already. */
static __always_inline int ebn_nat_try(__u32 port, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_flow_body *body;
	struct ebn_flow_ref *n;
	__u32 hi;
	int rc;

	if (!run)
		return EBN_NAT_NO_ROOM;
	n = &run->nat;
	run->p.sport = bpf_htons((__u16)port);
	if (ebn_nat_find(&run->p, n, v6) == EBN_FLOW_HIT) {
		if (ebn_nat_is_mine(run) && (run->nat_row || ebn_nat_is_from(run, v6)))
			return EBN_NAT_MINE;
		if (!ebn_nat_expired(n, run->p.proto) || !ebn_flow_kill(v6, n))
			return EBN_NAT_TAKEN;
	}
	hi = run->p.hi & 1;
	body = &run->body;
	__builtin_memset(body, 0, sizeof(*body));
	body->ctl = EBN_CTL(0, EBN_CTL_STATE(run->r.ctl), EBN_FF_NAT | (hi ? EBN_FF_INIT_HI : 0), 0);
	body->aux = run->nat_owner;
	body->seen = n->now;
	body->decision = (__u16)run->nat_id;
	body->row[hi] = (__u16)run->nat_row;
	if (!run->nat_row) {
		body->bytes[0] = ebn_svc_word(run->w.from, 0);
		body->bytes[1] = ebn_svc_word(run->w.from, 1);
		body->packets[0] = run->w.from_port | EBN_CARRY_MARK << 16;
	}
	rc = ebn_flow_insert(v6, n, body);
	if (rc == EBN_FLOW_INSERTED)
		return EBN_NAT_GIVEN;
	return rc == EBN_FLOW_FULL ? EBN_NAT_NO_ROOM : EBN_NAT_TAKEN;
}

__attribute__((noinline)) int ebn_nat4_try(__u32 port)
{
	return ebn_nat_try(port, false);
}

__attribute__((noinline)) int ebn_nat6_try(__u32 port)
{
	return ebn_nat_try(port, true);
}

/* The walk over the range: a slice of bpf_loop() for each port. */
struct ebn_nat_walk {
	__u32 at;
	__u32 min;
	__u32 n;
	__u32 rc;		/* enum ebn_nat_try */
};

static __always_inline long ebn_nat_step(struct ebn_nat_walk *w, const bool v6)
{
	w->rc = v6 ? ebn_nat6_try(w->min + w->at) : ebn_nat4_try(w->min + w->at);
	if (++w->at >= w->n)
		w->at = 0;
	return w->rc != EBN_NAT_TAKEN;
}

static long ebn_nat4_step(__u32 i, void *walk)
{
	(void)i;
	return ebn_nat_step(walk, false);
}

static long ebn_nat6_step(__u32 i, void *walk)
{
	(void)i;
	return ebn_nat_step(walk, true);
}

/* Whose ports are used up is by destination: that is what the hints are kept by. */
static __always_inline __u64 ebn_nat_dest(const struct ebn_pkt *p)
{
	__u64 w[3];

	w[0] = p->dst[0] | (__u64)p->dst[1] << 32;
	w[1] = p->dst[2] | (__u64)p->dst[3] << 32;
	w[2] = (p->src[3] ^ p->src[2]) | (__u64)p->dport << 32 | (__u64)p->proto << 48;
	return ebn_flow_hash(w, 3, ebn_cfg.flow_seed[1], ebn_cfg.flow_seed[0]);
}

static __always_inline int ebn_nat_search(const struct ebn_run *run, __u32 min, __u32 max, const bool v6)
{
	__u64 dest = ebn_nat_dest(&run->p), h = run->r.hash;
	struct ebn_nat_walk w = { .min = min, .n = max - min + 1, .rc = EBN_NAT_TAKEN };
	__u32 key = (__u32)dest & (EBN_NAT_HINTS - 1), at, step, i;
	struct ebn_nat_hint *hint = bpf_map_lookup_elem(&ebn_nat_hint, &key);

	if (!hint)
		return EBN_NAT_NO_ROOM;
	dest >>= 32;
	if (EBN_READ(hint->dest) == (__u32)dest && EBN_READ(hint->full) == run->r.now + 1)
		return EBN_NAT_TAKEN;
	at = (__u32)((h & 0xffffffff) * w.n >> 32);
	step = (__u32)((h >> 32) * w.n >> 32) | 1;
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_NAT_TRIES; i++) {
		w.rc = v6 ? ebn_nat6_try(min + at) : ebn_nat4_try(min + at);
		if (w.rc != EBN_NAT_TAKEN)
			return (int)w.rc;
		at += step;
		if (at >= w.n)
			at -= w.n;
		if (at >= w.n)
			at = 0;
	}
	w.at = EBN_READ(hint->dest) == (__u32)dest && EBN_READ(hint->at) < w.n ? EBN_READ(hint->at) : at;
	bpf_loop(w.n, v6 ? ebn_nat6_step : ebn_nat4_step, &w, 0);
	EBN_WRITE(hint->dest, (__u32)dest);
	EBN_WRITE(hint->at, w.at);
	EBN_WRITE(hint->full, w.rc == EBN_NAT_TAKEN ? run->r.now + 1 : 0);
	if (w.rc != EBN_NAT_TAKEN)
		ebn_count(EBN_C_NAT_SCAN);
	return (int)w.rc;
}

/* The reservation is seen when the flow is, and in its state: they expire together. */
static __always_inline void ebn_nat_follow(struct ebn_flow_ref *n, __u32 state, const bool v6)
{
	struct ebn_flow_body *e = ebn_flow_body(v6, n);

	if (!e)
		return;
	if (n->seen != n->now)
		EBN_WRITE(e->seen, n->now);
	if (EBN_CTL_STATE(n->ctl) != state)
		ebn_flow_update(e, n, state, EBN_CTL_FLAGS(n->ctl), EBN_CTL_EPOCH(n->ctl));
}

/* ---- out ---- */

/* May a flow of this kind be given a port? Of ICMP, echo requests: they have an identifier that may be another. */
static __always_inline enum ebn_reason ebn_nat_may_begin(const struct ebn_pkt *p, const bool v6)
{
	if (p->evf & EBN_EVF_RELATED)
		return EBN_R_ICMP_UNKNOWN;
	if (p->frag == EBN_FRAG_LATER)
		return EBN_R_FRAGMENT_UNKNOWN;
	if (p->proto == (v6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP))
		return p->icmp_type == (v6 ? EBN_ICMP6_ECHO : EBN_ICMP_ECHO) ? EBN_R_NONE : EBN_R_L4_PROTOCOL;
	/* checksums over addresses that nobody here knows how to change, or that nobody may */
	if (p->proto == EBN_PROTO_DCCP || p->proto == EBN_PROTO_UDPLITE || p->proto == EBN_PROTO_AH)
		return EBN_R_L4_PROTOCOL;
	return EBN_R_NONE;
}

/* The rewrite to the device's address, and who asks for it. */
static __always_inline enum ebn_reason ebn_nat_begin(struct ebn_run *run, const struct ebn_view *v,
						     const struct ebn_nat_row *row, const bool v6)
{
	const struct ebn_ep_row *ep = ebn_ep_line(v, run->p.row[0] - 1);
	struct ebn_rewrite *w = &run->w;

	if (!ep)
		return EBN_R_TABLES;
	__builtin_memcpy(w->from, run->p.src, sizeof(w->from));
	w->from_port = run->p.sport;
	__builtin_memcpy(w->to, row->addr[v6], sizeof(w->to));
	if (!w->to[3] && ebn_addr_zero6(w->to))
		return EBN_R_NAT_ADDRESS;
	run->nat_owner = w->from_port | ep->incarnation << 16;
	run->nat_row = run->p.row[0];
	run->nat_id = row->id;
	run->nat_min = row->port_min;
	run->nat_max = row->port_max;
	return EBN_R_NONE;
}

/* The flow learns its port. It may have changed meanwhile: then a later packet finds the reservation as its own. */
static __always_inline void ebn_nat_link(struct ebn_flow_ref *r, __u32 hi, __u16 port, const bool v6)
{
	struct ebn_flow_body *e = ebn_flow_body(v6, r);

	if (!e || !port)
		return;
	if (!(EBN_CTL_FLAGS(r->ctl) & EBN_FF_NAT) &&
	    !ebn_flow_update(e, r, EBN_CTL_STATE(r->ctl), EBN_CTL_FLAGS(r->ctl) | EBN_FF_NAT, EBN_CTL_EPOCH(r->ctl)))
		return;
	EBN_WRITE(e->row[(hi ^ 1) & 1], port);
}

/* A port of the range for p, whose source is the node's address already: p.sport, and run->nat its reservation. 0, or the reason. */
static __always_inline int ebn_nat_port(struct ebn_run *run, const bool v6)
{
	__u32 min = run->nat_min, max = run->nat_max;
	int rc;

	if (!ebn_nat_has_port(run->p.proto))
		rc = v6 ? ebn_nat6_try(0) : ebn_nat4_try(0);
	else if (!min || max < min)
		return EBN_R_TABLES;
	else
		rc = ebn_nat_search(run, min, max, v6);
	switch (rc) {
	case EBN_NAT_GIVEN:
		ebn_count(EBN_C_NAT_NEW);
		return EBN_NAT_DONE;
	case EBN_NAT_MINE:
		return EBN_NAT_DONE;
	case EBN_NAT_NO_ROOM:
		return ebn_flow_refusal(&run->nat);
	default:
		ebn_count(EBN_C_NAT_EXHAUSTED);
		return EBN_R_NAT_EXHAUSTED;
	}
}

/* A port for the flow in run->r, which learns it. */
static __always_inline int ebn_nat_reserve(__u32 hi, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	int rc = run ? ebn_nat_port(run, v6) : EBN_R_TABLES;

	if (!rc)
		ebn_nat_link(&run->r, hi, run->p.sport, v6);
	return rc;
}

__attribute__((noinline)) int ebn_nat4_reserve(__u32 hi)
{
	return ebn_nat_reserve(hi, false);
}

__attribute__((noinline)) int ebn_nat6_reserve(__u32 hi)
{
	return ebn_nat_reserve(hi, true);
}

/* The flow as its endpoint's hook recorded it, and the device's row: which translation, if any. */
static __always_inline int ebn_nat_choose(struct ebn_run *run, const struct ebn_view *v, __u32 off, const bool v6)
{
	const struct ebn_nat_row *row = ebn_nat_line(v, off);
	struct ebn_address *dst = (struct ebn_address *)run->p.dst;
	struct ebn_flow_ref *r = &run->r;
	struct ebn_pkt *p = &run->p;
	enum ebn_reason reason;
	__u16 port = 0;
	__u32 hi;

	if (!row)
		return EBN_R_TABLES;
	r->torn = 0;
	r->now = ebn_tick();
	hi = ebn_ct_place(p, r, v6);
	ebn_flow_ref_hash(v6, r);
	if (ebn_flow_find(v6, r) != EBN_FLOW_HIT)
		return ebn_nat_kept(dst, off, v6) ? EBN_NAT_NONE : EBN_R_NAT_UNKNOWN;
	/* who called the endpoint knows it by the address it called */
	if (hi != (EBN_CTL_FLAGS(r->ctl) & EBN_FF_INIT_HI))
		return EBN_NAT_NONE;
	reason = ebn_nat_begin(run, v, row, v6);
	if (EBN_CTL_FLAGS(r->ctl) & EBN_FF_NAT)
		port = hi ? r->row[0] : r->row[1];
	if (!port && ebn_nat_kept(dst, off, v6))
		return EBN_NAT_NONE;
	if (reason)
		return reason;
	__builtin_memcpy(p->src, run->w.to, sizeof(p->src));
	if (port) {
		p->sport = port;
		if (ebn_nat_find(p, &run->nat, v6) == EBN_FLOW_HIT && ebn_nat_is_mine(run))
			return EBN_NAT_DONE;
	}
	/* none yet, or none any more: the device's address is another one, or the flow leaves by another device */
	reason = ebn_nat_may_begin(p, v6);
	return reason ? (int)reason : hi ? EBN_NAT_RESERVE_HI : EBN_NAT_RESERVE_LO;
}

static __always_inline int ebn_nat_find_out(__u32 off, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_view v;

	if (!run || ebn_view_open(&v))
		return EBN_R_TABLES;
	return ebn_nat_choose(run, &v, off, v6);
}

__attribute__((noinline)) int ebn_nat4_find_out(__u32 off)
{
	return ebn_nat_find_out(off, false);
}

__attribute__((noinline)) int ebn_nat6_find_out(__u32 off)
{
	return ebn_nat_find_out(off, true);
}

static __always_inline int ebn_nat_finish(struct __sk_buff *skb, struct ebn_pkt *p, int rc, const bool v6)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return EBN_R_TABLES;
	if (rc == EBN_NAT_DONE) {
		run->w.to_port = p->sport;
		ebn_nat_follow(&run->nat, EBN_CTL_STATE(run->r.ctl), v6);
		rc = v6 ? ebn_rewrite6(skb, p, &run->w, 0) : ebn_rewrite4(skb, p, &run->w, 0);
	}
	/* a drop is reported as what the endpoint sent */
	if (rc) {
		__builtin_memcpy(p->src, run->w.from, sizeof(p->src));
		p->sport = run->w.from_port;
	}
	return rc;
}

__attribute__((noinline)) int ebn_nat4_finish(struct __sk_buff *skb, struct ebn_pkt *p, int rc)
{
	return p ? ebn_nat_finish(skb, p, rc, false) : EBN_R_TABLES;
}

__attribute__((noinline)) int ebn_nat6_finish(struct __sk_buff *skb, struct ebn_pkt *p, int rc)
{
	return p ? ebn_nat_finish(skb, p, rc, true) : EBN_R_TABLES;
}

/** Three calls side by side: on top of each other they, and the insert below them, are more than the verifier's eight. */
static __always_inline int ebn_nat_out(struct __sk_buff *skb, struct ebn_pkt *p, __u32 off, const bool v6)
{
	int rc = v6 ? ebn_nat6_find_out(off) : ebn_nat4_find_out(off);
	__u32 hi = rc == EBN_NAT_RESERVE_HI;

	if (rc == EBN_NAT_NONE || rc == EBN_R_NAT_UNKNOWN || rc == EBN_R_TABLES)
		return rc;
	if (hi || rc == EBN_NAT_RESERVE_LO)
		rc = v6 ? ebn_nat6_reserve(hi) : ebn_nat4_reserve(hi);
	return v6 ? ebn_nat6_finish(skb, p, rc) : ebn_nat4_finish(skb, p, rc);
}

/*
 * The host's own packet from the device's address: does its port belong to an endpoint's flow to the same destination? One that came
 * from elsewhere may be of a flow that the node carries: then it is its own.
 */
__attribute__((noinline)) int ebn_nat_taken(struct ebn_pkt *p, __u32 off, __u32 v6, __u32 came)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_nat_row *row;
	struct ebn_view v;
	__u16 port;
	int rc;

	if (!p || !run || ebn_view_open(&v))
		return 0;
	row = ebn_nat_line(&v, off);
	port = bpf_ntohs(p->sport);
	if (!row || port < row->port_min || port > row->port_max || !ebn_nat_has_port(p->proto))
		return 0;
	rc = v6 ? ebn_nat_find(p, &run->nat, true) : ebn_nat_find(p, &run->nat, false);
	if (rc != EBN_FLOW_HIT || ebn_nat_expired(&run->nat, p->proto))
		return 0;
	return !came || (p->hi & 1 ? run->nat.row[1] : run->nat.row[0]);
}

/* ---- in ---- */

/* p becomes the packet as its endpoint expects it. */
static __always_inline int ebn_nat_back(struct __sk_buff *skb, struct ebn_run *run, const struct ebn_view *v,
					const bool v6)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep;
	struct ebn_rewrite *w = &run->w;
	struct ebn_pkt *p = &run->p;
	bool icmp = p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6;
	__u32 row = p->hi & 1 ? run->nat.row[0] : run->nat.row[1];
	int rc;

	/* another node's endpoint: carry.h */
	if (!row)
		return EBN_NAT_NONE;
	ep = ebn_ep_line(v, row - 1);
	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_LIVE) || (__u16)ep->incarnation != run->nat.aux >> 16)
		return EBN_R_NO_ENDPOINT;
	__builtin_memcpy(w->from, p->dst, sizeof(w->from));
	w->from_port = icmp ? p->sport : p->dport;
	w->to_port = (__u16)run->nat.aux;
	if (v6) {
		line6 = ebn_ep_line6(v, row - 1);
		if (!line6)
			return EBN_R_NO_ENDPOINT;
		__builtin_memcpy(w->to, line6->addr6, sizeof(w->to));
	} else {
		w->to[0] = w->to[1] = 0;
		w->to[2] = EBN_MAPPED;
		w->to[3] = ep->addr4;
	}
	if (p->frag == EBN_FRAG_FIRST) {
		rc = ebn_frag_first(p);
		if (rc)
			return rc;
	}
	rc = v6 ? ebn_rewrite6(skb, p, w, 1) : ebn_rewrite4(skb, p, w, 1);
	if (rc)
		return rc;
	__builtin_memcpy(p->dst, w->to, sizeof(p->dst));
	if (icmp)
		p->sport = w->to_port;
	else
		p->dport = w->to_port;
	p->row[1] = row;
	p->nat = 1;
	return EBN_NAT_DONE;
}

static __always_inline int ebn_nat_in(struct __sk_buff *skb, struct ebn_pkt *p, __u32 off, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_nat_row *row;
	struct ebn_view v;
	__u16 port;

	if (!run || ebn_view_open(&v))
		return EBN_R_TABLES;
	row = ebn_nat_line(&v, off);
	if (!row)
		return EBN_R_TABLES;
	/* whatever is not known is the host's */
	p->zone = EBN_ZONE_NAT;
	if (p->frag == EBN_FRAG_LATER) {
		if (ebn_frag_later(p))
			return EBN_NAT_NONE;
	} else if (ebn_is_icmp_error(p, v6)) {
		if (v6 ? ebn_icmp6_inner(skb, p) : ebn_icmp4_inner(skb, p))
			return EBN_NAT_NONE;
	} else if (ebn_tcp_is_syn(p)) {
		/* nobody calls a masqueraded port: the host refuses it, if it does not listen there */
		return EBN_NAT_NONE;
	}
	port = bpf_ntohs(p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6 ? p->sport : p->dport);
	if (ebn_nat_has_port(p->proto) && (port < row->port_min || port > row->port_max))
		return EBN_NAT_NONE;
	if (ebn_nat_find(p, &run->nat, v6) != EBN_FLOW_HIT || !(EBN_CTL_FLAGS(run->nat.ctl) & EBN_FF_NAT))
		return EBN_NAT_NONE;
	return ebn_nat_back(skb, run, &v, v6);
}

__attribute__((noinline)) int ebn_nat4_in(struct __sk_buff *skb, struct ebn_pkt *p, __u32 off)
{
	return p ? ebn_nat_in(skb, p, off, false) : EBN_R_TABLES;
}

__attribute__((noinline)) int ebn_nat6_in(struct __sk_buff *skb, struct ebn_pkt *p, __u32 off)
{
	return p ? ebn_nat_in(skb, p, off, true) : EBN_R_TABLES;
}

/** Behind the verdict on an answer: run->r is the flow as it is now. */
static __always_inline void ebn_nat_answered(const bool v6)
{
	struct ebn_run *run = ebn_run_get();

	if (run)
		ebn_nat_follow(&run->nat, EBN_CTL_STATE(run->r.ctl), v6);
}

#endif
