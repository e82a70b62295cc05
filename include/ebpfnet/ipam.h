/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file ipam.h
 * Addresses for endpoints: pools of both families, who has which address, and a store that survives restarts.
 *
 * An address is handed out to an owner, a text that the caller chooses, and is his until he is released, or collected
 * because nobody knows him any more. What was handed out is on the disk before the caller learns of it: a process killed at
 * any moment never gives an address to a second owner. After its release an address rests for a while before it is used
 * again, so that what others remember of its last owner is forgotten.
 *
 * Pools are configuration: they are set anew after each start. The store keeps addresses, also those of pools that are
 * gone or have become smaller, until they are released.
 *
 * One process at a time has a store open.
 */
#ifndef EBPFNET_IPAM_H
#define EBPFNET_IPAM_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_ipam;

/** Addresses in use or at rest, of all pools together. */
#define EBPFNET_IPAM_ADDRESSES_MAX 262144
#define EBPFNET_IPAM_POOLS_MAX 256	/**< pools */
#define EBPFNET_IPAM_RANGES_MAX 64	/**< ranges of a pool */
#define EBPFNET_IPAM_EXCLUDES_MAX 256	/**< exclusions of a pool */
#define EBPFNET_IPAM_OWNER_MAX 255	/**< bytes of an owner's name */
#define EBPFNET_IPAM_POOL_MAX 63	/**< bytes of a pool's name */

/** How long an address rests unless said otherwise, in milliseconds. */
#define EBPFNET_IPAM_QUARANTINE_MS 30000u

