// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Identities over a file, while each system call on it, and each allocation, fails once: the first, then the second, and so on
 * until none does. What says that it failed has changed nothing that its caller sees; the same call succeeds afterwards; what
 * the next process finds is the state from before or from after, and never two things of one number. Descriptors are as many as
 * before. Who watches is told of each number that came and went. The calls are this program's own, which the store's library
 * finds first; allocations are linked with --wrap.
 */
#include "../unit/suite.h"

#include "../unit/identity-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/identity.h>
#include <ebpfnet/kvstore.h>

static long calls_left = -1, allocs_left = -1;	/* until one fails; below 0: none does */
static bool failed;
static int errno_of = ENOSPC;

static bool down(long *left)
{
	if (*left < 0 || (*left)-- != 0)
		return false;
	failed = true;
	return true;
}

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (down(&calls_left)) {
		errno = errno_of;
		return -1;
	}
	return syscall(nr, a, b, c, d, e, f);
}

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return (int)call(SYS_openat, AT_FDCWD, (long)path, flags, mode, 0, 0);
}

int openat(int fd, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return (int)call(SYS_openat, fd, (long)path, flags, mode, 0, 0);
}

int mkdir(const char *path, mode_t mode)
{
	return (int)call(SYS_mkdirat, AT_FDCWD, (long)path, mode, 0, 0, 0);
}

int ftruncate(int fd, off_t len)
{
	return (int)call(SYS_ftruncate, fd, len, 0, 0, 0, 0);
}

int fdatasync(int fd)
{
	return (int)call(SYS_fdatasync, fd, 0, 0, 0, 0, 0);
}

int fsync(int fd)
{
	return (int)call(SYS_fsync, fd, 0, 0, 0, 0, 0);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
	return call(SYS_pread64, fd, (long)buf, (long)n, at, 0, 0);
}

ssize_t pwrite(int fd, const void *buf, size_t n, off_t at)
{
	return call(SYS_pwrite64, fd, (long)buf, (long)n, at, 0, 0);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return call(SYS_writev, fd, (long)iov, n, 0, 0, 0);
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	return (void *)call(SYS_mmap, (long)at, (long)len, prot, flags, fd, off);
}

static time_t ahead;			/* of the time of day, s */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ts);

	ts->tv_sec += clock == CLOCK_REALTIME ? ahead : 0;
	return r;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size)
{
	return down(&allocs_left) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return down(&allocs_left) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return down(&allocs_left) ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return down(&allocs_left) ? NULL : __real_strdup(s);
}

/* ---- a store with something in it */

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_labels *labels[6];
static char root[64], dir[96];
static uint32_t flags;			/* of the store */
static unsigned int told[2];		/* ADDED, REMOVED */

static void see(enum ebpfnet_identity_event event, uint32_t number, const struct ebpfnet_labels *l, void *userdata)
{
	(void)number;
	(void)l;
	(void)userdata;
	told[0] += event == EBPFNET_IDENTITY_ADDED;
	told[1] += event == EBPFNET_IDENTITY_REMOVED;
}

static int store_open(struct ebpfnet_kvstore **ret)
{
	struct ebpfnet_kvstore_file_opts o = { EBPFNET_OPTS_INIT(o), .path = dir, .flags = flags };

	return ebpfnet_kvstore_file(&o, ret);
}

/* Takes the store over, also when it fails. */
static int ids_open(struct ebpfnet_identities **ret)
{
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .quarantine_ms = 86400000, .fn = see };
	struct ebpfnet_kvstore *kv = NULL;
	int r = store_open(&kv);

	*ret = NULL;
	if (r < 0)
		return r;
	o.store = kv;
	r = ebpfnet_identities_new(ctx, &o, ret);
	if (r < 0)
		ebpfnet_kvstore_free(kv);
	return r;
}

static void setup(void)
{
	int i;

	snprintf(root, sizeof(root), "%s/identity-fail-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(dir, sizeof(dir), "%s/store", root);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	for (i = 0; i < 6; i++) {
		char text[32];

		snprintf(text, sizeof(text), "app=a%d", i);
		ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &labels[i]), 0);
	}
}

