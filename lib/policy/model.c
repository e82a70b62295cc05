// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/model.h"

#include <stdio.h>

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

static void rule_clear(struct ebn_rule *r)
{
	for (uint32_t i = 0; i < r->n_peers; i++)
		ebn_peer_clear(&r->peers[i]);
	for (uint32_t i = 0; i < r->n_named; i++)
		free(r->named[i].key);
	free(r->peers);
	free(r->ranges);
	free(r->named);
	free(r->log);
	free(r->l7);
}

void ebn_rulebook_unref(struct ebn_rulebook *b)
{
	if (!b || --b->refs)
		return;
	for (uint32_t i = 0; i < b->n_rules; i++)
		rule_clear(&b->rules[i]);
	free(b->rules);
	ebpfnet_selector_unref(b->subject);
	free(b->name);
	free(b);
}

bool ebn_text_same(const char *a, const char *b)
{
	return !a == !b && (!a || !strcmp(a, b));
}

static bool same_rule(const struct ebn_rule *a, const struct ebn_rule *b)
{
	if (a->direction != b->direction || a->action != b->action || a->proxy_port != b->proxy_port ||
	    a->n_peers != b->n_peers || a->n_ranges != b->n_ranges || a->n_named != b->n_named ||
	    !ebn_text_same(a->log, b->log) || !ebn_text_same(a->l7, b->l7))
		return false;
	if (a->n_ranges && memcmp(a->ranges, b->ranges, a->n_ranges * sizeof(*a->ranges)))
		return false;
	for (uint32_t i = 0; i < a->n_named; i++)
		if (a->named[i].protocol != b->named[i].protocol || strcmp(a->named[i].key, b->named[i].key))
			return false;
	for (uint32_t i = 0; i < a->n_peers; i++)
		if (!ebn_peer_equal(&a->peers[i], &b->peers[i]))
			return false;
	return true;
}

bool ebn_rulebook_equal(const struct ebn_rulebook *a, const struct ebn_rulebook *b)
{
	if (a == b)
		return true;
	if (a->n_rules != b->n_rules || a->audit != b->audit || a->default_deny[0] != b->default_deny[0] ||
	    a->default_deny[1] != b->default_deny[1] || a->tier != b->tier || a->priority != b->priority ||
	    strcmp(a->name, b->name) || !ebn_selector_same(a->subject, b->subject))
		return false;
	for (uint32_t i = 0; i < a->n_rules; i++)
		if (!same_rule(&a->rules[i], &b->rules[i]))
			return false;
	return true;
}

int ebn_rulebook_order(const struct ebn_rulebook *a, const struct ebn_rulebook *b)
{
	return a->priority != b->priority ? a->priority - b->priority : strcmp(a->name, b->name);
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
	return ebn_rule_all_ports(r);
}

/* ---- ports ---- */

bool ebn_port_number(const char *value, uint16_t *ret)
{
	uint32_t n = 0;

	if (*value < '1' || *value > '9')
		return false;
	for (; *value >= '0' && *value <= '9' && n <= 65535; value++)
		n = n * 10 + (uint32_t)(*value - '0');
	if (*value || n > 65535)
		return false;
	*ret = (uint16_t)n;
	return true;
}

static const uint8_t with_ports[] = { 6, 17, 132 };

/* Ports while they are read; *all: every protocol is meant. */
struct ports {
	struct ebn_rule *r;
	size_t ranges_cap, named_cap;
	bool all;
};

static int add_range(struct ports *ps, uint8_t protocol, uint32_t first, uint32_t last)
{
	struct ebn_rule *r = ps->r;

	if (ebn_grow(&r->ranges, &ps->ranges_cap, r->n_ranges + 1, sizeof(*r->ranges)) < 0)
		return -ENOMEM;
	r->ranges[r->n_ranges++] = (struct ebn_range){ ebn_port_cell(protocol, (uint16_t)first),
						       ebn_port_cell(protocol, (uint16_t)last) };
	return 0;
}

static int add_named(struct ports *ps, uint8_t protocol, const char *name)
{
	const char *proto = protocol == 6 ? "tcp" : protocol == 17 ? "udp" : "sctp";
	struct ebn_rule *r = ps->r;
	size_t len = strlen(name) + 6;
	char *key;

	if (ebn_grow(&r->named, &ps->named_cap, r->n_named + 1, sizeof(*r->named)) < 0)
		return -ENOMEM;
	key = ebn_calloc(len, 1);
	if (!key)
		return -ENOMEM;
	snprintf(key, len, "%s/%s", name, proto);
	r->named[r->n_named++] = (struct ebn_named_port){ protocol, key };
	return 0;
}

/* TCP, UDP, SCTP, or all three. */
static int add_ports(struct ports *ps, const struct ebpfnet_port_range *in, bool any)
{
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(with_ports); i++) {
		if (in->protocol && in->protocol != with_ports[i])
			continue;
		err = in->name ? add_named(ps, with_ports[i], in->name) :
				 add_range(ps, with_ports[i], any ? 0 : in->first, any ? 65535 : in->last);
	}
	return err;
}

