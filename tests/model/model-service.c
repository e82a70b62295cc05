// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Services against a balancer that only searches lists. Random changes, some of them refused, restarts and grace periods in
 * between; after each, random questions. The reference says whether there is an answer, whose it is, and who may be it.
 */
#include <netinet/in.h>
#include <string.h>

#include "../unit/suite.h"
#include "service/internal.h"

#define SIZE (4u << 20)
#define SERVICES 12
#define FRONTS 3
#define BACKENDS 6
#define POOL 10		/* backends there are */

struct service {
	bool there;
	struct ebpfnet_frontend f[FRONTS];
	size_t nf;
	struct ebpfnet_backend b[BACKENDS];
	size_t nb;
	struct ebpfnet_source_range r[2];
	size_t nr;
	int algorithm, local, zone, affinity;
};

static const char *const names[] = { "n0", "n1", "n2" }, *const zones[] = { "z0", "z1" };
static void *mem;
static struct ebn_node *nt;
static struct ebn_services *sv;
static struct service now[SERVICES];
static const char *my_node, *my_zone;
static struct ebpfnet_addr node_addr[2];
static size_t node_addrs;
static uint64_t rnd;

static void open_tables(void)
{
	struct ebpfnet_diag *diag;
	char text[512];

	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	ck_assert_int_eq(ebn_node_open(mem, SIZE, diag, &nt), 0);
	if (ebn_services_open(NULL, nt, diag, &sv) || ebn_node_adopted(nt) || ebn_services_settle(sv, diag)) {
		ebpfnet_diag_format(diag, text, sizeof(text));
		ck_abort_msg("%s", text);
	}
	ebpfnet_diag_free(diag);
}

static void close_tables(void)
{
	ebn_services_free(sv);
	ebn_node_free(nt);
}

static struct ebpfnet_addr addr4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	struct ebpfnet_addr r = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } };

	return r;
}

static struct ebpfnet_addr some_vip(bool v6)
{
	struct ebpfnet_addr r = addr4(10, 0, (uint8_t)test_below(&rnd, 2), (uint8_t)test_below(&rnd, 4));

	if (v6) {
		memset(&r, 0, sizeof(r));
		r.b[0] = 0xfd;
		r.b[7] = (uint8_t)test_below(&rnd, 2);
		r.b[15] = (uint8_t)(1 + test_below(&rnd, 3));
	}
	return r;
}

/* Each address of the pool speaks both protocols; the upper half is IPv6. */
static struct ebpfnet_addr pool_addr(unsigned int i)
{
	struct ebpfnet_addr r = addr4(192, 0, 2, (uint8_t)i);

	if (i >= POOL / 2) {
		memset(&r, 0, sizeof(r));
		r.b[0] = 0x20;
		r.b[15] = (uint8_t)i;
	}
	return r;
}

static struct ebpfnet_frontend some_front(uint8_t proto, bool v6)
{
	static const uint8_t plen4[] = { 0, 0, 0, 24, 16, 8 }, plen6[] = { 0, 0, 0, 64, 48, 7 };
	struct ebpfnet_frontend f = { .protocol = proto };
	unsigned int what = test_below(&rnd, 10);

	f.addr = some_vip(v6);
	f.prefix = v6 ? plen6[test_below(&rnd, 6)] : plen4[test_below(&rnd, 6)];
	f.kind = test_below(&rnd, 2) ? EBPFNET_FRONTEND_CLUSTER_IP : EBPFNET_FRONTEND_LOAD_BALANCER;
	f.port = (uint16_t)(80 + test_below(&rnd, 5));
	if (what == 0) {
		f.port = 0;
	} else if (what == 1) {
		f.port_last = (uint16_t)(f.port + test_below(&rnd, 4));
	} else if (what == 2) {
		f.kind = test_below(&rnd, 2) ? EBPFNET_FRONTEND_NODE_PORT : EBPFNET_FRONTEND_HOST_PORT;
		memset(&f.addr, 0, sizeof(f.addr));
		f.prefix = 0;
	}
	return f;
}

