// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* device NETNS ADDRESS GATEWAY: gives a network namespace an interface, looks at it, and removes it again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ebpfnet/device.h>

static int fail(const char *what, int err, const struct ebpfnet_diag *diag)
{
	char text[1024] = "";

	ebpfnet_diag_format(diag, text, sizeof(text));
	fprintf(stderr, "device: %s: %s\n", what, *text ? text : strerror(-err));
	return 1;
}

static int read_addr(const char *text, struct ebpfnet_addr *v4, struct ebpfnet_addr *v6)
{
	struct ebpfnet_addr addr;

	if (ebpfnet_addr_parse(text, &addr) < 0)
		return -EINVAL;
	*(ebpfnet_addr_family(&addr) == 4 ? v4 : v6) = addr;
	return 0;
}

static int show(struct ebpfnet_ctx *ctx, struct ebpfnet_device_opts *opts, struct ebpfnet_device_config *config)
{
	struct ebpfnet_device_info info;
	int err = ebpfnet_device_create(ctx, opts, NULL, 0);

	if (err < 0)
		return fail("create", err, opts->diag);
	/* here an endpoint is made of the host's side */
	err = ebpfnet_device_configure(ctx, config);
	if (!err)
		err = ebpfnet_device_check(ctx, config);
	if (!err)
		err = ebpfnet_device_find(ctx, opts->netns_fd, opts->inside, &info, sizeof(info));
	if (!err)
		printf("%s: index %u, MTU %u, %s\n", info.host, info.host_ifindex, info.mtu,
		       info.kind == EBPFNET_DEVICE_VETH ? "veth" : "netkit");
	else
		fail("configure", err, opts->diag);
	ebpfnet_device_delete(ctx, opts->host);
	return err < 0;
}

int main(int argc, char **argv)
{
	/* .kind = EBPFNET_DEVICE_NETKIT, where the kernel has EBPFNET_FEATURE_NETKIT: shut until an endpoint is made of it */
	struct ebpfnet_device_opts opts = { EBPFNET_OPTS_INIT(opts), .host = "ebn-example", .inside = "example0", .mtu = 1400 };
	struct ebpfnet_device_config config = { EBPFNET_OPTS_INIT(config), .host = "ebn-example", .inside = "example0" };
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	int status;

	if (argc != 4 || read_addr(argv[2], &config.addr4, &config.addr6) < 0 ||
	    read_addr(argv[3], &config.gateway4, &config.gateway6) < 0) {
		fprintf(stderr, "usage: device NETNS ADDRESS GATEWAY\n");
		return 1;
	}
	opts.netns_fd = config.netns_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (opts.netns_fd < 0 || ebpfnet_diag_new(&diag) < 0 || ebpfnet_ctx_new(NULL, &ctx) < 0)
		return fail(argv[1], -errno, diag);
	opts.diag = config.diag = diag;
	status = show(ctx, &opts, &config);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
	close(opts.netns_fd);
	return status;
}
