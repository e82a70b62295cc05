// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "suite.h"

#include <errno.h>
#include <string.h>

#include <ebpfnet/policy.h>

#include "policy-malformed.h"

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_policy_set *set;
static struct ebpfnet_diag *diag;

static void begin(void)
{
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	ck_assert_int_eq(ebpfnet_policy_set_new(ctx, &set), 0);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
}

static void end(void)
{
	ebpfnet_policy_set_free(set);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
}

static int parse(const char *text)
{
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .path = "file.yaml", .diag = diag };

	return ebpfnet_policy_set_parse(set, text, strlen(text), &opts);
}

/* Verdict and rule by the set's own words: "1 default/a#1". */
static const char *ask(const char *subject, const char *peer, enum ebpfnet_direction dir, uint8_t proto, uint16_t port)
{
	static char text[600];
	struct ebpfnet_labels *s = NULL, *p = NULL;
	struct ebpfnet_policy_answer a;
	struct ebpfnet_policy_query q = { EBPFNET_OPTS_INIT(q), .direction = dir, .protocol = proto, .port = port };

	ck_assert_int_eq(ebpfnet_labels_parse(subject, NULL, NULL, &s), 0);
	if (peer)
		ck_assert_int_eq(ebpfnet_labels_parse(peer, NULL, NULL, &p), 0);
	q.subject = s;
	q.peer = p;
	ck_assert_int_eq(ebpfnet_policy_explain(set, &q, &a), 0);
	snprintf(text, sizeof(text), "%d %s", (int)a.verdict, a.name);
	ebpfnet_labels_unref(s);
	ebpfnet_labels_unref(p);
	return text;
}

#define NS "io.kubernetes.pod.namespace="
#define IN EBPFNET_INGRESS
#define OUT EBPFNET_EGRESS

START_TEST(malformed_documents_name_their_line)
{
	struct ebpfnet_diag_message m;
	size_t n = sizeof(malformed) / sizeof(malformed[0]);

	begin();
	ck_assert_uint_ge(n, 100);
	for (size_t i = 0; i < n; i++) {
		int err = parse(malformed[i].text);

		ck_assert_msg(err == -malformed[i].err, "%zu: %d\n%s", i, err, malformed[i].text);
		ck_assert_msg(ebpfnet_diag_count(diag) == 1, "%zu: %zu messages\n%s", i, ebpfnet_diag_count(diag),
			      malformed[i].text);
		ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
		ck_assert_msg(m.line == malformed[i].line && strstr(m.text, malformed[i].words),
			      "%zu: line %u \"%s\", wanted line %u \"%s\"\n%s", i, m.line, m.text, malformed[i].line,
			      malformed[i].words, malformed[i].text);
		ck_assert_int_eq(m.error, malformed[i].err);
		if (malformed[i].line) {
			ck_assert_str_eq(m.path, "file.yaml");
			ck_assert_uint_ge(m.column, 1);
		}
		ck_assert_uint_eq(ebpfnet_policy_set_count(set), 0);
		ebpfnet_diag_clear(diag);
	}
	end();
}
END_TEST

