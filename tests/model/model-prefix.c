// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random prefixes of both families against a list that is searched from end to end. They are drawn close to each other, so that
 * they nest, part in the middle of a node and hide one another; they come, change and go, and the tables are taken over as
 * after a restart, also with a writer's last step half done. OPS in the environment is the number of changes.
 */
#include "../unit/suite.h"
#include "tables/rows_prefix.h"

#define SIZE (8u << 20)
#define N 700u

struct prefix {
	uint32_t addr[4], len;
	struct ebn_prefix_value v;
	bool there;
};

static struct prefix m[N];
static uint8_t *mem;
static struct ebn_node *nt;
static struct ebn_rows *rows;
static uint64_t seed;
static unsigned int live;

static void open_tables(void)
{
	ck_assert_int_eq(ebn_node_open(mem, SIZE, NULL, &nt), 0);
	ck_assert_int_eq(ebn_rows_open(nt, 16, NULL, &rows), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
}

static void close_tables(void)
{
	ebn_rows_free(rows);
	ebn_node_free(nt);
}

static void grace(void)
{
	if (ebn_node_grace_cut(nt))
		ebn_node_grace_done(nt);
}

static void flip(uint32_t addr[4], uint32_t bit)
{
	((uint8_t *)addr)[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

/* One of eight addresses of a family, a few bits changed. */
static void draw_addr(uint32_t addr[4])
{
	bool v4 = test_below(&seed, 2);
	uint32_t base = test_below(&seed, 8), n = test_below(&seed, 4);

	addr[0] = v4 ? 0 : base * 0x01010101;
	addr[1] = v4 ? 0 : ~base;
	addr[2] = v4 ? 0xffff0000 : base << 30;
	addr[3] = base * 2654435761u;
	while (n--)
		flip(addr, v4 ? 96 + test_below(&seed, 32) : test_below(&seed, 128));
}

static uint32_t least_len(const uint32_t addr[4])
{
	return !addr[0] && !addr[1] && addr[2] == 0xffff0000 ? 96 : 0;
}

static void mask(uint32_t addr[4], uint32_t len)
{
	uint32_t bit;

	for (bit = len; bit < 128; bit++)
		((uint8_t *)addr)[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
}

static bool covers(const struct prefix *p, const uint32_t addr[4])
{
	uint32_t a[4];

	/* ::/0 is not a prefix of IPv4 */
	if (!least_len(p->addr) != !least_len(addr) && p->len < 128)
		return false;
	memcpy(a, addr, sizeof(a));
	mask(a, p->len);
	return !memcmp(a, p->addr, sizeof(a));
}

static const struct prefix *naive(const uint32_t addr[4])
{
	const struct prefix *best = NULL;
	unsigned int i;

	for (i = 0; i < N; i++)
		if (m[i].there && covers(&m[i], addr) && (!best || m[i].len > best->len))
			best = &m[i];
	return best;
}

static void ask(const uint32_t addr[4])
{
	const struct prefix *want = naive(addr);
	struct ebn_prefix_value v;
	uint32_t len = 0;
	int err = ebn_prefix_lookup(rows, addr, &len, &v);

	ck_assert_int_eq(err, want ? 0 : -ENOENT);
	if (!want)
		return;
	ck_assert_uint_eq(len, want->len);
	ck_assert_int_eq(memcmp(&v, &want->v, sizeof(v)), 0);
}

static void ask_near(const struct prefix *p)
{
	uint32_t addr[4];

	memcpy(addr, p->addr, sizeof(addr));
	ask(addr);
	flip(addr, 64 + test_below(&seed, 64));
	ask(addr);
	draw_addr(addr);
	ask(addr);
}

static struct prefix *find(const uint32_t addr[4], uint32_t len)
{
	unsigned int i;

	for (i = 0; i < N; i++)
		if (m[i].there && m[i].len == len && !memcmp(m[i].addr, addr, 16))
			return &m[i];
	return NULL;
}

static struct ebn_prefix_value draw_value(void)
{
	return (struct ebn_prefix_value){ .identity = 1 + test_below(&seed, 100000), .peer = test_below(&seed, 5),
					  .owner = (uint16_t)test_below(&seed, 4) };
}

static void change(struct prefix *p)
{
	struct prefix q = { .v = draw_value() }, *same;
	uint32_t least;

	if (p->there) {
		if (test_below(&seed, 4)) {
			ck_assert_int_eq(ebn_prefix_del(rows, p->addr, p->len), 0);
			ck_assert_int_eq(ebn_prefix_del(rows, p->addr, p->len), -ENOENT);
			p->there = false;
			live--;
		} else {
			p->v = q.v;
			ck_assert_int_eq(ebn_prefix_set(rows, p->addr, p->len, &p->v), 0);
		}
		return;
	}
	draw_addr(q.addr);
	least = least_len(q.addr);
	q.len = least + test_below(&seed, 129 - least);
	ck_assert_int_eq(ebn_prefix_set(rows, q.addr, q.len, &q.v), 0);
	mask(q.addr, q.len);
	/* masked it may have left the mapped range, or become one that is there */
	same = find(q.addr, q.len);
	if (same) {
		same->v = q.v;
		return;
	}
	q.there = true;
	*p = q;
	live++;
}

static int see(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *v, void *arg)
{
	const struct prefix *p = find(addr, len);

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(memcmp(&p->v, v, sizeof(*v)), 0);
	++*(unsigned int *)arg;
	return 0;
}

static void compare(void)
{
	struct ebn_prefix_value v;
	unsigned int i, n = 0;

	ck_assert_uint_eq(ebn_prefix_count(rows), live);
	ck_assert_int_eq(ebn_prefix_foreach(rows, see, &n), 0);
	ck_assert_uint_eq(n, live);
	n = 0;
	ck_assert_int_eq(ebn_rows_read_prefixes(mem, SIZE, see, &n), 0);
	ck_assert_uint_eq(n, live);
	for (i = 0; i < N; i++) {
		if (m[i].there) {
			ck_assert_int_eq(ebn_prefix_get(rows, m[i].addr, m[i].len, &v), 0);
			ck_assert_int_eq(memcmp(&v, &m[i].v, sizeof(v)), 0);
		}
		ask_near(&m[i]);
	}
	ck_assert_int_eq(ebn_node_verify(nt), 0);
}

/* What a writer that was killed leaves: a record that says it is gone and still stands in slots, one that stands in some only. */
static void tear(void)
{
	struct prefix *p = &m[test_below(&seed, N)];
	struct ebn_prefix_slot *s;
	struct ebn_px_key k, at;
	uint32_t rec, node;

	if (!p->there)
		return;
	k = ebn_px_key(p->addr, p->len);
	rec = ebn_px_find(rows, k);
	ck_assert_uint_ne(rec, 0);
	if (test_below(&seed, 2)) {
		ebn_px_rec(rows, rec)->state = EBN_PX_GONE;
		p->there = false;
		live--;
	}
	for (node = 1; node < rows->px->node.cap; node++) {
		at = rows->px->key[node];
		if (rows->px->node.place[node] != EBN_PLACE_LIVE && node > EBN_PX_ROOT6)
			continue;
		if (ebn_px_common(k, at) != at.len || k.len < at.len || k.len > at.len + 3)
			continue;
		s = &ebn_px_node(rows, node)->s[ebn_px_nibble(k, at.len)];
		if (s->rec == rec && p->there && k.len < at.len + 3)
			s->rec = 0;
	}
}

static unsigned int ops(void)
{
	const char *text = getenv("OPS");

	return text ? (unsigned int)strtoul(text, NULL, 0) : 20000;
}

static void make(void)
{
	static const uint64_t flow_seed[2] = { 1, 2 };

	seed = test_seed();
	live = 0;
	memset(m, 0, sizeof(m));
	mem = aligned_alloc(4096, SIZE);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, SIZE);
	ck_assert_int_eq(ebn_node_format(mem, SIZE, flow_seed), 0);
	open_tables();
}

START_TEST(against_a_list)
{
	unsigned int i, n = ops(), most;
	uint64_t used = 0;

	make();
	for (i = 0; i < n; i++) {
		/* few, many, and none at all in turn */
		most = i / 4000 % 3 == 0 ? 20 : N;
		change(&m[test_below(&seed, most)]);
		ask_near(&m[test_below(&seed, N)]);
		if (!test_below(&seed, 20))
			grace();
		if (test_below(&seed, 2500))
			continue;
		compare();
		if (test_below(&seed, 2))
			tear();
		close_tables();
		open_tables();
		compare();
	}
	for (i = 0; i < N; i++)
		if (m[i].there)
			change(&m[i--]);
	for (i = 0; i < 3; i++)
		grace();
	compare();
	ck_assert_uint_eq(live, 0);
	/* nothing but the roots is in use, so that the same again takes no more space */
	ck_assert_uint_eq(rows->px->node.n_free, rows->px->node.cap - 3);
	ck_assert_uint_eq(rows->px->rec.n_free, rows->px->rec.cap - 1);
	used = ebn_node_used(nt);
	close_tables();
	open_tables();
	ck_assert_uint_eq(ebn_node_used(nt), used);
	close_tables();
	free(mem);
}
END_TEST

/* A hundred and twenty-nine prefixes of one address, put in and taken out in a random order. */
START_TEST(deepest_nest)
{
	struct ebn_prefix_value v = { .identity = 7 };
	uint32_t addr[4] = { 0x20010db8, 0x01020304, 0x05060708, 0xffffffff };
	uint32_t order[129], i, j, t;

	make();
	for (i = 0; i <= 128; i++)
		order[i] = i;
	for (i = 0; i <= 128; i++) {
		j = test_below(&seed, 129);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i <= 128; i++) {
		memcpy(m[order[i]].addr, addr, sizeof(addr));
		mask(m[order[i]].addr, order[i]);
		m[order[i]].len = order[i];
		m[order[i]].there = true;
		v.identity = 1 + order[i];
		m[order[i]].v = v;
		ck_assert_int_eq(ebn_prefix_set(rows, addr, order[i], &v), 0);
		live++;
		ask(addr);
	}
	compare();
	close_tables();
	open_tables();
	compare();
	for (i = 0; i <= 128; i++) {
		ck_assert_int_eq(ebn_prefix_del(rows, addr, order[i]), 0);
		m[order[i]].there = false;
		live--;
		ask(addr);
		if (i % 10 == 0)
			grace();
	}
	compare();
	close_tables();
	free(mem);
}
END_TEST

START_TEST(refuses_and_fills_up)
{
	struct ebn_prefix_value v = { .identity = 300 }, none = { 0 };
	uint32_t addr[4] = { 0 }, i, before, n = 0;
	uint32_t *epoch;
	int err = 0;

	make();
	ck_assert_int_eq(ebn_prefix_set(rows, NULL, 0, &v), -EINVAL);
	ck_assert_int_eq(ebn_prefix_set(rows, addr, 129, &v), -EINVAL);
	ck_assert_int_eq(ebn_prefix_set(rows, addr, 0, NULL), -EINVAL);
	ck_assert_int_eq(ebn_prefix_set(rows, addr, 0, &none), -EINVAL);
	ck_assert_int_eq(ebn_prefix_del(rows, addr, 0), -ENOENT);
	ck_assert_int_eq(ebn_prefix_get(rows, addr, 200, NULL), -EINVAL);
	ck_assert_int_eq(ebn_prefix_lookup(rows, addr, NULL, NULL), -ENOENT);
	epoch = (uint32_t *)(mem + EBN_EPOCH_ADDR_OFF);
	before = *epoch;
	ebn_prefix_raise(rows);
	ck_assert_uint_eq(*epoch, before);
	ck_assert_int_eq(ebn_prefix_set(rows, addr, 0, &v), 0);
	ck_assert_uint_eq(*epoch, before);
	ebn_prefix_raise(rows);
	ebn_prefix_raise(rows);
	ck_assert_uint_eq(*epoch, before + 1);
	/* the same again changes nothing */
	ck_assert_int_eq(ebn_prefix_set(rows, addr, 0, &v), 0);
	ebn_prefix_raise(rows);
	ck_assert_uint_eq(*epoch, before + 1);
	for (i = 1; !err && i < 1u << 20; i++) {
		addr[0] = i * 2654435761u;
		addr[1] = i;
		err = ebn_prefix_set(rows, addr, 70, &v);
		n += !err;
		if (i % 64 == 0)
			grace();
	}
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_uint_eq(((struct ebn_node_hdr *)mem)->address_failures, 1);
	ck_assert_uint_eq(ebn_prefix_count(rows), n + 1);
	ck_assert_uint_gt(n, 20000);
	ck_assert_int_eq(ebn_prefix_lookup(rows, addr, &i, NULL), 0);
	ck_assert_uint_eq(i, 0);
	ck_assert_int_eq(ebn_node_verify(nt), 0);
	close_tables();
	free(mem);
}
END_TEST

RUN_SUITE("model-prefix", against_a_list, deepest_nest, refuses_and_fills_up)
