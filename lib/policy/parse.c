// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Documents of any language -> books and groups of a set, all of them or none. */
#include "policy/parse.h"

#include <stdio.h>

/* ---- memory ---- */

int ebn_text_add(struct ebn_text *t, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0 || ebn_grow(&t->p, &t->cap, t->len + (size_t)len + 1, 1) < 0)
		return -ENOMEM;
	va_start(ap, fmt);
	vsnprintf(t->p + t->len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)len;
	return 0;
}

int ebn_parse_keep(struct ebn_parse *ps, void *p)
{
	if (!p || ebn_grow(&ps->kept, &ps->kept_cap, ps->n_kept + 1, sizeof(void *)) < 0) {
		free(p);
		return -ENOMEM;
	}
	ps->kept[ps->n_kept++] = p;
	return 0;
}

int ebn_parse_keep_text(struct ebn_parse *ps, const char *text, const char **ret)
{
	char *copy = strdup(text);
	int err = ebn_parse_keep(ps, copy);

	if (!err)
		*ret = copy;
	return err;
}

/* ---- rules and books ---- */

int ebn_parse_peer(struct ebn_rule_parts *parts, const struct ebpfnet_policy_peer *peer)
{
	int err = ebn_grow(&parts->peer, &parts->peers_cap, parts->rule.n_peers + 1, sizeof(*parts->peer));

	if (!err)
		parts->peer[parts->rule.n_peers++] = *peer;
	return err;
}

int ebn_parse_port(struct ebn_rule_parts *parts, const struct ebpfnet_port_range *port)
{
	int err = ebn_grow(&parts->port, &parts->ports_cap, parts->rule.n_ports + 1, sizeof(*parts->port));

	if (!err)
		parts->port[parts->rule.n_ports++] = *port;
	return err;
}

int ebn_parse_rule(struct ebn_parse *ps, struct ebn_rule_parts *parts)
{
	struct ebpfnet_policy_rule *r = &parts->rule;
	int err;

	r->peers = parts->peer;
	r->ports = parts->port;
	err = parts->peer ? ebn_parse_keep(ps, parts->peer) : 0;
	if (err < 0)
		free(parts->port);
	else
		err = parts->port ? ebn_parse_keep(ps, parts->port) : 0;
	if (!err)
		err = ebn_grow(&ps->rule, &ps->rules_cap, ps->n_rules + 1, sizeof(*ps->rule));
	if (!err)
		ps->rule[ps->n_rules++] = *r;
	return err;
}

/* Is a policy of that name in the set, or on its way into it? */
static bool name_taken(const struct ebn_parse *ps, const char *name)
{
	uint64_t hash = ebn_text_hash(name);
	uint32_t cursor, i = 0;

	ebn_index_for_each(&ps->set->names, hash, cursor, i)
		if (!strcmp(ps->set->books[i]->name, name))
			return true;
	ebn_index_for_each(&ps->names, hash, cursor, i)
		if (!strcmp(ps->book[i]->name, name))
			return true;
	return false;
}

int ebn_parse_book(struct ebn_parse *ps, const struct ebn_doc_node *n, const struct ebpfnet_policy_opts *opts)
{
	size_t n_rules = ps->n_rules;
	int err;

	ps->n_rules = 0;
	ps->total_rules += n_rules;
	if (name_taken(ps, opts->name))
		return ebn_doc_error(&ps->doc, ps->name_node, EEXIST, "policy %s is there already", opts->name);
	if (ps->set->n_rules + ps->total_rules > EBN_POLICY_RULES_MAX || ps->set->n + ps->n_books >=
			EBN_POLICY_RULES_MAX)
		return ebn_doc_error(&ps->doc, n, E2BIG, "more than %u rules or policies in a set",
				EBN_POLICY_RULES_MAX);
	err = ebn_grow(&ps->book, &ps->books_cap, ps->n_books + 1, sizeof(*ps->book));
	if (!err)
		err = ebn_index_reserve(&ps->names, 1);
	if (!err)
		err = ebn_rulebook_new(opts, ps->rule, n_rules, &ps->book[ps->n_books]);
	if (!err)
		err = ebn_index_add(&ps->names, ebn_text_hash(opts->name), (uint32_t)ps->n_books++);
	else if (err != -ENOMEM)
		ebn_doc_error(&ps->doc, n, err, "policy %s is over a limit", opts->name);
	return err;
}

