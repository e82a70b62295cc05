/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Names of the numbers in events, read from node tables in any mapping: works on plain memory in tests. */
#ifndef EBN_OBSERVE_NAMES_H
#define EBN_OBSERVE_NAMES_H

#include "observe/internal.h"

/* mem stays the caller's and must outlive the object. 0, -EPROTO, -EAGAIN, -ENOMEM. */
int ebn_names_new(const void *mem, uint64_t size, const char *node, struct ebpfnet_names **ret);
/* Calls release(owner) when the names are freed. */
void ebn_names_hold(struct ebpfnet_names *names, void *owner, void (*release)(void *owner));

#endif
