// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/model.h"

#include "identity/text.h"
#include "policy/policy.h"

uint64_t ebn_text_hash(const char *text)
{
	return ebn_fnv(EBN_FNV_START, text, strlen(text));
}

struct ebn_rulebook *ebn_rulebook_ref(struct ebn_rulebook *b)
{
	b->refs++;
	return b;
}

void ebn_rulebook_unref(struct ebn_rulebook *b)
{
	if (!b || --b->refs)
		return;
	for (uint32_t i = 0; b->rules && i < b->n_rules; i++) {
		for (uint32_t k = 0; b->rules[i].peers && k < b->rules[i].n_peers; k++)
			ebpfnet_selector_unref(b->rules[i].peers[k]);
		free(b->rules[i].peers);
		free(b->rules[i].ranges);
	}
	free(b->rules);
	ebpfnet_selector_unref(b->subject);
	free(b->name);
	free(b);
}

static bool same_selector(const struct ebpfnet_selector *a, const struct ebpfnet_selector *b)
{
	return a == b || !strcmp(ebpfnet_selector_format(a), ebpfnet_selector_format(b));
}

static bool same_rule(const struct ebn_rule *a, const struct ebn_rule *b)
{
	if (a->direction != b->direction || a->action != b->action || a->n_peers != b->n_peers ||
	    a->n_ranges != b->n_ranges)
		return false;
	if (a->n_ranges && memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(*a->ranges)))
		return false;
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (!same_selector(a->peers[i], b->peers[i]))
			return false;
	return true;
}

bool ebn_rulebook_equal(const struct ebn_rulebook *a, const struct ebn_rulebook *b)
{
	if (a == b)
		return true;
	if (a->n_rules != b->n_rules || a->audit != b->audit || a->default_deny[0] != b->default_deny[0] ||
	    a->default_deny[1] != b->default_deny[1] || strcmp(a->name, b->name) ||
	    !same_selector(a->subject, b->subject))
		return false;
	for (uint32_t i = 0; i < a->n_rules; i++)
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

bool ebn_rule_has_cell(const struct ebn_rule *r, uint32_t cell)
{
	uint32_t lo = 0, hi = r->n_ranges;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (cell < r->ranges[mid].first)
			hi = mid;
		else if (cell > r->ranges[mid].last)
			lo = mid + 1;
		else
			return true;
	}
	return !r->n_ranges;
}

/* One range of the public form in cells. *all: it means every protocol. */
static int range_from(const struct ebpfnet_port_range *in, struct ebn_range *out, bool *all)
{
	bool any = !in->first && !in->last;
	uint32_t max = 0;

	if (in->first > in->last)
		return -EINVAL;
	switch (in->protocol) {
	case 0:
		*all = true;
		return any ? 0 : -EINVAL;
	case 6:
	case 17:
	case 132:
		max = 65535;
		break;
	case 1:
	case 58:
		max = 255;
		break;
	}
	if (in->last > max)
		return -EINVAL;
	out->first = ebn_port_cell(in->protocol, any ? 0 : in->first);
	out->last = ebn_port_cell(in->protocol, (uint16_t)(any ? max : in->last));
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct ebn_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int ports_from(struct ebn_rule *r, const struct ebpfnet_port_range *ports, size_t n)
{
	bool all = n == 0;
	uint32_t kept = 0;
	int err;

	r->ranges = ebn_calloc(n, sizeof(*r->ranges));
	if (!r->ranges)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		err = range_from(&ports[i], &r->ranges[i], &all);
		if (err < 0)
			return err;
	}
	if (all)
		return 0;
	qsort(r->ranges, n, sizeof(*r->ranges), by_first);
	for (size_t i = 0; i < n; i++) {
		if (kept && r->ranges[i].first <= r->ranges[kept - 1].last + 1) {
			if (r->ranges[i].last > r->ranges[kept - 1].last)
				r->ranges[kept - 1].last = r->ranges[i].last;
		} else {
			r->ranges[kept++] = r->ranges[i];
		}
	}
	r->n_ranges = kept;
	return 0;
}

static int rule_from(struct ebn_rule *r, const struct ebpfnet_policy_rule *in, const char *name, size_t number,
		     struct ebpfnet_diag *diag)
{
	int err;

