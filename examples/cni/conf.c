// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "cni.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int unknown_keys(struct cni *c)
{
	static const char *const known[] = {
		"cniVersion", "cniVersions", "name", "type", "args", "ipMasq", "ipam", "dns", "capabilities", "runtimeConfig",
		"prevResult", "cni.dev/valid-attachments", "cni.dev/attachments", "socket", "spool", "pool", "mtu", "device",
		"labels", "namespace", "podNameLabel", "standalone", NULL
	};
	const char *key;
	json_t *value;

	json_object_foreach(c->conf, key, value) {
		if (!cni_is_one_of(key, known))
			return cni_unsupported(c, key, value, "");
		if (!strcasecmp(key, "ipMasq") && json_is_true(value))
			return cni_unsupported(c, key, value, "the plugin sets up no masquerading");
	}
	return 0;
}

static int read_ipam(struct cni *c)
{
	json_t *ipam = cni_member(c->conf, "ipam"), *type = cni_member(ipam, "type");

	if (!ipam || (json_is_object(ipam) && !json_object_size(ipam)))
		return 0;
	if (!json_is_object(ipam) || !json_is_string(type) || !*json_string_value(type))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"ipam\": a type is expected");
	c->ipam_type = json_string_value(type);
	if (strchr(c->ipam_type, '/') || !strcmp(c->ipam_type, ".") || !strcmp(c->ipam_type, ".."))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"ipam\": the type \"%.64s\" is not a file's name", c->ipam_type);
	return 0;
}

static int add_label(struct cni *c, const char *key, const json_t *value)
{
	if (!json_is_string(value))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid label \"%.64s\": its value is not a text", key);
	return json_object_set(c->labels, key, (json_t *)value) ? cni_fail(c, CNI_INTERNAL, "no memory") : 0;
}

/* "labels" of the network, then those of the container (args.cni.labels: [{key, value}]). */
static int read_labels(struct cni *c)
{
	json_t *labels = cni_member(c->conf, "labels"), *cni = cni_member(cni_member(c->conf, "args"), "cni"), *list, *v;
	const char *key;
	size_t i;

	c->labels = json_object();
	if (labels && !json_is_object(labels))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"labels\": an object is expected");
	json_object_foreach(labels, key, v)
		if (add_label(c, key, v) < 0)
			return -1;
	list = cni_member(cni, "labels");
	json_array_foreach(list, i, v) {
		key = json_string_value(cni_member(v, "key"));
		if (!key)
			return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"args.cni.labels\": a key is expected");
		if (add_label(c, key, cni_member(v, "value")) < 0)
			return -1;
	}
	v = cni_member(c->conf, "podNameLabel");
	if (v && (!json_is_string(v) || !*json_string_value(v)))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"podNameLabel\": a label's key is expected");
	if (v && c->pod && json_object_set_new(c->labels, json_string_value(v), json_string(c->pod)))
		return cni_fail(c, CNI_INTERNAL, "no memory");
	return json_object_set_new(c->labels, "cni:network", json_string(c->network)) ?
		       cni_fail(c, CNI_INTERNAL, "no memory") : 0;
}

static int read_mac(struct cni *c, const char *where, const json_t *mac)
{
	if (mac && (!json_is_string(mac) || ebpfnet_mac_parse(json_string_value(mac), &c->mac) < 0 || c->mac.b[0] & 1))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"%s\": not a MAC address", where);
	return 0;
}

static bool is_empty(const json_t *v)
{
	return json_is_null(v) || (json_is_array(v) && !json_array_size(v)) ||
	       (json_is_object(v) && !json_object_size(v));
}

static int read_bits(struct cni *c, const json_t *bandwidth, const char *key, uint64_t least, uint64_t most,
		     uint64_t *ret)
{
	const json_t *v = cni_member(bandwidth, key);
	json_int_t bits = json_integer_value(v);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || bits < 0 || (bits && ((uint64_t)bits < least || (uint64_t)bits > most)))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"bandwidth.%s\": bits, %llu to %llu or 0, are expected", key,
				(unsigned long long)least, (unsigned long long)most);
	*ret = (uint64_t)bits;
	return 0;
}

