/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Cells of per-CPU maps, over all CPUs. */
#include "datapath/private.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

int ebn_percpu_sum(int map_fd, uint32_t cell, uint64_t *ret, size_t n)
{
	int cpus = libbpf_num_possible_cpus(), c, r;
	_free_ uint64_t *values = NULL;
	size_t i;

	if (cpus < 0)
		return cpus;
	values = ebn_calloc((size_t)cpus * n, sizeof(*values));
	if (!values)
		return -ENOMEM;
	r = bpf_map_lookup_elem(map_fd, &cell, values);
	if (r < 0)
		return r;
	memset(ret, 0, n * sizeof(*ret));
	for (c = 0; c < cpus; c++)
		for (i = 0; i < n; i++)
			ret[i] += values[(size_t)c * n + i];
	return 0;
}

void ebn_percpu_zero(int map_fd, uint32_t cell, size_t n)
{
	int cpus = libbpf_num_possible_cpus();
	_free_ void *zero = NULL;

	if (cpus <= 0)
		return;
	zero = ebn_calloc((size_t)cpus * n, sizeof(uint64_t));
	/* out of memory: the number goes on from what it was */
	if (zero)
		(void)bpf_map_update_elem(map_fd, &cell, zero, BPF_ANY);
}

uint32_t ebn_percpu_cells(uint32_t most, size_t bytes)
{
	int cpus = libbpf_num_possible_cpus();

	while (most > 1024 && cpus > 0 && (uint64_t)most * bytes * (uint32_t)cpus > 8u << 20)
		most /= 2;
	return most;
}
