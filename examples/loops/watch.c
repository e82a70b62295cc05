// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../api/scratch.h"

static int on_event(const struct ebpfnet_event *event, void *userdata)
{
	struct watch *w = userdata;
	struct ebpfnet_flow flow;
	char line[4096];

	if (w->left && !ebpfnet_flow_from_event(w->names, event, &flow, sizeof(flow)) &&
	    ebpfnet_flow_to_text(&flow, line, sizeof(line)) > 0 && puts(line) >= 0)
		w->left--;
	return fflush(stdout) ? -EIO : w->left == 0;
}

int watch_open(struct watch *w, int argc, char **argv)
{
	int r;

	*w = (struct watch){ .left = argc == 3 ? strtoul(argv[2], NULL, 10) : 0 };
	if (!w->left) {
		fprintf(stderr, "usage: %s DEVICE COUNT\n", argv[0]);
		return -EINVAL;
	}
	r = scratch_open(argv[1], &w->dp);
	if (r == 0)
		r = ebpfnet_names_new(w->dp, NULL, &w->names);
	if (r == 0)
		r = ebpfnet_events_open(w->dp, NULL, on_event, w, &w->events);
	if (r == 0 && (printf("watching %s\n", argv[1]) < 0 || fflush(stdout)))
		r = -EIO;
	return r;
}

void watch_close(struct watch *w)
{
	ebpfnet_events_free(w->events);
	ebpfnet_names_free(w->names);
	scratch_close(w->dp);
}

int watch_turn(struct watch *w)
{
	int r = ebpfnet_events_dispatch(w->events, 0);

	if (r >= 0 && ebpfnet_datapath_get_timeout(w->dp) == 0)
		r = ebpfnet_datapath_maintain(w->dp, 1000);
	return r < 0 ? r : w->left == 0;
}

int watch_timeout(struct watch *w)
{
	int events = ebpfnet_events_get_timeout(w->events), due = ebpfnet_datapath_get_timeout(w->dp);

	return due >= 0 && due < events ? due : events;
}
