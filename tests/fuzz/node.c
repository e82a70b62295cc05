// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Adoption of damaged node tables. The input is a list of {where, what} words that are written over sane tables; whatever
 * is then adopted must be usable without a wild access, and its space accounted for.
 */
#include "fuzz.h"
#include "tables/rows.h"

#define SIZE EBN_NODE_SIZE_MIN

static uint8_t *mem, *sane;
static uint64_t sane_bytes;

static void address(uint32_t i, uint32_t addr[4])
{
	addr[0] = addr[1] = 0;
	addr[2] = 0xffff0000;
	addr[3] = 10 + i * 65536;
}

static void change_prefixes(struct ebn_rows *rows)
{
	struct ebn_prefix_value v = { .identity = 300 };
	uint32_t i, addr[4];

	/* both families; some nest, some part in the middle of a node */
	for (i = 0; i < 24; i++) {
		address(i, addr);
		addr[0] = i & 1 ? 0x20 : 0;
		addr[3] ^= i << 3;
		(void)ebn_prefix_set(rows, addr, 96 + i, &v);
		(void)ebn_prefix_lookup(rows, addr, NULL, NULL);
		if (i % 5 == 0)
			(void)ebn_prefix_del(rows, addr, 96 + i);
	}
	ebn_prefix_raise(rows);
}

static void change(struct ebn_node *nt, struct ebn_rows *rows)
{
	uint32_t i, row, addr[4];
	char text[16];

	change_prefixes(rows);

	for (i = 0; i < 8; i++) {
		address(i, addr);
		(void)ebn_addr_set(rows, addr, 300 + i, i % 2);
		snprintf(text, sizeof(text), "rule-%u", i);
		(void)ebn_name_set(rows, EBN_NAME_RULE, i, text);
		(void)ebn_class_set(rows, 300 + i * 4096, i);
		if (!ebn_ep_row_get(rows, &row)) {
			ebn_ep_row(rows, row)->ifindex = 7 + i;
			(void)ebn_ep_row_publish(rows, row);
		}
	}
	address(3, addr);
	(void)ebn_addr_del(rows, addr);
	(void)ebn_name_set(rows, EBN_NAME_RULE, 3, NULL);
	if (!ebn_ep_row_by_ifindex(rows, 9, &row))
		(void)ebn_ep_row_put(rows, row);
	for (i = 0; i < 4 && ebn_node_grace_cut(nt); i++)
		ebn_node_grace_done(nt);
}

static void make_sane(void)
{
	static const uint64_t seed[2] = { 1, 2 };
	struct ebn_node *nt;
	struct ebn_rows *rows;

	mem = aligned_alloc(4096, SIZE);
	sane = aligned_alloc(4096, SIZE);
	FUZZ_CHECK(mem && sane);
	memset(mem, 0, SIZE);
	FUZZ_CHECK(!ebn_node_format(mem, SIZE, seed));
	FUZZ_CHECK(!ebn_node_open(mem, SIZE, NULL, &nt));
	FUZZ_CHECK(!ebn_rows_open(nt, 16, NULL, &rows));
	change(nt, rows);
	sane_bytes = ebn_node_used(nt) + 65536;
	FUZZ_CHECK(sane_bytes <= SIZE);
	memcpy(sane, mem, SIZE);
	ebn_rows_free(rows);
	ebn_node_free(nt);
}

static int see_name(uint32_t number, const char *text, void *arg)
{
	*(size_t *)arg += number + strlen(text);
	return 0;
}

static int see_addr(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	*(size_t *)arg += addr[3] + identity + row;
	return 0;
}

static int see_prefix(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *v, void *arg)
{
	*(size_t *)arg += addr[3] + len + v->identity;
	return 0;
}

static int see_row(uint32_t row, const struct ebn_ep_row *r, void *arg)
{
	*(size_t *)arg += row + r->ifindex;
	return 0;
}

static void use(struct ebn_node *nt, struct ebn_rows *rows)
{
	size_t sum = 0;

	FUZZ_CHECK(!ebn_node_adopted(nt));
	FUZZ_CHECK(!ebn_node_verify(nt));
	ebn_addr_foreach(rows, see_addr, &sum);
	ebn_prefix_foreach(rows, see_prefix, &sum);
	ebn_name_foreach(rows, EBN_NAME_RULE, see_name, &sum);
	change(nt, rows);
	FUZZ_CHECK(!ebn_node_verify(nt));
	FUZZ_CHECK(!ebn_node_check(mem, SIZE, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebn_rows *rows = NULL;
	struct ebn_node *nt = NULL;
	uint32_t w[2];
	size_t sum = 0;

	if (!mem)
		make_sane();
	memcpy(mem, sane, sane_bytes);
	for (; size >= sizeof(w); size -= sizeof(w), data += sizeof(w)) {
		memcpy(w, data, sizeof(w));
		memcpy(mem + (w[0] % (sane_bytes / 4)) * 4, &w[1], 4);
	}
	/* what a reader does with it */
	(void)ebn_rows_read_names(mem, SIZE, EBN_NAME_RULE, see_name, &sum);
	(void)ebn_rows_read_prefixes(mem, SIZE, see_prefix, &sum);
	(void)ebn_rows_read_endpoints(mem, SIZE, see_row, &sum);
	if (!ebn_node_open(mem, SIZE, NULL, &nt) && !ebn_rows_open(nt, 16, NULL, &rows))
		use(nt, rows);
	ebn_rows_free(rows);
	ebn_node_free(nt);
	return 0;
}
