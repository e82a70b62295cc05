/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Writes text into a bounded buffer and counts what did not fit, as snprintf(3) does. Made for a million lines a second:
 * literals become fixed-size copies, and nothing goes through a format string.
 */
#ifndef EBN_OBSERVE_EMIT_H
#define EBN_OBSERVE_EMIT_H

#include "core/internal.h"

struct ebn_out {
	char *start, *p, *end;	/* end: room for the NUL is behind it */
	size_t lost;
	size_t size;
};

static inline void ebn_out_init(struct ebn_out *o, char *buf, size_t size)
{
	o->start = o->p = buf;
	o->end = size ? buf + size - 1 : buf;
	o->lost = 0;
	o->size = size;
}

/* Ends the text; its whole length. */
int ebn_out_end(struct ebn_out *o);

void ebn_put_slow(struct ebn_out *o, const char *s, size_t len);

static inline void ebn_put(struct ebn_out *o, const char *s, size_t len)
{
	if (__builtin_expect(len <= (size_t)(o->end - o->p) && o->size, 1)) {
		memcpy(o->p, s, len);
		o->p += len;
	} else {
		ebn_put_slow(o, s, len);
	}
}
#define EBN_PUT(o, literal) ebn_put(o, "" literal, sizeof(literal) - 1)

static inline void ebn_put_str(struct ebn_out *o, const char *s)
{
	ebn_put(o, s, strlen(s));
}

void ebn_put_u64(struct ebn_out *o, uint64_t n);
void ebn_put_addr(struct ebn_out *o, const struct ebpfnet_addr *addr);

/* "2023-11-14T22:13:20.123456789Z"; digits: 9, or 3; trim: leave zeros out in groups of three, as JSON has it. */
void ebn_put_time(struct ebn_out *o, uint64_t realtime_ns, int digits, bool trim);

/* The inside of a JSON string: escapes what must be, replaces what is not UTF-8. */
void ebn_put_json(struct ebn_out *o, const char *s, size_t len);
/* The text for a terminal: control characters, and what is not UTF-8, become '?'. */
void ebn_put_plain(struct ebn_out *o, const char *s);

#endif
