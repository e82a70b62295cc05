// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <limits.h>
#include <stdio.h>

#include "core/internal.h"

#define DETAIL_LEN_MAX 16384
/* A loop that reports forever must not eat the memory; nobody reads this many. */
#define MESSAGES_MAX 1024

struct message {
	char *text;
	char *path;
	char *detail;
	unsigned int line;
	unsigned int column;
	int error;
};

struct ebpfnet_diag {
	struct message *msgs;
	size_t n, cap;
	bool lost;	/* the newest message could not be stored: a detail would go to the wrong one */
};

int ebpfnet_diag_new(struct ebpfnet_diag **ret)
{
	struct ebpfnet_diag *diag;

	if (!ret)
		return -EINVAL;
	diag = ebn_calloc(1, sizeof(*diag));
	if (!diag)
		return -ENOMEM;
	*ret = diag;
	return 0;
}

void ebpfnet_diag_free(struct ebpfnet_diag *diag)
{
	if (!diag)
		return;
	ebpfnet_diag_clear(diag);
	free(diag->msgs);
	free(diag);
}

void ebpfnet_diag_clear(struct ebpfnet_diag *diag)
{
	size_t i;

	if (!diag)
		return;
	for (i = 0; i < diag->n; i++) {
		free(diag->msgs[i].text);
		free(diag->msgs[i].path);
		free(diag->msgs[i].detail);
	}
	diag->n = 0;
	diag->lost = false;
}

size_t ebpfnet_diag_count(const struct ebpfnet_diag *diag)
{
	return diag ? diag->n : 0;
}

int ebpfnet_diag_get(const struct ebpfnet_diag *diag, size_t index, struct ebpfnet_diag_message *ret)
{
	const struct message *m;

	if (!diag || !ret)
		return -EINVAL;
	if (index >= diag->n)
		return -ENOENT;
	m = &diag->msgs[index];
	*ret = (struct ebpfnet_diag_message){
		.text = m->text,
		.path = m->path,
		.detail = m->detail,
		.line = m->line,
		.column = m->column,
		.error = m->error,
	};
	return 0;
}

/* Messages quote what others wrote; a terminal shall see none of its control characters. */
static void defuse(char *text, bool lines)
{
	size_t len = strlen(text);

	while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
		text[--len] = '\0';
	for (; *text; text++) {
		if (*text == '\n' && lines)
			continue;
		if (*text == '\n' || *text == '\t')
			*text = ' ';
		else if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

__attribute__((format(printf, 6, 0)))
static void append(struct ebpfnet_diag *diag, const char *path, unsigned int line, unsigned int column, int err,
		   const char *fmt, va_list ap)
{
	_free_ char *text = NULL, *copy = NULL;

	diag->lost = true;
	if (diag->n >= MESSAGES_MAX)
		return;
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		return;
	}
	if (path) {
		copy = strdup(path);
		if (!copy)
			return;
		defuse(copy, false);
	}
	if (ebn_grow(&diag->msgs, &diag->cap, diag->n + 1, sizeof(*diag->msgs)) < 0)
		return;
	defuse(text, false);
	diag->msgs[diag->n++] = (struct message){
		.text = EBN_TAKE_PTR(text),
		.path = EBN_TAKE_PTR(copy),
		.line = line,
		.column = column,
		.error = err,
	};
	diag->lost = false;
}

int ebn_diag(struct ebpfnet_diag *diag, const char *path, int err, const char *fmt, ...)
{
	va_list ap;

	err = abs(err);
	if (diag) {
		va_start(ap, fmt);
		append(diag, path, 0, 0, err, fmt, ap);
		va_end(ap);
	}
	return -err;
}

int ebn_diag_at(struct ebpfnet_diag *diag, const char *path, unsigned int line, unsigned int column, int err,
		const char *fmt, ...)
{
	va_list ap;

	err = abs(err);
	if (diag) {
		va_start(ap, fmt);
		append(diag, path, line, column, err, fmt, ap);
		va_end(ap);
	}
	return -err;
}

void ebn_diag_detail(struct ebpfnet_diag *diag, const char *detail)
{
	struct message *m;
	size_t len;

	if (!diag || !detail || !diag->n || diag->lost)
		return;
	m = &diag->msgs[diag->n - 1];
	len = strlen(detail);
	if (len > DETAIL_LEN_MAX) {
		const char *newline;

		detail += len - DETAIL_LEN_MAX;
		newline = strchr(detail, '\n');
		if (newline && newline[1])
			detail = newline + 1;
	}
	free(m->detail);
	m->detail = strdup(detail);
	if (m->detail)
		defuse(m->detail, true);
}

/* Where the text goes; counts on when the buffer is full, as snprintf(3) does. */
struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *o, const char *text, size_t len)
{
	if (o->len < o->size)
		memcpy(o->buf + o->len, text, len < o->size - o->len ? len : o->size - o->len);
	o->len += len;
}

static void puts_(struct out *o, const char *text)
{
	put(o, text, strlen(text));
}

static void put_number(struct out *o, unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u:", n);
	puts_(o, text);
}

static void format_message(struct out *o, const struct message *m)
{
	const char *line = m->detail, *end, *why;

	if (m->path) {
		puts_(o, m->path);
		puts_(o, ":");
	}
	if (m->line)
		put_number(o, m->line);
	if (m->line && m->column)
		put_number(o, m->column);
	if (m->path || m->line)
		puts_(o, " ");
	puts_(o, m->error ? "" : "warning: ");
	puts_(o, m->text);
	if (m->error) {
		why = strerrordesc_np(m->error);
		puts_(o, ": ");
		puts_(o, why ? why : "unknown error");
	}
	puts_(o, "\n");
	while (line && *line) {
		end = strchrnul(line, '\n');
		puts_(o, "    ");
		put(o, line, (size_t)(end - line));
		puts_(o, "\n");
		line = *end ? end + 1 : end;
	}
}

int ebpfnet_diag_format(const struct ebpfnet_diag *diag, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };
	size_t i;

	if (!diag || (!buf && size))
		return -EINVAL;
	for (i = 0; i < diag->n; i++)
		format_message(&o, &diag->msgs[i]);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return o.len > INT_MAX ? INT_MAX : (int)o.len;
}
