// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What services tell: clients that find nobody, and who asks what went through. */
#include "svc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Dropped, counted and reported, and answered to who asked, in the frontend's name. */
static const uint8_t *refused(const struct spec *q)
{
	EXPECT(REDIRECT);
	ck_assert_str_eq(rig_reason_name(r.reason), "SVC_NO_BACKEND");
	ck_assert(r.reported);
	ck_assert_mem_eq(r.out.b, mac_a, 6);
	ck_assert_mem_eq(r.out.b + 6, mac_gw, 6);
	nat_is(&r.out, q->dst, q->src);
	return r.out.b + (spec_is6(q) ? 54 : 34);
}

static void reset_is(const struct spec *q, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const uint8_t *tcp = refused(q);

	is(q->dst, q->dport, q->src, q->sport);
	ck_assert_uint_eq(r.out.len, (size_t)(tcp - r.out.b) + 20);
	ck_assert_uint_eq(tcp[13], flags);
	ck_assert_uint_eq(get32(tcp + 4), seq);
	ck_assert_uint_eq(get32(tcp + 8), ack);
}

/* "Port unreachable", with the packet's network header and eight bytes. */
static void unreachable_is(const struct spec *q)
{
	const uint8_t *icmp = refused(q);
	size_t head = spec_is6(q) ? 40 : 20;
	struct packet sent;
	struct spec s = *q;

	ck_assert_uint_eq(icmp[0], spec_is6(q) ? 1 : 3);
	ck_assert_uint_eq(icmp[1], spec_is6(q) ? 4 : 3);
	ck_assert_uint_eq(get32(icmp + 4), 0);
	ck_assert_uint_eq(r.out.len, 14 + head + 8 + head + 8);
	s.smac = mac_a;
	s.dmac = mac_gw;
	packet_make(&sent, &s);
	sums_make(&sent);
	ck_assert_mem_eq(icmp + 8, sent.b + 14, head + 8);
}

START_TEST(where_nobody_is_that_is_said)
{
	static const uint8_t option[4] = { 1, 1, 1, 0 };
	struct ebn_flow_copy e;
	unsigned int k;
	size_t payload;
	struct spec q;

	svc_open();
	service("four", VIP4, NULL, NULL);
	service("six", VIP6, NULL, NULL);
	for (k = 0; k < KINDS; k++) {
		for (payload = 0; payload < 1300; payload = 3 * payload + 1) {
			q = question(k, payload);
			q.seq = 0xfffffff0;
			a_sends(&q);
			if (kinds[k].proto == UDP) {
				unreachable_is(&q);
				continue;
			}
			reset_is(&q, RST | ACK, 0, (uint32_t)(0xfffffff0 + payload + 1));
			q.flags = ACK;
			q.ack = 77;
			a_sends(&q);
			reset_is(&q, RST, 77, 0);
			q.flags = RST;
			a_sends(&q);
			EXPECT_DROP(SVC_NO_BACKEND);
		}
		ck_assert_int_eq(rig_flow_in(&q, EBN_ZONE_SVC, &e), 0);
	}
	/* what would not be whole in an answer, and who is not reached past the stack */
	q = question(2, 0);
	q.options = option;
	q.options_len = 4;
	a_sends(&q);
	EXPECT_DROP(SVC_NO_BACKEND);
	q = question(2, 0);
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_REDIRECT;
	a_sends(&q);
	EXPECT_DROP(SVC_NO_BACKEND);
	svc_close();
}
END_TEST

/* ---- clients outside ---- */

static struct ebpfnet_service_opts outside(const char *name, const char *vip, const struct ebpfnet_backend *b, size_t n)
{
	static struct ebpfnet_frontend f[3];
	struct ebpfnet_service_opts o = opts(name, vip, NULL, NULL);

	memcpy(f, o.frontends, 2 * sizeof(*f));
	f[2] = f[0];
	f[2].protocol = SCTP;
	f[0].kind = f[1].kind = f[2].kind = EBPFNET_FRONTEND_LOAD_BALANCER;
	o.frontends = f;
	o.n_frontends = 3;
	o.external_policy = EBPFNET_TRAFFIC_LOCAL;
	o.backends = b;
	o.n_backends = n;
	return o;
}

