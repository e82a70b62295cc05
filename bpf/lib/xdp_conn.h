/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The balancer's connections (layout: ebn_xdp.h).
 *
 *	hash = ebn_xdp_hash(f)
 *	ebn_xdp_conn_find(f)		f->w1, and whether the entry needs to be looked at again
 *	ebn_xdp_conn_put(f, old, w1)	makes w1 the flow's entry
 */
#ifndef EBN_LIB_XDP_CONN_H
#define EBN_LIB_XDP_CONN_H

#include "lib/xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ebn_xdp_set);
} ebn_xdp_conn SEC(".maps");

/* Set by the loader. */
const volatile __u32 ebn_xdp_mask = 1;	/* sets - 1 */

#define EBN_XDP_HASHED (1ULL << 63)	/* set in every hash, so that an empty place is nobody's */

/* w0 of a flow: what is compared, and the low half of the stamp. */
static __always_inline __u64 ebn_xdp_w0(__u64 hash, __u32 stamp, __u64 w1)
{
	return w1 ^ ((hash & ~0xffffULL) | (stamp & 0xffff));
}

static __always_inline __u64 ebn_xdp_hash_words(__u64 s0, __u64 s1, __u64 d0, __u64 d1, __u64 rest)
{
	__u64 a, b;

	if (!s0 && !d0) {
		/* the halves that are IPv4's */
		a = ebn_mix64(((s1 & ~0xffffffffULL) | d1 >> 32) ^ ebn_cfg.flow_seed[0]);
		b = ebn_cfg.flow_seed[1];
	} else {
		a = ebn_mix64(ebn_mix64(s0 ^ ebn_cfg.flow_seed[0]) ^ s1);
		b = ebn_mix64(ebn_mix64(d0 ^ ebn_cfg.flow_seed[1]) ^ d1);
	}
	return ebn_mix64(a ^ (b << 1) ^ rest) | EBN_XDP_HASHED;
}

/* Later fragments are found by the first one's numbers. */
static __always_inline __u64 ebn_xdp_hash_frag(const struct ebn_xdp_flow *f)
{
	return ebn_xdp_hash_words(f->s0, f->s1, f->d0, f->d1, 1ULL << 62 | (__u64)f->proto << 32 | f->frag_id);
}

static __always_inline __u64 ebn_xdp_hash_flow(const struct ebn_xdp_flow *f)
{
	return ebn_xdp_hash_words(f->s0, f->s1, f->d0, f->d1, (__u64)f->proto << 32 | f->ports);
}

/* A client's affinity to a service. */
static __always_inline __u64 ebn_xdp_hash_client(const struct ebn_xdp_flow *f, __u32 service)
{
	return ebn_xdp_hash_words(f->s0, f->s1, 0, 0, 1ULL << 61 | service);
}

static __always_inline struct ebn_xdp_set *ebn_xdp_set_of(__u64 hash)
{
	__u32 i = (__u32)hash & ebn_xdp_mask;

	return bpf_map_lookup_elem(&ebn_xdp_conn, &i);
}

/* The count of changes of services, as entries hold it. */
static __always_inline __u32 ebn_xdp_stamp(const struct ebn_view *v)
{
	struct ebn_slot heads = ebn_view_slot(v, EBN_P_SVC_HASH);

	__u32 off = heads.off + (__u32)__builtin_offsetof(struct ebn_svc_head, changes);

	return ebn_node_u32(v, off) & EBN_XDP_STAMP_MASK;
}

static __always_inline __u32 ebn_xdp_now(void)
{
	return (__u32)(bpf_jiffies64() >> ebn_cfg.tick_shift);
}

static __always_inline __u32 ebn_xdp_age(__u64 w1, __u32 now)
{
	return ((w1 & EBN_XDP_F_COARSE ? now >> 8 : now) - EBN_XDP_TICK(w1)) & 0xffff;
}

/* The entry's place, 0 .. EBN_XDP_WAYS - 1, or EBN_XDP_WAYS; w1 and the stamp it was found right at. */
static __always_inline __u32 ebn_xdp_conn_scan(const struct ebn_xdp_set *set, __u64 hash, __u64 *w1, __u32 *stamp)
{
	__u64 x, w;
	__u32 i;

#pragma unroll
	for (i = 0; i < EBN_XDP_WAYS; i++) {
		w = EBN_READ(set->w[2 * i + 1]);
		x = EBN_READ(set->w[2 * i]) ^ w;
		if (!((x ^ hash) >> 16)) {
			*w1 = w;
			*stamp = EBN_XDP_STAMP_HI(w) << 16 | (__u32)(x & 0xffff);
			return i;
		}
	}
	return EBN_XDP_WAYS;
}

