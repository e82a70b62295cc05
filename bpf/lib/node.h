/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Node tables, the programs' side: look-ups in what user space wrote (layout and protocol:
 * ebn_node.h).
 *
 *	struct ebn_view v;
 *
 *	if (ebn_view_open(&v))			root, once per packet
 *		drop with EBN_R_TABLES
 *	row = ebn_ifindex_row(&v, ifindex)
 *	ep = ebn_ep_line(&v, row)		pointers stay good until the program returns
 *	sum = ebn_epoch_subject(&v, ep->subject) + ebn_epoch_addr(&v, hash)
 *	the flow's entry holds the same sum: done, no table is read
 *	ebn_view_renew(&v, sum)			a verdict is made from a root read behind its epochs
 *	id = ebn_addr_find(&v, addr, hash); class = ebn_peer_class(&v, id.identity); ...
 *
 * Why renew: the writer publishes, then raises the epoch. A verdict from the root before with the
 * epoch from after would stand as current for ever; the other mix (newer root, older epoch) is only
 * checked once more than needed.
 *
 * Order of loads. Everything is reached by address dependency: root -> directory -> piece -> cell,
 * each address is computed from the word loaded before, and masking keeps the dependency. Both x86
 * and arm64 order such loads, the writer publishes with a release store, so who sees a root sees
 * all it leads to. Where no address depends on the earlier load (epoch before root, identity before
 * the address words) ebn_dep() makes it so.
 *
 * Bounds. Each offset is masked to the array, so a corrupt one reads other bytes of the array and
 * nothing else. The mask comes from ebn_cfg.node_size, read into the view: the verifier sees the
 * constant, the compiler a volatile load that it can neither fold nor merge with the "and". The mask also clears the
 * low bits, so that a fixed offset inside the line stays inside.
 */
#ifndef EBN_LIB_NODE_H
#define EBN_LIB_NODE_H

#include "ebn_node.h"

#include "lib/config.h"
#include "lib/maps_node.h"

/** One packet's view of the tables. */
struct ebn_view {
	const __u8 *base;	/**< the array */
	/*
	 * ebn_cfg.node_size, read once. Verifier: it still knows the constant when the view is passed to a
	 * subprogram, because a whole register is stored; of a 32-bit member it might not.
	 */
	__u64 size;
	__u32 dir;		/**< offset of the directory */
	__u32 generation;
};

/**
 * Pointer to the object at off, rounded down to `align` bytes, a constant power of two up to a
 * line, and its size. Never NULL.
 */
static __always_inline const void *ebn_node_at(const struct ebn_view *v, __u32 off, __u32 align)
{
	return v->base + (off & (v->size - align));
}

/** Pointer to the line that holds byte off. Never NULL. */
static __always_inline const void *ebn_node_line(const struct ebn_view *v, __u32 off)
{
	return ebn_node_at(v, off, EBN_LINE);
}

static __always_inline __u16 ebn_node_u16(const struct ebn_view *v, __u32 off)
{
	return EBN_READ(*(const __u16 *)ebn_node_at(v, off, sizeof(__u16)));
}

static __always_inline __u32 ebn_node_u32(const struct ebn_view *v, __u32 off)
{
	return EBN_READ(*(const __u32 *)ebn_node_at(v, off, sizeof(__u32)));
}

static __always_inline __u64 ebn_node_u64(const struct ebn_view *v, __u32 off)
{
	return EBN_READ(*(const __u64 *)ebn_node_at(v, off, sizeof(__u64)));
}

#define EBN_NODE_ROOT_OFF ((__u32)__builtin_offsetof(struct ebn_node_hdr, root))
#define EBN_DIR_SLOT_OFF ((__u32)__builtin_offsetof(struct ebn_dir, slot))

/** The root word as it is now. */
static __always_inline __u64 ebn_node_root(const struct ebn_view *v)
{
	return ebn_node_u64(v, EBN_NODE_ROOT_OFF);
}

/**
 * Reads the root again, behind whatever `after` was loaded from; see above for when.
 * 0, or -1 when nothing was ever published (drop with EBN_R_TABLES).
 */
