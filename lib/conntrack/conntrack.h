/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Entries of the flow tables in words, and walks over them. Knows mappings, no datapath; works on plain memory in tests. */
#ifndef EBN_CONNTRACK_CONNTRACK_H
#define EBN_CONNTRACK_CONNTRACK_H

#include <ebpfnet/conntrack.h>

#include "ebn_node.h"
#include "tables/flow.h"

/* What the numbers in an entry mean. The arrays are borrowed. */
struct ebn_ct_view {
	uint32_t now;			/* tick */
	uint64_t tick_ns;
	uint32_t epoch;			/* of imported flows: one that no verdict stands on */
	const uint16_t *row_id;		/* endpoint id by row, 0: none */
	uint32_t n_rows;
	const struct ebn_decision *decisions;
	uint32_t n_decisions;
	/* who stands behind an address now; NULL: not asked */
	uint32_t (*identity_of)(const struct ebpfnet_addr *addr, void *arg);
	void *arg;
	/* of masqueraded flows: where reservations are, and addresses they may be of; NULL, 0: not asked */
	const struct ebn_flows *tables;
	const struct ebpfnet_addr *nat_addrs;
	uint32_t n_nat_addrs;
};
#define EBN_CT_ZONE_WATCH 0xffffu

/* A walk; a plain value. */
struct ebn_ct_walk {
	const struct ebn_flows *tables;	/* [0] IPv4, [1] IPv6; mem NULL: none */
	struct ebn_ct_view view;
	struct ebpfnet_ct_filter filter;
	unsigned int table;
	uint64_t pos;
};

/* Reads a caller's filter, NULL: all. -EINVAL: not one. */
int ebn_ct_filter_read(const struct ebpfnet_ct_filter *filter, struct ebpfnet_ct_filter *ret);

void ebn_ct_entry(const struct ebn_ct_view *view, const struct ebn_flow_copy *c, bool v6, struct ebpfnet_ct_entry *ret);
/* Who stands behind both addresses. */
void ebn_ct_identities(const struct ebn_ct_view *view, struct ebpfnet_ct_entry *entry);
/* Matches, and fills in identities when it does. */
bool ebn_ct_wanted(const struct ebn_ct_view *view, const struct ebpfnet_ct_filter *filter,
		   struct ebpfnet_ct_entry *entry);
bool ebn_ct_match(const struct ebpfnet_ct_filter *filter, const struct ebpfnet_ct_entry *entry);

/* The key of a flow by its ends, one family, ports in host order; returns the source's side. */
unsigned int ebn_ct_key(const struct ebpfnet_addr *src, const struct ebpfnet_addr *dst, uint16_t sport, uint16_t dport,
			uint8_t protocol, uint16_t zone, union ebn_flow_key *ret);
/* 0 and a copy, -ENOENT, -EINVAL. */
int ebn_ct_find(const struct ebn_flows *tables, const struct ebpfnet_ct_tuple *tuple, bool *ret_v6,
		struct ebn_flow_copy *ret);

/* 1 and an entry that the filter lets pass, 0 at the end. */
int ebn_ct_next(struct ebn_ct_walk *walk, struct ebpfnet_ct_entry *ret);
int ebn_ct_next_copy(struct ebn_ct_walk *walk, struct ebpfnet_ct_entry *ret, struct ebn_flow_copy *ret_copy);
/* Kills what the rest of the walk finds. How many. */
int ebn_ct_kill(struct ebn_ct_walk *walk);

#endif
