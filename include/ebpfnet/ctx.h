/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file ctx.h
 * The context: log callback, probed features, switches. Everything else is made from one.
 *
 * Threads: there are no hidden threads and no locks. A context and all that was made from it belong to one
 * thread at a time; separate contexts are independent.
 */
#ifndef EBPFNET_CTX_H
#define EBPFNET_CTX_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/diag.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_ctx;

/** Levels are syslog(3)'s; the library uses these three. */
#define EBPFNET_LOG_ERR 3
#define EBPFNET_LOG_WARNING 4
#define EBPFNET_LOG_DEBUG 7

/**
 * Receives log messages. @p text is one line without a newline, valid during the call.
 * The callback must not call the library with the same context.
 */
typedef void (*ebpfnet_log_fn)(void *userdata, int level, const char *file, int line, const char *func,
			       const char *text);

struct ebpfnet_ctx_opts {
	size_t sz;			/**< set by EBPFNET_OPTS_INIT() */
	ebpfnet_log_fn log;		/**< NULL: silent */
	void *log_userdata;
	uint64_t disable_features;	/**< bits (1 << enum ebpfnet_feature) to treat as missing */
	struct ebpfnet_diag *diag;	/**< messages of ebpfnet_ctx_new() itself, or NULL */
};
#define ebpfnet_ctx_opts__last_field diag

/**
 * Makes a context with one reference.
 * @param opts	NULL: defaults
 * @param[out] ret	release it with ebpfnet_ctx_unref()
 * @return 0, or
 *   -EINVAL	ret is NULL, or opts holds bytes or feature bits this version does not know
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ctx_new(const struct ebpfnet_ctx_opts *opts, struct ebpfnet_ctx **ret);

/** Takes a reference; returns @p ctx. @since 0.1 */
EBPFNET_API struct ebpfnet_ctx *ebpfnet_ctx_ref(struct ebpfnet_ctx *ctx);

/** Drops a reference; NULL is allowed. Always returns NULL. Objects made from a context hold one. @since 0.1 */
EBPFNET_API struct ebpfnet_ctx *ebpfnet_ctx_unref(struct ebpfnet_ctx *ctx);

/** Changes the log callback; @p fn NULL: silent. @return 0 or -EINVAL (ctx is NULL) @since 0.1 */
EBPFNET_API int ebpfnet_ctx_set_log(struct ebpfnet_ctx *ctx, ebpfnet_log_fn fn, void *userdata);

EBPFNET_END_DECLS
#endif
