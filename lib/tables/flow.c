// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Flow tables in user space. The protocol is that of bpf/lib/flow.h; this side claims with UCLAIM, so that adoption can
 * tell what a killed writer left from what a program is busy with.
 *
 * Order, in C11 terms. A tag is loaded with acquire before its entry is read, the entry's words with relaxed loads (they
 * race with their writer by design), an acquire fence stands before the tag is read again: if it is the same, no word came
 * from another flow, since every reuse changes the tag's sequence first. An inserter claims with a sequentially consistent
 * compare-and-swap and scans behind a sequentially consistent fence; the programs' atomics are full barriers, so of two
 * rivals one sees the other. Publishing the tag is a sequentially consistent exchange.
 */
#include "tables/flow.h"
#include "tables/flow_internal.h"

uint32_t ebn_flow_sets(uint64_t n)
{
	uint64_t need = (n * 4 + 2) / 3, sets = EBN_FLOW_SETS_MIN;

	while (sets * EBN_FLOW_WAYS < need && sets < EBN_FLOW_SETS_MAX)
		sets *= 2;
	return (uint32_t)sets;
}

const struct ebn_flow_layout ebn_flow_layout_here = EBN_FLOW_LAYOUT_HERE;

uint64_t ebn_flow_layout_bytes(const struct ebn_flow_layout *layout, uint32_t sets, bool v6)
{
	return (uint64_t)sets * 8 * EBN_FLOW_WAYS * (1 + (uint64_t)layout->words[v6]);
}

uint64_t ebn_flow_bytes(uint32_t sets, bool v6)
{
	return ebn_flow_layout_bytes(&ebn_flow_layout_here, sets, v6);
}

bool ebn_flow_layout_valid(const struct ebn_flow_layout *layout)
{
	static const uint8_t zero[sizeof(layout->reserved)];
	uint32_t taken;
	uint8_t at;
	int v6, i;

	for (v6 = 0; v6 < 2; v6++) {
		if (layout->words[v6] > EBN_FLOW_ENTRY_MAX)
			return false;
		taken = 0;
		for (i = 0; i < EBN_FLOW_WORDS; i++) {
			at = layout->at[v6][i];
			if (!v6 && i >= EBN_FW_KEY + 2 && i < EBN_FW_CTL) {
				if (at != EBN_FLOW_NOWHERE)
					return false;
				continue;
			}
			if (at >= layout->words[v6] || taken & 1U << at)
				return false;
			taken |= 1U << at;
		}
	}
	return !memcmp(layout->reserved, zero, sizeof(zero));
}

uint32_t ebn_flow_idle_index(uint8_t proto, uint8_t state)
{
	switch (proto) {
	case 6:
	case 132:
		return state == EBN_FS_HALF_CLOSED ? EBN_FLOW_IDLE_TCP_HALF_CLOSED :
		       state == EBN_FS_ESTABLISHED ? EBN_FLOW_IDLE_TCP_EST :
		       state == EBN_FS_CLOSING	   ? EBN_FLOW_IDLE_TCP_CLOSING :
						     EBN_FLOW_IDLE_TCP_HALF;
	case 17:
		return state >= EBN_FS_ESTABLISHED ? EBN_FLOW_IDLE_UDP_EST : EBN_FLOW_IDLE_UDP_HALF;
	case 1:
	case 58:
		return EBN_FLOW_IDLE_ICMP;
	default:
		return EBN_FLOW_IDLE_OTHER;
	}
}

/* Of a body, the words from EBN_FW_CTL on. */
#define BODY_WORDS (EBN_FLOW_WORDS - EBN_FW_CTL)
EBN_ASSERT(8 * BODY_WORDS == sizeof(struct ebn_flow_body), "a body has no other words");

static void body_from(const uint64_t w[BODY_WORDS], struct ebn_flow_body *ret)
{
	ret->ctl = w[0];
	ret->bytes[0] = w[EBN_FW_BYTES - EBN_FW_CTL];
	ret->bytes[1] = w[EBN_FW_BYTES + 1 - EBN_FW_CTL];
	memcpy(ret->packets, &w[EBN_FW_PACKETS - EBN_FW_CTL], 8);
	memcpy(&ret->seen, &w[EBN_FW_SEEN - EBN_FW_CTL], 8);
	memcpy(&ret->decision, &w[EBN_FW_DECISION - EBN_FW_CTL], 8);
}

