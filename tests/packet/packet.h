/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Packets by their fields. What is left out is what a sane packet would have there. */
#ifndef EBN_TEST_PACKET_H
#define EBN_TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10

enum {
	ICMP = 1, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, GRE = 47, AH = 51, ICMP6 = 58, NONXT = 59,
	DSTOPTS = 60, SCTP = 132,
};

struct packet {
	uint8_t b[2048];
	size_t len;
};

/* Addresses are text; MAC addresses six bytes. */
struct spec {
	const char *src, *dst;
	const uint8_t *smac, *dmac;
	uint8_t proto;			/* default: TCP */
	uint16_t sport, dport;
	uint8_t flags;
	uint32_t seq, ack;
	uint8_t type, code;		/* ICMP; SCTP: type of the chunk, ack is the tag, seq the one that is chosen */
	uint16_t id;			/* ICMP identifier */
	int ttl;			/* default: 64; -1: zero */
	size_t payload;
	const struct packet *inner;	/* ICMP error: the frame it speaks of */
	/* deviations */
	uint16_t vlan;			/* ethernet type of a tag */
	uint32_t frag_id;
	uint16_t frag_off;		/* bytes; a later fragment has payload only */
	bool more;
	const uint8_t *options;		/* IPv4: a multiple of 4; TCP data offset is not touched */
	size_t options_len;
	const uint8_t *ext;		/* IPv6: whole extension headers, the last one's next header is set here */
	size_t ext_len;
	uint8_t ext_first;		/* number of the first one */
	size_t ext_last;		/* offset of the last one in ext */
};

bool spec_is6(const struct spec *s);
void packet_make(struct packet *p, const struct spec *s);
/* op 1 request, 2 reply */
void packet_arp(struct packet *p, int op, const uint8_t *smac, const char *src, const uint8_t *tmac, const char *dst);
/* Neighbour solicitation (135) or advertisement (136); option: MAC address or NULL. */
void packet_nd(struct packet *p, int type, const uint8_t *smac, const char *src, const char *dst, const char *target,
	       const uint8_t *option);
/* 16 bytes, IPv4 mapped. */
void packet_addr(const char *text, uint32_t ret[4]);
uint16_t packet_sum(const void *data, size_t len, uint32_t start);
bool packet_ip4_sum_ok(const struct packet *p);
bool packet_icmp6_sum_ok(const struct packet *p);

#endif
