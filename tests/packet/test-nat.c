// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Masquerade, packet by packet: what leaves and comes back, with every checksum read again; and what must not leave. */
#include <string.h>

#include "../unit/suite.h"
#include "nat.h"

#define MIN 20000
#define MAX 20999

static struct rig_result r;

#define EXPECT(act)                                                                                            \
	ck_assert_msg(r.action == (act), "action %d, reason %s", r.action, rig_reason_name(r.reason))
#define EXPECT_DROP(why)                                                                                       \
	do {                                                                                                   \
		ck_assert_int_eq(r.action, DROP);                                                              \
		ck_assert_str_eq(rig_reason_name(r.reason), #why);                                             \
		ck_assert(r.reported);                                                                         \
	} while (0)

static const struct {
	uint8_t proto;
	bool v6;
	bool zero;	/* UDP without a checksum */
} kinds[] = { { TCP, false, false },  { TCP, true, false },  { UDP, false, false },  { UDP, true, false },
	      { UDP, false, true },   { UDP, true, true },   { SCTP, false, false }, { SCTP, true, false },
	      { ICMP, false, false }, { ICMP6, true, false } };

static struct spec question(unsigned int k, size_t payload)
{
	struct spec s = { .src = kinds[k].v6 ? A6 : A4, .dst = kinds[k].v6 ? FAR6 : FAR4, .proto = kinds[k].proto,
			  .payload = payload };

	if (s.proto == ICMP || s.proto == ICMP6) {
		s.type = s.proto == ICMP ? 8 : 128;
		s.id = 777;
	} else {
		s.sport = 4000;
		s.dport = 80;
		s.flags = SYN;
		s.seq = 1;
		s.code = kinds[k].zero;		/* see nat.c */
		s.type = s.proto == SCTP ? 1 : 0;
	}
	return s;
}

static struct spec answer(unsigned int k, const struct spec *q, uint16_t port, size_t payload)
{
	struct spec s = *q;

	s.src = q->dst;
	s.dst = kinds[k].v6 ? NODE6 : NODE4;
	s.payload = payload;
	if (s.proto == ICMP || s.proto == ICMP6) {
		s.type = s.proto == ICMP ? 0 : 129;
		s.id = port;
	} else {
		s.sport = q->dport;
		s.dport = port;
		s.flags = SYN | ACK;
		s.seq = 9;
		s.ack = s.proto == SCTP ? 1 : 2;
		s.type = s.proto == SCTP ? 2 : 0;
	}
	return s;
}

static uint16_t leaves(unsigned int k, const struct spec *q)
{
	uint16_t port;

	nat_sends(q, &r);
	EXPECT(PASS);
	port = nat_is(&r.out, kinds[k].v6 ? NODE6 : NODE4, q->dst);
	ck_assert_msg(port >= MIN && port <= MAX, "kind %u: port %u", k, port);
	return port;
}

static void there_and_back(unsigned int k, size_t payload)
{
	struct spec q = question(k, payload), a, own;
	struct ebn_flow_copy f, n;
	struct nat_tuple t;
	uint16_t port = leaves(k, &q);

	if (kinds[k].zero)
		ck_assert_uint_eq(
			r.out.b[14 + (kinds[k].v6 ? 40 : 20) + 6] | r.out.b[14 + (kinds[k].v6 ? 40 : 20) + 7], 0);
	a = answer(k, &q, port, payload + 3);
	nat_comes(&a, &r);
	EXPECT(REDIRECT);
	nat_is(&r.out, q.dst, q.src);
	nat_tuple(&r.out, &t);
	ck_assert_uint_eq(q.id ? t.sport : t.dport, q.id ? q.id : q.sport);
	ck_assert_mem_eq(r.out.b, mac_a, 6);
	/* the same port again, and the reservation has the flow's state */
	if (q.proto == TCP) {
		q.flags = ACK;
		q.seq = 2;
		q.ack = 10;
	} else if (q.proto == SCTP) {
		q.type = 10;
		q.ack = 9;
	}
	ck_assert_uint_eq(leaves(k, &q), port);
	ck_assert_int_eq(rig_flow(&q, &f), 1);
	ck_assert_uint_eq(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_NAT, EBN_FF_NAT);
	own = q;
	own.src = a.dst;
	own.sport = own.id = port;
	ck_assert_int_eq(rig_flow_in(&own, EBN_ZONE_NAT, &n), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(n.body.ctl), EBN_CTL_STATE(f.body.ctl));
	ck_assert_uint_ge(EBN_CTL_STATE(f.body.ctl), EBN_FS_REPLIED);
	ck_assert_uint_eq(n.body.packets[0] + n.body.packets[1], 0);
	ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], 3);
}

