// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The nat table as iptables-save(8) prints it: from PREROUTING and OUTPUT along the chains that rules lead to, until one ends in
 * DNAT. What the rules on the way match, address, protocol and port, is the frontend; how often each of several is taken
 * (-m statistic) its share. kube-proxy's chains are nothing else, so they need no knowledge of their names; its comments name
 * the service.
 */
#include "import.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 96
#define STEPS_MAX 4000000u

struct rule {
	size_t line;
	char *chain;
	char *word[WORDS];
	unsigned int n;
	bool said;
	bool inside;		/* of a chain's first one: it is being followed */
	char leads;		/* of a chain's first one: 'y' there is DNAT somewhere below, 'n' there is not, 0 not known yet */
};

struct table {
	struct import *im;
	struct rule *rule;	/* in the order of chains, and of lines within each */
	size_t n, cap;
	char *text;
	unsigned int from;	/* the chain it begins with */
	size_t steps;		/* rules that were looked at */
};

/* What rules on the way here say of the packet. */
struct match {
	char addr[50];
	const char *protocol;
	uint16_t port, port_last;
	bool local;		/* to an address of the node */
	uint32_t affinity;
	double share;
	char comment[IMPORT_NAME_MAX];
};

/* ---- lines */

/* Words at blanks; "..." is one, with \" in it. -E2BIG: too many, -EINVAL: a quote that does not end. */
static int split(char *p, struct rule *r)
{
	char *to;

	for (;;) {
		p += strspn(p, " \t\r");
		if (!*p)
			return 0;
		if (r->n == WORDS)
			return -E2BIG;
		r->word[r->n++] = to = p;
		if (*p != '"') {
			p += strcspn(p, " \t\r");
			if (*p)
				*p++ = '\0';
			continue;
		}
		for (p++; *p && *p != '"'; *to++ = *p++)
			if (*p == '\\' && p[1])
				p++;
		if (!*p)
			return -EINVAL;
		p++;
		*to = '\0';
	}
}

static int add_rule(struct table *t, size_t line, char *text)
{
	struct rule *more;
	int err;

	if (t->n == IMPORT_RULES_MAX)
		return -E2BIG;
	if (t->n == t->cap) {
		more = reallocarray(t->rule, t->cap ? t->cap * 2 : 64, sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->cap = t->cap ? t->cap * 2 : 64;
		t->rule = more;
	}
	more = &t->rule[t->n];
	memset(more, 0, sizeof(*more));
	more->line = line;
	err = split(text, more);
	if (err || more->n < 2)
		return err ? err : -EINVAL;
	more->chain = more->word[1];
	t->n++;
	return 0;
}

/* Rules of the table "nat". The words stay in text. */
static int read_lines(struct table *t, size_t *ret_line)
{
	bool nat = false, any = false;
	char *p = t->text, *end;
	int err = 0;

	for (*ret_line = 1; *p && !err; p = end, ++*ret_line) {
		end = p + strcspn(p, "\n");
		if (end - p > IMPORT_LINE_MAX)
			return -E2BIG;
		if (*end)
			*end++ = '\0';
		p += strspn(p, " \t\r");
		if (*p == '*') {
			nat = !strncmp(p, "*nat", 4) && !p[4 + strspn(p + 4, " \t\r")];
			any = true;
		} else if (*p == '[') {
			/* counters: [packets:bytes] -A ... */
			p += strcspn(p, "]");
			p += *p == ']';
			p += strspn(p, " \t");
		}
		if (!strncmp(p, "-A ", 3)) {
			if (!any)
				return -EINVAL;
			err = nat ? add_rule(t, *ret_line, p) : 0;
		} else if (*p && !strchr("*:#", *p) && strncmp(p, "COMMIT", 6)) {
			return -EINVAL;
		}
	}
	return err ? (--*ret_line, err) : any ? 0 : -EINVAL;
}

static int by_chain(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;
	int order = strcmp(x->chain, y->chain);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* The first rule of a chain, t->n: it has none. */
static size_t chain_find(const struct table *t, const char *name)
{
	size_t low = 0, high = t->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(t->rule[mid].chain, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n && !strcmp(t->rule[low].chain, name) ? low : t->n;
}

/* ---- one rule */

struct reading {
	struct match m;		/* what was so before, and this rule's */
	const char *target, *to;
	const char *unknown, *value;	/* an option that is not understood */
	const char *comment;
	double part;		/* of what comes here; 1: all of it */
	bool own;		/* it names an address or a port itself */
	bool affinity;		/* it is about clients that were here before */
};

static bool number(const char *text, unsigned long most, unsigned long *ret)
{
	char *end = NULL;

	if (*text < '0' || *text > '9')
		return false;
	*ret = strtoul(text, &end, 10);
	return !*end && *ret <= most;
}

/* ADDRESS[/LENGTH], without the length of a whole address. */
static bool address(const char *text, char ret[50])
{
	uint8_t b[16];
	char addr[46];
	size_t len = strcspn(text, "/");
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	unsigned long bits = family == AF_INET ? 32 : 128, whole = bits;

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (inet_pton(family, addr, b) != 1 || (text[len] && !number(text + len + 1, whole, &bits)))
		return false;
	inet_ntop(family, b, addr, sizeof(addr));
	if (bits == whole)
		snprintf(ret, 50, "%s", addr);
	else
		snprintf(ret, 50, "%s/%lu", addr, bits);
	return true;
}

/* PORT or FIRST:LAST */
static bool ports(const char *text, struct match *m)
{
	char first[8], *colon = strchr(text, ':');
	unsigned long a, b = 0;

	if (colon && (size_t)(colon - text) >= sizeof(first))
		return false;
	snprintf(first, sizeof(first), "%.*s", colon ? (int)(colon - text) : 7, text);
	if (!number(first, 65535, &a) || (colon && (!number(colon + 1, 65535, &b) || b < a)) || !a)
		return false;
	m->port = (uint16_t)a;
	m->port_last = (uint16_t)b;
	return true;
}

/* Names and words that go into YAML as they are. */
static bool plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
			return false;
	return true;
}

static const char *protocol_of(const char *text)
{
	static const char *const names[][2] = { { "tcp", "6" }, { "udp", "17" }, { "sctp", "132" } };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i][0]) || !strcmp(text, names[i][1]))
			return names[i][0];
	return NULL;
}

