// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <stdio.h>
#include <unistd.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>

#include "scratch.h"

static int open_with(struct ebpfnet_ctx *ctx, const char *device, struct ebpfnet_diag *diag,
		     struct ebpfnet_datapath **ret)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .table_bytes = 1 << 22, .flows4 = 1024,
					      .flows6 = 1024, .diag = diag };
	struct ebpfnet_datapath *dp;
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "example-%d", (int)getpid());
	opts.name = name;
	rc = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (rc < 0)
		return rc;
	rc = device ? ebpfnet_datapath_load(dp, diag) : ebpfnet_datapath_prepare(dp, diag);
	if (!rc && device)
		rc = ebpfnet_datapath_attach(dp, device, EBPFNET_ROLE_WATCH, diag);
	if (rc < 0)
		scratch_close(dp);
	else
		*ret = dp;
	return rc;
}

int scratch_open(const char *device, struct ebpfnet_datapath **ret)
{
	struct ebpfnet_ctx *ctx = NULL;
	struct ebpfnet_diag *diag = NULL;
	char text[4096] = "";
	int rc;

	rc = ebpfnet_diag_new(&diag);
	if (!rc)
		rc = ebpfnet_ctx_new(NULL, &ctx);
	if (!rc)
		rc = open_with(ctx, device, diag, ret);
	if (rc < 0 && diag) {
		ebpfnet_diag_format(diag, text, sizeof(text));
		fputs(text, stderr);
	}
	/* the datapath holds a reference of its own */
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return rc;
}

void scratch_close(struct ebpfnet_datapath *dp)
{
	if (dp)
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
}

int scratch_run(const char *device, int (*example)(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag))
{
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_diag *diag = NULL;
	char text[4096];
	int rc;

	if (ebpfnet_diag_new(&diag) < 0 || scratch_open(device, &dp) < 0) {
		ebpfnet_diag_free(diag);
		return 1;
	}
	rc = example(dp, diag);
	if (ebpfnet_datapath_cleanup(dp, diag) < 0)
		rc = -1;
	if (rc < 0 && ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
		fputs(text, stderr);
	ebpfnet_datapath_unref(dp);
	ebpfnet_diag_free(diag);
	return rc < 0;
}
