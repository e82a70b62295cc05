// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A packet from one container to another on this node, all of it: sent on a veth pair, let through by N rules of which the last
 * says yes, and received on the other pair. The library's endpoints and policy; beside it, on the same devices in the same
 * minute, forwarding without any rule, nftables and iptables, both of which let established flows pass by their first rule,
 * as one writes them. established: one flow that was answered; new: each packet begins one.
 *
 * lb-forward: the same way, but to the last one of N services, whose backend is the second container: in nftables a map, in
 * iptables a rule for each.
 *
 * nat-forward: the same way, but the second pair leads outside, and the packet leaves in the node's name. Beside it forwarding
 * without translation, and the masquerade of nftables.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ebpfnet/nat.h>
#include <ebpfnet/service.h>

#include "daemon.h"
#include "rules.h"
#include "setup.h"

#define DEVICE "ebnf"
#define PORT RULES_PORT		/* in the texts of services as well */
#define ESTABLISHED_PACKETS 20000u
#define NEW_PACKETS 2000u
#define OUTSIDE_ADDRESS "10.1.1.1"
#define VIP 0x0a600000u		/* of service number i: this and i */
#define ROUNDS 5u

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	char data[22];
} __attribute__((packed));

struct line {
	pid_t holder[2];	/* of the containers' network namespaces */
	int fd[2];		/* packet sockets in them */
	uint16_t port;		/* of the next new flow */
	uint32_t vip;		/* what the first container calls the second one; 0: its address */
};

/* A process that is nothing but a network namespace. */
static pid_t hold(void)
{
	int ready[2];
	char c = 0;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!unshare(CLONE_NEWNET))
			(void)!write(ready[1], &c, 1);
		close(ready[1]);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &c, 1) != 1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ready[0]);
	return pid;
}

static int container(struct line *l, unsigned int i)
{
	char command[600];

	l->holder[i] = hold();
	if (l->holder[i] < 0)
		return -EAGAIN;
	snprintf(command, sizeof(command),
		 "ip link set " DEVICE "%up netns %d && nsenter -t %d -n sh -c 'ip link set lo up;"
		 " ip link set " DEVICE "%up address 02:00:00:00:00:0%u up; ip addr add 10.1.0.%u/32 dev " DEVICE "%up' &&"
		 " ip link set " DEVICE "%u address 02:00:00:00:01:0%u &&"
		 " ip route replace 10.1.0.%u/32 dev " DEVICE "%u &&"
		 " ip neigh replace 10.1.0.%u lladdr 02:00:00:00:00:0%u dev " DEVICE "%u nud permanent",
		 i, l->holder[i], l->holder[i], i, i + 1, i + 1, i, i, i + 1, i + 1, i, i + 1, i + 1, i);
	return setup_shell(command) ? -EIO : 0;
}

static int packet_socket(pid_t holder, unsigned int i)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	char path[64], name[16];
	int here, there, fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", holder);
	snprintf(name, sizeof(name), DEVICE "%up", i);
	here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (here >= 0 && there >= 0 && !setns(there, CLONE_NEWNET)) {
		/* protocol 0: it only sends */
		fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		to.sll_ifindex = (int)if_nametoindex(name);
		if (fd >= 0 && bind(fd, (struct sockaddr *)&to, sizeof(to))) {
			close(fd);
			fd = -1;
		}
		if (setns(here, CLONE_NEWNET))
			abort();
	}
	close(here);
	close(there);
	return fd;
}

static void line_close(struct line *l)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (l->fd[i] >= 0)
			close(l->fd[i]);
		if (l->holder[i] > 0) {
			kill(l->holder[i], SIGKILL);
			waitpid(l->holder[i], NULL, 0);
		}
	}
	/* the pairs go with the namespaces, in the kernel's own time */
	setup_shell("ip link del " DEVICE "0 2>/dev/null; ip link del " DEVICE "1 2>/dev/null");
}

