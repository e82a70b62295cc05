/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/* What BPF writes into the event ring: one record of 96 bytes for every kind. Host order unless said. */
#ifndef EBN_EVENT_H
#define EBN_EVENT_H

#include "ebn_types.h"

#define EBN_EVENT_ABI 1

enum ebn_event_type {
	EBN_EV_NONE,
	EBN_EV_VERDICT,		/* policy decided on a new flow (or again, after a change) */
	EBN_EV_DROP,
	EBN_EV_CLOSE,		/* TCP flow saw its last FIN or an RST */
	EBN_EV_SEEN,		/* a watched device saw a new flow; no verdict was asked */
};
enum ebn_event_point {
	EBN_AT_NONE,
	EBN_AT_FROM_ENDPOINT,
	EBN_AT_TO_ENDPOINT,
	EBN_AT_FROM_NETDEV,
	EBN_AT_TO_NETDEV,
	EBN_AT_FROM_HOST,
	EBN_AT_TO_HOST,
	EBN_AT_FROM_OVERLAY,
	EBN_AT_TO_OVERLAY,
};
#define EBN_EVF_IPV6 0x01u
#define EBN_EVF_REPLY 0x02u		/* packet goes from responder to initiator */
#define EBN_EVF_RECHECK 0x04u		/* of an established flow whose epoch moved */
#define EBN_EVF_LOCAL 0x08u		/* both ends are on this node */
#define EBN_EVF_FRAGMENT 0x10u
#define EBN_EVF_RELATED 0x20u		/* ICMP error */
#define EBN_EVF_L3 0x40u		/* addresses are valid */
#define EBN_EVF_L4 0x80u		/* ports, or type and code, are valid */

struct ebn_event {
	__u64 time_ns;		/* CLOCK_MONOTONIC_COARSE: of the last tick */
	__u8 abi;		/* EBN_EVENT_ABI */
	__u8 type;		/* enum ebn_event_type */
	__u8 point;		/* enum ebn_event_point */
	__u8 flags;		/* EBN_EVF_* */
	__u8 verdict;		/* enum ebn_verdict, combined */
	__u8 reason;		/* enum ebn_reason */
	__u8 proto;		/* IP protocol */
	__u8 tcp_flags;
	__u32 src[4];		/* network order; IPv4 mapped: 0,0,ffff,a */
	__u32 dst[4];
	__u16 sport;		/* host order; ICMP: type */
	__u16 dport;		/* host order; ICMP: code */
	__u32 len;		/* bytes of the packet from the network header */
	__u32 src_identity;
	__u32 dst_identity;
	__u16 egress_decision;	/* index of the decision; 0xffff: not asked */
	__u16 ingress_decision;
	__u16 ep;		/* endpoint id on whose device this happened; 0: none */
	__u16 peer_ep;		/* the other endpoint, when local; 0: none */
	__u32 ifindex;
	__u32 epoch;
	__u32 generation;	/* of the tables that decided */
	__u32 reserved[3];
};
#define EBN_DECISION_NONE 0xffffu
EBN_ASSERT(sizeof(struct ebn_event) == 96, "an event is 96 bytes");

#endif
