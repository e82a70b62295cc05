/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file health.h
 * Health of backends: when each is to be checked, and what its results come to.
 *
 * The caller checks, by whatever means it likes: this says which backend is due, counts results, and tells when so many of
 * them in a row make a backend healthy or unhealthy. What follows from that is the caller's, too: usually a call of
 * ebpfnet_service_set_backend_state() with EBPFNET_BACKEND_QUARANTINED or EBPFNET_BACKEND_ACTIVE.
 *
 * There is no thread in it, no socket and no clock. Times are nanoseconds of one clock that does not go back, such as
 * CLOCK_MONOTONIC, and are always given by the caller. It needs no privilege and no datapath.
 *
 * A backend is told by its service's name, address, port and protocol, as in ebpfnet_service_set_backend_state(): a backend of
 * two services may be tracked for each of them with a configuration of its own, or once, with NULL for the service.
 *
 * An object belongs to one thread at a time; different objects may be used by different threads at once.
 */
#ifndef EBPFNET_HEALTH_H
#define EBPFNET_HEALTH_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/service.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_health;

/** Backends of one object; beyond them -ENOSPC. */
#define EBPFNET_HEALTH_BACKENDS_MAX 262144

/** Ranges of struct ebpfnet_health_config, and what 0 stands for. */
#define EBPFNET_HEALTH_INTERVAL_MIN_MS 10u
#define EBPFNET_HEALTH_INTERVAL_MAX_MS 86400000u
#define EBPFNET_HEALTH_INTERVAL_MS 5000u /**< default */
#define EBPFNET_HEALTH_TIMEOUT_MS 1000u	/**< default, or the interval where that is shorter */
#define EBPFNET_HEALTH_RISE 2u		/**< default */
#define EBPFNET_HEALTH_FALL 3u		/**< default */
#define EBPFNET_HEALTH_RUN_MAX 1000u	/**< of rise and fall */

enum ebpfnet_health_state {
	EBPFNET_HEALTH_UNKNOWN,		/**< not enough results yet */
	EBPFNET_HEALTH_HEALTHY,
	EBPFNET_HEALTH_UNHEALTHY,
};

/** How a backend is checked. */
struct ebpfnet_health_config {
	size_t sz;			/**< EBPFNET_OPTS_INIT() */
	uint32_t interval_ms;		/**< from one check to the next: EBPFNET_HEALTH_INTERVAL_MIN_MS to _MAX_MS; 0: default */
	uint32_t timeout_ms;		/**< after which the caller takes a check for failed: 1 to interval_ms; 0: default */
	uint32_t rise;			/**< successes in a row that make it healthy: 1 to EBPFNET_HEALTH_RUN_MAX; 0: default */
	uint32_t fall;			/**< failures in a row that make it unhealthy: likewise */
	enum ebpfnet_health_state initial; /**< of one that is not tracked yet; for what an earlier process found out */
	uint32_t reserved;		/**< 0 */
	uint64_t cookie;		/**< the caller's own; comes back in struct ebpfnet_health_info */
};
#define ebpfnet_health_config__last_field cookie

/** A backend, its configuration with defaults filled in, and what is known of it. */
struct ebpfnet_health_info {
	const char *service;		/**< NULL: every service. Borrowed until the backend is untracked */
	const struct ebpfnet_backend *backend; /**< address, port and protocol, the rest is 0. Borrowed likewise */
	uint64_t cookie;
	uint32_t interval_ms, timeout_ms;
	uint32_t rise, fall;
	enum ebpfnet_health_state state;
	uint32_t successes;		/**< in a row, up to now; 0 after a failure. Ends at UINT32_MAX */
	uint32_t failures;		/**< in a row, up to now; 0 after a success. Ends at UINT32_MAX */
	uint32_t reserved;
	uint64_t since_ns;		/**< when it took its state, or was first tracked */
	uint64_t last_ns;		/**< of the last result; 0: none yet */
	uint64_t due_ns;		/**< of the next check */
	uint64_t results;		/**< all reported */
	uint64_t failed;		/**< of these, failures */
};

