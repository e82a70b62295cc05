// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Services for real: sockets of processes in a cgroup and a network namespace of this test's own. Backends are loopback
 * addresses, so that everything happens in one namespace, which is also the node's.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <ebpfnet/service.h>

#include "../unit/suite.h"
#include "core/internal.h"

#define PORT 8080
#define SERVERS 3

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp;
static struct ebpfnet_diag *diag;
static char name[32], root[64], cgroup[128];
static bool mounted;
static int owner;		/* pid of main(), which knows what a test that failed has left */

static const char *said(void)
{
	static char text[16384];

	ebpfnet_diag_format(diag, text, sizeof(text));
	return text;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void cgroup_make(void)
{
	char path[256], pid[16];

	snprintf(root, sizeof(root), "/tmp/ebn-cgroup-%d", owner);
	ck_assert_int_eq(mkdir(root, 0700), 0);
	ck_assert_int_eq(mount("none", root, "cgroup2", 0, NULL), 0);
	mounted = true;
	snprintf(cgroup, sizeof(cgroup), "%s/ebn-test-%d", root, owner);
	ck_assert_int_eq(mkdir(cgroup, 0755), 0);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", getpid());
	write_text(path, pid);
}

static void cgroup_leave(void)
{
	char path[256], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", root);
	snprintf(pid, sizeof(pid), "%d", getpid());
	write_text(path, pid);
	rmdir(cgroup);
	if (mounted)
		umount2(root, MNT_DETACH);
	rmdir(root);
}

static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	req.ifr_flags = IFF_UP;
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
	ck_assert_int_eq(system("ip -6 addr add fd00::1/128 dev lo nodad && ip -6 addr add fd00::2/128 dev lo nodad"), 0);
}

static void dp_open(void)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .flows4 = 1024, .flows6 = 1024, .diag = diag };

	ck_assert_msg(!ebpfnet_datapath_open(ctx, &opts, &dp), "%s", said());
	ck_assert_msg(!ebpfnet_datapath_load(dp, diag), "%s", said());
}

/* A test that fails does not come to its teardown. */
static void sweep(void)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "[ ! -d /tmp/ebn-cgroup-%d ] || { mount -t cgroup2 none /tmp/ebn-cgroup-%d && "
		 "rmdir /tmp/ebn-cgroup-%d/ebn-test-%d; umount /tmp/ebn-cgroup-%d; rmdir /tmp/ebn-cgroup-%d; }; "
		 "rm -rf /sys/fs/bpf/ebpfnet/svc-%d",
		 owner, owner, owner, owner, owner, owner, owner);
	if (system(cmd))
		printf("something of a test that failed is left\n");
}

static void setup(void)
{
	sweep();
	snprintf(name, sizeof(name), "svc-%d", owner);
	ck_assert_int_eq(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), 0);
	loopback_up();
	cgroup_make();
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	dp_open();
	ck_assert_msg(!ebpfnet_service_attach(dp, cgroup, diag), "%s", said());
}

static void teardown(void)
{
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	cgroup_leave();
}

/* ---- sockets ---- */

union sock {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t sock_addr(union sock *s, const char *a, uint16_t port)
{
	memset(s, 0, sizeof(*s));
	if (strchr(a, ':')) {
		s->in6.sin6_family = AF_INET6;
		s->in6.sin6_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET6, a, &s->in6.sin6_addr), 1);
		return sizeof(s->in6);
	}
	s->in.sin_family = AF_INET;
	s->in.sin_port = htons(port);
	ck_assert_int_eq(inet_pton(AF_INET, a, &s->in.sin_addr), 1);
	return sizeof(s->in);
}

static bool sock_is(const union sock *s, const char *a, uint16_t port)
{
	union sock want;
	socklen_t len = sock_addr(&want, a, port);

	if (s->sa.sa_family != want.sa.sa_family || s->in.sin_port != want.in.sin_port)
		return false;
	return len == sizeof(want.in) ? s->in.sin_addr.s_addr == want.in.sin_addr.s_addr :
					!memcmp(&s->in6.sin6_addr, &want.in6.sin6_addr, 16);
}

