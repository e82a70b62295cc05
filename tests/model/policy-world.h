/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The worlds of the policy's model test, as the test notes them, and a reference written as plainly as it goes. */
#ifndef POLICY_WORLD_H
#define POLICY_WORLD_H

#include <inttypes.h>

#include "../unit/suite.h"
#include "../unit/policy-arena.h"

#include "policy/engine.h"

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

/* Part of 192.0.2.0/24, or of 2001:db8::/120: the first len bits of the last byte. */
struct net {
	uint8_t value;
	unsigned int len;
	bool v6;
};

struct group {
	unsigned int n;
	struct net net[2];
	struct sel sel;		/* services: of the endpoints */
};
#define OWN_ADDR 77
#define GROUPS 4		/* two of CIDRs, two services */

struct peer {
	enum ebpfnet_peer_kind kind;
	struct sel sel;
	struct net net, but;
	bool has_but;
	bool ends;		/* speaks of addresses with labels, too */
	unsigned int number;	/* of the group or pattern */
};

static const char *const patterns[] = { "a.example", "*.example", "**.example", "*" };
static const char *const names[] = { "a.example", "b.example", "c.d.example", "example.org" };

struct rule {
	enum ebpfnet_verdict action;
	enum ebpfnet_direction dir;
	unsigned int n_peers, n_ports;
	struct peer peer[2];
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
	int addr;		/* last byte in the network that prefixes are of; -1: not in there */
	bool v6;		/* in that of IPv6 */
	bool owned;		/* the address has labels */
	enum ebpfnet_direction dir;
	uint8_t proto;
	uint16_t port;
};

/* value 0: the label is absent */
struct world {
	struct arena a;
	uint64_t seed;
	/* behind the keys the number of the port "http" */
	uint8_t id[IDENTITIES][KEYS + 1], sub[SUBJECTS][KEYS + 1];
	uint32_t id_number[IDENTITIES], sub_number[SUBJECTS];	/* 0: not there */
	struct policy pol[POLICIES], in_force[POLICIES];
	unsigned int order[POLICIES];
	struct group grp[GROUPS], grp_in_force[GROUPS];
	uint8_t learnt[16];	/* by address below 16: names */
	uint8_t owner[256];	/* by address: the identity it has, and one more; 0: it has none */
	uint32_t row;		/* of an endpoint that has OWN_ADDR while somebody does */
	unsigned long cases;
	struct question asked;
	bool unknown;		/* adopted, nothing committed since */
};

/* The world, in the reference's eyes: an identity with none of the keys. */
static const uint8_t nothing[KEYS + 1];

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

static bool net_holds(const struct net *n, const struct question *q)
{
	return q->addr >= 0 && n->v6 == q->v6 && (!n->len || (q->addr ^ n->value) >> (8 - n->len) == 0);
}

/* Said by hand, not by the library's own matcher. */
static bool name_holds(unsigned int pattern, unsigned int name)
{
	static const uint8_t which[] = { 1, 3, 7, 15 };

	return which[pattern] >> name & 1;
}

static bool group_holds(const struct group *g, const struct peer *p, const uint8_t *label,
			const struct question *q)
{
	bool in = false;

	for (unsigned int i = 0; i < g->n && (p->ends || !q->owned); i++)
		in |= net_holds(&g->net[i], q);
	return (p->kind == EBPFNET_PEER_SERVICE && sel_holds(&g->sel, label)) ||
	       (in && !(p->has_but && net_holds(&p->but, q)));
}

static bool peer_holds(const struct world *w, const struct peer *p, const uint8_t *label, const struct question *q)
{
	bool learnt = false;

	switch (p->kind) {
	case EBPFNET_PEER_SELECTOR:
		return sel_holds(&p->sel, label);
	case EBPFNET_PEER_ENTITY:
		return q->addr >= 0 && !q->v6 && !q->owned;
	case EBPFNET_PEER_CIDR:
		return (p->ends || !q->owned) && net_holds(&p->net, q) && !(p->has_but && net_holds(&p->but, q));
	case EBPFNET_PEER_FQDN:
		for (unsigned int i = 0; i < 4; i++)
			learnt |= q->addr >= 0 && q->addr < 16 && !q->v6 && !q->owned &&
				  w->learnt[q->addr] >> i & 1 && name_holds(p->number, i);
		return learnt;
	default:
		return group_holds(&w->grp_in_force[p->number], p, label, q);
	}
}

static const unsigned int http_ports[] = { 0, 80, 443, 8080, 81 };

static bool rule_holds(const struct world *w, const struct rule *r, const uint8_t *sub, const uint8_t *peer,
		       const struct question *q)
{
	bool peer_ok = r->n_peers == 0, port_ok = r->n_ports == 0;
	unsigned int proto = q->proto, port = q->port;
	const uint8_t *whose = r->dir == EBPFNET_INGRESS ? sub : peer;

	/* peer NULL: a number nobody gave out */
	for (unsigned int i = 0; peer && i < r->n_peers; i++)
		peer_ok |= peer_holds(w, &r->peer[i], peer, q);
	for (unsigned int i = 0; i < r->n_ports; i++) {
		const struct ebpfnet_port_range *p = &r->port[i];

		if (p->name)
			port_ok |= whose && proto == 6 && whose[KEYS] && port == http_ports[whose[KEYS]];
		else if (!p->protocol)
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
	       rule_holds(in->w, &p->rule[i], in->sub, in->peer, in->q);
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

#endif
