// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What administrators of a cluster say (policy.networking.k8s.io): AdminNetworkPolicy and BaselineAdminNetworkPolicy of
 * v1alpha1, and ClusterNetworkPolicy of v1alpha2, which follows both.
 */
#include <stdio.h>

#include "policy/parse.h"

/* ---- checks ---- */

static int check_range(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	uint32_t start = 0, end = 0;

	ebn_doc_number(ebn_doc_get(n, "start"), 65535, &start);
	ebn_doc_number(ebn_doc_get(n, "end"), 65535, &end);
	return start < end ? 0 : ebn_doc_error(doc, n, EINVAL, "start is below end in a range");
}

static bool has_peer(const struct ebn_doc_node *peers, const char *key)
{
	for (const struct ebn_doc_node *c = peers ? peers->child : NULL; c; c = c->next)
		if (ebn_doc_field(c, key))
			return true;
	return false;
}

/* Names of ports and of domains have conditions. */
static int check_out_rule(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *to = ebn_doc_field(n, "to"), *ports = ebn_doc_field(n, "ports");
	const char *action = ebn_doc_text(n, "action");
	bool named = false;

	ports = ports ? ports : ebn_doc_field(n, "protocols");
	for (const struct ebn_doc_node *c = ports ? ports->child : NULL; c; c = c->next)
		named |= ebn_doc_field(c, "namedPort") || ebn_doc_field(c, "destinationNamedPort");
	if (named && (has_peer(to, "networks") || has_peer(to, "nodes") || has_peer(to, "domainNames")))
		return ebn_doc_error(doc, n, EINVAL, "networks, nodes and domainNames have no ports with names");
	if (has_peer(to, "domainNames") && action[0] != 'A')
		return ebn_doc_error(doc, n, EINVAL, "domainNames can be allowed only, not \"%s\"", action);
	return 0;
}

static int check_baseline_name(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *name = ebn_doc_field(ebn_doc_field(n, "metadata"), "name");

	return !strcmp(name->text, "default") ? 0 :
	       ebn_doc_error(doc, name, EINVAL, "there is one BaselineAdminNetworkPolicy, and its name is \"default\"");
}

static int check_rule_name(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return strlen(n->text) <= 100 ? 0 : ebn_doc_error(doc, n, EINVAL, "a rule's name has 100 characters at most");
}

/* ---- shapes of both versions ---- */

