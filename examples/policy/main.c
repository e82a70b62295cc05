// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tool.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*fn)(const struct options *o);
	const char *arguments, *text;
} commands[] = {
	{ "validate", cmd_validate, "FILE...", "are these policies?" },
	{ "explain", cmd_explain, "SOURCE DESTINATION PORT", "which rule decides, and which nearly would" },
	{ "matrix", cmd_matrix, "", "who may talk to whom" },
	{ "diff", cmd_diff, "", "what other policies would open and close" },
};

int say(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("ebpfnet-policy: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return STATUS_TROUBLE;
}

static void usage(FILE *f)
{
	fputs("Usage: ebpfnet-policy COMMAND [OPTION]... [ARGUMENT]...\n\nCommands:\n", f);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(f, "  %-9s %-24s %s\n", commands[i].name, commands[i].arguments, commands[i].text);
	fputs("\n  -i, --inventory FILE  namespaces, pods, external addresses and services\n"
	      "  -p, --policy FILE     policies; may be given several times\n"
	      "  -O, --old FILE        diff: policies to compare with; may be given several times\n"
	      "  -P, --port PORT       80/TCP, 53/UDP, 8/ICMP ...; may be given several times.\n"
	      "                        Without it: every named port, and every one in a policy\n"
	      "  -j, --json            print JSON\n"
	      "  -V, --version         print the version and exit\n"
	      "  -h, --help            print this and exit\n\n"
	      "Exit status: 0 yes, 1 no (validate: a file is bad; explain: denied; diff: they differ), 2 trouble.\n", f);
}

/* 0 to go on; else the program's exit status plus one. */
static int option(struct options *o, int c)
{
	struct port port;
	const char *text = optarg;
	bool ok = true;

	switch (c) {
	case 'i':
		o->inventory = text;
		break;
	case 'p':
		ok = append(&o->policies, &o->n_policies, &text, sizeof(text));
		break;
	case 'O':
		ok = append(&o->old, &o->n_old, &text, sizeof(text));
		break;
	case 'P':
		if (!port_read(text, &port))
			return say("\"%s\" is no port; 80/TCP or 8/ICMP would be", text) + 1;
		ok = append(&o->ports, &o->n_ports, &port, sizeof(port));
		break;
	case 'j':
		o->json = true;
		break;
	case 'V':
		printf("ebpfnet-policy %s\n", ebpfnet_version());
		return 1;
	case 'h':
		usage(stdout);
		return 1;
	default:
		usage(stderr);
		return STATUS_TROUBLE + 1;
	}
	return ok ? 0 : STATUS_TROUBLE + 1;
}

static int run(struct options *o, int argc, char **argv)
{
	int err;

	if (optind == argc) {
		usage(stderr);
		return STATUS_TROUBLE;
	}
	o->args = argv + optind + 1;
	o->n_args = argc - optind - 1;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[optind]) != 0)
			continue;
		err = ebpfnet_ctx_new(NULL, &o->ctx);
		return err < 0 ? say("%s", strerror(-err)) : commands[i].fn(o);
	}
	return say("no command \"%s\"; --help lists them", argv[optind]);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "inventory", required_argument, NULL, 'i' }, { "policy", required_argument, NULL, 'p' },
		{ "old", required_argument, NULL, 'O' }, { "port", required_argument, NULL, 'P' },
		{ "json", no_argument, NULL, 'j' }, { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' }, {}
	};
	struct options o = { 0 };
	int c, status = 0;

	while (!status && (c = getopt_long(argc, argv, "i:p:O:P:jVh", options, NULL)) != -1)
		status = option(&o, c);
	status = status ? status - 1 : run(&o, argc, argv);
	ebpfnet_ctx_unref(o.ctx);
	free(o.policies);
	free(o.old);
	free(o.ports);
	return fflush(stdout) && status != STATUS_TROUBLE ? STATUS_TROUBLE : status;
}
