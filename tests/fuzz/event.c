// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Any bytes from the ring: decoded and printed, or refused; never more text than was promised. */
#include "fuzz.h"

#include <ebpfnet/event.h>
#include <ebpfnet/flow.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ebpfnet_event event;
	struct ebpfnet_flow flow = {
		.src = { .labels = "k8s:app=\"a\\;" }, .dst = { .name = "db\n", .labels = "" },
		.egress_rule = "policy#rule", .node = "node",
	};
	char text[4096], shorter[64];
	int len;

	memset(&event, 0x5a, sizeof(event));
	if (ebpfnet_event_decode(data, size, &event, sizeof(event)) < 0) {
		for (size_t i = 0; i < sizeof(event); i++)
			FUZZ_CHECK(((const uint8_t *)&event)[i] == 0x5a);
		return 0;
	}
	flow.event = event;
	len = ebpfnet_flow_to_json(&flow, 0, text, sizeof(text));
	FUZZ_CHECK(len > 0 && len < (int)sizeof(text) && strlen(text) == (size_t)len);
	FUZZ_CHECK(text[0] == '{' && text[len - 1] == '}');
	FUZZ_CHECK(ebpfnet_flow_to_json(&flow, 0, shorter, sizeof(shorter)) == len);
	FUZZ_CHECK(!strncmp(text, shorter, sizeof(shorter) - 1));
	len = ebpfnet_flow_to_text(&flow, text, sizeof(text));
	FUZZ_CHECK(len > 0 && len < (int)sizeof(text) && !strchr(text, '\n'));
	return 0;
}
