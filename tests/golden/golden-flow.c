// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Flows as JSON and text against the files beside this one; EBN_GOLDEN_UPDATE=1 writes them anew. Then, with random
 * flows: what comes out is JSON of one line, buffers of every size get a prefix of it.
 */
#include <endian.h>
#include <jansson.h>

#include "observe/emit.h"
#include "observe/internal.h"
#include "../unit/suite.h"

#define XWING "k8s:app.kubernetes.io/name=xwing;k8s:class=xwing;k8s:io.cilium.k8s.policy.cluster=default;" \
	      "k8s:io.kubernetes.pod.namespace=default;k8s:org=alliance;"
#define DEATHSTAR "k8s:class=deathstar;k8s:io.kubernetes.pod.namespace=default;k8s:org=empire;"

#define V4(a, b, c, d) { { [10] = 0xff, [11] = 0xff, a, b, c, d } }
#define LOCAL(n, l, i, e) { .name = n, .labels = l, .identity = i, .endpoint = e }
#define TCP_SYN .protocol = 6, .tcp_flags = 0x02, .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4, .sport = 40000, \
		.dport = 80, .len = 60, .ifindex = 12, .generation = 9, .epoch = 3
#define NOT_ASKED EBN_DECISION_NONE
#define NO_VERDICT EBPFNET_FLOW_NOT_ASKED