static void body_to(const struct ebn_flow_body *body, uint64_t ret[BODY_WORDS])
{
	ret[0] = body->ctl;
	ret[EBN_FW_BYTES - EBN_FW_CTL] = body->bytes[0];
	ret[EBN_FW_BYTES + 1 - EBN_FW_CTL] = body->bytes[1];
	memcpy(&ret[EBN_FW_PACKETS - EBN_FW_CTL], body->packets, 8);
	memcpy(&ret[EBN_FW_SEEN - EBN_FW_CTL], &body->seen, 8);
	memcpy(&ret[EBN_FW_DECISION - EBN_FW_CTL], &body->decision, 8);
}

/* Copies an entry whose tag is t; false when it changed meanwhile. */
static bool copy_entry(const struct ebn_flows *t, uint32_t set, uint32_t way, uint64_t tag, struct ebn_flow_copy *ret)
{
	uint64_t *e = ebn_flow_entry(t, set, way), body[BODY_WORDS];
	uint32_t i, n = ebn_flow_key_words(t);
	struct ebn_flow_copy c = { .tag = tag, .set = set, .way = way };

	for (i = 0; i < n; i++)
		c.key.w[i] = ebn_flow_load(ebn_flow_word(t, e, EBN_FW_KEY + i));
	for (i = 0; i < BODY_WORDS; i++)
		body[i] = ebn_flow_load(ebn_flow_word(t, e, EBN_FW_CTL + i));
	body_from(body, &c.body);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (ebn_flow_load(ebn_flow_tag(t, set, way)) != tag)
		return false;
	*ret = c;
	return true;
}

bool ebn_flow_read(const struct ebn_flows *t, uint32_t set, uint32_t way, uint64_t tag, struct ebn_flow_copy *ret)
{
	return copy_entry(t, set, way, tag, ret);
}

void ebn_flow_write(const struct ebn_flows *t, uint32_t set, uint32_t way, const struct ebn_flow_copy *c)
{
	uint64_t *e = ebn_flow_entry(t, set, way), body[BODY_WORDS];
	uint32_t i, n = ebn_flow_key_words(t);

	for (i = 0; i < n; i++)
		ebn_flow_store(ebn_flow_word(t, e, EBN_FW_KEY + i), c->key.w[i]);
	body_to(&c->body, body);
	for (i = 0; i < BODY_WORDS; i++)
		ebn_flow_store(ebn_flow_word(t, e, EBN_FW_CTL + i), body[i]);
}

uint64_t ebn_flow_tag_at(const struct ebn_flows *t, uint32_t set, uint32_t way)
{
	return ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
}

static bool key_equal(const struct ebn_flows *t, const union ebn_flow_key *a, const union ebn_flow_key *b)
{
	return !memcmp(a, b, 8 * ebn_flow_key_words(t));
}

int ebn_flow_lookup(const struct ebn_flows *t, const union ebn_flow_key *key, struct ebn_flow_copy *ret)
{
	uint64_t hash = ebn_flow_key_hash(t, key), tag;
	uint32_t set, way, i;
	struct ebn_flow_copy c;

	for (i = 0; i < 2; i++) {
		set = i ? ebn_flow_set2(hash, t->mask) : ebn_flow_set1(hash, t->mask);
		for (way = 0; way < EBN_FLOW_WAYS; way++) {
			tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
			if (EBN_TAG_HASH(tag) != (uint32_t)(hash >> 32) || EBN_TAG_STATE(tag) != EBN_TAG_LIVE)
				continue;
			if (!copy_entry(t, set, way, tag, &c) || !key_equal(t, &c.key, key))
				continue;
			*ret = c;
			return 1;
		}
	}
	return 0;
}

int ebn_flow_next(const struct ebn_flows *t, uint64_t *pos, struct ebn_flow_copy *ret)
{
	uint64_t ways = ((uint64_t)t->mask + 1) * EBN_FLOW_WAYS, tag;
	uint32_t set, way;

	for (; *pos < ways; (*pos)++) {
		set = (uint32_t)(*pos / EBN_FLOW_WAYS);
		way = (uint32_t)(*pos % EBN_FLOW_WAYS);
		tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
		if (EBN_TAG_STATE(tag) != EBN_TAG_LIVE || !copy_entry(t, set, way, tag, ret))
			continue;
		(*pos)++;
		return 1;
	}
	return 0;
}

