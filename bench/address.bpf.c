// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Address to identity: node tables beside an LPM trie of host routes. Every look-up is of a random address among those
 * known, in a chain: the next address depends on the last answer, so that no CPU overlaps them.
 */
#include "lib/node.h"
#include "address_bench.h"

__u32 seed = 12345;
__u32 addrs = 1;
__u32 v6;
__u64 sink;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, ADDRESS_BENCH_ADDRS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct address_bench_key);
	__type(value, struct address_bench_value);
} addr_lpm SEC(".maps");

static __always_inline __u32 next(__u32 *s)
{
	*s = *s * 1664525u + 1013904223u;
	return *s >> 8;
}

SEC("tc")
int address_base(struct __sk_buff *skb)
{
	__u32 s = seed, addr[4], i;
	__u64 sum = 0;

	(void)skb;
	for (i = 0; i < ADDRESS_BENCH_LOOKUPS; i++) {
		address_bench_addr((next(&s) ^ (sum & 1)) & (addrs - 1), v6, addr);
		sum += addr[0] + addr[1] + addr[2] + addr[3];
	}
	sink = sum;
	seed = s;
	return 0;
}

/* Verifier: a function of its own, so that one look-up is looked at and not every way through all of them. */
__attribute__((noinline)) int address_find(__u64 hi, __u64 lo)
{
	__u32 addr[4] = { (__u32)hi, (__u32)(hi >> 32), (__u32)lo, (__u32)(lo >> 32) };
	struct ebn_addr_hit hit;
	struct ebn_view v;

	if (ebn_view_open(&v))
		return 0;
	hit = ebn_addr_find(&v, addr, ebn_addr_hash(addr));
	return (int)hit.identity;
}

SEC("tc")
int address_node(struct __sk_buff *skb)
{
	__u32 s = seed, addr[4], i;
	__u64 sum = 0;

	(void)skb;
	for (i = 0; i < ADDRESS_BENCH_LOOKUPS; i++) {
		address_bench_addr((next(&s) ^ (sum & 1)) & (addrs - 1), v6, addr);
		sum += (__u32)address_find(addr[0] | (__u64)addr[1] << 32, addr[2] | (__u64)addr[3] << 32);
	}
	sink = sum;
	seed = s;
	return 0;
}

SEC("tc")
int address_lpm(struct __sk_buff *skb)
{
	struct address_bench_value *val;
	struct address_bench_key k;
	__u32 s = seed, i;
	__u64 sum = 0;

	(void)skb;
	for (i = 0; i < ADDRESS_BENCH_LOOKUPS; i++) {
		k.prefixlen = 128;
		address_bench_addr((next(&s) ^ (sum & 1)) & (addrs - 1), v6, k.addr);
		val = bpf_map_lookup_elem(&addr_lpm, &k);
		sum += val ? val->identity : 0;
	}
	sink = sum;
	seed = s;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
