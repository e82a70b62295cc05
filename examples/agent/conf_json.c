// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conf.h"
#include "../common/tracking.h"

#include <stdio.h>
#include <string.h>

static const char *source_name(enum conf_source source)
{
	return source == CONF_FILE ? "file" : "socket";
}

/* Appends the text of an address that is set. */
static int append_addr(json_t *list, const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return 0;
	ebpfnet_addr_format(addr, text, sizeof(text));
	return json_array_append_new(list, json_string(text));
}

static json_t *addr_list(const struct ebpfnet_addr *a, const struct ebpfnet_addr *b)
{
	json_t *list = json_array();

	if (!list || append_addr(list, a) || append_addr(list, b)) {
		json_decref(list);
		return NULL;
	}
	return list;
}

/* The canonical form without its last ';' is what ebpfnet_labels_parse() reads. */
json_t *conf_labels_json(const struct ebpfnet_labels *labels)
{
	const char *text = ebpfnet_labels_format(labels);
	size_t len = strlen(text);

	return json_stringn(text, len ? len - 1 : 0);
}

static void set_bits(json_t *o, const char *key, uint64_t bits)
{
	if (bits)
		json_object_set_new(o, key, json_integer((json_int_t)bits));
}

json_t *conf_endpoint_json(const struct conf_endpoint *ep)
{
	static const struct ebpfnet_mac none;
	json_t *flags = json_array(), *o;
	char mac[18];

	if (ep->flags & EBPFNET_ENDPOINT_AUDIT)
		json_array_append_new(flags, json_string("audit"));
	if (ep->flags & EBPFNET_ENDPOINT_NO_REDIRECT)
		json_array_append_new(flags, json_string("no-redirect"));
	o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "name", ep->name, "device", ep->device,
		      "addresses", addr_list(&ep->addr4, &ep->addr6),
		      "gateways", addr_list(&ep->gateway4, &ep->gateway6),
		      "labels", conf_labels_json(ep->labels), "flags", flags);
	if (!o)
		return NULL;
	if (memcmp(&ep->mac, &none, sizeof(none))) {
		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", ep->mac.b[0], ep->mac.b[1],
			 ep->mac.b[2], ep->mac.b[3], ep->mac.b[4], ep->mac.b[5]);
		json_object_set_new(o, "mac", json_string(mac));
	}
	if (ep->id)
		json_object_set_new(o, "id", json_integer(ep->id));
	if (ep->pool)
		json_object_set_new(o, "pool", json_string(ep->pool));
	set_bits(o, "tx_rate", ep->rates.tx_bits);
	set_bits(o, "tx_burst", ep->rates.tx_burst);
	set_bits(o, "rx_rate", ep->rates.rx_bits);
	set_bits(o, "rx_burst", ep->rates.rx_burst);
	json_object_set_new(o, "source", json_string(source_name(ep->source)));
	return o;
}

json_t *conf_policy_json(const struct conf_policy *policy, bool with_text)
{
	json_t *o = json_pack("{s:s, s:s}", "name", policy->name, "source",
			      source_name(policy->source));

	if (o && policy->path) {
		json_object_set_new(o, "file", json_string(policy->path));
		json_object_set_new(o, "line", json_integer(policy->line));
	}
	if (o && with_text)
		json_object_set_new(o, "text", json_stringn(policy->text, policy->len));
	return o;
}

json_t *conf_address_json(const struct conf_address *address)
{
	char text[EBPFNET_PREFIX_STRLEN];

	ebpfnet_prefix_format(&address->prefix, text, sizeof(text));
	return json_pack("{s:s, s:o, s:s}", "address", text, "labels", conf_labels_json(address->labels),
			 "source", source_name(address->source));
}

json_t *conf_service_json(const struct conf_service *service)
{
	json_t *o = json_copy(service->spec);

	if (o)
		json_object_set_new(o, "source", json_string(source_name(service->source)));
	return o;
}

static json_t *device_json(const struct conf_device *device)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "device", device->name, "role",
			      device->role == EBPFNET_ROLE_WATCH ? "watch" : "netdev", "source",
			      source_name(device->source));

	if (o && device->pacing != EBPFNET_PACING_AUTO)
		json_object_set_new(o, "pacing", json_string(conf_pacing_name(device->pacing)));
	if (o && device->masquerade.on)
		json_object_set_new(o, "masquerade", conf_masquerade_json(&device->masquerade));
	return o;
}

