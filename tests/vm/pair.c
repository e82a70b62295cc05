// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * pair make HOST INSIDE NETNS veth|netkit|netkit-l3, pair show DEVICE: makes a pair by the public call, for tests on machines whose ip
 * does not know netkit; says of a netkit pair which ways are shut. 77: the kernel has no such pairs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <linux/netlink.h>
#include <ebpfnet/device.h>

#include "datapath/private.h"

static int make(char **w)
{
	static const char *const kinds[] = { "veth", "netkit", "netkit-l3" };
	struct ebpfnet_device_opts o = { EBPFNET_OPTS_INIT(o), .host = w[0], .inside = w[1], .kind = 3 };
	struct ebpfnet_device_info is;
	struct ebpfnet_ctx *ctx = NULL;
	char text[512] = "";
	int r;

	for (uint16_t i = 0; i < EBN_ARRAY_SIZE(kinds); i++)
		if (!strcmp(w[3], kinds[i]))
			o.kind = i;
	o.netns_fd = open(w[2], O_RDONLY | O_CLOEXEC);
	if (o.netns_fd < 0 || o.kind == 3 || ebpfnet_ctx_new(NULL, &ctx) < 0 || ebpfnet_diag_new(&o.diag) < 0)
		return 2;
	r = ebpfnet_device_create(ctx, &o, &is, sizeof(is));
	if (r < 0)
		ebpfnet_diag_format(o.diag, text, sizeof(text));
	else if (is.kind != o.kind)
		r = -EPROTO;
	if (r < 0)
		fprintf(stderr, "%s: %s\n", strerror(-r), text);
	close(o.netns_fd);
	ebpfnet_diag_free(o.diag);
	ebpfnet_ctx_unref(ctx);
	return r == -EOPNOTSUPP ? 77 : r < 0;
}

static int show(const char *device)
{
	struct ebn_link_info is;
	struct ebn_nl nl = { 0 };
	int r = ebn_nl_open(&nl, NETLINK_ROUTE);

	if (!r)
		r = ebn_nl_link(&nl, device, 0, &is);
	ebn_nl_close(&nl);
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", device, strerror(-r));
		return 1;
	}
	printf("%s %s %s to=%s from=%s\n", is.netkit ? "netkit" : "other", is.netkit_l3 ? "l3" : "l2",
	       is.netkit_primary ? "primary" : "peer", is.netkit_shut & EBN_NETKIT_TO ? "shut" : "open",
	       is.netkit_shut & EBN_NETKIT_FROM ? "shut" : "open");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "make"))
		return make(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "show"))
		return show(argv[2]);
	fprintf(stderr, "usage: pair make HOST INSIDE NETNS KIND | pair show DEVICE\n");
	return 2;
}