static int line_open(struct bench *b, struct line *l)
{
	int err, i;

	memset(l, 0, sizeof(*l));
	l->fd[0] = l->fd[1] = -1;
	err = setup_namespace(b);
	if (!err)
		err = setup_devices(b, DEVICE, 2);
	if (err)
		return err;
	if (setup_shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0"))
		return bench_fail(b, EIO, "sysctl");
	for (i = 0; i < 2 && !err; i++)
		err = container(l, (unsigned int)i);
	for (i = 0; i < 2 && !err; i++) {
		l->fd[i] = packet_socket(l->holder[i], (unsigned int)i);
		err = l->fd[i] < 0 ? -EIO : 0;
	}
	return err ? bench_fail(b, err, "making the containers: %s", strerror(-err)) : 0;
}

static uint16_t ip_sum(const struct iphdr *ip)
{
	const uint16_t *p = (const void *)ip;
	uint32_t sum = 0;
	int i;

	for (i = 0; i < 10; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~(sum + (sum >> 16));
}

/* From container `from`, at `port`, to PORT of the other one; or the answer. A UDP checksum of 0 is none. */
static struct frame frame(unsigned int from, uint16_t port)
{
	struct frame f = { .eth = { .ether_dhost = { 2, 0, 0, 0, 1, (uint8_t)(from + 1) },
				    .ether_shost = { 2, 0, 0, 0, 0, (uint8_t)(from + 1) },
				    .ether_type = htons(ETHERTYPE_IP) } };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
			    .tot_len = htons(sizeof(f) - sizeof(f.eth)),
			    .saddr = htonl(0x0a010001 + from), .daddr = htonl(0x0a010002 - from) };

	ip.check = ip_sum(&ip);
	f.ip = ip;
	f.udp.source = htons(from ? PORT : port);
	f.udp.dest = htons(from ? port : PORT);
	f.udp.len = htons(sizeof(f.udp) + sizeof(f.data));
	return f;
}

/* The first container's packet. */
static struct frame question(const struct line *l, uint16_t port)
{
	struct frame f = frame(0, port);
	struct iphdr ip = f.ip;

	if (!l->vip)
		return f;
	ip.daddr = htonl(l->vip);
	ip.check = 0;
	ip.check = ip_sum(&ip);
	f.ip = ip;
	return f;
}

/* What came to the second container. */
static uint64_t received(const struct line *l)
{
	char command[80], text[4096];
	const char *rx;
	size_t n = 0;
	FILE *f;

	snprintf(command, sizeof(command), "nsenter -t %d -n ip -s -j link show dev " DEVICE "1p", l->holder[1]);
	f = popen(command, "r");
	if (f) {
		n = fread(text, 1, sizeof(text) - 1, f);
		pclose(f);
	}
	text[n] = 0;
	rx = strstr(text, "\"rx\":{");
	rx = rx ? strstr(rx, "\"packets\":") : NULL;
	return rx ? strtoull(rx + strlen("\"packets\":"), NULL, 10) : 0;
}

/* ns a packet, and every one of them came. */
static int send_all(struct bench *b, struct line *l, uint32_t n, bool new, double *ret)
{
	uint64_t before = received(l), after;
	struct frame f = question(l, l->port);
	double from;
	uint32_t i;

	from = bench_now_ns();
	for (i = 0; i < n; i++) {
		if (new)
			f.udp.source = htons(++l->port);
		if (send(l->fd[0], &f, sizeof(f), 0) != (ssize_t)sizeof(f))
			return bench_fail(b, errno, "sending: %s", strerror(errno));
	}
	*ret = (bench_now_ns() - from) / n;
	after = received(l);
	if (after - before < n - n / 100)
		return bench_fail(b, EIO, "%llu of %u packets came", (unsigned long long)(after - before), n);
	return 0;
}

static int measure(struct bench *b, struct line *l, bool new, struct bench_sample *ret)
{
	uint32_t n = new ? NEW_PACKETS : ESTABLISHED_PACKETS;
	struct frame first, answer;
	double ns = 0;
	unsigned int i;
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	first = question(l, ++l->port);
	answer = frame(1, l->port);
	if (send(l->fd[0], &first, sizeof(first), 0) < 0 || send(l->fd[1], &answer, sizeof(answer), 0) < 0)
		return bench_fail(b, errno, "sending: %s", strerror(errno));
	for (i = 0; i < ROUNDS && !err; i++) {
		err = send_all(b, l, n, new, &ns);
		if (!err)
			bench_add(ret, ns);
	}
	return err;
}

/* What the first container sends leaves by the second one's device with an address of the node. */
static int masquerade(struct bench *b, struct daemon *d)
{
	struct ebpfnet_nat_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = d->diag };
	int err = ebpfnet_addr_parse(OUTSIDE_ADDRESS, &opts.addr4);

	if (!err)
		err = ebpfnet_datapath_attach(d->dp, DEVICE "1", EBPFNET_ROLE_NETDEV, d->diag);
	if (!err)
		err = ebpfnet_nat_set(d->dp, DEVICE "1", &opts);
	return err ? daemon_fail(b, d, err, "the masquerade") : 0;
}

