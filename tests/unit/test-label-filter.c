// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Which labels make an identity. */
#include <ebpfnet/cleanup.h>
#include <ebpfnet/labels.h>

#include "core/internal.h"
#include "suite.h"

EBPFNET_DEFINE_CLEANUP(ebpfnet_labels, ebpfnet_labels_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_label_filter, ebpfnet_label_filter_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)

static void expect(const char *rules, const char *labels, const char *want)
{
	EBPFNET_CLEANUP(ebpfnet_label_filter) struct ebpfnet_label_filter *f = NULL, *again = NULL;
	EBPFNET_CLEANUP(ebpfnet_labels) struct ebpfnet_labels *l = NULL, *out = NULL, *twice = NULL;

	ck_assert_int_eq(ebpfnet_label_filter_parse(rules, NULL, &f), 0);
	ck_assert_int_eq(ebpfnet_labels_parse(labels, NULL, NULL, &l), 0);
	ck_assert_int_eq(ebpfnet_label_filter_apply(f, l, &out), 0);
	ck_assert_msg(!strcmp(ebpfnet_labels_format(out), want), "\"%s\" of %s: %s, not %s", rules ? rules : "default",
		      labels, ebpfnet_labels_format(out), want);
	/* what passed passes again; the text of a filter says the same as the filter */
	ck_assert_int_eq(ebpfnet_label_filter_parse(ebpfnet_label_filter_format(f), NULL, &again), 0);
	ck_assert_str_eq(ebpfnet_label_filter_format(again), ebpfnet_label_filter_format(f));
	ck_assert_int_eq(ebpfnet_label_filter_apply(again, out, &twice), 0);
	ck_assert_ptr_eq(twice, out);
}

START_TEST(rules)
{
	expect("", "a=1,b=2", "k8s:a=1;k8s:b=2;");
	expect("!a", "a=1,ab=2", "k8s:ab=2;");
	expect("!a*", "a=1,ab=2,ba=3", "k8s:ba=3;");
	expect("!*", "a=1,b=2", "");
	expect("!*,a", "a=1,b=2,x:a=3", "k8s:a=1;x:a=3;");
	expect("!* k8s:a", "a=1,b=2,x:a=3", "k8s:a=1;");
	expect("!* any:a", "a=1,b=2,x:a=3", "k8s:a=1;x:a=3;");
	expect("!x:*", "a=1,x:a=3,x:b", "k8s:a=1;");
	/* more characters win, whatever the order; of equals the later */
	expect("app.v !app*", "app.v=1,app.w=2", "k8s:app.v=1;");
	expect("!app* app.v", "app.v=1,app.w=2", "k8s:app.v=1;");
	expect("!a* a*", "ab=1", "k8s:ab=1;");
	expect("a* !a*", "ab=1", "");
	/* anywhere in a key, more than once */
	expect("!*.io/*-hash", "x.io/pod-hash=1,x.io/pod=2,y.io/a-hash-b=3,.io/-hash=4",
	       "k8s:x.io/pod=2;k8s:y.io/a-hash-b=3;");
	expect("!a**b", "ab=1,axb=2,abc=3", "k8s:abc=3;");
	/* nothing makes the world somebody else */
	expect("!*", "reserved:world", "reserved:world;");
	expect("!reserved:*", "reserved:world", "reserved:world;");
	expect(" \n!a,\tb,", "a=1,b=2", "k8s:b=2;");
}
END_TEST

START_TEST(defaults)
{
	expect(NULL, "app=api,tier=web", "k8s:app=api;k8s:tier=web;");
	expect(NULL, "app=api,pod-template-hash=5d4,controller-revision-hash=7", "k8s:app=api;");
	expect(NULL, "app=api,batch.kubernetes.io/job-completion-index=3,statefulset.kubernetes.io/pod-name=db-0",
	       "k8s:app=api;");
	expect(NULL, "topology.kubernetes.io/zone=a,io.kubernetes.pod.uid=7", "");
	expect(NULL, "io.kubernetes.pod.namespace=demo,app.kubernetes.io/name=api,io.cilium.k8s.policy.cluster=one",
	       "k8s:app.kubernetes.io/name=api;k8s:io.cilium.k8s.policy.cluster=one;k8s:io.kubernetes.pod.namespace=demo;");
	expect(NULL, "io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=demo",
	       "k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name=demo;");
}
END_TEST

START_TEST(bad_filters_are_refused)
{
	static const char *const bad[] = { "!", "a=b", "a;b", "!!a", "a:b:c", ":a", "a(", "\x01", "a !" };
	struct ebpfnet_label_filter *f = NULL;
	struct ebpfnet_labels *l = NULL;
	char text[EBPFNET_LABEL_FILTER_RULES_MAX * 2 + 8], *p = text;
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(bad); i++) {
		EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;

		ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
		ck_assert_msg(ebpfnet_label_filter_parse(bad[i], diag, &f) == -EINVAL, "%s", bad[i]);
		ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
	}
	for (i = 0; i < EBPFNET_LABEL_FILTER_RULES_MAX; i++)
		p = test_put(p, text + sizeof(text), "a ");
	ck_assert_int_eq(ebpfnet_label_filter_parse(text, NULL, &f), 0);
	ck_assert_int_eq(ebpfnet_labels_parse("a", NULL, NULL, &l), 0);
	ck_assert_int_eq(ebpfnet_label_filter_apply(NULL, l, &l), -EINVAL);
	ck_assert_int_eq(ebpfnet_label_filter_apply(f, NULL, &l), -EINVAL);
	ck_assert_int_eq(ebpfnet_label_filter_apply(f, l, NULL), -EINVAL);
	ck_assert_ptr_eq(ebpfnet_label_filter_ref(f), f);
	ck_assert_ptr_null(ebpfnet_label_filter_unref(f));
	ck_assert_ptr_null(ebpfnet_label_filter_unref(f));
	ck_assert_ptr_null(ebpfnet_label_filter_unref(NULL));
	ck_assert_str_eq(ebpfnet_label_filter_format(NULL), "");
	test_put(p, text + sizeof(text), "a");
	f = NULL;
	ck_assert_int_eq(ebpfnet_label_filter_parse(text, NULL, &f), -E2BIG);
	ck_assert_ptr_null(f);
	ck_assert_int_eq(ebpfnet_label_filter_parse("a", NULL, NULL), -EINVAL);
	ebpfnet_labels_unref(l);
}
END_TEST

RUN_SUITE("label-filter", rules, defaults, bad_filters_are_refused)
