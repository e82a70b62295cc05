// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Identities and subjects that come and go between commits. What is known costs a look-up or a store, never a compile. */
#include "policy/engine.h"

/* ---- identities ---- */

/* A slot for an identity, with room in all that goes by slot. */
int ebn_slot_take(struct ebn_policy *p, uint32_t *ret)
{
	uint32_t slot = p->n_spare_slots ? p->spare_slot[p->n_spare_slots - 1] : (uint32_t)p->n_slots;
	size_t cap = p->classes.slots, n;

	if (ebn_columns_reserve(&p->peers, (size_t)slot + 1) < 0)
		return -ENOMEM;
	/* the arrays here first: when the last of them is not to be had, classes.slots still says what all have */
	if (slot >= cap) {
		n = cap;
		if (ebn_grow(&p->slot_number, &n, p->peers.items_cap, sizeof(*p->slot_number)) < 0)
			return -ENOMEM;
		n = cap;
		if (ebn_grow(&p->spare_slot, &n, p->peers.items_cap, sizeof(*p->spare_slot)) < 0 ||
		    ebn_classes_reserve(&p->classes, p->peers.items_cap) < 0)
			return -ENOMEM;
	}
	if (p->n_spare_slots)
		p->n_spare_slots--;
	else
		p->n_slots++;
	*ret = slot;
	return 0;
}

static void slot_give(struct ebn_policy *p, uint32_t slot)
{
	p->spare_slot[p->n_spare_slots++] = slot;
}

static int find_row(struct ebn_policy *p, const struct ebn_table *t, const uint16_t *cells, uint16_t *ret)
{
	const uint16_t *matrix = ebn_node_ptr(p->nt, t->now.matrix->off, t->now.matrix->len);

	for (uint32_t r = 0; r < t->now.nrows; r++) {
		if (!memcmp(matrix + (size_t)r * t->now.ncols, cells, t->now.ncols * sizeof(*cells))) {
			*ret = (uint16_t)r;
			return 0;
		}
	}
	return -ENOENT;
}

/* The matrix with one more row. */
static int longer_matrix(struct ebn_policy *p, const struct ebn_table *t, const uint16_t *cells, struct ebn_image *img)
{
	size_t n = (size_t)t->now.nrows * t->now.ncols;

	if (t->now.nrows >= EBN_ROWS_MAX)
		return -ENOSPC;
	img->matrix = ebn_calloc(n + t->now.ncols, sizeof(*img->matrix));
	if (!img->matrix)
		return -ENOMEM;
	memcpy(img->matrix, ebn_node_ptr(p->nt, t->now.matrix->off, t->now.matrix->len), n * sizeof(*cells));
	memcpy(img->matrix + n, cells, t->now.ncols * sizeof(*cells));
	img->nrows = t->now.nrows + 1;
	img->ncols = t->now.ncols;
	return 0;
}

/* The row of a class that comes new, in one table: one there is, or one more, or all anew when the columns do not do. */
static int new_row(struct ebn_plan *pl, const struct ebn_world *w, struct ebn_table *t)
{
	struct ebn_policy *p = pl->p;
	_free_ uint16_t *cells = ebn_calloc(t->now.ncols, sizeof(*cells));
	struct ebn_image *img = ebn_calloc(1, sizeof(*img));
	int err = cells && img ? 0 : -ENOMEM;

	t->row_values = ebn_calloc(1, sizeof(*t->row_values));
	if (!t->row_values)
		err = -ENOMEM;
	if (!err)
		err = ebn_compile_row(p, w, t, p->peers.visits, img, cells);
	if (err == 1)
		err = ebn_compile(p, w, t, &t->image);
	else if (!err && find_row(p, t, cells, &t->row_values[0]) < 0) {
		t->row_values[0] = (uint16_t)t->now.nrows;
		err = longer_matrix(p, t, cells, img);
		if (!err)
			t->image = EBN_TAKE_PTR(img);
	}
	ebn_image_free(p, img);
	return err;
}

/*
 * Makes a class of the identity looked at last, in this slot: its rows in every table first; then, and not here, its cell is
 * stored, which sends it there.
 */
