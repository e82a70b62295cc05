// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * From plan to packets, make before break. Staging writes what is new into space no reader reaches: chunks, pages of classes,
 * directories. Publishing stores cells of rows and columns that no packet can ask for yet (classes whose numbers are fresh are
 * in no page and no port map that is reachable, and a number rests for a grace period between two uses), then the root. Who
 * read the old root finds the old pages, the old port map and, in shared chunks, the cells of the old classes untouched.
 * Then the epochs of the subjects whose verdicts may have changed are raised, and what is no longer reachable is retired.
 */
#include <stdio.h>

#include "policy/engine.h"

#define SUBJECTS_MIN 64u
#define DECISIONS_MIN 256u
/* Room for classes that come later: a quarter, and some. */
#define ROOM(n) ((n) + (n) / 4 + 64)

static struct ebn_stored *stored(struct ebn_table *t)
{
	return t->next.rowmap ? &t->next : &t->now;
}

/* Errors for want of space are counted and the staging goes on, so that the whole want is known at the end. */
static int lenient(struct ebn_plan *pl, int err)
{
	return err == -ENOSPC && pl->p->store.short_by ? 0 : err;
}

/* ---- row and column maps that stay, with cells for the fresh classes ---- */

static uint16_t *values_from(struct ebn_policy *p, const struct ebn_chunk *map, const struct ebn_pair *fresh, size_t n)
{
	const uint16_t *cell = ebn_node_ptr(p->nt, map->off, map->len);
	uint16_t *v = ebn_calloc(n, sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = cell[fresh[i].was < map->len / 2 ? fresh[i].was : 0];
	return v;
}

static bool fits(const struct ebn_chunk *map, const struct ebn_pair *fresh, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fresh[i].now >= map->len / 2)
			return false;
	return true;
}

/* First pass: the map itself can take the values, unless another table that shares it wants others. */
static struct ebn_chunk *map_share(struct ebn_plan *pl, struct ebn_chunk *map, const struct ebn_pair *fresh, size_t n,
				   const uint16_t *values)
{
	if (n) {
		if (!fits(map, fresh, n))
			return NULL;
		if (map->patch_plan == pl->number && memcmp(map->patch, values, n * sizeof(*values)))
			return NULL;
		map->patch_plan = pl->number;
		map->patch = values;
		ebn_chunk_loosen(&pl->p->store, map);
	}
	map->refs++;
	return map;
}

