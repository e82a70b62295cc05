// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * One table. Its rules are brought in order of precedence (rank.c). Peer classes are split by each rule's peers (classes that
 * no rule tells apart share a row), port classes by each rule's ports (a column). Then each row is painted: the default first,
 * the weakest rule next, the strongest last; where policies are in audit, a second time with them refusing nothing.
 */
#include "policy/rank.h"

#define NONE EBN_RANK_NONE

/* A row or column while classes are split: which rule made it, from what. Rules along the way up are those that apply. */
struct part {
	uint32_t parent, rule;
	uint32_t split_by;	/* rule that splits it now, + 1 */
	uint32_t into;
};

struct parts {
	struct part *part;
	size_t n, cap;
	uint32_t *of;		/* part by class */
	uint32_t *stamp;	/* by class: seen for this rule, + 1 */
};

struct port_list {
	const struct ebn_range *range;
	uint32_t n_ranges;
	uint32_t *col;
	size_t n, cap;
};

struct compile {
	struct ebn_policy *p;
	const struct ebn_world *w;
	struct ebn_ranking rk;
	uint32_t *everybody;	/* rules without peers, strongest first */
	uint32_t n_everybody;
	struct port_list *list;
	uint32_t n_lists;
	struct parts rows, cols;
	uint16_t allow, deny;	/* the defaults */
	uint32_t ncols;
	uint32_t *match;	/* rules of a row, weakest first */
	uint16_t *under;	/* of a row: what the tiers under the admin's say */
	uint16_t *soft;		/* of a row: as if the policies in audit refused nothing */
	uint16_t *cells;	/* rows painted so far, ncols each */
	size_t n_cells, cells_cap;
	struct ebn_index by_row;
	struct ebn_image *img;
};

void ebn_image_free(struct ebn_policy *p, struct ebn_image *img)
{
	if (!img)
		return;
	ebn_decisions_drop(p, img->dec, img->n_dec);
	free(img->rowmap);
	free(img->colmap);
	free(img->matrix);
	free(img);
}

/* The numbers of the verdicts are the same on both sides. */
EBN_ASSERT((int)EBPFNET_VERDICT_DENY == EBN_V_DENY && (int)EBPFNET_VERDICT_ALLOW == EBN_V_ALLOW &&
	   (int)EBPFNET_VERDICT_REDIRECT == EBN_V_REDIRECT && (int)EBPFNET_VERDICT_AUDIT == EBN_V_AUDIT &&
	   (int)EBPFNET_VERDICT_AUTH == EBN_V_AUTH, "verdicts");

static int decide_default(struct ebn_policy *p, struct ebn_image *img, enum ebn_verdict verdict, uint16_t *ret)
{
	struct ebn_decision d = { .verdict = (uint8_t)verdict, .flags = EBN_DEC_F_DEFAULT };

	return ebn_decision_use(p, img, &d, ret);
}

/* What a rule says by itself. PASS in the baseline is its default; in the admin tier it has no decision of its own. */
static int decide(struct ebn_policy *p, struct ebn_image *img, struct ebn_ranked *r, uint16_t allow)
{
	struct ebn_decision d = { .verdict = r->rule->action, .rule = r->entry->number };
	int err;

	r->decision = r->soft_decision = allow;
	if (r->rule->action == EBPFNET_VERDICT_PASS)
		return 0;
	if (r->rule->action == EBPFNET_VERDICT_REDIRECT)
		d.proxy_port = r->rule->proxy_port;
	if (r->rule->log)
		d.flags |= EBN_DEC_F_LOG;
	err = ebn_decision_use(p, img, &d, &r->decision);
	if (!r->book->audit)
		r->soft_decision = r->decision;
	return err;
}

/* The decision to let through and report what d refuses. */
static int audited(struct ebn_policy *p, struct ebn_image *img, uint16_t decision, uint16_t *ret)
{
	struct ebn_decision d = p->dec[decision].d;

	d.verdict = EBN_V_AUDIT;
	d.proxy_port = 0;
	return ebn_decision_use(p, img, &d, ret);
}