/* Types of ICMP, each with its 256 codes; or one code of a type. */
static int add_types(struct ports *ps, const struct ebpfnet_port_range *in, bool any)
{
	bool code = in->flags & EBPFNET_PORT_F_CODE;
	uint32_t first = (uint32_t)in->first << 8, last = (uint32_t)in->last << 8 | 255;

	if (in->last > 255 || (code && in->first != in->last))
		return -EINVAL;
	if (code)
		return add_range(ps, in->protocol, first | in->code, first | in->code);
	return add_range(ps, in->protocol, any ? 0 : first, any ? 65535 : last);
}

static bool port_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > EBN_PORT_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!ebn_is_key_char(name[i]) || name[i] == '/')
			return false;
	return true;
}

static int range_from(struct ports *ps, const struct ebpfnet_port_range *in)
{
	bool any = !in->first && !in->last && !in->flags, icmp = in->protocol == 1 || in->protocol == 58;

	if (in->first > in->last || in->flags & ~(EBPFNET_PORT_F_CODE | EBPFNET_PORT_F_EXACT) || in->reserved ||
	    (!(in->flags & EBPFNET_PORT_F_CODE) ? in->code != 0 : !icmp) ||
	    (in->name && (!any || !port_name_ok(in->name))))
		return -EINVAL;
	switch (in->protocol) {
	case 0:
		if (!any || in->name)
			return add_ports(ps, in, false);
		ps->all = true;
		return 0;
	case 6:
	case 17:
	case 132:
		return add_ports(ps, in, any);
	case 1:
	case 58:
		return in->name ? -EINVAL : add_types(ps, in, any);
	default:
		return any && !in->name ? add_range(ps, in->protocol, 0, 0) : -EINVAL;
	}
}

