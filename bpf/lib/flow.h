/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow tables, the programs' side: find, insert, update, count, kill. Layout: ebn_flow.h; the protocol
 * and its arguments: docs/flow-table.md. User space runs the same protocol over the mapping
 * (lib/tables/flow.c).
 *
 *	struct ebn_flow_ref r = {};
 *
 *	key words into r.w, ebn_flow_ref_hash(v6, &r), r.now = tick
 *	switch (ebn_flow_find(v6, &r)) ...		flow_old.h; HIT: the copy in r is whole
 *		e = ebn_flow_body(v6, &r)		the entry itself
 *		ebn_flow_count(e, side, 1, len, &r)
 *		ebn_flow_update(e, &r, new ctl)		0: changed since, find again
 *	or
 *		body.ctl = EBN_CTL(0, state, flags, epoch), the rest of the body
 *		ebn_flow_insert(v6, &r, &body)		HIT: somebody was faster, r is theirs
 *
 * Order. Tags change by compare-and-swap and exchange only, and the value they return is used: such
 * an atomic is a full barrier on x86 and on arm64 (an atomic whose result is dropped becomes a
 * relaxed one there). So an inserter's claim is visible before it looks for rivals, and before its
 * first store into the entry; its last store is visible before the tag says LIVE. A reader goes
 * tag -> entry -> tag again: the entry's address depends on the first tag and the second tag's
 * address on every word it read (ebn_dep), and no CPU swaps loads that are ordered by address. When
 * the entry was changing hands, the second tag is another one, and the copy is thrown away. On x86
 * loads are in order anyhow and ebn_dep() is a compiler barrier.
 *
 * Verifier: the bodies take the family as a constant and stand in global functions, which are
 * verified once each however often they are called; set numbers are masked with a constant of
 * .rodata and checked by the map, ways are masked to 7.
 */
#ifndef EBN_LIB_FLOW_H
#define EBN_LIB_FLOW_H

#include "lib/count.h"
#include "lib/flow_give_up.h"

/** One look-up, on the caller's stack, zeroed before use. */
struct ebn_flow_ref {
	/* set by the caller */
	__u64 w[6];		/**< the key; IPv4 uses two words */
	__u64 hash;		/**< ebn_flow_ref_hash() */
	/* the copy: set on HIT, and by an insert */
	__u64 tag;
	__u64 ctl;
	__u32 seen;
	__u16 row[2];
	__u16 decision;
	__u8 tcp_flags[2];
	__u32 aux;
	__u32 set;
	__u8 way;
	__u8 torn;		/**< how often an entry changed hands under the look-up */
	__u8 gave;		/**< enum ebn_flow_gave: what insert took */
	__u8 reserved;
	__u32 now;		/**< tick; set by the caller before insert */
	__u32 owner;		/**< EBN_OWNER_*: whom an insert is for */
};
EBN_ASSERT(sizeof(struct ebn_flow_ref) == 104, "a flow reference");
EBN_ASSERT(__builtin_offsetof(struct ebn_flow_ref, seen) % 8 == 0 &&
	   __builtin_offsetof(struct ebn_flow_body, seen) % 8 == 0, "tails are copied as two words");

enum ebn_flow_result {
	EBN_FLOW_MISS,		/* find: no such flow. insert: inserted, r names the new entry */
	EBN_FLOW_HIT,
	EBN_FLOW_BUSY,		/* somebody else is inserting this key, or took our way */
	EBN_FLOW_FULL,		/* nothing in either set could be given up */
	EBN_FLOW_TORN,		/* an entry changed hands under one look; never what ebn_flow_find() says */
};
#define EBN_FLOW_INSERTED EBN_FLOW_MISS

enum ebn_flow_gave {
	EBN_FLOW_GAVE_NONE,	/* the way was free */
	EBN_FLOW_GAVE_EXPIRED,
	EBN_FLOW_GAVE_LIVE,	/* half open, closing, not proven, or long idle */
};

