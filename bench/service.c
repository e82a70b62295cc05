// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Services: what a change costs and takes, and what a socket pays to connect. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "ebn_sock.h"
#include "service.skel.h"
#include "service/service.h"
#include <ebpfnet/ctx.h>
#include <ebpfnet/datapath.h>

#define SERVICES 10000u
#define BACKENDS 10u
#define TABLE (64u << 20)
#define CONNECTS 50000u

/* ---- changes ---- */

struct world {
	void *mem;
	struct ebn_node *nt;
	struct ebn_services *s;
	struct ebpfnet_frontend *f;
	struct ebpfnet_backend *b;
	struct ebpfnet_service_opts *o;
	const struct ebpfnet_service_opts **list;
	char (*name)[32];
};

static struct ebpfnet_addr mapped(uint32_t a)
{
	struct ebpfnet_addr r = { { 0 } };

	r.b[10] = r.b[11] = 0xff;
	a = htonl(a);
	memcpy(r.b + 12, &a, 4);
	return r;
}

static void world_close(struct world *w)
{
	ebn_services_free(w->s);
	ebn_node_free(w->nt);
	if (w->mem)
		munmap(w->mem, TABLE);
	free(w->f);
	free(w->b);
	free(w->o);
	free(w->list);
	free(w->name);
}

static void world_describe(struct world *w)
{
	uint32_t i, k;

	for (i = 0; i < SERVICES; i++) {
		w->f[i] = (struct ebpfnet_frontend){ .addr = mapped(0x0a600000 + i), .port = 80,
						     .protocol = IPPROTO_TCP };
		for (k = 0; k < BACKENDS; k++)
			w->b[i * BACKENDS + k] = (struct ebpfnet_backend){
				.addr = mapped(0x0a000000 + i * BACKENDS + k), .port = 8080, .protocol = IPPROTO_TCP,
				.node = "node-1", .zone = "zone-1" };
		snprintf(w->name[i], sizeof(w->name[i]), "namespace/service-%u:http", i);
		w->o[i] = (struct ebpfnet_service_opts){
			.sz = sizeof(w->o[i]), .name = w->name[i], .frontends = &w->f[i], .n_frontends = 1,
			.backends = &w->b[i * BACKENDS], .n_backends = BACKENDS };
		w->list[i] = &w->o[i];
	}
}

static int world_open(struct bench *b, struct world *w)
{
	static const uint64_t seed[2] = { 1, 2 };
	int err;

	memset(w, 0, sizeof(*w));
	w->f = calloc(SERVICES, sizeof(*w->f));
	w->b = calloc(SERVICES * BACKENDS, sizeof(*w->b));
	w->o = calloc(SERVICES, sizeof(*w->o));
	w->list = calloc(SERVICES, sizeof(void *));
	w->name = calloc(SERVICES, sizeof(*w->name));
	w->mem = mmap(NULL, TABLE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (!w->f || !w->b || !w->o || !w->list || !w->name || w->mem == MAP_FAILED) {
		w->mem = w->mem == MAP_FAILED ? NULL : w->mem;
		return bench_fail(b, -ENOMEM, "no memory");
	}
	err = ebn_node_format(w->mem, TABLE, seed);
	if (!err)
		err = ebn_node_open(w->mem, TABLE, NULL, &w->nt);
	if (!err)
		err = ebn_services_open(NULL, w->nt, NULL, &w->s);
	if (!err)
		err = ebn_node_adopted(w->nt);
	world_describe(w);
	return err ? bench_fail(b, err, "making the tables: %s", strerror(-err)) : 0;
}

static void world_grace(struct world *w)
{
	while (ebn_node_grace_cut(w->nt))
		ebn_node_grace_done(w->nt);
}

static int world_sync(struct bench *b, struct world *w, size_t n)
{
	int err = ebn_services_sync(w->s, w->list, n, NULL, NULL);

	return err ? bench_fail(b, err, "sync: %s", strerror(-err)) : 0;
}

static int run_sync_all(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct world w;
	unsigned int i;
	double t;
	int err = world_open(b, &w);

	(void)row;
	for (i = 0; !err && i < b->rounds; i++) {
		t = bench_now_ns();
		err = world_sync(b, &w, SERVICES);
		bench_add(&s, bench_now_ns() - t);
		if (!err)
			err = world_sync(b, &w, 0);
		world_grace(&w);
	}
	world_close(&w);
	if (!err)
		bench_value(res, &s, 0, 1e6);
	return err;
}

static int run_sync_one(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	unsigned int i, k;
	struct world w;
	double t;
	int err = world_open(b, &w);

	(void)row;
	if (!err)
		err = world_sync(b, &w, SERVICES);
	for (i = 0; !err && i < b->rounds; i++) {
		t = bench_now_ns();
		/* a backend leaves, a backend joins: 100 services, one after the other */
		for (k = 0; !err && k < 100; k++) {
			w.o[k * 97].n_backends = BACKENDS - 1 + (i & 1);
			err = ebn_services_upsert(w.s, &w.o[k * 97], NULL);
		}
		bench_add(&s, (bench_now_ns() - t) / 100);
		world_grace(&w);
	}
	world_close(&w);
	if (!err)
		bench_value(res, &s, 0, 1e3);
	return err;
}

static int run_memory(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct world w;
	int err = world_open(b, &w);

	(void)row;
	if (!err)
		err = world_sync(b, &w, SERVICES);
	if (!err) {
		world_grace(&w);
		bench_add(&s, (double)ebn_node_used(w.nt));
		bench_value(res, &s, 0, 1 << 20);
		/* what 65,537 slots of 4 bytes would take, for each service */
		bench_reference(res, "slots of one size", SERVICES * 65537.0 * 4 / (1 << 20));
	}
	world_close(&w);
	return err;
}

/* ---- connecting ---- */

struct stage {
	char root[64], cgroup[128], name[32];
	bool mounted;
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_datapath *dp;
	struct service_bpf *skel;
};

static int put_pid(const char *dir)
{
	char path[192], pid[16];
	int fd, n = snprintf(pid, sizeof(pid), "%d", getpid()), r;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, pid, (size_t)n) == n ? 0 : -errno;
	close(fd);
	return r;
}

