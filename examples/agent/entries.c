// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Methods on endpoints and known addresses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/show.h"
#include "agent.h"
#include "control.h"

int call_parse(struct call *call, const char *kind, json_t *list, struct conf **ret)
{
	struct conf_parse how = { .source = CONF_SOCKET };
	json_t *doc = json_pack("{s:i, s:O}", "version", 1, kind, list);
	char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	struct report report;
	char *inner;
	int err = -ENOMEM;

	report_init(&report);
	if (text)
		err = conf_parse(text, strlen(text), &how, call->agent->ctx, &report, ret);
	if (err < 0) {
		call_report(call, err, &report);
		/* "endpoints[0].mac" is the caller's "mac". */
		inner = strchr(call->where, '.');
		if (inner && json_array_size(list) == 1)
			memmove(call->where, inner + 1, strlen(inner));
	}
	report_clear(&report);
	free(text);
	json_decref(doc);
	return err;
}

int call_owned_by_file(struct call *call, const char *key, const char *name)
{
	return call_error(call, -EPERM, key, "\"%s\" is in the agent's file: change it there", name);
}

/* ---- endpoints */

static json_t *endpoint_json(struct agent *a, const struct conf_endpoint *conf)
{
	json_t *o = conf_endpoint_json(conf), *state;
	struct ebpfnet_endpoint *ep;

	if (o && conf->error)
		json_object_set_new(o, "error", json_string(control_code(-conf->error)));
	if (!o || ebpfnet_endpoint_lookup(a->dp, conf->name, &ep) < 0)
		return o;
	state = show_endpoint(ep);
	if (state) {
		json_object_del(state, "name");
		json_object_del(state, "device");
		/* as they are asked for, unless they come from a pool */
		if (!conf->pool) {
			json_object_del(state, "addresses");
			json_object_del(state, "gateways");
		}
		json_object_del(state, "labels");
		json_object_update_new(o, state);
	}
	ebpfnet_endpoint_unref(ep);
	return o;
}

/* The host's own, if it is one; NULL: it is not. */
static json_t *host_json(struct agent *a)
{
	struct ebpfnet_endpoint *ep;
	json_t *o;

	if (!a->conf->host || ebpfnet_endpoint_lookup(a->dp, EBPFNET_HOST_NAME, &ep) < 0)
		return NULL;
	o = show_endpoint(ep);
	ebpfnet_endpoint_unref(ep);
	json_object_set_new(o, "source", json_string("file"));
	return o;
}

/* The host's comes last. */
static int fill_endpoints(struct agent *a, struct stream *s, json_t *array)
{
	json_t *host;

	for (int i = 0; i < CONTROL_CHUNK && s->at < a->conf->n_endpoints; i++, s->at++)
		if (json_array_append_new(array, endpoint_json(a, &a->conf->endpoints[s->at])))
			return -ENOMEM;
	if (s->at < a->conf->n_endpoints)
		return 1;
	host = host_json(a);
	return host && json_array_append_new(array, host) ? -ENOMEM : 0;
}

int call_list(struct call *call, const char *member,
	      int (*fill)(struct agent *a, struct stream *s, json_t *array))
{
	struct stream *s;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	s = conn_stream(call, STREAM_LIST);
	if (!s)
		return -EBUSY;
	s->member = member;
	s->fill = fill;
	call->streaming = true;
	return 0;
}

int method_endpoint_list(struct call *call)
{
	return call_list(call, "endpoints", fill_endpoints);
}

static int find_endpoint(struct call *call, struct conf_endpoint **ret)
{
	const char *name = NULL;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "name", true, &name);
	if (err < 0)
		return err;
	*ret = conf_find_endpoint(call->agent->conf, name);
	return *ret ? 0 : call_error(call, -ENOENT, "name", "no endpoint \"%s\"", name);
}

