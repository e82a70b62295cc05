// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Makes a device masquerade and says how, and what is in use. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ebpfnet/nat.h>

static int say(const struct ebpfnet_nat_info *info, void *userdata)
{
	char addr4[EBPFNET_ADDR_STRLEN], addr6[EBPFNET_ADDR_STRLEN];

	(void)userdata;
	ebpfnet_addr_format(&info->addr4, addr4, sizeof(addr4));
	ebpfnet_addr_format(&info->addr6, addr6, sizeof(addr6));
	printf("%s: to %s and %s, ports %u to %u, %u destinations left alone\n", info->device, addr4, addr6, info->port_min,
	       info->port_max, info->n_keep);
	return 0;
}

static int masquerade(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_diag *diag)
{
	struct ebpfnet_nat_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = diag };
	struct ebpfnet_nat_prefix keep = { .len = 8 };
	struct ebpfnet_nat_stats st;
	int r;

	r = ebpfnet_addr_parse("10.0.0.0", &keep.addr);
	if (r == 0)
		r = ebpfnet_addr_parse("192.0.2.1", &opts.addr4);
	opts.keep = &keep;
	opts.n_keep = 1;
	if (r == 0)
		r = ebpfnet_nat_set(dp, device, &opts);
	if (r == 0)
		r = ebpfnet_nat_foreach(dp, say, NULL);
	if (r == 0)
		r = ebpfnet_nat_stats(dp, device, &st, sizeof(st));
	if (r == 0)
		printf("%llu ports in use, %u for each destination\n", (unsigned long long)st.in_use, st.range);
	return r ? r : ebpfnet_nat_clear(dp, device);
}

int main(void)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts) };
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	char name[33], text[4096];
	int r;

	snprintf(name, sizeof(name), "example-%ld", (long)getpid());
	opts.name = name;
	r = ebpfnet_diag_new(&diag);
	opts.diag = diag;
	if (r == 0)
		r = ebpfnet_ctx_new(NULL, &ctx);
	if (r == 0)
		r = ebpfnet_datapath_open(ctx, &opts, &dp);
	/* the tables alone: no program is needed to write into them */
	if (r == 0)
		r = ebpfnet_datapath_prepare(dp, diag);
	if (r == 0)
		r = masquerade(dp, "lo", diag);
	if (dp && ebpfnet_datapath_cleanup(dp, diag) < 0 && r == 0)
		r = -1;
	if (r < 0 && ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
		fprintf(stderr, "%s", text);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return r < 0;
}
