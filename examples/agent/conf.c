// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conf_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/tracking.h"
#include "file.h"

static int read_version(struct conf_reader *r, const struct tree_node *node, void *object)
{
	uint64_t v;
	int err = conf_read_number(r, node, UINT32_MAX, &v);

	(void)object;
	if (err < 0)
		return err;
	return v == 1 ? 0 : tree_error(r->tree, node, r->report,
				       "version %s is not supported, 1 is", node->value);
}

static int read_node_name(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;

	return conf_read_text(r, node, &n->name);
}

static int read_datapath(struct conf_reader *r, const struct tree_node *node, void *object)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	struct conf_node *n = object;
	int err = conf_read_text(r, node, &n->datapath);

	if (err < 0)
		return err;
	if (strlen(n->datapath) > 32 || strspn(n->datapath, allowed) != strlen(n->datapath))
		return tree_error(r->tree, node, r->report,
				  "a datapath's name is 1 to 32 of a-z A-Z 0-9 _ -");
	return 0;
}

static int read_pin_dir(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;
	int err = conf_read_text(r, node, &n->pin_dir);

	if (err < 0)
		return err;
	return *n->pin_dir == '/' ? 0 : tree_error(r->tree, node, r->report, "not an absolute path");
}

static int read_state_dir(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;
	int err = conf_read_text(r, node, &n->state_dir);

	if (err < 0)
		return err;
	return *n->state_dir == '/' ? 0 : tree_error(r->tree, node, r->report, "not an absolute path");
}

static int read_u32(struct conf_reader *r, const struct tree_node *node, uint32_t max, uint32_t *ret)
{
	uint64_t v;
	int err = conf_read_number(r, node, max, &v);

	if (!err)
		*ret = (uint32_t)v;
	return err;
}

static int read_flows4(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_u32(r, node, 1u << 27, &((struct conf_node *)object)->flows4);
}

static int read_flows6(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_u32(r, node, 1u << 27, &((struct conf_node *)object)->flows6);
}

static int read_power(struct conf_reader *r, const struct tree_node *node, uint64_t min,
		      uint64_t max, uint64_t *ret)
{
	uint64_t v;
	int err = conf_read_number(r, node, max, &v);

	if (err < 0)
		return err;
	if (v && (v < min || (v & (v - 1))))
		return tree_error(r->tree, node, r->report, "not a power of two of at least %llu",
				  (unsigned long long)min);
	*ret = v;
	return 0;
}

static int read_table_bytes(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_node *n = object;

	return read_power(r, node, 1u << 20, 256u << 20, &n->table_bytes);
}

static int read_ring_bytes(struct conf_reader *r, const struct tree_node *node, void *object)
{
	uint64_t v = 0;
	int err = read_power(r, node, 4096, 1u << 30, &v);

	if (!err)
		((struct conf_node *)object)->ring_bytes = (uint32_t)v;
	return err;
}

static int read_max_endpoints(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_u32(r, node, 65535, &((struct conf_node *)object)->endpoints);
}

static int read_history(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_u32(r, node, CONF_HISTORY_MAX, &((struct conf_node *)object)->history);
}

static int read_seconds(struct conf_reader *r, const struct tree_node *node, uint32_t *ret)
{
	int err = read_u32(r, node, CT_SECONDS_MAX, ret);

	return err || *ret ? err : tree_error(r->tree, node, r->report, "at least 1 second");
}

#define SECONDS(field)                                                                             \
	static int read_##field(struct conf_reader *r, const struct tree_node *node, void *object) \
	{                                                                                          \
		return read_seconds(r, node, &((struct ebpfnet_ct_config *)object)->field);        \
	}
SECONDS(tcp_new_s)
SECONDS(tcp_established_s)
SECONDS(tcp_half_closed_s)
SECONDS(tcp_closing_s)
SECONDS(udp_new_s)
SECONDS(udp_stream_s)
SECONDS(icmp_s)
SECONDS(other_s)
SECONDS(give_up_s)
#undef SECONDS

static int read_switch(struct conf_reader *r, const struct tree_node *node, uint8_t *ret)
{
	char *text = NULL;
	int err = conf_read_text(r, node, &text);
	bool on = text && !strcmp(text, "true"), off = text && !strcmp(text, "false");

	free(text);
	if (!err && !on && !off)
		err = tree_error(r->tree, node, r->report, "true or false is expected");
	*ret = on;
	return err;
}

static int read_midstream(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_switch(r, node, &((struct ebpfnet_ct_config *)object)->midstream);
}

