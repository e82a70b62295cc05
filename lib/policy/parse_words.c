// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Names, labels, selectors and prefixes: what the languages have in common. */
#include <arpa/inet.h>
#include <stdio.h>

#include "policy/parse.h"

/* ---- names ---- */

static bool alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool lower(char c)
{
	return alnum(c) && !(c >= 'A' && c <= 'Z');
}

bool ebn_is_dns_name(const char *s, size_t len, size_t max, bool dots)
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

	if (slash && !ebn_is_dns_name(s, (size_t)(slash - s), 253, true))
		return false;
	s = slash ? slash + 1 : s;
	return *s && word(s, strlen(s));
}

/* "k8s:app": the part behind the source; keys of namespaces' labels have a prefix of their own. */
static const char *behind_source(const char *key)
{
	const char *colon = strchr(key, ':');

	if (colon && ebn_is_dns_name(key, (size_t)(colon - key), 32, false))
		key = colon + 1;
	if (!strncmp(key, EBN_NS_LABEL, strlen(EBN_NS_LABEL)))
		key += strlen(EBN_NS_LABEL);
	return key;
}

bool ebn_is_port_name(const char *s)
{
	size_t len = strlen(s);
	bool letter = false;

	if (!len || len > 15 || s[0] == '-' || s[len - 1] == '-' || strstr(s, "--"))
		return false;
	/* 0x50 and the like are numbers to other readers of YAML */
	if (s[0] == '0' && len > 1 && strchr("xob", s[1]))
		return false;
	for (; *s; s++) {
		if (!lower(*s) && *s != '-')
			return false;
		letter |= *s >= 'a';
	}
	return letter;
}

/* ---- selectors ---- */

static int check_key(const struct ebn_doc *doc, const struct ebn_doc_node *n, const char *key, bool source)
{
	return label_key(source ? behind_source(key) : key) ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no label key", key);
}

static bool number_like(const char *s)
{
	const char *dot = strchr(s, '.');

	return strspn(s, "0123456789.") == strlen(s) && (!dot || !strchr(dot + 1, '.'));
}

static int check_value(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	if (n->kind != EBN_DOC_SCALAR || !word(n->text, strlen(n->text)))
		return ebn_doc_error(doc, n, EINVAL, "not a label's value");
	/* Kubernetes wants strings: true, 1 and null without quotes are something else there */
	if (n->plain && (ebn_doc_is_null(n) || !strcmp(n->text, "true") || !strcmp(n->text, "false") ||
			 number_like(n->text)))
		return ebn_doc_error(doc, n, EINVAL, "a label's value is a string: put \"%s\" in quotes", n->text);
	return 0;
}

static int check_labels_of(const struct ebn_doc *doc, const struct ebn_doc_node *n, bool source)
{
	int err = n->kind == EBN_DOC_MAP ? 0 : ebn_doc_error(doc, n, EINVAL, "a map is wanted");

	for (const struct ebn_doc_node *c = err ? NULL : n->child; !err && c; c = c->next) {
		err = check_key(doc, c, c->key, source);
		if (!err)
			err = check_value(doc, c);
	}
	return err;
}

static int check_labels(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return check_labels_of(doc, n, false);
}

static int check_source_labels(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return check_labels_of(doc, n, true);
}

static int check_expression_of(const struct ebn_doc *doc, const struct ebn_doc_node *n, bool source)
{
	const struct ebn_doc_node *values = ebn_doc_field(n, "values");
	const char *op = ebn_doc_text(n, "operator");
	bool sets = !strcmp(op, "In") || !strcmp(op, "NotIn");
	int err = check_key(doc, ebn_doc_get(n, "key"), ebn_doc_text(n, "key"), source);

	if (!err && sets != (values && values->n))
		err = ebn_doc_error(doc, values ? values : n, EINVAL, "operator %s %s values", op,
				    sets ? "needs" : "takes no");
	for (const struct ebn_doc_node *v = values ? values->child : NULL; !err && v; v = v->next)
		err = check_value(doc, v);
	return err;
}

static int check_expression(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return check_expression_of(doc, n, false);
}

static int check_source_expression(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return check_expression_of(doc, n, true);
}

static const char *const operators[] = { "In", "NotIn", "Exists", "DoesNotExist", NULL };
static const struct ebn_shape operator_shape = { .kind = EBN_SHAPE_WORD, .words = operators };
static const struct ebn_shape values_shape = { .kind = EBN_SHAPE_LIST, .item = &ebn_shape_free };
static const struct ebn_field expression_fields[] = {
	{ "key", &ebn_shape_text, EBN_FIELD_REQUIRED },
	{ "operator", &operator_shape, EBN_FIELD_REQUIRED },
	{ "values", &values_shape, 0 },
	{ NULL, NULL, 0 },
};

