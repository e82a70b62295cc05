// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "services", and what the node's section says for them: read into JSON, every service tried on the library. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/service.h"
#include "conf_read.h"
#include "probe.h"

static int read_text(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_text(r, node, object);
}

static int read_u16(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, 65535, object);
}

/* A port, or a range of them as a text. */
static int read_ports(struct conf_reader *r, const struct tree_node *node, void *object)
{
	if (node->kind == TREE_SCALAR && strchr(node->value, '-'))
		return conf_keep_text(r, node, object);
	return read_u16(r, node, object);
}

static int read_seconds(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, 7 * 86400, object);
}

static int read_bool(struct conf_reader *r, const struct tree_node *node, void *object)
{
	const char *v = node->kind == TREE_SCALAR && node->plain ? node->value : "";

	if (strcmp(v, "true") && strcmp(v, "false"))
		return tree_error(r->tree, node, r->report, "\"true\" or \"false\" is expected");
	return conf_keep(object, node->key, json_boolean(*v == 't'));
}

/* An item that was read: into the list, unless reading it said what is wrong. Takes item over. */
static int add_item(struct conf_reader *r, const struct tree_node *node, json_t *list, json_t *item, int err,
		    const char *why)
{
	if (err == -EINVAL && why)
		err = tree_error(r->tree, node, r->report, "%s", why);
	if (!err && json_array_append(list, item))
		err = -ENOMEM;
	json_decref(item);
	return err;
}

static const struct conf_key frontend_keys[] = {
	{ "address", read_text, false },
	{ "port", read_ports, false },
	{ "protocol", read_text, false },
	{ "kind", read_text, false },
	{}
};

static int read_frontend(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_frontend f;
	const char *why = NULL;
	json_t *item = json_object();
	int err = item ? conf_read_map(r, node, frontend_keys, item) : -ENOMEM;

	if (!err)
		err = service_read_frontend(item, &f, &why);
	return add_item(r, node, object, item, err, why);
}

static const struct conf_key backend_keys[] = {
	{ "address", read_text, true },
	{ "port", read_u16, false },
	{ "protocol", read_text, false },
	{ "weight", read_u16, false },
	{ "state", read_text, false },
	{ "zone", read_text, false },
	{ "node", read_text, false },
	{}
};

static int read_backend(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_backend b;
	const char *why = NULL;
	json_t *item = json_object();
	int err = item ? conf_read_map(r, node, backend_keys, item) : -ENOMEM;

	if (!err)
		err = service_read_backend(item, &b, &why);
	return add_item(r, node, object, item, err, why);
}

static int read_source(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *item = node->kind == TREE_SCALAR ? json_string(node->value) : json_null();
	struct ebpfnet_source_range range;
	const char *why = NULL;
	int err = item ? service_read_source(item, 0, &range, &why) : -ENOMEM;

	return add_item(r, node, object, item, err, why);
}

static int read_list(struct conf_reader *r, const struct tree_node *node, void *object, conf_read_fn fn)
{
	json_t *list = json_array();
	int err = conf_keep(object, node->key, list);

	return err < 0 ? err : conf_read_list(r, node, fn, list);
}

static int read_frontends(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_list(r, node, object, read_frontend);
}

static int read_backends(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_list(r, node, object, read_backend);
}

static int read_sources(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_list(r, node, object, read_source);
}

static int read_period(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, EBPFNET_HEALTH_INTERVAL_MAX_MS, object);
}

static int read_run(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_number(r, node, EBPFNET_HEALTH_RUN_MAX, object);
}

static const struct conf_key check_keys[] = {
	{ "type", read_text, true },
	{ "port", read_u16, false },
	{ "path", read_text, false },
	{ "interval_ms", read_period, false },
	{ "timeout_ms", read_period, false },
	{ "rise", read_run, false },
	{ "fall", read_run, false },
	{}
};

static int read_health_check(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *item = json_object();
	const char *why = NULL;
	struct check check;
	int err = conf_keep(object, node->key, item);

	if (!err)
		err = conf_read_map(r, node, check_keys, item);
	if (!err && check_read(item, &check, &why) < 0)
		err = tree_error(r->tree, node, r->report, "%s", why);
	return err;
}

static int read_removal(struct conf_reader *r, const struct tree_node *node, void *object)
{
	const char *v = node->kind == TREE_SCALAR ? node->value : "";

	if (strcmp(v, "finish") && strcmp(v, "reset"))
		return tree_error(r->tree, node, r->report, "on_removal is finish or reset");
	return conf_keep_text(r, node, object);
}