/* An option and its value; false: not understood. */
static bool option(struct reading *r, const char *name, const char *value, unsigned int *used)
{
	static const char *const modules[] = { "comment", "tcp", "udp", "sctp", "statistic", "recent", "addrtype", NULL };
	static const char *const ignored[] = { "--name", "--mask", "--packet", NULL };
	static const char *const flags[] = { "--rcheck", "--update", "--set", "--reap", "--rsource", "--random",
					     "--persistent", "--random-fully", NULL };
	unsigned long n;
	unsigned int i;

	*used = 1;
	for (i = 0; flags[i]; i++)
		if (!strcmp(name, flags[i])) {
			r->affinity |= i < 2;
			return true;
		}
	if (!value)
		return false;
	*used = 2;
	for (i = 0; ignored[i]; i++)
		if (!strcmp(name, ignored[i]))
			return true;
	if (!strcmp(name, "-m")) {
		for (i = 0; modules[i] && strcmp(value, modules[i]); i++)
			;
		return modules[i];
	}
	if (!strcmp(name, "-d")) {
		r->own = true;
		return address(value, r->m.addr);
	}
	if (!strcmp(name, "-p")) {
		r->m.protocol = protocol_of(value);
		return r->m.protocol;
	}
	if (!strcmp(name, "--dport")) {
		r->own = true;
		return ports(value, &r->m);
	}
	if (!strcmp(name, "--dst-type")) {
		r->m.local = !strcmp(value, "LOCAL");
		return r->m.local;
	}
	if (!strcmp(name, "--comment"))
		return (r->comment = value);
	if (!strcmp(name, "--mode"))
		return !strcmp(value, "random") || !strcmp(value, "nth");
	if (!strcmp(name, "--probability")) {
		r->part = strtod(value, NULL);
		return r->part > 0 && r->part <= 1;
	}
	if (!strcmp(name, "--every")) {
		if (!number(value, 1000000, &n) || !n)
			return false;
		r->part = 1.0 / (double)n;
		return true;
	}
	if (!strcmp(name, "--seconds"))
		return number(value, 604800, &n) && (r->m.affinity = (uint32_t)n);
	if (!strcmp(name, "-j") || !strcmp(name, "-g"))
		return (r->target = value);
	if (!strcmp(name, "--to-destination"))
		return (r->to = value);
	return false;
}

static bool is_loopback(const char *value)
{
	return !strcmp(value, "127.0.0.0/8") || !strcmp(value, "::1/128");
}

