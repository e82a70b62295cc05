// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Flow tables in user space: random operations against a naive model, sizes, expiry, adoption. */
#include <pthread.h>

#include "suite.h"
#include "tables/flow.h"
#include "tables/flow_internal.h"

#define KEYS 4096
#define SETS 1024

struct world {
	struct ebn_flows t;
	bool there[KEYS];
	uint32_t aux[KEYS];
};

static void world_new(struct world *w, bool v6, uint32_t sets)
{
	memset(w, 0, sizeof(*w));
	w->t.mask = sets - 1;
	w->t.v6 = v6;
	w->t.seed[0] = 0x1234567;
	w->t.seed[1] = 0xabcdef;
	ck_assert_int_eq(posix_memalign(&w->t.mem, EBN_LINE, ebn_flow_bytes(sets, v6)), 0);
	memset(w->t.mem, 0, ebn_flow_bytes(sets, v6));
}

static struct ebn_flow_copy flow(bool v6, uint32_t n, uint8_t proto, uint8_t state, uint32_t seen)
{
	struct ebn_flow_copy c;

	memset(&c, 0, sizeof(c));
	if (v6) {
		c.key.v6.addr[0][3] = n;
		c.key.v6.addr[1][0] = ~n;
		c.key.v6.proto = proto;
	} else {
		c.key.v4.addr[0] = n;
		c.key.v4.addr[1] = ~n;
		c.key.v4.proto = proto;
	}
	c.body.ctl = EBN_CTL(77, state, 0, n);
	c.body.seen = seen;
	c.body.bytes[1] = n * 3ULL;
	return c;
}

static void random_operations(bool v6, uint64_t *rnd)
{
	struct ebn_flow_copy c, got;
	struct world w;
	uint64_t pos;
	uint32_t n, i, live;
	int res;

	world_new(&w, v6, SETS);
	for (i = 0; i < 200000; i++) {
		n = test_below(rnd, KEYS);
		c = flow(v6, n, 6, EBN_FS_ESTABLISHED, i);
		c.body.aux = i;
		switch (test_below(rnd, 4)) {
		case 0:
			res = ebn_flow_import(&w.t, &c);
			ck_assert_int_eq(res, !w.there[n]);
			if (res)
				w.aux[n] = i;
			w.there[n] = true;
			break;
		case 1:
			res = ebn_flow_lookup(&w.t, &c.key, &got);
			ck_assert_int_eq(res, w.there[n]);
			if (!res)
				break;
			ck_assert_int_eq(ebn_flow_kill(&w.t, &got), 1);
			/* a copy is good for one kill */
			ck_assert_int_eq(ebn_flow_kill(&w.t, &got), 0);
			w.there[n] = false;
			break;
		case 2:
			res = ebn_flow_lookup(&w.t, &c.key, &got);
			ck_assert_int_eq(res, w.there[n]);
			if (res) {
				ck_assert_uint_eq(got.body.aux, w.aux[n]);
				ck_assert_uint_eq(got.body.bytes[1], n * 3ULL);
				ck_assert_uint_eq(EBN_CTL_SEQ(got.body.ctl), EBN_TAG_SEQ(got.tag) & 0xffff);
			}
			break;
		default:
			if (test_below(rnd, 64) == 0)
				ebn_flow_reap(&w.t);
		}
	}
	for (pos = 0, live = 0; ebn_flow_next(&w.t, &pos, &got); live++) {
		n = EBN_CTL_EPOCH(got.body.ctl);
		ck_assert_uint_lt(n, KEYS);
		ck_assert(w.there[n]);
		w.there[n] = false;
	}
	for (n = 0; n < KEYS; n++)
		ck_assert_msg(!w.there[n], "key %u was lost", n);
	ck_assert_uint_gt(live, 0);
	free(w.t.mem);
}

START_TEST(agrees_with_the_naive_model)
{
	uint64_t rnd = test_seed();

	random_operations(false, &rnd);
	random_operations(true, &rnd);
}
END_TEST