/* How often an inserter looks whether its rival behind it gave way. */
#define EBN_FLOW_TRIES 64
/* How often another way is chosen when the chosen one was taken meanwhile. */
#define EBN_FLOW_CHOICES 4
/* So many of the ways of both sets are not for an owner over its share while they are free. */
#define EBN_FLOW_KEPT 4

static __always_inline void ebn_flow_ref_hash(const int v6, struct ebn_flow_ref *r)
{
	r->hash = ebn_flow_hash(r->w, EBN_FLOW_KEY_WORDS(v6), ebn_cfg.flow_seed[0],
				ebn_cfg.flow_seed[1]);
}

/** The tick now, about an eighth of a second. */
static __always_inline __u32 ebn_now(void)
{
	return (__u32)(bpf_jiffies64() >> (ebn_cfg.tick_shift & 63));
}

/** 0 when the entry at e (its address made to depend on its tag) has this key. */
static __always_inline __u64 ebn_flow_differs(const int v6, const __u64 *e,
					      const struct ebn_flow_ref *r)
{
	__u64 x = (EBN_READ(e[0]) ^ r->w[0]) | (EBN_READ(e[1]) ^ r->w[1]);

	if (v6) {
		x |= EBN_READ(e[2]) ^ r->w[2];
		x |= EBN_READ(e[3]) ^ r->w[3];
		x |= EBN_READ(e[4]) ^ r->w[4];
		x |= EBN_READ(e[5]) ^ r->w[5];
	}
	return x;
}

/* ---- find ---- */

/** 1 found, 0 not. Counts in r->torn when an entry of this hash changed hands under us. */
static __always_inline int ebn_flow_probe(const int v6, __u64 *set, struct ebn_flow_ref *r)
{
	const __u64 want = EBN_TAG(EBN_TAG_HASH(r->hash), 0, EBN_TAG_LIVE);
	__u64 ctl, tail0, tail1, t, x;
	const __u64 *e, *b;
	int i;

#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		t = EBN_READ(set[i]);
		if ((t & ~EBN_TAG(0, 0xffffff, 0)) != want)
			continue;
		e = ebn_flow_way(v6, (__u64 *)((__u8 *)set + ebn_dep(t)), i);
		b = e + EBN_FLOW_KEY_WORDS(v6);
		x = ebn_flow_differs(v6, e, r);
		ctl = EBN_READ(b[0]);
		tail0 = EBN_READ(b[EBN_FLOW_TAIL]);
		tail1 = EBN_READ(b[EBN_FLOW_TAIL + 1]);
		if (EBN_READ(*(__u64 *)((__u8 *)&set[i] + ebn_dep(x | ctl | tail0 | tail1))) != t) {
			r->torn++;
			continue;
		}
		if (x)
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

static __always_inline int ebn_flow_find_in(const int v6, struct ebn_flow_ref *r)
{
	__u32 mask = ebn_flow_mask(v6);
	__u64 *set;
	int a = 0, b = 0;

	r->set = ebn_flow_set1(r->hash, mask);
	set = ebn_flow_set(v6, r->set);
	if (set)
		a = ebn_flow_probe(v6, set, r);
	if (a > 0)
		return EBN_FLOW_HIT;
	r->set = ebn_flow_set2(r->hash, mask);
	set = ebn_flow_set(v6, r->set);
	if (set)
		b = ebn_flow_probe(v6, set, r);
	if (b > 0)
		return EBN_FLOW_HIT;
	return a | b ? EBN_FLOW_TORN : EBN_FLOW_MISS;
}

__noinline int ebn_flow4_find(struct ebn_flow_ref *r)
{
	return r ? ebn_flow_find_in(0, r) : EBN_FLOW_MISS;
}

__noinline int ebn_flow6_find(struct ebn_flow_ref *r)
{
	return r ? ebn_flow_find_in(1, r) : EBN_FLOW_MISS;
}

/* ---- insert ---- */

#define EBN_RIVAL_LIVE 1	/* a live entry with our key */
#define EBN_RIVAL_BEHIND 2	/* a claim that gives way to us */
#define EBN_RIVAL_AHEAD 4	/* a claim we give way to */

/* Our own way in a set, and those whose claims are ahead of ours: a bit each. */
#define EBN_PLACES(own, ahead) ((__u32)(own) | (__u32)(ahead) << EBN_FLOW_WAYS)

/**
 * Other entries of this hash in a set. Verifier: places are bits, because comparing a way with eight
 * numbers in turn would split its range into as many states.
 */
static __always_inline int ebn_flow_rival(const int v6, struct ebn_flow_ref *r, __u32 index,
					  __u32 places)
{
	__u64 *set = ebn_flow_set(v6, index);
	__u32 state;
	int i, seen = 0;
	__u64 t;

	if (!set)
		return 0;
#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		t = EBN_READ(set[i]);
		if (EBN_TAG_HASH(t) != EBN_TAG_HASH(r->hash) || places & 1U << i)
			continue;
		state = EBN_TAG_STATE(t);
		if (state == EBN_TAG_CLAIM || state == EBN_TAG_UCLAIM)
			seen |= EBN_RIVAL_BEHIND << (places >> (EBN_FLOW_WAYS + i) & 1);
		else if (state == EBN_TAG_LIVE &&
			 !ebn_flow_differs(v6, ebn_flow_way(v6, (__u64 *)((__u8 *)set +
			 ebn_dep(t)), i), r))
			return EBN_RIVAL_LIVE;
	}
	return seen;
}

