// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Peer classes. A signature is the sum of the random 128-bit keys of the columns an identity is in, so it can be kept up when
 * columns come and go. Two identities of different columns get one signature with a chance of 2^-128; the keys are secret, so
 * nobody can look for such a pair.
 */
#include "policy/plan.h"

void ebn_classes_done(struct ebn_classes *cl)
{
	free(cl->sig);
	free(cl->class_of);
	free(cl->next);
	free(cl->prev);
	free(cl->reps);
	free(cl->cls);
	ebn_index_done(&cl->by_sig);
	*cl = (struct ebn_classes){ 0 };
}

int ebn_classes_reserve(struct ebn_classes *cl, size_t slots)
{
	size_t cap = cl->slots ? cl->slots : 256, n;

	if (slots <= cl->slots)
		return 0;
	while (cap < slots)
		cap *= 2;
	/* arrays that have grown already stay so when the next one cannot: slots says what all have */
	n = cl->slots;
	if (ebn_grow(&cl->sig, &n, cap, sizeof(*cl->sig)) < 0)
		return -ENOMEM;
	n = cl->slots;
	if (ebn_grow(&cl->class_of, &n, cap, sizeof(*cl->class_of)) < 0)
		return -ENOMEM;
	n = cl->slots;
	if (ebn_grow(&cl->next, &n, cap, sizeof(*cl->next)) < 0)
		return -ENOMEM;
	n = cl->slots;
	if (ebn_grow(&cl->prev, &n, cap, sizeof(*cl->prev)) < 0)
		return -ENOMEM;
	n = cl->slots / 64;
	if (ebn_grow(&cl->reps, &n, cap / 64, sizeof(*cl->reps)) < 0)
		return -ENOMEM;
	cl->slots = cap;
	return 0;
}

int ebn_classes_reserve_ids(struct ebn_classes *cl, size_t n)
{
	return ebn_grow(&cl->cls, &cl->cls_cap, n, sizeof(*cl->cls));
}

