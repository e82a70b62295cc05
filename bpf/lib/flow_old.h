/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow tables that are being replaced, by larger or smaller ones or by those of another version. Only with ebn_cfg.has_old; the
 * verifier removes all of it otherwise.
 *
 *	EBN_STAGE_OLD	devices change their programs one by one: these hand every packet on to those before them
 *	EBN_STAGE_DRAIN	all devices have these, and the new table is in force: what it lacks moves over from the old one
 *
 * Nothing is inserted into the old table any more: it is read, wherever its layout has its words, and its entries are killed.
 */
#ifndef EBN_LIB_FLOW_OLD_H
#define EBN_LIB_FLOW_OLD_H

#include "lib/flow.h"

/** The stage, EBN_STAGE_ONE when there is one table only. */
static __always_inline __u32 ebn_flow_stage(void)
{
	const struct ebn_live *live;

	if (!ebn_cfg.has_old)
		return EBN_STAGE_ONE;
	live = ebn_live_get();
	return live ? EBN_READ(live->stage) : EBN_STAGE_ONE;
}

static __always_inline __u64 *ebn_old_set(const int v6, __u32 index)
{
	return v6 ? bpf_map_lookup_elem(&ebn_flow6_old, &index) : bpf_map_lookup_elem(&ebn_flow4_old, &index);
}

static __always_inline __u64 *ebn_old_entry(const int v6, __u64 *set, __u32 way)
{
	__u64 at = way & (EBN_FLOW_WAYS - 1), words = ebn_cfg.old.words[v6] & 63;

	/* verifier: of a product, older kernels keep what they know only when the second factor is a constant */
	asm volatile("%0 *= %1" : "+r"(at) : "r"(words));
	return set + EBN_FLOW_WAYS + at;
}

static __always_inline __u64 ebn_old_word(const int v6, const __u64 *e, enum ebn_flow_word word)
{
	return EBN_READ(e[ebn_cfg.old.at[v6][word] & (EBN_FLOW_ENTRY_MAX - 1)]);
}

/** 0 when the entry has this key. */
static __always_inline __u64 ebn_old_differs(const int v6, const __u64 *e, const struct ebn_flow_ref *r)
{
	__u64 x = 0;
	int i;

#pragma unroll
	for (i = 0; i < EBN_FLOW_KEY_WORDS(v6); i++)
		x |= ebn_old_word(v6, e, EBN_FW_KEY + i) ^ r->w[i];
	return x;
}

/** As ebn_flow_probe(); an entry that changes hands here has moved. */
static __always_inline int ebn_old_probe(const int v6, __u64 *set, struct ebn_flow_ref *r)
{
	const __u64 want = EBN_TAG(EBN_TAG_HASH(r->hash), 0, EBN_TAG_LIVE);
	__u64 ctl, tail0, tail1, t, x;
	const __u64 *e;
	int i;

#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		t = EBN_READ(set[i]);
		if ((t & ~EBN_TAG(0, 0xffffff, 0)) != want)
			continue;
		e = ebn_old_entry(v6, (__u64 *)((__u8 *)set + ebn_dep(t)), i);
		x = ebn_old_differs(v6, e, r);
		ctl = ebn_old_word(v6, e, EBN_FW_CTL);
		tail0 = ebn_old_word(v6, e, EBN_FW_SEEN);
		tail1 = ebn_old_word(v6, e, EBN_FW_DECISION);
		if (x || EBN_READ(*(__u64 *)((__u8 *)&set[i] + ebn_dep(x | ctl | tail0 | tail1))) != t)
			continue;
		r->tag = t;
		r->ctl = ctl;
		*(__u64 *)&r->seen = tail0;
		*(__u64 *)&r->decision = tail1;
		r->way = i;
		return EBN_FLOW_HIT;
	}
	return EBN_FLOW_MISS;
}

static __always_inline int ebn_old_find(const int v6, struct ebn_flow_ref *r)
{
	__u32 mask = v6 ? ebn_cfg.old6_mask : ebn_cfg.old4_mask;
	__u64 *set;

	r->set = ebn_flow_set1(r->hash, mask);
	set = ebn_old_set(v6, r->set);
	if (set && ebn_old_probe(v6, set, r) == EBN_FLOW_HIT)
		return EBN_FLOW_HIT;
	r->set = ebn_flow_set2(r->hash, mask);
	set = ebn_old_set(v6, r->set);
	return set ? ebn_old_probe(v6, set, r) : EBN_FLOW_MISS;
}

__noinline int ebn_old4_find(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_old_find(0, r) : EBN_FLOW_MISS;
}

__noinline int ebn_old6_find(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_old_find(1, r) : EBN_FLOW_MISS;
}