/* Second pass: a copy with the values. */
static int map_copy(struct ebn_plan *pl, const struct ebn_chunk *map, const struct ebn_pair *fresh, size_t n,
		    const uint16_t *values, uint32_t end, struct ebn_chunk **ret)
{
	struct ebn_policy *p = pl->p;
	uint32_t cells = map->len / 2 > end ? map->len / 2 : end;
	_free_ uint16_t *copy = ebn_calloc(cells, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	memcpy(copy, ebn_node_ptr(p->nt, map->off, map->len), map->len);
	for (size_t i = 0; i < n; i++)
		copy[fresh[i].now] = values[i];
	return lenient(pl, ebn_chunk_get(&p->store, map->type, copy, cells * 2, ROOM(cells) * 2, ret));
}

static int share_maps(struct ebn_plan *pl, struct ebn_table *t)
{
	struct ebn_policy *p = pl->p;

	if (!t->row_values)
		t->row_values = values_from(p, t->now.rowmap, pl->fresh, pl->n_fresh);
	if (!t->col_values)
		t->col_values = values_from(p, t->now.colmap, pl->port_fresh, pl->n_port_fresh);
	if (!t->row_values || !t->col_values)
		return -ENOMEM;
	t->next.rowmap = map_share(pl, t->now.rowmap, pl->fresh, pl->n_fresh, t->row_values);
	t->next.colmap = map_share(pl, t->now.colmap, pl->port_fresh, pl->n_port_fresh, t->col_values);
	return 0;
}

/* ---- chunks of one table ---- */

/* Room in the table's list for the decisions its image brings, so that publishing cannot fail. */
static int reserve_decisions(struct ebn_table *t)
{
	return ebn_grow(&t->dec, &t->dec_cap, (size_t)t->n_dec + t->image->n_dec, sizeof(*t->dec));
}

static int stage_table(struct ebn_plan *pl, struct ebn_table *t)
{
	struct ebn_policy *p = pl->p;
	struct ebn_image *img = t->image;
	uint32_t used;
	int err = 0;

	if (img && img->rowmap) {
		err = lenient(pl, ebn_chunk_get(&p->store, EBN_X_ROWMAP, img->rowmap, img->n_peer * 2,
						ROOM(img->n_peer) * 2, &t->next.rowmap));
		if (!err)
			err = lenient(pl, ebn_chunk_get(&p->store, EBN_X_COLMAP, img->colmap, img->n_port * 2,
							ROOM(img->n_port) * 2, &t->next.colmap));
	} else {
		if (!t->next.rowmap)
			err = map_copy(pl, t->now.rowmap, pl->fresh, pl->n_fresh, t->row_values, p->class_ids.end,
				       &t->next.rowmap);
		if (!err && !t->next.colmap)
			err = map_copy(pl, t->now.colmap, pl->port_fresh, pl->n_port_fresh, t->col_values,
				       p->port_ids.end, &t->next.colmap);
	}
	if (err < 0)
		return err;
	if (!img) {
		t->next.matrix = t->now.matrix;
		t->next.matrix->refs++;
		t->next.nrows = t->now.nrows;
		t->next.ncols = t->now.ncols;
		return 0;
	}
	if ((uint64_t)img->nrows * img->ncols * 2 > ebn_node_size(p->nt)) {
		p->store.short_by += (uint64_t)img->nrows * img->ncols * 2;
		return 0;
	}
	used = img->nrows * img->ncols * 2;
	t->next.nrows = img->nrows;
	t->next.ncols = img->ncols;
	err = lenient(pl, ebn_chunk_get(&p->store, EBN_X_MATRIX, img->matrix, used, used, &t->next.matrix));
	return err ? err : reserve_decisions(t);
}

static int stage_tables(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	int err = 0;

	/* all maps that change in place first: what shares content afterwards must share the content they will have */
	for (size_t i = 0; !err && i < pl->n_tables; i++)
		if (!pl->table[i]->image || !pl->table[i]->image->rowmap)
			err = share_maps(pl, pl->table[i]);
	for (size_t i = 0; !err && i < pl->n_tables; i++)
		err = stage_table(pl, pl->table[i]);
	if (!err && (ebn_grow(&p->table, &p->tables_cap, p->n_tables + pl->n_tables, sizeof(struct ebn_table *)) < 0 ||
		     ebn_index_reserve(&p->table_by_key, (uint32_t)pl->n_tables) < 0))
		err = -ENOMEM;
	return err;
}

/* ---- pieces ---- */

static int piece_new(struct ebn_plan *pl, enum ebn_piece piece, uint32_t n, uint32_t size, void **ret)
{
	uint32_t off = 0;
	int err = ebn_node_alloc(pl->p->nt, piece, n * size, &off);

	if (err == -ENOSPC)
		pl->p->store.short_by += (uint64_t)n * size + EBN_LINE;
	if (err < 0) {
		*ret = NULL;
		return lenient(pl, err);
	}
	pl->slot[piece] = (struct ebn_slot){ off, n };
	*ret = ebn_node_ptr(pl->p->nt, off, n * size);
	return 0;
}

/* Decisions nobody refers to yet are written in place; the piece is replaced when it is too small. */
static int stage_decisions(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_slot have = ebn_node_slot(p->nt, EBN_P_DECISION);
	uint32_t end = p->dec_ids.end, cap = have.n > DECISIONS_MIN ? have.n : DECISIONS_MIN;
	struct ebn_decision *d;
	void *piece;
	int err;

	if (have.off && end <= have.n) {
		d = ebn_node_ptr(p->nt, have.off, have.n * sizeof(*d));
		for (size_t i = 0; i < pl->n_tables; i++) {
			const struct ebn_image *img = pl->table[i]->image;

			for (uint32_t k = 0; img && k < img->n_dec; k++)
				if (!p->dec[img->dec[k]].live)
					d[img->dec[k]] = p->dec[img->dec[k]].d;
		}
		return 0;
	}
	while (cap < end)
		cap *= 2;
	if (cap > EBN_DECISIONS_MAX)
		cap = EBN_DECISIONS_MAX;
	err = piece_new(pl, EBN_P_DECISION, cap, sizeof(*d), &piece);
	d = piece;
	for (uint32_t i = 1; d && i < end; i++)
		if (p->dec[i].refs || p->dec[i].live)
			d[i] = p->dec[i].d;
	return err;
}

static bool any_moved(const struct ebn_pair *pair, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pair[i].was != pair[i].now)
			return true;
	return false;
}

