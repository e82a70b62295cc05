/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Which label sets does each selector match? A population of label sets by slot, and a column of bits per distinct selector.
 * A label set that comes is held against few selectors: each is filed under a "key=value" it cannot do without.
 */
#ifndef EBN_POLICY_COLUMNS_H
#define EBN_POLICY_COLUMNS_H

#include <ebpfnet/labels.h>

#include "core/index.h"

struct ebn_column {
	uint32_t refs;
	uint32_t number;
	uint32_t plan;			/* the commit that last found it in use */
	bool filled;			/* bits are those of the whole population */
	bool counted;			/* part of the signatures in force */
	uint64_t visit;			/* matched the item that was looked at last */
	uint64_t hash;			/* of the selector's text */
	uint64_t key[2];		/* random: what the column adds to a signature */
	struct ebpfnet_selector *selector;
	uint64_t *bits;
};

struct ebn_columns {
	struct ebn_column **col;	/* by number, NULL: free */
	size_t n, cap;
	uint32_t *spare;		/* free numbers; as many cells as col */
	size_t n_spare, spare_cap;
	uint32_t *loose;		/* numbers of columns without an anchor */
	size_t n_loose, loose_cap;
	struct ebn_index by_text, by_anchor;
	size_t unfilled;
	const struct ebpfnet_labels **item;	/* the population; NULL: free slot */
	size_t n_items, items_cap;		/* items_cap is 64 times the words of each column */
	struct ebn_column **hit;	/* columns that the item looked at last has */
	size_t n_hits, hits_cap;
	uint64_t visits;
	bool subjects;			/* the label sets are subjects', the selectors say whom a policy is for */
};

void ebn_columns_done(struct ebn_columns *cs);
/* The column of a selector, with a reference; not filled yet when it is new. -ENOMEM. */
int ebn_columns_get(struct ebn_columns *cs, struct ebpfnet_selector *sel, struct ebn_column **ret);
void ebn_columns_put(struct ebn_columns *cs, struct ebn_column *c);
/* Fills the columns that are not. */
int ebn_columns_fill(struct ebn_columns *cs);

/* Room for slots below n. -ENOMEM. */
int ebn_columns_reserve(struct ebn_columns *cs, size_t n);
/* Puts an item into a slot and sets its bits; cs->hit are its columns. Borrows labels. The slot was reserved. */
int ebn_columns_add(struct ebn_columns *cs, size_t slot, const struct ebpfnet_labels *labels);
void ebn_columns_remove(struct ebn_columns *cs, size_t slot);

static inline bool ebn_bit(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> (i % 64) & 1;
}

static inline void ebn_bit_put(uint64_t *bits, size_t i, bool on)
{
	if (on)
		bits[i / 64] |= 1ULL << (i % 64);
	else
		bits[i / 64] &= ~(1ULL << (i % 64));
}

#endif
