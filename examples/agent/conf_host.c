// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "host": read into JSON that holds what the file says, and tried by host.c's reader. */
#include <errno.h>
#include <string.h>

#include "conf_read.h"
#include "host.h"

static int read_labels(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_labels *labels = NULL;
	int err = conf_read_labels(r, node, &labels);

	if (err < 0)
		return err;
	if (ebpfnet_labels_count(labels))
		err = conf_keep(object, node->key, conf_labels_json(labels));
	ebpfnet_labels_unref(labels);
	return err;
}

static int read_audit(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_flag(r, node, object);
}

static int read_text(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_text(r, node, object);
}

static int read_prefixes(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_prefixes(r, node, object);
}

static const struct conf_key safe_keys[] = {
	{ "protocol", read_text, false },
	{ "ports", read_text, false },
	{ "from", read_prefixes, false },
	{ "to", read_prefixes, false },
	{}
};

static int read_one_safe(struct conf_reader *r, const struct tree_node *node, void *list)
{
	json_t *o = json_object();
	int err = o ? conf_read_map(r, node, safe_keys, o) : -ENOMEM;
	struct host_read read = {};

	if (!err && host_read_safe(o, &read) < 0)
		err = tree_error(r->tree, node, r->report, "%s", read.why);
	if (!err && json_array_append(list, o))
		err = -ENOMEM;
	json_decref(o);
	return err;
}

static int read_safe(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *list = json_array();
	int err = conf_keep(object, node->key, list);

	return err < 0 ? err : conf_read_list(r, node, read_one_safe, list);
}

static const struct conf_key host_keys[] = {
	{ "labels", read_labels, false },
	{ "audit", read_audit, false },
	{ "safe", read_safe, false },
	{}
};

int conf_read_host(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf *conf = object;
	struct host_read read;
	int err;

	if (r->how->source != CONF_FILE)
		return tree_error(r->tree, node, r->report, "only the agent's file may say this");
	json_decref(conf->host);
	conf->host = json_object();
	err = conf->host ? conf_read_map(r, node, host_keys, conf->host) : -ENOMEM;
	/* no other endpoint has its name */
	if (!err)
		err = conf_note(r, 'e', EBPFNET_HOST_NAME, node);
	if (!err && host_read(conf->host, &read) < 0)
		err = tree_error(r->tree, node, r->report, "%s", read.why);
	else if (!err)
		host_read_done(&read);
	return err;
}
