// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Least connections: each choice against a reference that keeps its own count of what is open, and what comes of it when flows
 * live for very different times, beside a choice at random.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <math.h>
#include <string.h>

#include "service/internal.h"
#include "svc.h"

#define BACKENDS 8
#define FLOWS 1500
#define LIVES 800	/* rounds of the longest */

struct flow {
	struct spec q;
	unsigned int backend, until;
	bool open;
};

static struct flow flows[FLOWS];
static struct ebpfnet_backend pool[BACKENDS];
static uint64_t rnd;

static uint32_t serving(struct ebpfnet_service_opts *o, enum ebpfnet_algorithm algorithm, bool weights)
{
	unsigned int i;

	*o = opts("four", VIP4, NULL, NULL);
	for (i = 0; i < BACKENDS; i++)
		pool[i] = (struct ebpfnet_backend){ .addr = addr("10.9.0.1"), .port = 8080,
						    .weight = (uint16_t)(weights ? 1 + i % 3 : 1) };
	for (i = 0; i < BACKENDS; i++)
		pool[i].addr.b[15] = (uint8_t)(1 + i);
	o->backends = pool;
	o->n_backends = BACKENDS;
	o->algorithm = algorithm;
	put(o);
	return ebn_svc_find(sv, "four")->number;
}

/* By the last byte of the address. */
static unsigned int backend_of(uint32_t row)
{
	return (unsigned int)(ntohl(ebn_svc_backend(sv, row)->addr[3]) & 0xff) - 1;
}

/* The set of a frontend, for clients here. */
static const struct ebn_svc_set *set_of(void)
{
	const struct ebn_svc *svc = ebn_svc_find(sv, "four");

	return ebn_node_ptr(rig.nt, sv->set[svc->front[0].set[EBN_SVC_INSIDE]].off, sizeof(struct ebn_svc_set));
}

static unsigned int drawn(uint32_t hash)
{
	const struct ebn_svc_set *set = set_of();
	const uint32_t *member = (const uint32_t *)(set + 1);
	const uint16_t *slot = (const uint16_t *)(member + set->members);

	return backend_of(member[slot[ebn_svc_slot(hash, set->slots)]]);
}

/* What the reference would take. */
static unsigned int expected(const struct spec *q, const unsigned int *open)
{
	struct ebpfnet_addr a = addr(q->src), b = addr(q->dst);
	uint32_t src[4], dst[4], hash;
	unsigned int one, other;

	memcpy(src, a.b, 16);
	memcpy(dst, b.b, 16);
	hash = ebn_svc_tuple_hash(src, q->sport, dst, q->dport, q->proto);
	one = drawn(hash);
	other = drawn(ebn_svc_second(hash));
	return open[one] * pool[other].weight > open[other] * pool[one].weight ? other : one;
}

static unsigned int begins(const struct spec *q)
{
	a_sends(q);
	EXPECT(PASS);
	return (unsigned int)r.out.b[33] - 1;
}

/* The backend refuses it, or the client gives up: either way the flow is over. */
static void ends(const struct flow *f)
{
	char from[16];
	struct spec a;

	snprintf(from, sizeof(from), "10.9.0.%u", f->backend + 1);
	a = answer(&f->q, from, 8080);
	a.flags = RST | ACK;
	a.seq = 0;
	wire_brings(&a);
	EXPECT(REDIRECT);
}

static unsigned int active(unsigned int backend)
{
	struct ebn_be_active a;
	uint32_t row, i;

	for (i = 0; i < sv->backends_used; i++)
		if (sv->backend[i].refs && backend_of(i) == backend)
			break;
	row = i;
	ck_assert_int_eq(bpf_map_lookup_elem(rig_map("ebn_active"), &row, &a), 0);
	return a.flows;
}

static void open_rig(void)
{
	const struct rig_opts o = { .sets = 4096 };

	svc_open_with(&o);
}

static struct spec the_nth(unsigned int i)
{
	struct spec q = question(0, 0);

	q.sport = (uint16_t)(2000 + i);
	return q;
}

START_TEST(every_choice_is_the_references)
{
	unsigned int open[BACKENDS] = { 0 }, i, k, second = 0;
	struct ebpfnet_service_opts o;
	struct flow *f;

	rnd = test_seed();
	open_rig();
	serving(&o, EBPFNET_ALGORITHM_LEAST_CONNECTIONS, true);
	for (i = 0; i < FLOWS; i++) {
		f = &flows[i];
		*f = (struct flow){ .q = the_nth(i), .open = true };
		k = expected(&f->q, open);
		f->backend = begins(&f->q);
		ck_assert_msg(f->backend == k, "flow %u: to %u, the reference says %u", i, f->backend, k);
		open[k]++;
		second += k != expected(&f->q, (const unsigned int[BACKENDS]){ 0 });
		/* as many end as begin, once there are some */
		for (k = 0; i > 200 && k < 4; k++) {
			f = &flows[test_below(&rnd, i + 1)];
			if (!f->open)
				continue;
			ends(f);
			f->open = false;
			open[f->backend]--;
			break;
		}
		for (k = 0; k < BACKENDS && i % 100 == 0; k++)
			ck_assert_uint_eq(active(k), open[k]);
	}
	/* the choice was one */
	ck_assert_uint_gt(second, FLOWS / 10);
	svc_close();
}
END_TEST

