// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Packets through the real programs: what is let through, what is dropped and why, what is rewritten and what is reported. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

static struct rig_result r;

#define EXPECT_DROP(why)                                                                                       \
	do {                                                                                                   \
		ck_assert_int_eq(r.action, DROP);                                                              \
		ck_assert_str_eq(rig_reason_name(r.reason), #why);                                             \
		ck_assert(r.reported);                                                                         \
		ck_assert_uint_eq(r.event.type, EBN_EV_DROP);                                                  \
		ck_assert_str_eq(rig_reason_name(r.event.reason), #why);                                       \
		ck_assert_uint_eq(r.event.verdict, EBN_V_DENY);                                                \
	} while (0)
#define EXPECT(act)                                                                                            \
	do {                                                                                                   \
		ck_assert_msg(r.action == (act), "action %d, reason %s", r.action, rig_reason_name(r.reason)); \
		ck_assert_uint_eq(r.reason, EBN_R_NONE);                                                       \
	} while (0)
#define SEND(...) rig_sends(&(struct spec){ __VA_ARGS__ }, &r)

static void check_event(const char *src, const char *dst, unsigned int sport, unsigned int dport)
{
	uint32_t a[4];

	packet_addr(src, a);
	ck_assert_mem_eq(r.event.src, a, 16);
	packet_addr(dst, a);
	ck_assert_mem_eq(r.event.dst, a, 16);
	ck_assert_uint_eq(r.event.sport, sport);
	ck_assert_uint_eq(r.event.dport, dport);
	ck_assert_uint_eq(r.event.abi, EBN_EVENT_ABI);
	ck_assert_uint_ne(r.event.time_ns, 0);
}

START_TEST(remote_flow_is_judged_recorded_and_reported)
{
	struct spec syn = { .src = A4, .dst = FAR4, .sport = 4000, .dport = 80, .flags = SYN, .seq = 100 };
	struct ebn_flow_copy f;
	struct ebn_ep_stat st;

	rig_open(NULL);
	rig_sends(&syn, &r);
	EXPECT_DROP(POLICY);
	check_event(A4, FAR4, 4000, 80);
	ck_assert_uint_eq(r.event.src_identity, 1001);
	ck_assert_uint_eq(r.event.dst_identity, 1003);
	ck_assert_uint_eq(r.event.egress_decision, D_DEFAULT);
	ck_assert_uint_eq(r.event.ingress_decision, EBN_DECISION_NONE);
	ck_assert_uint_eq(r.event.ep, 101);
	ck_assert_uint_eq(r.event.point, EBN_AT_FROM_ENDPOINT);
	ck_assert_uint_eq(r.event.ifindex, rig.ifindex_a);
	ck_assert_uint_eq(r.event.len, 40);
	ck_assert_int_eq(rig_flow(&syn, &f), 0);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	rig_sends(&syn, &r);
	EXPECT_DROP(POLICY_RULE);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&syn, &r);
	EXPECT(PASS);
	ck_assert(r.reported);
	ck_assert_uint_eq(r.event.type, EBN_EV_VERDICT);
	ck_assert_uint_eq(r.event.verdict, EBN_V_ALLOW);
	ck_assert_uint_eq(r.event.egress_decision, D_ALLOW);
	ck_assert_int_eq(rig_flow(&syn, &f), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(f.body.ctl), EBN_FS_HALF_OPEN);
	ck_assert_uint_eq(f.body.aux, 100);
	ck_assert_uint_eq(f.body.decision, D_ALLOW);
	ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], 1);
	rig_sends(&syn, &r);
	EXPECT(PASS);
	ck_assert(!r.reported);
	rig_ep_stat(rig.row_a, &st);
	ck_assert_uint_eq(st.packets[0], 2);
	ck_assert_uint_eq(st.bytes[0], 80);
	ck_assert_uint_eq(st.dropped[0], 2);
	ck_assert_uint_eq(st.flows[0], 1);
	rig_close();
}
END_TEST

