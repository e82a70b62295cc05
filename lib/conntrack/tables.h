/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Copies out of node tables, for names and for conntrack; any mapping will do. */
#ifndef EBN_CONNTRACK_TABLES_H
#define EBN_CONNTRACK_TABLES_H

#include "tables/rows.h"

/* The slot's n elements lie within size bytes. */
bool ebn_slot_fits(uint64_t size, struct ebn_slot slot, size_t each);
/* Endpoint ids by row, 0: no endpoint. *ret is the caller's to free. 0, -EPROTO, -EAGAIN, -ENOMEM. */
int ebn_read_row_ids(const void *mem, uint64_t size, uint16_t **ret, uint32_t *ret_n);
/* The decisions of one generation. *ret is the caller's to free. */
int ebn_read_decisions(const void *mem, uint64_t size, struct ebn_decision **ret, uint32_t *ret_n,
		       uint32_t *ret_generation);

#endif
