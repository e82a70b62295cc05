// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Commands that have an answer without an agent: status, ct, drops, endpoint list, table dump. */
#include "ctl.h"

#include <string.h>

#include "../common/show.h"

int cmd_status(struct ctl *ctl, int argc, char **argv)
{
	struct direct *d;
	json_t *o;
	int status;

	if (argc != 1)
		return fail("usage: ebpfnetctl %s", argv[0]);
	if (!use_tables(ctl)) {
		o = client_get(ctl, "status", NULL, &status);
	} else {
		status = direct_open(ctl, &d);
		if (status)
			return status;
		o = json_pack("{s:b, s:o}", "agent", 0, "datapath", show_status(direct_datapath(d)));
		if (!o)
			status = fail("the tables cannot be read");
		direct_close(d);
	}
	if (o)
		print_object(ctl, o);
	json_decref(o);
	return status;
}

/* Lists from the agent or the tables, printed. */
static int list(struct ctl *ctl, const char *method, const char *member,
		json_t *(*from_tables)(struct direct *d), const struct column *columns)
{
	struct direct *d;
	json_t *all;
	int status;

	if (!use_tables(ctl)) {
		all = client_list(ctl, method, NULL, member, &status);
	} else {
		status = direct_open(ctl, &d);
		if (status)
			return status;
		all = from_tables(d);
		if (!all)
			status = fail("the tables cannot be read");
		direct_close(d);
	}
	if (all)
		print_list(ctl, all, columns);
	json_decref(all);
	return status;
}

static const struct column endpoint_columns[] = {
	{ "ID", "id", true }, { "NAME", "name", false }, { "DEVICE", "device", false },
	{ "ADDRESSES", "addresses", false }, { "IDENTITY", "identity", true },
	{ "ATTACHED", "attached", false }, { "SENT", "stats.tx_packets", true },
	{ "RECEIVED", "stats.rx_packets", true }, { "LABELS", "labels", false }, {}
};

static const struct column identity_columns[] = {
	{ "IDENTITY", "identity", true }, { "USERS", "references", true },
	{ "LABELS", "labels", false }, {}
};

static const struct column drop_columns[] = {
	{ "PACKETS", "packets", true }, { "BYTES", "bytes", true }, { "REASON", "reason", false },
	{ "", "text", false }, {}
};

const struct column ct_columns[] = {
	{ "PROTO", "protocol", false }, { "FROM", "src", false }, { "PORT", "sport", true },
	{ "TO", "dst", false }, { "PORT", "dport", true }, { "STATE", "state", false },
	{ "PACKETS", "packets", false }, { "BYTES", "bytes", false },
	{ "AGE MS", "age_ms", true }, { "IDLE MS", "idle_ms", true }, {}
};

int list_endpoints(struct ctl *ctl)
{
	return list(ctl, "endpoint.list", "endpoints", direct_endpoints, endpoint_columns);
}

int cmd_identity(struct ctl *ctl, int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "list"))
		return fail("usage: ebpfnetctl identity list");
	return list(ctl, "identity.list", "identities", direct_identities, identity_columns);
}

static json_t *direct_drops(struct direct *d)
{
	return show_drops(direct_datapath(d));
}

static json_t *direct_nat(struct direct *d)
{
	return show_nat(direct_datapath(d));
}

static const struct column nat_columns[] = {
	{ "DEVICE", "device", false }, { "IPV4", "address4", false }, { "IPV6", "address6", false },
	{ "PORTS", "ports", false }, { "IN-USE", "in_use", true }, { "FULLEST%", "fullest_percent", true },
	{ "TOWARDS", "fullest_address", false }, { "PORT", "fullest_port", true }, { "WARN", "warn", false },
	{ "KEEP", "keep", false }, {}
};

int cmd_nat(struct ctl *ctl, int argc, char **argv)
{
	if (argc != 1)
		return fail("usage: ebpfnetctl %s", argv[0]);
	return list(ctl, "nat.list", "devices", direct_nat, nat_columns);
}

int cmd_drops(struct ctl *ctl, int argc, char **argv)
{
	if (argc != 1)
		return fail("usage: ebpfnetctl %s", argv[0]);
	return list(ctl, "drops", "drops", direct_drops, drop_columns);
}

/* Everything the pinned tables hold, read without the agent. */
int cmd_table(struct ctl *ctl, int argc, char **argv)
{
	struct ebpfnet_ct_filter filter = { EBPFNET_OPTS_INIT(filter) };
	struct direct *d;
	json_t *o;

	if (argc != 2 || strcmp(argv[1], "dump"))
		return fail("usage: ebpfnetctl table dump");
	if (direct_open(ctl, &d))
		return 1;
	o = json_pack("{s:o, s:o, s:o, s:o, s:o}", "status", show_status(direct_datapath(d)),
		      "endpoints", direct_endpoints(d), "identities", direct_identities(d),
		      "drops", direct_drops(d), "flows", direct_ct(d, &filter));
	direct_close(d);
	if (!o)
		return fail("the tables cannot be read");
	if (ctl->json) {
		print_json(o);
	} else {
		print_object(ctl, json_object_get(o, "status"));
		putchar('\n');
		print_list(ctl, json_object_get(o, "endpoints"), endpoint_columns);
		putchar('\n');
		print_list(ctl, json_object_get(o, "identities"), identity_columns);
		putchar('\n');
		print_list(ctl, json_object_get(o, "drops"), drop_columns);
		putchar('\n');
		print_list(ctl, json_object_get(o, "flows"), ct_columns);
	}
	json_decref(o);
	return 0;
}
