// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Rules of egress gateways over time: they follow nodes and endpoints, outlive their writer wherever it is killed, and are refused
 * when they are corrupt; tables without room are left as they are.
 */
#include "egress_case.h"

/* ---- gateways are nodes ---- */

static int node(const char *node_name, const char *addresses, const char *prefix, uint32_t flags)
{
	struct ebpfnet_node_opts o = { EBPFNET_OPTS_INIT(o), .flags = flags, .diag = diag };
	char text[128], *save = NULL, *word;
	struct ebpfnet_prefix p;

	snprintf(text, sizeof(text), "%s", addresses);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		*(strchr(word, ':') ? &o.addr6 : &o.addr4) = addr(word);
	ck_assert_int_eq(ebpfnet_prefix_parse(prefix, &p), 0);
	o.prefixes = &p;
	o.n_prefixes = 1;
	return ebpfnet_node_set(dp, node_name, &o);
}

static void gateway(const char *line, uint32_t flags)
{
	is(&line, 1);
	ck_assert_uint_eq(ask(dp).flags[0], flags);
	ck_assert_uint_eq(ask(looker).flags[0], flags);
}

START_TEST(gateways_come_and_go_as_nodes_do)
{
	const struct say s = { .name = "a", .to = "203.0.113.0/24", .node = "n2" };
	uint64_t root;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(set(&s, 1), 0);
	gateway("a (none) 203.0.113.0/24 by n2", EBPFNET_EGRESS_LOST);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, NULL), 0);
	gateway("a (none) 203.0.113.0/24 by n2", EBPFNET_EGRESS_LOST);
	ck_assert_int_eq(node("n3", "192.0.2.3", "10.42.3.0/24", 0), 0);
	gateway("a (none) 203.0.113.0/24 by n2", EBPFNET_EGRESS_LOST);
	ck_assert_int_eq(node("n2", "192.0.2.2", "10.42.2.0/24", 0), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", 0);
	/* another address, both, to the other one of them */
	ck_assert_int_eq(node("n2", "192.0.2.22 2001:db8::2", "10.42.2.0/24", 0), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.22 2001:db8::2", 0);
	ck_assert_int_eq(node("n2", "192.0.2.22 2001:db8::2", "10.42.2.0/24", EBPFNET_NODE_IPV6), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.22 2001:db8::2", 0);
	{
		struct ebn_eg eg;

		ck_assert_int_eq(ebn_eg_read(dp, &eg), 0);
		ck_assert_uint_eq(ebn_eg_rules(&eg)[0].flags, EBN_EG_F_SEND6);
		ebn_eg_free(&eg);
	}
	/* a change elsewhere, and saying it again, are none of it */
	root = ebn_node_slot(dp->node, EBN_P_EGRESS).off;
	ck_assert_int_eq(node("n3", "192.0.2.33", "10.42.3.0/24", 0), 0);
	ck_assert_uint_eq(root, ebn_node_slot(dp->node, EBN_P_EGRESS).off);
	root = generation();
	ck_assert_int_eq(set(&s, 1), 0);
	ck_assert(root == generation());
	/* reached without the overlay */
	ck_assert_int_eq(node("n2", "192.0.2.2", "10.42.2.0/24", EBPFNET_NODE_NATIVE), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", EBPFNET_EGRESS_LOST);
	ck_assert_int_eq(node("n2", "192.0.2.2", "10.42.2.0/24", 0), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", 0);
	close_all();
	open_all();
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", 0);
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n2"), 0);
	gateway("a (none) 203.0.113.0/24 by n2", EBPFNET_EGRESS_LOST);
	ck_assert_int_eq(node("n2", "192.0.2.2", "10.42.2.0/24", 0), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", 0);
	/* without a device nothing leads there */
	ck_assert_int_eq(ebpfnet_overlay_clear(dp), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", EBPFNET_EGRESS_LOST);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, NULL), 0);
	gateway("a (none) 203.0.113.0/24 by n2 192.0.2.2", 0);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

/* ---- endpoints ---- */

static void selected(uint32_t first, uint32_t second, uint32_t third)
{
	struct ebpfnet_datapath *const both[] = { dp, looker };
	struct told t;
	int i;

	for (i = 0; i < 2; i++) {
		t = ask(both[i]);
		ck_assert_uint_eq(t.n, 3);
		ck_assert_msg(t.n_endpoints[0] == first && t.n_endpoints[1] == second && t.n_endpoints[2] == third,
			      "%d: %u %u %u and not %u %u %u", i, t.n_endpoints[0], t.n_endpoints[1], t.n_endpoints[2], first,
			      second, third);
	}
}

static struct ebpfnet_endpoint *find(const char *ep_name)
{
	struct ebpfnet_endpoint *ep;

	ck_assert_int_eq(ebpfnet_endpoint_lookup(dp, ep_name, &ep), 0);
	return ep;
}

static void relabel(const char *ep_name, const char *labels)
{
	struct ebpfnet_endpoint *ep = find(ep_name);
	struct ebpfnet_labels *l = NULL;

	if (labels)
		ck_assert_int_eq(ebpfnet_labels_parse(labels, NULL, NULL, &l), 0);
	ck_assert_int_eq(ebpfnet_endpoint_set_labels(ep, l), 0);
	ebpfnet_labels_unref(l);
	ebpfnet_endpoint_unref(ep);
}

static void destroy(const char *ep_name)
{
	struct ebpfnet_endpoint *ep = find(ep_name);

	ck_assert_int_eq(ebpfnet_endpoint_destroy(ep), 0);
	ebpfnet_endpoint_unref(ep);
}

START_TEST(endpoints_are_selected_by_their_labels)
{
	const struct say s[] = {
		{ .name = "a", .endpoints = "app=a", .to = "203.0.113.0/24", .node = "n2" },
		{ .name = "everybody", .endpoints = "", .to = "203.0.113.0/24", .node = "n2" },
		{ .name = "no-web", .endpoints = "!web", .to = "203.0.113.0/24", .node = "n2" },
	};
	uint64_t root;
	uint32_t i;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	/* before the rules, and after them; one without labels is nobody yet */
	endpoint("e0", "e0", "app=a", "10.42.1.2");
	ck_assert_int_eq(set(s, 3), 0);
	selected(1, 1, 1);
	endpoint("e1", "e1", "app=a;web=1", "10.42.1.3");
	selected(2, 2, 1);
	endpoint("e2", "e2", NULL, "10.42.1.4");
	selected(2, 2, 1);
	/* they change in place, and what is said again finds nothing to do */
	root = generation();
	relabel("e2", "app=b");
	selected(2, 3, 2);
	relabel("e1", "app=b;web=1");
	selected(1, 3, 2);
	relabel("e0", NULL);
	selected(0, 2, 1);
	root = generation();
	ck_assert_int_eq(set(s, 3), 0);
	ck_assert(root == generation());
	relabel("e0", "app=a");
	selected(1, 3, 2);
	/* the host never is, with whatever labels */
	{
		struct ebpfnet_host_opts o = { EBPFNET_OPTS_INIT(o) };
		struct ebpfnet_labels *l;

		ck_assert_int_eq(ebpfnet_labels_parse("app=a", NULL, NULL, &l), 0);
		o.labels = l;
		ck_assert_int_eq(ebpfnet_host_set(dp, &o), 0);
		selected(1, 3, 2);
		ck_assert_int_eq(set(&s[1], 2), 0);
		ck_assert_int_eq(set(s, 3), 0);
		selected(1, 3, 2);
		ebpfnet_labels_unref(l);
	}
	/* a restart, also with labels that were only half written */
	close_all();
	open_all();
	selected(1, 3, 2);
	root = generation();
	ck_assert_int_eq(set(s, 3), 0);
	ck_assert(root == generation());
	destroy("e0");
	selected(0, 2, 1);
	root = generation();
	ck_assert_int_eq(set(s, 3), 0);
	ck_assert(root == generation());
	/* who has the row next has none of it, nor the host */
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	for (i = 0; i < 20; i++) {
		ck_assert_int_ge(ebn_dp_grace(dp), 0);
		endpoint("e0", "e0", i & 1 ? "app=a" : "web=1", "10.42.1.2");
		selected(i & 1, 3, i & 1 ? 2 : 1);
		destroy("e0");
	}
	selected(0, 2, 1);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

/* ---- what a killed writer left, and what nobody has written ---- */

static struct ebn_egress_head *piece(void)
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_EGRESS);

	ck_assert_uint_ne(slot.off, 0);
	return ebn_node_ptr(dp->node, slot.off, sizeof(struct ebn_egress_head));
}

START_TEST(what_is_half_done_is_finished)
{
	const struct say s = { .name = "a", .endpoints = "app=a", .to = "203.0.113.0/24", .addr4 = "192.0.2.1" };
	struct ebpfnet_endpoint *ep;
	struct ebpfnet_labels *l;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	endpoint("e0", "e0", "app=b", "10.42.1.2");
	ck_assert_int_eq(set(&s, 1), 0);
	/* published, and nobody told the programs; or told before it was taken away */
	ebn_node_hdr(dp->node)->flags &= ~(EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY);
	close_all();
	open_all();
	ck_assert_uint_eq(switches(), EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY);
	/* labels are written, and nothing that follows from them */
	ep = find("e0");
	ck_assert_int_eq(ebpfnet_labels_parse("app=a", NULL, NULL, &l), 0);
	ck_assert_int_eq(ebn_ep_set_text(dp, ep->row, ep->name, l), 0);
	ebpfnet_labels_unref(l);
	ebpfnet_endpoint_unref(ep);
	ck_assert_uint_eq(ask(looker).n_endpoints[0], 0);
	close_all();
	open_all();
	ck_assert_uint_eq(ask(looker).n_endpoints[0], 1);
	/* none any more, and a switch that is still on */
	ck_assert_int_eq(ebpfnet_egress_set(dp, NULL), 0);
	ebn_node_hdr(dp->node)->flags |= EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY;
	close_all();
	open_all();
	ck_assert_uint_eq(switches(), 0);
	teardown();
}
END_TEST

/* Ways to spoil the piece; false: there are no more. */
static bool spoil(int i)
{
	struct ebn_egress_head *h = piece();
	struct ebn_egress_rule *rule = (void *)((char *)h + h->rules_off);
	struct ebn_egress_prefix *px = (void *)((char *)h + h->prefixes_off);

	switch (i) {
	case 0: h->rules++; break;
	case 1: h->rules = 0; break;
	case 2: h->prefixes = 0; break;
	case 3: h->prefixes = EBN_EGRESS_PREFIXES + 1; break;
	case 4: h->rules_off += 64; break;
	case 5: h->prefixes_off = 0; break;
	case 6: h->masks_off = UINT32_MAX - 7; break;
	case 7: h->masks--; break;
	case 8: h->masks = UINT32_MAX; break;
	case 9: h->text_off ^= 64; break;
	case 10: h->text_len = 1u << 30; break;
	case 11: h->text_len = 3; break;
	case 12: memset((char *)h + h->text_off, 'x', h->text_len); break;
	case 13: rule[0].id = 0; break;
	case 14: rule[3].id = EBN_EGRESS_ID_MAX + 1; break;
	case 15: rule[1].first++; break;
	case 16: rule[3].n = 1000; break;
	case 17: rule[3].n--; break;
	case 18: px[0].rule = 1; break;
	case 19: px[8].rule = 64; break;
	default: return false;
	}
	return true;
}

START_TEST(what_is_corrupt_is_refused)
{
	int i;

	for (i = 0;; i++) {
		setup();
		ck_assert_int_eq(set(four, 4), 0);
		if (!spoil(i))
			break;
		ck_assert_msg(ebpfnet_egress_foreach(looker, refuse, NULL) == -EPROTO, "%d", i);
		ck_assert_msg(ebpfnet_egress_foreach(dp, refuse, NULL) == -EPROTO, "%d", i);
		close_all();
		dp = open_dp(0);
		ebpfnet_diag_clear(diag);
		ck_assert_msg(ebpfnet_datapath_prepare(dp, diag) == -EPROTO, "%d", i);
		ck_assert(said("egress gateways are corrupt"));
		ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), -EPROTO);
		dp = ebpfnet_datapath_unref(dp);
		done();
	}
	ck_assert_int_eq(i, 20);
	teardown();
}
END_TEST

START_TEST(a_full_table_changes_nothing)
{
	uint32_t off, chunk;
	uint64_t root;

	setup();
	ck_assert_int_eq(set(four, 4), 0);
	ck_assert_int_ge(ebn_dp_grace(dp), 0);
	root = generation();
	for (chunk = 1 << 20; chunk >= 64; chunk /= 2)
		while (!ebn_node_alloc(dp->node, EBN_X_ROWMAP, chunk, &off))
			;
	ck_assert_int_eq(set(four, 3), -ENOSPC);
	/* there is not even room for saying that there are none: what is there goes on */
	ck_assert_int_eq(ebpfnet_egress_set(dp, NULL), -ENOSPC);
	ck_assert(root == generation());
	ck_assert_uint_eq(switches(), EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY);
	is(four_are, 4);
	teardown();
}
END_TEST

RUN_SUITE("egress-life", gateways_come_and_go_as_nodes_do, endpoints_are_selected_by_their_labels, what_is_half_done_is_finished,
	  what_is_corrupt_is_refused, a_full_table_changes_nothing)
