/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A store that several allocators share, as nodes share a cluster's: every client has its own watch and learns of changes
 * when it dispatches, however late. Written through the public interface only.
 */
#ifndef EBN_TEST_IDENTITY_STORE_H
#define EBN_TEST_IDENTITY_STORE_H

#include <ebpfnet/kvstore.h>

#include "core/internal.h"

#define SHARED_PAIRS 4096
#define SHARED_CLIENTS 4
#define SHARED_LOG 65536

struct shared_pair {
	char key[EBPFNET_KV_KEY_MAX + 1];
	char *value;		/* NULL: unused */
	size_t len;
	uint64_t lease;
};

struct shared_note {
	char key[EBPFNET_KV_KEY_MAX + 1];
	char *value;		/* NULL: removed */
	size_t len;
};

static struct shared_pair shared_pair[SHARED_PAIRS];
static struct shared_note *shared_log;
static size_t shared_n;
static int shared_fail;		/* the next so many changes fail with -EIO */

struct shared_client {
	ebpfnet_kv_fn fn;
	void *userdata;
	char prefix[32];
	size_t seen;
	uint64_t lease;
};
static struct shared_client shared_client[SHARED_CLIENTS];

static inline struct shared_pair *shared_find(const char *key)
{
	size_t i;

	for (i = 0; i < SHARED_PAIRS; i++)
		if (shared_pair[i].value && !strcmp(shared_pair[i].key, key))
			return &shared_pair[i];
	return NULL;
}

static inline char *shared_copy(const void *value, size_t len)
{
	char *p = malloc(len + 1);

	ck_assert_ptr_nonnull(p);
	if (len)
		memcpy(p, value, len);
	return p;
}

static inline int shared_get(void *store, const char *key, void *value, size_t size)
{
	const struct shared_pair *p = shared_find(key);

	(void)store;
	if (!p)
		return -ENOENT;
	if (size)
		memcpy(value, p->value, p->len < size ? p->len : size);
	return (int)p->len;
}

static inline void shared_set(const struct ebpfnet_kv_change *c)
{
	struct shared_note *n = &shared_log[shared_n++];
	struct shared_pair *p = shared_find(c->key);

	ck_assert_uint_lt(shared_n, SHARED_LOG);
	snprintf(n->key, sizeof(n->key), "%s", c->key);
	n->value = c->value ? shared_copy(c->value, c->len) : NULL;
	n->len = c->len;
	if (p)
		free(p->value);
	for (p = p ? p : shared_pair; p->value && strcmp(p->key, c->key); p++)
		;
	snprintf(p->key, sizeof(p->key), "%s", c->key);
	p->value = c->value ? shared_copy(c->value, c->len) : NULL;
	p->len = c->len;
	p->lease = c->lease;
}

static inline int shared_commit(void *store, const struct ebpfnet_kv_change *c, size_t n)
{
	const struct shared_pair *p;
	size_t i;

	(void)store;
	if (shared_fail && shared_fail--)
		return -EIO;
	for (i = 0; i < n; i++) {
		p = shared_find(c[i].key);
		if ((c[i].when == EBPFNET_KV_ABSENT && p) ||
		    (c[i].when == EBPFNET_KV_EQUAL &&
		     (!p || p->len != c[i].expect_len || memcmp(p->value, c[i].expect, p->len))))
			return -EAGAIN;
	}
	for (i = 0; i < n; i++)
		if (c[i].value || shared_find(c[i].key))
			shared_set(&c[i]);
	return 0;
}

static inline int shared_list(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	size_t i;
	int r;

	(void)store;
	for (i = 0; i < SHARED_PAIRS; i++) {
		struct ebpfnet_kv kv = { shared_pair[i].key, shared_pair[i].value, shared_pair[i].len };

		if (!kv.value || strncmp(kv.key, prefix, strlen(prefix)))
			continue;
		r = fn(&kv, userdata);
		if (r < 0)
			return r;
	}
	return 0;
}

static inline int shared_watch(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata)
{
	struct shared_client *cl = store;

	cl->fn = fn;
	cl->userdata = userdata;
	cl->seen = shared_n;
	snprintf(cl->prefix, sizeof(cl->prefix), "%s", prefix);
	return 0;
}

static inline int shared_lease(void *store, uint32_t seconds, uint64_t *ret)
{
	struct shared_client *cl = store;

	ck_assert_uint_gt(seconds, 0);
	*ret = cl->lease = (uint64_t)(cl - shared_client) + 1;
	return 0;
}

static inline int shared_timeout(void *store)
{
	return ((struct shared_client *)store)->seen < shared_n ? 0 : -1;
}

static inline int shared_dispatch(void *store)
{
	struct shared_client *cl = store;

	for (; cl->seen < shared_n; cl->seen++) {
		const struct shared_note *n = &shared_log[cl->seen];
		struct ebpfnet_kv kv = { n->key, n->value, n->len };

		if (cl->fn && !strncmp(n->key, cl->prefix, strlen(cl->prefix)))
			cl->fn(&kv, cl->userdata);
	}
	return 0;
}

/* A node that dies takes what its lease holds with it. */
static inline void shared_destroy(void *store)
{
	struct shared_client *cl = store;
	size_t i;

	for (i = 0; cl->lease && i < SHARED_PAIRS; i++) {
		struct ebpfnet_kv_change c = { .key = shared_pair[i].key };

		if (shared_pair[i].value && shared_pair[i].lease == cl->lease)
			shared_set(&c);
	}
	cl->fn = NULL;
}

static inline struct ebpfnet_kvstore *shared_store(unsigned int client)
{
	static const struct ebpfnet_kvstore_ops ops = {
		.sz = sizeof(ops), .get = shared_get, .commit = shared_commit, .list = shared_list,
		.watch = shared_watch, .lease = shared_lease, .get_timeout = shared_timeout,
		.dispatch = shared_dispatch, .destroy = shared_destroy,
	};
	struct ebpfnet_kvstore *kv;

	if (!shared_log)
		shared_log = calloc(SHARED_LOG, sizeof(*shared_log));
	ck_assert_ptr_nonnull(shared_log);
	ck_assert_int_eq(ebpfnet_kvstore_new(&ops, &shared_client[client], &kv), 0);
	return kv;
}

static inline void shared_done(void)
{
	size_t i;

	for (i = 0; i < shared_n; i++)
		free(shared_log[i].value);
	for (i = 0; i < SHARED_PAIRS; i++)
		free(shared_pair[i].value);
	memset(shared_pair, 0, sizeof(shared_pair));
	free(shared_log);
	shared_log = NULL;
	shared_n = 0;
}

#endif
