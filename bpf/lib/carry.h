/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translation of flows whose endpoint is elsewhere: the node is the gateway that they leave by. Policy was asked where the endpoint
 * is; here a flow has the two entries that ebn_flow.h describes, found by the packet's tuple on either side.
 *
 *	ebn_carry_out(skb, run, off)	run->p as the endpoint sent it, off the rule: to the rule's address and a port of its range
 *	ebn_carry_in(skb, run)		run->p as it came, to the node: DONE, run->svc is the endpoint's side; NONE, it is not carried
 *
 * The reservation is masquerade's (nat.h), in the same zone, so no port is two flows', whoever translates. Which port comes from the
 * flow's hash first: a gateway that has forgotten everything gives most flows the port they had.
 */
#ifndef EBN_LIB_CARRY_H
#define EBN_LIB_CARRY_H

#include "lib/egress.h"
#include "lib/frag.h"
#include "lib/icmp.h"
#include "lib/leave.h"
#include "lib/nat.h"
#include "lib/parse.h"
#include "lib/rewrite.h"
#include "lib/service_flow.h"
#include "lib/stage.h"

#define EBN_CARRY_LOOK (-2)	/* the reservation is to be looked at, too */
#define EBN_CARRY_NEW (-3)

/* What a packet makes of its flow, which is known by its packets alone. */
static __always_inline void ebn_carry_state(const struct ebn_pkt *p, bool answer, __u32 *state, __u32 *flags)
{
	if (p->evf & EBN_EVF_RELATED || p->frag == EBN_FRAG_LATER)
		return;
	if (p->proto != EBN_PROTO_TCP) {
		if (answer && *state < EBN_FS_REPLIED)
			*state = EBN_FS_REPLIED;
		else if (!answer && *state == EBN_FS_REPLIED)
			*state = EBN_FS_ESTABLISHED;
		return;
	}
	if (p->tcp_flags & EBN_TCP_SYN) {
		if (!answer && !(p->tcp_flags & EBN_TCP_ACK)) {
			*state = EBN_FS_HALF_OPEN;
			*flags &= ~EBN_FF_FINS;
		} else if (*state == EBN_FS_HALF_OPEN) {
			*state = EBN_FS_REPLIED;
		}
		return;
	}
	if (p->tcp_flags & EBN_TCP_FIN)
		*flags |= p->hi ? EBN_FF_FIN_HI : EBN_FF_FIN_LO;
	if (p->tcp_flags & EBN_TCP_RST || (*flags & EBN_FF_FINS) == EBN_FF_FINS)
		*state = EBN_FS_CLOSING;
	else if (*flags & EBN_FF_FINS)
		*state = EBN_FS_HALF_CLOSED;
	else if (answer && *state == EBN_FS_HALF_OPEN)
		*state = EBN_FS_REPLIED;
	else if (!answer && *state == EBN_FS_REPLIED)
		*state = EBN_FS_ESTABLISHED;
	else if (*state == EBN_FS_CLOSING)
		*state = EBN_FS_REPLIED;	/* an RST that the other end did not believe */
}

/* An entry is seen, and in this state. */
static __always_inline void ebn_carry_seen(struct ebn_flow_ref *n, __u32 state, __u32 flags, const bool v6)
{
	struct ebn_flow_body *e = ebn_flow_body(v6, n);

	if (!e)
		return;
	if (n->seen != n->now)
		EBN_WRITE(e->seen, n->now);
	if (EBN_CTL_STATE(n->ctl) != state || EBN_CTL_FLAGS(n->ctl) != flags)
		ebn_flow_update(e, n, state, flags, 0);
}

/* The reservation in run->nat, by this packet; the flow's state from here on. */
static __always_inline __u32 ebn_carry_track(struct ebn_run *run, bool answer, const bool v6)
{
	__u32 state = EBN_CTL_STATE(run->nat.ctl), flags = EBN_CTL_FLAGS(run->nat.ctl);

	ebn_carry_state(&run->p, answer, &state, &flags);
	ebn_carry_seen(&run->nat, state, flags, v6);
	return state;
}

/* ---- out ---- */

/* p in the node's name, and back in the endpoint's. */
static __always_inline void ebn_carry_behind(struct ebn_run *run)
{
	__builtin_memcpy(run->p.src, run->w.to, sizeof(run->p.src));
	run->p.sport = run->w.to_port;
}

static __always_inline void ebn_carry_before(struct ebn_run *run)
{
	__builtin_memcpy(run->p.src, run->w.from, sizeof(run->p.src));
	run->p.sport = run->w.from_port;
}

/* Does a packet of a flow in this state leave it as it is? */
static __always_inline bool ebn_carry_settled(const struct ebn_pkt *p, __u32 state)
{
	return state == EBN_FS_ESTABLISHED &&
	       (p->proto != EBN_PROTO_TCP || !(p->tcp_flags & (EBN_TCP_SYN | EBN_TCP_FIN | EBN_TCP_RST)));
}