static __always_inline int ebn_view_renew(struct ebn_view *v, __u64 after)
{
	__u64 root = ebn_node_u64(v, EBN_NODE_ROOT_OFF + (__u32)ebn_dep(after));

	v->dir = EBN_ROOT_OFF(root);
	v->generation = EBN_ROOT_GEN(root);
	return v->dir ? 0 : -1;
}

/** Opens the tables for this packet. 0, or -1: no tables. */
static __always_inline int ebn_view_open(struct ebn_view *v)
{
	__u32 zero = 0;

	v->size = ebn_cfg.node_size;
	/* verifier: a 64-bit value to the compiler, so that it is kept as one; half a stack slot loses the constant */
	asm volatile("" : "+r"(v->size));
	v->base = bpf_map_lookup_elem(&ebn_node, &zero);
	if (!v->base)
		return -1;
	return ebn_view_renew(v, 0);
}

/** The header's line of live switches: observe, flags, stage, idle_ticks. */
struct ebn_live {
	__u32 observe;
	__u32 flags;
	__u32 stage;
	__u32 idle_ticks[8];
	__u32 wake_bytes;
	__u32 give_up_ticks;
	__u32 quota[2];
	__u32 reserved;
};
EBN_ASSERT(sizeof(struct ebn_live) == EBN_LINE, "the live switches are a line");
EBN_ASSERT(__builtin_offsetof(struct ebn_node_hdr, observe) == 2 * EBN_LINE, "line 2");

static __always_inline const struct ebn_live *ebn_node_live(const struct ebn_view *v)
{
	return ebn_node_line(v, __builtin_offsetof(struct ebn_node_hdr, observe));
}

/** The same, for who has not opened the tables. NULL: there are none. */
static __always_inline const struct ebn_live *ebn_live_get(void)
{
	struct ebn_view v;

	return ebn_view_open(&v) ? 0 : ebn_node_live(&v);
}

/**
 * What the directory says of a piece. Off and count are one word. A plain load: a directory never
 * changes while it can be reached, so the compiler may keep or repeat it.
 */
static __always_inline struct ebn_slot ebn_view_slot(const struct ebn_view *v, enum ebn_piece piece)
{
	__u32 off = v->dir + EBN_DIR_SLOT_OFF + piece * sizeof(struct ebn_slot);
	__u64 w = *(const __u64 *)ebn_node_at(v, off, sizeof(w));
	struct ebn_slot s = { .off = (__u32)w, .n = (__u32)(w >> 32) };

	return s;
}

/* ---- epochs: fixed places, read before the root that the verdict is made from ---- */

static __always_inline __u32 ebn_epoch_subject(const struct ebn_view *v, __u32 subject)
{
	return ebn_node_u32(v, EBN_EPOCH_SUBJECT_OFF + 4 * (subject & (EBN_EPOCH_SUBJECTS - 1)));
}

/** hash: ebn_addr_hash() of the peer's address. */
static __always_inline __u32 ebn_epoch_addr(const struct ebn_view *v, __u64 hash)
{
	return ebn_node_u32(v, EBN_EPOCH_ADDR_OFF + 4 * ebn_addr_epoch(hash));
}

/* ---- ifindex -> endpoint row ---- */

/** Row of the endpoint on this device, or -1. */
static __always_inline __s32 ebn_ifindex_row(const struct ebn_view *v, __u32 ifindex)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_IFINDEX);
	const __u64 *e;
	__u64 w;
	int i;

	if (!s.off || !ifindex)
		return -1;
	e = ebn_node_line(v, s.off + (ifindex & (s.n - 1)) * EBN_LINE);
	/* an entry is one word: its row is never another device's */
#pragma unroll
	for (i = 0; i < 8; i++) {
		w = EBN_READ(e[i]);
		if ((__u32)w == ifindex)
			return (__s32)((w >> 32) & 0x7fffffff);
	}
	return -1;
}

/**
 * First line of an endpoint row (everything up to reserved0), NULL: out of range. Not live rows are
 * returned too.
 */
static __always_inline const struct ebn_ep_row *ebn_ep_line(const struct ebn_view *v, __u32 row)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_ENDPOINT);

	if (row >= s.n)
		return 0;
	return ebn_node_line(v, s.off + row * sizeof(struct ebn_ep_row));
}

