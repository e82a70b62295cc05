/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A pool of addresses as JSON: {name, ranges: [{subnet, first, last, gateway}], exclude: [...], warn}. */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

#include <jansson.h>
#include <ebpfnet/ipam.h>

/* Sets it. Errors of ebpfnet_ipam_set_pool(); members of the wrong kind are like members that are not there. */
int pool_set(struct ebpfnet_ipam *ipam, const json_t *pool, struct ebpfnet_diag *diag);

#endif
