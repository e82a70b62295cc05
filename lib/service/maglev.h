/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Maglev tables: which backend has which slot. Pure, and a function of the backends' addresses and weights alone: neither
 * the order they come in nor what was there before matters, so every node makes the same table.
 */
#ifndef EBN_SERVICE_MAGLEV_H
#define EBN_SERVICE_MAGLEV_H

#include "core/internal.h"

/* Backends rounded up get this many slots each. */
#define EBN_MAGLEV_PER_BACKEND 100u

struct ebn_maglev_in {
	uint64_t hash;		/* of the backend's address, port and protocol */
	uint32_t weight;	/* 1.. */
	uint16_t index;		/* what its slots hold */
};

/* Slots of a table: a prime, or 1. n: 1.. */
uint32_t ebn_maglev_size(const struct ebn_maglev_in *in, uint32_t n);
/* Fills slot[slots], slots as by ebn_maglev_size(). Sorts in. -ENOMEM. */
int ebn_maglev_fill(struct ebn_maglev_in *in, uint32_t n, uint16_t *slot, uint32_t slots);

#endif