bool ebn_classes_find(const struct ebn_classes *cl, const uint64_t sig[2], uint32_t *ret)
{
	uint32_t cursor, i = 0;

	if (!sig[0] && !sig[1]) {
		*ret = EBN_CLASS_UNKNOWN;
		return true;
	}
	ebn_index_for_each(&cl->by_sig, sig[0], cursor, i) {
		if (cl->cls[i].sig[0] == sig[0] && cl->cls[i].sig[1] == sig[1]) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int ebn_classes_make(struct ebn_classes *cl, uint32_t cls, const uint64_t sig[2])
{
	if (ebn_classes_reserve_ids(cl, (size_t)cls + 1) < 0 || ebn_index_add(&cl->by_sig, sig[0], cls) < 0)
		return -ENOMEM;
	cl->cls[cls] = (struct ebn_class){ { sig[0], sig[1] }, 0, EBN_SLOT_NONE };
	cl->n++;
	return 0;
}

void ebn_classes_join(struct ebn_classes *cl, uint32_t slot, uint32_t cls, const uint64_t sig[2])
{
	struct ebn_class *c;

	cl->sig[slot][0] = sig[0];
	cl->sig[slot][1] = sig[1];
	cl->class_of[slot] = cls;
	cl->next[slot] = cl->prev[slot] = EBN_SLOT_NONE;
	if (cls == EBN_CLASS_UNKNOWN)
		return;
	c = &cl->cls[cls];
	/* behind the head, so that who stands for the class changes only when it leaves */
	if (c->head == EBN_SLOT_NONE) {
		c->head = slot;
		ebn_bit_put(cl->reps, slot, true);
	} else {
		cl->next[slot] = cl->next[c->head];
		cl->prev[slot] = c->head;
		if (cl->next[slot] != EBN_SLOT_NONE)
			cl->prev[cl->next[slot]] = slot;
		cl->next[c->head] = slot;
	}
	c->n++;
}

bool ebn_classes_leave(struct ebn_classes *cl, uint32_t slot)
{
	uint32_t cls = cl->class_of[slot], next = cl->next[slot];
	struct ebn_class *c;

	cl->class_of[slot] = EBN_CLASS_UNKNOWN;
	if (cls == EBN_CLASS_UNKNOWN)
		return false;
	c = &cl->cls[cls];
	if (next != EBN_SLOT_NONE)
		cl->prev[next] = cl->prev[slot];
	if (c->head == slot) {
		ebn_bit_put(cl->reps, slot, false);
		c->head = next;
		if (next != EBN_SLOT_NONE)
			ebn_bit_put(cl->reps, next, true);
	} else {
		cl->next[cl->prev[slot]] = next;
	}
	if (--c->n)
		return false;
	ebn_index_remove(&cl->by_sig, c->sig[0], cls);
	cl->n--;
	return true;
}

/* ---- the partition a plan makes ---- */

/* Identities of one new signature. */
struct block {
	uint64_t sig[2];
	uint32_t n;
	uint32_t first;		/* class of the first */
	uint32_t was;		/* class of one that was in the class of its labels, else of the first */
	bool fits;		/* there is such a one: tables that stay have its row */
	bool torn;		/* not all of them were in one class */
	uint32_t cls;
};

struct blocks {
	struct block *b;
	size_t n, cap;
	struct ebn_index by_sig;
	struct ebn_index pairs;
};

static void add_column(struct ebn_classes *cl, const struct ebn_column *c, size_t slots, bool minus)
{
	uint64_t k0 = minus ? -c->key[0] : c->key[0], k1 = minus ? -c->key[1] : c->key[1], w;

	for (size_t i = 0; i < slots / 64; i++) {
		for (w = c->bits[i]; w; w &= w - 1) {
			size_t slot = i * 64 + (size_t)__builtin_ctzll(w);

			cl->sig[slot][0] += k0;
			cl->sig[slot][1] += k1;
		}
	}
}

/* New signatures: those in force, and what has come and gone since. Returns whether anything has. */
static bool resign(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	bool any = p->misfits;

	for (size_t i = 0; i < p->peers.n; i++) {
		struct ebn_column *c = p->peers.col[i];

		if (!c || c->counted == (c->plan == pl->number))
			continue;
		any = true;
		add_column(&pl->classes, c, p->peers.items_cap < pl->classes.slots ? p->peers.items_cap :
			   pl->classes.slots, c->counted);
	}
	return any;
}

static int note_pair(struct ebn_plan *pl, struct ebn_index *seen, uint32_t was, uint32_t now)
{
	uint64_t key = (uint64_t)was << 32 | now;
	uint32_t cursor, i = 0;

	ebn_index_for_each(seen, key, cursor, i)
		return 0;
	if (ebn_grow(&pl->moved, &pl->moved_cap, pl->n_moved + 1, sizeof(*pl->moved)) < 0 ||
	    ebn_index_add(seen, key, 0) < 0)
		return -ENOMEM;
	pl->moved[pl->n_moved++] = (struct ebn_pair){ was, now };
	return 0;
}

/* Was the identity in the class of its labels? After adoption nobody knows, and no table stays. */
static bool fitted(const struct ebn_policy *p, size_t slot)
{
	const uint64_t *sig = p->classes.sig[slot];
	uint32_t cls = p->classes.class_of[slot];

	if (!p->misfits || !p->committed)
		return true;
	if (cls == EBN_CLASS_UNKNOWN)
		return !sig[0] && !sig[1];
	return !memcmp(sig, p->classes.cls[cls].sig, sizeof(p->classes.cls[cls].sig));
}

static int group(struct ebn_plan *pl, struct blocks *bs, uint32_t *block_of)
{
	struct ebn_policy *p = pl->p;
	uint32_t cursor, i = 0;
	struct block *b;
	bool found;

	for (size_t slot = 0; slot < p->peers.n_items; slot++) {
		const uint64_t *sig = pl->classes.sig[slot];

		if (!p->peers.item[slot])
			continue;
		found = false;
		ebn_index_for_each(&bs->by_sig, sig[0], cursor, i) {
			found = bs->b[i].sig[1] == sig[1] && bs->b[i].sig[0] == sig[0];
			if (found)
				break;
		}
		if (!found) {
			i = (uint32_t)bs->n;
			if (ebn_grow(&bs->b, &bs->cap, bs->n + 1, sizeof(*bs->b)) < 0 ||
			    ebn_index_add(&bs->by_sig, sig[0], i) < 0)
				return -ENOMEM;
			bs->b[bs->n++] = (struct block){ .sig = { sig[0], sig[1] },
							 .first = p->classes.class_of[slot],
							 .was = p->classes.class_of[slot] };
		}
		b = &bs->b[i];
		b->n++;
		b->torn |= b->first != p->classes.class_of[slot];
		if (!b->fits && fitted(p, slot)) {
			b->fits = true;
			b->was = p->classes.class_of[slot];
		}
		block_of[slot] = i;
	}
	return 0;
}

/* A class that stays whole keeps its number; the others get numbers nobody uses, also no reader of the tables in force. */
static int number_blocks(struct ebn_plan *pl, struct blocks *bs)
{
	struct ebn_policy *p = pl->p;
	int err;

	for (size_t i = 0; i < bs->n; i++) {
		struct block *b = &bs->b[i];

		if (!b->sig[0] && !b->sig[1]) {
			b->cls = EBN_CLASS_UNKNOWN;
			continue;
		}
		if (!b->torn && b->fits && b->was != EBN_CLASS_UNKNOWN && p->classes.cls[b->was].n == b->n) {
			b->cls = b->was;
		} else {
			if (ebn_grow(&pl->fresh, &pl->fresh_cap, pl->n_fresh + 1, sizeof(*pl->fresh)) < 0)
				return -ENOMEM;
			err = ebn_numbers_get(&p->class_ids, &b->cls);
			if (err < 0)
				return err;
			pl->fresh[pl->n_fresh++] = (struct ebn_pair){ b->was, b->cls };
			pl->new_rows |= !b->fits;
		}
		if (ebn_classes_make(&pl->classes, b->cls, b->sig) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int join_all(struct ebn_plan *pl, struct blocks *bs, const uint32_t *block_of)
{
	struct ebn_policy *p = pl->p;
	int err = note_pair(pl, &bs->pairs, EBN_CLASS_UNKNOWN, EBN_CLASS_UNKNOWN);

	for (size_t slot = 0; !err && slot < p->peers.n_items; slot++) {
		uint32_t cls;
		uint64_t sig[2];

		if (!p->peers.item[slot])
			continue;
		cls = bs->b[block_of[slot]].cls;
		memcpy(sig, pl->classes.sig[slot], sizeof(sig));
		ebn_classes_join(&pl->classes, (uint32_t)slot, cls, sig);
		err = note_pair(pl, &bs->pairs, p->classes.class_of[slot], cls);
	}
	return err;
}

int ebn_plan_classes(struct ebn_plan *pl)
{
	struct ebn_policy *p = pl->p;
	struct blocks bs = { 0 };
	_free_ uint32_t *block_of = NULL;
	int err;

	err = ebn_columns_fill(&p->peers);
	if (err < 0)
		return err;
	if (ebn_classes_reserve(&pl->classes, p->classes.slots) < 0 ||
	    ebn_classes_reserve_ids(&pl->classes, (size_t)p->class_ids.end + 1) < 0)
		return -ENOMEM;
	memcpy(pl->classes.sig, p->classes.sig, p->classes.slots * sizeof(*p->classes.sig));
	pl->new_classes = resign(pl) || !p->committed;
	if (!pl->new_classes) {
		ebn_classes_done(&pl->classes);
		return 0;
	}
	block_of = ebn_calloc(p->classes.slots, sizeof(*block_of));
	if (!block_of)
		return -ENOMEM;
	err = group(pl, &bs, block_of);
	if (!err)
		err = number_blocks(pl, &bs);
	if (!err)
		err = join_all(pl, &bs, block_of);
	ebn_index_done(&bs.by_sig);
	ebn_index_done(&bs.pairs);
	free(bs.b);
	return err;
}

int ebn_classes_verify(const struct ebn_policy *p)
{
	const struct ebn_classes *cl = &p->classes;

	for (size_t slot = 0; slot < p->peers.n_items; slot++) {
		uint64_t sig[2] = { 0 };
		uint32_t cls = cl->class_of[slot];

		if (!p->peers.item[slot])
			continue;
		for (size_t i = 0; i < p->peers.n; i++) {
			const struct ebn_column *c = p->peers.col[i];

			if (!c || !c->filled || !c->counted)
				continue;
			if (ebn_bit(c->bits, slot) != (ebpfnet_selector_match(c->selector, p->peers.item[slot]) != 0))
				return -EPROTO;
			sig[0] += ebn_bit(c->bits, slot) ? c->key[0] : 0;
			sig[1] += ebn_bit(c->bits, slot) ? c->key[1] : 0;
		}
		if (memcmp(sig, cl->sig[slot], sizeof(sig)) ||
		    (cls ? memcmp(sig, cl->cls[cls].sig, sizeof(sig)) : sig[0] || sig[1]) ||
		    ebn_class_get(p->rows, p->slot_number[slot]) != cls)
			return -EPROTO;
	}
	return 0;
}
