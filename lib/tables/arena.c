// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tables/arena.h"

#define NIL EBN_ARENA_NIL
/*
 * How many blocks of the request's own class are looked at for one that fits, before a larger class
 * is split.
 */
#define FIT_TRIES 16

static uint32_t log2_of(uint32_t n)
{
	return 31 - (uint32_t)__builtin_clz(n);
}

/* Class of a block of n lines: below 8 one each, then eight to a power of two. */
static void class_of(uint32_t n, uint32_t *ret_fl, uint32_t *ret_sl)
{
	uint32_t fl;

	if (n < EBN_ARENA_CLASSES) {
		*ret_fl = 0;
		*ret_sl = n;
		return;
	}
	fl = log2_of(n);
	*ret_sl = (n >> (fl - 3)) & (EBN_ARENA_CLASSES - 1);
	*ret_fl = fl - 2;
}

int ebn_arena_init(struct ebn_arena *a, uint32_t first, uint32_t lines)
{
	if (!lines || lines > EBN_ARENA_LINES_MAX || first > UINT32_MAX - lines)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	a->first = first;
	a->lines = lines;
	a->retired_head = a->cut_head = a->spare = NIL;
	memset(a->head, 0xff, sizeof(a->head));
	a->at = ebn_calloc(lines, sizeof(*a->at));
	a->reserved = ebn_calloc((lines + 63) / 64, sizeof(*a->reserved));
	if (!a->at || !a->reserved) {
		ebn_arena_done(a);
		return -ENOMEM;
	}
	return 0;
}

void ebn_arena_done(struct ebn_arena *a)
{
	free(a->at);
	free(a->reserved);
	free(a->block);
	memset(a, 0, sizeof(*a));
}

/* ---- descriptors ---- */

/* Makes sure that the next n calls of block_new() cannot fail. */
static int block_spare(struct ebn_arena *a, uint32_t n)
{
	return ebn_grow(&a->block, &a->block_cap, (size_t)a->blocks + n, sizeof(*a->block));
}

static uint32_t block_new(struct ebn_arena *a, uint32_t line, uint32_t lines)
{
	uint32_t i = a->spare;

	if (i != NIL)
		a->spare = a->block[i].lnext;
	else
		i = a->blocks++;
	a->block[i] = (struct ebn_block){
		.line = line, .lines = lines, .prev = NIL, .next = NIL, .lprev = NIL, .lnext = NIL,
		.state = EBN_BLOCK_USED,
	};
	a->at[line - a->first] = i + 1;
	return i;
}

static void block_drop(struct ebn_arena *a, uint32_t i)
{
	a->at[a->block[i].line - a->first] = 0;
	a->block[i].lines = 0;
	a->block[i].lnext = a->spare;
	a->spare = i;
}

/* ---- lists of free blocks ---- */

static void list_add(struct ebn_arena *a, uint32_t i)
{
	struct ebn_block *b = &a->block[i];
	uint32_t fl, sl;

	class_of(b->lines, &fl, &sl);
	b->state = EBN_BLOCK_FREE;
	b->lprev = NIL;
	b->lnext = a->head[fl][sl];
	if (b->lnext != NIL)
		a->block[b->lnext].lprev = i;
	a->head[fl][sl] = i;
	a->class_map[fl] |= (uint8_t)(1u << sl);
	a->first_map |= 1u << fl;
}

static void list_del(struct ebn_arena *a, uint32_t i)
{
	struct ebn_block *b = &a->block[i];
	uint32_t fl, sl;

	class_of(b->lines, &fl, &sl);
	if (b->lnext != NIL)
		a->block[b->lnext].lprev = b->lprev;
	if (b->lprev != NIL) {
		a->block[b->lprev].lnext = b->lnext;
		return;
	}
	a->head[fl][sl] = b->lnext;
	if (b->lnext != NIL)
		return;
	a->class_map[fl] &= (uint8_t)~(1u << sl);
	if (!a->class_map[fl])
		a->first_map &= ~(1u << fl);
}

