// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <endian.h>

#include "observe/internal.h"
#include "suite.h"

static struct ebn_event sample(void)
{
	return (struct ebn_event){
		.time_ns = 1, .abi = EBN_EVENT_ABI, .type = EBN_EV_VERDICT, .point = EBN_AT_FROM_ENDPOINT,
		.flags = EBN_EVF_L3 | EBN_EVF_L4 | EBN_EVF_REPLY, .verdict = EBN_V_ALLOW, .reason = 0, .proto = 6,
		.tcp_flags = 2, .src = { 0, 0, htobe32(0xffff), htobe32(0x0a000001) },
		.dst = { 0, 0, htobe32(0xffff), htobe32(0x0a000002) }, .sport = 40000, .dport = 80, .len = 60,
		.src_identity = 256, .dst_identity = 257, .egress_decision = 3, .ingress_decision = 4, .ep = 5,
		.peer_ep = 6, .ifindex = 7, .epoch = 8, .generation = 9,
	};
}

static int decode(const struct ebn_event *e, struct ebpfnet_event *ret)
{
	return ebpfnet_event_decode(e, sizeof(*e), ret, sizeof(*ret));
}

START_TEST(every_field_arrives)
{
	struct ebn_event e = sample();
	struct ebpfnet_event out;
	char text[EBPFNET_ADDR_STRLEN];

	ck_assert_int_eq(decode(&e, &out), 0);
	ck_assert_uint_eq(out.time_ns, 1);
	ck_assert_uint_eq(out.type, EBPFNET_EVENT_VERDICT);
	ck_assert_str_eq(ebpfnet_event_point_name(out.point), "from-endpoint");
	ck_assert_uint_eq(out.flags, EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4 | EBPFNET_EVENT_F_REPLY);
	ck_assert_uint_eq(out.verdict, EBN_V_ALLOW);
	ck_assert_uint_eq(out.protocol, 6);
	ck_assert_uint_eq(out.tcp_flags, 2);
	ebpfnet_addr_format(&out.src, text, sizeof(text));
	ck_assert_str_eq(text, "10.0.0.1");
	ebpfnet_addr_format(&out.dst, text, sizeof(text));
	ck_assert_str_eq(text, "10.0.0.2");
	ck_assert_uint_eq(out.sport, 40000);
	ck_assert_uint_eq(out.dport, 80);
	ck_assert_uint_eq(out.len, 60);
	ck_assert_uint_eq(out.src_identity, 256);
	ck_assert_uint_eq(out.dst_identity, 257);
	ck_assert_uint_eq(out.egress_decision, 3);
	ck_assert_uint_eq(out.ingress_decision, 4);
	ck_assert_uint_eq(out.ep, 5);
	ck_assert_uint_eq(out.peer_ep, 6);
	ck_assert_uint_eq(out.ifindex, 7);
	ck_assert_uint_eq(out.epoch, 8);
	ck_assert_uint_eq(out.generation, 9);
}
END_TEST

START_TEST(what_is_not_valid_is_not_shown)
{
	struct ebn_event e = sample();
	struct ebpfnet_event out;

	e.flags = 0;
	ck_assert_int_eq(decode(&e, &out), 0);
	ck_assert_int_eq(ebpfnet_addr_family(&out.src), 0);
	ck_assert_int_eq(ebpfnet_addr_family(&out.dst), 0);
	ck_assert_uint_eq(out.sport, 0);
	ck_assert_uint_eq(out.dport, 0);
	e.flags = EBN_EVF_L3 | EBN_EVF_IPV6;
	e.src[0] = htobe32(0x20010db8);
	ck_assert_int_eq(decode(&e, &out), 0);
	ck_assert_int_eq(ebpfnet_addr_family(&out.src), 6);
	ck_assert_uint_eq(out.flags, EBPFNET_EVENT_F_L3);
	ck_assert_uint_eq(out.dport, 0);
}
END_TEST

