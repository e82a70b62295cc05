// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A client outside whose backend is elsewhere: ns from the node's device to the door of the one that leads there, less an empty program, of a
 * 64-byte TCP packet to one of 64 backends, whose address takes the frontend's place and the node's the client's (ebn_from_netdev,
 * ebn_svc_in, ebn_svc_out, ebn_svc_abroad at tc; the route asked of the kernel is in it). new: a flow's first packet, which makes four entries.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "setup.h"
#include "ebn_config.h"
#include "ebn_egress.h"
#include "service/service.h"

#include "ebn_datapath.skel.h"
#include "packet.skel.h"

#define BACKENDS 64u
#define VIP 0xc6336401u		/* 198.51.100.1 */
#define CLIENT 0xcb007107u	/* 203.0.113.7 */
#define NODE 0xc0000201u	/* 192.0.2.1 */
#define SRC (14 + 12)
#define DST (14 + 16)
#define SPORT (14 + 20)
#define DPORT (14 + 22)
#define FLAGS (14 + 20 + 13)

static const uint8_t own_mac[6] = { 2, 0xee, 0, 0, 0, 1 };

static struct ebpfnet_addr mapped(uint32_t a)
{
	struct ebpfnet_addr r = { { 0 } };

	r.b[10] = r.b[11] = 0xff;
	a = htonl(a);
	memcpy(r.b + 12, &a, sizeof(a));
	return r;
}

static int serve(struct bench *b, struct setup *s, struct ebn_services **ret)
{
	struct ebpfnet_frontend front = { .addr = mapped(VIP), .port = SETUP_PORT_ALLOWED, .protocol = IPPROTO_TCP,
					  .kind = EBPFNET_FRONTEND_EXTERNAL_IP };
	struct ebpfnet_backend backends[BACKENDS] = { 0 };
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = "bench", .frontends = &front, .n_frontends = 1,
					  .backends = backends, .n_backends = BACKENDS };
	uint32_t a[4], i;
	int err;

	for (i = 0; i < BACKENDS; i++) {
		setup_addr(false, false, i, a);
		memcpy(backends[i].addr.b, a, sizeof(a));
		backends[i].port = SETUP_PORT_ALLOWED;
	}
	err = ebn_services_open(NULL, s->nt, NULL, ret);
	if (!err)
		err = ebn_services_settle(*ret, NULL);
	if (!err)
		err = ebn_services_upsert(*ret, &o, NULL);
	return err ? bench_fail(b, err, "the service: %s", strerror(-err)) : 0;
}

/* The device that clients and backends are behind, and the node's address on it. */
static int device(struct bench *b, struct setup *s)
{
	int err = setup_devices(b, "ebnd", 1);

	if (!err && setup_shell("ip link set ebnd0 address 02:ee:00:00:00:01 && ip addr replace 192.0.2.1/24 dev ebnd0 &&"
				" ip route replace default via 192.0.2.2 && echo 1 >/proc/sys/net/ipv4/ip_forward &&"
				" ip neigh replace 192.0.2.2 lladdr 02:dd:00:00:00:01 dev ebnd0"))
		err = bench_fail(b, EIO, "ip failed");
	s->ifindex[1] = if_nametoindex("ebnd0");
	return err;
}

static int source(struct bench *b, struct setup *s)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(s->nt);
	struct ebn_egress_rule *row;
	uint32_t off;
	int err = ebn_node_alloc(s->nt, EBN_P_SOURCE, sizeof(*row), &off);

	if (err)
		return bench_fail(b, err, "no room for a row");
	row = ebn_node_ptr(s->nt, off, sizeof(*row));
	*row = (struct ebn_egress_rule){ .id = EBN_SOURCE_ID, .flags = EBN_EG_F_HERE, .port_min = 1024,
					 .port_max = 65535, .first = s->ifindex[1] };
	row->addr[0][2] = htonl(0xffff);
	row->addr[0][3] = htonl(NODE);
	err = ebn_node_swap(s->nt, EBN_P_SOURCE, off, 1);
	EBN_WRITE(hdr->flags, EBN_READ(hdr->flags) | EBN_NODE_F_CARRY | EBN_NODE_F_SOURCE);
	return err ? bench_fail(b, err, "the row cannot be published") : 0;
}

static int dnat_open(struct bench *b, uint64_t entries, struct setup *s, struct ebn_services **ret)
{
	int err = setup_open(b, entries, 768, s);

	if (!err)
		err = device(b, s);
	if (!err)
		err = source(b, s);
	return err ? err : serve(b, s, ret);
}

