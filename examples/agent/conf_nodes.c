// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "overlay" and "nodes": read into JSON that holds what the file says, each node tried by nodes.c's reader. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "conf_read.h"
#include "nodes.h"

static int read_text(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_text(r, node, object);
}

static int read_port(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, 65535, object);
}

static int read_mtu(struct conf_reader *r, const struct tree_node *node, void *object)
{
	int err = conf_keep_number(r, node, 65535, object);

	if (!err && json_integer_value(json_object_get(object, "mtu")) < 1280)
		err = tree_error(r->tree, node, r->report, "an MTU is 1280 to 65535");
	return err;
}

static int read_texts(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_prefixes(r, node, object);
}

static int read_flag(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_flag(r, node, object);
}

static const struct conf_key overlay_keys[] = {
	{ "device", read_text, false },
	{ "underlay", read_text, false },
	{ "protocol", read_text, false },
	{ "port", read_port, false },
	{ "mtu", read_mtu, false },
	{ "addresses", read_texts, false },
	{}
};

int conf_read_overlay(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf *conf = object;
	struct overlay_read read;
	int err;

	if (r->how->source != CONF_FILE)
		return tree_error(r->tree, node, r->report, "only the agent's file may say this");
	json_decref(conf->overlay);
	conf->overlay = json_object();
	err = conf->overlay ? conf_read_map(r, node, overlay_keys, conf->overlay) : -ENOMEM;
	if (!err && overlay_read(conf->overlay, &read) < 0)
		err = tree_error(r->tree, node, r->report, "%s", read.why);
	return err;
}

static int read_key(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, UINT32_MAX, object);
}

static const struct conf_key node_keys[] = {
	{ "name", read_text, true },
	{ "addresses", read_texts, true },
	{ "prefixes", read_texts, false },
	{ "native", read_flag, false },
	{ "routes", read_flag, false },
	{ "ipv6", read_flag, false },
	{ "key", read_key, false },
	{}
};

int conf_read_other_node(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf *conf = object;
	json_t *o = json_object();
	struct node_read read;
	int err;

	if (r->how->source != CONF_FILE) {
		json_decref(o);
		return tree_error(r->tree, node, r->report, "only the agent's file may say this");
	}
	if (!conf->nodes)
		conf->nodes = json_array();
	err = o && conf->nodes ? conf_read_map(r, node, node_keys, o) : -ENOMEM;
	if (!err)
		err = conf_note(r, 'N', json_string_value(json_object_get(o, "name")), node);
	if (!err && node_read(o, &read) < 0)
		err = tree_error(r->tree, node, r->report, "%s", read.why);
	if (!err && json_array_append(conf->nodes, o))
		err = -ENOMEM;
	json_decref(o);
	return err;
}
