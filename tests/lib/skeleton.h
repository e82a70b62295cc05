/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * EBN_SKELETON(name) makes name__open_as(bool eased): name__open() for this machine's order of loads (eased, where loads keep
 * theirs; lib/core/order.h) or for any machine's.
 */
#ifndef EBN_TESTS_SKELETON_H
#define EBN_TESTS_SKELETON_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "core/order.h"

#define EBN_SKELETON(name)                                                                      \
	static struct name *name##__open_as(bool eased)                                         \
	{                                                                                       \
		struct name *o = calloc(1, sizeof(*o));                                         \
		size_t size = 0;                                                                \
		const void *elf = name##__elf_bytes(&size);                                     \
		void *copy = malloc(size);                                                      \
		\
		if (!o || !copy || name##__create_skeleton(o)) {                                \
			free(copy);                                                             \
			free(o);                                                                \
			return NULL;                                                            \
		}                                                                               \
		memcpy(copy, elf, size);                                                        \
		if (eased)                                                                      \
			ebn_order_ease(copy, size);                                             \
		o->skeleton->data = copy;                                                       \
		if (bpf_object__open_skeleton(o->skeleton, NULL)) {                             \
			name##__destroy(o);                                                     \
			o = NULL;                                                               \
		}                                                                               \
		/* libbpf has taken what it needs */                                            \
		free(copy);                                                                     \
		return o;                                                                       \
	}

#endif