static int read_cut(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_switch(r, node, &((struct ebpfnet_ct_config *)object)->cut);
}

static int read_quota(struct conf_reader *r, const struct tree_node *node, void *object)
{
	uint32_t percent = 0;
	int err = read_u32(r, node, 100, &percent);

	((struct ebpfnet_ct_config *)object)->quota_percent = (uint8_t)percent;
	return err;
}

static const struct conf_key tracking_keys[] = {
	{ "tcp_new_s", read_tcp_new_s, false },
	{ "tcp_established_s", read_tcp_established_s, false },
	{ "tcp_half_closed_s", read_tcp_half_closed_s, false },
	{ "tcp_closing_s", read_tcp_closing_s, false },
	{ "udp_new_s", read_udp_new_s, false },
	{ "udp_stream_s", read_udp_stream_s, false },
	{ "icmp_s", read_icmp_s, false },
	{ "other_s", read_other_s, false },
	{ "give_up_s", read_give_up_s, false },
	{ "midstream", read_midstream, false },
	{ "cut", read_cut, false },
	{ "quota_percent", read_quota, false },
	{}
};

static int read_tracking(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct ebpfnet_ct_config *c = &((struct conf_node *)object)->tracking;

	c->sz = sizeof(*c);
	c->quota_percent = EBPFNET_CT_QUOTA_PERCENT;
	return conf_read_map(r, node, tracking_keys, c);
}

static const struct conf_key node_keys[] = {
	{ "name", read_node_name, false },
	{ "datapath", read_datapath, false },
	{ "pin_dir", read_pin_dir, false },
	{ "state_dir", read_state_dir, false },
	{ "flows4", read_flows4, false },
	{ "flows6", read_flows6, false },
	{ "table_bytes", read_table_bytes, false },
	{ "ring_bytes", read_ring_bytes, false },
	{ "max_endpoints", read_max_endpoints, false },
	{ "history", read_history, false },
	{ "zone", conf_read_zone, false },
	{ "addresses", conf_read_node_addresses, false },
	{ "cgroups", conf_read_cgroups, false },
	{ "source", conf_read_source, false },
	{ "xdp", conf_read_xdp, false },
	{ "tracking", read_tracking, false },
	{}
};

static int read_node(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_map(r, node, node_keys, &((struct conf *)object)->node);
}

static int read_device_device(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_device_name(r, node, ((struct conf_device *)object)->name);
}

static int read_role(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_device *d = object;
	const char *v = node->kind == TREE_SCALAR ? node->value : "";

	if (!strcmp(v, "watch"))
		d->role = EBPFNET_ROLE_WATCH;
	else if (!strcmp(v, "netdev"))
		d->role = EBPFNET_ROLE_NETDEV;
	else
		return tree_error(r->tree, node, r->report, "a role is \"watch\" or \"netdev\"");
	return 0;
}

static const char *const pacings[] = { "auto", "fq", "police" };

const char *conf_pacing_name(enum ebpfnet_pacing pacing)
{
	return pacings[pacing];
}

static int read_pacing(struct conf_reader *r, const struct tree_node *node, void *object)
{
	for (size_t i = 0; node->kind == TREE_SCALAR && i < sizeof(pacings) / sizeof(pacings[0]); i++)
		if (!strcmp(node->value, pacings[i])) {
			((struct conf_device *)object)->pacing = (enum ebpfnet_pacing)i;
			return 0;
		}
	return tree_error(r->tree, node, r->report, "pacing is \"auto\", \"fq\" or \"police\"");
}

static const struct conf_key device_keys[] = {
	{ "device", read_device_device, true },
	{ "role", read_role, true },
	{ "pacing", read_pacing, false },
	{ "masquerade", conf_read_masquerade, false },
	{}
};

static int read_device(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_device d = { .source = r->how->source };
	int err = conf_read_map(r, node, device_keys, &d);

	if (!err && d.pacing != EBPFNET_PACING_AUTO && d.role != EBPFNET_ROLE_NETDEV)
		err = tree_error(r->tree, node, r->report, "a device that paces has the role \"netdev\"");
	if (!err && d.masquerade.on && d.role != EBPFNET_ROLE_NETDEV)
		err = tree_error(r->tree, node, r->report, "a device that masquerades has the role \"netdev\"");
	return err ? err : conf_put_device(object, &d);
}

