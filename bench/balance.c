// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a service costs an endpoint's packet: ns in its program from the frontend's address to the backend's door, translation
 * and both policies included, less an empty program. Beside it the same packet to the backend itself. new: the first packet of a
 * flow to one of 64 backends elsewhere, which makes three entries.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>

#include "setup.h"
#include "service/service.h"

#define V6 1u
#define BACKENDS 64u

static struct ebpfnet_addr addr_of(const uint32_t a[4])
{
	struct ebpfnet_addr r;

	memcpy(r.b, a, sizeof(r.b));
	return r;
}

static void vip(bool v6, uint32_t ret[4])
{
	struct ebpfnet_addr a;

	(void)ebpfnet_addr_parse(v6 ? "fd96::1" : "10.96.0.1", &a);
	memcpy(ret, a.b, sizeof(a.b));
}

/* One service, of the other endpoint or of so many addresses elsewhere. */
static int serve(struct bench *b, struct setup *s, bool v6, bool to_local, struct ebn_services **ret)
{
	struct ebpfnet_frontend front = { .port = SETUP_PORT_ALLOWED, .protocol = IPPROTO_TCP };
	struct ebpfnet_backend backends[BACKENDS];
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = "bench", .frontends = &front, .n_frontends = 1,
					  .backends = backends, .n_backends = to_local ? 1 : BACKENDS };
	uint32_t a[4], i;
	int err;

	vip(v6, a);
	front.addr = addr_of(a);
	memset(backends, 0, sizeof(backends));
	for (i = 0; i < o.n_backends; i++) {
		setup_addr(to_local, v6, to_local ? 1 : i, a);
		backends[i].addr = addr_of(a);
		backends[i].port = SETUP_PORT_ALLOWED;
	}
	err = ebn_services_open(NULL, s->nt, NULL, ret);
	if (!err)
		err = ebn_services_settle(*ret, NULL);
	if (!err)
		err = ebn_services_upsert(*ret, &o, NULL);
	return err ? bench_fail(b, err, "the service: %s", strerror(-err)) : 0;
}

/* What a client sends to the frontend. */
static void to_service(struct setup *s, bool v6, enum setup_packet kind, uint32_t flows, bool scatter)
{
	uint32_t a[4];

	vip(v6, a);
	setup_packet(s, v6, kind, true, SETUP_PORT_ALLOWED);
	setup_to(s, v6, a);
	setup_flows(s, v6, false, flows, scatter);
}

static int step(struct bench *b, struct setup *s, bool v6, unsigned int device, uint32_t flows)
{
	uint32_t got;
	int err = setup_run(b, s, v6, SETUP_FROM_EP, device, flows, &got);

	if (!err && got != TC_ACT_REDIRECT)
		err = bench_fail(b, EPROTO, "a handshake's packet: action %u", got);
	return err;
}

static int established(struct bench *b, struct setup *s, bool v6, uint32_t flows)
{
	int err;

	to_service(s, v6, SETUP_SYN, flows, false);
	err = step(b, s, v6, 0, flows);
	if (err)
		return err;
	setup_packet(s, v6, SETUP_SYN_ACK, true, SETUP_PORT_ALLOWED);
	setup_flows(s, v6, true, flows, false);
	err = step(b, s, v6, 1, flows);
	if (err)
		return err;
	to_service(s, v6, SETUP_ACK, flows, false);
	return step(b, s, v6, 0, flows);
}

static int run_known(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t flows = (uint32_t)row->arg;
	struct ebn_services *services = NULL;
	bool v6 = row->arg2 & V6;
	struct bench_sample sample;
	struct setup s;
	double idle;
	int err;

	err = setup_open(b, 524288, 262144, &s);
	if (!err)
		err = serve(b, &s, v6, true, &services);
	if (!err)
		err = established(b, &s, v6, flows);
	if (!err) {
		to_service(&s, v6, SETUP_ACK, flows, true);
		err = setup_measure(b, &s, v6, SETUP_FROM_EP, 0, TC_ACT_REDIRECT, &sample, &idle);
	}
	if (!err)
		bench_value(res, &sample, idle, 1);
	/* flows of the backend's own address, in the places of those */
	if (!err) {
		setup_clear(&s);
		err = setup_establish(b, &s, v6, true, flows);
	}
	if (!err) {
		setup_packet(&s, v6, SETUP_ACK, true, SETUP_PORT_ALLOWED);
		setup_flows(&s, v6, false, flows, true);
		err = setup_measure(b, &s, v6, SETUP_FROM_EP, 0, TC_ACT_REDIRECT, &sample, &idle);
	}
	if (!err)
		bench_reference(res, "no-service", bench_median(&sample) - idle);
	ebn_services_free(services);
	setup_close(&s);
	return err;
}

static int run_new(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t flows = (uint32_t)row->arg, got;
	struct ebn_services *services = NULL;
	bool v6 = row->arg2 & V6;
	struct bench_sample sample;
	struct setup s;
	double idle;
	int err;

	/* a small table, all of it in the caches; more flows than it has room for, so that each packet is a new one */
	err = setup_open(b, 768, 768, &s);
	if (!err)
		err = serve(b, &s, v6, false, &services);
	if (!err) {
		to_service(&s, v6, SETUP_SYN, flows, false);
		err = setup_run(b, &s, v6, SETUP_FROM_EP, 0, flows, &got);
	}
	if (!err) {
		to_service(&s, v6, SETUP_SYN, flows, false);
		err = setup_measure(b, &s, v6, SETUP_FROM_EP, 0, TC_ACT_OK, &sample, &idle);
	}
	if (!err)
		bench_value(res, &sample, idle, 1);
	ebn_services_free(services);
	setup_close(&s);
	return err;
}

const struct bench_row bench_balance_rows[] = {
	{ "lb-tc/hot", "ns", 120, run_known, 1, 0 },
	{ "lb-tc/64k", "ns", 0, run_known, 65536, 0 },
	{ "lb-tc-v6/hot", "ns", 0, run_known, 1, V6 },
	{ "lb-tc-new/hot", "ns", 0, run_new, 65536, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