	if (!EBN_OPTS_VALID(in, ebpfnet_policy_rule))
		return ebn_diag(diag, NULL, EINVAL, "%s#%zu: rule of an unknown form", name, number);
	if ((in->direction != EBPFNET_EGRESS && in->direction != EBPFNET_INGRESS) ||
	    (in->action != EBPFNET_VERDICT_ALLOW && in->action != EBPFNET_VERDICT_DENY))
		return ebn_diag(diag, NULL, EINVAL, "%s#%zu: direction or action is not one", name, number);
	if (in->n_peers > EBN_RULE_PEERS_MAX || in->n_ports > EBN_RULE_PORTS_MAX)
		return ebn_diag(diag, NULL, E2BIG, "%s#%zu: more than %u peers or ports", name, number,
				EBN_RULE_PEERS_MAX);
	if ((in->n_peers && !in->peers) || (in->n_ports && !in->ports))
		return ebn_diag(diag, NULL, EINVAL, "%s#%zu: peers or ports are missing", name, number);
	r->direction = (uint8_t)in->direction;
	r->action = (uint8_t)in->action;
	r->peers = ebn_calloc(in->n_peers, sizeof(*r->peers));
	if (!r->peers)
		return -ENOMEM;
	r->n_peers = (uint32_t)in->n_peers;
	for (size_t i = 0; i < in->n_peers; i++) {
		if (!in->peers[i])
			return ebn_diag(diag, NULL, EINVAL, "%s#%zu: a peer is NULL", name, number);
		err = ebpfnet_selector_parse(in->peers[i], diag, &r->peers[i]);
		if (err < 0)
			return err;
	}
	err = ports_from(r, in->ports, in->n_ports);
	if (err == -EINVAL)
		return ebn_diag(diag, NULL, EINVAL, "%s#%zu: not a range of ports", name, number);
	return err;
}

static int name_check(const char *name, struct ebpfnet_diag *diag)
{
	size_t len = name ? strlen(name) : 0;

	if (!len)
		return ebn_diag(diag, NULL, EINVAL, "a policy needs a name");
	if (len > EBN_POLICY_NAME_MAX)
		return ebn_diag(diag, NULL, EINVAL, "a policy's name is longer than %d bytes", EBN_POLICY_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return ebn_diag(diag, NULL, EINVAL, "a policy's name holds a control character");
	return 0;
}

int ebn_rulebook_new(const struct ebpfnet_policy_opts *opts, const struct ebpfnet_policy_rule *rules, size_t n_rules,
		     struct ebn_rulebook **ret)
{
	struct ebpfnet_diag *diag = EBN_OPT(opts, diag, NULL);
	struct ebn_rulebook *b;
	int err;

	err = name_check(EBN_OPT(opts, name, NULL), diag);
	if (err < 0)
		return err;
	if (n_rules > EBN_POLICY_RULES_MAX)
		return ebn_diag(diag, NULL, E2BIG, "%s: more than %u rules", opts->name, EBN_POLICY_RULES_MAX);
	b = ebn_calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->refs = 1;
	b->default_deny[EBPFNET_EGRESS] = EBN_OPT(opts, default_deny_egress, 0) != 0;
	b->default_deny[EBPFNET_INGRESS] = EBN_OPT(opts, default_deny_ingress, 0) != 0;
	b->audit = EBN_OPT(opts, audit, 0) != 0;
	b->name = strdup(opts->name);
	b->rules = ebn_calloc(n_rules, sizeof(*b->rules));
	err = b->name && b->rules ? 0 : -ENOMEM;
	if (!err)
		err = ebpfnet_selector_parse(EBN_OPT(opts, subject, NULL) ? opts->subject : "", diag, &b->subject);
	b->n_rules = err ? 0 : (uint32_t)n_rules;
	for (size_t i = 0; !err && i < n_rules; i++)
		err = rule_from(&b->rules[i], &rules[i], b->name, i + 1, diag);
	if (err < 0) {
		ebn_rulebook_unref(b);
		return err;
	}
	*ret = b;
	return 0;
}

int ebpfnet_policy_set_new(struct ebpfnet_ctx *ctx, struct ebpfnet_policy_set **ret)
{
	struct ebpfnet_policy_set *set;
	int err;

	if (!ctx || !ret)
		return -EINVAL;
	set = ebn_calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	err = ebpfnet_labels_parse("reserved:world", NULL, NULL, &set->world);
	if (err < 0) {
		free(set);
		return err;
	}
	set->ctx = ebpfnet_ctx_ref(ctx);
	*ret = set;
	return 0;
}

void ebpfnet_policy_set_free(struct ebpfnet_policy_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n; i++)
		ebn_rulebook_unref(set->books[i]);
	free(set->books);
	ebn_index_done(&set->names);
	ebpfnet_labels_unref(set->world);
	ebpfnet_ctx_unref(set->ctx);
	free(set);
}

