// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <malloc.h>
#include <netinet/in.h>
#include <string.h>

#include "service/internal.h"
#include "service/maglev.h"
#include "suite.h"

#define SIZE (16u << 20)

static void *mem;
static struct ebn_node *nt;
static struct ebn_services *sv;
static struct ebpfnet_diag *diag;

static void open_tables(bool fresh, uint32_t size)
{
	static const uint64_t seed[2] = { 1, 2 };

	if (fresh) {
		free(mem);
		mem = aligned_alloc(4096, size);
		ck_assert_ptr_nonnull(mem);
		memset(mem, 0, size);
		ck_assert_int_eq(ebn_node_format(mem, size, seed), 0);
	}
	ck_assert_int_eq(ebn_node_open(mem, size, NULL, &nt), 0);
	ck_assert_int_eq(ebn_services_open(NULL, nt, NULL, &sv), 0);
	ck_assert_int_eq(ebn_node_adopted(nt), 0);
	ck_assert_int_eq(ebn_services_settle(sv, NULL), 0);
}

static void grace(void)
{
	while (ebn_node_grace_cut(nt))
		ebn_node_grace_done(nt);
}

static void close_tables(void)
{
	ebn_services_free(sv);
	ebn_node_free(nt);
	sv = NULL;
	nt = NULL;
}

static void setup(void)
{
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	open_tables(true, SIZE);
}

static void teardown(void)
{
	ck_assert_int_eq(ebn_node_verify(nt), 0);
	close_tables();
	ebpfnet_diag_free(diag);
	test_defined(mem, malloc_usable_size(mem));
	free(mem);
	mem = NULL;
}

static const char *said(void)
{
	static char text[4096];

	ebpfnet_diag_format(diag, text, sizeof(text));
	return text;
}

static struct ebpfnet_addr addr(const char *text)
{
	struct ebpfnet_addr a = { { 0 } };

	if (*text)
		ck_assert_int_eq(ebpfnet_addr_parse(text, &a), 0);
	return a;
}

static struct ebpfnet_frontend front(const char *a, uint16_t port, uint8_t proto)
{
	struct ebpfnet_frontend f = { .addr = addr(a), .port = port, .protocol = proto };

	return f;
}

static struct ebpfnet_backend backend(const char *a, uint16_t port, uint8_t proto)
{
	struct ebpfnet_backend b = { .addr = addr(a), .port = port, .protocol = proto };

	return b;
}

static struct ebpfnet_service_opts service(const char *name, const struct ebpfnet_frontend *f, size_t nf,
					   const struct ebpfnet_backend *b, size_t nb)
{
	struct ebpfnet_service_opts o = {
		EBPFNET_OPTS_INIT(o), .name = name, .frontends = f, .n_frontends = nf, .backends = b, .n_backends = nb,
	};

	return o;
}

static struct ebpfnet_service_answer ask(const char *src, const char *dst, uint16_t dport, uint8_t proto)
{
	struct ebpfnet_service_query q = { .src = addr(src), .dst = addr(dst), .sport = 1024, .dport = dport,
					   .protocol = proto };
	struct ebpfnet_service_answer a;

	ck_assert_int_eq(ebn_services_select(mem, ebn_node_size(nt), &q, &a), 0);
	return a;
}

static bool goes_to(const struct ebpfnet_service_answer *a, const char *b, uint16_t port)
{
	struct ebpfnet_addr want = addr(b);

	return a->verdict == EBPFNET_SERVICE_BACKEND && a->port == port && !memcmp(&a->backend, &want, sizeof(want));
}

/* ---- Maglev ---- */

static void maglev_inputs(struct ebn_maglev_in *in, uint32_t n, uint64_t seed)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		in[i] = (struct ebn_maglev_in){ .hash = ebn_mix64(seed + i), .weight = 1, .index = (uint16_t)i };
}

