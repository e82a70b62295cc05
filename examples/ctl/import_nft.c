// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * nftables' rules as "nft -j list ruleset" prints them (libnftables-json(5)): from the chains of type nat at prerouting and output
 * along jumps and verdict maps until a rule has dnat. What is matched on the way, or looked up in a map, is the frontend; numgen and
 * the hashes choose among several. kube-proxy's chains are nothing else; their names tell the service's.
 */
#include "import.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 1000000u
#define PORTS_MAX 64u

struct span {
	uint16_t first, last;	/* last 0: one */
};

/* What was matched on the way here. */
struct match {
	char addr[50];
	const char *protocol;
	struct span port[PORTS_MAX];
	unsigned int ports;
	bool local;
	double share;
	char name[IMPORT_NAME_MAX];
};

struct rules {
	struct import *im;
	json_t *all;		/* the objects */
	json_t *said;		/* where something was said about */
	json_t *chains;		/* "family table chain": its rules, in order */
	json_t *maps;		/* "family table @map" */
	json_t *inside;		/* chains that are being followed */
	json_t *leads;		/* chains that were asked whether they lead to dnat: true, false */
	unsigned int from;
	size_t steps, notes, places;
};

enum field { DADDR, PROTO, DPORT, OTHER };

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* ---- what became of what */

static int say(struct rules *r, const char *where, const struct import_service *s, const char *why, const char *what)
{
	int err;

	if (json_object_get(r->said, where))
		return 0;
	if (json_object_set_new(r->said, where, json_true()))
		return -ENOMEM;
	r->notes++;
	err = s ? import_taken(r->im, r->notes, s) : import_left(r->im, r->notes, "%s%s", why, what);
	if (!err)
		snprintf(r->im->note[r->im->n_notes - 1].where, sizeof(r->im->note[0].where), "%s", where);
	return err;
}

/* ---- values */

static bool plain(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	return true;
}

static bool set_addr(struct match *m, const json_t *v)
{
	const json_t *prefix = json_object_get(v, "prefix");
	const char *s = prefix ? text(prefix, "addr") : json_string_value(v);
	json_int_t len = json_integer_value(json_object_get(prefix, "len"));
	int family = s && strchr(s, ':') ? AF_INET6 : AF_INET;
	char norm[46];
	uint8_t b[16];

	if (!s || inet_pton(family, s, b) != 1 || (prefix && (len < 1 || len > (family == AF_INET ? 32 : 128))))
		return false;
	inet_ntop(family, b, norm, sizeof(norm));
	if (prefix)
		snprintf(m->addr, sizeof(m->addr), "%s/%d", norm, (int)len);
	else
		snprintf(m->addr, sizeof(m->addr), "%s", norm);
	return true;
}

static bool set_span(struct span *s, const json_t *v)
{
	const json_t *range = json_object_get(v, "range");
	json_int_t a = json_integer_value(range ? json_array_get(range, 0) : v);
	json_int_t b = json_integer_value(json_array_get(range, 1));

	if ((!range && !json_is_integer(v)) || a < 1 || a > 65535 || (range && (b < a || b > 65535)))
		return false;
	*s = (struct span){ (uint16_t)a, (uint16_t)b };
	return true;
}

static bool set_ports(struct match *m, const json_t *v)
{
	const json_t *set = json_object_get(v, "set"), *one;
	size_t i;

	m->ports = 0;
	if (!set)
		return set_span(&m->port[m->ports++], v);
	json_array_foreach(set, i, one) {
		if (m->ports == PORTS_MAX || !set_span(&m->port[m->ports], one))
			return false;
		m->ports++;
	}
	return m->ports > 0;
}

static const char *protocol_of(const char *name)
{
	static const char *const names[] = { "tcp", "udp", "sctp" };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return names[i];
	return NULL;
}

static bool set_protocol(struct match *m, const json_t *v)
{
	const char *s = json_string_value(v);

	m->protocol = s ? protocol_of(s) : NULL;
	return m->protocol;
}

