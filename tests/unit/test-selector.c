// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <ebpfnet/cleanup.h>
#include <ebpfnet/labels.h>

#include "identity/internal.h"
#include "suite.h"

EBPFNET_DEFINE_CLEANUP(ebpfnet_labels, ebpfnet_labels_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_selector, ebpfnet_selector_unref)
EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)

static void expect(const char *text, const char *want)
{
	EBPFNET_CLEANUP(ebpfnet_selector) struct ebpfnet_selector *s = NULL, *again = NULL;

	ck_assert_msg(ebpfnet_selector_parse(text, NULL, &s) == 0, "%s", text);
	ck_assert_str_eq(ebpfnet_selector_format(s), want);
	ck_assert_msg(ebpfnet_selector_parse(want, NULL, &again) == 0, "%s", want);
	ck_assert_str_eq(ebpfnet_selector_format(again), want);
}

START_TEST(canonical_form)
{
	expect("", "");
	expect("  ", "");
	expect("app=api", "app=api");
	expect("app==api", "app=api");
	expect(" app = api ", "app=api");
	expect("app in (api)", "app=api");
	expect("app in (b,a,b)", "app in (a,b)");
	expect("app notin (b)", "app!=b");
	expect("app notin ( c , a )", "app notin (a,c)");
	expect("app notin(c,a)", "app notin (a,c)");
	expect("b,a", "a,b");
	expect("b,!a,a=1", "!a,a=1,b");
	expect("a,a,a", "a");
	expect("k8s:app=x,app=x,any:app=x", "app=x,k8s:app=x");
	expect("in in (in)", "in=in");
	expect("notin", "notin");
	expect("! x", "!x");
	expect("x=", "x=");
	expect("x in ()", "x=");
	expect("x in (,a)", "x in (,a)");
	expect("x!=", "x!=");
	expect("env in (a,b),tier!=web,x,!y,app=api", "app=api,env in (a,b),tier!=web,x,!y");
}
END_TEST

