// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Rules of other programs: services, or an error at a line; what is printed is the same twice. */
#include <errno.h>

#include "fuzz.h"

#include "../../examples/ctl/import.h"

static char *printed(const char *text, int *ret_err)
{
	struct import im = { .n = 0 };
	size_t line = 0, len = 0;
	char *out = NULL;
	FILE *f = open_memstream(&out, &len);

	FUZZ_CHECK(f);
	*ret_err = *text == '{' ? import_nft(&im, text) : import_iptables(&im, text, &line);
	if (*ret_err < 0) {
		FUZZ_CHECK(*ret_err == -EINVAL || *ret_err == -E2BIG || *ret_err == -ENOMEM);
		FUZZ_CHECK(line >= 1 || *text == '{' || *ret_err == -ENOMEM);
	} else {
		FUZZ_CHECK(!import_print(&im, f));
		import_report(&im, "-", f);
		for (size_t i = 0; i < im.n; i++)
			FUZZ_CHECK(im.service[i]->n && im.service[i]->port);
	}
	import_free(&im);
	FUZZ_CHECK(!fclose(f));
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *out[2];
	int err[2];

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	out[0] = printed(text, &err[0]);
	out[1] = printed(text, &err[1]);
	FUZZ_CHECK(err[0] == err[1] && !strcmp(out[0], out[1]));
	free(out[0]);
	free(out[1]);
	free(text);
	return 0;
}
