// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The balancer on node devices: packets in, packets out. */
#include <errno.h>
#include <string.h>

#include "../unit/suite.h"
#include "sums.h"
#include "xdp_case.h"

/* The packet is in another one, to this backend, by this way; and is not changed itself. */
static void inside(const struct packet *in, const char *backend, const uint8_t *dmac, const uint8_t *smac)
{
	bool v6 = strchr(backend, ':'), inner6 = in->b[12] == 0x86;
	size_t outer = v6 ? 40 : 20, len;

	ck_assert_uint_eq(xc_last.out.len, in->len + outer);
	ck_assert_mem_eq(xc_last.out.b, dmac, 6);
	ck_assert_mem_eq(xc_last.out.b + 6, smac, 6);
	ck_assert_uint_eq(xc_last.out.b[12] << 8 | xc_last.out.b[13], v6 ? 0x86dd : 0x0800);
	ck_assert_str_eq(xc_outer(true), backend);
	ck_assert_int_eq(strncmp(xc_outer(false), v6 ? XR_SRC6 : XR_SRC4, v6 ? 5 : 6), 0);
	ck_assert_uint_eq(xc_last.out.b[v6 ? 20 : 23], inner6 ? 41 : 4);
	len = (size_t)(v6 ? xc_last.out.b[18] << 8 | xc_last.out.b[19] : xc_last.out.b[16] << 8 | xc_last.out.b[17]);
	ck_assert_uint_eq(len, in->len - 14 + (v6 ? 0 : 20));
	if (!v6)
		ck_assert(packet_ip4_sum_ok(&xc_last.out));
	ck_assert_mem_eq(xc_last.out.b + 14 + outer, in->b + 14, in->len - 14);
}

/* A packet that is not translated arrives at the port it was sent to, in whichever family the backend is. */
START_TEST(packets_in_packets_keep_their_port)
{
	struct ebpfnet_service_opts o = xc_opts("one", XR_VIP4, "fd00::1", NULL);
	struct ebpfnet_frontend f = o.frontends[0];

	o.frontends = &f;
	o.n_frontends = 1;
	xc_back[0].port = 8081;
	ck_assert_int_eq(ebpfnet_service_check(&o, NULL), -EINVAL);
	xc_back[0].port = 80;
	ck_assert_int_eq(ebpfnet_service_check(&o, NULL), 0);
	xc_back[0].port = 0;
	ck_assert_int_eq(ebpfnet_service_check(&o, NULL), 0);
	/* translated, it would have to be of the frontend's family */
	f.kind = EBPFNET_FRONTEND_CLUSTER_IP;
	ck_assert_int_eq(ebpfnet_service_check(&o, NULL), -EINVAL);
}
END_TEST

START_TEST(packets_go_to_backends_in_packets_of_their_own)
{
	static const struct {
		const char *vip, *backend;
		bool v6;
	} ways[] = {
		{ XR_VIP4, "10.9.0.1", false },
		{ XR_VIP6, "fd09::1", true },
		{ XR_VIP4, "fd09::1", false },
		{ XR_VIP6, "10.9.0.1", true },
	};
	struct ebn_xdp_svc_stat st, before = { 0 };
	struct packet p;
	struct spec q;
	unsigned int i, k;

	xr_open(0, _i);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		xc_service(ways[i].v6 ? "six" : "four", ways[i].vip, ways[i].backend, NULL);
		for (k = 0; k < 8; k++) {
			q = xc_question(ways[i].v6, k & 1 ? UDP : TCP);
			q.sport = (uint16_t)(1000 * i + k / 4);
			q.flags = k & 2 ? SYN : ACK;
			xc_make(&p, &q);
			p.b[15] |= ways[i].v6 ? 0x80 : 0x08;
			xr_run(&p, &xc_last);
			EXPECT(XR_TX);
			inside(&p, ways[i].backend, xr_mac_backend, xr_mac_nd);
			/* and what routers are to know of it */
			ck_assert_uint_eq(xc_last.out.b[15], ways[i].backend[0] == 'f' ? 0x80 : 0x08);
		}
	}
	/* each counted, at its service: 1 is "four" */
	xr_svc_stat(1, &st);
	ck_assert_uint_eq(st.packets, 16);
	ck_assert_uint_eq(st.bytes, 8 * (20 + 20 + 20 + 20 + 8 + 20));
	ck_assert_uint_ge(st.flows, 4);
	ck_assert_uint_eq(st.drops, before.drops);
	xr_close();
}
END_TEST

