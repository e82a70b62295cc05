// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Flows of the protocols that have no handshake, against a reference; ICMP errors by what they carry. */
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

static struct rig_result r;

#define SENDS(...) rig_sends(&(struct spec){ __VA_ARGS__ }, &r)
#define EXPECT(what) ck_assert_msg(r.action == (what), "%s:%d: action %d (%s)", __FILE__, __LINE__, r.action, \
				   rig_reason_name(r.reason))
#define EXPECT_DROP(why) ck_assert_msg(r.action == DROP && r.reason == EBN_R_##why, "%s:%d: action %d (%s)", \
				       __FILE__, __LINE__, r.action, rig_reason_name(r.reason))

/* ---- a reference ---- */

struct model {
	int state;
	unsigned int packets[2];
};

/* 1: let through. Side 0 may begin, side 1 may not. */
static int model_step(struct model *m, uint8_t proto, int side)
{
	bool icmp = proto == ICMP || proto == ICMP6;

	if (m->state == EBN_FS_NONE) {
		if (side)
			return 0;
		m->state = EBN_FS_HALF_OPEN;
	} else if (m->state == EBN_FS_HALF_OPEN && side) {
		m->state = EBN_FS_REPLIED;
	} else if (m->state == EBN_FS_REPLIED && !icmp && m->packets[0] >= 4 && m->packets[1] >= 4) {
		m->state = EBN_FS_ESTABLISHED;
	}
	m->packets[side]++;
	return 1;
}

static struct spec make(uint8_t proto, int side, bool v6)
{
	struct spec s = { .src = v6 ? A6 : A4, .dst = v6 ? FAR6 : FAR4, .proto = proto, .sport = 999, .dport = 80,
			  .id = 5 };

	if (proto == ICMP)
		s.type = side ? 0 : 8;
	if (proto == ICMP6)
		s.type = side ? 129 : 128;
	if (side) {
		const char *src = s.src;

		s.src = s.dst;
		s.dst = src;
		s.sport = 80;
		s.dport = 999;
	}
	if (proto == GRE)
		s.sport = s.dport = 0;
	return s;
}

static void random_flow(uint64_t *seed, uint8_t proto, bool v6)
{
	struct model m = { .state = EBN_FS_NONE };
	struct spec s, first = make(proto, 0, v6);
	struct ebn_flow_copy f;
	int i, side, let;

	rig_flush();
	for (i = 0; i < 24; i++) {
		side = (int)test_below(seed, 2);
		s = make(proto, side, v6);
		rig_sends(&s, &r);
		let = model_step(&m, proto, side);
		ck_assert_msg((r.action != DROP) == let, "protocol %u step %d: action %d (%s)", proto, i, r.action,
			      rig_reason_name(r.reason));
		ck_assert_int_eq(rig_flow(&first, &f) ? (int)EBN_CTL_STATE(f.body.ctl) : EBN_FS_NONE, m.state);
		if (m.state != EBN_FS_NONE)
			ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], m.packets[0] + m.packets[1]);
	}
}

START_TEST(flows_without_a_handshake_agree_with_the_reference)
{
	static const uint8_t protos[] = { UDP, ICMP, GRE, UDP, ICMP6, GRE };
	uint64_t seed = test_seed();
	unsigned int i;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_ECHO, D_ALLOW);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_OTHER, D_ALLOW);
	for (i = 0; i < 60; i++)
		random_flow(&seed, protos[i % 6], i % 6 >= 3);
	rig_close();
}
END_TEST

/* ---- ICMP errors ---- */

#define ROUTER6 "2001:db8::1"

/* An error about what endpoint a sent as s. */
static void error_about(const struct spec *s)
{
	struct packet inner;

	packet_make(&inner, s);
	SENDS(.src = ROUTER6, .dst = A6, .proto = ICMP6, .type = 2, .inner = &inner);
}

START_TEST(errors_about_packets_with_extension_headers)
{
	static const uint8_t two[16] = { DSTOPTS, 0, 1, 4, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0 };
	static const uint8_t later[8] = { 0, 0, 0, 0x08, 0, 0, 0, 9 }, first[8] = { 0, 0, 0, 1, 0, 0, 0, 9 };
	struct spec syn = { .src = A6, .dst = FAR6, .sport = 1, .dport = 80, .flags = SYN };
	struct ebn_flow_copy before, after;
	struct spec s;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&syn, &r);
	EXPECT(PASS);
	ck_assert_int_eq(rig_flow(&syn, &before), 1);
	s = syn;
	s.ext = two;
	s.ext_len = sizeof(two);
	s.ext_last = 8;
	s.ext_first = 0;
	error_about(&s);
	EXPECT(REDIRECT);
	/* the first part of a fragmented packet has ports, a later one has not */
	s.ext = first;
	s.ext_len = 8;
	s.ext_last = 0;
	s.ext_first = FRAGMENT;
	error_about(&s);
	EXPECT(REDIRECT);
	s.ext = later;
	error_about(&s);
	EXPECT_DROP(ICMP_UNKNOWN);
	ck_assert_uint_eq(r.event.proto, ICMP6);
	ck_assert(!(r.event.flags & EBN_EVF_FRAGMENT));
	/* another flow's */
	s = syn;
	s.ext = two;
	s.ext_len = sizeof(two);
	s.ext_last = 8;
	s.sport = 2;
	error_about(&s);
	EXPECT_DROP(ICMP_UNKNOWN);
	/* no second entry, and no packet of the flow */
	ck_assert_int_eq(rig_flow(&syn, &after), 1);
	ck_assert_uint_eq(after.body.packets[0] + after.body.packets[1],
			  before.body.packets[0] + before.body.packets[1]);
	ck_assert_uint_eq(rig_counter(EBN_C_FLOW_NEW), 1);
	rig_close();
}
END_TEST

START_TEST(errors_about_other_protocols)
{
	struct spec gre = { .src = A4, .dst = FAR4, .proto = GRE, .payload = 20 };
	struct spec sctp = { .src = A4, .dst = FAR4, .proto = SCTP, .sport = 7, .dport = 80, .type = 1, .seq = 4 };
	struct packet inner;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_OTHER, D_ALLOW);
	packet_make(&inner, &gre);
	SENDS(.src = FAR4, .dst = A4, .proto = ICMP, .type = 3, .code = 2, .inner = &inner);
	EXPECT_DROP(ICMP_UNKNOWN);
	rig_sends(&gre, &r);
	EXPECT(PASS);
	SENDS(.src = FAR4, .dst = A4, .proto = ICMP, .type = 3, .code = 2, .inner = &inner);
	EXPECT(REDIRECT);
	packet_make(&inner, &sctp);
	SENDS(.src = FAR4, .dst = A4, .proto = ICMP, .type = 3, .code = 2, .inner = &inner);
	EXPECT_DROP(ICMP_UNKNOWN);
	rig_sends(&sctp, &r);
	EXPECT(PASS);
	SENDS(.src = FAR4, .dst = A4, .proto = ICMP, .type = 3, .code = 2, .inner = &inner);
	EXPECT(REDIRECT);
	rig_close();
}
END_TEST

RUN_SUITE("packet-ct", flows_without_a_handshake_agree_with_the_reference, errors_about_packets_with_extension_headers,
	  errors_about_other_protocols)
