// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Says who stands behind two addresses and asks the tables about them. Needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. */
#include <stdio.h>
#include <unistd.h>

#include <ebpfnet/address.h>

static int learn(struct ebpfnet_datapath *dp, const char *address, const char *text)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_addr addr;
	int r;

	r = ebpfnet_addr_parse(address, &addr);
	if (r == 0)
		r = ebpfnet_labels_parse(text, "k8s", NULL, &labels);
	if (r == 0)
		r = ebpfnet_address_upsert(dp, &addr, labels);
	ebpfnet_labels_unref(labels);
	return r;
}

static int ask(struct ebpfnet_datapath *dp, const char *address)
{
	struct ebpfnet_addr addr;
	char labels[512];
	uint32_t identity;
	int r;

	r = ebpfnet_addr_parse(address, &addr);
	if (r == 0)
		r = ebpfnet_address_lookup(dp, &addr, &identity);
	if (r == 0)
		r = ebpfnet_identity_labels(dp, identity, labels, sizeof(labels));
	if (r >= 0)
		printf("%s: identity %u, %s\n", address, identity, labels);
	return r < 0 ? r : 0;
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
		r = learn(dp, "192.0.2.7", "app=db,tier=storage");
	if (r == 0)
		r = learn(dp, "2001:db8::7", "app=db,tier=storage");
	if (r == 0)
		r = ask(dp, "192.0.2.7");
	if (r == 0)
		r = ask(dp, "2001:db8::7");
	if (r == 0)
		r = ask(dp, "203.0.113.1");
	if (dp && ebpfnet_datapath_cleanup(dp, diag) < 0 && r == 0)
		r = -1;
	if (r < 0 && ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
		fprintf(stderr, "%s", text);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return r < 0;
}
