// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/columns.h"

#include "identity/internal.h"

/* With fewer new columns than this, each item is held against them one by one. */
#define FILL_BY_ANCHOR 24
/* How far the choice of an anchor looks at how crowded it is. */
#define CROWD_MAX 16

static uint64_t anchor_hash(uint64_t key_hash, struct ebn_span value)
{
	return ebn_fnv(key_hash ^ 0xa5, value.p, value.len);
}

void ebn_columns_done(struct ebn_columns *cs)
{
	for (size_t i = 0; i < cs->n; i++) {
		if (!cs->col[i])
			continue;
		ebpfnet_selector_unref(cs->col[i]->selector);
		free(cs->col[i]->bits);
		free(cs->col[i]);
	}
	free(cs->col);
	free(cs->spare);
	free(cs->loose);
	free(cs->item);
	free(cs->hit);
	ebn_index_done(&cs->by_text);
	ebn_index_done(&cs->by_anchor);
	*cs = (struct ebn_columns){ 0 };
}

/* How many columns are filed under these values already. */
static unsigned int crowd(const struct ebn_columns *cs, uint64_t key_hash, const struct ebn_span *values,
			  unsigned int n)
{
	unsigned int found = 0;
	uint32_t cursor, number = 0;

	for (unsigned int i = 0; i < n; i++)
		ebn_index_for_each(&cs->by_anchor, anchor_hash(key_hash, values[i]), cursor, number)
			if (++found >= CROWD_MAX)
				return found;
	return found + n;
}

/* The least crowded requirement; false: the selector has none that names values. */
static bool anchor(const struct ebn_columns *cs, const struct ebpfnet_selector *sel, uint64_t *key_hash,
		   const struct ebn_span **values, unsigned int *n)
{
	const struct ebn_span *v = NULL;
	unsigned int best = UINT32_MAX, many = 0, c;
	uint64_t key = 0;

	for (unsigned int i = 0; ebn_selector_requirement(sel, i, &key, &v, &many); i++) {
		if (!many)
			continue;
		c = crowd(cs, key, v, many);
		if (c >= best)
			continue;
		best = c;
		*key_hash = key;
		*values = v;
		*n = many;
	}
	return best != UINT32_MAX;
}

static void unfile(struct ebn_columns *cs, struct ebn_column *c)
{
	const struct ebn_span *values = NULL;
	unsigned int n = 0;
	uint64_t key = 0;

	ebn_index_remove(&cs->by_text, c->hash, c->number);
	/* it is under one of its requirements; the others have nothing of this number */
	for (unsigned int i = 0; ebn_selector_requirement(c->selector, i, &key, &values, &n); i++)
		for (unsigned int k = 0; k < n; k++)
			ebn_index_remove(&cs->by_anchor, anchor_hash(key, values[k]), c->number);
	for (size_t i = 0; i < cs->n_loose; i++) {
		if (cs->loose[i] == c->number) {
			cs->loose[i] = cs->loose[--cs->n_loose];
			break;
		}
	}
}

static int file(struct ebn_columns *cs, struct ebn_column *c)
{
	const struct ebn_span *values = NULL;
	unsigned int n = 0;
	uint64_t key = 0;

	if (!anchor(cs, c->selector, &key, &values, &n))
		n = 0;
	if (ebn_index_reserve(&cs->by_text, 1) < 0 || ebn_index_reserve(&cs->by_anchor, n) < 0 ||
	    ebn_grow(&cs->loose, &cs->loose_cap, cs->n_loose + 1, sizeof(*cs->loose)) < 0)
		return -ENOMEM;
	/* reserved above */
	ebn_index_add(&cs->by_text, c->hash, c->number);
	for (unsigned int k = 0; k < n; k++)
		ebn_index_add(&cs->by_anchor, anchor_hash(key, values[k]), c->number);
	if (!n)
		cs->loose[cs->n_loose++] = c->number;
	return 0;
}

static int number_take(struct ebn_columns *cs, uint32_t *ret)
{
	if (cs->n_spare) {
		*ret = cs->spare[cs->n_spare - 1];
		return 0;
	}
	if (ebn_grow(&cs->col, &cs->cap, cs->n + 1, sizeof(*cs->col)) < 0 ||
	    ebn_grow(&cs->spare, &cs->spare_cap, cs->n + 1, sizeof(*cs->spare)) < 0 ||
	    ebn_grow(&cs->hit, &cs->hits_cap, cs->n + 1, sizeof(*cs->hit)) < 0)
		return -ENOMEM;
	*ret = (uint32_t)cs->n;
	return 0;
}

int ebn_columns_get(struct ebn_columns *cs, struct ebpfnet_selector *sel, struct ebn_column **ret)
{
	const char *text = ebpfnet_selector_format(sel);
	uint64_t hash = ebn_fnv(EBN_FNV_START, text, strlen(text));
	uint32_t cursor, i = 0;
	struct ebn_column *c;

	ebn_index_for_each(&cs->by_text, hash, cursor, i) {
		if (strcmp(ebpfnet_selector_format(cs->col[i]->selector), text))
			continue;
		cs->col[i]->refs++;
		*ret = cs->col[i];
		return 0;
	}
	if (number_take(cs, &i) < 0)
		return -ENOMEM;
	c = ebn_calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->number = i;
	c->hash = hash;
	c->selector = ebpfnet_selector_ref(sel);
	c->bits = ebn_calloc(cs->items_cap / 64, sizeof(*c->bits));
	if (!c->bits || ebn_random(c->key, sizeof(c->key)) < 0 || file(cs, c) < 0) {
		ebpfnet_selector_unref(sel);
		free(c->bits);
		free(c);
		return -ENOMEM;
	}
	if (i < cs->n)
		cs->n_spare--;
	else
		cs->n++;
	cs->col[i] = c;
	cs->unfilled++;
	*ret = c;
	return 0;
}

