// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services for packets: what an endpoint sends to a frontend, what comes back to it, and every checksum read again. */
#include <arpa/inet.h>
#include <string.h>

#include "svc.h"

START_TEST(a_backend_here_answers_in_the_frontends_name)
{
	struct ebn_flow_copy f, e;
	struct spec q, a, behind;
	unsigned int k;
	size_t payload;

	svc_open();
	service("four", VIP4, B4, NULL);
	service("six", VIP6, B6, NULL);
	for (k = 0; k < KINDS; k++) {
		const char *b = kinds[k].v6 ? B6 : B4, *vip = kinds[k].v6 ? VIP6 : VIP4;
		const char *client = kinds[k].v6 ? A6 : A4;

		for (payload = 0; payload < 3; payload++) {
			q = question(k, payload);
			q.sport = (uint16_t)(4000 + payload);
			a_sends(&q);
			EXPECT(REDIRECT);
			is(client, q.sport, b, 8080);
			ck_assert_mem_eq(r.out.b, mac_b, 6);
			a = answer(&q, b, 8080);
			b_sends(&a);
			EXPECT(REDIRECT);
			is(vip, 80, client, q.sport);
			ck_assert_mem_eq(r.out.b, mac_a, 6);
			acks(&q);
			a_sends(&q);
			EXPECT(REDIRECT);
			is(client, q.sport, b, 8080);
			/* the flow is the one behind the translation, and says so */
			behind = q;
			behind.dst = b;
			behind.dport = 8080;
			ck_assert_int_eq(rig_flow(&behind, &f), 1);
			ck_assert_uint_eq(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_SVC, EBN_FF_SVC);
			ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], 3);
			ck_assert_uint_ge(EBN_CTL_STATE(f.body.ctl), EBN_FS_REPLIED);
			ck_assert_int_eq(rig_flow_in(&q, EBN_ZONE_SVC, &e), 1);
			ck_assert_uint_eq(EBN_CTL_STATE(e.body.ctl), EBN_CTL_STATE(f.body.ctl));
			ck_assert_int_eq(rig_flow(&q, &e), 0);
		}
	}
	svc_close();
}
END_TEST

START_TEST(a_backend_elsewhere_answers_in_the_frontends_name)
{
	struct spec q, a;
	unsigned int k;

	svc_open();
	service("four", VIP4, FAR4, NULL);
	service("six", VIP6, FAR6, NULL);
	for (k = 0; k < KINDS; k++) {
		const char *b = kinds[k].v6 ? FAR6 : FAR4;

		q = question(k, 9);
		a_sends(&q);
		EXPECT(PASS);
		is(q.src, 4000, b, 8080);
		a = answer(&q, b, 8080);
		wire_brings(&a);
		EXPECT(REDIRECT);
		is(q.dst, 80, q.src, 4000);
		acks(&q);
		a_sends(&q);
		EXPECT(PASS);
		is(q.src, 4000, b, 8080);
	}
	svc_close();
}
END_TEST

START_TEST(what_the_stack_brings_is_translated_once)
{
	struct spec q, a;
	unsigned int k;

	svc_open();
	service("four", VIP4, B4, NULL);
	service("six", VIP6, B6, NULL);
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_REDIRECT;
	rig_ep(rig.row_b)->flags &= ~EBN_EP_F_REDIRECT;
	for (k = 0; k < KINDS; k++) {
		const char *b = kinds[k].v6 ? B6 : B4;

		q = question(k, 2);
		a_sends(&q);
		EXPECT(PASS);
		is(q.src, 4000, b, 8080);
		rig_run(TO_EP, rig.ifindex_b, &r.out, &r);
		EXPECT(PASS);
		is(q.src, 4000, b, 8080);
		/* the stack would not route the frontend's address from there: it is still the backend's */
		a = answer(&q, b, 8080);
		b_sends(&a);
		EXPECT(PASS);
		is(b, 8080, q.src, 4000);
		rig_run(TO_EP, rig.ifindex_a, &r.out, &r);
		EXPECT(PASS);
		is(q.dst, 80, q.src, 4000);
	}
	svc_close();
}
END_TEST

