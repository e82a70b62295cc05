// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tables/numbers.h"

enum { FREE, USED, RESTING };

void ebn_numbers_init(struct ebn_numbers *ns, struct ebn_node *nt, uint32_t first, uint32_t max)
{
	*ns = (struct ebn_numbers){ .nt = nt, .end = first, .low = first, .max = max };
}

void ebn_numbers_done(struct ebn_numbers *ns)
{
	free(ns->state);
	ns->state = NULL;
	ns->cap = 0;
}

int ebn_numbers_take(struct ebn_numbers *ns, uint32_t number)
{
	if (number >= ns->max)
		return -ENOSPC;
	if (ebn_grow(&ns->state, &ns->cap, (size_t)number + 1, 1) < 0)
		return -ENOMEM;
	if (ns->state[number] != FREE)
		return 1;
	ns->state[number] = USED;
	if (number >= ns->end)
		ns->end = number + 1;
	return 0;
}

int ebn_numbers_get(struct ebn_numbers *ns, uint32_t *ret)
{
	int err;

	while (ns->low < ns->cap && ns->state[ns->low] != FREE)
		ns->low++;
	err = ebn_numbers_take(ns, ns->low);
	if (err < 0)
		return err;
	*ret = ns->low++;
	return 0;
}

void ebn_numbers_unget(struct ebn_numbers *ns, uint32_t number)
{
	ns->state[number] = FREE;
	if (number < ns->low)
		ns->low = number;
	while (ns->end > 1 && ns->state[ns->end - 1] == FREE)
		ns->end--;
}

static void rested(void *arg, uint64_t number)
{
	ebn_numbers_unget(arg, (uint32_t)number);
}

void ebn_numbers_retire(struct ebn_numbers *ns, uint32_t number)
{
	ns->state[number] = RESTING;
	/* without memory for the note the number rests until the next start */
	ebn_node_defer(ns->nt, rested, ns, number);
}