START_TEST(sizes_hold_what_they_promise)
{
	ck_assert_uint_eq(ebn_flow_sets(0), EBN_FLOW_SETS_MIN);
	ck_assert_uint_eq(ebn_flow_sets(524288), 131072);
	ck_assert_uint_eq(ebn_flow_sets(65536), 16384);
	ck_assert_uint_eq(ebn_flow_sets(UINT32_MAX), EBN_FLOW_SETS_MAX);
	ck_assert_uint_eq(ebn_flow_bytes(131072, false), 75497472);
	ck_assert_uint_eq(ebn_flow_bytes(16, true), 16 * 832);
}
END_TEST

START_TEST(a_full_set_gives_up_only_what_is_half_open)
{
	struct ebn_flow_copy c, got;
	struct world w;
	uint32_t i, in = 0;

	world_new(&w, false, EBN_FLOW_SETS_MIN);
	/* half-open imports never push anything out */
	for (i = 0; i < 1000; i++) {
		c = flow(false, i, 6, EBN_FS_HALF_OPEN, i);
		in += ebn_flow_import(&w.t, &c) == 1;
	}
	ck_assert_uint_gt(in, 100);
	for (i = 0; i < 1000 && in; i++) {
		c = flow(false, 5000 + i, 6, EBN_FS_ESTABLISHED, i);
		if (ebn_flow_import(&w.t, &c) == -ENOSPC)
			break;
	}
	ck_assert_uint_ge(i, 100);
	for (uint32_t k = 0; k < i; k++) {
		c = flow(false, 5000 + k, 6, EBN_FS_ESTABLISHED, 0);
		ck_assert_msg(ebn_flow_lookup(&w.t, &c.key, &got) == 1, "established flow %u was given up", k);
	}
	free(w.t.mem);
}
END_TEST

static void count_done(const struct ebn_flow_copy *c, void *arg)
{
	ck_assert_uint_eq(EBN_TAG_STATE(c->tag), EBN_TAG_LIVE);
	(*(unsigned int *)arg)++;
}

START_TEST(sweeps_what_expired_in_slices)
{
	static const uint32_t idle[8] = { 10, 20, 30, 40, 50, 60, 70, 80 };
	unsigned int done = 0, rounds = 0;
	struct ebn_sweep s = { .now = 1000, .idle_ticks = idle, .done = count_done, .arg = &done };
	struct ebn_flow_copy c, got;
	uint64_t pos = 0, killed = 0;
	struct world w;

	world_new(&w, true, SETS);
	c = flow(true, 1, 6, EBN_FS_ESTABLISHED, 970);	/* exactly at its limit: stays */
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	c = flow(true, 2, 6, EBN_FS_ESTABLISHED, 969);
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	c = flow(true, 3, 6, EBN_FS_HALF_OPEN, 980);
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	c = flow(true, 4, 17, EBN_FS_ESTABLISHED, 951);
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	c = flow(true, 5, 58, EBN_FS_REPLIED, 900);
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	c = flow(true, 6, 47, EBN_FS_REPLIED, 1005);	/* seen after the clock was read: stays */
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	do {
		killed += ebn_flow_sweep(&w.t, &s, &pos, 1000);
		rounds++;
	} while (pos);
	ck_assert_uint_eq(rounds, 9);
	ck_assert_uint_eq(killed, 3);
	ck_assert_uint_eq(done, 3);
	ck_assert_uint_eq(s.live, 6);
	ck_assert_uint_eq(s.half_open, 1);
	c = flow(true, 1, 6, 0, 0);
	ck_assert_int_eq(ebn_flow_lookup(&w.t, &c.key, &got), 1);
	c = flow(true, 2, 6, 0, 0);
	ck_assert_int_eq(ebn_flow_lookup(&w.t, &c.key, &got), 0);
	ck_assert_uint_eq(ebn_flow_reap(&w.t), 3);
	ck_assert_uint_eq(ebn_flow_reap(&w.t), 0);
	free(w.t.mem);
}
END_TEST

