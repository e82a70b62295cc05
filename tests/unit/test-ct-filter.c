// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Filters bit by bit, flows by their ends, counts and pressure. */
#include <netinet/in.h>

#include "conntrack/count.h"
#include "ct-tables.h"

static struct ebn_flows tables[2];

static const uint32_t limits[8] = { 80, 80, 800, 80, 800, 80, 80, 800 };

/* Bit i of an address of its family, the naive way. */
static bool bit(const struct ebpfnet_addr *a, unsigned int i)
{
	if (ebpfnet_addr_family(a) == 4)
		i += 96;
	return a->b[i / 8] >> (7 - i % 8) & 1;
}

static bool same_bits(const struct ebpfnet_addr *a, const struct ebpfnet_addr *b, unsigned int bits)
{
	unsigned int i, all = ebpfnet_addr_family(a) == 4 ? 32 : 128;

	if (ebpfnet_addr_family(a) != ebpfnet_addr_family(b))
		return false;
	for (i = 0; i < (bits ? bits : all); i++)
		if (bit(a, i) != bit(b, i))
			return false;
	return true;
}

static struct ebpfnet_addr random_addr(uint64_t *rng, bool v6)
{
	struct ebpfnet_addr a = v6 ? ct_addr("2001:db8::") : ct_addr("10.0.0.0");

	/* few values, so that prefixes meet; never the mapped form by accident */
	a.b[12] ^= (uint8_t)(v6 ? test_below(rng, 4) : 0);
	a.b[13] ^= (uint8_t)(test_below(rng, 2) << 7);
	a.b[14] ^= (uint8_t)test_below(rng, 4);
	a.b[15] ^= (uint8_t)test_random(rng);
	return a;
}

START_TEST(prefixes_are_compared_bit_by_bit)
{
	uint64_t rng = test_seed();
	int round;

	for (round = 0; round < 20000; round++) {
		bool v6 = test_below(&rng, 2), of6 = test_below(&rng, 8) ? v6 : !v6;
		struct ebpfnet_ct_filter f = { EBPFNET_OPTS_INIT(f) }, read;
		struct ebpfnet_ct_entry e = { .src = random_addr(&rng, v6), .dst = random_addr(&rng, v6) };
		struct ebpfnet_addr a = random_addr(&rng, of6);
		uint8_t bits = (uint8_t)test_below(&rng, of6 ? 129 : 33);
		bool want;

		switch (test_below(&rng, 3)) {
		case 0:
			f.src = a;
			f.src_bits = bits;
			want = same_bits(&a, &e.src, bits);
			break;
		case 1:
			f.dst = a;
			f.dst_bits = bits;
			want = same_bits(&a, &e.dst, bits);
			break;
		default:
			f.addr = a;
			f.addr_bits = bits;
			want = same_bits(&a, &e.src, bits) || same_bits(&a, &e.dst, bits);
		}
		ck_assert_int_eq(ebn_ct_filter_read(&f, &read), 0);
		ck_assert_int_eq(ebn_ct_match(&read, &e), want);
	}
}
END_TEST

static uint32_t identity_of(const struct ebpfnet_addr *addr, void *arg)
{
	unsigned int *asked = arg;

	(*asked)++;
	return addr->b[15];
}

