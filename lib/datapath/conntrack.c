/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The conntrack calls that take a datapath: a walk over its flow tables, with the numbers' meanings read beside it. */
#include "conntrack/conntrack.h"
#include "datapath/private.h"

struct ebpfnet_ct_iter {
	struct ebpfnet_datapath *dp;
	struct ebn_ct_walk walk;
	uint16_t *row_id;
	struct ebn_decision *decisions;
};

static int ebn_ct_row_id(uint32_t n, const struct ebn_ep_row *row, void *arg)
{
	struct ebpfnet_ct_iter *it = arg;

	if (n < it->walk.view.n_rows)
		it->row_id[n] = row->id;
	return 0;
}

/* The decisions of one generation. Without them an entry has no rule: better than no entry, so only -ENOMEM is an error. */
static int ebn_ct_decisions(struct ebpfnet_datapath *dp, struct ebpfnet_ct_iter *it)
{
	struct ebn_decision *copy;
	struct ebn_slot slot;
	struct ebn_dir dir;
	uint64_t root;
	int tries;

	for (tries = 0; tries < 10; tries++) {
		if (ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir))
			return 0;
		slot = dir.slot[EBN_P_DECISION];
		if (!slot.n || slot.off > dp->node_size || slot.n > (dp->node_size - slot.off) / sizeof(*copy))
			return 0;
		copy = ebn_calloc(slot.n, sizeof(*copy));
		if (!copy)
			return -ENOMEM;
		memcpy(copy, (const char *)dp->node_mem + slot.off, slot.n * sizeof(*copy));
		if (ebn_node_root_is(dp->node_mem, root)) {
			it->decisions = copy;
			it->walk.view.n_decisions = slot.n;
			return 0;
		}
		free(copy);
	}
	return 0;
}

static void ebn_ct_iter_done(struct ebpfnet_ct_iter *it)
{
	free(it->row_id);
	free(it->decisions);
}

static int ebn_ct_iter_begin(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
			     struct ebpfnet_ct_iter *it)
{
	struct ebn_ct_view *view = &it->walk.view;
	int r;

	memset(it, 0, sizeof(*it));
	r = ebn_ct_filter_read(filter, &it->walk.filter);
	if (!r)
		r = ebn_dp_tables(dp);
	if (r < 0)
		return -EINVAL;
	view->n_rows = dp->p->n_endpoints;
	it->row_id = ebn_calloc(view->n_rows, sizeof(*it->row_id));
	r = it->row_id ? ebn_ct_decisions(dp, it) : -ENOMEM;
	if (!r)
		r = ebn_rows_read_endpoints(dp->node_mem, dp->node_size, ebn_ct_row_id, it);
	if (r == -ENOMEM) {
		ebn_ct_iter_done(it);
		return r;
	}
	it->dp = dp;
	it->walk.tables = dp->flows;
	view->row_id = it->row_id;
	view->decisions = it->decisions;
	view->now = ebn_dp_now_tick(dp);
	view->tick_ns = ebn_dp_tick_ns(dp);
	return 0;
}

int ebpfnet_ct_iter_new(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
			struct ebpfnet_ct_iter **ret)
{
	struct ebpfnet_ct_iter *it;
	int r;

	if (!dp || !ret)
		return -EINVAL;
	it = calloc(1, sizeof(*it));
	if (!it)
		return -ENOMEM;
	r = ebn_ct_iter_begin(dp, filter, it);
	if (r < 0) {
		free(it);
		return r;
	}
	ebpfnet_datapath_ref(dp);
	*ret = it;
	return 0;
}

int ebpfnet_ct_iter_next(struct ebpfnet_ct_iter *it, struct ebpfnet_ct_entry *ret, size_t size)
{
	struct ebpfnet_ct_entry entry;
	int r;

	if (!it || !ret || !size)
		return -EINVAL;
	/* a cleanup took the tables away */
	if (!it->dp->prepared)
		return 0;
	r = ebn_ct_next(&it->walk, &entry);
	if (r == 1)
		ebn_copy_out(ret, size, &entry, sizeof(entry));
	return r;
}

void ebpfnet_ct_iter_free(struct ebpfnet_ct_iter *it)
{
	if (!it)
		return;
	ebn_ct_iter_done(it);
	ebpfnet_datapath_unref(it->dp);
	free(it);
}

int ebpfnet_ct_flush(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter)
{
	struct ebpfnet_ct_iter it;
	int r;

	if (!dp)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	r = ebn_ct_iter_begin(dp, filter, &it);
	if (r < 0)
		return r;
	r = ebn_ct_kill(&it.walk);
	ebn_ct_iter_done(&it);
	/* the ways are free again behind a grace period */
	dp->p->reap = true;
	return r;
}
