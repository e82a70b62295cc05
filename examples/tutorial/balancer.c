// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A load balancer for the processes of a cgroup: balancer CGROUP ADDRESS PORT BACKEND...
 * Their TCP connections to ADDRESS and PORT go to one of the backends, at the same port. Every second each backend is asked
 * whether it takes connections; one that does not gets no new ones until it does. Everything is removed at the end.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ebpfnet/ebpfnet.h>

#define BACKENDS 64

static volatile sig_atomic_t stopped;

static void stop(int sig) { stopped = sig; }

/* Does it take a connection within a fifth of a second? */
static int answers(const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct pollfd p = { .events = POLLOUT };
	int error = 1;
	socklen_t len = sizeof(error);

	p.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, address, &to.sin_addr);
	connect(p.fd, (struct sockaddr *)&to, sizeof(to));
	if (poll(&p, 1, 200) == 1)
		getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	close(p.fd);
	return error == 0;
}

/* Asks all of them; says and sets what changed. */
static int check(struct ebpfnet_datapath *dp, struct ebpfnet_backend *backend, char **name, int n, uint16_t port)
{
	for (int i = 0, state, r; i < n && !stopped; i++) {
		state = answers(name[i], port) ? EBPFNET_BACKEND_ACTIVE : EBPFNET_BACKEND_QUARANTINED;
		if (state == backend[i].state)
			continue;
		r = ebpfnet_service_set_backend_state(dp, "balancer", &backend[i], state);
		if (r < 0)
			return r;
		backend[i].state = (uint8_t)state;
		printf("%s is %s\n", name[i], state == EBPFNET_BACKEND_ACTIVE ? "back" : "out");
		fflush(stdout);
	}
	return ebpfnet_datapath_get_timeout(dp) == 0 ? ebpfnet_datapath_maintain(dp, 1000) : 0;
}

int main(int argc, char **argv)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "balancer" };
	struct ebpfnet_frontend frontend = { .protocol = IPPROTO_TCP };
	struct ebpfnet_backend backend[BACKENDS] = { { .port = 0 } };
	struct ebpfnet_service_opts service = { EBPFNET_OPTS_INIT(service), .name = "balancer", .frontends = &frontend,
						.n_frontends = 1, .backends = backend,
						.algorithm = EBPFNET_ALGORITHM_RANDOM };
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	int n = argc - 4, r = n < 1 || n > BACKENDS || ebpfnet_addr_parse(argv[2], &frontend.addr);
	char text[4096];

	for (int i = 0; i < n && !r; i++)
		r = ebpfnet_addr_parse(argv[4 + i], &backend[i].addr);
	if (r)
		return fputs("usage: balancer CGROUP ADDRESS PORT BACKEND...\n", stderr) < 0 ? 1 : 2;
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	frontend.port = (uint16_t)strtoul(argv[3], NULL, 10);
	service.n_backends = (size_t)n;
	if ((r = ebpfnet_diag_new(&opts.diag)) == 0 && (r = ebpfnet_ctx_new(NULL, &ctx)) == 0 &&
	    (r = ebpfnet_datapath_open(ctx, &opts, &dp)) == 0 && (r = ebpfnet_datapath_load(dp, opts.diag)) == 0 &&
	    (r = ebpfnet_service_upsert(dp, &service, opts.diag)) == 0)
		r = ebpfnet_service_attach(dp, argv[1], opts.diag);
	while (r >= 0 && !stopped) {
		r = check(dp, backend, argv + 4, n, frontend.port);
		poll(NULL, 0, 1000);
	}
	if (r < 0 && ebpfnet_diag_format(opts.diag, text, sizeof(text)) >= 0)
		fprintf(stderr, "balancer: %s: %s", strerror(-r), text);
	if (dp)
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(opts.diag);
	return r < 0;
}