static int stage_ports(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	uint16_t *cell;
	void *piece;
	int err;

	if (ebn_node_slot(p->nt, EBN_P_PORT).off && (!pl->new_ports || !any_moved(pl->port_moved, pl->n_port_moved)))
		return 0;
	err = piece_new(pl, EBN_P_PORT, EBN_PORT_CELLS, sizeof(*cell), &piece);
	cell = piece;
	for (size_t i = 0; cell && i < pl->n_iv; i++) {
		uint32_t end = i + 1 < pl->n_iv ? pl->iv[i + 1].first : EBN_PORT_CELLS;

		for (uint32_t k = pl->iv[i].first; k < end; k++)
			cell[k] = (uint16_t)pl->iv[i].cls;
	}
	return err;
}

/* A page with its cells as they are, to be changed. */
static int page_new(struct ebn_plan *pl, uint32_t page, uint32_t **ret)
{
	struct ebn_policy *p = pl->p;
	const uint32_t *dir = ebn_node_ptr(p->nt, ebn_node_slot(p->nt, EBN_P_IDDIR).off, EBN_IDDIR_CELLS * 4);
	int err;

	if (!pl->page)
		pl->page = ebn_calloc(2 * EBN_IDDIR_CELLS, sizeof(*pl->page));
	if (!pl->page)
		return -ENOMEM;
	if (!pl->page[page]) {
		err = ebn_node_alloc(p->nt, EBN_X_IDPAGE, EBN_IDPAGE_CELLS * 4, &pl->page[page]);
		if (err == -ENOSPC)
			p->store.short_by += EBN_IDPAGE_CELLS * 4 + EBN_LINE;
		if (err < 0) {
			*ret = NULL;
			return lenient(pl, err);
		}
		if (dir[page])
			memcpy(ebn_node_ptr(p->nt, pl->page[page], EBN_IDPAGE_CELLS * 4),
			       ebn_node_ptr(p->nt, dir[page], EBN_IDPAGE_CELLS * 4), EBN_IDPAGE_CELLS * 4);
	}
	*ret = ebn_node_ptr(p->nt, pl->page[page], EBN_IDPAGE_CELLS * 4);
	return 0;
}

/* Identities change class together with the tables: pages and their directory are replaced under the same root. */
static int stage_identities(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_slot have = ebn_node_slot(p->nt, EBN_P_IDDIR);
	uint32_t *cell, *dir;
	void *piece;
	int err = 0;

	if (!pl->new_classes || !any_moved(pl->moved, pl->n_moved))
		return 0;
	for (uint32_t slot = 0; !err && slot < p->peers.n_items; slot++) {
		uint32_t number = p->slot_number[slot];

		if (!p->peers.item[slot] || p->classes.class_of[slot] == pl->classes.class_of[slot])
			continue;
		err = page_new(pl, number / EBN_IDPAGE_CELLS, &cell);
		if (!err && cell)
			cell[number % EBN_IDPAGE_CELLS] = pl->classes.class_of[slot];
	}
	if (err < 0)
		return err;
	err = piece_new(pl, EBN_P_IDDIR, EBN_IDDIR_CELLS, sizeof(*dir), &piece);
	dir = piece;
	if (!dir)
		return err;
	memcpy(dir, ebn_node_ptr(p->nt, have.off, have.n * 4), have.n * 4);
	for (size_t i = 0; pl->page && i < EBN_IDDIR_CELLS; i++)
		if (pl->page[i])
			dir[i] = pl->page[i];
	return 0;
}

/* ---- subjects ---- */

static struct ebn_table *wanted(const struct ebn_plan *pl, uint32_t s, int dir)
{
	if (pl->new_subject && s == pl->new_subject)
		return pl->new_table[dir];
	if (pl->want && s < pl->subjects_end)
		return pl->want[s][dir];
	return pl->p->subject[s].table[dir];
}

static void subject_row(const struct ebn_plan *pl, uint32_t s, struct ebn_subject_row *row)
{
	memset(row, 0, sizeof(*row));
	row->flags = EBN_SUBJ_F_LIVE;
	row->refs = pl->p->subject[s].refs;
	for (int dir = 0; dir < EBN_DIRECTIONS; dir++) {
		struct ebn_table *t = wanted(pl, s, dir);
		const struct ebn_stored *at = t ? stored(t) : NULL;

		/* no chunk for want of space: this row is not going to be published */
		if (!at || !at->rowmap || !at->colmap || !at->matrix)
			continue;
		row->dir[dir] = (struct ebn_policy_table){
			.rowmap = at->rowmap->off, .colmap = at->colmap->off, .matrix = at->matrix->off,
			.nrows = (uint16_t)at->nrows, .ncols = (uint16_t)at->ncols,
			.n_peer = at->rowmap->len / 2, .n_port = at->colmap->len / 2,
		};
	}
}

