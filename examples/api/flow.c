// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* flow DEVICE SECONDS [FILTER]: flows on a device that is only watched, as JSON. Needs root and a bpffs. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ebpfnet/flow.h>

#include "scratch.h"

struct printer {
	struct ebpfnet_names *names;
	struct ebpfnet_flow_filter *filter;
};

static int print(const struct ebpfnet_event *event, void *userdata)
{
	struct printer *p = userdata;
	struct ebpfnet_flow flow;
	char line[8192];
	int rc;

	rc = ebpfnet_flow_from_event(p->names, event, &flow, sizeof(flow));
	if (rc < 0)
		return rc;
	if (ebpfnet_flow_filter_match(p->filter, &flow) &&
	    ebpfnet_flow_to_json(&flow, 0, line, sizeof(line)) < (int)sizeof(line))
		puts(line);
	return 0;
}

static int watch(struct ebpfnet_datapath *dp, struct printer *p, long seconds)
{
	struct ebpfnet_events *events;
	time_t end;
	int rc;

	rc = ebpfnet_events_open(dp, NULL, print, p, &events);
	if (rc < 0)
		return rc;
	fputs("watching\n", stderr);
	end = time(NULL) + seconds;
	while (rc >= 0 && time(NULL) < end) {
		struct pollfd fd = { .fd = ebpfnet_events_get_fd(events), .events = POLLIN };

		poll(&fd, 1, ebpfnet_events_get_timeout(events));
		rc = ebpfnet_events_dispatch(events, 0);
	}
	ebpfnet_events_free(events);
	return rc;
}

int main(int argc, char **argv)
{
	struct printer p = { NULL, NULL };
	struct ebpfnet_datapath *dp = NULL;
	int rc;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: flow DEVICE SECONDS [FILTER]\n");
		return 1;
	}
	rc = ebpfnet_flow_filter_parse(argc > 3 ? argv[3] : "", NULL, &p.filter);
	if (!rc)
		rc = scratch_open(argv[1], &dp);
	if (!rc)
		rc = ebpfnet_names_new(dp, NULL, &p.names);
	if (!rc)
		rc = watch(dp, &p, strtol(argv[2], NULL, 10));
	if (rc < 0)
		fprintf(stderr, "flow: %s\n", strerror(-rc));
	ebpfnet_names_free(p.names);
	ebpfnet_flow_filter_free(p.filter);
	scratch_close(dp);
	return rc < 0;
}
