// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Any bytes as an export of flows: refused, or flows that fit into tables. The checksum is put right, or nothing gets far. */
#include "fuzz.h"

#include <zlib.h>

#include "conntrack/image.h"

static int take(const struct ebn_image_flow *flow, void *arg)
{
	static const uint32_t limits[8] = { 80, 80, 800, 80, 800, 80, 80, 800 };
	const struct ebn_ct_view view = { .now = 1000, .tick_ns = 125000000, .epoch = 1u << 31 };
	struct ebpfnet_ct_entry back;
	struct ebn_flow_copy c;
	bool v6;

	++*(uint64_t *)arg;
	FUZZ_CHECK(ebpfnet_addr_family(&flow->entry.src) == ebpfnet_addr_family(&flow->entry.dst));
	if (!ebn_image_copy(flow, &view, limits, &v6, &c))
		return 0;
	ebn_ct_entry(&view, &c, v6, &back);
	FUZZ_CHECK(!memcmp(&back.src, &flow->entry.src, sizeof(back.src)));
	FUZZ_CHECK(back.state == flow->entry.state && back.protocol == flow->entry.protocol);
	FUZZ_CHECK(back.bytes[0] == flow->entry.bytes[0] && back.bytes[1] == flow->entry.bytes[1]);
	FUZZ_CHECK(c.body.row[0] == 0 && c.body.row[1] == 0);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	uint64_t flows = 0;
	uint32_t crc;
	int r;

	FUZZ_CHECK(copy);
	memcpy(copy, data, size);
	if (size > EBN_IMAGE_HEADER + EBN_IMAGE_TRAILER) {
		crc = (uint32_t)crc32(crc32(0, NULL, 0), copy, (uInt)(size - EBN_IMAGE_TRAILER));
		memset(copy + size - EBN_IMAGE_TRAILER, 0, EBN_IMAGE_TRAILER);
		memcpy(copy + size - EBN_IMAGE_TRAILER, &crc, sizeof(crc));
	}
	r = ebn_image_read(copy, size, take, &flows, NULL);
	FUZZ_CHECK(r == 0 || r == -EBADMSG || r == -EPROTO || r == -E2BIG);
	FUZZ_CHECK(!r || !flows);
	free(copy);
	return 0;
}
