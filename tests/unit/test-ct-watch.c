// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A watch against a list: what comes, changes and goes between two looks, and what a watch can miss. */
#include "conntrack/watch.h"
#include "ct-tables.h"

#define FLOWS 120

static struct ebn_flows tables[2];

struct told {
	unsigned int events[4][FLOWS];	/* by type and flow */
	unsigned int late, existing, n;
	uint64_t bytes[FLOWS];		/* of the last DESTROY */
};

/* The number of the flow, by its port. */
static unsigned int number(const struct ebn_ct_change *c)
{
	struct ebn_ct_walk walk = ct_walk(tables);
	struct ebpfnet_ct_entry e;

	ebn_ct_entry(&walk.view, &c->flow, c->v6, &e);
	ck_assert_uint_eq(e.dport, 80);
	ck_assert_uint_lt(e.sport - 1000u, FLOWS);
	return e.sport - 1000u;
}

static struct told look(struct ebn_ct_watch *w)
{
	struct ebn_ct_change c;
	struct told t;

	memset(&t, 0, sizeof(t));
	while (ebn_ct_watch_next(w, tables, &c)) {
		unsigned int n = number(&c);

		ck_assert_uint_lt(c.type, 4);
		t.events[c.type][n]++;
		t.late += !!(c.flags & EBPFNET_CT_EVENT_LATE);
		t.existing += !!(c.flags & EBPFNET_CT_EVENT_EXISTING);
		t.n++;
		if (c.type == EBPFNET_CT_EVENT_DESTROY)
			t.bytes[n] = c.flow.body.bytes[0] + c.flow.body.bytes[1];
	}
	return t;
}

static bool v6_of(unsigned int n)
{
	return n & 1;
}

static struct ebn_flow_copy flow(unsigned int n)
{
	return ct_flow(v6_of(n), n, 6, EBN_FS_ESTABLISHED, EBN_FF_PROVEN);
}

static void put(unsigned int n)
{
	struct ebn_flow_copy c = flow(n);

	ct_put(tables, v6_of(n), &c);
}

static void kill(unsigned int n, bool reap)
{
	struct ebn_flow_copy c = flow(n), got;

	ck_assert_int_eq(ebn_flow_lookup(&tables[v6_of(n)], &c.key, &got), 1);
	ck_assert_int_eq(ebn_flow_kill(&tables[v6_of(n)], &got), 1);
	if (reap)
		ebn_flow_reap(&tables[v6_of(n)]);
}

static struct ebn_flow_body *body(unsigned int n)
{
	struct ebn_flow_copy c = flow(n), got;
	const struct ebn_flows *t = &tables[v6_of(n)];

	ck_assert_int_eq(ebn_flow_lookup(t, &c.key, &got), 1);
	if (t->v6)
		return &((struct ebn_flow_set6 *)t->mem)[got.set].e[got.way].body;
	return &((struct ebn_flow_set4 *)t->mem)[got.set].e[got.way].body;
}

