/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file node.h
 * Other nodes, and the overlay that leads to them: which prefixes of endpoints are behind which node, reached through a VXLAN
 * or Geneve device that carries the sender's identity in its network number, or by routes alone. Kept in the tables: a restart takes it
 * over as it is.
 *
 * Packets take their way through the stack on both sides, so IP forwarding is to be on; it answers for time to live and for
 * packets that are too large. Policy is asked where the endpoint is: the identity that a packet tells stands for addresses that
 * ebpfnet_address_set_many() says nothing about. It is believed when the outer source is the node that has the inner source's
 * prefix; anything else is dropped as OVERLAY_SOURCE. Nodes have to number label sets alike (struct ebpfnet_datapath_opts,
 * identities), and the network between them has to keep strangers from sending in their name.
 */
#ifndef EBPFNET_NODE_H
#define EBPFNET_NODE_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

#define EBPFNET_NODES_MAX 1024u		/**< nodes */
#define EBPFNET_NODE_PREFIXES_MAX 16u	/**< prefixes of one node */
#define EBPFNET_NODE_LENGTHS_MAX 8u	/**< different lengths of all nodes' prefixes, of each family */
#define EBPFNET_NODE_NAME_MAX 63u	/**< bytes */

/** What the nodes speak to each other; the same on all of them. */
enum ebpfnet_overlay_protocol {
	EBPFNET_OVERLAY_VXLAN,
	EBPFNET_OVERLAY_GENEVE,		/**< where the kernel has EBPFNET_FEATURE_GENEVE */
};