/* Ingress is what the container receives. */
static int read_bandwidth(struct cni *c, const json_t *bandwidth)
{
	struct ebpfnet_endpoint_rates *rates = &c->rates;

	if (bandwidth && !json_is_object(bandwidth) && !json_is_null(bandwidth))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"bandwidth\": an object is expected");
	if (read_bits(c, bandwidth, "ingressRate", 8000, 1000000000000, &rates->rx_bits) < 0 ||
	    read_bits(c, bandwidth, "ingressBurst", 1, 8000000000, &rates->rx_burst) < 0 ||
	    read_bits(c, bandwidth, "egressRate", 8000, 1000000000000, &rates->tx_bits) < 0 ||
	    read_bits(c, bandwidth, "egressBurst", 1, 8000000000, &rates->tx_burst) < 0)
		return -1;
	if ((rates->rx_burst && !rates->rx_bits) || (rates->tx_burst && !rates->tx_bits))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"bandwidth\": a burst without its rate");
	return 0;
}

/* What the capabilities brought: what cannot be done is said, not left out. */
static int read_runtime(struct cni *c)
{
	static const char *const done[] = { "ips", "mac", "dns", "cgroupPath", "bandwidth", NULL };
	json_t *rc = cni_member(c->conf, "runtimeConfig"), *v;
	const char *key;

	if (rc && !json_is_object(rc))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"runtimeConfig\": an object is expected");
	json_object_foreach(rc, key, v) {
		if (cni_is_one_of(key, done) || is_empty(v))
			continue;
		if (!strcasecmp(key, "portMappings"))
			return cni_unsupported(c, key, v, "ports are published by a plugin behind this one, such as portmap");
		return cni_unsupported(c, key, v, "");
	}
	if (read_bandwidth(c, cni_member(rc, "bandwidth")) < 0)
		return -1;
	c->dns = cni_member(rc, "dns");
	if (!c->dns)
		c->dns = cni_member(c->conf, "dns");
	v = cni_member(cni_member(c->conf, "args"), "cni");
	if (cni_read_ips(c, "args.cni.ips", cni_member(v, "ips")) < 0 || read_mac(c, "args.cni.mac", cni_member(v, "mac")) < 0 ||
	    cni_read_ips(c, "runtimeConfig.ips", cni_member(rc, "ips")) < 0)
		return -1;
	return read_mac(c, "runtimeConfig.mac", cni_member(rc, "mac"));
}

static int read_mtu(struct cni *c)
{
	json_t *v = cni_member(c->conf, "mtu");

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 65535 ||
	    (json_integer_value(v) && json_integer_value(v) < 1280))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"mtu\": 1280 to 65535 are expected");
	c->mtu = (uint32_t)json_integer_value(v);
	return 0;
}

/* What the pair is made of. A kernel that has no such pairs is told of when one is wanted. */
static int read_device(struct cni *c)
{
	static const char *const kinds[] = { [EBPFNET_DEVICE_VETH] = "veth", [EBPFNET_DEVICE_NETKIT] = "netkit",
					     [EBPFNET_DEVICE_NETKIT_L3] = "netkit-l3" };
	static const struct ebpfnet_mac none;
	json_t *v = cni_member(c->conf, "device");

	for (uint16_t i = 0; json_is_string(v) && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(json_string_value(v), kinds[i]) != 0)
			continue;
		c->device_kind = i;
		if (i == EBPFNET_DEVICE_NETKIT_L3 && memcmp(&c->mac, &none, sizeof(none)) != 0)
			return cni_fail(c, CNI_INVALID_CONFIG, "a MAC address is asked for, and netkit-l3 has none");
		return 0;
	}
	return v ? cni_fail(c, CNI_INVALID_CONFIG, "invalid \"device\": veth, netkit or netkit-l3 is expected") : 0;
}

static int read_prev(struct cni *c)
{
	c->prev = cni_member(c->conf, "prevResult");
	if (json_is_null(c->prev))
		c->prev = NULL;
	if (c->prev && !json_is_object(c->prev))
		return cni_fail(c, CNI_DECODE, "could not parse prevResult: not an object");
	c->chained = c->command == CNI_ADD && c->prev;
	if (c->command == CNI_CHECK && !c->prev)
		return cni_fail(c, CNI_INVALID_CONFIG, "required prevResult missing");
	return 0;
}

int cni_read_conf(struct cni *c)
{
	const char *ns;

	if (cni_read_document(c) < 0)
		return -1;
	c->standalone = cni_member(c->conf, "standalone");
	if (c->standalone && !json_is_object(c->standalone))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"standalone\": an object is expected");
	if (unknown_keys(c) < 0 || cni_read_paths(c, c->conf) < 0 || read_ipam(c) < 0 || read_mtu(c) < 0 ||
	    read_prev(c) < 0 || cni_text_key(c, c->conf, "namespace", false, "default", &ns) < 0)
		return -1;
	if (!c->k8s_namespace)
		c->k8s_namespace = ns;
	return read_runtime(c) < 0 || read_device(c) < 0 ? -1 : read_labels(c);
}
