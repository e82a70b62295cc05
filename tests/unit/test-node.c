// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Node tables on plain memory: space, publishing, adoption, rows, addresses, names. */
#include <malloc.h>

#include "suite.h"
#include "tables/arena.h"
#include "tables/rows.h"

#define SIZE (8u << 20)

static uint8_t *mem;
static struct ebn_node *nt;
static struct ebn_rows *rows;

static void setup_size(uint64_t size)
{
	static const uint64_t seed[2] = { 1, 2 };

	mem = aligned_alloc(4096, size);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, size);
	ck_assert_int_eq(ebn_node_format(mem, size, seed), 0);
	ck_assert_int_eq(ebn_node_check(mem, size, NULL), 0);
	ck_assert_int_eq(ebn_node_open(mem, size, NULL, &nt), 0);
}

static void setup_rows(void)
{
	setup_size(SIZE);
	ck_assert_int_eq(ebn_rows_open(nt, 64, NULL, &rows), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
}

static void close_tables(void)
{
	ebn_rows_free(rows);
	ebn_node_free(nt);
	rows = NULL;
	nt = NULL;
}

static void teardown(void)
{
	close_tables();
	test_defined(mem, malloc_usable_size(mem));
	free(mem);
	mem = NULL;
}

static void adopt(void)
{
	close_tables();
	ck_assert_int_eq(ebn_node_open(mem, SIZE, NULL, &nt), 0);
	ck_assert_int_eq(ebn_rows_open(nt, 64, NULL, &rows), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
}

static void grace(void)
{
	int i;

	/* what a batch defers goes with the next one */
	for (i = 0; i < 4 && ebn_node_grace_cut(nt); i++)
		ebn_node_grace_done(nt);
	ck_assert_uint_eq(ebn_node_retired(nt), 0);
	ck_assert_int_eq(ebn_node_verify(nt), 0);
}

START_TEST(format_refuses)
{
	static const uint64_t seed[2] = { 1, 2 };
	uint8_t small[4096];

	ck_assert_int_eq(ebn_node_format(small, sizeof(small), seed), -EINVAL);
	ck_assert_int_eq(ebn_node_format(NULL, SIZE, seed), -EINVAL);
	ck_assert_int_eq(ebn_node_format(small, SIZE + 64, seed), -EINVAL);
	ck_assert_int_eq(ebn_node_format(small, 2ull * EBN_NODE_SIZE_MAX, seed), -EINVAL);
}
END_TEST

START_TEST(check_refuses)
{
	struct ebn_node_hdr *h;
	struct ebn_dir *dir;
	uint64_t root;

	setup_rows();
	h = ebn_node_hdr(nt);
	root = h->root;
	dir = (struct ebn_dir *)(mem + EBN_ROOT_OFF(root));
#define REFUSED_WITH(word, value)                                                                          \
	do {                                                                                               \
		__typeof__(word) old_ = (word);                                                            \
		(word) = (value);                                                                          \
		ck_assert_int_eq(ebn_node_check(mem, SIZE, NULL), -EPROTO);                                \
		(word) = old_;                                                                             \
		ck_assert_int_eq(ebn_node_check(mem, SIZE, NULL), 0);                                      \
	} while (0)
	REFUSED_WITH(h->magic, 0);
	REFUSED_WITH(h->abi, EBN_NODE_ABI + 1);
	REFUSED_WITH(h->hdr_size, 0);
	REFUSED_WITH(h->size, SIZE / 2);
	REFUSED_WITH(h->root, 0);
	REFUSED_WITH(h->root, EBN_ROOT(EBN_ROOT_OFF(root), EBN_ROOT_GEN(root) + 1));
	REFUSED_WITH(h->root, EBN_ROOT(SIZE, EBN_ROOT_GEN(root)));
	REFUSED_WITH(h->root, EBN_ROOT(EBN_ROOT_OFF(root) + 8, EBN_ROOT_GEN(root)));
	REFUSED_WITH(dir->magic, 0);
	REFUSED_WITH(dir->slot[EBN_P_ADDR].n, 3);
	REFUSED_WITH(dir->slot[EBN_P_ADDR].n, 1u << 30);
	REFUSED_WITH(dir->slot[EBN_P_ADDR].off, SIZE);
	REFUSED_WITH(dir->slot[EBN_P_ADDR].off, dir->slot[EBN_P_ENDPOINT].off);
	REFUSED_WITH(dir->slot[EBN_P_ENDPOINT].n, 1000000);
	REFUSED_WITH(((struct ebn_extent *)(mem + dir->slot[EBN_P_ADDR].off))[-1].len, SIZE);
	REFUSED_WITH(((struct ebn_extent *)(mem + dir->slot[EBN_P_ADDR].off))[-1].type, EBN_P_PORT);
	ck_assert_int_eq(ebn_node_check(mem, SIZE / 2, NULL), -EPROTO);
	ck_assert_int_eq(ebn_node_check(NULL, SIZE, NULL), -EINVAL);
	teardown();
}
END_TEST

/* Random allocations against a map of which line belongs to whom. */
START_TEST(space_is_exact)
{
	enum { N = 400 };
	struct {
		uint32_t off, len;
		int state;	/* 0 none, 1 in use, 2 retired, 3 cut */
	} x[N] = { 0 };
	uint64_t seed = test_seed(), used0, sum;
	uint32_t i, j, step, len, k;
	uint8_t *p;

	setup_size(1u << 20);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
	used0 = ebn_node_used(nt);
	for (step = 0; step < 60000; step++) {
		i = test_below(&seed, N);
		switch (x[i].state) {
		case 0:
			len = 1 + test_below(&seed, test_below(&seed, 8) ? 900 : 40000);
			if (ebn_node_alloc(nt, EBN_P_USER0, len, &x[i].off)) {
				/* only when there is really no room in one place: checked by the free below */
				break;
			}
			x[i].len = len;
			x[i].state = 1;
			ck_assert_uint_eq(x[i].off % EBN_LINE, 0);
			p = ebn_node_ptr(nt, x[i].off, len);
			for (k = 0; k < len && !p[k]; k++)
				;
			ck_assert_uint_eq(k, len);
			memset(p, (int)(i % 255) + 1, len);
			ck_assert_uint_eq(ebn_node_len(nt, x[i].off), (len + 63) / 64 * 64);
			break;
		case 1:
			p = ebn_node_ptr(nt, x[i].off, x[i].len);
			ck_assert_uint_eq(p[0], i % 255 + 1);
			ck_assert_uint_eq(p[x[i].len - 1], i % 255 + 1);
			if (test_below(&seed, 2)) {
				ebn_node_release(nt, x[i].off);
				x[i].state = 0;
			} else {
				ck_assert_int_eq(ebn_node_retire(nt, x[i].off), 0);
				ck_assert_int_eq(ebn_node_retire(nt, x[i].off), -EINVAL);
				x[i].state = 2;
			}
			break;
		default:
			break;
		}
		if (test_below(&seed, 50) == 0 && ebn_node_grace_cut(nt))
			for (j = 0; j < N; j++)
				x[j].state = x[j].state == 2 ? 3 : x[j].state;
		if (test_below(&seed, 50) == 0) {
			ebn_node_grace_done(nt);
			/* a cut that found an earlier one waiting took nothing new: retired stays retired */
			for (j = 0; j < N; j++)
				if (x[j].state == 3)
					x[j].state = ebn_node_len(nt, x[j].off) ? 3 : 0;
			if (ebn_node_retired(nt) == 0)
				for (j = 0; j < N; j++)
					x[j].state = x[j].state >= 2 ? 0 : x[j].state;
		}
		if (step % 1000)
			continue;
		ck_assert_int_eq(ebn_node_verify(nt), 0);
	}
	for (j = 0; j < N; j++)
		if (x[j].state == 1)
			ebn_node_release(nt, x[j].off);
	grace();
	for (sum = used0, j = 0; j < N; j++)
		ck_assert_uint_eq(ebn_node_len(nt, x[j].off), 0);
	ck_assert_uint_eq(ebn_node_used(nt), sum);
	/* everything is one block again */
	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_USER0, (1u << 20) - (uint32_t)used0 - 64, &i), 0);
	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_USER0, 1, &i), -ENOSPC);
	teardown();
}
END_TEST

