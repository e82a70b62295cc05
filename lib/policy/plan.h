/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The steps of a plan, for plan.c. */
#ifndef EBN_POLICY_PLAN_H
#define EBN_POLICY_PLAN_H

#include "policy/engine.h"

/* The partition of the identities by the columns the plan's policies use. */
int ebn_plan_classes(struct ebn_plan *pl);
/* The partition of the port map by their rules. -E2BIG with diag. */
int ebn_plan_ports(struct ebn_plan *pl);

#endif
