/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the loops have in common: a watched device whose flows are printed. */
#ifndef EXAMPLES_LOOPS_WATCH_H
#define EXAMPLES_LOOPS_WATCH_H

#include <ebpfnet/ebpfnet.h>

struct watch {
	struct ebpfnet_datapath *dp;
	struct ebpfnet_names *names;
	struct ebpfnet_events *events;
	unsigned long left;	/* flows still to be printed */
};

/* Takes "DEVICE COUNT". Trouble is printed. 0 or a negative errno. */
int watch_open(struct watch *w, int argc, char **argv);
void watch_close(struct watch *w);

/* What a loop does when the descriptor is readable or the timeout has passed. 0: go on; 1: done; or a negative errno. */
int watch_turn(struct watch *w);
/* Milliseconds until the next turn at the latest. */
int watch_timeout(struct watch *w);

#endif