/** Second line of an endpoint row: what IPv6 needs. */
struct ebn_ep_line6 {
	__u32 addr6[4];
	__u32 addr6_ll[4];
	__u32 gw6[4];
	__u32 peer;
	__u32 reserved[3];
};
EBN_ASSERT(sizeof(struct ebn_ep_line6) == EBN_LINE, "the second line");
EBN_ASSERT(__builtin_offsetof(struct ebn_ep_row, addr6) == EBN_LINE, "the second line");

static __always_inline const struct ebn_ep_line6 *ebn_ep_line6(const struct ebn_view *v, __u32 row)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_ENDPOINT);

	if (row >= s.n)
		return 0;
	return ebn_node_line(v, s.off + row * sizeof(struct ebn_ep_row) + EBN_LINE);
}

/* ---- address -> identity, endpoint row; the longest prefix for an address that is not known itself ---- */

struct ebn_addr_hit {
	__u32 identity;		/* EBN_ID_WORLD when nobody knows the address */
	__u32 row;		/* local endpoint's row + 1, or 0 */
};

#define EBN_PREFIX_RACED 1	/* no offset of a prefix */

/* b where mask is all ones, a where it is 0. */
static __always_inline __u32 ebn_select(__u32 a, __u32 b, __u32 mask)
{
	return a ^ ((a ^ b) & mask);
}

/*
 * One walk down the trie, no further than depth bits: number of the last prefix passed, or 0.
 * Verifier: one way through each node, so that it looks at 32 of them and not at all the ways through. Hence no comparison
 * in the loop but one, on a number made for it: of a comparison it would remember what it says of pos and rec. The compiler
 * must not find them again. A function of its own, so that both walks are looked at once.
 */
__attribute__((noinline)) int ebn_prefix_walk(__u64 hi, __u64 lo, __u32 dir, __u32 depth)
{
	__u64 mapped = hi | ((lo >> 32) ^ 0xffff);
	/* 0: IPv4; 1 */
	__u32 v6 = (__u32)((mapped | -mapped) >> 63);
	__u32 at = EBN_PX_ROOT4 + v6, pos = 96 - 96 * v6, rec = 0, link = 0, bits = 0, here, mask, i;
	struct ebn_view v;
	__u32 nodes;
	__u64 slot;
	__s32 end;

	if (ebn_view_open(&v))
		return 0;
	v.dir = dir;
	nodes = ebn_view_slot(&v, EBN_P_PREFIX_NODE).off;
	for (i = 0; i < EBN_PX_NODES_MAX; i++) {
		slot = ebn_node_u64(&v, nodes + at * (__u32)sizeof(struct ebn_prefix_node) +
					ebn_addr_nibble(hi, lo, pos) * (__u32)sizeof(struct ebn_prefix_slot));
		here = (__u32)(slot >> 32);
		link = (__u32)slot;
		bits = EBN_PX_BITS(link);
		/* all ones when there is a prefix here */
		mask = -here;
		asm volatile("" : "+r"(mask));
		mask = (__u32)((__s32)(here | mask) >> 31);
		asm volatile("" : "+r"(mask));
		rec = ebn_select(rec, here, mask);
		/* below zero: a leaf, not further down (no link at all is so, too), or too far */
		end = (__s32)(link | (bits - pos - 1) | (depth - bits));
		asm volatile("" : "+r"(end));
		if (end < 0)
			break;
		at = EBN_PX_INDEX(link);
		pos = bits;
	}
	/* all ones for a leaf that is not too far */
	mask = (__u32)((__s32)(link & (bits - depth)) >> 31);
	asm volatile("" : "+r"(mask));
	return (int)(ebn_select(rec, EBN_PX_INDEX(link), mask) & 0xffffff);
}

/**
 * Offset of the longest prefix that covers an address, of the tables under directory dir: 0, none;
 * EBN_PREFIX_RACED: the writer changed the same corner twice meanwhile. How: ebn_node.h.
 */