START_TEST(bad_records_are_refused)
{
	struct ebpfnet_event out, untouched;
	struct ebn_event e = sample();
	size_t len;

	memset(&out, 0x55, sizeof(out));
	untouched = out;
	ck_assert_int_eq(ebpfnet_event_decode(NULL, sizeof(e), &out, sizeof(out)), -EINVAL);
	ck_assert_int_eq(ebpfnet_event_decode(&e, sizeof(e), NULL, sizeof(out)), -EINVAL);
	for (len = 0; len < sizeof(e); len++)
		ck_assert_int_eq(ebpfnet_event_decode(&e, len, &out, sizeof(out)), -EBADMSG);
#define REFUSED(rc, member, value)                                                                         \
	do {                                                                                               \
		e = sample();                                                                              \
		e.member = value;                                                                          \
		ck_assert_msg(decode(&e, &out) == (rc), #member " " #value);                               \
	} while (0)
	REFUSED(-EPROTO, abi, 0);
	REFUSED(-EPROTO, abi, EBN_EVENT_ABI + 1);
	REFUSED(-EBADMSG, type, 0);
	REFUSED(-EBADMSG, type, EBN_EV_SEEN + 1);
	REFUSED(-EBADMSG, point, EBN_AT_TO_HOST + 1);
	REFUSED(-EBADMSG, verdict, EBN_V_AUTH + 1);
	REFUSED(-EBADMSG, flags, EBN_EVF_L4);
	REFUSED(-EBADMSG, src[0], 1);
	REFUSED(-EBADMSG, dst[2], 0);
	ck_assert_mem_eq(&out, &untouched, sizeof(out));
	/* a longer record is a newer one; a newer reason has no name but is no reason to lose the event */
	REFUSED(0, reason, 250);
	ck_assert_str_eq(ebpfnet_reason_name(out.reason), "?");
}
END_TEST

START_TEST(old_and_new_callers)
{
	struct {
		struct ebpfnet_event known;
		uint64_t future;
	} big;
	struct ebn_event e = sample();
	uint8_t small[16];

	memset(&big, 0x55, sizeof(big));
	ck_assert_int_eq(ebpfnet_event_decode(&e, sizeof(e), &big.known, sizeof(big)), 0);
	ck_assert_uint_eq(big.future, 0);
	memset(small, 0x55, sizeof(small));
	ck_assert_int_eq(ebpfnet_event_decode(&e, sizeof(e), (struct ebpfnet_event *)(void *)small, 9), 0);
	ck_assert_uint_eq(small[8], EBPFNET_EVENT_VERDICT);
	ck_assert_uint_eq(small[9], 0x55);
}
END_TEST

START_TEST(garbage_is_survived)
{
	uint64_t rng = test_seed();
	unsigned int taken = 0, i, j;

	for (i = 0; i < 100000; i++) {
		struct ebn_event e;
		struct ebpfnet_event out;
		uint64_t words[sizeof(e) / 8];

		for (j = 0; j < EBN_ARRAY_SIZE(words); j++)
			words[j] = test_random(&rng);
		memcpy(&e, words, sizeof(e));
		if (test_below(&rng, 4))
			e.abi = EBN_EVENT_ABI;
		if (test_below(&rng, 4)) {
			e.type &= 3;
			e.point &= 7;
			e.verdict &= 3;
		}
		if (decode(&e, &out) < 0)
			continue;
		taken++;
		ck_assert_uint_ge(out.type, EBPFNET_EVENT_VERDICT);
		ck_assert_uint_le(out.type, EBPFNET_EVENT_SEEN);
		ck_assert_str_ne(ebpfnet_event_point_name(out.point), "?");
		ck_assert_int_eq(!!ebpfnet_addr_family(&out.src) && !(out.flags & EBPFNET_EVENT_F_L3), 0);
		ck_assert_int_eq((out.sport || out.dport) && !(out.flags & EBPFNET_EVENT_F_L4), 0);
	}
	ck_assert_uint_gt(taken, 2000);
}
END_TEST

START_TEST(names)
{
	unsigned int i, j;

	for (i = 0; i < EBN_R_MAX; i++) {
		ck_assert_str_ne(ebpfnet_reason_name(i), "?");
		ck_assert_str_ne(ebpfnet_reason_text(i), "");
		for (j = 0; j < i; j++)
			ck_assert_str_ne(ebpfnet_reason_name(i), ebpfnet_reason_name(j));
		/* flow tools can name every number that is given to them */
		if (i)
			ck_assert_msg(ebn_reason_common_name(ebn_reason_number(i)) != NULL, "%s",
				      ebpfnet_reason_name(i));
	}
	ck_assert_uint_lt(EBN_R_MAX, EBN_REASON_CELLS);
	ck_assert_str_eq(ebpfnet_reason_name(EBN_R_POLICY), "POLICY");
	ck_assert_str_eq(ebpfnet_reason_name(EBN_R_MAX), "?");
	ck_assert_str_eq(ebpfnet_reason_name(UINT32_MAX), "?");
	ck_assert_str_eq(ebpfnet_reason_text(UINT32_MAX), "?");
	ck_assert_uint_eq(ebn_reason_number(UINT32_MAX), 0);
	ck_assert_str_eq(ebpfnet_event_type_name(EBPFNET_EVENT_DROP), "drop");
	ck_assert_str_eq(ebpfnet_event_type_name(255), "?");
	ck_assert_str_eq(ebpfnet_event_point_name(255), "?");
	ck_assert_str_eq(ebn_verdict_name(EBN_V_AUDIT), "audit");
	ck_assert_str_eq(ebn_verdict_name(255), "?");
}
END_TEST

RUN_SUITE("event", every_field_arrives, what_is_not_valid_is_not_shown, bad_records_are_refused, old_and_new_callers,
	  garbage_is_survived, names)