static struct spec from_outside(uint8_t proto, bool v6)
{
	struct spec q = { .src = v6 ? FAR6 : FAR4, .dst = v6 ? VIP6 : VIP4, .proto = proto, .sport = 4000, .dport = 80,
			  .flags = SYN, .seq = 5, .type = 1 };

	return q;
}

static void turned_round(const struct spec *q)
{
	EXPECT(REDIRECT);
	ck_assert_str_eq(rig_reason_name(r.reason), "SVC_NO_BACKEND");
	ck_assert_mem_eq(r.out.b, mac_other, 6);
	ck_assert_mem_eq(r.out.b + 6, mac_nd, 6);
	ck_assert_ptr_null(sums_wrong(&r.out));
	nat_is(&r.out, q->dst, q->src);
}

START_TEST(clients_outside_are_told_when_there_is_nobody_anywhere)
{
	static const uint8_t protos[] = { TCP, UDP, SCTP };
	struct ebpfnet_service_node_opts node = { EBPFNET_OPTS_INIT(node), .node = "n1" };
	struct ebpfnet_backend b[2] = { { .addr = addr(FAR4), .port = 8080, .node = "n2" },
					{ .addr = addr(FAR6), .port = 8080, .node = "n2" } };
	struct ebpfnet_service_opts o;
	struct spec q;
	int i, v6;

	svc_open();
	ck_assert_int_eq(ebn_services_node(sv, &node, NULL), 0);
	for (i = 0; i < 6; i++) {
		v6 = i / 3;
		q = from_outside(protos[i % 3], v6);
		o = outside("out", v6 ? VIP6 : VIP4, NULL, 0);
		put(&o);
		wire_brings(&q);
		turned_round(&q);
		if (q.proto != UDP)
			is(q.dst, 80, q.src, 4000);
		/* one elsewhere: who sent it is to go there */
		o = outside("out", v6 ? VIP6 : VIP4, &b[v6], 1);
		put(&o);
		wire_brings(&q);
		EXPECT_DROP(SVC_NO_BACKEND);
		/* that takes nothing: as if there were none */
		b[v6].state = EBPFNET_BACKEND_DRAINING;
		put(&o);
		wire_brings(&q);
		turned_round(&q);
		b[v6].state = EBPFNET_BACKEND_ACTIVE;
		o = outside("out", v6 ? VIP6 : VIP4, NULL, 0);
		o.no_backend = EBPFNET_NO_BACKEND_DROP;
		put(&o);
		wire_brings(&q);
		EXPECT_DROP(SVC_NO_BACKEND);
	}
	svc_close();
}
END_TEST

/* Each CPU has given 128 answers in the tick that its last one was in. */
static void all_told(void)
{
	static uint32_t told[1024][2];
	int cpus = libbpf_num_possible_cpus(), i, fd = rig_map("ebn_svc_told");
	uint32_t zero = 0, last = 0;

	ck_assert_int_le(cpus, 1024);
	ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, told), 0);
	for (i = 0; i < cpus; i++)
		if (told[i][0] && (!last || (int32_t)(told[i][0] - last) > 0))
			last = told[i][0];
	for (i = 0; i < cpus; i++) {
		told[i][0] = last;
		told[i][1] = 128;
	}
	ck_assert_int_eq(bpf_map_update_elem(fd, &zero, told, BPF_ANY), 0);
}

START_TEST(not_everybody_outside_is_told)
{
	static const char *const nobodies[] = { "224.0.0.1", "127.0.0.1", "0.0.0.1", "255.255.255.255", "ff02::1", "::1" };
	struct ebpfnet_service_opts o;
	bool silent = false;
	unsigned int i;
	struct spec q;

	svc_open();
	o = outside("four", VIP4, NULL, 0);
	put(&o);
	o = outside("six", VIP6, NULL, 0);
	put(&o);
	for (i = 0; i < sizeof(nobodies) / sizeof(nobodies[0]); i++) {
		q = from_outside(UDP, strchr(nobodies[i], ':'));
		q.src = nobodies[i];
		wire_brings(&q);
		ck_assert_int_eq(r.action, DROP);
	}
	q = from_outside(UDP, false);
	/* as if this tick's answers had been given: the next one is for a later tick, which may have begun just now */
	for (i = 0; i < 100 && !silent; i++) {
		wire_brings(&q);
		turned_round(&q);
		all_told();
		wire_brings(&q);
		silent = r.action == DROP;
	}
	ck_assert(silent);
	usleep(300000);
	wire_brings(&q);
	turned_round(&q);
	svc_close();
}
END_TEST