void ebn_columns_put(struct ebn_columns *cs, struct ebn_column *c)
{
	if (!c || --c->refs)
		return;
	unfile(cs, c);
	cs->unfilled -= !c->filled;
	cs->col[c->number] = NULL;
	cs->spare[cs->n_spare++] = c->number;
	ebpfnet_selector_unref(c->selector);
	free(c->bits);
	free(c);
}

static bool matches(const struct ebn_columns *cs, const struct ebn_column *c, const struct ebpfnet_labels *labels)
{
	return cs->subjects ? ebn_selector_subject(c->selector, labels) : ebpfnet_selector_match(c->selector, labels);
}

/* Collects the columns that match; with fresh_only those that are not filled yet. */
static void look(struct ebn_columns *cs, const struct ebpfnet_labels *labels, bool fresh_only)
{
	uint64_t visit = ++cs->visits;
	struct ebn_column *c;
	uint32_t cursor, number = 0;

	cs->n_hits = 0;
	for (size_t i = 0; i < cs->n_loose; i++) {
		c = cs->col[cs->loose[i]];
		if ((fresh_only && c->filled) || !matches(cs, c, labels))
			continue;
		c->visit = visit;
		cs->hit[cs->n_hits++] = c;
	}
	for (unsigned int i = 0; labels && i < labels->n; i++) {
		const struct ebn_label *l = &labels->labels[i];

		ebn_index_for_each(&cs->by_anchor, anchor_hash(l->key_hash, l->value), cursor, number) {
			c = cs->col[number];
			if (c->visit == visit || (fresh_only && c->filled) || !matches(cs, c, labels))
				continue;
			c->visit = visit;
			cs->hit[cs->n_hits++] = c;
		}
	}
}

static void fill_one(struct ebn_columns *cs, struct ebn_column *c)
{
	memset(c->bits, 0, cs->items_cap / 8);
	for (size_t i = 0; i < cs->n_items; i++)
		if (cs->item[i] && matches(cs, c, cs->item[i]))
			ebn_bit_put(c->bits, i, true);
}

int ebn_columns_fill(struct ebn_columns *cs)
{
	bool by_anchor = cs->unfilled >= FILL_BY_ANCHOR;

	if (!cs->unfilled)
		return 0;
	for (size_t i = 0; by_anchor && i < cs->n_items; i++) {
		if (!cs->item[i])
			continue;
		look(cs, cs->item[i], true);
		for (size_t k = 0; k < cs->n_hits; k++)
			ebn_bit_put(cs->hit[k]->bits, i, true);
	}
	for (size_t i = 0; i < cs->n; i++) {
		if (!cs->col[i] || cs->col[i]->filled)
			continue;
		if (!by_anchor)
			fill_one(cs, cs->col[i]);
		cs->col[i]->filled = true;
	}
	cs->unfilled = 0;
	return 0;
}

int ebn_columns_reserve(struct ebn_columns *cs, size_t n)
{
	size_t cap = cs->items_cap ? cs->items_cap : 256, old = cs->items_cap;
	const struct ebpfnet_labels **item;
	uint64_t *bits;

	if (n <= cs->items_cap)
		return 0;
	while (cap < n)
		cap *= 2;
	/* a column that has grown already does no harm when another cannot */
	for (size_t i = 0; i < cs->n; i++) {
		if (!cs->col[i])
			continue;
		bits = realloc(cs->col[i]->bits, cap / 8);
		if (!bits)
			return -ENOMEM;
		memset((char *)bits + old / 8, 0, (cap - old) / 8);
		cs->col[i]->bits = bits;
	}
	item = realloc(cs->item, cap * sizeof(*item));
	if (!item)
		return -ENOMEM;
	memset(item + old, 0, (cap - old) * sizeof(*item));
	cs->item = item;
	cs->items_cap = cap;
	return 0;
}

int ebn_columns_add(struct ebn_columns *cs, size_t slot, const struct ebpfnet_labels *labels)
{
	int err = ebn_columns_fill(cs);

	if (err < 0)
		return err;
	cs->item[slot] = labels;
	if (slot >= cs->n_items)
		cs->n_items = slot + 1;
	look(cs, labels, false);
	for (size_t i = 0; i < cs->n_hits; i++)
		ebn_bit_put(cs->hit[i]->bits, slot, true);
	return 0;
}

void ebn_columns_remove(struct ebn_columns *cs, size_t slot)
{
	look(cs, cs->item[slot], false);
	for (size_t i = 0; i < cs->n_hits; i++)
		ebn_bit_put(cs->hit[i]->bits, slot, false);
	cs->item[slot] = NULL;
	while (cs->n_items && !cs->item[cs->n_items - 1])
		cs->n_items--;
}
