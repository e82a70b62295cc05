// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 */
static uint64_t chance(struct world *w)
{
	uint64_t z = w->seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

unsigned int world_below(struct world *w, unsigned int n)
{
	return (unsigned int)(chance(w) % n);
}

#define below world_below

#define PICK(w, array) (array)[below((w), sizeof(array) / sizeof((array)[0]))]

static const char *const keys[] = { "a", "b", "c" }, *const values[] = { "x", "y", "z" };
static const char *const spaces[] = { "n1", "n2", "n3" };
static const int ports[] = { 53, 79, 80, 81, 82, 443, 8080 };
static const char *const port_names[] = { "web", "dns", "any-one" };
static const char *const transports[] = { "TCP", "UDP", "SCTP" };
static const char *const cidrs[] = {
	"10.0.0.0/8", "10.0.1.0/24", "10.0.1.0/30", "10.0.2.2/32", "0.0.0.0/0", "203.0.113.0/24", "203.0.113.64/26",
	"198.51.100.1/32", "::/0", "fd00::/8", "fd00:1::/32", "2001:db8::/32", "2001:db8::40/122", "10.0.1.1/16",
};
/* what is cut out of the ones above, by their number */
static const char *const holes[][2] = {
	{ "10.0.1.0/24", "10.0.2.0/25" }, { "10.0.1.0/31", "10.0.1.2/32" }, { "10.0.1.1/32", "10.0.1.0/31" }, { 0 },
	{ "10.0.0.0/8", "203.0.113.0/25" }, { "203.0.113.64/26", "203.0.113.1/32" }, { "203.0.113.65/32",
			"203.0.113.64/27" },
	{ 0 }, { "fd00::/8", "2001:db8::/64" }, { "fd00:1::/32", "fd00:2::/48" }, { "fd00:1::1/128", "fd00:1::/64" },
	{ "2001:db8::40/122", "2001:db8::1/128" }, { "2001:db8::41/128", "2001:db8::40/126" }, { "10.0.1.2/32",
			"10.0.2.0/24" },
};

/* ---- inventory ---- */

static json_t *random_labels(struct world *w)
{
	json_t *o = json_object();

	for (int i = 0; i < 3; i++)
		if (below(w, 3))
			json_object_set_new(o, keys[i], json_string(PICK(w, values)));
	return o;
}

static json_t *random_ports(struct world *w)
{
	json_t *list = json_array();

	for (int i = 0; i < 3; i++)
		if (below(w, 2))
			json_array_append_new(list, json_pack("{s:s, s:i, s:s}", "name", port_names[i], "port",
					PICK(w, ports),
							      "protocol", PICK(w, transports)));
	return list;
}

static void make_inventory(struct world *w)
{
	json_t *ns = json_array(), *pods = json_array(), *ext = json_array(), *svc = json_array();
	static const char *const externals[][3] = {
		{ "www.example.com", "203.0.113.65", "2001:db8::41" }, { "a.b.example.com", "203.0.113.1",
				"2001:db8::1" },
		{ "example.com", "198.51.100.1", "2001:db8:1::1" }, { "other.test", "192.0.2.1", "64:ff9b::1" },
	};
	char a4[32], a6[32], name[16];

	for (int n = 0; n < 3; n++) {
		json_array_append_new(ns, json_pack("{s:s, s:o}", "name", spaces[n], "labels", random_labels(w)));
		for (int p = 0; p < 3; p++) {
			snprintf(a4, sizeof(a4), "10.0.%d.%d", n + 1, p + 1);
			snprintf(a6, sizeof(a6), "fd00:%d::%d", n + 1, p + 1);
			snprintf(name, sizeof(name), "p%d", p);
			json_array_append_new(pods, json_pack("{s:s, s:s, s:o, s:[s, s], s:o}", "namespace",
					spaces[n], "name",
							      name, "labels", random_labels(w), "ips", a4, a6, "ports",
							      random_ports(w)));
		}
		json_array_append_new(svc, json_pack("{s:s, s:s, s:o, s:o}", "namespace", spaces[n], "name", "s",
				"labels",
						     random_labels(w), "selector", below(w, 4) ? random_labels(w) :
						     json_object()));
	}
	for (size_t i = 0; i < 4; i++)
		json_array_append_new(ext, json_pack("{s:s, s:[s, s]}", "name", externals[i][0], "ips", externals[i][1],
						     externals[i][2]));
	w->inventory = json_pack("{s:o, s:o, s:o, s:o}", "namespaces", ns, "pods", pods, "external", ext, "services",
			svc);
}

/* ---- selectors ---- */

static json_t *random_selector(struct world *w, const char *prefix)
{
	static const char *const ops[] = { "In", "NotIn", "Exists", "DoesNotExist" };
	json_t *o = json_object(), *labels = json_object(), *exprs = json_array(), *e;
	char key[64];

	for (unsigned int n = below(w, 2); n; n--) {
		snprintf(key, sizeof(key), "%s%s", prefix, PICK(w, keys));
		json_object_set_new(labels, key, json_string(PICK(w, values)));
	}
	for (unsigned int n = below(w, 3) == 0; n; n--) {
		unsigned int op = below(w, 4);

		snprintf(key, sizeof(key), "%s%s", prefix, PICK(w, keys));
		e = json_pack("{s:s, s:s}", "key", key, "operator", ops[op]);
		if (op < 2)
			json_object_set_new(e, "values", json_pack("[s, s]", PICK(w, values), PICK(w, values)));
		json_array_append_new(exprs, e);
	}
	if (json_object_size(labels))
		json_object_set(o, "matchLabels", labels);
	if (json_array_size(exprs))
		json_object_set(o, "matchExpressions", exprs);
	json_decref(labels);
	json_decref(exprs);
	return o;
}

static json_t *space_selector(struct world *w)
{
	if (below(w, 4))
		return random_selector(w, "");
	return json_pack("{s:{s:s}}", "matchLabels", "kubernetes.io/metadata.name", PICK(w, spaces));
}

/* Cilium's: keys with sources, and what they say of namespaces. */
static json_t *source_selector(struct world *w, bool peer)
{
	static const char *const prefixes[] = { "", "k8s:", "any:" };
	static const char *const reserved[] = { "reserved:host", "reserved:world", "reserved:remote-node",
			"reserved:health" };
	json_t *o = random_selector(w, PICK(w, prefixes)), *labels = json_object_get(o, "matchLabels");
	char key[64];

	if (!peer)
		return o;
	if (!labels) {
		labels = json_object();
		json_object_set_new(o, "matchLabels", labels);
	}
	switch (below(w, 6)) {
	case 0:
		json_object_set_new(labels, below(w, 2) ? "k8s:io.kubernetes.pod.namespace" :
				"io.kubernetes.pod.namespace",
				    json_string(PICK(w, spaces)));
		break;
	case 1:
		snprintf(key, sizeof(key), "k8s:io.cilium.k8s.namespace.labels.%s", PICK(w, keys));
		json_object_set_new(labels, key, json_string(PICK(w, values)));
		break;
	case 2:
		json_object_clear(o);
		json_object_set_new(o, "matchLabels", json_pack("{s:s}", PICK(w, reserved), ""));
		break;
	default:
		break;
	}
	return o;
}

/* {cidr, except} */
static json_t *random_block(struct world *w)
{
	unsigned int i = below(w, sizeof(cidrs) / sizeof(cidrs[0]));
	json_t *o = json_pack("{s:s}", "cidr", cidrs[i]), *except = json_array();

	for (unsigned int h = 0; h < 2; h++)
		if (holes[i][h] && !below(w, 3))
			json_array_append_new(except, json_string(holes[i][h]));
	if (json_array_size(except) || !below(w, 5))
		json_object_set(o, "except", except);
	json_decref(except);
	return o;
}

/* ---- NetworkPolicy ---- */

static json_t *k8s_peer(struct world *w)
{
	switch (below(w, 4)) {
	case 0:
		return json_pack("{s:o}", "podSelector", random_selector(w, ""));
	case 1:
		return json_pack("{s:o}", "namespaceSelector", space_selector(w));
	case 2:
		return json_pack("{s:o, s:o}", "namespaceSelector", space_selector(w), "podSelector",
				random_selector(w, ""));
	default:
		return json_pack("{s:o}", "ipBlock", random_block(w));
	}
}

static json_t *k8s_port(struct world *w)
{
	json_t *o = json_object();
	int port = PICK(w, ports);

	if (below(w, 2))
		json_object_set_new(o, "protocol", json_string(PICK(w, transports)));
	switch (below(w, 4)) {
	case 0:
		json_object_set_new(o, "port", json_string(PICK(w, port_names)));
		break;
	case 1:
		json_object_set_new(o, "endPort", json_integer(port + (int)below(w, 400)));
		json_object_set_new(o, "port", json_integer(port));
		break;
	case 2:
		json_object_set_new(o, "port", json_integer(port));
		break;
	default:
		break;
	}
	return o;
}

static json_t *list_of(struct world *w, json_t *(*one)(struct world *w), unsigned int least, unsigned int most)
{
	json_t *list = json_array();

	for (unsigned int n = least + below(w, most - least + 1); n; n--)
		json_array_append_new(list, one(w));
	return list;
}

static json_t *k8s_rule(struct world *w, const char *side)
{
	json_t *o = json_object();

	if (below(w, 5))
		json_object_set_new(o, side, list_of(w, k8s_peer, 0, 2));
	if (below(w, 2))
		json_object_set_new(o, "ports", list_of(w, k8s_port, 0, 2));
	return o;
}

static json_t *k8s_in(struct world *w)
{
	return k8s_rule(w, "from");
}

static json_t *k8s_out(struct world *w)
{
	return k8s_rule(w, "to");
}

static json_t *random_k8s(struct world *w)
{
	json_t *spec = json_pack("{s:o}", "podSelector", random_selector(w, "")), *types = json_array();

	if (below(w, 4))
		json_object_set_new(spec, "ingress", list_of(w, k8s_in, 0, 2));
	if (below(w, 2))
		json_object_set_new(spec, "egress", list_of(w, k8s_out, 0, 2));
	if (below(w, 2)) {
		if (below(w, 3))
			json_array_append_new(types, json_string("Ingress"));
		if (below(w, 2))
			json_array_append_new(types, json_string("Egress"));
		json_object_set(spec, "policyTypes", types);
	}
	json_decref(types);
	return json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "networking.k8s.io/v1", "kind", "NetworkPolicy",
			"metadata",
			 "namespace", PICK(w, spaces), "spec", spec);
}