START_TEST(every_protocol_leaves_and_comes_back)
{
	static const size_t sizes[] = { 0, 1, 37, 1200 };
	unsigned int k, i, variant;

	for (variant = 0; variant < 2; variant++) {
		struct rig_opts opts = { .weak = variant == 1 };

		nat_open(&opts, MIN, MAX);
		for (i = 0; i < 4; i++)
			for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
				rig_flush();
				there_and_back(k, sizes[i]);
			}
		rig_close();
	}
}
END_TEST

START_TEST(protocols_without_ports_are_one_flow_for_each_destination)
{
	struct spec gre = { .src = A4, .dst = FAR4, .proto = GRE, .payload = 10 };

	nat_open(NULL, MIN, MAX);
	nat_sends(&gre, &r);
	EXPECT(PASS);
	nat_is(&r.out, NODE4, FAR4);
	nat_sends(&gre, &r);
	EXPECT(PASS);
	nat_is(&r.out, NODE4, FAR4);
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .proto = GRE, .payload = 3 }, &r);
	EXPECT(REDIRECT);
	nat_is(&r.out, FAR4, A4);
	gre.src = B4;
	nat_sends(&gre, &r);
	EXPECT_DROP(NAT_EXHAUSTED);
	/* checksums over addresses that are not known here; an authentication of addresses */
	gre.src = A4;
	gre.proto = 136;
	nat_sends(&gre, &r);
	EXPECT_DROP(L4_PROTOCOL);
	gre.proto = AH;
	nat_sends(&gre, &r);
	EXPECT_DROP(L4_PROTOCOL);
	/* a query that has no identifier to change */
	nat_sends(&(struct spec){ .src = A4, .dst = FAR4, .proto = ICMP, .type = 13 }, &r);
	EXPECT_DROP(L4_PROTOCOL);
	rig_close();
}
END_TEST

