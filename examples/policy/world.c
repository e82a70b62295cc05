// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Policies read from files, ports, and what the policies say to each way through the inventory. */
#include "tool.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../agent/file.h"

#define FILE_MAX (64u << 20)

bool append(void *array, size_t *n, const void *element, size_t size)
{
	char *p = realloc(*(void **)array, (*n + 1) * size);

	if (!p)
		return false;
	memcpy(p + *n * size, element, size);
	memcpy(array, &p, sizeof(p));
	++*n;
	return true;
}

/* ---- policies ---- */

int policies_add(struct ebpfnet_policy_set *set, const char *path)
{
	struct ebpfnet_policy_parse_opts opts = { EBPFNET_OPTS_INIT(opts), .path = path };
	struct ebpfnet_diag_message m;
	char *text = NULL;
	size_t len = 0;
	int n = file_read(path, FILE_MAX, &text, &len);

	if (n < 0) {
		say("%s: %s", path, strerror(-n));
		return -2;
	}
	if (ebpfnet_diag_new(&opts.diag) < 0) {
		free(text);
		say("%s", strerror(ENOMEM));
		return -2;
	}
	n = ebpfnet_policy_set_parse(set, text, len, &opts);
	if (n < 0 && ebpfnet_diag_get(opts.diag, 0, &m) == 0 && m.line)
		say("%s:%u:%u: %s", path, m.line, m.column, m.text);
	else if (n < 0)
		say("%s: %s", path, ebpfnet_diag_count(opts.diag) ? m.text : strerror(-n));
	ebpfnet_diag_free(opts.diag);
	free(text);
	return n < 0 ? -1 : n;
}

static int services_add(struct ebpfnet_policy_set *set, const struct inventory *inv)
{
	for (size_t i = 0; i < inv->n_services; i++) {
		const struct service *s = &inv->services[i];
		struct ebpfnet_policy_group group = {
			EBPFNET_OPTS_INIT(group), .kind = EBPFNET_PEER_SERVICE, .name = s->name, .labels = s->labels,
			.selector = s->selector, .prefixes = (const char *const *)s->prefixes, .n_prefixes =
					s->n_prefixes,
		};
		int err = ebpfnet_policy_set_group(set, &group);

		if (err < 0)
			return say("service \"%s\": %s", s->name, strerror(-err));
	}
	return 0;
}

int policies_read(struct ebpfnet_ctx *ctx, const char *const *paths, size_t n, const struct inventory *inv,
		  struct ebpfnet_policy_set **ret)
{
	struct ebpfnet_policy_set *set;
	int err = ebpfnet_policy_set_new(ctx, &set);

	if (err < 0)
		return say("%s", strerror(-err));
	for (size_t i = 0; i < n && err >= 0; i++)
		err = policies_add(set, paths[i]);
	if (err < 0 || (inv && services_add(set, inv))) {
		ebpfnet_policy_set_free(set);
		return STATUS_TROUBLE;
	}
	*ret = set;
	return 0;
}

/* ---- ports ---- */

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "TCP", IPPROTO_TCP }, { "UDP", IPPROTO_UDP }, { "SCTP", IPPROTO_SCTP }, { "ICMP", IPPROTO_ICMP },
	{ "ICMPv6", IPPROTO_ICMPV6 },
};

bool port_read(const char *text, struct port *ret)
{
	unsigned long number;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	if (number > 65535 || (*end && *end != '/'))
		return false;
	ret->number = (uint16_t)number;
	ret->protocol = IPPROTO_TCP;
	if (!*end)
		return true;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (!strcasecmp(protocols[i].name, end + 1)) {
			ret->protocol = protocols[i].number;
			return ret->protocol > IPPROTO_ICMP && ret->protocol != IPPROTO_ICMPV6 ? true : number < 256;
		}
	}
	return false;
}

const char *protocol_name(uint8_t protocol, char buf[8])
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	snprintf(buf, 8, "%u", protocol);
	return buf;
}

