/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The bench: one process measures one row after the other, pinned to a CPU. A row says what it measures, runs the
 * alternatives beside it in the same minute on the same CPU, and knows its budget.
 */
#ifndef EBN_BENCH_H
#define EBN_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_REFERENCES 4
#define BENCH_SAMPLES_MAX 101

struct bench {
	unsigned int rounds;
	int cpu;
	bool fifo;		/* SCHED_FIFO was allowed */
	char why[256];		/* of a row that could not be measured */
};

struct bench_sample {
	double v[BENCH_SAMPLES_MAX];
	unsigned int n;
};

struct bench_result {
	double value, lowest, highest;
	struct {
		const char *name;
		double value, lowest, highest;	/* the latter two 0: not known */
	} reference[BENCH_REFERENCES];
	unsigned int references;
	double budget;		/* 0: this row has none, unless must_be_zero */
	bool at_least;		/* the budget is a floor */
	bool must_be_zero;
};

struct bench_row {
	const char *name;	/* what/variant */
	const char *unit;
	double budget;		/* as stated; the row may replace it by a multiple of a reference */
	/* 0, or -errno with b->why filled: could not be measured */
	int (*run)(struct bench *b, const struct bench_row *row, struct bench_result *res);
	uint64_t arg, arg2;	/* for rows that share a function */
};

/* The bench starts itself with this word and a number to measure a compile in a process that did nothing else. */
#define BENCH_COMPILE_MEMORY "--compile-memory"
int bench_compile_memory(struct bench *b, const char *kind);

/* One table a file, ended by a row without a name. */
extern const struct bench_row bench_packet_rows[];
extern const struct bench_row bench_policy_rows[];
extern const struct bench_row bench_address_rows[];
extern const struct bench_row bench_identity_rows[];
extern const struct bench_row bench_compile_rows[];
extern const struct bench_row bench_observe_rows[];
extern const struct bench_row bench_system_rows[];
extern const struct bench_row bench_upgrade_rows[];
extern const struct bench_row bench_flow_rows[];
extern const struct bench_row bench_service_rows[];
extern const struct bench_row bench_balance_rows[];
extern const struct bench_row bench_dnat_rows[];
extern const struct bench_row bench_xdp_rows[];
extern const struct bench_row bench_conntrack_rows[];
extern const struct bench_row bench_nat_rows[];
extern const struct bench_row bench_forward_rows[];
extern const struct bench_row bench_net_rows[];
extern const struct bench_row bench_cni_rows[];
extern const struct bench_row bench_agent_rows[];

/* Fills in why and returns err. */
__attribute__((format(printf, 3, 4))) int bench_fail(struct bench *b, int err, const char *fmt, ...);

void bench_add(struct bench_sample *s, double v);
double bench_median(const struct bench_sample *s);
/* value = median of s less base, per divisor; the spread is that of s. */
void bench_value(struct bench_result *res, const struct bench_sample *s, double base, double divisor);
void bench_reference(struct bench_result *res, const char *name, double value);
/* The median of s, with its spread. */
void bench_reference_of(struct bench_result *res, const char *name, const struct bench_sample *s);

double bench_now_ns(void);
uint64_t bench_random(uint64_t *state);

/*
 * Average ns of one run of a tc program on a 64-byte packet, `rounds` times, each long enough for the kernel's whole
 * nanoseconds. ctx may be NULL.
 */
struct __sk_buff;
int bench_prog(struct bench *b, int prog_fd, const struct __sk_buff *ctx, const void *packet, uint32_t len,
	       struct bench_sample *ret);
/* Removes the limit on locked memory where the kernel still counts it. */
void bench_memlock(void);

#endif
