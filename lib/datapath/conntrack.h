/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the conntrack calls that take a datapath share: a walk, with the numbers' meanings read beside it. */
#ifndef EBN_DATAPATH_CONNTRACK_H
#define EBN_DATAPATH_CONNTRACK_H

#include "conntrack/conntrack.h"
#include "datapath/private.h"

struct ebn_dp_walk {
	struct ebn_ct_walk walk;
	uint16_t *row_id;
	struct ebn_decision *decisions;
	struct ebpfnet_addr nat_addrs[2 * EBN_NAT_ROWS];
};

/* 0, -EINVAL (also: tables are not prepared), -ENOMEM. */
int ebn_dp_walk_begin(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter, struct ebn_dp_walk *w);
void ebn_dp_walk_done(struct ebn_dp_walk *w);

#endif
