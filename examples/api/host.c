// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Makes the host an endpoint, with one port that stays open whatever policy says. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>

#include <ebpfnet/diag.h>
#include <ebpfnet/host.h>

#include "scratch.h"

static int protect(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebpfnet_host_safe ssh = { .protocol = 6, .port_min = 22, .port_max = 22 };
	struct ebpfnet_host_opts opts = { EBPFNET_OPTS_INIT(opts), .safe = &ssh, .n_safe = 1,
					  .flags = EBPFNET_ENDPOINT_AUDIT, .diag = diag };
	struct ebpfnet_host_info info;
	int r;

	r = ebpfnet_prefix_parse("192.0.2.0/24", &ssh.peer);
	if (r == 0)
		r = ebpfnet_host_set(dp, &opts);
	/* nothing has changed since */
	if (r == 0)
		r = ebpfnet_host_refresh(dp);
	if (r == 0)
		r = ebpfnet_host_get(dp, &info, sizeof(info));
	if (r < 0)
		return r;
	printf("endpoint %u, %s, %u safe\n", info.endpoint, info.n_addresses ? "with addresses" : "without an address", info.n_safe);
	return ebpfnet_host_clear(dp);
}

int main(void)
{
	return scratch_run("lo", protect);
}