START_TEST(policy_is_about_the_backend)
{
	struct spec q = question(0, 0);
	struct ebn_flow_copy e;

	svc_open();
	service("four", VIP4, B4, NULL);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_OTHER, D_DENY);
	a_sends(&q);
	EXPECT_DROP(POLICY_RULE);
	ck_assert_uint_eq(r.event.dport, 8080);
	/* nothing is kept for it */
	ck_assert_int_eq(rig_flow_in(&q, EBN_ZONE_SVC, &e), 0);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_OTHER, D_ALLOW);
	a_sends(&q);
	EXPECT(REDIRECT);
	/* a verdict that changes holds for what flows */
	acks(&q);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_B, Q_OTHER, D_DENY);
	a_sends(&q);
	EXPECT_DROP(RECHECK);
	svc_close();
}
END_TEST

START_TEST(who_may_not_and_where_nobody_is)
{
	struct ebpfnet_source_range src = { .addr = addr(B4), .prefix = 32 };
	struct spec q = question(0, 0), u = question(2, 0);
	struct ebpfnet_service_opts o;
	struct ebpfnet_frontend f[2];

	svc_open();
	o = opts("four", VIP4, NULL, NULL);
	o.no_backend = EBPFNET_NO_BACKEND_DROP;
	put(&o);
	a_sends(&q);
	EXPECT_DROP(SVC_NO_BACKEND);
	a_sends(&u);
	EXPECT_DROP(SVC_NO_BACKEND);
	o = opts("four", VIP4, B4, NULL);
	memcpy(f, o.frontends, sizeof(f));
	f[0].kind = f[1].kind = EBPFNET_FRONTEND_EXTERNAL_IP;
	o.frontends = f;
	o.sources = &src;
	o.n_sources = 1;
	put(&o);
	a_sends(&q);
	EXPECT_DROP(SVC_SOURCE);
	src.addr = addr(A4);
	put(&o);
	a_sends(&q);
	EXPECT(REDIRECT);
	svc_close();
}
END_TEST

START_TEST(what_is_no_frontend_stays_as_it_is)
{
	struct spec q = question(0, 0), a;
	struct ebn_flow_copy f;

	svc_open();
	service("four", VIP4, B4, NULL);
	/* another port of the VIP, another protocol, another address */
	q.dport = 81;
	a_sends(&q);
	EXPECT(PASS);
	is(A4, 4000, VIP4, 81);
	q = (struct spec){ .src = A4, .dst = VIP4, .proto = ICMP, .type = 8, .id = 5 };
	a_sends(&q);
	EXPECT(PASS);
	q = question(0, 0);
	q.dst = PLAIN4;
	a_sends(&q);
	EXPECT(PASS);
	is(A4, 4000, PLAIN4, 80);
	/* the backend by its own name: its answers keep it */
	q.dst = B4;
	q.dport = 8080;
	a_sends(&q);
	EXPECT(REDIRECT);
	a = answer(&q, B4, 8080);
	b_sends(&a);
	EXPECT(REDIRECT);
	is(B4, 8080, A4, 4000);
	ck_assert_int_eq(rig_flow(&q, &f), 1);
	ck_assert_uint_eq(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_SVC, 0);
	svc_close();
}
END_TEST

START_TEST(errors_speak_of_what_their_receiver_knows)
{
	struct spec q, a, e;
	struct packet inner;
	unsigned int k;

	svc_open();
	service("four", VIP4, B4, NULL);
	service("six", VIP6, B6, NULL);
	for (k = 0; k < KINDS; k++) {
		const char *b = kinds[k].v6 ? B6 : B4;

		q = question(k, 20);
		a_sends(&q);
		EXPECT(REDIRECT);
		/* from the backend, about the question as it got it */
		inner = r.out;
		e = (struct spec){ .src = b, .dst = q.src, .proto = kinds[k].v6 ? ICMP6 : ICMP,
				   .type = kinds[k].v6 ? 1 : 3, .code = kinds[k].v6 ? 4 : 3, .inner = &inner };
		b_sends(&e);
		EXPECT(REDIRECT);
		ck_assert_ptr_null(sums_wrong(&r.out));
		nat_is(&r.out, q.dst, q.src);
		/* from the client, about the answer as it got it */
		a = answer(&q, b, 8080);
		a.payload = 20;
		b_sends(&a);
		EXPECT(REDIRECT);
		inner = r.out;
		e.src = q.src;
		e.dst = q.dst;
		a_sends(&e);
		EXPECT(REDIRECT);
		nat_is(&r.out, q.src, b);
		ck_assert_ptr_null(sums_wrong(&r.out));
	}
	svc_close();
}
END_TEST

