// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The control plane of policy, on plain memory: compiling, one policy changed, identities that come and go, table memory. */
#include <ebpfnet/ctx.h>
#include <ebpfnet/labels.h>
#include <ebpfnet/policy.h>
#include <netinet/in.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "policy/policy.h"

#define NODE_SIZE (256u << 20)
#define ROUNDS_MAX 5u		/* of compiles, which take long */

struct world {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_policy_set *set;
	void *mem;
	struct ebn_node *nt;
	struct ebn_rows *rows;
	struct ebn_policy *policy;
};

static void world_close(struct world *w)
{
	ebn_policy_free(w->policy);
	ebn_rows_free(w->rows);
	ebn_node_free(w->nt);
	if (w->mem)
		munmap(w->mem, NODE_SIZE);
	ebpfnet_policy_set_free(w->set);
	ebpfnet_ctx_unref(w->ctx);
	memset(w, 0, sizeof(*w));
}

static int world_open(struct bench *b, struct world *w)
{
	static const uint64_t seed[2] = { 1, 2 };
	int err;

	memset(w, 0, sizeof(*w));
	w->mem = mmap(NULL, NODE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->mem == MAP_FAILED) {
		w->mem = NULL;
		return bench_fail(b, ENOMEM, "no memory");
	}
	err = ebpfnet_ctx_new(NULL, &w->ctx);
	if (!err)
		err = ebpfnet_policy_set_new(w->ctx, &w->set);
	if (!err)
		err = ebn_node_format(w->mem, NODE_SIZE, seed);
	if (!err)
		err = ebn_node_open(w->mem, NODE_SIZE, NULL, &w->nt);
	if (!err)
		err = ebn_rows_open(w->nt, 1024, NULL, &w->rows);
	if (!err)
		err = ebn_policy_new(w->ctx, w->nt, w->rows, NULL, &w->policy);
	return err ? bench_fail(b, err, "making the tables: %s", strerror(-err)) : 0;
}

static void grace(struct world *w)
{
	int i;

	/* plain memory: there are no programs to wait for */
	for (i = 0; i < 4 && ebn_node_grace_cut(w->nt); i++)
		ebn_node_grace_done(w->nt);
}

/* The labels of the i-th identity. Typical: ten versions of each of many applications. Distinct: a name of its own. */
static int identity_labels(uint32_t i, uint32_t apps, bool distinct, struct ebpfnet_labels **ret)
{
	char text[160];

	if (distinct)
		snprintf(text, sizeof(text), "app=app-%u,env=prod,id=id-%u", i % apps, i);
	else
		snprintf(text, sizeof(text), "app=app-%u,env=%s,version=v%u", i % apps, i % apps % 3 ? "prod" : "test",
			 i / apps);
	return ebpfnet_labels_parse(text, "k8s", NULL, ret);
}

static int add_identities(struct world *w, uint32_t n, uint32_t apps, bool distinct)
{
	struct ebpfnet_labels *labels;
	uint32_t i, id;
	int err;

	for (i = 0; i < n; i++) {
		err = identity_labels(i, apps, distinct, &labels);
		if (err)
			return err;
		err = ebn_policy_identity_get(w->policy, labels, &id);
		ebpfnet_labels_unref(labels);
		if (err)
			return err;
	}
	return 0;
}

static int add_subjects(struct world *w, uint32_t n, uint32_t apps, bool distinct)
{
	struct ebpfnet_labels *labels;
	uint32_t i, subject;
	int err;

	for (i = 0; i < n; i++) {
		err = identity_labels(i, apps, distinct, &labels);
		if (err)
			return err;
		err = ebn_policy_subject_get(w->policy, labels, &subject);
		ebpfnet_labels_unref(labels);
		if (err)
			return err;
	}
	return 0;
}

/* The i-th policy: its application may be called by a few others, on ports of its own, and may call some. */
static int add_policy(struct world *w, uint32_t i, uint32_t apps, uint32_t identities, bool distinct, uint32_t variant)
{
	struct ebpfnet_policy_opts opts = { .sz = sizeof(opts), .default_deny_ingress = 1 };
	struct ebpfnet_policy_rule rules[5];
	struct ebpfnet_port_range port[5];
	char name[64], subject[64], peer[5][64];
	struct ebpfnet_policy_peer peers[5] = { 0 };
	uint32_t r;

	snprintf(name, sizeof(name), "policy-%u", i);
	snprintf(subject, sizeof(subject), "app=app-%u", i % apps);
	opts.name = name;
	opts.subject = subject;
	memset(rules, 0, sizeof(rules));
	for (r = 0; r < 5; r++) {
		/* distinct: together the policies name every identity there is */
		if (distinct)
			snprintf(peer[r], sizeof(peer[r]), "id in (id-%u,id-%u)", (i * 10 + r * 2) % identities,
				 (i * 10 + r * 2 + 1) % identities);
		else
			snprintf(peer[r], sizeof(peer[r]), "app=app-%u,env=prod", (i * 7 + r * 13 + variant) % apps);
		peers[r].text = peer[r];
		port[r] = (struct ebpfnet_port_range){
			.protocol = IPPROTO_TCP, .first = (uint16_t)(8000 + (i * 3 + r) % 40),
		};
		port[r].last = port[r].first;
		rules[r].sz = sizeof(rules[r]);
		rules[r].direction = r == 4 ? EBPFNET_EGRESS : EBPFNET_INGRESS;
		rules[r].action = EBPFNET_VERDICT_ALLOW;
		rules[r].peers = &peers[r];
		rules[r].n_peers = 1;
		rules[r].ports = &port[r];
		rules[r].n_ports = 1;
	}
	return ebpfnet_policy_set_add(w->set, &opts, rules, 5);
}

