// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services as JSON. */
#include "service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service_names.h"

static const char *protocol_name(uint8_t proto)
{
	for (int i = 0; service_protocols[i]; i++)
		if (service_protocol_numbers[i] == proto)
			return service_protocols[i];
	return "?";
}

static json_t *prefix_json(const struct ebpfnet_addr *addr, unsigned int bits, unsigned int whole)
{
	char text[EBPFNET_ADDR_STRLEN], all[EBPFNET_ADDR_STRLEN + 8];

	if (ebpfnet_addr_family(addr))
		ebpfnet_addr_format(addr, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "::");
	if (bits == whole)
		return json_string(text);
	snprintf(all, sizeof(all), "%s/%u", text, bits);
	return json_string(all);
}

static json_t *frontend_json(const struct ebpfnet_frontend *f)
{
	json_t *o = json_object();
	char range[16];

	if (ebpfnet_addr_family(&f->addr))
		json_object_set_new(o, "address", prefix_json(&f->addr, f->prefix, 0));
	if (f->port_last > f->port) {
		snprintf(range, sizeof(range), "%u-%u", f->port, f->port_last);
		json_object_set_new(o, "port", json_string(range));
	} else if (f->port) {
		json_object_set_new(o, "port", json_integer(f->port));
	}
	json_object_set_new(o, "protocol", json_string(protocol_name(f->protocol)));
	json_object_set_new(o, "kind", json_string(service_kinds[f->kind]));
	return o;
}

static json_t *backend_json(const struct ebpfnet_backend *b)
{
	json_t *o = json_object();

	json_object_set_new(o, "address", prefix_json(&b->addr, 0, 0));
	if (b->port)
		json_object_set_new(o, "port", json_integer(b->port));
	if (b->protocol)
		json_object_set_new(o, "protocol", json_string(protocol_name(b->protocol)));
	if (b->weight)
		json_object_set_new(o, "weight", json_integer(b->weight));
	json_object_set_new(o, "state", json_string(service_states[b->state]));
	if (b->zone && *b->zone)
		json_object_set_new(o, "zone", json_string(b->zone));
	if (b->node && *b->node)
		json_object_set_new(o, "node", json_string(b->node));
	return o;
}

static void sources_json(const struct ebpfnet_service_opts *s, json_t *o)
{
	json_t *lists[2] = { json_array(), json_array() };

	for (size_t i = 0; i < s->n_sources; i++) {
		const struct ebpfnet_source_range *r = &s->sources[i];
		unsigned int whole = ebpfnet_addr_family(&r->addr) == 4 ? 32 : 128;

		json_array_append_new(lists[r->deny], prefix_json(&r->addr, r->prefix, whole));
	}
	if (json_array_size(lists[0]))
		json_object_set(o, "allow", lists[0]);
	if (json_array_size(lists[1]))
		json_object_set(o, "deny", lists[1]);
	json_decref(lists[0]);
	json_decref(lists[1]);
}

json_t *service_json(const struct ebpfnet_service_opts *s)
{
	json_t *fronts = json_array(), *backends = json_array();
	json_t *o = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s}", "name", s->name, "frontends", fronts, "backends", backends,
			      "algorithm", service_algorithms[s->algorithm], "internal",
			      service_policies[s->internal_policy], "no_backend", service_answers[s->no_backend]);

	if (!o)
		return NULL;
	for (size_t i = 0; i < s->n_frontends; i++)
		json_array_append_new(fronts, frontend_json(&s->frontends[i]));
	for (size_t i = 0; i < s->n_backends; i++)
		json_array_append_new(backends, backend_json(&s->backends[i]));
	sources_json(s, o);
	if (s->external_policy)
		json_object_set_new(o, "external", json_string(service_policies[s->external_policy]));
	if (s->affinity_seconds)
		json_object_set_new(o, "affinity", json_integer(s->affinity_seconds));
	if (s->health_port)
		json_object_set_new(o, "health_port", json_integer(s->health_port));
	if (s->prefer_zone)
		json_object_set_new(o, "prefer_zone", json_true());
	if (s->forwarding != EBPFNET_FORWARDING_NAT)
		json_object_set_new(o, "forwarding", json_string(service_forwardings[s->forwarding]));
	return o;
}

json_t *service_stats_json(const struct ebpfnet_service_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:[I,I], s:[I,I]}", "connections", (json_int_t)stats->connections,
			 "no_backend", (json_int_t)stats->no_backend, "denied", (json_int_t)stats->denied,
			 "flows", (json_int_t)stats->flows,
			 "packets", (json_int_t)stats->packets[0], (json_int_t)stats->packets[1],
			 "bytes", (json_int_t)stats->bytes[0], (json_int_t)stats->bytes[1]);
}

/* "10.96.0.10:80/tcp", "[fd00::1]:53/udp", "*:30080/tcp" */
static json_t *frontend_text(const struct ebpfnet_frontend *f)
{
	int family = ebpfnet_addr_family(&f->addr);
	char addr[EBPFNET_ADDR_STRLEN] = "*", prefix[8] = "", port[16] = "*", text[128];

	if (family)
		ebpfnet_addr_format(&f->addr, addr, sizeof(addr));
	if (f->prefix)
		snprintf(prefix, sizeof(prefix), "/%u", f->prefix);
	if (f->port_last > f->port)
		snprintf(port, sizeof(port), "%u-%u", f->port, f->port_last);
	else if (f->port)
		snprintf(port, sizeof(port), "%u", f->port);
	snprintf(text, sizeof(text), family == 6 ? "[%s%s]:%s/%s" : "%s%s:%s/%s", addr, prefix, port,
		 protocol_name(f->protocol));
	return json_string(text);
}

