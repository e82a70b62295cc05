// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/marks.h"

#include <stdio.h>

/* ---- marks ---- */

/* source:key, kept by the marks; NULL: no memory. */
static const char *keep_text(struct ebn_marks *m, const char *source, const char *key)
{
	size_t len = strlen(source) + strlen(key) + 2;
	char *text;

	if (ebn_grow(&m->text, &m->texts_cap, m->n_texts + 1, sizeof(*m->text)) < 0)
		return NULL;
	text = ebn_calloc(len, 1);
	if (!text)
		return NULL;
	snprintf(text, len, "%s:%s", source, key);
	return m->text[m->n_texts++] = text;
}

static int add(struct ebn_marks *m, const struct ebn_net *net, const char *label)
{
	if (!label || ebn_grow(&m->mark, &m->cap, m->n + 1, sizeof(*m->mark)) < 0)
		return -ENOMEM;
	m->mark[m->n++] = (struct ebn_mark){ *net, label };
	return 0;
}

static int add_cidr(struct ebn_marks *m, const struct ebn_net *net)
{
	char key[EBN_NET_LABEL_LEN];

	ebn_net_label(net, key);
	return add(m, net, keep_text(m, m->inside ? EBN_SOURCE_NET : EBN_SOURCE_CIDR, key));
}

static int add_group(struct ebn_marks *m, const struct ebn_group *g)
{
	static const char *const source[2][2] = {
		{ EBN_SOURCE_GROUP, EBN_SOURCE_SERVICE }, { EBN_SOURCE_NET_GROUP, EBN_SOURCE_NET_SERVICE },
	};
	const char *label = keep_text(m, source[m->inside][g->kind == EBPFNET_PEER_SERVICE], g->name);
	int err = label ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < g->n_nets; i++)
		err = add(m, &g->nets[i], label);
	return err;
}

/* seen: by number of the group. */
static int add_groups(struct ebn_marks *m, const struct ebpfnet_policy_set *set, const struct ebn_peer *peer,
		      uint8_t *seen)
{
	int err = 0;

	for (size_t i = 0; !err && i < set->n_groups; i++) {
		if (seen[i] || !ebn_peer_means(peer, set->groups[i]))
			continue;
		seen[i] = 1;
		err = add_group(m, set->groups[i]);
	}
	return err;
}

static bool learnt_match(const struct ebn_learnt *l, const char *pattern)
{
	return l->pattern ? !strcmp(l->name, pattern) : ebn_fqdn_match(pattern, l->name);
}

static int add_pattern(struct ebn_marks *m, const struct ebn_outside *o, const struct ebn_peer *peer)
{
	const char *label = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < o->n_learnt; i++) {
		if (!learnt_match(&o->learnt[i], peer->name))
			continue;
		if (!label)
			label = keep_text(m, EBN_SOURCE_FQDN, peer->name);
		err = add(m, &o->learnt[i].net, label);
	}
	return err;
}

static int add_peer(struct ebn_marks *m, const struct ebpfnet_policy_set *set, const struct ebn_outside *o,
		    const struct ebn_peer *peer, uint8_t *seen)
{
	int err = 0;

	if (m->inside && !(peer->flags & EBPFNET_PEER_F_ENDPOINTS))
		return 0;
	if (peer->kind == EBPFNET_PEER_CIDR)
		err = add_cidr(m, &peer->net);
	else if (peer->kind == EBPFNET_PEER_CIDR_GROUP || peer->kind == EBPFNET_PEER_SERVICE)
		err = add_groups(m, set, peer, seen);
	else if (peer->kind == EBPFNET_PEER_FQDN)
		err = add_pattern(m, o, peer);
	for (uint32_t i = 0; !err && i < peer->n_except; i++)
		err = add_cidr(m, &peer->except[i]);
	return err;
}

static int by_net_and_label(const void *a, const void *b)
{
	const struct ebn_mark *x = a, *y = b;
	int order = ebn_net_cmp(&x->net, &y->net);

	return order ? order : strcmp(x->label, y->label);
}

static void sort(struct ebn_marks *m)
{
	size_t kept = 0;

	if (m->n)
		qsort(m->mark, m->n, sizeof(*m->mark), by_net_and_label);
	for (size_t i = 0; i < m->n; i++)
		if (!kept || by_net_and_label(&m->mark[kept - 1], &m->mark[i]))
			m->mark[kept++] = m->mark[i];
	m->n = kept;
}

/* ---- labels ---- */

struct text {
	char *p;
	size_t len, cap;
};

static int put(struct text *t, const char *label)
{
	size_t len = strlen(label);

	if (ebn_grow(&t->p, &t->cap, t->len + len + 2, 1) < 0)
		return -ENOMEM;
	memcpy(t->p + t->len, label, len);
	t->len += len;
	t->p[t->len++] = ';';
	t->p[t->len] = '\0';
	return 0;
}

/* A label set but for what it says of names. */
static int put_without_names(struct text *t, const char *canonical)
{
	int err = 0;

	while (!err && *canonical) {
		const char *end = strchr(canonical, ';');
		_free_ char *label = strndup(canonical, (size_t)(end - canonical));

		if (!label)
			return -ENOMEM;
		if (strncmp(label, EBN_SOURCE_FQDN ":", sizeof(EBN_SOURCE_FQDN)))
			err = put(t, label);
		canonical = end + 1;
	}
	return err;
}

