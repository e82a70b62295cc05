// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tracking.h"

#include "show.h"

static const struct {
	const char *name;
	size_t offset;
} times[] = {
#define TIME(field) { #field, offsetof(struct ebpfnet_ct_config, field) }
	TIME(tcp_new_s), TIME(tcp_established_s), TIME(tcp_half_closed_s), TIME(tcp_closing_s),
	TIME(udp_new_s), TIME(udp_stream_s), TIME(icmp_s), TIME(other_s), TIME(give_up_s),
#undef TIME
};
#define TIMES (sizeof(times) / sizeof(times[0]))

const char *ct_time_name(size_t i)
{
	return i < TIMES ? times[i].name : NULL;
}

uint32_t *ct_time(struct ebpfnet_ct_config *config, size_t i)
{
	return (uint32_t *)(void *)((char *)config + times[i].offset);
}

static int set(json_t *o, const char *key, uint64_t n)
{
	return json_object_set_new(o, key, json_integer((json_int_t)n));
}

json_t *show_ct_config(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_ct_config c = { EBPFNET_OPTS_INIT(c) };
	json_t *o = json_object();

	if (!o || ebpfnet_ct_get_config(dp, &c) < 0) {
		json_decref(o);
		return NULL;
	}
	for (size_t i = 0; i < TIMES; i++)
		set(o, times[i].name, *ct_time(&c, i));
	json_object_set_new(o, "midstream", json_boolean(c.midstream));
	json_object_set_new(o, "cut", json_boolean(c.cut));
	set(o, "quota_percent", c.quota_percent);
	return o;
}

json_t *show_ct_counts(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter)
{
	struct ebpfnet_ct_endpoint_count ep[64];
	json_t *o = json_object(), *states = json_object(), *endpoints = json_array();
	struct ebpfnet_ct_counts c;
	int n;

	if (ebpfnet_ct_count(dp, filter, &c, sizeof(c)) < 0) {
		json_decref(o);
		json_decref(states);
		json_decref(endpoints);
		return NULL;
	}
	set(o, "total", c.total);
	for (uint8_t i = EBPFNET_CT_HALF_OPEN; i <= EBPFNET_CT_HALF_CLOSED; i++)
		set(states, ebpfnet_ct_state_name(i), c.state[i]);
	json_object_set_new(o, "states", states);
	set(o, "ipv4", c.ipv4);
	set(o, "ipv6", c.ipv6);
	set(o, "tcp", c.tcp);
	set(o, "udp", c.udp);
	set(o, "icmp", c.icmp);
	set(o, "sctp", c.sctp);
	set(o, "other", c.other);
	set(o, "expired", c.expired);
	n = ebpfnet_ct_count_endpoints(dp, filter, ep, sizeof(ep) / sizeof(ep[0]));
	/* a summary: who has more endpoints asks for one with endpoint_id */
	for (int i = 0; i < n && i < (int)(sizeof(ep) / sizeof(ep[0])); i++)
		json_array_append_new(endpoints, json_pack("{s:i, s:I, s:I, s:I}", "endpoint_id", ep[i].endpoint,
							   "begun", (json_int_t)ep[i].begun, "answered",
							   (json_int_t)ep[i].answered, "half_open",
							   (json_int_t)ep[i].half_open));
	json_object_set_new(o, "endpoints", endpoints);
	return o;
}

static json_t *show_table(const struct ebpfnet_ct_table_pressure *p)
{
	json_t *o = json_object(), *sets = json_array();

	set(o, "places", p->places);
	set(o, "live", p->live);
	set(o, "dead", p->dead);
	set(o, "claimed", p->claimed);
	set(o, "promille", p->promille);
	json_object_set_new(o, "level", json_string(ebpfnet_ct_level_name(p->level)));
	set(o, "quota", p->quota);
	set(o, "over_quota", p->over_quota);
	set(o, "sets", p->sets);
	for (size_t i = 0; i < sizeof(p->free) / sizeof(p->free[0]); i++)
		json_array_append_new(sets, json_integer((json_int_t)p->free[i]));
	json_object_set_new(o, "sets_by_free_places", sets);
	return o;
}

json_t *show_ct_pressure(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_ct_pressure p;
	json_t *o;

	if (ebpfnet_ct_get_pressure(dp, &p, sizeof(p)) < 0)
		return NULL;
	o = json_object();
	set(o, "created", p.created);
	set(o, "taken_expired", p.taken_expired);
	set(o, "evicted", p.evicted);
	set(o, "refused", p.refused);
	set(o, "refused_quota", p.refused_quota);
	set(o, "unrecorded", p.unrecorded);
	set(o, "retried", p.retried);
	set(o, "rechecked", p.rechecked);
	set(o, "moved", p.moved);
	json_object_set_new(o, "ipv4", show_table(&p.ipv4));
	json_object_set_new(o, "ipv6", show_table(&p.ipv6));
	return o;
}
