/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared by policy.bpf.c and policy.c. */
#ifndef EBN_POLICY_BENCH_H
#define EBN_POLICY_BENCH_H

#include "ebn_types.h"

#define POLICY_BENCH_ENTRIES 262144u
#define POLICY_BENCH_LOOKUPS 64u
#define POLICY_BENCH_PORT 8000u

/* The i-th identity, up to 32,768 of them: numbers in use are scattered where labels come and go. */
static inline __u32 policy_bench_identity(__u32 i)
{
	return 1024 + (i * 40503u & 0x7fff);
}

/* How a policy is kept where there are no classes: one entry for each identity and port. */
struct policy_bench_key {
	__u32 prefixlen;
	__u32 identity;
	__u8 egress;
	__u8 protocol;
	__u16 port;		/* network order */
};
#define POLICY_BENCH_BITS 64u
struct policy_bench_value {
	__u32 rule;
	__u16 proxy_port;
	__u8 deny;
	__u8 reserved;
};

#endif
