// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* One spec of a CiliumNetworkPolicy or, with ns NULL, of a CiliumClusterwideNetworkPolicy, both v2. */
#include "ref_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_KEY "io.kubernetes.pod.namespace"
#define NS_LABEL "io.cilium.k8s.namespace.labels."

/* ---- labels with sources ---- */

/* Value of a label that an end has; NULL: it has it not. */
static const char *value_of(const struct ref_question *q, const struct ref_end *end, const char *source,
		const char *key)
{
	bool k8s = !*source || !strcmp(source, "any") || !strcmp(source, "k8s");
	bool reserved = !*source || !strcmp(source, "any") || !strcmp(source, "reserved");
	const char *ns = ref_text(end->object, "namespace"), *v;

	if (end->kind == REF_EXTERNAL)
		return reserved && !strcmp(key, "world") ? "" : NULL;
	if (end->kind == REF_RESERVED)
		return reserved && !strcmp(key, end->name) ? "" : NULL;
	if (!k8s)
		return NULL;
	if (!strcmp(key, NS_KEY))
		return ns;
	if (!strncmp(key, NS_LABEL, strlen(NS_LABEL))) {
		v = json_string_value(json_object_get(json_object_get(ref_namespace(q->inventory, ns), "labels"),
						      key + strlen(NS_LABEL)));
		return !v && !strcmp(key + strlen(NS_LABEL), "kubernetes.io/metadata.name") ? ns : v;
	}
	return json_string_value(json_object_get(json_object_get(end->object, "labels"), key));
}

static const char *split(const char *full, char source[32])
{
	const char *colon = strchr(full, ':');

	source[0] = '\0';
	if (!colon)
		return full;
	snprintf(source, 32, "%.*s", (int)(colon - full), full);
	return colon + 1;
}

static bool holds(const struct ref_question *q, const struct ref_end *end, const json_t *selector)
{
	char source[32];
	const char *full, *have;
	const json_t *v, *e;
	size_t i, j;

	json_object_foreach((json_t *)json_object_get(selector, "matchLabels"), full, v) {
		have = value_of(q, end, source, split(full, source));
		if (!have || strcmp(have, json_string_value(v)))
			return false;
	}
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, e) {
		const char *op = ref_text(e, "operator"), *key = split(ref_text(e, "key"), source);
		bool in = false;

		have = value_of(q, end, source, key);
		json_array_foreach(json_object_get(e, "values"), j, v)
			in |= have && !strcmp(have, json_string_value(v));
		if ((!strcmp(op, "In") && !in) || (!strcmp(op, "NotIn") && in) || (!strcmp(op, "Exists") && !have) ||
		    (!strcmp(op, "DoesNotExist") && have))
			return false;
	}
	return true;
}

/* Does the selector speak of a key that begins so, in any of the sources named? */
static bool speaks_of(const json_t *selector, const char *source, const char *prefix, bool whole)
{
	char have[32];
	const char *full, *key;
	const json_t *v;
	bool found = false;
	size_t i;

	json_object_foreach((json_t *)json_object_get(selector, "matchLabels"), full, v) {
		key = split(full, have);
		found |= (source ? !strcmp(have, source) : strcmp(have, "reserved") != 0) &&
			 (whole ? !strcmp(key, prefix) : !strncmp(key, prefix, strlen(prefix)));
	}
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, v) {
		key = split(ref_text(v, "key"), have);
		found |= (source ? !strcmp(have, source) : strcmp(have, "reserved") != 0) &&
			 (whole ? !strcmp(key, prefix) : !strncmp(key, prefix, strlen(prefix)));
	}
	return found;
}

/* A peer's selector is about the policy's namespace, unless it says of which it is. */
static bool endpoint(const struct ref_question *q, const json_t *selector, const char *ns, bool init)
{
	if (!holds(q, &q->peer, selector))
		return false;
	if (speaks_of(selector, "reserved", "", false) || speaks_of(selector, NULL, NS_KEY, true))
		return true;
	if (!ns)
		return init || q->peer.kind == REF_POD;
	if (speaks_of(selector, NULL, NS_LABEL, false))
		return true;
	return q->peer.kind == REF_POD && !strcmp(ref_text(q->peer.object, "namespace"), ns);
}

/* ---- peers ---- */

static bool entity(const struct ref_question *q, const char *name)
{
	bool world = q->peer.kind == REF_EXTERNAL;

	if (!strcmp(name, "all"))
		return true;
	if (!strcmp(name, "world"))
		return world;
	if (!strcmp(name, "world-ipv4"))
		return world && !strchr(q->peer.ip, ':');
	if (!strcmp(name, "world-ipv6"))
		return world && strchr(q->peer.ip, ':');
	if (!strcmp(name, "cluster"))
		return !world;
	return q->peer.kind == REF_RESERVED && !strcmp(q->peer.name, name);
}