static void count_call(void *arg, uint64_t cookie)
{
	*(uint64_t *)arg += cookie;
}

START_TEST(grace_is_in_two_steps)
{
	uint64_t called = 0, used;
	uint32_t a, b;

	setup_rows();
	grace();
	ck_assert_uint_eq(ebn_node_grace_cut(nt), 0);
	used = ebn_node_used(nt);
	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_USER0, 100, &a), 0);
	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_USER0, 100, &b), 0);
	ck_assert_int_eq(ebn_node_retire(nt, a), 0);
	ck_assert_int_eq(ebn_node_defer(nt, count_call, &called, 1), 0);
	ck_assert_uint_eq(ebn_node_grace_cut(nt), 2);
	/* what comes after the cut waits for the next one */
	ck_assert_int_eq(ebn_node_retire(nt, b), 0);
	ck_assert_int_eq(ebn_node_defer(nt, count_call, &called, 100), 0);
	ck_assert_uint_eq(ebn_node_grace_cut(nt), 2);
	ck_assert_uint_eq(ebn_node_retired(nt), 4);
	ck_assert_uint_eq(called, 0);
	ebn_node_grace_done(nt);
	ck_assert_uint_eq(called, 1);
	ck_assert_uint_eq(ebn_node_used(nt), used + 192);
	ck_assert_uint_eq(ebn_node_retired(nt), 2);
	ebn_node_grace_done(nt);
	ck_assert_uint_eq(called, 1);
	grace();
	ck_assert_uint_eq(called, 101);
	ck_assert_uint_eq(ebn_node_used(nt), used);
	teardown();
}
END_TEST

