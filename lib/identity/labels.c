// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "identity/internal.h"

struct parsed {
	struct ebn_span source, key, value;
	unsigned int order;	/* of appearance */
};

static int compare(const void *a, const void *b)
{
	const struct parsed *x = a, *y = b;
	int order = ebn_span_cmp(x->source, y->source);

	if (!order)
		order = ebn_span_cmp(x->key, y->key);
	if (!order)
		order = (x->order > y->order) - (x->order < y->order);
	return order;
}

/* Of labels with one source and key keeps the last; they are sorted. Returns how many are left. */
static unsigned int drop_repeated(struct parsed *l, unsigned int n)
{
	unsigned int i, kept = 0;

	for (i = 0; i < n; i++)
		if (i + 1 == n || ebn_span_cmp(l[i].source, l[i + 1].source) || ebn_span_cmp(l[i].key, l[i + 1].key))
			l[kept++] = l[i];
	return kept;
}

/* One label at *p. */
static int read_label(const char *text, const char **p, struct ebn_span source, struct ebpfnet_diag *diag,
		      struct parsed *ret)
{
	const char *start = *p;

	if (!ebn_read_key(p, &ret->source, &ret->key))
		return ebn_syntax_error(diag, text, *p, "a label's key");
	if (!ret->source.len)
		ret->source = source;
	ret->value = (struct ebn_span){ *p, 0 };
	if (**p == '=') {
		++*p;
		ret->value = ebn_read_value(p);
	}
	if (ret->source.len + ret->key.len + ret->value.len + 2 > EBPFNET_LABEL_LEN_MAX)
		return ebn_diag(diag, NULL, E2BIG, "a label is longer than %d bytes: %.40s...",
				EBPFNET_LABEL_LEN_MAX, start);
	*p = ebn_skip_blanks(*p);
	if (**p && **p != ',' && **p != ';')
		return ebn_syntax_error(diag, text, *p, "',' or ';'");
	return 0;
}

/* Appends "part\0" to *p. */
static struct ebn_span keep(char **p, struct ebn_span part)
{
	char *s = *p;

	memcpy(s, part.p, part.len);
	s[part.len] = '\0';
	*p += part.len + 1;
	return (struct ebn_span){ s, part.len };
}

static void print(char **p, struct ebn_span part, char end)
{
	memcpy(*p, part.p, part.len);
	*p += part.len;
	*(*p)++ = end;
}

static struct ebpfnet_labels *build(const struct parsed *l, unsigned int n)
{
	size_t parts = 0, text = 1;
	struct ebpfnet_labels *labels;
	unsigned int i;
	char *p, *start;

	for (i = 0; i < n; i++) {
		parts += l[i].source.len + l[i].key.len + l[i].value.len + 3;
		text += l[i].source.len + l[i].key.len + l[i].value.len + 3;
	}
	labels = ebn_calloc(1, sizeof(*labels) + n * sizeof(labels->labels[0]) + parts + text);
	if (!labels)
		return NULL;
	p = (char *)&labels->labels[n];
	for (i = 0; i < n; i++) {
		labels->labels[i].source = keep(&p, l[i].source);
		labels->labels[i].key = keep(&p, l[i].key);
		labels->labels[i].value = keep(&p, l[i].value);
		labels->labels[i].key_hash = ebn_fnv(EBN_FNV_START, l[i].key.p, l[i].key.len);
	}
	start = p;
	for (i = 0; i < n; i++) {
		print(&p, l[i].source, ':');
		print(&p, l[i].key, l[i].value.len ? '=' : ';');
		if (l[i].value.len)
			print(&p, l[i].value, ';');
	}
	*p = '\0';
	labels->refs = 1;
	labels->n = n;
	labels->text = start;
	labels->hash = ebn_fnv(EBN_FNV_START, start, (size_t)(p - start));
	return labels;
}

/* The default source: a key's characters, nothing else. */
static bool read_source(const char *text, struct ebn_span *ret)
{
	struct ebn_span none;

	return ebn_read_key(&text, &none, ret) && !none.len && !*text;
}

static int parse(const char *text, const char *default_source, unsigned int max, struct ebpfnet_diag *diag,
		 struct ebpfnet_labels **ret)
{
	struct parsed l[EBN_LABELS_LONG_MAX];
	struct ebpfnet_labels *labels;
	struct ebn_span source;
	unsigned int n = 0;
	const char *p;
	int rc;

	if (!read_source(default_source ? default_source : "k8s", &source))
		return ebn_diag(diag, NULL, EINVAL, "the default source of labels is not a name");
	p = ebn_skip_blanks(text);
	while (*p) {
		if (n == max)
			return ebn_diag(diag, NULL, E2BIG, "more than %u labels", max);
		rc = read_label(text, &p, source, diag, &l[n]);
		if (rc < 0)
			return rc;
		l[n].order = n;
		n++;
		if (*p)
			p = ebn_skip_blanks(p + 1);
	}
	qsort(l, n, sizeof(l[0]), compare);
	labels = build(l, drop_repeated(l, n));
	if (!labels)
		return -ENOMEM;
	*ret = labels;
	return 0;
}

int ebpfnet_labels_parse(const char *text, const char *default_source, struct ebpfnet_diag *diag,
			 struct ebpfnet_labels **ret)
{
	return text && ret ? parse(text, default_source, EBPFNET_LABELS_MAX, diag, ret) : -EINVAL;
}

int ebn_labels_parse_long(const char *text, struct ebpfnet_labels **ret)
{
	return parse(text, NULL, EBN_LABELS_LONG_MAX, NULL, ret);
}

int ebn_labels_join(const struct ebpfnet_labels *a, const struct ebpfnet_labels *b, struct ebpfnet_labels **ret)
{
	const char *x = ebpfnet_labels_format(a), *y = ebpfnet_labels_format(b);
	size_t len = strlen(x) + strlen(y) + 1;
	_free_ char *text = malloc(len);
	int err;

	if (!text)
		return -ENOMEM;
	/* each ends with ';' */
	err = ebn_format(text, len, "%s%s", x, y);
	return err < 0 ? err : ebn_labels_parse_long(text, ret);
}

struct ebpfnet_labels *ebpfnet_labels_ref(struct ebpfnet_labels *labels)
{
	if (labels)
		labels->refs++;
	return labels;
}

struct ebpfnet_labels *ebpfnet_labels_unref(struct ebpfnet_labels *labels)
{
	if (labels && --labels->refs == 0)
		free(labels);
	return NULL;
}

const char *ebpfnet_labels_format(const struct ebpfnet_labels *labels)
{
	return labels ? labels->text : "";
}

size_t ebpfnet_labels_count(const struct ebpfnet_labels *labels)
{
	return labels ? labels->n : 0;
}

const char *ebpfnet_labels_get(const struct ebpfnet_labels *labels, const char *source, const char *key)
{
	unsigned int i;

	if (!labels || !key)
		return NULL;
	for (i = 0; i < labels->n; i++)
		if (!strcmp(labels->labels[i].key.p, key) &&
		    (!source || !strcmp(labels->labels[i].source.p, source)))
			return labels->labels[i].value.p;
	return NULL;
}

int ebpfnet_labels_equal(const struct ebpfnet_labels *a, const struct ebpfnet_labels *b)
{
	if (ebpfnet_labels_hash(a) != ebpfnet_labels_hash(b))
		return 0;
	return !strcmp(ebpfnet_labels_format(a), ebpfnet_labels_format(b));
}

uint64_t ebpfnet_labels_hash(const struct ebpfnet_labels *labels)
{
	return labels ? labels->hash : EBN_FNV_START;
}
