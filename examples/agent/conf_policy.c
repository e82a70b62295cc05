// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conf_read.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

/* No more files than this by one pattern. */
#define FILES_MAX 10000

/*
 * The name of a document's entry: that of its policy, of several the first. A document without policies is a group of
 * prefixes.
 */
static int entry_name(const struct tree_node *doc, const char *first, char **ret)
{
	const struct tree_node *meta = tree_get(doc, "metadata");
	const struct tree_node *name = meta && meta->kind == TREE_MAP ? tree_get(meta, "name") : NULL;

	if (first)
		*ret = strdup(first);
	else if (asprintf(ret, "cidr-group:%s", name && name->kind == TREE_SCALAR ? name->value : "") < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

/* Lets the library parse one document to learn its name and what is wrong with it. */
static int name_policy(struct conf_reader *r, const struct tree *tree, const struct tree_node *doc,
		       struct conf_policy *policy)
{
	struct ebpfnet_policy_parse_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.path = policy->path,
		.first_line = policy->line,
		.diag = r->diag,
	};
	struct ebpfnet_policy_set *set;
	char where[TREE_WHERE_LEN];
	int err;

	err = ebpfnet_policy_set_new(r->ctx, &set);
	if (err < 0)
		return err;
	ebpfnet_diag_clear(r->diag);
	err = ebpfnet_policy_set_parse(set, policy->text, policy->len, &opts);
	if (err < 0 && err != -ENOMEM) {
		report_diag(r->report, r->diag, tree->path, doc->line, true,
			    tree_where(doc, where, sizeof(where)), "not a policy");
		err = -EINVAL;
	}
	if (err >= 0)
		err = entry_name(doc, ebpfnet_policy_set_name(set, 0), &policy->name);
	ebpfnet_policy_set_free(set);
	return err;
}

static int add_policy(struct conf_reader *r, const struct tree *tree, const struct tree_node *doc)
{
	struct conf_policy policy = { .source = r->how->source };
	const struct conf_policy *old;
	int err = -ENOMEM;

	policy.text = tree_slice(tree, doc, &policy.len, &policy.line);
	policy.path = tree->path ? strdup(tree->path) : NULL;
	if (policy.text && (policy.path || !tree->path))
		err = name_policy(r, tree, doc, &policy);
	old = err < 0 ? NULL : conf_find_policy(r->conf, policy.name);
	if (old)
		err = tree_error(tree, doc, r->report, "policy \"%s\" is also at %s:%u", policy.name,
				 old->path ? old->path : "", old->line);
	if (!err)
		err = conf_put_policy(r->conf, &policy);
	conf_policy_clear(&policy);
	return err;
}

/* A document, or each one in a List of them. */
static int add_document(struct conf_reader *r, const struct tree *tree, const struct tree_node *doc)
{
	const struct tree_node *kind = doc->kind == TREE_MAP ? tree_get(doc, "kind") : NULL, *items;
	size_t len = kind && kind->kind == TREE_SCALAR ? strlen(kind->value) : 0;
	int err = 0;

	if (len < 4 || strcmp(kind->value + len - 4, "List"))
		return add_policy(r, tree, doc);
	items = tree_get(doc, "items");
	if (!items || items->kind != TREE_LIST)
		return tree_error(tree, doc, r->report, "a %s has a list of \"items\"", kind->value);
	for (const struct tree_node *n = items->first; n && err != -ENOMEM; n = n->next)
		err = conf_worse(err, add_policy(r, tree, n));
	return err;
}

/* All documents of a text. */
static int add_documents(struct conf_reader *r, const char *text, size_t len, const char *path,
			 unsigned int line)
{
	struct tree *tree;
	int err = tree_parse(text, len, path, line, r->report, &tree);

	if (err < 0)
		return err == -E2BIG ? -EINVAL : err;
	for (const struct tree_node *d = tree->documents; d && err != -ENOMEM; d = d->next)
		err = conf_worse(err, add_document(r, tree, d));
	tree_free(tree);
	return err;
}

static int add_file(struct conf_reader *r, const struct tree_node *node, const char *path)
{
	size_t len;
	char *text;
	int err = file_read(path, TREE_TEXT_MAX, &text, &len);

	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return tree_error(r->tree, node, r->report, "%s: %s", path, strerror(-err));
	err = add_documents(r, text, len, path, 1);
	free(text);
	return err;
}

/* Relative to the folder of the file that says it. */
static char *full_pattern(const char *file, const char *pattern)
{
	const char *slash = strrchr(file, '/');
	char *full;

	if (*pattern == '/' || !slash)
		return strdup(pattern);
	if (asprintf(&full, "%.*s/%s", (int)(slash - file), file, pattern) < 0)
		return NULL;
	return full;
}

static int add_files(struct conf_reader *r, const struct tree_node *node)
{
	glob_t found = {};
	char *pattern;
	int err = 0;

	if (node->kind != TREE_SCALAR || !*node->value)
		return tree_error(r->tree, node, r->report, "a file's name or pattern is expected");
	if (!r->how->path)
		return tree_error(r->tree, node, r->report, "files cannot be named here");
	pattern = full_pattern(r->how->path, node->value);
	if (!pattern)
		return -ENOMEM;
	switch (glob(pattern, 0, NULL, &found)) {
	case 0:
		if (found.gl_pathc > FILES_MAX)
			err = tree_error(r->tree, node, r->report, "more than %d files", FILES_MAX);
		for (size_t i = 0; i < found.gl_pathc && err != -ENOMEM && err != -E2BIG; i++)
			err = conf_worse(err, add_file(r, node, found.gl_pathv[i]));
		break;
	case GLOB_NOMATCH:
		/* A name without a pattern in it must be there; a folder may be empty. */
		if (!strpbrk(node->value, "*?["))
			err = tree_error(r->tree, node, r->report, "%s: no such file", pattern);
		break;
	case GLOB_NOSPACE:
		err = -ENOMEM;
		break;
	default:
		err = tree_error(r->tree, node, r->report, "%s: cannot be read", pattern);
	}
	globfree(&found);
	free(pattern);
	return err;
}

static const struct tree_node *only_member(const struct tree_node *map, const char *key)
{
	const struct tree_node *n = tree_get(map, key);

	return n && map->first == map->last ? n : NULL;
}

int conf_read_policy(struct conf_reader *r, const struct tree_node *node, void *object)
{
	const struct tree_node *n;

	(void)object;
	if (node->kind != TREE_MAP)
		return tree_error(r->tree, node, r->report, "a policy or \"file:\" is expected here");
	n = only_member(node, "file");
	if (n)
		return add_files(r, n);
	n = only_member(node, "text");
	if (n && n->kind == TREE_SCALAR)
		return add_documents(r, n->value, strlen(n->value), r->tree->path, n->line);
	if (!tree_get(node, "apiVersion"))
		return tree_error(r->tree, node, r->report,
				  "neither a policy (\"apiVersion\" is missing) nor \"file:\"");
	return add_document(r, r->tree, node);
}

int conf_policy_set(const struct conf *conf, struct ebpfnet_ctx *ctx, struct report *report,
		    struct ebpfnet_policy_set **ret)
{
	struct ebpfnet_policy_set *set = NULL;
	struct ebpfnet_diag *diag = NULL;
	int err = ebpfnet_diag_new(&diag);

	if (!err)
		err = ebpfnet_policy_set_new(ctx, &set);
	for (size_t i = 0; err >= 0 && i < conf->n_policies; i++) {
		const struct conf_policy *p = &conf->policies[i];
		struct ebpfnet_policy_parse_opts opts = {
			EBPFNET_OPTS_INIT(opts),
			.path = p->path,
			.first_line = p->line,
			.diag = diag,
		};

		err = ebpfnet_policy_set_parse(set, p->text, p->len, &opts);
		if (err < 0)
			report_diag(report, diag, p->path, p->line, true, p->name, strerror(-err));
	}
	ebpfnet_diag_free(diag);
	if (err < 0) {
		ebpfnet_policy_set_free(set);
		return err;
	}
	*ret = set;
	return 0;
}