static const struct ebn_field pods_fields[] = {
	{ "namespaceSelector", &ebn_shape_selector, EBN_FIELD_REQUIRED },
	{ "podSelector", &ebn_shape_selector, EBN_FIELD_REQUIRED },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape pods_shape = { .kind = EBN_SHAPE_MAP, .fields = pods_fields };
static const struct ebn_field subject_fields[] = {
	{ "namespaces", &ebn_shape_selector, 0 },
	{ "pods", &pods_shape, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape subject_shape = { .kind = EBN_SHAPE_MAP, .fields = subject_fields, .check =
		ebn_check_one_of };
static const struct ebn_shape networks_shape = { .kind = EBN_SHAPE_LIST, .item = &ebn_shape_cidr, .min = 1, .max = 25 };
static const struct ebn_shape domains_shape = { .kind = EBN_SHAPE_LIST, .item = &ebn_shape_domain, .min = 1, .max =
		25 };
static const struct ebn_field out_peer_fields[] = {
	{ "namespaces", &ebn_shape_selector, 0 },
	{ "pods", &pods_shape, 0 },
	{ "nodes", &ebn_shape_nodes, 0 },
	{ "networks", &networks_shape, 0 },
	{ "domainNames", &domains_shape, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape in_peer_shape = { .kind = EBN_SHAPE_MAP, .fields = subject_fields, .check =
		ebn_check_one_of };
static const struct ebn_shape out_peer_shape = { .kind = EBN_SHAPE_MAP, .fields = out_peer_fields, .check =
		ebn_check_one_of };
static const struct ebn_shape in_peers = { .kind = EBN_SHAPE_LIST, .item = &in_peer_shape, .min = 1, .max = 100 };
static const struct ebn_shape out_peers = { .kind = EBN_SHAPE_LIST, .item = &out_peer_shape, .min = 1, .max = 100 };
static const struct ebn_shape port_number = { .kind = EBN_SHAPE_NUMBER, .min = 1, .max = 65535 };
static const struct ebn_shape priority = { .kind = EBN_SHAPE_NUMBER, .max = EBPFNET_POLICY_PRIORITY_MAX };
static const struct ebn_shape rule_name = { .kind = EBN_SHAPE_TEXT, .check = check_rule_name };

/* ---- v1alpha1 ---- */

static const char *const protocols[] = { "TCP", "UDP", "SCTP", NULL };
static const struct ebn_shape protocol_shape = { .kind = EBN_SHAPE_WORD, .words = protocols };
static const struct ebn_field number_fields[] = {
	{ "protocol", &protocol_shape, EBN_FIELD_REQUIRED },
	{ "port", &port_number, EBN_FIELD_REQUIRED },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape number_shape = { .kind = EBN_SHAPE_MAP, .fields = number_fields };
static const struct ebn_field range_fields[] = {
	{ "protocol", &protocol_shape, 0 },
	{ "start", &port_number, EBN_FIELD_REQUIRED },
	{ "end", &port_number, EBN_FIELD_REQUIRED },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape range_shape = { .kind = EBN_SHAPE_MAP, .fields = range_fields, .check = check_range };
static const struct ebn_field port_fields[] = {
	{ "portNumber", &number_shape, 0 },
	{ "namedPort", &ebn_shape_port_name, 0 },
	{ "portRange", &range_shape, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape port_shape = { .kind = EBN_SHAPE_MAP, .fields = port_fields, .check = ebn_check_one_of };
static const struct ebn_shape ports_shape = { .kind = EBN_SHAPE_LIST, .item = &port_shape, .max = 100 };
static const char *const admin_actions[] = { "Allow", "Deny", "Pass", NULL };
static const char *const baseline_actions[] = { "Allow", "Deny", NULL };
static const struct ebn_shape admin_action = { .kind = EBN_SHAPE_WORD, .words = admin_actions };
static const struct ebn_shape baseline_action = { .kind = EBN_SHAPE_WORD, .words = baseline_actions };

#define RULE_FIELDS(action_shape, side, peers, ports_name, ports)  \
	{                                                          \
		{ "name", &rule_name, 0 },                         \
		{ "action", &action_shape, EBN_FIELD_REQUIRED },   \
		{ side, &peers, EBN_FIELD_REQUIRED },              \
		{ ports_name, &ports, 0 },                         \
		{ NULL, NULL, 0 },                                 \
	}
static const struct ebn_field admin_in[] = RULE_FIELDS(admin_action, "from", in_peers, "ports", ports_shape);
static const struct ebn_field admin_out[] = RULE_FIELDS(admin_action, "to", out_peers, "ports", ports_shape);
static const struct ebn_field baseline_in[] = RULE_FIELDS(baseline_action, "from", in_peers, "ports", ports_shape);
static const struct ebn_field baseline_out[] = RULE_FIELDS(baseline_action, "to", out_peers, "ports", ports_shape);
static const struct ebn_shape admin_in_shape = { .kind = EBN_SHAPE_MAP, .fields = admin_in };
static const struct ebn_shape admin_out_shape = { .kind = EBN_SHAPE_MAP, .fields = admin_out, .check = check_out_rule };
static const struct ebn_shape baseline_in_shape = { .kind = EBN_SHAPE_MAP, .fields = baseline_in };
static const struct ebn_shape baseline_out_shape = {
	.kind = EBN_SHAPE_MAP, .fields = baseline_out, .check = check_out_rule,
};
static const struct ebn_shape admin_ins = { .kind = EBN_SHAPE_LIST, .item = &admin_in_shape, .max = 100 };
static const struct ebn_shape admin_outs = { .kind = EBN_SHAPE_LIST, .item = &admin_out_shape, .max = 100 };
static const struct ebn_shape baseline_ins = { .kind = EBN_SHAPE_LIST, .item = &baseline_in_shape, .max = 100 };
static const struct ebn_shape baseline_outs = { .kind = EBN_SHAPE_LIST, .item = &baseline_out_shape, .max = 100 };
static const struct ebn_field admin_fields[] = {
	{ "priority", &priority, EBN_FIELD_REQUIRED },
	{ "subject", &subject_shape, EBN_FIELD_REQUIRED },
	{ "ingress", &admin_ins, 0 },
	{ "egress", &admin_outs, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_field baseline_fields[] = {
	{ "subject", &subject_shape, EBN_FIELD_REQUIRED },
	{ "ingress", &baseline_ins, 0 },
	{ "egress", &baseline_outs, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape admin_spec = { .kind = EBN_SHAPE_MAP, .fields = admin_fields };
static const struct ebn_shape baseline_spec = { .kind = EBN_SHAPE_MAP, .fields = baseline_fields };

/* ---- v1alpha2 ---- */

static const struct ebn_field bare_range_fields[] = {
	{ "start", &port_number, EBN_FIELD_REQUIRED },
	{ "end", &port_number, EBN_FIELD_REQUIRED },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape bare_range = { .kind = EBN_SHAPE_MAP, .fields = bare_range_fields, .check = check_range };
static const struct ebn_field destination_fields[] = {
	{ "number", &port_number, 0 }, { "range", &bare_range, 0 }, { NULL, NULL, 0 },
};
static const struct ebn_shape destination = { .kind = EBN_SHAPE_MAP, .fields = destination_fields, .check =
		ebn_check_one_of };
static const struct ebn_field transport_fields[] = { { "destinationPort", &destination, 0 }, { NULL, NULL, 0 } };
static const struct ebn_shape transport = { .kind = EBN_SHAPE_MAP, .fields = transport_fields };
static const struct ebn_field cluster_protocol_fields[] = {
	{ "tcp", &transport, 0 },
	{ "udp", &transport, 0 },
	{ "sctp", &transport, 0 },
	{ "destinationNamedPort", &ebn_shape_port_name, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape cluster_protocol = {
	.kind = EBN_SHAPE_MAP, .fields = cluster_protocol_fields, .check = ebn_check_one_of,
};
static const struct ebn_shape cluster_protocols = {
	.kind = EBN_SHAPE_LIST, .item = &cluster_protocol, .min = 1, .max = 25,
};
static const struct ebn_shape cluster_from = { .kind = EBN_SHAPE_LIST, .item = &in_peer_shape, .min = 1, .max = 25 };
static const struct ebn_shape cluster_to = { .kind = EBN_SHAPE_LIST, .item = &out_peer_shape, .min = 1, .max = 25 };
static const char *const cluster_actions[] = { "Accept", "Deny", "Pass", NULL };
static const struct ebn_shape cluster_action = { .kind = EBN_SHAPE_WORD, .words = cluster_actions };
static const struct ebn_field cluster_in[] = RULE_FIELDS(cluster_action, "from", cluster_from, "protocols",
		cluster_protocols);
static const struct ebn_field cluster_out[] = RULE_FIELDS(cluster_action, "to", cluster_to, "protocols",
		cluster_protocols);
static const struct ebn_shape cluster_in_shape = { .kind = EBN_SHAPE_MAP, .fields = cluster_in };
static const struct ebn_shape cluster_out_shape = { .kind = EBN_SHAPE_MAP, .fields = cluster_out, .check =
		check_out_rule };
static const struct ebn_shape cluster_ins = { .kind = EBN_SHAPE_LIST, .item = &cluster_in_shape, .max = 25 };
static const struct ebn_shape cluster_outs = { .kind = EBN_SHAPE_LIST, .item = &cluster_out_shape, .max = 25 };
static const char *const tiers[] = { "Admin", "Baseline", NULL };
static const struct ebn_shape tier_shape = { .kind = EBN_SHAPE_WORD, .words = tiers };
static const struct ebn_field cluster_fields[] = {
	{ "tier", &tier_shape, EBN_FIELD_REQUIRED },
	{ "priority", &priority, EBN_FIELD_REQUIRED },
	{ "subject", &subject_shape, EBN_FIELD_REQUIRED },
	{ "ingress", &cluster_ins, 0 },
	{ "egress", &cluster_outs, 0 },
	{ NULL, NULL, 0 },
};
static const struct ebn_shape cluster_spec = { .kind = EBN_SHAPE_MAP, .fields = cluster_fields };

/* ---- meaning ---- */

/* {namespaces: …} or {pods: …}; n has one of them. */
static int read_pods(struct ebn_parse *ps, const struct ebn_doc_node *n, const char **ret)
{
	const struct ebn_doc_node *spaces = ebn_doc_field(n, "namespaces"), *pods = ebn_doc_field(n, "pods");

	if (spaces)
		return ebn_parse_pods(ps, n, NULL, spaces, ret);
	return ebn_parse_pods(ps, n, ebn_doc_field(pods, "podSelector"), ebn_doc_field(pods, "namespaceSelector"), ret);
}

/* A kept pattern: "*.a.b" is any number of labels, which the model writes "**.a.b". */
static int read_domain(struct ebn_parse *ps, const struct ebn_doc_node *n, const char **ret)
{
	char pattern[272];

	snprintf(pattern, sizeof(pattern), "%s%s", n->text[0] == '*' ? "*" : "", n->text);
	return ebn_parse_keep_text(ps, pattern, ret);
}

static int read_peer(struct ebn_parse *ps, const struct ebn_doc_node *n, struct ebn_rule_parts *parts)
{
	static const char *const all_nodes[] = { "host", "remote-node" };
	const struct ebn_doc_node *networks = ebn_doc_field(n, "networks"), *domains = ebn_doc_field(n, "domainNames");
	struct ebpfnet_policy_peer peer = { .kind = EBPFNET_PEER_SELECTOR };
	int err = 0;

	if (ebn_doc_field(n, "nodes")) {
		peer.kind = EBPFNET_PEER_ENTITY;
		for (size_t i = 0; !err && i < EBN_ARRAY_SIZE(all_nodes); i++) {
			peer.text = all_nodes[i];
			err = ebn_parse_peer(parts, &peer);
		}
		return err;
	}
	if (!networks && !domains) {
		err = read_pods(ps, n, &peer.text);
		return err < 0 ? err : ebn_parse_peer(parts, &peer);
	}
	/* networks are checked for every address, whoever's it is */
	peer.kind = networks ? EBPFNET_PEER_CIDR : EBPFNET_PEER_FQDN;
	peer.flags = networks ? EBPFNET_PEER_F_ENDPOINTS : 0;
	for (const struct ebn_doc_node *c = networks ? networks->child : domains->child; !err && c; c = c->next) {
		err = networks ? ebn_parse_cidr(ps, c, &peer.text) : read_domain(ps, c, &peer.text);
		if (!err)
			err = ebn_parse_peer(parts, &peer);
	}
	return err;
}

static uint8_t protocol_of(const char *name)
{
	return !name || name[0] == 'T' || name[0] == 't' ? 6 : name[0] == 'U' || name[0] == 'u' ? 17 : 132;
}

static uint16_t number_of(const struct ebn_doc_node *map, const char *key)
{
	const struct ebn_doc_node *n = ebn_doc_field(map, key);
	uint32_t v = 0;

	if (n)
		ebn_doc_number(n, 65535, &v);
	return (uint16_t)v;
}

static int read_port(const struct ebn_doc_node *n, struct ebn_rule_parts *parts)
{
	const struct ebn_doc_node *number = ebn_doc_field(n, "portNumber"), *range = ebn_doc_field(n, "portRange");
	struct ebpfnet_port_range port = { .name = ebn_doc_text(n, "namedPort") };

	if (!port.name) {
		port.protocol = protocol_of(ebn_doc_text(number ? number : range, "protocol"));
		port.first = number ? number_of(number, "port") : number_of(range, "start");
		port.last = number ? port.first : number_of(range, "end");
	}
	return ebn_parse_port(parts, &port);
}

static int read_protocol(const struct ebn_doc_node *n, struct ebn_rule_parts *parts)
{
	struct ebpfnet_port_range port = { .name = ebn_doc_text(n, "destinationNamedPort") };

	for (const struct ebn_doc_node *c = port.name ? NULL : n->child; c; c = c->next) {
		const struct ebn_doc_node *dst, *range;

		if (ebn_doc_is_null(c))
			continue;
		dst = ebn_doc_field(c, "destinationPort");
		range = ebn_doc_field(dst, "range");
		port.protocol = protocol_of(c->key);
		port.first = range ? number_of(range, "start") : number_of(dst, "number");
		port.last = range ? number_of(range, "end") : port.first;
	}
	return ebn_parse_port(parts, &port);
}

static int read_rule(struct ebn_parse *ps, const struct ebn_doc_node *n, enum ebpfnet_direction dir)
{
	const struct ebn_doc_node *peers = ebn_doc_field(n, dir == EBPFNET_INGRESS ? "from" : "to");
	const struct ebn_doc_node *ports = ebn_doc_field(n, "ports"), *protos = ebn_doc_field(n, "protocols");
	const char *action = ebn_doc_text(n, "action");
	struct ebn_rule_parts parts = { .rule = { EBPFNET_OPTS_INIT(parts.rule), .direction = dir } };
	int err = 0;

	parts.rule.action = action[0] == 'A' ? EBPFNET_VERDICT_ALLOW : action[0] == 'D' ? EBPFNET_VERDICT_DENY :
			    EBPFNET_VERDICT_PASS;
	for (const struct ebn_doc_node *c = peers->child; !err && c; c = c->next)
		err = read_peer(ps, c, &parts);
	for (const struct ebn_doc_node *c = ports ? ports->child : NULL; !err && c; c = c->next)
		err = read_port(c, &parts);
	for (const struct ebn_doc_node *c = protos ? protos->child : NULL; !err && c; c = c->next)
		err = read_protocol(c, &parts);
	if (err < 0) {
		free(parts.peer);
		free(parts.port);
		return err;
	}
	return ebn_parse_rule(ps, &parts);
}

static int read_spec(struct ebn_parse *ps, const struct ebn_doc_node *doc, const char *prefix, bool baseline)
{
	const struct ebn_doc_node *spec = ebn_doc_field(doc, "spec"), *list;
	struct ebpfnet_policy_opts opts = {
		EBPFNET_OPTS_INIT(opts), .tier = baseline ? EBPFNET_TIER_BASELINE : EBPFNET_TIER_ADMIN,
	};
	_free_ char *name = NULL;
	int err;

	err = read_pods(ps, ebn_doc_field(spec, "subject"), &opts.subject);
	for (int dir = EBPFNET_INGRESS; !err && dir >= EBPFNET_EGRESS; dir--) {
		list = ebn_doc_field(spec, dir == EBPFNET_INGRESS ? "ingress" : "egress");
		for (const struct ebn_doc_node *c = list ? list->child : NULL; !err && c; c = c->next)
			err = read_rule(ps, c, (enum ebpfnet_direction)dir);
	}
	if (!err && asprintf(&name, "%s:%s", prefix, ps->name) < 0) {
		name = NULL;
		err = -ENOMEM;
	}
	if (err < 0)
		return err;
	opts.name = name;
	/* the one that has no priority comes last */
	opts.priority = ebn_doc_field(spec, "priority") ? number_of(spec, "priority") : EBPFNET_POLICY_PRIORITY_MAX;
	return ebn_parse_book(ps, spec, &opts);
}

static int read_admin(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	return read_spec(ps, doc, "admin", false);
}

static int read_baseline(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	return read_spec(ps, doc, "baseline", true);
}

static int read_cluster(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	const char *tier = ebn_doc_text(ebn_doc_field(doc, "spec"), "tier");

	return read_spec(ps, doc, "cluster", tier && tier[0] == 'B');
}

static const struct ebn_field admin_document[] = { EBN_DOCUMENT_FIELDS(&admin_spec, EBN_FIELD_REQUIRED), { NULL, NULL,
		0 } };
static const struct ebn_field baseline_document[] = { EBN_DOCUMENT_FIELDS(&baseline_spec, EBN_FIELD_REQUIRED), { NULL,
		NULL, 0 } };
static const struct ebn_field cluster_document[] = { EBN_DOCUMENT_FIELDS(&cluster_spec, EBN_FIELD_REQUIRED), { NULL,
		NULL, 0 } };
static const struct ebn_shape admin_shape = { .kind = EBN_SHAPE_MAP, .fields = admin_document };
static const struct ebn_shape baseline_shape = {
	.kind = EBN_SHAPE_MAP, .fields = baseline_document, .check = check_baseline_name,
};
static const struct ebn_shape cluster_shape = { .kind = EBN_SHAPE_MAP, .fields = cluster_document };

#define ADMIN_API "policy.networking.k8s.io/"
const struct ebn_language ebn_language_admin[] = {
	{ ADMIN_API "v1alpha1", "AdminNetworkPolicy", false, &admin_shape, read_admin },
	{ ADMIN_API "v1alpha1", "BaselineAdminNetworkPolicy", false, &baseline_shape, read_baseline },
	{ ADMIN_API "v1alpha2", "ClusterNetworkPolicy", false, &cluster_shape, read_cluster },
	{ NULL, NULL, false, NULL, NULL },
};
