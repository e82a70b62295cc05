// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Contexts are independent: threads that share nothing but the library do all that needs no kernel, each with objects of
 * its own, and every one gets the answers that it gets alone. The build with -fsanitize=thread sees what they share in
 * secret.
 */
#include <ebpfnet/ebpfnet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../unit/suite.h"
#include "../unit/policy-arena.h"

#define THREADS 4
#define TURNS 40

static const char policy[] =
	"apiVersion: networking.k8s.io/v1\n"
	"kind: NetworkPolicy\n"
	"metadata: {name: api, namespace: shop}\n"
	"spec:\n"
	"  podSelector: {matchLabels: {app: api}}\n"
	"  ingress:\n"
	"  - from: [{podSelector: {matchLabels: {app: web}}}]\n"
	"    ports: [{port: 80}]\n";

static const char pod[] = "k8s:io.kubernetes.pod.namespace=shop,k8s:app=";

struct thread {
	pthread_t id;
	const char *failed;
};

#define NEED(what)                                                                                                 \
	do {                                                                                                       \
		if (!(what))                                                                                       \
			return #what;                                                                              \
	} while (0)

static void on_log(void *lines, int level, const char *file, int line, const char *func, const char *text)
{
	(void)level, (void)file, (void)line, (void)func, (void)text;
	++*(unsigned int *)lines;
}

/* A policy parsed, asked, compiled into tables of the thread's own, and a wrong one refused. */
static const char *policies(struct arena *a, unsigned int turn)
{
	struct ebpfnet_policy_query q = {
		EBPFNET_OPTS_INIT(q), .direction = EBPFNET_INGRESS, .protocol = 6, .port = 80,
	};
	struct ebpfnet_policy_parse_opts po = { EBPFNET_OPTS_INIT(po), .path = "thread" };
	struct ebpfnet_labels *api = NULL, *peer = NULL;
	struct ebpfnet_policy_set *set = NULL;
	struct ebpfnet_policy_answer answer;
	struct ebpfnet_diag *diag = NULL;
	char text[128];

	NEED(ebpfnet_diag_new(&diag) == 0);
	po.diag = diag;
	NEED(ebpfnet_policy_set_new(a->ctx, &set) == 0);
	NEED(ebpfnet_policy_set_parse(set, policy, sizeof(policy) - 1, &po) == 1);
	NEED(ebpfnet_policy_set_parse(set, "kind: [", 7, &po) == -EINVAL && ebpfnet_diag_count(diag) == 1);
	snprintf(text, sizeof(text), "%sapi", pod);
	NEED(ebpfnet_labels_parse(text, NULL, NULL, &api) == 0);
	snprintf(text, sizeof(text), "%s%s", pod, turn % 2 ? "web" : "guest");
	NEED(ebpfnet_labels_parse(text, NULL, NULL, &peer) == 0);
	q.subject = api;
	q.peer = peer;
	NEED(ebpfnet_policy_explain(set, &q, &answer) == 0);
	NEED(answer.verdict == (turn % 2 ? EBPFNET_VERDICT_ALLOW : EBPFNET_VERDICT_DENY));
	NEED(ebn_policy_commit(a->policy, set, NULL) == 0);
	arena_grace(a);
	ebpfnet_labels_unref(peer);
	ebpfnet_labels_unref(api);
	ebpfnet_policy_set_free(set);
	ebpfnet_diag_free(diag);
	return NULL;
}

static const char *texts(unsigned int turn)
{
	struct ebpfnet_flow_filter *filter = NULL;
	struct ebpfnet_label_filter *lf = NULL;
	struct ebpfnet_selector *sel = NULL;
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_flow flow;
	struct ebpfnet_addr addr;
	char text[128], buf[4096];

	memset(&flow, 0, sizeof(flow));
	flow.event.type = EBPFNET_EVENT_DROP;
	flow.node = flow.src.labels = flow.dst.labels = "";
	snprintf(text, sizeof(text), "k8s:app=a%u,k8s:tier=front", turn);
	NEED(ebpfnet_labels_parse(text, NULL, NULL, &labels) == 0 && ebpfnet_labels_count(labels) == 2);
	snprintf(text, sizeof(text), "k8s:app in (x,a%u),!k8s:none", turn);
	NEED(ebpfnet_selector_parse(text, NULL, &sel) == 0 && ebpfnet_selector_match(sel, labels) == 1);
	NEED(ebpfnet_label_filter_parse("!k8s:tier", NULL, &lf) == 0);
	NEED(ebpfnet_flow_filter_parse("verdict=deny proto=tcp port=80", NULL, &filter) == 0);
	NEED(ebpfnet_flow_filter_match(filter, &flow) == 0);
	NEED(ebpfnet_flow_to_json(&flow, 0, buf, sizeof(buf)) > 0);
	NEED(ebpfnet_flow_to_text(&flow, buf, sizeof(buf)) > 0);
	NEED(ebpfnet_addr_parse("2001:db8::1", &addr) == 0);
	ebpfnet_flow_filter_free(filter);
	ebpfnet_label_filter_unref(lf);
	ebpfnet_selector_unref(sel);
	ebpfnet_labels_unref(labels);
	return NULL;
}

static const char *turns(void)
{
	unsigned int lines = 0, i;
	const char *failed;
	struct arena a;
	int f;

	NEED(arena_new(&a, 16 << 20) == 0);
	ebpfnet_ctx_set_log(a.ctx, on_log, &lines);
	for (i = 0; i < TURNS; i++) {
		failed = policies(&a, i);
		if (!failed)
			failed = texts(i);
		if (failed)
			return failed;
	}
	for (f = 0; ebpfnet_feature_name(f); f++)
		NEED(ebpfnet_feature_supported(a.ctx, f) >= -EPERM);
	arena_free(&a);
	return NULL;
}

static void *run(void *thread)
{
	((struct thread *)thread)->failed = turns();
	return NULL;
}

START_TEST(contexts_are_independent)
{
	struct thread t[THREADS];
	unsigned int i;

	memset(t, 0, sizeof(t));
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i].id, NULL, run, &t[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i].id, NULL);
		ck_assert_msg(!t[i].failed, "thread %u: %s", i, t[i].failed);
	}
}
END_TEST

RUN_SUITE("threads", contexts_are_independent)
