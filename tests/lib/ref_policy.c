// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ref_policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* ---- documents ---- */

static json_t *scalar(const yaml_node_t *n)
{
	const char *s = (const char *)n->data.scalar.value;
	char *end;
	long long v;

	if (n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return json_string(s);
	if (!*s || !strcmp(s, "~") || !strcmp(s, "null"))
		return json_null();
	if (!strcmp(s, "true") || !strcmp(s, "false"))
		return json_boolean(*s == 't');
	v = strtoll(s, &end, 10);
	return *end || !isdigit((unsigned char)*s) ? json_string(s) : json_integer(v);
}

static json_t *tree(yaml_document_t *d, const yaml_node_t *n)
{
	json_t *ret;

	switch (n->type) {
	case YAML_SCALAR_NODE:
		return scalar(n);
	case YAML_SEQUENCE_NODE:
		ret = json_array();
		for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; i++)
			json_array_append_new(ret, tree(d, yaml_document_get_node(d, *i)));
		return ret;
	case YAML_MAPPING_NODE:
		ret = json_object();
		for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++)
			json_object_set_new(ret, (const char *)yaml_document_get_node(d, p->key)->data.scalar.value,
					    tree(d, yaml_document_get_node(d, p->value)));
		return ret;
	default:
		return json_null();
	}
}

json_t *ref_load(const char *text, size_t len)
{
	json_t *all = json_array(), *one, *items, *item;
	yaml_parser_t p;
	yaml_document_t d;
	yaml_node_t *root;
	size_t i;
	bool ok;

	yaml_parser_initialize(&p);
	yaml_parser_set_input_string(&p, (const unsigned char *)text, len);
	while ((ok = yaml_parser_load(&p, &d))) {
		root = yaml_document_get_root_node(&d);
		if (!root) {
			yaml_document_delete(&d);
			break;
		}
		one = tree(&d, root);
		yaml_document_delete(&d);
		items = json_object_get(one, "items");
		if (items)
			json_array_foreach(items, i, item)
				json_array_append(all, item);
		else if (json_is_object(one))
			json_array_append(all, one);
		json_decref(one);
	}
	yaml_parser_delete(&p);
	if (!ok) {
		json_decref(all);
		return NULL;
	}
	return all;
}

/* ---- the inventory ---- */

const char *ref_text(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

const json_t *ref_namespace(const json_t *inventory, const char *name)
{
	const json_t *n;
	size_t i;

	json_array_foreach(json_object_get(inventory, "namespaces"), i, n)
		if (!strcmp(ref_text(n, "name"), name))
			return n;
	return NULL;
}

static const char *label(const json_t *labels, const char *metadata_name, const char *key)
{
	const char *v = json_string_value(json_object_get(labels, key));

	return !v && metadata_name && !strcmp(key, "kubernetes.io/metadata.name") ? metadata_name : v;
}

bool ref_labels_match(const json_t *selector, const json_t *labels, const char *metadata_name)
{
	const char *key;
	const json_t *v, *e;
	size_t i, j;

	json_object_foreach((json_t *)json_object_get(selector, "matchLabels"), key, v) {
		const char *have = label(labels, metadata_name, key);

		if (!have || strcmp(have, json_string_value(v)))
			return false;
	}
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, e) {
		const char *op = ref_text(e, "operator"), *have = label(labels, metadata_name, ref_text(e, "key"));
		bool in = false;

		json_array_foreach(json_object_get(e, "values"), j, v)
			in |= have && !strcmp(have, json_string_value(v));
		if ((!strcmp(op, "In") && !in) || (!strcmp(op, "NotIn") && in) || (!strcmp(op, "Exists") && !have) ||
		    (!strcmp(op, "DoesNotExist") && have))
			return false;
	}
	return true;
}

bool ref_pod_match(const struct ref_question *q, const struct ref_end *end, const json_t *pods,
		const json_t *namespaces,
		   const char *own_namespace)
{
	const char *ns = ref_text(end->object, "namespace");

	if (end->kind != REF_POD)
		return false;
	if (namespaces ? !ref_labels_match(namespaces, json_object_get(ref_namespace(q->inventory, ns), "labels"), ns) :
	    strcmp(ns, own_namespace) != 0)
		return false;
	return !pods || ref_labels_match(pods, json_object_get(end->object, "labels"), NULL);
}