int method_endpoint_get(struct call *call)
{
	const char *name = json_string_value(json_object_get(call->params, "name"));
	struct conf_endpoint *ep;
	int err = call_needs_datapath(call);

	if (!err && name && !strcmp(name, EBPFNET_HOST_NAME))
		call->result = host_json(call->agent);
	if (!err && !call->result)
		err = find_endpoint(call, &ep);
	if (err < 0)
		return err;
	if (!call->result)
		call->result = endpoint_json(call->agent, ep);
	return call->result ? 0 : -ENOMEM;
}

/* Makes what is wanted so; keeps it when that worked, else restores what was before. */
static int put_endpoint(struct call *call, struct conf_endpoint *want, struct conf_endpoint *was)
{
	struct agent *a = call->agent;
	char text[512] = "";
	int err = agent_apply_endpoint(a, want);

	if (err < 0) {
		if (ebpfnet_diag_count(a->diag))
			ebpfnet_diag_format(a->diag, text, sizeof(text));
		if (was)
			agent_apply_endpoint(a, was);
		else
			agent_unlease(a, want->name);
		return call_error(call, err, NULL, "%s", *text ? text : strerror(-err));
	}
	control_changed(a, "endpoint", want->name, was ? "update" : "create");
	call->result = endpoint_json(a, want);
	err = conf_put_endpoint(a->conf, want);
	a->state_dirty = true;
	return err;
}

static int parse_and_put(struct call *call, json_t *params, struct conf_endpoint *was)
{
	json_t *list = json_pack("[O]", params);
	struct conf *parsed;
	int err = list ? call_parse(call, "endpoints", list, &parsed) : -ENOMEM;

	json_decref(list);
	if (err < 0)
		return err;
	err = put_endpoint(call, &parsed->endpoints[0], was);
	conf_free(parsed);
	return err;
}

int method_endpoint_create(struct call *call)
{
	const char *name = NULL;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "name", true, &name);
	if (err < 0)
		return err;
	if (conf_find_endpoint(call->agent->conf, name))
		return call_error(call, -EEXIST, "name", "there is an endpoint \"%s\"", name);
	return parse_and_put(call, call->params, NULL);
}

int method_endpoint_update(struct call *call)
{
	struct conf_endpoint *was;
	json_t *now;
	int err = find_endpoint(call, &was);

	if (err < 0)
		return err;
	if (was->source == CONF_FILE)
		return call_owned_by_file(call, "name", was->name);
	now = conf_endpoint_json(was);
	if (!now || json_object_del(now, "source") || json_object_update(now, call->params)) {
		json_decref(now);
		return -ENOMEM;
	}
	err = parse_and_put(call, now, was);
	json_decref(now);
	return err;
}

int method_endpoint_delete(struct call *call)
{
	struct agent *a = call->agent;
	struct conf_endpoint *ep;
	int err = find_endpoint(call, &ep);

	if (err < 0)
		return err;
	if (ep->source == CONF_FILE)
		return call_owned_by_file(call, "name", ep->name);
	err = agent_remove_endpoint(a, ep->name);
	if (err < 0)
		return call_error(call, err, NULL, "%s", strerror(-err));
	agent_unlease(a, ep->name);
	control_changed(a, "endpoint", ep->name, "delete");
	conf_remove_endpoint(a->conf, ep->name);
	a->state_dirty = true;
	return 0;
}

/* ---- addresses */

static int fill_addresses(struct agent *a, struct stream *s, json_t *array)
{
	for (int i = 0; i < CONTROL_CHUNK && s->at < a->conf->n_addresses; i++, s->at++)
		if (json_array_append_new(array, conf_address_json(&a->conf->addresses[s->at])))
			return -ENOMEM;
	return s->at < a->conf->n_addresses;
}

int method_address_list(struct call *call)
{
	return call_list(call, "addresses", fill_addresses);
}

static int put_address(struct call *call, struct conf_address *want)
{
	struct agent *a = call->agent;
	const struct conf_address *was = conf_find_address(a->conf, &want->prefix);
	char text[EBPFNET_PREFIX_STRLEN];
	int err;

	ebpfnet_prefix_format(&want->prefix, text, sizeof(text));
	if (was && was->source == CONF_FILE)
		return call_owned_by_file(call, "address", text);
	err = ebpfnet_address_set_prefix(a->dp, &want->prefix, want->labels);
	if (err < 0)
		return call_error(call, err, "address", "%s: %s", text, strerror(-err));
	control_changed(a, "address", text, was ? "update" : "create");
	a->state_dirty = true;
	return conf_put_address(a->conf, want);
}