__noinline int ebn_flow4_rival(struct ebn_flow_ref *r, __u32 index, __u32 places)
{
	return r ? ebn_flow_rival(0, r, index, places) : 0;
}

__noinline int ebn_flow6_rival(struct ebn_flow_ref *r, __u32 index, __u32 places)
{
	return r ? ebn_flow_rival(1, r, index, places) : 0;
}

/** Claims a way that has this tag. */
static __always_inline int ebn_flow_claim_way(struct ebn_flow_ref *r, __u64 *set, __u32 way, __u64 t)
{
	__u64 claim = EBN_TAG(EBN_TAG_HASH(r->hash), EBN_TAG_SEQ(t) + 1, EBN_TAG_CLAIM);

	if (__sync_val_compare_and_swap(&set[way], t, claim) != t)
		return EBN_FLOW_BUSY;
	r->way = way;
	r->tag = claim;
	return EBN_FLOW_INSERTED;
}

/**
 * Claims a way that somebody has, when it costs no more than when it was chosen. Judges once more behind
 * the tag that the claim will compare with, and takes the sequence number out of the control word that
 * was judged: BUSY when the flow has moved on meanwhile. So a flow that was proven between the choice
 * and the claim is not given up, and after this its updates fail and look it up again.
 */
static __always_inline int ebn_flow_take(const int v6, struct ebn_flow_ref *r, __u32 owner, __u64 most)
{
	__u64 *set = ebn_flow_set(v6, r->set), *e, t, ctl;
	const struct ebn_live *live = ebn_live_get();
	__u32 way = most & (EBN_FLOW_WAYS - 1);

	if (!set || !live)
		return EBN_FLOW_FULL;
	t = EBN_READ(set[way]);
	if (ebn_flow_cost(v6, set, way, t, r->now, owner, live, &ctl) > most)
		return EBN_FLOW_BUSY;
	e = ebn_flow_way(v6, set, way);
	if (__sync_val_compare_and_swap(&e[EBN_FLOW_KEY_WORDS(v6)], ctl, ctl ^ 1ULL << 63) != ctl)
		return EBN_FLOW_BUSY;
	return ebn_flow_claim_way(r, set, way, t);
}

__noinline int ebn_flow4_take(struct ebn_flow_ref *r, __u32 owner, __u64 most)
{
	return r ? ebn_flow_take(0, r, owner, most) : EBN_FLOW_FULL;
}

