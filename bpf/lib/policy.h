/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict on a flow: both directions in one pass, the egress policy of the side that began it when that is an endpoint
 * of this node, the ingress policy of the other side when that is one.
 *
 * Order. The writer publishes, or stores in place, and then raises the epoch. So each epoch is read before the root and the
 * words that the verdict is made of: address epochs, root, addresses, subjects' epochs, policy. When anything changes in
 * between, the sum is the old one or spoilt, and the flow's next packet is judged again.
 */
#ifndef EBN_LIB_POLICY_H
#define EBN_LIB_POLICY_H

#include "lib/endpoint.h"
#include "lib/node.h"
#include "lib/overlay.h"
#include "lib/pkt.h"

/*
 * A subject's part of the sum. Its number is in it: an endpoint whose labels change moves to another subject, whose epoch
 * may be the same.
 */
static __always_inline __u32 ebn_sum_subject(const struct ebn_view *v, __u32 subject)
{
	return ebn_epoch_subject(v, subject) + subject * 0x9e3779b1u;
}

/* For a sum that must not be met again; odd, so that it takes all bits of what it multiplies. */
#define EBN_SUM_SPOILT 0x5bd1e995u

static __always_inline __u64 ebn_side_hash(const __u32 *addr, const bool v6)
{
	__u32 a[4] = { 0, 0, EBN_MAPPED, addr[3] };

	/* constants, so that the compiler does the first half of the hash */
	return v6 ? ebn_addr_hash(addr) : ebn_addr_hash(a);
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

/* A side's address. Verifier: by offset, so that what follows is not followed for either side. */
static __always_inline const __u32 *ebn_side_addr(const struct ebn_pkt *p, __u32 side)
{
	return p->src + 4 * (side & 1);
}
EBN_ASSERT(__builtin_offsetof(struct ebn_pkt, dst) == __builtin_offsetof(struct ebn_pkt, src) + 16, "side by side");

/* Hash of the other side's address, once a packet. 0, which an address in 2^64 has, is made again. */
static __always_inline __u64 ebn_other_hash(struct ebn_pkt *p)
{
	const __u32 *addr = ebn_side_addr(p, p->side ^ 1);

	if (!p->hash)
		p->hash = p->v6 ? ebn_side_hash(addr, true) : ebn_side_hash(addr, false);
	return p->hash;
}

/** Row + 1 of the local endpoint that has this address, 0: none. */
__attribute__((noinline)) int ebn_address_row(struct ebn_address *addr)
{
	struct ebn_view v;

	if (!addr || ebn_view_open(&v))
		return 0;
	return (int)(ebn_addr_exact(&v, addr->a, ebn_addr_hash(addr->a)) >> 32);
}

/** The same, but the host is no endpoint here. */
__attribute__((noinline)) int ebn_endpoint_row(struct ebn_address *addr)
{
	const struct ebn_ep_row *ep;
	struct ebn_view v;
	__u32 row;

	if (!addr || ebn_view_open(&v))
		return 0;
	row = ebn_addr_exact(&v, addr->a, ebn_addr_hash(addr->a)) >> 32;
	if (!row)
		return 0;
	ep = ebn_ep_line(&v, row - 1);
	return ep && EBN_READ(ep->flags) & EBN_EP_F_HOST ? 0 : (int)row;
}

/** The host's row + 1 when the address is one of its own, 0: it is not. A function, for the verifier. */
__attribute__((noinline)) __u32 ebn_host_at(struct ebn_address *addr)
{
	const struct ebn_ep_row *ep;
	struct ebn_view v;
	__u32 row;

	if (!addr || ebn_view_open(&v))
		return 0;
	row = ebn_addr_exact(&v, addr->a, ebn_addr_hash(addr->a)) >> 32;
	ep = ebn_ep_line(&v, row - 1);
	return row && ep && EBN_READ(ep->flags) & EBN_EP_F_HOST ? row : 0;
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
	return EBN_READ(sub->flags) & EBN_SUBJ_F_AUDIT;
}

/* One endpoint's say about the called port p->cell; side is the one asked. Adds to p->verdict, which only gets stricter. */
static __always_inline void ebn_ask(const struct ebn_view *v, struct ebn_pkt *p, __u32 side, __u32 ingress)
{
	__u32 row = p->row[side & 1], subject = p->subject[side & 1];
	struct ebn_policy_hit hit;
	int no_table;

	no_table = ebn_policy_find(v, subject, ingress, ebn_peer_class(v, p->identity[(side ^ 1) & 1]),
				   ebn_port_class(v, EBN_READ(p->cell)), &hit);
	/* verifier: masked here and not before, because 6.1 forgets the bounds of what lay on the stack */
	asm volatile("" : "+r"(ingress));
	p->decision[ingress & 1] = no_table ? EBN_DECISION_NONE : hit.index;
	if (hit.verdict == EBN_V_ALLOW)
		return;
	if (hit.verdict == EBN_V_AUDIT || ebn_end_audits(v, row, subject)) {
		if (p->verdict == EBN_V_ALLOW)
			p->verdict = EBN_V_AUDIT;
		return;
	}
	if (p->verdict == EBN_V_DENY)
		return;
	p->verdict = EBN_V_DENY;
	if (hit.verdict == EBN_V_REDIRECT)
		p->reason = EBN_R_REDIRECT_PROXY;
	else if (hit.verdict == EBN_V_AUTH)
		p->reason = EBN_R_AUTH;
	else
		p->reason = ebn_deny_reason(no_table, &hit);
}

/* Verifier: by way of memory, where it forgets what it knew of x: the ways that led here become one. */
static __always_inline __u32 ebn_forget(struct ebn_pkt *p, __u32 x)
{
	EBN_WRITE(p->scratch, x);
	return EBN_READ(p->scratch);
}

/* Flows between two endpoints of this node ask the other one, too. */
__attribute__((noinline)) int ebn_ask_other(struct ebn_pkt *p, __u32 ingress)
{
	struct ebn_view v;

	if (!p || ebn_view_open(&v))
		return -1;
	v.dir = p->dir;
	ebn_ask(&v, p, (p->side & 1) ^ 1, ingress & 1);
	return 0;
}

/*
 * A live row's first line, and what policy asks about when its endpoint is the peer: what its labels and the prefixes its address
 * stands within come to. Verifier: the two words are in one place of their lines, so this has no branch.
 */
static __always_inline const struct ebn_ep_row *ebn_ep_known(const struct ebn_view *v, __u32 row, __u32 v6,
							     __u32 *ret_peer)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_ENDPOINT);
	__u32 off = s.off + row * sizeof(struct ebn_ep_row);

	if (row >= s.n)
		return 0;
	*ret_peer = ebn_node_u32(v, off + (v6 & 1) * EBN_LINE + __builtin_offsetof(struct ebn_ep_row, peer4));
	return ebn_node_line(v, off);
}
EBN_ASSERT(__builtin_offsetof(struct ebn_ep_row, peer6) == __builtin_offsetof(struct ebn_ep_row, peer4) + EBN_LINE,
	   "a line apart");