static int stage_subjects(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_slot have = ebn_node_slot(p->nt, EBN_P_SUBJECT);
	struct ebn_subject_row *in_force = ebn_node_ptr(p->nt, have.off, have.n * sizeof(*in_force)), row, *rows;
	uint32_t end = p->subject_ids.end, cap = have.n > SUBJECTS_MIN ? have.n : SUBJECTS_MIN;
	bool change = !have.off || end > have.n;
	void *piece;
	int err;

	for (uint32_t s = 0; !change && s < end; s++) {
		if (!p->subject[s].labels || s == pl->new_subject)
			continue;
		subject_row(pl, s, &row);
		/* not live: what a subject left that was gone before the tables were taken over, whatever it names */
		change = row.flags != in_force[s].flags || memcmp(row.dir, in_force[s].dir, sizeof(row.dir));
	}
	if (!change) {
		if (pl->new_subject)
			subject_row(pl, pl->new_subject, &pl->new_row);
		return 0;
	}
	while (cap < end)
		cap *= 2;
	err = piece_new(pl, EBN_P_SUBJECT, cap, sizeof(row), &piece);
	rows = piece;
	for (uint32_t s = 0; rows && s < end; s++)
		if (p->subject[s].labels)
			subject_row(pl, s, &rows[s]);
	return err;
}

/* ---- names of rules that have none yet ---- */

void ebn_rule_forget(struct ebn_policy *p, uint32_t number)
{
	ebn_name_set(p->rows, EBN_NAME_RULE, number, NULL);
	ebn_name_set(p->rows, EBN_NAME_RULE_LOG, number, NULL);
}

static int stage_name(struct ebn_plan *pl, uint32_t number, const struct ebn_rulebook *b, uint32_t rule)
{
	struct ebn_policy *p = pl->p;
	const char *log = b->rules[rule].log;
	char text[EBN_POLICY_NAME_MAX + 16];
	int err;

	snprintf(text, sizeof(text), "%s#%u", b->name, rule + 1);
	err = ebn_name_set(p->rows, EBN_NAME_RULE, number, text);
	if (!err && log)
		err = ebn_name_set(p->rows, EBN_NAME_RULE_LOG, number, log);
	if (err == -ENOSPC)
		p->store.short_by += (log ? 4 + strlen(log) / EBN_LINE : 2) * EBN_LINE;
	return lenient(pl, err);
}

static int stage_names(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	int err = 0;

	pl->names_from = pl->names_to = p->last_rule + 1;
	/* new numbers were given out in the order this walks in */
	for (size_t i = 0; !err && i < pl->n_inst; i++) {
		const struct ebn_inst *in = pl->inst[i];

		for (uint32_t k = 0; !err && k < in->book->n_rules; k++) {
			if (in->number[k] <= p->last_rule)
				continue;
			err = stage_name(pl, in->number[k], in->book, k);
			pl->names_to = in->number[k] + 1;
		}
	}
	return err;
}

int ebn_plan_stage(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	int err;

	err = stage_tables(pl);
	if (!err)
		err = stage_decisions(pl);
	if (!err)
		err = stage_ports(pl);
	if (!err)
		err = stage_identities(pl);
	if (!err)
		err = stage_subjects(pl);
	if (!err && !pl->dry)
		err = stage_names(pl);
	if (!err && p->store.short_by)
		err = ebn_diag(pl->diag, "node tables", ENOSPC,
			       "the policy needs %llu bytes more table memory, %llu of %llu are in use",
			       (unsigned long long)p->store.short_by, (unsigned long long)ebn_node_used(p->nt),
			       (unsigned long long)ebn_node_size(p->nt));
	return err;
}

/* ---- publishing ---- */

static void patch(struct ebn_plan *pl, struct ebn_chunk *map, const struct ebn_pair *fresh, size_t n)
{
	uint16_t *cell = ebn_node_ptr(pl->p->nt, map->off, map->len);

	if (map->patch_plan != pl->number)
		return;
	for (size_t i = 0; i < n; i++)
		EBN_WRITE(cell[fresh[i].now], map->patch[i]);
}