/* ---- documents ---- */

static int check_name(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return ebn_is_dns_name(n->text, strlen(n->text), 253, true) ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no name", n->text);
}

static int check_namespace(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return ebn_is_dns_name(n->text, strlen(n->text), 63, false) ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no name", n->text);
}

static const struct ebn_shape name_shape = { .kind = EBN_SHAPE_TEXT, .check = check_name };
static const struct ebn_shape namespace_shape = { .kind = EBN_SHAPE_TEXT, .check = check_namespace };
/* what an API server adds is known and says nothing about traffic */
static const struct ebn_field metadata_fields[] = {
	{ "name", &name_shape, EBN_FIELD_REQUIRED },
	{ "namespace", &namespace_shape, 0 },
	{ "labels", &ebn_shape_free, 0 },
	{ "annotations", &ebn_shape_free, 0 },
	{ "uid", &ebn_shape_free, 0 },
	{ "resourceVersion", &ebn_shape_free, 0 },
	{ "generation", &ebn_shape_free, 0 },
	{ "creationTimestamp", &ebn_shape_free, 0 },
	{ "deletionTimestamp", &ebn_shape_free, 0 },
	{ "deletionGracePeriodSeconds", &ebn_shape_free, 0 },
	{ "generateName", &ebn_shape_free, 0 },
	{ "selfLink", &ebn_shape_free, 0 },
	{ "managedFields", &ebn_shape_free, 0 },
	{ "ownerReferences", &ebn_shape_free, 0 },
	{ "finalizers", &ebn_shape_free, 0 },
	{ NULL, NULL, 0 },
};
const struct ebn_shape ebn_shape_metadata = { .kind = EBN_SHAPE_MAP, .fields = metadata_fields };

static const struct ebn_language *find(const char *api, const char *kind, bool *ret_api)
{
	const struct ebn_language *const tables[] = { ebn_language_admin, ebn_language_cilium };
	const struct ebn_language *l = &ebn_language_k8s, *found = NULL;

	*ret_api = !strcmp(l->api, api);
	if (*ret_api && !strcmp(l->kind, kind))
		found = l;
	for (size_t i = 0; i < EBN_ARRAY_SIZE(tables); i++) {
		for (l = tables[i]; l->kind; l++) {
			*ret_api |= !strcmp(l->api, api);
			if (!strcmp(l->api, api) && !strcmp(l->kind, kind))
				found = l;
		}
	}
	return found;
}

/* A word at the top of a document: apiVersion or kind. */
static int top_word(const struct ebn_parse *ps, const struct ebn_doc_node *doc, const char *key, const char **ret)
{
	const struct ebn_doc_node *n = ebn_doc_field(doc, key);

	if (!n && *ret)
		return 0;	/* a List says it for its items */
	if (!n)
		return ebn_doc_error(&ps->doc, doc, EINVAL, "%s is missing", key);
	if (n->kind != EBN_DOC_SCALAR)
		return ebn_doc_error(&ps->doc, n, EINVAL, "a value is wanted");
	*ret = n->text;
	return 0;
}

/* api, kind: of the List it is in, or NULL. */
static int read_document(struct ebn_parse *ps, const struct ebn_doc_node *doc, const char *api, const char *kind)
{
	const struct ebn_doc_node *meta, *ns, *blame;
	const struct ebn_language *l;
	bool known = false;
	int err;

	if (doc->kind != EBN_DOC_MAP)
		return ebn_doc_error(&ps->doc, doc, EINVAL, "a map is wanted");
	err = top_word(ps, doc, "apiVersion", &api);
	if (!err)
		err = top_word(ps, doc, "kind", &kind);
	if (err < 0)
		return err;
	l = find(api, kind, &known);
	/* where the List says it, the item is to blame */
	blame = ebn_doc_field(doc, known ? "kind" : "apiVersion");
	blame = blame ? blame : doc;
	if (!known)
		return ebn_doc_error(&ps->doc, blame, EINVAL, "\"%.64s\" is no API of policies", api);
	if (!l)
		return ebn_doc_error(&ps->doc, blame, EINVAL, "\"%.64s\" is no kind of policy of \"%.64s\"", kind, api);
	err = ebn_shape_check(&ps->doc, doc, l->shape);
	if (err < 0)
		return err;
	meta = ebn_doc_field(doc, "metadata");
	ns = ebn_doc_field(meta, "namespace");
	if (ns && !l->namespaced)
		return ebn_doc_error(&ps->doc, ns, EINVAL, "%s has no namespace", kind);
	ps->name_node = ebn_doc_field(meta, "name");
	ps->name = ps->name_node->text;
	ps->ns = ns ? ns->text : l->namespaced ? "default" : NULL;
	return l->read(ps, doc);
}

