// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Readers in other processes. No grace period waits for them, so everything is copied first and
 * believed only when the word that led to it has not changed since. What a torn copy might say
 * (offsets, lengths) is bounded before it is used.
 */
#include "tables/names.h"
#include "tables/rows_internal.h"

#define TRIES 16

struct text {
	uint32_t number;
	char *text;
};

struct texts {
	struct text *t;
	size_t n, cap;
};

static void texts_done(struct texts *l)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		free(l->t[i].text);
	free(l->t);
	*l = (struct texts){ 0 };
}

static uint64_t cell_load(const struct ebn_name_cell *c)
{
	return __atomic_load_n((const uint64_t *)c, __ATOMIC_ACQUIRE);
}

static bool cell_is(const struct ebn_name_cell *c, uint64_t v)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return EBN_READ(*(const uint64_t *)c) == v;
}

/*
 * Copies the name a cell held at v, if it is of this kind. -EAGAIN: gone meanwhile. -EPROTO: not
 * sane.
 */
static int name_copy(const uint8_t *mem, uint64_t size, const struct ebn_name_cell *cell, uint64_t v,
		     enum ebn_name_kind kind, struct texts *l)
{
	const struct ebn_name_head *h;
	struct ebn_name_cell c;
	char *text = NULL;
	uint32_t len, number;
	int err = 0;

	memcpy(&c, &v, sizeof(c));
	if (c.off % EBN_LINE || c.off < EBN_NODE_EXTENT_OFF || c.off > size - EBN_LINE)
		return -EPROTO;
	h = (const struct ebn_name_head *)(mem + c.off);
	len = EBN_READ(h->len);
	number = EBN_READ(h->number);
	if (EBN_READ(h->kind) != (uint32_t)kind)
		return cell_is(cell, v) ? 0 : -EAGAIN;
	if (len > EBN_NAME_LEN_MAX || len > size - c.off - sizeof(*h) - 1)
		return cell_is(cell, v) ? -EPROTO : -EAGAIN;
	err = ebn_grow(&l->t, &l->cap, l->n + 1, sizeof(*l->t));
	if (err)
		return err;
	text = malloc((size_t)len + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, h + 1, len);
	text[len] = 0;
	if (!cell_is(cell, v)) {
		free(text);
		return -EAGAIN;
	}
	l->t[l->n++] = (struct text){ .number = number, .text = text };
	return 0;
}

/* One pass over the piece the root names. -EAGAIN: it was replaced meanwhile. */
static int names_copy(const uint8_t *mem, uint64_t size, enum ebn_name_kind kind, struct texts *l)
{
	const uint64_t cell_off_mask = ebn_pair(UINT32_MAX, 0);
	const struct ebn_name_cell *cell;
	struct ebn_dir dir, after;
	uint64_t root, v;
	uint32_t i, n;
	int err, tries;

	err = ebn_node_read_root(mem, size, &root, &dir);
	if (err)
		return err;
	cell = (const struct ebn_name_cell *)(mem + dir.slot[EBN_P_NAMES].off);
	n = dir.slot[EBN_P_NAMES].off ? dir.slot[EBN_P_NAMES].n : 0;
	for (i = 0; i < n; i++) {
		for (tries = 0; tries < TRIES; tries++) {
			v = cell_load(&cell[i]);
			err = v & cell_off_mask ? name_copy(mem, size, &cell[i], v, kind, l) : 0;
			if (err != -EAGAIN)
				break;
		}
		if (err)
			break;
	}
	if (!ebn_node_root_is(mem, root)) {
		/* other pieces come and go; only a new array of cells makes this pass void */
		if (ebn_node_read_root(mem, size, &root, &after) ||
		    memcmp(&after.slot[EBN_P_NAMES], &dir.slot[EBN_P_NAMES], sizeof(struct ebn_slot)))
			return -EAGAIN;
	}
	return err;
}

