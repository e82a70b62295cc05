// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * After Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer" (NSDI 2016): each backend walks the
 * slots in an order of its own and takes the next free one when it is its turn. Two things differ:
 *
 * - Shares are exact. Each backend's number of slots is fixed beforehand by its weight (largest remainders), and turns are
 *   dealt out evenly until everybody has them.
 * - The size depends on the number of backends rounded up to 1, 2, 3, 4, 6, 8, 12, 16, …: with another prime every walk is
 *   another one and nearly all slots change hands, so a size for each number would move everything at each change.
 */
#include "service/maglev.h"
#include "ebn_service.h"

#define ROUNDS_MAX 512u
#define FREE UINT16_MAX

static bool is_prime(uint32_t n)
{
	uint32_t d;

	if (n < 4)
		return n > 1;
	if (n % 2 == 0)
		return false;
	for (d = 3; d * d <= n; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

static uint64_t step_up(uint64_t n)
{
	uint64_t p = 1;

	while (p < n)
		p *= 2;
	return p >= 4 && p / 4 * 3 >= n ? p / 4 * 3 : p;
}

uint32_t ebn_maglev_size(const struct ebn_maglev_in *in, uint32_t n)
{
	uint64_t sum = 0, units = n, slots;
	uint32_t lightest = UINT32_MAX, i;

	if (n < 2)
		return 1;
	for (i = 0; i < n; i++) {
		sum += in[i].weight;
		if (in[i].weight < lightest)
			lightest = in[i].weight;
	}
	/* half of the usual number for the lightest: whole slots then miss its share by a hundredth on average */
	if (sum / (2 * (uint64_t)lightest) > units)
		units = sum / (2 * (uint64_t)lightest);
	slots = step_up(units) * EBN_MAGLEV_PER_BACKEND;
	if (slots >= EBN_SVC_SLOTS_MAX)
		return EBN_SVC_SLOTS_MAX;
	while (!is_prime((uint32_t)slots))
		slots++;
	return (uint32_t)slots;
}

struct walk {
	uint32_t at, skip;	/* where it looks next */
	uint32_t quota, has;
	uint64_t rest;		/* of the division that made the quota */
	uint32_t order;
};

static int by_hash(const void *a, const void *b)
{
	const struct ebn_maglev_in *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return 0;
}

/* Who has nothing yet first, then by the rest. */
static int by_rest(const void *a, const void *b)
{
	const struct walk *x = *(const struct walk *const *)a, *y = *(const struct walk *const *)b;

	if (!x->quota != !y->quota)
		return x->quota ? 1 : -1;
	if (x->rest != y->rest)
		return x->rest > y->rest ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static int quotas(const struct ebn_maglev_in *in, struct walk *w, uint32_t n, uint32_t slots)
{
	_free_ struct walk **sorted = ebn_calloc(n, sizeof(struct walk *));
	uint64_t sum = 0, share;
	uint32_t i, left = slots;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		sum += in[i].weight;
	for (i = 0; i < n; i++) {
		share = (uint64_t)slots * in[i].weight;
		w[i].quota = (uint32_t)(share / sum);
		w[i].rest = share % sum;
		w[i].order = i;
		left -= w[i].quota;
		sorted[i] = &w[i];
	}
	qsort(sorted, n, sizeof(struct walk *), by_rest);
	for (i = 0; i < left; i++)
		sorted[i]->quota++;
	return 0;
}

static void take(struct walk *w, uint16_t index, uint16_t *slot, uint32_t slots)
{
	uint32_t at = w->at, skip = w->skip, back = slots - w->skip;

	while (slot[at] != FREE)
		at = at >= back ? at - back : at + skip;
	slot[at] = index;
	/* what it took is taken: the next look begins behind it */
	w->at = at >= back ? at - back : at + skip;
	w->has++;
}

int ebn_maglev_fill(struct ebn_maglev_in *in, uint32_t n, uint16_t *slot, uint32_t slots)
{
	_free_ struct walk *w = NULL;
	uint32_t i, round, rounds = 0;
	uint64_t due;
	int err;

	if (!n || n > EBN_SVC_MEMBERS_MAX || !slots)
		return -EINVAL;
	if (slots == 1) {
		*slot = in->index;
		return 0;
	}
	qsort(in, n, sizeof(*in), by_hash);
	w = ebn_calloc(n, sizeof(*w));
	if (!w)
		return -ENOMEM;
	err = quotas(in, w, n, slots);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		w[i].at = (uint32_t)(in[i].hash % slots);
		w[i].skip = (uint32_t)(ebn_mix64(in[i].hash + 1) % (slots - 1)) + 1;
		if (w[i].quota > rounds)
			rounds = w[i].quota;
	}
	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	memset(slot, 0xff, (size_t)slots * sizeof(*slot));
	for (round = 1; round <= rounds; round++) {
		for (i = 0; i < n; i++) {
			/* its share of this many rounds; all of it in the last */
			due = ((uint64_t)w[i].quota * round + rounds - 1) / rounds;
			while (w[i].has < due)
				take(&w[i], in[i].index, slot, slots);
		}
	}
	return 0;
}
