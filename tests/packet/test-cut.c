// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Flows that policy no longer allows, where they are cut: what the packet that was denied becomes, and what still passes. */
#include <arpa/inet.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

static struct rig_result r;

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

/* The output is an RST between these ends, with these numbers and right checksums. */
static void is_rst(const char *src, const char *dst, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
		   const uint8_t *dmac)
{
	struct spec s = { .src = src, .dst = dst };
	bool v6 = spec_is6(&s);
	const uint8_t *ip = r.out.b + 14, *tcp = ip + (v6 ? 40 : 20);
	uint8_t all[60] = { 0 };
	uint32_t a[4], b[4];

	ck_assert_uint_eq(r.out.len, v6 ? 74 : 54);
	ck_assert_mem_eq(r.out.b, dmac, 6);
	packet_addr(src, a);
	packet_addr(dst, b);
	if (v6) {
		ck_assert_mem_eq(ip + 8, a, 16);
		ck_assert_mem_eq(ip + 24, b, 16);
		memcpy(all, ip + 8, 32);
	} else {
		ck_assert_mem_eq(ip + 12, &a[3], 4);
		ck_assert_mem_eq(ip + 16, &b[3], 4);
		ck_assert(packet_ip4_sum_ok(&r.out));
		memcpy(all, ip + 12, 8);
	}
	ck_assert_uint_eq(be32(tcp) >> 16, sport);
	ck_assert_uint_eq(be32(tcp) & 0xffff, dport);
	ck_assert_uint_eq(be32(tcp + 4), seq);
	ck_assert_uint_eq(be32(tcp + 8), ack);
	ck_assert_uint_eq(tcp[13], RST | ACK);
	all[35] = 20;
	all[39] = TCP;
	memcpy(all + 40, tcp, 20);
	/* a sum over all of it, checksum included, is nothing */
	ck_assert_uint_eq(packet_sum(all, sizeof(all), 0), 0);
}

static struct spec from_a(bool v6, uint8_t flags, size_t payload)
{
	return (struct spec){ .src = v6 ? A6 : A4, .dst = v6 ? FAR6 : FAR4, .sport = 4321, .dport = 80, .flags = flags,
			      .seq = flags & SYN ? 1000 : 1001, .ack = flags & SYN ? 0 : 70001, .payload = payload };
}

static struct spec to_a(bool v6, uint8_t flags, size_t payload)
{
	return (struct spec){ .src = v6 ? FAR6 : FAR4, .dst = v6 ? A6 : A4, .sport = 80, .dport = 4321, .flags = flags,
			      .seq = flags & SYN ? 70000 : 70001, .ack = 1001, .payload = payload };
}

static void sends(struct spec s)
{
	rig_sends(&s, &r);
}

static int state(bool v6)
{
	struct spec s = from_a(v6, SYN, 0);
	struct ebn_flow_copy f;

	return rig_flow(&s, &f) ? (int)EBN_CTL_STATE(f.body.ctl) : EBN_FS_NONE;
}

static void establish(bool v6)
{
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	sends(from_a(v6, SYN, 0));
	sends(to_a(v6, SYN | ACK, 0));
	sends(from_a(v6, ACK, 0));
	ck_assert_int_eq(state(v6), EBN_FS_ESTABLISHED);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
}

static void cut_both_ways(bool v6)
{
	const char *a = v6 ? A6 : A4, *far = v6 ? FAR6 : FAR4;

	establish(v6);
	/* the endpoint's packet: it gets the RST */
	sends(from_a(v6, ACK | PSH, 100));
	ck_assert_int_eq(r.action, REDIRECT);
	ck_assert_uint_eq(r.event.type, EBN_EV_DROP);
	ck_assert_uint_eq(r.event.reason, EBN_R_RECHECK);
	is_rst(far, a, 80, 4321, 70001, 1101, mac_a);
	ck_assert_int_eq(state(v6), EBN_FS_CLOSING);
	/* the other side's: the endpoint gets the RST, as if the other side had sent it */
	sends(to_a(v6, ACK, 50));
	ck_assert_int_eq(r.action, REDIRECT);
	ck_assert_uint_eq(r.event.reason, EBN_R_RECHECK);
	is_rst(far, a, 80, 4321, 70001, 1001, mac_a);
	/* who speaks on does not bring it back */
	ck_assert_int_eq(state(v6), EBN_FS_CLOSING);
	/* RSTs pass either way, with nothing in them */
	sends(from_a(v6, RST | ACK, 0));
	ck_assert_int_eq(r.action, PASS);
	sends(to_a(v6, RST, 0));
	ck_assert_int_eq(r.action, REDIRECT);
	ck_assert_uint_eq(r.out.len, v6 ? 74 : 54);
	ck_assert(!r.reported || r.event.type != EBN_EV_DROP);
	sends(from_a(v6, RST, 1));
	ck_assert_int_eq(r.action, DROP);
	/* a FIN counts as a byte */
	sends(from_a(v6, FIN | ACK, 0));
	is_rst(far, a, 80, 4321, 70001, 1002, mac_a);
}

