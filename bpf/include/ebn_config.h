/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Configuration that is fixed when the programs are loaded: one struct in .rodata, `ebn_cfg`. The verifier
 * sees constants and removes what is switched off.
 */
#ifndef EBN_CONFIG_H
#define EBN_CONFIG_H

#include "ebn_flow.h"
#include "ebn_types.h"

#define EBN_CFG_MAGIC 0x45424e43u	/* checked by the loader: object and library belong together */
#define EBN_ABI_MAJOR 1
#define EBN_ABI_MINOR 0

struct ebn_config {
	__u32 magic;
	__u16 abi_major;
	__u16 abi_minor;
	__u32 node_size;	/* bytes of the node array, a power of two */
	__u32 flow4_mask;	/* sets - 1 */
	__u32 flow6_mask;
	__u32 old4_mask;	/* of the table being drained; its maps exist only when has_old */
	__u32 old6_mask;
	__u32 has_old;
	__u32 tick_shift;	/* tick = jiffies >> tick_shift, about an eighth of a second */
	__u32 kernel_skb;	/* 1: the kernel lets programs read its own struct sk_buff (bpf_cast_to_kern_ctx(), Linux 6.2) */
	__u32 pace;		/* 1: packets on their way in may be told when to leave (bpf_skb_set_tstamp(), Linux 5.18) */
	__u32 reserved;
	__u64 flow_seed[2];
	struct ebn_flow_layout old;	/* of the table being drained */
};
EBN_ASSERT(sizeof(struct ebn_config) == 96, "ebn_config");

/*
 * Places in the map ebn_before: what runs on a device while it still belongs to the programs that are being replaced
 * (EBN_STAGE_OLD).
 */
enum ebn_before {
	EBN_BEFORE_FROM_EP,
	EBN_BEFORE_TO_EP,
	EBN_BEFORE_FROM_NETDEV,
	EBN_BEFORE_TO_NETDEV,
	EBN_BEFORE_WATCH_IN,
	EBN_BEFORE_WATCH_OUT,
	EBN_BEFORE_MAX = 8,
};

/* Per-CPU counters of an endpoint row, map ebn_ep_stat. From and to are as the endpoint sees it. */
struct ebn_ep_stat {
	__u64 packets[2];	/* forwarded: sent by it, received by it */
	__u64 bytes[2];
	__u64 dropped[2];
	__u64 flows[2];		/* new flows it began, it answered */
};
EBN_ASSERT(sizeof(struct ebn_ep_stat) == 64, "ebn_ep_stat");

struct ebn_reason_stat {
	__u64 packets;
	__u64 bytes;
};

/* Per-CPU counters of what could not be recorded, map ebn_counter. */
enum ebn_counter {
	EBN_C_EVENT_LOST,	/* event ring full */
	EBN_C_FLOW_UNRECORDED,	/* forwarded on its verdict, no entry (BUSY) */
	EBN_C_FLOW_NEW,
	EBN_C_FLOW_EXPIRED,	/* an expired entry was taken over */
	EBN_C_FLOW_EVICTED,	/* a live one was: half open, closing or long idle */
	EBN_C_FLOW_MOVED,	/* moved from the old table */
	EBN_C_RECHECK,
	EBN_C_TORN,		/* look-up saw an entry change and tried again */
	EBN_C_NAT_NEW,		/* a port was given to a flow */
	EBN_C_NAT_SCAN,		/* a port was found by a walk over the range only: the destination's are nearly used up */
	EBN_C_NAT_EXHAUSTED,	/* none was left */
	EBN_C_MAX = 16,
};

#endif
