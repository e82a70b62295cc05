// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Address pools: what is handed out and what never, the store, every errno of the contract. */
#include "suite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ipam/internal.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_ipam *ipam;
static struct ebpfnet_diag *diag;
static char dir[] = "/tmp/ebnt-ipam-XXXXXX", path[64];
static char logged[256];

static struct ebpfnet_addr addr(const char *text)
{
	struct ebpfnet_addr a = { { 0 } };

	if (*text)
		ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

static const char *text(const struct ebpfnet_addr *a)
{
	static char buf[4][EBPFNET_ADDR_STRLEN];
	static unsigned int n;
	char *to = buf[n++ % 4];

	ebpfnet_addr_format(a, to, sizeof(buf[0]));
	return to;
}

static void on_log(void *userdata, int level, const char *file, int line, const char *func, const char *words)
{
	(void)userdata;
	(void)file;
	(void)line;
	(void)func;
	if (level == EBPFNET_LOG_WARNING)
		snprintf(logged, sizeof(logged), "%s", words);
}

static int open_ipam(const char *where, uint32_t quarantine_ms)
{
	struct ebpfnet_ipam_opts o = { EBPFNET_OPTS_INIT(o), .path = where, .quarantine_ms = quarantine_ms,
				       .diag = diag };

	return ebpfnet_ipam_new(ctx, &o, &ipam);
}

static void begin(const char *where)
{
	struct ebpfnet_ctx_opts o = { EBPFNET_OPTS_INIT(o), .log = on_log };

	ck_assert_int_eq(ebpfnet_ctx_new(&o, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	if (where && !strchr(path, '/')) {
		ck_assert_ptr_nonnull(mkdtemp(dir));
		snprintf(path, sizeof(path), "%s/store", dir);
	}
	ck_assert_int_eq(open_ipam(where ? path : NULL, 0), 0);
}

static void end(void)
{
	char cmd[128];

	ebpfnet_ipam_free(ipam);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
	if (!*path)
		return;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void reopen(void)
{
	ebpfnet_ipam_free(ipam);
	ipam = NULL;
	ck_assert_int_eq(open_ipam(path, 0), 0);
}

static int pool_of(const char *name, const char *subnet, const char *first, const char *last, const char *exclude)
{
	struct ebpfnet_ipam_range r = { .subnet = subnet, .first = addr(first), .last = addr(last) };
	struct ebpfnet_ipam_pool_opts o = { EBPFNET_OPTS_INIT(o), .name = name, .ranges = &r, .n_ranges = 1,
					    .exclude = &exclude, .n_exclude = exclude != NULL, .diag = diag };

	ebpfnet_diag_clear(diag);
	return ebpfnet_ipam_set_pool(ipam, &o);
}

static int get(const char *pool, const char *owner, struct ebpfnet_ipam_lease *ret)
{
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .pool = pool, .owner = owner, .diag = diag };

	ebpfnet_diag_clear(diag);
	return ebpfnet_ipam_allocate(ipam, &rq, ret, sizeof(*ret));
}

static int get_this(const char *pool, const char *owner, const char *want4, const char *want6)
{
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .pool = pool, .owner = owner, .addr4 = addr(want4),
					   .addr6 = addr(want6), .diag = diag };
	struct ebpfnet_ipam_lease l;

	ebpfnet_diag_clear(diag);
	return ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l));
}

static const char *said(void)
{
	static char buf[512];

	ebpfnet_diag_format(diag, buf, sizeof(buf));
	return buf;
}

#define SAID(what) ck_assert_msg(strstr(said(), what), "\"%s\" is not in \"%s\"", what, said())