START_TEST(transactions)
{
	struct ebn_dir dir;
	uint32_t a, b, gen;
	uint64_t root, used;

	setup_rows();
	grace();
	used = ebn_node_used(nt);
	gen = ebn_node_generation(nt);
	ck_assert_int_eq(ebn_node_read_root(mem, SIZE, &root, &dir), 0);
	ck_assert_int_eq(ebn_node_publish(nt), -EINVAL);
	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_USER0, 64, &a), 0);
	ck_assert_int_eq(ebn_node_begin(nt), 0);
	ck_assert_int_eq(ebn_node_begin(nt), -EBUSY);
	ebn_node_set(nt, EBN_P_USER0, a, 1);
	ck_assert_uint_eq(ebn_node_slot(nt, EBN_P_USER0).off, 0);
	ebn_node_abort(nt);
	ck_assert_uint_eq(ebn_node_generation(nt), gen);
	ck_assert_uint_eq(ebn_node_used(nt), used + 128);
	ck_assert(ebn_node_root_is(mem, root));
	ck_assert_int_eq(ebn_node_begin(nt), 0);
	ebn_node_set(nt, EBN_P_USER0, a, 1);
	/* a piece swapped meanwhile is in both */
	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_USER1, 64, &b), 0);
	ck_assert_int_eq(ebn_node_swap(nt, EBN_P_USER1, b, 7), 0);
	ck_assert_uint_eq(ebn_node_slot(nt, EBN_P_USER0).off, 0);
	ck_assert_uint_eq(ebn_node_slot(nt, EBN_P_USER1).n, 7);
	ck_assert_int_eq(ebn_node_publish(nt), 0);
	ck_assert_uint_eq(ebn_node_slot(nt, EBN_P_USER0).off, a);
	ck_assert_uint_eq(ebn_node_slot(nt, EBN_P_USER1).off, b);
	ck_assert_uint_eq(ebn_node_generation(nt), gen + 2);
	ck_assert(!ebn_node_root_is(mem, root));
	ck_assert_int_eq(ebn_node_check(mem, SIZE, NULL), 0);
	grace();
	ck_assert_uint_eq(ebn_node_used(nt), used + 256);
	/* nobody marks the two, so adoption gives them back */
	adopt();
	ck_assert_uint_eq(ebn_node_used(nt), used);
	teardown();
}
END_TEST