static void store_row(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_slot s = ebn_node_slot(p->nt, EBN_P_SUBJECT);
	struct ebn_subject_row *row;

	if (!pl->new_subject || pl->slot[EBN_P_SUBJECT].off)
		return;
	row = ebn_node_ptr(p->nt, s.off + pl->new_subject * (uint32_t)sizeof(*row), sizeof(*row));
	*row = pl->new_row;
}

/* Stores the root when there are new pieces. Patched cells and a new subject's row are read by nobody before that, or, when
 * nothing is published, before the caller stores the identity's class or the endpoint's row, with release. */
static int publish(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	bool any = false;
	int err;

	for (size_t i = 0; i < pl->n_tables; i++) {
		patch(pl, stored(pl->table[i])->rowmap, pl->fresh, pl->n_fresh);
		patch(pl, stored(pl->table[i])->colmap, pl->port_fresh, pl->n_port_fresh);
	}
	store_row(pl);
	for (size_t i = 0; i < EBN_P_MAX; i++)
		any |= pl->slot[i].off != 0;
	if (!any)
		return 0;
	err = ebn_node_begin(p->nt);
	if (err < 0)
		return err;
	for (int i = 0; i < EBN_P_MAX; i++)
		if (pl->slot[i].off)
			ebn_node_set(p->nt, (enum ebn_piece)i, pl->slot[i].off, pl->slot[i].n);
	err = ebn_node_publish(p->nt);
	if (err < 0)
		ebn_node_abort(p->nt);
	return err;
}

static void table_switch(struct ebn_policy *p, struct ebn_table *t)
{
	struct ebn_stored was = t->now;
	struct ebn_image *img = t->image;

	t->now = t->next;
	t->next = (struct ebn_stored){ 0 };
	t->now.rowmap->live = t->now.colmap->live = t->now.matrix->live = true;
	ebn_chunk_put(&p->store, was.rowmap);
	ebn_chunk_put(&p->store, was.colmap);
	ebn_chunk_put(&p->store, was.matrix);
	if (img) {
		/* the references go over; the room was reserved */
		for (uint32_t i = 0; i < img->n_dec; i++) {
			p->dec[img->dec[i]].live = true;
			t->dec[t->n_dec++] = img->dec[i];
		}
		img->n_dec = 0;
		ebn_image_free(p, img);
		t->image = NULL;
	}
	if (t->slot != EBN_SLOT_NONE)
		return;
	t->slot = (uint32_t)p->n_tables;
	p->table[p->n_tables++] = t;
	if (t->known)
		ebn_index_add(&p->table_by_key, t->hash, t->slot);
}

static void subjects_switch(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;

	for (uint32_t s = 0; pl->want && s < pl->subjects_end; s++) {
		for (int dir = 0; dir < EBN_DIRECTIONS; dir++) {
			struct ebn_table *t = pl->want[s][dir], *was = p->subject[s].table[dir];

			if (!t || t == was)
				continue;
			t->refs++;
			p->subject[s].table[dir] = t;
			ebn_table_unref(p, was);
		}
		if (pl->raise && pl->raise[s])
			ebn_node_raise_subject(p->nt, s);
	}
	for (int dir = 0; pl->new_subject && dir < EBN_DIRECTIONS; dir++) {
		p->subject[pl->new_subject].table[dir] = pl->new_table[dir];
		if (pl->new_table[dir])
			pl->new_table[dir]->refs++;
	}
	/* whatever flows remember of the number's last subject */
	if (pl->new_subject)
		ebn_node_raise_subject(p->nt, pl->new_subject);
}

static void classes_switch(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_classes was = p->classes;

	if (!pl->new_classes)
		return;
	for (uint32_t i = 1; i < was.cls_cap; i++)
		if (was.cls[i].n && (i >= pl->classes.cls_cap || !pl->classes.cls[i].n))
			ebn_numbers_retire(&p->class_ids, i);
	p->classes = pl->classes;
	pl->classes = was;
	for (size_t i = 0; i < p->peers.n; i++)
		if (p->peers.col[i])
			p->peers.col[i]->counted = p->peers.col[i]->plan == pl->number;
}

static void ports_switch(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_interval *was = p->iv;

	if (!pl->new_ports)
		return;
	for (size_t i = 0; i < pl->n_port_gone; i++)
		ebn_numbers_retire(&p->port_ids, pl->port_gone[i]);
	p->iv = pl->iv;
	pl->iv = was;
	p->n_iv = pl->n_iv;
	p->n_port_classes = pl->n_port_classes;
	memcpy(p->ports_sig, pl->ports_sig, sizeof(p->ports_sig));
}

