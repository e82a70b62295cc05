/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file kvstore.h
 * A store of keys and values, of which the library ships two, and which a caller may implement: a node's own memory, a file
 * that survives restarts, or something all nodes of a cluster share. What the library keeps there, identity.h says.
 *
 * Threads: a store belongs to the object that uses it, and so to one thread at a time. A call may take as long as the store
 * needs to answer.
 */
#ifndef EBPFNET_KVSTORE_H
#define EBPFNET_KVSTORE_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/diag.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_kvstore;

/** Limits; more is -E2BIG. */
#define EBPFNET_KV_KEY_MAX 255		/**< bytes of a key, without its NUL; visible ASCII */
#define EBPFNET_KV_VALUE_MAX 65536	/**< bytes of a value */

/** A pair. Borrowed during a call. */
struct ebpfnet_kv {
	const char *key;
	const void *value;	/**< NULL with len 0: none */
	size_t len;
};

/** Told of pairs; of one that was removed with a NULL value. Below 0 ends a list and is returned; ignored by a watch. */
typedef int (*ebpfnet_kv_fn)(const struct ebpfnet_kv *kv, void *userdata);

/** What must be true of a key's old value. */
enum ebpfnet_kv_when {
	EBPFNET_KV_ANY,		/**< nothing */
	EBPFNET_KV_ABSENT,	/**< the key is not there */
	EBPFNET_KV_EQUAL,	/**< it is there with the value @c expect */
};

/** One change of a commit. */
struct ebpfnet_kv_change {
	const char *key;
	const void *value;	/**< new value; NULL: the key is removed */
	size_t len;
	const void *expect;	/**< for EBPFNET_KV_EQUAL */
	size_t expect_len;
	enum ebpfnet_kv_when when;
	uint32_t reserved;	/**< 0 */
	uint64_t lease;		/**< the key goes when this lease ends; 0: it stays until removed */
};

/**
 * What a store can do. Functions return 0 or a negative errno; @p store is what ebpfnet_kvstore_new() was given.
 */
struct ebpfnet_kvstore_ops {
	size_t sz;
	/** Copies at most @p size bytes of a value. @return its whole length, -ENOENT */
	int (*get)(void *store, const char *key, void *value, size_t size);
	/** Makes all of the changes, of different keys, or, when some key is not as it must be, none: -EAGAIN. Put, create if
	 *  absent, compare and swap, and delete are all this. */
	int (*commit)(void *store, const struct ebpfnet_kv_change *changes, size_t n);
	/** Tells of every key that begins with @p prefix, in any order. @p fn must not change the store. */
	int (*list)(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata);
	/** From now on tells dispatch() to call @p fn of every change below @p prefix, the caller's own included, in their
	 *  order. One watch; another call replaces it, @p fn NULL ends it. */
	int (*watch)(void *store, const char *prefix, ebpfnet_kv_fn fn, void *userdata);
	/** May be NULL: a lease of so many seconds, kept alive by dispatch(). */
	int (*lease)(void *store, uint32_t seconds, uint64_t *ret);
	/** May be NULL: becomes readable when dispatch() has something to do; -ENOENT: nothing can. */
	int (*get_fd)(void *store);
	/** Milliseconds until dispatch() has something to do, -1: nothing is known. */
	int (*get_timeout)(void *store);
	/** Delivers changes, writes what waits to be written. Never waits. */
	int (*dispatch)(void *store);
	void (*destroy)(void *store);
};

/**
 * A store the caller implements. @p ops is copied.
 * @param[out] ret	ebpfnet_kvstore_free(), unless it was given to an object that owns it
 * @return 0, -EINVAL (a function is missing, or ops has members this version does not know), -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_kvstore_new(const struct ebpfnet_kvstore_ops *ops, void *store, struct ebpfnet_kvstore **ret);

/** A store in memory: nothing outlives it. Leases never end. @return 0, -EINVAL, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_kvstore_memory(struct ebpfnet_kvstore **ret);

#define EBPFNET_KVSTORE_SYNC 0x1u	/**< every change is on the disk when the call returns */

struct ebpfnet_kvstore_file_opts {
	size_t sz;
	const char *path;	/**< folder, made (0700) if missing */
	uint32_t flags;		/**< EBPFNET_KVSTORE_* */
	uint32_t reserved;	/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_kvstore_file_opts__last_field diag

/**
 * A store in a file (LMDB), for one process at a time. Changes are written in batches, by dispatch() about 20 ms after they
 * were made and when the store is freed, each batch whole or not at all; with EBPFNET_KVSTORE_SYNC one by one. Leases
 * never end.
 * @return 0, or
 *   -EINVAL	bad options
 *   -EBUSY	another process has the store open
 *   -EPERM	others may write into the folder
 *   -EPROTO	the store is damaged or of another kind (diag); it is left as it is
 *   -ENOSPC, -ENOMEM, errors of mkdir(2) and open(2)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_kvstore_file(const struct ebpfnet_kvstore_file_opts *opts, struct ebpfnet_kvstore **ret);

/** Writes what waits and ends a store. NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_kvstore_free(struct ebpfnet_kvstore *kvstore);

EBPFNET_END_DECLS
#endif