/* N rules, or with none of them the second container outside. */
static int library(struct bench *b, struct line *l, uint32_t n, bool new, struct bench_sample *ret)
{
	struct daemon d;
	double us;
	int err;

	err = daemon_open(b, &d, 0, 0);
	if (!err && n)
		err = rules_policy(b, &d, IPPROTO_UDP, n);
	if (!err)
		err = daemon_endpoint(b, &d, DEVICE "0", 1, &us);
	if (!err)
		err = n ? daemon_endpoint(b, &d, DEVICE "1", 2, &us) : masquerade(b, &d);
	/* the way to tcx links is part of it */
	while (!err && ebpfnet_datapath_maintain(d.dp, 0) > 0)
		;
	if (!err)
		err = measure(b, l, new, ret);
	daemon_close(&d);
	return err;
}

static int forward(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t n = (uint32_t)row->arg;
	bool new = row->arg2;
	struct bench_sample s;
	struct line l;
	int err;

	err = line_open(b, &l);
	if (!err)
		err = measure(b, &l, new, &s);
	if (err)
		goto out;
	bench_reference(res, "no-rules", bench_median(&s));
	/* what is not installed is not measured */
	if (!rules_nftables("udp", n)) {
		err = measure(b, &l, new, &s);
		if (!err)
			bench_reference(res, "nftables", bench_median(&s));
	}
	setup_shell("nft delete table ip ebn_bench 2>/dev/null");
	if (!err && !rules_iptables("udp", n)) {
		err = measure(b, &l, new, &s);
		if (!err)
			bench_reference(res, "iptables", bench_median(&s));
	}
	setup_shell("iptables -P FORWARD ACCEPT 2>/dev/null; iptables -F FORWARD 2>/dev/null; iptables -X 2>/dev/null");
	if (!err)
		err = library(b, &l, n, new, &s);
	if (!err)
		bench_value(res, &s, 0, 1);
out:
	line_close(&l);
	return err;
}

static int translated(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	bool new = row->arg2;
	struct bench_sample s;
	struct line l;
	int err;

	err = line_open(b, &l);
	if (!err && setup_shell("ip addr add " OUTSIDE_ADDRESS "/32 dev " DEVICE "1"))
		err = bench_fail(b, EIO, "an address for the node");
	if (!err)
		err = measure(b, &l, new, &s);
	if (err)
		goto out;
	bench_reference(res, "not-translated", bench_median(&s));
	if (!setup_shell("echo 'table ip ebn_bench { chain out { type nat hook postrouting priority 100;"
			 " oifname \"" DEVICE "1\" masquerade; }; }' | nft -f - 2>/dev/null")) {
		err = measure(b, &l, new, &s);
		if (!err)
			bench_reference(res, "nftables", bench_median(&s));
	}
	setup_shell("nft delete table ip ebn_bench 2>/dev/null");
	if (!err)
		err = library(b, &l, 0, new, &s);
	if (!err)
		bench_value(res, &s, 0, 1);
out:
	line_close(&l);
	return err;
}

/* ---- services ---- */

/* A service's address, and its backend's: nobody's, but of the last one the second container's. */
static void service_text(uint32_t i, uint32_t n, char vip[24], char backend[24])
{
	struct in_addr a = { htonl(VIP + i) };

	snprintf(vip, 24, "%s", inet_ntoa(a));
	a.s_addr = htonl(i < n ? rules_other(i) : 0x0a010002);
	snprintf(backend, 24, "%s", inet_ntoa(a));
}

/* A line for each service, given to a command. */
static int services_by(const char *command, const char *head, const char *before, const char *between,
		       const char *after, const char *tail, uint32_t n)
{
	FILE *f = popen(command, "w");
	char vip[24], backend[24];
	uint32_t i;

	if (!f)
		return -errno;
	fputs(head, f);
	for (i = 1; i <= n; i++) {
		service_text(i, n, vip, backend);
		fprintf(f, "%s%s%s%s%s", before, vip, between, backend, after);
	}
	fputs(tail, f);
	return pclose(f) ? -EIO : 0;
}

static int service_nftables(uint32_t n)
{
	return services_by("nft -f - 2>/dev/null",
			   "table ip ebn_bench {\n map services {\n"
			   "  type ipv4_addr . inet_service : ipv4_addr . inet_service\n  size 16384\n  elements = {\n",
			   "   ", " . 9 : ", " . 9,\n",
			   "  }\n }\n chain in {\n  type nat hook prerouting priority -100;\n"
			   "  dnat ip to ip daddr . udp dport map @services\n }\n}\n", n);
}

