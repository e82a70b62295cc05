// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A policy in force: its rules as the compiler sees them. A rule comes down to entries: columns of identities, ranges of
 * ports. Ports by name make one entry for each number that the name has with anybody: on the way out for peers whose label says
 * so, on the way in for subjects whose label says so (cond).
 */
#include "policy/plan.h"

#include <stdio.h>

#include "identity/internal.h"

/* ---- numbers that ports' names have ---- */

static bool number_of(const struct ebn_label *l, uint16_t *ret)
{
	return !ebn_span_cmp(l->source, (struct ebn_span){ EBN_SOURCE_PORT, sizeof(EBN_SOURCE_PORT) - 1 }) &&
	       ebn_port_number(l->value.p, ret);
}

static bool has_value(const struct ebn_port_name *pn, uint16_t value)
{
	for (uint32_t i = 0; i < pn->n; i++)
		if (pn->value[i] == value)
			return true;
	return false;
}

static int find_values(const struct ebn_columns *cs, struct ebn_port_name *pn)
{
	size_t cap = 0;

	for (size_t i = 0; i < cs->n_items; i++) {
		const char *text = cs->item[i] ? ebpfnet_labels_get(cs->item[i], EBN_SOURCE_PORT, pn->key) : NULL;
		uint16_t value;

		if (!text || !ebn_port_number(text, &value) || has_value(pn, value))
			continue;
		if (ebn_grow(&pn->value, &cap, pn->n + 1, sizeof(*pn->value)) < 0)
			return -ENOMEM;
		pn->value[pn->n++] = value;
	}
	return 0;
}

/* The name with its numbers among the identities or the subjects, looked for once a plan. -ENOMEM. */
static int port_name(struct ebn_plan *pl, const char *key, uint8_t dir, const struct ebn_port_name **ret)
{
	struct ebn_port_names *names = &pl->port_names;
	struct ebn_port_name *pn;

	for (size_t i = 0; i < names->n; i++) {
		if (names->name[i].dir == dir && !strcmp(names->name[i].key, key)) {
			*ret = &names->name[i];
			return 0;
		}
	}
	if (ebn_grow(&names->name, &names->cap, names->n + 1, sizeof(*names->name)) < 0)
		return -ENOMEM;
	pn = &names->name[names->n];
	*pn = (struct ebn_port_name){ .key = strdup(key), .dir = dir };
	if (!pn->key)
		return -ENOMEM;
	names->n++;
	*ret = pn;
	return find_values(dir == EBPFNET_EGRESS ? &pl->p->peers : &pl->p->selectors, pn);
}

void ebn_port_names_done(struct ebn_port_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		free(names->name[i].key);
		free(names->name[i].value);
	}
	free(names->name);
	*names = (struct ebn_port_names){ 0 };
}

bool ebn_port_names_miss(const struct ebn_policy *p, const struct ebpfnet_labels *labels, uint8_t dir)
{
	for (unsigned int i = 0; p->port_names.n && labels && i < labels->n; i++) {
		uint16_t value;

		if (!number_of(&labels->labels[i], &value))
			continue;
		for (size_t k = 0; k < p->port_names.n; k++) {
			const struct ebn_port_name *pn = &p->port_names.name[k];

			if (pn->dir == dir && !strcmp(pn->key, labels->labels[i].key.p) && !has_value(pn, value))
				return true;
		}
	}
	return false;
}

/* ---- what a rule depends on beside itself ---- */

static int add_text(struct ebpfnet_selector *sel, void *arg)
{
	uint64_t *sum = arg;

	*sum = ebn_text_hash(ebpfnet_selector_format(sel)) + *sum * 0x9e3779b97f4a7c15u;
	return 0;
}

int ebn_inst_sum(struct ebn_plan *pl, const struct ebpfnet_policy_set *set, const struct ebn_rulebook *b, uint64_t *ret)
{
	const struct ebn_port_name *pn = NULL;
	uint64_t sum = 0;
	int err = 0;

	for (uint32_t r = 0; !err && r < b->n_rules; r++) {
		const struct ebn_rule *rule = &b->rules[r];

		for (uint32_t k = 0; !err && k < rule->n_peers; k++)
			if (ebn_peer_grouped(&rule->peers[k]))
				err = ebn_peer_selectors(set, &rule->peers[k], add_text, &sum);
		for (uint32_t k = 0; !err && k < rule->n_named; k++) {
			err = port_name(pl, rule->named[k].key, rule->direction, &pn);
			for (uint32_t v = 0; !err && v < pn->n; v++)
				sum = sum * 0x9e3779b97f4a7c15u + pn->value[v] + 1;
		}
		sum = sum * 31 + (sum != 0);
	}
	*ret = sum;
	return err;
}

/* ---- entries ---- */

struct making {
	struct ebn_plan *pl;
	const struct ebpfnet_policy_set *set;
	struct ebn_inst *in;
	size_t col_cap, entry_cap;
	const char *label;	/* that each peer must have as well; NULL: none */
};

static int add_column(struct ebpfnet_selector *sel, void *arg)
{
	struct making *m = arg;
	struct ebn_policy *p = m->pl->p;
	struct ebpfnet_selector *both = NULL;
	struct ebn_inst *in = m->in;
	char *text;
	size_t len;
	int err;

	if (ebn_grow(&in->col, &m->col_cap, in->n_col + 1, sizeof(struct ebn_column *)) < 0)
		return -ENOMEM;
	if (m->label) {
		len = strlen(ebpfnet_selector_format(sel)) + strlen(m->label) + 2;
		text = ebn_calloc(len, 1);
		if (!text)
			return -ENOMEM;
		snprintf(text, len, "%s%s%s", ebpfnet_selector_format(sel), *ebpfnet_selector_format(sel) ? "," : "",
			 m->label);
		err = ebpfnet_selector_parse(text, NULL, &both);
		free(text);
		if (err < 0)
			return err;
		sel = both;
	}
	err = ebn_columns_get(&p->peers, sel, &in->col[in->n_col]);
	ebpfnet_selector_unref(both);
	in->n_col += !err;
	return err;
}

