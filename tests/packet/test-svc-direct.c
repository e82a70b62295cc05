// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Direct return by an option, at the backend's node: packets that tell a frontend, byte for byte as another node makes them, those that
 * nobody believes, and damaged ones.
 */
#include "svc.h"

#define BACK_PORT 8080
#define HEADER6 24

static uint8_t option[64];

/* The option of a frontend, IPv4's 8 bytes or IPv6's header. */
static size_t option_of(const char *vip, uint16_t port, bool v6)
{
	struct ebpfnet_addr a = addr(vip);

	memset(option, 0, sizeof(option));
	if (!v6) {
		memcpy(option, (uint8_t[]){ 0x9e, 8, (uint8_t)(port >> 8), (uint8_t)port }, 4);
		memcpy(option + 4, a.b + 12, 4);
		return 8;
	}
	memcpy(option, (uint8_t[]){ 0, 2, 0x1e, 18, (uint8_t)(port >> 8), (uint8_t)port }, 6);
	memcpy(option + 6, a.b, 16);
	memcpy(option + 22, (uint8_t[]){ 1, 0 }, 2);
	return HEADER6;
}

/* A client's first packet to b as the node that was asked sends it. */
static struct spec told(unsigned int k, const char *vip, uint16_t port)
{
	bool v6 = kinds[k].v6;
	size_t len = option_of(vip, port, v6);
	struct spec s = question(k, 11);

	s.src = v6 ? FAR6 : FAR4;
	s.dst = v6 ? B6 : B4;
	s.dport = BACK_PORT;
	if (v6) {
		s.ext = option;
		s.ext_len = len;
		s.ext_first = DSTOPTS;
	} else {
		s.options = option;
		s.options_len = len;
	}
	return s;
}

static const char *vip_of(unsigned int k)
{
	return kinds[k].v6 ? VIP6 : VIP4;
}

static void serve(const char *name, bool v6, enum ebpfnet_forwarding forwarding, const struct ebpfnet_source_range *src)
{
	struct ebpfnet_service_opts o = opts(name, v6 ? VIP6 : VIP4, v6 ? FAR6 : FAR4, v6 ? B6 : B4);
	struct ebpfnet_frontend f[2];

	memcpy(f, o.frontends, sizeof(f));
	f[0].kind = f[1].kind = EBPFNET_FRONTEND_EXTERNAL_IP;
	o.frontends = f;
	o.forwarding = forwarding;
	o.sources = src;
	o.n_sources = src ? 1 : 0;
	put(&o);
}

static void serve_both(enum ebpfnet_forwarding forwarding)
{
	serve("four", false, forwarding, NULL);
	serve("six", true, forwarding, NULL);
}

/* What came out is what a client would have sent to the backend itself, one hop later. */
static void arrived(const struct spec *s)
{
	struct spec plain = *s;
	struct packet p;

	EXPECT(REDIRECT);
	plain.options_len = plain.ext_len = 0;
	plain.options = plain.ext = NULL;
	plain.smac = mac_gw;
	plain.dmac = mac_b;
	plain.ttl = 63;
	packet_make(&p, &plain);
	sums_make(&p);
	ck_assert_uint_eq(r.out.len, p.len);
	ck_assert_mem_eq(r.out.b, p.b, p.len);
	ck_assert_ptr_null(sums_wrong(&r.out));
}

START_TEST(the_option_becomes_the_flow)
{
	struct ebn_flow_copy c;
	struct spec q, a;
	unsigned int k;

	svc_open();
	serve_both(EBPFNET_FORWARDING_DSR_OPTION);
	for (k = 0; k < KINDS; k++) {
		q = told(k, vip_of(k), 80);
		wire_brings(&q);
		arrived(&q);
		/* an answer is the frontend's: there is no route in here, so this is as far as it gets */
		a = answer(&q, q.dst, BACK_PORT);
		a.options_len = a.ext_len = 0;
		a.options = a.ext = NULL;
		b_sends(&a);
		EXPECT_DROP(NO_ROUTE);
		/* once more, as datagrams do each time and a SYN may; and without it, as TCP goes on */
		wire_brings(&q);
		arrived(&q);
		if (kinds[k].proto == TCP) {
			q.options_len = q.ext_len = 0;
			q.options = q.ext = NULL;
			acks(&q);
			wire_brings(&q);
			arrived(&q);
		}
		q.dst = vip_of(k);
		q.dport = 80;
		ck_assert_int_eq(rig_flow_in(&q, EBN_ZONE_SVC, &c), 1);
	}
	svc_close();
}
END_TEST

START_TEST(only_tcp_of_hybrid)
{
	unsigned int k;
	struct spec q;

	svc_open();
	serve_both(EBPFNET_FORWARDING_HYBRID);
	for (k = 0; k < KINDS; k++) {
		q = told(k, vip_of(k), 80);
		wire_brings(&q);
		if (kinds[k].proto == TCP)
			arrived(&q);
		else
			EXPECT_DROP(SVC_OPTION);
	}
	svc_close();
}
END_TEST

