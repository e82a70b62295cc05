// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* types ADDRESS...: writes each as RFC 5952 says, with its family. */
#include <stdio.h>

#include <ebpfnet/types.h>
#include <ebpfnet/version.h>

int main(int argc, char **argv)
{
	int i;

	printf("libebpfnet %s\n", ebpfnet_version());
	for (i = 1; i < argc; i++) {
		char text[EBPFNET_ADDR_STRLEN];
		struct ebpfnet_addr addr;

		if (ebpfnet_addr_parse(argv[i], &addr) < 0) {
			fprintf(stderr, "types: not an address: %s\n", argv[i]);
			return 1;
		}
		ebpfnet_addr_format(&addr, text, sizeof(text));
		printf("IPv%d %s\n", ebpfnet_addr_family(&addr), text);
	}
	return 0;
}
