// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Health of backends under a clock of the test's own: hysteresis, when checks are due, every errno of the contract. */
#include "suite.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include <ebpfnet/health.h>

#define MS 1000000ull

static struct ebpfnet_health *h;
static uint64_t now = 1000 * MS;

static struct ebpfnet_backend backend(unsigned int n)
{
	struct ebpfnet_backend b = { .port = 80, .protocol = IPPROTO_TCP };

	b.addr.b[10] = b.addr.b[11] = 0xff;
	b.addr.b[12] = 10;
	b.addr.b[14] = (uint8_t)(n >> 8);
	b.addr.b[15] = (uint8_t)(n + 1);
	return b;
}

static void begin(void)
{
	ck_assert_int_eq(ebpfnet_health_new(&h), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == UINT64_MAX);
}

static void end(void)
{
	ebpfnet_health_free(h);
	h = NULL;
}

static struct ebpfnet_health_config config(uint32_t interval_ms, uint32_t timeout_ms, uint32_t rise, uint32_t fall)
{
	struct ebpfnet_health_config c = { EBPFNET_OPTS_INIT(c), .interval_ms = interval_ms, .timeout_ms = timeout_ms,
					   .rise = rise, .fall = fall };

	return c;
}

static struct ebpfnet_health_info info(const char *service, unsigned int n)
{
	struct ebpfnet_backend b = backend(n);
	struct ebpfnet_health_info i;

	ck_assert_int_eq(ebpfnet_health_get(h, service, &b, &i, sizeof(i)), 0);
	return i;
}

/* Results of one backend, '+' and '-'; what each did: '.' nothing, or the first letter of the new state. */
static void results(unsigned int n, const char *each, const char *expected)
{
	struct ebpfnet_backend b = backend(n);

	for (; *each; each++, expected++) {
		enum ebpfnet_health_state state = EBPFNET_HEALTH_UNKNOWN;
		int rc = ebpfnet_health_report(h, "web", &b, *each == '+', now, &state);

		ck_assert_int_ge(rc, 0);
		if (*expected == '.')
			ck_assert_int_eq(rc, 0);
		else
			ck_assert_int_eq(*ebpfnet_health_state_name(state), *expected);
		ck_assert_int_eq(rc, *expected != '.');
		ck_assert_int_eq(state, info("web", n).state);
		now += MS;
	}
	ck_assert_int_eq(*expected, '\0');
}

START_TEST(so_many_in_a_row_change_the_state)
{
	struct ebpfnet_health_config c = config(0, 0, 2, 3);
	struct ebpfnet_backend b = backend(1);
	uint64_t then;

	begin();
	then = now;
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	ck_assert_int_eq(info("web", 1).state, EBPFNET_HEALTH_UNKNOWN);
	ck_assert(info("web", 1).since_ns == then);
	results(1, "+--+--", "......");
	results(1, "-", "u");
	ck_assert(info("web", 1).since_ns == now - MS);
	ck_assert_uint_eq(info("web", 1).failures, 3);
	results(1, "--+-+-+", ".......");
	results(1, "+", "h");
	results(1, "--+--+--", "........");
	results(1, "---", "u..");
	results(1, "++", ".h");
	ck_assert(info("web", 1).results == 28);
	ck_assert(info("web", 1).failed == 18);
	ck_assert(info("web", 1).last_ns == now - MS);
	ck_assert_uint_eq(info("web", 1).successes, 2);
	ck_assert_uint_eq(info("web", 1).failures, 0);
	end();
}
END_TEST

START_TEST(one_is_enough_where_it_says_so)
{
	struct ebpfnet_health_config c = config(0, 0, 1, 1);
	struct ebpfnet_backend b = backend(1);

	begin();
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	results(1, "+-+--++", "huhu.h.");
	/* more are asked for: what there is counts on */
	c = config(0, 0, 1, 4);
	results(1, "-", "u");
	results(1, "+", "h");
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	results(1, "----", "...u");
	end();
}
END_TEST

START_TEST(a_state_from_before)
{
	struct ebpfnet_health_config c = config(0, 0, 2, 2);
	struct ebpfnet_backend b = backend(1), other = backend(2);

	begin();
	c.initial = EBPFNET_HEALTH_UNHEALTHY;
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	ck_assert_int_eq(info("web", 1).state, EBPFNET_HEALTH_UNHEALTHY);
	results(1, "--", "..");
	results(1, "++", ".h");
	/* not for one that is known */
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	ck_assert_int_eq(info("web", 1).state, EBPFNET_HEALTH_HEALTHY);
	c.initial = EBPFNET_HEALTH_HEALTHY;
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &other, &c, now), 0);
	results(2, "++--", "...u");
	end();
}
END_TEST