/* A free block of n lines at least, NIL: none. */
static uint32_t list_find(const struct ebn_arena *a, uint32_t n)
{
	uint32_t fl, sl, i, tries, classes, levels;

	class_of(n, &fl, &sl);
	/*
	 * the own class holds smaller ones too, so it is searched: first a little, at the end in
	 * full
	 */
	for (i = a->head[fl][sl], tries = 0; i != NIL && tries < FIT_TRIES; i = a->block[i].lnext, tries++)
		if (a->block[i].lines >= n)
			return i;
	classes = a->class_map[fl] & ~((2u << sl) - 1);
	if (classes)
		return a->head[fl][__builtin_ctz(classes)];
	levels = fl + 1 < EBN_ARENA_FIRST_LEVELS ? a->first_map & ~((2u << fl) - 1) : 0;
	if (levels) {
		fl = (uint32_t)__builtin_ctz(levels);
		return a->head[fl][__builtin_ctz(a->class_map[fl])];
	}
	for (; i != NIL; i = a->block[i].lnext)
		if (a->block[i].lines >= n)
			return i;
	return NIL;
}

/* ---- adoption ---- */

static bool reserved_get(const struct ebn_arena *a, uint32_t i)
{
	return a->reserved[i / 64] >> (i % 64) & 1;
}

int ebn_arena_reserve(struct ebn_arena *a, uint32_t line, uint32_t lines)
{
	uint32_t i, at = line - a->first;
	int err;

	if (!a->reserved)
		return -EBUSY;
	if (!lines || line < a->first || at >= a->lines || lines > a->lines - at)
		return -ERANGE;
	for (i = at; i < at + lines; i++)
		if (reserved_get(a, i))
			return -EEXIST;
	err = block_spare(a, 1);
	if (err)
		return err;
	for (i = at; i < at + lines; i++)
		a->reserved[i / 64] |= 1ULL << (i % 64);
	block_new(a, line, lines);
	a->used += lines;
	return 0;
}

/* One gap or block behind the other: links them, and lists the gaps as free. */
static uint32_t seal_append(struct ebn_arena *a, uint32_t last, uint32_t i)
{
	a->block[i].prev = last;
	if (last != NIL)
		a->block[last].next = i;
	return i;
}

int ebn_arena_seal(struct ebn_arena *a)
{
	uint32_t at, last = NIL, end;
	int err;

	if (!a->reserved)
		return 0;
	/* between n blocks there are at most n + 1 gaps */
	err = block_spare(a, a->blocks + 1);
	if (err)
		return err;
	for (at = 0; at < a->lines; at = end) {
		if (a->at[at]) {
			last = seal_append(a, last, a->at[at] - 1);
			end = at + a->block[last].lines;
			continue;
		}
		for (end = at; end < a->lines && !a->at[end];)
			end++;
		last = seal_append(a, last, block_new(a, a->first + at, end - at));
		list_add(a, last);
	}
	free(a->reserved);
	a->reserved = NULL;
	return 0;
}

bool ebn_arena_sealed(const struct ebn_arena *a)
{
	return !a->reserved;
}

/* ---- use ---- */

int ebn_arena_alloc(struct ebn_arena *a, uint32_t lines, uint32_t *ret)
{
	uint32_t i, rest;
	int err;

	if (!lines || a->reserved)
		return -EINVAL;
	if (lines > a->lines)
		return -ENOSPC;
	i = list_find(a, lines);
	if (i == NIL)
		return -ENOSPC;
	if (a->block[i].lines > lines) {
		err = block_spare(a, 1);
		if (err)
			return err;
		list_del(a, i);
		rest = block_new(a, a->block[i].line + lines, a->block[i].lines - lines);
		a->block[rest].prev = i;
		a->block[rest].next = a->block[i].next;
		if (a->block[rest].next != NIL)
			a->block[a->block[rest].next].prev = rest;
		a->block[i].next = rest;
		a->block[i].lines = lines;
		list_add(a, rest);
	} else {
		list_del(a, i);
	}
	a->block[i].state = EBN_BLOCK_USED;
	a->used += lines;
	*ret = a->block[i].line;
	return 0;
}

/* Index of the block that begins at this line and is in this state, NIL: none. */
static uint32_t block_find(const struct ebn_arena *a, uint32_t line, uint32_t state)
{
	uint32_t i;

	if (line < a->first || line - a->first >= a->lines)
		return NIL;
	i = a->at[line - a->first];
	return i && a->block[i - 1].state == state ? i - 1 : NIL;
}

uint32_t ebn_arena_len(const struct ebn_arena *a, uint32_t line)
{
	uint32_t i = block_find(a, line, EBN_BLOCK_USED);

	return i == NIL ? 0 : a->block[i].lines;
}

/* Merges block `next` into its neighbour before it. */
static void block_merge(struct ebn_arena *a, uint32_t i, uint32_t next)
{
	a->block[i].lines += a->block[next].lines;
	a->block[i].next = a->block[next].next;
	if (a->block[i].next != NIL)
		a->block[a->block[i].next].prev = i;
	block_drop(a, next);
}

