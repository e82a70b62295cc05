/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Node devices that pace what limited endpoints send, as the programs know them (bpf/lib/rate.h). */
#include "core/features.h"
#include "datapath/private.h"
#include "datapath/qdisc.h"

#include <net/if.h>

/*
 * Of one endpoint there may wait what fq keeps of one flow in packets of this size. What is told to wait and then dropped by fq is
 * paid for all the same: a sender of smaller packets that does not slow down is left with a fraction of its rate.
 */
#define EBN_PACED_PACKET 1000u

static __u64 *ebn_paced(struct ebpfnet_datapath *dp, uint32_t ifindex)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint32_t i;

	for (i = 0; i < EBN_PACED_MAX; i++)
		if ((uint32_t)hdr->paced[i] == ifindex)
			return &hdr->paced[i];
	return NULL;
}

/* One switch, so that nobody asks for a route where no device paces. The place first, then the switch. */
static void ebn_paced_switch(struct ebpfnet_datapath *dp)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint32_t flags = EBN_READ(hdr->flags) & ~EBN_NODE_F_PACE, i;

	for (i = 0; i < EBN_PACED_MAX; i++)
		if (hdr->paced[i])
			flags |= EBN_NODE_F_PACE;
	EBN_WRITE(hdr->flags, flags);
}

/* room 0: it does not pace. */
static int ebn_paced_mark(struct ebpfnet_datapath *dp, uint32_t ifindex, uint32_t room)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	__u64 *place = ebn_paced(dp, ifindex);
	struct ebn_link_info info;
	uint32_t i;

	if (!room && !place)
		return 0;
	if (!place)
		place = ebn_paced(dp, 0);
	for (i = 0; i < EBN_PACED_MAX && !place; i++)
		if (ebn_nl_link(&dp->p->nl, NULL, (uint32_t)hdr->paced[i], &info) == -ENODEV)
			place = &hdr->paced[i];
	if (!place)
		return -ENOSPC;
	EBN_WRITE(*place, room ? ifindex | (uint64_t)room << 32 : 0);
	ebn_paced_switch(dp);
	return 0;
}

static uint32_t ebn_paced_room(struct ebpfnet_datapath *dp, uint32_t ifindex)
{
	const __u64 *place = ebn_paced(dp, ifindex);

	return place ? (uint32_t)(*place >> 32) : 0;
}

/* What goes into a tunnel leaves by a node's device, but nobody knows which: all have to pace. */
int ebn_pacing_overlay(struct ebpfnet_datapath *dp)
{
	uint32_t i, room = UINT32_MAX, here;
	int r = 0;

	for (i = dp->p->n_endpoints; i < dp->p->dev_n; i++)
		if (ebn_dev(dp, i)->ifindex && ebn_dev(dp, i)->kind == EBN_DEV_NETDEV) {
			here = ebn_paced_room(dp, ebn_dev(dp, i)->ifindex);
			room = here < room ? here : room;
		}
	for (i = dp->p->n_endpoints; i < dp->p->dev_n && !r; i++)
		if (ebn_dev(dp, i)->ifindex && ebn_dev(dp, i)->kind == EBN_DEV_OVERLAY)
			r = ebn_paced_mark(dp, ebn_dev(dp, i)->ifindex, room == UINT32_MAX ? 0 : room);
	return r;
}

static int ebn_pacing_mode(struct ebpfnet_datapath *dp, const struct ebn_dev_row *d, struct ebn_qdiscs *q,
			   struct ebpfnet_diag *diag)
{
	int r = ebn_nl_qdiscs(&dp->p->nl, d->ifindex, q);

	if (r < 0)
		return ebn_diag(diag, NULL, r, "device %u: its queueing disciplines cannot be read", d->ifindex);
	if (d->pacing == EBPFNET_PACING_FQ && !ebn_qdiscs_pace(q))
		r = ebn_nl_fq_set(&dp->p->nl, q, diag);
	else if (d->pacing != EBPFNET_PACING_FQ && q->handle == EBN_FQ_HANDLE)
		r = ebn_nl_fq_del(&dp->p->nl, d->ifindex);
	else
		return 0;
	return r < 0 ? r : ebn_nl_qdiscs(&dp->p->nl, d->ifindex, q);
}

