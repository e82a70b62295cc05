// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Random worlds and policies against real packets: the programs' verdict, their reason, and the rules that their reports name must
 * be the reference's (model/policy-world.h), for packets that leave an endpoint, that reach it from the wire and from the stack,
 * and between two endpoints of the node, whose policies are both asked. The world changes between the packets.
 * CASES in the environment is the least number of packets.
 */
#include "rig.h"
#include "../model/policy-life.h"

#define ERA 8000u	/* packets until everything is made anew */

/* One side of a packet: who it is to the other's policy. */
struct side {
	char addr[40];
	unsigned int i;		/* identity; IDENTITIES: the world */
	int in_net;		/* as in struct question */
	bool v6;
	bool owned;
};

struct state {
	struct world w;
	uint32_t row[2];
	unsigned int mine[2];	/* identities of the endpoints */
	unsigned int sub[2];	/* their subjects */
	unsigned long verdicts[8];
	unsigned long ways[4];
	uint16_t sport;
};

static const char *const endpoint_addr[2][2] = { { A4, A6 }, { B4, B6 } };

static void elsewhere(unsigned int i, bool v6, char *buf, size_t size)
{
	snprintf(buf, size, v6 ? "fd09::1:%u" : "10.9.1.%u", i + 1);
}

/* ---- the world, and what of it has addresses of its own ---- */

static void far_addresses(struct state *t, unsigned int i, bool there)
{
	uint32_t a[4];
	char text[40];

	for (int v6 = 0; v6 < 2; v6++) {
		elsewhere(i, v6, text, sizeof(text));
		packet_addr(text, a);
		if (there)
			ck_assert_int_eq(ebn_policy_addr_set(t->w.a.policy, a, t->w.id_number[i], 0), 0);
		else
			ck_assert_int_eq(ebn_policy_addr_del(t->w.a.policy, a), 0);
	}
}

static void toggle(struct state *t, unsigned int i)
{
	if (i == t->mine[0] || i == t->mine[1])
		return;
	if (t->w.id_number[i])
		far_addresses(t, i, false);
	id_toggle(&t->w, i);
	if (t->w.id_number[i])
		far_addresses(t, i, true);
}

/* An endpoint's labels become those of another identity. */
static void become(struct state *t, int e, unsigned int i)
{
	uint32_t a[4];

	if (!t->w.id_number[i])
		return;
	t->mine[e] = i;
	for (int v6 = 0; v6 < 2; v6++) {
		packet_addr(endpoint_addr[e][v6], a);
		ck_assert_int_eq(ebn_policy_addr_set(t->w.a.policy, a, t->w.id_number[i], t->row[e] + 1), 0);
	}
}

static void some_change(struct state *t, struct ebpfnet_policy_set **set)
{
	struct world *w = &t->w;

	for (unsigned int n = 1 + below(w, 4); n--;)
		toggle(t, below(w, IDENTITIES));
	sub_toggle(w, below(w, SUBJECTS));
	name_toggle(w);
	for (unsigned int n = below(w, 6); n--;)
		addr_toggle(w);
	become(t, (int)below(w, 2), below(w, IDENTITIES));
	change(w);
	commit(w, set);
	arena_grace(&w->a);
}

static void era_begin(struct state *t, struct ebpfnet_policy_set **set)
{
	static const struct rig_opts opts = { .bare = true, .sets = 64, .node_size = 32u << 20 };
	struct world *w = &t->w;
	uint64_t seed = w->seed;
	unsigned long cases = w->cases;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->cases = cases;
	rig_open(&opts);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &w->a.ctx), 0);
	w->a.nt = rig.nt;
	w->a.rows = rig.rows;
	ck_assert_int_eq(ebn_policy_new(w->a.ctx, rig.nt, rig.rows, NULL, &w->a.policy), 0);
	t->row[0] = rig_endpoint(rig.ifindex_a, A4, A6, mac_a, 101, 1001, 0);
	t->row[1] = rig_endpoint(rig.ifindex_b, B4, B6, mac_b, 102, 1002, 0);
	t->mine[0] = t->mine[1] = IDENTITIES;
	ck_assert_int_eq(ebn_ep_row_get(rig.rows, &w->row), 0);
	ebn_ep_row(rig.rows, w->row)->ifindex = 7;
	ck_assert_int_eq(ebn_ep_row_publish(rig.rows, w->row), 0);
	for (unsigned int i = 0; i < POLICIES; i++) {
		w->order[i] = i;
		random_policy(w, &w->pol[i]);
	}
	for (unsigned int i = 0; i < GROUPS; i++)
		random_group(w, &w->grp[i]);
	commit(w, set);
	for (unsigned int i = 0; i < IDENTITIES; i++)
		toggle(t, i);
	for (unsigned int s = 0; s < SUBJECTS; s++)
		sub_toggle(w, s);
	become(t, 0, below(w, IDENTITIES));
	become(t, 1, below(w, IDENTITIES));
}

static void era_end(struct state *t, struct ebpfnet_policy_set **set)
{
	ebpfnet_policy_set_free(*set);
	*set = NULL;
	ebn_policy_free(t->w.a.policy);
	rig_close();
	ebpfnet_ctx_unref(t->w.a.ctx);
}

