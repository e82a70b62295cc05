// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What masquerade costs a packet that leaves: ns in ebn_to_netdev, less an empty program. known: its flow has a port. new: it is
 * given one, a reservation in a flow table that is full; the flow itself is established.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "setup.h"

#define FLOWS 32768u		/* of one endpoint to one destination: half of the ports that there are */
#define FILL 2097152u
#define V6 1u

/* The device masquerades to address number n. */
static int masquerade(struct bench *b, struct setup *s, uint32_t n, uint16_t port_min, uint16_t port_max)
{
	uint32_t off, old = ebn_node_slot(s->nt, EBN_P_NAT).off;
	struct ebn_nat_row *row;
	int err = ebn_node_alloc(s->nt, EBN_P_NAT, sizeof(*row), &off);

	if (err)
		return bench_fail(b, err, "no room for a row");
	row = ebn_node_ptr(s->nt, off, sizeof(*row));
	row->ifindex = s->ifindex[1];
	row->flags = EBN_NAT_F_IP4 | EBN_NAT_F_IP6;
	row->id = 1;
	row->port_min = port_min;
	row->port_max = port_max;
	row->addr[0][2] = htonl(0xffff);
	row->addr[0][3] = htonl(0xc6336400 + n);
	row->addr[1][0] = htonl(0x20010db8);
	row->addr[1][3] = htonl(1 + n);
	err = ebn_node_swap(s->nt, EBN_P_NAT, off, 1);
	if (!err)
		err = ebn_node_retire(s->nt, old);
	return err ? bench_fail(b, err, "the row cannot be published") : 0;
}

static int run_known(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	bool v6 = row->arg2 & V6;
	struct bench_sample sample;
	uint32_t flows = (uint32_t)row->arg, got;
	struct setup s;
	double idle;
	int err;

	err = setup_open(b, 524288, 262144, &s);
	if (!err)
		err = masquerade(b, &s, 1, 1024, 65535);
	if (!err)
		err = setup_establish(b, &s, v6, false, flows);
	if (!err) {
		setup_packet(&s, v6, SETUP_ACK, false, SETUP_PORT_ALLOWED);
		setup_flows(&s, v6, false, flows, false);
		err = setup_run(b, &s, v6, SETUP_TO_NETDEV, 1, flows, &got);
	}
	if (!err) {
		setup_flows(&s, v6, false, flows, true);
		err = setup_measure(b, &s, v6, SETUP_TO_NETDEV, 1, TC_ACT_OK, &sample, &idle);
	}
	if (!err)
		bench_value(res, &sample, idle, 1);
	/* what the same packets of the same flows take at their endpoint's hook */
	if (!err)
		err = setup_measure(b, &s, v6, SETUP_FROM_EP, 0, TC_ACT_OK, &sample, &idle);
	if (!err)
		bench_reference(res, "from-endpoint", bench_median(&sample) - idle);
	setup_close(&s);
	return err;
}

/* Reservations become half open: they may be given up, as those of flows that have not been answered. */
static void soften(struct setup *s)
{
	struct ebn_flow_set4 *set = (struct ebn_flow_set4 *)s->flow_mem[0];
	uint32_t i, w;

	for (i = 0; i <= s->flows[0].mask; i++)
		for (w = 0; w < EBN_FLOW_WAYS; w++)
			if (set[i].e[w].key.zone == EBN_ZONE_NAT)
				set[i].e[w].body.ctl = (set[i].e[w].body.ctl & ~(0xffULL << 40)) |
						       (uint64_t)EBN_FS_HALF_OPEN << 40;
}

static uint64_t reserved(struct setup *s, uint32_t n)
{
	struct ebn_flow_copy c;
	uint64_t pos = 0, found = 0;

	while (ebn_flow_next(&s->flows[0], &pos, &c))
		found += c.key.v4.zone == EBN_ZONE_NAT &&
			 (c.key.v4.addr[0] == htonl(0xc6336400 + n) || c.key.v4.addr[1] == htonl(0xc6336400 + n));
	return found;
}

/* All flows once, each given a port of an address that none has been given. */
static int round_new(struct bench *b, struct setup *s, uint32_t n, struct bench_sample *sample)
{
	uint32_t got;
	double from;
	int err;

	soften(s);
	err = masquerade(b, s, n, 1024, 65535);
	if (err)
		return err;
	setup_flows(s, false, false, FLOWS, false);
	from = bench_now_ns();
	err = setup_run(b, s, false, SETUP_TO_NETDEV, 1, FLOWS, &got);
	bench_add(sample, (bench_now_ns() - from) / FLOWS);
	if (!err && reserved(s, n) < FLOWS - FLOWS / 100)
		err = bench_fail(b, EPROTO, "only %llu of %u flows were given a port",
				 (unsigned long long)reserved(s, n), FLOWS);
	return err;
}

static int run_new(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample sample = { .n = 0 }, idle = { .n = 0 };
	struct setup s;
	uint32_t got, i;
	double from;
	int err;

	(void)row;
	err = setup_open(b, 393216, 1024, &s);
	if (!err)
		err = setup_establish(b, &s, false, false, FLOWS);
	if (!err) {
		/* the rest of the table: flows that were begun and not answered */
		setup_packet(&s, false, SETUP_SYN, false, SETUP_PORT_ALLOWED);
		setup_flows(&s, false, false, FILL, false);
		err = setup_run(b, &s, false, SETUP_FROM_EP, 0, FILL, &got);
	}
	setup_packet(&s, false, SETUP_ACK, false, SETUP_PORT_ALLOWED);
	for (i = 0; i < b->rounds && !err; i++) {
		setup_flows(&s, false, false, FLOWS, false);
		from = bench_now_ns();
		err = setup_run(b, &s, false, SETUP_NOTHING, 1, FLOWS, &got);
		bench_add(&idle, (bench_now_ns() - from) / FLOWS);
		if (!err)
			err = round_new(b, &s, i + 1, &sample);
	}
	if (!err)
		bench_value(res, &sample, bench_median(&idle), 1);
	setup_close(&s);
	return err;
}

const struct bench_row bench_nat_rows[] = {
	{ "nat-known/hot", "ns", 90, run_known, 1, 0 },
	{ "nat-known/64k", "ns", 0, run_known, 65536, 0 },
	{ "nat-known-v6/hot", "ns", 0, run_known, 1, V6 },
	{ "nat-new/full", "ns", 850, run_new, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
