// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Adds a node that is reached by routes, looks at it and removes it. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>

#include <ebpfnet/node.h>

#include "scratch.h"

static int say(const struct ebpfnet_node_info *info, void *userdata)
{
	char addr[EBPFNET_ADDR_STRLEN], prefix[EBPFNET_PREFIX_STRLEN];
	uint32_t i;

	(void)userdata;
	ebpfnet_addr_format(&info->addr4, addr, sizeof(addr));
	printf("%s at %s has", info->name, addr);
	for (i = 0; i < info->n_prefixes; i++) {
		ebpfnet_prefix_format(&info->prefixes[i], prefix, sizeof(prefix));
		printf(" %s", prefix);
	}
	printf("\n");
	return 0;
}

static int add(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	/* the routes are made by somebody else here, so that the example leaves the host alone */
	struct ebpfnet_node_opts opts = { EBPFNET_OPTS_INIT(opts), .n_prefixes = 1, .diag = diag,
					  .flags = EBPFNET_NODE_NATIVE | EBPFNET_NODE_NO_ROUTES };
	struct ebpfnet_overlay_info overlay;
	struct ebpfnet_node_info info;
	struct ebpfnet_prefix prefix;
	int r;

	opts.prefixes = &prefix;
	r = ebpfnet_addr_parse("192.0.2.2", &opts.addr4);
	if (r == 0)
		r = ebpfnet_prefix_parse("10.42.2.0/24", &prefix);
	if (r == 0)
		r = ebpfnet_node_set(dp, "n2", &opts);
	if (r == 0)
		r = ebpfnet_node_foreach(dp, say, NULL);
	if (r == 0)
		r = ebpfnet_node_get(dp, "n2", &info, sizeof(info));
	if (r == 0)
		r = ebpfnet_node_delete(dp, info.name);
	/* ebpfnet_overlay_set() would make a VXLAN or Geneve device, ebpfnet_overlay_clear() removes it */
	if (r == 0 && ebpfnet_overlay_get(dp, &overlay, sizeof(overlay)) < 0)
		printf("there is no overlay\n");
	return r;
}

int main(void)
{
	return scratch_run(NULL, add);
}
