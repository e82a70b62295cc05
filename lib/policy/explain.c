// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The meaning of a policy set, written so that it can be read: what the compiled tables are held against. */
#include <stdio.h>

#include "policy/model.h"
#include "policy/policy.h"

struct found {
	const struct ebn_rulebook *book;
	uint32_t rule;		/* in the book, from 0 */
	uint32_t id;		/* in the set, from 1; 0: nothing found yet */
};

static bool applies(const struct ebn_rule *r, const struct ebpfnet_policy_query *q, const struct ebpfnet_labels *peer)
{
	if (r->direction != q->direction || !ebn_rule_has_cell(r, ebn_port_cell(q->protocol, q->port)))
		return false;
	for (uint32_t i = 0; i < r->n_peers; i++)
		if (ebpfnet_selector_match(r->peers[i], peer))
			return true;
	return !r->n_peers;
}

static void answer(struct ebpfnet_policy_answer *ret, enum ebpfnet_verdict verdict, const struct found *f)
{
	memset(ret, 0, sizeof(*ret));
	ret->verdict = verdict;
	ret->rule = f->id;
	if (f->id)
		snprintf(ret->name, sizeof(ret->name), "%s#%u", f->book->name, f->rule + 1);
	else
		snprintf(ret->name, sizeof(ret->name), "default %s",
			 verdict == EBPFNET_VERDICT_ALLOW ? "allow" : "deny");
}

int ebpfnet_policy_explain(const struct ebpfnet_policy_set *set, const struct ebpfnet_policy_query *query,
			   struct ebpfnet_policy_answer *ret)
{
	struct found deny = { 0 }, audit = { 0 }, allow = { 0 }, none = { 0 }, *f;
	bool default_deny = false, default_audit = false;
	const struct ebpfnet_labels *peer;
	uint32_t id = 0;

	if (!set || !query || !ret || (query->direction != EBPFNET_EGRESS && query->direction != EBPFNET_INGRESS))
		return -EINVAL;
	peer = query->peer ? query->peer : set->world;
	for (size_t i = 0; i < set->n; i++) {
		const struct ebn_rulebook *b = set->books[i];

		id += b->n_rules;
		if (!ebpfnet_selector_match(b->subject, query->subject))
			continue;
		if (b->default_deny[query->direction]) {
			default_deny |= !b->audit;
			default_audit |= b->audit;
		}
		for (uint32_t k = 0; k < b->n_rules; k++) {
			if (!applies(&b->rules[k], query, peer))
				continue;
			f = b->rules[k].action == EBPFNET_VERDICT_ALLOW ? &allow : b->audit ? &audit : &deny;
			if (!f->id)
				*f = (struct found){ b, k, id - b->n_rules + k + 1 };
		}
	}
	if (deny.id)
		answer(ret, EBPFNET_VERDICT_DENY, &deny);
	else if (audit.id)
		answer(ret, EBPFNET_VERDICT_AUDIT, &audit);
	else if (allow.id)
		answer(ret, EBPFNET_VERDICT_ALLOW, &allow);
	else
		answer(ret, default_deny ? EBPFNET_VERDICT_DENY : default_audit ? EBPFNET_VERDICT_AUDIT :
			    EBPFNET_VERDICT_ALLOW, &none);
	return 0;
}
