/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connection tracking: one look-up per packet and hook. An entry whose epochs stand carries the verdict; when they moved,
 * the side that began the flow is judged again. What has no entry is judged as the beginning of a flow.
 *
 *	TCP	HALF_OPEN -> REPLIED	a SYN-ACK that acknowledges the SYN
 *		REPLIED -> ESTABLISHED	an ACK of what the other side sent: the beginner is where it says it is
 *		ESTABLISHED -> HALF_CLOSED	a FIN of one side
 *		any -> CLOSING		FINs from both sides, or an RST that may be true
 *		CLOSING -> ESTABLISHED	who was reset speaks on: the RST was forged
 *		CLOSING -> HALF_OPEN	a SYN, judged like the first one; from either side
 *	SCTP	the same, chunks as flags	see sctp.h
 *	others	HALF_OPEN -> REPLIED	a packet from the other side
 *		REPLIED -> ESTABLISHED	several packets each way (not ICMP)
 *
 * States decide who is given up when the table is full, and how long a flow may idle; packets of a flow pass in each of
 * them. A failed compare-and-swap of the state is left alone: the next packet will try again.
 */
#ifndef EBN_LIB_CONNTRACK_H
#define EBN_LIB_CONNTRACK_H

#include "lib/flow_old.h"
#include "lib/pkt.h"
#include "lib/policy.h"
#include "lib/run.h"
#include "lib/stat.h"

#define EBN_CT_STREAM 4u	/* packets each way that make a stream */

static __always_inline int ebn_deny(struct ebn_pkt *p, enum ebn_reason reason)
{
	p->verdict = EBN_V_DENY;
	p->reason = reason;
	return EBN_V_DENY;
}

static __always_inline __u32 ebn_tick(void)
{
	return (__u32)(bpf_jiffies64() >> (ebn_cfg.tick_shift & 31));
}

/* Is the packet's source the higher end? Equal addresses order by port; a tie is not. */
static __always_inline __u32 ebn_ct_side(const struct ebn_pkt *p, const bool v6)
{
	if (v6) {
		if (p->src[0] != p->dst[0])
			return p->src[0] > p->dst[0];
		if (p->src[1] != p->dst[1])
			return p->src[1] > p->dst[1];
		if (p->src[2] != p->dst[2])
			return p->src[2] > p->dst[2];
	}
	if (p->src[3] != p->dst[3])
		return p->src[3] > p->dst[3];
	if (p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6)
		return 0;
	return p->sport > p->dport;
}

/* The key's words (struct ebn_flow_key4, ebn_flow_key6) made in registers; returns the source's side. */
static __always_inline __u32 ebn_ct_key(const struct ebn_pkt *p, struct ebn_flow_ref *r, const bool v6)
{
	__u32 hi = ebn_ct_side(p, v6), aux = 0;
	__u64 first = p->sport, second = p->dport, last;

	if (p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6) {
		/* ports stay as they are; the asking side tells one direction's query from the other's */
		aux = (hi ^ p->ask) ? EBN_KEY_ASK_HI : 0;
	} else if (hi) {
		first = p->dport;
		second = p->sport;
	}
	last = first | second << 16 | (__u64)p->proto << 32 | (__u64)aux << 40 | (__u64)p->zone << 48;
	if (v6) {
		const __u32 *lo = hi ? p->dst : p->src, *up = hi ? p->src : p->dst;

		r->w[0] = lo[0] | (__u64)lo[1] << 32;
		r->w[1] = lo[2] | (__u64)lo[3] << 32;
		r->w[2] = up[0] | (__u64)up[1] << 32;
		r->w[3] = up[2] | (__u64)up[3] << 32;
		r->w[4] = last;
		r->w[5] = 0;
	} else {
		r->w[0] = hi ? p->dst[3] | (__u64)p->src[3] << 32 : p->src[3] | (__u64)p->dst[3] << 32;
		r->w[1] = last;
	}
	return hi;
}