START_TEST(both_families)
{
	struct ebpfnet_ipam_range r[] = { { .subnet = "10.1.0.0/30" }, { .subnet = "10.1.1.0/29", .gateway = addr("10.1.1.6") },
					  { .subnet = "fd00:1::/64" } };
	struct ebpfnet_ipam_pool_opts o = { EBPFNET_OPTS_INIT(o), .name = "p", .ranges = r, .n_ranges = 3 };
	static const char *const want[] = { "10.1.0.2", "10.1.1.1", "10.1.1.2", "10.1.1.3", "10.1.1.4", "10.1.1.5" };
	struct ebpfnet_ipam_pool_info info;
	struct ebpfnet_ipam_lease l;
	char owner[8];
	unsigned int i;

	begin(NULL);
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), 0);
	for (i = 0; i < EBN_ARRAY_SIZE(want); i++) {
		snprintf(owner, sizeof(owner), "c%u", i);
		ck_assert_int_eq(get("p", owner, &l), 0);
		ck_assert_str_eq(text(&l.addr4), want[i]);
		ck_assert_str_eq(text(&l.gateway4), i ? "10.1.1.6" : "10.1.0.1");
		ck_assert_int_eq(l.prefix4, i ? 29 : 30);
		ck_assert_str_eq(text(&l.gateway6), "fd00:1::1");
		ck_assert_int_eq(l.prefix6, 64);
		ck_assert_int_eq(l.addr6.b[15], i + 2);
	}
	memset(&l, 0x55, sizeof(l));
	ck_assert_int_eq(get("p", "one too many", &l), -ENOSPC);
	ck_assert_int_eq(l.prefix4, 0x55);
	SAID("all 6 IPv4 addresses of the pool are used");
	/* nothing of the other family was kept */
	ck_assert_int_eq(ebpfnet_ipam_get_pool(ipam, "p", &info, sizeof(info)), 0);
	ck_assert_uint_eq(info.usage6.used, 6);
	ck_assert_uint_eq(info.usage6.total, UINT64_MAX - 1);
	ck_assert_uint_eq(info.usage4.percent, 100);
	ck_assert_uint_eq(info.usage6.percent, 1);
	ck_assert_uint_eq(info.usage4.low, 1);
	ck_assert_ptr_nonnull(strstr(logged, "pool p: 100 % of its IPv4 addresses are used"));
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "c1", &l, sizeof(l)), 0);
	ck_assert_str_eq(text(&l.addr4), "10.1.1.1");
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "nobody", &l, sizeof(l)), -ENOENT);
	end();
}
END_TEST

START_TEST(never_handed_out)
{
	static const struct {
		const char *subnet, *first, *last, *exclude;
		unsigned int total;
	} t[] = {
		{ "10.0.0.0/24", "", "", NULL, 253 },
		{ "10.0.0.0/24", "", "", "10.0.0.128/25", 126 },	/* the broadcast address is in it */
		{ "10.0.0.0/24", "10.0.0.0", "10.0.0.255", NULL, 253 },
		{ "10.0.0.0/24", "10.0.0.10", "10.0.0.19", "10.0.0.12", 9 },
		{ "10.0.0.0/24", "10.0.0.10", "10.0.0.19", "10.0.1.0/24", 10 },
		{ "10.0.0.0/31", "", "", NULL, 2 },
		{ "10.0.0.7/32", "", "", NULL, 1 },
		{ "fd00::/126", "", "", NULL, 2 },
		{ "fd00::/127", "", "", NULL, 2 },
		{ "fd00::/112", "", "", "fd00::8000/113", 32766 },
		{ "0.0.0.0/0", "10.0.0.1", "10.0.0.4", NULL, 4 },
	};
	struct ebpfnet_ipam_pool_info info;
	unsigned int i;

	begin(NULL);
	for (i = 0; i < EBN_ARRAY_SIZE(t); i++) {
		const struct ebpfnet_ipam_usage *u = strchr(t[i].subnet, ':') ? &info.usage6 : &info.usage4;

		ck_assert_int_eq(pool_of("p", t[i].subnet, t[i].first, t[i].last, t[i].exclude), 0);
		ck_assert_int_eq(ebpfnet_ipam_get_pool(ipam, "p", &info, sizeof(info)), 0);
		ck_assert_msg(u->total == t[i].total && u->free == t[i].total, "row %u: %llu", i, (unsigned long long)u->total);
	}
	end();
}
END_TEST