START_TEST(a_sweep_counts_places_by_owner)
{
	static const uint32_t idle[8] = { 10, 10, 10, 10, 10, 10, 10, 10 };
	uint32_t owned[40] = { 0 }, want[40] = { 0 }, row[2], owner;
	struct ebn_sweep s = { .now = 1000, .idle_ticks = idle, .owned = owned, .n_owned = 30 };
	uint64_t seed = test_seed(), pos = 0;
	struct ebn_flow_copy c;
	unsigned int i, hi;
	struct world w;

	world_new(&w, false, SETS);
	for (i = 1; i <= 500; i++) {
		row[0] = test_below(&seed, 3) ? test_below(&seed, 40) : 0;
		row[1] = test_below(&seed, 3) ? test_below(&seed, 40) : 0;
		hi = test_below(&seed, 2);
		c = flow(false, i, 6, EBN_FS_ESTABLISHED, test_below(&seed, 4) ? 995 : 900);
		c.body.ctl = EBN_CTL(0, EBN_FS_ESTABLISHED, hi ? EBN_FF_INIT_HI : 0, 0);
		c.body.row[0] = (uint16_t)row[0];
		c.body.row[1] = (uint16_t)row[1];
		ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
		owner = row[hi] ? row[hi] : row[!hi];
		want[owner] += c.body.seen == 995;
	}
	do {
		ebn_flow_sweep(&w.t, &s, &pos, 77);
	} while (pos);
	/* those from 30 on were not asked for */
	for (i = 0; i < 40; i++)
		ck_assert_uint_eq(owned[i], i < 30 ? want[i] : 0);
	free(w.t.mem);
}
END_TEST

/* A layout with the words anywhere. */
static struct ebn_flow_layout any_layout(uint64_t *seed)
{
	struct ebn_flow_layout l;
	uint32_t taken, at;
	int v6, i;

	memset(&l, 0, sizeof(l));
	memset(l.at, EBN_FLOW_NOWHERE, sizeof(l.at));
	for (v6 = 0; v6 < 2; v6++) {
		l.words[v6] = (uint8_t)(12 + test_below(seed, EBN_FLOW_ENTRY_MAX - 11));
		taken = 0;
		for (i = 0; i < EBN_FLOW_WORDS; i++) {
			if (!v6 && i >= EBN_FW_KEY + 2 && i < EBN_FW_CTL)
				continue;
			do {
				at = test_below(seed, l.words[v6]);
			} while (taken & 1U << at);
			taken |= 1U << at;
			l.at[v6][i] = (uint8_t)at;
		}
	}
	return l;
}

