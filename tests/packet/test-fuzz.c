// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random frames, and whole ones with random bytes changed, through every program. Everything is allowed by policy, so what is
 * let through must be something that a parser written for this test finds whole.
 */
#include <arpa/inet.h>
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

#define FRAMES 12000

static uint32_t be16(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static bool l4_whole(uint8_t proto, const uint8_t *b, size_t len)
{
	switch (proto) {
	case TCP:
		return len >= 20 && (b[12] >> 4) >= 5 && (size_t)(b[12] >> 4) * 4 <= len;
	case SCTP:
		return len >= (len > 12 && (b[12] == 1 || b[12] == 2) ? 20 : 16);
	case UDP:
	case ICMP:
	case ICMP6:
		return len >= 8;
	default:
		return true;
	}
}

static bool ip4_whole(const uint8_t *b, size_t len)
{
	size_t hdr, total;

	if (len < 20 || b[0] >> 4 != 4)
		return false;
	hdr = (size_t)(b[0] & 15) * 4;
	total = be16(b + 2);
	if (hdr < 20 || total < hdr || total > len)
		return false;
	if (be16(b + 6) & 0x1fff)
		return true;
	return l4_whole(b[9], b + hdr, total - hdr);
}

static bool ip6_whole(const uint8_t *b, size_t len)
{
	size_t at = 40, n;
	uint8_t next;

	if (len < 40 || b[0] >> 4 != 6 || be16(b + 4) + 40 > len)
		return false;
	len = be16(b + 4) + 40;
	for (next = b[6]; next == 0 || next == ROUTING || next == FRAGMENT || next == AH || next == DSTOPTS; at += n) {
		if (at + 8 > len)
			return false;
		if (next == FRAGMENT && be16(b + at + 2) & 0xfff8)
			return true;
		n = next == FRAGMENT ? 8 : next == AH ? b[at + 1] * 4u + 8 : b[at + 1] * 8u + 8;
		if (at + n > len)
			return false;
		next = b[at];
	}
	return l4_whole(next, b + at, len - at);
}

static bool whole(const struct packet *p)
{
	switch (be16(p->b + 12)) {
	case 0x0800:
		return ip4_whole(p->b + 14, p->len - 14);
	case 0x86dd:
		return ip6_whole(p->b + 14, p->len - 14);
	case 0x0806:
		return p->len >= 42;
	default:
		return false;
	}
}

static void random_frame(uint64_t *seed, struct packet *p)
{
	static const uint8_t ext[24] = { 0 };
	static const uint8_t protos[] = { TCP, UDP, ICMP, ICMP6, SCTP, GRE };
	bool v6 = test_below(seed, 2);
	struct spec s = { .src = v6 ? A6 : A4, .dst = v6 ? FAR6 : FAR4, .smac = mac_a, .dmac = mac_gw };
	unsigned int n, i;

	if (test_below(seed, 2)) {
		s.dst = v6 ? B6 : B4;
		if (test_below(seed, 2)) {
			s.src = v6 ? FAR6 : FAR4;
			s.dmac = mac_nd;
		}
	}
	s.proto = protos[test_below(seed, sizeof(protos))];
	s.sport = (uint16_t)test_below(seed, 4);
	s.dport = 80;
	s.flags = (uint8_t)(test_below(seed, 3) ? SYN : test_random(seed));
	s.type = (uint8_t)(test_below(seed, 2) ? 8 : test_random(seed));
	s.payload = test_below(seed, 100);
	if (!test_below(seed, 4))
		s.frag_off = (uint16_t)(8 * test_below(seed, 8));
	s.more = !test_below(seed, 6);
	if (v6 && !test_below(seed, 3)) {
		s.ext = ext;
		s.ext_len = 8 + 8 * test_below(seed, 3);
		s.ext_first = test_below(seed, 2) ? 0 : DSTOPTS;
	}
	packet_make(p, &s);
	/* not the addresses: the test is about what comes behind them */
	for (n = test_below(seed, 4); n; n--) {
		i = 12 + test_below(seed, (unsigned int)p->len - 12);
		p->b[i] = (uint8_t)test_random(seed);
	}
	if (test_below(seed, 2) && p->len > 60)
		p->len -= test_below(seed, (unsigned int)p->len - 54);
	if (p->len < 54)
		p->len = 54;
}

START_TEST(what_passes_is_whole)
{
	static const enum rig_prog progs[] = { FROM_EP, TO_EP, FROM_NETDEV };
	uint64_t seed = test_seed();
	unsigned int i, n, passed = 0, dropped = 0;
	struct rig_result r;
	struct packet p;

	rig_open(NULL);
	rig_allow_all();
	for (i = 0; i < FRAMES; i++) {
		random_frame(&seed, &p);
		n = i % 3;
		rig_run(progs[n], n == 0 ? rig.ifindex_a : n == 1 ? rig.ifindex_b : rig.ifindex_nd, &p, &r);
		ck_assert_int_ne(r.action == PASS || r.action == DROP || r.action == REDIRECT, 0);
		if (r.action == DROP) {
			dropped++;
			ck_assert_msg(r.reason != EBN_R_NONE && r.reason != EBN_R_TABLES, "frame %u: dropped for %s", i,
				      rig_reason_name(r.reason));
			continue;
		}
		/* the wire brings the host what it likes; what it brings to endpoints is judged */
		if (progs[n] == FROM_NETDEV && r.action == PASS)
			continue;
		passed++;
		ck_assert_msg(whole(&p), "frame %u of %zu bytes passed program %u", i, p.len, n);
		rig_run(WATCH_IN, rig.ifindex_nd, &p, &r);
		ck_assert_int_eq(r.action, PASS);
		ck_assert_mem_eq(r.out.b, p.b, p.len);
	}
	/* the test means something only when both happen often */
	ck_assert_uint_gt(passed, FRAMES / 50);
	ck_assert_uint_gt(dropped, FRAMES / 50);
	rig_close();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = { what_passes_is_whole };

	/* far below the limit when nothing else runs */
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	return run_suite("packet-fuzz", tests, 1);
}
