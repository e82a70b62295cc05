// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Flows out of a datapath's tables and into them. */
#include "conntrack/image.h"
#include "datapath/conntrack.h"

/* An importer that met a program in its place tries again so often. */
#define TRIES 8

int ebpfnet_ct_export(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter, ebpfnet_ct_write_fn fn,
		      void *userdata)
{
	struct ebn_dp_walk w;
	int r;

	if (!dp || !fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_dp_walk_begin(dp, filter, &w);
	if (r < 0)
		return r;
	r = ebn_image_write(&w.walk, fn, userdata);
	ebn_dp_walk_done(&w);
	return r;
}

struct import {
	struct ebpfnet_datapath *dp;
	struct ebn_ct_view view;
	const uint32_t *idle_ticks;
	struct ebpfnet_ct_import_stats stats;
};

/* Whose flow it is, until its next packet looks for itself: an endpoint's share counts imported flows too. */
static uint16_t row_of(struct import *im, const struct ebpfnet_addr *addr)
{
	uint32_t a[4], identity, row = 0;

	memcpy(a, addr->b, sizeof(a));
	return ebn_addr_get(im->dp->rows, a, &identity, &row) < 0 ? 0 : (uint16_t)row;
}

static int import_one(const struct ebn_image_flow *flow, void *arg)
{
	struct import *im = arg;
	struct ebn_flow_copy c;
	bool v6;
	int r, i;

	im->stats.read++;
	if (!ebn_image_copy(flow, &im->view, im->idle_ticks, &v6, &c)) {
		im->stats.expired++;
		return 0;
	}
	i = EBN_CTL_FLAGS(c.body.ctl) & EBN_FF_INIT_HI ? 1 : 0;
	if (flow->entry.zone == 0) {
		c.body.row[i] = row_of(im, &flow->entry.src);
		c.body.row[!i] = row_of(im, &flow->entry.dst);
	}
	for (i = 0, r = -EBUSY; i < TRIES && r == -EBUSY; i++)
		r = ebn_flow_import(&im->dp->flows[v6], &c);
	if (r == 1)
		im->stats.imported++;
	else if (!r)
		im->stats.present++;
	else
		im->stats.refused++;
	return 0;
}

int ebpfnet_ct_import(struct ebpfnet_datapath *dp, const void *data, size_t len, struct ebpfnet_ct_import_stats *ret,
		      size_t size, struct ebpfnet_diag *diag)
{
	struct import im = { .dp = dp };
	const struct ebn_node_hdr *hdr;
	uint32_t random;
	int r;

	if (!dp || !data || (ret && !size))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (!r)
		r = ebn_random(&random, sizeof(random));
	if (r < 0)
		return r;
	hdr = dp->node_mem;
	im.idle_ticks = hdr->idle_ticks;
	im.view.now = ebn_dp_now_tick(dp);
	im.view.tick_ns = ebn_dp_tick_ns(dp);
	/* sums of epochs are small numbers: nobody's verdict stands on this one */
	im.view.epoch = random | 1u << 31;
	r = ebn_image_read(data, len, import_one, &im, diag);
	if (r < 0)
		return r;
	if (ret)
		ebn_copy_out(ret, size, &im.stats, sizeof(im.stats));
	return 0;
}
