/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Services: what the datapath calls. Over node tables in any memory; no kernel needed. */
#ifndef EBN_SERVICE_SERVICE_H
#define EBN_SERVICE_SERVICE_H

#include "ebn_service.h"
#include "tables/node.h"
#include <ebpfnet/service.h>

struct ebn_services;

/* The numbers programs count by; a number given out again begins at 0. */
struct ebn_svc_counters {
	void (*service_reset)(void *arg, uint32_t service);
	void (*backend_reset)(void *arg, uint32_t row);
	void *arg;
};

/*
 * Takes over what is in the tables, or begins with nothing. Between ebn_node_open() and ebn_node_adopted(): marks what it
 * owns. -EPROTO with diag: damaged. Freed before the node tables' last grace period may end: what is deferred refers to it.
 */
int ebn_services_open(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebpfnet_diag *diag,
		      struct ebn_services **ret);
/* After ebn_node_adopted(): completes what a killed writer began. Changes nothing that is right. */
int ebn_services_settle(struct ebn_services *s, struct ebpfnet_diag *diag);
void ebn_services_free(struct ebn_services *s);
void ebn_services_count(struct ebn_services *s, const struct ebn_svc_counters *counters);

/* As the public functions. */
int ebn_services_upsert(struct ebn_services *s, const struct ebpfnet_service_opts *opts, struct ebpfnet_diag *diag);
int ebn_services_delete(struct ebn_services *s, const char *name);
int ebn_services_sync(struct ebn_services *s, const struct ebpfnet_service_opts *const *services, size_t n,
		      struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag);
int ebn_services_try(struct ebn_services *s, const struct ebpfnet_service_opts *const *services, size_t n,
		     struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag);
int ebn_services_state(struct ebn_services *s, const char *service, const struct ebpfnet_backend *backend,
		       enum ebpfnet_backend_state state);
int ebn_services_node(struct ebn_services *s, const struct ebpfnet_service_node_opts *opts, struct ebpfnet_diag *diag);

struct ebn_services_totals {
	uint32_t services, rows, backends, sets;
};
void ebn_services_totals(struct ebn_services *s, struct ebn_services_totals *ret);

/* ---- readers: from the mapped tables, in any process ---- */
int ebn_services_select(const void *mem, uint64_t size, const struct ebpfnet_service_query *q,
			struct ebpfnet_service_answer *ret);
typedef int (*ebn_svc_record_fn)(uint32_t number, const struct ebpfnet_service_opts *service, void *arg);
int ebn_services_read(const void *mem, uint64_t size, ebn_svc_record_fn fn, void *arg);
/* As ebpfnet_service_local(): by the writer's memory, and out of the tables. */
int ebn_services_local(struct ebn_services *s, const char *name, uint32_t *ret);
int ebn_services_read_local(const void *mem, uint64_t size, const char *name, uint32_t *ret);
/* Row of a backend, or -ENOENT. */
int ebn_services_backend_row(const void *mem, uint64_t size, const struct ebpfnet_backend *b, uint32_t *ret_row);

#endif
