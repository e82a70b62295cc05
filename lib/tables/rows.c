// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "tables/rows_internal.h"

#define IF_BUCKETS_MIN 64u
#define IF_BUCKETS_MAX (1u << 20)

static struct ebn_if_bucket *if_buckets(struct ebn_rows *r)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_IFINDEX);

	return ebn_node_ptr(r->nt, s.off, s.n * (uint32_t)sizeof(struct ebn_if_bucket));
}

static struct ebn_if_entry *if_entry(struct ebn_rows *r, uint32_t i)
{
	return &if_buckets(r)[i / EBN_IF_WAYS].e[i % EBN_IF_WAYS];
}

/* ---- making and adopting ---- */

static uint32_t pow2_at_least(uint32_t n, uint32_t min)
{
	while (min < n)
		min *= 2;
	return min;
}

static int rows_create(struct ebn_rows *r, uint32_t endpoints)
{
	uint32_t buckets = pow2_at_least(endpoints / (EBN_IF_WAYS / 2) + 1, IF_BUCKETS_MIN);
	struct ebn_slot s[EBN_P_MAX] = { 0 };
	unsigned int i;
	int err;

	if (!endpoints || endpoints > EBN_EP_ROWS_MAX)
		return -EINVAL;
	s[EBN_P_IFINDEX].n = buckets;
	s[EBN_P_ENDPOINT].n = endpoints;
	s[EBN_P_IDDIR].n = EBN_IDDIR_CELLS;
	err = ebn_node_alloc(r->nt, EBN_P_IFINDEX, buckets * (uint32_t)sizeof(struct ebn_if_bucket),
			     &s[EBN_P_IFINDEX].off);
	if (!err)
		err = ebn_node_alloc(r->nt, EBN_P_ENDPOINT, endpoints * (uint32_t)sizeof(struct ebn_ep_row),
				     &s[EBN_P_ENDPOINT].off);
	if (!err)
		err = ebn_node_alloc(r->nt, EBN_P_IDDIR, EBN_IDDIR_CELLS * 4, &s[EBN_P_IDDIR].off);
	if (!err)
		err = ebn_addr_create(r, &s[EBN_P_ADDR]);
	if (!err)
		err = ebn_names_create(r, &s[EBN_P_NAMES]);
	if (!err)
		err = ebn_node_begin(r->nt);
	if (err) {
		for (i = 0; i < EBN_P_MAX; i++)
			ebn_node_release(r->nt, s[i].off);
		return err;
	}
	for (i = 0; i < EBN_P_MAX; i++)
		if (s[i].off)
			ebn_node_set(r->nt, (enum ebn_piece)i, s[i].off, s[i].n);
	return ebn_node_publish(r->nt);
}

static int ep_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag)
{
	struct ebn_if_entry *e;
	struct ebn_ep_row *row;
	uint32_t i;

	for (i = 0; i < r->if_buckets * EBN_IF_WAYS; i++) {
		e = if_entry(r, i);
		if (!e->ifindex)
			continue;
		row = ebn_ep_row(r, e->row);
		if (!row || row->ifindex != e->ifindex || r->ep_place[e->row] != EBN_PLACE_FREE ||
		    (e->ifindex & (r->if_buckets - 1)) != i / EBN_IF_WAYS)
			return ebn_diag(diag, "endpoints", EPROTO, "device %u names row %u, which is not its own",
					e->ifindex, e->row);
		r->if_place[i] = EBN_PLACE_LIVE;
		r->ep_place[e->row] = EBN_PLACE_LIVE;
	}
	/*
	 * a writer that died while it published or removed a row left the flag, but no way to the
	 * row
	 */
	for (i = 0; i < r->ep_rows; i++) {
		row = ebn_ep_row(r, i);
		if (r->ep_place[i] == EBN_PLACE_FREE)
			EBN_WRITE(row->flags, row->flags & ~EBN_EP_F_LIVE);
		else if (!(row->flags & EBN_EP_F_LIVE))
			EBN_WRITE(row->flags, row->flags | EBN_EP_F_LIVE);
	}
	return 0;
}

