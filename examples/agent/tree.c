// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tree.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct builder {
	struct tree *tree;
	struct report *report;
	yaml_parser_t parser;
	struct tree_node *stack[TREE_DEPTH_MAX];
	unsigned int depth;
	size_t nodes;
	char *key;		/* read, waiting for its value */
	size_t at_char, at_byte; /* the same place in the text, both ways of counting */
};

static void free_node(struct tree_node *node)
{
	/* Depth is bounded by TREE_DEPTH_MAX, so recursion is. */
	while (node) {
		struct tree_node *next = node->next;

		free_node(node->first);
		free(node->key);
		free(node->value);
		free(node);
		node = next;
	}
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	free_node(tree->documents);
	free(tree->path);
	free(tree->text);
	free(tree);
}

static int fail(struct builder *b, const yaml_mark_t *mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct builder *b, const yaml_mark_t *mark, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_error(b->report, b->tree->path, (unsigned int)mark->line + b->tree->first_line,
		     (unsigned int)mark->column + 1, NULL, "%s", text);
	return -EINVAL;
}

/* libyaml counts characters, slices need bytes. Marks only move on, so this walks the text once. */
static size_t byte_of(struct builder *b, size_t chars)
{
	const unsigned char *t = (const unsigned char *)b->tree->text;

	if (chars < b->at_char)
		b->at_char = b->at_byte = 0;
	while (b->at_char < chars && b->at_byte < b->tree->len) {
		b->at_byte++;
		while (b->at_byte < b->tree->len && (t[b->at_byte] & 0xc0) == 0x80)
			b->at_byte++;
		b->at_char++;
	}
	return b->at_byte;
}

static int add_node(struct builder *b, struct tree_node *node)
{
	struct tree_node *parent = b->depth ? b->stack[b->depth - 1] : NULL;
	struct tree *tree = b->tree;

	node->parent = parent;
	if (!parent) {
		struct tree_node **p = &tree->documents;

		while (*p)
			p = &(*p)->next;
		*p = node;
		node->index = tree->n_documents++;
		return 0;
	}
	if (parent->kind == TREE_MAP) {
		node->key = b->key;
		b->key = NULL;
	}
	node->index = parent->last ? parent->last->index + 1 : 0;
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	return 0;
}

static int new_node(struct builder *b, const yaml_event_t *event, enum tree_kind kind,
		    struct tree_node **ret)
{
	struct tree_node *node;

	if (++b->nodes > TREE_NODES_MAX) {
		fail(b, &event->start_mark, "more than %d values", TREE_NODES_MAX);
		return -E2BIG;
	}
	node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->kind = kind;
	node->line = (unsigned int)event->start_mark.line + b->tree->first_line;
	node->column = (unsigned int)event->start_mark.column + 1;
	node->begin = byte_of(b, event->start_mark.index);
	node->end = byte_of(b, event->end_mark.index);
	*ret = node;
	return 0;
}

static bool is_key(const struct builder *b)
{
	return b->depth && b->stack[b->depth - 1]->kind == TREE_MAP && !b->key;
}

static int scalar(struct builder *b, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct tree_node *node;
	char *copy;
	int err;

	if (event->data.scalar.anchor)
		return fail(b, &event->start_mark, "anchors are not supported");
	if (event->data.scalar.tag)
		return fail(b, &event->start_mark, "tags are not supported");
	if (memchr(value, 0, len))
		return fail(b, &event->start_mark, "a NUL character");
	copy = strndup(value, len);
	if (!copy)
		return -ENOMEM;
	if (is_key(b)) {
		const struct tree_node *last = b->stack[b->depth - 1]->last;

		if (last && last->index + 1 >= TREE_KEYS_MAX) {
			free(copy);
			return fail(b, &event->start_mark, "more than %d keys", TREE_KEYS_MAX);
		}
		if (tree_get(b->stack[b->depth - 1], copy)) {
			err = fail(b, &event->start_mark, "\"%s\" is given twice", copy);
			free(copy);
			return err;
		}
		b->key = copy;
		return 0;
	}
	err = new_node(b, event, TREE_SCALAR, &node);
	if (err < 0) {
		free(copy);
		return err;
	}
	node->value = copy;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return add_node(b, node);
}

