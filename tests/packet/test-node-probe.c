// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What programs read from node tables that the library wrote, against a naive model: random tables, random questions,
 * with and without the dependencies that weakly ordered CPUs need.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

#include "ebn_config.h"
#include "node_probe.h"
#include "node_probe.skel.h"
#include "tables/rows.h"
#include "../lib/skeleton.h"
#include "../unit/suite.h"

EBN_SKELETON(node_probe_bpf)

#define SIZE (4u << 20)
#define ROWS 256u
#define ADDRS 4000u
#define PREFIXES 1200u
#define IDENTITIES 500u
#define SUBJECTS 20u
#define DECISIONS 30u
#define PEERS 40u
#define PORTS 25u
#define QUESTIONS 6000

/* The model: what was asked for, in plain arrays. */
static struct {
	uint32_t row_ifindex[ROWS];
	uint32_t addr[ADDRS][4];
	uint32_t addr_identity[ADDRS];
	uint32_t addr_row[ADDRS];
	uint32_t prefix[PREFIXES][4];
	uint32_t prefix_len[PREFIXES];
	uint32_t prefix_identity[PREFIXES];
	uint32_t identity[IDENTITIES];
	uint32_t peer_class[IDENTITIES];
	uint16_t port_class[EBN_PORT_CELLS];
	bool has_table[SUBJECTS][2];
	uint16_t cell[SUBJECTS][2][PEERS][PORTS];
	struct ebn_decision decision[DECISIONS];
} m;

static struct node_probe_bpf *skel;
static struct ebn_node *nt;
static struct ebn_rows *rows;
static void *mem;
static uint64_t seed;

static void load(bool weak)
{
	static const uint64_t flow_seed[2] = { 3, 4 };
	struct bpf_map *map;

	skel = node_probe_bpf__open_as(!weak);
	ck_assert_ptr_nonnull(skel);
	map = skel->maps.ebn_node;
	ck_assert_int_eq(bpf_map__set_value_size(map, SIZE), 0);
	skel->rodata->ebn_cfg.node_size = SIZE;
	ck_assert_int_eq(node_probe_bpf__load(skel), 0);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	ck_assert_ptr_ne(mem, MAP_FAILED);
	ck_assert_int_eq(ebn_node_format(mem, SIZE, flow_seed), 0);
	ck_assert_int_eq(ebn_node_open(mem, SIZE, NULL, &nt), 0);
	ck_assert_int_eq(ebn_rows_open(nt, ROWS, NULL, &rows), 0);
}

static void unload(void)
{
	ebn_rows_free(rows);
	ebn_node_free(nt);
	munmap(mem, SIZE);
	node_probe_bpf__destroy(skel);
}

static void random_addr(uint32_t addr[4])
{
	bool v4 = test_below(&seed, 2);
	int i;

	for (i = 0; i < 4; i++)
		addr[i] = (uint32_t)test_random(&seed);
	if (v4) {
		addr[0] = addr[1] = 0;
		addr[2] = 0xffff0000;
	}
}