void port_write(struct port port, char buf[24])
{
	char name[8];

	snprintf(buf, 24, "%u/%s", port.number, protocol_name(port.protocol, name));
}

static int by_number(const void *a, const void *b)
{
	const struct port *p = a, *q = b;

	return p->protocol != q->protocol ? p->protocol - q->protocol : p->number - q->number;
}

struct ports {
	struct port *v;
	size_t n;
};

/* Ranges up to this many ports are asked about port by port, larger ones at their ends. */
#define RANGE_ALL 16

static int mentioned(const struct ebpfnet_port_range *range, void *userdata)
{
	struct ports *all = userdata;
	struct port port = { range->protocol, range->first };
	unsigned int step = range->last - range->first;

	/* a name is asked for by the numbers it has; all ports of a protocol are no port */
	if (range->name || !(range->flags & EBPFNET_PORT_F_EXACT))
		return 0;
	for (unsigned int at = range->first; at <= range->last; at += step < RANGE_ALL ? 1 : step) {
		port.number = (uint16_t)at;
		if (!append(&all->v, &all->n, &port, sizeof(port)))
			return -ENOMEM;
	}
	return 0;
}

int ports_of(const struct options *o, const struct inventory *inv, const struct ebpfnet_policy_set *const *sets,
	     size_t n_sets, struct port **ret, size_t *ret_n)
{
	static const struct port web = { IPPROTO_TCP, 80 };
	struct ports all = { 0 };
	size_t kept = 0;
	bool ok = true;

	for (size_t i = 0; ok && i < o->n_ports; i++)
		ok = append(&all.v, &all.n, &o->ports[i], sizeof(struct port));
	for (size_t i = 0; ok && !o->n_ports && i < inv->n_ends; i++)
		for (size_t j = 0; ok && j < inv->ends[i].n_ports; j++)
			ok = append(&all.v, &all.n, &inv->ends[i].ports[j], sizeof(struct port));
	for (size_t i = 0; ok && !o->n_ports && i < n_sets; i++)
		ok = ebpfnet_policy_set_ports(sets[i], mentioned, &all) == 0;
	if (ok && !all.n)
		ok = append(&all.v, &all.n, &web, sizeof(web));
	if (!ok) {
		free(all.v);
		return say("%s", strerror(ENOMEM));
	}
	qsort(all.v, all.n, sizeof(struct port), by_number);
	for (size_t i = 0; i < all.n; i++)
		if (!i || by_number(&all.v[i], &all.v[kept - 1]))
			all.v[kept++] = all.v[i];
	*ret = all.v;
	*ret_n = kept;
	return 0;
}

/* ---- what is said ---- */

void query_of(const struct way *way, enum ebpfnet_direction direction, const char **names,
		struct ebpfnet_policy_query *ret)
{
	const struct end *subject = direction == EBPFNET_EGRESS ? way->src : way->dst;
	const struct end *peer = direction == EBPFNET_EGRESS ? way->dst : way->src;

	*ret = (struct ebpfnet_policy_query){
		EBPFNET_OPTS_INIT(*ret), .direction = direction, .protocol = way->port.protocol, .port =
				way->port.number,
		.subject = subject->labels, .peer = peer->labels,
		.peer_addr = direction == EBPFNET_EGRESS ? way->dst_addr : way->src_addr,
	};
	/* an external address is known by its name */
	if (!peer->labels) {
		*names = peer->name;
		ret->peer_names = names;
		ret->n_peer_names = 1;
	}
}

