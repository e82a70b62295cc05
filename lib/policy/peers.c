// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Peers of rules: taken from the public form and checked. Entities become what they stand for. */
#include "policy/model.h"

#include <ctype.h>
#include <stdio.h>

/* What an entity stands for: a selector, a prefix, or with neither everybody. */
struct entity {
	const char *name, *selector, *net;
};

static const struct entity entities[] = {
	{ "all", NULL, NULL },
	/* no identity has that label, so that nobody is meant */
	{ "none", "reserved:none", NULL },
	{ "world", "reserved:world", NULL },
	{ "world-ipv4", NULL, "0.0.0.0/0" },
	{ "world-ipv6", NULL, "::/0" },
	{ "cluster", "!reserved:world", NULL },
	{ "host", "reserved:host", NULL },
	{ "remote-node", "reserved:remote-node", NULL },
	{ "init", "reserved:init", NULL },
	{ "health", "reserved:health", NULL },
	{ "unmanaged", "reserved:unmanaged", NULL },
	{ "kube-apiserver", "reserved:kube-apiserver", NULL },
	{ "ingress", "reserved:ingress", NULL },
};

void ebn_peer_clear(struct ebn_peer *peer)
{
	ebpfnet_selector_unref(peer->selector);
	ebpfnet_selector_unref(peer->mark);
	ebpfnet_selector_unref(peer->inside);
	free(peer->name);
	free(peer->except);
	*peer = (struct ebn_peer){ 0 };
}

bool ebn_selector_same(const struct ebpfnet_selector *a, const struct ebpfnet_selector *b)
{
	return a == b || (a && b && !strcmp(ebpfnet_selector_format(a), ebpfnet_selector_format(b)));
}

bool ebn_peer_equal(const struct ebn_peer *a, const struct ebn_peer *b)
{
	return a->kind == b->kind && a->flags == b->flags && ebn_selector_same(a->selector, b->selector) &&
	       !a->name == !b->name && (!a->name || !strcmp(a->name, b->name)) &&
	       !memcmp(&a->net, &b->net, sizeof(a->net)) && a->n_except == b->n_except &&
	       (!a->n_except || !memcmp(a->except, b->except, a->n_except * sizeof(*a->except)));
}

bool ebn_peer_is_all(const struct ebn_peer *peer)
{
	return peer->kind == EBPFNET_PEER_ENTITY;
}

static int from_entity(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		       struct ebn_peer *ret)
{
	for (size_t i = 0; i < EBN_ARRAY_SIZE(entities); i++) {
		const struct entity *e = &entities[i];

		if (strcmp(e->name, in->text))
			continue;
		if (e->selector) {
			ret->kind = EBPFNET_PEER_SELECTOR;
			return ebpfnet_selector_parse(e->selector, diag, &ret->selector);
		}
		if (e->net) {
			ret->kind = EBPFNET_PEER_CIDR;
			return ebn_net_parse(e->net, &ret->net);
		}
		return 0;
	}
	return ebn_diag(diag, NULL, EINVAL, "%s: no entity \"%.64s\"", what, in->text);
}

static int from_except(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		       struct ebn_peer *ret)
{
	if (in->n_except > EBN_RULE_PEERS_MAX)
		return ebn_diag(diag, NULL, E2BIG, "%s: more than %u exceptions", what, EBN_RULE_PEERS_MAX);
	if (in->n_except && !in->except)
		return ebn_diag(diag, NULL, EINVAL, "%s: exceptions are missing", what);
	ret->except = ebn_calloc(in->n_except, sizeof(*ret->except));
	if (!ret->except)
		return -ENOMEM;
	for (size_t i = 0; i < in->n_except; i++) {
		struct ebn_net *net = &ret->except[ret->n_except++];

		if (!in->except[i] || ebn_net_parse(in->except[i], net) < 0)
			return ebn_diag(diag, NULL, EINVAL, "%s: exception \"%.64s\" is no prefix, or has bits behind it",
					what, in->except[i] ? in->except[i] : "");
		if (in->kind == EBPFNET_PEER_CIDR && !ebn_net_covers(&ret->net, net))
			return ebn_diag(diag, NULL, EINVAL, "%s: exception %.64s is not in %.64s", what, in->except[i],
					in->text);
	}
	if (ret->n_except)
		qsort(ret->except, ret->n_except, sizeof(*ret->except), ebn_net_cmp);
	return 0;
}

