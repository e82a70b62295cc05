// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* NetworkPolicy v1, AdminNetworkPolicy and BaselineAdminNetworkPolicy v1alpha1, ClusterNetworkPolicy v1alpha2. */
#include "ref_policy.h"

#include <string.h>

static int number_of(const char *protocol)
{
	return !strcmp(protocol, "UDP") ? 17 : !strcmp(protocol, "SCTP") ? 132 : 6;
}

/* ---- NetworkPolicy ---- */

static bool peer_matches(const struct ref_question *q, const json_t *peer, const char *ns)
{
	const json_t *block = json_object_get(peer, "ipBlock"), *pods = json_object_get(peer, "podSelector");
	const json_t *spaces = json_object_get(peer, "namespaceSelector"), *except;
	size_t i;

	if (json_is_object(block)) {
		/* an address is an address, a pod's too */
		if (!ref_in_cidr(q->peer.ip, ref_text(block, "cidr")))
			return false;
		json_array_foreach(json_object_get(block, "except"), i, except)
			if (ref_in_cidr(q->peer.ip, json_string_value(except)))
				return false;
		return true;
	}
	return ref_pod_match(q, &q->peer, json_is_object(pods) ? pods : NULL, json_is_object(spaces) ? spaces : NULL,
			ns);
}

static bool port_matches(const struct ref_question *q, const json_t *p)
{
	int protocol = number_of(ref_text(p, "protocol"));
	const json_t *port = json_object_get(p, "port"), *end = json_object_get(p, "endPort");

	if (protocol != q->protocol)
		return false;
	if (json_is_string(port))
		return ref_named_port(q, json_string_value(port), protocol);
	if (!json_is_integer(port))
		return true;
	if (json_is_integer(end))
		return q->port >= json_integer_value(port) && q->port <= json_integer_value(end);
	return q->port == json_integer_value(port);
}

static bool rule_matches(const struct ref_question *q, const json_t *rule, const char *ns)
{
	const json_t *peers = json_object_get(rule, q->ingress ? "from" : "to"), *ports = json_object_get(rule,
			"ports"), *v;
	bool peer = !json_array_size(peers), port = !json_array_size(ports);
	size_t i;

	json_array_foreach(peers, i, v)
		peer |= peer_matches(q, v, ns);
	json_array_foreach(ports, i, v)
		port |= port_matches(q, v);
	return peer && port;
}

void ref_k8s(const struct ref_question *q, const json_t *doc, struct ref_opinion *ret)
{
	const json_t *spec = json_object_get(doc, "spec"), *types = json_object_get(spec, "policyTypes"), *v;
	const char *ns = ref_text(json_object_get(doc, "metadata"), "namespace");
	bool about = false;
	size_t i;

	ns = *ns ? ns : "default";
	if (!ref_pod_match(q, &q->subject, json_object_get(spec, "podSelector"), NULL, ns))
		return;
	json_array_foreach(types, i, v)
		about |= !strcmp(json_string_value(v), q->ingress ? "Ingress" : "Egress");
	if (!json_array_size(types))
		about = q->ingress || json_array_size(json_object_get(spec, "egress"));
	if (!about)
		return;
	ret->isolates = true;
	/* the node of a pod reaches it, and is reached, whatever the policies say */
	if (q->peer.kind == REF_RESERVED && !strcmp(q->peer.name, "host"))
		ret->says = REF_SAYS_ALLOW;
	json_array_foreach(json_object_get(spec, q->ingress ? "ingress" : "egress"), i, v)
		if (rule_matches(q, v, ns))
			ret->says = REF_SAYS_ALLOW;
}

/* ---- the administrator's ---- */

/* {namespaces: …} or {pods: {namespaceSelector, podSelector}} */
static bool selects(const struct ref_question *q, const struct ref_end *end, const json_t *what)
{
	const json_t *spaces = json_object_get(what, "namespaces"), *pods = json_object_get(what, "pods");

	if (json_is_object(spaces))
		return ref_pod_match(q, end, NULL, spaces, "");
	if (json_is_object(pods))
		return ref_pod_match(q, end, json_object_get(pods, "podSelector"), json_object_get(pods,
				"namespaceSelector"),
				     "");
	return false;
}

