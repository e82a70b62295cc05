// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random inventories, random policies of every language, random questions: the reference evaluator reads the documents as
 * they are, the library parses them. Both must say the same. CASES is the least number of questions.
 */
#include "../unit/suite.h"

#include "../lib/world.h"

#define QUESTIONS 40

struct asked {
	struct ebpfnet_ctx *ctx;
	const struct ref_question *q;
};

static bool differs(const struct world *w, void *userdata)
{
	struct asked *a = userdata;
	struct ref_question q = *a->q;
	struct ebpfnet_policy_answer answer;
	struct ebpfnet_policy_set *set;
	struct ref_answer ref;
	int said;

	q.documents = w->documents;
	set = world_set(a->ctx, w->inventory, w->documents, true);
	if (!set)
		return false;
	ref_ask(&q, &ref);
	said = world_explain(set, &q, &answer);
	ebpfnet_policy_set_free(set);
	return said != (int)ref.verdict;
}

static void ask(struct world *w, struct ebpfnet_ctx *ctx, const struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_answer answer = { 0 };
	struct ref_question q;
	struct ref_answer ref;
	int family, said;

	world_question(w, &q, &family);
	ref_ask(&q, &ref);
	said = world_explain(set, &q, &answer);
	if (said == (int)ref.verdict)
		return;
	struct asked a = { ctx, &q };

	fprintf(stderr, "reference %d by %s, library %d by %s\n", (int)ref.verdict, ref.policy ? ref.policy : "nobody", said,
		answer.name);
	world_shrink(w, differs, &a);
	world_print(w, &q);
	ck_abort_msg("reference and library differ");
}

START_TEST(reference_and_explain_agree)
{
	const char *text = getenv("CASES");
	unsigned long cases = text ? strtoul(text, NULL, 0) : 12000;
	uint64_t seed = test_seed();
	struct ebpfnet_ctx *ctx;

	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	for (unsigned long done = 0; done < cases; done += QUESTIONS) {
		struct ebpfnet_policy_set *set;
		struct world w;

		world_make(&w, test_random(&seed));
		set = world_set(ctx, w.inventory, w.documents, false);
		if (!set) {
			char *documents = json_dumps(w.documents, JSON_INDENT(1));

			fprintf(stderr, "%s\n", documents);
			ck_abort_msg("documents refused");
		}
		for (unsigned int i = 0; i < QUESTIONS; i++)
			ask(&w, ctx, set);
		ebpfnet_policy_set_free(set);
		world_done(&w);
	}
	ebpfnet_ctx_unref(ctx);
}
END_TEST

RUN_SUITE("policy languages against the reference", reference_and_explain_agree)