static void some_service(struct service *s)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	uint8_t proto = protos[test_below(&rnd, 3)];
	bool v6 = test_below(&rnd, 3) == 0;
	unsigned int i, first = test_below(&rnd, POOL / 2);

	memset(s, 0, sizeof(*s));
	s->there = true;
	s->nf = 1 + test_below(&rnd, FRONTS);
	for (i = 0; i < s->nf; i++)
		s->f[i] = some_front(proto, v6);
	s->nb = test_below(&rnd, 5);
	for (i = 0; i < s->nb; i++) {
		s->b[i].addr = pool_addr((first + i) % (POOL / 2) + (v6 ? POOL / 2 : 0));
		s->b[i].port = (uint16_t)(test_below(&rnd, 4) ? 8080 : 0);
		s->b[i].protocol = proto;
		s->b[i].weight = (uint16_t)(1 + test_below(&rnd, 3));
		s->b[i].state = (uint8_t)(test_below(&rnd, 3) ? 0 : test_below(&rnd, 4));
		s->b[i].node = names[test_below(&rnd, 3)];
		s->b[i].zone = zones[test_below(&rnd, 2)];
	}
	s->nr = test_below(&rnd, 3);
	for (i = 0; i < s->nr; i++) {
		s->r[i].addr = addr4(172, (uint8_t)test_below(&rnd, 2), 0, 0);
		s->r[i].prefix = (uint8_t)(test_below(&rnd, 2) ? 16 : 12);
		s->r[i].deny = (uint8_t)test_below(&rnd, 2);
	}
	s->algorithm = (int)test_below(&rnd, 4);
	s->local = test_below(&rnd, 4) == 0;
	s->zone = test_below(&rnd, 4) == 0;
	s->affinity = test_below(&rnd, 4) ? 0 : 60;
}

static void options(const struct service *s, unsigned int number, char *name, size_t size,
		    struct ebpfnet_service_opts *o)
{
	snprintf(name, size, "service-%u", number);
	*o = (struct ebpfnet_service_opts){
		.sz = sizeof(*o), .name = name, .frontends = s->f, .n_frontends = s->nf, .backends = s->b,
		.n_backends = s->nb, .sources = s->r, .n_sources = s->nr,
		.algorithm = (enum ebpfnet_algorithm)s->algorithm, .affinity_seconds = (uint32_t)s->affinity,
		.internal_policy = s->local ? EBPFNET_TRAFFIC_LOCAL : EBPFNET_TRAFFIC_CLUSTER,
		.prefer_zone = (uint8_t)s->zone,
	};
}

/* ---- the reference ---- */

static unsigned int bits_of(const struct ebpfnet_frontend *f)
{
	return !ebpfnet_addr_family(&f->addr) || !f->prefix ? 128 :
	       f->prefix + (ebpfnet_addr_family(&f->addr) == 4 ? 96u : 0u);
}

