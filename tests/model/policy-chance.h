/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Worlds by chance, and as text and calls that the library takes. */
#ifndef POLICY_CHANCE_H
#define POLICY_CHANCE_H

#include "policy-world.h"

/* ---- text of the test's notes ---- */

static void labels_text(const uint8_t *label, char *buf, size_t size)
{
	char *p = buf;

	*p = '\0';
	for (unsigned int k = 0; k < KEYS; k++)
		if (label[k])
			p = test_put(p, buf + size, "k%u=v%u,", k, label[k]);
	if (label[KEYS])
		p = test_put(p, buf + size, "port:http/tcp=%u,", http_ports[label[KEYS]]);
	if (p > buf)
		p[-1] = '\0';
}

static struct ebpfnet_labels *labels_of(const uint8_t *label)
{
	struct ebpfnet_labels *l = NULL;
	char text[128];

	labels_text(label, text, sizeof(text));
	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	return l;
}

static void sel_text(const struct sel *s, char *buf, size_t size)
{
	char *p = buf;

	*p = '\0';
	for (unsigned int i = 0; i < s->n; i++) {
		const char *comma = i ? "," : "";

		switch (s->r[i].op) {
		case EXISTS:
			p = test_put(p, buf + size, "%sk%u", comma, s->r[i].key);
			break;
		case ABSENT:
			p = test_put(p, buf + size, "%s!k%u", comma, s->r[i].key);
			break;
		case IS:
			p = test_put(p, buf + size, "%sk%u=v%u", comma, s->r[i].key, s->r[i].value);
			break;
		default:
			p = test_put(p, buf + size, "%sk%u!=v%u", comma, s->r[i].key, s->r[i].value);
			break;
		}
	}
}

static void net_text(const struct net *n, char *buf, size_t size)
{
	if (n->v6)
		snprintf(buf, size, "2001:db8::%x/%u", n->value, 120 + n->len);
	else
		snprintf(buf, size, "192.0.2.%u/%u", n->value, 24 + n->len);
}

static void set_groups(struct world *w, struct ebpfnet_policy_set *set)
{
	for (unsigned int i = 0; i < GROUPS; i++) {
		char net[2][24], sel[128], name[8];
		const char *const nets[] = { net[0], net[1] };
		struct ebpfnet_policy_group g = {
			EBPFNET_OPTS_INIT(g), .name = name,
			.kind = i < 2 ? EBPFNET_PEER_CIDR_GROUP : EBPFNET_PEER_SERVICE,
			.labels = i % 2 ? "odd" : "even", .prefixes = nets, .n_prefixes = w->grp[i].n,
			.selector = i < 2 ? NULL : sel,
		};

		snprintf(name, sizeof(name), "g%u", i);
		sel_text(&w->grp[i].sel, sel, sizeof(sel));
		for (unsigned int k = 0; k < w->grp[i].n; k++)
			net_text(&w->grp[i].net[k], net[k], sizeof(net[k]));
		ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), 0);
	}
}

/* The public form of a peer; text and but are its room. */
static void public_peer(const struct peer *p, char text[128], char but[24], const char **except,
			struct ebpfnet_policy_peer *ret)
{
	*ret = (struct ebpfnet_policy_peer){ .kind = p->kind, .text = text, .except = except, .n_except = p->has_but,
					     .flags = p->ends ? EBPFNET_PEER_F_ENDPOINTS : 0 };
	*except = but;
	net_text(&p->but, but, 24);
	switch (p->kind) {
	case EBPFNET_PEER_SELECTOR:
		sel_text(&p->sel, text, 128);
		break;
	case EBPFNET_PEER_ENTITY:
		snprintf(text, 128, "world-ipv4");
		break;
	case EBPFNET_PEER_CIDR:
		net_text(&p->net, text, 128);
		break;
	case EBPFNET_PEER_FQDN:
		snprintf(text, 128, "%s", patterns[p->number]);
		break;
	default:
		/* one of them by its labels, which no other of its kind has */
		if (p->number == 1)
			ret->flags |= EBPFNET_PEER_F_LABELS;
		snprintf(text, 128, p->number == 1 ? "odd" : "g%u", p->number);
	}
}

