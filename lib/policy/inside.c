// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/inside.h"

#include "identity/internal.h"
#include "policy/engine.h"

/* An address whose identity the commit changes. */
struct change {
	uint32_t addr[4];
	uint32_t row;
	struct ebn_identity *old, *mid;
};

/* What one identity comes to within one prefix, so that it is worked out once. */
struct memo {
	const struct ebn_identity *old;
	ptrdiff_t want;
	struct ebn_identity *mid;	/* NULL: it stays */
};

struct ebn_inside_plan {
	struct ebn_policy *p;
	struct ebn_marks marks;
	ptrdiff_t *up;
	struct change *change;
	size_t n, cap, done;		/* done: in the tables with mid */
	struct memo *memo;
	size_t n_memos, memos_cap;
	struct ebn_index by_memo;
	bool dry, same;			/* same: as in force */
};

/* ---- which prefix covers an address ---- */

static void net_of(const uint32_t addr[4], struct ebn_net *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret = (struct ebn_net){ .len = 128 };
	memcpy(ret->b, addr, sizeof(ret->b));
	ret->family = memcmp(ret->b, mapped, sizeof(mapped)) ? 6 : 4;
}

/* The longest prefix of a sorted list that covers the net, -1: none. */
static ptrdiff_t covering(const struct ebn_want *want, size_t n, const ptrdiff_t *up, const struct ebn_net *net)
{
	size_t lo = 0, hi = n;
	ptrdiff_t at;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ebn_net_cmp(&want[mid].net, net) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* what covers it stands before it, and around what stands in between */
	at = (ptrdiff_t)lo - 1;
	while (at >= 0 && !ebn_net_covers(&want[at].net, net))
		at = up[at];
	return at;
}

static ptrdiff_t *make_up(const struct ebn_want *want, size_t n)
{
	ptrdiff_t *up = ebn_calloc(n, sizeof(*up));

	for (size_t i = 0; up && i < n; i++) {
		up[i] = (ptrdiff_t)i - 1;
		while (up[i] >= 0 && !ebn_net_covers(&want[up[i]].net, &want[i].net))
			up[i] = up[up[i]];
	}
	return up;
}

static struct ebn_identity *base_of(struct ebn_identity *id)
{
	return id->base ? id->base : id;
}

/* Somebody whom the world's prefixes speak of is told by these. */
static bool outside(const struct ebn_identity *base)
{
	return ebpfnet_labels_get(base->labels, "reserved", "world") != NULL;
}

/* ---- the words that packets read ---- */

/* A local endpoint's number is in its row, too. */
static void row_store(struct ebn_policy *p, const uint32_t addr[4], uint32_t row, uint32_t number)
{
	struct ebn_ep_row *ep = row ? ebn_ep_row(p->rows, row - 1) : NULL;
	struct ebn_net net;

	net_of(addr, &net);
	if (ep && net.family == 4)
		EBN_WRITE(ep->peer4, number);
	else if (ep)
		EBN_WRITE(ep->peer6, number);
}

static void restate(struct ebn_policy *p, const uint32_t addr[4], uint32_t row, const struct ebn_identity *id)
{
	row_store(p, addr, row, id->number);
	(void)ebn_addr_restate(p->rows, addr, id->number);
}

/* ---- between commits ---- */

/* The identity that policy asks about at an address of base's, with a reference when it is not base itself. */
static int take_at(struct ebn_policy *p, const uint32_t addr[4], struct ebn_identity *base, struct ebn_identity **ret)
{
	struct ebn_inside *in = &p->inside;
	struct ebpfnet_labels *labels = NULL;
	struct ebn_net net;
	ptrdiff_t at;
	int err;

	net_of(addr, &net);
	at = outside(base) ? -1 : covering(in->want, in->n_wants, in->up, &net);
	*ret = base;
	if (at < 0)
		return 0;
	err = ebn_labels_join(base->labels, in->want[at].labels, &labels);
	if (!err)
		err = ebn_local_take(p, EBN_SCOPE_SPLIT, &(struct ebn_local_want){ labels, base, NULL }, false, ret);
	ebpfnet_labels_unref(labels);
	return err;
}

