// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* One packet through the programs of a device, in a namespace of this test's own. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <ebpfnet/conntrack.h>
#include <ebpfnet/xdp.h>

#include "../packet/packet.h"
#include "../unit/suite.h"
#include "core/internal.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_diag *diag;
static struct ebpfnet_datapath *dp;
static char name[32];

static struct ebpfnet_datapath *open_dp(uint32_t flags)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .flows4 = 1024, .flows6 = 1024, .flags = flags };
	struct ebpfnet_datapath *d = NULL;

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, &d), 0);
	return d;
}

static void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system("ip link add v0 type veth peer name v1 && ip link set v0 up && ip link set v1 up"), 0);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	dp = open_dp(0);
	/* what a case before this one left when it failed */
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_datapath_prepare(dp, NULL), 0);
}

static void teardown(void)
{
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ebpfnet_datapath_unref(dp);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
}

static void attach(void)
{
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_datapath_attach(dp, "v0", EBPFNET_ROLE_WATCH, NULL), 0);
}

static const struct spec datagram = { .src = "192.0.2.1", .dst = "192.0.2.2", .proto = UDP, .sport = 4000,
				      .dport = 53 };

static struct ebpfnet_run_opts run_of(const struct packet *p, const char *device, enum ebpfnet_hook hook)
{
	return (struct ebpfnet_run_opts){ .sz = sizeof(struct ebpfnet_run_opts), .device = device, .hook = hook,
					  .packet = p->b, .len = p->len, .diag = diag };
}

static int run(struct ebpfnet_datapath *d, const struct ebpfnet_run_opts *o, void *buf, size_t size,
	       struct ebpfnet_run_result *ret)
{
	ebpfnet_diag_clear(diag);
	return ebpfnet_datapath_run(d, o, buf, size, ret, sizeof(*ret));
}

static void refused(const struct ebpfnet_run_opts *o, int err)
{
	struct ebpfnet_run_result r;
	uint8_t buf[64];

	ck_assert_int_eq(run(dp, o, buf, sizeof(buf), &r), err);
}

START_TEST(what_is_no_run_is_refused)
{
	struct ebpfnet_datapath *looker;
	struct ebpfnet_run_result r;
	struct ebpfnet_run_opts o;
	static uint8_t big[EBPFNET_RUN_MAX + 1];
	struct packet p;
	char text[256];

	setup();
	packet_make(&p, &datagram);
	o = run_of(&p, "v0", EBPFNET_HOOK_IN);
	refused(&o, -EBUSY);
	attach();
	looker = open_dp(EBPFNET_DATAPATH_READONLY);
	ck_assert_int_eq(run(looker, &o, NULL, 0, &r), -EROFS);
	ebpfnet_datapath_unref(looker);
	ck_assert_int_eq(run(NULL, &o, NULL, 0, &r), -EINVAL);
	ck_assert_int_eq(run(dp, NULL, NULL, 0, &r), -EINVAL);
	ck_assert_int_eq(run(dp, &o, NULL, 1, &r), -EINVAL);
	ck_assert_int_eq(ebpfnet_datapath_run(dp, &o, NULL, 0, NULL, 0), -EINVAL);
	o.reserved = 1;
	refused(&o, -EINVAL);
	o = run_of(&p, "v0", (enum ebpfnet_hook)3);
	refused(&o, -EINVAL);
	o = run_of(&p, NULL, EBPFNET_HOOK_IN);
	refused(&o, -EINVAL);
	o = run_of(&p, "v0", EBPFNET_HOOK_IN);
	o.len = 13;
	refused(&o, -EINVAL);
	o.packet = big;
	o.len = sizeof(big);
	refused(&o, -EINVAL);
	o.packet = NULL;
	o.len = p.len;
	refused(&o, -EINVAL);
	o = run_of(&p, "nobody", EBPFNET_HOOK_IN);
	refused(&o, -ENODEV);
	o = run_of(&p, "v1", EBPFNET_HOOK_IN);
	refused(&o, -ENOENT);
	ck_assert_int_gt(ebpfnet_diag_format(diag, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, "v1"));
	o = run_of(&p, "v0", EBPFNET_HOOK_XDP);
	refused(&o, -ENOENT);
	/* the kernel looks at headers, too */
	o = run_of(&p, "v0", EBPFNET_HOOK_IN);
	o.len = 20;
	ck_assert_int_eq(run(dp, &o, NULL, 0, &r), -EINVAL);
	teardown();
}
END_TEST

