// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/shape.h"

#include <stdio.h>

const struct ebn_shape ebn_shape_free = { .kind = EBN_SHAPE_FREE };
const struct ebn_shape ebn_shape_text = { .kind = EBN_SHAPE_TEXT };
const struct ebn_shape ebn_shape_bool = { .kind = EBN_SHAPE_BOOL };

/* More than this of one list is not a policy. */
#define ITEMS_MAX 4096u

static const struct ebn_field *find_field(const struct ebn_shape *shape, const char *name)
{
	for (const struct ebn_field *f = shape->fields; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/* First what a slip of the pen makes, then what is not there, then what is inside. */
static int check_map(const struct ebn_doc *doc, const struct ebn_doc_node *n, const struct ebn_shape *shape)
{
	int err = 0;

	for (const struct ebn_doc_node *c = n->child; c; c = c->next) {
		const struct ebn_field *f = find_field(shape, c->key);

		if (!f)
			return ebn_doc_key_error(doc, c, EINVAL, "unknown field \"%.64s\"", c->key);
		if (f->flags & EBN_FIELD_REFUSED && !ebn_doc_is_null(c))
			return ebn_doc_key_error(doc, c, ENOTSUP, "%s: this version does not enforce it", c->key);
	}
	for (const struct ebn_field *f = shape->fields; f->name; f++)
		if (f->flags & EBN_FIELD_REQUIRED && !ebn_doc_field(n, f->name))
			return ebn_doc_error(doc, n, EINVAL, "%s is missing", f->name);
	for (const struct ebn_doc_node *c = n->child; !err && c; c = c->next) {
		const struct ebn_field *f = find_field(shape, c->key);

		if (f && !ebn_doc_is_null(c))
			err = ebn_shape_check(doc, c, f->shape);
	}
	return err;
}

static int check_list(const struct ebn_doc *doc, const struct ebn_doc_node *n, const struct ebn_shape *shape)
{
	uint32_t max = shape->max ? shape->max : ITEMS_MAX;
	int err = 0;

	if (n->n < shape->min)
		return ebn_doc_error(doc, n, EINVAL, "at least one is wanted");
	if (n->n > max)
		return ebn_doc_error(doc, n, E2BIG, "more than %u are not taken", max);
	for (const struct ebn_doc_node *c = n->child; !err && c; c = c->next)
		err = ebn_doc_is_null(c) && shape->item->kind != EBN_SHAPE_FREE ?
		      ebn_doc_error(doc, c, EINVAL, "nothing where something is wanted") :
		      ebn_shape_check(doc, c, shape->item);
	return err;
}

static int check_word(const struct ebn_doc *doc, const struct ebn_doc_node *n, const struct ebn_shape *shape)
{
	char all[256] = "";
	size_t at = 0;

	for (const char *const *w = shape->words; *w; w++) {
		if (!strcmp(*w, n->text))
			return 0;
		at += (size_t)snprintf(all + at, sizeof(all) - at, "%s%s", at ? w[1] ? ", " : " or " : "", *w);
		if (at >= sizeof(all))
			break;
	}
	return ebn_doc_error(doc, n, EINVAL, "\"%.64s\": %s is wanted", n->text, all);
}

static int check_scalar(const struct ebn_doc *doc, const struct ebn_doc_node *n, const struct ebn_shape *shape)
{
	uint32_t v;

	switch (shape->kind) {
	case EBN_SHAPE_WORD:
		return check_word(doc, n, shape);
	case EBN_SHAPE_BOOL:
		if (n->plain && (!strcmp(n->text, "true") || !strcmp(n->text, "false")))
			return 0;
		return ebn_doc_error(doc, n, EINVAL, "true or false is wanted");
	case EBN_SHAPE_NUMBER:
		if (ebn_doc_number(n, shape->max, &v) && v >= shape->min)
			return 0;
		return ebn_doc_error(doc, n, EINVAL, "a number from %u to %u is wanted", shape->min, shape->max);
	default:
		return 0;
	}
}

int ebn_shape_check(const struct ebn_doc *doc, const struct ebn_doc_node *n, const struct ebn_shape *shape)
{
	static const char *const names[] = { "a value", "a map", "a list" };
	enum ebn_node_kind kind = EBN_DOC_SCALAR;
	int err;

	if (shape->kind == EBN_SHAPE_FREE)
		return shape->check ? shape->check(doc, n) : 0;
	if (shape->kind == EBN_SHAPE_MAP)
		kind = EBN_DOC_MAP;
	else if (shape->kind == EBN_SHAPE_LIST)
		kind = EBN_DOC_LIST;
	if (n->kind != kind)
		return ebn_doc_error(doc, n, EINVAL, "%s is wanted", names[kind]);
	if (kind == EBN_DOC_MAP)
		err = check_map(doc, n, shape);
	else if (kind == EBN_DOC_LIST)
		err = check_list(doc, n, shape);
	else
		err = check_scalar(doc, n, shape);
	return !err && shape->check ? shape->check(doc, n) : err;
}
