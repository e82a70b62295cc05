// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What user space does with flow tables: fills them, sweeps, watches, carries them away. On plain memory: no program takes part. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "conntrack/image.h"
#include "conntrack/watch.h"

#define FLOWS 524288u
#define TICK_NS 125000000u

static const uint32_t limits[8] = { 80, 80, 800, 80, 800, 80, 80, 800 };

static struct ebn_flow_copy flow(uint32_t n, uint32_t seen)
{
	struct ebn_flow_copy c = {
		.key.v4 = { .addr = { n, 0xffffffff }, .port = { (uint16_t)n, 80 }, .proto = 17 },
		.body = { .ctl = EBN_CTL(0, EBN_FS_REPLIED, 0, 1), .seen = seen, .bytes = { 1000, 2000 } },
	};

	return c;
}

static int open_tables(struct bench *b, struct ebn_flows t[2], uint32_t flows)
{
	uint32_t sets = ebn_flow_sets(flows);

	memset(t, 0, 2 * sizeof(*t));
	t[0] = (struct ebn_flows){ .mem = calloc(1, ebn_flow_bytes(sets, false)), .mask = sets - 1, .seed = { 3, 4 } };
	return t[0].mem ? 0 : bench_fail(b, ENOMEM, "no memory");
}

static int fill(struct bench *b, const struct ebn_flows *t, uint32_t first, uint32_t n)
{
	struct ebn_flow_copy c;
	uint32_t i;

	for (i = first; i < first + n; i++) {
		c = flow(i, 1000);
		if (ebn_flow_import(t, &c) != 1)
			return bench_fail(b, ENOSPC, "flow %u found no place", i);
	}
	return 0;
}

/* ns a flow that user space puts into a table. */
static int run_new(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct ebn_flows t[2];
	unsigned int i;
	double start;
	int err = 0;

	for (i = 0; !err && i < b->rounds; i++) {
		err = open_tables(b, t, (uint32_t)row->arg);
		if (err)
			break;
		start = bench_now_ns();
		err = fill(b, &t[0], 0, (uint32_t)row->arg);
		bench_add(&s, (bench_now_ns() - start) / (double)row->arg);
		free(t[0].mem);
	}
	if (!err)
		bench_value(res, &s, 0, 1);
	return err;
}

/* ms of a turn that collects every flow: what it kills, and what it frees behind the grace period. */
static int run_sweep(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct ebn_flows t[2];
	uint64_t pos, killed;
	unsigned int i;
	double start;
	int err;

	(void)row;
	err = open_tables(b, t, FLOWS);
	for (i = 0; !err && i < b->rounds; i++) {
		struct ebn_sweep sweep = { .now = 1000 + limits[0] + 1, .idle_ticks = limits };

		err = fill(b, &t[0], 0, FLOWS);
		if (err)
			break;
		pos = 0;
		start = bench_now_ns();
		killed = ebn_flow_sweep(&t[0], &sweep, &pos, 0);
		ebn_flow_reap(&t[0]);
		bench_add(&s, (bench_now_ns() - start) * 1e-6);
		if (killed != FLOWS)
			err = bench_fail(b, ENOENT, "only %llu flows were collected", (unsigned long long)killed);
	}
	free(t[0].mem);
	if (!err)
		bench_value(res, &s, 0, 1);
	return err;
}

static uint64_t look(struct ebn_ct_watch *w, const struct ebn_flows *t)
{
	struct ebn_ct_change c;
	uint64_t n = 0;

	while (ebn_ct_watch_next(w, t, &c))
		n++;
	return n;
}

