// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "core/internal.h"

int ebpfnet_ctx_new(const struct ebpfnet_ctx_opts *opts, struct ebpfnet_ctx **ret)
{
	struct ebpfnet_diag *diag;
	struct ebpfnet_ctx *ctx;
	uint64_t disabled;

	if (!ret || !EBN_OPTS_VALID(opts, ebpfnet_ctx_opts))
		return -EINVAL;
	diag = EBN_OPT(opts, diag, NULL);
	disabled = EBN_OPT(opts, disable_features, 0);
	if (disabled >> EBPFNET_FEATURE_MAX)
		return ebn_diag(diag, NULL, EINVAL, "disable_features names a feature that is not known");
	ctx = ebn_calloc(1, sizeof(*ctx));
	if (!ctx)
		return ebn_diag(diag, NULL, ENOMEM, "no memory for a context");
	ctx->refs = 1;
	ctx->log = EBN_OPT(opts, log, NULL);
	ctx->log_userdata = EBN_OPT(opts, log_userdata, NULL);
	ctx->disabled = disabled;
	memset(ctx->feature, -1, sizeof(ctx->feature));
	*ret = ctx;
	return 0;
}

struct ebpfnet_ctx *ebpfnet_ctx_ref(struct ebpfnet_ctx *ctx)
{
	if (ctx)
		ctx->refs++;
	return ctx;
}

struct ebpfnet_ctx *ebpfnet_ctx_unref(struct ebpfnet_ctx *ctx)
{
	if (ctx && --ctx->refs == 0)
		free(ctx);
	return NULL;
}

int ebpfnet_ctx_set_log(struct ebpfnet_ctx *ctx, ebpfnet_log_fn fn, void *userdata)
{
	if (!ctx)
		return -EINVAL;
	ctx->log = fn;
	ctx->log_userdata = userdata;
	return 0;
}