/* On its way from one table to the other. Not on the stack: at the end of the longest chain of calls there is no room. */
struct ebn_old_moved {
	struct ebn_flow_body body;
	__u64 tag;		/* in the old table */
	__u32 set;
	__u32 way;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ebn_old_moved);
} ebn_old_moved SEC(".maps");

static __always_inline struct ebn_old_moved *ebn_old_moved_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ebn_old_moved, &zero);
}

/* Behind the insert: what the others wrote to the old entry meanwhile is carried over behind the kill. */
static __always_inline int ebn_old_done(const int v6, struct ebn_flow_ref *r)
{
	struct ebn_old_moved *m = ebn_old_moved_get();
	struct ebn_flow_body *to;
	__u64 *tags, ctl;
	const __u64 *e;

	if (!m)
		return 0;
	tags = ebn_old_set(v6, m->set);
	to = ebn_flow_body(v6, r);
	if (!tags || !to)
		return 0;
	ctl = EBN_TAG(EBN_TAG_HASH(m->tag), EBN_TAG_SEQ(m->tag), EBN_TAG_DEAD);
	if (__sync_val_compare_and_swap(&tags[m->way & (EBN_FLOW_WAYS - 1)], m->tag, ctl) != m->tag) {
		ebn_flow_kill(v6, r);
		return 0;
	}
	ebn_count(EBN_C_FLOW_MOVED);
	e = ebn_old_entry(v6, tags, m->way);
	ctl = ebn_old_word(v6, e, EBN_FW_CTL);
	if ((ctl ^ m->body.ctl) << 16)
		ebn_flow_update(to, r, EBN_CTL_STATE(ctl), EBN_CTL_FLAGS(ctl), EBN_CTL_EPOCH(ctl));
	__sync_fetch_and_add(&to->bytes[0], ebn_old_word(v6, e, EBN_FW_BYTES));
	__sync_fetch_and_add(&to->bytes[1], ebn_old_word(v6, e, EBN_FW_BYTES + 1));
	ctl = ebn_old_word(v6, e, EBN_FW_PACKETS);
	/* in this order: of an entry beside a flow to a service, the first word is looked at first (service_flow.h) */
	__sync_fetch_and_add(&to->packets[1], (__u32)(ctl >> 32));
	__sync_fetch_and_add(&to->packets[0], (__u32)ctl);
	return 0;
}

__noinline int ebn_old4_done(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_old_done(0, r) : 0;
}

__noinline int ebn_old6_done(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_old_done(1, r) : 0;
}

/**
 * r was found in the old table: moves it. Inserted in the new one first, so that nobody misses it in both. Only the
 * inserter kills the old entry; when somebody else had killed it, user space that is, the flow is dead and the new entry goes
 * too. Says what the insert said.
 */
static __always_inline int ebn_old_move(const int v6, struct ebn_flow_ref *r)
{
	struct ebn_old_moved *m = ebn_old_moved_get();
	int rc;

	if (!m)
		return EBN_FLOW_MISS;
	__builtin_memset(&m->body, 0, sizeof(m->body));
	m->body.ctl = r->ctl;
	*(__u64 *)&m->body.seen = *(__u64 *)&r->seen;
	*(__u64 *)&m->body.decision = *(__u64 *)&r->decision;
	m->tag = r->tag;
	m->set = r->set;
	m->way = r->way;
	/* nobody's: it has been counted, and it stays whatever its owner has */
	r->owner = 0;
	rc = v6 ? ebn_flow6_put(r, &m->body) : ebn_flow4_put(r, &m->body);
	if (rc == EBN_FLOW_INSERTED && v6)
		ebn_old6_done(r);
	else if (rc == EBN_FLOW_INSERTED)
		ebn_old4_done(r);
	return rc;
}

__noinline int ebn_old4_move(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_old_move(0, r) : EBN_FLOW_MISS;
}

__noinline int ebn_old6_move(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_old_move(1, r) : EBN_FLOW_MISS;
}

/** Looks r->w up. MISS or HIT. Moves what it finds in a table that is being drained. */
static __always_inline int ebn_flow_find(const int v6, struct ebn_flow_ref *r)
{
	int i, rc = ebn_flow_find_table(v6, r);

	if (!ebn_cfg.has_old || rc == EBN_FLOW_HIT || ebn_flow_stage() != EBN_STAGE_DRAIN)
		return rc;
	rc = EBN_FLOW_MISS;
	if ((v6 ? ebn_old6_find(r) : ebn_old4_find(r)) == EBN_FLOW_HIT)
		rc = v6 ? ebn_old6_move(r) : ebn_old4_move(r);
	/* moved, by us or by somebody else before we looked there; who is at it just now is waited for, a bounded time */
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_FLOW_TRIES; i++) {
		if (ebn_flow_find_table(v6, r) == EBN_FLOW_HIT)
			return EBN_FLOW_HIT;
		if (rc != EBN_FLOW_BUSY)
			break;
	}
	return EBN_FLOW_MISS;
}

#endif
