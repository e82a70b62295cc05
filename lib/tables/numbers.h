/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Small numbers that rest for a grace period between two users. */
#ifndef EBN_TABLES_NUMBERS_H
#define EBN_TABLES_NUMBERS_H

#include "tables/node.h"

struct ebn_numbers {
	struct ebn_node *nt;
	uint8_t *state;
	size_t cap;
	uint32_t end;			/* all in use are below */
	uint32_t low;			/* none free is below */
	uint32_t max;			/* numbers are below this */
};
void ebn_numbers_init(struct ebn_numbers *ns, struct ebn_node *nt, uint32_t first, uint32_t max);
void ebn_numbers_done(struct ebn_numbers *ns);
/* -ENOSPC, -ENOMEM. */
int ebn_numbers_get(struct ebn_numbers *ns, uint32_t *ret);
/* Adoption: takes a given number; 1: it was taken already. -ENOSPC, -ENOMEM. */
int ebn_numbers_take(struct ebn_numbers *ns, uint32_t number);
/* Nobody has seen it: free at once. */
void ebn_numbers_unget(struct ebn_numbers *ns, uint32_t number);
/* Free after the next grace period. */
void ebn_numbers_retire(struct ebn_numbers *ns, uint32_t number);

#endif