START_TEST(endpoints)
{
	uint32_t row[64], i, got, other;
	uint64_t used;

	setup_rows();
	used = ebn_node_used(nt);
	for (i = 0; i < 64; i++) {
		ck_assert_int_eq(ebn_ep_row_get(rows, &row[i]), 0);
		/* all in one bucket of the first table: it has to grow */
		ebn_ep_row(rows, row[i])->ifindex = 5 + 64 * (i % 32) + i / 32;
		ck_assert_int_eq(ebn_ep_row_by_ifindex(rows, ebn_ep_row(rows, row[i])->ifindex, &got), -ENOENT);
		ck_assert_int_eq(ebn_ep_row_publish(rows, row[i]), 0);
		ck_assert_int_eq(ebn_ep_row_publish(rows, row[i]), -EINVAL);
	}
	ck_assert_int_eq(ebn_ep_row_get(rows, &got), -ENOSPC);
	ck_assert_ptr_null(ebn_ep_row(rows, 64));
	adopt();
	for (i = 0; i < 64; i++) {
		ck_assert_int_eq(ebn_ep_row_by_ifindex(rows, 5 + 64 * (i % 32) + i / 32, &got), 0);
		ck_assert_uint_eq(got, row[i]);
	}
	ck_assert_int_eq(ebn_ep_row_put(rows, row[3]), 0);
	ck_assert_int_eq(ebn_ep_row_put(rows, row[3]), -ENOENT);
	ck_assert_int_eq(ebn_ep_row_by_ifindex(rows, 5 + 64 * 3, &got), -ENOENT);
	/* not given out before the grace period has passed */
	ck_assert_int_eq(ebn_ep_row_get(rows, &got), -ENOSPC);
	ck_assert_uint_ne(ebn_node_grace_cut(nt), 0);
	ck_assert_int_eq(ebn_ep_row_get(rows, &got), -ENOSPC);
	ebn_node_grace_done(nt);
	ck_assert_int_eq(ebn_ep_row_get(rows, &got), 0);
	ck_assert_uint_eq(got, row[3]);
	ck_assert_uint_eq(ebn_ep_row(rows, got)->incarnation, 2);
	ebn_ep_row(rows, got)->ifindex = 5;
	ck_assert_int_eq(ebn_ep_row_publish(rows, got), -EEXIST);
	ck_assert_int_eq(ebn_ep_row_put(rows, got), 0);
	ck_assert_int_eq(ebn_ep_row_get(rows, &other), 0);
	ck_assert_uint_eq(other, got);
	ck_assert_uint_ge(ebn_node_used(nt), used);
	teardown();
}
END_TEST

static void address(uint32_t i, uint32_t addr[4])
{
	addr[0] = i & 1 ? 0 : 0x20010db8;
	addr[1] = 0;
	addr[2] = i & 1 ? 0xffff0000 : 7;
	addr[3] = i * 2654435761u;
}

static int count_addr(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	(void)addr;
	(void)row;
	ck_assert_uint_ne(identity, 0);
	++*(uint32_t *)arg;
	return 0;
}

/* What programs do: either bucket, whole entries only. */
static uint32_t addr_as_read(const uint32_t addr[4])
{
	struct ebn_slot s = ebn_node_slot(nt, EBN_P_ADDR);
	const struct ebn_addr_bucket *b = (const struct ebn_addr_bucket *)(mem + s.off);
	uint64_t h = ebn_addr_hash(addr);
	uint32_t which, w, at;

	for (which = 0; which < 2; which++) {
		at = (uint32_t)(which ? h >> 32 : h) & (s.n - 1);
		for (w = 0; w < 4; w++)
			if (b[at].e[w].identity && !memcmp(b[at].e[w].addr, addr, 16))
				return b[at].e[w].identity;
	}
	return 0;
}

START_TEST(addresses_against_a_model)
{
	enum { N = 20000 };
	static uint32_t model[N];
	uint64_t seed = test_seed();
	uint32_t i, step, addr[4], live = 0, id, row, n;

	memset(model, 0, sizeof(model));
	setup_rows();
	for (step = 0; step < 200000; step++) {
		i = test_below(&seed, step < 100000 ? N : N / 8);
		address(i, addr);
		if (test_below(&seed, 4)) {
			id = 1 + test_below(&seed, 60000);
			ck_assert_int_eq(ebn_addr_set(rows, addr, id, 0), 0);
			live += !model[i];
			model[i] = id;
		} else {
			ck_assert_int_eq(ebn_addr_del(rows, addr), model[i] ? 0 : -ENOENT);
			live -= !!model[i];
			model[i] = 0;
		}
		ck_assert_uint_eq(addr_as_read(addr), model[i]);
		if (!test_below(&seed, 300) && ebn_node_grace_cut(nt))
			ebn_node_grace_done(nt);
		if (step % 50000 == 49999)
			adopt();
	}
	ck_assert_uint_eq(ebn_addr_count(rows), live);
	for (i = 0; i < N; i++) {
		address(i, addr);
		ck_assert_int_eq(ebn_addr_get(rows, addr, &id, &row), model[i] ? 0 : -ENOENT);
		if (model[i])
			ck_assert_uint_eq(id, model[i]);
		ck_assert_uint_eq(addr_as_read(addr), model[i]);
	}
	n = 0;
	ck_assert_int_eq(ebn_addr_foreach(rows, count_addr, &n), 0);
	ck_assert_uint_eq(n, live);
	grace();
	n = 0;
	ck_assert_int_eq(ebn_addr_foreach(rows, count_addr, &n), 0);
	ck_assert_uint_eq(n, live);
	teardown();
}
END_TEST

