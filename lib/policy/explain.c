// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The meaning of a policy set, written so that it can be read: what the compiled tables are held against. */
#include <stdio.h>

#include "identity/internal.h"
#include "policy/model.h"
#include "policy/policy.h"

/* ---- does a rule speak of the question? ---- */

struct question {
	const struct ebpfnet_policy_set *set;
	struct ebpfnet_policy_query q;
	const struct ebpfnet_labels *peer;
	bool world;		/* the peer's address is not one of an endpoint */
};

/* Is the prefix's owner allowed to speak of this peer's address at all? */
static bool address_counts(const struct question *qu, uint32_t flags)
{
	return ebpfnet_addr_family(qu->q.peer_addr) && (qu->world || flags & EBPFNET_PEER_F_ENDPOINTS);
}

static bool in_any(const struct ebn_net *nets, uint32_t n, const struct ebpfnet_addr *addr)
{
	for (uint32_t i = 0; i < n; i++)
		if (ebn_net_has(&nets[i], addr))
			return true;
	return false;
}

static bool group_matches(const struct question *qu, const struct ebn_peer *p)
{
	for (size_t i = 0; i < qu->set->n_groups; i++) {
		const struct ebn_group *g = qu->set->groups[i];

		if (!ebn_peer_means(p, g))
			continue;
		if (g->selector && ebpfnet_selector_match(g->selector, qu->peer))
			return true;
		if (address_counts(qu, p->flags) && in_any(g->nets, g->n_nets, qu->q.peer_addr) &&
		    !in_any(p->except, p->n_except, qu->q.peer_addr))
			return true;
	}
	return false;
}

static bool fqdn_matches(const struct question *qu, const struct ebn_peer *p)
{
	if (!qu->world)
		return false;
	for (size_t i = 0; i < qu->q.n_peer_names; i++)
		if (qu->q.peer_names[i] && ebn_fqdn_match(p->name, qu->q.peer_names[i]))
			return true;
	return false;
}

static bool peer_matches(const struct question *qu, const struct ebn_peer *p)
{
	switch ((enum ebpfnet_peer_kind)p->kind) {
	case EBPFNET_PEER_SELECTOR:
		return ebpfnet_selector_match(p->selector, qu->peer);
	case EBPFNET_PEER_ENTITY:
		return true;
	case EBPFNET_PEER_CIDR:
		return address_counts(qu, p->flags) && ebn_net_has(&p->net, qu->q.peer_addr) &&
		       !in_any(p->except, p->n_except, qu->q.peer_addr);
	case EBPFNET_PEER_CIDR_GROUP:
	case EBPFNET_PEER_SERVICE:
		return group_matches(qu, p);
	case EBPFNET_PEER_FQDN:
		return fqdn_matches(qu, p);
	}
	return false;
}

static bool has_peer(const struct question *qu, const struct ebn_rule *r)
{
	for (uint32_t i = 0; i < r->n_peers; i++)
		if (peer_matches(qu, &r->peers[i]))
			return true;
	return r->everybody;
}

static bool is_icmp(uint8_t protocol)
{
	return protocol == 1 || protocol == 58;
}

static bool has_port(const struct question *qu, const struct ebn_rule *r)
{
	const struct ebpfnet_labels *whose = r->direction == EBPFNET_INGRESS ? qu->q.subject : qu->peer;
	uint16_t port = is_icmp(qu->q.protocol) ? (uint16_t)(qu->q.port << 8 | qu->q.code) : qu->q.port;
	const char *value;
	uint16_t number;

	if (ebn_rule_has_cell(r, ebn_port_cell(qu->q.protocol, port)))
		return true;
	for (uint32_t i = 0; i < r->n_named; i++) {
		value = ebpfnet_labels_get(whose, EBN_SOURCE_PORT, r->named[i].key);
		if (r->named[i].protocol == qu->q.protocol && value && ebn_port_number(value, &number) &&
		    number == port)
			return true;
	}
	return false;
}

static int question_from(const struct ebpfnet_policy_set *set, const struct ebpfnet_policy_query *query,
			 struct question *ret)
{
	struct question qu = { .set = set };

	if (!set || !query || !EBN_OPTS_VALID(query, ebpfnet_policy_query))
		return -EINVAL;
	memcpy(&qu.q, query, query->sz < sizeof(qu.q) ? query->sz : sizeof(qu.q));
	if ((qu.q.direction != EBPFNET_EGRESS && qu.q.direction != EBPFNET_INGRESS) ||
	    (is_icmp(qu.q.protocol) ? qu.q.port > 255 : qu.q.code != 0) || (qu.q.n_peer_names && !qu.q.peer_names))
		return -EINVAL;
	qu.peer = qu.q.peer ? qu.q.peer : set->world;
	qu.world = ebpfnet_labels_get(qu.peer, "reserved", "world") != NULL;
	*ret = qu;
	return 0;
}