START_TEST(the_other_conditions)
{
	struct ebpfnet_ct_filter f = { EBPFNET_OPTS_INIT(f) }, read;
	struct ebpfnet_ct_entry e = { .src = ct_addr("10.0.0.7"), .dst = ct_addr("10.0.0.9"), .sport = 1, .dport = 2,
				      .flags = EBPFNET_CT_F_PROVEN, .idle_ms = 1000, .age_ms = 5000 };
	struct ebn_ct_walk walk = ct_walk(tables);
	unsigned int asked = 0;

#define FITS(field, yes, no) do { \
		f.field = (yes); \
		ck_assert(ebn_ct_match(&f, &e)); \
		f.field = (no); \
		ck_assert(!ebn_ct_match(&f, &e)); \
		f.field = 0; \
	} while (0)
	FITS(sport, 1, 2);
	FITS(dport, 2, 1);
	FITS(flags, EBPFNET_CT_F_PROVEN, EBPFNET_CT_F_PROVEN | EBPFNET_CT_F_AUDIT);
	FITS(idle_min_ms, 1000, 1001);
	FITS(age_min_ms, 5000, 5001);
	FITS(age_max_ms, 5000, 4999);
	e.src_identity = 5;
	FITS(identity, 5, 6);
	/* who stands behind an address is asked for the flows that are wanted, and for all when it is the question */
	walk.view.identity_of = identity_of;
	walk.view.arg = &asked;
	f.sport = 9;
	ck_assert(!ebn_ct_wanted(&walk.view, &f, &e));
	ck_assert_uint_eq(asked, 0);
	f.sport = 0;
	ck_assert(ebn_ct_wanted(&walk.view, &f, &e));
	ck_assert_uint_eq(e.src_identity, 7);
	ck_assert_uint_eq(e.dst_identity, 9);
	f.identity = 8;
	ck_assert(!ebn_ct_wanted(&walk.view, &f, &e));
	f.identity = 9;
	ck_assert(ebn_ct_wanted(&walk.view, &f, &e));
	ck_assert_uint_eq(asked, 6);
	f.identity = 0;
	f.src_bits = 8;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &read), -EINVAL);
	f.src = ct_addr("10.0.0.0");
	ck_assert_int_eq(ebn_ct_filter_read(&f, &read), 0);
	f.src_bits = 33;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &read), -EINVAL);
	f.src_bits = 0;
	f.flags = 1u << 30;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &read), -EINVAL);
}
END_TEST

START_TEST(a_flow_is_found_by_its_ends)
{
	struct ebpfnet_ct_tuple t = { EBPFNET_OPTS_INIT(t) };
	struct ebn_flow_copy c, got;
	unsigned int i;
	bool v6;

	ct_tables_make(tables, CT_SETS);
	for (i = 0; i < 20; i++) {
		c = ct_flow(i & 1, i, i % 3 ? 6 : 17, EBN_FS_REPLIED, 0);
		ct_put(tables, i & 1, &c);
	}
	c = ct_flow(false, 50, IPPROTO_ICMP, EBN_FS_REPLIED, 0);
	ct_put(tables, false, &c);
	t.src = ct_addr("10.0.1.5");
	t.dst = ct_addr("10.200.0.99");
	t.sport = 1004;
	t.dport = 80;
	t.protocol = 6;
	ck_assert_int_eq(ebn_ct_find(tables, &t, &v6, &got), 0);
	ck_assert(!v6);
	ck_assert_uint_eq(got.body.bytes[0] + got.body.bytes[1], 5100 + 2 * 4);
	t.protocol = 17;
	ck_assert_int_eq(ebn_ct_find(tables, &t, &v6, &got), -ENOENT);
	/* from the other end */
	t = (struct ebpfnet_ct_tuple){ EBPFNET_OPTS_INIT(t), .src = ct_addr("2001:db8:1::99"),
				       .dst = ct_addr("2001:db8::1:2"), .sport = 80, .dport = 1001, .protocol = 6 };
	ck_assert_int_eq(ebn_ct_find(tables, &t, &v6, &got), 0);
	ck_assert(v6);
	t.zone = 1;
	ck_assert_int_eq(ebn_ct_find(tables, &t, &v6, &got), -ENOENT);
	t.dst = ct_addr("10.0.0.1");
	ck_assert_int_eq(ebn_ct_find(tables, &t, &v6, &got), -EINVAL);
	memset(&t.dst, 0, sizeof(t.dst));
	ck_assert_int_eq(ebn_ct_find(tables, &t, &v6, &got), -EINVAL);
	ck_assert_int_eq(ebn_ct_find(tables, NULL, &v6, &got), -EINVAL);
	ct_tables_free(tables);
}
END_TEST

