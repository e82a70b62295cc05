/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The two stores the library ships, and how an allocator calls any. */
#ifndef EBN_IDENTITY_KVSTORE_H
#define EBN_IDENTITY_KVSTORE_H

#include <ebpfnet/kvstore.h>

#include "core/index.h"
#include "core/internal.h"

struct ebpfnet_kvstore {
	struct ebpfnet_kvstore_ops ops;
	void *store;
};

/* A pair, never changed: held by the store, and by what waits to be told or written. */
struct ebn_kv_pair {
	unsigned int refs;
	size_t len;
	char *value;
	char key[];
};

struct ebn_kv_note {
	struct ebn_kv_pair *pair;
	bool removed;
};

struct ebn_kv_notes {
	struct ebn_kv_note *note;
	size_t n, cap;
};

/* Pairs in memory. */
struct ebn_kv_mem {
	struct ebn_kv_pair **pair;	/* NULL: unused */
	size_t n, cap;
	uint32_t *free;			/* unused numbers */
	size_t n_free, cap_free;
	struct ebn_index by_key;
	/* watch */
	ebpfnet_kv_fn fn;
	void *userdata;
	char prefix[EBPFNET_KV_KEY_MAX + 1];
	struct ebn_kv_notes told;
};

void ebn_kv_mem_done(struct ebn_kv_mem *m);
int ebn_kv_mem_get(struct ebn_kv_mem *m, const char *key, void *value, size_t size);
/*
 * Makes changes, in two steps: prepare checks them and what is needed, so that apply cannot fail. fresh: room for n pairs, which
 * prepare makes and apply or drop take over.
 */
int ebn_kv_mem_prepare(struct ebn_kv_mem *m, const struct ebpfnet_kv_change *c, size_t n, struct ebn_kv_pair **fresh);
/* log: also noted there, for which there is room; or NULL. */
void ebn_kv_mem_apply(struct ebn_kv_mem *m, const struct ebpfnet_kv_change *c, size_t n, struct ebn_kv_pair **fresh,
		      struct ebn_kv_notes *log);
void ebn_kv_drop(struct ebn_kv_pair **fresh, size_t n);
int ebn_kv_mem_list(struct ebn_kv_mem *m, const char *prefix, ebpfnet_kv_fn fn, void *userdata);
int ebn_kv_mem_watch(struct ebn_kv_mem *m, const char *prefix, ebpfnet_kv_fn fn, void *userdata);
void ebn_kv_mem_tell(struct ebn_kv_mem *m);
void ebn_kv_notes_done(struct ebn_kv_notes *l);

/* Changes of one commit. */
#define EBN_KV_CHANGES_MAX 16u

#endif
