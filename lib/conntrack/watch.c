// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conntrack/watch.h"

#include "tables/flow_internal.h"

#define SEQ_MASK 0xffffffu

int ebn_ct_watch_begin(struct ebn_ct_watch *w, const struct ebn_flows *tables)
{
	struct ebn_ct_watch new = { .first = true };
	int i;

	for (i = 0; i < 2; i++) {
		new.copy[i] = tables[i];
		if (!tables[i].mem)
			continue;
		/* the copy is this build's, whatever the table is */
		memset(&new.copy[i].layout, 0, sizeof(new.copy[i].layout));
		/* untouched pages cost nothing */
		new.copy[i].mem = calloc(1, ebn_flow_bytes(tables[i].mask + 1, tables[i].v6));
		if (!new.copy[i].mem) {
			ebn_ct_watch_end(&new);
			return -ENOMEM;
		}
	}
	*w = new;
	return 0;
}

static void drop(struct ebn_flows *t)
{
	free(t->mem);
	t->mem = NULL;
}

void ebn_ct_watch_end(struct ebn_ct_watch *w)
{
	int i;

	for (i = 0; i < 2; i++) {
		drop(&w->copy[i]);
		drop(&w->left[i]);
	}
}

static void keep(const struct ebn_flows *t, uint32_t set, uint32_t way, uint64_t tag, const struct ebn_flow_copy *c)
{
	*ebn_flow_tag(t, set, way) = tag;
	if (c)
		ebn_flow_write(t, set, way, c);
}

/* Is the place's flow one that the copy of the old tables knows? Then it is no new one, and its old place is done with. */
static void carry_over(const struct ebn_flows *from, const struct ebn_flows *to, const struct ebn_flows *now)
{
	struct ebn_flow_copy c, known;
	uint64_t pos = 0;

	while (ebn_flow_next(now, &pos, &c)) {
		if (!ebn_flow_lookup(from, &c.key, &known))
			continue;
		keep(to, c.set, c.way, c.tag, &c);
		keep(from, known.set, known.way, EBN_TAG(0, EBN_TAG_SEQ(known.tag), EBN_TAG_FREE), NULL);
	}
}

int ebn_ct_watch_follow(struct ebn_ct_watch *w, const struct ebn_flows *tables)
{
	struct ebn_ct_watch new;
	int r, i;

	r = ebn_ct_watch_begin(&new, tables);
	if (r < 0)
		return r;
	new.missed = w->missed;
	new.first = w->first;
	for (i = 0; i < 2; i++) {
		if (w->copy[i].mem && tables[i].mem)
			carry_over(&w->copy[i], &new.copy[i], &tables[i]);
		new.left[i] = w->copy[i];
		w->copy[i].mem = NULL;
	}
	/* twice without a look between: nobody was told of those yet */
	ebn_ct_watch_end(w);
	*w = new;
	return 0;
}

static uint32_t seq_since(uint64_t now, uint64_t then)
{
	return (EBN_TAG_SEQ(now) - EBN_TAG_SEQ(then)) & SEQ_MASK;
}

/* The flow that the copy holds is not there any more. */
static int gone(const struct ebn_flows *t, const struct ebn_flows *copy, uint32_t set, uint32_t way, uint64_t tag,
		struct ebn_ct_change *ret)
{
	uint64_t *own = ebn_flow_tag(copy, set, way), was = *own;

	*ret = (struct ebn_ct_change){ .type = EBPFNET_CT_EVENT_DESTROY, .v6 = t->v6 };
	/* dead or freed, not used again: the last counters are still there */
	if (EBN_TAG_SEQ(tag) != EBN_TAG_SEQ(was) || !ebn_flow_read(t, set, way, tag, &ret->flow)) {
		ret->flags = EBPFNET_CT_EVENT_LATE;
		ebn_flow_read(copy, set, way, was, &ret->flow);
	}
	*own = EBN_TAG(0, EBN_TAG_SEQ(was), EBN_TAG_FREE);
	return 1;
}

