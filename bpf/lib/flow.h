/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow tables, the programs' side: find, insert, update, kill. Layout: ebn_flow.h; the protocol with its reasons:
 * docs/flow-table.md. User space runs the same protocol over the mapping (lib/tables/flow.c).
 *
 * Order. Tags change by compare-and-swap and exchange whose value is used: both are full barriers on x86 and on arm64
 * (a fetch whose result is dropped becomes a relaxed add there). A reader goes tag -> entry -> tag again: the entry's
 * address depends on the first tag (ebn_dep), the second tag's address on everything read from the entry, so no CPU
 * can read them in another order. On x86 loads stay in order and ebn_dep() is a compiler barrier.
 *
 * The bodies below take the family as a constant; the global functions behind them are verified once each, however
 * often they are called. Verifier: set indexes are masked with a constant of .rodata, ways with 7.
 */
#ifndef EBN_LIB_FLOW_H
#define EBN_LIB_FLOW_H

#include "ebn_flow.h"
#include "ebn_node.h"

#include "lib/config.h"
#include "lib/count.h"
#include "lib/maps.h"
#include "lib/node.h"

/** One look-up, on the caller's stack; what find leaves here is a consistent copy. */
struct ebn_flow_ref {
	__u64 w[6];		/**< the key; IPv4 uses two words, the others are not read */
	__u64 hash;		/**< ebn_flow_ref_hash() */
	/* set by find on a hit, and by insert */
	__u64 tag;
	__u64 ctl;
	__u32 seen;
	__u16 row[2];
	__u16 decision;
	__u8 tcp_flags[2];
	__u32 aux;
	__u32 set;
	__u8 way;
	__u8 old;		/**< the entry is in the table that is being replaced */
	__u16 reserved;
	__u32 now;		/**< tick; set by the caller */
};

enum ebn_flow_result {
	EBN_FLOW_MISS,
	EBN_FLOW_HIT,
	EBN_FLOW_BUSY,		/* somebody else is inserting this key, or took our way */
	EBN_FLOW_FULL,		/* nothing in either set could be given up */
};

/* How many times an inserter in the first set looks for its rival in the second one to give way. */
#define EBN_FLOW_TRIES 64

static __always_inline __u32 ebn_flow_mask(const int v6, const __u32 old)
{
	if (ebn_cfg.has_old && old)
		return v6 ? ebn_cfg.old6_mask : ebn_cfg.old4_mask;
	return v6 ? ebn_cfg.flow6_mask : ebn_cfg.flow4_mask;
}

/** The set of this number; its tags are its first line. */
static __always_inline __u64 *ebn_flow_set_at(const int v6, const __u32 old, __u32 index)
{
	__u64 *set;

	if (ebn_cfg.has_old && old) {
		set = v6 ? bpf_map_lookup_elem(&ebn_flow6_old, &index) :
			   bpf_map_lookup_elem(&ebn_flow4_old, &index);
		/* keeps clang from naming the old map before the branch: without has_old there is none */
		asm volatile("" : "+r"(set));
		return set;
	}
	return v6 ? bpf_map_lookup_elem(&ebn_flow6, &index) : bpf_map_lookup_elem(&ebn_flow4, &index);
}

#define EBN_FLOW_KEY_WORDS(v6) ((v6) ? 6 : 2)
#define EBN_FLOW_ENTRY_WORDS(v6) ((v6) ? 12 : 8)
/** Words of an entry, from its start. */
#define EBN_FLOW_AT_CTL(v6) EBN_FLOW_KEY_WORDS(v6)
#define EBN_FLOW_AT_BYTES(v6) (EBN_FLOW_KEY_WORDS(v6) + 1)
#define EBN_FLOW_AT_PACKETS(v6) (EBN_FLOW_KEY_WORDS(v6) + 3)
#define EBN_FLOW_AT_TAIL(v6) (EBN_FLOW_KEY_WORDS(v6) + 4)

