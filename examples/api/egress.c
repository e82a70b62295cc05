// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Makes this node the egress gateway of a rule, and says what is in force. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>

#include <ebpfnet/diag.h>
#include <ebpfnet/egress.h>

#include "scratch.h"

static int print(const struct ebpfnet_egress_info *info, void *userdata)
{
	char addr[EBPFNET_ADDR_STRLEN] = "?", to[EBPFNET_PREFIX_STRLEN] = "?";

	(void)userdata;
	ebpfnet_addr_format(&info->addr4, addr, sizeof(addr));
	ebpfnet_prefix_format(&info->to[0], to, sizeof(to));
	printf("%s: %s -> %s, by %s as %s ports %u-%u, %u endpoints here\n", info->name, info->endpoints ? info->endpoints : "nobody",
	       to, info->flags & EBPFNET_EGRESS_HERE ? "this node" : info->node, addr, info->port_min, info->port_max,
	       info->n_endpoints);
	return 0;
}

static int gateway(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebpfnet_egress_rule rule = { EBPFNET_OPTS_INIT(rule), .name = "partner", .port_min = 20000, .port_max = 29999 };
	struct ebpfnet_egress_opts opts = { EBPFNET_OPTS_INIT(opts), .rules = &rule, .n_rules = 1, .diag = diag };
	struct ebpfnet_selector *who = NULL;
	struct ebpfnet_prefix to;
	int r;

	r = ebpfnet_prefix_parse("203.0.113.0/24", &to);
	if (r == 0)
		r = ebpfnet_addr_parse("198.18.0.77", &rule.addr4);
	if (r == 0)
		r = ebpfnet_selector_parse("app=billing", diag, &who);
	rule.endpoints = who;
	rule.to = &to;
	rule.n_to = 1;
	if (r == 0)
		r = ebpfnet_egress_set(dp, &opts);
	if (r == 0)
		r = ebpfnet_egress_foreach(dp, print, NULL);
	/* none any more */
	if (r == 0)
		r = ebpfnet_egress_set(dp, NULL);
	ebpfnet_selector_unref(who);
	return r;
}

int main(void)
{
	return scratch_run("lo", gateway);
}