/* What two ways of asking come to. */
static int combine(struct ebn_policy *p, struct ebn_image *img, uint16_t strict, uint16_t soft, uint16_t *ret)
{
	*ret = soft;
	if (p->dec[soft].d.verdict != EBN_V_ALLOW)
		return 0;
	if (p->dec[strict].d.verdict != EBN_V_ALLOW)
		return audited(p, img, strict, ret);
	*ret = strict;
	return 0;
}

/* ---- splitting ---- */

static int parts_init(struct parts *ps, uint32_t classes)
{
	ps->of = ebn_calloc(classes, sizeof(*ps->of));
	ps->stamp = ebn_calloc(classes, sizeof(*ps->stamp));
	if (!ps->of || !ps->stamp || ebn_grow(&ps->part, &ps->cap, 1, sizeof(*ps->part)) < 0)
		return -ENOMEM;
	ps->part[ps->n++] = (struct part){ NONE, NONE, 0, 0 };
	return 0;
}

static void parts_done(struct parts *ps)
{
	free(ps->part);
	free(ps->of);
	free(ps->stamp);
}

/* Class cls is one that rule speaks of: it parts from those of its part that are not. */
static int split(struct parts *ps, uint32_t cls, uint32_t rule)
{
	uint32_t from = ps->of[cls];

	if (ps->stamp[cls] == rule + 1)
		return 0;
	ps->stamp[cls] = rule + 1;
	if (ps->part[from].split_by != rule + 1) {
		if (ebn_grow(&ps->part, &ps->cap, ps->n + 1, sizeof(*ps->part)) < 0)
			return -ENOMEM;
		ps->part[from].split_by = rule + 1;
		ps->part[from].into = (uint32_t)ps->n;
		ps->part[ps->n++] = (struct part){ from, rule, 0, 0 };
	}
	ps->of[cls] = ps->part[from].into;
	return 0;
}

static int split_rows(struct compile *c)
{
	const struct ebn_classes *cl = c->w->classes;

	for (uint32_t r = 0; r < c->rk.n; r++) {
		if (c->rk.rule[r].entry->everybody) {
			c->everybody[c->n_everybody++] = r;
			continue;
		}
		for (uint32_t k = 0; k < c->rk.rule[r].entry->n; k++) {
			const uint64_t *bits = c->rk.rule[r].col[k]->bits;
			size_t words = cl->slots / 64;

			if (words > c->p->peers.items_cap / 64)
				words = c->p->peers.items_cap / 64;
			for (size_t i = 0; i < words; i++) {
				for (uint64_t w = bits[i] & cl->reps[i]; w; w &= w - 1) {
					size_t slot = i * 64 + (size_t)__builtin_ctzll(w);

					if (split(&c->rows, cl->class_of[slot], r) < 0)
						return -ENOMEM;
				}
			}
		}
	}
	return 0;
}

static bool same_ranges(const struct port_list *l, const struct ebn_range *range, uint32_t n)
{
	return l->n_ranges == n && !memcmp(l->range, range, n * sizeof(*range));
}

/* Calls split for each port class the list's ranges cover. */
static int split_list(struct compile *c, uint32_t list)
{
	const struct port_list *l = &c->list[list];
	const struct ebn_world *w = c->w;

	for (uint32_t k = 0; k < l->n_ranges; k++)
		for (size_t i = ebn_interval_at(w->iv, w->n_iv, l->range[k].first);
		     i < w->n_iv && w->iv[i].first <= l->range[k].last; i++)
			if (split(&c->cols, w->iv[i].cls, list) < 0)
				return -ENOMEM;
	return 0;
}