/* ---- the administrator's ---- */

static json_t *admin_pods(struct world *w)
{
	return below(w, 2) ? json_pack("{s:o}", "namespaces", space_selector(w)) :
	       json_pack("{s:{s:o, s:o}}", "pods", "namespaceSelector", space_selector(w), "podSelector",
			 random_selector(w, ""));
}

static json_t *admin_to(struct world *w)
{
	if (!below(w, 8))
		return json_pack("{s:{}}", "nodes");
	return below(w, 3) ? admin_pods(w) : json_pack("{s:[s, s]}", "networks", PICK(w, cidrs),
			"198.51.100.0/24");
}

static json_t *admin_port(struct world *w)
{
	int port = PICK(w, ports);

	return below(w, 2) ? json_pack("{s:{s:s, s:i}}", "portNumber", "protocol", PICK(w, transports), "port", port) :
	       json_pack("{s:{s:s, s:i, s:i}}", "portRange", "protocol", PICK(w, transports), "start", port, "end",
			port + 2);
}

static json_t *named_port(struct world *w)
{
	return json_pack("{s:s}", "namedPort", PICK(w, port_names));
}

static json_t *cluster_protocol(struct world *w)
{
	static const char *const low[] = { "tcp", "udp", "sctp" };
	int port = PICK(w, ports);

	switch (below(w, 3)) {
	case 0:
		return json_pack("{s:{s:{s:i}}}", PICK(w, low), "destinationPort", "number", port);
	case 1:
		return json_pack("{s:{s:{s:{s:i, s:i}}}}", PICK(w, low), "destinationPort", "range", "start", port,
				"end",
				 port + 3);
	default:
		return json_pack("{s:{}}", PICK(w, low));
	}
}

