// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The worlds that the bench measures: they are what they are called, and tables that were changed step by step are the end's. */
#include "../unit/suite.h"

#include "../lib/scale.h"
#include "../unit/policy-arena.h"

#define SIZE (64u << 20)
#define IDENTITIES 600u
#define POLICIES 120u
#define SUBJECTS 60u
#define QUESTIONS 20000u

struct place {
	struct arena a;
	struct ebpfnet_policy_set *set;
	uint32_t ids[IDENTITIES], subs[SUBJECTS];
};

static uint64_t chance;

static uint32_t below(uint32_t n)
{
	return test_below(&chance, n);
}

static struct scale scale_of(enum scale_kind kind)
{
	struct scale s = { .kind = kind, .identities = IDENTITIES, .policies = POLICIES, .subjects = SUBJECTS,
			   .seed = test_seed() };

	chance = s.seed;
	return s;
}

static void place_open(struct place *p)
{
	memset(p, 0, sizeof(*p));
	ck_assert_int_eq(arena_new_for(&p->a, SIZE, 64), 0);
	ck_assert_int_eq(ebpfnet_policy_set_new(p->a.ctx, &p->set), 0);
}

static void place_close(struct place *p)
{
	ebpfnet_policy_set_free(p->set);
	arena_free(&p->a);
}

static void commit(struct place *p)
{
	ck_assert_int_eq(ebn_policy_commit(p->a.policy, p->set, NULL), 0);
	arena_grace(&p->a);
}

static void fill(const struct scale *s, struct place *p)
{
	place_open(p);
	ck_assert_int_eq(scale_fill(s, p->a.policy, p->set, p->ids, p->subs), 0);
	commit(p);
}

static struct ebpfnet_labels *labels(const struct scale *s, uint32_t i)
{
	struct ebpfnet_labels *l = NULL;

	ck_assert_int_eq(scale_labels(s, i, &l), 0);
	return l;
}

/* An identity and a port that rules speak of, or nearly. */
static void question(enum ebpfnet_direction *dir, uint32_t *sub, uint32_t *id, uint16_t *port)
{
	*dir = below(2) ? EBPFNET_EGRESS : EBPFNET_INGRESS;
	*sub = below(SUBJECTS);
	*id = below(IDENTITIES);
	*port = (uint16_t)(7998 + below(44));
}

/* Tables and explain() say the same. How many were allowed. */
static uint32_t agree(const struct scale *s, struct place *p)
{
	uint32_t n, allowed = 0, sub, id;

	for (n = 0; n < QUESTIONS; n++) {
		struct ebpfnet_policy_query q = { EBPFNET_OPTS_INIT(q), .protocol = 6 };
		struct ebpfnet_policy_answer table, want;
		struct ebpfnet_labels *l, *peer;

		question(&q.direction, &sub, &id, &q.port);
		q.subject = l = labels(s, sub);
		q.peer = peer = labels(s, id);
		sub = p->subs[sub];
		ck_assert_int_eq(ebn_policy_lookup(p->a.policy, sub, q.direction, p->ids[id], 6, q.port, &table), 0);
		ck_assert_int_eq(ebpfnet_policy_explain(p->set, &q, &want), 0);
		ck_assert_int_eq(table.verdict, want.verdict);
		ck_assert_uint_eq(table.rule, want.rule);
		ck_assert_str_eq(table.name, want.name);
		allowed += table.verdict == EBPFNET_VERDICT_ALLOW;
		ebpfnet_labels_unref(l);
		ebpfnet_labels_unref(peer);
	}
	return allowed;
}

/* How many classes the identities are in. */
static uint32_t classes(struct place *p)
{
	static bool seen[65536];
	uint32_t i, c, n = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < IDENTITIES; i++) {
		c = ebn_class_get(p->a.rows, p->ids[i]);
		n += !seen[c];
		seen[c] = true;
	}
	return n;
}

