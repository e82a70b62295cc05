// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Taking over the prefixes of another writer. The trie is walked once and nothing of it believed before it was compared with
 * the records it leads to. What the last writer had begun when it died is brought to its end: a live record that is missing
 * in some slot is linked, one that is gone is unlinked.
 */
#include "tables/rows_prefix.h"

struct walk {
	struct ebn_rows *r;
	struct ebpfnet_diag *diag;
	uint8_t *reached;	/* by record */
	/* of the nodes on the path, from 1 on */
	uint32_t any[EBN_PX_NODES_MAX + 1];	/* some record below, 0: none yet */
	uint32_t node[EBN_PX_NODES_MAX + 1];
	uint32_t slot[EBN_PX_NODES_MAX + 1];
	uint32_t root;
	unsigned int depth;
};

static int damaged(struct walk *w, const char *what, uint32_t i)
{
	return ebn_diag(w->diag, "prefixes", EPROTO, "%s %u is not sane", what, i);
}

/* A record's content, whoever leads to it. */
static bool rec_sane(struct ebn_rows *r, uint32_t i)
{
	struct ebn_px_key k = ebn_px_rec_key(r, i);

	return i && k.len <= 128 && ebn_px_rec(r, i)->identity && ebn_px_same(ebn_px_cut(k, k.len), k);
}

static int reach(struct walk *w, uint32_t rec)
{
	struct ebn_px_pool *pool = &w->r->px->rec;

	if (rec >= pool->cap || !rec_sane(w->r, rec) || ebn_px_root(ebn_px_rec_key(w->r, rec)) != w->root)
		return damaged(w, "prefix", rec);
	w->reached[rec] = 1;
	pool->place[rec] = EBN_PLACE_LIVE;
	w->any[w->depth] = rec;
	return 0;
}

static int enter(struct walk *w, uint32_t node, uint32_t pos)
{
	struct ebn_px_pool *pool = &w->r->px->node;

	if (!node || node >= pool->cap || pool->place[node] != EBN_PLACE_FREE || w->depth == EBN_PX_NODES_MAX)
		return damaged(w, "node", node);
	pool->place[node] = EBN_PLACE_LIVE;
	w->r->px->key[node].len = pos;
	w->depth++;
	w->any[w->depth] = 0;
	w->node[w->depth] = node;
	w->slot[w->depth] = 0;
	return 0;
}

/* Everything below a node was seen: what its bits are, the record that came by says. */
static void leave(struct walk *w)
{
	struct ebn_rows *r = w->r;
	uint32_t node = w->node[w->depth], rec = w->any[w->depth];
	struct ebn_prefix_slot *s;

	if (rec)
		r->px->key[node] = ebn_px_cut(ebn_px_rec_key(r, rec), r->px->key[node].len);
	if (--w->depth == 0)
		return;
	if (rec) {
		w->any[w->depth] = rec;
		return;
	}
	/* the writer died before it stepped over a node it had emptied */
	s = &ebn_px_node(r, w->node[w->depth])->s[w->slot[w->depth] - 1];
	ebn_pair_store(&s->link, ebn_pair(0, s->rec));
	r->px->node.place[node] = EBN_PLACE_DYING;
}

static int walk_slot(struct walk *w)
{
	uint32_t node = w->node[w->depth], pos = w->r->px->key[node].len;
	const struct ebn_prefix_slot *s = &ebn_px_node(w->r, node)->s[w->slot[w->depth]++];
	uint32_t link = s->link, bits = EBN_PX_BITS(link);
	int err = 0;

	if (s->rec)
		err = reach(w, s->rec);
	if (err || !link)
		return err;
	if (link & EBN_PX_LEAF)
		return reach(w, EBN_PX_INDEX(link));
	return bits % 4 || bits <= pos ? damaged(w, "node", node) : enter(w, EBN_PX_INDEX(link), bits);
}

static int walk_all(struct walk *w)
{
	static const struct {
		uint32_t node, pos;
	} root[] = { { EBN_PX_ROOT4, 96 }, { EBN_PX_ROOT6, 0 } };
	unsigned int i;
	int err;

	for (i = 0; i < 2; i++) {
		w->depth = 0;
		w->root = root[i].node;
		err = enter(w, root[i].node, root[i].pos);
		while (!err && w->depth) {
			if (w->slot[w->depth] == 16)
				leave(w);
			else
				err = walk_slot(w);
		}
		if (err)
			return err;
	}
	w->r->px->key[EBN_PX_ROOT4] = (struct ebn_px_key){ .lo = 0xffff00000000, .len = 96 };
	w->r->px->key[EBN_PX_ROOT6] = (struct ebn_px_key){ 0 };
	return 0;
}

