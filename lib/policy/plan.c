// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/plan.h"

#include <stdio.h>

void ebn_inst_unref(struct ebn_policy *p, struct ebn_inst *in)
{
	if (!in || --in->refs)
		return;
	for (uint32_t i = 0; in->first && in->col && i < in->first[in->book->n_rules]; i++)
		ebn_columns_put(&p->peers, in->col[i]);
	ebn_columns_put(&p->selectors, in->subject);
	ebn_rulebook_unref(in->book);
	free(in->number);
	free(in->first);
	free(in->col);
	free(in);
}

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

/* A number that an adopted arena knows the rule by; 0: none. */
static uint32_t orphan_number(struct ebn_policy *p, const char *name, uint32_t rule)
{
	char text[EBN_POLICY_NAME_MAX + 16];
	uint32_t cursor, i = 0;

	if (!p->n_orphans)
		return 0;
	snprintf(text, sizeof(text), "%s#%u", name, rule + 1);
	ebn_index_for_each(&p->orphan_by_name, ebn_text_hash(text), cursor, i)
		if (!strcmp(p->orphan[i], text))
			return p->orphan_number[i];
	return 0;
}

static int inst_columns(struct ebn_plan *pl, struct ebn_inst *in)
{
	struct ebn_rulebook *b = in->book;
	size_t n = 0;

	for (uint32_t i = 0; i < b->n_rules; i++)
		n += b->rules[i].everybody ? 0 : b->rules[i].n_peers;
	if (n > UINT32_MAX)
		return -E2BIG;
	in->col = ebn_calloc(n, sizeof(*in->col));
	if (!in->col || ebn_columns_get(&pl->p->selectors, b->subject, &in->subject) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->n_rules; i++) {
		/* what follows counts only once it is there: unref goes by the last cell */
		for (uint32_t k = 0; !b->rules[i].everybody && k < b->rules[i].n_peers; k++) {
			struct ebn_column **c = &in->col[in->first[b->n_rules]];

			if (ebn_columns_get(&pl->p->peers, b->rules[i].peers[k].selector, c) < 0)
				return -ENOMEM;
			in->first[b->n_rules]++;
		}
		if (i + 1 < b->n_rules)
			in->first[i + 1] = in->first[b->n_rules];
	}
	return 0;
}

static int inst_make(struct ebn_plan *pl, struct ebn_rulebook *book, const struct ebn_inst *was, struct ebn_inst **ret)
{
	struct ebn_inst *in = ebn_calloc(1, sizeof(*in));
	int err = 0;

	if (!in)
		return -ENOMEM;
	in->refs = 1;
	in->version = ++pl->p->versions;
	in->hash = ebn_text_hash(book->name);
	in->book = ebn_rulebook_ref(book);
	in->number = ebn_calloc(book->n_rules, sizeof(*in->number));
	in->first = ebn_calloc((size_t)book->n_rules + 1, sizeof(*in->first));
	if (!in->number || !in->first)
		err = -ENOMEM;
	if (!err)
		err = inst_columns(pl, in);
	for (uint32_t i = 0; !err && i < book->n_rules; i++) {
		in->number[i] = was && i < was->book->n_rules ? was->number[i] : orphan_number(pl->p, book->name, i);
		if (!in->number[i])
			in->number[i] = ++pl->last_rule;
		in->speaks[book->rules[i].direction] = true;
	}
	in->speaks[0] |= book->default_deny[0];
	in->speaks[1] |= book->default_deny[1];
	if (err < 0) {
		ebn_inst_unref(pl->p, in);
		return err;
	}
	*ret = in;
	return 0;
}

/* What is in the model and cannot be compiled is refused. */
static int check_rule(const struct ebn_plan *pl, const struct ebn_rulebook *b, uint32_t rule)
{
	const struct ebn_rule *r = &b->rules[rule];
	const char *what = r->n_named ? "ports by name" : NULL;

	for (uint32_t i = 0; !r->everybody && i < r->n_peers; i++)
		if (r->peers[i].kind != EBPFNET_PEER_SELECTOR)
			what = r->peers[i].kind == EBPFNET_PEER_CIDR ? "prefixes" :
			       r->peers[i].kind == EBPFNET_PEER_FQDN ? "DNS names" : "groups of prefixes and services";
	return what ? ebn_diag(pl->diag, NULL, ENOTSUP, "%s#%u: this version does not compile %s", b->name, rule + 1,
			       what) : 0;
}

