// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * source DEVICE: lets clients outside that come by this device reach backends on other nodes, in the name of an address of it, and
 * says what is in force. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON.
 */
#include <stdio.h>

#include <ebpfnet/diag.h>
#include <ebpfnet/service.h>

#include "scratch.h"

static const char *device;

static int serve(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebpfnet_service_source_opts opts = { EBPFNET_OPTS_INIT(opts), .port_min = 20000, .port_max = 29999,
						    .diag = diag };
	struct ebpfnet_service_source is;
	char addr[EBPFNET_ADDR_STRLEN];
	uint32_t i;
	int r;

	r = ebpfnet_datapath_attach(dp, device, EBPFNET_ROLE_NETDEV, diag);
	if (r == 0)
		r = ebpfnet_service_source_set(dp, &opts);
	if (r == 0)
		r = ebpfnet_service_source_get(dp, &is, sizeof(is));
	if (r < 0)
		return r;
	for (i = 0; i < is.n_devices; i++)
		if (ebpfnet_addr_format(&is.devices[i].addr4, addr, sizeof(addr)) > 0)
			printf("%s: %s ports %u-%u\n", is.devices[i].device, addr, is.port_min, is.port_max);
	return ebpfnet_service_source_clear(dp);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: source DEVICE\n");
		return 2;
	}
	device = argv[1];
	return scratch_run("lo", serve);
}
