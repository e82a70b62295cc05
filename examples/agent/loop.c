// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "agent.h"
#include "control.h"
#include "health.h"
#include "healthz.h"

/* Maintenance takes no longer at a time, in microseconds, so that the socket is served. */
#define MAINTAIN_US 2000

int agent_watch(struct agent *a, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(a->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) < 0 ? -errno : 0;
}

void agent_unwatch(struct agent *a, struct source *s)
{
	if (s->fd >= 0)
		epoll_ctl(a->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	/* the loop may have its event already, and s may be gone when it comes to it */
	for (int i = 0; i < a->n_events; i++)
		if (a->epoll_events[i].data.ptr == s)
			a->epoll_events[i].data.ptr = NULL;
}

/* Milliseconds until due, at least 0; -1 when never. */
static int until(uint64_t due, uint64_t now)
{
	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : (int)((due - now + 999999u) / 1000000u);
}

static uint64_t after(uint64_t now, int ms)
{
	return ms < 0 ? UINT64_MAX : now + (uint64_t)ms * 1000000u;
}

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Does what is due beside what epoll tells; returns how long to sleep at most. */
static int housekeeping(struct agent *a, uint64_t *events_due, uint64_t *not_before)
{
	uint64_t now = agent_now_ns();
	int ms;

	if (a->state_dirty)
		agent_save_state(a);
	if (!a->events) {
		*events_due = UINT64_MAX;
	} else if (*events_due <= now || *events_due == UINT64_MAX) {
		agent_events_dispatch(a);
		*events_due = after(now, ebpfnet_events_get_timeout(a->events));
	}
	ms = ebpfnet_datapath_get_timeout(a->dp);
	if (!ms && now >= *not_before) {
		if (ebpfnet_datapath_maintain(a->dp, MAINTAIN_US) < 0) {
			agent_log(EBPFNET_LOG_DEBUG, "maintenance failed, again in a second");
			*not_before = after(now, 1000);
		}
		ms = ebpfnet_datapath_get_timeout(a->dp);
	}
	if (ms >= 0 && now < *not_before && ms < until(*not_before, now))
		ms = until(*not_before, now);
	if (a->identities) {
		if (!ebpfnet_identities_get_timeout(a->identities) && ebpfnet_identities_dispatch(a->identities) < 0)
			agent_log(EBPFNET_LOG_WARNING, "identities cannot be written into their store");
		ms = sooner(ms, ebpfnet_identities_get_timeout(a->identities));
	}
	ms = sooner(ms, control_ct_run(a));
	ms = sooner(ms, agent_health_run(a));
	ms = sooner(ms, agent_healthz_run(a));
	return sooner(ms, until(*events_due, now));
}

void agent_run(struct agent *a)
{
	uint64_t events_due = 0, not_before = 0;

	while (!a->stop) {
		int ms = housekeeping(a, &events_due, &not_before);
		int n = epoll_wait(a->epoll_fd, a->epoll_events, AGENT_EVENTS, ms);

		if (n < 0 && errno != EINTR) {
			agent_log(EBPFNET_LOG_ERR, "epoll: %s", strerror(errno));
			return;
		}
		a->n_events = n > 0 ? n : 0;
		for (int i = 0; i < a->n_events; i++) {
			struct source *s = a->epoll_events[i].data.ptr;

			if (s)
				s->ready(a, s, a->epoll_events[i].events);
		}
		a->n_events = 0;
	}
}
