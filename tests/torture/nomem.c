// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Every allocation fails once: each scene is run again and again, with the first allocation failing, then the second, until
 * it runs through. A failing call says -ENOMEM, leaves its result untouched and loses no memory (which the sanitizers see,
 * and a count of blocks here).
 */
#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/flow.h>
#include <ebpfnet/health.h>
#include <ebpfnet/ipam.h>
#include <ebpfnet/labels.h>

#include "../unit/suite.h"
#include "conntrack/count.h"
#include "conntrack/image.h"
#include "conntrack/watch.h"
#include "observe/names.h"
#include "tables/rows.h"

static long countdown = -1;	/* allocations that still succeed; -1: all */
static long blocks;		/* not given back yet */
static unsigned int failures;

/* The linker leads the library's calls here: --wrap. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
int __real_vasprintf(char **ret, const char *fmt, va_list ap);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_vasprintf(char **ret, const char *fmt, va_list ap);
int __wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap);
void __wrap_free(void *p);

static bool fails(void)
{
	if (countdown < 0)
		return false;
	if (countdown-- > 0)
		return false;
	failures++;
	return true;
}

void *__wrap_malloc(size_t size)
{
	void *p = fails() ? NULL : __real_malloc(size);

	blocks += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = fails() ? NULL : __real_calloc(n, size);

	blocks += p != NULL;
	return p;
}

void *__wrap_realloc(void *old, size_t size)
{
	void *p = fails() ? NULL : __real_realloc(old, size);

	blocks += p && !old;
	return p;
}

char *__wrap_strdup(const char *s)
{
	char *p = fails() ? NULL : __real_strdup(s);

	blocks += p != NULL;
	return p;
}

int __wrap_vasprintf(char **ret, const char *fmt, va_list ap)
{
	int len = fails() ? -1 : __real_vasprintf(ret, fmt, ap);

	blocks += len >= 0;
	return len;
}

/* what it is called with _FORTIFY_SOURCE, which distributions build with */
int __wrap___vasprintf_chk(char **ret, int flag, const char *fmt, va_list ap)
{
	(void)flag;
	return __wrap_vasprintf(ret, fmt, ap);
}

void __wrap_free(void *p)
{
	blocks -= p != NULL;
	__real_free(p);
}

/* Runs a scene until no allocation of it fails. It returns -ENOMEM, or 0 when it ran through. */
static void torture(int (*scene)(void))
{
	long fail_at, before = blocks;
	int rc = -ENOMEM;

	for (fail_at = 0; rc == -ENOMEM && fail_at < 10000; fail_at++) {
		failures = 0;
		countdown = fail_at;
		rc = scene();
		countdown = -1;
		if (rc != -ENOMEM && rc != 0)
			ck_abort_msg("allocation %ld: %d", fail_at, rc);
		/* the scene may do without what failed, but then it has not run through */
		if (failures)
			rc = -ENOMEM;
		if (blocks != before)
			ck_abort_msg("allocation %ld: %ld blocks lost", fail_at, blocks - before);
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_gt(fail_at, 1);
}

static int labels_scene(void)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_selector *selector = NULL;
	int rc = ebpfnet_labels_parse("app=api,env=dev,reserved:host", NULL, NULL, &labels);

	if (!rc)
		rc = ebpfnet_selector_parse("app in (api,web),!x,env notin (a,b,c)", NULL, &selector);
	if (!rc && !ebpfnet_selector_match(selector, labels))
		rc = -EINVAL;
	ebpfnet_selector_unref(selector);
	ebpfnet_labels_unref(labels);
	return rc;
}

