// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "show.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *show_verdict(enum ebpfnet_verdict verdict)
{
	switch (verdict) {
	case EBPFNET_VERDICT_DENY:
		return "deny";
	case EBPFNET_VERDICT_ALLOW:
		return "allow";
	case EBPFNET_VERDICT_REDIRECT:
		return "redirect";
	case EBPFNET_VERDICT_AUDIT:
		return "audit";
	case EBPFNET_VERDICT_AUTH:
		return "auth";
	case EBPFNET_VERDICT_PASS:
		return "pass";
	}
	return "?";
}

const char *show_protocol(uint8_t protocol, char buf[8])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	}
	snprintf(buf, 8, "%u", protocol);
	return buf;
}

static int set_count(json_t *o, const char *key, uint64_t n)
{
	return json_object_set_new(o, key, json_integer((json_int_t)n));
}

/* How limits are kept on node devices. */
static int add_pacing(const struct ebpfnet_pacing_info *info, void *userdata)
{
	return *info->device ? json_object_set_new(userdata, info->device, json_string(info->paced ? "fq" : "police")) : 0;
}

json_t *show_status(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_datapath_status st = {};
	json_t *o, *pacing;

	if (ebpfnet_datapath_status(dp, &st, sizeof(st)) < 0)
		return NULL;
	o = json_pack("{s:s, s:s, s:s, s:b}", "name", st.name, "version", st.version, "programs",
		      st.program_tag, "loaded", st.loaded);
	if (!o)
		return NULL;
	set_count(o, "generation", st.generation);
	set_count(o, "adoptions", st.adoptions);
	set_count(o, "endpoints", st.endpoints);
	set_count(o, "devices", st.devices);
	set_count(o, "tcx_links", st.tcx_links);
	set_count(o, "retired", st.retired);
	set_count(o, "table_bytes", st.table_bytes);
	set_count(o, "table_used", st.table_used);
	set_count(o, "flows4", st.flows4);
	set_count(o, "flows4_max", st.flows4_max);
	set_count(o, "flows6", st.flows6);
	set_count(o, "flows6_max", st.flows6_max);
	set_count(o, "memory", st.memory);
	set_count(o, "events_lost", st.events_lost);
	set_count(o, "unrecorded", st.unrecorded);
	pacing = json_object();
	ebpfnet_datapath_foreach_pacing(dp, add_pacing, pacing);
	json_object_set_new(o, "pacing", pacing);
	return o;
}

json_t *show_drops(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_drop_stat stats[256];
	int n = ebpfnet_datapath_drops(dp, stats, sizeof(stats) / sizeof(stats[0]));
	json_t *list = json_array();

	if (n > (int)(sizeof(stats) / sizeof(stats[0])))
		n = sizeof(stats) / sizeof(stats[0]);
	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}",
			"reason", ebpfnet_reason_name(stats[i].reason),
			"text", ebpfnet_reason_text(stats[i].reason),
			"packets", (json_int_t)stats[i].packets, "bytes", (json_int_t)stats[i].bytes));
	return list;
}

static int append_addr(json_t *list, const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return 0;
	ebpfnet_addr_format(addr, text, sizeof(text));
	return json_array_append_new(list, json_string(text));
}

json_t *show_endpoint(struct ebpfnet_endpoint *ep)
{
	static const char *const attached[] = { "no", "clsact", "tcx" };
	struct ebpfnet_endpoint_info info = {};
	struct ebpfnet_endpoint_stats st = {};
	json_t *o, *addresses, *gateways, *stats;
	const char *where;

	if (ebpfnet_endpoint_get_info(ep, &info, sizeof(info)) < 0)
		return NULL;
	addresses = json_array();
	append_addr(addresses, &info.addr4);
	append_addr(addresses, &info.addr6);
	gateways = json_array();
	append_addr(gateways, &info.gateway4);
	append_addr(gateways, &info.gateway6);
	where = info.attached < 3 ? attached[info.attached] : "?";
	if (info.flags & EBPFNET_ENDPOINT_HOST)
		where = "host";
	o = json_pack("{s:s, s:i, s:s, s:i, s:I, s:s, s:s, s:o, s:o}", "name", info.name, "id", info.id,
		      "device", info.device, "ifindex", info.ifindex, "identity",
		      (json_int_t)info.identity, "labels", info.labels, "attached",
		      where, "addresses", addresses, "gateways", gateways);
	if (!o || ebpfnet_endpoint_get_stats(ep, &st, sizeof(st)) < 0)
		return o;
	stats = json_object();
	set_count(stats, "tx_packets", st.tx_packets);
	set_count(stats, "tx_bytes", st.tx_bytes);
	set_count(stats, "tx_dropped", st.tx_dropped);
	set_count(stats, "rx_packets", st.rx_packets);
	set_count(stats, "rx_bytes", st.rx_bytes);
	set_count(stats, "rx_dropped", st.rx_dropped);
	set_count(stats, "flows_begun", st.flows_begun);
	set_count(stats, "flows_answered", st.flows_answered);
	json_object_set_new(o, "stats", stats);
	return o;
}

const char *ct_event_name(unsigned int type)
{
	static const char *const names[] = { "?", "new", "update", "destroy" };

	return names[type <= EBPFNET_CT_EVENT_DESTROY ? type : 0];
}