static struct reading read_rule(const struct rule *rule, const struct match *m)
{
	struct reading r = { .m = *m, .part = 1 };
	unsigned int i = 2, used;

	for (; i < rule->n; i += used) {
		const char *value = i + 1 < rule->n ? rule->word[i + 1] : NULL;

		if (!strcmp(rule->word[i], "!") && i + 2 < rule->n) {
			/* node ports are not at loopback addresses there; here they are as well */
			used = 3;
			if (!strcmp(value, "-d") && is_loopback(rule->word[i + 2]))
				continue;
			if (r.unknown)
				continue;
			r.unknown = "!";
			r.value = value;
			continue;
		}
		if (!option(&r, rule->word[i], value, &used) && !r.unknown) {
			r.unknown = rule->word[i];
			r.value = used > 1 ? value : NULL;
		}
	}
	/* who names the address or the port says whose it is */
	if (r.own)
		snprintf(r.m.comment, sizeof(r.m.comment), "%s", r.comment && plain(r.comment) ? r.comment : "");
	return r;
}

/* "A:P", "[A]:P", "A"; false: a range, or no address. */
static bool destination(const char *text, struct import_backend *ret)
{
	const char *end = *text == '[' ? strchr(text, ']') : strrchr(text, ':');
	unsigned long port = 0;
	char addr[50], parsed[50];

	if (*text == '[' && !end)
		return false;
	if (*text != '[' && end && strchr(text, ':') != end)
		end = NULL;
	snprintf(addr, sizeof(addr), "%.*s", end ? (int)(end - text - (*text == '[')) : 49, text + (*text == '['));
	if (end && *end == ']')
		end = end[1] == ':' ? end + 1 : end[1] ? "?" : NULL;
	if (strchr(addr, '/') || !address(addr, parsed))
		return false;
	if (end && (*end != ':' || !number(end + 1, 65535, &port) || !port))
		return false;
	snprintf(ret->addr, sizeof(ret->addr), "%.45s", parsed);
	ret->port = (uint16_t)port;
	return true;
}

/* ---- the way along the chains */

static int left(struct table *t, struct rule *rule, const char *why, const char *what)
{
	if (rule->said)
		return 0;
	rule->said = true;
	return import_left(t->im, rule->line, "%s%s", why, what);
}

static int taken(struct table *t, struct rule *rule, const struct import_service *s)
{
	if (rule->said)
		return 0;
	rule->said = true;
	return import_taken(t->im, rule->line, s);
}

/* "namespace/name:port cluster IP": the first word is its name. */
static void name_of(const struct match *m, struct import_service *s)
{
	size_t len = strcspn(m->comment, " ");

	s->kind = m->local && !*m->addr ? "node-port" : strstr(m->comment, "loadbalancer IP") ? "load-balancer" :
		  strstr(m->comment, "external IP") ? "external-ip" : "cluster-ip";
	if (len && len < 250 && memchr(m->comment, '/', len))
		snprintf(s->name, sizeof(s->name), "%.*s", (int)len, m->comment);
}

static int add_dnat(struct table *t, struct rule *rule, const struct reading *r, struct import_service **ret)
{
	struct import_service like = { .port = r->m.port, .port_last = r->m.port_last, .protocol = r->m.protocol,
				       .affinity = r->m.affinity, .from = t->from };
	struct import_backend b = { .line = rule->line, .share = r->m.share };
	int err;

	if (!r->to || !destination(r->to, &b))
		return left(t, rule, "no single address: ", r->to ? r->to : "none");
	if (!r->m.protocol || !r->m.port || (!*r->m.addr && !r->m.local))
		/* another way may still say more */
		return 0;
	snprintf(like.addr, sizeof(like.addr), "%s", r->m.addr);
	if (!!strchr(like.addr, ':') != !!strchr(b.addr, ':') && *like.addr)
		return left(t, rule, "of another family: ", r->to);
	name_of(&r->m, &like);
	*ret = import_frontend(t->im, &like);
	if (!*ret)
		return -ENOMEM;
	if (r->m.affinity)
		(*ret)->affinity = r->m.affinity;
	err = (*ret)->from == t->from ? import_backend(*ret, &b) : 0;
	return err ? err : taken(t, rule, *ret);
}

