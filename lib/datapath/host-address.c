/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which addresses are the host's: those of the network namespace. In the table their entries name the host's row. */
#include "datapath/host.h"

#include <linux/rtnetlink.h>

struct address {
	uint32_t a[4];
	uint32_t identity;
};

struct list {
	struct address *at;
	size_t n, cap;
	uint32_t row;
};

static int add(struct list *l, const void *a, uint32_t identity)
{
	if (ebn_grow(&l->at, &l->cap, l->n + 1, sizeof(*l->at)))
		return -ENOMEM;
	memcpy(l->at[l->n].a, a, sizeof(l->at[l->n].a));
	l->at[l->n++].identity = identity;
	return 0;
}

static int add_local(const struct ebpfnet_addr *addr, uint32_t ifindex, uint8_t scope, void *arg)
{
	(void)ifindex;
	/* the loopback's own never leave */
	return scope == RT_SCOPE_HOST ? 0 : add(arg, addr->b, 0);
}

static int add_known(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	struct list *l = arg;

	return row == l->row ? add(l, addr, identity) : 0;
}

static int order(const void *a, const void *b)
{
	return memcmp(((const struct address *)a)->a, ((const struct address *)b)->a, 16);
}

static bool has(const struct list *l, const struct address *a)
{
	return l->n && bsearch(a, l->at, l->n, sizeof(*l->at), order);
}

/* One that came: what is said of it stays. 1, or 0 when it is an endpoint's. */
static int take(struct ebpfnet_datapath *dp, const uint32_t a[4], uint32_t host)
{
	uint32_t identity = EBN_ID_HOST, row = 0;
	int r;

	if (!ebn_policy_addr_get(dp->policy, a, &identity, &row) && row)
		return 0;
	ebn_dp_room(dp);
	r = ebn_policy_addr_set(dp->policy, a, identity, host);
	return r < 0 ? r : 1;
}

/* One that went. */
static int give_back(struct ebpfnet_datapath *dp, const struct address *a)
{
	uint32_t identity, row;
	int r = ebn_policy_addr_get(dp->policy, a->a, &identity, &row);

	if (!r)
		r = identity == EBN_ID_HOST ? ebn_policy_addr_del(dp->policy, a->a) :
					      ebn_policy_addr_set(dp->policy, a->a, identity, 0);
	return r < 0 ? r : 1;
}

int ebn_host_addresses(struct ebpfnet_datapath *dp, uint32_t row, bool none)
{
	struct list now = { 0 }, known = { .row = row };
	int r, n = 0;
	size_t i;

	r = none ? 0 : ebn_nl_addrs(&dp->p->nl, add_local, &now);
	if (!r)
		r = ebn_addr_foreach(dp->rows, add_known, &known);
	if (now.n)
		qsort(now.at, now.n, sizeof(*now.at), order);
	if (known.n)
		qsort(known.at, known.n, sizeof(*known.at), order);
	for (i = 0; r >= 0 && i < now.n; i++) {
		if (has(&known, &now.at[i]) || (i && !order(&now.at[i], &now.at[i - 1])))
			continue;
		r = take(dp, now.at[i].a, row);
		n += r > 0;
	}
	for (i = 0; r >= 0 && i < known.n; i++) {
		if (has(&now, &known.at[i]))
			continue;
		r = give_back(dp, &known.at[i]);
		n += r > 0;
	}
	free(now.at);
	free(known.at);
	return r < 0 ? r : n;
}

static int count(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	struct list *l = arg;

	(void)addr;
	(void)identity;
	l->n += row == l->row;
	return 0;
}

uint32_t ebn_host_count_addresses(struct ebpfnet_datapath *dp, uint32_t row)
{
	struct list l = { .row = row };

	(void)ebn_rows_read_addresses(dp->node_mem, dp->node_size, count, &l);
	return (uint32_t)l.n;
}

int ebpfnet_host_refresh(struct ebpfnet_datapath *dp)
{
	uint32_t row;
	int r = ebn_dp_writable(dp);

	if (r < 0)
		return r;
	row = ebn_host_row(dp);
	return row ? ebn_host_addresses(dp, row, false) : -ENOENT;
}
