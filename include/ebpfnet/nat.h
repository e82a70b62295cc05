/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file nat.h
 * Masquerade: what endpoints send out of a device of the node leaves with that device's address and a port of its range, and
 * answers find their way back. Kept in the tables: a restart takes it over as it is.
 */
#ifndef EBPFNET_NAT_H
#define EBPFNET_NAT_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

#define EBPFNET_NAT_IPV4 0x1u		/**< masquerade IPv4 */
#define EBPFNET_NAT_IPV6 0x2u		/**< masquerade IPv6 */
#define EBPFNET_NAT_HOST_PORTS 0x4u	/**< the range may overlap the ports that the host's own connections leave from */

#define EBPFNET_NAT_PREFIXES 32u	/**< destinations that are left alone, of each family and device */
#define EBPFNET_NAT_DEVICES 8u		/**< devices that masquerade, in one datapath */

/** An address and how many of its bits count: 0 to 32 for IPv4, 0 to 128 for IPv6. */
struct ebpfnet_nat_prefix {
	struct ebpfnet_addr addr;
	uint8_t len;
	uint8_t reserved[7];	/**< 0 */
};

struct ebpfnet_nat_opts {
	size_t sz;
	uint32_t flags;		/**< EBPFNET_NAT_*; neither IPV4 nor IPV6: the families there is an address of */
	uint16_t port_min;	/**< ports, and ICMP identifiers, that are given out, both ends included; 1..65535. */
	uint16_t port_max;	/**< Both 0: the larger part of 1024..65535 that the host's own connections leave free */
	struct ebpfnet_addr addr4, addr6;	/**< what to leave with; none: the device's first address of global scope now */
	const struct ebpfnet_nat_prefix *keep;	/**< destinations that are left as they are; copied */
	size_t n_keep;
	struct ebpfnet_diag *diag;
};
#define ebpfnet_nat_opts__last_field diag

/**
 * Makes a device masquerade, or changes how. The device need not be attached yet: call this before ebpfnet_datapath_attach()
 * and no packet leaves as it is in between. Flows that have a port keep it as long as their address stays; a flow whose
 * address is another one now gets a new port with its next packet. Flows that left as they were are masqueraded from now on.
 * @param opts	NULL: all defaults
 * @return 0, or
 *   -EINVAL	bad ranges, prefixes, addresses or flags (diag)
 *   -ENODEV	no such device
 *   -EADDRNOTAVAIL	no address of a family that is asked for, or of none (diag)
 *   -EADDRINUSE	the range overlaps net.ipv4.ip_local_port_range, and EBPFNET_NAT_HOST_PORTS is not set (diag)
 *   -EEXIST	the address is an endpoint's
 *   -ENOSPC	EBPFNET_NAT_DEVICES masquerade already, or the tables are full
 *   -EROFS, -EBUSY (tables not prepared), -ENOMEM, errors of netlink
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_nat_set(struct ebpfnet_datapath *dp, const char *device, const struct ebpfnet_nat_opts *opts);

/**
 * The device masquerades no more: what endpoints send leaves as it is, and answers to flows that had a port are the host's.
 * ebpfnet_datapath_detach() does it, too.
 * @return 0, -EINVAL, -ENOENT, -EROFS, -EBUSY, -ENOSPC, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_nat_clear(struct ebpfnet_datapath *dp, const char *device);

struct ebpfnet_nat_info {
	char device[16];	/**< as it is called now; "" when gone */
	uint32_t ifindex;
	uint32_t flags;		/**< EBPFNET_NAT_*: the families in force */
	uint16_t port_min, port_max;
	uint8_t primary4;	/**< 1: addr4 was asked from the device */
	uint8_t primary6;
	uint8_t attached;	/**< 1: the datapath's programs are on the device */
	uint8_t reserved;
	struct ebpfnet_addr addr4, addr6;
	uint32_t n_keep;
	uint32_t reserved2;
	struct ebpfnet_nat_prefix keep[2 * EBPFNET_NAT_PREFIXES];
};

/** How a device masquerades. @return 0, -EINVAL, -ENOENT, -EBUSY, -EPROTO @since 0.1 */
EBPFNET_API int ebpfnet_nat_get(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_nat_info *ret,
				size_t size);

/** Called with each device that masquerades; <0 aborts and is returned, 1 stops, 0 goes on. */
typedef int (*ebpfnet_nat_fn)(const struct ebpfnet_nat_info *info, void *userdata);
/** In order of ifindex. @return 0, 1 or what @p fn returned below 0, -EINVAL, -EBUSY, -EPROTO @since 0.1 */
EBPFNET_API int ebpfnet_nat_foreach(struct ebpfnet_datapath *dp, ebpfnet_nat_fn fn, void *userdata);

struct ebpfnet_nat_stats {
	uint64_t in_use;	/**< ports that flows have, a port once for each destination */
	uint32_t range;		/**< ports of the device's range; 0 when asked about all devices */
	uint32_t fullest;	/**< most ports in use towards one destination from one address */
	uint8_t fullest_percent;	/**< of the range of its device */
	uint8_t warn;		/**< 1: more than EBPFNET_NAT_WARN percent: flows to that destination will fail soon */
	uint8_t fullest_protocol;
	uint8_t reserved;
	uint16_t fullest_port;	/**< host order */
	uint16_t reserved2;
	struct ebpfnet_addr fullest_addr;	/**< that destination; none: no port is in use */
	/* since the datapath was made, all devices */
	uint64_t given;		/**< ports given to flows */
	uint64_t walked;	/**< of these, found by a walk over the range only: most were in use */
	uint64_t exhausted;	/**< packets dropped because none was left; as reason NAT_EXHAUSTED */
};
#define EBPFNET_NAT_WARN 80u

/**
 * Ports in use. Walks the flow tables: about 1 ms for each 100,000 ways, and memory in proportion to the ports in use.
 * @param device	NULL: all devices
 * @return 0, -EINVAL, -ENOENT, -EBUSY, -EPROTO, -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_nat_stats(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_nat_stats *ret,
				  size_t size);

EBPFNET_END_DECLS
#endif
