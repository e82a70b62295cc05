// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random worlds of labels, policies and questions. Three answers must agree: a reference written as plainly as it goes on the
 * test's own notes, ebpfnet_policy_explain(), and the tables read back as the programs read them. Identities, subjects and
 * policies come and go between the questions, the tables are taken over as after a restart, and now and then they are
 * compared with tables compiled anew from nothing.
 * CASES in the environment is the least number of questions.
 */
#include <inttypes.h>

#include "../unit/suite.h"
#include "../unit/policy-arena.h"

#define KEYS 4
#define VALUES 5
#define IDENTITIES 24
#define SUBJECTS 8
#define POLICIES 8
#define RULES 4
#define REQS 3
#define PORTS 3

enum op { EXISTS, ABSENT, IS, IS_NOT, OPS };

struct req {
	enum op op;
	unsigned int key, value;
};

struct sel {
	unsigned int n;
	struct req r[REQS];
};

struct rule {
	enum ebpfnet_verdict action;
	enum ebpfnet_direction dir;
	unsigned int n_peers, n_ports;
	struct sel peer[2];
	struct ebpfnet_port_range port[PORTS];
};

struct policy {
	bool used, audit, deny[2];
	enum ebpfnet_policy_tier tier;
	unsigned int priority;
	struct sel subject;
	unsigned int n;
	struct rule rule[RULES];
};

struct question {
	unsigned int s, i;
	enum ebpfnet_direction dir;
	uint8_t proto;
	uint16_t port;
};

/* value 0: the label is absent */
struct world {
	struct arena a;
	uint64_t seed;
	uint8_t id[IDENTITIES][KEYS], sub[SUBJECTS][KEYS];
	uint32_t id_number[IDENTITIES], sub_number[SUBJECTS];	/* 0: not there */
	struct policy pol[POLICIES], in_force[POLICIES];
	unsigned int order[POLICIES];
	unsigned long cases;
	struct question asked;
	bool unknown;		/* adopted, nothing committed since */
};

static unsigned int below(struct world *w, unsigned int n)
{
	return test_below(&w->seed, n);
}

/* ---- the reference ---- */

static bool req_holds(const struct req *r, const uint8_t *label)
{
	switch (r->op) {
	case EXISTS:
		return label[r->key] != 0;
	case ABSENT:
		return label[r->key] == 0;
	case IS:
		return label[r->key] == r->value;
	default:
		return label[r->key] != r->value;
	}
}

static bool sel_holds(const struct sel *s, const uint8_t *label)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (!req_holds(&s->r[i], label))
			return false;
	return true;
}

static bool rule_holds(const struct rule *r, const uint8_t *peer, unsigned int proto, unsigned int port)
{
	bool peer_ok = r->n_peers == 0, port_ok = r->n_ports == 0;

	/* peer NULL: a number nobody gave out */
	for (unsigned int i = 0; peer && i < r->n_peers; i++)
		peer_ok |= sel_holds(&r->peer[i], peer);
	for (unsigned int i = 0; i < r->n_ports; i++) {
		const struct ebpfnet_port_range *p = &r->port[i];

		if (!p->protocol)
			port_ok |= (!p->first && !p->last) || ((proto == 6 || proto == 17 || proto == 132) &&
							       port >= p->first && port <= p->last);
		else if (p->protocol != proto)
			continue;
		else if (p->flags & EBPFNET_PORT_F_CODE)
			port_ok |= port == p->first * 256u + p->code;
		else if (proto == 1 || proto == 58)
			port_ok |= (!p->first && !p->last) || (port / 256 >= p->first && port / 256 <= p->last);
		else
			port_ok |= (!p->first && !p->last) || (port >= p->first && port <= p->last);
	}
	return peer_ok && port_ok;
}

/* What is asked, for the reference; name and verdict are the answer. */
struct inquiry {
	const struct world *w;
	const struct policy *pol;
	const uint8_t *sub, *peer;
	const struct question *q;
	bool strict;		/* policies in audit are as the others */
	enum ebpfnet_verdict verdict;
	char name[32];
};

static bool holds(const struct inquiry *in, unsigned int o, unsigned int i)
{
	const struct policy *p = &in->pol[o];

	return p->rule[i].dir == in->q->dir && sel_holds(&p->subject, in->sub) &&
	       rule_holds(&p->rule[i], in->peer, in->q->proto, in->q->port);
}

