// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>

#include <ebpfnet/types.h>

#include "core/internal.h"

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

int ebpfnet_addr_parse(const char *text, struct ebpfnet_addr *ret)
{
	struct ebpfnet_addr addr;

	if (!text || !ret)
		return -EINVAL;
	memcpy(addr.b, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, addr.b + sizeof(mapped)) != 1 &&
	    (inet_pton(AF_INET6, text, addr.b) != 1 || !ebpfnet_addr_family(&addr)))
		return -EINVAL;
	*ret = addr;
	return 0;
}

int ebpfnet_addr_family(const struct ebpfnet_addr *addr)
{
	static const struct ebpfnet_addr none;

	if (!addr || !memcmp(addr, &none, sizeof(none)))
		return 0;
	return memcmp(addr->b, mapped, sizeof(mapped)) ? 6 : 4;
}

static char *put_u8(char *p, unsigned int n)
{
	if (n >= 100)
		*p++ = (char)('0' + n / 100);
	if (n >= 10)
		*p++ = (char)('0' + n / 10 % 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

static char *put_hex16(char *p, unsigned int n)
{
	static const char digits[] = "0123456789abcdef";

	if (n >> 12)
		*p++ = digits[n >> 12];
	if (n >> 8)
		*p++ = digits[n >> 8 & 15];
	if (n >> 4)
		*p++ = digits[n >> 4 & 15];
	*p++ = digits[n & 15];
	return p;
}

/* The longest run of two or more zero words, the first of equal ones: RFC 5952. *start is -1 when there is none. */
static void zero_run(const uint16_t w[8], int *start, int *len)
{
	int i, run = 0;

	*start = -1;
	*len = 1;
	for (i = 0; i < 8; i++) {
		run = w[i] ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			*start = i - run + 1;
		}
	}
}

static char *put_v6(char *p, const uint8_t b[16])
{
	uint16_t w[8];
	int i, start, len;

	for (i = 0; i < 8; i++)
		w[i] = (uint16_t)(b[2 * i] << 8 | b[2 * i + 1]);
	zero_run(w, &start, &len);
	for (i = 0; i < 8; i++) {
		if (i == start) {
			*p++ = ':';
			*p++ = ':';
			i += len - 1;
			continue;
		}
		if (i && i != start + len)
			*p++ = ':';
		p = put_hex16(p, w[i]);
	}
	return p;
}

char *ebn_addr_put(char *p, const struct ebpfnet_addr *addr)
{
	switch (ebpfnet_addr_family(addr)) {
	case 4:
		p = put_u8(p, addr->b[12]);
		*p++ = '.';
		p = put_u8(p, addr->b[13]);
		*p++ = '.';
		p = put_u8(p, addr->b[14]);
		*p++ = '.';
		return put_u8(p, addr->b[15]);
	case 6:
		return put_v6(p, addr->b);
	default:
		memcpy(p, "none", 4);
		return p + 4;
	}
}

int ebpfnet_addr_format(const struct ebpfnet_addr *addr, char *buf, size_t size)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!addr || (!buf && size))
		return -EINVAL;
	*ebn_addr_put(text, addr) = '\0';
	return snprintf(buf, size, "%s", text);
}

/* Bits of the 16 bytes: IPv4 begins at 96. */
static unsigned int first_bit(const struct ebpfnet_addr *addr)
{
	return memcmp(addr->b, mapped, sizeof(mapped)) ? 0 : 96;
}

int ebn_prefix_bits(const struct ebpfnet_prefix *prefix)
{
	static const uint8_t zero[7];
	unsigned int bits, i;

	if (!prefix || memcmp(prefix->reserved, zero, sizeof(zero)))
		return -EINVAL;
	bits = first_bit(&prefix->addr) + prefix->len;
	if (bits > 128)
		return -EINVAL;
	for (i = bits; i < 128; i++)
		if (prefix->addr.b[i / 8] & 0x80 >> i % 8)
			return -EINVAL;
	return (int)bits;
}

int ebpfnet_prefix_parse(const char *text, struct ebpfnet_prefix *ret)
{
	struct ebpfnet_prefix p = { 0 };
	char addr[EBPFNET_ADDR_STRLEN];
	const char *slash, *digit;
	unsigned int len = 0;
	size_t n;

	if (!text || !ret)
		return -EINVAL;
	slash = strchr(text, '/');
	n = slash ? (size_t)(slash - text) : strlen(text);
	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	memcpy(p.addr.b, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, addr, p.addr.b + sizeof(mapped)) != 1 && inet_pton(AF_INET6, addr, p.addr.b) != 1)
		return -EINVAL;
	p.len = (uint8_t)(128 - first_bit(&p.addr));
	if (slash) {
		for (digit = slash + 1; *digit >= '0' && *digit <= '9' && digit - slash <= 3; digit++)
			len = len * 10 + (unsigned int)(*digit - '0');
		/* no length, more than that, or a zero in front */
		if (digit == slash + 1 || *digit || len > p.len || (slash[1] == '0' && slash[2]))
			return -EINVAL;
		p.len = (uint8_t)len;
	}
	if (ebn_prefix_bits(&p) < 0)
		return -EINVAL;
	*ret = p;
	return 0;
}

int ebpfnet_prefix_format(const struct ebpfnet_prefix *prefix, char *buf, size_t size)
{
	char text[EBPFNET_ADDR_STRLEN] = "::";

	if (ebn_prefix_bits(prefix) < 0 || (!buf && size))
		return -EINVAL;
	if (ebpfnet_addr_family(&prefix->addr))
		*ebn_addr_put(text, &prefix->addr) = '\0';
	if (first_bit(&prefix->addr) + prefix->len == 128)
		return snprintf(buf, size, "%s", text);
	return snprintf(buf, size, "%s/%u", text, prefix->len);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int ebpfnet_mac_parse(const char *text, struct ebpfnet_mac *ret)
{
	struct ebpfnet_mac mac;
	int i, hi, lo;

	if (!text || !ret)
		return -EINVAL;
	for (i = 0; i < 6; i++, text += 3) {
		hi = hex_digit(text[0]);
		lo = hi < 0 ? -1 : hex_digit(text[1]);
		if (lo < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret = mac;
	return 0;
}