START_TEST(what_is_not_to_be_translated_is_left_alone)
{
	struct spec in = { .src = FAR4, .dst = A4, .sport = 5000, .dport = 80, .flags = SYN, .seq = 7 };
	struct spec out = {
		.src = A4, .dst = FAR4, .sport = 80, .dport = 5000, .flags = SYN | ACK, .seq = 3, .ack = 8
	};
	struct spec kept = { .src = A4, .dst = KEPT4, .sport = 4000, .dport = 80, .flags = SYN };
	struct ebn_nat_row row;

	nat_open(NULL, MIN, MAX);
	/* an answer to who called the endpoint */
	nat_comes(&in, &r);
	EXPECT(REDIRECT);
	nat_sends(&out, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(nat_is(&r.out, A4, FAR4), 80);
	/* destinations that are kept, both families */
	nat_sends(&kept, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(nat_is(&r.out, A4, KEPT4), 4000);
	kept.src = A6;
	kept.dst = KEPT6;
	nat_sends(&kept, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(nat_is(&r.out, A6, KEPT6), 4000);
	/* the host's own */
	nat_leaves(&(struct spec){ .src = NODE4, .dst = FAR4, .sport = 4000, .dport = 80, .flags = SYN }, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(nat_is(&r.out, NODE4, FAR4), 4000);
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .sport = 80, .dport = MIN + 1, .flags = SYN | ACK }, &r);
	EXPECT(PASS);
	nat_is(&r.out, FAR4, NODE4);
	/* a family that is not asked for, another device */
	nat_row(&row, MIN, MAX);
	row.flags = EBN_NAT_F_IP6;
	rig_nat(&row, 1);
	kept.src = A4;
	kept.dst = FAR4;
	nat_sends(&kept, &r);
	EXPECT(PASS);
	nat_is(&r.out, A4, FAR4);
	row.flags = EBN_NAT_F_IP4 | EBN_NAT_F_IP6;
	row.ifindex = 99999;
	rig_nat(&row, 1);
	nat_sends(&kept, &r);
	EXPECT(PASS);
	nat_is(&r.out, A4, FAR4);
	rig_close();
}
END_TEST

START_TEST(nothing_leaves_as_it_is_because_something_is_missing)
{
	struct spec syn = { .src = A4, .dst = FAR4, .sport = 4000, .dport = 80, .flags = SYN };
	struct spec six = { .src = A6, .dst = FAR6, .sport = 4000, .dport = 80, .flags = SYN };
	struct ebn_nat_row row;
	struct packet p;
	uint32_t a[4];

	nat_open(NULL, MIN, MAX);
	/* no flow */
	nat_leaves(&syn, &r);
	EXPECT_DROP(NAT_UNKNOWN);
	packet_addr(A4, a);
	ck_assert_mem_eq(r.event.src, a, 16);
	ck_assert_uint_eq(r.event.sport, 4000);
	ck_assert_uint_eq(r.event.point, EBN_AT_TO_NETDEV);
	ck_assert_uint_eq(r.event.ep, 101);
	/* no address, no ports */
	nat_row(&row, MIN, MAX);
	memset(row.addr, 0, sizeof(row.addr));
	rig_nat(&row, 1);
	nat_sends(&syn, &r);
	EXPECT_DROP(NAT_ADDRESS);
	nat_sends(&six, &r);
	EXPECT_DROP(NAT_ADDRESS);
	nat_row(&row, 0, 0);
	rig_nat(&row, 1);
	nat_sends(&syn, &r);
	EXPECT_DROP(TABLES);
	/* a header that cannot be read, an endpoint on the move */
	nat_row(&row, MIN, MAX);
	rig_nat(&row, 1);
	syn.smac = mac_nd;
	packet_make(&p, &syn);
	p.len = 14 + 20 + 4;
	rig_run(TO_NETDEV, rig.ifindex_nd, &p, &r);
	EXPECT_DROP(TRUNCATED);
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_LIVE;
	nat_leaves(&syn, &r);
	EXPECT_DROP(NO_ENDPOINT);
	rig_close();
}
END_TEST

/* An error about what left: the frame as the device sent it, quoted in full or to its eighth byte of transport header. */
static void error_in(unsigned int k, bool cut, bool third)
{
	bool v6 = kinds[k].v6;
	const char *router = third ? (v6 ? "2001:db8:9::1" : "198.51.100.1") : v6 ? FAR6 : FAR4;
	struct spec q = question(k, 60), e = { .src = router, .dst = v6 ? NODE6 : NODE4, .proto = v6 ? ICMP6 : ICMP,
					       .type = v6 ? 2 : 3, .code = v6 ? 0 : 4 };
	struct packet sent, quoted;
	size_t inner = 14 + (v6 ? 48 : 28), len;
	struct ebn_ep_stat before, after;

	leaves(k, &q);
	quoted = r.out;
	if (cut)
		quoted.len = 14 + (v6 ? 40 : 20) + 8;
	rig_ep_stat(rig.row_a, &before);
	e.inner = &quoted;
	nat_comes(&e, &r);
	EXPECT(REDIRECT);
	nat_is(&r.out, router, q.src);
	/* it quotes what the endpoint sent, to the byte */
	q.smac = mac_a;
	q.dmac = mac_gw;
	packet_make(&sent, &q);
	if (!kinds[k].zero)
		sums_make(&sent);
	else if (!v6)
		sums_make(&sent), memset(sent.b + 14 + 20 + 6, 0, 2);
	len = quoted.len - 14;
	if (q.proto == SCTP)
		len = (v6 ? 40 : 20) + 8;
	ck_assert_mem_eq(r.out.b + inner, sent.b + 14, len);
	rig_ep_stat(rig.row_a, &after);
	ck_assert_uint_eq(after.packets[1], before.packets[1] + 1);
}

START_TEST(errors_find_who_sent_what_they_quote)
{
	unsigned int k, i;

	nat_open(NULL, MIN, MAX);
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		for (i = 0; i < 4; i++) {
			rig_flush();
			error_in(k, i & 1, i & 2);
		}
	rig_close();
}
END_TEST

START_TEST(errors_that_quote_an_answer_are_translated_back)
{
	struct packet quoted;
	struct spec q, a, e;
	struct nat_tuple t;
	unsigned int k;
	uint16_t port;
	bool v6;

	nat_open(NULL, MIN, MAX);
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		v6 = kinds[k].v6;
		q = question(k, 8);
		if (q.proto == ICMP || q.proto == ICMP6)
			continue;
		rig_flush();
		port = leaves(k, &q);
		a = answer(k, &q, port, 30);
		nat_comes(&a, &r);
		EXPECT(REDIRECT);
		/* the endpoint does not want it, or the host cannot deliver it: its ICMP says so to the sender */
		quoted = r.out;
		memset(&e, 0, sizeof(e));
		e = (struct spec){ .src = q.src, .dst = q.dst, .proto = v6 ? ICMP6 : ICMP, .type = v6 ? 1 : 3,
				   .code = v6 ? 4 : 3, .inner = &quoted };
		nat_sends(&e, &r);
		EXPECT(PASS);
		nat_is(&r.out, v6 ? NODE6 : NODE4, q.dst);
		memmove(quoted.b + 14, r.out.b + 14 + (v6 ? 48 : 28), r.out.len - 14 - (v6 ? 48 : 28));
		quoted.len = r.out.len - (v6 ? 48 : 28);
		nat_tuple(&quoted, &t);
		ck_assert_uint_eq(t.dport, port);
		if (q.proto != SCTP)
			nat_is(&quoted, q.dst, v6 ? NODE6 : NODE4);
		/* the host's own error about it: only what it quotes changes */
		nat_comes(&a, &r);
		quoted = r.out;
		e.src = v6 ? NODE6 : NODE4;
		nat_leaves(&e, &r);
		EXPECT(PASS);
		nat_is(&r.out, e.src, q.dst);
		memmove(quoted.b + 14, r.out.b + 14 + (v6 ? 48 : 28), quoted.len - 14);
		nat_tuple(&quoted, &t);
		ck_assert_uint_eq(t.dport, port);
	}
	rig_close();
}
END_TEST

START_TEST(errors_about_nothing_are_the_hosts)
{
	struct spec q = { .src = NODE4, .dst = FAR4, .sport = MIN + 5, .dport = 80, .flags = SYN };
	struct spec e = { .src = FAR4, .dst = NODE4, .proto = ICMP, .type = 3, .code = 1 };
	struct packet quoted;

	nat_open(NULL, MIN, MAX);
	packet_make(&quoted, &q);
	sums_make(&quoted);
	e.inner = &quoted;
	nat_comes(&e, &r);
	EXPECT(PASS);
	nat_is(&r.out, FAR4, NODE4);
	rig_close();
}
END_TEST

START_TEST(fragments_follow_the_first_one)
{
	struct spec first = { .src = A4,
			      .dst = FAR4,
			      .proto = UDP,
			      .sport = 4000,
			      .dport = 80,
			      .payload = 24,
			      .more = true,
			      .frag_id = 99 };
	struct spec later = { .src = A4, .dst = FAR4, .proto = UDP, .payload = 50, .frag_off = 32, .frag_id = 99 };
	struct nat_tuple t;
	uint16_t port;
	int v6;

	for (v6 = 0; v6 < 2; v6++) {
		nat_open(NULL, MIN, MAX);
		first.src = later.src = v6 ? A6 : A4;
		first.dst = later.dst = v6 ? FAR6 : FAR4;
		/* without the first one there is nothing to go by */
		nat_leaves(&later, &r);
		EXPECT_DROP(FRAGMENT_UNKNOWN);
		nat_sends(&first, &r);
		EXPECT(PASS);
		nat_tuple(&r.out, &t);
		port = v6 ? (uint16_t)(r.out.b[14 + 48] << 8 | r.out.b[14 + 49]) : t.sport;
		ck_assert_uint_ge(port, MIN);
		nat_sends(&later, &r);
		EXPECT(PASS);
		nat_tuple(&r.out, &t);
		ck_assert_mem_eq(r.out.b + 14 + (v6 ? 48 : 20), "ZZZZ", 4);
		/* and back */
		nat_comes(&(struct spec){ .src = first.dst,
					  .dst = v6 ? NODE6 : NODE4,
					  .proto = UDP,
					  .sport = 80,
					  .dport = port,
					  .payload = 24,
					  .more = true,
					  .frag_id = 5 },
			  &r);
		EXPECT(REDIRECT);
		nat_comes(&(struct spec){ .src = first.dst, .dst = v6 ? NODE6 : NODE4, .proto = UDP, .payload = 9,
					  .frag_off = 32, .frag_id = 5 }, &r);
		EXPECT(REDIRECT);
		nat_tuple(&r.out, &t);
		/* others are the host's */
		nat_comes(&(struct spec){ .src = first.dst, .dst = v6 ? NODE6 : NODE4, .proto = UDP, .payload = 9,
					  .frag_off = 32, .frag_id = 6 }, &r);
		EXPECT(PASS);
		rig_close();
	}
}
END_TEST

START_TEST(a_masqueraded_port_is_nobodys_to_call)
{
	struct spec syn = { .src = A4, .dst = FAR4, .sport = 4000, .dport = 80, .flags = SYN, .seq = 1 }, own;
	struct spec udp = { .src = A4, .dst = FAR4, .proto = UDP, .sport = 4000, .dport = 80 };
	struct ebn_flow_copy f;
	uint16_t port;

	nat_open(NULL, MIN, MAX);
	nat_sends(&syn, &r);
	EXPECT(PASS);
	port = nat_is(&r.out, NODE4, FAR4);
	/* a new connection is the host's, also from where the flow goes to; so is what others send there */
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .sport = 80, .dport = port, .flags = SYN }, &r);
	EXPECT(PASS);
	nat_is(&r.out, FAR4, NODE4);
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .sport = 81, .dport = port, .flags = SYN | ACK }, &r);
	EXPECT(PASS);
	nat_is(&r.out, FAR4, NODE4);
	/* another endpoint that knows the address and the port reaches the host with them, and nobody behind it */
	rig_sends(&(struct spec){ .src = B4, .dst = NODE4, .sport = 80, .dport = port, .flags = SYN }, &r);
	EXPECT(PASS);
	/* the host may not send what would be taken for the flow's */
	own = syn;
	own.src = NODE4;
	own.sport = port;
	nat_leaves(&own, &r);
	EXPECT_DROP(NAT_PORT);
	/* an answer begins nothing: not when its flow is gone either */
	nat_sends(&udp, &r);
	EXPECT(PASS);
	port = nat_is(&r.out, NODE4, FAR4);
	ck_assert_int_eq(rig_flow(&udp, &f), 1);
	ck_assert_int_eq(ebn_flow_kill(&rig.flows[0], &f), 1);
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .proto = UDP, .sport = 80, .dport = port }, &r);
	EXPECT_DROP(NAT_UNKNOWN);
	/* until the endpoint speaks again: with the port it had */
	nat_sends(&udp, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(nat_is(&r.out, NODE4, FAR4), port);
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .proto = UDP, .sport = 80, .dport = port }, &r);
	EXPECT(REDIRECT);
	rig_close();
}
END_TEST

