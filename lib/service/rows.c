// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Rows and chains. A row goes FREE -> HELD (filled) -> LIVE (linked in front of its chain, with release) -> DYING (unlinked)
 * -> FREE (a grace period later). What a program may be standing on never changes but for the words marked in the layout.
 * A chain's order is the order of linking, newest first: where a row takes the place of another with the same key, it is
 * linked before the other is unlinked, and nobody misses both.
 */
#include "service/internal.h"
#include "tables/rows_internal.h"

#define ROWS_MIN 256u

int ebn_svc_push(struct ebn_svc_stack *st, uint32_t v)
{
	int err = ebn_grow(&st->v, &st->cap, st->n + 1, sizeof(*st->v));

	if (!err)
		st->v[st->n++] = v;
	return err;
}

struct ebn_svc_row *ebn_svc_row(struct ebn_services *s, uint32_t row)
{
	struct ebn_slot slot = ebn_node_slot(s->nt, EBN_P_SVC_ROW);

	return ebn_node_ptr(s->nt, slot.off + row * (uint32_t)sizeof(struct ebn_svc_row), sizeof(struct ebn_svc_row));
}

struct ebn_svc_head *ebn_svc_heads(struct ebn_services *s)
{
	struct ebn_slot slot = ebn_node_slot(s->nt, EBN_P_SVC_HASH);

	return ebn_node_ptr(s->nt, slot.off, (uint32_t)sizeof(struct ebn_svc_head) + slot.n * 4);
}

static uint32_t *head_of(struct ebn_svc_head *h, uint32_t i)
{
	return (uint32_t *)(h + 1) + i;
}

static uint32_t hash_of(const struct ebn_svc_row *r)
{
	return ebn_svc_hash(ebn_svc_hash_addr(r->addr), r->kind, r->plen, r->proto,
			    r->kind == EBN_SVC_PORT ? r->first : 0);
}

uint64_t ebn_svc_row_hash(const struct ebn_svc_row *r)
{
	return hash_of(r);
}

/* ---- growing: heads and rows at once, for a row's next word belongs to one array of heads ---- */

struct grown {
	uint32_t n, hash_off, row_off;
	struct ebn_svc_rowinfo *row;
	uint8_t *chain;
};

static int grown_alloc(struct ebn_services *s, struct grown *g)
{
	int err;

	err = ebn_node_alloc(s->nt, EBN_P_SVC_HASH, (uint32_t)sizeof(struct ebn_svc_head) + g->n * 4, &g->hash_off);
	if (!err)
		err = ebn_node_alloc(s->nt, EBN_P_SVC_ROW, g->n * (uint32_t)sizeof(struct ebn_svc_row), &g->row_off);
	g->row = ebn_calloc(g->n, sizeof(*g->row));
	g->chain = ebn_calloc(g->n, 1);
	if (!err && (!g->row || !g->chain))
		err = -ENOMEM;
	/* one free number for each row there will ever be, so that freeing cannot fail */
	if (!err)
		err = ebn_grow(&s->row_free.v, &s->row_free.cap, g->n, sizeof(*s->row_free.v));
	if (err) {
		ebn_node_release(s->nt, g->hash_off);
		ebn_node_release(s->nt, g->row_off);
		free(g->row);
		free(g->chain);
	}
	return err;
}

/* Rows as they are, chained anew. false: a chain would be too long. */
static bool grown_fill(struct ebn_services *s, struct grown *g)
{
	struct ebn_svc_head *h = ebn_node_ptr(s->nt, g->hash_off, (uint32_t)sizeof(*h) + g->n * 4);
	struct ebn_svc_row *r = ebn_node_ptr(s->nt, g->row_off, g->n * (uint32_t)sizeof(*r));
	uint32_t i, at;

	if (s->rows) {
		memcpy(h, ebn_svc_heads(s), sizeof(*h));
		memcpy(r, ebn_svc_row(s, 0), s->rows * sizeof(*r));
		memcpy(g->row, s->row, s->rows * sizeof(*g->row));
	}
	for (i = 0; i < s->rows; i++) {
		if (g->row[i].place != EBN_SVC_LIVE && g->row[i].place != EBN_SVC_HELD)
			continue;
		at = hash_of(&r[i]) & (g->n - 1);
		if (g->chain[at]++ >= EBN_SVC_CHAIN)
			return false;
		if (g->row[i].place != EBN_SVC_LIVE)
			continue;
		r[i].next = *head_of(h, at);
		*head_of(h, at) = i + 1;
	}
	return true;
}