/* Most flows are short, some live for very long. */
static unsigned int life(void)
{
	unsigned int x = 1 + test_below(&rnd, 10000);

	return x < 250 ? LIVES : 200000 / x;
}

/* How far backends are from what their weight would have them have, as the root of the mean square, over the second half. */
static double spread(enum ebpfnet_algorithm algorithm, bool weights, uint64_t seed)
{
	unsigned int open[BACKENDS] = { 0 }, i, k, all = 0, sum = 0, rounds = 0;
	struct ebpfnet_service_opts o;
	double square = 0, share;
	struct flow *f;

	rnd = seed;
	open_rig();
	serving(&o, algorithm, weights);
	for (k = 0; k < BACKENDS; k++)
		sum += pool[k].weight;
	for (i = 0; i < FLOWS; i++) {
		f = &flows[i];
		*f = (struct flow){ .q = the_nth(i), .open = true, .until = i + life() };
		f->backend = begins(&f->q);
		open[f->backend]++;
		all++;
		for (k = 0; k <= i; k++) {
			if (!flows[k].open || flows[k].until > i)
				continue;
			ends(&flows[k]);
			flows[k].open = false;
			open[flows[k].backend]--;
			all--;
		}
		if (i < FLOWS / 2)
			continue;
		rounds++;
		for (k = 0; k < BACKENDS; k++) {
			share = (double)all * pool[k].weight / sum;
			square += (open[k] - share) * (open[k] - share) / BACKENDS;
		}
	}
	svc_close();
	return sqrt(square / rounds);
}

START_TEST(the_spread_is_below_that_of_random)
{
	uint64_t seed = test_seed();
	double least, random;
	int weights;

	for (weights = 0; weights < 2; weights++) {
		least = spread(EBPFNET_ALGORITHM_LEAST_CONNECTIONS, weights, seed);
		random = spread(EBPFNET_ALGORITHM_RANDOM, weights, seed);
		printf("%s weights: off by %.2f flows, at random by %.2f\n", weights ? "several" : "equal", least, random);
		ck_assert_msg(least < random * 0.7, "off by %.2f flows, at random by %.2f", least, random);
	}
}
END_TEST

static void count(const struct ebn_flow_copy *c, int by, void *arg)
{
	unsigned int *n = arg;

	if (EBN_CTL_STATE(c->body.ctl) != EBN_FS_CLOSING)
		n[backend_of(c->body.aux)] += (unsigned int)by;
}

START_TEST(a_sweep_counts_what_is_there)
{
	static const uint32_t idle[8] = { 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000 };
	unsigned int n[BACKENDS] = { 0 }, k, before = 0, after = 0;
	struct ebn_sweep s = { .idle_ticks = idle, .front = count, .front_arg = n };
	struct ebpfnet_service_opts o;
	struct spec u = question(2, 0);
	struct ebn_flow_copy c;
	uint64_t pos = 0;

	open_rig();
	serving(&o, EBPFNET_ALGORITHM_LEAST_CONNECTIONS, false);
	for (k = 0; k < 100; k++) {
		u.sport = (uint16_t)(3000 + k);
		begins(&u);
		flows[k] = (struct flow){ .q = the_nth(k) };
		flows[k].backend = begins(&flows[k].q);
		if (k % 2)
			ends(&flows[k]);
	}
	/* once more, of a client that was refused: the same flow begins anew */
	ck_assert_uint_lt(begins(&flows[1].q), BACKENDS);
	ck_assert_int_eq(rig_flow_in(&u, EBN_ZONE_SVC, &c), 1);
	s.now = c.body.seen;
	ck_assert_uint_eq(ebn_flow_sweep(&rig.flows[0], &s, &pos, 0), 0);
	for (k = 0; k < BACKENDS; k++) {
		ck_assert_uint_eq(n[k], active(k));
		before += n[k];
	}
	ck_assert_uint_eq(before, 151);
	/* silent for too long: none of them, whatever programs have seen */
	s.now += 2000;
	memset(n, 0, sizeof(n));
	ck_assert_uint_ge(ebn_flow_sweep(&rig.flows[0], &s, &pos, 0), 450);
	for (k = 0; k < BACKENDS; k++)
		after += n[k];
	ck_assert_uint_eq(after, 0);
	svc_close();
}
END_TEST

START_TEST(udp_of_a_backend_that_went_is_counted_where_it_is)
{
	struct ebpfnet_service_opts o;
	struct spec u = question(2, 0);
	unsigned int one, other;

	open_rig();
	serving(&o, EBPFNET_ALGORITHM_LEAST_CONNECTIONS, false);
	one = begins(&u);
	ck_assert_uint_eq(active(one), 1);
	pool[one] = pool[BACKENDS - 1];
	o.n_backends = BACKENDS - 1;
	if (one == BACKENDS - 1)
		o.n_backends = one;
	put(&o);
	usleep(300000);
	other = begins(&u);
	ck_assert_uint_ne(other, one);
	ck_assert_uint_eq(active(other), 1);
	svc_close();
}
END_TEST

RUN_SUITE("packet-services-least", every_choice_is_the_references, the_spread_is_below_that_of_random,
	  a_sweep_counts_what_is_there, udp_of_a_backend_that_went_is_counted_where_it_is)
