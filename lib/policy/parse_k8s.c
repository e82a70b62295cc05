// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Kubernetes NetworkPolicy (networking.k8s.io/v1). */
#include <stdio.h>

#include "policy/parse.h"

/* ---- shape ---- */

static int check_block(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *except = ebn_doc_field(n, "except");
	const char *cidr = ebn_doc_text(n, "cidr");

	for (const struct ebn_doc_node *c = except ? except->child : NULL; c; c = c->next)
		if (!ebn_cidr_inside(cidr, c->text))
			return ebn_doc_error(doc, c, EINVAL, "\"%s\" is not a part of \"%s\"", c->text, cidr);
	return 0;
}

static int check_peer(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	bool block = ebn_doc_field(n, "ipBlock"), pods = ebn_doc_field(n, "podSelector");
	bool spaces = ebn_doc_field(n, "namespaceSelector");

	if (!block && !pods && !spaces)
		return ebn_doc_error(doc, n, EINVAL, "a peer needs podSelector, namespaceSelector or ipBlock");
	if (block && (pods || spaces))
		return ebn_doc_error(doc, n, EINVAL, "ipBlock does not go with podSelector or namespaceSelector");
	return 0;
}

static int check_port(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *first = ebn_doc_field(n, "port"), *last = ebn_doc_field(n, "endPort");
	uint32_t v = 0, end = 0;

	if (!first)
		return last ? ebn_doc_error(doc, last, EINVAL, "endPort without port") : 0;
	if (ebn_is_port_name(first->text))
		return last ? ebn_doc_error(doc, last, EINVAL, "endPort does not go with a port's name") : 0;
	if (!ebn_doc_number(first, 65535, &v) || !v)
		return ebn_doc_error(doc, first, EINVAL, "a number from 1 to 65535 or a port's name is wanted");
	if (last && (!ebn_doc_number(last, 65535, &end) || end < v))
		return ebn_doc_error(doc, last, EINVAL, "a number from port to 65535 is wanted");
	return 0;
}