json_t *show_ct(const struct ebpfnet_ct_entry *e)
{
	static const struct { uint32_t bit; const char *name; } names[] = {
		{ EBPFNET_CT_F_PROVEN, "proven" }, { EBPFNET_CT_F_AUDIT, "audit" },
		{ EBPFNET_CT_F_REDIRECT, "redirect" }, { EBPFNET_CT_F_PICKED_UP, "picked-up" },
		{ EBPFNET_CT_F_FIN_INITIATOR, "fin-initiator" },
		{ EBPFNET_CT_F_FIN_RESPONDER, "fin-responder" }, { EBPFNET_CT_F_NAT, "nat" }, { EBPFNET_CT_F_SERVICE, "service" },
	};
	json_t *flags;
	char src[EBPFNET_ADDR_STRLEN], dst[EBPFNET_ADDR_STRLEN], number[8];
	json_t *o;

	ebpfnet_addr_format(&e->src, src, sizeof(src));
	ebpfnet_addr_format(&e->dst, dst, sizeof(dst));
	o = json_pack("{s:s, s:i, s:s, s:i, s:s, s:s, s:i, s:i}", "src", src, "sport", e->sport,
		      "dst", dst, "dport", e->dport, "protocol", show_protocol(e->protocol, number),
		      "state", ebpfnet_ct_state_name(e->state), "src_endpoint", e->src_ep,
		      "dst_endpoint", e->dst_ep);
	if (!o)
		return NULL;
	set_count(o, "zone", e->zone);
	set_count(o, "rule", e->rule);
	json_object_set_new(o, "packets", json_pack("[I, I]", (json_int_t)e->packets[0],
						    (json_int_t)e->packets[1]));
	json_object_set_new(o, "bytes", json_pack("[I, I]", (json_int_t)e->bytes[0],
						  (json_int_t)e->bytes[1]));
	set_count(o, "idle_ms", e->idle_ms);
	set_count(o, "age_ms", e->age_ms);
	set_count(o, "src_identity", e->src_identity);
	set_count(o, "dst_identity", e->dst_identity);
	flags = json_array();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (e->flags & names[i].bit)
			json_array_append_new(flags, json_string(names[i].name));
	json_object_set_new(o, "flags", flags);
	if (e->flags & EBPFNET_CT_F_NAT && ebpfnet_addr_family(&e->nat_addr)) {
		ebpfnet_addr_format(&e->nat_addr, src, sizeof(src));
		json_object_set_new(o, "nat", json_pack("{s:s, s:i}", "address", src, "port", e->nat_port));
	}
	return o;
}

json_t *show_prefix(const struct ebpfnet_nat_prefix *prefix)
{
	char text[EBPFNET_ADDR_STRLEN], all[EBPFNET_ADDR_STRLEN + 4];

	if (ebpfnet_addr_family(&prefix->addr))
		ebpfnet_addr_format(&prefix->addr, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "::");
	snprintf(all, sizeof(all), "%s/%u", text, prefix->len);
	return json_string(all);
}

static json_t *show_addr_or_null(const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return json_null();
	ebpfnet_addr_format(addr, text, sizeof(text));
	return json_string(text);
}

static json_t *show_nat_stats(const struct ebpfnet_nat_stats *st)
{
	return json_pack("{s:I, s:I, s:I, s:i, s:b, s:o, s:i, s:i}", "in_use", (json_int_t)st->in_use, "range",
			 (json_int_t)st->range, "fullest", (json_int_t)st->fullest, "fullest_percent",
			 st->fullest_percent, "warn", st->warn, "fullest_address", show_addr_or_null(&st->fullest_addr),
			 "fullest_port", st->fullest_port, "fullest_protocol", st->fullest_protocol);
}

struct nat_list {
	struct ebpfnet_datapath *dp;
	json_t *list;
};

static int add_nat(const struct ebpfnet_nat_info *info, void *userdata)
{
	struct nat_list *all = userdata;
	struct ebpfnet_nat_stats st = {};
	json_t *keep = json_array(), *o;
	char ports[16];

	for (uint32_t i = 0; i < info->n_keep; i++)
		json_array_append_new(keep, show_prefix(&info->keep[i]));
	snprintf(ports, sizeof(ports), "%u-%u", info->port_min, info->port_max);
	o = json_pack("{s:s, s:I, s:b, s:o, s:o, s:s, s:o}", "device", info->device, "ifindex", (json_int_t)info->ifindex,
		      "attached", info->attached, "address4", show_addr_or_null(&info->addr4), "address6",
		      show_addr_or_null(&info->addr6), "ports", ports, "keep", keep);
	if (*info->device && !ebpfnet_nat_stats(all->dp, info->device, &st, sizeof(st)))
		json_object_update_new(o, show_nat_stats(&st));
	return json_array_append_new(all->list, o) ? -ENOMEM : 0;
}

json_t *show_nat(struct ebpfnet_datapath *dp)
{
	struct nat_list all = { dp, json_array() };

	if (all.list && ebpfnet_nat_foreach(dp, add_nat, &all) >= 0)
		return all.list;
	json_decref(all.list);
	return NULL;
}

json_t *show_identity(uint32_t identity, const char *labels, uint32_t refs)
{
	return json_pack("{s:I, s:s, s:I}", "identity", (json_int_t)identity, "labels", labels,
			 "references", (json_int_t)refs);
}