static __always_inline __u64 *ebn_flow_way_at(const int v6, __u64 *set, __u32 way)
{
	return set + EBN_FLOW_WAYS + (way & (EBN_FLOW_WAYS - 1)) * EBN_FLOW_ENTRY_WORDS(v6);
}

/** The table that is authoritative: 1 the old one. */
static __always_inline __u32 ebn_flow_which(const struct ebn_view *v)
{
	const struct ebn_live *live;

	if (!ebn_cfg.has_old)
		return 0;
	live = ebn_node_live(v);
	return live && EBN_READ(live->stage) == EBN_STAGE_OLD;
}

/** Looks through one set. The copy is whole, or there was none: a tag that changed under it is a miss. */
static __always_inline int ebn_flow_probe(const int v6, __u64 *set, struct ebn_flow_ref *r)
{
	const __u32 want = EBN_TAG_HASH(r->hash);
	__u64 a, b, ctl, tail0, tail1, t, z;
	__u64 *e;
	int i;

#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		t = EBN_READ(set[i]);
		if (EBN_TAG_HASH(t) != want || EBN_TAG_STATE(t) != EBN_TAG_LIVE)
			continue;
		e = (__u64 *)((__u8 *)ebn_flow_way_at(v6, set, i) + ebn_dep(t));
		a = EBN_READ(e[0]) ^ r->w[0];
		b = EBN_READ(e[1]) ^ r->w[1];
		a |= b;
		if (v6) {
			a |= EBN_READ(e[2]) ^ r->w[2];
			a |= EBN_READ(e[3]) ^ r->w[3];
			a |= EBN_READ(e[4]) ^ r->w[4];
		}
		if (a)
			continue;
		ctl = EBN_READ(e[EBN_FLOW_AT_CTL(v6)]);
		tail0 = EBN_READ(e[EBN_FLOW_AT_TAIL(v6)]);
		tail1 = EBN_READ(e[EBN_FLOW_AT_TAIL(v6) + 1]);
		z = ebn_dep(a | ctl | tail0 | tail1);
		if (EBN_READ(*(__u64 *)((__u8 *)&set[i] + z)) != t)
			continue;
		r->tag = t;
		r->ctl = ctl;
		*(__u64 *)&r->seen = tail0;
		*(__u64 *)&r->decision = tail1;
		r->way = i;
		return 1;
	}
	return 0;
}

static __always_inline int ebn_flow_find_in(const int v6, struct ebn_flow_ref *r, const __u32 old)
{
	__u32 mask = ebn_flow_mask(v6, old), first = ebn_flow_set1(r->hash, mask);
	__u64 *set = ebn_flow_set_at(v6, old, first);

	r->old = old;
	r->set = first;
	if (set && ebn_flow_probe(v6, set, r))
		return EBN_FLOW_HIT;
	r->set = ebn_flow_set2(r->hash, mask);
	set = ebn_flow_set_at(v6, old, r->set);
	if (set && ebn_flow_probe(v6, set, r))
		return EBN_FLOW_HIT;
	return EBN_FLOW_MISS;
}

EBN_ASSERT(__builtin_offsetof(struct ebn_flow_ref, seen) % 8 == 0, "tail words are copied whole");
EBN_ASSERT(__builtin_offsetof(struct ebn_flow_ref, decision) ==
	   __builtin_offsetof(struct ebn_flow_ref, seen) + 8, "tail words are copied whole");

/* ---- giving up: which way of a set may be taken ---- */

/*
 * What a way is worth, lower goes first: rank:8 | last seen, so that of equals the longest idle goes. 0: free.
 * EBN_FLOW_KEEP and above: may not be taken.
 */
#define EBN_FLOW_KEEP (0x80ULL << 32)

