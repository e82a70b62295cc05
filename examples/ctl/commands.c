// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Commands that need the agent. */
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENDPOINT_KEYS "device mac addresses gateways labels namespace flags id tx_rate tx_burst rx_rate rx_burst"
#define EXPLAIN_KEYS "direction endpoint labels peer_endpoint peer_labels peer_identity " \
		     "peer_address protocol port"

int show(struct ctl *ctl, const char *method, json_t *params)
{
	int status;
	json_t *result = client_get(ctl, method, params, &status);

	if (result && !json_is_null(result))
		print_object(ctl, result);
	json_decref(result);
	return status;
}

/* {"KEY": VALUE} of one argument. */
static json_t *one(const char *key, const char *value)
{
	return json_pack("{s:s}", key, value);
}

static int change_endpoint(struct ctl *ctl, const char *method, int argc, char **argv)
{
	json_t *params = arguments(argc - 3, argv + 3, ENDPOINT_KEYS, "id", "addresses gateways flags");

	if (!params)
		return 1;
	json_object_set_new(params, "name", json_string(argv[2]));
	return show(ctl, method, params);
}

int cmd_endpoint(struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 2 && !strcmp(what, "list"))
		return list_endpoints(ctl);
	if (argc == 3 && !strcmp(what, "get"))
		return show(ctl, "endpoint.get", one("name", argv[2]));
	if (argc >= 3 && !strcmp(what, "create"))
		return change_endpoint(ctl, "endpoint.create", argc, argv);
	if (argc >= 3 && !strcmp(what, "update"))
		return change_endpoint(ctl, "endpoint.update", argc, argv);
	if (argc == 3 && !strcmp(what, "delete"))
		return show(ctl, "endpoint.delete", one("name", argv[2]));
	return fail("usage: ebpfnetctl endpoint list | get NAME | create NAME KEY=VALUE… | "
		    "update NAME KEY=VALUE… | delete NAME");
}

char *read_input(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = NULL;
	size_t len = 0, size = 0;

	if (!f) {
		fail("%s: %s", path, strerror(errno));
		return NULL;
	}
	do {
		if (len + 1 >= size) {
			char *more = realloc(text, size + 65536);

			if (!more)
				break;
			text = more;
			size += 65536;
		}
		len += fread(text + len, 1, size - len - 1, f);
	} while (!feof(f) && !ferror(f));
	if (!text || ferror(f)) {
		fail("%s: cannot be read", path);
		free(text);
		text = NULL;
	} else {
		text[len] = '\0';
	}
	if (f != stdin)
		fclose(f);
	return text;
}

static int policy_set(struct ctl *ctl, const char *path, bool commit)
{
	char *text = read_input(path);
	json_t *params;

	if (!text)
		return 1;
	params = json_pack("{s:s, s:b}", "text", text, "commit", commit);
	free(text);
	return params ? show(ctl, "policy.set", params) : fail("%s: not UTF-8", path);
}

static int policy_get(struct ctl *ctl, const char *name)
{
	int status;
	json_t *policy = client_get(ctl, "policy.get", one("name", name), &status);

	if (policy && ctl->json)
		print_json(policy);
	else if (policy)
		print_text(stdout, json_string_value(json_object_get(policy, "text")));
	json_decref(policy);
	return status;
}

static int policy_list(struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "NAME", "name", false }, { "SOURCE", "source", false }, { "FILE", "file", false },
		{ "LINE", "line", true }, {}
	};
	int status;
	json_t *list = client_list(ctl, "policy.list", NULL, "policies", &status);

	if (list)
		print_list(ctl, list, columns);
	json_decref(list);
	return status;
}

int cmd_policy(struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool later = argc == 4 && !strcmp(argv[3], "--no-commit");
	json_t *params;

	if (argc == 2 && !strcmp(what, "list"))
		return policy_list(ctl);
	if (argc == 3 && !strcmp(what, "get"))
		return policy_get(ctl, argv[2]);
	if ((argc == 3 || later) && !strcmp(what, "set"))
		return policy_set(ctl, argv[2], !later);
	if ((argc == 3 || later) && !strcmp(what, "delete"))
		return show(ctl, "policy.delete",
			    json_pack("{s:s, s:b}", "name", argv[2], "commit", !later));
	if (argc == 2 && !strcmp(what, "commit"))
		return show(ctl, "policy.commit", NULL);
	if (argc >= 3 && !strcmp(what, "explain")) {
		params = arguments(argc - 2, argv + 2, EXPLAIN_KEYS, "port peer_identity", "");
		return params ? show(ctl, "policy.explain", params) : 1;
	}
	return fail("usage: ebpfnetctl policy list | get NAME | set FILE [--no-commit] | "
		    "delete NAME [--no-commit] | commit | explain KEY=VALUE…");
}

