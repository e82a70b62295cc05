// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services. */
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/service.h"
#include "../common/xdp_show.h"
#include "import.h"

/* A list of services in YAML, to a method that takes it as "text". */
static int send_file(struct ctl *ctl, const char *method, const char *path)
{
	char *text = read_input(path);
	json_t *params;

	if (!text)
		return 1;
	params = json_pack("{s:s}", "text", text);
	free(text);
	return params ? show(ctl, method, params) : fail("%s: not UTF-8", path);
}

/* Has any item of the list this member? */
static bool any_has(const json_t *list, const char *key)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (json_object_get(item, key))
			return true;
	return false;
}

static void print_services(struct ctl *ctl, const json_t *list)
{
	static const struct column plain[] = {
		{ "NAME", "name", false }, { "SOURCE", "source", false }, { "BACKENDS", "backends", true },
		{ "ACTIVE", "active", true }, { "CONNECTIONS", "connections", true }, { "FLOWS", "flows", true },
		{ "NO BACKEND", "no_backend", true }, { "DENIED", "denied", true }, { "FRONTENDS", "frontends", false }, {}
	};
	static const struct column checked[] = {
		{ "NAME", "name", false }, { "SOURCE", "source", false }, { "BACKENDS", "backends", true },
		{ "ACTIVE", "active", true }, { "CHECKED", "checked", true }, { "HEALTHY", "healthy", true },
		{ "CONNECTIONS", "connections", true }, { "NO BACKEND", "no_backend", true }, { "DENIED", "denied", true },
		{ "FRONTENDS", "frontends", false }, {}
	};

	print_list(ctl, list, any_has(list, "checked") ? checked : plain);
}

static int list_services(struct ctl *ctl)
{
	struct direct *d;
	int status;
	json_t *list;

	if (!use_tables(ctl)) {
		list = client_list(ctl, "service.list", NULL, "services", &status);
	} else {
		status = direct_open(ctl, &d);
		if (status)
			return status;
		list = service_show_all(direct_datapath(d));
		direct_close(d);
		if (!list)
			return fail("the tables cannot be read");
	}
	if (list)
		print_services(ctl, list);
	json_decref(list);
	return status;
}

/* Takes service over. */
static void print_service(struct ctl *ctl, json_t *service)
{
	static const struct column fronts[] = {
		{ "FRONTEND", "address", false }, { "PORT", "port", true }, { "PROTOCOL", "protocol", false },
		{ "KIND", "kind", false }, {}
	};
	static const struct column backends[] = {
		{ "BACKEND", "address", false }, { "PORT", "port", true }, { "WEIGHT", "weight", true },
		{ "STATE", "state", false }, { "ZONE", "zone", false }, { "NODE", "node", false },
		{ "CONNECTIONS", "connections", true }, { "FLOWS", "flows", true }, { "ACTIVE", "active", true },
		{ "PACKETS", "packets", false },
		{ "BYTES", "bytes", false }, {}
	};
	static const struct column checked[] = {
		{ "BACKEND", "address", false }, { "PORT", "port", true }, { "WEIGHT", "weight", true },
		{ "STATE", "state", false }, { "HEALTH", "health", false }, { "ZONE", "zone", false },
		{ "NODE", "node", false }, { "CONNECTIONS", "connections", true }, {}
	};
	json_t *f, *b;

	if (ctl->json) {
		print_json(service);
		json_decref(service);
		return;
	}
	f = json_incref(json_object_get(service, "frontends"));
	b = json_incref(json_object_get(service, "backends"));
	json_object_del(service, "frontends");
	json_object_del(service, "backends");
	print_object(ctl, service);
	putchar('\n');
	print_list(ctl, f, fronts);
	putchar('\n');
	print_list(ctl, b, any_has(b, "health") ? checked : backends);
	json_decref(f);
	json_decref(b);
	json_decref(service);
}

static int get_service(struct ctl *ctl, const char *name)
{
	json_t *service;
	struct direct *d;
	int status;

	if (!use_tables(ctl)) {
		service = client_get(ctl, "service.get", json_pack("{s:s}", "name", name), &status);
	} else {
		status = direct_open(ctl, &d);
		if (status)
			return status;
		service = service_show(direct_datapath(d), name);
		direct_close(d);
		if (!service)
			return fail("no service \"%s\"", name);
	}
	if (service)
		print_service(ctl, service);
	return status;
}

/* Takes params over. */
static int select_direct(struct ctl *ctl, json_t *params)
{
	struct ebpfnet_service_answer answer;
	struct ebpfnet_service_query query;
	const char *why = NULL;
	struct direct *d;
	json_t *o = NULL;
	int status;

	if (service_query(params, &query, &why) < 0) {
		json_decref(params);
		return fail("%s", why);
	}
	json_decref(params);
	status = direct_open(ctl, &d);
	if (status)
		return status;
	if (!ebpfnet_service_select(direct_datapath(d), &query, &answer, sizeof(answer)))
		o = service_answer_json(&answer);
	direct_close(d);
	if (!o)
		return fail("the tables cannot be read");
	print_object(ctl, o);
	json_decref(o);
	return 0;
}

