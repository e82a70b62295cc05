/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What services' packets are counted by, each CPU for itself. */
#ifndef EBN_LIB_SERVICE_COUNT_H
#define EBN_LIB_SERVICE_COUNT_H

#include "ebn_service.h"

#include "lib/active.h"
#include "lib/run.h"

/* Sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct ebn_svc_count);
} ebn_svc_count SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct ebn_be_count);
} ebn_be_count SEC(".maps");

static __always_inline struct ebn_svc_count *ebn_svc_count_of(__u32 service)
{
	struct ebn_svc_count *c = bpf_map_lookup_elem(&ebn_svc_count, &service);
	__u32 zero = 0;

	return c ? c : bpf_map_lookup_elem(&ebn_svc_count, &zero);
}

/** A packet of run->svc's service and backend that was let through; way: 0 to the backend, 1 from it. */
__attribute__((noinline)) int ebn_svc_passed(__u32 way)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_svc_count *c;
	struct ebn_be_count *b;
	__u32 cell, zero = 0;

	if (!run)
		return 0;
	c = ebn_svc_count_of(run->svc.service);
	cell = run->svc.row + 1;
	b = bpf_map_lookup_elem(&ebn_be_count, &cell);
	if (!b)
		b = bpf_map_lookup_elem(&ebn_be_count, &zero);
	if (!c || !b)
		return 0;
	way &= 1;
	c->packets[way]++;
	c->bytes[way] += run->p.len;
	b->packets[way]++;
	b->bytes[way] += run->p.len;
	if (!way && run->svc.begun) {
		c->flows++;
		b->flows++;
		ebn_active_flow(run->svc.row, 1);
	}
	return 0;
}

/** A packet that was not given a backend, by run->ask. */
static __always_inline void ebn_svc_not_passed(const struct ebn_run *run, enum ebn_reason reason)
{
	struct ebn_svc_count *c;

	if (reason != EBN_R_SVC_NO_BACKEND && reason != EBN_R_SVC_SOURCE)
		return;
	c = ebn_svc_count_of(run->ask.service);
	if (!c)
		return;
	if (reason == EBN_R_SVC_SOURCE)
		c->denied++;
	else
		c->no_backend++;
}

#endif