static int new_class(struct ebn_policy *p, uint32_t slot, const uint64_t sig[2], uint32_t *ret)
{
	struct ebn_world w;
	struct ebn_plan pl;
	uint32_t cls = 0;
	int err;

	ebn_plan_begin(p, NULL, &pl);
	err = ebn_grow(&pl.fresh, &pl.fresh_cap, 1, sizeof(*pl.fresh));
	if (!err)
		err = ebn_numbers_get(&p->class_ids, &cls);
	if (!err) {
		pl.fresh[pl.n_fresh++] = (struct ebn_pair){ EBN_CLASS_UNKNOWN, cls };
		ebn_plan_world(&pl, &w);
		err = ebn_classes_make(&p->classes, cls, sig);
	}
	if (err < 0)
		goto out;
	ebn_classes_join(&p->classes, slot, cls, sig);
	for (size_t i = 0; !err && i < p->n_tables; i++) {
		err = ebn_plan_add_table(&pl, p->table[i]);
		if (!err)
			err = new_row(&pl, &w, p->table[i]);
	}
	if (!err)
		err = ebn_plan_stage(&pl);
	if (!err)
		err = ebn_plan_publish(&pl);
	if (err < 0)
		ebn_classes_leave(&p->classes, slot);
	else
		*ret = cls;
out:
	ebn_plan_drop(&pl);
	return err == -E2BIG ? -ENOSPC : err;
}

/* Class number cls has lost its last identity, or never had one. */
static void class_gone(struct ebn_policy *p, uint32_t cls)
{
	ebn_numbers_retire(&p->class_ids, cls);
}

static void sign(const struct ebn_policy *p, uint64_t sig[2])
{
	sig[0] = sig[1] = 0;
	for (size_t i = 0; i < p->peers.n_hits; i++) {
		if (!p->peers.hit[i]->counted)
			continue;
		sig[0] += p->peers.hit[i]->key[0];
		sig[1] += p->peers.hit[i]->key[1];
	}
}

static int announce(struct ebn_policy *p, const struct ebn_identity *id, uint32_t cls)
{
	int err;

	/* before anybody can meet the number: the one to tell */
	if (id->base) {
		err = ebn_class_set(p->rows, id->number + 1, id->base->number);
		if (err < 0)
			return err;
	}
	if (!ebn_identity_reserved(id->number)) {
		err = ebn_name_set(p->rows, EBN_NAME_IDENTITY, id->number, ebpfnet_labels_format(id->labels));
		if (err < 0)
			return err;
	}
	err = cls == EBN_CLASS_UNKNOWN ? 0 : ebn_class_set(p->rows, id->number, cls);
	if (err < 0)
		ebn_name_set(p->rows, EBN_NAME_IDENTITY, id->number, NULL);
	return err;
}

/* Is that the class of the signature? */
static bool fits(const struct ebn_classes *cl, uint32_t cls, const uint64_t sig[2])
{
	if (cls == EBN_CLASS_UNKNOWN)
		return !sig[0] && !sig[1];
	return cl->cls[cls].sig[0] == sig[0] && cl->cls[cls].sig[1] == sig[1];
}

/* A slot's identity is out of its class; the class may go with it. */
static void class_leave(struct ebn_policy *p, uint32_t slot)
{
	uint32_t cls = p->classes.class_of[slot];

	if (ebn_classes_leave(&p->classes, slot))
		class_gone(p, cls);
}

/*
 * What packets see of an identity that has its class. When it gives a new number to a port's name, it moves to a class that
 * knows the number before it can be met.
 */
static int enter_tables(struct ebn_policy *p, const struct ebn_identity *id)
{
	int err = ebn_port_names_miss(p, id->labels, EBPFNET_EGRESS) ? ebn_plan_again(p) : 0;

	return err ? err : announce(p, id, p->classes.class_of[id->tag]);
}

int ebn_identity_enter_as(struct ebn_policy *p, struct ebn_identity *id, const struct ebn_identity *like, bool silent)
{
	uint32_t slot, cls = EBN_CLASS_UNKNOWN;
	uint64_t sig[2];
	int err;

	err = ebn_slot_take(p, &slot);
	if (err < 0)
		return err;
	err = ebn_columns_add(&p->peers, slot, id->labels);
	if (err < 0) {
		slot_give(p, slot);
		return err;
	}
	sign(p, sig);
	if (like) {
		cls = ebn_class_of(p, like);
		p->misfits |= !fits(&p->classes, cls, sig);
		ebn_classes_join(&p->classes, slot, cls, sig);
	} else if (ebn_classes_find(&p->classes, sig, &cls)) {
		ebn_classes_join(&p->classes, slot, cls, sig);
	} else {
		err = new_class(p, slot, sig, &cls);
	}
	if (!err) {
		id->tag = slot;
		p->slot_number[slot] = id->number;
		err = silent ? 0 : enter_tables(p, id);
		if (err < 0)
			class_leave(p, slot);
	}
	if (err < 0) {
		ebn_columns_remove(&p->peers, slot);
		slot_give(p, slot);
	}
	return err;
}

int ebn_identity_enter(struct ebn_policy *p, struct ebn_identity *id)
{
	return ebn_identity_enter_as(p, id, NULL, false);
}