static bool find(const struct ebpfnet_policy_set *set, const char *name, uint32_t *ret)
{
	uint32_t cursor, i = 0;

	ebn_index_for_each(&set->names, ebn_text_hash(name), cursor, i) {
		if (!strcmp(set->books[i]->name, name)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

int ebn_set_add_books(struct ebpfnet_policy_set *set, struct ebn_rulebook **books, size_t n, struct ebpfnet_diag *diag)
{
	size_t rules = set->n_rules, done;
	uint32_t other;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		rules += books[i]->n_rules;
	if (rules > EBN_POLICY_RULES_MAX || set->n + n > EBN_POLICY_RULES_MAX)
		return ebn_diag(diag, NULL, E2BIG, "more than %u rules or policies in a set", EBN_POLICY_RULES_MAX);
	if (ebn_grow(&set->books, &set->cap, set->n + n, sizeof(*set->books)) < 0 ||
	    ebn_index_reserve(&set->names, (uint32_t)n) < 0)
		return -ENOMEM;
	for (done = 0; done < n; done++) {
		if (find(set, books[done]->name, &other)) {
			err = ebn_diag(diag, NULL, EEXIST, "a policy named %s is there already", books[done]->name);
			break;
		}
		set->books[set->n + done] = books[done];
		err = ebn_index_add(&set->names, ebn_text_hash(books[done]->name), (uint32_t)(set->n + done));
		if (err < 0)
			break;
	}
	if (err < 0) {
		while (done--)
			ebn_index_remove(&set->names, ebn_text_hash(books[done]->name), (uint32_t)(set->n + done));
		return err;
	}
	set->n += n;
	set->n_rules = rules;
	return 0;
}

int ebpfnet_policy_set_add(struct ebpfnet_policy_set *set, const struct ebpfnet_policy_opts *opts,
			   const struct ebpfnet_policy_rule *rules, size_t n_rules)
{
	struct ebn_rulebook *b = NULL;
	int err;

	if (!set || !opts || !EBN_OPTS_VALID(opts, ebpfnet_policy_opts) || (n_rules && !rules))
		return -EINVAL;
	err = ebn_rulebook_new(opts, rules, n_rules, &b);
	if (err < 0)
		return err;
	err = ebn_set_add_books(set, &b, 1, EBN_OPT(opts, diag, NULL));
	if (err < 0)
		ebn_rulebook_unref(b);
	return err;
}

int ebpfnet_policy_set_remove(struct ebpfnet_policy_set *set, const char *name)
{
	uint32_t i;

	if (!set || !name)
		return -EINVAL;
	if (!find(set, name, &i))
		return -ENOENT;
	set->n_rules -= set->books[i]->n_rules;
	ebn_rulebook_unref(set->books[i]);
	memmove(&set->books[i], &set->books[i + 1], (set->n - i - 1) * sizeof(*set->books));
	set->n--;
	/* all behind it have moved; the room is there, so this cannot fail */
	ebn_index_clear(&set->names);
	for (size_t k = 0; k < set->n; k++)
		ebn_index_add(&set->names, ebn_text_hash(set->books[k]->name), (uint32_t)k);
	return 0;
}

size_t ebpfnet_policy_set_count(const struct ebpfnet_policy_set *set)
{
	return set ? set->n : 0;
}

const char *ebpfnet_policy_set_name(const struct ebpfnet_policy_set *set, size_t index)
{
	return set && index < set->n ? set->books[index]->name : NULL;
}