/** Index into idle_ticks; the same as ebn_flow_idle_index() of lib/tables/flow.c. */
static __always_inline __u32 ebn_flow_idle(__u8 proto, __u32 state)
{
	if (proto == 6)
		return state >= EBN_FS_REPLIED ? (state == EBN_FS_ESTABLISHED ? EBN_FLOW_IDLE_TCP_EST :
								EBN_FLOW_IDLE_TCP_HALF) :
		       state == EBN_FS_CLOSING ? EBN_FLOW_IDLE_TCP_CLOSING : EBN_FLOW_IDLE_TCP_HALF;
	if (proto == 17)
		return state == EBN_FS_ESTABLISHED ? EBN_FLOW_IDLE_UDP_EST : EBN_FLOW_IDLE_UDP_HALF;
	return proto == 1 || proto == 58 ? EBN_FLOW_IDLE_ICMP : EBN_FLOW_IDLE_OTHER;
}

static __always_inline __u64 ebn_flow_worth(const int v6, const __u32 old, __u32 index, __u32 way, __u32 now)
{
	__u64 *set = ebn_flow_set_at(v6, old, index & ebn_flow_mask(v6, old)), *e, t, ctl, key;
	const struct ebn_live *live;
	__u32 seen, idle, state;
	struct ebn_view v;

	if (!set)
		return EBN_FLOW_KEEP;
	way &= EBN_FLOW_WAYS - 1;
	t = EBN_READ(set[way]);
	if (EBN_TAG_STATE(t) == EBN_TAG_FREE)
		return 0;
	if (EBN_TAG_STATE(t) != EBN_TAG_LIVE || ebn_view_open(&v))
		return EBN_FLOW_KEEP;
	live = ebn_node_live(&v);
	if (!live)
		return EBN_FLOW_KEEP;
	/* not under a second tag check: the claim's compare-and-swap on the tag is one */
	e = (__u64 *)((__u8 *)ebn_flow_way_at(v6, set, way) + ebn_dep(t));
	key = EBN_READ(e[v6 ? 4 : 1]);
	ctl = EBN_READ(e[EBN_FLOW_AT_CTL(v6)]);
	seen = (__u32)EBN_READ(e[EBN_FLOW_AT_TAIL(v6)]);
	state = EBN_CTL_STATE(ctl);
	idle = now - seen;
	if ((__s32)idle < 0)
		idle = 0;
	if (idle > EBN_READ(live->idle_ticks[ebn_flow_idle((__u8)(key >> 32), state) & 7]))
		return 1ULL << 32 | seen;
	if (state < EBN_FS_REPLIED)
		return (__u64)(1 + state + !state) << 32 | seen;
	if (state == EBN_FS_REPLIED)
		return 4ULL << 32 | seen;
	if (idle > EBN_READ(live->idle_ticks[EBN_FLOW_IDLE_GIVE_UP]))
		return 5ULL << 32 | seen;
	return EBN_FLOW_KEEP;
}

/* verifier: global functions, so that eight calls in a row do not multiply the paths of one */
__noinline __u64 ebn_flow4_worth(__u32 index, __u32 way, __u32 now, __u32 old)
{
	return ebn_flow_worth(0, old && 1, index, way, now);
}

__noinline __u64 ebn_flow6_worth(__u32 index, __u32 way, __u32 now, __u32 old)
{
	return ebn_flow_worth(1, old && 1, index, way, now);
}

/** Least worth of a set's ways: worth << 3 | way. */
static __always_inline __u64 ebn_flow_pick(const int v6, __u32 index, __u32 now, __u32 old)
{
	__u64 best = ~0ULL >> 1, w;
	__u32 i;

#pragma unroll
	for (i = 0; i < EBN_FLOW_WAYS; i++) {
		w = v6 ? ebn_flow6_worth(index, i, now, old) : ebn_flow4_worth(index, i, now, old);
		w = w << 3 | i;
		/* verifier: a minimum without a branch, it would follow all 256 paths */
		best = w + ((best - w) & (__u64)((__s64)(best - w) >> 63));
	}
	return best;
}

__noinline __u64 ebn_flow4_pick(__u32 index, __u32 now, __u32 old)
{
	return ebn_flow_pick(0, index, now, old);
}

