/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * One question to the node tables and what the programs' side of them answered; shared by
 * node_probe.bpf.c and its user.
 */
#ifndef EBN_NODE_PROBE_H
#define EBN_NODE_PROBE_H

#include "ebn_types.h"

struct ebn_probe {
	/* asked */
	__u32 ifindex;
	__u32 addr[4];
	__u32 subject;
	__u32 dir;
	__u32 port_cell;
	/* answered */
	__s32 opened;		/* 0, or -1: no tables */
	__u32 generation;
	__s32 row;
	__u32 ep_ifindex;	/* of the row's first line, 0: no row */
	__u32 ep_gw6;		/* last word of gw6 in its second line */
	__u32 identity;
	__u32 addr_row;
	__u32 peer_class;
	__u32 port_class;
	__s32 policy;		/* 0, or -1: no table */
	__u32 decision;
	__u32 rule;
	__u32 verdict;
	__u32 proxy_port;
	__u32 epoch;		/* subject's + address's */
	__u32 observe;
};

#endif
