/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Collects what is wrong with an input: file, line, and the place inside the document.
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <ebpfnet/diag.h>

/* No more than this many are kept; the rest is counted. */
#define REPORT_MAX 32

struct report_message {
	char *text;
	char *path;		/* file, or NULL */
	char *where;		/* "endpoints[2].mac", or NULL */
	unsigned int line;	/* 1.., 0: unknown */
	unsigned int column;
	bool warning;
};

struct report {
	struct report_message messages[REPORT_MAX];
	size_t n;
	size_t errors;		/* all of them, also those not kept */
};

void report_init(struct report *r);
void report_clear(struct report *r);

/* Adds an error. where and path may be NULL. */
void report_error(struct report *r, const char *path, unsigned int line, unsigned int column,
		  const char *where, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Adds a warning. */
void report_warning(struct report *r, const char *path, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/*
 * Adds what the library said, as errors; fallback when it said nothing. line: where the text stands that
 * the library was given; its own lines are used when they are lines of path (lines_of_path).
 */
void report_diag(struct report *r, const struct ebpfnet_diag *diag, const char *path,
		 unsigned int line, bool lines_of_path, const char *where, const char *fallback);

/* "file:line: where: text" of message i; the caller frees it. NULL: no such message or no memory. */
char *report_format(const struct report *r, size_t i);

#endif
