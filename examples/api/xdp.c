// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* xdp NAME [attach|detach DEVICE]: puts the balancer of a running datapath on a device, takes it off, or says what it did. */
#include <stdio.h>
#include <string.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/xdp.h>

static int show(const struct ebpfnet_xdp_info *info, void *userdata)
{
	(void)userdata;
	printf("%s: %s\n", info->device, info->mode == EBPFNET_XDP_NATIVE ? "native" : "generic");
	return 0;
}

static int count(const struct ebpfnet_service_opts *svc, const struct ebpfnet_service_stats *stats, void *userdata)
{
	struct ebpfnet_xdp_backend_stats b = { 0 };
	struct ebpfnet_xdp_service_stats s = { 0 };
	size_t i;

	(void)stats;
	if (!ebpfnet_xdp_service_stats(userdata, svc->name, &s, sizeof(s)))
		printf("%s: %llu packets, %llu flows\n", svc->name, (unsigned long long)s.packets,
		       (unsigned long long)s.flows);
	for (i = 0; i < svc->n_backends; i++)
		if (!ebpfnet_xdp_backend_stats(userdata, &svc->backends[i], &b, sizeof(b)))
			printf("  backend %zu: %llu packets\n", i, (unsigned long long)b.packets);
	return 0;
}

static int look(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_xdp_stats st;
	int rc = ebpfnet_xdp_foreach(dp, show, NULL);

	if (rc < 0)
		return rc;
	rc = ebpfnet_xdp_stats(dp, &st, sizeof(st));
	if (rc < 0) {
		printf("no balancer yet\n");
		return 0;
	}
	printf("%llu of %llu places taken\n", (unsigned long long)st.connections,
	       (unsigned long long)st.connections_max);
	return ebpfnet_service_foreach(dp, count, dp);
}

int main(int argc, char **argv)
{
	struct ebpfnet_xdp_opts how = { EBPFNET_OPTS_INIT(how), .mode = EBPFNET_XDP_AUTO };
	struct ebpfnet_ctx *ctx = NULL;
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_diag *diag = NULL;
	char text[512];
	int rc;

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: xdp NAME [attach|detach DEVICE]\n");
		return 2;
	}
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = argv[1] };

	opts.flags = argc == 2 ? EBPFNET_DATAPATH_READONLY : 0;
	rc = ebpfnet_diag_new(&diag);
	if (!rc)
		rc = ebpfnet_ctx_new(NULL, &ctx);
	if (!rc)
		rc = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (!rc && argc == 4)
		rc = ebpfnet_datapath_load(dp, diag);
	if (!rc && argc == 4)
		rc = strcmp(argv[2], "attach") ? ebpfnet_xdp_detach(dp, argv[3]) :
						 ebpfnet_xdp_attach(dp, argv[3], &how, diag);
	if (!rc)
		rc = look(dp);
	if (rc < 0) {
		if (!ebpfnet_diag_count(diag) || ebpfnet_diag_format(diag, text, sizeof(text)) < 0)
			snprintf(text, sizeof(text), "%s", strerror(-rc));
		fprintf(stderr, "xdp: %s\n", text);
	}
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return rc < 0;
}
