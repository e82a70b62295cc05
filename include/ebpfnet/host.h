/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file host.h
 * The host as an endpoint: policy for what comes to it and what it sends by the node's devices, and for what endpoints of this node
 * ask of it. Kept in the tables: it stands while nobody runs, and a restart takes it over as it is.
 *
 * The endpoint is named "host". It has the labels given here and reserved:host, by which policies select it (nodeSelector, or a
 * subject that speaks of a reserved label); others never do. To its peers it is the entity "host". It is listed, looked up, counted,
 * given flags and rates like others (endpoint.h).
 */
#ifndef EBPFNET_HOST_H
#define EBPFNET_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/endpoint.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

#define EBPFNET_HOST_NAME "host"	/**< of the endpoint */
#define EBPFNET_HOST_SAFE_MAX 60u	/**< entries that a caller may have */
#define EBPFNET_HOST_SAFE_ALL 64u	/**< and those that the library adds */

#define EBPFNET_SAFE_OUT 0x1u		/**< the host is who calls: ports are the other side's; else it is called */
#define EBPFNET_SAFE_OWN 0x2u		/**< told only: not asked for; the overlay's packets between nodes */

/**
 * What passes between the host and others whatever policy says, and however full the flow tables are, both ways: such as the
 * connection that the node is administered by.
 */
struct ebpfnet_host_safe {
	struct ebpfnet_prefix peer;	/**< of the other side; all zero ("::/0"): anybody, of both families */
	uint16_t port_min;		/**< both ends included; both 0: all of them. TCP, UDP and SCTP alone have any */
	uint16_t port_max;
	uint8_t protocol;		/**< IPPROTO_*, of ICMP errors that of the packet they speak of; 0: any */
	uint8_t flags;			/**< EBPFNET_SAFE_* */
	uint8_t reserved[2];		/**< 0 */
};

struct ebpfnet_host_opts {
	size_t sz;
	const struct ebpfnet_labels *labels;	/**< of the node, without reserved ones; NULL: none */
	const struct ebpfnet_host_safe *safe;	/**< copied */
	size_t n_safe;
	uint32_t flags;		/**< EBPFNET_ENDPOINT_AUDIT: report what would be denied, let it through */
	uint16_t id;		/**< of the endpoint when it is made; 0: the next free one */
	uint16_t reserved;	/**< 0 */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_host_opts__last_field diag

/**
 * Makes the host an endpoint, or changes it to these labels, flags and safe entries; said again it changes nothing. Its addresses are
 * those that the network namespace has now: see ebpfnet_host_refresh(). From here on its packets on the node's devices
 * (EBPFNET_ROLE_NETDEV, the overlay's) are tracked and judged; neighbour discovery, group membership and the ICMP errors it sends pass.
 * A TCP connection that began before is none that policy knows: begin in audit, mark it as safe, or allow picking up
 * (ebpfnet_ct_set_config()).
 * @param opts	NULL: no labels, nothing safe, enforcing
 * @return 0, or
 *   -EINVAL	reserved labels, an entry that is not sane (diag)
 *   -EEXIST	another endpoint is named "host", or has the id
 *   -ENOSPC	rows, subjects or table space used up
 *   -EBUSY (tables not prepared), -EROFS, -ENOMEM, errors of netlink
 * When it cannot be made nothing is left. A change that fails (-ENOSPC, -ENOMEM, netlink) may be there in part, each part whole, and
 * the same call finishes it.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_host_set(struct ebpfnet_datapath *dp, const struct ebpfnet_host_opts *opts);

/**
 * The host is no endpoint any more: its packets pass unasked. @return 0, -EINVAL, -ENOENT, -EROFS, -EBUSY, -ENOMEM, -ENOSPC
 * @since 0.1
 */
EBPFNET_API int ebpfnet_host_clear(struct ebpfnet_datapath *dp);

/**
 * Makes the host's addresses those of the network namespace, all scopes but the loopback's own. Call it when they change: a packet to
 * one that is not known passes as one on its way to somebody else. What an address says of itself otherwise
 * (ebpfnet_address_upsert()) stays.
 * @return how many came or went, -EINVAL, -ENOENT (the host is no endpoint), -EROFS, -EBUSY, -ENOSPC, -ENOMEM, errors of netlink
 * @since 0.1
 */
EBPFNET_API int ebpfnet_host_refresh(struct ebpfnet_datapath *dp);

struct ebpfnet_host_info {
	uint16_t endpoint;	/**< id */
	uint16_t reserved;
	uint32_t n_addresses;
	uint32_t n_safe;
	uint32_t reserved2;
	struct ebpfnet_host_safe safe[EBPFNET_HOST_SAFE_ALL];	/**< as they were given, then the library's own */
};
/** What is set, and what has come of it. @param size	sizeof(*ret) @return 0, -EINVAL, -ENOENT, -EBUSY, -EAGAIN (the tables kept changing), -EPROTO @since 0.1 */
EBPFNET_API int ebpfnet_host_get(struct ebpfnet_datapath *dp, struct ebpfnet_host_info *ret, size_t size);

EBPFNET_END_DECLS
#endif
