// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * From one container's socket to another's and back, as programs in them see it: what a datagram, a round trip or a KiB of a
 * TCP stream takes, system calls included. Both containers, and the nodes between them, are on one CPU, so that no other CPU
 * has to be woken and a figure is all of the work.
 *
 * net-udp, net-latency, net-tcp: both containers on one node, with 10,000 rules of policy. Beside it, each with namespaces
 * of its own of the same form: a node that routes and has no rules, and nodes with 100 and 10,000 rules of nftables which
 * let established flows pass by their first rule.
 *
 * net-overlay: each on a node of its own, with a veth pair between the nodes and the same policy on both. Beside it nodes that
 * route into a VXLAN device for that one other node; without UDP checksums and with the same MTU, as the library's has it.
 *
 * All ways are there at once, and a round measures one after the other. That something of nftables or of tcx exists in one
 * namespace costs every namespace of a kernel a test of an empty list, plain routing too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ebpfnet/node.h>

#include "daemon.h"
#include "rules.h"
#include "setup.h"
#include "spaces.h"

#define RULES 10000u
#define CLIENT_PORT (RULES_PORT + 1)
#define CLOSED_PORT (RULES_PORT + 2)	/* in no rule */
#define FLOWS 65536u
#define WAYS 4u
#define BATCH 32u		/* datagrams */
#define BATCHES 50u		/* a turn */
#define DATAGRAM 18u		/* bytes: a frame of 60 */
#define TRIPS 250u		/* a turn */
#define CHUNK (64u << 10)	/* a write to the stream */
#define PIECE (1u << 20)	/* of the stream, measured as one */
#define STREAMS 4u		/* of them a turn */
#define TURNS 4u		/* a round */
#define PIECES_MAX (TURNS * TRIPS)
#define PATIENCE_MS 1000	/* until what was sent is lost */
#define MTU 1430		/* of the overlay: 70 for the outer headers */

enum what { UDP, TRIP_UDP, TRIP_TCP, TCP };
enum kind { OURS, PLAIN, NFT_100, NFT_10K };

struct way {
	enum kind kind;
	int node[2];		/* network namespaces; one node twice, or two */
	int container[2];
	struct daemon daemon[2];	/* of the nodes */
	int fd[2];		/* the client's socket and the server's, connected */
	pid_t echo;		/* who answers for the server */
	double piece[PIECES_MAX];	/* of this round */
	unsigned int pieces;
	struct bench_sample sample;
};

static const char *const names[] = { [PLAIN] = "plain-routing", [NFT_100] = "nftables-100", [NFT_10K] = "nftables-10k" };

static bool tcp(enum what what)
{
	return what == TRIP_TCP || what == TCP;
}

/* ---- the ways ---- */

/* Container i and its pair; neighbours are known, so that nobody's ARP is measured. */
static int container(struct bench *b, struct way *w, unsigned int i, unsigned int mtu)
{
	unsigned int n = i + 1;
	char path[48];
	int err;

	w->container[i] = spaces_new(b);
	if (w->container[i] < 0)
		return w->container[i];
	spaces_path(w->container[i], path);
	err = spaces_shell(b, w->node[i],
			   "ip link add ebnn%u address 02:00:00:00:01:0%u mtu %u type veth peer name eth0"
			   " address 02:00:00:00:00:0%u mtu %u netns %s && ip link set ebnn%u up &&"
			   " ip route add 10.1.0.%u/32 dev ebnn%u &&"
			   " ip neigh add 10.1.0.%u lladdr 02:00:00:00:00:0%u dev ebnn%u nud permanent",
			   n, n, mtu, n, mtu, path, n, n, n, n, n, n);
	if (err)
		return err;
	return spaces_shell(b, w->container[i],
			    "ip addr add 10.1.0.%u/32 dev eth0 && ip link set eth0 up &&"
			    " ip route add default via 10.1.0.254 dev eth0 onlink &&"
			    " ip neigh add 10.1.0.254 lladdr 02:00:00:00:01:0%u dev eth0 nud permanent", n, n);
}