__noinline int ebn_flow6_take(struct ebn_flow_ref *r, __u32 owner, __u64 most)
{
	return r ? ebn_flow_take(1, r, owner, most) : EBN_FLOW_FULL;
}

/**
 * The owner of a new flow, and whether it has used its share of the table up. Its flows then keep off the
 * last free ways of their sets and off other owners' that have not expired. Verifier: functions, for
 * they know nothing of what is around them.
 */
__noinline int ebn_flow_room(__u32 owner, __u32 v6)
{
	const struct ebn_live *live = ebn_live_get();
	struct ebn_flow_share *s;
	__u64 quota, over;

	owner &= EBN_OWNER_ROW;
	quota = live ? EBN_READ(live->quota[v6 & 1]) : 0;
	if (!owner || !quota)
		return owner;
	s = bpf_map_lookup_elem(&ebn_flow_share, &owner);
	if (!s)
		return owner | EBN_OWNER_OVER;
	over = (quota - 1 - EBN_READ(s->used[v6 & 1])) >> 63;
	return owner | EBN_OWNER_COUNTED | over << 16;
}

/**
 * Counts a place for r's owner; user space corrects it when it sweeps. Who is over its share got one of its
 * own, or one that the sweep would have freed.
 */
__noinline int ebn_flow_took(struct ebn_flow_ref *r, __u32 v6)
{
	struct ebn_flow_share *s;
	__u32 owner;

	if (!r || !(r->owner & EBN_OWNER_COUNTED) || (r->owner & EBN_OWNER_OVER && r->gave))
		return 0;
	owner = r->owner & EBN_OWNER_ROW;
	s = bpf_map_lookup_elem(&ebn_flow_share, &owner);
	if (s)
		__sync_fetch_and_add(&s->used[v6 & 1], 1);
	return 0;
}

/**
 * Chooses a way and claims it: r->set, way, tag (the claim). A free way of either set first. Then two
 * neighbours in the first set, chosen by the hash: of the two the one to go if that is an expired or a
 * half-open flow, as it nearly always is while many new flows come, at the cost of one line instead of
 * sixteen; the older of two drawn ones is a good stand-in for the oldest. Else all of the first set,
 * and when that holds nothing so cheap, the cheapest of both.
 */
static __always_inline int ebn_flow_claim(const int v6, struct ebn_flow_ref *r, __u32 owner)
{
	__u32 mask = ebn_flow_mask(v6), one = ebn_flow_set1(r->hash, mask);
	__u32 two = ebn_flow_set2(r->hash, mask), way, free, other, none;
	__u64 a, b, t, *set;

	r->set = one;
	r->gave = EBN_FLOW_GAVE_NONE;
	free = ebn_flow_free(v6, one);
	if (EBN_FREE_WAYS(free) < EBN_FLOW_ROOMY) {
		other = ebn_flow_free(v6, two);
		none = (EBN_FREE_WAYS(free) + EBN_FREE_WAYS(other) - EBN_FLOW_KEPT - 1) >> 31 & owner >> 16 & 1;
		/* verifier: no branch, what is behind would be followed once more */
		asm volatile("" : "+r"(none));
		free &= none - 1;
		other &= none - 1;
		if (EBN_FREE_WAYS(other) > EBN_FREE_WAYS(free)) {
			r->set = two;
			free = other;
		}
	}
	if (free) {
		set = ebn_flow_set(v6, r->set);
		if (!set)
			return EBN_FLOW_FULL;
		way = ebn_flow_free_way(free);
		t = EBN_READ(set[way]);
		return EBN_TAG_STATE(t) == EBN_TAG_FREE ? ebn_flow_claim_way(r, set, way, t) : EBN_FLOW_BUSY;
	}
	b = v6 ? ebn_flow6_pair(one, r->now, owner, (__u32)(r->hash >> 29)) :
		 ebn_flow4_pair(one, r->now, owner, (__u32)(r->hash >> 29));
	if (!EBN_COST_CHEAP(b))
		b = v6 ? ebn_flow6_cheapest(one, r->now, owner) :
			 ebn_flow4_cheapest(one, r->now, owner);
	if (!EBN_COST_CHEAP(b)) {
		a = v6 ? ebn_flow6_cheapest(two, r->now, owner) :
			 ebn_flow4_cheapest(two, r->now, owner);
		if (a < b) {
			r->set = two;
			b = a;
		}
	}
	if (b >= EBN_COST_NEVER)
		return EBN_FLOW_FULL;
	r->gave = EBN_COST_CLASS(b) ? EBN_FLOW_GAVE_LIVE : EBN_FLOW_GAVE_EXPIRED;
	return v6 ? ebn_flow6_take(r, owner, b) : ebn_flow4_take(r, owner, b);
}

