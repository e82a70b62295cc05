/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Node tables: publish, grace period, reuse, epochs. One writer, two readers (programs).
 *
 * Stores of the writer go through a buffer that lets them become visible in any order, as arm64 may; a store with
 * release becomes visible only when all stores before it are. -DSC: stores are visible at once. Readers' loads are in
 * program order, because each address depends on the load before (lib/node.h).
 *
 * Variants that must fail:
 *   -DPLAIN_PUBLISH	the root is stored without release
 *   -DEARLY_PUBLISH	the root is stored before the piece is filled
 *   -DNO_GRACE		a piece is filled again without a grace period
 *   -DPLAIN_EPOCH	the epoch is stored without release
 *   -DEARLY_EPOCH	the epoch is raised before the publish
 *   -DLATE_READ	the program reads the epoch behind the root its verdict came from
 */
#define PIECES 2
#define GENERATIONS 4
#define READERS 2
#define PASSES 3

byte word[4];		/* two words in each piece: the generation that wrote them */
byte root;		/* piece * 16 + generation: one word */
byte epoch;		/* raised once for each generation, so it should be its number */

bool buffered[4];
byte buffered_word[4];
bool buffered_root;
byte buffered_root_value;
bool buffered_epoch;
byte buffered_epoch_value;

bool inside[READERS];
byte passes[READERS];

#define NO_WORD_BUFFERED (!buffered[0] && !buffered[1] && !buffered[2] && !buffered[3])
#ifdef PLAIN_PUBLISH
#define ROOT_MAY_GO true
#else
#define ROOT_MAY_GO NO_WORD_BUFFERED
#endif
#ifdef PLAIN_EPOCH
#define EPOCH_MAY_GO true
#else
#define EPOCH_MAY_GO (NO_WORD_BUFFERED && !buffered_root)
#endif

inline store_word(i, v)
{
#ifdef SC
	word[i] = v;
#else
	/* two stores to one word keep their order */
	atomic { !buffered[i] -> buffered[i] = true; buffered_word[i] = v; }
#endif
}

inline store_root(v)
{
#ifdef SC
	root = v;
#else
	atomic { !buffered_root -> buffered_root = true; buffered_root_value = v; }
#endif
}

inline store_epoch(v)
{
#ifdef SC
	epoch = v;
#else
	atomic { !buffered_epoch -> buffered_epoch = true; buffered_epoch_value = v; }
#endif
}

active proctype buffer()
{
end:
	do
	:: atomic { buffered[0] -> word[0] = buffered_word[0]; buffered[0] = false; buffered_word[0] = 0; }
	:: atomic { buffered[1] -> word[1] = buffered_word[1]; buffered[1] = false; buffered_word[1] = 0; }
	:: atomic { buffered[2] -> word[2] = buffered_word[2]; buffered[2] = false; buffered_word[2] = 0; }
	:: atomic { buffered[3] -> word[3] = buffered_word[3]; buffered[3] = false; buffered_word[3] = 0; }
	:: atomic { buffered_root && ROOT_MAY_GO -> root = buffered_root_value; buffered_root = false;
		    buffered_root_value = 0; }
	:: atomic { buffered_epoch && EPOCH_MAY_GO -> epoch = buffered_epoch_value; buffered_epoch = false;
		    buffered_epoch_value = 0; }
	od
}

inline grace()
{
	/* a full barrier first: membarrier(2) and a map-in-map update both are one */
	atomic { NO_WORD_BUFFERED && !buffered_root && !buffered_epoch -> skip; }
	r = 0;
	do
	:: r < READERS ->
		was = passes[r];
		(!inside[r] || passes[r] != was);
		r++;
	:: else -> break;
	od;
	was = 0;
}

active proctype writer()
{
	byte generation = 1, piece = 1, r, was;

	do
	:: generation <= GENERATIONS ->
#ifdef EARLY_EPOCH
		store_epoch(generation);
#endif
#ifdef EARLY_PUBLISH
		store_root(piece * 16 + generation);
#endif
		store_word(piece * 2, generation);
		store_word(piece * 2 + 1, generation);
#ifndef EARLY_PUBLISH
		store_root(piece * 16 + generation);
#endif
#ifndef EARLY_EPOCH
		store_epoch(generation);
#endif
#ifndef NO_GRACE
		grace();
#endif
		/* the other piece is free now */
		piece = 1 - piece;
		generation++;
	:: else -> break;
	od
}

proctype reader(byte me)
{
	byte seen, first, second, sum, n;

	do
	:: n < PASSES ->
		inside[me] = true;
#ifndef LATE_READ
		sum = epoch;
#endif
		seen = root;
		first = word[(seen / 16) * 2];
		second = word[(seen / 16) * 2 + 1];
#ifdef LATE_READ
		sum = epoch;
#endif
		/* one generation, whole */
		assert(first == seen % 16 && second == seen % 16);
		/* the flow's entry keeps sum with this verdict: it must not count as newer than the verdict is */
		assert(sum <= seen % 16);
		atomic { passes[me] = passes[me] + 1; inside[me] = false; seen = 0; first = 0; second = 0; sum = 0; }
		n++;
	:: else -> break;
	od
}

init {
	atomic { run reader(0); run reader(1); }
}
