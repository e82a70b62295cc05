/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the programs counted of endpoints' packets to services, and how many of their flows there are. The maps are the
 * programs' own, and go from set to set.
 */
#include "datapath/private.h"
#include "ebn_service.h"
#include "service/service.h"

#include <bpf/bpf.h>

const char *const ebn_count_names[EBN_COUNT_MAPS] = { "ebn_svc_count", "ebn_be_count" };

/* The words of a cell. */
static const size_t ebn_count_words[EBN_COUNT_MAPS] = {
	sizeof(struct ebn_svc_count) / 8, sizeof(struct ebn_be_count) / 8,
};

uint32_t ebn_count_cells(const char *name)
{
	if (!strcmp(name, ebn_count_names[EBN_COUNT_SVC]))
		return ebn_percpu_cells(EBN_SVC_COUNTS, sizeof(struct ebn_svc_count));
	if (!strcmp(name, ebn_count_names[EBN_COUNT_BE]))
		return ebn_percpu_cells(EBN_BE_COUNTS, sizeof(struct ebn_be_count));
	return 0;
}

/* A map of the set that is in force, and how many cells it has. -ENOENT: programs that count nothing, or none. */
static int ebn_count_map(struct ebpfnet_datapath *dp, int map, uint32_t flags, uint32_t *ret_cells)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), set = dp->p->set.number;
	char name[64];
	int fd, r;

	/* who only reads may have opened before another set came */
	if (dp->readonly && ebn_pins_number(dp, "current", &set) < 0)
		return -ENOENT;
	if (ebn_format(name, sizeof(name), "set%u/%s", set, ebn_count_names[map]) < 0)
		return -ENOENT;
	fd = ebn_pin_get(dp, name, EBN_FD_MAP, flags, NULL);
	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!r && (info.type != BPF_MAP_TYPE_PERCPU_ARRAY || info.value_size != 8 * ebn_count_words[map]))
		r = -ENOENT;
	if (r < 0) {
		ebn_close(&fd);
		return r;
	}
	*ret_cells = info.max_entries;
	return fd;
}

void ebn_count_close(struct ebpfnet_datapath *dp)
{
	int i;

	for (i = 0; i < EBN_COUNT_MAPS; i++)
		ebn_close(&dp->p->count[i].fd);
}

void ebn_count_open(struct ebpfnet_datapath *dp)
{
	int i, fd;

	ebn_count_close(dp);
	if (dp->readonly)
		return;
	for (i = 0; i < EBN_COUNT_MAPS; i++) {
		fd = ebn_count_map(dp, i, 0, &dp->p->count[i].cells);
		dp->p->count[i].fd = fd < 0 ? -1 : fd;
	}
}

void ebn_count_reset(struct ebpfnet_datapath *dp, int map, uint32_t cell)
{
	if (dp->p->count[map].fd >= 0 && cell < dp->p->count[map].cells)
		ebn_percpu_zero(dp->p->count[map].fd, cell, ebn_count_words[map]);
}

int ebn_count_reader(struct ebpfnet_datapath *dp, int map, struct ebn_count_map *ret)
{
	int fd = ebn_count_map(dp, map, BPF_F_RDONLY, &ret->cells);

	ret->fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

int ebn_count_read(const struct ebn_count_map *m, int map, uint32_t cell, uint64_t *ret)
{
	memset(ret, 0, 8 * ebn_count_words[map]);
	/* counted together with others: nobody's */
	if (m->fd < 0 || cell >= m->cells)
		return -ENOENT;
	return ebn_percpu_sum(m->fd, cell, ret, ebn_count_words[map]);
}

/* ---- flows that are there ---- */

/* Is it the frontend's entry of a flow? One stands beside each flow. */
static bool ebn_count_is_front(const struct ebn_flow_copy *c, bool v6)
{
	uint16_t zone = v6 ? c->key.v6.zone : c->key.v4.zone;
	uint8_t aux = v6 ? c->key.v6.aux : c->key.v4.aux;

	return zone == EBN_ZONE_SVC && !(aux & (EBN_KEY_BACK | EBN_KEY_CARRY));
}

uint64_t ebn_count_active(struct ebpfnet_datapath *dp, uint32_t service, uint32_t row)
{
	struct ebn_flow_copy c;
	uint64_t n = 0, pos;
	int i;

	for (i = 0; i < 2; i++)
		for (pos = 0; dp->flows[i].mem && ebn_flow_next(&dp->flows[i], &pos, &c);)
			n += ebn_count_is_front(&c, i) && (!service || (uint32_t)c.body.packets[0] >> 16 == service) &&
			     (row == UINT32_MAX || c.body.aux == row);
	return n;
}
