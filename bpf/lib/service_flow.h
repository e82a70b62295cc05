/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows to services, as the flow table keeps them beside the flow itself (ebn_flow.h): what became of a frontend's address, and
 * which frontend a backend's answer is from. The three are seen together, and in one state, so that they expire together.
 *
 *	ebn_svc4_entry(back)	the entry of run->p's tuple: 1, what it says is in run->svc and run->nat names it
 *	ebn_svc_flow(p)		behind the verdict on a packet: is there more to do?
 */
#ifndef EBN_LIB_SERVICE_FLOW_H
#define EBN_LIB_SERVICE_FLOW_H

#include "lib/active.h"
#include "lib/conntrack.h"
#include "lib/run.h"

static __always_inline __u64 ebn_svc_word(const __u32 *addr, int i)
{
	return addr[2 * i] | (__u64)addr[2 * i + 1] << 32;
}

static __always_inline void ebn_svc_addr(__u32 *addr, __u64 w0, __u64 w1)
{
	addr[0] = (__u32)w0;
	addr[1] = (__u32)(w0 >> 32);
	addr[2] = (__u32)w1;
	addr[3] = (__u32)(w1 >> 32);
}

/*
 * What the entry says, unless it changed hands meanwhile: its tag is read behind its words, and depends on them. The port first:
 * an entry that moves to another table (ebn_old_move) gets its words one by one, the port behind the address.
 */
static __always_inline int ebn_svc_says(struct ebn_run *run, const bool v6)
{
	struct ebn_flow_ref *r = &run->nat;
	struct ebn_flow_body *e = ebn_flow_body(v6, r);
	__u64 *set = ebn_flow_set(v6, r->set), words;
	__u32 port;

	if (!e || !set)
		return 0;
	port = EBN_READ(e->packets[0]);
	if (!port)
		return 0;
	e = (struct ebn_flow_body *)((__u8 *)e + ebn_dep(port));
	run->svc.w0 = EBN_READ(e->bytes[0]);
	run->svc.w1 = EBN_READ(e->bytes[1]);
	run->svc.serial = EBN_READ(e->packets[1]);
	run->svc.port = (__u16)port;
	run->svc.service = (__u16)(port >> 16);
	run->svc.row = r->aux;
	words = run->svc.w0 | run->svc.w1 | run->svc.serial;
	return EBN_READ(*(__u64 *)((__u8 *)&set[r->way & (EBN_FLOW_WAYS - 1)] + ebn_dep(words))) == r->tag;
}

/* back: 0, EBN_KEY_BACK or EBN_KEY_CARRY */
static __always_inline int ebn_svc_entry(__u32 back, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_flow_ref *r;
	struct ebn_pkt *p;
	__u16 zone;

	if (!run)
		return 0;
	r = &run->nat;
	p = &run->p;
	zone = p->zone;
	p->zone = EBN_ZONE_SVC;
	r->torn = 0;
	r->now = ebn_tick();
	ebn_ct_place(p, r, v6);
	p->zone = zone;
	r->w[v6 ? 4 : 1] |= (__u64)(back & (EBN_KEY_BACK | EBN_KEY_CARRY)) << 40;
	ebn_flow_ref_hash(v6, r);
	return ebn_flow_find(v6, r) == EBN_FLOW_HIT ? ebn_svc_says(run, v6) : 0;
}

__attribute__((noinline)) int ebn_svc4_entry(__u32 back)
{
	return ebn_svc_entry(back, false);
}

__attribute__((noinline)) int ebn_svc6_entry(__u32 back)
{
	return ebn_svc_entry(back, true);
}

/* The entry that was not found is made, to say what run->svc does: EBN_FLOW_INSERTED, HIT, BUSY, FULL. */
static __always_inline int ebn_svc_put(__u32 state, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_flow_body *body;
	__u32 hi;

	if (!run)
		return EBN_FLOW_FULL;
	body = &run->body;
	hi = run->p.hi & 1;
	__builtin_memset(body, 0, sizeof(*body));
	body->ctl = EBN_CTL(0, state & 0xff, hi ? EBN_FF_INIT_HI : 0, 0);
	/* the source is the client */
	body->row[hi] = (__u16)run->p.row[0];
	body->bytes[0] = run->svc.w0;
	body->bytes[1] = run->svc.w1;
	body->packets[0] = run->svc.port | (__u32)run->svc.service << 16;
	body->packets[1] = run->svc.serial;
	body->aux = run->svc.row;
	body->seen = run->nat.now;
	return ebn_flow_insert(v6, &run->nat, body);
}