static int from_group(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		      struct ebn_peer *ret)
{
	if (in->flags & EBPFNET_PEER_F_LABELS)
		return ebpfnet_selector_parse(in->text, diag, &ret->selector);
	if (!*in->text || strlen(in->text) > EBN_GROUP_NAME_MAX)
		return ebn_diag(diag, NULL, EINVAL, "%s: not a group's name: \"%.64s\"", what, in->text);
	ret->name = strdup(in->text);
	return ret->name ? 0 : -ENOMEM;
}

/* ---- names ---- */

static bool dns_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.' || c == '*';
}

static int from_fqdn(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		     struct ebn_peer *ret)
{
	size_t len = strlen(in->text);

	/* the root's dot says nothing */
	if (len > 1 && in->text[len - 1] == '.')
		len--;
	if (!len || len > EBN_FQDN_MAX || in->text[0] == '.')
		return ebn_diag(diag, NULL, EINVAL, "%s: \"%.64s\" is no name", what, in->text);
	for (size_t i = 0; i < len; i++)
		if (!dns_char(in->text[i]) || (i && in->text[i] == '.' && in->text[i - 1] == '.'))
			return ebn_diag(diag, NULL, EINVAL, "%s: \"%.64s\" is no name", what, in->text);
	ret->name = strndup(in->text, len);
	if (!ret->name)
		return -ENOMEM;
	for (char *p = ret->name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

/* One label of the pattern against one of the name. '*' goes back to the last one only, so the time is bounded. */
static bool label_match(const char *p, size_t np, const char *s, size_t ns)
{
	size_t i = 0, k = 0, star = SIZE_MAX, mark = 0;

	while (k < ns) {
		if (i < np && p[i] == '*') {
			star = i++;
			mark = k;
		} else if (i < np && p[i] == tolower((unsigned char)s[k])) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			i = star + 1;
			k = ++mark;
		} else {
			return false;
		}
	}
	while (i < np && p[i] == '*')
		i++;
	return i == np;
}

static bool labels_match(const char *p, const char *s, size_t len)
{
	for (;;) {
		size_t np = strcspn(p, "."), ns = 0;

		while (ns < len && s[ns] != '.')
			ns++;
		if (!label_match(p, np, s, ns))
			return false;
		if (!p[np] || ns == len)
			return !p[np] && ns == len;
		p += np + 1;
		s += ns + 1;
		len -= ns + 1;
	}
}

bool ebn_fqdn_match(const char *pattern, const char *name)
{
	size_t len = strlen(name);

	if (len > 1 && name[len - 1] == '.')
		len--;
	if (!len || len > EBN_FQDN_MAX)
		return false;
	if (!strcmp(pattern, "*"))
		return true;
	if (strncmp(pattern, "**.", 3))
		return labels_match(pattern, name, len);
	/* some labels, at least one, and then the rest */
	for (size_t i = 1; i < len; i++)
		if (name[i] == '.' && labels_match(pattern + 3, name + i + 1, len - i - 1))
			return true;
	return false;
}

/* ---- all kinds ---- */

static uint32_t flags_of(enum ebpfnet_peer_kind kind)
{
	switch (kind) {
	case EBPFNET_PEER_CIDR:
		return EBPFNET_PEER_F_ENDPOINTS;
	case EBPFNET_PEER_CIDR_GROUP:
	case EBPFNET_PEER_SERVICE:
		return EBPFNET_PEER_F_ENDPOINTS | EBPFNET_PEER_F_LABELS;
	default:
		return 0;
	}
}

/* ---- what they come down to ---- */

/* "source:key=" and that none of the exceptions is there. Empty values, so that it is found by its label. */
static int mark_selector(const char *source, const char *key, const char *but, const struct ebn_peer *peer,
			 struct ebpfnet_selector **ret)
{
	size_t room = strlen(source) + strlen(key) + 3 + peer->n_except * (EBN_NET_LABEL_LEN + 8), at;
	_free_ char *text = ebn_calloc(room, 1);
	char net[EBN_NET_LABEL_LEN];

	if (!text)
		return -ENOMEM;
	at = (size_t)snprintf(text, room, "%s:%s=", source, key);
	for (uint32_t i = 0; i < peer->n_except; i++) {
		ebn_net_label(&peer->except[i], net);
		at += (size_t)snprintf(text + at, room - at, ",!%s:%s", but, net);
	}
	return ebpfnet_selector_parse(text, NULL, ret);
}

static int make_mark(struct ebn_peer *peer, const char *what, struct ebpfnet_diag *diag)
{
	char net[EBN_NET_LABEL_LEN];
	int err = 0;

	if (peer->kind == EBPFNET_PEER_CIDR) {
		ebn_net_label(&peer->net, net);
		err = mark_selector(EBN_SOURCE_CIDR, net, EBN_SOURCE_CIDR, peer, &peer->mark);
		if (!err && peer->flags & EBPFNET_PEER_F_ENDPOINTS)
			err = mark_selector(EBN_SOURCE_NET, net, EBN_SOURCE_NET, peer, &peer->inside);
	} else if (peer->kind == EBPFNET_PEER_FQDN) {
		err = mark_selector(EBN_SOURCE_FQDN, peer->name, EBN_SOURCE_CIDR, peer, &peer->mark);
	} else if (peer->kind == EBPFNET_PEER_SELECTOR) {
		peer->mark = ebpfnet_selector_ref(peer->selector);
	}
	if (err == -E2BIG)
		return ebn_diag(diag, NULL, E2BIG, "%s: more than %d exceptions of a prefix", what,
				EBPFNET_SELECTOR_REQUIREMENTS_MAX - 1);
	return err;
}

typedef int (*selector_fn)(struct ebpfnet_selector *sel, void *arg);

static int group_selector(const char *source, const char *but, const struct ebn_group *g, const struct ebn_peer *peer,
			  selector_fn fn, void *arg)
{
	struct ebpfnet_selector *sel = NULL;
	int err = mark_selector(source, g->name, but, peer, &sel);

	if (!err)
		err = fn(sel, arg);
	ebpfnet_selector_unref(sel);
	return err;
}

int ebn_peer_selectors(const struct ebpfnet_policy_set *set, const struct ebn_peer *peer, selector_fn fn, void *arg)
{
	bool service = peer->kind == EBPFNET_PEER_SERVICE;
	int err = 0;

	if (peer->mark) {
		err = fn(peer->mark, arg);
		return err || !peer->inside ? err : fn(peer->inside, arg);
	}
	for (size_t i = 0; !err && ebn_peer_grouped(peer) && i < set->n_groups; i++) {
		const struct ebn_group *g = set->groups[i];

		if (!ebn_peer_means(peer, g))
			continue;
		err = group_selector(service ? EBN_SOURCE_SERVICE : EBN_SOURCE_GROUP, EBN_SOURCE_CIDR, g, peer, fn,
				     arg);
		if (!err && peer->flags & EBPFNET_PEER_F_ENDPOINTS)
			err = group_selector(service ? EBN_SOURCE_NET_SERVICE : EBN_SOURCE_NET_GROUP, EBN_SOURCE_NET,
					     g, peer, fn, arg);
		if (!err && g->selector)
			err = fn(g->selector, arg);
	}
	return err;
}

static int peer_from(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		     struct ebn_peer *ret)
{
	bool nets = in->kind == EBPFNET_PEER_CIDR || in->kind == EBPFNET_PEER_CIDR_GROUP;
	int err;

	*ret = (struct ebn_peer){ .kind = (uint8_t)in->kind, .flags = in->flags };
	if ((unsigned int)in->kind > EBPFNET_PEER_FQDN || !in->text)
		return ebn_diag(diag, NULL, EINVAL, "%s: a peer of no kind, or without text", what);
	if (in->flags & ~flags_of(in->kind) || (in->n_except && !nets))
		return ebn_diag(diag, NULL, EINVAL, "%s: peer \"%.64s\": flags or exceptions that its kind has not", what,
				in->text);
	switch (in->kind) {
	case EBPFNET_PEER_SELECTOR:
		return ebpfnet_selector_parse(in->text, diag, &ret->selector);
	case EBPFNET_PEER_ENTITY:
		return from_entity(in, what, diag, ret);
	case EBPFNET_PEER_FQDN:
		return from_fqdn(in, what, diag, ret);
	case EBPFNET_PEER_CIDR:
		if (ebn_net_parse(in->text, &ret->net) < 0)
			return ebn_diag(diag, NULL, EINVAL, "%s: \"%.64s\" is no prefix, or has bits behind it", what,
					in->text);
		return from_except(in, what, diag, ret);
	case EBPFNET_PEER_CIDR_GROUP:
	case EBPFNET_PEER_SERVICE:
		err = from_group(in, what, diag, ret);
		return err ? err : from_except(in, what, diag, ret);
	}
	return -EINVAL;
}

int ebn_peer_from(const struct ebpfnet_policy_peer *in, const char *what, struct ebpfnet_diag *diag,
		  struct ebn_peer *ret)
{
	int err = peer_from(in, what, diag, ret);

	return err ? err : make_mark(ret, what, diag);
}
