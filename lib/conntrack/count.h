/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Counts over the flow tables, and how full they are. */
#ifndef EBN_CONNTRACK_COUNT_H
#define EBN_CONNTRACK_COUNT_H

#include "conntrack/conntrack.h"

/* idle_ticks: limits by class, as in ebn_node_hdr. */
void ebn_ct_count(struct ebn_ct_walk *walk, const uint32_t *idle_ticks, struct ebpfnet_ct_counts *ret);
/* By endpoint, in order of id. n is how many ret can hold; how many there are. -ENOMEM. */
int ebn_ct_count_endpoints(struct ebn_ct_walk *walk, struct ebpfnet_ct_endpoint_count *ret, size_t n);
/* Reads the tags alone. */
void ebn_ct_pressure(const struct ebn_flows *t, struct ebpfnet_ct_table_pressure *ret);

#endif
