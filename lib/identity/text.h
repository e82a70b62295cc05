/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The grammar that labels and selectors share: sources, keys and values as spans of a text. */
#ifndef EBN_IDENTITY_TEXT_H
#define EBN_IDENTITY_TEXT_H

#include "core/internal.h"

struct ebn_span {
	const char *p;
	size_t len;
};

/* Names are ASCII and visible, and hold nothing that separates labels or requirements. */
static inline bool ebn_is_value_char(char c)
{
	return c > ' ' && c < 0x7f && !strchr(",;=!()\"\\", c);
}

static inline bool ebn_is_key_char(char c)
{
	return ebn_is_value_char(c) && c != ':';
}

static inline const char *ebn_skip_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* 64-bit FNV-1a, which may be continued: start with EBN_FNV_START. */
#define EBN_FNV_START 0xcbf29ce484222325u
static inline uint64_t ebn_fnv(uint64_t h, const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	return h;
}

/*
 * Reads "key" or "source:key" at *p and moves *p behind it. source->len is 0 when there is none. false: no key there,
 * *p is where it should be.
 */
bool ebn_read_key(const char **p, struct ebn_span *source, struct ebn_span *key);
/* Reads a value, which may be empty. */
struct ebn_span ebn_read_value(const char **p);

/* Order of two spans, as strcmp(3) has it. */
int ebn_span_cmp(struct ebn_span a, struct ebn_span b);

/* -EINVAL, with column and the offending character in the diag. what: what was expected. */
int ebn_syntax_error(struct ebpfnet_diag *diag, const char *text, const char *at, const char *what);

#endif
