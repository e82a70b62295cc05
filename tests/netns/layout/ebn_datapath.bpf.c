// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The datapath's programs as another version might have them: every word of an entry but its key is elsewhere, and one more is there. */
#define EBN_FLOW_LAYOUT_H
#include "ebn_types.h"

struct ebn_flow_body {
	__u64 ctl;
	__u32 packets[2];
	__u64 spare;
	__u32 seen;
	__u16 row[2];
	__u16 decision;
	__u8 tcp_flags[2];
	__u32 aux;
	__u64 bytes[2];
};

#include <ebn_datapath.bpf.c>