/* Prefixes are about addresses outside of the cluster only. */
static bool cidr(const struct ref_question *q, const char *prefix)
{
	return q->peer.kind == REF_EXTERNAL && ref_in_cidr(q->peer.ip, prefix);
}

static bool in_group(const struct ref_question *q, const char *name)
{
	const json_t *doc, *v;
	size_t i, j;

	json_array_foreach(q->documents, i, doc) {
		if (strcmp(ref_text(doc, "kind"), "CiliumCIDRGroup") ||
		    strcmp(ref_text(json_object_get(doc, "metadata"), "name"), name))
			continue;
		json_array_foreach(json_object_get(json_object_get(doc, "spec"), "externalCIDRs"), j, v)
			if (cidr(q, json_string_value(v)))
				return true;
	}
	return false;
}

static bool cidr_rule(const struct ref_question *q, const json_t *rule)
{
	const json_t *v;
	size_t i;

	if (json_is_string(json_object_get(rule, "cidrGroupRef")) ? !in_group(q, ref_text(rule, "cidrGroupRef")) :
	    !cidr(q, ref_text(rule, "cidr")))
		return false;
	json_array_foreach(json_object_get(rule, "except"), i, v)
		if (cidr(q, json_string_value(v)))
			return false;
	return true;
}

static bool service(const struct ref_question *q, const json_t *rule, const char *ns)
{
	const json_t *by_name = json_object_get(rule, "k8sService"), *by_labels = json_object_get(rule,
			"k8sServiceSelector");
	const json_t *s, *v, *what = json_is_object(by_name) ? by_name : by_labels;
	const char *wanted = *ref_text(what, "namespace") ? ref_text(what, "namespace") : ns ? ns : "", *key;
	size_t i;

	json_array_foreach(json_object_get(q->inventory, "services"), i, s) {
		bool all = json_object_size(json_object_get(s, "selector")) > 0;

		if (*wanted && strcmp(ref_text(s, "namespace"), wanted))
			continue;
		if (json_is_object(by_name) ? strcmp(ref_text(s, "name"), ref_text(by_name, "serviceName")) != 0 :
		    !ref_labels_match(json_object_get(by_labels, "selector"), json_object_get(s, "labels"), NULL))
			continue;
		if (q->peer.kind != REF_POD || strcmp(ref_text(q->peer.object, "namespace"), ref_text(s, "namespace")))
			continue;
		json_object_foreach((json_t *)json_object_get(s, "selector"), key, v) {
			const char *have = ref_text(json_object_get(q->peer.object, "labels"), key);

			all &= !strcmp(have, json_string_value(v));
		}
		if (all)
			return true;
	}
	return false;
}

static bool fqdn(const struct ref_question *q, const json_t *rule)
{
	const char *name = ref_text(q->peer.object, "name"), *pattern = ref_text(rule, "matchPattern");

	if (q->peer.kind != REF_EXTERNAL)
		return false;
	if (*ref_text(rule, "matchName"))
		return ref_domain_match(name, ref_text(rule, "matchName"), false);
	if (!strcmp(pattern, "*"))
		return true;
	return !strncmp(pattern, "**.", 3) ? ref_domain_match(name, pattern + 1, true) :
	       ref_domain_match(name, pattern, false);
}

/* 1: one of them is the peer; 0: none; -1: the rule does not speak of peers. */
static int peers(const struct ref_question *q, const json_t *rule, const char *ns, bool init)
{
	const char *side = q->ingress ? "from" : "to", *const kinds[] = {
		"Endpoints", "Entities", "CIDR", "CIDRSet", "Services", "FQDNs", "Nodes",
	};
	int ret = -1;
	const json_t *v;
	char key[32];
	size_t i;

	for (int k = 0; k < 7; k++) {
		snprintf(key, sizeof(key), "%s%s", side, kinds[k]);
		/* a list that is there and empty is no peer */
		if (json_is_array(json_object_get(rule, key)) && ret < 0)
			ret = 0;
		json_array_foreach(json_object_get(rule, key), i, v)
			if (k == 0 ? endpoint(q, v, ns, init) : k == 1 ? entity(q, json_string_value(v)) :
			    k == 2 ? cidr(q, json_string_value(v)) : k == 3 ? cidr_rule(q, v) :
			    k == 4 ? service(q, v, ns) : k == 5 ? fqdn(q, v) : entity(q, "remote-node"))
				ret = 1;
	}
	return ret;
}

