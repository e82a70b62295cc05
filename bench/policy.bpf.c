// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A verdict three ways: node tables, two LPM look-ups, two hash look-ups. Each program does LOOKUPS of them on random
 * identities and ports, one after the other but independent, so that a CPU may overlap them; `policy_base` is the loop alone.
 */
#include "lib/node.h"
#include "policy_bench.h"

__u32 seed = 12345;
__u32 identities = 1;
__u32 ports = 1;
__u64 sink;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, POLICY_BENCH_ENTRIES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct policy_bench_key);
	__type(value, struct policy_bench_value);
} policy_lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, POLICY_BENCH_ENTRIES);
	__type(key, struct policy_bench_key);
	__type(value, struct policy_bench_value);
} policy_hash SEC(".maps");

static __always_inline __u32 next(__u32 *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

SEC("tc")
int policy_base(struct __sk_buff *skb)
{
	__u32 s = seed, id, port, i;
	__u64 sum = 0;

	(void)skb;
	for (i = 0; i < POLICY_BENCH_LOOKUPS; i++) {
		id = policy_bench_identity(next(&s) % identities);
		port = POLICY_BENCH_PORT + next(&s) % ports;
		sum += id + port;
	}
	sink = sum;
	seed = s;
	return 0;
}

SEC("tc")
int policy_node(struct __sk_buff *skb)
{
	__u32 s = seed, id, port, i;
	struct ebn_policy_hit hit;
	struct ebn_view v;
	__u64 sum = 0;

	(void)skb;
	if (ebn_view_open(&v))
		return TC_ACT_SHOT;
	for (i = 0; i < POLICY_BENCH_LOOKUPS; i++) {
		id = policy_bench_identity(next(&s) % identities);
		port = POLICY_BENCH_PORT + next(&s) % ports;
		ebn_policy_find(&v, 1, EBN_INGRESS, ebn_peer_class(&v, id),
				ebn_port_class(&v, EBN_PORT_TCP + port), &hit);
		sum += hit.verdict + hit.rule;
	}
	sink = sum;
	seed = s;
	return 0;
}

static __always_inline __u64 two(void *map, __u32 bits, __u32 id, __u32 port)
{
	struct policy_bench_key k = {
		.prefixlen = bits, .identity = id, .protocol = 6, .port = __builtin_bswap16(port),
	};
	struct policy_bench_value *a, *b;

	a = bpf_map_lookup_elem(map, &k);
	k.identity = 0;
	b = bpf_map_lookup_elem(map, &k);
	return (a ? a->rule : 0) + (b ? b->rule : 0);
}

SEC("tc")
int policy_two_lpm(struct __sk_buff *skb)
{
	__u32 s = seed, id, port, i;
	__u64 sum = 0;

	(void)skb;
	for (i = 0; i < POLICY_BENCH_LOOKUPS; i++) {
		id = policy_bench_identity(next(&s) % identities);
		port = POLICY_BENCH_PORT + next(&s) % ports;
		sum += two(&policy_lpm, POLICY_BENCH_BITS, id, port);
	}
	sink = sum;
	seed = s;
	return 0;
}

SEC("tc")
int policy_two_hash(struct __sk_buff *skb)
{
	__u32 s = seed, id, port, i;
	__u64 sum = 0;

	(void)skb;
	for (i = 0; i < POLICY_BENCH_LOOKUPS; i++) {
		id = policy_bench_identity(next(&s) % identities);
		port = POLICY_BENCH_PORT + next(&s) % ports;
		sum += two(&policy_hash, POLICY_BENCH_BITS, id, port);
	}
	sink = sum;
	seed = s;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
