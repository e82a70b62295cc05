/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The inside of a label set: what selectors, and JSON, read of it. */
#ifndef EBN_IDENTITY_INTERNAL_H
#define EBN_IDENTITY_INTERNAL_H

#include <ebpfnet/labels.h>

#include "identity/text.h"

struct ebn_label {
	const char *source, *key, *value;	/* each ended by NUL */
	uint64_t key_hash;
};

struct ebpfnet_labels {
	unsigned int refs;
	unsigned int n;
	uint64_t hash;
	const char *text;		/* canonical */
	struct ebn_label labels[];	/* sorted by source, then key */
};

#endif
