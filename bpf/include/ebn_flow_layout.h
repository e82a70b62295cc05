/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a flow table's entry has behind its key. What the words mean is of all versions (EBN_FLOW_ABI); where they are may change from
 * version to version, and every object and every set of pins says where: struct ebn_flow_layout in ebn_flow.h.
 */
#ifndef EBN_FLOW_LAYOUT_H
#define EBN_FLOW_LAYOUT_H

#include "ebn_types.h"

/** Behind the key. Written while the entry is claimed; afterwards only as said. */
struct ebn_flow_body {
	__u64 ctl;		/* compare-and-swap */
	__u64 bytes[2];		/* from lo, from hi: atomic add. Final only a grace period after the entry died */
	__u32 packets[2];	/* atomic add, wraps */
	__u32 seen;		/* tick of the last packet, plain store */
	__u16 row[2];		/* endpoint row + 1 of lo, hi; 0: not local */
	__u16 decision;		/* index of the decision that admitted it */
	__u8 tcp_flags[2];	/* flags seen from lo, hi: plain or, may lose one; SCTP chunks as in lib/sctp.h */
	__u32 aux;		/* TCP until proven: an initial sequence number; others, and later: tick of creation */
};
EBN_ASSERT(sizeof(struct ebn_flow_body) == 48, "body");

#endif