/* What a client sends; flows differ in its port, and those above 65,536 in its address. */
static uint8_t *question(struct setup *s, enum setup_packet kind, uint32_t flows, bool scatter)
{
	struct packet_mode *m = &s->harness->bss->mode;
	uint8_t *p = (uint8_t *)m->packet;
	uint32_t client = htonl(CLIENT);
	struct ebpfnet_addr vip = mapped(VIP);
	uint32_t a[4];

	setup_packet(s, false, kind, false, SETUP_PORT_ALLOWED);
	memcpy(a, vip.b, sizeof(a));
	memcpy(p, own_mac, sizeof(own_mac));
	memcpy(p + SRC, &client, sizeof(client));
	/* sums up the header as well */
	setup_to(s, false, a);
	setup_flows(s, false, false, flows, scatter);
	m->addr_off = SRC + 2;
	return p;
}

static int one(struct bench *b, struct setup *s, const uint8_t *packet, uint8_t out[256])
{
	struct __sk_buff ctx = { .ifindex = s->ifindex[1], .ingress_ifindex = s->ifindex[1] };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = PACKET_LEN4, .data_out = out,
		    .data_size_out = 256, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err = bpf_prog_test_run_opts(bpf_program__fd(s->dp->progs.ebn_from_netdev), &o);

	if (!err && o.retval != TC_ACT_REDIRECT)
		return bench_fail(b, EPROTO, "a handshake's packet: action %u", o.retval);
	return err ? bench_fail(b, err, "running a packet: %s", strerror(-err)) : 0;
}

/* A flow's three packets: the middle one is the backend's, to the address and port that the first one got. */
static int established(struct bench *b, struct setup *s, uint32_t flows)
{
	uint8_t syn[PACKET_LEN4], ack[PACKET_LEN4], answer[PACKET_LEN4], out[256];
	uint32_t i;
	int err = 0;

	memcpy(syn, question(s, SETUP_SYN, 1, false), sizeof(syn));
	memcpy(ack, question(s, SETUP_ACK, 1, false), sizeof(ack));
	for (i = 0; !err && i < flows; i++) {
		/* as the harness makes them */
		uint16_t port = (uint16_t)i, high = htons((uint16_t)((CLIENT & 0xffff) ^ i >> 16));

		if (flows > 1) {
			memcpy(syn + SPORT, &port, sizeof(port));
			memcpy(ack + SPORT, &port, sizeof(port));
			memcpy(syn + SRC + 2, &high, sizeof(high));
			memcpy(ack + SRC + 2, &high, sizeof(high));
		}
		err = one(b, s, syn, out);
		if (err)
			return err;
		memcpy(answer, out, sizeof(answer));
		memcpy(answer, own_mac, sizeof(own_mac));
		memcpy(answer + SRC, out + DST, 4);
		memcpy(answer + DST, out + SRC, 4);
		memcpy(answer + SPORT, out + DPORT, 2);
		memcpy(answer + DPORT, out + SPORT, 2);
		answer[FLAGS] = 0x12;
		err = one(b, s, answer, out);
		if (!err)
			err = one(b, s, ack, out);
	}
	return err;
}

static int run_known(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t flows = (uint32_t)row->arg;
	struct ebn_services *services = NULL;
	struct bench_sample sample;
	struct setup s;
	double idle;
	int err;

	err = dnat_open(b, 2097152, &s, &services);
	if (!err)
		err = established(b, &s, flows);
	if (!err) {
		question(&s, SETUP_ACK, flows, true);
		err = setup_measure(b, &s, false, SETUP_FROM_NETDEV, 1, TC_ACT_REDIRECT, &sample, &idle);
	}
	if (!err)
		bench_value(res, &sample, idle, 1);
	ebn_services_free(services);
	setup_close(&s);
	return err;
}

static int run_new(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t flows = (uint32_t)row->arg, got;
	struct ebn_services *services = NULL;
	struct bench_sample sample;
	struct setup s;
	double idle;
	int err;

	/* more flows than there is room for, so that each packet is a new one */
	err = dnat_open(b, 65536, &s, &services);
	if (!err) {
		question(&s, SETUP_SYN, flows, false);
		err = setup_run(b, &s, false, SETUP_FROM_NETDEV, 1, flows, &got);
	}
	if (!err) {
		question(&s, SETUP_SYN, flows, false);
		err = setup_measure(b, &s, false, SETUP_FROM_NETDEV, 1, TC_ACT_REDIRECT, &sample, &idle);
	}
	if (!err)
		bench_value(res, &sample, idle, 1);
	ebn_services_free(services);
	setup_close(&s);
	return err;
}

const struct bench_row bench_dnat_rows[] = {
	{ "lb-dnat-known/hot", "ns", 90, run_known, 1, 0 },
	{ "lb-dnat-known/256k", "ns", 330, run_known, 262144, 0 },
	{ "lb-dnat-new", "ns", 850, run_new, 1048576, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
