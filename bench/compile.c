// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The control plane of policy, on plain memory: compiling, one policy changed, identities that come and go, table memory. */
#include <ebpfnet/ctx.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/policy.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "policy/policy.h"
#include "../tests/lib/scale.h"
#include "../tests/unit/policy-arena.h"

#define NODE_SIZE (256u << 20)
#define ROUNDS_MAX 5u		/* of compiles, which take long */

struct world {
	struct scale scale;
	struct arena a;
	struct ebpfnet_policy_set *set;
};

static void world_close(struct world *w)
{
	ebpfnet_policy_set_free(w->set);
	arena_free(&w->a);
	memset(w, 0, sizeof(*w));
}

static void grace(struct world *w)
{
	int i;

	/* plain memory: there are no programs to wait for */
	for (i = 0; i < 4; i++)
		arena_grace(&w->a);
}

/* 10,000 identities and 1,000 policies, 500 subjects, unless said otherwise. */
static int populate(struct bench *b, struct world *w, enum scale_kind kind, uint32_t identities, uint32_t policies,
		    uint32_t *ids)
{
	int err;

	memset(w, 0, sizeof(*w));
	w->scale = (struct scale){ .kind = kind, .identities = identities, .policies = policies, .subjects = 500,
				   .seed = 1 };
	err = arena_new_for(&w->a, NODE_SIZE, 1024);
	if (!err)
		err = ebpfnet_policy_set_new(w->a.ctx, &w->set);
	if (!err)
		err = scale_fill(&w->scale, w->a.policy, w->set, ids, NULL);
	if (err)
		return bench_fail(b, err, "filling the world: %s", strerror(-err));
	grace(w);
	return 0;
}

static int commit(struct bench *b, struct world *w, double *ret_ms)
{
	double from = bench_now_ns();
	int err = ebn_policy_commit(w->a.policy, w->set, NULL);

	*ret_ms = (bench_now_ns() - from) / 1e6;
	return err ? bench_fail(b, err, "committing: %s", strerror(-err)) : 0;
}

/* Nothing compiled before. */
static int compile(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct world w;
	unsigned int r;
	double ms;
	int err = 0;

	for (r = 0; r < b->rounds && r < ROUNDS_MAX && !err; r++) {
		err = populate(b, &w, (enum scale_kind)row->arg, 10000, 1000, NULL);
		if (!err)
			err = commit(b, &w, &ms);
		if (!err)
			bench_add(&s, ms);
		world_close(&w);
	}
	bench_value(res, &s, 0, 1);
	return err;
}

/* The same world, one policy replaced. */
static int update(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct world w;
	unsigned int r;
	double ms;
	int err;

	(void)row;
	err = populate(b, &w, SCALE_TYPICAL, 10000, 1000, NULL);
	if (!err)
		err = commit(b, &w, &ms);
	for (r = 0; r < b->rounds && !err; r++) {
		grace(&w);
		err = ebpfnet_policy_set_remove(w.set, "policy-17");
		if (!err)
			err = scale_policy(&w.scale, 17, 1 + r, w.set);
		if (!err)
			err = commit(b, &w, &ms);
		if (!err)
			bench_add(&s, ms);
	}
	bench_value(res, &s, 0, 1);
	world_close(&w);
	return err;
}

/* One step of scale_churn_step(): an identity comes or goes, a policy comes, goes or changes, and it is in force. */
static int take_step(struct world *w, struct scale_step step, uint32_t *ids)
{
	struct ebpfnet_labels *labels;
	char name[32];
	int err;

	if (step.identity && step.gone) {
		ebn_policy_identity_put(w->a.policy, ids[step.i]);
		return 0;
	}
	if (step.identity) {
		err = scale_labels(&w->scale, step.i, &labels);
		if (err)
			return err;
		err = ebn_policy_identity_get(w->a.policy, labels, &ids[step.i]);
		ebpfnet_labels_unref(labels);
		return err;
	}
	scale_policy_name(step.i, name);
	err = ebpfnet_policy_set_remove(w->set, name);
	if (err == -ENOENT)
		err = 0;
	if (!err && !step.gone)
		err = scale_policy(&w->scale, step.i, step.variant, w->set);
	return err ? err : ebn_policy_commit(w->a.policy, w->set, NULL);
}

