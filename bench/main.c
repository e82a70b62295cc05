// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static const struct bench_row *const tables[] = {
	bench_policy_rows,
	bench_compile_rows,
	bench_packet_rows,
	bench_system_rows,
	bench_upgrade_rows,
	bench_address_rows,
	bench_identity_rows,
	bench_observe_rows,
	bench_flow_rows,
	bench_service_rows,
	bench_balance_rows,
	bench_dnat_rows,
	bench_xdp_rows,
	bench_conntrack_rows,
	bench_nat_rows,
	bench_forward_rows,
	bench_net_rows,
	bench_cni_rows,
	bench_agent_rows,
};

static bool selected(const char *name, char *const *patterns, int n)
{
	size_t len;
	int i;

	for (i = 0; i < n; i++) {
		/* "what" stands for all of its variants, its -v6 twin included */
		len = strlen(patterns[i]);
		if (!fnmatch(patterns[i], name, 0) || (!strncmp(patterns[i], name, len) && strchr("/-", name[len])))
			return true;
	}
	return n == 0;
}

/* One CPU, ahead of everybody else if that is allowed. */
static void pin(struct bench *b)
{
	struct sched_param sp = { .sched_priority = 50 };
	cpu_set_t set;

	if (b->cpu < 0)
		b->cpu = (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	CPU_ZERO(&set);
	CPU_SET(b->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fprintf(stderr, "bench: not pinned to CPU %d\n", b->cpu);
	b->fifo = !sched_setscheduler(0, SCHED_FIFO, &sp);
}

static bool within(const struct bench_result *r)
{
	if (r->must_be_zero)
		return !(r->value > 0);
	if (!(r->budget > 0))
		return true;
	return r->at_least ? r->value >= r->budget : r->value <= r->budget;
}

static void print_json(const struct bench_row *row, const struct bench_result *r)
{
	unsigned int i;

	printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"reference\":{", row->name, r->value, row->unit);
	for (i = 0; i < r->references; i++)
		printf("%s\"%s\":%.6g", i ? "," : "", r->reference[i].name, r->reference[i].value);
	printf("},\"ratio\":");
	if (r->references && r->reference[0].value > 0)
		printf("%.4g", r->value / r->reference[0].value);
	else
		printf("null");
	if (r->budget > 0 || r->must_be_zero)
		printf(",\"budget\":%.6g", r->budget);
	else
		printf(",\"budget\":null");
	printf(",\"ok\":%s}\n", within(r) ? "true" : "false");
	fflush(stdout);
}

static void print_line(const struct bench_row *row, const struct bench_result *r)
{
	unsigned int i;

	printf("%-34s %10.4g %-4s [%.4g..%.4g]", row->name, r->value, row->unit, r->lowest, r->highest);
	if (r->budget > 0 || r->must_be_zero)
		printf("  %s %.4g %s", r->at_least ? "at least" : "at most", r->budget, within(r) ? "ok" : "MISSED");
	for (i = 0; i < r->references; i++) {
		printf("  %s %.4g", r->reference[i].name, r->reference[i].value);
		if (r->reference[i].highest > 0)
			printf(" [%.4g..%.4g]", r->reference[i].lowest, r->reference[i].highest);
	}
	printf("\n");
	fflush(stdout);
}

static void usage(FILE *f)
{
	fprintf(f, "usage: bench/run [--list] [--json] [--rounds N] [--cpu N] [NAME…]\n"
		   "NAME: what, what/variant, or a pattern; none: every row. Needs root.\n"
		   "Exit status: 0, 1 a budget was missed, 2 a row could not be measured.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "list", no_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' },
		{ "rounds", required_argument, NULL, 'r' }, { "cpu", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct bench b = { .rounds = 9, .cpu = -1 };
	unsigned int missed = 0, unmeasured = 0, matched = 0;
	bool list = false, json = false;
	const struct bench_row *row;
	size_t i;
	int c;

	if (argc == 3 && !strcmp(argv[1], BENCH_COMPILE_MEMORY))
		return bench_compile_memory(&b, argv[2]) ? 1 : 0;
	while ((c = getopt_long(argc, argv, "ljr:c:h", options, NULL)) != -1) {
		switch (c) {
		case 'l':
			list = true;
			break;
		case 'j':
			json = true;
			break;
		case 'r':
			b.rounds = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			b.cpu = (int)strtol(optarg, NULL, 10);
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (!b.rounds || b.rounds > BENCH_SAMPLES_MAX) {
		fprintf(stderr, "bench: --rounds 1..%d\n", BENCH_SAMPLES_MAX);
		return 2;
	}
	if (!list) {
		pin(&b);
		bench_memlock();
		fprintf(stderr, "bench: CPU %d, %s, medians of %u rounds\n", b.cpu,
			b.fifo ? "SCHED_FIFO" : "no real-time priority", b.rounds);
	}
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (row = tables[i]; row->name; row++) {
			struct bench_result r = { .budget = row->budget };

			if (!selected(row->name, argv + optind, argc - optind))
				continue;
			matched++;
			if (list) {
				printf("%s\n", row->name);
				continue;
			}
			b.why[0] = 0;
			if (row->run(&b, row, &r)) {
				fprintf(stderr, "bench: %s: not measured: %s\n", row->name, b.why);
				unmeasured++;
				continue;
			}
			if (json)
				print_json(row, &r);
			else
				print_line(row, &r);
			missed += !within(&r);
		}
	}
	if (!matched) {
		fprintf(stderr, "bench: no row of that name; --list shows them\n");
		return 2;
	}
	return missed ? 1 : unmeasured ? 2 : 0;
}