START_TEST(counts_agree_with_what_was_put_in)
{
	struct ebpfnet_ct_endpoint_count ep[4];
	struct ebpfnet_ct_counts c;
	struct ebn_flow_copy f;
	struct ebn_ct_walk walk;
	unsigned int i;

	ct_tables_make(tables, CT_SETS);
	for (i = 0; i < 90; i++) {
		static const uint8_t proto[] = { 6, 17, 132, 47, 6 };

		f = ct_flow(i % 3 == 0, i, proto[i % 5], (uint8_t)(1 + i % 5), 0);
		if (i % 10 == 0)
			f.body.seen = 0;
		if (i % 9 == 0)
			f.body.row[0] = f.body.row[1] = 0;
		ct_put(tables, i % 3 == 0, &f);
	}
	walk = ct_walk(tables);
	ebn_ct_count(&walk, limits, &c);
	ck_assert_uint_eq(c.total, 90);
	ck_assert_uint_eq(c.ipv6, 30);
	ck_assert_uint_eq(c.ipv4, 60);
	ck_assert_uint_eq(c.tcp, 36);
	ck_assert_uint_eq(c.udp, 18);
	ck_assert_uint_eq(c.sctp, 18);
	ck_assert_uint_eq(c.other, 18);
	ck_assert_uint_eq(c.state[EBPFNET_CT_ESTABLISHED], 18);
	ck_assert_uint_eq(c.state[EBPFNET_CT_HALF_CLOSED], 18);
	ck_assert_uint_eq(c.expired, 9);
	walk = ct_walk(tables);
	walk.filter.protocol = 6;
	ebn_ct_count(&walk, limits, &c);
	ck_assert_uint_eq(c.total, 36);
	walk = ct_walk(tables);
	ck_assert_int_eq(ebn_ct_count_endpoints(&walk, ep, 1), 2);
	ck_assert_uint_eq(ep[0].endpoint, 10);
	ck_assert_uint_eq(ep[0].begun + ep[0].answered, 80);
	walk = ct_walk(tables);
	ck_assert_int_eq(ebn_ct_count_endpoints(&walk, ep, 4), 2);
	ck_assert_uint_eq(ep[1].endpoint, 30);
	ck_assert_uint_eq(ep[1].begun, ep[0].answered);
	ck_assert_uint_eq(ep[1].half_open, ep[0].half_open);
	ct_tables_free(tables);
}
END_TEST

START_TEST(pressure_is_what_is_in_the_tags)
{
	struct ebpfnet_ct_table_pressure p;
	struct ebn_flow_copy f;
	unsigned int i, n = 0;
	uint64_t sets = 0;

	ct_tables_make(tables, CT_SETS);
	ebn_ct_pressure(&tables[0], &p);
	ck_assert_uint_eq(p.places, CT_SETS * 8);
	ck_assert_uint_eq(p.free[8], CT_SETS);
	ck_assert_uint_eq(p.level, EBPFNET_CT_LEVEL_OK);
	for (i = 0; i < CT_SETS * 8 * 8 / 10; i++) {
		f = ct_flow(false, i, 6, EBN_FS_ESTABLISHED, EBN_FF_PROVEN);
		n += ebn_flow_import(&tables[0], &f) == 1;
	}
	ebn_ct_pressure(&tables[0], &p);
	ck_assert_uint_eq(p.live, n);
	ck_assert_uint_eq(p.promille, n * 1000 / p.places);
	for (i = 0; i < 9; i++)
		sets += p.free[i];
	ck_assert_uint_eq(sets, CT_SETS);
	ck_assert_uint_ge(p.level, EBPFNET_CT_LEVEL_EARLY);
	ck_assert_int_eq(ebn_flow_lookup(&tables[0], &f.key, &f), 1);
	ck_assert_int_eq(ebn_flow_kill(&tables[0], &f), 1);
	ebn_ct_pressure(&tables[0], &p);
	ck_assert_uint_eq(p.dead, 1);
	ck_assert_uint_eq(p.live, n - 1);
	ck_assert_str_eq(ebpfnet_ct_level_name(EBPFNET_CT_LEVEL_EARLY), "early");
	ck_assert_str_eq(ebpfnet_ct_level_name(99), "?");
	ct_tables_free(tables);
}
END_TEST

RUN_SUITE("ct-filter", prefixes_are_compared_bit_by_bit, the_other_conditions, a_flow_is_found_by_its_ends,
	  counts_agree_with_what_was_put_in, pressure_is_what_is_in_the_tags)
