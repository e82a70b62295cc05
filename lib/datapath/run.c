// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* One packet through the programs of a device by BPF_PROG_TEST_RUN: what they would do with it, with the tables as they are. */
#include "datapath/private.h"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "datapath/xdp.h"

static int ebn_run_prog_tc(struct ebpfnet_datapath *dp, uint32_t ifindex, enum ebn_hook hook, int *ret)
{
	uint32_t n;
	int prog;

	if (ebn_dev_find(dp, ifindex, &n))
		return -ENOENT;
	prog = ebn_prog_of((enum ebn_dev_kind)ebn_dev(dp, n)->kind, hook);
	*ret = fcntl(dp->p->set.prog_fd[prog], F_DUPFD_CLOEXEC, 3);
	return *ret < 0 ? -errno : 0;
}

static int ebn_run_tc(int prog, uint32_t ifindex, const struct ebpfnet_run_opts *o, void *buf, size_t size,
		      struct bpf_test_run_opts *t)
{
	struct __sk_buff ctx = { .ifindex = ifindex, .ingress_ifindex = o->hook == EBPFNET_HOOK_IN ? ifindex : 0 };

	t->ctx_in = &ctx;
	t->ctx_size_in = sizeof(ctx);
	t->data_out = buf;
	t->data_size_out = (uint32_t)size;
	return bpf_prog_test_run_opts(prog, t);
}

static int ebn_run_xdp(int prog, uint32_t ifindex, uint32_t len, void *buf, size_t size, struct bpf_test_run_opts *t)
{
	struct xdp_md ctx = { .data_end = len, .ingress_ifindex = ifindex };

	t->ctx_in = &ctx;
	t->ctx_size_in = sizeof(ctx);
	t->data_out = buf;
	t->data_size_out = (uint32_t)size;
	return bpf_prog_test_run_opts(prog, t);
}

int ebpfnet_datapath_run(struct ebpfnet_datapath *dp, const struct ebpfnet_run_opts *opts, void *buf, size_t size,
			 struct ebpfnet_run_result *ret, size_t ret_size)
{
	LIBBPF_OPTS(bpf_test_run_opts, t, .repeat = 1);
	struct ebpfnet_run_result result = { 0 };
	struct ebpfnet_run_opts o = { 0 };
	struct ebn_link_info info;
	_close_ int prog = -1;
	int r;

	if (!opts || !EBN_OPTS_VALID(opts, ebpfnet_run_opts) || !ret || (size && !buf) || size > UINT32_MAX)
		return -EINVAL;
	memcpy(&o, opts, opts->sz < sizeof(o) ? opts->sz : sizeof(o));
	if (!o.device || !o.packet || o.len < ETH_HLEN || o.len > EBPFNET_RUN_MAX || o.reserved ||
	    o.hook > EBPFNET_HOOK_XDP)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return -EBUSY;
	r = ebn_nl_link(&dp->p->nl, o.device, 0, &info);
	if (r < 0)
		return ebn_diag(o.diag, o.device, r, "cannot ask about the device");
	if (o.hook == EBPFNET_HOOK_XDP)
		r = ebn_xdp_prog(dp, info.ifindex, &prog);
	else
		r = ebn_run_prog_tc(dp, info.ifindex, o.hook == EBPFNET_HOOK_IN ? EBN_HOOK_IN : EBN_HOOK_OUT, &prog);
	if (r < 0)
		return ebn_diag(o.diag, o.device, r, r == -ENOENT ? "not attached" : "cannot open its program");
	t.data_in = o.packet;
	t.data_size_in = (uint32_t)o.len;
	r = o.hook == EBPFNET_HOOK_XDP ? ebn_run_xdp(prog, info.ifindex, (uint32_t)o.len, buf, size, &t) :
					 ebn_run_tc(prog, info.ifindex, &o, buf, size, &t);
	/* the packet does not fit into the buffer: the program has run all the same */
	if (r == -ENOSPC)
		r = 0;
	if (r < 0)
		return ebn_diag(o.diag, o.device, r, "the kernel does not run the packet");
	result.action = t.retval;
	result.duration_ns = t.duration;
	result.len = t.data_size_out;
	ebn_copy_out(ret, ret_size, &result, sizeof(result));
	return 0;
}
