/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict on a flow: both directions in one pass, the egress policy of the side that began it when that is an endpoint
 * of this node, the ingress policy of the other side when that is one.
 *
 * Order. The writer publishes, or stores in place, and then raises the epoch. So each epoch is read before the root and the
 * words that the verdict is made of: address epochs, root, addresses, subjects' epochs, root again, policy. When anything
 * changes in between, the sum is the old one, and the flow's next packet is judged again.
 */
#ifndef EBN_LIB_POLICY_H
#define EBN_LIB_POLICY_H

#include "lib/endpoint.h"
#include "lib/node.h"
#include "lib/pkt.h"

/*
 * A subject's part of the sum. Its number is in it: an endpoint whose labels change moves to another subject, whose epoch
 * may be the same.
 */
static __always_inline __u32 ebn_sum_subject(const struct ebn_view *v, __u32 subject)
{
	return ebn_epoch_subject(v, subject) + subject * 0x9e3779b1u;
}

static __always_inline __u64 ebn_side_hash(const __u32 *addr, const bool v6)
{
	__u32 a[4] = { 0, 0, EBN_MAPPED, addr[3] };

	/* constants, so that the compiler does the first half of the hash */
	return v6 ? ebn_addr_hash(addr) : ebn_addr_hash(a);
}

/* The tables as p->dir says. */
static __always_inline int ebn_view_at(struct ebn_view *v, const struct ebn_pkt *p)
{
	if (ebn_view_open(v))
		return -1;
	v->dir = p->dir;
	return 0;
}

/* The gateway's address is the host, when nobody said otherwise. */
static __always_inline bool ebn_end_is_host(const struct ebn_view *v, __u32 other, const __u32 *addr, const bool v6)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep;

	if (!other)
		return false;
	if (v6) {
		line6 = ebn_ep_line6(v, other - 1);
		return line6 && !ebn_addr_zero6(line6->gw6) && ebn_addr_eq6(line6->gw6, addr);
	}
	ep = ebn_ep_line(v, other - 1);
	return ep && ep->gw4 && ep->gw4 == addr[3];
}

static __always_inline void ebn_end_store(struct ebn_pkt *p, __u32 side, __u32 row, __u16 id, __u32 identity,
					  __u32 subject)
{
	if (side) {
		p->row[1] = row;
		p->ep[1] = id;
		p->identity[1] = identity;
		p->subject[1] = subject;
	} else {
		p->row[0] = row;
		p->ep[0] = id;
		p->identity[0] = identity;
		p->subject[0] = subject;
	}
}

/*
 * The side that the hook knows: its address is the row's, or the packet would not be here. The writer stores a row's identity
 * before the address's, which raises the address's epoch.
 */
static __always_inline int ebn_end_known(const struct ebn_view *v, struct ebn_pkt *p, __u32 side)
{
	__u32 row = side ? p->row[1] : p->row[0];
	const struct ebn_ep_row *ep = ebn_ep_line(v, row - 1);

	if (!ep)
		return -1;
	ebn_end_store(p, side, row, ep->id, EBN_READ(ep->identity), EBN_READ(ep->subject));
	return 0;
}

/* The other side of the flow, as the tables have it: row (0: not an endpoint of this node), id, identity, subject. */
static __always_inline int ebn_end_find(struct ebn_pkt *p, const __u32 *addr, __u32 side, __u64 hash, const bool v6)
{
	const struct ebn_ep_row *ep;
	struct ebn_addr_hit hit;
	struct ebn_view v;

	if (ebn_view_at(&v, p))
		return -1;
	hit = ebn_addr_find(&v, addr, hash);
	ep = ebn_ep_proven(&v, hit.row, addr, p->zone, v6);
	if (ep) {
		ebn_end_store(p, side, hit.row, ep->id, hit.identity, EBN_READ(ep->subject));
		return 0;
	}
	if (hit.identity == EBN_ID_WORLD && ebn_end_is_host(&v, side ? p->row[0] : p->row[1], addr, v6))
		hit.identity = EBN_ID_HOST;
	ebn_end_store(p, side, 0, 0, hit.identity, 0);
	return 0;
}

