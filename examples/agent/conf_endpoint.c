// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conf_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE_LABEL "k8s:io.kubernetes.pod.namespace="

/* An endpoint while it is being read. */
struct reading {
	struct conf_endpoint ep;
	char *namespace;
};

static int read_name(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;
	int err = conf_read_text(r, node, &e->ep.name);

	if (err < 0)
		return err;
	for (const char *c = e->ep.name; *c; c++)
		if (iscntrl((unsigned char)*c))
			return tree_error(r->tree, node, r->report, "a control character in a name");
	if (strlen(e->ep.name) > 63)
		return tree_error(r->tree, node, r->report, "longer than 63 bytes");
	return conf_note(r, 'e', e->ep.name, node);
}

int conf_read_device_name(struct conf_reader *r, const struct tree_node *node, char ret[16])
{
	const char *v = node->kind == TREE_SCALAR ? node->value : "";
	size_t len = strlen(v);

	if (!len || len > 15 || strpbrk(v, "/ \t\n\r\v\f:") || !strcmp(v, ".") || !strcmp(v, ".."))
		return tree_error(r->tree, node, r->report, "not a device's name");
	memcpy(ret, v, len + 1);
	return conf_note(r, 'd', v, node);
}

static int read_device(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;

	return conf_read_device_name(r, node, e->ep.device);
}

static int read_mac(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;

	if (node->kind != TREE_SCALAR || ebpfnet_mac_parse(node->value, &e->ep.mac) < 0)
		return tree_error(r->tree, node, r->report, "not a MAC address");
	if (e->ep.mac.b[0] & 1)
		return tree_error(r->tree, node, r->report, "a group MAC address");
	return 0;
}

static int read_id(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;
	uint64_t id;
	int err = conf_read_number(r, node, 65535, &id);

	if (err < 0)
		return err;
	if (!id)
		return tree_error(r->tree, node, r->report, "an id is 1 to 65535");
	e->ep.id = (uint16_t)id;
	return conf_note(r, 'i', node->value, node);
}

int conf_read_addr(struct conf_reader *r, const struct tree_node *node, struct ebpfnet_addr *ret)
{
	if (node->kind != TREE_SCALAR || ebpfnet_addr_parse(node->value, ret) < 0 ||
	    !ebpfnet_addr_family(ret))
		return tree_error(r->tree, node, r->report, "not an address");
	return 0;
}

/* Into that of two places which is for its family. */
static int read_family(struct conf_reader *r, const struct tree_node *node,
		       struct ebpfnet_addr *v4, struct ebpfnet_addr *v6)
{
	struct ebpfnet_addr addr, *to;
	int err = conf_read_addr(r, node, &addr);

	if (err < 0)
		return err;
	to = ebpfnet_addr_family(&addr) == 4 ? v4 : v6;
	if (ebpfnet_addr_family(to))
		return tree_error(r->tree, node, r->report, "a second address of its family");
	*to = addr;
	return 0;
}

int conf_note_addr(struct conf_reader *r, const struct ebpfnet_addr *addr,
		   const struct tree_node *node)
{
	char text[EBPFNET_ADDR_STRLEN];

	ebpfnet_addr_format(addr, text, sizeof(text));
	return conf_note(r, 'a', text, node);
}

static int read_address(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;
	struct ebpfnet_addr addr;
	int err = read_family(r, node, &e->ep.addr4, &e->ep.addr6);

	if (err < 0)
		return err;
	ebpfnet_addr_parse(node->value, &addr);
	return conf_note_addr(r, &addr, node);
}

static int read_gateway(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;

	return read_family(r, node, &e->ep.gateway4, &e->ep.gateway6);
}

static int read_pool(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_text(r, node, &((struct reading *)object)->ep.pool);
}

static int read_addresses(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_address, object);
}

static int read_gateways(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_gateway, object);
}

static int read_labels(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;

	return conf_read_labels(r, node, &e->ep.labels);
}

static int read_namespace(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;

	if (node->kind == TREE_SCALAR && strpbrk(node->value, ",;"))
		return tree_error(r->tree, node, r->report, "not a namespace");
	return conf_read_text(r, node, &e->namespace);
}

