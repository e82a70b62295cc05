// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/plan.h"

#include <stdio.h>

static void stored_put(struct ebn_policy *p, struct ebn_stored *s)
{
	ebn_chunk_put(&p->store, s->rowmap);
	ebn_chunk_put(&p->store, s->colmap);
	ebn_chunk_put(&p->store, s->matrix);
	*s = (struct ebn_stored){ 0 };
}

/* What only a plan needs. */
static void table_forget_plan(struct ebn_policy *p, struct ebn_table *t)
{
	stored_put(p, &t->next);
	ebn_image_free(p, t->image);
	t->image = NULL;
	free(t->row_values);
	free(t->col_values);
	t->row_values = t->col_values = NULL;
}

void ebn_table_unref(struct ebn_policy *p, struct ebn_table *t)
{
	if (!t || --t->refs)
		return;
	if (t->slot != EBN_SLOT_NONE) {
		struct ebn_table *last = p->table[--p->n_tables];

		if (t->known)
			ebn_index_remove(&p->table_by_key, t->hash, t->slot);
		if (last != t) {
			if (last->known) {
				ebn_index_remove(&p->table_by_key, last->hash, last->slot);
				ebn_index_add(&p->table_by_key, last->hash, t->slot);
			}
			last->slot = t->slot;
			p->table[t->slot] = last;
		}
	}
	table_forget_plan(p, t);
	stored_put(p, &t->now);
	ebn_decisions_drop(p, t->dec, t->n_dec);
	for (uint32_t i = 0; i < t->n_inst; i++)
		ebn_inst_unref(p, t->inst[i]);
	free(t->inst);
	free(t->cond);
	free(t);
}

void ebn_plan_begin(struct ebn_policy *p, struct ebpfnet_diag *diag, struct ebn_plan *pl)
{
	*pl = (struct ebn_plan){ .p = p, .diag = diag, .number = ++p->plans, .last_rule = p->last_rule };
	p->store.short_by = 0;
}

void ebn_plan_world(const struct ebn_plan *pl, struct ebn_world *w)
{
	struct ebn_policy *p = pl->p;

	w->classes = pl->new_classes ? &pl->classes : &p->classes;
	w->classes_end = p->class_ids.end;
	w->iv = pl->new_ports ? pl->iv : p->iv;
	w->n_iv = pl->new_ports ? pl->n_iv : p->n_iv;
	w->ports_end = p->port_ids.end;
}

/* ---- policies ---- */

static struct ebn_inst *inst_by_name(const struct ebn_index *ix, struct ebn_inst *const *inst, uint64_t hash,
				     const char *name)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(ix, hash, cursor, i)
		if (!strcmp(inst[i]->book->name, name))
			return inst[i];
	return NULL;
}

uint32_t ebn_orphan_number(struct ebn_policy *p, const char *name, uint32_t rule, const char *log)
{
	char text[EBN_POLICY_NAME_MAX + 16];
	uint32_t cursor, i = 0;

	if (!p->n_orphans)
		return 0;
	snprintf(text, sizeof(text), "%s#%u", name, rule + 1);
	ebn_index_for_each(&p->orphan_by_name, ebn_text_hash(text), cursor, i)
		if (!strcmp(p->orphan[i], text) &&
		    ebn_text_same(ebn_name_get(p->rows, EBN_NAME_RULE_LOG, p->orphan_number[i]), log))
			return p->orphan_number[i];
	return 0;
}

static int plan_groups(struct ebn_plan *pl, const struct ebpfnet_policy_set *set)
{
	pl->groups = ebn_calloc(set->n_groups, sizeof(struct ebn_group *));
	if (!pl->groups)
		return -ENOMEM;
	for (; pl->n_groups < set->n_groups; pl->n_groups++)
		pl->groups[pl->n_groups] = ebn_group_ref(set->groups[pl->n_groups]);
	return 0;
}

