// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Identities of the local scope and the prefixes they stand behind: how they come and go around a commit. */
#include "policy/outside.h"

#include "identity/internal.h"
#include "policy/engine.h"
#include "policy/marks.h"

/* A prefix whose identity the commit changes. */
struct change {
	struct ebn_net net;
	struct ebn_identity *old;	/* its own until now; NULL: it had none */
	struct ebn_identity *mid;	/* of the new set's labels, in the class of old's */
};

struct ebn_outside_plan {
	struct ebn_policy *p;
	struct ebn_identity *world;
	struct ebn_marks marks;
	struct change *change;
	size_t n, cap, done;		/* done: in the tables with mid */
	struct ebn_outside_use *use;	/* takes the place of the one in force; id NULL: of the change next in order */
	size_t n_use;
	char **pattern;
	size_t n_patterns;
	bool dry;
};

/* ---- prefixes in the tables ---- */

static int table_set(struct ebn_policy *p, const struct ebn_net *net, const struct ebn_identity *id)
{
	struct ebn_prefix_value v = { .identity = id->number, .owner = EBN_PREFIX_OWNER_POLICY };
	uint32_t addr[4];

	memcpy(addr, net->b, sizeof(addr));
	return ebn_prefix_set(p->rows, addr, net->len, &v);
}

static void table_del(struct ebn_policy *p, const struct ebn_net *net)
{
	struct ebn_prefix_value v;
	uint32_t addr[4];

	memcpy(addr, net->b, sizeof(addr));
	if (!ebn_prefix_get(p->rows, addr, net->len, &v) && v.owner == EBN_PREFIX_OWNER_POLICY)
		ebn_prefix_del(p->rows, addr, net->len);
}

/* Somebody gave this very prefix labels of its own: these count. */
bool ebn_outside_taken(struct ebn_policy *p, const struct ebn_net *net)
{
	struct ebn_prefix_value v;
	uint32_t addr[4];

	memcpy(addr, net->b, sizeof(addr));
	return !ebn_prefix_get(p->rows, addr, net->len, &v) && v.owner != EBN_PREFIX_OWNER_POLICY;
}

int ebn_outside_move(struct ebn_policy *p, const struct ebn_net *net, struct ebn_identity *id, struct ebn_identity *old)
{
	uint32_t addr[4];
	int err = 0;

	memcpy(addr, net->b, sizeof(addr));
	if (id)
		err = table_set(p, net, id);
	else
		table_del(p, net);
	if (err < 0)
		return err;
	ebn_node_raise_addr(p->nt, ebn_addr_hash(addr));
	ebn_local_put_later(p, old);
	return 0;
}

/* ---- adoption ---- */

/* Names themselves are not in the tables, but what they came to is. */
static int adopt_names(struct ebn_outside *o, const struct ebn_outside_use *use)
{
	const struct ebpfnet_labels *l = use->id->labels;
	int err = 0;

	for (unsigned int i = 0; !err && use->net.len == 128 && i < l->n; i++)
		if (!strcmp(l->labels[i].source.p, EBN_SOURCE_FQDN))
			err = ebn_learnt_add(o, &use->net, l->labels[i].key.p, true);
	return err;
}

static int adopt_one(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *v, void *arg)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ebn_policy *p = arg;
	struct ebn_outside *o = &p->outside;
	struct ebn_identity *id = ebn_identity_find(p, v->identity);
	struct ebn_outside_use *use;

	if (v->owner != EBN_PREFIX_OWNER_POLICY || !id)
		return 0;
	use = &o->use[o->n_use++];
	memcpy(use->net.b, addr, sizeof(use->net.b));
	use->net.len = (uint8_t)len;
	use->net.family = len >= 96 && !memcmp(use->net.b, mapped, sizeof(mapped)) ? 4 : 6;
	use->id = id;
	id->refs++;
	return adopt_names(o, use);
}

static int by_net(const void *a, const void *b)
{
	return ebn_net_cmp(&((const struct ebn_outside_use *)a)->net, &((const struct ebn_outside_use *)b)->net);
}

int ebn_outside_adopt(struct ebn_policy *p)
{
	struct ebn_outside *o = &p->outside;
	int err;

	o->use = ebn_calloc(ebn_prefix_count(p->rows), sizeof(*o->use));
	if (!o->use)
		return -ENOMEM;
	err = ebn_prefix_foreach(p->rows, adopt_one, p);
	if (o->n_use)
		qsort(o->use, o->n_use, sizeof(*o->use), by_net);
	return err;
}

void ebn_outside_done(struct ebn_policy *p)
{
	struct ebn_outside *o = &p->outside;

	for (size_t i = 0; i < o->n_learnt; i++)
		free(o->learnt[i].name);
	for (size_t i = 0; i < o->n_patterns; i++)
		free(o->pattern[i]);
	free(o->use);
	free(o->learnt);
	free(o->pattern);
	ebn_index_done(&o->by_net);
}

/* ---- a commit ---- */

