// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <ebpfnet/cleanup.h>

#include "observe/internal.h"
#include "suite.h"

EBPFNET_DEFINE_CLEANUP(ebpfnet_flow_filter, ebpfnet_flow_filter_free)
EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)

static struct ebpfnet_flow sample(void)
{
	struct ebpfnet_flow f = {
		.event = { .type = EBPFNET_EVENT_VERDICT, .verdict = EBN_V_ALLOW, .protocol = 6,
			   .flags = EBPFNET_EVENT_F_L3 | EBPFNET_EVENT_F_L4, .sport = 40000, .dport = 80 },
		.src = { .name = "demo/client", .labels = "k8s:app=client;k8s:env=dev;", .identity = 256, .endpoint = 1 },
		.dst = { .labels = "reserved:world;", .identity = 2 },
		.egress_rule = "demo/client-out#2", .node = "node",
	};

	ck_assert_int_eq(ebpfnet_addr_parse("10.0.0.1", &f.event.src), 0);
	ck_assert_int_eq(ebpfnet_addr_parse("192.0.2.7", &f.event.dst), 0);
	return f;
}

static int passes(const char *text, const struct ebpfnet_flow *f)
{
	EBPFNET_CLEANUP(ebpfnet_flow_filter) struct ebpfnet_flow_filter *filter = NULL;

	ck_assert_msg(ebpfnet_flow_filter_parse(text, NULL, &filter) == 0, "%s", text);
	return ebpfnet_flow_filter_match(filter, f);
}

static const struct {
	const char *text;
	int passes;
} terms[] = {
	{ "verdict=allow", 1 }, { "verdict=deny", 0 }, { "verdict=ALLOW", 1 }, { "type=verdict", 1 }, { "type=drop", 0 },
	{ "type=seen", 0 }, { "proto=tcp", 1 }, { "proto=TCP", 1 }, { "proto=6", 1 }, { "proto=udp", 0 },
	{ "proto=icmp", 0 }, { "ip=10.0.0.1", 1 }, { "ip=192.0.2.7", 1 }, { "ip=192.0.2.8", 0 }, { "ip=2001:db8::1", 0 },
	{ "src=10.0.0.1", 1 }, { "src=192.0.2.7", 0 }, { "dst=192.0.2.7", 1 }, { "src=demo/client", 1 },
	{ "src=client", 1 }, { "src=demo", 0 }, { "dst=client", 0 }, { "port=80", 1 }, { "port=40000", 1 },
	{ "port=81", 0 }, { "sport=40000", 1 }, { "sport=80", 0 }, { "dport=80", 1 }, { "dport=40000", 0 },
	{ "endpoint=client", 1 }, { "endpoint=demo/client", 1 }, { "endpoint=other", 0 }, { "identity=2", 1 },
	{ "identity=256", 1 }, { "identity=3", 0 }, { "label=app=client", 1 }, { "label=app", 1 },
	{ "label=reserved:world", 1 }, { "label=app=server", 0 }, { "label=app=client,env=dev", 1 },
	{ "label=\"env in (dev, test)\"", 1 }, { "label=\"app=client,env notin (dev)\"", 0 }, { "reason=none", 1 },
	{ "reason=POLICY", 0 }, { "rule=client-out", 1 }, { "rule=client-out#2", 1 }, { "rule=xyz", 0 },
};

START_TEST(single_terms)
{
	struct ebpfnet_flow f = sample();
	char text[128];
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(terms); i++) {
		ck_assert_msg(passes(terms[i].text, &f) == terms[i].passes, "%s", terms[i].text);
		test_put(text, text + sizeof(text), "!%s", terms[i].text);
		ck_assert_msg(passes(text, &f) == !terms[i].passes, "%s", text);
	}
}
END_TEST

/* All terms must hold, in any order. */
START_TEST(random_conjunctions)
{
	struct ebpfnet_flow f = sample();
	uint64_t rng = test_seed();
	int i, j;

	for (i = 0; i < 20000; i++) {
		char text[1024], *p = text;
		int want = 1, n = (int)test_below(&rng, 6);

		*p = '\0';
		for (j = 0; j < n; j++) {
			unsigned int pick = test_below(&rng, EBN_ARRAY_SIZE(terms)), negate = test_below(&rng, 2);

			p = test_put(p, text + sizeof(text), "%s%s%s", test_below(&rng, 2) ? " " : "\t ",
				     negate ? "!" : "", terms[pick].text);
			want &= terms[pick].passes != (int)negate;
		}
		ck_assert_msg(passes(text, &f) == want, "%s", text);
	}
	ck_assert_int_eq(passes("", &f), 1);
	ck_assert_int_eq(passes("  ", &f), 1);
	ck_assert_int_eq(ebpfnet_flow_filter_match(NULL, &f), 1);
}
END_TEST