/* "List" of anything, or "NetworkPolicyList": NULL when the document is no list. */
static const struct ebn_doc_node *items_of(const struct ebn_doc_node *doc, char item_kind[64], const char **ret_api)
{
	const char *kind = doc->kind == EBN_DOC_MAP ? ebn_doc_text(doc, "kind") : NULL;
	const char *api = kind ? ebn_doc_text(doc, "apiVersion") : NULL;
	size_t len = kind ? strlen(kind) : 0;

	if (!api || len < 4 || len >= 64 || strcmp(kind + len - 4, "List"))
		return NULL;
	snprintf(item_kind, 64, "%.*s", (int)(len - 4), kind);
	*ret_api = item_kind[0] ? api : NULL;
	return item_kind[0] || !strcmp(api, "v1") ? ebn_doc_field(doc, "items") : NULL;
}

static int read_top(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	static const struct ebn_field fields[] = {
		{ "apiVersion", &ebn_shape_text, EBN_FIELD_REQUIRED },
		{ "kind", &ebn_shape_text, EBN_FIELD_REQUIRED },
		{ "metadata", &ebn_shape_free, 0 },
		{ "items", &ebn_shape_free, EBN_FIELD_REQUIRED },
		{ NULL, NULL, 0 },
	};
	static const struct ebn_shape list_shape = { .kind = EBN_SHAPE_MAP, .fields = fields };
	const struct ebn_doc_node *items;
	const char *api = NULL;
	char kind[64];
	int err;

	items = items_of(doc, kind, &api);
	if (!items)
		return read_document(ps, doc, NULL, NULL);
	err = ebn_shape_check(&ps->doc, doc, &list_shape);
	if (!err && items->kind != EBN_DOC_LIST)
		err = ebn_doc_error(&ps->doc, items, EINVAL, "a list is wanted");
	for (const struct ebn_doc_node *c = err ? NULL : items->child; !err && c; c = c->next)
		err = read_document(ps, c, api, kind[0] ? kind : NULL);
	return err;
}

static void parse_done(struct ebn_parse *ps, bool failed)
{
	for (size_t i = 0; failed && i < ps->n_books; i++)
		ebn_rulebook_unref(ps->book[i]);
	for (size_t i = 0; failed && i < ps->n_groups; i++)
		ebn_group_unref(ps->group[i]);
	for (size_t i = 0; i < ps->n_kept; i++)
		free(ps->kept[i]);
	free(ps->kept);
	free(ps->book);
	free(ps->group);
	free(ps->rule);
	ebn_index_done(&ps->names);
	ebn_doc_done(&ps->doc);
}

int ebpfnet_policy_set_parse(struct ebpfnet_policy_set *set, const char *text, size_t len,
			     const struct ebpfnet_policy_parse_opts *opts)
{
	struct ebpfnet_diag *diag = EBN_OPT(opts, diag, NULL);
	struct ebn_parse ps = { .set = set };
	int err;

	if (!set || (!text && len) || !EBN_OPTS_VALID(opts, ebpfnet_policy_parse_opts))
		return -EINVAL;
	err = ebn_doc_parse(text ? text : "", len, EBN_OPT(opts, first_line, 0), EBN_OPT(opts, path, NULL), diag,
			    &ps.doc);
	for (const struct ebn_doc_node *d = err ? NULL : ps.doc.first; !err && d; d = d->next)
		err = read_top(&ps, d);
	if (!err)
		err = ebn_set_reserve_groups(set, ps.n_groups, diag);
	if (!err)
		err = ebn_set_add_books(set, ps.book, ps.n_books, diag);
	for (size_t i = 0; !err && i < ps.n_groups; i++)
		ebn_set_put_group(set, ps.group[i]);
	parse_done(&ps, err < 0);
	return err < 0 ? err : (int)ps.n_books;
}