static const struct ebpfnet_flow flows[] = {
	{	/* allowed, to another node */
		.event = { .time_ns = 1, .type = EBPFNET_EVENT_VERDICT, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_ALLOW, TCP_SYN, .src = V4(10, 0, 0, 10), .dst = V4(10, 0, 0, 20), .ep = 7,
			   .egress_decision = 1, .ingress_decision = NOT_ASKED },
		.src = LOCAL("default/xwing", XWING, 4711, 7), .dst = LOCAL(NULL, DEATHSTAR, 4712, 0),
		.egress_rule = "default/out#1", .realtime_ns = 1700000000123456789, .node = "default/node-1",
		.egress_verdict = EBN_V_ALLOW, .ingress_verdict = NO_VERDICT,
	},
	{	/* both ends here, both asked */
		.event = { .time_ns = 2, .type = EBPFNET_EVENT_VERDICT, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_ALLOW, TCP_SYN, .src = V4(10, 0, 0, 10), .dst = V4(10, 0, 0, 20), .ep = 7,
			   .peer_ep = 9, .egress_decision = 1, .ingress_decision = 2 },
		.src = LOCAL("client", "k8s:app=client;", 256, 7), .dst = LOCAL("api", "k8s:app=api;", 257, 9),
		.egress_rule = "default allow", .ingress_rule = "api#1", .ingress_log = "api",
		.realtime_ns = 1700000000000000000, .node = "n",
		.egress_verdict = EBN_V_ALLOW, .ingress_verdict = EBN_V_ALLOW,
	},
	{	/* denied on the way in */
		.event = { .time_ns = 3, .type = EBPFNET_EVENT_DROP, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_DENY, .reason = EBN_R_POLICY, .protocol = 6, .tcp_flags = 0x02,
			   .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4 | EBPFNET_EVENT_F_LOCAL, .sport = 40001,
			   .dport = 5432, .len = 60, .ifindex = 12, .src = V4(10, 0, 0, 10), .dst = V4(10, 0, 0, 30),
			   .ep = 7, .peer_ep = 10, .egress_decision = 1, .ingress_decision = 0, .generation = 9 },
		.src = LOCAL("client", "k8s:app=client;", 256, 7), .dst = LOCAL("db", "k8s:app=db;", 258, 10),
		.egress_rule = "default allow", .ingress_rule = "default deny", .realtime_ns = 1700000000120000000,
		.node = "n",
		.egress_verdict = EBN_V_ALLOW, .ingress_verdict = EBN_V_DENY,
	},
	{	/* denied by a rule on the way out */
		.event = { .time_ns = 4, .type = EBPFNET_EVENT_DROP, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_DENY, .reason = EBN_R_POLICY_RULE, TCP_SYN, .src = V4(10, 0, 0, 10),
			   .dst = V4(192, 0, 2, 1), .ep = 7, .egress_decision = 5, .ingress_decision = NOT_ASKED },
		.src = LOCAL("client", "k8s:app=client;", 256, 7), .dst = LOCAL(NULL, "reserved:world;", 2, 0),
		.egress_rule = "demo/no-world#3", .egress_log = "nobody calls \"out\"",
		.realtime_ns = 951782400000000000, .node = "n",
		.egress_verdict = EBN_V_DENY, .ingress_verdict = NO_VERDICT,
	},
	{	/* both ends here: denied on the way out, allowed on the way in */
		.event = { .time_ns = 12, .type = EBPFNET_EVENT_DROP, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_DENY, .reason = EBN_R_POLICY, TCP_SYN, .src = V4(10, 0, 0, 10),
			   .dst = V4(10, 0, 0, 20), .ep = 7, .peer_ep = 9, .egress_decision = 0,
			   .ingress_decision = 2 },
		.src = LOCAL("client", "k8s:app=client;", 256, 7), .dst = LOCAL("api", "k8s:app=api;", 257, 9),
		.egress_rule = "default deny", .ingress_rule = "demo/api#1", .realtime_ns = 1700000000123456789,
		.node = "n", .egress_verdict = EBN_V_DENY, .ingress_verdict = EBN_V_ALLOW,
	},
	{	/* spoofed */
		.event = { .time_ns = 5, .type = EBPFNET_EVENT_DROP, .point = EBN_AT_FROM_ENDPOINT,
			   .reason = EBN_R_SOURCE_IP, .protocol = 17, .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4,
			   .sport = 5353, .dport = 53, .src = V4(1, 2, 3, 4), .dst = V4(8, 8, 8, 8), .ep = 7,
			   .egress_decision = NOT_ASKED, .ingress_decision = NOT_ASKED },
		.src = LOCAL("client", "k8s:app=client;", 256, 7), .dst = LOCAL(NULL, "", 0, 0),
		.realtime_ns = 1700000000123000000, .node = "n",
		.egress_verdict = NO_VERDICT, .ingress_verdict = NO_VERDICT,
	},
	{	/* not even an address */
		.event = { .time_ns = 6, .type = EBPFNET_EVENT_DROP, .point = EBN_AT_FROM_ENDPOINT,
			   .reason = EBN_R_TRUNCATED, .len = 13, .egress_decision = NOT_ASKED,
			   .ingress_decision = NOT_ASKED },
		.src = LOCAL(NULL, "", 0, 0), .dst = LOCAL(NULL, "", 0, 0), .realtime_ns = 1, .node = "n",
		.egress_verdict = NO_VERDICT, .ingress_verdict = NO_VERDICT,
	},
	{	/* audited, IPv6 ping, coming in */
		.event = { .time_ns = 7, .type = EBPFNET_EVENT_VERDICT, .point = EBN_AT_TO_ENDPOINT,
			   .verdict = EBN_V_AUDIT, .protocol = 58, .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4,
			   .sport = 128, .src = { { 0xfd, [15] = 0x10 } }, .dst = { { 0xfd, [15] = 0x20 } }, .ep = 9,
			   .egress_decision = NOT_ASKED, .ingress_decision = 0 },
		.src = LOCAL(NULL, "k8s:app=client;", 256, 0), .dst = LOCAL("api", "k8s:app=api;", 257, 9),
		.ingress_rule = "default deny", .realtime_ns = 1700000000123456000, .node = "n",
		.egress_verdict = NO_VERDICT, .ingress_verdict = EBN_V_DENY,
	},
	{	/* the end of a connection, seen on a reply */
		.event = { .time_ns = 8, .type = EBPFNET_EVENT_CLOSE, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_ALLOW, .protocol = 6, .tcp_flags = 0x11,
			   .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4 | EBPFNET_EVENT_F_REPLY, .sport = 80,
			   .dport = 40000, .src = V4(10, 0, 0, 20), .dst = V4(10, 0, 0, 10), .ep = 9, .ifindex = 3,
			   .egress_decision = NOT_ASKED, .ingress_decision = 2 },
		.src = LOCAL("api", "k8s:app=api;", 257, 9), .dst = LOCAL(NULL, "reserved:remote-node;", 6, 0),
		.ingress_rule = "api#1", .realtime_ns = 1700000000123456789, .node = "n",
		.egress_verdict = NO_VERDICT, .ingress_verdict = EBN_V_ALLOW,
	},
	{	/* only watched */
		.event = { .time_ns = 9, .type = EBPFNET_EVENT_SEEN, .point = EBN_AT_FROM_NETDEV, .protocol = 132,
			   .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4, .sport = 5000, .dport = 5001,
			   .src = V4(10, 0, 0, 10), .dst = V4(10, 0, 0, 20), .ifindex = 4,
			   .egress_decision = NOT_ASKED, .ingress_decision = NOT_ASKED },
		.src = LOCAL(NULL, "reserved:world;", 2, 0), .dst = LOCAL(NULL, "reserved:host;", 1, 0),
		.realtime_ns = 1709164800999999999, .node = "n",
		.egress_verdict = NO_VERDICT, .ingress_verdict = NO_VERDICT,
	},
	{	/* to a proxy, checked again after a change; names that need escapes */
		.event = { .time_ns = 10, .type = EBPFNET_EVENT_VERDICT, .point = EBN_AT_FROM_ENDPOINT,
			   .verdict = EBN_V_REDIRECT, .protocol = 17, .ep = 7, .len = 1400,
			   .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_RECHECK | EBPFNET_EVENT_F_FRAGMENT,
			   .src = V4(10, 0, 0, 10), .dst = V4(8, 8, 8, 8), .egress_decision = 4,
			   .ingress_decision = NOT_ASKED },
		.src = LOCAL("a\"b\\c\n\xc3\xa4\xff", "k8s:a=1;", 256, 7), .dst = LOCAL(NULL, "", 1 << 24, 0),
		.egress_rule = "p\x1b#1", .realtime_ns = 1700000000123456789, .node = "n\xe2\x82",
		.egress_verdict = EBN_V_REDIRECT, .ingress_verdict = NO_VERDICT,
	},
	{	/* a protocol nobody names */
		.event = { .time_ns = 11, .type = EBPFNET_EVENT_DROP, .point = EBN_AT_TO_ENDPOINT,
			   .reason = EBN_R_L4_PROTOCOL, .protocol = 253, .flags = EBPFNET_EVENT_F_L3,
			   .src = V4(10, 0, 0, 10), .dst = V4(10, 0, 0, 20), .ep = 9, .egress_decision = NOT_ASKED,
			   .ingress_decision = NOT_ASKED },
		.src = LOCAL(NULL, "", 0, 0), .dst = LOCAL("api", "k8s:app=api;", 257, 9), .realtime_ns = 1700000000123456789,
		.node = "n",
		.egress_verdict = NO_VERDICT, .ingress_verdict = NO_VERDICT,
	},
};

