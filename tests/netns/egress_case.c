// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <sched.h>

#include "egress_case.h"

struct ebpfnet_datapath *dp, *looker;
struct ebpfnet_diag *diag;
char case_name[32];
static struct ebpfnet_ctx *ctx;

struct ebpfnet_datapath *open_dp(uint32_t flags)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = case_name, .table_bytes = 1 << 22,
					      .endpoints = 16, .flows4 = 1024, .flows6 = 1024, .flags = flags };
	struct ebpfnet_datapath *d = NULL;

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, &d), 0);
	return d;
}

void open_all(void)
{
	dp = open_dp(0);
	ck_assert_int_eq(ebpfnet_datapath_prepare(dp, NULL), 0);
	looker = open_dp(EBPFNET_DATAPATH_READONLY);
}

void close_all(void)
{
	looker = ebpfnet_datapath_unref(looker);
	dp = ebpfnet_datapath_unref(dp);
}

void setup(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system("ip link set lo up; ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 192.0.2.1/24 dev d0;"
				"ip addr add 2001:db8::1/64 dev d0 nodad; ip link set d0 up;"
				"for i in 0 1 2; do ip link add e$i type veth peer name f$i; ip link set e$i up; done"), 0);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	snprintf(case_name, sizeof(case_name), "t-egress-%d", getpid());
	open_all();
}

void done(void)
{
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
}

void teardown(void)
{
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	close_all();
	done();
}

/* ---- saying and asking ---- */

struct ebpfnet_addr addr(const char *text)
{
	struct ebpfnet_addr a = { { 0 } };

	if (text)
		ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

static size_t prefixes(const char *words, struct ebpfnet_prefix *ret, size_t max)
{
	char text[1024], *save = NULL, *word;
	size_t n = 0;

	snprintf(text, sizeof(text), "%s", words ? words : "");
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		ck_assert_uint_lt(n, max);
		ck_assert_int_eq(ebpfnet_prefix_parse(word, &ret[n++]), 0);
	}
	return n;
}

int set_rules(const struct ebpfnet_egress_rule *rules, size_t n)
{
	struct ebpfnet_egress_opts o = { EBPFNET_OPTS_INIT(o), .rules = rules, .n_rules = n, .diag = diag };

	ebpfnet_diag_clear(diag);
	return ebpfnet_egress_set(dp, &o);
}

int set(const struct say *say, size_t n)
{
	struct ebpfnet_egress_rule rules[8];
	struct ebpfnet_prefix px[8][2][8];
	struct ebpfnet_selector *sel[8] = { NULL };
	size_t i;
	int r;

	ck_assert_uint_le(n, 8);
	for (i = 0; i < n; i++) {
		rules[i] = (struct ebpfnet_egress_rule){ EBPFNET_OPTS_INIT(rules[i]),
							 .name = say[i].name, .node = say[i].node,
							 .port_min = say[i].port_min, .port_max = say[i].port_max,
							 .reserved = say[i].reserved };
		if (say[i].endpoints)
			ck_assert_int_eq(ebpfnet_selector_parse(say[i].endpoints, NULL, &sel[i]), 0);
		rules[i].endpoints = sel[i];
		rules[i].to = px[i][0];
		rules[i].n_to = prefixes(say[i].to, px[i][0], 8);
		rules[i].except = px[i][1];
		rules[i].n_except = prefixes(say[i].except, px[i][1], 8);
		rules[i].addr4 = addr(say[i].addr4);
		rules[i].addr6 = addr(say[i].addr6);
	}
	r = set_rules(rules, n);
	for (i = 0; i < n; i++)
		ebpfnet_selector_unref(sel[i]);
	return r;
}

static char *put_prefixes(char *p, const char *end, const struct ebpfnet_prefix *px, uint32_t n)
{
	char text[EBPFNET_PREFIX_STRLEN];
	uint32_t i;

	for (i = 0; i < n; i++) {
		ck_assert_int_gt(ebpfnet_prefix_format(&px[i], text, sizeof(text)), 0);
		p = test_put(p, end, "%s%s", i ? " " : "", text);
	}
	return p;
}