/* Verifier: by way of memory, so that everything behind is not followed for either side. */
static __always_inline __u32 ebn_ct_place(struct ebn_pkt *p, struct ebn_flow_ref *r, const bool v6)
{
	EBN_WRITE(p->hi, (__u8)ebn_ct_key(p, r, v6));
	return EBN_READ(p->hi) & 1;
}

/* All ones, or none. Verifier: no branch, what is behind would be followed twice. */
static __always_inline __u32 ebn_ct_mask(bool set)
{
	__u32 one = set;

	asm volatile("" : "+r"(one));
	return 0 - one;
}

/*
 * Does the entry's verdict stand? Sums up the epochs as they are now, as ebn_decide() did. The other end's row in the entry
 * is a hint that its address proves; a hint that fails is a verdict that does not stand.
 */
static __always_inline bool ebn_ct_stands(const struct ebn_view *v, struct ebn_pkt *p, const struct ebn_flow_ref *r,
					  __u32 hi, const bool v6)
{
	__u32 known = p->side & 1, other = known ^ 1, sum;
	__u32 hint = (hi ^ other) & 1 ? r->row[1] : r->row[0];
	const __u32 *addr = other ? p->dst : p->src;
	const struct ebn_ep_row *ep = ebn_ep_line(v, p->row[known] - 1);

	if (!ep)
		return false;
	/* a masqueraded flow's peer is not local: its row is a port */
	hint &= ebn_ct_mask(!(EBN_CTL_FLAGS(r->ctl) & EBN_FF_NAT));
	p->hash = ebn_side_hash(addr, v6);
	sum = ebn_sum_subject(v, EBN_READ(ep->subject)) + ebn_epoch_addr(v, p->hash);
	p->row[other] = 0;
	if (hint) {
		ep = ebn_ep_proven(v, hint, addr, p->zone, v6);
		if (!ep)
			return false;
		addr = known ? p->dst : p->src;
		sum += ebn_sum_subject(v, EBN_READ(ep->subject)) + ebn_epoch_addr(v, ebn_side_hash(addr, v6));
		p->row[other] = hint;
		p->ep[other] = ep->id;
	}
	p->sum = sum;
	return sum == EBN_CTL_EPOCH(r->ctl);
}

/* What the entry keeps of a verdict: the called side's decision, when it was asked. */
static __always_inline __u16 ebn_ct_decision(const struct ebn_pkt *p)
{
	return p->decision[EBN_INGRESS] != EBN_DECISION_NONE ? p->decision[EBN_INGRESS] : p->decision[EBN_EGRESS];
}

/* A side's row. flags: the flow keeps them; in the row of a masqueraded flow's peer is the port. */
static __always_inline void ebn_ct_row(struct ebn_flow_body *e, __u32 side, __u16 row, __u8 flags)
{
	__u16 is = EBN_READ(e->row[side & 1]);

	row |= is & ebn_ct_mask(!row) & ebn_ct_mask(flags & EBN_FF_NAT);
	/* nearly always as it is: a line that is not written to stays with other CPUs too */
	if (is != row)
		EBN_WRITE(e->row[side & 1], row);
}

static __always_inline void ebn_ct_rewrite(struct ebn_pkt *p, struct ebn_flow_body *e, __u32 hi, __u8 flags)
{
	__u16 decision = ebn_ct_decision(p);

	ebn_ct_row(e, hi, (__u16)p->row[0], flags);
	ebn_ct_row(e, hi ^ 1, (__u16)p->row[1], flags);
	if (EBN_READ(e->decision) != decision)
		EBN_WRITE(e->decision, decision);
}

/* EBN_NODE_F_* as they are now. */
static __always_inline __u32 ebn_ct_switches(void)
{
	const struct ebn_live *live;
	struct ebn_view v;

	if (ebn_view_open(&v))
		return 0;
	live = ebn_node_live(&v);
	return EBN_READ(live->flags);
}

/*
 * Denied after all. Where such flows are cut, their RSTs pass, when they carry nothing: those that are made of the packets
 * that do not (cut.h), and the ends' own.
 */