static int node(struct bench *b, int *ret)
{
	*ret = spaces_new(b);
	if (*ret < 0)
		return *ret;
	return spaces_shell(b, *ret, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0"
			    " net.ipv4.conf.default.rp_filter=0");
}

/* The network between two nodes. */
static int underlay(struct bench *b, struct way *w)
{
	char path[48];
	int err, i;

	spaces_path(w->node[1], path);
	err = spaces_shell(b, w->node[0], "ip link add ebnu address 02:00:00:00:02:01 type veth peer name ebnu"
			   " address 02:00:00:00:02:02 netns %s", path);
	for (i = 0; i < 2 && !err; i++)
		err = spaces_shell(b, w->node[i],
				   "ip addr add 192.0.2.%d/24 dev ebnu && ip link set ebnu up &&"
				   " ip neigh add 192.0.2.%d lladdr 02:00:00:00:02:0%d dev ebnu nud permanent",
				   i + 1, 2 - i, 2 - i);
	return err;
}

static int plain_overlay(struct bench *b, struct way *w)
{
	int err = 0, i, me, other;

	for (i = 0; i < 2 && !err; i++) {
		me = i + 1;
		other = 2 - i;
		err = spaces_shell(b, w->node[i],
				   "ip link add ebnv address 02:00:00:00:03:0%d mtu %d type vxlan id 1 local 192.0.2.%d"
				   " remote 192.0.2.%d dstport 4789 noudpcsum dev ebnu &&"
				   " ip addr add 10.2.0.%d/24 dev ebnv && ip link set ebnv up &&"
				   " ip neigh add 10.2.0.%d lladdr 02:00:00:00:03:0%d dev ebnv nud permanent &&"
				   " ip route add 10.1.0.%d/32 via 10.2.0.%d dev ebnv",
				   me, MTU, me, other, me, other, other, other, other);
	}
	return err;
}

static int our_overlay(struct bench *b, struct daemon *d, int other)
{
	struct ebpfnet_overlay_opts overlay = { EBPFNET_OPTS_INIT(overlay), .underlay = "ebnu", .diag = d->diag };
	struct ebpfnet_node_opts to = { EBPFNET_OPTS_INIT(to), .n_prefixes = 1, .diag = d->diag };
	struct ebpfnet_prefix prefix;
	char text[32];
	int err;

	snprintf(text, sizeof(text), "192.0.2.%d", other);
	err = ebpfnet_addr_parse(text, &to.addr4);
	snprintf(text, sizeof(text), "10.1.0.%d/32", other);
	if (!err)
		err = ebpfnet_prefix_parse(text, &prefix);
	to.prefixes = &prefix;
	if (!err)
		err = ebpfnet_overlay_set(d->dp, &overlay);
	if (!err)
		err = ebpfnet_node_set(d->dp, "other", &to);
	return err ? daemon_fail(b, d, err, "the overlay") : 0;
}

/* Every device of a way is up; of a container's pair both ends. */
static int ready(struct bench *b, struct way *w, bool two)
{
	char device[16];
	int err = 0, i;

	for (i = 0; i < 2 && !err; i++) {
		snprintf(device, sizeof(device), "ebnn%d", i + 1);
		err = spaces_ready(b, w->container[i], "eth0");
		if (!err)
			err = spaces_ready(b, w->node[i], device);
		if (!err && two)
			err = spaces_ready(b, w->node[i], "ebnu");
	}
	return err;
}

static int our_endpoint(struct bench *b, struct daemon *d, unsigned int i)
{
	char device[16];
	double us;

	snprintf(device, sizeof(device), "ebnn%u", i + 1);
	return daemon_endpoint(b, d, device, (uint8_t)(i + 1), &us);
}

/* A datapath on each node, with the policy and its endpoints. */
static int ours(struct bench *b, struct way *w, enum what what, bool two)
{
	int err = 0, i, was;

	for (i = 0; i < (two ? 2 : 1) && !err; i++) {
		struct daemon *d = &w->daemon[i];

		was = spaces_enter(w->node[i]);
		err = daemon_open_as(b, d, i ? "other" : "bench", FLOWS, FLOWS);
		if (!err)
			err = rules_policy(b, d, tcp(what) ? IPPROTO_TCP : IPPROTO_UDP, RULES);
		if (!err)
			err = our_endpoint(b, d, (unsigned int)i);
		if (!err)
			err = two ? our_overlay(b, d, 2 - i) : our_endpoint(b, d, 1);
		/* the way to tcx links is part of it */
		while (!err && ebpfnet_datapath_maintain(d->dp, 0) > 0)
			;
		spaces_leave(was);
	}
	return err;
}

