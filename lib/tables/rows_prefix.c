// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Prefixes, the writer's side of the trie in ebn_node.h. Programs walk it while it changes, so each change is one store of a
 * slot, or several that are right in any mix:
 *
 *   a prefix where a node is	the record first, then the slots it covers; each address sees the old or the new
 *   a prefix where none is	the node is filled out of sight, with what stood below the slot; one store puts it there
 *   a prefix goes		its slots go back to the next shorter one; nodes left with one way through are stepped over by
 *				one store; records and nodes are reused after a grace period
 *
 * A prefix may be hidden: longer ones of the same node cover all its slots. Then nothing leads to its record, which is why
 * each says for itself whether it is live.
 */
#include "tables/rows_prefix.h"

#include <arpa/inet.h>

#define NODES_MIN 64u
#define RECS_MIN 256u
#define POOL_MAX (1u << 24)

/* ---- elements ---- */

static void *element(struct ebn_rows *r, enum ebn_piece piece, uint32_t i, uint32_t size)
{
	return ebn_node_ptr(r->nt, ebn_node_slot(r->nt, piece).off + i * size, size);
}

struct ebn_prefix_node *ebn_px_node(struct ebn_rows *r, uint32_t i)
{
	return element(r, EBN_P_PREFIX_NODE, i, sizeof(struct ebn_prefix_node));
}

struct ebn_prefix *ebn_px_rec(struct ebn_rows *r, uint32_t i)
{
	return element(r, EBN_P_PREFIX, i, sizeof(struct ebn_prefix));
}

struct ebn_px_key ebn_px_rec_key(struct ebn_rows *r, uint32_t i)
{
	const struct ebn_prefix *p = ebn_px_rec(r, i);
	struct ebn_px_key k = { ebn_addr_bits(p->addr[0], p->addr[1]), ebn_addr_bits(p->addr[2], p->addr[3]), p->len };

	return k;
}

static void slot_store(struct ebn_prefix_slot *s, uint32_t link, uint32_t rec)
{
	ebn_pair_store(&s->link, ebn_pair(link, rec));
}

int ebn_px_pool_open(struct ebn_px_pool *pool, enum ebn_piece piece, uint32_t size, uint32_t cap)
{
	*pool = (struct ebn_px_pool){ .piece = piece, .size = size, .cap = cap };
	pool->free = ebn_calloc(cap, sizeof(*pool->free));
	pool->place = ebn_calloc(cap, 1);
	return pool->free && pool->place ? 0 : -ENOMEM;
}

static void pool_done(struct ebn_px_pool *pool)
{
	free(pool->free);
	free(pool->place);
	pool->free = NULL;
	pool->place = NULL;
}

void ebn_px_pool_put(struct ebn_px_pool *pool, uint32_t i)
{
	pool->place[i] = EBN_PLACE_FREE;
	pool->free[pool->n_free++] = i;
}

static uint32_t pool_take(struct ebn_px_pool *pool)
{
	uint32_t i = pool->free[--pool->n_free];

	pool->place[i] = EBN_PLACE_LIVE;
	return i;
}

/* A copy of a piece with room for n elements, out of sight. */
static int piece_copy(struct ebn_rows *r, const struct ebn_px_pool *pool, uint32_t n, struct ebn_slot *ret)
{
	struct ebn_slot old = ebn_node_slot(r->nt, pool->piece);
	uint32_t off;
	int err;

	err = ebn_node_alloc(r->nt, pool->piece, n * pool->size, &off);
	if (err)
		return err;
	memcpy(ebn_node_ptr(r->nt, off, n * pool->size), ebn_node_ptr(r->nt, old.off, pool->cap * pool->size),
	       (size_t)pool->cap * pool->size);
	*ret = (struct ebn_slot){ .off = off, .n = n };
	return 0;
}

/*
 * New pieces with the same contents, the nodes' with room for so many, the records' for so many. Always both: a program that still
 * walks the old nodes must find all they lead to among the old records, so neither changes after this.
 */
