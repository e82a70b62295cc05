// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Three namespaces of three pods, each a network namespace behind the real programs. For several policies of the truth tables
 * (tests/model/truth) every pod connects to every other one, by TCP and UDP (SCTP where the kernel has it), ports 80 and 81,
 * both families; who gets through must be who the reference evaluator lets through. All sockets are this process's, made in
 * the namespaces they belong to. Then the same with random labels and random policies, ports at random, and each answer
 * of the reference is held against explain and the tables read in C, too.
 * ALL=1: every case of the truth tables. WORLDS: how many random ones, 576 connections each.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

#include <ebpfnet/ebpfnet.h>

#include "../lib/world.h"

#define PODS 9
#define SKIP 77

/* Cases of the tables that are run each time, by their titles. */
static const char *const quick[] = {
	"an empty podSelector is all pods", "policyTypes absent", "one peer with two selectors",
			"NotIn and DoesNotExist",
	"protocol is TCP when", "the admin tier is asked before", "Pass hands over", "the baseline is asked where no",
	"who names the namespace leaves", "specs are policies of their own", "ipBlock is about addresses", "networks are about",
};

struct socket_of {
	int fd, src, dst, family, protocol, port;
	bool wanted, arrived;
};

static const int protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
/* The truth tables use the first two. */
static const int ports[] = { 80, 81, 53, 79, 82, 443, 8080 };
#define PORTS (sizeof(ports) / sizeof(ports[0]))
static char tag[32], pins[64];
static int space[PODS + 1];		/* network namespaces; the last is the host's */
static struct pollfd server[PODS * 3 * PORTS];
static int server_protocol[PODS * 3 * PORTS];
static nfds_t n_servers;
static struct socket_of sockets[PODS * PODS * 12];
static size_t n_sockets;
static json_t *inventory;
static bool have_sctp;

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void enter(int i)
{
	if (setns(space[i], CLONE_NEWNET) < 0)
		die("setns: %s", strerror(errno));
}

/* ---- namespaces ---- */

static void shell(const char *script, bool must)
{
	char command[8192];

	snprintf(command, sizeof(command), "T=%s; %s", tag, script);
	if (system(command) && must)
		die("failed: %s", script);
}

static void clean(void)
{
	shell("for n in $(ip netns list | awk -v t=$T- 'index($1, t) == 1 { print $1 }'); do ip netns del $n; done",
			false);
	shell("find /sys/fs/bpf/$T -depth -delete 2>/dev/null", false);
}

static void make_spaces(void)
{
	char path[96];

	shell("set -e; ip netns add $T-9; ip -n $T-9 link set lo up;"
	      "nsenter --net=/run/netns/$T-9 sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
	      " net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0;"
	      "for i in 0 1 2 3 4 5 6 7 8; do n=$((i / 3 + 1)); p=$((i % 3 + 1)); a=10.0.$n.$p; s=fd00:$n::$p;"
	      "ip netns add $T-$i; ip -n $T-9 link add lxc$i type veth peer name eth0 netns $T-$i;"
	      "nsenter --net=/run/netns/$T-$i sysctl -qw net.ipv6.conf.eth0.accept_dad=0 net.ipv6.conf.eth0.dad_transmits=0;"
	      "ip -n $T-9 link set lxc$i up;"
	      "{ echo link set lo up; echo link set eth0 up; echo addr add $a/32 dev eth0; echo addr add $s/128 dev eth0 nodad;"
	      "echo route add 10.255.0.1 dev eth0; echo route add default via 10.255.0.1 dev eth0;"
	      "echo -6 route add fdff::1 dev eth0; echo -6 route add default via fdff::1 dev eth0; } | sed 's/^-6 //' > /tmp/$T.b;"
	      "ip -n $T-$i -batch /tmp/$T.b; rm /tmp/$T.b;"
	      "ip -n $T-9 route add $a/32 dev lxc$i; ip -n $T-9 -6 route add $s/128 dev lxc$i; done", true);
	for (int i = 0; i <= PODS; i++) {
		snprintf(path, sizeof(path), "/run/netns/%s-%d", tag, i);
		space[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (space[i] < 0)
			die("%s: %s", path, strerror(errno));
	}
}

/* ---- sockets ---- */

static int make_socket(int protocol)
{
	int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;

	return socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static void serve(int pod)
{
	enter(pod);
	for (size_t k = 0; k < 3; k++) {
		for (size_t p = 0; p < PORTS; p++) {
			struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)ports[p]) };
			int fd;

			if (protocols[k] == IPPROTO_SCTP && !have_sctp)
				continue;
			fd = make_socket(protocols[k]);
			if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
			    (protocols[k] != IPPROTO_UDP && listen(fd, 512) < 0))
				die("serve: %s", strerror(errno));
			server_protocol[n_servers] = protocols[k];
			/* connections wait where they are */
			server[n_servers++] = (struct pollfd){
				.fd = fd, .events = protocols[k] == IPPROTO_UDP ? POLLIN : 0,
			};
		}
	}
}