static struct ebn_identity *identity_at(struct ebn_policy *p, const uint32_t addr[4], uint32_t *ret_row)
{
	uint32_t number = 0;

	return ebn_addr_get(p->rows, addr, &number, ret_row) < 0 ? NULL : ebn_identity_find(p, number);
}

int ebn_policy_addr_number(struct ebn_policy *p, const uint32_t addr[4], uint32_t identity, uint32_t *ret)
{
	struct ebn_identity *base = ebn_identity_find(p, identity), *id = NULL, *old;
	int err = 0;

	if (!base || base->base)
		return -EINVAL;
	old = p->committed ? NULL : identity_at(p, addr, NULL);
	/* which prefixes are in force is known from the next commit on; what the address has came from them */
	if (old && old->base == base) {
		id = old;
		id->refs++;
	} else {
		err = take_at(p, addr, base, &id);
	}
	if (!err)
		*ret = id->number;
	return err == -E2BIG ? -ENOSPC : err;
}

void ebn_policy_addr_unnumber(struct ebn_policy *p, uint32_t number)
{
	if (ebn_identity_split(number))
		ebn_local_put_later(p, ebn_identity_find(p, number));
}

int ebn_policy_addr_place(struct ebn_policy *p, const uint32_t addr[4], uint32_t number, uint32_t row)
{
	uint32_t old_row = 0;
	struct ebn_identity *old = identity_at(p, addr, &old_row);
	int err;

	/* the row first: who knows the device may be there already */
	row_store(p, addr, row, number);
	err = ebn_addr_set(p->rows, addr, number, row);
	if (err < 0)
		return err;
	if (old && old->base)
		ebn_local_put_later(p, old);
	return 0;
}

int ebn_policy_addr_set(struct ebn_policy *p, const uint32_t addr[4], uint32_t identity, uint32_t row)
{
	uint32_t number = 0;
	int err = ebn_policy_addr_number(p, addr, identity, &number);

	if (err < 0)
		return err;
	err = ebn_policy_addr_place(p, addr, number, row);
	if (err < 0)
		ebn_policy_addr_unnumber(p, number);
	return err;
}

int ebn_policy_addr_del(struct ebn_policy *p, const uint32_t addr[4])
{
	struct ebn_identity *old = identity_at(p, addr, NULL);
	int err = ebn_addr_del(p->rows, addr);

	if (!err && old && old->base)
		ebn_local_put_later(p, old);
	return err;
}

int ebn_policy_addr_get(struct ebn_policy *p, const uint32_t addr[4], uint32_t *ret_identity, uint32_t *ret_row)
{
	struct ebn_identity *id;
	uint32_t number = 0;
	int err = ebn_addr_get(p->rows, addr, &number, ret_row);

	if (err < 0)
		return err;
	id = ebn_identity_find(p, number);
	*ret_identity = id ? base_of(id)->number : number;
	return 0;
}

/* ---- adoption ---- */

static int adopt_one(const uint32_t addr[4], uint32_t number, uint32_t row, void *arg)
{
	struct ebn_policy *p = arg;
	struct ebn_identity *id = ebn_identity_split(number) ? ebn_identity_find(p, number) : NULL;

	if (id)
		id->refs++;
	/* killed between the two words */
	if (row)
		row_store(p, addr, row, number);
	return 0;
}

int ebn_inside_adopt(struct ebn_policy *p, struct ebpfnet_diag *diag)
{
	struct ebn_identity *id;

	for (uint32_t next = EBN_ID_SPLIT; (id = ebn_identity_next(p, next)); next = id->number + 1) {
		id->base = ebn_identity_find(p, ebn_class_get(p->rows, id->number + 1));
		if (!id->base || id->base->base)
			return ebn_diag(diag, "node tables", EPROTO, "an identity within prefixes has no labels");
		id->base->refs++;
	}
	p->inside.moved = true;
	return ebn_addr_foreach(p->rows, adopt_one, p);
}

static void wants_free(struct ebn_want *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ebpfnet_labels_unref(want[i].labels);
	free(want);
}