/* Verifier: a pointer of known size, so that the function need not choose between two addresses of the packet. */
struct ebn_address {
	__u32 a[4];
};

__attribute__((noinline)) int ebn_end4(struct ebn_pkt *p, struct ebn_address *addr, __u32 side, __u64 hash)
{
	return p && addr ? ebn_end_find(p, addr->a, side, hash, false) : -1;
}

__attribute__((noinline)) int ebn_end6(struct ebn_pkt *p, struct ebn_address *addr, __u32 side, __u64 hash)
{
	return p && addr ? ebn_end_find(p, addr->a, side, hash, true) : -1;
}

/** Row + 1 of the local endpoint that has this address, 0: none. */
__attribute__((noinline)) int ebn_address_row(struct ebn_address *addr)
{
	struct ebn_view v;

	if (!addr || ebn_view_open(&v))
		return 0;
	return (int)(ebn_addr_exact(&v, addr->a, ebn_addr_hash(addr->a)) >> 32);
}

static __always_inline int ebn_end(struct ebn_pkt *p, __u32 side, __u64 hash, const bool v6)
{
	struct ebn_address *addr = (struct ebn_address *)(side ? p->dst : p->src);

	return v6 ? ebn_end6(p, addr, side, hash) : ebn_end4(p, addr, side, hash);
}

/* The port that the flow's beginner called. */
static __always_inline __u32 ebn_called_port(const struct ebn_pkt *p, bool reverse)
{
	/* an error speaks of an echo; its own type is not the flow's */
	bool related = p->evf & EBN_EVF_RELATED;
	__u16 type = p->icmp_type << 8 | p->icmp_code;

	switch (p->proto) {
	case EBN_PROTO_ICMP:
		if (related || p->icmp_type == EBN_ICMP_ECHO_REPLY)
			type = EBN_ICMP_ECHO << 8;
		return ebn_port_cell(p->proto, type);
	case EBN_PROTO_ICMP6:
		if (related || p->icmp_type == EBN_ICMP6_ECHO_REPLY)
			type = EBN_ICMP6_ECHO << 8;
		return ebn_port_cell(p->proto, type);
	default:
		return ebn_port_cell(p->proto, bpf_ntohs(reverse ? p->sport : p->dport));
	}
}

static __always_inline enum ebn_reason ebn_deny_reason(int no_table, const struct ebn_policy_hit *hit)
{
	if (no_table)
		return EBN_R_NO_POLICY;
	return hit->rule && !(hit->flags & EBN_DEC_F_DEFAULT) ? EBN_R_POLICY_RULE : EBN_R_POLICY;
}

/* Subjects in audit, and endpoints that do not enforce, let through what they would not. */
static __always_inline bool ebn_end_audits(const struct ebn_view *v, __u32 row, __u32 subject)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_SUBJECT);
	const struct ebn_ep_row *ep = ebn_ep_line(v, row - 1);
	const struct ebn_subject_row *sub;

	if (ep && !(EBN_READ(ep->flags) & EBN_EP_F_ENFORCE))
		return true;
	if (subject >= s.n)
		return false;
	sub = ebn_node_line(v, s.off + subject * sizeof(*sub));
	return sub && EBN_READ(sub->flags) & EBN_SUBJ_F_AUDIT;
}

/**
 * One endpoint's say: side is the one asked, egress when it began the flow. Adds to p->verdict, which only gets stricter.
 * cell: the called port's.
 */
