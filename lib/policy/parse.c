// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Kubernetes NetworkPolicy documents (networking.k8s.io/v1) -> rulebooks. Unknown fields are refused, not skipped. */
#include <stdio.h>

#include "policy/doc.h"
#include "policy/model.h"

#define NS_KEY "k8s:io.kubernetes.pod.namespace"
#define NS_LABEL "k8s:io.cilium.k8s.namespace.labels."

/* A selector's text that grows. */
struct text {
	char *p;
	size_t len, cap;
};

struct parse {
	struct ebn_doc doc;
	const char *ns;		/* of the policy */
	/* one policy's rules; everything in them is the parser's */
	struct ebpfnet_policy_rule *rule;
	size_t n_rules, rules_cap;
};

__attribute__((format(printf, 2, 3))) static int add(struct text *t, const char *fmt, ...)
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

/* ---- shapes ---- */

static int want(const struct parse *ps, const struct ebn_doc_node *n, enum ebn_node_kind kind, const char *what)
{
	static const char *const kinds[] = { "a value", "a map", "a list" };

	return n->kind == kind ? 0 : ebn_doc_error(&ps->doc, n, EINVAL, "%s: %s is wanted here", what, kinds[kind]);
}

/* A map with no other keys than these (NULL at the end). */
static int want_map(const struct parse *ps, const struct ebn_doc_node *n, const char *const *keys, const char *what)
{
	int err = want(ps, n, EBN_DOC_MAP, what);

	for (const struct ebn_doc_node *c = err ? NULL : n->child; c; c = c->next) {
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], c->key))
			i++;
		if (!keys[i])
			return ebn_diag_at(ps->doc.diag, ps->doc.path, c->key_line, c->key_column, EINVAL,
					   "%s: unknown field \"%.64s\"", what, c->key);
	}
	return err;
}

/* The field, NULL when it is absent or null. */
static const struct ebn_doc_node *field(const struct ebn_doc_node *map, const char *key)
{
	const struct ebn_doc_node *n = ebn_doc_get(map, key);

	return n && !ebn_doc_is_null(n) ? n : NULL;
}

static int want_word(const struct parse *ps, const struct ebn_doc_node *map, const char *key, const char *value)
{
	const struct ebn_doc_node *n = field(map, key);

	if (!n)
		return ebn_doc_error(&ps->doc, map, EINVAL, "%s is missing", key);
	if (n->kind != EBN_DOC_SCALAR || strcmp(n->text, value))
		return ebn_doc_error(&ps->doc, n, EINVAL, "%s: only \"%s\" is known", key, value);
	return 0;
}

/* ---- names, label keys and values ---- */

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool lower(char c)
{
	return alnum(c) && !(c >= 'A' && c <= 'Z');
}

/* Lower-case words of letters and digits joined by '-', with dots between them when dots says so. */
static bool dns_name(const char *s, size_t len, size_t max, bool dots)
{
	if (!len || len > max)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool end = i == 0 || i + 1 == len;
		bool edge = end || s[i - 1] == '.' || s[i + 1] == '.';

		if (lower(s[i]) || (s[i] == '-' && !edge) || (s[i] == '.' && dots && !end && s[i - 1] != '.'))
			continue;
		return false;
	}
	return true;
}

