/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Per-CPU counters, enum ebn_counter. */
#ifndef EBN_LIB_COUNT_H
#define EBN_LIB_COUNT_H

#include "ebn_config.h"

#include "lib/maps.h"

static __always_inline void ebn_count(__u32 counter)
{
	__u64 *c = bpf_map_lookup_elem(&ebn_counter, &counter);

	if (c)
		(*c)++;
}

#endif