/* ---- packets ---- */

static void random_far(struct state *t, bool v6, struct side *ret)
{
	struct world *w = &t->w;
	unsigned int i = below(w, IDENTITIES);
	int last;

	*ret = (struct side){ .i = i, .in_net = -1, .owned = true, .v6 = v6 };
	if (below(w, 2) && w->id_number[i]) {
		elsewhere(i, v6, ret->addr, sizeof(ret->addr));
		return;
	}
	ret->i = IDENTITIES;
	ret->owned = false;
	do
		last = (int)below(w, below(w, 2) ? 256 : 16);
	while (last == OWN_ADDR);
	snprintf(ret->addr, sizeof(ret->addr), v6 ? "2001:db8::%x" : "192.0.2.%d", (unsigned int)last);
	ret->in_net = last;
	ret->owned = !v6 && w->owner[last];
	if (ret->owned)
		ret->i = w->owner[last] - 1u;
}

static struct side endpoint_side(const struct state *t, int e, bool v6)
{
	struct side s = { .i = t->mine[e], .in_net = -1, .owned = true };

	snprintf(s.addr, sizeof(s.addr), "%s", endpoint_addr[e][v6]);
	return s;
}

static void random_l4(struct state *t, bool v6, struct spec *s, uint16_t *ret_port)
{
	static const uint8_t protos[] = { TCP, TCP, TCP, UDP, SCTP, ICMP, GRE, 89 };
	static const uint16_t ports[] = { 0, 1, 22, 23, 79, 80, 81, 82, 443, 444, 8080, 9000, 32768, 65534, 65535 };
	struct world *w = &t->w;

	s->proto = protos[below(w, sizeof(protos))];
	s->sport = t->sport = t->sport < 60000 ? (uint16_t)(t->sport + 1) : 1025;
	s->dport = ports[below(w, EBN_ARRAY_SIZE(ports))];
	*ret_port = s->dport;
	if (s->proto == TCP) {
		s->flags = SYN;
	} else if (s->proto == SCTP) {
		s->type = 1;
		s->seq = 1;
	} else if (s->proto == ICMP) {
		s->proto = v6 ? ICMP6 : ICMP;
		/* errors, and answers, are about somebody else's packet */
		do
			*ret_port = random_icmp(w, s->proto);
		while (*ret_port >> 8 == 0 || *ret_port >> 8 == 3 || *ret_port >> 8 == 4 || *ret_port >> 8 == 129);
		s->type = (uint8_t)(*ret_port >> 8);
		s->code = (uint8_t)*ret_port;
	} else if (s->proto != UDP) {
		*ret_port = 0;
	}
}

/* What the policy of endpoint e says of the other side. */
static void expect(struct state *t, int e, enum ebpfnet_direction dir, const struct side *peer, const struct spec *s,
		   uint16_t port, struct ebpfnet_policy_answer *ret)
{
	struct question q = { .s = t->sub[e], .i = peer->i, .addr = peer->in_net, .v6 = peer->v6,
			      .owned = peer->owned, .dir = dir,
			      .proto = s->proto, .port = port };
	struct world *w = &t->w;

	reference(w, w->in_force, w->sub[q.s], q.i < IDENTITIES ? w->id[q.i] : nothing, &q, ret);
}

static bool lets_through(const struct ebpfnet_policy_answer *a)
{
	return a->verdict == EBPFNET_VERDICT_ALLOW || a->verdict == EBPFNET_VERDICT_AUDIT;
}

static enum ebn_reason reason_of(const struct ebpfnet_policy_answer *a)
{
	switch (a->verdict) {
	case EBPFNET_VERDICT_REDIRECT:
		return EBN_R_REDIRECT_PROXY;
	case EBPFNET_VERDICT_AUTH:
		return EBN_R_AUTH;
	default:
		if (lets_through(a))
			return EBN_R_NONE;
		return strcmp(a->name, "default deny") ? EBN_R_POLICY_RULE : EBN_R_POLICY;
	}
}

/* The decision that a report names, by its rule's name. */
static bool told(uint16_t index, const struct ebpfnet_policy_answer *want, char *buf, size_t size)
{
	struct ebn_slot slot = ebn_node_slot(rig.nt, EBN_P_DECISION);
	const struct ebn_decision *d;
	const char *name;

	snprintf(buf, size, "nothing");
	if (index >= slot.n)
		return false;
	d = (const struct ebn_decision *)ebn_node_ptr(rig.nt, slot.off, slot.n * (uint32_t)sizeof(*d)) + index;
	name = d->rule ? ebn_name_get(rig.rows, EBN_NAME_RULE, d->rule) :
	       d->verdict == EBN_V_ALLOW ? "default allow" : "default deny";
	snprintf(buf, size, "%u %s", d->verdict, name ? name : "?");
	return name && d->verdict == (uint8_t)want->verdict && !strcmp(name, want->name);
}

enum way { OUT, IN, STACK, LOCAL };