__attribute__((noinline)) int ebn_svc4_put(__u32 state)
{
	return ebn_svc_put(state, false);
}

__attribute__((noinline)) int ebn_svc6_put(__u32 state)
{
	return ebn_svc_put(state, true);
}

/* The entry in run->nat is seen when the flow is, and in its state. 1: it was not yet. */
static __always_inline int ebn_svc_follow(struct ebn_run *run, const bool v6)
{
	struct ebn_flow_ref *n = &run->nat;
	__u32 state = EBN_CTL_STATE(run->r.ctl), was;
	struct ebn_flow_body *e;

	if (n->seen == n->now && EBN_CTL_STATE(n->ctl) == state)
		return 0;
	e = ebn_flow_body(v6, n);
	if (!e)
		return 0;
	EBN_WRITE(e->seen, n->now);
	was = EBN_CTL_STATE(n->ctl);
	if (was == state || !ebn_flow_update(e, n, state, EBN_CTL_FLAGS(n->ctl), 0))
		return 1;
	/* the frontend's entry counts for both; who has changed it counts */
	if ((was == EBN_FS_CLOSING || state == EBN_FS_CLOSING) && !(n->w[v6 ? 4 : 1] & (__u64)EBN_KEY_BACK << 40))
		ebn_active_flow(n->aux, state == EBN_FS_CLOSING ? -1 : 1);
	return 1;
}

/* The flow says that it is to a service when its initiator's packets are: it may have been to the backend itself before. */
static __always_inline void ebn_svc_mark(struct ebn_run *run, const bool v6)
{
	struct ebn_flow_ref *r = &run->r;
	__u8 flags = EBN_CTL_FLAGS(r->ctl), want = run->p.svc == EBN_SVC_DONE ? EBN_FF_SVC : 0;
	struct ebn_flow_body *e;

	if (!r->ctl || (flags & EBN_FF_SVC) == want)
		return;
	e = ebn_flow_body(v6, r);
	if (e)
		ebn_flow_update(e, r, EBN_CTL_STATE(r->ctl), (flags & ~EBN_FF_SVC) | want, EBN_CTL_EPOCH(r->ctl));
}

/* What stands beside a client's flow is seen, and in its state: run->r's. */
static __always_inline void ebn_svc_beside(struct ebn_run *run, const bool v6)
{
	/* run->nat is the frontend's entry; now and then the backend's, which answers alone would keep */
	if (run->p.svc != EBN_SVC_DONE || !ebn_svc_follow(run, v6))
		return;
	if (v6 ? ebn_svc6_entry(EBN_KEY_BACK) : ebn_svc4_entry(EBN_KEY_BACK)) {
		ebn_svc_follow(run, v6);
		return;
	}
	run->svc.w0 = ebn_svc_word(run->w.from, 0);
	run->svc.w1 = ebn_svc_word(run->w.from, 1);
	run->svc.port = run->w.from_port;
	if (v6)
		ebn_svc6_put(EBN_CTL_STATE(run->r.ctl));
	else
		ebn_svc4_put(EBN_CTL_STATE(run->r.ctl));
}

/* A client's packet that was let through. */
static __always_inline void ebn_svc_asked(struct ebn_run *run, const bool v6)
{
	if (run->p.evf & EBN_EVF_RELATED)
		return;
	ebn_svc_mark(run, v6);
	ebn_svc_beside(run, v6);
}

/** Behind the verdict: has ebn_svc_back to see the packet? */
static __always_inline bool ebn_svc_flow(const struct ebn_pkt *p)
{
	const struct ebn_run *run = ebn_run_get();

	if (!run)
		return false;
	if (p->svc == EBN_SVC_DONE)
		return true;
	return EBN_CTL_FLAGS(run->r.ctl) & EBN_FF_SVC && (p->point == EBN_AT_FROM_ENDPOINT || p->evf & EBN_EVF_REPLY);
}

/** The verdict was no: a frontend's entry that nobody has used is not kept for it. */
__attribute__((noinline)) int ebn_svc_denied(struct ebn_pkt *p)
{
	struct ebn_run *run = ebn_run_get();

	if (!p || !run || EBN_CTL_STATE(run->nat.ctl) != EBN_FS_HALF_OPEN)
		return 0;
	return p->v6 ? ebn_flow_kill(true, &run->nat) : ebn_flow_kill(false, &run->nat);
}

#endif
