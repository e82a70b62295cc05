// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Headers of every kind, whole, cut short and wrong; fragments; neighbours. */
#include <arpa/inet.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

static struct rig_result r;

#define EXPECT_DROP(why)                                                                                       \
	do {                                                                                                   \
		ck_assert_int_eq(r.action, DROP);                                                              \
		ck_assert_str_eq(rig_reason_name(r.reason), #why);                                             \
	} while (0)
#define EXPECT(act)                                                                                            \
	do {                                                                                                   \
		ck_assert_msg(r.action == (act), "action %d, reason %s", r.action, rig_reason_name(r.reason)); \
		ck_assert_uint_eq(r.reason, EBN_R_NONE);                                                       \
	} while (0)
#define SEND(...) rig_sends(&(struct spec){ __VA_ARGS__ }, &r)

static void from_a(const struct packet *p)
{
	rig_run(FROM_EP, rig.ifindex_a, p, &r);
}

static const uint8_t opt_rr[8] = { 7, 7, 4, 0, 0, 0, 0, 1 }, opt_lsrr[8] = { 131, 7, 4, 10, 0, 0, 3, 0 };
static const uint8_t opt_short[4] = { 7, 1, 0, 0 }, opt_long[4] = { 7, 9, 0, 0 };
static const uint8_t opt_nops[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

START_TEST(ip4_options)
{
	rig_open(NULL);
	rig_allow_all();
#define WITH(o) .src = A4, .dst = FAR4, .dport = 80, .flags = SYN, .options = o, .options_len = sizeof(o)
	SEND(WITH(opt_rr));
	EXPECT(PASS);
	SEND(WITH(opt_lsrr));
	EXPECT_DROP(MALFORMED);
	SEND(WITH(opt_short));
	EXPECT_DROP(MALFORMED);
	SEND(WITH(opt_long));
	EXPECT_DROP(MALFORMED);
	SEND(WITH(opt_nops));
	EXPECT_DROP(MALFORMED);
#undef WITH
	rig_close();
}
END_TEST

/* next header, length, then zeros; the chain's last next-header field is the packet maker's. */
static const uint8_t ext_hbh[8], ext_dst[16] = { 0, 1 }, ext_rh[8] = { 0, 0, 2, 0 }, ext_rh_left[8] = { 0, 0, 0, 1 };
static const uint8_t ext_ah[16] = { 0, 2 }, ext_long[8] = { 0, 200 };
static const uint8_t ext_two[16] = { DSTOPTS }, ext_late_hbh[16] = { 0 };

START_TEST(ip6_extension_headers)
{
	uint8_t many[64] = { 0 };
	int i;

	rig_open(NULL);
	rig_allow_all();
#define WITH(e, first, last)                                                                                   \
	.src = A6, .dst = FAR6, .dport = 80, .flags = SYN, .ext = e, .ext_len = sizeof(e), .ext_first = first, \
	.ext_last = last
	SEND(WITH(ext_hbh, 0, 0));
	EXPECT(PASS);
	SEND(WITH(ext_dst, DSTOPTS, 0));
	EXPECT(PASS);
	SEND(WITH(ext_rh, ROUTING, 0));
	EXPECT(PASS);
	SEND(WITH(ext_ah, AH, 0));
	EXPECT(PASS);
	SEND(WITH(ext_two, 0, 8));
	EXPECT(PASS);
	SEND(WITH(ext_rh_left, ROUTING, 0));
	EXPECT_DROP(EXT_HEADER);
	SEND(WITH(ext_late_hbh, DSTOPTS, 8));
	EXPECT_DROP(MALFORMED);
	SEND(WITH(ext_long, DSTOPTS, 0));
	EXPECT_DROP(TRUNCATED);
	SEND(WITH(ext_hbh, 135, 0));
	EXPECT_DROP(EXT_HEADER);
	for (i = 0; i < 56; i += 8)
		many[i] = DSTOPTS;
	SEND(WITH(many, DSTOPTS, 56));
	EXPECT_DROP(EXT_HEADER);
#undef WITH
	rig_close();
}
END_TEST

START_TEST(other_protocols)
{
	struct packet p;

	rig_open(NULL);
	SEND(.src = A4, .dst = FAR4, .proto = ICMP6, .type = 128);
	EXPECT_DROP(L4_PROTOCOL);
	SEND(.src = A6, .dst = FAR6, .proto = ICMP, .type = 8);
	EXPECT_DROP(L4_PROTOCOL);
	SEND(.src = A6, .dst = FAR6, .proto = NONXT);
	EXPECT_DROP(L4_PROTOCOL);
	SEND(.src = A4, .dst = FAR4, .proto = GRE);
	EXPECT_DROP(POLICY);
	rig_allow_all();
	SEND(.src = A4, .dst = FAR4, .proto = GRE);
	EXPECT(PASS);
	SEND(.src = A4, .dst = FAR4, .proto = SCTP, .sport = 1, .dport = 2, .type = 1, .seq = 9);
	EXPECT(PASS);
	SEND(.src = A4, .dst = FAR4, .proto = SCTP, .sport = 1, .dport = 2, .type = 1, .seq = 9, .ack = 1);
	EXPECT_DROP(MALFORMED);
	SEND(.src = A4, .dst = FAR4, .proto = SCTP, .sport = 1, .dport = 2, .type = 1);
	EXPECT_DROP(MALFORMED);
	SEND(.src = A4, .dst = FAR4, .proto = SCTP, .sport = 1, .dport = 3, .type = 0, .ack = 1);
	EXPECT_DROP(FLOW_INVALID);
	SEND(.src = A4, .dst = FAR4, .vlan = 0x8100, .flags = SYN);
	EXPECT_DROP(VLAN);
	/* the kernel takes an outer tag out of the frame before programs see it */
	SEND(.src = A4, .dst = FAR4, .vlan = 0x88a8, .flags = SYN);
	EXPECT_DROP(VLAN);
	packet_make(&p, &(struct spec){ .src = A4, .dst = FAR4, .smac = mac_a, .flags = SYN });
	p.b[12] = 0x88;
	p.b[13] = 0xcc;
	from_a(&p);
	EXPECT_DROP(L3_PROTOCOL);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT_DROP(L3_PROTOCOL);
	rig_close();
}
END_TEST

static void broken_tcp(uint8_t flags)
{
	SEND(.src = A4, .dst = FAR4, .dport = 80, .flags = flags);
	EXPECT_DROP(MALFORMED);
}

START_TEST(headers_that_contradict_themselves)
{
	struct spec s = { .src = A4, .dst = FAR4, .smac = mac_a, .dport = 80, .flags = SYN };
	struct packet p, q;

	rig_open(NULL);
	rig_allow_all();
	broken_tcp(0);
	broken_tcp(SYN | FIN);
	broken_tcp(SYN | RST);
	broken_tcp(FIN);
	broken_tcp(FIN | PSH);
	packet_make(&p, &s);
#define BREAK(at, value, why)                                                                                  \
	do {                                                                                                   \
		q = p;                                                                                         \
		q.b[at] = value;                                                                               \
		from_a(&q);                                                                                    \
		EXPECT_DROP(why);                                                                              \
	} while (0)
	BREAK(14, 0x65, MALFORMED);	/* version */
	BREAK(14, 0x44, MALFORMED);	/* header length */
	BREAK(17, 19, MALFORMED);	/* total length below the header's */
	BREAK(16, 4, TRUNCATED);	/* and beyond the frame */
	BREAK(17, 39, TRUNCATED);	/* TCP header cut by the total length */
	BREAK(46, 0x40, MALFORMED);	/* data offset below the header */
	BREAK(46, 0xf0, TRUNCATED);	/* and beyond the packet */
	s.proto = UDP;
	packet_make(&p, &s);
	BREAK(39, 7, MALFORMED);	/* UDP length below the header's */
	BREAK(39, 200, MALFORMED);	/* and beyond the packet */
	s = (struct spec){ .src = A6, .dst = FAR6, .smac = mac_a, .dport = 80, .flags = SYN };
	packet_make(&p, &s);
	BREAK(14, 0x45, MALFORMED);
	BREAK(18, 9, TRUNCATED);
#undef BREAK
	rig_close();
}
END_TEST

/* Cut at every byte, the frame is never let through; with padding behind it always. */
static void cut_everywhere(const struct spec *spec)
{
	struct spec s = *spec;
	struct packet p, q;
	size_t len;

	s.smac = mac_a;
	s.dmac = mac_gw;
	packet_make(&p, &s);
	from_a(&p);
	EXPECT(PASS);
	/* the kernel takes no frame for a test run that ends in its network header */
	for (len = 14 + (spec_is6(&s) ? 40 : 20); len < p.len; len++) {
		q = p;
		q.len = len;
		from_a(&q);
		ck_assert_msg(r.action == DROP, "%s: %zu of %zu bytes passed", s.src, len, p.len);
		ck_assert_msg(r.reason == EBN_R_TRUNCATED || r.reason == EBN_R_MALFORMED ||
			      r.reason == EBN_R_SOURCE_MAC, "%zu bytes: %s", len, rig_reason_name(r.reason));
	}
	q = p;
	q.len += 9;
	from_a(&q);
	EXPECT(PASS);
}

START_TEST(nothing_cut_short_passes)
{
	struct packet inner;

	rig_open(NULL);
	rig_allow_all();
	cut_everywhere(&(struct spec){ .src = A4, .dst = FAR4, .sport = 1, .dport = 80, .flags = SYN });
	cut_everywhere(&(struct spec){ .src = A6, .dst = FAR6, .sport = 1, .dport = 80, .flags = SYN });
	cut_everywhere(&(struct spec){ .src = A4, .dst = FAR4, .proto = UDP, .dport = 80, .payload = 3 });
	cut_everywhere(&(struct spec){ .src = A6, .dst = FAR6, .proto = UDP, .dport = 80, .payload = 3 });
	cut_everywhere(&(struct spec){ .src = A4, .dst = FAR4, .proto = ICMP, .type = 8, .id = 1 });
	cut_everywhere(&(struct spec){ .src = A6, .dst = FAR6, .proto = ICMP6, .type = 128, .id = 1 });
	cut_everywhere(&(struct spec){ .src = A4, .dst = FAR4, .proto = SCTP, .dport = 80, .type = 1, .seq = 5 });
	cut_everywhere(&(struct spec){ .src = A4, .dst = FAR4, .dport = 80, .flags = SYN, .options = opt_rr,
				       .options_len = 8 });
	cut_everywhere(&(struct spec){ .src = A6, .dst = FAR6, .dport = 80, .flags = SYN, .ext = ext_two,
				       .ext_len = 16, .ext_last = 8 });
	/* an endpoint's error about what it received */
	SEND(.src = FAR4, .dst = A4, .sport = 6, .dport = 80, .flags = SYN);
	EXPECT(REDIRECT);
	packet_make(&inner, &(struct spec){ .src = FAR4, .dst = A4, .sport = 6, .dport = 80, .flags = SYN });
	cut_everywhere(&(struct spec){ .src = A4, .dst = FAR4, .proto = ICMP, .type = 3, .inner = &inner });
	rig_close();
}
END_TEST

static void fragments(const char *a, const char *b, uint8_t proto)
{
	struct spec first = { .src = a, .dst = b, .proto = proto, .sport = 5, .dport = 80, .more = true, .frag_id = 9,
			      .payload = 40, .flags = SYN };
	struct spec later = { .src = a, .dst = b, .proto = proto, .frag_off = 48, .more = true, .frag_id = 9,
			      .payload = 48 };

	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	rig_sends(&later, &r);
	EXPECT_DROP(FRAGMENT_UNKNOWN);
	rig_sends(&first, &r);
	EXPECT_DROP(POLICY_RULE);
	/* the later ones follow the first one's verdict */
	rig_sends(&later, &r);
	EXPECT_DROP(FRAGMENT_UNKNOWN);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&first, &r);
	EXPECT(PASS);
	rig_sends(&later, &r);
	EXPECT(PASS);
	later.more = false;
	later.frag_off = 96;
	rig_sends(&later, &r);
	EXPECT(PASS);
	later.frag_id = 10;
	rig_sends(&later, &r);
	EXPECT_DROP(FRAGMENT_UNKNOWN);
	/* beyond the largest packet; over the header */
	later.frag_id = 9;
	later.frag_off = 65528;
	rig_sends(&later, &r);
	EXPECT_DROP(MALFORMED);
	if (proto == TCP) {
		later.frag_off = 8;
		rig_sends(&later, &r);
		EXPECT_DROP(MALFORMED);
	}
	/* the flow has gone, and with it what lets its fragments pass */
	later.frag_off = 96;
	rig_flush();
	rig_sends(&later, &r);
	EXPECT_DROP(FRAGMENT_UNKNOWN);
}

START_TEST(later_fragments_follow_the_first)
{
	rig_open(NULL);
	fragments(A4, FAR4, UDP);
	fragments(A4, FAR4, TCP);
	fragments(A6, FAR6, UDP);
	fragments(A6, FAR6, TCP);
	rig_close();
}
END_TEST

START_TEST(arp)
{
	struct packet p, answer;

	rig_open(NULL);
	packet_arp(&p, 1, mac_a, A4, NULL, GW4);
	from_a(&p);
	EXPECT(REDIRECT);
	packet_arp(&answer, 2, mac_gw, GW4, mac_a, A4);
	ck_assert_mem_eq(r.out.b, answer.b, answer.len);
	/* the answer goes out by the program on the other hook */
	rig_run(TO_EP, rig.ifindex_a, &answer, &r);
	EXPECT(PASS);
	rig_run(TO_EP, rig.ifindex_b, &answer, &r);
	EXPECT_DROP(NEIGHBOUR);
	packet_arp(&p, 1, mac_a, A4, NULL, "10.0.0.77");
	from_a(&p);
	EXPECT(PASS);
	packet_arp(&p, 1, mac_a, "0.0.0.0", NULL, A4);
	from_a(&p);
	EXPECT(PASS);
	packet_arp(&p, 2, mac_a, B4, mac_gw, GW4);
	from_a(&p);
	EXPECT_DROP(SOURCE_IP);
	packet_arp(&p, 1, mac_a, A4, NULL, GW4);
	p.b[22] = 9;	/* the sender's MAC address inside */
	from_a(&p);
	EXPECT_DROP(SOURCE_MAC);
	packet_arp(&p, 9, mac_a, A4, NULL, GW4);
	from_a(&p);
	EXPECT_DROP(NEIGHBOUR);
	packet_arp(&p, 1, mac_a, A4, NULL, GW4);
	p.b[14] = 7;
	from_a(&p);
	EXPECT_DROP(MALFORMED);
	p.len = 41;
	from_a(&p);
	EXPECT_DROP(TRUNCATED);
	packet_arp(&p, 1, mac_gw, GW4, NULL, A4);
	rig_run(TO_EP, rig.ifindex_a, &p, &r);
	EXPECT(PASS);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT_DROP(NEIGHBOUR);
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_GATEWAY;
	packet_arp(&p, 1, mac_a, A4, NULL, GW4);
	from_a(&p);
	EXPECT(PASS);
	rig_close();
}
END_TEST

static void answered(const char *to)
{
	uint32_t a[4];

	EXPECT(REDIRECT);
	ck_assert_uint_eq(r.out.len, 14 + 40 + 32);
	ck_assert_mem_eq(r.out.b, mac_a, 6);
	ck_assert_mem_eq(r.out.b + 6, mac_gw, 6);
	packet_addr(GW6, a);
	ck_assert_mem_eq(r.out.b + 22, a, 16);
	ck_assert_mem_eq(r.out.b + 62, a, 16);
	packet_addr(to, a);
	ck_assert_mem_eq(r.out.b + 38, a, 16);
	ck_assert_uint_eq(r.out.b[54], 136);
	ck_assert_mem_eq(r.out.b + 80, mac_gw, 6);
	ck_assert(packet_icmp6_sum_ok(&r.out));
}

START_TEST(neighbour_discovery)
{
	struct packet p, answer;

	rig_open(NULL);
	packet_nd(&p, 135, mac_a, A6, "ff02::1:ff00:fe", GW6, mac_a);
	from_a(&p);
	answered(A6);
	answer = r.out;
	rig_run(TO_EP, rig.ifindex_a, &answer, &r);
	EXPECT(PASS);
	/* from the link-local address its MAC makes, and from none, without the option */
	packet_nd(&p, 135, mac_a, A6_LL, "ff02::1:ff00:fe", GW6, mac_a);
	from_a(&p);
	answered(A6_LL);
	packet_nd(&p, 135, mac_a, "::", "ff02::1:ff00:fe", GW6, NULL);
	from_a(&p);
	answered("ff02::1");
	/* is my address taken? */
	packet_nd(&p, 135, mac_a, "::", "ff02::1:ff00:1", A6, NULL);
	from_a(&p);
	EXPECT(PASS);
	packet_nd(&p, 136, mac_a, A6, GW6, A6, mac_a);
	from_a(&p);
	EXPECT(PASS);
	packet_nd(&p, 136, mac_a, A6, GW6, B6, mac_a);
	from_a(&p);
	EXPECT_DROP(SOURCE_IP);
	packet_nd(&p, 136, mac_a, A6, GW6, A6, mac_b);
	from_a(&p);
	EXPECT_DROP(SOURCE_MAC);
	packet_nd(&p, 135, mac_a, B6, "ff02::1:ff00:fe", GW6, mac_a);
	from_a(&p);
	EXPECT_DROP(SOURCE_IP);
	packet_nd(&p, 135, mac_a, A6, "ff02::1:ff00:fe", GW6, mac_a);
	p.b[21] = 254;
	from_a(&p);
	EXPECT_DROP(MALFORMED);
	packet_nd(&p, 134, mac_a, A6_LL, "ff02::1", GW6, NULL);
	from_a(&p);
	EXPECT_DROP(NEIGHBOUR);
	packet_nd(&p, 135, mac_gw, GW6, "ff02::1:ff00:1", A6, mac_gw);
	rig_run(TO_EP, rig.ifindex_a, &p, &r);
	EXPECT(PASS);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT_DROP(NEIGHBOUR);
	packet_nd(&p, 134, mac_gw, GW6, "ff02::1", A6, NULL);
	rig_run(TO_EP, rig.ifindex_a, &p, &r);
	EXPECT_DROP(NEIGHBOUR);
	rig_close();
}
END_TEST

START_TEST(the_weakly_ordered_form_answers_alike)
{
	static const struct rig_opts weak = { .weak = true };

	rig_open(&weak);
	SEND(.src = A4, .dst = B4, .dport = 80, .flags = SYN);
	EXPECT_DROP(POLICY);
	rig_allow_all();
	SEND(.src = A4, .dst = B4, .dport = 80, .flags = SYN);
	EXPECT(REDIRECT);
	SEND(.src = A6, .dst = FAR6, .dport = 80, .flags = SYN);
	EXPECT(PASS);
	rig_close();
}
END_TEST

RUN_SUITE("packet-parse", ip4_options, ip6_extension_headers, other_protocols, headers_that_contradict_themselves,
	  nothing_cut_short_passes, later_fragments_follow_the_first, arp, neighbour_discovery,
	  the_weakly_ordered_form_answers_alike)