/* ---- ports ---- */

static bool transport(const struct ref_question *q, const char *name)
{
	if (!*name || !strcmp(name, "ANY"))
		return q->protocol == 6 || q->protocol == 17 || q->protocol == 132;
	return q->protocol == (!strcmp(name, "UDP") ? 17 : !strcmp(name, "SCTP") ? 132 : 6);
}

static bool port(const struct ref_question *q, const json_t *p)
{
	const char *text = ref_text(p, "port");
	int first, last;

	if (!transport(q, ref_text(p, "protocol")))
		return false;
	if (!strchr("0123456789", *text))
		return ref_named_port(q, text, 0);
	first = (int)strtol(text, NULL, 10);
	last = (int)json_integer_value(json_object_get(p, "endPort"));
	return first == 0 || (q->port >= first && q->port <= (last ? last : first));
}

static bool icmp(const struct ref_question *q, const json_t *f)
{
	const json_t *type = json_object_get(f, "type");
	int number = json_is_string(type) && !strcmp(json_string_value(type), "EchoRequest") ?
			     (!strcmp(ref_text(f, "family"), "IPv6") ? 128 : 8) :
			     (int)json_integer_value(type);

	return q->protocol == (!strcmp(ref_text(f, "family"), "IPv6") ? 58 : 1) && q->port == number;
}

/* 0: not these; 1: they are; 2: they are, and there is more to look at above; -1: the rule does not speak of ports. */
static int ports(const struct ref_question *q, const json_t *rule)
{
	const json_t *entry, *v, *rules;
	int ret = -1;
	size_t i, j;

	json_array_foreach(json_object_get(rule, "toPorts"), i, entry) {
		ret = ret < 0 ? 0 : ret;
		rules = json_object_get(entry, "rules");
		json_array_foreach(json_object_get(entry, "ports"), j, v)
			if (port(q, v) && ret < 2)
				ret = json_object_size(rules) ? 2 : 1;
	}
	json_array_foreach(json_object_get(rule, "icmps"), i, entry) {
		ret = ret < 0 ? 0 : ret;
		json_array_foreach(json_object_get(entry, "fields"), j, v)
			if (icmp(q, v))
				ret = 1;
	}
	return ret;
}

/* ---- a spec ---- */

static enum ref_says rule_says(const struct ref_question *q, const json_t *rule, const char *ns, bool init, bool deny)
{
	int who = peers(q, rule, ns, init), what = ports(q, rule);

	/* a rule that speaks of nothing allows nothing: it only brings the default */
	if (who == 0 || what == 0 || (who < 0 && what < 0))
		return REF_SAYS_NOTHING;
	return deny ? REF_SAYS_DENY : what == 2 ? REF_SAYS_PROXY : REF_SAYS_ALLOW;
}

void ref_cilium(const struct ref_question *q, const json_t *spec, const char *ns, struct ref_opinion *ret)
{
	const json_t *who = json_object_get(spec, "endpointSelector"), *rule;
	const json_t *allow = json_object_get(spec, q->ingress ? "ingress" : "egress");
	const json_t *deny = json_object_get(spec, q->ingress ? "ingressDeny" : "egressDeny");
	const json_t *wanted = json_object_get(json_object_get(spec, "enableDefaultDeny"), q->ingress ? "ingress" :
			"egress");
	enum ref_says proxy = REF_SAYS_NOTHING, says;
	bool init = speaks_of(who, "reserved", "init", true);
	size_t i;

	if (q->subject.kind != REF_POD || !json_is_object(who) || !holds(q, &q->subject, who))
		return;
	if (ns && strcmp(ref_text(q->subject.object, "namespace"), ns))
		return;
	ret->isolates = json_is_boolean(wanted) ? json_is_true(wanted) : json_array_size(allow) ||
			json_array_size(deny);
	/* Cilium lets a node reach its own pods */
	if (q->ingress && ret->isolates && q->peer.kind == REF_RESERVED && !strcmp(q->peer.name, "host"))
		ret->says = REF_SAYS_ALLOW;
	json_array_foreach(allow, i, rule) {
		says = rule_says(q, rule, ns, init, false);
		if (says > proxy)
			proxy = says;
	}
	if (proxy > ret->says)
		ret->says = proxy;
	json_array_foreach(deny, i, rule) {
		says = rule_says(q, rule, ns, init, true);
		if (says > ret->says)
			ret->says = says;
	}
}