static void local_both_ways(const char *a, const char *b, bool v6)
{
	struct spec syn = { .src = a, .dst = b, .sport = 4000, .dport = 80, .flags = SYN, .seq = 1 };
	struct ebn_flow_copy f;

	rig_policy(SUBJECT_A, EBN_EGRESS, P_B, Q_WEB, D_ALLOW);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_WEB, D_DEFAULT);
	rig_sends(&syn, &r);
	EXPECT_DROP(POLICY);
	ck_assert_uint_eq(r.event.egress_decision, D_ALLOW);
	ck_assert_uint_eq(r.event.ingress_decision, D_DEFAULT);
	ck_assert_uint_eq(r.event.peer_ep, 102);
	ck_assert(r.event.flags & EBN_EVF_LOCAL);
	ck_assert_int_eq(!!(r.event.flags & EBN_EVF_IPV6), v6);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_WEB, D_ALLOW);
	rig_sends(&syn, &r);
	EXPECT(REDIRECT);
	ck_assert_mem_eq(r.out.b, mac_b, 6);
	ck_assert_mem_eq(r.out.b + 6, mac_gw, 6);
	ck_assert_uint_eq(r.out.b[v6 ? 21 : 22], 63);
	ck_assert(v6 || packet_ip4_sum_ok(&r.out));
	ck_assert_int_eq(rig_flow(&syn, &f), 1);
	ck_assert_uint_ne(f.body.row[0], 0);
	ck_assert_uint_ne(f.body.row[1], 0);
	/* the answer follows the initiator's verdict: b's egress and a's ingress are closed */
	SEND(.src = b, .dst = a, .sport = 80, .dport = 4000, .flags = SYN | ACK, .seq = 9, .ack = 2);
	EXPECT(REDIRECT);
	ck_assert(!r.reported);
	ck_assert_mem_eq(r.out.b, mac_a, 6);
	/* but b may not call back on the same ports */
	SEND(.src = b, .dst = a, .sport = 80, .dport = 4000, .flags = SYN, .seq = 9);
	EXPECT_DROP(POLICY);
	/* the last hop is the stack's to answer for */
	SEND(.src = a, .dst = b, .sport = 4000, .dport = 80, .flags = ACK, .seq = 2, .ack = 10, .ttl = 1);
	EXPECT(PASS);
	SEND(.src = a, .dst = b, .sport = 4000, .dport = 80, .flags = ACK, .seq = 2, .ack = 10, .ttl = -1);
	EXPECT_DROP(TTL);
	rig_ep(rig.row_b)->flags &= ~EBN_EP_F_REDIRECT;
	SEND(.src = a, .dst = b, .sport = 4000, .dport = 80, .flags = ACK, .seq = 2, .ack = 10);
	EXPECT(PASS);
	rig_ep(rig.row_b)->flags |= EBN_EP_F_REDIRECT;
}

START_TEST(local_flow_has_both_policies_in_one_pass)
{
	rig_open(NULL);
	local_both_ways(A4, B4, false);
	local_both_ways(A6, B6, true);
	rig_close();
}
END_TEST

START_TEST(the_stack_brings_to_an_endpoint_what_its_policy_allows)
{
	struct spec s = { .src = GW4, .dst = B4, .smac = mac_gw, .dmac = mac_b, .sport = 5, .dport = 80, .flags = SYN };
	struct ebn_ep_stat st;
	struct packet p;

	rig_open(NULL);
	packet_make(&p, &s);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT_DROP(POLICY);
	ck_assert_uint_eq(r.event.src_identity, EBN_ID_HOST);
	ck_assert_uint_eq(r.event.point, EBN_AT_TO_ENDPOINT);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_HOST, Q_WEB, D_ALLOW);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT(PASS);
	/* not this endpoint's address */
	s.dst = A4;
	packet_make(&p, &s);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT_DROP(NO_ROUTE);
	/* from an endpoint here, by the stack: judged and counted where it was sent */
	rig_allow_all();
	rig_ep(rig.row_b)->flags &= ~EBN_EP_F_REDIRECT;
	SEND(.src = A4, .dst = B4, .sport = 7, .dport = 80, .flags = SYN);
	EXPECT(PASS);
	s = (struct spec){ .src = A4, .dst = B4, .smac = mac_gw, .dmac = mac_b, .sport = 7, .dport = 80, .flags = SYN };
	packet_make(&p, &s);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	EXPECT(PASS);
	rig_ep_stat(rig.row_b, &st);
	ck_assert_uint_eq(st.packets[1], 2);
	rig_close();
}
END_TEST

