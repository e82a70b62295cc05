// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Addresses: each may live in two buckets of four. In the table that programs read an entry never
 * changes from one address to another within a grace period, for a program might have compared the
 * old address and read the new identity:
 *
 *   FREE -> LIVE        address words first, then {identity, row} with release
 *   LIVE -> DYING       {identity, row} = 0; FREE after a grace period
 *   LIVE -> MOVED       the same address was made in its other bucket; both say the same, so a program that has
 *                       looked into one of them already cannot miss it; DYING after a grace period
 *
 * A bucket that fills up has an entry moved out of it at once, so that the next address finds room
 * without waiting. Where that was not enough a new table is built out of sight, by moving as much
 * as it takes, and swapped in.
 */
#include "tables/rows_internal.h"

#define BUCKETS_MIN 1024u
/*
 * Both buckets full: the table is doubled when more than this share of its entries is in use, in
 * tenths. Below that it happens to less than one address in ten thousand, and building a table of
 * the same size anew makes room.
 */
#define LOAD_MAX 5u
#define MOVES_MAX 500u

struct key {
	uint32_t addr[4];
	uint64_t hash;
};

static struct key key_of(const uint32_t addr[4])
{
	struct key k;

	memcpy(k.addr, addr, sizeof(k.addr));
	k.hash = ebn_addr_hash(k.addr);
	return k;
}

static uint32_t bucket_of(uint64_t hash, uint32_t n, unsigned int which)
{
	return (which ? (uint32_t)(hash >> 32) : (uint32_t)hash) & (n - 1);
}

static struct ebn_addr_entry *entry_at(struct ebn_rows *r, uint32_t i)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_ADDR);
	struct ebn_addr_bucket *b = ebn_node_ptr(r->nt, s.off, s.n * (uint32_t)sizeof(*b));

	return &b[i / EBN_ADDR_WAYS].e[i % EBN_ADDR_WAYS];
}

/*
 * Entries that hold this address, at most two (the one the programs find is the first); how many.
 */
static unsigned int addr_find(struct ebn_rows *r, const struct key *k, uint32_t at[2])
{
	unsigned int which, w, n = 0;
	uint32_t i;

	for (which = 0; which < 2; which++) {
		for (w = 0; w < EBN_ADDR_WAYS; w++) {
			i = bucket_of(k->hash, r->addr_buckets, which) * EBN_ADDR_WAYS + w;
			if (r->addr_place[i] != EBN_PLACE_LIVE && r->addr_place[i] != EBN_PLACE_MOVED)
				continue;
			if (n < 2 && !(n && at[0] == i) && !memcmp(entry_at(r, i)->addr, k->addr, sizeof(k->addr)))
				at[n++] = i;
		}
	}
	return n;
}

static unsigned int bucket_free(struct ebn_rows *r, uint32_t bucket, uint32_t *ret_at)
{
	unsigned int w, n = 0;

	for (w = EBN_ADDR_WAYS; w-- > 0;) {
		if (r->addr_place[bucket * EBN_ADDR_WAYS + w] != EBN_PLACE_FREE)
			continue;
		*ret_at = bucket * EBN_ADDR_WAYS + w;
		n++;
	}
	return n;
}

static void entry_fill(struct ebn_rows *r, uint32_t i, const uint32_t addr[4], uint64_t value)
{
	struct ebn_addr_entry *e = entry_at(r, i);
	unsigned int w;

	for (w = 0; w < 4; w++)
		EBN_WRITE(e->addr[w], addr[w]);
	ebn_pair_store(&e->identity, value);
	r->addr_place[i] = EBN_PLACE_LIVE;
}

/* ---- what happens a grace period later ---- */

#define COOKIE(r, i) ((uint64_t)(r)->addr_version << 32 | (i))

static bool cookie_entry(struct ebn_rows *r, uint64_t cookie, uint32_t *ret_i)
{
	*ret_i = (uint32_t)cookie;
	return cookie >> 32 == r->addr_version;
}

static void entry_dead(void *arg, uint64_t cookie)
{
	struct ebn_rows *r = arg;
	uint32_t i;

	if (cookie_entry(r, cookie, &i) && r->addr_place[i] == EBN_PLACE_DYING)
		r->addr_place[i] = EBN_PLACE_FREE;
}

