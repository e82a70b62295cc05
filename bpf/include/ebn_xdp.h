/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the balancer on node devices (XDP) keeps and counts.
 *
 * Its connections are a cache of its own, map ebn_xdp_conn: an element is a set of eight flows, 16 bytes each, so that a packet
 * of a known flow reads one line or two, whatever else is in the table. A flow is two words:
 *
 *	w1 = flags:4 | stamp >> 16:10 | tick:16 | service:16 | row:18
 *	w0 = w1 ^ (hash & ~0xffff | stamp & 0xffff)
 *
 * Words are written without a lock. A pair torn between two writers gives another hash, and is not found. The set is the low
 * bits of the hash, so all 64 of them are compared but for the set's. The hash is keyed: no client can aim at another's flow.
 *
 * stamp: the services' count of changes (ebn_svc_head.changes) when the entry was last found right. While it stands nothing of
 * the services is looked at; when it has moved, the next packet looks the frontend up and asks whether the backend is still in
 * its set. What an entry forgets, the Maglev table says again, as long as the backends stay.
 */
#ifndef EBN_XDP_H
#define EBN_XDP_H

#include "ebn_types.h"

#define EBN_XDP_WAYS 8u
struct ebn_xdp_set {
	__u64 w[2 * EBN_XDP_WAYS];	/* w0, w1 */
};
EBN_ASSERT(sizeof(struct ebn_xdp_set) == 2 * EBN_LINE, "a set is two lines");

#define EBN_XDP_ROW_BITS 18
#define EBN_XDP_ROW(w1) ((__u32)(w1) & 0x3ffff)
#define EBN_XDP_SERVICE(w1) ((__u32)((w1) >> 18) & 0xffff)
#define EBN_XDP_TICK(w1) ((__u32)((w1) >> 34) & 0xffff)
#define EBN_XDP_STAMP_HI(w1) ((__u32)((w1) >> 50) & 0x3ff)
#define EBN_XDP_STAMP_MASK 0x3ffffffu
#define EBN_XDP_W1(flags, stamp, tick, service, row)                                                       \
	((__u64)(flags) | (__u64)(((stamp) & EBN_XDP_STAMP_MASK) >> 16) << 50 |                            \
	 (__u64)((tick) & 0xffff) << 34 | (__u64)((service) & 0xffff) << 18 | ((row) & 0x3ffff))

#define EBN_XDP_F_CLIENT (1ULL << 60)	/* the client has an affinity, which the flow's packets prolong */
#define EBN_XDP_F_PROVEN (1ULL << 61)	/* seen in two ticks: gives way to new flows only after a minute of silence */
#define EBN_XDP_F_LOCAL (1ULL << 62)	/* the backend is on this node: its packets are left to the other hooks */
#define EBN_XDP_F_COARSE (1ULL << 63)	/* a client's affinity in ticks of 256 */

/* Ticks (about 1/8 s). */
#define EBN_XDP_PROVEN_TICKS 480u	/* a proven flow this young stays */
#define EBN_XDP_UDP_TICKS 960u		/* a UDP flow silent this long begins anew */
#define EBN_XDP_FRAG_TICKS 240u	/* fragments follow the first within this */
#define EBN_XDP_SYN_TICKS 512u		/* a SYN this soon after another is the same connection's */
#define EBN_XDP_CLIENT_TICKS 64u	/* how often a flow prolongs its client's affinity */
#define EBN_XDP_FINE_MAX 8000u		/* seconds of an affinity that ticks can count */

/* Where a backend is reached: map ebn_xdp_hop, per CPU, by row & (EBN_XDP_HOPS - 1); asked again once a second. */
#define EBN_XDP_HOPS 4096u
#define EBN_XDP_HOP_TICKS 8u
enum ebn_xdp_way {
	EBN_XDP_SEND,		/* dmac, smac, by the device ifindex */
	EBN_XDP_BACK,		/* to whom it came from: no forwarding on the device */
	EBN_XDP_STACK,		/* the stack knows how, or finds the neighbour */
	EBN_XDP_HERE,		/* an address of this host */
	EBN_XDP_NOWHERE,
};
struct ebn_xdp_hop {
	__u32 row1;		/* row + 1 */
	__u32 check;		/* of the backend's address */
	__u32 tick;
	__u32 ifindex;
	__u16 mtu;		/* 0: any */
	__u8 way;
	__u8 reserved;
	__u8 dmac[6];
	__u8 smac[6];
};
EBN_ASSERT(sizeof(struct ebn_xdp_hop) == 32, "ebn_xdp_hop");

/* Map ebn_xdp_conf, one value. */
struct ebn_xdp_conf {
	__u32 src4;		/* of IPv4 outside; the low 16 bits are the flow's */
	__u32 src6[3];		/* of IPv6, the low 32 bits are the flow's */
};

/* Per CPU. By service number; 0: those whose number is too high to be counted. */
struct ebn_xdp_svc_stat {
	__u64 packets;		/* sent to backends */
	__u64 bytes;
	__u64 flows;		/* given a backend */
	__u64 drops;
};
/* By backend row + 1; 0 as above. */
struct ebn_xdp_be_stat {
	__u64 packets;
	__u64 bytes;
};

/* Per CPU, map ebn_xdp_count. */
enum ebn_xdp_counter {
	EBN_XDP_C_UNRECORDED,	/* flows that found no place in the table */
	EBN_XDP_C_ECHO,		/* echo requests answered */
	EBN_XDP_C_ERROR,	/* ICMP errors sent to the backend they are about */
	EBN_XDP_C_TOO_BIG,	/* packets answered with the path's MTU */
	EBN_XDP_C_STACK,	/* encapsulated and handed to the stack */
	EBN_XDP_C_HERE,		/* left alone: the backend is on this node */
	EBN_XDP_C_CHECKED,	/* known flows that were looked at again */
	EBN_XDP_C_MAX = 16,
};

#endif
