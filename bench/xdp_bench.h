/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared by xdp.bpf.c and xdp.c. */
#ifndef EBN_XDP_BENCH_H
#define EBN_XDP_BENCH_H

#include "ebn_types.h"

#define XDP_LEN 64u
#define XDP_GROWN 20u	/* what an IPv4 packet around it adds */

struct xdp_mode {
	__u64 packet[XDP_LEN / 8];
	__u32 count;		/* of packets so far */
	__u32 flows;		/* a power of two: the packet is one of so many flows; 1: always the same */
	__u32 scatter;		/* 1: flows in random order */
	__u32 reserved;
};

#endif
