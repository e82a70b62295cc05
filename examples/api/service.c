// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* service NAME [ADDRESS PORT]: lists the services of a running datapath; or says where TCP to a port would go. Needs root. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/service.h>

static int show(const struct ebpfnet_service_opts *svc, const struct ebpfnet_service_stats *stats, void *userdata)
{
	char addr[EBPFNET_ADDR_STRLEN];
	uint32_t local = 0;
	size_t i;

	printf("%s: connections %llu\n", svc->name, (unsigned long long)stats->connections);
	if (!ebpfnet_service_local(userdata, svc->name, &local))
		printf("  here: %u\n", local);
	for (i = 0; i < svc->n_frontends; i++) {
		ebpfnet_addr_format(&svc->frontends[i].addr, addr, sizeof(addr));
		printf("  at %s port %u protocol %u\n", addr, svc->frontends[i].port, svc->frontends[i].protocol);
	}
	for (i = 0; i < svc->n_backends; i++) {
		ebpfnet_addr_format(&svc->backends[i].addr, addr, sizeof(addr));
		printf("  to %s port %u weight %u\n", addr, svc->backends[i].port, svc->backends[i].weight);
	}
	return 0;
}

static int ask(struct ebpfnet_datapath *dp, const char *address, const char *port)
{
	struct ebpfnet_service_query q = { .dport = (uint16_t)strtoul(port, NULL, 10), .protocol = IPPROTO_TCP };
	struct ebpfnet_service_answer a;
	char addr[EBPFNET_ADDR_STRLEN];
	int rc;

	rc = ebpfnet_addr_parse(address, &q.dst);
	if (!rc)
		rc = ebpfnet_service_select(dp, &q, &a, sizeof(a));
	if (rc < 0)
		return rc;
	if (a.verdict == EBPFNET_SERVICE_BACKEND) {
		ebpfnet_addr_format(&a.backend, addr, sizeof(addr));
		printf("%s: to %s port %u: ", a.service, addr, a.port);
	}
	printf("%s\n", a.why);
	return 0;
}

int main(int argc, char **argv)
{
	struct ebpfnet_datapath_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = argc > 1 ? argv[1] : NULL,
		.flags = EBPFNET_DATAPATH_READONLY,
	};
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	int rc;

	rc = ebpfnet_ctx_new(NULL, &ctx);
	if (!rc)
		rc = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (!rc)
		rc = argc > 3 ? ask(dp, argv[2], argv[3]) : ebpfnet_service_foreach(dp, show, dp);
	if (rc < 0)
		fprintf(stderr, "service: %s\n", strerror(-rc));
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	return rc < 0;
}