START_TEST(what_is_nobodys_passes_as_it_is)
{
	static const struct spec specs[] = {
		{ .src = "192.0.2.9", .dst = "10.9.0.254", .dport = 80 },
		{ .src = "192.0.2.9", .dst = XR_VIP4, .dport = 81 },
		{ .src = "192.0.2.9", .dst = XR_VIP4, .dport = 80, .vlan = 0x8100 },
		{ .src = "192.0.2.9", .dst = XR_VIP4, .proto = SCTP, .dport = 80 },
		{ .src = "192.0.2.9", .dst = "10.96.0.2", .dport = 80 },
		{ .src = "192.0.2.9", .dst = "10.96.0.2", .proto = ICMP, .type = 8 },
		{ .src = "192.0.2.9", .dst = "10.9.0.254", .proto = ICMP, .type = 8 },
		{ .src = "192.0.2.9", .dst = XR_VIP4, .proto = ICMP, .type = 13 },
		{ .src = "2001:db8::9", .dst = XR_VIP6, .dport = 81 },
		{ .src = "2001:db8::9", .dst = "fd09::fe", .dport = 80 },
		{ .src = "2001:db8::9", .dst = "fd09::fe", .proto = ICMP6, .type = 135 },
		{ .src = "192.0.2.9", .dst = "10.96.0.2", .dport = 80, .frag_off = 64, .payload = 64 },
	};
	struct ebpfnet_service_opts o;
	struct packet p;
	unsigned int i;

	xr_open(0, false);
	xc_service("four", XR_VIP4, "10.9.0.1", NULL);
	xc_service("six", XR_VIP6, "fd09::1", NULL);
	/* by another way: not ours to send */
	o = xc_opts("nat", "10.96.0.2", "10.9.0.1", NULL);
	o.forwarding = EBPFNET_FORWARDING_NAT;
	xc_put(&o);
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		xc_make(&p, &specs[i]);
		xr_run(&p, &xc_last);
		ck_assert_msg(xc_last.action == XR_PASS, "%u: action %d, reason %s", i, xc_last.action,
			      xc_reason(xc_last.reason));
		ck_assert_uint_eq(xc_last.out.len, p.len);
		ck_assert_mem_eq(xc_last.out.b, p.b, p.len);
	}
	xr_close();
}
END_TEST

START_TEST(a_vip_answers_echo_requests)
{
	struct spec q = xc_question(_i, _i ? ICMP6 : ICMP);
	struct packet p;

	xr_open(0, false);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, _i ? "fd09::1" : "10.9.0.1", NULL);
	q.type = _i ? 128 : 8;
	q.id = 77;
	q.ttl = 3;
	xc_make(&p, &q);
	xr_run(&p, &xc_last);
	EXPECT(XR_TX);
	ck_assert_uint_eq(xc_last.out.len, p.len);
	ck_assert_ptr_null(sums_wrong(&xc_last.out));
	ck_assert_mem_eq(xc_last.out.b, xr_mac_router, 6);
	ck_assert_mem_eq(xc_last.out.b + 6, xr_mac_nd, 6);
	ck_assert_str_eq(xc_outer(false), q.dst);
	ck_assert_str_eq(xc_outer(true), q.src);
	ck_assert_uint_eq(xc_last.out.b[_i ? 21 : 22], 64);
	ck_assert_uint_eq(xc_last.out.b[_i ? 54 : 34], _i ? 129 : 0);
	ck_assert_mem_eq(xc_last.out.b + (_i ? 58 : 38), p.b + (_i ? 58 : 38), p.len - (_i ? 58 : 38));
	ck_assert_uint_eq(xr_counter(EBN_XDP_C_ECHO), 1);
	xr_close();
}
END_TEST

