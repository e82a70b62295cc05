// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The allocator of identities: over memory, over a file that survives, and by several nodes over one store. */
#include <ebpfnet/identity.h>

#include <signal.h>
#include <sys/wait.h>

#include "suite.h"
#include "identity-store.h"
#include "policy-arena.h"

static struct ebpfnet_ctx *ctx;
static char dir[64];

static void setup(void)
{
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	snprintf(dir, sizeof(dir), "/tmp/ebn-identity-%d-XXXXXX", getpid());
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char command[128];

	ebpfnet_ctx_unref(ctx);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct ebpfnet_labels *labels(unsigned int i)
{
	struct ebpfnet_labels *l = NULL;
	char text[64];

	snprintf(text, sizeof(text), "app=a%u,tier=t%u", i, i % 7);
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	return l;
}

static int acquire(struct ebpfnet_identities *ids, unsigned int i, uint32_t *ret)
{
	struct ebpfnet_labels *l = labels(i);
	int r = ebpfnet_identities_acquire(ids, l, ret);

	ebpfnet_labels_unref(l);
	return r;
}

static struct ebpfnet_kvstore *file_store(uint32_t flags)
{
	struct ebpfnet_kvstore_file_opts o = { EBPFNET_OPTS_INIT(o), .path = dir, .flags = flags };
	struct ebpfnet_kvstore *kv;

	ck_assert_int_eq(ebpfnet_kvstore_file(&o, &kv), 0);
	return kv;
}

static struct ebpfnet_identities *make(struct ebpfnet_identities_opts *o)
{
	struct ebpfnet_identities *ids = NULL;

	ck_assert_int_eq(ebpfnet_identities_new(ctx, o, &ids), 0);
	return ids;
}

static void wait_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

struct seen {
	unsigned int added, removed, low;
	uint32_t last;
};

static void see(enum ebpfnet_identity_event e, uint32_t number, const struct ebpfnet_labels *l, void *userdata)
{
	struct seen *s = userdata;

	s->added += e == EBPFNET_IDENTITY_ADDED;
	s->removed += e == EBPFNET_IDENTITY_REMOVED;
	s->low += e == EBPFNET_IDENTITY_LOW;
	ck_assert_int_eq(!l, e == EBPFNET_IDENTITY_LOW);
	s->last = number;
}

START_TEST(life_of_a_number)
{
	struct seen seen = { 0 };
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .quarantine_ms = 30, .fn = see, .userdata = &seen };
	struct ebpfnet_identities_stats st;
	struct ebpfnet_identities *ids;
	uint32_t a = 0, b = 0, c = 0;

	setup();
	ids = make(&o);
	ck_assert_int_eq(acquire(ids, 1, &a), 1);
	ck_assert_int_eq(acquire(ids, 1, &b), 0);
	ck_assert_uint_eq(a, b);
	ck_assert_uint_eq(a, EBPFNET_IDENTITY_MIN);
	ck_assert_int_eq(acquire(ids, 2, &c), 1);
	ck_assert_uint_ne(a, c);
	ck_assert_str_eq(ebpfnet_labels_format(ebpfnet_identities_lookup(ids, a)), "k8s:app=a1;k8s:tier=t1;");
	ck_assert_ptr_null(ebpfnet_identities_lookup(ids, 5000));
	ck_assert_int_eq(ebpfnet_identities_get_timeout(ids), 0);
	ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	ck_assert_uint_eq(seen.added, 2);
	ck_assert_int_eq(ebpfnet_identities_get_timeout(ids), -1);
	ck_assert_int_eq(ebpfnet_identities_get_fd(ids), -ENOENT);
	ck_assert_int_eq(ebpfnet_identities_release(ids, a), 0);
	ck_assert_int_eq(ebpfnet_identities_release(ids, a), 0);
	ck_assert_int_eq(ebpfnet_identities_release(ids, a), -ENOENT);
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.used, 1);
	ck_assert_uint_eq(st.resting, 1);
	ck_assert_uint_eq(st.referenced, 1);
	ck_assert_uint_eq(st.acquired, 3);
	/* it comes back while it rests, and no other labels get it */
	ck_assert_int_eq(acquire(ids, 3, &b), 1);
	ck_assert_uint_ne(b, a);
	ck_assert_int_eq(acquire(ids, 1, &b), 0);
	ck_assert_uint_eq(b, a);
	ck_assert_int_eq(ebpfnet_identities_release(ids, a), 0);
	ebpfnet_identities_dispatch(ids);
	ck_assert_uint_eq(seen.removed, 0);
	ck_assert_int_gt(ebpfnet_identities_get_timeout(ids), 0);
	ck_assert_int_le(ebpfnet_identities_get_timeout(ids), 31);
	wait_ms(40);
	ck_assert_int_eq(ebpfnet_identities_get_timeout(ids), 0);
	ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	ck_assert_uint_eq(seen.removed, 1);
	ck_assert_uint_eq(seen.last, a);
	ck_assert_ptr_null(ebpfnet_identities_lookup(ids, a));
	ck_assert_ptr_eq(ebpfnet_identities_ref(ids), ids);
	ck_assert_ptr_null(ebpfnet_identities_unref(ids));
	ck_assert_ptr_null(ebpfnet_identities_unref(ids));
	teardown();
}
END_TEST

