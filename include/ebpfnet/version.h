/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file version.h
 * The version a program is compiled with, and the one it runs with.
 */
#ifndef EBPFNET_VERSION_H
#define EBPFNET_VERSION_H

#include <ebpfnet/common.h>

#define EBPFNET_VERSION_MAJOR 0
#define EBPFNET_VERSION_MINOR 1
#define EBPFNET_VERSION_PATCH 0
/** The version of these headers, as a string. */
#define EBPFNET_VERSION "0.1.0"

EBPFNET_BEGIN_DECLS

/**
 * The version of the library in use, which may be newer than #EBPFNET_VERSION.
 * @return a static string of the form "major.minor.patch"; never NULL. Any thread may call it.
 * @since 0.1
 */
EBPFNET_API const char *ebpfnet_version(void);

EBPFNET_END_DECLS

#endif
