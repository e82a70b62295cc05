// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "spaces.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "setup.h"

static int here(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

int spaces_enter(int space)
{
	int was = here();

	/* everything that follows would be done in the wrong place */
	if (was < 0 || setns(space, CLONE_NEWNET))
		abort();
	return was;
}

void spaces_leave(int was)
{
	if (setns(was, CLONE_NEWNET))
		abort();
	close(was);
}

int spaces_new(struct bench *b)
{
	int was = here(), ret, err;

	if (was < 0 || unshare(CLONE_NEWNET)) {
		err = errno;
		if (was >= 0)
			close(was);
		return bench_fail(b, err, "a network namespace: %s", strerror(err));
	}
	ret = here();
	err = ret < 0 ? errno : setup_shell("ip link set lo up") ? EIO : 0;
	spaces_leave(was);
	if (!err)
		return ret;
	if (ret >= 0)
		close(ret);
	return bench_fail(b, err, "a network namespace: %s", strerror(err));
}

int spaces_shell(struct bench *b, int space, const char *fmt, ...)
{
	char command[1024];
	int was, err, n;
	va_list ap;

	va_start(ap, fmt);
	n = vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(command))
		return bench_fail(b, E2BIG, "a command is too long");
	was = spaces_enter(space);
	err = setup_shell(command);
	spaces_leave(was);
	return err ? bench_fail(b, err, "this failed: %s", command) : 0;
}

static int running(int fd, struct ifreq *device)
{
	if (ioctl(fd, SIOCGIFFLAGS, device))
		return -errno;
	if (!(device->ifr_flags & IFF_RUNNING))
		return 0;
	/* changes nothing, but waits for whoever is just about to change something */
	return ioctl(fd, SIOCSIFFLAGS, device) ? -errno : 1;
}

int spaces_ready(struct bench *b, int space, const char *device)
{
	int was = spaces_enter(space), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), tries, ret;
	struct ifreq r = { .ifr_flags = 0 };

	spaces_leave(was);
	if (fd < 0)
		return bench_fail(b, errno, "socket: %s", strerror(errno));
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	for (tries = 0; !(ret = running(fd, &r)) && tries < 3000; tries++)
		usleep(1000);
	close(fd);
	return ret == 1 ? 0 : bench_fail(b, ret ? ret : -ETIMEDOUT, "%s does not get ready", device);
}

void spaces_path(int space, char ret[48])
{
	snprintf(ret, 48, "/proc/%d/fd/%d", (int)getpid(), space);
}
