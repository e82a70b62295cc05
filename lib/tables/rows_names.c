// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tables/names.h"
#include "tables/rows_internal.h"

#define CELLS_MIN 1024u
#define CELLS_MAX (1u << 24)

static struct ebn_name_cell *cell_at(struct ebn_rows *r, uint32_t i)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_NAMES);

	return ebn_node_ptr(r->nt, s.off + i * (uint32_t)sizeof(struct ebn_name_cell), sizeof(struct ebn_name_cell));
}

static const struct ebn_name_head *name_at(struct ebn_rows *r, uint32_t i)
{
	return ebn_node_ptr(r->nt, cell_at(r, i)->off, sizeof(struct ebn_name_head));
}

static const char *name_text(const struct ebn_name_head *h)
{
	return (const char *)(h + 1);
}

/* ---- the writer's index: open addressing over (kind, number) ---- */

static uint32_t ref_hash(uint32_t kind, uint32_t number)
{
	return (uint32_t)ebn_mix64((uint64_t)kind << 32 | number);
}

/* Where (kind, number) is, or the unused place where it would go. */
static struct ebn_name_ref *ref_find(struct ebn_rows *r, uint32_t kind, uint32_t number)
{
	uint32_t i = ref_hash(kind, number);
	struct ebn_name_ref *ref;

	for (;; i++) {
		ref = &r->name_ref[i & (r->name_refs - 1)];
		if (!ref->cell || (ref->kind == kind && ref->number == number))
			return ref;
	}
}

/* Keeps the index at most half full. */
static int ref_room(struct ebn_rows *r)
{
	struct ebn_name_ref *old = r->name_ref;
	uint32_t n = r->name_refs, i;

	if ((r->names + 1) * 2 <= n)
		return 0;
	r->name_ref = ebn_calloc(n ? n * 2 : 64, sizeof(*r->name_ref));
	if (!r->name_ref) {
		r->name_ref = old;
		return -ENOMEM;
	}
	r->name_refs = n ? n * 2 : 64;
	for (i = 0; i < n; i++)
		if (old[i].cell)
			*ref_find(r, old[i].kind, old[i].number) = old[i];
	free(old);
	return 0;
}

/* Closes the gap, so that what was placed behind it is still found. */
static void ref_del(struct ebn_rows *r, struct ebn_name_ref *ref)
{
	uint32_t mask = r->name_refs - 1, gap = (uint32_t)(ref - r->name_ref), i, home;

	for (i = (gap + 1) & mask; r->name_ref[i].cell; i = (i + 1) & mask) {
		home = ref_hash(r->name_ref[i].kind, r->name_ref[i].number) & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		r->name_ref[gap] = r->name_ref[i];
		gap = i;
	}
	r->name_ref[gap].cell = 0;
}

/* ---- cells ---- */

static void cell_store(struct ebn_rows *r, uint32_t i, uint32_t off)
{
	ebn_pair_store(&cell_at(r, i)->off, ebn_pair(off, ++r->name_seq));
}

static int cells_grow(struct ebn_rows *r)
{
	struct ebn_slot old = ebn_node_slot(r->nt, EBN_P_NAMES);
	uint32_t n = old.n * 2, off;
	int err;

	if (n > CELLS_MAX)
		return -ENOSPC;
	err = ebn_node_alloc(r->nt, EBN_P_NAMES, n * (uint32_t)sizeof(struct ebn_name_cell), &off);
	if (err)
		return err;
	memcpy(ebn_node_ptr(r->nt, off, n * (uint32_t)sizeof(struct ebn_name_cell)), cell_at(r, 0),
	       old.n * sizeof(struct ebn_name_cell));
	err = ebn_node_swap(r->nt, EBN_P_NAMES, off, n);
	if (err) {
		ebn_node_release(r->nt, off);
		return err;
	}
	r->name_cells = n;
	r->name_next = old.n;
	return ebn_node_retire(r->nt, old.off);
}

static int cell_free(struct ebn_rows *r, uint32_t *ret)
{
	uint32_t i, at;
	int err;

	if (r->names >= r->name_cells) {
		err = cells_grow(r);
		if (err)
			return err;
	}
	for (i = 0; i < r->name_cells; i++) {
		at = (r->name_next + i) % r->name_cells;
		if (cell_at(r, at)->off)
			continue;
		r->name_next = at + 1;
		*ret = at;
		return 0;
	}
	return -ENOSPC;
}

/* ---- interface ---- */

int ebn_names_create(struct ebn_rows *r, struct ebn_slot *ret)
{
	int err;

	err = ebn_node_alloc(r->nt, EBN_P_NAMES, CELLS_MIN * (uint32_t)sizeof(struct ebn_name_cell), &ret->off);
	if (err)
		return err;
	ret->n = r->name_cells = CELLS_MIN;
	return 0;
}

