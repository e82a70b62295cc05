/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Egress gateways in the node tables (ebn_node.h): one piece, EBN_P_EGRESS, that is replaced whole but for the masks.
 *
 *	struct ebn_egress_head
 *	struct ebn_egress_rule, n of them
 *	struct ebn_egress_prefix, in the rules' order, a rule's exceptions before its destinations
 *	u64 masks of rules, one for each row of endpoints: whose packets a rule is about [in place]
 *	text, user space: for each rule its name, the selector of its endpoints, and the gateway's node, each ended by NUL
 *
 * The first rule of an endpoint that has a prefix of the destination, and no exception from it, decides. Between nodes a rule is
 * known by its number, which its name makes; the tunnel's number (VNI) carries it in the place of the sender's identity.
 */
#ifndef EBN_EGRESS_H
#define EBN_EGRESS_H

#include "ebn_node.h"

#define EBN_EGRESS_RULES 64u		/* bits of a mask */
#define EBN_EGRESS_PREFIXES 1024u	/* of all rules */
#define EBN_EGRESS_VNI 0x800000u	/* the number is a rule's, no identity's */
#define EBN_EGRESS_ID_MAX 0x7fffffu
EBN_ASSERT(EBN_EGRESS_VNI > EBN_ID_CLUSTER_MAX, "a tunnel's number is a rule's or an identity's");

struct ebn_egress_head {
	__u32 rules;
	__u32 prefixes;
	__u32 rules_off;	/* from the head */
	__u32 prefixes_off;
	__u32 masks_off;
	__u32 masks;
	__u32 text_off;		/* user space */
	__u32 text_len;
	__u64 reserved[4];
};
EBN_ASSERT(sizeof(struct ebn_egress_head) == EBN_LINE, "the head is a line");

#define EBN_EG_F_HERE 0x1u	/* this node is the gateway */
#define EBN_EG_F_SEND6 0x2u	/* tunnel to the gateway's IPv6 address */
#define EBN_EG_F_LOST 0x4u	/* the gateway is no node that the overlay leads to: nothing leaves */
struct ebn_egress_rule {
	__u32 id;		/* 1..EBN_EGRESS_ID_MAX */
	__u32 flags;		/* EBN_EG_F_* */
	__u32 addr[2][4];	/* IPv4 mapped, IPv6, network order. HERE: what to leave with; else the gateway's own. Zero: none */
	__u16 port_min;		/* HERE: host order, both ends included */
	__u16 port_max;
	__u32 first;		/* prefix */
	__u32 n;		/* prefixes */
	__u32 reserved[3];
};
EBN_ASSERT(sizeof(struct ebn_egress_rule) == EBN_LINE, "a rule is a line");

/*
 * EBN_P_SOURCE: the rows are rules of this node without prefixes, one for each device that leads to backends: first is its ifindex.
 * Their number is none between nodes.
 */
#define EBN_SOURCE_ROWS 9u	/* the node's devices, and the overlay */
#define EBN_SOURCE_ID 0x800000u
EBN_ASSERT(EBN_SOURCE_ID > EBN_EGRESS_ID_MAX, "no rule's number");

#define EBN_EX_F_EXCEPT 0x1u
#define EBN_EX_F_IP6 0x2u		/* no IPv4 address, though it has the bits */
struct ebn_egress_prefix {
	__u32 addr[4];		/* network order, IPv4 mapped; bits behind the mask are 0 */
	__u32 mask[4];
	__u32 rule;		/* index */
	__u32 flags;		/* EBN_EX_F_* */
	__u32 reserved[6];
};
EBN_ASSERT(sizeof(struct ebn_egress_prefix) == EBN_LINE, "a prefix is a line");

#endif
