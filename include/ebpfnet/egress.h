/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file egress.h
 * Egress gateways: what chosen endpoints send to chosen destinations leaves the cluster by a chosen node, with a chosen address of it.
 * Kept in the tables: rules stand while nobody runs, and a restart takes them over as they are.
 *
 * A rule is known by its name between nodes: the endpoints' node has it with the gateway's name, the gateway with the address. The
 * first rule that selects an endpoint and has the destination decides of its packets. They go through the overlay (node.h), so the
 * gateway has to be a node that it leads to; where there is no way to it nothing leaves.
 */
#ifndef EBPFNET_EGRESS_H
#define EBPFNET_EGRESS_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

#define EBPFNET_EGRESS_RULES_MAX 64u	/**< of a node */
#define EBPFNET_EGRESS_PREFIXES_MAX 1024u	/**< of all rules together */
#define EBPFNET_EGRESS_NAME_MAX 63u	/**< bytes */

/** Everything here is copied. In an array, sz of the first is the distance of all. */
struct ebpfnet_egress_rule {
	size_t sz;		/**< EBPFNET_OPTS_INIT() */
	const char *name;	/**< 1..EBPFNET_EGRESS_NAME_MAX bytes of [A-Za-z0-9._/-]; the same on all nodes */
	const struct ebpfnet_selector *endpoints;	/**< of this node, whose packets are meant; NULL: none, as on a gateway alone */
	const struct ebpfnet_prefix *to;	/**< destinations, at least one; addresses of endpoints, nodes and the host never are */
	size_t n_to;
	const struct ebpfnet_prefix *except;	/**< destinations that the rule is not about; a later one may be */
	size_t n_except;
	const char *node;	/**< the gateway, a node's name (ebpfnet_node_set()), which may come later; NULL: this node */
	struct ebpfnet_addr addr4, addr6;	/**< this node is the gateway: what to leave with, at least one; else none */
	uint16_t port_min, port_max;	/**< this node is the gateway: as in struct ebpfnet_nat_opts; else 0 */
	uint32_t reserved;	/**< 0 */
};
#define ebpfnet_egress_rule__last_field reserved

struct ebpfnet_egress_opts {
	size_t sz;
	const struct ebpfnet_egress_rule *rules;	/**< in the order in which they are asked */
	size_t n_rules;		/**< 0: none any more */
	struct ebpfnet_diag *diag;
};
#define ebpfnet_egress_opts__last_field diag

/**
 * Makes these the rules, all at once; said again it changes nothing. Flows that are under another rule from now on, or none, go that
 * way with their next packet, and break when their address is another one. Flows that clients outside began are never meant. Programs
 * of an earlier version know no rules: ebpfnet_datapath_upgrade() comes first.
 * @param opts	NULL: no rules
 * @return 0, or
 *   -EINVAL	a bad name, prefix, address, range of ports or selector (diag)
 *   -EEXIST	a name twice, or two of the same number (diag: another name helps); an address is an endpoint's
 *   -ENOSPC	more rules, prefixes or memory of the tables than there are
 *   -EBUSY	the tables are not prepared
 *   -EROFS, -ENOMEM
 * On failure nothing has changed.
 * @since 0.1
 */
EBPFNET_API int ebpfnet_egress_set(struct ebpfnet_datapath *dp, const struct ebpfnet_egress_opts *opts);

#define EBPFNET_EGRESS_HERE 0x1u	/**< this node is the gateway */
#define EBPFNET_EGRESS_LOST 0x2u	/**< the gateway is no node that the overlay leads to: packets are dropped */

/** Strings and arrays are good until the callback returns. */
struct ebpfnet_egress_info {
	const char *name;
	const char *endpoints;	/**< the selector's canonical form; NULL: none */
	const char *node;	/**< NULL: this node */
	const struct ebpfnet_prefix *to;
	const struct ebpfnet_prefix *except;
	uint32_t n_to;
	uint32_t n_except;
	uint32_t n_endpoints;	/**< of this node that it selects now */
	uint32_t flags;		/**< EBPFNET_EGRESS_* */
	uint32_t number;	/**< what the name is between nodes */
	uint16_t port_min, port_max;	/**< HERE */
	struct ebpfnet_addr addr4, addr6;	/**< HERE: what packets leave with; else the gateway's own */
};

/** Called with each rule; <0 aborts and is returned, 1 stops, 0 goes on. */
typedef int (*ebpfnet_egress_fn)(const struct ebpfnet_egress_info *info, void *userdata);
/** In order. @return 0, 1 or what @p fn returned below 0, -EINVAL, -EBUSY, -EPROTO, -EAGAIN, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_egress_foreach(struct ebpfnet_datapath *dp, ebpfnet_egress_fn fn, void *userdata);

EBPFNET_END_DECLS
#endif