static int nftables(struct bench *b, struct way *w, enum what what, uint32_t n)
{
	int was = spaces_enter(w->node[0]), err = rules_nftables(tcp(what) ? "tcp" : "udp", n);

	spaces_leave(was);
	return err ? bench_fail(b, err, "nftables did not take %u rules", n) : 0;
}

static int way_open(struct bench *b, struct way *w, enum what what, bool two)
{
	int err, i;

	err = node(b, &w->node[0]);
	if (!err && two)
		err = node(b, &w->node[1]);
	if (!two)
		w->node[1] = w->node[0];
	for (i = 0; i < 2 && !err; i++)
		err = container(b, w, (unsigned int)i, two ? MTU : 1500);
	if (!err && two)
		err = underlay(b, w);
	if (!err)
		err = ready(b, w, two);
	if (err)
		return err;
	if (w->kind == OURS)
		return ours(b, w, what, two);
	if (w->kind == PLAIN)
		return two ? plain_overlay(b, w) : 0;
	return nftables(b, w, what, w->kind == NFT_100 ? 100 : RULES);
}

static void way_close(struct way *w)
{
	int i, was;

	if (w->echo > 0) {
		kill(w->echo, SIGKILL);
		waitpid(w->echo, NULL, 0);
	}
	for (i = 0; i < 2; i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
		if (w->daemon[i].ctx) {
			was = spaces_enter(w->node[i]);
			daemon_close(&w->daemon[i]);
			spaces_leave(was);
		}
	}
	for (i = 0; i < 2; i++) {
		if (w->container[i] >= 0)
			close(w->container[i]);
		if (w->node[i] >= 0 && (!i || w->node[1] != w->node[0]))
			close(w->node[i]);
	}
}

/* ---- the sockets ---- */

static int limit(int fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)))
		return -errno;
	/* of TCP; a datagram's socket has none */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return 0;
}

/* Container i at a port. */
static struct sockaddr_in address(unsigned int i, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(0x0a010001 + i) };
}

/* A socket in container i, bound to its address. */
static int bound(struct way *w, unsigned int i, int type, uint16_t port)
{
	struct sockaddr_in me = address(i, port);
	int was = spaces_enter(w->container[i]), fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), err;

	spaces_leave(was);
	if (fd < 0)
		return -errno;
	err = limit(fd);
	if (!err && bind(fd, (struct sockaddr *)&me, sizeof(me)))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

static int connect_udp(struct way *w)
{
	struct sockaddr_in client = address(0, CLIENT_PORT), server = address(1, RULES_PORT);
	char c = 0;

	if (connect(w->fd[0], (struct sockaddr *)&server, sizeof(server)) ||
	    connect(w->fd[1], (struct sockaddr *)&client, sizeof(client)))
		return -errno;
	/* answered: established, whoever asks */
	if (write(w->fd[0], &c, 1) != 1 || read(w->fd[1], &c, 1) != 1 || write(w->fd[1], &c, 1) != 1 ||
	    read(w->fd[0], &c, 1) != 1)
		return -errno;
	return 0;
}

/* What no rule lets in comes where there are no rules, and nowhere else: the rules are asked. */
static int guarded(struct bench *b, struct way *w)
{
	struct sockaddr_in server = address(1, CLOSED_PORT);
	int from = bound(w, 0, SOCK_DGRAM, CLOSED_PORT), to = bound(w, 1, SOCK_DGRAM, CLOSED_PORT), err = 0;
	struct pollfd come = { .fd = to, .events = POLLIN };
	char c = 0;

	if (from < 0 || to < 0)
		err = bench_fail(b, from < 0 ? from : to, "sockets: %s", strerror(from < 0 ? -from : -to));
	else if (sendto(from, &c, 1, 0, (struct sockaddr *)&server, sizeof(server)) != 1)
		err = bench_fail(b, errno, "sending: %s", strerror(errno));
	else if ((poll(&come, 1, 20) == 1) != (w->kind == PLAIN))
		err = bench_fail(b, EPROTO, "what no rule lets in %s", w->kind == PLAIN ? "does not come" : "comes");
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}

