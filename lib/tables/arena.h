/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The space of the node tables: which lines are in use. Its state lives in private memory only, so
 * it is never half written and never trusted from outside; adoption rebuilds it by reserving what
 * is reachable.
 *
 * Free blocks hang in lists by size (eight classes for each power of two, a bitmap finds the next
 * class that holds one), neighbours are known, so allocating and freeing take constant time and
 * free neighbours are always merged.
 */
#ifndef EBN_TABLES_ARENA_H
#define EBN_TABLES_ARENA_H

#include "core/internal.h"

#define EBN_ARENA_FIRST_LEVELS 24u
#define EBN_ARENA_CLASSES 8u
#define EBN_ARENA_LINES_MAX (1u << 23)
#define EBN_ARENA_NIL UINT32_MAX

enum ebn_block_state {
	EBN_BLOCK_FREE,
	EBN_BLOCK_USED,
	EBN_BLOCK_RETIRED,	/* waits for a grace period to begin */
	EBN_BLOCK_CUT,		/* waits for it to end */
};

struct ebn_block {
	uint32_t line, lines;
	uint32_t prev, next;	/* neighbours in space */
	uint32_t lprev, lnext;	/* in the list of its class; lnext alone in the retired and cut lists */
	uint32_t state;
};

struct ebn_arena {
	uint32_t first, lines;	/* the lines it manages */
	uint32_t used;		/* lines that are not free */
	uint32_t retired, cut;	/* blocks */
	uint32_t retired_head, cut_head;
	uint64_t *reserved;	/* bitmap while adopting, NULL once sealed */
	uint32_t *at;		/* by line - first: index + 1 of the block that begins there */
	struct ebn_block *block;
	size_t block_cap;
	uint32_t blocks, spare;	/* descriptors in use; list of unused ones below that */
	uint32_t first_map;
	uint8_t class_map[EBN_ARENA_FIRST_LEVELS];
	uint32_t head[EBN_ARENA_FIRST_LEVELS][EBN_ARENA_CLASSES];
};

/* Lines first .. first + lines - 1. -EINVAL, -ENOMEM. */
int ebn_arena_init(struct ebn_arena *a, uint32_t first, uint32_t lines);
void ebn_arena_done(struct ebn_arena *a);

/*
 * Before sealing: these lines are in use. -ERANGE outside, -EEXIST overlaps, -ENOMEM; nothing
 * changed then.
 */
int ebn_arena_reserve(struct ebn_arena *a, uint32_t line, uint32_t lines);
/* Everything else is free now. -ENOMEM. */
int ebn_arena_seal(struct ebn_arena *a);
bool ebn_arena_sealed(const struct ebn_arena *a);

/* lines in a row; *ret the first. -ENOSPC, -ENOMEM. */
int ebn_arena_alloc(struct ebn_arena *a, uint32_t lines, uint32_t *ret);
/* The block in use that begins there, lines of it, 0: none. */
uint32_t ebn_arena_len(const struct ebn_arena *a, uint32_t line);
/* USED -> FREE. -EINVAL: no block in use begins there. */
int ebn_arena_free(struct ebn_arena *a, uint32_t line);
/* USED -> RETIRED. -EINVAL. */
int ebn_arena_retire(struct ebn_arena *a, uint32_t line);
/* RETIRED -> CUT, all of them; not while an earlier cut waits. How many are cut. */
uint32_t ebn_arena_cut(struct ebn_arena *a);
/* CUT -> FREE, all of them; fn sees each first. */
void ebn_arena_reap(struct ebn_arena *a, void (*fn)(void *arg, uint32_t line, uint32_t lines), void *arg);

/* Walks every block and list: 0, or -EPROTO when an invariant does not hold. For tests. */
int ebn_arena_verify(const struct ebn_arena *a);

#endif
