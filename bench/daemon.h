/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A datapath through the public interface, with a pin directory of its own; closing it removes everything. */
#ifndef EBN_BENCH_DAEMON_H
#define EBN_BENCH_DAEMON_H

#include <ebpfnet/ctx.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/endpoint.h>
#include <ebpfnet/labels.h>

#include "bench.h"

struct daemon {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;
	struct ebpfnet_datapath *dp;
	struct ebpfnet_labels *labels;
	double load_ms;
};

/* Opened, prepared and loaded. flows: 0 the library's defaults. */
int daemon_open(struct bench *b, struct daemon *d, uint32_t flows4, uint32_t flows6);
/* The same by another name than "bench", beside that one. */
int daemon_open_as(struct bench *b, struct daemon *d, const char *as, uint32_t flows4, uint32_t flows6);
void daemon_close(struct daemon *d);
/* An endpoint with address 10.1.0.last and MAC 02:00:00:00:00:last; gateway: 10.1.0.254. Its time in us in *ret. */
int daemon_endpoint(struct bench *b, struct daemon *d, const char *device, uint8_t last, double *ret);
/* bench_fail() with what the library says. */
int daemon_fail(struct bench *b, struct daemon *d, int err, const char *what);

#endif