static int open_collection(struct builder *b, const yaml_event_t *event, enum tree_kind kind)
{
	const yaml_char_t *anchor, *tag;
	struct tree_node *node;
	int err;

	anchor = kind == TREE_MAP ? event->data.mapping_start.anchor :
		 event->data.sequence_start.anchor;
	tag = kind == TREE_MAP ? event->data.mapping_start.tag : event->data.sequence_start.tag;
	if (anchor)
		return fail(b, &event->start_mark, "anchors are not supported");
	if (tag)
		return fail(b, &event->start_mark, "tags are not supported");
	if (is_key(b))
		return fail(b, &event->start_mark, "a key must be a plain text");
	if (b->depth == TREE_DEPTH_MAX)
		return fail(b, &event->start_mark, "nested more than %d deep", TREE_DEPTH_MAX);
	err = new_node(b, event, kind, &node);
	if (err < 0)
		return err;
	add_node(b, node);
	b->stack[b->depth++] = node;
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_ALIAS_EVENT:
		return fail(b, &event->start_mark, "aliases are not supported");
	case YAML_SCALAR_EVENT:
		return scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(b, event, TREE_LIST);
	case YAML_MAPPING_START_EVENT:
		return open_collection(b, event, TREE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->stack[--b->depth]->end = byte_of(b, event->end_mark.index);
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		break;
	}
	return 0;
}

static int syntax_error(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		/* No mark: the reader knows the byte only. */
		yaml_mark_t mark = {};
		size_t n = p->problem_offset < b->tree->len ? p->problem_offset : b->tree->len;

		for (size_t i = 0; i < n; i++)
			mark.line += b->tree->text[i] == '\n';
		return fail(b, &mark, "%s", p->problem);
	}
	return fail(b, &p->problem_mark, "%s%s%s", p->context ? p->context : "",
		    p->context ? ": " : "", p->problem ? p->problem : "not YAML");
}

static int run(struct builder *b)
{
	bool done = false;
	int err = 0;

	while (!done && !err) {
		yaml_event_t event;

		if (!yaml_parser_parse(&b->parser, &event))
			return syntax_error(b);
		done = event.type == YAML_STREAM_END_EVENT;
		err = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return err;
}

int tree_parse(const char *text, size_t len, const char *path, unsigned int first_line,
	       struct report *report, struct tree **ret)
{
	struct builder b = { .report = report };
	int err = -ENOMEM;

	if (len > TREE_TEXT_MAX) {
		report_error(report, path, 0, 0, NULL, "larger than %u bytes", TREE_TEXT_MAX);
		return -E2BIG;
	}
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	b.tree = calloc(1, sizeof(*b.tree));
	if (!b.tree)
		return -ENOMEM;
	b.tree->first_line = first_line ? first_line : 1;
	b.tree->len = len;
	b.tree->text = malloc(len + 1);
	b.tree->path = path ? strdup(path) : NULL;
	if (!b.tree->text || (path && !b.tree->path))
		goto out;
	memcpy(b.tree->text, text, len);
	b.tree->text[len] = '\0';
	if (!yaml_parser_initialize(&b.parser))
		goto out;
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)b.tree->text, len);
	err = run(&b);
	yaml_parser_delete(&b.parser);
	free(b.key);
out:
	if (err < 0) {
		tree_free(b.tree);
		return err;
	}
	*ret = b.tree;
	return 0;
}

struct tree_node *tree_get(const struct tree_node *map, const char *key)
{
	if (!map || map->kind != TREE_MAP)
		return NULL;
	for (struct tree_node *n = map->first; n; n = n->next)
		if (n->key && !strcmp(n->key, key))
			return n;
	return NULL;
}

char *tree_where(const struct tree_node *node, char *buf, size_t size)
{
	const struct tree_node *way[TREE_DEPTH_MAX + 1];
	size_t n = 0, len = 0;

	buf[0] = '\0';
	for (; node && node->parent && n < TREE_DEPTH_MAX + 1; node = node->parent)
		way[n++] = node;
	while (n-- && len < size) {
		int r;

		if (way[n]->key)
			r = snprintf(buf + len, size - len, "%s%s", len ? "." : "", way[n]->key);
		else
			r = snprintf(buf + len, size - len, "[%zu]", way[n]->index);
		len += r > 0 ? (size_t)r : 0;
	}
	return buf;
}

int tree_error(const struct tree *tree, const struct tree_node *node, struct report *report,
	       const char *fmt, ...)
{
	char where[TREE_WHERE_LEN], text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	report_error(report, tree->path, node->line, node->column,
		     tree_where(node, where, sizeof(where)), "%s", text);
	return -EINVAL;
}

char *tree_slice(const struct tree *tree, const struct tree_node *node, size_t *ret_len,
		 unsigned int *ret_line)
{
	size_t line = node->begin, indent, len;
	char *copy;

	while (line > 0 && tree->text[line - 1] != '\n' && tree->text[line - 1] != '\r')
		line--;
	indent = node->begin - line;
	len = node->end - node->begin;
	/* A block ends where the next token begins. */
	while (len && strchr(" \t\r\n", tree->text[node->begin + len - 1]))
		len--;
	copy = malloc(indent + len + 2);
	if (!copy)
		return NULL;
	memset(copy, ' ', indent);
	memcpy(copy + indent, tree->text + node->begin, len);
	copy[indent + len] = '\n';
	copy[indent + len + 1] = '\0';
	*ret_len = indent + len + 1;
	*ret_line = node->line;
	return copy;
}