START_TEST(fragments_follow_the_first)
{
	struct spec q = question(2, 64), a;

	svc_open();
	service("four", VIP4, B4, NULL);
	q.frag_id = 7;
	q.more = true;
	a_sends(&q);
	EXPECT(REDIRECT);
	q.more = false;
	q.frag_off = 72;
	a_sends(&q);
	EXPECT(REDIRECT);
	ck_assert_uint_eq(r.out.b[33], 2);
	q.frag_id = 8;
	a_sends(&q);
	EXPECT_DROP(FRAGMENT_UNKNOWN);
	q.frag_off = 0;
	a = answer(&q, B4, 8080);
	a.frag_id = 9;
	a.more = true;
	b_sends(&a);
	EXPECT(REDIRECT);
	ck_assert_uint_eq(r.out.b[27], 96);
	a.more = false;
	a.frag_off = 72;
	b_sends(&a);
	EXPECT(REDIRECT);
	ck_assert_uint_eq(r.out.b[27], 96);
	svc_close();
}
END_TEST

/* The last byte of the address that the packet goes to. */
static unsigned int taken(const struct spec *q)
{
	a_sends(q);
	ck_assert_msg(r.action == PASS || r.action == REDIRECT, "action %d, reason %s", r.action, rig_reason_name(r.reason));
	ck_assert_ptr_null(sums_wrong(&r.out));
	return r.out.b[33];
}

START_TEST(backends_are_those_that_the_tables_say)
{
	struct ebpfnet_service_query query = { .src = addr(A4), .dst = addr(VIP4), .dport = 80, .protocol = TCP };
	unsigned int i, n[2] = { 0, 0 };
	struct ebpfnet_service_answer ans;
	struct spec q = question(0, 0);

	svc_open();
	service("four", VIP4, B4, "10.9.0.1");
	for (i = 0; i < 400; i++) {
		q.sport = query.sport = (uint16_t)(5000 + i);
		ck_assert_int_eq(ebn_services_select(rig.hdr, ebn_node_size(rig.nt), &query, &ans), 0);
		ck_assert_uint_eq(taken(&q), ans.backend.b[15]);
		n[ans.backend.b[15] == 1]++;
		rig_flush();
	}
	ck_assert_uint_ge(n[0], 160);
	ck_assert_uint_ge(n[1], 160);
	svc_close();
}
END_TEST

START_TEST(flows_keep_their_backends_while_they_may)
{
	struct spec t = question(0, 0), u = question(2, 0);
	struct ebpfnet_service_opts o;
	struct ebpfnet_backend gone;
	unsigned int tcp, udp;

	svc_open();
	service("four", VIP4, B4, "10.9.0.1");
	tcp = taken(&t);
	udp = taken(&u);
	acks(&t);
	/* draining: both stay */
	gone = (struct ebpfnet_backend){ .addr = addr(tcp == 2 ? B4 : "10.9.0.1"), .port = 8080 };
	ck_assert_int_ge(ebn_services_state(sv, NULL, &gone, EBPFNET_BACKEND_DRAINING), 0);
	usleep(300000);
	ck_assert_uint_eq(taken(&t), tcp);
	ck_assert_uint_eq(taken(&u), udp);
	/* removed: of TCP they stay, of UDP they do not */
	o = opts("four", VIP4, udp == 2 ? "10.9.0.1" : B4, NULL);
	put(&o);
	usleep(300000);
	ck_assert_uint_eq(taken(&t), tcp);
	ck_assert_uint_eq(taken(&u), udp == 2 ? 1 : 2);
	ck_assert_uint_eq(taken(&u), udp == 2 ? 1 : 2);
	svc_close();
}
END_TEST

