// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random worlds of labels, policies and questions. Three answers must agree: a reference written as plainly as it goes on the
 * test's own notes, ebpfnet_policy_explain(), and the tables read back as the programs read them. Identities, subjects and
 * policies come and go between the questions, the tables are taken over as after a restart, and now and then they are
 * compared with tables compiled anew from nothing.
 * CASES in the environment is the least number of questions.
 */
#include "policy-life.h"

/* ---- asking ---- */

static void same(const struct world *w, const struct ebpfnet_policy_answer *want,
		 const struct ebpfnet_policy_answer *got, const char *who)
{
	if (want->verdict != got->verdict || strcmp(want->name, got->name))
		ck_abort_msg("after %lu cases: subject %u, identity %u, address %d%s, direction %d, protocol %u, port %u: %s says "
			     "%d %s, the reference %d %s", w->cases, w->asked.s, w->asked.i, w->asked.addr,
			     w->asked.v6 ? " of IPv6" : "", (int)w->asked.dir, w->asked.proto, w->asked.port, who,
			     (int)got->verdict, got->name, (int)want->verdict, want->name);
}

static void random_question(struct world *w, struct question *q)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 132, 1, 58, 47, 89 };
	static const uint16_t ports[] = { 0, 1, 2, 22, 23, 79, 80, 81, 82, 443, 444, 8080, 9000, 32768, 65534, 65535 };

	q->s = below(w, SUBJECTS);
	q->addr = below(w, 3) ? -1 : (int)below(w, below(w, 2) ? 256 : 16);
	q->i = q->addr >= 0 ? IDENTITIES : below(w, IDENTITIES + 2);
	q->v6 = q->addr >= 0 && !below(w, 3);
	q->owned = q->addr >= 0 && !q->v6 && w->owner[q->addr];
	if (q->owned)
		q->i = w->owner[q->addr] - 1u;
	q->dir = below(w, 2) ? EBPFNET_INGRESS : EBPFNET_EGRESS;
	q->proto = protos[below(w, sizeof(protos))];
	q->port = ports[below(w, 16)];
	if (q->proto == 1 || q->proto == 58)
		q->port = random_icmp(w, q->proto);
	if (q->proto == 47 || q->proto == 89)
		q->port = 0;
}

static void ask(struct world *w, struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_answer want, got;
	struct ebpfnet_labels *sub, *peer = NULL;
	struct ebpfnet_policy_query query;
	const char *known[4];
	struct ebpfnet_addr addr;
	const uint8_t *label;
	struct question q;
	uint32_t number;

	random_question(w, &q);
	w->asked = q;
	if (!w->sub_number[q.s] || (q.i < IDENTITIES && !w->id_number[q.i]))
		return;
	/* two more peers: the world, and a number nobody has */
	label = q.i < IDENTITIES ? w->id[q.i] : q.i == IDENTITIES ? nothing : NULL;
	number = q.i < IDENTITIES ? w->id_number[q.i] : q.i == IDENTITIES ? EBN_ID_WORLD : 70000;
	if (q.addr >= 0)
		number = number_at(w, q.addr, q.v6, &addr);
	reference(w, w->in_force, w->sub[q.s], label, &q, &want);
	ck_assert_int_eq(ebn_policy_lookup(w->a.policy, w->sub_number[q.s], q.dir, number, q.proto, q.port, &got), 0);
	same(w, &want, &got, "the table");
	w->cases++;
	if (!label || !set)
		return;
	sub = labels_of(w->sub[q.s]);
	if (q.i < IDENTITIES)
		peer = labels_of(label);
	query = (struct ebpfnet_policy_query){ EBPFNET_OPTS_INIT(query), .direction = q.dir, .protocol = q.proto,
					       .port = q.port, .subject = sub, .peer = peer };
	query.peer_addr = q.addr >= 0 ? &addr : NULL;
	query.peer_names = known;
	for (unsigned int i = 0; i < 4; i++)
		if (q.addr >= 0 && q.addr < 16 && !q.v6 && w->learnt[q.addr] >> i & 1)
			known[query.n_peer_names++] = names[i];
	if (q.proto == 1 || q.proto == 58) {
		query.port = q.port >> 8;
		query.code = q.port & 255;
	}
	ck_assert_int_eq(ebpfnet_policy_explain(set, &query, &got), 0);
	same(w, &want, &got, "explain");
	ebpfnet_labels_unref(sub);
	ebpfnet_labels_unref(peer);
}

