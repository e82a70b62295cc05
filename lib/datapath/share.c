// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Endpoints' shares of the flow tables. Programs add one to the owner's word for each place they take and never take one away;
 * each turn of the sweep counts what there is, and corrects the words by the difference. So they are right again a turn
 * after anything, a crash included.
 */
#include "datapath/private.h"

void ebn_share_close(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;

	free(p->owned);
	free(p->owned_before);
	p->owned = p->owned_before = NULL;
}

int ebn_share_open(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;

	if (dp->readonly)
		return 0;
	p->owned = ebn_calloc(2 * (size_t)p->n_share, sizeof(*p->owned));
	p->owned_before = ebn_calloc(2 * (size_t)p->n_share, sizeof(*p->owned_before));
	return p->owned && p->owned_before ? 0 : -ENOMEM;
}

/* A turn begins: what is added to the words from here on may or may not be seen by it. */
void ebn_share_begin(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;
	uint32_t i;

	memset(p->owned, 0, 2 * (size_t)p->n_share * sizeof(*p->owned));
	for (i = 0; i < 2 * p->n_share; i++)
		p->owned_before[i] = EBN_READ(dp->share[i / 2].used[i & 1]);
}

/*
 * A turn has ended: what it counted, and what programs have added meanwhile. Some of that it has counted too; that is for the
 * next turn to find out. How many owners are over their share.
 */
uint32_t ebn_share_end(struct ebpfnet_datapath *dp)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	struct ebn_dp_private *p = dp->p;
	uint32_t i, n, used, quota, over = 0;

	for (i = 2; i < 2 * p->n_share; i++) {
		n = p->owned[(i & 1) * p->n_share + i / 2] - p->owned_before[i];
		used = __atomic_add_fetch(&dp->share[i / 2].used[i & 1], n, __ATOMIC_RELAXED);
		quota = EBN_READ(hdr->quota[i & 1]);
		over += quota && used >= quota;
	}
	return over;
}

/* The words that programs compare with, from the percentage and the tables' sizes. */
void ebn_share_quota(struct ebpfnet_datapath *dp, uint32_t percent)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint64_t ways;
	int i;

	EBN_WRITE(hdr->quota_percent, percent);
	for (i = 0; i < 2; i++) {
		ways = ((uint64_t)dp->flows[i].mask + 1) * EBN_FLOW_WAYS;
		EBN_WRITE(hdr->quota[i], (uint32_t)(ways * percent / 100));
	}
}

uint32_t ebn_share_over(const struct ebpfnet_datapath *dp, int family)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	uint32_t quota = EBN_READ(hdr->quota[family]), i, n = 0;

	for (i = 1; quota && i < dp->p->n_share; i++)
		n += EBN_READ(dp->share[i].used[family]) >= quota;
	return n;
}
