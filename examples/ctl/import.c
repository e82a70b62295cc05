// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services that were found in rules: kept, named, printed as YAML. */
#include "import.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more of so many bytes. */
static int grow(void *array, size_t n, size_t *cap, size_t size)
{
	void **p = array, *more;

	if (n < *cap)
		return 0;
	more = reallocarray(*p, *cap ? *cap * 2 : 16, size);
	if (!more)
		return -ENOMEM;
	*cap = *cap ? *cap * 2 : 16;
	*p = more;
	return 0;
}

void import_free(struct import *im)
{
	for (size_t i = 0; i < im->n; i++) {
		free(im->service[i]->backend);
		free(im->service[i]);
	}
	free(im->service);
	free(im->note);
	memset(im, 0, sizeof(*im));
}

struct import_service *import_frontend(struct import *im, const struct import_service *like)
{
	struct import_service *s;

	/* rules of one frontend mostly come one behind the other */
	for (size_t i = im->n; i-- > 0;) {
		s = im->service[i];
		if (!strcmp(s->addr, like->addr) && s->port == like->port && s->port_last == like->port_last &&
		    !strcmp(s->protocol, like->protocol))
			return s;
	}
	if (grow(&im->service, im->n, &im->cap, sizeof(*im->service)))
		return NULL;
	s = malloc(sizeof(*s));
	if (!s)
		return NULL;
	*s = *like;
	s->backend = NULL;
	s->n = s->cap = 0;
	im->service[im->n++] = s;
	return s;
}

int import_backend(struct import_service *s, const struct import_backend *b)
{
	int err;

	/* the same rule, by way of another chain; and the same address twice is one with both shares */
	for (size_t i = 0; i < s->n; i++) {
		if (s->backend[i].line == b->line)
			return 0;
		if (strcmp(s->backend[i].addr, b->addr) || s->backend[i].port != b->port)
			continue;
		s->backend[i].share += b->share;
		return 0;
	}
	err = grow(&s->backend, s->n, &s->cap, sizeof(*s->backend));
	if (!err)
		s->backend[s->n++] = *b;
	return err;
}

/* ---- what became of lines ---- */

static struct import_note *note(struct import *im, size_t line)
{
	if (grow(&im->note, im->n_notes, &im->cap_notes, sizeof(*im->note)))
		return NULL;
	im->note[im->n_notes].line = line;
	im->note[im->n_notes].where[0] = '\0';
	return &im->note[im->n_notes++];
}

int import_taken(struct import *im, size_t line, const struct import_service *s)
{
	struct import_note *n = note(im, line);
	char name[IMPORT_NAME_MAX];

	if (!n)
		return -ENOMEM;
	import_name(s, name);
	snprintf(n->what, sizeof(n->what), "taken: service %s", name);
	return 0;
}

int import_left(struct import *im, size_t line, const char *fmt, ...)
{
	struct import_note *n = note(im, line);
	int len = 0;
	va_list ap;

	if (!n)
		return -ENOMEM;
	len = snprintf(n->what, sizeof(n->what), "left: ");
	va_start(ap, fmt);
	vsnprintf(n->what + len, sizeof(n->what) - (size_t)len, fmt, ap);
	va_end(ap);
	im->left++;
	return 0;
}

static int by_line(const void *a, const void *b)
{
	const struct import_note *x = a, *y = b;

	return (x->line > y->line) - (x->line < y->line);
}

void import_report(struct import *im, const char *path, FILE *to)
{
	if (im->n_notes)
		qsort(im->note, im->n_notes, sizeof(*im->note), by_line);
	for (size_t i = 0; i < im->n_notes; i++)
		if (*im->note[i].where)
			fprintf(to, "%s: %s: %s\n", path, im->note[i].where, im->note[i].what);
		else
			fprintf(to, "%s:%zu: %s\n", path, im->note[i].line, im->note[i].what);
}

/* ---- YAML ---- */

void import_name(const struct import_service *s, char ret[IMPORT_NAME_MAX])
{
	if (*s->name)
		snprintf(ret, IMPORT_NAME_MAX, "%s", s->name);
	else
		snprintf(ret, IMPORT_NAME_MAX, "%s-%u-%s", *s->addr ? s->addr : "node", s->port, s->protocol);
}