START_TEST(the_wire_reaches_endpoints_and_nothing_else_is_touched)
{
	struct packet p;

	rig_open(NULL);
	SEND(.src = FAR4, .dst = B4, .sport = 5, .dport = 80, .flags = SYN);
	EXPECT_DROP(POLICY);
	ck_assert_uint_eq(r.event.point, EBN_AT_FROM_NETDEV);
	ck_assert_uint_eq(r.event.ep, 102);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_FAR, Q_WEB, D_ALLOW);
	SEND(.src = FAR4, .dst = B4, .sport = 5, .dport = 80, .flags = SYN);
	EXPECT(REDIRECT);
	ck_assert_mem_eq(r.out.b, mac_b, 6);
	SEND(.src = FAR6, .dst = B6, .sport = 5, .dport = 80, .flags = SYN);
	EXPECT(REDIRECT);
	/* in the name of an endpoint of this node */
	packet_make(&p, &(struct spec){ .src = A4, .dst = B4, .smac = mac_other, .dmac = mac_nd, .dport = 80,
					.flags = SYN });
	rig_run(FROM_NETDEV, rig.ifindex_nd, &p, &r);
	EXPECT_DROP(SOURCE_IP);
	rig_ep(rig.row_b)->flags &= ~EBN_EP_F_REDIRECT;
	rig_run(FROM_NETDEV, rig.ifindex_nd, &p, &r);
	EXPECT_DROP(SOURCE_IP);
	/* for the host, for others, and what is not IP */
	SEND(.src = FAR4, .dst = "192.0.2.1", .flags = SYN);
	EXPECT(PASS);
	packet_make(&p, &(struct spec){ .src = FAR4, .dst = B4, .smac = mac_nd, .dmac = mac_other, .flags = SYN });
	rig_run(FROM_NETDEV, rig.ifindex_nd, &p, &r);
	EXPECT(PASS);
	packet_arp(&p, 1, mac_other, FAR4, NULL, "10.9.0.2");
	rig_run(FROM_NETDEV, rig.ifindex_nd, &p, &r);
	EXPECT(PASS);
	rig_run(TO_NETDEV, rig.ifindex_nd, &p, &r);
	EXPECT(PASS);
	rig_close();
}
END_TEST

START_TEST(an_endpoint_speaks_in_its_own_name_only)
{
	struct packet p;

	rig_open(NULL);
	rig_allow_all();
	SEND(.src = A4, .dst = FAR4, .smac = mac_other, .flags = SYN, .dport = 80);
	/* the rig sends by mac; another's mac from a's device */
	packet_make(&p, &(struct spec){ .src = A4, .dst = FAR4, .smac = mac_other, .dmac = mac_gw, .flags = SYN });
	rig_run(FROM_EP, rig.ifindex_a, &p, &r);
	EXPECT_DROP(SOURCE_MAC);
	SEND(.src = "10.0.0.9", .dst = FAR4, .smac = mac_a, .flags = SYN);
	EXPECT_DROP(SOURCE_IP);
	SEND(.src = "fd00::9", .dst = FAR6, .smac = mac_a, .flags = SYN);
	EXPECT_DROP(SOURCE_IP);
	/* link local is for neighbours */
	SEND(.src = A6_LL, .dst = FAR6, .smac = mac_a, .flags = SYN);
	EXPECT_DROP(SOURCE_IP);
	SEND(.src = A4, .dst = "224.0.0.1", .proto = UDP);
	EXPECT_DROP(MULTICAST);
	SEND(.src = A4, .dst = "255.255.255.255", .proto = UDP);
	EXPECT_DROP(MULTICAST);
	SEND(.src = A6, .dst = "ff02::fb", .proto = UDP);
	EXPECT_DROP(MULTICAST);
	packet_make(&p, &(struct spec){ .src = A4, .dst = FAR4, .smac = mac_a, .flags = SYN });
	rig_run(FROM_EP, rig.ifindex_nd, &p, &r);
	EXPECT_DROP(NO_ENDPOINT);
	rig_run(TO_EP, rig.ifindex_nd, &p, &r);
	EXPECT_DROP(NO_ENDPOINT);
	rig_close();
}
END_TEST