struct ebn_identity *ebn_identity_find(const struct ebn_policy *p, uint32_t number)
{
	return ebn_identities_get(p->ids, number);
}

struct ebn_identity *ebn_identity_next(const struct ebn_policy *p, uint32_t number)
{
	return ebn_identities_next(p->ids, number);
}

int ebn_policy_identity_get(struct ebn_policy *p, const struct ebpfnet_labels *labels, uint32_t *ret_identity)
{
	struct ebn_identity *id = NULL;
	int err;

	if (!labels || !ret_identity)
		return -EINVAL;
	err = ebn_identities_acquire(p->ids, labels, &id);
	if (err < 0)
		return err;
	if (err) {
		err = ebn_identity_enter(p, id);
		if (err < 0) {
			ebn_identities_remove(p->ids, id, true);
			return err;
		}
	}
	*ret_identity = id->number;
	return 0;
}

int ebn_policy_identity_ref(struct ebn_policy *p, uint32_t identity)
{
	struct ebn_identity *id = ebn_identity_find(p, identity);

	if (!id)
		return -ENOENT;
	id->refs++;
	return 0;
}

void ebn_identity_leave_as(struct ebn_policy *p, struct ebn_identity *id, bool silent)
{
	uint32_t slot = id->tag, cls = p->classes.class_of[slot];
	struct ebn_identity *base = id->base;

	/* the page is there when the class is not the unknown one, so this is a store */
	if (cls != EBN_CLASS_UNKNOWN && !silent)
		ebn_class_set(p->rows, id->number, EBN_CLASS_UNKNOWN);
	if (!silent)
		ebn_name_set(p->rows, EBN_NAME_IDENTITY, id->number, NULL);
	class_leave(p, slot);
	ebn_columns_remove(&p->peers, slot);
	slot_give(p, slot);
	ebn_identities_remove(p->ids, id, silent);
	ebn_identity_drop(p, base);
}

void ebn_identity_drop(struct ebn_policy *p, struct ebn_identity *id)
{
	if (id && ebn_identities_release(id))
		ebn_identity_leave(p, id);
}

void ebn_identity_leave(struct ebn_policy *p, struct ebn_identity *id)
{
	ebn_identity_leave_as(p, id, false);
}

void ebn_policy_identity_put(struct ebn_policy *p, uint32_t identity)
{
	ebn_identity_drop(p, ebn_identity_find(p, identity));
}

const struct ebpfnet_labels *ebn_policy_identity_labels(struct ebn_policy *p, uint32_t identity)
{
	struct ebn_identity *id = ebn_identity_find(p, identity);

	return id ? id->labels : NULL;
}

int ebn_policy_identity_foreach(struct ebn_policy *p, ebpfnet_identity_fn fn, void *userdata)
{
	struct ebn_identity *id;
	int rc;

	for (uint32_t next = 0; (id = ebn_identity_next(p, next)); ) {
		next = id->number + 1;
		rc = fn(id->number, ebpfnet_labels_format(id->labels), id->refs, userdata);
		if (rc)
			return rc < 0 ? rc : 1;
	}
	return 0;
}

/* ---- subjects ---- */

static uint32_t subject_find(const struct ebn_policy *p, const struct ebpfnet_labels *labels)
{
	uint32_t cursor, s = 0;

	ebn_index_for_each(&p->subject_by_labels, ebpfnet_labels_hash(labels), cursor, s)
		if (ebpfnet_labels_equal(p->subject[s].labels, labels))
			return s;
	return EBN_SUBJECT_NONE;
}

static struct ebn_subject_row *row_at(struct ebn_policy *p, uint32_t subject)
{
	struct ebn_slot s = ebn_node_slot(p->nt, EBN_P_SUBJECT);

	return subject < s.n ? ebn_node_ptr(p->nt, s.off + subject * (uint32_t)sizeof(struct ebn_subject_row),
					    sizeof(struct ebn_subject_row)) : NULL;
}

static void refs_changed(struct ebn_policy *p, uint32_t subject)
{
	struct ebn_subject_row *row = row_at(p, subject);

	/* for people who look at the tables; no program reads it */
	if (row)
		EBN_WRITE(row->refs, p->subject[subject].refs);
}

static int subject_tables(struct ebn_plan *pl, uint32_t s)
{
	struct ebn_policy *p = pl->p;
	_free_ struct ebn_inst **inst = ebn_calloc(p->n_inst, sizeof(struct ebn_inst *));
	uint32_t n = 0;
	int err = inst ? 0 : -ENOMEM;

	for (size_t i = 0; inst && i < p->n_inst; i++)
		if (ebn_bit(p->inst[i]->subject->bits, s))
			inst[n++] = p->inst[i];
	for (uint8_t dir = 0; !err && p->committed && dir < EBN_DIRECTIONS; dir++)
		err = ebn_plan_table(pl, inst, n, s, dir, &pl->new_table[dir]);
	return err;
}

