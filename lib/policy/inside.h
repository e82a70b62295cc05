/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Addresses that somebody gave labels to, within prefixes that also speak of such (EBPFNET_PEER_F_ENDPOINTS). The identity that
 * policy asks about is one of the split scope then: the address's labels and one label for each such prefix and group that covers
 * it. It is made from the identity of the labels alone, its base, which is what events and people are told.
 *
 * A commit that changes these prefixes goes the way of outside.h: each address concerned is sent to an identity of the new labels
 * in the class of the old one, then classes and tables are published, and a grace period later those made for the change go.
 */
#ifndef EBN_POLICY_INSIDE_H
#define EBN_POLICY_INSIDE_H

#include "policy/marks.h"

struct ebn_inside {
	struct ebn_want *want;	/* prefixes in force, sorted */
	size_t n_wants;
	ptrdiff_t *up;		/* by place in want: the prefix around it, -1: none */
	bool tidying;		/* the next grace period does it */
	bool moved;		/* addresses may have an identity for the time of a commit */
};

void ebn_inside_done(struct ebn_policy *p);
/* Adoption, once identities are there: bases, and a reference for each address. -EPROTO with diag, -ENOMEM. */
int ebn_inside_adopt(struct ebn_policy *p, struct ebpfnet_diag *diag);

struct ebn_inside_plan;
/* First step; with dry nothing in the tables changes. -E2BIG with diag, -ENOSPC, -ENOMEM: nothing changed. */
int ebn_inside_begin(struct ebn_policy *p, const struct ebpfnet_policy_set *set, bool dry, struct ebpfnet_diag *diag,
		     struct ebn_inside_plan **ret);
/* Last step; done: the set is in force. Frees the plan; NULL is allowed. */
void ebn_inside_end(struct ebn_inside_plan *ip, bool done);

#endif
