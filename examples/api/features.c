// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Prints what this kernel can do. Needs CAP_BPF and CAP_NET_ADMIN. */
#include <stdio.h>
#include <string.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/features.h>

int main(void)
{
	struct ebpfnet_ctx *ctx = NULL;
	int rc = ebpfnet_ctx_new(NULL, &ctx);
	int i;

	if (rc < 0)
		goto fail;
	for (i = 0; i < EBPFNET_FEATURE_MAX; i++) {
		rc = ebpfnet_feature_supported(ctx, i);
		if (rc < 0)
			goto fail;
		printf("%-18s %-4s%s%s\n", ebpfnet_feature_name(i), rc ? "yes" : "no",
		       ebpfnet_feature_required(i) ? "required: " : "", ebpfnet_feature_description(i));
	}
	ebpfnet_ctx_unref(ctx);
	return 0;
fail:
	fprintf(stderr, "features: %s\n", strerror(-rc));
	ebpfnet_ctx_unref(ctx);
	return 1;
}