static int split_cols(struct compile *c)
{
	struct ebn_index seen = { 0 };
	uint32_t cursor, i = 0;
	int err = 0;

	for (uint32_t r = 0; !err && r < c->rk.n; r++) {
		struct ebn_ranked *rk = &c->rk.rule[r];
		uint32_t n;
		const struct ebn_range *range = ebn_entry_ranges(rk->entry, &n);
		uint64_t h;

		if (!n)
			continue;
		h = ebn_hash_bytes(range, n * sizeof(*range));
		ebn_index_for_each(&seen, h, cursor, i)
			if (same_ranges(&c->list[i], range, n))
				rk->ports = i;
		if (rk->ports != NONE)
			continue;
		rk->ports = c->n_lists++;
		c->list[rk->ports].range = range;
		c->list[rk->ports].n_ranges = n;
		err = ebn_index_add(&seen, h, rk->ports);
		if (!err)
			err = split_list(c, rk->ports);
	}
	ebn_index_done(&seen);
	return err;
}

/* Numbers the parts that have classes, in order of class. of[] becomes that number. */
static int number_parts(struct parts *ps, uint32_t classes, uint32_t **ret_part, uint32_t *ret_n)
{
	_free_ uint32_t *number = ebn_calloc(ps->n, sizeof(*number));
	uint32_t *part = ebn_calloc(ps->n, sizeof(*part)), n = 0;

	if (!number || !part) {
		free(part);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < classes; i++) {
		uint32_t from = ps->of[i];

		if (!number[from]) {
			part[n++] = from;
			number[from] = n;
		}
		ps->of[i] = number[from] - 1;
	}
	*ret_part = part;
	*ret_n = n;
	return 0;
}

/* Columns of each list: those whose part has the list on its way up. */
static int list_cols(struct compile *c)
{
	_free_ uint32_t *part = NULL;
	uint32_t n = 0;
	int err;

	err = number_parts(&c->cols, c->w->ports_end, &part, &n);
	if (err < 0)
		return err;
	if (n > EBN_PORT_CLASSES_MAX)
		return -E2BIG;
	c->ncols = n;
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t at = part[i]; c->cols.part[at].rule != NONE; at = c->cols.part[at].parent) {
			struct port_list *l = &c->list[c->cols.part[at].rule];

			if (ebn_grow(&l->col, &l->cap, l->n + 1, sizeof(*l->col)) < 0)
				return -ENOMEM;
			l->col[l->n++] = i;
		}
	}
	return 0;
}

/* ---- painting ---- */

static void paint(const struct compile *c, uint16_t *row, const struct ebn_ranked *r, uint16_t decision,
		  const uint16_t *under)
{
	const struct port_list *l;

	if (r->ports == NONE) {
		for (uint32_t i = 0; i < c->ncols; i++)
			row[i] = under ? under[i] : decision;
		return;
	}
	l = &c->list[r->ports];
	for (size_t i = 0; i < l->n; i++)
		row[l->col[i]] = under ? under[l->col[i]] : decision;
}

static void fill(const struct compile *c, uint16_t *row, uint16_t decision)
{
	for (uint32_t i = 0; i < c->ncols; i++)
		row[i] = decision;
}

/* n rules by their places, weakest first: the baseline or the default, the normal tier, and over both the admin tier. */
static void paint_rules(const struct compile *c, uint16_t *row, uint32_t n, bool soft)
{
	const struct ebn_order *o = soft ? &c->rk.soft : &c->rk.strict;
	uint32_t i = 0;

	fill(c, row, c->allow);
	for (bool denied = false, over = false; i <= n; i++) {
		uint32_t rule = i < n ? c->match[i] : 0;
		const struct ebn_ranked *r = &c->rk.rule[rule];
		uint32_t place = i == n ? 0 : soft ? r->soft : rule;

		if (!denied && o->deny && (i == n || place < o->normal_end)) {
			fill(c, row, c->deny);
			denied = true;
		}
		if (i == n)
			return;
		if (place >= o->normal_end && o->deny)
			continue;
		if (!over && place < o->admin_end) {
			memcpy(c->under, row, c->ncols * sizeof(*row));
			over = true;
		}
		paint(c, row, r, soft ? r->soft_decision : r->decision,
		      over && r->rule->action == EBPFNET_VERDICT_PASS ? c->under : NULL);
	}
}

