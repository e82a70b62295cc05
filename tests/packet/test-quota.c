// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* An endpoint's share of the flow table: who may stay and who may come, against a naive reference; and what a flood leaves. */
#include <string.h>

#include "../unit/suite.h"
#include "rig.h"

#define SETS 16u
#define WAYS (SETS * EBN_FLOW_WAYS)
#define EXPIRES 10000u
#define GIVE_UP 1000u

static struct rig_result r;
static uint32_t now;	/* the tick of the last packet */

static struct spec flow_of(int who, unsigned int n, bool v6)
{
	static const char *const from[2][2] = { { A4, A6 }, { B4, B6 } };

	return (struct spec){ .src = from[who][v6], .dst = v6 ? FAR6 : FAR4, .proto = UDP,
			      .sport = (uint16_t)(1024 + n % 60000), .dport = (uint16_t)(80 + n / 60000) };
}

static struct ebn_flow_body *body_at(bool v6, uint32_t set, uint32_t way)
{
	struct ebn_flow_set4 *set4 = rig.flows[0].mem;
	struct ebn_flow_set6 *set6 = rig.flows[1].mem;

	return v6 ? &set6[set].e[way].body : &set4[set].e[way].body;
}

static void becomes(const struct ebn_flow_copy *c, bool v6, int state)
{
	body_at(v6, c->set, c->way)->ctl = EBN_CTL(EBN_CTL_SEQ(c->body.ctl), state, EBN_CTL_FLAGS(c->body.ctl),
						   EBN_CTL_EPOCH(c->body.ctl));
}

static void begin(void)
{
	struct rig_opts opts = { .sets = SETS };
	int i;

	rig_open(&opts);
	rig_allow_all();
	rig.hdr->observe = 0;
	for (i = 0; i < 8; i++)
		rig.hdr->idle_ticks[i] = EXPIRES;
	rig.hdr->give_up_ticks = GIVE_UP;
}

static void empty(uint32_t quota)
{
	rig_flush();
	memset(rig.share, 0, RIG_SHARES * sizeof(*rig.share));
	rig.hdr->quota[0] = rig.hdr->quota[1] = quota;
}

/* ---- a naive reference ---- */

struct place {
	uint64_t tag;
	bool free, expired, kept;	/* kept: established, and not idle for long */
	uint32_t owner;
};

static void look(bool v6, const uint32_t set[2], struct place ret[16])
{
	struct ebn_flow_body *b;
	uint32_t age, first;
	int i;

	for (i = 0; i < 16; i++) {
		b = body_at(v6, set[i / 8], (uint32_t)i % 8);
		ret[i] = (struct place){ .tag = ebn_flow_tag_at(&rig.flows[v6], set[i / 8], (uint32_t)i % 8) };
		ret[i].free = EBN_TAG_STATE(ret[i].tag) == EBN_TAG_FREE;
		first = EBN_CTL_FLAGS(b->ctl) & EBN_FF_INIT_HI ? 1 : 0;
		ret[i].owner = b->row[first] ? b->row[first] : b->row[!first];
		age = now - b->seen;
		ret[i].expired = age > EXPIRES;
		ret[i].kept = EBN_CTL_STATE(b->ctl) >= EBN_FS_ESTABLISHED && age <= GIVE_UP;
	}
}

static bool may_take(const struct place *p, uint32_t owner, bool over)
{
	if (p->free)
		return false;
	return p->expired || (!p->kept && (!over || p->owner == owner));
}

static uint32_t count(bool v6, uint32_t owner)
{
	struct ebn_flow_copy c;
	uint64_t pos = 0;
	uint32_t n = 0, first;

	while (ebn_flow_next(&rig.flows[v6], &pos, &c) == 1) {
		first = EBN_CTL_FLAGS(c.body.ctl) & EBN_FF_INIT_HI ? 1 : 0;
		n += (c.body.row[first] ? c.body.row[first] : c.body.row[!first]) == owner;
	}
	return n;
}

/* What a turn of the sweep does with the shares, here without what comes in between. */
static void sweep(bool v6)
{
	uint32_t owned[RIG_SHARES] = { 0 }, i;
	struct ebn_sweep s = { .now = now, .idle_ticks = rig.hdr->idle_ticks, .owned = owned, .n_owned = RIG_SHARES };
	uint64_t pos = 0;

	ebn_flow_sweep(&rig.flows[v6], &s, &pos, 0);
	ebn_flow_reap(&rig.flows[v6]);
	for (i = 1; i < RIG_SHARES; i++) {
		ck_assert_uint_eq(owned[i], count(v6, i));
		rig.share[i].used[v6] = owned[i];
	}
}

