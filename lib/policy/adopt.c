// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Taking over tables that another process left: every offset and index is checked before it is believed. */
#include "identity/internal.h"
#include "policy/engine.h"

struct adopt {
	struct ebn_policy *p;
	struct ebpfnet_diag *diag;
	struct ebn_index chunks;	/* offset -> place in the store */
	struct ebn_slot decisions;
	int err;			/* of a callback that cannot say it otherwise */
};

static int corrupt(struct adopt *a, const char *what)
{
	return ebn_diag(a->diag, "node tables", EPROTO, "%s", what);
}

/* The chunk at off; the first time, its extent is marked. */
static int chunk(struct adopt *a, uint32_t off, uint32_t type, uint64_t len, struct ebn_chunk **ret)
{
	struct ebn_policy *p = a->p;
	uint32_t cursor, i = 0;
	int err;

	ebn_index_for_each(&a->chunks, off, cursor, i) {
		struct ebn_chunk *c = p->store.chunk[i];

		if (c->type != type || c->len < len)
			return corrupt(a, "a part of a policy table has two uses");
		c->refs++;
		*ret = c;
		return 0;
	}
	err = len <= ebn_node_size(p->nt) ? ebn_node_mark(p->nt, off, type, (uint32_t)len) : -EPROTO;
	if (err == -EPROTO)
		return corrupt(a, "a policy table names what is no part of one");
	if (err < 0)
		return err;
	err = ebn_chunk_adopt(&p->store, type, off, ebn_node_len(p->nt, off), ret);
	return err ? err : ebn_index_add(&a->chunks, off, (*ret)->place);
}

static bool below(const uint16_t *cell, size_t n, uint32_t limit)
{
	for (size_t i = 0; i < n; i++)
		if (cell[i] >= limit)
			return false;
	return true;
}

/* Notes the decisions of a matrix in the table. */
static int use_decisions(struct adopt *a, struct ebn_table *t)
{
	struct ebn_policy *p = a->p;
	const uint16_t *cell = ebn_node_ptr(p->nt, t->now.matrix->off, t->now.matrix->len);
	_free_ uint8_t *seen = ebn_calloc(EBN_DECISIONS_MAX, 1);

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)t->now.nrows * t->now.ncols; i++) {
		if (seen[cell[i]])
			continue;
		seen[cell[i]] = 1;
		if (cell[i] == 0)
			continue;
		if (ebn_grow(&t->dec, &t->dec_cap, (size_t)t->n_dec + 1, sizeof(*t->dec)) < 0)
			return -ENOMEM;
		t->dec[t->n_dec++] = cell[i];
		p->dec[cell[i]].refs++;
	}
	return 0;
}

static int table(struct adopt *a, const struct ebn_policy_table *d, uint8_t dir, struct ebn_table **ret)
{
	struct ebn_policy *p = a->p;
	struct ebn_stored *at;
	struct ebn_table *t;
	int err;

	for (size_t i = 0; i < p->n_tables; i++) {
		at = &p->table[i]->now;
		if (p->table[i]->dir == dir && at->rowmap->off == d->rowmap && at->colmap->off == d->colmap &&
		    at->matrix->off == d->matrix && at->nrows == d->nrows && at->ncols == d->ncols) {
			p->table[i]->refs++;
			*ret = p->table[i];
			return 0;
		}
	}
	if (!d->nrows || !d->ncols || !d->n_peer || !d->n_port)
		return corrupt(a, "a policy table is empty");
	t = ebn_calloc(1, sizeof(*t));
	if (!t || ebn_grow(&p->table, &p->tables_cap, p->n_tables + 1, sizeof(struct ebn_table *)) < 0) {
		free(t);
		return -ENOMEM;
	}
	/* from here on the policy's list owns it, chunks or not: a failed adoption frees memory only */
	*t = (struct ebn_table){ .refs = 1, .slot = (uint32_t)p->n_tables, .dir = dir };
	p->table[p->n_tables++] = t;
	at = &t->now;
	at->nrows = d->nrows;
	at->ncols = d->ncols;
	err = chunk(a, d->rowmap, EBN_X_ROWMAP, (uint64_t)d->n_peer * 2, &at->rowmap);
	if (!err)
		err = chunk(a, d->colmap, EBN_X_COLMAP, (uint64_t)d->n_port * 2, &at->colmap);
	if (!err)
		err = chunk(a, d->matrix, EBN_X_MATRIX, (uint64_t)d->nrows * d->ncols * 2, &at->matrix);
	if (err < 0)
		return err;
	if (at->rowmap->len / 2 != d->n_peer || at->colmap->len / 2 != d->n_port ||
	    !below(ebn_node_ptr(p->nt, at->rowmap->off, at->rowmap->len), d->n_peer, d->nrows) ||
	    !below(ebn_node_ptr(p->nt, at->colmap->off, at->colmap->len), d->n_port, d->ncols) ||
	    !below(ebn_node_ptr(p->nt, at->matrix->off, at->matrix->len), (size_t)d->nrows * d->ncols, a->decisions.n))
		return corrupt(a, "a policy table leads out of itself");
	*ret = t;
	return use_decisions(a, t);
}

