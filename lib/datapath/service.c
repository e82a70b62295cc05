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
	ebn_count_reset(arg, EBN_COUNT_SVC, number);
}

static void ebn_backend_reset(void *arg, uint32_t row)
{
	ebn_sock_reset_backend(arg, row);
	ebn_xdp_reset_backend(arg, row);
	ebn_active_reset(arg, row);
	ebn_count_reset(arg, EBN_COUNT_BE, row + 1);
}

int ebn_counts_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_counters counters = { ebn_service_reset, ebn_backend_reset, dp };
	int r = ebn_sock_open(dp, diag);

	if (!r)
		r = ebn_xdp_open(dp, diag);
	if (!r)
		ebn_count_open(dp);
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
	ebn_count_close(dp);
}

int ebn_counts_refresh(struct ebpfnet_datapath *dp, const char *dir, struct ebpfnet_diag *diag)
{
	int r = ebn_sock_refresh(dp, dir, diag);

	ebn_count_open(dp);
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

int ebpfnet_service_local(struct ebpfnet_datapath *dp, const char *name, uint32_t *ret)
{
	int r = name && ret ? ebn_dp_tables(dp) : -EINVAL;

	if (r < 0)
		return r;
	/* who writes knows it without reading every record */
	return dp->services ? ebn_services_local(dp->services, name, ret) :
			      ebn_services_read_local(dp->node_mem, dp->node_size, name, ret);
}

struct ebn_service_each {
	struct ebpfnet_datapath *dp;
	struct ebn_count_map map;
	ebpfnet_service_fn fn;
	void *userdata;
};

static int ebn_service_each(uint32_t number, const struct ebpfnet_service_opts *service, void *arg)
{
	struct ebn_service_each *e = arg;
	struct ebpfnet_service_stats stats;
	struct ebn_svc_count c;

	/* no counters yet: nothing was counted */
	(void)ebn_sock_service_stats(e->dp, number, &stats);
	(void)ebn_count_read(&e->map, EBN_COUNT_SVC, number, (uint64_t *)&c);
	stats.no_backend += c.no_backend;
	stats.denied += c.denied;
	stats.flows = c.flows;
	memcpy(stats.packets, c.packets, sizeof(stats.packets));
	memcpy(stats.bytes, c.bytes, sizeof(stats.bytes));
	return e->fn(service, &stats, e->userdata);
}

int ebpfnet_service_foreach(struct ebpfnet_datapath *dp, ebpfnet_service_fn fn, void *userdata)
{
	struct ebn_service_each e = { .dp = dp, .fn = fn, .userdata = userdata };
	int r;

	if (!dp || !fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (r < 0)
		return r;
	(void)ebn_count_reader(dp, EBN_COUNT_SVC, &e.map);
	r = ebn_services_read(dp->node_mem, dp->node_size, ebn_service_each, &e);
	ebn_close(&e.map.fd);
	return r;
}

int ebpfnet_service_backend_stats(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend,
				  struct ebpfnet_backend_stats *ret, size_t size)
{
	struct ebpfnet_backend_stats st = { 0 };
	struct ebn_count_map map;
	struct ebn_be_count c;
	uint32_t row;
	int r;

	if (!dp || !backend || !ret || !size)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_services_backend_row(dp->node_mem, dp->node_size, backend, &row);
	if (r < 0)
		return r;
	(void)ebn_count_reader(dp, EBN_COUNT_BE, &map);
	(void)ebn_count_read(&map, EBN_COUNT_BE, row + 1, (uint64_t *)&c);
	ebn_close(&map.fd);
	st.connections = ebn_sock_backend_count(dp, row);
	st.active = ebn_active_read(dp, row);
	st.flows = c.flows;
	memcpy(st.packets, c.packets, sizeof(st.packets));
	memcpy(st.bytes, c.bytes, sizeof(st.bytes));
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}

struct ebn_service_named {
	const char *name;
	uint32_t number;
};

static int ebn_service_named(uint32_t number, const struct ebpfnet_service_opts *service, void *arg)
{
	struct ebn_service_named *n = arg;

	if (strcmp(service->name, n->name))
		return 0;
	n->number = number;
	return 1;
}

int ebn_service_number(struct ebpfnet_datapath *dp, const char *name, uint32_t *ret)
{
	struct ebn_service_named n = { .name = name };
	int r = ebn_services_read(dp->node_mem, dp->node_size, ebn_service_named, &n);

	*ret = n.number;
	return r < 0 ? r : n.number ? 0 : -ENOENT;
}

int ebpfnet_service_active(struct ebpfnet_datapath *dp, const char *service, const struct ebpfnet_backend *backend,
			   uint64_t *ret)
{
	uint32_t number = 0, row = UINT32_MAX;
	int r;

	if (!dp || !ret)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r && service)
		r = ebn_service_number(dp, service, &number);
	if (!r && backend)
		r = ebn_services_backend_row(dp->node_mem, dp->node_size, backend, &row);
	if (!r)
		*ret = ebn_count_active(dp, number, row);
	return r;
}