START_TEST(peers_and_ports)
{
	begin();
	ck_assert_int_eq(parse(META "  namespace: shop\n"
			       "spec:\n  podSelector: {matchLabels: {app: api}}\n"
			       "  ingress:\n"
			       "  - from:\n"
			       "    - podSelector: {matchLabels: {app: web}}\n"
			       "    - namespaceSelector: {matchLabels: {team: ops}}\n"
			       "      podSelector: {matchExpressions: [{key: role, operator: In, values: [a, b]}]}\n"
			       "    ports: [{port: 80}, {protocol: UDP, port: 53, endPort: 60}]\n"
			       "  - from: [{namespaceSelector: {}}]\n"
			       "    ports: [{protocol: SCTP}]\n"), 1);
	ck_assert_str_eq(ebpfnet_policy_set_name(set, 0), "shop/a");
#define API "app=api," NS "shop"
	ck_assert_str_eq(ask(API, "app=web," NS "shop", IN, 6, 80), "1 shop/a#1");
	ck_assert_str_eq(ask(API, "app=web," NS "shop", IN, 17, 60), "1 shop/a#1");
	ck_assert_str_eq(ask(API, "app=web," NS "shop", IN, 17, 61), "0 default deny");
	ck_assert_str_eq(ask(API, "app=web," NS "shop", IN, 17, 80), "0 default deny");
	ck_assert_str_eq(ask(API, "app=web," NS "other", IN, 6, 80), "0 default deny");
#define TEAM ",io.cilium.k8s.namespace.labels.team=ops"
	ck_assert_str_eq(ask(API, "role=b," NS "other" TEAM, IN, 6, 80), "1 shop/a#1");
	ck_assert_str_eq(ask(API, "role=c," NS "other" TEAM, IN, 6, 80), "0 default deny");
	ck_assert_str_eq(ask(API, "role=b," NS "other", IN, 6, 80), "0 default deny");
	ck_assert_str_eq(ask(API, NS "anywhere", IN, 132, 7), "1 shop/a#2");
	/* the world has no namespace */
	ck_assert_str_eq(ask(API, NULL, IN, 132, 7), "0 default deny");
	/* another pod, another namespace, the other direction */
	ck_assert_str_eq(ask("app=web," NS "shop", NULL, IN, 6, 80), "1 default allow");
	ck_assert_str_eq(ask("app=api," NS "other", NULL, IN, 6, 80), "1 default allow");
	ck_assert_str_eq(ask(API, NULL, OUT, 6, 80), "1 default allow");
	/* labels of another source are not Kubernetes' */
	ck_assert_str_eq(ask(API, "other:app=web," NS "shop", IN, 6, 80), "0 default deny");
	end();
}
END_TEST

