/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Worlds of policy at the size of a cluster, for tests and bench alike: identities and policies by their number, always the same
 * for the same world.
 *
 *	typical		ten versions of each of many applications; a policy lets a few applications in by their name
 *	all-distinct	every identity has a label of its own, which some policy names, beside different others: a peer class
 *			each, when there are at least a tenth as many policies
 *	overlapping	typical, and each policy speaks of CIDRs that lie within those of others, with exceptions and denials
 *	churn		typical; what happens to it one step after the other is scale_step()
 */
#ifndef EBN_TEST_SCALE_H
#define EBN_TEST_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include <ebpfnet/labels.h>
#include <ebpfnet/policy.h>

#include "policy/policy.h"

enum scale_kind { SCALE_TYPICAL, SCALE_DISTINCT, SCALE_OVERLAPPING, SCALE_CHURN, SCALE_KINDS };
extern const char *const scale_names[SCALE_KINDS];

struct scale {
	enum scale_kind kind;
	uint32_t identities;
	uint32_t policies;
	uint32_t subjects;	/* the labels of the first so many identities are endpoints' here */
	uint64_t seed;		/* of the steps */
};

/* How many applications share the identities. */
uint32_t scale_apps(const struct scale *s);
/* Labels of identity number i. 0 or -errno. */
int scale_labels(const struct scale *s, uint32_t i, struct ebpfnet_labels **ret);
/* Puts policy number i, in one of its variants, into the set. 0 or -errno. */
int scale_policy(const struct scale *s, uint32_t i, uint32_t variant, struct ebpfnet_policy_set *set);
/* Its name. */
void scale_policy_name(uint32_t i, char ret[32]);
/* All of it: references on identities and subjects, kept in ids[] and subs[] where they are not NULL; policies into the set. */
int scale_fill(const struct scale *s, struct ebn_policy *policy, struct ebpfnet_policy_set *set, uint32_t *ids,
	       uint32_t *subs);

/* What happens next: identities beyond the first half come and go, policies go, come back and change. */
struct scale_step {
	bool identity;		/* else a policy */
	uint32_t i;
	bool gone;		/* it was there, and is not from now on */
	uint32_t variant;	/* of a policy that is there from now on */
};
struct scale_churn {
	uint64_t state;
	uint32_t *variant;	/* by policy; UINT32_MAX: not there */
	bool *there;		/* by identity */
};
/* As scale_fill() leaves it. 0 or -ENOMEM. */
int scale_churn_begin(const struct scale *s, struct scale_churn *c);
void scale_churn_end(struct scale_churn *c);
struct scale_step scale_churn_step(const struct scale *s, struct scale_churn *c);

#endif
