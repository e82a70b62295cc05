// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The canonical form of labels means the same labels. */
#include "fuzz.h"

#include <ebpfnet/labels.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebpfnet_labels *labels = NULL, *again = NULL;
	struct ebpfnet_diag *diag = NULL;
	char *text = fuzz_text(data, size);

	FUZZ_CHECK(ebpfnet_diag_new(&diag) == 0);
	if (ebpfnet_labels_parse(text, NULL, diag, &labels) < 0) {
		FUZZ_CHECK(!labels && ebpfnet_diag_count(diag) > 0);
	} else {
		FUZZ_CHECK(ebpfnet_labels_count(labels) <= EBPFNET_LABELS_MAX);
		FUZZ_CHECK(ebpfnet_labels_parse(ebpfnet_labels_format(labels), NULL, NULL, &again) == 0);
		FUZZ_CHECK(ebpfnet_labels_equal(labels, again));
		FUZZ_CHECK(ebpfnet_labels_hash(labels) == ebpfnet_labels_hash(again));
	}
	ebpfnet_labels_unref(labels);
	ebpfnet_labels_unref(again);
	ebpfnet_diag_free(diag);
	free(text);
	return 0;
}