int ebn_names_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag)
{
	const struct ebn_name_head *h;
	struct ebn_name_ref *ref;
	uint32_t i, off, room;
	int err;

	r->name_cells = ebn_node_slot(r->nt, EBN_P_NAMES).n;
	if (!r->name_cells || r->name_cells > CELLS_MAX)
		return ebn_diag(diag, "names", EPROTO, "%u cells", r->name_cells);
	for (i = 0; i < r->name_cells; i++) {
		if (cell_at(r, i)->seq > r->name_seq)
			r->name_seq = cell_at(r, i)->seq;
		off = cell_at(r, i)->off;
		if (!off)
			continue;
		err = ebn_node_mark(r->nt, off, EBN_X_NAME, EBN_LINE);
		if (err)
			return ebn_diag(diag, "names", err, "cell %u names no name", i);
		h = name_at(r, i);
		room = ((const struct ebn_extent *)h - 1)->len - (uint32_t)sizeof(*h);
		if (h->len > EBN_NAME_LEN_MAX || h->len >= room || strnlen(name_text(h), room) != h->len)
			return ebn_diag(diag, "names", EPROTO, "the name in cell %u has no end", i);
		err = ref_room(r);
		if (err)
			return err;
		ref = ref_find(r, h->kind, h->number);
		if (ref->cell)
			return ebn_diag(diag, "names", EPROTO, "cell %u names what another one names", i);
		*ref = (struct ebn_name_ref){ .kind = h->kind, .number = h->number, .cell = i + 1 };
		r->names++;
	}
	return 0;
}

/* A new extent with this name in it. */
static int name_new(struct ebn_rows *r, enum ebn_name_kind kind, uint32_t number, const char *text, size_t len,
		    uint32_t *ret)
{
	struct ebn_name_head *h;
	uint32_t off;
	int err;

	err = ebn_node_alloc(r->nt, EBN_X_NAME, (uint32_t)(sizeof(*h) + len + 1), &off);
	if (err)
		return err;
	h = ebn_node_ptr(r->nt, off, (uint32_t)(sizeof(*h) + len + 1));
	h->kind = kind;
	h->number = number;
	h->len = (uint32_t)len;
	memcpy(h + 1, text, len);
	*ret = off;
	return 0;
}

/* The row of an endpoint leads to its name too. */
static void name_follow(struct ebn_rows *r, enum ebn_name_kind kind, uint32_t number, uint32_t off)
{
	struct ebn_ep_row *row = kind == EBN_NAME_ENDPOINT ? ebn_ep_row(r, number) : NULL;

	if (row)
		__atomic_store_n(&row->meta, off, __ATOMIC_RELEASE);
}

static int name_del(struct ebn_rows *r, struct ebn_name_ref *ref)
{
	uint32_t cell, off;

	if (!ref->cell)
		return -ENOENT;
	cell = ref->cell - 1;
	off = cell_at(r, cell)->off;
	name_follow(r, (enum ebn_name_kind)ref->kind, ref->number, 0);
	cell_store(r, cell, 0);
	ref_del(r, ref);
	r->names--;
	return ebn_node_retire(r->nt, off);
}

int ebn_name_set(struct ebn_rows *r, enum ebn_name_kind kind, uint32_t number, const char *text)
{
	struct ebn_name_ref *ref;
	uint32_t off, old, cell;
	size_t len;
	int err;

	if (kind < EBN_NAME_IDENTITY || kind > EBN_NAME_RULE_LOG)
		return -EINVAL;
	err = ref_room(r);
	if (err)
		return err;
	if (!text) {
		err = name_del(r, ref_find(r, kind, number));
		return err == -ENOENT ? 0 : err;
	}
	len = strnlen(text, EBN_NAME_LEN_MAX + 1);
	if (len > EBN_NAME_LEN_MAX)
		return -E2BIG;
	err = name_new(r, kind, number, text, len, &off);
	if (err)
		return err;
	ref = ref_find(r, kind, number);
	if (!ref->cell) {
		err = cell_free(r, &cell);
		if (err) {
			ebn_node_release(r->nt, off);
			return err;
		}
		*ref = (struct ebn_name_ref){ .kind = kind, .number = number, .cell = cell + 1 };
		r->names++;
	}
	cell = ref->cell - 1;
	old = cell_at(r, cell)->off;
	cell_store(r, cell, off);
	name_follow(r, kind, number, off);
	return ebn_node_retire(r->nt, old);
}

const char *ebn_name_get(struct ebn_rows *r, enum ebn_name_kind kind, uint32_t number)
{
	struct ebn_name_ref *ref;

	if (!r->name_refs)
		return NULL;
	ref = ref_find(r, kind, number);
	return ref->cell ? name_text(name_at(r, ref->cell - 1)) : NULL;
}

int ebn_name_foreach(struct ebn_rows *r, enum ebn_name_kind kind,
		     int (*fn)(uint32_t number, const char *text, void *arg), void *arg)
{
	const struct ebn_name_head *h;
	uint32_t i;
	int err;

	for (i = 0; i < r->name_cells; i++) {
		if (!cell_at(r, i)->off)
			continue;
		h = name_at(r, i);
		if (h->kind != kind)
			continue;
		err = fn(h->number, name_text(h), arg);
		if (err < 0)
			return err;
	}
	return 0;
}