enum format {
	JSON,
	STRICT,
	TEXT,
	FORMATS,
};

static int write_flow(const struct ebpfnet_flow *f, enum format format, char *buf, size_t size)
{
	if (format == TEXT)
		return ebpfnet_flow_to_text(f, buf, size);
	return ebpfnet_flow_to_json(f, format == STRICT ? EBPFNET_FLOW_STRICT : 0, buf, size);
}

static const char *const files[FORMATS] = { "flows.jsonl", "flows-strict.jsonl", "flows.txt" };

static FILE *open_golden(enum format format, const char *mode)
{
	const char *top = getenv("top_srcdir");
	char path[4096];
	FILE *file;

	test_put(path, path + sizeof(path), "%s/tests/golden/%s", top ? top : ".", files[format]);
	file = fopen(path, mode);
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	return file;
}

START_TEST(as_in_the_files)
{
	const char *update = getenv("EBN_GOLDEN_UPDATE");
	char got[8192], want[8192];
	int format;
	size_t i;

	for (format = 0; format < FORMATS; format++) {
		FILE *file = open_golden(format, update ? "w" : "r");

		for (i = 0; i < EBN_ARRAY_SIZE(flows); i++) {
			int len = write_flow(&flows[i], format, got, sizeof(got));

			ck_assert_int_gt(len, 0);
			ck_assert_uint_eq(strlen(got), (size_t)len);
			if (update) {
				fprintf(file, "%s\n", got);
				continue;
			}
			ck_assert_msg(fgets(want, sizeof(want), file) != NULL, "%s ends early", files[format]);
			want[strcspn(want, "\n")] = '\0';
			ck_assert_str_eq(got, want);
		}
		ck_assert(update || !fgets(want, sizeof(want), file));
		fclose(file);
	}
}
END_TEST