int ebn_rows_read_names(const void *mem, uint64_t size, enum ebn_name_kind kind,
			int (*fn)(uint32_t number, const char *text, void *arg), void *arg)
{
	struct texts l = { 0 };
	int err = -EAGAIN, tries;
	size_t i;

	if (!mem || !fn)
		return -EINVAL;
	for (tries = 0; err == -EAGAIN && tries < TRIES; tries++) {
		texts_done(&l);
		err = names_copy(mem, size, kind, &l);
	}
	for (i = 0; err >= 0 && i < l.n; i++)
		err = fn(l.t[i].number, l.t[i].text, arg);
	texts_done(&l);
	return err < 0 ? err : 0;
}

/* A consistent copy of a row: 1, 0 when it is not live, -EAGAIN when it kept changing. */
static int row_copy(const struct ebn_ep_row *row, struct ebn_ep_row *ret)
{
	uint32_t incarnation, tries;
	unsigned int i;

	for (tries = 0; tries < TRIES; tries++) {
		incarnation = __atomic_load_n(&row->incarnation, __ATOMIC_ACQUIRE);
		for (i = 0; i < sizeof(*row) / 4; i++)
			((uint32_t *)ret)[i] = EBN_READ(((const uint32_t *)row)[i]);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (EBN_READ(row->incarnation) == incarnation)
			return !!(ret->flags & EBN_EP_F_LIVE);
	}
	return -EAGAIN;
}

int ebn_rows_read_endpoints(const void *mem, uint64_t size,
			    int (*fn)(uint32_t row, const struct ebn_ep_row *r, void *arg), void *arg)
{
	const struct ebn_ep_row *row;
	struct ebn_ep_row copy;
	struct ebn_dir dir;
	uint64_t root;
	uint32_t i;
	int err;

	if (!mem || !fn)
		return -EINVAL;
	err = ebn_node_read_root(mem, size, &root, &dir);
	if (err)
		return err;
	/* the rows are made once and never move, so later roots name the same piece */
	row = (const struct ebn_ep_row *)((const uint8_t *)mem + dir.slot[EBN_P_ENDPOINT].off);
	for (i = 0; dir.slot[EBN_P_ENDPOINT].off && i < dir.slot[EBN_P_ENDPOINT].n; i++) {
		err = row_copy(&row[i], &copy);
		if (err < 0)
			return err;
		if (err)
			err = fn(i, &copy, arg);
		if (err < 0)
			return err;
	}
	return 0;
}

/* An entry as it was at one moment; false: it kept changing. */
static bool entry_copy(const struct ebn_addr_entry *e, struct ebn_addr_entry *ret)
{
	const uint64_t *w = (const uint64_t *)e;
	uint64_t v[3], again[3];
	unsigned int i, tries;

	for (tries = 0; tries < TRIES; tries++) {
		/* {identity, row} is stored last, so it is read first, and again behind the rest */
		v[2] = __atomic_load_n(&w[2], __ATOMIC_ACQUIRE);
		v[0] = __atomic_load_n(&w[0], __ATOMIC_ACQUIRE);
		v[1] = __atomic_load_n(&w[1], __ATOMIC_ACQUIRE);
		for (i = 0; i < 3; i++)
			again[i] = __atomic_load_n(&w[i], __ATOMIC_ACQUIRE);
		if (memcmp(v, again, sizeof(v)))
			continue;
		memcpy(ret, v, sizeof(v));
		return true;
	}
	return false;
}