__noinline int ebn_flow4_claim(struct ebn_flow_ref *r, __u32 owner)
{
	return r ? ebn_flow_claim(0, r, owner) : EBN_FLOW_FULL;
}

__noinline int ebn_flow6_claim(struct ebn_flow_ref *r, __u32 owner)
{
	return r ? ebn_flow_claim(1, r, owner) : EBN_FLOW_FULL;
}

/** Both sets, once: EBN_RIVAL_*. Verifier: a function, so that the loop around it is short. */
static __always_inline int ebn_flow_scan(const int v6, struct ebn_flow_ref *r)
{
	__u32 mask = ebn_flow_mask(v6), one = ebn_flow_set1(r->hash, mask);
	__u32 two = ebn_flow_set2(r->hash, mask), own = 1U << (r->way & (EBN_FLOW_WAYS - 1));
	__u32 first = r->set == one, places = EBN_PLACES(own, own - 1);
	__u32 places1 = first ? places : EBN_PLACES(0, 0xff), places2 = first ? 0 : places;
	int seen;

	seen = v6 ? ebn_flow6_rival(r, one, places1) : ebn_flow4_rival(r, one, places1);
	if (!(seen & EBN_RIVAL_LIVE))
		seen |= v6 ? ebn_flow6_rival(r, two, places2) : ebn_flow4_rival(r, two, places2);
	return seen;
}

__noinline int ebn_flow4_scan(struct ebn_flow_ref *r)
{
	return r ? ebn_flow_scan(0, r) : 0;
}

__noinline int ebn_flow6_scan(struct ebn_flow_ref *r)
{
	return r ? ebn_flow_scan(1, r) : 0;
}

/** Ways of a set whose tags have this hash, in whatever state: a bit each. */
static __always_inline __u64 ebn_flow_same(const int v6, __u32 index, __u64 hash)
{
	__u64 *set = ebn_flow_set(v6, index), bits = 0;
	int i;

	if (!set)
		return 0;
#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++)
		bits |= (((EBN_READ(set[i]) ^ hash) >> 32) - 1) >> 63 << i;
	return bits;
}

/** Nobody else's tag has our hash: the answer nearly always, found without a branch a way. */
static __always_inline bool ebn_flow_only(const int v6, const struct ebn_flow_ref *r)
{
	__u32 mask = ebn_flow_mask(v6);
	__u64 own = 1ULL << (r->way & (EBN_FLOW_WAYS - 1)), bits;

	bits = ebn_flow_same(v6, ebn_flow_set1(r->hash, mask), r->hash) |
	       ebn_flow_same(v6, ebn_flow_set2(r->hash, mask), r->hash) << EBN_FLOW_WAYS;
	return bits == own || bits == own << EBN_FLOW_WAYS;
}

/**
 * Behind the claim: is anybody else there with this key? 0 no, EBN_RIVAL_LIVE an entry, else a claim.
 * Each inserter claimed, with a full barrier, before it scanned, so of two at least one sees the other.
 * Places are ordered, first set before second, low way before high: the one behind gives way at once,
 * the one ahead waits for that, a bounded number of scans. Waits go one way only: no cycle.
 */