static int read_known_addr(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_address *a = object;
	const char *v = node->kind == TREE_SCALAR ? node->value : "";

	if (ebpfnet_prefix_parse(v, &a->prefix) < 0)
		return tree_error(r->tree, node, r->report, "neither an address nor a prefix");
	if (strchr(v, '/') && a->prefix.len < (ebpfnet_addr_family(&a->prefix.addr) == 4 ? 32 : 128))
		return 0;
	return conf_note_addr(r, &a->prefix.addr, node);
}

static int read_known_labels(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_labels(r, node, &((struct conf_address *)object)->labels);
}

static const struct conf_key address_keys[] = {
	{ "address", read_known_addr, true },
	{ "labels", read_known_labels, true },
	{}
};

static int read_address(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct conf_address a = { .source = r->how->source };
	int err = conf_read_map(r, node, address_keys, &a);

	if (!err && conf_find_address(object, &a.prefix))
		err = tree_error(r->tree, node, r->report, "the prefix is there already");
	if (!err)
		err = conf_put_address(object, &a);
	conf_address_clear(&a);
	return err;
}

static int read_devices(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_device, object);
}

static int read_endpoints(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, conf_read_endpoint, object);
}

static int read_policies(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, conf_read_policy, object);
}

static int read_addresses(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_address, object);
}

static int read_services(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, conf_read_service, object);
}

static int read_other_nodes(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, conf_read_other_node, object);
}

static int read_egress(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, conf_read_egress, object);
}

static const struct conf_key top_keys[] = {
	{ "version", read_version, true },
	{ "node", read_node, false },
	{ "devices", read_devices, false },
	{ "endpoints", read_endpoints, false },
	{ "policies", read_policies, false },
	{ "addresses", read_addresses, false },
	{ "services", read_services, false },
	{ "overlay", conf_read_overlay, false },
	{ "nodes", read_other_nodes, false },
	{ "host", conf_read_host, false },
	{ "egress", read_egress, false },
	{ "ipam", conf_read_ipam, false },
	{ "cni", conf_read_cni, false },
	{ "exporters", NULL, false },
	{}
};

static int compare_seen(const void *x, const void *y)
{
	const struct conf_seen *a = x, *b = y;
	int c = strcmp(a->key, b->key);

	return c ? c : (a->node->begin > b->node->begin) - (a->node->begin < b->node->begin);
}

static int report_twice(struct conf_reader *r)
{
	int err = 0;

	if (r->n_seen)
		qsort(r->seen, r->n_seen, sizeof(*r->seen), compare_seen);
	for (size_t i = 1; i < r->n_seen; i++)
		if (!strcmp(r->seen[i - 1].key, r->seen[i].key))
			err = tree_error(r->tree, r->seen[i].node, r->report,
					 "%s is already used in line %u", r->seen[i].key + 1,
					 r->seen[i - 1].node->line);
	return err;
}

static int parse_tree(struct conf_reader *r)
{
	const struct tree_node *doc = r->tree->documents;
	int err;

	if (!doc || (doc->kind == TREE_SCALAR && !*doc->value)) {
		report_error(r->report, r->tree->path, 1, 1, NULL, "empty: \"version: 1\" is missing");
		return -EINVAL;
	}
	if (doc->next)
		return tree_error(r->tree, doc->next, r->report, "a second document");
	err = conf_read_map(r, doc, top_keys, r->conf);
	return err == -ENOMEM ? err : conf_worse(err, report_twice(r));
}

int conf_parse(const char *text, size_t len, const struct conf_parse *how, struct ebpfnet_ctx *ctx,
	       struct report *report, struct conf **ret)
{
	struct conf_reader r = { .how = how, .ctx = ctx, .report = report };
	struct tree *tree;
	int err = tree_parse(text, len, how->path, 1, report, &tree);

	if (err < 0)
		return err;
	r.tree = tree;
	err = ebpfnet_diag_new(&r.diag);
	if (!err)
		err = conf_new(&r.conf);
	if (!err)
		err = parse_tree(&r);
	tree_free(tree);
	ebpfnet_diag_free(r.diag);
	free(r.seen);
	if (err < 0) {
		conf_free(r.conf);
		return err;
	}
	*ret = r.conf;
	return 0;
}

int conf_load(const char *path, const struct conf_parse *how, struct ebpfnet_ctx *ctx,
	      struct report *report, struct conf **ret)
{
	char *text;
	size_t len;
	int err = file_read(path, TREE_TEXT_MAX, &text, &len);

	if (err < 0) {
		report_error(report, path, 0, 0, NULL, "%s",
			     err == -EINVAL ? "not a regular file" : strerror(-err));
		return err;
	}
	err = conf_parse(text, len, how, ctx, report, ret);
	free(text);
	return err;
}