START_TEST(bad_selectors_are_refused)
{
	static const struct {
		const char *text;
		unsigned int column;
	} bad[] = {
		{ ",", 1 }, { "a,", 3 }, { "a,,b", 3 }, { "=x", 1 }, { "a b", 3 }, { "a in", 5 }, { "a in b", 6 },
		{ "a in (b", 8 }, { "a in (b c)", 9 }, { "a not (b)", 3 }, { "!a=b", 3 }, { "!", 2 }, { "a=b=c", 4 },
		{ "a!b", 2 }, { "a in (b))", 9 }, { "a:b:c", 4 }, { "a;b", 2 }, { "a===b", 4 }, { "a inn (b)", 3 },
	};
	struct ebpfnet_selector *s = NULL;
	size_t i;

	for (i = 0; i < EBN_ARRAY_SIZE(bad); i++) {
		EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
		struct ebpfnet_diag_message m;

		ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
		ck_assert_msg(ebpfnet_selector_parse(bad[i].text, diag, &s) == -EINVAL, "%s", bad[i].text);
		ck_assert_int_eq(ebpfnet_diag_get(diag, 0, &m), 0);
		ck_assert_msg(m.column == bad[i].column, "%s: column %u", bad[i].text, m.column);
	}
	ck_assert_int_eq(ebpfnet_selector_parse(NULL, NULL, &s), -EINVAL);
	ck_assert_int_eq(ebpfnet_selector_parse("a", NULL, NULL), -EINVAL);
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(limits)
{
	struct ebpfnet_selector *s = NULL;
	static char text[128 * 1024];
	char *p = text;
	int i;

	for (i = 0; i < EBPFNET_SELECTOR_REQUIREMENTS_MAX; i++)
		p = test_put(p, text + sizeof(text), "%sk%d", i ? "," : "", i);
	ck_assert_int_eq(ebpfnet_selector_parse(text, NULL, &s), 0);
	s = ebpfnet_selector_unref(s);
	test_put(p, text + sizeof(text), ",x");
	ck_assert_int_eq(ebpfnet_selector_parse(text, NULL, &s), -E2BIG);
	p = test_put(text, text + sizeof(text), "k in (");
	for (i = 0; i < EBPFNET_SELECTOR_VALUES_MAX; i++)
		p = test_put(p, text + sizeof(text), "%sv%d", i ? "," : "", i);
	test_put(p, text + sizeof(text), ")");
	ck_assert_int_eq(ebpfnet_selector_parse(text, NULL, &s), 0);
	s = ebpfnet_selector_unref(s);
	test_put(p, text + sizeof(text), ",v)");
	ck_assert_int_eq(ebpfnet_selector_parse(text, NULL, &s), -E2BIG);
	memset(text, 'k', 600);
	text[600] = '\0';
	ck_assert_int_eq(ebpfnet_selector_parse(text, NULL, &s), -E2BIG);
	memset(text, ' ', sizeof(text) - 1);
	ck_assert_int_eq(ebpfnet_selector_parse(text, NULL, &s), -E2BIG);
	ck_assert_ptr_null(s);
}
END_TEST

static int matches(const char *selector, const char *labels)
{
	EBPFNET_CLEANUP(ebpfnet_selector) struct ebpfnet_selector *s = NULL;
	EBPFNET_CLEANUP(ebpfnet_labels) struct ebpfnet_labels *l = NULL;

	ck_assert_msg(ebpfnet_selector_parse(selector, NULL, &s) == 0, "%s", selector);
	ck_assert_msg(ebpfnet_labels_parse(labels, NULL, NULL, &l) == 0, "%s", labels);
	return ebpfnet_selector_match(s, l);
}

START_TEST(matching)
{
	EBPFNET_CLEANUP(ebpfnet_selector) struct ebpfnet_selector *s = NULL;

	ck_assert_int_eq(matches("", ""), 1);
	ck_assert_int_eq(matches("", "a=1"), 1);
	ck_assert_int_eq(matches("a=1", "a=1,b=2"), 1);
	ck_assert_int_eq(matches("a=1", "a=2"), 0);
	ck_assert_int_eq(matches("a=1", "x:a=1"), 1);
	ck_assert_int_eq(matches("k8s:a=1", "x:a=1"), 0);
	ck_assert_int_eq(matches("a=1", "k8s:a=2,x:a=1"), 1);
	ck_assert_int_eq(matches("a!=1", "k8s:a=2,x:a=1"), 0);
	ck_assert_int_eq(matches("a!=1", ""), 1);
	ck_assert_int_eq(matches("a notin (1,2)", "a=3"), 1);
	ck_assert_int_eq(matches("a notin (1,2)", "a=2"), 0);
	ck_assert_int_eq(matches("a", "a"), 1);
	ck_assert_int_eq(matches("a", "a=x"), 1);
	ck_assert_int_eq(matches("!a", "a"), 0);
	ck_assert_int_eq(matches("!a", "b"), 1);
	ck_assert_int_eq(matches("a=", "a"), 1);
	ck_assert_int_eq(matches("a in (,x)", "a"), 1);
	ck_assert_int_eq(matches("a,!a", "a"), 0);
	ck_assert_int_eq(matches("reserved:host", "reserved:host"), 1);
	ck_assert_int_eq(matches("reserved:host", "k8s:host"), 0);
	ck_assert_int_eq(ebpfnet_selector_parse("!a", NULL, &s), 0);
	ck_assert_int_eq(ebpfnet_selector_match(s, NULL), 1);
	ck_assert_int_eq(ebpfnet_selector_match(NULL, NULL), 0);
	ck_assert_int_eq(ebn_selector_match_text(NULL, ""), 0);
	ck_assert_int_eq(ebn_selector_match_text(s, ""), 1);
	ck_assert_int_eq(ebn_selector_match_text(s, "k8s:a;"), 0);
	ck_assert_int_eq(ebn_selector_match_text(s, "k8s:b"), 0);
	ck_assert_int_eq(ebn_selector_match_text(s, "b;"), 0);
	ck_assert_int_eq(ebn_selector_match_text(s, ";"), 0);
	ck_assert_ptr_eq(ebpfnet_selector_ref(s), s);
	ck_assert_ptr_null(ebpfnet_selector_unref(s));
	ck_assert_str_eq(ebpfnet_selector_format(s), "!a");
	ck_assert_ptr_null(ebpfnet_selector_ref(NULL));
	ck_assert_ptr_null(ebpfnet_selector_unref(NULL));
	ck_assert_str_eq(ebpfnet_selector_format(NULL), "");
}
END_TEST

/*
 * The naive model: a list of requirements as numbers, evaluated over a table source x key -> value. It shares
 * nothing with the library but the text it prints for it.
 */
#define SOURCES 3
#define KEYS 4
#define VALUES 4

struct naive {
	int source;		/* SOURCES: any */
	int key;
	int op;			/* 0 exists, 1 absent, 2 in, 3 notin */
	unsigned int values;	/* set of bits */
};

static const char *const sources[] = { "k8s", "x", "reserved" };
static const char *const keys[] = { "a", "b", "a-b", "in" };
static const char *const values[] = { "", "1", "2", "in" };

static int naive_match(const struct naive *r, int n, int table[SOURCES][KEYS])
{
	int i, s;

	for (i = 0; i < n; i++) {
		int present = 0, listed = 0;

		for (s = 0; s < SOURCES; s++) {
			int v = table[s][r[i].key];

			if (v < 0 || (r[i].source != SOURCES && r[i].source != s))
				continue;
			present = 1;
			listed |= r[i].values >> v & 1;
		}
		if ((r[i].op == 0 && !present) || (r[i].op == 1 && present) || (r[i].op == 2 && !listed) ||
		    (r[i].op == 3 && listed))
			return 0;
	}
	return 1;
}

static char *print_values(char *p, const char *end, uint64_t *rng, const struct naive *r)
{
	static const char *const start[2][2] = { { " in (", " in ( " }, { " notin (", " notin( " } };
	const char *sep = start[r->op - 2][test_below(rng, 2)];
	int v;

	for (v = VALUES - 1; v >= 0; v--)
		if (r->values >> v & 1) {
			p = test_put(p, end, "%s%s", sep, values[v]);
			sep = test_below(rng, 2) ? "," : " , ";
		}
	return test_put(p, end, ")");
}

static char *print_requirement(char *p, const char *end, uint64_t *rng, const struct naive *r)
{
	int v;

	if (r->op == 1)
		p = test_put(p, end, "!");
	if (r->source < SOURCES)
		p = test_put(p, end, "%s:", sources[r->source]);
	p = test_put(p, end, "%s", keys[r->key]);
	if (r->op < 2)
		return p;
	if (r->values & (r->values - 1) || test_below(rng, 2))
		return print_values(p, end, rng, r);
	for (v = 0; !(r->values >> v & 1); v++)
		;
	return test_put(p, end, "%s%s", r->op == 2 ? (test_below(rng, 2) ? "=" : " == ") : "!=", values[v]);
}

START_TEST(agrees_with_the_naive_model)
{
	uint64_t rng = test_seed();
	unsigned int i, hits = 0;

	for (i = 0; i < 30000; i++) {
		EBPFNET_CLEANUP(ebpfnet_selector) struct ebpfnet_selector *s = NULL, *again = NULL;
		EBPFNET_CLEANUP(ebpfnet_labels) struct ebpfnet_labels *l = NULL;
		struct naive r[4];
		int table[SOURCES][KEYS], n = (int)test_below(&rng, 4), j, k, want;
		char selector[512] = "", labels[512] = "", *p = selector;

		for (j = 0; j < n; j++) {
			r[j].source = (int)test_below(&rng, SOURCES + 1);
			r[j].key = (int)test_below(&rng, KEYS);
			r[j].op = (int)test_below(&rng, 4);
			r[j].values = 1 + test_below(&rng, (1 << VALUES) - 1);
			p = test_put(p, selector + sizeof(selector), "%s", j ? "," : "");
			p = print_requirement(p, selector + sizeof(selector), &rng, &r[j]);
		}
		p = labels;
		for (j = 0; j < SOURCES; j++)
			for (k = 0; k < KEYS; k++) {
				table[j][k] = (int)test_below(&rng, 2 * VALUES) - VALUES;
				if (table[j][k] >= 0)
					p = test_put(p, labels + sizeof(labels), "%s:%s=%s,", sources[j], keys[k],
						     values[table[j][k]]);
			}
		want = naive_match(r, n, table);
		hits += (unsigned int)want;
		ck_assert_msg(ebpfnet_selector_parse(selector, NULL, &s) == 0, "%s", selector);
		ck_assert_msg(ebpfnet_labels_parse(labels, NULL, NULL, &l) == 0, "%s", labels);
		ck_assert_msg(ebpfnet_selector_match(s, l) == want, "'%s' over '%s' is not %d", selector, labels, want);
		ck_assert_int_eq(ebpfnet_selector_parse(ebpfnet_selector_format(s), NULL, &again), 0);
		ck_assert_str_eq(ebpfnet_selector_format(again), ebpfnet_selector_format(s));
		ck_assert_int_eq(ebpfnet_selector_match(again, l), want);
		ck_assert_int_eq(ebn_selector_match_text(s, ebpfnet_labels_format(l)), want);
	}
	ck_assert_uint_gt(hits, 3000);
	ck_assert_uint_lt(hits, 27000);
}
END_TEST

START_TEST(random_text)
{
	static const char alphabet[] = "ab=!,( )in:ot;\"\\\n\xff";
	uint64_t rng = test_seed();
	unsigned int taken = 0;
	int i, j;

	for (i = 0; i < 50000; i++) {
		EBPFNET_CLEANUP(ebpfnet_selector) struct ebpfnet_selector *s = NULL;
		char text[24];
		int len = (int)test_below(&rng, sizeof(text));

		for (j = 0; j < len; j++)
			text[j] = alphabet[test_below(&rng, test_below(&rng, 8) ? 13 : sizeof(alphabet) - 1)];
		text[len] = '\0';
		if (ebpfnet_selector_parse(text, NULL, &s) < 0) {
			ck_assert_ptr_null(s);
			continue;
		}
		taken++;
		expect(text, ebpfnet_selector_format(s));
	}
	ck_assert_uint_gt(taken, 1000);
}
END_TEST

RUN_SUITE("selector", canonical_form, bad_selectors_are_refused, limits, matching, agrees_with_the_naive_model,
	  random_text)
