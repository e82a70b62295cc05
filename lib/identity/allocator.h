/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Gives label sets their numbers, on this node alone: EBN_ID_CLUSTER_MIN..EBN_ID_CLUSTER_MAX, and the reserved ones for
 * "reserved:NAME". The functions have the shape an allocator shared between nodes needs too: acquire, reference, release,
 * restore.
 */
#ifndef EBN_IDENTITY_ALLOCATOR_H
#define EBN_IDENTITY_ALLOCATOR_H

#include <ebpfnet/identity.h>
#include <ebpfnet/labels.h>

#include "tables/node.h"

struct ebn_identities;

struct ebn_identity {
	struct ebpfnet_labels *labels;
	uint32_t number;
	uint32_t refs;
	uint32_t tag;		/* the user's */
};

/* nt: whose grace period a released number waits for. */
int ebn_identities_new(struct ebn_node *nt, struct ebn_identities **ret);
void ebn_identities_free(struct ebn_identities *ids);
/*
 * From now on numbers come from source, which outlives ids, and go back to it a grace period after their removal. What is in use is
 * claimed there; a number the source has given to other labels stays as it is. Errors of the source's store: nothing is used.
 */
int ebn_identities_use(struct ebn_identities *ids, struct ebpfnet_identities *source);

/*
 * Identity of these labels, with one more reference. Returns 1 when it is new, 0 when it was known.
 * -EINVAL (a mix of reserved: and others, an unknown reserved name), -ENOSPC (no number left), -ENOMEM; with a source also
 * -EEXIST (tables older than the source have the number for other labels) and what ebpfnet_identities_acquire() returns.
 */
int ebn_identities_acquire(struct ebn_identities *ids, const struct ebpfnet_labels *labels, struct ebn_identity **ret);
/* Takes a number that was given out earlier, without a reference. -EINVAL, -EEXIST (number or labels are in use), -ENOMEM. */
int ebn_identities_restore(struct ebn_identities *ids, uint32_t number, const struct ebpfnet_labels *labels,
			   struct ebn_identity **ret);
/* Drops a reference. True when it was the last: the caller takes the number out of use, then calls _remove(). */
bool ebn_identities_release(struct ebn_identity *id);
/* Forgets an identity without references. reuse_now: nobody has ever seen the number. */
void ebn_identities_remove(struct ebn_identities *ids, struct ebn_identity *id, bool reuse_now);

/* NULL: not in use. */
struct ebn_identity *ebn_identities_get(struct ebn_identities *ids, uint32_t number);
/* The next one in use from number on, in order; NULL: no more. */
struct ebn_identity *ebn_identities_next(struct ebn_identities *ids, uint32_t number);
uint32_t ebn_identities_count(const struct ebn_identities *ids);

static inline bool ebn_identity_reserved(uint32_t number)
{
	return number < EBN_ID_CLUSTER_MIN;
}

#endif