static int tell(const struct ebpfnet_egress_info *info, void *userdata)
{
	struct told *t = userdata;
	char text[EBPFNET_ADDR_STRLEN], *p, *end;

	ck_assert_uint_lt(t->n, LISTED);
	p = t->line[t->n];
	end = p + sizeof(t->line[0]);
	t->number[t->n] = info->number;
	t->n_endpoints[t->n] = info->n_endpoints;
	t->flags[t->n] = info->flags;
	p = test_put(p, end, "%s (%s) ", info->name, info->endpoints ? info->endpoints : "none");
	p = put_prefixes(p, end, info->to, info->n_to);
	p = test_put(p, end, "%s", info->n_except ? " but " : "");
	p = put_prefixes(p, end, info->except, info->n_except);
	p = test_put(p, end, " by %s", info->node ? info->node : "here");
	if (ebpfnet_addr_family(&info->addr4)) {
		ck_assert_int_gt(ebpfnet_addr_format(&info->addr4, text, sizeof(text)), 0);
		p = test_put(p, end, " %s", text);
	}
	if (ebpfnet_addr_family(&info->addr6)) {
		ck_assert_int_gt(ebpfnet_addr_format(&info->addr6, text, sizeof(text)), 0);
		p = test_put(p, end, " %s", text);
	}
	if (info->port_min | info->port_max)
		test_put(p, end, " %u-%u", info->port_min, info->port_max);
	t->n++;
	return 0;
}

struct told ask(struct ebpfnet_datapath *d)
{
	struct told t = { .n = 0 };

	ck_assert_int_eq(ebpfnet_egress_foreach(d, tell, &t), 0);
	return t;
}

void is(const char *const *lines, uint32_t n)
{
	struct ebpfnet_datapath *const both[] = { dp, looker };
	struct told t;
	uint32_t i, k;

	for (k = 0; k < 2; k++) {
		t = ask(both[k]);
		ck_assert_uint_eq(t.n, n);
		for (i = 0; i < n; i++)
			ck_assert_str_eq(t.line[i], lines[i]);
	}
}

uint64_t generation(void)
{
	return ebn_node_hdr(dp->node)->root;
}

uint32_t switches(void)
{
	return ebn_node_hdr(dp->node)->flags & (EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY);
}

/* The last failure said why. */
bool said(const char *words)
{
	char text[300] = "";

	ebpfnet_diag_format(diag, text, sizeof(text));
	if (!strstr(text, words))
		printf("# not \"%s\" but \"%s\"\n", words, text);
	return strstr(text, words) != NULL;
}

void endpoint(const char *ep_name, const char *device, const char *labels, const char *addr4)
{
	struct ebpfnet_endpoint_opts o = { EBPFNET_OPTS_INIT(o), .name = ep_name, .device = device,
					   .mac = { { 2, 0, 0, 0, 0, 1 } }, .addr4 = addr(addr4), .diag = diag };
	struct ebpfnet_labels *l = NULL;

	if (labels)
		ck_assert_int_eq(ebpfnet_labels_parse(labels, NULL, NULL, &l), 0);
	o.labels = l;
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &o, NULL), 0);
	ebpfnet_labels_unref(l);
}

const struct say four[] = {
	{ .name = "partner", .endpoints = "app in (a,b),!x", .to = "203.0.113.0/24 2001:db8:f::/48 198.51.100.7",
	  .except = "203.0.113.128/25 203.0.113.9 2001:db8:f:1::/64", .node = "n2" },
	{ .name = "Here/v1.0_x", .endpoints = "", .to = "0.0.0.0/0", .addr4 = "192.0.2.1", .port_min = 2000, .port_max = 2100 },
	{ .name = "both", .to = "::/0 ::/1 8000::/1", .addr4 = "192.0.2.77", .addr6 = "2001:db8::77", .port_min = 1, .port_max = 65535 },
	{ .name = "-", .endpoints = "app=a", .to = "0.0.0.0/0 ::/0", .node = "elsewhere" },
};
const char *const four_are[] = {
	"partner (app in (a,b),!x) 203.0.113.0/24 2001:db8:f::/48 198.51.100.7 but 203.0.113.128/25 203.0.113.9 2001:db8:f:1::/64 by n2",
	"Here/v1.0_x () 0.0.0.0/0 by here 192.0.2.1 2000-2100",
	"both (none) ::/0 ::/1 8000::/1 by here 192.0.2.77 2001:db8::77 1-65535",
	"- (app=a) 0.0.0.0/0 ::/0 by elsewhere",
};

int refuse(const struct ebpfnet_egress_info *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return -EXDEV;
}