/* The two lists as they are walked together; the last element of each that covers the one looked at, -1: none. */
struct walk {
	size_t old, now;
	ptrdiff_t *old_up, *now_up;	/* by element: the next one that covers it */
	ptrdiff_t old_top, now_top;
};

static int add_change(struct ebn_outside_plan *op, const struct walk *w, const struct ebn_net *net,
		      struct ebn_identity *own, const struct ebpfnet_labels *labels)
{
	struct ebn_policy *p = op->p;
	struct ebn_identity *was = own;
	struct change *c;
	int err;

	if (!was)
		was = w->old_top >= 0 ? p->outside.use[w->old_top].id : op->world;
	if (ebn_grow(&op->change, &op->cap, op->n + 1, sizeof(*op->change)) < 0)
		return -ENOMEM;
	c = &op->change[op->n];
	*c = (struct change){ .net = *net, .old = own };
	err = ebn_local_take(p, EBN_SCOPE_OUTSIDE, &(struct ebn_local_want){ labels, NULL, was }, op->dry, &c->mid);
	op->n += !err;
	return err;
}

static ptrdiff_t climb_old(const struct ebn_outside *o, const struct walk *w, const struct ebn_net *net)
{
	ptrdiff_t at = w->old_top;

	while (at >= 0 && !ebn_net_covers(&o->use[at].net, net))
		at = w->old_up[at];
	return at;
}

static ptrdiff_t climb_now(const struct ebn_marks *m, const struct walk *w, const struct ebn_net *net)
{
	ptrdiff_t at = w->now_top;

	while (at >= 0 && !ebn_net_covers(&m->want[at].net, net))
		at = w->now_up[at];
	return at;
}

/* The labels that a prefix of which the new set does not speak has from what is around it. */
static const struct ebpfnet_labels *labels_around(const struct ebn_outside_plan *op, const struct walk *w)
{
	return w->now_top >= 0 ? op->marks.want[w->now_top].labels : op->world->labels;
}

/* The next prefix of either list. */
static int step(struct ebn_outside_plan *op, struct walk *w)
{
	struct ebn_outside *o = &op->p->outside;
	struct ebn_outside_use *old = w->old < o->n_use ? &o->use[w->old] : NULL, *use = &op->use[op->n_use];
	struct ebn_want *now = w->now < op->marks.n_wants ? &op->marks.want[w->now] : NULL;
	int order = !old ? 1 : !now ? -1 : ebn_net_cmp(&old->net, &now->net), err = 0;
	const struct ebpfnet_labels *labels;

	*use = (struct ebn_outside_use){ .net = old && order <= 0 ? old->net : op->marks.want[w->now].net };
	w->old_top = climb_old(o, w, &use->net);
	w->now_top = climb_now(&op->marks, w, &use->net);
	labels = order >= 0 && now ? now->labels : labels_around(op, w);
	if (old && order <= 0 && ebpfnet_labels_equal(old->id->labels, labels)) {
		use->id = old->id;
		use->state = old->state == EBN_OUTSIDE_GONE ? EBN_OUTSIDE_MOVED : old->state;
		if (order < 0)
			use->state = EBN_OUTSIDE_GONE;
	} else {
		err = add_change(op, w, &use->net, old && order <= 0 ? old->id : NULL, labels);
		use->state = order < 0 ? EBN_OUTSIDE_GONE : EBN_OUTSIDE_MOVED;
	}
	op->n_use++;
	if (order <= 0) {
		w->old_up[w->old] = w->old_top;
		w->old_top = (ptrdiff_t)w->old++;
	}
	if (order >= 0) {
		w->now_up[w->now] = w->now_top;
		w->now_top = (ptrdiff_t)w->now++;
	}
	return err;
}

static int compare(struct ebn_outside_plan *op)
{
	struct ebn_outside *o = &op->p->outside;
	_free_ ptrdiff_t *old_up = ebn_calloc(o->n_use, sizeof(*old_up));
	_free_ ptrdiff_t *now_up = ebn_calloc(op->marks.n_wants, sizeof(*now_up));
	struct walk w = { .old_up = old_up, .now_up = now_up, .old_top = -1, .now_top = -1 };
	int err = 0;

	op->use = ebn_calloc(o->n_use + op->marks.n_wants, sizeof(*op->use));
	if (!old_up || !now_up || !op->use)
		return -ENOMEM;
	while (!err && (w.old < o->n_use || w.now < op->marks.n_wants))
		err = step(op, &w);
	return err;
}

static void drop_taken(struct ebn_outside_plan *op)
{
	size_t kept = 0;

	for (size_t i = 0; i < op->marks.n_wants; i++) {
		if (ebn_outside_taken(op->p, &op->marks.want[i].net))
			ebpfnet_labels_unref(op->marks.want[i].labels);
		else
			op->marks.want[kept++] = op->marks.want[i];
	}
	op->marks.n_wants = kept;
}