static int steps(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	enum { STEPS = 100 };
	static uint32_t ids[10000];
	struct bench_sample s = { .n = 0 };
	struct scale_churn c = { 0 };
	struct world w;
	unsigned int r, i;
	double from, ms;
	int err;

	(void)row;
	err = populate(b, &w, SCALE_CHURN, 10000, 1000, ids);
	if (!err)
		err = scale_churn_begin(&w.scale, &c);
	if (!err)
		err = commit(b, &w, &ms);
	for (r = 0; r < b->rounds && !err; r++) {
		from = bench_now_ns();
		for (i = 0; i < STEPS && !err; i++) {
			err = take_step(&w, scale_churn_step(&w.scale, &c), ids);
			grace(&w);
		}
		bench_add(&s, (bench_now_ns() - from) / STEPS / 1e6);
	}
	if (err && !b->why[0])
		bench_fail(b, err, "a step: %s", strerror(-err));
	bench_value(res, &s, 0, 1);
	scale_churn_end(&c);
	world_close(&w);
	return err;
}

/* An identity nobody had, which the selectors in force do not tell from others, comes and goes. */
static int churn(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	enum { N = 2000 };
	static struct ebpfnet_labels *labels[N];
	struct bench_sample s = { .n = 0 };
	struct world w;
	unsigned int r, i;
	uint32_t id[N];
	double ms, from;
	char text[80];
	int err;

	(void)row;
	err = populate(b, &w, SCALE_TYPICAL, 10000, 1000, NULL);
	if (!err)
		err = commit(b, &w, &ms);
	for (r = 0; r < b->rounds && !err; r++) {
		for (i = 0; i < N && !err; i++) {
			/* applications that are in production, see scale_labels() */
			snprintf(text, sizeof(text), "app=app-%u,env=prod,version=n%u-%u", i % 333 * 3 + 1, r, i);
			labels[i] = ebpfnet_labels_unref(labels[i]);
			err = ebpfnet_labels_parse(text, "k8s", NULL, &labels[i]);
		}
		from = bench_now_ns();
		for (i = 0; i < N && !err; i++)
			err = ebn_policy_identity_get(w.a.policy, labels[i], &id[i]);
		bench_add(&s, (bench_now_ns() - from) / N / 1e3);
		for (i = 0; i < N && !err; i++) {
			if (ebn_class_get(w.a.rows, id[i]) == EBN_CLASS_UNKNOWN ||
			    !ebn_name_get(w.a.rows, EBN_NAME_IDENTITY, id[i]))
				err = -ENOENT;
			ebn_policy_identity_put(w.a.policy, id[i]);
		}
		grace(&w);
	}
	if (err)
		bench_fail(b, err, "an identity: %s", strerror(-err));
	bench_value(res, &s, 0, 1);
	for (i = 0; i < N; i++)
		labels[i] = ebpfnet_labels_unref(labels[i]);
	world_close(&w);
	return err;
}

/* 500 endpoints of as many subjects, 5,000 identities, 300 policies, 10,000 addresses: what is in use of the array. */
static int memory(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct world w;
	uint32_t i, r, addr[4] = { 0, 0, 0xffff0000, 0 };
	double ms;
	int err;

	(void)row;
	err = populate(b, &w, SCALE_TYPICAL, 5000, 300, NULL);
	for (i = 0; i < 500 && !err; i++) {
		err = ebn_ep_row_get(w.a.rows, &r);
		if (err)
			break;
		ebn_ep_row(w.a.rows, r)->ifindex = 10 + i;
		err = ebn_ep_row_publish(w.a.rows, r);
	}
	for (i = 0; i < 10000 && !err; i++) {
		addr[3] = i * 65537;
		err = ebn_addr_set(w.a.rows, addr, 300 + i % 5000, 0);
	}
	if (!err)
		err = commit(b, &w, &ms);
	if (err) {
		if (!b->why[0])
			bench_fail(b, err, "filling the tables: %s", strerror(-err));
		world_close(&w);
		return err;
	}
	grace(&w);
	bench_add(&s, (double)ebn_node_used(w.a.nt) / (1 << 20));
	bench_value(res, &s, 0, 1);
	world_close(&w);
	return 0;
}