/* A name of a subject: the row must be there and live. Rows that were left without one are denied and given up. */
static int subject(uint32_t number, const char *text, void *arg)
{
	struct adopt *a = arg;
	struct ebn_policy *p = a->p;
	struct ebn_slot s = ebn_node_slot(p->nt, EBN_P_SUBJECT);
	struct ebpfnet_labels *labels = NULL;
	struct ebn_subject_row *row;
	struct ebn_subject *sub;
	int err;

	if (number == EBN_SUBJECT_NONE || number >= EBN_EPOCH_SUBJECTS || number >= s.n)
		return 0;
	row = ebn_node_ptr(p->nt, s.off + number * (uint32_t)sizeof(*row), sizeof(*row));
	if (!(row->flags & EBN_SUBJ_F_LIVE))
		return 0;
	err = ebpfnet_labels_parse(text, NULL, NULL, &labels);
	if (err < 0)
		return err == -ENOMEM ? err : corrupt(a, "a subject's name is no set of labels");
	err = ebn_numbers_take(&p->subject_ids, number);
	if (!err)
		err = ebn_columns_reserve(&p->selectors, (size_t)number + 1);
	if (!err)
		err = ebn_index_add(&p->subject_by_labels, ebpfnet_labels_hash(labels), number);
	if (err) {
		ebpfnet_labels_unref(labels);
		return err < 0 ? err : corrupt(a, "a subject has two names");
	}
	sub = &p->subject[number];
	sub->labels = labels;
	err = ebn_columns_add(&p->selectors, number, labels);
	for (uint8_t dir = 0; !err && dir < EBN_DIRECTIONS; dir++)
		if (row->dir[dir].matrix)
			err = table(a, &row->dir[dir], dir, &sub->table[dir]);
	return err;
}

static int identity(uint32_t number, const char *text, void *arg)
{
	struct adopt *a = arg;
	struct ebpfnet_labels *labels = NULL;
	struct ebn_identity *id;
	int err;

	err = ebn_labels_parse_long(text, &labels);
	if (!err)
		err = number < EBN_ID_SCOPE_LOCAL ? ebn_identities_restore(a->p->ids, number, labels, &id) :
						    ebn_local_restore(a->p->ids, number, labels, &id);
	ebpfnet_labels_unref(labels);
	return err == 0 || err == -ENOMEM ? err : corrupt(a, "an identity's number or labels cannot be");
}

/* Slot and class of each identity. The classes' signatures are not known: these belong to nobody. */
static int classes(struct adopt *a)
{
	struct ebn_policy *p = a->p;
	struct ebn_identity *id;
	int err;

	for (uint32_t next = 0; (id = ebn_identity_next(p, next)); next = id->number + 1) {
		uint32_t slot, cls = ebn_class_get(p->rows, id->number);
		uint64_t none[2] = { 0 }, sig[2] = { cls, UINT64_MAX };

		err = ebn_slot_take(p, &slot);
		if (!err)
			err = ebn_columns_add(&p->peers, slot, id->labels);
		if (err < 0)
			return err;
		if (cls != EBN_CLASS_UNKNOWN) {
			err = ebn_numbers_take(&p->class_ids, cls);
			if (err == -ENOSPC)
				return corrupt(a, "an identity's class cannot be");
			if (!err)
				err = ebn_classes_make(&p->classes, cls, sig);
			if (err < 0)
				return err;
		}
		id->tag = slot;
		p->slot_number[slot] = id->number;
		ebn_classes_join(&p->classes, slot, cls, none);
	}
	return 0;
}