/* Which part of a packet an expression is; a port of a protocol names the protocol as well. */
static enum field field_of(const json_t *e, struct match *m)
{
	const json_t *payload = json_object_get(e, "payload");
	const char *protocol = text(payload, "protocol"), *field = text(payload, "field");

	if (!strcmp(field, "daddr") && (!strcmp(protocol, "ip") || !strcmp(protocol, "ip6")))
		return DADDR;
	if (!strcmp(field, "dport")) {
		if (protocol_of(protocol))
			m->protocol = protocol_of(protocol);
		else if (strcmp(protocol, "th"))
			return OTHER;
		return DPORT;
	}
	return !strcmp(text(json_object_get(e, "meta"), "key"), "l4proto") ? PROTO : OTHER;
}

static bool set_field(struct match *m, enum field f, const json_t *v)
{
	return f == DADDR ? set_addr(m, v) : f == PROTO ? set_protocol(m, v) : f == DPORT && set_ports(m, v);
}

/* A map's key, of one field or several. */
static bool set_key(struct match *m, const json_t *key, const json_t *value)
{
	const json_t *fields = json_object_get(key, "concat"), *values, *elem = json_object_get(value, "elem"), *f;
	size_t i;

	value = elem ? json_object_get(elem, "val") : value;
	if (!fields)
		return set_field(m, field_of(key, m), value);
	values = json_object_get(value, "concat");
	if (json_array_size(values) != json_array_size(fields))
		return false;
	json_array_foreach(fields, i, f)
		if (!set_field(m, field_of(f, m), json_array_get(values, i)))
			return false;
	return true;
}

/* false: the rule is not for everybody who comes here, in a way that no frontend is. */
static bool matches(struct match *m, const json_t *e)
{
	const json_t *left = json_object_get(e, "left"), *right = json_object_get(e, "right");
	const json_t *fib = json_object_get(left, "fib"), *prefix = json_object_get(right, "prefix");
	const char *op = text(e, "op"), *word = json_is_string(right) ? json_string_value(right) : "";

	/* node ports are not at loopback addresses there; here they are as well */
	if (!strcmp(op, "!=") && field_of(left, m) == DADDR &&
	    (!strcmp(text(prefix, "addr"), "127.0.0.0") || !strcmp(word, "::1")))
		return true;
	if (strcmp(op, "==") && strcmp(op, "in"))
		return false;
	if (fib && !strcmp(text(fib, "result"), "type") && !strcmp(word, "local"))
		return m->local = true;
	return set_field(m, field_of(left, m), right);
}

/* ---- the way along the chains */

static int walk(struct rules *r, const char *table, const char *chain, const struct match *m, unsigned int depth,
		struct import_service **ret);

static json_t *named(json_t *of, const char *table, const char *name)
{
	char key[512];

	return snprintf(key, sizeof(key), "%s %s", table, name) < (int)sizeof(key) ? json_object_get(of, key) : NULL;
}

/* "service-HASH-namespace/name/protocol/port", "external-...": whose it is. */
static void name_by_chain(struct match *m, const char *chain)
{
	char copy[IMPORT_NAME_MAX], *part[4], *save = NULL;
	const char *p = !strncmp(chain, "service-", 8) || !strncmp(chain, "external-", 9) ? strchr(chain, '-') : NULL;
	int n;

	p = p ? strchr(p + 1, '-') : NULL;
	if (!p || !plain(p) || strchr(p, ' ') || strlen(p) > 240)
		return;
	snprintf(copy, sizeof(copy), "%s", p + 1);
	part[0] = strtok_r(copy, "/", &save);
	for (n = 1; n < 4; n++)
		part[n] = strtok_r(NULL, "/", &save);
	if (part[0] && part[1] && part[2])
		snprintf(m->name, sizeof(m->name), "%.100s/%.100s%s%.40s", part[0], part[1], part[3] ? ":" : "",
			 part[3] ? part[3] : "");
}