static bool word(const char *s, size_t len)
{
	if (len > 63 || (len && (!alnum(s[0]) || !alnum(s[len - 1]))))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!alnum(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

static bool label_key(const char *s)
{
	const char *slash = strchr(s, '/');

	if (slash && !dns_name(s, (size_t)(slash - s), 253, true))
		return false;
	s = slash ? slash + 1 : s;
	return *s && word(s, strlen(s));
}

static int check_key(const struct parse *ps, const struct ebn_doc_node *n, const char *key)
{
	return label_key(key) ? 0 : ebn_doc_error(&ps->doc, n, EINVAL, "\"%.64s\" is no label key", key);
}

static bool number_like(const char *s)
{
	const char *dot = strchr(s, '.');

	return strspn(s, "0123456789.") == strlen(s) && (!dot || !strchr(dot + 1, '.'));
}

static int check_value(const struct parse *ps, const struct ebn_doc_node *n)
{
	if (n->kind != EBN_DOC_SCALAR || !word(n->text, strlen(n->text)))
		return ebn_doc_error(&ps->doc, n, EINVAL, "not a label's value");
	/* Kubernetes wants strings: true, 1 and null without quotes are something else there */
	if (n->plain && (ebn_doc_is_null(n) || !strcmp(n->text, "true") || !strcmp(n->text, "false") ||
			 number_like(n->text)))
		return ebn_doc_error(&ps->doc, n, EINVAL, "a label's value is a string: put \"%s\" in quotes", n->text);
	return 0;
}

/* ---- selectors ---- */

static int match_expression(struct parse *ps, const struct ebn_doc_node *n, const char *prefix, struct text *t)
{
	static const char *const keys[] = { "key", "operator", "values", NULL };
	const struct ebn_doc_node *key, *op, *values;
	bool in, sets;
	int err;

	err = want_map(ps, n, keys, "matchExpressions");
	if (err < 0)
		return err;
	key = field(n, "key");
	op = field(n, "operator");
	values = field(n, "values");
	if (!key || key->kind != EBN_DOC_SCALAR)
		return ebn_doc_error(&ps->doc, n, EINVAL, "matchExpressions: key is missing");
	if (!op || op->kind != EBN_DOC_SCALAR)
		return ebn_doc_error(&ps->doc, n, EINVAL, "matchExpressions: operator is missing");
	err = check_key(ps, key, key->text);
	if (err < 0)
		return err;
	in = !strcmp(op->text, "In");
	sets = in || !strcmp(op->text, "NotIn");
	if (!sets && strcmp(op->text, "Exists") && strcmp(op->text, "DoesNotExist"))
		return ebn_doc_error(&ps->doc, op, EINVAL, "operator \"%.32s\": In, NotIn, Exists or DoesNotExist is wanted",
				     op->text);
	if (values && want(ps, values, EBN_DOC_LIST, "values") < 0)
		return -EINVAL;
	if (sets != (values && values->n))
		return ebn_doc_error(&ps->doc, values ? values : n, EINVAL, "operator %s %s values", op->text,
				     sets ? "needs" : "takes no");
	if (!sets)
		return add(t, ",%s%s%s", op->text[0] == 'D' ? "!" : "", prefix, key->text);
	err = add(t, ",%s%s %s (", prefix, key->text, in ? "in" : "notin");
	for (const struct ebn_doc_node *v = values->child; !err && v; v = v->next) {
		err = check_value(ps, v);
		if (!err)
			err = add(t, "%s%s", v->text, v->next ? "," : ")");
	}
	return err;
}

/* Appends the requirements of a label selector, each behind a comma. */
static int label_selector(struct parse *ps, const struct ebn_doc_node *n, const char *prefix, struct text *t)
{
	static const char *const keys[] = { "matchLabels", "matchExpressions", NULL };
	const struct ebn_doc_node *labels, *exprs;
	int err;

	err = want_map(ps, n, keys, "selector");
	if (err < 0)
		return err;
	labels = field(n, "matchLabels");
	exprs = field(n, "matchExpressions");
	if (labels)
		err = want(ps, labels, EBN_DOC_MAP, "matchLabels");
	for (const struct ebn_doc_node *c = labels ? labels->child : NULL; !err && c; c = c->next) {
		err = check_key(ps, c, c->key);
		if (!err)
			err = check_value(ps, c);
		if (!err)
			err = add(t, ",%s%s=%s", prefix, c->key, c->text);
	}
	if (!err && exprs)
		err = want(ps, exprs, EBN_DOC_LIST, "matchExpressions");
	for (const struct ebn_doc_node *c = exprs ? exprs->child : NULL; !err && c; c = c->next)
		err = match_expression(ps, c, prefix, t);
	return err;
}

/* One entry of from or to; *ret is malloc'ed. */
static int peer(struct parse *ps, const struct ebn_doc_node *n, const char **ret)
{
	static const char *const keys[] = { "podSelector", "namespaceSelector", "ipBlock", NULL };
	const struct ebn_doc_node *pods, *spaces, *block;
	struct text t = { 0 };
	int err;

	err = want_map(ps, n, keys, "peer");
	if (err < 0)
		return err;
	pods = ebn_doc_get(n, "podSelector");
	spaces = ebn_doc_get(n, "namespaceSelector");
	block = field(n, "ipBlock");
	if (block)
		return ebn_doc_error(&ps->doc, block, ENOTSUP, "ipBlock: this version enforces peers by label only");
	if (pods && ebn_doc_is_null(pods))
		pods = NULL;
	if (spaces && ebn_doc_is_null(spaces))
		spaces = NULL;
	if (!pods && !spaces)
		return ebn_doc_error(&ps->doc, n, EINVAL, "a peer needs podSelector, namespaceSelector or ipBlock");
	/* only pods have a namespace, so that no selector of this language reaches anything else */
	err = spaces ? add(&t, "%s", NS_KEY) : add(&t, "%s=%s", NS_KEY, ps->ns);
	if (!err && spaces)
		err = label_selector(ps, spaces, NS_LABEL, &t);
	if (!err && pods)
		err = label_selector(ps, pods, "k8s:", &t);
	if (err < 0) {
		free(t.p);
		return err;
	}
	*ret = t.p;
	return 0;
}

/* ---- ports ---- */

static int protocol(const struct parse *ps, const struct ebn_doc_node *n, uint8_t *ret)
{
	static const struct {
		const char *name;
		uint8_t number;
	} known[] = { { "TCP", 6 }, { "UDP", 17 }, { "SCTP", 132 } };

	for (size_t i = 0; n->kind == EBN_DOC_SCALAR && i < EBN_ARRAY_SIZE(known); i++) {
		if (!strcmp(known[i].name, n->text)) {
			*ret = known[i].number;
			return 0;
		}
	}
	return ebn_doc_error(&ps->doc, n, EINVAL, "protocol: TCP, UDP or SCTP is wanted");
}

static int port(const struct parse *ps, const struct ebn_doc_node *n, struct ebpfnet_port_range *ret)
{
	static const char *const keys[] = { "protocol", "port", "endPort", NULL };
	const struct ebn_doc_node *proto, *first, *last;
	uint32_t v = 0, end = 0;
	int err;

	err = want_map(ps, n, keys, "port");
	if (err < 0)
		return err;
	proto = field(n, "protocol");
	first = field(n, "port");
	last = field(n, "endPort");
	*ret = (struct ebpfnet_port_range){ .protocol = 6 };
	err = proto ? protocol(ps, proto, &ret->protocol) : 0;
	if (err < 0)
		return err;
	if (!first)
		return last ? ebn_doc_error(&ps->doc, last, EINVAL, "endPort without port") : 0;
	if (first->kind == EBN_DOC_SCALAR && lower(first->text[0]) && !strchr("0123456789", first->text[0]) &&
	    word(first->text, strlen(first->text)) && strlen(first->text) <= 15)
		return ebn_doc_error(&ps->doc, first, ENOTSUP, "port \"%s\": this version does not know ports by name",
				     first->text);
	if (!ebn_doc_number(first, 65535, &v) || !v)
		return ebn_doc_error(&ps->doc, first, EINVAL, "port: a number from 1 to 65535 is wanted");
	end = v;
	if (last && (!ebn_doc_number(last, 65535, &end) || end < v))
		return ebn_doc_error(&ps->doc, last, EINVAL, "endPort: a number from port to 65535 is wanted");
	ret->first = (uint16_t)v;
	ret->last = (uint16_t)end;
	return 0;
}

/* ---- rules ---- */

static void rule_done(struct ebpfnet_policy_rule *r)
{
	for (size_t i = 0; r->peers && i < r->n_peers; i++)
		free((char *)r->peers[i].text);
	free((void *)r->peers);
	free((void *)r->ports);
}

static int rule_peers(struct parse *ps, const struct ebn_doc_node *list, struct ebpfnet_policy_rule *r)
{
	struct ebpfnet_policy_peer *peers;
	int err = want(ps, list, EBN_DOC_LIST, "peers");

	if (!err && list->n > EBN_RULE_PEERS_MAX)
		err = ebn_doc_error(&ps->doc, list, E2BIG, "more than %u peers", EBN_RULE_PEERS_MAX);
	if (err < 0)
		return err;
	peers = ebn_calloc(list->n, sizeof(*peers));
	if (!peers)
		return -ENOMEM;
	r->peers = peers;
	for (const struct ebn_doc_node *c = list->child; !err && c; c = c->next) {
		err = peer(ps, c, &peers[r->n_peers].text);
		r->n_peers += !err;
	}
	return err;
}

static int rule_ports(struct parse *ps, const struct ebn_doc_node *list, struct ebpfnet_policy_rule *r)
{
	struct ebpfnet_port_range *ports;
	int err = want(ps, list, EBN_DOC_LIST, "ports");

	if (!err && list->n > EBN_RULE_PORTS_MAX)
		err = ebn_doc_error(&ps->doc, list, E2BIG, "more than %u ports", EBN_RULE_PORTS_MAX);
	if (err < 0)
		return err;
	ports = ebn_calloc(list->n, sizeof(*ports));
	if (!ports)
		return -ENOMEM;
	r->ports = ports;
	for (const struct ebn_doc_node *c = list->child; !err && c; c = c->next)
		err = port(ps, c, &ports[r->n_ports++]);
	return err;
}

static int rule(struct parse *ps, const struct ebn_doc_node *n, enum ebpfnet_direction dir, bool in_force)
{
	static const char *const in_keys[] = { "from", "ports", NULL }, *const out_keys[] = { "to", "ports", NULL };
	struct ebpfnet_policy_rule r = {
		EBPFNET_OPTS_INIT(r), .direction = dir, .action = EBPFNET_VERDICT_ALLOW,
	};
	const struct ebn_doc_node *peers, *ports;
	int err;

	err = want_map(ps, n, dir == EBPFNET_INGRESS ? in_keys : out_keys, dir == EBPFNET_INGRESS ? "ingress" : "egress");
	if (err < 0)
		return err;
	peers = field(n, dir == EBPFNET_INGRESS ? "from" : "to");
	ports = field(n, "ports");
	if (peers)
		err = rule_peers(ps, peers, &r);
	if (!err && ports)
		err = rule_ports(ps, ports, &r);
	if (!err && in_force)
		err = ebn_grow(&ps->rule, &ps->rules_cap, ps->n_rules + 1, sizeof(*ps->rule));
	if (err < 0 || !in_force) {
		rule_done(&r);
		return err;
	}
	ps->rule[ps->n_rules++] = r;
	return 0;
}

/* in_force false: the policy is not about this direction; its rules must be well-formed all the same. */
static int rules(struct parse *ps, const struct ebn_doc_node *spec, enum ebpfnet_direction dir, bool in_force)
{
	const char *key = dir == EBPFNET_INGRESS ? "ingress" : "egress";
	const struct ebn_doc_node *list = field(spec, key);
	int err;

	if (!list)
		return 0;
	err = want(ps, list, EBN_DOC_LIST, key);
	for (const struct ebn_doc_node *c = err ? NULL : list->child; !err && c; c = c->next)
		err = rule(ps, c, dir, in_force);
	return err;
}

/* ---- a document ---- */

static int policy_types(const struct parse *ps, const struct ebn_doc_node *spec, bool about[2])
{
	const struct ebn_doc_node *types = field(spec, "policyTypes"), *egress = field(spec, "egress");
	int err = types ? want(ps, types, EBN_DOC_LIST, "policyTypes") : 0;

	if (err < 0)
		return err;
	if (!types || !types->n) {
		about[EBPFNET_INGRESS] = true;
		about[EBPFNET_EGRESS] = egress && egress->n;
		return 0;
	}
	for (const struct ebn_doc_node *c = types->child; c; c = c->next) {
		if (c->kind == EBN_DOC_SCALAR && !strcmp(c->text, "Ingress"))
			about[EBPFNET_INGRESS] = true;
		else if (c->kind == EBN_DOC_SCALAR && !strcmp(c->text, "Egress"))
			about[EBPFNET_EGRESS] = true;
		else
			return ebn_doc_error(&ps->doc, c, EINVAL, "policyTypes: Ingress or Egress is wanted");
	}
	return 0;
}

static int metadata(struct parse *ps, const struct ebn_doc_node *n, const char **ret_name)
{
	/* what an API server adds is known and says nothing about traffic */
	static const char *const keys[] = {
		"name", "namespace", "labels", "annotations", "uid", "resourceVersion", "generation", "creationTimestamp",
		"managedFields", "ownerReferences", "finalizers", NULL,
	};
	const struct ebn_doc_node *name, *ns;
	int err = want_map(ps, n, keys, "metadata");

	if (err < 0)
		return err;
	name = field(n, "name");
	ns = field(n, "namespace");
	if (!name)
		return ebn_doc_error(&ps->doc, n, EINVAL, "metadata.name is missing");
	if (name->kind != EBN_DOC_SCALAR || !dns_name(name->text, strlen(name->text), 253, true))
		return ebn_doc_error(&ps->doc, name, EINVAL, "metadata.name is no name");
	if (ns && (ns->kind != EBN_DOC_SCALAR || !dns_name(ns->text, strlen(ns->text), 63, false)))
		return ebn_doc_error(&ps->doc, ns, EINVAL, "metadata.namespace is no name");
	*ret_name = name->text;
	ps->ns = ns ? ns->text : "default";
	return 0;
}

static int spec_of(struct parse *ps, const struct ebn_doc_node *n, const char *name, struct ebn_rulebook **ret)
{
	static const char *const keys[] = { "podSelector", "policyTypes", "ingress", "egress", NULL };
	const struct ebn_doc_node *pods;
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = ps->doc.diag };
	_free_ char *full = NULL;
	struct text t = { 0 };
	bool about[2] = { false, false };
	int err;

	err = want_map(ps, n, keys, "spec");
	if (err < 0)
		return err;
	pods = field(n, "podSelector");
	if (!pods)
		return ebn_doc_error(&ps->doc, n, EINVAL, "spec.podSelector is missing; {} selects all pods of the namespace");
	if (add(&t, "%s=%s", NS_KEY, ps->ns) < 0)
		return -ENOMEM;
	err = label_selector(ps, pods, "k8s:", &t);
	if (!err)
		err = policy_types(ps, n, about);
	if (!err)
		err = rules(ps, n, EBPFNET_INGRESS, about[EBPFNET_INGRESS]);
	if (!err)
		err = rules(ps, n, EBPFNET_EGRESS, about[EBPFNET_EGRESS]);
	if (!err && asprintf(&full, "%s/%s", ps->ns, name) < 0) {
		full = NULL;
		err = -ENOMEM;
	}
	if (!err) {
		opts.name = full;
		opts.subject = t.p;
		opts.default_deny_ingress = about[EBPFNET_INGRESS];
		opts.default_deny_egress = about[EBPFNET_EGRESS];
		err = ebn_rulebook_new(&opts, ps->rule, ps->n_rules, ret);
		if (err < 0 && err != -ENOMEM)
			ebn_doc_error(&ps->doc, n, err, "policy %s is over a limit", full);
	}
	free(t.p);
	return err;
}

static int document(struct parse *ps, const struct ebn_doc_node *n, struct ebn_rulebook **ret)
{
	static const char *const keys[] = { "apiVersion", "kind", "metadata", "spec", "status", NULL };
	const struct ebn_doc_node *meta, *spec;
	const char *name = NULL;
	int err;

	err = want_map(ps, n, keys, "document");
	if (!err)
		err = want_word(ps, n, "apiVersion", "networking.k8s.io/v1");
	if (!err)
		err = want_word(ps, n, "kind", "NetworkPolicy");
	if (err < 0)
		return err;
	meta = field(n, "metadata");
	spec = field(n, "spec");
	if (!meta || !spec)
		return ebn_doc_error(&ps->doc, n, EINVAL, "%s is missing", meta ? "spec" : "metadata");
	err = metadata(ps, meta, &name);
	if (!err)
		err = spec_of(ps, spec, name, ret);
	for (size_t i = 0; i < ps->n_rules; i++)
		rule_done(&ps->rule[i]);
	ps->n_rules = 0;
	return err;
}

int ebpfnet_policy_set_parse(struct ebpfnet_policy_set *set, const char *text, size_t len,
			     const struct ebpfnet_policy_parse_opts *opts)
{
	struct ebpfnet_diag *diag = EBN_OPT(opts, diag, NULL);
	struct ebn_rulebook **book = NULL;
	size_t n = 0, cap = 0;
	struct parse ps = { 0 };
	int err;

	if (!set || (!text && len) || !EBN_OPTS_VALID(opts, ebpfnet_policy_parse_opts))
		return -EINVAL;
	err = ebn_doc_parse(text ? text : "", len, EBN_OPT(opts, first_line, 0), EBN_OPT(opts, path, NULL), diag,
			    &ps.doc);
	for (const struct ebn_doc_node *d = err ? NULL : ps.doc.first; !err && d; d = d->next) {
		err = ebn_grow(&book, &cap, n + 1, sizeof(struct ebn_rulebook *));
		if (!err)
			err = document(&ps, d, &book[n]);
		n += !err;
	}
	if (!err)
		err = ebn_set_add_books(set, book, n, diag);
	for (size_t i = 0; err < 0 && i < n; i++)
		ebn_rulebook_unref(book[i]);
	free(book);
	free(ps.rule);
	ebn_doc_done(&ps.doc);
	return err < 0 ? err : (int)n;
}
