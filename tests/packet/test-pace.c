// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a limited endpoint sends out of the node by a device that keeps packets until they are due: told when to leave, and dropped
 * when too much is waiting. All else is policed, as ever.
 */
#include <net/if.h>
#include <stdlib.h>
#include <time.h>

#include "../unit/suite.h"
#include "rig.h"

#define LEN 1228u			/* of the datagrams, from the IP header on */
#define COST(bits) (LEN * 8000000000ull / (bits))
#define OTHER4 "10.8.0.1"		/* leaves by a device that is not marked */
#define HOST4 "192.0.2.1"
#define SECOND 1000000000ull

static struct rig_result r;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void pace(unsigned int place, uint32_t ifindex, uint32_t room)
{
	rig.hdr->paced[place] = ifindex | (uint64_t)room << 32;
	rig.hdr->flags |= EBN_NODE_F_PACE;
}

static void limit(uint32_t owner, int way, uint64_t bits)
{
	rig.share[owner].rate_bits[way] = bits;
	rig.share[owner].burst_us[way] = 0;
	rig.share[owner].paid[way] = 0;
	rig.hdr->flags |= EBN_NODE_F_RATE;
}

static void begin(void)
{
	rig_open(NULL);
	rig_allow_all();
	rig.hdr->observe = 0;
	ck_assert_int_eq(system("echo 1 >/proc/sys/net/ipv4/conf/all/forwarding && "
				"echo 1 >/proc/sys/net/ipv6/conf/all/forwarding && "
				"for d in ea ea1 eb eb1 nd nd1; do ip link set $d up || exit; done && "
				"ip addr add " HOST4 "/24 dev nd && ip route add 10.9.0.0/16 dev nd && "
				"ip route add 10.8.0.0/16 dev eb1 && ip -6 route add fd09::/64 dev nd"), 0);
}

static struct spec datagram(const char *from, const char *to)
{
	return (struct spec){ .src = from, .dst = to, .proto = UDP, .sport = 1000, .dport = 80, .payload = LEN - 28 };
}

static void sends(const char *from, const char *to)
{
	struct spec s = datagram(from, to);

	if (strchr(from, ':'))
		s.payload = LEN - 48;
	rig_sends(&s, &r);
}

static void dropped(void)
{
	ck_assert_int_eq(r.action, DROP);
	ck_assert_msg(r.reason == EBN_R_RATE, "%s", rig_reason_name(r.reason));
}

START_TEST(departures_are_the_rate_apart)
{
	static const char *const pairs[][2] = { { A4, FAR4 }, { A6, FAR6 } };
	const uint64_t bits = 80000;
	uint64_t before, last = 0;
	unsigned int i, k;

	begin();
	/* not the first place: all are looked at */
	pace(EBN_PACED_MAX - 1, rig.ifindex_nd, 1u << 20);
	for (i = 0; i < 2; i++) {
		limit(1, 0, bits);
		before = now_ns();
		for (k = 0; k < 15; k++) {
			sends(pairs[i][0], pairs[i][1]);
			ck_assert_msg(r.action != DROP, "%s", rig_reason_name(r.reason));
			if (!k) {
				/* nothing is waiting: now */
				ck_assert_uint_eq(r.tstamp, 0);
				last = rig.share[1].paid[0] / EBN_RATE_UNITS - COST(bits);
				ck_assert_uint_ge(last, before);
				ck_assert_uint_le(last, now_ns());
				continue;
			}
			if (k == 1) {
				ck_assert_uint_ge(r.tstamp, last + COST(bits));
				ck_assert_uint_le(r.tstamp, now_ns() + COST(bits));
			} else {
				ck_assert_uint_ge(r.tstamp, last + COST(bits));
				ck_assert_uint_le(r.tstamp, last + COST(bits) + 1);
			}
			last = r.tstamp;
		}
		/* one word, and each packet in it once */
		ck_assert_uint_eq(rig.share[1].paid[0] / EBN_RATE_UNITS, last + COST(bits));
	}
	rig_close();
}
END_TEST

