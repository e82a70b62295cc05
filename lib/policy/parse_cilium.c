// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup (cilium.io/v2): what they mean. */
#include <stdio.h>

#include "policy/parse.h"

/* ---- selectors ---- */

/* "k8s:app" -> source "k8s" and "app"; no source is "any". */
static const char *split(const char *key, char source[40])
{
	const char *colon = strchr(key, ':');

	snprintf(source, 40, "%.*s", colon ? (int)(colon - key) : 3, colon ? key : "any");
	return colon ? colon + 1 : key;
}

/* A key of a selector that begins so; reserved: of the source "reserved", else of "any" and "k8s". */
static bool key_is(const char *key, bool reserved, const char *prefix, bool whole)
{
	char source[40];
	const char *name = split(key, source);

	if (reserved ? strcmp(source, "reserved") != 0 : strcmp(source, "any") && strcmp(source, "k8s"))
		return false;
	return whole ? !strcmp(name, prefix) : !strncmp(name, prefix, strlen(prefix));
}

static bool speaks_of(const struct ebn_doc_node *n, bool reserved, const char *prefix, bool whole)
{
	const struct ebn_doc_node *labels = ebn_doc_field(n, "matchLabels"), *exprs = ebn_doc_field(n,
			"matchExpressions");

	for (const struct ebn_doc_node *c = labels ? labels->child : NULL; c; c = c->next)
		if (key_is(c->key, reserved, prefix, whole))
			return true;
	for (const struct ebn_doc_node *c = exprs ? exprs->child : NULL; c; c = c->next)
		if (key_is(ebn_doc_text(c, "key"), reserved, prefix, whole))
			return true;
	return false;
}

/*
 * Endpoints of the policy's namespace, unless the selector says of which; of any namespace in a policy without one.
 * Reserved labels stand for what has no namespace. init: the policy is about endpoints that have no labels yet.
 */
static int read_endpoints(struct ebn_parse *ps, const struct ebn_doc_node *n, bool init, const char **ret)
{
	struct ebn_text t = { 0 };
	int err = 0;

	if (!speaks_of(n, true, "", false) && !speaks_of(n, false, EBN_NS_KEY, true)) {
		if (!ps->ns && !init)
			err = ebn_text_add(&t, ",k8s:" EBN_NS_KEY);
		else if (ps->ns && !speaks_of(n, false, EBN_NS_LABEL, false))
			err = ebn_text_add(&t, ",k8s:" EBN_NS_KEY "=%s", ps->ns);
	}
	if (!err)
		err = ebn_selector_add(&t, n, "");
	if (err < 0) {
		free(t.p);
		return err;
	}
	return ebn_parse_selector(ps, n, &t, ret);
}

/* Nodes, that is the host's endpoint on each of them. */
static int read_nodes(struct ebn_parse *ps, const struct ebn_doc_node *n, const char **ret)
{
	struct ebn_text t = { 0 };
	int err;

	if (ps->ns)
		return ebn_doc_error(&ps->doc, n, EINVAL, "nodes are in no namespace: nodeSelector is for clusterwide policies");
	err = ebn_text_add(&t, ",reserved:host");
	if (!err)
		err = ebn_selector_add(&t, n, "");
	if (err < 0) {
		free(t.p);
		return err;
	}
	return ebn_parse_selector(ps, n, &t, ret);
}

/* Endpoints only: a node is no subject of these. */
static int read_subject(struct ebn_parse *ps, const struct ebn_doc_node *n, bool init, const char **ret)
{
	const struct ebn_doc_node *labels = ebn_doc_field(n, "matchLabels");
	struct ebn_text t = { 0 };
	int err;

	for (const struct ebn_doc_node *c = labels && ps->ns ? labels->child : NULL; c; c = c->next)
		if (key_is(c->key, false, EBN_NS_KEY, true) && strcmp(c->text, ps->ns))
			return ebn_doc_error(&ps->doc, c, EINVAL,
					"the policy is in namespace \"%s\", and about no other",
					     ps->ns);
	if (ps->ns && !init)
		err = ebn_text_add(&t, ",k8s:" EBN_NS_KEY "=%s", ps->ns);
	else
		err = ebn_text_add(&t, ",!reserved:host");
	if (!err)
		err = ebn_selector_add(&t, n, "");
	if (err < 0) {
		free(t.p);
		return err;
	}
	return ebn_parse_selector(ps, n, &t, ret);
}