int ebn_flow_kill(const struct ebn_flows *t, const struct ebn_flow_copy *c)
{
	uint64_t tag = c->tag;

	return ebn_flow_swap(ebn_flow_tag(t, c->set, c->way), &tag, (tag & ~0xffULL) | EBN_TAG_DEAD);
}

/* ---- import ---- */

#define RIVAL_LIVE 1
#define RIVAL_BEHIND 2
#define RIVAL_AHEAD 4

/*
 * RIVAL_* bits of one set. order: our own way; in the other set -1 when claims there are behind us, EBN_FLOW_WAYS when they
 * are ahead.
 */
static int rivals(const struct ebn_flows *t, const union ebn_flow_key *key, uint64_t hash, uint32_t set, int order)
{
	struct ebn_flow_copy c;
	int way, found = 0;
	uint64_t tag;

	for (way = 0; way < (int)EBN_FLOW_WAYS; way++) {
		tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, (uint32_t)way));
		if (way == order || EBN_TAG_HASH(tag) != (uint32_t)(hash >> 32))
			continue;
		if (EBN_TAG_STATE(tag) == EBN_TAG_CLAIM || EBN_TAG_STATE(tag) == EBN_TAG_UCLAIM)
			found |= way < order ? RIVAL_AHEAD : RIVAL_BEHIND;
		else if (EBN_TAG_STATE(tag) == EBN_TAG_LIVE && copy_entry(t, set, (uint32_t)way, tag, &c) &&
			 key_equal(t, &c.key, key))
			return RIVAL_LIVE;
	}
	return found;
}

/* 1: nobody else has the key, 0: somebody has it, -EBUSY: give way. */
static int contest(const struct ebn_flows *t, const union ebn_flow_key *key, uint64_t hash, uint32_t way,
		   bool in_second)
{
	uint32_t first = ebn_flow_set1(hash, t->mask), second = ebn_flow_set2(hash, t->mask);
	int i, found;

	for (i = 0; i < EBN_FLOW_SCANS; i++) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		found = rivals(t, key, hash, first, in_second ? (int)EBN_FLOW_WAYS : (int)way);
		found |= rivals(t, key, hash, second, in_second ? (int)way : -1);
		if (found & RIVAL_LIVE)
			return 0;
		if (!found)
			return 1;
		if (found & RIVAL_AHEAD)
			return -EBUSY;
	}
	return -EBUSY;
}

/* A free way of a set, or one that is dead weight: half open. Returns the way and its tag, -1 none. */
static int pick(const struct ebn_flows *t, uint32_t set, bool give_up, uint64_t *ret_tag)
{
	uint32_t way, oldest = 0, seen;
	uint64_t tag, ctl, *e;
	int found = -1;

	for (way = 0; way < EBN_FLOW_WAYS; way++) {
		tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
		if (EBN_TAG_STATE(tag) == EBN_TAG_FREE) {
			*ret_tag = tag;
			return (int)way;
		}
		if (!give_up || EBN_TAG_STATE(tag) != EBN_TAG_LIVE)
			continue;
		e = ebn_flow_entry(t, set, way);
		ctl = ebn_flow_load(ebn_flow_word(t, e, EBN_FW_CTL));
		seen = (uint32_t)ebn_flow_load(ebn_flow_word(t, e, EBN_FW_SEEN));
		if (EBN_CTL_STATE(ctl) > EBN_FS_HALF_OPEN || (found >= 0 && (int32_t)(seen - oldest) >= 0))
			continue;
		found = (int)way;
		oldest = seen;
		*ret_tag = tag;
	}
	return found;
}

