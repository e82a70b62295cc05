/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Counters of programs, which have one for each CPU. */
#ifndef EBN_TEST_COUNTS_H
#define EBN_TEST_COUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "ebn_reason.h"

/* Adds up an element of n counters. */
void counts_sum(int map_fd, uint32_t key, uint64_t *ret, size_t n);
/* Which reason was counted in ebn_reason beyond before[], which becomes what is there now. */
enum ebn_reason counts_reason(int map_fd, uint64_t before[EBN_R_MAX]);

#endif
