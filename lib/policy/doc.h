/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A YAML or JSON text as a tree that knows its lines. Bounded in size, depth and nodes; anchors, aliases, tags and keys given
 * twice are refused, so a small text never becomes a large tree.
 */
#ifndef EBN_POLICY_DOC_H
#define EBN_POLICY_DOC_H

#include "core/internal.h"

#define EBN_DOC_BYTES_MAX (4u << 20)
#define EBN_DOC_DEPTH_MAX 24
#define EBN_DOC_KEYS_MAX 2048u
#define EBN_DOC_NODES_MAX 400000u

enum ebn_node_kind {
	EBN_DOC_SCALAR,
	EBN_DOC_MAP,
	EBN_DOC_LIST,
};

struct ebn_doc_node {
	enum ebn_node_kind kind;
	bool plain;			/* scalar without quotes: may be a number or null */
	unsigned int line, column;
	char *text;			/* scalar */
	char *key;			/* in a map */
	unsigned int key_line, key_column;
	uint32_t n;			/* children */
	uint32_t index;			/* among its parent's */
	const struct ebn_doc_node *parent; /* NULL: a document */
	struct ebn_doc_node *child;	/* first */
	struct ebn_doc_node *next;	/* of the same parent; of a top-level node, the next document */
};

struct ebn_doc {
	const char *path;		/* borrowed, for messages */
	struct ebpfnet_diag *diag;
	struct ebn_doc_node *first;	/* of the documents that are not empty */
};

/* -EINVAL or -E2BIG with diag, -ENOMEM. */
int ebn_doc_parse(const char *text, size_t len, unsigned int first_line, const char *path, struct ebpfnet_diag *diag,
		  struct ebn_doc *ret);
void ebn_doc_done(struct ebn_doc *doc);

/* Nothing, "null" or "~", without quotes. */
bool ebn_doc_is_null(const struct ebn_doc_node *n);
/* NULL: the map has no such key. */
const struct ebn_doc_node *ebn_doc_get(const struct ebn_doc_node *map, const char *key);
/* The same, and NULL when it is null. */
const struct ebn_doc_node *ebn_doc_field(const struct ebn_doc_node *map, const char *key);
/* The same for a scalar's text. */
const char *ebn_doc_text(const struct ebn_doc_node *map, const char *key);
/* A message about a node, with its place in the document: "spec.ingress[0].from: ...". Always returns -abs(err). */
__attribute__((format(printf, 4, 5))) int ebn_doc_error(const struct ebn_doc *doc, const struct ebn_doc_node *n,
							int err, const char *fmt, ...);
/* The same about the key of a member of a map; the place is the map's. */
__attribute__((format(printf, 4, 5))) int ebn_doc_key_error(const struct ebn_doc *doc, const struct ebn_doc_node *n,
							    int err, const char *fmt, ...);
/* A decimal number without sign, not quoted; false: it is none, or is above max. */
bool ebn_doc_number(const struct ebn_doc_node *n, uint32_t max, uint32_t *ret);

#endif
