// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup (cilium.io/v2) look like. */
#include "policy/parse.h"

/* ---- checks ---- */

static uint32_t length(const struct ebn_doc_node *map, const char *key)
{
	const struct ebn_doc_node *n = ebn_doc_field(map, key);

	return n ? n->n : 0;
}

/* Peers of one kind only, and no ICMP beside ports, as Cilium has it. */
static int check_rule(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	static const char *const peers[] = {
		"fromEndpoints", "fromCIDR", "fromCIDRSet", "fromEntities", "fromNodes", "toEndpoints", "toCIDR",
		"toCIDRSet", "toEntities", "toServices", "toFQDNs", "toNodes",
	};
	const char *first = NULL;

	for (size_t i = 0; i < EBN_ARRAY_SIZE(peers); i++) {
		if (!length(n, peers[i]))
			continue;
		if (first)
			return ebn_doc_error(doc, n, EINVAL, "%s and %s do not go into one rule", first, peers[i]);
		first = peers[i];
	}
	return length(n, "icmps") && length(n, "toPorts") ?
	       ebn_doc_error(doc, n, EINVAL, "icmps and toPorts do not go into one rule") : 0;
}

static int check_cidr_rule(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *except = ebn_doc_field(n, "except");
	const char *cidr = ebn_doc_text(n, "cidr");
	int set = !!cidr + !!ebn_doc_field(n, "cidrGroupRef") + !!ebn_doc_field(n, "cidrGroupSelector");

	if (set != 1)
		return ebn_doc_error(doc, n, EINVAL, "one of cidr, cidrGroupRef and cidrGroupSelector is wanted");
	for (const struct ebn_doc_node *c = cidr && except ? except->child : NULL; c; c = c->next)
		if (!ebn_cidr_inside(cidr, c->text))
			return ebn_doc_error(doc, c, EINVAL, "\"%s\" is not a part of \"%s\"", c->text, cidr);
	return 0;
}

static int check_name_in(const struct ebn_doc *doc, const struct ebn_doc_node *n, const char *more, const char *what)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(n->text), at = 0;

	while (at < len && (strchr(letters, n->text[at]) || strchr(more, n->text[at])))
		at++;
	if (!len || at < len || len > 255 || n->text[0] == '.' || strstr(n->text, ".."))
		return ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no %s", n->text, what);
	return 0;
}

static int check_fqdn_name(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return check_name_in(doc, n, "", "domain name");
}

static int check_fqdn_pattern(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return check_name_in(doc, n, "*", "pattern of domain names");
}

static int check_group_name(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return ebn_is_dns_name(n->text, strlen(n->text), 253, true) ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "\"%.64s\" is no name", n->text);
}

/* Cilium's ports are texts, but numbers are taken for them. */
static bool port_number(const char *text, uint32_t *ret)
{
	uint32_t v = 0;

	if (!*text || strlen(text) > 5 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text; text++)
		v = v * 10 + (uint32_t)(*text - '0');
	*ret = v;
	return v <= 65535;
}

static int check_port(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *port = ebn_doc_get(n, "port"), *end = ebn_doc_field(n, "endPort");
	const char *proto = ebn_doc_text(n, "protocol");
	uint32_t first = 0, last = 0;

	if (proto && (!strcmp(proto, "ICMP") || !strcmp(proto, "ICMPV6") || !strcmp(proto, "VRRP") ||
		      !strcmp(proto, "IGMP")))
		return ebn_doc_error(doc, ebn_doc_get(n, "protocol"), ENOTSUP,
				     "protocol %s: this version does not enforce it; icmps speaks of ICMP", proto);
	if (!port_number(port->text, &first))
		return !ebn_is_port_name(port->text) ?
		       ebn_doc_error(doc, port, EINVAL, "a number from 0 to 65535 or a port's name is wanted") : end ?
		       ebn_doc_error(doc, end, EINVAL, "endPort does not go with a port's name") : 0;
	if (end && ebn_doc_number(end, 65535, &last) && last && (!first || last < first))
		return ebn_doc_error(doc, end, EINVAL, "a number from port to 65535 is wanted");
	return 0;
}

