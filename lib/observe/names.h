/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Names of the numbers in events, read from node tables in any mapping: works on plain memory in tests. */
#ifndef EBN_OBSERVE_NAMES_H
#define EBN_OBSERVE_NAMES_H

#include "observe/internal.h"

/*
 * Where the tables are now: a datapath may be cleaned up and prepared again while its names live. NULL: nowhere.
 */
typedef const void *(*ebn_locate_fn)(void *owner, uint64_t *ret_size);

/* release (may be NULL) is called with owner when the names are freed, not when this fails. 0, -EPROTO, -EAGAIN, -ENOMEM. */
int ebn_names_new(ebn_locate_fn locate, void (*release)(void *owner), void *owner, const char *node,
		  struct ebpfnet_names **ret);

#endif
