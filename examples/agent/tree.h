/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A YAML (or JSON) text as a tree that knows where every node stands in it.
 *
 * What configuration has no use for and attackers have is refused: anchors and aliases, tags, keys
 * given twice, nesting deeper than TREE_DEPTH_MAX, maps of more than TREE_KEYS_MAX keys, more than
 * TREE_NODES_MAX nodes, texts over TREE_TEXT_MAX bytes.
 */
#ifndef AGENT_TREE_H
#define AGENT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "report.h"

#define TREE_DEPTH_MAX 32
#define TREE_KEYS_MAX 1024
#define TREE_NODES_MAX 2000000
#define TREE_TEXT_MAX (64u << 20)

enum tree_kind {
	TREE_SCALAR,
	TREE_LIST,
	TREE_MAP,
};

struct tree_node {
	enum tree_kind kind;
	bool plain;			/* scalar without quotes: may be null, a number, a boolean */
	unsigned int line, column;	/* 1.. */
	size_t begin, end;		/* bytes of the text it was made from */
	char *key;			/* of a member of a map */
	char *value;			/* of a scalar, ends in NUL, holds no other */
	size_t index;			/* among its siblings */
	struct tree_node *parent, *next, *first, *last;
};

/* One text: its documents in order, chained by next. */
struct tree {
	struct tree_node *documents;
	size_t n_documents;
	char *path;			/* for messages, or NULL */
	char *text;			/* a copy, without a byte order mark */
	size_t len;
	unsigned int first_line;	/* of the text, 1.. */
};

/*
 * Parses text. path may be NULL. first_line: number of the text's first line, 0 is taken as 1.
 * Returns 0, -EINVAL (the report says what and where), -E2BIG, -ENOMEM. An empty text has no
 * documents.
 */
int tree_parse(const char *text, size_t len, const char *path, unsigned int first_line,
	       struct report *report, struct tree **ret);
void tree_free(struct tree *tree);

/* The member of a map, or NULL. */
struct tree_node *tree_get(const struct tree_node *map, const char *key);

/* "endpoints[2].mac" into buf; "" for a document. Returns buf. */
char *tree_where(const struct tree_node *node, char *buf, size_t size);
#define TREE_WHERE_LEN 256

/* Adds an error at a node to the report. Always returns -EINVAL. */
int tree_error(const struct tree *tree, const struct tree_node *node, struct report *report,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * The text of a node, indented as in the original so that columns stay right; *ret_line is the
 * number of its first line. The caller frees it. NULL: no memory.
 */
char *tree_slice(const struct tree *tree, const struct tree_node *node, size_t *ret_len,
		 unsigned int *ret_line);

#endif
