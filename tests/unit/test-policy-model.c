// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What each part of a policy means, asked of ebpfnet_policy_explain(). */
#include "suite.h"

#include "policy-arena.h"
#include "policy/model.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_policy_set *set;
static struct ebpfnet_diag *diag;

static void begin(void)
{
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebpfnet_policy_set_new(ctx, &set), 0);
}

static void end(void)
{
	ebpfnet_policy_set_free(set);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
}

/* A policy in short: one rule, ingress unless said otherwise. */
struct brief {
	const char *name, *subject;
	enum ebpfnet_verdict action;
	struct ebpfnet_policy_peer peer;	/* text NULL: none */
	struct ebpfnet_port_range port;		/* used when ports is set */
	bool ports, egress, open, audit;	/* open: no default deny */
	enum ebpfnet_policy_tier tier;
	uint32_t priority;
	const char *log, *l7;
	uint16_t proxy_port;
};

static int add(struct brief b)
{
	bool deny = b.tier == EBPFNET_TIER_NORMAL && !b.open;
	struct ebpfnet_policy_rule r = {
		EBPFNET_OPTS_INIT(r), .direction = b.egress ? EBPFNET_EGRESS : EBPFNET_INGRESS, .action = b.action,
		.peers = &b.peer, .n_peers = b.peer.text != NULL, .ports = &b.port, .n_ports = b.ports, .log = b.log,
		.l7 = b.l7, .proxy_port = b.proxy_port,
	};
	struct ebpfnet_policy_opts o = {
		EBPFNET_OPTS_INIT(o), .name = b.name, .subject = b.subject, .audit = b.audit, .tier = b.tier,
		.priority = b.priority, .default_deny_ingress = deny && !b.egress,
		.default_deny_egress = deny && b.egress, .diag = diag,
	};

	return ebpfnet_policy_set_add(set, &o, &r, 1);
}

static void must(struct brief b)
{
	ck_assert_int_eq(add(b), 0);
}

/* A question in short: TCP to 80, from "app=web" of subject "app=api". */
struct asked {
	const char *subject, *peer, *addr, *name;
	bool egress, nobody;
	uint8_t proto, code;
	uint16_t port;
};

static void query_of(const struct asked *a, struct ebpfnet_policy_query *q, struct ebpfnet_labels *l[2],
		     struct ebpfnet_addr *addr)
{
	*q = (struct ebpfnet_policy_query){
		EBPFNET_OPTS_INIT(*q), .direction = a->egress ? EBPFNET_EGRESS : EBPFNET_INGRESS,
		.protocol = a->proto ? a->proto : 6, .code = a->code, .port = a->proto || a->port ? a->port : 80,
		.peer_names = a->name ? &a->name : NULL, .n_peer_names = a->name != NULL,
	};
	ck_assert_int_eq(ebpfnet_labels_parse(a->subject ? a->subject : "app=api", NULL, NULL, &l[0]), 0);
	q->subject = l[0];
	if (!a->nobody && (a->peer || !a->addr)) {
		ck_assert_int_eq(ebpfnet_labels_parse(a->peer ? a->peer : "app=web", NULL, NULL, &l[1]), 0);
		q->peer = l[1];
	}
	if (a->addr) {
		ck_assert_int_eq(ebpfnet_addr_parse(a->addr, addr), 0);
		q->peer_addr = addr;
	}
}

static const char *ask(struct asked a)
{
	static const char *const verdicts[] = { "deny", "allow", "redirect", "audit", "auth" };
	static char text[EBPFNET_POLICY_RULE_NAME_MAX + 16];
	struct ebpfnet_labels *l[2] = { NULL, NULL };
	struct ebpfnet_policy_answer answer;
	struct ebpfnet_policy_query q;
	struct ebpfnet_addr addr;

	query_of(&a, &q, l, &addr);
	ck_assert_int_eq(ebpfnet_policy_explain(set, &q, &answer), 0);
	snprintf(text, sizeof(text), "%s %s", verdicts[answer.verdict], answer.name);
	ebpfnet_labels_unref(l[0]);
	ebpfnet_labels_unref(l[1]);
	return text;
}