void ebn_inside_done(struct ebn_policy *p)
{
	wants_free(p->inside.want, p->inside.n_wants);
	free(p->inside.up);
}

/* ---- a commit ---- */

static bool wants_same(const struct ebn_inside *in, const struct ebn_marks *m)
{
	bool same = in->n_wants == m->n_wants;

	for (size_t i = 0; same && i < m->n_wants; i++)
		same = !ebn_net_cmp(&in->want[i].net, &m->want[i].net) &&
		       ebpfnet_labels_equal(in->want[i].labels, m->want[i].labels);
	return same;
}

static uint64_t memo_hash(const struct ebn_identity *old, ptrdiff_t want)
{
	return ebn_mix64((uint64_t)old->number << 32 ^ (uint64_t)(want + 1));
}

/* The identity of the new labels in the class of the old one; with a reference of the memo's. NULL: old does. */
static int work_out(struct ebn_inside_plan *ip, struct ebn_identity *old, ptrdiff_t want, struct ebn_identity **ret)
{
	struct ebn_local_want lw = { .base = base_of(old), .like = old };
	struct ebpfnet_labels *labels = NULL;
	int err = 0;

	*ret = NULL;
	if (want >= 0)
		err = ebn_labels_join(lw.base->labels, ip->marks.want[want].labels, &labels);
	else
		labels = ebpfnet_labels_ref(lw.base->labels);
	lw.labels = labels;
	if (!err && !ebpfnet_labels_equal(labels, old->labels))
		err = ebn_local_take(ip->p, EBN_SCOPE_SPLIT, &lw, ip->dry, ret);
	ebpfnet_labels_unref(labels);
	return err;
}

static int recall(struct ebn_inside_plan *ip, struct ebn_identity *old, ptrdiff_t want, struct ebn_identity **ret)
{
	uint64_t hash = memo_hash(old, want);
	uint32_t cursor, i = 0;
	struct memo *m;
	int err;

	ebn_index_for_each(&ip->by_memo, hash, cursor, i) {
		if (ip->memo[i].old == old && ip->memo[i].want == want) {
			*ret = ip->memo[i].mid;
			return 0;
		}
	}
	if (ebn_grow(&ip->memo, &ip->memos_cap, ip->n_memos + 1, sizeof(*ip->memo)) < 0 ||
	    ebn_index_reserve(&ip->by_memo, 1) < 0)
		return -ENOMEM;
	m = &ip->memo[ip->n_memos];
	*m = (struct memo){ .old = old, .want = want };
	err = work_out(ip, old, want, &m->mid);
	if (err < 0)
		return err;
	ebn_index_add(&ip->by_memo, hash, (uint32_t)ip->n_memos++);
	*ret = m->mid;
	return 0;
}

static int compare_one(const uint32_t addr[4], uint32_t number, uint32_t row, void *arg)
{
	struct ebn_inside_plan *ip = arg;
	struct ebn_identity *old = ebn_identity_find(ip->p, number), *mid = NULL;
	struct ebn_net net;
	ptrdiff_t at;
	int err;

	/* a number nobody knows any more is left to the address's next change */
	if (!old || outside(base_of(old)))
		return 0;
	net_of(addr, &net);
	at = covering(ip->marks.want, ip->marks.n_wants, ip->up, &net);
	if (at < 0 && !old->base)
		return 0;
	err = recall(ip, old, at, &mid);
	if (err || !mid)
		return err;
	if (ebn_grow(&ip->change, &ip->cap, ip->n + 1, sizeof(*ip->change)) < 0)
		return -ENOMEM;
	ip->change[ip->n] = (struct change){ .row = row, .old = old, .mid = mid };
	memcpy(ip->change[ip->n++].addr, addr, sizeof(ip->change->addr));
	mid->refs++;
	return 0;
}

static void plan_free(struct ebn_inside_plan *ip)
{
	for (size_t i = 0; i < ip->n_memos; i++)
		ebn_local_put(ip->p, ip->memo[i].mid, ip->dry);
	free(ip->memo);
	ebn_index_done(&ip->by_memo);
	free(ip->up);
	free(ip->change);
	ebn_marks_done(&ip->marks);
	free(ip);
}

