// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "egress": read into JSON that holds what the file says, each rule tried by egress.c's reader. */
#include <errno.h>
#include <string.h>

#include "conf_read.h"
#include "egress.h"

static int read_text(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_text(r, node, object);
}

static int read_prefixes(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_prefixes(r, node, object);
}

static const struct conf_key rule_keys[] = {
	{ "name", read_text, true },
	{ "endpoints", read_text, true },
	{ "to", read_prefixes, true },
	{ "except", read_prefixes, false },
	{ "node", read_text, true },
	{ "addresses", read_prefixes, false },
	{ "ports", read_text, false },
	{}
};

int conf_read_egress(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf *conf = object;
	struct egress_read read;
	json_t *o = json_object();
	int err;

	if (r->how->source != CONF_FILE) {
		json_decref(o);
		return tree_error(r->tree, node, r->report, "only the agent's file may say this");
	}
	if (!conf->egress)
		conf->egress = json_array();
	err = o && conf->egress ? conf_read_map(r, node, rule_keys, o) : -ENOMEM;
	if (!err)
		err = conf_note(r, 'g', json_string_value(json_object_get(o, "name")), node);
	if (!err && egress_read(o, NULL, &read) < 0)
		err = tree_error(r->tree, node, r->report, "%s", read.why);
	if (!err)
		egress_read_done(&read);
	if (!err && json_array_append(conf->egress, o))
		err = -ENOMEM;
	json_decref(o);
	return err;
}
