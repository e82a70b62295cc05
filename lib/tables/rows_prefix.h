/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What rows_prefix.c, rows_prefix_adopt.c and rows_prefix_read.c share. */
#ifndef EBN_TABLES_ROWS_PREFIX_H
#define EBN_TABLES_ROWS_PREFIX_H

#include "core/index.h"
#include "tables/rows_internal.h"

/* A prefix as numbers; bits beyond len are zero. */
struct ebn_px_key {
	uint64_t hi, lo;
	uint32_t len;
};

/* Elements of one piece. Their numbers stay when it grows. */
struct ebn_px_pool {
	enum ebn_piece piece;
	uint32_t size;		/* bytes of an element */
	uint32_t cap;
	uint32_t n_free;
	uint32_t *free;		/* a stack of unused numbers */
	uint8_t *place;		/* enum ebn_place by number */
};

struct ebn_prefixes {
	struct ebn_px_pool node, rec;
	struct ebn_px_key *key;		/* by node: the bits all below it share, len its position */
	struct ebn_index by_key;	/* live prefixes */
	uint32_t n;
};

static inline struct ebn_px_key ebn_px_cut(struct ebn_px_key k, uint32_t len)
{
	k.hi &= len >= 64 ? UINT64_MAX : len ? UINT64_MAX << (64 - len) : 0;
	k.lo &= len >= 128 ? UINT64_MAX : len > 64 ? UINT64_MAX << (128 - len) : 0;
	k.len = len;
	return k;
}

static inline struct ebn_px_key ebn_px_key(const uint32_t addr[4], uint32_t len)
{
	struct ebn_px_key k = { ebn_addr_bits(addr[0], addr[1]), ebn_addr_bits(addr[2], addr[3]), 128 };

	return ebn_px_cut(k, len);
}

static inline bool ebn_px_same(struct ebn_px_key a, struct ebn_px_key b)
{
	return a.hi == b.hi && a.lo == b.lo && a.len == b.len;
}

/* Bits two prefixes share, not more than either has. */
static inline uint32_t ebn_px_common(struct ebn_px_key a, struct ebn_px_key b)
{
	uint32_t n = ebn_addr_common(a.hi, a.lo, b.hi, b.lo);

	n = n < a.len ? n : a.len;
	return n < b.len ? n : b.len;
}

static inline uint32_t ebn_px_nibble(struct ebn_px_key k, uint32_t pos)
{
	return ebn_addr_nibble(k.hi, k.lo, pos);
}

/* Slots in which a prefix of len bits stands at a node at pos. */
static inline uint32_t ebn_px_spread(uint32_t len, uint32_t pos)
{
	return 16u >> (len - pos);
}

static inline uint32_t ebn_px_root(struct ebn_px_key k)
{
	return k.len >= 96 && !k.hi && k.lo >> 32 == 0xffff ? EBN_PX_ROOT4 : EBN_PX_ROOT6;
}

struct ebn_prefix_node *ebn_px_node(struct ebn_rows *r, uint32_t i);
struct ebn_prefix *ebn_px_rec(struct ebn_rows *r, uint32_t i);
struct ebn_px_key ebn_px_rec_key(struct ebn_rows *r, uint32_t i);
/* An empty pool over the current piece: private memory for cap elements, none of them free. -ENOMEM. */
int ebn_px_pool_open(struct ebn_px_pool *pool, enum ebn_piece piece, uint32_t size, uint32_t cap);
void ebn_px_pool_put(struct ebn_px_pool *pool, uint32_t i);
/* Number of the live prefix, 0: none. */
uint32_t ebn_px_find(struct ebn_rows *r, struct ebn_px_key k);
int ebn_px_index(struct ebn_rows *r, uint32_t rec);
void ebn_px_unindex(struct ebn_rows *r, uint32_t rec);
/* A node nothing leads to any more: free after a grace period. -ENOMEM unless there is room. */
int ebn_px_node_later(struct ebn_rows *r, uint32_t node);
/*
 * Links a record wherever it belongs and is missing. Takes a node when one is needed: -ENOSPC when none is free, nothing
 * changed.
 */
int ebn_px_link(struct ebn_rows *r, uint32_t rec);
/* Unlinks it from where it stands, and nodes that are not needed any more. Room for EBN_PX_NODES_MAX + 1 deferred calls. */
void ebn_px_unlink(struct ebn_rows *r, uint32_t rec);

#endif
