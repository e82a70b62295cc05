// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Prefixes as programs and other processes read them: any memory, trusted in nothing. */
#include "tables/rows_prefix.h"

#define TRIES 16

struct reader {
	const uint8_t *mem;
	uint64_t size;
	struct ebn_slot nodes, recs;
};

static uint64_t word(const struct reader *rd, uint32_t off)
{
	return __atomic_load_n((const uint64_t *)(rd->mem + (off & (rd->size - 8))), __ATOMIC_ACQUIRE);
}

static struct ebn_prefix record(const struct reader *rd, uint32_t i)
{
	uint32_t off = rd->recs.off + (i & 0xffffff) * (uint32_t)sizeof(struct ebn_prefix), k;
	struct ebn_prefix p;
	uint64_t w[sizeof(p) / 8];

	for (k = 0; k < EBN_ARRAY_SIZE(w); k++)
		w[k] = word(rd, off + k * 8);
	memcpy(&p, w, sizeof(p));
	return p;
}

/* As ebn_prefix_find() in bpf/lib/node.h: whether there is one. */
static bool find(const struct reader *rd, struct ebn_px_key k, struct ebn_prefix *ret)
{
	uint32_t path[EBN_PX_NODES_MAX] = { 0 }, at = ebn_px_root(k), pos = at == EBN_PX_ROOT4 ? 96 : 0;
	uint32_t rec = 0, depth, i;
	struct ebn_prefix_slot s;
	uint64_t w;

	for (i = 0; i < EBN_PX_NODES_MAX; i++) {
		w = word(rd, rd->nodes.off + at * (uint32_t)sizeof(struct ebn_prefix_node) +
			 ebn_px_nibble(k, pos) * (uint32_t)sizeof(s));
		memcpy(&s, &w, sizeof(s));
		path[pos / 4] = s.rec;
		rec = s.rec ? s.rec : rec;
		at = EBN_PX_INDEX(s.link);
		if (s.link & EBN_PX_LEAF)
			rec = at;
		if (s.link & EBN_PX_LEAF || EBN_PX_BITS(s.link) <= pos)
			break;
		pos = EBN_PX_BITS(s.link);
	}
	if (!rec)
		return false;
	*ret = record(rd, rec);
	depth = ebn_addr_common(k.hi, k.lo, ebn_addr_bits(ret->addr[0], ret->addr[1]),
				ebn_addr_bits(ret->addr[2], ret->addr[3]));
	if (depth >= ret->len)
		return true;
	for (i = depth / 4 + 1; i-- > 0 && !path[i];)
		;
	if (i > depth / 4)
		return false;
	*ret = record(rd, path[i]);
	return true;
}

int ebn_rows_read_prefix(const void *mem, uint64_t size, const struct ebn_dir *dir, const uint32_t addr[4],
			 struct ebn_prefix *ret)
{
	struct reader rd = { mem, size, dir->slot[EBN_P_PREFIX_NODE], dir->slot[EBN_P_PREFIX] };
	struct ebn_px_key k = ebn_px_key(addr, 128);
	struct ebn_prefix p, again;
	bool found;
	int tries;

	if (!rd.nodes.off)
		return -ENOENT;
	/* no grace period waits for this reader, and a record may change hands: twice the same is believed */
	for (tries = 0; tries < TRIES; tries++) {
		found = find(&rd, k, &p);
		if (found != find(&rd, k, &again) || (found && memcmp(&p, &again, sizeof(p))))
			continue;
		if (found)
			*ret = p;
		return found ? 0 : -ENOENT;
	}
	return -EAGAIN;
}

/* A copy of every record. -EAGAIN: the piece was replaced meanwhile. */
static int copy_all(const void *mem, uint64_t size, struct ebn_prefix **ret, uint32_t *ret_n)
{
	struct reader rd = { .mem = mem, .size = size };
	struct ebn_dir dir, after;
	struct ebn_prefix *p, again;
	uint64_t root;
	uint32_t i;
	int err, tries;

	err = ebn_node_read_root(mem, size, &root, &dir);
	if (err)
		return err;
	rd.recs = dir.slot[EBN_P_PREFIX];
	p = ebn_calloc(rd.recs.n, sizeof(*p));
	if (!p)
		return -ENOMEM;
	for (i = 0; i < rd.recs.n; i++) {
		p[i] = record(&rd, i);
		for (tries = 0; tries < TRIES; tries++, p[i] = again) {
			again = record(&rd, i);
			if (!memcmp(&p[i], &again, sizeof(again)))
				break;
		}
	}
	if (!ebn_node_root_is(mem, root) &&
	    (ebn_node_read_root(mem, size, &root, &after) ||
	     memcmp(&after.slot[EBN_P_PREFIX], &dir.slot[EBN_P_PREFIX], sizeof(struct ebn_slot)))) {
		free(p);
		return -EAGAIN;
	}
	*ret = p;
	*ret_n = rd.recs.n;
	return 0;
}

int ebn_rows_read_prefixes(const void *mem, uint64_t size, ebn_prefix_fn fn, void *arg)
{
	struct ebn_prefix *p = NULL;
	struct ebn_prefix_value v;
	int err = -EAGAIN, tries;
	uint32_t i, n = 0;

	if (!mem || !fn)
		return -EINVAL;
	for (tries = 0; err == -EAGAIN && tries < TRIES; tries++)
		err = copy_all(mem, size, &p, &n);
	for (i = 1; err >= 0 && i < n; i++) {
		if (p[i].state != EBN_PX_LIVE || !p[i].identity)
			continue;
		v = (struct ebn_prefix_value){ .identity = p[i].identity, .peer = p[i].peer, .owner = p[i].owner };
		err = fn(p[i].addr, p[i].len, &v, arg);
	}
	free(p);
	return err < 0 ? err : 0;
}
