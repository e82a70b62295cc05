// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * ebpfnet-ipam: a CNI plugin that only gives addresses, for other plugins that make the interface: out of the pools of an
 * agent. An attachment owns its addresses by the name "cni/NETWORK/CONTAINER:INTERFACE".
 */
#include "cni.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "cni/", "/" and the longest name of an attachment come to it, and an owner has at most 255 bytes. */
#define NETWORK_MAX 180

struct ipam {
	struct cni c;
	char owner[256];
	json_t *routes;		/* of the configuration, or NULL */
};

static int read_routes(struct ipam *m, const json_t *ipam)
{
	json_t *list = cni_member(ipam, "routes"), *v;
	size_t i;

	if (list && !json_is_array(list))
		return cni_fail(&m->c, CNI_INVALID_CONFIG, "invalid \"ipam.routes\": a list is expected");
	json_array_foreach(list, i, v) {
		const char *dst = json_string_value(cni_member(v, "dst"));
		struct ebpfnet_prefix prefix;

		if (!dst || ebpfnet_prefix_parse(dst, &prefix) < 0)
			return cni_fail(&m->c, CNI_INVALID_CONFIG, "invalid \"ipam.routes\": a prefix \"dst\" is expected");
	}
	m->routes = list;
	return 0;
}

static int read_conf(struct ipam *m)
{
	static const char *const known[] = { "type", "socket", "spool", "pool", "routes", NULL };
	struct cni *c = &m->c;
	json_t *ipam, *v;
	const char *key;

	if (cni_read_document(c) < 0)
		return -1;
	if (strlen(c->network) > NETWORK_MAX)
		return cni_fail(c, CNI_INVALID_CONFIG, "the network's name is longer than %d bytes", NETWORK_MAX);
	ipam = cni_member(c->conf, "ipam");
	if (!json_is_object(ipam))
		return cni_fail(c, CNI_INVALID_CONFIG, "missing \"ipam\": an object is expected");
	json_object_foreach(ipam, key, v)
		if (!cni_is_one_of(key, known))
			return cni_unsupported(c, key, v, "");
	c->prev = cni_member(c->conf, "prevResult");
	snprintf(m->owner, sizeof(m->owner), "cni/%s/%s", c->network, c->endpoint);
	v = cni_member(cni_member(c->conf, "args"), "cni");
	if (cni_read_paths(c, ipam) < 0 || read_routes(m, ipam) < 0 || cni_read_ips(c, "args.cni.ips", cni_member(v, "ips")) < 0)
		return -1;
	v = cni_member(cni_member(c->conf, "runtimeConfig"), "ips");
	return cni_read_ips(c, "runtimeConfig.ips", v);
}

static void put_wanted(json_t *list, const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return;
	ebpfnet_addr_format(addr, text, sizeof(text));
	json_array_append_new(list, json_string(text));
}

/* A family of the agent's answer in the form of the version. */
static void put_ip(const struct ipam *m, json_t *result, const json_t *lease, bool four)
{
	const json_t *family = json_object_get(lease, four ? "ipv4" : "ipv6");
	const char *address = json_string_value(json_object_get(family, "address"));
	json_t *gateway = json_object_get(family, "gateway"), *ip;
	bool old = m->c.spec <= SPEC_0_2_0;
	char text[EBPFNET_ADDR_STRLEN + 8];

	if (!address)
		return;
	snprintf(text, sizeof(text), "%.45s/%d", address, (int)json_integer_value(json_object_get(family, "prefix")));
	ip = json_pack("{s:s, s:O*}", old ? "ip" : "address", text, "gateway", gateway);
	if (old) {
		json_object_set_new(result, four ? "ip4" : "ip6", ip);
		return;
	}
	if (m->c.spec < SPEC_1_0_0)
		json_object_set_new(ip, "version", json_string(four ? "4" : "6"));
	json_array_append_new(json_object_get(result, "ips"), ip);
}

/* Before 0.3 each family has its routes in itself. */
static void put_routes(const struct ipam *m, json_t *result)
{
	size_t i;
	json_t *v;

	if (m->c.spec > SPEC_0_2_0) {
		json_object_set_new(result, "routes", m->routes ? json_incref(m->routes) : json_array());
		return;
	}
	json_array_foreach(m->routes, i, v) {
		const char *dst = json_string_value(cni_member(v, "dst"));
		json_t *ip = json_object_get(result, dst && strchr(dst, ':') ? "ip6" : "ip4");

		if (ip && !json_object_get(ip, "routes"))
			json_object_set_new(ip, "routes", json_array());
		json_array_append(json_object_get(ip, "routes"), v);
	}
}

