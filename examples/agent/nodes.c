// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Other nodes: those of the file, those that come over the socket, and the overlay that leads to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "control.h"
#include "nodes.h"

/* Of nodes that the file speaks of; those of the socket stay until they are deleted there. */
#define TAG_FILE 1u

/* At most one address of each family. */
static int read_addresses(const json_t *list, struct ebpfnet_addr *v4, struct ebpfnet_addr *v6)
{
	struct ebpfnet_addr addr, *to;
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)list, i, v) {
		if (!json_is_string(v) || ebpfnet_addr_parse(json_string_value(v), &addr) < 0)
			return -EINVAL;
		to = ebpfnet_addr_family(&addr) == 4 ? v4 : v6;
		if (ebpfnet_addr_family(to))
			return -EINVAL;
		*to = addr;
	}
	return 0;
}

static const char *const protocols[] = { [EBPFNET_OVERLAY_VXLAN] = "vxlan", [EBPFNET_OVERLAY_GENEVE] = "geneve" };
#define N_PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static int read_protocol(const json_t *word, uint16_t *ret)
{
	for (uint16_t i = 0; word && i < N_PROTOCOLS; i++)
		if (json_is_string(word) && !strcmp(json_string_value(word), protocols[i])) {
			*ret = i;
			return 0;
		}
	return word ? -EINVAL : 0;
}

int overlay_read(const json_t *o, struct overlay_read *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->opts.sz = sizeof(ret->opts);
	ret->opts.device = json_string_value(json_object_get(o, "device"));
	ret->opts.underlay = json_string_value(json_object_get(o, "underlay"));
	ret->opts.port = (uint16_t)json_integer_value(json_object_get(o, "port"));
	ret->opts.mtu = (uint32_t)json_integer_value(json_object_get(o, "mtu"));
	ret->why = "protocol: vxlan or geneve is expected";
	if (read_protocol(json_object_get(o, "protocol"), &ret->opts.protocol) < 0)
		return -EINVAL;
	ret->why = NULL;
	if (!read_addresses(json_object_get(o, "addresses"), &ret->opts.addr4, &ret->opts.addr6))
		return 0;
	ret->why = "addresses: at most one of each family is expected";
	return -EINVAL;
}

int node_read(const json_t *o, struct node_read *ret)
{
	const json_t *prefixes = json_object_get(o, "prefixes"), *key = json_object_get(o, "key");
	size_t i, n = json_array_size(prefixes);

	memset(ret, 0, sizeof(*ret));
	ret->opts.sz = sizeof(ret->opts);
	ret->opts.prefixes = ret->prefixes;
	ret->why = "addresses: one or two, not of the same family, are expected";
	if (!json_array_size(json_object_get(o, "addresses")) ||
	    read_addresses(json_object_get(o, "addresses"), &ret->opts.addr4, &ret->opts.addr6) < 0)
		return -EINVAL;
	ret->why = "prefixes: at most 16 are expected";
	if ((prefixes && !json_is_array(prefixes)) || n > EBPFNET_NODE_PREFIXES_MAX)
		return -EINVAL;
	ret->why = "prefixes: one is no prefix, or has bits behind its length";
	for (i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(prefixes, i));

		if (!text || ebpfnet_prefix_parse(text, &ret->prefixes[i]) < 0)
			return -EINVAL;
	}
	ret->opts.n_prefixes = n;
	ret->why = "key: 0 to 4294967295 is expected";
	if (key && (!json_is_integer(key) || json_integer_value(key) < 0 || json_integer_value(key) > UINT32_MAX))
		return -EINVAL;
	ret->opts.key = (uint32_t)json_integer_value(key);
	ret->opts.flags = (json_is_true(json_object_get(o, "native")) ? EBPFNET_NODE_NATIVE : 0) |
			  (json_is_true(json_object_get(o, "ipv6")) ? EBPFNET_NODE_IPV6 : 0) |
			  (json_is_false(json_object_get(o, "routes")) ? EBPFNET_NODE_NO_ROUTES : 0);
	ret->why = NULL;
	return 0;
}

static const char *why(struct agent *a, int err, char buf[256])
{
	if (ebpfnet_diag_count(a->diag) && ebpfnet_diag_format(a->diag, buf, 256) > 0)
		buf[strcspn(buf, "\n")] = '\0';
	else
		snprintf(buf, 256, "%s", strerror(-err));
	return buf;
}

static int set_node(struct agent *a, const char *name, struct node_read *read, uint32_t tag)
{
	read->opts.tag = tag;
	read->opts.diag = a->diag;
	ebpfnet_diag_clear(a->diag);
	return ebpfnet_node_set(a->dp, name, &read->opts);
}

/* ---- the file's */

struct gone {
	const json_t *nodes;
	char name[EBPFNET_NODE_NAME_MAX + 1];
};

static bool in_file(const json_t *nodes, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)nodes, i, v)
		if (!strcmp(json_string_value(json_object_get(v, "name")), name))
			return true;
	return false;
}

static int find_gone(const struct ebpfnet_node_info *info, void *userdata)
{
	struct gone *g = userdata;

	if (info->tag != TAG_FILE || in_file(g->nodes, info->name))
		return 0;
	snprintf(g->name, sizeof(g->name), "%s", info->name);
	return 1;
}