struct ebpfnet_overlay_opts {
	size_t sz;
	const char *device;	/**< its name; NULL: "ebnvx" or "ebngv" and the datapath's number in eight digits */
	uint16_t port;		/**< UDP; 0: 8472, or 6081 of Geneve */
	uint16_t protocol;	/**< enum ebpfnet_overlay_protocol */
	uint32_t mtu;		/**< 1280..65535; 0: 70 less than that of @ref underlay, which is room for any outer header */
	const char *underlay;	/**< the device that leads to the other nodes; NULL: its MTU is taken for 1500 */
	struct ebpfnet_addr addr4, addr6;	/**< what the host itself sends with to endpoints elsewhere: addresses in a
						     prefix of this node, set on the device; none: the host's own */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_overlay_opts__last_field diag

/**
 * Makes the overlay's device, attaches the programs and takes it up; or changes MTU and addresses of the one that is there.
 * One of another name, or of another protocol, is replaced: the routes move, and a name that stays is nobody's for a moment.
 * @param opts	NULL: all defaults
 * @return 0, or
 *   -EINVAL	bad options (diag)
 *   -EBUSY	the programs are not loaded, or were loaded by a version that had no overlay: upgrade first
 *   -EEXIST	a device of that name is there and not ours (diag)
 *   -ENODEV	no such underlay
 *   -EADDRINUSE	the port is another device's
 *   -EOPNOTSUPP	the kernel has no devices of that protocol (diag)
 *   -EROFS, -ENOSPC, -ENOMEM, errors of netlink
 * @since 0.1
 */
EBPFNET_API int ebpfnet_overlay_set(struct ebpfnet_datapath *dp, const struct ebpfnet_overlay_opts *opts);

/** Removes the device; nodes stay in the tables, and are not reached. @return 0, -EINVAL, -ENOENT, -EROFS, -EBUSY, -ENOSPC,
 *  -ENOMEM, errors of netlink @since 0.1 */
EBPFNET_API int ebpfnet_overlay_clear(struct ebpfnet_datapath *dp);

struct ebpfnet_overlay_info {
	char device[16];	/**< as it is called now; "" when gone */
	uint32_t ifindex;
	uint32_t nodes;
	uint32_t prefixes;
	uint16_t protocol;	/**< enum ebpfnet_overlay_protocol */
	uint16_t port;		/**< UDP; 0: the device is gone */
};

/** What the overlay is. @return 0, -EINVAL, -ENOENT (no device was made), -EBUSY, -EPROTO, -EAGAIN @since 0.1 */
EBPFNET_API int ebpfnet_overlay_get(struct ebpfnet_datapath *dp, struct ebpfnet_overlay_info *ret, size_t size);

#define EBPFNET_NODE_NATIVE 0x1u	/**< by routes through the node's addresses, not by the overlay */
#define EBPFNET_NODE_IPV6 0x2u		/**< outer packets go to addr6; without it to addr4, if there is one */
#define EBPFNET_NODE_NO_ROUTES 0x4u	/**< routes are somebody else's to make */

struct ebpfnet_node_opts {
	size_t sz;
	uint32_t flags;		/**< EBPFNET_NODE_* */
	uint32_t tag;		/**< the caller's number, given back */
	/**
	 * The caller's number of the key that packets to the node are encrypted with, 0: none. Given back here and with the
	 * addresses behind the node (struct ebpfnet_address_info); nothing is encrypted here.
	 */
	uint32_t key;
	uint32_t reserved;	/**< 0 */
	struct ebpfnet_addr addr4, addr6;	/**< the node's own addresses, at least one */
	const struct ebpfnet_prefix *prefixes;	/**< of its endpoints, both families; the longest decides. Copied */
	size_t n_prefixes;	/**< at most EBPFNET_NODE_PREFIXES_MAX */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_node_opts__last_field diag

/**
 * Adds a node, or changes one; with it the routes to its prefixes. An endpoint that moves to another node is a prefix of one
 * address there. Flows are judged again with their next packet. The node's own addresses are "reserved:remote-node" for policy,
 * but for those that ebpfnet_address_set_many() says something else about, and those of endpoints here, the host among them.
 * @param name	1..EBPFNET_NODE_NAME_MAX bytes of [A-Za-z0-9._-]
 * @return 0, or
 *   -EINVAL	bad name, addresses, prefixes or flags; a native node without an address of a prefix's family (diag)
 *   -EEXIST	a prefix is another node's (diag)
 *   -EBUSY	the tables are not prepared; or there is no overlay and the node is not native (diag)
 *   -ENOSPC	more nodes, addresses or lengths of prefixes than the tables take, or they are full (diag)
 *   -EROFS, -ENOMEM, errors of netlink
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_node_set(struct ebpfnet_datapath *dp, const char *name, const struct ebpfnet_node_opts *opts);

/** Removes a node and its routes: what still comes from it is dropped. @return 0, -EINVAL, -ENOENT, -EROFS, -EBUSY, -ENOSPC,
 *  -ENOMEM, errors of netlink @since 0.1 */
EBPFNET_API int ebpfnet_node_delete(struct ebpfnet_datapath *dp, const char *name);

struct ebpfnet_node_info {
	char name[EBPFNET_NODE_NAME_MAX + 1];
	uint32_t flags;		/**< EBPFNET_NODE_* */
	uint32_t tag;
	struct ebpfnet_addr addr4, addr6;
	uint32_t n_prefixes;
	uint32_t key;		/**< 0: none */
	struct ebpfnet_prefix prefixes[EBPFNET_NODE_PREFIXES_MAX];
};

/** A node by name. @return 0, -EINVAL, -ENOENT, -EBUSY, -EPROTO, -EAGAIN, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_node_get(struct ebpfnet_datapath *dp, const char *name, struct ebpfnet_node_info *ret,
				 size_t size);

/** Called with each node; <0 aborts and is returned, 1 stops, 0 goes on. */
typedef int (*ebpfnet_node_fn)(const struct ebpfnet_node_info *info, void *userdata);
/** In no order. @return 0, 1 or what @p fn returned below 0, -EINVAL, -EBUSY, -EPROTO, -EAGAIN, -ENOMEM
 *  @since 0.1 */
EBPFNET_API int ebpfnet_node_foreach(struct ebpfnet_datapath *dp, ebpfnet_node_fn fn, void *userdata);

EBPFNET_END_DECLS
#endif