int cmd_address(struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "ADDRESS", "address", false }, { "SOURCE", "source", false },
		{ "LABELS", "labels", false }, {}
	};
	const char *what = argc > 1 ? argv[1] : "";
	json_t *list;
	int status;

	if (argc == 4 && !strcmp(what, "upsert"))
		return show(ctl, "address.upsert",
			    json_pack("{s:s, s:s}", "address", argv[2], "labels", argv[3]));
	if (argc == 3 && !strcmp(what, "delete"))
		return show(ctl, "address.delete", one("address", argv[2]));
	if (argc == 3 && !strcmp(what, "get"))
		return show(ctl, "address.get", one("address", argv[2]));
	if (argc != 2 || strcmp(what, "list"))
		return fail("usage: ebpfnetctl address list | get ADDRESS | upsert ADDRESS[/LENGTH] LABELS | "
			    "delete ADDRESS[/LENGTH]");
	list = client_list(ctl, "address.list", NULL, "addresses", &status);
	if (list)
		print_list(ctl, list, columns);
	json_decref(list);
	return status;
}

int cmd_config(struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool dry = argc == 4 && !strcmp(argv[3], "--dry-run");
	json_t *config, *params;
	char *text;
	int status;

	if ((argc == 3 || dry) && !strcmp(what, "apply")) {
		text = read_input(argv[2]);
		params = text ? json_pack("{s:s, s:b}", "config", text, "dry_run", dry) : NULL;
		free(text);
		return params ? show(ctl, "config.apply", params) : fail("%s: not UTF-8", argv[2]);
	}
	if ((argc != 2 && argc != 3) || strcmp(what, "get"))
		return fail("usage: ebpfnetctl config get [file|socket] | apply FILE [--dry-run]");
	config = client_get(ctl, "config.get", argc == 3 ? one("source", argv[2]) : NULL, &status);
	/* A configuration is printed as JSON in any case: that is YAML too. */
	if (config)
		print_json(config);
	json_decref(config);
	return status;
}

int cmd_reload(struct ctl *ctl, int argc, char **argv)
{
	return argc == 1 ? show(ctl, "reload", NULL) : fail("usage: ebpfnetctl %s", argv[0]);
}

int cmd_upgrade(struct ctl *ctl, int argc, char **argv)
{
	json_t *params = arguments(argc - 1, argv + 1, "flows4 flows6", "flows4 flows6", "");

	return params ? show(ctl, "upgrade", params) : 1;
}

int cmd_rollback(struct ctl *ctl, int argc, char **argv)
{
	return argc == 1 ? show(ctl, "rollback", NULL) : fail("usage: ebpfnetctl %s", argv[0]);
}

static int print_change(struct ctl *ctl, json_t *result, void *userdata)
{
	const json_t *c = json_object_get(result, "change");
	char *text;

	(void)userdata;
	if (!c && !json_object_get(result, "lost"))
		return 0;
	if (ctl->json || !c) {
		text = json_dumps(c ? c : result, JSON_COMPACT);
		puts(text ? text : "null");
		free(text);
	} else {
		printf("%s ", json_string_value(json_object_get(c, "kind")));
		print_text(stdout, json_string_value(json_object_get(c, "name")));
		printf(" %s\n", json_string_value(json_object_get(c, "op")));
	}
	return fflush(stdout) ? -1 : 0;
}

int cmd_watch(struct ctl *ctl, int argc, char **argv)
{
	if (argc != 1)
		return fail("usage: ebpfnetctl %s", argv[0]);
	return client_call(ctl, "watch", NULL, print_change, NULL);
}

static int print_result(struct ctl *ctl, json_t *result, void *userdata)
{
	char *text = json_dumps(result, JSON_COMPACT | JSON_ENCODE_ANY);

	(void)ctl;
	(void)userdata;
	puts(text ? text : "null");
	free(text);
	return fflush(stdout) ? -1 : 0;
}

int cmd_call(struct ctl *ctl, int argc, char **argv)
{
	json_t *params = NULL;

	if (argc != 2 && argc != 3)
		return fail("usage: ebpfnetctl call METHOD [PARAMS]");
	if (argc == 3) {
		params = json_loads(argv[2], JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(params)) {
			json_decref(params);
			return fail("the parameters are not an object in JSON");
		}
	}
	return client_call(ctl, argv[1], params, print_result, NULL);
}
