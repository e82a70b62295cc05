// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Flow tables beside an LRU hash of as many entries: look-ups, new flows into a full table, a sweep. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "ebn_config.h"
#include "flow_bench.h"
#include "flow.skel.h"
#include "tables/flow.h"
#include "tables/node.h"
#include "../tests/lib/skeleton.h"

EBN_SKELETON(flow_bpf)

#define NODE_SIZE EBN_NODE_SIZE_MIN
#define BATCH 4096u

static const uint8_t packet[64];

struct tables {
	struct flow_bpf *skel;
	struct ebn_node_hdr *hdr;
	struct ebn_flows flows;
};

static void tables_close(struct tables *t)
{
	if (t->hdr)
		munmap(t->hdr, NODE_SIZE);
	if (t->flows.mem)
		munmap(t->flows.mem, ebn_flow_bytes(FLOW_BENCH_SETS, false));
	flow_bpf__destroy(t->skel);
}

static void *map_memory(struct bpf_map *map, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return p == MAP_FAILED ? NULL : p;
}

static int tables_open(struct bench *b, struct tables *t)
{
	static const uint64_t seed[2] = { 0x5bd1e9955bd1e995ULL, 0x2127599bf4325c37ULL };
	unsigned int i;
	int err;

	memset(t, 0, sizeof(*t));
	t->skel = flow_bpf__open_as(EBN_LOADS_IN_ORDER);
	if (!t->skel)
		return bench_fail(b, errno, "opening the programs: %s", strerror(errno));
	t->skel->rodata->ebn_cfg.node_size = NODE_SIZE;
	t->skel->rodata->ebn_cfg.flow4_mask = FLOW_BENCH_SETS - 1;
	t->skel->rodata->ebn_cfg.flow6_mask = EBN_FLOW_SETS_MIN - 1;
	t->skel->rodata->ebn_cfg.flow_seed[0] = seed[0];
	t->skel->rodata->ebn_cfg.flow_seed[1] = seed[1];
	bpf_map__set_autocreate(t->skel->maps.ebn_flow4_old, false);
	bpf_map__set_autocreate(t->skel->maps.ebn_flow6_old, false);
	err = bpf_map__set_value_size(t->skel->maps.ebn_node, NODE_SIZE);
	if (!err)
		err = bpf_map__set_max_entries(t->skel->maps.ebn_flow4, FLOW_BENCH_SETS);
	if (!err)
		err = flow_bpf__load(t->skel);
	if (err)
		return bench_fail(b, err, "loading the programs: %s", strerror(-err));
	t->hdr = map_memory(t->skel->maps.ebn_node, NODE_SIZE);
	t->flows.mask = FLOW_BENCH_SETS - 1;
	memcpy(t->flows.seed, seed, sizeof(seed));
	t->flows.mem = map_memory(t->skel->maps.ebn_flow4, ebn_flow_bytes(FLOW_BENCH_SETS, false));
	if (!t->hdr || !t->flows.mem)
		return bench_fail(b, errno, "mapping the tables: %s", strerror(errno));
	err = ebn_node_format(t->hdr, NODE_SIZE, seed);
	if (err)
		return bench_fail(b, err, "making the node tables: %s", strerror(-err));
	for (i = 0; i < sizeof(t->hdr->idle_ticks) / sizeof(t->hdr->idle_ticks[0]); i++)
		t->hdr->idle_ticks[i] = 1u << 30;
	return 0;
}

/* Flows 0..n-1 into both tables, by the programs. */
static int fill(struct bench *b, struct tables *t, uint64_t first, uint32_t n)
{
	struct bpf_program *progs[] = { t->skel->progs.flow_new, t->skel->progs.flow_new_lru };
	unsigned int i;
	int err;

	for (i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet, .data_size_in = sizeof(packet), .repeat = (int)n);

		t->skel->data->next_new = first;
		err = bpf_prog_test_run_opts(bpf_program__fd(progs[i]), &o);
		if (err)
			return bench_fail(b, err, "filling the tables: %s", strerror(-err));
	}
	return 0;
}

static int run(struct bench *b, struct bpf_program *prog, struct bench_sample *s)
{
	return bench_prog(b, bpf_program__fd(prog), NULL, packet, sizeof(packet), s);
}

