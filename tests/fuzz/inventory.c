// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* An inventory is taken whole or refused with a message; what was taken has labels and can be asked about. */
#include "fuzz.h"

#include "../../examples/policy/tool.h"

static unsigned int said;

int say(const char *fmt, ...)
{
	(void)fmt;
	said++;
	return STATUS_TROUBLE;
}

static int count(const struct way *way, const struct judgement *was, const struct judgement *is, const char *family,
		 void *userdata)
{
	(void)was;
	(void)family;
	FUZZ_CHECK(way->src->labels || way->dst->labels);
	FUZZ_CHECK(is->combined);
	return ++*(unsigned int *)userdata > 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct port web = { 6, 80 };
	struct ebpfnet_policy_set *set = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	char *text = fuzz_text(data, size);
	struct inventory inv;
	unsigned int n = 0;

	said = 0;
	FUZZ_CHECK(ebpfnet_ctx_new(NULL, &ctx) == 0 && ebpfnet_policy_set_new(ctx, &set) == 0);
	if (inventory_parse(text, size, "inventory", &inv)) {
		FUZZ_CHECK(said);
	} else {
		FUZZ_CHECK(!said && ways_foreach(&inv, &web, 1, NULL, set, count, &n) >= 0);
		inventory_free(&inv);
	}
	ebpfnet_policy_set_free(set);
	ebpfnet_ctx_unref(ctx);
	free(text);
	return 0;
}
