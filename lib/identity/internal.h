/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The inside of a label set: what selectors, and JSON, read of it. */
#ifndef EBN_IDENTITY_INTERNAL_H
#define EBN_IDENTITY_INTERNAL_H

#include <ebpfnet/labels.h>

#include "identity/text.h"

struct ebn_label {
	struct ebn_span source, key, value;	/* in a set each is ended by NUL */
	uint64_t key_hash;
};

struct ebpfnet_labels {
	unsigned int refs;
	unsigned int n;
	uint64_t hash;
	const char *text;		/* canonical */
	struct ebn_label labels[];	/* sorted by source, then key */
};

/* Two sets of labels together, which is more than anybody may ask for. */
#define EBN_LABELS_LONG_MAX (2 * EBPFNET_LABELS_MAX)
/* A canonical text of up to EBN_LABELS_LONG_MAX labels. -EINVAL, -E2BIG, -ENOMEM. */
int ebn_labels_parse_long(const char *text, struct ebpfnet_labels **ret);
/* The labels of both; of one key b's. -E2BIG, -ENOMEM. */
int ebn_labels_join(const struct ebpfnet_labels *a, const struct ebpfnet_labels *b, struct ebpfnet_labels **ret);

/* "reserved:NAME;" of a reserved identity, NULL: none. */
const char *ebn_reserved_name(uint32_t identity);

/* Matches a set given in its canonical form, without memory of its own. A text that is not one matches nothing. */
int ebn_selector_match_text(const struct ebpfnet_selector *selector, const char *canonical);

/* Does a policy with this subject apply to the endpoint? To the host only when the selector speaks of reserved labels. */
bool ebn_selector_subject(const struct ebpfnet_selector *selector, const struct ebpfnet_labels *labels);

/*
 * What a selector asks of one key, for indexes: returns false when there is no requirement number i. *values: the label must
 * have one of these (n of them); n is 0 for the other kinds of requirement.
 */
bool ebn_selector_requirement(const struct ebpfnet_selector *sel, unsigned int i, uint64_t *key_hash,
			      const struct ebn_span **values, unsigned int *n);

#endif
