/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The flow table's protocol (docs/flow-table.md): one key with two ways in its first set and one in its second, and a
 * second key that competes for the same ways. What must hold is asserted where it could fail; a process that waits for
 * ever is an invalid end state.
 *
 * Memory. Spin interleaves statements as a sequentially consistent machine does. What arm64 may reorder beyond that is
 * written out: an inserter's stores into the entry come in any order (nothing orders them among themselves), the
 * reader's copies likewise. What the barriers and address dependencies forbid is done by the variants WEAK_CLAIM (the
 * rivals are scanned before the claim is visible), WEAK_PUBLISH (a store into the entry behind the one that publishes)
 * and NO_DEP (the entry is read behind the second look at the tag), each of which Spin must refuse.
 *
 * -D chooses who runs: INSERT_K=n, INSERT_J=n, READ=n, KILL=n; and one broken variant:
 *	NO_RESCAN	no look for rivals behind the claim
 *	NO_ORDER	of two claims each waits for the other
 *	NO_RECHECK	the tag is not read again behind the copy
 *	NO_TAG_SEQ	tags carry no sequence number, and so control words do not either
 *	PLAIN_CTL	the control word is stored, not swapped
 *	NO_CTL_SEQ	control words carry no sequence number
 *	NO_GRACE	counters are read at once after the kill
 */
#ifndef INSERT_K
#define INSERT_K 0
#endif
#ifndef INSERT_J
#define INSERT_J 0
#endif
#ifndef READ
#define READ 0
#endif
#ifndef KILL
#define KILL 0
#endif

#define WAYS 3			/* 0, 1: first set of key K; 2: its second. The number is the order among claims */
#define K 1			/* keys; also their hashes */
#define J 2

#define FREE 0
#define CLAIM 1
#define LIVE 2
#define DEAD 3

#ifdef NO_TAG_SEQ
#define TAG(hash, seq, state) ((hash) * 64 + (state))
#define SEQ(t) 0
#else
#define TAG(hash, seq, state) ((hash) * 64 + (seq) * 4 + (state))
#define SEQ(t) (((t) >> 2) & 15)
#endif
#define STATE(t) ((t) & 3)
#define HASH(t) ((t) >> 6)

#ifdef NO_CTL_SEQ
#define CTL(seq, version) (version)
#else
#define CTL(seq, version) ((seq) * 4 + (version))
#endif

/* the table */
byte tag[WAYS];
byte key[WAYS];
byte val[WAYS];			/* which filling wrote it: every one writes another number */
byte ctl[WAYS];
byte count[WAYS];

/* ghosts: nobody decides by them */
byte fills;			/* fillings so far */
byte owner[WAYS];		/* the filling that ctl belongs to */
byte final[WAYS];		/* counters were handed out as final: of this filling */
byte inside;			/* programs inside their RCU read side */
byte live_k;

#define IS_K(t) (HASH(t) == K && STATE(t) == LIVE)
#define IS_CLAIM(t) (HASH(t) == K && STATE(t) == CLAIM)

/* what is in a way that was claimed: any order of the three stores */
inline fill(w, k, seq)
{
	fills++;
	mine = fills;
	done = 0;
	do
	:: !(done & 1) -> key[w] = k; done = done | 1
	:: !(done & 2) -> val[w] = mine; done = done | 2
	:: !(done & 4) -> atomic { ctl[w] = CTL(seq, 0); owner[w] = mine; count[w] = 0; done = done | 4 }
	:: done == 7 -> break
	od
}

/* bits: 1 the key is live, 2 a claim behind ours, 4 a claim ahead. One look at one tag a step. */
inline scan(w)
{
	seen = 0;
	i = 0;
	do
	:: i < WAYS && i != w ->
		t = tag[i];
		if
		:: IS_CLAIM(t) && i > w -> seen = seen | 2
		:: IS_CLAIM(t) && i < w -> seen = seen | 4
		:: IS_K(t) ->
			if
			:: key[i] == K -> seen = seen | 1
			:: else
			fi
		:: else
		fi;
		i++
	:: i == w -> i++
	:: i == WAYS -> break
	od
}