#define IS(want, ...) ck_assert_str_eq(ask((struct asked){ __VA_ARGS__ }), want)
#define POLICY(n, s, a, ...) (struct brief){ .name = n, .subject = s, .action = a, __VA_ARGS__ }
#define ALLOW EBPFNET_VERDICT_ALLOW
#define DENY EBPFNET_VERDICT_DENY
#define PASS EBPFNET_VERDICT_PASS
#define PEER(k, t, ...) .peer = { .kind = EBPFNET_PEER_##k, .text = t, __VA_ARGS__ }

START_TEST(nets)
{
	static const char *const bad[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/08", "10.0.0/8",
					   "fd00::1/64", "fd00::/129", "::ffff:10.0.0.0/104", "10.0.0.0/8 ", "x" };
	static const char *const good[][3] = {
		{ "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8" }, { "192.0.2.1", "192.0.2.1/32", "192.0.2.1/32" },
		{ "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0" }, { "::/0", "::/0", "0--0/0" },
		{ "fd00::/8", "fd00::/8", "fd00--0/8" }, { "::1", "::1/128", "0--1/128" },
		{ "2001:db8::1/128", "2001:db8::1/128", "2001-db8--1/128" },
	};
	struct ebn_net a, b, c;
	char text[EBN_NET_LABEL_LEN];

	for (size_t i = 0; i < EBN_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(ebn_net_parse(bad[i], &a), -EINVAL);
	for (size_t i = 0; i < EBN_ARRAY_SIZE(good); i++) {
		ck_assert_int_eq(ebn_net_parse(good[i][0], &a), 0);
		ebn_net_format(&a, text);
		ck_assert_str_eq(text, good[i][1]);
		ebn_net_label(&a, text);
		ck_assert_str_eq(text, good[i][2]);
	}
	ebn_net_parse("10.0.0.0/8", &a);
	ebn_net_parse("10.128.0.0/9", &b);
	ebn_net_parse("::/0", &c);
	ck_assert(ebn_net_covers(&a, &b) && ebn_net_covers(&a, &a));
	ck_assert(!ebn_net_covers(&b, &a) && !ebn_net_covers(&c, &a));
	ck_assert(ebn_net_cmp(&a, &b) < 0 && ebn_net_cmp(&b, &c) < 0 && !ebn_net_cmp(&a, &a));
}
END_TEST

START_TEST(names)
{
	ck_assert(ebn_fqdn_match("a.example", "A.EXAMPLE."));
	ck_assert(!ebn_fqdn_match("a.example", "b.example") && !ebn_fqdn_match("a.example", "a.example.org"));
	ck_assert(ebn_fqdn_match("*", "any.thing.at.all") && ebn_fqdn_match("*.example", "a.example"));
	ck_assert(!ebn_fqdn_match("*.example", "a.b.example") && !ebn_fqdn_match("*.example", "example"));
	ck_assert(ebn_fqdn_match("a*c*e.example", "abcde.example") && !ebn_fqdn_match("a*c*e.example", "abde.example"));
	ck_assert(ebn_fqdn_match("**.example", "a.b.example") && ebn_fqdn_match("**.example", "a.example"));
	ck_assert(!ebn_fqdn_match("**.example", "example") && !ebn_fqdn_match("a.example", ""));
}
END_TEST

START_TEST(entities)
{
	begin();
	must(POLICY("w", "app=api", ALLOW, PEER(ENTITY, "world")));
	must(POLICY("c", "app=db", ALLOW, PEER(ENTITY, "cluster")));
	must(POLICY("n", "app=x", ALLOW, PEER(ENTITY, "none")));
	must(POLICY("a", "app=y", ALLOW, PEER(ENTITY, "all")));
	must(POLICY("h", "app=z", ALLOW, PEER(ENTITY, "host")));
	must(POLICY("4", "app=4", ALLOW, PEER(ENTITY, "world-ipv4")));
	ck_assert_int_eq(add(POLICY("bad", "", ALLOW, PEER(ENTITY, "worlds"))), -EINVAL);
	IS("allow w#1", .nobody = true);
	IS("allow w#1", .addr = "192.0.2.1");
	IS("deny default deny", .peer = "app=web");
	IS("allow c#1", .subject = "app=db");
	IS("allow c#1", .subject = "app=db", .peer = "reserved:host");
	IS("deny default deny", .subject = "app=db", .nobody = true);
	IS("deny default deny", .subject = "app=x");
	IS("allow a#1", .subject = "app=y");
	IS("allow h#1", .subject = "app=z", .peer = "reserved:host");
	IS("deny default deny", .subject = "app=z");
	IS("allow 4#1", .subject = "app=4", .addr = "192.0.2.1");
	IS("deny default deny", .subject = "app=4", .addr = "2001:db8::1");
	end();
}
END_TEST

START_TEST(prefixes)
{
	static const char *const but[] = { "10.1.0.0/16", "10.2.0.1" }, *const outside[] = { "11.0.0.0/16" };

	begin();
	must(POLICY("p", "app=api", ALLOW, PEER(CIDR, "10.0.0.0/8", .except = but, .n_except = 2)));
	must(POLICY("e", "app=db", ALLOW, PEER(CIDR, "10.0.0.0/8", .flags = EBPFNET_PEER_F_ENDPOINTS)));
	ck_assert_int_eq(add(POLICY("b", "", ALLOW, PEER(CIDR, "10.0.0.1/8"))), -EINVAL);
	ck_assert_int_eq(add(POLICY("b", "", ALLOW, PEER(CIDR, "10.0.0.0/8", .except = outside, .n_except = 1))),
			 -EINVAL);
	ck_assert_int_eq(add(POLICY("b", "", ALLOW, PEER(SELECTOR, "a", .except = but, .n_except = 1))), -EINVAL);
	ck_assert_int_eq(add(POLICY("b", "", ALLOW, PEER(SELECTOR, "a", .flags = 1))), -EINVAL);
	IS("allow p#1", .addr = "10.3.0.1");
	IS("deny default deny", .addr = "10.1.2.3");
	IS("deny default deny", .addr = "10.2.0.1");
	IS("allow p#1", .addr = "10.2.0.2");
	IS("deny default deny", .addr = "11.0.0.1");
	/* an endpoint's address counts only where the peer says so */
	IS("deny default deny", .addr = "10.3.0.1", .peer = "app=web");
	IS("allow p#1", .addr = "10.3.0.1", .peer = "reserved:world,x=y");
	IS("allow e#1", .subject = "app=db", .addr = "10.3.0.1", .peer = "app=web");
	end();
}
END_TEST

START_TEST(groups)
{
	static const char *const list[] = { "192.0.2.0/24", "10.0.0.0/8" }, *const but[] = { "10.1.0.0/16" }, *const x[] = { "x" };
	struct ebpfnet_policy_group g = {
		EBPFNET_OPTS_INIT(g), .kind = EBPFNET_PEER_CIDR_GROUP, .name = "office", .labels = "site=a", .prefixes = list,
		.n_prefixes = 2, .diag = diag,
	};

	begin();
	must(POLICY("g", "app=api", ALLOW, PEER(CIDR_GROUP, "office", .except = but, .n_except = 1)));
	must(POLICY("l", "app=db", ALLOW, PEER(CIDR_GROUP, "site=a", .flags = EBPFNET_PEER_F_LABELS)));
	must(POLICY("s", "app=x", ALLOW, PEER(SERVICE, "demo/web")));
	IS("deny default deny", .addr = "10.3.0.1");
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), 0);
	IS("allow g#1", .addr = "10.3.0.1");
	IS("deny default deny", .addr = "10.1.0.1");
	IS("allow l#1", .subject = "app=db", .addr = "192.0.2.7");
	g.n_prefixes = 1;
	g.labels = "site=b";
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), 0);
	IS("deny default deny", .addr = "10.3.0.1");
	IS("deny default deny", .subject = "app=db", .addr = "192.0.2.7");
	g.kind = EBPFNET_PEER_SERVICE;
	g.name = "demo/web";
	g.selector = "app=web";
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), 0);
	IS("allow s#1", .subject = "app=x");
	IS("allow s#1", .subject = "app=x", .addr = "192.0.2.9");
	IS("deny default deny", .subject = "app=x", .peer = "app=other");
	ck_assert_int_eq(ebpfnet_policy_set_ungroup(set, EBPFNET_PEER_CIDR_GROUP, "demo/web"), -ENOENT);
	ck_assert_int_eq(ebpfnet_policy_set_ungroup(set, EBPFNET_PEER_CIDR_GROUP, "office"), 0);
	IS("allow s#1", .subject = "app=x");
	ck_assert_int_eq(ebpfnet_policy_set_ungroup(set, EBPFNET_PEER_SERVICE, "demo/web"), 0);
	IS("deny default deny", .subject = "app=x");
	g.name = "a b";
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), -EINVAL);
	g.name = "ok";
	g.kind = EBPFNET_PEER_FQDN;
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), -EINVAL);
	g.kind = EBPFNET_PEER_CIDR_GROUP;
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), -EINVAL);
	g.selector = NULL;
	g.prefixes = x;
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), -EINVAL);
	end();
}
END_TEST

