// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "cni.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SOCKET_DEFAULT "/run/ebpfnet/default.sock"

const char *const cni_specs[SPECS] = { "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

json_t *cni_member(const json_t *object, const char *key)
{
	const char *k;
	json_t *v;

	json_object_foreach((json_t *)object, k, v)
		if (!strcasecmp(k, key))
			return v;
	return NULL;
}

static int read_stdin(struct cni *c)
{
	size_t size = 0;

	for (;;) {
		ssize_t n;

		if (size - c->text_len < 4096) {
			char *more = size > CNI_STDIN_MAX ? NULL : realloc(c->text, size + 65536);

			if (!more)
				return cni_fail(c, CNI_IO, "error reading from stdin: the configuration is too large");
			c->text = more;
			size += 65536;
		}
		n = read(STDIN_FILENO, c->text + c->text_len, size - c->text_len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cni_fail(c, CNI_IO, "error reading from stdin: %s", strerror(errno));
		if (!n)
			break;
		c->text_len += (size_t)n;
	}
	c->text[c->text_len] = '\0';
	return 0;
}

static int decode(struct cni *c)
{
	json_error_t error;

	c->conf = json_loadb(c->text, c->text_len, JSON_REJECT_DUPLICATES, &error);
	if (!c->conf)
		return cni_fail(c, CNI_DECODE, "error unmarshall network config: line %d: %s", error.line, error.text);
	if (!json_is_object(c->conf))
		return cni_fail(c, CNI_DECODE, "error unmarshall network config: not an object");
	return 0;
}

static int read_version(struct cni *c)
{
	json_t *v = cni_member(c->conf, "cniVersion");
	int i;

	if (v && !json_is_string(v))
		return cni_fail(c, CNI_DECODE, "error decoding version from network config: not a text");
	c->version = v && *json_string_value(v) ? json_string_value(v) : cni_specs[SPEC_0_1_0];
	for (i = 0; i < SPECS; i++)
		if (!strcmp(c->version, cni_specs[i])) {
			c->spec = (enum cni_spec)i;
			return 0;
		}
	cni_fail(c, CNI_VERSION, "incompatible CNI versions");
	snprintf(c->details, sizeof(c->details), "config is \"%.32s\", plugin supports [\"0.1.0\" \"0.2.0\" \"0.3.0\" "
		 "\"0.3.1\" \"0.4.0\" \"1.0.0\" \"1.1.0\"]", c->version);
	return -1;
}

/* A key with its value, as code 2 must name them. */
static int unsupported(struct cni *c, const char *key, const json_t *value, const char *why)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	cni_fail(c, CNI_UNSUPPORTED, "unsupported field \"%.64s\": %.200s%s%s", key, text ? text : "?", *why ? ": " : "", why);
	free(text);
	return -1;
}

static bool is_one_of(const char *key, const char *const *list)
{
	for (; *list; list++)
		if (!strcasecmp(key, *list))
			return true;
	return false;
}

static int unknown_keys(struct cni *c)
{
	static const char *const known[] = {
		"cniVersion", "cniVersions", "name", "type", "args", "ipMasq", "ipam", "dns", "capabilities", "runtimeConfig",
		"prevResult", "cni.dev/valid-attachments", "cni.dev/attachments", "socket", "spool", "pool", "mtu", "labels",
		"namespace", "podNameLabel", "standalone", NULL
	};
	const char *key;
	json_t *value;

	json_object_foreach(c->conf, key, value) {
		if (!is_one_of(key, known))
			return unsupported(c, key, value, "");
		if (!strcasecmp(key, "ipMasq") && json_is_true(value))
			return unsupported(c, key, value, "the plugin sets up no masquerading");
	}
	return 0;
}

static int text_key(struct cni *c, const char *key, bool absolute, const char *fallback, const char **ret)
{
	json_t *v = cni_member(c->conf, key);

	*ret = fallback;
	if (!v)
		return 0;
	if (!json_is_string(v) || !*json_string_value(v) || (absolute && *json_string_value(v) != '/'))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"%s\": %s is expected", key,
				absolute ? "an absolute path" : "a text");
	*ret = json_string_value(v);
	return 0;
}

