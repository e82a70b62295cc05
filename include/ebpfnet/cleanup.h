/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file cleanup.h
 * Releases objects when a variable goes out of scope, for compilers with the cleanup attribute (GCC, Clang).
 *
 *     EBPFNET_DEFINE_CLEANUP(ebpfnet_ctx, ebpfnet_ctx_unref)
 *
 *     int work(void)
 *     {
 *             EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
 *             int rc = ebpfnet_ctx_new(NULL, &ctx);
 *
 *             return rc < 0 ? rc : 0;         // ctx is released here
 *     }
 *
 * This header declares nothing: one EBPFNET_DEFINE_CLEANUP() per type and file defines what is used there, so that
 * a program links only what it names.
 */
#ifndef EBPFNET_CLEANUP_H
#define EBPFNET_CLEANUP_H

#include <ebpfnet/common.h>

/**
 * Defines the cleanup function of `struct type`; write it at file scope, without a semicolon.
 * @param type	without "struct", for example ebpfnet_labels
 * @param func	its release function, for example ebpfnet_labels_unref
 * @since 0.1
 */
#define EBPFNET_DEFINE_CLEANUP(type, func)                                                                 \
	static __inline__ __attribute__((unused)) void type##_cleanup_(struct type **p)                    \
	{                                                                                                  \
		if (*p)                                                                                    \
			(void)func(*p);                                                                    \
	}

/**
 * Put before the definition of a pointer variable, which must be initialized (NULL will do).
 * @param type	as given to EBPFNET_DEFINE_CLEANUP()
 * @since 0.1
 */
#define EBPFNET_CLEANUP(type) __attribute__((cleanup(type##_cleanup_)))

#endif
