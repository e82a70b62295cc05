// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Port classes: the cells of the port map fall into intervals at the ends of all rules' ranges; intervals that lie in the same
 * rules' ports are one class. As with peers, what tells them apart is a sum of secret keys.
 */
#include "policy/plan.h"

struct edge {
	uint32_t cell;
	uint64_t key[2];	/* added from this cell on */
};

struct block {
	uint64_t sig[2];
	uint32_t cls;
	uint32_t was;		/* class of the first piece */
	uint32_t cells;
	bool torn;
};

struct work {
	struct edge *edge;
	size_t n, cap;
	struct block *block;
	size_t n_blocks, blocks_cap;
	struct ebn_index seen, by_sig, pairs;
	uint32_t *size_of;	/* cells, by class in force */
};

void ebn_ports_key(const uint64_t seed[2], const struct ebn_range *ranges, uint32_t n, uint64_t ret[2])
{
	for (int i = 0; i < 2; i++) {
		ret[i] = seed[i];
		for (uint32_t k = 0; k < n; k++) {
			uint64_t w = (uint64_t)ranges[k].first << 32 | ranges[k].last;

			ret[i] = ebn_mix64((ret[i] ^ w) + seed[1 - i]);
		}
	}
}

size_t ebn_interval_at(const struct ebn_interval *iv, size_t n, uint32_t cell)
{
	size_t lo = 0, hi = n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (iv[mid].first <= cell)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int add_edges(struct work *w, const struct ebn_range *ranges, uint32_t n, const uint64_t key[2])
{
	if (ebn_grow(&w->edge, &w->cap, w->n + 2 * (size_t)n, sizeof(*w->edge)) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		w->edge[w->n++] = (struct edge){ ranges[i].first, { key[0], key[1] } };
		w->edge[w->n++] = (struct edge){ ranges[i].last + 1, { -key[0], -key[1] } };
	}
	return 0;
}

/* Edges of all distinct sets of ranges; their sum tells whether anything has changed. */
static int collect(struct ebn_plan *pl, struct work *w)
{
	uint64_t key[2];
	uint32_t cursor, i = 0;

	for (size_t k = 0; k < pl->n_inst; k++) {
		for (uint32_t e = 0; e < pl->inst[k]->n_entries; e++) {
			uint32_t n;
			const struct ebn_range *ranges = ebn_entry_ranges(&pl->inst[k]->entry[e], &n);
			bool known = false;

			if (!n)
				continue;
			ebn_ports_key(pl->p->seed, ranges, n, key);
			/* the second half is compared by being the value's hash: 96 bits in all */
			ebn_index_for_each(&w->seen, key[0], cursor, i)
				known |= i == (uint32_t)(key[1] >> 33);
			if (known)
				continue;
			if (ebn_index_add(&w->seen, key[0], (uint32_t)(key[1] >> 33)) < 0 ||
			    add_edges(w, ranges, n, key) < 0)
				return -ENOMEM;
			pl->ports_sig[0] += key[0];
			pl->ports_sig[1] += key[1];
		}
	}
	return 0;
}

static int by_cell(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static int block_find(struct work *w, const uint64_t sig[2], uint32_t *ret)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(&w->by_sig, sig[0], cursor, i) {
		if (w->block[i].sig[0] == sig[0] && w->block[i].sig[1] == sig[1]) {
			*ret = i;
			return 0;
		}
	}
	if (ebn_grow(&w->block, &w->blocks_cap, w->n_blocks + 1, sizeof(*w->block)) < 0 ||
	    ebn_index_add(&w->by_sig, sig[0], (uint32_t)w->n_blocks) < 0)
		return -ENOMEM;
	*ret = (uint32_t)w->n_blocks;
	w->block[w->n_blocks++] = (struct block){ .sig = { sig[0], sig[1] } };
	return 0;
}

/* Intervals with their block's number for a class. The first block is that of cells no rule speaks of. */
static int cut(struct ebn_plan *pl, struct work *w)
{
	uint64_t sig[2] = { 0 };
	uint32_t b = 0, at = 0;
	size_t e = 0, cap = 0;
	int err;

	if (w->n)
		qsort(w->edge, w->n, sizeof(*w->edge), by_cell);
	err = block_find(w, sig, &b);
	while (!err && at < EBN_PORT_CELLS) {
		for (; e < w->n && w->edge[e].cell <= at; e++) {
			sig[0] += w->edge[e].key[0];
			sig[1] += w->edge[e].key[1];
		}
		err = block_find(w, sig, &b);
		if (err < 0)
			break;
		if (!pl->n_iv || pl->iv[pl->n_iv - 1].cls != b) {
			err = ebn_grow(&pl->iv, &cap, pl->n_iv + 1, sizeof(*pl->iv));
			if (err < 0)
				break;
			pl->iv[pl->n_iv++] = (struct ebn_interval){ at, b };
		}
		at = e < w->n ? w->edge[e].cell : EBN_PORT_CELLS;
	}
	return err;
}

static uint32_t end_of(const struct ebn_interval *iv, size_t n, size_t i)
{
	return i + 1 < n ? iv[i + 1].first : EBN_PORT_CELLS;
}

/* Walks the pieces into which the old and the new intervals cut each other. */
static int meet(struct ebn_plan *pl, struct work *w, int (*fn)(struct ebn_plan *, struct work *, uint32_t was,
							       struct block *b, uint32_t cells))
{
	const struct ebn_policy *p = pl->p;
	size_t o = 0, i = 0;
	uint32_t at = 0, end;
	int err = 0;

	while (!err && at < EBN_PORT_CELLS) {
		uint32_t oe = end_of(p->iv, p->n_iv, o), ne = end_of(pl->iv, pl->n_iv, i);

		end = oe < ne ? oe : ne;
		err = fn(pl, w, p->iv[o].cls, &w->block[pl->iv[i].cls], end - at);
		at = end;
		o += at == oe;
		i += at == ne;
	}
	return err;
}

static int count(struct ebn_plan *pl, struct work *w, uint32_t was, struct block *b, uint32_t cells)
{
	(void)pl;
	if (!b->cells)
		b->was = was;
	b->torn |= b->was != was;
	b->cells += cells;
	w->size_of[was] += cells;
	return 0;
}

static int note_pair(struct ebn_plan *pl, struct work *w, uint32_t was, struct block *b, uint32_t cells)
{
	uint64_t key = (uint64_t)was << 32 | b->cls;
	uint32_t cursor, i = 0;

	(void)cells;
	ebn_index_for_each(&w->pairs, key, cursor, i)
		return 0;
	if (ebn_grow(&pl->port_moved, &pl->port_moved_cap, pl->n_port_moved + 1, sizeof(*pl->port_moved)) < 0 ||
	    ebn_index_add(&w->pairs, key, 0) < 0)
		return -ENOMEM;
	pl->port_moved[pl->n_port_moved++] = (struct ebn_pair){ was, b->cls };
	return 0;
}

static int number_blocks(struct ebn_plan *pl, struct work *w)
{
	struct ebn_policy *p = pl->p;
	int err;

	for (size_t i = 1; i < w->n_blocks; i++) {
		struct block *b = &w->block[i];

		if (b->was && !b->torn && w->size_of[b->was] == b->cells) {
			b->cls = b->was;
			continue;
		}
		if (ebn_grow(&pl->port_fresh, &pl->port_fresh_cap, pl->n_port_fresh + 1, sizeof(*pl->port_fresh)) < 0)
			return -ENOMEM;
		err = ebn_numbers_get(&p->port_ids, &b->cls);
		if (err < 0)
			return err == -ENOSPC ? ebn_diag(pl->diag, NULL, E2BIG,
							 "the rules cut the ports into more than %u classes",
							 EBN_PORT_CLASSES_MAX) : err;
		pl->port_fresh[pl->n_port_fresh++] = (struct ebn_pair){ b->was, b->cls };
	}
	return 0;
}

/* Numbers in force that no block goes on with. */
static int find_gone(struct ebn_plan *pl, struct work *w)
{
	for (size_t i = 0; i < w->n_blocks; i++)
		w->size_of[w->block[i].cls] = 0;
	for (uint32_t c = 1; c <= EBN_PORT_CLASSES_MAX; c++) {
		if (!w->size_of[c])
			continue;
		if (ebn_grow(&pl->port_gone, &pl->port_gone_cap, pl->n_port_gone + 1, sizeof(*pl->port_gone)) < 0)
			return -ENOMEM;
		pl->port_gone[pl->n_port_gone++] = c;
	}
	return 0;
}

static int work_out(struct ebn_plan *pl, struct work *w)
{
	int err;

	err = cut(pl, w);
	if (err < 0)
		return err;
	w->size_of = ebn_calloc(EBN_PORT_CLASSES_MAX + 1, sizeof(*w->size_of));
	if (!w->size_of)
		return -ENOMEM;
	err = meet(pl, w, count);
	if (!err)
		err = number_blocks(pl, w);
	if (!err)
		err = meet(pl, w, note_pair);
	if (!err)
		err = find_gone(pl, w);
	for (size_t i = 0; !err && i < pl->n_iv; i++)
		pl->iv[i].cls = w->block[pl->iv[i].cls].cls;
	pl->n_port_classes = (uint32_t)w->n_blocks;
	return err;
}

int ebn_plan_ports(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct work w = { 0 };
	int err;

	err = collect(pl, &w);
	pl->new_ports = err || !p->committed || memcmp(pl->ports_sig, p->ports_sig, sizeof(p->ports_sig)) != 0;
	if (!err && pl->new_ports)
		err = work_out(pl, &w);
	free(w.edge);
	free(w.block);
	free(w.size_of);
	ebn_index_done(&w.seen);
	ebn_index_done(&w.by_sig);
	ebn_index_done(&w.pairs);
	return err;
}
