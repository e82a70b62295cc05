// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Makes a device masquerade and says how, and what is in use. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>
#include <string.h>

#include <ebpfnet/nat.h>

#include "scratch.h"

static int say(const struct ebpfnet_nat_info *info, void *userdata)
{
	char addr4[EBPFNET_ADDR_STRLEN], addr6[EBPFNET_ADDR_STRLEN];

	(void)userdata;
	ebpfnet_addr_format(&info->addr4, addr4, sizeof(addr4));
	ebpfnet_addr_format(&info->addr6, addr6, sizeof(addr6));
	printf("%s: to %s and %s, ports %u to %u, %u destinations left alone\n", info->device, addr4, addr6, info->port_min,
	       info->port_max, info->n_keep);
	return 0;
}

static int masquerade(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebpfnet_nat_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = diag };
	struct ebpfnet_nat_prefix keep = { .len = 8 };
	struct ebpfnet_nat_stats st;
	int r;

	r = ebpfnet_addr_parse("10.0.0.0", &keep.addr);
	if (r == 0)
		r = ebpfnet_addr_parse("192.0.2.1", &opts.addr4);
	opts.keep = &keep;
	opts.n_keep = 1;
	if (r == 0)
		r = ebpfnet_nat_set(dp, "lo", &opts);
	if (r == 0)
		r = ebpfnet_nat_foreach(dp, say, NULL);
	if (r == 0)
		r = ebpfnet_nat_stats(dp, "lo", &st, sizeof(st));
	if (r == 0)
		printf("%llu ports in use, %u for each destination\n", (unsigned long long)st.in_use, st.range);
	return r ? r : ebpfnet_nat_clear(dp, "lo");
}

int main(void)
{
	return scratch_run(NULL, masquerade);
}