__noinline __u64 ebn_flow6_pick(__u32 index, __u32 now, __u32 old)
{
	return ebn_flow_pick(1, index, now, old);
}

/* ---- rivals: who else has or claims this key ---- */

#define EBN_RIVAL_LIVE 1
#define EBN_RIVAL_CLAIM 2

/** EBN_RIVAL_* bits of one set, leaving out way `skip` (our own claim; EBN_FLOW_WAYS: none is ours). */
static __always_inline int ebn_flow_rivals(const int v6, const struct ebn_flow_ref *r, const __u32 old,
					   __u32 index, __u32 skip)
{
	__u64 *set = ebn_flow_set_at(v6, old, index & ebn_flow_mask(v6, old)), *e, t, a;
	const __u32 want = EBN_TAG_HASH(r->hash);
	int i, found = 0;

	if (!set)
		return 0;
#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		t = EBN_READ(set[i]);
		if (EBN_TAG_HASH(t) != want || i == (int)skip)
			continue;
		if (EBN_TAG_STATE(t) == EBN_TAG_CLAIM || EBN_TAG_STATE(t) == EBN_TAG_UCLAIM) {
			found |= EBN_RIVAL_CLAIM;
			continue;
		}
		if (EBN_TAG_STATE(t) != EBN_TAG_LIVE)
			continue;
		e = (__u64 *)((__u8 *)ebn_flow_way_at(v6, set, i) + ebn_dep(t));
		a = EBN_READ(e[0]) ^ r->w[0];
		a |= EBN_READ(e[1]) ^ r->w[1];
		if (v6) {
			a |= EBN_READ(e[2]) ^ r->w[2];
			a |= EBN_READ(e[3]) ^ r->w[3];
			a |= EBN_READ(e[4]) ^ r->w[4];
		}
		if (!a)
			return EBN_RIVAL_LIVE;
	}
	return found;
}

/**
 * One scan of both sets behind our claim (a full barrier). Of two inserters of one key the later claimer sees the earlier
 * one. The one in the second set gives way; the one in the first waits for it, a bounded number of times.
 * EBN_FLOW_MISS: nobody else; HIT: somebody has it; BUSY: give way; AGAIN: wait.
 */
#define EBN_FLOW_AGAIN 4
static __always_inline int ebn_flow_scan(const int v6, const struct ebn_flow_ref *r, __u32 way, __u32 in_second,
					 const __u32 old)
{
	const __u32 mask = ebn_flow_mask(v6, old);
	const __u32 first = ebn_flow_set1(r->hash, mask), second = ebn_flow_set2(r->hash, mask);
	int a = ebn_flow_rivals(v6, r, old, first, in_second ? EBN_FLOW_WAYS : way), b;

	if (a & EBN_RIVAL_LIVE)
		return EBN_FLOW_HIT;
	b = ebn_flow_rivals(v6, r, old, second, in_second ? way : EBN_FLOW_WAYS);
	if (b & EBN_RIVAL_LIVE)
		return EBN_FLOW_HIT;
	if (!((a | b) & EBN_RIVAL_CLAIM))
		return EBN_FLOW_MISS;
	return in_second || (a & EBN_RIVAL_CLAIM) ? EBN_FLOW_BUSY : EBN_FLOW_AGAIN;
}

/* verifier: verified once, so that the loop around it is only a call and a branch */
__noinline int ebn_flow4_scan(const struct ebn_flow_ref *r, __u32 way, __u32 in_second, __u32 old)
{
	return r ? ebn_flow_scan(0, r, way, in_second, old && 1) : EBN_FLOW_BUSY;
}

__noinline int ebn_flow6_scan(const struct ebn_flow_ref *r, __u32 way, __u32 in_second, __u32 old)
{
	return r ? ebn_flow_scan(1, r, way, in_second, old && 1) : EBN_FLOW_BUSY;
}

