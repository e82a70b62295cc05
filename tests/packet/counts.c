// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "counts.h"

#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../unit/suite.h"

void counts_sum(int map_fd, uint32_t key, uint64_t *ret, size_t n)
{
	int cpus = libbpf_num_possible_cpus(), c;
	uint64_t *v = calloc((size_t)cpus * n, 8);
	size_t i;

	ck_assert_ptr_nonnull(v);
	ck_assert_int_eq(bpf_map_lookup_elem(map_fd, &key, v), 0);
	memset(ret, 0, n * 8);
	for (c = 0; c < cpus; c++)
		for (i = 0; i < n; i++)
			ret[i] += v[(size_t)c * n + i];
	free(v);
}

enum ebn_reason counts_reason(int map_fd, uint64_t before[EBN_R_MAX])
{
	enum ebn_reason found = EBN_R_NONE;
	uint64_t v[2];
	uint32_t i;

	for (i = 1; i < EBN_R_MAX; i++) {
		counts_sum(map_fd, i, v, 2);
		if (v[0] > before[i])
			found = (enum ebn_reason)i;
		before[i] = v[0];
	}
	return found;
}
