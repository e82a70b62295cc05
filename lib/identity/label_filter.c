// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Which labels make an identity. */
#include "identity/internal.h"

#define TEXT_LEN_MAX 65536

struct rule {
	struct ebn_span source;	/* len 0: any */
	struct ebn_span key;	/* '*' stands for any characters */
	size_t weight;		/* characters besides '*' */
	bool drop;
};

struct ebpfnet_label_filter {
	unsigned int refs;
	unsigned int n;
	char *text;		/* canonical; the rules point into it */
	struct rule rules[EBPFNET_LABEL_FILTER_RULES_MAX];
};

/* What tells how an object came to be, or where it runs, changes with each of them and is no part of who it is. */
static const char defaults[] =
	"!io.kubernetes* !kubernetes.io* !*.kubernetes.io* !k8s.io* !*.k8s.io* !pod-template-generation "
	"!pod-template-hash !controller-revision-hash !controller-uid !job-name !annotation.* !etcd_node "
	"io.kubernetes.pod.namespace io.cilium.k8s.policy.* io.cilium.k8s.namespace.labels.* app.kubernetes.io*";

static const char *skip(const char *p)
{
	return p + strspn(p, " \t\r\n,");
}

static int read_rule(struct ebpfnet_label_filter *f, const char *text, const char **p, struct ebpfnet_diag *diag)
{
	struct rule *r = &f->rules[f->n];
	const char *start = *p;
	size_t i;

	if (f->n == EBPFNET_LABEL_FILTER_RULES_MAX)
		return ebn_diag(diag, NULL, E2BIG, "more than %d rules in a label filter", EBPFNET_LABEL_FILTER_RULES_MAX);
	*r = (struct rule){ .drop = **p == '!' };
	*p += r->drop;
	if (!ebn_read_key(p, &r->source, &r->key))
		return ebn_syntax_error(diag, text, *p, "a label's key");
	if (**p && skip(*p) == *p)
		return ebn_syntax_error(diag, text, *p, "a blank or ','");
	if (r->source.len + r->key.len + 1 > EBPFNET_LABEL_LEN_MAX)
		return ebn_diag(diag, NULL, E2BIG, "a key is longer than a label may be: %.40s...", start);
	if (r->source.len == 3 && !memcmp(r->source.p, "any", 3))
		r->source.len = 0;
	for (i = 0; i < r->key.len; i++)
		r->weight += r->key.p[i] != '*';
	f->n++;
	*p = skip(*p);
	return 0;
}

static struct ebn_span put(char **p, struct ebn_span s)
{
	struct ebn_span at = { *p, s.len };

	memcpy(*p, s.p, s.len);
	*p += s.len;
	return at;
}

/* Writes the rules down one after the other, and points them at what was written. */
static int print(struct ebpfnet_label_filter *f, size_t len)
{
	unsigned int i;
	char *p;

	/* never longer than it was, but for the first rule's end */
	p = f->text = ebn_calloc(1, len + 2);
	if (!p)
		return -ENOMEM;
	for (i = 0; i < f->n; i++) {
		struct rule *r = &f->rules[i];

		if (i)
			*p++ = ' ';
		if (r->drop)
			*p++ = '!';
		r->source = put(&p, r->source);
		if (r->source.len)
			*p++ = ':';
		r->key = put(&p, r->key);
	}
	return 0;
}

int ebpfnet_label_filter_parse(const char *text, struct ebpfnet_diag *diag, struct ebpfnet_label_filter **ret)
{
	struct ebpfnet_label_filter *f;
	const char *p;
	int r = 0;

	if (!ret)
		return -EINVAL;
	text = text ? text : defaults;
	if (strlen(text) > TEXT_LEN_MAX)
		return ebn_diag(diag, NULL, E2BIG, "a label filter is longer than %d bytes", TEXT_LEN_MAX);
	f = ebn_calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->refs = 1;
	for (p = skip(text); !r && *p;)
		r = read_rule(f, text, &p, diag);
	if (!r)
		r = print(f, strlen(text));
	if (r < 0) {
		ebpfnet_label_filter_unref(f);
		return r;
	}
	*ret = f;
	return 0;
}

struct ebpfnet_label_filter *ebpfnet_label_filter_ref(struct ebpfnet_label_filter *filter)
{
	if (filter)
		filter->refs++;
	return filter;
}

struct ebpfnet_label_filter *ebpfnet_label_filter_unref(struct ebpfnet_label_filter *filter)
{
	if (!filter || --filter->refs)
		return NULL;
	free(filter->text);
	free(filter);
	return NULL;
}

const char *ebpfnet_label_filter_format(const struct ebpfnet_label_filter *filter)
{
	return filter ? filter->text : "";
}

/* Goes back to the last '*' only, so it takes at most length times length steps. */
static bool matches(struct ebn_span pattern, struct ebn_span s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	while (i < s.len) {
		if (p < pattern.len && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.len && pattern.p[p] == s.p[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.p[p] == '*')
		p++;
	return p == pattern.len;
}

static bool passes(const struct ebpfnet_label_filter *f, const struct ebn_label *l)
{
	const struct rule *best = NULL, *r;

	/* who is host or world stays it */
	if (l->source.len == 8 && !memcmp(l->source.p, "reserved", 8))
		return true;
	for (r = f->rules; r < f->rules + f->n; r++) {
		if (best && best->weight > r->weight)
			continue;
		if ((!r->source.len || !ebn_span_cmp(r->source, l->source)) && matches(r->key, l->key))
			best = r;
	}
	return !best || !best->drop;
}

int ebpfnet_label_filter_apply(const struct ebpfnet_label_filter *filter, struct ebpfnet_labels *labels,
			       struct ebpfnet_labels **ret)
{
	const char *text = ebpfnet_labels_format(labels);
	unsigned int i, kept = 0;
	_free_ char *rest = NULL;
	const char *end;
	char *p;

	if (!filter || !labels || !ret)
		return -EINVAL;
	p = rest = ebn_calloc(1, strlen(text) + 1);
	if (!rest)
		return -ENOMEM;
	/* the canonical text is the labels in the order of the set, each ended by ';' */
	for (i = 0; i < labels->n; i++, text = end) {
		end = strchr(text, ';') + 1;
		if (!passes(filter, &labels->labels[i]))
			continue;
		memcpy(p, text, (size_t)(end - text));
		p += end - text;
		kept++;
	}
	if (kept == labels->n) {
		*ret = ebpfnet_labels_ref(labels);
		return 0;
	}
	return ebpfnet_labels_parse(rest, NULL, NULL, ret);
}
