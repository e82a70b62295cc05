// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "source" of the node: what clients outside become to backends of services elsewhere. Set while there are services and devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "conf_read.h"

/* ---- reading */

/* At most one of each family. */
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

static int read_source(const json_t *o, struct ebpfnet_service_source_opts *ret, const char **why)
{
	const char *ports = json_string_value(json_object_get(o, "ports"));
	unsigned int min = 0, max = 0;
	char end;

	memset(ret, 0, sizeof(*ret));
	ret->sz = sizeof(*ret);
	*why = "addresses: at most one of each family is expected";
	if (read_addresses(json_object_get(o, "addresses"), &ret->addr4, &ret->addr6) < 0)
		return -EINVAL;
	*why = "ports: \"MIN-MAX\" is expected";
	if (ports && (sscanf(ports, "%5u-%5u%c", &min, &max, &end) != 2 || !min || min > max || max > 65535))
		return -EINVAL;
	ret->port_min = (uint16_t)min;
	ret->port_max = (uint16_t)max;
	return 0;
}

static int keep_text(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_text(r, node, object);
}

static int keep_addresses(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_keep_prefixes(r, node, object);
}

static const struct conf_key source_keys[] = {
	{ "addresses", keep_addresses, false },
	{ "ports", keep_text, false },
	{}
};

int conf_read_source(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_service_source_opts opts;
	struct conf_node *n = object;
	const char *why;
	int err;

	json_decref(n->source);
	n->source = json_object();
	err = n->source ? conf_read_map(r, node, source_keys, n->source) : -ENOMEM;
	if (!err && read_source(n->source, &opts, &why) < 0)
		err = tree_error(r->tree, node, r->report, "%s", why);
	return err;
}

/* ---- applying */

static bool is_wanted(const struct conf *conf)
{
	for (size_t i = 0; conf->n_services && i < conf->n_devices; i++)
		if (conf->devices[i].role == EBPFNET_ROLE_NETDEV)
			return true;
	return false;
}

void agent_source_apply(struct agent *a)
{
	struct ebpfnet_service_source_opts opts;
	char text[256] = "";
	const char *why;
	int err;

	a->source_waiting = false;
	if (!a->dp || !a->conf)
		return;
	if (!is_wanted(a->conf)) {
		ebpfnet_service_source_clear(a->dp);
		return;
	}
	if (read_source(a->conf->node.source, &opts, &why) < 0)
		return;
	opts.diag = a->diag;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_service_source_set(a->dp, &opts);
	/* a device comes, or an address: then it is looked at again */
	if (err >= 0 || err == -EADDRNOTAVAIL)
		return;
	if (ebpfnet_diag_count(a->diag) && ebpfnet_diag_format(a->diag, text, sizeof(text)) > 0)
		text[strcspn(text, "\n")] = '\0';
	agent_log(EBPFNET_LOG_WARNING, "source: %s", *text ? text : strerror(-err));
	a->source_waiting = true;
}