START_TEST(reserved_and_refused)
{
	static const struct ebpfnet_kvstore_ops none = { .sz = sizeof(none) };
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .min = 300, .max = 200 };
	struct ebpfnet_identities *ids = NULL;
	struct ebpfnet_labels *l = NULL;
	struct ebpfnet_kvstore *kv = NULL;
	uint32_t n = 0;

	setup();
	ck_assert_int_eq(ebpfnet_identities_new(NULL, NULL, &ids), -EINVAL);
	ck_assert_int_eq(ebpfnet_identities_new(ctx, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_identities_new(ctx, &o, &ids), -EINVAL);
	o.min = o.max = 0;
	o.node = "a/b";
	ck_assert_int_eq(ebpfnet_identities_new(ctx, &o, &ids), -EINVAL);
	o.node = NULL;
	o.warn_percent = 101;
	ck_assert_int_eq(ebpfnet_identities_new(ctx, &o, &ids), -EINVAL);
	ck_assert_int_eq(ebpfnet_kvstore_new(&none, NULL, &kv), -EINVAL);
	ck_assert_int_eq(ebpfnet_kvstore_memory(NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_kvstore_file(NULL, &kv), -EINVAL);
	ebpfnet_kvstore_free(NULL);
	ids = make(NULL);
	ck_assert_int_eq(ebpfnet_labels_parse("reserved:kube-apiserver", NULL, NULL, &l), 0);
	ck_assert_int_eq(ebpfnet_identities_acquire(ids, l, &n), 0);
	ck_assert_uint_eq(n, 7);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 300, l), -EINVAL);
	ck_assert_int_eq(ebpfnet_identities_release(ids, 7), 0);
	ebpfnet_labels_unref(l);
	ck_assert_int_eq(ebpfnet_labels_parse("reserved:world,app=a", NULL, NULL, &l), 0);
	ck_assert_int_eq(ebpfnet_identities_acquire(ids, l, &n), -EINVAL);
	ebpfnet_labels_unref(l);
	ck_assert_int_eq(ebpfnet_labels_parse("reserved:nobody", NULL, NULL, &l), 0);
	ck_assert_int_eq(ebpfnet_identities_acquire(ids, l, &n), -EINVAL);
	ebpfnet_labels_unref(l);
	ck_assert_int_eq(ebpfnet_identities_acquire(ids, NULL, &n), -EINVAL);
	ck_assert_int_eq(ebpfnet_identities_release(ids, 0), -ENOENT);
	ck_assert_int_eq(ebpfnet_identities_release(ids, 70000), -ENOENT);
	l = labels(1);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 255, l), -EINVAL);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 65536, l), -EINVAL);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 4000, l), 0);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 4000, l), 0);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 4001, l), -EEXIST);
	ck_assert_int_eq(ebpfnet_identities_acquire(ids, l, &n), 0);
	ck_assert_uint_eq(n, 4000);
	ebpfnet_labels_unref(l);
	l = labels(2);
	ck_assert_int_eq(ebpfnet_identities_claim(ids, 4000, l), -EEXIST);
	ebpfnet_labels_unref(l);
	ebpfnet_identities_unref(ids);
	teardown();
}
END_TEST