/* The flow's port, by its own entry: DONE, LOOK, NEW, or a reason. run->r is that entry. */
static __always_inline int ebn_carry_find_out(__u32 off, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_egress_rule *rule;
	struct ebn_rewrite *w;
	struct ebn_view v;
	int known;

	if (!run || ebn_view_open(&v))
		return EBN_R_TABLES;
	rule = ebn_node_line(&v, off);
	w = &run->w;
	__builtin_memcpy(w->from, run->p.src, sizeof(w->from));
	w->from_port = run->p.sport;
	__builtin_memcpy(w->to, rule->addr[v6], sizeof(w->to));
	if (ebn_addr_zero6(w->to))
		return EBN_R_NAT_ADDRESS;
	run->nat_owner = rule->id;
	run->nat_row = 0;
	run->nat_id = 0;
	run->nat_min = rule->port_min;
	run->nat_max = rule->port_max;
	known = v6 ? ebn_svc6_entry(EBN_KEY_CARRY) : ebn_svc4_entry(EBN_KEY_CARRY);
	run->r = run->nat;
	if (!known)
		return EBN_CARRY_NEW;
	if (run->svc.w0 != ebn_svc_word(w->to, 0) || run->svc.w1 != ebn_svc_word(w->to, 1)) {
		/* the rule has another address now */
		ebn_flow_kill(v6, &run->nat);
		return EBN_CARRY_NEW;
	}
	w->to_port = run->svc.port;
	if (run->r.seen == run->r.now && ebn_carry_settled(&run->p, EBN_CTL_STATE(run->r.ctl)))
		return EBN_NAT_DONE;
	return EBN_CARRY_LOOK;
}

__attribute__((noinline)) int ebn_carry4_find_out(__u32 off)
{
	return ebn_carry_find_out(off, false);
}

__attribute__((noinline)) int ebn_carry6_find_out(__u32 off)
{
	return ebn_carry_find_out(off, true);
}

/* Is the port still the flow's? DONE, both entries are seen; or NEW. */
static __always_inline int ebn_carry_look(const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	int rc = EBN_CARRY_NEW;
	__u32 state;

	if (!run)
		return EBN_R_TABLES;
	ebn_carry_behind(run);
	if (ebn_nat_find(&run->p, &run->nat, v6) == EBN_FLOW_HIT && ebn_nat_is_mine(run) && ebn_nat_is_from(run, v6)) {
		state = ebn_carry_track(run, false, v6);
		ebn_carry_seen(&run->r, state, EBN_CTL_FLAGS(run->r.ctl), v6);
		rc = EBN_NAT_DONE;
	}
	ebn_carry_before(run);
	return rc;
}

__attribute__((noinline)) int ebn_carry4_look(void)
{
	return ebn_carry_look(false);
}

__attribute__((noinline)) int ebn_carry6_look(void)
{
	return ebn_carry_look(true);
}

/* A port for a flow that has none: w.to_port. */
static __always_inline int ebn_carry_reserve(const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	int rc;

	if (!run)
		return EBN_R_TABLES;
	run->r.ctl = EBN_CTL(0, EBN_FS_HALF_OPEN, 0, 0);
	__builtin_memcpy(run->p.src, run->w.to, sizeof(run->p.src));
	rc = ebn_nat_port(run, v6);
	run->w.to_port = run->p.sport;
	/* one that was the flow's already begins with it again */
	if (!rc)
		ebn_carry_track(run, false, v6);
	ebn_carry_before(run);
	return rc;
}

__attribute__((noinline)) int ebn_carry4_reserve(void)
{
	return ebn_carry_reserve(false);
}

__attribute__((noinline)) int ebn_carry6_reserve(void)
{
	return ebn_carry_reserve(true);
}

/* The flow's own entry: it has this port. */
static __always_inline int ebn_carry_put(const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	int rc;

	if (!run)
		return EBN_R_TABLES;
	/* another CPU may have been faster, and what it says is as good when it is the same; else it is of before */
	if (v6 ? ebn_svc6_entry(EBN_KEY_CARRY) : ebn_svc4_entry(EBN_KEY_CARRY)) {
		if (run->svc.w0 == ebn_svc_word(run->w.to, 0) && run->svc.w1 == ebn_svc_word(run->w.to, 1) &&
		    run->svc.port == run->w.to_port)
			return EBN_NAT_DONE;
		if (!ebn_flow_kill(v6, &run->nat))
			return EBN_R_FLOW_BUSY;
	}
	run->svc.w0 = ebn_svc_word(run->w.to, 0);
	run->svc.w1 = ebn_svc_word(run->w.to, 1);
	run->svc.port = run->w.to_port;
	run->svc.service = EBN_CARRY_MARK;
	run->svc.serial = 0;
	run->svc.row = run->nat_owner;
	rc = v6 ? ebn_svc6_put(EBN_FS_HALF_OPEN) : ebn_svc4_put(EBN_FS_HALF_OPEN);
	if (rc == EBN_FLOW_INSERTED)
		return EBN_NAT_DONE;
	return rc == EBN_FLOW_FULL ? ebn_flow_refusal(&run->nat) : EBN_R_FLOW_BUSY;
}

