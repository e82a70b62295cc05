/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fragments. Only the first one has ports: when it was let through it leaves them behind, and the later ones take them from
 * there, to find the same flow. A later one whose first part was not seen, or was not let through, is dropped.
 */
#ifndef EBN_LIB_FRAG_H
#define EBN_LIB_FRAG_H

#include "lib/config.h"
#include "lib/pkt.h"

#define EBN_FRAGS 4096u
#define EBN_FRAG_NS 60000000000ULL	/* as long as a host may take to put the parts together */

struct ebn_frag_key {
	__u32 src[4];
	__u32 dst[4];
	__u32 id;
	__u16 zone;
	__u8 proto;
	__u8 reserved;
};

struct ebn_frag_val {
	__u64 time_ns;
	__u16 sport;
	__u16 dport;
	__u8 ask;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 reserved;
};

/* Least recently used entries go first: whoever floods this map loses fragments, nothing else. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBN_FRAGS);
	__type(key, struct ebn_frag_key);
	__type(value, struct ebn_frag_val);
} ebn_frag SEC(".maps");

static __always_inline void ebn_frag_key_of(struct ebn_frag_key *key, const struct ebn_pkt *p)
{
	__builtin_memcpy(key->src, p->src, sizeof(key->src));
	__builtin_memcpy(key->dst, p->dst, sizeof(key->dst));
	key->id = p->frag_id;
	key->zone = p->zone;
	key->proto = p->proto;
}

/** Behind the verdict on a first fragment: the later ones may follow. */
__attribute__((noinline)) int ebn_frag_first(struct ebn_pkt *p)
{
	struct ebn_frag_key key = {};
	struct ebn_frag_val val = {};

	if (!p)
		return EBN_R_TABLES;
	ebn_frag_key_of(&key, p);
	val.time_ns = bpf_ktime_get_ns();
	val.sport = p->sport;
	val.dport = p->dport;
	val.ask = p->ask;
	val.icmp_type = p->icmp_type;
	val.icmp_code = p->icmp_code;
	return bpf_map_update_elem(&ebn_frag, &key, &val, BPF_ANY) ? EBN_R_FRAGMENT_FULL : EBN_R_NONE;
}

/** Fills in what the first fragment said. */
__attribute__((noinline)) int ebn_frag_later(struct ebn_pkt *p)
{
	struct ebn_frag_key key = {};
	struct ebn_frag_val *val;

	if (!p)
		return EBN_R_TABLES;
	/* one that would put other bytes over a header that was judged, or reach behind the largest packet */
	if (p->frag_off < sizeof(struct ebn_tcp) && p->proto == EBN_PROTO_TCP)
		return EBN_R_MALFORMED;
	if (p->frag_off + p->l4_len > 65535)
		return EBN_R_MALFORMED;
	ebn_frag_key_of(&key, p);
	val = bpf_map_lookup_elem(&ebn_frag, &key);
	if (!val || bpf_ktime_get_ns() - val->time_ns > EBN_FRAG_NS)
		return EBN_R_FRAGMENT_UNKNOWN;
	p->sport = val->sport;
	p->dport = val->dport;
	p->ask = val->ask;
	p->icmp_type = val->icmp_type;
	p->icmp_code = val->icmp_code;
	p->evf |= EBN_EVF_L4;
	return EBN_R_NONE;
}

#endif
