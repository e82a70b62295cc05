// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "setup.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/features.h"
#include "ebn_config.h"
#include "ebn_datapath.skel.h"
#include "packet.skel.h"
#include "../tests/lib/skeleton.h"

EBN_SKELETON(ebn_datapath_bpf)

#define BPFFS "/sys/fs/bpf"
#define NODE_SIZE (32u << 20)
#define ADDRS 10000u
#define RULES 50u
#define PEERS 60u
#define SUBJECT 1u
#define TICK_SHIFT 5u
#define RING_BYTES (16u << 20)	/* holds what a reader is behind */
/* BPF_TCX_INGRESS: newer than the oldest headers this builds with */
#define TCX_INGRESS ((enum bpf_attach_type)46)

static const uint8_t ep_mac[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
static const uint8_t gw_mac[6] = { 2, 0, 0, 0, 1, 1 };

int setup_shell(const char *command)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int setup_namespace(struct bench *b)
{
	static bool made;

	if (made)
		return 0;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return bench_fail(b, -errno, "namespaces of its own: %s", strerror(errno));
	/* pins go with the bench, however it ends; also where the machine has no such file system */
	if (mount("bpf", BPFFS, "bpf", 0, "mode=0700"))
		return bench_fail(b, -errno, "%s: %s", BPFFS, strerror(errno));
	if (setup_shell("ip link set lo up"))
		return bench_fail(b, EIO, "ip link failed");
	made = true;
	return 0;
}

int setup_devices(struct bench *b, const char *name, unsigned int n)
{
	char command[512], first[16];

	snprintf(first, sizeof(first), "%s0", name);
	if (if_nametoindex(first))
		return 0;
	snprintf(command, sizeof(command), "for i in $(seq 0 %u); do echo link add %s$i type veth peer name %s${i}p;"
		 " echo link set %s$i up; echo link set %s${i}p up; done | ip -batch -", n - 1, name, name, name, name);
	return setup_shell(command) ? bench_fail(b, EIO, "ip link add failed") : 0;
}

double setup_link_us(const char *device)
{
	struct packet_bpf *skel = packet_bpf__open();
	double from, us = 0;
	int fd;

	if (!skel)
		return 0;
	bpf_program__set_autoload(skel->progs.packet_harness4, false);
	bpf_program__set_autoload(skel->progs.packet_harness6, false);
	bpf_program__set_expected_attach_type(skel->progs.packet_nothing, TCX_INGRESS);
	if (!packet_bpf__load(skel)) {
		from = bench_now_ns();
		fd = bpf_link_create(bpf_program__fd(skel->progs.packet_nothing), (int)if_nametoindex(device),
				     TCX_INGRESS, NULL);
		us = fd < 0 ? 0 : (bench_now_ns() - from) / 1e3;
		if (fd >= 0)
			close(fd);
	}
	packet_bpf__destroy(skel);
	return us;
}

static int devices(struct bench *b, struct setup *s)
{
	int err = setup_namespace(b);

	if (!err)
		err = setup_devices(b, "ebnb", 2);
	if (err)
		return err;
	s->ifindex[0] = if_nametoindex("ebnb0");
	s->ifindex[1] = if_nametoindex("ebnb1");
	return s->ifindex[0] && s->ifindex[1] ? 0 : bench_fail(b, ENODEV, "no devices");
}

static void local_addr(unsigned int i, bool v6, uint32_t addr[4])
{
	addr[0] = v6 ? htonl(0xfd000000) : 0;
	addr[1] = 0;
	addr[2] = v6 ? 0 : htonl(0xffff);
	addr[3] = htonl(v6 ? 1 + i : 0x0a000001 + i);
}

/* 192.168.0.0 and on; the flows above 65,536 are to later ones. */
static void remote_addr(unsigned int i, bool v6, uint32_t addr[4])
{
	addr[0] = v6 ? htonl(0xfd010000) : 0;
	addr[1] = 0;
	addr[2] = v6 ? 0 : htonl(0xffff);
	addr[3] = htonl((v6 ? 0 : 0xc0a80000) + i);
}

static int open_maps(struct bench *b, struct setup *s, uint64_t flows4, uint64_t flows6)
{
	struct ebn_datapath_bpf *d = s->dp;
	uint32_t sets[2] = { ebn_flow_sets(flows4), ebn_flow_sets(flows6) };
	double from;
	int err;

	s->node_size = NODE_SIZE;
	d->rodata->ebn_cfg.node_size = NODE_SIZE;
	d->rodata->ebn_cfg.flow4_mask = sets[0] - 1;
	d->rodata->ebn_cfg.flow6_mask = sets[1] - 1;
	d->rodata->ebn_cfg.tick_shift = TICK_SHIFT;
	d->rodata->ebn_cfg.kernel_skb = ebn_probe_kernel_skb() > 0;
	d->rodata->ebn_cfg.flow_seed[0] = 0x1234567;
	d->rodata->ebn_cfg.flow_seed[1] = 0x89abcde;
	err = bpf_map__set_value_size(d->maps.ebn_node, NODE_SIZE);
	if (!err)
		err = bpf_map__set_max_entries(d->maps.ebn_flow4, sets[0]);
	if (!err)
		err = bpf_map__set_max_entries(d->maps.ebn_flow6, sets[1]);
	if (!err)
		err = bpf_map__set_max_entries(d->maps.ebn_events, RING_BYTES);
	if (!err)
		err = bpf_map__set_autocreate(d->maps.ebn_flow4_old, false);
	if (!err)
		err = bpf_map__set_autocreate(d->maps.ebn_flow6_old, false);
	if (!err)
		err = bpf_map__set_autocreate(d->maps.ebn_before, false);
	from = bench_now_ns();
	if (!err)
		err = ebn_datapath_bpf__load(d);
	s->load_ms = (bench_now_ns() - from) / 1e6;
	if (err)
		return bench_fail(b, err, "loading the datapath: %s", strerror(-err));
	s->flows[0] = (struct ebn_flows){ .mask = sets[0] - 1, .v6 = false };
	s->flows[1] = (struct ebn_flows){ .mask = sets[1] - 1, .v6 = true };
	return 0;
}

static int map_one(int fd, uint64_t size, uint8_t **ret)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static int map_all(struct bench *b, struct setup *s)
{
	int err, i;

	err = map_one(bpf_map__fd(s->dp->maps.ebn_node), s->node_size, &s->mem);
	if (!err)
		err = map_one(bpf_map__fd(s->dp->maps.ebn_flow4), ebn_flow_bytes(s->flows[0].mask + 1, false),
			      &s->flow_mem[0]);
	if (!err)
		err = map_one(bpf_map__fd(s->dp->maps.ebn_flow6), ebn_flow_bytes(s->flows[1].mask + 1, true),
			      &s->flow_mem[1]);
	for (i = 0; i < 2; i++) {
		s->flows[i].mem = s->flow_mem[i];
		s->flows[i].seed[0] = s->dp->rodata->ebn_cfg.flow_seed[0];
		s->flows[i].seed[1] = s->dp->rodata->ebn_cfg.flow_seed[1];
	}
	return err ? bench_fail(b, err, "mapping the tables: %s", strerror(-err)) : 0;
}

static int fill_endpoints(struct setup *s)
{
	uint32_t i, f, row, addr[4];
	struct ebn_ep_row *r;
	int err = 0;

	for (i = 0; i < 2 && !err; i++) {
		err = ebn_ep_row_get(s->rows, &row);
		if (err)
			break;
		r = ebn_ep_row(s->rows, row);
		r->ifindex = s->ifindex[i];
		r->flags = EBN_EP_F_ENFORCE | EBN_EP_F_GATEWAY | EBN_EP_F_REDIRECT;
		r->identity = r->peer4 = r->peer6 = 300 + i;
		r->subject = SUBJECT;
		r->id = (uint16_t)(i + 1);
		memcpy(r->mac, ep_mac[i], 6);
		memcpy(r->gw_mac, gw_mac, 6);
		local_addr(i, false, addr);
		r->addr4 = addr[3];
		r->gw4 = htonl(0x0a0000fe);
		local_addr(i, true, r->addr6);
		err = ebn_ep_row_publish(s->rows, row);
		for (f = 0; f < 2 && !err; f++) {
			local_addr(i, f, addr);
			err = ebn_addr_set(s->rows, addr, 300 + i, row + 1);
		}
	}
	for (i = 0; i < ADDRS && !err; i++) {
		for (f = 0; f < 2 && !err; f++) {
			remote_addr(i, f, addr);
			err = ebn_addr_set(s->rows, addr, 1000 + i % 5000, 0);
		}
	}
	for (i = 0; i < 5000 && !err; i++)
		err = ebn_class_set(s->rows, 1000 + i, 1 + i % (PEERS - 2));
	for (i = 0; i < 2 && !err; i++)
		err = ebn_class_set(s->rows, 300 + i, PEERS - 1);
	return err;
}

static void *piece(struct setup *s, uint32_t type, uint32_t bytes, uint32_t *ret)
{
	return ebn_node_alloc(s->nt, type, bytes, ret) ? NULL : ebn_node_ptr(s->nt, *ret, bytes);
}

/* For both directions: 50 rules, each of them some peers on a port of its own. Port 80 is open to all known peers. */
static int fill_policy(struct setup *s)
{
	uint32_t off[3], d, i, j, cols = RULES + 2;
	struct ebn_subject_row *subject = piece(s, EBN_P_SUBJECT, 2 * sizeof(*subject), &off[0]);
	struct ebn_decision *decision = piece(s, EBN_P_DECISION, (RULES + 2) * sizeof(*decision), &off[1]);
	uint16_t *port = piece(s, EBN_P_PORT, EBN_PORT_CELLS * 2, &off[2]), *rowmap, *colmap, *matrix;

	if (!subject || !decision || !port)
		return -ENOSPC;
	subject[SUBJECT].flags = EBN_SUBJ_F_LIVE;
	for (i = 1; i < RULES + 2; i++)
		decision[i] = (struct ebn_decision){ .verdict = EBN_V_ALLOW, .rule = i };
	decision[0].flags = EBN_DEC_F_DEFAULT;
	port[EBN_PORT_TCP + SETUP_PORT_ALLOWED] = 1;
	for (i = 0; i < RULES; i++)
		port[EBN_PORT_TCP + 8000 + i] = (uint16_t)(i + 2);
	for (d = 0; d < 2; d++) {
		struct ebn_policy_table *t = &subject[SUBJECT].dir[d];

		rowmap = piece(s, EBN_X_ROWMAP, PEERS * 2, &t->rowmap);
		colmap = piece(s, EBN_X_COLMAP, cols * 2, &t->colmap);
		matrix = piece(s, EBN_X_MATRIX, PEERS * cols * 2, &t->matrix);
		if (!rowmap || !colmap || !matrix)
			return -ENOSPC;
		t->nrows = PEERS;
		t->ncols = (uint16_t)cols;
		t->n_peer = PEERS;
		t->n_port = cols;
		for (i = 0; i < PEERS; i++) {
			rowmap[i] = (uint16_t)i;
			for (j = 1; j < cols; j++)
				matrix[i * cols + j] = (uint16_t)(j == 1 || (i * 7 + j) % 5 == 0 ? j : 0);
		}
		for (j = 0; j < cols; j++)
			colmap[j] = (uint16_t)j;
	}
	if (ebn_node_begin(s->nt))
		return -ENOSPC;
	ebn_node_set(s->nt, EBN_P_SUBJECT, off[0], 2);
	ebn_node_set(s->nt, EBN_P_DECISION, off[1], RULES + 2);
	ebn_node_set(s->nt, EBN_P_PORT, off[2], EBN_PORT_CELLS);
	return ebn_node_publish(s->nt);
}

static int fill(struct bench *b, struct setup *s)
{
	static const uint64_t seed[2] = { 0x1234567, 0x89abcde };
	/* ticks of an eighth of a second: long enough that nothing expires while it is measured */
	static const uint32_t idle[8] = { 480, 80, 800000, 480, 1440, 240, 480, 800000 };
	int err;

	err = ebn_node_format(s->mem, s->node_size, seed);
	if (!err)
		err = ebn_node_open(s->mem, s->node_size, NULL, &s->nt);
	if (!err)
		err = ebn_rows_open(s->nt, 1024, NULL, &s->rows);
	if (!err)
		err = fill_endpoints(s);
	if (!err)
		err = fill_policy(s);
	if (err)
		return bench_fail(b, err, "filling the tables: %s", strerror(-err));
	memcpy(ebn_node_hdr(s->nt)->idle_ticks, idle, sizeof(idle));
	/* shares are counted as they are by default; none is used up */
	ebn_node_hdr(s->nt)->quota[0] = ebn_node_hdr(s->nt)->quota[1] = UINT32_MAX;
	ebn_node_hdr(s->nt)->wake_bytes = RING_BYTES / 8;
	return 0;
}

static int open_harness(struct bench *b, struct setup *s)
{
	int err;

	s->harness = packet_bpf__open();
	if (!s->harness)
		return bench_fail(b, errno, "opening the harness: %s", strerror(errno));
	s->harness->rodata->ebn_cfg.node_size = NODE_SIZE;
	err = bpf_map__reuse_fd(s->harness->maps.ebn_node, bpf_map__fd(s->dp->maps.ebn_node));
	if (!err)
		err = packet_bpf__load(s->harness);
	return err ? bench_fail(b, err, "loading the harness: %s", strerror(-err)) : 0;
}

int setup_open(struct bench *b, uint64_t flows4, uint64_t flows6, struct setup *s)
{
	int err;

	memset(s, 0, sizeof(*s));
	err = devices(b, s);
	if (err)
		return err;
	s->dp = ebn_datapath_bpf__open_as(EBN_LOADS_IN_ORDER);
	if (!s->dp)
		return bench_fail(b, errno, "opening the datapath: %s", strerror(errno));
	err = open_maps(b, s, flows4, flows6);
	if (!err)
		err = map_all(b, s);
	if (!err)
		err = fill(b, s);
	if (!err)
		err = open_harness(b, s);
	return err;
}

void setup_close(struct setup *s)
{
	int i;

	ebn_rows_free(s->rows);
	ebn_node_free(s->nt);
	if (s->mem)
		munmap(s->mem, s->node_size);
	for (i = 0; i < 2; i++)
		if (s->flow_mem[i])
			munmap(s->flow_mem[i], ebn_flow_bytes(s->flows[i].mask + 1, i));
	if (s->harness)
		packet_bpf__destroy(s->harness);
	if (s->dp)
		ebn_datapath_bpf__destroy(s->dp);
	memset(s, 0, sizeof(*s));
}

void setup_clear(struct setup *s)
{
	int i;

	for (i = 0; i < 2; i++)
		memset(s->flow_mem[i], 0, ebn_flow_bytes(s->flows[i].mask + 1, i));
}

/* ---- packets ---- */

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint16_t sum16(const uint8_t *p, unsigned int len)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void setup_packet(struct setup *s, bool v6, enum setup_packet kind, bool to_local, uint16_t port)
{
	bool reply = kind == SETUP_SYN_ACK;
	uint32_t a[4], b[4], len = v6 ? PACKET_LEN6 : PACKET_LEN4;
	uint8_t p[PACKET_LEN6] = { 0 }, *ip = p + 14, *tcp = ip + (v6 ? 40 : 20);

	local_addr(0, v6, a);
	if (to_local)
		local_addr(1, v6, b);
	else
		remote_addr(0, v6, b);
	memcpy(p, reply && !to_local ? ep_mac[0] : gw_mac, 6);
	memcpy(p + 6, reply ? (to_local ? ep_mac[1] : gw_mac) : ep_mac[0], 6);
	put16(p + 12, v6 ? 0x86dd : 0x0800);
	if (v6) {
		ip[0] = 0x60;
		put16(ip + 4, len - 14 - 40);
		ip[6] = 6;
		ip[7] = 64;
		memcpy(ip + 8, reply ? b : a, 16);
		memcpy(ip + 24, reply ? a : b, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, len - 14);
		put16(ip + 6, 0x4000);
		ip[8] = 64;
		ip[9] = 6;
		memcpy(ip + 12, reply ? &b[3] : &a[3], 4);
		memcpy(ip + 16, reply ? &a[3] : &b[3], 4);
		put16(ip + 10, sum16(ip, 20));
	}
	put16(tcp, reply ? port : 40000);
	put16(tcp + 2, reply ? 40000 : port);
	put32(tcp + 4, kind == SETUP_SYN ? 1000 : reply ? 5000 : 1001);
	put32(tcp + 8, kind == SETUP_SYN ? 0 : reply ? 1001 : 5001);
	tcp[12] = 0x50;
	tcp[13] = kind == SETUP_SYN ? 0x02 : reply ? 0x12 : 0x10;
	put16(tcp + 14, 65535);
	memcpy(s->harness->bss->mode.packet, p, sizeof(p));
	s->harness->bss->mode.epoch_off = 0;
	setup_flows(s, v6, reply, 1, false);
}

void setup_addr(bool local, bool v6, uint32_t n, uint32_t ret[4])
{
	if (local)
		local_addr(n, v6, ret);
	else
		remote_addr(n, v6, ret);
}

void setup_to(struct setup *s, bool v6, const uint32_t addr[4])
{
	uint8_t *ip = (uint8_t *)s->harness->bss->mode.packet + 14;

	if (v6) {
		memcpy(ip + 24, addr, 16);
		return;
	}
	memcpy(ip + 16, &addr[3], 4);
	put16(ip + 10, 0);
	put16(ip + 10, sum16(ip, 20));
}

void setup_flows(struct setup *s, bool v6, bool reply, uint32_t flows, bool scatter)
{
	struct packet_mode *m = &s->harness->bss->mode;

	m->count = 0;
	m->flows = flows;
	m->scatter = scatter;
	/* the beginner's port, and the low half of the other side's address */
	m->port_off = (v6 ? 54 : 34) + (reply ? 2 : 0);
	m->addr_off = v6 ? (reply ? 36 : 52) : (reply ? 28 : 32);
}

/* ---- running ---- */

static int target(struct bench *b, struct setup *s, enum setup_prog prog)
{
	uint32_t zero = 0;
	int fd, err;

	fd = bpf_program__fd(prog == SETUP_FROM_EP ? s->dp->progs.ebn_from_ep :
			     prog == SETUP_TO_EP ? s->dp->progs.ebn_to_ep :
			     prog == SETUP_TO_NETDEV ? s->dp->progs.ebn_to_netdev :
			     prog == SETUP_FROM_NETDEV ? s->dp->progs.ebn_from_netdev :
			     s->harness->progs.packet_nothing);
	err = bpf_map_update_elem(bpf_map__fd(s->harness->maps.packet_target), &zero, &fd, BPF_ANY);
	return err ? bench_fail(b, err, "the program cannot be tail-called: %s", strerror(-err)) : 0;
}

static int harness_fd(struct setup *s, bool v6)
{
	return bpf_program__fd(v6 ? s->harness->progs.packet_harness6 : s->harness->progs.packet_harness4);
}

int setup_run(struct bench *b, struct setup *s, bool v6, enum setup_prog prog, unsigned int device, uint32_t n,
	      uint32_t *ret)
{
	struct __sk_buff ctx = { .ifindex = s->ifindex[device], .ingress_ifindex = s->ifindex[0] };
	uint8_t out[256];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->harness->bss->mode.packet,
		    .data_size_in = v6 ? PACKET_LEN6 : PACKET_LEN4, .data_out = out, .data_size_out = sizeof(out),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)n);
	int err;

	err = target(b, s, prog);
	if (err)
		return err;
	err = bpf_prog_test_run_opts(harness_fd(s, v6), &opts);
	*ret = opts.retval;
	return err ? bench_fail(b, err, "running a packet: %s", strerror(-err)) : 0;
}