static const struct conf_key service_keys[] = {
	{ "name", read_text, true },
	{ "frontends", read_frontends, true },
	{ "backends", read_backends, false },
	{ "algorithm", read_text, false },
	{ "internal", read_text, false },
	{ "external", read_text, false },
	{ "no_backend", read_text, false },
	{ "on_removal", read_removal, false },
	{ "forwarding", read_text, false },
	{ "affinity", read_seconds, false },
	{ "prefer_zone", read_bool, false },
	{ "health_port", read_u16, false },
	{ "health_check", read_health_check, false },
	{ "allow", read_sources, false },
	{ "deny", read_sources, false },
	{}
};

/* Is there something to connect to? */
static int check_health(struct conf_reader *r, const struct tree_node *node, const json_t *spec,
			const struct service *s)
{
	const json_t *item = json_object_get(spec, "health_check");
	const char *why = NULL;
	struct check check;

	if (!item || (!check_read(item, &check, &why) &&
		      !check_fits(&check, s->backends, s->opts.n_backends, &why)))
		return 0;
	return tree_error(r->tree, tree_get(node, "health_check"), r->report, "%s", why);
}

/* What the library says of it. */
static int check_service(struct conf_reader *r, const struct tree_node *node, const json_t *spec)
{
	struct ebpfnet_diag_message said = { .text = "not a service" };
	const char *why = said.text;
	struct service s;
	int err = service_read(spec, &s, &why);

	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return tree_error(r->tree, node, r->report, "%s", why);
	ebpfnet_diag_clear(r->diag);
	err = ebpfnet_service_check(&s.opts, r->diag);
	if (!err) {
		err = check_health(r, node, spec, &s);
		service_done(&s);
		return err;
	}
	service_done(&s);
	if (err == -ENOMEM)
		return err;
	ebpfnet_diag_get(r->diag, 0, &said);
	return tree_error(r->tree, node, r->report, "%s", said.text);
}

/* conf_note()'s keys are short, names of services are not: compared here. */
static int put_service(struct conf_reader *r, const struct tree_node *node, json_t *spec)
{
	const char *name = json_string_value(json_object_get(spec, "name"));
	struct conf_service s = { .source = r->how->source };
	int err;

	if (conf_find_service(r->conf, name))
		return tree_error(r->tree, node, r->report, "a second service \"%s\"", name);
	s.name = strdup(name);
	s.spec = json_incref(spec);
	err = s.name ? conf_put_service(r->conf, &s) : -ENOMEM;
	conf_service_clear(&s);
	return err;
}

int conf_read_service(struct conf_reader *r, const struct tree_node *node, void *object)
{
	json_t *spec = json_object();
	int err = spec ? conf_read_map(r, node, service_keys, spec) : -ENOMEM;

	(void)object;
	if (!err)
		err = check_service(r, node, spec);
	if (!err)
		err = put_service(r, node, spec);
	json_decref(spec);
	return err;
}

/* ---- the node */

int conf_read_zone(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;
	int err = conf_read_text(r, node, &n->zone);

	if (err < 0)
		return err;
	for (const char *p = n->zone; *p; p++)
		if (*p <= ' ' || *p > '~' || p - n->zone == EBPFNET_SERVICE_NAME_MAX)
			return tree_error(r->tree, node, r->report, "a zone's name is 1 to %d printable characters",
					  EBPFNET_SERVICE_NAME_MAX);
	return 0;
}

static int read_node_address(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_addr addr;
	int err = conf_read_addr(r, node, &addr);

	if (err < 0)
		return err;
	if (json_array_size(object) == CONF_NODE_ADDRESSES)
		return tree_error(r->tree, node, r->report, "more than %d addresses", CONF_NODE_ADDRESSES);
	return json_array_append_new(object, json_string(node->value)) ? -ENOMEM : 0;
}

int conf_read_node_addresses(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;

	json_decref(n->addresses);
	n->addresses = json_array();
	return n->addresses ? conf_read_list(r, node, read_node_address, n->addresses) : -ENOMEM;
}

static int read_cgroup(struct conf_reader *r, const struct tree_node *node, void *object)
{
	if (node->kind != TREE_SCALAR || *node->value != '/')
		return tree_error(r->tree, node, r->report, "an absolute path is expected");
	return json_array_append_new(object, json_string(node->value)) ? -ENOMEM : 0;
}

int conf_read_cgroups(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;

	json_decref(n->cgroups);
	n->cgroups = json_array();
	return n->cgroups ? conf_read_list(r, node, read_cgroup, n->cgroups) : -ENOMEM;
}

static int read_xdp(struct conf_reader *r, const struct tree_node *node, void *object)
{
	char name[16];
	int err = conf_read_device_name(r, node, name);

	if (err < 0)
		return err;
	return json_array_append_new(object, json_string(name)) ? -ENOMEM : 0;
}

int conf_read_xdp(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;

	json_decref(n->xdp);
	n->xdp = json_array();
	return n->xdp ? conf_read_list(r, node, read_xdp, n->xdp) : -ENOMEM;
}