START_TEST(nobody_else_is_believed)
{
	struct ebpfnet_source_range src = { .addr = addr(B4), .prefix = 32 };
	struct ebn_flow_copy c;
	unsigned int k, port = 5000;
	struct spec q;

	svc_open();
	/* nothing is served yet; then otherwise */
	q = told(0, VIP4, 80);
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	serve_both(EBPFNET_FORWARDING_NAT);
	for (k = 0; k < KINDS; k++) {
		q = told(k, vip_of(k), 80);
		wire_brings(&q);
		EXPECT_DROP(SVC_OPTION);
	}
	serve_both(EBPFNET_FORWARDING_DSR_OPTION);
	for (k = 0; k < KINDS; k++) {
		bool v6 = kinds[k].v6;

		/* another port, another address, another backend's port, an endpoint that is no backend, the host */
		q = told(k, vip_of(k), 81);
		q.sport = (uint16_t)port++;
		wire_brings(&q);
		EXPECT_DROP(SVC_OPTION);
		q = told(k, v6 ? "fd96::2" : OTHER_VIP4, 80);
		wire_brings(&q);
		EXPECT_DROP(SVC_OPTION);
		q = told(k, vip_of(k), 80);
		q.dport = BACK_PORT + 1;
		wire_brings(&q);
		EXPECT_DROP(SVC_OPTION);
		q.dport = BACK_PORT;
		q.dst = v6 ? A6 : A4;
		wire_brings(&q);
		EXPECT_DROP(SVC_OPTION);
		q.dst = vip_of(k);
		ck_assert_int_eq(rig_flow_in(&q, EBN_ZONE_SVC, &c), 0);
		/* of a connection that goes on nobody tells */
		q = told(k, vip_of(k), 80);
		if (kinds[k].proto == TCP) {
			acks(&q);
			wire_brings(&q);
			EXPECT_DROP(SVC_OPTION);
		}
		/* an endpoint cannot: its option is like any other */
		q.flags = SYN;
		q.src = v6 ? A6 : A4;
		a_sends(&q);
		EXPECT(REDIRECT);
		q.dst = vip_of(k);
		ck_assert_int_eq(rig_flow_in(&q, EBN_ZONE_SVC, &c), 0);
	}
	/* of the host's address it is the host's */
	q = told(0, VIP4, 80);
	q.dst = "10.0.0.254";
	wire_brings(&q);
	EXPECT(PASS);
	/* ranges hold here as well */
	serve("four", false, EBPFNET_FORWARDING_DSR_OPTION, &src);
	q = told(0, VIP4, 80);
	q.sport = (uint16_t)port++;
	wire_brings(&q);
	EXPECT_DROP(SVC_SOURCE);
	svc_close();
}
END_TEST

START_TEST(what_is_malformed_is_dropped)
{
	uint8_t two[2 * HEADER6];
	struct spec q;

	svc_open();
	serve_both(EBPFNET_FORWARDING_DSR_OPTION);
	q = told(0, VIP4, 80);
	option[1] = 7;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	/* half of it */
	q = told(0, VIP4, 80);
	q.options_len = 4;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	/* two */
	q = told(0, VIP4, 80);
	memcpy(option + 8, option, 8);
	q.options_len = 16;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	/* behind another one it is none, and the packet one to the backend itself */
	q = told(0, VIP4, 80);
	memmove(option + 4, option, 8);
	memset(option, 1, 4);
	q.options_len = 12;
	wire_brings(&q);
	EXPECT(REDIRECT);
	ck_assert_uint_eq(r.out.b[14], 0x48);
	q = told(1, VIP6, 80);
	option[3] = 17;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	q = told(1, VIP6, 80);
	option[1] = 1;
	q.ext_len = 16;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	q = told(1, VIP6, 80);
	memcpy(two, option, HEADER6);
	memcpy(two + HEADER6, option, HEADER6);
	two[0] = DSTOPTS;
	q.ext = two;
	q.ext_len = sizeof(two);
	q.ext_last = HEADER6;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	/* fragments tell nothing */
	q = told(2, VIP4, 80);
	q.frag_id = 7;
	q.frag_off = 64;
	wire_brings(&q);
	EXPECT_DROP(SVC_OPTION);
	svc_close();
}
END_TEST

/* Told packets with bytes changed and cut short: what gets through is whole, and nothing is missing in the tables. */
START_TEST(damaged_ones_do_no_harm)
{
	uint64_t seed = test_seed();
	unsigned int i, n, k, through = 0;
	struct packet p;
	struct spec q;

	svc_open();
	serve_both(EBPFNET_FORWARDING_DSR_OPTION);
	for (i = 0; i < 4000; i++) {
		k = test_below(&seed, KINDS);
		q = told(k, vip_of(k), 80);
		q.sport = (uint16_t)(1 + test_below(&seed, 60000));
		q.smac = mac_other;
		q.dmac = mac_nd;
		packet_make(&p, &q);
		sums_make(&p);
		for (n = test_below(&seed, 4); n; n--)
			p.b[14 + test_below(&seed, (unsigned int)p.len - 14)] = (uint8_t)test_random(&seed);
		if (!test_below(&seed, 4))
			p.len -= test_below(&seed, (unsigned int)p.len - 54);
		rig_run(FROM_NETDEV, rig.ifindex_nd, &p, &r);
		ck_assert_msg(r.action == PASS || r.action == DROP || r.action == REDIRECT, "packet %u: action %d", i, r.action);
		if (r.action == DROP)
			ck_assert_msg(r.reason != EBN_R_NONE && r.reason != EBN_R_TABLES && r.reason < EBN_R_MAX,
				      "packet %u: dropped for %s", i, rig_reason_name(r.reason));
		if (r.action == REDIRECT) {
			through++;
			ck_assert_uint_ge(r.out.len, 14 + 20 + 8);
		}
	}
	ck_assert_uint_gt(through, 400);
	svc_close();
}
END_TEST

RUN_SUITE("packet-services-direct", the_option_becomes_the_flow, only_tcp_of_hybrid, nobody_else_is_believed,
	  what_is_malformed_is_dropped, damaged_ones_do_no_harm)