static void apply_overlay(struct agent *a, const json_t *overlay)
{
	struct overlay_read read;
	char text[256];
	int err;

	if (!overlay) {
		ebpfnet_overlay_clear(a->dp);
		return;
	}
	if (overlay_read(overlay, &read) < 0)
		return;
	read.opts.diag = a->diag;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_overlay_set(a->dp, &read.opts);
	if (err < 0)
		agent_log(EBPFNET_LOG_WARNING, "overlay: %s", why(a, err, text));
}

void agent_nodes_apply(struct agent *a)
{
	struct gone g = { .nodes = a->conf->nodes };
	struct node_read read;
	char text[256];
	json_t *v;
	size_t i;
	int err;

	/* those that go first: a prefix may have moved to another node */
	while (ebpfnet_node_foreach(a->dp, find_gone, &g) == 1) {
		err = ebpfnet_node_delete(a->dp, g.name);
		if (err < 0) {
			agent_log(EBPFNET_LOG_WARNING, "node %s: %s", g.name, strerror(-err));
			break;
		}
		control_changed(a, "node", g.name, "delete");
	}
	apply_overlay(a, a->conf->overlay);
	json_array_foreach(a->conf->nodes, i, v) {
		const char *name = json_string_value(json_object_get(v, "name"));

		err = node_read(v, &read);
		if (!err)
			err = set_node(a, name, &read, TAG_FILE);
		if (err < 0)
			agent_log(EBPFNET_LOG_WARNING, "node %s: %s", name, why(a, err, text));
	}
}

/* ---- methods */

static json_t *addresses_json(const struct ebpfnet_addr *v4, const struct ebpfnet_addr *v6)
{
	char text[EBPFNET_ADDR_STRLEN];
	json_t *list = json_array();

	if (ebpfnet_addr_family(v4)) {
		ebpfnet_addr_format(v4, text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	if (ebpfnet_addr_family(v6)) {
		ebpfnet_addr_format(v6, text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static int add_node(const struct ebpfnet_node_info *info, void *list)
{
	char text[EBPFNET_PREFIX_STRLEN];
	json_t *prefixes = json_array(), *o;

	for (uint32_t i = 0; i < info->n_prefixes; i++) {
		ebpfnet_prefix_format(&info->prefixes[i], text, sizeof(text));
		json_array_append_new(prefixes, json_string(text));
	}
	o = json_pack("{s:s, s:o, s:o, s:I, s:b, s:b, s:b, s:s}", "name", info->name,
		      "addresses", addresses_json(&info->addr4, &info->addr6), "prefixes", prefixes,
		      "key", (json_int_t)info->key, "native", !!(info->flags & EBPFNET_NODE_NATIVE),
		      "ipv6", !!(info->flags & EBPFNET_NODE_IPV6), "routes", !(info->flags & EBPFNET_NODE_NO_ROUTES),
		      "source", info->tag == TAG_FILE ? "file" : "socket");
	return json_array_append_new(list, o) ? -ENOMEM : 0;
}

int method_node_list(struct call *call)
{
	json_t *list = json_array();
	int err = call_needs_datapath(call);

	if (!err)
		err = ebpfnet_node_foreach(call->agent->dp, add_node, list);
	if (err < 0) {
		json_decref(list);
		return err;
	}
	call->result = json_pack("{s:o}", "nodes", list);
	return call->result ? 0 : -ENOMEM;
}

/* The file's nodes are the file's to change. */
static int not_the_files(struct call *call, const char *name)
{
	struct ebpfnet_node_info info;

	if (ebpfnet_node_get(call->agent->dp, name, &info, sizeof(info)) < 0 || info.tag != TAG_FILE)
		return 0;
	return call_error(call, -EPERM, "name", "\"%s\" is the file's", name);
}

int method_node_set(struct call *call)
{
	struct agent *a = call->agent;
	const char *name = NULL;
	struct node_read read;
	char text[256];
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "name", true, &name);
	if (!err)
		err = not_the_files(call, name);
	if (err < 0)
		return err;
	if (node_read(call->params, &read) < 0)
		return call_error(call, -EINVAL, NULL, "%s", read.why);
	err = set_node(a, name, &read, 0);
	if (err < 0)
		return call_error(call, err, NULL, "%s", why(a, err, text));
	control_changed(a, "node", name, "set");
	return 0;
}

int method_node_delete(struct call *call)
{
	const char *name = NULL;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "name", true, &name);
	if (!err)
		err = not_the_files(call, name);
	if (err < 0)
		return err;
	err = ebpfnet_node_delete(call->agent->dp, name);
	if (err < 0)
		return call_error(call, err, "name", "\"%s\": %s", name, err == -ENOENT ? "no such node" : strerror(-err));
	control_changed(call->agent, "node", name, "delete");
	return 0;
}

int method_overlay_get(struct call *call)
{
	struct ebpfnet_overlay_info info;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	err = ebpfnet_overlay_get(call->agent->dp, &info, sizeof(info));
	if (err < 0)
		return call_error(call, err, NULL, err == -ENOENT ? "there is no overlay" : "the tables cannot be read");
	call->result = json_pack("{s:s, s:i, s:i, s:i}", "device", info.device, "ifindex", (int)info.ifindex, "nodes",
				 (int)info.nodes, "prefixes", (int)info.prefixes);
	/* of a device that is gone nobody knows it */
	if (info.port && info.protocol < N_PROTOCOLS) {
		json_object_set_new(call->result, "protocol", json_string(protocols[info.protocol]));
		json_object_set_new(call->result, "port", json_integer(info.port));
	}
	return call->result ? 0 : -ENOMEM;
}
