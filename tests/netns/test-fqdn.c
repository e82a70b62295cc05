// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Names learnt through the public calls, and datagrams that go by them: an endpoint in a network namespace of its own sends to
 * addresses of the world, which are on the loopback device of the host's. Both namespaces are this test's own and without names.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <ebpfnet/ebpfnet.h>

#include "../unit/suite.h"
#include "core/internal.h"

#define PORT 4242
#define POD 7

static const char *const addrs[] = { "198.51.100.7", "198.51.100.8", "2001:db8::7" };
#define ADDRS EBN_ARRAY_SIZE(addrs)

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp, *looker;
static char name[32];
static int owner;		/* pid of main(), which knows what a test that failed has left */
static int host, pod, server[ADDRS];

static struct ebpfnet_addr addr_of(const char *text)
{
	struct ebpfnet_addr a;

	ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

static int learn(const char *what, const char *addr)
{
	struct ebpfnet_addr a = addr_of(addr);

	return ebpfnet_fqdn_learn(dp, what, &a);
}

static int forget(const char *what, const char *addr)
{
	struct ebpfnet_addr a = addr_of(addr);

	return ebpfnet_fqdn_forget(dp, what, &a);
}

/* ---- namespaces ---- */

static void enter(int ns)
{
	ck_assert_int_eq(setns(ns, CLONE_NEWNET), 0);
}

static void shell(const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	ck_assert_msg(!system(command), "failed: %s", command);
}

static void make_spaces(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	pod = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(pod, 0);
	ck_assert_int_ge(host, 0);
	shell("set -e; ip link set lo up; sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0; "
	      "ip link add lxc0 type veth peer name eth0 netns /proc/%d/fd/%d; ip link set lxc0 up; "
	      "ip addr add 198.51.100.7/32 dev lo; ip addr add 198.51.100.8/32 dev lo; "
	      "ip addr add 2001:db8::7/128 dev lo nodad; ip route add 10.0.0.1 dev lxc0; ip -6 route add fd00::1 dev lxc0",
	      getpid(), pod);
	enter(pod);
	shell("set -e; ip link set lo up; sysctl -qw net.ipv6.conf.eth0.accept_dad=0; ip link set eth0 up; "
	      "ip addr add 10.0.0.1/32 dev eth0; ip addr add fd00::1/128 dev eth0 nodad; "
	      "ip route add 10.255.0.1 dev eth0; ip route add default via 10.255.0.1 dev eth0; "
	      "ip -6 route add fdff::1 dev eth0; ip -6 route add default via fdff::1 dev eth0");
	enter(host);
}

/* ---- datagrams ---- */

union sock {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t sock_of(const char *text, union sock *s)
{
	memset(s, 0, sizeof(*s));
	if (strchr(text, ':')) {
		s->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
		ck_assert_int_eq(inet_pton(AF_INET6, text, &s->in6.sin6_addr), 1);
		return sizeof(s->in6);
	}
	s->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT) };
	ck_assert_int_eq(inet_pton(AF_INET, text, &s->in.sin_addr), 1);
	return sizeof(s->in);
}

static void open_servers(void)
{
	union sock s;

	for (size_t i = 0; i < ADDRS; i++) {
		socklen_t len = sock_of(addrs[i], &s);

		server[i] = socket(s.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(server[i], 0);
		ck_assert_int_eq(bind(server[i], &s.sa, len), 0);
	}
}

static int client(size_t i)
{
	union sock s;
	socklen_t len = sock_of(addrs[i], &s);
	int fd;

	enter(pod);
	fd = socket(s.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, &s.sa, len), 0);
	enter(host);
	return fd;
}

/* Does what the client sends arrive? No is believed after a while, yes at once. */
static bool arrives(int fd, size_t i, int ms)
{
	struct pollfd p = { .fd = server[i], .events = POLLIN };
	char text[8];

	ck_assert_int_eq(send(fd, "x", 1, 0), 1);
	if (poll(&p, 1, ms) != 1)
		return false;
	ck_assert_int_eq(recv(server[i], text, sizeof(text), 0), 1);
	return true;
}

