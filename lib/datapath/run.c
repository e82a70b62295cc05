// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* One packet through the programs of a device by BPF_PROG_TEST_RUN: what they would do with it, with the tables as they are. */
#include "datapath/private.h"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "datapath/xdp.h"

/* A descriptor of the device's program at the hook, the caller's to close. */
static int ebn_run_prog(struct ebpfnet_datapath *dp, uint32_t ifindex, enum ebpfnet_hook hook, int *ret)
{
	uint32_t n;
	int prog;

	if (hook == EBPFNET_HOOK_XDP)
		return ebn_xdp_prog(dp, ifindex, ret);
	if (ebn_dev_find(dp, ifindex, &n))
		return -ENOENT;
	prog = ebn_prog_of((enum ebn_dev_kind)ebn_dev(dp, n)->kind,
			   hook == EBPFNET_HOOK_IN ? EBN_HOOK_IN : EBN_HOOK_OUT);
	*ret = fcntl(dp->p->set.prog_fd[prog], F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? -errno : 0;
}

static int ebn_run(int prog, uint32_t ifindex, enum ebpfnet_hook hook, struct bpf_test_run_opts *t)
{
	struct __sk_buff skb = { .ifindex = ifindex, .ingress_ifindex = hook == EBPFNET_HOOK_IN ? ifindex : 0 };
	struct xdp_md xdp = { .data_end = t->data_size_in, .ingress_ifindex = ifindex };
	int r;

	t->ctx_in = hook == EBPFNET_HOOK_XDP ? (void *)&xdp : (void *)&skb;
	t->ctx_size_in = hook == EBPFNET_HOOK_XDP ? sizeof(xdp) : sizeof(skb);
	r = bpf_prog_test_run_opts(prog, t);
	/* the packet does not fit into the buffer: the program has run all the same */
	return r == -ENOSPC ? 0 : r;
}

int ebpfnet_datapath_run(struct ebpfnet_datapath *dp, const struct ebpfnet_run_opts *opts, void *buf, size_t size,
			 struct ebpfnet_run_result *ret, size_t ret_size)
{
	enum ebpfnet_hook hook = EBN_OPT(opts, hook, EBPFNET_HOOK_IN);
	const char *device = EBN_OPT(opts, device, NULL);
	struct ebpfnet_diag *diag = EBN_OPT(opts, diag, NULL);
	LIBBPF_OPTS(bpf_test_run_opts, t, .repeat = 1, .data_in = EBN_OPT(opts, packet, NULL),
		    .data_out = size ? buf : NULL);
	struct ebpfnet_run_result result = { 0 };
	size_t len = EBN_OPT(opts, len, 0);
	struct ebn_link_info info;
	_close_ int prog = -1;
	int r;

	if (!EBN_OPTS_VALID(opts, ebpfnet_run_opts) || EBN_OPT(opts, reserved, 0) || !device ||
	    hook > EBPFNET_HOOK_XDP || !t.data_in || len < ETH_HLEN || len > EBPFNET_RUN_MAX || !ret ||
	    (size && !buf) || size > UINT32_MAX)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return -EBUSY;
	r = ebn_nl_link(&dp->p->nl, device, 0, &info);
	if (r < 0)
		return ebn_diag(diag, device, r, "cannot ask about the device");
	r = ebn_run_prog(dp, info.ifindex, hook, &prog);
	if (r < 0)
		return ebn_diag(diag, device, r, r == -ENOENT ? "not attached" : "cannot open its program");
	t.data_size_in = (uint32_t)len;
	t.data_size_out = (uint32_t)size;
	r = ebn_run(prog, info.ifindex, hook, &t);
	if (r < 0)
		return ebn_diag(diag, device, r, "the kernel does not run the packet");
	result.action = t.retval;
	result.duration_ns = t.duration;
	result.len = t.data_size_out;
	ebn_copy_out(ret, ret_size, &result, sizeof(result));
	return 0;
}