static json_t *cluster_named(struct world *w)
{
	return json_pack("{s:s}", "destinationNamedPort", PICK(w, port_names));
}

/* kind: 0 admin, 1 baseline, 2 cluster */
static json_t *admin_rule(struct world *w, int kind, bool ingress)
{
	static const char *const admin[] = { "Allow", "Deny", "Pass" }, *const baseline[] = { "Allow", "Deny" };
	static const char *const cluster[] = { "Accept", "Deny", "Pass" };
	const char *action = kind == 1 ? PICK(w, baseline) : kind == 2 ? PICK(w, cluster) : PICK(w, admin);
	json_t *o = json_pack("{s:s}", "action", action), *peers, *found;
	bool networks = false;
	size_t i;

	if (!ingress && action[0] == 'A' && !below(w, 6))
		peers = json_pack("[{s:[s, s]}]", "domainNames", "*.example.com", "other.test.");
	else
		peers = list_of(w, ingress ? admin_pods : admin_to, 1, 2);
	json_array_foreach(peers, i, found)
		networks |= json_object_get(found, "networks") || json_object_get(found, "domainNames") ||
			    json_object_get(found, "nodes");
	json_object_set_new(o, ingress ? "from" : "to", peers);
	if (below(w, 2))
		json_object_set_new(o, kind == 2 ? "protocols" : "ports",
				    list_of(w, !networks && !below(w, 3) ? (kind == 2 ? cluster_named :
						named_port) :
					    kind == 2 ? cluster_protocol : admin_port, 1, 2));
	return o;
}

