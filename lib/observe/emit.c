// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <limits.h>

#include "observe/emit.h"

int ebn_out_end(struct ebn_out *o)
{
	size_t len = (size_t)(o->p - o->start) + o->lost;

	if (o->size)
		*o->p = '\0';
	return len > INT_MAX ? INT_MAX : (int)len;
}

void ebn_put_slow(struct ebn_out *o, const char *s, size_t len)
{
	size_t room = o->size ? (size_t)(o->end - o->p) : 0, n = len < room ? len : room;

	if (n) {
		memcpy(o->p, s, n);
		o->p += n;
	}
	o->lost += len - n;
	/* nothing more fits, not even something shorter: the text must stay a prefix */
	if (len > n)
		o->end = o->p;
}

static const char two_digits[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
				 "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
				 "8081828384858687888990919293949596979899";

static char *two(char *p, unsigned int n)
{
	memcpy(p, two_digits + 2 * n, 2);
	return p + 2;
}

void ebn_put_u64(struct ebn_out *o, uint64_t n)
{
	char buf[20], *p = buf + sizeof(buf);

	while (n >= 100) {
		p -= 2;
		two(p, (unsigned int)(n % 100));
		n /= 100;
	}
	if (n >= 10) {
		p -= 2;
		two(p, (unsigned int)n);
	} else {
		*--p = (char)('0' + n);
	}
	ebn_put(o, p, (size_t)(buf + sizeof(buf) - p));
}

void ebn_put_addr(struct ebn_out *o, const struct ebpfnet_addr *addr)
{
	char buf[EBPFNET_ADDR_STRLEN];

	/* in a packet, all zero is an address: who looks for duplicates of its own has none yet */
	if (!ebpfnet_addr_family(addr)) {
		EBN_PUT(o, "::");
		return;
	}
	ebn_put(o, buf, (size_t)(ebn_addr_put(buf, addr) - buf));
}

/* Days since 1970 to a civil date: years begin in March, 400 of them are an era of 146,097 days. */
static void civil(uint64_t days, unsigned int *year, unsigned int *month, unsigned int *day)
{
	uint64_t z = days + 719468, era = z / 146097;
	unsigned int doe = (unsigned int)(z % 146097);
	unsigned int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned int mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = (unsigned int)(era * 400 + yoe + (*month <= 2));
}

static char *three(char *p, unsigned int n)
{
	*p++ = (char)('0' + n / 100);
	return two(p, n % 100);
}

void ebn_put_time(struct ebn_out *o, uint64_t realtime_ns, int digits, bool trim)
{
	uint64_t seconds = realtime_ns / 1000000000u;
	unsigned int ns = (unsigned int)(realtime_ns % 1000000000u), in_day = (unsigned int)(seconds % 86400);
	unsigned int year, month, day;
	char buf[32], *p = buf;

	civil(seconds / 86400, &year, &month, &day);
	p = two(p, year / 100);
	p = two(p, year % 100);
	*p++ = '-';
	p = two(p, month);
	*p++ = '-';
	p = two(p, day);
	*p++ = 'T';
	p = two(p, in_day / 3600);
	*p++ = ':';
	p = two(p, in_day / 60 % 60);
	*p++ = ':';
	p = two(p, in_day % 60);
	if (!trim || ns) {
		*p++ = '.';
		p = three(p, ns / 1000000);
		if (digits > 3 && (!trim || ns % 1000000))
			p = three(p, ns / 1000 % 1000);
		if (digits > 3 && (!trim || ns % 1000))
			p = three(p, ns % 1000);
	}
	*p++ = 'Z';
	ebn_put(o, buf, (size_t)(p - buf));
}

#define ONES 0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* Of eight bytes: is each of them visible ASCII or blank, and neither quote nor backslash? */
static bool plain8(const char *s)
{
	uint64_t w, quote, backslash;

	memcpy(&w, s, sizeof(w));
	quote = w ^ ONES * '"';
	backslash = w ^ ONES * '\\';
	return !((w | (w + ONES) | (w - ONES * ' ') | (quote - ONES) | (backslash - ONES)) & HIGHS);
}

static bool plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Length of a well-formed UTF-8 sequence of two bytes or more, 0: it is not one. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	size_t n, i;
	unsigned int c;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > len)
		return 0;
	for (i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	c = (unsigned int)s[0] << 8 | s[1];
	/* overlong forms, surrogates, beyond the last plane */
	if ((c >= 0xe000 && c < 0xe0a0) || (c >= 0xeda0 && c < 0xee00) || (c >= 0xf000 && c < 0xf090) || c >= 0xf490)
		return 0;
	return n;
}

static size_t put_special(struct ebn_out *o, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char c = (unsigned char)*s;
	char esc[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	size_t n;

	if (c == '"' || c == '\\') {
		esc[1] = (char)c;
		ebn_put(o, esc, 2);
		return 1;
	}
	if (c < 0x80) {
		ebn_put(o, esc, sizeof(esc));
		return 1;
	}
	n = utf8_len((const unsigned char *)s, len);
	if (!n) {
		EBN_PUT(o, "\\ufffd");
		return 1;
	}
	ebn_put(o, s, n);
	return n;
}

void ebn_put_json(struct ebn_out *o, const char *s, size_t len)
{
	size_t i = 0, n;

	while (len) {
		while (len - i >= 8 && plain8(s + i))
			i += 8;
		while (i < len && plain((unsigned char)s[i]))
			i++;
		ebn_put(o, s, i);
		s += i;
		len -= i;
		i = 0;
		if (!len)
			break;
		n = put_special(o, s, len);
		s += n;
		len -= n;
	}
}

void ebn_put_plain(struct ebn_out *o, const char *s)
{
	size_t len = strlen(s), i = 0, n;

	while (i < len) {
		const unsigned char *c = (const unsigned char *)s + i;

		if (*c < 0x80)
			n = *c >= ' ' && *c != 0x7f;
		else
			n = utf8_len(c, len - i);
		/* U+0080 to U+009F are control characters too */
		if (n == 2 && c[0] == 0xc2 && c[1] < 0xa0)
			n = 0;
		if (n) {
			i += n;
			continue;
		}
		ebn_put(o, s, i);
		EBN_PUT(o, "?");
		s += i + 1;
		len -= i + 1;
		i = 0;
	}
	ebn_put(o, s, len);
}
