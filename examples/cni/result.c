// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Results in the form of each version of the specification. */
#include "cni.h"

#include <stdio.h>
#include <string.h>

static json_t *mac_json(const struct ebpfnet_mac *mac)
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1], mac->b[2], mac->b[3],
		 mac->b[4], mac->b[5]);
	return json_string(text);
}

static json_t *addr_json(const struct ebpfnet_addr *addr, const char *suffix)
{
	char text[EBPFNET_ADDR_STRLEN + 4];
	int len = ebpfnet_addr_format(addr, text, EBPFNET_ADDR_STRLEN);

	snprintf(text + len, sizeof(text) - (size_t)len, "%s", suffix);
	return json_string(text);
}

static json_t *route_json(const struct ebpfnet_addr *gateway)
{
	return json_pack("{s:s, s:o}", "dst", ebpfnet_addr_family(gateway) == 4 ? "0.0.0.0/0" : "::/0", "gw",
			 addr_json(gateway, ""));
}

/* An address is alone in its prefix: everything else is behind the gateway. */
static json_t *ip_json(const struct cni *c, const struct ebpfnet_addr *addr, const struct ebpfnet_addr *gateway)
{
	bool four = ebpfnet_addr_family(addr) == 4, old = c->spec <= SPEC_0_2_0;
	json_t *o = json_pack("{s:o}", old ? "ip" : "address", addr_json(addr, four ? "/32" : "/128"));

	if (ebpfnet_addr_family(gateway))
		json_object_set_new(o, "gateway", addr_json(gateway, ""));
	if (old && ebpfnet_addr_family(gateway))
		json_object_set_new(o, "routes", json_pack("[o]", route_json(gateway)));
	if (old)
		return o;
	if (c->spec < SPEC_1_0_0)
		json_object_set_new(o, "version", json_string(four ? "4" : "6"));
	json_object_set_new(o, "interface", json_integer(1));
	return o;
}

static json_t *interfaces_json(const struct cni *c, const struct cni_result *r)
{
	json_t *host = json_pack("{s:s, s:o}", "name", r->host, "mac", mac_json(&r->host_mac));
	json_t *inside = json_pack("{s:s, s:o, s:s}", "name", c->ifname, "mac", mac_json(&r->mac), "sandbox", c->netns);

	if (c->spec >= SPEC_1_1_0) {
		json_object_set_new(host, "mtu", json_integer(r->mtu));
		json_object_set_new(inside, "mtu", json_integer(r->mtu));
	}
	return json_pack("[o, o]", host, inside);
}

json_t *cni_result_json(const struct cni *c, const struct cni_result *r)
{
	bool four = ebpfnet_addr_family(&r->addr4), six = ebpfnet_addr_family(&r->addr6);
	json_t *o = json_pack("{s:s}", "cniVersion", c->version), *ips, *routes;

	if (c->dns && json_object_size(c->dns)) {
		/* the capability calls them otherwise than the result */
		json_t *dns = json_object(), *servers = cni_member(c->dns, "servers"), *search = cni_member(c->dns, "searches");
		const char *key;
		json_t *v;

		json_object_foreach(c->dns, key, v)
			if (v != servers && v != search)
				json_object_set(dns, key, v);
		if (servers)
			json_object_set(dns, "nameservers", servers);
		if (search)
			json_object_set(dns, "search", search);
		json_object_set_new(o, "dns", dns);
	} else {
		json_object_set_new(o, "dns", json_object());
	}
	if (c->spec <= SPEC_0_2_0) {
		if (four)
			json_object_set_new(o, "ip4", ip_json(c, &r->addr4, &r->gateway4));
		if (six)
			json_object_set_new(o, "ip6", ip_json(c, &r->addr6, &r->gateway6));
		return o;
	}
	ips = json_array();
	routes = json_array();
	if (four)
		json_array_append_new(ips, ip_json(c, &r->addr4, &r->gateway4));
	if (six)
		json_array_append_new(ips, ip_json(c, &r->addr6, &r->gateway6));
	if (ebpfnet_addr_family(&r->gateway4))
		json_array_append_new(routes, route_json(&r->gateway4));
	if (ebpfnet_addr_family(&r->gateway6))
		json_array_append_new(routes, route_json(&r->gateway6));
	json_object_set_new(o, "interfaces", interfaces_json(c, r));
	json_object_set_new(o, "ips", ips);
	json_object_set_new(o, "routes", routes);
	return o;
}

/* ---- results of others */

static int read_ip(struct cni *c, const json_t *ip, const char *key, struct cni_result *ret)
{
	const char *text = json_string_value(cni_member(ip, key));
	const char *gateway = json_string_value(cni_member(ip, "gateway"));
	struct ebpfnet_addr addr, via = { { 0 } };
	char buf[EBPFNET_ADDR_STRLEN];
	size_t len = text ? strcspn(text, "/") : sizeof(buf);

	if (len >= sizeof(buf))
		return cni_fail(c, CNI_DECODE, "a result has an address that is none");
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (ebpfnet_addr_parse(buf, &addr) < 0 || (gateway && *gateway && ebpfnet_addr_parse(gateway, &via) < 0))
		return cni_fail(c, CNI_DECODE, "a result has an address that is none: \"%.64s\"", text);
	/* of several the first: an endpoint has one of each family */
	if (ebpfnet_addr_family(&addr) == 4 && !ebpfnet_addr_family(&ret->addr4)) {
		ret->addr4 = addr;
		ret->gateway4 = ebpfnet_addr_family(&via) == 4 ? via : ret->gateway4;
	} else if (ebpfnet_addr_family(&addr) == 6 && !ebpfnet_addr_family(&ret->addr6)) {
		ret->addr6 = addr;
		ret->gateway6 = ebpfnet_addr_family(&via) == 6 ? via : ret->gateway6;
	}
	return 0;
}

static bool is_inside(const json_t *interface, const char *ifname)
{
	const char *name = json_string_value(cni_member(interface, "name"));
	const char *sandbox = json_string_value(cni_member(interface, "sandbox"));

	return name && sandbox && *sandbox && !strcmp(name, ifname);
}

bool cni_result_has_interface(const json_t *result, const char *ifname)
{
	json_t *list = cni_member(result, "interfaces"), *v;
	size_t i;

	json_array_foreach(list, i, v)
		if (is_inside(v, ifname))
			return true;
	return false;
}

int cni_result_read(struct cni *c, const json_t *result, const char *ifname, struct cni_result *ret)
{
	json_t *interfaces = cni_member(result, "interfaces"), *ips = cni_member(result, "ips"), *v, *n;
	const json_t *ip4 = cni_member(result, "ip4"), *ip6 = cni_member(result, "ip6");
	size_t i;

	if ((ip4 && read_ip(c, ip4, "ip", ret) < 0) || (ip6 && read_ip(c, ip6, "ip", ret) < 0))
		return -1;
	json_array_foreach(ips, i, v) {
		n = cni_member(v, "interface");
		if (ifname && json_is_integer(n) && json_array_size(interfaces) &&
		    (json_integer_value(n) < 0 ||
		     !is_inside(json_array_get(interfaces, (size_t)json_integer_value(n)), ifname)))
			continue;
		if (read_ip(c, v, "address", ret) < 0)
			return -1;
	}
	return 0;
}
