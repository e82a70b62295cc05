// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause


#include "identity/internal.h"

#define TEXT_LEN_MAX 65536

/* In the order of the canonical form, after source and key. */
enum op {
	OP_EXISTS,
	OP_ABSENT,
	OP_IN,
	OP_NOT_IN,
};

struct requirement {
	struct ebn_span source;	/* len 0: any */
	struct ebn_span key;
	const struct ebn_span *values;	/* sorted, no two equal */
	uint64_t key_hash;
	unsigned int n;
	uint8_t op;
};

struct ebpfnet_selector {
	unsigned int refs;
	unsigned int n;
	struct requirement *reqs;	/* sorted, no two equal */
	char *text;			/* canonical */
	char *parts;			/* the strings the requirements point to */
	struct ebn_span *values;
};


struct parser {
	const char *text, *p;
	struct ebpfnet_diag *diag;
	struct ebpfnet_selector *sel;
	char *part;
	unsigned int n_values;
};

static struct ebn_span keep(struct parser *ps, struct ebn_span s)
{
	char *part = ps->part;

	memcpy(part, s.p, s.len);
	ps->part += s.len;
	return (struct ebn_span){ part, s.len };
}

static int compare_values(const void *a, const void *b)
{
	return ebn_span_cmp(*(const struct ebn_span *)a, *(const struct ebn_span *)b);
}

static int compare_requirements(const void *a, const void *b)
{
	const struct requirement *x = a, *y = b;
	int order = ebn_span_cmp(x->source, y->source);
	unsigned int i;

	if (!order)
		order = ebn_span_cmp(x->key, y->key);
	if (!order)
		order = (x->op > y->op) - (x->op < y->op);
	for (i = 0; !order && i < x->n && i < y->n; i++)
		order = ebn_span_cmp(x->values[i], y->values[i]);
	return order ? order : (x->n > y->n) - (x->n < y->n);
}

/* Appends a value to the requirement, whose values are the newest. */
static int add_value(struct parser *ps, struct requirement *r, struct ebn_span value)
{
	if (ps->n_values == EBPFNET_SELECTOR_VALUES_MAX)
		return ebn_diag(ps->diag, NULL, E2BIG, "more than %d values in a selector",
				EBPFNET_SELECTOR_VALUES_MAX);
	ps->sel->values[ps->n_values++] = keep(ps, value);
	r->n++;
	return 0;
}

/* "(a,b)" */
static int read_set(struct parser *ps, struct requirement *r)
{
	unsigned int i, kept = 0;
	struct ebn_span *values = ps->sel->values + ps->n_values;
	int rc;

	ps->p = ebn_skip_blanks(ps->p);
	if (*ps->p != '(')
		return ebn_syntax_error(ps->diag, ps->text, ps->p, "'('");
	r->values = values;
	do {
		ps->p = ebn_skip_blanks(ps->p + 1);
		rc = add_value(ps, r, ebn_read_value(&ps->p));
		if (rc < 0)
			return rc;
		ps->p = ebn_skip_blanks(ps->p);
	} while (*ps->p == ',');
	if (*ps->p != ')')
		return ebn_syntax_error(ps->diag, ps->text, ps->p, "',' or ')'");
	ps->p++;
	qsort(values, r->n, sizeof(values[0]), compare_values);
	for (i = 0; i < r->n; i++)
		if (!i || ebn_span_cmp(values[i], values[i - 1]))
			values[kept++] = values[i];
	ps->n_values -= r->n - kept;
	r->n = kept;
	return 0;
}

/* What follows a key: "", "=v", "==v", "!=v", " in (…)", " notin (…)". */
static int read_operator(struct parser *ps, struct requirement *r)
{
	const char *p = ps->p = ebn_skip_blanks(ps->p);
	struct ebn_span word = { p, 0 };

	if (*p == '=' || (*p == '!' && p[1] == '=')) {
		r->op = *p == '=' ? OP_IN : OP_NOT_IN;
		ps->p = ebn_skip_blanks(p + (p[1] == '=' ? 2 : 1));
		r->values = ps->sel->values + ps->n_values;
		return add_value(ps, r, ebn_read_value(&ps->p));
	}
	while (word.p[word.len] >= 'a' && word.p[word.len] <= 'z')
		word.len++;
	if (word.len == 2 && !memcmp(p, "in", 2))
		r->op = OP_IN;
	else if (word.len == 5 && !memcmp(p, "notin", 5))
		r->op = OP_NOT_IN;
	else if (word.len)
		return ebn_syntax_error(ps->diag, ps->text, p, "an operator or ','");
	else
		return 0;
	ps->p += word.len;
	return read_set(ps, r);
}