/* ---- peers ---- */

static int read_cidr_rule(struct ebn_parse *ps, const struct ebn_doc_node *n, struct ebpfnet_policy_peer *peer)
{
	const struct ebn_doc_node *cidr = ebn_doc_field(n, "cidr"), *sel = ebn_doc_field(n, "cidrGroupSelector");
	struct ebn_text t = { 0 };
	int err = 0;

	peer->kind = cidr ? EBPFNET_PEER_CIDR : EBPFNET_PEER_CIDR_GROUP;
	if (cidr) {
		err = ebn_parse_cidr(ps, cidr, &peer->text);
	} else if (sel) {
		peer->flags = EBPFNET_PEER_F_LABELS;
		err = ebn_selector_add(&t, sel, "k8s:");
		if (err < 0)
			free(t.p);
		else
			err = ebn_parse_selector(ps, sel, &t, &peer->text);
	} else {
		peer->text = ebn_doc_text(n, "cidrGroupRef");
	}
	return err < 0 ? err : ebn_parse_cidr_list(ps, ebn_doc_field(n, "except"), &peer->except, &peer->n_except);
}

static int read_service(struct ebn_parse *ps, const struct ebn_doc_node *n, struct ebpfnet_policy_peer *peer)
{
	const struct ebn_doc_node *by_name = ebn_doc_field(n, "k8sService"), *by_labels;
	const char *ns;
	struct ebn_text t = { 0 };
	int err;

	by_labels = ebn_doc_field(n, "k8sServiceSelector");
	ns = ebn_doc_text(by_name ? by_name : by_labels, "namespace");
	ns = ns ? ns : ps->ns;
	peer->kind = EBPFNET_PEER_SERVICE;
	/* endpoints behind it are meant by its selector, addresses are those outside of the cluster */
	peer->flags = by_name ? 0 : EBPFNET_PEER_F_LABELS;
	if (by_name && !ns)
		return ebn_doc_error(&ps->doc, by_name, EINVAL, "namespace is missing");
	if (by_name) {
		err = ebn_text_add(&t, "%s/%s", ns, ebn_doc_text(by_name, "serviceName"));
		if (err < 0)
			return err;
		peer->text = t.p;
		return ebn_parse_keep(ps, t.p);
	}
	err = ns ? ebn_text_add(&t, ",k8s:" EBN_NS_KEY "=%s", ns) : 0;
	if (!err)
		err = ebn_selector_add(&t, ebn_doc_field(by_labels, "selector"), "k8s:");
	if (err < 0) {
		free(t.p);
		return err;
	}
	return ebn_parse_selector(ps, by_labels, &t, &peer->text);
}

static int read_peer(struct ebn_parse *ps, const struct ebn_doc_node *n, const char *kind, bool init,
		     struct ebpfnet_policy_peer *peer)
{
	if (!strcmp(kind, "Endpoints")) {
		peer->kind = EBPFNET_PEER_SELECTOR;
		return read_endpoints(ps, n, init, &peer->text);
	}
	if (!strcmp(kind, "CIDR")) {
		peer->kind = EBPFNET_PEER_CIDR;
		return ebn_parse_cidr(ps, n, &peer->text);
	}
	if (!strcmp(kind, "CIDRSet"))
		return read_cidr_rule(ps, n, peer);
	if (!strcmp(kind, "Services"))
		return read_service(ps, n, peer);
	if (!strcmp(kind, "FQDNs")) {
		peer->kind = EBPFNET_PEER_FQDN;
		peer->text = ebn_doc_text(n, "matchName");
		peer->text = peer->text ? peer->text : ebn_doc_text(n, "matchPattern");
		return 0;
	}
	peer->kind = EBPFNET_PEER_ENTITY;
	peer->text = !strcmp(kind, "Nodes") ? "remote-node" : n->text;
	return 0;
}