/* Rules for everybody and those on the row's way up, weakest first; rules are numbered by precedence. */
static uint32_t find_match(const struct compile *c, uint32_t part)
{
	uint32_t e = c->n_everybody, n = 0, mine, theirs;

	for (;;) {
		mine = c->rows.part[part].rule;
		theirs = e ? c->everybody[e - 1] : NONE;
		if (mine == NONE && theirs == NONE)
			return n;
		if (theirs == NONE || (mine != NONE && mine > theirs)) {
			c->match[n++] = mine;
			part = c->rows.part[part].parent;
		} else {
			c->match[n++] = theirs;
			e--;
		}
	}
}

static int by_soft_place(const void *a, const void *b, void *rules)
{
	const struct ebn_ranked *rule = rules;
	uint32_t x = rule[*(const uint32_t *)a].soft, y = rule[*(const uint32_t *)b].soft;

	return x > y ? -1 : x < y;
}

static int paint_row(struct compile *c, uint16_t *row, uint32_t part)
{
	uint32_t n = find_match(c, part), m = 0;
	int err = 0;

	paint_rules(c, row, n, false);
	if (!c->rk.audit)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		if (c->rk.rule[c->match[i]].soft != NONE)
			c->match[m++] = c->match[i];
	qsort_r(c->match, m, sizeof(*c->match), by_soft_place, c->rk.rule);
	paint_rules(c, c->soft, m, true);
	for (uint32_t i = 0; !err && i < c->ncols; i++)
		err = combine(c->p, c->img, row[i], c->soft[i], &row[i]);
	return err;
}

/* Paints the row and finds its equal among those there are; *ret its number. */
static int keep_row(struct compile *c, uint32_t part, uint32_t *ret)
{
	size_t bytes = c->ncols * sizeof(uint16_t);
	uint32_t cursor, i = 0, n = c->img->nrows;
	uint16_t *row;
	uint64_t h;
	int err;

	if (ebn_grow(&c->cells, &c->cells_cap, ((size_t)n + 1) * c->ncols, sizeof(*c->cells)) < 0)
		return -ENOMEM;
	row = c->cells + (size_t)n * c->ncols;
	err = paint_row(c, row, part);
	if (err < 0)
		return err;
	h = ebn_hash_bytes(row, bytes);
	ebn_index_for_each(&c->by_row, h, cursor, i) {
		if (!memcmp(c->cells + (size_t)i * c->ncols, row, bytes)) {
			*ret = i;
			return 0;
		}
	}
	if (n >= EBN_ROWS_MAX)
		return -E2BIG;
	if (ebn_index_add(&c->by_row, h, n) < 0)
		return -ENOMEM;
	*ret = n;
	c->img->nrows++;
	return 0;
}

static int make_rows(struct compile *c)
{
	_free_ uint32_t *part = NULL, *row = NULL;
	uint32_t n = 0;
	int err;

	err = number_parts(&c->rows, c->w->classes_end, &part, &n);
	if (err < 0)
		return err;
	row = ebn_calloc(n, sizeof(*row));
	c->under = ebn_calloc(c->ncols, sizeof(*c->under));
	c->soft = ebn_calloc(c->ncols, sizeof(*c->soft));
	if (!row || !c->under || !c->soft)
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < n; i++)
		err = keep_row(c, part[i], &row[i]);
	for (uint32_t i = 0; !err && i < c->w->classes_end; i++)
		c->img->rowmap[i] = (uint16_t)row[c->rows.of[i]];
	return err;
}