START_TEST(a_packet_is_run_and_leaves_its_flow)
{
	static const enum ebpfnet_hook hooks[] = { EBPFNET_HOOK_IN, EBPFNET_HOOK_OUT };
	struct spec s = { .src = "2001:db8::1", .dst = "2001:db8::2", .proto = UDP, .sport = 4000, .dport = 53 };
	struct ebpfnet_ct_tuple t = { EBPFNET_OPTS_INIT(t), .sport = 4000, .dport = 53, .protocol = UDP,
				      .zone = 0xffff };
	struct ebpfnet_run_result r;
	struct ebpfnet_run_opts o;
	struct ebpfnet_ct_entry e;
	uint8_t buf[2048];
	struct packet p;

	setup();
	attach();
	ck_assert_int_eq(ebpfnet_xdp_attach(dp, "v0", NULL, NULL), 0);
	packet_make(&p, &s);
	for (size_t i = 0; i < EBN_ARRAY_SIZE(hooks); i++) {
		o = run_of(&p, "v0", hooks[i]);
		memset(&r, 0xff, sizeof(r));
		ck_assert_int_eq(run(dp, &o, buf, sizeof(buf), &r), 0);
		ck_assert_uint_eq(r.action, TC_ACT_OK);
		ck_assert_uint_eq(r.len, p.len);
		ck_assert_mem_eq(buf, p.b, p.len);
	}
	ck_assert_int_eq(ebpfnet_addr_parse(s.src, &t.src), 0);
	ck_assert_int_eq(ebpfnet_addr_parse(s.dst, &t.dst), 0);
	ck_assert_int_eq(ebpfnet_ct_lookup(dp, &t, &e, sizeof(e)), 0);
	ck_assert_uint_eq(e.packets[0], 2);
	/* into a buffer that is too small, and into none */
	buf[20] = 0x5a;
	ck_assert_int_eq(run(dp, &o, buf, 20, &r), 0);
	ck_assert_uint_eq(r.len, p.len);
	ck_assert_uint_eq(buf[20], 0x5a);
	ck_assert_int_eq(run(dp, &o, NULL, 0, &r), 0);
	ck_assert_uint_eq(r.len, p.len);
	ck_assert_int_eq(ebpfnet_ct_lookup(dp, &t, &e, sizeof(e)), 0);
	ck_assert_uint_eq(e.packets[0], 4);
	o = run_of(&p, "v0", EBPFNET_HOOK_XDP);
	ck_assert_int_eq(run(dp, &o, buf, sizeof(buf), &r), 0);
	ck_assert_uint_eq(r.action, XDP_PASS);
	ck_assert_mem_eq(buf, p.b, p.len);
	teardown();
}
END_TEST

/* Each case runs in a process of its own; what a failed one leaves pinned is removed here. */
int main(void)
{
	const TTest *const tests[] = { what_is_no_run_is_refused, a_packet_is_run_and_leaves_its_flow };
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name };
	int failed;

	snprintf(name, sizeof(name), "ebnt-run-%d", (int)getpid());
	failed = run_suite("run", tests, EBN_ARRAY_SIZE(tests));
	if (failed && !ebpfnet_ctx_new(NULL, &ctx) && !ebpfnet_datapath_open(ctx, &opts, &dp))
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	return failed;
}
