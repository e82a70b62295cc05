/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Drops by reason, per CPU: the map that programs on every hook count in. */
#ifndef EBN_LIB_REASON_H
#define EBN_LIB_REASON_H

#include "ebn_config.h"
#include "ebn_reason.h"

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EBN_REASON_CELLS);
	__type(key, __u32);
	__type(value, struct ebn_reason_stat);
} ebn_reason SEC(".maps");

static __always_inline void ebn_stat_reason(enum ebn_reason reason, __u32 bytes)
{
	__u32 key = reason & (EBN_REASON_CELLS - 1);
	struct ebn_reason_stat *s = bpf_map_lookup_elem(&ebn_reason, &key);

	if (s) {
		s->packets++;
		s->bytes += bytes;
	}
}

#endif