static bool answer(struct inquiry *in, unsigned int o, unsigned int i, enum ebpfnet_verdict verdict)
{
	in->verdict = verdict;
	snprintf(in->name, sizeof(in->name), "p%u#%u", o, i + 1);
	return true;
}

/* What the rule does; -1: nothing. */
static int does(const struct inquiry *in, const struct policy *p, const struct rule *r)
{
	if (in->strict || !p->audit || r->action == EBPFNET_VERDICT_PASS)
		return r->action;
	return r->action == EBPFNET_VERDICT_DENY ? -1 : EBPFNET_VERDICT_ALLOW;
}

/* Names are one letter and one digit, so their order is that of the numbers. */
static bool first_match(struct inquiry *in, enum ebpfnet_policy_tier tier)
{
	for (unsigned int prio = 0; prio < 3; prio++)
		for (unsigned int o = 0; o < POLICIES; o++)
			for (unsigned int i = 0; i < in->pol[o].n; i++) {
				const struct policy *p = &in->pol[o];
				int what = does(in, p, &p->rule[i]);

				if (p->used && p->tier == tier && p->priority == prio && what >= 0 && holds(in, o, i))
					return answer(in, o, i, (enum ebpfnet_verdict)what);
			}
	return false;
}

static bool strongest_match(struct inquiry *in)
{
	static const int order[] = { EBPFNET_VERDICT_DENY, EBPFNET_VERDICT_AUTH, EBPFNET_VERDICT_REDIRECT,
				     EBPFNET_VERDICT_ALLOW };

	for (unsigned int v = 0; v < 4; v++)
		for (unsigned int k = 0; k < POLICIES; k++) {
			unsigned int o = in->w->order[k];
			const struct policy *p = &in->pol[o];

			for (unsigned int i = 0; p->used && p->tier == EBPFNET_TIER_NORMAL && i < p->n; i++)
				if (does(in, p, &p->rule[i]) == order[v] && holds(in, o, i))
					return answer(in, o, i, (enum ebpfnet_verdict)order[v]);
		}
	return false;
}

static void reference_once(struct inquiry *in)
{
	bool deny = false;

	if (first_match(in, EBPFNET_TIER_ADMIN) && in->verdict != EBPFNET_VERDICT_PASS)
		return;
	if (strongest_match(in))
		return;
	for (unsigned int o = 0; o < POLICIES; o++)
		deny |= in->pol[o].used && in->pol[o].deny[in->q->dir] && (in->strict || !in->pol[o].audit) &&
			sel_holds(&in->pol[o].subject, in->sub);
	if (!deny && first_match(in, EBPFNET_TIER_BASELINE) && in->verdict != EBPFNET_VERDICT_PASS)
		return;
	in->verdict = deny ? EBPFNET_VERDICT_DENY : EBPFNET_VERDICT_ALLOW;
	snprintf(in->name, sizeof(in->name), "default %s", deny ? "deny" : "allow");
}

static void reference(const struct world *w, const struct policy *pol, const uint8_t *sub, const uint8_t *peer,
		      const struct question *q, struct ebpfnet_policy_answer *a)
{
	struct inquiry in = { .w = w, .pol = pol, .sub = sub, .peer = peer, .q = q };

	reference_once(&in);
	if (in.verdict == EBPFNET_VERDICT_ALLOW) {
		in.strict = true;
		reference_once(&in);
		if (in.verdict != EBPFNET_VERDICT_ALLOW)
			in.verdict = EBPFNET_VERDICT_AUDIT;
	}
	memset(a, 0, sizeof(*a));
	a->verdict = in.verdict;
	snprintf(a->name, sizeof(a->name), "%s", in.name);
}

/* ---- text of the test's notes ---- */

static void labels_text(const uint8_t *label, char *buf, size_t size)
{
	char *p = buf;

	*p = '\0';
	for (unsigned int k = 0; k < KEYS; k++)
		if (label[k])
			p = test_put(p, buf + size, "k%u=v%u,", k, label[k]);
	if (p > buf)
		p[-1] = '\0';
}

static struct ebpfnet_labels *labels_of(const uint8_t *label)
{
	struct ebpfnet_labels *l = NULL;
	char text[128];

	labels_text(label, text, sizeof(text));
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	return l;
}

