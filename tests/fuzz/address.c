// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What is printed for an address reads back as that address. */
#include "fuzz.h"

#include <ebpfnet/types.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), printed[EBPFNET_ADDR_STRLEN];
	struct ebpfnet_addr addr, again;
	char longer[EBPFNET_PREFIX_STRLEN];
	struct ebpfnet_prefix prefix, same;
	struct ebpfnet_mac mac;

	if (ebpfnet_addr_parse(text, &addr) == 0) {
		FUZZ_CHECK(ebpfnet_addr_format(&addr, printed, sizeof(printed)) < (int)sizeof(printed));
		FUZZ_CHECK(ebpfnet_addr_parse(printed, &again) == 0);
		FUZZ_CHECK(!memcmp(&addr, &again, sizeof(addr)));
	}
	if (size >= sizeof(addr)) {
		memcpy(&addr, data, sizeof(addr));
		FUZZ_CHECK(ebpfnet_addr_format(&addr, printed, sizeof(printed)) < (int)sizeof(printed));
		if (ebpfnet_addr_family(&addr)) {
			FUZZ_CHECK(ebpfnet_addr_parse(printed, &again) == 0);
			FUZZ_CHECK(!memcmp(&addr, &again, sizeof(addr)));
		}
	}
	if (ebpfnet_prefix_parse(text, &prefix) == 0) {
		FUZZ_CHECK(ebpfnet_prefix_format(&prefix, longer, sizeof(longer)) < (int)sizeof(longer));
		FUZZ_CHECK(ebpfnet_prefix_parse(longer, &same) == 0);
		FUZZ_CHECK(!memcmp(&prefix, &same, sizeof(prefix)));
	}
	(void)ebpfnet_mac_parse(text, &mac);
	free(text);
	return 0;
}