/* An entry stays what it was until a grace period has passed, and a deleted one is not given to another address. */
START_TEST(addresses_wait_for_grace)
{
	uint32_t addr[4], i, epoch, *e;
	struct ebn_slot s;

	setup_rows();
	address(1, addr);
	e = (uint32_t *)(mem + EBN_EPOCH_ADDR_OFF) + ebn_addr_epoch(ebn_addr_hash(addr));
	epoch = *e;
	ck_assert_int_eq(ebn_addr_set(rows, addr, 300, 0), 0);
	ck_assert_uint_eq(*e, epoch + 1);
	ck_assert_int_eq(ebn_addr_set(rows, addr, 300, 0), 0);
	ck_assert_uint_eq(*e, epoch + 1);
	ck_assert_int_eq(ebn_addr_set(rows, addr, 301, 0), 0);
	ck_assert_uint_eq(*e, epoch + 2);
	ck_assert_int_eq(ebn_addr_del(rows, addr), 0);
	ck_assert_uint_eq(*e, epoch + 3);
	ck_assert_int_eq(ebn_addr_set(rows, addr, 0, 0), -EINVAL);
	/* without a grace period, deleting and adding uses up places and the table is built anew in time */
	s = ebn_node_slot(nt, EBN_P_ADDR);
	for (i = 0; i < 20000; i++) {
		address(i, addr);
		ck_assert_int_eq(ebn_addr_set(rows, addr, 300, 0), 0);
		ck_assert_int_eq(ebn_addr_del(rows, addr), 0);
	}
	ck_assert_uint_eq(ebn_node_slot(nt, EBN_P_ADDR).n, s.n);
	ck_assert_uint_eq(ebn_addr_count(rows), 0);
	grace();
	teardown();
}
END_TEST

START_TEST(classes)
{
	uint64_t used;

	setup_rows();
	used = ebn_node_used(nt);
	ck_assert_uint_eq(ebn_class_get(rows, 300), 0);
	ck_assert_int_eq(ebn_class_set(rows, 300, 0), 0);
	ck_assert_uint_eq(ebn_node_used(nt), used);
	ck_assert_int_eq(ebn_class_set(rows, 300, 7), 0);
	ck_assert_int_eq(ebn_class_set(rows, EBN_ID_SCOPE_LOCAL + 5, 8), 0);
	ck_assert_int_eq(ebn_class_set(rows, (3u << 24) - 1, 9), 0);
	ck_assert_int_eq(ebn_class_set(rows, 3u << 24, 9), -EINVAL);
	adopt();
	ck_assert_uint_eq(ebn_class_get(rows, 300), 7);
	ck_assert_uint_eq(ebn_class_get(rows, 301), 0);
	ck_assert_uint_eq(ebn_class_get(rows, EBN_ID_SCOPE_LOCAL + 5), 8);
	ck_assert_uint_eq(ebn_class_get(rows, (3u << 24) - 1), 9);
	ck_assert_uint_eq(ebn_class_get(rows, UINT32_MAX), 0);
	teardown();
}
END_TEST

static int sum_name(uint32_t number, const char *text, void *arg)
{
	char want[32];

	ck_assert_int_gt(snprintf(want, sizeof(want), "name-%u", number), 0);
	ck_assert_str_eq(text, want);
	*(uint64_t *)arg += number;
	return 0;
}

