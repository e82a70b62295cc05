/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Other nodes: whose address this is, what a packet from the overlay tells about its source, and what one into it carries.
 *
 * The source's identity travels as the tunnel's number (VNI). It is believed of a packet whose outer source is the node that
 * has the inner source's prefix, and kept by address, so that answers are judged by the same one. What the address table says
 * of an address comes first; an identity that was told stands for those nobody knows otherwise, while a node has their prefix.
 */
#ifndef EBN_LIB_OVERLAY_H
#define EBN_LIB_OVERLAY_H

#include "ebn_overlay.h"

#include "lib/node.h"
#include "lib/pkt.h"
#include "lib/run.h"

/* Verifier: a pointer of known size. */
struct ebn_address {
	__u32 a[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, EBN_OVERLAY_SEEN);
	__type(key, struct ebn_address);
	__type(value, __u32);
} ebn_overlay_seen SEC(".maps");

/* Prefixes of one length. Verifier: one way through, whatever is found. */
static long ebn_overlay_step(__u32 i, void *arg)
{
	const struct ebn_overlay_length *len;
	const struct ebn_overlay_prefix *px;
	struct ebn_run *run = ebn_run_get();
	struct ebn_overlay_look *l;
	__u64 hi, lo, differs;
	struct ebn_view v;
	__u32 at, k;

	(void)arg;
	if (!run || ebn_view_open(&v))
		return 1;
	l = &run->look;
	len = ebn_node_at(&v, l->lengths + i * (__u32)sizeof(*len), sizeof(*len));
	if (!len->hi)
		return 1;
	hi = l->hi & len->hi;
	lo = l->lo & len->lo;
	at = (__u32)ebn_overlay_hash(hi, lo, len->len);
#pragma unroll
	for (k = 0; k < EBN_OVERLAY_PROBES; k++) {
		px = ebn_node_at(&v, l->table + ((at + k) & (l->slots - 1)) * (__u32)sizeof(*px), sizeof(*px));
		differs = (px->hi ^ hi) | (px->lo ^ lo) | (px->len ^ len->len);
		l->node |= px->node & ~(__u32)((__s64)(differs | -differs) >> 63);
	}
	return l->node != 0;
}

/** Offset of the node whose prefix an address has, the longest one; 0: none. A function, for the verifier. */
__attribute__((noinline)) __u32 ebn_overlay_find(struct ebn_address *addr)
{
	struct ebn_run *run = ebn_run_get();
	const struct ebn_overlay_head *head;
	struct ebn_slot slot;
	struct ebn_view v;
	__u64 v6;

	if (!addr || !run || ebn_view_open(&v))
		return 0;
	slot = ebn_view_slot(&v, EBN_P_OVERLAY);
	if (!slot.off)
		return 0;
	head = ebn_node_line(&v, slot.off);
	run->look.hi = ebn_addr_bits(addr->a[0], addr->a[1]);
	run->look.lo = ebn_addr_bits(addr->a[2], addr->a[3]);
	v6 = run->look.hi | (run->look.lo >> 32 ^ 0xffff);
	v6 = (v6 | -v6) >> 63;
	run->look.lengths = slot.off + (__u32)__builtin_offsetof(struct ebn_overlay_head, len) +
			    (__u32)v6 * (__u32)sizeof(head->len[0]);
	run->look.table = slot.off + head->slots_off;
	run->look.slots = head->slots;
	run->look.node = 0;
	bpf_loop(EBN_OVERLAY_LENGTHS, ebn_overlay_step, 0, 0);
	if (!run->look.node || run->look.node > slot.n)
		return 0;
	return slot.off + (__u32)sizeof(*head) + (run->look.node - 1) * (__u32)sizeof(struct ebn_overlay_node);
}

/** What packets told of an address nobody knows otherwise; EBN_ID_WORLD: nothing. */
__attribute__((noinline)) __u32 ebn_overlay_identity(struct ebn_address *addr)
{
	struct ebn_address key;
	__u32 *seen;

	if (!addr || !ebn_overlay_find(addr))
		return EBN_ID_WORLD;
	/* kernel 6.1 takes no argument of a function as a key */
	key = *addr;
	seen = bpf_map_lookup_elem(&ebn_overlay_seen, &key);
	return seen ? EBN_READ(*seen) : EBN_ID_WORLD;
}

/** The identity behind an address, as a verdict finds it. */
__attribute__((noinline)) __u32 ebn_address_identity(struct ebn_address *addr)
{
	struct ebn_addr_hit hit;
	struct ebn_view v;

	if (!addr || ebn_view_open(&v))
		return EBN_ID_UNKNOWN;
	hit = ebn_addr_find(&v, addr->a, ebn_addr_hash(addr->a));
	return hit.identity == EBN_ID_WORLD ? ebn_overlay_identity(addr) : hit.identity;
}

/*
 * Notes it, and raises the address's epoch behind it: flows that were judged by what was known before are judged again. The
 * writer raises the same words, by an atomic addition like this one.
 */
__attribute__((noinline)) int ebn_overlay_learn(struct ebn_address *addr, __u32 identity)
{
	struct ebn_address key;
	struct ebn_view v;
	__u32 *word;

	if (!addr)
		return 0;
	key = *addr;
	word = bpf_map_lookup_elem(&ebn_overlay_seen, &key);
	if (word && EBN_READ(*word) == identity)
		return 0;
	/* without room it stays unknown: the next packet tries again */
	if (bpf_map_update_elem(&ebn_overlay_seen, &key, &identity, 0) || ebn_view_open(&v))
		return 0;
	word = (__u32 *)ebn_node_at(&v, EBN_EPOCH_ADDR_OFF + 4 * ebn_addr_epoch(ebn_addr_hash(addr->a)), sizeof(*word));
	__sync_fetch_and_add(word, 1);
	return 0;
}

#endif