static int decisions(struct adopt *a)
{
	struct ebn_policy *p = a->p;
	const struct ebn_decision *d;
	int err = 0;

	if (a->decisions.n > EBN_DECISIONS_MAX)
		return corrupt(a, "more decisions than cells can name");
	err = ebn_node_mark(p->nt, a->decisions.off, EBN_P_DECISION, a->decisions.n * (uint32_t)sizeof(*d));
	d = ebn_node_ptr(p->nt, a->decisions.off, a->decisions.n * (uint32_t)sizeof(*d));
	for (uint32_t i = 1; !err && i < a->decisions.n; i++) {
		if (!p->dec[i].refs)
			continue;
		p->dec[i].d = d[i];
		p->dec[i].live = true;
		err = ebn_numbers_take(&p->dec_ids, i);
		if (!err)
			err = ebn_index_add(&p->dec_by_value, ebn_hash_bytes(&d[i], sizeof(d[i])), i);
	}
	return err;
}

static int ports(struct adopt *a)
{
	struct ebn_policy *p = a->p;
	struct ebn_slot s = ebn_node_slot(p->nt, EBN_P_PORT);
	const uint16_t *cell;
	size_t cap = 1;
	int err;

	if (s.n != EBN_PORT_CELLS)
		return corrupt(a, "the port map has another size");
	err = ebn_node_mark(p->nt, s.off, EBN_P_PORT, s.n * 2);
	if (err < 0)
		return err;
	cell = ebn_node_ptr(p->nt, s.off, s.n * 2);
	p->iv[0].cls = cell[0];
	for (uint32_t i = 0; i < s.n; i++) {
		if (i && cell[i] == cell[i - 1])
			continue;
		if (cell[i] && ebn_numbers_take(&p->port_ids, cell[i]) == 0)
			p->n_port_classes++;
		if (!i)
			continue;
		err = ebn_grow(&p->iv, &cap, p->n_iv + 1, sizeof(*p->iv));
		if (err < 0)
			return err;
		p->iv[p->n_iv++] = (struct ebn_interval){ i, cell[i] };
	}
	return 0;
}

static int count_rule(uint32_t number, const char *text, void *arg)
{
	(void)number;
	(void)text;
	(*(size_t *)arg)++;
	return 0;
}

static int keep_rule(uint32_t number, const char *text, void *arg)
{
	struct ebn_policy *p = ((struct adopt *)arg)->p;

	p->orphan[p->n_orphans] = strdup(text);
	if (!p->orphan[p->n_orphans] ||
	    ebn_index_add(&p->orphan_by_name, ebn_text_hash(text), (uint32_t)p->n_orphans) < 0) {
		free(p->orphan[p->n_orphans]);
		return -ENOMEM;
	}
	p->orphan_number[p->n_orphans++] = number;
	if (number > p->last_rule)
		p->last_rule = number;
	return 0;
}

static int rules(struct adopt *a)
{
	struct ebn_policy *p = a->p;
	size_t n = 0;
	int err;

	err = ebn_name_foreach(p->rows, EBN_NAME_RULE, count_rule, &n);
	if (err < 0)
		return err;
	p->orphan = ebn_calloc(n, sizeof(char *));
	p->orphan_number = ebn_calloc(n, sizeof(*p->orphan_number));
	if (!p->orphan || !p->orphan_number)
		return -ENOMEM;
	return ebn_name_foreach(p->rows, EBN_NAME_RULE, keep_rule, a);
}

static int adopt(struct adopt *a)
{
	struct ebn_policy *p = a->p;
	struct ebn_slot s = ebn_node_slot(p->nt, EBN_P_SUBJECT);
	int err;

	a->decisions = ebn_node_slot(p->nt, EBN_P_DECISION);
	if (!s.off || !a->decisions.off)
		return corrupt(a, "there is no policy in these tables");
	err = ebn_node_mark(p->nt, s.off, EBN_P_SUBJECT, s.n * (uint32_t)sizeof(struct ebn_subject_row));
	if (!err)
		err = ebn_name_foreach(p->rows, EBN_NAME_SUBJECT, subject, a);
	if (!err)
		err = decisions(a);
	if (!err)
		err = ports(a);
	if (!err)
		err = ebn_name_foreach(p->rows, EBN_NAME_IDENTITY, identity, a);
	if (!err)
		err = classes(a);
	if (!err)
		err = ebn_outside_adopt(p);
	if (!err)
		err = ebn_inside_adopt(p, a->diag);
	return err ? err : rules(a);
}

int ebn_policy_adopt(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebn_rows *rows, struct ebpfnet_diag *diag,
		     struct ebn_policy **ret)
{
	struct adopt a = { .diag = diag };
	int err;

	err = ebn_policy_init(ctx, nt, rows, &a.p);
	if (err < 0)
		return err;
	err = adopt(&a);
	ebn_index_done(&a.chunks);
	if (err < 0) {
		ebn_policy_free(a.p);
		return err;
	}
	*ret = a.p;
	return 0;
}