START_TEST(a_table_of_any_layout_is_the_same_table)
{
	static const uint32_t idle[8] = { 10, 10, 10, 10, 10, 10, 10, 10 };
	struct ebn_sweep s = { .now = 1000, .idle_ticks = idle };
	uint64_t seed = test_seed(), pos;
	struct ebn_flow_copy c, a, b;
	struct ebn_flows other;
	unsigned int i, v6, n;
	struct world w;

	for (v6 = 0; v6 < 2; v6++) {
		world_new(&w, v6, SETS);
		other = w.t;
		other.layout = any_layout(&seed);
		ck_assert(ebn_flow_layout_valid(&other.layout));
		other.mem = calloc(1, ebn_flow_layout_bytes(&other.layout, SETS, v6));
		ck_assert_ptr_nonnull(other.mem);
		for (i = 0; i < 3000; i++) {
			c = flow(v6, 1 + test_below(&seed, 1500), 6, (uint8_t)(1 + test_below(&seed, 5)),
				 test_below(&seed, 4) ? 995 : 900);
			c.body.bytes[0] = test_random(&seed);
			c.body.bytes[1] = test_random(&seed);
			c.body.packets[0] = (uint32_t)test_random(&seed);
			c.body.packets[1] = (uint32_t)test_random(&seed);
			c.body.row[test_below(&seed, 2)] = (uint16_t)test_random(&seed);
			c.body.decision = (uint16_t)test_random(&seed);
			c.body.aux = (uint32_t)test_random(&seed);
			ck_assert_int_eq(ebn_flow_import(&w.t, &c), ebn_flow_import(&other, &c));
			if (!test_below(&seed, 5) && ebn_flow_lookup(&w.t, &c.key, &a)) {
				ck_assert_int_eq(ebn_flow_lookup(&other, &c.key, &b), 1);
				ck_assert_int_eq(ebn_flow_kill(&w.t, &a), ebn_flow_kill(&other, &b));
			}
		}
		pos = 0;
		ck_assert_uint_gt(ebn_flow_sweep(&w.t, &s, &pos, 0), 0);
		n = (unsigned int)s.live;
		pos = 0;
		ck_assert_uint_gt(ebn_flow_sweep(&other, &s, &pos, 0), 0);
		ck_assert_uint_eq(s.live, 2 * n);
		ck_assert_uint_eq(ebn_flow_reap(&w.t), ebn_flow_reap(&other));
		for (n = 0, pos = 0; ebn_flow_next(&w.t, &pos, &a) == 1; n++) {
			ck_assert_int_eq(ebn_flow_lookup(&other, &a.key, &b), 1);
			ck_assert_mem_eq(&a, &b, sizeof(a));
		}
		for (pos = 0; ebn_flow_next(&other, &pos, &b) == 1; n--)
			;
		ck_assert_uint_eq(n, 0);
		s.live = 0;
		free(other.mem);
		free(w.t.mem);
	}
}
END_TEST

START_TEST(layouts_that_are_none_are_refused)
{
	uint64_t seed = test_seed();
	struct ebn_flow_layout l, good = any_layout(&seed);

	ck_assert(ebn_flow_layout_valid(&ebn_flow_layout_here));
	memset(&l, 0, sizeof(l));
	ck_assert(!ebn_flow_layout_valid(&l));
	l = good;
	l.words[1] = EBN_FLOW_ENTRY_MAX + 1;
	ck_assert(!ebn_flow_layout_valid(&l));
	l = good;
	l.at[1][3] = l.words[1];
	ck_assert(!ebn_flow_layout_valid(&l));
	l = good;
	l.at[1][EBN_FW_CTL] = EBN_FLOW_NOWHERE;
	ck_assert(!ebn_flow_layout_valid(&l));
	l = good;
	l.at[0][EBN_FW_KEY + 2] = 0;
	ck_assert(!ebn_flow_layout_valid(&l));
	l = good;
	l.at[0][EBN_FW_SEEN] = l.at[0][EBN_FW_CTL];
	ck_assert(!ebn_flow_layout_valid(&l));
	l = good;
	l.reserved[5] = 1;
	ck_assert(!ebn_flow_layout_valid(&l));
}
END_TEST

START_TEST(adoption_frees_what_a_killed_writer_claimed)
{
	struct ebn_flow_copy c;
	struct world w;

	world_new(&w, false, SETS);
	c = flow(false, 1, 6, EBN_FS_ESTABLISHED, 0);
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 1);
	*ebn_flow_tag(&w.t, 3, 4) = EBN_TAG(9, 7, EBN_TAG_UCLAIM);
	*ebn_flow_tag(&w.t, 3, 5) = EBN_TAG(9, 7, EBN_TAG_CLAIM);
	ck_assert_uint_eq(ebn_flow_adopt(&w.t), 1);
	ck_assert_uint_eq(*ebn_flow_tag(&w.t, 3, 4), EBN_TAG(0, 7, EBN_TAG_FREE));
	/* a program may be in the middle of this one */
	ck_assert_uint_eq(*ebn_flow_tag(&w.t, 3, 5), EBN_TAG(9, 7, EBN_TAG_CLAIM));
	ck_assert_int_eq(ebn_flow_import(&w.t, &c), 0);
	free(w.t.mem);
}
END_TEST

