// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Rules are ranked twice: as they stand, and with the policies in audit refusing nothing. What the second way lets through and
 * the first does not is audited. Without policies in audit both are the same.
 */
#include "policy/rank.h"

static const uint8_t tier_order[] = {
	[EBPFNET_TIER_ADMIN] = 0, [EBPFNET_TIER_NORMAL] = 1, [EBPFNET_TIER_BASELINE] = 2,
};

/* In the normal tier: deny, auth, redirect, allow. */
static int strength(uint8_t action)
{
	switch ((enum ebpfnet_verdict)action) {
	case EBPFNET_VERDICT_DENY:
		return 0;
	case EBPFNET_VERDICT_AUTH:
		return 1;
	case EBPFNET_VERDICT_REDIRECT:
		return 2;
	default:
		return 3;
	}
}

static uint8_t soft_action(const struct ebn_ranked *r)
{
	return r->book->audit && r->rule->action != EBPFNET_VERDICT_PASS ? EBPFNET_VERDICT_ALLOW : r->rule->action;
}

/* action: of both, as they are asked. What is equal stays in the order of place, which is that of the set. */
static int order(const struct ebn_ranked *a, const struct ebn_ranked *b, uint8_t action_a, uint8_t action_b)
{
	int o = tier_order[a->book->tier] - tier_order[b->book->tier];

	if (o)
		return o;
	if (a->book->tier == EBPFNET_TIER_NORMAL)
		return strength(action_a) - strength(action_b);
	return a->book == b->book ? 0 : ebn_rulebook_order(a->book, b->book);
}

struct sorting {
	const struct ebn_ranked *rule;
	uint32_t place;
};

static int strictly(const void *a, const void *b)
{
	const struct sorting *x = a, *y = b;
	int o = order(x->rule, y->rule, x->rule->rule->action, y->rule->rule->action);

	return o ? o : (x->place > y->place) - (x->place < y->place);
}

static int softly(const void *a, const void *b)
{
	const struct sorting *x = a, *y = b;
	int o = order(x->rule, y->rule, soft_action(x->rule), soft_action(y->rule));

	return o ? o : (x->place > y->place) - (x->place < y->place);
}

static void ends(const struct ebn_ranking *rk, const uint32_t *rule, uint32_t n, struct ebn_order *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct ebn_rulebook *b = rk->rule[rule ? rule[i] : i].book;

		ret->admin_end += b->tier == EBPFNET_TIER_ADMIN;
		ret->normal_end += b->tier != EBPFNET_TIER_BASELINE;
	}
}

static int sort_strict(struct ebn_ranking *rk)
{
	_free_ struct sorting *list = ebn_calloc(rk->n, sizeof(*list));
	struct ebn_ranked *rule = ebn_calloc(rk->n, sizeof(*rule));

	if (!list || !rule) {
		free(rule);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rk->n; i++)
		list[i] = (struct sorting){ &rk->rule[i], i };
	if (rk->n)
		qsort(list, rk->n, sizeof(*list), strictly);
	for (uint32_t i = 0; i < rk->n; i++)
		rule[i] = *list[i].rule;
	free(rk->rule);
	rk->rule = rule;
	ends(rk, NULL, rk->n, &rk->strict);
	return 0;
}

/* The places of strict order say the order of the set among equals; what a policy in audit denies is left out. */
static int sort_soft(struct ebn_ranking *rk)
{
	_free_ struct sorting *list = NULL;

	for (uint32_t i = 0; i < rk->n; i++)
		rk->rule[i].soft = i;
	if (!rk->audit) {
		rk->soft = rk->strict;
		rk->n_soft = rk->n;
		return 0;
	}
	list = ebn_calloc(rk->n, sizeof(*list));
	rk->soft_rule = ebn_calloc(rk->n, sizeof(*rk->soft_rule));
	if (!list || !rk->soft_rule)
		return -ENOMEM;
	for (uint32_t i = 0; i < rk->n; i++) {
		rk->rule[i].soft = EBN_RANK_NONE;
		if (!rk->rule[i].book->audit || rk->rule[i].rule->action != EBPFNET_VERDICT_DENY)
			list[rk->n_soft++] = (struct sorting){ &rk->rule[i], i };
	}
	if (rk->n_soft)
		qsort(list, rk->n_soft, sizeof(*list), softly);
	for (uint32_t i = 0; i < rk->n_soft; i++) {
		rk->soft_rule[i] = list[i].place;
		rk->rule[list[i].place].soft = i;
	}
	ends(rk, rk->soft_rule, rk->n_soft, &rk->soft);
	return 0;
}

/* An entry that hangs on the subject is there for those it holds for. */
static bool holds(const struct ebn_table *t, const struct ebn_entry *e)
{
	for (uint32_t i = 0; e->cond && i < t->n_cond; i++)
		if (t->cond[i] == e)
			return true;
	return !e->cond;
}

static void add_policy(struct ebn_ranking *rk, const struct ebn_table *t, const struct ebn_inst *in)
{
	/* nobody asks the baseline */
	if (in->book->tier == EBPFNET_TIER_BASELINE && rk->soft.deny)
		return;
	for (uint32_t k = 0; k < in->n_entries; k++) {
		const struct ebn_entry *e = &in->entry[k];

		if (e->rule->direction == t->dir && holds(t, e))
			rk->rule[rk->n++] = (struct ebn_ranked){
				.entry = e, .rule = e->rule, .book = in->book,
				.col = in->col ? in->col + e->first : NULL,
				.ports = EBN_RANK_NONE,
			};
	}
}

int ebn_rank(const struct ebn_table *t, struct ebn_ranking *ret)
{
	struct ebn_ranking rk = { 0 };
	uint32_t n = 0;
	int err;

	for (uint32_t i = 0; i < t->n_inst; i++) {
		const struct ebn_rulebook *b = t->inst[i]->book;

		n += t->inst[i]->n_entries;
		rk.audit |= b->audit;
		rk.strict.deny |= b->default_deny[t->dir];
		rk.soft.deny |= b->default_deny[t->dir] && !b->audit;
	}
	rk.rule = ebn_calloc(n, sizeof(*rk.rule));
	if (!rk.rule)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->n_inst; i++)
		add_policy(&rk, t, t->inst[i]);
	err = sort_strict(&rk);
	if (!err)
		err = sort_soft(&rk);
	if (err < 0) {
		ebn_ranking_done(&rk);
		return err;
	}
	*ret = rk;
	return 0;
}

void ebn_ranking_done(struct ebn_ranking *rk)
{
	free(rk->rule);
	free(rk->soft_rule);
	*rk = (struct ebn_ranking){ 0 };
}
