/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters of endpoints, per CPU. */
#ifndef EBN_LIB_STAT_H
#define EBN_LIB_STAT_H

#include "ebn_config.h"
#include "ebn_reason.h"

#include "lib/count.h"
#include "lib/maps.h"

/** row: endpoint row + 1, 0 is nobody's. way: 0 sent by the endpoint, 1 received by it. */
static __always_inline void ebn_stat_passed(__u32 row, __u32 way, __u32 bytes)
{
	struct ebn_ep_stat *s;

	row--;
	s = bpf_map_lookup_elem(&ebn_ep_stat, &row);
	if (s) {
		s->packets[way & 1]++;
		s->bytes[way & 1] += bytes;
	}
}

static __always_inline void ebn_stat_dropped(__u32 row, __u32 way)
{
	struct ebn_ep_stat *s;

	row--;
	s = bpf_map_lookup_elem(&ebn_ep_stat, &row);
	if (s)
		s->dropped[way & 1]++;
}

/** way: 0 the endpoint began the flow, 1 it is the one that was called. */
static __always_inline void ebn_stat_flow(__u32 row, __u32 way)
{
	struct ebn_ep_stat *s;

	row--;
	s = bpf_map_lookup_elem(&ebn_ep_stat, &row);
	if (s)
		s->flows[way & 1]++;
}

#endif