START_TEST(exhaustion_is_said_early)
{
	struct seen seen = { 0 };
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .min = 1000, .max = 1099, .quarantine_ms = 20,
					     .warn_percent = 80, .fn = see, .userdata = &seen };
	struct ebpfnet_identities_stats st;
	struct ebpfnet_identities *ids;
	uint32_t n, i;

	setup();
	ids = make(&o);
	for (i = 0; i < 80; i++)
		ck_assert_int_eq(acquire(ids, i, &n), 1);
	ebpfnet_identities_dispatch(ids);
	ck_assert_uint_eq(seen.low, 0);
	ck_assert_int_eq(acquire(ids, i++, &n), 1);
	ebpfnet_identities_dispatch(ids);
	ebpfnet_identities_dispatch(ids);
	ck_assert_uint_eq(seen.low, 1);
	for (; i < 100; i++)
		ck_assert_int_eq(acquire(ids, i, &n), 1);
	ck_assert_int_eq(acquire(ids, 100, &n), -ENOSPC);
	ck_assert_int_eq(acquire(ids, 50, &n), 0);
	ck_assert_int_eq(ebpfnet_identities_release(ids, 1007), 0);
	/* one that rests is not free yet */
	ck_assert_int_eq(acquire(ids, 100, &n), -ENOSPC);
	wait_ms(30);
	ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	ck_assert_int_eq(acquire(ids, 100, &n), 1);
	ck_assert_uint_eq(n, 1007);
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.exhausted, 2);
	ck_assert_uint_eq(st.numbers, 100);
	ck_assert_uint_eq(st.used, 100);
	ebpfnet_identities_unref(ids);
	teardown();
}
END_TEST

static void file_survives(uint32_t flags)
{
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .quarantine_ms = 60000 };
	struct ebpfnet_identities_stats st;
	struct ebpfnet_identities *ids;
	struct ebpfnet_kvstore_file_opts fo = { EBPFNET_OPTS_INIT(fo), .path = dir };
	struct ebpfnet_kvstore *second = NULL;
	uint32_t n[50], again, i;

	setup();
	o.store = file_store(flags);
	ck_assert_int_eq(ebpfnet_kvstore_file(&fo, &second), -EBUSY);
	ids = make(&o);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(acquire(ids, i, &n[i]), 1);
	for (i = 0; i < 50; i += 5)
		ck_assert_int_eq(ebpfnet_identities_release(ids, n[i]), 0);
	ebpfnet_identities_unref(ids);
	o.store = file_store(flags);
	ids = make(&o);
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.used, 40);
	ck_assert_uint_eq(st.resting, 10);
	ck_assert_uint_eq(st.referenced, 0);
	/* the same numbers; new labels get none of them, resting ones neither */
	for (i = 0; i < 50; i += 2) {
		ck_assert_int_eq(acquire(ids, i, &again), 0);
		ck_assert_uint_eq(again, n[i]);
	}
	ck_assert_int_eq(acquire(ids, 1000, &again), 1);
	for (i = 0; i < 50; i++)
		ck_assert_uint_ne(again, n[i]);
	/* whom nobody asked for may go: 25 odd ones, of which 5 rest already */
	ck_assert_int_eq(ebpfnet_identities_collect(ids), 20);
	ck_assert_int_eq(ebpfnet_identities_collect(ids), 0);
	ebpfnet_identities_unref(ids);
	teardown();
}

START_TEST(a_file_survives)
{
	file_survives(0);
	file_survives(EBPFNET_KVSTORE_SYNC);
}
END_TEST

/* Killed at any moment: what was written in time is there, and no number has two owners. */
START_TEST(a_killed_writer)
{
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .quarantine_ms = 1 };
	struct ebpfnet_identities *ids;
	uint32_t told[64] = { 0 }, n = 0, i;
	int pipe_fd[2], status;
	pid_t pid;

	setup();
	ck_assert_int_eq(pipe(pipe_fd), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		o.store = file_store(EBPFNET_KVSTORE_SYNC);
		ids = make(&o);
		for (i = 0;; i++) {
			acquire(ids, i % 64, &n);
			if (write(pipe_fd[1], &n, sizeof(n)) != sizeof(n))
				_exit(1);
		}
	}
	close(pipe_fd[1]);
	for (i = 0; i < 40; i++)
		ck_assert_int_eq(read(pipe_fd[0], &told[i], sizeof(told[i])), sizeof(told[i]));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(pipe_fd[0]);
	o.store = file_store(0);
	ids = make(&o);
	for (i = 0; i < 40; i++) {
		ck_assert_int_eq(acquire(ids, i, &n), 0);
		ck_assert_uint_eq(n, told[i]);
	}
	ebpfnet_identities_unref(ids);
	teardown();
}
END_TEST