int ebn_rows_read_address(const void *mem, uint64_t size, const struct ebn_dir *dir, const uint32_t addr[4],
			  uint32_t *ret_identity, uint32_t *ret_row)
{
	struct ebn_slot s = dir->slot[EBN_P_ADDR];
	const struct ebn_addr_bucket *b = (const struct ebn_addr_bucket *)((const uint8_t *)mem + s.off);
	uint64_t hash = ebn_addr_hash(addr);
	struct ebn_addr_entry e;
	uint32_t i, at;

	if (!s.off || (uint64_t)s.off + (uint64_t)s.n * sizeof(*b) > size)
		return -ENOENT;
	for (i = 0; i < 2 * EBN_ADDR_WAYS; i++) {
		at = (uint32_t)(i < EBN_ADDR_WAYS ? hash : hash >> 32) & (s.n - 1);
		if (!entry_copy(&b[at].e[i % EBN_ADDR_WAYS], &e))
			return -EAGAIN;
		if (!e.identity || memcmp(e.addr, addr, sizeof(e.addr)))
			continue;
		if (ret_identity)
			*ret_identity = e.identity;
		if (ret_row)
			*ret_row = e.row;
		return 0;
	}
	return -ENOENT;
}

/* The entries of one piece; *ret is the caller's to free. -EAGAIN: it was replaced meanwhile. */
static int addresses_copy(const uint8_t *mem, uint64_t size, struct ebn_addr_entry **ret, uint32_t *ret_n)
{
	const struct ebn_addr_bucket *b;
	struct ebn_addr_entry *l;
	struct ebn_dir dir, after;
	uint32_t i, n = 0;
	struct ebn_slot s;
	uint64_t root;
	int err;

	err = ebn_node_read_root(mem, size, &root, &dir);
	if (err)
		return err;
	s = dir.slot[EBN_P_ADDR];
	b = (const struct ebn_addr_bucket *)(mem + s.off);
	l = ebn_calloc(s.n ? s.n : 1, EBN_ADDR_WAYS * sizeof(*l));
	if (!l)
		return -ENOMEM;
	for (i = 0; !err && s.off && i < s.n * EBN_ADDR_WAYS; i++) {
		err = entry_copy(&b[i / EBN_ADDR_WAYS].e[i % EBN_ADDR_WAYS], &l[n]) ? 0 : -EAGAIN;
		n += l[n].identity != 0;
	}
	if (!err && !ebn_node_root_is(mem, root) &&
	    (ebn_node_read_root(mem, size, &root, &after) ||
	     memcmp(&after.slot[EBN_P_ADDR], &dir.slot[EBN_P_ADDR], sizeof(s))))
		err = -EAGAIN;
	if (err) {
		free(l);
		return err;
	}
	*ret = l;
	*ret_n = n;
	return 0;
}

int ebn_rows_read_addresses(const void *mem, uint64_t size,
			    int (*fn)(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg), void *arg)
{
	struct ebn_addr_entry *l = NULL;
	int err = -EAGAIN, tries;
	uint32_t i, n = 0;

	if (!mem || !fn)
		return -EINVAL;
	for (tries = 0; err == -EAGAIN && tries < TRIES; tries++)
		err = addresses_copy(mem, size, &l, &n);
	for (i = 0; err >= 0 && i < n; i++)
		err = fn(l[i].addr, l[i].identity, l[i].row, arg);
	free(l);
	return err < 0 ? err : 0;
}

static uint32_t word_at(const void *mem, uint64_t size, uint64_t off)
{
	return off % 4 == 0 && off + 4 <= size ? EBN_READ(*(const uint32_t *)((const uint8_t *)mem + off)) : 0;
}

uint32_t ebn_rows_read_told(const void *mem, uint64_t size, const struct ebn_dir *dir, uint32_t identity)
{
	struct ebn_slot s = dir->slot[EBN_P_IDDIR];
	uint32_t behind = identity + 1, page = behind / EBN_IDPAGE_CELLS, told = 0;

	if (identity < EBN_ID_SPLIT || identity >= EBN_ID_SCOPE_REMOTE_NODE || page >= s.n)
		return identity;
	page = word_at(mem, size, (uint64_t)s.off + 4 * page);
	if (page)
		told = word_at(mem, size, (uint64_t)page + 4 * (behind % EBN_IDPAGE_CELLS));
	return told ? told : identity;
}
