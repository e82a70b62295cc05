// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random worlds of labels, policies and questions. Three answers must agree: a reference written as plainly as it goes on the
 * test's own notes, ebpfnet_policy_explain(), and the tables read back as the programs read them. Identities, subjects and
 * policies come and go between the questions, the tables are taken over as after a restart, and now and then they are
 * compared with tables compiled anew from nothing.
 * CASES in the environment is the least number of questions.
 */
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
		p->first = (uint16_t)below(w, 9);
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

/* ---- asking ---- */

static void same(const struct world *w, const struct ebpfnet_policy_answer *want,
		 const struct ebpfnet_policy_answer *got, const char *who)
{
	if (want->verdict != got->verdict || strcmp(want->name, got->name))
		ck_abort_msg("after %lu cases: subject %u, identity %u, address %d, direction %d, protocol %u, port %u: %s says %d %s, the "
			     "reference %d %s", w->cases, w->asked.s, w->asked.i, w->asked.addr, (int)w->asked.dir, w->asked.proto,
			     w->asked.port, who, (int)got->verdict, got->name, (int)want->verdict, want->name);
}

static void random_question(struct world *w, struct question *q)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 132, 1, 58, 47, 89 };
	static const uint16_t ports[] = { 0, 1, 2, 22, 23, 79, 80, 81, 82, 443, 444, 8080, 9000, 32768, 65534, 65535 };

	q->s = below(w, SUBJECTS);
	q->addr = below(w, 3) ? -1 : (int)below(w, below(w, 2) ? 256 : 16);
	q->i = q->addr >= 0 ? IDENTITIES : below(w, IDENTITIES + 2);
	q->owned = q->addr >= 0 && w->owner[q->addr];
	if (q->owned)
		q->i = w->owner[q->addr] - 1u;
	q->dir = below(w, 2) ? EBPFNET_INGRESS : EBPFNET_EGRESS;
	q->proto = protos[below(w, sizeof(protos))];
	q->port = ports[below(w, 16)];
	if (q->proto == 1 || q->proto == 58)
		q->port = (uint16_t)(below(w, 10) << 8 | below(w, 4));
	if (q->proto == 47 || q->proto == 89)
		q->port = 0;
}

/* The world, in the reference's eyes: an identity with none of the keys. */
static const uint8_t nothing[KEYS + 1];

/* What a packet from there finds. */
static uint32_t number_at(struct world *w, int value, struct ebpfnet_addr *addr)
{
	struct ebn_prefix_value v;
	uint32_t a[4], number;
	char text[24];

	snprintf(text, sizeof(text), "192.0.2.%d", value);
	ck_assert_int_eq(ebpfnet_addr_parse(text, addr), 0);
	memcpy(a, addr->b, sizeof(a));
	if (!ebn_addr_get(w->a.rows, a, &number, NULL))
		return number;
	return ebn_prefix_lookup(w->a.rows, a, NULL, &v) ? EBN_ID_WORLD : v.identity;
}

static void ask(struct world *w, struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_answer want, got;
	struct ebpfnet_labels *sub, *peer = NULL;
	struct ebpfnet_policy_query query;
	const char *known[4];
	struct ebpfnet_addr addr;
	const uint8_t *label;
	struct question q;
	uint32_t number;

	random_question(w, &q);
	w->asked = q;
	if (!w->sub_number[q.s] || (q.i < IDENTITIES && !w->id_number[q.i]))
		return;
	/* two more peers: the world, and a number nobody has */
	label = q.i < IDENTITIES ? w->id[q.i] : q.i == IDENTITIES ? nothing : NULL;
	number = q.i < IDENTITIES ? w->id_number[q.i] : q.i == IDENTITIES ? EBN_ID_WORLD : 70000;
	if (q.addr >= 0)
		number = number_at(w, q.addr, &addr);
	reference(w, w->in_force, w->sub[q.s], label, &q, &want);
	ck_assert_int_eq(ebn_policy_lookup(w->a.policy, w->sub_number[q.s], q.dir, number, q.proto, q.port, &got), 0);
	same(w, &want, &got, "the table");
	w->cases++;
	if (!label || !set)
		return;
	sub = labels_of(w->sub[q.s]);
	if (q.i < IDENTITIES)
		peer = labels_of(label);
	query = (struct ebpfnet_policy_query){ EBPFNET_OPTS_INIT(query), .direction = q.dir, .protocol = q.proto,
					       .port = q.port, .subject = sub, .peer = peer };
	query.peer_addr = q.addr >= 0 ? &addr : NULL;
	query.peer_names = known;
	for (unsigned int i = 0; i < 4; i++)
		if (q.addr >= 0 && q.addr < 16 && w->learnt[q.addr] >> i & 1)
			known[query.n_peer_names++] = names[i];
	if (q.proto == 1 || q.proto == 58) {
		query.port = q.port >> 8;
		query.code = q.port & 255;
	}
	ck_assert_int_eq(ebpfnet_policy_explain(set, &query, &got), 0);
	same(w, &want, &got, "explain");
	ebpfnet_labels_unref(sub);
	ebpfnet_labels_unref(peer);
}

