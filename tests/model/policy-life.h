/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What happens to a world, and to the policy that stands for it: identities, subjects, addresses, names and policies come and go. */
#ifndef POLICY_LIFE_H
#define POLICY_LIFE_H

#include "policy-chance.h"

/* What a packet from there finds. */
static uint32_t number_at(struct world *w, int value, bool v6, struct ebpfnet_addr *addr)
{
	struct ebn_prefix_value v;
	uint32_t a[4], number;
	char text[24];

	snprintf(text, sizeof(text), v6 ? "2001:db8::%x" : "192.0.2.%d", (unsigned int)value);
	ck_assert_int_eq(ebpfnet_addr_parse(text, addr), 0);
	memcpy(a, addr->b, sizeof(a));
	if (!ebn_addr_get(w->a.rows, a, &number, NULL))
		return number;
	return ebn_prefix_lookup(w->a.rows, a, NULL, &v) ? EBN_ID_WORLD : v.identity;
}

static void addr_of(int value, uint32_t ret[4])
{
	struct ebpfnet_addr addr;
	char text[24];

	snprintf(text, sizeof(text), "192.0.2.%d", value);
	ck_assert_int_eq(ebpfnet_addr_parse(text, &addr), 0);
	memcpy(ret, addr.b, 16);
}

/* An address gets labels, other ones, or loses them. */
static void addr_toggle(struct world *w)
{
	int value = below(w, 4) ? (int)below(w, 256) : OWN_ADDR;
	uint32_t a[4], row, i = below(w, IDENTITIES);

	addr_of(value, a);
	if (w->owner[value] && (w->unknown || below(w, 2))) {
		ck_assert_int_eq(ebn_policy_addr_del(w->a.policy, a), 0);
		w->owner[value] = 0;
	} else if (w->id_number[i] && !w->unknown) {
		row = value == OWN_ADDR ? w->row + 1 : 0;
		ck_assert_int_eq(ebn_policy_addr_set(w->a.policy, a, w->id_number[i], row), 0);
		w->owner[value] = (uint8_t)(i + 1);
	}
	if (!w->unknown)
		ck_assert_int_eq(ebn_classes_verify(w->a.policy), 0);
}

static void id_toggle(struct world *w, unsigned int i)
{
	struct ebpfnet_labels *l;

	if (w->id_number[i]) {
		for (int k = 0; k < 256; k++) {
			uint32_t a[4];

			if (w->owner[k] != i + 1)
				continue;
			addr_of(k, a);
			ck_assert_int_eq(ebn_policy_addr_del(w->a.policy, a), 0);
			w->owner[k] = 0;
		}
		ebn_policy_identity_put(w->a.policy, w->id_number[i]);
		w->id_number[i] = 0;
		return;
	}
	/* what comes between adoption and commit matches only rules for everybody, which the reference does not know */
	if (w->unknown)
		return;
	random_labels(w, w->id[i]);
	l = labels_of(w->id[i]);
	ck_assert_int_eq(ebn_policy_identity_get(w->a.policy, l, &w->id_number[i]), 0);
	ebpfnet_labels_unref(l);
}

static void sub_toggle(struct world *w, unsigned int s)
{
	struct ebpfnet_labels *l;

	if (w->sub_number[s]) {
		ebn_policy_subject_put(w->a.policy, w->sub_number[s]);
		w->sub_number[s] = 0;
		return;
	}
	if (w->unknown)
		return;
	random_labels(w, w->sub[s]);
	l = labels_of(w->sub[s]);
	ck_assert_int_eq(ebn_policy_subject_get(w->a.policy, l, &w->sub_number[s]), 0);
	ebpfnet_labels_unref(l);
}

/* A name is learnt or forgotten. */
static void name_toggle(struct world *w)
{
	unsigned int at = below(w, 16), i = below(w, 4);
	struct ebpfnet_addr addr;

	number_at(w, (int)at, false, &addr);
	if (w->learnt[at] >> i & 1)
		ck_assert_int_eq(ebn_policy_forget(w->a.policy, names[i], &addr), 0);
	else
		ck_assert_int_eq(ebn_policy_learn(w->a.policy, names[i], &addr), 0);
	w->learnt[at] ^= (uint8_t)(1u << i);
	ck_assert_int_eq(ebn_classes_verify(w->a.policy), 0);
}

static void change(struct world *w)
{
	unsigned int a = below(w, POLICIES), b = below(w, POLICIES), t;

	switch (below(w, 5)) {
	case 0:
		w->pol[a].used = false;
		break;
	case 4:
		random_group(w, &w->grp[a % GROUPS]);
		break;
	case 1:
		t = w->order[a];
		w->order[a] = w->order[b];
		w->order[b] = t;
		break;
	default:
		random_policy(w, &w->pol[a]);
	}
}

static void commit(struct world *w, struct ebpfnet_policy_set **set)
{
	struct ebpfnet_policy_stats stats;
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .stats = &stats };
	uint32_t generation;

	ebpfnet_policy_set_free(*set);
	*set = set_of(w, w->pol);
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	ck_assert_int_eq(ebn_classes_verify(w->a.policy), 0);
	memcpy(w->in_force, w->pol, sizeof(w->pol));
	memcpy(w->grp_in_force, w->grp, sizeof(w->grp));
	w->unknown = false;
	/* once more changes nothing */
	generation = stats.generation;
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	ck_assert_uint_eq(stats.generation, generation);
}

#endif