/* Names of rules that were in force and are no more. */
static void rules_forget(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;

	for (size_t i = 0; i < p->n_inst; i++) {
		const struct ebn_inst *was = p->inst[i], *now = NULL;
		uint32_t cursor, k = 0;

		ebn_index_for_each(&pl->inst_by_name, was->hash, cursor, k)
			if (!strcmp(pl->inst[k]->book->name, was->book->name))
				now = pl->inst[k];
		for (k = 0; k < was->book->n_rules; k++)
			if (!now || k >= now->book->n_rules || now->number[k] != was->number[k])
				ebn_rule_forget(p, was->number[k]);
	}
}

static void orphans_forget(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;

	/* a claimed number is one that a rule in force has */
	for (size_t i = 0; i < p->n_inst; i++) {
		for (uint32_t k = 0; p->n_orphans && k < p->inst[i]->book->n_rules; k++) {
			char text[EBN_POLICY_NAME_MAX + 16];
			uint32_t cursor, o = 0;

			snprintf(text, sizeof(text), "%s#%u", p->inst[i]->book->name, k + 1);
			ebn_index_for_each(&p->orphan_by_name, ebn_text_hash(text), cursor, o)
				if (p->orphan_number[o] == p->inst[i]->number[k])
					p->orphan_number[o] = 0;
		}
	}
	for (size_t i = 0; i < p->n_orphans; i++) {
		if (p->orphan_number[i])
			ebn_rule_forget(p, p->orphan_number[i]);
		free(p->orphan[i]);
	}
	free(p->orphan);
	free(p->orphan_number);
	p->orphan = NULL;
	p->orphan_number = NULL;
	p->n_orphans = 0;
	ebn_index_done(&p->orphan_by_name);
}

static void rules_switch(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct ebn_inst **inst = p->inst;
	struct ebn_index ix = p->inst_by_name;
	size_t n = p->n_inst;

	if (!pl->new_rules)
		return;
	rules_forget(pl);
	p->inst = pl->inst;
	p->n_inst = pl->n_inst;
	p->inst_by_name = pl->inst_by_name;
	p->n_rules = pl->n_rules;
	p->last_rule = pl->last_rule;
	p->committed = true;
	/* the plan drops what was in force */
	pl->inst = inst;
	pl->n_inst = n;
	pl->inst_by_name = ix;
	ebn_port_names_done(&p->port_names);
	p->port_names = pl->port_names;
	pl->port_names = (struct ebn_port_names){ 0 };
	for (size_t i = 0; i < p->n_groups; i++)
		ebn_group_unref(p->groups[i]);
	free(p->groups);
	p->groups = EBN_TAKE_PTR(pl->groups);
	p->n_groups = pl->n_groups;
	pl->n_groups = 0;
	orphans_forget(pl);
}

int ebn_plan_publish(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	uint32_t old[EBN_P_MAX] = { 0 }, *old_page = pl->page ? pl->page + EBN_IDDIR_CELLS : NULL;
	const uint32_t *dir;
	int err;

	for (int i = 0; i < EBN_P_MAX; i++)
		if (pl->slot[i].off)
			old[i] = ebn_node_slot(p->nt, (enum ebn_piece)i).off;
	if (old[EBN_P_IDDIR]) {
		dir = ebn_node_ptr(p->nt, old[EBN_P_IDDIR], EBN_IDDIR_CELLS * 4);
		for (size_t i = 0; old_page && i < EBN_IDDIR_CELLS; i++)
			old_page[i] = pl->page[i] ? dir[i] : 0;
	}
	err = publish(pl);
	if (err < 0)
		return err;
	pl->published = true;
	subjects_switch(pl);
	for (size_t i = 0; i < pl->n_tables; i++)
		table_switch(p, pl->table[i]);
	classes_switch(pl);
	ports_switch(pl);
	rules_switch(pl);
	/* what cannot be put on the retired list is lost until the next adoption finds it unreachable */
	for (size_t i = 0; i < EBN_P_MAX; i++)
		ebn_node_retire(p->nt, old[i]);
	for (size_t i = 0; old_page && i < EBN_IDDIR_CELLS; i++)
		ebn_node_retire(p->nt, old_page[i]);
	return 0;
}
