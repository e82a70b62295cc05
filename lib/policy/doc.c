// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/doc.h"

#include <stdio.h>
#include <yaml.h>

struct reader {
	struct ebn_doc *doc;
	yaml_parser_t parser;
	const char *text;
	size_t len;
	unsigned int first_line;
	uint32_t nodes;
};

static void node_free(struct ebn_doc_node *n)
{
	struct ebn_doc_node *next;

	/* as deep as the text was allowed to be */
	for (; n; n = next) {
		next = n->next;
		node_free(n->child);
		free(n->text);
		free(n->key);
		free(n);
	}
}

void ebn_doc_done(struct ebn_doc *doc)
{
	node_free(doc->first);
	doc->first = NULL;
}

static int fail_at(const struct reader *r, yaml_mark_t at, int err, const char *what)
{
	return ebn_diag_at(r->doc->diag, r->doc->path, (unsigned int)at.line + r->first_line,
			   (unsigned int)at.column + 1, err, "%s", what);
}

/* Where a byte is: what the reader of characters knows of its errors. */
static int fail_at_byte(const struct reader *r, size_t offset, const char *what)
{
	unsigned int line = r->first_line, column = 1;

	for (size_t i = 0; i < offset && i < r->len; i++, column++) {
		if (r->text[i] == '\n') {
			line++;
			column = 0;
		}
	}
	return ebn_diag_at(r->doc->diag, r->doc->path, line, column, EINVAL, "not a text: %s", what);
}

static int next_event(struct reader *r, yaml_event_t *e)
{
	const yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(&r->parser, e))
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		return fail_at_byte(r, p->problem_offset, p->problem ? p->problem : "unreadable");
	return fail_at(r, p->problem_mark, EINVAL, p->problem ? p->problem : "not YAML");
}

static char *copy(const unsigned char *text, size_t len)
{
	char *s = memchr(text, 0, len) ? NULL : ebn_calloc(1, len + 1);

	if (s)
		memcpy(s, text, len);
	return s;
}

static int node_new(struct reader *r, const yaml_event_t *e, enum ebn_node_kind kind, struct ebn_doc_node **ret)
{
	struct ebn_doc_node *n;

	if (++r->nodes > EBN_DOC_NODES_MAX)
		return fail_at(r, e->start_mark, E2BIG, "the text holds too many values");
	n = ebn_calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->kind = kind;
	n->line = (unsigned int)e->start_mark.line + r->first_line;
	n->column = (unsigned int)e->start_mark.column + 1;
	*ret = n;
	return 0;
}

static int read_node(struct reader *r, yaml_event_t *e, int depth, struct ebn_doc_node **ret);

static bool has_key(const struct ebn_doc_node *map, const char *key)
{
	return ebn_doc_get(map, key) != NULL;
}

/* A key, left in *ret as text. */
static int read_key(struct reader *r, const yaml_event_t *e, const struct ebn_doc_node *map, char **ret)
{
	if (e->type != YAML_SCALAR_EVENT)
		return fail_at(r, e->start_mark, EINVAL, "a key is not a plain word");
	if (e->data.scalar.anchor || (e->data.scalar.tag && !e->data.scalar.quoted_implicit))
		return fail_at(r, e->start_mark, EINVAL, "anchors and tags are not taken");
	if (memchr(e->data.scalar.value, 0, e->data.scalar.length))
		return fail_at(r, e->start_mark, EINVAL, "a NUL character in a key");
	*ret = copy(e->data.scalar.value, e->data.scalar.length);
	if (!*ret)
		return -ENOMEM;
	if (has_key(map, *ret)) {
		int err = ebn_diag_at(r->doc->diag, r->doc->path, (unsigned int)e->start_mark.line + r->first_line,
				      (unsigned int)e->start_mark.column + 1, EINVAL, "key \"%.64s\" is given twice",
						*ret);

		free(*ret);
		*ret = NULL;
		return err;
	}
	return 0;
}

