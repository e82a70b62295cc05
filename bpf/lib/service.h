/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services, the programs' side (layout: ebn_service.h). Everything is reached from one root, by address dependency, as in
 * node.h; a row or set never changes while it can be reached but for the words marked there.
 *
 * The look-ups are global functions, which the verifier follows once and for themselves; they open the array again, because a
 * pointer into it cannot be handed over in memory, and go on from the caller's root.
 */
#ifndef EBN_LIB_SERVICE_H
#define EBN_LIB_SERVICE_H

#include "ebn_service.h"

#include "lib/node.h"

#include <bpf/bpf_endian.h>

#define EBN_MAPPED4 bpf_htonl(0xffff)

/** What is looked up, and what was found. */
struct ebn_svc_ask {
	__u64 w0, w1;		/* address */
	__u32 dir;		/* of the caller's root */
	__u16 port;		/* host order */
	__u8 proto;
	__u8 nodes_only;	/* ask for node ports alone */
	/* found */
	__u32 service;
	__u32 set;		/* for clients here */
	__u32 flags;
	__u32 affinity;
	__u32 sources;
	__u32 set_out;		/* for clients outside */
};

/** One step of it: a key, less the address. */
struct ebn_svc_step {
	__u64 w0, w1;
	__u32 dir;
	__u32 flags;		/* found: of the row */
	__u16 port;
	__u8 kind, plen, proto;
	__u8 reserved[3];
};

/** A view that begins at a directory the caller knows. */
static __always_inline int ebn_view_at(struct ebn_view *v, __u32 dir)
{
	if (ebn_view_open(v))
		return -1;
	v->dir = dir;
	return 0;
}

static __always_inline __u64 ebn_svc_words_hash(__u64 w0, __u64 w1)
{
	__u32 a[4] = { (__u32)w0, (__u32)(w0 >> 32), (__u32)w1, (__u32)(w1 >> 32) };

	return ebn_svc_hash_addr(a);
}

/** Offset of the row of this key that holds the port, 0: none. Sets flags. */
__attribute__((noinline)) __u32 ebn_svc_chain(struct ebn_svc_step *k)
{
	struct ebn_slot heads, rows;
	struct ebn_view v;
	__u32 next, off, mask, i;
	__u64 differs;

	if (!k || ebn_view_at(&v, k->dir))
		return 0;
	heads = ebn_view_slot(&v, EBN_P_SVC_HASH);
	rows = ebn_view_slot(&v, EBN_P_SVC_ROW);
	/* verifier: no branch, or the search below is followed twice */
	mask = -((((__u32)k->kind ^ EBN_SVC_PORT) - 1) >> 31);
	asm volatile("" : "+r"(mask));
	off = ebn_svc_hash(ebn_svc_words_hash(k->w0, k->w1), k->kind, k->plen, k->proto, k->port & mask);
	next = ebn_node_u32(&v, heads.off + sizeof(struct ebn_svc_head) + 4 * (off & (heads.n - 1)));
	for (i = 0; i < EBN_SVC_CHAIN; i++) {
		const struct ebn_svc_row *r;

		if (!next)
			return 0;
		off = rows.off + (next - 1) * sizeof(*r);
		r = ebn_node_line(&v, off);
		/* verifier: one branch, where one for each member is as many paths to follow; a VIP's ports are 0 to 0 */
		differs = (*(const __u64 *)&r->addr[2] ^ k->w1) | (*(const __u64 *)&r->addr[0] ^ k->w0) |
			  (__u64)((r->kind ^ k->kind) | (r->plen ^ k->plen) | (r->proto ^ k->proto)) |
			  (((__u32)k->port - r->first) | ((__u32)r->last - k->port)) >> 31;
		if (!differs) {
			k->flags = EBN_READ(r->flags);
			return off;
		}
		next = EBN_READ(r->next);
	}
	return 0;
}

/** The frontend below a VIP, 0: none. k->flags: the VIP's. */
static __always_inline __u32 ebn_svc_below(struct ebn_svc_step *k, __u8 proto, __u16 port)
{
	__u32 flags = k->flags, off;

	k->proto = proto;
	k->port = port;
	k->kind = EBN_SVC_PORT;
	off = ebn_svc_chain(k);
	if (off)
		return off;
	if (flags & EBN_VIP_RANGE) {
		k->kind = EBN_SVC_RANGE;
		off = ebn_svc_chain(k);
		if (off)
			return off;
	}
	if (!(flags & EBN_VIP_ANY))
		return 0;
	k->kind = EBN_SVC_ANY;
	off = ebn_svc_chain(k);
	if (off)
		return off;
	k->proto = 0;
	return ebn_svc_chain(k);
}