/* Everything due now, as letters of the backends' numbers, sorted. */
static void due_now(const char *expected)
{
	struct ebpfnet_health_info i;
	bool seen[26] = { false };
	char text[27] = "";
	size_t n = 0;

	while (ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)) == 1) {
		ck_assert(i.due_ns > now);
		seen[i.backend->addr.b[15] - 1] = true;
	}
	for (int k = 0; k < 26; k++)
		if (seen[k])
			text[n++] = (char)('a' + k);
	ck_assert_str_eq(text, expected);
}

START_TEST(checks_are_due_in_turn)
{
	struct ebpfnet_health_config c = config(100, 100, 0, 0), slow = config(250, 250, 0, 0);
	struct ebpfnet_backend a = backend(0), b = backend(1);
	struct ebpfnet_health_info i;

	begin();
	ck_assert_int_eq(ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 0);
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &a, &c, now), 0);
	ck_assert_int_eq(ebpfnet_health_track(h, NULL, &b, &slow, now + 1), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == now);
	ck_assert_int_eq(ebpfnet_health_next(h, now - 1, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 0);
	/* a timeout as long as the interval leaves nothing by which the second could be sooner */
	ck_assert_int_eq(ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 1);
	ck_assert_str_eq(i.service, "web");
	ck_assert_uint_eq(i.backend->port, 80);
	ck_assert_uint_eq(i.timeout_ms, 100);
	ck_assert(i.due_ns == now + 100 * MS);
	ck_assert_int_eq(ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == now + 1);
	now += 1;
	ck_assert_int_eq(ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 1);
	ck_assert_ptr_null(i.service);
	now += 100 * MS - 1;
	due_now("a");
	now += 100 * MS;
	due_now("a");
	now += 50 * MS + 1;
	due_now("b");
	/* late: once, and an interval from then on */
	now += 1000 * MS;
	due_now("ab");
	ck_assert(info("web", 0).due_ns == now + 100 * MS);
	/* a shorter interval brings it nearer, a longer one does not put it off */
	c = config(20, 20, 0, 0);
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &a, &c, now), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == now + 20 * MS);
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &a, &slow, now), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == now + 20 * MS);
	ck_assert_int_eq(ebpfnet_health_untrack(h, "web", &a), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == now + 250 * MS);
	ck_assert_int_eq(ebpfnet_health_untrack(h, NULL, &b), 0);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == UINT64_MAX);
	end();
}
END_TEST

START_TEST(second_checks_are_spread)
{
	struct ebpfnet_health_config c = config(1000, 100, 0, 0);
	unsigned int tenth[11] = { 0 };
	struct ebpfnet_health_info i;
	uint64_t began = now, due;

	begin();
	for (unsigned int n = 0; n < 250; n++) {
		struct ebpfnet_backend b = backend(n);

		ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	}
	while (ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)) == 1) {
		ck_assert(i.due_ns >= now + 100 * MS && i.due_ns <= now + 1000 * MS);
		tenth[(i.due_ns - now) / (100 * MS)]++;
	}
		for (int k = 1; k < 10; k++)
		ck_assert_uint_gt(tenth[k], 5);
	/* and from then on at the interval */
	due = ebpfnet_health_due(h, EBPFNET_HEALTH_ANY);
	now = began + 1000 * MS;
	ck_assert(due <= now);
	while (ebpfnet_health_next(h, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)) == 1)
		ck_assert(i.due_ns == now + 1000 * MS);
	end();
}
END_TEST