START_TEST(dns_names)
{
	static const char *const bad[] = { "", ".", ".a", "a..b", "a b", "a/b" };

	begin();
	must(POLICY("f", "app=api", ALLOW, PEER(FQDN, "*.Example."), .egress = true));
	for (size_t i = 0; i < EBN_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(add(POLICY("b", "", ALLOW, PEER(FQDN, bad[i]))), -EINVAL);
	IS("allow f#1", .egress = true, .addr = "192.0.2.1", .name = "www.example");
	IS("deny default deny", .egress = true, .addr = "192.0.2.1", .name = "example");
	IS("deny default deny", .egress = true, .addr = "192.0.2.1");
	end();
}
END_TEST

START_TEST(ports)
{
	static const struct ebpfnet_port_range bad[] = {
		{ .protocol = 1, .first = 3, .last = 4, .flags = EBPFNET_PORT_F_CODE },
		{ .protocol = 6, .flags = EBPFNET_PORT_F_CODE }, { .protocol = 6, .flags = 4 },
		{ .protocol = 6, .reserved = 1 }, { .protocol = 6, .first = 1, .last = 1, .name = "x" },
		{ .protocol = 1, .name = "x" }, { .protocol = 47, .name = "x" }, { .protocol = 6, .name = "a/b" },
		{ .protocol = 6, .name = "" },
	};

	begin();
	must(POLICY("c", "app=api", ALLOW, .ports = true, .port = { 1, EBPFNET_PORT_F_CODE, 3, 3, .code = 4 }));
	must(POLICY("t", "app=t", ALLOW, .ports = true, .port = { 58, .first = 1, .last = 4 }));
	must(POLICY("z", "app=z", ALLOW, .ports = true, .port = { 1, .flags = EBPFNET_PORT_F_EXACT }));
	must(POLICY("any", "app=any", ALLOW, .ports = true, .port = { 0, .first = 53, .last = 53 }));
	must(POLICY("in", "app=in", ALLOW, .ports = true, .port = { 6, .name = "http" }));
	must(POLICY("out", "app=out", ALLOW, .ports = true, .egress = true, .port = { 0, .name = "dns" }));
	for (size_t i = 0; i < EBN_ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(add(POLICY("b", "", ALLOW, .ports = true, .port = bad[i])), -EINVAL);
	IS("allow c#1", .proto = 1, .port = 3, .code = 4);
	IS("deny default deny", .proto = 1, .port = 3, .code = 3);
	IS("allow t#1", .subject = "app=t", .proto = 58, .port = 4, .code = 9);
	IS("deny default deny", .subject = "app=t", .proto = 58, .port = 128);
	IS("allow z#1", .subject = "app=z", .proto = 1, .port = 0, .code = 1);
	IS("deny default deny", .subject = "app=z", .proto = 1, .port = 8);
	IS("allow any#1", .subject = "app=any", .proto = 132, .port = 53);
	IS("deny default deny", .subject = "app=any", .proto = 1, .port = 53);
	/* a name is the subject's own on the way in, the peer's on the way out */
	IS("deny default deny", .subject = "app=in", .peer = "port:http/tcp=80");
	IS("allow in#1", .subject = "app=in,port:http/tcp=80");
	IS("deny default deny", .subject = "app=in,port:http/udp=80,port:http/tcp=8080");
	IS("allow out#1", .subject = "app=out", .egress = true, .peer = "port:dns/udp=53", .proto = 17, .port = 53);
	IS("deny default deny", .subject = "app=out,port:dns/udp=53", .egress = true, .proto = 17, .port = 53);
	IS("deny default deny", .subject = "app=out", .egress = true, .peer = "port:dns/udp=53x", .proto = 17, .port = 53);
	end();
}
END_TEST

START_TEST(tiers)
{
	begin();
	must(POLICY("np", "app=api", ALLOW, PEER(SELECTOR, "app=web")));
	must(POLICY("b", "", DENY, .tier = EBPFNET_TIER_BASELINE));
	IS("allow np#1", );
	IS("deny default deny", .peer = "app=x");
	IS("deny b#1", .subject = "app=other");
	must(POLICY("b0", "app=other", PASS, PEER(SELECTOR, "app=p"), .tier = EBPFNET_TIER_BASELINE));
	must(POLICY("b1", "app=other", ALLOW, PEER(SELECTOR, "app=web"), .tier = EBPFNET_TIER_BASELINE));
	/* of equal priority the policies' names decide, not who came first */
	IS("deny b#1", .subject = "app=other");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "b"), 0);
	must(POLICY("b", "", DENY, .tier = EBPFNET_TIER_BASELINE, .priority = 7));
	IS("allow b1#1", .subject = "app=other");
	IS("allow default allow", .subject = "app=other", .peer = "app=p");
	must(POLICY("a", "", DENY, PEER(SELECTOR, "app=web"), .tier = EBPFNET_TIER_ADMIN, .priority = 10));
	IS("deny a#1", );
	must(POLICY("z", "", PASS, PEER(SELECTOR, "app=web"), .tier = EBPFNET_TIER_ADMIN, .priority = 9));
	IS("allow np#1", );
	must(POLICY("y", "", ALLOW, PEER(SELECTOR, "app=x"), .tier = EBPFNET_TIER_ADMIN, .priority = 1000));
	IS("allow y#1", .peer = "app=x");
	ck_assert_int_eq(add(POLICY("q", "", ALLOW, .tier = EBPFNET_TIER_ADMIN, .priority = 1001)), -EINVAL);
	ck_assert_int_eq(add(POLICY("q", "", ALLOW, .priority = 1)), -EINVAL);
	ck_assert_int_eq(add(POLICY("q", "", PASS)), -EINVAL);
	ck_assert_int_eq(add(POLICY("q", "", ALLOW, .tier = (enum ebpfnet_policy_tier)3)), -EINVAL);
	end();
}
END_TEST