static int pieces_replace(struct ebn_rows *r, uint32_t nodes, uint32_t recs)
{
	static const enum ebn_piece piece[2] = { EBN_P_PREFIX_NODE, EBN_P_PREFIX };
	struct ebn_slot old[2] = { ebn_node_slot(r->nt, piece[0]), ebn_node_slot(r->nt, piece[1]) }, slot[2] = { 0 };
	int err;

	err = piece_copy(r, &r->px->node, nodes, &slot[0]);
	if (!err)
		err = piece_copy(r, &r->px->rec, recs, &slot[1]);
	if (!err)
		err = ebn_node_swap_two(r->nt, piece, slot);
	if (err) {
		ebn_node_release(r->nt, slot[0].off);
		ebn_node_release(r->nt, slot[1].off);
		return err;
	}
	/* what cannot be retired for lack of memory is lost until the next adoption */
	(void)ebn_node_retire(r->nt, old[0].off);
	(void)ebn_node_retire(r->nt, old[1].off);
	return 0;
}

/* Twice as many elements. */
static int pool_grow(struct ebn_rows *r, struct ebn_px_pool *pool)
{
	bool of_nodes = pool == &r->px->node;
	struct ebn_px_key *key = NULL;
	struct ebn_px_pool next;
	uint32_t n = pool->cap * 2, i;
	int err;

	if (n > POOL_MAX || n > EBN_NODE_SIZE_MAX / pool->size)
		return -ENOSPC;
	err = ebn_px_pool_open(&next, pool->piece, pool->size, n);
	if (!err && of_nodes) {
		key = ebn_calloc(n, sizeof(*key));
		err = key ? 0 : -ENOMEM;
	}
	if (!err)
		err = of_nodes ? pieces_replace(r, n, r->px->rec.cap) : pieces_replace(r, r->px->node.cap, n);
	if (err) {
		pool_done(&next);
		free(key);
		return err;
	}
	memcpy(next.place, pool->place, pool->cap);
	for (i = n; i-- > pool->cap;)
		next.free[next.n_free++] = i;
	for (i = 0; i < pool->n_free; i++)
		next.free[next.n_free++] = pool->free[i];
	if (key) {
		memcpy(key, r->px->key, (size_t)pool->cap * sizeof(*key));
		free(r->px->key);
		r->px->key = key;
	}
	pool_done(pool);
	*pool = next;
	return 0;
}

static int pool_room(struct ebn_rows *r, struct ebn_px_pool *pool)
{
	return pool->n_free ? 0 : pool_grow(r, pool);
}

static void node_dead(void *arg, uint64_t i)
{
	ebn_px_pool_put(&((struct ebn_rows *)arg)->px->node, (uint32_t)i);
}

static void rec_dead(void *arg, uint64_t i)
{
	ebn_px_pool_put(&((struct ebn_rows *)arg)->px->rec, (uint32_t)i);
}

int ebn_px_node_later(struct ebn_rows *r, uint32_t node)
{
	r->px->node.place[node] = EBN_PLACE_DYING;
	return ebn_node_defer(r->nt, node_dead, r, node);
}

/* ---- the index of live prefixes ---- */

static uint64_t key_hash(struct ebn_px_key k)
{
	return ebn_mix64(k.hi ^ (uint64_t)k.len << 56 ^ k.len) + k.lo;
}

uint32_t ebn_px_find(struct ebn_rows *r, struct ebn_px_key k)
{
	uint32_t cursor, i = 0;

	if (!r->px)
		return 0;
	ebn_index_for_each(&r->px->by_key, key_hash(k), cursor, i)
		if (ebn_px_same(ebn_px_rec_key(r, i), k))
			return i;
	return 0;
}

int ebn_px_index(struct ebn_rows *r, uint32_t rec)
{
	return ebn_index_add(&r->px->by_key, key_hash(ebn_px_rec_key(r, rec)), rec);
}

void ebn_px_unindex(struct ebn_rows *r, uint32_t rec)
{
	ebn_index_remove(&r->px->by_key, key_hash(ebn_px_rec_key(r, rec)), rec);
}

/* ---- the trie ---- */

static uint32_t leaf_of(struct ebn_px_key k, uint32_t rec)
{
	return EBN_PX_LEAF | EBN_PX_LINK(k.len - 1, rec);
}

/* Puts a record into the slots it covers, but where a longer one of the node is. */
static void value_spread(struct ebn_rows *r, struct ebn_prefix_node *node, uint32_t pos, uint32_t rec)
{
	struct ebn_px_key k = ebn_px_rec_key(r, rec);
	struct ebn_prefix_slot *s = &node->s[ebn_px_nibble(k, pos)], *end = s + ebn_px_spread(k.len, pos);

	for (; s < end; s++)
		if (!s->rec || ebn_px_rec(r, s->rec)->len < k.len)
			slot_store(s, s->link, rec);
}