int setup_measure(struct bench *b, struct setup *s, bool v6, enum setup_prog prog, unsigned int device, uint32_t want,
		  struct bench_sample *ret, double *ret_idle)
{
	struct __sk_buff ctx = { .ifindex = s->ifindex[device], .ingress_ifindex = s->ifindex[0] };
	const void *packet = s->harness->bss->mode.packet;
	uint32_t len = v6 ? PACKET_LEN6 : PACKET_LEN4, got;
	struct bench_sample idle;
	int err;

	err = target(b, s, SETUP_NOTHING);
	if (!err)
		err = bench_prog(b, harness_fd(s, v6), &ctx, packet, len, &idle);
	if (err)
		return err;
	s->harness->bss->mode.count = 0;
	err = setup_run(b, s, v6, prog, device, 1, &got);
	if (err)
		return err;
	if (got != want)
		return bench_fail(b, EPROTO, "the program returned %u, not %u", got, want);
	s->harness->bss->mode.count = 0;
	err = bench_prog(b, harness_fd(s, v6), &ctx, packet, len, ret);
	if (err)
		return err;
	err = setup_run(b, s, v6, prog, device, 1, &got);
	if (!err && got != want)
		err = bench_fail(b, EPROTO, "the program returned %u at the end, not %u", got, want);
	*ret_idle = bench_median(&idle);
	return err;
}

int setup_establish(struct bench *b, struct setup *s, bool v6, bool to_local, uint32_t flows)
{
	static const enum setup_packet kinds[] = { SETUP_SYN, SETUP_SYN_ACK, SETUP_ACK };
	uint32_t i, got, want;
	bool reply;
	int err;

	for (i = 0; i < 3; i++) {
		reply = kinds[i] == SETUP_SYN_ACK;
		setup_packet(s, v6, kinds[i], to_local, SETUP_PORT_ALLOWED);
		setup_flows(s, v6, reply, flows, false);
		/* an answer comes out of the other endpoint, or from outside to the first one's device */
		err = setup_run(b, s, v6, reply && !to_local ? SETUP_TO_EP : SETUP_FROM_EP, reply && to_local,
				flows, &got);
		if (err)
			return err;
		want = to_local ? 7 : 0;
		if (got != want)
			return bench_fail(b, EPROTO, "packet %u of the handshake: action %u, not %u", i, got, want);
	}
	return 0;
}
