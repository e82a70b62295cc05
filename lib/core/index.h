/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A hash index: hash -> numbers of an array kept elsewhere. Open addressing, linear probing; the caller compares. */
#ifndef EBN_CORE_INDEX_H
#define EBN_CORE_INDEX_H

#include "core/internal.h"

struct ebn_index_cell {
	uint64_t hash;
	uint32_t value;		/* + 1; 0: free */
};

struct ebn_index {
	struct ebn_index_cell *cell;
	uint32_t mask;		/* cells - 1; 0: none yet */
	uint32_t n;
};

void ebn_index_done(struct ebn_index *ix);
/* Room for n more entries, so that as many ebn_index_add() cannot fail. -ENOMEM. */
int ebn_index_reserve(struct ebn_index *ix, uint32_t n);
/* -ENOMEM unless reserved. Equal hashes may be there more than once. */
int ebn_index_add(struct ebn_index *ix, uint64_t hash, uint32_t value);
/* Removes the entry {hash, value}, if it is there. */
void ebn_index_remove(struct ebn_index *ix, uint64_t hash, uint32_t value);
void ebn_index_clear(struct ebn_index *ix);

/*
 * Walks the values stored under a hash: for (c = ebn_index_first(ix, h, &v); c; c = ebn_index_next(ix, h, &v)).
 * The cursor is a cell's number + 1.
 */
uint32_t ebn_index_next(const struct ebn_index *ix, uint64_t hash, uint32_t cursor, uint32_t *value);
static inline uint32_t ebn_index_first(const struct ebn_index *ix, uint64_t hash, uint32_t *value)
{
	return ebn_index_next(ix, hash, 0, value);
}
#define ebn_index_for_each(ix, h, cur, v)                            \
	for ((cur) = ebn_index_first((ix), (h), &(v)); (cur);        \
	     (cur) = ebn_index_next((ix), (h), (cur), &(v)))

/* For content: eight bytes a step. Not the same on machines of another byte order, so it is never stored. */
uint64_t ebn_hash_bytes(const void *data, size_t len);

#endif
