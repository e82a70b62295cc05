/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file conntrack.h
 * Flows the datapath tracks: list, count, delete. Read from the mapped tables, no packet waits for it.
 */
#ifndef EBPFNET_CONNTRACK_H
#define EBPFNET_CONNTRACK_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

enum ebpfnet_ct_state {
	EBPFNET_CT_NONE,
	EBPFNET_CT_HALF_OPEN,
	EBPFNET_CT_CLOSING,
	EBPFNET_CT_REPLIED,
	EBPFNET_CT_ESTABLISHED,
	EBPFNET_CT_HALF_CLOSED,	/**< TCP and SCTP: established, and one side has ended */
};

struct ebpfnet_ct_entry {
	struct ebpfnet_addr src, dst;	/**< of the initiator, of the responder */
	uint16_t sport, dport;		/**< host order; ICMP: identifier and 0 */
	uint8_t protocol;
	uint8_t state;			/**< enum ebpfnet_ct_state */
	uint16_t zone;
	uint8_t tcp_flags[2];		/**< seen from initiator, responder */
	uint16_t src_ep, dst_ep;	/**< endpoint ids, 0: not local */
	uint16_t decision;
	uint32_t rule;			/**< that admitted it, 0: a default */
	uint32_t epoch;
	uint64_t packets[2];		/**< from initiator, responder; may lag a little */
	uint64_t bytes[2];
	uint64_t idle_ms;
	uint64_t age_ms;
};

struct ebpfnet_ct_filter {
	size_t sz;
	struct ebpfnet_addr addr;	/**< either side; none: any */
	struct ebpfnet_addr src, dst;	/**< none: any */
	uint16_t port;			/**< either side; 0: any */
	uint16_t dport;			/**< 0: any */
	uint16_t endpoint;		/**< id of either side; 0: any */
	uint8_t protocol;		/**< 0: any */
	uint8_t state;			/**< 0: any */
	uint8_t family;			/**< 4, 6; 0: both */
	uint8_t reserved[7];		/**< 0 */
};
#define ebpfnet_ct_filter__last_field reserved

struct ebpfnet_ct_iter;

/** Starts a walk over the flows. Weakly consistent: a flow that lives through the walk is seen once, others perhaps.
 *  @param filter	copied; NULL: all @return 0, -EINVAL, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_ct_iter_new(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
				    struct ebpfnet_ct_iter **ret);
/** The next flow of the walk. @return 1 and an entry, 0 at the end, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_ct_iter_next(struct ebpfnet_ct_iter *it, struct ebpfnet_ct_entry *ret, size_t size);
/** Frees a walk; NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_ct_iter_free(struct ebpfnet_ct_iter *it);

/** Deletes the flows that match; their next packet is new. @return how many, -EINVAL, -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_ct_flush(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter);

/** Name of a state, "?" for an unknown number. Static string. @since 0.1 */
EBPFNET_API const char *ebpfnet_ct_state_name(uint8_t state);

EBPFNET_END_DECLS
#endif
