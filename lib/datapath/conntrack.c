/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Walks over a datapath's flows: list, find, count, delete. */
#include "datapath/conntrack.h"

#include <ebpfnet/policy.h>

#include "conntrack/count.h"
#include "datapath/nat.h"

struct ebpfnet_ct_iter {
	struct ebpfnet_datapath *dp;
	struct ebn_dp_walk w;
};

static int ebn_ct_row_id(uint32_t n, const struct ebn_ep_row *row, void *arg)
{
	struct ebn_dp_walk *it = arg;

	if (n < it->walk.view.n_rows)
		it->row_id[n] = row->id;
	return 0;
}

/* The decisions of one generation. Without them an entry has no rule: better than no entry, so only -ENOMEM is an error. */
static int ebn_ct_decisions(struct ebpfnet_datapath *dp, struct ebn_dp_walk *it)
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

static uint32_t ebn_ct_identity(const struct ebpfnet_addr *addr, void *arg)
{
	uint32_t identity;

	return ebpfnet_address_lookup(arg, addr, &identity) < 0 ? 0 : identity;
}

/* Without them a masqueraded flow is told without its other address. */
static void ebn_ct_nat_addrs(struct ebpfnet_datapath *dp, struct ebn_dp_walk *w)
{
	struct ebn_nat_row rows[EBN_NAT_ROWS];
	uint32_t n, i, k;

	if (ebn_nat_read(dp, rows, &n) < 0)
		return;
	for (i = 0; i < n; i++)
		for (k = 0; k < 2; k++)
			memcpy(w->nat_addrs[w->walk.view.n_nat_addrs++].b, rows[i].addr[k], 16);
	w->walk.view.nat_addrs = w->nat_addrs;
}

void ebn_dp_walk_done(struct ebn_dp_walk *w)
{
	free(w->row_id);
	free(w->decisions);
}

int ebn_dp_walk_begin(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter, struct ebn_dp_walk *w)
{
	struct ebn_ct_view *view = &w->walk.view;
	int r;

	memset(w, 0, sizeof(*w));
	r = ebn_ct_filter_read(filter, &w->walk.filter);
	if (!r)
		r = ebn_dp_tables(dp);
	if (r < 0)
		return -EINVAL;
	view->n_rows = dp->p->n_endpoints;
	w->row_id = ebn_calloc(view->n_rows, sizeof(*w->row_id));
	r = w->row_id ? ebn_ct_decisions(dp, w) : -ENOMEM;
	if (!r)
		r = ebn_rows_read_endpoints(dp->node_mem, dp->node_size, ebn_ct_row_id, w);
	if (r == -ENOMEM) {
		ebn_dp_walk_done(w);
		return r;
	}
	w->walk.tables = dp->flows;
	view->row_id = w->row_id;
	view->decisions = w->decisions;
	view->now = ebn_dp_now_tick(dp);
	view->tick_ns = ebn_dp_tick_ns(dp);
	view->identity_of = ebn_ct_identity;
	view->tables = dp->flows;
	ebn_ct_nat_addrs(dp, w);
	view->arg = dp;
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
	r = ebn_dp_walk_begin(dp, filter, &it->w);
	if (r < 0) {
		free(it);
		return r;
	}
	it->dp = ebpfnet_datapath_ref(dp);
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
	r = ebn_ct_next(&it->w.walk, &entry);
	if (r == 1)
		ebn_copy_out(ret, size, &entry, sizeof(entry));
	return r;
}

void ebpfnet_ct_iter_free(struct ebpfnet_ct_iter *it)
{
	if (!it)
		return;
	ebn_dp_walk_done(&it->w);
	ebpfnet_datapath_unref(it->dp);
	free(it);
}

int ebpfnet_ct_flush(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter)
{
	struct ebn_dp_walk w;
	int r;

	if (!dp)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	r = ebn_dp_walk_begin(dp, filter, &w);
	if (r < 0)
		return r;
	r = ebn_ct_kill(&w.walk);
	ebn_dp_walk_done(&w);
	/* the ways are free again behind a grace period */
	dp->p->reap = true;
	ebn_dp_sweep_soon(dp);
	return r;
}

int ebpfnet_ct_lookup(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_tuple *tuple, struct ebpfnet_ct_entry *ret,
		      size_t size)
{
	struct ebpfnet_ct_entry entry;
	struct ebn_flow_copy copy;
	struct ebn_dp_walk w;
	bool v6;
	int r;

	if (!dp || !ret || !size)
		return -EINVAL;
	r = ebn_dp_walk_begin(dp, NULL, &w);
	if (r < 0)
		return r;
	r = ebn_ct_find(dp->flows, tuple, &v6, &copy);
	if (!r) {
		ebn_ct_entry(&w.walk.view, &copy, v6, &entry);
		ebn_ct_identities(&w.walk.view, &entry);
		ebn_copy_out(ret, size, &entry, sizeof(entry));
	}
	ebn_dp_walk_done(&w);
	return r;
}

int ebpfnet_ct_delete(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_tuple *tuple)
{
	struct ebn_flow_copy copy;
	bool v6;
	int r;

	if (!dp || ebn_dp_tables(dp) < 0)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	r = ebn_ct_find(dp->flows, tuple, &v6, &copy);
	if (r < 0)
		return r;
	dp->p->reap = true;
	ebn_dp_sweep_soon(dp);
	/* somebody else was faster */
	return ebn_flow_kill(&dp->flows[v6], &copy) ? 0 : -ENOENT;
}

int ebpfnet_ct_count(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter, struct ebpfnet_ct_counts *ret,
		     size_t size)
{
	const struct ebn_node_hdr *hdr;
	struct ebpfnet_ct_counts c;
	struct ebn_dp_walk w;
	int r;

	if (!dp || !ret || !size)
		return -EINVAL;
	r = ebn_dp_walk_begin(dp, filter, &w);
	if (r < 0)
		return r;
	hdr = dp->node_mem;
	ebn_ct_count(&w.walk, hdr->idle_ticks, &c);
	ebn_dp_walk_done(&w);
	ebn_copy_out(ret, size, &c, sizeof(c));
	return 0;
}

int ebpfnet_ct_count_endpoints(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
			       struct ebpfnet_ct_endpoint_count *ret, size_t n)
{
	struct ebn_dp_walk w;
	int r;

	if (!dp || (!ret && n))
		return -EINVAL;
	r = ebn_dp_walk_begin(dp, filter, &w);
	if (r < 0)
		return r;
	r = ebn_ct_count_endpoints(&w.walk, ret, n);
	ebn_dp_walk_done(&w);
	return r;
}
