/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Other nodes and the overlay in the node tables (ebn_node.h): one piece, EBN_P_OVERLAY, that is replaced whole.
 *
 *	struct ebn_overlay_head
 *	struct ebn_overlay_node, n of them
 *	struct ebn_overlay_prefix, head.slots of them
 *
 * A prefix is found by its bits: for each length in use, longest first, the address is cut to it and looked up in the table of
 * prefixes, at most EBN_OVERLAY_PROBES slots from where its hash says.
 */
#ifndef EBN_OVERLAY_H
#define EBN_OVERLAY_H

#include "ebn_node.h"

#define EBN_OVERLAY_NODES 1024u
#define EBN_OVERLAY_NODE_PREFIXES 16u	/* of one node */
#define EBN_OVERLAY_LENGTHS 8u		/* different lengths of prefixes, of each family */
#define EBN_OVERLAY_PROBES 4u
#define EBN_OVERLAY_SEEN 16384u		/* addresses whose identity packets have told; the oldest give way */
#define EBN_OVERLAY_VNI_MAX 0xffffffu

/* A length in use. */
struct ebn_overlay_length {
	__u64 hi;		/* the bits that count, as in struct ebn_overlay_prefix; 0: no more lengths */
	__u64 lo;
	__u32 len;
	__u32 reserved0;
	__u64 reserved;
};
struct ebn_overlay_head {
	__u32 ifindex;		/* of the tunnel device; 0: none */
	__u32 slots;		/* of the table of prefixes: a power of two */
	__u32 slots_off;	/* from the head */
	__u32 port;		/* user space: UDP port of both ends */
	__u64 reserved[6];
	/* lines 1 to 8 */
	struct ebn_overlay_length len[2][EBN_OVERLAY_LENGTHS];	/* IPv4, IPv6: longest first */
};
EBN_ASSERT(sizeof(struct ebn_overlay_head) == 9 * EBN_LINE, "the head is whole lines");

#define EBN_ON_F_SEND6 0x1u	/* packets to it go to its IPv6 address */
#define EBN_ON_F_NATIVE 0x2u	/* reached without the overlay: nothing comes from it there */
#define EBN_ON_F_NO_ROUTES 0x4u	/* user space */
struct ebn_overlay_node {
	/* line 0 */
	__u32 addr[2][4];	/* its own, network order, IPv4 mapped; all zero: none of this family */
	__u32 flags;		/* EBN_ON_F_* */
	__u32 tag;		/* user space: the caller's number */
	__u32 key;		/* user space: the caller's number of a key */
	__u32 reserved0;
	__u64 reserved[2];
	/* line 1 */
	char name[EBN_LINE];	/* user space; ends in NUL */
};
EBN_ASSERT(sizeof(struct ebn_overlay_node) == 2 * EBN_LINE, "a node is two lines");

struct ebn_overlay_prefix {
	__u64 hi;		/* the bits as numbers, ebn_addr_bits(); those beyond len are 0 */
	__u64 lo;
	__u32 node;		/* index + 1; 0: free */
	__u32 len;		/* of the mapped form */
	__u64 reserved;
};
EBN_ASSERT(sizeof(struct ebn_overlay_prefix) == 32, "two prefixes a line");

static inline __u64 ebn_overlay_hash(__u64 hi, __u64 lo, __u32 len)
{
	return ebn_mix64(ebn_mix64(hi ^ len * 0x9e3779b97f4a7c15ULL) + lo);
}

#endif
