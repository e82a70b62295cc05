/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What every unit test's main() does, and random numbers that can be had again. */
#ifndef EBN_TEST_SUITE_H
#define EBN_TEST_SUITE_H

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/*
 * Each assertion that holds tells check, by writing a file, where the test is, for the case that it crashes. In a loop over a
 * table's slots that takes longer than the test: the same place is told once, by each thread.
 */
static __inline__ void test_mark(const char *file, int line)
{
	static __thread const char *last_file;
	static __thread int last_line;

	if (line == last_line && file == last_file)
		return;
	last_file = file;
	last_line = line;
	_mark_point(file, line);
}
#define _mark_point(file, line) test_mark(file, line)

/* setup() and teardown() before and behind each test, in its process; both may be NULL. */
static __inline__ int run_suite_between(const char *name, void (*setup)(void), void (*teardown)(void),
					const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	/* a loaded machine is not a failure; a hang is */
	tcase_set_timeout(tc, 120);
	SRunner *runner = srunner_create(suite);
	size_t i;
	int failed;

	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	for (i = 0; i < n; i++)
		tcase_add_test(tc, tests[i]);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static __inline__ int run_suite(const char *name, const TTest *const *tests, size_t n)
{
	return run_suite_between(name, NULL, NULL, tests, n);
}

#define RUN_SUITE(name, ...)                                                                               \
	int main(void)                                                                                     \
	{                                                                                                  \
		const TTest *const tests_[] = { __VA_ARGS__ };                                             \
		return run_suite(name, tests_, sizeof(tests_) / sizeof(tests_[0]));                        \
	}

/*
 * The bytes of a table that other processes and programs will read. tests/valgrind finds among them those that were copied from
 * where nothing was written: it looks at what system calls take.
 */
static __inline__ void test_defined(const void *mem, size_t size)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, mem, size), (ssize_t)size);
	close(fd);
}

/* EBN_TEST_SEED=N repeats a run. */
static __inline__ uint64_t test_seed(void)
{
	const char *text = getenv("EBN_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2654435761u ^ (uint64_t)clock();

	printf("EBN_TEST_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return seed;
}

/* splitmix64 */
static __inline__ uint64_t test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static __inline__ unsigned int test_below(uint64_t *state, unsigned int n)
{
	return (unsigned int)(test_random(state) % n);
}

/* Appends at p, which must stay below end; returns where the text ends. */
static __inline__ __attribute__((format(printf, 3, 4))) char *test_put(char *p, const char *end, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(p, (size_t)(end - p), fmt, ap);
	va_end(ap);
	ck_assert_int_ge(len, 0);
	ck_assert_int_lt(len, end - p);
	return p + len;
}

#endif
