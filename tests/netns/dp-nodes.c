/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* dp-helper's commands about other nodes, egress gateways and the source of clients outside. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dp-helper.h"

#define PREFIXES 16u

static const char *text_of(const struct ebpfnet_addr *a)
{
	static char text[4][EBPFNET_ADDR_STRLEN];
	static unsigned int turn;
	char *to = text[turn++ % 4];

	return ebpfnet_addr_family(a) && ebpfnet_addr_format(a, to, EBPFNET_ADDR_STRLEN) > 0 ? to : "-";
}

/* The words "KEY=PREFIX", as many as there are. */
static int prefixes(char **w, const char *key, struct ebpfnet_prefix ret[PREFIXES], size_t *ret_n)
{
	size_t len = strlen(key);
	int r = 0;

	for (*ret_n = 0; *w && !r; w++) {
		if (strncmp(*w, key, len) != 0 || (*w)[len] != '=')
			continue;
		r = *ret_n < PREFIXES ? ebpfnet_prefix_parse(*w + len + 1, &ret[*ret_n]) : -EINVAL;
		*ret_n += !r;
	}
	return r;
}

static void show_prefixes(const char *key, const struct ebpfnet_prefix *p, uint32_t n)
{
	char text[EBPFNET_PREFIX_STRLEN];
	uint32_t i;

	for (i = 0; i < n; i++)
		if (ebpfnet_prefix_format(&p[i], text, sizeof(text)) > 0)
			printf(" %s=%s", key, text);
}

static int node(char **w)
{
	struct ebpfnet_node_opts o = { EBPFNET_OPTS_INIT(o), .flags = (uint32_t)number(w, "flags"), .diag = diag };
	struct ebpfnet_prefix p[PREFIXES];
	int r = w[1] ? prefixes(w, "to", p, &o.n_prefixes) : -EINVAL;

	o.prefixes = p;
	if (!r)
		r = address(w, "addr4", &o.addr4);
	if (!r)
		r = address(w, "addr6", &o.addr6);
	return r ? r : ebpfnet_node_set(dp, w[1], &o);
}

static int show_node(const struct ebpfnet_node_info *i, void *arg)
{
	(void)arg;
	printf("node %s flags=%u addr4=%s addr6=%s", i->name, i->flags, text_of(&i->addr4), text_of(&i->addr6));
	show_prefixes("to", i->prefixes, i->n_prefixes);
	puts("");
	return 0;
}

/* One rule is all of them. */
static int egress(char **w)
{
	struct ebpfnet_egress_rule rule = { EBPFNET_OPTS_INIT(rule), .name = w[1], .node = word(w, "node") };
	struct ebpfnet_egress_opts o = { EBPFNET_OPTS_INIT(o), .rules = &rule, .n_rules = 1, .diag = diag };
	struct ebpfnet_selector *endpoints = NULL;
	struct ebpfnet_prefix to[PREFIXES], except[PREFIXES];
	int r = w[1] ? prefixes(w, "to", to, &rule.n_to) : -EINVAL;

	if (!r)
		r = prefixes(w, "except", except, &rule.n_except);
	if (!r)
		r = address(w, "addr4", &rule.addr4);
	if (!r && word(w, "endpoints"))
		r = ebpfnet_selector_parse(word(w, "endpoints"), diag, &endpoints);
	rule.to = to;
	rule.except = except;
	rule.endpoints = endpoints;
	if (!r)
		r = ebpfnet_egress_set(dp, &o);
	ebpfnet_selector_unref(endpoints);
	return r;
}

static int show_egress(const struct ebpfnet_egress_info *i, void *arg)
{
	(void)arg;
	printf("egress %s endpoints=%s (%u) node=%s flags=%u addr4=%s addr6=%s", i->name, i->endpoints ? i->endpoints : "-",
	       i->n_endpoints, i->node ? i->node : "-", i->flags, text_of(&i->addr4), text_of(&i->addr6));
	show_prefixes("to", i->to, i->n_to);
	show_prefixes("except", i->except, i->n_except);
	puts("");
	return 0;
}

static int source(char **w)
{
	struct ebpfnet_service_source_opts o = { EBPFNET_OPTS_INIT(o), .port_min = (uint16_t)number(w, "min"),
						 .port_max = (uint16_t)number(w, "max"), .diag = diag };
	int r = address(w, "addr4", &o.addr4);

	if (!r)
		r = address(w, "addr6", &o.addr6);
	return r ? r : ebpfnet_service_source_set(dp, &o);
}

static int show_source(void)
{
	struct ebpfnet_service_source s;
	uint32_t i;
	int r = ebpfnet_service_source_get(dp, &s, sizeof(s));

	if (r == -ENOENT)
		return 0;
	for (i = 0; !r && i < s.n_devices; i++)
		printf("source %s ports=%u-%u addr4=%s addr6=%s\n", s.devices[i].device, s.port_min, s.port_max,
		       text_of(&s.devices[i].addr4), text_of(&s.devices[i].addr6));
	return r;
}

static int show_address(const struct ebpfnet_address_info *i, void *arg)
{
	char text[EBPFNET_PREFIX_STRLEN];

	(void)arg;
	if (ebpfnet_prefix_format(&i->prefix, text, sizeof(text)) > 0)
		printf("address %s %u\n", text, i->identity);
	return 0;
}

int nodes_command(char **w)
{
	const char *c = w[0];

	if (!strcmp(c, "overlay"))
		return ebpfnet_overlay_set(dp, NULL);
	if (!strcmp(c, "node"))
		return node(w);
	if (!strcmp(c, "nodedel"))
		return w[1] ? ebpfnet_node_delete(dp, w[1]) : -EINVAL;
	if (!strcmp(c, "nodes"))
		return ebpfnet_node_foreach(dp, show_node, NULL);
	if (!strcmp(c, "addrs"))
		return ebpfnet_address_foreach(dp, show_address, NULL);
	if (!strcmp(c, "egress"))
		return egress(w);
	if (!strcmp(c, "egressclear"))
		return ebpfnet_egress_set(dp, NULL);
	if (!strcmp(c, "egresses"))
		return ebpfnet_egress_foreach(dp, show_egress, NULL);
	if (!strcmp(c, "source"))
		return source(w);
	if (!strcmp(c, "sourceclear"))
		return ebpfnet_service_source_clear(dp);
	return strcmp(c, "sources") ? -ENOSYS : show_source();
}