static int select_backend(struct ctl *ctl, int argc, char **argv)
{
	json_t *params = arguments(argc, argv, SERVICE_QUERY_KEYS, "sport dport", ""), *outside;
	const char *text;

	if (!params)
		return 1;
	outside = json_object_get(params, "outside");
	text = json_string_value(outside);
	if (text && (!strcmp(text, "true") || !strcmp(text, "false")))
		json_object_set_new(params, "outside", json_boolean(*text == 't'));
	return use_tables(ctl) ? select_direct(ctl, params) : show(ctl, "service.select", params);
}

static int end_sockets(struct ctl *ctl, int argc, char **argv)
{
	json_t *params = arguments(argc, argv, "address port protocol", "port", "");

	return params ? show(ctl, "service.end_sockets", params) : 1;
}

static int set_state(struct ctl *ctl, int argc, char **argv)
{
	json_t *params = arguments(argc, argv, "address port protocol state service", "port", "");

	return params ? show(ctl, "service.state", params) : 1;
}

/* Takes o over. */
static void print_xdp(struct ctl *ctl, json_t *o)
{
	static const struct column devices[] = {
		{ "DEVICE", "device", false }, { "MODE", "mode", false }, { "PROGRAM", "program_id", true }, {}
	};
	static const struct column backends[] = {
		{ "BACKEND", "address", false }, { "PORT", "port", true }, { "PACKETS", "packets", true },
		{ "BYTES", "bytes", true }, { "CONNECTIONS", "connections", true }, {}
	};
	const char *key = json_object_get(o, "devices") ? "devices" : "backends";
	json_t *list;

	if (ctl->json) {
		print_json(o);
		json_decref(o);
		return;
	}
	list = json_incref(json_object_get(o, key));
	json_object_del(o, key);
	print_object(ctl, o);
	if (json_object_size(o))
		putchar('\n');
	print_list(ctl, list, *key == 'd' ? devices : backends);
	json_decref(list);
	json_decref(o);
}

/* name NULL: the devices. */
static int show_xdp(struct ctl *ctl, const char *name)
{
	struct direct *d;
	int status;
	json_t *o;

	if (!use_tables(ctl)) {
		o = client_get(ctl, "service.xdp", name ? json_pack("{s:s}", "name", name) : NULL, &status);
	} else {
		status = direct_open(ctl, &d);
		if (status)
			return status;
		o = name ? xdp_show_service(direct_datapath(d), name) : xdp_show(direct_datapath(d));
		direct_close(d);
		if (!o)
			return fail("the tables cannot be read, or there is no such service");
	}
	if (o)
		print_xdp(ctl, o);
	return status;
}

/* Services as YAML on the output, what became of each rule on the other one. 0: all was taken, 1: not all, 2: bad input. */
static int import_services(const char *path)
{
	struct import im = {};
	size_t line = 0;
	char *text;
	int err;

	text = read_input(path);
	if (!text)
		return 2;
	err = text[strspn(text, " \t\r\n")] == '{' ? import_nft(&im, text) : import_iptables(&im, text, &line);
	free(text);
	if (!err)
		err = import_print(&im, stdout);
	if (err == -ENOMEM)
		fail("out of memory");
	else if (err)
		fail("%s:%zu: %s", path, line, err == -E2BIG ? "too long, or too much" : "not what iptables-save or nft -j prints");
	else
		import_report(&im, path, stderr);
	err = err ? 2 : im.left > 0;
	import_free(&im);
	return err;
}

int cmd_service(struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 2 && !strcmp(what, "list"))
		return list_services(ctl);
	if (argc == 3 && !strcmp(what, "get"))
		return get_service(ctl, argv[2]);
	if (argc == 3 && !strcmp(what, "set"))
		return send_file(ctl, "service.upsert", argv[2]);
	if (argc == 3 && !strcmp(what, "sync"))
		return send_file(ctl, "service.sync", argv[2]);
	if (argc == 3 && !strcmp(what, "delete"))
		return show(ctl, "service.delete", json_pack("{s:s}", "name", argv[2]));
	if (argc == 3 && !strcmp(what, "import"))
		return import_services(argv[2]);
	if (argc == 2 && !strcmp(what, "stats"))
		return show(ctl, "service.stats", NULL);
	if ((argc == 2 || argc == 3) && !strcmp(what, "xdp"))
		return show_xdp(ctl, argc == 3 ? argv[2] : NULL);
	if (argc > 2 && !strcmp(what, "state"))
		return set_state(ctl, argc - 2, argv + 2);
	if (argc > 2 && !strcmp(what, "end-sockets"))
		return end_sockets(ctl, argc - 2, argv + 2);
	if (argc > 2 && !strcmp(what, "select"))
		return select_backend(ctl, argc - 2, argv + 2);
	return fail("usage: ebpfnetctl service list | get NAME | set FILE | delete NAME | sync FILE | "
		    "import FILE | state KEY=VALUE… | end-sockets KEY=VALUE… | stats | xdp [NAME] | select KEY=VALUE…");
}
