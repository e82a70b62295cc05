// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <netinet/in.h>

#include "identity/internal.h"
#include "observe/internal.h"

#define TERMS_MAX 64
#define TEXT_LEN_MAX 4096

struct term {
	uint8_t key;
	bool negate;
	bool is_addr;
	uint32_t number;
	struct ebpfnet_addr addr;
	char *text;
	struct ebpfnet_selector *selector;
};

struct ebpfnet_flow_filter {
	unsigned int n;
	struct term terms[];
};

struct word {
	const char *name;
	uint32_t number;
};

static const struct word verdicts[] = {
	{ "deny", EBN_V_DENY }, { "allow", EBN_V_ALLOW }, { "redirect", EBN_V_REDIRECT },
	{ "audit", EBN_V_AUDIT }, { "auth", EBN_V_AUTH }, { NULL, 0 },
};
static const struct word types[] = {
	{ "verdict", EBPFNET_EVENT_VERDICT }, { "drop", EBPFNET_EVENT_DROP }, { "close", EBPFNET_EVENT_CLOSE },
	{ "seen", EBPFNET_EVENT_SEEN }, { NULL, 0 },
};
/* Both families' ICMP. */
#define PROTO_ICMP_ANY 256
static const struct word protocols[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP }, { "icmp", PROTO_ICMP_ANY },
	{ "icmpv4", IPPROTO_ICMP }, { "icmpv6", IPPROTO_ICMPV6 }, { "igmp", IPPROTO_IGMP }, { "gre", IPPROTO_GRE },
	{ "esp", IPPROTO_ESP }, { "ah", IPPROTO_AH }, { "vrrp", 112 }, { NULL, 0 },
};

static bool find_word(const struct word *w, const char *text, uint32_t *ret)
{
	for (; w->name; w++)
		if (!strcasecmp(w->name, text)) {
			*ret = w->number;
			return true;
		}
	return false;
}

static bool read_number(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > max)
			return false;
	}
	*ret = (uint32_t)n;
	return true;
}

static bool find_reason(const char *text, uint32_t *ret)
{
	uint32_t i;

	for (i = 0; i < EBN_R_MAX; i++)
		if (!strcasecmp(ebpfnet_reason_name(i), text)) {
			*ret = i;
			return true;
		}
	return false;
}

enum key {
	KEY_VERDICT,
	KEY_TYPE,
	KEY_PROTO,
	KEY_IP,
	KEY_SRC,
	KEY_DST,
	KEY_PORT,
	KEY_SPORT,
	KEY_DPORT,
	KEY_ENDPOINT,
	KEY_IDENTITY,
	KEY_LABEL,
	KEY_REASON,
	KEY_RULE,
	KEY_LOG,
};

static const struct word keys[] = {
	{ "verdict", KEY_VERDICT }, { "type", KEY_TYPE }, { "proto", KEY_PROTO }, { "ip", KEY_IP }, { "src", KEY_SRC },
	{ "dst", KEY_DST }, { "port", KEY_PORT }, { "sport", KEY_SPORT }, { "dport", KEY_DPORT },
	{ "endpoint", KEY_ENDPOINT }, { "identity", KEY_IDENTITY }, { "label", KEY_LABEL }, { "reason", KEY_REASON },
	{ "rule", KEY_RULE }, { "log", KEY_LOG }, { NULL, 0 },
};

/* Sets what the term compares with. 0, -EINVAL, -E2BIG, -ENOMEM. */
static int read_value(struct term *t, const char *value, struct ebpfnet_diag *diag)
{
	bool ok = *value != '\0';

	switch ((enum key)t->key) {
	case KEY_VERDICT:
		ok = find_word(verdicts, value, &t->number);
		break;
	case KEY_TYPE:
		ok = find_word(types, value, &t->number);
		break;
	case KEY_PROTO:
		ok = find_word(protocols, value, &t->number) || read_number(value, 255, &t->number);
		break;
	case KEY_IP:
		ok = t->is_addr = !ebpfnet_addr_parse(value, &t->addr);
		break;
	case KEY_SRC:
	case KEY_DST:
		t->is_addr = !ebpfnet_addr_parse(value, &t->addr);
		break;
	case KEY_PORT:
	case KEY_SPORT:
	case KEY_DPORT:
		ok = read_number(value, UINT16_MAX, &t->number);
		break;
	case KEY_IDENTITY:
		ok = read_number(value, UINT32_MAX, &t->number);
		break;
	case KEY_LABEL:
		return ebpfnet_selector_parse(value, diag, &t->selector);
	case KEY_REASON:
		ok = find_reason(value, &t->number);
		break;
	case KEY_ENDPOINT:
	case KEY_RULE:
	case KEY_LOG:
		break;
	}
	if (!ok)
		return ebn_diag(diag, NULL, EINVAL, "not a value for %s=: '%s'", keys[t->key].name, value);
	t->text = strdup(value);
	return t->text ? 0 : -ENOMEM;
}

/* One term as words: "key=value" or "key=\"value with blanks\"", cut out of *p, which is changed. */
static int read_term(char **p, const char *start, struct term *t, struct ebpfnet_diag *diag)
{
	unsigned int column = (unsigned int)(*p - start) + 1;
	char *word = *p, *value, *end;
	uint32_t key;

	if (*word == '!') {
		t->negate = true;
		word++;
	}
	value = word + strcspn(word, "= \t\n\"");
	if (*value != '=')
		return ebn_diag_at(diag, NULL, 1, column, EINVAL, "expected key=value");
	*value++ = '\0';
	if (!find_word(keys, word, &key))
		return ebn_diag_at(diag, NULL, 1, column, EINVAL, "no such key: '%s'", word);
	t->key = (uint8_t)key;
	if (*value == '"') {
		end = strchr(++value, '"');
		if (!end)
			return ebn_diag_at(diag, NULL, 1, (unsigned int)(value - start), EINVAL,
					   "the quoted value does not end");
		*end++ = '\0';
		if (*end && !strchr(" \t\n", *end))
			return ebn_diag_at(diag, NULL, 1, (unsigned int)(end - start) + 1, EINVAL,
					   "expected a blank behind a quoted value");
	} else {
		end = value + strcspn(value, " \t\n");
		if (*end)
			*end++ = '\0';
	}
	*p = end;
	return read_value(t, value, diag);
}