/* One new flow; the places before and behind it. */
static void step(uint64_t *seed, int who, unsigned int n, bool v6, uint32_t quota)
{
	uint32_t owner = (who ? rig.row_b : rig.row_a) + 1, used = rig.share[owner].used[v6], set[2], i, free = 0;
	struct spec s = flow_of(who, n, v6);
	bool over = quota && used >= quota, could = false, grew;
	struct place before[16], after[16];
	struct ebn_flow_copy c;
	union ebn_flow_key key;
	__u64 hash, w[6];
	int changed = -1;

	rig_key(&s, RIG_ZONE, &key);
	memcpy(w, key.w, sizeof(w));
	hash = ebn_flow_hash(w, v6 ? 6 : 2, rig.flows[v6].seed[0], rig.flows[v6].seed[1]);
	set[0] = ebn_flow_set1(hash, SETS - 1);
	set[1] = ebn_flow_set2(hash, SETS - 1);
	look(v6, set, before);
	for (i = 0; i < 16; i++) {
		free += before[i].free;
		could |= may_take(&before[i], owner, over);
	}
	rig_sends(&s, &r);
	look(v6, set, after);
	for (i = 0; i < 16; i++) {
		if (after[i].tag == before[i].tag)
			continue;
		ck_assert_msg(changed < 0, "two places changed");
		changed = (int)i;
	}
	if (r.action == DROP) {
		ck_assert_msg(r.reason == (over ? EBN_R_FLOW_QUOTA : EBN_R_FLOW_FULL), "%s", rig_reason_name(r.reason));
		ck_assert_msg(!could && free <= (over ? 4u : 0u), "dropped beside %u free places, over %d", free, over);
		ck_assert_int_lt(changed, 0);
		ck_assert_uint_eq(rig.share[owner].used[v6], used);
		return;
	}
	ck_assert_int_eq(rig_flow(&s, &c), 1);
	ck_assert_int_ge(changed, 0);
	ck_assert_uint_eq(after[changed].owner, owner);
	if (before[changed].free)
		ck_assert_msg(!over || free > 4, "over its share it took one of the last %u free places", free);
	else
		ck_assert_msg(may_take(&before[changed], owner, over), "over %d: it took a place it may not", over);
	grew = before[changed].free || !over;
	ck_assert_uint_eq(rig.share[owner].used[v6], used + (quota && grew));
	/* what becomes of it */
	becomes(&c, v6, 1 + (int)test_below(seed, 5));
	if (!test_below(seed, 4))
		body_at(v6, c.set, c.way)->seen -= test_below(seed, 2) ? EXPIRES + 500 : GIVE_UP + 500;
	now = c.body.seen;
}

static void walk(uint64_t *seed, bool v6, uint32_t quota)
{
	struct spec s = flow_of(1, 65000, v6);
	unsigned int i, bias = test_below(seed, 8);
	struct ebn_flow_copy c;

	empty(quota);
	/* for the tick */
	rig_sends(&s, &r);
	ck_assert_int_eq(rig_flow(&s, &c), 1);
	now = c.body.seen;
	sweep(v6);
	for (i = 0; i < 600; i++) {
		step(seed, test_below(seed, 8) < bias, i, v6, quota);
		if (!test_below(seed, 150))
			sweep(v6);
	}
}

START_TEST(places_are_given_as_the_reference_says)
{
	static const uint32_t quotas[] = { 0, 1, 16, 32, 64, 100, 128 };
	uint64_t seed = test_seed();
	unsigned int i;

	begin();
	for (i = 0; i < 2 * sizeof(quotas) / sizeof(quotas[0]); i++)
		walk(&seed, i & 1, quotas[i / 2]);
	rig_close();
}
END_TEST

/* ---- a flood ---- */

/* Established flows of a, as many as it gets. */
static unsigned int flood(bool v6, unsigned int tries)
{
	struct ebn_flow_copy c;
	unsigned int i, n = 0;
	struct spec s;

	for (i = 0; i < tries; i++) {
		s = flow_of(0, i, v6);
		rig_sends(&s, &r);
		if (r.action == DROP)
			continue;
		ck_assert_int_eq(rig_flow(&s, &c), 1);
		becomes(&c, v6, EBN_FS_ESTABLISHED);
		n++;
	}
	return n;
}

static unsigned int others(bool v6, unsigned int n)
{
	unsigned int i, in = 0;
	struct spec s;

	for (i = 0; i < n; i++) {
		s = flow_of(1, i, v6);
		rig_sends(&s, &r);
		in += r.action != DROP;
	}
	return in;
}

