// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Rules of egress gateways through the public calls: what is set is what is found, also by a reader and after a restart; what is
 * refused changes nothing.
 */
#include "egress_case.h"

/* two names of one number, the first pair among rule0, rule1 and so on */
#define TWIN1 "rule1136"
#define TWIN2 "rule3342"

/* ---- what is set is what is found ---- */

START_TEST(what_is_set_is_found)
{
	struct say turned[4];
	const char *lines[4];
	struct told t, u;
	uint64_t root;
	int i;

	setup();
	is(NULL, 0);
	ck_assert_uint_eq(switches(), 0);
	ck_assert_int_eq(set(four, 4), 0);
	is(four_are, 4);
	ck_assert_uint_eq(switches(), EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY);
	t = ask(dp);
	ck_assert_uint_eq(t.flags[0], EBPFNET_EGRESS_LOST);
	ck_assert_uint_eq(t.flags[1], EBPFNET_EGRESS_HERE);
	for (i = 0; i < 4; i++)
		ck_assert(t.number[i] >= 1 && t.number[i] <= EBN_EGRESS_ID_MAX);
	/* said again: no new generation */
	root = generation();
	ck_assert_int_eq(set(four, 4), 0);
	ck_assert(root == generation());
	/* the order is the one that was said; a name has its number wherever it is */
	for (i = 0; i < 4; i++) {
		turned[i] = four[3 - i];
		lines[i] = four_are[3 - i];
	}
	ck_assert_int_eq(set(turned, 4), 0);
	ck_assert(root != generation());
	is(lines, 4);
	u = ask(looker);
	for (i = 0; i < 4; i++)
		ck_assert_uint_eq(t.number[i], u.number[3 - i]);
	/* a restart */
	root = generation();
	close_all();
	open_all();
	is(lines, 4);
	ck_assert_uint_eq(switches(), EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY);
	root = generation();
	ck_assert_int_eq(set(turned, 4), 0);
	ck_assert(root == generation());
	/* no rule of this node's any more, then none at all */
	ck_assert_int_eq(set(four, 1), 0);
	ck_assert_uint_eq(switches(), EBN_NODE_F_EGRESS);
	ck_assert_int_eq(ebpfnet_egress_set(dp, NULL), 0);
	ck_assert_uint_eq(switches(), 0);
	is(NULL, 0);
	root = generation();
	ck_assert_int_eq(set(NULL, 0), 0);
	ck_assert(root == generation());
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

/* A port range of the caller's may be the host's own, one that is not said is not. */
START_TEST(ports_that_are_not_said_are_nobodys)
{
	struct say s = { .name = "a", .to = "0.0.0.0/0", .addr4 = "192.0.2.1" };
	const char *line = "a (none) 0.0.0.0/0 by here 192.0.2.1 1024-32767";

	setup();
	ck_assert_int_eq(system("echo 32768 60999 > /proc/sys/net/ipv4/ip_local_port_range"), 0);
	ck_assert_int_eq(set(&s, 1), 0);
	is(&line, 1);
	s.port_min = 40000;
	s.port_max = 40000;
	line = "a (none) 0.0.0.0/0 by here 192.0.2.1 40000-40000";
	ck_assert_int_eq(set(&s, 1), 0);
	is(&line, 1);
	teardown();
}
END_TEST

struct counting {
	uint32_t rules, prefixes;
};

static int count(const struct ebpfnet_egress_info *info, void *userdata)
{
	struct counting *c = userdata;
	char text[16];

	snprintf(text, sizeof(text), "rule%u", c->rules++);
	ck_assert_str_eq(info->name, text);
	c->prefixes += info->n_to + info->n_except;
	return 0;
}

static int stop(const struct ebpfnet_egress_info *info, void *userdata)
{
	(void)info;
	return ++*(int *)userdata == 2 ? 1 : 0;
}

START_TEST(as_many_as_there_may_be_and_one_more)
{
	static struct ebpfnet_egress_rule rules[EBPFNET_EGRESS_RULES_MAX + 1];
	static struct ebpfnet_prefix px[EBPFNET_EGRESS_PREFIXES_MAX + 1];
	static char names[EBPFNET_EGRESS_RULES_MAX + 1][16];
	struct counting c = { 0 };
	uint64_t root;
	char text[64];
	uint32_t i;
	int n = 0;

	setup();
	for (i = 0; i <= EBPFNET_EGRESS_PREFIXES_MAX; i++) {
		snprintf(text, sizeof(text), i & 1 ? "2001:db8:%x::/48" : "198.%u.%u.0/24", i & 1 ? i : 18 + i % 2, i / 2 % 256);
		ck_assert_int_eq(ebpfnet_prefix_parse(text, &px[i]), 0);
	}
	for (i = 0; i <= EBPFNET_EGRESS_RULES_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "rule%u", i);
		rules[i] = (struct ebpfnet_egress_rule){ EBPFNET_OPTS_INIT(rules[i]), .name = names[i], .node = "n2",
							 .to = &px[i * 16], .n_to = 10,
							 .except = &px[i * 16 + 10], .n_except = 6 };
	}
	ck_assert_int_eq(set_rules(rules, EBPFNET_EGRESS_RULES_MAX), 0);
	ck_assert_int_eq(ebpfnet_egress_foreach(looker, count, &c), 0);
	ck_assert_uint_eq(c.rules, EBPFNET_EGRESS_RULES_MAX);
	ck_assert_uint_eq(c.prefixes, EBPFNET_EGRESS_PREFIXES_MAX);
	root = generation();
	rules[EBPFNET_EGRESS_RULES_MAX].to = px;
	ck_assert_int_eq(set_rules(rules, EBPFNET_EGRESS_RULES_MAX + 1), -ENOSPC);
	ck_assert(said("more than 64 rules"));
	rules[EBPFNET_EGRESS_RULES_MAX - 1].n_to = 11;
	ck_assert_int_eq(set_rules(rules, EBPFNET_EGRESS_RULES_MAX), -ENOSPC);
	ck_assert(said("more than 1024 prefixes"));
	rules[0].n_to = EBPFNET_EGRESS_PREFIXES_MAX + 1;
	rules[0].n_except = 0;
	ck_assert_int_eq(set_rules(rules, 1), -ENOSPC);
	ck_assert(root == generation());
	/* all of them in one */
	rules[0].n_to = EBPFNET_EGRESS_PREFIXES_MAX;
	ck_assert_int_eq(set_rules(rules, 1), 0);
	c = (struct counting){ 0 };
	ck_assert_int_eq(ebpfnet_egress_foreach(dp, count, &c), 0);
	ck_assert_uint_eq(c.prefixes, EBPFNET_EGRESS_PREFIXES_MAX);
	/* who is told may stop, or fail */
	ck_assert_int_eq(set(four, 4), 0);
	ck_assert_int_eq(ebpfnet_egress_foreach(dp, stop, &n), 1);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(ebpfnet_egress_foreach(dp, refuse, NULL), -EXDEV);
	ck_assert_int_eq(ebpfnet_egress_foreach(dp, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_egress_foreach(NULL, refuse, NULL), -EINVAL);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

/* ---- what is refused changes nothing ---- */

static const char long_name[] = "0123456789012345678901234567890123456789012345678901234567890123";
static const char long_node[] = "n123456789012345678901234567890123456789012345678901234567890123456789";
static const struct {
	struct say say;
	int err;
	const char *words;
} bad[] = {
	{ { .name = NULL, .to = "10.0.0.0/8", .node = "n2" }, -EINVAL, "the name" },
	{ { .name = "", .to = "10.0.0.0/8", .node = "n2" }, -EINVAL, "the name" },
	{ { .name = long_name, .to = "10.0.0.0/8", .node = "n2" }, -EINVAL, "the name" },
	{ { .name = "a b", .to = "10.0.0.0/8", .node = "n2" }, -EINVAL, "the name" },
	{ { .name = "\xc3\xa4", .to = "10.0.0.0/8", .node = "n2" }, -EINVAL, "the name" },
	{ { .name = "a", .node = "n2" }, -EINVAL, "no destinations" },
	{ { .name = "a", .except = "10.0.0.0/8", .node = "n2" }, -EINVAL, "no destinations" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = "n2", .reserved = 1 }, -EINVAL, "unknown bits" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = "" }, -EINVAL, "not a node's name" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = long_node }, -EINVAL, "not a node's name" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = "n2", .addr4 = "192.0.2.1" }, -EINVAL, "another node's" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = "n2", .addr6 = "2001:db8::1" }, -EINVAL, "another node's" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = "n2", .port_min = 1 }, -EINVAL, "another node's" },
	{ { .name = "a", .to = "10.0.0.0/8", .node = "n2", .port_max = 1 }, -EINVAL, "another node's" },
	{ { .name = "a", .to = "10.0.0.0/8" }, -EINVAL, "no address to leave with" },
	{ { .name = "a", .to = "10.0.0.0/8", .port_min = 1, .port_max = 2 }, -EINVAL, "no address to leave with" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "2001:db8::1" }, -EINVAL, "not an address of IPv4" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr6 = "192.0.2.1" }, -EINVAL, "not an address of IPv6" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "224.0.0.1" }, -EINVAL, "send from" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "255.255.255.255" }, -EINVAL, "send from" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "0.0.0.1" }, -EINVAL, "send from" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr6 = "ff02::1" }, -EINVAL, "send from" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "10.42.1.2" }, -EEXIST, "an endpoint's" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "192.0.2.1", .port_min = 5, .port_max = 4 }, -EINVAL, "range of ports" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "192.0.2.1", .port_max = 4 }, -EINVAL, "range of ports" },
	{ { .name = "a", .to = "10.0.0.0/8", .addr4 = "192.0.2.1", .port_min = 4 }, -EINVAL, "range of ports" },
	{ { .name = "both", .to = "10.0.0.0/8", .node = "n2" }, -EEXIST, "both is there" },
};
/* What no text makes: prefixes, and sizes. */
static void refused_rules(void)
{
	struct ebpfnet_egress_rule rule = { EBPFNET_OPTS_INIT(rule), .name = "a", .node = "n2", .n_to = 1 };
	struct ebpfnet_prefix px[2] = { { .len = 0 } };

	rule.to = px;
	ck_assert_int_eq(ebpfnet_prefix_parse("10.0.0.0/8", &px[0]), 0);
	px[0].len = 33;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	ck_assert(said("not a prefix"));
	px[0].len = 4;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	ck_assert_int_eq(ebpfnet_prefix_parse("2001:db8::/32", &px[0]), 0);
	px[0].len = 16;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	px[0].len = 129;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	ck_assert_int_eq(ebpfnet_prefix_parse("10.0.0.0/8", &px[0]), 0);
	px[0].reserved[0] = 1;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	px[0].reserved[0] = 0;
	px[1] = px[0];
	px[1].len = 4;
	rule.except = &px[1];
	rule.n_except = 1;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	rule.except = NULL;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	rule.n_except = 0;
	rule.to = NULL;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	rule.to = px;
	rule.sz = 8;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	rule.sz = 0;
	ck_assert_int_eq(set_rules(&rule, 1), -EINVAL);
	ck_assert_int_eq(set_rules(NULL, 1), -EINVAL);
}