int ebpfnet_flow_filter_parse(const char *text, struct ebpfnet_diag *diag, struct ebpfnet_flow_filter **ret)
{
	struct ebpfnet_flow_filter *f;
	_free_ char *copy = NULL;
	char *p;
	int rc = 0;

	if (!text || !ret)
		return -EINVAL;
	if (strlen(text) > TEXT_LEN_MAX)
		return ebn_diag(diag, NULL, E2BIG, "a filter is longer than %d bytes", TEXT_LEN_MAX);
	copy = strdup(text);
	f = ebn_calloc(1, sizeof(*f) + TERMS_MAX * sizeof(f->terms[0]));
	if (!copy || !f) {
		free(f);
		return -ENOMEM;
	}
	for (p = copy + strspn(copy, " \t\n"); *p && !rc; p += strspn(p, " \t\n")) {
		if (f->n == TERMS_MAX)
			rc = ebn_diag(diag, NULL, E2BIG, "more than %d terms in a filter", TERMS_MAX);
		else
			rc = read_term(&p, copy, &f->terms[f->n++], diag);
	}
	if (rc < 0) {
		ebpfnet_flow_filter_free(f);
		return rc;
	}
	*ret = f;
	return 0;
}

void ebpfnet_flow_filter_free(struct ebpfnet_flow_filter *filter)
{
	unsigned int i;

	for (i = 0; filter && i < filter->n; i++) {
		free(filter->terms[i].text);
		ebpfnet_selector_unref(filter->terms[i].selector);
	}
	free(filter);
}

static bool same_addr(const struct term *t, const struct ebpfnet_event *e, const struct ebpfnet_addr *addr)
{
	return e->flags & EBPFNET_EVENT_F_L3 && !memcmp(&t->addr, addr, sizeof(*addr));
}

/* An endpoint's whole name, or the part behind its namespace. */
static bool same_name(const struct term *t, const struct ebpfnet_flow_side *s)
{
	const char *slash;

	if (!s->name)
		return false;
	slash = strchr(s->name, '/');
	return !strcmp(s->name, t->text) || (slash && !strcmp(slash + 1, t->text));
}

static bool has_ports(const struct ebpfnet_event *e)
{
	return e->flags & EBPFNET_EVENT_F_L4 && e->protocol != IPPROTO_ICMP && e->protocol != IPPROTO_ICMPV6;
}

/* What became of the flow in the words of verdicts: a drop is a denial whatever policy said before. */
static uint32_t verdict_of(const struct ebpfnet_event *e)
{
	return e->type == EBPFNET_EVENT_DROP ? EBN_V_DENY : e->verdict;
}

static bool holds(const struct term *t, const struct ebpfnet_flow *f)
{
	const struct ebpfnet_event *e = &f->event;

	switch ((enum key)t->key) {
	case KEY_VERDICT:
		return ebn_event_has_verdict(e) && verdict_of(e) == t->number;
	case KEY_TYPE:
		return e->type == t->number;
	case KEY_PROTO:
		if (t->number == PROTO_ICMP_ANY)
			return e->protocol == IPPROTO_ICMP || e->protocol == IPPROTO_ICMPV6;
		return e->flags & EBPFNET_EVENT_F_L3 && e->protocol == t->number;
	case KEY_IP:
		return same_addr(t, e, &e->src) || same_addr(t, e, &e->dst);
	case KEY_SRC:
		return t->is_addr ? same_addr(t, e, &e->src) : same_name(t, &f->src);
	case KEY_DST:
		return t->is_addr ? same_addr(t, e, &e->dst) : same_name(t, &f->dst);
	case KEY_PORT:
		return has_ports(e) && (e->sport == t->number || e->dport == t->number);
	case KEY_SPORT:
		return has_ports(e) && e->sport == t->number;
	case KEY_DPORT:
		return has_ports(e) && e->dport == t->number;
	case KEY_ENDPOINT:
		return same_name(t, &f->src) || same_name(t, &f->dst);
	case KEY_IDENTITY:
		return f->src.identity == t->number || f->dst.identity == t->number;
	case KEY_LABEL:
		return ebn_selector_match_text(t->selector, f->src.labels) ||
		       ebn_selector_match_text(t->selector, f->dst.labels);
	case KEY_REASON:
		return e->reason == t->number;
	case KEY_RULE:
		return (f->egress_rule && strstr(f->egress_rule, t->text)) ||
		       (f->ingress_rule && strstr(f->ingress_rule, t->text));
	case KEY_LOG:
		return (f->egress_log && strstr(f->egress_log, t->text)) ||
		       (f->ingress_log && strstr(f->ingress_log, t->text));
	}
	return false;
}

int ebpfnet_flow_filter_match(const struct ebpfnet_flow_filter *filter, const struct ebpfnet_flow *flow)
{
	unsigned int i;

	for (i = 0; filter && i < filter->n; i++)
		if (holds(&filter->terms[i], flow) == filter->terms[i].negate)
			return 0;
	return 1;
}
