/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file identity.h
 * Numbers for label sets. Equal labels have one number, for as long as anybody holds a reference, on every node that uses
 * the same store. Numbers are 256 to 65,535; "reserved:NAME" alone has its number below 256 without any of this.
 *
 * A number whose last reference goes rests before it is given out again: others may still have it in a flow, a log or a table.
 * Who asks for the same labels meanwhile gets the same number.
 *
 * In the store: "id/N" holds 'u' or 'r' and the time it rests until, and the labels; "label/HASH/K" holds N; with a node's name,
 * "ref/N/NODE" is there while that node holds references, under its lease.
 *
 * Threads: an allocator belongs to one thread at a time. It starts none: file descriptor, timeout, dispatch.
 */
#ifndef EBPFNET_IDENTITY_H
#define EBPFNET_IDENTITY_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/kvstore.h>
#include <ebpfnet/labels.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_identities;

#define EBPFNET_IDENTITY_MIN 256u
#define EBPFNET_IDENTITY_MAX 65535u

/** How long a number rests unless said otherwise. */
#define EBPFNET_IDENTITY_QUARANTINE_MS 60000u

/** What a watch is told of. Values are ABI. */
enum ebpfnet_identity_event {
	EBPFNET_IDENTITY_ADDED = 1,	/**< a number came into use, here or on another node */
	EBPFNET_IDENTITY_REMOVED,	/**< a number is free again */
	EBPFNET_IDENTITY_LOW,		/**< more than warn_percent of the numbers are in use or at rest; number 0, labels NULL */
};

/** Called by ebpfnet_identities_dispatch(). It may call every function but _unref() and _dispatch(). */
typedef void (*ebpfnet_identities_fn)(enum ebpfnet_identity_event event, uint32_t number,
				      const struct ebpfnet_labels *labels, void *userdata);

struct ebpfnet_identities_opts {
	size_t sz;
	struct ebpfnet_kvstore *store;	/**< owned from a successful call on; NULL: in memory */
	const char *node;		/**< this node's name ([a-zA-Z0-9._-]{1,63}) where others share the store; NULL: none do */
	uint32_t min, max;		/**< range of numbers; 0: EBPFNET_IDENTITY_MIN, _MAX */
	uint32_t quarantine_ms;		/**< 0: EBPFNET_IDENTITY_QUARANTINE_MS; at most a day */
	uint32_t warn_percent;		/**< 0: 90; at most 100 */
	ebpfnet_identities_fn fn;	/**< NULL: nobody watches */
	void *userdata;
	struct ebpfnet_diag *diag;
};
#define ebpfnet_identities_opts__last_field diag

/**
 * Takes over what the store holds, without references.
 * @param opts	NULL: in memory
 * @param[out] ret	one reference
 * @return 0, or -EINVAL, -EPROTO (the store holds what cannot be: diag), -ENOMEM, errors of the store
 * @since 0.1
 */
EBPFNET_API int ebpfnet_identities_new(struct ebpfnet_ctx *ctx, const struct ebpfnet_identities_opts *opts,
				       struct ebpfnet_identities **ret);

/** Takes a reference; returns @p ids. @since 0.1 */
EBPFNET_API struct ebpfnet_identities *ebpfnet_identities_ref(struct ebpfnet_identities *ids);
/** Drops a reference; with the last one the store is closed, and keeps its numbers. NULL is allowed; returns NULL. @since 0.1 */
EBPFNET_API struct ebpfnet_identities *ebpfnet_identities_unref(struct ebpfnet_identities *ids);

/**
 * The number of these labels, with one more reference.
 * @return 1 it is new, 0 it was known; or
 *   -EINVAL	no labels, "reserved:" mixed with others, or no such reserved name
 *   -ENOSPC	every number is in use or at rest (counted)
 *   -EAGAIN	others were quicker time after time
 *   -ENOMEM, errors of the store
 * @since 0.1
 */
EBPFNET_API int ebpfnet_identities_acquire(struct ebpfnet_identities *ids, const struct ebpfnet_labels *labels,
					   uint32_t *ret_number);

/**
 * Takes this very number for these labels, with one more reference: what tables that survived say. A number at rest comes back.
 * @return 0, -EINVAL (out of range, no or reserved labels), -EEXIST (number or labels are otherwise in use), -ENOMEM, errors of
 * the store
 * @since 0.1
 */
EBPFNET_API int ebpfnet_identities_claim(struct ebpfnet_identities *ids, uint32_t number,
					 const struct ebpfnet_labels *labels);

/**
 * Drops a reference. With the last one, of all nodes, the number begins to rest. Reserved numbers need none.
 * @return 0, -EINVAL, -ENOENT (no reference is held), errors of the store: the reference is gone all the same, and
 * ebpfnet_identities_collect() finishes the job
 * @since 0.1
 */
EBPFNET_API int ebpfnet_identities_release(struct ebpfnet_identities *ids, uint32_t number);

/** Labels of a number in use or at rest, borrowed until the next call; NULL: none. @since 0.1 */
EBPFNET_API const struct ebpfnet_labels *ebpfnet_identities_lookup(struct ebpfnet_identities *ids, uint32_t number);

/**
 * Lets every number rest that nobody holds a reference on: after a restart, once those who still need theirs have taken them.
 * @return how many, -EINVAL, errors of the store
 * @since 0.1
 */
EBPFNET_API int ebpfnet_identities_collect(struct ebpfnet_identities *ids);

/** Becomes readable when dispatch has something to do. @return a descriptor, -ENOENT: the store has none, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_identities_get_fd(struct ebpfnet_identities *ids);
/** Milliseconds until dispatch has something to do; -1: nothing is known; -EINVAL. @since 0.1 */
EBPFNET_API int ebpfnet_identities_get_timeout(struct ebpfnet_identities *ids);
/** Ends rests, writes what waits, takes in what other nodes changed, tells the watch. @return 0, -EINVAL, -ENOMEM (what others
 *  changed is not all known yet: the next call goes on), errors of the store @since 0.1 */
EBPFNET_API int ebpfnet_identities_dispatch(struct ebpfnet_identities *ids);

struct ebpfnet_identities_stats {
	uint32_t numbers;	/**< in the range */
	uint32_t used;		/**< by anybody */
	uint32_t referenced;	/**< of these, by this object */
	uint32_t resting;
	uint64_t acquired;	/**< calls that gave a number */
	uint64_t released;
	uint64_t exhausted;	/**< calls that found none */
	uint64_t raced;		/**< attempts another node won */
};

/** Fills @p ret; @p size is sizeof(*ret) as the caller knows it. @return 0, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_identities_get_stats(struct ebpfnet_identities *ids, struct ebpfnet_identities_stats *ret,
					     size_t size);

EBPFNET_END_DECLS
#endif