START_TEST(every_buffer_gets_a_prefix)
{
	char whole[8192], part[8192];
	int format, len;
	size_t i, size;

	for (format = 0; format < FORMATS; format++)
		for (i = 0; i < EBN_ARRAY_SIZE(flows); i++) {
			len = write_flow(&flows[i], format, whole, sizeof(whole));
			ck_assert_int_eq(write_flow(&flows[i], format, NULL, 0), len);
			for (size = 1; size <= (size_t)len + 2; size++) {
				size_t kept = size > (size_t)len ? (size_t)len : size - 1;

				part[size] = 'x';
				ck_assert_int_eq(write_flow(&flows[i], format, part, size), len);
				ck_assert_uint_eq(strlen(part), kept);
				ck_assert(!memcmp(part, whole, kept));
				ck_assert_int_eq(part[size], 'x');
			}
		}
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
	struct ebpfnet_flow f = flows[0];
	char buf[16];

	ck_assert_int_eq(ebpfnet_flow_to_json(NULL, 0, buf, sizeof(buf)), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_to_json(&f, 2, buf, sizeof(buf)), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_to_json(&f, 0, NULL, 1), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_to_text(NULL, buf, sizeof(buf)), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_to_text(&f, NULL, 1), -EINVAL);
	f.node = NULL;
	ck_assert_int_eq(ebpfnet_flow_to_json(&f, 0, buf, sizeof(buf)), -EINVAL);
	f = flows[0];
	f.src.labels = NULL;
	ck_assert_int_eq(ebpfnet_flow_to_json(&f, 0, buf, sizeof(buf)), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_to_text(&f, buf, sizeof(buf)), -EINVAL);
}
END_TEST

static const char *random_text(uint64_t *rng, char *buf, unsigned int max)
{
	unsigned int n = test_below(rng, max), i;

	for (i = 0; i < n; i++)
		buf[i] = (char)(test_below(rng, 3) ? 'a' + test_below(rng, 26) : 1 + test_below(rng, 255));
	buf[n] = '\0';
	return buf;
}

START_TEST(random_flows_are_json)
{
	uint64_t rng = test_seed();
	int i;

	for (i = 0; i < 5000; i++) {
		char text[6][64], out[16384];
		struct ebpfnet_flow f;
		uint64_t words[sizeof(f.event) / 8];
		json_error_t error;
		json_t *root;
		size_t j;

		for (j = 0; j < EBN_ARRAY_SIZE(words); j++)
			words[j] = test_random(&rng);
		memset(&f, 0, sizeof(f));
		memcpy(&f.event, words, sizeof(f.event));
		f.event.type %= 5;
		f.src.labels = random_text(&rng, text[0], 64);
		f.dst.labels = random_text(&rng, text[1], 64);
		f.src.name = test_below(&rng, 2) ? random_text(&rng, text[2], 64) : NULL;
		f.egress_rule = test_below(&rng, 2) ? random_text(&rng, text[3], 64) : NULL;
		f.ingress_rule = test_below(&rng, 2) ? random_text(&rng, text[4], 64) : NULL;
		f.node = random_text(&rng, text[5], 64);
		f.realtime_ns = test_random(&rng);
		ck_assert_int_lt(write_flow(&f, JSON, out, sizeof(out)), (int)sizeof(out));
		ck_assert_ptr_null(strchr(out, '\n'));
		root = json_loads(out, JSON_REJECT_DUPLICATES, &error);
		ck_assert_msg(root != NULL, "%s at %d: %s", error.text, error.position, out);
		json_decref(root);
		ck_assert_int_lt(write_flow(&f, TEXT, out, sizeof(out)), (int)sizeof(out));
		for (j = 0; out[j]; j++)
			if ((unsigned char)out[j] < ' ' || out[j] == 0x7f)
				ck_abort_msg("control character in %s", out);
	}
}
END_TEST

static void expect_time(uint64_t ns, const char *want)
{
	char got[64];
	struct ebn_out o;

	ebn_out_init(&o, got, sizeof(got));
	ebn_put_time(&o, ns, 9, true);
	ebn_out_end(&o);
	ck_assert_str_eq(got, want);
}

START_TEST(times)
{
	uint64_t rng = test_seed();
	int i;

	expect_time(0, "1970-01-01T00:00:00Z");
	expect_time(1, "1970-01-01T00:00:00.000000001Z");
	expect_time(951782400000000000, "2000-02-29T00:00:00Z");
	expect_time(1700000000123456789, "2023-11-14T22:13:20.123456789Z");
	expect_time(1700000000123456000, "2023-11-14T22:13:20.123456Z");
	expect_time(4107542399999000000, "2100-02-28T23:59:59.999Z");
	for (i = 0; i < 50000; i++) {
		time_t t = (time_t)(test_random(&rng) % 18000000000u);
		char want[64], *p = want;
		struct tm tm;

		ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
		p += strftime(p, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
		test_put(p, want + sizeof(want), "Z");
		expect_time((uint64_t)t * 1000000000u, want);
	}
}
END_TEST

RUN_SUITE("golden-flow", as_in_the_files, every_buffer_gets_a_prefix, bad_arguments_are_refused, random_flows_are_json,
	  times)