static void store_remove(void)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (*e->d_name != '.')
			ck_assert_int_eq(unlinkat(dirfd(d), e->d_name, 0), 0);
	if (d)
		closedir(d);
	if (rmdir(dir))
		ck_assert_int_eq(errno, ENOENT);
}

static void teardown(void)
{
	int i;

	store_remove();
	ck_assert_int_eq(rmdir(root), 0);
	for (i = 0; i < 6; i++)
		ebpfnet_labels_unref(labels[i]);
	ebpfnet_ctx_unref(ctx);
}

static unsigned int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Numbers in use and at rest by their labels, as text; no labels stand behind two of them. */
static void picture(struct ebpfnet_identities *ids, char *text, size_t size)
{
	const struct ebpfnet_labels *seen[16], *l;
	struct ebpfnet_identities_stats st;
	char *p = text;
	uint32_t i, k;

	for (i = 0; i < 16; i++) {
		seen[i] = l = ebpfnet_identities_lookup(ids, EBPFNET_IDENTITY_MIN + i);
		if (!l)
			continue;
		for (k = 0; k < i; k++)
			ck_assert(!seen[k] || strcmp(ebpfnet_labels_format(seen[k]), ebpfnet_labels_format(l)));
		p = test_put(p, text + size, "%u=%s ", EBPFNET_IDENTITY_MIN + i, ebpfnet_labels_format(l));
	}
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	test_put(p, text + size, "used %u, resting %u", st.used, st.resting);
}

/* What another process would find. */
static void picture_on_disk(char *text, size_t size)
{
	struct ebpfnet_identities *ids;

	ck_assert_int_eq(ids_open(&ids), 0);
	picture(ids, text, size);
	ebpfnet_identities_unref(ids);
}

static uint32_t number_of[6];

/* Numbers of the first three labels, the third at rest; the first two are referenced. */
static struct ebpfnet_identities *begin(void)
{
	struct ebpfnet_identities *ids;
	int i;