__attribute__((noinline)) int ebn_prefix_find(__u64 hi, __u64 lo, __u32 dir)
{
	__u32 turn, depth = 128, recs, off;
	const struct ebn_prefix *px;
	struct ebn_view v;

	if (ebn_view_open(&v))
		return 0;
	v.dir = dir;
	recs = ebn_view_slot(&v, EBN_P_PREFIX).off;
	for (turn = 0; turn < 2; turn++) {
		off = (__u32)ebn_prefix_walk(hi, lo, dir, depth);
		if (!off)
			return 0;
		off = recs + off * (__u32)sizeof(*px);
		px = ebn_node_at(&v, off, sizeof(*px));
		depth = ebn_addr_common(hi, lo, ebn_addr_bits(px->addr[0], px->addr[1]),
					ebn_addr_bits(px->addr[2], px->addr[3]));
		if (depth >= px->len)
			return (int)(off & (__u32)(v.size - sizeof(*px)));
	}
	return EBN_PREFIX_RACED;
}

/** What the prefixes say of an address that is not known by itself. */
static __always_inline __u32 ebn_prefix_identity(const struct ebn_view *v, const __u32 addr[4])
{
	int off;

	if (!ebn_view_slot(v, EBN_P_PREFIX_NODE).off)
		return EBN_ID_WORLD;
	off = ebn_prefix_find(ebn_addr_bits(addr[0], addr[1]), ebn_addr_bits(addr[2], addr[3]), v->dir);
	if (!off)
		return EBN_ID_WORLD;
	/* nobody's: only rules for everybody match */
	if (off == EBN_PREFIX_RACED)
		return EBN_ID_UNKNOWN;
	return ebn_node_u32(v, (__u32)off + (__u32)__builtin_offsetof(struct ebn_prefix, identity));
}

static __always_inline __u64 ebn_addr_entry_word(const __u64 *e, __u64 w0, __u64 w1)
{
	__u64 hit;

	/* the second half first: IPv4 addresses share the first one */
	if (EBN_READ(e[1]) != w1 || EBN_READ(e[0]) != w0)
		return 0;
	hit = EBN_READ(e[2]);
	if (!(__u32)hit)
		return 0;
	/*
	 * The words above may have been read while the entry was being filled. Now that the
	 * identity, which is stored last, has been seen, what is read behind it is whole, and
	 * stays: the entry changes hands only after a grace period in which it was free.
	 */
	e = (const __u64 *)((const __u8 *)e + ebn_dep(hit));
	if (EBN_READ(e[1]) != w1 || EBN_READ(e[0]) != w0)
		return 0;
	return hit;
}

static __always_inline __u64 ebn_addr_bucket_word(const struct ebn_view *v, struct ebn_slot s,
						  __u32 bucket, __u64 w0, __u64 w1)
{
	__u32 off = s.off + (bucket & (s.n - 1)) * sizeof(struct ebn_addr_bucket);
	__u64 hit;
	int i;

#pragma unroll
	for (i = 0; i < 2; i++) {
		const __u64 *line = ebn_node_line(v, off + i * EBN_LINE);

		hit = ebn_addr_entry_word(line, w0, w1);
		if (hit)
			return hit;
		hit = ebn_addr_entry_word(line + sizeof(struct ebn_addr_entry) / 8, w0, w1);
		if (hit)
			return hit;
	}
	return 0;
}

/**
 * {identity, local row + 1} of an address (16 bytes, IPv4 mapped) that is known itself, 0: it is not; hash: ebn_addr_hash() of
 * it. An address that moves between its buckets is in both for a grace period, so it is never missed.
 */
static __always_inline __u64 ebn_addr_exact(const struct ebn_view *v, const __u32 addr[4], __u64 hash)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_ADDR);
	__u64 w0 = addr[0] | (__u64)addr[1] << 32;
	__u64 w1 = addr[2] | (__u64)addr[3] << 32;
	__u64 w;

	if (!s.off)
		return 0;
	w = ebn_addr_bucket_word(v, s, (__u32)hash, w0, w1);
	return w ? w : ebn_addr_bucket_word(v, s, (__u32)(hash >> 32), w0, w1);
}

/** Identity and local row of an address, by itself or by the longest prefix. */
static __always_inline struct ebn_addr_hit ebn_addr_find(const struct ebn_view *v,
							 const __u32 addr[4], __u64 hash)
{
	__u64 w = ebn_addr_exact(v, addr, hash);
	struct ebn_addr_hit hit;

	hit.identity = w ? (__u32)w : ebn_prefix_identity(v, addr);
	hit.row = (__u32)(w >> 32);
	return hit;
}