START_TEST(errors_go_to_the_backend_they_are_about)
{
	struct spec q = xc_question(_i, TCP), a, e;
	struct packet inner, p;
	char backend[64];
	unsigned int i;

	xr_open(0, false);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, _i ? "fd09::1" : "10.9.0.1", _i ? "fd09::2" : "10.9.0.2");
	for (i = 0; i < 40; i++) {
		q.sport = (uint16_t)(4000 + i);
		q.proto = i & 1 ? UDP : TCP;
		/* known, or only by its hash */
		if (i & 2)
			snprintf(backend, sizeof(backend), "%s", xc_goes(&q));
		a = q;
		a.src = q.dst;
		a.dst = q.src;
		a.sport = q.dport;
		a.dport = q.sport;
		packet_make(&inner, &a);
		e = (struct spec){ .src = _i ? "2001:db8::ff" : "192.0.2.254", .dst = q.dst, .proto = _i ? ICMP6 : ICMP,
				   .type = _i ? 2 : 3, .code = _i ? 0 : 4, .inner = &inner };
		xc_make(&p, &e);
		xr_run(&p, &xc_last);
		EXPECT(XR_TX);
		if (!(i & 2))
			snprintf(backend, sizeof(backend), "%s", xc_outer(true));
		inside(&p, backend, xr_mac_backend, xr_mac_nd);
		ck_assert_str_eq(xc_goes(&q), backend);
	}
	ck_assert_uint_eq(xr_counter(EBN_XDP_C_ERROR), 40);
	/* about somebody else's packet, or a port that nobody serves */
	a.src = _i ? "fd09::9" : "10.9.0.9";
	packet_make(&inner, &a);
	xc_make(&p, &e);
	xr_run(&p, &xc_last);
	EXPECT_DROP(ICMP_UNKNOWN);
	a.src = q.dst;
	a.sport = 81;
	packet_make(&inner, &a);
	xc_make(&p, &e);
	xr_run(&p, &xc_last);
	EXPECT_DROP(ICMP_UNKNOWN);
	xr_close();
}
END_TEST

START_TEST(fragments_follow_the_first)
{
	struct spec q = xc_question(_i, UDP), f;
	struct packet p;
	char backend[64];
	unsigned int i;

	xr_open(0, false);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, _i ? "fd09::1" : "10.9.0.1", _i ? "fd09::2" : "10.9.0.2");
	for (i = 0; i < 20; i++) {
		f = q;
		f.sport = (uint16_t)(5000 + i);
		f.frag_id = 100 + i;
		f.payload = 64;
		f.frag_off = 72;
		xc_comes(&f);
		EXPECT_DROP(FRAGMENT_UNKNOWN);
		f.frag_off = 0;
		f.more = true;
		snprintf(backend, sizeof(backend), "%s", xc_goes(&f));
		f.frag_off = 72;
		f.more = false;
		xc_make(&p, &f);
		xr_run(&p, &xc_last);
		EXPECT(XR_TX);
		inside(&p, backend, xr_mac_backend, xr_mac_nd);
	}
	xr_close();
}
END_TEST

START_TEST(options_do_not_hide_the_ports)
{
	static const uint8_t options[40] = { 1, 1, 1, 0 };
	static const uint8_t ext[24] = { DSTOPTS, 0, 1, 4, 0, 0, 0, 0, ROUTING, 0, 1, 4, 0, 0, 0, 0,
					 0,	  0, 4, 0, 0, 0, 0, 0 };
	struct spec q = xc_question(_i, TCP);
	struct packet p;
	char plain[64];

	xr_open(0, false);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, _i ? "fd09::1" : "10.9.0.1", _i ? "fd09::2" : "10.9.0.2");
	snprintf(plain, sizeof(plain), "%s", xc_goes(&q));
	if (_i) {
		q.ext = ext;
		q.ext_len = sizeof(ext);
		q.ext_first = 0;
		q.ext_last = 16;
	} else {
		q.options = options;
		q.options_len = sizeof(options);
	}
	xc_make(&p, &q);
	xr_run(&p, &xc_last);
	EXPECT(XR_TX);
	inside(&p, plain, xr_mac_backend, xr_mac_nd);
	ck_assert_uint_eq(xr_counter(EBN_XDP_C_CHECKED), 0);
	xr_close();
}
END_TEST

static void is_too_big(const struct packet *p, bool v6, unsigned int mtu)
{
	EXPECT(XR_TX);
	ck_assert_ptr_null(sums_wrong(&xc_last.out));
	ck_assert_str_eq(xc_outer(false), v6 ? XR_VIP6 : XR_VIP4);
	ck_assert_str_eq(xc_outer(true), v6 ? "2001:db8::9" : "192.0.2.9");
	ck_assert_mem_eq(xc_last.out.b, xr_mac_router, 6);
	ck_assert_uint_eq(xc_last.out.b[v6 ? 54 : 34], v6 ? 2 : 3);
	ck_assert_uint_eq(xc_last.out.b[v6 ? 55 : 35], v6 ? 0 : 4);
	ck_assert_uint_eq(xc_last.out.b[v6 ? 60 : 40] << 8 | xc_last.out.b[v6 ? 61 : 41], mtu);
	ck_assert_mem_eq(xc_last.out.b + (v6 ? 62 : 42), p->b + 14, v6 ? 128 : 68);
}