START_TEST(empty_and_absent)
{
	begin();
	/* from absent or empty: everybody; ports absent or empty: every port */
	ck_assert_int_eq(parse(SPEC "  ingress: [{}]\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, IN, 6, 1), "1 default/a#1");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	ck_assert_int_eq(parse(SPEC "  ingress: [{from: [], ports: []}]\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, IN, 47, 0), "1 default/a#1");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	ck_assert_int_eq(parse(SPEC "  ingress: [{from: null, ports: ~}]\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, IN, 1, 8), "1 default/a#1");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	/* an empty podSelector is all pods of the policy's namespace */
	ck_assert_int_eq(parse(SPEC "  ingress: [{from: [{podSelector: {}}]}]\n"), 1);
	ck_assert_str_eq(ask(NS "default", "x=y," NS "default", IN, 6, 1), "1 default/a#1");
	ck_assert_str_eq(ask(NS "default", "x=y," NS "else", IN, 6, 1), "0 default deny");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	/* no rules: nothing comes in */
	ck_assert_int_eq(parse(SPEC), 1);
	ck_assert_str_eq(ask(NS "default", NS "default", IN, 6, 1), "0 default deny");
	ck_assert_str_eq(ask(NS "default", NS "default", OUT, 6, 1), "1 default allow");
	end();
}
END_TEST

START_TEST(policy_types)
{
	begin();
	ck_assert_int_eq(parse(SPEC "  egress: [{ports: [{port: 80}]}]\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, OUT, 6, 81), "0 default deny");
	ck_assert_str_eq(ask(NS "default", NULL, OUT, 6, 80), "1 default/a#1");
	ck_assert_str_eq(ask(NS "default", NULL, IN, 6, 80), "0 default deny");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	/* an empty egress section alone does not make it about egress */
	ck_assert_int_eq(parse(SPEC "  egress: []\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, OUT, 6, 81), "1 default allow");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	ck_assert_int_eq(parse(SPEC "  policyTypes: [Egress]\n  ingress: [{}]\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, OUT, 6, 81), "0 default deny");
	/* rules of a direction the policy is not about allow nothing either */
	ck_assert_str_eq(ask(NS "default", NULL, IN, 6, 81), "1 default allow");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	ck_assert_int_eq(parse(SPEC "  policyTypes: [Ingress, Egress, Egress]\n"), 1);
	ck_assert_str_eq(ask(NS "default", NULL, IN, 6, 81), "0 default deny");
	ck_assert_str_eq(ask(NS "default", NULL, OUT, 6, 81), "0 default deny");
	end();
}
END_TEST

START_TEST(expressions)
{
	begin();
	ck_assert_int_eq(parse(META "spec:\n  podSelector:\n    matchExpressions:\n"
			       "    - {key: a.b/app, operator: NotIn, values: [x, 'y']}\n"
			       "    - {key: tier, operator: Exists}\n"
			       "    - {key: old, operator: DoesNotExist}\n"
			       "    matchLabels: {env: '', v: 1.2.3}\n"), 1);
#define POD "env,v=1.2.3," NS "default,"
	ck_assert_str_eq(ask(POD "tier=1", NULL, IN, 6, 1), "0 default deny");
	ck_assert_str_eq(ask(POD "tier=1,a.b/app=z", NULL, IN, 6, 1), "0 default deny");
	ck_assert_str_eq(ask(POD "tier=1,a.b/app=x", NULL, IN, 6, 1), "1 default allow");
	ck_assert_str_eq(ask(POD "tier=1,a.b/app=y", NULL, IN, 6, 1), "1 default allow");
	ck_assert_str_eq(ask(POD "a=b", NULL, IN, 6, 1), "1 default allow");
	ck_assert_str_eq(ask(POD "tier=1,old", NULL, IN, 6, 1), "1 default allow");
	end();
}
END_TEST

START_TEST(many_documents)
{
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .first_line = 100, .diag = diag };
	struct ebpfnet_diag_message m;
	const char *bad = "---\n" SPEC "---\nkind: Pod\n";

	begin();
	ck_assert_int_eq(parse(""), 0);
	ck_assert_int_eq(parse("# nothing\n---\n---\n~\n"), 0);
	ck_assert_int_eq(parse("---\n" SPEC "---\n" HEAD "metadata: {name: b, namespace: n, labels: {x: y}, uid: 1}\n"
			       "spec: {podSelector: {}}\nstatus: {}\n...\n"), 2);
	ck_assert_str_eq(ebpfnet_policy_set_name(set, 1), "n/b");
	/* JSON, tabs and all */
	ck_assert_int_eq(parse("{\n\t\"apiVersion\": \"networking.k8s.io/v1\",\n\t\"kind\": \"NetworkPolicy\",\n"
			       "\t\"metadata\": {\"name\": \"j\"},\n\t\"spec\": {\"podSelector\": {\"matchLabels\": "
			       "{\"app\": \"1\"}}, \"ingress\": [{\"ports\": [{\"port\": 80}]}]}\n}\n"), 1);
	ck_assert_uint_eq(ebpfnet_policy_set_count(set), 3);
	/* all or nothing, and lines are the file's */
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "default/a"), 0);
	opts.diag = diag;
	ck_assert_int_eq(ebpfnet_policy_set_parse(set, bad, strlen(bad), &opts), -EINVAL);
	ck_assert_uint_eq(ebpfnet_policy_set_count(set), 2);
	ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
	ck_assert_uint_eq(m.line, 108);
	ck_assert_ptr_null(m.path);
	ck_assert_int_eq(ebpfnet_policy_set_parse(set, NULL, 1, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_policy_set_parse(NULL, "", 0, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_policy_set_parse(set, NULL, 0, NULL), 0);
	end();
}
END_TEST

START_TEST(too_large)
{
	size_t len = (4u << 20) + 1;
	char *text = malloc(len + 1);

	begin();
	ck_assert_ptr_nonnull(text);
	memset(text, '#', len);
	text[len] = '\0';
	ck_assert_int_eq(parse(text), -E2BIG);
	/* half a million values */
	memset(text, '[', 1);
	for (size_t i = 1; i < 1000000; i += 2)
		memcpy(text + i, "a,", 2);
	text[1000001] = '\0';
	ck_assert_int_eq(parse(text), -E2BIG);
	/* keys are compared with each other, so a map holds few */
	text[0] = '{';
	for (size_t i = 0, at = 1; i < 5000; i++)
		at += (size_t)snprintf(text + at, 32, "%06zu: a,", i);
	ck_assert_int_eq(parse(text), -E2BIG);
	free(text);
	end();
}
END_TEST

RUN_SUITE("policy documents", malformed_documents_name_their_line, peers_and_ports, empty_and_absent, policy_types,
	  expressions, many_documents, too_large)