/* What the programs find there, in the tables of both processes, and for a new flow; rule NULL: denied. */
static void expect(size_t i, const char *labels, const char *rule)
{
	struct ebpfnet_datapath *const both[] = { dp, looker };
	struct ebpfnet_addr a = addr_of(addrs[i]);
	struct ebpfnet_policy_answer answer;
	char text[256];
	uint32_t identity;
	int fd;

	for (size_t k = 0; k < 2; k++) {
		ck_assert_int_eq(ebpfnet_address_lookup(both[k], &a, &identity), 0);
		ck_assert_int_gt(ebpfnet_identity_labels(both[k], identity, text, sizeof(text)), 0);
		ck_assert_str_eq(text, labels);
		ck_assert_int_eq(ebpfnet_policy_lookup(both[k], POD, EBPFNET_EGRESS, identity, 17, PORT, &answer), 0);
		ck_assert_int_eq(answer.verdict, rule ? EBPFNET_VERDICT_ALLOW : EBPFNET_VERDICT_DENY);
		ck_assert_str_eq(answer.name, rule ? rule : "default deny");
	}
	fd = client(i);
	ck_assert_int_eq(arrives(fd, i, rule ? 5000 : 100), rule != NULL);
	close(fd);
}

/* ---- the datapath ---- */

static void open_dp(uint32_t flags, struct ebpfnet_datapath **ret)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .flows4 = 1024, .flows6 = 1024, .flags = flags };

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, ret), 0);
}

static void make_endpoint(void)
{
	struct ebpfnet_endpoint_opts ep = { EBPFNET_OPTS_INIT(ep), .name = "pod", .device = "lxc0", .id = POD };
	struct ebpfnet_labels *labels = NULL;

	ck_assert_int_eq(ebpfnet_labels_parse("app=pod", NULL, NULL, &labels), 0);
	ep.labels = labels;
	ep.addr4 = addr_of("10.0.0.1");
	ep.addr6 = addr_of("fd00::1");
	ep.gateway4 = addr_of("10.255.0.1");
	ep.gateway6 = addr_of("fdff::1");
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), 0);
	ebpfnet_labels_unref(labels);
}

/* The pod may send to what these patterns match, by one rule each. */
static void commit(const char *const *patterns, size_t n)
{
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "dns", .subject = "app=pod",
					    .default_deny_egress = 1 };
	struct ebpfnet_policy_rule rules[4];
	struct ebpfnet_policy_peer peers[4];
	struct ebpfnet_policy_set *set = NULL;

	for (size_t i = 0; i < n; i++) {
		peers[i] = (struct ebpfnet_policy_peer){ .kind = EBPFNET_PEER_FQDN, .text = patterns[i] };
		rules[i] = (struct ebpfnet_policy_rule){ EBPFNET_OPTS_INIT(rules[i]), .direction = EBPFNET_EGRESS,
							 .action = EBPFNET_VERDICT_ALLOW, .peers = &peers[i],
							 .n_peers = 1 };
	}
	ck_assert_int_eq(ebpfnet_policy_set_new(ctx, &set), 0);
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, rules, n), 0);
	ck_assert_int_eq(ebpfnet_policy_commit(dp, set, NULL), 0);
	ebpfnet_policy_set_free(set);
}

/* A test that fails does not come to its teardown; its namespaces end with it, its pins do not. */
static void sweep(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf /sys/fs/bpf/ebpfnet/t-fqdn-%d", owner);
	if (system(command))
		printf("something of a test that failed is left\n");
}

static void setup(void)
{
	sweep();
	make_spaces();
	open_servers();
	snprintf(name, sizeof(name), "t-fqdn-%d", owner);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	open_dp(0, &dp);
	ck_assert_int_eq(learn("a.example", addrs[0]), -EBUSY);
	ck_assert_int_eq(ebpfnet_datapath_prepare(dp, NULL), 0);
	ck_assert_int_eq(learn("a.example", addrs[0]), -EBUSY);
	ck_assert_int_eq(forget("a.example", addrs[0]), -EBUSY);
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	open_dp(EBPFNET_DATAPATH_READONLY, &looker);
	make_endpoint();
}

