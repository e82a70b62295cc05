// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "xdp_case.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sums.h"

struct xr_result xc_last;
struct ebpfnet_backend xc_back[XC_BACKENDS];
static struct ebpfnet_frontend front[2];

const char *xc_reason(unsigned int reason)
{
	static const char *const names[] = {
#define EBN_X(n, name, text, hubble) [n] = #name,
		EBN_REASONS(EBN_X)
#undef EBN_X
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "?";
}

struct ebpfnet_addr xc_addr(const char *text)
{
	struct ebpfnet_addr a = { { 0 } };

	ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

struct ebpfnet_service_opts xc_opts(const char *name, const char *vip, const char *b1, const char *b2)
{
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = name, .frontends = front, .n_frontends = 2,
					  .backends = xc_back, .forwarding = EBPFNET_FORWARDING_DSR_IPIP };

	memset(front, 0, sizeof(front));
	memset(xc_back, 0, sizeof(xc_back));
	front[0].addr = front[1].addr = xc_addr(vip);
	front[0].port = front[1].port = 80;
	front[0].kind = front[1].kind = EBPFNET_FRONTEND_LOAD_BALANCER;
	front[0].protocol = TCP;
	front[1].protocol = UDP;
	if (b1)
		xc_back[o.n_backends++].addr = xc_addr(b1);
	if (b2)
		xc_back[o.n_backends++].addr = xc_addr(b2);
	return o;
}

void xc_put(const struct ebpfnet_service_opts *o)
{
	int err = ebn_services_upsert(xr.sv, o, xr.diag);

	ck_assert_msg(!err, "%s", strerror(-err));
}

void xc_service(const char *name, const char *vip, const char *b1, const char *b2)
{
	struct ebpfnet_service_opts o = xc_opts(name, vip, b1, b2);

	xc_put(&o);
}

struct spec xc_question(bool v6, uint8_t proto)
{
	struct spec s = { .src = v6 ? "2001:db8::9" : "192.0.2.9", .dst = v6 ? XR_VIP6 : XR_VIP4, .proto = proto,
			  .sport = 4000, .dport = 80, .flags = ACK, .seq = 1, .payload = 20 };

	return s;
}

void xc_make(struct packet *p, const struct spec *spec)
{
	struct spec s = *spec;

	s.smac = xr_mac_router;
	s.dmac = xr_mac_nd;
	packet_make(p, &s);
	if (!s.frag_off && !s.more && !s.inner)
		sums_make(p);
}

void xc_comes(const struct spec *s)
{
	struct packet p;

	xc_make(&p, s);
	xr_run(&p, &xc_last);
}

const char *xc_outer(bool dst)
{
	static char text[INET6_ADDRSTRLEN];
	bool v6 = xc_last.out.b[12] == 0x86;
	const uint8_t *src = xc_last.out.b + (v6 ? 22 : 26);

	inet_ntop(v6 ? AF_INET6 : AF_INET, dst ? src + (v6 ? 16 : 4) : src, text, sizeof(text));
	return text;
}

const char *xc_goes(const struct spec *s)
{
	static char text[INET6_ADDRSTRLEN];

	xc_comes(s);
	ck_assert_msg(xc_last.action == XR_TX || xc_last.action == XR_REDIRECT, "action %d, reason %s", xc_last.action,
		      xc_reason(xc_last.reason));
	snprintf(text, sizeof(text), "%s", xc_outer(true));
	return text;
}

int xc_main(const char *name, const struct xc_test *tests, size_t n)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	size_t i;
	int failed;

	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	for (i = 0; i < n; i++)
		tcase_add_loop_test(tc, tests[i].test, 0, tests[i].variants);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