/**
 * An object that tracks nothing.
 * @param[out] ret	owned by the caller: ebpfnet_health_free(); untouched on failure
 * @return 0, or
 *   -EINVAL	ret is NULL
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_new(struct ebpfnet_health **ret);

/** Frees it. NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_health_free(struct ebpfnet_health *health);

/**
 * Tracks a backend, whose first check is due at once; or gives one that is tracked another configuration, which keeps its
 * state, counts and, unless the new interval brings it nearer, its next check. Everything is copied.
 *
 * @param service	1 to EBPFNET_SERVICE_NAME_MAX bytes; NULL: every service
 * @param backend	address, port and protocol count, the rest is ignored
 * @param config	NULL: defaults
 * @param now_ns	now
 * @return 0, or
 *   -EINVAL	a bad name, address, protocol (0, IPPROTO_TCP, IPPROTO_UDP are good) or configuration
 *   -ENOSPC	EBPFNET_HEALTH_BACKENDS_MAX are tracked
 *   -ENOMEM
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_track(struct ebpfnet_health *health, const char *service,
				     const struct ebpfnet_backend *backend, const struct ebpfnet_health_config *config,
				     uint64_t now_ns);

/**
 * Forgets a backend; its due checks and results with it.
 * @return 0, or
 *   -EINVAL	a bad name, address or protocol
 *   -ENOENT	it is not tracked
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_untrack(struct ebpfnet_health *health, const char *service,
				       const struct ebpfnet_backend *backend);

/** A mask of states, for ebpfnet_health_due() and ebpfnet_health_next(): bits 1u << enum ebpfnet_health_state. */
#define EBPFNET_HEALTH_ANY 0x7u

/**
 * When the next check of a backend in one of these states is due.
 * @param states	EBPFNET_HEALTH_ANY, or some of its bits; others are passed over
 * @return ns, which may have passed; UINT64_MAX: no such backend is tracked, or @p health is NULL
 * @since 0.1
 */
EBPFNET_API uint64_t ebpfnet_health_due(const struct ebpfnet_health *health, uint32_t states);

/**
 * The backend in one of these states whose check has been due for the longest. Its next one is due an interval from now, whether or not a result is
 * reported; the second one comes sooner than that by a part of what is left of the interval after the timeout, another for
 * each backend, so that those tracked at once are not checked at once for ever. A backend is not returned again before its
 * timeout has passed.
 *
 * Backends that are down keep a check busy for all of its timeout. A caller that makes a bounded number of checks at a time does
 * well to leave unhealthy ones out while they have their share of it, so that the others are checked in time.
 *
 * @param now_ns	now
 * @param states	EBPFNET_HEALTH_ANY, or some of its bits; others are passed over
 * @param[out] ret	the backend to check; due_ns is that of its next check. Untouched unless 1 is returned
 * @param size		sizeof(*ret)
 * @return 1: one is due; 0: none is; or
 *   -EINVAL	an argument is NULL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_next(struct ebpfnet_health *health, uint64_t now_ns, uint32_t states,
				    struct ebpfnet_health_info *ret, size_t size);

/**
 * Takes the result of a check. A backend changes its state with the rise-th success, the fall-th failure, in a row. A check that
 * could not be made, for want of a file descriptor for instance, is not a result.
 *
 * @param success	0: failed, or timed out
 * @param now_ns	when the result was known
 * @param[out] ret	the state it has now; may be NULL; untouched on failure
 * @return 1: the state is another one than before; 0: it is not; or
 *   -EINVAL	a bad name, address or protocol
 *   -ENOENT	it is not tracked
 *   -ESTALE	a result of a later time was reported: this one does not count
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_report(struct ebpfnet_health *health, const char *service,
				      const struct ebpfnet_backend *backend, int success, uint64_t now_ns,
				      enum ebpfnet_health_state *ret);

/**
 * What is known of a backend.
 * @param[out] ret	untouched on failure
 * @param size		sizeof(*ret)
 * @return 0, or
 *   -EINVAL	a bad name, address or protocol
 *   -ENOENT	it is not tracked
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_get(const struct ebpfnet_health *health, const char *service,
				   const struct ebpfnet_backend *backend, struct ebpfnet_health_info *ret, size_t size);

/** Called with each backend; <0 aborts and is returned, 1 stops, 0 goes on. May not change the object. */
typedef int (*ebpfnet_health_fn)(const struct ebpfnet_health_info *info, void *userdata);

/**
 * Every backend that is tracked, in no order.
 * @return 0, 1 (stopped), what @p fn returned below 0, or
 *   -EINVAL	an argument is NULL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_health_foreach(const struct ebpfnet_health *health, ebpfnet_health_fn fn, void *userdata);

/** "unknown", "healthy", "unhealthy"; NULL for any other number. The text is static; from any thread. @since 0.1 */
EBPFNET_API const char *ebpfnet_health_state_name(enum ebpfnet_health_state state);

EBPFNET_END_DECLS
#endif