static int plan_policies(struct ebn_plan *pl, const struct ebpfnet_policy_set *set)
{
	struct ebn_policy *p = pl->p;
	int err = 0;

	for (size_t i = 0; i < set->n; i++)
		for (uint32_t k = 0; !err && k < set->books[i]->n_rules; k++)
			err = check_rule(pl, set->books[i], k);
	if (err < 0)
		return err;
	pl->new_rules = true;
	pl->n_rules = (uint32_t)set->n_rules;
	pl->inst = ebn_calloc(set->n, sizeof(struct ebn_inst *));
	if (!pl->inst || ebn_index_reserve(&pl->inst_by_name, (uint32_t)set->n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < set->n; i++) {
		struct ebn_rulebook *b = set->books[i];
		struct ebn_inst *was = inst_by_name(&p->inst_by_name, p->inst, ebn_text_hash(b->name), b->name);

		if (was && ebn_rulebook_equal(was->book, b)) {
			was->refs++;
			pl->inst[i] = was;
		} else {
			err = inst_make(pl, b, was, &pl->inst[i]);
			if (err < 0)
				return err;
		}
		pl->n_inst++;
		ebn_index_add(&pl->inst_by_name, pl->inst[i]->hash, (uint32_t)i);
		for (uint32_t k = 0; k < pl->inst[i]->first[b->n_rules]; k++)
			pl->inst[i]->col[k]->plan = pl->number;
	}
	return 0;
}

/* ---- tables ---- */

static uint64_t table_hash(struct ebn_inst *const *inst, uint32_t n, uint8_t dir)
{
	uint64_t h = 0x7461626c65ULL + dir;

	for (uint32_t i = 0; i < n; i++)
		h = ebn_mix64(h ^ inst[i]->version);
	return h;
}

static struct ebn_table *table_find(const struct ebn_index *ix, struct ebn_table *const *table, uint64_t hash,
				    struct ebn_inst *const *inst, uint32_t n, uint8_t dir)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(ix, hash, cursor, i)
		if (table[i]->known && table[i]->dir == dir && table[i]->n_inst == n &&
		    (!n || !memcmp(table[i]->inst, inst, n * sizeof(struct ebn_inst *))))
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

static int table_make(struct ebn_plan *pl, struct ebn_inst *const *inst, uint32_t n, uint8_t dir, uint64_t hash,
		      struct ebn_table **ret)
{
	struct ebn_table *t = ebn_calloc(1, sizeof(*t));
	struct ebn_world w;
	int err;

	if (!t)
		return -ENOMEM;
	t->refs = 1;
	t->slot = EBN_SLOT_NONE;
	t->hash = hash;
	t->dir = dir;
	t->known = true;
	t->inst = ebn_calloc(n, sizeof(struct ebn_inst *));
	for (; t->inst && t->n_inst < n; t->n_inst++) {
		t->inst[t->n_inst] = inst[t->n_inst];
		t->inst[t->n_inst]->refs++;
	}
	ebn_plan_world(pl, &w);
	err = t->inst ? ebn_compile(pl->p, &w, t, &t->image) : -ENOMEM;
	if (!err)
		err = ebn_plan_add_table(pl, t);
	*ret = t;
	ebn_table_unref(pl->p, t);
	return err;
}

int ebn_plan_table(struct ebn_plan *pl, struct ebn_inst *const *inst, uint32_t n, uint8_t dir, struct ebn_table **ret)
{
	_free_ struct ebn_inst **speak = ebn_calloc(n, sizeof(struct ebn_inst *));
	uint32_t m = 0;
	uint64_t hash;

	if (!speak)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (inst[i]->speaks[dir])
			speak[m++] = inst[i];
	hash = table_hash(speak, m, dir);
	*ret = table_find(&pl->table_by_key, pl->table, hash, speak, m, dir);
	if (*ret)
		return 0;
	*ret = table_find(&pl->p->table_by_key, pl->p->table, hash, speak, m, dir);
	if (*ret)
		return ebn_plan_add_table(pl, *ret);
	return table_make(pl, speak, m, dir, hash, ret);
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

		err = ebn_plan_table(pl, inst, n, dir, &t);
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
		for (size_t i = 0; i < EBN_ARRAY_SIZE(pl->page); i++)
			ebn_node_release(p->nt, pl->page[i]);
		for (uint32_t i = pl->names_from; i < pl->names_to; i++)
			ebn_name_set(p->rows, EBN_NAME_RULE, i, NULL);
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
}
