// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Known addresses and prefixes in a real datapath, by its writer and by a reader beside it; identities from an allocator with a
 * store, over a restart. No device is touched.
 */
#include <ebpfnet/address.h>
#include <ebpfnet/identity.h>

#include "../unit/suite.h"
#include "core/internal.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp, *looker;
static struct ebpfnet_identities *ids;
static char name[32], store[64];

static struct ebpfnet_datapath *open_dp(uint32_t flags)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .flows4 = 1024, .flows6 = 1024, .flags = flags,
					      .identities = flags ? NULL : ids };
	struct ebpfnet_datapath *d = NULL;

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, &d), 0);
	return d;
}

static void open_all(void)
{
	struct ebpfnet_kvstore_file_opts fo = { EBPFNET_OPTS_INIT(fo), .path = store };
	struct ebpfnet_identities_opts io = { EBPFNET_OPTS_INIT(io) };

	ck_assert_int_eq(ebpfnet_kvstore_file(&fo, &io.store), 0);
	ck_assert_int_eq(ebpfnet_identities_new(ctx, &io, &ids), 0);
	dp = open_dp(0);
	ck_assert_int_eq(ebpfnet_datapath_prepare(dp, NULL), 0);
	looker = open_dp(EBPFNET_DATAPATH_READONLY);
}

static void close_all(void)
{
	looker = ebpfnet_datapath_unref(looker);
	dp = ebpfnet_datapath_unref(dp);
	ids = ebpfnet_identities_unref(ids);
}

static void setup(void)
{
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	snprintf(name, sizeof(name), "t-address-%d", getpid());
	snprintf(store, sizeof(store), "/tmp/ebn-address-%d-XXXXXX", getpid());
	ck_assert_ptr_nonnull(mkdtemp(store));
	open_all();
}

static void teardown(void)
{
	char command[128];

	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	close_all();
	ebpfnet_ctx_unref(ctx);
	snprintf(command, sizeof(command), "rm -r %s", store);
	ck_assert_int_eq(system(command), 0);
}

static int set(const char *prefix, const char *text)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_prefix p;
	int r;

	ck_assert_int_eq(ebpfnet_prefix_parse(prefix, &p), 0);
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &labels), 0);
	r = ebpfnet_address_set_prefix(dp, &p, labels);
	ebpfnet_labels_unref(labels);
	return r;
}

static int del(const char *prefix)
{
	struct ebpfnet_prefix p;

	ck_assert_int_eq(ebpfnet_prefix_parse(prefix, &p), 0);
	return ebpfnet_address_delete_prefix(dp, &p);
}

/* By the writer and by the reader: labels of the identity, and what decided. */
static void expect(const char *addr, const char *labels, const char *decided)
{
	struct ebpfnet_datapath *const both[] = { dp, looker };
	char text[256], prefix[EBPFNET_PREFIX_STRLEN];
	struct ebpfnet_address_info info;
	struct ebpfnet_addr a;
	uint32_t identity;
	size_t i;

	ck_assert_int_eq(ebpfnet_addr_parse(addr, &a), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(ebpfnet_address_match(both[i], &a, &info, sizeof(info)), 0);
		ck_assert_int_eq(ebpfnet_address_lookup(both[i], &a, &identity), 0);
		ck_assert_uint_eq(identity, info.identity);
		ck_assert_int_gt(ebpfnet_identity_labels(both[i], identity, text, sizeof(text)), 0);
		ck_assert_str_eq(text, labels);
		ck_assert_int_gt(ebpfnet_prefix_format(&info.prefix, prefix, sizeof(prefix)), 0);
		ck_assert_str_eq(prefix, decided);
	}
}

static int count(const struct ebpfnet_address_info *info, void *userdata)
{
	unsigned int *n = userdata;

	ck_assert_uint_ne(info->identity, 0);
	ck_assert_uint_eq(info->endpoint, 0);
	ck_assert_uint_eq(info->policy, 0);
	return ++*n == n[1];
}