static int plan_policy(struct ebn_plan *pl, const struct ebpfnet_policy_set *set, struct ebn_rulebook *b)
{
	struct ebn_policy *p = pl->p;
	struct ebn_inst *was = inst_by_name(&p->inst_by_name, p->inst, ebn_text_hash(b->name), b->name), *in = NULL;
	uint64_t sum = 0;
	int err = ebn_inst_sum(pl, set, b, &sum);

	if (err < 0)
		return err;
	if (was && was->sum == sum && ebn_rulebook_equal(was->book, b)) {
		was->refs++;
		in = was;
	} else {
		err = ebn_inst_make(pl, set, b, sum, was, &in);
		if (err < 0)
			return err;
	}
	pl->inst[pl->n_inst] = in;
	ebn_index_add(&pl->inst_by_name, in->hash, (uint32_t)pl->n_inst++);
	for (size_t k = 0; k < in->n_col; k++)
		in->col[k]->plan = pl->number;
	return 0;
}

static int plan_policies(struct ebn_plan *pl, const struct ebpfnet_policy_set *set)
{
	int err;

	pl->new_rules = true;
	pl->n_rules = (uint32_t)set->n_rules;
	pl->inst = ebn_calloc(set->n, sizeof(struct ebn_inst *));
	if (!pl->inst || ebn_index_reserve(&pl->inst_by_name, (uint32_t)set->n) < 0)
		return -ENOMEM;
	err = plan_groups(pl, set);
	for (size_t i = 0; !err && i < set->n; i++)
		err = plan_policy(pl, set, set->books[i]);
	return err;
}

/* ---- tables ---- */

/* What a table is made from. */
struct recipe {
	struct ebn_inst **inst;
	uint32_t n;
	const struct ebn_entry **cond;
	uint32_t n_cond;
	uint8_t dir;
	uint64_t hash;
};

static int recipe_conds(struct recipe *rc, uint32_t subject)
{
	size_t cap = 0;

	for (uint32_t i = 0; i < rc->n; i++) {
		for (uint32_t k = 0; k < rc->inst[i]->n_entries; k++) {
			const struct ebn_entry *e = &rc->inst[i]->entry[k];

			if (!e->cond || e->rule->direction != rc->dir || !ebn_bit(e->cond->bits, subject))
				continue;
			if (ebn_grow(&rc->cond, &cap, rc->n_cond + 1, sizeof(*rc->cond)) < 0)
				return -ENOMEM;
			rc->cond[rc->n_cond++] = e;
			rc->hash = ebn_mix64(rc->hash ^ k) + 1;
		}
	}
	return 0;
}

static struct ebn_table *table_find(const struct ebn_index *ix, struct ebn_table *const *table,
				    const struct recipe *rc)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(ix, rc->hash, cursor, i)
		if (table[i]->known && table[i]->dir == rc->dir && table[i]->n_inst == rc->n &&
		    table[i]->n_cond == rc->n_cond &&
		    (!rc->n || !memcmp(table[i]->inst, rc->inst, rc->n * sizeof(struct ebn_inst *))) &&
		    (!rc->n_cond || !memcmp(table[i]->cond, rc->cond, rc->n_cond * sizeof(*rc->cond))))
			return table[i];
	return NULL;
}

int ebn_plan_add_table(struct ebn_plan *pl, struct ebn_table *t)
{
	if (ebn_grow(&pl->table, &pl->tables_cap, pl->n_tables + 1, sizeof(struct ebn_table *)) < 0 ||
	    ebn_index_add(&pl->table_by_key, t->hash, (uint32_t)pl->n_tables) < 0)
		return -ENOMEM;
	pl->table[pl->n_tables++] = t;
	t->refs++;
	return 0;
}

static int table_make(struct ebn_plan *pl, struct recipe *rc, struct ebn_table **ret)
{
	struct ebn_table *t = ebn_calloc(1, sizeof(*t));
	struct ebn_world w;
	int err;

	if (!t)
		return -ENOMEM;
	t->refs = 1;
	t->slot = EBN_SLOT_NONE;
	t->hash = rc->hash;
	t->dir = rc->dir;
	t->known = true;
	t->inst = EBN_TAKE_PTR(rc->inst);
	t->cond = EBN_TAKE_PTR(rc->cond);
	t->n_cond = rc->n_cond;
	for (; t->n_inst < rc->n; t->n_inst++)
		t->inst[t->n_inst]->refs++;
	ebn_plan_world(pl, &w);
	err = ebn_compile(pl->p, &w, t, &t->image);
	if (!err)
		err = ebn_plan_add_table(pl, t);
	*ret = t;
	ebn_table_unref(pl->p, t);
	return err;
}

