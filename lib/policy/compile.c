// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * One table. Its rules are brought in order of precedence: deny, then deny of audited policies, then allow, each in order of
 * the set. Peer classes are split by each rule's peers (classes that no rule tells apart share a row), port classes by each
 * rule's ports (a column). Then each row is painted: the default first, the weakest rule next, the strongest last.
 */
#include "policy/engine.h"

#define NONE UINT32_MAX

struct ranked {
	const struct ebn_rule *rule;
	struct ebn_column **col;
	uint32_t n_col;
	uint32_t number;
	enum ebn_verdict verdict;
	uint32_t ports;		/* number of its set of ranges; NONE: all ports */
	uint16_t decision;
};

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
	const struct ebn_rule *rule;
	uint32_t *col;
	size_t n, cap;
};

struct compile {
	struct ebn_policy *p;
	const struct ebn_world *w;
	struct ranked *rule;
	uint32_t n_rules;
	uint32_t *everybody;	/* rules without peers, strongest first */
	uint32_t n_everybody;
	struct port_list *list;
	uint32_t n_lists;
	struct parts rows, cols;
	uint16_t fallback;
	uint32_t ncols;
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

static enum ebn_verdict rule_verdict(const struct ebn_rulebook *b, const struct ebn_rule *r)
{
	return r->action == EBPFNET_VERDICT_ALLOW ? EBN_V_ALLOW : b->audit ? EBN_V_AUDIT : EBN_V_DENY;
}

static enum ebn_verdict default_verdict(const struct ebn_table *t)
{
	enum ebn_verdict v = EBN_V_ALLOW;