static void expect_count(unsigned int want)
{
	unsigned int n[2] = { 0, UINT32_MAX };
	struct ebpfnet_address_stats st;

	ck_assert_int_eq(ebpfnet_address_foreach(looker, count, n), 0);
	ck_assert_uint_eq(n[0], want);
	n[0] = 0;
	ck_assert_int_eq(ebpfnet_address_foreach(dp, count, n), 0);
	ck_assert_uint_eq(n[0], want);
	ck_assert_int_eq(ebpfnet_address_get_stats(looker, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.addresses + st.prefixes, want);
	ck_assert_uint_eq(st.failures, 0);
}

START_TEST(longest_prefix_wins)
{
	unsigned int n[2] = { 0, 2 };

	setup();
	expect("10.1.2.3", "reserved:world;", "::/0");
	ck_assert_int_eq(set("10.0.0.0/8", "net=ten"), 0);
	ck_assert_int_eq(set("10.1.0.0/16", "net=site"), 0);
	ck_assert_int_eq(set("10.1.2.3", "app=one"), 0);
	ck_assert_int_eq(set("2001:db8::/32", "net=six"), 0);
	ck_assert_int_eq(set("::/0", "net=any6"), 0);
	expect("10.1.2.3", "k8s:app=one;", "10.1.2.3");
	expect("10.1.2.4", "k8s:net=site;", "10.1.0.0/16");
	expect("10.2.0.1", "k8s:net=ten;", "10.0.0.0/8");
	expect("11.0.0.1", "reserved:world;", "::/0");
	expect("2001:db8::1", "k8s:net=six;", "2001:db8::/32");
	expect("2001:db9::1", "k8s:net=any6;", "::/0");
	expect_count(5);
	ck_assert_int_eq(ebpfnet_address_foreach(dp, count, n), 1);
	ck_assert_uint_eq(n[0], 2);
	ck_assert_int_eq(set("10.1.0.0/16", "net=moved"), 0);
	expect("10.1.2.4", "k8s:net=moved;", "10.1.0.0/16");
	ck_assert_int_eq(del("10.1.0.0/16"), 0);
	ck_assert_int_eq(del("10.1.0.0/16"), -ENOENT);
	expect("10.1.2.4", "k8s:net=ten;", "10.0.0.0/8");
	ck_assert_int_eq(del("10.1.2.3"), 0);
	expect("10.1.2.3", "k8s:net=ten;", "10.0.0.0/8");
	expect_count(3);
	teardown();
}
END_TEST

START_TEST(many_at_once_and_refused)
{
	struct ebpfnet_address_entry e[300] = { 0 };
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_address_info info;
	struct ebpfnet_addr none = { 0 };
	char text[64];
	size_t i, done = 7;

	setup();
	ck_assert_int_eq(ebpfnet_labels_parse("net=many", NULL, NULL, &labels), 0);
	for (i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "10.%zu.%zu.0/24", i / 256, i % 256);
		ck_assert_int_eq(ebpfnet_prefix_parse(text, &e[i].prefix), 0);
		e[i].labels = labels;
	}
	ck_assert_int_eq(ebpfnet_address_set_many(dp, e, 300, &done), 0);
	ck_assert_uint_eq(done, 300);
	expect_count(300);
	expect("10.1.5.9", "k8s:net=many;", "10.1.5.0/24");
	e[10].prefix.len = 40;
	ck_assert_int_eq(ebpfnet_address_set_many(dp, e, 300, &done), -EINVAL);
	ck_assert_uint_eq(done, 10);
	e[10].prefix.len = 24;
	for (i = 0; i < 300; i++)
		e[i].labels = NULL;
	ck_assert_int_eq(ebpfnet_address_set_many(dp, e, 300, NULL), 0);
	ck_assert_int_eq(ebpfnet_address_set_many(dp, e, 300, NULL), 0);
	expect_count(0);
	ck_assert_int_eq(ebpfnet_address_set_many(looker, e, 1, NULL), -EROFS);
	ck_assert_int_eq(ebpfnet_address_set_many(dp, NULL, 1, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_address_set_prefix(dp, NULL, labels), -EINVAL);
	ck_assert_int_eq(ebpfnet_address_set_prefix(dp, &e[0].prefix, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_address_delete_prefix(dp, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_address_delete_prefix(looker, &e[0].prefix), -EROFS);
	ck_assert_int_eq(ebpfnet_address_match(dp, &none, &info, sizeof(info)), -EINVAL);
	ck_assert_int_eq(ebpfnet_address_foreach(dp, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_address_get_stats(dp, NULL, 0), -EINVAL);
	ebpfnet_labels_unref(labels);
	teardown();
}
END_TEST

START_TEST(numbers_survive)
{
	struct ebpfnet_identities_stats st;
	uint32_t before, after;
	struct ebpfnet_addr a;

	setup();
	ck_assert_int_eq(set("10.0.0.0/8", "net=ten"), 0);
	ck_assert_int_eq(set("10.1.2.3", "app=one"), 0);
	ck_assert_int_eq(ebpfnet_addr_parse("10.1.2.3", &a), 0);
	ck_assert_int_eq(ebpfnet_address_lookup(dp, &a, &before), 0);
	close_all();
	open_all();
	expect("10.1.2.3", "k8s:app=one;", "10.1.2.3");
	expect("10.1.2.4", "k8s:net=ten;", "10.0.0.0/8");
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.referenced, 2);
	ck_assert_int_eq(ebpfnet_identities_collect(ids), 0);
	/* the tables go, as when the machine starts anew; the numbers stay */
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	close_all();
	open_all();
	expect("10.1.2.3", "reserved:world;", "::/0");
	ck_assert_int_eq(set("192.0.2.0/24", "net=other"), 0);
	ck_assert_int_eq(set("10.1.2.3", "app=one"), 0);
	ck_assert_int_eq(ebpfnet_address_lookup(dp, &a, &after), 0);
	ck_assert_uint_eq(after, before);
	teardown();
}
END_TEST

RUN_SUITE("address", longest_prefix_wins, many_at_once_and_refused, numbers_survive)