static int rows_grow(struct ebn_services *s)
{
	struct grown g = { .n = s->rows ? s->rows * 2 : ROWS_MIN };
	struct ebn_slot old[2] = { ebn_node_slot(s->nt, EBN_P_SVC_HASH), ebn_node_slot(s->nt, EBN_P_SVC_ROW) };
	int err;

	if (g.n > EBN_SVC_ROWS_MAX)
		return -ENOSPC;
	err = grown_alloc(s, &g);
	if (err)
		return err;
	err = grown_fill(s, &g) ? ebn_node_begin(s->nt) : -ENOSPC;
	if (err) {
		ebn_node_release(s->nt, g.hash_off);
		ebn_node_release(s->nt, g.row_off);
		free(g.row);
		free(g.chain);
		return err;
	}
	ebn_node_set(s->nt, EBN_P_SVC_HASH, g.hash_off, g.n);
	ebn_node_set(s->nt, EBN_P_SVC_ROW, g.row_off, g.n);
	(void)ebn_node_publish(s->nt);
	(void)ebn_node_retire(s->nt, old[0].off);
	(void)ebn_node_retire(s->nt, old[1].off);
	free(s->row);
	free(s->chain);
	s->row = g.row;
	s->chain = g.chain;
	s->rows = g.n;
	return 0;
}

/* Rows not in use: those never used, and those of the stack. */
static uint32_t rows_left(const struct ebn_services *s)
{
	return s->rows - s->rows_used + (uint32_t)s->row_free.n;
}

int ebn_svc_rows_reserve(struct ebn_services *s, uint32_t n)
{
	int err = 0;

	while (!err && rows_left(s) < n)
		err = rows_grow(s);
	return err;
}

/* ---- one row ---- */

int ebn_svc_row_new(struct ebn_services *s, const struct ebn_svc_row *key, uint32_t *ret)
{
	uint32_t at, row;
	int err;

	for (;;) {
		at = hash_of(key) & (s->rows - 1);
		if (s->rows && rows_left(s) && s->chain[at] < EBN_SVC_CHAIN)
			break;
		err = rows_grow(s);
		if (err)
			return err;
	}
	row = s->row_free.n ? s->row_free.v[s->row_free.n - 1] : s->rows_used;
	err = ebn_index_add(&s->row_index, hash_of(key), row);
	if (err)
		return err;
	if (s->row_free.n)
		s->row_free.n--;
	else
		s->rows_used++;
	*ebn_svc_row(s, row) = *key;
	s->row[row] = (struct ebn_svc_rowinfo){ .place = EBN_SVC_HELD, .service = key->service };
	s->chain[at]++;
	*ret = row;
	return 0;
}

static void row_forget(struct ebn_services *s, uint32_t row)
{
	uint32_t hash = hash_of(ebn_svc_row(s, row));

	ebn_index_remove(&s->row_index, hash, row);
	s->chain[hash & (s->rows - 1)]--;
}

void ebn_svc_row_drop(struct ebn_services *s, uint32_t row)
{
	row_forget(s, row);
	s->row[row].place = EBN_SVC_FREE;
	s->row_free.v[s->row_free.n++] = row;
}

void ebn_svc_row_link(struct ebn_services *s, uint32_t row)
{
	struct ebn_svc_row *r = ebn_svc_row(s, row);
	uint32_t *head = head_of(ebn_svc_heads(s), hash_of(r) & (s->rows - 1));

	r->next = *head;
	/* release: the row was filled before */
	__atomic_store_n(head, row + 1, __ATOMIC_RELEASE);
	s->row[row].place = EBN_SVC_LIVE;
}