static __always_inline int ebn_flow_contest(const int v6, const struct ebn_flow_ref *r, __u32 way, __u32 in_second,
					    __u32 old)
{
	int i, res;

#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_FLOW_TRIES; i++) {
		res = v6 ? ebn_flow6_scan(r, way, in_second, old) : ebn_flow4_scan(r, way, in_second, old);
		if (res != EBN_FLOW_AGAIN)
			return res;
	}
	return EBN_FLOW_BUSY;
}

/* ---- insert ---- */

/**
 * body: as it shall be, its ctl with any sequence. On EBN_FLOW_MISS (the caller's view: it was absent and now is in)
 * r names the new entry. gave: the worth of what was given up, 0 for a free way; for the counters.
 */
static __always_inline int ebn_flow_put(const int v6, struct ebn_flow_ref *r, const struct ebn_flow_body *body,
					const __u32 old)
{
	const __u32 mask = ebn_flow_mask(v6, old);
	const __u32 first = ebn_flow_set1(r->hash, mask), second = ebn_flow_set2(r->hash, mask);
	__u64 worth, other, *set, *e, was, claim, judged = 0;
	bool in_second = false;
	__u32 way, seq;
	int res;

	worth = v6 ? ebn_flow6_pick(first, r->now, old) : ebn_flow4_pick(first, r->now, old);
	if (worth >> 3) {
		other = v6 ? ebn_flow6_pick(second, r->now, old) : ebn_flow4_pick(second, r->now, old);
		if (other >> 35 < worth >> 35) {
			worth = other;
			in_second = true;
		}
	}
	if (worth >> 3 >= EBN_FLOW_KEEP)
		return EBN_FLOW_FULL;
	way = worth & (EBN_FLOW_WAYS - 1);
	r->set = in_second ? second : first;
	set = ebn_flow_set_at(v6, old, r->set);
	if (!set)
		return EBN_FLOW_BUSY;
	e = ebn_flow_way_at(v6, set, way);
	was = EBN_READ(set[way]);
	if ((EBN_TAG_STATE(was) == EBN_TAG_FREE) != !(worth >> 3))
		return EBN_FLOW_BUSY;
	if (worth >> 3) {
		/*
		 * What was picked may have become another flow, or grown up, since. Judge again what is behind
		 * this tag and this control word; both are then swapped, so a success means that neither
		 * changed in between.
		 */
		e = (__u64 *)((__u8 *)e + ebn_dep(was));
		judged = EBN_READ(e[EBN_FLOW_AT_CTL(v6)]);
		if ((v6 ? ebn_flow6_worth(r->set, way, r->now, old) : ebn_flow4_worth(r->set, way, r->now, old)) >>
			    32 > worth >> 35)
			return EBN_FLOW_BUSY;
	}
	seq = EBN_TAG_SEQ(was) + 1;
	claim = EBN_TAG(EBN_TAG_HASH(r->hash), seq, EBN_TAG_CLAIM);
	if (__sync_val_compare_and_swap(&set[way], was, claim) != was)
		return EBN_FLOW_BUSY;
	if (worth >> 3 && __sync_val_compare_and_swap(&e[EBN_FLOW_AT_CTL(v6)], judged,
						      judged ^ 1ULL << 48) != judged) {
		was = __sync_lock_test_and_set(&set[way], was);
		asm volatile("" : : "r"(was));
		return EBN_FLOW_BUSY;
	}
	res = ebn_flow_contest(v6, r, way, in_second, old);
	if (res != EBN_FLOW_MISS) {
		was = __sync_lock_test_and_set(&set[way], EBN_TAG(0, seq, EBN_TAG_FREE));
		asm volatile("" : : "r"(was));
		return res;
	}
	EBN_WRITE(e[0], r->w[0]);
	EBN_WRITE(e[1], r->w[1]);
	if (v6) {
		EBN_WRITE(e[2], r->w[2]);
		EBN_WRITE(e[3], r->w[3]);
		EBN_WRITE(e[4], r->w[4]);
		EBN_WRITE(e[5], 0);
	}
	r->ctl = (body->ctl & 0xffffffffffffULL) | (__u64)(seq & 0xffff) << 48;
	e += EBN_FLOW_KEY_WORDS(v6);
	EBN_WRITE(e[0], r->ctl);
	EBN_WRITE(e[1], body->bytes[0]);
	EBN_WRITE(e[2], body->bytes[1]);
	EBN_WRITE(e[3], *(const __u64 *)body->packets);
	EBN_WRITE(e[4], *(const __u64 *)&body->seen);
	EBN_WRITE(e[5], *(const __u64 *)&body->decision);
	r->tag = EBN_TAG(EBN_TAG_HASH(r->hash), seq, EBN_TAG_LIVE);
	/* publishes: an exchange whose value is used is a full barrier */
	was = __sync_lock_test_and_set(&set[way], r->tag);
	asm volatile("" : : "r"(was));
	r->way = way;
	r->old = old;
	ebn_count(worth >> 35 == 0 ? EBN_C_FLOW_NEW : worth >> 35 == 1 ? EBN_C_FLOW_EXPIRED : EBN_C_FLOW_EVICTED);
	return EBN_FLOW_MISS;
}