static void send_by(enum way way, const struct spec *spec, struct rig_result *r)
{
	struct spec s = *spec;
	struct packet p;

	s.smac = way == OUT || way == LOCAL ? mac_a : way == IN ? mac_other : mac_gw;
	s.dmac = way == OUT || way == LOCAL ? mac_gw : way == IN ? mac_nd : mac_a;
	packet_make(&p, &s);
	rig_flush();
	if (way == IN)
		rig_run(FROM_NETDEV, rig.ifindex_nd, &p, r);
	else
		rig_run(way == STACK ? TO_EP : FROM_EP, rig.ifindex_a, &p, r);
}

static void one_packet(struct state *t)
{
	enum way way = (enum way)below(&t->w, 4);
	struct ebpfnet_policy_answer out = { 0 }, in = { 0 };
	bool v6 = below(&t->w, 2), asks_out = way == OUT || way == LOCAL, asks_in = way != OUT, ok = true;
	struct side here = endpoint_side(t, 0, v6), there;
	char told_out[64] = "-", told_in[64] = "-";
	struct rig_result r;
	struct spec s = { 0 };
	enum ebn_reason want;
	uint16_t port;

	t->sub[0] = below(&t->w, SUBJECTS);
	t->sub[1] = below(&t->w, SUBJECTS);
	if (!t->w.sub_number[t->sub[0]] || !t->w.sub_number[t->sub[1]])
		return;
	for (int e = 0; e < 2; e++)
		rig_ep(t->row[e])->subject = t->w.sub_number[t->sub[e]];
	if (way == LOCAL)
		there = endpoint_side(t, 1, v6);
	else
		random_far(t, v6, &there);
	random_l4(t, v6, &s, &port);
	s.src = asks_out ? here.addr : there.addr;
	s.dst = asks_out ? there.addr : here.addr;
	/* the port's name is looked for on the side that has the port */
	if (asks_out)
		expect(t, 0, EBPFNET_EGRESS, &there, &s, port, &out);
	if (asks_in)
		expect(t, way == LOCAL, EBPFNET_INGRESS, way == LOCAL ? &here : &there, &s, port, &in);
	send_by(way, &s, &r);
	want = asks_out && !lets_through(&out) ? reason_of(&out) : asks_in ? reason_of(&in) : EBN_R_NONE;
	ok &= r.reason == want && (r.action == DROP) == (want != EBN_R_NONE) && r.reported;
	if (asks_out)
		ok &= told(r.event.egress_decision, &out, told_out, sizeof(told_out));
	if (asks_in && (!asks_out || lets_through(&out)))
		ok &= told(r.event.ingress_decision, &in, told_in, sizeof(told_in));
	if (!ok)
		ck_abort_msg("after %lu packets: way %d, %s to %s, protocol %u, port %u: action %d, reason %u (expected %u), "
			     "egress %s (expected %d %s), ingress %s (expected %d %s)", t->w.cases, (int)way, s.src, s.dst,
			     s.proto, port, r.action, r.reason, want, told_out, (int)out.verdict, out.name, told_in,
			     (int)in.verdict, in.name);
	t->w.cases++;
	t->ways[way]++;
	t->verdicts[asks_out && (!lets_through(&out) || !asks_in) ? out.verdict : in.verdict]++;
}

START_TEST(packets_meet_the_reference)
{
	const char *text = getenv("CASES");
	unsigned long want = text ? strtoul(text, NULL, 0) : 20000, end;
	struct ebpfnet_policy_set *set = NULL;
	static struct state t;

	t.w.seed = test_seed();
	while (t.w.cases < want) {
		end = t.w.cases + ERA;
		era_begin(&t, &set);
		while (t.w.cases < end && t.w.cases < want) {
			for (int i = 0; i < 60; i++)
				one_packet(&t);
			some_change(&t, &set);
		}
		era_end(&t, &set);
	}
	printf("%lu packets: %lu out, %lu in, %lu from the stack, %lu local; ", t.w.cases, t.ways[OUT], t.ways[IN],
	       t.ways[STACK], t.ways[LOCAL]);
	printf("denied %lu, allowed %lu, to a proxy %lu, to be authenticated %lu, audited %lu\n",
	       t.verdicts[EBN_V_DENY], t.verdicts[EBN_V_ALLOW], t.verdicts[EBN_V_REDIRECT], t.verdicts[EBN_V_AUTH],
	       t.verdicts[EBN_V_AUDIT]);
	/* each kind is there in numbers */
	for (int i = 0; i < 4; i++)
		ck_assert_uint_gt(t.ways[i], want / 20);
	ck_assert_uint_gt(t.verdicts[EBN_V_DENY], want / 20);
	ck_assert_uint_gt(t.verdicts[EBN_V_ALLOW], want / 20);
	ck_assert_uint_gt(t.verdicts[EBN_V_AUDIT], want / 100);
	ck_assert_uint_gt(t.verdicts[EBN_V_REDIRECT], want / 200);
	ck_assert_uint_gt(t.verdicts[EBN_V_AUTH], want / 200);
}
END_TEST

RUN_SUITE("packet-policy-model", packets_meet_the_reference)