START_TEST(other_verdicts_and_missing_tables_deny)
{
	uint64_t root;
	struct spec s = { .src = A4, .dst = FAR4, .sport = 1, .dport = 80, .flags = SYN };

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_REDIRECT);
	rig_sends(&s, &r);
	EXPECT_DROP(REDIRECT_PROXY);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_AUTH);
	rig_sends(&s, &r);
	EXPECT_DROP(AUTH);
	rig_ep(rig.row_a)->subject = SUBJECT_NONE;
	rig_sends(&s, &r);
	EXPECT_DROP(NO_POLICY);
	rig_ep(rig.row_a)->subject = SUBJECT_A;
	rig_allow_all();
	root = rig.hdr->root;
	rig.hdr->root = 0;
	rig_sends(&s, &r);
	ck_assert_int_eq(r.action, DROP);
	ck_assert_uint_eq(r.reason, EBN_R_TABLES);
	SEND(.src = FAR4, .dst = B4, .dport = 80, .flags = SYN);
	ck_assert_int_eq(r.action, DROP);
	ck_assert_uint_eq(r.reason, EBN_R_TABLES);
	rig.hdr->root = root;
	rig_sends(&s, &r);
	EXPECT(PASS);
	rig_close();
}
END_TEST

START_TEST(audit_lets_through_and_says_so)
{
	struct spec s = { .src = A4, .dst = FAR4, .sport = 1, .dport = 80, .flags = SYN };
	struct ebn_flow_copy f;

	rig_open(NULL);
	rig.subjects[SUBJECT_A].flags |= EBN_SUBJ_F_AUDIT;
	rig_sends(&s, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(r.event.verdict, EBN_V_AUDIT);
	ck_assert_int_eq(rig_flow(&s, &f), 1);
	ck_assert(EBN_CTL_FLAGS(f.body.ctl) & EBN_FF_AUDIT);
	rig.subjects[SUBJECT_A].flags = EBN_SUBJ_F_LIVE;
	s.sport = 2;
	rig_sends(&s, &r);
	EXPECT_DROP(POLICY);
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_ENFORCE;
	rig_sends(&s, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(r.event.verdict, EBN_V_AUDIT);
	/* a connection from before the endpoint was known goes on */
	s.sport = 3;
	s.flags = ACK;
	rig_sends(&s, &r);
	EXPECT(PASS);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_AUDIT);
	rig_ep(rig.row_a)->flags |= EBN_EP_F_ENFORCE;
	s = (struct spec){ .src = A4, .dst = FAR4, .sport = 4, .dport = 80, .flags = SYN };
	rig_sends(&s, &r);
	EXPECT(PASS);
	ck_assert_uint_eq(r.event.verdict, EBN_V_AUDIT);
	ck_assert_uint_eq(r.event.egress_decision, D_AUDIT);
	rig_close();
}
END_TEST

START_TEST(a_change_is_met_by_the_flows_next_packet)
{
	struct spec syn = { .src = A4, .dst = B4, .sport = 1, .dport = 80, .flags = SYN, .seq = 5 };
	struct spec reply = { .src = B4, .dst = A4, .sport = 80, .dport = 1, .flags = SYN | ACK, .seq = 8, .ack = 6 };
	uint32_t a[4];

	rig_open(NULL);
	rig_allow_all();
	rig_sends(&syn, &r);
	EXPECT(REDIRECT);
	ck_assert_uint_eq(rig_counter(EBN_C_RECHECK), 0);
	/* an epoch moves, the verdict stays: checked once, not reported */
	ebn_node_raise_subject(rig.nt, SUBJECT_B);
	rig_sends(&reply, &r);
	EXPECT(REDIRECT);
	ck_assert(!r.reported);
	ck_assert_uint_eq(rig_counter(EBN_C_RECHECK), 1);
	rig_sends(&reply, &r);
	ck_assert_uint_eq(rig_counter(EBN_C_RECHECK), 1);
	/* denied: replies too, because the beginner's direction is what is judged */
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_WEB, D_DENY);
	rig_sends(&reply, &r);
	EXPECT_DROP(RECHECK);
	ck_assert(r.event.flags & EBN_EVF_RECHECK);
	ck_assert(r.event.flags & EBN_EVF_REPLY);
	ck_assert_uint_eq(r.event.ingress_decision, D_DENY);
	rig_sends(&syn, &r);
	EXPECT_DROP(RECHECK);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_WEB, D_ALLOW);
	rig_sends(&reply, &r);
	EXPECT(REDIRECT);
	/* the peer's address is somebody else's now */
	packet_addr(A4, a);
	ck_assert_int_eq(ebn_addr_set(rig.rows, a, 1003, rig.row_a + 1), 0);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_FAR, Q_WEB, D_DENY);
	rig_sends(&reply, &r);
	EXPECT_DROP(RECHECK);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&reply, &r);
	EXPECT(REDIRECT);
	/* the address moved to another node: still allowed, no longer delivered here */
	ck_assert_int_eq(ebn_addr_set(rig.rows, a, 1003, 0), 0);
	rig_ep(rig.row_a)->addr4 = 0;
	rig_sends(&reply, &r);
	EXPECT(PASS);
	rig_close();
}
END_TEST