json_t *service_brief(const struct ebpfnet_service_opts *s, const struct ebpfnet_service_stats *stats)
{
	json_t *o = service_stats_json(stats), *fronts = json_array();
	json_int_t active = 0;

	for (size_t i = 0; i < s->n_frontends; i++)
		json_array_append_new(fronts, frontend_text(&s->frontends[i]));
	for (size_t i = 0; i < s->n_backends; i++)
		active += s->backends[i].state == EBPFNET_BACKEND_ACTIVE;
	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "frontends", fronts);
	json_object_set_new(o, "backends", json_integer((json_int_t)s->n_backends));
	json_object_set_new(o, "active", json_integer(active));
	return o;
}

json_t *service_answer_json(const struct ebpfnet_service_answer *a)
{
	static const char *const verdicts[] = { "none", "backend", "no-backend", "source" };
	json_t *o = json_pack("{s:s, s:s}", "verdict", verdicts[a->verdict], "why", a->why);

	if (!o || a->verdict == EBPFNET_SERVICE_NONE)
		return o;
	json_object_set_new(o, "service", json_string(a->service));
	if (a->verdict != EBPFNET_SERVICE_BACKEND)
		return o;
	json_object_set_new(o, "backend", prefix_json(&a->backend, 0, 0));
	json_object_set_new(o, "port", json_integer(a->port));
	json_object_set_new(o, "slot", json_integer(a->slot));
	json_object_set_new(o, "slots", json_integer(a->slots));
	json_object_set_new(o, "members", json_integer(a->members));
	return o;
}

/* ---- out of the tables */

struct search {
	struct ebpfnet_datapath *dp;
	const char *name;
	json_t *found;
};

static void add_counters(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *s, json_t *backends)
{
	struct ebpfnet_backend_stats b;

	for (size_t i = 0; i < s->n_backends; i++) {
		json_t *o = json_array_get(backends, i), *n;

		if (ebpfnet_service_backend_stats(dp, &s->backends[i], &b, sizeof(b)) < 0)
			continue;
		n = json_pack("{s:I, s:I, s:I, s:[I,I], s:[I,I]}", "connections", (json_int_t)b.connections,
			      "flows", (json_int_t)b.flows, "active", (json_int_t)b.active,
			      "packets", (json_int_t)b.packets[0], (json_int_t)b.packets[1],
			      "bytes", (json_int_t)b.bytes[0], (json_int_t)b.bytes[1]);
		json_object_update(o, n);
		json_decref(n);
	}
}

static int find_one(const struct ebpfnet_service_opts *s, const struct ebpfnet_service_stats *stats, void *userdata)
{
	struct search *y = userdata;
	uint64_t active;
	uint32_t local;

	if (strcmp(s->name, y->name))
		return 0;
	y->found = service_json(s);
	if (!y->found)
		return -ENOMEM;
	add_counters(y->dp, s, json_object_get(y->found, "backends"));
	json_object_set_new(y->found, "stats", service_stats_json(stats));
	if (!ebpfnet_service_active(y->dp, s->name, NULL, &active))
		json_object_set_new(json_object_get(y->found, "stats"), "active_flows", json_integer((json_int_t)active));
	if (s->health_port && !ebpfnet_service_local(y->dp, s->name, &local))
		json_object_set_new(y->found, "local", json_integer(local));
	return 1;
}

json_t *service_show(struct ebpfnet_datapath *dp, const char *name)
{
	struct search y = { .dp = dp, .name = name };

	ebpfnet_service_foreach(dp, find_one, &y);
	return y.found;
}

static int add_brief(const struct ebpfnet_service_opts *s, const struct ebpfnet_service_stats *stats, void *userdata)
{
	return json_array_append_new(userdata, service_brief(s, stats)) ? -ENOMEM : 0;
}

json_t *service_show_all(struct ebpfnet_datapath *dp)
{
	json_t *list = json_array();

	if (ebpfnet_service_foreach(dp, add_brief, list) >= 0)
		return list;
	json_decref(list);
	return NULL;
}

struct totals {
	struct ebpfnet_service_stats stats;
	json_int_t services, frontends, backends;
};

static int add_totals(const struct ebpfnet_service_opts *s, const struct ebpfnet_service_stats *stats, void *userdata)
{
	struct totals *t = userdata;

	t->services++;
	t->frontends += (json_int_t)s->n_frontends;
	t->backends += (json_int_t)s->n_backends;
	t->stats.connections += stats->connections;
	t->stats.no_backend += stats->no_backend;
	t->stats.denied += stats->denied;
	t->stats.flows += stats->flows;
	for (int i = 0; i < 2; i++) {
		t->stats.packets[i] += stats->packets[i];
		t->stats.bytes[i] += stats->bytes[i];
	}
	return 0;
}

json_t *service_totals(struct ebpfnet_datapath *dp)
{
	struct totals t = {};
	json_t *o;

	if (ebpfnet_service_foreach(dp, add_totals, &t) < 0)
		return NULL;
	o = service_stats_json(&t.stats);
	json_object_set_new(o, "services", json_integer(t.services));
	json_object_set_new(o, "frontends", json_integer(t.frontends));
	json_object_set_new(o, "backends", json_integer(t.backends));
	return o;
}
