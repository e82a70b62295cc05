/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many flows and sockets each backend has now, and the choice by it. What begins adds one and what is seen to end takes one
 * away; flows that end in silence are found by user space, which corrects the number of flows at each turn of its sweep.
 */
#ifndef EBN_LIB_ACTIVE_H
#define EBN_LIB_ACTIVE_H

#include "ebn_service.h"

#include "lib/service.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBN_BE_ACTIVES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ebn_be_active);
} ebn_active SEC(".maps");

static __always_inline struct ebn_be_active *ebn_active_of(__u32 row)
{
	return bpf_map_lookup_elem(&ebn_active, &row);
}

static __always_inline void ebn_active_flow(__u32 row, __u32 by)
{
	struct ebn_be_active *a = ebn_active_of(row);

	if (a)
		__sync_fetch_and_add(&a->flows, by);
}

/** One of the sockets it has: a mark by which it is taken away again, 0 where nobody counts. */
static __always_inline __u16 ebn_active_socket(__u32 row)
{
	struct ebn_be_active *a = ebn_active_of(row);

	if (!a)
		return 0;
	__sync_fetch_and_add(&a->sockets, 1);
	return EBN_ACTIVE_MARK(EBN_READ(a->generation));
}

/* Unless the row has become another backend's meanwhile. */
static __always_inline void ebn_active_socket_gone(__u32 row, __u16 mark)
{
	struct ebn_be_active *a = mark ? ebn_active_of(row) : 0;

	if (a && EBN_ACTIVE_MARK(EBN_READ(a->generation)) == mark)
		__sync_fetch_and_add(&a->sockets, -1);
}

/** Two backends are drawn, each by its share of the slots, and the one with fewer connections for its weight is taken. */
struct ebn_svc_least_ask {
	__u32 dir, set, hash;
	__u32 row;		/* found */
};

static __always_inline __u64 ebn_active_load(__u32 row)
{
	struct ebn_be_active *a = ebn_active_of(row);

	return a ? ebn_active_sum(EBN_READ(a->flows), EBN_READ(a->sockets)) : 0;
}

/** 1, or 0 when nobody takes new flows. */
__attribute__((noinline)) int ebn_svc_least(struct ebn_svc_least_ask *a)
{
	__u32 one, other, row, second, weights, slots, off;
	const struct ebn_svc_set *s;
	__u64 load, than;
	struct ebn_view v;

	if (!a || !a->set || ebn_view_at(&v, a->dir))
		return 0;
	s = ebn_node_line(&v, a->set);
	slots = s->slots;
	if (!slots)
		return 0;
	off = a->set + s->slot_off;
	weights = a->set + s->weight_off;
	one = ebn_node_u16(&v, off + 2 * ebn_svc_slot(a->hash, slots));
	other = ebn_node_u16(&v, off + 2 * ebn_svc_slot(ebn_svc_second(a->hash), slots));
	row = ebn_node_u32(&v, a->set + sizeof(*s) + 4 * one);
	second = ebn_node_u32(&v, a->set + sizeof(*s) + 4 * other);
	/* a's load for its weight above b's: multiplied out */
	load = ebn_active_load(row) * ebn_node_u16(&v, weights + 2 * other);
	than = ebn_active_load(second) * ebn_node_u16(&v, weights + 2 * one);
	a->row = load > than ? second : row;
	return 1;
}

/** The backend that a hash draws, as the frontend's row says: 1, or 0 when nobody takes new flows. */
static __always_inline int ebn_svc_draw(const struct ebn_view *v, const struct ebn_svc_ask *ask, __u32 hash,
					struct ebn_svc_pick *p)
{
	struct ebn_svc_least_ask l = { .dir = v->dir, .set = ask->set, .hash = hash };

	if (!(ask->flags & EBN_SVC_F_LEAST))
		return ebn_svc_pick(v, ask->set, hash, p);
	return ebn_svc_least(&l) && ebn_svc_backend_row(v, l.row, p);
}

#endif
