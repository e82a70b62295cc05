// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* labels SELECTOR LABELS...: which of the label sets does the selector match? */
#include <stdio.h>

#include <ebpfnet/diag.h>
#include <ebpfnet/labels.h>

static int fail(const char *what, struct ebpfnet_diag *diag)
{
	char text[1024] = "";

	ebpfnet_diag_format(diag, text, sizeof(text));
	fprintf(stderr, "labels: %s: %s", what, text);
	return 1;
}

int main(int argc, char **argv)
{
	struct ebpfnet_selector *selector = NULL;
	struct ebpfnet_diag *diag = NULL;
	int i, failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: labels SELECTOR LABELS...\n");
		return 1;
	}
	if (ebpfnet_diag_new(&diag) < 0)
		return 1;
	if (ebpfnet_selector_parse(argv[1], diag, &selector) < 0)
		failed = fail(argv[1], diag);
	for (i = 2; !failed && i < argc; i++) {
		struct ebpfnet_labels *labels = NULL;

		if (ebpfnet_labels_parse(argv[i], NULL, diag, &labels) < 0)
			failed = fail(argv[i], diag);
		else
			printf("%s %s\n", ebpfnet_selector_match(selector, labels) ? "match" : "     ",
			       ebpfnet_labels_format(labels));
		ebpfnet_labels_unref(labels);
	}
	ebpfnet_selector_unref(selector);
	ebpfnet_diag_free(diag);
	return failed;
}
