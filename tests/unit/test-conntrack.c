// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Entries in words, filters, walks and flushes, over flow tables on plain memory. */
#include <arpa/inet.h>

#include "conntrack/conntrack.h"
#include "suite.h"

#define SETS 64
#define TICK_NS 125000000u

static struct ebn_flows tables[2];
static const uint16_t row_id[] = { 10, 0, 30 };
static const struct ebn_decision decisions[] = { { .verdict = EBN_V_DENY }, { .verdict = EBN_V_ALLOW, .rule = 77 } };

static struct ebn_ct_walk walk_all(void)
{
	return (struct ebn_ct_walk){
		.tables = tables,
		.view = { .now = 1000, .tick_ns = TICK_NS, .row_id = row_id, .n_rows = 3, .decisions = decisions,
			  .n_decisions = 2 },
		.filter = { .sz = sizeof(struct ebpfnet_ct_filter) },
	};
}

static void setup(void)
{
	int i;

	for (i = 0; i < 2; i++)
		tables[i] = (struct ebn_flows){ .mem = calloc(1, ebn_flow_bytes(SETS, i)), .mask = SETS - 1, .v6 = i,
						.seed = { 3, 4 } };
}

static void teardown(void)
{
	free(tables[0].mem);
	free(tables[1].mem);
}

static struct ebn_flow_copy v4_flow(const char *lo, const char *hi, uint16_t plo, uint16_t phi, uint8_t proto,
				    uint8_t state, uint8_t flags)
{
	struct ebn_flow_copy c = {
		.key.v4 = { .port = { htons(plo), htons(phi) }, .proto = proto, .zone = 5 },
		.body = { .ctl = EBN_CTL(0, state, flags, 42), .bytes = { 100, 200 }, .packets = { 1, 2 }, .seen = 992,
			  .row = { 1, 3 }, .decision = 1, .tcp_flags = { 0x02, 0x12 }, .aux = 600 },
	};

	ck_assert_int_eq(inet_pton(AF_INET, lo, &c.key.v4.addr[0]), 1);
	ck_assert_int_eq(inet_pton(AF_INET, hi, &c.key.v4.addr[1]), 1);
	return c;
}

static const char *text(const struct ebpfnet_addr *a)
{
	static char buf[4][EBPFNET_ADDR_STRLEN];
	static unsigned int i;

	i = (i + 1) % 4;
	ebpfnet_addr_format(a, buf[i], sizeof(buf[i]));
	return buf[i];
}

START_TEST(the_initiator_comes_first)
{
	struct ebn_flow_copy c = v4_flow("10.0.0.1", "10.0.0.2", 40000, 80, 6, EBN_FS_ESTABLISHED, EBN_FF_PROVEN);
	struct ebn_ct_view view = walk_all().view;
	struct ebpfnet_ct_entry e;

	ebn_ct_entry(&view, &c, false, &e);
	ck_assert_str_eq(text(&e.src), "10.0.0.1");
	ck_assert_str_eq(text(&e.dst), "10.0.0.2");
	ck_assert_uint_eq(e.sport, 40000);
	ck_assert_uint_eq(e.dport, 80);
	ck_assert_uint_eq(e.protocol, 6);
	ck_assert_uint_eq(e.state, EBPFNET_CT_ESTABLISHED);
	ck_assert_uint_eq(e.zone, 5);
	ck_assert_uint_eq(e.tcp_flags[0], 0x02);
	ck_assert_uint_eq(e.src_ep, 10);
	ck_assert_uint_eq(e.dst_ep, 30);
	ck_assert_uint_eq(e.rule, 77);
	ck_assert_uint_eq(e.epoch, 42);
	ck_assert_uint_eq(e.packets[1], 2);
	ck_assert_uint_eq(e.bytes[0], 100);
	ck_assert_uint_eq(e.idle_ms, 1000);
	ck_assert_uint_eq(e.age_ms, 50000);
	c.body.ctl = EBN_CTL(0, EBN_FS_HALF_OPEN, EBN_FF_INIT_HI, 42);
	c.body.row[1] = 0;
	c.body.decision = 9;
	ebn_ct_entry(&view, &c, false, &e);
	ck_assert_str_eq(text(&e.src), "10.0.0.2");
	ck_assert_uint_eq(e.sport, 80);
	ck_assert_uint_eq(e.dport, 40000);
	ck_assert_uint_eq(e.src_ep, 0);
	ck_assert_uint_eq(e.dst_ep, 10);
	ck_assert_uint_eq(e.tcp_flags[0], 0x12);
	ck_assert_uint_eq(e.packets[0], 2);
	ck_assert_uint_eq(e.rule, 0);
	/* aux is a sequence number still */
	ck_assert_uint_eq(e.age_ms, 1000);
	c.body.row[0] = 4;
	c.body.seen = 1001;
	c.body.ctl = EBN_CTL(0, 200, 0, 0);
	ebn_ct_entry(&view, &c, false, &e);
	ck_assert_uint_eq(e.src_ep, 0);
	ck_assert_uint_eq(e.idle_ms, 0);
	ck_assert_str_eq(ebpfnet_ct_state_name(e.state), "none");
	ck_assert_str_eq(ebpfnet_ct_state_name(200), "?");
}
END_TEST