static json_t *tracking_json(const struct ebpfnet_ct_config *tracking)
{
	struct ebpfnet_ct_config c = *tracking;
	json_t *o = json_object();

	for (size_t i = 0; ct_time_name(i); i++)
		if (*ct_time(&c, i))
			json_object_set_new(o, ct_time_name(i), json_integer(*ct_time(&c, i)));
	json_object_set_new(o, "midstream", json_boolean(c.midstream));
	json_object_set_new(o, "cut", json_boolean(c.cut));
	json_object_set_new(o, "quota_percent", json_integer(c.quota_percent));
	return o;
}

static json_t *node_json(const struct conf_node *node)
{
	json_t *tracking = node->tracking.sz ? tracking_json(&node->tracking) : NULL;

	return json_pack("{s:s*, s:s, s:s*, s:s*, s:I, s:I, s:I, s:I, s:I, s:I, s:o*, s:s*, s:O*, s:O*, s:O*, s:O*}", "name",
			 node->name, "datapath", node->datapath, "pin_dir", node->pin_dir, "state_dir", node->state_dir,
			 "flows4", (json_int_t)node->flows4, "flows6", (json_int_t)node->flows6,
			 "table_bytes", (json_int_t)node->table_bytes,
			 "ring_bytes", (json_int_t)node->ring_bytes,
			 "max_endpoints", (json_int_t)node->endpoints,
			 "history", (json_int_t)node->history, "tracking", tracking, "zone", node->zone,
			 "addresses", node->addresses, "cgroups", node->cgroups, "source", node->source, "xdp",
			 node->xdp);
}

static void append(json_t *list, json_t *item, bool with_source)
{
	if (!with_source)
		json_object_del(item, "source");
	json_array_append_new(list, item);
}

json_t *conf_json(const struct conf *conf, bool with_source, int only_source)
{
	json_t *devices = json_array(), *endpoints = json_array(), *policies = json_array();
	json_t *addresses = json_array(), *services = json_array();

	for (size_t i = 0; i < conf->n_devices; i++)
		if (only_source < 0 || (int)conf->devices[i].source == only_source)
			append(devices, device_json(&conf->devices[i]), with_source);
	for (size_t i = 0; i < conf->n_endpoints; i++)
		if (only_source < 0 || (int)conf->endpoints[i].source == only_source)
			append(endpoints, conf_endpoint_json(&conf->endpoints[i]), with_source);
	for (size_t i = 0; i < conf->n_policies; i++) {
		json_t *p;

		if (only_source >= 0 && (int)conf->policies[i].source != only_source)
			continue;
		p = conf_policy_json(&conf->policies[i], true);
		if (!with_source) {
			json_object_del(p, "name");
			json_object_del(p, "file");
			json_object_del(p, "line");
		}
		append(policies, p, with_source);
	}
	for (size_t i = 0; i < conf->n_addresses; i++)
		if (only_source < 0 || (int)conf->addresses[i].source == only_source)
			append(addresses, conf_address_json(&conf->addresses[i]), with_source);
	for (size_t i = 0; i < conf->n_services; i++)
		if (only_source < 0 || (int)conf->services[i].source == only_source)
			append(services, conf_service_json(&conf->services[i]), with_source);
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:O*, s:O*, s:O*, s:O*, s:O*, s:O*}", "version", 1, "node",
			 node_json(&conf->node), "devices", devices, "endpoints", endpoints,
			 "policies", policies, "addresses", addresses, "services", services,
			 "ipam", only_source == CONF_SOCKET ? NULL : conf->ipam,
			 "cni", only_source == CONF_SOCKET ? NULL : conf->cni,
			 "overlay", only_source == CONF_SOCKET ? NULL : conf->overlay,
			 "host", only_source == CONF_SOCKET ? NULL : conf->host,
			 "egress", only_source == CONF_SOCKET ? NULL : conf->egress,
			 "nodes", only_source == CONF_SOCKET ? NULL : conf->nodes);
}