/* ---- things that happen ---- */

static void addr_of(int value, uint32_t ret[4])
{
	struct ebpfnet_addr addr;
	char text[24];

	snprintf(text, sizeof(text), "192.0.2.%d", value);
	ck_assert_int_eq(ebpfnet_addr_parse(text, &addr), 0);
	memcpy(ret, addr.b, 16);
}

/* An address gets labels, other ones, or loses them. */
static void addr_toggle(struct world *w)
{
	int value = below(w, 4) ? (int)below(w, 256) : OWN_ADDR;
	uint32_t a[4], row, i = below(w, IDENTITIES);

	addr_of(value, a);
	if (w->owner[value] && (w->unknown || below(w, 2))) {
		ck_assert_int_eq(ebn_policy_addr_del(w->a.policy, a), 0);
		w->owner[value] = 0;
	} else if (w->id_number[i] && !w->unknown) {
		row = value == OWN_ADDR ? w->row + 1 : 0;
		ck_assert_int_eq(ebn_policy_addr_set(w->a.policy, a, w->id_number[i], row), 0);
		w->owner[value] = (uint8_t)(i + 1);
	}
	if (!w->unknown)
		ck_assert_int_eq(ebn_classes_verify(w->a.policy), 0);
}

/* The tables name the labels' number of each address, and a local endpoint's row says what its address does. */
static void check_owners(const struct world *w)
{
	uint32_t a[4], number = 0, row = 0, told = 0;
	struct ebn_dir dir;
	uint64_t root;

	ck_assert_int_eq(ebn_node_read_root(w->a.mem, w->a.size, &root, &dir), 0);
	for (int i = 0; i < 256; i++) {
		addr_of(i, a);
		ck_assert_int_eq(ebn_policy_addr_get(w->a.policy, a, &told, &row), w->owner[i] ? 0 : -ENOENT);
		if (!w->owner[i])
			continue;
		ck_assert_uint_eq(told, w->id_number[w->owner[i] - 1]);
		ck_assert_int_eq(ebn_addr_get(w->a.rows, a, &number, &row), 0);
		ck_assert_uint_eq(ebn_rows_read_told(w->a.mem, w->a.size, &dir, number), told);
		ck_assert_uint_eq(row, i == OWN_ADDR ? w->row + 1 : 0);
		if (row)
			ck_assert_uint_eq(ebn_ep_row(w->a.rows, w->row)->peer4, number);
	}
}

static void id_toggle(struct world *w, unsigned int i)
{
	struct ebpfnet_labels *l;

	if (w->id_number[i]) {
		for (int k = 0; k < 256; k++) {
			uint32_t a[4];

			if (w->owner[k] != i + 1)
				continue;
			addr_of(k, a);
			ck_assert_int_eq(ebn_policy_addr_del(w->a.policy, a), 0);
			w->owner[k] = 0;
		}
		ebn_policy_identity_put(w->a.policy, w->id_number[i]);
		w->id_number[i] = 0;
		return;
	}
	/* what comes between adoption and commit matches only rules for everybody, which the reference does not know */
	if (w->unknown)
		return;
	random_labels(w, w->id[i]);
	l = labels_of(w->id[i]);
	ck_assert_int_eq(ebn_policy_identity_get(w->a.policy, l, &w->id_number[i]), 0);
	ebpfnet_labels_unref(l);
}

static void sub_toggle(struct world *w, unsigned int s)
{
	struct ebpfnet_labels *l;

	if (w->sub_number[s]) {
		ebn_policy_subject_put(w->a.policy, w->sub_number[s]);
		w->sub_number[s] = 0;
		return;
	}
	if (w->unknown)
		return;
	random_labels(w, w->sub[s]);
	l = labels_of(w->sub[s]);
	ck_assert_int_eq(ebn_policy_subject_get(w->a.policy, l, &w->sub_number[s]), 0);
	ebpfnet_labels_unref(l);
}