/* An entry with the rule's peers; *ret is borrowed until the next one. */
static int add_entry(struct making *m, uint32_t rule, struct ebn_entry **ret)
{
	struct ebn_inst *in = m->in;
	const struct ebn_rule *r = &in->book->rules[rule];
	struct ebpfnet_selector *any = NULL;
	struct ebn_entry *e;
	int err = 0;

	if (ebn_grow(&in->entry, &m->entry_cap, in->n_entries + 1, sizeof(*in->entry)) < 0)
		return -ENOMEM;
	e = &in->entry[in->n_entries++];
	*e = (struct ebn_entry){ .rule = r, .number = in->number[rule], .first = (uint32_t)in->n_col,
				 .everybody = r->everybody && !m->label };
	if (r->everybody && m->label) {
		err = ebpfnet_selector_parse("", NULL, &any);
		if (!err)
			err = add_column(any, m);
		ebpfnet_selector_unref(any);
	}
	for (uint32_t k = 0; !err && !r->everybody && k < r->n_peers; k++)
		err = ebn_peer_selectors(m->set, &r->peers[k], add_column, m);
	e->n = (uint32_t)in->n_col - e->first;
	*ret = e;
	return err;
}

/* The entry of a name's number. */
static int add_named(struct making *m, uint32_t rule, const struct ebn_named_port *named, uint16_t value)
{
	bool out = m->in->book->rules[rule].direction == EBPFNET_EGRESS;
	uint32_t cell = ebn_port_cell(named->protocol, value);
	char label[EBN_PORT_NAME_MAX + 32];
	struct ebpfnet_selector *sel = NULL;
	struct ebn_entry *e = NULL;
	int err;

	snprintf(label, sizeof(label), EBN_SOURCE_PORT ":%s=%u", named->key, value);
	m->label = out ? label : NULL;
	err = add_entry(m, rule, &e);
	m->label = NULL;
	if (err < 0)
		return err;
	e->own = true;
	e->range = (struct ebn_range){ cell, cell };
	if (out)
		return 0;
	err = ebpfnet_selector_parse(label, NULL, &sel);
	if (!err)
		err = ebn_columns_get(&m->pl->p->selectors, sel, &e->cond);
	ebpfnet_selector_unref(sel);
	return err;
}

static int add_rule(struct making *m, uint32_t rule)
{
	const struct ebn_rule *r = &m->in->book->rules[rule];
	const struct ebn_port_name *pn = NULL;
	struct ebn_entry *e;
	int err = 0;

	if (r->n_ranges || ebn_rule_all_ports(r))
		err = add_entry(m, rule, &e);
	for (uint32_t k = 0; !err && k < r->n_named; k++) {
		err = port_name(m->pl, r->named[k].key, r->direction, &pn);
		for (uint32_t v = 0; !err && v < pn->n; v++)
			err = add_named(m, rule, &r->named[k], pn->value[v]);
	}
	m->in->speaks[r->direction] = true;
	return err;
}

void ebn_inst_unref(struct ebn_policy *p, struct ebn_inst *in)
{
	if (!in || --in->refs)
		return;
	for (uint32_t i = 0; i < in->n_col; i++)
		ebn_columns_put(&p->peers, in->col[i]);
	for (uint32_t i = 0; i < in->n_entries; i++)
		ebn_columns_put(&p->selectors, in->entry[i].cond);
	ebn_columns_put(&p->selectors, in->subject);
	ebn_inst_free(in);
}

void ebn_inst_free(struct ebn_inst *in)
{
	ebn_rulebook_unref(in->book);
	free(in->number);
	free(in->entry);
	free(in->col);
	free(in);
}

int ebn_inst_make(struct ebn_plan *pl, const struct ebpfnet_policy_set *set, struct ebn_rulebook *book, uint64_t sum,
		  const struct ebn_inst *was, struct ebn_inst **ret)
{
	struct ebn_inst *in = ebn_calloc(1, sizeof(*in));
	struct making m = { .pl = pl, .set = set, .in = in };
	int err = 0;

	if (!in)
		return -ENOMEM;
	in->refs = 1;
	in->version = ++pl->p->versions;
	in->sum = sum;
	in->hash = ebn_text_hash(book->name);
	in->book = ebn_rulebook_ref(book);
	in->number = ebn_calloc(book->n_rules, sizeof(*in->number));
	if (!in->number || ebn_columns_get(&pl->p->selectors, book->subject, &in->subject) < 0)
		err = -ENOMEM;
	for (uint32_t i = 0; !err && i < book->n_rules; i++) {
		const struct ebn_rule *rule = &book->rules[i];

		/* a number stands for a name and a text */
		if (was && i < was->book->n_rules && ebn_text_same(was->book->rules[i].log, rule->log))
			in->number[i] = was->number[i];
		else if (!was)
			in->number[i] = ebn_orphan_number(pl->p, book->name, i, rule->log);
		if (!in->number[i])
			in->number[i] = ++pl->last_rule;
		err = add_rule(&m, i);
	}
	in->speaks[0] |= book->default_deny[0];
	in->speaks[1] |= book->default_deny[1];
	if (err < 0) {
		ebn_inst_unref(pl->p, in);
		if (err == -E2BIG || err == -EINVAL)
			return ebn_diag(pl->diag, NULL, E2BIG, "%s: a selector is over its limits", book->name);
		return err;
	}
	*ret = in;
	return 0;
}
