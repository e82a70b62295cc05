/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps. User space sets the sizes before it loads the programs. */
#ifndef EBN_LIB_MAPS_H
#define EBN_LIB_MAPS_H

#include "ebn_config.h"
#include "ebn_flow.h"
#include "ebn_reason.h"
#include "ebn_types.h"

#include "lib/maps_node.h"
#include "lib/reason.h"

#include <bpf/bpf_helpers.h>

/*
 * Flow tables (ebn_flow.h), an element is a set. The old ones exist only while one table replaces another
 * (ebn_cfg.has_old); the loader leaves them out otherwise, and the verifier removes what names them. What these programs' entries
 * look like is for the loader to read: tables that are another way are replaced.
 */
const volatile struct ebn_flow_layout ebn_flow_layout = EBN_FLOW_LAYOUT_HERE;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct ebn_flow_set4));
} ebn_flow4 SEC(".maps"), ebn_flow4_old SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct ebn_flow_set6));
} ebn_flow6 SEC(".maps"), ebn_flow6_old SEC(".maps");

/* The programs that are being replaced, by enum ebn_before; only with ebn_cfg.has_old. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EBN_BEFORE_MAX);
	__type(key, __u32);
	__type(value, __u32);
} ebn_before SEC(".maps");

/* By endpoint row + 1: struct ebn_flow_share. The library makes it as large as its table of endpoints, which has 1,024 by default. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1025);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ebn_flow_share);
} ebn_flow_share SEC(".maps");

/* Counters of what could not be recorded, enum ebn_counter. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} ebn_counter SEC(".maps");

/* By endpoint row: struct ebn_ep_stat. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct ebn_ep_stat);
} ebn_ep_stat SEC(".maps");

/* Reports, struct ebn_event. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} ebn_events SEC(".maps");

#endif
