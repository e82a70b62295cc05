// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <ebpfnet/cleanup.h>
#include <ebpfnet/labels.h>

#include "core/internal.h"
#include "suite.h"

EBPFNET_DEFINE_CLEANUP(ebpfnet_labels, ebpfnet_labels_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)

static void expect(const char *text, const char *source, const char *want)
{
	EBPFNET_CLEANUP(ebpfnet_labels) struct ebpfnet_labels *l = NULL, *again = NULL;

	ck_assert_msg(ebpfnet_labels_parse(text, source, NULL, &l) == 0, "%s", text);
	ck_assert_str_eq(ebpfnet_labels_format(l), want);
	/* the canonical form is its own canonical form */
	ck_assert_int_eq(ebpfnet_labels_parse(want, "other", NULL, &again), 0);
	ck_assert_str_eq(ebpfnet_labels_format(again), want);
	ck_assert_int_eq(ebpfnet_labels_equal(l, again), 1);
	ck_assert_uint_eq(ebpfnet_labels_hash(l), ebpfnet_labels_hash(again));
}

START_TEST(canonical_form)
{
	expect("", NULL, "");
	expect(" \t\n", NULL, "");
	expect("app=api", NULL, "k8s:app=api;");
	expect("app=api", "container", "container:app=api;");
	expect("reserved:host", NULL, "reserved:host;");
	expect("b=2,a=1;c=3", NULL, "k8s:a=1;k8s:b=2;k8s:c=3;");
	expect(" b= ", NULL, "k8s:b;");
	expect("z:a=1,a:z=2", NULL, "a:z=2;z:a=1;");
	expect("k8s:app=api,k8s:tier=web,reserved:host;", NULL, "k8s:app=api;k8s:tier=web;reserved:host;");
	expect("a=1,b=2,a=3", NULL, "k8s:a=3;k8s:b=2;");
	expect("a=1,x:a=2,a=3,k8s:a=4", NULL, "k8s:a=4;x:a=2;");
	expect("a=,b", NULL, "k8s:a;k8s:b;");
	expect("a=x:y/z", NULL, "k8s:a=x:y/z;");
	expect("app.kubernetes.io/name=a-b_c.d", NULL, "k8s:app.kubernetes.io/name=a-b_c.d;");
	/* by source, then key: not by the whole text */
	expect("a-b=1,a=2", NULL, "k8s:a=2;k8s:a-b=1;");
	expect("a:z,a-b:a", NULL, "a:z;a-b:a;");
}
END_TEST

START_TEST(bad_labels_are_refused)
{
	static const struct {
		const char *text;
		unsigned int column;
	} bad[] = {
		{ ",", 1 }, { "a=1,,b", 5 }, { "=1", 1 }, { "a b", 3 }, { "a=b=c", 4 }, { "a:b:c=1", 4 }, { "a:", 3 }, { "b =1", 3 },
		{ ":a", 1 }, { "a=\"x\"", 3 }, { "a=1\\", 4 }, { "a!", 2 }, { "a=(b)", 3 }, { "a=\x01", 3 },
		{ "\xc3\xa4=1", 1 }, { "a=1,\n b=2,\n !", 2 }, { "a=\x7f", 3 },
	};
	struct ebpfnet_labels *l = NULL;
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(bad); i++) {
		EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
		struct ebpfnet_diag_message m;

		ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
		ck_assert_msg(ebpfnet_labels_parse(bad[i].text, NULL, diag, &l) == -EINVAL, "%s", bad[i].text);
		ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
		ck_assert_msg(m.column == bad[i].column, "%s: column %u", bad[i].text, m.column);
		ck_assert_int_eq(ebpfnet_labels_parse(bad[i].text, NULL, NULL, &l), -EINVAL);
	}
	ck_assert_int_eq(ebpfnet_labels_parse(NULL, NULL, NULL, &l), -EINVAL);
	ck_assert_int_eq(ebpfnet_labels_parse("a", NULL, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_labels_parse("a", "", NULL, &l), -EINVAL);
	ck_assert_int_eq(ebpfnet_labels_parse("a", "x:y", NULL, &l), -EINVAL);
	ck_assert_int_eq(ebpfnet_labels_parse("a", "x y", NULL, &l), -EINVAL);
	ck_assert_ptr_null(l);
}
END_TEST