static int by_frontend(const void *a, const void *b)
{
	const struct import_service *x = *(struct import_service *const *)a, *y = *(struct import_service *const *)b;
	char n[2][IMPORT_NAME_MAX];
	int order;

	import_name(x, n[0]);
	import_name(y, n[1]);
	order = strcmp(n[0], n[1]);
	if (!order)
		order = strcmp(x->addr, y->addr);
	return order ? order : (x->port > y->port) - (x->port < y->port);
}

static bool shares(const struct import_service *a, const struct import_service *b)
{
	if (a->n != b->n || a->affinity != b->affinity)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->backend[i].addr, b->backend[i].addr) || a->backend[i].port != b->backend[i].port)
			return false;
	return true;
}

/* Nothing of it needs an escape: names, addresses and words are checked where they are read. */
static void print_frontend(const struct import_service *s, FILE *to)
{
	fprintf(to, "  - {");
	if (*s->addr)
		fprintf(to, "address: \"%s\", ", s->addr);
	if (s->port_last > s->port)
		fprintf(to, "port: %u-%u, ", s->port, s->port_last);
	else
		fprintf(to, "port: %u, ", s->port);
	fprintf(to, "protocol: %s, kind: %s}\n", s->protocol, s->kind);
}

/* Shares as small whole numbers, within a hundredth of each; 1 where all are alike. Of the least one: so much. */
static double relative(const struct import_service *s, size_t i)
{
	double least = 1, is;

	for (size_t k = 0; k < s->n; k++)
		if (s->backend[k].share > 0 && s->backend[k].share < least)
			least = s->backend[k].share;
	is = s->backend[i].share / least;
	return is < 600 ? is : 600;
}

static unsigned int weight(const struct import_service *s, size_t i, unsigned int scale)
{
	return (unsigned int)(relative(s, i) * scale + 0.5);
}

static unsigned int scale_of(const struct import_service *s)
{
	unsigned int scale;

	for (scale = 1; scale < 100; scale++) {
		bool fits = true;

		for (size_t i = 0; i < s->n && fits; i++) {
			double want = relative(s, i) * scale, off = weight(s, i, scale) - want;

			fits = (off < 0 ? -off : off) <= want / 100;
		}
		if (fits)
			break;
	}
	return scale;
}

static void print_backends(const struct import_service *s, FILE *to)
{
	unsigned int scale = scale_of(s), w;

	fprintf(to, "  backends:\n");
	for (size_t i = 0; i < s->n; i++) {
		fprintf(to, "  - {address: \"%s\"", s->backend[i].addr);
		if (s->backend[i].port)
			fprintf(to, ", port: %u", s->backend[i].port);
		w = weight(s, i, scale);
		if (w > 1)
			fprintf(to, ", weight: %u", w);
		fprintf(to, "}\n");
	}
}

int import_print(struct import *im, FILE *to)
{
	char name[IMPORT_NAME_MAX], before[IMPORT_NAME_MAX] = "";
	size_t i, k, more;

	if (im->n)
		qsort(im->service, im->n, sizeof(*im->service), by_frontend);
	fprintf(to, im->n ? "services:\n" : "services: []\n");
	for (i = 0, more = 1; i < im->n; i = k) {
		const struct import_service *s = im->service[i];

		/* frontends of one name are of one service while their backends are the same */
		import_name(s, name);
		more = strcmp(name, before) ? 1 : more + 1;
		snprintf(before, sizeof(before), "%s", name);
		if (more > 1)
			fprintf(to, "- name: \"%.240s.%zu\"\n  frontends:\n", name, more);
		else
			fprintf(to, "- name: \"%s\"\n  frontends:\n", name);
		for (k = i; k < im->n; k++) {
			char other[IMPORT_NAME_MAX];

			import_name(im->service[k], other);
			if (strcmp(other, name) || !shares(s, im->service[k]))
				break;
			print_frontend(im->service[k], to);
		}
		print_backends(s, to);
		if (s->affinity)
			fprintf(to, "  affinity: %u\n", s->affinity);
	}
	return ferror(to) ? -EIO : 0;
}