/* The children of a map or list, up to its end. */
static int read_children(struct reader *r, struct ebn_doc_node *parent, int depth)
{
	struct ebn_doc_node **tail = &parent->child, *n;
	yaml_event_t e;
	char *key;
	int err;

	for (;;) {
		unsigned int key_line = 0, key_column = 0;

		err = next_event(r, &e);
		if (err < 0)
			return err;
		key = NULL;
		if (e.type == YAML_MAPPING_END_EVENT || e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return 0;
		}
		if (parent->kind == EBN_DOC_MAP) {
			key_line = (unsigned int)e.start_mark.line + r->first_line;
			key_column = (unsigned int)e.start_mark.column + 1;
			err = read_key(r, &e, parent, &key);
			yaml_event_delete(&e);
			if (err < 0)
				return err;
			err = next_event(r, &e);
			if (err < 0) {
				free(key);
				return err;
			}
		}
		n = NULL;
		/* each key is held against those before it */
		err = key && parent->n >= EBN_DOC_KEYS_MAX ? fail_at(r, e.start_mark, E2BIG,
				"a map has too many keys") :
		      read_node(r, &e, depth, &n);
		yaml_event_delete(&e);
		if (err < 0) {
			free(key);
			return err;
		}
		n->key = key;
		n->key_line = key_line;
		n->key_column = key_column;
		n->parent = parent;
		n->index = parent->n++;
		*tail = n;
		tail = &n->next;
	}
}

static int read_scalar(struct reader *r, const yaml_event_t *e, struct ebn_doc_node **ret)
{
	int err;

	if (e->data.scalar.anchor || (e->data.scalar.tag && !e->data.scalar.quoted_implicit))
		return fail_at(r, e->start_mark, EINVAL, "anchors and tags are not taken");
	if (memchr(e->data.scalar.value, 0, e->data.scalar.length))
		return fail_at(r, e->start_mark, EINVAL, "a NUL character in a value");
	err = node_new(r, e, EBN_DOC_SCALAR, ret);
	if (err < 0)
		return err;
	(*ret)->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	(*ret)->text = copy(e->data.scalar.value, e->data.scalar.length);
	if ((*ret)->text)
		return 0;
	node_free(*ret);
	*ret = NULL;
	return -ENOMEM;
}

static int read_node(struct reader *r, yaml_event_t *e, int depth, struct ebn_doc_node **ret)
{
	struct ebn_doc_node *n = NULL;
	bool marked = false;
	int err;

	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, e, ret);
	case YAML_MAPPING_START_EVENT:
		marked = e->data.mapping_start.anchor || !e->data.mapping_start.implicit;
		break;
	case YAML_SEQUENCE_START_EVENT:
		marked = e->data.sequence_start.anchor || !e->data.sequence_start.implicit;
		break;
	default:
		return fail_at(r, e->start_mark, EINVAL, "anchors and tags are not taken");
	}
	if (marked)
		return fail_at(r, e->start_mark, EINVAL, "anchors and tags are not taken");
	if (depth >= EBN_DOC_DEPTH_MAX)
		return fail_at(r, e->start_mark, E2BIG, "the text is nested too deeply");
	err = node_new(r, e, e->type == YAML_MAPPING_START_EVENT ? EBN_DOC_MAP : EBN_DOC_LIST, &n);
	if (!err)
		err = read_children(r, n, depth + 1);
	if (err < 0) {
		node_free(n);
		return err;
	}
	*ret = n;
	return 0;
}

static int read_stream(struct reader *r)
{
	struct ebn_doc_node **tail = &r->doc->first;
	yaml_event_t e;
	int err = 0;

	for (;;) {
		struct ebn_doc_node *n = NULL;
		bool end;

		err = next_event(r, &e);
		if (err < 0)
			return err;
		end = e.type == YAML_STREAM_END_EVENT;
		if (e.type != YAML_STREAM_START_EVENT && e.type != YAML_DOCUMENT_START_EVENT &&
		    e.type != YAML_DOCUMENT_END_EVENT && !end)
			err = read_node(r, &e, 0, &n);
		yaml_event_delete(&e);
		if (err < 0 || end)
			return err;
		if (n && ebn_doc_is_null(n)) {
			node_free(n);
		} else if (n) {
			*tail = n;
			tail = &n->next;
		}
	}
}