START_TEST(denied_packets_become_resets)
{
	rig_open(NULL);
	rig.hdr->flags |= EBN_NODE_F_CUT;
	cut_both_ways(false);
	cut_both_ways(true);
	rig_close();
}
END_TEST

START_TEST(the_stack_brings_one)
{
	struct spec syn = { .src = B4, .dst = FAR4, .smac = mac_b, .dmac = mac_gw, .sport = 5, .dport = 80,
			    .flags = SYN, .seq = 10 };
	struct spec answer = { .src = FAR4, .dst = B4, .smac = mac_gw, .dmac = mac_b, .sport = 80, .dport = 5,
			       .flags = SYN | ACK, .seq = 900, .ack = 11 };
	struct packet p;

	rig_open(NULL);
	rig.hdr->flags |= EBN_NODE_F_CUT;
	rig_policy(SUBJECT_B, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	rig_sends(&syn, &r);
	ck_assert_int_eq(r.action, PASS);
	rig_policy(SUBJECT_B, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	packet_make(&p, &answer);
	rig_run(TO_EP, rig.ifindex_b, &p, &r);
	ck_assert_int_eq(r.action, PASS);
	ck_assert_uint_eq(r.event.reason, EBN_R_RECHECK);
	is_rst(FAR4, B4, 80, 5, 900, 11, mac_b);
	rig_close();
}
END_TEST

START_TEST(what_is_not_cut)
{
	static const uint8_t nop[4] = { 1, 1, 1, 0 };
	struct packet inner;
	struct spec s;

	rig_open(NULL);
	establish(false);
	/* not switched on */
	sends(from_a(false, ACK, 10));
	ck_assert_int_eq(r.action, DROP);
	ck_assert_uint_eq(r.reason, EBN_R_RECHECK);
	sends(from_a(false, RST, 0));
	ck_assert_int_eq(r.action, DROP);
	rig.hdr->flags |= EBN_NODE_F_CUT;
	/* options, fragments, errors about it, other protocols, and flows that never were */
	s = from_a(false, ACK, 10);
	s.options = nop;
	s.options_len = 4;
	sends(s);
	ck_assert_int_eq(r.action, DROP);
	s = from_a(false, ACK, 10);
	s.more = true;
	sends(s);
	ck_assert_int_eq(r.action, DROP);
	s = from_a(false, ACK, 10);
	packet_make(&inner, &s);
	sends((struct spec){ .src = FAR4, .dst = A4, .proto = ICMP, .type = 3, .code = 1, .inner = &inner });
	ck_assert_int_eq(r.action, DROP);
	s = (struct spec){ .src = A4, .dst = FAR4, .sport = 9, .dport = 80, .flags = SYN };
	sends(s);
	ck_assert_int_eq(r.action, DROP);
	ck_assert_uint_eq(r.reason, EBN_R_POLICY_RULE);
	s.flags = RST;
	sends(s);
	ck_assert_int_eq(r.action, DROP);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_ALLOW);
	s = (struct spec){ .src = A4, .dst = FAR4, .proto = UDP, .sport = 9, .dport = 80, .payload = 4 };
	sends(s);
	ck_assert_int_eq(r.action, PASS);
	rig_policy(SUBJECT_A, EBN_EGRESS, P_FAR, Q_WEB, D_DENY);
	sends(s);
	ck_assert_int_eq(r.action, DROP);
	rig_close();
}
END_TEST

RUN_SUITE("packet-cut", denied_packets_become_resets, the_stack_brings_one, what_is_not_cut)