/* The chain a statement leads to; NULL: it does not. */
static const char *target_of(const json_t *e)
{
	const json_t *go = json_object_get(e, "jump");

	go = go ? go : json_object_get(e, "goto");
	return go ? text(go, "target") : NULL;
}

/* Is there dnat below? Where a verdict map leads is not asked: it is one of services, or of nothing that is marked. */
static bool leads(struct rules *r, const char *table, const char *chain)
{
	const json_t *rules = named(r->chains, table, chain), *rule, *e, *known = named(r->leads, table, chain);
	const char *target;
	bool found = false;
	char key[512];
	size_t i, k;

	if (known)
		return json_is_true(known);
	snprintf(key, sizeof(key), "%s %s", table, chain);
	/* the kernel takes no chains that lead round; where a file has some, that way is none */
	if (json_object_set_new(r->leads, key, json_false()))
		return true;
	json_array_foreach(rules, i, rule) {
		json_array_foreach(json_object_get(rule, "expr"), k, e) {
			target = target_of(e);
			found = found || json_object_get(e, "dnat") || json_object_get(e, "vmap") ||
				(target && leads(r, table, target));
		}
	}
	if (found)
		json_object_set_new(r->leads, key, json_true());
	return found;
}

/* One backend for what was matched: its services, one for each port. */
static int backend(struct rules *r, const char *where, const struct match *m, const json_t *addr, const json_t *port,
		   struct import_service **ret)
{
	struct import_service like = { .from = r->from, .kind = m->local && !*m->addr ? "node-port" : "cluster-ip" };
	struct import_backend b = { .share = m->share };
	struct match to = { .share = 0 };
	struct span p = { 0, 0 };
	struct import_service *s;
	unsigned int i;
	int err = 0;

	if (!set_addr(&to, addr) || strchr(to.addr, '/') || (port && (!set_span(&p, port) || p.last)))
		return say(r, where, NULL, "no single address", "");
	if (!m->protocol || !m->ports || (!*m->addr && !m->local))
		return say(r, where, NULL, "no address, protocol and port lead here", "");
	if (*m->addr && !!strchr(m->addr, ':') != !!strchr(to.addr, ':'))
		return say(r, where, NULL, "of another family: ", to.addr);
	snprintf(like.addr, sizeof(like.addr), "%s", m->addr);
	snprintf(like.name, sizeof(like.name), "%s", m->name);
	like.protocol = m->protocol;
	snprintf(b.addr, sizeof(b.addr), "%.45s", to.addr);
	b.port = p.first;
	for (i = 0; !err && i < m->ports; i++) {
		like.port = m->port[i].first;
		like.port_last = m->port[i].last;
		s = import_frontend(r->im, &like);
		if (!s)
			return -ENOMEM;
		/* each is another place among the rules */
		b.line = ++r->places;
		err = s->from == r->from ? import_backend(s, &b) : 0;
		*ret = s;
	}
	return err ? err : say(r, where, *ret, "", "");
}

static int destination(struct rules *r, const char *where, const struct match *m, const json_t *to, const json_t *port,
		       struct import_service **ret)
{
	const json_t *both = json_object_get(to, "concat");

	return both ? backend(r, where, m, json_array_get(both, 0), json_array_get(both, 1), ret) :
		      backend(r, where, m, to, port, ret);
}

/* How much of a choice among so many numbers a value's are: one, or from a to b. */
static double share_of(const json_t *choice, const json_t *v)
{
	const json_t *range = json_object_get(v, "range");
	json_int_t mod = json_integer_value(json_object_get(choice, "mod"));
	json_int_t a = json_integer_value(json_array_get(range, 0)), b = json_integer_value(json_array_get(range, 1));

	if (mod < 1 || a < 0 || b < a || b >= mod)
		return mod < 1 ? 1 : 1 / (double)mod;
	return (double)(b - a + 1) / (double)mod;
}