static int class_adopt(struct ebn_rows *r)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_IDDIR);
	const uint32_t *page = ebn_node_ptr(r->nt, s.off, s.n * 4);
	uint32_t i;
	int err;

	for (i = 0; i < s.n; i++) {
		if (!page[i])
			continue;
		err = ebn_node_mark(r->nt, page[i], EBN_X_IDPAGE, EBN_IDPAGE_CELLS * 4);
		if (err)
			return err;
	}
	return 0;
}

static int rows_adopt(struct ebn_rows *r, struct ebpfnet_diag *diag)
{
	static const struct {
		enum ebn_piece piece;
		uint32_t size;
	} own[] = {
		{ EBN_P_IFINDEX, sizeof(struct ebn_if_bucket) },
		{ EBN_P_ENDPOINT, sizeof(struct ebn_ep_row) },
		{ EBN_P_ADDR, sizeof(struct ebn_addr_bucket) },
		{ EBN_P_IDDIR, 4 },
		{ EBN_P_NAMES, 8 },
	};
	struct ebn_slot s;
	unsigned int i;
	int err;

	for (i = 0; i < EBN_ARRAY_SIZE(own); i++) {
		s = ebn_node_slot(r->nt, own[i].piece);
		err = ebn_node_mark(r->nt, s.off, own[i].piece, s.n * own[i].size);
		if (err)
			return ebn_diag(diag, "node tables", err, "piece %u is missing or damaged", own[i].piece);
	}
	r->if_buckets = ebn_node_slot(r->nt, EBN_P_IFINDEX).n;
	r->ep_rows = ebn_node_slot(r->nt, EBN_P_ENDPOINT).n;
	if (r->if_buckets > IF_BUCKETS_MAX || !r->ep_rows || r->ep_rows > EBN_EP_ROWS_MAX ||
	    ebn_node_slot(r->nt, EBN_P_IDDIR).n != EBN_IDDIR_CELLS)
		return ebn_diag(diag, "node tables", EPROTO, "a piece has a size no writer gives it");
	r->if_place = ebn_calloc(r->if_buckets, EBN_IF_WAYS);
	r->ep_place = ebn_calloc(r->ep_rows, 1);
	if (!r->if_place || !r->ep_place)
		return -ENOMEM;
	err = class_adopt(r);
	if (err)
		return ebn_diag(diag, "identities", err, "a page of classes is damaged");
	err = ep_adopt(r, diag);
	if (!err)
		err = ebn_addr_adopt(r, diag);
	if (!err)
		err = ebn_prefix_adopt(r, diag);
	if (!err)
		err = ebn_names_adopt(r, diag);
	return err;
}

int ebn_rows_open(struct ebn_node *nt, uint32_t endpoints, struct ebpfnet_diag *diag, struct ebn_rows **ret)
{
	static const struct ebn_dir empty;
	struct ebn_rows *r;
	int err = 0;

	if (!nt || !ret)
		return -EINVAL;
	r = ebn_calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->nt = nt;
	/*
	 * nothing was ever published here, so there is nothing that others could still have to mark
	 */
	if (!memcmp(ebn_node_dir(nt)->slot, empty.slot, sizeof(empty.slot))) {
		err = ebn_node_adopted(nt);
		if (!err)
			err = rows_create(r, endpoints);
		if (!err) {
			r->if_buckets = ebn_node_slot(nt, EBN_P_IFINDEX).n;
			r->ep_rows = endpoints;
			r->if_place = ebn_calloc(r->if_buckets, EBN_IF_WAYS);
			r->ep_place = ebn_calloc(r->ep_rows, 1);
			if (!r->if_place || !r->ep_place)
				err = -ENOMEM;
		}
	} else {
		err = rows_adopt(r, diag);
	}
	if (err) {
		ebn_rows_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

void ebn_rows_free(struct ebn_rows *r)
{
	if (!r)
		return;
	free(r->ep_place);
	free(r->if_place);
	free(r->addr_place);
	ebn_prefix_done(r);
	free(r->name_ref);
	free(r);
}

/* ---- endpoint rows ---- */

struct ebn_ep_row *ebn_ep_row(struct ebn_rows *r, uint32_t row)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_ENDPOINT);

	if (row >= r->ep_rows)
		return NULL;
	return ebn_node_ptr(r->nt, s.off + row * (uint32_t)sizeof(struct ebn_ep_row), sizeof(struct ebn_ep_row));
}

