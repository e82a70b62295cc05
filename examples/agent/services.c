// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services: made those of the configuration, and the methods about them. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/service.h"
#include "agent.h"
#include "control.h"
#include "health.h"
#include "healthz.h"

/* ---- this node */

struct node_addresses {
	struct ebpfnet_addr addr[CONF_NODE_ADDRESSES];
	size_t n;
};

static void add_address(struct node_addresses *list, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
	struct ebpfnet_addr *addr = &list->addr[list->n];

	if (list->n == CONF_NODE_ADDRESSES)
		return;
	if (sa->sa_family == AF_INET) {
		memset(addr, 0, sizeof(*addr));
		addr->b[10] = addr->b[11] = 0xff;
		memcpy(addr->b + 12, &in->sin_addr, sizeof(in->sin_addr));
	} else if (sa->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr)) {
		memcpy(addr->b, &in6->sin6_addr, sizeof(addr->b));
	} else {
		return;
	}
	/* one address on several devices is one */
	for (size_t i = 0; i < list->n; i++)
		if (!memcmp(&list->addr[i], addr, sizeof(*addr)))
			return;
	list->n++;
}

/* Those the host has now. */
static int host_addresses(struct node_addresses *list)
{
	struct ifaddrs *all;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK))
			add_address(list, i->ifa_addr);
	freeifaddrs(all);
	return 0;
}

static int apply_node(struct agent *a, const struct conf_node *node)
{
	struct ebpfnet_service_node_opts opts = { EBPFNET_OPTS_INIT(opts), .zone = node->zone };
	struct node_addresses list = {};
	char host[256] = "";
	int err = 0;

	if (!node->addresses)
		err = host_addresses(&list);
	for (size_t i = 0; !err && i < json_array_size(node->addresses); i++)
		err = ebpfnet_addr_parse(json_string_value(json_array_get(node->addresses, i)), &list.addr[list.n++]);
	if (err < 0)
		return err;
	if (!node->name && gethostname(host, sizeof(host) - 1) < 0)
		return -errno;
	opts.node = node->name ? node->name : host;
	opts.addrs = list.addr;
	opts.n_addrs = list.n;
	return ebpfnet_service_set_node(a->dp, &opts, a->diag);
}

/* ---- all of them */

struct all {
	struct service *service;
	const struct ebpfnet_service_opts **opts;
	size_t n;
};

static void all_done(struct all *all)
{
	for (size_t i = 0; i < all->n; i++)
		service_done(&all->service[i]);
	free(all->service);
	free(all->opts);
}

static int all_read(struct agent *a, const struct conf *conf, struct all *ret)
{
	struct all all = {
		.service = calloc(conf->n_services + 1, sizeof(*all.service)),
		.opts = calloc(conf->n_services + 1, sizeof(*all.opts)),
	};
	const char *why;
	int err = all.service && all.opts ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < conf->n_services; i++) {
		err = service_read(conf->services[i].spec, &all.service[i], &why);
		if (err < 0)
			break;
		agent_health_overlay(a, conf->services[i].spec, &all.service[i]);
		all.opts[i] = &all.service[i].opts;
		all.n++;
	}
	if (err < 0)
		all_done(&all);
	else
		*ret = all;
	return err;
}

typedef int (*all_fn)(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *const *services, size_t n,
		      struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag);

static int all_call(struct agent *a, const struct conf *conf, all_fn fn, struct ebpfnet_service_changes *ret,
		    struct report *report)
{
	struct all all;
	int err = all_read(a, conf, &all);

	if (err < 0)
		return err;
	ebpfnet_diag_clear(a->diag);
	err = fn(a->dp, all.opts, all.n, ret, a->diag);
	all_done(&all);
	if (err < 0 && report)
		report_diag(report, a->diag, NULL, 0, false, "services", strerror(-err));
	return err;
}

int agent_services_try(struct agent *a, const struct conf *conf, struct report *report)
{
	return all_call(a, conf, ebpfnet_service_try, NULL, report);
}