static int sock_new(const char *a, int type)
{
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(strchr(a, ':') ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static int sock_bound(const char *a, uint16_t port, int type)
{
	int fd = sock_new(a, type), one = 1;
	union sock s;
	socklen_t len = sock_addr(&s, a, port);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, &s.sa, len), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 100), 0);
	return fd;
}

static int try_connect(int fd, const char *a, uint16_t port)
{
	union sock s;
	socklen_t len = sock_addr(&s, a, port);

	return connect(fd, &s.sa, len) ? -errno : 0;
}

/* Connects, and closes again: 0 or -errno. */
static int once(const char *a, uint16_t port)
{
	int fd = sock_new(a, SOCK_STREAM), r = try_connect(fd, a, port);

	close(fd);
	return r;
}

static int try_send(int fd, const char *a, uint16_t port)
{
	union sock s;
	socklen_t len = sock_addr(&s, a, port);

	return sendto(fd, "x", 1, 0, &s.sa, len) < 0 ? -errno : 0;
}

/* ---- services ---- */

static struct ebpfnet_addr addr(const char *text)
{
	struct ebpfnet_addr a = { { 0 } };

	if (*text)
		ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

struct fixture {
	struct ebpfnet_frontend f;
	struct ebpfnet_backend b[SERVERS];
	struct ebpfnet_service_opts o;
};

static struct fixture *service(const char *vip, uint16_t port, int proto, const char *b1, const char *b2)
{
	static struct fixture x;