/*
 * Who the two sides are, and the sum of the epochs that stands on it. An endpoint's own address counts only in flows between
 * two of them, as in ebn_ct_stands(). The writer stores a row's identity before it raises the address's epoch.
 */
static __always_inline int ebn_ends(struct ebn_view *v, struct ebn_pkt *p)
{
	__u32 known = p->side & 1, other = known ^ 1, sum, row, peer;
	const __u32 *addr = ebn_side_addr(p, other);
	__u64 hash = ebn_other_hash(p);
	const struct ebn_ep_row *ep;
	struct ebn_addr_hit hit;
	__u64 root;

	sum = ebn_epoch_addr(v, hash);
	if (ebn_view_renew(v, sum))
		return -1;
	hit = ebn_addr_find(v, addr, hash);
	hit.row = ebn_forget(p, hit.row);
	hit.identity = ebn_forget(p, hit.identity);
	row = p->row[known];
	ep = p->v6 ? ebn_ep_proven(v, hit.row, addr, p->zone, true) : ebn_ep_proven(v, hit.row, addr, p->zone, false);
	p->row[other] = 0;
	p->ep[other] = 0;
	if (ep) {
		p->row[other] = hit.row;
		p->ep[other] = ep->id;
		p->subject[other] = EBN_READ(ep->subject);
		sum += ebn_sum_subject(v, p->subject[other]);
		addr = ebn_side_addr(p, known);
		sum += ebn_epoch_addr(v, p->v6 ? ebn_side_hash(addr, true) : ebn_side_hash(addr, false));
	} else if (hit.identity == EBN_ID_WORLD) {
		/* verifier: by way of memory, as above */
		if (ebn_end_is_host(v, row, addr, p->v6))
			hit.identity = EBN_ID_HOST;
		else
			hit.identity = ebn_forget(p, ebn_overlay_identity((struct ebn_address *)addr));
	}
	p->identity[other] = hit.identity;
	/* the side that the hook knows: its address is the row's, or the packet would not be here */
	ep = ebn_ep_known(v, row - 1 + (__u32)ebn_dep(sum), p->v6, &peer);
	if (!ep)
		return -1;
	p->ep[known] = ep->id;
	p->identity[known] = peer;
	p->subject[known] = EBN_READ(ep->subject);
	sum += ebn_sum_subject(v, p->subject[known]);
	/*
	 * The numbers go with the root that they were read behind: its tables judge the packet, whatever has been published since.
	 * Then the sum may have epochs of the next one, so no flow is to stand on it. Verifier: no branch.
	 */
	root = ebn_node_u64(v, EBN_NODE_ROOT_OFF + (__u32)ebn_dep(sum));
	p->sum = sum + EBN_SUM_SPOILT * (EBN_ROOT_GEN(root) ^ v->generation);
	return 0;
}