/* The server's socket becomes the connection's. */
static int connect_tcp(struct way *w)
{
	struct sockaddr_in server = address(1, RULES_PORT);
	int fd;

	if (listen(w->fd[1], 1) || connect(w->fd[0], (struct sockaddr *)&server, sizeof(server)))
		return -errno;
	fd = accept4(w->fd[1], NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(w->fd[1]);
	w->fd[1] = fd;
	return limit(fd);
}

static int echo(struct way *w)
{
	pid_t bench = getpid();
	char c;

	w->echo = fork();
	if (w->echo)
		return w->echo < 0 ? -errno : 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		ssize_t n = read(w->fd[1], &c, 1);

		/* it waits while other ways are measured */
		if (n < 0 && errno == EAGAIN && getppid() == bench)
			continue;
		if (n != 1 || write(w->fd[1], &c, 1) != 1)
			_exit(0);
	}
}

static int way_connect(struct bench *b, struct way *w, enum what what)
{
	int err = 0, i;

	for (i = 0; i < 2 && !err; i++) {
		w->fd[i] = bound(w, (unsigned int)i, tcp(what) ? SOCK_STREAM : SOCK_DGRAM,
				 i ? RULES_PORT : CLIENT_PORT);
		err = w->fd[i] < 0 ? w->fd[i] : 0;
	}
	if (!err)
		err = tcp(what) ? connect_tcp(w) : connect_udp(w);
	if (!err && (what == TRIP_UDP || what == TRIP_TCP))
		err = echo(w);
	return err ? bench_fail(b, err, "connecting: %s", strerror(-err)) : 0;
}

/* ---- the rounds ---- */

static void add(struct way *w, double v)
{
	if (w->pieces < PIECES_MAX)
		w->piece[w->pieces++] = v;
}

static int datagrams(struct bench *b, struct way *w)
{
	struct mmsghdr msg[BATCH];
	char data[DATAGRAM] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	unsigned int i, come;
	double from;
	int n;

	memset(msg, 0, sizeof(msg));
	for (i = 0; i < BATCH; i++)
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
	for (i = 0; i < BATCHES; i++) {
		from = bench_now_ns();
		n = sendmmsg(w->fd[0], msg, BATCH, 0);
		if (n != (int)BATCH)
			return bench_fail(b, n < 0 ? errno : EIO, "%d of %u datagrams sent", n, BATCH);
		for (come = 0; come < BATCH; come += (unsigned int)n) {
			n = recvmmsg(w->fd[1], msg, BATCH - come, MSG_WAITFORONE, NULL);
			if (n <= 0)
				return bench_fail(b, EIO, "%u of %u datagrams came", come, BATCH);
		}
		add(w, (bench_now_ns() - from) / BATCH);
	}
	return 0;
}

/* us */
static int trips(struct bench *b, struct way *w)
{
	unsigned int i;
	double from;
	char c = 0;

	for (i = 0; i < TRIPS; i++) {
		from = bench_now_ns();
		if (write(w->fd[0], &c, 1) != 1 || read(w->fd[0], &c, 1) != 1)
			return bench_fail(b, EIO, "trip %u came to no end", i);
		add(w, (bench_now_ns() - from) / 1e3);
	}
	return 0;
}