__noinline int ebn_flow4_insert(struct ebn_flow_ref *r, const struct ebn_flow_body *body)
{
	struct ebn_view v;

	if (!r || !body || ebn_view_open(&v))
		return EBN_FLOW_BUSY;
	return ebn_flow_put(0, r, body, ebn_flow_which(&v));
}

__noinline int ebn_flow6_insert(struct ebn_flow_ref *r, const struct ebn_flow_body *body)
{
	struct ebn_view v;

	if (!r || !body || ebn_view_open(&v))
		return EBN_FLOW_BUSY;
	return ebn_flow_put(1, r, body, ebn_flow_which(&v));
}

/* ---- what is done with an entry that was found or inserted ---- */

/** The entry's words behind its key (struct ebn_flow_body); NULL never happens but the verifier asks. */
static __always_inline struct ebn_flow_body *ebn_flow_body_at(const int v6, const struct ebn_flow_ref *r)
{
	const __u32 old = ebn_cfg.has_old && r->old;
	__u64 *set = ebn_flow_set_at(v6, old, r->set & ebn_flow_mask(v6, old));

	return set ? (struct ebn_flow_body *)(ebn_flow_way_at(v6, set, r->way) + EBN_FLOW_KEY_WORDS(v6)) : 0;
}

/** Counts a packet of side 0 (lo) or 1 (hi) and marks the flow seen. */
static __always_inline void ebn_flow_count(struct ebn_flow_body *b, const struct ebn_flow_ref *r, __u32 side,
					   __u32 len)
{
	side &= 1;
	__sync_fetch_and_add(&b->packets[side], 1);
	__sync_fetch_and_add(&b->bytes[side], len);
	if (r->seen != r->now)
		EBN_WRITE(b->seen, r->now);
}

/** Swaps the control word that find copied for another one with the same sequence. 1: done, 0: somebody was faster. */
static __always_inline int ebn_flow_update(struct ebn_flow_body *b, struct ebn_flow_ref *r, __u32 state,
					   __u32 flags, __u32 epoch)
{
	__u64 ctl = EBN_CTL(EBN_CTL_SEQ(r->ctl), state, flags, epoch);

	if (__sync_val_compare_and_swap(&b->ctl, r->ctl, ctl) != r->ctl)
		return 0;
	r->ctl = ctl;
	return 1;
}

/** LIVE -> DEAD if it is still the flow that was found. User space frees the way after a grace period. */
static __always_inline int ebn_flow_kill_in(const int v6, const struct ebn_flow_ref *r, const __u32 old)
{
	__u64 *set = ebn_flow_set_at(v6, old, r->set & ebn_flow_mask(v6, old));
	__u64 dead = (r->tag & ~0xffULL) | EBN_TAG_DEAD;

	return set && __sync_val_compare_and_swap(&set[r->way & (EBN_FLOW_WAYS - 1)], r->tag, dead) == r->tag;
}

/* ---- find ---- */