uint32_t ebn_ep_rows(struct ebn_rows *r)
{
	return r->ep_rows;
}

int ebn_ep_row_get(struct ebn_rows *r, uint32_t *ret_row)
{
	struct ebn_ep_row *row, fresh = { 0 };
	uint32_t i;

	for (i = 0; i < r->ep_rows; i++)
		if (r->ep_place[i] == EBN_PLACE_FREE)
			break;
	row = ebn_ep_row(r, i);
	if (!row)
		return -ENOSPC;
	fresh.incarnation = row->incarnation + 1;
	/*
	 * No program can reach the row, but a reader in another process may be copying its last
	 * tenant. It compares the incarnation before and after: the new number is stored before
	 * anything else changes.
	 */
	EBN_WRITE(row->incarnation, fresh.incarnation);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*row = fresh;
	r->ep_place[i] = EBN_PLACE_HELD;
	*ret_row = i;
	return 0;
}

/*
 * Index of the entry of an ifindex, or -ENOENT; *ret_free a free one of its bucket, UINT32_MAX:
 * none.
 */
static int64_t if_find(struct ebn_rows *r, uint32_t ifindex, uint32_t *ret_free)
{
	uint32_t first = (ifindex & (r->if_buckets - 1)) * EBN_IF_WAYS, i;
	int64_t found = -ENOENT;

	*ret_free = UINT32_MAX;
	for (i = first + EBN_IF_WAYS; i-- > first;) {
		if (r->if_place[i] == EBN_PLACE_LIVE && if_entry(r, i)->ifindex == ifindex)
			found = i;
		if (r->if_place[i] == EBN_PLACE_FREE)
			*ret_free = i;
	}
	return found;
}

/* A table twice as large. */
static int if_grow(struct ebn_rows *r)
{
	struct ebn_slot old = ebn_node_slot(r->nt, EBN_P_IFINDEX);
	struct ebn_if_bucket *from = if_buckets(r), *to;
	uint32_t n = old.n * 2, off, i, w, at;
	uint8_t *place;
	int err;

	if (n > IF_BUCKETS_MAX)
		return -ENOSPC;
	err = ebn_node_alloc(r->nt, EBN_P_IFINDEX, n * (uint32_t)sizeof(*to), &off);
	if (err)
		return err;
	place = ebn_calloc(n, EBN_IF_WAYS);
	if (!place) {
		ebn_node_release(r->nt, off);
		return -ENOMEM;
	}
	to = ebn_node_ptr(r->nt, off, n * (uint32_t)sizeof(*to));
	for (i = 0; i < old.n * EBN_IF_WAYS; i++) {
		const struct ebn_if_entry *e = &from[i / EBN_IF_WAYS].e[i % EBN_IF_WAYS];

		if (!e->ifindex)
			continue;
		/* a bucket's entries go to two buckets, so there is room */
		at = e->ifindex & (n - 1);
		for (w = 0; w < EBN_IF_WAYS - 1 && to[at].e[w].ifindex; w++)
			;
		to[at].e[w] = *e;
		place[at * EBN_IF_WAYS + w] = EBN_PLACE_LIVE;
	}
	err = ebn_node_swap(r->nt, EBN_P_IFINDEX, off, n);
	if (err) {
		free(place);
		ebn_node_release(r->nt, off);
		return err;
	}
	free(r->if_place);
	r->if_place = place;
	r->if_buckets = n;
	r->if_version++;
	return ebn_node_retire(r->nt, old.off);
}

int ebn_ep_row_publish(struct ebn_rows *r, uint32_t index)
{
	struct ebn_ep_row *row = ebn_ep_row(r, index);
	uint32_t at;
	int err;

	if (!row || r->ep_place[index] != EBN_PLACE_HELD || !row->ifindex)
		return -EINVAL;
	if (if_find(r, row->ifindex, &at) >= 0)
		return -EEXIST;
	while (at == UINT32_MAX) {
		err = if_grow(r);
		if (err)
			return err;
		if_find(r, row->ifindex, &at);
	}
	EBN_WRITE(row->flags, row->flags | EBN_EP_F_LIVE);
	ebn_pair_store(&if_entry(r, at)->ifindex, ebn_pair(row->ifindex, index));
	r->if_place[at] = EBN_PLACE_LIVE;
	r->ep_place[index] = EBN_PLACE_LIVE;
	return 0;
}