int ebn_inside_begin(struct ebn_policy *p, const struct ebpfnet_policy_set *set, bool dry, struct ebpfnet_diag *diag,
		     struct ebn_inside_plan **ret)
{
	struct ebn_inside_plan *ip = ebn_calloc(1, sizeof(*ip));
	int err;

	if (!ip)
		return -ENOMEM;
	ip->p = p;
	ip->dry = dry;
	err = ebn_marks_make(&ip->marks, set, NULL, diag);
	ip->same = !err && p->committed && wants_same(&p->inside, &ip->marks);
	if (!err && !ip->same) {
		ip->up = make_up(ip->marks.want, ip->marks.n_wants);
		err = ip->up ? ebn_addr_foreach(p->rows, compare_one, ip) : -ENOMEM;
	}
	if (err < 0) {
		if (err == -ENOSPC)
			ebn_diag(diag, NULL, ENOSPC, "no room for what %zu prefixes make of labels",
				 ip->marks.n_wants);
		ebn_inside_end(ip, false);
		return err == -E2BIG ? -ENOSPC : err;
	}
	for (; !dry && ip->done < ip->n; ip->done++)
		restate(p, ip->change[ip->done].addr, ip->change[ip->done].row, ip->change[ip->done].mid);
	*ret = ip;
	return 0;
}

/* Of two identities of the same labels the one that is found by them stays; of the labels alone, the base. */
static int settle_one(const uint32_t addr[4], uint32_t number, uint32_t row, void *arg)
{
	struct ebn_policy *p = arg;
	struct ebn_identity *id = ebn_identity_split(number) ? ebn_identity_find(p, number) : NULL, *found;

	if (!id || !id->base)
		return 0;
	found = id->base;
	if (!ebpfnet_labels_equal(id->labels, found->labels))
		found = ebn_local_find(p->ids, EBN_SCOPE_SPLIT, id->labels);
	if (found == id)
		return 0;
	if (!found)
		return ebn_local_settle(p->ids, id);
	if (found->base)
		found->refs++;
	restate(p, addr, row, found);
	ebn_local_put_later(p, id);
	return 0;
}

static void tidy_later(struct ebn_policy *p);

/* What a commit left, when nothing was published since the grace period began; see outside.c. */
static void tidy(void *arg, uint64_t generation)
{
	struct ebn_policy *p = arg;

	p->inside.tidying = false;
	/* no memory: the two of them live side by side until the next time */
	if (ebn_node_generation(p->nt) == (uint32_t)generation)
		p->inside.moved = ebn_addr_foreach(p->rows, settle_one, p) < 0;
	else
		tidy_later(p);
}

static void tidy_later(struct ebn_policy *p)
{
	if (p->inside.moved && !p->inside.tidying)
		p->inside.tidying = !ebn_node_defer(p->nt, tidy, p, ebn_node_generation(p->nt));
}

static void take_back(struct ebn_inside_plan *ip)
{
	for (size_t i = 0; i < ip->n; i++) {
		struct change *c = &ip->change[i];

		if (i < ip->done) {
			restate(ip->p, c->addr, c->row, c->old);
			ebn_local_put_later(ip->p, c->mid);
		} else {
			ebn_local_put(ip->p, c->mid, ip->dry);
		}
	}
}

static void carry_out(struct ebn_inside_plan *ip)
{
	struct ebn_inside *in = &ip->p->inside;

	for (size_t i = 0; i < ip->n; i++)
		if (ip->change[i].old->base)
			ebn_local_put_later(ip->p, ip->change[i].old);
	if (!ip->same) {
		wants_free(in->want, in->n_wants);
		free(in->up);
		in->want = EBN_TAKE_PTR(ip->marks.want);
		in->n_wants = ip->marks.n_wants;
		in->up = EBN_TAKE_PTR(ip->up);
		ip->marks.n_wants = 0;
	}
	in->moved |= ip->n != 0;
	tidy_later(ip->p);
}

void ebn_inside_end(struct ebn_inside_plan *ip, bool done)
{
	if (!ip)
		return;
	if (done)
		carry_out(ip);
	else
		take_back(ip);
	plan_free(ip);
}
