/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A rule of an egress gateway, between JSON and the library. */
#ifndef AGENT_EGRESS_H
#define AGENT_EGRESS_H

#include <ebpfnet/ebpfnet.h>
#include <jansson.h>

#define EGRESS_PREFIXES 64	/* of one rule, of each kind */

struct egress_read {
	struct ebpfnet_egress_rule rule;
	struct ebpfnet_selector *endpoints;
	struct ebpfnet_prefix to[EGRESS_PREFIXES], except[EGRESS_PREFIXES];
	const char *why;	/* it is not one */
};

/*
 * rule points into ret and o. self: name of this node, whose rules have addresses and ports; those of other gateways are read and
 * left to them. 0, or -EINVAL with why, and nothing to be done.
 */
int egress_read(const json_t *o, const char *self, struct egress_read *ret);
void egress_read_done(struct egress_read *read);

#endif