static void sel_text(const struct sel *s, char *buf, size_t size)
{
	char *p = buf;

	*p = '\0';
	for (unsigned int i = 0; i < s->n; i++) {
		const char *comma = i ? "," : "";

		switch (s->r[i].op) {
		case EXISTS:
			p = test_put(p, buf + size, "%sk%u", comma, s->r[i].key);
			break;
		case ABSENT:
			p = test_put(p, buf + size, "%s!k%u", comma, s->r[i].key);
			break;
		case IS:
			p = test_put(p, buf + size, "%sk%u=v%u", comma, s->r[i].key, s->r[i].value);
			break;
		default:
			p = test_put(p, buf + size, "%sk%u!=v%u", comma, s->r[i].key, s->r[i].value);
			break;
		}
	}
}

static struct ebpfnet_policy_set *set_of(struct world *w, const struct policy *pol)
{
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_int_eq(ebpfnet_policy_set_new(w->a.ctx, &set), 0);
	for (unsigned int o = 0; o < POLICIES; o++) {
		const struct policy *p = &pol[w->order[o]];
		struct ebpfnet_policy_rule rule[RULES];
		char name[16], subject[128], peer[RULES][2][128];
		struct ebpfnet_policy_peer peers[RULES][2];
		struct ebpfnet_policy_opts opts = {
			EBPFNET_OPTS_INIT(opts), .name = name, .subject = subject, .audit = p->audit,
			.default_deny_egress = p->deny[0], .default_deny_ingress = p->deny[1], .tier = p->tier,
			.priority = p->priority,
		};

		if (!p->used)
			continue;
		snprintf(name, sizeof(name), "p%u", w->order[o]);
		sel_text(&p->subject, subject, sizeof(subject));
		for (unsigned int i = 0; i < p->n; i++) {
			for (unsigned int k = 0; k < p->rule[i].n_peers; k++) {
				sel_text(&p->rule[i].peer[k], peer[i][k], sizeof(peer[i][k]));
				peers[i][k] = (struct ebpfnet_policy_peer){ .text = peer[i][k] };
			}
			rule[i] = (struct ebpfnet_policy_rule){
				EBPFNET_OPTS_INIT(rule[i]), .direction = p->rule[i].dir,
				.action = p->rule[i].action,
				.peers = peers[i], .n_peers = p->rule[i].n_peers,
				.ports = p->rule[i].port, .n_ports = p->rule[i].n_ports,
			};
		}
		ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, rule, p->n), 0);
	}
	return set;
}

/* ---- chance ---- */

static void random_labels(struct world *w, uint8_t *label)
{
	for (unsigned int k = 0; k < KEYS; k++)
		label[k] = (uint8_t)below(w, VALUES);
}

static void random_sel(struct world *w, struct sel *s)
{
	s->n = below(w, REQS + 1);
	for (unsigned int i = 0; i < s->n; i++)
		s->r[i] = (struct req){ (enum op)below(w, OPS), below(w, KEYS), 1 + below(w, VALUES - 1) };
}

static void random_ports(struct world *w, struct ebpfnet_port_range *p)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 132, 1, 58, 47, 0 };
	static const uint16_t edges[] = { 1, 22, 79, 80, 81, 443, 8080, 32768, 65534, 65535 };
	unsigned int a = below(w, 10), b = below(w, 10);

	memset(p, 0, sizeof(*p));
	p->protocol = protos[below(w, sizeof(protos))];
	if (p->protocol == 1 || p->protocol == 58) {
		p->first = (uint16_t)below(w, 9);
		p->last = (uint16_t)(p->first + below(w, 2));
		if (!below(w, 3)) {
			p->flags = EBPFNET_PORT_F_CODE;
			p->last = p->first;
			p->code = (uint8_t)below(w, 3);
		}
	} else if (p->protocol != 47) {
		if (below(w, p->protocol ? 4 : 2)) {
			p->first = edges[a < b ? a : b];
			p->last = edges[below(w, 2) ? (a < b ? b : a) : (a < b ? a : b)];
		}
	}
}