START_TEST(an_endpoint_that_took_the_row_over_gets_no_answers)
{
	struct spec udp = { .src = A4, .dst = FAR4, .proto = UDP, .sport = 4000, .dport = 80 };
	uint16_t port;

	nat_open(NULL, MIN, MAX);
	nat_sends(&udp, &r);
	port = nat_is(&r.out, NODE4, FAR4);
	rig_ep(rig.row_a)->incarnation++;
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .proto = UDP, .sport = 80, .dport = port }, &r);
	EXPECT_DROP(NO_ENDPOINT);
	nat_sends(&udp, &r);
	EXPECT(PASS);
	ck_assert_uint_ne(nat_is(&r.out, NODE4, FAR4), port);
	rig_close();
}
END_TEST

START_TEST(policy_is_asked_again_and_the_port_stays)
{
	struct spec syn = { .src = A4, .dst = FAR4, .sport = 4000, .dport = 80, .flags = SYN, .seq = 1 };
	struct spec data = { .src = A4, .dst = FAR4, .sport = 4000, .dport = 80, .flags = ACK, .seq = 2, .ack = 10 };
	uint64_t before;
	uint16_t port;
	int i;

	nat_open(NULL, MIN, MAX);
	nat_sends(&syn, &r);
	port = nat_is(&r.out, NODE4, FAR4);
	for (i = 0; i < 3; i++) {
		rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
		before = rig_counter(EBN_C_RECHECK);
		nat_sends(&data, &r);
		EXPECT(PASS);
		ck_assert_uint_eq(nat_is(&r.out, NODE4, FAR4), port);
		ck_assert_uint_eq(rig_counter(EBN_C_RECHECK), before + 1);
		nat_sends(&data, &r);
		ck_assert_uint_eq(rig_counter(EBN_C_RECHECK), before + 1);
		nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .sport = 80, .dport = port, .flags = ACK }, &r);
		EXPECT(REDIRECT);
	}
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	nat_comes(&(struct spec){ .src = FAR4, .dst = NODE4, .sport = 80, .dport = port, .flags = ACK }, &r);
	EXPECT_DROP(RECHECK);
	rig_close();
}
END_TEST

