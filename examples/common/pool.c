// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void range_of(const json_t *range, struct ebpfnet_ipam_range *ret)
{
	const char *first = json_string_value(json_object_get(range, "first"));
	const char *last = json_string_value(json_object_get(range, "last"));
	const char *gateway = json_string_value(json_object_get(range, "gateway"));

	memset(ret, 0, sizeof(*ret));
	ret->subnet = json_string_value(json_object_get(range, "subnet"));
	if (first)
		ebpfnet_addr_parse(first, &ret->first);
	if (last)
		ebpfnet_addr_parse(last, &ret->last);
	if (gateway && !strcmp(gateway, "none"))
		ret->flags = EBPFNET_IPAM_NO_GATEWAY;
	else if (gateway)
		ebpfnet_addr_parse(gateway, &ret->gateway);
}

int pool_set(struct ebpfnet_ipam *ipam, const json_t *pool, struct ebpfnet_diag *diag)
{
	const json_t *ranges = json_object_get(pool, "ranges"), *exclude = json_object_get(pool, "exclude");
	size_t n = json_array_size(ranges), m = json_array_size(exclude);
	struct ebpfnet_ipam_range *range = calloc(n + 1, sizeof(*range));
	const char **out = calloc(m + 1, sizeof(*out));
	struct ebpfnet_ipam_pool_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = json_string_value(json_object_get(pool, "name")),
		.ranges = range,
		.n_ranges = n,
		.exclude = out,
		.n_exclude = m,
		.warn_percent = (uint32_t)json_integer_value(json_object_get(pool, "warn")),
		.diag = diag,
	};
	int err = -ENOMEM;

	if (range && out) {
		for (size_t i = 0; i < n; i++)
			range_of(json_array_get(ranges, i), &range[i]);
		for (size_t i = 0; i < m; i++)
			out[i] = json_string_value(json_array_get(exclude, i));
		err = ebpfnet_ipam_set_pool(ipam, &opts);
	}
	free(range);
	free(out);
	return err;
}
