// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The balancer on node devices: ns in the program, less an empty one, of a 64-byte TCP packet that goes to one of 64 backends in
 * a packet of its own. The harness undoes that each time; what undoing takes is not the balancer's, and half of what growing
 * and shrinking a packet takes together.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "ebn_config.h"
#include "ebn_xdp.h"
#include "service/service.h"
#include "xdp_bench.h"

#include "ebn_xdp.skel.h"
#include "xdp.skel.h"
#include "../tests/lib/skeleton.h"

EBN_SKELETON(ebn_xdp_bpf)

#define BACKENDS 64u
#define FLOWS 1048576u	/* places in the table, as by default */
#define TABLE (16u << 20)
#define VIP 0x0a600001u
#define ELSEWHERE 0x0a090001u
#define ACK 0x10u
#define SYN 0x02u

struct xdp_setup {
	struct ebn_xdp_bpf *lb;
	struct xdp_bpf *harness;
	void *mem;
	struct ebn_node *nt;
	struct ebn_services *sv;
};

static struct ebpfnet_addr mapped(uint32_t a)
{
	struct ebpfnet_addr r = { { 0 } };

	r.b[10] = r.b[11] = 0xff;
	a = htonl(a);
	memcpy(r.b + 12, &a, 4);
	return r;
}

static void xdp_close(struct xdp_setup *s)
{
	ebn_services_free(s->sv);
	ebn_node_free(s->nt);
	if (s->mem)
		munmap(s->mem, TABLE);
	xdp_bpf__destroy(s->harness);
	ebn_xdp_bpf__destroy(s->lb);
}

static int load(struct xdp_setup *s)
{
	struct ebn_xdp_conf conf = { htonl(0xac100000), { 0 } };
	uint32_t zero = 0;
	int err;

	s->lb = ebn_xdp_bpf__open_as(EBN_LOADS_IN_ORDER);
	s->harness = xdp_bpf__open_and_load();
	if (!s->lb || !s->harness)
		return -errno;
	s->lb->rodata->ebn_cfg.node_size = TABLE;
	s->lb->rodata->ebn_cfg.tick_shift = 5;
	s->lb->rodata->ebn_cfg.flow_seed[0] = 1;
	s->lb->rodata->ebn_cfg.flow_seed[1] = 2;
	s->lb->rodata->ebn_xdp_mask = FLOWS / EBN_XDP_WAYS - 1;
	err = bpf_map__set_value_size(s->lb->maps.ebn_node, TABLE);
	if (!err)
		err = bpf_map__set_max_entries(s->lb->maps.ebn_xdp_conn, FLOWS / EBN_XDP_WAYS);
	if (!err)
		err = ebn_xdp_bpf__load(s->lb);
	if (!err)
		err = bpf_map_update_elem(bpf_map__fd(s->lb->maps.ebn_xdp_conf), &zero, &conf, BPF_ANY);
	if (err)
		return err;
	s->mem = mmap(NULL, TABLE, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(s->lb->maps.ebn_node), 0);
	if (s->mem == MAP_FAILED) {
		s->mem = NULL;
		return -errno;
	}
	return 0;
}

static int serve(struct xdp_setup *s)
{
	struct ebpfnet_frontend f = { .addr = mapped(VIP), .port = 80, .protocol = IPPROTO_TCP,
				      .kind = EBPFNET_FRONTEND_LOAD_BALANCER };
	struct ebpfnet_backend b[BACKENDS] = { 0 };
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .name = "vip", .frontends = &f, .n_frontends = 1,
					  .backends = b, .n_backends = BACKENDS,
					  .forwarding = EBPFNET_FORWARDING_DSR_IPIP };
	static const uint64_t seed[2] = { 1, 2 };
	uint32_t i;
	int err;

	for (i = 0; i < BACKENDS; i++)
		b[i].addr = mapped(ELSEWHERE + i);
	err = ebn_node_format(s->mem, TABLE, seed);
	if (!err)
		err = ebn_node_open(s->mem, TABLE, NULL, &s->nt);
	if (!err)
		err = ebn_services_open(NULL, s->nt, NULL, &s->sv);
	if (!err)
		err = ebn_node_adopted(s->nt);
	return err ? err : ebn_services_upsert(s->sv, &o, NULL);
}