/** The VIP row's offset; flags. */
static __always_inline __u32 ebn_svc_vip(struct ebn_svc_step *k, __u64 w0, __u64 w1, __u8 plen)
{
	k->w0 = w0;
	k->w1 = w1;
	k->plen = plen;
	k->kind = EBN_SVC_VIP;
	k->proto = 0;
	k->port = 0;
	return ebn_svc_chain(k);
}

static __always_inline __u64 ebn_svc_mask64(__u32 bits)
{
	/* network order: the first bits are the low bytes' high bits */
	return bits ? bpf_cpu_to_be64(~0ULL << (64 - bits)) : 0;
}

static __always_inline int ebn_svc_fill(struct ebn_svc_ask *a, const struct ebn_view *v, __u32 off)
{
	const struct ebn_svc_row *r = ebn_node_line(v, off);
	__u64 sets;

	sets = EBN_READ(*(const __u64 *)r->set);
	a->service = r->service;
	a->set = (__u32)sets;
	a->set_out = (__u32)(sets >> 32);
	a->flags = r->flags;
	a->affinity = r->affinity;
	a->sources = r->sources;
	return 1;
}

/** 1: a frontend was found, and a is filled. 0: not a service. */
__attribute__((noinline)) int ebn_svc_find(struct ebn_svc_ask *a)
{
	struct ebn_svc_step k = {};
	struct ebn_slot heads;
	struct ebn_view v;
	__u64 plens;
	__u32 off, i;

	if (!a || ebn_view_at(&v, a->dir))
		return 0;
	heads = ebn_view_slot(&v, EBN_P_SVC_HASH);
	if (!heads.n)
		return 0;
	k.dir = a->dir;
	if (!a->nodes_only && ebn_svc_vip(&k, a->w0, a->w1, 128)) {
		__u32 flags = k.flags;

		off = ebn_svc_below(&k, a->proto, a->port);
		if (off)
			return ebn_svc_fill(a, &v, off);
		if (flags & EBN_VIP_NODE)
			a->nodes_only = 2;
	}
	if (a->nodes_only) {
		/* 0.0.0.0 or :: */
		__u64 any = a->w0 || (__u32)a->w1 != EBN_MAPPED4 ? 0 : EBN_MAPPED4;

		if (ebn_svc_vip(&k, 0, any, 128)) {
			off = ebn_svc_below(&k, a->proto, a->port);
			if (off)
				return ebn_svc_fill(a, &v, off);
		}
		if (a->nodes_only == 1)
			return 0;
	}
	plens = ebn_node_u64(&v, heads.off);
	for (i = 0; i < EBN_SVC_PLENS; i++, plens >>= 8) {
		__u32 plen = plens & 0x7f;

		if (!(plens & 0xff))
			return 0;
		if (!ebn_svc_vip(&k, plen < 64 ? a->w0 & ebn_svc_mask64(plen) : a->w0,
				 plen > 64 ? a->w1 & ebn_svc_mask64(plen - 64) : 0, plen))
			continue;
		off = ebn_svc_below(&k, a->proto, a->port);
		if (off)
			return ebn_svc_fill(a, &v, off);
	}
	return 0;
}

/** Could the address be a VIP? Most are not, and their head says so: one look for those, before anything is called. */
static __always_inline bool ebn_svc_maybe(const struct ebn_view *v, __u64 w0, __u64 w1)
{
	struct ebn_slot heads = ebn_view_slot(v, EBN_P_SVC_HASH);
	__u32 hash;

	if (!heads.n)
		return false;
	/* prefixes have heads of their own */
	if (ebn_node_u64(v, heads.off))
		return true;
	hash = ebn_svc_hash(ebn_svc_words_hash(w0, w1), EBN_SVC_VIP, 128, 0, 0);
	return ebn_node_u32(v, heads.off + sizeof(struct ebn_svc_head) + 4 * (hash & (heads.n - 1)));
}