/* Columns equal in every row become one. */
static int make_cols(struct compile *c)
{
	struct ebn_image *img = c->img;
	_free_ uint32_t *to = ebn_calloc(c->ncols, sizeof(*to)), *from = ebn_calloc(c->ncols, sizeof(*from));
	struct ebn_index seen = { 0 };
	uint32_t cursor, i = 0;
	int err = to && from ? 0 : -ENOMEM;

	for (uint32_t k = 0; !err && k < c->ncols; k++) {
		uint64_t h = 0;
		bool known = false;

		for (uint32_t r = 0; r < img->nrows; r++)
			h = ebn_mix64(h ^ c->cells[(size_t)r * c->ncols + k]) + r;
		ebn_index_for_each(&seen, h, cursor, i) {
			uint32_t r = 0;

			while (r < img->nrows && c->cells[(size_t)r * c->ncols + from[i]] ==
						 c->cells[(size_t)r * c->ncols + k])
				r++;
			known = r == img->nrows;
			if (known)
				break;
		}
		if (!known) {
			i = img->ncols++;
			from[i] = k;
			err = ebn_index_add(&seen, h, i);
		}
		to[k] = i;
	}
	ebn_index_done(&seen);
	if (!err) {
		img->matrix = ebn_calloc((size_t)img->nrows * img->ncols, sizeof(*img->matrix));
		err = img->matrix ? 0 : -ENOMEM;
	}
	for (size_t r = 0; !err && r < img->nrows; r++)
		for (uint32_t k = 0; k < img->ncols; k++)
			img->matrix[r * img->ncols + k] = c->cells[r * c->ncols + from[k]];
	for (uint32_t k = 0; !err && k < c->w->ports_end; k++)
		img->colmap[k] = (uint16_t)to[c->cols.of[k]];
	return err;
}

static int prepare(struct compile *c, const struct ebn_table *t)
{
	struct ebn_image *img = c->img;
	int err;

	err = ebn_rank(t, &c->rk);
	if (err < 0)
		return err;
	c->everybody = ebn_calloc(c->rk.n, sizeof(*c->everybody));
	c->match = ebn_calloc(c->rk.n, sizeof(*c->match));
	c->list = ebn_calloc(c->rk.n, sizeof(*c->list));
	img->n_peer = c->w->classes_end;
	img->n_port = c->w->ports_end;
	img->rowmap = ebn_calloc(img->n_peer, sizeof(*img->rowmap));
	img->colmap = ebn_calloc(img->n_port, sizeof(*img->colmap));
	if (!c->everybody || !c->match || !c->list || !img->rowmap || !img->colmap ||
	    parts_init(&c->rows, img->n_peer) < 0 || parts_init(&c->cols, img->n_port) < 0)
		return -ENOMEM;
	err = decide_default(c->p, img, EBN_V_ALLOW, &c->allow);
	if (!err)
		err = decide_default(c->p, img, EBN_V_DENY, &c->deny);
	for (uint32_t r = 0; !err && r < c->rk.n; r++)
		err = decide(c->p, img, &c->rk.rule[r], c->allow);
	return err;
}

int ebn_compile(struct ebn_policy *p, const struct ebn_world *w, const struct ebn_table *t, struct ebn_image **ret)
{
	struct compile c = { .p = p, .w = w };
	int err;

	c.img = ebn_calloc(1, sizeof(*c.img));
	if (!c.img)
		return -ENOMEM;
	err = prepare(&c, t);
	if (!err)
		err = split_rows(&c);
	if (!err)
		err = split_cols(&c);
	if (!err)
		err = list_cols(&c);
	if (!err)
		err = make_rows(&c);
	if (!err)
		err = make_cols(&c);
	for (uint32_t i = 0; i < c.n_lists; i++)
		free(c.list[i].col);
	ebn_ranking_done(&c.rk);
	free(c.everybody);
	free(c.match);
	free(c.under);
	free(c.soft);
	free(c.list);
	parts_done(&c.rows);
	parts_done(&c.cols);
	free(c.cells);
	ebn_index_done(&c.by_row);
	if (err < 0) {
		ebn_image_free(p, c.img);
		return err;
	}
	*ret = c.img;
	return 0;
}

/* ---- one row, for a class that comes new ---- */

