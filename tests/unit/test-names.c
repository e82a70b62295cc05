// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Events get their names from node tables on plain memory. */
#include <ebpfnet/policy.h>

#include "observe/names.h"
#include "conntrack/tables.h"
#include "suite.h"

#define SIZE (2u << 20)

static uint8_t *mem;
static struct ebn_node *nt;
static struct ebn_rows *rows;
static struct ebpfnet_names *names;

static void publish_decisions(const struct ebn_decision *d, uint32_t n)
{
	uint32_t off, old = ebn_node_slot(nt, EBN_P_DECISION).off;

	ck_assert_int_eq(ebn_node_alloc(nt, EBN_P_DECISION, n * (uint32_t)sizeof(*d), &off), 0);
	memcpy(ebn_node_ptr(nt, off, n * (uint32_t)sizeof(*d)), d, n * sizeof(*d));
	ck_assert_int_eq(ebn_node_begin(nt), 0);
	ebn_node_set(nt, EBN_P_DECISION, off, n);
	ck_assert_int_eq(ebn_node_publish(nt), 0);
	ck_assert_int_eq(ebn_node_retire(nt, old), 0);
}

static uint32_t add_endpoint(uint16_t id, const char *text)
{
	uint32_t row;

	ck_assert_int_eq(ebn_ep_row_get(rows, &row), 0);
	ebn_ep_row(rows, row)->id = id;
	ebn_ep_row(rows, row)->ifindex = 100u + id;
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_ENDPOINT, row, text), 0);
	ck_assert_int_eq(ebn_ep_row_publish(rows, row), 0);
	return row;
}

static const void *locate(void *owner, uint64_t *ret_size)
{
	*ret_size = SIZE;
	return *(uint8_t **)owner;
}

static unsigned int released;

static void release(void *owner)
{
	ck_assert_ptr_eq(owner, &mem);
	released++;
}

static const struct ebn_decision first[] = {
	{ .verdict = EBN_V_DENY, .flags = EBN_DEC_F_DEFAULT },
	{ .verdict = EBN_V_ALLOW, .flags = EBN_DEC_F_DEFAULT },
	{ .verdict = EBN_V_ALLOW, .rule = 11, .flags = EBN_DEC_F_LOG },
};

static void setup(void)
{
	static const uint64_t seed[2] = { 1, 2 };

	mem = aligned_alloc(4096, SIZE);
	memset(mem, 0, SIZE);
	ck_assert_int_eq(ebn_node_format(mem, SIZE, seed), 0);
	ck_assert_int_eq(ebn_node_open(mem, SIZE, NULL, &nt), 0);
	ck_assert_int_eq(ebn_rows_open(nt, 64, NULL, &rows), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
	publish_decisions(first, 3);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 11, "demo/api#1"), 0);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE_LOG, 11, "clients that ask"), 0);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, 256, "k8s:app=client;"), 0);
	add_endpoint(7, "client\tk8s:app=client;k8s:pod=client-1;");
	ck_assert_int_eq(ebn_names_new(locate, release, &mem, "node-1", &names), 0);
}

static void teardown(void)
{
	released = 0;
	ebpfnet_names_free(names);
	ck_assert_uint_eq(released, 1);
	ebn_rows_free(rows);
	ebn_node_free(nt);
	free(mem);
}

static struct ebpfnet_event event(void)
{
	return (struct ebpfnet_event){
		.time_ns = ebn_monotonic_ns(), .type = EBPFNET_EVENT_VERDICT, .point = EBN_AT_FROM_ENDPOINT,
		.src_identity = 256, .dst_identity = EBN_ID_WORLD, .ep = 7, .egress_decision = 2,
		.ingress_decision = EBN_DECISION_NONE, .generation = ebn_node_generation(nt),
	};
}

static struct ebpfnet_flow flow_of(const struct ebpfnet_event *e)
{
	struct ebpfnet_flow f;

