// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Documents of every language that are not right, each with the one message it must give: policy-malformed.txt holds, before
 * each, a line of "####", the error and the message with file, line, column, field and reason.
 */
#include "../unit/suite.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <ebpfnet/policy.h>

static const struct {
	int number;
	const char *name;
} errors[] = { { EINVAL, "EINVAL" }, { ENOTSUP, "ENOTSUP" }, { E2BIG, "E2BIG" }, { EEXIST, "EEXIST" } };

static const char *error_name(int err)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].number == -err)
			return errors[i].name;
	return "?";
}

static char *read_all(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 20);

	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_ptr_nonnull(text);
	*ret_len = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	return text;
}

/* "EINVAL file.yaml:5:3: spec.ingress: a list is wanted" */
static void message_of(struct ebpfnet_ctx *ctx, const char *text, size_t len, char *buf, size_t size)
{
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .path = "file.yaml" };
	struct ebpfnet_policy_set *set = NULL;
	struct ebpfnet_diag_message m;
	int err;

	ck_assert_int_eq(ebpfnet_policy_set_new(ctx, &set), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&opts.diag), 0);
	err = ebpfnet_policy_set_parse(set, text, len, &opts);
	ck_assert_msg(err < 0, "taken:\n%.*s", (int)len, text);
	ck_assert_msg(ebpfnet_diag_count(opts.diag) == 1, "%zu messages:\n%.*s", ebpfnet_diag_count(opts.diag), (int)len, text);
	ck_assert_int_eq(ebpfnet_diag_get(opts.diag, 0, &m), 0);
	ck_assert_int_eq(m.error, -err);
	ck_assert_str_eq(m.path, "file.yaml");
	ck_assert_uint_ge(m.line, 1);
	ck_assert_uint_eq(ebpfnet_policy_set_count(set), 0);
	snprintf(buf, size, "%s %s:%u:%u: %s", error_name(err), m.path, m.line, m.column, m.text);
	ebpfnet_diag_free(opts.diag);
	ebpfnet_policy_set_free(set);
}

START_TEST(each_gives_one_message)
{
	const char *top = getenv("top_srcdir");
	bool update = getenv("EBN_GOLDEN_UPDATE") != NULL;
	char path[4096], message[1024];
	struct ebpfnet_ctx *ctx;
	FILE *out = NULL;
	size_t len, n = 0;
	char *all, *p;

	snprintf(path, sizeof(path), "%s/tests/golden/policy-malformed.txt", top ? top : ".");
	all = read_all(path, &len);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	p = strstr(all, "#### ");
	ck_assert_ptr_nonnull(p);
	if (update) {
		out = fopen(path, "we");
		ck_assert_ptr_nonnull(out);
		fwrite(all, 1, (size_t)(p - all), out);
	}
	for (; *p; n++) {
		char *line = p + 5, *text = strchr(p, '\n') + 1, *end = strstr(text, "\n#### ");
		size_t text_len = end ? (size_t)(end + 1 - text) : strlen(text);

		message_of(ctx, text, text_len, message, sizeof(message));
		text[-1] = '\0';
		if (out)
			fprintf(out, "#### %s\n%.*s", message, (int)text_len, text);
		else
			ck_assert_msg(!strcmp(line, message), "wanted: %s\n   got: %s\n%.*s", line, message, (int)text_len, text);
		p = text + text_len;
	}
	ck_assert_uint_ge(n, 100);
	if (out)
		fclose(out);
	ebpfnet_ctx_unref(ctx);
	free(all);
}
END_TEST

RUN_SUITE("malformed policies", each_gives_one_message)
