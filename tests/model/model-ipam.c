// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random pools, requests, releases, collections, restarts and passing time, held against a list of addresses that is walked
 * from its beginning each time. CASES in the environment is the number of steps.
 */
#include "../unit/suite.h"

#include "ipam/internal.h"

#define SPACE 64	/* addresses of 10.0.0.0/26 and of fd00::/122, by their last byte */
#define OWNERS 24
#define REST 30000u

struct ref {
	bool pool, resting[2][SPACE], gives[2][SPACE];
	int owner[2][SPACE];		/* -1: nobody */
	uint64_t since[2][SPACE];
	uint64_t leased[OWNERS];
};

struct world {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_ipam *ipam;
	struct ref r;
	char path[64];
	uint64_t seed, now;
	unsigned int given, refused, restarts;
};

static struct ebpfnet_addr address(int f, unsigned int n)
{
	char text[32];
	struct ebpfnet_addr a;

	snprintf(text, sizeof(text), f ? "fd00::%x" : "10.0.0.%u", n);
	if (f && !n)
		snprintf(text, sizeof(text), "fd00::");
	ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

static const char *owner_name(unsigned int o)
{
	static char text[16];

	snprintf(text, sizeof(text), "%s/%u", o % 3 ? "net" : "other", o);
	return text;
}

static void open_world(struct world *w)
{
	struct ebpfnet_ipam_opts o = { EBPFNET_OPTS_INIT(o), .path = w->path, .quarantine_ms = REST };

	ck_assert_int_eq(ebn_ipam_open(w->ctx, &o, w->now, &w->ipam), 0);
}

static bool rests(struct world *w, int f, unsigned int n)
{
	return w->r.resting[f][n] && w->now - w->r.since[f][n] < REST;
}

static void change_pool(struct world *w)
{
	unsigned int first = 2 + test_below(&w->seed, 8), last = first + test_below(&w->seed, 24), cut[3], f, n, i;
	struct ebpfnet_ipam_range r[2] = {
		{ .subnet = "10.0.0.0/26", .first = address(0, first), .last = address(0, last) },
		{ .subnet = "fd00::/122", .first = address(1, first), .last = address(1, last) },
	};
	char text[6][32];
	const char *exclude[6];
	struct ebpfnet_ipam_pool_opts o = { EBPFNET_OPTS_INIT(o), .name = "p", .ranges = r, .n_ranges = 2,
					    .exclude = exclude, .n_exclude = 6 };
	struct ref was = w->r;
	bool left = false;
	int rc;

	for (i = 0; i < 3; i++) {
		cut[i] = test_below(&w->seed, SPACE);
		snprintf(text[i], sizeof(text[i]), "10.0.0.%u/32", cut[i]);
		snprintf(text[3 + i], sizeof(text[3]), cut[i] ? "fd00::%x" : "fd00::/128", cut[i]);
		exclude[i] = text[i];
		exclude[3 + i] = text[3 + i];
	}
	for (f = 0; f < 2; f++)
		for (n = 0; n < SPACE; n++) {
			w->r.gives[f][n] = n >= first && n <= last && n > 1 && (f || n < SPACE - 1) && n != cut[0] &&
					   n != cut[1] && n != cut[2];
			left |= w->r.gives[f][n];
		}
	rc = ebpfnet_ipam_set_pool(w->ipam, &o);
	ck_assert_int_eq(rc, left ? 0 : -EINVAL);
	if (rc)
		w->r = was;
	w->r.pool |= !rc;
}

static void check_addr(struct world *w, const struct ebpfnet_addr *a, int f, unsigned int o, bool wanted)
{
	unsigned int n = a->b[15];
	struct ebpfnet_addr want = address(f, n);

	ck_assert_int_lt(n, SPACE);
	ck_assert_mem_eq(a, &want, sizeof(want));
	ck_assert_msg(w->r.gives[f][n], "%d/%u is not one of the pool's", f, n);
	ck_assert_msg(w->r.owner[f][n] < 0, "%d/%u has an owner", f, n);
	ck_assert_msg(wanted || !rests(w, f, n), "%d/%u rests", f, n);
	w->r.owner[f][n] = (int)o;
	w->r.resting[f][n] = false;
	w->r.leased[o] = w->now + 1;
}

/* What the plain walk says of a family: 0 can be had, or the error. */
static int could(struct world *w, int f, int want)
{
	bool resting = false;
	unsigned int n;

	if (want >= 0)
		return !w->r.gives[f][want] ? -ERANGE : w->r.owner[f][want] >= 0 ? -EADDRINUSE : 0;
	for (n = 0; n < SPACE; n++) {
		if (!w->r.gives[f][n] || w->r.owner[f][n] >= 0)
			continue;
		if (!rests(w, f, n))
			return 0;
		resting = true;
	}
	return resting ? -EAGAIN : -ENOSPC;
}

static void allocate(struct world *w)
{
	unsigned int o = test_below(&w->seed, OWNERS), families = test_below(&w->seed, 4);
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .pool = "p", .owner = owner_name(o),
					   .families = families };
	int want[2] = { -1, -1 }, f, expect = 0, rc;
	struct ebpfnet_ipam_lease l;