START_TEST(odd_flows)
{
	struct ebpfnet_flow f = sample();

	f.event.type = EBPFNET_EVENT_DROP;
	f.event.reason = EBN_R_SOURCE_IP;
	ck_assert_int_eq(passes("verdict=deny", &f), 1);
	ck_assert_int_eq(passes("verdict=allow", &f), 0);
	ck_assert_int_eq(passes("reason=source_ip type=drop", &f), 1);
	f.event.type = EBPFNET_EVENT_SEEN;
	ck_assert_int_eq(passes("verdict=allow", &f), 0);
	ck_assert_int_eq(passes("verdict=deny", &f), 0);
	/* the end of a flow that was only watched */
	f.event.type = EBPFNET_EVENT_CLOSE;
	f.event.verdict = EBN_V_DENY;
	ck_assert_int_eq(passes("verdict=deny", &f), 0);
	ck_assert_int_eq(passes("!verdict=deny type=close", &f), 1);
	f = sample();
	f.event.protocol = 1;
	f.event.sport = 8;
	ck_assert_int_eq(passes("port=8", &f), 0);
	ck_assert_int_eq(passes("proto=icmp", &f), 1);
	ck_assert_int_eq(passes("proto=icmpv4", &f), 1);
	ck_assert_int_eq(passes("proto=icmpv6", &f), 0);
	f.event.flags = 0;
	memset(&f.event.src, 0, sizeof(f.event.src));
	ck_assert_int_eq(passes("ip=10.0.0.1", &f), 0);
	f = sample();
	f.egress_rule = NULL;
	ck_assert_int_eq(passes("rule=client", &f), 0);
	f.ingress_rule = "default deny";
	ck_assert_int_eq(passes("rule=\"default deny\"", &f), 1);
	ck_assert_int_eq(passes("log=web", &f), 0);
	f.ingress_log = "calls of web";
	ck_assert_int_eq(passes("log=web", &f), 1);
	ck_assert_int_eq(passes("log=\"of web\" rule=deny", &f), 1);
	ck_assert_int_eq(passes("!log=web", &f), 0);
}
END_TEST

START_TEST(bad_filters_are_refused)
{
	static const char *const bad[] = {
		"x", "=", "verdict", "verdict=", "verdict=maybe", "type=none", "proto=", "proto=256", "proto=xyz", "ip=",
		"ip=10.0.0", "ip=client", "port=", "port=65536", "port=-1", "port=80x", "identity=4294967296", "src=",
		"endpoint=", "rule=", "label=a=b=c", "label=\"a b\"", "reason=NOTHING", "rule=\"open", "rule=\"a\"b",
		"!", "!!type=drop", "typ e=drop", "port = 80", "\"port=80\"", "verdict=allow,deny", "ip=::",
	};
	struct ebpfnet_flow_filter *filter = NULL;
	char text[8192], *p = text;
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(bad); i++) {
		EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;

		ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
		ck_assert_msg(ebpfnet_flow_filter_parse(bad[i], diag, &filter) == -EINVAL, "%s", bad[i]);
		ck_assert_msg(ebpfnet_diag_count(diag) == 1, "%s", bad[i]);
	}
	for (i = 0; i < 65; i++)
		p = test_put(p, text + sizeof(text), "port=80 ");
	ck_assert_int_eq(ebpfnet_flow_filter_parse(text, NULL, &filter), -E2BIG);
	memset(text, ' ', 5000);
	text[5000] = '\0';
	ck_assert_int_eq(ebpfnet_flow_filter_parse(text, NULL, &filter), -E2BIG);
	ck_assert_int_eq(ebpfnet_flow_filter_parse(NULL, NULL, &filter), -EINVAL);
	ck_assert_int_eq(ebpfnet_flow_filter_parse("", NULL, NULL), -EINVAL);
	ck_assert_ptr_null(filter);
	ebpfnet_flow_filter_free(NULL);
}
END_TEST

RUN_SUITE("flow-filter", single_terms, random_conjunctions, odd_flows, bad_filters_are_refused)
