/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file common.h
 * Macros that every public header uses.
 */
#ifndef EBPFNET_COMMON_H
#define EBPFNET_COMMON_H

/** Marks a symbol of the public interface. Everything else in the library is hidden. */
#define EBPFNET_API __attribute__((visibility("default")))

/**
 * First initializer of every options struct.
 *
 * It stores the size the program was compiled with, by which a newer library knows which members
 * exist; all other members are zero unless named:
 *
 *     struct ebpfnet_x_opts o = { EBPFNET_OPTS_INIT(o), .name = "a" };
 *
 * C++ before C++20 has no designated initializers: zero the struct and set `o.sz = sizeof(o)`.
 *
 * @param o the variable being initialized
 * @since 0.1
 */
#define EBPFNET_OPTS_INIT(o) .sz = sizeof(o)

/**
 * Marks a function that a later release will remove.
 * @param since the release that deprecates it, as a string
 * @param msg   what to use instead, as a string
 * @since 0.1
 */
#define EBPFNET_DEPRECATED(since, msg) __attribute__((deprecated("since " since ": " msg)))

/* C++ linkage of a header's declarations. */
#ifdef __cplusplus
#define EBPFNET_BEGIN_DECLS extern "C" {
#define EBPFNET_END_DECLS }
#else
#define EBPFNET_BEGIN_DECLS
#define EBPFNET_END_DECLS
#endif

#endif
