// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The text of a label filter is a fixed point, and what passed once passes again. */
#include "fuzz.h"

#include <ebpfnet/labels.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char some[] = "app=api,pod-template-hash=1,io.kubernetes.pod.namespace=x,a.b/c=d,container:a,reserved:host";
	struct ebpfnet_labels *labels = NULL, *out = NULL, *twice = NULL;
	struct ebpfnet_label_filter *filter = NULL, *again = NULL;
	char *text = fuzz_text(data, size);

	FUZZ_CHECK(ebpfnet_labels_parse(some, NULL, NULL, &labels) == 0);
	if (ebpfnet_label_filter_parse(text, NULL, &filter) == 0) {
		FUZZ_CHECK(ebpfnet_label_filter_parse(ebpfnet_label_filter_format(filter), NULL, &again) == 0);
		FUZZ_CHECK(!strcmp(ebpfnet_label_filter_format(filter), ebpfnet_label_filter_format(again)));
		FUZZ_CHECK(ebpfnet_label_filter_apply(filter, labels, &out) == 0);
		FUZZ_CHECK(ebpfnet_label_filter_apply(again, out, &twice) == 0);
		FUZZ_CHECK(twice == out);
		FUZZ_CHECK(ebpfnet_labels_get(out, "reserved", "host"));
	}
	ebpfnet_label_filter_unref(filter);
	ebpfnet_label_filter_unref(again);
	ebpfnet_labels_unref(labels);
	ebpfnet_labels_unref(out);
	ebpfnet_labels_unref(twice);
	free(text);
	return 0;
}