static void service_counts(uint32_t service, uint64_t flows, uint64_t to, uint64_t from, uint64_t none, uint64_t denied)
{
	struct ebn_svc_count c;

	rig_counted("ebn_svc_count", service, (uint64_t *)&c, sizeof(c) / 8);
	ck_assert_uint_eq(c.flows, flows);
	ck_assert_uint_eq(c.packets[0], to);
	ck_assert_uint_eq(c.packets[1], from);
	ck_assert_uint_eq(c.no_backend, none);
	ck_assert_uint_eq(c.denied, denied);
	/* UDP of 11 bytes by IPv4, of 9 by IPv6: the network header, 8 and those */
	ck_assert_uint_eq(c.bytes[0], to * (service == 1 ? 39 : 57));
	ck_assert_uint_eq(c.bytes[1], from * (service == 1 ? 39 : 57));
}

static void backend_counts(const char *b, uint64_t flows, uint64_t to, uint64_t from)
{
	struct ebpfnet_backend be = { .addr = addr(b), .port = 8080 };
	struct ebn_be_count c;
	uint32_t row;

	ck_assert_int_eq(ebn_services_backend_row(rig.hdr, rig.hdr->size, &be, &row), 0);
	rig_counted("ebn_be_count", row + 1, (uint64_t *)&c, sizeof(c) / 8);
	ck_assert_uint_eq(c.flows, flows);
	ck_assert_uint_eq(c.packets[0], to);
	ck_assert_uint_eq(c.packets[1], from);
}

START_TEST(what_went_through_is_counted)
{
	struct ebpfnet_source_range src = { .addr = addr(B4), .prefix = 32 };
	struct ebpfnet_service_opts o;
	struct ebpfnet_frontend f[2];
	struct spec q, a;
	unsigned int i;

	svc_open();
	service("four", VIP4, B4, NULL);
	service("six", VIP6, FAR6, NULL);
	for (i = 0; i < 3; i++) {
		q = question(2, 11);
		q.sport = (uint16_t)(4000 + i);
		a_sends(&q);
		a_sends(&q);
		EXPECT(REDIRECT);
		a = answer(&q, B4, 8080);
		b_sends(&a);
		EXPECT(REDIRECT);
	}
	q = question(3, 9);
	a_sends(&q);
	EXPECT(PASS);
	a = answer(&q, FAR6, 8080);
	wire_brings(&a);
	wire_brings(&a);
	EXPECT(REDIRECT);
	service_counts(1, 3, 6, 3, 0, 0);
	service_counts(2, 1, 1, 2, 0, 0);
	backend_counts(B4, 3, 6, 3);
	backend_counts(FAR6, 1, 1, 2);
	/* who talks to the backend itself is no client of the service */
	q = question(2, 11);
	q.dst = B4;
	q.dport = 8080;
	q.sport = 5000;
	a_sends(&q);
	EXPECT(REDIRECT);
	service_counts(1, 3, 6, 3, 0, 0);
	/* policy that denies: no packet of the service's */
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_OTHER, D_DENY);
	q = question(2, 11);
	q.sport = 6000;
	a_sends(&q);
	EXPECT_DROP(POLICY_RULE);
	service_counts(1, 3, 6, 3, 0, 0);
	rig_allow_all();
	/* its own backend: both ways */
	service("four", VIP4, A4, NULL);
	q.sport = 6001;
	a_sends(&q);
	EXPECT(REDIRECT);
	q.src = A4;
	q.dst = SELF4;
	q.sport = 8080;
	q.dport = 6001;
	a_sends(&q);
	EXPECT(REDIRECT);
	service_counts(1, 4, 7, 4, 0, 0);
	service("four", VIP4, NULL, NULL);
	q = question(2, 11);
	q.sport = 7000;
	a_sends(&q);
	service_counts(1, 4, 7, 4, 1, 0);
	o = opts("four", VIP4, B4, NULL);
	memcpy(f, o.frontends, sizeof(f));
	f[0].kind = f[1].kind = EBPFNET_FRONTEND_EXTERNAL_IP;
	o.frontends = f;
	o.sources = &src;
	o.n_sources = 1;
	put(&o);
	a_sends(&q);
	EXPECT_DROP(SVC_SOURCE);
	service_counts(1, 4, 7, 4, 1, 1);
	svc_close();
}
END_TEST

