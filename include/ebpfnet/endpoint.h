/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file endpoint.h
 * Endpoints: a container's, namespace's or VM's device with addresses, labels and therefore an identity.
 */
#ifndef EBPFNET_ENDPOINT_H
#define EBPFNET_ENDPOINT_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_endpoint;

#define EBPFNET_ENDPOINT_AUDIT 0x1u	/**< report what would be denied, let it through */
#define EBPFNET_ENDPOINT_NO_REDIRECT 0x2u /**< deliver through the stack, not by redirect_peer */
#define EBPFNET_ENDPOINT_HOST 0x4u	/**< told only: it is the host, see host.h */

/** Everything is copied. */
struct ebpfnet_endpoint_opts {
	size_t sz;
	const char *name;	/**< unique in the datapath, 1..63 bytes without control characters; required */
	const char *device;	/**< host's side of the pair; required */
	struct ebpfnet_mac mac;	/**< of the device inside; all zero: asked from the kernel where it can be seen */
	uint16_t id;		/**< 0: the next free one */
	struct ebpfnet_addr addr4, addr6;	/**< at least one */
	struct ebpfnet_addr gateway4, gateway6;	/**< answered for by ARP and neighbour discovery; none: not answered */
	const struct ebpfnet_labels *labels;	/**< NULL: no labels, identity "init" */
	uint32_t flags;		/**< EBPFNET_ENDPOINT_* */
	uint32_t reserved;	/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_endpoint_opts__last_field diag

/**
 * Makes an endpoint and attaches it: when this returns 0 its policy is enforced. Needs no wait in the kernel.
 * @param[out] ret	one reference, ebpfnet_endpoint_unref(); NULL if not wanted
 * @return 0, or
 *   -EINVAL (also: labels with reserved:host, which is the host's own, see host.h), -ENODEV (no such device), -EEXIST (name, id, address or device in use: diag), -ENOSPC (rows, identities or
 *   table space used up), -EBUSY (datapath not loaded), -EROFS, -EPERM, -ENOMEM
 * On failure nothing is left behind.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_endpoint_create(struct ebpfnet_datapath *dp, const struct ebpfnet_endpoint_opts *opts,
					struct ebpfnet_endpoint **ret);

EBPFNET_API struct ebpfnet_endpoint *ebpfnet_endpoint_ref(struct ebpfnet_endpoint *ep);
/** Drops a reference, NULL is allowed; returns NULL. The endpoint itself stays. @since 0.1 */
EBPFNET_API struct ebpfnet_endpoint *ebpfnet_endpoint_unref(struct ebpfnet_endpoint *ep);

/** By name, of those made now or restored from the tables. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_lookup(struct ebpfnet_datapath *dp, const char *name, struct ebpfnet_endpoint **ret);
/** By id. @return 0, -EINVAL, -ENOENT @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_lookup_id(struct ebpfnet_datapath *dp, uint16_t id, struct ebpfnet_endpoint **ret);

/**
 * Brings an endpoint of adopted tables in line with the device: attaches again what is missing, changes nothing that is
 * right. @return 0, -ENODEV (its device is gone), errors of ebpfnet_endpoint_create() @since 0.1
 */
EBPFNET_API int ebpfnet_endpoint_restore(struct ebpfnet_endpoint *ep, struct ebpfnet_diag *diag);

/**
 * New labels: a new identity and policy, in one step. After adoption commit the policy first: a process that has not does
 * not know the rules, and what nobody had the labels of before is denied until it does.
 * @return 0, -EINVAL, -ENOSPC, -EROFS, -ENOMEM @since 0.1
 */
EBPFNET_API int ebpfnet_endpoint_set_labels(struct ebpfnet_endpoint *ep, const struct ebpfnet_labels *labels);

/** Changes EBPFNET_ENDPOINT_AUDIT and EBPFNET_ENDPOINT_NO_REDIRECT. @return 0, -EINVAL, -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_set_flags(struct ebpfnet_endpoint *ep, uint32_t flags);

/**
 * Limits of what an endpoint sends (tx) and receives (rx): IP packets, their IP headers included, neighbour discovery apart. What
 * is too much is dropped (reason "rate"): TCP gets nearly the rate, who does not slow down loses the rest. What is sent out of a
 * node's device that paces (ebpfnet_datapath_set_pacing()) waits there first, no more than the queueing discipline keeps of a flow
 * and no longer than two seconds.
 */
struct ebpfnet_endpoint_rates {
	uint64_t tx_bits;	/**< a second: 8,000 to 10^12; 0: no limit */
	uint64_t tx_burst;	/**< bits that may pass at once after a pause, up to 8 * 10^9; 0: a quarter of a second's, 128 KiB at least */
	uint64_t rx_bits;
	uint64_t rx_burst;
};

/**
 * Both ways' limits, in force from the next packet on. They are in the tables, and outlive the process; an endpoint that is made
 * has none.
 * @param size	sizeof(*rates)
 * @return 0, -EINVAL (out of range, a burst without a rate), -EROFS, -ESTALE @since 0.1
 */
EBPFNET_API int ebpfnet_endpoint_set_rates(struct ebpfnet_endpoint *ep, const struct ebpfnet_endpoint_rates *rates,
					   size_t size);
/** As they were set. @return 0, -EINVAL, -ESTALE @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_get_rates(struct ebpfnet_endpoint *ep, struct ebpfnet_endpoint_rates *ret,
					   size_t size);

/** Detaches it and takes it out of the tables; the host's: as ebpfnet_host_clear(). References stay valid, other calls then
 *  return -ESTALE. @return 0, -EROFS, -ESTALE, errors of netlink @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_destroy(struct ebpfnet_endpoint *ep);

struct ebpfnet_endpoint_info {
	const char *name;	/**< borrowed for the life of the reference */
	const char *labels;	/**< canonical form, borrowed until the labels change */
	char device[16];	/**< as it is called now; "" when gone */
	uint32_t ifindex;
	uint32_t identity;
	uint32_t flags;
	uint16_t id;
	uint8_t attached;	/**< 0 no, 1 clsact filter, 2 tcx link */
	uint8_t reserved;
	struct ebpfnet_mac mac;
	uint8_t reserved2[2];
	struct ebpfnet_addr addr4, addr6, gateway4, gateway6;
};
/** What the endpoint is and where it is attached. @return 0, -EINVAL, -ESTALE @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_get_info(struct ebpfnet_endpoint *ep, struct ebpfnet_endpoint_info *ret, size_t size);

struct ebpfnet_endpoint_stats {
	uint64_t tx_packets, tx_bytes, tx_dropped;	/**< sent by the endpoint */
	uint64_t rx_packets, rx_bytes, rx_dropped;	/**< towards it */
	uint64_t flows_begun, flows_answered;
};
/** What passed, and what did not. @return 0, -EINVAL, -ESTALE @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_get_stats(struct ebpfnet_endpoint *ep,
					   struct ebpfnet_endpoint_stats *ret, size_t size);

/** Called with each endpoint; <0 aborts and is returned, 1 stops, 0 goes on. May not make or destroy endpoints. */
typedef int (*ebpfnet_endpoint_fn)(struct ebpfnet_endpoint *ep, void *userdata);
/** In order of id. @return 0, 1 or what @p fn returned below 0 @since 0.1 */
EBPFNET_API int ebpfnet_endpoint_foreach(struct ebpfnet_datapath *dp, ebpfnet_endpoint_fn fn, void *userdata);

EBPFNET_END_DECLS
#endif
