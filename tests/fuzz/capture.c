// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Files of packets: taken or refused with a message; what was taken is written and read back. */
#include <errno.h>

#include "fuzz.h"

#include "../../examples/sim/capture.h"

static void again(const struct capture *c)
{
	char *data = NULL, error[256];
	struct capture back;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);

	FUZZ_CHECK(f && !capture_begin(f));
	for (size_t i = 0; i < c->n; i++)
		FUZZ_CHECK(!capture_put(f, &c->packets[i], "a comment"));
	FUZZ_CHECK(!fclose(f));
	FUZZ_CHECK(!capture_read(data, len, &back, error, sizeof(error)));
	FUZZ_CHECK(back.n == c->n);
	for (size_t i = 0; i < c->n; i++) {
		FUZZ_CHECK(back.packets[i].len == c->packets[i].len);
		FUZZ_CHECK(!memcmp(back.packets[i].data, c->packets[i].data, c->packets[i].len));
		FUZZ_CHECK(back.packets[i].time_ns == c->packets[i].time_ns);
	}
	capture_free(&back);
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[256] = "";
	struct capture c;
	int err = capture_read(data, size, &c, error, sizeof(error));

	if (err < 0) {
		FUZZ_CHECK(err == -ENOMEM || *error);
		FUZZ_CHECK(!c.n && !c.packets);
		return 0;
	}
	again(&c);
	capture_free(&c);
	return 0;
}
