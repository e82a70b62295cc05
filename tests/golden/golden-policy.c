// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Small policies -> the tables as text, against policy-tables.txt beside this file; EBN_GOLDEN_UPDATE=1 writes it anew.
 * Offsets are left out: only what the tables say and how it is cut into classes, rows and columns.
 */
#include "../unit/suite.h"
#include "../unit/policy-arena.h"

#define HEAD "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
#define TIER "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: "

struct golden {
	const char *title, *text;
	const char *subjects[2];	/* NULL: those of all cases */
	const char *addrs[3];		/* of the world, whose classes are shown */
};

static const struct golden cases[] = {
	{ .title = "nothing committed but the empty set", .text = "" },
	{ .title = "nobody may come in", .text = HEAD "metadata: {name: deny}\nspec: {podSelector: {}}\n" },
	{ .title = "web may call api on port 80",
	  .text =
	  HEAD "metadata: {name: api}\nspec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: "
	  "{matchLabels: {app: web}}}], ports: [{port: 80}]}]}\n" },
	{ .title = "two policies, ranges, everybody, egress",
	  .text =
	  HEAD "metadata: {name: api}\nspec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: "
	  "{matchLabels: {app: web}}}], ports: [{port: 80, endPort: 90}]}, {ports: [{protocol: UDP, port: 53}]}], "
	  "egress: [{to: [{namespaceSelector: {}}]}]}\n---\n"
	  HEAD "metadata: {name: all}\nspec: {podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: "
	  "app, operator: In, values: [db, web]}]}}], ports: [{port: 85}, {protocol: SCTP}]}]}\n" },
	{ .title = "three tiers, a prefix with an exception, a port by name",
	  .text =
	  TIER "AdminNetworkPolicy\nmetadata: {name: guard}\nspec: {priority: 10, subject: {namespaces: {}}, ingress: ["
	  "{action: Pass, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web, version: '2'}}}}]}, "
	  "{action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}]}]}\n---\n"
	  "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: api}\nspec: {endpointSelector: {matchLabels: "
	  "{app: api}}, ingress: [{fromCIDRSet: [{cidr: 10.1.0.0/16, except: [10.1.9.0/24]}], toPorts: [{ports: [{port: http, "
	  "protocol: TCP}]}]}, {fromEndpoints: [{}], toPorts: [{ports: [{port: http, protocol: TCP}]}]}]}\n---\n"
	  TIER "BaselineAdminNetworkPolicy\nmetadata: {name: default}\nspec: {subject: {namespaces: {}}, ingress: ["
	  "{action: Deny, from: [{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: other}}}}]}]}\n",
	  .subjects = { "app=api,port:http/tcp=8080", "app=db,port:http/tcp=80" },
	  .addrs = { "10.1.8.1", "10.1.9.1", "10.2.0.1" } },
};

static const char *const identities[] = { "app=web", "app=web,version=2", "app=db", "app=other" };
static const char *const subjects[] = { "app=api", "app=db" };

static char out[65536], *at;
#define PUT(...) (at = test_put(at, out + sizeof(out), __VA_ARGS__))

static struct ebpfnet_labels *labels(const char *text)
{
	struct ebpfnet_labels *l = NULL;
	char full[128];

	snprintf(full, sizeof(full), "%s,io.kubernetes.pod.namespace=default", text);
	ck_assert_int_eq(ebpfnet_labels_parse(full, NULL, NULL, &l), 0);
	return l;
}

static void put_decision(struct arena *a, uint16_t index)
{
	static const char *const verdicts[] = { "deny", "allow", "redirect", "audit", "auth" };
	const struct ebn_decision *d = ebn_node_ptr(a->nt, ebn_node_slot(a->nt, EBN_P_DECISION).off, 1);
	const char *rule = ebn_name_get(a->rows, EBN_NAME_RULE, d[index].rule);

	PUT(" %s:%s", verdicts[d[index].verdict], d[index].flags & EBN_DEC_F_DEFAULT ? "default" : rule ? rule : "none");
}

static void put_ports(struct arena *a, uint32_t *ret_classes)
{
	const uint16_t *cell = ebn_node_ptr(a->nt, ebn_node_slot(a->nt, EBN_P_PORT).off, EBN_PORT_CELLS * 2);

	*ret_classes = 1;
	for (uint32_t i = 0, from = 0; i < EBN_PORT_CELLS; i++) {
		if (cell[i] >= *ret_classes)
			*ret_classes = cell[i] + 1u;
		if (i + 1 < EBN_PORT_CELLS && cell[i + 1] == cell[i])
			continue;
		PUT("  cells %u..%u: port class %u\n", from, i, cell[i]);
		from = i + 1;
	}
}