START_TEST(flows_come_change_and_go)
{
	struct ebn_ct_watch w;
	struct told t;

	ct_tables_make(tables, CT_SETS);
	put(1);
	put(2);
	ck_assert_int_eq(ebn_ct_watch_begin(&w, tables), 0);
	t = look(&w);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_uint_eq(t.existing, 2);
	put(3);
	t = look(&w);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_uint_eq(t.events[EBPFNET_CT_EVENT_NEW][3], 1);
	ck_assert_uint_eq(t.existing, 0);
	ck_assert_uint_eq(look(&w).n, 0);
	body(2)->ctl ^= EBN_CTL(0, EBN_FS_ESTABLISHED ^ EBN_FS_CLOSING, 0, 0);
	t = look(&w);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_uint_eq(t.events[EBPFNET_CT_EVENT_UPDATE][2], 1);
	/* the last counters, though nobody looked at them while it lived */
	body(2)->bytes[0] = 1000000;
	body(2)->bytes[1] = 1;
	body(3)->bytes[0] = 2000000;
	body(3)->bytes[1] = 2;
	kill(2, false);
	kill(3, true);
	t = look(&w);
	ck_assert_uint_eq(t.n, 2);
	ck_assert_uint_eq(t.late, 0);
	ck_assert_uint_eq(t.bytes[2], 1000001);
	ck_assert_uint_eq(t.bytes[3], 2000002);
	ebn_flow_reap(&tables[0]);
	ck_assert_uint_eq(look(&w).n, 0);
	/* came and went, and its place says so still */
	put(4);
	kill(4, false);
	t = look(&w);
	ck_assert_uint_eq(t.events[EBPFNET_CT_EVENT_NEW][4], 1);
	ck_assert_uint_eq(t.events[EBPFNET_CT_EVENT_DESTROY][4], 1);
	ck_assert_uint_eq(w.missed, 0);
	/* freed: its place says only that there was one */
	put(6);
	kill(6, true);
	ck_assert_uint_eq(look(&w).n, 0);
	ck_assert_uint_eq(w.missed, 1);
	ebn_ct_watch_end(&w);
	ct_tables_free(tables);
}
END_TEST

/* Every flow that was told of comes once and goes once; those that were not are counted. */
START_TEST(random_lives_add_up)
{
	uint64_t seed = test_seed(), born = 0, told_new = 0;
	unsigned int round, i, n;
	bool alive[FLOWS] = { false }, known[FLOWS] = { false };
	struct ebn_ct_watch w;

	ct_tables_make(tables, CT_SETS);
	ck_assert_int_eq(ebn_ct_watch_begin(&w, tables), 0);
	look(&w);
	for (round = 0; round < 300; round++) {
		struct told t;

		for (i = test_below(&seed, 60); i; i--) {
			n = test_below(&seed, FLOWS);
			if (alive[n]) {
				kill(n, test_below(&seed, 2));
			} else {
				put(n);
				born++;
			}
			alive[n] = !alive[n];
		}
		t = look(&w);
		for (n = 0; n < FLOWS; n++) {
			unsigned int new = t.events[EBPFNET_CT_EVENT_NEW][n];
			unsigned int gone = t.events[EBPFNET_CT_EVENT_DESTROY][n];

			told_new += new;
			/* as often gone as come, but for the one that is alive */
			ck_assert_uint_eq(known[n] + new, gone + alive[n]);
			known[n] = alive[n];
		}
	}
	ck_assert_uint_gt(w.missed, 0);
	ck_assert_uint_eq(told_new + w.missed, born);
	ebn_ct_watch_end(&w);
	ct_tables_free(tables);
}
END_TEST

START_TEST(a_watch_follows_to_other_tables)
{
	struct ebn_flows old[2];
	struct ebn_ct_watch w;
	struct told t;
	unsigned int i;

	ct_tables_make(tables, CT_SETS);
	for (i = 0; i < 50; i++)
		put(i);
	ck_assert_int_eq(ebn_ct_watch_begin(&w, tables), 0);
	ck_assert_uint_eq(look(&w).n, 50);
	memcpy(old, tables, sizeof(old));
	ct_tables_make(tables, CT_SETS * 4);
	/* 10 did not make it, 5 are new */
	for (i = 10; i < 55; i++)
		put(i);
	ck_assert_int_eq(ebn_ct_watch_follow(&w, tables), 0);
	t = look(&w);
	ck_assert_uint_eq(t.n, 15);
	ck_assert_uint_eq(t.late, 10);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(t.events[EBPFNET_CT_EVENT_DESTROY][i], 1);
	for (i = 50; i < 55; i++)
		ck_assert_uint_eq(t.events[EBPFNET_CT_EVENT_NEW][i], 1);
	ck_assert_uint_eq(look(&w).n, 0);
	ck_assert_uint_eq(w.missed, 0);
	ebn_ct_watch_end(&w);
	ct_tables_free(tables);
	ct_tables_free(old);
}
END_TEST

RUN_SUITE("ct-watch", flows_come_change_and_go, random_lives_add_up, a_watch_follows_to_other_tables)