static json_t *random_admin(struct world *w, int kind)
{
	static const char *const kinds[] = { "AdminNetworkPolicy", "BaselineAdminNetworkPolicy",
			"ClusterNetworkPolicy" };
	json_t *spec = json_pack("{s:o}", "subject", admin_pods(w)), *list;

	for (int in = 0; in < 2; in++) {
		list = json_array();
		for (unsigned int n = below(w, 3); n; n--)
			json_array_append_new(list, admin_rule(w, kind, in));
		json_object_set_new(spec, in ? "ingress" : "egress", list);
	}
	if (kind != 1)
		json_object_set_new(spec, "priority", json_integer(below(w, 3)));
	if (kind == 2)
		json_object_set_new(spec, "tier", json_string(below(w, 2) ? "Admin" : "Baseline"));
	return json_pack("{s:s, s:s, s:{}, s:o}", "apiVersion",
			 kind == 2 ? "policy.networking.k8s.io/v1alpha2" : "policy.networking.k8s.io/v1alpha1", "kind",
			 kinds[kind], "metadata", "spec", spec);
}

/* ---- Cilium ---- */

static json_t *peer_selector(struct world *w)
{
	return source_selector(w, true);
}

static json_t *cilium_entity(struct world *w)
{
	static const char *const entities[] = {
		"all", "none", "world", "cluster", "host", "remote-node", "health", "kube-apiserver",
		/* prefixes to the tables */
		"world-ipv4", "world-ipv6",
	};

	return json_string(entities[below(w, sizeof(entities) / sizeof(entities[0]))]);
}

static json_t *cilium_cidr(struct world *w)
{
	return json_string(below(w, 8) ? PICK(w, cidrs) : "203.0.113.65");
}

static json_t *cilium_block(struct world *w)
{
	return below(w, 3) ? random_block(w) : json_pack("{s:s, s:[s]}", "cidrGroupRef", below(w, 4) ? "g" : "nobody",
			"except",
							 "203.0.113.1/32");
}

static json_t *cilium_service(struct world *w)
{
	return below(w, 2) ? json_pack("{s:{s:s, s:s}}", "k8sService", "serviceName", "s", "namespace", PICK(w,
			spaces)) :
	       json_pack("{s:{s:o, s:s}}", "k8sServiceSelector", "selector", random_selector(w, ""), "namespace",
			 PICK(w, spaces));
}