static int service_iptables(uint32_t n)
{
	return services_by("iptables-restore 2>/dev/null", "*nat\n:PREROUTING ACCEPT [0:0]\n", "-A PREROUTING -d ",
			   "/32 -p udp --dport 9 -j DNAT --to-destination ", ":9\n", "COMMIT\n", n);
}

static int services(struct bench *b, struct daemon *d, uint32_t n)
{
	const struct ebpfnet_service_opts **list = calloc(n, sizeof(*list));
	struct ebpfnet_service_opts *o = calloc(n, sizeof(*o));
	struct ebpfnet_frontend *front = calloc(n, sizeof(*front));
	struct ebpfnet_backend *back = calloc(n, sizeof(*back));
	char (*name)[24] = calloc(n, sizeof(*name));
	char vip[24], backend[24];
	int err = list && o && front && back && name ? 0 : -ENOMEM;
	uint32_t i;

	for (i = 0; i < n && !err; i++) {
		service_text(i + 1, n, vip, backend);
		front[i].port = back[i].port = PORT;
		front[i].protocol = IPPROTO_UDP;
		if (ebpfnet_addr_parse(vip, &front[i].addr) || ebpfnet_addr_parse(backend, &back[i].addr))
			err = -EINVAL;
		snprintf(name[i], sizeof(name[i]), "bench/%u", i);
		o[i] = (struct ebpfnet_service_opts){ EBPFNET_OPTS_INIT(*o), .name = name[i], .frontends = &front[i],
						      .n_frontends = 1, .backends = &back[i], .n_backends = 1 };
		list[i] = &o[i];
	}
	if (!err)
		err = ebpfnet_service_sync(d->dp, list, n, NULL, d->diag);
	free(name);
	free(back);
	free(front);
	free(o);
	free(list);
	return err ? daemon_fail(b, d, err, "the services") : 0;
}

static int balanced(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t n = (uint32_t)row->arg;
	bool new = row->arg2;
	struct bench_sample s;
	struct daemon d;
	struct line l;
	double us;
	int err;

	err = line_open(b, &l);
	if (!err)
		err = measure(b, &l, new, &s);
	if (err)
		goto out;
	bench_reference(res, "no-service", bench_median(&s));
	l.vip = VIP + n;
	if (!service_nftables(n)) {
		err = measure(b, &l, new, &s);
		if (!err)
			bench_reference(res, "nftables", bench_median(&s));
	}
	setup_shell("nft delete table ip ebn_bench 2>/dev/null");
	if (!err && !service_iptables(n)) {
		err = measure(b, &l, new, &s);
		if (!err)
			bench_reference(res, "iptables", bench_median(&s));
	}
	setup_shell("iptables -t nat -F PREROUTING 2>/dev/null");
	if (err)
		goto out;
	err = daemon_open(b, &d, 0, 0);
	if (!err)
		err = services(b, &d, n);
	if (!err)
		err = daemon_endpoint(b, &d, DEVICE "0", 1, &us);
	if (!err)
		err = daemon_endpoint(b, &d, DEVICE "1", 2, &us);
	while (!err && ebpfnet_datapath_maintain(d.dp, 0) > 0)
		;
	if (!err)
		err = measure(b, &l, new, &s);
	daemon_close(&d);
	if (!err)
		bench_value(res, &s, 0, 1);
out:
	line_close(&l);
	return err;
}

const struct bench_row bench_forward_rows[] = {
	{ "forward-established/1", "ns", 0, forward, 1, 0 },
	{ "forward-established/100", "ns", 0, forward, 100, 0 },
	{ "forward-established/10k", "ns", 0, forward, 10000, 0 },
	{ "forward-new/1", "ns", 0, forward, 1, 1 },
	{ "forward-new/100", "ns", 0, forward, 100, 1 },
	{ "forward-new/10k", "ns", 0, forward, 10000, 1 },
	{ "lb-forward-known/1", "ns", 0, balanced, 1, 0 },
	{ "lb-forward-known/10k", "ns", 0, balanced, 10000, 0 },
	{ "lb-forward-new/1", "ns", 0, balanced, 1, 1 },
	{ "lb-forward-new/10k", "ns", 0, balanced, 10000, 1 },
	{ "nat-forward/known", "ns", 0, translated, 0, 0 },
	{ "nat-forward/new", "ns", 0, translated, 0, 1 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