int ebn_outside_begin(struct ebn_policy *p, const struct ebpfnet_policy_set *set, bool dry, struct ebpfnet_diag *diag,
		      struct ebn_outside_plan **ret)
{
	struct ebn_outside_plan *op = ebn_calloc(1, sizeof(*op));
	int err;

	if (!op)
		return -ENOMEM;
	op->p = p;
	op->dry = dry;
	op->world = ebn_identities_get(p->ids, EBN_ID_WORLD);
	err = !op->world ? -EINVAL : ebn_set_patterns(set, &op->pattern, &op->n_patterns);
	if (!err)
		err = ebn_marks_make(&op->marks, set, &p->outside, diag);
	if (!err) {
		drop_taken(op);
		err = compare(op);
	}
	for (; !err && !dry && op->done < op->n; op->done++)
		err = table_set(p, &op->change[op->done].net, op->change[op->done].mid);
	if (err < 0) {
		if (err == -ENOSPC)
			ebn_diag(diag, NULL, ENOSPC, "no room for the %zu prefixes that the policy speaks of",
				 op->marks.n_wants);
		ebn_outside_end(op, false);
		return err;
	}
	*ret = op;
	return 0;
}

/* Back to what was. Where there is no memory for that, mid does as well: it is in the same class. */
static void take_back(struct ebn_outside_plan *op)
{
	struct ebn_policy *p = op->p;

	for (size_t i = 0; i < op->n; i++) {
		struct change *c = &op->change[i];

		if (i < op->done && !c->old)
			table_del(p, &c->net);
		else if (i < op->done)
			(void)table_set(p, &c->net, c->old);
		if (i < op->done)
			ebn_local_put_later(p, c->mid);
		else
			ebn_local_put(p, c->mid, op->dry);
	}
}

/* Of two identities of the same labels the one that is found by them stays. */
static void settle(struct ebn_policy *p, struct ebn_outside_use *use)
{
	struct ebn_identity *id = ebn_local_find(p->ids, EBN_SCOPE_OUTSIDE, use->id->labels);

	if (id == use->id) {
		use->state = EBN_OUTSIDE_SETTLED;
	} else if (!id) {
		if (!ebn_local_settle(p->ids, use->id))
			use->state = EBN_OUTSIDE_SETTLED;
	} else if (table_set(p, &use->net, id) == 0) {
		id->refs++;
		ebn_local_put_later(p, use->id);
		use->id = id;
		use->state = EBN_OUTSIDE_SETTLED;
	}
}

static void tidy_later(struct ebn_policy *p);

/*
 * What a commit left, when nothing was published since the grace period began: each packet under way reads tables in which
 * both ways are of one class.
 */
static void tidy(void *arg, uint64_t generation)
{
	struct ebn_policy *p = arg;
	struct ebn_outside *o = &p->outside;
	size_t kept = 0;

	o->tidying = false;
	if (ebn_node_generation(p->nt) != (uint32_t)generation) {
		tidy_later(p);
		return;
	}
	for (size_t i = 0; i < o->n_use; i++) {
		struct ebn_outside_use *use = &o->use[i];

		if (use->state == EBN_OUTSIDE_GONE) {
			table_del(p, &use->net);
			ebn_local_put_later(p, use->id);
			continue;
		}
		if (use->state == EBN_OUTSIDE_MOVED)
			settle(p, use);
		o->use[kept++] = *use;
	}
	o->n_use = kept;
}

static void tidy_later(struct ebn_policy *p)
{
	bool any = false;

	for (size_t i = 0; !any && i < p->outside.n_use; i++)
		any = p->outside.use[i].state != EBN_OUTSIDE_SETTLED;
	/* without memory it stays until the next commit */
	if (any && !p->outside.tidying)
		p->outside.tidying = !ebn_node_defer(p->nt, tidy, p, ebn_node_generation(p->nt));
}

static void carry_out(struct ebn_outside_plan *op)
{
	struct ebn_policy *p = op->p;
	size_t c = 0;

	for (size_t i = 0; i < op->n_use; i++) {
		if (op->use[i].id)
			continue;
		op->use[i].id = op->change[c].mid;
		ebn_local_put_later(p, op->change[c++].old);
	}
	free(p->outside.use);
	p->outside.use = EBN_TAKE_PTR(op->use);
	p->outside.n_use = op->n_use;
	tidy_later(p);
}

void ebn_outside_end(struct ebn_outside_plan *op, bool done)
{
	if (!op)
		return;
	if (done) {
		struct ebn_outside *o = &op->p->outside;
		char **pattern = o->pattern;
		size_t n = o->n_patterns;

		carry_out(op);
		o->pattern = op->pattern;
		o->n_patterns = op->n_patterns;
		op->pattern = pattern;
		op->n_patterns = n;
	} else {
		take_back(op);
	}
	for (size_t i = 0; i < op->n_patterns; i++)
		free(op->pattern[i]);
	free(op->pattern);
	free(op->change);
	free(op->use);
	ebn_marks_done(&op->marks);
	free(op);
}