/*
 * The same once more, for who did not find it: a pair that was being written is whole by now, and a flow that is there must not
 * be taken for a new one. 1, 0. Looped over, for it is seldom.
 */
static __always_inline int ebn_xdp_conn_again(struct ebn_xdp_flow *f, __u32 *stamp)
{
	struct ebn_xdp_set *set = ebn_xdp_set_of(f->hash);
	__u64 x, w;
	__u32 i;

	if (!set)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_XDP_WAYS; i++) {
		w = EBN_READ(set->w[(2 * i + 1) & 15]);
		x = EBN_READ(set->w[(2 * i) & 15]) ^ w;
		if ((x ^ f->hash) >> 16)
			continue;
		f->w1 = w;
		*stamp = EBN_XDP_STAMP_HI(w) << 16 | (__u32)(x & 0xffff);
		return 1;
	}
	return 0;
}

static __always_inline void ebn_xdp_conn_write(struct ebn_xdp_set *set, __u32 i, __u64 hash, __u32 stamp, __u64 w1)
{
	i &= EBN_XDP_WAYS - 1;
	EBN_WRITE(set->w[2 * i + 1], w1);
	EBN_WRITE(set->w[2 * i], ebn_xdp_w0(hash, stamp, w1));
}

/* An entry to be. */
struct ebn_xdp_put {
	__u64 hash, w1;
	__u32 stamp, now;
};

/* All ones when x is not 0. */
static __always_inline __u64 ebn_xdp_some(__u64 x)
{
	x = -((x | -x) >> 63);
	/* verifier: or the compiler would branch again */
	asm volatile("" : "+r"(x));
	return x;
}

#define EBN_XDP_OWN (1ULL << 27)
#define EBN_XDP_EMPTY (1ULL << 26)
#define EBN_XDP_UNPROVEN (1ULL << 24)

/*
 * How good a place is for a new entry; 0: not at all. The flow's own is the best, then an empty one, then an unproven entry's, then
 * that of who was silent longest. Verifier: without a branch, it sees eight of them.
 */
static __always_inline __u64 ebn_xdp_conn_worth(const struct ebn_xdp_put *p, __u64 w0, __u64 w1)
{
	__u64 coarse = w1 >> 63, proven = w1 >> 61 & 1, worth, age;

	age = (((__u64)p->now >> 8 * coarse) - EBN_XDP_TICK(w1)) & 0xffff;
	age <<= 8 * coarse;
	worth = age + 1 + (proven ^ 1) * EBN_XDP_UNPROVEN;
	worth &= (ebn_lt64(age, EBN_XDP_PROVEN_TICKS) & proven) - 1;
	worth |= EBN_XDP_EMPTY & ~ebn_xdp_some(w0 | w1);
	return worth | (EBN_XDP_OWN & ~ebn_xdp_some((w0 ^ w1 ^ p->hash) >> 16));
}

/*
 * Makes w1 the entry of this hash: in its own place, or one that is empty, or unproven, or long silent. 0: there is none.
 * A global function: the verifier looks at it once.
 */
__attribute__((noinline)) int ebn_xdp_conn_put(struct ebn_xdp_put *p)
{
	__u64 best = 0, worth, w0, w1, more;
	struct ebn_xdp_set *set;
	__u32 i;

	if (!p)
		return 0;
	set = ebn_xdp_set_of(p->hash);
	if (!set)
		return 0;
#pragma unroll
	for (i = 0; i < EBN_XDP_WAYS; i++) {
		w0 = EBN_READ(set->w[2 * i]);
		w1 = EBN_READ(set->w[2 * i + 1]);
		worth = ebn_xdp_conn_worth(p, w0, w1) << 3 | i;
		more = -ebn_lt64(best, worth);
		asm volatile("" : "+r"(more));
		best ^= (best ^ worth) & more;
	}
	if (!(best >> 3))
		return 0;
	ebn_xdp_conn_write(set, (__u32)best, p->hash, p->stamp, p->w1);
	return 1;
}

#endif