static json_t *cilium_fqdn(struct world *w)
{
	static const char *const names[] = { "www.example.com", "Example.COM.", "other.test", "no.where" };
	static const char *const patterns[] = { "*", "*.example.com", "**.example.com", "w*w.example.*", "*.test",
			"*example.com" };

	return below(w, 2) ? json_pack("{s:s}", "matchName", PICK(w, names)) :
	       json_pack("{s:s}", "matchPattern", PICK(w, patterns));
}

static json_t *cilium_port(struct world *w)
{
	static const char *const protocols[] = { "TCP", "UDP", "SCTP", "ANY" };
	int port = below(w, 6) ? PICK(w, ports) : 0;
	char text[16];
	json_t *o;

	snprintf(text, sizeof(text), "%d", port);
	o = json_pack("{s:s}", "port", below(w, 5) ? text : PICK(w, port_names));
	if (below(w, 2))
		json_object_set_new(o, "protocol", json_string(PICK(w, protocols)));
	if (port && !below(w, 4) && !strcmp(ref_text(o, "port"), text))
		json_object_set_new(o, "endPort", json_integer(port + (int)below(w, 400)));
	return o;
}

static json_t *cilium_icmp(struct world *w)
{
	json_t *o = json_pack("{s:i}", "type", below(w, 2) ? 0 : 3);

	if (below(w, 2))
		json_object_set_new(o, "type", json_string("EchoRequest"));
	if (below(w, 2))
		json_object_set_new(o, "family", json_string(below(w, 2) ? "IPv6" : "IPv4"));
	return o;
}

