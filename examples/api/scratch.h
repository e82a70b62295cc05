/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A datapath for one example's life. */
#ifndef EXAMPLES_API_SCRATCH_H
#define EXAMPLES_API_SCRATCH_H

#include <ebpfnet/datapath.h>

struct ebpfnet_diag;

/*
 * Makes one with a name of its own, loads it and attaches it to the device as one that watches. NULL: the tables alone, into which
 * can be written without a program. Trouble is printed. 0 or a negative errno.
 */
int scratch_open(const char *device, struct ebpfnet_datapath **ret);
/* Removes all of it. NULL is allowed. */
void scratch_close(struct ebpfnet_datapath *dp);
/* An example as a whole: opens one as above, calls @example, says what went wrong and removes all. The program's exit status. */
int scratch_run(const char *device, int (*example)(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag));

#endif
