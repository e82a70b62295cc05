/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Egress gateways: which rule a packet is under. What becomes of it: carry.h, and ebn_to_overlay for the way to the gateway. */
#ifndef EBN_LIB_EGRESS_H
#define EBN_LIB_EGRESS_H

#include "ebn_egress.h"

#include "lib/endpoint.h"
#include "lib/overlay.h"
#include "lib/policy.h"
#include "lib/run.h"

/** The rules that an endpoint's packets are under. row: its own, + 1. */
static __always_inline __u64 ebn_egress_mask(const struct ebn_view *v, __u32 row)
{
	struct ebn_slot slot = ebn_view_slot(v, EBN_P_EGRESS);
	const struct ebn_egress_head *head;

	if (!slot.off || !row)
		return 0;
	head = ebn_node_line(v, slot.off);
	if (row > head->masks)
		return 0;
	return ebn_node_u64(v, slot.off + head->masks_off + (row - 1) * (__u32)sizeof(__u64));
}

/* Verifier: one way through, whatever is found. */
static long ebn_egress_step(__u32 i, void *arg)
{
	const struct ebn_egress_prefix *px;
	struct ebn_run *run = ebn_run_get();
	struct ebn_egress_look *l;
	struct ebn_view v;
	__u64 bit, hit;
	__u32 differs;

	(void)arg;
	if (!run || ebn_view_open(&v))
		return 1;
	l = &run->egress_look;
	px = ebn_node_line(&v, l->at + i * EBN_LINE);
	differs = ((l->addr[0] & px->mask[0]) ^ px->addr[0]) | ((l->addr[1] & px->mask[1]) ^ px->addr[1]) |
		  ((l->addr[2] & px->mask[2]) ^ px->addr[2]) | ((l->addr[3] & px->mask[3]) ^ px->addr[3]) |
		  (px->flags & l->v4);
	bit = 1ULL << (px->rule & (EBN_EGRESS_RULES - 1));
	hit = l->mask & bit & (__u64)((__s64)((__u64)differs - 1) >> 63);
	if (px->flags & EBN_EX_F_EXCEPT) {
		l->mask &= ~hit;
		return 0;
	}
	l->found |= hit ? (px->rule & (EBN_EGRESS_RULES - 1)) + 1 : 0;
	return hit != 0;
}

/** Offset of the rule that decides of an endpoint's packets to this peer, 0: none. row: the endpoint's, + 1. */
__attribute__((noinline)) __u32 ebn_egress_find(struct ebn_address *peer, __u32 row)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_egress_head *head;
	struct ebn_slot slot;
	struct ebn_view v;
	__u32 n;

	if (!peer || !run || ebn_view_open(&v))
		return 0;
	slot = ebn_view_slot(&v, EBN_P_EGRESS);
	run->egress_look.mask = ebn_egress_mask(&v, row);
	if (!run->egress_look.mask)
		return 0;
	head = ebn_node_line(&v, slot.off);
	n = head->prefixes;
	if (n > EBN_EGRESS_PREFIXES)
		return 0;
	__builtin_memcpy(run->egress_look.addr, peer->a, sizeof(run->egress_look.addr));
	run->egress_look.v4 = peer->a[0] | peer->a[1] | (peer->a[2] ^ EBN_MAPPED) ? 0 : EBN_EX_F_IP6;
	run->egress_look.at = slot.off + head->prefixes_off;
	run->egress_look.found = 0;
	bpf_loop(n, ebn_egress_step, 0, 0);
	if (!run->egress_look.found || run->egress_look.found > head->rules)
		return 0;
	return slot.off + head->rules_off + (run->egress_look.found - 1) * (__u32)sizeof(struct ebn_egress_rule);
}

/* A rule that this node is the gateway of. Verifier: one way through, as above; a loop is followed as often as it may turn. */
static long ebn_egress_here_step(__u32 i, void *arg)
{
	const struct ebn_egress_rule *rule;
	struct ebn_run *run = ebn_run_get();
	struct ebn_egress_look *l;
	struct ebn_view v;
	__u32 differs;

	(void)arg;
	if (!run || ebn_view_open(&v))
		return 1;
	l = &run->egress_look;
	rule = ebn_node_line(&v, l->at + i * (__u32)sizeof(*rule));
	differs = (rule->id ^ run->egress_id) | (~rule->flags & EBN_EG_F_HERE);
	l->found |= differs ? 0 : i + 1;
	return !differs;
}

