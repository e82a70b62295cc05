/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* ipam STORE SUBNET [OWNER...]: gives each owner an address of the subnet, or says which one he has; lists all of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ebpfnet/ipam.h>

static int fail(const char *what, int err, const struct ebpfnet_diag *diag)
{
	char text[1024] = "";

	ebpfnet_diag_format(diag, text, sizeof(text));
	fprintf(stderr, "ipam: %s: %s", what, *text ? text : strerror(-err));
	return 1;
}

static int print(const struct ebpfnet_ipam_entry *e, void *userdata)
{
	char text[EBPFNET_ADDR_STRLEN];

	(void)userdata;
	ebpfnet_addr_format(&e->addr, text, sizeof(text));
	printf("%s %s%s\n", text, e->owner, e->resting_ms ? " (released)" : "");
	return 0;
}

static int give(struct ebpfnet_ipam *ipam, const char *owner, struct ebpfnet_diag *diag)
{
	struct ebpfnet_ipam_request rq = { EBPFNET_OPTS_INIT(rq), .pool = "example", .owner = owner, .diag = diag };
	struct ebpfnet_ipam_lease lease;
	int err;

	ebpfnet_diag_clear(diag);
	err = ebpfnet_ipam_allocate(ipam, &rq, &lease, sizeof(lease));
	return err == -EEXIST || !err ? 0 : fail(owner, err, diag);
}

int main(int argc, char **argv)
{
	struct ebpfnet_ipam_range range = { .subnet = argc > 2 ? argv[2] : NULL };
	struct ebpfnet_ipam_pool_opts pool = { EBPFNET_OPTS_INIT(pool), .name = "example", .ranges = &range, .n_ranges = 1 };
	struct ebpfnet_ipam_opts opts = { EBPFNET_OPTS_INIT(opts), .path = argc > 1 ? argv[1] : NULL };
	struct ebpfnet_ipam *ipam = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	int err, i, status = 1;

	if (argc < 3) {
		fprintf(stderr, "usage: ipam STORE SUBNET [OWNER...]\n");
		return 1;
	}
	if (ebpfnet_diag_new(&diag) < 0 || ebpfnet_ctx_new(NULL, &ctx) < 0)
		goto out;
	opts.diag = pool.diag = diag;
	err = ebpfnet_ipam_new(ctx, &opts, &ipam);
	if (!err)
		err = ebpfnet_ipam_set_pool(ipam, &pool);
	status = err ? fail(argv[1], err, diag) : 0;
	for (i = 3; !status && i < argc; i++)
		status = give(ipam, argv[i], diag);
	if (!status)
		ebpfnet_ipam_foreach(ipam, print, NULL);
out:
	ebpfnet_ipam_free(ipam);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return status;
}
