/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The service calls that take a datapath. */
#include "datapath/private.h"
#include "service/service.h"

static int ebn_service_dp(struct ebpfnet_datapath *dp)
{
	int r = ebn_dp_writable(dp);

	if (!r)
		ebn_dp_room(dp);
	return r;
}

/* A number that is given out again begins at 0, whoever counts by it. */
static void ebn_service_reset(void *arg, uint32_t number)
{
	ebn_sock_reset_service(arg, number);
	ebn_xdp_reset_service(arg, number);
}

static void ebn_backend_reset(void *arg, uint32_t row)
{
	ebn_sock_reset_backend(arg, row);
	ebn_xdp_reset_backend(arg, row);
}

int ebn_counts_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_counters counters = { ebn_service_reset, ebn_backend_reset, dp };
	int r = ebn_sock_open(dp, diag);

	if (!r)
		r = ebn_xdp_open(dp, diag);
	if (!r && dp->services)
		ebn_services_count(dp->services, &counters);
	return r;
}

void ebn_counts_close(struct ebpfnet_datapath *dp)
{
	static const struct ebn_svc_counters none;

	if (dp->services)
		ebn_services_count(dp->services, &none);
	ebn_sock_close(dp);
	ebn_xdp_close(dp);
}

int ebn_counts_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag)
{
	int r = ebn_sock_refresh(dp, dir, diag);

	return r < 0 ? r : ebn_xdp_refresh(dp, dir, diag);
}

int ebpfnet_service_upsert(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *opts,
			   struct ebpfnet_diag *diag)
{
	int r = ebn_service_dp(dp);

	return r < 0 ? r : ebn_services_upsert(dp->services, opts, diag);
}

int ebpfnet_service_delete(struct ebpfnet_datapath *dp, const char *name)
{
	int r = ebn_service_dp(dp);

	return r < 0 ? r : ebn_services_delete(dp->services, name);
}

int ebpfnet_service_sync(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *const *services, size_t n,
			 struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag)
{
	int r = ebn_service_dp(dp);

	return r < 0 ? r : ebn_services_sync(dp->services, services, n, ret, diag);
}

int ebpfnet_service_try(struct ebpfnet_datapath *dp, const struct ebpfnet_service_opts *const *services, size_t n,
			struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag)
{
	int r = ebn_service_dp(dp);

	return r < 0 ? r : ebn_services_try(dp->services, services, n, ret, diag);
}

int ebpfnet_service_set_backend_state(struct ebpfnet_datapath *dp, const char *service,
				      const struct ebpfnet_backend *backend, enum ebpfnet_backend_state state)
{
	int r = ebn_service_dp(dp);

	return r < 0 ? r : ebn_services_state(dp->services, service, backend, state);
}

int ebpfnet_service_set_node(struct ebpfnet_datapath *dp, const struct ebpfnet_service_node_opts *opts,
			     struct ebpfnet_diag *diag)
{
	int r = ebn_service_dp(dp);

	return r < 0 ? r : ebn_services_node(dp->services, opts, diag);
}

int ebpfnet_service_select(struct ebpfnet_datapath *dp, const struct ebpfnet_service_query *query,
			   struct ebpfnet_service_answer *ret, size_t size)
{
	struct ebpfnet_service_answer a;
	int r;

	if (!dp || !query || !ret || query->outside > 1 || query->reserved[0] || query->reserved[1])
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_services_select(dp->node_mem, dp->node_size, query, &a);
	if (!r)
		ebn_copy_out(ret, size, &a, sizeof(a));
	return r;
}

struct ebn_service_each {
	struct ebpfnet_datapath *dp;
	ebpfnet_service_fn fn;
	void *userdata;
};

static int ebn_service_each(uint32_t number, const struct ebpfnet_service_opts *service, void *arg)
{
	struct ebn_service_each *e = arg;
	struct ebpfnet_service_stats stats;

	/* no counters yet: nothing was counted */
	(void)ebn_sock_service_stats(e->dp, number, &stats);
	return e->fn(service, &stats, e->userdata);
}

int ebpfnet_service_foreach(struct ebpfnet_datapath *dp, ebpfnet_service_fn fn, void *userdata)
{
	struct ebn_service_each e = { .dp = dp, .fn = fn, .userdata = userdata };
	int r;

	if (!dp || !fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	return r < 0 ? r : ebn_services_read(dp->node_mem, dp->node_size, ebn_service_each, &e);
}

int ebpfnet_service_backend_stats(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend,
				  uint64_t *ret_connections)
{
	uint32_t row;
	int r;

	if (!dp || !backend || !ret_connections)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_services_backend_row(dp->node_mem, dp->node_size, backend, &row);
	if (!r)
		*ret_connections = ebn_sock_backend_count(dp, row);
	return r;
}
