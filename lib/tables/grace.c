// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Waiting for RCU. Two system calls do it as a side effect that user space may rely on:
 *   membarrier(MEMBARRIER_CMD_GLOBAL)	where no CPU runs without its tick, and only when more than one CPU is online
 *   changing a slot of an array of maps	always: the kernel waits, so that programs do not go on with the old map
 */
#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>

#include "tables/node.h"

struct ebn_grace {
	bool membarrier;
	int outer;		/* -1: not made yet */
	int inner;
};

static int membarrier(int cmd)
{
	return syscall(SYS_membarrier, cmd, 0, 0) < 0 ? -errno : 0;
}

int ebn_grace_new(struct ebpfnet_ctx *ctx, struct ebn_grace **ret)
{
	struct ebn_grace *g;

	if (!ret)
		return -EINVAL;
	g = ebn_calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->outer = g->inner = -1;
	g->membarrier = ebpfnet_feature_supported(ctx, EBPFNET_FEATURE_MEMBARRIER) == 1;
	*ret = g;
	return 0;
}

void ebn_grace_free(struct ebn_grace *g)
{
	if (!g)
		return;
	ebn_close(&g->outer);
	ebn_close(&g->inner);
	free(g);
}

static int wait_maps(struct ebn_grace *g)
{
	uint32_t zero = 0;

	if (g->inner < 0)
		g->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "ebn_grace_in", 4, 4, 1, NULL);
	if (g->inner < 0)
		return g->inner;
	if (g->outer < 0) {
		LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)g->inner);

		g->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "ebn_grace", 4, 4, 1, &opts);
	}
	if (g->outer < 0)
		return g->outer;
	return bpf_map_update_elem(g->outer, &zero, &g->inner, BPF_ANY);
}

int ebn_grace_wait(struct ebn_grace *g)
{
	/*
	 * With one CPU online the kernel returns from membarrier() at once, yet a preempted program
	 * may be in the middle of its run. Asked on both sides of the call, for CPUs come and go.
	 */
	if (g->membarrier && sysconf(_SC_NPROCESSORS_ONLN) > 1 && !membarrier(MEMBARRIER_CMD_GLOBAL) &&
	    sysconf(_SC_NPROCESSORS_ONLN) > 1)
		return 0;
	return wait_maps(g);
}