static int populate(struct bench *b, struct world *w, uint32_t identities, uint32_t policies, uint32_t subjects,
		    bool distinct)
{
	uint32_t apps = distinct ? 1000 : identities / 10, i;
	int err;

	err = world_open(b, w);
	if (err)
		return err;
	err = add_identities(w, identities, apps, distinct);
	if (!err)
		err = add_subjects(w, subjects, apps, distinct);
	for (i = 0; i < policies && !err; i++)
		err = add_policy(w, i, apps, identities, distinct, 0);
	grace(w);
	return err ? bench_fail(b, err, "filling the world: %s", strerror(-err)) : 0;
}

static int commit(struct bench *b, struct world *w, double *ret_ms)
{
	double from = bench_now_ns();
	int err = ebn_policy_commit(w->policy, w->set, NULL);

	*ret_ms = (bench_now_ns() - from) / 1e6;
	return err ? bench_fail(b, err, "committing: %s", strerror(-err)) : 0;
}

/* 10,000 identities and 1,000 policies, 500 subjects, nothing compiled before. */
static int compile(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct world w;
	unsigned int r;
	double ms;
	int err = 0;

	for (r = 0; r < b->rounds && r < ROUNDS_MAX && !err; r++) {
		err = populate(b, &w, 10000, 1000, 500, row->arg);
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
	err = populate(b, &w, 10000, 1000, 500, false);
	if (!err)
		err = commit(b, &w, &ms);
	for (r = 0; r < b->rounds && !err; r++) {
		grace(&w);
		err = ebpfnet_policy_set_remove(w.set, "policy-17");
		if (!err)
			err = add_policy(&w, 17, 1000, 10000, false, 1 + r);
		if (!err)
			err = commit(b, &w, &ms);
		if (!err)
			bench_add(&s, ms);
	}
	bench_value(res, &s, 0, 1);
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
	err = populate(b, &w, 10000, 1000, 500, false);
	if (!err)
		err = commit(b, &w, &ms);
	for (r = 0; r < b->rounds && !err; r++) {
		for (i = 0; i < N && !err; i++) {
			/* applications that are in production, see identity_labels() */
			snprintf(text, sizeof(text), "app=app-%u,env=prod,version=n%u-%u", i % 333 * 3 + 1, r, i);
			labels[i] = ebpfnet_labels_unref(labels[i]);
			err = ebpfnet_labels_parse(text, "k8s", NULL, &labels[i]);
		}
		from = bench_now_ns();
		for (i = 0; i < N && !err; i++)
			err = ebn_policy_identity_get(w.policy, labels[i], &id[i]);
		bench_add(&s, (bench_now_ns() - from) / N / 1e3);
		for (i = 0; i < N && !err; i++) {
			if (ebn_class_get(w.rows, id[i]) == EBN_CLASS_UNKNOWN ||
			    !ebn_name_get(w.rows, EBN_NAME_IDENTITY, id[i]))
				err = -ENOENT;
			ebn_policy_identity_put(w.policy, id[i]);
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
	err = populate(b, &w, 5000, 300, 500, false);
	for (i = 0; i < 500 && !err; i++) {
		err = ebn_ep_row_get(w.rows, &r);
		if (err)
			break;
		ebn_ep_row(w.rows, r)->ifindex = 10 + i;
		err = ebn_ep_row_publish(w.rows, r);
	}
	for (i = 0; i < 10000 && !err; i++) {
		addr[3] = i * 65537;
		err = ebn_addr_set(w.rows, addr, 300 + i % 5000, 0);
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
	bench_add(&s, (double)ebn_node_used(w.nt) / (1 << 20));
	bench_value(res, &s, 0, 1);
	world_close(&w);
	return 0;
}

const struct bench_row bench_compile_rows[] = {
	{ "policy-compile/typical", "ms", 250, compile, 0, 0 },
	{ "policy-compile/distinct", "ms", 1000, compile, 1, 0 },
	{ "policy-update/one", "ms", 5, update, 0, 0 },
	{ "identity-churn/known-class", "us", 10, churn, 0, 0 },
	{ "table-memory/500ep-5000id-300pol", "MiB", 32, memory, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
