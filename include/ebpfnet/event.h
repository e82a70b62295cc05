/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file event.h
 * Events: what the datapath has to say, with an fd, a timeout and a dispatch for any event loop, and a pure decoder.
 */
#ifndef EBPFNET_EVENT_H
#define EBPFNET_EVENT_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

enum ebpfnet_event_type {
	EBPFNET_EVENT_NONE,
	EBPFNET_EVENT_VERDICT,
	EBPFNET_EVENT_DROP,
	EBPFNET_EVENT_CLOSE,
	EBPFNET_EVENT_SEEN,
};

#define EBPFNET_EVENT_F_REPLY 0x02u
#define EBPFNET_EVENT_F_RECHECK 0x04u
#define EBPFNET_EVENT_F_LOCAL 0x08u
#define EBPFNET_EVENT_F_FRAGMENT 0x10u
#define EBPFNET_EVENT_F_RELATED 0x20u
#define EBPFNET_EVENT_F_L3 0x40u	/**< addresses are valid */
#define EBPFNET_EVENT_F_L4 0x80u	/**< ports are valid */

struct ebpfnet_event {
	uint64_t time_ns;	/**< CLOCK_MONOTONIC of the kernel's last tick, 1 to 10 ms coarse */
	uint8_t type;		/**< enum ebpfnet_event_type */
	uint8_t point;		/**< where: ebpfnet_event_point_name() */
	uint8_t flags;		/**< EBPFNET_EVENT_F_* */
	uint8_t verdict;	/**< enum ebpfnet_verdict */
	uint8_t reason;		/**< ebpfnet_reason_name() */
	uint8_t protocol;
	uint8_t tcp_flags;
	uint8_t reserved;
	struct ebpfnet_addr src, dst;
	uint16_t sport, dport;	/**< host order; ICMP: type, code */
	uint32_t len;
	uint32_t src_identity, dst_identity;
	uint16_t egress_decision, ingress_decision;	/**< 0xffff: not asked */
	uint16_t ep, peer_ep;	/**< endpoint ids, 0: none */
	uint32_t ifindex;
	uint32_t epoch;
	uint32_t generation;
	uint32_t reserved2;
};

/**
 * Decodes one record of the ring. Pure.
 * @return 0, or -EINVAL (NULL), -EBADMSG (too short or not sane), -EPROTO (another version)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_event_decode(const void *data, size_t len, struct ebpfnet_event *ret, size_t size);

/** Static names; "?" for unknown numbers. @since 0.1 */
EBPFNET_API const char *ebpfnet_event_point_name(uint8_t point);
EBPFNET_API const char *ebpfnet_event_type_name(uint8_t type);
/** "POLICY", "SOURCE_IP", …; "?" when unknown. @since 0.1 */
EBPFNET_API const char *ebpfnet_reason_name(uint32_t reason);
/** One line for people; "?" when unknown. @since 0.1 */
EBPFNET_API const char *ebpfnet_reason_text(uint32_t reason);

struct ebpfnet_events;

struct ebpfnet_events_opts {
	size_t sz;
	uint32_t latency_ms;	/**< events may wait this long for company; 0: 100 */
	uint32_t kinds;		/**< bit (1 << enum ebpfnet_event_type); 0: all */
};
#define ebpfnet_events_opts__last_field kinds

/** Called with each event; <0 aborts dispatch and is returned, 1 stops it, 0 goes on. May not re-enter dispatch. */
typedef int (*ebpfnet_event_fn)(const struct ebpfnet_event *event, void *userdata);

/**
 * Opens the event ring of a datapath (one reader at a time) and switches events on; freeing it switches them off. What an
 * earlier reader left in the ring is discarded.
 * @param opts	copied; NULL: defaults
 * @param[out] ret	holds a reference on @p dp; ebpfnet_events_free()
 * @return 0, or
 *   -EINVAL	a pointer is NULL, or an option is not known or over its limit (latency_ms: 60,000)
 *   -EBUSY	another reader holds the ring, or the tables are not prepared
 *   -EROFS	@p dp was opened read-only
 *   -ENOMEM, or another error of mmap(2) and epoll(7)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_events_open(struct ebpfnet_datapath *dp, const struct ebpfnet_events_opts *opts,
				    ebpfnet_event_fn fn, void *userdata, struct ebpfnet_events **ret);
/** Switches events off and frees the reader; NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_events_free(struct ebpfnet_events *events);
/** For poll(2): readable when much is waiting. Owned by the object. @return the fd or -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_events_get_fd(struct ebpfnet_events *events);
/** Milliseconds after which to call dispatch even when the fd was not readable; 0: events are left over from the last
 *  dispatch. @return -EINVAL for NULL @since 0.1 */
EBPFNET_API int ebpfnet_events_get_timeout(struct ebpfnet_events *events);
/**
 * Calls the callback for at most @p max events (0: all that wait). An event is consumed whatever the callback returns.
 * @return how many, or what the callback returned below 0, or
 *   -EINVAL	NULL, or called by the callback
 *   -EBADMSG	the ring is corrupt
 * @since 0.1
 */
EBPFNET_API int ebpfnet_events_dispatch(struct ebpfnet_events *events, unsigned int max);
/** Events that did not fit into the ring since it was opened. @since 0.1 */
EBPFNET_API uint64_t ebpfnet_events_lost(struct ebpfnet_events *events);

EBPFNET_END_DECLS
#endif