static void random_policy(struct world *w, struct policy *p)
{
	static const enum ebpfnet_verdict actions[] = {
		EBPFNET_VERDICT_DENY, EBPFNET_VERDICT_DENY, EBPFNET_VERDICT_ALLOW, EBPFNET_VERDICT_ALLOW,
		EBPFNET_VERDICT_ALLOW, EBPFNET_VERDICT_REDIRECT, EBPFNET_VERDICT_AUTH, EBPFNET_VERDICT_PASS,
	};

	memset(p, 0, sizeof(*p));
	p->used = true;
	p->audit = !below(w, 5);
	p->tier = below(w, 2) ? EBPFNET_TIER_NORMAL : below(w, 2) ? EBPFNET_TIER_ADMIN : EBPFNET_TIER_BASELINE;
	if (p->tier == EBPFNET_TIER_NORMAL) {
		p->deny[0] = below(w, 2);
		p->deny[1] = below(w, 2);
	} else {
		p->priority = below(w, 3);
	}
	random_sel(w, &p->subject);
	p->n = below(w, RULES + 1);
	for (unsigned int i = 0; i < p->n; i++) {
		struct rule *r = &p->rule[i];

		r->action = actions[below(w, p->tier == EBPFNET_TIER_NORMAL ? 7 : 8)];
		r->dir = below(w, 2) ? EBPFNET_INGRESS : EBPFNET_EGRESS;
		r->n_peers = below(w, 3);
		r->n_ports = below(w, PORTS + 1);
		for (unsigned int k = 0; k < r->n_peers; k++)
			random_sel(w, &r->peer[k]);
		for (unsigned int k = 0; k < r->n_ports; k++)
			random_ports(w, &r->port[k]);
	}
}

/* ---- asking ---- */

static void same(const struct world *w, const struct ebpfnet_policy_answer *want,
		 const struct ebpfnet_policy_answer *got, const char *who)
{
	if (want->verdict != got->verdict || strcmp(want->name, got->name))
		ck_abort_msg("after %lu cases: subject %u, identity %u, direction %d, protocol %u, port %u: %s says %d %s, the "
			     "reference %d %s", w->cases, w->asked.s, w->asked.i, (int)w->asked.dir, w->asked.proto,
			     w->asked.port, who, (int)got->verdict, got->name, (int)want->verdict, want->name);
}

static void random_question(struct world *w, struct question *q)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 132, 1, 58, 47, 89 };
	static const uint16_t ports[] = { 0, 1, 2, 22, 23, 79, 80, 81, 82, 443, 444, 8080, 9000, 32768, 65534, 65535 };

	q->s = below(w, SUBJECTS);
	q->i = below(w, IDENTITIES + 2);
	q->dir = below(w, 2) ? EBPFNET_INGRESS : EBPFNET_EGRESS;
	q->proto = protos[below(w, sizeof(protos))];
	q->port = ports[below(w, 16)];
	if (q->proto == 1 || q->proto == 58)
		q->port = (uint16_t)(below(w, 10) << 8 | below(w, 4));
	if (q->proto == 47 || q->proto == 89)
		q->port = 0;
}

/* The world, in the reference's eyes: an identity with none of the keys. */
static const uint8_t nothing[KEYS];

static void ask(struct world *w, struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_answer want, got;
	struct ebpfnet_labels *sub, *peer = NULL;
	struct ebpfnet_policy_query query;
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

static void id_toggle(struct world *w, unsigned int i)
{
	struct ebpfnet_labels *l;

	if (w->id_number[i]) {
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

static void change(struct world *w)
{
	unsigned int a = below(w, POLICIES), b = below(w, POLICIES), t;

	switch (below(w, 4)) {
	case 0:
		w->pol[a].used = false;
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
	memcpy(w->in_force, w->pol, sizeof(w->pol));
	w->unknown = false;
	/* once more changes nothing */
	generation = stats.generation;
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	ck_assert_uint_eq(stats.generation, generation);
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
	if (below(w, 2) || !*set)
		return;
	ebn_policy_stats(w->a.policy, &stats);
	number = stats.generation;
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
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

	ck_assert_int_eq(arena_new(&f, 4 << 20), 0);
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

	ck_assert_int_eq(arena_new(&w->a, 8 << 20), 0);
	for (unsigned int i = 0; i < POLICIES; i++) {
		w->order[i] = i;
		w->pol[i].used = false;
		if (below(w, 2))
			random_policy(w, &w->pol[i]);
	}
	memset(w->id_number, 0, sizeof(w->id_number));
	memset(w->sub_number, 0, sizeof(w->sub_number));
	w->unknown = false;
	commit(w, &set);
	for (int step = 0; step < 60; step++) {
		if (step == 20 && !below(w, 5))
			crowd(w);
		for (unsigned int n = 1 + below(w, 3); n--;)
			id_toggle(w, below(w, IDENTITIES));
		if (below(w, 2))
			sub_toggle(w, below(w, SUBJECTS));
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