/* Into a node out of sight. */
static void node_add(struct ebn_rows *r, uint32_t node, uint32_t pos, uint32_t rec)
{
	struct ebn_px_key k = ebn_px_rec_key(r, rec);

	if (k.len <= pos + 3)
		value_spread(r, ebn_px_node(r, node), pos, rec);
	else
		ebn_px_node(r, node)->s[ebn_px_nibble(k, pos)].link = leaf_of(k, rec);
}

static uint32_t node_make(struct ebn_rows *r, struct ebn_px_key k, uint32_t pos)
{
	uint32_t i = pool_take(&r->px->node);

	memset(ebn_px_node(r, i), 0, sizeof(struct ebn_prefix_node));
	r->px->key[i] = ebn_px_cut(k, pos);
	return i;
}

int ebn_px_link(struct ebn_rows *r, uint32_t rec)
{
	struct ebn_px_key k = ebn_px_rec_key(r, rec), other;
	uint32_t at = ebn_px_root(k), pos, next, i, link;
	struct ebn_prefix_slot *s;

	for (;;) {
		pos = r->px->key[at].len;
		if (k.len <= pos + 3) {
			value_spread(r, ebn_px_node(r, at), pos, rec);
			return 0;
		}
		s = &ebn_px_node(r, at)->s[ebn_px_nibble(k, pos)];
		link = s->link;
		i = EBN_PX_INDEX(link);
		if (!link) {
			slot_store(s, leaf_of(k, rec), s->rec);
			return 0;
		}
		if (link & EBN_PX_LEAF && i == rec)
			return 0;
		other = link & EBN_PX_LEAF ? ebn_px_rec_key(r, i) : r->px->key[i];
		next = ebn_px_common(k, other);
		if (!(link & EBN_PX_LEAF) && next == other.len) {
			at = i;
			continue;
		}
		break;
	}
	/* they part here, or one ends: a node takes both */
	if (!r->px->node.n_free)
		return -ENOSPC;
	pos = next & ~3u;
	at = node_make(r, k, pos);
	node_add(r, at, pos, rec);
	if (link & EBN_PX_LEAF)
		node_add(r, at, pos, i);
	else
		ebn_px_node(r, at)->s[ebn_px_nibble(other, pos)].link = link;
	slot_store(s, EBN_PX_LINK(pos, at), s->rec);
	return 0;
}

/* The longest live prefix of a node at pos that is shorter than k and covers it. */
static uint32_t shorter(struct ebn_rows *r, struct ebn_px_key k, uint32_t pos)
{
	uint32_t len, rec;

	for (len = k.len; len-- > pos;) {
		rec = ebn_px_find(r, ebn_px_cut(k, len));
		if (rec)
			return rec;
	}
	return 0;
}

/* What can stand in a node's place: 0, its only link, its only prefix as a leaf. UINT32_MAX: nothing, it is needed. */
static uint32_t node_instead(struct ebn_rows *r, uint32_t node)
{
	const struct ebn_prefix_slot *s = ebn_px_node(r, node)->s;
	uint32_t i, link = 0, rec = 0;

	for (i = 0; i < 16; i++) {
		if ((s[i].link && link) || (s[i].rec && rec && s[i].rec != rec))
			return UINT32_MAX;
		link = s[i].link ? s[i].link : link;
		rec = s[i].rec ? s[i].rec : rec;
	}
	if (link && rec)
		return UINT32_MAX;
	return rec ? leaf_of(ebn_px_rec_key(r, rec), rec) : link;
}