static __always_inline int ebn_flow_alone(const int v6, struct ebn_flow_ref *r)
{
	int i, seen = 0;

	if (ebn_flow_only(v6, r))
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_FLOW_TRIES; i++) {
		seen = v6 ? ebn_flow6_scan(r) : ebn_flow4_scan(r);
		if (seen & EBN_RIVAL_LIVE)
			return EBN_RIVAL_LIVE;
		if (seen != EBN_RIVAL_BEHIND)
			return seen;
	}
	return seen;
}

/** Claim, scan, fill, publish, for r->owner. */
static __always_inline int ebn_flow_put(const int v6, struct ebn_flow_ref *r,
					const struct ebn_flow_body *body)
{
	const __u64 *from = (const __u64 *)body;
	__u32 seq, one = ebn_flow_set1(r->hash, ebn_flow_mask(v6));
	__u64 *set, *e, *b, next;
	int i, rc;

	/* no prefetch in BPF: these loads fetch what a full set is judged by while its tags are on the way */
	set = ebn_flow_set(v6, one);
	if (set) {
		e = ebn_flow_way(v6, set, (__u32)(r->hash >> 29) & 6);
		next = EBN_READ(e[EBN_FLOW_KEY_WORDS(v6)]);
		asm volatile("" : : "r"(next));
		next = EBN_READ(e[EBN_FLOW_ENTRY_WORDS(v6) + EBN_FLOW_KEY_WORDS(v6)]);
		asm volatile("" : : "r"(next));
	}
	rc = EBN_FLOW_BUSY;
	/* a way lost to another key is no reason to give up: choose again */
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_FLOW_CHOICES && rc == EBN_FLOW_BUSY; i++)
		rc = v6 ? ebn_flow6_claim(r, r->owner) : ebn_flow4_claim(r, r->owner);
	if (rc != EBN_FLOW_INSERTED)
		return rc;
	set = ebn_flow_set(v6, r->set);
	if (!set)
		return EBN_FLOW_FULL;
	seq = EBN_TAG_SEQ(r->tag);
	rc = ebn_flow_alone(v6, r);
	if (rc) {
		next = EBN_TAG(0, seq, EBN_TAG_FREE);
		rc = rc == EBN_RIVAL_LIVE ? EBN_FLOW_HIT : EBN_FLOW_BUSY;
	} else {
		e = ebn_flow_way(v6, set, r->way);
		b = e + EBN_FLOW_KEY_WORDS(v6);
#pragma unroll
		for (i = 0; i < EBN_FLOW_KEY_WORDS(v6); i++)
			EBN_WRITE(e[i], r->w[i]);
		r->ctl = (from[0] << 16 >> 16) | (__u64)seq << 48;
		EBN_WRITE(b[0], r->ctl);
#pragma unroll
		for (i = 1; i < (int)sizeof(*body) / 8; i++)
			EBN_WRITE(b[i], from[i]);
		*(__u64 *)&r->seen = from[EBN_FLOW_TAIL];
		*(__u64 *)&r->decision = from[EBN_FLOW_TAIL + 1];
		next = EBN_TAG(EBN_TAG_HASH(r->hash), seq, EBN_TAG_LIVE);
		rc = EBN_FLOW_INSERTED;
		ebn_flow_took(r, v6);
	}
	r->tag = next;
	/* ours alone while claimed; the use of what it returns makes the exchange a full barrier */
	if (__sync_lock_test_and_set(&set[r->way & (EBN_FLOW_WAYS - 1)], next) == next)
		r->torn++;
	return rc;
}

__noinline int ebn_flow4_put(struct ebn_flow_ref *r, struct ebn_flow_body *body)
{
	return r && body ? ebn_flow_put(0, r, body) : EBN_FLOW_FULL;
}

__noinline int ebn_flow6_put(struct ebn_flow_ref *r, struct ebn_flow_body *body)
{
	return r && body ? ebn_flow_put(1, r, body) : EBN_FLOW_FULL;
}

/* ---- the entry that r names ---- */