static void tell(struct agent *a, const struct conf *conf, const struct conf *old)
{
	for (size_t i = 0; old && i < old->n_services; i++)
		if (!conf_find_service(conf, old->services[i].name))
			control_changed(a, "service", old->services[i].name, "delete");
	for (size_t i = 0; i < conf->n_services; i++) {
		const struct conf_service *is = &conf->services[i];
		const struct conf_service *was = old ? conf_find_service(old, is->name) : NULL;

		if (!was || !json_equal(was->spec, is->spec))
			control_changed(a, "service", is->name, was ? "update" : "create");
	}
}

/* Of all services that changed or went. */
static void end_removed(struct agent *a, const struct conf *conf, const struct conf *old)
{
	const json_t **was = calloc(old->n_services + 1, sizeof(*was));
	size_t n = 0;

	for (size_t i = 0; was && i < old->n_services; i++) {
		const struct conf_service *is = conf_find_service(conf, old->services[i].name);

		if (!is || !json_equal(is->spec, old->services[i].spec))
			was[n++] = old->services[i].spec;
	}
	agent_backends_removed(a, conf, was, n);
	free(was);
}

int agent_services_apply(struct agent *a, const struct conf *conf, const struct conf *old, struct report *report,
			 struct agent_changes *changes)
{
	struct ebpfnet_service_changes done = {};
	int err;

	ebpfnet_diag_clear(a->diag);
	err = apply_node(a, &conf->node);
	if (err < 0) {
		if (report)
			report_diag(report, a->diag, NULL, 0, false, "node", strerror(-err));
		return err;
	}
	err = all_call(a, conf, ebpfnet_service_sync, &done, report);
	if (err < 0) {
		if (old)
			apply_node(a, &old->node);
		return err;
	}
	changes->created += done.added;
	changes->updated += done.changed;
	changes->deleted += done.removed;
	if (old && (done.changed || done.removed))
		end_removed(a, conf, old);
	tell(a, conf, old);
	return 0;
}

void agent_services_follow(struct agent *a)
{
	agent_source_apply(a);
	agent_health_apply(a);
	agent_healthz_apply(a);
}

/* ---- cgroups */

bool agent_listed(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(json_string_value(json_array_get(list, i)), text))
			return true;
	return false;
}

void agent_cgroups_apply(struct agent *a, const struct conf *old)
{
	const json_t *now = a->conf->node.cgroups, *was = old ? old->node.cgroups : NULL;
	size_t waiting = 0;

	for (size_t i = 0; i < json_array_size(was); i++) {
		const char *path = json_string_value(json_array_get(was, i));
		int err = agent_listed(now, path) ? 0 : ebpfnet_service_detach(a->dp, path);

		if (err < 0 && err != -ENOENT)
			agent_log(EBPFNET_LOG_WARNING, "cgroup %s: %s", path, strerror(-err));
	}
	for (size_t i = 0; i < json_array_size(now); i++) {
		const char *path = json_string_value(json_array_get(now, i));
		int err;

		ebpfnet_diag_clear(a->diag);
		err = ebpfnet_service_attach(a->dp, path, a->diag);
		waiting += err < 0;
		/* one that is still not there is not news */
		if (err < 0 && !a->cgroups_waiting)
			agent_log(EBPFNET_LOG_WARNING, "cgroup %s: its sockets are not served: %s", path, strerror(-err));
	}
	a->cgroups_waiting = waiting;
}

/* ---- methods */

static int failed(struct call *call, int err, const char *where)
{
	struct agent *a = call->agent;
	char text[512] = "";

	if (ebpfnet_diag_count(a->diag))
		ebpfnet_diag_format(a->diag, text, sizeof(text));
	return call_error(call, err, where, "%s", *text ? text : strerror(-err));
}

static int fill_services(struct agent *a, struct stream *s, json_t *array)
{
	for (int i = 0; i < CONTROL_CHUNK && s->at < json_array_size(s->params); i++, s->at++) {
		json_t *item = json_array_get(s->params, s->at);
		const struct conf_service *c = conf_find_service(a->conf, json_string_value(json_object_get(item, "name")));

		if (c)
			agent_health_count(a, c, item);
		if (c)
			json_object_set_new(item, "source", json_string(c->source == CONF_FILE ? "file" : "socket"));
		if (json_array_append(array, item))
			return -ENOMEM;
	}
	return s->at < json_array_size(s->params);
}

