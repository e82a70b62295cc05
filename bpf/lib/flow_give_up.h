/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flow tables: where a set is, and which of its ways may be given up for a new flow. See flow.h. */
#ifndef EBN_LIB_FLOW_GIVE_UP_H
#define EBN_LIB_FLOW_GIVE_UP_H

#include "ebn_flow.h"
#include "ebn_node.h"

#include "lib/config.h"
#include "lib/maps.h"
#include "lib/node.h"

#define EBN_FLOW_KEY_WORDS(v6) ((v6) ? 6 : 2)
#define EBN_FLOW_ENTRY_WORDS(v6) ((v6) ? (int)(sizeof(struct ebn_flow6) / 8) : (int)(sizeof(struct ebn_flow4) / 8))
/* words of the body before seen, row */
#define EBN_FLOW_TAIL (__builtin_offsetof(struct ebn_flow_body, seen) / 8)
EBN_ASSERT(__builtin_offsetof(struct ebn_flow_body, ctl) == 0, "the control word is the body's first");
EBN_ASSERT(__builtin_offsetof(struct ebn_flow_body, decision) / 8 == EBN_FLOW_TAIL + 1, "the tail is two words");

static __always_inline __u32 ebn_flow_mask(const int v6)
{
	return v6 ? ebn_cfg.flow6_mask : ebn_cfg.flow4_mask;
}

/** The set of this number: a line of tags, then the entries. NULL: the map is smaller than the mask. */
static __always_inline __u64 *ebn_flow_set(const int v6, __u32 index)
{
	return v6 ? bpf_map_lookup_elem(&ebn_flow6, &index) :
		    bpf_map_lookup_elem(&ebn_flow4, &index);
}

static __always_inline __u64 *ebn_flow_way(const int v6, __u64 *set, __u32 way)
{
	return set + EBN_FLOW_WAYS + (way & (EBN_FLOW_WAYS - 1)) * EBN_FLOW_ENTRY_WORDS(v6);
}

/* ---- free ways ---- */

/** Free ways of a set: a bit each, their number in the second byte. */
static __always_inline __u32 ebn_flow_free(const int v6, __u32 index)
{
	__u64 *set = ebn_flow_set(v6, index), n = 0, bits = 0, one;
	int i;

	if (!set)
		return 0;
#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		one = (EBN_TAG_STATE(EBN_READ(set[i])) - 1ULL) >> 63;
		bits |= one << i;
		n += one;
	}
	return bits | n << 8;
}

#define EBN_FREE_WAYS(f) ((f) >> 8)

/** Number of the lowest bit of f's eight; one is set. */
static __always_inline __u32 ebn_flow_free_way(__u32 f)
{
	__u32 low = f & (0 - f);

	/* a product with a de Bruijn sequence has another upper three bits for each of the eight; no branches */
	return 0x56374210u >> ((low * 0x17 & 0xe0) >> 3) & (EBN_FLOW_WAYS - 1);
}

/*
 * The second set is taken when the first has fewer free ways than this and the second has more. With 8
 * (always the emptier one) or 5, 0.001 % of inserts find no way at 75 % load, with 1 it is 1 %; with 5
 * more flows, 78 %, are in their first set, where a look-up costs a line less.
 */
#define EBN_FLOW_ROOMY 5

/* ---- which way to give up ---- */

/*
 * Index into idle_ticks by protocol and state, four bits a state: NONE, HALF_OPEN, CLOSING, REPLIED,
 * ESTABLISHED, HALF_CLOSED. The same as ebn_flow_idle_index() in user space. A table, because code without branches
 * lets the loads of eight ways overlap, and gives the verifier one path.
 */
#define EBN_IDLE6(n, h, c, r, e, f) ((n) | (h) << 4 | (c) << 8 | (r) << 12 | (e) << 16 | (f) << 20)
#define EBN_IDLE_TCP                                                                               \
	EBN_IDLE6(EBN_FLOW_IDLE_TCP_HALF, EBN_FLOW_IDLE_TCP_HALF, EBN_FLOW_IDLE_TCP_CLOSING,       \
		  EBN_FLOW_IDLE_TCP_HALF, EBN_FLOW_IDLE_TCP_EST, EBN_FLOW_IDLE_TCP_HALF_CLOSED)
#define EBN_IDLE_UDP                                                                               \
	EBN_IDLE6(EBN_FLOW_IDLE_UDP_HALF, EBN_FLOW_IDLE_UDP_HALF, EBN_FLOW_IDLE_UDP_HALF,          \
		  EBN_FLOW_IDLE_UDP_HALF, EBN_FLOW_IDLE_UDP_EST, EBN_FLOW_IDLE_UDP_EST)
#define EBN_IDLE_ALL(x) EBN_IDLE6(x, x, x, x, x, x)
static const volatile __u32 ebn_flow_idle_of[256] = {
	[0] = EBN_IDLE_ALL(EBN_FLOW_IDLE_OTHER),
	[1] = EBN_IDLE_ALL(EBN_FLOW_IDLE_ICMP),
	[2 ... 5] = EBN_IDLE_ALL(EBN_FLOW_IDLE_OTHER),
	[6] = EBN_IDLE_TCP,
	[7 ... 16] = EBN_IDLE_ALL(EBN_FLOW_IDLE_OTHER),
	[17] = EBN_IDLE_UDP,
	[18 ... 57] = EBN_IDLE_ALL(EBN_FLOW_IDLE_OTHER),
	[58] = EBN_IDLE_ALL(EBN_FLOW_IDLE_ICMP),
	[59 ... 131] = EBN_IDLE_ALL(EBN_FLOW_IDLE_OTHER),
	[132] = EBN_IDLE_TCP,
	[133 ... 255] = EBN_IDLE_ALL(EBN_FLOW_IDLE_OTHER),
};