START_TEST(typical_shares_classes)
{
	struct scale s = scale_of(SCALE_TYPICAL);
	uint32_t allowed;
	struct place p;

	fill(&s, &p);
	/* what selectors cannot tell apart, ten versions of an application, is one */
	ck_assert_uint_le(classes(&p), scale_apps(&s) + 1);
	allowed = agree(&s, &p);
	ck_assert_uint_gt(allowed, QUESTIONS / 50);
	ck_assert_uint_lt(allowed, QUESTIONS - QUESTIONS / 50);
	place_close(&p);
}
END_TEST

START_TEST(all_distinct_shares_none)
{
	struct scale s = scale_of(SCALE_DISTINCT);
	struct place p;

	fill(&s, &p);
	ck_assert_uint_eq(classes(&p), IDENTITIES);
	agree(&s, &p);
	place_close(&p);
}
END_TEST

/* The longest prefix that covers the address is one in tables of overlapping ones, and means what explain() says of it. */
START_TEST(overlapping_cidrs_are_told_apart)
{
	struct scale s = scale_of(SCALE_OVERLAPPING);
	uint32_t n, inside = 0, longer = 0, decided = 0, sub, id;
	struct place p;

	fill(&s, &p);
	agree(&s, &p);
	for (n = 0; n < QUESTIONS; n++) {
		struct ebpfnet_policy_query q = { EBPFNET_OPTS_INIT(q), .protocol = 6 };
		uint32_t host = 0x0a000000u | below(1u << 24), a[4];
		struct ebpfnet_policy_answer table, want;
		struct ebn_prefix_value v = { 0 };
		struct ebpfnet_labels *l;
		struct ebpfnet_addr addr;
		uint32_t len = 0;
		char text[32];

		snprintf(text, sizeof(text), "%u.%u.%u.%u", host >> 24, host >> 16 & 255, host >> 8 & 255, host & 255);
		ck_assert_int_eq(ebpfnet_addr_parse(text, &addr), 0);
		memcpy(a, addr.b, sizeof(a));
		/* the fourth and the fifth rule of a policy of the application's */
		sub = below(SUBJECTS);
		q.direction = below(2) ? EBPFNET_EGRESS : EBPFNET_INGRESS;
		q.port = (uint16_t)(8000 + (sub * 3 + 3 + (q.direction == EBPFNET_EGRESS)) % 40);
		id = ebn_prefix_lookup(p.a.rows, a, &len, &v) ? EBN_ID_WORLD : v.identity;
		inside += len != 0;
		longer += len > 96 + 16;
		q.subject = l = labels(&s, sub);
		q.peer_addr = &addr;
		ck_assert_int_eq(ebn_policy_lookup(p.a.policy, p.subs[sub], q.direction, id, 6, q.port, &table), 0);
		ck_assert_int_eq(ebpfnet_policy_explain(p.set, &q, &want), 0);
		ck_assert_int_eq(table.verdict, want.verdict);
		ck_assert_str_eq(table.name, want.name);
		decided += want.rule != 0;
		ebpfnet_labels_unref(l);
	}
	/* they do lie within each other, and rules about them decide */
	ck_assert_uint_gt(inside, QUESTIONS / 2);
	ck_assert_uint_gt(longer, QUESTIONS / 100);
	ck_assert_uint_gt(decided, QUESTIONS / 100);
	place_close(&p);
}
END_TEST

/* ---- churn: the same answers as of a world that was the end from the beginning */

static void take(const struct scale *s, struct place *p, struct scale_step step)
{
	struct ebpfnet_labels *l;
	char name[32];
	int err;

	if (step.identity && step.gone) {
		ebn_policy_identity_put(p->a.policy, p->ids[step.i]);
		p->ids[step.i] = 0;
	} else if (step.identity) {
		l = labels(s, step.i);
		ck_assert_int_eq(ebn_policy_identity_get(p->a.policy, l, &p->ids[step.i]), 0);
		ebpfnet_labels_unref(l);
	} else {
		scale_policy_name(step.i, name);
		err = ebpfnet_policy_set_remove(p->set, name);
		ck_assert(!err || err == -ENOENT);
		if (!step.gone)
			ck_assert_int_eq(scale_policy(s, step.i, step.variant, p->set), 0);
		ck_assert_int_eq(ebn_policy_commit(p->a.policy, p->set, NULL), 0);
	}
	arena_grace(&p->a);
}