/* One of a few addresses, some bits changed, so that prefixes of them nest and part. */
static void near_addr(uint32_t addr[4])
{
	uint32_t base = test_below(&seed, 6), n = test_below(&seed, 4), bit;
	bool v4 = base & 1;

	addr[0] = v4 ? 0 : base;
	addr[1] = 0;
	addr[2] = v4 ? 0xffff0000 : 7;
	addr[3] = base * 2654435761u;
	while (n--) {
		bit = v4 ? 96 + test_below(&seed, 32) : test_below(&seed, 128);
		((uint8_t *)addr)[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

static bool is_v4(const uint32_t addr[4])
{
	return !addr[0] && !addr[1] && addr[2] == 0xffff0000;
}

static bool prefix_covers(uint32_t i, const uint32_t addr[4])
{
	uint32_t bit, byte;

	if (is_v4(m.prefix[i]) != is_v4(addr))
		return false;
	for (bit = 0; bit < m.prefix_len[i]; bit++) {
		byte = ((const uint8_t *)addr)[bit / 8] ^ ((const uint8_t *)m.prefix[i])[bit / 8];
		if (byte & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

static uint32_t prefix_of(const uint32_t addr[4])
{
	uint32_t i, best = PREFIXES;

	for (i = 0; i < PREFIXES; i++)
		if (m.prefix_identity[i] && prefix_covers(i, addr) &&
		    (best == PREFIXES || m.prefix_len[i] >= m.prefix_len[best]))
			best = i;
	return best == PREFIXES ? EBN_ID_WORLD : m.prefix_identity[best];
}

/* The later one of two that are the same stands. */
static void fill_prefixes(void)
{
	struct ebn_prefix_value v = { 0 };
	uint32_t i, j, least;

	for (i = 0; i < PREFIXES; i++) {
		near_addr(m.prefix[i]);
		least = is_v4(m.prefix[i]) ? 96 : 0;
		m.prefix_len[i] = least + test_below(&seed, 129 - least);
		/* as short ones lose the bits that make them IPv4 or not, few of them */
		if (!least && m.prefix_len[i] < 64)
			m.prefix[i][0] |= 1u << 5;
		v.identity = m.prefix_identity[i] = m.identity[test_below(&seed, IDENTITIES)];
		ck_assert_int_eq(ebn_prefix_set(rows, m.prefix[i], m.prefix_len[i], &v), 0);
	}
	for (i = 0; i < PREFIXES; i += 3) {
		ebn_prefix_del(rows, m.prefix[i], m.prefix_len[i]);
		for (j = 0; j < PREFIXES; j++)
			if (m.prefix_len[j] == m.prefix_len[i] && prefix_covers(i, m.prefix[j]))
				m.prefix_identity[j] = 0;
	}
	ebn_prefix_raise(rows);
}

static void fill_rows(void)
{
	struct ebn_ep_row *r;
	uint32_t i, row;

	for (i = 0; i < ROWS; i++) {
		ck_assert_int_eq(ebn_ep_row_get(rows, &row), 0);
		m.row_ifindex[row] = 1 + row * 7;
		r = ebn_ep_row(rows, row);
		r->ifindex = m.row_ifindex[row];
		r->gw6[3] = row * 3;
		if (i % 10)
			ck_assert_int_eq(ebn_ep_row_publish(rows, row), 0);
		else
			m.row_ifindex[row] = 0;
	}
	for (i = 0; i < IDENTITIES; i++) {
		m.identity[i] = (i % 3) << 24 | (300 + test_below(&seed, 50000) * 3 + i % 3);
		m.peer_class[i] = test_below(&seed, PEERS + 5);
		ck_assert_int_eq(ebn_class_set(rows, m.identity[i], m.peer_class[i]), 0);
	}
	/* the same number may have been drawn twice: the last one counts */
	for (i = 0; i < IDENTITIES; i++)
		m.peer_class[i] = ebn_class_get(rows, m.identity[i]);
	for (i = 0; i < ADDRS; i++) {
		random_addr(m.addr[i]);
		m.addr_identity[i] = m.identity[test_below(&seed, IDENTITIES)];
		m.addr_row[i] = test_below(&seed, 2) ? 1 + test_below(&seed, ROWS) : 0;
		ck_assert_int_eq(ebn_addr_set(rows, m.addr[i], m.addr_identity[i], m.addr_row[i]), 0);
		if (i % 500 == 0 && ebn_node_grace_cut(nt))
			ebn_node_grace_done(nt);
	}
	for (i = 0; i < ADDRS; i += 9) {
		ck_assert_int_eq(ebn_addr_del(rows, m.addr[i]), 0);
		m.addr_identity[i] = 0;
		m.addr_row[i] = 0;
	}
	fill_prefixes();
}

static uint32_t piece(uint32_t type, uint32_t bytes, void *ret)
{
	uint32_t off;
	void *p;

	ck_assert_int_eq(ebn_node_alloc(nt, type, bytes, &off), 0);
	p = ebn_node_ptr(nt, off, bytes);
	memcpy(ret, &p, sizeof(p));
	return off;
}

/* One direction of a subject: classes shuffled into rows and columns, as a compiler might. */
static void fill_table(struct ebn_policy_table *t, uint32_t subject, uint32_t dir)
{
	uint16_t *rowmap, *colmap, *matrix;
	uint32_t i, j, nrows = PEERS + 3, ncols = PORTS + 2;

	t->rowmap = piece(EBN_X_ROWMAP, PEERS * 2, &rowmap);
	t->colmap = piece(EBN_X_COLMAP, PORTS * 2, &colmap);
	t->matrix = piece(EBN_X_MATRIX, nrows * ncols * 2, &matrix);
	t->nrows = (uint16_t)nrows;
	t->ncols = (uint16_t)ncols;
	t->n_peer = PEERS;
	t->n_port = PORTS;
	for (i = 0; i < PEERS; i++)
		rowmap[i] = (uint16_t)((i * 7 + 1) % nrows);
	for (j = 0; j < PORTS; j++)
		colmap[j] = (uint16_t)((j * 4 + 2) % ncols);
	for (i = 0; i < PEERS; i++)
		for (j = 0; j < PORTS; j++)
			matrix[rowmap[i] * ncols + colmap[j]] = m.cell[subject][dir][i][j] =
				(uint16_t)test_below(&seed, DECISIONS);
}

static void fill_policy(void)
{
	struct ebn_subject_row *subject;
	struct ebn_decision *decision;
	uint32_t i, d, off[3];
	uint16_t *port;

	off[0] = piece(EBN_P_SUBJECT, SUBJECTS * sizeof(*subject), &subject);
	off[1] = piece(EBN_P_DECISION, DECISIONS * sizeof(*decision), &decision);
	off[2] = piece(EBN_P_PORT, EBN_PORT_CELLS * 2, &port);
	for (i = 0; i < EBN_PORT_CELLS; i++)
		port[i] = m.port_class[i] = (uint16_t)test_below(&seed, PORTS + 3);
	for (i = 1; i < DECISIONS; i++) {
		m.decision[i].verdict = (uint8_t)test_below(&seed, 5);
		m.decision[i].proxy_port = (uint16_t)test_random(&seed);
		m.decision[i].rule = (uint32_t)test_random(&seed);
		decision[i] = m.decision[i];
	}
	for (i = 0; i < SUBJECTS; i++) {
		for (d = 0; d < 2; d++) {
			m.has_table[i][d] = test_below(&seed, 8) != 0;
			if (m.has_table[i][d])
				fill_table(&subject[i].dir[d], i, d);
		}
	}
	ck_assert_int_eq(ebn_node_begin(nt), 0);
	ebn_node_set(nt, EBN_P_SUBJECT, off[0], SUBJECTS);
	ebn_node_set(nt, EBN_P_DECISION, off[1], DECISIONS);
	ebn_node_set(nt, EBN_P_PORT, off[2], EBN_PORT_CELLS);
	ck_assert_int_eq(ebn_node_publish(nt), 0);
}

static void run(struct ebn_probe *p)
{
	static const uint8_t packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	skel->bss->probe = *p;
	ck_assert_int_eq(bpf_prog_test_run_opts(bpf_program__fd(skel->progs.node_probe), &opts), 0);
	*p = skel->bss->probe;
}

static void expect_row(const struct ebn_probe *p)
{
	uint32_t i;

	for (i = 0; i < ROWS; i++)
		if (p->ifindex && m.row_ifindex[i] == p->ifindex)
			break;
	ck_assert_int_eq(p->row, i < ROWS ? (int)i : -1);
	ck_assert_uint_eq(p->ep_ifindex, i < ROWS ? p->ifindex : 0);
	ck_assert_uint_eq(p->ep_gw6, i < ROWS ? i * 3 : 0);
}

static void expect_policy(const struct ebn_probe *p)
{
	struct ebn_decision none = { 0 }, *d = &none;
	uint32_t peer, port, cell = 0;

	peer = p->peer_class < PEERS ? p->peer_class : 0;
	port = p->port_class < PORTS ? p->port_class : 0;
	if (p->subject >= SUBJECTS || !m.has_table[p->subject][p->dir]) {
		ck_assert_int_eq(p->policy, -1);
	} else {
		ck_assert_int_eq(p->policy, 0);
		cell = m.cell[p->subject][p->dir][peer][port];
		d = &m.decision[cell];
	}
	ck_assert_uint_eq(p->decision, cell);
	ck_assert_uint_eq(p->rule, d->rule);
	ck_assert_uint_eq(p->verdict, d->verdict);
	ck_assert_uint_eq(p->proxy_port, d->proxy_port);
}

static void ask(void)
{
	struct ebn_probe p = { 0 };
	uint32_t i = test_below(&seed, ADDRS), j, identity = EBN_ID_WORLD, addr_row = 0, peer = 0;

	p.ifindex = test_below(&seed, 2) ? 1 + 7 * test_below(&seed, ROWS) : test_below(&seed, 4000);
	p.subject = test_below(&seed, SUBJECTS + 2);
	p.dir = test_below(&seed, 2);
	p.port_cell = test_below(&seed, 20) ? test_below(&seed, EBN_PORT_CELLS) : EBN_PORT_CELLS + i;
	if (test_below(&seed, 4)) {
		memcpy(p.addr, m.addr[i], sizeof(p.addr));
		identity = m.addr_identity[i] ? m.addr_identity[i] : prefix_of(p.addr);
		addr_row = m.addr_row[i];
	} else {
		if (i % 2)
			near_addr(p.addr);
		else
			random_addr(p.addr);
		identity = prefix_of(p.addr);
	}
	for (j = 0; j < IDENTITIES; j++)
		if (m.identity[j] == identity)
			peer = m.peer_class[j];
	ebn_node_raise_subject(nt, p.subject);
	run(&p);
	ck_assert_int_eq(p.opened, 0);
	ck_assert_uint_eq(p.generation, ebn_node_generation(nt));
	ck_assert_uint_eq(p.observe, 5);
	expect_row(&p);
	ck_assert_uint_eq(p.identity, identity);
	ck_assert_uint_eq(p.addr_row, addr_row);
	ck_assert_uint_eq(p.peer_class, peer);
	ck_assert_uint_eq(p.port_class, p.port_cell < EBN_PORT_CELLS ? m.port_class[p.port_cell] : 0);
	ck_assert_uint_eq(p.epoch, ((uint32_t *)mem)[EBN_EPOCH_SUBJECT_OFF / 4 + p.subject] +
			  ((uint32_t *)mem)[EBN_EPOCH_ADDR_OFF / 4 + ebn_addr_epoch(ebn_addr_hash(p.addr))]);
	expect_policy(&p);
}

static void compare(bool weak)
{
	int i;

	seed = test_seed();
	memset(&m, 0, sizeof(m));
	load(weak);
	fill_rows();
	fill_policy();
	ebn_node_hdr(nt)->observe = 5;
	for (i = 0; i < QUESTIONS; i++)
		ask();
	unload();
}

START_TEST(loads_in_order)
{
	compare(false);
}
END_TEST

START_TEST(loads_in_any_order)
{
	compare(true);
}
END_TEST

/* Garbage in every word that programs follow: nothing but a denial, and the kernel stays up. */
START_TEST(garbage_is_bounded)
{
	struct ebn_probe p = { 0 };
	uint64_t *w;
	uint32_t i, j;

	seed = test_seed();
	for (j = 0; j < 2; j++) {
		load(j);
		p.ifindex = 7;
		/* nothing published at all */
		ebn_node_hdr(nt)->root = 0;
		run(&p);
		ck_assert_int_eq(p.opened, -1);
		for (i = 0; i < 2000; i++) {
			for (w = mem; w < (uint64_t *)mem + 8192; w += 1 + test_below(&seed, 16))
				*w = test_random(&seed);
			ebn_node_hdr(nt)->root = test_random(&seed) | 1ull << 40;
			run(&p);
			ck_assert_int_eq(p.opened, 0);
		}
		unload();
	}
}
END_TEST

RUN_SUITE("node-probe", loads_in_order, loads_in_any_order, garbage_is_bounded)
