/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * What every layout header needs: the fixed-width types, on both sides, and the accessors for words that
 * the other side writes. Nothing in bpf/include/ may depend on anything but this.
 */
#ifndef EBN_TYPES_H
#define EBN_TYPES_H

#ifdef __bpf__
#include "ebn_vmlinux.h"
#else
#include <linux/types.h>
#endif

/** A cache line; every object in the tables is aligned so that it crosses none, or starts at one. */
#define EBN_LINE 64

/*
 * Shared words are read and written through volatile access only: the compiler may neither tear, repeat,
 * invent nor delete the access. Ordering is argued where it is used.
 */
#define EBN_READ(x) (*(const volatile __typeof__(x) *)&(x))
#define EBN_WRITE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#ifdef __cplusplus
#define EBN_ASSERT(c, m) static_assert(c, m)
#else
#define EBN_ASSERT(c, m) _Static_assert(c, m)
#endif

#endif
