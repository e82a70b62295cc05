// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Errors, versions, and what goes to standard output. */
#include "cni.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

	fprintf(stderr, "%s: ", program_invocation_short_name);
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

int cni_print(json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(4));
	int err = text && puts(text) >= 0 && !fflush(stdout) ? 0 : -1;

	free(text);
	json_decref(value);
	return err;
}

int cni_print_version(void)
{
	return cni_print(json_pack("{s:s, s:o}", "cniVersion", cni_specs[SPECS - 1], "supportedVersions", versions()));
}

int cni_print_error(const struct cni *c)
{
	json_t *o = json_pack("{s:s, s:i, s:s}", "cniVersion", c->version ? c->version : cni_specs[SPECS - 1], "code", c->code,
			      "msg", c->message);

	if (!o)
		o = json_pack("{s:s, s:i, s:s}", "cniVersion", cni_specs[SPECS - 1], "code", c->code, "msg",
			      "the error's text is not UTF-8");
	if (*c->details)
		json_object_set_new(o, "details", json_string(c->details));
	cni_print(o);
	return 1;
}

int cni_say_what(const char *program)
{
	fprintf(stderr, "CNI plugin %s %s\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
		program, ebpfnet_version());
	return 0;
}