/* A map, and what is done with each of its values: NULL of a verdict map, else the dnat statement. */
static int map(struct rules *r, const char *table, const char *where, const struct match *m, const json_t *key,
	       const json_t *data, const json_t *dnat, unsigned int depth, struct import_service **ret)
{
	const json_t *choice = json_object_get(key, "numgen"), *set = json_object_get(data, "set"), *pair;
	char at[200], *name;
	int err = 0;
	size_t i;

	choice = choice ? choice : json_object_get(key, "jhash");
	choice = choice ? choice : json_object_get(key, "symhash");
	if (!set && json_is_string(data))
		set = json_object_get(named(r->maps, table, json_string_value(data)), "elem");
	if (!json_is_array(set))
		return say(r, where, NULL, "a map that is not there", "");
	json_array_foreach(set, i, pair) {
		const json_t *k = json_array_get(pair, 0), *v = json_array_get(pair, 1);
		struct match here = *m;
		struct import_service *found = NULL;

		if (r->steps++ > STEPS_MAX)
			return -E2BIG;
		snprintf(at, sizeof(at), "%s", where);
		if (choice) {
			here.share *= share_of(choice, k);
		} else {
			name = json_dumps(k, JSON_ENCODE_ANY | JSON_COMPACT);
			if (!name)
				return -ENOMEM;
			snprintf(at, sizeof(at), "%.120s %.70s", where, name);
			free(name);
			if (!set_key(&here, key, k)) {
				err = say(r, at, NULL, "not understood", "");
				if (err)
					return err;
				continue;
			}
		}
		if (dnat)
			err = destination(r, at, &here, v, json_object_get(dnat, "port"), &found);
		else if (target_of(v))
			err = walk(r, table, target_of(v), &here, depth + 1, &found);
		if (!err && found)
			err = say(r, at, found, "", "");
		if (err)
			return err;
		if (found)
			*ret = found;
	}
	return !err && *ret ? say(r, where, *ret, "", "") : err;
}

static int statement(struct rules *r, const char *table, const char *where, const struct match *m, const json_t *e,
		     unsigned int depth, struct import_service **ret)
{
	const json_t *dnat = json_object_get(e, "dnat"), *to = json_object_get(dnat, "addr");
	const json_t *by = dnat ? json_object_get(to, "map") : json_object_get(e, "vmap");
	int err;

	if (by)
		return map(r, table, where, m, json_object_get(by, "key"), json_object_get(by, "data"), dnat, depth,
			   ret);
	if (dnat)
		return destination(r, where, m, to, json_object_get(dnat, "port"), ret);
	err = walk(r, table, target_of(e), m, depth + 1, ret);
	return !err && *ret ? say(r, where, *ret, "", "") : err;
}

/* Statements that change nothing about where a packet goes. */
static bool passive(const json_t *e)
{
	static const char *const names[] = { "counter", "log", "mangle", "masquerade", "snat", "accept", "return", "drop",
					     NULL };

	for (unsigned int i = 0; names[i]; i++)
		if (json_object_get(e, names[i]))
			return true;
	return false;
}

static int run(struct rules *r, const char *table, const json_t *rule, const struct match *m, unsigned int depth,
	       struct import_service **ret)
{
	struct match here = *m;
	const char *unknown = NULL, *target;
	const json_t *e;
	char where[200];
	size_t i;
	int err = 0;

	snprintf(where, sizeof(where), "%.80s %.80s handle %d", table, text(rule, "chain"),
		 (int)json_integer_value(json_object_get(rule, "handle")));
	json_array_foreach(json_object_get(rule, "expr"), i, e) {
		const json_t *match = json_object_get(e, "match");
		bool goes = json_object_get(e, "dnat") || json_object_get(e, "vmap");

		target = target_of(e);
		goes = goes || (target && leads(r, table, target));
		if (match) {
			unknown = matches(&here, match) || unknown ? unknown : "a match";
		} else if (json_object_get(e, "redirect")) {
			err = say(r, where, NULL, "to this host: redirect", "");
		} else if (goes) {
			if (unknown)
				return say(r, where, NULL, "not understood: ", unknown);
			err = statement(r, table, where, &here, e, depth, ret);
		} else if (!target && !passive(e) && !unknown) {
			unknown = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)e));
		}
		if (err)
			return err;
	}
	return 0;
}

