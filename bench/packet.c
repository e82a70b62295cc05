// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * What a packet costs: ns in the program, less an empty program, one 64-byte TCP packet a run (80 bytes for IPv6). No events
 * are asked for, except where a row says so. Beside the figure stands what it is measured against: the IPv4 twin of an
 * IPv6 row, the same without churn, the established packet of a re-check.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "setup.h"
#include "ebn_config.h"
#include "ebn_datapath.skel.h"
#include "packet.skel.h"

#define FLOWS4 524288u
#define FLOWS6 262144u
#define V6 1u		/* in arg2 */

struct shape {
	uint32_t flows;
	bool v6, to_local;
};

static struct shape shape_of(const struct bench_row *row)
{
	struct shape h = { .flows = (uint32_t)row->arg, .v6 = row->arg2 & V6 };

	h.to_local = strstr(row->name, "-local") != NULL;
	return h;
}

/* Established packets of `flows` flows in random order. */
static int established(struct bench *b, struct setup *s, struct shape h, struct bench_sample *ret, double *ret_idle)
{
	int err;

	err = setup_establish(b, s, h.v6, h.to_local, h.flows);
	if (err)
		return err;
	setup_packet(s, h.v6, SETUP_ACK, h.to_local, SETUP_PORT_ALLOWED);
	setup_flows(s, h.v6, false, h.flows, true);
	return setup_measure(b, s, h.v6, SETUP_FROM_EP, 0, h.to_local ? TC_ACT_REDIRECT : TC_ACT_OK, ret, ret_idle);
}

/* An IPv6 row: at most 1.25 times its IPv4 twin, measured here too. */
static int with_twin(struct bench *b, struct setup *s, struct shape h, struct bench_result *res,
		     int (*measure)(struct bench *b, struct setup *s, struct shape h, struct bench_sample *ret,
				    double *ret_idle))
{
	struct bench_result twin = { 0 };
	struct bench_sample sample;
	double idle;
	int err;

	err = measure(b, s, h, &sample, &idle);
	if (err)
		return err;
	bench_value(res, &sample, idle, 1);
	if (!h.v6)
		return 0;
	h.v6 = false;
	setup_clear(s);
	err = measure(b, s, h, &sample, &idle);
	if (err)
		return err;
	bench_value(&twin, &sample, idle, 1);
	bench_reference(res, "ipv4", twin.value);
	res->budget = twin.value * 1.25;
	return 0;
}

static int run_established(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct setup s;
	int err;

	err = setup_open(b, FLOWS4, FLOWS6, &s);
	if (!err)
		err = with_twin(b, &s, shape_of(row), res, established);
	setup_close(&s);
	return err;
}

/* A thread beside the measurement, on another CPU from its first instruction: it would never get this one. */
static int beside(struct bench *b, pthread_t *ret, void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int err;

	CPU_ZERO(&set);
	CPU_SET(b->cpu ? 0 : 1, &set);
	pthread_attr_init(&attr);
	err = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (!err)
		err = pthread_create(ret, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	return err ? bench_fail(b, err, "a thread beside: %s", strerror(err)) : 0;
}

/* ---- while somebody publishes ---- */

struct churn {
	struct setup *s;
	bool stop;
	unsigned int published;
	double from;
};

static void *churn(void *arg)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct churn *c = arg;
	uint64_t state = 1;

	while (!__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE)) {
		/* a publish, and some address that is somebody else's now */
		if (!ebn_node_begin(c->s->nt))
			ebn_node_publish(c->s->nt);
		ebn_node_raise_addr(c->s->nt, bench_random(&state));
		c->published++;
		if (ebn_node_retired(c->s->nt) > 64 && ebn_node_grace_cut(c->s->nt)) {
			/* 64 publishes take longer than any packet */
			ebn_node_grace_done(c->s->nt);
		}
		nanosleep(&ms, NULL);
	}
	return NULL;
}

