/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#ifndef EBN_CORE_FEATURES_H
#define EBN_CORE_FEATURES_H

#include "core/internal.h"

/* Id of a function in the kernel's type information, 0: no such, -EPERM, -ENOMEM. */
int ebn_btf_func_id(const char *name);
/* The same in an image in memory, of this machine's byte order; every length in it is checked. */
int ebn_btf_find_func(const void *btf, size_t len, const char *name);
/* May programs of traffic control read the kernel's own struct sk_buff? 1, 0, -EPERM, -ENOMEM. */
int ebn_probe_kernel_skb(void);
/* May they set when a packet leaves on its way in (bpf_skb_set_tstamp(), Linux 5.18)? Likewise. */
int ebn_probe_pace(void);

#endif
