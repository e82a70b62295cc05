// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Run under a kernel that is too old: the library must say so, and name what is missing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/features.h>

int main(void)
{
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	char text[4096] = "";
	int err, feature, named = 0;

	if (ebpfnet_ctx_new(NULL, &ctx) < 0 || ebpfnet_diag_new(&diag) < 0)
		return EXIT_FAILURE;
	err = ebpfnet_features_check(ctx, diag);
	ebpfnet_diag_format(diag, text, sizeof(text));
	for (feature = 0; ebpfnet_feature_name(feature); feature++)
		if (ebpfnet_feature_required(feature) == 1 && strstr(text, ebpfnet_feature_name(feature)))
			named++;
	printf("%d, %d features named:\n%s\n", err, named, text);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
	return err == -EOPNOTSUPP && named ? EXIT_SUCCESS : EXIT_FAILURE;
}
