// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Ports of masquerade: every one of a range is given out and none twice, to each destination anew; against a reference that
 * keeps a list, and with two CPUs that ask at once.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/suite.h"
#include "nat.h"

static struct rig_result r;

/* Longer than a tick: what is remembered of an exhausted destination is forgotten. */
static void next_tick(void)
{
	usleep(300000);
}

static uint16_t out_port(const struct rig_result *res)
{
	struct nat_tuple t;

	nat_tuple(&res->out, &t);
	return t.sport;
}

/* The reservation of a port towards a destination is forgotten. */
static void release(const struct spec *flow, uint16_t port)
{
	struct spec own = *flow;
	struct ebn_flow_copy f;

	ck_assert_int_eq(rig_flow(flow, &f), 1);
	ck_assert_int_eq(ebn_flow_kill(&rig.flows[0], &f), 1);
	own.src = NODE4;
	own.sport = port;
	ck_assert_int_eq(rig_flow_in(&own, EBN_ZONE_NAT, &f), 1);
	ck_assert_int_eq(ebn_flow_kill(&rig.flows[0], &f), 1);
	ebn_flow_reap(&rig.flows[0]);
}

/* ---- sixty thousand flows of one source through one address to one port ---- */

#define MANY 60000u
#define MANY_MIN 1024u
#define FIRST_SPORT 2000u

static struct spec many(const char *dst, unsigned int i)
{
	return (struct spec){ .src = A4, .dst = dst, .proto = UDP, .sport = (uint16_t)(FIRST_SPORT + i), .dport = 80 };
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void fill(const char *dst, uint16_t *port)
{
	static uint8_t used[65536];
	double start = now(), last = 0;
	unsigned int i, early = 0;
	struct spec s;
	uint64_t scans = rig_counter(EBN_C_NAT_SCAN);

	memset(used, 0, sizeof(used));
	for (i = 0; i < MANY; i++) {
		if (i == MANY - 100)
			last = now();
		s = many(dst, i);
		nat_sends(&s, &r);
		ck_assert_msg(r.action == PASS, "%u: action %d, %s", i, r.action, rig_reason_name(r.reason));
		port[i] = out_port(&r);
		ck_assert_msg(port[i] >= MANY_MIN && port[i] < MANY_MIN + MANY, "port %u", port[i]);
		ck_assert_msg(!used[port[i]], "port %u twice", port[i]);
		used[port[i]] = 1;
		if (!early && i % 100 == 0 && rig_counter(EBN_C_NAT_SCAN) > scans)
			early = i;
	}
	printf("# %u ports in %.2f s, the last hundred in %.1f ms; first walk at %u\n", MANY, now() - start,
	       (now() - last) * 1e3, early);
	/* a warning, and not at the last moment */
	ck_assert_uint_gt(early, MANY / 4);
	ck_assert_uint_lt(early, MANY - 1000);
}

START_TEST(sixty_thousand_flows_fail_exactly_at_the_end_of_the_range)
{
	struct rig_opts opts = { .sets = 65536 };
	static uint16_t port[2][MANY];
	static const char *const dst[] = { FAR4, "10.9.0.2" };
	uint64_t refused;
	struct spec s;
	unsigned int i, d;
	double start;

	nat_open(&opts, MANY_MIN, MANY_MIN + MANY - 1);
	for (d = 0; d < 2; d++) {
		fill(dst[d], port[d]);
		start = now();
		refused = rig_counter(EBN_C_NAT_EXHAUSTED);
		for (i = MANY; i < MANY + 50; i++) {
			s = many(dst[d], i);
			nat_sends(&s, &r);
			ck_assert_int_eq(r.action, DROP);
			ck_assert_str_eq(rig_reason_name(r.reason), "NAT_EXHAUSTED");
		}
		printf("# fifty refusals in %.1f ms\n", (now() - start) * 1e3);
		ck_assert_uint_eq(rig_counter(EBN_C_NAT_EXHAUSTED), refused + 50);
		/* which nobody notices who has a port */
		for (i = 0; i < MANY; i += 97) {
			s = many(dst[d], i);
			nat_sends(&s, &r);
			ck_assert_int_eq(r.action, PASS);
			ck_assert_uint_eq(out_port(&r), port[d][i]);
		}
	}
	/* one that is free again is found, wherever it is */
	for (i = 0; i < MANY; i += MANY / 3) {
		s = many(dst[0], i);
		release(&s, port[0][i]);
		next_tick();
		s = many(dst[0], MANY + 100 + i / 1000);
		nat_sends(&s, &r);
		ck_assert_int_eq(r.action, PASS);
		ck_assert_uint_eq(out_port(&r), port[0][i]);
	}
	rig_close();
}
END_TEST

/* ---- against a list ---- */

#define RANGE 24u
#define RANGE_MIN 30000u
#define DESTS 3u
#define SPORTS 40u
#define OPS 6000

struct model {
	uint16_t port[2][SPORTS][DESTS];	/* of a flow, 0: none */
	uint8_t used[DESTS][RANGE];
};

static struct spec model_flow(unsigned int ep, unsigned int sport, unsigned int d)
{
	static const char *const dst[DESTS] = { FAR4, "10.9.0.2", "203.0.113.5" };