/* One process writes and reads: what the one may not do, the other one can. */
static int stream_piece(struct bench *b, struct way *w)
{
	static char data[CHUNK];
	struct pollfd wait = { .fd = w->fd[1], .events = POLLIN };
	size_t sent = 0, come = 0;
	ssize_t n, m;

	while (come < PIECE) {
		n = sent < PIECE ? send(w->fd[0], data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
		m = recv(w->fd[1], data, sizeof(data), MSG_DONTWAIT);
		if ((n < 0 && errno != EAGAIN && m < 0) || !m)
			return bench_fail(b, EIO, "the stream broke");
		sent += n > 0 ? (size_t)n : 0;
		come += m > 0 ? (size_t)m : 0;
		if (m < 0 && n <= 0 && poll(&wait, 1, PATIENCE_MS) != 1)
			return bench_fail(b, EIO, "the stream stopped");
	}
	return 0;
}

/* ns a KiB */
static int stream(struct bench *b, struct way *w)
{
	unsigned int i;
	double from;
	int err;

	for (i = 0; i < STREAMS; i++) {
		from = bench_now_ns();
		err = stream_piece(b, w);
		if (err)
			return err;
		add(w, (bench_now_ns() - from) / (PIECE >> 10));
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of a round's pieces: what others took of the CPU is in a few of them. */
static double of_round(struct way *w)
{
	double v;

	qsort(w->piece, w->pieces, sizeof(w->piece[0]), compare);
	v = w->piece[w->pieces / 2];
	w->pieces = 0;
	return v;
}

/* All ways in turns, some milliseconds each: a slow phase of the machine is in the rounds of all. */
static int one_round(struct bench *b, struct way *w, unsigned int ways, enum what what)
{
	unsigned int turn, i;
	int err = 0;

	for (turn = 0; turn < TURNS; turn++) {
		for (i = 0; i < ways && !err; i++)
			err = what == UDP ? datagrams(b, &w[i]) : what == TCP ? stream(b, &w[i]) : trips(b, &w[i]);
	}
	return err;
}

/* The first round warms up, and is not counted. */
static int rounds(struct bench *b, struct way *w, unsigned int ways, enum what what)
{
	unsigned int r, i;
	double v;
	int err;

	for (r = 0; r <= b->rounds; r++) {
		err = one_round(b, w, ways, what);
		if (err)
			return err;
		for (i = 0; i < ways; i++) {
			v = of_round(&w[i]);
			if (r)
				bench_add(&w[i].sample, v);
		}
	}
	return 0;
}

static int measure(struct bench *b, struct way *w, unsigned int ways, enum what what, bool two)
{
	unsigned int i;
	int err;

	for (i = 0; i < ways; i++) {
		w[i].kind = (enum kind)i;
		w[i].node[0] = w[i].node[1] = w[i].container[0] = w[i].container[1] = w[i].fd[0] = w[i].fd[1] = -1;
	}
	err = setup_namespace(b);
	for (i = 0; i < ways && !err; i++) {
		err = way_open(b, &w[i], what, two);
		if (!err)
			err = guarded(b, &w[i]);
		if (!err)
			err = way_connect(b, &w[i], what);
	}
	return err ? err : rounds(b, w, ways, what);
}

static int run(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	bool two = row->arg2;
	unsigned int ways = two ? PLAIN + 1 : WAYS, i;
	struct way *w = calloc(ways, sizeof(*w));
	int err;

	if (!w)
		return bench_fail(b, ENOMEM, "no memory");
	err = measure(b, w, ways, (enum what)row->arg, two);
	if (!err) {
		bench_value(res, &w[OURS].sample, 0, 1);
		for (i = PLAIN; i < ways; i++)
			bench_reference_of(res, two ? "plain-vxlan" : names[i], &w[i].sample);
		res->budget = res->reference[0].value * (two ? 1.1 : 1.0);
	}
	for (i = 0; i < ways; i++)
		way_close(&w[i]);
	free(w);
	return err;
}

const struct bench_row bench_net_rows[] = {
	{ "net-udp", "ns", 0, run, UDP, 0 },
	{ "net-latency/udp", "us", 0, run, TRIP_UDP, 0 },
	{ "net-latency/tcp", "us", 0, run, TRIP_TCP, 0 },
	{ "net-tcp", "ns/KiB", 0, run, TCP, 0 },
	{ "net-overlay/udp", "ns", 0, run, UDP, 1 },
	{ "net-overlay/latency-udp", "us", 0, run, TRIP_UDP, 1 },
	{ "net-overlay/latency-tcp", "us", 0, run, TRIP_TCP, 1 },
	{ "net-overlay/tcp", "ns/KiB", 0, run, TCP, 1 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
