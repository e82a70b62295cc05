/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The map of the node tables: the only one that every object has. */
#ifndef EBN_LIB_MAPS_NODE_H
#define EBN_LIB_MAPS_NODE_H

#include "ebn_types.h"

#include <bpf/bpf_helpers.h>

/*
 * Node tables (ebn_node.h). The loader makes it one value of ebn_cfg.node_size bytes. No BTF type: the
 * value is no single type, and bpftool would print it all.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, 4);
	__uint(value_size, 64);
} ebn_node SEC(".maps");

#endif