	return (struct spec){
		.src = ep ? B4 : A4, .dst = dst[d], .proto = UDP, .sport = (uint16_t)(9000 + sport), .dport = 53
	};
}

static unsigned int model_count(const struct model *m, unsigned int d)
{
	unsigned int i, n = 0;

	for (i = 0; i < RANGE; i++)
		n += m->used[d][i];
	return n;
}

static void model_send(struct model *m, unsigned int ep, unsigned int sport, unsigned int d)
{
	struct spec s = model_flow(ep, sport, d);
	uint16_t *port = &m->port[ep][sport][d], got;

	nat_sends(&s, &r);
	if (!*port && model_count(m, d) < RANGE && r.action == DROP) {
		/* remembered as exhausted since this tick began */
		next_tick();
		nat_sends(&s, &r);
	}
	if (!*port && model_count(m, d) == RANGE) {
		ck_assert_int_eq(r.action, DROP);
		ck_assert_str_eq(rig_reason_name(r.reason), "NAT_EXHAUSTED");
		return;
	}
	ck_assert_msg(r.action == PASS, "%s with %u ports in use", rig_reason_name(r.reason), model_count(m, d));
	got = out_port(&r);
	if (*port) {
		ck_assert_uint_eq(got, *port);
		return;
	}
	ck_assert_msg(got >= RANGE_MIN && got < RANGE_MIN + RANGE && !m->used[d][got - RANGE_MIN], "port %u", got);
	*port = got;
	m->used[d][got - RANGE_MIN] = 1;
}

START_TEST(ports_are_those_of_a_reference_that_keeps_a_list)
{
	struct rig_opts opts = { .sets = 256 };
	uint64_t seed = test_seed();
	static struct model m;
	unsigned int ep, sport, d;
	struct spec s, back;
	uint16_t *port;
	int i;

	memset(&m, 0, sizeof(m));
	nat_open(&opts, RANGE_MIN, RANGE_MIN + RANGE - 1);
	for (i = 0; i < OPS; i++) {
		ep = test_below(&seed, 2);
		sport = test_below(&seed, SPORTS);
		d = test_below(&seed, DESTS);
		port = &m.port[ep][sport][d];
		s = model_flow(ep, sport, d);
		switch (test_below(&seed, 8)) {
		case 0:
			/* rarely enough that destinations are often full */
			if (!*port || test_below(&seed, 6))
				break;
			release(&s, *port);
			m.used[d][*port - RANGE_MIN] = 0;
			*port = 0;
			break;
		case 1:
			if (!*port)
				break;
			back = (struct spec){ .src = s.dst, .dst = NODE4, .proto = UDP, .sport = 53, .dport = *port };
			nat_comes(&back, &r);
			ck_assert_int_eq(r.action, REDIRECT);
			nat_is(&r.out, s.dst, s.src);
			break;
		default:
			model_send(&m, ep, sport, d);
		}
	}
	rig_close();
}
END_TEST

START_TEST(a_port_that_has_expired_is_given_to_another)
{
	struct rig_opts opts = { .sets = 64 };
	struct spec s = model_flow(0, 0, 0);
	struct ebn_flow_copy f;
	unsigned int i;

	nat_open(&opts, RANGE_MIN, RANGE_MIN);
	nat_sends(&s, &r);
	ck_assert_int_eq(r.action, PASS);
	s = model_flow(1, 0, 0);
	nat_sends(&s, &r);
	ck_assert_str_eq(rig_reason_name(r.reason), "NAT_EXHAUSTED");
	for (i = 0; i < 8; i++)
		rig.hdr->idle_ticks[i] = 1;
	for (i = 0; i < 3; i++)
		next_tick();
	nat_sends(&s, &r);
	ck_assert_int_eq(r.action, PASS);
	ck_assert_uint_eq(out_port(&r), RANGE_MIN);
	/* who had it has it no more, and gets none */
	s = model_flow(0, 0, 0);
	ck_assert_int_eq(rig_flow(&s, &f), 1);
	for (i = 0; i < 8; i++)
		rig.hdr->idle_ticks[i] = 1000;
	nat_sends(&s, &r);
	ck_assert_str_eq(rig_reason_name(r.reason), "NAT_EXHAUSTED");
	rig_close();
}
END_TEST

START_TEST(a_full_flow_table_is_its_own_reason)
{
	struct rig_opts opts = { .sets = 16 };
	struct ebn_flow_copy f;
	struct spec s;
	unsigned int i, full = 0;
	uint64_t pos;

	nat_open(&opts, 1024, 60000);
	for (i = 0; i < 400; i++) {
		s = (struct spec){ .src = A4, .dst = FAR4, .proto = UDP, .sport = (uint16_t)(1000 + i), .dport = 80 };
		nat_sends(&s, &r);
		if (r.action == DROP) {
			ck_assert_msg(r.reason == EBN_R_FLOW_FULL || r.reason == EBN_R_NAT_UNKNOWN, "%s",
				      rig_reason_name(r.reason));
			full++;
			continue;
		}
		nat_is(&r.out, NODE4, FAR4);
		/* proven, so that nothing is given up */
		for (pos = 0; ebn_flow_next(&rig.flows[0], &pos, &f);) {
			struct ebn_flow_set4 *set = (struct ebn_flow_set4 *)rig.flows[0].mem + f.set;

			set->e[f.way].body.ctl |= (uint64_t)EBN_FS_ESTABLISHED << 40;
			set->e[f.way].body.ctl &= ~((uint64_t)3 << 40);
		}
	}
	ck_assert_uint_gt(full, 100);
	rig_close();
}
END_TEST

/* ---- two CPUs ---- */

#define RACE_RANGE 48u
#define RACE_FLOWS 32u
#define RACE_ROUNDS 400

struct racer {
	int cpu, ep, round;
	pthread_barrier_t *barrier;
	unsigned int given, refused, other;
	uint16_t port[RACE_FLOWS];
};

static void *race(void *arg)
{
	struct racer *t = arg;
	struct rig_result res;
	struct nat_tuple tuple;
	struct packet p;
	struct spec s;
	cpu_set_t set;
	unsigned int i;

	CPU_ZERO(&set);
	CPU_SET(t->cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	pthread_barrier_wait(t->barrier);
	for (i = 0; i < RACE_FLOWS; i++) {
		/* another destination each round: that the last one was used up is remembered */
		s = (struct spec){ .src = t->ep ? B4 : A4,
				   .dst = FAR4,
				   .proto = UDP,
				   .dport = (uint16_t)(1000 + t->round),
				   .sport = (uint16_t)(100 + i),
				   .smac = t->ep ? mac_b : mac_a,
				   .dmac = mac_gw };
		t->port[i] = 0;
		packet_make(&p, &s);
		rig_run_quiet(FROM_EP, t->ep ? rig.ifindex_b : rig.ifindex_a, &p, &res);
		if (res.action != PASS) {
			t->other++;
			continue;
		}
		rig_run_quiet(TO_NETDEV, rig.ifindex_nd, &p, &res);
		if (res.action == PASS) {
			nat_tuple(&res.out, &tuple);
			t->port[i] = tuple.sport;
			t->given++;
		} else {
			t->refused++;
		}
	}
	return NULL;
}

START_TEST(two_cpus_never_get_the_same_port)
{
	struct rig_opts opts = { .sets = 256 };
	unsigned int i, j, given, round;
	struct racer t[2];
	uint8_t used[RACE_RANGE];
	pthread_barrier_t barrier;
	pthread_t thread[2];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	nat_open(&opts, RANGE_MIN, RANGE_MIN + RACE_RANGE - 1);
	rig.hdr->observe = 0;
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
	for (round = 0; round < RACE_ROUNDS; round++) {
		rig_flush();
		memset(t, 0, sizeof(t));
		memset(used, 0, sizeof(used));
		for (i = 0; i < 2; i++) {
			t[i].cpu = t[i].ep = (int)i;
			t[i].round = (int)round;
			t[i].barrier = &barrier;
			ck_assert_int_eq(pthread_create(&thread[i], NULL, race, &t[i]), 0);
		}
		for (i = 0; i < 2; i++)
			pthread_join(thread[i], NULL);
		given = t[0].given + t[1].given;
		for (i = 0; i < 2; i++)
			for (j = 0; j < RACE_FLOWS; j++) {
				unsigned int port = t[i].port[j];

				if (!port)
					continue;
				ck_assert_msg(port >= RANGE_MIN && port < RANGE_MIN + RACE_RANGE, "port %u", port);
				ck_assert_msg(!used[port - RANGE_MIN], "round %u: port %u twice", round, port);
				used[port - RANGE_MIN] = 1;
			}
		ck_assert_uint_eq(t[0].other + t[1].other, 0);
		ck_assert_msg(given == RACE_RANGE, "round %u: %u of %u ports", round, given, RACE_RANGE);
	}
	pthread_barrier_destroy(&barrier);
	rig_close();
}
END_TEST

RUN_SUITE("packet-nat-ports", sixty_thousand_flows_fail_exactly_at_the_end_of_the_range,
	  ports_are_those_of_a_reference_that_keeps_a_list, a_port_that_has_expired_is_given_to_another,
	  a_full_flow_table_is_its_own_reason, two_cpus_never_get_the_same_port)
