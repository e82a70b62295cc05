// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The canonical form of a selector is a fixed point and matches the same labels. */
#include "fuzz.h"

#include <ebpfnet/labels.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebpfnet_selector *selector = NULL, *again = NULL;
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_diag *diag = NULL;
	char *text = fuzz_text(data, size);
	const char *canonical;

	FUZZ_CHECK(ebpfnet_diag_new(&diag) == 0);
	FUZZ_CHECK(ebpfnet_labels_parse("app=api,env=a,x,reserved:host", NULL, NULL, &labels) == 0);
	if (ebpfnet_selector_parse(text, diag, &selector) < 0) {
		FUZZ_CHECK(!selector && ebpfnet_diag_count(diag) > 0);
	} else {
		canonical = ebpfnet_selector_format(selector);
		FUZZ_CHECK(ebpfnet_selector_parse(canonical, NULL, &again) == 0);
		FUZZ_CHECK(!strcmp(canonical, ebpfnet_selector_format(again)));
		FUZZ_CHECK(ebpfnet_selector_match(selector, labels) == ebpfnet_selector_match(again, labels));
	}
	ebpfnet_selector_unref(selector);
	ebpfnet_selector_unref(again);
	ebpfnet_labels_unref(labels);
	ebpfnet_diag_free(diag);
	free(text);
	return 0;
}