static int import_at(const struct ebn_flows *t, const struct ebn_flow_copy *c, uint64_t hash, bool in_second,
		     uint32_t way, uint64_t tag)
{
	uint32_t set = in_second ? ebn_flow_set2(hash, t->mask) : ebn_flow_set1(hash, t->mask);
	uint64_t *word = ebn_flow_word(t, ebn_flow_entry(t, set, way), EBN_FW_CTL), ctl;
	uint64_t *slot = ebn_flow_tag(t, set, way), was = tag;
	uint32_t seq = EBN_TAG_SEQ(tag) + 1;
	struct ebn_flow_copy mine;
	int res;

	if (EBN_TAG_STATE(tag) == EBN_TAG_LIVE) {
		/*
		 * what is given up must still be half open when it goes, so the control word that was judged
		 * loses its sequence number first. The other way round a tag that was claimed would have to
		 * be put back, and who looked meanwhile would have missed a living flow.
		 */
		ctl = ebn_flow_load(word);
		if (EBN_CTL_STATE(ctl) > EBN_FS_HALF_OPEN || !ebn_flow_swap(word, &ctl, ctl ^ 1ULL << 63))
			return -EBUSY;
	}
	if (!ebn_flow_swap(slot, &was, EBN_TAG(hash >> 32, seq, EBN_TAG_UCLAIM)))
		return -EBUSY;
	res = contest(t, &c->key, hash, way, in_second);
	if (res != 1) {
		__atomic_exchange_n(slot, EBN_TAG(0, seq, EBN_TAG_FREE), __ATOMIC_SEQ_CST);
		return res;
	}
	mine = *c;
	mine.body.ctl = (mine.body.ctl & 0xffffffffffffULL) | (uint64_t)(seq & 0xffff) << 48;
	ebn_flow_write(t, set, way, &mine);
	__atomic_exchange_n(slot, EBN_TAG(hash >> 32, seq, EBN_TAG_LIVE), __ATOMIC_SEQ_CST);
	return 1;
}

static unsigned int free_ways(const struct ebn_flows *t, uint32_t set)
{
	unsigned int way, n = 0;

	for (way = 0; way < EBN_FLOW_WAYS; way++)
		n += EBN_TAG_STATE(ebn_flow_load(ebn_flow_tag(t, set, way))) == EBN_TAG_FREE;
	return n;
}

int ebn_flow_import(const struct ebn_flows *t, const struct ebn_flow_copy *c)
{
	uint64_t hash = ebn_flow_key_hash(t, &c->key), tag = 0;
	const uint32_t set[2] = { ebn_flow_set1(hash, t->mask), ebn_flow_set2(hash, t->mask) };
	/* the emptier set first: filling first sets first would overflow pairs long before the table is full */
	bool second_first = free_ways(t, set[1]) > free_ways(t, set[0]);
	struct ebn_flow_copy there;
	bool in_second;
	int give_up, i, way;

	if (ebn_flow_lookup(t, &c->key, &there))
		return 0;
	for (give_up = 0; give_up < 2; give_up++) {
		/* an import never pushes out anything for a half-open flow */
		if (give_up && EBN_CTL_STATE(c->body.ctl) <= EBN_FS_HALF_OPEN)
			break;
		for (i = 0; i < 2; i++) {
			in_second = i ^ second_first;
			way = pick(t, set[in_second], give_up, &tag);
			if (way >= 0)
				return import_at(t, c, hash, in_second, (uint32_t)way, tag);
		}
	}
	return -ENOSPC;
}

/* ---- sweeping ---- */

uint32_t ebn_flow_adopt(const struct ebn_flows *t)
{
	uint32_t set, way, n = 0;
	uint64_t tag;

	for (set = 0; set <= t->mask; set++) {
		for (way = 0; way < EBN_FLOW_WAYS; way++) {
			tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
			if (EBN_TAG_STATE(tag) == EBN_TAG_UCLAIM &&
			    ebn_flow_swap(ebn_flow_tag(t, set, way), &tag, EBN_TAG(0, EBN_TAG_SEQ(tag), EBN_TAG_FREE)))
				n++;
		}
	}
	return n;
}

/*
 * May the sweep end this entry? When it has expired; or it is a reservation whose flow is gone, and has been idle for as long as
 * a closing flow may be, so that its port rests.
 */
static bool may_end(const struct ebn_flows *t, const struct ebn_sweep *s, uint64_t *e, uint64_t ctl,
		    uint32_t idle)
{
	if (idle > s->idle_ticks[ebn_flow_idle_index(ebn_flow_key_proto(t, e), (uint8_t)EBN_CTL_STATE(ctl))])
		return true;
	return s->orphan && EBN_CTL_FLAGS(ctl) & EBN_FF_NAT && idle > s->idle_ticks[EBN_FLOW_IDLE_TCP_CLOSING];
}

