// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Egress gateways: rules as the file has them, which is the same on all nodes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "control.h"
#include "egress.h"

/* ---- reading */

static int read_prefixes(const json_t *list, struct ebpfnet_prefix to[EGRESS_PREFIXES])
{
	size_t i, n = json_array_size(list);

	if (n > EGRESS_PREFIXES)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || ebpfnet_prefix_parse(text, &to[i]) < 0)
			return -EINVAL;
	}
	return (int)n;
}

static int read_addresses(const json_t *list, struct ebpfnet_egress_rule *rule)
{
	struct ebpfnet_addr addr, *to;
	json_t *v;
	size_t i;

	json_array_foreach((json_t *)list, i, v) {
		if (!json_is_string(v) || ebpfnet_addr_parse(json_string_value(v), &addr) < 0)
			return -EINVAL;
		to = ebpfnet_addr_family(&addr) == 4 ? &rule->addr4 : &rule->addr6;
		if (ebpfnet_addr_family(to))
			return -EINVAL;
		*to = addr;
	}
	return 0;
}

static int read_ports(const char *text, struct ebpfnet_egress_rule *rule)
{
	unsigned int min, max;
	char end;

	if (!text)
		return 0;
	if (sscanf(text, "%5u-%5u%c", &min, &max, &end) != 2 || !min || min > max || max > 65535)
		return -EINVAL;
	rule->port_min = (uint16_t)min;
	rule->port_max = (uint16_t)max;
	return 0;
}

static int read_rule(const json_t *o, struct egress_read *ret)
{
	int n;

	ret->why = "addresses: at most one of each family is expected";
	if (read_addresses(json_object_get(o, "addresses"), &ret->rule) < 0)
		return -EINVAL;
	ret->why = "ports: \"MIN-MAX\" is expected";
	if (read_ports(json_string_value(json_object_get(o, "ports")), &ret->rule) < 0)
		return -EINVAL;
	ret->why = "to: 1 to 64 prefixes without bits behind their length are expected";
	n = read_prefixes(json_object_get(o, "to"), ret->to);
	if (n <= 0)
		return -EINVAL;
	ret->rule.to = ret->to;
	ret->rule.n_to = (size_t)n;
	ret->why = "except: at most 64 prefixes without bits behind their length are expected";
	n = read_prefixes(json_object_get(o, "except"), ret->except);
	if (n < 0)
		return -EINVAL;
	ret->rule.except = ret->except;
	ret->rule.n_except = (size_t)n;
	ret->why = "endpoints: a selector of labels is expected, such as \"app=web\"";
	n = ebpfnet_selector_parse(json_string_value(json_object_get(o, "endpoints")), NULL, &ret->endpoints);
	return n < 0 ? -EINVAL : 0;
}

int egress_read(const json_t *o, const char *self, struct egress_read *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->rule.sz = sizeof(ret->rule);
	ret->rule.name = json_string_value(json_object_get(o, "name"));
	ret->rule.node = json_string_value(json_object_get(o, "node"));
	if (read_rule(o, ret) < 0)
		return -EINVAL;
	ret->rule.endpoints = ret->endpoints;
	ret->why = NULL;
	if (self && !strcmp(self, ret->rule.node)) {
		ret->rule.node = NULL;
		return 0;
	}
	/* the gateway's matter */
	memset(&ret->rule.addr4, 0, sizeof(ret->rule.addr4));
	memset(&ret->rule.addr6, 0, sizeof(ret->rule.addr6));
	ret->rule.port_min = ret->rule.port_max = 0;
	return 0;
}

void egress_read_done(struct egress_read *read)
{
	ebpfnet_selector_unref(read->endpoints);
	read->endpoints = NULL;
}

/* ---- applying */

