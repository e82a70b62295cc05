/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Other nodes and the overlay, between JSON and the library. */
#ifndef AGENT_NODES_H
#define AGENT_NODES_H

#include <ebpfnet/ebpfnet.h>
#include <jansson.h>

struct overlay_read {
	struct ebpfnet_overlay_opts opts;
	const char *why;	/* it is not one */
};

struct node_read {
	struct ebpfnet_node_opts opts;
	struct ebpfnet_prefix prefixes[EBPFNET_NODE_PREFIXES_MAX];
	const char *why;
};

/* Texts in opts are the JSON's. 0, or -EINVAL with why. */
int overlay_read(const json_t *o, struct overlay_read *ret);
int node_read(const json_t *o, struct node_read *ret);

#endif
