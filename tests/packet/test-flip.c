// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Policies flip 10,000 times while a thread sends packets through the real programs. Both policies let the same packets
 * through and refuse the same ones, for other reasons: by another prefix, another exception, another direction, another tier. A
 * packet that met half of one and half of the other would go the other way.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "policy/policy.h"
#include "rig.h"
#include "../unit/suite.h"

#define PODS_FAR "10.9.0.1"
#define WORLD4 "192.0.2.1"

/* What is sent, and what becomes of it whatever policy is in force. */
static const struct cell {
	const char *src, *dst;
	uint16_t port;
	bool passes;
} cells[] = {
	{ A4, B4, 80, true },		/* a is within a block of both */
	{ A4, B4, 81, false },		/* out of one by an exception, not in the other */
	{ PODS_FAR, B4, 80, true },
	{ PODS_FAR, B4, 81, false },
	{ A6, B6, 80, true },
	{ A6, B6, 81, false },
	{ WORLD4, B4, 80, true },
	{ WORLD4, B4, 81, false },
	{ A4, B4, 82, false },		/* one refuses it on its way out, the other on its way in */
	{ A4, B4, 83, true },		/* one by a pass to a rule, the other by the admin tier itself */
};
#define CELLS (sizeof(cells) / sizeof(cells[0]))

static const char first[] =
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: in}\n"
	"spec: {podSelector: {matchLabels: {app: b}}, ingress: ["
	"{from: [{ipBlock: {cidr: 10.0.0.0/8}}, {ipBlock: {cidr: 192.0.2.0/24}}, {ipBlock: {cidr: 'fd00::/8'}}], ports: [{protocol: UDP, "
	"port: 80}]}, "
	"{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/24, 10.9.0.0/16, 192.0.2.0/25]}}, {ipBlock: {cidr: 'fd00::/8', "
	"except: ['fd00::/64']}}], ports: [{protocol: UDP, port: 81}]}, "
	"{from: [{podSelector: {}}], ports: [{protocol: UDP, port: 82}, {protocol: UDP, port: 83}]}]}\n---\n"
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: out}\n"
	"spec: {podSelector: {matchLabels: {app: a}}, policyTypes: [Egress], egress: [{ports: [{protocol: UDP, port: 80}, "
	"{protocol: UDP, port: 81}, {protocol: UDP, port: 83}]}]}\n---\n"
	"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: x}\n"
	"spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Pass, from: [{namespaces: {}}], "
	"ports: [{portNumber: {protocol: UDP, port: 83}}]}]}\n";
static const char second[] =
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: in}\n"
	"spec: {podSelector: {matchLabels: {app: b}}, ingress: ["
	"{from: [{ipBlock: {cidr: 10.0.0.0/30}}, {ipBlock: {cidr: 10.9.0.0/24}}, {ipBlock: {cidr: 192.0.2.1/32}}, "
	"{ipBlock: {cidr: 'fd00::1/128'}}], ports: [{protocol: UDP, port: 80}]}, "
	"{from: [{ipBlock: {cidr: 10.128.0.0/9}}, {ipBlock: {cidr: 192.0.2.128/25}}], ports: [{protocol: UDP, port: 81}]}]}\n---\n"
	"apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: x}\n"
	"spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Allow, from: [{namespaces: {}}], "
	"ports: [{portNumber: {protocol: UDP, port: 83}}]}]}\n";

static struct {
	struct ebpfnet_ctx *ctx;
	struct ebn_policy *policy;
	uint64_t section;	/* odd: a program runs */
	int stop;
	unsigned long flips;
	unsigned long sent, wrong[CELLS];
} t;

static uint32_t identity(const char *text, uint32_t *ret_subject)
{
	struct ebpfnet_labels *l = NULL;
	uint32_t id = 0;

	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	ck_assert_int_eq(ebn_policy_identity_get(t.policy, l, &id), 0);
	ck_assert_int_eq(ebn_policy_subject_get(t.policy, l, ret_subject), 0);
	ebpfnet_labels_unref(l);
	return id;
}

static void address(const char *text, uint32_t id, uint32_t row)
{
	uint32_t a[4];

	packet_addr(text, a);
	ck_assert_int_eq(ebn_policy_addr_set(t.policy, a, id, row), 0);
}

static struct ebpfnet_policy_set *set_of(const char *text)
{
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_int_eq(ebpfnet_policy_set_new(t.ctx, &set), 0);
	ck_assert_int_ge(ebpfnet_policy_set_parse(set, text, strlen(text), NULL), 2);
	return set;
}

