// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Flows out of a datapath's tables and into them. */
#include "conntrack/image.h"
#include "datapath/conntrack.h"
#include "datapath/nat.h"

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
	struct ebn_nat_row nat[EBN_NAT_ROWS];
	uint32_t n_nat;
};

/* Whose flow it is, until its next packet looks for itself: an endpoint's share counts imported flows too. */
static uint16_t row_of(struct import *im, const struct ebpfnet_addr *addr)
{
	uint32_t a[4], identity, row = 0;

	memcpy(a, addr->b, sizeof(a));
	return ebn_addr_get(im->dp->rows, a, &identity, &row) < 0 ? 0 : (uint16_t)row;
}

/* 1 imported, 0 there already, -ENOSPC, -EBUSY. */
static int put(struct import *im, const struct ebn_flow_copy *c, bool v6)
{
	int i, r = -EBUSY;

	for (i = 0; i < TRIES && r == -EBUSY; i++)
		r = ebn_flow_import(&im->dp->flows[v6], c);
	return r;
}

/* The device's row that translates to this address, with this port in its range. */
static const struct ebn_nat_row *nat_row(const struct import *im, const struct ebpfnet_ct_entry *e, bool v6)
{
	uint32_t i;

	for (i = 0; i < im->n_nat; i++)
		if (!memcmp(im->nat[i].addr[v6], e->nat_addr.b, 16) &&
		    (!e->nat_port || (e->nat_port >= im->nat[i].port_min && e->nat_port <= im->nat[i].port_max)))
			return &im->nat[i];
	return NULL;
}

/* A reservation that is there: is it this flow's? */
static bool same_owner(const struct ebn_flow_copy *a, const struct ebn_flow_copy *b)
{
	return a->body.aux == b->body.aux && a->body.row[0] == b->body.row[0] && a->body.row[1] == b->body.row[1] &&
	       EBN_CTL_FLAGS(a->body.ctl) == EBN_CTL_FLAGS(b->body.ctl);
}

/*
 * A translated flow: its port first, so that nobody else gets it, and the port only with the flow. A flow of an endpoint, an
 * address or a port that is not this node's is of no use here: its next packet begins anew, with a port of ours.
 */
static int put_translated(struct import *im, const struct ebpfnet_ct_entry *e, const struct ebn_flow_copy *c, bool v6,
			  uint16_t row)
{
	const struct ebn_ep_row *ep = row ? ebn_ep_row(im->dp->rows, row - 1u) : NULL;
	const struct ebn_nat_row *nat = nat_row(im, e, v6);
	struct ebn_flow_copy port, is;
	int r, given;

	if (!ep || !nat)
		return -ENOENT;
	if (ebn_flow_lookup(&im->dp->flows[v6], &c->key, &is))
		return 0;
	ebn_image_reservation(e, c, row, ep->incarnation, (uint16_t)nat->id, &port);
	given = put(im, &port, v6);
	if (given < 0)
		return given;
	if (!ebn_flow_lookup(&im->dp->flows[v6], &port.key, &is) || !same_owner(&port, &is))
		return -EADDRINUSE;
	r = put(im, c, v6);
	if (r != 1 && given)
		ebn_flow_kill(&im->dp->flows[v6], &is);
	return r;
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
		/* a translated flow's peer is not local: its row is the port */
		if (!(flow->entry.flags & EBPFNET_CT_F_NAT))
			c.body.row[!i] = row_of(im, &flow->entry.dst);
	}
	if (flow->entry.flags & EBPFNET_CT_F_NAT)
		r = put_translated(im, &flow->entry, &c, v6, c.body.row[i]);
	else
		r = put(im, &c, v6);
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
	r = ebn_nat_read(dp, im.nat, &im.n_nat);
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