/* cookie of a removed endpoint: version of the ifindex table : 24, entry : 24, row : 16 */
#define PUT_COOKIE(version, entry, row) ((uint64_t)(version) << 40 | (uint64_t)(entry) << 16 | (row))

static void ep_put_done(void *arg, uint64_t cookie)
{
	struct ebn_rows *r = arg;
	uint32_t row = cookie & 0xffff, entry = (cookie >> 16) & 0xffffff;

	if (cookie >> 40 == (r->if_version & 0xffffff))
		r->if_place[entry] = EBN_PLACE_FREE;
	r->ep_place[row] = EBN_PLACE_FREE;
}

int ebn_ep_row_put(struct ebn_rows *r, uint32_t index)
{
	struct ebn_ep_row *row = ebn_ep_row(r, index);
	uint32_t free_at;
	int64_t at;
	int err;

	if (!row)
		return -EINVAL;
	if (r->ep_place[index] == EBN_PLACE_HELD) {
		r->ep_place[index] = EBN_PLACE_FREE;
		return 0;
	}
	if (r->ep_place[index] != EBN_PLACE_LIVE)
		return -ENOENT;
	at = if_find(r, row->ifindex, &free_at);
	if (at < 0)
		return -EPROTO;
	/* first what may fail */
	err = ebn_node_defer(r->nt, ep_put_done, r, PUT_COOKIE(r->if_version & 0xffffff, at, index));
	if (err)
		return err;
	ebn_pair_store(&if_entry(r, (uint32_t)at)->ifindex, 0);
	EBN_WRITE(row->flags, row->flags & ~EBN_EP_F_LIVE);
	EBN_WRITE(row->meta, 0);
	r->if_place[at] = EBN_PLACE_DYING;
	r->ep_place[index] = EBN_PLACE_DYING;
	return 0;
}

int ebn_ep_row_by_ifindex(struct ebn_rows *r, uint32_t ifindex, uint32_t *ret_row)
{
	uint32_t free_at;
	int64_t at = ifindex ? if_find(r, ifindex, &free_at) : -ENOENT;

	if (at < 0)
		return -ENOENT;
	*ret_row = if_entry(r, (uint32_t)at)->row;
	return 0;
}

/* ---- identity -> peer class ---- */

int ebn_class_set(struct ebn_rows *r, uint32_t identity, uint32_t peer_class)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_IDDIR);
	uint32_t *page = ebn_node_ptr(r->nt, s.off, s.n * 4), *cell, off;
	int err;

	if (identity / EBN_IDPAGE_CELLS >= EBN_IDDIR_CELLS)
		return -EINVAL;
	page += identity / EBN_IDPAGE_CELLS;
	off = *page;
	if (!off) {
		if (peer_class == EBN_CLASS_UNKNOWN)
			return 0;
		err = ebn_node_alloc(r->nt, EBN_X_IDPAGE, EBN_IDPAGE_CELLS * 4, &off);
		if (err)
			return err;
	}
	cell = ebn_node_ptr(r->nt, off + 4 * (identity % EBN_IDPAGE_CELLS), 4);
	/* release: the class's rows were filled before */
	__atomic_store_n(cell, peer_class, __ATOMIC_RELEASE);
	if (!*page)
		__atomic_store_n(page, off, __ATOMIC_RELEASE);
	return 0;
}

uint32_t ebn_class_get(struct ebn_rows *r, uint32_t identity)
{
	struct ebn_slot s = ebn_node_slot(r->nt, EBN_P_IDDIR);
	const uint32_t *page = ebn_node_ptr(r->nt, s.off, s.n * 4), *cell;

	if (identity / EBN_IDPAGE_CELLS >= EBN_IDDIR_CELLS || !page[identity / EBN_IDPAGE_CELLS])
		return EBN_CLASS_UNKNOWN;
	cell = ebn_node_ptr(r->nt, page[identity / EBN_IDPAGE_CELLS] + 4 * (identity % EBN_IDPAGE_CELLS), 4);
	return *cell;
}