/* ---- things that happen ---- */

/* The tables name the labels' number of each address, and a local endpoint's row says what its address does. */
static void check_owners(const struct world *w)
{
	uint32_t a[4], number = 0, row = 0, told = 0;
	struct ebn_dir dir;
	uint64_t root;

	ck_assert_int_eq(ebn_node_read_root(w->a.mem, w->a.size, &root, &dir), 0);
	for (int i = 0; i < 256; i++) {
		addr_of(i, a);
		ck_assert_int_eq(ebn_policy_addr_get(w->a.policy, a, &told, &row), w->owner[i] ? 0 : -ENOENT);
		if (!w->owner[i])
			continue;
		ck_assert_uint_eq(told, w->id_number[w->owner[i] - 1]);
		ck_assert_int_eq(ebn_addr_get(w->a.rows, a, &number, &row), 0);
		ck_assert_uint_eq(ebn_rows_read_told(w->a.mem, w->a.size, &dir, number), told);
		ck_assert_uint_eq(row, i == OWN_ADDR ? w->row + 1 : 0);
		if (row)
			ck_assert_uint_eq(ebn_ep_row(w->a.rows, w->row)->peer4, number);
	}
}

/* Numbers that a port's name had with somebody who is gone are in the tables until the next commit. */
static bool names_ports(const struct world *w)
{
	for (unsigned int o = 0; o < POLICIES; o++)
		for (unsigned int i = 0; w->in_force[o].used && i < w->in_force[o].n; i++)
			for (unsigned int k = 0; k < w->in_force[o].rule[i].n_ports; k++)
				if (w->in_force[o].rule[i].port[k].name)
					return true;
	return false;
}

/* The process dies and the next one takes over. Now and then it commits what is in force already: nothing may change. */
static void restart(struct world *w, struct ebpfnet_policy_set **set)
{
	struct ebpfnet_policy_stats stats;
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .stats = &stats };
	struct ebpfnet_labels *l;
	uint32_t number;

	ck_assert_int_eq(arena_adopt(&w->a, NULL), 0);
	for (unsigned int i = 0; i < IDENTITIES; i++)
		if (w->id_number[i])
			ck_assert_int_eq(ebn_policy_identity_ref(w->a.policy, w->id_number[i]), 0);
	for (unsigned int s = 0; s < SUBJECTS; s++) {
		if (!w->sub_number[s])
			continue;
		l = labels_of(w->sub[s]);
		ck_assert_int_eq(ebn_policy_subject_get(w->a.policy, l, &number), 0);
		ck_assert_uint_eq(number, w->sub_number[s]);
		ebpfnet_labels_unref(l);
	}
	ebn_policy_sweep(w->a.policy);
	w->unknown = true;
	/* names are not kept, only what they came to: the addresses are learnt anew */
	for (unsigned int at = 0; at < 16; at++) {
		struct ebpfnet_addr addr;

		number_at(w, (int)at, false, &addr);
		ebn_policy_forget(w->a.policy, NULL, &addr);
		for (unsigned int i = 0; i < 4; i++)
			if (w->learnt[at] >> i & 1)
				ck_assert_int_eq(ebn_policy_learn(w->a.policy, names[i], &addr), 0);
	}
	if (below(w, 2) || !*set)
		return;
	ebn_policy_stats(w->a.policy, &stats);
	number = stats.generation;
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	if (!names_ports(w))
		ck_assert_uint_eq(stats.generation, number);
	w->unknown = false;
}