/* An external IP of a service whose backend is b, on this node unless told otherwise. */
static void service_outside(enum ebpfnet_traffic_policy policy, const char *node,
			    const struct ebpfnet_source_range *src)
{
	struct ebpfnet_service_node_opts here = { EBPFNET_OPTS_INIT(here), .node = "n1" };
	struct ebpfnet_backend b[2] = { { .addr = addr(B4), .port = 8080, .node = node },
					{ .addr = addr(FAR4), .port = 8080, .node = "n2" } };
	struct ebpfnet_service_opts o = opts("out", VIP4, NULL, NULL);
	struct ebpfnet_frontend f[2];

	ck_assert_int_eq(ebn_services_node(sv, &here, NULL), 0);
	memcpy(f, o.frontends, sizeof(f));
	f[0].kind = f[1].kind = EBPFNET_FRONTEND_EXTERNAL_IP;
	o.frontends = f;
	o.backends = b;
	o.n_backends = 2;
	o.external_policy = policy;
	o.sources = src;
	o.n_sources = src ? 1 : 0;
	put(&o);
}

START_TEST(clients_outside_get_the_backends_here)
{
	struct ebpfnet_source_range src = { .addr = addr(B4), .prefix = 32 };
	struct spec q, a;
	unsigned int k;

	svc_open();
	service_outside(EBPFNET_TRAFFIC_LOCAL, "n1", NULL);
	for (k = 0; k < KINDS; k += 2) {
		q = question(k, 7);
		q.src = FAR4;
		wire_brings(&q);
		EXPECT(REDIRECT);
		is(FAR4, 4000, B4, 8080);
		ck_assert_mem_eq(r.out.b, mac_b, 6);
		/* there is no route in here, so this is as far as an answer gets */
		a = answer(&q, B4, 8080);
		b_sends(&a);
		EXPECT_DROP(NO_ROUTE);
		acks(&q);
		wire_brings(&q);
		EXPECT(REDIRECT);
		is(FAR4, 4000, B4, 8080);
	}
	q = question(0, 0);
	q.src = FAR4;
	q.sport = 4001;
	q.ttl = 1;
	wire_brings(&q);
	EXPECT_DROP(TTL);
	q.ttl = 0;
	rig_policy(SUBJECT_B, EBN_INGRESS, P_FAR, Q_OTHER, D_DENY);
	wire_brings(&q);
	EXPECT_DROP(POLICY_RULE);
	rig_allow_all();
	rig_ep(rig.row_b)->flags &= ~EBN_EP_F_REDIRECT;
	wire_brings(&q);
	EXPECT_DROP(NO_ROUTE);
	rig_ep(rig.row_b)->flags |= EBN_EP_F_REDIRECT;
	/* nobody here: dropped; nobody's, or of the whole cluster: the host's */
	service_outside(EBPFNET_TRAFFIC_LOCAL, "n3", NULL);
	q.sport = 4002;
	wire_brings(&q);
	EXPECT_DROP(SVC_NO_BACKEND);
	service_outside(EBPFNET_TRAFFIC_LOCAL, "n1", &src);
	wire_brings(&q);
	EXPECT_DROP(SVC_SOURCE);
	service_outside(EBPFNET_TRAFFIC_CLUSTER, "n1", NULL);
	wire_brings(&q);
	EXPECT(PASS);
	nat_is(&r.out, FAR4, VIP4);
	service_outside(EBPFNET_TRAFFIC_LOCAL, "n1", NULL);
	q.dport = 81;
	wire_brings(&q);
	EXPECT(PASS);
	nat_is(&r.out, FAR4, VIP4);
	/* what only an endpoint that is its own backend is called is nobody's out there */
	q.dst = SELF4;
	wire_brings(&q);
	EXPECT(PASS);
	svc_close();
}
END_TEST

RUN_SUITE("packet-services-told", clients_outside_get_the_backends_here, where_nobody_is_that_is_said,
	  clients_outside_are_told_when_there_is_nobody_anywhere, not_everybody_outside_is_told,
	  what_went_through_is_counted)
