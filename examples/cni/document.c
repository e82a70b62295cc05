// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What both plugins read of a network configuration. */
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

int cni_read_document(struct cni *c)
{
	json_t *name;

	if (read_stdin(c) < 0 || decode(c) < 0 || read_version(c) < 0 || allowed(c) < 0)
		return -1;
	name = cni_member(c->conf, "name");
	if (!name || !json_is_string(name) || !*json_string_value(name))
		return cni_fail(c, CNI_INVALID_CONFIG, "missing network name");
	if (!cni_name_ok(json_string_value(name)) || json_string_length(name) > 200)
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid characters found in network name \"%.64s\"",
				json_string_value(name));
	c->network = json_string_value(name);
	return 0;
}

int cni_unsupported(struct cni *c, const char *key, const json_t *value, const char *why)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	cni_fail(c, CNI_UNSUPPORTED, "unsupported field \"%.64s\": %.200s%s%s", key, text ? text : "?", *why ? ": " : "", why);
	free(text);
	return -1;
}

bool cni_is_one_of(const char *key, const char *const *list)
{
	for (; *list; list++)
		if (!strcasecmp(key, *list))
			return true;
	return false;
}

int cni_text_key(struct cni *c, const json_t *object, const char *key, bool absolute, const char *fallback,
		 const char **ret)
{
	json_t *v = cni_member(object, key);

	*ret = fallback;
	if (!v)
		return 0;
	if (!json_is_string(v) || !*json_string_value(v) || (absolute && *json_string_value(v) != '/'))
		return cni_fail(c, CNI_INVALID_CONFIG, "invalid \"%s\": %s is expected", key,
				absolute ? "an absolute path" : "a text");
	*ret = json_string_value(v);
	return 0;
}

int cni_read_paths(struct cni *c, const json_t *object)
{
	const char *spool;
	size_t len;

	if (cni_text_key(c, object, "socket", true, SOCKET_DEFAULT, &c->socket) < 0 ||
	    cni_text_key(c, object, "spool", true, NULL, &spool) < 0 ||
	    cni_text_key(c, object, "pool", false, "default", &c->pool) < 0)
		return -1;
	len = strlen(c->socket);
	if (spool)
		c->spool = strdup(spool);
	else if (asprintf(&c->spool, "%.*s.spool",
			  (int)(len > 5 && !strcmp(c->socket + len - 5, ".sock") ? len - 5 : len), c->socket) < 0)
		c->spool = NULL;
	return c->spool ? 0 : cni_fail(c, CNI_INTERNAL, "no memory");
}

int cni_read_ips(struct cni *c, const char *where, const json_t *ips)
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

int cni_valid_attachments(struct cni *c, json_t **ret)
{
	json_t *list = json_object_get(c->conf, "cni.dev/valid-attachments"), *v;
	size_t i;

	if (!list)
		list = json_object_get(c->conf, "cni.dev/attachments");
	if (!json_is_array(list))
		return cni_fail(c, CNI_INVALID_CONFIG, "GC without a list \"cni.dev/valid-attachments\"");
	*ret = json_object();
	json_array_foreach(list, i, v) {
		const char *container = json_string_value(cni_member(v, "containerID"));
		const char *ifname = json_string_value(cni_member(v, "ifname"));
		char endpoint[64], device[16];

		if (!container || !ifname || !cni_name_ok(container))
			return cni_fail(c, CNI_INVALID_CONFIG, "GC: an attachment without containerID and ifname");
		cni_names(container, ifname, endpoint, device);
		json_object_set_new(*ret, endpoint, json_true());
	}
	return 0;
}