static __always_inline int ebn_ct_no_more(struct ebn_pkt *p, struct ebn_flow_ref *r, struct ebn_flow_body *e)
{
	if (p->reason == EBN_R_POLICY || p->reason == EBN_R_POLICY_RULE || p->reason == EBN_R_NO_POLICY)
		p->reason = EBN_R_RECHECK;
	if (p->reason != EBN_R_RECHECK || p->proto != EBN_PROTO_TCP || p->frag || p->evf & EBN_EVF_RELATED ||
	    !(ebn_ct_switches() & EBN_NODE_F_CUT))
		return EBN_V_DENY;
	if (p->tcp_flags & EBN_TCP_RST) {
		if (p->l4_len != sizeof(struct ebn_tcp))
			return EBN_V_DENY;
		p->verdict = EBN_V_ALLOW;
		p->reason = EBN_R_NONE;
		return EBN_V_ALLOW;
	}
	p->cut = 1;
	ebn_flow_update(e, r, EBN_FS_CLOSING, EBN_CTL_FLAGS(r->ctl) & ~EBN_FF_PROVEN, EBN_CTL_EPOCH(r->ctl));
	return EBN_V_DENY;
}

/* Epochs moved: the beginner's direction is judged again. */
static __always_inline int ebn_ct_recheck(struct ebn_pkt *p, struct ebn_flow_ref *r, __u32 hi, const bool v6)
{
	__u8 flags = EBN_CTL_FLAGS(r->ctl), next = flags & ~EBN_FF_AUDIT;
	struct ebn_flow_body *e = ebn_flow_body(v6, r);

	if (!e)
		return ebn_deny(p, EBN_R_TABLES);
	ebn_count(EBN_C_RECHECK);
	p->evf |= EBN_EVF_RECHECK;
	if (ebn_decide(p, !!(p->evf & EBN_EVF_REPLY)) == EBN_V_DENY)
		return ebn_ct_no_more(p, r, e);
	if (p->verdict == EBN_V_AUDIT)
		next |= EBN_FF_AUDIT;
	if (next != flags)
		p->event = EBN_EV_VERDICT;
	ebn_ct_rewrite(p, e, hi, flags);
	ebn_flow_update(e, r, EBN_CTL_STATE(r->ctl), next, p->sum);
	return p->verdict;
}

static __always_inline __u8 ebn_ct_init_flags(const struct ebn_pkt *p, __u32 hi)
{
	return (hi ? EBN_FF_INIT_HI : 0) | (p->verdict == EBN_V_AUDIT ? EBN_FF_AUDIT : 0) |
	       (p->svc == EBN_SVC_DONE ? EBN_FF_SVC : 0);
}

/* Does ack acknowledge something between isn and what that side has sent since? */
static __always_inline bool ebn_ct_acks(__u32 ack, __u32 isn, __u64 sent)
{
	return ack - (isn + 1) <= sent;
}

/*
 * May this RST (or ABORT) be the other side's? As far as the entry can tell: while it holds an initial sequence number, the
 * packet must speak of that. What an established flow's RST says cannot be checked: see ebn_ct_speaks_on().
 */
static __always_inline bool ebn_ct_reset_fits(const struct ebn_pkt *p, __u8 state, __u32 isn, __u64 sent, bool reply)
{
	bool acks = p->tcp_flags & EBN_TCP_ACK && ebn_ct_acks(p->ack, isn, sent);

	if (state == EBN_FS_HALF_OPEN)
		return reply ? acks : p->seq - isn <= sent + 1;
	if (state != EBN_FS_REPLIED)
		return true;
	/* the number is the responder's now */
	if (reply)
		return p->proto == EBN_PROTO_SCTP || p->seq - isn <= sent + 1;
	return acks || !(p->tcp_flags & EBN_TCP_ACK);
}

/*
 * Was the RST that closed the flow believed by nobody? Who was reset sends nothing more but RSTs, so an acknowledgement
 * from the side that got it, in a flow that had been proven, says that the RST was a forged one.
 */