/* ---- what a compile takes of the process ---- */

/* A line of /proc/self/status in kB, 0: not there. */
static long status_kb(const char *key)
{
	FILE *f = fopen("/proc/self/status", "re");
	size_t len = strlen(key);
	char line[128];
	long kb = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, len))
			kb = strtol(line + len, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

/* Of the tables, which are the datapath's: pages that were touched. */
static long table_kb(const struct arena *a)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = a->size / page, i;
	unsigned char *in = malloc(pages);
	long n = 0;

	if (in && !mincore(a->mem, a->size, in))
		for (i = 0; i < pages; i++)
			n += in[i] & 1;
	free(in);
	return n * (long)(page / 1024);
}

/* The world's memory at its highest while it is compiled, and what stays; in KiB. */
int bench_compile_memory(struct bench *b, const char *kind)
{
	long before = status_kb("VmRSS:"), most, kept;
	struct world w;
	double ms;
	int err;

	err = populate(b, &w, (enum scale_kind)strtoul(kind, NULL, 10), 10000, 1000, NULL);
	if (!err)
		err = commit(b, &w, &ms);
	if (!err) {
		most = status_kb("VmHWM:") - before - table_kb(&w.a);
		grace(&w);
		kept = status_kb("VmRSS:") - before - table_kb(&w.a);
		printf("%ld %ld\n", most, kept);
	}
	world_close(&w);
	return err;
}

/* In a process of its own, from its beginning: what other rows left with the allocator would be taken first. */
static int user_memory(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	char kind[2] = { (char)('0' + row->arg), '\0' };
	long most = 0, kept = 0;
	int fd[2], status = -1;
	FILE *f = NULL;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return bench_fail(b, errno, "a pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		if (dup2(fd[1], STDOUT_FILENO) == STDOUT_FILENO)
			execl("/proc/self/exe", "ebn-bench", BENCH_COMPILE_MEMORY, kind, (char *)NULL);
		_exit(1);
	}
	close(fd[1]);
	if (pid > 0)
		f = fdopen(fd[0], "r");
	if (!f || fscanf(f, "%ld %ld", &most, &kept) != 2)
		most = 0;
	if (f)
		fclose(f);
	else
		close(fd[0]);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status || most <= 0)
		return bench_fail(b, EIO, "the process that compiles failed");
	bench_add(&s, (double)most / 1024);
	bench_value(res, &s, 0, 1);
	bench_reference(res, "kept", (double)kept / 1024);
	return 0;
}

const struct bench_row bench_compile_rows[] = {
	{ "policy-compile/typical", "ms", 250, compile, SCALE_TYPICAL, 0 },
	{ "policy-compile/distinct", "ms", 1000, compile, SCALE_DISTINCT, 0 },
	{ "policy-compile/overlapping", "ms", 0, compile, SCALE_OVERLAPPING, 0 },
	{ "policy-compile-memory/typical", "MiB", 64, user_memory, SCALE_TYPICAL, 0 },
	{ "policy-compile-memory/distinct", "MiB", 0, user_memory, SCALE_DISTINCT, 0 },
	{ "policy-compile-memory/overlapping", "MiB", 0, user_memory, SCALE_OVERLAPPING, 0 },
	{ "policy-update/one", "ms", 5, update, 0, 0 },
	{ "policy-update/churn", "ms", 0, steps, 0, 0 },
	{ "identity-churn/known-class", "us", 10, churn, 0, 0 },
	{ "table-memory/500ep-5000id-300pol", "MiB", 32, memory, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