	ahead = 0;
	store_remove();
	ck_assert_int_eq(ids_open(&ids), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(ebpfnet_identities_acquire(ids, labels[i], &number_of[i]), 1);
	ck_assert_int_eq(ebpfnet_identities_release(ids, number_of[2]), 0);
	ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	ebpfnet_identities_unref(ids);
	ck_assert_int_eq(ids_open(&ids), 0);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(ebpfnet_identities_acquire(ids, labels[i], &number_of[i]), 0);
	ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	memset(told, 0, sizeof(told));
	return ids;
}

/* ---- what is tried */

static int acquire_new(struct ebpfnet_identities *ids)
{
	return ebpfnet_identities_acquire(ids, labels[3], &number_of[3]);
}

static int acquire_known(struct ebpfnet_identities *ids)
{
	return ebpfnet_identities_acquire(ids, labels[0], &number_of[0]);
}

static int acquire_resting(struct ebpfnet_identities *ids)
{
	return ebpfnet_identities_acquire(ids, labels[2], &number_of[2]);
}

static int claim(struct ebpfnet_identities *ids)
{
	return ebpfnet_identities_claim(ids, EBPFNET_IDENTITY_MIN + 9, labels[4]);
}

/* What is waiting is written; without EBPFNET_KVSTORE_SYNC after 20 ms. */
static int write_out(struct ebpfnet_identities *ids)
{
	nanosleep(&(struct timespec){ .tv_nsec = 25000000 }, NULL);
	return ebpfnet_identities_dispatch(ids);
}

static int release(struct ebpfnet_identities *ids)
{
	return ebpfnet_identities_release(ids, number_of[1]);
}

static int collect(struct ebpfnet_identities *ids)
{
	return ebpfnet_identities_collect(ids);
}

static int days_pass(struct ebpfnet_identities *ids)
{
	(void)ids;
	ahead = 2 * 86400;
	return 0;
}

struct act {
	const char *name;
	int (*prepare)(struct ebpfnet_identities *ids);	/* NULL: nothing */
	int (*try)(struct ebpfnet_identities *ids);
	bool done_anyway;	/* on an error of the store it has happened, and collect finishes it */
};
static const struct act acts[] = {
	{ "a new number", NULL, acquire_new, false },
	{ "a known one", NULL, acquire_known, false },
	{ "one at rest", NULL, acquire_resting, false },
	{ "one that tables name", NULL, claim, false },
	{ "writing", acquire_new, write_out, false },
	{ "the last reference", NULL, release, true },
	{ "what nobody took", NULL, collect, false },
	{ "a rest that is over", days_pass, ebpfnet_identities_dispatch, false },
};

/* As many came as went, but for those that were there. */
static void all_told(struct ebpfnet_identities *ids, const struct act *act, long n)
{
	struct ebpfnet_identities_stats st;

	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_msg(told[0] - told[1] == st.used + st.resting - 3, "%s: failed at %ld: told of %u that came, %u that went, %u are there",
		      act->name, n, told[0], told[1], st.used + st.resting);
}

/* One failure, at call or allocation number n of what is tried. False: there are not so many. */
static bool once(const struct act *act, long *left, long n)
{
	char before[512], after[512], now[512], disk[512];
	struct ebpfnet_identities *ids = begin();
	int r, again;

	if (act->prepare)
		ck_assert_int_ge(act->prepare(ids), 0);
	picture(ids, before, sizeof(before));
	failed = false;
	*left = n;
	r = act->try(ids);
	*left = -1;
	picture(ids, now, sizeof(now));
	if (failed && r < 0 && !act->done_anyway)
		ck_assert_msg(!strcmp(now, before), "%s: failed at %ld: \"%s\", before \"%s\"", act->name, n, now, before);
	again = r < 0 && !act->done_anyway ? act->try(ids) : r < 0 ? ebpfnet_identities_collect(ids) : r;
	ck_assert_msg(again >= 0, "%s: failed at %ld, and again: %d", act->name, n, again);
	picture(ids, after, sizeof(after));
	/* others go on, with numbers of their own */
	ck_assert_int_eq(ebpfnet_identities_acquire(ids, labels[5], &number_of[5]), 1);
	picture(ids, after, sizeof(after));
	ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	all_told(ids, act, n);
	ebpfnet_identities_unref(ids);
	picture_on_disk(disk, sizeof(disk));
	ck_assert_msg(!strcmp(disk, after), "%s: failed at %ld: \"%s\" on disk, not \"%s\"", act->name, n, disk, after);
	return failed;
}

/* The process ends right behind the failure: before, or after, and nothing else. */
static void ends(const struct act *act, long n, const char *before, const char *after)
{
	struct ebpfnet_identities *ids = begin();
	char disk[512];

	if (act->prepare)
		ck_assert_int_ge(act->prepare(ids), 0);
	calls_left = n;
	(void)act->try(ids);
	calls_left = -1;
	ebpfnet_identities_unref(ids);
	picture_on_disk(disk, sizeof(disk));
	ck_assert_msg(!strcmp(disk, before) || !strcmp(disk, after), "%s: ended behind %ld: \"%s\", not \"%s\" or \"%s\"",
		      act->name, n, disk, before, after);
}

/* What is on disk when nothing fails: of nothing tried, and of all of it. */
static void bounds(const struct act *act, char before[512], char after[512])
{
	struct ebpfnet_identities *ids = begin();

	ebpfnet_identities_unref(ids);
	picture_on_disk(before, 512);
	ids = begin();
	if (act->prepare)
		ck_assert_int_ge(act->prepare(ids), 0);
	ck_assert_int_ge(act->try(ids), 0);
	ebpfnet_identities_unref(ids);
	picture_on_disk(after, 512);
}

static void torture(uint32_t store_flags, int number, long *left)
{
	char before[512], after[512];
	unsigned int fds, total = 0;
	size_t i;
	long n;

	flags = store_flags;
	errno_of = number;
	setup();
	fds = descriptors();
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		bounds(&acts[i], before, after);
		for (n = 0; once(&acts[i], left, n); n++) {
			if (left == &calls_left)
				ends(&acts[i], n, before, after);
			ck_assert_int_lt(n, 10000);
		}
		total += (unsigned int)n;
		ck_assert_uint_eq(descriptors(), fds);
	}
	/* something was there to fail */
	ck_assert_uint_gt(total, 2);
	teardown();
}