START_TEST(limits)
{
	struct ebpfnet_labels *l = NULL;
	char text[64 * 1024], *p = text;
	int i;

	for (i = 0; i < EBPFNET_LABELS_MAX; i++)
		p = test_put(p, text + sizeof(text), "k%d=v,", i);
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	ck_assert_uint_eq(ebpfnet_labels_count(l), EBPFNET_LABELS_MAX);
	l = ebpfnet_labels_unref(l);
	test_put(p, text + sizeof(text), "one=more");
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), -E2BIG);
	/* "k8s:" + key + "=" + value */
	memset(text, 'v', sizeof(text));
	memcpy(text, "a=", 2);
	text[EBPFNET_LABEL_LEN_MAX - 4] = '\0';
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	ck_assert_uint_eq(strlen(ebpfnet_labels_format(l)), EBPFNET_LABEL_LEN_MAX + 1);
	l = ebpfnet_labels_unref(l);
	text[EBPFNET_LABEL_LEN_MAX - 4] = 'v';
	text[EBPFNET_LABEL_LEN_MAX - 3] = '\0';
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), -E2BIG);
	ck_assert_ptr_null(l);
}
END_TEST

START_TEST(values_by_key)
{
	EBPFNET_CLEANUP(ebpfnet_labels) struct ebpfnet_labels *l = NULL;

	ck_assert_int_eq(ebpfnet_labels_parse("app=api,x:app=other,reserved:host", NULL, NULL, &l), 0);
	ck_assert_uint_eq(ebpfnet_labels_count(l), 3);
	ck_assert_str_eq(ebpfnet_labels_get(l, "k8s", "app"), "api");
	ck_assert_str_eq(ebpfnet_labels_get(l, "x", "app"), "other");
	ck_assert_str_eq(ebpfnet_labels_get(l, NULL, "app"), "api");
	ck_assert_str_eq(ebpfnet_labels_get(l, "reserved", "host"), "");
	ck_assert_ptr_null(ebpfnet_labels_get(l, "k8s", "host"));
	ck_assert_ptr_null(ebpfnet_labels_get(l, NULL, "ap"));
	ck_assert_ptr_null(ebpfnet_labels_get(l, NULL, NULL));
	ck_assert_ptr_null(ebpfnet_labels_get(NULL, NULL, "app"));
}
END_TEST

START_TEST(equality_and_references)
{
	struct ebpfnet_labels *a = NULL, *b = NULL, *c = NULL, *none = NULL;

	ck_assert_int_eq(ebpfnet_labels_parse("a=1,b=2", NULL, NULL, &a), 0);
	ck_assert_int_eq(ebpfnet_labels_parse("b=2;a=1;", NULL, NULL, &b), 0);
	ck_assert_int_eq(ebpfnet_labels_parse("a=1", NULL, NULL, &c), 0);
	ck_assert_int_eq(ebpfnet_labels_parse("", NULL, NULL, &none), 0);
	ck_assert_int_eq(ebpfnet_labels_equal(a, b), 1);
	ck_assert_int_eq(ebpfnet_labels_equal(a, c), 0);
	ck_assert_int_eq(ebpfnet_labels_equal(a, NULL), 0);
	ck_assert_int_eq(ebpfnet_labels_equal(NULL, none), 1);
	ck_assert_uint_eq(ebpfnet_labels_count(NULL), 0);
	ck_assert_str_eq(ebpfnet_labels_format(NULL), "");
	/* FNV-1a of "k8s:a=1;": the same for ever */
	ck_assert_uint_eq(ebpfnet_labels_hash(c), 0xdb30cd27bbe81b65u);
	ck_assert_uint_eq(ebpfnet_labels_hash(NULL), 0xcbf29ce484222325u);
	ck_assert_ptr_eq(ebpfnet_labels_ref(a), a);
	ck_assert_ptr_null(ebpfnet_labels_unref(a));
	ck_assert_str_eq(ebpfnet_labels_format(a), "k8s:a=1;k8s:b=2;");
	ebpfnet_labels_unref(a);
	ebpfnet_labels_unref(b);
	ebpfnet_labels_unref(c);
	ebpfnet_labels_unref(none);
	ck_assert_ptr_null(ebpfnet_labels_ref(NULL));
}
END_TEST

/* Whatever is parsed has a canonical form that parses to itself; whatever is not is refused without a trace. */
START_TEST(random_text)
{
	static const char alphabet[] = "ab:=,; k8\"!()\\\n\x01\xff";
	uint64_t rng = test_seed();
	unsigned int taken = 0;
	int i, j;

	for (i = 0; i < 50000; i++) {
		EBPFNET_CLEANUP(ebpfnet_labels) struct ebpfnet_labels *l = NULL;
		char text[24];
		int len = (int)test_below(&rng, sizeof(text)), common = test_below(&rng, 2) ? 8 : sizeof(alphabet) - 1;

		for (j = 0; j < len; j++)
			text[j] = alphabet[test_below(&rng, (unsigned int)common)];
		text[len] = '\0';
		if (ebpfnet_labels_parse(text, NULL, NULL, &l) < 0) {
			ck_assert_ptr_null(l);
			continue;
		}
		taken++;
		expect(text, NULL, ebpfnet_labels_format(l));
	}
	ck_assert_uint_gt(taken, 1000);
}
END_TEST

RUN_SUITE("labels", canonical_form, bad_labels_are_refused, limits, values_by_key, equality_and_references, random_text)
