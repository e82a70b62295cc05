// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Flow stress: finds, inserts, updates and kills random flows, and checks everything it sees. */
#include "ebn_vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "lib/flow_old.h"

#include "flow_stress.h"

#define ROUNDS 16

volatile struct stress_cfg cfg;
struct stress_stat stat[STRESS_CPUS];
volatile __u64 sink;
__u32 took[STRESS_BUCKETS];

static __always_inline __u64 rnd(__u64 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/** Place + 1 of a whole live entry of this key in a set, other than place + 1 `not`; 0: none. */
static __always_inline __u64 live_in(const int v6, struct ebn_flow_ref *r, __u32 index, __u64 not)
{
	__u64 *set = ebn_flow_set(v6, index), t, x, found = 0;
	int i;

	if (!set)
		return 0;
#pragma unroll
	for (i = 0; i < (int)EBN_FLOW_WAYS; i++) {
		t = EBN_READ(set[i]);
		if (EBN_TAG_HASH(t) != EBN_TAG_HASH(r->hash) || EBN_TAG_STATE(t) != EBN_TAG_LIVE)
			continue;
		x = ebn_flow_differs(v6, ebn_flow_way(v6, (__u64 *)((__u8 *)set + ebn_dep(t)), i), r);
		if (x || EBN_READ(*(__u64 *)((__u8 *)&set[i] + ebn_dep(x))) != t)
			continue;
		x = (__u64)index << 3 | i;
		if (x + 1 != not)
			found = x + 1;
	}
	return found;
}

__noinline __u64 live4(struct ebn_flow_ref *r, __u32 index, __u64 not)
{
	return r ? live_in(0, r, index, not) : 0;
}

__noinline __u64 live6(struct ebn_flow_ref *r, __u32 index, __u64 not)
{
	return r ? live_in(1, r, index, not) : 0;
}

static __always_inline __u64 tag_at(const int v6, struct ebn_flow_ref *r, __u64 place)
{
	__u64 *set = ebn_flow_set(v6, (__u32)(place - 1) >> 3);

	return set ? EBN_READ(set[(place - 1) & 7]) : 0;
}

/** 1: two entries of the key were live at one time. */
static __always_inline int duplicate(const int v6, struct ebn_flow_ref *r)
{
	__u32 mask = ebn_flow_mask(v6), one = ebn_flow_set1(r->hash, mask);
	__u32 two = ebn_flow_set2(r->hash, mask);
	__u64 a, b, ta, tb;

	a = v6 ? live6(r, one, 0) : live4(r, one, 0);
	if (!a)
		return 0;
	ta = tag_at(v6, r, a);
	b = v6 ? live6(r, one, a) : live4(r, one, a);
	if (!b)
		b = v6 ? live6(r, two, 0) : live4(r, two, 0);
	if (!b)
		return 0;
	tb = tag_at(v6, r, b);
	/* the first was live before and after the second was: full barriers in between are not needed on x86 */
	return EBN_TAG_STATE(ta) == EBN_TAG_LIVE && EBN_TAG_STATE(tb) == EBN_TAG_LIVE &&
	       EBN_TAG_HASH(ta) == EBN_TAG_HASH(r->hash) && EBN_TAG_HASH(tb) == EBN_TAG_HASH(r->hash) &&
	       (v6 ? live6(r, (__u32)(b - 1) >> 3, a) : live4(r, (__u32)(b - 1) >> 3, a)) == b &&
	       tag_at(v6, r, a) == ta && tag_at(v6, r, b) == tb;
}

static __always_inline void hit(const int v6, struct stress_stat *st, struct ebn_flow_ref *r, __u64 id,
				__u64 draw)
{
	struct ebn_flow_body *e = ebn_flow_body(v6, r);
	__u64 sig = stress_sig(id), x = draw;
	int i;

	st->hits++;
	if (!stress_good(id, r->tag, r->ctl, r->row, r->decision, r->aux))
		st->ghosts++;
	if (!e)
		return;
	ebn_flow_count(e, r, draw & 1, 1, STRESS_BYTES);
	if ((draw >> 10 & 1023) < cfg.linger) {
#pragma clang loop unroll(disable)
		for (i = 0; i < 64; i++)
			x = ebn_flow_mix(x);
		sink = x;
	}
	if (draw >> 20 & 1)
		ebn_flow_update(e, r, EBN_CTL_STATE(r->ctl), STRESS_FLAGS(sig),
				STRESS_EPOCH(sig, r->ctl + 1)) ? st->updated++ : st->update_failed++;
	if (id >= cfg.keep && (draw >> 30 & 1023) < cfg.kill)
		st->killed += ebn_flow_kill(v6, r);
}

static __always_inline void miss(const int v6, struct stress_stat *st, struct ebn_flow_ref *r, __u64 id)
{
	struct ebn_flow_body body = {};
	__u64 start = cfg.timed ? bpf_ktime_get_ns() : 0, ns;
	int rc;

	stress_fill(&body, id, id < cfg.keep ? EBN_FS_ESTABLISHED : cfg.state, r->now);
	rc = ebn_flow_insert(v6, r, &body);
	if (start) {
		ns = (bpf_ktime_get_ns() - start) / 32;
		if (ns >= STRESS_BUCKETS)
			ns = STRESS_BUCKETS - 1;
		__sync_fetch_and_add(&took[ns & (STRESS_BUCKETS - 1)], 1);
	}
	switch (rc) {
	case EBN_FLOW_INSERTED:
		st->inserted++;
		st->gave_live += r->gave == EBN_FLOW_GAVE_LIVE;
		st->gave_expired += r->gave == EBN_FLOW_GAVE_EXPIRED;
		break;
	case EBN_FLOW_HIT:
		st->lost_race++;
		if (!stress_good(id, r->tag, r->ctl, r->row, r->decision, r->aux))
			st->ghosts++;
		break;
	case EBN_FLOW_FULL:
		st->full++;
		break;
	default:
		st->busy++;
	}
}

static __always_inline void one(const int v6, struct stress_stat *st, __u64 id, __u64 draw)
{
	struct ebn_flow_ref r = {};

	stress_key(v6, id, r.w);
	ebn_flow_ref_hash(v6, &r);
	r.now = cfg.now;
	st->ops++;
	if (ebn_flow_find(v6, &r) == EBN_FLOW_HIT)
		hit(v6, st, &r, id, draw);
	else if (id < cfg.keep && cfg.strict)
		st->missing++;
	else if (cfg.insert)
		miss(v6, st, &r, id);
	st->torn += r.torn;
	if ((draw >> 40 & 1023) < cfg.check && duplicate(v6, &r))
		st->duplicates++;
}

__noinline int one4(struct stress_stat *st, __u64 id, __u64 draw)
{
	if (st)
		one(0, st, id, draw);
	return 0;
}

__noinline int one6(struct stress_stat *st, __u64 id, __u64 draw)
{
	if (st)
		one(1, st, id, draw);
	return 0;
}

static __always_inline int rounds(const int v6)
{
	struct stress_stat *st = &stat[bpf_get_smp_processor_id() & (STRESS_CPUS - 1)];
	__u64 s = st->seed, draw, id;
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < ROUNDS; i++) {
		draw = rnd(&s) * 0x2545f4914f6cdd1dULL;
		if (cfg.keep && draw >> 62 == 0)
			id = (draw >> 33) % (cfg.keep | !cfg.keep);
		else
			id = cfg.first + (draw >> 33) % (cfg.n | !cfg.n);
		if (v6)
			one6(st, id, draw);
		else
			one4(st, id, draw);
	}
	st->seed = s;
	return 0;
}

SEC("tc")
int stress4(struct __sk_buff *skb)
{
	return rounds(0);
}

SEC("tc")
int stress6(struct __sk_buff *skb)
{
	return rounds(1);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
