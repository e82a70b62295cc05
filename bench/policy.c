// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Verdicts and reclassification: node tables beside maps that hold an entry for each identity and port. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "ebn_config.h"
#include "policy.skel.h"
#include "policy_bench.h"
#include "tables/rows.h"
#include "../tests/lib/skeleton.h"

EBN_SKELETON(policy_bpf)

#define NODE_SIZE (32u << 20)
#define CLASSES 1000u		/* peer classes at most */
#define PORT_CLASSES 11u	/* ten ports and the rest */
#define RECLASSIFIED 65536u

struct tables {
	struct policy_bpf *skel;
	void *mem;
	struct ebn_node *nt;
	struct ebn_rows *rows;
};

static void tables_close(struct tables *t)
{
	ebn_rows_free(t->rows);
	ebn_node_free(t->nt);
	if (t->mem)
		munmap(t->mem, NODE_SIZE);
	policy_bpf__destroy(t->skel);
}

static int tables_open(struct bench *b, struct tables *t)
{
	static const uint64_t seed[2] = { 1, 2 };
	int err;

	memset(t, 0, sizeof(*t));
	t->skel = policy_bpf__open_as(EBN_LOADS_IN_ORDER);
	if (!t->skel)
		return bench_fail(b, errno, "opening the programs: %s", strerror(errno));
	t->skel->rodata->ebn_cfg.node_size = NODE_SIZE;
	err = bpf_map__set_value_size(t->skel->maps.ebn_node, NODE_SIZE);
	if (!err)
		err = policy_bpf__load(t->skel);
	if (err)
		return bench_fail(b, err, "loading the programs: %s", strerror(-err));
	t->mem = mmap(NULL, NODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(t->skel->maps.ebn_node), 0);
	if (t->mem == MAP_FAILED) {
		t->mem = NULL;
		return bench_fail(b, errno, "mapping the tables: %s", strerror(errno));
	}
	err = ebn_node_format(t->mem, NODE_SIZE, seed);
	if (!err)
		err = ebn_node_open(t->mem, NODE_SIZE, NULL, &t->nt);
	if (!err)
		err = ebn_rows_open(t->nt, 64, NULL, &t->rows);
	return err ? bench_fail(b, err, "making the tables: %s", strerror(-err)) : 0;
}

static void *piece(struct tables *t, uint32_t type, uint32_t bytes, uint32_t *ret)
{
	return ebn_node_alloc(t->nt, type, bytes, ret) ? NULL : ebn_node_ptr(t->nt, *ret, bytes);
}

/* As many identities as asked for, in classes that each have a row of their own. */
static int fill_node(struct tables *t, uint32_t identities, uint32_t ports)
{
	uint32_t off[3], i, j, classes = identities < CLASSES ? identities : CLASSES;
	struct ebn_policy_table *pt;
	struct ebn_subject_row *subject;
	struct ebn_decision *decision;
	uint16_t *rowmap, *colmap, *matrix, *port;

	subject = piece(t, EBN_P_SUBJECT, 2 * sizeof(*subject), &off[0]);
	decision = piece(t, EBN_P_DECISION, 64 * sizeof(*decision), &off[1]);
	port = piece(t, EBN_P_PORT, EBN_PORT_CELLS * 2, &off[2]);
	if (!subject || !decision || !port)
		return -ENOSPC;
	pt = &subject[1].dir[EBN_INGRESS];
	rowmap = piece(t, EBN_X_ROWMAP, (classes + 1) * 2, &pt->rowmap);
	colmap = piece(t, EBN_X_COLMAP, PORT_CLASSES * 2, &pt->colmap);
	matrix = piece(t, EBN_X_MATRIX, (classes + 1) * PORT_CLASSES * 2, &pt->matrix);
	if (!rowmap || !colmap || !matrix)
		return -ENOSPC;
	pt->nrows = (uint16_t)(classes + 1);
	pt->ncols = PORT_CLASSES;
	pt->n_peer = classes + 1;
	pt->n_port = PORT_CLASSES;
	for (i = 1; i < 64; i++) {
		decision[i].verdict = EBN_V_ALLOW;
		decision[i].rule = i;
	}
	for (i = 0; i <= classes; i++) {
		rowmap[i] = (uint16_t)i;
		for (j = 1; i && j < PORT_CLASSES; j++)
			matrix[i * PORT_CLASSES + j] = (uint16_t)(1 + (i + j) % 63);
	}
	for (j = 0; j < PORT_CLASSES; j++)
		colmap[j] = (uint16_t)j;
	for (j = 0; j < ports; j++)
		port[EBN_PORT_TCP + POLICY_BENCH_PORT + j] = (uint16_t)(j + 1);
	for (i = 0; i < identities; i++)
		if (ebn_class_set(t->rows, policy_bench_identity(i), 1 + i % classes))
			return -ENOSPC;
	if (ebn_node_begin(t->nt))
		return -ENOSPC;
	ebn_node_set(t->nt, EBN_P_SUBJECT, off[0], 2);
	ebn_node_set(t->nt, EBN_P_DECISION, off[1], 64);
	ebn_node_set(t->nt, EBN_P_PORT, off[2], EBN_PORT_CELLS);
	return ebn_node_publish(t->nt);
}

