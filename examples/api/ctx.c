// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Makes a context that does without tcx, listens to its log and prints what the kernel lacks. */
#include <stdio.h>
#include <string.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/features.h>

static void print(void *userdata, int level, const char *file, int line, const char *func, const char *text)
{
	fprintf(userdata, "<%d> %s:%d %s(): %s\n", level, file, line, func, text);
}

int main(void)
{
	struct ebpfnet_ctx_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.log = print,
		.log_userdata = stderr,
		.disable_features = 1 << EBPFNET_FEATURE_TCX,
	};
	struct ebpfnet_ctx *ctx = NULL;
	struct ebpfnet_diag *diag = NULL;
	char text[4096];
	int rc;

	rc = ebpfnet_diag_new(&diag);
	if (!rc) {
		opts.diag = diag;
		rc = ebpfnet_ctx_new(&opts, &ctx);
	}
	if (!rc)
		rc = ebpfnet_features_check(ctx, diag);
	if (rc < 0) {
		fprintf(stderr, "ctx: %s\n", strerror(-rc));
		if (ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
			fputs(text, stderr);
	} else {
		puts("this kernel has what the datapath needs");
	}
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return rc < 0;
}
