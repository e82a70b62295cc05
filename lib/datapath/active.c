/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * How many flows and sockets backends have now. Programs add one for what begins and take one away for what they see end; a
 * flow that falls silent ends without them, so each turn of the sweep counts the flows that there are, and corrects the words by
 * the difference, as with endpoints' shares (share.c).
 */
#include "datapath/private.h"
#include "ebn_service.h"

/* Cells of rows that there are. */
static uint32_t ebn_active_rows(struct ebpfnet_datapath *dp)
{
	uint32_t n = dp->active ? ebn_node_slot(dp->node, EBN_P_BACKEND).n : 0;

	return n < EBN_BE_ACTIVES ? n : EBN_BE_ACTIVES;
}

void ebn_active_close(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;

	free(p->served);
	p->served = NULL;
	p->n_served = p->room_served = 0;
}

void ebn_active_begin(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;
	uint32_t n = ebn_active_rows(dp), i;
	uint32_t *more;

	p->n_served = 0;
	if (n > p->room_served) {
		more = ebn_calloc(2 * (size_t)n, sizeof(*more));
		/* without memory they are right at another turn */
		if (!more)
			return;
		free(p->served);
		p->served = more;
		p->room_served = n;
	}
	for (i = 0; i < n; i++) {
		p->served[2 * i] = 0;
		p->served[2 * i + 1] = EBN_READ(dp->active[i].flows);
	}
	p->n_served = n;
}

void ebn_active_seen(const struct ebn_flow_copy *c, int by, void *arg)
{
	const struct ebpfnet_datapath *dp = arg;
	uint32_t row = c->body.aux;

	if (row < dp->p->n_served && EBN_CTL_STATE(c->body.ctl) != EBN_FS_CLOSING)
		dp->p->served[2 * row] += (uint32_t)by;
}

void ebn_active_end(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;
	uint32_t i, n;

	for (i = 0; i < p->n_served; i++) {
		n = p->served[2 * i] - p->served[2 * i + 1];
		if (n)
			__atomic_fetch_add(&dp->active[i].flows, n, __ATOMIC_RELAXED);
	}
	p->n_served = 0;
}

void ebn_active_reset(struct ebpfnet_datapath *dp, uint32_t row)
{
	struct ebn_be_active *a = dp->active && row < EBN_BE_ACTIVES ? &dp->active[row] : NULL;

	if (!a)
		return;
	/* first: sockets of the backend before do not take away what is another's */
	__atomic_fetch_add(&a->generation, 1, __ATOMIC_SEQ_CST);
	EBN_WRITE(a->flows, 0);
	EBN_WRITE(a->sockets, 0);
	if (row < dp->p->n_served)
		dp->p->served[2 * row] = dp->p->served[2 * row + 1] = 0;
}

uint64_t ebn_active_read(const struct ebpfnet_datapath *dp, uint32_t row)
{
	const struct ebn_be_active *a = dp->active && row < EBN_BE_ACTIVES ? &dp->active[row] : NULL;

	return a ? ebn_active_sum(EBN_READ(a->flows), EBN_READ(a->sockets)) : 0;
}
