/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/* Flow stress: what the programs and the test agree on. Everything in an entry follows from its number. */
#ifndef TEST_FLOW_STRESS_H
#define TEST_FLOW_STRESS_H

#include "ebn_flow.h"

#define STRESS_BYTES 100u	/* of each packet */
#define STRESS_CPUS 64u
#define STRESS_BUCKETS 1024u	/* of 32 ns: how long inserts took */

struct stress_stat {
	__u64 seed;
	__u64 ops, hits, inserted, lost_race, busy, full, updated, update_failed, killed, torn, gave_live, gave_expired;
	/* must stay 0 */
	__u64 ghosts;		/* a copy with another flow's words */
	__u64 duplicates;	/* two live entries of one key at one time */
	__u64 missing;		/* a protected flow was not found */
	__u64 reserved;
};
EBN_ASSERT(sizeof(struct stress_stat) == 136, "stress_stat");

struct stress_cfg {
	__u32 first, n;		/* numbers that are drawn */
	__u32 keep;		/* numbers below are protected: established, never to be missed */
	__u32 now;		/* tick */
	__u32 kill;		/* in 1,024 of hits */
	__u32 linger;		/* in 1,024 of hits: wait between find and update */
	__u32 insert;		/* misses are inserted */
	__u32 check;		/* in 1,024: look for duplicates */
	__u32 state;		/* of what is inserted */
	__u32 strict;		/* a protected flow that is missed is a failure, not inserted */
	__u32 timed;		/* inserts are timed */
	__u32 reserved;
};

static inline __u64 stress_sig(__u64 id)
{
	return ebn_flow_mix(id + 0x5eed);
}

static inline void stress_key(int v6, __u64 id, __u64 *w)
{
	w[0] = stress_sig(id) ^ id << 1;
	w[1] = (__u64)(id & 1 ? 6 : 17) << 32 | (__u32)id;
	w[2] = w[3] = w[4] = w[5] = 0;
	if (v6) {
		w[2] = w[0] + 1;
		w[3] = id;
		w[4] = w[1];
		w[1] = ~id;
	}
}

#define STRESS_FLAGS(sig) ((__u8)((sig) >> 8) & (EBN_FF_INIT_HI | EBN_FF_AUDIT))
#define STRESS_EPOCH(sig, n) ((__u32)((sig) >> 16) << 16 | ((n) & 0xffff))

/* Words of a body that follow from the number. */
static inline void stress_fill(struct ebn_flow_body *b, __u64 id, __u8 state, __u32 now)
{
	__u64 sig = stress_sig(id);

	b->ctl = EBN_CTL(0, state, STRESS_FLAGS(sig), STRESS_EPOCH(sig, 0));
	b->bytes[0] = STRESS_BYTES;
	b->bytes[1] = 0;
	b->packets[0] = 1;
	b->packets[1] = 0;
	b->seen = now;
	b->row[0] = (__u16)(sig >> 32);
	b->row[1] = (__u16)~(sig >> 32);
	b->decision = (__u16)(sig >> 48);
	b->tcp_flags[0] = (__u8)sig;
	b->tcp_flags[1] = (__u8)(sig >> 40);
	b->aux = (__u32)(sig >> 20);
}

/* Bit 15 of the sequence is turned when an entry is about to be given up. */
static inline int stress_good(__u64 id, __u64 tag, __u64 ctl, const __u16 *row, __u16 decision, __u32 aux)
{
	__u64 sig = stress_sig(id);

	return decision == (__u16)(sig >> 48) && aux == (__u32)(sig >> 20) && row[0] == (__u16)(sig >> 32) &&
	       row[1] == (__u16)~(sig >> 32) && EBN_CTL_FLAGS(ctl) == STRESS_FLAGS(sig) &&
	       EBN_CTL_EPOCH(ctl) >> 16 == (__u16)(sig >> 16) &&
	       !((EBN_CTL_SEQ(ctl) ^ EBN_TAG_SEQ(tag)) & 0x7fff);
}

#endif