/* *ret_all: the rule does not speak of peers. A list that is there and empty is no peer. */
static int read_peers(struct ebn_parse *ps, const struct ebn_doc_node *rule, bool init, struct ebn_rule_parts *parts,
		      bool *ret_all)
{
	static const char *const kinds[] = { "Endpoints", "CIDR", "CIDRSet", "Entities", "Services", "FQDNs", "Nodes" };
	const char *side = parts->rule.direction == EBPFNET_INGRESS ? "from" : "to";
	char key[32];
	int err = 0;

	*ret_all = true;
	for (size_t i = 0; !err && i < EBN_ARRAY_SIZE(kinds); i++) {
		const struct ebn_doc_node *list;

		snprintf(key, sizeof(key), "%s%s", side, kinds[i]);
		list = ebn_doc_field(rule, key);
		if (list)
			*ret_all = false;
		for (const struct ebn_doc_node *c = list ? list->child : NULL; !err && c; c = c->next) {
			struct ebpfnet_policy_peer peer = { .kind = EBPFNET_PEER_SELECTOR };

			err = read_peer(ps, c, kinds[i], init, &peer);
			if (!err)
				err = ebn_parse_peer(parts, &peer);
		}
	}
	return err;
}

/* ---- ports ---- */

static int read_port(const struct ebn_doc_node *n, struct ebn_rule_parts *parts)
{
	static const uint8_t all[] = { 6, 17, 132 };
	const char *text = ebn_doc_text(n, "port"), *proto = ebn_doc_text(n, "protocol");
	const struct ebn_doc_node *end = ebn_doc_field(n, "endPort");
	struct ebpfnet_port_range port = { 0 };
	uint32_t last = 0;
	int err = 0;

	if (proto && strcmp(proto, "ANY"))
		port.protocol = proto[0] == 'T' ? 6 : proto[0] == 'U' ? 17 : 132;
	if (text[0] >= '0' && text[0] <= '9' && strspn(text, "0123456789") == strlen(text)) {
		port.first = (uint16_t)strtoul(text, NULL, 10);
		if (end)
			ebn_doc_number(end, 65535, &last);
		port.last = last ? (uint16_t)last : port.first;
	} else {
		port.name = text;
	}
	if (port.protocol || port.first || port.name)
		return ebn_parse_port(parts, &port);
	/* every port of any protocol that has ports */
	for (size_t i = 0; !err && i < EBN_ARRAY_SIZE(all); i++) {
		port.protocol = all[i];
		err = ebn_parse_port(parts, &port);
	}
	return err;
}

bool ebn_cilium_icmp(const struct ebn_doc_node *n, uint8_t *ret_protocol, uint8_t *ret_type)
{
	static const struct {
		const char *name;
		uint8_t type;
	} v4[] = {
		{ "EchoReply", 0 }, { "DestinationUnreachable", 3 }, { "Redirect", 5 }, { "Echo", 8 },
				{ "EchoRequest", 8 },
		{ "RouterAdvertisement", 9 }, { "RouterSelection", 10 }, { "TimeExceeded", 11 }, { "ParameterProblem",
				12 },
		{ "Timestamp", 13 }, { "TimestampReply", 14 }, { "Photuris", 40 }, { "ExtendedEchoRequest", 42 },
		{ "ExtendedEchoReply", 43 },
	}, v6[] = {
		{ "DestinationUnreachable", 1 }, { "PacketTooBig", 2 }, { "TimeExceeded", 3 }, { "ParameterProblem",
				4 },
		{ "EchoRequest", 128 }, { "EchoReply", 129 }, { "MulticastListenerQuery", 130 },
		{ "MulticastListenerReport", 131 }, { "MulticastListenerDone", 132 }, { "RouterSolicitation", 133 },
		{ "RouterAdvertisement", 134 }, { "NeighborSolicitation", 135 }, { "NeighborAdvertisement", 136 },
		{ "RedirectMessage", 137 }, { "RouterRenumbering", 138 }, { "ICMPNodeInformationQuery", 139 },
		{ "ICMPNodeInformationResponse", 140 }, { "InverseNeighborDiscoverySolicitation", 141 },
		{ "InverseNeighborDiscoveryAdvertisement", 142 }, { "HomeAgentAddressDiscoveryRequest", 144 },
		{ "HomeAgentAddressDiscoveryReply", 145 }, { "MobilePrefixSolicitation", 146 },
		{ "MobilePrefixAdvertisement", 147 }, { "DuplicateAddressRequestCodeSuffix", 157 },
		{ "DuplicateAddressConfirmationCodeSuffix", 158 }, { "ExtendedEchoRequest", 160 },
		{ "ExtendedEchoReply", 161 },
	};
	const struct ebn_doc_node *type = ebn_doc_get(n, "type");
	const char *family = ebn_doc_text(n, "family");
	bool six = family && !strcmp(family, "IPv6");
	uint32_t v;

	*ret_protocol = six ? 58 : 1;
	if (ebn_doc_number(type, 255, &v)) {
		*ret_type = (uint8_t)v;
		return true;
	}
	for (size_t i = 0; i < (six ? EBN_ARRAY_SIZE(v6) : EBN_ARRAY_SIZE(v4)); i++) {
		if (!strcmp(six ? v6[i].name : v4[i].name, type->text)) {
			*ret_type = six ? v6[i].type : v4[i].type;
			return true;
		}
	}
	return false;
}