static int table_get(struct ebn_plan *pl, struct recipe *rc, struct ebn_table **ret)
{
	*ret = table_find(&pl->table_by_key, pl->table, rc);
	if (*ret)
		return 0;
	if (!pl->new_rows)
		*ret = table_find(&pl->p->table_by_key, pl->p->table, rc);
	return *ret ? ebn_plan_add_table(pl, *ret) : table_make(pl, rc, ret);
}

int ebn_plan_table(struct ebn_plan *pl, struct ebn_inst *const *inst, uint32_t n, uint32_t subject, uint8_t dir,
		   struct ebn_table **ret)
{
	struct recipe rc = { .dir = dir, .hash = 0x7461626c65ULL + dir };
	int err;

	rc.inst = ebn_calloc(n, sizeof(struct ebn_inst *));
	err = rc.inst ? 0 : -ENOMEM;
	for (uint32_t i = 0; !err && i < n; i++) {
		if (!inst[i]->speaks[dir])
			continue;
		rc.inst[rc.n++] = inst[i];
		rc.hash = ebn_mix64(rc.hash ^ inst[i]->version);
	}
	if (!err)
		err = recipe_conds(&rc, subject);
	if (!err)
		err = table_get(pl, &rc, ret);
	free(rc.inst);
	free(rc.cond);
	return err;
}

/* ---- comparing ---- */

/* A table as it will be read: by class in force when it is stored, by planned class when it was just compiled. */
struct reading {
	const uint16_t *rowmap, *colmap, *matrix;
	uint32_t n_peer, n_port, ncols;
	bool planned;
};

static void reading_of(struct ebn_policy *p, const struct ebn_table *t, struct reading *r)
{
	const struct ebn_image *img = t->image;

	if (img && img->rowmap) {
		*r = (struct reading){ img->rowmap, img->colmap, img->matrix, img->n_peer, img->n_port, img->ncols,
				       true };
		return;
	}
	r->rowmap = ebn_node_ptr(p->nt, t->now.rowmap->off, t->now.rowmap->len);
	r->colmap = ebn_node_ptr(p->nt, t->now.colmap->off, t->now.colmap->len);
	r->matrix = ebn_node_ptr(p->nt, t->now.matrix->off, t->now.matrix->len);
	r->n_peer = t->now.rowmap->len / 2;
	r->n_port = t->now.colmap->len / 2;
	r->ncols = t->now.ncols;
	r->planned = false;
}

static uint32_t row_of(const struct reading *r, const struct ebn_pair *pair)
{
	uint32_t c = r->planned ? pair->now : pair->was;

	return r->rowmap[c < r->n_peer ? c : 0];
}

static uint32_t col_of(const struct reading *r, const struct ebn_pair *pair)
{
	uint32_t c = r->planned ? pair->now : pair->was;

	return r->colmap[c < r->n_port ? c : 0];
}

static bool rows_same(const struct ebn_plan *pl, const struct reading *a, const struct reading *b, uint32_t ra,
		      uint32_t rb)
{
	for (size_t i = 0; i < pl->n_port_moved; i++) {
		const struct ebn_pair *pair = &pl->port_moved[i];

		/* one decision has one number, so that equal numbers are equal decisions */
		if (a->matrix[(size_t)ra * a->ncols + col_of(a, pair)] !=
		    b->matrix[(size_t)rb * b->ncols + col_of(b, pair)])
			return false;
	}
	return true;
}

/* 1: both say the same of every identity and port; 0: they do not. */
static int tables_same(const struct ebn_plan *pl, const struct ebn_table *ta, const struct ebn_table *tb)
{
	struct ebn_index seen = { 0 };
	struct reading a, b;
	int same = 1;

	reading_of(pl->p, ta, &a);
	reading_of(pl->p, tb, &b);
	for (size_t i = 0; same == 1 && i < pl->n_moved; i++) {
		uint32_t ra = row_of(&a, &pl->moved[i]), rb = row_of(&b, &pl->moved[i]), cursor, v = 0;
		uint64_t key = (uint64_t)ra << 32 | rb;
		bool known = false;

		ebn_index_for_each(&seen, key, cursor, v)
			known = true;
		if (known)
			continue;
		same = rows_same(pl, &a, &b, ra, rb);
		if (same && ebn_index_add(&seen, key, 0) < 0)
			same = -ENOMEM;
	}
	ebn_index_done(&seen);
	return same;
}

