// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Names learnt between commits: an address gets the labels of the patterns its names match, with one change of a prefix. */
#include "policy/engine.h"
#include "policy/marks.h"

static uint64_t net_hash(const struct ebn_net *net)
{
	return ebn_hash_bytes(net, sizeof(*net));
}

/* The address as a prefix. */
static int net_of(const struct ebpfnet_addr *addr, struct ebn_net *ret)
{
	int family = ebpfnet_addr_family(addr);

	if (!family)
		return -EINVAL;
	*ret = (struct ebn_net){ .len = 128, .family = (uint8_t)family };
	memcpy(ret->b, addr->b, sizeof(ret->b));
	return 0;
}

/* Name as DNS has it, without case, length and the last dot looked after. */
static bool same_name(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	la -= la > 1 && a[la - 1] == '.';
	lb -= lb > 1 && b[lb - 1] == '.';
	return la == lb && !strncasecmp(a, b, la);
}

static bool find(const struct ebn_outside *o, const struct ebn_net *net, const char *name, uint32_t *ret)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(&o->by_net, net_hash(net), cursor, i) {
		if (ebn_net_cmp(&o->learnt[i].net, net) || (name && (o->learnt[i].pattern ||
								     !same_name(o->learnt[i].name, name))))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

int ebn_learnt_add(struct ebn_outside *o, const struct ebn_net *net, const char *name, bool pattern)
{
	struct ebn_learnt *l;

	if (o->n_learnt >= EBN_LEARNT_MAX)
		return -ENOSPC;
	if (ebn_grow(&o->learnt, &o->learnt_cap, o->n_learnt + 1, sizeof(*o->learnt)) < 0)
		return -ENOMEM;
	l = &o->learnt[o->n_learnt];
	*l = (struct ebn_learnt){ .net = *net, .name = strdup(name), .pattern = pattern };
	if (!l->name || ebn_index_add(&o->by_net, net_hash(net), (uint32_t)o->n_learnt) < 0) {
		free(l->name);
		return -ENOMEM;
	}
	o->n_learnt++;
	return 0;
}

static void learnt_remove(struct ebn_outside *o, uint32_t i)
{
	uint32_t last = (uint32_t)o->n_learnt - 1;

	ebn_index_remove(&o->by_net, net_hash(&o->learnt[i].net), i);
	free(o->learnt[i].name);
	if (i != last) {
		/* two places were left, so this one is there */
		ebn_index_remove(&o->by_net, net_hash(&o->learnt[last].net), last);
		ebn_index_add(&o->by_net, net_hash(&o->learnt[last].net), i);
		o->learnt[i] = o->learnt[last];
	}
	o->n_learnt--;
}

/* ---- the prefix of one address ---- */

/* Where it stands in the list, or would; true: it is there. *up: the prefix around it, -1: none. */
static bool place(const struct ebn_outside *o, const struct ebn_net *net, size_t *at, ptrdiff_t *up)
{
	size_t lo = 0, hi = o->n_use;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ebn_net_cmp(&o->use[mid].net, net) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	*up = -1;
	/* what covers it stands before it: the longest is looked for by its length, shorter and shorter */
	for (int len = 127; len >= 0 && *up < 0; len--) {
		struct ebn_net outer = *net;
		size_t from = 0, to = lo;

		if (net->family == 4 && len < 96)
			break;
		outer.len = (uint8_t)len;
		for (int i = len; i < 128; i++)
			outer.b[i / 8] &= (uint8_t)~(0x80u >> (i % 8));
		while (from < to) {
			size_t mid = from + (to - from) / 2;

			if (ebn_net_cmp(&o->use[mid].net, &outer) < 0)
				from = mid + 1;
			else
				to = mid;
		}
		if (from < lo && !ebn_net_cmp(&o->use[from].net, &outer))
			*up = (ptrdiff_t)from;
	}
	return lo < o->n_use && !ebn_net_cmp(&o->use[lo].net, net);
}

static int use_insert(struct ebn_outside *o, size_t at, const struct ebn_net *net, struct ebn_identity *id)
{
	size_t cap = o->n_use;

	if (ebn_grow(&o->use, &cap, o->n_use + 1, sizeof(*o->use)) < 0)
		return -ENOMEM;
	memmove(&o->use[at + 1], &o->use[at], (o->n_use - at) * sizeof(*o->use));
	o->use[at] = (struct ebn_outside_use){ .net = *net, .id = id };
	o->n_use++;
	return 0;
}

static void use_remove(struct ebn_outside *o, size_t at)
{
	memmove(&o->use[at], &o->use[at + 1], (o->n_use - at - 1) * sizeof(*o->use));
	o->n_use--;
}

/* Brings the address's labels to what its names and the set in force make of it. */
static int relabel(struct ebn_policy *p, const struct ebn_net *net)
{
	struct ebn_outside *o = &p->outside;
	struct ebpfnet_labels *labels = NULL;
	struct ebn_identity *id = NULL, *around, *old;
	ptrdiff_t up;
	size_t at;
	bool there = place(o, net, &at, &up);
	int err;

	/* the patterns in force are not known: the next commit does it */
	if (!p->committed)
		return 0;
	if (!there && ebn_outside_taken(p, net))
		return 0;
	around = up >= 0 ? o->use[up].id : ebn_identities_get(p->ids, EBN_ID_WORLD);
	old = there ? o->use[at].id : NULL;
	err = ebn_learnt_labels(o, net, old ? old->labels : around->labels, NULL, &labels);
	if (err < 0)
		return err;
	if (!ebpfnet_labels_equal(labels, (old ? old : around)->labels)) {
		if (ebpfnet_labels_equal(labels, around->labels)) {
			/* nothing of its own is left */
			use_remove(o, at);
			err = ebn_outside_move(p, net, NULL, old);
		} else {
			err = ebn_local_take(p, EBN_SCOPE_OUTSIDE, &(struct ebn_local_want){ labels, NULL, NULL },
					     false, &id);
			if (!err && !old)
				err = use_insert(o, at, net, id);
			if (!err)
				err = ebn_outside_move(p, net, id, old);
			if (!err) {
				o->use[at].id = id;
				o->use[at].state = EBN_OUTSIDE_SETTLED;
			} else if (id && !old && at < o->n_use && o->use[at].id == id) {
				use_remove(o, at);
			}
			if (err < 0)
				ebn_local_put(p, id, false);
		}
	}
	ebpfnet_labels_unref(labels);
	return err;
}

int ebn_policy_learn(struct ebn_policy *p, const char *name, const struct ebpfnet_addr *addr)
{
	struct ebn_outside *o = &p->outside;
	struct ebn_net net;
	size_t len = name ? strlen(name) : 0;
	uint32_t i;
	int err;

	if (!len || len > EBN_FQDN_MAX + 1)
		return -EINVAL;
	err = net_of(addr, &net);
	if (err < 0 || find(o, &net, name, &i))
		return err;
	err = ebn_learnt_add(o, &net, name, false);
	if (err < 0)
		return err;
	err = relabel(p, &net);
	if (err < 0)
		learnt_remove(o, (uint32_t)o->n_learnt - 1);
	return err == -E2BIG ? -ENOSPC : err;
}

int ebn_policy_forget(struct ebn_policy *p, const char *name, const struct ebpfnet_addr *addr)
{
	struct ebn_outside *o = &p->outside;
	struct ebn_net net;
	uint32_t i;
	int err;

	err = net_of(addr, &net);
	if (err < 0)
		return err;
	if (!find(o, &net, name, &i))
		return -ENOENT;
	do {
		learnt_remove(o, i);
	} while (find(o, &net, name, &i));
	err = relabel(p, &net);
	return err == -E2BIG ? -ENOSPC : err;
}