	ck_assert_int_eq(ebpfnet_flow_from_event(names, e, &f, sizeof(f)), 0);
	return f;
}

START_TEST(an_event_gets_names)
{
	struct ebpfnet_event e;
	struct ebpfnet_flow f;
	uint64_t now;

	setup();
	e = event();
	now = ebn_realtime_ns();
	f = flow_of(&e);
	ck_assert_str_eq(f.src.name, "client");
	ck_assert_str_eq(f.src.labels, "k8s:app=client;");
	ck_assert_uint_eq(f.src.identity, 256);
	ck_assert_uint_eq(f.src.endpoint, 7);
	ck_assert_ptr_null(f.dst.name);
	ck_assert_str_eq(f.dst.labels, "reserved:world;");
	ck_assert_str_eq(f.egress_rule, "demo/api#1");
	ck_assert_ptr_null(f.ingress_rule);
	ck_assert_str_eq(f.egress_log, "clients that ask");
	ck_assert_ptr_null(f.ingress_log);
	ck_assert_uint_eq(f.egress_verdict, EBPFNET_VERDICT_ALLOW);
	ck_assert_uint_eq(f.ingress_verdict, EBPFNET_FLOW_NOT_ASKED);
	ck_assert_str_eq(f.node, "node-1");
	ck_assert(f.realtime_ns > now - 1000000000u && f.realtime_ns < now + 1000000000u);
	/* the other way round */
	e.point = EBN_AT_TO_ENDPOINT;
	e.src_identity = 0;
	e.dst_identity = 256;
	e.egress_decision = 1;
	e.ingress_decision = 0;
	f = flow_of(&e);
	ck_assert_str_eq(f.dst.name, "client");
	ck_assert_ptr_null(f.src.name);
	ck_assert_str_eq(f.src.labels, "");
	ck_assert_str_eq(f.egress_rule, "default allow");
	ck_assert_str_eq(f.ingress_rule, "default deny");
	ck_assert_ptr_null(f.egress_log);
	ck_assert_uint_eq(f.ingress_verdict, EBPFNET_VERDICT_DENY);
	teardown();
}
END_TEST

START_TEST(unknown_numbers)
{
	struct ebpfnet_event e;
	struct ebpfnet_flow f;

	setup();
	e = event();
	e.src_identity = 70000;
	e.ep = 99;
	e.egress_decision = 5000;
	f = flow_of(&e);
	ck_assert_ptr_null(f.src.name);
	ck_assert_str_eq(f.src.labels, "");
	ck_assert_uint_eq(f.src.endpoint, 99);
	ck_assert_ptr_null(f.egress_rule);
	ck_assert_uint_eq(f.egress_verdict, EBPFNET_FLOW_NOT_ASKED);
	/* the endpoint's own labels do when its identity has gone */
	e.ep = 7;
	ck_assert_str_eq(flow_of(&e).src.labels, "k8s:app=client;k8s:pod=client-1;");
	teardown();
}
END_TEST

START_TEST(changes_are_seen)
{
	static const struct ebn_decision second[] = {
		{ .verdict = EBN_V_DENY, .flags = EBN_DEC_F_DEFAULT },
		{ .verdict = EBN_V_ALLOW, .flags = EBN_DEC_F_DEFAULT },
		{ .verdict = EBN_V_DENY, .rule = 12 },
		{ .verdict = EBN_V_ALLOW, .rule = 99 },
	};
	struct ebpfnet_event old, e;

	setup();
	old = event();
	ck_assert_int_eq(ebpfnet_names_refresh(names), 0);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, 300, "k8s:app=new;"), 0);
	ck_assert_int_eq(ebpfnet_names_refresh(names), 1);
	ck_assert_int_eq(ebpfnet_names_refresh(names), 0);
	/* a new policy gives the index and the rule's number to others */
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 11, NULL), 0);
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_RULE, 12, "demo/other#1"), 0);
	publish_decisions(second, 4);
	e = event();
	ck_assert_str_eq(flow_of(&e).egress_rule, "demo/other#1");
	ck_assert_str_eq(flow_of(&old).egress_rule, "demo/api#1");
	e.egress_decision = 3;
	ck_assert_str_eq(flow_of(&e).egress_rule, "?");
	/* an endpoint that came without a publish is found because its number is not known */
	add_endpoint(8, "api\tk8s:app=api;");
	e.ep = 8;
	usleep(6000);
	ck_assert_str_eq(flow_of(&e).src.name, "api");
	teardown();
}
END_TEST

