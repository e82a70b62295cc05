// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Health ports of services: whose they are, and what they tell. */
#include <netinet/in.h>
#include <string.h>

#include "service/internal.h"
#include "suite.h"

#define SIZE (4u << 20)

static void *mem;
static struct ebn_node *nt;
static struct ebn_services *sv;
static struct ebpfnet_diag *diag;

static void open_tables(void)
{
	ck_assert_int_eq(ebn_node_open(mem, SIZE, NULL, &nt), 0);
	ck_assert_int_eq(ebn_services_open(NULL, nt, NULL, &sv), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
	ck_assert_int_eq(ebn_services_settle(sv, NULL), 0);
}

static void close_tables(void)
{
	ebn_services_free(sv);
	ebn_node_free(nt);
}

static void begin(void)
{
	static const uint64_t seed[2] = { 1, 2 };

	mem = aligned_alloc(4096, SIZE);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, SIZE);
	ck_assert_int_eq(ebn_node_format(mem, SIZE, seed), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	open_tables();
}

static void end(void)
{
	ck_assert_int_eq(ebn_node_verify(nt), 0);
	close_tables();
	ebpfnet_diag_free(diag);
	free(mem);
}

static struct ebpfnet_addr addr(const char *text)
{
	struct ebpfnet_addr a;

	ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

static struct ebpfnet_frontend front[2];
static struct ebpfnet_backend back[4];

/* At an address and a node port; two backends of four on n1. */
static struct ebpfnet_service_opts opts(const char *name, const char *vip, uint16_t node_port, uint16_t health_port)
{
	static const char *const addrs[] = { "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4" };
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = name, .frontends = front, .n_frontends = 2,
					  .backends = back, .n_backends = 4, .external_policy = EBPFNET_TRAFFIC_LOCAL,
					  .health_port = health_port };
	unsigned int i;

	front[0] = (struct ebpfnet_frontend){ .addr = addr(vip), .port = 80, .protocol = IPPROTO_TCP };
	front[1] = (struct ebpfnet_frontend){ .port = node_port, .protocol = IPPROTO_TCP,
					      .kind = EBPFNET_FRONTEND_NODE_PORT };
	for (i = 0; i < 4; i++)
		back[i] = (struct ebpfnet_backend){ .addr = addr(addrs[i]), .port = 80, .protocol = IPPROTO_TCP,
						    .node = i < 2 ? "n1" : "n2" };
	return o;
}

static void node(const char *name)
{
	struct ebpfnet_service_node_opts o = { EBPFNET_OPTS_INIT(o), .node = name };

	ck_assert_int_eq(ebn_services_node(sv, &o, diag), 0);
}

static uint32_t local(const char *name)
{
	uint32_t mine = 99, theirs = 98;

	ck_assert_int_eq(ebn_services_local(sv, name, &mine), 0);
	ck_assert_int_eq(ebn_services_read_local(mem, SIZE, name, &theirs), 0);
	ck_assert_uint_eq(mine, theirs);
	return mine;
}

START_TEST(backends_here_that_take_new_flows_are_told)
{
	struct ebpfnet_service_opts o;
	uint32_t n = 7;

	begin();
	o = opts("a", "10.96.0.1", 30000, 31000);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), 0);
	ck_assert_uint_eq(local("a"), 0);
	node("n1");
	ck_assert_uint_eq(local("a"), 2);
	ck_assert_int_eq(ebn_services_state(sv, "a", &back[0], EBPFNET_BACKEND_DRAINING), 1);
	ck_assert_uint_eq(local("a"), 1);
	ck_assert_int_eq(ebn_services_state(sv, "a", &back[1], EBPFNET_BACKEND_QUARANTINED), 1);
	ck_assert_uint_eq(local("a"), 0);
	ck_assert_int_eq(ebn_services_state(sv, "a", &back[0], EBPFNET_BACKEND_ACTIVE), 1);
	ck_assert_uint_eq(local("a"), 1);
	node("n2");
	ck_assert_uint_eq(local("a"), 2);
	node("n3");
	ck_assert_uint_eq(local("a"), 0);
	/* clients outside have no use for a cluster IP */
	node("n1");
	o = opts("a", "10.96.0.1", 30000, 31000);
	o.n_frontends = 1;
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), 0);
	ck_assert_uint_eq(local("a"), 0);
	ck_assert_int_eq(ebn_services_local(sv, "b", &n), -ENOENT);
	ck_assert_int_eq(ebn_services_read_local(mem, SIZE, "b", &n), -ENOENT);
	ck_assert_uint_eq(n, 7);
	end();
}
END_TEST

static int port_of(uint32_t number, const struct ebpfnet_service_opts *o, void *arg)
{
	(void)number;
	*(uint16_t *)arg = o->health_port;
	return 0;
}

START_TEST(a_port_is_kept)
{
	struct ebpfnet_service_opts o;
	uint16_t port = 0;

	begin();
	o = opts("a", "10.96.0.1", 30000, 65535);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), 0);
	close_tables();
	open_tables();
	ck_assert_int_eq(ebn_services_read(mem, SIZE, port_of, &port), 0);
	ck_assert_uint_eq(port, 65535);
	/* another port is another service */
	o.health_port = 31000;
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), 0);
	ck_assert_int_eq(ebn_services_read(mem, SIZE, port_of, &port), 0);
	ck_assert_uint_eq(port, 31000);
	end();
}
END_TEST

START_TEST(a_port_is_one_services_alone)
{
	struct ebpfnet_service_opts o, p;
	const struct ebpfnet_service_opts *both[2] = { &o, &p };
	struct ebpfnet_frontend f[2];
	char text[512];

	begin();
	o = opts("a", "10.96.0.1", 30000, 31000);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), 0);
	o = opts("b", "10.96.0.2", 30001, 31000);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), -EEXIST);
	ebpfnet_diag_format(diag, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "31000"));
	ck_assert_ptr_nonnull(strstr(text, "service a"));
	/* nor a port of the node, whoever was there first */
	o = opts("b", "10.96.0.2", 31000, 31001);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), -EEXIST);
	o = opts("b", "10.96.0.2", 30001, 30000);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), -EEXIST);
	o = opts("b", "10.96.0.2", 30001, 30001);
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), -EEXIST);
	/* of UDP it is another */
	o = opts("b", "10.96.0.2", 31000, 31001);
	front[1].protocol = IPPROTO_UDP;
	back[3].protocol = 0;
	ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), 0);
	/* it moves in one step */
	o = opts("a", "10.96.0.1", 30000, 31001);
	memcpy(f, front, sizeof(f));
	o.frontends = f;
	p = opts("b", "10.96.0.2", 30001, 31000);
	ck_assert_int_eq(ebn_services_sync(sv, both, 2, NULL, diag), 0);
	p.health_port = 31001;
	ck_assert_int_eq(ebn_services_sync(sv, both, 2, NULL, diag), -EEXIST);
	/* and is free again */
	ck_assert_int_eq(ebn_services_delete(sv, "a"), 0);
	ck_assert_int_eq(ebn_services_upsert(sv, &p, diag), 0);
	/* it tells of external policy LOCAL */
	p.external_policy = EBPFNET_TRAFFIC_CLUSTER;
	ck_assert_int_eq(ebn_services_upsert(sv, &p, diag), -EINVAL);
	end();
}
END_TEST

RUN_SUITE("service-ports", backends_here_that_take_new_flows_are_told, a_port_is_kept, a_port_is_one_services_alone)