static void stage_close(struct stage *st)
{
	if (st->dp)
		ebpfnet_datapath_cleanup(st->dp, NULL);
	ebpfnet_datapath_unref(st->dp);
	ebpfnet_ctx_unref(st->ctx);
	service_bpf__destroy(st->skel);
	if (st->mounted) {
		(void)put_pid(st->root);
		rmdir(st->cgroup);
		umount2(st->root, MNT_DETACH);
	}
	rmdir(st->root);
}

static int stage_net(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd, r;

	if (unshare(CLONE_NEWNET))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	req.ifr_flags = IFF_UP;
	r = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) ? -errno : 0;
	close(fd);
	return r ? r : system("ip addr add 10.0.0.1/32 dev lo") ? -EIO : 0;
}

static int stage_cgroup(struct stage *st)
{
	snprintf(st->root, sizeof(st->root), "/tmp/ebn-bench-%d", getpid());
	if (mkdir(st->root, 0700) || mount("none", st->root, "cgroup2", 0, NULL))
		return -errno;
	st->mounted = true;
	snprintf(st->cgroup, sizeof(st->cgroup), "%s/ebn-bench-%d", st->root, getpid());
	return mkdir(st->cgroup, 0755) ? -errno : put_pid(st->cgroup);
}

static int stage_services(struct stage *st, uint32_t services)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = st->name, .table_bytes = 64 << 20 };
	struct ebpfnet_frontend f = { .port = 53, .protocol = IPPROTO_UDP };
	struct ebpfnet_backend b = { .addr = mapped(0x0a000001), .port = 8080, .protocol = IPPROTO_UDP };
	struct ebpfnet_service_opts o = { EBPFNET_OPTS_INIT(o), .frontends = &f, .n_frontends = 1, .backends = &b,
					  .n_backends = 1 };
	char name[32];
	uint32_t i;
	int err;

	err = ebpfnet_ctx_new(NULL, &st->ctx);
	if (!err)
		err = ebpfnet_datapath_open(st->ctx, &opts, &st->dp);
	if (!err)
		err = ebpfnet_datapath_load(st->dp, NULL);
	for (i = 0; !err && i < services; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		o.name = name;
		f.addr = mapped(0x0a600001 + i);
		err = ebpfnet_service_upsert(st->dp, &o, NULL);
	}
	return err;
}

static int stage_hash(struct stage *st, uint32_t services)
{
	int fd = bpf_map__fd(st->skel->maps.bench_service);
	uint64_t value = 1, backend = htonl(0x0a000001) | (uint64_t)htons(8080) << 32;
	uint32_t i, one = 1;
	int err = 0;

	for (i = 0; !err && i < services; i++) {
		struct {
			uint32_t addr;
			uint16_t port;
			uint8_t proto, slot;
		} key = { htonl(0x0a600001 + i), htons(53), 17, 0 };

		err = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
		key.slot = 1;
		if (!err)
			err = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
	}
	return err ? err : bpf_map_update_elem(bpf_map__fd(st->skel->maps.bench_backend), &one, &backend, BPF_ANY);
}

static int stage_open(struct bench *b, struct stage *st, uint32_t services)
{
	int err;

	memset(st, 0, sizeof(*st));
	snprintf(st->name, sizeof(st->name), "bench-svc-%d", getpid());
	err = stage_net();
	if (!err)
		err = stage_cgroup(st);
	if (!err)
		err = stage_services(st, services);
	st->skel = err ? NULL : service_bpf__open_and_load();
	if (!err && !st->skel)
		err = -EIO;
	if (!err)
		err = stage_hash(st, services);
	return err ? bench_fail(b, err, "setting up: %s", strerror(-err)) : 0;
}