/* What is left of it, compiled at once. */
static void fresh(const struct scale *s, const struct scale_churn *c, struct place *p)
{
	struct ebpfnet_labels *l;
	uint32_t i;

	place_open(p);
	for (i = 0; i < IDENTITIES; i++) {
		l = labels(s, i);
		if (c->there[i])
			ck_assert_int_eq(ebn_policy_identity_get(p->a.policy, l, &p->ids[i]), 0);
		if (i < SUBJECTS)
			ck_assert_int_eq(ebn_policy_subject_get(p->a.policy, l, &p->subs[i]), 0);
		ebpfnet_labels_unref(l);
	}
	for (i = 0; i < POLICIES; i++)
		if (c->variant[i] != UINT32_MAX)
			ck_assert_int_eq(scale_policy(s, i, c->variant[i], p->set), 0);
	commit(p);
}

START_TEST(churn_ends_where_a_compile_begins)
{
	struct scale s = scale_of(SCALE_CHURN);
	struct ebpfnet_policy_answer a, b;
	uint32_t n, round, gone = 0, asked = 0, sub, id;
	enum ebpfnet_direction dir;
	struct scale_churn c;
	struct place p, q;
	uint16_t port;

	fill(&s, &p);
	ck_assert_int_eq(scale_churn_begin(&s, &c), 0);
	for (round = 0; round < 4; round++) {
		for (n = 0; n < 150; n++) {
			struct scale_step step = scale_churn_step(&s, &c);

			gone += step.gone;
			take(&s, &p, step);
		}
		ck_assert_int_eq(ebn_node_verify(p.a.nt), 0);
		fresh(&s, &c, &q);
		for (n = 0; n < QUESTIONS; n++) {
			question(&dir, &sub, &id, &port);
			if (!c.there[id])
				continue;
			ck_assert_int_eq(ebn_policy_lookup(p.a.policy, p.subs[sub], dir, p.ids[id], 6, port, &a), 0);
			ck_assert_int_eq(ebn_policy_lookup(q.a.policy, q.subs[sub], dir, q.ids[id], 6, port, &b), 0);
			ck_assert_int_eq(a.verdict, b.verdict);
			asked++;
		}
		place_close(&q);
	}
	ck_assert_uint_gt(gone, 100);
	ck_assert_uint_gt(asked, QUESTIONS);
	scale_churn_end(&c);
	place_close(&p);
}
END_TEST

START_TEST(a_world_is_the_same_each_time)
{
	struct scale s = scale_of(SCALE_CHURN);
	struct scale_churn c[2];
	unsigned int i;

	for (i = 0; i < SCALE_KINDS; i++)
		ck_assert_ptr_nonnull(scale_names[i]);
	ck_assert_int_eq(scale_churn_begin(&s, &c[0]), 0);
	ck_assert_int_eq(scale_churn_begin(&s, &c[1]), 0);
	for (i = 0; i < 1000; i++) {
		struct scale_step a = scale_churn_step(&s, &c[0]), b = scale_churn_step(&s, &c[1]);

		ck_assert(a.identity == b.identity && a.i == b.i && a.gone == b.gone && a.variant == b.variant);
		/* the first half is the endpoints' and stays */
		ck_assert(!a.identity || a.i >= IDENTITIES / 2);
	}
	scale_churn_end(&c[0]);
	scale_churn_end(&c[1]);
}
END_TEST

RUN_SUITE("model-scale", typical_shares_classes, all_distinct_shares_none, overlapping_cidrs_are_told_apart,
	  churn_ends_where_a_compile_begins, a_world_is_the_same_each_time)