void ebn_px_unlink(struct ebn_rows *r, uint32_t rec)
{
	struct ebn_px_key k = ebn_px_rec_key(r, rec);
	uint32_t path[EBN_PX_NODES_MAX], n = 0, at = ebn_px_root(k), instead, i;
	struct ebn_prefix_slot *s;

	while (n < EBN_PX_NODES_MAX) {
		path[n++] = at;
		s = &ebn_px_node(r, at)->s[ebn_px_nibble(k, r->px->key[at].len)];
		if (k.len <= r->px->key[at].len + 3 || !s->link || s->link & EBN_PX_LEAF)
			break;
		at = EBN_PX_INDEX(s->link);
	}
	if (k.len <= r->px->key[at].len + 3) {
		instead = shorter(r, k, r->px->key[at].len);
		for (i = 0; i < ebn_px_spread(k.len, r->px->key[at].len); i++)
			if (s[i].rec == rec)
				slot_store(&s[i], s[i].link, instead);
	} else if (s->link & EBN_PX_LEAF && EBN_PX_INDEX(s->link) == rec) {
		slot_store(s, 0, s->rec);
	}
	while (n-- > 1) {
		instead = node_instead(r, path[n]);
		if (instead == UINT32_MAX)
			break;
		s = &ebn_px_node(r, path[n - 1])->s[ebn_px_nibble(k, r->px->key[path[n - 1]].len)];
		slot_store(s, instead, s->rec);
		(void)ebn_px_node_later(r, path[n]);
	}
	r->px->rec.place[rec] = EBN_PLACE_DYING;
	(void)ebn_node_defer(r->nt, rec_dead, r, rec);
}

/* ---- making the pieces, when the first prefix comes ---- */

void ebn_prefix_done(struct ebn_rows *r)
{
	if (!r->px)
		return;
	pool_done(&r->px->node);
	pool_done(&r->px->rec);
	free(r->px->key);
	ebn_index_done(&r->px->by_key);
	free(r->px);
	r->px = NULL;
}

static int prefix_create(struct ebn_rows *r)
{
	struct ebn_prefixes *px = ebn_calloc(1, sizeof(*px));
	struct ebn_slot recs = ebn_node_slot(r->nt, EBN_P_PREFIX);
	uint32_t node_off = 0, rec_off = 0, i;
	int err;

	if (!px)
		return -ENOMEM;
	r->px = px;
	err = ebn_px_pool_open(&px->node, EBN_P_PREFIX_NODE, sizeof(struct ebn_prefix_node), NODES_MIN);
	if (!err)
		err = ebn_px_pool_open(&px->rec, EBN_P_PREFIX, sizeof(struct ebn_prefix), RECS_MIN);
	px->key = ebn_calloc(NODES_MIN, sizeof(*px->key));
	if (!err && !px->key)
		err = -ENOMEM;
	if (!err)
		err = ebn_node_alloc(r->nt, EBN_P_PREFIX_NODE, NODES_MIN * px->node.size, &node_off);
	/* records first: who sees the nodes sees what they lead to. They stay when there is no space for the nodes. */
	if (!err && !recs.off) {
		err = ebn_node_alloc(r->nt, EBN_P_PREFIX, RECS_MIN * px->rec.size, &rec_off);
		if (!err)
			err = ebn_node_swap(r->nt, EBN_P_PREFIX, rec_off, RECS_MIN);
		if (!err)
			rec_off = 0;
	}
	if (!err)
		err = ebn_node_swap(r->nt, EBN_P_PREFIX_NODE, node_off, NODES_MIN);
	if (err) {
		ebn_node_release(r->nt, node_off);
		ebn_node_release(r->nt, rec_off);
		ebn_prefix_done(r);
		return err;
	}
	px->key[EBN_PX_ROOT4] = (struct ebn_px_key){ .lo = 0xffff00000000, .len = 96 };
	for (i = NODES_MIN; i-- > EBN_PX_ROOT6 + 1;)
		ebn_px_pool_put(&px->node, i);
	for (i = RECS_MIN; i-- > 1;)
		ebn_px_pool_put(&px->rec, i);
	return 0;
}

/* ---- interface ---- */

static int check(const uint32_t *addr, uint32_t len)
{
	return addr && len <= 128 ? 0 : -EINVAL;
}

static int room(struct ebn_rows *r)
{
	int err = 0;

	if (!r->px)
		err = prefix_create(r);
	if (!err)
		err = pool_room(r, &r->px->rec);
	if (!err)
		err = pool_room(r, &r->px->node);
	if (!err)
		err = ebn_index_reserve(&r->px->by_key, 1);
	return err;
}

static void value_change(struct ebn_rows *r, struct ebn_prefix *p, const struct ebn_prefix_value *v)
{
	if (p->identity != v->identity || p->peer != v->peer)
		r->px_changed = true;
	/* release: what the numbers stand for was stored before */
	__atomic_store_n(&p->identity, v->identity, __ATOMIC_RELEASE);
	__atomic_store_n(&p->peer, v->peer, __ATOMIC_RELEASE);
	EBN_WRITE(p->owner, v->owner);
}