static int lookup(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample base, table, lru;
	struct tables t;
	int err;

	err = tables_open(b, &t);
	if (!err)
		err = fill(b, &t, 0, (uint32_t)row->arg);
	if (err)
		goto out;
	t.skel->data->flows = (uint32_t)row->arg;
	t.skel->bss->missed = 0;
	err = run(b, t.skel->progs.flow_base, &base);
	if (!err)
		err = run(b, t.skel->progs.flow_find, &table);
	if (!err)
		err = run(b, t.skel->progs.flow_find_lru, &lru);
	if (!err && t.skel->bss->missed)
		err = bench_fail(b, ENOENT, "%llu look-ups missed", (unsigned long long)t.skel->bss->missed);
	if (err)
		goto out;
	bench_value(res, &table, bench_median(&base), 1);
	bench_reference(res, "lru-hash", bench_median(&lru) - bench_median(&base));
	if (row->arg2)
		res->budget = res->reference[0].value * (double)row->arg2 / 100;
out:
	tables_close(&t);
	return err;
}

/* Every packet is a new flow, both tables are full of flows like it. */
static int insert(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample base, table, lru;
	struct tables t;
	int err;

	(void)row;
	err = tables_open(b, &t);
	if (!err)
		err = fill(b, &t, 0, 4 * FLOW_BENCH_FLOWS);
	if (err)
		goto out;
	t.skel->bss->missed = 0;
	err = run(b, t.skel->progs.flow_base_new, &base);
	if (!err)
		err = run(b, t.skel->progs.flow_new, &table);
	if (!err)
		err = run(b, t.skel->progs.flow_new_lru, &lru);
	if (!err && t.skel->bss->missed)
		err = bench_fail(b, ENOSPC, "%llu inserts failed", (unsigned long long)t.skel->bss->missed);
	if (err)
		goto out;
	bench_value(res, &table, bench_median(&base), 1);
	bench_reference(res, "lru-hash", bench_median(&lru) - bench_median(&base));
	res->budget = res->reference[0].value * 0.55;
out:
	tables_close(&t);
	return err;
}

/* The same by system calls: everything is copied out, BATCH entries a call. */
static int sweep_lru(int fd, uint64_t *ret_entries)
{
	struct flow_bench_key *keys = calloc(BATCH, sizeof(*keys));
	struct flow_bench_value *values = calloc(BATCH, sizeof(*values));
	uint32_t count, out = 0;
	bool more = true, first = true;
	int err = keys && values ? 0 : -ENOMEM;

	*ret_entries = 0;
	while (!err && more) {
		count = BATCH;
		err = bpf_map_lookup_batch(fd, first ? NULL : &out, &out, keys, values, &count, NULL);
		if (err == -ENOENT) {
			more = false;
			err = 0;
		}
		first = false;
		*ret_entries += count;
	}
	free(keys);
	free(values);
	return err;
}

static int sweep(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample table = { .n = 0 }, lru = { .n = 0 };
	uint64_t pos = 0, entries = 0;
	struct tables t;
	unsigned int i;
	double start;
	int err;

	(void)row;
	err = tables_open(b, &t);
	if (!err)
		err = fill(b, &t, 0, FLOW_BENCH_FLOWS);
	for (i = 0; !err && i < b->rounds; i++) {
		struct ebn_sweep s = { .now = 2, .idle_ticks = t.hdr->idle_ticks };

		start = bench_now_ns();
		ebn_flow_sweep(&t.flows, &s, &pos, 0);
		bench_add(&table, (bench_now_ns() - start) * 1e-6);
		if (s.live < FLOW_BENCH_FLOWS * 99ULL / 100)
			err = bench_fail(b, ENOENT, "only %llu flows there", (unsigned long long)s.live);
	}
	for (i = 0; !err && i < b->rounds; i++) {
		start = bench_now_ns();
		err = sweep_lru(bpf_map__fd(t.skel->maps.lru), &entries);
		bench_add(&lru, (bench_now_ns() - start) * 1e-6);
		if (err)
			bench_fail(b, err, "reading the LRU hash: %s", strerror(-err));
	}
	if (!err) {
		bench_value(res, &table, 0, 1);
		bench_reference(res, "lru-hash-batched", bench_median(&lru));
	}
	tables_close(&t);
	return err;
}

const struct bench_row bench_flow_rows[] = {
	{ "flow-lookup/hot", "ns", 12, lookup, 1, 0 },
	{ "flow-lookup/64k", "ns", 0, lookup, 65536, 95 },
	{ "flow-lookup/256k", "ns", 0, lookup, 262144, 90 },
	{ "flow-insert/full", "ns", 0, insert, 0, 0 },
	{ "flow-sweep/512k", "ms", 15, sweep, 0, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