static void entry_break(void *arg, uint64_t cookie)
{
	struct ebn_rows *r = arg;
	uint32_t i;

	if (!cookie_entry(r, cookie, &i) || r->addr_place[i] != EBN_PLACE_MOVED)
		return;
	ebn_pair_store(&entry_at(r, i)->identity, 0);
	r->addr_place[i] = EBN_PLACE_DYING;
	/* no memory: the entry stays unused until the table is next rebuilt, nothing worse */
	(void)ebn_node_defer(r->nt, entry_dead, r, COOKIE(r, i));
}

/* Moves one address out of a full bucket, if one of them has plenty of room in its other bucket. */
static void bucket_relieve(struct ebn_rows *r, uint32_t bucket)
{
	uint32_t i, at = 0, other;
	const struct ebn_addr_entry *e;
	struct key k;
	unsigned int w;

	for (w = 0; w < EBN_ADDR_WAYS; w++) {
		i = bucket * EBN_ADDR_WAYS + w;
		if (r->addr_place[i] != EBN_PLACE_LIVE)
			continue;
		e = entry_at(r, i);
		k = key_of(e->addr);
		other = bucket_of(k.hash, r->addr_buckets, 0);
		if (other == bucket)
			other = bucket_of(k.hash, r->addr_buckets, 1);
		if (other == bucket || bucket_free(r, other, &at) < 2)
			continue;
		if (ebn_node_defer(r->nt, entry_break, r, COOKIE(r, i)))
			return;
		entry_fill(r, at, k.addr, ebn_pair(e->identity, e->row));
		r->addr_place[i] = EBN_PLACE_MOVED;
		return;
	}
}

/* ---- building a table out of sight ---- */

struct build {
	struct ebn_addr_bucket *b;
	uint32_t n;
	uint32_t walk;		/* which entry is moved next when both buckets are full */
};

/* Free entries of a bucket; *ret one of them. */
static unsigned int build_room(struct build *t, uint32_t bucket, struct ebn_addr_entry **ret)
{
	unsigned int w, n = 0;

	for (w = EBN_ADDR_WAYS; w-- > 0;) {
		if (t->b[bucket].e[w].identity)
			continue;
		*ret = &t->b[bucket].e[w];
		n++;
	}
	return n;
}

static bool build_add(struct build *t, struct ebn_addr_entry in)
{
	struct ebn_addr_entry *e[2] = { NULL, NULL }, out;
	unsigned int room[2], which;
	uint32_t moves, at, last = UINT32_MAX;
	uint64_t hash;

	for (moves = 0; moves < MOVES_MAX; moves++) {
		hash = ebn_addr_hash(in.addr);
		for (which = 0; which < 2; which++)
			room[which] = build_room(t, bucket_of(hash, t->n, which), &e[which]);
		/* the emptier one, so that few buckets are full */
		which = room[1] > room[0];
		if (room[which]) {
			*e[which] = in;
			return true;
		}
		/* somebody has to go: not the one that has just come */
		at = bucket_of(hash, t->n, 0);
		if (at == last)
			at = bucket_of(hash, t->n, 1);
		e[0] = &t->b[at].e[t->walk++ % EBN_ADDR_WAYS];
		out = *e[0];
		*e[0] = in;
		in = out;
		last = at;
	}
	return false;
}

static bool build_fill(struct ebn_rows *r, struct build *t, const struct ebn_addr_entry *extra)
{
	uint32_t i;

	for (i = 0; i < r->addr_buckets * EBN_ADDR_WAYS; i++)
		if (r->addr_place[i] == EBN_PLACE_LIVE && !build_add(t, *entry_at(r, i)))
			return false;
	return build_add(t, *extra);
}

/* Publishes a table of n buckets at off; r->addr_place follows it. */
static int table_swap(struct ebn_rows *r, uint32_t off, uint32_t n)
{
	uint32_t old = ebn_node_slot(r->nt, EBN_P_ADDR).off, i;
	uint8_t *place = ebn_calloc(n, EBN_ADDR_WAYS);
	int err;

	if (!place)
		return -ENOMEM;
	err = ebn_node_swap(r->nt, EBN_P_ADDR, off, n);
	if (err) {
		free(place);
		return err;
	}
	free(r->addr_place);
	r->addr_place = place;
	r->addr_buckets = n;
	r->addr_version++;
	for (i = 0; i < n * EBN_ADDR_WAYS; i++)
		if (entry_at(r, i)->identity)
			place[i] = EBN_PLACE_LIVE;
	return ebn_node_retire(r->nt, old);
}