#define SELECTOR(name, check_all, check_one)                                                                  \
	static const struct ebn_shape name##_labels = { .kind = EBN_SHAPE_FREE, .check = check_all };         \
	static const struct ebn_shape name##_expression = {                                                   \
		.kind = EBN_SHAPE_MAP, .fields = expression_fields, .check = check_one,                       \
	};                                                                                                    \
	static const struct ebn_shape name##_expressions = {                                                  \
		.kind = EBN_SHAPE_LIST, .item = &name##_expression, .max = EBPFNET_SELECTOR_REQUIREMENTS_MAX, \
	};                                                                                                    \
	static const struct ebn_field name##_fields[] = {                                                     \
		{ "matchLabels", &name##_labels, 0 },                                                         \
		{ "matchExpressions", &name##_expressions, 0 },                                               \
		{ NULL, NULL, 0 },                                                                            \
	};                                                                                                    \
	const struct ebn_shape ebn_shape_##name = { .kind = EBN_SHAPE_MAP, .fields = name##_fields }

SELECTOR(selector, check_labels, check_expression);
SELECTOR(source_selector, check_source_labels, check_source_expression);

const struct ebn_shape ebn_shape_labels = { .kind = EBN_SHAPE_FREE, .check = check_labels };

/* Nodes are known as nodes; their labels are not. */
static int check_nodes(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	int err = ebn_shape_check(doc, n, &ebn_shape_source_selector);
	const struct ebn_doc_node *labels = err ? NULL : ebn_doc_field(n, "matchLabels");
	const struct ebn_doc_node *exprs = err ? NULL : ebn_doc_field(n, "matchExpressions");

	if (!err && ((labels && labels->n) || (exprs && exprs->n)))
		err = ebn_doc_error(doc, n, ENOTSUP, "this version does not know nodes by their labels; {} is all nodes");
	return err;
}

const struct ebn_shape ebn_shape_nodes = { .kind = EBN_SHAPE_FREE, .check = check_nodes };

int ebn_check_one_of(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	uint32_t set = 0;

	for (const struct ebn_doc_node *c = n->child; c; c = c->next)
		set += !ebn_doc_is_null(c);
	return set == 1 ? 0 : ebn_doc_error(doc, n, EINVAL, "exactly one field is wanted here, not %u", set);
}

int ebn_selector_add(struct ebn_text *t, const struct ebn_doc_node *n, const char *prefix)
{
	const struct ebn_doc_node *labels = ebn_doc_field(n, "matchLabels"), *exprs = ebn_doc_field(n, "matchExpressions");
	int err = 0;

	for (const struct ebn_doc_node *c = labels ? labels->child : NULL; !err && c; c = c->next)
		err = ebn_text_add(t, ",%s%s=%s", strchr(c->key, ':') ? "" : prefix, c->key, c->text);
	for (const struct ebn_doc_node *c = exprs ? exprs->child : NULL; !err && c; c = c->next) {
		const char *op = ebn_doc_text(c, "operator"), *key = ebn_doc_text(c, "key");
		const char *before = strchr(key, ':') ? "" : prefix;
		const struct ebn_doc_node *values = ebn_doc_field(c, "values");

		if (!values || !values->n) {
			err = ebn_text_add(t, ",%s%s%s", op[0] == 'D' ? "!" : "", before, key);
			continue;
		}
		err = ebn_text_add(t, ",%s%s %s (", before, key, op[0] == 'I' ? "in" : "notin");
		for (const struct ebn_doc_node *v = values->child; !err && v; v = v->next)
			err = ebn_text_add(t, "%s%s", v->text, v->next ? "," : ")");
	}
	return err;
}

int ebn_parse_selector(struct ebn_parse *ps, const struct ebn_doc_node *n, struct ebn_text *t, const char **ret)
{
	struct ebpfnet_selector *sel = NULL;
	const char *text = t->p ? t->p : "";
	int err;

	if (*text == ',')
		text++;
	err = ebpfnet_selector_parse(text, NULL, &sel);
	ebpfnet_selector_unref(sel);
	if (err < 0 && err != -ENOMEM)
		ebn_doc_error(&ps->doc, n, err, "the selector has too many requirements or values, or contradicts itself");
	if (err < 0 || !t->p) {
		*ret = text;
		free(t->p);
		return err;
	}
	*ret = text;
	return ebn_parse_keep(ps, t->p);
}

int ebn_parse_pods(struct ebn_parse *ps, const struct ebn_doc_node *n, const struct ebn_doc_node *pods,
		   const struct ebn_doc_node *spaces, const char **ret)
{
	struct ebn_text t = { 0 };
	/* only pods have a namespace, so that no selector of these languages reaches anything else */
	int err = spaces ? ebn_text_add(&t, "k8s:" EBN_NS_KEY) : ebn_text_add(&t, "k8s:" EBN_NS_KEY "=%s", ps->ns);

	if (!err)
		err = ebn_selector_add(&t, spaces, "k8s:" EBN_NS_LABEL);
	if (!err)
		err = ebn_selector_add(&t, pods, "k8s:");
	if (err < 0) {
		free(t.p);
		return err;
	}
	return ebn_parse_selector(ps, n, &t, ret);
}

/* ---- prefixes ---- */

bool ebn_read_cidr(const char *text, bool bare, char buf[64], int *ret_family, unsigned int *ret_bits)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	unsigned int max = family == AF_INET ? 32 : 128, bits = max;
	char host[INET6_ADDRSTRLEN];
	unsigned char addr[16];

	if (len >= sizeof(host) || (!slash && !bare))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(family, host, addr) != 1)
		return false;
	if (slash) {
		size_t digits = strspn(slash + 1, "0123456789");

		if (!digits || digits > 3 || slash[1 + digits] || (digits > 1 && slash[1] == '0'))
			return false;
		bits = 0;
		for (size_t i = 1; i <= digits; i++)
			bits = bits * 10 + (unsigned int)(slash[i] - '0');
		if (bits > max)
			return false;
	}
	for (unsigned int i = bits; i < max; i++)
		addr[i / 8] &= (unsigned char)~(0x80u >> i % 8);
	if (!inet_ntop(family, addr, host, sizeof(host)))
		return false;
	snprintf(buf, 64, "%s/%u", host, bits);
	*ret_family = family;
	*ret_bits = bits;
	return true;
}

