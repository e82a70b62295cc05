// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* SCTP services for packets: an association from its INIT to its end, the CRC32c of every packet read again. */
#include "svc.h"

#include <string.h>

#define INIT 1
#define INIT_ACK 2
#define ABORT 6
#define SHUTDOWN 7
#define SHUTDOWN_ACK 8
#define COMPLETE 14
#define COOKIE_ECHO 10
#define COOKIE_ACK 11
#define DATA 0

#define CLIENT_TAG 0x11223344u
#define SERVER_TAG 0x55667788u

static void offering(const char *name, const char *vip, const char *b1, const char *b2)
{
	struct ebpfnet_service_opts o = opts(name, vip, b1, b2);
	struct ebpfnet_frontend f = o.frontends[0];

	f.protocol = SCTP;
	o.frontends = &f;
	o.n_frontends = 1;
	put(&o);
}

static struct spec chunk(bool v6, uint8_t type)
{
	struct spec q = { .src = v6 ? A6 : A4, .dst = v6 ? VIP6 : VIP4, .proto = SCTP, .sport = 4000, .dport = 80,
			  .type = type, .seq = CLIENT_TAG, .ack = type == INIT ? 0 : SERVER_TAG };

	return q;
}

static struct spec back(const struct spec *q, const char *from, uint8_t type)
{
	struct spec a = *q;

	a.src = from;
	a.dst = q->src;
	a.sport = 8080;
	a.dport = q->sport;
	a.type = type;
	a.seq = SERVER_TAG;
	a.ack = CLIENT_TAG;
	return a;
}

static unsigned int state_of(const struct spec *q, const char *b)
{
	struct ebn_flow_copy f, e;
	struct spec behind = *q;

	behind.dst = b;
	behind.dport = 8080;
	ck_assert_int_eq(rig_flow(&behind, &f), 1);
	ck_assert_uint_eq(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_SVC, EBN_FF_SVC);
	ck_assert_int_eq(rig_flow_in(q, EBN_ZONE_SVC, &e), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(e.body.ctl), EBN_CTL_STATE(f.body.ctl));
	return EBN_CTL_STATE(f.body.ctl);
}

/* The client's next packet, and the backend's: each translated, with a right CRC. here: the backend is an endpoint. */
static void to(bool v6, const char *b, bool here, uint8_t type)
{
	struct spec q = chunk(v6, type);

	a_sends(&q);
	EXPECT(here ? REDIRECT : PASS);
	is(q.src, 4000, b, 8080);
}

static void from(bool v6, const char *b, bool here, uint8_t type)
{
	struct spec q = chunk(v6, type), a = back(&q, b, type);

	if (here)
		b_sends(&a);
	else
		wire_brings(&a);
	EXPECT(REDIRECT);
	is(q.dst, 80, q.src, 4000);
}

static void association(bool v6, const char *b, bool here)
{
	struct spec q = chunk(v6, DATA);
	unsigned int i;

	to(v6, b, here, INIT);
	from(v6, b, here, INIT_ACK);
	to(v6, b, here, COOKIE_ECHO);
	from(v6, b, here, COOKIE_ACK);
	for (i = 0; i < 5; i++) {
		to(v6, b, here, DATA);
		from(v6, b, here, DATA);
	}
	ck_assert_uint_eq(state_of(&q, b), EBN_FS_ESTABLISHED);
	to(v6, b, here, SHUTDOWN);
	from(v6, b, here, SHUTDOWN_ACK);
	to(v6, b, here, COMPLETE);
	ck_assert_uint_eq(state_of(&q, b), EBN_FS_CLOSING);
}

START_TEST(an_association_is_with_one_backend)
{
	int v6, here;

	for (here = 0; here < 2; here++) {
		svc_open();
		offering("four", VIP4, here ? B4 : FAR4, NULL);
		offering("six", VIP6, here ? B6 : FAR6, NULL);
		for (v6 = 0; v6 < 2; v6++)
			association(v6, v6 ? here ? B6 : FAR6 : here ? B4 : FAR4, here);
		svc_close();
	}
}
END_TEST

START_TEST(other_protocols_of_the_port_are_not_served)
{
	struct spec q;

	svc_open();
	offering("four", VIP4, B4, NULL);
	q = question(0, 0);
	a_sends(&q);
	EXPECT(PASS);
	is(A4, 4000, VIP4, 80);
	q = question(2, 0);
	a_sends(&q);
	EXPECT(PASS);
	service("four", VIP4, B4, NULL);
	q = chunk(false, INIT);
	a_sends(&q);
	EXPECT(PASS);
	is(A4, 4000, VIP4, 80);
	svc_close();
}
END_TEST

