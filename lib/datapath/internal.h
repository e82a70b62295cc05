/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The datapath's inside. The first part is for the layers that read tables and the ring of a datapath (conntrack, policy,
 * observe): fields they may read, and a few helpers. The second part belongs to lib/datapath/ alone.
 */
#ifndef EBN_DATAPATH_INTERNAL_H
#define EBN_DATAPATH_INTERNAL_H

#include "core/internal.h"
#include "tables/flow.h"
#include "tables/node.h"
#include "tables/rows.h"
#include "ebn_config.h"
#include "ebn_event.h"
#include "ebn_reason.h"
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

struct bpf_object;
struct mnl_socket;
struct ebn_policy;
struct ebn_services;

/* Maps shared with the programs, in the order of ebn_map_names[]. */
enum ebn_map {
	EBN_MAP_NODE,
	EBN_MAP_FLOW4,
	EBN_MAP_FLOW6,
	EBN_MAP_SHARE,		/* struct ebn_flow_share by endpoint row + 1 */
	EBN_MAP_EVENTS,		/* ring buffer of struct ebn_event */
	EBN_MAP_EP_STAT,	/* per CPU, struct ebn_ep_stat by endpoint row */
	EBN_MAP_REASON,		/* per CPU, struct ebn_reason_stat by reason */
	EBN_MAP_COUNTER,	/* per CPU, u64 by enum ebn_counter */
	EBN_MAP_ACTIVE,		/* struct ebn_be_active by backend row */
	EBN_MAPS,
	EBN_MAP_LATE = EBN_MAP_ACTIVE,	/* from here on: made where they are missing */
};

enum ebn_prog {
	EBN_PROG_FROM_EP,
	EBN_PROG_TO_EP,
	EBN_PROG_FROM_NETDEV,
	EBN_PROG_TO_NETDEV,
	EBN_PROG_WATCH_IN,
	EBN_PROG_WATCH_OUT,
	EBN_PROG_CLOCK,
	EBN_PROG_FROM_OVERLAY,
	EBN_PROG_TO_OVERLAY,
	EBN_PROGS,
};
/* The two hooks of a device, as the host sees it: in = what the device hands to the host. */
enum ebn_hook {
	EBN_HOOK_IN,
	EBN_HOOK_OUT,
	EBN_HOOKS,
};

extern const char *const ebn_map_names[EBN_MAPS];
extern const char *const ebn_prog_names[EBN_PROGS];

struct ebpfnet_datapath {
	/* ---- for the layers above; set once the tables are mapped (ebn_dp_tables() says so) ---- */
	unsigned int refs;
	struct ebpfnet_ctx *ctx;
	char name[33];
	bool readonly;
	bool prepared;			/* tables are mapped */
	bool loaded;			/* programs are there */
	int map_fd[EBN_MAPS];		/* -1: not open */
	void *node_mem;			/* PROT_READ only when readonly */
	uint64_t node_size;
	struct ebn_flows flows[2];	/* [0] IPv4, [1] IPv6 */
	struct ebn_flow_share *share;	/* PROT_READ only when readonly */
	struct ebn_be_active *active;	/* likewise; NULL: tables of a writer that had none */
	uint32_t tick_shift;
	/* the writer's, NULL when readonly */
	struct ebn_node *node;
	struct ebn_rows *rows;
	struct ebn_policy *policy;
	struct ebn_services *services;
	struct ebpfnet_events *events;	/* the reader of the event ring, set by lib/observe/; NULL: none */

	/* ---- lib/datapath/ only ---- */
	struct ebn_dp_private *p;
};

/* 0 when the tables are mapped, -EINVAL for NULL, -EBUSY when prepare was not called. */
int ebn_dp_tables(struct ebpfnet_datapath *dp);
/* As ebn_dp_tables(), and -EROFS for a read-only one. */
int ebn_dp_writable(struct ebpfnet_datapath *dp);

/* The tick the programs would write into ebn_flow_body.seen now, and the length of one in ns. */
uint32_t ebn_dp_now_tick(struct ebpfnet_datapath *dp);
uint64_t ebn_dp_tick_ns(struct ebpfnet_datapath *dp);

/* Sum over the CPUs of one cell of EBN_MAP_EP_STAT, _REASON or _COUNTER; every value is an array of n u64. 0 or -errno. */
int ebn_dp_percpu_sum(struct ebpfnet_datapath *dp, enum ebn_map map, uint32_t cell, uint64_t *ret, size_t n);

/* Row of an endpoint id: 0 and the row, or -ENOENT. Works read-only as well. */
int ebn_dp_endpoint_row(struct ebpfnet_datapath *dp, uint16_t id, struct ebn_ep_row *ret, uint32_t *ret_row);

#endif