static bool admin_peer(const struct ref_question *q, const json_t *peer)
{
	const json_t *v;
	size_t i;

	if (selects(q, &q->peer, peer))
		return true;
	/* all nodes; their labels are nobody's here */
	if (json_is_object(json_object_get(peer, "nodes")))
		return q->peer.kind == REF_RESERVED &&
		       (!strcmp(q->peer.name, "host") || !strcmp(q->peer.name, "remote-node"));
	json_array_foreach(json_object_get(peer, "networks"), i, v)
		if (ref_in_cidr(q->peer.ip, json_string_value(v)))
			return true;
	json_array_foreach(json_object_get(peer, "domainNames"), i, v)
		if (q->peer.kind == REF_EXTERNAL &&
		    ref_domain_match(ref_text(q->peer.object, "name"), json_string_value(v), true))
			return true;
	return false;
}

static bool between(const struct ref_question *q, const json_t *range)
{
	return q->port >= json_integer_value(json_object_get(range, "start")) &&
	       q->port <= json_integer_value(json_object_get(range, "end"));
}

/* v1alpha1: {portNumber: {protocol, port}}, {namedPort}, {portRange: {protocol, start, end}} */
static bool admin_port(const struct ref_question *q, const json_t *p)
{
	const json_t *number = json_object_get(p, "portNumber"), *range = json_object_get(p, "portRange");

	if (json_is_string(json_object_get(p, "namedPort")))
		return ref_named_port(q, ref_text(p, "namedPort"), 0);
	if (json_is_object(number))
		return number_of(ref_text(number, "protocol")) == q->protocol &&
		       json_integer_value(json_object_get(number, "port")) == q->port;
	return number_of(ref_text(range, "protocol")) == q->protocol && between(q, range);
}

/* v1alpha2: {tcp: {destinationPort: {number} or {range}}}, {udp}, {sctp}, {destinationNamedPort} */
static bool cluster_protocol(const struct ref_question *q, const json_t *p)
{
	static const struct {
		const char *name;
		int number;
	} known[] = { { "tcp", 6 }, { "udp", 17 }, { "sctp", 132 } };

	if (json_is_string(json_object_get(p, "destinationNamedPort")))
		return ref_named_port(q, ref_text(p, "destinationNamedPort"), 0);
	for (int i = 0; i < 3; i++) {
		const json_t *port = json_object_get(json_object_get(p, known[i].name), "destinationPort");

		if (!json_is_object(json_object_get(p, known[i].name)) || known[i].number != q->protocol)
			continue;
		if (!json_is_object(port))
			return true;
		if (json_is_object(json_object_get(port, "range")))
			return between(q, json_object_get(port, "range"));
		return json_integer_value(json_object_get(port, "number")) == q->port;
	}
	return false;
}

enum ref_says ref_admin(const struct ref_question *q, const json_t *doc)
{
	const json_t *spec = json_object_get(doc, "spec"), *rule, *v;
	size_t i, j;

	if (!selects(q, &q->subject, json_object_get(spec, "subject")))
		return REF_SAYS_NOTHING;
	json_array_foreach(json_object_get(spec, q->ingress ? "ingress" : "egress"), i, rule) {
		const json_t *ports = json_object_get(rule, "ports"), *protocols = json_object_get(rule, "protocols");
		bool port = !json_array_size(ports) && !json_array_size(protocols), peer = false;
		const char *action = ref_text(rule, "action");

		json_array_foreach(json_object_get(rule, q->ingress ? "from" : "to"), j, v)
			peer |= admin_peer(q, v);
		json_array_foreach(ports, j, v)
			port |= admin_port(q, v);
		json_array_foreach(protocols, j, v)
			port |= cluster_protocol(q, v);
		if (peer && port)
			return !strcmp(action, "Deny") ? REF_SAYS_DENY : !strcmp(action, "Pass") ? REF_SAYS_PASS :
			       REF_SAYS_ALLOW;
	}
	return REF_SAYS_NOTHING;
}