/* Decisions for the class, port by port. */
struct asking {
	struct ebn_policy *p;
	struct ebn_image *img;
	struct ebn_ranking rk;
	uint32_t *strict, *soft;	/* rules that match the peer, by place */
	uint32_t n_strict, n_soft;
	uint16_t allow, deny;
};

static bool has_peer(const struct ebn_ranked *r, uint64_t visit)
{
	for (uint32_t i = 0; i < r->entry->n; i++)
		if (r->col[i]->visit == visit)
			return true;
	return r->entry->everybody;
}

static int asking_init(struct asking *a, const struct ebn_table *t, uint64_t visit)
{
	int err;

	err = ebn_rank(t, &a->rk);
	if (err < 0)
		return err;
	a->strict = ebn_calloc(a->rk.n, sizeof(*a->strict));
	a->soft = ebn_calloc(a->rk.n, sizeof(*a->soft));
	err = a->strict && a->soft ? decide_default(a->p, a->img, EBN_V_ALLOW, &a->allow) : -ENOMEM;
	if (!err)
		err = decide_default(a->p, a->img, EBN_V_DENY, &a->deny);
	for (uint32_t i = 0; !err && i < a->rk.n; i++) {
		if (!has_peer(&a->rk.rule[i], visit))
			continue;
		a->strict[a->n_strict++] = i;
		err = decide(a->p, a->img, &a->rk.rule[i], a->allow);
	}
	for (uint32_t i = 0; !err && a->rk.audit && i < a->rk.n_soft; i++)
		if (has_peer(&a->rk.rule[a->rk.soft_rule[i]], visit))
			a->soft[a->n_soft++] = a->rk.soft_rule[i];
	return err;
}

static void asking_done(struct asking *a)
{
	ebn_ranking_done(&a->rk);
	free(a->strict);
	free(a->soft);
}

static uint16_t ask(const struct asking *a, uint32_t cell, bool soft)
{
	const uint32_t *rule = soft ? a->soft : a->strict;
	const struct ebn_order *o = soft ? &a->rk.soft : &a->rk.strict;
	uint32_t n = soft ? a->n_soft : a->n_strict;
	bool passed = false;

	for (uint32_t i = 0; i < n; i++) {
		const struct ebn_ranked *r = &a->rk.rule[rule[i]];
		uint32_t place = soft ? r->soft : rule[i];

		if (place >= o->normal_end && o->deny)
			break;
		if ((passed && place < o->admin_end) || !ebn_entry_has_cell(r->entry, cell))
			continue;
		if (place >= o->admin_end || r->rule->action != EBPFNET_VERDICT_PASS)
			return soft ? r->soft_decision : r->decision;
		passed = true;
	}
	return o->deny ? a->deny : a->allow;
}

int ebn_compile_row(struct ebn_policy *p, const struct ebn_world *w, const struct ebn_table *t, uint64_t visit,
		    struct ebn_image *img, uint16_t *cells)
{
	const uint16_t *colmap = ebn_node_ptr(p->nt, t->now.colmap->off, t->now.colmap->len);
	_free_ uint8_t *done = ebn_calloc(t->now.ncols, 1);
	struct asking a = { .p = p, .img = img };
	uint16_t cell;
	int err = done ? asking_init(&a, t, visit) : -ENOMEM;

	for (size_t i = 0; !err && i < w->n_iv; i++) {
		uint32_t cls = w->iv[i].cls, col = colmap[cls < t->now.colmap->len / 2 ? cls : 0];

		cell = ask(&a, w->iv[i].first, false);
		if (a.rk.audit)
			err = combine(p, img, cell, ask(&a, w->iv[i].first, true), &cell);
		/* ports that were alike for all classes so far are not for this one */
		if (!err && done[col] && cells[col] != cell)
			err = 1;
		done[col] = 1;
		cells[col] = cell;
	}
	/* a column no port leads to is as good as any other */
	for (uint32_t k = 0; !err && k < t->now.ncols; k++)
		if (!done[k])
			cells[k] = a.deny;
	asking_done(&a);
	return err;
}
