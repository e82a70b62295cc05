// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Address to identity: half a million known addresses, and as many prefixes; node tables beside an LPM trie. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "ebn_config.h"
#include "address_bench.h"
#include "address.skel.h"
#include "tables/rows.h"
#include "../tests/lib/skeleton.h"

EBN_SKELETON(address_bpf)

#define NODE_SIZE (256u << 20)

/* rows */
#define V6 0x1
#define PREFIXES 0x2

struct tables {
	struct address_bpf *skel;
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
	address_bpf__destroy(t->skel);
}

static int tables_open(struct bench *b, struct tables *t)
{
	static const uint64_t seed[2] = { 1, 2 };
	int err;

	memset(t, 0, sizeof(*t));
	t->skel = address_bpf__open_as(EBN_LOADS_IN_ORDER);
	if (!t->skel)
		return bench_fail(b, errno, "opening the programs: %s", strerror(errno));
	t->skel->rodata->ebn_cfg.node_size = NODE_SIZE;
	err = bpf_map__set_value_size(t->skel->maps.ebn_node, NODE_SIZE);
	if (!err)
		err = address_bpf__load(t->skel);
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

static int fill(struct tables *t, uint32_t addrs, uint32_t v6, bool prefixes)
{
	struct address_bench_key k = { .prefixlen = 128 };
	struct address_bench_value v = { 0 };
	struct ebn_prefix_value pv = { 0 };
	int fd = bpf_map__fd(t->skel->maps.addr_lpm), err;
	uint32_t i;

	for (i = 0; i < addrs; i++) {
		address_bench_addr(i, v6, k.addr);
		pv.identity = v.identity = 256 + i % 60000;
		if (prefixes)
			k.prefixlen = address_bench_len(i, v6);
		err = prefixes ? ebn_prefix_set(t->rows, k.addr, k.prefixlen, &pv) :
				 ebn_addr_set(t->rows, k.addr, v.identity, 0);
		if (!err)
			err = bpf_map_update_elem(fd, &k, &v, BPF_ANY);
		if (err)
			return err;
		/* no program runs yet, so there is nobody to wait for */
		if (i % 1024 == 0 && ebn_node_grace_cut(t->nt))
			ebn_node_grace_done(t->nt);
	}
	return 0;
}

static int lookup(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	static const uint8_t packet[64];
	uint32_t addrs = row->arg2 ? (uint32_t)row->arg2 : ADDRESS_BENCH_ADDRS;
	struct bench_sample base, node, lpm;
	struct tables t;
	double idle;
	int err;

	err = tables_open(b, &t);
	if (err)
		goto out;
	t.skel->data->addrs = addrs;
	t.skel->bss->v6 = row->arg & V6;
	err = fill(&t, addrs, row->arg & V6, row->arg & PREFIXES);
	if (err) {
		bench_fail(b, err, "filling the tables: %s", strerror(-err));
		goto out;
	}
	err = bench_prog(b, bpf_program__fd(t.skel->progs.address_base), NULL, packet, sizeof(packet), &base);
	if (!err)
		err = bench_prog(b, bpf_program__fd(t.skel->progs.address_node), NULL, packet, sizeof(packet), &node);
	if (!err)
		err = bench_prog(b, bpf_program__fd(t.skel->progs.address_lpm), NULL, packet, sizeof(packet), &lpm);
	if (err)
		goto out;
	idle = bench_median(&base);
	bench_value(res, &node, idle, ADDRESS_BENCH_LOOKUPS);
	bench_reference(res, "lpm-trie", (bench_median(&lpm) - idle) / ADDRESS_BENCH_LOOKUPS);
	/* the bound is for tables that no cache holds */
	if (addrs == ADDRESS_BENCH_ADDRS)
		res->budget = res->reference[0].value * (row->arg & V6 ? 0.3 : 0.15);
out:
	tables_close(&t);
	return err;
}

const struct bench_row bench_address_rows[] = {
	{ "address-lookup/v4-1k", "ns", 0, lookup, 0, 1024 },
	{ "address-lookup/v4-64k", "ns", 0, lookup, 0, 65536 },
	{ "address-lookup/v4-512k", "ns", 0, lookup, 0, 0 },
	{ "address-lookup/v6-512k", "ns", 0, lookup, V6, 0 },
	{ "address-lookup/v4-512k-prefixes", "ns", 0, lookup, PREFIXES, 0 },
	{ "address-lookup/v6-512k-prefixes", "ns", 0, lookup, V6 | PREFIXES, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