/* What stands in a slot belongs there, so nothing stands in two places. */
static bool slot_sane(struct ebn_rows *r, uint32_t node, uint32_t n)
{
	const struct ebn_prefix_slot *s = &ebn_px_node(r, node)->s[n];
	struct ebn_px_key k = r->px->key[node], below;
	uint32_t pos = k.len, first;

	if (s->rec) {
		below = ebn_px_rec_key(r, s->rec);
		first = ebn_px_nibble(below, pos);
		if (below.len < pos || below.len > pos + 3 || ebn_px_common(below, k) != pos || n < first ||
		    n >= first + ebn_px_spread(below.len, pos))
			return false;
	}
	if (!s->link)
		return true;
	/* a leaf's index is of the records, which are more than the nodes */
	if (s->link & EBN_PX_LEAF) {
		below = ebn_px_rec_key(r, EBN_PX_INDEX(s->link));
		if (EBN_PX_BITS(s->link) + 1 != below.len || below.len < pos + 4)
			return false;
	} else {
		below = r->px->key[EBN_PX_INDEX(s->link)];
	}
	return ebn_px_common(below, k) == pos && ebn_px_nibble(below, pos) == n;
}

static int compare(struct walk *w)
{
	struct ebn_px_pool *pool = &w->r->px->node;
	uint32_t i, n;

	for (i = 1; i < pool->cap; i++)
		for (n = 0; pool->place[i] == EBN_PLACE_LIVE && n < 16; n++)
			if (!slot_sane(w->r, i, n))
				return damaged(w, "node", i);
	return 0;
}

/* Numbers nobody has: given out lowest first. */
static void pool_fill(struct ebn_px_pool *pool, uint32_t first)
{
	uint32_t i;

	for (i = pool->cap; i-- > first;)
		if (pool->place[i] == EBN_PLACE_FREE)
			ebn_px_pool_put(pool, i);
}

static int settle(struct walk *w)
{
	struct ebn_rows *r = w->r;
	struct ebn_prefixes *px = r->px;
	struct ebn_prefix *p;
	uint32_t i;
	int err;

	for (i = 1; i < px->rec.cap; i++) {
		if (ebn_px_rec(r, i)->state != EBN_PX_LIVE)
			continue;
		if (!rec_sane(r, i) || ebn_px_find(r, ebn_px_rec_key(r, i)))
			return damaged(w, "prefix", i);
		err = ebn_px_index(r, i);
		if (err)
			return err;
	}
	for (i = 1; i < px->rec.cap; i++) {
		if (!w->reached[i] || ebn_px_rec(r, i)->state == EBN_PX_LIVE)
			continue;
		err = ebn_node_defer_room(r->nt, EBN_PX_NODES_MAX + 1);
		if (err)
			return err;
		ebn_px_unlink(r, i);
	}
	/*
	 * No node is free yet: programs may still stand on what nobody leads to. A record that would need one was never
	 * confirmed to anybody, and is dropped.
	 */
	for (i = 1; i < px->rec.cap; i++) {
		p = ebn_px_rec(r, i);
		if (p->state != EBN_PX_LIVE)
			continue;
		if (!ebn_px_link(r, i)) {
			px->rec.place[i] = EBN_PLACE_LIVE;
			px->n++;
		} else {
			ebn_px_unindex(r, i);
			EBN_WRITE(p->state, EBN_PX_GONE);
		}
	}
	pool_fill(&px->node, EBN_PX_ROOT6 + 1);
	pool_fill(&px->rec, 1);
	return 0;
}

/* Nodes that were emptied: programs may still stand on them. */
static int bury(struct ebn_rows *r)
{
	uint32_t i;
	int err;

	for (i = 1; i < r->px->node.cap; i++) {
		if (r->px->node.place[i] != EBN_PLACE_DYING)
			continue;
		err = ebn_px_node_later(r, i);
		if (err)
			return err;
	}
	return 0;
}

int ebn_prefix_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag)
{
	struct ebn_slot nodes = ebn_node_slot(r->nt, EBN_P_PREFIX_NODE), recs = ebn_node_slot(r->nt, EBN_P_PREFIX);
	struct walk w = { .r = r, .diag = diag };
	int err = 0;

	if (recs.off)
		err = ebn_node_mark(r->nt, recs.off, EBN_P_PREFIX, recs.n * (uint32_t)sizeof(struct ebn_prefix));
	if (!err && nodes.off)
		err = ebn_node_mark(r->nt, nodes.off, EBN_P_PREFIX_NODE,
				    nodes.n * (uint32_t)sizeof(struct ebn_prefix_node));
	if (err || (nodes.off && (!recs.off || nodes.n <= EBN_PX_ROOT6)))
		return ebn_diag(diag, "prefixes", err ? err : EPROTO, "a piece is damaged");
	if (!nodes.off)
		return 0;
	r->px = ebn_calloc(1, sizeof(*r->px));
	if (!r->px)
		return -ENOMEM;
	err = ebn_px_pool_open(&r->px->node, EBN_P_PREFIX_NODE, sizeof(struct ebn_prefix_node), nodes.n);
	if (!err)
		err = ebn_px_pool_open(&r->px->rec, EBN_P_PREFIX, sizeof(struct ebn_prefix), recs.n);
	r->px->key = ebn_calloc(nodes.n, sizeof(*r->px->key));
	w.reached = ebn_calloc(recs.n, 1);
	if (!err && (!r->px->key || !w.reached))
		err = -ENOMEM;
	if (!err)
		err = walk_all(&w);
	if (!err)
		err = compare(&w);
	if (!err)
		err = bury(r);
	if (!err)
		err = settle(&w);
	free(w.reached);
	return err;
}
