/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What every fuzz target is: one function that takes any bytes and must neither crash nor break a property. */
#ifndef EBN_TESTS_FUZZ_H
#define EBN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert(), in every build. */
#define FUZZ_CHECK(what)                                                              \
	do {                                                                          \
		if (!(what)) {                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);    \
			abort();                                                      \
		}                                                                     \
	} while (0)

/* The input as a string of its own allocation, so that a read past its end is seen. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	FUZZ_CHECK(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