START_TEST(each_call_fails_once)
{
	torture(0, ENOSPC, &calls_left);
	torture(0, EIO, &calls_left);
}
END_TEST

START_TEST(each_call_fails_once_written_at_once)
{
	torture(EBPFNET_KVSTORE_SYNC, ENOSPC, &calls_left);
	torture(EBPFNET_KVSTORE_SYNC, EIO, &calls_left);
}
END_TEST

START_TEST(each_allocation_fails_once)
{
	torture(0, ENOMEM, &allocs_left);
	torture(EBPFNET_KVSTORE_SYNC, ENOMEM, &allocs_left);
}
END_TEST

/* Opening: an error, nothing is lost or held, and the next try opens. */
static void opening(long *left, bool fresh)
{
	struct ebpfnet_identities *ids = NULL;
	char before[512] = "", now[512];
	unsigned int fds;
	long n;
	int r;

	setup();
	fds = descriptors();
	for (n = 0;; n++) {
		store_remove();
		if (!fresh) {
			ebpfnet_identities_unref(begin());
			picture_on_disk(before, sizeof(before));
		}
		failed = false;
		*left = n;
		r = ids_open(&ids);
		*left = -1;
		ck_assert_int_eq(!ids, r < 0);
		ebpfnet_identities_unref(ids);
		ck_assert_uint_eq(descriptors(), fds);
		picture_on_disk(now, sizeof(now));
		if (!fresh)
			ck_assert_str_eq(now, before);
		if (!failed)
			break;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_gt(n, 3);
	teardown();
}

START_TEST(opening_fails_once)
{
	errno_of = EIO;
	opening(&calls_left, false);
	opening(&calls_left, true);
	opening(&allocs_left, false);
	opening(&allocs_left, true);
}
END_TEST

static struct ebpfnet_identities *node_new(unsigned int i)
{
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .node = i ? "other" : "this", .fn = i ? NULL : see };
	struct ebpfnet_identities *ids;

	o.store = shared_store(i);
	ck_assert_int_eq(ebpfnet_identities_new(ctx, &o, &ids), 0);
	return ids;
}

/* Another node's numbers, learnt while allocation n fails: by the next dispatch all of them are known, and told of. */
static bool learn_once(long n)
{
	struct ebpfnet_identities *here = node_new(0), *other = node_new(1);
	uint32_t number[6];
	int i, r;

	memset(told, 0, sizeof(told));
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(ebpfnet_identities_acquire(other, labels[i], &number[i]), 1);
	ck_assert_int_eq(ebpfnet_identities_release(other, number[5]), 0);
	failed = false;
	allocs_left = n;
	r = ebpfnet_identities_dispatch(here);
	allocs_left = -1;
	if (r < 0) {
		ck_assert_int_eq(r, -ENOMEM);
		ck_assert_int_ge(ebpfnet_identities_get_timeout(here), 0);
		ck_assert_int_le(ebpfnet_identities_get_timeout(here), 1000);
	}
	ck_assert_int_eq(ebpfnet_identities_dispatch(here), 0);
	for (i = 0; i < 6; i++)
		ck_assert_msg(ebpfnet_labels_equal(ebpfnet_identities_lookup(here, number[i]), labels[i]),
			      "failed at %ld: %u unknown", n, number[i]);
	ck_assert_uint_eq(told[0], 6);
	ck_assert_uint_eq(told[1], 0);
	ebpfnet_identities_unref(here);
	ebpfnet_identities_unref(other);
	shared_done();
	return failed;
}

START_TEST(what_others_do_is_not_missed)
{
	long n;

	setup();
	for (n = 0; learn_once(n); n++)
		ck_assert_int_lt(n, 10000);
	ck_assert_int_gt(n, 6);
	teardown();
}
END_TEST

RUN_SUITE("identity-fail", what_others_do_is_not_missed, each_call_fails_once, each_call_fails_once_written_at_once,
	  each_allocation_fails_once, opening_fails_once)