START_TEST(a_clients_port_is_used_once_at_each_backend)
{
	struct spec q = question(2, 0), o = question(2, 0), a;
	unsigned int first;

	svc_open();
	service("one", VIP4, B4, "10.9.0.1");
	service("two", OTHER_VIP4, B4, "10.9.0.1");
	o.dst = OTHER_VIP4;
	first = taken(&q);
	/* the same port to another frontend with the same backends: at the other one */
	ck_assert_uint_eq(taken(&o), first == 1 ? 2 : 1);
	ck_assert_uint_eq(taken(&q), first);
	service("one", VIP4, B4, NULL);
	service("two", OTHER_VIP4, B4, NULL);
	q.sport = o.sport = 4001;
	taken(&q);
	a_sends(&o);
	EXPECT_DROP(SVC_PORT);
	a = answer(&q, B4, 8080);
	b_sends(&a);
	EXPECT(REDIRECT);
	is(VIP4, 80, A4, 4001);
	svc_close();
}
END_TEST

START_TEST(a_client_may_be_its_own_backend)
{
	struct spec q, a, e;
	struct packet inner;
	unsigned int k;

	svc_open();
	service("four", VIP4, A4, NULL);
	service("six", VIP6, A6, NULL);
	for (k = 0; k < KINDS; k++) {
		const char *self = kinds[k].v6 ? SELF6 : SELF4;

		q = question(k, 20);
		a_sends(&q);
		EXPECT(REDIRECT);
		is(self, 4000, q.src, 8080);
		ck_assert_mem_eq(r.out.b, mac_a, 6);
		inner = r.out;
		a = q;
		a.dst = self;
		a.sport = 8080;
		a.dport = 4000;
		a.flags = SYN | ACK;
		a_sends(&a);
		EXPECT(REDIRECT);
		is(q.dst, 80, q.src, 4000);
		acks(&q);
		a_sends(&q);
		EXPECT(REDIRECT);
		is(self, 4000, q.src, 8080);
		/* about the question, as it came */
		e = (struct spec){ .src = q.src, .dst = self, .proto = kinds[k].v6 ? ICMP6 : ICMP,
				   .type = kinds[k].v6 ? 1 : 3, .code = kinds[k].v6 ? 4 : 3, .inner = &inner };
		a_sends(&e);
		EXPECT(REDIRECT);
		nat_is(&r.out, q.dst, q.src);
		ck_assert_ptr_null(sums_wrong(&r.out));
		/* of nobody's */
		a.dport = 4001;
		a_sends(&a);
		EXPECT_DROP(SVC_UNKNOWN);
	}
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_REDIRECT;
	a_sends(&q);
	EXPECT_DROP(NO_ROUTE);
	svc_close();
}
END_TEST

START_TEST(an_affinity_is_the_clients)
{
	struct ebpfnet_service_opts o;
	struct spec q = question(0, 0);
	unsigned int first, i;

	svc_open();
	o = opts("four", VIP4, B4, "10.9.0.1");
	o.affinity_seconds = 100;
	put(&o);
	first = taken(&q);
	for (i = 0; i < 20; i++) {
		q.sport = (uint16_t)(6000 + i);
		ck_assert_uint_eq(taken(&q), first);
	}
	svc_close();
}
END_TEST

RUN_SUITE("packet-services", a_backend_here_answers_in_the_frontends_name, a_backend_elsewhere_answers_in_the_frontends_name,
	  what_the_stack_brings_is_translated_once, policy_is_about_the_backend, who_may_not_and_where_nobody_is,
	  what_is_no_frontend_stays_as_it_is, errors_speak_of_what_their_receiver_knows,
	  fragments_follow_the_first, backends_are_those_that_the_tables_say, flows_keep_their_backends_while_they_may,
	  a_clients_port_is_used_once_at_each_backend, a_client_may_be_its_own_backend, an_affinity_is_the_clients)
