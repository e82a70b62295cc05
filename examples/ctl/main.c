// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	command_fn fn;
	const char *arguments;
	const char *text;
} commands[] = {
	{ "status", cmd_status, "", "what runs, how full the tables are" },
	{ "endpoint", cmd_endpoint, "list|get|create|update|delete", "endpoints" },
	{ "policy", cmd_policy, "list|get|set|delete|commit|explain", "policies" },
	{ "address", cmd_address, "list|get|upsert|delete", "who stands behind remote addresses" },
	{ "node", cmd_node, "list|set|delete|overlay", "other nodes, and what leads to them" },
	{ "egress", cmd_egress, "", "rules of egress gateways: whose packets leave by which node" },
	{ "host", cmd_host, "", "the host as an endpoint: its addresses, what is safe" },
	{ "ipam", cmd_ipam, "pools|list|get|release", "addresses of pools, and who has them" },
	{ "cni", cmd_cni, "write|remove", "the conflist that container runtimes read" },
	{ "identity", cmd_identity, "list", "identities in use" },
	{ "ct", cmd_ct, "-L|-E|-D|-F|-C|-G|-S|-T", "tracked flows: list, watch, delete, count, settings" },
	{ "service", cmd_service, "list|get|set|delete|sync|import|state|end-sockets|stats|select", "services and their backends" },
	{ "nat", cmd_nat, "", "devices that masquerade, ports in use" },
	{ "observe", cmd_observe, "[-f] [--attach DEVICE]", "flows and verdicts" },
	{ "drops", cmd_drops, "", "dropped packets by reason" },
	{ "table", cmd_table, "dump", "what the pinned tables hold" },
	{ "config", cmd_config, "get|apply", "the whole configuration" },
	{ "reload", cmd_reload, "", "read the agent's file again" },
	{ "upgrade", cmd_upgrade, "", "replace the programs, resize flow tables" },
	{ "rollback", cmd_rollback, "", "go back to the programs before the upgrade" },
	{ "watch", cmd_watch, "", "changes of the configuration as they happen" },
	{ "call", cmd_call, "METHOD [PARAMS]", "one method of the control socket" },
};

int fail(const char *fmt, ...)
{
	va_list ap;

	fputs("ebpfnetctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return 1;
}

static void usage(FILE *f)
{
	fputs("Usage: ebpfnetctl [OPTION]... COMMAND [ARGUMENT]...\n\n"
	      "  -n, --name NAME      the datapath (default \"default\")\n"
	      "  -s, --socket PATH    the agent's socket (default /run/ebpfnet/NAME.sock)\n"
	      "  -p, --pin-dir DIR    the datapath's pins (default /sys/fs/bpf/ebpfnet/NAME)\n"
	      "  -d, --direct         read the pinned tables, do not ask the agent\n"
	      "  -j, --json           print JSON\n"
	      "  -V, --version        print the version and exit\n"
	      "  -h, --help           print this and exit\n\nCommands:\n", f);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(f, "  %-8s %-36s %s\n", commands[i].name, commands[i].arguments,
			commands[i].text);
	fputs("\nOptions of observe:\n"
	      "  -f, --follow         go on as flows happen\n"
	      "  -l, --last N         only the last N recorded ones\n"
	      "  -c, --count N        stop after N\n"
	      "  -o, --output FORMAT  text or json\n"
	      "      --attach DEVICE  watch a device without an agent\n"
	      "Options of ct:\n"
	      "  -L, -E, -D, -F       list flows, follow what comes and goes, delete some, delete all\n"
	      "  -C, -G, -S, -T       count, get one, table statistics, settings\n"
	      "      --export FILE    write flows, ebpfnet-flows(5); - is standard output\n"
	      "      --import FILE    bring flows in\n"
	      "  -p, --proto NAME     filter: protocol\n"
	      "  -s, --src ADDR[/N]   filter: the initiator's address; -d, --dst the responder's\n"
	      "      --sport N        filter: port; --dport\n"
	      "      --state NAME     filter: half-open, replied, established, half-closed, closing\n"
	      "  -f, --family NAME    filter: ipv4, ipv6\n"
	      "      --endpoint ID    filter: endpoint at either end; --identity, --addr, --port likewise\n"
	      "      --idle SECONDS   filter: idle for at least so long; --zone N of -G\n"
	      "  -e, --event-mask M   of -E: ALL, NEW, UPDATES, DESTROY\n"
	      "  -o, --output LIST    json, extended, timestamp\n"
	      "Options of policy set and policy delete:\n"
	      "      --no-commit      keep it for \"policy commit\"\n"
	      "Options of config apply:\n"
	      "      --dry-run        only check\n", f);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[0]))
			return commands[i].fn(ctl, argc, argv);
	return fail("no command \"%s\"; --help lists them", argv[0]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' }, { "socket", required_argument, NULL, 's' },
		{ "pin-dir", required_argument, NULL, 'p' }, { "direct", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, {}
	};
	struct ctl ctl = { .name = "default", .fd = -1 };
	int c, status;

	while ((c = getopt_long(argc, argv, "+n:s:p:djVh", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			ctl.name = optarg;
			break;
		case 's':
			ctl.socket = optarg;
			break;
		case 'p':
			ctl.pin_dir = optarg;
			break;
		case 'd':
			ctl.direct = true;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'V':
			printf("ebpfnetctl %s\n", ebpfnet_version());
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return 2;
	}
	status = run(&ctl, argc - optind, argv + optind);
	client_close(&ctl);
	return fflush(stdout) && !status ? 1 : status;
}
