// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* "masquerade" of a device: read, compared, written, applied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/show.h"
#include "agent.h"
#include "conf_read.h"

static int read_masquerade_address(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_masquerade *m = object;
	struct ebpfnet_addr addr;
	bool v6;
	int err = conf_read_addr(r, node, &addr);

	if (err < 0)
		return err;
	v6 = ebpfnet_addr_family(&addr) == 6;
	if (ebpfnet_addr_family(v6 ? &m->addr6 : &m->addr4))
		return tree_error(r->tree, node, r->report, "a second IPv%d address", v6 ? 6 : 4);
	if (v6)
		m->addr6 = addr;
	else
		m->addr4 = addr;
	return 0;
}

static int read_masquerade_addresses(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_masquerade_address, object);
}

static int read_family(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_masquerade *m = object;
	const char *v = node->kind == TREE_SCALAR ? node->value : "";

	if (!strcmp(v, "ipv4"))
		m->flags |= EBPFNET_NAT_IPV4;
	else if (!strcmp(v, "ipv6"))
		m->flags |= EBPFNET_NAT_IPV6;
	else
		return tree_error(r->tree, node, r->report, "a family is \"ipv4\" or \"ipv6\"");
	return 0;
}

static int read_families(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_family, object);
}

static int read_ports(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_masquerade *m = object;
	const char *v = node->kind == TREE_SCALAR ? node->value : "";
	unsigned int min, max;
	char end;

	if (sscanf(v, "%5u-%5u%c", &min, &max, &end) != 2 || !min || min > max || max > 65535)
		return tree_error(r->tree, node, r->report, "ports are \"MIN-MAX\", 1 to 65535");
	m->port_min = (uint16_t)min;
	m->port_max = (uint16_t)max;
	return 0;
}

static int read_host_ports(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_masquerade *m = object;
	const char *v = node->kind == TREE_SCALAR && node->plain ? node->value : "";

	if (!strcmp(v, "true"))
		m->flags |= EBPFNET_NAT_HOST_PORTS;
	else if (strcmp(v, "false"))
		return tree_error(r->tree, node, r->report, "\"true\" or \"false\" is expected");
	return 0;
}

static int read_keep(struct conf_reader *r, const struct tree_node *node, void *object)
{
	const char *v = node->kind == TREE_SCALAR ? node->value : "", *slash = strchr(v, '/');
	struct conf_masquerade *m = object;
	struct ebpfnet_nat_prefix p = {};
	unsigned int len, max;
	char text[EBPFNET_ADDR_STRLEN], end;

	if (!slash || (size_t)(slash - v) >= sizeof(text) || sscanf(slash, "/%3u%c", &len, &end) != 1)
		return tree_error(r->tree, node, r->report, "a prefix is expected, as \"10.0.0.0/8\"");
	memcpy(text, v, (size_t)(slash - v));
	text[slash - v] = '\0';
	/* the library takes "none" for the address of all zeroes, which prefixes may have */
	max = strchr(text, ':') ? 128 : 32;
	if ((strcmp(text, "::") && ebpfnet_addr_parse(text, &p.addr) < 0) || len > max)
		return tree_error(r->tree, node, r->report, "not a prefix");
	if (m->n_keep == sizeof(m->keep) / sizeof(m->keep[0]))
		return tree_error(r->tree, node, r->report, "more than %zu prefixes",
				  sizeof(m->keep) / sizeof(m->keep[0]));
	p.len = (uint8_t)len;
	m->keep[m->n_keep++] = p;
	return 0;
}

static int read_keeps(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_keep, object);
}

static const struct conf_key masquerade_keys[] = {
	{ "addresses", read_masquerade_addresses, false },
	{ "families", read_families, false },
	{ "ports", read_ports, false },
	{ "host_ports", read_host_ports, false },
	{ "keep", read_keeps, false },
	{}
};

int conf_read_masquerade(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_masquerade *m = &((struct conf_device *)object)->masquerade;

	m->on = true;
	/* all defaults */
	if (node->kind == TREE_SCALAR && node->plain && !strcmp(node->value, "true"))
		return 0;
	if (node->kind == TREE_SCALAR && node->plain && !strcmp(node->value, "false")) {
		m->on = false;
		return 0;
	}
	return conf_read_map(r, node, masquerade_keys, m);
}

bool conf_masquerade_equal(const struct conf_masquerade *a, const struct conf_masquerade *b)
{
	return a->on == b->on && a->flags == b->flags && a->port_min == b->port_min && a->port_max == b->port_max &&
	       !memcmp(&a->addr4, &b->addr4, sizeof(a->addr4)) && !memcmp(&a->addr6, &b->addr6, sizeof(a->addr6)) &&
	       a->n_keep == b->n_keep && !memcmp(a->keep, b->keep, a->n_keep * sizeof(a->keep[0]));
}

static void add_address(json_t *list, const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	if (!ebpfnet_addr_family(addr))
		return;
	ebpfnet_addr_format(addr, text, sizeof(text));
	json_array_append_new(list, json_string(text));
}

json_t *conf_masquerade_json(const struct conf_masquerade *m)
{
	json_t *o = json_object(), *addresses = json_array(), *keep = json_array(), *families = json_array();
	char text[16];

	add_address(addresses, &m->addr4);
	add_address(addresses, &m->addr6);
	for (size_t i = 0; i < m->n_keep; i++)
		json_array_append_new(keep, show_prefix(&m->keep[i]));
	if (m->flags & EBPFNET_NAT_IPV4)
		json_array_append_new(families, json_string("ipv4"));
	if (m->flags & EBPFNET_NAT_IPV6)
		json_array_append_new(families, json_string("ipv6"));
	json_object_set_new(o, "addresses", addresses);
	json_object_set_new(o, "families", families);
	json_object_set_new(o, "keep", keep);
	if (m->port_max) {
		snprintf(text, sizeof(text), "%u-%u", m->port_min, m->port_max);
		json_object_set_new(o, "ports", json_string(text));
	}
	if (m->flags & EBPFNET_NAT_HOST_PORTS)
		json_object_set_new(o, "host_ports", json_true());
	return o;
}

/* Masquerade first: nothing is to leave as it is meanwhile. */
int agent_attach_device(struct agent *a, const struct conf_device *d, struct ebpfnet_diag *diag)
{
	const struct conf_masquerade *m = &d->masquerade;
	struct ebpfnet_nat_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.flags = m->flags,
		.port_min = m->port_min,
		.port_max = m->port_max,
		.addr4 = m->addr4,
		.addr6 = m->addr6,
		.keep = m->keep,
		.n_keep = m->n_keep,
		.diag = diag,
	};
	int err = m->on ? ebpfnet_nat_set(a->dp, d->name, &opts) : ebpfnet_nat_clear(a->dp, d->name);

	if (err < 0 && (m->on || err != -ENOENT))
		return err;
	err = ebpfnet_datapath_attach(a->dp, d->name, d->role, diag);
	if (!err && d->role == EBPFNET_ROLE_NETDEV)
		err = ebpfnet_datapath_set_pacing(a->dp, d->name, d->pacing, diag);
	return err < 0 ? err : 0;
}