/** NULL: r names no entry. The entry may have changed hands since: see each user for why it may. */
static __always_inline struct ebn_flow_body *ebn_flow_body(const int v6, const struct ebn_flow_ref *r)
{
	__u64 *set = ebn_flow_set(v6, r->set);

	if (!set)
		return 0;
	return (struct ebn_flow_body *)(ebn_flow_way(v6, set, r->way) + EBN_FLOW_KEY_WORDS(v6));
}

/**
 * Changes state, flags and epoch. 1 done, 0 changed by somebody else since the copy: find again. The
 * word carries the entry's sequence number: a swap never hits the next flow in the same place.
 */
static __always_inline int ebn_flow_update(struct ebn_flow_body *e, struct ebn_flow_ref *r,
					   __u8 state, __u8 flags, __u32 epoch)
{
	__u64 next = EBN_CTL(EBN_CTL_SEQ(r->ctl), state, flags, epoch);

	if (__sync_val_compare_and_swap(&e->ctl, r->ctl, next) != r->ctl)
		return 0;
	r->ctl = next;
	return 1;
}

/** side: 0 from lo, 1 from hi, a variable. An add may hit a successor: counters are exact only after a grace. */
static __always_inline void ebn_flow_count(struct ebn_flow_body *e, const struct ebn_flow_ref *r,
					   __u32 side, __u32 packets, __u32 bytes)
{
	side &= 1;
	__sync_fetch_and_add(&e->bytes[side], bytes);
	__sync_fetch_and_add(&e->packets[side], packets);
	/* a line that stays clean is a line that other CPUs keep */
	if (r->seen != r->now)
		EBN_WRITE(e->seen, r->now);
}

/** LIVE -> DEAD. 1: by us. The way is free when user space has reaped it behind a grace period. */
static __always_inline int ebn_flow_kill(const int v6, const struct ebn_flow_ref *r)
{
	__u64 *set = ebn_flow_set(v6, r->set);
	__u64 dead = EBN_TAG(EBN_TAG_HASH(r->tag), EBN_TAG_SEQ(r->tag), EBN_TAG_DEAD);

	return set && __sync_val_compare_and_swap(&set[r->way & (EBN_FLOW_WAYS - 1)], r->tag,
						  dead) == r->tag;
}

/* ---- what programs call ---- */

/** Looks r->w up in the table in force: MISS or HIT. */
static __always_inline int ebn_flow_find_table(const int v6, struct ebn_flow_ref *r)
{
	int rc = v6 ? ebn_flow6_find(r) : ebn_flow4_find(r);

	if (rc != EBN_FLOW_TORN)
		return rc;
	/* once more: it may have been ours, killed and inserted again */
	r->torn++;
	rc = v6 ? ebn_flow6_find(r) : ebn_flow4_find(r);
	return rc == EBN_FLOW_TORN ? EBN_FLOW_MISS : rc;
}

/** Why an insert said FULL. */
static __always_inline enum ebn_reason ebn_flow_refusal(const struct ebn_flow_ref *r)
{
	return r->owner & EBN_OWNER_OVER ? EBN_R_FLOW_QUOTA : EBN_R_FLOW_FULL;
}

/**
 * Inserts the flow that find missed; body is the whole entry (ctl without its sequence number).
 * INSERTED; HIT: somebody else did, r is a copy of theirs; BUSY; FULL. On INSERTED r->gave says what
 * had to go.
 */
static __always_inline int ebn_flow_insert(const int v6, struct ebn_flow_ref *r,
					   struct ebn_flow_body *body)
{
	const __u64 *words = (const __u64 *)body;
	int rc;

	r->owner = ebn_flow_room((__u32)ebn_flow_owner(words[EBN_FLOW_TAIL], words[0]), v6);
	rc = v6 ? ebn_flow6_put(r, body) : ebn_flow4_put(r, body);
	if (rc == EBN_FLOW_HIT && ebn_flow_find_table(v6, r) != EBN_FLOW_HIT)
		rc = EBN_FLOW_BUSY;
	return rc;
}

#endif