START_TEST(icmp_and_ipv6)
{
	struct ebn_flow_copy c = v4_flow("10.0.0.1", "10.0.0.2", 4711, 0, 1, EBN_FS_REPLIED, EBN_FF_INIT_HI);
	struct ebn_ct_view view = walk_all().view;
	struct ebpfnet_ct_entry e;
	struct ebn_flow_copy v6 = { .key.v6 = { .port = { htons(1), htons(2) }, .proto = 17 } };

	ebn_ct_entry(&view, &c, false, &e);
	ck_assert_str_eq(text(&e.src), "10.0.0.2");
	ck_assert_uint_eq(e.sport, 4711);
	ck_assert_uint_eq(e.dport, 0);
	inet_pton(AF_INET6, "2001:db8::1", v6.key.v6.addr[0]);
	inet_pton(AF_INET6, "2001:db8::2", v6.key.v6.addr[1]);
	ebn_ct_entry(&view, &v6, true, &e);
	ck_assert_str_eq(text(&e.src), "2001:db8::1");
	ck_assert_str_eq(text(&e.dst), "2001:db8::2");
	ck_assert_uint_eq(e.dport, 2);
	ck_assert_uint_eq(e.protocol, 17);
}
END_TEST

START_TEST(filters_are_checked)
{
	struct ebpfnet_ct_filter f = { EBPFNET_OPTS_INIT(f) }, ret;

	ck_assert_int_eq(ebn_ct_filter_read(NULL, &ret), 0);
	ck_assert_uint_eq(ret.sz, sizeof(ret));
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), 0);
	f.family = 5;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), -EINVAL);
	f.family = 6;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), 0);
	f.state = EBPFNET_CT_HALF_CLOSED + 1;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), -EINVAL);
	f.state = 0;
	f.reserved = 1;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), -EINVAL);
	f.reserved = 0;
	f.sz = offsetof(struct ebpfnet_ct_filter, family);
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), 0);
	ck_assert_uint_eq(ret.family, 0);
	f.sz = 1;
	ck_assert_int_eq(ebn_ct_filter_read(&f, &ret), -EINVAL);
}
END_TEST

/* The naive filter: each condition on its own, over what the test itself put in. */
struct known {
	uint32_t host[2];
	uint16_t port[2];
	uint8_t proto, state;
	bool v6, alive;
};

static void put_known(const struct known *k)
{
	struct ebn_flow_copy c = { .body = { .ctl = EBN_CTL(0, k->state, 0, 0), .seen = 1000 } };
	int i;

	for (i = 0; i < 2; i++)
		if (k->v6) {
			c.key.v6.addr[i][0] = htonl(0x20010db8);
			c.key.v6.addr[i][3] = htonl(k->host[i]);
			c.key.v6.port[i] = htons(k->port[i]);
			c.key.v6.proto = k->proto;
		} else {
			c.key.v4.addr[i] = htonl(0x0a000000 + k->host[i]);
			c.key.v4.port[i] = htons(k->port[i]);
			c.key.v4.proto = k->proto;
		}
	ck_assert_int_eq(ebn_flow_import(&tables[k->v6], &c), 1);
}

static struct ebpfnet_addr known_addr(const struct known *k, int side)
{
	struct ebpfnet_addr a;
	char buf[64];

	test_put(buf, buf + sizeof(buf), k->v6 ? "2001:db8::%x" : "10.0.0.%u", k->host[side]);
	ck_assert_int_eq(ebpfnet_addr_parse(buf, &a), 0);
	return a;
}