static int read_flag(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading *e = object;
	const char *v = node->kind == TREE_SCALAR ? node->value : "";

	if (!strcmp(v, "audit"))
		e->ep.flags |= EBPFNET_ENDPOINT_AUDIT;
	else if (!strcmp(v, "no-redirect"))
		e->ep.flags |= EBPFNET_ENDPOINT_NO_REDIRECT;
	else
		return tree_error(r->tree, node, r->report, "a flag is \"audit\" or \"no-redirect\"");
	return 0;
}

static int read_flags(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_list(r, node, read_flag, object);
}

static int read_rate(struct conf_reader *r, const struct tree_node *node, uint64_t *ret)
{
	int err = conf_read_bits(r, node, 1000000000000ull, ret);

	if (!err && *ret && *ret < 8000)
		return tree_error(r->tree, node, r->report, "a rate is 8k to 1000G bits a second");
	return err;
}

static int read_tx_rate(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_rate(r, node, &((struct reading *)object)->ep.rates.tx_bits);
}

static int read_rx_rate(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return read_rate(r, node, &((struct reading *)object)->ep.rates.rx_bits);
}

static int read_tx_burst(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_bits(r, node, 8000000000ull, &((struct reading *)object)->ep.rates.tx_burst);
}

static int read_rx_burst(struct conf_reader *r, const struct tree_node *node, void *object)
{
	return conf_read_bits(r, node, 8000000000ull, &((struct reading *)object)->ep.rates.rx_burst);
}

/* "namespace: x" is short for the label by which policies know a namespace. */
static int add_namespace(struct conf_reader *r, const struct tree_node *node, struct reading *e)
{
	struct ebpfnet_labels *labels;
	char *text;
	int err;

	if (asprintf(&text, "%s%s%s", ebpfnet_labels_format(e->ep.labels), NAMESPACE_LABEL,
		     e->namespace) < 0)
		return -ENOMEM;
	err = ebpfnet_labels_parse(text, NULL, NULL, &labels);
	free(text);
	if (err == -ENOMEM)
		return err;
	if (err < 0)
		return tree_error(r->tree, node, r->report, "\"%s\" is not a namespace", e->namespace);
	ebpfnet_labels_unref(e->ep.labels);
	e->ep.labels = labels;
	return 0;
}

static const struct conf_key keys[] = {
	{ "name", read_name, true },
	{ "device", read_device, true },
	{ "addresses", read_addresses, false },
	{ "pool", read_pool, false },
	{ "mac", read_mac, false },
	{ "gateways", read_gateways, false },
	{ "labels", read_labels, false },
	{ "namespace", read_namespace, false },
	{ "flags", read_flags, false },
	{ "id", read_id, false },
	{ "tx_rate", read_tx_rate, false },
	{ "tx_burst", read_tx_burst, false },
	{ "rx_rate", read_rx_rate, false },
	{ "rx_burst", read_rx_burst, false },
	{}
};

int conf_read_endpoint(struct conf_reader *r, const struct tree_node *node, void *object)
{
	struct reading e = { .ep.source = r->how->source };
	struct conf *conf = object;
	int err;

	err = conf_read_map(r, node, keys, &e);
	if (!err && !e.ep.pool && !ebpfnet_addr_family(&e.ep.addr4) && !ebpfnet_addr_family(&e.ep.addr6))
		err = tree_error(r->tree, node, r->report, "an endpoint needs an address or a pool");
	if (!err && ((e.ep.rates.tx_burst && !e.ep.rates.tx_bits) || (e.ep.rates.rx_burst && !e.ep.rates.rx_bits)))
		err = tree_error(r->tree, node, r->report, "a burst without its rate");
	if (!err && e.namespace)
		err = add_namespace(r, node, &e);
	/* One of a name that was there is reported as seen twice when all is read. */
	if (!err)
		err = conf_put_endpoint(conf, &e.ep);
	free(e.namespace);
	conf_endpoint_clear(&e.ep);
	return err;
}
