// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Each allocation fails once: the first, then the second, and so on until all succeed. What fails says -ENOMEM and has changed
 * nothing, and the same call succeeds when there is memory again. Linked with --wrap for malloc and its kin.
 */
#include "../unit/suite.h"
#include "../unit/policy-arena.h"
#include "policy/engine.h"

static long countdown = -1;	/* allocations until one fails; below 0: none does */

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static const char before[] =
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n"
	"spec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], "
	"ports: [{port: 80}]}, {from: [{ipBlock: {cidr: 10.9.1.0/24}}]}]}\n";
static const char after[] =
	"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\n"
	"spec: {podSelector: {matchLabels: {app: api}}, ingress: [{from: [{podSelector: {matchLabels: {app: db}}}], "
	"ports: [{port: 81, endPort: 90}, {protocol: UDP}]}, {}], egress: [{to: [{namespaceSelector: {}}, "
	"{ipBlock: {cidr: 10.9.0.0/16, except: [10.9.1.0/24]}}]}]}\n"
	"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: b}\n"
	"spec: {podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [x, z]}]}, policyTypes: [Egress]}\n";

/* A bit of every other language. */
static const char others[] =
	"apiVersion: v1\nkind: List\nitems:\n"
	"- apiVersion: policy.networking.k8s.io/v1alpha2\n  kind: ClusterNetworkPolicy\n  metadata: {name: a}\n"
	"  spec: {tier: Admin, priority: 1, subject: {namespaces: {}}, egress: [{action: Accept, to: [{networks: [10.0.0.0/8]}, "
	"{domainNames: ['*.a.b']}], protocols: [{tcp: {destinationPort: {number: 80}}}]}]}\n"
	"- apiVersion: cilium.io/v2alpha1\n  kind: CiliumCIDRGroup\n  metadata: {name: g, labels: {a: b}}\n"
	"  spec: {externalCIDRs: [192.0.2.0/24]}\n"
	"- apiVersion: cilium.io/v2\n  kind: CiliumNetworkPolicy\n  metadata: {name: c}\n"
	"  spec: {endpointSelector: {}, log: {value: x}, ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, "
	"{cidrGroupRef: g}], toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{method: GET}]}}]}]}\n";

static struct arena a;
static uint32_t web, api, far;
/* Labels at addresses that prefixes speak of. */
static uint32_t at[2][4];

static int parse(struct ebpfnet_policy_set *set, const char *text)
{
	return ebpfnet_policy_set_parse(set, text, strlen(text), NULL);
}

static struct ebpfnet_policy_set *set_of(const char *text)
{
	struct ebpfnet_policy_set *set = NULL;

	ck_assert_int_eq(ebpfnet_policy_set_new(a.ctx, &set), 0);
	ck_assert_int_ge(parse(set, text), 1);
	return set;
}

static struct ebpfnet_labels *labels(const char *text)
{
	struct ebpfnet_labels *l = NULL;

	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	return l;
}

/* The verdicts for a few ports from one peer, as text. */
static const char *picture(void)
{
	static const uint16_t port[] = { 79, 80, 81, 90, 91 };
	static char text[512];
	struct ebpfnet_policy_answer answer;
	char *p = text;

	for (int dir = 0; dir < 2; dir++) {
		for (size_t i = 0; i < EBN_ARRAY_SIZE(port); i++) {
			ck_assert_int_eq(ebn_policy_lookup(a.policy, api, dir, web, 6, port[i], &answer), 0);
			p = test_put(p, text + sizeof(text), "%d %s;", (int)answer.verdict, answer.name);
		}
		for (int i = 0; i < 2; i++) {
			uint32_t number = 0;

			ck_assert_int_eq(ebn_addr_get(a.rows, at[i], &number, NULL), 0);
			ck_assert_int_eq(ebn_policy_lookup(a.policy, api, dir, number, 6, 79, &answer), 0);
			p = test_put(p, text + sizeof(text), "%d %s;", (int)answer.verdict, answer.name);
			ck_assert_int_eq(ebn_policy_addr_get(a.policy, at[i], &number, NULL), 0);
			ck_assert_uint_eq(number, far);
		}
	}
	return text;
}

static void world(void)
{
	struct ebpfnet_policy_set *set;
	struct ebpfnet_labels *l;

	ck_assert_int_eq(arena_new(&a, 8 << 20), 0);
	l = labels("app=web,io.kubernetes.pod.namespace=default");
	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &web), 0);
	ebpfnet_labels_unref(l);
	l = labels("app=far");
	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &far), 0);
	ebpfnet_labels_unref(l);
	for (int i = 0; i < 2; i++) {
		struct ebpfnet_addr addr;

		ck_assert_int_eq(ebpfnet_addr_parse(i ? "10.9.1.1" : "10.9.0.1", &addr), 0);
		memcpy(at[i], addr.b, sizeof(at[i]));
		ck_assert_int_eq(ebn_policy_addr_set(a.policy, at[i], far, 0), 0);
	}
	l = labels("app=api,io.kubernetes.pod.namespace=default");
	ck_assert_int_eq(ebn_policy_subject_get(a.policy, l, &api), 0);
	ebpfnet_labels_unref(l);
	set = set_of(before);
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, NULL), 0);
	ebpfnet_policy_set_free(set);
}