static void row_dead(void *arg, uint64_t cookie)
{
	struct ebn_services *s = arg;

	s->row[cookie].place = EBN_SVC_FREE;
	s->row_free.v[s->row_free.n++] = (uint32_t)cookie;
}

void ebn_svc_row_unlink(struct ebn_services *s, uint32_t row)
{
	struct ebn_svc_row *r = ebn_svc_row(s, row);
	uint32_t *at = head_of(ebn_svc_heads(s), hash_of(r) & (s->rows - 1));

	while (*at && *at != row + 1)
		at = &ebn_svc_row(s, *at - 1)->next;
	/* its own next stays: a program that stands on it goes on from there */
	__atomic_store_n(at, r->next, __ATOMIC_RELEASE);
	row_forget(s, row);
	s->row[row].place = EBN_SVC_DYING;
	/* room was made before; should it be refused all the same, the row is lost until a restart, nothing worse */
	(void)ebn_node_defer(s->nt, row_dead, s, row);
}

/* ---- VIPs ---- */

int ebn_svc_vip_get(struct ebn_services *s, const uint32_t addr[4], uint8_t plen, uint32_t *ret)
{
	struct ebn_svc_row key = { .kind = EBN_SVC_VIP, .plen = plen };
	uint32_t cur, row;
	unsigned int i, n;
	int err;

	memcpy(key.addr, addr, sizeof(key.addr));
	ebn_index_for_each(&s->row_index, hash_of(&key), cur, row) {
		if (s->row[row].place == EBN_SVC_DYING || ebn_svc_row(s, row)->kind != EBN_SVC_VIP ||
		    ebn_svc_row(s, row)->plen != plen || memcmp(ebn_svc_row(s, row)->addr, addr, sizeof(key.addr)))
			continue;
		s->row[row].refs++;
		*ret = row;
		return 0;
	}
	if (plen < 128 && !s->plens[plen]) {
		for (i = n = 0; i < 128; i++)
			n += !!s->plens[i];
		if (n >= EBN_SVC_PLENS)
			return -ENOSPC;
	}
	err = ebn_svc_row_new(s, &key, &row);
	if (err)
		return err;
	s->row[row].refs = 1;
	if (plen < 128)
		s->plens[plen]++;
	*ret = row;
	return 0;
}

void ebn_svc_vip_put(struct ebn_services *s, uint32_t row)
{
	uint8_t plen = ebn_svc_row(s, row)->plen;

	if (--s->row[row].refs)
		return;
	if (plen < 128)
		s->plens[plen]--;
	if (s->row[row].place == EBN_SVC_HELD)
		ebn_svc_row_drop(s, row);
	else
		ebn_svc_row_unlink(s, row);
}

void ebn_svc_vip_count(struct ebn_services *s, uint32_t vip, uint8_t kind, int by)
{
	if (kind & EBN_SVC_IPIP)
		s->row[vip].ipips += (uint32_t)by;
	kind &= (uint8_t)~EBN_SVC_IPIP;
	if (kind == EBN_SVC_RANGE)
		s->row[vip].ranges += (uint32_t)by;
	else if (kind == EBN_SVC_ANY)
		s->row[vip].anys += (uint32_t)by;
	else if (kind == EBN_SVC_VIP)
		s->row[vip].nodes += (uint32_t)by;
}

void ebn_svc_vip_show(struct ebn_services *s, uint32_t vip)
{
	struct ebn_svc_row *r = ebn_svc_row(s, vip);
	uint32_t flags = s->row[vip].nodes ? EBN_VIP_NODE : 0;

	flags |= s->row[vip].ranges ? EBN_VIP_RANGE : 0;
	flags |= s->row[vip].anys ? EBN_VIP_ANY : 0;
	flags |= s->row[vip].ipips ? EBN_VIP_IPIP : 0;
	if (r->flags != flags)
		__atomic_store_n(&r->flags, flags, __ATOMIC_RELEASE);
	if (s->row[vip].place == EBN_SVC_HELD)
		ebn_svc_row_link(s, vip);
}