START_TEST(strength_and_audit)
{
	static char big[EBN_RULE_LOG_MAX + 2];

	begin();
	must(POLICY("allow", "app=api", ALLOW));
	must(POLICY("l7", "app=api", EBPFNET_VERDICT_REDIRECT, PEER(SELECTOR, "app in (web,a,d)"), .l7 = "[]",
			     .proxy_port = 9000));
	must(POLICY("auth", "app=api", EBPFNET_VERDICT_AUTH, PEER(SELECTOR, "app in (a,d)")));
	must(POLICY("deny", "app=api", DENY, PEER(SELECTOR, "app=d")));
	IS("allow allow#1", .peer = "app=x");
	IS("redirect l7#1", );
	IS("auth auth#1", .peer = "app=a");
	IS("deny deny#1", .peer = "app=d");
	/* a policy in audit opens nothing */
	must(POLICY("t1", "app=api", DENY, PEER(SELECTOR, "app in (x,web)"), .audit = true));
	IS("audit t1#1", .peer = "app=x");
	IS("redirect l7#1", );
	IS("deny deny#1", .peer = "app=d");
	must(POLICY("t2", "app=db", DENY, PEER(SELECTOR, "app=web"), .audit = true));
	IS("audit t2#1", .subject = "app=db");
	IS("audit default deny", .subject = "app=db", .peer = "app=y");
	must(POLICY("db", "app=db", ALLOW, PEER(SELECTOR, "app=z")));
	IS("deny default deny", .subject = "app=db");
	end();
	begin();
	must(POLICY("p", "app=api", EBPFNET_VERDICT_REDIRECT, .audit = true));
	IS("audit p#1", );
	ck_assert_int_eq(add(POLICY("q", "", ALLOW, .l7 = "[]")), -EINVAL);
	ck_assert_int_eq(add(POLICY("q", "", ALLOW, .proxy_port = 1)), -EINVAL);
	memset(big, 'x', sizeof(big) - 1);
	ck_assert_int_eq(add(POLICY("q", "", ALLOW, .log = big)), -E2BIG);
	end();
}
END_TEST

