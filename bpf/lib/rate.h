/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits of what endpoints send and receive: the virtual scheduling algorithm of ITU-T I.371 (GCRA). A word says when what
 * was let through so far is paid for at the limit's rate, and a packet moves it on. One word for each way, shared by all CPUs, no
 * timer, nothing queued here.
 *
 * A packet passes while the word lies no further ahead than a burst may owe. Policed, what is too much is dropped. Paced, what leaves
 * the node by a device that keeps packets until they are due (fq) is told to leave when no more than the burst will be owed, and
 * dropped when too much is waiting. Asked here, where the packet is judged, so that it is charged once and dropped in its endpoint's
 * name; the stack keeps a delivery time on its way from here to the device.
 */
#ifndef EBN_LIB_RATE_H
#define EBN_LIB_RATE_H

#include "ebn_flow.h"
#include "ebn_reason.h"

#include "lib/hdr.h"
#include "lib/maps.h"
#include "lib/node.h"
#include "lib/pkt.h"

#define EBN_PACE_HORIZON (2000000000ULL * EBN_RATE_UNITS)	/* so long may a packet wait */

/** At the rate of way: 0, and in at when the packet is due, 0: now; else too much. room: bytes that may wait, 0: policed. */
static __always_inline int ebn_rate_take(struct ebn_flow_share *s, __u32 way, __u32 bytes, __u64 room, __u64 *at)
{
	__u64 bits = EBN_READ(s->rate_bits[way]), now, paid, cost, was;
	__u64 burst, wait = 0;
	__s64 ahead;

	*at = 0;
	if (!bits)
		return 0;
	now = bpf_ktime_get_ns() * EBN_RATE_UNITS;
	paid = EBN_READ(s->paid[way]);
	ahead = (__s64)(paid - now);
	burst = EBN_READ(s->burst_us[way]) * (1000 * EBN_RATE_UNITS);
	if (room) {
		wait = room * (8000000000ULL * EBN_RATE_UNITS) / bits;
		wait = wait < EBN_PACE_HORIZON ? wait : EBN_PACE_HORIZON;
	}
	if (ahead > (__s64)(burst + wait))
		return 1;
	cost = bytes * (8000000000ULL * EBN_RATE_UNITS) / bits;
	was = ahead > 0 ? paid : now;
	/* somebody else's packet has just brought the word up to now */
	if (__sync_val_compare_and_swap(&s->paid[way], paid, was + cost) != paid)
		was = __sync_fetch_and_add(&s->paid[way], cost);
	if ((__s64)(was - burst - now) > 0)
		*at = was - burst;
	return 0;
}

/** owner: endpoint row + 1. way: 0 sent by it, 1 received. Not 0: too much. A function, for the verifier. */
__noinline int ebn_rate_over(__u32 owner, __u32 way, __u32 bytes)
{
	struct ebn_flow_share *s = bpf_map_lookup_elem(&ebn_flow_share, &owner);
	__u64 at;

	return s ? ebn_rate_take(s, way & 1, bytes, 0, &at) : 1;
}

/* Bytes that may wait at the device that the stack will send the packet by; 0: it is not paced, or does not leave the node. */
__noinline int ebn_pace_room(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct bpf_fib_lookup fib = {};
	const __u64 *line;
	struct ebn_view v;
	__u64 paced;
	int rc, i;

	if (!p || ebn_view_open(&v))
		return 0;
	fib.family = p->v6 ? EBN_AF_INET6 : EBN_AF_INET;
	fib.ifindex = p->ifindex;
	fib.l4_protocol = p->proto;
	fib.sport = p->sport;
	fib.dport = p->dport;
	if (p->v6) {
		__builtin_memcpy(fib.src, p->src, sizeof(fib.src));
		__builtin_memcpy(fib.dst, p->dst, sizeof(fib.dst));
	} else {
		fib.src[0] = p->src[3];
		fib.dst[0] = p->dst[3];
	}
	rc = (int)bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH && rc != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return 0;
	line = ebn_node_line(&v, __builtin_offsetof(struct ebn_node_hdr, address_failures));
	for (i = 1; i <= (int)EBN_PACED_MAX; i++) {
		paced = EBN_READ(line[i]);
		if ((__u32)paced == fib.ifindex)
			return (int)(paced >> 32);
	}
	return 0;
}
EBN_ASSERT(__builtin_offsetof(struct ebn_node_hdr, paced) == 3 * EBN_LINE + 8, "line 3, behind a word");

/* What an endpoint sends, at its own device: not 0, too much. */
__noinline int ebn_rate_sent(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct ebn_flow_share *s;
	__u32 owner, room = 0;
	__u64 at;

	if (!p)
		return 1;
	owner = p->row[0];
	s = bpf_map_lookup_elem(&ebn_flow_share, &owner);
	if (!s)
		return 1;
	if (!EBN_READ(s->rate_bits[0]))
		return 0;
	if (!p->row[1])
		room = (__u32)ebn_pace_room(skb, p);
	if (ebn_rate_take(s, 0, p->len, room, &at))
		return 1;
	if (room && at)
		bpf_skb_set_tstamp(skb, at / EBN_RATE_UNITS, BPF_SKB_TSTAMP_DELIVERY_MONO);
	return 0;
}

/**
 * A packet that was let through: may its ends send, and receive, so much? Counted once when it is seen at two hooks. sent: it comes
 * from an endpoint's device.
 */
static __always_inline enum ebn_reason ebn_rate(struct __sk_buff *skb, struct ebn_pkt *p, const struct ebn_view *v,
						const bool sent)
{
	__u32 flags = EBN_READ(ebn_node_live(v)->flags);
	int over;

	if (!(flags & EBN_NODE_F_RATE) || p->counted)
		return EBN_R_NONE;
	if (p->row[0]) {
		if (sent && ebn_cfg.pace && flags & EBN_NODE_F_PACE)
			over = ebn_rate_sent(skb, p);
		else
			over = ebn_rate_over(p->row[0], 0, p->len);
		if (over)
			return EBN_R_RATE;
	}
	return p->row[1] && ebn_rate_over(p->row[1], 1, p->len) ? EBN_R_RATE : EBN_R_NONE;
}

#endif
