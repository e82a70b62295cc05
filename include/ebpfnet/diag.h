/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file diag.h
 * Diagnostics: what went wrong, in words, beside the error code.
 *
 * Functions that can fail in more ways than an errno can say take an optional `struct ebpfnet_diag *` in
 * their options. They append messages to it, the first cause first. Nothing is ever printed.
 * A diag belongs to one thread at a time.
 */
#ifndef EBPFNET_DIAG_H
#define EBPFNET_DIAG_H

#include <stddef.h>
#include <ebpfnet/common.h>

EBPFNET_BEGIN_DECLS

struct ebpfnet_diag;

/** One message. Strings are borrowed: valid until the diag is cleared or freed. */
struct ebpfnet_diag_message {
	const char *text;	/**< never NULL, one line, no newline at its end */
	const char *path;	/**< file, device, pin or feature it is about, or NULL */
	const char *detail;	/**< more lines, for example the verifier log's tail, or NULL */
	unsigned int line;	/**< 1.., 0: not about a line */
	unsigned int column;	/**< 1.., 0: unknown */
	int error;		/**< positive errno, 0: a warning */
	int reserved;		/**< 0 */
};

/**
 * Makes an empty diag.
 * @param[out] ret	the new diag; free it with ebpfnet_diag_free()
 * @return 0, or
 *   -EINVAL	ret is NULL
 *   -ENOMEM
 * @since 0.1
 */
EBPFNET_API int ebpfnet_diag_new(struct ebpfnet_diag **ret);

/** Frees a diag. NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_diag_free(struct ebpfnet_diag *diag);

/** Forgets all messages. NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_diag_clear(struct ebpfnet_diag *diag);

/** Number of messages; 0 for NULL. @since 0.1 */
EBPFNET_API size_t ebpfnet_diag_count(const struct ebpfnet_diag *diag);

/**
 * Message number @p index, 0 first.
 * @param[out] ret	filled on success
 * @return 0, or
 *   -EINVAL	diag or ret is NULL
 *   -ENOENT	there is no such message
 * @since 0.1
 */
EBPFNET_API int ebpfnet_diag_get(const struct ebpfnet_diag *diag, size_t index, struct ebpfnet_diag_message *ret);

/**
 * Writes all messages as text, one a line ("path:line:column: text: error"), details indented below.
 * @param[out] buf	may be NULL when size is 0
 * @return length of the whole text without the final NUL, as snprintf(3) counts; -EINVAL
 * @since 0.1
 */
EBPFNET_API int ebpfnet_diag_format(const struct ebpfnet_diag *diag, char *buf, size_t size);

EBPFNET_END_DECLS
#endif