static int read_requirement(struct parser *ps, struct requirement *r)
{
	struct ebn_span source, key;
	bool absent = *ps->p == '!';
	const char *start;
	int rc;

	if (absent)
		ps->p = ebn_skip_blanks(ps->p + 1);
	start = ps->p;
	if (!ebn_read_key(&ps->p, &source, &key))
		return ebn_syntax_error(ps->diag, ps->text, ps->p, "a key");
	if (source.len + key.len + 1 > EBPFNET_LABEL_LEN_MAX)
		return ebn_diag(ps->diag, NULL, E2BIG, "a key is longer than a label may be: %.40s...", start);
	if (source.len && !(source.len == 3 && !memcmp(source.p, "any", 3)))
		r->source = keep(ps, source);
	r->key = keep(ps, key);
	r->key_hash = ebn_fnv(EBN_FNV_START, key.p, key.len);
	r->op = absent ? OP_ABSENT : OP_EXISTS;
	if (!absent) {
		rc = read_operator(ps, r);
		if (rc < 0)
			return rc;
	}
	ps->p = ebn_skip_blanks(ps->p);
	if (*ps->p && *ps->p != ',')
		return ebn_syntax_error(ps->diag, ps->text, ps->p, "','");
	return 0;
}

static int read_all(struct parser *ps)
{
	struct ebpfnet_selector *sel = ps->sel;
	int rc;

	ps->p = ebn_skip_blanks(ps->text);
	while (*ps->p) {
		if (sel->n == EBPFNET_SELECTOR_REQUIREMENTS_MAX)
			return ebn_diag(ps->diag, NULL, E2BIG, "more than %d requirements in a selector",
					EBPFNET_SELECTOR_REQUIREMENTS_MAX);
		rc = read_requirement(ps, &sel->reqs[sel->n]);
		if (rc < 0)
			return rc;
		sel->n++;
		if (*ps->p == ',') {
			ps->p = ebn_skip_blanks(ps->p + 1);
			if (!*ps->p)
				return ebn_syntax_error(ps->diag, ps->text, ps->p, "a key");
		}
	}
	return 0;
}

static void sort(struct ebpfnet_selector *sel)
{
	unsigned int i, kept = 0;

	qsort(sel->reqs, sel->n, sizeof(sel->reqs[0]), compare_requirements);
	for (i = 0; i < sel->n; i++)
		if (!i || compare_requirements(&sel->reqs[i], &sel->reqs[i - 1]))
			sel->reqs[kept++] = sel->reqs[i];
	sel->n = kept;
}

static char *put(char *p, const char *text)
{
	size_t len = strlen(text);

	memcpy(p, text, len + 1);
	return p + len;
}

static char *put_span(char *p, struct ebn_span s)
{
	memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return p + s.len;
}

static char *print_requirement(char *p, const struct requirement *r)
{
	unsigned int i;

	if (r->op == OP_ABSENT)
		p = put(p, "!");
	if (r->source.len)
		p = put(put_span(p, r->source), ":");
	p = put_span(p, r->key);
	if (r->op == OP_EXISTS || r->op == OP_ABSENT)
		return p;
	if (r->n == 1)
		return put_span(put(p, r->op == OP_IN ? "=" : "!="), r->values[0]);
	p = put(p, r->op == OP_IN ? " in (" : " notin (");
	for (i = 0; i < r->n; i++)
		p = put_span(put(p, i ? "," : ""), r->values[i]);
	return put(p, ")");
}

/* The canonical text; its size is bounded by the parts it is made of. */
static int print(struct ebpfnet_selector *sel)
{
	size_t size = 1;
	unsigned int i, j;
	char *p;

	for (i = 0; i < sel->n; i++) {
		const struct requirement *r = &sel->reqs[i];

		size += r->key.len + r->source.len + sizeof("!: notin (),");
		for (j = 0; j < r->n; j++)
			size += r->values[j].len + 1;
	}
	p = sel->text = ebn_calloc(1, size);
	if (!p)
		return -ENOMEM;
	for (i = 0; i < sel->n; i++)
		p = print_requirement(put(p, i ? "," : ""), &sel->reqs[i]);
	return 0;
}

/* How often one of these characters occurs, but at most max: room for what they introduce. */
static size_t count_any(const char *text, const char *chars, size_t max)
{
	size_t n = 0;

	for (text += strcspn(text, chars); *text && n < max; text += strcspn(text, chars)) {
		n++;
		text++;
	}
	return n;
}