START_TEST(bad_pools)
{
	static const struct {
		const char *subnet, *first, *last, *exclude, *words;
	} t[] = {
		{ "10.0.0.0", "", "", NULL, "not a subnet" },
		{ "10.0.0.1/24", "", "", NULL, "not a subnet" },
		{ "10.0.0.0/33", "", "", NULL, "not a subnet" },
		{ "10.0.0.0/024", "", "", NULL, "not a subnet" },
		{ "10.0.0.0/", "", "", NULL, "not a subnet" },
		{ "10.0.0.0/8x", "", "", NULL, "not a subnet" },
		{ "fd00::/129", "", "", NULL, "not a subnet" },
		{ "", "", "", NULL, "not a subnet" },
		{ "10.0.0.0/24", "10.0.1.1", "", NULL, "not in its subnet" },
		{ "10.0.0.0/24", "fd00::1", "", NULL, "not in its subnet" },
		{ "10.0.0.0/24", "10.0.0.9", "10.0.0.8", NULL, "ends before it begins" },
		{ "10.0.0.0/24", "", "", "10.0.0.0/16", "leave no address" },
		{ "10.0.0.0/24", "", "", "ten", "not an address or prefix" },
	};
	struct ebpfnet_ipam_range two[] = { { .subnet = "10.0.0.0/24" }, { .subnet = "10.0.0.128/25" } };
	struct ebpfnet_ipam_range other = { .subnet = "10.0.0.0/24", .gateway = addr("fd00::1") };
	struct ebpfnet_ipam_pool_opts o = { EBPFNET_OPTS_INIT(o), .name = "p", .ranges = two, .n_ranges = 2 };
	char name[80];
	unsigned int i;

	begin(NULL);
	for (i = 0; i < EBN_ARRAY_SIZE(t); i++) {
		ck_assert_int_eq(pool_of("p", t[i].subnet, t[i].first, t[i].last, t[i].exclude), -EINVAL);
		SAID(t[i].words);
	}
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), -EINVAL);
	o.ranges = &other;
	o.n_ranges = 1;
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), -EINVAL);
	other.gateway = addr("");
	o.warn_percent = 101;
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), -EINVAL);
	o.warn_percent = 0;
	o.n_ranges = EBPFNET_IPAM_RANGES_MAX + 1;
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), -ENOSPC);
	memset(name, 'a', sizeof(name));
	name[64] = '\0';
	ck_assert_int_eq(pool_of(name, "10.0.0.0/24", "", "", NULL), -EINVAL);
	ck_assert_int_eq(pool_of("a\nb", "10.0.0.0/24", "", "", NULL), -EINVAL);
	ck_assert_int_eq(pool_of("", "10.0.0.0/24", "", "", NULL), -EINVAL);
	/* two pools may share a subnet, not an address */
	ck_assert_int_eq(pool_of("a", "10.0.0.0/24", "10.0.0.2", "10.0.0.99", NULL), 0);
	ck_assert_int_eq(pool_of("b", "10.0.0.0/24", "10.0.0.99", "", NULL), -EEXIST);
	SAID("pool a has some of these");
	ck_assert_int_eq(pool_of("b", "10.0.0.0/24", "10.0.0.100", "", NULL), 0);
	ck_assert_int_eq(ebpfnet_ipam_remove_pool(ipam, "a"), 0);
	ck_assert_int_eq(ebpfnet_ipam_remove_pool(ipam, "a"), -ENOENT);
	for (i = 1; i < EBPFNET_IPAM_POOLS_MAX; i++) {
		char subnet[32];

		snprintf(name, sizeof(name), "n%u", i);
		snprintf(subnet, sizeof(subnet), "10.1.%u.0/24", i);
		ck_assert_int_eq(pool_of(name, subnet, "", "", NULL), 0);
	}
	ck_assert_int_eq(pool_of("more", "10.2.0.0/24", "", "", NULL), -ENOSPC);
	end();
}
END_TEST

