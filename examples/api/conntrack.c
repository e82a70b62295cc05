// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* conntrack [NAME]: lists the flows of a running datapath, which is not disturbed. Needs root. */
#include <stdio.h>
#include <string.h>

#include <ebpfnet/conntrack.h>
#include <ebpfnet/ctx.h>
#include <ebpfnet/datapath.h>

static int list(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_ct_iter *it;
	struct ebpfnet_ct_entry e;
	int rc;

	rc = ebpfnet_ct_iter_new(dp, NULL, &it);
	if (rc < 0)
		return rc;
	while ((rc = ebpfnet_ct_iter_next(it, &e, sizeof(e))) > 0) {
		char src[EBPFNET_ADDR_STRLEN], dst[EBPFNET_ADDR_STRLEN];

		ebpfnet_addr_format(&e.src, src, sizeof(src));
		ebpfnet_addr_format(&e.dst, dst, sizeof(dst));
		printf("%3u %-11s %s:%u > %s:%u packets %llu %llu idle %llu ms\n", e.protocol,
		       ebpfnet_ct_state_name(e.state), src, e.sport, dst, e.dport, (unsigned long long)e.packets[0],
		       (unsigned long long)e.packets[1], (unsigned long long)e.idle_ms);
	}
	ebpfnet_ct_iter_free(it);
	return rc;
}

int main(int argc, char **argv)
{
	struct ebpfnet_datapath_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = argc > 1 ? argv[1] : NULL,
		.flags = EBPFNET_DATAPATH_READONLY,
	};
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	int rc;

	rc = ebpfnet_ctx_new(NULL, &ctx);
	if (!rc)
		rc = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (!rc)
		rc = list(dp);
	if (rc < 0)
		fprintf(stderr, "conntrack: %s\n", strerror(-rc));
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	return rc < 0;
}