	for (uint32_t i = 0; i < t->n_inst; i++) {
		const struct ebn_rulebook *b = t->inst[i]->book;

		if (b->default_deny[t->dir] && !b->audit)
			return EBN_V_DENY;
		if (b->default_deny[t->dir])
			v = EBN_V_AUDIT;
	}
	return v;
}

/* Rules of the table's direction in order of precedence; *ret and *n_ret are the caller's to free. */
static int rank(const struct ebn_table *t, struct ranked **ret, uint32_t *n_ret)
{
	static const enum ebn_verdict order[] = { EBN_V_DENY, EBN_V_AUDIT, EBN_V_ALLOW };
	struct ranked *rule;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_inst; i++)
		n += t->inst[i]->book->n_rules;
	rule = ebn_calloc(n, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	n = 0;
	for (size_t o = 0; o < EBN_ARRAY_SIZE(order); o++) {
		for (uint32_t i = 0; i < t->n_inst; i++) {
			const struct ebn_inst *in = t->inst[i];

			for (uint32_t k = 0; k < in->book->n_rules; k++) {
				const struct ebn_rule *r = &in->book->rules[k];

				if (r->direction != t->dir || rule_verdict(in->book, r) != order[o])
					continue;
				rule[n++] = (struct ranked){ r, in->col + in->first[k], r->n_peers, in->number[k],
							     order[o], NONE, 0 };
			}
		}
	}
	*ret = rule;
	*n_ret = n;
	return 0;
}

static int decide(struct ebn_policy *p, struct ebn_image *img, const struct ranked *r, uint16_t *ret)
{
	struct ebn_decision d = { .verdict = (uint8_t)r->verdict, .rule = r->number };

	return ebn_decision_use(p, img, &d, ret);
}

static int decide_default(struct ebn_policy *p, struct ebn_image *img, enum ebn_verdict verdict, uint16_t *ret)
{
	struct ebn_decision d = { .verdict = (uint8_t)verdict, .flags = EBN_DEC_F_DEFAULT };

	return ebn_decision_use(p, img, &d, ret);
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

	for (uint32_t r = 0; r < c->n_rules; r++) {
		if (!c->rule[r].rule->n_peers) {
			c->everybody[c->n_everybody++] = r;
			continue;
		}
		for (uint32_t k = 0; k < c->rule[r].n_col; k++) {
			const uint64_t *bits = c->rule[r].col[k]->bits;
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

static bool same_ranges(const struct ebn_rule *a, const struct ebn_rule *b)
{
	return a->n_ranges == b->n_ranges && !memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(*a->ranges));
}

/* Calls split for each port class the list's ranges cover. */
static int split_list(struct compile *c, uint32_t list)
{
	const struct ebn_rule *r = c->list[list].rule;
	const struct ebn_world *w = c->w;

	for (uint32_t k = 0; k < r->n_ranges; k++)
		for (size_t i = ebn_interval_at(w->iv, w->n_iv, r->ranges[k].first);
		     i < w->n_iv && w->iv[i].first <= r->ranges[k].last; i++)
			if (split(&c->cols, w->iv[i].cls, list) < 0)
				return -ENOMEM;
	return 0;
}

static int split_cols(struct compile *c)
{
	struct ebn_index seen = { 0 };
	uint32_t cursor, i = 0;
	int err = 0;

	for (uint32_t r = 0; !err && r < c->n_rules; r++) {
		struct ranked *rk = &c->rule[r];
		uint64_t h;

		if (!rk->rule->n_ranges)
			continue;
		h = ebn_hash_bytes(rk->rule->ranges, rk->rule->n_ranges * sizeof(*rk->rule->ranges));
		ebn_index_for_each(&seen, h, cursor, i)
			if (same_ranges(c->list[i].rule, rk->rule))
				rk->ports = i;
		if (rk->ports != NONE)
			continue;
		rk->ports = c->n_lists++;
		c->list[rk->ports].rule = rk->rule;
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

static void paint(const struct compile *c, uint16_t *row, uint32_t rule)
{
	const struct ranked *r = &c->rule[rule];
	const struct port_list *l;

	if (r->ports == NONE) {
		for (uint32_t i = 0; i < c->ncols; i++)
			row[i] = r->decision;
		return;
	}
	l = &c->list[r->ports];
	for (size_t i = 0; i < l->n; i++)
		row[l->col[i]] = r->decision;
}

/* Rules for everybody and those on the row's way up, weakest first; rules are numbered by precedence. */
static void paint_row(const struct compile *c, uint16_t *row, uint32_t part)
{
	uint32_t e = c->n_everybody, mine, theirs;

	for (uint32_t i = 0; i < c->ncols; i++)
		row[i] = c->fallback;
	for (;;) {
		mine = c->rows.part[part].rule;
		theirs = e ? c->everybody[e - 1] : NONE;
		if (mine == NONE && theirs == NONE)
			return;
		if (theirs == NONE || (mine != NONE && mine > theirs)) {
			paint(c, row, mine);
			part = c->rows.part[part].parent;
		} else {
			paint(c, row, theirs);
			e--;
		}
	}
}

/* Paints the row and finds its equal among those there are; *ret its number. */
static int keep_row(struct compile *c, uint32_t part, uint32_t *ret)
{
	size_t bytes = c->ncols * sizeof(uint16_t);
	uint32_t cursor, i = 0, n = c->img->nrows;
	uint16_t *row;
	uint64_t h;

	if (ebn_grow(&c->cells, &c->cells_cap, ((size_t)n + 1) * c->ncols, sizeof(*c->cells)) < 0)
		return -ENOMEM;
	row = c->cells + (size_t)n * c->ncols;
	paint_row(c, row, part);
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
	if (!row)
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

	err = rank(t, &c->rule, &c->n_rules);
	if (err < 0)
		return err;
	c->everybody = ebn_calloc(c->n_rules, sizeof(*c->everybody));
	c->list = ebn_calloc(c->n_rules, sizeof(*c->list));
	img->n_peer = c->w->classes_end;
	img->n_port = c->w->ports_end;
	img->rowmap = ebn_calloc(img->n_peer, sizeof(*img->rowmap));
	img->colmap = ebn_calloc(img->n_port, sizeof(*img->colmap));
	if (!c->everybody || !c->list || !img->rowmap || !img->colmap ||
	    parts_init(&c->rows, img->n_peer) < 0 || parts_init(&c->cols, img->n_port) < 0)
		return -ENOMEM;
	err = decide_default(c->p, img, default_verdict(t), &c->fallback);
	for (uint32_t r = 0; !err && r < c->n_rules; r++)
		err = decide(c->p, img, &c->rule[r], &c->rule[r].decision);
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
	free(c.rule);
	free(c.everybody);
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

static bool has_peer(const struct ranked *r, uint64_t visit)
{
	for (uint32_t i = 0; i < r->n_col; i++)
		if (r->col[i]->visit == visit)
			return true;
	return !r->rule->n_peers;
}

int ebn_compile_row(struct ebn_policy *p, const struct ebn_world *w, const struct ebn_table *t, uint64_t visit,
		    struct ebn_image *img, uint16_t *cells)
{
	const uint16_t *colmap = ebn_node_ptr(p->nt, t->now.colmap->off, t->now.colmap->len);
	_free_ uint8_t *done = ebn_calloc(t->now.ncols, 1);
	_free_ struct ranked *rule = NULL;
	uint16_t fallback = 0, cell;
	uint32_t n = 0;
	int err;

	if (!done)
		return -ENOMEM;
	err = rank(t, &rule, &n);
	if (!err)
		err = decide_default(p, img, default_verdict(t), &fallback);
	for (size_t i = 0; !err && i < w->n_iv; i++) {
		uint32_t cls = w->iv[i].cls, col = colmap[cls < t->now.colmap->len / 2 ? cls : 0];

		cell = fallback;
		for (uint32_t r = 0; r < n; r++) {
			if (!has_peer(&rule[r], visit) || !ebn_rule_has_cell(rule[r].rule, w->iv[i].first))
				continue;
			err = decide(p, img, &rule[r], &cell);
			break;
		}
		/* ports that were alike for all classes so far are not for this one */
		if (!err && done[col] && cells[col] != cell)
			err = 1;
		done[col] = 1;
		cells[col] = cell;
	}
	/* a column no port leads to is as good as any other */
	for (uint32_t k = 0; !err && k < t->now.ncols; k++)
		if (!done[k])
			cells[k] = fallback;
	return err;
}