static int run_churn(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample quiet, busy;
	struct bench_result without = { 0 };
	struct churn c = { .s = NULL };
	double idle;
	struct shape h = shape_of(row);
	pthread_t thread;
	struct setup s;
	int err;

	err = setup_open(b, FLOWS4, FLOWS6, &s);
	if (err)
		goto out;
	err = established(b, &s, h, &quiet, &idle);
	if (err)
		goto out;
	bench_value(&without, &quiet, idle, 1);
	c.s = &s;
	c.from = bench_now_ns();
	err = beside(b, &thread, churn, &c);
	if (err)
		goto out;
	setup_packet(&s, h.v6, SETUP_ACK, h.to_local, SETUP_PORT_ALLOWED);
	setup_flows(&s, h.v6, false, h.flows, true);
	err = setup_measure(b, &s, h.v6, SETUP_FROM_EP, 0, TC_ACT_OK, &busy, &idle);
	__atomic_store_n(&c.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	if (!err && c.published < (bench_now_ns() - c.from) / 1e9 * 500)
		err = bench_fail(b, EAGAIN, "only %u publishes", c.published);
	if (err)
		goto out;
	bench_value(res, &busy, idle, 1);
	bench_reference(res, "without-churn", without.value);
	res->budget = without.value * 1.3;
out:
	setup_close(&s);
	return err;
}

/* ---- each packet finds that its verdict no longer stands ---- */

static int run_recheck(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_result plain = { 0 };
	struct bench_sample sample;
	struct shape h = shape_of(row);
	struct setup s;
	double idle;
	int err;

	err = setup_open(b, h.flows > FLOWS4 ? h.flows : FLOWS4, FLOWS6, &s);
	if (err)
		goto out;
	err = established(b, &s, h, &sample, &idle);
	if (err)
		goto out;
	bench_value(&plain, &sample, idle, 1);
	setup_packet(&s, h.v6, SETUP_ACK, false, SETUP_PORT_ALLOWED);
	setup_flows(&s, h.v6, false, h.flows, true);
	s.harness->bss->mode.epoch_off = EBN_EPOCH_SUBJECT_OFF + 4;
	err = setup_measure(b, &s, h.v6, SETUP_FROM_EP, 0, TC_ACT_OK, &sample, &idle);
	if (err)
		goto out;
	/* the budget is on what it takes more than an established packet */
	bench_value(res, &sample, idle + plain.value, 1);
	bench_reference(res, "established", plain.value);
out:
	setup_close(&s);
	return err;
}

/* ---- new flows ---- */

static int new_flows(struct bench *b, struct setup *s, struct shape h, struct bench_sample *ret, double *ret_idle)
{
	uint32_t got;
	int err;

	/* more flows than there is room for, so that each packet is a new one */
	setup_packet(s, h.v6, SETUP_SYN, false, SETUP_PORT_ALLOWED);
	setup_flows(s, h.v6, false, h.flows, false);
	err = setup_run(b, s, h.v6, SETUP_FROM_EP, 0, h.flows, &got);
	if (err)
		return err;
	setup_packet(s, h.v6, SETUP_SYN, false, SETUP_PORT_ALLOWED);
	setup_flows(s, h.v6, false, h.flows, false);
	return setup_measure(b, s, h.v6, SETUP_FROM_EP, 0, TC_ACT_OK, ret, ret_idle);
}

static int run_new(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	bool full = strstr(row->name, "/full");
	struct setup s;
	int err;

	/* hot: a small table, all of it in the caches */
	err = setup_open(b, full ? FLOWS4 : 768, full ? FLOWS6 : 768, &s);
	if (!err)
		err = with_twin(b, &s, shape_of(row), res, new_flows);
	setup_close(&s);
	return err;
}

/* ---- packets that are dropped ---- */

#define TOUCHES 400000u

static int denied(struct bench *b, struct setup *s, struct shape h, struct bench_sample *ret, double *ret_idle)
{
	uint32_t got;
	int err = 0;

	setup_packet(s, h.v6, SETUP_SYN, false, SETUP_PORT_DENIED);
	setup_flows(s, h.v6, false, h.flows, true);
	/* nothing has been in the table yet: a virtual machine's host may give a page when it is first touched */
	if (h.flows > 1)
		err = setup_run(b, s, h.v6, SETUP_FROM_EP, 0, TOUCHES, &got);
	if (err)
		return err;
	return setup_measure(b, s, h.v6, SETUP_FROM_EP, 0, TC_ACT_SHOT, ret, ret_idle);
}

static int run_deny(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct setup s;
	int err;

	err = setup_open(b, FLOWS4, FLOWS6, &s);
	if (!err)
		err = with_twin(b, &s, shape_of(row), res, denied);
	setup_close(&s);
	return err;
}

/* ---- events ---- */

struct reader {
	int ring_fd;
	bool stop, failed;
	uint64_t bytes;
};

/* Takes events out of the ring as they are, on another CPU: what is measured is what they cost the packet. */
static void *reader(void *arg)
{
	const struct timespec nap = { .tv_nsec = 200000 };
	struct reader *r = arg;
	unsigned long *consumer, *producer, at;

	consumer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, r->ring_fd, 0);
	producer = mmap(NULL, 4096, PROT_READ, MAP_SHARED, r->ring_fd, 4096);
	r->failed = consumer == MAP_FAILED || producer == MAP_FAILED;
	while (!r->failed && !__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		at = __atomic_load_n(producer, __ATOMIC_ACQUIRE);
		r->bytes += at - *consumer;
		__atomic_store_n(consumer, at, __ATOMIC_RELEASE);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static uint64_t events_lost(struct setup *s)
{
	uint64_t lost[1024] = { 0 }, sum = 0;
	uint32_t key = EBN_C_EVENT_LOST, i;

	if (bpf_map_lookup_elem(bpf_map__fd(s->dp->maps.ebn_counter), &key, lost))
		return UINT64_MAX;
	for (i = 0; i < 1024; i++)
		sum += lost[i];
	return sum;
}

/* One more event a packet: drops reported, against the same drops unreported, by turns. */
static int run_emit(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample off = { .n = 0 }, more = { .n = 0 }, sample;
	struct reader r = { .ring_fd = -1 };
	struct shape h = shape_of(row);
	pthread_t thread;
	struct setup s;
	unsigned int i;
	double idle, cost;
	int err;

	err = setup_open(b, 65536, 32768, &s);
	if (err)
		goto out;
	r.ring_fd = bpf_map__fd(s.dp->maps.ebn_events);
	err = beside(b, &thread, reader, &r);
	if (err)
		goto out;
	for (i = 0; i < 10 && !err; i++) {
		EBN_WRITE(ebn_node_hdr(s.nt)->observe, i % 2 ? EBN_OBSERVE_DROP : 0);
		err = denied(b, &s, h, &sample, &idle);
		cost = err ? 0 : bench_median(&sample) - idle;
		/* each pair is of one moment, so that a machine that gets slower or faster counts on both sides */
		if (i % 2)
			bench_add(&more, cost - off.v[off.n - 1]);
		else
			bench_add(&off, cost);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	if (!err && (r.failed || !r.bytes))
		err = bench_fail(b, 1, "no event came");
	/* a lost event is a cheap one */
	if (!err && events_lost(&s) * 100 > r.bytes / 104)
		err = bench_fail(b, 1, "%llu events were lost", (unsigned long long)events_lost(&s));
	if (err)
		goto out;
	bench_value(res, &more, 0, 1);
	bench_reference(res, "drop-without-event", bench_median(&off));
out:
	setup_close(&s);
	return err;
}

/* An established packet says nothing, whether somebody listens or not. */
static int run_quiet(struct bench *b, const struct bench_row *row, struct bench_result *res)
{
	struct bench_sample off = { .n = 0 }, on = { .n = 0 }, sample;
	struct shape h = shape_of(row);
	struct setup s;
	unsigned int i;
	double idle;
	int err;

	err = setup_open(b, 65536, 32768, &s);
	/* a difference of a nanosecond needs both sides measured by turns */
	for (i = 0; i < 10 && !err; i++) {
		EBN_WRITE(ebn_node_hdr(s.nt)->observe,
			  i % 2 ? EBN_OBSERVE_DROP | EBN_OBSERVE_NEW | EBN_OBSERVE_CLOSE : 0);
		err = established(b, &s, h, &sample, &idle);
		if (!err)
			bench_add(i % 2 ? &on : &off, bench_median(&sample) - idle);
	}
	if (!err) {
		bench_value(res, &on, bench_median(&off), 1);
		bench_reference(res, "nobody-listens", bench_median(&off));
	}
	setup_close(&s);
	return err;
}

const struct bench_row bench_packet_rows[] = {
	{ "packet-established-remote/hot", "ns", 75, run_established, 1, 0 },
	{ "packet-established-remote/64k", "ns", 280, run_established, 65536, 0 },
	{ "packet-established-remote/256k", "ns", 350, run_established, 262144, 0 },
	{ "packet-established-remote-v6/hot", "ns", 0, run_established, 1, V6 },
	{ "packet-established-remote-v6/64k", "ns", 0, run_established, 65536, V6 },
	{ "packet-established-local/hot", "ns", 80, run_established, 1, 0 },
	{ "packet-established-local-v6/hot", "ns", 0, run_established, 1, V6 },
	{ "packet-established-churn/hot", "ns", 0, run_churn, 1, 0 },
	{ "packet-established-churn/64k", "ns", 0, run_churn, 65536, 0 },
	{ "packet-recheck/hot", "ns", 35, run_recheck, 1, 0 },
	{ "packet-recheck/1m", "ns", 130, run_recheck, 1048576, 0 },
	{ "packet-new/hot", "ns", 180, run_new, 65536, 0 },
	{ "packet-new/full", "ns", 500, run_new, 4194304, 0 },
	{ "packet-new-v6/hot", "ns", 0, run_new, 65536, V6 },
	{ "packet-deny/hot", "ns", 85, run_deny, 1, 0 },
	{ "packet-deny/random", "ns", 220, run_deny, 1u << 29, 0 },
	{ "packet-deny-v6/hot", "ns", 0, run_deny, 1, V6 },
	{ "observe-emit", "ns", 60, run_emit, 1, 0 },
	{ "observe-quiet", "ns", 3, run_quiet, 1, 0 },
	{ NULL, NULL, 0, NULL, 0, 0 },
};