/* ---- who decides? ---- */

/* How strong a rule of the normal tier is; the strongest decides. */
static int strength(enum ebpfnet_verdict verdict)
{
	switch (verdict) {
	case EBPFNET_VERDICT_DENY:
		return 4;
	case EBPFNET_VERDICT_AUTH:
		return 3;
	case EBPFNET_VERDICT_REDIRECT:
		return 2;
	default:
		return 1;
	}
}

struct found {
	const struct ebn_rulebook *book;
	const struct ebn_rule *rule;	/* NULL: the default */
	uint32_t index;			/* of the rule in the book, from 0 */
	uint32_t id;			/* in the set, from 1 */
	enum ebpfnet_verdict verdict;
};

/* Does a stand before b in their tier? Of two in the normal tier that are equal, the first in the set. */
static bool before(uint8_t tier, const struct found *a, const struct found *b)
{
	int order;

	if (!b->rule)
		return true;
	if (tier == EBPFNET_TIER_NORMAL)
		return strength(a->verdict) > strength(b->verdict);
	order = a->book == b->book ? 0 : ebn_rulebook_order(a->book, b->book);
	return order ? order < 0 : a->index < b->index;
}

/* A policy in audit refuses nothing: what it would is taken for allowed at first. */
static enum ebpfnet_verdict carried_out(const struct ebn_rulebook *b, uint8_t action, bool strict)
{
	if (strict || !b->audit || action == EBPFNET_VERDICT_PASS)
		return action;
	return EBPFNET_VERDICT_ALLOW;
}

/* The rule that decides in a tier; strict: as if no policy were in audit. False: none matches. */
static bool decide_tier(const struct question *qu, uint8_t tier, bool strict, struct found *ret)
{
	struct found best = { 0 };
	uint32_t id = 0;

	for (size_t i = 0; i < qu->set->n; id += qu->set->books[i++]->n_rules) {
		const struct ebn_rulebook *b = qu->set->books[i];

		if (b->tier != tier || !ebn_selector_subject(b->subject, qu->q.subject))
			continue;
		for (uint32_t k = 0; k < b->n_rules; k++) {
			const struct ebn_rule *r = &b->rules[k];
			struct found f = { b, r, k, id + k + 1, carried_out(b, r->action, strict) };

			if (r->direction != qu->q.direction || !has_peer(qu, r) || !has_port(qu, r))
				continue;
			/* a deny in audit is as if it were not there, until it is asked what it would have done */
			if (!strict && b->audit && r->action == EBPFNET_VERDICT_DENY)
				continue;
			if (before(tier, &f, &best))
				best = f;
		}
	}
	if (!best.rule)
		return false;
	*ret = best;
	return true;
}

static bool denied_by_default(const struct question *qu, bool strict)
{
	for (size_t i = 0; i < qu->set->n; i++) {
		const struct ebn_rulebook *b = qu->set->books[i];

		if (b->default_deny[qu->q.direction] && (strict || !b->audit) &&
		    ebn_selector_subject(b->subject, qu->q.subject))
			return true;
	}
	return false;
}

/* All tiers in order. */
static void decide(const struct question *qu, bool strict, struct found *ret)
{
	*ret = (struct found){ .verdict = EBPFNET_VERDICT_ALLOW };
	if (decide_tier(qu, EBPFNET_TIER_ADMIN, strict, ret) && ret->verdict != EBPFNET_VERDICT_PASS)
		return;
	if (decide_tier(qu, EBPFNET_TIER_NORMAL, strict, ret))
		return;
	*ret = (struct found){ .verdict = EBPFNET_VERDICT_DENY };
	if (denied_by_default(qu, strict))
		return;
	if (decide_tier(qu, EBPFNET_TIER_BASELINE, strict, ret) && ret->verdict != EBPFNET_VERDICT_PASS)
		return;
	*ret = (struct found){ .verdict = EBPFNET_VERDICT_ALLOW };
}

/* What is let through, and would not be if the policies in audit were not, is audited. */
static void judge(const struct question *qu, struct found *ret)
{
	struct found strict;

	decide(qu, false, ret);
	if (ret->verdict != EBPFNET_VERDICT_ALLOW)
		return;
	decide(qu, true, &strict);
	if (strict.verdict != EBPFNET_VERDICT_ALLOW)
		strict.verdict = EBPFNET_VERDICT_AUDIT;
	*ret = strict;
}

