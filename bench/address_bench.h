/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared by address.bpf.c and address.c. */
#ifndef EBN_ADDRESS_BENCH_H
#define EBN_ADDRESS_BENCH_H

#include "ebn_types.h"

#define ADDRESS_BENCH_ADDRS 524288u
#define ADDRESS_BENCH_LOOKUPS 64u

/* The i-th known address of a family, 16 bytes as the tables hold it: spread over the whole space, all different. */
static inline void address_bench_addr(__u32 i, __u32 v6, __u32 addr[4])
{
	__u32 x = i * 2654435761u;

	addr[0] = v6 ? 0xb80d0120 : 0;
	addr[1] = v6 ? x >> 7 : 0;
	addr[2] = v6 ? x ^ 0x5bd1e995 : 0xffff0000;
	addr[3] = x;
}

/* Length of the i-th prefix, of the 16 bytes: /20 to /32, and /44 to /128. */
static inline __u32 address_bench_len(__u32 i, __u32 v6)
{
	return v6 ? 44 + i % 85 : 116 + i % 13;
}

struct address_bench_key {
	__u32 prefixlen;
	__u32 addr[4];
};
struct address_bench_value {
	__u32 identity;
	__u32 row;
};

#endif