/* Who is over its share has its own flows to replace: it is not locked out. */
static void replaces_its_own(bool v6)
{
	uint32_t owner = rig.row_a + 1, used = rig.share[owner].used[v6], b = count(v6, rig.row_b + 1);
	struct spec s = flow_of(0, 50000, v6);
	struct ebn_flow_copy c;
	uint64_t pos = 0;

	while (ebn_flow_next(&rig.flows[v6], &pos, &c) == 1)
		becomes(&c, v6, EBN_FS_HALF_OPEN);
	rig_sends(&s, &r);
	ck_assert_int_ne(r.action, DROP);
	ck_assert_uint_eq(rig.share[owner].used[v6], used);
	ck_assert_uint_eq(count(v6, owner), used);
	ck_assert_uint_eq(count(v6, rig.row_b + 1), b);
}

START_TEST(a_flood_of_one_leaves_room_for_others)
{
	unsigned int v6, n;

	begin();
	for (v6 = 0; v6 < 2; v6++) {
		empty(WAYS / 2);
		n = flood(v6, 2000);
		printf("IPv%u, half as a share: %u of %u places\n", v6 ? 6 : 4, n, WAYS);
		ck_assert_uint_ge(n, WAYS / 2);
		ck_assert_uint_le(n, WAYS - WAYS / 4);
		ck_assert_uint_eq(r.reason, EBN_R_FLOW_QUOTA);
		ck_assert_uint_eq(rig.share[rig.row_a + 1].used[v6], n);
		/* as many as an eighth of the table: every one gets in, and none of a's had to go */
		ck_assert_uint_eq(others(v6, WAYS / 8), WAYS / 8);
		ck_assert_uint_eq(count(v6, rig.row_a + 1), n);
		replaces_its_own(v6);

		empty(0);
		n = flood(v6, 2000);
		printf("IPv%u, no limit: %u of %u places\n", v6 ? 6 : 4, n, WAYS);
		ck_assert_uint_eq(n, WAYS);
		ck_assert_uint_eq(others(v6, 16), 0);
		ck_assert_uint_eq(r.reason, EBN_R_FLOW_FULL);
	}
	rig_close();
}
END_TEST

START_TEST(flows_from_outside_are_of_whom_they_go_to)
{
	struct spec s = { .src = FAR4, .dst = A4, .proto = UDP, .dport = 80 };
	unsigned int i;

	begin();
	empty(8);
	for (i = 0; i < 300; i++) {
		s.sport = (uint16_t)(1000 + i);
		rig_sends(&s, &r);
	}
	/* half open as they are, they replace one another */
	ck_assert_uint_ge(rig.share[rig.row_a + 1].used[0], 8);
	ck_assert_uint_eq(rig.share[rig.row_a + 1].used[0], count(0, rig.row_a + 1));
	ck_assert_uint_le(count(0, rig.row_a + 1), WAYS - WAYS / 4);
	ck_assert_uint_eq(rig.share[rig.row_b + 1].used[0], 0);
	/* between endpoints: of the one that began it */
	empty(8);
	rig_sends(&(struct spec){ .src = B4, .dst = A4, .proto = UDP, .sport = 5, .dport = 80 }, &r);
	ck_assert_int_ne(r.action, DROP);
	ck_assert_uint_eq(rig.share[rig.row_b + 1].used[0], 1);
	ck_assert_uint_eq(rig.share[rig.row_a + 1].used[0], 0);
	rig_close();
}
END_TEST

START_TEST(an_endpoint_that_is_only_watched_is_not_cut_off)
{
	begin();
	empty(1);
	rig_ep(rig.row_a)->flags &= ~EBN_EP_F_ENFORCE;
	/* over its share, and nothing there to take: it goes on without an entry */
	for (unsigned int i = 0; i < 400; i++) {
		struct spec s = flow_of(0, i, false);
		struct ebn_flow_copy c;

		rig_sends(&s, &r);
		ck_assert_int_ne(r.action, DROP);
		if (rig_flow(&s, &c))
			becomes(&c, false, EBN_FS_ESTABLISHED);
	}
	ck_assert_uint_gt(rig_counter(EBN_C_FLOW_UNRECORDED), 0);
	rig_close();
}
END_TEST

RUN_SUITE("packet-quota", places_are_given_as_the_reference_says, a_flood_of_one_leaves_room_for_others,
	  flows_from_outside_are_of_whom_they_go_to, an_endpoint_that_is_only_watched_is_not_cut_off)
