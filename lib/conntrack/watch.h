/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A copy of the flow tables that is compared with them again and again, place by place: what came, what changed, what went.
 * A place's tag holds a sequence number that every use of it raises, so the comparison knows how many flows it has missed.
 */
#ifndef EBN_CONNTRACK_WATCH_H
#define EBN_CONNTRACK_WATCH_H

#include "conntrack/conntrack.h"

struct ebn_ct_watch {
	struct ebn_flows copy[2];	/* of the same layout as the tables; mem is owned */
	unsigned int table;		/* where this look goes on */
	uint64_t pos;
	bool first;			/* the look that only takes the copy */
	uint64_t missed;
	struct ebn_flows left[2];	/* of tables that were replaced: flows that are not in the new ones; mem is owned */
	uint64_t left_pos;
};

/* What one place says. */
struct ebn_ct_change {
	uint8_t type;			/* enum ebpfnet_ct_event_type */
	uint8_t flags;
	bool v6;
	struct ebn_flow_copy flow;
};

/* 0 or -ENOMEM. */
int ebn_ct_watch_begin(struct ebn_ct_watch *w, const struct ebn_flows *tables);
void ebn_ct_watch_end(struct ebn_ct_watch *w);
/*
 * The tables are others than they were (another size): takes over which flows were known. What is not in the new ones is
 * reported gone by the next look. 0 or -ENOMEM (nothing changed).
 */
int ebn_ct_watch_follow(struct ebn_ct_watch *w, const struct ebn_flows *tables);
/* The next change of this look: 1, 0 at its end (the next call begins another one). */
int ebn_ct_watch_next(struct ebn_ct_watch *w, const struct ebn_flows *tables, struct ebn_ct_change *ret);

#endif