/**
 * A flow that is only in the old table moves to the new one. It is copied first and killed then, so that another CPU
 * sees it in one of the two all the time; packets counted in between are lost to the counters only.
 */
static __always_inline int ebn_flow_move(const int v6, struct ebn_flow_ref *r)
{
	struct ebn_flow_body body, *b;
	struct ebn_flow_ref from;
	int res;

	if (ebn_flow_find_in(v6, r, 1) != EBN_FLOW_HIT)
		return EBN_FLOW_MISS;
	b = ebn_flow_body_at(v6, r);
	if (!b)
		return EBN_FLOW_MISS;
	body.ctl = r->ctl;
	body.bytes[0] = EBN_READ(b->bytes[0]);
	body.bytes[1] = EBN_READ(b->bytes[1]);
	body.packets[0] = EBN_READ(b->packets[0]);
	body.packets[1] = EBN_READ(b->packets[1]);
	body.seen = r->seen;
	body.row[0] = r->row[0];
	body.row[1] = r->row[1];
	body.decision = r->decision;
	body.tcp_flags[0] = r->tcp_flags[0];
	body.tcp_flags[1] = r->tcp_flags[1];
	body.aux = r->aux;
	from = *r;
	res = ebn_flow_put(v6, r, &body, 0);
	if (res == EBN_FLOW_HIT)
		return ebn_flow_find_in(v6, r, 0);
	if (res != EBN_FLOW_MISS) {
		/* no room or a race: use it where it is */
		*r = from;
		return EBN_FLOW_HIT;
	}
	ebn_flow_kill_in(v6, &from, 1);
	ebn_count(EBN_C_FLOW_MOVED);
	return EBN_FLOW_HIT;
}

__noinline int ebn_flow4_move(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_flow_move(0, r) : EBN_FLOW_MISS;
}

__noinline int ebn_flow6_move(struct ebn_flow_ref *r)
{
	return r && ebn_cfg.has_old ? ebn_flow_move(1, r) : EBN_FLOW_MISS;
}

static __always_inline int ebn_flow_find(const int v6, struct ebn_flow_ref *r)
{
	struct ebn_view v;

	if (ebn_cfg.has_old) {
		if (ebn_view_open(&v))
			return EBN_FLOW_MISS;
		if (ebn_flow_which(&v))
			return ebn_flow_find_in(v6, r, 1);
		if (ebn_flow_find_in(v6, r, 0) == EBN_FLOW_HIT)
			return EBN_FLOW_HIT;
		return v6 ? ebn_flow6_move(r) : ebn_flow4_move(r);
	}
	return ebn_flow_find_in(v6, r, 0);
}

/** EBN_FLOW_HIT with r filled, or EBN_FLOW_MISS. r: w, hash and now are set. */
__noinline int ebn_flow4_find(struct ebn_flow_ref *r)
{
	return r ? ebn_flow_find(0, r) : EBN_FLOW_MISS;
}

__noinline int ebn_flow6_find(struct ebn_flow_ref *r)
{
	return r ? ebn_flow_find(1, r) : EBN_FLOW_MISS;
}

/** The key's hash with the table's seeds; a constant v6. */
static __always_inline __u64 ebn_flow_ref_hash(const int v6, const struct ebn_flow_ref *r)
{
	return ebn_flow_hash(r->w, EBN_FLOW_KEY_WORDS(v6), ebn_cfg.flow_seed[0], ebn_cfg.flow_seed[1]);
}

/** The tick now, about an eighth of a second. */
static __always_inline __u32 ebn_now(void)
{
	return (__u32)(bpf_jiffies64() >> (ebn_cfg.tick_shift & 63));
}

EBN_ASSERT(__builtin_offsetof(struct ebn_flow_ref, seen) % 8 == 0, "tail words are copied whole");
EBN_ASSERT(__builtin_offsetof(struct ebn_flow_ref, decision) ==
	   __builtin_offsetof(struct ebn_flow_ref, seen) + 8, "tail words are copied whole");

#endif
