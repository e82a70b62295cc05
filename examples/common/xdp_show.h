/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The balancer on node devices as JSON. */
#ifndef EXAMPLES_XDP_SHOW_H
#define EXAMPLES_XDP_SHOW_H

#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

/* "devices" with "mode" and "program_id"; once there was one, the counters, too. NULL: no memory, or tables cannot be read. */
json_t *xdp_show(struct ebpfnet_datapath *dp);
/* A service's counters, "backends" with theirs. NULL also when there is no such service, or no balancer. */
json_t *xdp_show_service(struct ebpfnet_datapath *dp, const char *name);

#endif