/* Tables compiled from nothing for the same world say the same. */
static void compare_with_fresh(struct world *w, struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_answer a, b;
	struct question q;
	struct arena f;
	uint32_t ids[IDENTITIES], subs[SUBJECTS];

	ck_assert_int_eq(arena_new(&f, 16 << 20), 0);
	ck_assert_int_eq(ebn_policy_commit(f.policy, set, NULL), 0);
	for (unsigned int i = 0; i < IDENTITIES; i++) {
		struct ebpfnet_labels *l = labels_of(w->id[i]);

		ck_assert_int_eq(ebn_policy_identity_get(f.policy, l, &ids[i]), 0);
		ebpfnet_labels_unref(l);
	}
	for (unsigned int s = 0; s < SUBJECTS; s++) {
		struct ebpfnet_labels *l = labels_of(w->sub[s]);

		ck_assert_int_eq(ebn_policy_subject_get(f.policy, l, &subs[s]), 0);
		ebpfnet_labels_unref(l);
	}
	for (int i = 0; i < 200; i++) {
		random_question(w, &q);
		if (q.i >= IDENTITIES || !w->id_number[q.i] || !w->sub_number[q.s])
			continue;
		ck_assert_int_eq(ebn_policy_lookup(w->a.policy, w->sub_number[q.s], q.dir, w->id_number[q.i], q.proto,
						   q.port, &a), 0);
		ck_assert_int_eq(ebn_policy_lookup(f.policy, subs[q.s], q.dir, ids[q.i], q.proto, q.port, &b), 0);
		same(w, &b, &a, "the table with a history");
		w->cases++;
	}
	arena_free(&f);
}

/* Others, before and between those asked about, so that arrays grow. */
static void crowd(struct world *w)
{
	struct ebpfnet_labels *l = NULL;
	char text[32];
	uint32_t number;

	for (unsigned int i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "x=%u,k0=v1", i);
		ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
		ck_assert_int_eq(ebn_policy_identity_get(w->a.policy, l, &number), 0);
		ebpfnet_labels_unref(l);
	}
}

static void one_world(struct world *w)
{
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_int_eq(arena_new(&w->a, 32 << 20), 0);
	for (unsigned int i = 0; i < POLICIES; i++) {
		w->order[i] = i;
		w->pol[i].used = false;
		if (below(w, 2))
			random_policy(w, &w->pol[i]);
	}
	memset(w->id_number, 0, sizeof(w->id_number));
	memset(w->sub_number, 0, sizeof(w->sub_number));
	memset(w->learnt, 0, sizeof(w->learnt));
	memset(w->owner, 0, sizeof(w->owner));
	ck_assert_int_eq(ebn_ep_row_get(w->a.rows, &w->row), 0);
	ebn_ep_row(w->a.rows, w->row)->ifindex = 7;
	ck_assert_int_eq(ebn_ep_row_publish(w->a.rows, w->row), 0);
	for (unsigned int i = 0; i < GROUPS; i++)
		random_group(w, &w->grp[i]);
	w->unknown = false;
	commit(w, &set);
	for (int step = 0; step < 60; step++) {
		if (step == 20 && !below(w, 5))
			crowd(w);
		for (unsigned int n = 1 + below(w, 3); n--;)
			id_toggle(w, below(w, IDENTITIES));
		if (below(w, 2))
			sub_toggle(w, below(w, SUBJECTS));
		if (!below(w, 3) && !w->unknown)
			name_toggle(w);
		for (unsigned int n = below(w, 4); n--;)
			addr_toggle(w);
		check_owners(w);
		if (!below(w, 3)) {
			change(w);
			commit(w, &set);
		}
		if (!below(w, 12))
			restart(w, &set);
		if (below(w, 2))
			arena_grace(&w->a);
		for (int i = 0; i < 40; i++)
			ask(w, w->unknown ? NULL : set);
	}
	if (!w->unknown)
		compare_with_fresh(w, set);
	ebpfnet_policy_set_free(set);
	arena_free(&w->a);
}

START_TEST(worlds)
{
	const char *text = getenv("CASES");
	unsigned long want = text ? strtoul(text, NULL, 0) : 20000, n = 0;
	static struct world w;

	w.seed = test_seed();
	for (; w.cases < want; n++)
		one_world(&w);
	printf("%lu questions in %lu worlds\n", w.cases, n);
}
END_TEST

RUN_SUITE("policy model", worlds)