/* "/run/ebpfnet/NAME.sock" has its spool in "/run/ebpfnet/NAME.spool". */
static int read_paths(struct cni *c)
{
	const char *spool;
	size_t len;

	if (text_key(c, "socket", true, SOCKET_DEFAULT, &c->socket) < 0 || text_key(c, "spool", true, NULL, &spool) < 0 ||
	    text_key(c, "pool", false, "default", &c->pool) < 0)
		return -1;
	len = strlen(c->socket);
	if (spool)
		c->spool = strdup(spool);
	else if (asprintf(&c->spool, "%.*s.spool",
			  (int)(len > 5 && !strcmp(c->socket + len - 5, ".sock") ? len - 5 : len), c->socket) < 0)
		c->spool = NULL;
	return c->spool ? 0 : cni_fail(c, CNI_INTERNAL, "no memory");
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

static int read_ips(struct cni *c, const char *where, const json_t *ips)
{
	size_t i;
	json_t *v;

	if (ips && !json_is_array(ips))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"%s\": a list is expected", where);
	json_array_foreach((json_t *)ips, i, v) {
		const char *text = json_string_value(v);
		struct ebpfnet_addr addr, *to;
		char buf[EBPFNET_ADDR_STRLEN];
		size_t len = text ? strcspn(text, "/") : sizeof(buf);

		if (len < sizeof(buf)) {
			memcpy(buf, text, len);
			buf[len] = '\0';
		}
		if (len >= sizeof(buf) || ebpfnet_addr_parse(buf, &addr) < 0)
			return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"%s\": \"%.64s\" is not an address", where,
					text ? text : "?");
		to = ebpfnet_addr_family(&addr) == 4 ? &c->want4 : &c->want6;
		*to = addr;
	}
	return 0;
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

/* What the capabilities brought: what cannot be done is said, not left out. */
static int read_runtime(struct cni *c)
{
	static const char *const done[] = { "ips", "mac", "dns", "cgroupPath", NULL };
	json_t *rc = cni_member(c->conf, "runtimeConfig"), *v;
	const char *key;

	if (rc && !json_is_object(rc))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"runtimeConfig\": an object is expected");
	json_object_foreach(rc, key, v) {
		if (is_one_of(key, done) || is_empty(v))
			continue;
		if (!strcasecmp(key, "portMappings"))
			return unsupported(c, key, v, "ports are published by a plugin behind this one, such as portmap");
		if (!strcasecmp(key, "bandwidth"))
			return unsupported(c, key, v, "bandwidth is limited by a plugin behind this one");
		return unsupported(c, key, v, "");
	}
	c->dns = cni_member(rc, "dns");
	if (!c->dns)
		c->dns = cni_member(c->conf, "dns");
	v = cni_member(cni_member(c->conf, "args"), "cni");
	if (read_ips(c, "args.cni.ips", cni_member(v, "ips")) < 0 || read_mac(c, "args.cni.mac", cni_member(v, "mac")) < 0 ||
	    read_ips(c, "runtimeConfig.ips", cni_member(rc, "ips")) < 0)
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

static int allowed(struct cni *c)
{
	if (c->command == CNI_CHECK && c->spec < SPEC_0_4_0)
		return cni_fail(c, CNI_VERSION, "config version does not allow CHECK");
	if (c->command == CNI_GC && c->spec < SPEC_1_1_0)
		return cni_fail(c, CNI_VERSION, "config version does not allow GC");
	if (c->command == CNI_STATUS && c->spec < SPEC_1_1_0)
		return cni_fail(c, CNI_VERSION, "config version does not allow STATUS");
	return 0;
}

int cni_read_conf(struct cni *c)
{
	json_t *name;
	const char *ns;

	if (read_stdin(c) < 0 || decode(c) < 0 || read_version(c) < 0 || allowed(c) < 0)
		return -1;
	name = cni_member(c->conf, "name");
	if (!name || !json_is_string(name) || !*json_string_value(name))
		return cni_fail(c, CNI_INVALID_CONFIG, "missing network name");
	if (!cni_name_ok(json_string_value(name)) || json_string_length(name) > 200)
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid characters found in network name \"%.64s\"",
				json_string_value(name));
	c->network = json_string_value(name);
	c->standalone = cni_member(c->conf, "standalone");
	if (c->standalone && !json_is_object(c->standalone))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"standalone\": an object is expected");
	if (unknown_keys(c) < 0 || read_paths(c) < 0 || read_ipam(c) < 0 || read_mtu(c) < 0 || read_prev(c) < 0 ||
	    text_key(c, "namespace", false, "default", &ns) < 0)
		return -1;
	if (!c->k8s_namespace)
		c->k8s_namespace = ns;
	return read_runtime(c) < 0 ? -1 : read_labels(c);
}
