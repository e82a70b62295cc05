/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Shared by packet.bpf.c and packet.c. */
#ifndef EBN_PACKET_BENCH_H
#define EBN_PACKET_BENCH_H

#include "ebn_types.h"

#define PACKET_LEN4 64u
#define PACKET_LEN6 80u		/* an IPv6 TCP header ends at 74 */

/* What the harness does to each packet before the program under test sees it. */
struct packet_mode {
	__u64 packet[PACKET_LEN6 / 8];
	__u32 count;		/* of packets so far */
	__u32 flows;		/* a power of two: the packet is one of so many flows; 1: always the same */
	__u32 scatter;		/* 1: flows in random order */
	__u32 port_off;		/* of the port that tells flows apart, low 16 bits */
	__u32 addr_off;		/* of the 16-bit word of an address, the bits above */
	__u32 epoch_off;	/* not 0: this word of the node tables is raised before each packet */
};

#endif
