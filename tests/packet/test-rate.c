// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Limits of rates, as the programs keep them: what passes in a time is the burst and the rate's share of that time, and no more. */
#include <time.h>

#include "../unit/suite.h"
#include "rig.h"

#define BITS 80000000ull	/* a second */
#define BURST_US 5000u
#define MOMENTS 8u

static struct rig_result r;
static uint32_t len;	/* of the frame sent last */
static uint64_t sent;	/* by pass_for() */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void limit(uint32_t owner, int way, uint64_t bits, uint32_t burst_us)
{
	rig.share[owner].rate_bits[way] = bits;
	rig.share[owner].burst_us[way] = burst_us;
	rig.share[owner].paid[way] = 0;
	rig.hdr->flags |= EBN_NODE_F_RATE;
}

static void begin(void)
{
	rig_open(NULL);
	rig_allow_all();
	rig.hdr->observe = 0;
}

static struct spec datagram(const char *from, const char *to)
{
	return (struct spec){ .src = from, .dst = to, .smac = mac_a, .dmac = mac_gw, .proto = UDP, .sport = 1000,
			      .dport = 80, .payload = 1200 };
}

/* Sends for some ms, as fast as it goes: how many bytes pass, and how long it took at most and at least. */
static uint64_t pass_for(const struct spec *s, unsigned int ms, uint64_t *least, uint64_t *most)
{
	uint64_t before = now_ns(), first = 0, last = 0, was, lost = 0, passed = 0;
	struct packet p;

	sent = 0;
	packet_make(&p, s);
	/* from the IP header on */
	len = (uint32_t)p.len - 14;
	do {
		was = last;
		last = now_ns();
		/* kept waiting for longer than a burst lasts: what could have passed meanwhile is lost */
		if (was && last - was > BURST_US * 500)
			lost += last - was;
		rig_run_quiet(FROM_EP, rig.ifindex_a, &p, &r);
		if (!first)
			first = now_ns();
		sent += len;
		if (r.action != DROP)
			passed += len;
	} while (now_ns() - before < ms * 1000000ull);
	*least = last > first + lost ? last - first - lost : 0;
	*most = now_ns() - before;
	return passed;
}

static void within(uint64_t passed, uint64_t least, uint64_t most, uint64_t bits, uint32_t burst_us)
{
	/* the packet that makes the debt more than a burst has passed, and the first one's time is not known */
	ck_assert_uint_le(passed, (most / 1000 + burst_us) * bits / 8000000 + 2 * len);
	/* kept waiting at the end, the test has not sent the last burst */
	ck_assert_uint_ge(passed + 2 * len, least / 1000 * bits / 8000000);
}

START_TEST(the_rate_and_the_burst_pass)
{
	static const char *const pairs[][2] = { { A4, FAR4 }, { A6, FAR6 }, { A4, B4 } };
	uint64_t least, most, passed;
	struct spec s;
	size_t i;

	begin();
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		s = datagram(pairs[i][0], pairs[i][1]);
		limit(1, 0, BITS, BURST_US);
		passed = pass_for(&s, 60, &least, &most);
		within(passed, least, most, BITS, BURST_US);
	}
	rig_close();
}
END_TEST

START_TEST(what_an_endpoint_receives_is_limited_by_itself)
{
	uint64_t least, most, passed;
	struct spec s = datagram(A4, B4);

	begin();
	limit(2, 1, BITS, BURST_US);
	passed = pass_for(&s, 60, &least, &most);
	within(passed, least, most, BITS, BURST_US);
	/* the other way, and to others, goes as it likes */
	ck_assert_uint_eq(rig.share[1].paid[0], 0);
	s.dst = FAR4;
	ck_assert_uint_eq(pass_for(&s, 10, &least, &most), sent);
	rig_close();
}
END_TEST

START_TEST(a_pause_is_worth_a_burst_and_no_more)
{
	struct timespec pause = { .tv_nsec = 20000000 };
	struct spec s = datagram(A4, FAR4);
	uint64_t least, most, passed, best = 0;
	unsigned int i;

	begin();
	limit(1, 0, BITS, BURST_US);
	for (i = 0; i < MOMENTS; i++) {
		passed = pass_for(&s, 4, &least, &most);
		within(passed, least, most, BITS, BURST_US);
		best = passed > best ? passed : best;
		/* four bursts long */
		nanosleep(&pause, NULL);
	}
	ck_assert_uint_ge(best, BURST_US * BITS / 8000000);
	rig_close();
}
END_TEST

START_TEST(what_is_too_much_is_dropped_with_its_reason)
{
	struct spec s = datagram(A4, FAR4);
	unsigned int i;

	begin();
	/* one a second, and a burst of nothing */
	limit(1, 0, 8 * 1228, 0);
	rig_sends(&s, &r);
	ck_assert_msg(r.action != DROP, "%s", rig_reason_name(r.reason));
	for (i = 0; i < 3; i++) {
		rig_sends(&s, &r);
		ck_assert_int_eq(r.action, DROP);
		ck_assert_int_eq(r.reason, EBN_R_RATE);
	}
	/* nobody is limited while the switch is off, nor without a rate */
	rig.hdr->flags = 0;
	rig_sends(&s, &r);
	ck_assert_int_ne(r.action, DROP);
	limit(1, 0, 0, 0);
	rig_sends(&s, &r);
	ck_assert_int_ne(r.action, DROP);
	rig_close();
}
END_TEST

RUN_SUITE("packet-rate", the_rate_and_the_burst_pass, what_an_endpoint_receives_is_limited_by_itself,
	  a_pause_is_worth_a_burst_and_no_more, what_is_too_much_is_dropped_with_its_reason)
