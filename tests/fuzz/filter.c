// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A flow filter parses or says why not, and answers for any flow. */
#include "fuzz.h"

#include <ebpfnet/diag.h>
#include <ebpfnet/flow.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebpfnet_flow_filter *filter = NULL;
	struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_flow flow = {
		.src = { .labels = "k8s:app=api;" }, .dst = { .name = "db", .labels = "" }, .node = "node",
	};
	char *text = fuzz_text(data, size);
	int verdict;

	FUZZ_CHECK(ebpfnet_diag_new(&diag) == 0);
	if (ebpfnet_flow_filter_parse(text, diag, &filter) < 0) {
		FUZZ_CHECK(!filter && ebpfnet_diag_count(diag) > 0);
	} else {
		flow.event.protocol = 6;
		flow.event.dport = 80;
		verdict = ebpfnet_flow_filter_match(filter, &flow);
		FUZZ_CHECK(verdict == 0 || verdict == 1);
		FUZZ_CHECK(ebpfnet_flow_filter_match(NULL, &flow) == 1);
	}
	ebpfnet_flow_filter_free(filter);
	ebpfnet_diag_free(diag);
	free(text);
	return 0;
}
