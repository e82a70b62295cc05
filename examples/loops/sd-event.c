// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The library in systemd's sd-event loop: prints COUNT flows of a device, then ends. Run as root: sd-event DEVICE COUNT */
#include <signal.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "watch.h"

/* Does what is due and sets the timer for the next time. */
static int turn(sd_event_source *timer, struct watch *w)
{
	int r = watch_turn(w);

	if (r != 0)
		return sd_event_exit(sd_event_source_get_event(timer), r < 0 ? r : 0);
	r = sd_event_source_set_time_relative(timer, (uint64_t)watch_timeout(w) * 1000);
	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *timer, uint64_t usec, void *userdata)
{
	(void)usec;
	return turn(timer, userdata);
}

/* Much is waiting: the timer need not run out first. Its handler does the work, in the same turn of the loop. */
static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	sd_event_source *timer = userdata;

	(void)source, (void)fd, (void)revents;
	return turn(timer, sd_event_source_get_userdata(timer));
}

static int loop(struct watch *w)
{
	sd_event_source *timer = NULL;
	sd_event *event = NULL;
	sigset_t set;
	int r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if ((r = sd_event_default(&event)) >= 0 && (r = sd_event_add_signal(event, NULL, SIGINT, NULL, NULL)) >= 0 &&
	    (r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL)) >= 0 &&
	    (r = sd_event_add_time_relative(event, &timer, CLOCK_MONOTONIC, 0, 1000, on_timer, w)) >= 0 &&
	    (r = sd_event_add_io(event, NULL, ebpfnet_events_get_fd(w->events), EPOLLIN, on_readable, timer)) >= 0)
		r = sd_event_loop(event);
	sd_event_source_unref(timer);
	sd_event_unref(event);
	return r;
}

int main(int argc, char **argv)
{
	struct watch w;
	int r = watch_open(&w, argc, argv);

	if (r == 0)
		r = loop(&w);
	watch_close(&w);
	return r < 0;
}
