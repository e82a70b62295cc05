// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services out of JSON. */
#include "service.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service_names.h"

const char *const service_kinds[] = { "cluster-ip", "node-port", "external-ip", "load-balancer", "host-port", NULL };
const char *const service_states[] = { "active", "draining", "quarantined", "maintenance", NULL };
const char *const service_algorithms[] = { "maglev", "random", "first", "least-connections", NULL };
const char *const service_policies[] = { "cluster", "local", NULL };
const char *const service_forwardings[] = { "dnat", "dsr-ipip", "dsr-option", "hybrid", NULL };
const char *const service_answers[] = { "reject", "drop", NULL };
const char *const service_protocols[] = { "any", "tcp", "udp", "sctp", NULL };
const uint8_t service_protocol_numbers[] = { 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

static int bad(const char **why, const char *text)
{
	*why = text;
	return -EINVAL;
}

/* The place of a word in a list; of_none when there is no member of that key. -1: not one of them. */
static int word(const json_t *object, const char *key, const char *const *list, int of_none)
{
	const json_t *v = json_object_get(object, key);
	const char *text = json_string_value(v);

	if (!v)
		return of_none;
	for (int i = 0; text && list[i]; i++)
		if (!strcmp(list[i], text))
			return i;
	return -1;
}

/* A member that is a number up to max; 0 when there is none. */
static int number(const json_t *object, const char *key, json_int_t max, json_int_t *ret)
{
	const json_t *v = json_object_get(object, key);

	*ret = json_integer_value(v);
	return !v || (json_is_integer(v) && *ret >= 0 && *ret <= max) ? 0 : -EINVAL;
}

/* "ADDRESS" or "ADDRESS/BITS"; bits 0 when there are none. */
static int prefix(const char *text, struct ebpfnet_addr *addr, unsigned int *bits, bool *has)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	size_t len = slash ? (size_t)(slash - text) : text ? strlen(text) : 0;
	char buf[EBPFNET_ADDR_STRLEN], end;
	unsigned int max;

	if (!len || len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	*has = slash != NULL;
	*bits = 0;
	memset(addr, 0, sizeof(*addr));
	max = strchr(buf, ':') ? 128 : 32;
	/* the library takes "none" for the address of all zeroes, which ranges may begin at */
	if (strcmp(buf, "::") && ebpfnet_addr_parse(buf, addr) < 0)
		return -EINVAL;
	return slash && (sscanf(slash, "/%3u%c", bits, &end) != 1 || *bits > max) ? -EINVAL : 0;
}

/* 80 or "8000-8099" */
static int ports(const json_t *v, struct ebpfnet_frontend *f)
{
	unsigned int first, last;
	char end;

	if (!v)
		return 0;
	if (json_is_integer(v)) {
		f->port = (uint16_t)json_integer_value(v);
		return json_integer_value(v) > 0 && json_integer_value(v) <= 65535 ? 0 : -EINVAL;
	}
	if (!json_is_string(v) || sscanf(json_string_value(v), "%5u-%5u%c", &first, &last, &end) != 2 || !first ||
	    first > last || last > 65535)
		return -EINVAL;
	f->port = (uint16_t)first;
	f->port_last = (uint16_t)last;
	return 0;
}

int service_read_frontend(const json_t *item, struct ebpfnet_frontend *ret, const char **why)
{
	const json_t *address = json_object_get(item, "address");
	struct ebpfnet_frontend f = {};
	unsigned int bits;
	bool has;
	int kind, proto;

	kind = word(item, "kind", service_kinds, address ? EBPFNET_FRONTEND_CLUSTER_IP : EBPFNET_FRONTEND_NODE_PORT);
	if (kind < 0)
		return bad(why, "a kind is cluster-ip, node-port, external-ip, load-balancer or host-port");
	f.kind = (uint8_t)kind;
	if (address) {
		if (prefix(json_string_value(address), &f.addr, &bits, &has) < 0 || !ebpfnet_addr_family(&f.addr) ||
		    (has && !bits))
			return bad(why, "a frontend's address is one, or a prefix");
		f.prefix = (uint8_t)bits;
	}
	if (ports(json_object_get(item, "port"), &f) < 0)
		return bad(why, "a port is 1 to 65535, or a range \"FIRST-LAST\"");
	proto = word(item, "protocol", service_protocols, f.port ? 1 : 0);
	if (proto < 0)
		return bad(why, "a protocol is tcp, udp, sctp or any");
	f.protocol = service_protocol_numbers[proto];
	*ret = f;
	return 0;
}

int service_read_state(const char *name, enum ebpfnet_backend_state *ret)
{
	for (int i = 0; service_states[i]; i++) {
		if (strcmp(service_states[i], name))
			continue;
		*ret = (enum ebpfnet_backend_state)i;
		return 0;
	}
	return -EINVAL;
}

int service_read_backend(const json_t *item, struct ebpfnet_backend *ret, const char **why)
{
	const char *address = json_string_value(json_object_get(item, "address"));
	struct ebpfnet_backend b = {};
	json_int_t port, weight;
	int state = word(item, "state", service_states, EBPFNET_BACKEND_ACTIVE);
	int proto = word(item, "protocol", service_protocols, 0);

	if (!address || ebpfnet_addr_parse(address, &b.addr) < 0 || !ebpfnet_addr_family(&b.addr))
		return bad(why, "a backend has an address");
	if (number(item, "port", 65535, &port) < 0)
		return bad(why, "a port is 1 to 65535");
	if (number(item, "weight", 65535, &weight) < 0 || (json_object_get(item, "weight") && !weight))
		return bad(why, "a weight is 1 to 65535");
	if (state < 0)
		return bad(why, "a state is active, draining, quarantined or maintenance");
	if (proto < 0)
		return bad(why, "a protocol is tcp, udp, sctp or any");
	b.port = (uint16_t)port;
	b.weight = (uint16_t)weight;
	b.state = (uint8_t)state;
	b.protocol = service_protocol_numbers[proto];
	b.zone = json_string_value(json_object_get(item, "zone"));
	b.node = json_string_value(json_object_get(item, "node"));
	*ret = b;
	return 0;
}

int service_read_source(const json_t *text, int deny, struct ebpfnet_source_range *ret, const char **why)
{
	struct ebpfnet_source_range r = { .deny = (uint8_t)deny };
	unsigned int bits;
	bool has;

	if (prefix(json_string_value(text), &r.addr, &bits, &has) < 0)
		return bad(why, "a source range is an address or a prefix");
	r.prefix = (uint8_t)(has ? bits : ebpfnet_addr_family(&r.addr) == 4 ? 32 : 128);
	*ret = r;
	return 0;
}

static int read_arrays(const json_t *spec, struct service *s, const char **why)
{
	const json_t *fronts = json_object_get(spec, "frontends"), *backends = json_object_get(spec, "backends");
	const json_t *lists[2] = { json_object_get(spec, "allow"), json_object_get(spec, "deny") };
	struct ebpfnet_service_opts *o = &s->opts;
	size_t i, k;
	int err = 0;

	s->frontends = calloc(json_array_size(fronts) + 1, sizeof(*s->frontends));
	s->backends = calloc(json_array_size(backends) + 1, sizeof(*s->backends));
	s->sources = calloc(json_array_size(lists[0]) + json_array_size(lists[1]) + 1, sizeof(*s->sources));
	if (!s->frontends || !s->backends || !s->sources)
		return -ENOMEM;
	for (i = 0; !err && i < json_array_size(fronts); i++)
		err = service_read_frontend(json_array_get(fronts, i), &s->frontends[o->n_frontends++], why);
	for (i = 0; !err && i < json_array_size(backends); i++)
		err = service_read_backend(json_array_get(backends, i), &s->backends[o->n_backends++], why);
	for (k = 0; k < 2; k++)
		for (i = 0; !err && i < json_array_size(lists[k]); i++)
			err = service_read_source(json_array_get(lists[k], i), (int)k, &s->sources[o->n_sources++],
						  why);
	return err;
}

int service_read(const json_t *spec, struct service *ret, const char **why)
{
	struct service s = { .opts = { EBPFNET_OPTS_INIT(s.opts) } };
	int algorithm = word(spec, "algorithm", service_algorithms, 0), inside = word(spec, "internal", service_policies, 0);
	int answer = word(spec, "no_backend", service_answers, 0), way = word(spec, "forwarding", service_forwardings, 0), err;
	int outside = word(spec, "external", service_policies, 0);
	json_int_t affinity, health;

	if (algorithm < 0)
		return bad(why, "an algorithm is maglev, random, first or least-connections");
	if (inside < 0 || outside < 0)
		return bad(why, "a traffic policy is cluster or local");
	if (answer < 0)
		return bad(why, "no_backend is reject or drop");
	if (way < 0)
		return bad(why, "forwarding is dnat, dsr-ipip, dsr-option or hybrid");
	if (number(spec, "affinity", 7 * 86400, &affinity) < 0)
		return bad(why, "an affinity is 0 to 604800 seconds");
	if (number(spec, "health_port", 65535, &health) < 0)
		return bad(why, "a health port is 1 to 65535");
	s.opts.name = json_string_value(json_object_get(spec, "name"));
	s.opts.algorithm = (enum ebpfnet_algorithm)algorithm;
	s.opts.internal_policy = (enum ebpfnet_traffic_policy)inside;
	s.opts.external_policy = (enum ebpfnet_traffic_policy)outside;
	s.opts.forwarding = (enum ebpfnet_forwarding)way;
	s.opts.no_backend = (enum ebpfnet_no_backend)answer;
	s.opts.affinity_seconds = (uint32_t)affinity;
	s.opts.health_port = (uint16_t)health;
	s.opts.prefer_zone = json_is_true(json_object_get(spec, "prefer_zone"));
	err = read_arrays(spec, &s, why);
	if (err < 0) {
		service_done(&s);
		return err;
	}
	s.opts.frontends = s.frontends;
	s.opts.backends = s.backends;
	s.opts.sources = s.sources;
	*ret = s;
	return 0;
}

void service_done(struct service *s)
{
	free(s->frontends);
	free(s->backends);
	free(s->sources);
	memset(s, 0, sizeof(*s));
}

static int query_end(const json_t *params, const char *address, const char *port, struct ebpfnet_addr *addr,
		     uint16_t *ret_port)
{
	const json_t *v = json_object_get(params, address);
	json_int_t n;

	if (v && (!json_is_string(v) || ebpfnet_addr_parse(json_string_value(v), addr) < 0))
		return -EINVAL;
	if (number(params, port, 65535, &n) < 0)
		return -EINVAL;
	*ret_port = (uint16_t)n;
	return 0;
}

int service_query(const json_t *params, struct ebpfnet_service_query *ret, const char **why)
{
	const json_t *outside = json_object_get(params, "outside");
	struct ebpfnet_service_query q = {};
	int proto = word(params, "protocol", service_protocols, 1);

	if (query_end(params, "src", "sport", &q.src, &q.sport) < 0)
		return bad(why, "src and sport are an address and a port");
	if (query_end(params, "dst", "dport", &q.dst, &q.dport) < 0 || !ebpfnet_addr_family(&q.dst) || !q.dport)
		return bad(why, "dst and dport are an address and a port");
	if (proto < 1)
		return bad(why, "protocol is tcp, udp or sctp");
	if (outside && !json_is_boolean(outside))
		return bad(why, "outside is true or false");
	q.protocol = service_protocol_numbers[proto];
	q.outside = json_is_true(outside);
	*ret = q;
	return 0;
}
