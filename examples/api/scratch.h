/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A datapath for one example's life, which watches one device. */
#ifndef EXAMPLES_API_SCRATCH_H
#define EXAMPLES_API_SCRATCH_H

#include <ebpfnet/datapath.h>

/* Makes one with a name of its own, loads it and attaches it to the device. Trouble is printed. 0 or a negative errno. */
int scratch_open(const char *device, struct ebpfnet_datapath **ret);
/* Removes all of it. NULL is allowed. */
void scratch_close(struct ebpfnet_datapath *dp);

#endif
