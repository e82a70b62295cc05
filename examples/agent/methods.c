// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The table of methods, and those about the agent as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/filter.h"
#include "../common/service.h"
#include "../common/show.h"
#include "../common/tracking.h"
#include "agent.h"
#include "control.h"

int method_hello(struct call *call)
{
	struct agent *a = call->agent;

	call->result = json_pack("{s:i, s:s, s:s, s:i}", "protocol", CONTROL_PROTOCOL, "version",
				 ebpfnet_version(), "name",
				 a->conf ? a->conf->node.datapath : "", "pid", (int)getpid());
	return call->result ? 0 : -ENOMEM;
}

static size_t pending(const struct agent *a)
{
	const struct conf *conf = a->conf;
	size_t n = a->cgroups_waiting + a->xdp_waiting + a->host_waiting + a->egress_waiting + a->source_waiting;

	for (size_t i = 0; i < conf->n_endpoints; i++)
		n += conf->endpoints[i].error != 0;
	for (size_t i = 0; i < conf->n_devices; i++)
		n += conf->devices[i].error != 0;
	for (size_t i = 0; i < conf->n_addresses; i++)
		n += conf->addresses[i].error != 0;
	return n;
}

int method_status(struct call *call)
{
	struct agent *a = call->agent;
	json_t *conf;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	conf = json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "file", a->opts.config,
			 "endpoints", (json_int_t)a->conf->n_endpoints,
			 "policies", (json_int_t)a->conf->n_policies,
			 "addresses", (json_int_t)a->conf->n_addresses,
			 "devices", (json_int_t)a->conf->n_devices,
			 "services", (json_int_t)a->conf->n_services,
			 "pending", (json_int_t)pending(a), "staged", a->policy_staged);
	call->result = json_pack(
		"{s:i, s:s, s:s?, s:i, s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o}",
		"protocol", CONTROL_PROTOCOL, "version", ebpfnet_version(), "node", a->conf->node.name,
		"pid", (int)getpid(),
		"uptime_s", (json_int_t)((agent_now_ns() - a->started_ns) / 1000000000u),
		"clients", (json_int_t)control_clients(a), "reloads", (json_int_t)a->reloads,
		"reload_errors", (json_int_t)a->reload_errors,
		"events", (json_int_t)a->history.count, "observing", a->events != NULL,
		"config", conf, "datapath", show_status(a->dp));
	return call->result ? 0 : call_error(call, -EIO, NULL, "the datapath has no status");
}

int method_config_get(struct call *call)
{
	const char *source = NULL;
	int err = call_needs_datapath(call), only = -1;

	if (!err)
		err = param_text(call, "source", false, &source);
	if (err < 0)
		return err;
	if (source && !strcmp(source, "file"))
		only = CONF_FILE;
	else if (source && !strcmp(source, "socket"))
		only = CONF_SOCKET;
	else if (source)
		return call_error(call, -EINVAL, "source", "\"file\" or \"socket\" is expected");
	call->result = conf_json(call->agent->conf, only < 0, only);
	/* What config.apply takes: everything but the node's own settings. */
	if (only == CONF_SOCKET)
		json_object_del(call->result, "node");
	return call->result ? 0 : -ENOMEM;
}

static json_t *changes_json(const struct agent_changes *c)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:b}", "created", (int)c->created, "updated",
			 (int)c->updated, "deleted", (int)c->deleted, "failed", (int)c->failed,
			 "policy", c->policy);
}

static int finish_apply(struct call *call, int err, struct report *report,
			const struct agent_changes *changes)
{
	if (err < 0) {
		call_report(call, err, report);
	} else {
		call->result = changes_json(changes);
		err = call->result ? 0 : -ENOMEM;
	}
	report_clear(report);
	return err;
}

int method_config_apply(struct call *call)
{
	static const char *const files[] = { "ipam", "cni", "overlay", "nodes", "host", "egress" };
	json_t *config = json_object_get(call->params, "config");
	struct conf_parse how = { .source = CONF_SOCKET };
	struct agent_changes changes = {};
	struct report report;
	struct conf *conf;
	bool dry_run = false;
	char *text;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_bool(call, "dry_run", &dry_run);
	if (err < 0)
		return err;
	if (!json_is_object(config) && !json_is_string(config))
		return call_error(call, -EINVAL, "config", "an object or a text is expected");
	if (json_object_get(config, "node"))
		return call_error(call, -EPERM, "node", "the node's settings are the file's");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (json_object_get(config, files[i]))
			return call_error(call, -EPERM, files[i], "these settings are the file's");
	text = json_is_string(config) ? strdup(json_string_value(config)) :
	       json_dumps(config, JSON_INDENT(1));
	if (!text)
		return -ENOMEM;
	report_init(&report);
	err = conf_parse(text, strlen(text), &how, call->agent->ctx, &report, &conf);
	free(text);
	if (!err) {
		err = agent_apply_socket(call->agent, conf, dry_run, &report, &changes);
		conf_free(conf);
	}
	return finish_apply(call, err, &report, &changes);
}

int method_reload(struct call *call)
{
	struct agent_changes changes = {};
	struct report report;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	report_init(&report);
	err = agent_reload(call->agent, &report, &changes);
	return finish_apply(call, err, &report, &changes);
}

