// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "core/index.h"

#include "ebn_node.h"

void ebn_index_done(struct ebn_index *ix)
{
	free(ix->cell);
	*ix = (struct ebn_index){ 0 };
}

void ebn_index_clear(struct ebn_index *ix)
{
	if (ix->cell)
		memset(ix->cell, 0, sizeof(*ix->cell) * ((size_t)ix->mask + 1));
	ix->n = 0;
}

static void put(struct ebn_index *ix, uint64_t hash, uint32_t cell_value)
{
	uint32_t i = (uint32_t)hash & ix->mask;

	while (ix->cell[i].value)
		i = (i + 1) & ix->mask;
	ix->cell[i].hash = hash;
	ix->cell[i].value = cell_value;
}

int ebn_index_reserve(struct ebn_index *ix, uint32_t n)
{
	struct ebn_index next = { 0 };
	uint64_t want = ((uint64_t)ix->n + n) * 2, size = 16;

	if (ix->cell && want <= (uint64_t)ix->mask + 1)
		return 0;
	while (size < want)
		size *= 2;
	if (size > UINT32_MAX)
		return -ENOMEM;
	next.cell = ebn_calloc((size_t)size, sizeof(*next.cell));
	if (!next.cell)
		return -ENOMEM;
	next.mask = (uint32_t)size - 1;
	next.n = ix->n;
	for (uint64_t i = 0; ix->cell && i <= ix->mask; i++)
		if (ix->cell[i].value)
			put(&next, ix->cell[i].hash, ix->cell[i].value);
	free(ix->cell);
	*ix = next;
	return 0;
}

int ebn_index_add(struct ebn_index *ix, uint64_t hash, uint32_t value)
{
	int err;

	hash = ebn_mix64(hash);
	err = ebn_index_reserve(ix, 1);
	if (err < 0)
		return err;
	put(ix, hash, value + 1);
	ix->n++;
	return 0;
}

void ebn_index_remove(struct ebn_index *ix, uint64_t hash, uint32_t value)
{
	uint32_t i, hole, home;

	if (!ix->cell)
		return;
	hash = ebn_mix64(hash);
	for (i = (uint32_t)hash & ix->mask; ix->cell[i].value; i = (i + 1) & ix->mask)
		if (ix->cell[i].value == value + 1 && ix->cell[i].hash == hash)
			break;
	if (!ix->cell[i].value)
		return;
	/* close the hole, so that probing never has to step over the dead */
	hole = i;
	for (i = (i + 1) & ix->mask; ix->cell[i].value; i = (i + 1) & ix->mask) {
		home = (uint32_t)ix->cell[i].hash & ix->mask;
		if (((i - home) & ix->mask) >= ((i - hole) & ix->mask)) {
			ix->cell[hole] = ix->cell[i];
			hole = i;
		}
	}
	ix->cell[hole].value = 0;
	ix->n--;
}

uint32_t ebn_index_next(const struct ebn_index *ix, uint64_t hash, uint32_t cursor, uint32_t *value)
{
	uint32_t i;

	if (!ix->cell)
		return 0;
	hash = ebn_mix64(hash);
	for (i = cursor ? cursor & ix->mask : (uint32_t)hash & ix->mask; ix->cell[i].value; i = (i + 1) & ix->mask) {
		if (ix->cell[i].hash != hash)
			continue;
		*value = ix->cell[i].value - 1;
		return i + 1;
	}
	return 0;
}

uint64_t ebn_hash_bytes(const void *data, size_t len)
{
	const uint8_t *b = data;
	uint64_t h = 0xcbf29ce484222325ULL ^ len, w = 0;

	for (; len >= 8; b += 8, len -= 8) {
		memcpy(&w, b, 8);
		h = (h ^ w) * 0x9fb21c651e98df25ULL;
		h ^= h >> 29;
	}
	w = 0;
	memcpy(&w, b, len);
	return ebn_mix64((h ^ w) * 0x9fb21c651e98df25ULL);
}
