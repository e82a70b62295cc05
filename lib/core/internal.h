/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What every part of the library uses: the context's inside, logging, diagnostics, options, ownership helpers. */
#ifndef EBN_CORE_INTERNAL_H
#define EBN_CORE_INTERNAL_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/features.h>
#include <ebpfnet/types.h>

#define EBN_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct ebpfnet_ctx {
	unsigned int refs;
	ebpfnet_log_fn log;
	void *log_userdata;
	uint64_t disabled;		/* features masked by the caller */
	int8_t feature[EBPFNET_FEATURE_MAX]; /* -1 not tried, 0 missing, 1 there */
};

/* The library says little: DEBUG, and WARNING where it goes on in spite of something. errno is preserved. */
__attribute__((format(printf, 6, 7))) void ebn_log_(struct ebpfnet_ctx *ctx, int level, const char *file, int line,
						    const char *func, const char *fmt, ...);
#define ebn_log(ctx, level, ...) ebn_log_(ctx, level, __FILE__, __LINE__, __func__, __VA_ARGS__)
#define ebn_debug(ctx, ...) ebn_log(ctx, EBPFNET_LOG_DEBUG, __VA_ARGS__)
#define ebn_warn(ctx, ...) ebn_log(ctx, EBPFNET_LOG_WARNING, __VA_ARGS__)

/*
 * Appends a message; diag NULL: nothing happens. err is a positive or negative errno, 0 for a warning.
 * Always returns -abs(err), so that `return ebn_diag(diag, path, ENODEV, "…")` is the way to fail. A message that
 * cannot be stored for lack of memory is lost, the error code is not.
 */
__attribute__((format(printf, 4, 5))) int ebn_diag(struct ebpfnet_diag *diag, const char *path, int err,
						    const char *fmt, ...);
/* The same with a place in a text. line, column: 1.., 0 unknown. */
__attribute__((format(printf, 6, 7))) int ebn_diag_at(struct ebpfnet_diag *diag, const char *path, unsigned int line,
						       unsigned int column, int err, const char *fmt, ...);
/* Adds detail (copied, only the last 16 KiB of it) to the newest message. */
void ebn_diag_detail(struct ebpfnet_diag *diag, const char *detail);

/*
 * Options: sz first. Returns false when the caller's struct is smaller than sz itself, or holds non-zero bytes beyond
 * what this library knows. EBN_OPT reads a field or its default when the caller's struct is too old to have it.
 */
bool ebn_opts_valid(const void *opts, size_t known);
#define EBN_OPTS_VALID(opts, type) (!(opts) || ebn_opts_valid(opts, offsetof(struct type, type##__last_field) + \
				     sizeof(((struct type *)0)->type##__last_field)))
#define EBN_OPTS_HAS(opts, field)                                                                          \
	((opts) && (opts)->sz >= offsetof(__typeof__(*(opts)), field) + sizeof((opts)->field))
#define EBN_OPT(opts, field, fallback) (EBN_OPTS_HAS(opts, field) ? (opts)->field : (fallback))

/* Results out through structs that may grow: copies min(size, sizeof) bytes and zeroes the rest. */
void ebn_copy_out(void *dst, size_t dst_size, const void *src, size_t src_size);

/* Ownership. */
static inline void ebn_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
static inline void ebn_freep(void *p)
{
	free(*(void **)p);
}
static inline void ebn_closep(int *fd)
{
	ebn_close(fd);
}
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _free_ _cleanup_(ebn_freep)
#define _close_ _cleanup_(ebn_closep)
#define EBN_TAKE_PTR(p) __extension__({ __typeof__(p) p_ = (p); (p) = NULL; p_; })
#define EBN_TAKE_FD(fd) __extension__({ int fd_ = (fd); (fd) = -1; fd_; })

/* n * size without overflow, zeroed. NULL on overflow or no memory. */
void *ebn_calloc(size_t n, size_t size);
/* Grows *p (a pointer's address) to hold n elements at least, doubling, new ones zeroed; 0 or -ENOMEM, nothing changed. */
int ebn_grow(void *p, size_t *cap, size_t n, size_t size);
/* snprintf into buf; -ENAMETOOLONG when it does not fit. */
__attribute__((format(printf, 3, 4))) int ebn_format(char *buf, size_t size, const char *fmt, ...);

/* Writes an address ("none" when it is none) without a NUL into at least EBPFNET_ADDR_STRLEN bytes; returns the end. */
char *ebn_addr_put(char *p, const struct ebpfnet_addr *addr);

/* Length of a prefix in the mapped form, 0 .. 128; -EINVAL: it is none. */
int ebn_prefix_bits(const struct ebpfnet_prefix *prefix);

/* Clocks, in ns. */
uint64_t ebn_monotonic_ns(void);
uint64_t ebn_realtime_ns(void);
/* getrandom(2), whole. 0 or -errno. */
int ebn_random(void *buf, size_t len);

#endif