static int fill_maps(struct tables *t, uint32_t identities, uint32_t ports)
{
	int fd[2] = { bpf_map__fd(t->skel->maps.policy_lpm), bpf_map__fd(t->skel->maps.policy_hash) };
	struct policy_bench_key k = { .prefixlen = POLICY_BENCH_BITS, .protocol = 6 };
	struct policy_bench_value v = { 0 };
	uint32_t i, j, m;
	int err;

	for (m = 0; m < 2; m++) {
		for (i = 0; i < identities; i++) {
			for (j = 0; j < ports; j++) {
				k.identity = policy_bench_identity(i);
				k.port = htons((uint16_t)(POLICY_BENCH_PORT + j));
				v.rule = 1 + (i + j) % 63;
				err = bpf_map_update_elem(fd[m], &k, &v, BPF_ANY);
				if (err)
					return err;
			}
		}
	}
	return 0;
}

static int verdict(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	static const uint8_t packet[64];
	struct bench_sample base, node, lpm, hash;
	struct tables t;
	double idle;
	int err;

	err = tables_open(b, &t);
	if (!err && (fill_node(&t, (uint32_t)row->arg, (uint32_t)row->arg2) ||
		     fill_maps(&t, (uint32_t)row->arg, (uint32_t)row->arg2)))
		err = bench_fail(b, ENOSPC, "filling the tables failed");
	if (err)
		goto out;
	t.skel->bss->sink = 0;
	t.skel->data->identities = (uint32_t)row->arg;
	t.skel->data->ports = (uint32_t)row->arg2;
	err = bench_prog(b, bpf_program__fd(t.skel->progs.policy_base), NULL, packet, sizeof(packet), &base);
	if (!err)
		err = bench_prog(b, bpf_program__fd(t.skel->progs.policy_node), NULL, packet, sizeof(packet), &node);
	if (!err)
		err = bench_prog(b, bpf_program__fd(t.skel->progs.policy_two_lpm), NULL, packet, sizeof(packet), &lpm);
	if (!err)
		err = bench_prog(b, bpf_program__fd(t.skel->progs.policy_two_hash), NULL, packet, sizeof(packet),
				 &hash);
	if (err)
		goto out;
	idle = bench_median(&base);
	bench_value(res, &node, idle, POLICY_BENCH_LOOKUPS);
	bench_reference(res, "two-lpm", (bench_median(&lpm) - idle) / POLICY_BENCH_LOOKUPS);
	bench_reference(res, "two-hash", (bench_median(&hash) - idle) / POLICY_BENCH_LOOKUPS);
	/* from 10,000 entries on it must also be a twentieth of the two tries */
	if (row->arg > 1 && res->budget > res->reference[0].value * 0.05)
		res->budget = res->reference[0].value * 0.05;
out:
	tables_close(&t);
	return err;
}

/* 65,536 identities change class and every verdict with them: stores, against a system call for each entry. */
static int reclassify(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct policy_bench_key k = { .prefixlen = POLICY_BENCH_BITS, .protocol = 6 };
	struct policy_bench_value v = { 0 };
	struct bench_sample s = { .n = 0 }, calls = { .n = 0 };
	struct tables t;
	unsigned int i, r;
	double from;
	int err, fd;

	(void)row;
	err = tables_open(b, &t);
	if (err)
		goto out;
	fd = bpf_map__fd(t.skel->maps.policy_hash);
	for (r = 0; r < b->rounds && !err; r++) {
		from = bench_now_ns();
		for (i = 0; i < RECLASSIFIED && !err; i++)
			err = ebn_class_set(t.rows, EBN_ID_SCOPE_LOCAL + i, 1 + (i + r) % 50);
		if (!err)
			err = ebn_node_begin(t.nt);
		if (!err)
			err = ebn_node_publish(t.nt);
		for (i = 0; i < 500; i++)
			ebn_node_raise_subject(t.nt, i);
		bench_add(&s, bench_now_ns() - from);
		if (r >= 3)
			continue;
		from = bench_now_ns();
		for (i = 0; i < RECLASSIFIED && !err; i++) {
			k.identity = EBN_ID_SCOPE_LOCAL + i;
			err = bpf_map_update_elem(fd, &k, &v, BPF_ANY);
		}
		bench_add(&calls, bench_now_ns() - from);
	}
	if (err) {
		bench_fail(b, err, "reclassifying: %s", strerror(-err));
		goto out;
	}
	bench_value(res, &s, 0, 1e6);
	bench_reference(res, "bpf-calls", bench_median(&calls) / 1e6);
out:
	tables_close(&t);
	return err;
}

const struct bench_row bench_policy_rows[] = {
	{ "policy-verdict/1", "ns", 15, verdict, 1, 1 },
	{ "policy-verdict/10k", "ns", 15, verdict, 1000, 10 },
	{ "policy-verdict/200k", "ns", 15, verdict, 20000, 10 },
	{ "reclassify/64k", "ms", 5, reclassify, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