/* Every port of every protocol. */
START_TEST(a_whole_address_serves_it_too)
{
	struct ebpfnet_service_opts o;
	struct ebpfnet_frontend f;
	struct ebpfnet_backend b;
	struct spec q;

	svc_open();
	o = opts("all", VIP4, B4, NULL);
	f = (struct ebpfnet_frontend){ .addr = addr(VIP4) };
	b = (struct ebpfnet_backend){ .addr = addr(B4) };
	o.frontends = &f;
	o.n_frontends = 1;
	o.backends = &b;
	put(&o);
	q = chunk(false, INIT);
	a_sends(&q);
	EXPECT(REDIRECT);
	is(A4, 4000, B4, 80);
	svc_close();
}
END_TEST

static uint32_t get32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

START_TEST(an_init_that_nobody_takes_is_answered_with_an_abort)
{
	const uint8_t *l4;
	struct spec q;
	int v6;

	svc_open();
	offering("four", VIP4, NULL, NULL);
	offering("six", VIP6, NULL, NULL);
	for (v6 = 0; v6 < 2; v6++) {
		q = chunk(v6, INIT);
		a_sends(&q);
		EXPECT(REDIRECT);
		ck_assert_str_eq(rig_reason_name(r.reason), "SVC_NO_BACKEND");
		ck_assert_mem_eq(r.out.b, mac_a, 6);
		ck_assert_mem_eq(r.out.b + 6, mac_gw, 6);
		/* the CRC, too */
		is(q.dst, 80, q.src, 4000);
		l4 = r.out.b + (v6 ? 54 : 34);
		ck_assert_uint_eq(r.out.len, (size_t)(l4 - r.out.b) + 16);
		ck_assert_uint_eq(get32(l4 + 4), CLIENT_TAG);
		ck_assert_uint_eq(get32(l4 + 12), ABORT << 24 | 4);
		q = chunk(v6, DATA);
		a_sends(&q);
		ck_assert_int_eq(r.action, DROP);
	}
	svc_close();
}
END_TEST

START_TEST(a_client_may_be_its_own_backend)
{
	struct spec q, a;
	int v6;

	svc_open();
	offering("four", VIP4, A4, NULL);
	offering("six", VIP6, A6, NULL);
	for (v6 = 0; v6 < 2; v6++) {
		q = chunk(v6, INIT);
		a_sends(&q);
		EXPECT(REDIRECT);
		is(v6 ? SELF6 : SELF4, 4000, q.src, 8080);
		a = back(&q, q.src, INIT_ACK);
		a.dst = v6 ? SELF6 : SELF4;
		a_sends(&a);
		EXPECT(REDIRECT);
		is(q.dst, 80, q.src, 4000);
	}
	svc_close();
}
END_TEST

START_TEST(a_client_outside_is_served)
{
	struct ebpfnet_service_opts o;
	struct ebpfnet_frontend f;
	struct ebpfnet_backend b;
	struct ebpfnet_service_node_opts node = { EBPFNET_OPTS_INIT(node), .node = "n1" };
	struct spec q = chunk(false, INIT);

	svc_open();
	ck_assert_int_eq(ebn_services_node(sv, &node, NULL), 0);
	o = opts("out", VIP4, B4, NULL);
	f = o.frontends[0];
	f.protocol = SCTP;
	f.kind = EBPFNET_FRONTEND_EXTERNAL_IP;
	b = o.backends[0];
	b.node = "n1";
	o.frontends = &f;
	o.n_frontends = 1;
	o.backends = &b;
	o.external_policy = EBPFNET_TRAFFIC_LOCAL;
	put(&o);
	q.src = FAR4;
	wire_brings(&q);
	EXPECT(REDIRECT);
	is(FAR4, 4000, B4, 8080);
	ck_assert_mem_eq(r.out.b, mac_b, 6);
	svc_close();
}
END_TEST

RUN_SUITE("packet-services-sctp", an_association_is_with_one_backend, other_protocols_of_the_port_are_not_served,
	  a_whole_address_serves_it_too, an_init_that_nobody_takes_is_answered_with_an_abort,
	  a_client_may_be_its_own_backend, a_client_outside_is_served)