static int add(struct ipam *m, json_t **ret)
{
	json_t *params = json_pack("{s:s, s:s, s:[]}", "owner", m->owner, "pool", m->c.pool, "addresses"), *lease = NULL;
	int err;

	put_wanted(json_object_get(params, "addresses"), &m->c.want4);
	put_wanted(json_object_get(params, "addresses"), &m->c.want6);
	err = cni_call(&m->c, "ipam.allocate", params, &lease);
	if (err < 0)
		return cni_refused(&m->c, err, "no address can be given");
	*ret = json_pack("{s:s, s:{}}", "cniVersion", m->c.version, "dns");
	if (m->c.spec > SPEC_0_2_0)
		json_object_set_new(*ret, "ips", json_array());
	put_ip(m, *ret, lease, true);
	put_ip(m, *ret, lease, false);
	put_routes(m, *ret);
	json_decref(lease);
	return 0;
}

static int del(struct ipam *m)
{
	int err = cni_call(&m->c, "ipam.release", json_pack("{s:s}", "owner", m->owner), NULL);

	*m->c.details = '\0';
	if (!err || err == -ENOENT)
		return 0;
	if (err == -ECONNREFUSED)
		return cni_spool(&m->c, CNI_SPOOL_ADDRESSES, m->owner);
	return cni_refused(&m->c, err, "the addresses cannot be released");
}

/* Has the lease this address of the result? One of a family that the result does not name is no matter. */
static int check_family(struct ipam *m, const json_t *lease, const struct ebpfnet_addr *addr, const char *family)
{
	const char *has = json_string_value(json_object_get(json_object_get(lease, family), "address"));
	struct ebpfnet_addr leased;

	if (!ebpfnet_addr_family(addr))
		return 0;
	if (has && !ebpfnet_addr_parse(has, &leased) && !memcmp(&leased, addr, sizeof(leased)))
		return 0;
	return cni_fail(&m->c, CNI_CHECK_FAILED, "check: %s has %s%s, not the result's address", m->c.ifname,
			has ? "the address " : "no address of this family", has ? has : "");
}

static int check(struct ipam *m)
{
	struct cni_result r = { .mtu = 0 };
	json_t *lease = NULL;
	int err = cni_call(&m->c, "ipam.get", json_pack("{s:s}", "owner", m->owner), &lease);

	if (err == -ENOENT)
		return cni_fail(&m->c, CNI_UNKNOWN_CONTAINER, "the agent has given %s no address", m->c.endpoint);
	if (err < 0)
		return cni_refused(&m->c, err, "the addresses cannot be looked at");
	err = m->c.prev ? cni_result_read(&m->c, m->c.prev, m->c.ifname, &r) : 0;
	if (!err && (check_family(m, lease, &r.addr4, "ipv4") < 0 || check_family(m, lease, &r.addr6, "ipv6") < 0))
		err = -1;
	json_decref(lease);
	return err;
}

static int gc(struct ipam *m)
{
	json_t *valid = NULL, *live = json_array(), *unused;
	char prefix[256], owner[256];
	const char *endpoint;
	int err = cni_valid_attachments(&m->c, &valid);

	json_object_foreach(valid, endpoint, unused) {
		snprintf(owner, sizeof(owner), "cni/%s/%s", m->c.network, endpoint);
		json_array_append_new(live, json_string(owner));
	}
	json_decref(valid);
	if (err < 0) {
		json_decref(live);
		return err;
	}
	snprintf(prefix, sizeof(prefix), "cni/%s/", m->c.network);
	err = cni_call(&m->c, "ipam.collect", json_pack("{s:s, s:o}", "prefix", prefix, "live", live), NULL);
	return err < 0 ? cni_refused(&m->c, err, "addresses cannot be collected") : 0;
}

static int run(struct ipam *m, json_t **result)
{
	if (cni_read_args(&m->c) < 0 || read_conf(m) < 0)
		return -1;
	switch (m->c.command) {
	case CNI_ADD:
		return add(m, result);
	case CNI_DEL:
		return del(m);
	case CNI_CHECK:
		return check(m);
	case CNI_GC:
		return gc(m);
	default:
		return cni_pool_has_room(&m->c);
	}
}

int main(int argc, char **argv)
{
	struct ipam m = { .c = { .netns_fd = -1 } };
	json_t *result = NULL;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		puts("ebpfnet-ipam: a CNI plugin that gives addresses, run by other plugins with CNI_COMMAND in the\n"
		     "environment and a network configuration on standard input; see ebpfnet-ipam(8).\n\n"
		     "  -V, --version   print the version and exit\n"
		     "  -h, --help      print this and exit");
		return 0;
	}
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		printf("ebpfnet-ipam %s\n", ebpfnet_version());
		return 0;
	}
	if (!getenv("CNI_COMMAND"))
		return cni_say_what("ebpfnet-ipam");
	/* keys of objects in a fixed order of hashes */
	json_object_seed(1);
	if (cni_read_environment(&m.c) < 0)
		return cni_print_error(&m.c);
	if (m.c.command == CNI_GET_VERSION)
		return cni_print_version() < 0;
	if (run(&m, &result) < 0)
		return cni_print_error(&m.c);
	return result && cni_print(result) < 0;
}