static int by_first(const void *a, const void *b)
{
	const struct ebn_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static void ranges_merge(struct ebn_rule *r)
{
	uint32_t kept = 0;

	if (r->n_ranges)
		qsort(r->ranges, r->n_ranges, sizeof(*r->ranges), by_first);
	for (uint32_t i = 0; i < r->n_ranges; i++) {
		if (kept && r->ranges[i].first <= r->ranges[kept - 1].last + 1) {
			if (r->ranges[i].last > r->ranges[kept - 1].last)
				r->ranges[kept - 1].last = r->ranges[i].last;
		} else {
			r->ranges[kept++] = r->ranges[i];
		}
	}
	r->n_ranges = kept;
}

static int ports_from(struct ebn_rule *r, const struct ebpfnet_port_range *ports, size_t n)
{
	struct ports ps = { .r = r };
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = range_from(&ps, &ports[i]);
	if (err < 0)
		return err;
	if (ps.all) {
		for (uint32_t i = 0; i < r->n_named; i++)
			free(r->named[i].key);
		r->n_ranges = r->n_named = 0;
	}
	ranges_merge(r);
	return 0;
}

/* ---- rules ---- */

/* What the fields of a rule say together; the text is what is wrong, NULL: nothing. */
static const char *rule_wrong(const struct ebpfnet_policy_rule *in, enum ebpfnet_policy_tier tier)
{
	bool proxied = in->action == EBPFNET_VERDICT_REDIRECT || in->action == EBPFNET_VERDICT_AUTH;

	if (in->direction != EBPFNET_EGRESS && in->direction != EBPFNET_INGRESS)
		return "direction is not one";
	if ((unsigned int)in->action > EBPFNET_VERDICT_PASS || in->action == EBPFNET_VERDICT_AUDIT)
		return "action is not one";
	if (in->action == EBPFNET_VERDICT_PASS && tier == EBPFNET_TIER_NORMAL)
		return "the normal tier does not pass";
	if ((in->n_peers && !in->peers) || (in->n_ports && !in->ports))
		return "peers or ports are missing";
	if ((in->l7 || in->proxy_port) && !proxied)
		return "only what is redirected has rules for a proxy";
	if (in->reserved[0] || in->reserved[1] || in->reserved[2])
		return "rule of an unknown form";
	return NULL;
}

static int texts_from(struct ebn_rule *r, const struct ebpfnet_policy_rule *in, const char *what,
		      struct ebpfnet_diag *diag)
{
	if ((in->log && strlen(in->log) > EBN_RULE_LOG_MAX) || (in->l7 && strlen(in->l7) > EBN_RULE_L7_MAX))
		return ebn_diag(diag, NULL, E2BIG, "%s: the log text is over %u bytes, or the proxy's rules over %u", what,
				EBN_RULE_LOG_MAX, EBN_RULE_L7_MAX);
	r->log = in->log && *in->log ? strdup(in->log) : NULL;
	r->l7 = in->l7 ? strdup(in->l7) : NULL;
	return (in->log && *in->log && !r->log) || (in->l7 && !r->l7) ? -ENOMEM : 0;
}

static int peers_from(struct ebn_rule *r, const struct ebpfnet_policy_rule *in, const char *what,
		      struct ebpfnet_diag *diag)
{
	int err = 0;

	r->everybody = !in->n_peers;
	r->peers = ebn_calloc(in->n_peers, sizeof(*r->peers));
	if (!r->peers)
		return -ENOMEM;
	for (size_t i = 0; !err && i < in->n_peers; i++) {
		err = ebn_peer_from(&in->peers[i], what, diag, &r->peers[r->n_peers++]);
		r->everybody |= ebn_peer_is_all(&r->peers[i]);
	}
	return err;
}

static int rule_from(struct ebn_rule *r, const struct ebpfnet_policy_rule *given, const struct ebn_rulebook *b,
		     size_t number, struct ebpfnet_diag *diag)
{
	struct ebpfnet_policy_rule in = { 0 };
	char what[EBPFNET_POLICY_RULE_NAME_MAX];
	const char *wrong;
	int err;

	snprintf(what, sizeof(what), "%s#%zu", b->name, number);
	if (!EBN_OPTS_VALID(given, ebpfnet_policy_rule))
		return ebn_diag(diag, NULL, EINVAL, "%s: rule of an unknown form", what);
	memcpy(&in, given, given->sz < sizeof(in) ? given->sz : sizeof(in));
	wrong = rule_wrong(&in, b->tier);
	if (wrong)
		return ebn_diag(diag, NULL, EINVAL, "%s: %s", what, wrong);
	if (in.n_peers > EBN_RULE_PEERS_MAX || in.n_ports > EBN_RULE_PORTS_MAX)
		return ebn_diag(diag, NULL, E2BIG, "%s: more than %u peers or ports", what, EBN_RULE_PEERS_MAX);
	r->direction = (uint8_t)in.direction;
	r->action = (uint8_t)in.action;
	r->proxy_port = in.proxy_port;
	err = texts_from(r, &in, what, diag);
	if (!err)
		err = peers_from(r, &in, what, diag);
	if (err < 0)
		return err;
	err = ports_from(r, in.ports, in.n_ports);
	return err == -EINVAL ? ebn_diag(diag, NULL, EINVAL, "%s: not a range of ports", what) : err;
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

static const char *opts_wrong(const struct ebpfnet_policy_opts *o)
{
	bool normal = o->tier == EBPFNET_TIER_NORMAL;

	if ((unsigned int)o->tier > EBPFNET_TIER_BASELINE)
		return "tier is not one";
	if (o->priority > (normal ? 0 : EBPFNET_POLICY_PRIORITY_MAX))
		return "priority is out of range, or the tier has none";
	if (!normal && (o->default_deny_egress || o->default_deny_ingress))
		return "only the normal tier denies by default";
	return o->reserved ? "policy of an unknown form" : NULL;
}

static struct ebn_rulebook *book_from(const struct ebpfnet_policy_opts *o, size_t n_rules)
{
	struct ebn_rulebook *b = ebn_calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->refs = 1;
	b->default_deny[EBPFNET_EGRESS] = o->default_deny_egress != 0;
	b->default_deny[EBPFNET_INGRESS] = o->default_deny_ingress != 0;
	b->audit = o->audit != 0;
	b->tier = (uint8_t)o->tier;
	b->priority = (uint16_t)o->priority;
	b->name = strdup(o->name);
	b->rules = ebn_calloc(n_rules, sizeof(*b->rules));
	if (!b->name || !b->rules) {
		ebn_rulebook_unref(b);
		return NULL;
	}
	return b;
}

int ebn_rulebook_new(const struct ebpfnet_policy_opts *opts, const struct ebpfnet_policy_rule *rules, size_t n_rules,
		     struct ebn_rulebook **ret)
{
	size_t stride = n_rules ? rules->sz : 0;
	struct ebpfnet_policy_opts o = { 0 };
	const char *wrong;
	struct ebn_rulebook *b;
	int err;

	memcpy(&o, opts, opts->sz < sizeof(o) ? opts->sz : sizeof(o));
	err = name_check(o.name, o.diag);
	if (err < 0)
		return err;
	wrong = opts_wrong(&o);
	if (wrong)
		return ebn_diag(o.diag, NULL, EINVAL, "%s: %s", o.name, wrong);
	if (n_rules > EBN_POLICY_RULES_MAX)
		return ebn_diag(o.diag, NULL, E2BIG, "%s: more than %u rules", o.name, EBN_POLICY_RULES_MAX);
	if (n_rules && stride % sizeof(size_t))
		return ebn_diag(o.diag, NULL, EINVAL, "%s#1: rule of an unknown form", o.name);
	b = book_from(&o, n_rules);
	if (!b)
		return -ENOMEM;
	err = ebpfnet_selector_parse(o.subject ? o.subject : "", o.diag, &b->subject);
	for (size_t i = 0; !err && i < n_rules; i++)
		err = rule_from(&b->rules[b->n_rules++], (const void *)((const char *)rules + i * stride), b, i + 1,
				o.diag);
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
	ebn_set_groups_clear(set);
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
