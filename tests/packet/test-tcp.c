// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * TCP and SCTP against a reference: what each packet does to a flow in each state, written down from the documentation, and
 * random packets of one connection. The programs and the reference must agree on every action and on every state.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

#define STEPS 4000
#define SEQUENCES 60

/* What the initiator (side 0) and the responder may send. BAD: of other numbers than this connection's. */
enum kind { K_SYN, K_SYNACK_GOOD, K_SYNACK_BAD, K_ACK_GOOD, K_ACK_BAD, K_FIN, K_RST_GOOD, K_RST_BAD, K_MAX };
static const char *const kind_name[] = { "SYN", "SYN-ACK", "bad SYN-ACK", "ACK", "bad ACK", "FIN", "RST", "bad RST" };

struct model {
	int state;			/* EBN_FS_NONE: no entry */
	bool proven;
	bool fin[2], rst[2];		/* seen from either side */
	bool sctp;
	bool midstream;			/* allowed */
	bool picked_up;			/* begun in the middle: nothing is known to prove it by but packets both ways */
	unsigned int packets[2];
};

#define CLIENT_ISN 1000u
#define SERVER_ISN 70000u

static int open_state(const struct model *m)
{
	return m->fin[0] || m->fin[1] ? EBN_FS_HALF_CLOSED : EBN_FS_ESTABLISHED;
}

static void model_rst(struct model *m, int side, bool good)
{
	bool believed;

	m->rst[side] = true;
	if (m->picked_up) {
		m->state = EBN_FS_CLOSING;
		return;
	}
	switch (m->state) {
	case EBN_FS_HALF_OPEN:
		/* SCTP's beginner knows no tag to abort by */
		believed = good && !(m->sctp && !side);
		break;
	case EBN_FS_REPLIED:
		/* the tag that SCTP's responder must send is not known any more */
		believed = good || (m->sctp && side);
		break;
	default:
		believed = true;
	}
	if (believed)
		m->state = EBN_FS_CLOSING;
}

static void model_ack(struct model *m, int side, enum kind k)
{
	if (m->state == EBN_FS_CLOSING) {
		if (m->proven && !(m->fin[0] && m->fin[1]) && m->rst[!side] && !m->rst[side])
			m->state = open_state(m);
		return;
	}
	if (m->fin[0] && m->fin[1]) {
		m->state = EBN_FS_CLOSING;
		return;
	}
	if (m->picked_up && m->state == EBN_FS_HALF_OPEN) {
		m->state = side ? EBN_FS_REPLIED : EBN_FS_HALF_OPEN;
		return;
	}
	if (m->state == EBN_FS_REPLIED &&
	    (m->picked_up ? m->packets[0] >= 4 && m->packets[1] >= 4 : !side && k == K_ACK_GOOD))
		m->proven = true;
	if (m->state >= EBN_FS_ESTABLISHED || (m->state == EBN_FS_REPLIED && m->proven))
		m->state = open_state(m);
}

static int model_begin(struct model *m, int side, enum kind k)
{
	bool middle = m->midstream && m->state == EBN_FS_NONE && (k == K_ACK_GOOD || k == K_ACK_BAD);

	if (side || (k != K_SYN && !middle))
		return 0;
	*m = (struct model){ .state = EBN_FS_HALF_OPEN, .sctp = m->sctp, .midstream = m->midstream, .picked_up = middle,
			     .packets = { m->packets[0], m->packets[1] } };
	return 1;
}

/* 0: dropped, FLOW_INVALID; 1: let through. The responder may not begin anything here. */
static int model_judge(struct model *m, int side, enum kind k)
{
	if (m->state == EBN_FS_NONE || (k == K_SYN && m->state == EBN_FS_CLOSING))
		return model_begin(m, side, k);
	if (k == K_SYN && side)
		return 0;
	switch (k) {
	case K_RST_GOOD:
	case K_RST_BAD:
		model_rst(m, side, k == K_RST_GOOD);
		break;
	case K_FIN:
		if (m->state != EBN_FS_HALF_OPEN || m->picked_up)
			m->fin[side] = true;
		model_ack(m, side, k);
		break;
	case K_ACK_GOOD:
	case K_ACK_BAD:
		model_ack(m, side, k);
		break;
	case K_SYNACK_GOOD:
		if (m->picked_up && m->state != EBN_FS_CLOSING)
			model_ack(m, side, k);
		else if (side && m->state == EBN_FS_HALF_OPEN)
			m->state = EBN_FS_REPLIED;
		break;
	case K_SYN:
	case K_SYNACK_BAD:
		if (m->picked_up && m->state != EBN_FS_CLOSING)
			model_ack(m, side, k);
		break;
	case K_MAX:
		break;
	}
	return 1;
}