START_TEST(icmp_errors_follow_the_flow_they_speak_of)
{
	struct spec syn = { .src = A4, .dst = FAR4, .sport = 1, .dport = 80, .flags = SYN };
	struct spec syn6 = { .src = A6, .dst = FAR6, .sport = 1, .dport = 80, .flags = SYN };
	struct packet inner, inner6;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	packet_make(&inner, &syn);
	packet_make(&inner6, &syn6);
	SEND(.src = "198.51.100.1", .dst = A4, .proto = ICMP, .type = 3, .code = 4, .inner = &inner);
	EXPECT_DROP(ICMP_UNKNOWN);
	check_event("198.51.100.1", A4, 3, 4);
	ck_assert_uint_eq(r.event.proto, ICMP);
	rig_sends(&syn, &r);
	EXPECT(PASS);
	rig_sends(&syn6, &r);
	EXPECT(PASS);
	SEND(.src = "198.51.100.1", .dst = A4, .proto = ICMP, .type = 3, .code = 4, .inner = &inner);
	EXPECT(REDIRECT);
	SEND(.src = "2001:db8::1", .dst = A6, .proto = ICMP6, .type = 2, .inner = &inner6);
	EXPECT(REDIRECT);
	/* about something that somebody else sent */
	SEND(.src = "198.51.100.1", .dst = B4, .proto = ICMP, .type = 3, .code = 4, .inner = &inner);
	EXPECT_DROP(ICMP_UNKNOWN);
	/* an endpoint about a flow that is not its own */
	SEND(.src = B4, .dst = A4, .proto = ICMP, .type = 3, .code = 3, .inner = &inner);
	EXPECT_DROP(ICMP_UNKNOWN);
	/* it is no packet of the flow: policy that changed is asked, with the flow's port */
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	SEND(.src = "198.51.100.1", .dst = A4, .proto = ICMP, .type = 11, .inner = &inner);
	EXPECT_DROP(RECHECK);
	rig_close();
}
END_TEST

static void echo(const char *a, const char *b, uint8_t proto, uint8_t request, uint8_t answer)
{
	struct ebn_flow_copy f;
	struct spec ping = { .src = a, .dst = b, .proto = proto, .type = request, .id = 77 };

	rig_policy(SUBJECT_A, EBN_EGRESS, P_B, Q_ECHO, D_ALLOW);
	rig_policy(SUBJECT_B, EBN_INGRESS, P_A, Q_ECHO, D_ALLOW);
	SEND(.src = b, .dst = a, .proto = proto, .type = answer, .id = 77);
	EXPECT_DROP(FLOW_INVALID);
	rig_sends(&ping, &r);
	EXPECT(REDIRECT);
	check_event(a, b, request, 0);
	SEND(.src = b, .dst = a, .proto = proto, .type = answer, .id = 77);
	EXPECT(REDIRECT);
	ck_assert_int_eq(rig_flow(&ping, &f), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(f.body.ctl), EBN_FS_REPLIED);
	SEND(.src = b, .dst = a, .proto = proto, .type = answer, .id = 78);
	EXPECT_DROP(FLOW_INVALID);
	/* a request from the other side is another flow, and closed */
	SEND(.src = b, .dst = a, .proto = proto, .type = request, .id = 77);
	EXPECT_DROP(POLICY);
}