START_TEST(maglev_removing_one_of_a_hundred_moves_two_percent_at_most)
{
	struct ebn_maglev_in in[100];
	uint32_t slots, i, gone, moved, of, worst = 0;
	uint16_t *a, *b;

	maglev_inputs(in, 100, 7);
	slots = ebn_maglev_size(in, 100);
	ck_assert_uint_ge(slots, 10000);
	ck_assert_uint_eq(slots, ebn_maglev_size(in, 99));
	a = calloc(slots, 2);
	b = calloc(slots, 2);
	ck_assert_int_eq(ebn_maglev_fill(in, 100, a, slots), 0);
	for (gone = 0; gone < 100; gone += 9) {
		maglev_inputs(in, 100, 7);
		in[gone] = in[99];
		ck_assert_int_eq(ebn_maglev_fill(in, 99, b, slots), 0);
		for (i = moved = of = 0; i < slots; i++) {
			ck_assert_uint_ne(b[i], gone);
			if (a[i] == gone)
				continue;
			of++;
			moved += a[i] != b[i];
		}
		if (moved * 10000 / of > worst)
			worst = moved * 10000 / of;
	}
	printf("removing 1 of 100: %u.%02u %% of other slots move\n", worst / 100, worst % 100);
	ck_assert_uint_le(worst, 200);
	free(a);
	free(b);
}
END_TEST

START_TEST(maglev_shares_are_those_of_the_weights)
{
	uint64_t state = test_seed(), sum;
	uint32_t n, i, slots, got[300];
	struct ebn_maglev_in in[300];
	uint16_t *slot;
	int round;

	for (round = 0; round < 60; round++) {
		n = 1 + test_below(&state, 300);
		maglev_inputs(in, n, test_random(&state));
		for (i = sum = 0; i < n; i++) {
			in[i].weight = round % 2 ? 1 : 1 + test_below(&state, 100);
			sum += in[i].weight;
		}
		slots = ebn_maglev_size(in, n);
		slot = calloc(slots, 2);
		ck_assert_int_eq(ebn_maglev_fill(in, n, slot, slots), 0);
		memset(got, 0, sizeof(got));
		for (i = 0; i < slots; i++) {
			ck_assert_uint_lt(slot[i], n);
			got[slot[i]]++;
		}
		for (i = 0; i < n; i++) {
			double share = (double)in[i].weight / (double)sum, has = (double)got[in[i].index] / slots;

			ck_assert_msg(has >= share * 0.979 && has <= share * 1.021, "%u of %u: %f instead of %f", i, n,
				      has, share);
		}
		free(slot);
	}
}
END_TEST

START_TEST(maglev_does_not_depend_on_the_order)
{
	struct ebn_maglev_in in[50], back[50];
	uint16_t *a, *b;
	uint32_t slots, i;

	maglev_inputs(in, 50, 3);
	in[3].weight = 7;
	for (i = 0; i < 50; i++)
		back[i] = in[49 - i];
	slots = ebn_maglev_size(in, 50);
	ck_assert_uint_eq(slots, ebn_maglev_size(back, 50));
	a = calloc(slots, 2);
	b = calloc(slots, 2);
	ck_assert_int_eq(ebn_maglev_fill(in, 50, a, slots), 0);
	ck_assert_int_eq(ebn_maglev_fill(back, 50, b, slots), 0);
	ck_assert_mem_eq(a, b, slots * 2);
	free(a);
	free(b);
}
END_TEST

START_TEST(maglev_bounds_hold)
{
	struct ebn_maglev_in *in = calloc(20000, sizeof(*in));
	uint32_t slots, i;
	uint16_t *slot;

	maglev_inputs(in, 20000, 5);
	in[0].weight = 65535;
	for (i = 1; i < 20000; i += 2)
		in[i].weight = 65535;
	slots = ebn_maglev_size(in, 20000);
	ck_assert_uint_eq(slots, EBN_SVC_SLOTS_MAX);
	slot = calloc(slots, 2);
	ck_assert_int_eq(ebn_maglev_fill(in, 20000, slot, slots), 0);
	for (i = 0; i < slots; i++)
		ck_assert_uint_lt(slot[i], 20000);
	ck_assert_int_eq(ebn_maglev_fill(in, 0, slot, slots), -EINVAL);
	free(slot);
	free(in);
}
END_TEST

/* ---- services ---- */