int method_service_list(struct call *call)
{
	int err = call_needs_datapath(call);
	json_t *list;

	if (err < 0)
		return err;
	list = service_show_all(call->agent->dp);
	if (!list)
		return call_error(call, -EIO, NULL, "the services cannot be read");
	err = call_list(call, "services", fill_services);
	if (err < 0) {
		json_decref(list);
		return err;
	}
	/* call_list() put it first */
	conn_streams(call->conn)->params = list;
	return 0;
}

static int find_service(struct call *call, const char *key, struct conf_service **ret)
{
	const char *name = NULL;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, key, true, &name);
	if (err < 0)
		return err;
	*ret = conf_find_service(call->agent->conf, name);
	return *ret ? 0 : call_error(call, -ENOENT, key, "no service \"%s\"", name);
}

static int answer_service(struct call *call, const struct conf_service *c)
{
	call->result = service_show(call->agent->dp, c->name);
	if (!call->result)
		return call_error(call, -EIO, NULL, "the service cannot be read");
	json_object_set_new(call->result, "source", json_string(c->source == CONF_FILE ? "file" : "socket"));
	agent_health_show(call->agent, c, call->result);
	agent_healthz_show(call->agent, c->name, call->result);
	return 0;
}

int method_service_get(struct call *call)
{
	struct conf_service *c;
	int err = find_service(call, "name", &c);

	return err < 0 ? err : answer_service(call, c);
}

/* Into the datapath, then into the configuration. Takes what want points to. Then agent_services_follow(). */
static int put_service(struct call *call, struct conf_service *want)
{
	struct agent *a = call->agent;
	const struct conf_service *was = conf_find_service(a->conf, want->name);
	const char *why = "not a service";
	struct service s;
	json_t *before;
	int err;

	if (was && was->source == CONF_FILE)
		return call_owned_by_file(call, "name", want->name);
	err = service_read(want->spec, &s, &why);
	if (err < 0)
		return call_error(call, err, NULL, "%s", why);
	agent_health_overlay(a, want->spec, &s);
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_service_upsert(a->dp, &s.opts, a->diag);
	service_done(&s);
	if (err < 0)
		return failed(call, err, NULL);
	control_changed(a, "service", want->name, was ? "update" : "create");
	a->state_dirty = true;
	before = was ? json_incref(was->spec) : NULL;
	err = conf_put_service(a->conf, want);
	if (before)
		agent_backends_removed(a, a->conf, (const json_t *const *)&before, 1);
	json_decref(before);
	return err;
}

/* Lines before the text of a list of services, to make it a document. */
#define TEXT_LINES 2

static int parse_text(struct call *call, const char *list, struct conf **ret)
{
	struct conf_parse how = { .source = CONF_SOCKET };
	struct report report;
	char *text;
	int err;

	if (asprintf(&text, "version: 1\nservices:\n%s", list) < 0)
		return -ENOMEM;
	report_init(&report);
	err = conf_parse(text, strlen(text), &how, call->agent->ctx, &report, ret);
	if (err < 0) {
		if (report.n && report.messages[0].line > TEXT_LINES)
			report.messages[0].line -= TEXT_LINES;
		call_report(call, err, &report);
	}
	/* a text that says more than services */
	if (!err && ((*ret)->n_endpoints || (*ret)->n_devices || (*ret)->n_policies || (*ret)->n_addresses)) {
		conf_free(*ret);
		err = call_error(call, -EINVAL, "text", "a list of services and nothing else is expected");
	}
	report_clear(&report);
	free(text);
	return err;
}