START_TEST(wanted)
{
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .pool = "p", .owner = "x" };
	struct ebpfnet_ipam_lease l;
	char longest[EBPFNET_IPAM_OWNER_MAX + 2];

	begin(NULL);
	ck_assert_int_eq(pool_of("p", "10.0.0.0/29", "", "", "10.0.0.5"), 0);
	ck_assert_int_eq(get_this("p", "a", "10.0.0.4", ""), 0);
	ck_assert_int_eq(get_this("p", "b", "10.0.0.4", ""), -EADDRINUSE);
	SAID("10.0.0.4 is in use by a");
	ck_assert_int_eq(get_this("p", "b", "10.0.0.5", ""), -ERANGE);
	ck_assert_int_eq(get_this("p", "b", "10.0.0.1", ""), -ERANGE);
	ck_assert_int_eq(get_this("p", "b", "10.0.0.7", ""), -ERANGE);
	ck_assert_int_eq(get_this("p", "b", "10.9.0.5", ""), -ERANGE);
	ck_assert_int_eq(get_this("p", "b", "", "fd00::5"), -EAFNOSUPPORT);
	ck_assert_int_eq(get_this("q", "b", "", ""), -ENOENT);
	ck_assert_int_eq(get_this("p", "a", "10.0.0.3", ""), -EEXIST);
	/* the next free one, then around past what is used */
	ck_assert_int_eq(get("p", "c", &l), 0);
	ck_assert_str_eq(text(&l.addr4), "10.0.0.6");
	ck_assert_int_eq(get("p", "d", &l), 0);
	ck_assert_str_eq(text(&l.addr4), "10.0.0.2");
	/* who asks by name gets what rests */
	ck_assert_int_eq(ebpfnet_ipam_release(ipam, "a"), 0);
	ck_assert_int_eq(ebpfnet_ipam_release(ipam, "a"), -ENOENT);
	ck_assert_int_eq(get_this("p", "b", "10.0.0.4", ""), 0);
	ck_assert_int_eq(ebpfnet_ipam_allocate(ipam, NULL, &l, sizeof(l)), -EINVAL);
	rq.owner = "";
	ck_assert_int_eq(ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l)), -EINVAL);
	rq.owner = "a\tb";
	ck_assert_int_eq(ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l)), -EINVAL);
	rq.owner = "x";
	rq.addr4 = addr("fd00::1");
	ck_assert_int_eq(ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l)), -EINVAL);
	rq.addr4 = addr("");
	rq.families = 4;
	ck_assert_int_eq(ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l)), -EINVAL);
	rq.families = EBPFNET_IPAM_FAMILY4 | EBPFNET_IPAM_FAMILY6;
	ck_assert_int_eq(ebpfnet_ipam_allocate(ipam, &rq, &l, sizeof(l)), -EAFNOSUPPORT);
	memset(longest, 'o', sizeof(longest));
	longest[EBPFNET_IPAM_OWNER_MAX + 1] = '\0';
	ck_assert_int_eq(get("p", longest, &l), -EINVAL);
	ck_assert_int_eq(get("p", longest + 1, &l), 0);
	end();
}
END_TEST

START_TEST(quarantine)
{
	struct ebpfnet_ipam_pool_info info;
	struct ebpfnet_ipam_lease l;

	begin(NULL);
	ck_assert_int_eq(pool_of("p", "10.0.0.0/29", "10.0.0.2", "10.0.0.3", NULL), 0);
	ck_assert_int_eq(get("p", "a", &l), 0);
	ck_assert_int_eq(get("p", "b", &l), 0);
	ck_assert_int_eq(ebpfnet_ipam_release(ipam, "a"), 0);
	ck_assert_int_eq(get("p", "c", &l), -EAGAIN);
	SAID("the next one rests for");
	ck_assert_int_eq(ebpfnet_ipam_get_pool(ipam, "p", &info, sizeof(info)), 0);
	ck_assert(info.usage4.used == 1 && info.usage4.resting == 1 && info.usage4.free == 0);
	ebn_ipam_skip(ipam, EBPFNET_IPAM_QUARANTINE_MS - 5000);
	ck_assert_int_eq(get("p", "c", &l), -EAGAIN);
	ebn_ipam_skip(ipam, 5000);
	ck_assert_int_eq(get("p", "c", &l), 0);
	ck_assert_str_eq(text(&l.addr4), "10.0.0.2");
	/* an address rests although its place in the turn has come */
	ck_assert_int_eq(ebpfnet_ipam_release(ipam, "b"), 0);
	ck_assert_int_eq(get("p", "d", &l), -EAGAIN);
	end();
}
END_TEST

struct seen {
	char all[1024];
	size_t n;
};

static int see(const struct ebpfnet_ipam_entry *e, void *userdata)
{
	struct seen *s = userdata;

	s->n += (size_t)snprintf(s->all + s->n, sizeof(s->all) - s->n, "%s %s/%s%s;", text(&e->addr), e->pool, e->owner,
				 e->resting_ms ? " rests" : "");
	return 0;
}

static int stop_at_once(const struct ebpfnet_ipam_entry *e, void *userdata)
{
	(void)e;
	return *(int *)userdata;
}