__attribute__((noinline)) int ebn_carry4_put(void)
{
	return ebn_carry_put(false);
}

__attribute__((noinline)) int ebn_carry6_put(void)
{
	return ebn_carry_put(true);
}

/** 0, or the reason for a drop. Calls side by side: on top of each other they are more than the verifier's eight. */
static __always_inline int ebn_carry_out(struct __sk_buff *skb, struct ebn_run *run, __u32 off, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	int rc = v6 ? ebn_carry6_find_out(off) : ebn_carry4_find_out(off);

	if (rc == EBN_CARRY_LOOK)
		rc = v6 ? ebn_carry6_look() : ebn_carry4_look();
	if (rc == EBN_CARRY_NEW) {
		rc = ebn_nat_may_begin(p, v6);
		if (!rc)
			rc = v6 ? ebn_carry6_reserve() : ebn_carry4_reserve();
		if (!rc)
			rc = v6 ? ebn_carry6_put() : ebn_carry4_put();
	}
	if (rc)
		return rc;
	return v6 ? ebn_rewrite6(skb, p, &run->w, 0) : ebn_rewrite4(skb, p, &run->w, 0);
}

/* ---- in ---- */

/* The reservation of the packet's destination, when it is one of another's endpoint: DONE, NONE. */
static __always_inline int ebn_carry_find_in(const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	__u16 row;

	if (!run)
		return EBN_NAT_NONE;
	if (ebn_nat_find(&run->p, &run->nat, v6) != EBN_FLOW_HIT || !(EBN_CTL_FLAGS(run->nat.ctl) & EBN_FF_NAT))
		return EBN_NAT_NONE;
	row = EBN_CTL_FLAGS(run->nat.ctl) & EBN_FF_INIT_HI ? run->nat.row[1] : run->nat.row[0];
	if (row || !ebn_svc_says(run, v6) || run->svc.service != EBN_CARRY_MARK)
		return EBN_NAT_NONE;
	return EBN_NAT_DONE;
}

__attribute__((noinline)) int ebn_carry4_find_in(void)
{
	return ebn_carry_find_in(false);
}

__attribute__((noinline)) int ebn_carry6_find_in(void)
{
	return ebn_carry_find_in(true);
}

static __always_inline int ebn_carry_in(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;

	if (ebn_parse(skb, p, v6))
		return EBN_NAT_NONE;
	p->zone = EBN_ZONE_NAT;
	if (p->frag == EBN_FRAG_LATER) {
		if (ebn_frag_later(p))
			return EBN_NAT_NONE;
	} else if (ebn_is_icmp_error(p, v6)) {
		if (v6 ? ebn_icmp6_inner(skb, p) : ebn_icmp4_inner(skb, p))
			return EBN_NAT_NONE;
	} else if (ebn_tcp_is_syn(p)) {
		/* nobody calls a port that was given out */
		return EBN_NAT_NONE;
	}
	return v6 ? ebn_carry6_find_in() : ebn_carry4_find_in();
}

/** Is the packet one of the node's own address that it carries? Of what is sent, whose source would be the host's. */
static __always_inline bool ebn_carry_is(struct ebn_pkt *p, const bool v6)
{
	__u16 zone = p->zone;
	bool is = false;

	p->zone = EBN_ZONE_NAT;
	if (p->frag != EBN_FRAG_LATER || !ebn_frag_later(p))
		is = v6 ? !ebn_carry6_find_in() : !ebn_carry4_find_in();
	if (is && p->frag == EBN_FRAG_FIRST)
		ebn_frag_first(p);
	p->zone = zone;
	return is;
}

/*
 * An answer, or an error about one, to the endpoint's side in run->svc: so is p then, and run->r.ctl says the flow's state. 0, or the
 * reason for a drop.
 */
static __always_inline int ebn_carry_back(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	bool icmp = p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6, again;
	struct ebn_rewrite *w = &run->w;
	__u32 state;
	int rc;

	again = run->nat.seen != run->nat.now;
	state = ebn_carry_track(run, true, v6);
	__builtin_memcpy(w->from, p->dst, sizeof(w->from));
	w->from_port = icmp ? p->sport : p->dport;
	ebn_svc_addr(w->to, run->svc.w0, run->svc.w1);
	w->to_port = run->svc.port;
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
	run->r.ctl = EBN_CTL(0, state, 0, 0);
	/* now and then the flow's own entry, which questions alone would keep */
	if (!again || p->evf & EBN_EVF_RELATED)
		return 0;
	if (v6 ? ebn_svc6_entry(EBN_KEY_CARRY) : ebn_svc4_entry(EBN_KEY_CARRY))
		ebn_carry_seen(&run->nat, state, EBN_CTL_FLAGS(run->nat.ctl), v6);
	return 0;
}

#endif