/* "text" or "services". */
static int parse_list(struct call *call, struct conf **ret)
{
	json_t *list = json_object_get(call->params, "services");
	const char *text = NULL;
	int err = param_text(call, "text", false, &text);

	if (err < 0)
		return err;
	if (text ? list || json_object_size(call->params) != 1 : !json_is_array(list))
		return call_error(call, -EINVAL, text ? "text" : "services", "a list of services is expected");
	return text ? parse_text(call, text, ret) : call_parse(call, "services", list, ret);
}

int method_service_upsert(struct call *call)
{
	struct conf_service *want;
	struct conf *parsed;
	bool many = json_object_get(call->params, "services") || json_object_get(call->params, "text");
	json_t *list;
	size_t done = 0;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	list = many ? NULL : json_pack("[O]", call->params);
	err = many ? parse_list(call, &parsed) : list ? call_parse(call, "services", list, &parsed) : -ENOMEM;
	json_decref(list);
	if (err < 0)
		return err;
	for (; !err && done < parsed->n_services; done += !err)
		err = put_service(call, &parsed->services[done]);
	agent_services_follow(call->agent);
	conf_free(parsed);
	if (err < 0)
		return err;
	if (many) {
		call->result = json_pack("{s:I}", "upserted", (json_int_t)done);
		return call->result ? 0 : -ENOMEM;
	}
	want = conf_find_service(call->agent->conf, json_string_value(json_object_get(call->params, "name")));
	return answer_service(call, want);
}

int method_service_delete(struct call *call)
{
	struct agent *a = call->agent;
	struct conf_service *c;
	json_t *before;
	int err = find_service(call, "name", &c);

	if (err < 0)
		return err;
	if (c->source == CONF_FILE)
		return call_owned_by_file(call, "name", c->name);
	err = ebpfnet_service_delete(a->dp, c->name);
	if (err < 0 && err != -ENOENT)
		return call_error(call, err, NULL, "%s", strerror(-err));
	control_changed(a, "service", c->name, "delete");
	before = json_incref(c->spec);
	conf_remove_service(a->conf, c->name);
	agent_backends_removed(a, a->conf, (const json_t *const *)&before, 1);
	json_decref(before);
	agent_services_follow(a);
	a->state_dirty = true;
	return 0;
}

/* The configuration in force with these as the socket's services, whose entries are taken. */
static int with_services(struct call *call, struct conf *parsed, struct conf **ret)
{
	struct report report;
	struct conf *conf;
	int err;

	report_init(&report);
	err = conf_merge(call->agent->conf, call->agent->conf, &report, &conf);
	report_clear(&report);
	if (err < 0)
		return err;
	for (size_t i = conf->n_services; i-- > 0;)
		if (conf->services[i].source == CONF_SOCKET)
			conf_remove_service(conf, conf->services[i].name);
	for (size_t i = 0; !err && i < parsed->n_services; i++) {
		const char *name = parsed->services[i].name;

		err = conf_find_service(conf, name) ? call_owned_by_file(call, "services", name) :
		      conf_put_service(conf, &parsed->services[i]);
	}
	if (err < 0)
		conf_free(conf);
	else
		*ret = conf;
	return err;
}

static void swap_services(struct conf *a, struct conf *b)
{
	struct conf_service *services = a->services;
	size_t n = a->n_services;

	a->services = b->services;
	a->n_services = b->n_services;
	b->services = services;
	b->n_services = n;
}

/* The socket's services are to be these; those of the file stay. */
int method_service_sync(struct call *call)
{
	struct agent_changes changes = {};
	struct agent *a = call->agent;
	struct conf *parsed, *conf;
	struct report report;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	err = parse_list(call, &parsed);
	if (err < 0)
		return err;
	err = with_services(call, parsed, &conf);
	conf_free(parsed);
	if (err < 0)
		return err;
	report_init(&report);
	err = agent_services_apply(a, conf, a->conf, &report, &changes);
	if (err < 0) {
		call_report(call, err, &report);
	} else {
		swap_services(a->conf, conf);
		agent_services_follow(a);
		a->state_dirty = true;
		call->result = json_pack("{s:i, s:i, s:i}", "created", (int)changes.created, "updated",
					 (int)changes.updated, "deleted", (int)changes.deleted);
	}
	report_clear(&report);
	conf_free(conf);
	return err;
}

