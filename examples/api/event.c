// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* event DEVICE SECONDS: what the datapath says about a device that it only watches. Needs root and a bpffs. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ebpfnet/event.h>

#include "scratch.h"

static int print(const struct ebpfnet_event *event, void *userdata)
{
	char src[EBPFNET_ADDR_STRLEN], dst[EBPFNET_ADDR_STRLEN];

	(void)userdata;
	ebpfnet_addr_format(&event->src, src, sizeof(src));
	ebpfnet_addr_format(&event->dst, dst, sizeof(dst));
	printf("%s at %s: %s:%u > %s:%u protocol %u, %s\n", ebpfnet_event_type_name(event->type),
	       ebpfnet_event_point_name(event->point), src, event->sport, dst, event->dport, event->protocol,
	       ebpfnet_reason_text(event->reason));
	return 0;
}

int main(int argc, char **argv)
{
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_events *events = NULL;
	time_t end;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: event DEVICE SECONDS\n");
		return 1;
	}
	rc = scratch_open(argv[1], &dp);
	if (!rc)
		rc = ebpfnet_events_open(dp, NULL, print, NULL, &events);
	if (!rc)
		puts("watching");
	fflush(stdout);
	end = time(NULL) + strtol(argv[2], NULL, 10);
	while (rc >= 0 && time(NULL) < end) {
		struct pollfd fd = { .fd = ebpfnet_events_get_fd(events), .events = POLLIN };

		poll(&fd, 1, ebpfnet_events_get_timeout(events));
		rc = ebpfnet_events_dispatch(events, 0);
	}
	if (rc < 0)
		fprintf(stderr, "event: %s\n", strerror(-rc));
	else
		printf("%llu lost\n", (unsigned long long)ebpfnet_events_lost(events));
	ebpfnet_events_free(events);
	scratch_close(dp);
	return rc < 0;
}