static int diag_scene(void)
{
	struct ebpfnet_ctx_opts opts = { EBPFNET_OPTS_INIT(opts), .disable_features = 1ull << EBPFNET_FEATURE_MAX };
	struct ebpfnet_ctx *ctx = NULL;
	struct ebpfnet_diag *diag = NULL;
	int rc = ebpfnet_diag_new(&diag), i;

	if (rc < 0)
		return rc;
	opts.diag = diag;
	/* the error is the caller's mistake, whether there is memory to say it in words or not */
	if (ebpfnet_ctx_new(&opts, &ctx) != -EINVAL)
		rc = -EIO;
	for (i = 0; i < 20; i++)
		if (ebn_diag_at(diag, "file", 1, 2, ENODEV, "number %d", i) != -ENODEV)
			rc = -EIO;
	ebn_diag_detail(diag, "more\nwords");
	if (ebpfnet_diag_format(diag, NULL, 0) < 0)
		rc = -EIO;
	ebpfnet_diag_free(diag);
	if (rc)
		return rc;
	opts.disable_features = 0;
	opts.diag = NULL;
	rc = ebpfnet_ctx_new(&opts, &ctx);
	if (!rc)
		ebpfnet_ctx_unref(ctx);
	return rc;
}

static int filter_scene(void)
{
	struct ebpfnet_flow_filter *filter = NULL;
	int rc = ebpfnet_flow_filter_parse("verdict=allow src=client label=\"a in (b,c)\" !rule=x ip=10.0.0.1", NULL,
					   &filter);

	if (rc < 0 && filter)
		return -EIO;
	ebpfnet_flow_filter_free(filter);
	return rc;
}

#define SIZE (1u << 20)

static uint8_t *mem;

static const void *locate(void *owner, uint64_t *ret_size)
{
	(void)owner;
	*ret_size = SIZE;
	return mem;
}

static int names_scene(void)
{
	struct ebpfnet_event e = { .point = EBN_AT_FROM_ENDPOINT, .src_identity = 260, .ep = 1,
				   .egress_decision = EBN_DECISION_NONE, .ingress_decision = EBN_DECISION_NONE };
	struct ebpfnet_names *names = NULL;
	struct ebpfnet_flow f;
	int rc = ebn_names_new(locate, NULL, NULL, "node", &names);

	if (rc < 0)
		return names ? -EIO : rc;
	rc = ebpfnet_flow_from_event(names, &e, &f, sizeof(f));
	if (!rc && (!f.src.name || strcmp(f.src.name, "client") != 0 || strcmp(f.src.labels, "k8s:n=260;") != 0))
		rc = -EIO;
	ebpfnet_names_free(names);
	return rc;
}

/* What fails has changed nothing: the owner has no address, the pool is as it was. */
static int ipam_scene(void)
{
	struct ebpfnet_ipam_range range = { .subnet = "10.0.0.0/24" };
	const char *exclude = "10.0.0.128", *live = "b";
	struct ebpfnet_ipam_pool_opts po = { EBPFNET_OPTS_INIT(po), .name = "p", .ranges = &range, .n_ranges = 1,
					     .exclude = &exclude, .n_exclude = 1 };
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .pool = "p" };
	struct ebpfnet_ipam_collect_opts co = { EBPFNET_OPTS_INIT(co), .live = &live, .n_live = 1 };
	struct ebpfnet_ipam_pool_info info;
	struct ebpfnet_ipam_lease l;
	struct ebpfnet_ctx *ctx = NULL;
	struct ebpfnet_ipam *ipam = NULL;
	int rc = ebpfnet_ctx_new(NULL, &ctx), i;

	if (!rc)
		rc = ebpfnet_ipam_new(ctx, NULL, &ipam);
	if (!rc)
		rc = ebpfnet_ipam_set_pool(ipam, &po);
	for (i = 0; !rc && i < 20; i++) {
		char owner[8];

		snprintf(owner, sizeof(owner), "o%d", i);
		rq.owner = owner;
		rc = ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l));
		if (ebpfnet_ipam_get_pool(ipam, "p", &info, sizeof(info)) ||
		    info.usage4.used != (unsigned int)(i + !rc) ||
		    (!ebpfnet_ipam_lookup(ipam, owner, &l, sizeof(l))) != !rc)
			rc = -EIO;
	}
	if (!rc)
		rc = ebpfnet_ipam_release(ipam, "o3");
	if (!rc)
		rc = ebpfnet_ipam_collect(ipam, &co, NULL);
	ebpfnet_ipam_free(ipam);
	ebpfnet_ctx_unref(ctx);
	return rc;
}