/* A name is learnt or forgotten. */
static void name_toggle(struct world *w)
{
	unsigned int at = below(w, 16), i = below(w, 4);
	struct ebpfnet_addr addr;

	number_at(w, (int)at, &addr);
	if (w->learnt[at] >> i & 1)
		ck_assert_int_eq(ebn_policy_forget(w->a.policy, names[i], &addr), 0);
	else
		ck_assert_int_eq(ebn_policy_learn(w->a.policy, names[i], &addr), 0);
	w->learnt[at] ^= (uint8_t)(1u << i);
	ck_assert_int_eq(ebn_classes_verify(w->a.policy), 0);
}

static void change(struct world *w)
{
	unsigned int a = below(w, POLICIES), b = below(w, POLICIES), t;

	switch (below(w, 5)) {
	case 0:
		w->pol[a].used = false;
		break;
	case 4:
		random_group(w, &w->grp[a % GROUPS]);
		break;
	case 1:
		t = w->order[a];
		w->order[a] = w->order[b];
		w->order[b] = t;
		break;
	default:
		random_policy(w, &w->pol[a]);
	}
}

static void commit(struct world *w, struct ebpfnet_policy_set **set)
{
	struct ebpfnet_policy_stats stats;
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .stats = &stats };
	uint32_t generation;

	ebpfnet_policy_set_free(*set);
	*set = set_of(w, w->pol);
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	ck_assert_int_eq(ebn_classes_verify(w->a.policy), 0);
	memcpy(w->in_force, w->pol, sizeof(w->pol));
	memcpy(w->grp_in_force, w->grp, sizeof(w->grp));
	w->unknown = false;
	/* once more changes nothing */
	generation = stats.generation;
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	ck_assert_uint_eq(stats.generation, generation);
}

/* Numbers that a port's name had with somebody who is gone are in the tables until the next commit. */
static bool names_ports(const struct world *w)
{
	for (unsigned int o = 0; o < POLICIES; o++)
		for (unsigned int i = 0; w->in_force[o].used && i < w->in_force[o].n; i++)
			for (unsigned int k = 0; k < w->in_force[o].rule[i].n_ports; k++)
				if (w->in_force[o].rule[i].port[k].name)
					return true;
	return false;
}

/* The process dies and the next one takes over. Now and then it commits what is in force already: nothing may change. */
static void restart(struct world *w, struct ebpfnet_policy_set **set)
{
	struct ebpfnet_policy_stats stats;
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .stats = &stats };
	struct ebpfnet_labels *l;
	uint32_t number;

	ck_assert_int_eq(arena_adopt(&w->a, NULL), 0);
	for (unsigned int i = 0; i < IDENTITIES; i++)
		if (w->id_number[i])
			ck_assert_int_eq(ebn_policy_identity_ref(w->a.policy, w->id_number[i]), 0);
	for (unsigned int s = 0; s < SUBJECTS; s++) {
		if (!w->sub_number[s])
			continue;
		l = labels_of(w->sub[s]);
		ck_assert_int_eq(ebn_policy_subject_get(w->a.policy, l, &number), 0);
		ck_assert_uint_eq(number, w->sub_number[s]);
		ebpfnet_labels_unref(l);
	}
	ebn_policy_sweep(w->a.policy);
	w->unknown = true;
	/* names are not kept, only what they came to: the addresses are learnt anew */
	for (unsigned int at = 0; at < 16; at++) {
		struct ebpfnet_addr addr;

		number_at(w, (int)at, &addr);
		ebn_policy_forget(w->a.policy, NULL, &addr);
		for (unsigned int i = 0; i < 4; i++)
			if (w->learnt[at] >> i & 1)
				ck_assert_int_eq(ebn_policy_learn(w->a.policy, names[i], &addr), 0);
	}
	if (below(w, 2) || !*set)
		return;
	ebn_policy_stats(w->a.policy, &stats);
	number = stats.generation;
	ck_assert_int_eq(ebn_policy_commit(w->a.policy, *set, &opts), 0);
	if (!names_ports(w))
		ck_assert_uint_eq(stats.generation, number);
	w->unknown = false;
}