static int walk(struct rules *r, const char *table, const char *chain, const struct match *m, unsigned int depth,
		struct import_service **ret)
{
	const json_t *rules = named(r->chains, table, chain), *rule;
	struct match here = *m;
	char key[512];
	size_t i;
	int err = 0;

	snprintf(key, sizeof(key), "%s %s", table, chain);
	if (depth == IMPORT_DEPTH_MAX || json_object_get(r->inside, key))
		return say(r, key, NULL, "chains that lead round, or too deep", "");
	if (json_object_set_new(r->inside, key, json_true()))
		return -ENOMEM;
	name_by_chain(&here, chain);
	json_array_foreach(rules, i, rule) {
		struct import_service *found = NULL;

		err = r->steps++ > STEPS_MAX ? -E2BIG : run(r, table, rule, &here, depth, &found);
		if (err)
			break;
		if (found)
			*ret = found;
	}
	json_object_del(r->inside, key);
	return err;
}

/* ---- the list */

static int keep(json_t *in, const json_t *o, const char *prefix, json_t *value)
{
	char key[512];
	json_t *have;

	if (snprintf(key, sizeof(key), "%s %s %s%s", text(o, "family"), text(o, "table"), prefix,
		     text(o, *prefix ? "name" : json_object_get(o, "expr") ? "chain" : "name")) >= (int)sizeof(key))
		return -E2BIG;
	if (*prefix)
		return json_object_set(in, key, value) ? -ENOMEM : 0;
	have = json_object_get(in, key);
	if (!have) {
		have = json_array();
		if (json_object_set_new(in, key, have))
			return -ENOMEM;
	}
	return value && json_array_append(have, value) ? -ENOMEM : 0;
}

static int sort(struct rules *r)
{
	json_t *o, *what;
	size_t i;
	int err = 0;

	json_array_foreach(r->all, i, o) {
		what = json_object_get(o, "rule");
		if (what)
			err = keep(r->chains, what, "", what);
		what = json_object_get(o, "map");
		if (what && !err)
			err = keep(r->maps, what, "@", what);
		if (err)
			break;
	}
	return err;
}

static int from_hooks(struct rules *r, const char *hook)
{
	const struct match all = { .share = 1 };
	struct import_service *found;
	const json_t *o, *chain;
	char table[300];
	size_t i;
	int err = 0;

	json_array_foreach(r->all, i, o) {
		chain = json_object_get(o, "chain");
		if (err || !chain || strcmp(text(chain, "type"), "nat") || strcmp(text(chain, "hook"), hook))
			continue;
		snprintf(table, sizeof(table), "%.20s %.255s", text(chain, "family"), text(chain, "table"));
		found = NULL;
		err = walk(r, table, text(chain, "name"), &all, 0, &found);
	}
	return err;
}

int import_nft(struct import *im, const char *text_)
{
	json_t *root = json_loads(text_, 0, NULL);
	struct rules r = { .im = im, .all = json_object_get(root, "nftables"), .said = json_object(),
			   .chains = json_object(), .maps = json_object(), .inside = json_object(),
			   .leads = json_object() };
	int err = json_is_array(r.all) ? 0 : -EINVAL;

	if (!r.said || !r.chains || !r.maps || !r.inside || !r.leads)
		err = -ENOMEM;
	if (!err)
		err = sort(&r);
	if (!err)
		err = from_hooks(&r, "prerouting");
	r.from = 1;
	if (!err)
		err = from_hooks(&r, "output");
	json_decref(r.leads);
	json_decref(r.inside);
	json_decref(r.maps);
	json_decref(r.chains);
	json_decref(r.said);
	json_decref(root);
	return err;
}
