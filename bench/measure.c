// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"

/* One round of a program lasts about this long: long against the timer, short enough to be repeated often. */
#define ROUND_NS 40e6

int bench_fail(struct bench *b, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->why, sizeof(b->why), fmt, ap);
	va_end(ap);
	return err < 0 ? err : -err;
}

void bench_add(struct bench_sample *s, double v)
{
	if (s->n < BENCH_SAMPLES_MAX)
		s->v[s->n++] = v;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct bench_sample sorted(const struct bench_sample *s)
{
	struct bench_sample t = *s;

	qsort(t.v, t.n, sizeof(t.v[0]), compare);
	return t;
}

double bench_median(const struct bench_sample *s)
{
	struct bench_sample t = sorted(s);

	if (!t.n)
		return 0;
	return t.n % 2 ? t.v[t.n / 2] : (t.v[t.n / 2 - 1] + t.v[t.n / 2]) / 2;
}

void bench_value(struct bench_result *res, const struct bench_sample *s, double base, double divisor)
{
	struct bench_sample t = sorted(s);

	if (!t.n)
		return;
	res->value = (bench_median(&t) - base) / divisor;
	res->lowest = (t.v[0] - base) / divisor;
	res->highest = (t.v[t.n - 1] - base) / divisor;
}

void bench_reference(struct bench_result *res, const char *name, double value)
{
	if (res->references == BENCH_REFERENCES)
		return;
	res->reference[res->references].name = name;
	res->reference[res->references++].value = value;
}

void bench_reference_of(struct bench_result *res, const char *name, const struct bench_sample *s)
{
	struct bench_sample t = sorted(s);

	if (!t.n || res->references == BENCH_REFERENCES)
		return;
	res->reference[res->references].lowest = t.v[0];
	res->reference[res->references].highest = t.v[t.n - 1];
	bench_reference(res, name, bench_median(&t));
}

double bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* splitmix64 */
uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static int run(int fd, const struct __sk_buff *ctx, const void *packet, uint32_t len, int repeat, double *ret)
{
	uint8_t out[2048];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = len, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = repeat);
	int err;

	if (ctx) {
		opts.ctx_in = ctx;
		opts.ctx_size_in = sizeof(*ctx);
	}
	err = bpf_prog_test_run_opts(fd, &opts);
	/* the kernel's own figure; time around the call would count the call */
	*ret = opts.duration;
	return err;
}

int bench_prog(struct bench *b, int fd, const struct __sk_buff *ctx, const void *packet, uint32_t len,
	       struct bench_sample *ret)
{
	double ns, repeat;
	unsigned int i;
	int err;

	err = run(fd, ctx, packet, len, 2000, &ns);
	if (err)
		return bench_fail(b, err, "running the program: %s", strerror(-err));
	repeat = ROUND_NS / (ns < 1 ? 1 : ns);
	ret->n = 0;
	for (i = 0; i < b->rounds; i++) {
		err = run(fd, ctx, packet, len, (int)(repeat < 100 ? 100 : repeat > 4e6 ? 4e6 : repeat), &ns);
		if (err)
			return bench_fail(b, err, "running the program: %s", strerror(-err));
		bench_add(ret, ns);
	}
	return 0;
}

void bench_memlock(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	/* kernels from 5.11 on count BPF memory by cgroup, then it changes nothing */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
}
