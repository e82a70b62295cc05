/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The identities in force on this node, of every scope: the reserved ones for "reserved:NAME", those of the cluster
 * (EBN_ID_CLUSTER_MIN..EBN_ID_CLUSTER_MAX), and two of this node alone: prefixes of the world, and labels that stand within
 * prefixes, of which each has the number behind its own for the identity its labels have without them (ebn_node.h).
 */
#ifndef EBN_IDENTITY_ALLOCATOR_H
#define EBN_IDENTITY_ALLOCATOR_H

#include <ebpfnet/identity.h>
#include <ebpfnet/labels.h>

#include "tables/node.h"

struct ebn_identities;

/* Scopes whose numbers are this node's own. Numbers rest for a grace period. */
enum ebn_scope {
	EBN_SCOPE_OUTSIDE,	/* from EBN_ID_SCOPE_LOCAL on */
	EBN_SCOPE_SPLIT,	/* from EBN_ID_SPLIT on, every other number */
	EBN_SCOPES,
};

struct ebn_identity {
	struct ebpfnet_labels *labels;
	uint32_t number;
	uint32_t refs;
	uint32_t tag;		/* the user's */
	struct ebn_identity *base;	/* of the split scope: who it is without its prefixes, with a reference */
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
/* Forgets an identity without references; its base is the caller's to release. reuse_now: nobody has ever seen the number. */
void ebn_identities_remove(struct ebn_identities *ids, struct ebn_identity *id, bool reuse_now);

/* Of the scope; two of equal labels may be there, only one of them is found. NULL: none. */
struct ebn_identity *ebn_local_find(struct ebn_identities *ids, enum ebn_scope scope,
				    const struct ebpfnet_labels *labels);
/* An identity with a number of its own and no reference; base gets one. found: it is the one of its labels. -ENOSPC, -ENOMEM. */
int ebn_local_make(struct ebn_identities *ids, enum ebn_scope scope, const struct ebpfnet_labels *labels,
		   struct ebn_identity *base, bool found, struct ebn_identity **ret);
/* From now on it is the one of its labels. -ENOMEM. */
int ebn_local_settle(struct ebn_identities *ids, struct ebn_identity *id);
/* Adoption, by number; without references, and base is the caller's to set. -EINVAL, -ENOMEM. */
int ebn_local_restore(struct ebn_identities *ids, uint32_t number, const struct ebpfnet_labels *labels,
		      struct ebn_identity **ret);
static inline bool ebn_identity_split(uint32_t number)
{
	return number >= EBN_ID_SPLIT && number < EBN_ID_SCOPE_REMOTE_NODE;
}

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