int ebpfnet_selector_parse(const char *text, struct ebpfnet_diag *diag, struct ebpfnet_selector **ret)
{
	struct parser ps = { .text = text, .diag = diag };
	struct ebpfnet_selector *sel;
	size_t len;
	int rc;

	if (!text || !ret)
		return -EINVAL;
	len = strlen(text);
	if (len > TEXT_LEN_MAX)
		return ebn_diag(diag, NULL, E2BIG, "a selector is longer than %d bytes", TEXT_LEN_MAX);
	sel = ebn_calloc(1, sizeof(*sel));
	if (!sel)
		return -ENOMEM;
	sel->refs = 1;
	/* every requirement but the first follows a ',', every value one of ",(=" */
	sel->reqs = ebn_calloc(1 + count_any(text, ",", EBPFNET_SELECTOR_REQUIREMENTS_MAX), sizeof(*sel->reqs));
	sel->values = ebn_calloc(count_any(text, ",(=", EBPFNET_SELECTOR_VALUES_MAX), sizeof(*sel->values));
	sel->parts = ebn_calloc(1, len);
	ps.sel = sel;
	ps.part = sel->parts;
	rc = sel->reqs && sel->parts && sel->values ? read_all(&ps) : -ENOMEM;
	if (!rc) {
		sort(sel);
		rc = print(sel);
	}
	if (rc < 0) {
		ebpfnet_selector_unref(sel);
		return rc;
	}
	*ret = sel;
	return 0;
}

struct ebpfnet_selector *ebpfnet_selector_ref(struct ebpfnet_selector *selector)
{
	if (selector)
		selector->refs++;
	return selector;
}

struct ebpfnet_selector *ebpfnet_selector_unref(struct ebpfnet_selector *selector)
{
	if (!selector || --selector->refs)
		return NULL;
	free(selector->reqs);
	free(selector->parts);
	free(selector->values);
	free(selector->text);
	free(selector);
	return NULL;
}

const char *ebpfnet_selector_format(const struct ebpfnet_selector *selector)
{
	return selector ? selector->text : "";
}

static bool value_listed(const struct requirement *r, struct ebn_span value)
{
	unsigned int lo = 0, hi = r->n;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		int order = ebn_span_cmp(value, r->values[mid]);

		if (!order)
			return true;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return false;
}

/* Without a source several labels can have the key; one that fits is enough. */
static bool holds(const struct requirement *r, const struct ebn_label *labels, unsigned int n)
{
	bool negative = r->op == OP_ABSENT || r->op == OP_NOT_IN;
	bool any_value = r->op == OP_EXISTS || r->op == OP_ABSENT;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct ebn_label *l = &labels[i];

		if (l->key_hash != r->key_hash || ebn_span_cmp(l->key, r->key))
			continue;
		if (r->source.len && ebn_span_cmp(l->source, r->source))
			continue;
		if (any_value || value_listed(r, l->value))
			return !negative;
	}
	return negative;
}

static int match(const struct ebpfnet_selector *selector, const struct ebn_label *labels, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < selector->n; i++)
		if (!holds(&selector->reqs[i], labels, n))
			return 0;
	return 1;
}

int ebpfnet_selector_match(const struct ebpfnet_selector *selector, const struct ebpfnet_labels *labels)
{
	if (!selector)
		return 0;
	return labels ? match(selector, labels->labels, labels->n) : match(selector, NULL, 0);
}

bool ebn_selector_subject(const struct ebpfnet_selector *selector, const struct ebpfnet_labels *labels)
{
	static const struct ebn_span reserved = { "reserved", 8 };
	unsigned int i;

	if (!ebpfnet_selector_match(selector, labels))
		return false;
	if (!ebpfnet_labels_get(labels, "reserved", "host"))
		return true;
	for (i = 0; i < selector->n; i++)
		if (!ebn_span_cmp(selector->reqs[i].source, reserved))
			return true;
	return false;
}

int ebn_selector_match_text(const struct ebpfnet_selector *selector, const char *canonical)
{
	struct ebn_label labels[EBPFNET_LABELS_MAX];
	unsigned int n = 0;
	const char *p = canonical;

	if (!selector)
		return 0;
	while (*p) {
		struct ebn_label *l = &labels[n];

		if (n++ == EBPFNET_LABELS_MAX || !ebn_read_key(&p, &l->source, &l->key) || !l->source.len)
			return 0;
		l->key_hash = ebn_fnv(EBN_FNV_START, l->key.p, l->key.len);
		p += *p == '=';
		l->value = ebn_read_value(&p);
		if (*p++ != ';')
			return 0;
	}
	return match(selector, labels, n);
}

bool ebn_selector_requirement(const struct ebpfnet_selector *sel, unsigned int i, uint64_t *key_hash,
			      const struct ebn_span **values, unsigned int *n)
{
	if (i >= sel->n)
		return false;
	*key_hash = sel->reqs[i].key_hash;
	*values = sel->reqs[i].values;
	*n = sel->reqs[i].op == OP_IN ? sel->reqs[i].n : 0;
	return true;
}