static void send_one(size_t i, uint16_t sport)
{
	bool local = !strcmp(cells[i].src, A4) || !strcmp(cells[i].src, A6);
	struct spec s = {
		.src = cells[i].src, .dst = cells[i].dst, .proto = UDP, .sport = sport, .dport = cells[i].port,
		.smac = local ? mac_a : mac_other, .dmac = local ? mac_gw : mac_nd,
	};
	struct rig_result r;
	struct packet p;

	packet_make(&p, &s);
	__atomic_fetch_add(&t.section, 1, __ATOMIC_SEQ_CST);
	rig_run_quiet(local ? FROM_EP : FROM_NETDEV, local ? rig.ifindex_a : rig.ifindex_nd, &p, &r);
	__atomic_fetch_add(&t.section, 1, __ATOMIC_SEQ_CST);
	t.wrong[i] += (r.action != DROP) != cells[i].passes;
	t.sent++;
}

static void *sender(void *arg)
{
	(void)arg;
	for (unsigned int n = 0; !__atomic_load_n(&t.stop, __ATOMIC_ACQUIRE); n++) {
		/* flows that are there already, and new ones */
		for (size_t i = 0; i < CELLS; i++)
			send_one(i, n % 2 ? 4000 : (uint16_t)(5000 + n % 200));
		/* two processors are shared by many: a few rounds each flip will do */
		while (n > 2 * __atomic_load_n(&t.flips, __ATOMIC_RELAXED) &&
		       !__atomic_load_n(&t.stop, __ATOMIC_ACQUIRE))
			sched_yield();
	}
	return NULL;
}

/* Nobody but the sender runs programs. */
static void grace(void)
{
	uint64_t at;

	if (!ebn_node_grace_cut(rig.nt))
		return;
	at = __atomic_load_n(&t.section, __ATOMIC_SEQ_CST);
	while ((at & 1) && __atomic_load_n(&t.section, __ATOMIC_SEQ_CST) == at)
		sched_yield();
	ebn_node_grace_done(rig.nt);
}

START_TEST(no_packet_sees_a_mix)
{
	const char *want = getenv("FLIPS");
	unsigned long flips = want ? strtoul(want, NULL, 0) : 10000, i;
	uint64_t end = ebn_monotonic_ns() + 90000000000u;
	struct ebpfnet_policy_set *set[2];
	uint32_t id, subject, row;
	pthread_t thread;

	rig_open(&(struct rig_opts){ .bare = true, .sets = 1024, .node_size = 16u << 20 });
	rig.hdr->observe = 0;
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &t.ctx), 0);
	ck_assert_int_eq(ebn_policy_new(t.ctx, rig.nt, rig.rows, NULL, &t.policy), 0);
	id = identity("app=a,io.kubernetes.pod.namespace=default", &subject);
	row = rig_endpoint(rig.ifindex_a, A4, A6, mac_a, 101, id, subject);
	address(A4, id, row + 1);
	address(A6, id, row + 1);
	id = identity("app=b,io.kubernetes.pod.namespace=default", &subject);
	row = rig_endpoint(rig.ifindex_b, B4, B6, mac_b, 102, id, subject);
	address(B4, id, row + 1);
	address(B6, id, row + 1);
	address(PODS_FAR, identity("app=far,io.kubernetes.pod.namespace=default", &subject), 0);
	set[0] = set_of(first);
	set[1] = set_of(second);
	for (int k = 0; k < 2; k++) {
		ck_assert_int_eq(ebn_policy_commit(t.policy, set[k], NULL), 0);
		for (size_t c = 0; c < CELLS; c++) {
			send_one(c, 4000);
			ck_assert_msg(!t.wrong[c], "policy %d, packet %zu", k, c);
		}
		grace();
	}
	ck_assert_int_eq(pthread_create(&thread, NULL, sender, NULL), 0);
	/* a machine with much else to do flips fewer */
	for (i = 0; i < flips && (i < 1000 || ebn_monotonic_ns() < end); i++) {
		ck_assert_int_eq(ebn_policy_commit(t.policy, set[i % 2], NULL), 0);
		grace();
		__atomic_store_n(&t.flips, i + 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&t.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	printf("%lu flips, %lu packets\n", i, t.sent);
	for (size_t k = 0; k < CELLS; k++)
		ck_assert_msg(!t.wrong[k], "packet %zu: %lu went the other way", k, t.wrong[k]);
	ck_assert_uint_gt(t.sent, i);
	ebpfnet_policy_set_free(set[0]);
	ebpfnet_policy_set_free(set[1]);
	ebn_policy_free(t.policy);
	rig_close();
	ebpfnet_ctx_unref(t.ctx);
}
END_TEST

RUN_SUITE("packet-flip", no_packet_sees_a_mix)
