// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* diag SELECTOR: says in words what is wrong with it. Objects go when their variables go out of scope. */
#include <stdio.h>

#include <ebpfnet/cleanup.h>
#include <ebpfnet/diag.h>
#include <ebpfnet/labels.h>

EBPFNET_DEFINE_CLEANUP(ebpfnet_diag, ebpfnet_diag_free)
EBPFNET_DEFINE_CLEANUP(ebpfnet_selector, ebpfnet_selector_unref)

int main(int argc, char **argv)
{
	EBPFNET_CLEANUP(ebpfnet_selector) struct ebpfnet_selector *selector = NULL;
	EBPFNET_CLEANUP(ebpfnet_diag) struct ebpfnet_diag *diag = NULL;
	struct ebpfnet_diag_message message;
	size_t i;

	if (argc != 2 || ebpfnet_diag_new(&diag) < 0) {
		fprintf(stderr, "usage: diag SELECTOR\n");
		return 1;
	}
	if (ebpfnet_selector_parse(argv[1], diag, &selector) == 0) {
		puts(ebpfnet_selector_format(selector));
		return 0;
	}
	for (i = 0; ebpfnet_diag_get(diag, i, &message) == 0; i++)
		fprintf(stderr, "column %u: %s (errno %d)\n", message.column, message.text, message.error);
	return 1;
}