static bool same_backend(const json_t *item, const struct ebpfnet_backend *want)
{
	struct ebpfnet_backend b;
	const char *why;

	return !service_read_backend(item, &b, &why) && !memcmp(&b.addr, &want->addr, sizeof(b.addr)) &&
	       b.port == want->port && b.protocol == want->protocol;
}

/* 1: the service has the backend, and it is in that state now. */
static int set_state(struct call *call, const struct conf_service *c, const struct ebpfnet_backend *want,
		     const char *state)
{
	struct conf_service now = { .source = c->source };
	json_t *backends, *item = NULL;
	size_t i;
	int err;

	now.spec = json_deep_copy(c->spec);
	backends = json_object_get(now.spec, "backends");
	json_array_foreach(backends, i, item)
		if (same_backend(item, want))
			break;
	if (i == json_array_size(backends)) {
		json_decref(now.spec);
		return 0;
	}
	now.name = strdup(c->name);
	err = now.name && now.spec && !json_object_set_new(item, "state", json_string(state)) ? put_service(call, &now) :
												 -ENOMEM;
	conf_service_clear(&now);
	return err < 0 ? err : 1;
}

int method_service_state(struct call *call)
{
	struct agent *a = call->agent;
	struct conf_service *only = NULL;
	const char *state = NULL, *why = NULL;
	enum ebpfnet_backend_state value;
	struct ebpfnet_backend want;
	int err = call_needs_datapath(call), changed = 0;

	if (!err)
		err = param_text(call, "state", true, &state);
	if (!err && service_read_state(state, &value) < 0)
		err = call_error(call, -EINVAL, "state", "active, draining, quarantined or maintenance is expected");
	if (!err && json_object_get(call->params, "service"))
		err = find_service(call, "service", &only);
	if (err < 0)
		return err;
	/* the state is not of the question which backend, and is a state in any case */
	if (service_read_backend(call->params, &want, &why) < 0)
		return call_error(call, -EINVAL, "address", "%s", why);
	for (size_t i = 0; err >= 0 && i < a->conf->n_services; i++) {
		const struct conf_service *c = &a->conf->services[i];

		/* the file's are as the file says, unless one of them is asked for: that is refused */
		if (only ? c != only : c->source == CONF_FILE)
			continue;
		err = set_state(call, c, &want, state);
		changed += err > 0;
	}
	agent_services_follow(a);
	if (err < 0)
		return err;
	if (!changed)
		return call_error(call, -ENOENT, "address", "no service that was set over the socket has this backend");
	call->result = json_pack("{s:i}", "services", changed);
	return call->result ? 0 : -ENOMEM;
}

/* The backend may be gone from every service: that is what it is for. */
int method_service_end_sockets(struct call *call)
{
	struct ebpfnet_backend want;
	const char *why = NULL;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	if (service_read_backend(call->params, &want, &why) < 0)
		return call_error(call, -EINVAL, "address", "%s", why);
	err = ebpfnet_service_end_sockets(call->agent->dp, &want);
	if (err < 0)
		return call_error(call, err, NULL, "sockets: %s", strerror(-err));
	call->result = json_pack("{s:i}", "ended", err);
	return call->result ? 0 : -ENOMEM;
}

int method_service_stats(struct call *call)
{
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	call->result = service_totals(call->agent->dp);
	return call->result ? 0 : call_error(call, -EIO, NULL, "the services cannot be read");
}

int method_service_select(struct call *call)
{
	struct ebpfnet_service_answer answer;
	struct ebpfnet_service_query query;
	const char *why = NULL;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	if (service_query(call->params, &query, &why) < 0)
		return call_error(call, -EINVAL, NULL, "%s", why);
	err = ebpfnet_service_select(call->agent->dp, &query, &answer, sizeof(answer));
	if (err < 0)
		return call_error(call, err, NULL, "%s", strerror(-err));
	call->result = service_answer_json(&answer);
	return call->result ? 0 : -ENOMEM;
}