	for (f = 0; f < 2; f++)
		if (!test_below(&w->seed, 6)) {
			want[f] = (int)test_below(&w->seed, SPACE);
			*(f ? &rq.addr6 : &rq.addr4) = address(f, (unsigned int)want[f]);
			families |= families ? 1u << f : 0;
		}
	if (!families)
		families = 3;
	if (!w->r.pool)
		expect = -ENOENT;
	else if (w->r.leased[o])
		expect = -EEXIST;
	for (f = 0; !expect && f < 2; f++)
		if (families & 1u << f)
			expect = could(w, f, want[f]);
	rc = ebpfnet_ipam_allocate(w->ipam, &rq, &l, sizeof(l));
	ck_assert_int_eq(rc, expect);
	w->given += !rc;
	w->refused += rc != 0;
	for (f = 0; !rc && f < 2; f++)
		if (families & 1u << f)
			check_addr(w, f ? &l.addr6 : &l.addr4, f, o, want[f] >= 0);
		else
			ck_assert_int_eq(ebpfnet_addr_family(f ? &l.addr6 : &l.addr4), 0);
}

static void forget_owner(struct world *w, unsigned int o)
{
	int f, n;

	w->r.leased[o] = 0;
	for (f = 0; f < 2; f++)
		for (n = 0; n < SPACE; n++)
			if (w->r.owner[f][n] == (int)o) {
				w->r.owner[f][n] = -1;
				w->r.resting[f][n] = true;
				w->r.since[f][n] = w->now;
			}
}

static void collect(struct world *w)
{
	char text[OWNERS][16];
	const char *live[OWNERS];
	struct ebpfnet_ipam_collect_opts o = { EBPFNET_OPTS_INIT(o), .live = live };
	bool keep[OWNERS];
	size_t n = 0, expect = 0;
	unsigned int i;

	if (test_below(&w->seed, 2))
		o.prefix = "net/";
	if (test_below(&w->seed, 2))
		o.min_age_ms = 20000;
	for (i = 0; i < OWNERS; i++) {
		keep[i] = test_below(&w->seed, 3) != 0;
		if (!keep[i])
			continue;
		snprintf(text[i], sizeof(text[i]), "%s", owner_name(i));
		live[o.n_live++] = text[i];
	}
	for (i = 0; i < OWNERS; i++) {
		if (keep[i] || !w->r.leased[i] || (o.prefix && !(i % 3)) ||
		    (o.min_age_ms && w->now - (w->r.leased[i] - 1) < o.min_age_ms))
			continue;
		expect++;
		forget_owner(w, i);
	}
	ck_assert_int_eq(ebpfnet_ipam_collect(w->ipam, &o, &n), 0);
	ck_assert_uint_eq(n, expect);
}

struct seen {
	struct world *w;
	unsigned int n;
};

