// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "identity/text.h"

static struct ebn_span read_word(const char **p)
{
	struct ebn_span s = { *p, 0 };

	while (ebn_is_key_char(s.p[s.len]))
		s.len++;
	*p += s.len;
	return s;
}

bool ebn_read_key(const char **p, struct ebn_span *source, struct ebn_span *key)
{
	*source = (struct ebn_span){ *p, 0 };
	*key = read_word(p);
	if (key->len && **p == ':') {
		*source = *key;
		++*p;
		*key = read_word(p);
	}
	return key->len > 0;
}

struct ebn_span ebn_read_value(const char **p)
{
	struct ebn_span s = { *p, 0 };

	while (ebn_is_value_char(s.p[s.len]))
		s.len++;
	*p += s.len;
	return s;
}

int ebn_span_cmp(struct ebn_span a, struct ebn_span b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	/* an empty span may be NULL, which memcmp() may not be given */
	int order = common ? memcmp(a.p, b.p, common) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

int ebn_syntax_error(struct ebpfnet_diag *diag, const char *text, const char *at, const char *what)
{
	unsigned int line = 1, column = 1;
	const char *p;

	for (p = text; p < at; p++) {
		column++;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	if (*at > ' ' && *at < 0x7f)
		return ebn_diag_at(diag, NULL, line, column, EINVAL, "expected %s before '%c'", what, *at);
	if (*at)
		return ebn_diag_at(diag, NULL, line, column, EINVAL, "expected %s before byte 0x%02x", what,
				   (unsigned char)*at);
	return ebn_diag_at(diag, NULL, line, column, EINVAL, "expected %s at the end", what);
}