int ebn_prefix_set(struct ebn_rows *r, const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *value)
{
	struct ebn_prefix *p;
	struct ebn_px_key k;
	uint32_t i;
	int err;

	if (check(addr, len) || !value || !value->identity)
		return -EINVAL;
	k = ebn_px_key(addr, len);
	i = ebn_px_find(r, k);
	if (i) {
		value_change(r, ebn_px_rec(r, i), value);
		return 0;
	}
	err = room(r);
	if (err) {
		ebn_rows_failed(r);
		return err;
	}
	i = pool_take(&r->px->rec);
	p = ebn_px_rec(r, i);
	p->addr[0] = htonl((uint32_t)(k.hi >> 32));
	p->addr[1] = htonl((uint32_t)k.hi);
	p->addr[2] = htonl((uint32_t)(k.lo >> 32));
	p->addr[3] = htonl((uint32_t)k.lo);
	p->len = (uint8_t)len;
	p->peer = value->peer;
	p->owner = value->owner;
	p->reserved = 0;
	p->identity = value->identity;
	/* a crash behind this, and adoption links it */
	__atomic_store_n(&p->state, EBN_PX_LIVE, __ATOMIC_RELEASE);
	/* neither can fail: there is room for both */
	(void)ebn_px_link(r, i);
	(void)ebn_px_index(r, i);
	r->px->n++;
	r->px_changed = true;
	return 0;
}

int ebn_prefix_del(struct ebn_rows *r, const uint32_t addr[4], uint32_t len)
{
	struct ebn_px_key k;
	uint32_t i;
	int err;

	if (check(addr, len))
		return -EINVAL;
	k = ebn_px_key(addr, len);
	i = ebn_px_find(r, k);
	if (!i)
		return -ENOENT;
	err = ebn_node_defer_room(r->nt, EBN_PX_NODES_MAX + 1);
	if (err)
		return err;
	/* a crash behind this, and adoption takes it out */
	__atomic_store_n(&ebn_px_rec(r, i)->state, EBN_PX_GONE, __ATOMIC_RELEASE);
	ebn_px_unindex(r, i);
	ebn_px_unlink(r, i);
	r->px->n--;
	r->px_changed = true;
	return 0;
}

void ebn_prefix_raise(struct ebn_rows *r)
{
	uint32_t i;

	for (i = 0; r->px_changed && i < EBN_EPOCH_ADDRS; i++)
		ebn_node_raise_addr(r->nt, (uint64_t)i << 20);
	r->px_changed = false;
}

static struct ebn_prefix_value value_of(const struct ebn_prefix *p)
{
	return (struct ebn_prefix_value){ .identity = p->identity, .peer = p->peer, .owner = p->owner };
}

int ebn_prefix_get(struct ebn_rows *r, const uint32_t addr[4], uint32_t len, struct ebn_prefix_value *ret)
{
	uint32_t i;

	if (check(addr, len))
		return -EINVAL;
	i = ebn_px_find(r, ebn_px_key(addr, len));
	if (!i)
		return -ENOENT;
	if (ret)
		*ret = value_of(ebn_px_rec(r, i));
	return 0;
}

int ebn_prefix_lookup(struct ebn_rows *r, const uint32_t addr[4], uint32_t *ret_len, struct ebn_prefix_value *ret)
{
	struct ebn_prefix p;
	int err;

	if (!addr)
		return -EINVAL;
	err = ebn_rows_read_prefix(ebn_node_hdr(r->nt), ebn_node_size(r->nt), ebn_node_dir(r->nt), addr, &p);
	if (err)
		return err;
	if (ret_len)
		*ret_len = p.len;
	if (ret)
		*ret = value_of(&p);
	return 0;
}

uint32_t ebn_prefix_count(struct ebn_rows *r)
{
	return r->px ? r->px->n : 0;
}

int ebn_prefix_foreach(struct ebn_rows *r, ebn_prefix_fn fn, void *arg)
{
	struct ebn_prefix_value v;
	struct ebn_prefix *p;
	uint32_t i;
	int err;

	for (i = 1; r->px && i < r->px->rec.cap; i++) {
		p = ebn_px_rec(r, i);
		if (r->px->rec.place[i] != EBN_PLACE_LIVE)
			continue;
		v = value_of(p);
		err = fn(p->addr, p->len, &v, arg);
		if (err < 0)
			return err;
	}
	return 0;
}
