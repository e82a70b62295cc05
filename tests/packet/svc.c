// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "svc.h"

struct rig_result r;
struct ebn_services *sv;
static struct ebpfnet_diag *diag;

const struct kind kinds[KINDS] = { { TCP, false }, { TCP, true }, { UDP, false }, { UDP, true } };

struct ebpfnet_addr addr(const char *text)
{
	struct ebpfnet_addr a = { { 0 } };

	if (*text)
		ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

void svc_open(void)
{
	svc_open_with(NULL);
}

void svc_open_with(const struct rig_opts *o)
{
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	rig_open(o);
	ck_assert_int_eq(ebn_services_open(NULL, rig.nt, diag, &sv), 0);
	ck_assert_int_eq(ebn_services_settle(sv, diag), 0);
	rig_allow_all();
}

void svc_close(void)
{
	ebn_services_free(sv);
	rig_close();
	ebpfnet_diag_free(diag);
}

struct ebpfnet_service_opts opts(const char *name, const char *vip, const char *b1, const char *b2)
{
	static struct ebpfnet_frontend f[2];
	static struct ebpfnet_backend b[2];
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = name, .frontends = f, .n_frontends = 2,
					  .backends = b };

	memset(f, 0, sizeof(f));
	memset(b, 0, sizeof(b));
	f[0].addr = f[1].addr = addr(vip);
	f[0].port = f[1].port = 80;
	f[0].protocol = TCP;
	f[1].protocol = UDP;
	if (b1)
		b[o.n_backends++] = (struct ebpfnet_backend){ .addr = addr(b1), .port = 8080 };
	if (b2)
		b[o.n_backends++] = (struct ebpfnet_backend){ .addr = addr(b2), .port = 8080 };
	return o;
}

void put(const struct ebpfnet_service_opts *o)
{
	ck_assert_int_eq(ebn_services_upsert(sv, o, diag), 0);
}

void service(const char *name, const char *vip, const char *b1, const char *b2)
{
	struct ebpfnet_service_opts o = opts(name, vip, b1, b2);

	put(&o);
}

void sends_from(enum rig_prog prog, uint32_t ifindex, const struct spec *spec, const uint8_t *smac)
{
	struct spec s = *spec;
	struct packet p;

	s.smac = smac;
	s.dmac = smac == mac_other ? mac_nd : mac_gw;
	packet_make(&p, &s);
	if (!s.frag_off && !s.more)
		sums_make(&p);
	rig_run(prog, ifindex, &p, &r);
}

void a_sends(const struct spec *s)
{
	sends_from(FROM_EP, rig.ifindex_a, s, mac_a);
}

void b_sends(const struct spec *s)
{
	sends_from(FROM_EP, rig.ifindex_b, s, mac_b);
}

void wire_brings(const struct spec *s)
{
	sends_from(FROM_NETDEV, rig.ifindex_nd, s, mac_other);
}

void is(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	struct nat_tuple t;

	nat_is(&r.out, src, dst);
	nat_tuple(&r.out, &t);
	ck_assert_uint_eq(t.sport, sport);
	ck_assert_uint_eq(t.dport, dport);
}

struct spec question(unsigned int k, size_t payload)
{
	struct spec s = { .src = kinds[k].v6 ? A6 : A4, .dst = kinds[k].v6 ? VIP6 : VIP4, .proto = kinds[k].proto,
			  .sport = 4000, .dport = 80, .flags = SYN, .seq = 1, .payload = payload };

	return s;
}

struct spec answer(const struct spec *q, const char *from, uint16_t port)
{
	struct spec s = *q;

	s.src = from;
	s.dst = q->src;
	s.sport = port;
	s.dport = q->sport;
	s.flags = SYN | ACK;
	s.seq = 9;
	s.ack = 2;
	return s;
}

void acks(struct spec *q)
{
	q->flags = ACK;
	q->seq = 2;
	q->ack = 10;
}