bool ref_in_cidr(const char *ip, const char *cidr)
{
	char net[64];
	unsigned char a[16], b[16];
	char *slash;
	int bits, family = strchr(cidr, ':') ? AF_INET6 : AF_INET;

	if (!ip)
		return false;
	snprintf(net, sizeof(net), "%s", cidr);
	slash = strchr(net, '/');
	bits = slash ? (int)strtol(slash + 1, NULL, 10) : family == AF_INET ? 32 : 128;
	if (slash)
		*slash = '\0';
	if (inet_pton(family, net, a) != 1 || inet_pton(family, ip, b) != 1)
		return false;
	for (int i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

static int number_of(const char *protocol)
{
	return !strcmp(protocol, "UDP") ? 17 : !strcmp(protocol, "SCTP") ? 132 : 6;
}

bool ref_named_port(const struct ref_question *q, const char *name, int protocol)
{
	const struct ref_end *dst = q->ingress ? &q->subject : &q->peer;
	const json_t *p;
	size_t i;

	if (dst->kind != REF_POD || (protocol && protocol != q->protocol))
		return false;
	json_array_foreach(json_object_get(dst->object, "ports"), i, p)
		if (!strcmp(ref_text(p, "name"), name) && number_of(ref_text(p, "protocol")) == q->protocol &&
		    json_integer_value(json_object_get(p, "port")) == q->port)
			return true;
	return false;
}

/* '*' is any letters of one label, or with many_labels at the front: one or more whole labels. */
bool ref_domain_match(const char *name, const char *pattern, bool many_labels)
{
	size_t n = strlen(name), p = strlen(pattern);

	if (n && name[n - 1] == '.')
		n--;
	if (p && pattern[p - 1] == '.')
		p--;
	if (many_labels && p > 2 && pattern[0] == '*' && pattern[1] == '.')
		return n > p - 1 && !strncasecmp(name + n - (p - 1), pattern + 1, p - 1);
	if (!p)
		return !n;
	if (*pattern == '*') {
		for (size_t i = 0; i <= n; i++) {
			char rest[256], tail[256];

			snprintf(rest, sizeof(rest), "%.*s", (int)(n - i), name + i);
			snprintf(tail, sizeof(tail), "%.*s", (int)(p - 1), pattern + 1);
			if (ref_domain_match(rest, tail, false))
				return true;
			if (name[i] == '.')
				return false;
		}
		return false;
	}
	return n && tolower((unsigned char)*name) == tolower((unsigned char)*pattern) &&
	       ref_domain_match(name + 1, pattern + 1, false);
}

/* ---- the question ---- */

static bool is_kind(const json_t *doc, const char *kind)
{
	return !strcmp(ref_text(doc, "kind"), kind);
}

static const char *name_of(const json_t *doc)
{
	return ref_text(json_object_get(doc, "metadata"), "name");
}

/* Documents of the admin tier or the baseline, in order of priority; equal ones by kind and name. */
static bool of_tier(const json_t *doc, bool baseline)
{
	if (is_kind(doc, "ClusterNetworkPolicy"))
		return !strcmp(ref_text(json_object_get(doc, "spec"), "tier"), baseline ? "Baseline" : "Admin");
	return is_kind(doc, baseline ? "BaselineAdminNetworkPolicy" : "AdminNetworkPolicy");
}

/* The baseline of v1alpha1 has no priority: it comes behind those that have. */
static int priority_of(const json_t *doc)
{
	const json_t *v = json_object_get(json_object_get(doc, "spec"), "priority");

	return v ? (int)json_integer_value(v) : 1000;
}

static bool before(const json_t *a, const json_t *b)
{
	int order = priority_of(a) - priority_of(b);

	order = order ? order : strcmp(ref_text(a, "kind"), ref_text(b, "kind"));
	return (order ? order : strcmp(name_of(a), name_of(b))) < 0;
}

static enum ref_says tier(const struct ref_question *q, bool baseline, const char **ret_policy)
{
	const json_t *last = NULL, *next, *doc;
	enum ref_says says = REF_SAYS_NOTHING;
	size_t i;

	do {
		next = NULL;
		json_array_foreach(q->documents, i, doc)
			if (of_tier(doc, baseline) && (!last || before(last, doc)) && (!next || before(doc, next)))
				next = doc;
		if (next) {
			says = ref_admin(q, next);
			*ret_policy = name_of(next);
		}
		last = next;
	} while (next && says == REF_SAYS_NOTHING);
	return says;
}

/* NetworkPolicies and Cilium's: deny beats allow, and the default is deny as soon as one says so. */
static enum ref_says middle(const struct ref_question *q, const char **ret_policy)
{
	enum ref_says says = REF_SAYS_NOTHING;
	const json_t *doc, *spec;
	bool isolated = false;
	size_t i, j;

	json_array_foreach(q->documents, i, doc) {
		const json_t *meta = json_object_get(doc, "metadata"), *specs = json_object_get(doc, "specs");
		const char *ns = *ref_text(meta, "namespace") ? ref_text(meta, "namespace") : "default";
		bool wide = is_kind(doc, "CiliumClusterwideNetworkPolicy");
		size_t n = 1 + json_array_size(specs);

		for (j = 0; j < n; j++) {
			struct ref_opinion o = { false, REF_SAYS_NOTHING };

			spec = j ? json_array_get(specs, j - 1) : json_object_get(doc, "spec");
			if (!json_is_object(spec))
				continue;
			if (is_kind(doc, "NetworkPolicy"))
				ref_k8s(q, doc, &o);
			else if (wide || is_kind(doc, "CiliumNetworkPolicy"))
				ref_cilium(q, spec, wide ? NULL : ns, &o);
			isolated |= o.isolates;
			if (o.says > says) {
				says = o.says;
				*ret_policy = name_of(doc);
			}
		}
	}
	return says == REF_SAYS_NOTHING && isolated ? REF_SAYS_DENY : says;
}

void ref_ask(const struct ref_question *q, struct ref_answer *ret)
{
	const char *policy = NULL;
	enum ref_says says = tier(q, false, &policy);

	if (says == REF_SAYS_NOTHING || says == REF_SAYS_PASS)
		says = middle(q, &policy);
	if (says == REF_SAYS_NOTHING)
		says = tier(q, true, &policy);
	if (says == REF_SAYS_NOTHING || says == REF_SAYS_PASS)
		policy = NULL;
	ret->policy = policy;
	ret->verdict = says == REF_SAYS_DENY ? REF_DENY : says == REF_SAYS_PROXY ? REF_PROXY : REF_ALLOW;
}