	memset(&x, 0, sizeof(x));
	x.f = (struct ebpfnet_frontend){ .addr = addr(vip), .port = port, .protocol = (uint8_t)proto };
	x.b[0] = (struct ebpfnet_backend){ .addr = addr(b1), .port = PORT, .protocol = (uint8_t)proto };
	if (b2)
		x.b[1] = (struct ebpfnet_backend){ .addr = addr(b2), .port = PORT, .protocol = (uint8_t)proto };
	x.o = (struct ebpfnet_service_opts){ EBPFNET_OPTS_INIT(x.o), .name = "web", .frontends = &x.f, .n_frontends = 1,
					     .backends = x.b, .n_backends = b2 ? 2 : 1 };
	return &x;
}

static void put(struct fixture *x)
{
	const struct ebpfnet_service_opts *one = &x->o;
	struct ebpfnet_service_changes would;

	ck_assert_msg(!ebpfnet_service_try(dp, &one, 1, &would, diag), "%s", said());
	ck_assert_msg(!ebpfnet_service_upsert(dp, &x->o, diag), "%s", said());
	ck_assert_int_eq(ebpfnet_service_try(dp, &one, 1, &would, diag), 0);
	ck_assert_uint_eq(would.unchanged, 1);
}

static void tcp(const char *vip, const char *b1, const char *b2)
{
	int server[2] = { sock_bound(b1, PORT, SOCK_STREAM), sock_bound(b2, PORT, SOCK_STREAM) };
	struct fixture *x = service(vip, 80, IPPROTO_TCP, b1, b2);
	unsigned int got[2] = { 0, 0 }, i, k;
	struct ebpfnet_backend_stats n[2];

	put(x);
	for (i = 0; i < 60; i++) {
		int fd = sock_new(vip, SOCK_STREAM), peer;
		union sock s;
		socklen_t len = sizeof(s);

		ck_assert_int_eq(try_connect(fd, vip, 80), 0);
		ck_assert_int_eq(getpeername(fd, &s.sa, &len), 0);
		ck_assert(sock_is(&s, vip, 80));
		/* which server has it? */
		for (k = 0; k < 2; k++) {
			fcntl(server[k], F_SETFL, O_NONBLOCK);
			peer = accept(server[k], NULL, NULL);
			if (peer < 0)
				continue;
			got[k]++;
			close(peer);
		}
		close(fd);
	}
	ck_assert_uint_eq(got[0] + got[1], 60);
	ck_assert_uint_gt(got[0], 5);
	ck_assert_uint_gt(got[1], 5);
	for (k = 0; k < 2; k++) {
		ck_assert_int_eq(ebpfnet_service_backend_stats(dp, &x->b[k], &n[k], sizeof(n[k])), 0);
		ck_assert_uint_eq(n[k].connections, got[k]);
		ck_assert_uint_eq(n[k].flows, 0);
		close(server[k]);
	}
	/* another port of it is no service's */
	ck_assert_int_ne(ebpfnet_service_delete(dp, "web"), -ENOENT);
}

START_TEST(tcp_reaches_every_backend_and_sees_the_frontend)
{
	tcp("10.96.0.1", "127.0.0.11", "127.0.0.12");
	tcp("fd96::1", "fd00::1", "fd00::2");
}
END_TEST

/* IPv4 through a socket of IPv6. */
START_TEST(mapped_addresses_are_ipv4)
{
	int server = sock_bound("127.0.0.11", PORT, SOCK_STREAM), fd = sock_new("::", SOCK_STREAM);
	union sock s;
	socklen_t len = sizeof(s);

	put(service("10.96.0.1", 80, IPPROTO_TCP, "127.0.0.11", NULL));
	ck_assert_int_eq(try_connect(fd, "::ffff:10.96.0.1", 80), 0);
	ck_assert_int_eq(getpeername(fd, &s.sa, &len), 0);
	ck_assert(sock_is(&s, "::ffff:10.96.0.1", 80));
	close(fd);
	close(server);
}
END_TEST

static int server_takes(int server, union sock *ret)
{
	socklen_t len = sizeof(*ret);
	char c;

	return recvfrom(server, &c, 1, MSG_DONTWAIT, &ret->sa, &len) == 1;
}

static void udp_unconnected(const char *vip, const char *b1, const char *b2)
{
	int server[2] = { sock_bound(b1, PORT, SOCK_DGRAM), sock_bound(b2, PORT, SOCK_DGRAM) };
	int fd = sock_new(vip, SOCK_DGRAM);
	struct fixture *x = service(vip, 53, IPPROTO_UDP, b1, b2);
	union sock from, s;
	socklen_t len;
	int i, k, mine = -1;
	char c;

	put(x);
	for (i = 0; i < 30; i++) {
		ck_assert_int_eq(try_send(fd, vip, 53), 0);
		for (k = 0; k < 2; k++) {
			if (!server_takes(server[k], &from))
				continue;
			/* a socket stays with its backend */
			ck_assert(mine < 0 || mine == k);
			mine = k;
			ck_assert_int_eq(sendto(server[k], "y", 1, 0, &from.sa, sizeof(from)), 1);
		}
		len = sizeof(s);
		ck_assert_int_eq(recvfrom(fd, &c, 1, 0, &s.sa, &len), 1);
		ck_assert(sock_is(&s, vip, 53));
	}
	ck_assert_int_ge(mine, 0);
	/* draining keeps it, removing sends the next datagram elsewhere */
	ck_assert_int_eq(ebpfnet_service_set_backend_state(dp, "web", &x->b[mine], EBPFNET_BACKEND_DRAINING), 1);
	ck_assert_int_eq(try_send(fd, vip, 53), 0);
	ck_assert(server_takes(server[mine], &from));
	x->b[0] = x->b[!mine];
	x->o.n_backends = 1;
	put(x);
	ck_assert_int_eq(try_send(fd, vip, 53), 0);
	ck_assert(server_takes(server[!mine], &from));
	ck_assert(!server_takes(server[mine], &from));
	close(fd);
	close(server[0]);
	close(server[1]);
	ck_assert_int_eq(ebpfnet_service_delete(dp, "web"), 0);
}

START_TEST(unconnected_datagrams_keep_their_backend_while_it_is_there)
{
	udp_unconnected("10.96.0.10", "127.0.0.11", "127.0.0.12");
	udp_unconnected("fd96::10", "fd00::1", "fd00::2");
}
END_TEST

START_TEST(connected_datagrams_see_the_frontend)
{
	int server = sock_bound("127.0.0.11", PORT, SOCK_DGRAM), fd = sock_new("10.96.0.10", SOCK_DGRAM);
	int plain = sock_bound("127.0.0.50", 53, SOCK_DGRAM);
	union sock s, from;
	socklen_t len = sizeof(s);
	char c;

	put(service("10.96.0.10", 53, IPPROTO_UDP, "127.0.0.11", NULL));
	ck_assert_int_eq(try_connect(fd, "10.96.0.10", 53), 0);
	ck_assert_int_eq(getpeername(fd, &s.sa, &len), 0);
	ck_assert(sock_is(&s, "10.96.0.10", 53));
	ck_assert_int_eq(send(fd, "x", 1, 0), 1);
	ck_assert(server_takes(server, &from));
	ck_assert_int_eq(sendto(server, "y", 1, 0, &from.sa, sizeof(from)), 1);
	len = sizeof(s);
	ck_assert_int_eq(recvfrom(fd, &c, 1, 0, &s.sa, &len), 1);
	ck_assert(sock_is(&s, "10.96.0.10", 53));
	/* to somebody else: the name is his own */
	ck_assert_int_eq(try_connect(fd, "127.0.0.50", 53), 0);
	len = sizeof(s);
	ck_assert_int_eq(getpeername(fd, &s.sa, &len), 0);
	ck_assert(sock_is(&s, "127.0.0.50", 53));
	/* and so is the backend's, asked for by its own */
	ck_assert_int_eq(try_connect(fd, "10.96.0.10", 53), 0);
	ck_assert_int_eq(try_connect(fd, "127.0.0.11", PORT), 0);
	len = sizeof(s);
	ck_assert_int_eq(getpeername(fd, &s.sa, &len), 0);
	ck_assert(sock_is(&s, "127.0.0.11", PORT));
	close(fd);
	close(plain);
	close(server);
}
END_TEST

/* Of a family: those that a service led to the backend end, and no others. */
static void ends(const char *vip, const char *b, int type)
{
	int proto = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP, server = sock_bound(b, PORT, type);
	int led = sock_new(vip, type), other = sock_new(vip, type);
	struct ebpfnet_backend gone = service(vip, 80, proto, b, NULL)->b[0];
	int ended;
	char c;

	put(service(vip, 80, proto, b, NULL));
	ck_assert_int_eq(try_connect(led, vip, 80), 0);
	ck_assert_int_eq(try_connect(other, b, PORT), 0);
	ck_assert_int_eq(ebpfnet_service_delete(dp, "web"), 0);
	ended = ebpfnet_service_end_sockets(dp, &gone);
	if (ended == -EPERM) {
		printf("this kernel loads no iterator over sockets' storage\n");
		close(led), close(other), close(server);
		return;
	}
	ck_assert_int_eq(ended, 1);
	ck_assert_int_eq(ebpfnet_service_end_sockets(dp, &gone), 0);
	ck_assert_int_eq(recv(led, &c, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, ECONNABORTED);
	ck_assert_int_eq(send(other, "x", 1, 0), 1);
	close(led), close(other), close(server);
}

START_TEST(sockets_of_a_backend_that_is_gone_end)
{
	ends("10.96.0.20", "127.0.0.11", SOCK_STREAM);
	ends("10.96.0.20", "127.0.0.11", SOCK_DGRAM);
	ends("fd96::20", "fd00::1", SOCK_STREAM);
	ends("fd96::20", "fd00::1", SOCK_DGRAM);
	ck_assert_int_eq(ebpfnet_service_end_sockets(dp, NULL), -EINVAL);
}
END_TEST

static int stats(const struct ebpfnet_service_opts *o, const struct ebpfnet_service_stats *st, void *arg)
{
	ck_assert_str_eq(o->name, "web");
	memcpy(arg, st, sizeof(*st));
	return 1;
}

START_TEST(no_backend_and_sources_are_refused)
{
	int server = sock_bound("127.0.0.11", PORT, SOCK_STREAM), fd;
	struct fixture *x = service("10.96.0.1", 80, IPPROTO_TCP, "127.0.0.11", NULL);
	struct ebpfnet_source_range r = { .addr = addr("127.0.0.60"), .prefix = 32 };
	struct ebpfnet_service_stats st;

	x->o.n_backends = 0;
	put(x);
	ck_assert_int_eq(once("10.96.0.1", 80), -ECONNREFUSED);
	x->o.no_backend = EBPFNET_NO_BACKEND_DROP;
	put(x);
	ck_assert_int_eq(once("10.96.0.1", 80), -EHOSTUNREACH);
	x->o.n_backends = 1;
	x->o.sources = &r;
	x->o.n_sources = 1;
	x->f.kind = EBPFNET_FRONTEND_LOAD_BALANCER;
	put(x);
	ck_assert_int_eq(once("10.96.0.1", 80), -EACCES);
	fd = sock_bound("127.0.0.60", 0, SOCK_DGRAM);
	close(fd);
	fd = sock_new("10.96.0.1", SOCK_STREAM);
	{
		union sock s;
		socklen_t len = sock_addr(&s, "127.0.0.61", 0);

		ck_assert_int_eq(bind(fd, &s.sa, len), 0);
		ck_assert_int_eq(try_connect(fd, "10.96.0.1", 80), -EACCES);
		close(fd);
		fd = sock_new("10.96.0.1", SOCK_STREAM);
		len = sock_addr(&s, "127.0.0.60", 0);
		ck_assert_int_eq(bind(fd, &s.sa, len), 0);
		ck_assert_int_eq(try_connect(fd, "10.96.0.1", 80), 0);
	}
	close(fd);
	ck_assert_int_eq(ebpfnet_service_foreach(dp, stats, &st), 1);
	ck_assert_uint_eq(st.connections, 1);
	ck_assert_uint_eq(st.denied, 2);
	ck_assert_uint_eq(st.no_backend, 2);
	close(server);
}
END_TEST

START_TEST(an_affinity_outlives_changes_of_the_backends)
{
	int server[SERVERS], i, k, n = 0, mine = -1, peer;
	struct fixture *x = service("10.96.0.1", 80, IPPROTO_TCP, "127.0.0.11", "127.0.0.12");

	for (i = 0; i < SERVERS; i++) {
		char text[16];

		snprintf(text, sizeof(text), "127.0.0.1%d", i + 1);
		server[i] = sock_bound(text, PORT, SOCK_STREAM);
		fcntl(server[i], F_SETFL, O_NONBLOCK);
		x->b[i] = x->b[0];
		x->b[i].addr = addr(text);
	}
	x->o.affinity_seconds = 100;
	for (i = 0; i < 30; i++) {
		/* it comes and goes beside the others, who stay */
		x->o.n_backends = i % 2 ? 2 : 3;
		if (!i || mine != 2)
			put(x);
		ck_assert_int_eq(once("10.96.0.1", 80), 0);
		for (k = 0; k < SERVERS; k++) {
			peer = accept(server[k], NULL, NULL);
			if (peer < 0)
				continue;
			close(peer);
			ck_assert(mine < 0 || mine == k);
			mine = k;
			n++;
		}
	}
	ck_assert_int_eq(n, 30);
	/* and ends with the backend */
	ck_assert_int_eq(ebpfnet_service_set_backend_state(dp, NULL, &x->b[mine], EBPFNET_BACKEND_ACTIVE), 0);
	x->b[mine] = x->b[2];
	x->o.n_backends = 2;
	if (mine == 2)
		x->b[0] = x->b[0];
	put(x);
	ck_assert_int_eq(once("10.96.0.1", 80), 0);
	if (mine != 2) {
		peer = accept(server[mine], NULL, NULL);
		ck_assert_int_lt(peer, 0);
	}
	for (i = 0; i < SERVERS; i++)
		close(server[i]);
}
END_TEST

START_TEST(node_ports_answer_and_cannot_be_bound)
{
	int server = sock_bound("127.0.0.11", PORT, SOCK_STREAM), fd;
	struct ebpfnet_addr me = addr("127.9.9.9");
	struct ebpfnet_service_node_opts n = { EBPFNET_OPTS_INIT(n), .addrs = &me, .n_addrs = 1 };
	struct fixture *x = service("", 30080, IPPROTO_TCP, "127.0.0.11", NULL);
	union sock s;
	socklen_t len;

	x->f.kind = EBPFNET_FRONTEND_NODE_PORT;
	put(x);
	ck_assert_int_eq(ebpfnet_service_set_node(dp, &n, diag), 0);
	ck_assert_int_eq(once("127.0.0.1", 30080), 0);
	ck_assert_int_eq(once("127.9.9.9", 30080), 0);
	ck_assert_int_eq(once("127.0.0.1", 30081), -ECONNREFUSED);
	fd = sock_new("127.0.0.1", SOCK_STREAM);
	len = sock_addr(&s, "0.0.0.0", 30080);
	ck_assert_int_eq(bind(fd, &s.sa, len), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	len = sock_addr(&s, "0.0.0.0", 30081);
	ck_assert_int_eq(bind(fd, &s.sa, len), 0);
	close(fd);
	/* another namespace has ports of its own */
	if (!fork()) {
		if (unshare(CLONE_NEWNET))
			_exit(1);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		len = sock_addr(&s, "0.0.0.0", 30080);
		_exit(bind(fd, &s.sa, len) ? 2 : 0);
	}
	{
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	close(server);
}
END_TEST

START_TEST(it_stays_when_the_process_ends_and_is_adopted)
{
	int server = sock_bound("127.0.0.11", PORT, SOCK_STREAM), fd = sock_new("10.96.0.1", SOCK_STREAM);
	struct fixture *x = service("10.96.0.1", 80, IPPROTO_TCP, "127.0.0.11", NULL);
	struct ebpfnet_upgrade_opts up = { EBPFNET_OPTS_INIT(up), .diag = diag };
	union sock s;
	socklen_t len = sizeof(s);

	put(x);
	ck_assert_int_eq(try_connect(fd, "10.96.0.1", 80), 0);
	ebpfnet_datapath_unref(dp);
	ck_assert_int_eq(once("10.96.0.1", 80), 0);
	dp_open();
	ck_assert_msg(!ebpfnet_service_attach(dp, cgroup, diag), "%s", said());
	ck_assert_int_eq(getpeername(fd, &s.sa, &len), 0);
	ck_assert(sock_is(&s, "10.96.0.1", 80));
	put(x);
	ck_assert_msg(!ebpfnet_datapath_upgrade(dp, &up), "%s", said());
	ck_assert_int_eq(once("10.96.0.1", 80), 0);
	ck_assert_int_eq(ebpfnet_service_detach(dp, cgroup), 0);
	ck_assert_int_eq(ebpfnet_service_detach(dp, cgroup), -ENOENT);
	ck_assert_int_eq(ebpfnet_service_detach(dp, "/tmp"), -EINVAL);
	ck_assert_int_eq(ebpfnet_service_attach(dp, "/tmp", diag), -EINVAL);
	ck_assert_int_eq(ebpfnet_service_attach(dp, "/nowhere", diag), -ENOENT);
	/* nobody knows the address any more */
	ck_assert_int_ne(once("10.96.0.1", 80), 0);
	close(fd);
	close(server);
}
END_TEST

START_TEST(sockets_agree_with_select)
{
	static const char *const dst[] = { "10.96.0.1", "10.96.0.2", "10.97.0.1", "10.97.1.1" };
	struct ebpfnet_frontend f[5] = {
		{ .addr = addr("10.96.0.1"), .port = 80, .protocol = IPPROTO_TCP },
		{ .addr = addr("10.96.0.1"), .port = 81, .port_last = 90, .protocol = IPPROTO_TCP },
		{ .addr = addr("10.96.0.2"), .protocol = IPPROTO_TCP },
		{ .addr = addr("10.97.0.0"), .prefix = 24, .port = 80, .protocol = IPPROTO_TCP },
		{ .addr = addr("10.96.0.0"), .prefix = 15, .port = 85, .protocol = IPPROTO_TCP },
	};
	static const uint16_t ports[] = { 80, 81, 85, 90, 91 };
	struct ebpfnet_backend b;
	struct ebpfnet_service_opts o;
	char text[16], svc[16];
	int server[5], i;
	size_t d, p;

	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "127.0.0.2%d", i);
		snprintf(svc, sizeof(svc), "s%d", i);
		server[i] = sock_bound(text, PORT, SOCK_STREAM);
		b = (struct ebpfnet_backend){ .addr = addr(text), .port = PORT, .protocol = IPPROTO_TCP };
		o = (struct ebpfnet_service_opts){ EBPFNET_OPTS_INIT(o), .name = svc, .frontends = &f[i],
						   .n_frontends = 1, .backends = &b, .n_backends = 1 };
		ck_assert_msg(!ebpfnet_service_upsert(dp, &o, diag), "%s", said());
		fcntl(server[i], F_SETFL, O_NONBLOCK);
	}
	for (d = 0; d < EBN_ARRAY_SIZE(dst); d++) {
		for (p = 0; p < EBN_ARRAY_SIZE(ports); p++) {
			struct ebpfnet_service_query q = { .dst = addr(dst[d]), .dport = ports[p],
							   .protocol = IPPROTO_TCP };
			struct ebpfnet_service_answer a;
			int fd = sock_new(dst[d], SOCK_STREAM), r = try_connect(fd, dst[d], ports[p]), got = -1, peer;

			ck_assert_int_eq(ebpfnet_service_select(dp, &q, &a, sizeof(a)), 0);
			for (i = 0; i < 5; i++) {
				peer = accept(server[i], NULL, NULL);
				if (peer >= 0)
					got = i;
				close(peer);
			}
			close(fd);
			if (a.verdict == EBPFNET_SERVICE_NONE) {
				ck_assert_msg(got < 0 && r, "%s:%u", dst[d], ports[p]);
				continue;
			}
			snprintf(svc, sizeof(svc), "s%d", got);
			ck_assert_msg(!strcmp(svc, a.service), "%s:%u: %s, select says %s", dst[d], ports[p], svc, a.service);
		}
	}
	for (i = 0; i < 5; i++)
		close(server[i]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		tcp_reaches_every_backend_and_sees_the_frontend, mapped_addresses_are_ipv4,
		unconnected_datagrams_keep_their_backend_while_it_is_there, connected_datagrams_see_the_frontend,
		sockets_of_a_backend_that_is_gone_end,
		no_backend_and_sources_are_refused, an_affinity_outlives_changes_of_the_backends,
		node_ports_answer_and_cannot_be_bound, it_stays_when_the_process_ends_and_is_adopted,
		sockets_agree_with_select,
	};
	int failed;

	if (geteuid()) {
		printf("needs root\n");
		return 77;
	}
	owner = getpid();
	failed = run_suite_between("service-sockets", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	sweep();
	return failed;
}