int method_address_upsert(struct call *call)
{
	json_t *many = json_object_get(call->params, "addresses"), *list;
	struct conf *parsed;
	size_t done = 0;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	if (many && (!json_is_array(many) || json_object_size(call->params) != 1))
		return call_error(call, -EINVAL, "addresses", "a list and nothing else is expected");
	list = many ? json_incref(many) : json_pack("[O]", call->params);
	err = list ? call_parse(call, "addresses", list, &parsed) : -ENOMEM;
	json_decref(list);
	if (err < 0)
		return err;
	for (; !err && done < parsed->n_addresses; done += !err)
		err = put_address(call, &parsed->addresses[done]);
	conf_free(parsed);
	call->result = json_pack("{s:I}", "upserted", (json_int_t)done);
	return err;
}

int method_address_delete(struct call *call)
{
	struct agent *a = call->agent;
	struct conf_address *was;
	struct ebpfnet_prefix prefix;
	const char *said = NULL;
	char text[EBPFNET_PREFIX_STRLEN];
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "address", true, &said);
	if (err < 0)
		return err;
	if (ebpfnet_prefix_parse(said, &prefix) < 0)
		return call_error(call, -EINVAL, "address", "neither an address nor a prefix");
	was = conf_find_address(a->conf, &prefix);
	ebpfnet_prefix_format(&prefix, text, sizeof(text));
	if (!was)
		return call_error(call, -ENOENT, "address", "%s is not known", text);
	if (was->source == CONF_FILE)
		return call_owned_by_file(call, "address", text);
	err = ebpfnet_address_delete_prefix(a->dp, &prefix);
	if (err < 0 && err != -ENOENT)
		return call_error(call, err, "address", "%s: %s", text, strerror(-err));
	conf_remove_address(a->conf, &prefix);
	a->state_dirty = true;
	control_changed(a, "address", text, "delete");
	return 0;
}

/* What the programs find behind an address, and which address or prefix it is by. */
int method_address_get(struct call *call)
{
	struct ebpfnet_address_info info = {};
	struct ebpfnet_datapath *dp;
	char labels[EBPFNET_LABELS_MAX * EBPFNET_LABEL_LEN_MAX / 4];
	char by[EBPFNET_PREFIX_STRLEN], via[EBPFNET_ADDR_STRLEN];
	struct ebpfnet_addr addr;
	json_t *node;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_addr(call, "address", &addr);
	if (err < 0)
		return err;
	dp = call->agent->dp;
	err = ebpfnet_address_match(dp, &addr, &info, sizeof(info));
	if (!err && ebpfnet_identity_labels(dp, info.identity, labels, sizeof(labels)) < 0)
		*labels = '\0';
	if (err < 0 || ebpfnet_prefix_format(&info.prefix, by, sizeof(by)) < 0)
		return call_error(call, err < 0 ? err : -EPROTO, "address", "the tables do not answer");
	call->result = json_pack("{s:s, s:I, s:I, s:s, s:i, s:b}", "by", by, "identity", (json_int_t)info.identity,
				 "peer_identity", (json_int_t)info.peer_identity, "labels", labels,
				 "endpoint", info.endpoint, "policy", info.policy);
	if (!call->result)
		return -ENOMEM;
	if (!*info.node)
		return 0;
	if (ebpfnet_addr_format(&info.node_addr, via, sizeof(via)) < 0)
		return call_error(call, -EPROTO, "address", "the node has no address");
	node = json_pack("{s:s, s:s, s:b, s:I}", "node", info.node, "node_address", via, "tunnel", info.tunnel, "key",
			 (json_int_t)info.node_key);
	return json_object_update_new(call->result, node) ? -ENOMEM : 0;
}