START_TEST(a_backend_is_told_by_all_of_it)
{
	struct ebpfnet_backend b = backend(1), port = b, proto = b, any = b;
	struct ebpfnet_health_config c = config(0, 0, 1, 1);

	port.port = 81;
	proto.protocol = IPPROTO_UDP;
	any.protocol = 0;
	begin();
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	ck_assert_int_eq(ebpfnet_health_report(h, "web", &port, 0, now, NULL), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_report(h, "web", &proto, 0, now, NULL), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_report(h, "web", &any, 0, now, NULL), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_report(h, "we", &b, 0, now, NULL), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_report(h, NULL, &b, 0, now, NULL), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_track(h, NULL, &b, &c, now), 0);
	ck_assert_int_eq(ebpfnet_health_track(h, "db", &b, &c, now), 0);
	ck_assert_int_eq(ebpfnet_health_report(h, NULL, &b, 0, now, NULL), 1);
	ck_assert_int_eq(info("web", 1).state, EBPFNET_HEALTH_UNKNOWN);
	ck_assert_int_eq(info("db", 1).state, EBPFNET_HEALTH_UNKNOWN);
	ck_assert_int_eq(info(NULL, 1).state, EBPFNET_HEALTH_UNHEALTHY);
	/* state, weight and names are not of it */
	b.state = EBPFNET_BACKEND_DRAINING;
	b.weight = 7;
	b.zone = "z";
	ck_assert_int_eq(ebpfnet_health_report(h, "web", &b, 1, now, NULL), 1);
	ck_assert_uint_eq(info("web", 1).backend->weight, 0);
	ck_assert_ptr_null(info("web", 1).backend->zone);
	end();
}
END_TEST

START_TEST(defaults)
{
	struct ebpfnet_health_config c = config(400, 0, 0, 0);
	struct ebpfnet_backend b = backend(1);
	struct ebpfnet_health_info i;

	begin();
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, NULL, now), 0);
	i = info("web", 1);
	ck_assert_uint_eq(i.interval_ms, EBPFNET_HEALTH_INTERVAL_MS);
	ck_assert_uint_eq(i.timeout_ms, EBPFNET_HEALTH_TIMEOUT_MS);
	ck_assert_uint_eq(i.rise, EBPFNET_HEALTH_RISE);
	ck_assert_uint_eq(i.fall, EBPFNET_HEALTH_FALL);
	ck_assert(!i.cookie);
	c.cookie = 77;
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &c, now), 0);
	i = info("web", 1);
	ck_assert_uint_eq(i.timeout_ms, 400);
	ck_assert(i.cookie == 77);
	ck_assert_str_eq(ebpfnet_health_state_name(EBPFNET_HEALTH_UNKNOWN), "unknown");
	ck_assert_ptr_null(ebpfnet_health_state_name((enum ebpfnet_health_state)3));
	/* a caller of an older library's has a shorter struct: what is behind it is left alone */
	memset(&i, 0x5a, sizeof(i));
	ck_assert_int_eq(ebpfnet_health_get(h, "web", &b, &i, offsetof(struct ebpfnet_health_info, cookie)), 0);
	ck_assert_str_eq(i.service, "web");
	ck_assert(i.cookie == 0x5a5a5a5a5a5a5a5a);
	end();
}
END_TEST