/* ---- identity -> peer class, protocol and port -> port class ---- */

static __always_inline __u32 ebn_peer_class(const struct ebn_view *v, __u32 identity)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_IDDIR);
	__u32 page = identity / EBN_IDPAGE_CELLS;

	if (page >= EBN_IDDIR_CELLS || page >= s.n)
		return EBN_CLASS_UNKNOWN;
	page = ebn_node_u32(v, s.off + 4 * page);
	if (!page)
		return EBN_CLASS_UNKNOWN;
	return ebn_node_u32(v, page + 4 * (identity % EBN_IDPAGE_CELLS));
}

/** cell: EBN_PORT_TCP + port and so on; 0 out of range. */
static __always_inline __u32 ebn_port_class(const struct ebn_view *v, __u32 cell)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_PORT);

	if (cell >= s.n)
		return 0;
	return ebn_node_u16(v, s.off + 2 * cell);
}

/** The cell of a protocol and destination port (host order), or ICMP type * 256 + code. */
static __always_inline __u32 ebn_port_cell(__u8 proto, __u16 port)
{
	switch (proto) {
	case 6:
		return EBN_PORT_TCP + port;
	case 17:
		return EBN_PORT_UDP + port;
	case 132:
		return EBN_PORT_SCTP + port;
	case 1:
		return EBN_PORT_ICMP + port;
	case 58:
		return EBN_PORT_ICMP6 + port;
	default:
		return EBN_PORT_PROTO + proto;
	}
}

/* ---- policy ---- */

struct ebn_policy_hit {
	__u32 index;		/* of the decision; flow entries keep it */
	__u32 rule;
	__u16 proxy_port;
	__u8 verdict;		/* enum ebn_verdict */
	__u8 flags;		/* EBN_DEC_F_* */
};

/** A decision by its index: 0, or -1 when there is none of that number (hit is a deny then). */
static __always_inline int ebn_decision_get(const struct ebn_view *v, __u32 index,
					    struct ebn_policy_hit *hit)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_DECISION);
	__u64 w = 0;
	int err = -1;

	if (index < s.n) {
		w = ebn_node_u64(v, s.off + index * sizeof(struct ebn_decision));
		err = 0;
	}
	hit->index = index;
	hit->verdict = (__u8)w;
	hit->flags = (__u8)(w >> 8);
	hit->proxy_port = (__u16)(w >> 16);
	hit->rule = (__u32)(w >> 32);
	return err;
}

/**
 * What the subject's table for this direction says of a peer class and a port class. 0; or -1 when
 * there is no table: drop with EBN_R_NO_POLICY (hit is a deny then).
 */
static __always_inline int ebn_policy_find(const struct ebn_view *v, __u32 subject,
					   enum ebn_dir_index dir, __u32 peer_class,
					   __u32 port_class, struct ebn_policy_hit *hit)
{
	struct ebn_slot s = ebn_view_slot(v, EBN_P_SUBJECT);
	const struct ebn_subject_row *row = 0;
	const struct ebn_policy_table *t;
	__u32 matrix, r, c;

	if (subject < s.n)
		row = ebn_node_line(v, s.off + subject * sizeof(*row));
	/* verifier: dir is two constants after inlining, no variable offset into the line */
	t = row ? (dir == EBN_INGRESS ? &row->dir[EBN_INGRESS] : &row->dir[EBN_EGRESS]) : 0;
	/* plain loads: a subject's row never changes while it can be reached */
	matrix = t ? t->matrix : 0;
	if (!matrix) {
		hit->index = hit->rule = hit->proxy_port = 0;
		hit->verdict = EBN_V_DENY;
		hit->flags = 0;
		return -1;
	}
	if (peer_class >= t->n_peer)
		peer_class = 0;
	if (port_class >= t->n_port)
		port_class = 0;
	r = ebn_node_u16(v, t->rowmap + 2 * peer_class);
	c = ebn_node_u16(v, t->colmap + 2 * port_class);
	ebn_decision_get(v, ebn_node_u16(v, matrix + 2 * (r * t->ncols + c)), hit);
	return 0;
}

#endif