int ebn_pacing_apply(struct ebpfnet_datapath *dp, uint32_t n, struct ebpfnet_diag *diag)
{
	const struct ebn_dev_row *d = ebn_dev(dp, n);
	struct ebn_qdiscs q;
	uint64_t room = 0;
	int r, e;

	if (d->kind != EBN_DEV_NETDEV)
		return 0;
	e = ebn_probe_pace();
	if (e <= 0 && d->pacing == EBPFNET_PACING_FQ)
		return ebn_diag(diag, NULL, EOPNOTSUPP, "the kernel does not let programs say when a packet leaves");
	r = ebn_pacing_mode(dp, d, &q, diag);
	if (!r && e > 0 && d->pacing != EBPFNET_PACING_POLICE && ebn_qdiscs_pace(&q))
		room = (uint64_t)q.packets * EBN_PACED_PACKET;
	/* whatever is not known to pace does not */
	e = ebn_paced_mark(dp, d->ifindex, (uint32_t)(room < EBN_PACED_BYTES_MAX ? room : EBN_PACED_BYTES_MAX));
	if (!r)
		r = e;
	e = ebn_pacing_overlay(dp);
	if (!r)
		r = e;
	if (r < 0)
		return ebn_diag(diag, NULL, r, r == -ENOSPC ? "more than %u devices pace" : "pacing", EBN_PACED_MAX);
	return room ? 1 : 0;
}

void ebn_pacing_forget(struct ebpfnet_datapath *dp, uint32_t n)
{
	const struct ebn_dev_row *d = ebn_dev(dp, n);
	struct ebn_qdiscs q;

	if (d->kind != EBN_DEV_NETDEV && d->kind != EBN_DEV_OVERLAY)
		return;
	(void)ebn_paced_mark(dp, d->ifindex, 0);
	if (d->pacing == EBPFNET_PACING_FQ && !ebn_nl_qdiscs(&dp->p->nl, d->ifindex, &q) && q.handle == EBN_FQ_HANDLE)
		(void)ebn_nl_fq_del(&dp->p->nl, d->ifindex);
}

/* ---- the calls ---- */

static int ebn_pacing_row(struct ebpfnet_datapath *dp, const char *device, uint32_t *ret, struct ebpfnet_diag *diag)
{
	struct ebn_link_info info;
	int r = ebn_nl_link(&dp->p->nl, device, 0, &info);

	if (r < 0)
		return ebn_diag(diag, device, r, r == -ENODEV ? "no such device" : "cannot ask about the device");
	if (ebn_dev_find(dp, info.ifindex, ret) || ebn_dev(dp, *ret)->kind != EBN_DEV_NETDEV)
		return ebn_diag(diag, device, ENOENT, "not attached as a node's device");
	return 0;
}

int ebpfnet_datapath_set_pacing(struct ebpfnet_datapath *dp, const char *device, enum ebpfnet_pacing pacing,
				struct ebpfnet_diag *diag)
{
	uint32_t before, n;
	int r;

	if (!device || (unsigned int)pacing > EBPFNET_PACING_POLICE)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (!r)
		r = ebn_pacing_row(dp, device, &n, diag);
	if (r < 0)
		return r;
	before = ebn_dev(dp, n)->pacing;
	ebn_dev(dp, n)->pacing = pacing;
	r = ebn_pacing_apply(dp, n, diag);
	if (r < 0)
		ebn_dev(dp, n)->pacing = before;
	return r;
}

static bool ebn_pacing_paces(struct ebpfnet_datapath *dp, uint32_t ifindex)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	uint32_t i;

	for (i = 0; i < EBN_PACED_MAX; i++)
		if ((uint32_t)EBN_READ(hdr->paced[i]) == ifindex)
			return true;
	return false;
}

int ebpfnet_datapath_foreach_pacing(struct ebpfnet_datapath *dp, ebpfnet_pacing_fn fn, void *userdata)
{
	struct ebn_dev_row row;
	uint32_t i;
	int r;

	if (!dp || !fn)
		return -EINVAL;
	if (!dp->prepared)
		return -EBUSY;
	for (i = dp->p->n_endpoints; !(r = ebn_dev_read(dp, i, &row)); i++) {
		struct ebpfnet_pacing_info info = { .ifindex = row.ifindex, .pacing = (uint8_t)row.pacing };

		if (!row.ifindex || (row.kind != EBN_DEV_NETDEV && row.kind != EBN_DEV_OVERLAY))
			continue;
		if (!if_indextoname(row.ifindex, info.device))
			info.device[0] = '\0';
		info.overlay = row.kind == EBN_DEV_OVERLAY;
		info.paced = ebn_pacing_paces(dp, row.ifindex);
		r = fn(&info, userdata);
		if (r)
			return r;
	}
	return r == -ENOENT ? 0 : r;
}
