// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the balancer on node devices counted. */
#include <stdlib.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/xdp.h"
#include "service/service.h"

static int ebn_xdp_state(struct ebpfnet_datapath *dp, struct ebn_xdp_state **ret)
{
	int r = ebn_dp_tables(dp);

	if (r < 0)
		return r;
	*ret = dp->p->xdp;
	return *ret && (*ret)->map_fd[0] >= 0 ? 0 : -ENOENT;
}

static void ebn_xdp_zero(const struct ebn_xdp_state *s, int map, uint32_t cell, size_t bytes)
{
	if (cell < s->entries[map])
		ebn_percpu_zero(s->map_fd[map], cell, bytes / sizeof(uint64_t));
}

void ebn_xdp_reset_service(struct ebpfnet_datapath *dp, uint32_t number)
{
	const struct ebn_xdp_state *s = dp->p->xdp;

	if (s && s->map_fd[0] >= 0)
		ebn_xdp_zero(s, EBN_XM_SVC, number, sizeof(struct ebn_xdp_svc_stat));
}

void ebn_xdp_reset_backend(struct ebpfnet_datapath *dp, uint32_t row)
{
	const struct ebn_xdp_state *s = dp->p->xdp;

	if (s && s->map_fd[0] >= 0)
		ebn_xdp_zero(s, EBN_XM_BE, row + 1, sizeof(struct ebn_xdp_be_stat));
}

/* Places that are taken; row: by this backend alone, UINT32_MAX: by any. */
static int ebn_xdp_taken(const struct ebn_xdp_state *s, uint32_t row, uint64_t *ret)
{
	size_t bytes = (size_t)s->entries[EBN_XM_CONN] * sizeof(struct ebn_xdp_set), i;
	const struct ebn_xdp_set *set;
	uint64_t w0, w1, n = 0;
	unsigned int k;
	void *mem;

	mem = mmap(NULL, bytes, PROT_READ, MAP_SHARED, s->map_fd[EBN_XM_CONN], 0);
	if (mem == MAP_FAILED)
		return -errno;
	set = mem;
	for (i = 0; i < s->entries[EBN_XM_CONN]; i++)
		for (k = 0; k < EBN_XDP_WAYS; k++) {
			w0 = EBN_READ(set[i].w[2 * k]);
			w1 = EBN_READ(set[i].w[2 * k + 1]);
			n += (w0 | w1) && (row == UINT32_MAX || EBN_XDP_ROW(w1) == row);
		}
	munmap(mem, bytes);
	*ret = n;
	return 0;
}

static void ebn_xdp_source(const struct ebn_xdp_conf *conf, struct ebpfnet_xdp_stats *st)
{
	st->source4.b[10] = st->source4.b[11] = 0xff;
	memcpy(st->source4.b + 12, &conf->src4, 4);
	memcpy(st->source6.b, conf->src6, sizeof(conf->src6));
}

int ebpfnet_xdp_stats(struct ebpfnet_datapath *dp, struct ebpfnet_xdp_stats *ret, size_t size)
{
	struct ebpfnet_xdp_stats st = { 0 };
	const struct {
		uint32_t cell;
		uint64_t *to;
	} cells[] = {
		{ EBN_XDP_C_UNRECORDED, &st.unrecorded }, { EBN_XDP_C_CHECKED, &st.checked },
		{ EBN_XDP_C_ECHO, &st.echoes },		  { EBN_XDP_C_ERROR, &st.errors },
		{ EBN_XDP_C_TOO_BIG, &st.too_big },	  { EBN_XDP_C_STACK, &st.stack },
		{ EBN_XDP_C_HERE, &st.local },
	};
	struct ebn_xdp_state *s;
	struct ebn_xdp_conf conf;
	uint32_t zero = 0;
	size_t i;
	int r;

	if (!dp || !ret)
		return -EINVAL;
	r = ebn_xdp_state(dp, &s);
	if (!r)
		r = bpf_map_lookup_elem(s->map_fd[EBN_XM_CONF], &zero, &conf);
	for (i = 0; !r && i < EBN_ARRAY_SIZE(cells); i++)
		r = ebn_percpu_sum(s->map_fd[EBN_XM_COUNT], cells[i].cell, cells[i].to, 1);
	if (!r)
		r = ebn_xdp_taken(s, UINT32_MAX, &st.connections);
	if (r < 0)
		return r;
	st.connections_max = (uint64_t)s->entries[EBN_XM_CONN] * EBN_XDP_WAYS;
	ebn_xdp_source(&conf, &st);
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}

int ebpfnet_xdp_service_stats(struct ebpfnet_datapath *dp, const char *service, struct ebpfnet_xdp_service_stats *ret,
			      size_t size)
{
	struct ebpfnet_xdp_service_stats st = { 0 };
	struct ebn_xdp_svc_stat sum;
	struct ebn_xdp_state *s;
	uint32_t number = 0;
	int r;

	if (!dp || !service || !ret)
		return -EINVAL;
	r = ebn_xdp_state(dp, &s);
	if (!r)
		r = ebn_service_number(dp, service, &number);
	if (!r)
		r = ebn_percpu_sum(s->map_fd[EBN_XM_SVC], number < s->entries[EBN_XM_SVC] ? number : 0,
				   (uint64_t *)&sum, sizeof(sum) / 8);
	if (r < 0)
		return r;
	st.packets = sum.packets;
	st.bytes = sum.bytes;
	st.flows = sum.flows;
	st.drops = sum.drops;
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}

int ebpfnet_xdp_backend_stats(struct ebpfnet_datapath *dp, const struct ebpfnet_backend *backend,
			      struct ebpfnet_xdp_backend_stats *ret, size_t size)
{
	struct ebpfnet_xdp_backend_stats st = { 0 };
	struct ebn_xdp_be_stat sum;
	struct ebn_xdp_state *s;
	uint32_t row;
	int r;

	if (!dp || !backend || !ret)
		return -EINVAL;
	r = ebn_xdp_state(dp, &s);
	if (!r)
		r = ebn_services_backend_row(dp->node_mem, dp->node_size, backend, &row);
	if (!r)
		r = ebn_percpu_sum(s->map_fd[EBN_XM_BE], row + 1 < s->entries[EBN_XM_BE] ? row + 1 : 0,
				   (uint64_t *)&sum, sizeof(sum) / 8);
	if (!r)
		r = ebn_xdp_taken(s, row, &st.connections);
	if (r < 0)
		return r;
	st.packets = sum.packets;
	st.bytes = sum.bytes;
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}