START_TEST(another_address_is_another_port)
{
	struct spec udp = { .src = A4, .dst = FAR4, .proto = UDP, .sport = 4000, .dport = 80 };
	struct ebn_nat_row row;
	struct spec own;
	struct ebn_flow_copy f;
	uint16_t port;

	nat_open(NULL, MIN, MAX);
	nat_sends(&udp, &r);
	nat_is(&r.out, NODE4, FAR4);
	nat_row(&row, MIN, MAX);
	packet_addr(OTHER4, row.addr[0]);
	rig_nat(&row, 1);
	nat_sends(&udp, &r);
	EXPECT(PASS);
	port = nat_is(&r.out, OTHER4, FAR4);
	own = udp;
	own.src = OTHER4;
	own.sport = port;
	ck_assert_int_eq(rig_flow_in(&own, EBN_ZONE_NAT, &f), 1);
	nat_comes(&(struct spec){ .src = FAR4, .dst = OTHER4, .proto = UDP, .sport = 80, .dport = port }, &r);
	EXPECT(REDIRECT);
	rig_close();
}
END_TEST

/* By the long way out, and what there is a short one for by that too: they must not differ. */
int main(void)
{
	const TTest *const tests[] = {
		every_protocol_leaves_and_comes_back,
		protocols_without_ports_are_one_flow_for_each_destination,
		what_is_not_to_be_translated_is_left_alone,
		nothing_leaves_as_it_is_because_something_is_missing,
		errors_find_who_sent_what_they_quote,
		errors_that_quote_an_answer_are_translated_back,
		errors_about_nothing_are_the_hosts,
		fragments_follow_the_first_one,
		a_masqueraded_port_is_nobodys_to_call,
		an_endpoint_that_took_the_row_over_gets_no_answers,
		policy_is_asked_again_and_the_port_stays,
		another_address_is_another_port,
	};
	const TTest *const known[] = {
		every_protocol_leaves_and_comes_back,
		an_endpoint_that_took_the_row_over_gets_no_answers,
		policy_is_asked_again_and_the_port_stays,
		another_address_is_another_port,
	};
	int rc = run_suite("packet-nat", tests, sizeof(tests) / sizeof(tests[0]));

	nat_by_device = true;
	return rc | run_suite("packet-nat-known", known, sizeof(known) / sizeof(known[0]));
}