static int see(const struct ebpfnet_ipam_entry *e, void *userdata)
{
	struct seen *s = userdata;
	int f = ebpfnet_addr_family(&e->addr) == 6;
	unsigned int n = e->addr.b[15];

	s->n++;
	if (e->resting_ms) {
		ck_assert(rests(s->w, f, n));
		return 0;
	}
	ck_assert_int_ge(s->w->r.owner[f][n], 0);
	ck_assert_str_eq(e->owner, owner_name((unsigned int)s->w->r.owner[f][n]));
	return 0;
}

static void compare(struct world *w)
{
	struct seen s = { w, 0 };
	unsigned int expect = 0, n, f, used[2] = { 0 }, resting[2] = { 0 }, total[2] = { 0 };
	struct ebpfnet_ipam_pool_info info;

	for (f = 0; f < 2; f++)
		for (n = 0; n < SPACE; n++) {
			bool has = w->r.owner[f][n] >= 0;

			expect += has || rests(w, (int)f, n);
			total[f] += w->r.gives[f][n];
			used[f] += w->r.gives[f][n] && has;
			resting[f] += w->r.gives[f][n] && rests(w, (int)f, n);
		}
	ck_assert_int_eq(ebpfnet_ipam_foreach(w->ipam, see, &s), 0);
	ck_assert_uint_eq(s.n, expect);
	if (ebpfnet_ipam_get_pool(w->ipam, "p", &info, sizeof(info)) < 0)
		return;
	ck_assert_uint_eq(info.usage4.total, total[0]);
	ck_assert_uint_eq(info.usage6.total, total[1]);
	ck_assert_uint_eq(info.usage4.used, used[0]);
	ck_assert_uint_eq(info.usage6.used, used[1]);
	/* what has rested is forgotten when it is needed, so there may be more here, not less */
	ck_assert_uint_ge(info.usage4.resting, resting[0]);
	ck_assert_uint_ge(info.usage6.resting, resting[1]);
}

static void step(struct world *w)
{
	unsigned int what = test_below(&w->seed, 100), o;

	if (what < 50) {
		allocate(w);
	} else if (what < 75) {
		o = test_below(&w->seed, OWNERS);
		ck_assert_int_eq(ebpfnet_ipam_release(w->ipam, owner_name(o)), w->r.leased[o] ? 0 : -ENOENT);
		forget_owner(w, o);
	} else if (what < 85) {
		uint64_t ms = 10000 * (1 + test_below(&w->seed, 4));

		ebn_ipam_skip(w->ipam, ms);
		w->now += ms;
	} else if (what < 90) {
		change_pool(w);
	} else if (what < 94) {
		collect(w);
	} else if (what < 96) {
		ebpfnet_ipam_free(w->ipam);
		open_world(w);
		w->r.pool = false;
		w->restarts++;
	} else {
		compare(w);
	}
}

START_TEST(ipam)
{
	const char *cases = getenv("CASES");
	unsigned long i, n = cases ? strtoul(cases, NULL, 0) : 20000;
	static struct world w;
	char dir[] = "/dev/shm/ebnt-ipam-XXXXXX", cmd[80];

	w.seed = test_seed();
	memset(w.r.owner, 0xff, sizeof(w.r.owner));
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &w.ctx), 0);
	/* many thousand commits: in memory where there is a place for it */
	if (!mkdtemp(dir)) {
		snprintf(dir, sizeof(dir), "/tmp/ebnt-ipam-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(dir));
	}
	snprintf(w.path, sizeof(w.path), "%s/s", dir);
	open_world(&w);
	for (i = 0; i < n; i++)
		step(&w);
	printf("%u given, %u refused, %u restarts\n", w.given, w.refused, w.restarts);
	ck_assert_uint_gt(w.given, n / 20);
	ebpfnet_ipam_free(w.ipam);
	ebpfnet_ctx_unref(w.ctx);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}
END_TEST

RUN_SUITE("model-ipam", ipam)
