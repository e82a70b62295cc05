// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "control.h"

/* Events handled at a time, so that the control socket is served in between. */
#define DISPATCH_MAX 1024

static int on_event(const struct ebpfnet_event *event, void *userdata)
{
	struct agent *a = userdata;
	struct ebpfnet_flow flow;

	if (a->history.size)
		a->history.events[a->history.count % a->history.size] = *event;
	a->history.count++;
	if (control_has_observers(a) &&
	    !ebpfnet_flow_from_event(a->names, event, &flow, sizeof(flow)))
		control_flow(a, &flow);
	return 0;
}

static void on_ring(struct agent *a, struct source *s, uint32_t events)
{
	(void)s;
	(void)events;
	agent_events_dispatch(a);
}

void agent_events_dispatch(struct agent *a)
{
	uint64_t lost;

	if (!a->events)
		return;
	/* Endpoints may have come and gone; cheap when they have not. */
	ebpfnet_names_refresh(a->names);
	ebpfnet_events_dispatch(a->events, DISPATCH_MAX);
	lost = ebpfnet_events_lost(a->events);
	if (lost != a->lost_seen)
		control_lost(a, lost - a->lost_seen);
	a->lost_seen = lost;
}

int agent_events_open(struct agent *a)
{
	struct ebpfnet_events_opts opts = { EBPFNET_OPTS_INIT(opts) };
	int err;

	if (a->events)
		return 0;
	err = ebpfnet_events_open(a->dp, &opts, on_event, a, &a->events);
	if (err < 0)
		return err;
	a->lost_seen = 0;
	a->ring.fd = ebpfnet_events_get_fd(a->events);
	a->ring.ready = on_ring;
	err = agent_watch(a, &a->ring, EPOLLIN);
	if (err < 0) {
		ebpfnet_events_free(a->events);
		a->events = NULL;
	}
	return err;
}

void agent_events_close(struct agent *a)
{
	if (!a->events)
		return;
	/* What still waits was meant for us. */
	agent_events_dispatch(a);
	agent_unwatch(a, &a->ring);
	ebpfnet_events_free(a->events);
	a->events = NULL;
}

void agent_events_update(struct agent *a)
{
	bool want = a->dp && (a->history.size || control_has_observers(a));
	int err;

	if (!want) {
		agent_events_close(a);
		return;
	}
	err = agent_events_open(a);
	if (err < 0)
		agent_log(EBPFNET_LOG_WARNING, "events cannot be read: %s", strerror(-err));
}
