/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits of what endpoints send and receive: the virtual scheduling algorithm of ITU-T I.371 (GCRA). A word says when what
 * was let through so far is paid for at the limit's rate; a packet passes while that lies no further ahead than a burst may owe,
 * and moves it on. One word for each way, shared by all CPUs, no timer, nothing queued: what is too much is dropped.
 */
#ifndef EBN_LIB_RATE_H
#define EBN_LIB_RATE_H

#include "ebn_flow.h"
#include "ebn_reason.h"

#include "lib/maps.h"
#include "lib/node.h"
#include "lib/pkt.h"

/** owner: endpoint row + 1. way: 0 sent by it, 1 received. Not 0: too much. A function, for the verifier. */
__noinline int ebn_rate_over(__u32 owner, __u32 way, __u32 bytes)
{
	struct ebn_flow_share *s = bpf_map_lookup_elem(&ebn_flow_share, &owner);
	__u64 bits, now, paid, cost;
	__s64 ahead;

	if (!s)
		return 1;
	way &= 1;
	bits = EBN_READ(s->rate_bits[way]);
	if (!bits)
		return 0;
	now = bpf_ktime_get_ns() * EBN_RATE_UNITS;
	paid = EBN_READ(s->paid[way]);
	ahead = (__s64)(paid - now);
	if (ahead > (__s64)(EBN_READ(s->burst_us[way]) * (1000 * EBN_RATE_UNITS)))
		return 1;
	cost = bytes * (8000000000ULL * EBN_RATE_UNITS) / bits;
	/* somebody else's packet has just brought the word up to now */
	if (__sync_val_compare_and_swap(&s->paid[way], paid, (ahead > 0 ? paid : now) + cost) != paid)
		__sync_fetch_and_add(&s->paid[way], cost);
	return 0;
}

/** A packet that was let through: may its ends send, and receive, so much? Counted once when it is seen at two hooks. */
static __always_inline enum ebn_reason ebn_rate(struct ebn_pkt *p, const struct ebn_view *v)
{
	if (!(EBN_READ(ebn_node_live(v)->flags) & EBN_NODE_F_RATE) || p->counted)
		return EBN_R_NONE;
	if (p->row[0] && ebn_rate_over(p->row[0], 0, p->len))
		return EBN_R_RATE;
	return p->row[1] && ebn_rate_over(p->row[1], 1, p->len) ? EBN_R_RATE : EBN_R_NONE;
}

#endif
