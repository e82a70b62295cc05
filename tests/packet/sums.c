// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "sums.h"

#include <string.h>

uint32_t sums_crc32c(const uint8_t *b, size_t len)
{
	uint32_t crc = 0xffffffff;
	int bit;

	while (len--) {
		crc ^= *b++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static unsigned int get16(const uint8_t *b)
{
	return (unsigned int)b[0] << 8 | b[1];
}

static void set16(uint8_t *b, unsigned int v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

/* The sum of a pseudo header; packet_sum() goes on from it. */
static uint32_t pseudo(const uint8_t *ip, bool v6, size_t len, uint8_t proto)
{
	uint32_t sum = (uint32_t)len + proto;
	size_t i;

	for (i = v6 ? 8 : 12; i < (v6 ? 40 : 20); i += 2)
		sum += get16(ip + i);
	return sum;
}

static size_t field(uint8_t proto)
{
	return proto == TCP ? 16 : proto == UDP ? 6 : proto == SCTP ? 8 : 2;
}

/* One packet, from its network header: makes the checksums or checks them. cut: the packet is quoted, and may end early. */
static const char *walk(uint8_t *ip, size_t have, bool make, bool cut)
{
	bool v6 = ip[0] >> 4 == 6;
	size_t hdr = v6 ? 40 : (size_t)(ip[0] & 15) * 4, len = v6 ? get16(ip + 4) : get16(ip + 2) - hdr;
	uint8_t proto = v6 ? ip[6] : ip[9], *l4 = ip + hdr;
	uint32_t crc, is, start;
	const char *inner = NULL;
	uint16_t sum;

	/* destination options, whole by themselves */
	while (v6 && proto == DSTOPTS && have >= hdr + 8) {
		proto = ip[hdr];
		len -= ip[hdr + 1] * 8u + 8;
		hdr += ip[hdr + 1] * 8u + 8;
		l4 = ip + hdr;
	}
	if (!v6) {
		if (make) {
			set16(ip + 10, 0);
			set16(ip + 10, packet_sum(ip, hdr, 0));
		}
		if (packet_sum(ip, hdr, 0))
			return "IPv4 header";
		if (get16(ip + 6) & 0x1fff)
			return NULL;
	}
	if (have < hdr + len) {
		if (!cut)
			return "length";
		return NULL;
	}
	if (proto != TCP && proto != UDP && proto != SCTP && proto != ICMP && proto != ICMP6)
		return NULL;
	if (!make && ((proto == ICMP && (l4[0] == 3 || l4[0] == 11 || l4[0] == 12)) || (proto == ICMP6 && l4[0] < 5)))
		inner = walk(l4 + 8, len - 8, false, true);
	if (inner)
		return inner;
	/* nobody keeps the CRC of what is quoted */
	if (proto == SCTP && cut)
		return NULL;
	if (proto == SCTP) {
		memcpy(&is, l4 + 8, 4);
		memset(l4 + 8, 0, 4);
		crc = sums_crc32c(l4, len);
		if (make)
			is = crc;
		memcpy(l4 + 8, &is, 4);
		return is == crc ? NULL : "CRC32c";
	}
	start = proto == ICMP ? 0 : pseudo(ip, v6, len, proto);
	if (make) {
		set16(l4 + field(proto), 0);
		sum = packet_sum(l4, len, start);
		set16(l4 + field(proto), proto == UDP && !sum ? 0xffff : sum);
	}
	if (proto == UDP && !get16(l4 + 6))
		return NULL;
	return packet_sum(l4, len, start) ? "transport" : NULL;
}

void sums_make(struct packet *p)
{
	walk(p->b + 14, p->len - 14, true, false);
}

const char *sums_wrong(const struct packet *p)
{
	struct packet copy = *p;

	return walk(copy.b + 14, copy.len - 14, false, false);
}
