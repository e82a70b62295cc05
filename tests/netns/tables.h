/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What a test of tables starts with: a datapath without programs in a network namespace of its own, and a reader beside it. */
#ifndef EBN_TEST_TABLES_H
#define EBN_TEST_TABLES_H

#include <sched.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/diag.h>

#include "../unit/suite.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp, *looker;
static struct ebpfnet_diag *diag;
static char name[32];

static __inline__ struct ebpfnet_datapath *open_dp(uint32_t flags)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .endpoints = 16, .flows4 = 1024, .flows6 = 1024, .flags = flags };
	struct ebpfnet_datapath *d = NULL;

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, &d), 0);
	return d;
}

static __inline__ void open_all(void)
{
	dp = open_dp(0);
	ck_assert_int_eq(ebpfnet_datapath_prepare(dp, NULL), 0);
	looker = open_dp(EBPFNET_DATAPATH_READONLY);
}

static __inline__ void close_all(void)
{
	looker = ebpfnet_datapath_unref(looker);
	dp = ebpfnet_datapath_unref(dp);
}

/* subject: for the name. devices: commands that make them. */
static __inline__ void setup_in(const char *subject, const char *devices)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system(devices), 0);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	snprintf(name, sizeof(name), "t-%s-%d", subject, getpid());
	open_all();
}

static __inline__ void teardown(void)
{
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	close_all();
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
}

#endif