/* The copy is of what was judged, and it has expired or is an orphan. */
static bool ends(const struct ebn_flows *t, const struct ebn_sweep *s, const struct ebn_flow_copy *c, uint64_t ctl,
		 uint32_t idle)
{
	if ((uint32_t)(s->now - c->body.seen) < idle || c->body.ctl != ctl)
		return false;
	if (idle > s->idle_ticks[ebn_flow_idle_index(t->v6 ? c->key.v6.proto : c->key.v4.proto,
						     (uint8_t)EBN_CTL_STATE(ctl))])
		return true;
	return s->orphan(c, t->v6, s->orphan_arg);
}

/* Says of a frontend's entry that it is there; one stands beside each flow to a service. */
static bool front_seen(const struct ebn_flows *t, const struct ebn_sweep *s, uint32_t set, uint32_t way, uint64_t tag,
		       struct ebn_flow_copy *c)
{
	uint64_t w = ebn_flow_load(ebn_flow_word(t, ebn_flow_entry(t, set, way), EBN_FW_KEY + (t->v6 ? 4 : 1)));

	if (!s->front || w >> 48 != EBN_ZONE_SVC || w & (uint64_t)(EBN_KEY_BACK | EBN_KEY_CARRY) << 40 ||
	    !copy_entry(t, set, way, tag, c))
		return false;
	s->front(c, 1, s->front_arg);
	return true;
}

uint64_t ebn_flow_sweep(const struct ebn_flows *t, struct ebn_sweep *s, uint64_t *pos, uint64_t n)
{
	uint64_t ways = ((uint64_t)t->mask + 1) * EBN_FLOW_WAYS, killed = 0, end, tag, ctl, tail;
	uint32_t set, way, idle, owner;
	struct ebn_flow_copy c, front;
	bool is_front;
	uint64_t *e;

	if (*pos >= ways)
		*pos = 0;
	end = n && n < ways - *pos ? *pos + n : ways;
	for (; *pos < end; (*pos)++) {
		set = (uint32_t)(*pos / EBN_FLOW_WAYS);
		way = (uint32_t)(*pos % EBN_FLOW_WAYS);
		tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
		if (EBN_TAG_STATE(tag) == EBN_TAG_DEAD)
			s->dead++;
		if (EBN_TAG_STATE(tag) != EBN_TAG_LIVE)
			continue;
		e = ebn_flow_entry(t, set, way);
		ctl = ebn_flow_load(ebn_flow_word(t, e, EBN_FW_CTL));
		s->live++;
		s->half_open += EBN_CTL_STATE(ctl) <= EBN_FS_HALF_OPEN;
		tail = ebn_flow_load(ebn_flow_word(t, e, EBN_FW_SEEN));
		/* should the entry change hands here, one is counted for the wrong owner */
		owner = (uint32_t)ebn_flow_owner(tail, ctl);
		if (owner < s->n_owned)
			s->owned[owner]++;
		is_front = front_seen(t, s, set, way, tag, &front);
		idle = s->now - (uint32_t)tail;
		/* a clock read before a packet's is behind it */
		if ((int32_t)idle < 0)
			continue;
		if (!may_end(t, s, e, ctl, idle))
			continue;
		/* judged without a second look at the tag: the copy makes it good, and the swap in kill */
		if (!copy_entry(t, set, way, tag, &c) || !ends(t, s, &c, ctl, idle) || !ebn_flow_kill(t, &c))
			continue;
		killed++;
		if (is_front)
			s->front(&front, -1, s->front_arg);
		if (owner < s->n_owned)
			s->owned[owner]--;
		if (s->done && !ebn_flow_reserves(&c, t->v6))
			s->done(&c, s->arg);
	}
	if (*pos >= ways)
		*pos = 0;
	return killed;
}

uint64_t ebn_flow_reap(const struct ebn_flows *t)
{
	uint64_t n = 0, tag;
	uint32_t set, way;

	for (set = 0; set <= t->mask; set++) {
		for (way = 0; way < EBN_FLOW_WAYS; way++) {
			tag = ebn_flow_load_acquire(ebn_flow_tag(t, set, way));
			if (EBN_TAG_STATE(tag) == EBN_TAG_DEAD &&
			    ebn_flow_swap(ebn_flow_tag(t, set, way), &tag, EBN_TAG(0, EBN_TAG_SEQ(tag), EBN_TAG_FREE)))
				n++;
		}
	}
	return n;
}
