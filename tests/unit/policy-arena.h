/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Node tables in plain memory with a policy on them: what the tests of the policy, and its bench, stand on. */
#ifndef POLICY_ARENA_H
#define POLICY_ARENA_H

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "policy/policy.h"

struct arena {
	void *mem;
	uint64_t size;
	struct ebpfnet_ctx *ctx;
	struct ebn_node *nt;
	struct ebn_rows *rows;
	struct ebn_policy *policy;
};

static inline void arena_close(struct arena *a)
{
	ebn_policy_free(a->policy);
	ebn_rows_free(a->rows);
	ebn_node_free(a->nt);
	a->policy = NULL;
	a->rows = NULL;
	a->nt = NULL;
}

static inline void arena_free(struct arena *a)
{
	arena_close(a);
	ebpfnet_ctx_unref(a->ctx);
	if (a->mem) {
#ifdef EBN_TEST_SUITE_H
		test_defined(a->mem, a->size);
#endif
		munmap(a->mem, a->size);
	}
	memset(a, 0, sizeof(*a));
}

/* Everything fresh, for so many endpoints; 0 or -errno. */
static inline int arena_new_for(struct arena *a, uint64_t size, uint32_t endpoints)
{
	uint64_t seed[2] = { 1, 2 };
	int err;

	memset(a, 0, sizeof(*a));
	a->size = size;
	a->mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->mem == MAP_FAILED) {
		a->mem = NULL;
		return -ENOMEM;
	}
	err = ebpfnet_ctx_new(NULL, &a->ctx);
	if (!err)
		err = ebn_node_format(a->mem, size, seed);
	if (!err)
		err = ebn_node_open(a->mem, size, NULL, &a->nt);
	if (!err)
		err = ebn_rows_open(a->nt, endpoints, NULL, &a->rows);
	if (!err)
		err = ebn_node_adopted(a->nt);
	if (!err)
		err = ebn_policy_new(a->ctx, a->nt, a->rows, NULL, &a->policy);
	if (err)
		arena_free(a);
	return err;
}

static inline int arena_new(struct arena *a, uint64_t size)
{
	return arena_new_for(a, size, 64);
}

/* Takes over what is in memory, as a restarted process does. */
static inline int arena_adopt(struct arena *a, struct ebpfnet_diag *diag)
{
	int err;

	arena_close(a);
	err = ebn_node_open(a->mem, a->size, diag, &a->nt);
	if (!err)
		err = ebn_rows_open(a->nt, 64, diag, &a->rows);
	if (!err)
		err = ebn_policy_adopt(a->ctx, a->nt, a->rows, diag, &a->policy);
	if (!err)
		err = ebn_node_adopted(a->nt);
	return err;
}

/* Nobody else reads, so every moment is a grace period. */
static inline void arena_grace(struct arena *a)
{
	if (ebn_node_grace_cut(a->nt))
		ebn_node_grace_done(a->nt);
}

#endif