START_TEST(restart)
{
	struct ebpfnet_ipam_range r[] = { { .subnet = "10.0.0.0/24" }, { .subnet = "fd00::/64" } };
	struct ebpfnet_ipam_pool_opts o = { EBPFNET_OPTS_INIT(o), .name = "p", .ranges = r, .n_ranges = 2 };
	struct ebpfnet_ipam_pool_info info;
	struct ebpfnet_ipam *second;
	struct ebpfnet_ipam_opts oo = { EBPFNET_OPTS_INIT(oo), .path = path };
	struct ebpfnet_ipam_lease l;
	struct seen seen = { .n = 0 };
	int rc = -7;

	begin("store");
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), 0);
	ck_assert_int_eq(get("p", "a", &l), 0);
	ck_assert_int_eq(get("p", "b", &l), 0);
	ck_assert_int_eq(ebpfnet_ipam_release(ipam, "a"), 0);
	ck_assert_int_eq(ebpfnet_ipam_new(ctx, &oo, &second), -EBUSY);
	reopen();
	ck_assert_int_eq(ebpfnet_ipam_foreach(ipam, see, &seen), 0);
	ck_assert_str_eq(seen.all, "10.0.0.2 p/a rests;10.0.0.3 p/b;fd00::2 p/a rests;fd00::3 p/b;");
	ck_assert_int_eq(ebpfnet_ipam_foreach(ipam, stop_at_once, &rc), -7);
	/* without a pool its gateways are not known, the addresses are */
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "b", &l, sizeof(l)), 0);
	ck_assert_str_eq(text(&l.addr6), "fd00::3");
	ck_assert_int_eq(ebpfnet_addr_family(&l.gateway4), 0);
	ck_assert_int_eq(l.prefix4, 32);
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), 0);
	ck_assert_int_eq(get_this("p", "c", "10.0.0.3", ""), -EADDRINUSE);
	ck_assert_int_eq(get("p", "c", &l), 0);
	ck_assert_str_eq(text(&l.addr4), "10.0.0.4");
	/* a smaller pool: nobody loses an address, it is counted and not given again */
	r[0].first = addr("10.0.0.4");
	r[0].last = addr("10.0.0.5");
	ck_assert_int_eq(ebpfnet_ipam_set_pool(ipam, &o), 0);
	ck_assert_int_eq(ebpfnet_ipam_get_pool(ipam, "p", &info, sizeof(info)), 0);
	ck_assert(info.usage4.total == 2 && info.usage4.used == 1 && info.usage4.outside == 1);
	/* the rest ends in time over the restart as well */
	ebn_ipam_skip(ipam, EBPFNET_IPAM_QUARANTINE_MS);
	ck_assert_int_eq(get("p", "d", &l), 0);
	ck_assert_str_eq(text(&l.addr4), "10.0.0.5");
	reopen();
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(ebpfnet_ipam_foreach(ipam, see, &seen), 0);
	ck_assert_str_eq(seen.all, "10.0.0.3 p/b;10.0.0.4 p/c;10.0.0.5 p/d;fd00::3 p/b;fd00::4 p/c;fd00::5 p/d;");
	end();
}
END_TEST

START_TEST(collect)
{
	static const char *const live[] = { "net/b/eth0", "other" };
	struct ebpfnet_ipam_collect_opts o = { EBPFNET_OPTS_INIT(o), .prefix = "net/", .live = live, .n_live = 2,
					       .min_age_ms = 1000 };
	struct ebpfnet_ipam_lease l;
	size_t n = 9;

	begin("store");
	ck_assert_int_eq(pool_of("p", "10.0.0.0/24", "", "", NULL), 0);
	ck_assert_int_eq(get("p", "net/a/eth0", &l), 0);
	ck_assert_int_eq(get("p", "net/b/eth0", &l), 0);
	ck_assert_int_eq(get("p", "net2/c/eth0", &l), 0);
	ck_assert_int_eq(ebpfnet_ipam_collect(ipam, &o, &n), 0);
	ck_assert_uint_eq(n, 0);
	ebn_ipam_skip(ipam, 1000);
	ck_assert_int_eq(ebpfnet_ipam_collect(ipam, &o, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "net/a/eth0", &l, sizeof(l)), -ENOENT);
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "net/b/eth0", &l, sizeof(l)), 0);
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "net2/c/eth0", &l, sizeof(l)), 0);
	o.prefix = NULL;
	o.n_live = 0;
	ck_assert_int_eq(ebpfnet_ipam_collect(ipam, &o, NULL), 0);
	ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, "net/b/eth0", &l, sizeof(l)), -ENOENT);
	o.n_live = 1;
	o.live = NULL;
	ck_assert_int_eq(ebpfnet_ipam_collect(ipam, &o, NULL), -EINVAL);
	end();
}
END_TEST

static void damage(off_t at, const char *bytes, off_t cut)
{
	char file[96];
	int fd;

	snprintf(file, sizeof(file), "%s/data.mdb", path);
	fd = open(file, O_RDWR);
	ck_assert_int_ge(fd, 0);
	if (bytes)
		ck_assert_int_gt(pwrite(fd, bytes, strlen(bytes), at), 0);
	if (cut)
		ck_assert_int_eq(ftruncate(fd, cut), 0);
	close(fd);
}

