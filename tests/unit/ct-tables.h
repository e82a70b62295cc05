/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Flow tables on plain memory, and flows to fill them with. */
#ifndef EBN_TEST_CT_TABLES_H
#define EBN_TEST_CT_TABLES_H

#include <arpa/inet.h>

#include "conntrack/conntrack.h"
#include "suite.h"

#define CT_SETS 64
#define CT_TICK_NS 125000000u

static const uint16_t ct_row_id[] = { 10, 0, 30 };
static const struct ebn_decision ct_decisions[] = { { .verdict = EBN_V_DENY }, { .verdict = EBN_V_ALLOW, .rule = 77 } };

static inline void ct_tables_make(struct ebn_flows tables[2], uint32_t sets)
{
	int i;

	for (i = 0; i < 2; i++) {
		tables[i] = (struct ebn_flows){ .mem = calloc(1, ebn_flow_bytes(sets, i)), .mask = sets - 1, .v6 = i,
						.seed = { 3, 4 } };
		ck_assert_ptr_nonnull(tables[i].mem);
	}
}

static inline void ct_tables_free(struct ebn_flows tables[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		test_defined(tables[i].mem, ebn_flow_bytes(tables[i].mask + 1, i));
		free(tables[i].mem);
	}
}

static inline struct ebn_ct_walk ct_walk(const struct ebn_flows *tables)
{
	return (struct ebn_ct_walk){
		.tables = tables,
		.view = { .now = 1000, .tick_ns = CT_TICK_NS, .row_id = ct_row_id, .n_rows = 3,
			  .decisions = ct_decisions, .n_decisions = 2, .epoch = 1u << 31 },
		.filter = { .sz = sizeof(struct ebpfnet_ct_filter) },
	};
}

static inline struct ebpfnet_addr ct_addr(const char *text)
{
	struct ebpfnet_addr a;

	ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

/* Flow number n of either family from 10.0.x.y or 2001:db8::x:y, port 1000 + n, to the host's .99, port 80. */
static inline struct ebn_flow_copy ct_flow(bool v6, unsigned int n, uint8_t proto, uint8_t state, uint8_t flags)
{
	struct ebn_flow_copy c;
	struct ebpfnet_addr src, dst;
	char text[64];
	unsigned int hi;

	memset(&c, 0, sizeof(c));
	test_put(text, text + sizeof(text), v6 ? "2001:db8::%x:%x" : "10.0.%u.%u", n / 200 + 1, n % 200 + 1);
	src = ct_addr(text);
	dst = ct_addr(v6 ? "2001:db8:1::99" : "10.200.0.99");
	hi = ebn_ct_key(&src, &dst, (uint16_t)(1000 + n), 80, proto, 0, &c.key);
	c.body = (struct ebn_flow_body){
		.ctl = EBN_CTL(0, state, flags | (hi ? EBN_FF_INIT_HI : 0), 42), .seen = 990, .row = { 1, 3 },
		.decision = 1, .aux = 600,
	};
	c.body.bytes[hi] = 100 + n;
	c.body.bytes[!hi] = 5000 + n;
	c.body.packets[hi] = 1 + n;
	c.body.packets[!hi] = 2;
	c.body.tcp_flags[hi] = 0x02;
	c.body.tcp_flags[!hi] = 0x12;
	return c;
}

static inline void ct_put(const struct ebn_flows *tables, bool v6, const struct ebn_flow_copy *c)
{
	ck_assert_int_eq(ebn_flow_import(&tables[v6], c), 1);
}

#endif