static int read_icmps(const struct ebn_doc_node *list, struct ebn_rule_parts *parts)
{
	int err = 0;

	for (const struct ebn_doc_node *c = list->child; !err && c; c = c->next) {
		for (const struct ebn_doc_node *f = ebn_doc_get(c, "fields")->child; !err && f; f = f->next) {
			struct ebpfnet_port_range port = { 0 };
			uint8_t type = 0;

			ebn_cilium_icmp(f, &port.protocol, &type);
			port.first = port.last = type;
			port.flags = EBPFNET_PORT_F_EXACT;
			err = ebn_parse_port(parts, &port);
		}
	}
	return err;
}

/* ---- what is above ports, as JSON ---- */

static int json_text(struct ebn_text *t, const char *s)
{
	int err = ebn_text_add(t, "\"");

	for (; !err && *s; s++) {
		if (*s == '"' || *s == '\\')
			err = ebn_text_add(t, "\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			err = ebn_text_add(t, "\\u%04x", (unsigned int)*s);
		else
			err = ebn_text_add(t, "%c", *s);
	}
	return err < 0 ? err : ebn_text_add(t, "\"");
}

/* As deep as the text was allowed to be. */
static int json_node(struct ebn_text *t, const struct ebn_doc_node *n, const char *without)
{
	bool map = n->kind == EBN_DOC_MAP, first = true;
	uint32_t v;
	int err;

	if (n->kind == EBN_DOC_SCALAR) {
		if (ebn_doc_is_null(n))
			return ebn_text_add(t, "null");
		if (ebn_doc_number(n, UINT32_MAX, &v) || (n->plain && (!strcmp(n->text, "true") || !strcmp(n->text,
				"false"))))
			return ebn_text_add(t, "%s", n->text);
		return json_text(t, n->text);
	}
	err = ebn_text_add(t, map ? "{" : "[");
	for (const struct ebn_doc_node *c = n->child; !err && c; c = c->next) {
		if (map && without && !strcmp(c->key, without))
			continue;
		if (!first)
			err = ebn_text_add(t, ",");
		first = false;
		if (!err && map)
			err = json_text(t, c->key);
		if (!err && map)
			err = ebn_text_add(t, ":");
		if (!err)
			err = json_node(t, c, NULL);
	}
	return err < 0 ? err : ebn_text_add(t, map ? "}" : "]");
}

/* Something a proxy has to see to? */
static bool above(const struct ebn_doc_node *entry)
{
	const struct ebn_doc_node *rules = ebn_doc_field(entry, "rules"), *names = ebn_doc_field(entry, "serverNames");

	return (rules && rules->n) || (names && names->n) || ebn_doc_field(entry, "terminatingTLS") ||
	       ebn_doc_field(entry, "originatingTLS") || ebn_doc_field(entry, "listener");
}

/* ---- rules ---- */

/* A rule with the peers of parts and the ports of its own; parts stay as they are. */
static int add_rule(struct ebn_parse *ps, const struct ebn_rule_parts *parts, struct ebn_rule_parts *own)
{
	int err = 0;

	for (size_t i = 0; !err && i < parts->rule.n_peers; i++)
		err = ebn_parse_peer(own, &parts->peer[i]);
	if (err < 0) {
		free(own->peer);
		free(own->port);
		return err;
	}
	return ebn_parse_rule(ps, own);
}

static int add_entry(struct ebn_parse *ps, const struct ebn_rule_parts *parts, const struct ebn_doc_node *entry)
{
	struct ebn_rule_parts own = { .rule = parts->rule };
	struct ebn_text t = { 0 };
	int err = 0;

	own.rule.n_peers = 0;
	if (above(entry)) {
		if (own.rule.action == EBPFNET_VERDICT_AUTH)
			return ebn_doc_error(&ps->doc, entry, ENOTSUP, "authentication beside rules above layer 4");
		own.rule.action = EBPFNET_VERDICT_REDIRECT;
		err = json_node(&t, entry, "ports");
		if (err < 0)
			free(t.p);
		else
			err = ebn_parse_keep(ps, t.p);
		own.rule.l7 = t.p;
	}
	for (const struct ebn_doc_node *p = ebn_doc_get(entry, "ports")->child; !err && p; p = p->next)
		err = read_port(p, &own);
	if (err < 0) {
		free(own.port);
		return err;
	}
	return add_rule(ps, parts, &own);
}

/* head: direction, action and log of the rules. */
static int read_rule(struct ebn_parse *ps, const struct ebn_doc_node *n, const struct ebpfnet_policy_rule *head,
		bool init)
{
	const struct ebn_doc_node *ports = ebn_doc_field(n, "toPorts"), *icmps = ebn_doc_field(n, "icmps");
	const char *auth = ebn_doc_text(ebn_doc_field(n, "authentication"), "mode");
	struct ebn_rule_parts parts = { .rule = *head }, own = { .rule = *head };
	bool all, spoken = (ports && ports->n) || (icmps && icmps->n);
	int err;

	if (auth && !strcmp(auth, "required"))
		parts.rule.action = own.rule.action = EBPFNET_VERDICT_AUTH;
	err = read_peers(ps, n, init, &parts, &all);
	/* who speaks of peers and names none, or of nothing at all, only brings the default */
	if (err < 0 || (all ? !spoken : !parts.rule.n_peers)) {
		free(parts.peer);
		return err;
	}
	for (const struct ebn_doc_node *c = ports ? ports->child : NULL; !err && c; c = c->next)
		err = add_entry(ps, &parts, c);
	if (!err && (!ports || !ports->n)) {
		err = icmps ? read_icmps(icmps, &own) : 0;
		if (err < 0)
			free(own.port);
		else
			err = add_rule(ps, &parts, &own);
	}
	free(parts.peer);
	return err;
}

static bool default_deny(const struct ebn_doc_node *spec, const char *allow, const char *deny, const char *dir)
{
	const char *said = ebn_doc_text(ebn_doc_field(spec, "enableDefaultDeny"), dir);
	const struct ebn_doc_node *a = ebn_doc_field(spec, allow), *d = ebn_doc_field(spec, deny);

	return said ? !strcmp(said, "true") : (a && a->n) || (d && d->n);
}

static int read_rules(struct ebn_parse *ps, const struct ebn_doc_node *spec, bool init)
{
	static const struct {
		const char *key;
		enum ebpfnet_direction dir;
		enum ebpfnet_verdict action;
	} sections[] = {
		{ "ingress", EBPFNET_INGRESS, EBPFNET_VERDICT_ALLOW },
		{ "ingressDeny", EBPFNET_INGRESS, EBPFNET_VERDICT_DENY },
		{ "egress", EBPFNET_EGRESS, EBPFNET_VERDICT_ALLOW },
		{ "egressDeny", EBPFNET_EGRESS, EBPFNET_VERDICT_DENY },
	};
	int err = 0;

	for (size_t i = 0; !err && i < EBN_ARRAY_SIZE(sections); i++) {
		const struct ebn_doc_node *list = ebn_doc_field(spec, sections[i].key);
		struct ebpfnet_policy_rule head = {
			EBPFNET_OPTS_INIT(head), .direction = sections[i].dir, .action = sections[i].action,
			.log = ebn_doc_text(ebn_doc_field(spec, "log"), "value"),
		};

		for (const struct ebn_doc_node *c = list ? list->child : NULL; !err && c; c = c->next)
			err = read_rule(ps, c, &head, init);
	}
	return err;
}

/* Cilium lets a node reach its own endpoints. */
static int host_rule(struct ebn_parse *ps)
{
	static const struct ebpfnet_policy_peer host = { .kind = EBPFNET_PEER_ENTITY, .text = "host" };
	struct ebn_rule_parts parts = {
		.rule = { EBPFNET_OPTS_INIT(parts.rule), .direction = EBPFNET_INGRESS, .action =
				EBPFNET_VERDICT_ALLOW },
	};
	int err = ebn_parse_peer(&parts, &host);

	return err < 0 ? err : ebn_parse_rule(ps, &parts);
}

/* number: of the spec in specs, from 1; 0: it is the only one. */
static int read_spec(struct ebn_parse *ps, const struct ebn_doc_node *spec, unsigned int number)
{
	const struct ebn_doc_node *subject = ebn_doc_field(spec, "endpointSelector"), *nodes;
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts) };
	bool init = subject && speaks_of(subject, true, "init", true);
	struct ebn_text name = { 0 };
	int err;

	nodes = ebn_doc_field(spec, "nodeSelector");
	err = nodes ? read_nodes(ps, nodes, &opts.subject) : read_subject(ps, subject, init, &opts.subject);
	if (!err)
		err = read_rules(ps, spec, init);
	opts.default_deny_ingress = default_deny(spec, "ingress", "ingressDeny", "ingress");
	opts.default_deny_egress = default_deny(spec, "egress", "egressDeny", "egress");
	if (!err && opts.default_deny_ingress && !nodes)
		err = host_rule(ps);
	if (!err)
		err = ps->ns ? ebn_text_add(&name, "cilium:%s/%s", ps->ns, ps->name) :
			       ebn_text_add(&name, "cilium-clusterwide:%s", ps->name);
	if (!err && number)
		err = ebn_text_add(&name, "/%u", number);
	opts.name = name.p;
	if (!err)
		err = ebn_parse_book(ps, spec, &opts);
	free(name.p);
	return err;
}

