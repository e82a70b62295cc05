/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flow tables in user space: the same protocol as bpf/lib/flow.h, over the mapping. Any number of processes may read; the
 * writer (flock) deletes, sweeps and imports beside the programs. No function makes a packet wait.
 */
#ifndef EBN_TABLES_FLOW_H
#define EBN_TABLES_FLOW_H

#include <string.h>

#include "core/internal.h"
#include "ebn_flow.h"

/* One table of either family; a plain value, mem is the caller's. */
struct ebn_flows {
	void *mem;
	uint32_t mask;		/* sets - 1 */
	bool v6;
	uint64_t seed[2];
	struct ebn_flow_layout layout;	/* all zero: this build's */
};

/* A key of either family; v4 uses the first 16 bytes. */
union ebn_flow_key {
	struct ebn_flow_key4 v4;
	struct ebn_flow_key6 v6;
	uint64_t w[6];
};

/* A consistent copy of one entry. */
struct ebn_flow_copy {
	union ebn_flow_key key;
	struct ebn_flow_body body;
	uint64_t tag;
	uint32_t set;
	uint32_t way;
};

/* Sets needed to promise n flows: n / 0.75 ways, a power of two. */
uint32_t ebn_flow_sets(uint64_t n);
/* Of a table of this build's layout, of any. */
uint64_t ebn_flow_bytes(uint32_t sets, bool v6);
uint64_t ebn_flow_layout_bytes(const struct ebn_flow_layout *layout, uint32_t sets, bool v6);
/* This build's. */
extern const struct ebn_flow_layout ebn_flow_layout_here;
/* Does it say for every word where it is, and put no two in one place? Made from nothing (all zero) it does not. */
bool ebn_flow_layout_valid(const struct ebn_flow_layout *layout);
static inline bool ebn_flow_layout_same(const struct ebn_flow_layout *a, const struct ebn_flow_layout *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* The entry is no flow of its own but stands beside one, to reserve a port or name a service's other end: see ebn_flow.h. */
static inline bool ebn_flow_reserves(const struct ebn_flow_copy *c, bool v6)
{
	uint16_t zone = v6 ? c->key.v6.zone : c->key.v4.zone;

	return zone == EBN_ZONE_NAT || zone == EBN_ZONE_SVC;
}

/* 1 and a copy, 0 when absent. */
int ebn_flow_lookup(const struct ebn_flows *t, const union ebn_flow_key *key, struct ebn_flow_copy *ret);
/* Walks ways from *pos on; 1 and a copy with *pos behind it, 0 at the end. Skips what changed under it. */
int ebn_flow_next(const struct ebn_flows *t, uint64_t *pos, struct ebn_flow_copy *ret);
/* A copy of what is at a place whose tag is tag, whatever its state; false when the tag is another one behind the copy. */
bool ebn_flow_read(const struct ebn_flows *t, uint32_t set, uint32_t way, uint64_t tag, struct ebn_flow_copy *ret);
/* Fills a place that is the caller's alone. Not its tag. */
void ebn_flow_write(const struct ebn_flows *t, uint32_t set, uint32_t way, const struct ebn_flow_copy *c);
/* The tag of a place. */
uint64_t ebn_flow_tag_at(const struct ebn_flows *t, uint32_t set, uint32_t way);
/* LIVE -> DEAD if it is still the entry that was copied: 1, else 0. The way is free after ebn_flow_reap() behind a grace. */
int ebn_flow_kill(const struct ebn_flows *t, const struct ebn_flow_copy *c);
/* Inserts a whole entry (import, growth). 1 inserted, 0 there already, -ENOSPC nothing to give up, -EBUSY raced. */
int ebn_flow_import(const struct ebn_flows *t, const struct ebn_flow_copy *c);
/* Frees every UCLAIM a killed writer left. How many. */
uint32_t ebn_flow_adopt(const struct ebn_flows *t);

/*
 * The sweep: looks at ways from *pos on, at most n of them (0: all), kills what is expired at tick now by idle_ticks[], and
 * gives each to done (may be NULL) with its last counters. No system call. Returns how many were killed; *pos wraps to 0 at
 * the end of the table. DEAD ways become FREE by ebn_flow_reap() after the caller's grace period.
 */
struct ebn_sweep {
	uint32_t now;
	const uint32_t *idle_ticks;	/* [8], as in ebn_node_hdr */
	void (*done)(const struct ebn_flow_copy *c, void *arg);
	void *arg;
	/* asked about reservations of ports (EBN_ZONE_NAT) that have not expired: is nobody behind it any more? NULL: no */
	bool (*orphan)(const struct ebn_flow_copy *c, bool v6, void *arg);
	void *orphan_arg;
	uint64_t live, dead, half_open;	/* counted */
	/* by +1: a frontend's entry (EBN_ZONE_SVC) was seen, -1: and has ended; NULL: nobody asks */
	void (*front)(const struct ebn_flow_copy *c, int by, void *arg);
	void *front_arg;
	uint32_t *owned;		/* places by owner, added up; n_owned 0: not asked */
	uint32_t n_owned;
};
uint64_t ebn_flow_sweep(const struct ebn_flows *t, struct ebn_sweep *s, uint64_t *pos, uint64_t n);
/* DEAD -> FREE for all ways that were DEAD when the caller's grace period began. */
uint64_t ebn_flow_reap(const struct ebn_flows *t);

/* Limit in ticks for a flow of this protocol and state: index into idle_ticks. Shared with BPF in meaning. */
uint32_t ebn_flow_idle_index(uint8_t proto, uint8_t state);

#endif