/** Is this source allowed? w0, w1: the address. */
struct ebn_svc_source_ask {
	__u64 w0, w1;
	__u32 dir, sources;
};

/*
 * 1 when a < b, without a branch. Verifier: a search by halving that branches at each step is followed along every path there
 * is, and nothing about the bounds on two of them is ever alike.
 */
static __always_inline __u64 ebn_lt64(__u64 a, __u64 b)
{
	return ((~a & b) | (~(a ^ b) & (a - b))) >> 63;
}

__attribute__((noinline)) int ebn_svc_source_ok(struct ebn_svc_source_ask *a)
{
	__u64 w0, w1, e0, e1, above, at = 0, n, next;
	struct ebn_view v;
	__u32 step, off;

	if (!a || ebn_view_at(&v, a->dir))
		return 0;
	w0 = bpf_be64_to_cpu(a->w0);
	w1 = bpf_be64_to_cpu(a->w1);
	n = ebn_node_u32(&v, a->sources);
	/* at: edges at or below the address; what lies behind the last edge is read, inside the array, and not believed */
	for (step = EBN_SVC_EDGES_MAX; step; step >>= 1) {
		next = at + step;
		off = a->sources + sizeof(struct ebn_svc_sources) + (__u32)(next - 1) * sizeof(struct ebn_svc_edge);
		e0 = ebn_node_u64(&v, off);
		e1 = ebn_node_u64(&v, off + 8);
		above = ebn_lt64(n, next) | ebn_lt64(w0, e0) | (ebn_lt64(w1, e1) & ~ebn_lt64(e0, w0));
		at += step & (above - 1);
	}
	return at & 1;
}

/* ---- sets ---- */

/** A backend, out of its row. */
struct ebn_svc_pick {
	__u64 w0, w1;		/* address; both 0: none */
	__u32 row;
	__u16 port;		/* network order, 0: the one asked for */
	__u16 reserved;
};

static __always_inline int ebn_svc_backend_row(const struct ebn_view *v, __u32 row, struct ebn_svc_pick *p)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_BACKEND);
	const struct ebn_backend_row *b;

	if (row >= s.n)
		return 0;
	b = ebn_node_at(v, s.off + row * sizeof(*b), sizeof(*b));
	p->w0 = b->addr[0] | (__u64)b->addr[1] << 32;
	p->w1 = b->addr[2] | (__u64)b->addr[3] << 32;
	p->port = b->port;
	p->row = row;
	return 1;
}

/** The backend of a hash: 1, or 0 when nobody takes new flows. */
static __always_inline int ebn_svc_pick(const struct ebn_view *v, __u32 set, __u32 hash, struct ebn_svc_pick *p)
{
	const struct ebn_svc_set *s = ebn_node_line(v, set);
	__u32 slot, member;

	if (!set || !s->slots)
		return 0;
	slot = ebn_node_u16(v, set + s->slot_off + 2 * ebn_svc_slot(hash, s->slots));
	if (slot >= s->members)
		return 0;
	member = ebn_node_u32(v, set + sizeof(*s) + 4 * slot);
	return ebn_svc_backend_row(v, member, p);
}

static __always_inline __u32 ebn_svc_serial(const struct ebn_view *v, __u32 set)
{
	return set ? ebn_node_u32(v, set) : 0;
}

/** Whether a backend may keep flows: members are in order. */
struct ebn_svc_member_ask {
	__u32 dir, set, row, reserved;
};

__attribute__((noinline)) int ebn_svc_is_member(struct ebn_svc_member_ask *a)
{
	__u64 at = 0, n, next, above, m = ~0ULL;
	struct ebn_view v;
	__u32 step, base;

	if (!a || !a->set || ebn_view_at(&v, a->dir))
		return 0;
	n = ebn_node_u32(&v, a->set + __builtin_offsetof(struct ebn_svc_set, members));
	base = a->set + sizeof(struct ebn_svc_set);
	/* at: members whose row is at or below this one */
	for (step = 1u << 15; step; step >>= 1) {
		next = at + step;
		m = ebn_node_u32(&v, base + 4 * (__u32)(next - 1));
		above = ebn_lt64(n, next) | ebn_lt64(a->row, m);
		at += step & (above - 1);
	}
	return at && at <= n && ebn_node_u32(&v, base + 4 * (__u32)(at - 1)) == a->row;
}

#endif