START_TEST(many_names)
{
	struct ebpfnet_event e;
	char text[64];
	uint32_t i;

	setup();
	for (i = 1000; i < 3000; i++) {
		test_put(text, text + sizeof(text), "k8s:n=%u;", i);
		ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, i, text), 0);
	}
	ck_assert_int_eq(ebpfnet_names_refresh(names), 1);
	e = event();
	for (i = 1000; i < 3000; i++) {
		test_put(text, text + sizeof(text), "k8s:n=%u;", i);
		e.dst_identity = i;
		ck_assert_str_eq(flow_of(&e).dst.labels, text);
	}
	teardown();
}
END_TEST

/* A cleanup takes the tables away under the names. */
START_TEST(tables_go_and_come_back)
{
	struct ebpfnet_event e;
	uint8_t *kept;

	setup();
	e = event();
	kept = mem;
	mem = NULL;
	ck_assert_int_eq(ebpfnet_names_refresh(names), -EPROTO);
	ck_assert_str_eq(flow_of(&e).src.name, "client");
	e.ep = 99;
	e.generation++;
	ck_assert_ptr_null(flow_of(&e).src.name);
	mem = kept;
	ck_assert_int_eq(ebpfnet_names_refresh(names), 0);
	teardown();
}
END_TEST

START_TEST(bad_arguments_and_tables)
{
	struct ebpfnet_names *none = NULL;
	struct ebpfnet_event e;
	struct ebpfnet_flow f;
	struct ebn_dir *dir;

	setup();
	e = event();
	ck_assert_int_eq(ebpfnet_flow_from_event(NULL, &e, &f, sizeof(f)), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_from_event(names, NULL, &f, sizeof(f)), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_from_event(names, &e, NULL, sizeof(f)), -EINVAL);
	ck_assert_int_eq(ebpfnet_names_refresh(NULL), -EINVAL);
	ebpfnet_names_free(NULL);
	/* a directory that leads outside is refused, not followed; the names that are there stay good */
	dir = (struct ebn_dir *)(uintptr_t)ebn_node_dir(nt);
	dir->slot[EBN_P_DECISION].n = 0x10000000;
	((struct ebn_node_hdr *)mem)->root += 1;
	ck_assert_int_lt(ebpfnet_names_refresh(names), 0);
	ck_assert_int_lt(ebn_names_new(locate, release, &mem, NULL, &none), 0);
	ck_assert_ptr_null(none);
	ck_assert_str_eq(flow_of(&e).src.name, "client");
	ck_assert_uint_eq(released, 0);
	ck_assert(ebn_slot_fits(SIZE, (struct ebn_slot){ EBN_NODE_EXTENT_OFF, 1 }, 16));
	ck_assert(!ebn_slot_fits(SIZE, (struct ebn_slot){ 64, 1 }, 16));
	ck_assert(!ebn_slot_fits(SIZE, (struct ebn_slot){ SIZE - 16, 2 }, 16));
	ck_assert(!ebn_slot_fits(SIZE, (struct ebn_slot){ UINT32_MAX, 0 }, 16));
	teardown();
}
END_TEST

RUN_SUITE("names", an_event_gets_names, unknown_numbers, changes_are_seen, many_names, tables_go_and_come_back,
	  bad_arguments_and_tables)