START_TEST(what_is_too_big_is_told_so)
{
	struct spec q = xc_question(_i, TCP);
	struct packet p;

	xr_open(0, false);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, _i ? "fd07::1" : "10.7.0.1", NULL);
	/* with what is put around it it fits */
	q.payload = 1400 - (_i ? 100 : 60);
	xc_make(&p, &q);
	p.b[20] |= _i ? 0 : 0x40;
	xr_run(&p, &xc_last);
	EXPECT(XR_REDIRECT);
	inside(&p, _i ? "fd07::1" : "10.7.0.1", xr_mac_backend, xr_mac_thin);
	ck_assert_uint_eq(xc_last.out.b[20] & 0x40, _i ? xc_last.out.b[20] & 0x40 : 0x40);
	q.payload++;
	xc_make(&p, &q);
	p.b[20] |= _i ? 0 : 0x40;
	if (!_i) {
		/* the checksum of the header as it is now */
		sums_make(&p);
	}
	xr_run(&p, &xc_last);
	is_too_big(&p, _i, _i ? 1360 : 1380);
	ck_assert_uint_eq(xr_counter(EBN_XDP_C_TOO_BIG), 1);
	if (!_i) {
		/* whoever lets it be cut has it cut, by the stack */
		xc_make(&p, &q);
		xr_run(&p, &xc_last);
		EXPECT(XR_PASS);
		inside(&p, "10.7.0.1", xr_mac_nd, xr_mac_router);
		ck_assert_uint_eq(xc_last.out.b[20] & 0x40, 0);
		ck_assert_uint_eq(xr_counter(EBN_XDP_C_STACK), 1);
	}
	xr_close();
}
END_TEST

START_TEST(packets_take_the_way_that_the_routes_say)
{
	struct spec q = xc_question(_i, TCP);
	const char *vip = _i ? XR_VIP6 : XR_VIP4;
	struct packet p;

	xr_open(0, false);
	xc_make(&p, &q);
	/* another device */
	xc_service("one", vip, _i ? "fd08::1" : "10.8.0.1", NULL);
	xr_run(&p, &xc_last);
	EXPECT(XR_REDIRECT);
	inside(&p, _i ? "fd08::1" : "10.8.0.1", xr_mac_backend, xr_mac_nd2);
	/* a router */
	xc_service("one", vip, "10.18.0.7", NULL);
	xr_run(&p, &xc_last);
	EXPECT(XR_REDIRECT);
	inside(&p, "10.18.0.7", xr_mac_backend, xr_mac_nd2);
	/* a neighbour that the stack has to find first */
	xc_service("one", vip, _i ? "fd08::77" : "10.8.0.77", NULL);
	xr_run(&p, &xc_last);
	EXPECT(XR_PASS);
	inside(&p, _i ? "fd08::77" : "10.8.0.77", xr_mac_nd, xr_mac_router);
	/* nowhere */
	xc_service("one", vip, "10.66.0.1", NULL);
	xr_run(&p, &xc_last);
	EXPECT_DROP(NO_ROUTE);
	/* this host */
	xc_service("one", vip, _i ? "fd09::fe" : "10.9.0.254", NULL);
	xr_run(&p, &xc_last);
	EXPECT(XR_PASS);
	ck_assert_uint_eq(xc_last.out.len, p.len);
	ck_assert_mem_eq(xc_last.out.b, p.b, p.len);
	xr_close();
}
END_TEST

START_TEST(without_forwarding_it_goes_back_to_the_router)
{
	struct spec q = xc_question(false, TCP);
	struct packet p;

	xr_open(0, false);
	ck_assert_int_eq(system("echo 0 >/proc/sys/net/ipv4/conf/nd/forwarding"), 0);
	xc_service("one", XR_VIP4, "10.8.0.1", NULL);
	xc_make(&p, &q);
	xr_run(&p, &xc_last);
	EXPECT(XR_TX);
	inside(&p, "10.8.0.1", xr_mac_router, xr_mac_nd);
	xr_close();
}
END_TEST