/* What Cilium asks of rules above layer 4. */
static int check_to_port(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	const struct ebn_doc_node *rules = ebn_doc_field(n, "rules"), *ports = ebn_doc_get(n, "ports");
	bool dns = rules && ebn_doc_field(rules, "dns"), ingress = strncmp(n->parent->parent->parent->key, "in", 2) ==
			0;
	uint32_t kinds = 0;

	if (dns && ingress)
		return ebn_doc_error(doc, rules, EINVAL, "DNS rules are for egress only");
	for (const struct ebn_doc_node *c = rules ? rules->child : NULL; c; c = c->next)
		kinds += !ebn_doc_is_null(c) && strcmp(c->key, "l7") != 0;
	if (kinds > 1 || (rules && ebn_doc_field(rules, "l7") && !ebn_doc_field(rules, "l7proto")))
		return ebn_doc_error(doc, rules, EINVAL, "one of http, kafka, dns, or l7proto with l7 is wanted");
	if (kinds && ebn_doc_field(n, "serverNames") && !ebn_doc_field(n, "terminatingTLS"))
		return ebn_doc_error(doc, rules, EINVAL, "serverNames beside rules need terminatingTLS");
	if (kinds && ebn_doc_field(n, "listener"))
		return ebn_doc_error(doc, rules, EINVAL, "a listener does not go with rules");
	for (const struct ebn_doc_node *p = kinds ? ports->child : NULL; p; p = p->next) {
		const char *proto = ebn_doc_text(p, "protocol");
		uint32_t v = 1;

		if (port_number(ebn_doc_text(p, "port"), &v) && !v)
			return ebn_doc_error(doc, p, EINVAL, "rules above layer 4 need a port");
		if (!dns && (!proto || strcmp(proto, "TCP")))
			return ebn_doc_error(doc, p, EINVAL, "rules above layer 4 other than dns are for TCP");
		if (dns && ebn_doc_field(p, "endPort"))
			return ebn_doc_error(doc, p, EINVAL, "dns rules take no range of ports");
	}
	return 0;
}

static int check_icmp(const struct ebn_doc *doc, const struct ebn_doc_node *n);

static int check_spec(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	bool endpoints = ebn_doc_field(n, "endpointSelector"), nodes = ebn_doc_field(n, "nodeSelector");

	if (!endpoints && !nodes)
		return ebn_doc_error(doc, n, EINVAL, "endpointSelector is missing; {} selects all endpoints");
	if (endpoints && nodes)
		return ebn_doc_error(doc, n, EINVAL, "endpointSelector and nodeSelector: a rule is about the one or the other");
	return length(n, "ingress") || length(n, "ingressDeny") || length(n, "egress") || length(n, "egressDeny") ? 0 :
	       ebn_doc_error(doc, n, EINVAL, "one of ingress, ingressDeny, egress and egressDeny is wanted");
}

static int check_document(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	return ebn_doc_field(n, "spec") || length(n, "specs") ? 0 : ebn_doc_error(doc, n, EINVAL, "spec is missing");
}

/* ---- peers ---- */

#define LIST_OF(name, shape_of) \
	static const struct ebn_shape name = { .kind = EBN_SHAPE_LIST, .item = &shape_of }