/* A new table that says what a stored one says is stored where that one is. */
static int adopt_stored(struct ebn_policy *p, struct ebn_table *t, const struct ebn_table *was)
{
	uint32_t *dec = ebn_calloc(was->n_dec, sizeof(*dec));

	if (!dec)
		return -ENOMEM;
	for (uint32_t i = 0; i < was->n_dec; i++) {
		dec[i] = was->dec[i];
		p->dec[dec[i]].refs++;
	}
	t->dec = dec;
	t->n_dec = was->n_dec;
	t->dec_cap = was->n_dec;
	t->now = was->now;
	t->now.rowmap->refs++;
	t->now.colmap->refs++;
	t->now.matrix->refs++;
	ebn_image_free(p, t->image);
	t->image = NULL;
	return 0;
}

static int plan_subject(struct ebn_plan *pl, uint32_t subject, struct ebn_inst *const *inst, uint32_t n)
{
	struct ebn_policy *p = pl->p;
	int err = 0;

	for (uint8_t dir = 0; !err && dir < EBN_DIRECTIONS; dir++) {
		struct ebn_table *t = NULL, *was = p->subject[subject].table[dir];

		err = ebn_plan_table(pl, inst, n, subject, dir, &t);
		if (err < 0)
			break;
		pl->want[subject][dir] = t;
		if (t == was)
			continue;
		err = was ? tables_same(pl, was, t) : 0;
		if (err < 0)
			break;
		if (!err)
			pl->raise[subject] = 1;
		err = err && t->image ? adopt_stored(p, t, was) : 0;
	}
	return err;
}

/* ---- all subjects ---- */

/* Policies of each subject: list from[s] up to from[s + 1]. */
struct selected {
	struct ebn_inst **list;
	size_t *from;
};

static int select_policies(struct ebn_plan *pl, struct selected *sel)
{
	struct ebn_policy *p = pl->p;
	size_t words = (p->selectors.n_items + 63) / 64, sum = 0, n;

	sel->from = ebn_calloc(pl->subjects_end + 2, sizeof(*sel->from));
	if (!sel->from)
		return -ENOMEM;
	/* count into the cell behind the next, sum up, then fill: each start moves up to where its list begins */
	for (size_t i = 0; i < pl->n_inst; i++)
		for (size_t w = 0; w < words; w++)
			for (uint64_t b = pl->inst[i]->subject->bits[w]; b; b &= b - 1)
				sel->from[w * 64 + (size_t)__builtin_ctzll(b) + 2]++;
	for (size_t s = 0; s < pl->subjects_end + 2; s++) {
		n = sel->from[s];
		sel->from[s] = sum += n;
	}
	sel->list = ebn_calloc(sum, sizeof(struct ebn_inst *));
	if (!sel->list)
		return -ENOMEM;
	for (size_t i = 0; i < pl->n_inst; i++)
		for (size_t w = 0; w < words; w++)
			for (uint64_t b = pl->inst[i]->subject->bits[w]; b; b &= b - 1)
				sel->list[sel->from[w * 64 + (size_t)__builtin_ctzll(b) + 1]++] = pl->inst[i];
	return 0;
}

/* Where classes stay as they are, each goes its own way. */
static int stay_pairs(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	_free_ uint8_t *seen = NULL;

	if (!pl->new_classes) {
		if (ebn_grow(&pl->moved, &pl->moved_cap, p->class_ids.end, sizeof(*pl->moved)) < 0)
			return -ENOMEM;
		pl->moved[pl->n_moved++] = (struct ebn_pair){ 0, 0 };
		for (uint32_t i = 1; i < p->class_ids.end && i < p->classes.cls_cap; i++)
			if (p->classes.cls[i].n)
				pl->moved[pl->n_moved++] = (struct ebn_pair){ i, i };
	}
	if (!pl->new_ports) {
		seen = ebn_calloc(p->port_ids.end, 1);
		if (!seen ||
		    ebn_grow(&pl->port_moved, &pl->port_moved_cap, p->port_ids.end, sizeof(*pl->port_moved)) < 0)
			return -ENOMEM;
		for (size_t i = 0; i < p->n_iv; i++) {
			if (!seen[p->iv[i].cls])
				pl->port_moved[pl->n_port_moved++] = (struct ebn_pair){ p->iv[i].cls, p->iv[i].cls };
			seen[p->iv[i].cls] = 1;
		}
	}
	return 0;
}