START_TEST(an_endpoint_here_is_left_to_the_other_hooks)
{
	struct spec q = xc_question(_i, TCP);
	const char *backend = _i ? "fd09::5" : "10.9.0.5";
	struct packet p;
	uint32_t a[4];
	unsigned int i;

	xr_open(0, false);
	packet_addr(backend, a);
	ck_assert_int_eq(ebn_addr_set(xr.rows, a, 1001, 3), 0);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, backend, NULL);
	xc_make(&p, &q);
	for (i = 0; i < 3; i++) {
		xr_run(&p, &xc_last);
		EXPECT(XR_PASS);
		ck_assert_uint_eq(xc_last.out.len, p.len);
		ck_assert_mem_eq(xc_last.out.b, p.b, p.len);
	}
	ck_assert_uint_eq(xr_counter(EBN_XDP_C_HERE), 3);
	xr_close();
}
END_TEST

START_TEST(truncated_and_malformed_packets_to_a_vip_are_dropped)
{
	struct spec q = xc_question(_i, TCP);
	struct packet p;
	size_t len;

	xr_open(0, false);
	xc_service("one", _i ? XR_VIP6 : XR_VIP4, _i ? "fd09::1" : "10.9.0.1", NULL);
	xc_make(&p, &q);
	for (len = 14; len < p.len; len++) {
		struct packet cut = p;

		cut.len = len;
		xr_run(&cut, &xc_last);
		if (len < (_i ? 54u : 34u))
			EXPECT(XR_PASS);
		else
			EXPECT_DROP(TRUNCATED);
	}
	if (!_i) {
		p.b[14] = 0x44;
		xr_run(&p, &xc_last);
		EXPECT_DROP(MALFORMED);
	}
	xr_close();
}
END_TEST

/* Whatever comes: no way out but those that are meant, and nothing leaves that is not whole. */
START_TEST(garbage_does_no_harm)
{
	uint64_t state = test_seed();
	struct spec q;
	struct packet p;
	unsigned int i, n;

	xr_open(0, false);
	xc_service("four", XR_VIP4, "10.9.0.1", "fd09::1");
	xc_service("six", XR_VIP6, "fd09::1", "10.9.0.1");
	for (i = 0; i < 20000; i++) {
		const uint8_t protos[] = { TCP, UDP, i & 1 ? ICMP6 : ICMP, DSTOPTS };

		q = xc_question(i & 1, protos[test_below(&state, 4)]);
		q.payload = test_below(&state, 200);
		xc_make(&p, &q);
		for (n = test_below(&state, 6); n > 0; n--)
			p.b[14 + test_below(&state, (unsigned int)p.len - 14)] = (uint8_t)test_random(&state);
		if (test_below(&state, 4) == 0)
			p.len = 14 + test_below(&state, (unsigned int)p.len - 13);
		xr_run(&p, &xc_last);
		ck_assert_int_ge(xc_last.action, XR_DROP);
		ck_assert_int_le(xc_last.action, XR_REDIRECT);
		if (xc_last.action != XR_TX && xc_last.action != XR_REDIRECT)
			continue;
		ck_assert_uint_ge(xc_last.out.len, p.len);
		if (xc_last.out.b[12] == 8 && xc_last.out.len > p.len)
			ck_assert(packet_ip4_sum_ok(&xc_last.out));
	}
	xr_close();
}
END_TEST

int main(void)
{
	const struct xc_test tests[] = {
		{ packets_in_packets_keep_their_port, 1 },
		{ packets_go_to_backends_in_packets_of_their_own, 2 },
		{ what_is_nobodys_passes_as_it_is, 1 },
		{ a_vip_answers_echo_requests, 2 },
		{ errors_go_to_the_backend_they_are_about, 2 },
		{ fragments_follow_the_first, 2 },
		{ options_do_not_hide_the_ports, 2 },
		{ what_is_too_big_is_told_so, 2 },
		{ packets_take_the_way_that_the_routes_say, 2 },
		{ without_forwarding_it_goes_back_to_the_router, 1 },
		{ an_endpoint_here_is_left_to_the_other_hooks, 2 },
		{ truncated_and_malformed_packets_to_a_vip_are_dropped, 2 },
		{ garbage_does_no_harm, 1 },
	};

	return xc_main("packet-xdp", tests, sizeof(tests) / sizeof(tests[0]));
}