static int table_rebuild(struct ebn_rows *r, const struct ebn_addr_entry *extra)
{
	struct build t = { .n = r->addr_buckets };
	uint32_t off;
	int err;

	if ((uint64_t)(r->addrs + 1) * 10 > (uint64_t)t.n * EBN_ADDR_WAYS * LOAD_MAX)
		t.n *= 2;
	for (;; t.n *= 2) {
		if (t.n > EBN_NODE_SIZE_MAX / sizeof(struct ebn_addr_bucket))
			return -ENOSPC;
		err = ebn_node_alloc(r->nt, EBN_P_ADDR, t.n * (uint32_t)sizeof(*t.b), &off);
		if (err)
			return err;
		t.b = ebn_node_ptr(r->nt, off, t.n * (uint32_t)sizeof(*t.b));
		if (build_fill(r, &t, extra))
			break;
		ebn_node_release(r->nt, off);
	}
	err = table_swap(r, off, t.n);
	if (err)
		ebn_node_release(r->nt, off);
	return err;
}

/* ---- interface ---- */

int ebn_addr_create(struct ebn_rows *r, struct ebn_slot *ret)
{
	int err;

	r->addr_place = ebn_calloc(BUCKETS_MIN, EBN_ADDR_WAYS);
	if (!r->addr_place)
		return -ENOMEM;
	err = ebn_node_alloc(r->nt, EBN_P_ADDR, BUCKETS_MIN * (uint32_t)sizeof(struct ebn_addr_bucket), &ret->off);
	if (err)
		return err;
	ret->n = r->addr_buckets = BUCKETS_MIN;
	return 0;
}

int ebn_addr_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag)
{
	struct ebn_addr_entry *e;
	struct ebn_ep_row *row;
	uint32_t i, bucket, at[2] = { 0, 0 };
	unsigned int n;
	struct key k;

	r->addr_buckets = ebn_node_slot(r->nt, EBN_P_ADDR).n;
	r->addr_place = ebn_calloc(r->addr_buckets, EBN_ADDR_WAYS);
	if (!r->addr_place)
		return -ENOMEM;
	for (i = 0; i < r->addr_buckets * EBN_ADDR_WAYS; i++) {
		e = entry_at(r, i);
		if (!e->identity)
			continue;
		k = key_of(e->addr);
		bucket = i / EBN_ADDR_WAYS;
		if (bucket_of(k.hash, r->addr_buckets, 0) != bucket && bucket_of(k.hash, r->addr_buckets, 1) != bucket)
			return ebn_diag(diag, "addresses", EPROTO, "entry %u is in a bucket it does not belong to", i);
		/*
		 * an address of an endpoint that is gone must not lead to the next one in its row
		 */
		row = e->row ? ebn_ep_row(r, e->row - 1) : NULL;
		if (e->row && (!row || r->ep_place[e->row - 1] != EBN_PLACE_LIVE))
			ebn_pair_store(&e->identity, ebn_pair(e->identity, 0));
		r->addr_place[i] = EBN_PLACE_LIVE;
	}
	/* an address that was moving is there twice: the one that programs find stays */
	for (i = 0; i < r->addr_buckets * EBN_ADDR_WAYS; i++) {
		if (r->addr_place[i] != EBN_PLACE_LIVE)
			continue;
		k = key_of(entry_at(r, i)->addr);
		n = addr_find(r, &k, at);
		if (i == at[0]) {
			r->addrs++;
			continue;
		}
		if (n != 2 || i != at[1])
			return ebn_diag(diag, "addresses", EPROTO, "entry %u is there a third time", i);
		r->addr_place[i] = EBN_PLACE_MOVED;
		ebn_pair_store(&entry_at(r, i)->identity,
			       ebn_pair(entry_at(r, at[0])->identity, entry_at(r, at[0])->row));
		if (ebn_node_defer(r->nt, entry_break, r, COOKIE(r, i)))
			return -ENOMEM;
	}
	return 0;
}