/* Tables compiled from nothing for the same world say the same. */
static void compare_with_fresh(struct world *w, struct ebpfnet_policy_set *set)
{
	struct ebpfnet_policy_answer a, b;
	struct question q;
	struct arena f;
	uint32_t ids[IDENTITIES], subs[SUBJECTS];

	ck_assert_int_eq(arena_new(&f, 16 << 20), 0);
	ck_assert_int_eq(ebn_policy_commit(f.policy, set, NULL), 0);
	for (unsigned int i = 0; i < IDENTITIES; i++) {
		struct ebpfnet_labels *l = labels_of(w->id[i]);

		ck_assert_int_eq(ebn_policy_identity_get(f.policy, l, &ids[i]), 0);
		ebpfnet_labels_unref(l);
	}
	for (unsigned int s = 0; s < SUBJECTS; s++) {
		struct ebpfnet_labels *l = labels_of(w->sub[s]);

		ck_assert_int_eq(ebn_policy_subject_get(f.policy, l, &subs[s]), 0);
		ebpfnet_labels_unref(l);
	}
	for (int i = 0; i < 200; i++) {
		random_question(w, &q);
		if (q.i >= IDENTITIES || !w->id_number[q.i] || !w->sub_number[q.s])
			continue;
		ck_assert_int_eq(ebn_policy_lookup(w->a.policy, w->sub_number[q.s], q.dir, w->id_number[q.i], q.proto,
						   q.port, &a), 0);
		ck_assert_int_eq(ebn_policy_lookup(f.policy, subs[q.s], q.dir, ids[q.i], q.proto, q.port, &b), 0);
		same(w, &b, &a, "the table with a history");
		w->cases++;
	}
	arena_free(&f);
}

/* Others, before and between those asked about, so that arrays grow. */
static void crowd(struct world *w)
{
	struct ebpfnet_labels *l = NULL;
	char text[32];
	uint32_t number;

	for (unsigned int i = 0; i < 600; i++) {
		snprintf(text, sizeof(text), "x=%u,k0=v1", i);
		ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
		ck_assert_int_eq(ebn_policy_identity_get(w->a.policy, l, &number), 0);
		ebpfnet_labels_unref(l);
	}
}

static void one_world(struct world *w)
{
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_int_eq(arena_new(&w->a, 32 << 20), 0);
	for (unsigned int i = 0; i < POLICIES; i++) {
		w->order[i] = i;
		w->pol[i].used = false;
		if (below(w, 2))
			random_policy(w, &w->pol[i]);
	}
	memset(w->id_number, 0, sizeof(w->id_number));
	memset(w->sub_number, 0, sizeof(w->sub_number));
	memset(w->learnt, 0, sizeof(w->learnt));
	memset(w->owner, 0, sizeof(w->owner));
	ck_assert_int_eq(ebn_ep_row_get(w->a.rows, &w->row), 0);
	ebn_ep_row(w->a.rows, w->row)->ifindex = 7;
	ck_assert_int_eq(ebn_ep_row_publish(w->a.rows, w->row), 0);
	for (unsigned int i = 0; i < GROUPS; i++)
		random_group(w, &w->grp[i]);
	w->unknown = false;
	commit(w, &set);
	for (int step = 0; step < 60; step++) {
		if (step == 20 && !below(w, 5))
			crowd(w);
		for (unsigned int n = 1 + below(w, 3); n--;)
			id_toggle(w, below(w, IDENTITIES));
		if (below(w, 2))
			sub_toggle(w, below(w, SUBJECTS));
		if (!below(w, 3) && !w->unknown)
			name_toggle(w);
		for (unsigned int n = below(w, 4); n--;)
			addr_toggle(w);
		check_owners(w);
		if (!below(w, 3)) {
			change(w);
			commit(w, &set);
		}
		if (!below(w, 12))
			restart(w, &set);
		if (below(w, 2))
			arena_grace(&w->a);
		for (int i = 0; i < 40; i++)
			ask(w, w->unknown ? NULL : set);
	}
	if (!w->unknown)
		compare_with_fresh(w, set);
	ebpfnet_policy_set_free(set);
	arena_free(&w->a);
}

START_TEST(worlds)
{
	const char *text = getenv("CASES");
	unsigned long want = text ? strtoul(text, NULL, 0) : 20000, n = 0;
	static struct world w;

	w.seed = test_seed();
	for (; w.cases < want; n++)
		one_world(&w);
	printf("%lu questions in %lu worlds\n", w.cases, n);
}
END_TEST

RUN_SUITE("policy model", worlds)
