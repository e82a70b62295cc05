/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What a document may look like, as tables, and the walk that holds a tree against them. Behind it every field that is there
 * is known and of its kind, every value in its range and every field that must be there is; what is left to the reader of a
 * language is meaning.
 */
#ifndef EBN_POLICY_SHAPE_H
#define EBN_POLICY_SHAPE_H

#include "policy/doc.h"

enum ebn_shape_kind {
	EBN_SHAPE_FREE,			/* anything; says nothing about traffic, or check has its own mind */
	EBN_SHAPE_TEXT,
	EBN_SHAPE_WORD,			/* one of words */
	EBN_SHAPE_BOOL,
	EBN_SHAPE_NUMBER,		/* min..max */
	EBN_SHAPE_MAP,			/* these fields, and no others */
	EBN_SHAPE_LIST,			/* min..max of item; max 0: any number */
};

/* What the tables cannot say, asked when the rest of the node is right. 0, or what ebn_doc_error() returned. */
typedef int (*ebn_shape_check_fn)(const struct ebn_doc *doc, const struct ebn_doc_node *n);

struct ebn_shape {
	enum ebn_shape_kind kind;
	uint32_t min, max;
	const char *const *words;		/* NULL at the end */
	const struct ebn_field *fields;		/* a NULL name at the end */
	const struct ebn_shape *item;
	ebn_shape_check_fn check;		/* may be NULL */
};

enum ebn_field_flags {
	EBN_FIELD_REQUIRED = 1,
	EBN_FIELD_REFUSED = 2,		/* of the language, and not enforced here: -ENOTSUP */
};

struct ebn_field {
	const char *name;
	const struct ebn_shape *shape;
	enum ebn_field_flags flags;
};

/* 0, -EINVAL, -ENOTSUP or -E2BIG with one message in doc->diag. A field that is null is not there. */
int ebn_shape_check(const struct ebn_doc *doc, const struct ebn_doc_node *n, const struct ebn_shape *shape);

extern const struct ebn_shape ebn_shape_free, ebn_shape_text, ebn_shape_bool;

#endif