static int see(const struct ebpfnet_policy_match *m, void *arg)
{
	static const char *const reasons[] = { "decides", "matches", "subject", "peer", "port" };
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 512 - len, "%s#%u %s%s%s;", m->policy, m->index, reasons[m->reason], m->log ? " " : "",
		 m->log ? m->log : "");
	return !strcmp(m->policy, "stop");
}

START_TEST(reasons)
{
	struct ebpfnet_labels *l[2] = { NULL, NULL };
	struct ebpfnet_policy_query q;
	struct ebpfnet_addr addr;
	char text[512] = "";

	begin();
	must(POLICY("miss", "app=other", ALLOW, PEER(SELECTOR, "app=other")));
	must(POLICY("subject", "app=other", ALLOW));
	must(POLICY("peer", "app=api", ALLOW, PEER(SELECTOR, "app=other")));
	must(POLICY("port", "app=api", DENY, .ports = true, .port = { 6, .first = 81, .last = 81 }));
	must(POLICY("first", "app=api", ALLOW, .log = "why"));
	must(POLICY("second", "app=api", ALLOW));
	must(POLICY("out", "app=api", ALLOW, .egress = true));
	must(POLICY("admin", "app=api", PASS, .tier = EBPFNET_TIER_ADMIN));
	query_of(&(struct asked){ 0 }, &q, l, &addr);
	ck_assert_int_eq(ebpfnet_policy_explain_rules(set, &q, see, text), 0);
	ck_assert_str_eq(text, "admin#1 matches;subject#1 subject;peer#1 peer;port#1 port;first#1 decides why;second#1 matches;");
	must(POLICY("stop", "app=api", DENY, .tier = EBPFNET_TIER_ADMIN, .priority = 1));
	*text = '\0';
	ck_assert_int_eq(ebpfnet_policy_explain_rules(set, &q, see, text), 1);
	ck_assert_str_eq(text, "admin#1 matches;stop#1 matches;");
	q.code = 1;
	ck_assert_int_eq(ebpfnet_policy_explain_rules(set, &q, see, text), -EINVAL);
	q.sz = 0;
	ck_assert_int_eq(ebpfnet_policy_explain_rules(set, &q, see, text), -EINVAL);
	ebpfnet_labels_unref(l[0]);
	ebpfnet_labels_unref(l[1]);
	end();
}
END_TEST

RUN_SUITE("policy model", nets, names, entities, prefixes, groups, dns_names, ports, tiers, strength_and_audit, reasons)
