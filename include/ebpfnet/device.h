/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file device.h
 * The pair of devices between a container and the host: made, configured, looked at, removed.
 *
 * The order that leaves no unguarded moment: ebpfnet_device_create() makes the pair with both sides down,
 * ebpfnet_endpoint_create() attaches the host's side, ebpfnet_device_configure() gives the inside its addresses and routes and
 * then takes both sides up. Whoever makes devices otherwise needs nothing of this.
 *
 * Calls that work inside a namespace take the calling thread there for a moment and back; no other thread is touched. They
 * need CAP_SYS_ADMIN beside CAP_NET_ADMIN.
 */
#ifndef EBPFNET_DEVICE_H
#define EBPFNET_DEVICE_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

/** What a pair is made of. */
enum ebpfnet_device_kind {
	EBPFNET_DEVICE_VETH,
	EBPFNET_DEVICE_NETKIT,		/**< with MAC addresses (L2); where the kernel has EBPFNET_FEATURE_NETKIT */
	EBPFNET_DEVICE_NETKIT_L3,	/**< without: nobody asks for neighbours */
};

struct ebpfnet_device_info {
	char host[16];		/**< name of the host's side */
	uint32_t host_ifindex;
	uint32_t inside_ifindex;
	struct ebpfnet_mac host_mac, inside_mac;	/**< all zero: the pair has none */
	uint32_t mtu;
	uint32_t kind;		/**< enum ebpfnet_device_kind */
};

struct ebpfnet_device_opts {
	size_t sz;
	const char *host;	/**< name of the host's side, 1..15 bytes */
	const char *inside;	/**< name inside, 1..15 bytes */
	int netns_fd;		/**< the network namespace the inside is for: an open /proc/PID/ns/net or the like */
	uint32_t mtu;		/**< of both sides, 68..65535; 0: 1500 */
	struct ebpfnet_mac mac;	/**< of the inside; all zero: the kernel chooses one */
	uint16_t kind;		/**< enum ebpfnet_device_kind */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_device_opts__last_field diag

/**
 * Makes a pair, one side here and one in the namespace, both down. The host's side has no IPv6 address of its own. A netkit pair
 * lets nothing pass, even when it is up, before ebpfnet_endpoint_create() has attached its host's side, and nothing
 * after ebpfnet_endpoint_destroy() or ebpfnet_datapath_cleanup().
 * @param[out] ret	may be NULL
 * @param size	sizeof(*ret)
 * @return 0, or
 *   -EINVAL	bad options, a MAC address for a pair that has none, or the descriptor is of no network namespace
 *   -EEXIST	there is a device of that name on its side (diag says which)
 *   -EOPNOTSUPP	the kernel has no such pairs (diag)
 *   -EPERM, -ENOMEM, other errors of the kernel (diag)
 * On failure nothing is left behind.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_device_create(struct ebpfnet_ctx *ctx, const struct ebpfnet_device_opts *opts,
				      struct ebpfnet_device_info *ret, size_t size);

#define EBPFNET_DEVICE_NO_HOST_ROUTES 0x1u /**< the host learns no routes to the addresses */

/** Everything is copied. */
struct ebpfnet_device_config {
	size_t sz;
	const char *host, *inside;
	int netns_fd;
	uint32_t flags;		/**< EBPFNET_DEVICE_NO_HOST_ROUTES */
	struct ebpfnet_addr addr4, addr6;	/**< of the inside; at least one */
	struct ebpfnet_addr gateway4, gateway6;	/**< none: no default route of that family */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_device_config__last_field diag

/**
 * Takes the inside into use: its addresses as /32 and /128 (without duplicate detection, which has nobody to ask), a route to
 * the gateway and a default route through it, so that everything passes the host, whose datapath answers for the gateway;
 * then the inside up, routes to it and its MAC address as a neighbour on the host, the host's side up. IPv6 is switched on for the device if it was off.
 * May be repeated. @return 0, or
 *   -EINVAL	bad options
 *   -ENODEV	a side is not there (diag says which)
 *   -EPERM, other errors of the kernel (diag). Remove the pair then, or try again.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_device_configure(struct ebpfnet_ctx *ctx, const struct ebpfnet_device_config *config);

/**
 * Is all that ebpfnet_device_configure() made still there?
 * @return 0, or
 *   -EINVAL	bad options
 *   -ENODEV	a side is not there, or they are no pair
 *   -ENETDOWN	the inside is down
 *   -EADDRNOTAVAIL	an address is missing inside
 *   -ENETUNREACH	a default route is missing inside
 *   -EPERM, other errors of the kernel
 * @since 0.1
 */
EBPFNET_API int ebpfnet_device_check(struct ebpfnet_ctx *ctx, const struct ebpfnet_device_config *config);

/**
 * Finds the host's side of a pair whose inside is known, wherever it came from. Its other side must be in the caller's
 * namespace. @return 0, -EINVAL, -ENODEV, -EPERM @since 0.1
 */
EBPFNET_API int ebpfnet_device_find(struct ebpfnet_ctx *ctx, int netns_fd, const char *inside,
				    struct ebpfnet_device_info *ret, size_t size);

/** Removes a pair by the name of its host's side. @return 0, -EINVAL, -ENODEV, -EPERM @since 0.1 */
EBPFNET_API int ebpfnet_device_delete(struct ebpfnet_ctx *ctx, const char *host);

EBPFNET_END_DECLS
#endif
