/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Masqueraded packets: endpoint a through the node's device and back. */
#ifndef EBN_TEST_NAT_H
#define EBN_TEST_NAT_H

#include "rig.h"
#include "sums.h"

#define NODE4 "192.0.2.7"
#define NODE6 "2001:db8::7"
#define OTHER4 "192.0.2.8"
#define KEPT4 "10.200.3.4"
#define KEPT6 "fd09:200::4"

/* Whether the programs are told which device an endpoint's packet came from, as the kernel does: the short way out. */
extern bool nat_by_device;

/* Everybody may everything, and the node's device masquerades as NODE4 and NODE6 with these ports. */
void nat_open(const struct rig_opts *opts, uint16_t port_min, uint16_t port_max);
/* The row that nat_open() makes. */
void nat_row(struct ebn_nat_row *row, uint16_t port_min, uint16_t port_max);

/* What leaves the stack by the node's device; what comes to it. Checksums are made. */
void nat_leaves(const struct spec *s, struct rig_result *ret);
void nat_comes(const struct spec *s, struct rig_result *ret);
/* Sent by the endpoint and, when its hook lets it pass, by the device: the device's result. */
void nat_sends(const struct spec *s, struct rig_result *ret);

/* The tuple of a frame: addresses as 16 bytes, ports (ICMP: identifier, 0) in host order. */
struct nat_tuple {
	uint32_t src[4], dst[4];
	uint16_t sport, dport;
};
void nat_tuple(const struct packet *p, struct nat_tuple *ret);
/* Asserts that the frame has these ends and right checksums; returns the source port. */
uint16_t nat_is(const struct packet *p, const char *src, const char *dst);

#endif