void ebn_svc_plens_show(struct ebn_services *s)
{
	struct ebn_svc_head *h;
	uint64_t plens = 0;
	int i, n = 0;

	if (!s->rows)
		return;
	/* zero ends the list, so the prefix of length 0 is stored as 128, which is no other's */
	for (i = 127; i >= 0 && n < (int)EBN_SVC_PLENS; i--)
		if (s->plens[i])
			plens |= (uint64_t)(i ? i : 128) << 8 * n++;
	h = ebn_svc_heads(s);
	if (h->plens != plens)
		__atomic_store_n(&h->plens, plens, __ATOMIC_RELEASE);
}

void ebn_svc_changed(struct ebn_services *s)
{
	struct ebn_svc_head *h;

	if (!s->rows)
		return;
	h = ebn_svc_heads(s);
	__atomic_store_n(&h->changes, h->changes + 1, __ATOMIC_RELEASE);
}

/* ---- adopting ---- */

static bool row_sane(const struct ebn_svc_row *r)
{
	if (r->plen > 128 || r->first > r->last)
		return false;
	switch (r->kind) {
	case EBN_SVC_VIP:
		return !r->first && !r->last && !r->proto;
	case EBN_SVC_PORT:
		return r->first == r->last;
	case EBN_SVC_RANGE:
	case EBN_SVC_ANY:
		return true;
	default:
		return false;
	}
}

static int chain_adopt(struct ebn_services *s, uint32_t chain, struct ebpfnet_diag *diag)
{
	uint32_t at = *head_of(ebn_svc_heads(s), chain), row;
	struct ebn_svc_row *r;
	int err;

	for (; at; at = r->next) {
		row = at - 1;
		if (row >= s->rows || s->row[row].place != EBN_SVC_FREE || s->chain[chain] >= EBN_SVC_CHAIN)
			return ebn_diag(diag, "services", EPROTO, "chain %u leads astray", chain);
		r = ebn_svc_row(s, row);
		if (!row_sane(r) || (hash_of(r) & (s->rows - 1)) != chain)
			return ebn_diag(diag, "services", EPROTO, "row %u is not sane, or not in its chain", row);
		err = ebn_index_add(&s->row_index, hash_of(r), row);
		if (err)
			return err;
		s->chain[chain]++;
		s->row[row].place = EBN_SVC_LIVE;
		s->row[row].service = r->kind == EBN_SVC_VIP ? 0 : r->service;
		if (r->kind == EBN_SVC_VIP && r->plen < 128)
			s->plens[r->plen]++;
		if (row >= s->rows_used)
			s->rows_used = row + 1;
	}
	return 0;
}

int ebn_svc_rows_adopt(struct ebn_services *s, struct ebpfnet_diag *diag)
{
	struct ebn_slot hash = ebn_node_slot(s->nt, EBN_P_SVC_HASH), rows = ebn_node_slot(s->nt, EBN_P_SVC_ROW);
	uint32_t i;
	int err;

	if (!hash.off && !rows.off)
		return 0;
	if (!hash.off || hash.n != rows.n || hash.n > EBN_SVC_ROWS_MAX ||
	    ebn_node_mark(s->nt, hash.off, EBN_P_SVC_HASH, (uint32_t)sizeof(struct ebn_svc_head) + hash.n * 4) ||
	    ebn_node_mark(s->nt, rows.off, EBN_P_SVC_ROW, rows.n * (uint32_t)sizeof(struct ebn_svc_row)))
		return ebn_diag(diag, "services", EPROTO, "the pieces of rows are missing or damaged");
	s->row = ebn_calloc(rows.n, sizeof(*s->row));
	s->chain = ebn_calloc(rows.n, 1);
	err = ebn_grow(&s->row_free.v, &s->row_free.cap, rows.n, sizeof(*s->row_free.v));
	if (err || !s->row || !s->chain)
		return -ENOMEM;
	s->rows = rows.n;
	for (i = 0; i < s->rows; i++) {
		err = chain_adopt(s, i, diag);
		if (err)
			return err;
	}
	for (i = 0; i < s->rows_used; i++)
		if (s->row[i].place == EBN_SVC_FREE)
			s->row_free.v[s->row_free.n++] = i;
	return 0;
}