int ebn_doc_parse(const char *text, size_t len, unsigned int first_line, const char *path, struct ebpfnet_diag *diag,
		  struct ebn_doc *ret)
{
	struct reader r = { .doc = ret, .text = text, .len = len, .first_line = first_line ? first_line : 1 };
	int err;

	*ret = (struct ebn_doc){ .path = path, .diag = diag };
	if (len > EBN_DOC_BYTES_MAX)
		return ebn_diag(diag, path, E2BIG, "the text is longer than %u bytes", EBN_DOC_BYTES_MAX);
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	/* other encodings would make bytes that the checks of this file have not seen */
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	err = read_stream(&r);
	yaml_parser_delete(&r.parser);
	if (err < 0)
		ebn_doc_done(ret);
	return err;
}

bool ebn_doc_is_null(const struct ebn_doc_node *n)
{
	return n->kind == EBN_DOC_SCALAR && n->plain &&
	       (!n->text[0] || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
}

const struct ebn_doc_node *ebn_doc_get(const struct ebn_doc_node *map, const char *key)
{
	for (const struct ebn_doc_node *c = map->child; c; c = c->next)
		if (!strcmp(c->key, key))
			return c;
	return NULL;
}

const struct ebn_doc_node *ebn_doc_field(const struct ebn_doc_node *map, const char *key)
{
	const struct ebn_doc_node *n = map ? ebn_doc_get(map, key) : NULL;

	return n && !ebn_doc_is_null(n) ? n : NULL;
}

const char *ebn_doc_text(const struct ebn_doc_node *map, const char *key)
{
	const struct ebn_doc_node *n = ebn_doc_field(map, key);

	return n && n->kind == EBN_DOC_SCALAR ? n->text : NULL;
}

/* "spec.ingress[0].from" of n into buf, cut off at its end. As deep as the text was allowed to be. */
static size_t place(const struct ebn_doc_node *n, char *buf, size_t size)
{
	size_t at = n->parent ? place(n->parent, buf, size) : 0;
	int len = 0;

	buf[at] = '\0';
	if (n->parent && n->key)
		len = snprintf(buf + at, size - at, "%s%.128s", at ? "." : "", n->key);
	else if (n->parent)
		len = snprintf(buf + at, size - at, "[%u]", n->index);
	return len < 0 || (size_t)len >= size - at ? size - 1 : at + (size_t)len;
}

__attribute__((format(printf, 6, 0))) static int say(const struct ebn_doc *doc, const struct ebn_doc_node *where,
						     unsigned int line, unsigned int column, int err,
						     const char *fmt, va_list ap)
{
	char text[512], path[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (!place(where, path, sizeof(path)))
		return ebn_diag_at(doc->diag, doc->path, line, column, err, "%s", text);
	return ebn_diag_at(doc->diag, doc->path, line, column, err, "%s: %s", path, text);
}

int ebn_doc_error(const struct ebn_doc *doc, const struct ebn_doc_node *n, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err = say(doc, n, n->line, n->column, err, fmt, ap);
	va_end(ap);
	return err;
}

int ebn_doc_key_error(const struct ebn_doc *doc, const struct ebn_doc_node *n, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err = say(doc, n->parent, n->key_line, n->key_column, err, fmt, ap);
	va_end(ap);
	return err;
}

bool ebn_doc_number(const struct ebn_doc_node *n, uint32_t max, uint32_t *ret)
{
	uint32_t v = 0;

	if (n->kind != EBN_DOC_SCALAR || !n->plain || !n->text[0] || strlen(n->text) > 9)
		return false;
	for (const char *p = n->text; *p; p++) {
		if (*p < '0' || *p > '9' || (p > n->text && n->text[0] == '0'))
			return false;
		v = v * 10 + (uint32_t)(*p - '0');
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}