static __always_inline bool ebn_ct_speaks_on(const struct ebn_pkt *p, const struct ebn_flow_ref *r, __u32 hi,
					     __u8 flags)
{
	__u8 own = hi ? r->tcp_flags[1] : r->tcp_flags[0], other = hi ? r->tcp_flags[0] : r->tcp_flags[1];

	return flags & EBN_FF_PROVEN && (flags & EBN_FF_FINS) != EBN_FF_FINS && p->tcp_flags & EBN_TCP_ACK &&
	       other & EBN_TCP_RST && !(own & EBN_TCP_RST);
}

/* The state of a proven flow: half closed once a side has sent its FIN. */
static __always_inline __u8 ebn_ct_open(__u8 flags)
{
	return flags & EBN_FF_FINS ? EBN_FS_HALF_CLOSED : EBN_FS_ESTABLISHED;
}

/* A FIN: of an attempt that nobody answered it says nothing. */
static __always_inline void ebn_ct_fin(struct ebn_pkt *p, __u8 state, __u32 hi, __u8 *flags)
{
	if (p->tcp_flags & EBN_TCP_FIN && (state != EBN_FS_HALF_OPEN || *flags & EBN_FF_IMPORTED))
		*flags |= hi ? EBN_FF_FIN_HI : EBN_FF_FIN_LO;
}

/* The state of a TCP or SCTP flow whose handshake is under way. isn: the number that is to be acknowledged. */
static __always_inline __u8 ebn_ct_handshake(struct ebn_pkt *p, struct ebn_flow_ref *r, struct ebn_flow_body *e,
					     __u64 sent, bool reply, __u8 *flags)
{
	__u8 state = EBN_CTL_STATE(r->ctl), f = p->tcp_flags;

	if (*flags & EBN_FF_IMPORTED) {
		if (state == EBN_FS_HALF_OPEN)
			return reply ? EBN_FS_REPLIED : EBN_FS_HALF_OPEN;
		if (EBN_READ(e->packets[0]) < EBN_CT_STREAM || EBN_READ(e->packets[1]) < EBN_CT_STREAM)
			return state;
		*flags |= EBN_FF_PROVEN;
		return ebn_ct_open(*flags);
	}
	if (state == EBN_FS_HALF_OPEN) {
		if (!reply) {
			/* a new attempt may come with a new number */
			if ((f & (EBN_TCP_SYN | EBN_TCP_ACK)) == EBN_TCP_SYN && r->aux != p->seq)
				EBN_WRITE(e->aux, p->seq);
			return state;
		}
		if ((f & (EBN_TCP_SYN | EBN_TCP_ACK)) == (EBN_TCP_SYN | EBN_TCP_ACK) &&
		    ebn_ct_acks(p->ack, r->aux, sent)) {
			EBN_WRITE(e->aux, p->seq);
			return EBN_FS_REPLIED;
		}
		return state;
	}
	if (!reply && (f & EBN_TCP_ACK) && !(f & EBN_TCP_SYN) && ebn_ct_acks(p->ack, r->aux, sent)) {
		EBN_WRITE(e->aux, r->now);
		*flags |= EBN_FF_PROVEN;
		return ebn_ct_open(*flags);
	}
	return state;
}

/*
 * The state that a TCP packet leaves; flags likewise. SCTP's chunks come as TCP's flags (sctp.h), and its tags, which are
 * compared whole, as the numbers.
 */