static int plan_subjects(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct selected sel = { 0 };
	int err;

	pl->subjects_end = p->subject_ids.end;
	pl->want = ebn_calloc(pl->subjects_end, sizeof(*pl->want));
	pl->raise = ebn_calloc(pl->subjects_end, 1);
	err = pl->want && pl->raise ? ebn_columns_fill(&p->selectors) : -ENOMEM;
	if (!err)
		err = stay_pairs(pl);
	if (!err)
		err = select_policies(pl, &sel);
	for (uint32_t s = 0; !err && s < pl->subjects_end; s++)
		if (p->subject[s].labels)
			err = plan_subject(pl, s, sel.list + sel.from[s], (uint32_t)(sel.from[s + 1] - sel.from[s]));
	free(sel.list);
	free(sel.from);
	return err;
}

int ebn_plan_set(struct ebn_plan *pl, const struct ebpfnet_policy_set *set)
{
	int err;

	err = plan_policies(pl, set);
	if (!err)
		err = ebn_plan_classes(pl);
	if (!err)
		err = ebn_plan_ports(pl);
	if (!err)
		err = plan_subjects(pl);
	if (err == -E2BIG)
		ebn_diag(pl->diag, NULL, E2BIG, "a table has more rows, columns or decisions than 16 bits can say");
	return err;
}

int ebn_plan_again(struct ebn_policy *p)
{
	struct ebpfnet_policy_set set = { .n = p->n_inst, .n_rules = p->n_rules, .groups = p->groups,
					  .n_groups = p->n_groups };
	struct ebn_plan pl;
	int err;

	ebn_plan_begin(p, NULL, &pl);
	set.books = ebn_calloc(p->n_inst, sizeof(struct ebn_rulebook *));
	err = set.books ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < p->n_inst; i++)
		set.books[i] = p->inst[i]->book;
	if (!err)
		err = ebn_plan_set(&pl, &set);
	if (!err)
		err = ebn_plan_stage(&pl);
	if (!err)
		err = ebn_plan_publish(&pl);
	ebn_plan_drop(&pl);
	free(set.books);
	return err == -E2BIG ? -ENOSPC : err;
}

void ebn_plan_drop(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;

	for (size_t i = 0; i < pl->n_tables; i++) {
		table_forget_plan(p, pl->table[i]);
		ebn_table_unref(p, pl->table[i]);
	}
	for (size_t i = 0; i < pl->n_inst; i++)
		ebn_inst_unref(p, pl->inst[i]);
	if (!pl->published) {
		for (size_t i = 0; i < pl->n_fresh; i++)
			ebn_numbers_unget(&p->class_ids, pl->fresh[i].now);
		for (size_t i = 0; i < pl->n_port_fresh; i++)
			ebn_numbers_unget(&p->port_ids, pl->port_fresh[i].now);
		for (size_t i = 0; i < EBN_P_MAX; i++)
			ebn_node_release(p->nt, pl->slot[i].off);
		for (size_t i = 0; pl->page && i < EBN_IDDIR_CELLS; i++)
			ebn_node_release(p->nt, pl->page[i]);
		for (uint32_t i = pl->names_from; i < pl->names_to; i++)
			ebn_rule_forget(p, i);
	}
	ebn_classes_done(&pl->classes);
	ebn_index_done(&pl->inst_by_name);
	ebn_index_done(&pl->table_by_key);
	free(pl->inst);
	free(pl->iv);
	free(pl->fresh);
	free(pl->moved);
	free(pl->port_fresh);
	free(pl->port_moved);
	free(pl->port_gone);
	free(pl->table);
	free(pl->want);
	free(pl->raise);
	free(pl->page);
	ebn_port_names_done(&pl->port_names);
	for (size_t i = 0; i < pl->n_groups; i++)
		ebn_group_unref(pl->groups[i]);
	free(pl->groups);
}
