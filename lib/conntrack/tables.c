// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conntrack/tables.h"

#define TRIES 16

bool ebn_slot_fits(uint64_t size, struct ebn_slot slot, size_t each)
{
	return slot.off >= EBN_NODE_EXTENT_OFF && slot.off <= size && slot.n <= (size - slot.off) / each;
}

struct ids {
	uint16_t *id;
	uint32_t n;
};

static int note(uint32_t row, const struct ebn_ep_row *r, void *arg)
{
	struct ids *ids = arg;

	if (row < ids->n)
		ids->id[row] = r->id;
	return 0;
}

int ebn_read_row_ids(const void *mem, uint64_t size, uint16_t **ret, uint32_t *ret_n)
{
	struct ids ids = { 0 };
	struct ebn_dir dir;
	uint64_t root;
	int rc;

	rc = ebn_node_read_root(mem, size, &root, &dir);
	if (rc < 0)
		return rc;
	if (dir.slot[EBN_P_ENDPOINT].off) {
		if (!ebn_slot_fits(size, dir.slot[EBN_P_ENDPOINT], sizeof(struct ebn_ep_row)))
			return -EPROTO;
		ids.n = dir.slot[EBN_P_ENDPOINT].n;
	}
	ids.id = ebn_calloc(ids.n, sizeof(*ids.id));
	if (!ids.id)
		return -ENOMEM;
	rc = ebn_rows_read_endpoints(mem, size, note, &ids);
	if (rc < 0) {
		free(ids.id);
		return rc;
	}
	*ret = ids.id;
	*ret_n = ids.n;
	return 0;
}

int ebn_read_decisions(const void *mem, uint64_t size, struct ebn_decision **ret, uint32_t *ret_n,
		       uint32_t *ret_generation)
{
	struct ebn_decision *copy;
	struct ebn_slot slot;
	struct ebn_dir dir;
	uint64_t root;
	int rc, tries;

	for (tries = 0; tries < TRIES; tries++) {
		rc = ebn_node_read_root(mem, size, &root, &dir);
		if (rc < 0)
			return rc;
		slot = dir.slot[EBN_P_DECISION];
		if (!slot.off)
			slot.n = 0;
		else if (!ebn_slot_fits(size, slot, sizeof(*copy)))
			return -EPROTO;
		copy = ebn_calloc(slot.n, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, (const char *)mem + slot.off, slot.n * sizeof(*copy));
		if (ebn_node_root_is(mem, root)) {
			*ret = copy;
			*ret_n = slot.n;
			*ret_generation = EBN_ROOT_GEN(root);
			return 0;
		}
		free(copy);
	}
	return -EAGAIN;
}