/** Offset of the rule of this node with the number run->egress_id, 0: there is none, or another node is its gateway. */
static __always_inline __u32 ebn_egress_here(const struct ebn_view *v, struct ebn_run *run)
{
	struct ebn_slot slot = ebn_view_slot(v, EBN_P_EGRESS);
	const struct ebn_egress_head *head;

	if (!slot.off)
		return 0;
	head = ebn_node_line(v, slot.off);
	run->egress_look.at = slot.off + head->rules_off;
	run->egress_look.found = 0;
	if (head->rules > EBN_EGRESS_RULES)
		return 0;
	bpf_loop(head->rules, ebn_egress_here_step, 0, 0);
	return run->egress_look.found ?
		       run->egress_look.at + (run->egress_look.found - 1) * (__u32)sizeof(struct ebn_egress_rule) : 0;
}

/**
 * The same for who is about to send, 0 too when the destination is no matter of gateways: an endpoint, a node, the host.
 * Identities that stand for prefixes of the world are the world.
 */
static __always_inline __u32 ebn_egress_of(struct ebn_pkt *p)
{
	struct ebn_address *dst = (struct ebn_address *)p->dst;
	__u32 rule = ebn_egress_find(dst, p->row[0]), identity;

	if (!rule || ebn_overlay_find(dst))
		return 0;
	identity = ebn_address_identity(dst);
	return identity == EBN_ID_WORLD || (identity >= EBN_ID_SCOPE_LOCAL && identity < EBN_ID_SPLIT) ? rule : 0;
}

/* A gateway of the endpoint's, by its own address. */
static long ebn_egress_gateway_step(__u32 i, void *arg)
{
	const struct ebn_egress_rule *rule;
	struct ebn_run *run = ebn_run_get();
	struct ebn_egress_look *l;
	struct ebn_view v;
	const __u32 *is;
	__u32 differs;

	(void)arg;
	if (!run || ebn_view_open(&v))
		return 1;
	l = &run->egress_look;
	rule = ebn_node_line(&v, l->at + i * (__u32)sizeof(*rule));
	is = rule->addr[l->v4 ? 0 : 1];
	differs = (is[0] ^ l->addr[0]) | (is[1] ^ l->addr[1]) | (is[2] ^ l->addr[2]) | (is[3] ^ l->addr[3]) |
		  (rule->flags & (EBN_EG_F_HERE | EBN_EG_F_LOST)) | !(l->mask >> (i & (EBN_EGRESS_RULES - 1)) & 1);
	l->found |= !differs;
	return !differs;
}

/**
 * Is it from a gateway that the destination, an endpoint here, sends by? Then what outside answers comes from there, and routers'
 * errors do; policy judges it as what it is. outer: in the family of the outer header, as the rules have addresses.
 */
static __always_inline bool ebn_egress_answers(const struct ebn_view *v, const struct ebn_pkt *p, const __u32 *outer,
					       bool six)
{
	struct ebn_slot slot = ebn_view_slot(v, EBN_P_EGRESS);
	struct ebn_run *run = ebn_run_get();
	const struct ebn_egress_head *head;
	__u64 mask = ebn_egress_mask(v, ebn_endpoint_row((struct ebn_address *)p->dst));

	if (!mask || !run)
		return false;
	head = ebn_node_line(v, slot.off);
	if (head->rules > EBN_EGRESS_RULES)
		return false;
	__builtin_memcpy(run->egress_look.addr, outer, sizeof(run->egress_look.addr));
	run->egress_look.mask = mask;
	run->egress_look.v4 = !six;
	run->egress_look.at = slot.off + head->rules_off;
	run->egress_look.found = 0;
	bpf_loop(head->rules, ebn_egress_gateway_step, 0, 0);
	return run->egress_look.found;
}

#endif