static int subject_install(struct ebn_policy *p, uint32_t s)
{
	struct ebn_plan pl;
	int err;

	ebn_plan_begin(p, NULL, &pl);
	pl.new_subject = s;
	err = subject_tables(&pl, s);
	if (!err)
		err = ebn_plan_stage(&pl);
	if (!err)
		err = ebn_plan_publish(&pl);
	ebn_plan_drop(&pl);
	return err == -E2BIG ? -ENOSPC : err;
}

static int subject_make(struct ebn_policy *p, const struct ebpfnet_labels *labels, uint32_t *ret)
{
	struct ebn_subject *sub;
	uint32_t s = 0;
	int err;

	if (ebn_index_reserve(&p->subject_by_labels, 1) < 0)
		return -ENOMEM;
	err = ebn_numbers_get(&p->subject_ids, &s);
	if (err < 0)
		return err;
	sub = &p->subject[s];
	err = ebn_columns_reserve(&p->selectors, (size_t)s + 1);
	if (!err)
		err = ebn_name_set(p->rows, EBN_NAME_SUBJECT, s, ebpfnet_labels_format(labels));
	if (err < 0) {
		ebn_numbers_unget(&p->subject_ids, s);
		return err;
	}
	sub->labels = ebpfnet_labels_ref((struct ebpfnet_labels *)labels);
	sub->refs = 1;
	err = ebn_columns_add(&p->selectors, s, labels);
	if (!err)
		err = ebn_port_names_miss(p, labels, EBPFNET_INGRESS) ? ebn_plan_again(p) : subject_install(p, s);
	if (err < 0) {
		ebn_columns_remove(&p->selectors, s);
		ebn_name_set(p->rows, EBN_NAME_SUBJECT, s, NULL);
		ebpfnet_labels_unref(sub->labels);
		*sub = (struct ebn_subject){ 0 };
		ebn_numbers_unget(&p->subject_ids, s);
		return err;
	}
	ebn_index_add(&p->subject_by_labels, ebpfnet_labels_hash(labels), s);
	*ret = s;
	return 0;
}

int ebn_policy_subject_get(struct ebn_policy *p, const struct ebpfnet_labels *labels, uint32_t *ret_subject)
{
	struct ebpfnet_labels *none = NULL;
	uint32_t s;
	int err = 0;

	if (!ret_subject)
		return -EINVAL;
	if (!labels) {
		err = ebpfnet_labels_parse("", NULL, NULL, &none);
		if (err < 0)
			return err;
		labels = none;
	}
	s = subject_find(p, labels);
	if (s != EBN_SUBJECT_NONE) {
		p->subject[s].refs++;
		refs_changed(p, s);
	} else {
		err = subject_make(p, labels, &s);
	}
	ebpfnet_labels_unref(none);
	if (!err)
		*ret_subject = s;
	return err;
}

static void row_clear(void *arg, uint64_t subject)
{
	struct ebn_policy *p = arg;
	struct ebn_subject_row *row = row_at(p, (uint32_t)subject);

	if (row && !p->subject[subject].labels)
		memset(row, 0, sizeof(*row));
}

void ebn_subject_leave(struct ebn_policy *p, uint32_t s)
{
	struct ebn_subject *sub = &p->subject[s];
	struct ebn_subject_row *row = row_at(p, s);

	/* packets under way still read the row: it is cleared with the chunks, after a grace period */
	if (row)
		EBN_WRITE(row->flags, 0);
	ebn_node_defer(p->nt, row_clear, p, s);
	ebn_index_remove(&p->subject_by_labels, ebpfnet_labels_hash(sub->labels), s);
	ebn_columns_remove(&p->selectors, s);
	ebn_name_set(p->rows, EBN_NAME_SUBJECT, s, NULL);
	ebpfnet_labels_unref(sub->labels);
	for (int dir = 0; dir < EBN_DIRECTIONS; dir++)
		ebn_table_unref(p, sub->table[dir]);
	*sub = (struct ebn_subject){ 0 };
	ebn_numbers_retire(&p->subject_ids, s);
}

void ebn_policy_subject_put(struct ebn_policy *p, uint32_t subject)
{
	if (subject >= EBN_EPOCH_SUBJECTS || !p->subject[subject].labels || !p->subject[subject].refs)
		return;
	if (--p->subject[subject].refs)
		refs_changed(p, subject);
	else
		ebn_subject_leave(p, subject);
}