static int health_scene(void)
{
	struct ebpfnet_backend b = { .port = 80 };
	struct ebpfnet_health *h = NULL;
	struct ebpfnet_health_info info;
	int rc = ebpfnet_health_new(&h), i;

	b.addr.b[15] = 2;
	/* more than the first growth has room for */
	for (i = 0; !rc && i < 20; i++) {
		b.port++;
		rc = ebpfnet_health_track(h, i % 2 ? "web" : NULL, &b, NULL, 0);
		if ((ebpfnet_health_get(h, i % 2 ? "web" : NULL, &b, &info, sizeof(info)) == 0) != !rc)
			rc = -EIO;
	}
	ebpfnet_health_free(h);
	return rc;
}

static int no_bytes(const void *data, size_t len, void *arg)
{
	(void)data;
	*(size_t *)arg += len;
	return 0;
}

/* Everything that takes memory for flows: a watch, its way to other tables, counts, an export. */
static int flows_scene(void)
{
	static uint8_t small[2][16 * sizeof(struct ebn_flow_set6)], large[2][32 * sizeof(struct ebn_flow_set6)];
	struct ebn_flows t[2] = { { .mem = small[0], .mask = 15 }, { .mem = small[1], .mask = 15, .v6 = true } };
	struct ebn_flows other[2] = { { .mem = large[0], .mask = 31 }, { .mem = large[1], .mask = 31, .v6 = true } };
	struct ebn_ct_walk walk = { .tables = t, .view = { .tick_ns = 1000 }, .filter = { .sz = sizeof(walk.filter) } };
	struct ebpfnet_ct_endpoint_count ep;
	struct ebn_ct_watch w;
	size_t bytes = 0;
	int rc = ebn_ct_watch_begin(&w, t);

	if (rc < 0)
		return rc;
	rc = ebn_ct_watch_follow(&w, other);
	/* what failed has changed nothing */
	if (rc < 0 && w.copy[0].mask != 15)
		rc = -EIO;
	ebn_ct_watch_end(&w);
	if (!rc)
		rc = ebn_ct_count_endpoints(&walk, &ep, 1);
	if (!rc)
		rc = ebn_image_write(&walk, no_bytes, &bytes);
	return !rc && !bytes ? -EIO : rc;
}

START_TEST(flows)
{
	torture(flows_scene);
}
END_TEST

START_TEST(labels)
{
	torture(labels_scene);
}
END_TEST

START_TEST(diag)
{
	torture(diag_scene);
}
END_TEST

START_TEST(filter)
{
	torture(filter_scene);
}
END_TEST

START_TEST(ipam)
{
	torture(ipam_scene);
}
END_TEST

START_TEST(health)
{
	torture(health_scene);
}
END_TEST

START_TEST(names)
{
	static const uint64_t seed[2] = { 1, 2 };
	struct ebn_node *nt = NULL;
	struct ebn_rows *rows = NULL;
	char text[32];
	uint32_t row, i;

	mem = aligned_alloc(4096, SIZE);
	memset(mem, 0, SIZE);
	ck_assert_int_eq(ebn_node_format(mem, SIZE, seed), 0);
	ck_assert_int_eq(ebn_node_open(mem, SIZE, NULL, &nt), 0);
	ck_assert_int_eq(ebn_rows_open(nt, 64, NULL, &rows), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
	for (i = 256; i < 300; i++) {
		test_put(text, text + sizeof(text), "k8s:n=%u;", i);
		ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_IDENTITY, i, text), 0);
	}
	ck_assert_int_eq(ebn_ep_row_get(rows, &row), 0);
	ebn_ep_row(rows, row)->id = 1;
	ebn_ep_row(rows, row)->ifindex = 5;
	ck_assert_int_eq(ebn_name_set(rows, EBN_NAME_ENDPOINT, row, "client\tk8s:app=client;"), 0);
	ck_assert_int_eq(ebn_ep_row_publish(rows, row), 0);
	torture(names_scene);
	ebn_rows_free(rows);
	ebn_node_free(nt);
	free(mem);
}
END_TEST

RUN_SUITE("nomem", flows, labels, diag, filter, health, ipam, names)