static int want_labels(const struct text *t, const struct ebn_net *net, struct ebpfnet_diag *diag,
		       struct ebpfnet_labels **ret)
{
	char text[EBN_NET_LABEL_LEN];
	int err = ebpfnet_labels_parse(t->p, NULL, NULL, ret);

	if (err != -E2BIG)
		return err;
	ebn_net_format(net, text);
	return ebn_diag(diag, NULL, E2BIG, "more than %d prefixes, groups and names cover %s", EBPFNET_LABELS_MAX - 1,
			text);
}

/*
 * Sorted, each prefix comes behind those around it. start[depth]: how long the text was before the marks of the prefix at that
 * depth of nesting; up[depth]: its mark.
 */
static int make_wants(struct ebn_marks *m, struct ebpfnet_diag *diag)
{
	const struct ebn_net *up[130];
	size_t start[130], depth = 0;
	struct text t = { 0 };
	int err;

	m->want = ebn_calloc(m->n, sizeof(*m->want));
	err = m->want ? 0 : -ENOMEM;
	if (!err && !m->inside)
		err = put(&t, "reserved:world");
	for (size_t i = 0; !err && i < m->n;) {
		const struct ebn_net *net = &m->mark[i].net;

		while (depth && !ebn_net_covers(up[depth - 1], net))
			t.len = start[--depth];
		up[depth] = net;
		start[depth++] = t.len;
		for (; !err && i < m->n && !ebn_net_cmp(&m->mark[i].net, net); i++)
			err = put(&t, m->mark[i].label);
		if (err < 0)
			break;
		m->want[m->n_wants].net = *net;
		err = want_labels(&t, net, diag, &m->want[m->n_wants].labels);
		m->n_wants += !err;
	}
	free(t.p);
	return err;
}

int ebn_marks_make(struct ebn_marks *ret, const struct ebpfnet_policy_set *set, const struct ebn_outside *outside,
		   struct ebpfnet_diag *diag)
{
	_free_ uint8_t *seen = ebn_calloc(set->n_groups, 1);
	int err = seen ? 0 : -ENOMEM;

	ret->inside = !outside;
	for (size_t i = 0; !err && i < set->n; i++)
		for (uint32_t r = 0; !err && r < set->books[i]->n_rules; r++)
			for (uint32_t k = 0; !err && k < set->books[i]->rules[r].n_peers; k++)
				err = add_peer(ret, set, outside, &set->books[i]->rules[r].peers[k], seen);
	if (err < 0)
		return err;
	sort(ret);
	return make_wants(ret, diag);
}

void ebn_marks_done(struct ebn_marks *m)
{
	for (size_t i = 0; i < m->n_texts; i++)
		free(m->text[i]);
	for (size_t i = 0; i < m->n_wants; i++)
		ebpfnet_labels_unref(m->want[i].labels);
	free(m->text);
	free(m->mark);
	free(m->want);
	*m = (struct ebn_marks){ 0 };
}

/* ---- names ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int ebn_set_patterns(const struct ebpfnet_policy_set *set, char ***ret, size_t *ret_n)
{
	char **list = NULL;
	size_t n = 0, cap = 0, kept = 0;
	int err = 0;

	for (size_t i = 0; i < set->n; i++)
		for (uint32_t r = 0; r < set->books[i]->n_rules; r++)
			for (uint32_t k = 0; !err && k < set->books[i]->rules[r].n_peers; k++) {
				const struct ebn_peer *peer = &set->books[i]->rules[r].peers[k];

				if (peer->kind != EBPFNET_PEER_FQDN)
					continue;
				err = ebn_grow(&list, &cap, n + 1, sizeof(*list));
				if (err < 0)
					continue;
				list[n] = strdup(peer->name);
				err = list[n] ? 0 : -ENOMEM;
				n += !err;
			}
	if (n)
		qsort(list, n, sizeof(*list), by_text);
	for (size_t i = 0; i < n; i++) {
		if (err < 0 || (kept && !strcmp(list[kept - 1], list[i])))
			free(list[i]);
		else
			list[kept++] = list[i];
	}
	if (err < 0) {
		free(list);
		return err;
	}
	*ret = list;
	*ret_n = kept;
	return 0;
}

int ebn_learnt_labels(const struct ebn_outside *o, const struct ebn_net *net, const struct ebpfnet_labels *base,
		      struct ebpfnet_diag *diag, struct ebpfnet_labels **ret)
{
	char label[EBN_FQDN_MAX + sizeof(EBN_SOURCE_FQDN) + 2];
	struct text t = { 0 };
	int err = put_without_names(&t, ebpfnet_labels_format(base));

	for (size_t i = 0; !err && i < o->n_patterns; i++) {
		uint32_t cursor, k = 0;
		bool matches = false;

		ebn_index_for_each(&o->by_net, ebn_hash_bytes(net, sizeof(*net)), cursor, k)
			matches |= !ebn_net_cmp(&o->learnt[k].net, net) && learnt_match(&o->learnt[k], o->pattern[i]);
		if (!matches)
			continue;
		snprintf(label, sizeof(label), EBN_SOURCE_FQDN ":%s", o->pattern[i]);
		err = put(&t, label);
	}
	if (!err)
		err = want_labels(&t, net, diag, ret);
	free(t.p);
	return err;
}
