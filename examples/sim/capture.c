// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "capture.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ETHERNET 1u	/* LINKTYPE_ETHERNET */
#define INTERFACES 64	/* of a pcapng section */

enum { BLOCK_INTERFACE = 1, BLOCK_SIMPLE = 3, BLOCK_PACKET = 6 };
#define BLOCK_SECTION 0x0a0d0d0au
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define OPTION_COMMENT 1u
#define OPTION_TSRESOL 9u

struct reader {
	const uint8_t *data;
	size_t len;
	bool swapped;		/* against this machine */
	struct capture *c;
	size_t room;
	char *error;
	size_t error_size;
};

static int __attribute__((format(printf, 2, 3))) broken(struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->error, r->error_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static uint32_t get32(const struct reader *r, size_t at)
{
	uint32_t v;

	memcpy(&v, r->data + at, sizeof(v));
	return r->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct reader *r, size_t at)
{
	uint16_t v;

	memcpy(&v, r->data + at, sizeof(v));
	return r->swapped ? (uint16_t)(v << 8 | v >> 8) : v;
}

static int add(struct reader *r, const uint8_t *data, uint32_t len, uint64_t time_ns)
{
	struct capture *c = r->c;
	struct captured *p;

	if (c->n == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		p = realloc(c->packets, r->room * sizeof(*p));
		if (!p)
			return -ENOMEM;
		c->packets = p;
	}
	p = &c->packets[c->n];
	p->data = malloc(len ? len : 1);
	if (!p->data)
		return -ENOMEM;
	if (len)
		memcpy(p->data, data, len);
	p->len = len;
	p->time_ns = time_ns;
	c->n++;
	return 0;
}

/* ---- pcap ---- */

static int read_pcap(struct reader *r, bool nanoseconds)
{
	size_t at = 24;
	uint32_t len;
	int err;

	if (r->len < at)
		return broken(r, "the header of the file is cut off");
	if ((get32(r, 20) & 0xffff) != ETHERNET)
		return broken(r, "link type %u; only Ethernet, 1, is known here", get32(r, 20) & 0xffff);
	for (; at < r->len; at += 16 + len) {
		if (r->len - at < 16)
			return broken(r, "packet %zu: its header is cut off", r->c->n + 1);
		len = get32(r, at + 8);
		if (len > CAPTURE_PACKET_MAX)
			return broken(r, "packet %zu: %u bytes, more than %u", r->c->n + 1, len, CAPTURE_PACKET_MAX);
		if (r->len - at - 16 < len)
			return broken(r, "packet %zu: %u bytes, and the file ends before", r->c->n + 1, len);
		err = add(r, r->data + at + 16, len,
			  get32(r, at) * 1000000000ull + get32(r, at + 4) * (nanoseconds ? 1ull : 1000ull));
		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- pcapng ---- */

struct section {
	uint32_t n;
	struct {
		uint16_t link;
		uint32_t snaplen;
		uint8_t resolution;	/* as if_tsresol says it */
	} interface[INTERFACES];
};

/* In ns. */
static uint64_t stamp(uint64_t t, uint8_t resolution)
{
	unsigned int bits = resolution & 0x7f;

	if (resolution & 0x80)
		return bits > 63 ? 0 : (t >> bits) * 1000000000 +
				       (uint64_t)((unsigned __int128)(t & ((1ull << bits) - 1)) * 1000000000 >> bits);
	for (; bits < 9; bits++)
		t *= 10;
	for (; bits > 9 && t; bits--)
		t /= 10;
	return t;
}

/* The options of an interface; the rest of a block behind its fixed part. */
static void interface_options(const struct reader *r, size_t at, size_t end, uint8_t *resolution)
{
	while (end - at >= 4) {
		uint16_t code = get16(r, at), len = get16(r, at + 2);

		if (!code || end - at - 4 < len)
			return;
		if (code == OPTION_TSRESOL && len == 1)
			*resolution = r->data[at + 4];
		at += 4 + ((len + 3u) & ~3u);
		if (at > end)
			return;
	}
}

static int add_interface(struct reader *r, struct section *s, size_t at, size_t end)
{
	if (end - at < 8)
		return broken(r, "byte %zu: an interface of %zu bytes", at, end - at);
	if (s->n == INTERFACES)
		return broken(r, "byte %zu: more than %d interfaces", at, INTERFACES);
	s->interface[s->n].link = get16(r, at);
	s->interface[s->n].snaplen = get32(r, at + 4);
	s->interface[s->n].resolution = 6;
	interface_options(r, at + 8, end, &s->interface[s->n].resolution);
	s->n++;
	return 0;
}

static int add_block(struct reader *r, const struct section *s, size_t at, size_t end, bool simple)
{
	size_t fixed = simple ? 4 : 20;
	uint32_t interface, len, most;
	uint64_t t = 0;

	if (end - at < fixed)
		return broken(r, "packet %zu: its block is cut off", r->c->n + 1);
	interface = simple ? 0 : get32(r, at);
	if (interface >= s->n)
		return broken(r, "packet %zu: there is no interface %u", r->c->n + 1, interface);
	if (s->interface[interface].link != ETHERNET)
		return broken(r, "packet %zu: link type %u; only Ethernet, 1, is known here", r->c->n + 1,
			      s->interface[interface].link);
	len = get32(r, simple ? at : at + 12);
	/* simple ones say how long the packet was, and are as long as the interface allows */
	most = s->interface[interface].snaplen;
	if (simple && most && len > most)
		len = most;
	if (len > CAPTURE_PACKET_MAX || end - at - fixed < len)
		return broken(r, "packet %zu: %u bytes do not fit into its block", r->c->n + 1, len);
	if (!simple)
		t = stamp((uint64_t)get32(r, at + 4) << 32 | get32(r, at + 8), s->interface[interface].resolution);
	return add(r, r->data + at + fixed, len, t);
}

static int read_pcapng(struct reader *r)
{
	struct section s = { 0 };
	size_t at = 0, end;
	uint32_t type, len;
	int err;

	while (at < r->len) {
		if (r->len - at < 12)
			return broken(r, "byte %zu: a block is cut off", at);
		type = get32(r, at);
		if (type == BLOCK_SECTION) {
			uint32_t magic;

			memcpy(&magic, r->data + at + 8, sizeof(magic));
			r->swapped = magic == __builtin_bswap32(BYTE_ORDER_MAGIC);
			if (!r->swapped && magic != BYTE_ORDER_MAGIC)
				return broken(r, "byte %zu: a section of no byte order", at);
			memset(&s, 0, sizeof(s));
		}
		len = get32(r, at + 4);
		if (len < 12 || len % 4 || len > r->len - at || get32(r, at + len - 4) != len)
			return broken(r, "byte %zu: a block of %u bytes", at, len);
		end = at + len - 4;
		err = 0;
		if (type == BLOCK_INTERFACE)
			err = add_interface(r, &s, at + 8, end);
		else if (type == BLOCK_PACKET || type == BLOCK_SIMPLE)
			err = add_block(r, &s, at + 8, end, type == BLOCK_SIMPLE);
		if (err < 0)
			return err;
		at += len;
	}
	return 0;
}

/* ---- hexadecimal ---- */

static int digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_line(struct reader *r, const char *p, const char *end, unsigned int number, uint8_t *buf)
{
	uint32_t n = 0;
	int high, low;

	while (p < end && *p != '#') {
		if (isspace((unsigned char)*p) || (*p == ':' && n)) {
			p++;
			continue;
		}
		high = digit((unsigned char)*p);
		low = end - p > 1 ? digit((unsigned char)p[1]) : -1;
		if (high < 0 || low < 0)
			return broken(r, "line %u: not two hexadecimal digits at byte %u", number, n);
		if (n == CAPTURE_PACKET_MAX)
			return broken(r, "line %u: more than %u bytes", number, CAPTURE_PACKET_MAX);
		buf[n++] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	return n ? add(r, buf, n, 0) : 0;
}

static int read_hex(struct reader *r)
{
	const char *p = (const char *)r->data, *end = p + r->len, *eol;
	uint8_t *buf = malloc(CAPTURE_PACKET_MAX);
	int err = buf ? 0 : -ENOMEM;

	for (unsigned int line = 1; !err && p < end; line++, p = eol + 1) {
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		err = read_line(r, p, eol, line, buf);
	}
	free(buf);
	return err;
}

int capture_read(const void *data, size_t len, struct capture *ret, char *error, size_t error_size)
{
	struct reader r = { .data = data, .len = len, .c = ret, .error = error, .error_size = error_size };
	uint32_t magic = 0;
	int err;

	memset(ret, 0, sizeof(*ret));
	if (len >= sizeof(magic))
		memcpy(&magic, data, sizeof(magic));
	switch (magic) {
	case BLOCK_SECTION:
		err = read_pcapng(&r);
		break;
	case 0xa1b2c3d4:
	case 0xa1b23c4d:
		err = read_pcap(&r, magic == 0xa1b23c4d);
		break;
	case 0xd4c3b2a1:
	case 0x4d3cb2a1:
		r.swapped = true;
		err = read_pcap(&r, magic == 0x4d3cb2a1);
		break;
	default:
		err = read_hex(&r);
	}
	if (err < 0)
		capture_free(ret);
	return err;
}

void capture_free(struct capture *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->packets[i].data);
	free(c->packets);
	memset(c, 0, sizeof(*c));
}

/* ---- writing ---- */

int capture_begin(FILE *f)
{
	static const uint32_t section[] = { BLOCK_SECTION, 28, BYTE_ORDER_MAGIC, 1, 0xffffffff, 0xffffffff, 28 };
	/* Ethernet, no limit, nanoseconds */
	uint32_t interface[] = { BLOCK_INTERFACE, 32, ETHERNET, 0, 0, 0, 0, 32 };
	uint16_t option[] = { OPTION_TSRESOL, 1 };

	memcpy(&interface[4], option, sizeof(option));
	((uint8_t *)&interface[5])[0] = 9;
	fwrite(section, sizeof(section), 1, f);
	fwrite(interface, sizeof(interface), 1, f);
	return ferror(f) ? -EIO : 0;
}

int capture_put(FILE *f, const struct captured *p, const char *comment)
{
	static const uint8_t zero[4];
	size_t said = strlen(comment), pad = -(size_t)p->len & 3, said_pad = -said & 3;
	uint16_t option[] = { OPTION_COMMENT, (uint16_t)said }, last[] = { 0, 0 };
	uint32_t len = (uint32_t)(32 + p->len + pad + 4 + said + said_pad + 4);
	uint32_t head[] = { BLOCK_PACKET, len, 0, (uint32_t)(p->time_ns >> 32), (uint32_t)p->time_ns, p->len, p->len };

	if (said > UINT16_MAX)
		return -EIO;
	fwrite(head, sizeof(head), 1, f);
	fwrite(p->data, p->len, 1, f);
	fwrite(zero, pad, 1, f);
	fwrite(option, sizeof(option), 1, f);
	fwrite(comment, said, 1, f);
	fwrite(zero, said_pad, 1, f);
	fwrite(last, sizeof(last), 1, f);
	fwrite(&len, sizeof(len), 1, f);
	return ferror(f) ? -EIO : 0;
}
