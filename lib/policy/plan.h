/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The steps of a plan, for plan.c. */
#ifndef EBN_POLICY_PLAN_H
#define EBN_POLICY_PLAN_H

#include "policy/engine.h"

/* The partition of the identities by the columns the plan's policies use. */
int ebn_plan_classes(struct ebn_plan *pl);
/* What a policy's groups and ports' names come to; one that stays the same in all of it keeps its entries. -ENOMEM. */
int ebn_inst_sum(struct ebn_plan *pl, const struct ebpfnet_policy_set *set, const struct ebn_rulebook *b,
		 uint64_t *ret);
int ebn_inst_make(struct ebn_plan *pl, const struct ebpfnet_policy_set *set, struct ebn_rulebook *book, uint64_t sum,
		  const struct ebn_inst *was, struct ebn_inst **ret);
/* A number that an adopted arena knows the rule by, and its text for logs; 0: none. */
uint32_t ebn_orphan_number(struct ebn_policy *p, const char *name, uint32_t rule, const char *log);
/* The partition of the port map by their rules. -E2BIG with diag. */
int ebn_plan_ports(struct ebn_plan *pl);

#endif
