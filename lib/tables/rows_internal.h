/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What rows.c, rows_addr.c and rows_names.c share. */
#ifndef EBN_TABLES_ROWS_INTERNAL_H
#define EBN_TABLES_ROWS_INTERNAL_H

#include "tables/rows.h"

/* Endpoint rows: an entry of a flow table holds row + 1 in 16 bits. */
#define EBN_EP_ROWS_MAX 65534u
#define EBN_ADDR_WAYS 4u
#define EBN_IF_WAYS 8u

/* The writer's private knowledge of a place that programs read. */
enum ebn_place {
	EBN_PLACE_FREE,		/* unused for a grace period at least */
	EBN_PLACE_HELD,		/* endpoint rows: given out, not published */
	EBN_PLACE_LIVE,
	EBN_PLACE_MOVED,	/* addresses: a copy in the other bucket took over, breaks after a grace period */
	EBN_PLACE_DYING,	/* cleared, free after a grace period */
};

struct ebn_name_ref {
	uint32_t kind, number;
	uint32_t cell;		/* index + 1 into the cells, 0: unused */
};

struct ebn_rows {
	struct ebn_node *nt;
	/* endpoints */
	uint32_t ep_rows;
	uint8_t *ep_place;
	uint32_t if_buckets;
	uint8_t *if_place;
	uint32_t if_version;	/* raised when the piece is replaced: places deferred before mean nothing then */
	/* addresses */
	uint32_t addr_buckets;
	uint8_t *addr_place;
	uint32_t addr_version;
	uint32_t addrs;		/* distinct live addresses */
	/* prefixes */
	struct ebn_prefixes *px;	/* NULL: the pieces are not made yet */
	bool px_changed;	/* since the epochs were last raised */
	/* names */
	uint32_t name_cells;
	uint32_t names;
	uint32_t name_seq;	/* of the last cell written */
	uint32_t name_next;	/* cell to look at first for a free one */
	struct ebn_name_ref *name_ref;	/* open addressing, name_refs a power of two */
	uint32_t name_refs;
};

/* What a fresh arena is given: fill in off and n, the caller publishes. */
int ebn_addr_create(struct ebn_rows *r, struct ebn_slot *ret);
int ebn_addr_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag);
/* Nothing when the pieces were never made. */
int ebn_prefix_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag);
void ebn_prefix_done(struct ebn_rows *r);
int ebn_names_create(struct ebn_rows *r, struct ebn_slot *ret);
int ebn_names_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag);

/*
 * A word of a bucket, two u32 that change together: lo is the first in memory. One aligned 64-bit
 * store, so that no reader ever puts one entry's key beside another's value.
 */
static inline uint64_t ebn_pair(uint32_t first, uint32_t second)
{
	uint32_t w[2] = { first, second };
	uint64_t v;

	memcpy(&v, w, sizeof(v));
	return v;
}

/* One more that could not be recorded. */
static inline void ebn_rows_failed(struct ebn_rows *r)
{
	struct ebn_node_hdr *h = ebn_node_hdr(r->nt);

	EBN_WRITE(h->address_failures, h->address_failures + 1);
}

static inline void ebn_pair_store(uint32_t *first, uint64_t v)
{
	/* release: what the pair makes reachable was stored before */
	__atomic_store_n((uint64_t *)first, v, __ATOMIC_RELEASE);
}

#endif