bool ebn_cidr_inside(const char *outer, const char *inner)
{
	unsigned int outer_bits, inner_bits, bits;
	char net[64], part[64], cut[80];
	int family, other;

	if (!ebn_read_cidr(outer, true, net, &family, &outer_bits) ||
	    !ebn_read_cidr(inner, true, part, &other, &inner_bits) || family != other || inner_bits <= outer_bits)
		return false;
	snprintf(cut, sizeof(cut), "%.*s/%u", (int)strcspn(part, "/"), part, outer_bits);
	return ebn_read_cidr(cut, false, part, &other, &bits) && !strcmp(net, part);
}

static int check_cidr(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	unsigned int bits;
	char buf[64];
	int family;

	return ebn_read_cidr(n->text, false, buf, &family, &bits) ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no prefix; 192.0.2.0/24 or 2001:db8::/32 would be", n->text);
}

static int check_address(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	unsigned int bits;
	char buf[64];
	int family;

	return ebn_read_cidr(n->text, true, buf, &family, &bits) ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no prefix or address", n->text);
}

const struct ebn_shape ebn_shape_cidr = { .kind = EBN_SHAPE_TEXT, .check = check_cidr };
const struct ebn_shape ebn_shape_address = { .kind = EBN_SHAPE_TEXT, .check = check_address };

int ebn_parse_cidr(struct ebn_parse *ps, const struct ebn_doc_node *n, const char **ret)
{
	unsigned int bits;
	char buf[64];
	int family;

	ebn_read_cidr(n->text, true, buf, &family, &bits);
	return ebn_parse_keep_text(ps, buf, ret);
}

int ebn_parse_cidr_list(struct ebn_parse *ps, const struct ebn_doc_node *list, const char *const **ret, size_t *ret_n)
{
	const char **all;
	int err;

	*ret = NULL;
	*ret_n = 0;
	if (!list || !list->n)
		return 0;
	all = ebn_calloc(list->n, sizeof(*all));
	err = ebn_parse_keep(ps, (void *)all);
	for (const struct ebn_doc_node *c = list->child; !err && c; c = c->next)
		err = ebn_parse_cidr(ps, c, &all[c->index]);
	if (err < 0)
		return err;
	*ret = all;
	*ret_n = list->n;
	return 0;
}

/* ---- domains and ports ---- */

static int check_domain(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const char *s = n->text;
	size_t len = strlen(s);
	char low[256];
	bool ok = len && len < sizeof(low);

	if (ok) {
		for (size_t i = 0; i <= len; i++)
			low[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i] == '_' ? 'x' : s[i]);
		if (low[len - 1] == '.')
			low[--len] = '\0';
		s = !strncmp(low, "*.", 2) ? low + 2 : low;
		ok = strchr(s, '.') && ebn_is_dns_name(s, strlen(s), 253, true);
	}
	return ok ? 0 : ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no domain name", n->text);
}

static int check_port_name(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return ebn_is_port_name(n->text) ? 0 : ebn_doc_error(doc, n, EINVAL, "\"%.32s\" is no port's name", n->text);
}

const struct ebn_shape ebn_shape_domain = { .kind = EBN_SHAPE_TEXT, .check = check_domain };
const struct ebn_shape ebn_shape_port_name = { .kind = EBN_SHAPE_TEXT, .check = check_port_name };
