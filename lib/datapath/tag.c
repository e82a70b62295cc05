// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Which object the programs behind links are of: a pinned map of one value. */
#include "datapath/private.h"

#include <bpf/bpf.h>

#define EBN_TAG_BYTES 24

int ebn_tag_write(struct ebpfnet_datapath *dp, const char *pin, const char *tag)
{
	char path[PATH_MAX], value[EBN_TAG_BYTES] = { 0 };
	_close_ int fd = -1;
	uint32_t zero = 0;
	int r;

	ebn_format(value, sizeof(value), "%s", tag);
	fd = ebn_pin_get(dp, pin, EBN_FD_MAP, 0, NULL);
	if (fd >= 0)
		return bpf_map_update_elem(fd, &zero, value, BPF_ANY);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ebn_tag", 4, sizeof(value), 1, NULL);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return r;
	}
	r = bpf_map_update_elem(fd, &zero, value, BPF_ANY);
	if (!r)
		r = ebn_pin_path(dp, path, "%s", pin);
	return r ? r : bpf_obj_pin(fd, path);
}

bool ebn_tag_is(struct ebpfnet_datapath *dp, const char *pin, const char *tag)
{
	_close_ int fd = ebn_pin_get(dp, pin, EBN_FD_MAP, 0, NULL);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info), zero = 0;
	char value[EBN_TAG_BYTES];

	if (fd < 0) {
		fd = -1;
		return false;
	}
	return !bpf_obj_get_info_by_fd(fd, &info, &len) && info.value_size == sizeof(value) &&
	       !bpf_map_lookup_elem(fd, &zero, value) && !strncmp(value, tag, sizeof(value));
}