static void teardown(void)
{
	looker = ebpfnet_datapath_unref(looker);
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	dp = ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	for (size_t i = 0; i < ADDRS; i++)
		close(server[i]);
	close(host);
	close(pod);
}

START_TEST(learnt_and_forgotten)
{
	static const char *const patterns[] = { "*.example", "b.test" };
	int fd;

	setup();
	commit(patterns, 2);
	expect(0, "reserved:world;", NULL);
	ck_assert_int_eq(learn("A.Example.", addrs[0]), 0);
	ck_assert_int_eq(learn("b.test", addrs[2]), 0);
	ck_assert_int_eq(learn("c.other", addrs[1]), 0);
	expect(0, "fqdn:*.example;reserved:world;", "dns#1");
	expect(1, "reserved:world;", NULL);
	expect(2, "fqdn:b.test;reserved:world;", "dns#2");
	/* known already; then a second name of the same address */
	ck_assert_int_eq(learn("a.example", addrs[0]), 0);
	ck_assert_int_eq(learn("b.test", addrs[0]), 0);
	expect(0, "fqdn:*.example;fqdn:b.test;reserved:world;", "dns#1");
	/* a flow that is there is checked again when the last of the names goes */
	fd = client(0);
	ck_assert(arrives(fd, 0, 5000));
	ck_assert_int_eq(forget("a.example", addrs[0]), 0);
	ck_assert_int_eq(forget("a.example", addrs[0]), -ENOENT);
	ck_assert(arrives(fd, 0, 5000));
	expect(0, "fqdn:b.test;reserved:world;", "dns#2");
	ck_assert_int_eq(learn("x.example", addrs[0]), 0);
	ck_assert_int_eq(forget(NULL, addrs[0]), 0);
	ck_assert_int_eq(forget(NULL, addrs[0]), -ENOENT);
	ck_assert(!arrives(fd, 0, 100));
	expect(0, "reserved:world;", NULL);
	expect(2, "fqdn:b.test;reserved:world;", "dns#2");
	close(fd);
	teardown();
}
END_TEST

START_TEST(names_outlive_a_commit)
{
	static const char *const patterns[] = { "*.example", "c.other" };

	setup();
	commit(patterns, 1);
	ck_assert_int_eq(learn("c.other", addrs[1]), 0);
	expect(1, "reserved:world;", NULL);
	commit(patterns, 2);
	expect(1, "fqdn:c.other;reserved:world;", "dns#2");
	dp = ebpfnet_datapath_unref(dp);
	open_dp(0, &dp);
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	expect(1, "fqdn:c.other;reserved:world;", "dns#2");
	commit(patterns, 2);
	expect(1, "fqdn:c.other;reserved:world;", "dns#2");
	ck_assert_int_eq(forget("c.other", addrs[1]), -ENOENT);
	ck_assert_int_eq(forget(NULL, addrs[1]), 0);
	expect(1, "reserved:world;", NULL);
	teardown();
}
END_TEST

START_TEST(refused)
{
	struct ebpfnet_addr a = addr_of(addrs[0]), none = { 0 };
	char text[300];

	setup();
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(ebpfnet_fqdn_learn(dp, NULL, &a), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_learn(dp, "", &a), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_learn(dp, text, &a), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_learn(dp, "a.example", NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_learn(dp, "a.example", &none), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_learn(NULL, "a.example", &a), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_learn(looker, "a.example", &a), -EROFS);
	ck_assert_int_eq(ebpfnet_fqdn_forget(dp, "a.example", NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_forget(dp, "a.example", &none), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_forget(dp, "a.example", &a), -ENOENT);
	ck_assert_int_eq(ebpfnet_fqdn_forget(NULL, NULL, &a), -EINVAL);
	ck_assert_int_eq(ebpfnet_fqdn_forget(looker, "a.example", &a), -EROFS);
	teardown();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { learnt_and_forgotten, names_outlive_a_commit, refused };
	int failed;

	if (geteuid()) {
		printf("needs root\n");
		return 77;
	}
	owner = getpid();
	failed = run_suite("names of addresses", tests, EBN_ARRAY_SIZE(tests));
	sweep();
	return failed;
}
