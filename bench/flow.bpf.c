// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Flow tables beside an LRU hash: one look-up, or one new flow, per program run, as packets do it. Loops of independent
 * look-ups would overlap their cache misses and flatter everybody.
 */
#include "lib/flow_old.h"

#include "flow_bench.h"

__u64 state = 88172645463325252ULL;	/* of the random numbers */
__u32 flows = 1;			/* a power of two */
__u64 next_new = 1ULL << 30;		/* new flows are numbered from here */
__u64 sink, missed;
__u32 now = 1;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLOW_BENCH_FLOWS);
	__type(key, struct flow_bench_key);
	__type(value, struct flow_bench_value);
} lru SEC(".maps");

static __always_inline __u64 draw(void)
{
	__u64 s = state;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	state = s;
	return (s >> 20) & (flows - 1);
}

static __always_inline void find(__u64 n)
{
	struct ebn_flow_ref r = {};

	flow_bench_key(n, r.w);
	ebn_flow_ref_hash(0, &r);
	if (ebn_flow_find(0, &r) == EBN_FLOW_HIT)
		sink += r.ctl;
	else
		missed++;
}

static __always_inline void new(__u64 n)
{
	struct ebn_flow_body body = { .ctl = EBN_CTL(0, EBN_FS_HALF_OPEN, 0, 1), .aux = 1 };
	struct ebn_flow_ref r = {};

	body.bytes[0] = 64;
	body.packets[0] = 1;
	body.seen = now;
	flow_bench_key(n, r.w);
	ebn_flow_ref_hash(0, &r);
	r.now = now;
	if (ebn_flow_find(0, &r) == EBN_FLOW_HIT)
		return;
	if (ebn_flow_insert(0, &r, &body) != EBN_FLOW_INSERTED)
		missed++;
}

static __always_inline void lru_new(__u64 n)
{
	struct flow_bench_value v = { .w = { 1, 64, 0, 1, now, 1 } };
	struct flow_bench_key k;

	flow_bench_key(n, k.w);
	if (!bpf_map_lookup_elem(&lru, &k) && bpf_map_update_elem(&lru, &k, &v, BPF_ANY))
		missed++;
}

SEC("tc")
int flow_base(struct __sk_buff *skb)
{
	__u64 w[2];

	(void)skb;
	flow_bench_key(draw(), w);
	sink += w[0] + w[1];
	return 0;
}

SEC("tc")
int flow_find(struct __sk_buff *skb)
{
	(void)skb;
	find(draw());
	return 0;
}

SEC("tc")
int flow_find_lru(struct __sk_buff *skb)
{
	struct flow_bench_value *v;
	struct flow_bench_key k;

	(void)skb;
	flow_bench_key(draw(), k.w);
	v = bpf_map_lookup_elem(&lru, &k);
	if (v)
		sink += v->w[0];
	else
		missed++;
	return 0;
}

SEC("tc")
int flow_base_new(struct __sk_buff *skb)
{
	__u64 w[2];

	(void)skb;
	flow_bench_key(next_new++, w);
	sink += w[0] + w[1];
	return 0;
}

SEC("tc")
int flow_new(struct __sk_buff *skb)
{
	(void)skb;
	new(next_new++);
	return 0;
}

SEC("tc")
int flow_new_lru(struct __sk_buff *skb)
{
	(void)skb;
	lru_new(next_new++);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