static __always_inline __u8 ebn_ct_tcp(struct ebn_pkt *p, struct ebn_flow_ref *r, struct ebn_flow_body *e, __u32 hi,
				       bool reply, __u8 *flags)
{
	__u8 state = EBN_CTL_STATE(r->ctl), f = p->tcp_flags;
	__u32 side = hi ^ 1;
	__u64 sent;

	/* whose bytes follow the number in aux: the other side's, but for a RST of the side whose number it is */
	if (f & EBN_TCP_RST && reply == (state != EBN_FS_HALF_OPEN))
		side = hi;
	sent = p->proto == EBN_PROTO_SCTP ? 0 : EBN_READ(e->bytes[side & 1]);
	if (f & EBN_TCP_RST) {
		if (state == EBN_FS_CLOSING || (!(*flags & EBN_FF_IMPORTED) &&
						!ebn_ct_reset_fits(p, state, r->aux, sent, reply)))
			return state;
		p->event = EBN_EV_CLOSE;
		return EBN_FS_CLOSING;
	}
	ebn_ct_fin(p, state, hi, flags);
	if (state == EBN_FS_CLOSING)
		return !(f & EBN_TCP_SYN) && ebn_ct_speaks_on(p, r, hi, *flags) ? ebn_ct_open(*flags) : state;
	if ((*flags & EBN_FF_FINS) == EBN_FF_FINS) {
		p->event = EBN_EV_CLOSE;
		return EBN_FS_CLOSING;
	}
	return state >= EBN_FS_ESTABLISHED ? ebn_ct_open(*flags) : ebn_ct_handshake(p, r, e, sent, reply, flags);
}

static __always_inline __u8 ebn_ct_other(const struct ebn_pkt *p, const struct ebn_flow_ref *r, struct ebn_flow_body *e,
					 bool reply)
{
	__u8 state = EBN_CTL_STATE(r->ctl);

	if (state == EBN_FS_HALF_OPEN && reply)
		return EBN_FS_REPLIED;
	if (state == EBN_FS_REPLIED && p->proto != EBN_PROTO_ICMP && p->proto != EBN_PROTO_ICMP6 &&
	    EBN_READ(e->packets[0]) >= EBN_CT_STREAM && EBN_READ(e->packets[1]) >= EBN_CT_STREAM)
		return EBN_FS_ESTABLISHED;
	return state;
}

static __always_inline bool ebn_has_handshake(const struct ebn_pkt *p)
{
	return p->proto == EBN_PROTO_TCP || p->proto == EBN_PROTO_SCTP;
}

/* The beginning of a connection; never of other protocols. */
static __always_inline bool ebn_tcp_is_syn(const struct ebn_pkt *p)
{
	return (p->tcp_flags & (EBN_TCP_SYN | EBN_TCP_ACK)) == EBN_TCP_SYN;
}

/* Does the packet mean anything for the state of its flow? Most do not: in the middle of an established one. */
static __always_inline bool ebn_ct_quiet(const struct ebn_pkt *p, __u32 state)
{
	/* others than TCP and SCTP have no flags */
	if (state >= EBN_FS_ESTABLISHED)
		return !(p->tcp_flags & (EBN_TCP_SYN | EBN_TCP_FIN | EBN_TCP_RST));
	/* a later fragment has no flags to go by */
	return ebn_has_handshake(p) && p->frag == EBN_FRAG_LATER;
}

/* State and flags that the packet leaves behind. A function, for the verifier: it is the same for both families. */
__attribute__((noinline)) int ebn_ct_step(struct ebn_pkt *p, struct ebn_flow_ref *r, struct ebn_flow_body *e, __u32 hi)
{
	__u8 state, flags, next, next_flags;
	bool reply;

	if (!p || !r || !e)
		return 0;
	state = EBN_CTL_STATE(r->ctl);
	flags = next_flags = EBN_CTL_FLAGS(r->ctl);
	reply = p->evf & EBN_EVF_REPLY;
	if (ebn_has_handshake(p)) {
		__u8 f = p->tcp_flags, seen = hi ? r->tcp_flags[1] : r->tcp_flags[0];

		if (f & ~seen)
			EBN_WRITE(e->tcp_flags[hi & 1], (__u8)(f | seen));
		next = ebn_ct_tcp(p, r, e, hi, reply, &next_flags);
	} else {
		next = ebn_ct_other(p, r, e, reply);
	}
	if (next != state || next_flags != flags)
		ebn_flow_update(e, r, next, next_flags, EBN_CTL_EPOCH(r->ctl));
	return 0;
}

/* What a SYN leaves of the flow that it begins anew: its counters. */
static __always_inline void ebn_ct_renew(const struct ebn_pkt *p, struct ebn_flow_body *e, __u32 hi)
{
	EBN_WRITE(e->aux, p->seq);
	EBN_WRITE(e->tcp_flags[hi & 1], p->tcp_flags);
	EBN_WRITE(e->tcp_flags[(hi ^ 1) & 1], 0);
}

