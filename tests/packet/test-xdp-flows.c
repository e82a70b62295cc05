// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The balancer on node devices: who gets which flow, and keeps it. */
#include <string.h>

#include "../unit/suite.h"
#include "xdp_case.h"

static struct ebpfnet_service_opts hundred(unsigned int n)
{
	struct ebpfnet_service_opts o = xc_opts("many", XR_VIP4, NULL, NULL);
	char text[32];
	unsigned int i;

	for (i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "10.19.1.%u", i + 1);
		xc_back[i].addr = xc_addr(text);
	}
	o.n_backends = n;
	return o;
}

#define FLOWS 20000u
static uint8_t taken[FLOWS];

/* Which backend a flow has: the last byte of its address. */
static uint8_t takes(unsigned int i, uint8_t flags)
{
	struct spec q = xc_question(false, TCP);
	char src[32];

	snprintf(src, sizeof(src), "198.51.%u.%u", i >> 8 & 255, i & 255);
	q.src = src;
	q.sport = (uint16_t)(1024 + (i >> 16));
	q.flags = flags;
	xc_goes(&q);
	return xc_last.out.b[33];
}

START_TEST(one_of_a_hundred_moves_two_in_a_hundred_at_most)
{
	struct ebpfnet_service_opts o;
	unsigned int i, moved = 0, others = 0;

	/* so small a table that flows are not remembered: what the Maglev tables do by themselves */
	xr_open(1, false);
	o = hundred(100);
	xc_put(&o);
	for (i = 0; i < FLOWS; i++)
		taken[i] = takes(i, SYN);
	xc_back[41] = xc_back[99];
	o.n_backends = 99;
	xc_put(&o);
	xr_grace();
	for (i = 0; i < FLOWS; i++) {
		if (taken[i] == 42)
			continue;
		others++;
		moved += takes(i, SYN) != taken[i];
	}
	ck_assert_uint_gt(others, FLOWS * 97 / 100);
	ck_assert_msg(moved * 100 <= others * 2, "%u of %u moved", moved, others);
	xr_close();
}
END_TEST

START_TEST(known_flows_do_not_move_at_all)
{
	struct ebpfnet_service_opts o;
	unsigned int i, gone = 0;

	xr_open(16384, false);
	o = hundred(100);
	xc_put(&o);
	for (i = 0; i < 4000; i++)
		taken[i] = takes(i, SYN);
	/* one leaves, one joins, one is about to leave */
	xc_back[41].addr = xc_addr("10.19.1.200");
	xc_back[7].state = EBPFNET_BACKEND_DRAINING;
	xc_put(&o);
	xr_grace();
	for (i = 0; i < 4000; i++) {
		if (taken[i] != 42) {
			ck_assert_uint_eq(takes(i, ACK), taken[i]);
			continue;
		}
		gone++;
		ck_assert_uint_ne(takes(i, ACK), 42);
	}
	ck_assert_uint_gt(gone, 10);
	ck_assert_uint_gt(xr_counter(EBN_XDP_C_CHECKED), 3000);
	/* new ones find the ones that are there */
	for (i = 4000; i < 8000; i++) {
		taken[i] = takes(i, SYN);
		ck_assert_uint_ne(taken[i], 42);
		ck_assert_uint_ne(taken[i], 8);
	}
	/* the service goes, and nobody has its flows any more */
	ck_assert_int_eq(ebn_services_delete(xr.sv, "many"), 0);
	for (i = 0; i < 100; i++) {
		struct spec q = xc_question(false, TCP);

		xc_comes(&q);
		EXPECT(XR_PASS);
	}
	xr_close();
}
END_TEST

START_TEST(a_flood_does_not_make_it_forget_who_was_there)
{
	struct ebpfnet_service_opts o;
	unsigned int i;

	xr_open(64, false);
	o = hundred(100);
	xc_put(&o);
	for (i = 0; i < 200; i++)
		taken[i] = takes(i, SYN);
	/* seen in another tick, they are more than a packet */
	usleep(300000);
	for (i = 0; i < 200; i++)
		takes(i, ACK);
	for (i = 1000; i < 6000; i++)
		takes(i, SYN);
	/* half of the tables' slots are others' now; they are not */
	for (i = 0; i < 50; i++)
		xc_back[i].addr.b[14] = 2;
	for (i = 0; i < 28; i++) {
		xc_back[100 + i].addr = xc_addr("10.19.1.1");
		xc_back[100 + i].addr.b[15] = (uint8_t)(i + 1);
		xc_back[100 + i].state = EBPFNET_BACKEND_DRAINING;
	}
	o.n_backends = 128;
	xc_put(&o);
	for (i = 0; i < 200; i++)
		if (taken[i] > 50 || taken[i] <= 28)
			ck_assert_uint_eq(takes(i, ACK), taken[i]);
	xr_close();
}
END_TEST