int ebn_addr_set(struct ebn_rows *r, const uint32_t addr[4], uint32_t identity, uint32_t row)
{
	struct ebn_addr_entry entry = { .identity = identity, .row = row };
	uint64_t value = ebn_pair(identity, row);
	uint32_t at[2], free_at[2] = { 0, 0 };
	unsigned int n, room[2];
	struct key k;
	int err;

	if (!addr || !identity)
		return -EINVAL;
	k = key_of(addr);
	n = addr_find(r, &k, at);
	if (n) {
		if (entry_at(r, at[0])->identity == identity && entry_at(r, at[0])->row == row)
			return 0;
		while (n-- > 0)
			ebn_pair_store(&entry_at(r, at[n])->identity, value);
		ebn_node_raise_addr(r->nt, k.hash);
		return 0;
	}
	room[0] = bucket_free(r, bucket_of(k.hash, r->addr_buckets, 0), &free_at[0]);
	room[1] = bucket_free(r, bucket_of(k.hash, r->addr_buckets, 1), &free_at[1]);
	if (!room[0] && !room[1]) {
		memcpy(entry.addr, addr, sizeof(entry.addr));
		err = table_rebuild(r, &entry);
		if (err) {
			ebn_rows_failed(r);
			return err;
		}
	} else {
		n = room[1] > room[0];
		entry_fill(r, free_at[n], addr, value);
		if (room[n] == 1)
			bucket_relieve(r, free_at[n] / EBN_ADDR_WAYS);
	}
	r->addrs++;
	/* raised behind the store: a flow that was admitted by the old answer is checked again */
	ebn_node_raise_addr(r->nt, k.hash);
	return 0;
}

int ebn_addr_restate(struct ebn_rows *r, const uint32_t addr[4], uint32_t identity)
{
	uint32_t at[2];
	unsigned int n;
	struct key k;

	if (!addr || !identity)
		return -EINVAL;
	k = key_of(addr);
	n = addr_find(r, &k, at);
	if (!n)
		return -ENOENT;
	while (n-- > 0)
		ebn_pair_store(&entry_at(r, at[n])->identity, ebn_pair(identity, entry_at(r, at[n])->row));
	return 0;
}

int ebn_addr_del(struct ebn_rows *r, const uint32_t addr[4])
{
	uint32_t at[2];
	unsigned int n, i;
	struct key k;
	int err;

	if (!addr)
		return -EINVAL;
	k = key_of(addr);
	n = addr_find(r, &k, at);
	if (!n)
		return -ENOENT;
	err = ebn_node_defer_room(r->nt, n);
	if (err)
		return err;
	for (i = 0; i < n; i++) {
		(void)ebn_node_defer(r->nt, entry_dead, r, COOKIE(r, at[i]));
		ebn_pair_store(&entry_at(r, at[i])->identity, 0);
		r->addr_place[at[i]] = EBN_PLACE_DYING;
	}
	r->addrs--;
	ebn_node_raise_addr(r->nt, k.hash);
	return 0;
}

int ebn_addr_get(struct ebn_rows *r, const uint32_t addr[4], uint32_t *ret_identity, uint32_t *ret_row)
{
	uint32_t at[2];
	struct key k;

	if (!addr)
		return -EINVAL;
	k = key_of(addr);
	if (!addr_find(r, &k, at))
		return -ENOENT;
	if (ret_identity)
		*ret_identity = entry_at(r, at[0])->identity;
	if (ret_row)
		*ret_row = entry_at(r, at[0])->row;
	return 0;
}

uint32_t ebn_addr_count(struct ebn_rows *r)
{
	return r->addrs;
}

int ebn_addr_foreach(struct ebn_rows *r, int (*fn)(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg),
		     void *arg)
{
	const struct ebn_addr_entry *e;
	uint32_t i;
	int err;

	for (i = 0; i < r->addr_buckets * EBN_ADDR_WAYS; i++) {
		if (r->addr_place[i] != EBN_PLACE_LIVE)
			continue;
		e = entry_at(r, i);
		err = fn(e->addr, e->identity, e->row, arg);
		if (err < 0)
			return err;
	}
	return 0;
}