/* The flow begins anew with this SYN: its verdict is in p. */
static __always_inline void ebn_ct_again(struct ebn_pkt *p, struct ebn_flow_ref *r, struct ebn_flow_body *e, __u32 hi)
{
	ebn_ct_renew(p, e, hi);
	ebn_ct_rewrite(p, e, hi, 0);
	ebn_flow_update(e, r, EBN_FS_HALF_OPEN, ebn_ct_init_flags(p, hi), p->sum);
	p->evf &= ~EBN_EVF_REPLY;
	p->event = EBN_EV_VERDICT;
	ebn_stat_flow(p->row[0], 0);
	ebn_stat_flow(p->row[1], 1);
}

/*
 * A packet that means something. A SYN from the side that began the flow, while it is open, is the same attempt again. From
 * the other side, or when the flow is closing, it is judged as a beginning, and begins the flow anew when it was closing.
 */
static __always_inline int ebn_ct_event(struct ebn_pkt *p, struct ebn_flow_ref *r, __u32 hi, const bool v6)
{
	struct ebn_flow_body *e;

	/* nothing is kept over the call: it is at the end of the deepest chain, whose stack is all used */
	if (ebn_tcp_is_syn(p) && (EBN_CTL_STATE(r->ctl) == EBN_FS_CLOSING || p->evf & EBN_EVF_REPLY)) {
		if (ebn_decide(p, false) == EBN_V_DENY)
			return EBN_V_DENY;
		if (EBN_CTL_STATE(r->ctl) == EBN_FS_CLOSING) {
			e = ebn_flow_body(v6, r);
			if (!e)
				return ebn_deny(p, EBN_R_TABLES);
			ebn_ct_again(p, r, e, hi);
		}
		return p->verdict;
	}
	e = ebn_flow_body(v6, r);
	if (!e)
		return ebn_deny(p, EBN_R_TABLES);
	ebn_ct_step(p, r, e, hi);
	return p->verdict;
}

/* May a flow begin with this packet? */
static __always_inline enum ebn_reason ebn_ct_may_begin(const struct ebn_pkt *p)
{
	if (p->nat)
		return EBN_R_NAT_UNKNOWN;
	if (p->frag == EBN_FRAG_LATER)
		return EBN_R_FRAGMENT_UNKNOWN;
	if (p->evf & EBN_EVF_RELATED)
		return EBN_R_ICMP_UNKNOWN;
	if (p->ask)
		return EBN_R_FLOW_INVALID;
	if (ebn_has_handshake(p) && (p->tcp_flags & (EBN_TCP_SYN | EBN_TCP_ACK)) != EBN_TCP_SYN) {
		/* from the middle of a connection: when that is allowed, and it is not its end */
		if (p->tcp_flags & (EBN_TCP_SYN | EBN_TCP_RST | EBN_TCP_FIN))
			return EBN_R_FLOW_INVALID;
		if (!p->soft && !(ebn_ct_switches() & EBN_NODE_F_MIDSTREAM))
			return EBN_R_FLOW_INVALID;
	}
	return EBN_R_NONE;
}

