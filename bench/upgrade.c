// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Upgrades under load: two processes in namespaces of their own talk through two endpoints, by UDP with counted packets and
 * over one TCP connection, while every program is replaced several times. What was lost is what the receiver lacks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "setup.h"

#define UPGRADES 5u
#define UDP_PORT 9000
#define TCP_PORT 9001
#define GAP_NS 40000		/* between two UDP packets */

struct shared {
	int ready, configured, listening, stop, done;
	uint64_t sent, received, tcp_sent, tcp_received, resets;
	char failed[128];
};

static struct shared *sh;

static void nap(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void give_up(const char *what)
{
	snprintf(sh->failed, sizeof(sh->failed), "%s: %s", what, strerror(errno));
	_exit(1);
}

static bool wait_for(int *flag, int value)
{
	int i;

	for (i = 0; i < 5000 && __atomic_load_n(flag, __ATOMIC_ACQUIRE) < value; i++)
		nap(1);
	return i < 5000;
}

static struct sockaddr_in to(uint8_t last, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	a.sin_addr.s_addr = htonl(0x0a010000 | last);
	return a;
}

/* The process's own namespace and device. */
static void begin(unsigned int i)
{
	struct sched_param sp = { 0 };
	char command[400];
	cpu_set_t all;

	sched_setscheduler(0, SCHED_OTHER, &sp);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all);
	if (unshare(CLONE_NEWNET))
		give_up("namespace");
	__atomic_fetch_add(&sh->ready, 1, __ATOMIC_RELEASE);
	if (!wait_for(&sh->configured, 1))
		give_up("device");
	snprintf(command, sizeof(command), "ip link set lo up; ip link set ebnu%up address 02:00:00:00:00:0%u up &&"
		 " ip addr add 10.1.0.%u/32 dev ebnu%up && ip route add 10.1.0.254 dev ebnu%up scope link &&"
		 " ip route add default via 10.1.0.254", i, i + 1, i + 1, i, i);
	if (setup_shell(command))
		give_up("configuring the device");
}