START_TEST(too_far_ahead_is_dropped)
{
	unsigned int i;
	uint64_t paid;

	begin();
	pace(0, rig.ifindex_nd, EBN_PACED_BYTES_MAX);
	/* one a second: now, in one second, in two */
	limit(1, 0, 8 * LEN);
	for (i = 0; i < 3; i++) {
		sends(A4, FAR4);
		ck_assert_int_ne(r.action, DROP);
	}
	paid = rig.share[1].paid[0];
	sends(A4, FAR4);
	dropped();
	/* nobody pays for what is dropped */
	ck_assert_uint_eq(rig.share[1].paid[0], paid);
	rig_close();
}
END_TEST

START_TEST(no_more_waits_than_the_device_keeps)
{
	unsigned int i;

	begin();
	pace(0, rig.ifindex_nd, 3 * LEN);
	/* eight a second */
	limit(1, 0, 64 * LEN);
	/* one leaves at once, three wait */
	for (i = 0; i < 4; i++) {
		sends(A4, FAR4);
		ck_assert_int_ne(r.action, DROP);
	}
	sends(A4, FAR4);
	dropped();
	rig_close();
}
END_TEST

START_TEST(a_burst_passes_before_it_waits)
{
	const uint64_t cost = SECOND / 8;
	unsigned int i;
	uint64_t start;

	begin();
	pace(0, rig.ifindex_nd, 3 * LEN);
	/* eight a second, four at once */
	limit(1, 0, 64 * LEN);
	rig.share[1].burst_us[0] = 500000;
	for (i = 0; i < 5; i++) {
		sends(A4, FAR4);
		ck_assert_int_ne(r.action, DROP);
		ck_assert_uint_eq(r.tstamp, 0);
	}
	start = rig.share[1].paid[0] / EBN_RATE_UNITS - 5 * cost;
	for (; i < 8; i++) {
		sends(A4, FAR4);
		ck_assert_int_ne(r.action, DROP);
		ck_assert_uint_eq(r.tstamp, start + (i - 4) * cost);
	}
	sends(A4, FAR4);
	dropped();
	rig_close();
}
END_TEST

START_TEST(the_rest_is_policed)
{
	static const char *const to[] = { OTHER4, B4, HOST4 };
	unsigned int i, k;

	begin();
	pace(0, rig.ifindex_nd, 1u << 20);
	for (i = 0; i < 3; i++) {
		limit(1, 0, 8 * LEN);
		for (k = 0; k < 3; k++) {
			sends(A4, to[i]);
			ck_assert_uint_eq(r.tstamp, 0);
			if (k)
				dropped();
			else
				ck_assert_msg(r.action != DROP, "%s: %s", to[i], rig_reason_name(r.reason));
		}
	}
	/* what is received, too */
	limit(1, 0, 0);
	limit(2, 1, 8 * LEN);
	sends(A4, B4);
	ck_assert_int_ne(r.action, DROP);
	sends(A4, B4);
	dropped();
	/* the device is not marked any more */
	limit(1, 0, 8 * LEN);
	rig.hdr->flags &= ~EBN_NODE_F_PACE;
	sends(A4, FAR4);
	ck_assert_uint_eq(r.tstamp, 0);
	sends(A4, FAR4);
	dropped();
	rig_close();
}
END_TEST

START_TEST(who_has_no_limit_is_left_alone)
{
	unsigned int i;

	begin();
	pace(0, rig.ifindex_nd, 1u << 20);
	limit(2, 0, 8 * LEN);
	for (i = 0; i < 3; i++) {
		sends(A4, FAR4);
		ck_assert_int_ne(r.action, DROP);
		ck_assert_uint_eq(r.tstamp, 0);
	}
	rig_close();
}
END_TEST

RUN_SUITE("packet-pace", departures_are_the_rate_apart, too_far_ahead_is_dropped, no_more_waits_than_the_device_keeps,
	  a_burst_passes_before_it_waits,
	  the_rest_is_policed, who_has_no_limit_is_left_alone)