/**
 * reverse: the packet goes to the side that began the flow. Fills verdict, reason, decisions, rows, identities, sum and
 * generation.
 */
__attribute__((noinline)) int ebn_decide(struct ebn_pkt *p, __u32 reverse)
{
	struct ebn_view v;
	__u32 known;
	int err = 0;

	if (!p)
		return EBN_V_DENY;
	p->verdict = EBN_V_DENY;
	p->reason = EBN_R_TABLES;
	p->decision[EBN_EGRESS] = p->decision[EBN_INGRESS] = EBN_DECISION_NONE;
	if (ebn_view_open(&v) || ebn_ends(&v, p))
		return EBN_V_DENY;
	p->dir = v.dir;
	p->generation = v.generation;
	/* from outside, in the name of an endpoint of this node */
	if (p->point == EBN_AT_FROM_NETDEV && p->row[0]) {
		p->reason = EBN_R_SOURCE_IP;
		return EBN_V_DENY;
	}
	EBN_WRITE(p->cell, ebn_called_port(p, reverse));
	p->verdict = EBN_V_ALLOW;
	p->reason = EBN_R_NONE;
	known = p->side & 1;
	reverse &= 1;
	/* who began the flow is asked first: of two refusals, its one is told */
	if (p->row[0] && p->row[1]) {
		p->evf |= EBN_EVF_LOCAL;
		if (known ^ reverse)
			err = ebn_ask_other(p, EBN_EGRESS);
	}
	ebn_ask(&v, p, known, known ^ reverse);
	if (p->row[0] && p->row[1] && !(known ^ reverse))
		err = ebn_ask_other(p, EBN_INGRESS);
	if (err) {
		p->verdict = EBN_V_DENY;
		p->reason = EBN_R_TABLES;
	}
	return p->verdict;
}

#endif