#define MAP_OF(name, ...)                                                                       \
	static const struct ebn_field name##_fields[] = { __VA_ARGS__, { NULL, NULL, 0 } };     \
	static const struct ebn_shape name = { .kind = EBN_SHAPE_MAP, .fields = name##_fields }
#define CHECKED_MAP_OF(name, how, ...)                                                          \
	static const struct ebn_field name##_fields[] = { __VA_ARGS__, { NULL, NULL, 0 } };     \
	static const struct ebn_shape name = { .kind = EBN_SHAPE_MAP, .fields = name##_fields, .check = how }

static const struct ebn_shape group_name = { .kind = EBN_SHAPE_TEXT, .check = check_group_name };
static const struct ebn_shape fqdn_name = { .kind = EBN_SHAPE_TEXT, .check = check_fqdn_name };
static const struct ebn_shape fqdn_pattern = { .kind = EBN_SHAPE_TEXT, .check = check_fqdn_pattern };
static const char *const entity_words[] = {
	"all", "none", "world", "world-ipv4", "world-ipv6", "cluster", "host", "remote-node", "init", "health",
			"unmanaged",
	"kube-apiserver", "ingress", NULL,
};
static const struct ebn_shape entity = { .kind = EBN_SHAPE_WORD, .words = entity_words };
LIST_OF(selectors, ebn_shape_source_selector);
LIST_OF(nodes, ebn_shape_nodes);
LIST_OF(addresses, ebn_shape_address);
LIST_OF(cidrs, ebn_shape_cidr);
LIST_OF(entities, entity);
LIST_OF(texts, ebn_shape_text);
CHECKED_MAP_OF(cidr_rule, check_cidr_rule, { "cidr", &ebn_shape_cidr, 0 }, { "cidrGroupRef", &group_name, 0 },
	       { "cidrGroupSelector", &ebn_shape_selector, 0 }, { "except", &cidrs, 0 });
LIST_OF(cidr_rules, cidr_rule);
MAP_OF(service_name, { "serviceName", &group_name, EBN_FIELD_REQUIRED }, { "namespace", &group_name, 0 });
MAP_OF(service_selector, { "selector", &ebn_shape_selector, EBN_FIELD_REQUIRED }, { "namespace", &group_name, 0 });
CHECKED_MAP_OF(service, ebn_check_one_of, { "k8sService", &service_name, 0 },
	       { "k8sServiceSelector", &service_selector, 0 });
LIST_OF(services, service);
CHECKED_MAP_OF(fqdn, ebn_check_one_of, { "matchName", &fqdn_name, 0 }, { "matchPattern", &fqdn_pattern, 0 });
LIST_OF(fqdns, fqdn);

/* ---- ports, and what is above them ---- */

static const struct ebn_shape end_port = { .kind = EBN_SHAPE_NUMBER, .max = 65535 };
static const char *const protocol_words[] = { "TCP", "UDP", "SCTP", "ANY", "ICMP", "ICMPV6", "VRRP", "IGMP", NULL };
static const struct ebn_shape protocol = { .kind = EBN_SHAPE_WORD, .words = protocol_words };
CHECKED_MAP_OF(port, check_port, { "port", &ebn_shape_text, EBN_FIELD_REQUIRED }, { "endPort", &end_port, 0 },
	       { "protocol", &protocol, 0 });
static const struct ebn_shape ports = { .kind = EBN_SHAPE_LIST, .item = &port, .min = 1, .max = 40 };

MAP_OF(secret, { "namespace", &ebn_shape_text, 0 }, { "name", &ebn_shape_text, EBN_FIELD_REQUIRED });
static const char *const mismatch_words[] = { "LOG", "ADD", "DELETE", "REPLACE", NULL };
static const struct ebn_shape mismatch = { .kind = EBN_SHAPE_WORD, .words = mismatch_words };
MAP_OF(header_match, { "name", &ebn_shape_text, EBN_FIELD_REQUIRED }, { "value", &ebn_shape_text, 0 },
	{ "mismatch", &mismatch, 0 }, { "secret", &secret, 0 });
LIST_OF(header_matches, header_match);
MAP_OF(http, { "method", &ebn_shape_text, 0 }, { "path", &ebn_shape_text, 0 }, { "host", &ebn_shape_text, 0 },
	{ "headers", &texts, 0 }, { "headerMatches", &header_matches, 0 });
MAP_OF(kafka, { "role", &ebn_shape_text, 0 }, { "apiKey", &ebn_shape_text, 0 }, { "apiVersion", &ebn_shape_text, 0 },
	{ "clientID", &ebn_shape_text, 0 }, { "topic", &ebn_shape_text, 0 });
/* an empty list would say that nothing is looked at, or that nothing passes: nobody knows which */
static const struct ebn_shape https = { .kind = EBN_SHAPE_LIST, .item = &http, .min = 1 };
static const struct ebn_shape kafkas = { .kind = EBN_SHAPE_LIST, .item = &kafka, .min = 1 };
static const struct ebn_shape dnss = { .kind = EBN_SHAPE_LIST, .item = &fqdn, .min = 1 };
static const struct ebn_shape l7s = { .kind = EBN_SHAPE_LIST, .item = &ebn_shape_free, .min = 1 };
MAP_OF(l7_rules, { "http", &https, 0 }, { "kafka", &kafkas, 0 }, { "dns", &dnss, 0 },
	{ "l7proto", &ebn_shape_text, 0 }, { "l7", &l7s, 0 });
MAP_OF(tls, { "secret", &secret, EBN_FIELD_REQUIRED }, { "trustedCA", &ebn_shape_text, 0 },
	{ "certificate", &ebn_shape_text, 0 }, { "privateKey", &ebn_shape_text, 0 });
static const char *const envoy_words[] = { "CiliumEnvoyConfig", "CiliumClusterwideEnvoyConfig", NULL };
static const struct ebn_shape envoy_kind = { .kind = EBN_SHAPE_WORD, .words = envoy_words };
static const struct ebn_shape listener_priority = { .kind = EBN_SHAPE_NUMBER, .min = 1, .max = 100 };
MAP_OF(envoy, { "kind", &envoy_kind, 0 }, { "name", &ebn_shape_text, EBN_FIELD_REQUIRED });
MAP_OF(listener, { "envoyConfig", &envoy, EBN_FIELD_REQUIRED }, { "name", &ebn_shape_text, EBN_FIELD_REQUIRED },
	{ "priority", &listener_priority, 0 });
CHECKED_MAP_OF(to_port, check_to_port, { "ports", &ports, EBN_FIELD_REQUIRED }, { "rules", &l7_rules, 0 },
	       { "terminatingTLS", &tls, 0 }, { "originatingTLS", &tls, 0 }, { "serverNames", &texts, 0 },
	       { "listener", &listener, 0 });
MAP_OF(to_port_deny, { "ports", &ports, EBN_FIELD_REQUIRED });
LIST_OF(to_ports, to_port);
LIST_OF(to_ports_deny, to_port_deny);

static const char *const family_words[] = { "IPv4", "IPv6", NULL };
static const struct ebn_shape family = { .kind = EBN_SHAPE_WORD, .words = family_words };
CHECKED_MAP_OF(icmp, check_icmp, { "family", &family, 0 }, { "type", &ebn_shape_text, EBN_FIELD_REQUIRED });
static const struct ebn_shape icmp_fields_shape = { .kind = EBN_SHAPE_LIST, .item = &icmp, .min = 1, .max = 40 };
MAP_OF(icmp_rule, { "fields", &icmp_fields_shape, EBN_FIELD_REQUIRED });
LIST_OF(icmps, icmp_rule);

static int check_icmp(const struct ebn_doc *doc, const struct ebn_doc_node *n)
{
	uint8_t protocol_number, type;

	return ebn_cilium_icmp(n, &protocol_number, &type) ? 0 :
	       ebn_doc_error(doc, ebn_doc_get(n, "type"), EINVAL,
			"a number from 0 to 255 or the name of a type is wanted");
}

/* ---- rules ---- */

static const char *const auth_words[] = { "required", "disabled", NULL };
static const struct ebn_shape auth_mode = { .kind = EBN_SHAPE_WORD, .words = auth_words };
MAP_OF(authentication, { "mode", &auth_mode, EBN_FIELD_REQUIRED });

#define IN_PEERS                                                                                                \
	{ "fromEndpoints", &selectors, 0 }, { "fromRequires", &selectors, EBN_FIELD_REFUSED },                  \
	{ "fromCIDR", &addresses, 0 }, { "fromCIDRSet", &cidr_rules, 0 }, { "fromEntities", &entities, 0 },     \
	{ "fromNodes", &nodes, 0 }, { "fromGroups", &ebn_shape_free, EBN_FIELD_REFUSED }
#define OUT_PEERS                                                                                               \
	{ "toEndpoints", &selectors, 0 }, { "toRequires", &selectors, EBN_FIELD_REFUSED },                      \
	{ "toCIDR", &addresses, 0 }, { "toCIDRSet", &cidr_rules, 0 }, { "toEntities", &entities, 0 },           \
	{ "toServices", &services, 0 }, { "toNodes", &nodes, 0 }, { "toGroups", &ebn_shape_free, EBN_FIELD_REFUSED }

CHECKED_MAP_OF(in_rule, check_rule, IN_PEERS, { "toPorts", &to_ports, 0 }, { "icmps", &icmps, 0 },
	       { "authentication", &authentication, 0 });
CHECKED_MAP_OF(out_rule, check_rule, OUT_PEERS, { "toFQDNs", &fqdns, 0 }, { "toPorts", &to_ports, 0 },
	       { "icmps", &icmps, 0 }, { "authentication", &authentication, 0 });
CHECKED_MAP_OF(in_deny, check_rule, IN_PEERS, { "toPorts", &to_ports_deny, 0 }, { "icmps", &icmps, 0 });
CHECKED_MAP_OF(out_deny, check_rule, OUT_PEERS, { "toPorts", &to_ports_deny, 0 }, { "icmps", &icmps, 0 });
LIST_OF(in_rules, in_rule);
LIST_OF(out_rules, out_rule);
LIST_OF(in_denies, in_deny);
LIST_OF(out_denies, out_deny);
MAP_OF(default_deny, { "ingress", &ebn_shape_bool, 0 }, { "egress", &ebn_shape_bool, 0 });
MAP_OF(log_shape, { "value", &ebn_shape_text, 0 });
CHECKED_MAP_OF(spec, check_spec, { "endpointSelector", &ebn_shape_source_selector, 0 },
	       { "nodeSelector", &ebn_shape_source_selector, 0 }, { "ingress", &in_rules, 0 },
	       { "ingressDeny", &in_denies, 0 }, { "egress", &out_rules, 0 }, { "egressDeny", &out_denies, 0 },
	       { "enableDefaultDeny", &default_deny, 0 }, { "labels", &ebn_shape_free, 0 },
	       { "description", &ebn_shape_text, 0 }, { "log", &log_shape, 0 });
LIST_OF(specs, spec);

static const struct ebn_field policy_fields[] = {
	EBN_DOCUMENT_FIELDS(&spec, 0), { "specs", &specs, 0 }, { NULL, NULL, 0 },
};
const struct ebn_shape ebn_shape_cilium_policy = {
	.kind = EBN_SHAPE_MAP, .fields = policy_fields, .check = check_document,
};

static const struct ebn_shape group_cidrs = {
	.kind = EBN_SHAPE_LIST, .item = &ebn_shape_address, .max = EBN_GROUP_NETS_MAX,
};
MAP_OF(group_spec, { "externalCIDRs", &group_cidrs, EBN_FIELD_REQUIRED });
static const struct ebn_field group_fields[] = {
	EBN_DOCUMENT_FIELDS(&group_spec, EBN_FIELD_REQUIRED), { NULL, NULL, 0 },
};
const struct ebn_shape ebn_shape_cilium_group = { .kind = EBN_SHAPE_MAP, .fields = group_fields };