static struct ebpfnet_policy_set *set_of(struct world *w, const struct policy *pol)
{
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_int_eq(ebpfnet_policy_set_new(w->a.ctx, &set), 0);
	set_groups(w, set);
	for (unsigned int o = 0; o < POLICIES; o++) {
		const struct policy *p = &pol[w->order[o]];
		struct ebpfnet_policy_rule rule[RULES];
		char name[16], subject[128], peer[RULES][2][128], but[RULES][2][24];
		const char *except[RULES][2];
		struct ebpfnet_policy_peer peers[RULES][2];
		struct ebpfnet_policy_opts opts = {
			EBPFNET_OPTS_INIT(opts), .name = name, .subject = subject, .audit = p->audit,
			.default_deny_egress = p->deny[0], .default_deny_ingress = p->deny[1], .tier = p->tier,
			.priority = p->priority,
		};

		if (!p->used)
			continue;
		snprintf(name, sizeof(name), "p%u", w->order[o]);
		sel_text(&p->subject, subject, sizeof(subject));
		for (unsigned int i = 0; i < p->n; i++) {
			for (unsigned int k = 0; k < p->rule[i].n_peers; k++) {
				public_peer(&p->rule[i].peer[k], peer[i][k], but[i][k], &except[i][k], &peers[i][k]);
			}
			rule[i] = (struct ebpfnet_policy_rule){
				EBPFNET_OPTS_INIT(rule[i]), .direction = p->rule[i].dir,
				.action = p->rule[i].action,
				.peers = peers[i], .n_peers = p->rule[i].n_peers,
				.ports = p->rule[i].port, .n_ports = p->rule[i].n_ports,
			};
		}
		ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, rule, p->n), 0);
	}
	return set;
}

/* ---- chance ---- */

static void random_labels(struct world *w, uint8_t *label)
{
	for (unsigned int k = 0; k < KEYS; k++)
		label[k] = (uint8_t)below(w, VALUES);
	label[KEYS] = below(w, 3) ? 0 : (uint8_t)below(w, EBN_ARRAY_SIZE(http_ports));
}

static void random_sel(struct world *w, struct sel *s)
{
	s->n = below(w, REQS + 1);
	for (unsigned int i = 0; i < s->n; i++)
		s->r[i] = (struct req){ (enum op)below(w, OPS), below(w, KEYS), 1 + below(w, VALUES - 1) };
}

static void random_net(struct world *w, struct net *n, const struct net *around)
{
	n->v6 = around ? around->v6 : !below(w, 3);
	n->len = around ? around->len + below(w, 9 - around->len) : below(w, 9);
	n->value = (uint8_t)(around ? around->value | below(w, 256) >> around->len : below(w, 256));
	if (below(w, 2))
		n->value &= 0x0f;
	if (around)
		n->value |= around->value;
	n->value &= (uint8_t)(0xff00 >> n->len);
}

static void random_group(struct world *w, struct group *g)
{
	memset(g, 0, sizeof(*g));
	g->n = below(w, 3);
	for (unsigned int i = 0; i < g->n; i++)
		random_net(w, &g->net[i], NULL);
	g->sel.n = 1;
	g->sel.r[0] = (struct req){ IS, below(w, KEYS), 1 + below(w, VALUES - 1) };
}