static int finish_upgrade(struct call *call, int err)
{
	struct agent *a = call->agent;
	char text[512] = "";

	control_changed(a, "programs", "", err < 0 ? "failed" : "upgrade");
	if (err < 0) {
		if (ebpfnet_diag_count(a->diag))
			ebpfnet_diag_format(a->diag, text, sizeof(text));
		return call_error(call, err, NULL, "%s", *text ? text : strerror(-err));
	}
	call->result = show_status(a->dp);
	return call->result ? 0 : -ENOMEM;
}

int method_upgrade(struct call *call)
{
	struct agent *a = call->agent;
	struct ebpfnet_upgrade_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = a->diag };
	uint64_t flows4 = 0, flows6 = 0;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_number(call, "flows4", 1u << 27, &flows4);
	if (!err)
		err = param_number(call, "flows6", 1u << 27, &flows6);
	if (err < 0)
		return err;
	opts.flows4 = (uint32_t)flows4;
	opts.flows6 = (uint32_t)flows6;
	ebpfnet_diag_clear(a->diag);
	control_stale(a);
	agent_events_close(a);
	err = ebpfnet_datapath_upgrade(a->dp, &opts);
	agent_events_update(a);
	return finish_upgrade(call, err);
}

int method_rollback(struct call *call)
{
	struct agent *a = call->agent;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	ebpfnet_diag_clear(a->diag);
	control_stale(a);
	agent_events_close(a);
	err = ebpfnet_datapath_rollback(a->dp, a->diag);
	agent_events_update(a);
	return finish_upgrade(call, err);
}

static const struct method methods[] = {
	{ "hello", method_hello, "" },
	{ "version", method_hello, "" },
	{ "status", method_status, "" },
	{ "endpoint.list", method_endpoint_list, "" },
	{ "endpoint.get", method_endpoint_get, "name" },
	{ "endpoint.create", method_endpoint_create, "*" },
	{ "endpoint.update", method_endpoint_update, "*" },
	{ "endpoint.delete", method_endpoint_delete, "name" },
	{ "policy.list", method_policy_list, "" },
	{ "policy.get", method_policy_get, "name" },
	{ "policy.set", method_policy_set, "policy text commit" },
	{ "policy.delete", method_policy_delete, "name commit" },
	{ "policy.commit", method_policy_commit, "" },
	{ "policy.explain", method_policy_explain,
	  "direction endpoint labels peer_endpoint peer_labels peer_identity peer_address "
	  "protocol port" },
	{ "address.list", method_address_list, "" },
	{ "address.upsert", method_address_upsert, "*" },
	{ "address.delete", method_address_delete, "address" },
	{ "address.get", method_address_get, "address" },
	{ "node.list", method_node_list, "" },
	{ "node.set", method_node_set, "name addresses prefixes native ipv6 routes key" },
	{ "node.delete", method_node_delete, "name" },
	{ "overlay.get", method_overlay_get, "" },
	{ "host.get", method_host_get, "" },
	{ "egress.list", method_egress_list, "" },
	{ "ipam.pools", method_ipam_pools, "" },
	{ "ipam.list", method_ipam_list, "" },
	{ "ipam.get", method_ipam_get, "owner" },
	{ "ipam.allocate", method_ipam_allocate, "pool owner addresses" },
	{ "ipam.release", method_ipam_release, "owner" },
	{ "ipam.collect", method_ipam_collect, "prefix live" },
	{ "cni.write", method_cni_write, "" },
	{ "cni.remove", method_cni_remove, "" },
	{ "identity.list", method_identity_list, "" },
	{ "ct.list", method_ct_list, CT_FILTER_KEYS " limit" },
	{ "ct.flush", method_ct_flush, CT_FILTER_KEYS },
	{ "ct.get", method_ct_get, CT_TUPLE_KEYS },
	{ "ct.delete", method_ct_delete, CT_TUPLE_KEYS },
	{ "ct.count", method_ct_count, CT_FILTER_KEYS },
	{ "ct.stats", method_ct_stats, "" },
	{ "ct.config", method_ct_config, CT_CONFIG_KEYS },
	{ "ct.import", method_ct_import, "data" },
	{ "ct.watch", method_ct_watch, CT_FILTER_KEYS " events existing" },
	{ "service.list", method_service_list, "" },
	{ "service.get", method_service_get, "name" },
	{ "service.upsert", method_service_upsert, "*" },
	{ "service.delete", method_service_delete, "name" },
	{ "service.sync", method_service_sync, "services text" },
	{ "service.state", method_service_state, "service address port protocol state" },
	{ "service.end_sockets", method_service_end_sockets, "address port protocol" },
	{ "service.stats", method_service_stats, "" },
	{ "service.xdp", method_service_xdp, "name" },
	{ "service.select", method_service_select, SERVICE_QUERY_KEYS },
	{ "nat.list", method_nat_list, "" },
	{ "drops", method_drops, "" },
	{ "observe", method_observe, "filter follow last format" },
	{ "watch", method_watch, "" },
	{ "cancel", method_cancel, "id" },
	{ "config.get", method_config_get, "source" },
	{ "config.apply", method_config_apply, "config dry_run" },
	{ "reload", method_reload, "" },
	{ "upgrade", method_upgrade, "flows4 flows6" },
	{ "rollback", method_rollback, "" },
};

const struct method *method_find(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	return NULL;
}
