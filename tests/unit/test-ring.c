// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The ring reader on plain memory, which a model of the kernel's side fills. */
#include <linux/bpf.h>
#include <sys/mman.h>

#include "observe/ring.h"
#include "suite.h"

#define SIZE 4096u

static uint64_t consumer, producer;
static uint8_t *data;
static struct ebn_ring ring;

/* The data area twice in a row, as the kernel maps it. */
static void setup(uint64_t start)
{
	int fd = memfd_create("ring", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, SIZE), 0);
	data = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(data, MAP_FAILED);
	ck_assert_ptr_eq(mmap(data, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0), data);
	ck_assert_ptr_eq(mmap(data + SIZE, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0), data + SIZE);
	close(fd);
	consumer = producer = start;
	ring = (struct ebn_ring){ .consumer = &consumer, .producer = &producer, .data = data, .size = SIZE };
}

/* Reserves; false: no room. The record holds its number. */
static bool reserve(uint32_t len, uint32_t bits, uint32_t number)
{
	uint64_t whole = (len + 8u + 7u) & ~7u;
	uint8_t *record = data + (producer & (SIZE - 1));
	uint32_t head = len | bits;

	if (producer + whole - consumer > SIZE)
		return false;
	memset(record, 0xee, whole);
	memcpy(record, &head, sizeof(head));
	if (len >= 4)
		memcpy(record + 8, &number, sizeof(number));
	producer += whole;
	return true;
}

struct got {
	uint32_t numbers[512];
	uint32_t lens[512];
	unsigned int n;
	int answer;
	unsigned int answer_at;
};

static int take(const void *record, uint32_t len, void *arg)
{
	struct got *g = arg;

	ck_assert_uint_lt(g->n, 512);
	g->lens[g->n] = len;
	g->numbers[g->n] = 0;
	if (len >= 4)
		memcpy(&g->numbers[g->n], record, 4);
	g->n++;
	return g->n == g->answer_at ? g->answer : 0;
}

START_TEST(order_and_lengths)
{
	struct got g = { .n = 0 };

	setup(0);
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), 0);
	ck_assert(!ring.more);
	ck_assert(reserve(96, 0, 1));
	ck_assert(reserve(5, 0, 2));
	ck_assert(reserve(0, 0, 3));
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), 3);
	ck_assert_uint_eq(g.numbers[0], 1);
	ck_assert_uint_eq(g.lens[0], 96);
	ck_assert_uint_eq(g.numbers[1], 2);
	ck_assert_uint_eq(g.lens[1], 5);
	ck_assert_uint_eq(g.lens[2], 0);
	ck_assert_uint_eq(consumer, producer);
}
END_TEST

START_TEST(busy_and_discarded)
{
	struct got g = { .n = 0 };
	uint32_t head = 96;

	setup(SIZE - 64);
	ck_assert(reserve(96, BPF_RINGBUF_DISCARD_BIT, 1));
	ck_assert(reserve(96, BPF_RINGBUF_BUSY_BIT, 2));
	ck_assert(reserve(96, 0, 3));
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), 0);
	/* what is committed behind a busy record waits for it */
	ck_assert_uint_eq(producer - consumer, 2 * 104);
	ck_assert(!ring.more);
	memcpy(data + (consumer & (SIZE - 1)), &head, sizeof(head));
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), 2);
	ck_assert_uint_eq(g.numbers[0], 2);
	ck_assert_uint_eq(g.numbers[1], 3);
}
END_TEST

START_TEST(stops_when_told)
{
	struct got g = { .n = 0 };
	uint32_t i;

	setup(0);
	for (i = 0; i < 6; i++)
		ck_assert(reserve(96, 0, i));
	ck_assert_int_eq(ebn_ring_read(&ring, 2, take, &g), 2);
	ck_assert(ring.more);
	g.answer = 1;
	g.answer_at = 3;
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), 1);
	ck_assert(ring.more);
	g.answer = -ECANCELED;
	g.answer_at = 4;
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), -ECANCELED);
	/* a record that was handed out is gone, whatever was answered */
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), 2);
	ck_assert(!ring.more);
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(g.numbers[i], i);
}
END_TEST

START_TEST(corrupt_length_is_refused)
{
	struct got g = { .n = 0 };
	uint32_t head = SIZE;

	setup(0);
	ck_assert(reserve(8, 0, 1));
	memcpy(data, &head, sizeof(head));
	ck_assert_int_eq(ebn_ring_read(&ring, 10, take, &g), -EBADMSG);
	ck_assert_uint_eq(g.n, 0);
}
END_TEST

START_TEST(random_traffic)
{
	uint64_t rng = test_seed();
	uint32_t sent = 0, seen = 0, expect[1024];
	unsigned int i, head = 0, tail = 0;

	setup(test_random(&rng) & ~7ull);
	for (i = 0; i < 100000; i++) {
		struct got g = { .n = 0 };
		unsigned int j;
		int n;

		while (test_below(&rng, 4)) {
			bool discard = !test_below(&rng, 5);

			if (!reserve(4 + test_below(&rng, 200), discard ? BPF_RINGBUF_DISCARD_BIT : 0, sent))
				break;
			if (!discard)
				expect[head++ % 1024] = sent;
			sent++;
		}
		n = ebn_ring_read(&ring, test_below(&rng, 8), take, &g);
		ck_assert_int_eq(n, (int)g.n);
		for (j = 0; j < g.n; j++)
			if (g.numbers[j] != expect[tail++ % 1024])
				ck_abort_msg("record %u out of order", g.numbers[j]);
		seen += g.n;
	}
	ck_assert_uint_gt(seen, 10000);
}
END_TEST

RUN_SUITE("ring", order_and_lengths, busy_and_discarded, stops_when_told, corrupt_length_is_refused, random_traffic)