static bool under(const struct ebpfnet_addr *a, const struct ebpfnet_addr *net, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < bits; i++)
		if ((a->b[i / 8] ^ net->b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* First and last port: what two frontends of one place may not share. */
static void ports_of(const struct ebpfnet_frontend *f, unsigned int *first, unsigned int *last, int *kind)
{
	*first = f->port;
	*last = f->port ? (f->port_last ? f->port_last : f->port) : 65535;
	*kind = !f->port ? 2 : *first == *last ? 0 : 1;
}

static bool overlap(const struct ebpfnet_frontend *a, const struct ebpfnet_frontend *b)
{
	unsigned int af, al, bf, bl;
	int ak, bk;

	ports_of(a, &af, &al, &ak);
	ports_of(b, &bf, &bl, &bk);
	return ak == bk && a->protocol == b->protocol && bits_of(a) == bits_of(b) && af <= bl && bf <= al &&
	       ebpfnet_addr_family(&a->addr) == ebpfnet_addr_family(&b->addr) && under(&a->addr, &b->addr, bits_of(a));
}

/* May this set of services be? */
static bool consistent(const struct service *all)
{
	unsigned int i, j, k, l, n = 0;
	bool plens[128] = { false };

	for (i = 0; i < SERVICES; i++) {
		for (k = 0; all[i].there && k < all[i].nf; k++) {
			plens[bits_of(&all[i].f[k]) & 127] = true;
			for (j = i; j < SERVICES; j++)
				for (l = j == i ? k + 1 : 0; all[j].there && l < all[j].nf; l++)
					if (overlap(&all[i].f[k], &all[j].f[l]))
						return false;
		}
	}
	for (i = 1; i < 128; i++)
		n += plens[i];
	return n <= EBN_SVC_PLENS;
}

static bool node_is(const struct ebpfnet_addr *a)
{
	size_t i;

	for (i = 0; i < node_addrs; i++)
		if (!memcmp(&node_addr[i], a, sizeof(*a)))
			return true;
	return false;
}

static const struct ebpfnet_frontend *find(const struct ebpfnet_service_query *q, unsigned int *ret)
{
	const struct ebpfnet_frontend *best = NULL, *f;
	unsigned int i, k, first, last, best_rank = 0, rank;
	int kind;
	bool own;

	for (i = 0; i < SERVICES; i++) {
		for (k = 0; now[i].there && k < now[i].nf; k++) {
			f = &now[i].f[k];
			own = !ebpfnet_addr_family(&f->addr);
			ports_of(f, &first, &last, &kind);
			if ((f->protocol && f->protocol != q->protocol) || q->dport < first || q->dport > last ||
			    (own ? !node_is(&q->dst) : !under(&q->dst, &f->addr, bits_of(f))) ||
			    (!own && bits_of(f) < 128 && ebpfnet_addr_family(&f->addr) != ebpfnet_addr_family(&q->dst)))
				continue;
			/* its own address before the node's, both before a prefix */
			rank = bits_of(f) * 16 + (own ? 0 : 8) + (kind == 0 ? 4 : kind == 1 ? 3 : f->protocol ? 2 : 1);
			if (rank <= best_rank)
				continue;
			best_rank = rank;
			best = f;
			*ret = i;
		}
	}
	return best;
}

static bool source_ok(const struct service *s, const struct ebpfnet_addr *a)
{
	unsigned int i, bits, best = 0;
	bool any = false, answer = false;

	for (i = 0; i < s->nr; i++)
		any |= !s->r[i].deny;
	for (i = 0; i < s->nr; i++) {
		bits = s->r[i].prefix + 96u;
		if (!under(a, &s->r[i].addr, bits) || bits < best)
			continue;
		answer = bits == best ? answer && !s->r[i].deny : !s->r[i].deny;
		best = bits;
	}
	return best ? answer : !any;
}

static bool eligible(const struct service *s, const struct ebpfnet_frontend *f, const struct ebpfnet_backend *b,
		     bool near_only, int family)
{
	bool local = f->kind == EBPFNET_FRONTEND_HOST_PORT || (f->kind == EBPFNET_FRONTEND_CLUSTER_IP && s->local);

	return b->state == EBPFNET_BACKEND_ACTIVE && ebpfnet_addr_family(&b->addr) == family &&
	       (!local || (my_node && !strcmp(b->node, my_node))) && (!near_only || !strcmp(b->zone, my_zone));
}

static void check(const struct ebpfnet_service_query *q)
{
	const struct ebpfnet_frontend *f;
	struct ebpfnet_service_answer a;
	unsigned int svc = 0, i, may = 0, first = BACKENDS;
	int family = ebpfnet_addr_family(&q->dst);
	bool near_only = false, found = false;
	char name[32];

	ck_assert_int_eq(ebn_services_select(mem, SIZE, q, &a), 0);
	f = find(q, &svc);
	if (!f) {
		ck_assert_msg(a.verdict == EBPFNET_SERVICE_NONE, "%s: %s", a.service, a.why);
		return;
	}
	snprintf(name, sizeof(name), "service-%u", svc);
	ck_assert_msg(!strcmp(a.service, name), "%s instead of %s", a.service, name);
	if (f->kind != EBPFNET_FRONTEND_CLUSTER_IP && now[svc].nr && !source_ok(&now[svc], &q->src)) {
		ck_assert_int_eq(a.verdict, EBPFNET_SERVICE_SOURCE);
		return;
	}
	for (i = 0; now[svc].zone && my_zone && i < now[svc].nb; i++)
		near_only |= eligible(&now[svc], f, &now[svc].b[i], true, family);
	for (i = 0; i < now[svc].nb; i++) {
		const struct ebpfnet_backend *b = &now[svc].b[i];

		if (!eligible(&now[svc], f, b, near_only, family))
			continue;
		may++;
		if (first == BACKENDS)
			first = i;
		if (now[svc].algorithm == EBPFNET_ALGORITHM_FIRST && i != first)
			continue;
		found |= !memcmp(&b->addr, &a.backend, 16) && a.port == (b->port ? b->port : q->dport);
	}
	ck_assert_msg(a.verdict == (may ? EBPFNET_SERVICE_BACKEND : EBPFNET_SERVICE_NO_BACKEND),
		      "%s: %s; %u may, kind %u, local %d, zone %d, node %s, zone %s", name, a.why, may, f->kind,
		      now[svc].local, near_only, my_node, my_zone);
	ck_assert_msg(!may || found, "%s: a backend that may not be it", name);
}

static void ask(unsigned int n)
{
	struct ebpfnet_service_query q = { .sport = 1 };

	while (n-- > 0) {
		q.src = addr4(172, (uint8_t)test_below(&rnd, 20), 0, 1);
		q.dst = node_addrs && !test_below(&rnd, 4) ? node_addr[test_below(&rnd, (unsigned int)node_addrs)] :
							     some_vip(test_below(&rnd, 2));
		q.sport++;
		q.dport = (uint16_t)(79 + test_below(&rnd, 10));
		q.protocol = test_below(&rnd, 3) ? test_below(&rnd, 2) ? IPPROTO_TCP : IPPROTO_UDP : IPPROTO_SCTP;
		check(&q);
	}
}

/* ---- changes ---- */

/* All space but a little is taken, so that a change fails wherever it asks for more. */
static uint32_t taken[4096];
static unsigned int n_taken;
static bool starving;

static void starve(void)
{
	uint32_t len;
	unsigned int i, k;

	for (len = SIZE / 2; len >= EBN_LINE; len /= 2)
		while (n_taken < EBN_ARRAY_SIZE(taken) && !ebn_node_alloc(nt, EBN_X_NAME, len, &taken[n_taken]))
			n_taken++;
	ck_assert_uint_lt(n_taken, EBN_ARRAY_SIZE(taken));
	for (i = test_below(&rnd, 12); i && n_taken; i--) {
		/* the last ones are small */
		k = n_taken - 1 - test_below(&rnd, n_taken < 12 ? n_taken : 12);
		ebn_node_release(nt, taken[k]);
		taken[k] = taken[--n_taken];
	}
	starving = true;
}

static void feed(void)
{
	while (n_taken)
		ebn_node_release(nt, taken[--n_taken]);
	starving = false;
}

/* Was the answer right, and is the change to be believed? */
static bool done(int err, bool right)
{
	if (starving && err == -ENOSPC)
		return false;
	if (right)
		ck_assert_int_eq(err, 0);
	else
		ck_assert(err == -EEXIST || err == -ENOSPC);
	return right;
}

static void change_one(void)
{
	unsigned int i = test_below(&rnd, SERVICES);
	struct service next[SERVICES];
	struct ebpfnet_service_opts o;
	char name[32];
	int err;

	memcpy(next, now, sizeof(next));
	some_service(&next[i]);
	options(&next[i], i, name, sizeof(name), &o);
	err = ebn_services_upsert(sv, &o, NULL);
	if (done(err, consistent(next)))
		memcpy(now, next, sizeof(now));
}

static void change_all(void)
{
	const struct ebpfnet_service_opts *list[SERVICES];
	struct ebpfnet_service_opts o[SERVICES];
	struct service next[SERVICES];
	unsigned int i, n = 0;
	char name[SERVICES][32];
	int err;

	memcpy(next, now, sizeof(next));
	for (i = 0; i < SERVICES; i++) {
		switch (test_below(&rnd, 8)) {
		case 0:
			some_service(&next[i]);
			break;
		case 1:
			next[i].there = false;
			break;
		}
		if (!next[i].there)
			continue;
		options(&next[i], i, name[i], sizeof(name[i]), &o[i]);
		list[n++] = &o[i];
	}
	err = ebn_services_sync(sv, list, n, NULL, NULL);
	if (done(err, consistent(next)))
		memcpy(now, next, sizeof(now));
}

static void change_state(void)
{
	enum ebpfnet_backend_state state = (enum ebpfnet_backend_state)test_below(&rnd, 4);
	struct ebpfnet_backend b = { .addr = pool_addr(test_below(&rnd, POOL)), .port = 8080, .protocol = IPPROTO_TCP };
	unsigned int i, k, found = 0, changed = 0;
	int r = ebn_services_state(sv, NULL, &b, state);

	if (starving && r == -ENOSPC)
		return;
	for (i = 0; i < SERVICES; i++) {
		for (k = 0; now[i].there && k < now[i].nb; k++) {
			if (memcmp(&now[i].b[k].addr, &b.addr, 16) || now[i].b[k].port != 8080 ||
			    now[i].b[k].protocol != IPPROTO_TCP)
				continue;
			found++;
			changed += now[i].b[k].state != state;
			now[i].b[k].state = (uint8_t)state;
		}
	}
	ck_assert_int_eq(r, found ? (int)changed : -ENOENT);
}

static void change_node(void)
{
	struct ebpfnet_addr addrs[2] = { addr4(10, 0, 0, 1), some_vip(true) };
	struct ebpfnet_service_node_opts o = { EBPFNET_OPTS_INIT(o), .addrs = addrs };

	o.node = test_below(&rnd, 4) ? names[test_below(&rnd, 3)] : NULL;
	o.zone = test_below(&rnd, 4) ? zones[test_below(&rnd, 2)] : NULL;
	o.n_addrs = test_below(&rnd, 3);
	if (!done(ebn_services_node(sv, &o, NULL), true))
		return;
	my_node = o.node;
	my_zone = o.zone;
	node_addrs = o.n_addrs;
	memcpy(node_addr, addrs, sizeof(addrs));
}

START_TEST(services_are_those_of_the_reference)
{
	static const uint64_t seed[2] = { 1, 2 };
	const char *text = getenv("EBN_MODEL_ROUNDS");
	unsigned int rounds = text ? (unsigned int)strtoul(text, NULL, 10) : 1500, i;
	uint64_t empty;
	char name[32];

	rnd = test_seed();
	mem = aligned_alloc(4096, SIZE);
	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, SIZE);
	ck_assert_int_eq(ebn_node_format(mem, SIZE, seed), 0);
	open_tables();
	for (i = 0; i < rounds; i++) {
		if (!test_below(&rnd, 4))
			starve();
		switch (test_below(&rnd, 12)) {
		case 0:
			change_all();
			break;
		case 1:
			change_node();
			break;
		case 2:
		case 3:
			change_state();
			break;
		case 4:
			snprintf(name, sizeof(name), "service-%u", test_below(&rnd, SERVICES));
			if (!ebn_services_delete(sv, name))
				now[strtoul(name + 8, NULL, 10)].there = false;
			break;
		case 5:
			if (ebn_node_grace_cut(nt))
				ebn_node_grace_done(nt);
			break;
		case 6:
			if (starving || test_below(&rnd, 4))
				break;
			close_tables();
			open_tables();
			break;
		default:
			change_one();
		}
		ask(20);
		feed();
	}
	/* nothing was lost on the way */
	ck_assert_int_eq(ebn_services_sync(sv, NULL, 0, NULL, NULL), 0);
	memset(now, 0, sizeof(now));
	for (i = 0; i < 4; i++)
		if (ebn_node_grace_cut(nt))
			ebn_node_grace_done(nt);
	ck_assert_int_eq(ebn_node_verify(nt), 0);
	empty = ebn_node_used(nt);
	close_tables();
	open_tables();
	ck_assert_uint_eq(ebn_node_used(nt), empty);
	close_tables();
	free(mem);
}
END_TEST

RUN_SUITE("model-service", services_are_those_of_the_reference)
