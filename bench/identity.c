// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Identities that come and go: one of new labels is acquired and one that was held is released, with 60,000 held, the rests of a
 * millisecond ended and the store written as a loop would. In memory, and in a file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ebpfnet/identity.h>

#include "bench.h"

#define HELD 60000u
#define STEPS 2000u

enum kind { MEMORY, FILE_BATCHED };

static int acquire(struct ebpfnet_identities *ids, unsigned int i, uint32_t *ret)
{
	struct ebpfnet_labels *labels = NULL;
	char text[96];
	int r;

	snprintf(text, sizeof(text), "app=app-%u,io.kubernetes.pod.namespace=ns-%u,tier=%u", i, i % 100, i % 5);
	r = ebpfnet_labels_parse(text, NULL, NULL, &labels);
	if (!r)
		r = ebpfnet_identities_acquire(ids, labels, ret);
	ebpfnet_labels_unref(labels);
	return r < 0 ? r : 0;
}

static int steps(struct ebpfnet_identities *ids, uint32_t *held, unsigned int *next, unsigned int n)
{
	unsigned int i, at;
	int r = 0;

	for (i = 0; !r && i < n; i++, ++*next) {
		at = *next % HELD;
		r = ebpfnet_identities_release(ids, held[at]);
		if (!r)
			r = acquire(ids, *next, &held[at]);
		if (!r && i % 16 == 0)
			r = ebpfnet_identities_dispatch(ids);
	}
	return r;
}

static int measure(struct bench *b, struct ebpfnet_identities *ids, struct bench_result *res)
{
	uint32_t *held = calloc(HELD, sizeof(*held));
	unsigned int next, round, n = STEPS;
	struct bench_sample s = { .n = 0 };
	double from;
	int r = held ? 0 : -ENOMEM;

	for (next = 0; !r && next < HELD; next++)
		r = acquire(ids, next, &held[next]);
	if (!r)
		r = ebpfnet_identities_dispatch(ids);
	for (round = 0; !r && round < b->rounds; round++) {
		from = bench_now_ns();
		r = steps(ids, held, &next, n);
		bench_add(&s, (bench_now_ns() - from) / 1000 / n);
	}
	free(held);
	if (!r)
		bench_value(res, &s, 0, 1);
	return r;
}

static int run(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	char dir[] = "/var/tmp/ebn-bench-XXXXXX", path[64];
	struct ebpfnet_kvstore_file_opts fo = { EBPFNET_OPTS_INIT(fo), .path = dir };
	struct ebpfnet_identities_opts io = { EBPFNET_OPTS_INIT(io), .quarantine_ms = 1 };
	struct ebpfnet_identities *ids = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	int r;

	if (!mkdtemp(dir))
		return bench_fail(b, errno, "a folder for the store: %s", strerror(errno));
	r = ebpfnet_ctx_new(NULL, &ctx);
	if (!r && row->arg != MEMORY)
		r = ebpfnet_kvstore_file(&fo, &io.store);
	if (!r)
		r = ebpfnet_identities_new(ctx, &io, &ids);
	if (r < 0)
		ebpfnet_kvstore_free(io.store);
	else
		r = measure(b, ids, res);
	if (r < 0)
		bench_fail(b, r, "identities: %s", strerror(-r));
	ebpfnet_identities_unref(ids);
	ebpfnet_ctx_unref(ctx);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock", dir);
	unlink(path);
	rmdir(dir);
	return r;
}

const struct bench_row bench_identity_rows[] = {
	{ "identity-churn/acquire-release", "us", 100, run, MEMORY, 0 },
	{ "identity-churn/acquire-release-lmdb", "us", 1000, run, FILE_BATCHED, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