START_TEST(wrong_arguments)
{
	static const struct ebpfnet_health_config bad[] = {
		{ .sz = 4 },
		{ EBPFNET_OPTS_INIT(bad[0]), .interval_ms = 9 },
		{ EBPFNET_OPTS_INIT(bad[0]), .interval_ms = 86400001 },
		{ EBPFNET_OPTS_INIT(bad[0]), .interval_ms = 100, .timeout_ms = 101 },
		{ EBPFNET_OPTS_INIT(bad[0]), .rise = 1001 },
		{ EBPFNET_OPTS_INIT(bad[0]), .fall = 1001 },
		{ EBPFNET_OPTS_INIT(bad[0]), .initial = (enum ebpfnet_health_state)3 },
		{ EBPFNET_OPTS_INIT(bad[0]), .reserved = 1 },
	};
	struct ebpfnet_backend b = backend(1), none = { .port = 1 }, sctp = b;
	enum ebpfnet_health_state state = EBPFNET_HEALTH_HEALTHY;
	struct ebpfnet_health_info i = { .rise = 7 };
	char name[EBPFNET_SERVICE_NAME_MAX + 2];

	begin();
	sctp.protocol = IPPROTO_SCTP;
	memset(name, 'n', sizeof(name));
	name[EBPFNET_SERVICE_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(ebpfnet_health_new(NULL), -EINVAL);
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, &bad[k], now), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_track(NULL, "web", &b, NULL, now), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_track(h, "", &b, NULL, now), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_track(h, name, &b, NULL, now), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_track(h, "web", NULL, NULL, now), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &none, NULL, now), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_track(h, "web", &sctp, NULL, now), -EINVAL);
	ck_assert(ebpfnet_health_due(h, EBPFNET_HEALTH_ANY) == UINT64_MAX);
	ck_assert(ebpfnet_health_due(NULL, EBPFNET_HEALTH_ANY) == UINT64_MAX);
	ck_assert_int_eq(ebpfnet_health_untrack(h, "web", &b), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_untrack(h, "web", &none), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_report(h, "web", &b, 1, now, &state), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_report(NULL, "web", &b, 1, now, &state), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_get(h, "web", &b, &i, sizeof(i)), -ENOENT);
	ck_assert_int_eq(ebpfnet_health_get(h, "web", &b, NULL, sizeof(i)), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_next(NULL, now, EBPFNET_HEALTH_ANY, &i, sizeof(i)), -EINVAL);
	ck_assert_int_eq(ebpfnet_health_next(h, UINT64_MAX, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 0);
	ck_assert_int_eq(ebpfnet_health_foreach(h, NULL, NULL), -EINVAL);
	ck_assert_uint_eq(i.rise, 7);
	/* the longest name */
	name[EBPFNET_SERVICE_NAME_MAX] = '\0';
	ck_assert_int_eq(ebpfnet_health_track(h, name, &b, NULL, now), 0);
	/* results out of turn */
	ck_assert_int_eq(ebpfnet_health_report(h, name, &b, 1, now, NULL), 0);
	ck_assert_int_eq(ebpfnet_health_report(h, name, &b, 1, now - 1, &state), -ESTALE);
	ck_assert_int_eq(state, EBPFNET_HEALTH_HEALTHY);
	ck_assert_int_eq(ebpfnet_health_report(h, name, &b, 1, now, &state), 1);
	/* the end of time */
	ck_assert_int_eq(ebpfnet_health_next(h, UINT64_MAX - 1, EBPFNET_HEALTH_ANY, &i, sizeof(i)), 1);
	ck_assert(i.due_ns == UINT64_MAX);
	end();
	ebpfnet_health_free(NULL);
}
END_TEST

static int stop_at(const struct ebpfnet_health_info *i, void *userdata)
{
	int *left = userdata;

	ck_assert_ptr_nonnull(i->backend);
	return --*left == 0 ? 1 : *left < 0 ? -ENOTTY : 0;
}

START_TEST(the_walk_and_its_end)
{
	int left = 3;

	begin();
	ck_assert_int_eq(ebpfnet_health_foreach(h, stop_at, &left), 0);
	for (unsigned int n = 0; n < 5; n++) {
		struct ebpfnet_backend b = backend(n);

		ck_assert_int_eq(ebpfnet_health_track(h, "web", &b, NULL, now), 0);
	}
	ck_assert_int_eq(ebpfnet_health_foreach(h, stop_at, &left), 1);
	ck_assert_int_eq(left, 0);
	ck_assert_int_eq(ebpfnet_health_foreach(h, stop_at, &left), -ENOTTY);
	left = 6;
	ck_assert_int_eq(ebpfnet_health_foreach(h, stop_at, &left), 0);
	ck_assert_int_eq(left, 1);
	end();
}
END_TEST

START_TEST(there_is_a_limit)
{
	struct ebpfnet_backend b = backend(0);

	begin();
	for (unsigned int n = 0; n < EBPFNET_HEALTH_BACKENDS_MAX; n++) {
		memcpy(b.addr.b + 12, &n, sizeof(n));
		b.addr.b[15] |= 1;
		b.port = (uint16_t)(n >> 24 | 1);
		ck_assert_int_eq(ebpfnet_health_track(h, NULL, &b, NULL, now), 0);
	}
	b.port = 2;
	ck_assert_int_eq(ebpfnet_health_track(h, NULL, &b, NULL, now), -ENOSPC);
	b.port = 1;
	ck_assert_int_eq(ebpfnet_health_track(h, NULL, &b, NULL, now), 0);
	ck_assert_int_eq(ebpfnet_health_untrack(h, NULL, &b), 0);
	b.port = 2;
	ck_assert_int_eq(ebpfnet_health_track(h, NULL, &b, NULL, now), 0);
	end();
}
END_TEST

/* ---- against a list that is searched from one end to the other */

#define MODEL 40

struct model {
	bool tracked, healthy_known, healthy;
	unsigned int good, bad, rise, fall;
	uint64_t due, interval, timeout;
	bool second;
};

