// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "xdp_rig.h"
#include "counts.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/internal.h"
#include "ebn_xdp.skel.h"
#include "../lib/skeleton.h"

EBN_SKELETON(ebn_xdp_bpf)

#define NODE_SIZE (4u << 20)

const uint8_t xr_mac_router[6] = { 2, 0xcc, 0, 0, 0, 1 }, xr_mac_nd[6] = { 2, 0xdd, 0, 0, 0, 1 };
const uint8_t xr_mac_nd2[6] = { 2, 0xdd, 0, 0, 0, 2 }, xr_mac_thin[6] = { 2, 0xdd, 0, 0, 0, 3 };
const uint8_t xr_mac_backend[6] = { 2, 0xbe, 0, 0, 0, 1 };
struct xr xr;

static struct ebn_xdp_bpf *skel;
static void *node;
static uint64_t reasons_before[EBN_R_MAX];

static void devices(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system(
		"set -e; echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n"
		"ip link set lo up\n"
		"ip link add nd address 02:dd:00:00:00:01 type veth peer nd-far\n"
		"ip link add nd2 address 02:dd:00:00:00:02 type veth peer nd2-far\n"
		"ip link add thin address 02:dd:00:00:00:03 type veth peer thin-far\n"
		"ip link set thin mtu 1400\n"
		"n=9; for d in nd nd2 thin; do\n"
		"ip link set $d up; ip link set $d-far up\n"
		"ip addr add 10.$n.0.254/16 dev $d; ip addr add fd0$n::fe/64 dev $d nodad\n"
		"for i in 1 2 3 4; do\n"
		"ip neigh add 10.$n.0.$i lladdr 02:be:00:00:00:01 dev $d\n"
		"ip neigh add fd0$n::$i lladdr 02:be:00:00:00:01 dev $d; done\n"
		"ip route add 10.1$n.0.0/16 via 10.$n.0.1\n"
		"n=$((n-1)); done\n"
		"ip route add unreachable 10.66.0.0/16\n"), 0);
	xr.ifindex = if_nametoindex("nd");
	ck_assert_uint_ne(xr.ifindex, 0);
}

static void load(uint32_t sets, bool weak)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info), zero = 0;
	struct ebn_xdp_conf conf = { htonl(0xac100000), { htonl(0xfd770000), 0, 0 } };

	skel = ebn_xdp_bpf__open_as(EBN_LOADS_IN_ORDER && !weak);
	ck_assert_ptr_nonnull(skel);
	ck_assert_int_eq(bpf_map__set_value_size(skel->maps.ebn_node, NODE_SIZE), 0);
	ck_assert_int_eq(bpf_map__set_max_entries(skel->maps.ebn_xdp_conn, sets), 0);
	skel->rodata->ebn_xdp_mask = sets - 1;
	skel->rodata->ebn_cfg.node_size = NODE_SIZE;
	skel->rodata->ebn_cfg.tick_shift = 5;
	skel->rodata->ebn_cfg.flow_seed[0] = 0x1234567;
	skel->rodata->ebn_cfg.flow_seed[1] = 0x89abcdef;
	ck_assert_int_eq(ebn_xdp_bpf__load(skel), 0);
	ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.ebn_xdp_conf), &zero, &conf, BPF_ANY), 0);
	xr.prog = bpf_program__fd(skel->progs.ebn_xdp);
	ck_assert_int_eq(bpf_obj_get_info_by_fd(xr.prog, &info, &len), 0);
	xr.insns = info.verified_insns;
	/* a test run says it came from this device, and veth has queues for XDP only while there is a program */
	ck_assert_int_eq(bpf_xdp_attach((int)xr.ifindex, xr.prog, XDP_FLAGS_DRV_MODE, NULL), 0);
	xr.sets = sets;
	xr.conn = mmap(NULL, sets * sizeof(*xr.conn), PROT_READ | PROT_WRITE, MAP_SHARED,
		       bpf_map__fd(skel->maps.ebn_xdp_conn), 0);
	ck_assert_ptr_ne(xr.conn, MAP_FAILED);
	node = mmap(NULL, NODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skel->maps.ebn_node), 0);
	ck_assert_ptr_ne(node, MAP_FAILED);
}

int xr_map(const char *name)
{
	return bpf_object__find_map_fd_by_name(skel->obj, name);
}

void xr_open(uint32_t sets, bool weak)
{
	static const uint64_t seed[2] = { 0x1234567, 0x89abcdef };

	memset(&xr, 0, sizeof(xr));
	memset(reasons_before, 0, sizeof(reasons_before));
	devices();
	load(sets ? sets : 64, weak);
	ck_assert_int_eq(ebpfnet_diag_new(&xr.diag), 0);
	ck_assert_int_eq(ebn_node_format(node, NODE_SIZE, seed), 0);
	ck_assert_int_eq(ebn_node_open(node, NODE_SIZE, NULL, &xr.nt), 0);
	ck_assert_int_eq(ebn_rows_open(xr.nt, 16, NULL, &xr.rows), 0);
	ck_assert_int_eq(ebn_services_open(NULL, xr.nt, xr.diag, &xr.sv), 0);
	ck_assert_int_eq(ebn_services_settle(xr.sv, xr.diag), 0);
	ck_assert_int_eq(ebn_node_adopted(xr.nt), 0);
	/* a root, so that programs find the tables though there is nothing in them */
	ck_assert_int_eq(ebn_node_begin(xr.nt), 0);
	ck_assert_int_eq(ebn_node_publish(xr.nt), 0);
	/* the device is up: what the kernel sent there before was dropped, as there were no tables */
	counts_reason(xr_map("ebn_reason"), reasons_before);
}

void xr_grace(void)
{
	while (ebn_node_grace_cut(xr.nt))
		ebn_node_grace_done(xr.nt);
}

void xr_close(void)
{
	ebn_services_free(xr.sv);
	ebn_rows_free(xr.rows);
	ebn_node_free(xr.nt);
	ebpfnet_diag_free(xr.diag);
	munmap(node, NODE_SIZE);
	munmap(xr.conn, xr.sets * sizeof(*xr.conn));
	ck_assert_int_eq(bpf_xdp_detach((int)xr.ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);
	ebn_xdp_bpf__destroy(skel);
}

uint64_t xr_counter(enum ebn_xdp_counter c)
{
	uint64_t v;

	counts_sum(xr_map("ebn_xdp_count"), c, &v, 1);
	return v;
}

void xr_svc_stat(uint32_t service, struct ebn_xdp_svc_stat *ret)
{
	counts_sum(xr_map("ebn_xdp_svc"), service, (uint64_t *)ret, sizeof(*ret) / 8);
}

void xr_run(const struct packet *p, struct xr_result *ret)
{
	struct xdp_md ctx = { .data_end = (uint32_t)p->len, .ingress_ifindex = xr.ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = p->b, .data_size_in = (uint32_t)p->len, .data_out = ret->out.b,
		    .data_size_out = sizeof(ret->out.b), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = 1);
	int r;

	r = bpf_prog_test_run_opts(xr.prog, &o);
	ck_assert_msg(r == 0, "test run: %s (%zu bytes)", strerror(-r), p->len);
	ret->action = (int)o.retval;
	ret->out.len = o.data_size_out;
	ret->reason = ret->action == XR_DROP ? counts_reason(xr_map("ebn_reason"), reasons_before) : EBN_R_NONE;
}
