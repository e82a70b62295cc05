// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * TCP against a reference: a table of what each packet does to a flow in each state, written down from the documentation, and
 * random packets of one connection. The programs and the reference must agree on every action and on every state.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

#define STEPS 4000
#define SEQUENCES 60

/* What the initiator (a) and the responder may send, seen by the reference. */
enum kind { K_SYN, K_SYNACK_GOOD, K_SYNACK_BAD, K_ACK_GOOD, K_ACK_BAD, K_FIN, K_RST, K_MAX };
static const char *const kind_name[] = { "SYN", "SYN-ACK", "SYN-ACK of something else", "ACK", "ACK of something else",
					 "FIN", "RST" };

struct model {
	int state;			/* EBN_FS_NONE: no entry */
	bool fin[2];			/* from a, from the other side */
	uint32_t isn[2];
	uint64_t bytes[2];		/* that the flow counted */
};

#define CLIENT_ISN 1000u
#define SERVER_ISN 70000u

/* 0: dropped, FLOW_INVALID; 1: let through. The responder may not begin anything here. */
static int model_step(struct model *m, int side, enum kind k, unsigned int len)
{
	if (m->state == EBN_FS_NONE || (k == K_SYN && m->state == EBN_FS_CLOSING)) {
		if (k != K_SYN || side)
			return 0;
		if (m->state == EBN_FS_NONE)
			m->bytes[0] = m->bytes[1] = 0;
		m->state = EBN_FS_HALF_OPEN;
		m->fin[0] = m->fin[1] = false;
		m->bytes[0] += len;
		return 1;
	}
	if (k == K_SYN && side)
		return 0;
	switch (k) {
	case K_RST:
		m->state = EBN_FS_CLOSING;
		break;
	case K_FIN:
		m->fin[side] = true;
		if (m->fin[0] && m->fin[1])
			m->state = EBN_FS_CLOSING;
		break;
	case K_SYNACK_GOOD:
		if (side && m->state == EBN_FS_HALF_OPEN)
			m->state = EBN_FS_REPLIED;
		break;
	case K_ACK_GOOD:
		if (!side && m->state == EBN_FS_REPLIED)
			m->state = EBN_FS_ESTABLISHED;
		break;
	case K_SYN:
	case K_SYNACK_BAD:
	case K_ACK_BAD:
	case K_MAX:
		break;
	}
	/* a FIN carries an acknowledgement that is wrong on purpose, so that it proves nothing */
	m->bytes[side] += len;
	return 1;
}

static void make(struct spec *s, int side, enum kind k, bool v6)
{
	static const uint8_t flags[] = { SYN, SYN | ACK, SYN | ACK, ACK, ACK, FIN | ACK, RST };
	const char *a = v6 ? A6 : A4, *b = v6 ? FAR6 : FAR4;

	memset(s, 0, sizeof(*s));
	s->src = side ? b : a;
	s->dst = side ? a : b;
	s->sport = side ? 80 : 4321;
	s->dport = side ? 4321 : 80;
	s->flags = flags[k];
	s->seq = side ? SERVER_ISN : CLIENT_ISN;
	if (k == K_SYNACK_GOOD || k == K_ACK_GOOD)
		s->ack = (side ? CLIENT_ISN : SERVER_ISN) + 1;
	else
		s->ack = 0x90000000;
}

static int flow_state(bool v6)
{
	struct ebn_flow_copy f;
	struct spec s;

	make(&s, 0, K_SYN, v6);
	return rig_flow(&s, &f) ? (int)EBN_CTL_STATE(f.body.ctl) : EBN_FS_NONE;
}

static void random_connection(uint64_t *seed, bool v6)
{
	struct model m = { .state = EBN_FS_NONE };
	struct rig_result r;
	struct spec s;
	int i, side, let;
	enum kind k;

	rig_flush();
	for (i = 0; i < STEPS / SEQUENCES; i++) {
		/* towards the handshake, so that every state is visited often */
		side = (int)test_below(seed, 2);
		k = (enum kind)test_below(seed, K_MAX);
		if (test_below(seed, 3) == 0) {
			side = m.state == EBN_FS_HALF_OPEN;
			k = m.state == EBN_FS_HALF_OPEN ? K_SYNACK_GOOD :
			    m.state == EBN_FS_REPLIED ? K_ACK_GOOD : K_SYN;
		}
		make(&s, side, k, v6);
		rig_sends(&s, &r);
		let = model_step(&m, side, k, v6 ? 60 : 40);
		ck_assert_msg((r.action != DROP) == let, "step %d: %s from side %d in state %d: action %d (%s)", i,
			      kind_name[k], side, m.state, r.action, rig_reason_name(r.reason));
		ck_assert_msg(flow_state(v6) == m.state, "step %d: %s from side %d: state %d, not %d", i, kind_name[k],
			      side, flow_state(v6), m.state);
	}
}

START_TEST(random_connections_agree_with_the_reference)
{
	uint64_t seed = test_seed();
	int i;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	for (i = 0; i < SEQUENCES; i++)
		random_connection(&seed, i & 1);
	rig_close();
}
END_TEST

static struct rig_result r;

static void step(int side, enum kind k, int expected)
{
	struct spec s;

	make(&s, side, k, false);
	rig_sends(&s, &r);
	ck_assert_int_eq(flow_state(false), expected);
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
	step(0, K_FIN, EBN_FS_ESTABLISHED);
	ck_assert(!r.reported);
	step(1, K_FIN, EBN_FS_CLOSING);
	ck_assert(r.reported);
	ck_assert_uint_eq(r.event.type, EBN_EV_CLOSE);
	make(&s, 0, K_SYN, false);
	ck_assert_int_eq(rig_flow(&s, &f), 1);
	ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], 5);
	/* the same ports once more: judged like the first time */
	step(0, K_SYN, EBN_FS_HALF_OPEN);
	ck_assert_uint_eq(r.event.type, EBN_EV_VERDICT);
	step(1, K_RST, EBN_FS_CLOSING);
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
	ck_assert_int_eq(flow_state(false), EBN_FS_ESTABLISHED);
	data.sport = 1;
	data.flags = RST;
	rig_sends(&data, &r);
	ck_assert_int_eq(r.reason, EBN_R_FLOW_INVALID);
	rig_close();
}
END_TEST

RUN_SUITE("packet-tcp", random_connections_agree_with_the_reference, a_connection_from_beginning_to_end,
	  a_connection_may_be_picked_up_where_that_is_configured)
