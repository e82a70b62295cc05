// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Makes an endpoint of a device and lists what there is: endpoint [DEVICE ADDRESS LABELS]. Without arguments it uses the
 * loopback device of a network namespace of its own, so that it can be tried anywhere.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <ebpfnet/endpoint.h>

static int show(struct ebpfnet_endpoint *ep, void *userdata)
{
	struct ebpfnet_endpoint_info info;
	char addr[EBPFNET_ADDR_STRLEN];
	int r = ebpfnet_endpoint_get_info(ep, &info, sizeof(info));

	(void)userdata;
	if (r < 0)
		return r;
	ebpfnet_addr_format(&info.addr4, addr, sizeof(addr));
	printf("%s: id %u, device %s, address %s, identity %u, labels %s\n", info.name, info.id, info.device, addr,
	       info.identity, info.labels);
	return 0;
}

static int demo(struct ebpfnet_datapath *dp, const char *device, const char *addr, const char *text,
		struct ebpfnet_diag *diag)
{
	struct ebpfnet_endpoint_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = diag };
	struct ebpfnet_endpoint *ep = NULL;
	/* a megabit a second out of it, as much as there is into it */
	const struct ebpfnet_endpoint_rates rates = { .tx_bits = 1000000 };
	struct ebpfnet_labels *labels = NULL;
	int r;

	opts.name = "example/endpoint";
	opts.device = device;
	r = ebpfnet_mac_parse("02:00:00:00:00:01", &opts.mac);
	if (r == 0)
		r = ebpfnet_addr_parse(addr, &opts.addr4);
	if (r == 0)
		r = ebpfnet_labels_parse(text, "k8s", diag, &labels);
	opts.labels = labels;
	if (r == 0)
		r = ebpfnet_endpoint_create(dp, &opts, &ep);
	if (r == 0)
		r = ebpfnet_endpoint_set_rates(ep, &rates, sizeof(rates));
	if (r == 0)
		r = ebpfnet_endpoint_foreach(dp, show, NULL);
	if (ep && ebpfnet_endpoint_destroy(ep) < 0 && r == 0)
		r = -EIO;
	ebpfnet_endpoint_unref(ep);
	ebpfnet_labels_unref(labels);
	return r;
}

int main(int argc, char **argv)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts) };
	struct ebpfnet_datapath *dp = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	char name[33], text[4096];
	int r;

	if (argc != 1 && argc != 4)
		return 2;
	if (argc == 1 && unshare(CLONE_NEWNET)) {
		perror("network namespace");
		return 1;
	}
	snprintf(name, sizeof(name), "example-%ld", (long)getpid());
	opts.name = name;
	r = ebpfnet_diag_new(&diag);
	opts.diag = diag;
	if (r == 0)
		r = ebpfnet_ctx_new(NULL, &ctx);
	if (r == 0)
		r = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (r == 0)
		r = ebpfnet_datapath_load(dp, diag);
	if (r == 0)
		r = argc == 4 ? demo(dp, argv[1], argv[2], argv[3], diag) : demo(dp, "lo", "192.0.2.1", "app=demo", diag);
	if (dp && ebpfnet_datapath_cleanup(dp, diag) < 0 && r == 0)
		r = -EIO;
	if (r < 0 && ebpfnet_diag_format(diag, text, sizeof(text)) > 0)
		fprintf(stderr, "%s", text);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	return r < 0;
}