static void end_of(int pod, int family, struct ref_end *ret)
{
	const json_t *o = json_array_get(json_object_get(inventory, "pods"), (size_t)pod);

	*ret = (struct ref_end){
		REF_POD, o, NULL, json_string_value(json_array_get(json_object_get(o, "ips"), family == 6)),
	};
}

/* Sends the first packet of a connection; its number is in a datagram. */
static void begin(struct socket_of *s)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)s->port) };
	uint32_t number = (uint32_t)(s - sockets);
	struct ref_end end;
	char mapped[64];

	end_of(s->dst, s->family, &end);
	snprintf(mapped, sizeof(mapped), "%s%s", s->family == 4 ? "::ffff:" : "", end.ip);
	if (inet_pton(AF_INET6, mapped, &a.sin6_addr) != 1)
		die("%s", mapped);
	s->fd = make_socket(s->protocol);
	if (s->fd < 0)
		die("socket: %s", strerror(errno));
	if (connect(s->fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	/* an answer of the stack to an earlier one may be an error here */
	if (s->protocol == IPPROTO_UDP && send(s->fd, &number, sizeof(number), 0) < 0)
		(void)send(s->fd, &number, sizeof(number), 0);
}

/* Takes what has come: datagrams say whose they are, connections are known to who made them. */
static void take(int timeout)
{
	uint32_t number;

	if (poll(server, n_servers, timeout) < 0)
		die("poll: %s", strerror(errno));
	for (nfds_t i = 0; i < n_servers; i++) {
		if (server_protocol[i] != IPPROTO_UDP)
			continue;
		while (recv(server[i].fd, &number, sizeof(number), 0) == sizeof(number))
			if (number < n_sockets)
				sockets[number].arrived = true;
	}
	for (size_t i = 0; i < n_sockets; i++) {
		struct sockaddr_in6 peer;
		socklen_t len = sizeof(peer);

		if (sockets[i].protocol != IPPROTO_UDP && !sockets[i].arrived)
			sockets[i].arrived = getpeername(sockets[i].fd, (struct sockaddr *)&peer, &len) == 0;
	}
}

/* Connections wait at the servers until all have been seen. */
static void hang_up(void)
{
	struct linger reset = { 1, 0 };

	for (size_t i = 0; i < n_sockets; i++) {
		setsockopt(sockets[i].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(sockets[i].fd);
	}
	for (nfds_t i = 0; i < n_servers; i++)
		for (int fd; server_protocol[i] != IPPROTO_UDP && (fd = accept(server[i].fd, NULL, NULL)) >= 0;)
			close(fd);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static size_t missing(void)
{
	size_t n = 0;

	for (size_t i = 0; i < n_sockets; i++)
		n += sockets[i].wanted && !sockets[i].arrived;
	return n;
}

static bool lets_through(const json_t *documents, const struct socket_of *s)
{
	struct ref_question q = {
		.inventory = inventory, .documents = documents, .protocol = s->protocol, .port = s->port,
	};
	struct ref_answer out, in;

	end_of(s->src, s->family, &q.subject);
	end_of(s->dst, s->family, &q.peer);
	ref_ask(&q, &out);
	end_of(s->dst, s->family, &q.subject);
	end_of(s->src, s->family, &q.peer);
	q.ingress = true;
	ref_ask(&q, &in);
	/* nobody is the proxy */
	return out.verdict == REF_ALLOW && in.verdict == REF_ALLOW;
}

/* w NULL: ports 80 and 81. */
static int try_all(struct world *w, const json_t *documents, const char *title)
{
	size_t open = 0, wrong = 0;
	double end;

	n_sockets = 0;
	for (int src = 0; src < PODS; src++) {
		enter(src);
		for (int n = 0; n < PODS * 12; n++) {
			struct socket_of *s = &sockets[n_sockets];

			*s = (struct socket_of){
				.src = src, .dst = n / 12, .family = n & 1 ? 6 : 4, .port = ports[n / 2 % 2],
				.protocol = protocols[n / 4 % 3],
			};
			if (w)
				s->port = ports[world_below(w, PORTS)];
			if (s->src == s->dst || (s->protocol == IPPROTO_SCTP && !have_sctp))
				continue;
			s->wanted = lets_through(documents, s);
			open += s->wanted;
			n_sockets++;
			begin(s);
		}
		take(0);
	}
	/* a lost packet is sent again after a second; who is refused gets a moment */
	for (end = now() + 8; missing() && now() < end;)
		take(20);
	for (end = now() + 0.15; now() < end;)
		take(20);
	for (size_t i = 0; i < n_sockets; i++) {
		const struct socket_of *s = &sockets[i];

		if (s->wanted != s->arrived && wrong++ < 10)
			fprintf(stderr, "FAIL: %s: pod %d to %d, IPv%d, protocol %d, port %d: %s\n", title, s->src,
					s->dst,
				s->family, s->protocol, s->port, s->arrived ? "let through" : "refused");
	}
	hang_up();
	if (!wrong)
		printf("ok: %s: %zu of %zu connections\n", title, open, n_sockets);
	return wrong ? 1 : 0;
}

/* ---- the datapath ---- */

static struct ebpfnet_datapath *start(struct ebpfnet_ctx *ctx)
{
	struct ebpfnet_datapath_opts o = {
		EBPFNET_OPTS_INIT(o), .name = "truth", .pin_dir = pins, .flows4 = 8192, .flows6 = 8192,
	};
	struct ebpfnet_datapath *dp = NULL;
	char text[4096] = "";
	int err;

	enter(PODS);
	ebpfnet_diag_new(&o.diag);
	err = ebpfnet_datapath_open(ctx, &o, &dp);
	if (!err)
		err = ebpfnet_datapath_load(dp, o.diag);
	for (int i = 0; !err && i < PODS; i++) {
		struct ebpfnet_endpoint_opts ep = { EBPFNET_OPTS_INIT(ep), .diag = o.diag };
		char name[16], device[16];
		struct ref_end end;

		snprintf(name, sizeof(name), "pod%d", i);
		snprintf(device, sizeof(device), "lxc%d", i);
		ep.name = name;
		ep.device = device;
		end_of(i, 6, &end);
		ebpfnet_addr_parse(end.ip, &ep.addr6);
		end_of(i, 4, &end);
		ebpfnet_addr_parse(end.ip, &ep.addr4);
		ebpfnet_addr_parse("10.255.0.1", &ep.gateway4);
		ebpfnet_addr_parse("fdff::1", &ep.gateway6);
		ep.labels = world_labels(inventory, &end);
		err = ebpfnet_endpoint_create(dp, &ep, NULL);
		ebpfnet_labels_unref((struct ebpfnet_labels *)ep.labels);
	}
	if (err < 0) {
		ebpfnet_diag_format(o.diag, text, sizeof(text));
		die("datapath: %d %s", err, text);
	}
	ebpfnet_diag_free(o.diag);
	return dp;
}

/* 1: failed, 0: held. */
static int run_case(struct ebpfnet_ctx *ctx, struct ebpfnet_datapath *dp, char *text)
{
	char *title = strsep(&text, "\n"), *sep = strstr(text, "\n--\n");
	json_t *documents;
	struct ebpfnet_policy_set *set;
	int err;

	if (sep)
		*sep = '\0';
	documents = sep ? ref_load(text, strlen(text)) : json_array();
	set = world_set(ctx, inventory, documents, false);
	if (!set)
		die("%s", title);
	enter(PODS);
	err = ebpfnet_policy_commit(dp, set, NULL);
	ebpfnet_policy_set_free(set);
	if (err < 0)
		die("%s: commit: %s", title, strerror(-err));
	err = try_all(NULL, documents, title);
	enter(PODS);
	ebpfnet_datapath_maintain(dp, 0);
	json_decref(documents);
	return err;
}

/* ---- random worlds ---- */

/* What the tables say to a pod about another one. */
static int looked_up(struct ebpfnet_datapath *dp, int subject, const struct ref_question *q)
{
	struct ebpfnet_endpoint_info info = { 0 };
	struct ebpfnet_policy_answer a = { 0 };
	struct ebpfnet_address_info at = { 0 };
	bool icmp = q->protocol == 1 || q->protocol == 58;
	struct ebpfnet_endpoint *ep;
	struct ebpfnet_addr addr;
	char name[16];

	snprintf(name, sizeof(name), "pod%d", subject);
	if (ebpfnet_endpoint_lookup(dp, name, &ep) < 0 || ebpfnet_endpoint_get_info(ep, &info, sizeof(info)) < 0)
		die("no %s", name);
	ebpfnet_endpoint_unref(ep);
	if (ebpfnet_addr_parse(q->peer.ip, &addr) < 0 || ebpfnet_address_match(dp, &addr, &at, sizeof(at)) < 0)
		die("no %s", q->peer.ip);
	if (ebpfnet_policy_lookup(dp, info.id, q->ingress ? EBPFNET_INGRESS : EBPFNET_EGRESS, at.peer_identity,
				  (uint8_t)q->protocol, (uint16_t)(icmp ? q->port << 8 : q->port), &a) < 0)
		die("lookup");
	return a.verdict == EBPFNET_VERDICT_DENY ? REF_DENY : a.verdict == EBPFNET_VERDICT_REDIRECT ? REF_PROXY :
			REF_ALLOW;
}

/* Reference, explain and the tables in C, about as many questions as there were connections. */
static int compare(struct world *w, struct ebpfnet_datapath *dp, const struct ebpfnet_policy_set *set)
{
	static const int more[] = { 1, 47, 58 };
	int wrong = 0;

	for (size_t i = 0; i < n_sockets; i++) {
		const struct socket_of *s = &sockets[i];
		struct ref_question q = {
			.inventory = w->inventory, .documents = w->documents, .ingress = i & 1, .port = s->port,
			.protocol = i % 8 ? s->protocol : more[world_below(w, 3)],
		};
		struct ebpfnet_policy_answer answer;
		struct ref_answer ref;
		int said, table;

		if (q.protocol == 1 || q.protocol == 58)
			q.port = q.protocol == 1 ? 8 : 128;
		else if (q.protocol == 47)
			q.port = 0;
		end_of(q.ingress ? s->dst : s->src, s->family, &q.subject);
		end_of(q.ingress ? s->src : s->dst, s->family, &q.peer);
		ref_ask(&q, &ref);
		said = world_explain(set, &q, &answer);
		table = looked_up(dp, q.ingress ? s->dst : s->src, &q);
		if ((said != (int)ref.verdict || table != (int)ref.verdict) && wrong++ < 3) {
			fprintf(stderr, "FAIL: reference %d, explain %d by %s, tables %d\n", (int)ref.verdict, said,
				answer.name, table);
			world_print(w, &q);
		}
	}
	return wrong;
}

static void set_labels(struct ebpfnet_datapath *dp)
{
	for (int i = 0; i < PODS; i++) {
		struct ebpfnet_labels *labels;
		struct ebpfnet_endpoint *ep;
		struct ref_end end;
		char name[16];

		snprintf(name, sizeof(name), "pod%d", i);
		end_of(i, 4, &end);
		labels = world_labels(inventory, &end);
		if (!labels || ebpfnet_endpoint_lookup(dp, name, &ep) < 0 || ebpfnet_endpoint_set_labels(ep,
				labels) < 0)
			die("labels of %s", name);
		ebpfnet_endpoint_unref(ep);
		ebpfnet_labels_unref(labels);
	}
}

static int run_world(struct ebpfnet_ctx *ctx, struct ebpfnet_datapath *dp, uint64_t seed)
{
	struct ebpfnet_policy_commit_opts commit = { EBPFNET_OPTS_INIT(commit) };
	struct ebpfnet_policy_set *set;
	char title[64], words[1024] = "";
	struct world w;
	int err;

	if (ebpfnet_diag_new(&commit.diag) < 0)
		die("no memory");
	world_make(&w, seed);
	inventory = w.inventory;
	set = world_set(ctx, inventory, w.documents, false);
	if (!set)
		die("documents refused");
	enter(PODS);
	set_labels(dp);
	err = ebpfnet_policy_commit(dp, set, &commit);
	if (err < 0) {
		ebpfnet_diag_format(commit.diag, words, sizeof(words));
		die("commit: %s %s", strerror(-err), words);
	}
	ebpfnet_diag_free(commit.diag);
	snprintf(title, sizeof(title), "random, seed %llu", (unsigned long long)seed);
	err = try_all(&w, w.documents, title);
	enter(PODS);
	err += compare(&w, dp, set);
	if (err)
		world_print(&w, &(struct ref_question){ .subject = { REF_RESERVED, NULL, "see above", NULL },
							.peer = { REF_RESERVED, NULL, "see above", NULL } });
	ebpfnet_datapath_maintain(dp, 0);
	ebpfnet_policy_set_free(set);
	world_done(&w);
	return err ? 1 : 0;
}

static int run_worlds(struct ebpfnet_ctx *ctx, struct ebpfnet_datapath *dp)
{
	const char *text = getenv("WORLDS"), *said = getenv("EBN_TEST_SEED");
	uint64_t seed = said ? strtoull(said, NULL, 0) : (uint64_t)time(NULL) * 2654435761u;
	unsigned long n = text ? strtoul(text, NULL, 0) : 18;
	int failed = 0;

	printf("EBN_TEST_SEED=%llu\n", (unsigned long long)seed);
	for (unsigned long i = 0; i < n && failed < 3; i++)
		failed += run_world(ctx, dp, seed + i);
	return failed;
}

static bool chosen(const char *text)
{
	if (getenv("ALL"))
		return true;
	for (size_t i = 0; i < sizeof(quick) / sizeof(quick[0]); i++)
		if (!strncmp(text, quick[i], strlen(quick[i])))
			return true;
	return false;
}

static char *read_file(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[4096], *text = calloc(1, 1 << 20);
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/model/truth/%s", top ? top : ".", name);
	f = fopen(path, "re");
	if (!f || !text || !fread(text, 1, (1 << 20) - 1, f))
		die("%s: %s", path, strerror(errno));
	fclose(f);
	return text;
}

static int run(void)
{
	static const char *const files[] = { "k8s.txt", "admin.txt", "cilium.txt" };
	struct rlimit many = { 8192, 8192 };
	struct ebpfnet_datapath *dp;
	struct ebpfnet_ctx *ctx;
	int failed = 0, held = 0, r;
	char *text = read_file("inventory.yaml");

	inventory = json_array_get(ref_load(text, strlen(text)), 0);
	free(text);
	setrlimit(RLIMIT_NOFILE, &many);
	r = make_socket(IPPROTO_SCTP);
	have_sctp = r >= 0;
	if (r >= 0)
		close(r);
	if (!have_sctp)
		printf("this kernel has no SCTP: only TCP and UDP\n");
	make_spaces();
	for (int i = 0; i < PODS; i++)
		serve(i);
	if (ebpfnet_ctx_new(NULL, &ctx) < 0)
		die("no memory");
	dp = start(ctx);
	for (size_t f = 0; f < 3; f++) {
		char *all = read_file(files[f]), *p, *next;

		for (p = strstr(all, "\n== "); p; p = next) {
			next = strstr(p + 1, "\n== ");
			if (next)
				*next = '\0';
			if (!chosen(p + 4))
				continue;
			r = run_case(ctx, dp, p + 4);
			failed += r > 0;
			held += r == 0;
		}
		free(all);
	}
	printf("%d policies held, %d did not\n", held, failed);
	failed += run_worlds(ctx, dp);
	ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	return failed || held < 5;
}

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	stopped = sig;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = stop };
	int status = 0;
	pid_t child;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (geteuid() != 0) {
		printf("needs root\n");
		return SKIP;
	}
	if (access("/sys/fs/bpf", W_OK) < 0 ||
			system("[ \"$(stat -f -c %t /sys/fs/bpf)\" = cafe4a11 ] || mount -t bpf bpf /sys/fs/bpf")) {
		printf("no BPF file system, and none can be mounted\n");
		return SKIP;
	}
	snprintf(tag, sizeof(tag), "ebnt-truth-%d", (int)getpid());
	snprintf(pins, sizeof(pins), "/sys/fs/bpf/%s", tag);
	/* the child may end as it likes: who waits for it cleans up */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	child = fork();
	if (child == 0)
		exit(run());
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			break;
		if (stopped)
			kill(child, SIGKILL);
	}
	clean();
	return stopped ? 128 + (int)stopped : WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
