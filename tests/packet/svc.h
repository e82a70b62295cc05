/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Services in the rig: one service at a time, packets to it, and what comes of them. */
#ifndef EBN_TEST_SVC_H
#define EBN_TEST_SVC_H

#include <string.h>

#include "../unit/suite.h"
#include "nat.h"
#include "service/service.h"

#define VIP4 "10.96.0.1"
#define VIP6 "fd96::1"
#define OTHER_VIP4 "10.96.0.2"
#define PLAIN4 "10.9.0.77"
#define SELF4 "169.254.96.1"
#define SELF6 "fd65:626e:7376::1"

/* What the last packet came to. */
extern struct rig_result r;
extern struct ebn_services *sv;

#define EXPECT(act)                                                                                            \
	ck_assert_msg(r.action == (act), "action %d, reason %s", r.action, rig_reason_name(r.reason))
#define EXPECT_DROP(why)                                                                                       \
	do {                                                                                                   \
		ck_assert_int_eq(r.action, DROP);                                                              \
		ck_assert_str_eq(rig_reason_name(r.reason), #why);                                             \
		ck_assert(r.reported);                                                                         \
	} while (0)

struct kind {
	uint8_t proto;
	bool v6;
};
#define KINDS 4
extern const struct kind kinds[KINDS];

struct ebpfnet_addr addr(const char *text);
/* Everybody may everything, and there is no service yet. */
void svc_open(void);
void svc_open_with(const struct rig_opts *o);
void svc_close(void);
/* A service of TCP and UDP port 80 at one address; backends at port 8080. NULL: one less. */
struct ebpfnet_service_opts opts(const char *name, const char *vip, const char *b1, const char *b2);
void put(const struct ebpfnet_service_opts *o);
void service(const char *name, const char *vip, const char *b1, const char *b2);

/* As rig_sends(), with right checksums. */
void sends_from(enum rig_prog prog, uint32_t ifindex, const struct spec *spec, const uint8_t *smac);
void a_sends(const struct spec *s);
void b_sends(const struct spec *s);
void wire_brings(const struct spec *s);
/* What leaves has these ends, and right checksums. */
void is(const char *src, uint16_t sport, const char *dst, uint16_t dport);

/* The first packet of a client to the VIP, from port 4000. */
struct spec question(unsigned int k, size_t payload);
/* Of the backend to the client; or, turned round once more, of the client to the frontend. */
struct spec answer(const struct spec *q, const char *from, uint16_t port);
void acks(struct spec *q);

#endif