START_TEST(echo_knows_who_asked)
{
	rig_open(NULL);
	echo(A4, B4, ICMP, 8, 0);
	echo(A6, B6, ICMP6, 128, 129);
	rig_close();
}
END_TEST

START_TEST(udp_becomes_a_stream_by_packets_both_ways)
{
	struct spec q = { .src = A4, .dst = FAR4, .proto = UDP, .sport = 9, .dport = 80, .payload = 4 };
	struct spec a = { .src = FAR4, .dst = A4, .proto = UDP, .sport = 80, .dport = 9, .payload = 4 };
	struct ebn_flow_copy f;
	int i;

	rig_open(NULL);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	for (i = 0; i < 10; i++)
		rig_sends(&q, &r);
	EXPECT(PASS);
	ck_assert_int_eq(rig_flow(&q, &f), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(f.body.ctl), EBN_FS_HALF_OPEN);
	rig_sends(&a, &r);
	EXPECT(REDIRECT);
	ck_assert_int_eq(rig_flow(&q, &f), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(f.body.ctl), EBN_FS_REPLIED);
	for (i = 0; i < 4; i++)
		rig_sends(&a, &r);
	ck_assert_int_eq(rig_flow(&q, &f), 1);
	ck_assert_uint_eq(EBN_CTL_STATE(f.body.ctl), EBN_FS_ESTABLISHED);
	ck_assert_uint_eq(f.body.packets[0] + f.body.packets[1], 15);
	rig_close();
}
END_TEST

START_TEST(a_full_table_refuses_and_says_so)
{
	struct spec s = { .src = A4, .dst = FAR4, .dport = 80, .flags = SYN };
	struct rig_opts small = { .sets = 16 };
	uint64_t i, ways = 16 * EBN_FLOW_WAYS;
	struct ebn_flow_set4 *set;

	rig_open(&small);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	for (s.sport = 1; s.sport < 2000; s.sport++)
		rig_sends(&s, &r);
	/* half-open flows make room for each other */
	EXPECT(PASS);
	ck_assert_uint_gt(rig_counter(EBN_C_FLOW_EVICTED), 0);
	set = rig.flows[0].mem;
	for (i = 0; i < ways; i++) {
		struct ebn_flow_body *b = &set[i / EBN_FLOW_WAYS].e[i % EBN_FLOW_WAYS].body;

		b->ctl = EBN_CTL(EBN_CTL_SEQ(b->ctl), EBN_FS_ESTABLISHED, 0, 0);
	}
	s.sport = 5000;
	rig_sends(&s, &r);
	EXPECT_DROP(FLOW_FULL);
	/* nobody is cut off where nothing is enforced */
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_ENFORCE;
	rig_sends(&s, &r);
	EXPECT(PASS);
	ck_assert_uint_gt(rig_counter(EBN_C_FLOW_UNRECORDED), 0);
	rig_close();
}
END_TEST

START_TEST(watching_reports_new_flows_and_touches_nothing)
{
	struct packet p, noise = { .len = 30 };
	struct spec s = { .src = "192.0.2.1", .dst = A4, .smac = mac_other, .dmac = mac_nd, .sport = 1, .dport = 2,
			  .flags = SYN };

	rig_open(NULL);
	packet_make(&p, &s);
	rig_run(WATCH_IN, rig.ifindex_nd, &p, &r);
	EXPECT(PASS);
	ck_assert(r.reported);
	ck_assert_uint_eq(r.event.type, EBN_EV_SEEN);
	ck_assert_uint_eq(r.event.dst_identity, 1001);
	ck_assert_mem_eq(r.out.b, p.b, p.len);
	rig_run(WATCH_IN, rig.ifindex_nd, &p, &r);
	ck_assert(!r.reported);
	s = (struct spec){ .src = A4, .dst = "192.0.2.1", .sport = 2, .dport = 1, .flags = SYN | ACK };
	packet_make(&p, &s);
	rig_run(WATCH_OUT, rig.ifindex_nd, &p, &r);
	EXPECT(PASS);
	ck_assert(!r.reported);
	rig_run(WATCH_OUT, rig.ifindex_nd, &noise, &r);
	EXPECT(PASS);
	rig_close();
}
END_TEST

/* ---- tables that are being replaced ---- */