static void receiver(void)
{
	struct sockaddr_in any = to(0, UDP_PORT);
	int udp, l, tcp;
	int size = 32 << 20;
	struct pollfd p[2];
	char buf[65536];
	ssize_t n;

	begin(1);
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	any.sin_addr.s_addr = INADDR_ANY;
	if (bind(udp, (struct sockaddr *)&any, sizeof(any)))
		give_up("bind");
	any.sin_port = htons(TCP_PORT);
	if (bind(l, (struct sockaddr *)&any, sizeof(any)) || listen(l, 1))
		give_up("listen");
	__atomic_store_n(&sh->listening, 1, __ATOMIC_RELEASE);
	tcp = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	if (tcp < 0)
		give_up("accept");
	p[0] = (struct pollfd){ .fd = udp, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = tcp, .events = POLLIN };
	/* half a second without anything after the sender's end */
	while (poll(p, 2, 500) > 0 || !__atomic_load_n(&sh->done, __ATOMIC_ACQUIRE)) {
		while ((n = recv(udp, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
			sh->received++;
		n = p[1].fd >= 0 ? recv(tcp, buf, sizeof(buf), MSG_DONTWAIT) : -1;
		if (n > 0)
			sh->tcp_received += (uint64_t)n;
		else if (n == 0)
			p[1].fd = -1;
		else if (p[1].fd >= 0 && errno != EAGAIN)
			sh->resets++, p[1].fd = -1;
	}
	_exit(0);
}

static void sender(void)
{
	struct sockaddr_in udp_to = to(2, UDP_PORT), tcp_to = to(2, TCP_PORT);
	struct timespec gap = { .tv_nsec = GAP_NS };
	char buf[64] = { 0 }, block[4096] = { 0 };
	int udp, tcp;
	ssize_t n;

	signal(SIGPIPE, SIG_IGN);
	begin(0);
	if (!wait_for(&sh->listening, 1))
		give_up("receiver");
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(tcp, (struct sockaddr *)&tcp_to, sizeof(tcp_to)))
		give_up("connect");
	if (connect(udp, (struct sockaddr *)&udp_to, sizeof(udp_to)))
		give_up("connect");
	while (!__atomic_load_n(&sh->stop, __ATOMIC_ACQUIRE)) {
		if (send(udp, buf, sizeof(buf), 0) == (ssize_t)sizeof(buf))
			__atomic_fetch_add(&sh->sent, 1, __ATOMIC_RELAXED);
		n = send(tcp, block, sizeof(block), MSG_DONTWAIT);
		if (n > 0)
			sh->tcp_sent += (uint64_t)n;
		else if (errno != EAGAIN)
			sh->resets++;
		nanosleep(&gap, NULL);
	}
	shutdown(tcp, SHUT_WR);
	nap(200);
	__atomic_store_n(&sh->done, 1, __ATOMIC_RELEASE);
	_exit(0);
}

static pid_t start(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	return pid;
}

static int connect_pair(struct bench *b, struct daemon *d, const pid_t *pid)
{
	char command[200];
	double us;
	int err;

	if (!wait_for(&sh->ready, 2))
		return bench_fail(b, ETIMEDOUT, "the processes did not start");
	err = setup_devices(b, "ebnu", 2);
	if (err)
		return err;
	snprintf(command, sizeof(command), "ip link set ebnu0p netns %d && ip link set ebnu1p netns %d", (int)pid[0],
		 (int)pid[1]);
	if (setup_shell(command))
		return bench_fail(b, EIO, "moving the devices");
	err = daemon_endpoint(b, d, "ebnu0", 1, &us);
	if (!err)
		err = daemon_endpoint(b, d, "ebnu1", 2, &us);
	__atomic_store_n(&sh->configured, 1, __ATOMIC_RELEASE);
	return err;
}

static int upgrades(struct bench *b, struct daemon *d)
{
	struct ebpfnet_upgrade_opts opts = { .sz = sizeof(opts), .diag = d->diag };
	unsigned int i;
	int err = 0;

	for (i = 0; i < 3000 && sh->sent < 1000 && !sh->failed[0]; i++)
		nap(1);
	if (sh->failed[0] || sh->sent < 1000)
		return bench_fail(b, EIO, "no traffic: %s", sh->failed);
	for (i = 0; i < UPGRADES && !err; i++) {
		err = ebpfnet_datapath_upgrade(d->dp, &opts);
		if (err)
			return daemon_fail(b, d, err, "upgrading");
		/* the way to tcx links is part of it */
		while (ebpfnet_datapath_maintain(d->dp, 0) > 0)
			;
		nap(100);
	}
	return 0;
}

static int loss(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	pid_t pid[2] = { -1, -1 };
	struct daemon d;
	int err, i;

	(void)row;
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return bench_fail(b, ENOMEM, "no memory");
	err = daemon_open(b, &d, 0, 0);
	if (!err) {
		pid[0] = start(sender);
		pid[1] = start(receiver);
		err = connect_pair(b, &d, pid);
	}
	if (!err)
		err = upgrades(b, &d);
	__atomic_store_n(&sh->stop, 1, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++) {
		if (pid[i] <= 0)
			continue;
		if (err)
			kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	daemon_close(&d);
	if (!err && !sh->tcp_received)
		err = bench_fail(b, EIO, "nothing came over TCP");
	if (!err) {
		bench_add(&s, (double)(sh->sent - sh->received + sh->resets));
		bench_value(res, &s, 0, 1);
		bench_reference(res, "packets-sent", (double)sh->sent);
		bench_reference(res, "resets", (double)sh->resets);
		bench_reference(res, "upgrades", UPGRADES);
		res->must_be_zero = true;
	}
	munmap(sh, 4096);
	return err;
}

const struct bench_row bench_upgrade_rows[] = {
	{ "upgrade-loss", "packets", 0, loss, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