static __always_inline int ebn_ct_put(const struct ebn_pkt *p, struct ebn_flow_ref *r, __u32 hi, const bool v6)
{
	__u8 flags = ebn_ct_init_flags(p, hi);
	struct ebn_run *run = ebn_run_get();
	struct ebn_flow_body *body;
	int rc;

	if (!run)
		return EBN_FLOW_FULL;
	body = &run->body;
	__builtin_memset(body, 0, sizeof(*body));
	if (ebn_has_handshake(p) && !(p->tcp_flags & EBN_TCP_SYN))
		flags |= EBN_FF_IMPORTED;
	body->ctl = EBN_CTL(0, EBN_FS_HALF_OPEN, flags, p->sum);
	body->aux = ebn_tcp_is_syn(p) ? p->seq : r->now;
	body->seen = r->now;
	body->decision = ebn_ct_decision(p);
	hi &= 1;
	body->bytes[hi] = p->len;
	body->packets[hi] = 1;
	body->tcp_flags[hi] = p->tcp_flags;
	body->row[hi] = p->row[0];
	body->row[hi ^ 1] = p->row[1];
	rc = ebn_flow_insert(v6, r, body);
	if (rc == EBN_FLOW_INSERTED) {
		ebn_count(EBN_C_FLOW_NEW);
		if (r->gave == EBN_FLOW_GAVE_EXPIRED)
			ebn_count(EBN_C_FLOW_EXPIRED);
		else if (r->gave == EBN_FLOW_GAVE_LIVE)
			ebn_count(EBN_C_FLOW_EVICTED);
	}
	return rc;
}

/* No entry: the beginning of a flow, or nothing. */
static __always_inline int ebn_ct_begin(struct ebn_pkt *p, struct ebn_flow_ref *r, __u32 hi, const bool v6)
{
	enum ebn_reason reason = ebn_ct_may_begin(p);

	if (reason != EBN_R_NONE)
		return ebn_deny(p, reason);
	if (ebn_decide(p, false) == EBN_V_DENY)
		return EBN_V_DENY;
	switch (ebn_ct_put(p, r, hi, v6)) {
	case EBN_FLOW_FULL:
		if (!p->soft)
			return ebn_deny(p, ebn_flow_refusal(r));
		ebn_count(EBN_C_FLOW_UNRECORDED);
		break;
	case EBN_FLOW_BUSY:
	case EBN_FLOW_HIT:
		/* recorded, or about to be, by another CPU: this packet goes on its own verdict */
		ebn_count(EBN_C_FLOW_UNRECORDED);
		return p->verdict;
	}
	p->event = EBN_EV_VERDICT;
	ebn_stat_flow(p->row[0], 0);
	ebn_stat_flow(p->row[1], 1);
	return p->verdict;
}

/* What ebn_ct_track() leaves to ebn_ct_slow(). */
#define EBN_CT_SLOW (-1)
#define EBN_CT_MOVE (-2)	/* not here; perhaps in the table that is being drained */
enum ebn_ct_slow_kind {
	EBN_CT_BEGIN,		/* no entry */
	EBN_CT_RECHECK,		/* its verdict does not stand */
	EBN_CT_EVENT,		/* the packet means something for its state */
};

/* The entry's verdict stands. Verdict, or EBN_CT_SLOW when the packet is more than one of many. */
static __always_inline int ebn_ct_go(struct ebn_pkt *p, struct ebn_flow_ref *r, int verdict, const bool v6)
{
	struct ebn_flow_body *e;

	if (p->point == EBN_AT_FROM_NETDEV && p->row[0])
		return ebn_deny(p, EBN_R_SOURCE_IP);
	if (p->row[0] && p->row[1])
		p->evf |= EBN_EVF_LOCAL;
	/* an error is no packet of the flow, and what an endpoint here sent was counted when it did */
	if (p->evf & EBN_EVF_RELATED)
		return verdict;
	if (p->point == EBN_AT_TO_ENDPOINT && p->row[0] & ~p->host) {
		p->counted = 1;
		return verdict;
	}
	if (!ebn_ct_quiet(p, EBN_CTL_STATE(r->ctl))) {
		p->slow = EBN_CT_EVENT;
		return EBN_CT_SLOW;
	}
	e = ebn_flow_body(v6, r);
	if (!e)
		return ebn_deny(p, EBN_R_TABLES);
	ebn_flow_count(e, r, p->hi, 1, p->len);
	return verdict;
}