__attribute__((noinline)) int ebn_ask(struct ebn_pkt *p, __u32 side, __u32 ingress, __u32 cell)
{
	__u32 row, subject, peer, port;
	struct ebn_policy_hit hit;
	struct ebn_view v;
	int no_table;

	if (!p || ebn_view_at(&v, p))
		return -1;
	row = side ? p->row[1] : p->row[0];
	subject = side ? p->subject[1] : p->subject[0];
	peer = ebn_peer_class(&v, side ? p->identity[0] : p->identity[1]);
	port = ebn_port_class(&v, cell);
	if (ingress) {
		no_table = ebn_policy_find(&v, subject, EBN_INGRESS, peer, port, &hit);
		p->decision[EBN_INGRESS] = no_table ? EBN_DECISION_NONE : hit.index;
	} else {
		no_table = ebn_policy_find(&v, subject, EBN_EGRESS, peer, port, &hit);
		p->decision[EBN_EGRESS] = no_table ? EBN_DECISION_NONE : hit.index;
	}
	if (hit.verdict == EBN_V_ALLOW)
		return 0;
	if (hit.verdict == EBN_V_AUDIT || ebn_end_audits(&v, row, subject)) {
		if (p->verdict == EBN_V_ALLOW)
			p->verdict = EBN_V_AUDIT;
		return 0;
	}
	if (p->verdict == EBN_V_DENY)
		return 0;
	p->verdict = EBN_V_DENY;
	if (hit.verdict == EBN_V_REDIRECT)
		p->reason = EBN_R_REDIRECT_PROXY;
	else if (hit.verdict == EBN_V_AUTH)
		p->reason = EBN_R_AUTH;
	else
		p->reason = ebn_deny_reason(no_table, &hit);
	return 0;
}

static __always_inline void ebn_undecided(struct ebn_pkt *p)
{
	p->verdict = EBN_V_DENY;
	p->reason = EBN_R_TABLES;
}

/* An endpoint's own address counts only in flows between two of them, as in ebn_ct_stands(). */
static __always_inline __u32 ebn_sum_of(const struct ebn_view *v, const struct ebn_pkt *p, __u32 sum0, __u32 sum1)
{
	__u32 sum = 0;

	if (p->row[1]) {
		sum += sum0;
		sum += ebn_sum_subject(v, p->subject[1]);
	}
	if (p->row[0]) {
		sum += sum1;
		sum += ebn_sum_subject(v, p->subject[0]);
	}
	return sum;
}

/*
 * reverse: the packet goes to the side that began the flow. Fills verdict, reason, decisions, rows, identities, sum and
 * generation.
 */
static __always_inline void ebn_decide(struct ebn_pkt *p, bool reverse, const bool v6)
{
	__u64 h0 = ebn_side_hash(p->src, v6), h1 = ebn_side_hash(p->dst, v6);
	__u32 sum0, sum1, cell;
	struct ebn_view v;

	p->verdict = EBN_V_DENY;
	p->reason = EBN_R_TABLES;
	p->decision[EBN_EGRESS] = p->decision[EBN_INGRESS] = EBN_DECISION_NONE;
	if (ebn_view_open(&v))
		return;
	sum0 = ebn_epoch_addr(&v, h0);
	sum1 = ebn_epoch_addr(&v, h1);
	if (ebn_view_renew(&v, sum0 | sum1))
		return;
	p->dir = v.dir;
	if (ebn_end_known(&v, p, p->side))
		return;
	if (p->side ? ebn_end(p, 0, h0, v6) : ebn_end(p, 1, h1, v6))
		return;
	p->sum = ebn_sum_of(&v, p, sum0, sum1);
	if (ebn_view_renew(&v, p->sum))
		return;
	p->dir = v.dir;
	p->generation = v.generation;
	/* from outside, in the name of an endpoint of this node */
	if (p->point == EBN_AT_FROM_NETDEV && p->row[0]) {
		p->reason = EBN_R_SOURCE_IP;
		return;
	}
	if (!p->row[0] && !p->row[1]) {
		p->reason = EBN_R_NO_ENDPOINT;
		return;
	}
	if (p->row[0] && p->row[1])
		p->evf |= EBN_EVF_LOCAL;
	cell = ebn_called_port(p, reverse);
	p->verdict = EBN_V_ALLOW;
	p->reason = EBN_R_NONE;
	if (p->row[0] && ebn_ask(p, 0, reverse, cell))
		ebn_undecided(p);
	if (p->row[1] && ebn_ask(p, 1, !reverse, cell))
		ebn_undecided(p);
}

__attribute__((noinline)) int ebn_decide4(struct ebn_pkt *p, __u32 reverse)
{
	if (!p)
		return EBN_V_DENY;
	ebn_decide(p, reverse, false);
	return p->verdict;
}

__attribute__((noinline)) int ebn_decide6(struct ebn_pkt *p, __u32 reverse)
{
	if (!p)
		return EBN_V_DENY;
	ebn_decide(p, reverse, true);
	return p->verdict;
}

#endif