/* ---- threads: everybody at one small table ---- */

#define THREAD_KEYS 300u

struct party {
	struct ebn_flows *t;
	uint64_t rnd;
	uint64_t stop_ns;
	uint64_t done, bad;
};

/* Every word of an entry follows from its number. */
static bool whole(const struct ebn_flow_copy *c)
{
	uint32_t n = c->key.v4.addr[0];

	return c->key.v4.addr[1] == ~n && EBN_CTL_EPOCH(c->body.ctl) == n && c->body.bytes[1] == n * 3ULL &&
	       c->body.aux == n + 7 && !((EBN_CTL_SEQ(c->body.ctl) ^ EBN_TAG_SEQ(c->tag)) & 0x7fff);
}

static void *party_import(void *arg)
{
	struct party *p = arg;

	while (ebn_monotonic_ns() < p->stop_ns) {
		uint32_t n = test_below(&p->rnd, THREAD_KEYS);
		struct ebn_flow_copy c = flow(false, n, 6, n % 2 ? EBN_FS_HALF_OPEN : EBN_FS_ESTABLISHED, n);

		c.body.aux = n + 7;
		p->done += ebn_flow_import(p->t, &c) == 1;
	}
	return NULL;
}

static void *party_read(void *arg)
{
	struct party *p = arg;
	struct ebn_flow_copy c, want;
	uint64_t pos;
	int i;

	while (ebn_monotonic_ns() < p->stop_ns) {
		for (i = 0; i < 100; i++) {
			want = flow(false, test_below(&p->rnd, THREAD_KEYS), 6, EBN_FS_ESTABLISHED, 0);
			if (!ebn_flow_lookup(p->t, &want.key, &c))
				continue;
			p->bad += !whole(&c) || memcmp(&c.key, &want.key, sizeof(c.key.v4));
			if (test_below(&p->rnd, 3) == 0)
				p->done += (uint64_t)ebn_flow_kill(p->t, &c);
		}
		for (pos = 0; ebn_flow_next(p->t, &pos, &c);)
			p->bad += !whole(&c);
		ebn_flow_reap(p->t);
	}
	return NULL;
}

START_TEST(threads_see_whole_entries)
{
	void *(*const run[4])(void *) = { party_import, party_import, party_read, party_read };
	uint64_t rnd = test_seed(), pos = 0;
	bool seen[THREAD_KEYS] = { false };
	struct ebn_flow_copy c;
	struct party p[4];
	pthread_t id[4];
	struct world w;
	int i;

	world_new(&w, false, 32);
	for (i = 0; i < 4; i++) {
		p[i] = (struct party){ .t = &w.t, .rnd = test_random(&rnd),
				       .stop_ns = ebn_monotonic_ns() + 300000000ULL };
		ck_assert_int_eq(pthread_create(&id[i], NULL, run[i], &p[i]), 0);
	}
	for (i = 0; i < 4; i++)
		pthread_join(id[i], NULL);
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(p[i].bad, 0);
		ck_assert_uint_gt(p[i].done, 0);
	}
	while (ebn_flow_next(&w.t, &pos, &c)) {
		ck_assert(whole(&c));
		ck_assert_msg(!seen[c.key.v4.addr[0]], "key %u twice", c.key.v4.addr[0]);
		seen[c.key.v4.addr[0]] = true;
	}
	/* nobody was killed, so nobody left a claim */
	ck_assert_uint_eq(ebn_flow_adopt(&w.t), 0);
	free(w.t.mem);
}
END_TEST

RUN_SUITE("flow-table", agrees_with_the_naive_model, sizes_hold_what_they_promise,
	  a_full_set_gives_up_only_what_is_half_open, sweeps_what_expired_in_slices, a_sweep_counts_places_by_owner,
	  a_table_of_any_layout_is_the_same_table, layouts_that_are_none_are_refused,
	  adoption_frees_what_a_killed_writer_claimed, threads_see_whole_entries)