START_TEST(the_most_specific_frontend_answers)
{
	struct ebpfnet_frontend f[6] = {
		front("10.0.0.1", 80, IPPROTO_TCP), front("10.0.0.1", 80, IPPROTO_TCP), front("10.0.0.1", 0, IPPROTO_TCP),
		front("10.0.0.1", 0, 0), front("10.0.0.0", 0, IPPROTO_TCP), front("0.0.0.0", 443, IPPROTO_TCP),
	};
	struct ebpfnet_backend b[6];
	struct ebpfnet_service_opts o;
	struct ebpfnet_service_answer a;
	char name[8], text[32];
	int i;

	f[1].port_last = 90;
	f[4].prefix = 24;
	f[5].prefix = 1;
	for (i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i + 1);
		snprintf(name, sizeof(name), "s%d", i);
		b[i] = backend(text, 0, i == 3 ? 0 : IPPROTO_TCP);
		o = service(name, &f[i], 1, &b[i], 1);
		ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	}
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.1", 80));
	ck_assert_str_eq(a.service, "s0");
	a = ask("", "10.0.0.1", 85, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.2", 85));
	a = ask("", "10.0.0.1", 91, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.3", 91));
	a = ask("", "10.0.0.1", 80, IPPROTO_UDP);
	ck_assert(goes_to(&a, "192.0.2.4", 80));
	a = ask("", "10.0.0.77", 7, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.5", 7));
	a = ask("", "10.0.1.1", 443, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.6", 443));
	a = ask("", "200.0.0.1", 443, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_NONE);
	ck_assert_int_eq(ebn_services_delete(sv, "s0"), 0);
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.2", 80));
	ck_assert_int_eq(ebn_services_delete(sv, "s0"), -ENOENT);
}
END_TEST

START_TEST(node_ports_answer_at_the_nodes_addresses)
{
	struct ebpfnet_frontend f = front("", 30080, IPPROTO_TCP);
	struct ebpfnet_backend b[2] = { backend("192.0.2.1", 80, IPPROTO_TCP), backend("2001:db8::1", 80, IPPROTO_TCP) };
	struct ebpfnet_addr addrs[2] = { addr("10.1.0.1"), addr("fd01::1") };
	struct ebpfnet_service_node_opts n = { EBPFNET_OPTS_INIT(n), .node = "n1", .addrs = addrs, .n_addrs = 2 };
	struct ebpfnet_service_opts o = service("np", &f, 1, b, 2);
	struct ebpfnet_service_answer a;

	f.kind = EBPFNET_FRONTEND_NODE_PORT;
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	a = ask("", "10.1.0.1", 30080, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_NONE);
	a = ask("", "127.0.0.1", 30080, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.1", 80));
	ck_assert_int_eq(ebn_services_node(sv, &n, diag), 0);
	a = ask("", "10.1.0.1", 30080, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.1", 80));
	a = ask("", "fd01::1", 30080, IPPROTO_TCP);
	ck_assert(goes_to(&a, "2001:db8::1", 80));
	a = ask("", "10.1.0.1", 30081, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_NONE);
	n.addrs = &addrs[1];
	n.n_addrs = 1;
	ck_assert_int_eq(ebn_services_node(sv, &n, diag), 0);
	a = ask("", "10.1.0.1", 30080, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_NONE);
	a = ask("", "fd01::1", 30080, IPPROTO_TCP);
	ck_assert(goes_to(&a, "2001:db8::1", 80));
}
END_TEST

START_TEST(states_zones_and_policies_choose_the_backends)
{
	struct ebpfnet_frontend f = front("10.0.0.1", 80, IPPROTO_TCP);
	struct ebpfnet_backend b[3] = { backend("192.0.2.1", 80, IPPROTO_TCP), backend("192.0.2.2", 80, IPPROTO_TCP),
					backend("192.0.2.3", 80, IPPROTO_TCP) };
	struct ebpfnet_service_opts o = service("a", &f, 1, b, 3);
	struct ebpfnet_service_node_opts n = { EBPFNET_OPTS_INIT(n), .node = "n2", .zone = "z3" };
	struct ebpfnet_service_answer a;

	b[1].node = "n2";
	b[2].zone = "z3";
	o.algorithm = EBPFNET_ALGORITHM_FIRST;
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	ck_assert_int_eq(ebn_services_node(sv, &n, diag), 0);
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.1", 80));
	ck_assert_int_eq(ebn_services_state(sv, NULL, &b[0], EBPFNET_BACKEND_DRAINING), 1);
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.2", 80));
	ck_assert_uint_eq(a.members, 3);
	ck_assert_int_eq(ebn_services_state(sv, "a", &b[0], EBPFNET_BACKEND_DRAINING), 0);
	ck_assert_int_eq(ebn_services_state(sv, "b", &b[0], EBPFNET_BACKEND_ACTIVE), -ENOENT);
	o.algorithm = EBPFNET_ALGORITHM_MAGLEV;
	o.prefer_zone = 1;
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.3", 80));
	o.prefer_zone = 0;
	o.internal_policy = EBPFNET_TRAFFIC_LOCAL;
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert(goes_to(&a, "192.0.2.2", 80));
	n.node = "n9";
	ck_assert_int_eq(ebn_services_node(sv, &n, diag), 0);
	a = ask("", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_NO_BACKEND);
	ck_assert_uint_eq(a.members, 3);
}
END_TEST

START_TEST(source_ranges_decide_by_the_longest_prefix)
{
	struct ebpfnet_frontend f[2] = { front("10.0.0.1", 80, IPPROTO_TCP), front("10.0.0.2", 80, IPPROTO_TCP) };
	struct ebpfnet_backend b = backend("192.0.2.1", 80, IPPROTO_TCP);
	struct ebpfnet_source_range r[4] = {
		{ .addr = addr("10.2.0.0"), .prefix = 16 }, { .addr = addr("10.2.3.0"), .prefix = 24, .deny = 1 },
		{ .addr = addr("10.2.3.4"), .prefix = 32 }, { .addr = addr("255.255.255.0"), .prefix = 24 },
	};
	static const struct {
		const char *src;
		bool ok;
	} q[] = { { "10.2.0.0", true }, { "10.2.2.255", true }, { "10.2.3.0", false }, { "10.2.3.3", false },
		  { "10.2.3.4", true }, { "10.2.3.5", false }, { "10.2.4.0", true }, { "10.1.255.255", false },
		  { "10.3.0.0", false }, { "255.255.255.255", true }, { "2001:db8::1", false }, { "", false } };
	struct ebpfnet_service_opts o = service("a", f, 2, &b, 1);
	struct ebpfnet_service_answer a;
	size_t i;

	f[0].kind = EBPFNET_FRONTEND_LOAD_BALANCER;
	o.sources = r;
	o.n_sources = 4;
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		a = ask(q[i].src, "10.0.0.1", 80, IPPROTO_TCP);
		ck_assert_msg(a.verdict == (q[i].ok ? EBPFNET_SERVICE_BACKEND : EBPFNET_SERVICE_SOURCE), "%s", q[i].src);
		a = ask(q[i].src, "10.0.0.2", 80, IPPROTO_TCP);
		ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_BACKEND);
	}
	for (i = 0; i < 4; i++)
		r[i].deny = 1;
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	a = ask("10.3.0.0", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_BACKEND);
	a = ask("10.2.0.0", "10.0.0.1", 80, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_SOURCE);
}
END_TEST

START_TEST(equal_backends_share_a_set)
{
	struct ebpfnet_backend b[2] = { backend("192.0.2.1", 80, IPPROTO_TCP), backend("192.0.2.2", 80, IPPROTO_TCP) };
	struct ebn_services_totals t;
	struct ebpfnet_frontend f;
	struct ebpfnet_service_opts o;
	char name[16], text[32];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.0.0.%d", i + 1);
		snprintf(name, sizeof(name), "s%d", i);
		f = front(text, 80, IPPROTO_TCP);
		o = service(name, &f, 1, b, 2);
		ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	}
	ebn_services_totals(sv, &t);
	ck_assert_uint_eq(t.services, 100);
	ck_assert_uint_eq(t.rows, 200);
	ck_assert_uint_eq(t.backends, 2);
	ck_assert_uint_eq(t.sets, 1);
	ck_assert_int_eq(ebn_services_state(sv, NULL, &b[0], EBPFNET_BACKEND_QUARANTINED), 100);
	ebn_services_totals(sv, &t);
	ck_assert_uint_eq(t.sets, 1);
	ck_assert_int_eq(ebn_services_sync(sv, NULL, 0, NULL, diag), 0);
	grace();
	ebn_services_totals(sv, &t);
	ck_assert_uint_eq(t.services + t.rows + t.backends + t.sets, 0);
}
END_TEST

START_TEST(bad_input_is_refused_and_changes_nothing)
{
	struct ebpfnet_frontend f[2] = { front("10.0.0.1", 80, IPPROTO_TCP), front("10.0.0.2", 80, IPPROTO_TCP) };
	struct ebpfnet_backend b[2] = { backend("192.0.2.1", 80, IPPROTO_TCP), backend("192.0.2.2", 80, IPPROTO_TCP) };
	struct ebpfnet_service_opts good = service("good", f, 1, b, 2), o = good;
	const struct ebpfnet_service_opts *list[2] = { &o, &o };
	struct ebpfnet_service_changes ch;
	uint32_t generation;
	uint64_t used;

	ck_assert_msg(!ebn_services_upsert(sv, &good, diag), "%s", said());
	grace();
	used = ebn_node_used(nt);
	generation = ebn_node_generation(nt);
#define REFUSED(err, change)                                                           \
	do {                                                                           \
		struct ebpfnet_frontend keep_f[2] = { f[0], f[1] };                    \
		struct ebpfnet_backend keep_b[2] = { b[0], b[1] };                     \
		o = good;                                                              \
		o.name = "bad";                                                        \
		o.frontends = &f[1];                                                   \
		change;                                                                \
		ck_assert_int_eq(ebn_services_upsert(sv, &o, diag), err);              \
		memcpy(f, keep_f, sizeof(f));                                          \
		memcpy(b, keep_b, sizeof(b));                                          \
	} while (0)
	REFUSED(-EEXIST, o.frontends = f);
	REFUSED(-EEXIST, (o.frontends = f, o.n_frontends = 2, f[1] = f[0]));
	REFUSED(-EEXIST, (o.frontends = f, o.n_frontends = 2, f[0] = f[1]));
	REFUSED(-EINVAL, o.name = "");
	REFUSED(-EINVAL, o.name = "a b");
	REFUSED(-EINVAL, o.n_frontends = 0);
	REFUSED(-EINVAL, o.frontends = NULL);
	REFUSED(-EINVAL, o.backends = NULL);
	REFUSED(-EINVAL, b[1] = b[0]);
	REFUSED(-EINVAL, b[0].addr = b[1].addr);
	REFUSED(-EINVAL, b[0].addr = addr(""));
	REFUSED(-EINVAL, b[0].state = 9);
	REFUSED(-EINVAL, b[0].protocol = 99);
	REFUSED(-EINVAL, b[0].zone = "a\nb");
	REFUSED(-EINVAL, b[0].reserved[1] = 1);
	REFUSED(-EINVAL, f[1].addr = addr(""));
	REFUSED(-EINVAL, f[1].prefix = 33);
	REFUSED(-EINVAL, f[1].port_last = 79);
	REFUSED(-EINVAL, f[1].protocol = 0);
	REFUSED(-EINVAL, f[1].protocol = 1);
	REFUSED(-EINVAL, f[1].protocol = IPPROTO_UDP);
	REFUSED(-EINVAL, f[1].addr = addr("fd00::1"));
	REFUSED(-EINVAL, f[1].kind = 7);
	REFUSED(-EINVAL, f[1].kind = EBPFNET_FRONTEND_NODE_PORT);
	REFUSED(-EINVAL, o.affinity_seconds = UINT32_MAX);
	REFUSED(-EINVAL, o.algorithm = (enum ebpfnet_algorithm)9);
	REFUSED(-EINVAL, o.sz = 3);
	REFUSED(-E2BIG, o.n_frontends = 5000);
	REFUSED(-E2BIG, o.n_backends = 40000);
	REFUSED(-EINVAL, f[1].protocol = IPPROTO_SCTP);
	REFUSED(-EINVAL, o.health_port = 1);
	o = good;
	o.name = "twice";
	ck_assert_int_eq(ebn_services_sync(sv, list, 2, NULL, diag), -EEXIST);
	ck_assert_int_eq(ebn_services_upsert(sv, NULL, diag), -EINVAL);
	/* and what would be taken, asked for only */
	ck_assert_int_eq(ebn_services_try(sv, list, 2, NULL, diag), -EEXIST);
	o.frontends = &f[1];
	ck_assert_int_eq(ebn_services_try(sv, list, 1, &ch, diag), 0);
	ck_assert_uint_eq(ch.added, 1);
	ck_assert_uint_eq(ch.removed, 1);
	ck_assert(ask("", "10.0.0.2", 80, IPPROTO_TCP).verdict == EBPFNET_SERVICE_NONE);
	ck_assert_int_eq(ebpfnet_service_check(&o, diag), 0);
	b[0].state = 9;
	ck_assert_int_eq(ebpfnet_service_check(&o, diag), -EINVAL);
	ck_assert_int_eq(ebpfnet_service_check(NULL, diag), -EINVAL);
	grace();
	ck_assert_uint_eq(ebn_node_used(nt), used);
	ck_assert_uint_eq(ebn_node_generation(nt), generation);
	ck_assert_int_eq(ebn_node_verify(nt), 0);
}
END_TEST

START_TEST(full_tables_are_an_error_and_change_nothing)
{
	static struct ebpfnet_backend b[2000];
	struct ebpfnet_frontend f = front("10.0.0.1", 80, IPPROTO_TCP);
	struct ebpfnet_service_opts o;
	struct ebpfnet_service_answer a;
	char name[16], text[32];
	uint64_t used;
	int i, k, err = 0;

	close_tables();
	open_tables(true, 1u << 20);
	for (i = 0; !err; i++) {
		ck_assert_int_lt(i, 100);
		for (k = 0; k < 2000; k++) {
			snprintf(text, sizeof(text), "192.%d.%d.%d", i, k / 250, k % 250 + 1);
			b[k] = backend(text, 80, IPPROTO_TCP);
		}
		snprintf(text, sizeof(text), "10.0.0.%d", i + 1);
		snprintf(name, sizeof(name), "s%d", i);
		f = front(text, 80, IPPROTO_TCP);
		o = service(name, &f, 1, b, 2000);
		used = ebn_node_used(nt);
		err = ebn_services_upsert(sv, &o, diag);
	}
	ck_assert_int_eq(err, -ENOSPC);
	grace();
	a = ask("", text, 80, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_NONE);
	ck_assert_int_eq(ebn_node_verify(nt), 0);
	/* arrays may have grown; what was asked for is not there */
	ck_assert_uint_le(ebn_node_used(nt), used + 400000);
	o = service("small", &f, 1, b, 2);
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	a = ask("", text, 80, IPPROTO_TCP);
	ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_BACKEND);
}
END_TEST

static int count_changed(uint32_t number, const struct ebpfnet_service_opts *o, void *arg)
{
	struct ebpfnet_service_opts *want = arg;

	ck_assert_uint_ge(number, 1);
	ck_assert_str_eq(o->name, want->name);
	ck_assert_uint_eq(o->n_frontends, want->n_frontends);
	ck_assert_mem_eq(o->frontends, want->frontends, want->n_frontends * sizeof(*o->frontends));
	ck_assert_uint_eq(o->n_backends, want->n_backends);
	ck_assert_str_eq(o->backends[0].zone, "z1");
	ck_assert_str_eq(o->backends[0].node, "n1");
	ck_assert_ptr_null(o->backends[1].zone);
	ck_assert_uint_eq(o->backends[1].weight, 1);
	ck_assert_uint_eq(o->n_sources, 1);
	ck_assert_uint_eq(o->sources[0].prefix, 8);
	ck_assert_uint_eq(o->affinity_seconds, 30);
	return 1;
}

START_TEST(a_restart_changes_nothing_and_knows_everything)
{
	struct ebpfnet_frontend f[3] = { front("10.0.0.1", 80, IPPROTO_TCP), front("", 30080, IPPROTO_TCP),
					 front("fd00::", 0, IPPROTO_TCP) };
	struct ebpfnet_backend b[3] = { backend("192.0.2.1", 80, IPPROTO_TCP), backend("192.0.2.2", 80, IPPROTO_TCP),
					backend("2001:db8::2", 80, IPPROTO_TCP) };
	struct ebpfnet_source_range r = { .addr = addr("10.0.0.0"), .prefix = 8 };
	struct ebpfnet_service_opts o = service("ns/web:http", f, 3, b, 3);
	struct ebpfnet_service_node_opts n = { EBPFNET_OPTS_INIT(n), .node = "n1", .zone = "z1" };
	const struct ebpfnet_service_opts *list[1] = { &o };
	struct ebpfnet_service_changes ch;
	uint32_t generation;
	uint64_t used;
	void *copy;

	f[1].kind = EBPFNET_FRONTEND_NODE_PORT;
	f[2].prefix = 64;
	b[0].zone = "z1";
	b[0].node = "n1";
	o.sources = &r;
	o.n_sources = 1;
	o.affinity_seconds = 30;
	ck_assert_int_eq(ebn_services_node(sv, &n, diag), 0);
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	grace();
	used = ebn_node_used(nt);
	generation = ebn_node_generation(nt);
	close_tables();
	copy = malloc(SIZE);
	memcpy(copy, mem, SIZE);
	open_tables(false, SIZE);
	/* epochs, the writer's name and what a set's number was raised to apart */
	grace();
	ck_assert_uint_eq(ebn_node_used(nt), used);
	ck_assert_uint_eq(ebn_node_generation(nt), generation);
	ck_assert_int_eq(ebn_services_sync(sv, list, 1, &ch, diag), 0);
	ck_assert_uint_eq(ch.unchanged, 1);
	ck_assert_uint_eq(ch.added + ch.changed + ch.removed, 0);
	b[0].weight = b[1].weight = 0;
	ck_assert_int_eq(ebn_services_read(mem, SIZE, count_changed, &o), 1);
	ck_assert_mem_eq((char *)mem + EBN_NODE_EXTENT_OFF, (char *)copy + EBN_NODE_EXTENT_OFF,
			 ebn_node_slot(nt, EBN_P_SVC_RECORD).off - EBN_NODE_EXTENT_OFF);
	free(copy);
}
END_TEST

static int look(uint32_t number, const struct ebpfnet_service_opts *o, void *arg)
{
	(void)number;
	(void)arg;
	return o->name ? 0 : -EPROTO;
}

START_TEST(damaged_tables_are_refused)
{
	uint64_t state = test_seed();
	struct ebpfnet_frontend f = front("10.0.0.1", 80, IPPROTO_TCP);
	struct ebpfnet_backend b[2] = { backend("192.0.2.1", 80, IPPROTO_TCP), backend("192.0.2.2", 80, IPPROTO_TCP) };
	struct ebpfnet_service_opts o = service("a", &f, 1, b, 2);
	struct ebpfnet_service_query q = { .dst = f.addr, .dport = 80, .protocol = IPPROTO_TCP };
	struct ebpfnet_service_answer a;
	uint32_t size = 1u << 20, i, used, refused = 0;
	struct ebn_services *s;
	struct ebn_node *n;
	uint8_t *copy;

	close_tables();
	open_tables(true, size);
	ck_assert_msg(!ebn_services_upsert(sv, &o, diag), "%s", said());
	used = (uint32_t)ebn_node_used(nt);
	close_tables();
	copy = aligned_alloc(4096, size);
	for (i = 0; i < 3000; i++) {
		memcpy(copy, mem, size);
		copy[EBN_NODE_EXTENT_OFF + test_below(&state, used - EBN_NODE_EXTENT_OFF)] ^=
			(uint8_t)(1 + test_below(&state, 255));
		/* a reader and an adopting writer may say what they like, but stay inside */
		(void)ebn_services_select(copy, size, &q, &a);
		(void)ebn_services_read(copy, size, look, NULL);
		if (ebn_node_open(copy, size, NULL, &n))
			continue;
		if (!ebn_services_open(NULL, n, NULL, &s)) {
			if (!ebn_node_adopted(n))
				(void)ebn_services_settle(s, NULL);
			ebn_services_free(s);
		} else {
			refused++;
		}
		ebn_node_free(n);
	}
	ck_assert_uint_gt(refused, 0);
	free(copy);
	open_tables(false, size);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		maglev_removing_one_of_a_hundred_moves_two_percent_at_most, maglev_shares_are_those_of_the_weights,
		maglev_does_not_depend_on_the_order, maglev_bounds_hold, the_most_specific_frontend_answers,
		node_ports_answer_at_the_nodes_addresses, states_zones_and_policies_choose_the_backends,
		source_ranges_decide_by_the_longest_prefix, equal_backends_share_a_set,
		bad_input_is_refused_and_changes_nothing, full_tables_are_an_error_and_change_nothing,
		a_restart_changes_nothing_and_knows_everything, damaged_tables_are_refused,
	};

	return run_suite_between("service", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
}