static void put_table(struct arena *a, const struct ebn_policy_table *t, uint32_t peers, uint32_t ports)
{
	const uint16_t *rowmap = ebn_node_ptr(a->nt, t->rowmap, 1), *colmap = ebn_node_ptr(a->nt, t->colmap, 1);
	const uint16_t *cell = ebn_node_ptr(a->nt, t->matrix, 1);

	PUT("    rows by peer class:");
	for (uint32_t i = 0; i < peers; i++)
		PUT(" %u", rowmap[i]);
	PUT("\n    columns by port class:");
	for (uint32_t i = 0; i < ports; i++)
		PUT(" %u", colmap[i]);
	for (uint32_t r = 0; r < t->nrows; r++) {
		PUT("\n    row %u:", r);
		for (uint32_t c = 0; c < t->ncols; c++)
			put_decision(a, cell[r * t->ncols + c]);
	}
	PUT("\n");
}

/* The class that the world's address is in by its longest prefix. */
static uint32_t class_at(struct arena *a, const char *text)
{
	struct ebn_prefix_value v;
	struct ebpfnet_addr addr;
	uint32_t bits[4];

	ck_assert_int_eq(ebpfnet_addr_parse(text, &addr), 0);
	memcpy(bits, addr.b, sizeof(bits));
	return ebn_class_get(a->rows, ebn_prefix_lookup(a->rows, bits, NULL, &v) ? EBN_ID_WORLD : v.identity);
}

static void put_case(const struct golden *g)
{
	uint32_t id[EBN_ARRAY_SIZE(identities)], s[EBN_ARRAY_SIZE(subjects)], peers = 1, ports;
	const char *const *who = g->subjects[0] ? g->subjects : subjects;
	struct ebpfnet_policy_set *set = NULL;
	const struct ebn_subject_row *row;
	struct ebpfnet_labels *l;
	struct arena a;

	ck_assert_int_eq(arena_new(&a, 4 << 20), 0);
	for (size_t i = 0; i < EBN_ARRAY_SIZE(identities); i++) {
		l = labels(identities[i]);
		ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &id[i]), 0);
		ebpfnet_labels_unref(l);
	}
	for (size_t i = 0; i < EBN_ARRAY_SIZE(subjects); i++) {
		l = labels(who[i]);
		ck_assert_int_eq(ebn_policy_subject_get(a.policy, l, &s[i]), 0);
		ebpfnet_labels_unref(l);
	}
	ck_assert_int_eq(ebpfnet_policy_set_new(a.ctx, &set), 0);
	ck_assert_int_ge(ebpfnet_policy_set_parse(set, g->text, strlen(g->text), NULL), 0);
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, NULL), 0);
	PUT("== %s\n", g->title);
	for (size_t i = 0; i < EBN_ARRAY_SIZE(identities); i++) {
		uint32_t cls = ebn_class_get(a.rows, id[i]);

		PUT("  %s: peer class %u\n", identities[i], cls);
		peers = cls >= peers ? cls + 1 : peers;
	}
	for (size_t i = 0; i < EBN_ARRAY_SIZE(g->addrs) && g->addrs[i]; i++) {
		uint32_t cls = class_at(&a, g->addrs[i]);

		PUT("  %s: peer class %u\n", g->addrs[i], cls);
		peers = cls >= peers ? cls + 1 : peers;
	}
	put_ports(&a, &ports);
	row = ebn_node_ptr(a.nt, ebn_node_slot(a.nt, EBN_P_SUBJECT).off, 1);
	for (size_t i = 0; i < EBN_ARRAY_SIZE(subjects); i++) {
		for (int dir = 0; dir < 2; dir++) {
			PUT("  %s, %s\n", who[i], dir ? "ingress" : "egress");
			put_table(&a, &row[s[i]].dir[dir], peers, ports);
		}
	}
	PUT("  shared: egress tables %s\n",
	    row[s[0]].dir[0].matrix == row[s[1]].dir[0].matrix && row[s[0]].dir[0].rowmap == row[s[1]].dir[0].rowmap ?
	    "one" : "two");
	ebpfnet_policy_set_free(set);
	arena_free(&a);
}

START_TEST(as_in_the_file)
{
	static char want[sizeof(out)];
	const char *top = getenv("top_srcdir"), *update = getenv("EBN_GOLDEN_UPDATE");
	char path[4096];
	size_t len = 0;
	FILE *f;

	at = out;
	for (size_t i = 0; i < EBN_ARRAY_SIZE(cases); i++)
		put_case(&cases[i]);
	snprintf(path, sizeof(path), "%s/tests/golden/policy-tables.txt", top ? top : ".");
	f = fopen(path, update ? "w" : "r");
	ck_assert_msg(f != NULL, "%s cannot be opened", path);
	if (update)
		ck_assert_int_ge(fputs(out, f), 0);
	else
		len = fread(want, 1, sizeof(want) - 1, f);
	fclose(f);
	want[len] = '\0';
	if (!update)
		ck_assert_str_eq(out, want);
}
END_TEST

RUN_SUITE("golden policy tables", as_in_the_file)
