// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "packet.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static void put8(struct packet *p, unsigned int v)
{
	if (p->len >= sizeof(p->b))
		abort();
	p->b[p->len++] = (uint8_t)v;
}

static void put16(struct packet *p, unsigned int v)
{
	put8(p, v >> 8);
	put8(p, v & 0xff);
}

static void put32(struct packet *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p, v & 0xffff);
}

static void put(struct packet *p, const void *data, size_t len)
{
	if (len > sizeof(p->b) - p->len)
		abort();
	memcpy(p->b + p->len, data, len);
	p->len += len;
}

static void set16(struct packet *p, size_t at, unsigned int v)
{
	p->b[at] = (uint8_t)(v >> 8);
	p->b[at + 1] = (uint8_t)v;
}

bool spec_is6(const struct spec *s)
{
	return strchr(s->src, ':') != NULL;
}

void packet_addr(const char *text, uint32_t ret[4])
{
	memset(ret, 0, 16);
	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, ret) != 1)
			abort();
		return;
	}
	ret[2] = htonl(0xffff);
	if (inet_pton(AF_INET, text, &ret[3]) != 1)
		abort();
}

static void put_addr(struct packet *p, const char *text)
{
	uint32_t a[4];

	packet_addr(text, a);
	if (strchr(text, ':'))
		put(p, a, 16);
	else
		put(p, &a[3], 4);
}

uint16_t packet_sum(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *b = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	if (len & 1)
		sum += (uint32_t)(b[len - 1] << 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

bool packet_ip4_sum_ok(const struct packet *p)
{
	return packet_sum(p->b + 14, (size_t)(p->b[14] & 15) * 4, 0) == 0;
}

bool packet_icmp6_sum_ok(const struct packet *p)
{
	size_t len = p->len - 54;

	/* pseudo header: addresses, length, next header */
	return packet_sum(p->b + 22, 32 + len, (uint32_t)len + ICMP6) == 0;
}

static void put_link(struct packet *p, const struct spec *s, unsigned int type)
{
	static const uint8_t zero[6];

	put(p, s->dmac ? s->dmac : zero, 6);
	put(p, s->smac ? s->smac : zero, 6);
	if (s->vlan) {
		put16(p, s->vlan);
		put16(p, 5);
	}
	put16(p, type);
}

static void put_payload(struct packet *p, size_t n)
{
	while (n--)
		put8(p, 0x5a);
}

static void put_l4(struct packet *p, const struct spec *s, uint8_t proto)
{
	switch (proto) {
	case TCP:
		put16(p, s->sport);
		put16(p, s->dport);
		put32(p, s->seq);
		put32(p, s->ack);
		put8(p, 5 << 4);
		put8(p, s->flags);
		put16(p, 1024);
		put32(p, 0);
		break;
	case UDP:
		put16(p, s->sport);
		put16(p, s->dport);
		put16(p, 8 + (unsigned int)s->payload);
		put16(p, 0);
		break;
	case SCTP:
		put16(p, s->sport);
		put16(p, s->dport);
		put32(p, s->ack);
		put32(p, 0);
		put8(p, s->type);
		put8(p, 0);
		put16(p, s->type == 1 || s->type == 2 ? 20 : 4);
		if (s->type == 1 || s->type == 2) {
			put32(p, s->seq);
			put32(p, 65536);
			put32(p, 1 << 16 | 1);
			put32(p, 1);
		}
		break;
	case ICMP:
	case ICMP6:
		put8(p, s->type);
		put8(p, s->code);
		put16(p, 0);
		put16(p, s->id);
		put16(p, 1);
		if (s->inner)
			put(p, s->inner->b + 14, s->inner->len - 14);
		break;
	default:
		put32(p, 0);
		put32(p, 0);
	}
}

static void put_ip4(struct packet *p, const struct spec *s, uint8_t proto)
{
	size_t ip = p->len, hdr = 20 + s->options_len;

	put8(p, 0x40 | (unsigned int)hdr / 4);
	put8(p, 0);
	put16(p, 0);
	put16(p, s->frag_id);
	put16(p, s->frag_off / 8u | (s->more ? 0x2000u : 0));
	put8(p, s->ttl < 0 ? 0 : s->ttl ? (unsigned int)s->ttl : 64);
	put8(p, proto);
	put16(p, 0);
	put_addr(p, s->src);
	put_addr(p, s->dst);
	if (s->options_len)
		put(p, s->options, s->options_len);
	if (!s->frag_off)
		put_l4(p, s, proto);
	put_payload(p, s->payload);
	set16(p, ip + 2, (unsigned int)(p->len - ip));
	set16(p, ip + 10, packet_sum(p->b + ip, hdr, 0));
}

static void put_ip6(struct packet *p, const struct spec *s, uint8_t proto)
{
	bool frag = s->frag_off || s->more;
	size_t ip = p->len, ext;
	uint8_t last = frag ? FRAGMENT : proto;

	put32(p, 0x60000000);
	put16(p, 0);
	put8(p, s->ext_len ? s->ext_first : last);
	put8(p, s->ttl < 0 ? 0 : s->ttl ? (unsigned int)s->ttl : 64);
	put_addr(p, s->src);
	put_addr(p, s->dst);
	ext = p->len;
	if (s->ext_len) {
		put(p, s->ext, s->ext_len);
		p->b[ext + s->ext_last] = last;
	}
	if (frag) {
		put8(p, proto);
		put8(p, 0);
		put16(p, s->frag_off | (s->more ? 1u : 0));
		put32(p, s->frag_id);
	}
	if (!s->frag_off)
		put_l4(p, s, proto);
	put_payload(p, s->payload);
	set16(p, ip + 4, (unsigned int)(p->len - ip - 40));
}

void packet_make(struct packet *p, const struct spec *s)
{
	uint8_t proto = s->proto ? s->proto : TCP;

	memset(p, 0, sizeof(*p));
	put_link(p, s, spec_is6(s) ? 0x86dd : 0x0800);
	if (spec_is6(s))
		put_ip6(p, s, proto);
	else
		put_ip4(p, s, proto);
}

void packet_arp(struct packet *p, int op, const uint8_t *smac, const char *src, const uint8_t *tmac, const char *dst)
{
	static const uint8_t all[6] = { 255, 255, 255, 255, 255, 255 }, zero[6];
	struct spec s = { .smac = smac, .dmac = tmac ? tmac : all };

	memset(p, 0, sizeof(*p));
	put_link(p, &s, 0x0806);
	put16(p, 1);
	put16(p, 0x0800);
	put8(p, 6);
	put8(p, 4);
	put16(p, (unsigned int)op);
	put(p, smac, 6);
	put_addr(p, src);
	put(p, tmac ? tmac : zero, 6);
	put_addr(p, dst);
}

void packet_nd(struct packet *p, int type, const uint8_t *smac, const char *src, const char *dst, const char *target,
	       const uint8_t *option)
{
	struct spec s = { .smac = smac };
	size_t ip;

	memset(p, 0, sizeof(*p));
	put_link(p, &s, 0x86dd);
	ip = p->len;
	put32(p, 0x60000000);
	put16(p, 0);
	put8(p, ICMP6);
	put8(p, 255);
	put_addr(p, src);
	put_addr(p, dst);
	put8(p, (unsigned int)type);
	put8(p, 0);
	put16(p, 0);
	put32(p, 0);
	put_addr(p, target);
	if (option) {
		put8(p, type == 135 ? 1 : 2);
		put8(p, 1);
		put(p, option, 6);
	}
	set16(p, ip + 4, (unsigned int)(p->len - ip - 40));
}