START_TEST(damaged_store)
{
	struct ebpfnet_ipam_opts o = { EBPFNET_OPTS_INIT(o), .path = path };
	struct ebpfnet_ipam_lease l;
	struct ebn_store *s;
	char file[96];
	int i;

	begin("store");
	ck_assert_int_eq(pool_of("p", "10.0.0.0/24", "", "", NULL), 0);
	ck_assert_int_eq(get("p", "a", &l), 0);
	ebpfnet_ipam_free(ipam);
	ipam = NULL;
	/* not a record of ours */
	ck_assert_int_eq(ebn_store_open(path, EBN_IPAM_STORE_BYTES, NULL, &s), 0);
	ck_assert_int_eq(ebn_store_begin(s), 0);
	ck_assert_int_eq(ebn_store_put(s, "x", 1, "y", 1), 0);
	ck_assert_int_eq(ebn_store_commit(s), 0);
	ebn_store_close(s);
	ck_assert_int_eq(open_ipam(path, 0), -EPROTO);
	SAID("damaged");
	/* cut short behind the header: the pages that are missing are missed, and nothing is read beyond the end */
	damage(0, NULL, 8192);
	ck_assert_int_eq(open_ipam(path, 0), -EPROTO);
	damage(0, NULL, 100);
	ck_assert_int_eq(open_ipam(path, 0), -EPROTO);
	for (i = 0; i < 2; i++)
		damage(i * 4096, "nonsense nonsense nonsense", 0);
	ck_assert_int_eq(open_ipam(path, 0), -EPROTO);
	ck_assert_int_eq(chmod(path, 0777), 0);
	ck_assert_int_eq(open_ipam(path, 0), -EPERM);
	snprintf(file, sizeof(file), "%s/data.mdb", path);
	o.path = file;
	ck_assert_int_eq(ebpfnet_ipam_new(ctx, &o, &ipam), -ENOTDIR);
	snprintf(file, sizeof(file), "%s/no/such", path);
	ck_assert_int_eq(ebpfnet_ipam_new(ctx, &o, &ipam), -ENOENT);
	o.path = NULL;
	o.quarantine_ms = 86400001;
	ck_assert_int_eq(ebpfnet_ipam_new(ctx, &o, &ipam), -EINVAL);
	o.quarantine_ms = 1;
	o.flags = EBPFNET_IPAM_NO_QUARANTINE;
	ck_assert_int_eq(ebpfnet_ipam_new(ctx, &o, &ipam), -EINVAL);
	end();
}
END_TEST

/* A child hands out and takes back and is killed; whatever it told of is in the store, and no address twice. */
START_TEST(killed)
{
	char told[32][64], line[64];
	int round, p[2];

	begin("store");
	ebpfnet_ipam_free(ipam);
	ipam = NULL;
	for (round = 0; round < 12; round++) {
		struct ebpfnet_ipam_lease l;
		size_t n = 0, len = 0, i;
		pid_t pid;
		char c;

		ck_assert_int_eq(pipe(p), 0);
		pid = fork();
		if (!pid) {
			if (open_ipam(path, 0) < 0 || pool_of("p", "10.0.0.0/16", "", "", NULL) < 0)
				_exit(1);
			for (i = 0;; i++) {
				snprintf(line, sizeof(line), "r%d-%zu", round, i);
				if (get("p", line, &l) < 0)
					_exit(2);
				len = (size_t)snprintf(line, sizeof(line), "r%d-%zu %s\n", round, i, text(&l.addr4));
				if (write(p[1], line, len) != (ssize_t)len)
					_exit(3);
			}
		}
		close(p[1]);
		while (n < (size_t)(2 + round % 5) && read(p[0], &c, 1) == 1) {
			line[len++] = c;
			if (c != '\n')
				continue;
			line[len - 1] = '\0';
			memcpy(told[n++], line, len);
			len = 0;
		}
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		close(p[0]);
		ck_assert_uint_ge(n, 2);
		ck_assert_int_eq(open_ipam(path, 0), 0);
		for (i = 0; i < n; i++) {
			char *space = strchr(told[i], ' ');

			*space = '\0';
			ck_assert_int_eq(ebpfnet_ipam_lookup(ipam, told[i], &l, sizeof(l)), 0);
			ck_assert_str_eq(text(&l.addr4), space + 1);
		}
		ebpfnet_ipam_free(ipam);
		ipam = NULL;
	}
	end();
}
END_TEST

RUN_SUITE("ipam", both_families, never_handed_out, bad_pools, wanted, quarantine, restart, collect, damaged_store, killed)
