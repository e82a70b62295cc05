/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Address dependencies of the programs: kept where the CPU needs them, taken out where it does not. */
#ifndef EBN_CORE_ORDER_H
#define EBN_CORE_ORDER_H

#include <stddef.h>

/* A CPU that keeps loads in order. */
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
#define EBN_LOADS_IN_ORDER 1
#else
#define EBN_LOADS_IN_ORDER 0
#endif

/*
 * In the code of an ELF object of BPF programs each "register &= 0" becomes "register = 0": the same value, which no longer waits
 * for the register (ebn_dep() in bpf/lib/config.h). How many were changed; what is no such object is left as it is: 0.
 */
size_t ebn_order_ease(void *elf, size_t size);

#endif
