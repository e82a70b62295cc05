// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A text is taken whole, or not at all with a message; what was taken can be asked about, and read a second time. */
#include "fuzz.h"

#include <errno.h>

#include <ebpfnet/policy.h>

static void ask(const struct ebpfnet_policy_set *set)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_policy_answer a;
	struct ebpfnet_policy_query q = { EBPFNET_OPTS_INIT(q), .protocol = 6, .port = 80 };

	FUZZ_CHECK(ebpfnet_labels_parse("app=api,io.kubernetes.pod.namespace=default", NULL, NULL, &labels) == 0);
	q.subject = labels;
	for (int dir = 0; dir < 2; dir++) {
		q.direction = dir;
		q.peer = dir ? labels : NULL;
		FUZZ_CHECK(ebpfnet_policy_explain(set, &q, &a) == 0);
		FUZZ_CHECK(memchr(a.name, 0, sizeof(a.name)));
	}
	ebpfnet_labels_unref(labels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebpfnet_policy_set *set = NULL, *again = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .path = "p" };
	char *text = fuzz_text(data, size);
	int n;

	FUZZ_CHECK(ebpfnet_ctx_new(NULL, &ctx) == 0 && ebpfnet_diag_new(&diag) == 0);
	FUZZ_CHECK(ebpfnet_policy_set_new(ctx, &set) == 0 && ebpfnet_policy_set_new(ctx, &again) == 0);
	opts.diag = diag;
	n = ebpfnet_policy_set_parse(set, text, size, &opts);
	if (n < 0) {
		FUZZ_CHECK(n == -EINVAL || n == -ENOTSUP || n == -E2BIG || n == -EEXIST);
		FUZZ_CHECK(ebpfnet_diag_count(diag) > 0 && ebpfnet_policy_set_count(set) == 0);
	} else {
		FUZZ_CHECK(ebpfnet_policy_set_count(set) == (size_t)n);
		FUZZ_CHECK(ebpfnet_policy_set_parse(again, text, size, NULL) == n);
		/* the names are there now */
		FUZZ_CHECK(n == 0 || ebpfnet_policy_set_parse(again, text, size, NULL) == -EEXIST);
		ask(set);
	}
	ebpfnet_policy_set_free(set);
	ebpfnet_policy_set_free(again);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
	free(text);
	return 0;
}
