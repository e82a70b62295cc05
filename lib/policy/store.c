// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/engine.h"

/* ---- chunks ---- */

void ebn_store_done(struct ebn_store *st)
{
	for (size_t i = 0; i < st->n; i++)
		free(st->chunk[i]);
	free(st->chunk);
	ebn_index_done(&st->by_content);
	*st = (struct ebn_store){ 0 };
}

static bool same(const struct ebn_store *st, const struct ebn_chunk *c, uint32_t type, const uint8_t *bytes,
		 uint32_t used, uint32_t len)
{
	const uint8_t *have;

	if (c->type != type || c->len != len)
		return false;
	have = ebn_node_ptr(st->nt, c->off, len);
	if (!have || memcmp(have, bytes, used))
		return false;
	for (uint32_t i = used; i < len; i++)
		if (have[i])
			return false;
	return true;
}

static int add(struct ebn_store *st, struct ebn_chunk *c)
{
	if (ebn_grow(&st->chunk, &st->cap, st->n + 1, sizeof(*st->chunk)) < 0)
		return -ENOMEM;
	if (c->indexed && ebn_index_add(&st->by_content, c->hash, (uint32_t)st->n) < 0)
		return -ENOMEM;
	c->place = (uint32_t)st->n;
	st->chunk[st->n++] = c;
	return 0;
}

int ebn_chunk_get(struct ebn_store *st, uint32_t type, const void *bytes, uint32_t used, uint32_t len,
		  struct ebn_chunk **ret)
{
	uint32_t cursor, i = 0, off;
	struct ebn_chunk *c;
	uint64_t hash;
	int err;

	if (len > UINT32_MAX - EBN_LINE)
		return -ENOSPC;
	len = (len + EBN_LINE - 1) / EBN_LINE * EBN_LINE;
	while (used >= 8 && !memcmp((const uint8_t *)bytes + used - 8, &(uint64_t){ 0 }, 8))
		used -= 8;	/* so that the hash does not depend on how much of the zeroes the caller wrote out */
	hash = ebn_hash_bytes(bytes, used) ^ ebn_mix64((uint64_t)type << 32 | len);
	ebn_index_for_each(&st->by_content, hash, cursor, i) {
		if (same(st, st->chunk[i], type, bytes, used, len)) {
			st->chunk[i]->refs++;
			*ret = st->chunk[i];
			return 0;
		}
	}
	c = ebn_calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	err = ebn_node_alloc(st->nt, type, len, &off);
	if (err < 0) {
		if (err == -ENOSPC)
			st->short_by += len + EBN_LINE;
		free(c);
		return err;
	}
	*c = (struct ebn_chunk){ .refs = 1, .off = off, .len = len, .type = type, .hash = hash, .indexed = true };
	memcpy(ebn_node_ptr(st->nt, off, len), bytes, used);
	err = add(st, c);
	if (err < 0) {
		ebn_node_release(st->nt, off);
		free(c);
		return err;
	}
	*ret = c;
	return 0;
}

int ebn_chunk_adopt(struct ebn_store *st, uint32_t type, uint32_t off, uint32_t len, struct ebn_chunk **ret)
{
	struct ebn_chunk *c = ebn_calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct ebn_chunk){ .refs = 1, .off = off, .len = len, .type = type, .live = true };
	if (add(st, c) < 0) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void ebn_chunk_loosen(struct ebn_store *st, struct ebn_chunk *c)
{
	if (!c->indexed)
		return;
	ebn_index_remove(&st->by_content, c->hash, c->place);
	c->indexed = false;
}

void ebn_chunk_put(struct ebn_store *st, struct ebn_chunk *c)
{
	struct ebn_chunk *last;

	if (!c || --c->refs)
		return;
	last = st->chunk[--st->n];
	if (c->indexed)
		ebn_index_remove(&st->by_content, c->hash, c->place);
	/* the last one takes its place in the list */
	if (last != c) {
		if (last->indexed) {
			ebn_index_remove(&st->by_content, last->hash, last->place);
			/* an entry was removed just now, so there is room */
			ebn_index_add(&st->by_content, last->hash, c->place);
		}
		last->place = c->place;
		st->chunk[c->place] = last;
	}
	/* what cannot be put on the retired list is lost until the next adoption finds it unreachable */
	if (c->live)
		ebn_node_retire(st->nt, c->off);
	else
		ebn_node_release(st->nt, c->off);
	free(c);
}

/* ---- decisions ---- */

static uint64_t decision_hash(const struct ebn_decision *d)
{
	return ebn_hash_bytes(d, sizeof(*d));
}

static int find_or_make(struct ebn_policy *p, const struct ebn_decision *d, uint32_t *ret)
{
	uint32_t cursor, i = 0;
	int err;

	ebn_index_for_each(&p->dec_by_value, decision_hash(d), cursor, i) {
		if (!memcmp(&p->dec[i].d, d, sizeof(*d))) {
			*ret = i;
			return 0;
		}
	}
	err = ebn_numbers_get(&p->dec_ids, &i);
	if (err < 0)
		return err == -ENOSPC ? -E2BIG : err;
	err = ebn_index_add(&p->dec_by_value, decision_hash(d), i);
	if (err < 0) {
		ebn_numbers_unget(&p->dec_ids, i);
		return err;
	}
	p->dec[i] = (struct ebn_decision_use){ .d = *d };
	*ret = i;
	return 0;
}

static void decision_free(struct ebn_policy *p, uint32_t i)
{
	ebn_index_remove(&p->dec_by_value, decision_hash(&p->dec[i].d), i);
	if (p->dec[i].live)
		ebn_numbers_retire(&p->dec_ids, i);
	else
		ebn_numbers_unget(&p->dec_ids, i);
}

int ebn_decision_use(struct ebn_policy *p, struct ebn_image *img, const struct ebn_decision *d, uint16_t *ret)
{
	size_t cap = img->dec_cap;
	uint32_t i = 0;
	int err;

	err = find_or_make(p, d, &i);
	if (err < 0)
		return err;
	*ret = (uint16_t)i;
	for (uint32_t k = 0; k < img->n_dec; k++)
		if (img->dec[k] == i)
			return 0;
	err = ebn_grow(&img->dec, &cap, img->n_dec + 1, sizeof(*img->dec));
	if (err < 0) {
		if (!p->dec[i].refs)
			decision_free(p, i);
		return err;
	}
	img->dec_cap = (uint32_t)cap;
	img->dec[img->n_dec++] = i;
	p->dec[i].refs++;
	return 0;
}

void ebn_decisions_drop(struct ebn_policy *p, uint32_t *dec, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++)
		if (--p->dec[dec[k]].refs == 0)
			decision_free(p, dec[k]);
	free(dec);
}
