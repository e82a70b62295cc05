// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Other nodes and the overlay, and this node's own endpoint. */
#include "ctl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int list_nodes(struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "NODE", "name", false }, { "ADDRESSES", "addresses", false }, { "PREFIXES", "prefixes", false },
		{ "NATIVE", "native", false }, { "SOURCE", "source", false }, {}
	};
	int status;
	json_t *result = client_get(ctl, "node.list", NULL, &status);

	if (result)
		print_list(ctl, json_object_get(result, "nodes"), columns);
	json_decref(result);
	return status;
}

/* "a,b" as a list. */
static json_t *split(const char *text)
{
	json_t *list = json_array();

	while (*text) {
		size_t len = strcspn(text, ",");

		json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] == ',');
	}
	return list;
}

static int set_node(struct ctl *ctl, int argc, char **argv)
{
	json_t *o = json_pack("{s:s, s:o, s:o}", "name", argv[2], "addresses", split(argv[3]), "prefixes", split(argv[4]));

	for (int i = 5; i < argc; i++) {
		if (!strcmp(argv[i], "native") || !strcmp(argv[i], "ipv6")) {
			json_object_set_new(o, argv[i], json_true());
		} else if (!strcmp(argv[i], "no-routes")) {
			json_object_set_new(o, "routes", json_false());
		} else if (!strncmp(argv[i], "key=", 4)) {
			char *end = NULL;
			unsigned long key = strtoul(argv[i] + 4, &end, 10);

			if (*end || end == argv[i] + 4 || key > UINT32_MAX) {
				json_decref(o);
				return fail("key: 0 to 4294967295 is expected, not %s", argv[i] + 4);
			}
			json_object_set_new(o, "key", json_integer((json_int_t)key));
		} else {
			json_decref(o);
			return fail("unknown word %s", argv[i]);
		}
	}
	return show(ctl, "node.set", o);
}

int cmd_node(struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 2 && !strcmp(what, "list"))
		return list_nodes(ctl);
	if (argc == 2 && !strcmp(what, "overlay"))
		return show(ctl, "overlay.get", NULL);
	if (argc >= 5 && !strcmp(what, "set"))
		return set_node(ctl, argc, argv);
	if (argc == 3 && !strcmp(what, "delete"))
		return show(ctl, "node.delete", json_pack("{s:s}", "name", argv[2]));
	return fail("usage: ebpfnetctl node list | overlay | delete NAME |\n"
		    "       ebpfnetctl node set NAME ADDRESS[,ADDRESS] PREFIX[,PREFIX]... [native] [ipv6] [no-routes] "
		    "[key=NUMBER]");
}

int cmd_host(struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "PROTOCOL", "protocol", false }, { "PORTS", "ports", false }, { "FROM", "from", false }, { "TO", "to", false },
		{ "SOURCE", "source", false }, {}
	};
	json_t *result;
	int status;

	(void)argv;
	if (argc != 1)
		return fail("usage: ebpfnetctl host");
	result = client_get(ctl, "host.get", NULL, &status);
	if (result && ctl->json) {
		print_json(result);
	} else if (result) {
		printf("endpoint %d, %d addresses; safe:\n", (int)json_integer_value(json_object_get(result, "endpoint")),
		       (int)json_integer_value(json_object_get(result, "addresses")));
		print_list(ctl, json_object_get(result, "safe"), columns);
	}
	json_decref(result);
	return status;
}

int cmd_egress(struct ctl *ctl, int argc, char **argv)
{
	static const struct column columns[] = {
		{ "NAME", "name", false }, { "ENDPOINTS", "endpoints", false }, { "SELECTED", "selected", false }, { "TO", "to", false },
		{ "EXCEPT", "except", false }, { "NODE", "node", false }, { "STATE", "state", false },
		{ "ADDRESSES", "addresses", false }, { "PORTS", "ports", false }, {}
	};
	json_t *result;
	int status;

	(void)argv;
	if (argc != 1)
		return fail("usage: ebpfnetctl egress");
	result = client_get(ctl, "egress.list", NULL, &status);
	if (result)
		print_list(ctl, json_object_get(result, "rules"), columns);
	json_decref(result);
	return status;
}