static void block_free(struct ebn_arena *a, uint32_t i)
{
	uint32_t next = a->block[i].next, prev = a->block[i].prev;

	a->used -= a->block[i].lines;
	if (next != NIL && a->block[next].state == EBN_BLOCK_FREE) {
		list_del(a, next);
		block_merge(a, i, next);
	}
	if (prev != NIL && a->block[prev].state == EBN_BLOCK_FREE) {
		list_del(a, prev);
		block_merge(a, prev, i);
		i = prev;
	}
	list_add(a, i);
}

int ebn_arena_free(struct ebn_arena *a, uint32_t line)
{
	uint32_t i = block_find(a, line, EBN_BLOCK_USED);

	if (i == NIL || a->reserved)
		return -EINVAL;
	block_free(a, i);
	return 0;
}

int ebn_arena_retire(struct ebn_arena *a, uint32_t line)
{
	uint32_t i = block_find(a, line, EBN_BLOCK_USED);

	if (i == NIL)
		return -EINVAL;
	a->block[i].state = EBN_BLOCK_RETIRED;
	a->block[i].lnext = a->retired_head;
	a->retired_head = i;
	a->retired++;
	return 0;
}

uint32_t ebn_arena_cut(struct ebn_arena *a)
{
	uint32_t i;

	/*
	 * what was retired since the earlier cut may be used by readers that its grace period does
	 * not wait for
	 */
	if (a->cut)
		return a->cut;
	for (i = a->retired_head; i != NIL; i = a->block[i].lnext)
		a->block[i].state = EBN_BLOCK_CUT;
	a->cut_head = a->retired_head;
	a->cut = a->retired;
	a->retired_head = NIL;
	a->retired = 0;
	return a->cut;
}

void ebn_arena_reap(struct ebn_arena *a, void (*fn)(void *arg, uint32_t line, uint32_t lines), void *arg)
{
	uint32_t i, next;

	if (a->reserved)
		return;
	for (i = a->cut_head; i != NIL; i = next) {
		next = a->block[i].lnext;
		if (fn)
			fn(arg, a->block[i].line, a->block[i].lines);
		block_free(a, i);
	}
	a->cut_head = NIL;
	a->cut = 0;
}

/* ---- for tests ---- */

static int verify_lists(const struct ebn_arena *a, uint32_t *ret_free)
{
	uint32_t fl, sl, i, want_fl, want_sl, n = 0;

	for (fl = 0; fl < EBN_ARENA_FIRST_LEVELS; fl++) {
		if (!!(a->first_map >> fl & 1) != !!a->class_map[fl])
			return -EPROTO;
		for (sl = 0; sl < EBN_ARENA_CLASSES; sl++) {
			if ((a->class_map[fl] >> sl & 1) != (a->head[fl][sl] != NIL))
				return -EPROTO;
			for (i = a->head[fl][sl]; i != NIL; i = a->block[i].lnext, n++) {
				class_of(a->block[i].lines, &want_fl, &want_sl);
				if (want_fl != fl || want_sl != sl || a->block[i].state != EBN_BLOCK_FREE)
					return -EPROTO;
			}
		}
	}
	*ret_free = n;
	return 0;
}

int ebn_arena_verify(const struct ebn_arena *a)
{
	uint32_t i, line = a->first, used = 0, nfree = 0, retired = 0, cut = 0, listed, prev = NIL;
	const struct ebn_block *b;

	if (a->reserved)
		return -EPROTO;
	for (i = a->at[0] - 1; i != NIL; prev = i, i = b->next) {
		b = &a->block[i];
		if (b->line != line || b->prev != prev || a->at[line - a->first] != i + 1 || !b->lines)
			return -EPROTO;
		if (b->state == EBN_BLOCK_FREE && prev != NIL && a->block[prev].state == EBN_BLOCK_FREE)
			return -EPROTO;
		nfree += b->state == EBN_BLOCK_FREE;
		retired += b->state == EBN_BLOCK_RETIRED;
		cut += b->state == EBN_BLOCK_CUT;
		used += b->state == EBN_BLOCK_FREE ? 0 : b->lines;
		line += b->lines;
	}
	if (line != a->first + a->lines || used != a->used || retired != a->retired || cut != a->cut)
		return -EPROTO;
	if (verify_lists(a, &listed) || listed != nfree)
		return -EPROTO;
	return 0;
}
