// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "cni.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

int cni_fail(struct cni *c, int code, const char *fmt, ...)
{
	va_list ap;

	if (c->code)
		return -1;
	c->code = code;
	va_start(ap, fmt);
	vsnprintf(c->message, sizeof(c->message), fmt, ap);
	va_end(ap);
	*c->details = '\0';
	return -1;
}

int cni_fail_diag(struct cni *c, int code, const char *what, int err, const struct ebpfnet_diag *diag)
{
	char text[400] = "";
	size_t len;

	ebpfnet_diag_format(diag, text, sizeof(text));
	len = strcspn(text, "\n");
	text[len] = '\0';
	return cni_fail(c, code, "%s: %s", what, *text ? text : strerror(-err));
}

void cni_log(const char *fmt, ...)
{
	va_list ap;

	fputs("ebpfnet-cni: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static json_t *versions(void)
{
	json_t *list = json_array();

	for (int i = 0; i < SPECS; i++)
		json_array_append_new(list, json_string(cni_specs[i]));
	return list;
}

static int print(json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(4));
	int err = text && puts(text) >= 0 && !fflush(stdout) ? 0 : -1;

	free(text);
	json_decref(value);
	return err;
}

/* Whatever comes on standard input, and without waiting for its end: the answer is the same. */
static int print_version(void)
{
	return print(json_pack("{s:s, s:o}", "cniVersion", cni_specs[SPECS - 1], "supportedVersions", versions()));
}

static int print_error(const struct cni *c)
{
	json_t *o = json_pack("{s:s, s:i, s:s}", "cniVersion", c->version ? c->version : cni_specs[SPECS - 1], "code", c->code,
			      "msg", c->message);

	if (!o)
		o = json_pack("{s:s, s:i, s:s}", "cniVersion", cni_specs[SPECS - 1], "code", c->code, "msg",
			      "the error's text is not UTF-8");
	if (*c->details)
		json_object_set_new(o, "details", json_string(c->details));
	print(o);
	return 1;
}

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
	if (!getenv("CNI_COMMAND")) {
		fprintf(stderr, "CNI plugin ebpfnet-cni %s\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, "
			"1.0.0, 1.1.0\n", ebpfnet_version());
		return 0;
	}
	/* keys of objects in a fixed order of hashes */
	json_object_seed(1);
	if (cni_read_environment(&c) < 0)
		return print_error(&c);
	if (c.command == CNI_GET_VERSION)
		return print_version() < 0;
	if (run(&c, &result) < 0)
		return print_error(&c);
	return result && print(result) < 0;
}