static json_t *cilium_to_ports(struct world *w, bool deny)
{
	json_t *list = json_array(), *o;

	for (unsigned int n = 1 + below(w, 2); n; n--) {
		o = json_pack("{s:o}", "ports", list_of(w, cilium_port, 1, 2));
		if (!deny && !below(w, 4)) {
			json_object_set_new(o, "ports", json_pack("[{s:s, s:s}]", "port", below(w, 2) ?
					"80" : "web",
					"protocol",
								  "TCP"));
			json_object_set_new(o, "rules", json_pack("{s:[{s:s}]}", "http", "method", "GET"));
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *cilium_rule(struct world *w, bool ingress, bool deny)
{
	json_t *o = json_object();
	const char *side = ingress ? "from" : "to";
	json_t *(*const makers[])(struct world *) = {
		peer_selector, cilium_entity, cilium_cidr, cilium_block, cilium_service, cilium_fqdn,
	};
	static const char *const kinds[] = { "Endpoints", "Entities", "CIDR", "CIDRSet", "Services", "FQDNs" };
	unsigned int kind = below(w, ingress ? 4 : deny ? 5 : 6);
	char key[32];

	snprintf(key, sizeof(key), "%s%s", side, kinds[kind]);
	if (below(w, 6))
		json_object_set_new(o, key, list_of(w, makers[kind], below(w, 6) ? 1 : 0, 2));
	if (below(w, 2))
		json_object_set_new(o, "toPorts", cilium_to_ports(w, deny));
	else if (!below(w, 5))
		json_object_set_new(o, "icmps", json_pack("[{s:o}]", "fields", list_of(w, cilium_icmp, 1, 2)));
	return o;
}

static json_t *cilium_spec(struct world *w)
{
	static const char *const sections[] = { "ingress", "ingressDeny", "egress", "egressDeny" };
	json_t *spec = json_pack("{s:o}", "endpointSelector", source_selector(w, false)), *list;

	for (unsigned int i = 0; i < 4; i++) {
		if (below(w, i & 1 ? 4 : 2) && json_object_size(spec) > 1)
			continue;
		list = json_array();
		for (unsigned int n = 1 + below(w, 2); n; n--)
			json_array_append_new(list, cilium_rule(w, i < 2, i & 1));
		json_object_set_new(spec, sections[i], list);
	}
	if (!below(w, 4))
		json_object_set_new(spec, "enableDefaultDeny",
				    json_pack("{s:b}", below(w, 2) ? "ingress" : "egress", (int)below(w, 2)));
	return spec;
}

static json_t *random_cilium(struct world *w, bool wide)
{
	json_t *o = json_pack("{s:s, s:s, s:{}}", "apiVersion", "cilium.io/v2", "kind",
			      wide ? "CiliumClusterwideNetworkPolicy" : "CiliumNetworkPolicy", "metadata");

	if (!wide)
		json_object_set_new(json_object_get(o, "metadata"), "namespace", json_string(PICK(w, spaces)));
	if (below(w, 4))
		json_object_set_new(o, "spec", cilium_spec(w));
	else
		json_object_set_new(o, "specs", list_of(w, cilium_spec, 1, 2));
	return o;
}

/* ---- worlds ---- */

void world_make(struct world *w, uint64_t seed)
{
	bool baseline = false;
	char name[16];

	*w = (struct world){ .seed = seed };
	make_inventory(w);
	w->documents = json_array();
	for (unsigned int n = 1 + below(w, 6), i = 0; i < n; i++) {
		unsigned int kind = below(w, 8);
		json_t *doc;

		if (kind < 2) {
			doc = random_k8s(w);
		} else if (kind < 5) {
			doc = random_admin(w, kind == 3 && baseline ? 0 : (int)kind - 2);
			baseline |= kind == 3;
		} else {
			doc = random_cilium(w, kind == 7);
		}
		snprintf(name, sizeof(name), "d%u", i);
		json_object_set_new(json_object_get(doc, "metadata"), "name",
				    json_string(!strcmp(ref_text(doc, "kind"), "BaselineAdminNetworkPolicy") ?
						"default" : name));
		json_array_append_new(w->documents, doc);
	}
	json_array_append_new(w->documents,
			      json_pack("{s:s, s:s, s:{s:s}, s:{s:[s, s, s]}}", "apiVersion", "cilium.io/v2alpha1",
					"kind", "CiliumCIDRGroup", "metadata", "name", "g", "spec", "externalCIDRs",
					"203.0.113.0/24", "2001:db8::/64", "10.0.1.0/24"));
}

void world_done(struct world *w)
{
	json_decref(w->inventory);
	json_decref(w->documents);
}

void world_end(struct world *w, int family, bool pod, struct ref_end *ret)
{
	static const char *const reserved[] = { "host", "remote-node", "health", "kube-apiserver" };
	unsigned int kind = pod ? 0 : below(w, 8);
	const json_t *list = json_object_get(w->inventory, kind < 5 ? "pods" : "external");

	*ret = (struct ref_end){ .kind = kind < 5 ? REF_POD : kind < 7 ? REF_EXTERNAL : REF_RESERVED };
	if (ret->kind == REF_RESERVED) {
		ret->name = PICK(w, reserved);
		return;
	}
	ret->object = json_array_get(list, below(w, (unsigned int)json_array_size(list)));
	ret->ip = json_string_value(json_array_get(json_object_get(ret->object, "ips"), family == 6));
}

void world_question(struct world *w, struct ref_question *ret, int *ret_family)
{
	static const int protocols[] = { 6, 6, 6, 17, 132, 1, 58, 47 };
	static const int types[] = { 0, 3, 8, 128, 129 };
	int family = below(w, 2) ? 4 : 6;

	*ret = (struct ref_question){ .inventory = w->inventory, .documents = w->documents, .ingress = below(w, 2) };
	world_end(w, family, true, &ret->subject);
	do
		world_end(w, family, false, &ret->peer);
	while (ret->peer.object && ret->peer.object == ret->subject.object);
	ret->protocol = PICK(w, protocols);
	if (ret->protocol == 1 || ret->protocol == 58) {
		ret->protocol = family == 4 ? 1 : 58;
		ret->port = PICK(w, types);
	} else if (ret->protocol != 47) {
		ret->port = PICK(w, ports);
	}
	*ret_family = family;
}