int ebpfnet_policy_explain(const struct ebpfnet_policy_set *set, const struct ebpfnet_policy_query *query,
			   struct ebpfnet_policy_answer *ret)
{
	struct question qu;
	struct found f;
	int err;

	err = ret ? question_from(set, query, &qu) : -EINVAL;
	if (err < 0)
		return err;
	judge(&qu, &f);
	memset(ret, 0, sizeof(*ret));
	ret->verdict = f.verdict;
	ret->rule = f.id;
	ret->proxy_port = f.verdict == EBPFNET_VERDICT_REDIRECT ? f.rule->proxy_port : 0;
	if (f.rule)
		snprintf(ret->name, sizeof(ret->name), "%s#%u", f.book->name, f.index + 1);
	else
		snprintf(ret->name, sizeof(ret->name), "default %s",
			 f.verdict == EBPFNET_VERDICT_ALLOW ? "allow" : "deny");
	return 0;
}

/* ---- why? ---- */

/* A rule and how it stands to the question. */
struct standing {
	struct found f;
	enum ebpfnet_policy_reason reason;
};

static const uint8_t tier_order[] = {
	[EBPFNET_TIER_ADMIN] = 0, [EBPFNET_TIER_NORMAL] = 1, [EBPFNET_TIER_BASELINE] = 2,
};

static int by_precedence(const void *a, const void *b)
{
	const struct found *x = &((const struct standing *)a)->f, *y = &((const struct standing *)b)->f;
	int order = tier_order[x->book->tier] - tier_order[y->book->tier];

	if (!order && x->book->tier != EBPFNET_TIER_NORMAL)
		order = ebn_rulebook_order(x->book, y->book);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* False: it misses by more than one thing. */
static bool stands(const struct question *qu, const struct found *decides, struct standing *s)
{
	bool subject = ebn_selector_subject(s->f.book->subject, qu->q.subject);
	bool peer = has_peer(qu, s->f.rule), port = has_port(qu, s->f.rule);

	if (subject + peer + port < 2)
		return false;
	if (!subject)
		s->reason = EBPFNET_RULE_NOT_SUBJECT;
	else if (!peer)
		s->reason = EBPFNET_RULE_NOT_PEER;
	else if (!port)
		s->reason = EBPFNET_RULE_NOT_PORT;
	else
		s->reason = s->f.id == decides->id ? EBPFNET_RULE_DECIDES : EBPFNET_RULE_MATCHES;
	return true;
}

static int collect(const struct question *qu, struct standing **ret, size_t *ret_n)
{
	struct standing *list = ebn_calloc(qu->set->n_rules, sizeof(*list));
	struct found decides;
	size_t n = 0;
	uint32_t id = 0;

	if (!list)
		return -ENOMEM;
	judge(qu, &decides);
	for (size_t i = 0; i < qu->set->n; id += qu->set->books[i++]->n_rules) {
		const struct ebn_rulebook *b = qu->set->books[i];

		for (uint32_t k = 0; k < b->n_rules; k++) {
			list[n].f = (struct found){ b, &b->rules[k], k, id + k + 1, b->rules[k].action };
			if (b->rules[k].direction == qu->q.direction && stands(qu, &decides, &list[n]))
				n++;
		}
	}
	if (n)
		qsort(list, n, sizeof(*list), by_precedence);
	*ret = list;
	*ret_n = n;
	return 0;
}

int ebpfnet_policy_explain_rules(const struct ebpfnet_policy_set *set, const struct ebpfnet_policy_query *query,
				 ebpfnet_policy_match_fn fn, void *userdata)
{
	_free_ struct standing *list = NULL;
	struct question qu;
	size_t n = 0;
	int rc;

	rc = fn ? question_from(set, query, &qu) : -EINVAL;
	if (!rc)
		rc = collect(&qu, &list, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		const struct found *f = &list[i].f;
		struct ebpfnet_policy_match m = {
			.sz = sizeof(m), .reason = list[i].reason, .tier = f->book->tier,
			.priority = f->book->priority, .action = f->rule->action, .audit = f->book->audit,
			.rule = f->id, .policy = f->book->name, .index = f->index + 1,
			.proxy_port = f->rule->proxy_port, .log = f->rule->log, .l7 = f->rule->l7,
		};

		rc = fn(&m, userdata);
	}
	return rc > 0 ? 1 : rc;
}