static void say_failed(struct agent *a, int err)
{
	char text[256] = "";

	if (ebpfnet_diag_count(a->diag) && ebpfnet_diag_format(a->diag, text, sizeof(text)) > 0)
		text[strcspn(text, "\n")] = '\0';
	agent_log(EBPFNET_LOG_WARNING, "egress: %s; the rules there were stay", *text ? text : strerror(-err));
}

static int set_rules(struct agent *a, struct egress_read *read, struct ebpfnet_egress_rule *rules, size_t n)
{
	struct ebpfnet_egress_opts opts = { EBPFNET_OPTS_INIT(opts), .rules = rules, .diag = a->diag };
	size_t i;

	for (i = 0; i < n; i++) {
		if (egress_read(json_array_get(a->conf->egress, i), a->conf->node.name, &read[i]) < 0)
			return -EINVAL;
		rules[i] = read[i].rule;
		opts.n_rules++;
	}
	return ebpfnet_egress_set(a->dp, &opts);
}

void agent_egress_apply(struct agent *a)
{
	size_t n = json_array_size(a->conf->egress), i;
	struct ebpfnet_egress_rule *rules = calloc(n + 1, sizeof(*rules));
	struct egress_read *read = calloc(n + 1, sizeof(*read));
	int err = rules && read ? 0 : -ENOMEM;

	ebpfnet_diag_clear(a->diag);
	if (!err)
		err = set_rules(a, read, rules, n);
	a->egress_waiting = err < 0;
	if (err < 0)
		say_failed(a, err);
	for (i = 0; read && i < n; i++)
		egress_read_done(&read[i]);
	free(read);
	free(rules);
}

/* ---- methods */

static json_t *prefixes_json(const struct ebpfnet_prefix *px, uint32_t n)
{
	json_t *list = json_array();
	char text[EBPFNET_PREFIX_STRLEN];
	uint32_t i;

	for (i = 0; list && i < n; i++) {
		ebpfnet_prefix_format(&px[i], text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *addresses_json(const struct ebpfnet_egress_info *info)
{
	const struct ebpfnet_addr *addr[2] = { &info->addr4, &info->addr6 };
	json_t *list = json_array();
	char text[EBPFNET_ADDR_STRLEN];
	int i;

	for (i = 0; list && i < 2; i++)
		if (ebpfnet_addr_family(addr[i])) {
			ebpfnet_addr_format(addr[i], text, sizeof(text));
			json_array_append_new(list, json_string(text));
		}
	return list;
}

static const char *state_of(const struct ebpfnet_egress_info *info)
{
	return info->flags & EBPFNET_EGRESS_HERE ? "here" : info->flags & EBPFNET_EGRESS_LOST ? "lost" : "tunnel";
}

static int add_rule(const struct ebpfnet_egress_info *info, void *userdata)
{
	struct call *call = userdata;
	const char *self = call->agent->conf->node.name;
	char ports[16] = "";
	json_t *o;

	if (info->flags & EBPFNET_EGRESS_HERE)
		snprintf(ports, sizeof(ports), "%u-%u", info->port_min, info->port_max);
	o = json_pack("{s:s, s:s?, s:o, s:o, s:s?, s:s, s:o, s:s*, s:I, s:I}", "name", info->name, "endpoints", info->endpoints,
		      "to", prefixes_json(info->to, info->n_to), "except", prefixes_json(info->except, info->n_except), "node",
		      info->node ? info->node : self, "state", state_of(info), "addresses", addresses_json(info), "ports",
		      *ports ? ports : NULL, "number", (json_int_t)info->number, "selected", (json_int_t)info->n_endpoints);
	return o && !json_array_append_new(json_object_get(call->result, "rules"), o) ? 0 : -ENOMEM;
}

int method_egress_list(struct call *call)
{
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	call->result = json_pack("{s:[]}", "rules");
	if (!call->result)
		return -ENOMEM;
	err = ebpfnet_egress_foreach(call->agent->dp, add_rule, call);
	return err < 0 ? call_error(call, err, NULL, "the tables cannot be read") : 0;
}
