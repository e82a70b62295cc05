// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Probing for real: as root, again without privilege. */
#include <ebpfnet/cleanup.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "core/internal.h"
#include "suite.h"

EBPFNET_DEFINE_CLEANUP(ebpfnet_ctx, ebpfnet_ctx_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)

START_TEST(required_features_are_there)
{
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	char text[4096];

	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	if (ebpfnet_features_check(ctx, diag) < 0) {
		ebpfnet_diag_format(diag, text, sizeof(text));
		ck_abort_msg("%s", text);
	}
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 0);
}
END_TEST

static int open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(answers_are_cached_and_leak_nothing)
{
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
	int i, first, before = open_fds();
	uint64_t start;

	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	for (i = 0; i < EBPFNET_FEATURE_MAX; i++) {
		first = ebpfnet_feature_supported(ctx, i);
		ck_assert_int_ge(first, 0);
		ck_assert_int_eq(ctx->feature[i], first);
	}
	start = ebn_monotonic_ns();
	for (i = 0; i < EBPFNET_FEATURE_MAX; i++)
		ck_assert_int_eq(ebpfnet_feature_supported(ctx, i), ctx->feature[i]);
	ck_assert_uint_lt(ebn_monotonic_ns() - start, 1000000);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(one_masked_feature_is_named)
{
	struct ebpfnet_ctx_opts o = { EBPFNET_OPTS_INIT(o), .disable_features = 1 << EBPFNET_FEATURE_RINGBUF };
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_diag_message m;

	ck_assert_int_eq(ebpfnet_ctx_new(&o, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebpfnet_features_check(ctx, diag), -EOPNOTSUPP);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
	ck_assert_str_eq(m.path, "ringbuf");
}
END_TEST

/* A process that may not try must not hear "missing", and must be able to ask again. */
START_TEST(lack_of_privilege_is_not_lack_of_a_feature)
{
	EBPFNET_CLEANUP(ebpfnet_ctx) struct ebpfnet_ctx *ctx = NULL;
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;

	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(ebpfnet_feature_supported(ctx, EBPFNET_FEATURE_TCX), -EPERM);
	ck_assert_int_eq(ebpfnet_feature_supported(ctx, EBPFNET_FEATURE_CMPXCHG), -EPERM);
	ck_assert_int_eq(ebpfnet_features_check(ctx, diag), -EPERM);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(ebpfnet_feature_supported(ctx, EBPFNET_FEATURE_CMPXCHG), 1);
	ck_assert_int_eq(ebpfnet_features_check(ctx, NULL), 0);
}
END_TEST

RUN_SUITE("features", required_features_are_there, answers_are_cached_and_leak_nothing, one_masked_feature_is_named,
	  lack_of_privilege_is_not_lack_of_a_feature)