START_TEST(parsing)
{
	struct ebpfnet_policy_set *set = NULL;
	long n;
	int rc;

	world();
	for (int k = 0; k < 2; k++) {
		ck_assert_int_eq(ebpfnet_policy_set_new(a.ctx, &set), 0);
		for (n = 0;; n++) {
			countdown = n;
			rc = parse(set, k ? others : after);
			if (countdown >= 0)
				break;
			countdown = -1;
			ck_assert_int_eq(rc, -ENOMEM);
			ck_assert_uint_eq(ebpfnet_policy_set_count(set), 0);
		}
		countdown = -1;
		ck_assert_int_eq(rc, 2);
		ck_assert_int_gt(n, 20);
		printf("parsing: %ld allocations\n", n);
		ebpfnet_policy_set_free(set);
	}
	arena_free(&a);
}
END_TEST

START_TEST(committing)
{
	struct ebpfnet_policy_set *old, *new;
	char was[512], is[512];
	long n;
	int rc;

	world();
	old = set_of(before);
	new = set_of(after);
	snprintf(was, sizeof(was), "%s", picture());
	ck_assert_int_eq(ebn_policy_commit(a.policy, new, NULL), 0);
	snprintf(is, sizeof(is), "%s", picture());
	ck_assert_str_ne(was, is);
	for (n = 0;; n++) {
		ck_assert_int_eq(ebn_policy_commit(a.policy, old, NULL), 0);
		ck_assert_str_eq(picture(), was);
		arena_grace(&a);
		countdown = n;
		rc = ebn_policy_commit(a.policy, new, NULL);
		if (countdown >= 0)
			break;
		countdown = -1;
		/* what is only kept for later may be lost without harm, once the new policy is in force */
		ck_assert(rc == 0 || rc == -ENOMEM);
		ck_assert_str_eq(picture(), rc ? was : is);
		arena_grace(&a);
	}
	countdown = -1;
	ck_assert_int_eq(rc, 0);
	ck_assert_str_eq(picture(), is);
	ck_assert_int_gt(n, 40);
	printf("committing: %ld allocations\n", n);
	ebpfnet_policy_set_free(old);
	ebpfnet_policy_set_free(new);
	arena_free(&a);
}
END_TEST

/* An identity of a new class and a subject with tables of its own come, with memory failing under them. */
START_TEST(coming)
{
	struct ebpfnet_policy_set *set;
	struct ebpfnet_labels *id, *sub;
	char was[512];
	uint32_t number = 0, s = 0;
	long n;
	int rc;

	world();
	set = set_of(after);
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, NULL), 0);
	snprintf(was, sizeof(was), "%s", picture());
	id = labels("app=db,io.kubernetes.pod.namespace=default");
	sub = labels("app=other,io.kubernetes.pod.namespace=default");
	for (n = 0;; n++) {
		bool done;

		countdown = n;
		rc = ebn_policy_identity_get(a.policy, id, &number);
		if (!rc) {
			rc = ebn_policy_subject_get(a.policy, sub, &s);
			done = countdown >= 0;
			countdown = -1;
			ebn_policy_identity_put(a.policy, number);
			if (!rc)
				ebn_policy_subject_put(a.policy, s);
		} else {
			done = false;
		}
		countdown = -1;
		ck_assert(rc == 0 || rc == -ENOMEM);
		ck_assert_str_eq(picture(), was);
		arena_grace(&a);
		if (done)
			break;
	}
	ck_assert_int_eq(rc, 0);
	printf("coming: %ld allocations\n", n);
	ebpfnet_labels_unref(id);
	ebpfnet_labels_unref(sub);
	ebpfnet_policy_set_free(set);
	arena_free(&a);
}
END_TEST

/* An address gets other labels, and goes and comes, with memory failing. */
START_TEST(moving)
{
	struct ebpfnet_policy_set *set;
	uint32_t number = 0, told;
	long n;
	int rc;

	world();
	set = set_of(after);
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, NULL), 0);
	for (n = 0;; n++) {
		uint32_t to = n % 2 ? far : web;
		bool done;

		told = 0;
		ck_assert_int_eq(ebn_policy_addr_get(a.policy, at[0], &number, NULL), 0);
		countdown = n / 2;
		rc = n % 4 < 2 ? 0 : ebn_policy_addr_del(a.policy, at[0]);
		if (!rc)
			rc = ebn_policy_addr_set(a.policy, at[0], to, 0);
		done = countdown >= 0 && n % 4 == 3;
		countdown = -1;
		ck_assert(rc == 0 || rc == -ENOMEM);
		if (!ebn_policy_addr_get(a.policy, at[0], &told, NULL))
			ck_assert(told == number || !rc);
		if (!rc)
			ck_assert_uint_eq(told, to);
		ck_assert_int_eq(ebn_classes_verify(a.policy), 0);
		if (rc)
			ck_assert_int_eq(ebn_policy_addr_set(a.policy, at[0], to, 0), 0);
		ck_assert_int_eq(ebn_classes_verify(a.policy), 0);
		if (n % 3 == 0)
			arena_grace(&a);
		if (done)
			break;
	}
	printf("moving: %ld allocations\n", n / 2);
	ck_assert_int_gt(n, 8);
	ebpfnet_policy_set_free(set);
	arena_free(&a);
}
END_TEST

RUN_SUITE("policy without memory", parsing, committing, coming, moving)