START_TEST(datagrams_of_a_backend_that_left_go_to_another)
{
	struct spec q = xc_question(false, UDP);
	char was[64];

	xr_open(0, false);
	xc_service("one", XR_VIP4, "10.9.0.1", NULL);
	snprintf(was, sizeof(was), "%s", xc_goes(&q));
	ck_assert_str_eq(was, "10.9.0.1");
	xc_service("one", XR_VIP4, "10.9.0.2", NULL);
	ck_assert_str_eq(xc_goes(&q), "10.9.0.2");
	xr_close();
}
END_TEST

START_TEST(an_affinity_is_the_clients_and_stays)
{
	struct ebpfnet_service_opts o;
	struct spec q = xc_question(false, TCP);
	uint32_t week = 7 * 86400;
	unsigned int i, b;
	char was[64];

	xr_open(256, false);
	o = hundred(100);
	o.affinity_seconds = _i ? week : 100;
	xc_put(&o);
	snprintf(was, sizeof(was), "%s", xc_goes(&q));
	/* whoever joins or leaves beside it */
	for (i = b = 0; i < 100; i++)
		if (i % 2 == 0 && xc_back[i].addr.b[15] != xc_last.out.b[33])
			xc_back[i].addr.b[14] = 2, b++;
	ck_assert_uint_gt(b, 40);
	xc_put(&o);
	for (i = 0; i < 50; i++) {
		q.sport = (uint16_t)(7000 + i);
		q.flags = SYN;
		ck_assert_str_eq(xc_goes(&q), was);
	}
	/* others are elsewhere */
	q.src = "198.51.100.77";
	for (i = b = 0; i < 20; i++) {
		char src[32];

		snprintf(src, sizeof(src), "198.51.100.%u", i + 1);
		q.src = src;
		b += strcmp(xc_goes(&q), was) != 0;
	}
	ck_assert_uint_gt(b, 10);
	xr_close();
}
END_TEST

START_TEST(what_was_drawn_by_lot_stays)
{
	struct ebpfnet_service_opts o;
	struct spec q = xc_question(false, TCP);
	unsigned int i, others = 0;
	char was[64];

	xr_open(256, false);
	o = hundred(100);
	o.algorithm = EBPFNET_ALGORITHM_RANDOM;
	xc_put(&o);
	for (i = 0; i < 20; i++) {
		q.sport = (uint16_t)(7000 + i);
		q.flags = SYN;
		snprintf(was, sizeof(was), "%s", xc_goes(&q));
		/* the same once more, for the answer was lost */
		ck_assert_str_eq(xc_goes(&q), was);
		q.flags = ACK;
		ck_assert_str_eq(xc_goes(&q), was);
		q.sport = (uint16_t)(8000 + i);
		others += strcmp(xc_goes(&q), was) != 0;
	}
	ck_assert_uint_gt(others, 10);
	xr_close();
}
END_TEST

START_TEST(who_may_not_and_where_nobody_is)
{
	struct ebpfnet_source_range src = { .addr = xc_addr("192.0.2.0"), .prefix = 24, .deny = 1 };
	struct spec q = xc_question(false, TCP);
	struct ebpfnet_service_opts o;
	struct ebn_xdp_svc_stat st;

	xr_open(0, false);
	o = xc_opts("one", XR_VIP4, "10.9.0.1", NULL);
	o.sources = &src;
	o.n_sources = 1;
	xc_put(&o);
	xc_comes(&q);
	EXPECT_DROP(SVC_SOURCE);
	q.src = "192.0.3.9";
	xc_comes(&q);
	EXPECT(XR_TX);
	xc_service("one", XR_VIP4, NULL, NULL);
	xc_comes(&q);
	EXPECT_DROP(SVC_NO_BACKEND);
	xr_svc_stat(1, &st);
	ck_assert_uint_eq(st.drops, 2);
	xr_close();
}
END_TEST

int main(void)
{
	const struct xc_test tests[] = {
		{ one_of_a_hundred_moves_two_in_a_hundred_at_most, 1 },
		{ known_flows_do_not_move_at_all, 1 },
		{ a_flood_does_not_make_it_forget_who_was_there, 1 },
		{ datagrams_of_a_backend_that_left_go_to_another, 1 },
		{ an_affinity_is_the_clients_and_stays, 2 },
		{ what_was_drawn_by_lot_stays, 1 },
		{ who_may_not_and_where_nobody_is, 1 },
	};

	return xc_main("packet-xdp-flows", tests, sizeof(tests) / sizeof(tests[0]));
}
