// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The library in an epoll loop: prints COUNT flows of a device, then ends. Run as root: epoll DEVICE COUNT */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "watch.h"

static int loop(struct watch *w, int fd, int signals)
{
	struct epoll_event event = { .events = EPOLLIN };
	int r = 0;

	event.data.fd = ebpfnet_events_get_fd(w->events);
	if (epoll_ctl(fd, EPOLL_CTL_ADD, event.data.fd, &event))
		return -errno;
	event.data.fd = signals;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, event.data.fd, &event))
		return -errno;
	while (r == 0) {
		/* the descriptor says that much is waiting; the timeout, that something may have waited long enough */
		int n = epoll_wait(fd, &event, 1, watch_timeout(w));

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 1 && event.data.fd == signals)
			return 0;
		r = watch_turn(w);
	}
	return r;
}

int main(int argc, char **argv)
{
	int fd = -1, signals = -1, r;
	struct watch w;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = watch_open(&w, argc, argv);
	if (r == 0) {
		fd = epoll_create1(EPOLL_CLOEXEC);
		signals = signalfd(-1, &set, SFD_CLOEXEC);
		r = fd < 0 || signals < 0 ? -errno : loop(&w, fd, signals);
	}
	watch_close(&w);
	if (fd >= 0)
		close(fd);
	if (signals >= 0)
		close(signals);
	return r < 0;
}