/* Costs of giving an entry up, lowest first; four bits a state, 0 is "expired". */
#define EBN_COST_OF_STATE EBN_IDLE6(2, 2, 3, 4, 5, 5)
#define EBN_COST_CLASS(c) ((__u32)((c) >> 35) & 0xf)
#define EBN_COST_NEVER (1ULL << 40)
/* Expired or half open: nobody looks further for something cheaper. */
#define EBN_COST_CHEAP(c) ((c) < 3ULL << 35)

/* An owner: the endpoint's row + 1, and how it stands with its share of the table. */
#define EBN_OWNER_ROW 0xffffu
#define EBN_OWNER_OVER 0x10000u		/* has used it up: see ebn_flow_room() */
#define EBN_OWNER_COUNTED 0x20000u	/* its new flow is to be counted */

/**
 * What it costs to give this way up: class, then the less idle the dearer, then the way. An established
 * flow costs EBN_COST_NEVER until it has been idle for long; half-open ones of the same owner go before
 * those of others, so that an endpoint that floods, or is flooded, uses up its own. One over its share
 * gets what has expired, and its own. judged: the control word that was looked at.
 */
static __always_inline __u64 ebn_flow_cost(const int v6, __u64 *set, __u32 i, __u64 t, __u32 now,
					   __u64 owner, const struct ebn_live *live,
					   __u64 *judged)
{
	/* not LIVE: never ours to take */
	__u64 never = (0 - ((t & 0xff) ^ EBN_TAG_LIVE)) >> 63;
	const __u64 *e = ebn_flow_way(v6, (__u64 *)((__u8 *)set + ebn_dep(t)), i);
	const __u64 *b = e + EBN_FLOW_KEY_WORDS(v6);
	__u32 proto = (__u32)(EBN_READ(e[v6 ? 4 : 1]) >> 32) & 0xff;
	__u64 ctl = EBN_READ(b[0]), tail0 = EBN_READ(b[EBN_FLOW_TAIL]);
	__u32 at = 4 * (EBN_CTL_STATE(ctl) & 7);
	__s32 d = (__s32)(now - (__u32)tail0);
	/* another CPU's clock may be a tick ahead of ours: no age below 0 */
	__u64 idle = (__u32)(d & ~(d >> 31));
	__u64 limit = EBN_READ(live->idle_ticks[(ebn_flow_idle_of[proto] >> at) & 7]);
	__u64 give_up = EBN_READ(live->give_up_ticks);
	__u64 expired = (limit - idle) >> 63, recent = ((give_up - idle) >> 63) ^ 1;
	__u64 class = (EBN_COST_OF_STATE >> at) & 7, half, mine;

	half = ((class ^ 2) - 1) >> 63;
	mine = ((ebn_flow_owner(tail0, ctl) ^ (owner & EBN_OWNER_ROW)) - 1) >> 63;
	class -= half & mine;
	class &= expired - 1;
	*judged = ctl;
	/* established and half closed: class 5, the only one with bits 0 and 2 */
	recent &= class & (class >> 2);
	recent |= owner >> 16 & 1 & (mine ^ 1) & (0 - class) >> 63;
	return (recent | never) << 40 | class << 35 | (0xffffffffULL - idle) << 3 | i;
}

/** The cheapest of n ways of a set, n a constant, from way `first` on: its cost, the way in the low bits. */
static __always_inline __u64 ebn_flow_cheapest(const int v6, const int n, __u32 first, __u32 index,
					       __u32 now, __u64 owner, const struct ebn_live *live)
{
	__u64 *set = ebn_flow_set(v6, index), best = EBN_COST_NEVER, c, d, below, ctl;
	__u32 way;
	int i;

	if (!set || !live)
		return best;
#pragma unroll
	for (i = 0; i < n; i++) {
		way = (first + i) & (EBN_FLOW_WAYS - 1);
		c = ebn_flow_cost(v6, set, way, EBN_READ(set[way]), now, owner, live, &ctl);
		d = c - best;
		below = (__u64)((__s64)d >> 63);
		/* verifier: keep the minimum free of branches, eight of them are 256 paths */
		asm volatile("" : "+r"(below));
		best += d & below;
	}
	return best;
}

/* Two neighbours. Functions, for who asks has little stack left. */
__noinline __u64 ebn_flow4_pair(__u32 index, __u32 now, __u32 owner, __u32 first)
{
	return ebn_flow_cheapest(0, 2, first & 6, index, now, owner, ebn_live_get());
}

__noinline __u64 ebn_flow6_pair(__u32 index, __u32 now, __u32 owner, __u32 first)
{
	return ebn_flow_cheapest(1, 2, first & 6, index, now, owner, ebn_live_get());
}

__noinline __u64 ebn_flow4_cheapest(__u32 index, __u32 now, __u32 owner)
{
	return ebn_flow_cheapest(0, EBN_FLOW_WAYS, 0, index, now, owner, ebn_live_get());
}

__noinline __u64 ebn_flow6_cheapest(__u32 index, __u32 now, __u32 owner)
{
	return ebn_flow_cheapest(1, EBN_FLOW_WAYS, 0, index, now, owner, ebn_live_get());
}

#endif