static enum ebpfnet_health_state model_state(const struct model *m)
{
	if (!m->healthy_known)
		return EBPFNET_HEALTH_UNKNOWN;
	return m->healthy ? EBPFNET_HEALTH_HEALTHY : EBPFNET_HEALTH_UNHEALTHY;
}

static void model_next(struct model *m, uint32_t states)
{
	struct ebpfnet_health_info i;
	uint64_t earliest = UINT64_MAX;
	unsigned int n;
	int rc;

	for (n = 0; n < MODEL; n++)
		if (m[n].tracked && states >> model_state(&m[n]) & 1 && m[n].due < earliest)
			earliest = m[n].due;
	ck_assert(ebpfnet_health_due(h, states) == earliest);
	rc = ebpfnet_health_next(h, now, states, &i, sizeof(i));
	ck_assert_int_eq(rc, earliest <= now);
	if (!rc)
		return;
	n = i.backend->addr.b[15] - 1u;
	ck_assert(m[n].tracked && m[n].due == earliest && states >> i.state & 1);
	ck_assert_int_eq(i.state, model_state(&m[n]));
	if (m[n].second) {
		ck_assert(i.due_ns == now + m[n].interval);
	} else {
		ck_assert(i.due_ns <= now + m[n].interval && i.due_ns >= now + m[n].timeout);
		m[n].second = true;
	}
	m[n].due = i.due_ns;
}

static void model_report(struct model *m, unsigned int n, bool ok)
{
	struct ebpfnet_backend b = backend(n);
	enum ebpfnet_health_state state;
	bool changed = false;
	int rc = ebpfnet_health_report(h, "m", &b, ok, now, &state);

	if (!m[n].tracked) {
		ck_assert_int_eq(rc, -ENOENT);
		return;
	}
	m[n].good = ok ? m[n].good + 1 : 0;
	m[n].bad = ok ? 0 : m[n].bad + 1;
	if (m[n].good >= m[n].rise || m[n].bad >= m[n].fall) {
		changed = !m[n].healthy_known || m[n].healthy != ok;
		m[n].healthy_known = true;
		m[n].healthy = ok;
	}
	ck_assert_int_eq(rc, changed);
	ck_assert_int_eq(state, model_state(&m[n]));
}

static void model_track(struct model *m, unsigned int n, uint64_t *seed)
{
	struct ebpfnet_health_config c = config(10 + test_below(seed, 100), 1 + test_below(seed, 10),
						1 + test_below(seed, 4), 1 + test_below(seed, 4));
	struct ebpfnet_backend b = backend(n);

	ck_assert_int_eq(ebpfnet_health_track(h, "m", &b, &c, now), 0);
	if (!m[n].tracked)
		m[n] = (struct model){ .tracked = true, .due = now };
	m[n].interval = c.interval_ms * MS;
	m[n].timeout = c.timeout_ms * MS;
	m[n].rise = c.rise;
	m[n].fall = c.fall;
	if (now + m[n].interval < m[n].due)
		m[n].due = now + m[n].interval;
}

START_TEST(the_same_as_a_simple_model)
{
	struct model m[MODEL] = { 0 };
	uint64_t seed = test_seed();

	begin();
	for (int step = 0; step < 200000; step++) {
		unsigned int n = test_below(&seed, MODEL), what = test_below(&seed, 20);
		struct ebpfnet_backend b = backend(n);

		if (what == 0) {
			model_track(m, n, &seed);
		} else if (what == 1) {
			ck_assert_int_eq(ebpfnet_health_untrack(h, "m", &b), m[n].tracked ? 0 : -ENOENT);
			m[n].tracked = false;
		} else if (what < 10) {
			model_report(m, n, test_below(&seed, 3));
		} else {
			model_next(m, test_below(&seed, 2) ? EBPFNET_HEALTH_ANY : test_below(&seed, 8));
			now += test_below(&seed, 3) ? 0 : test_below(&seed, 5 * MS);
		}
	}
	end();
}
END_TEST

RUN_SUITE("health", so_many_in_a_row_change_the_state, one_is_enough_where_it_says_so, a_state_from_before,
	  checks_are_due_in_turn, second_checks_are_spread, a_backend_is_told_by_all_of_it, defaults, wrong_arguments,
	  the_walk_and_its_end, there_is_a_limit, the_same_as_a_simple_model)
