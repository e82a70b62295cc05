/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Where the words of a flow table are, and how they are loaded, stored and swapped. */
#ifndef EBN_TABLES_FLOW_INTERNAL_H
#define EBN_TABLES_FLOW_INTERNAL_H

#include "tables/flow.h"

/* How often an importer in the first set waits for a rival in the second one; as in the programs. */
#define EBN_FLOW_SCANS 64

static inline uint64_t ebn_flow_load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t ebn_flow_load_acquire(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void ebn_flow_store(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline bool ebn_flow_swap(uint64_t *p, uint64_t *was, uint64_t to)
{
	return __atomic_compare_exchange_n(p, was, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline uint32_t ebn_flow_key_words(const struct ebn_flows *t)
{
	return t->v6 ? 6 : 2;
}

static inline const struct ebn_flow_layout *ebn_flow_layout_of(const struct ebn_flows *t)
{
	return t->layout.words[0] ? &t->layout : &ebn_flow_layout_here;
}

static inline uint64_t *ebn_flow_tag(const struct ebn_flows *t, uint32_t set, uint32_t way)
{
	size_t words = ebn_flow_layout_of(t)->words[t->v6];

	return (uint64_t *)t->mem + set * (EBN_FLOW_WAYS + EBN_FLOW_WAYS * words) + way;
}

static inline uint64_t *ebn_flow_entry(const struct ebn_flows *t, uint32_t set, uint32_t way)
{
	return ebn_flow_tag(t, set, 0) + EBN_FLOW_WAYS + way * ebn_flow_layout_of(t)->words[t->v6];
}

/* A word of an entry by what it means: EBN_FW_* and the number of the word behind it. */
static inline uint64_t *ebn_flow_word(const struct ebn_flows *t, uint64_t *e, unsigned int word)
{
	return &e[ebn_flow_layout_of(t)->at[t->v6][word]];
}

static inline uint64_t ebn_flow_key_hash(const struct ebn_flows *t, const union ebn_flow_key *key)
{
	__u64 w[6];

	memcpy(w, key->w, sizeof(w));
	return ebn_flow_hash(w, t->v6 ? 6 : 2, t->seed[0], t->seed[1]);
}

/* IP protocol of an entry: byte 4 of the key word that begins with the ports. */
static inline uint8_t ebn_flow_key_proto(const struct ebn_flows *t, uint64_t *e)
{
	uint64_t w = ebn_flow_load(ebn_flow_word(t, e, EBN_FW_KEY + (t->v6 ? 4 : 1)));
	uint8_t b[8];

	memcpy(b, &w, sizeof(b));
	return b[4];
}

#endif