static int read_policy(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	const struct ebn_doc_node *spec = ebn_doc_field(doc, "spec"), *specs = ebn_doc_field(doc, "specs");
	int err = spec ? read_spec(ps, spec, 0) : 0;

	for (const struct ebn_doc_node *c = specs ? specs->child : NULL; !err && c; c = c->next)
		err = read_spec(ps, c, c->index + 1);
	return err;
}

static int read_group(struct ebn_parse *ps, const struct ebn_doc_node *doc)
{
	const struct ebn_doc_node *list = ebn_doc_get(ebn_doc_field(doc, "spec"), "externalCIDRs");
	const struct ebn_doc_node *labels = ebn_doc_field(ebn_doc_field(doc, "metadata"), "labels");
	struct ebpfnet_policy_group group = {
		EBPFNET_OPTS_INIT(group), .kind = EBPFNET_PEER_CIDR_GROUP, .name = ps->name,
	};
	struct ebn_text t = { 0 };
	int err = labels ? ebn_shape_check(&ps->doc, labels, &ebn_shape_labels) : 0;

	for (const struct ebn_doc_node *c = !err && labels ? labels->child : NULL; !err && c; c = c->next)
		err = ebn_text_add(&t, "%sk8s:%s=%s", t.len ? "," : "", c->key, c->text);
	if (err < 0)
		free(t.p);
	else if (t.p)
		err = ebn_parse_keep(ps, t.p);
	if (!err)
		err = ebn_parse_cidr_list(ps, list, &group.prefixes, &group.n_prefixes);
	if (!err)
		err = ebn_grow(&ps->group, &ps->groups_cap, ps->n_groups + 1, sizeof(*ps->group));
	if (err < 0)
		return err;
	group.labels = t.p;
	err = ebn_group_new(&group, &ps->group[ps->n_groups]);
	ps->n_groups += !err;
	return err < 0 && err != -ENOMEM ? ebn_doc_error(&ps->doc, doc, err, "the group is over a limit") : err;
}

#define CILIUM_API "cilium.io/"
const struct ebn_language ebn_language_cilium[] = {
	{ CILIUM_API "v2", "CiliumNetworkPolicy", true, &ebn_shape_cilium_policy, read_policy },
	{ CILIUM_API "v2", "CiliumClusterwideNetworkPolicy", false, &ebn_shape_cilium_policy, read_policy },
	{ CILIUM_API "v2", "CiliumCIDRGroup", false, &ebn_shape_cilium_group, read_group },
	{ CILIUM_API "v2alpha1", "CiliumCIDRGroup", false, &ebn_shape_cilium_group, read_group },
	{ NULL, NULL, false, NULL, NULL },
};