static bool known_fits(const struct ebpfnet_ct_filter *f, const struct known *k)
{
	struct ebpfnet_addr a = known_addr(k, 0), b = known_addr(k, 1), none = { .b = { 0 } };

	if (memcmp(&f->src, &none, 16) != 0 && memcmp(&f->src, &a, 16) != 0)
		return false;
	if (memcmp(&f->dst, &none, 16) != 0 && memcmp(&f->dst, &b, 16) != 0)
		return false;
	if (memcmp(&f->addr, &none, 16) != 0 && memcmp(&f->addr, &a, 16) != 0 && memcmp(&f->addr, &b, 16) != 0)
		return false;
	if (f->port && k->port[0] != f->port && k->port[1] != f->port)
		return false;
	if (f->dport && k->port[1] != f->dport)
		return false;
	if (f->protocol && k->proto != f->protocol)
		return false;
	if (f->state && k->state != f->state)
		return false;
	return !f->family || (f->family == 6) == k->v6;
}

static struct ebpfnet_ct_filter random_filter(uint64_t *rng, const struct known *k)
{
	struct ebpfnet_ct_filter f = { EBPFNET_OPTS_INIT(f) };

	switch (test_below(rng, 8)) {
	case 0:
		f.src = known_addr(k, 0);
		break;
	case 1:
		f.dst = known_addr(k, 1);
		break;
	case 2:
		f.addr = known_addr(k, (int)test_below(rng, 2));
		break;
	case 3:
		f.port = k->port[test_below(rng, 2)];
		break;
	case 4:
		f.dport = k->port[1];
		break;
	default:
		break;
	}
	if (!test_below(rng, 3))
		f.protocol = k->proto;
	if (!test_below(rng, 3))
		f.state = k->state;
	if (!test_below(rng, 3))
		f.family = k->v6 ? 6 : 4;
	return f;
}

START_TEST(walks_and_flushes_agree_with_a_list)
{
	uint64_t rng = test_seed();
	struct known known[150];
	unsigned int i, round, live = 150;

	setup();
	for (i = 0; i < 150; i++) {
		known[i] = (struct known){ .host = { 1 + test_below(&rng, 9), 100 + test_below(&rng, 9) },
					   .port = { (uint16_t)(1000 + i), (uint16_t)(1 + test_below(&rng, 5)) },
					   .proto = test_below(&rng, 2) ? 6 : 17, .v6 = test_below(&rng, 2),
					   .alive = true,
					   .state = (uint8_t)(1 + test_below(&rng, 4)) };
		put_known(&known[i]);
	}
	for (round = 0; round < 400; round++) {
		struct ebn_ct_walk walk = walk_all();
		struct ebpfnet_ct_entry e;
		unsigned int want = 0, got = 0;
		bool flush = !test_below(&rng, 20);

		walk.filter = random_filter(&rng, &known[test_below(&rng, 150)]);
		for (i = 0; i < 150; i++) {
			if (!known[i].alive || !known_fits(&walk.filter, &known[i]))
				continue;
			want++;
			if (flush)
				known[i].alive = false;
		}
		if (flush) {
			got = (unsigned int)ebn_ct_kill(&walk);
			live -= got;
		} else {
			while (ebn_ct_next(&walk, &e))
				got++;
		}
		ck_assert_uint_eq(got, want);
	}
	ck_assert_uint_lt(live, 150);
	teardown();
}
END_TEST

START_TEST(a_table_may_be_missing)
{
	struct ebn_ct_walk walk = walk_all();
	struct ebpfnet_ct_entry e;

	setup();
	free(tables[0].mem);
	tables[0].mem = NULL;
	put_known(&(struct known){ .host = { 1, 2 }, .port = { 3, 4 }, .proto = 6, .state = 4, .v6 = true });
	ck_assert_int_eq(ebn_ct_next(&walk, &e), 1);
	ck_assert_int_eq(ebpfnet_addr_family(&e.src), 6);
	ck_assert_int_eq(ebn_ct_next(&walk, &e), 0);
	ck_assert_int_eq(ebn_ct_next(&walk, &e), 0);
	teardown();
}
END_TEST

RUN_SUITE("conntrack", the_initiator_comes_first, icmp_and_ipv6, filters_are_checked,
	  walks_and_flushes_agree_with_a_list, a_table_may_be_missing)