START_TEST(what_is_refused_changes_nothing)
{
	struct ebpfnet_egress_opts o = { .sz = 4 };
	struct ebpfnet_datapath *fresh;
	struct say say[5];
	uint64_t root;
	size_t i;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	endpoint("a", "e0", "app=a", "10.42.1.2");
	ck_assert_int_eq(set(four, 4), 0);
	root = generation();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* the last of five: those before it are not taken either */
		memcpy(say, four, sizeof(four));
		say[4] = bad[i].say;
		ck_assert_msg(set(say, 5) == bad[i].err, "%zu", i);
		ck_assert_msg(said(bad[i].words), "%zu", i);
	}
	refused_rules();
	ck_assert_int_eq(ebpfnet_egress_set(dp, &o), -EINVAL);
	ck_assert_int_eq(ebpfnet_egress_set(NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_egress_set(looker, NULL), -EROFS);
	ck_assert(root == generation());
	is(four_are, 4);
	/* no tables yet */
	snprintf(case_name, sizeof(case_name), "t-egress-none-%d", getpid());
	fresh = open_dp(0);
	ck_assert_int_eq(ebpfnet_egress_set(fresh, NULL), -EBUSY);
	ck_assert_int_eq(ebpfnet_egress_foreach(fresh, refuse, NULL), -EBUSY);
	ck_assert_int_eq(ebpfnet_datapath_cleanup(fresh, NULL), 0);
	ebpfnet_datapath_unref(fresh);
	snprintf(case_name, sizeof(case_name), "t-egress-%d", getpid());
	/* an address of the host is one that is left with, also when the host is an endpoint */
	ck_assert_int_eq(ebpfnet_host_set(dp, NULL), 0);
	memcpy(say, four, sizeof(four));
	ck_assert_int_eq(set(&say[1], 1), 0);
	teardown();
}
END_TEST

START_TEST(two_names_of_one_number_are_refused)
{
	const struct say twins[] = {
		{ .name = TWIN1, .to = "10.0.0.0/8", .node = "n2" },
		{ .name = TWIN2, .to = "10.0.0.0/8", .node = "n2" },
	};
	uint32_t number;

	setup();
	ck_assert_int_eq(set(&twins[0], 1), 0);
	number = ask(dp).number[0];
	ck_assert_int_eq(set(&twins[1], 1), 0);
	ck_assert_uint_eq(ask(dp).number[0], number);
	ck_assert_int_eq(set(twins, 2), -EEXIST);
	ck_assert(said("take another one"));
	ck_assert_uint_eq(ask(looker).n, 1);
	teardown();
}
END_TEST

RUN_SUITE("egress", what_is_set_is_found, ports_that_are_not_said_are_nobodys, as_many_as_there_may_be_and_one_more,
	  what_is_refused_changes_nothing, two_names_of_one_number_are_refused)