/* Is there DNAT behind a chain's first rule, or in what it leads to? */
static bool leads(struct table *t, size_t first, unsigned int depth)
{
	struct rule *r = &t->rule[first];
	size_t i, at;
	bool found = false;

	if (r->leads || depth == IMPORT_DEPTH_MAX)
		return r->leads != 'n';
	/* the kernel takes no chains that lead round; where a file has some, that way is none */
	r->leads = 'n';
	for (i = first; i < t->n && !found && !strcmp(t->rule[i].chain, r->chain); i++) {
		const char *target = NULL;

		for (unsigned int k = 2; k + 1 < t->rule[i].n; k++)
			if (!strcmp(t->rule[i].word[k], "-j") || !strcmp(t->rule[i].word[k], "-g"))
				target = t->rule[i].word[k + 1];
		at = target ? chain_find(t, target) : t->n;
		found = target && (!strcmp(target, "DNAT") || (at < t->n && leads(t, at, depth + 1)));
	}
	r->leads = found ? 'y' : 'n';
	return found;
}

static bool same_front(const struct match *a, const struct match *b)
{
	return !strcmp(a->addr, b->addr) && a->port == b->port && a->port_last == b->port_last &&
	       a->protocol == b->protocol;
}

/* *ret: a service that was found below, as it was before where there is none. */
static int walk(struct table *t, const char *chain, const struct match *m, unsigned int depth,
		struct import_service **ret)
{
	struct match before = *m, here = *m;
	double remains = 1;
	size_t first = chain_find(t, chain), i = first;
	int err = 0;

	if (first < t->n)
		t->rule[first].inside = true;
	for (; !err && i < t->n && !strcmp(t->rule[i].chain, chain); i++) {
		struct rule *rule = &t->rule[i];
		struct reading r = read_rule(rule, &here);
		bool dnat = r.target && !strcmp(r.target, "DNAT");
		struct import_service *found = NULL;
		size_t at = r.target && !dnat ? chain_find(t, r.target) : t->n;

		if (t->steps++ >= STEPS_MAX) {
			err = -E2BIG;
			break;
		}
		/* marks and such lead to no address: nobody misses them */
		if (!dnat && (at == t->n || !leads(t, at, depth))) {
			if (r.target && !strcmp(r.target, "REDIRECT"))
				err = left(t, rule, "to this host: ", r.target);
			continue;
		}
		if (r.affinity) {
			/* clients that were here before go on; the others' rules follow */
			here.affinity = r.m.affinity;
			if (*ret)
				err = taken(t, rule, *ret);
			continue;
		}
		if (!dnat && (depth == IMPORT_DEPTH_MAX || t->rule[at].inside)) {
			err = left(t, rule, "chains that lead round, or too deep: ", r.target);
			continue;
		}
		if (!same_front(&r.m, &before))
			remains = 1;
		before = r.m;
		r.m.share = m->share * remains * r.part;
		if (r.unknown) {
			char what[64];

			snprintf(what, sizeof(what), "%s%s%.40s", r.unknown, r.value ? " " : "", r.value ? r.value : "");
			err = left(t, rule, "not understood: ", what);
			continue;
		}
		remains *= 1 - r.part;
		err = dnat ? add_dnat(t, rule, &r, &found) : walk(t, r.target, &r.m, depth + 1, &found);
		if (!err && found && !dnat)
			err = taken(t, rule, found);
		if (found)
			*ret = found;
	}
	if (first < t->n)
		t->rule[first].inside = false;
	return err;
}

int import_iptables(struct import *im, const char *text, size_t *ret_line)
{
	static const char *const begins[] = { "PREROUTING", "OUTPUT" };
	struct table t = { .im = im, .text = strdup(text) };
	const struct match all = { .share = 1 };
	struct import_service *found;
	int err = t.text ? read_lines(&t, ret_line) : -ENOMEM;

	if (!err && t.n)
		qsort(t.rule, t.n, sizeof(*t.rule), by_chain);
	for (size_t i = 0; !err && i < 2; i++) {
		found = NULL;
		t.from = (unsigned int)i;
		err = walk(&t, begins[i], &all, 0, &found);
	}
	for (size_t i = 0; !err && i < t.n; i++) {
		struct reading r = read_rule(&t.rule[i], &all);

		if (r.target && !strcmp(r.target, "DNAT"))
			err = left(&t, &t.rule[i], "", "nothing with an address, a protocol and a port leads here");
	}
	free(t.rule);
	free(t.text);
	return err;
}