/* ms of a look at tables in which nothing has come or gone; counters are read all the same. */
static int run_watch_idle(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct ebn_ct_watch w = { .first = true };
	struct ebn_flows t[2];
	unsigned int i;
	double start;
	int err;

	(void)row;
	err = open_tables(b, t, FLOWS);
	if (!err)
		err = fill(b, &t[0], 0, FLOWS);
	if (!err && ebn_ct_watch_begin(&w, t) < 0)
		err = bench_fail(b, ENOMEM, "no memory");
	if (!err && look(&w, t) != FLOWS)
		err = bench_fail(b, ENOENT, "the watch has not seen all flows");
	for (i = 0; !err && i < b->rounds; i++) {
		start = bench_now_ns();
		if (look(&w, t))
			err = bench_fail(b, EINVAL, "something changed");
		bench_add(&s, (bench_now_ns() - start) * 1e-6);
	}
	ebn_ct_watch_end(&w);
	free(t[0].mem);
	if (!err)
		bench_value(res, &s, 0, 1);
	return err;
}

/* Events a second of a watch whose flows all come, and all go, between two looks; none may be missed. */
static int run_watch_events(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t n = (uint32_t)row->arg;
	struct bench_sample s = { .n = 0 };
	struct ebn_ct_watch w = { .first = true };
	struct ebn_flows t[2];
	uint64_t events;
	unsigned int i;
	double start, ns;
	int err;

	err = open_tables(b, t, n);
	if (!err && ebn_ct_watch_begin(&w, t) < 0)
		err = bench_fail(b, ENOMEM, "no memory");
	if (!err)
		look(&w, t);
	for (i = 0; !err && i < b->rounds; i++) {
		struct ebn_sweep sweep = { .now = 1000 + limits[0] + 1, .idle_ticks = limits };
		uint64_t pos = 0;

		err = fill(b, &t[0], 0, n);
		start = bench_now_ns();
		events = look(&w, t);
		ns = bench_now_ns() - start;
		ebn_flow_sweep(&t[0], &sweep, &pos, 0);
		start = bench_now_ns();
		events += look(&w, t);
		ns += bench_now_ns() - start;
		ebn_flow_reap(&t[0]);
		bench_add(&s, (double)events * 1e9 / ns);
		if (!err && (events != 2ull * n || w.missed))
			err = bench_fail(b, ENOENT, "%llu events, %llu flows missed", (unsigned long long)events,
					 (unsigned long long)w.missed);
	}
	ebn_ct_watch_end(&w);
	free(t[0].mem);
	res->at_least = true;
	if (!err)
		bench_value(res, &s, 0, 1);
	return err;
}

static int count_bytes(const void *data, size_t len, void *arg)
{
	(void)data;
	*(uint64_t *)arg += len;
	return 0;
}

/* ms to write all flows as ebpfnet-flows(5), names of rules and ends left out. */
static int run_export(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct ebn_flows t[2];
	unsigned int i;
	double start;
	int err;

	(void)row;
	err = open_tables(b, t, FLOWS);
	if (!err)
		err = fill(b, &t[0], 0, FLOWS);
	for (i = 0; !err && i < b->rounds; i++) {
		struct ebn_ct_walk walk = { .tables = t, .view = { .now = 1000, .tick_ns = TICK_NS },
					    .filter = { .sz = sizeof(walk.filter) } };
		uint64_t bytes = 0;

		start = bench_now_ns();
		if (ebn_image_write(&walk, count_bytes, &bytes) < 0)
			err = bench_fail(b, ENOMEM, "no memory");
		bench_add(&s, (bench_now_ns() - start) * 1e-6);
		if (!err && bytes < FLOWS * 90ull)
			err = bench_fail(b, ENOENT, "only %llu bytes", (unsigned long long)bytes);
	}
	free(t[0].mem);
	if (!err)
		bench_value(res, &s, 0, 1);
	return err;
}

const struct bench_row bench_conntrack_rows[] = {
	{ "ct-new/64k", "ns", 1000, run_new, 65536, 0 },
	{ "ct-sweep/512k-expired", "ms", 100, run_sweep, 0, 0 },
	{ "ct-watch/512k-idle", "ms", 100, run_watch_idle, 0, 0 },
	{ "ct-watch/64k-events", "/s", 1000000, run_watch_events, 65536, 0 },
	{ "ct-export/512k", "ms", 1000, run_export, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