static int came(struct ebn_ct_watch *w, const struct ebn_flows *t, const struct ebn_flows *copy, uint32_t set,
		uint32_t way, uint64_t tag, struct ebn_ct_change *ret)
{
	*ret = (struct ebn_ct_change){ .type = EBPFNET_CT_EVENT_NEW, .v6 = t->v6 };
	if (!ebn_flow_read(t, set, way, tag, &ret->flow))
		return 0;
	/* this one and those before it since the last look */
	if (w->first)
		ret->flags = EBPFNET_CT_EVENT_EXISTING;
	else
		w->missed += seq_since(tag, *ebn_flow_tag(copy, set, way)) - 1u;
	/* a dead one is kept as if it were alive: the next visit finds it gone */
	keep(copy, set, way, EBN_TAG(EBN_TAG_HASH(tag), EBN_TAG_SEQ(tag), EBN_TAG_LIVE), &ret->flow);
	return 1;
}

/* Counts what came and went at a place that is not in use now. */
static void passed_by(struct ebn_ct_watch *w, const struct ebn_flows *copy, uint32_t set, uint32_t way, uint64_t tag)
{
	uint64_t *own = ebn_flow_tag(copy, set, way), seq = EBN_TAG_SEQ(tag);

	/* one that is being made is not one that was missed */
	if (EBN_TAG_STATE(tag) == EBN_TAG_CLAIM || EBN_TAG_STATE(tag) == EBN_TAG_UCLAIM)
		seq = (seq - 1) & SEQ_MASK;
	if (!w->first)
		w->missed += (seq - EBN_TAG_SEQ(*own)) & SEQ_MASK;
	*own = EBN_TAG(0, seq, EBN_TAG_FREE);
}

/* What changed at a place: 1, else 0. A place that changed twice is visited twice. */
static int look(struct ebn_ct_watch *w, const struct ebn_flows *t, const struct ebn_flows *copy, uint32_t set,
		uint32_t way, struct ebn_ct_change *ret)
{
	uint64_t tag = ebn_flow_tag_at(t, set, way), was = *ebn_flow_tag(copy, set, way);
	bool live = EBN_TAG_STATE(tag) == EBN_TAG_LIVE, known = EBN_TAG_STATE(was) == EBN_TAG_LIVE;
	struct ebn_flow_copy then;

	if (known && (!live || tag != was))
		return gone(t, copy, set, way, tag, ret);
	if (!known && (live || (EBN_TAG_STATE(tag) == EBN_TAG_DEAD && !w->first && seq_since(tag, was))))
		return came(w, t, copy, set, way, tag, ret);
	if (!known) {
		if (tag != was)
			passed_by(w, copy, set, way, tag);
		return 0;
	}
	*ret = (struct ebn_ct_change){ .type = EBPFNET_CT_EVENT_UPDATE, .v6 = t->v6 };
	/* changed under us: the next look tells what it has become */
	if (!ebn_flow_read(t, set, way, tag, &ret->flow))
		return 0;
	ebn_flow_read(copy, set, way, was, &then);
	keep(copy, set, way, tag, &ret->flow);
	return EBN_CTL_STATE(then.body.ctl) != EBN_CTL_STATE(ret->flow.body.ctl);
}

static int next_left(struct ebn_ct_watch *w, struct ebn_ct_change *ret)
{
	struct ebn_flow_copy c;
	int i;

	for (i = 0; i < 2; i++) {
		if (!w->left[i].mem)
			continue;
		if (ebn_flow_next(&w->left[i], &w->left_pos, &c)) {
			*ret = (struct ebn_ct_change){ .type = EBPFNET_CT_EVENT_DESTROY, .v6 = i,
						       .flags = EBPFNET_CT_EVENT_LATE, .flow = c };
			return 1;
		}
		drop(&w->left[i]);
		w->left_pos = 0;
	}
	return 0;
}

int ebn_ct_watch_next(struct ebn_ct_watch *w, const struct ebn_flows *tables, struct ebn_ct_change *ret)
{
	if (next_left(w, ret))
		return 1;
	for (; w->table < 2; w->table++, w->pos = 0) {
		const struct ebn_flows *t = &tables[w->table], *copy = &w->copy[w->table];
		uint64_t ways = t->mem ? ((uint64_t)t->mask + 1) * EBN_FLOW_WAYS : 0;

		while (w->pos < ways) {
			if (look(w, t, copy, (uint32_t)(w->pos / EBN_FLOW_WAYS), (uint32_t)(w->pos % EBN_FLOW_WAYS),
				 ret)) {
				/* the place is visited again, unless it said all */
				w->pos += ret->type == EBPFNET_CT_EVENT_UPDATE;
				return 1;
			}
			w->pos++;
		}
	}
	w->table = 0;
	w->pos = 0;
	w->first = false;
	return 0;
}