static void random_peer(struct world *w, struct peer *p)
{
	memset(p, 0, sizeof(*p));
	p->kind = below(w, 2) ? EBPFNET_PEER_SELECTOR : (enum ebpfnet_peer_kind)(1 + below(w, 5));
	random_sel(w, &p->sel);
	random_net(w, &p->net, NULL);
	p->has_but = (p->kind == EBPFNET_PEER_CIDR || p->kind == EBPFNET_PEER_CIDR_GROUP) && !below(w, 3);
	random_net(w, &p->but, p->kind == EBPFNET_PEER_CIDR ? &p->net : NULL);
	p->ends = p->kind >= EBPFNET_PEER_CIDR && p->kind != EBPFNET_PEER_FQDN && below(w, 2);
	p->number = below(w, p->kind == EBPFNET_PEER_FQDN ? 4 : 2) + (p->kind == EBPFNET_PEER_SERVICE ? 2 : 0);
}

/* Rules and questions meet at ten types: from echo replies on, and around echoes of IPv6. */
static unsigned int icmp_types(uint8_t protocol)
{
	return protocol == 58 ? 120 : 0;
}

static inline uint16_t random_icmp(struct world *w, uint8_t protocol)
{
	return (uint16_t)((icmp_types(protocol) + below(w, 10)) << 8 | below(w, 4));
}

static void random_ports(struct world *w, struct ebpfnet_port_range *p)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 132, 1, 58, 47, 0 };
	static const uint16_t edges[] = { 1, 22, 79, 80, 81, 443, 8080, 32768, 65534, 65535 };
	unsigned int a = below(w, 10), b = below(w, 10);

	memset(p, 0, sizeof(*p));
	if (!below(w, 6)) {
		p->protocol = 6;
		p->name = "http";
		return;
	}
	p->protocol = protos[below(w, sizeof(protos))];
	if (p->protocol == 1 || p->protocol == 58) {
		p->first = (uint16_t)(icmp_types(p->protocol) + below(w, 9));
		p->last = (uint16_t)(p->first + below(w, 2));
		if (!below(w, 3)) {
			p->flags = EBPFNET_PORT_F_CODE;
			p->last = p->first;
			p->code = (uint8_t)below(w, 3);
		}
	} else if (p->protocol != 47) {
		if (below(w, p->protocol ? 4 : 2)) {
			p->first = edges[a < b ? a : b];
			p->last = edges[below(w, 2) ? (a < b ? b : a) : (a < b ? a : b)];
		}
	}
}

static void random_policy(struct world *w, struct policy *p)
{
	static const enum ebpfnet_verdict actions[] = {
		EBPFNET_VERDICT_DENY, EBPFNET_VERDICT_DENY, EBPFNET_VERDICT_ALLOW, EBPFNET_VERDICT_ALLOW,
		EBPFNET_VERDICT_ALLOW, EBPFNET_VERDICT_REDIRECT, EBPFNET_VERDICT_AUTH, EBPFNET_VERDICT_PASS,
	};

	memset(p, 0, sizeof(*p));
	p->used = true;
	p->audit = !below(w, 5);
	p->tier = below(w, 2) ? EBPFNET_TIER_NORMAL : below(w, 2) ? EBPFNET_TIER_ADMIN : EBPFNET_TIER_BASELINE;
	if (p->tier == EBPFNET_TIER_NORMAL) {
		p->deny[0] = below(w, 2);
		p->deny[1] = below(w, 2);
	} else {
		p->priority = below(w, 3);
	}
	random_sel(w, &p->subject);
	p->n = below(w, RULES + 1);
	for (unsigned int i = 0; i < p->n; i++) {
		struct rule *r = &p->rule[i];

		r->action = actions[below(w, p->tier == EBPFNET_TIER_NORMAL ? 7 : 8)];
		r->dir = below(w, 2) ? EBPFNET_INGRESS : EBPFNET_EGRESS;
		r->n_peers = below(w, 3);
		r->n_ports = below(w, PORTS + 1);
		for (unsigned int k = 0; k < r->n_peers; k++)
			random_peer(w, &r->peer[k]);
		for (unsigned int k = 0; k < r->n_ports; k++)
			random_ports(w, &r->port[k]);
	}
}

#endif
