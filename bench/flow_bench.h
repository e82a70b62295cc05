/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared by flow.bpf.c and flow.c. */
#ifndef EBN_FLOW_BENCH_H
#define EBN_FLOW_BENCH_H

#include "ebn_flow.h"

#define FLOW_BENCH_FLOWS 524288u	/* what both tables are made for */
#define FLOW_BENCH_SETS 131072u		/* ebn_flow_sets(FLOW_BENCH_FLOWS) */

struct flow_bench_key {
	__u64 w[2];
};
struct flow_bench_value {
	__u64 w[6];		/* as large as struct ebn_flow_body */
};

static inline void flow_bench_key(__u64 n, __u64 *w)
{
	w[0] = n * 0x9e3779b97f4a7c15ULL;
	w[1] = 6ULL << 32 | (__u32)n;
}

#endif
