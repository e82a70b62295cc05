// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* health ADDRESS PORT N: makes N checks of a backend, by a TCP connection each, and tells when its state changes. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <ebpfnet/health.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Does it take a connection in time? IPv4 addresses are connected to in their mapped form. */
static int probe(const struct ebpfnet_backend *b, uint32_t timeout_ms)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6, .sin6_port = htons(b->port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(err);

	if (fd < 0)
		return 0;
	memcpy(&sa.sin6_addr, b->addr.b, sizeof(sa.sin6_addr));
	if (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
		err = errno;
	if (err == EINPROGRESS &&
	    (poll(&p, 1, (int)timeout_ms) != 1 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0))
		err = ETIMEDOUT;
	close(fd);
	return !err;
}

static int check(struct ebpfnet_health *health, unsigned long n)
{
	enum ebpfnet_health_state state;
	struct ebpfnet_health_info due;
	int rc = 0, ok;

	while (n && rc >= 0) {
		uint64_t when = ebpfnet_health_due(health, EBPFNET_HEALTH_ANY), now = now_ns();

		if (when > now)
			poll(NULL, 0, (int)((when - now) / 1000000u + 1));
		if (ebpfnet_health_next(health, now_ns(), EBPFNET_HEALTH_ANY, &due, sizeof(due)) != 1)
			continue;
		n--;
		ok = probe(due.backend, due.timeout_ms);
		rc = ebpfnet_health_report(health, due.service, due.backend, ok, now_ns(), &state);
		/* here a load balancer calls ebpfnet_service_set_backend_state() */
		if (rc == 1)
			printf("%s\n", ebpfnet_health_state_name(state));
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct ebpfnet_health_config config = { EBPFNET_OPTS_INIT(config), .interval_ms = 50, .rise = 2, .fall = 2 };
	struct ebpfnet_backend backend = { .protocol = IPPROTO_TCP };
	struct ebpfnet_health *health = NULL;
	int rc;

	if (argc != 4) {
		fprintf(stderr, "usage: health ADDRESS PORT N\n");
		return 1;
	}
	backend.port = (uint16_t)strtoul(argv[2], NULL, 10);
	rc = ebpfnet_addr_parse(argv[1], &backend.addr);
	if (!rc)
		rc = ebpfnet_health_new(&health);
	if (!rc)
		rc = ebpfnet_health_track(health, NULL, &backend, &config, now_ns());
	if (!rc)
		rc = check(health, strtoul(argv[3], NULL, 10));
	if (rc < 0)
		fprintf(stderr, "health: %s\n", strerror(-rc));
	ebpfnet_health_free(health);
	return rc < 0;
}