static const struct ebn_shape cidrs = { .kind = EBN_SHAPE_LIST, .item = &ebn_shape_cidr };
static const struct ebn_field block_fields[] = {
	{ "cidr", &ebn_shape_cidr, EBN_FIELD_REQUIRED },
	{ "except", &cidrs, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape block_shape = { .kind = EBN_SHAPE_MAP, .fields = block_fields, .check = check_block };
static const struct ebn_field peer_fields[] = {
	{ "podSelector", &ebn_shape_selector, 0 },
	{ "namespaceSelector", &ebn_shape_selector, 0 },
	{ "ipBlock", &block_shape, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape peer_shape = { .kind = EBN_SHAPE_MAP, .fields = peer_fields, .check = check_peer };
static const struct ebn_shape peers_shape = { .kind = EBN_SHAPE_LIST, .item = &peer_shape };
static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
static const struct ebn_shape protocol_shape = { .kind = EBN_SHAPE_WORD, .words = protocols };
static const struct ebn_field port_fields[] = {
	{ "protocol", &protocol_shape, 0 },
	{ "port", &ebn_shape_text, 0 },
	{ "endPort", &ebn_shape_text, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape port_shape = { .kind = EBN_SHAPE_MAP, .fields = port_fields, .check = check_port };
static const struct ebn_shape ports_shape = { .kind = EBN_SHAPE_LIST, .item = &port_shape };
static const struct ebn_field in_fields[] = {
	{ "from", &peers_shape, 0 }, { "ports", &ports_shape, 0 }, { NULL, NULL, 0 },
};
static const struct ebn_field out_fields[] = {
	{ "to", &peers_shape, 0 }, { "ports", &ports_shape, 0 }, { NULL, NULL, 0 },
};
static const struct ebn_shape in_shape = { .kind = EBN_SHAPE_MAP, .fields = in_fields };
static const struct ebn_shape out_shape = { .kind = EBN_SHAPE_MAP, .fields = out_fields };
static const struct ebn_shape ins_shape = { .kind = EBN_SHAPE_LIST, .item = &in_shape };
static const struct ebn_shape outs_shape = { .kind = EBN_SHAPE_LIST, .item = &out_shape };
static const char *const types[] = { "Ingress", "Egress", NULL };
static const struct ebn_shape type_shape = { .kind = EBN_SHAPE_WORD, .words = types };
static const struct ebn_shape types_shape = { .kind = EBN_SHAPE_LIST, .item = &type_shape };
static const struct ebn_field spec_fields[] = {
	/* {} selects all pods of the namespace */
	{ "podSelector", &ebn_shape_selector, EBN_FIELD_REQUIRED },
	{ "policyTypes", &types_shape, 0 },
	{ "ingress", &ins_shape, 0 },
	{ "egress", &outs_shape, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape spec_shape = { .kind = EBN_SHAPE_MAP, .fields = spec_fields };
static const struct ebn_field document_fields[] = { EBN_DOCUMENT_FIELDS(&spec_shape, EBN_FIELD_REQUIRED), { NULL,
		NULL, 0 } };
static const struct ebn_shape document_shape = { .kind = EBN_SHAPE_MAP, .fields = document_fields };

/* ---- meaning ---- */

static int read_peer(struct ebn_parse *ps, const struct ebn_doc_node *n, struct ebn_rule_parts *parts)
{
	const struct ebn_doc_node *block = ebn_doc_field(n, "ipBlock");
	struct ebpfnet_policy_peer peer = { .kind = EBPFNET_PEER_SELECTOR };
	int err;

	if (block) {
		/* an address is an address: a pod's too */
		peer.kind = EBPFNET_PEER_CIDR;
		peer.flags = EBPFNET_PEER_F_ENDPOINTS;
		err = ebn_parse_cidr(ps, ebn_doc_get(block, "cidr"), &peer.text);
		if (!err)
			err = ebn_parse_cidr_list(ps, ebn_doc_field(block, "except"), &peer.except, &peer.n_except);
	} else {
		err = ebn_parse_pods(ps, n, ebn_doc_field(n, "podSelector"), ebn_doc_field(n, "namespaceSelector"),
				     &peer.text);
	}
	return err < 0 ? err : ebn_parse_peer(parts, &peer);
}

static int read_port(const struct ebn_doc_node *n, struct ebn_rule_parts *parts)
{
	const struct ebn_doc_node *first = ebn_doc_field(n, "port"), *last = ebn_doc_field(n, "endPort");
	const char *proto = ebn_doc_text(n, "protocol");
	struct ebpfnet_port_range port = { .protocol = 6 };
	uint32_t v = 0;

	if (proto && proto[0] != 'T')
		port.protocol = proto[0] == 'U' ? 17 : 132;
	if (first && ebn_doc_number(first, 65535, &v)) {
		port.first = (uint16_t)v;
		if (last)
			ebn_doc_number(last, 65535, &v);
		port.last = (uint16_t)v;
	} else if (first) {
		port.name = first->text;
	}
	return ebn_parse_port(parts, &port);
}

static int read_rule(struct ebn_parse *ps, const struct ebn_doc_node *n, enum ebpfnet_direction dir)
{
	const struct ebn_doc_node *peers = ebn_doc_field(n, dir == EBPFNET_INGRESS ? "from" : "to");
	const struct ebn_doc_node *ports = ebn_doc_field(n, "ports");
	struct ebn_rule_parts parts = {
		.rule = { EBPFNET_OPTS_INIT(parts.rule), .direction = dir, .action = EBPFNET_VERDICT_ALLOW },
	};
	int err = 0;

	for (const struct ebn_doc_node *c = peers ? peers->child : NULL; !err && c; c = c->next)
		err = read_peer(ps, c, &parts);
	for (const struct ebn_doc_node *c = ports ? ports->child : NULL; !err && c; c = c->next)
		err = read_port(c, &parts);
	if (err < 0) {
		free(parts.peer);
		free(parts.port);
		return err;
	}
	return ebn_parse_rule(ps, &parts);
}

/* The node of a pod reaches it and is reached, whatever the policies say. */
static int host_rule(struct ebn_parse *ps, enum ebpfnet_direction dir)
{
	static const struct ebpfnet_policy_peer host = { .kind = EBPFNET_PEER_ENTITY, .text = "host" };
	struct ebn_rule_parts parts = {
		.rule = { EBPFNET_OPTS_INIT(parts.rule), .direction = dir, .action = EBPFNET_VERDICT_ALLOW },
	};
	int err = ebn_parse_peer(&parts, &host);

	return err < 0 ? err : ebn_parse_rule(ps, &parts);
}

static void policy_types(const struct ebn_doc_node *spec, bool about[2])
{
	const struct ebn_doc_node *list = ebn_doc_field(spec, "policyTypes"), *egress = ebn_doc_field(spec, "egress");

	if (!list || !list->n) {
		about[EBPFNET_INGRESS] = true;
		about[EBPFNET_EGRESS] = egress && egress->n;
		return;
	}
	for (const struct ebn_doc_node *c = list->child; c; c = c->next)
		about[c->text[0] == 'I' ? EBPFNET_INGRESS : EBPFNET_EGRESS] = true;
}

static int read_document(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	const struct ebn_doc_node *spec = ebn_doc_field(doc, "spec"), *pods, *list;
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts) };
	_free_ char *name = NULL;
	bool about[2] = { false, false };
	int err;

	pods = ebn_doc_field(spec, "podSelector");
	err = ebn_parse_pods(ps, pods, pods, NULL, &opts.subject);
	policy_types(spec, about);
	for (int dir = EBPFNET_INGRESS; !err && dir >= EBPFNET_EGRESS; dir--) {
		list = ebn_doc_field(spec, dir == EBPFNET_INGRESS ? "ingress" : "egress");
		/* rules of a direction that the policy is not about do nothing */
		for (const struct ebn_doc_node *c = list && about[dir] ? list->child : NULL; !err && c; c = c->next)
			err = read_rule(ps, c, (enum ebpfnet_direction)dir);
	}
	for (int dir = EBPFNET_INGRESS; !err && dir >= EBPFNET_EGRESS; dir--)
		if (about[dir])
			err = host_rule(ps, (enum ebpfnet_direction)dir);
	if (!err && asprintf(&name, "%s/%s", ps->ns, ps->name) < 0) {
		name = NULL;
		err = -ENOMEM;
	}
	if (err < 0)
		return err;
	opts.name = name;
	opts.default_deny_ingress = about[EBPFNET_INGRESS];
	opts.default_deny_egress = about[EBPFNET_EGRESS];
	return ebn_parse_book(ps, spec, &opts);
}

const struct ebn_language ebn_language_k8s = {
	"networking.k8s.io/v1", "NetworkPolicy", true, &document_shape, read_document,
};
