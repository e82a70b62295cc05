// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Addresses of pools, and the network of container runtimes. */
#include "ctl.h"

#include <string.h>

static int list_pools(struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "POOL", "name", false },
		{ "IPV4 USED", "ipv4.used", true }, { "RESTING", "ipv4.resting", true }, { "FREE", "ipv4.free", true },
		{ "%", "ipv4.percent", true },
		{ "IPV6 USED", "ipv6.used", true }, { "RESTING", "ipv6.resting", true }, { "FREE", "ipv6.free", true },
		{}
	};
	int status;
	json_t *result = client_get(ctl, "ipam.pools", NULL, &status);

	if (result)
		print_list(ctl, json_object_get(result, "pools"), columns);
	json_decref(result);
	return status;
}

static int list_addresses(struct ctl *ctl)
{
	static const struct column columns[] = {
		{ "ADDRESS", "address", false }, { "POOL", "pool", false }, { "OWNER", "owner", false },
		{ "RESTS MS", "resting_ms", true }, {}
	};
	int status;
	json_t *list = client_list(ctl, "ipam.list", NULL, "addresses", &status);

	if (list)
		print_list(ctl, list, columns);
	json_decref(list);
	return status;
}

int cmd_ipam(struct ctl *ctl, int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 2 && !strcmp(what, "pools"))
		return list_pools(ctl);
	if (argc == 2 && !strcmp(what, "list"))
		return list_addresses(ctl);
	if (argc == 3 && !strcmp(what, "get"))
		return show(ctl, "ipam.get", json_pack("{s:s}", "owner", argv[2]));
	if (argc == 3 && !strcmp(what, "release"))
		return show(ctl, "ipam.release", json_pack("{s:s}", "owner", argv[2]));
	return fail("usage: ebpfnetctl ipam pools | list | get OWNER | release OWNER");
}

int cmd_cni(struct ctl *ctl, int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "write"))
		return show(ctl, "cni.write", NULL);
	if (argc == 2 && !strcmp(argv[1], "remove"))
		return show(ctl, "cni.remove", NULL);
	return fail("usage: ebpfnetctl cni write | remove");
}