START_TEST(names)
{
	uint64_t used, sum, want = 0;
	char text[32], *long_one;
	uint32_t i;

	setup_rows();
	used = ebn_node_used(nt);
	for (i = 0; i < 5000; i++) {
		ck_assert_int_gt(snprintf(text, sizeof(text), "name-%u", i), 0);
		ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, i, text), 0);
		ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, i, "x"), 0);
	}
	for (i = 0; i < 5000; i++) {
		if (i % 3 == 0)
			ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, i, NULL), 0);
		else
			want += i;
		ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, i, NULL), 0);
		if (i % 100 == 0)
			grace();
	}
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 1, NULL), 0);
	adopt();
	sum = 0;
	ck_assert_int_eq(ebn_name_foreach(rows, EBN_NAME_IDENTITY, sum_name, &sum), 0);
	ck_assert_uint_eq(sum, want);
	sum = 0;
	ck_assert_int_eq(ebn_rows_read_names(mem, SIZE, EBN_NAME_IDENTITY, sum_name, &sum), 0);
	ck_assert_uint_eq(sum, want);
	sum = 0;
	ck_assert_int_eq(ebn_rows_read_names(mem, SIZE, EBN_NAME_RULE, sum_name, &sum), 0);
	ck_assert_uint_eq(sum, 0);
	ck_assert_str_eq(ebn_name_get(rows, EBN_NAME_IDENTITY, 4999), "name-4999");
	ck_assert_ptr_null(ebn_name_get(rows, EBN_NAME_IDENTITY, 3));
	for (i = 0; i < 5000; i++)
		ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, i, NULL), 0);
	long_one = malloc(EBN_NAME_LEN_MAX + 2);
	memset(long_one, 'a', EBN_NAME_LEN_MAX + 1);
	long_one[EBN_NAME_LEN_MAX + 1] = 0;
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 1, long_one), -E2BIG);
	long_one[EBN_NAME_LEN_MAX] = 0;
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 1, long_one), 0);
	ck_assert_str_eq(ebn_name_get(rows, EBN_NAME_RULE, 1), long_one);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 1, NULL), 0);
	grace();
	/* the array of cells has grown, nothing else is left */
	ck_assert_uint_lt(ebn_node_used(nt), used + 16384 * 8 + 64);
	free(long_one);
	teardown();
}
END_TEST

static int count_row(uint32_t row, const struct ebn_ep_row *r, void *arg)
{
	ck_assert_uint_eq(r->ifindex, 100 + row);
	++*(uint32_t *)arg;
	return 0;
}

START_TEST(readers)
{
	uint32_t i, row, n = 0;

	setup_rows();
	for (i = 0; i < 10; i++) {
		ck_assert_int_eq(ebn_ep_row_get(rows, &row), 0);
		ebn_ep_row(rows, row)->ifindex = 100 + row;
		if (i != 4)
			ck_assert_int_eq(ebn_ep_row_publish(rows, row), 0);
	}
	ck_assert_int_eq(ebn_rows_read_endpoints(mem, SIZE, count_row, &n), 0);
	ck_assert_uint_eq(n, 9);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_ENDPOINT, 2, "web\tapp=web"), 0);
	ck_assert_uint_ne(ebn_ep_row(rows, 2)->meta, 0);
	ck_assert_int_eq(ebn_rows_read_names(mem, SIZE / 2, EBN_NAME_ENDPOINT, sum_name, &n), -EPROTO);
	teardown();
}
END_TEST

/* A row that lost its tenant while the writer was dead must not catch that tenant's addresses for the next one. */
START_TEST(adoption_cuts_stale_rows)
{
	uint32_t row, addr[4], id, got;

	setup_rows();
	ck_assert_int_eq(ebn_ep_row_get(rows, &row), 0);
	ebn_ep_row(rows, row)->ifindex = 9;
	ck_assert_int_eq(ebn_ep_row_publish(rows, row), 0);
	address(1, addr);
	ck_assert_int_eq(ebn_addr_set(rows, addr, 300, row + 1), 0);
	adopt();
	ck_assert_int_eq(ebn_addr_get(rows, addr, &id, &got), 0);
	ck_assert_uint_eq(got, row + 1);
	ck_assert_int_eq(ebn_ep_row_put(rows, row), 0);
	adopt();
	ck_assert_int_eq(ebn_addr_get(rows, addr, &id, &got), 0);
	ck_assert_uint_eq(id, 300);
	ck_assert_uint_eq(got, 0);
	teardown();
}
END_TEST

RUN_SUITE("node", format_refuses, check_refuses, space_is_exact, grace_is_in_two_steps, transactions, endpoints,
	  addresses_against_a_model, addresses_wait_for_grace, classes, names, readers, adoption_cuts_stale_rows)