START_TEST(records_that_cannot_be)
{
	static const char *const bad[] = { "x\nk8s:a;", "u", "u\n", "uk8s:a;", "r\nk8s:a;", "r0\nk8s:a;", "r5 \nk8s:a;", "u\nk8s:b;k8s:a;",
					   "u\n=", "" };
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o) };
	struct ebpfnet_identities *ids = NULL;
	size_t i;

	setup();
	for (i = 0; i < EBN_ARRAY_SIZE(bad); i++) {
		struct ebpfnet_kv_change c = { .key = "id/300", .value = bad[i], .len = strlen(bad[i]) };

		o.store = shared_store(0);
		ck_assert_int_eq(shared_commit(NULL, &c, 1), 0);
		ck_assert_msg(ebpfnet_identities_new(ctx, &o, &ids) == -EPROTO, "%s", bad[i]);
		/* it was not taken over */
		ebpfnet_kvstore_free(o.store);
		shared_done();
	}
	teardown();
}
END_TEST

/* Three nodes ask for the same labels in a random order, learn late, and come and go. */
START_TEST(nodes_agree)
{
	enum { NODES = 3, SETS = 60 };
	static const char *const names[NODES] = { "one", "two", "three" };
	struct ebpfnet_identities *node[NODES];
	uint32_t held[NODES][SETS] = { { 0 } }, n, owner[512];
	unsigned int refs[NODES][SETS] = { { 0 } }, i, k, s, step;
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .min = 300, .max = 400, .quarantine_ms = 1 };
	uint64_t seed = test_seed();
	int r;

	setup();
	for (i = 0; i < NODES; i++) {
		o.node = names[i];
		o.store = shared_store(i);
		node[i] = make(&o);
	}
	for (step = 0; step < 6000; step++) {
		i = test_below(&seed, NODES);
		s = test_below(&seed, SETS);
		if (test_below(&seed, 40) == 0)
			shared_fail = 1;
		if (test_below(&seed, 10) == 0) {
			r = ebpfnet_identities_dispatch(node[i]);
			ck_assert_msg(!r || r == -EIO, "%d", r);
		}
		if (test_below(&seed, 2)) {
			r = acquire(node[i], s, &n);
			ck_assert_msg(r >= 0 || r == -EAGAIN || r == -EIO || r == -ENOSPC, "%d", r);
			if (r >= 0) {
				ck_assert_msg(!refs[i][s] || held[i][s] == n, "%u then %u", held[i][s], n);
				held[i][s] = n;
				refs[i][s]++;
			}
		} else if (refs[i][s]) {
			refs[i][s]--;
			r = ebpfnet_identities_release(node[i], held[i][s]);
			ck_assert_msg(!r || r == -EIO || r == -EAGAIN, "%d", r);
		}
		shared_fail = 0;
		if (step % 50)
			continue;
		/* one number, one set of labels: among all who hold it */
		memset(owner, 0xff, sizeof(owner));
		for (k = 0; k < NODES * SETS; k++) {
			if (!refs[k / SETS][k % SETS])
				continue;
			n = held[k / SETS][k % SETS];
			ck_assert_msg(owner[n] == UINT32_MAX || owner[n] == k % SETS, "%u is %u and %u", n, owner[n], k % SETS);
			owner[n] = k % SETS;
		}
	}
	/* a node that dies takes its references along, and the others can let everything go */
	ebpfnet_identities_unref(node[2]);
	for (i = 0; i < 2; i++) {
		for (s = 0; s < SETS; s++)
			while (refs[i][s]-- > 0)
				ebpfnet_identities_release(node[i], held[i][s]);
		ebpfnet_identities_dispatch(node[i]);
	}
	for (k = 0; k < 4; k++) {
		for (i = 0; i < 2; i++) {
			ck_assert_int_ge(ebpfnet_identities_collect(node[i]), 0);
			wait_ms(3);
			ebpfnet_identities_dispatch(node[i]);
		}
	}
	for (i = 0; i < SHARED_PAIRS; i++)
		ck_assert_msg(!shared_pair[i].value || !strncmp(shared_pair[i].key, "label/", 6), "%s is left", shared_pair[i].key);
	for (i = 0; i < 2; i++)
		ebpfnet_identities_unref(node[i]);
	shared_done();
	teardown();
}
END_TEST

