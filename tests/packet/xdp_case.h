/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What tests of the balancer do again and again. */
#ifndef EBN_TEST_XDP_CASE_H
#define EBN_TEST_XDP_CASE_H

#include <check.h>

#include "xdp_rig.h"

/* The last packet's. */
extern struct xr_result xc_last;

const char *xc_reason(unsigned int reason);
#define EXPECT(act)                                                                                                    \
	ck_assert_msg(xc_last.action == (act), "action %d, reason %s", xc_last.action, xc_reason(xc_last.reason))
#define EXPECT_DROP(why)                                                                                               \
	do {                                                                                                           \
		EXPECT(XR_DROP);                                                                                       \
		ck_assert_str_eq(xc_reason(xc_last.reason), #why);                                                     \
	} while (0)

struct ebpfnet_addr xc_addr(const char *text);

#define XC_BACKENDS 128u
extern struct ebpfnet_backend xc_back[XC_BACKENDS];	/* of the options made last */
/* TCP and UDP port 80 of one address, in packets of their own to these backends. NULL: one less. */
struct ebpfnet_service_opts xc_opts(const char *name, const char *vip, const char *b1, const char *b2);
void xc_put(const struct ebpfnet_service_opts *o);
void xc_service(const char *name, const char *vip, const char *b1, const char *b2);

/* A client's packet to the VIP. */
struct spec xc_question(bool v6, uint8_t proto);
/* The frame, as the router sends it, with right checksums where it is whole. */
void xc_make(struct packet *p, const struct spec *spec);
void xc_comes(const struct spec *s);
/* Sends it, and says which backend it went to. */
const char *xc_goes(const struct spec *s);
/* An address of the last packet that came out. */
const char *xc_outer(bool dst);

struct xc_test {
	const TTest *test;
	int variants;
};
int xc_main(const char *name, const struct xc_test *tests, size_t n);

#endif