int judge(const struct ebpfnet_policy_set *set, const struct way *way, struct judgement *ret)
{
	struct ebpfnet_policy_answer *answers[2] = { [EBPFNET_EGRESS] = &ret->egress, [EBPFNET_INGRESS] =
			&ret->ingress };

	for (int dir = EBPFNET_EGRESS; dir <= EBPFNET_INGRESS; dir++) {
		const struct end *subject = dir == EBPFNET_EGRESS ? way->src : way->dst;
		struct ebpfnet_policy_query q;
		const char *name;
		int err;

		query_of(way, (enum ebpfnet_direction)dir, &name, &q);
		/* who is not a pod has no policy of its own */
		if (!subject->labels)
			*answers[dir] = (struct ebpfnet_policy_answer){
				.verdict = EBPFNET_VERDICT_ALLOW, .name = "default allow",
			};
		else if ((err = ebpfnet_policy_explain(set, &q, answers[dir])) < 0)
			return err;
		ret->allowed[dir] = answers[dir]->verdict != EBPFNET_VERDICT_DENY;
	}
	ret->combined = ret->allowed[EBPFNET_EGRESS] && ret->allowed[EBPFNET_INGRESS];
	ret->rule = ret->ingress.name;
	if (!ret->allowed[EBPFNET_EGRESS] || (ret->combined && !ret->ingress.rule && ret->egress.rule))
		ret->rule = ret->egress.name;
	return 0;
}

static bool alike(const struct judgement *a, const struct judgement *b)
{
	return a->egress.verdict == b->egress.verdict && a->ingress.verdict == b->ingress.verdict &&
	       !strcmp(a->egress.name, b->egress.name) && !strcmp(a->ingress.name, b->ingress.name);
}

/* An address of the family, NULL for who has no addresses at all; false: it has others only. */
static bool address_of(const struct end *end, int family, const struct ebpfnet_addr **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < end->n_addrs && !*ret; i++)
		if (ebpfnet_addr_family(&end->addrs[i]) == family)
			*ret = &end->addrs[i];
	return *ret || !end->n_addrs;
}

static int one_way(struct way *way, const struct ebpfnet_policy_set *old, const struct ebpfnet_policy_set *set,
		way_fn fn,
		   void *userdata)
{
	static const char *const names[] = { "IPv4", "IPv6" };
	struct judgement is[2], was[2];
	struct way ways[2];
	int family[2], n = 0, err = 0;
	bool same;

	for (int f = 0; f < 2; f++) {
		const struct ebpfnet_addr *src, *dst;

		if (!address_of(way->src, f ? 6 : 4, &src) || !address_of(way->dst, f ? 6 : 4, &dst) ||
		    way->port.protocol == (f ? IPPROTO_ICMP : IPPROTO_ICMPV6))
			continue;
		ways[n] = *way;
		ways[n].src_addr = src;
		ways[n].dst_addr = dst;
		family[n] = f;
		err = judge(set, &ways[n], &is[n]);
		if (!err && old)
			err = judge(old, &ways[n], &was[n]);
		if (err < 0)
			return err;
		n++;
		/* nothing that could differ */
		if (!src && !dst)
			break;
	}
	same = n == 2 && alike(&is[0], &is[1]) && (!old || alike(&was[0], &was[1]));
	for (int i = 0; !err && i < (same ? 1 : n); i++)
		err = fn(&ways[i], old ? &was[i] : NULL, &is[i], n == 2 && !same ? names[family[i]] : NULL, userdata);
	return err;
}

int ways_foreach(const struct inventory *inv, const struct port *ports, size_t n_ports,
		 const struct ebpfnet_policy_set *old, const struct ebpfnet_policy_set *set, way_fn fn, void *userdata)
{
	int err = 0;

	for (size_t s = 0; s < inv->n_ends; s++) {
		for (size_t d = 0; d < inv->n_ends; d++) {
			struct way way = { .src = &inv->ends[s], .dst = &inv->ends[d] };

			if (s == d || (!way.src->labels && !way.dst->labels))
				continue;
			for (size_t p = 0; !err && p < n_ports; p++) {
				way.port = ports[p];
				err = one_way(&way, old, set, fn, userdata);
			}
		}
	}
	return err;
}