struct ebpfnet_ipam_opts {
	size_t sz;
	const char *path;	/**< folder of the store, made (0700) if missing; NULL: nothing outlives the object */
	uint32_t quarantine_ms;	/**< rest after a release; 0: EBPFNET_IPAM_QUARANTINE_MS; at most a day */
	uint32_t flags;		/**< EBPFNET_IPAM_NO_QUARANTINE */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_ipam_opts__last_field diag

#define EBPFNET_IPAM_NO_QUARANTINE 0x1u	/**< addresses may be used again at once */

/**
 * Opens the store, or begins an empty one, and takes over what it holds.
 * @param opts	NULL: in memory only
 * @param[out] ret	ebpfnet_ipam_free()
 * @return 0, or
 *   -EINVAL	bad options
 *   -EBUSY	another process has the store open
 *   -EPROTO	the store is damaged or of another version: it is left as it is (diag)
 *   -EPERM	others may write into the folder
 *   -ENOTDIR, -EACCES, -ENOENT, other errors of mkdir(2) and open(2), -ENOSPC, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ipam_new(struct ebpfnet_ctx *ctx, const struct ebpfnet_ipam_opts *opts,
				 struct ebpfnet_ipam **ret);

/** Closes the store; what was handed out stays so. NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_ipam_free(struct ebpfnet_ipam *ipam);

#define EBPFNET_IPAM_NO_GATEWAY 0x1u	/**< the range has none */

/**
 * Addresses of one subnet. Never handed out are the gateway, of IPv4 the subnet's own and its broadcast address, of IPv6 the
 * one with nothing behind the prefix; subnets of one or two addresses have neither.
 */
struct ebpfnet_ipam_range {
	const char *subnet;	/**< "10.42.0.0/24", "fd00:42::/64"; bits behind the prefix are 0 */
	struct ebpfnet_addr first, last;	/**< of those handed out; none: as far as the subnet goes */
	struct ebpfnet_addr gateway;	/**< none: the subnet's first, where it has more than two */
	uint32_t flags;		/**< EBPFNET_IPAM_NO_GATEWAY */
	uint32_t reserved;	/**< 0 */
};

/** Everything is copied. */
struct ebpfnet_ipam_pool_opts {
	size_t sz;
	const char *name;	/**< 1..EBPFNET_IPAM_POOL_MAX bytes without control characters */
	const struct ebpfnet_ipam_range *ranges;	/**< of either family, used in this order */
	size_t n_ranges;	/**< 1..EBPFNET_IPAM_RANGES_MAX */
	const char *const *exclude;	/**< addresses and prefixes that are never handed out */
	size_t n_exclude;	/**< at most EBPFNET_IPAM_EXCLUDES_MAX */
	uint32_t warn_percent;	/**< a pool this full is "low"; 0: 90; at most 100 */
	uint32_t reserved;	/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_ipam_pool_opts__last_field diag

/**
 * Makes a pool, or replaces the one of that name in one step. Nobody loses an address by that.
 * @return 0, or
 *   -EINVAL	a bad name, prefix, address, percentage; first and last outside of the subnet or the wrong way round; ranges
 *		of the pool that overlap; nothing left to hand out (diag)
 *   -EEXIST	another pool has some of these addresses (diag)
 *   -ENOSPC	too many pools, ranges, exclusions
 *   -ENOMEM
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ipam_set_pool(struct ebpfnet_ipam *ipam, const struct ebpfnet_ipam_pool_opts *opts);

/** Removes a pool; its addresses stay with their owners. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_ipam_remove_pool(struct ebpfnet_ipam *ipam, const char *name);

#define EBPFNET_IPAM_FAMILY4 0x1u
#define EBPFNET_IPAM_FAMILY6 0x2u

struct ebpfnet_ipam_request {
	size_t sz;
	const char *pool;
	const char *owner;	/**< 1..EBPFNET_IPAM_OWNER_MAX bytes without control characters */
	struct ebpfnet_addr addr4, addr6;	/**< this one and no other; none: any. One at rest is given, too */
	uint32_t families;	/**< EBPFNET_IPAM_FAMILY4, _FAMILY6: both must be had; 0: those the pool has */
	uint32_t reserved;	/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_ipam_request__last_field diag

/** What an owner has; members of a family that he has no address of are none and 0. */
struct ebpfnet_ipam_lease {
	struct ebpfnet_addr addr4, addr6;
	struct ebpfnet_addr gateway4, gateway6;	/**< none: the range has none, or is gone */
	uint8_t prefix4, prefix6;	/**< of the range's subnet; 32 and 128 when it is gone */
	uint8_t reserved[6];
};

/**
 * Hands out an address of each family wanted, all or none. When this returns 0 the store has it.
 * @param[out] ret	untouched on failure
 * @param size	sizeof(*ret)
 * @return 0, or
 *   -EINVAL	bad options; an address of the wrong family
 *   -ENOENT	no such pool
 *   -EEXIST	the owner has a lease: ebpfnet_ipam_lookup()
 *   -EADDRINUSE	the address wanted has an owner (diag names him)
 *   -ERANGE	the address wanted is none of those the pool hands out
 *   -EAFNOSUPPORT	the pool has no range of a family wanted
 *   -ENOSPC	the pool is used up, or EBPFNET_IPAM_ADDRESSES_MAX reached, or the disk is full (diag)
 *   -EAGAIN	the pool is used up but for addresses at rest (diag says for how long)
 *   -EIO, -EPROTO	the store failed
 *   -ENOMEM
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ipam_allocate(struct ebpfnet_ipam *ipam, const struct ebpfnet_ipam_request *request,
				      struct ebpfnet_ipam_lease *ret, size_t size);

/** What an owner has. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_ipam_lookup(struct ebpfnet_ipam *ipam, const char *owner, struct ebpfnet_ipam_lease *ret,
				    size_t size);

/**
 * Takes an owner's addresses back; they rest, then they are free.
 * @return 0, -EINVAL, -ENOENT (he has none), -ENOSPC, -EIO, -EPROTO (the store failed: he keeps them) @since 0.1
 */
EBPFNET_API int ebpfnet_ipam_release(struct ebpfnet_ipam *ipam, const char *owner);

struct ebpfnet_ipam_collect_opts {
	size_t sz;
	const char *prefix;	/**< only owners whose names begin so; NULL: all */
	const char *const *live;	/**< owners that are there: they keep what they have */
	size_t n_live;
	uint32_t min_age_ms;	/**< leases younger than this are kept: their owners may not be known yet */
	uint32_t reserved;	/**< 0 */
};
#define ebpfnet_ipam_collect_opts__last_field reserved

/**
 * Releases what owners have who are not alive.
 * @param[out] ret	how many owners lost theirs; also on failure, for those before it. May be NULL
 * @return 0, -EINVAL, -ENOSPC, -EIO, -EPROTO, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ipam_collect(struct ebpfnet_ipam *ipam, const struct ebpfnet_ipam_collect_opts *opts,
				     size_t *ret);

/** Figures of a pool in one family; counts of addresses end at UINT64_MAX. */
struct ebpfnet_ipam_usage {
	uint64_t total;		/**< that can be handed out; 0: the pool has none of the family */
	uint64_t used;		/**< of these, with an owner */
	uint64_t resting;	/**< of these, in quarantine */
	uint64_t free;		/**< of these, now to be had */
	uint64_t outside;	/**< with an owner in this pool, but not of these any more */
	uint32_t percent;	/**< used and resting of total, rounded up */
	uint32_t low;		/**< 1: at or above the pool's warn_percent */
};

struct ebpfnet_ipam_pool_info {
	struct ebpfnet_ipam_usage usage4, usage6;
};
/** How full a pool is. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_ipam_get_pool(struct ebpfnet_ipam *ipam, const char *name,
				      struct ebpfnet_ipam_pool_info *ret, size_t size);

struct ebpfnet_ipam_entry {
	const char *owner;	/**< the last one's when resting; borrowed for the call */
	const char *pool;	/**< as it was called when the address was handed out; borrowed for the call */
	struct ebpfnet_addr addr;
	uint64_t since_ms;	/**< handed out, or released when resting: milliseconds of the wall clock since 1970 */
	uint32_t resting_ms;	/**< how long it will rest, 0: in use */
	uint32_t reserved;
};
/** Called with each address; <0 aborts and is returned, 1 stops, 0 goes on. May not change the ipam. */
typedef int (*ebpfnet_ipam_fn)(const struct ebpfnet_ipam_entry *entry, void *userdata);
/** Every address in use or at rest, in order, IPv4 first. @return 0, 1, or what @p fn returned below 0 @since 0.1 */
EBPFNET_API int ebpfnet_ipam_foreach(struct ebpfnet_ipam *ipam, ebpfnet_ipam_fn fn, void *userdata);

EBPFNET_END_DECLS
#endif
