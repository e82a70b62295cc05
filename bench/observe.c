// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What one core reads and writes a second: records decoded, events named, flows as JSON and text. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "observe/internal.h"

#define EVENTS 4096u		/* 384 kB of records: more than the first cache holds */
#define ROUND_NS 60e6

static struct ebn_event records[EVENTS];
static struct ebpfnet_event events[EVENTS];

static void make_records(void)
{
	uint64_t rng = 1;
	uint32_t i;

	for (i = 0; i < EVENTS; i++)
		records[i] = (struct ebn_event){
			.time_ns = 1000 * i,
			.abi = EBN_EVENT_ABI,
			.type = i % 8 ? EBN_EV_VERDICT : EBN_EV_DROP,
			.point = EBN_AT_FROM_ENDPOINT,
			.flags = EBN_EVF_L3 | EBN_EVF_L4,
			.verdict = i % 8 ? EBN_V_ALLOW : EBN_V_DENY,
			.reason = i % 8 ? EBN_R_NONE : EBN_R_POLICY,
			.proto = 6,
			.tcp_flags = 2,
			.src = { 0, 0, htonl(0xffff), htonl(0x0a000000 + (uint32_t)(bench_random(&rng) & 0xffff)) },
			.dst = { 0, 0, htonl(0xffff), htonl(0x0a010000 + (uint32_t)(bench_random(&rng) & 0xffff)) },
			.sport = (uint16_t)(bench_random(&rng) | 32768),
			.dport = 443,
			.len = 60,
			.src_identity = 256,
			.dst_identity = 257,
			.egress_decision = 2,
			.ingress_decision = EBN_DECISION_NONE,
			.ep = 7,
			.ifindex = 12,
			.generation = 9,
		};
}

static const struct ebpfnet_flow names = {
	.src = { .name = "demo/client-5d8c7b-x2x9q", .identity = 256, .endpoint = 7,
		 .labels = "k8s:app.kubernetes.io/name=client;k8s:io.kubernetes.pod.namespace=demo;k8s:tier=web;" },
	.dst = { .identity = 257,
		 .labels = "k8s:app.kubernetes.io/name=api;k8s:io.kubernetes.pod.namespace=demo;k8s:tier=back;" },
	.egress_rule = "demo/client-egress#1",
	.realtime_ns = 1700000000123456789,
	.node = "node-1",
};

static unsigned int decode_all(void)
{
	unsigned int i, bad = 0;

	for (i = 0; i < EVENTS; i++)
		bad += ebpfnet_event_decode(&records[i], sizeof(records[i]), &events[i], sizeof(events[i])) != 0;
	return bad;
}

static unsigned int json_all(void)
{
	struct ebpfnet_flow f = names;
	unsigned int i, bad = 0;
	char line[4096];

	for (i = 0; i < EVENTS; i++) {
		f.event = events[i];
		f.realtime_ns += 1001;
		bad += ebpfnet_flow_to_json(&f, 0, line, sizeof(line)) >= (int)sizeof(line);
	}
	return bad;
}

static unsigned int text_all(void)
{
	struct ebpfnet_flow f = names;
	unsigned int i, bad = 0;
	char line[4096];

	for (i = 0; i < EVENTS; i++) {
		f.event = events[i];
		f.realtime_ns += 1001;
		bad += ebpfnet_flow_to_text(&f, line, sizeof(line)) >= (int)sizeof(line);
	}
	return bad;
}

/* Only the writing: the tree of values is there already. */
static json_t *tree;
static unsigned int jansson_all(void)
{
	unsigned int i, bad = 0;
	char line[4096];

	for (i = 0; i < EVENTS; i++)
		bad += json_dumpb(tree, line, sizeof(line), JSON_COMPACT) > sizeof(line);
	return bad;
}

/* Calls a second, of which all() does EVENTS. */
static int rate(struct bench *b, unsigned int (*all)(void), struct bench_sample *ret)
{
	unsigned int i;

	ret->n = 0;
	for (i = 0; i < b->rounds; i++) {
		double start = bench_now_ns(), ns;
		uint64_t n = 0;

		do {
			if (all())
				return bench_fail(b, EBADMSG, "a record was refused or a line cut");
			n += EVENTS;
			ns = bench_now_ns() - start;
		} while (ns < ROUND_NS);
		bench_add(ret, (double)n * 1e9 / ns);
	}
	return 0;
}

enum {
	DECODE,
	JSON,
	TEXT,
};

static int run(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	static unsigned int (*const all[])(void) = { decode_all, json_all, text_all };
	struct bench_sample s, other;
	struct ebpfnet_flow f = names;
	char line[4096];
	int err;

	make_records();
	err = rate(b, decode_all, &s);
	if (!err && row->arg != DECODE)
		err = rate(b, all[row->arg], &s);
	if (err)
		return err;
	res->at_least = true;
	bench_value(res, &s, 0, 1);
	if (row->arg != JSON)
		return 0;
	f.event = events[1];
	ebpfnet_flow_to_json(&f, 0, line, sizeof(line));
	tree = json_loads(line, 0, NULL);
	if (!tree)
		return bench_fail(b, EBADMSG, "a line is not JSON");
	err = rate(b, jansson_all, &other);
	json_decref(tree);
	if (!err)
		bench_reference(res, "jansson-dump", bench_median(&other));
	return err;
}

const struct bench_row bench_observe_rows[] = {
	{ "observe-decode", "/s", 5e6, run, DECODE, 0 },
	{ "observe-json", "/s", 1e6, run, JSON, 0 },
	{ "observe-text", "/s", 0, run, TEXT, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