static const struct ebn_flow_layout elsewhere = {
	.words = { 9, 15 },
	.at = { { 7, 2, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, 8, 0, 1, 5, 6, 3 },
		{ 14, 3, 12, 7, 1, 9, 0, 13, 2, 11, 4, 10 } },
};

/* What a program of before would say, to be told from what these say. */
static int says(int action)
{
	const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = action },
					 { .code = BPF_JMP | BPF_EXIT } };
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, NULL, "GPL", code, 2, NULL);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void moves(bool v6)
{
	struct spec s = { .src = v6 ? A6 : A4, .dst = v6 ? FAR6 : FAR4, .proto = UDP, .sport = 7, .dport = 80 };
	struct ebn_flow_copy c, got;
	uint64_t pos = 0;

	/* one that is made here is made in the new table, and put into the old one by hand */
	rig_sends(&s, &r);
	ck_assert_int_eq(rig_flow(&s, &c), 1);
	c.body.bytes[0] = 1000;
	c.body.bytes[1] = 2000;
	c.body.packets[0] = 10;
	c.body.packets[1] = 20;
	ck_assert_int_eq(ebn_flow_import(&rig.old[v6], &c), 1);
	memset(rig.flows[v6].mem, 0, ebn_flow_bytes(rig.flows[v6].mask + 1, v6));
	rig_sends(&s, &r);
	ck_assert_int_ne(r.action, DROP);
	ck_assert_int_eq(rig_flow(&s, &got), 1);
	ck_assert_uint_eq(got.body.bytes[0] + got.body.bytes[1], 3000 + r.out.len - 14);
	ck_assert_uint_eq(got.body.packets[0] + got.body.packets[1], 31);
	ck_assert_uint_eq(got.body.row[0] + got.body.row[1], c.body.row[0] + c.body.row[1]);
	ck_assert_uint_eq(got.body.decision, c.body.decision);
	ck_assert_uint_eq(got.body.aux, c.body.aux);
	ck_assert_int_eq(ebn_flow_next(&rig.old[v6], &pos, &c), 0);
}

START_TEST(flows_move_from_a_table_that_is_replaced)
{
	struct rig_opts opts = { .old = &elsewhere };
	struct spec s = { .src = A4, .dst = FAR4, .proto = UDP, .sport = 8, .dport = 80 };
	struct ebn_flow_copy c;
	int i, before[6];

	rig_open(&opts);
	rig_allow_all();
	rig.hdr->stage = EBN_STAGE_DRAIN;
	moves(false);
	moves(true);
	/* everything is still up to those before: and when there are none, nothing passes */
	rig.hdr->stage = EBN_STAGE_OLD;
	rig_sends(&s, &r);
	ck_assert_int_eq(r.action, DROP);
	ck_assert_int_eq(r.reason, EBN_R_TABLES);
	for (i = 0; i < 6; i++)
		before[i] = says(100 + i);
	rig_before(before);
	rig_sends(&s, &r);
	ck_assert_int_eq(r.action, 100 + FROM_EP);
	s.src = FAR4;
	s.dst = A4;
	rig_sends(&s, &r);
	ck_assert_int_eq(r.action, 100 + FROM_NETDEV);
	ck_assert_int_eq(rig_flow(&s, &c), 0);
	rig.hdr->stage = EBN_STAGE_ONE;
	rig_sends(&s, &r);
	ck_assert_int_lt(r.action, 100);
	for (i = 0; i < 6; i++)
		close(before[i]);
	rig_close();
}
END_TEST

RUN_SUITE("packet-path", remote_flow_is_judged_recorded_and_reported, local_flow_has_both_policies_in_one_pass,
	  the_stack_brings_to_an_endpoint_what_its_policy_allows,
	  the_wire_reaches_endpoints_and_nothing_else_is_touched, an_endpoint_speaks_in_its_own_name_only,
	  other_verdicts_and_missing_tables_deny, audit_lets_through_and_says_so,
	  a_change_is_met_by_the_flows_next_packet, icmp_errors_follow_the_flow_they_speak_of, echo_knows_who_asked,
	  udp_becomes_a_stream_by_packets_both_ways, a_full_table_refuses_and_says_so,
	  watching_reports_new_flows_and_touches_nothing, flows_move_from_a_table_that_is_replaced)
