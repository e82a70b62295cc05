// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The balancer's calls: what they refuse, and what they leave. Traffic through it is in agent-xdp. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>

#include <ebpfnet/ctx.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/xdp.h>

#include "../unit/suite.h"
#include "core/internal.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp;
static struct ebpfnet_diag *diag;
static char name[32];

static struct ebpfnet_datapath *dp_open(uint32_t flags)
{
	struct ebpfnet_datapath_opts o = { EBPFNET_OPTS_INIT(o), .name = name, .flags = flags, .table_bytes = 1 << 22,
					   .flows4 = 1024, .flows6 = 1024, .diag = diag };
	struct ebpfnet_datapath *d;

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &o, &d), 0);
	return d;
}

static void setup(void)
{
	snprintf(name, sizeof(name), "ebnt-xdp-%d", getppid());
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system("ip link set lo up; ip link add nd type veth peer nd1; ip link set nd up; ip link set nd1 up"), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	dp = dp_open(0);
}

static void teardown(void)
{
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	ebpfnet_diag_free(diag);
}

static int attach(const char *device, enum ebpfnet_xdp_mode mode, uint32_t connections, const char *source)
{
	struct ebpfnet_xdp_opts o = { EBPFNET_OPTS_INIT(o), .mode = mode, .connections = connections };

	if (source)
		ck_assert_int_eq(ebpfnet_addr_parse(source, &o.source4), 0);
	return ebpfnet_xdp_attach(dp, device, &o, diag);
}

static int find(const struct ebpfnet_xdp_info *info, void *userdata)
{
	*(struct ebpfnet_xdp_info *)userdata = *info;
	return 1;
}

START_TEST(calls_say_what_is_wrong)
{
	struct ebpfnet_backend b = { .port = 80 };
	struct ebpfnet_xdp_service_stats ss;
	struct ebpfnet_xdp_backend_stats bs;
	struct ebpfnet_xdp_stats st;

	setup();
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 0, NULL), -EBUSY);
	ck_assert_int_eq(ebpfnet_datapath_load(dp, diag), 0);
	ck_assert_int_eq(ebpfnet_xdp_stats(dp, &st, sizeof(st)), -ENOENT);
	ck_assert_int_eq(ebpfnet_xdp_attach(NULL, "nd", NULL, NULL), -EINVAL);
	ck_assert_int_eq(attach(NULL, EBPFNET_XDP_AUTO, 0, NULL), -EINVAL);
	ck_assert_int_eq(attach("nd", (enum ebpfnet_xdp_mode)7, 0, NULL), -EINVAL);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 1000, NULL), -EINVAL);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 4, NULL), -EINVAL);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 0, "fd00::1"), -EINVAL);
	ck_assert_int_eq(attach("nosuch", EBPFNET_XDP_AUTO, 0, NULL), -ENODEV);
	ck_assert_int_eq(attach("lo", EBPFNET_XDP_NATIVE, 0, NULL), -EOPNOTSUPP);
	ck_assert_int_eq(ebpfnet_xdp_detach(dp, "nd"), -ENOENT);
	ck_assert_int_eq(ebpfnet_xdp_detach(dp, "nosuch"), -ENODEV);
	ck_assert_int_eq(ebpfnet_xdp_detach(dp, ""), -EINVAL);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 4096, NULL), 0);
	ck_assert_int_eq(ebpfnet_xdp_service_stats(dp, "nobody", &ss, sizeof(ss)), -ENOENT);
	ck_assert_int_eq(ebpfnet_xdp_service_stats(dp, NULL, &ss, sizeof(ss)), -EINVAL);
	ck_assert_int_eq(ebpfnet_addr_parse("10.0.0.1", &b.addr), 0);
	ck_assert_int_eq(ebpfnet_xdp_backend_stats(dp, &b, &bs, sizeof(bs)), -ENOENT);
	ck_assert_int_eq(ebpfnet_xdp_backend_stats(dp, NULL, &bs, sizeof(bs)), -EINVAL);
	ck_assert_int_eq(ebpfnet_xdp_foreach(dp, NULL, NULL), -EINVAL);
	teardown();
}
END_TEST

START_TEST(a_device_keeps_it)
{
	struct ebpfnet_xdp_info info = { .ifindex = 0 };
	struct ebpfnet_datapath *look;
	struct ebpfnet_xdp_stats st;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, diag), 0);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 4096, NULL), 0);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_NATIVE, 0, "10.77.0.0"), 0);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_GENERIC, 0, NULL), -EEXIST);
	ck_assert_int_eq(attach("lo", EBPFNET_XDP_AUTO, 8192, NULL), -EEXIST);
	ck_assert_int_eq(attach("lo", EBPFNET_XDP_AUTO, 4096, NULL), 0);
	ck_assert_int_eq(ebpfnet_xdp_detach(dp, "lo"), 0);
	/* another process looks, and one goes on */
	ebpfnet_datapath_unref(dp);
	look = dp_open(EBPFNET_DATAPATH_READONLY);
	ck_assert_int_eq(ebpfnet_xdp_foreach(look, find, &info), 1);
	ck_assert_str_eq(info.device, "nd");
	ck_assert_uint_eq(info.ifindex, if_nametoindex("nd"));
	ck_assert_int_eq(info.mode, EBPFNET_XDP_NATIVE);
	ck_assert_uint_ne(info.program_id, 0);
	ck_assert_int_eq(ebpfnet_xdp_stats(look, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.connections_max, 4096);
	ck_assert_uint_eq(st.connections, 0);
	ck_assert_uint_eq(st.source4.b[13], 77);
	ck_assert_int_eq(ebpfnet_xdp_attach(look, "lo", NULL, NULL), -EROFS);
	ck_assert_int_eq(ebpfnet_xdp_detach(look, "nd"), -EROFS);
	ebpfnet_datapath_unref(look);
	dp = dp_open(0);
	ck_assert_int_eq(ebpfnet_datapath_load(dp, diag), 0);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 0, NULL), 0);
	/* with no device left, another size */
	ck_assert_int_eq(ebpfnet_xdp_detach(dp, "nd"), 0);
	ck_assert_int_eq(ebpfnet_xdp_foreach(dp, find, &info), 0);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_GENERIC, 8192, NULL), 0);
	ck_assert_int_eq(ebpfnet_xdp_stats(dp, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.connections_max, 8192);
	/* a device that goes leaves nothing */
	ck_assert_int_eq(system("ip link del nd"), 0);
	ck_assert_int_eq(ebpfnet_xdp_foreach(dp, find, &info), 0);
	teardown();
}
END_TEST

START_TEST(somebody_elses_program_stays)
{
	struct bpf_insn insns[] = { { .code = 0xb7, .dst_reg = 0, .imm = 2 }, { .code = 0x95 } };
	int fd, ifindex;
	uint32_t id = 0;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, diag), 0);
	ifindex = (int)if_nametoindex("nd");
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "other", "GPL", insns, 2, NULL);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bpf_xdp_attach(ifindex, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	ck_assert_int_eq(attach("nd", EBPFNET_XDP_AUTO, 0, NULL), -EBUSY);
	ck_assert_int_eq(bpf_xdp_query_id(ifindex, 0, &id), 0);
	ck_assert_uint_ne(id, 0);
	close(fd);
	teardown();
}
END_TEST

RUN_SUITE("xdp", calls_say_what_is_wrong, a_device_keeps_it, somebody_elses_program_stays)
