// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The datapath as a daemon uses it, through the public interface: load, attach, memory; and what the verifier read. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "setup.h"
#include "ebn_config.h"
#include "ebn_datapath.skel.h"
#include "packet.skel.h"

#define ENDPOINTS 200u

int daemon_fail(struct bench *b, struct daemon *d, int err, const char *what)
{
	char text[200];

	if (ebpfnet_diag_format(d->diag, text, sizeof(text)) <= 0)
		snprintf(text, sizeof(text), "%s", strerror(-err));
	return bench_fail(b, err, "%s: %s", what, text);
}

void daemon_close(struct daemon *d)
{
	if (d->dp)
		ebpfnet_datapath_cleanup(d->dp, NULL);
	ebpfnet_labels_unref(d->labels);
	ebpfnet_datapath_unref(d->dp);
	ebpfnet_diag_free(d->diag);
	ebpfnet_ctx_unref(d->ctx);
	memset(d, 0, sizeof(*d));
}

int daemon_open_as(struct bench *b, struct daemon *d, const char *as, uint32_t flows4, uint32_t flows6)
{
	char name[32], dir[64];
	struct ebpfnet_datapath_opts opts = {
		.sz = sizeof(opts), .name = name, .pin_dir = dir, .flows4 = flows4, .flows6 = flows6,
	};
	double from;
	int err;

	memset(d, 0, sizeof(*d));
	snprintf(name, sizeof(name), "%s-%d", as, (int)getpid());
	snprintf(dir, sizeof(dir), "/sys/fs/bpf/ebn-%s", name);
	err = setup_namespace(b);
	if (err)
		return err;
	err = ebpfnet_ctx_new(NULL, &d->ctx);
	if (!err)
		err = ebpfnet_diag_new(&d->diag);
	if (err)
		return bench_fail(b, err, "%s", strerror(-err));
	opts.diag = d->diag;
	err = ebpfnet_labels_parse("app=bench", "k8s", NULL, &d->labels);
	if (!err)
		err = ebpfnet_datapath_open(d->ctx, &opts, &d->dp);
	if (!err)
		err = ebpfnet_datapath_prepare(d->dp, d->diag);
	if (err)
		return daemon_fail(b, d, err, "opening the datapath");
	from = bench_now_ns();
	err = ebpfnet_datapath_load(d->dp, d->diag);
	d->load_ms = (bench_now_ns() - from) / 1e6;
	return err ? daemon_fail(b, d, err, "loading the programs") : 0;
}

int daemon_open(struct bench *b, struct daemon *d, uint32_t flows4, uint32_t flows6)
{
	return daemon_open_as(b, d, "bench", flows4, flows6);
}

/* The whole set, verified and pinned; tables are there already. */
static int load_time(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct daemon d;
	unsigned int r;
	int err = 0;

	(void)row;
	for (r = 0; r < b->rounds && r < 5 && !err; r++) {
		err = daemon_open(b, &d, 0, 0);
		if (!err)
			bench_add(&s, d.load_ms);
		daemon_close(&d);
	}
	bench_value(res, &s, 0, 1);
	return err;
}

static int kernel_memory(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct ebpfnet_datapath_status status;
	struct bench_sample s = { .n = 0 };
	struct daemon d;
	int err;

	(void)row;
	err = daemon_open(b, &d, 524288, 262144);
	if (!err)
		err = ebpfnet_datapath_status(d.dp, &status, sizeof(status));
	if (!err)
		bench_add(&s, (double)status.memory / (1 << 20));
	else if (!b->why[0])
		bench_fail(b, err, "status: %s", strerror(-err));
	bench_value(res, &s, 0, 1);
	daemon_close(&d);
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int daemon_endpoint(struct bench *b, struct daemon *d, const char *device, uint8_t last, double *ret)
{
	struct ebpfnet_endpoint_opts opts = {
		.sz = sizeof(opts), .name = device, .device = device, .labels = d->labels, .diag = d->diag,
	};
	double from;
	int err;

	opts.addr4.b[10] = opts.addr4.b[11] = 0xff;
	opts.addr4.b[12] = 10;
	opts.addr4.b[13] = 1;
	opts.gateway4 = opts.addr4;
	opts.addr4.b[15] = last;
	opts.gateway4.b[15] = 254;
	opts.mac.b[0] = 2;
	opts.mac.b[5] = last;
	from = bench_now_ns();
	err = ebpfnet_endpoint_create(d->dp, &opts, NULL);
	*ret = (bench_now_ns() - from) / 1e3;
	return err ? daemon_fail(b, d, err, "making an endpoint") : 0;
}

/* Endpoints made on devices that are there, one after the other; enforced when the call returns. */
static int attach_all(struct bench *b, struct daemon *d, double *us)
{
	char device[16];
	uint32_t i;
	int err = 0;

	for (i = 0; i < ENDPOINTS && !err; i++) {
		snprintf(device, sizeof(device), "ebnc%u", i);
		err = daemon_endpoint(b, d, device, (uint8_t)(i + 1), &us[i]);
	}
	return err;
}

static int attach(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	static double us[ENDPOINTS];
	struct bench_sample s = { .n = 0 };
	struct daemon d;
	int err;

	err = daemon_open(b, &d, 0, 0);
	if (!err)
		err = setup_devices(b, "ebnc", ENDPOINTS + 1);
	if (!err)
		err = attach_all(b, &d, us);
	if (!err) {
		qsort(us, ENDPOINTS, sizeof(us[0]), compare);
		bench_add(&s, us[(ENDPOINTS - 1) * row->arg / 100]);
		bench_value(res, &s, 0, 1);
		res->lowest = us[0];
		res->highest = us[ENDPOINTS - 1];
		bench_reference(res, "bare-tcx-link", setup_link_us("ebnc0"));
	}
	daemon_close(&d);
	return err;
}

/* arg 0: the sum over the two programs of an endpoint's device, 1: the largest of all. */
static int verified(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample s = { .n = 0 };
	struct bpf_program *prog;
	struct setup setup;
	double sum = 0, most = 0;
	int err;

	err = setup_open(b, 65536, 32768, &setup);
	if (err)
		goto out;
	bpf_object__for_each_program(prog, setup.dp->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		if (bpf_program__fd(prog) < 0 || bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len))
			continue;
		if (prog == setup.dp->progs.ebn_from_ep || prog == setup.dp->progs.ebn_to_ep)
			sum += info.verified_insns;
		if (info.verified_insns > most)
			most = info.verified_insns;
	}
	bench_add(&s, row->arg ? most : sum);
	bench_value(res, &s, 0, 1);
out:
	setup_close(&setup);
	return err;
}

const struct bench_row bench_system_rows[] = {
	{ "endpoint-attach/p50", "us", 150, attach, 50, 0 },
	{ "endpoint-attach/p99", "us", 1000, attach, 99, 0 },
	{ "load-time/set", "ms", 150, load_time, 0, 0 },
	{ "kernel-memory/512k-256k", "MiB", 160, kernel_memory, 0, 0 },
	{ "verified-instructions/endpoint", "insn", 120000, verified, 0, 0 },
	{ "verified-instructions/largest", "insn", 40000, verified, 1, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
