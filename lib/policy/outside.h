/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The world, as far as policies tell parts of it apart. A prefix that a set speaks of has an identity of the local scope whose
 * labels are reserved:world and one label for each prefix, group, service and DNS name of the set that covers it; so prefixes
 * come down to selectors over labels like all else, and what is covered by the same is one identity.
 *
 * A commit that changes what is spoken of goes in three steps. First each prefix concerned is sent to an identity with the labels
 * of the new set, but in the class of the identity it had: no verdict changes. Then classes and tables are published with one
 * store. A grace period later, when no packet reads the tables of before, prefixes that nobody speaks of any more go, and
 * identities that were there for the change alone: what is left is of the same class.
 */
#ifndef EBN_POLICY_OUTSIDE_H
#define EBN_POLICY_OUTSIDE_H

#include "identity/allocator.h"
#include "policy/model.h"

struct ebn_policy;

/* Who put a prefix into the node tables, where that is the policy. */
#define EBN_PREFIX_OWNER_POLICY 0x504fu

enum ebn_outside_state {
	EBN_OUTSIDE_SETTLED,
	EBN_OUTSIDE_MOVED,	/* may have an identity for the time of a commit */
	EBN_OUTSIDE_GONE,	/* nobody speaks of it any more; its identity has the labels of what is around it */
};
struct ebn_outside_use {
	struct ebn_net net;
	struct ebn_identity *id;	/* with a reference */
	enum ebn_outside_state state;
};

/* An address and one name it was learnt under. */
struct ebn_learnt {
	struct ebn_net net;
	char *name;
	bool pattern;		/* of before a restart: the pattern that its name matched is all that is known */
};
#define EBN_LEARNT_MAX (1u << 20)

struct ebn_outside {
	struct ebn_outside_use *use;	/* in the node tables, sorted */
	size_t n_use;
	bool tidying;			/* the next grace period does it */
	struct ebn_learnt *learnt;
	size_t n_learnt, learnt_cap;
	struct ebn_index by_net;	/* hash of the address -> number in learnt */
	char **pattern;			/* DNS patterns of the set in force, sorted */
	size_t n_patterns;
};

/* Once the rest of the policy is gone: frees memory, changes no table. */
void ebn_outside_done(struct ebn_policy *p);

/* Adoption, once identities are there: the prefixes the policy had put into the tables. -ENOMEM. */
int ebn_outside_adopt(struct ebn_policy *p);
/* For learn.c. Somebody gave this very prefix labels of its own. */
bool ebn_outside_taken(struct ebn_policy *p, const struct ebn_net *net);
/* Sends an address from one identity to the other (NULL: none); flows of it are checked again. Takes over old's reference. */
int ebn_outside_move(struct ebn_policy *p, const struct ebn_net *net, struct ebn_identity *id,
		     struct ebn_identity *old);
int ebn_learnt_add(struct ebn_outside *o, const struct ebn_net *net, const char *name, bool pattern);

struct ebn_outside_plan;
/* First step; with dry nothing in the tables changes. -E2BIG with diag, -ENOSPC, -ENOMEM: nothing changed. */
int ebn_outside_begin(struct ebn_policy *p, const struct ebpfnet_policy_set *set, bool dry, struct ebpfnet_diag *diag,
		      struct ebn_outside_plan **ret);
/* Last step; done: the set is in force. Frees the plan; NULL is allowed. */
void ebn_outside_end(struct ebn_outside_plan *op, bool done);

#endif