/* Finds the packet's flow and lets most packets go. */
static __always_inline int ebn_ct_track(struct ebn_pkt *p, struct ebn_flow_ref *r, const bool v6)
{
	int rc, verdict;
	struct ebn_view v;
	__u32 hi;

	if (ebn_view_open(&v))
		return ebn_deny(p, EBN_R_TABLES);
	r->torn = 0;
	r->ctl = 0;
	r->now = ebn_tick();
	hi = ebn_ct_place(p, r, v6);
	ebn_flow_ref_hash(v6, r);
	rc = ebn_flow_find_table(v6, r);
	if (r->torn)
		ebn_count(EBN_C_TORN);
	p->slow = EBN_CT_BEGIN;
	if (rc != EBN_FLOW_HIT)
		return ebn_cfg.has_old && ebn_flow_stage() == EBN_STAGE_DRAIN ? EBN_CT_MOVE : EBN_CT_SLOW;
	if (hi != (EBN_CTL_FLAGS(r->ctl) & EBN_FF_INIT_HI))
		p->evf |= EBN_EVF_REPLY;
	p->slow = EBN_CT_RECHECK;
	if (!ebn_ct_stands(&v, p, r, hi, v6))
		return EBN_CT_SLOW;
	verdict = EBN_CTL_FLAGS(r->ctl) & EBN_FF_AUDIT ? EBN_V_AUDIT : EBN_V_ALLOW;
	p->verdict = verdict;
	return ebn_ct_go(p, r, verdict, v6);
}

/* The others: beginnings, second thoughts, and packets that change the state. */
static __always_inline int ebn_ct_slow(struct ebn_pkt *p, struct ebn_flow_ref *r, const bool v6)
{
	struct ebn_flow_body *e;
	__u32 hi = p->hi & 1;
	int rc;

	if (p->slow == EBN_CT_BEGIN)
		return ebn_ct_begin(p, r, hi, v6);
	if (p->slow == EBN_CT_RECHECK) {
		rc = ebn_ct_recheck(p, r, hi, v6);
		if (rc != EBN_V_DENY)
			rc = ebn_ct_go(p, r, rc, v6);
		if (rc != EBN_CT_SLOW)
			return rc;
	}
	rc = ebn_ct_event(p, r, hi, v6);
	if (rc == EBN_V_DENY)
		return rc;
	e = ebn_flow_body(v6, r);
	if (!e)
		return ebn_deny(p, EBN_R_TABLES);
	ebn_flow_count(e, r, hi, 1, p->len);
	return rc;
}

__attribute__((noinline)) int ebn_ct4_track(struct ebn_pkt *p, struct ebn_flow_ref *r)
{
	return p && r ? ebn_ct_track(p, r, false) : EBN_V_DENY;
}

__attribute__((noinline)) int ebn_ct6_track(struct ebn_pkt *p, struct ebn_flow_ref *r)
{
	return p && r ? ebn_ct_track(p, r, true) : EBN_V_DENY;
}

__attribute__((noinline)) int ebn_ct4_slow(struct ebn_pkt *p, struct ebn_flow_ref *r)
{
	return p && r ? ebn_ct_slow(p, r, false) : EBN_V_DENY;
}

__attribute__((noinline)) int ebn_ct6_slow(struct ebn_pkt *p, struct ebn_flow_ref *r)
{
	return p && r ? ebn_ct_slow(p, r, true) : EBN_V_DENY;
}

/** The verdict on the packet; in p all that is known of it and its flow. */
static __always_inline int ebn_track(struct ebn_pkt *p, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	int rc;

	if (!run)
		return ebn_deny(p, EBN_R_TABLES);
	rc = v6 ? ebn_ct6_track(p, &run->r) : ebn_ct4_track(p, &run->r);
	/* called from here, not from there: their frames share 512 bytes of stack with all they call */
	if (ebn_cfg.has_old && rc == EBN_CT_MOVE) {
		if (ebn_flow_find(v6, &run->r) == EBN_FLOW_HIT)
			rc = v6 ? ebn_ct6_track(p, &run->r) : ebn_ct4_track(p, &run->r);
		if (rc == EBN_CT_MOVE)
			rc = EBN_CT_SLOW;
	}
	if (rc == EBN_CT_SLOW)
		rc = v6 ? ebn_ct6_slow(p, &run->r) : ebn_ct4_slow(p, &run->r);
	return rc;
}

#endif
