// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "datapath/internal.h"
#include "observe/names.h"

static const void *locate(void *owner, uint64_t *ret_size)
{
	struct ebpfnet_datapath *dp = owner;

	*ret_size = dp->node_size;
	return dp->node_mem;
}

static void release(void *owner)
{
	ebpfnet_datapath_unref(owner);
}

int ebpfnet_names_new(struct ebpfnet_datapath *dp, const char *node, struct ebpfnet_names **ret)
{
	int rc;

	if (!dp || !ret)
		return -EINVAL;
	rc = ebn_dp_tables(dp);
	if (!rc)
		rc = ebn_names_new(locate, release, dp, node, ret);
	if (!rc)
		ebpfnet_datapath_ref(dp);
	return rc;
}