/* All numbers, twice: a thousand a second would be slow. */
START_TEST(many)
{
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .quarantine_ms = 1 };
	struct ebpfnet_identities *ids;
	uint32_t i, n, turn;

	setup();
	o.store = file_store(0);
	ids = make(&o);
	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < 65280; i++)
			ck_assert_int_eq(acquire(ids, i + turn * 70000, &n), 1);
		ck_assert_int_eq(acquire(ids, 1000000, &n), -ENOSPC);
		for (i = EBPFNET_IDENTITY_MIN; i <= EBPFNET_IDENTITY_MAX; i++)
			ck_assert_int_eq(ebpfnet_identities_release(ids, i), 0);
		wait_ms(2);
		ck_assert_int_eq(ebpfnet_identities_dispatch(ids), 0);
	}
	ebpfnet_identities_unref(ids);
	o.store = file_store(0);
	ids = make(&o);
	ck_assert_int_eq(acquire(ids, 1, &n), 1);
	ebpfnet_identities_unref(ids);
	teardown();
}
END_TEST

static uint32_t policy_get(struct arena *a, unsigned int i)
{
	struct ebpfnet_labels *l = labels(i);
	uint32_t n = 0;

	ck_assert_int_eq(ebn_policy_identity_get(a->policy, l, &n), 0);
	ebpfnet_labels_unref(l);
	return n;
}

static void graces(struct arena *a)
{
	int i;

	for (i = 0; i < 4 && ebn_node_grace_cut(a->nt); i++)
		ebn_node_grace_done(a->nt);
}

/* A datapath's numbers come from the allocator it is given, also those of tables that are older than it. */
START_TEST(a_datapath_uses_it)
{
	struct ebpfnet_identities_opts o = { EBPFNET_OPTS_INIT(o), .min = 5000 };
	struct ebpfnet_identities_stats st;
	struct ebpfnet_identities *ids;
	uint32_t old, n, m;
	struct arena a;

	setup();
	ck_assert_int_eq(arena_new(&a, 4u << 20), 0);
	old = policy_get(&a, 1);
	ck_assert_uint_eq(old, 256);
	o.min = 256;
	ids = make(&o);
	/* somebody else has that number already */
	ck_assert_int_eq(acquire(ids, 99, &n), 1);
	ck_assert_uint_eq(n, old);
	ck_assert_int_eq(ebn_identities_use(ebn_policy_identities(a.policy), ids), 0);
	ck_assert_uint_eq(policy_get(&a, 1), old);
	n = policy_get(&a, 2);
	ck_assert_int_eq(acquire(ids, 2, &m), 0);
	ck_assert_uint_eq(n, m);
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.referenced, 2);
	ck_assert_int_eq(ebpfnet_identities_release(ids, m), 0);
	ebn_policy_identity_put(a.policy, n);
	/* packets may still carry it */
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.referenced, 2);
	/* nor does it wait for them when the same labels come back */
	ck_assert_uint_eq(policy_get(&a, 2), n);
	ebn_policy_identity_put(a.policy, n);
	graces(&a);
	ck_assert_int_eq(ebpfnet_identities_get_stats(ids, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.referenced, 1);
	ck_assert_uint_eq(st.resting, 1);
	/* it comes back with its number */
	ck_assert_uint_eq(policy_get(&a, 2), n);
	ebpfnet_identities_unref(ids);
	arena_free(&a);
	teardown();
}
END_TEST

RUN_SUITE("identity", life_of_a_number, reserved_and_refused, exhaustion_is_said_early, a_file_survives, a_killed_writer,
	  records_that_cannot_be, nodes_agree, many, a_datapath_uses_it)
