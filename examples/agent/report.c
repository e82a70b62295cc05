// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void report_init(struct report *r)
{
	memset(r, 0, sizeof(*r));
}

void report_clear(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->messages[i].text);
		free(r->messages[i].path);
		free(r->messages[i].where);
	}
	report_init(r);
}

static void add(struct report *r, struct report_message *m)
{
	if (!m->warning)
		r->errors++;
	if (!m->text || r->n == REPORT_MAX) {
		free(m->text);
		free(m->path);
		free(m->where);
		return;
	}
	r->messages[r->n++] = *m;
}

void report_error(struct report *r, const char *path, unsigned int line, unsigned int column,
		  const char *where, const char *fmt, ...)
{
	struct report_message m = { .line = line, .column = column };
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&m.text, fmt, ap) < 0)
		m.text = NULL;
	va_end(ap);
	m.path = path ? strdup(path) : NULL;
	m.where = where && *where ? strdup(where) : NULL;
	add(r, &m);
}

void report_warning(struct report *r, const char *path, unsigned int line, const char *fmt, ...)
{
	struct report_message m = { .line = line, .warning = true };
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&m.text, fmt, ap) < 0)
		m.text = NULL;
	va_end(ap);
	m.path = path ? strdup(path) : NULL;
	add(r, &m);
}

void report_diag(struct report *r, const struct ebpfnet_diag *diag, const char *path,
		 unsigned int line, bool lines_of_path, const char *where, const char *fallback)
{
	size_t n = ebpfnet_diag_count(diag), added = 0;

	for (size_t i = 0; i < n; i++) {
		struct ebpfnet_diag_message m;

		if (ebpfnet_diag_get(diag, i, &m) < 0)
			continue;
		report_error(r, m.path ? m.path : path, lines_of_path && m.line ? m.line : line,
			     lines_of_path ? m.column : 0, where,
			     "%s%s%s", m.text, m.detail ? "\n" : "", m.detail ? m.detail : "");
		added++;
	}
	if (!added)
		report_error(r, path, line, 0, where, "%s", fallback);
}

char *report_format(const struct report *r, size_t i)
{
	const struct report_message *m;
	char place[32] = "";
	char *text;

	if (i >= r->n)
		return NULL;
	m = &r->messages[i];
	if (m->line)
		snprintf(place, sizeof(place), "%u: ", m->line);
	else if (m->path)
		snprintf(place, sizeof(place), " ");
	if (asprintf(&text, "%s%s%s%s%s%s%s", m->path ? m->path : "", m->path ? ":" : "", place,
		     m->warning ? "warning: " : "", m->where ? m->where : "", m->where ? ": " : "",
		     m->text) < 0)
		return NULL;
	return text;
}