/* an inserter of K; a way is free, or is given up while it is live */
proctype insert_k()
{
	byte w, t, i, seen, old, seq, done, mine;
	bool looked = false;

	inside++;
	/* find: a miss, whoever comes in between */
	i = 0;
	do
	:: i < WAYS -> t = tag[i]; if :: IS_K(t) -> goto out :: else -> i++ fi
	:: else -> break
	od;
	if
	:: w = 0 :: w = 1 :: w = 2
	fi;
	old = tag[w];
	if
	:: STATE(old) == FREE || STATE(old) == LIVE
	:: else -> goto out
	fi;
	seq = SEQ(old) + 1;
#ifdef WEAK_CLAIM
	scan(w);
	looked = true;
#endif
	atomic {
		if
		:: tag[w] == old -> tag[w] = TAG(K, seq, CLAIM); if :: IS_K(old) -> live_k-- :: else fi
		:: else -> goto out
		fi
	}
again:
#ifndef NO_RESCAN
	if
	:: !looked -> scan(w)
	:: else
	fi;
	if
	:: seen & 1 -> goto give_way
#ifdef NO_ORDER
	:: !(seen & 1) && (seen & 6) -> goto wait
#else
	:: !(seen & 1) && (seen & 4) -> goto give_way
	:: seen == 2 -> goto wait
#endif
	:: seen == 0
	fi;
#endif
#ifdef WEAK_PUBLISH
	atomic { tag[w] = TAG(K, seq, LIVE); live_k++; assert(live_k <= 1) }
	fill(w, K, seq);
#else
	fill(w, K, seq);
	atomic { tag[w] = TAG(K, seq, LIVE); live_k++; assert(live_k <= 1) }
#endif
	goto out;
wait:
	/* a program scans a bounded number of times; here it waits as long as it takes, to see that it would end */
	looked = false;
#ifdef NO_ORDER
	(w == 0 || !IS_CLAIM(tag[0])) && (w == 1 || !IS_CLAIM(tag[1])) && (w == 2 || !IS_CLAIM(tag[2]));
#else
	(w >= 1 || !IS_CLAIM(tag[1])) && (w >= 2 || !IS_CLAIM(tag[2]));
#endif
	goto again;
give_way:
	tag[w] = TAG(0, seq, FREE);
out:
	inside--
}

/* takes a way from whoever has it, for another key; alone with its key, it needs no scan */
proctype insert_j()
{
	byte w, old, seq, done, mine;

	inside++;
	if
	:: w = 0 :: w = 1 :: w = 2
	fi;
	old = tag[w];
	if
	:: STATE(old) == FREE || STATE(old) == LIVE
	:: else -> goto out
	fi;
	seq = SEQ(old) + 1;
	atomic {
		if
		:: tag[w] == old -> tag[w] = TAG(J, seq, CLAIM); if :: IS_K(old) -> live_k-- :: else fi
		:: else -> goto out
		fi
	}
	fill(w, J, seq);
	tag[w] = TAG(J, seq, LIVE);
out:
	inside--
}

/* find, update, count */
proctype reader()
{
	byte w, t, k, v, c, o, done;

	inside++;
	if
	:: w = 0 :: w = 1 :: w = 2
	fi;
	t = tag[w];
	if
	:: IS_K(t)
	:: else -> goto out
	fi;
#ifdef NO_DEP
	if
	:: tag[w] == t
	:: else -> goto out
	fi;
#endif
	done = 0;
	do
	:: !(done & 1) -> k = key[w]; done = done | 1
	:: !(done & 2) -> v = val[w]; done = done | 2
	:: !(done & 4) -> atomic { c = ctl[w]; o = owner[w]; done = done | 4 }
	:: done == 7 -> break
	od;
#if !defined(NO_RECHECK) && !defined(NO_DEP)
	if
	:: tag[w] == t
	:: else -> goto out
	fi;
#endif
	/* the copy is of one filling, and of this key */
	assert(k == K && v == o);
	/* update */
#ifdef PLAIN_CTL
	atomic { assert(owner[w] == v); ctl[w] = CTL(SEQ(t), 1) }
#else
	atomic {
		if
		:: ctl[w] == c -> assert(owner[w] == v); ctl[w] = CTL(SEQ(t), 1)
		:: else
		fi
	}
#endif
	/* an add hits whoever is there; never one whose counters are final */
	atomic { assert(!final[w] || final[w] != owner[w]); count[w]++ }
out:
	inside--
}

/* user space: kill, grace period, read the counters, free */
proctype killer()
{
	byte w, t, before;

	if
	:: w = 0 :: w = 1 :: w = 2
	fi;
	t = tag[w];
	if
	:: IS_K(t)
	:: else -> goto out
	fi;
	atomic {
		if
		:: tag[w] == t -> tag[w] = TAG(K, SEQ(t), DEAD); live_k--
		:: else -> goto out
		fi
	}
#ifndef NO_GRACE
	/* nobody who was inside is inside any more; that newcomers have to leave too only makes it longer */
	inside == 0;
#endif
	final[w] = owner[w];
	/* and the way is free for the next one */
	atomic {
		if
		:: tag[w] == TAG(K, SEQ(t), DEAD) -> tag[w] = TAG(0, SEQ(t), FREE)
		:: else
		fi
	}
out:
	skip
}

init {
	byte n;

	atomic {
#ifdef FILLED
		/* K is there already */
		tag[0] = TAG(K, 1, LIVE);
		key[0] = K; fills = 1; val[0] = 1; owner[0] = 1; ctl[0] = CTL(1, 0); live_k = 1;
#endif
		n = 0; do :: n < INSERT_K -> run insert_k(); n++ :: else -> break od;
		n = 0; do :: n < INSERT_J -> run insert_j(); n++ :: else -> break od;
		n = 0; do :: n < READ -> run reader(); n++ :: else -> break od;
		n = 0; do :: n < KILL -> run killer(); n++ :: else -> break od
	}
	/* all have ended: no claim is left */
	_nr_pr == 1;
	n = 0;
	do
	:: n < WAYS -> assert(STATE(tag[n]) != CLAIM); n++
	:: else -> break
	od
}
