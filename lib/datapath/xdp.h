/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The balancer on node devices: what xdp.c and xdp-stats.c share. */
#ifndef EBN_DATAPATH_XDP_H
#define EBN_DATAPATH_XDP_H

#include <arpa/inet.h>

#include "datapath/private.h"
#include "ebn_xdp.h"
#include <ebpfnet/xdp.h>

#define EBN_XDP_SETS (1048576u / EBN_XDP_WAYS)

enum { EBN_XM_CONN, EBN_XM_CONF, EBN_XM_SVC, EBN_XM_BE, EBN_XM_COUNT, EBN_XM_HOP, EBN_XM_MAPS };

struct ebn_xdp_state {
	int map_fd[EBN_XM_MAPS];	/* all -1: not made yet */
	uint32_t entries[EBN_XM_MAPS];
};

/* A descriptor of the program on a device, the caller's to close. 0, -ENOENT, -EPERM. */
int ebn_xdp_prog(struct ebpfnet_datapath *dp, uint32_t ifindex, int *ret);

#endif