static int model_step(struct model *m, int side, enum kind k)
{
	int let = model_judge(m, side, k);

	m->packets[side] += (unsigned int)let;
	return let;
}

static void make(struct spec *s, int side, enum kind k, bool v6, bool sctp)
{
	static const uint8_t flags[] = { SYN, SYN | ACK, SYN | ACK, ACK, ACK, FIN | ACK, RST | ACK, RST | ACK };
	static const uint8_t chunk[] = { 1, 2, 2, 10, 0, 7, 6, 6 };
	bool good = k == K_SYNACK_GOOD || k == K_ACK_GOOD || k == K_RST_GOOD;
	uint32_t isn = side ? SERVER_ISN : CLIENT_ISN, other = side ? CLIENT_ISN : SERVER_ISN;
	const char *a = v6 ? A6 : A4, *b = v6 ? FAR6 : FAR4;

	memset(s, 0, sizeof(*s));
	s->src = side ? b : a;
	s->dst = side ? a : b;
	s->sport = side ? 80 : 4321;
	s->dport = side ? 4321 : 80;
	/* a FIN's acknowledgement is wrong on purpose, so that it proves nothing */
	if (sctp) {
		s->proto = SCTP;
		s->type = chunk[k];
		s->seq = isn;
		s->ack = k == K_SYN ? 0 : good ? other : 99;
		return;
	}
	s->flags = flags[k];
	s->seq = k == K_RST_BAD ? 0x77777777 : k == K_SYN || k == K_SYNACK_GOOD || k == K_SYNACK_BAD ? isn : isn + 1;
	s->ack = good ? other + 1 : 0x90000000;
}

static int flow_state(bool v6, bool sctp)
{
	struct ebn_flow_copy f;
	struct spec s;

	make(&s, 0, K_SYN, v6, sctp);
	return rig_flow(&s, &f) ? (int)EBN_CTL_STATE(f.body.ctl) : EBN_FS_NONE;
}

static void random_connection(uint64_t *seed, bool v6, bool sctp, bool midstream)
{
	struct model m = { .state = EBN_FS_NONE, .sctp = sctp, .midstream = midstream };
	struct rig_result r;
	struct spec s;
	int i, side, let, was;
	enum kind k;

	rig_flush();
	for (i = 0; i < STEPS / SEQUENCES; i++) {
		/* towards the handshake, so that every state is visited often */
		side = (int)test_below(seed, 2);
		k = (enum kind)test_below(seed, K_MAX);
		if (test_below(seed, 3) == 0) {
			side = m.state == EBN_FS_HALF_OPEN;
			k = m.state == EBN_FS_HALF_OPEN ? K_SYNACK_GOOD :
			    m.state == EBN_FS_REPLIED ? K_ACK_GOOD : m.state == EBN_FS_CLOSING ? K_SYN : k;
		}
		make(&s, side, k, v6, sctp);
		rig_sends(&s, &r);
		was = m.state;
		let = model_step(&m, side, k);
		ck_assert_msg((r.action != DROP) == let, "step %d: %s from side %d in state %d: action %d (%s)", i,
			      kind_name[k], side, was, r.action, rig_reason_name(r.reason));
		ck_assert_msg(flow_state(v6, sctp) == m.state, "step %d: %s from side %d in state %d: state %d, not %d", i,
			      kind_name[k], side, was, flow_state(v6, sctp), m.state);
	}
}

START_TEST(random_connections_agree_with_the_reference)
{
	uint64_t seed = test_seed();
	int i;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_OTHER, D_ALLOW);
	for (i = 0; i < SEQUENCES; i++)
		random_connection(&seed, i & 1, i & 2, false);
	rig_close();
}
END_TEST

START_TEST(so_do_those_that_are_picked_up)
{
	struct rig_opts opts = { .midstream = true };
	uint64_t seed = test_seed();
	int i;

	rig_open(&opts);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_OTHER, D_ALLOW);
	for (i = 0; i < SEQUENCES / 2; i++)
		random_connection(&seed, i & 1, i & 2, true);
	rig_close();
}
END_TEST

static struct rig_result r;

static void step(int side, enum kind k, int expected)
{
	struct spec s;

	make(&s, side, k, false, false);
	rig_sends(&s, &r);
	ck_assert_int_eq(flow_state(false, false), expected);
}

