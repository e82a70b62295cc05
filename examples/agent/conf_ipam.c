// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "ipam" and "cni": read into JSON that holds what the file says, every pool tried on the library. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/pool.h"
#include "conf_read.h"

static int keep_path(struct conf_reader *r, const struct tree_node *node, json_t *object)
{
	int err = conf_keep_text(r, node, object);

	if (err < 0)
		return err;
	return *node->value == '/' ? 0 : tree_error(r->tree, node, r->report, "not an absolute path");
}

static int read_text(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_text(r, node, object);
}

static int read_path(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return keep_path(r, node, object);
}

static int read_addr(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_addr addr;
	int err = conf_read_addr(r, node, &addr);

	return err < 0 ? err : conf_keep_text(r, node, object);
}

static int read_gateway(struct conf_reader *r, const struct tree_node *node, void *object)
{
	if (node->kind == TREE_SCALAR && !strcmp(node->value, "none"))
		return conf_keep_text(r, node, object);
	return read_addr(r, node, object);
}

static const struct conf_key range_keys[] = {
	{ "subnet", read_text, true },
	{ "first", read_addr, false },
	{ "last", read_addr, false },
	{ "gateway", read_gateway, false },
	{}
};

static int read_range(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *range = json_object();
	int err = range ? conf_read_map(r, node, range_keys, range) : -ENOMEM;

	if (!err && json_array_append(object, range))
		err = -ENOMEM;
	json_decref(range);
	return err;
}

static int read_ranges(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *list = json_array();
	int err = conf_keep(object, "ranges", list);

	return err < 0 ? err : conf_read_list(r, node, read_range, list);
}

static int read_excluded(struct conf_reader *r, const struct tree_node *node, void *object)
{
	if (node->kind != TREE_SCALAR)
		return tree_error(r->tree, node, r->report, "an address or a prefix is expected here");
	return json_array_append_new(object, json_string(node->value)) ? -ENOMEM : 0;
}

static int read_exclude(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *list = json_array();
	int err = conf_keep(object, "exclude", list);

	return err < 0 ? err : conf_read_list(r, node, read_excluded, list);
}

static int read_warn(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, 100, object);
}

static const struct conf_key pool_keys[] = {
	{ "name", read_text, true },
	{ "ranges", read_ranges, true },
	{ "exclude", read_exclude, false },
	{ "warn", read_warn, false },
	{}
};

struct pools {
	json_t *list;
	struct ebpfnet_ipam *tried;	/* in memory: what the library says of them */
};

static int read_pool(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_diag_message why = { .text = "not a pool" };
	struct pools *pools = object;
	json_t *pool = json_object();
	int err = pool ? conf_read_map(r, node, pool_keys, pool) : -ENOMEM;

	if (!err)
		err = conf_note(r, 'p', json_string_value(json_object_get(pool, "name")), node);
	if (!err) {
		ebpfnet_diag_clear(r->diag);
		err = pool_set(pools->tried, pool, r->diag);
		if (err < 0 && err != -ENOMEM) {
			ebpfnet_diag_get(r->diag, 0, &why);
			err = tree_error(r->tree, node, r->report, "%s", why.text);
		}
	}
	if (!err && json_array_append(pools->list, pool))
		err = -ENOMEM;
	json_decref(pool);
	return err;
}

static int read_pools(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct pools pools = { .list = json_array() };
	int err = conf_keep(object, "pools", pools.list);

	if (!err)
		err = ebpfnet_ipam_new(r->ctx, NULL, &pools.tried);
	if (!err)
		err = conf_read_list(r, node, read_pool, &pools);
	ebpfnet_ipam_free(pools.tried);
	return err;
}

static int read_quarantine(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, 86400, object);
}

static const struct conf_key ipam_keys[] = {
	{ "store", read_path, false },
	{ "quarantine", read_quarantine, false },
	{ "pools", read_pools, true },
	{}
};

static int read_mtu(struct conf_reader *r, const struct tree_node *node, void *object)
{
	int err = conf_keep_number(r, node, 65535, object);

	if (!err && json_integer_value(json_object_get(object, "mtu")) < 1280)
		err = tree_error(r->tree, node, r->report, "an MTU is 1280 to 65535");
	return err;
}

/* Quoted or not, and what: as YAML has it, in JSON. */
static json_t *scalar_json(const struct tree_node *node)
{
	char *end;
	long long n;

	if (!node->plain)
		return json_string(node->value);
	if (!strcmp(node->value, "true") || !strcmp(node->value, "false"))
		return json_boolean(*node->value == 't');
	if (!*node->value || !strcmp(node->value, "~") || !strcmp(node->value, "null"))
		return json_null();
	errno = 0;
	n = strtoll(node->value, &end, 10);
	return !errno && !*end && strcmp(node->value, "-") != 0 ? json_integer(n) : json_string(node->value);
}

/* Deeper than any file can be: the tree has its own limit. */
static json_t *tree_json(const struct tree_node *node)
{
	const struct tree_node *n;
	json_t *o;

	if (node->kind == TREE_SCALAR)
		return scalar_json(node);
	o = node->kind == TREE_LIST ? json_array() : json_object();
	for (n = node->first; o && n; n = n->next)
		if (node->kind == TREE_LIST ? json_array_append_new(o, tree_json(n)) :
					      json_object_set_new(o, n->key, tree_json(n))) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static int read_plugin(struct conf_reader *r, const struct tree_node *node, void *object)
{
	const struct tree_node *type = node->kind == TREE_MAP ? tree_get(node, "type") : NULL;

	if (!type || type->kind != TREE_SCALAR || !*type->value || strchr(type->value, '/'))
		return tree_error(r->tree, node, r->report, "a plugin is expected, with its \"type\"");
	if (!strcmp(type->value, "ebpfnet-cni"))
		return tree_error(r->tree, type, r->report, "the plugin is the first already");
	if (json_array_size(object) >= CONF_CHAIN_MAX)
		return tree_error(r->tree, node, r->report, "there are more than %d plugins", CONF_CHAIN_MAX);
	return json_array_append_new(object, tree_json(node)) ? -ENOMEM : 0;
}

static int read_chain(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *list = json_array();
	int err = conf_keep(object, "chain", list);

	return err < 0 ? err : conf_read_list(r, node, read_plugin, list);
}

static int read_device(struct conf_reader *r, const struct tree_node *node, void *object)
{
	const char *v = node->kind == TREE_SCALAR ? node->value : "";

	if (strcmp(v, "veth") != 0 && strcmp(v, "netkit") != 0 && strcmp(v, "netkit-l3") != 0)
		return tree_error(r->tree, node, r->report, "veth, netkit or netkit-l3 is expected here");
	return read_text(r, node, object);
}

static const struct conf_key cni_keys[] = {
	{ "conflist", read_path, true },
	{ "network", read_text, false },
	{ "pool", read_text, true },
	{ "mtu", read_mtu, false },
	{ "device", read_device, false },
	{ "chain", read_chain, false },
	{}
};

static int read_settings(struct conf_reader *r, const struct tree_node *node, const struct conf_key *keys,
			 json_t **ret)
{
	if (r->how->source != CONF_FILE)
		return tree_error(r->tree, node, r->report, "only the agent's file may say this");
	json_decref(*ret);
	*ret = json_object();
	return *ret ? conf_read_map(r, node, keys, *ret) : -ENOMEM;
}

int conf_read_ipam(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_settings(r, node, ipam_keys, &((struct conf *)object)->ipam);
}

int conf_read_cni(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_settings(r, node, cni_keys, &((struct conf *)object)->cni);
}
