/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Sets: what belongs together in a pin directory, and the meta map that says so. */
#include "datapath/private.h"

#include <stdio.h>
#include <bpf/bpf.h>

const char *const ebn_map_names[EBN_MAPS] = {
	[EBN_MAP_NODE] = "ebn_node",
	[EBN_MAP_FLOW4] = "ebn_flow4",
	[EBN_MAP_FLOW6] = "ebn_flow6",
	[EBN_MAP_SHARE] = "ebn_flow_share",
	[EBN_MAP_EVENTS] = "ebn_events",
	[EBN_MAP_EP_STAT] = "ebn_ep_stat",
	[EBN_MAP_REASON] = "ebn_reason",
	[EBN_MAP_COUNTER] = "ebn_counter",
	[EBN_MAP_ACTIVE] = "ebn_active",
};

const char *const ebn_prog_names[EBN_PROGS] = {
	[EBN_PROG_FROM_EP] = "ebn_from_ep",
	[EBN_PROG_TO_EP] = "ebn_to_ep",
	[EBN_PROG_FROM_NETDEV] = "ebn_from_netdev",
	[EBN_PROG_TO_NETDEV] = "ebn_to_netdev",
	[EBN_PROG_WATCH_IN] = "ebn_watch_in",
	[EBN_PROG_WATCH_OUT] = "ebn_watch_out",
	[EBN_PROG_CLOCK] = "ebn_clock",
	[EBN_PROG_FROM_OVERLAY] = "ebn_from_overlay",
	[EBN_PROG_TO_OVERLAY] = "ebn_to_overlay",
};

void ebn_set_init(struct ebn_set *set)
{
	int i;

	memset(set, 0, sizeof(*set));
	for (i = 0; i < EBN_PROGS; i++)
		set->prog_fd[i] = -1;
}

void ebn_set_close(struct ebn_set *set)
{
	int i;

	for (i = 0; i < EBN_PROGS; i++)
		ebn_close(&set->prog_fd[i]);
	ebn_set_init(set);
}

static int ebn_meta_read(struct ebpfnet_datapath *dp, uint32_t number, struct ebn_set_meta *ret,
			 struct ebpfnet_diag *diag)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), zero = 0;
	struct ebn_set_meta meta;
	_close_ int fd = -1;
	char name[64];
	int r;

	r = ebn_format(name, sizeof(name), "set%u/" EBN_META_MAP, number);
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_MAP, BPF_F_RDONLY, diag);
	if (fd == -ENOENT)
		return ebn_diag(diag, name, EPROTO, "the pin is missing: the set is corrupt");
	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return ebn_diag(diag, name, r, "cannot ask about the map");
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(meta) || info.max_entries != 1)
		return ebn_diag(diag, name, EPROTO, "not a description this version knows: refused");
	r = bpf_map_lookup_elem(fd, &zero, &meta);
	if (r < 0)
		return ebn_diag(diag, name, r, "cannot read it");
	if (meta.magic != EBN_META_MAGIC || meta.size != sizeof(meta))
		return ebn_diag(diag, name, EPROTO, "not a description this version knows: refused");
	if (meta.abi_major != EBN_ABI_MAJOR)
		return ebn_diag(diag, name, EPROTO, "pins have layout version %u, this library needs %u",
				meta.abi_major, EBN_ABI_MAJOR);
	if (meta.node_abi != EBN_NODE_ABI || meta.flow_abi != EBN_FLOW_ABI || meta.event_abi != EBN_EVENT_ABI)
		return ebn_diag(diag, name, EPROTO, "tables have layouts %u, %u and %u, this library needs %u, %u and %u",
				meta.node_abi, meta.flow_abi, meta.event_abi, EBN_NODE_ABI, EBN_FLOW_ABI,
				EBN_EVENT_ABI);
	if (!ebn_flow_layout_valid(&meta.layout))
		return ebn_diag(diag, name, EPROTO, "flow tables of a layout this library cannot read: refused");
	meta.version[sizeof(meta.version) - 1] = '\0';
	meta.tag[sizeof(meta.tag) - 1] = '\0';
	*ret = meta;
	return 0;
}

int ebn_set_open(struct ebpfnet_datapath *dp, uint32_t number, struct ebn_set *ret, struct ebpfnet_diag *diag)
{
	struct bpf_prog_info info;
	struct ebn_set set;
	uint32_t len;
	char name[64];
	int i, r;

	ebn_set_init(&set);
	set.number = number;
	r = ebn_meta_read(dp, number, &set.meta, diag);
	if (r < 0)
		return r;
	for (i = 0; set.meta.loaded && i < EBN_PROGS; i++) {
		r = ebn_format(name, sizeof(name), "set%u/%s", number, ebn_prog_names[i]);
		if (r < 0)
			goto fail;
		r = ebn_pin_get(dp, name, EBN_FD_PROG, 0, diag);
		/* loaded by a version that had no overlay */
		if (r == -ENOENT && i >= EBN_PROG_FROM_OVERLAY)
			continue;
		if (r == -ENOENT)
			r = ebn_diag(diag, name, EPROTO, "the pin is missing: the set is corrupt");
		if (r < 0)
			goto fail;
		set.prog_fd[i] = r;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		r = bpf_obj_get_info_by_fd(set.prog_fd[i], &info, &len);
		if (r < 0) {
			ebn_diag(diag, name, r, "cannot ask about the program");
			goto fail;
		}
		if (strncmp(info.name, ebn_prog_names[i], sizeof(info.name) - 1)) {
			r = ebn_diag(diag, name, EPROTO, "another program is pinned there: refused");
			goto fail;
		}
		set.prog_id[i] = info.id;
	}
	*ret = set;
	return 0;
fail:
	ebn_set_close(&set);
	return r;
}

static int ebn_meta_stage(struct ebpfnet_datapath *dp, const struct ebn_set_meta *meta, struct ebpfnet_diag *diag)
{
	_close_ int fd = -1;
	uint32_t zero = 0;
	int r;

	r = bpf_map_create(BPF_MAP_TYPE_ARRAY, EBN_META_MAP, sizeof(zero), sizeof(*meta), 1, NULL);
	if (r < 0)
		return ebn_diag(diag, EBN_META_MAP, r, "cannot create the map");
	fd = r;
	r = bpf_map_update_elem(fd, &zero, meta, BPF_ANY);
	if (!r)
		r = bpf_map_freeze(fd);
	if (r < 0)
		return ebn_diag(diag, EBN_META_MAP, r, "cannot write the map");
	return ebn_pins_stage_fd(dp, EBN_META_MAP, fd, diag);
}

int ebn_set_stage(struct ebpfnet_datapath *dp, const int *map_fd, const struct ebn_set *set, struct ebpfnet_diag *diag)
{
	int i, r;

	r = ebn_pins_stage(dp, diag);
	for (i = 0; !r && i < EBN_MAPS; i++)
		if (map_fd[i] >= 0)
			r = ebn_pins_stage_fd(dp, ebn_map_names[i], map_fd[i], diag);
	for (i = 0; !r && i < EBN_PROGS; i++)
		if (set->prog_fd[i] >= 0)
			r = ebn_pins_stage_fd(dp, ebn_prog_names[i], set->prog_fd[i], diag);
	return r < 0 ? r : ebn_meta_stage(dp, &set->meta, diag);
}