/* A namespace that does not forward, whatever the machine does. */
static int private_net(void)
{
	int fd, err = 0;

	if (unshare(CLONE_NEWNET))
		return -errno;
	fd = open("/proc/sys/net/ipv4/ip_forward", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, "0", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

static int xdp_open(struct bench *b, struct xdp_setup *s)
{
	int err;

	memset(s, 0, sizeof(*s));
	/* packets go back to the router they came from, and nobody is asked for a route but once a second */
	err = private_net();
	if (!err)
		err = load(s);
	if (!err)
		err = serve(s);
	return err ? bench_fail(b, err, "setting up: %s", strerror(-err)) : 0;
}

static void packet(struct xdp_setup *s, uint32_t dst, uint8_t flags, uint32_t flows, bool scatter)
{
	static const uint8_t head[] = { 2, 0xdd, 0, 0, 0, 1, 2, 0xcc, 0, 0, 0, 1, 8, 0,
					0x45, 0, 0, XDP_LEN - 14, 0, 0, 0x40, 0, 64, 6, 0, 0, 198, 51, 100, 7 };
	struct xdp_mode *m = &s->harness->bss->mode;
	uint8_t p[XDP_LEN] = { 0 };

	memcpy(p, head, sizeof(head));
	dst = htonl(dst);
	memcpy(p + 30, &dst, 4);
	p[34] = 0x40;
	p[37] = 80;
	p[46] = 0x50;
	p[47] = flags;
	memcpy(m->packet, p, sizeof(p));
	m->count = 0;
	m->flows = flows;
	m->scatter = scatter;
}

static int target(struct xdp_setup *s, const struct bpf_program *prog)
{
	int fd = bpf_program__fd(prog);
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(s->harness->maps.xdp_target), &zero, &fd, BPF_ANY);
}

static int harness(const struct xdp_setup *s)
{
	return bpf_program__fd(s->harness->progs.xdp_harness);
}

static int once(struct bench *b, struct xdp_setup *s, uint32_t n, uint32_t want)
{
	uint8_t out[256];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->harness->bss->mode.packet, .data_size_in = XDP_LEN,
		    .data_out = out, .data_size_out = sizeof(out), .repeat = (int)n);
	int err = bpf_prog_test_run_opts(harness(s), &opts);

	if (!err && opts.retval != want)
		return bench_fail(b, EPROTO, "the program returned %u, not %u", opts.retval, want);
	return err ? bench_fail(b, err, "running a packet: %s", strerror(-err)) : 0;
}

static int measure(struct bench *b, struct xdp_setup *s, const struct bpf_program *prog, struct bench_sample *ret)
{
	int err = target(s, prog);

	return err ? bench_fail(b, err, "tail call: %s", strerror(-err)) :
		     bench_prog(b, harness(s), NULL, s->harness->bss->mode.packet, XDP_LEN, ret);
}

/* What the harness takes of a program that grows the packet (or does not). */
static int idle(struct bench *b, struct xdp_setup *s, bool grows, double *ret)
{
	struct bench_sample nothing, grow;
	int err = measure(b, s, s->harness->progs.xdp_nothing, &nothing);

	if (!err && grows)
		err = measure(b, s, s->harness->progs.xdp_grow, &grow);
	if (err)
		return err;
	*ret = bench_median(&nothing);
	if (grows)
		*ret += (bench_median(&grow) - *ret) / 2;
	return 0;
}

static int run_xdp(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	bool pass = strstr(row->name, "pass"), new = strstr(row->name, "new");
	uint32_t want = pass ? XDP_PASS : XDP_TX, flows = (uint32_t)row->arg;
	struct bench_sample sample;
	struct xdp_setup s;
	double base = 0;
	int err = xdp_open(b, &s);

	if (err)
		goto out;
	packet(&s, pass ? ELSEWHERE : VIP, new ? SYN : ACK, flows, false);
	err = target(&s, s.lb->progs.ebn_xdp);
	/* every flow is there, or the table is full */
	if (!err)
		err = once(b, &s, flows, want);
	packet(&s, pass ? ELSEWHERE : VIP, new ? SYN : ACK, flows, !new && flows > 1);
	if (!err)
		err = idle(b, &s, !pass, &base);
	s.harness->bss->mode.count = 0;
	if (!err)
		err = measure(b, &s, s.lb->progs.ebn_xdp, &sample);
	if (!err)
		err = once(b, &s, 1, want);
	if (!err)
		bench_value(res, &sample, base, 1);
out:
	xdp_close(&s);
	return err;
}

const struct bench_row bench_xdp_rows[] = {
	{ .name = "lb-xdp-known/hot", .unit = "ns", .budget = 55, .run = run_xdp, .arg = 1 },
	{ .name = "lb-xdp-known/256k", .unit = "ns", .budget = 290, .run = run_xdp, .arg = 262144 },
	{ .name = "lb-xdp-new", .unit = "ns", .budget = 450, .run = run_xdp, .arg = 4194304 },
	{ .name = "lb-xdp-pass", .unit = "ns", .budget = 15, .run = run_xdp, .arg = 1 },
	{ .name = NULL },
};
