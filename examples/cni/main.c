// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "cni.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

static int run(struct cni *c, json_t **result)
{
	if (cni_read_args(c) < 0 || cni_read_conf(c) < 0)
		return -1;
	if ((c->command == CNI_ADD || c->command == CNI_CHECK) && cni_open_netns(c) < 0)
		return -1;
	switch (c->command) {
	case CNI_ADD:
		return cni_add(c, result);
	case CNI_DEL:
		return cni_del(c);
	case CNI_CHECK:
		return cni_check(c);
	case CNI_GC:
		return cni_gc(c);
	default:
		return cni_status(c);
	}
}

static int usage(void)
{
	puts("ebpfnet-cni: a CNI plugin, run by container runtimes with CNI_COMMAND in the environment and a\n"
	     "network configuration on standard input; see ebpfnet-cni(8).\n\n"
	     "  -V, --version   print the version and exit\n"
	     "  -h, --help      print this and exit");
	return 0;
}

int main(int argc, char **argv)
{
	struct cni c = { .netns_fd = -1 };
	json_t *result = NULL;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return usage();
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		printf("ebpfnet-cni %s\n", ebpfnet_version());
		return 0;
	}
	if (!getenv("CNI_COMMAND"))
		return cni_say_what("ebpfnet-cni");
	/* keys of objects in a fixed order of hashes */
	json_object_seed(1);
	if (cni_read_environment(&c) < 0)
		return cni_print_error(&c);
	if (c.command == CNI_GET_VERSION)
		return cni_print_version() < 0;
	if (run(&c, &result) < 0)
		return cni_print_error(&c);
	return result && cni_print(result) < 0;
}