START_TEST(a_connection_from_beginning_to_end)
{
	struct ebn_flow_copy f;
	struct spec s;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	step(0, K_SYN, EBN_FS_HALF_OPEN);
	step(1, K_SYNACK_GOOD, EBN_FS_REPLIED);
	step(0, K_ACK_GOOD, EBN_FS_ESTABLISHED);
	step(0, K_FIN, EBN_FS_HALF_CLOSED);
	ck_assert(!r.reported);
	step(1, K_ACK_BAD, EBN_FS_HALF_CLOSED);
	step(1, K_FIN, EBN_FS_CLOSING);
	ck_assert(r.reported);
	ck_assert_uint_eq(r.event.type, EBN_EV_CLOSE);
	make(&s, 0, K_SYN, false, false);
	ck_assert_int_eq(rig_flow(&s, &f), 1);
	ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], 6);
	/* the same ports once more: judged like the first time */
	step(0, K_SYN, EBN_FS_HALF_OPEN);
	ck_assert_uint_eq(r.event.type, EBN_EV_VERDICT);
	step(1, K_RST_BAD, EBN_FS_HALF_OPEN);
	ck_assert(!r.reported);
	step(1, K_RST_GOOD, EBN_FS_CLOSING);
	ck_assert_uint_eq(r.event.type, EBN_EV_CLOSE);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	step(0, K_SYN, EBN_FS_CLOSING);
	ck_assert_int_eq(r.action, DROP);
	/* begun by the other side, once it may */
	rig_policy(SUBJECT_A, EBN_INGRESS, P_FAR, Q_OTHER, D_ALLOW);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	step(1, K_SYN, EBN_FS_HALF_OPEN);
	ck_assert_int_eq(r.action, REDIRECT);
	ck_assert_int_eq(rig_flow(&s, &f), 1);
	ck_assert_uint_eq(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_INIT_HI, ntohl(inet_addr(FAR4)) > 0 &&
			  inet_addr(FAR4) > inet_addr(A4) ? EBN_FF_INIT_HI : 0);
	rig_close();
}
END_TEST

/* Nothing about an established flow tells a forged RST from a true one, but what comes behind it does. */
START_TEST(a_forged_reset_does_not_last)
{
	struct ebn_flow_copy f;
	struct spec s;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	step(0, K_SYN, EBN_FS_HALF_OPEN);
	step(1, K_SYNACK_GOOD, EBN_FS_REPLIED);
	/* closed before it was proven: nothing brings it back */
	step(1, K_RST_GOOD, EBN_FS_CLOSING);
	step(0, K_ACK_GOOD, EBN_FS_CLOSING);
	step(0, K_SYN, EBN_FS_HALF_OPEN);
	step(1, K_SYNACK_GOOD, EBN_FS_REPLIED);
	step(0, K_ACK_GOOD, EBN_FS_ESTABLISHED);
	step(1, K_RST_BAD, EBN_FS_CLOSING);
	/* more of who is said to have sent it means nothing */
	step(1, K_ACK_BAD, EBN_FS_CLOSING);
	step(0, K_ACK_BAD, EBN_FS_ESTABLISHED);
	make(&s, 0, K_SYN, false, false);
	ck_assert_int_eq(rig_flow(&s, &f), 1);
	ck_assert_uint_ne(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_PROVEN, 0);
	/* and a true one: both are silent but for RSTs */
	step(0, K_RST_GOOD, EBN_FS_CLOSING);
	step(0, K_RST_GOOD, EBN_FS_CLOSING);
	step(1, K_RST_GOOD, EBN_FS_CLOSING);
	step(1, K_ACK_GOOD, EBN_FS_CLOSING);
	rig_close();
}
END_TEST

START_TEST(a_connection_may_be_picked_up_where_that_is_configured)
{
	struct rig_opts opts = { .midstream = true };
	struct spec data = { .src = A4, .dst = FAR4, .sport = 4321, .dport = 80, .flags = ACK, .payload = 10 };
	struct spec answer = { .src = FAR4, .dst = A4, .sport = 80, .dport = 4321, .flags = ACK, .payload = 10 };
	int i;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&data, &r);
	ck_assert_int_eq(r.reason, EBN_R_FLOW_INVALID);
	rig_close();
	rig_open(&opts);
	rig_sends(&data, &r);
	ck_assert_int_eq(r.reason, EBN_R_POLICY);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&data, &r);
	ck_assert_int_eq(r.action, PASS);
	for (i = 0; i < 5; i++) {
		rig_sends(&data, &r);
		rig_sends(&answer, &r);
	}
	ck_assert_int_eq(flow_state(false, false), EBN_FS_ESTABLISHED);
	data.sport = 1;
	data.flags = RST;
	rig_sends(&data, &r);
	ck_assert_int_eq(r.reason, EBN_R_FLOW_INVALID);
	rig_close();
}
END_TEST

RUN_SUITE("packet-tcp", random_connections_agree_with_the_reference, so_do_those_that_are_picked_up,
	  a_connection_from_beginning_to_end,
	  a_forged_reset_does_not_last, a_connection_may_be_picked_up_where_that_is_configured)