/* What a program took so far, as the kernel counts it. */
static int spent(int prog_fd, uint64_t *ret_ns, uint64_t *ret_runs)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	*ret_ns = info.run_time_ns;
	*ret_runs = info.run_cnt;
	return err;
}

/* Average ns of the program in a connect(2) of a datagram socket: what the call itself takes would drown it. */
static int connects(int prog_fd, uint32_t addr, uint16_t port, double *ret)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(addr) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), stats, err = 0;
	uint64_t ns[2] = { 0, 0 }, runs[2] = { 0, 0 };
	uint32_t i;

	for (i = 0; !err && i < CONNECTS / 10; i++)
		err = connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		err = stats;
	if (!err)
		err = spent(prog_fd, &ns[0], &runs[0]);
	for (i = 0; !err && i < CONNECTS; i++)
		err = connect(fd, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
	if (!err)
		err = spent(prog_fd, &ns[1], &runs[1]);
	if (!err && runs[1] - runs[0] < CONNECTS)
		err = -EIO;
	if (!err)
		*ret = (double)(ns[1] - ns[0]) / (double)(runs[1] - runs[0]);
	if (stats >= 0)
		close(stats);
	close(fd);
	return err;
}

static int with_program(struct stage *st, const struct bpf_program *prog, uint32_t addr, uint16_t port, double *ret)
{
	int fd = open(st->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC), link, err;

	link = bpf_link_create(bpf_program__fd(prog), fd, BPF_CGROUP_INET4_CONNECT, NULL);
	close(fd);
	if (link < 0)
		return link;
	err = connects(bpf_program__fd(prog), addr, port, ret);
	close(link);
	return err;
}

/* The program behind the pin of the connect hook. */
static int service_program(const struct stage *st)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[256];
	struct stat sb;
	int link, fd;

	if (stat(st->cgroup, &sb))
		return -errno;
	snprintf(path, sizeof(path), "/sys/fs/bpf/ebpfnet/%s/sock/%llu-8", st->name, (unsigned long long)sb.st_ino);
	link = bpf_obj_get(path);
	if (link < 0)
		return link;
	fd = bpf_obj_get_info_by_fd(link, &info, &len);
	close(link);
	return fd ? fd : bpf_prog_get_fd_by_id(info.prog_id);
}

static int with_services(struct stage *st, uint32_t addr, uint16_t port, double *ret)
{
	int err = ebpfnet_service_attach(st->dp, st->cgroup, NULL), fd;

	if (err)
		return err;
	fd = service_program(st);
	err = fd < 0 ? fd : connects(fd, addr, port, ret);
	if (fd >= 0)
		close(fd);
	return err ? err : ebpfnet_service_detach(st->dp, st->cgroup);
}

/* arg: 1 a service, else somebody else. arg2: how many there are. By turns, so that all see the same machine. */
static int run_connect(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	uint32_t addr = row->arg ? 0x0a600001 + (uint32_t)row->arg2 / 2 : 0x0a000001;
	uint16_t port = row->arg ? 53 : 8080;
	struct bench_sample s = { .n = 0 }, empty = { .n = 0 }, hash = { .n = 0 };
	struct stage st;
	unsigned int i;
	double v = 0;
	int err = stage_open(b, &st, (uint32_t)row->arg2);

	for (i = 0; !err && i < b->rounds; i++) {
		err = with_program(&st, st.skel->progs.bench_empty4, 0x0a000001, 8080, &v);
		bench_add(&empty, v);
		if (!err)
			err = with_services(&st, addr, port, &v);
		bench_add(&s, v);
		if (!err)
			err = with_program(&st, st.skel->progs.bench_hash4, addr, port, &v);
		bench_add(&hash, v);
		if (err)
			bench_fail(b, err, "connecting: %s", strerror(-err));
	}
	if (!err) {
		bench_value(res, &s, bench_median(&empty), 1);
		bench_reference(res, "hash maps", bench_median(&hash) - bench_median(&empty));
	}
	stage_close(&st);
	return err;
}

const struct bench_row bench_service_rows[] = {
	{ .name = "lb-connect/hit", .unit = "ns", .budget = 120, .run = run_connect, .arg = 1, .arg2 = 1000 },
	{ .name = "lb-connect/hit-1", .unit = "ns", .budget = 120, .run = run_connect, .arg = 1, .arg2 = 1 },
	{ .name = "lb-connect/hit-10k", .unit = "ns", .budget = 120, .run = run_connect, .arg = 1, .arg2 = 10000 },
	{ .name = "lb-connect/miss", .unit = "ns", .budget = 60, .run = run_connect, .arg2 = 1000 },
	{ .name = "lb-sync/10k", .unit = "ms", .budget = 300, .run = run_sync_all },
	{ .name = "lb-sync/one", .unit = "us", .budget = 100, .run = run_sync_one },
	{ .name = "lb-memory/10kx10", .unit = "MiB", .budget = 64, .run = run_memory },
	{ .name = NULL },
};
