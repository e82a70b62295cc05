// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "health.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "probe.h"

/* After a state that could not be set all are set again, in ms. */
#define RETRY_MS 5000

/* A check on its way. */
struct flight {
	struct probe probe;		/* fd -1: none */
	char *service;
	struct ebpfnet_backend backend;	/* address, port, protocol */
	json_t *check;			/* as it was begun */
	bool unhealthy;			/* when it was begun */
	uint32_t timeout_ms;
	uint64_t deadline_ns;
	uint32_t events;		/* that are waited for */
};

struct health {
	struct source source;		/* first: epoll points here. An epoll of its own, of the checks' sockets */
	struct ebpfnet_health *state;
	uint64_t round;			/* cookie of what the conf in force wants */
	struct flight flight[HEALTH_IN_FLIGHT];
	unsigned int n_flights, n_unhealthy;
	uint64_t retry_ns;		/* UINT64_MAX: every state is set */
	bool short_said;		/* that a check could not be made for want of something here */
};

/* The check of a service; false: it has none. It was read before, so that it is a good one. */
static bool read_check(const json_t *spec, struct check *ret)
{
	const json_t *item = json_object_get(spec, "health_check");
	const char *why;

	return item && !check_read(item, ret, &why);
}

static const char *backend_text(const struct ebpfnet_backend *b, char *buf, size_t size)
{
	char addr[EBPFNET_ADDR_STRLEN] = "?";

	ebpfnet_addr_format(&b->addr, addr, sizeof(addr));
	if (!b->port)
		snprintf(buf, size, "%s", addr);
	else
		snprintf(buf, size, ebpfnet_addr_family(&b->addr) == 6 ? "[%s]:%u" : "%s:%u", addr, b->port);
	return buf;
}

/* ---- what follows from results */

static enum ebpfnet_backend_state backend_state(enum ebpfnet_health_state state)
{
	return state == EBPFNET_HEALTH_UNHEALTHY ? EBPFNET_BACKEND_QUARANTINED : EBPFNET_BACKEND_ACTIVE;
}

static int set_state(struct agent *a, const char *service, const struct ebpfnet_backend *b,
		     enum ebpfnet_health_state state)
{
	int err = ebpfnet_service_set_backend_state(a->dp, service, b, backend_state(state));

	return err == -ENOENT || err > 0 ? 0 : err;
}

static void later(struct agent *a, int err)
{
	agent_log(EBPFNET_LOG_WARNING, "the state of a backend cannot be set: %s", strerror(-err));
	a->health->retry_ns = agent_now_ns() + RETRY_MS * 1000000ull;
}

static int set_again(const struct ebpfnet_health_info *i, void *userdata)
{
	return set_state(userdata, i->service, i->backend, i->state);
}

static void retry(struct agent *a)
{
	int err;

	a->health->retry_ns = UINT64_MAX;
	err = ebpfnet_health_foreach(a->health->state, set_again, a);
	if (err < 0)
		later(a, err);
}

static void changed(struct agent *a, const struct flight *f, enum ebpfnet_health_state before,
		    enum ebpfnet_health_state state)
{
	int err = set_state(a, f->service, &f->backend, state);
	char text[EBPFNET_ADDR_STRLEN + 16];

	backend_text(&f->backend, text, sizeof(text));
	if (state == EBPFNET_HEALTH_UNHEALTHY)
		agent_log(EBPFNET_LOG_WARNING, "service %s: backend %s is unhealthy and gets no new flows: %s", f->service,
			  text, f->probe.why);
	else
		agent_log(before == EBPFNET_HEALTH_UNKNOWN ? EBPFNET_LOG_DEBUG : 6, "service %s: backend %s is healthy%s",
			  f->service, text, before == EBPFNET_HEALTH_UNKNOWN ? "" : " again");
	if (err < 0)
		later(a, err);
	control_changed(a, "service", f->service, "health");
}

/* Ends a check without a result. */
static void drop(struct health *h, struct flight *f)
{
	/* closing takes it out of the epoll */
	probe_end(&f->probe);
	free(f->service);
	json_decref(f->check);
	f->service = NULL;
	f->check = NULL;
	h->n_flights--;
	h->n_unhealthy -= f->unhealthy;
}

static void not_made(struct health *h, const struct flight *f)
{
	if (!h->short_said)
		agent_log(EBPFNET_LOG_WARNING, "service %s: a check cannot be made, which says nothing of the backend: %s",
			  f->service, f->probe.why);
	h->short_said = true;
}

static void finish(struct agent *a, struct flight *f, enum probe_result result)
{
	struct ebpfnet_health_info info;
	struct health *h = a->health;
	enum ebpfnet_health_state state;

	if (result == PROBE_NOT_MADE) {
		not_made(h, f);
	} else if (!ebpfnet_health_get(h->state, f->service, &f->backend, &info, sizeof(info))) {
		h->short_said = false;
		if (ebpfnet_health_report(h->state, f->service, &f->backend, result == PROBE_GOOD, agent_now_ns(),
					  &state) == 1)
			changed(a, f, info.state, state);
	}
	drop(h, f);
}

/* ---- checks on their way */

/*
 * The deadline is of the same now that the next check is: never later than that one is due, so that a backend has one check on
 * its way.
 */
static void begin(struct agent *a, const struct ebpfnet_health_info *i, uint64_t now)
{
	const struct conf_service *c = conf_find_service(a->conf, i->service);
	struct epoll_event ev = { .events = EPOLLOUT };
	struct health *h = a->health;
	struct flight *f = h->flight;
	enum probe_result result;
	struct check check;
	char *service;

	if (!c || !read_check(c->spec, &check))
		return;
	service = strdup(i->service);
	if (!service)
		return;
	while (f->service)
		f++;
	h->n_flights++;
	f->unhealthy = i->state == EBPFNET_HEALTH_UNHEALTHY;
	h->n_unhealthy += f->unhealthy;
	f->service = service;
	f->backend = *i->backend;
	f->check = json_incref(json_object_get(c->spec, "health_check"));
	f->timeout_ms = i->timeout_ms;
	f->deadline_ns = now + i->timeout_ms * 1000000ull;
	f->events = EPOLLOUT;
	result = probe_begin(&f->probe, &check, &f->backend);
	ev.data.ptr = f;
	if (result == PROBE_WAITS && epoll_ctl(h->source.fd, EPOLL_CTL_ADD, f->probe.fd, &ev) < 0) {
		snprintf(f->probe.why, sizeof(f->probe.why), "%s", strerror(errno));
		result = PROBE_NOT_MADE;
	}
	if (result != PROBE_WAITS)
		finish(a, f, result);
}

static void on_flight(struct agent *a, struct flight *f)
{
	enum probe_result result = probe_ready(&f->probe);
	struct epoll_event ev = { .events = probe_events(&f->probe), .data.ptr = f };

	if (result != PROBE_WAITS) {
		finish(a, f, result);
	} else if (ev.events != f->events) {
		f->events = ev.events;
		epoll_ctl(a->health->source.fd, EPOLL_CTL_MOD, f->probe.fd, &ev);
	}
}

/* Each socket's event is its own flight's, and no other begins meanwhile: none of them is of a flight that has ended. */
static void take_events(struct agent *a)
{
	struct epoll_event events[HEALTH_IN_FLIGHT];
	int n = epoll_wait(a->health->source.fd, events, HEALTH_IN_FLIGHT, 0);

	for (int i = 0; i < n; i++)
		on_flight(a, events[i].data.ptr);
}

static void on_health(struct agent *a, struct source *s, uint32_t events)
{
	(void)s;
	(void)events;
	take_events(a);
}

static int until(uint64_t due, uint64_t now)
{
	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : due - now > 86400000000000ull ? 86400000 : (int)((due - now + 999999u) / 1000000u);
}

/* Which backends there is room for. */
static uint32_t room_for(const struct health *h)
{
	if (h->n_flights == HEALTH_IN_FLIGHT)
		return 0;
	return EBPFNET_HEALTH_ANY & ~(h->n_unhealthy == HEALTH_OF_UNHEALTHY ? 1u << EBPFNET_HEALTH_UNHEALTHY : 0);
}

int agent_health_run(struct agent *a)
{
	struct ebpfnet_health_info info;
	struct health *h = a->health;
	uint64_t now, due;

	if (!h)
		return -1;
	/* what has answered has not timed out, however late we are */
	take_events(a);
	now = agent_now_ns();
	for (size_t i = 0; i < HEALTH_IN_FLIGHT; i++) {
		struct flight *f = &h->flight[i];

		if (!f->service || f->deadline_ns > now)
			continue;
		snprintf(f->probe.why, sizeof(f->probe.why), "no answer in %u ms", f->timeout_ms);
		finish(a, f, PROBE_BAD);
	}
	if (h->retry_ns <= now)
		retry(a);
	/* so many at a time that others of the loop have their turn, too */
	for (unsigned int begun = 0; begun < HEALTH_IN_FLIGHT; begun++) {
		if (ebpfnet_health_next(h->state, now, room_for(h), &info, sizeof(info)) != 1)
			break;
		begin(a, &info, now);
	}
	due = ebpfnet_health_due(h->state, room_for(h));
	if (h->retry_ns < due)
		due = h->retry_ns;
	for (size_t i = 0; i < HEALTH_IN_FLIGHT; i++)
		if (h->flight[i].service && h->flight[i].deadline_ns < due)
			due = h->flight[i].deadline_ns;
	return until(due, now);
}

/* ---- what is checked */

static int health_open(struct agent *a)
{
	struct health *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	for (size_t i = 0; i < HEALTH_IN_FLIGHT; i++)
		h->flight[i].probe.fd = -1;
	h->retry_ns = UINT64_MAX;
	h->source.ready = on_health;
	h->source.fd = epoll_create1(EPOLL_CLOEXEC);
	err = h->source.fd < 0 ? -errno : ebpfnet_health_new(&h->state);
	if (!err)
		err = agent_watch(a, &h->source, EPOLLIN);
	if (err < 0) {
		ebpfnet_health_free(h->state);
		if (h->source.fd >= 0)
			close(h->source.fd);
		free(h);
		return err;
	}
	a->health = h;
	return 0;
}

void agent_health_close(struct agent *a)
{
	struct health *h = a->health;

	if (!h)
		return;
	for (size_t i = 0; i < HEALTH_IN_FLIGHT; i++)
		if (h->flight[i].service)
			drop(h, &h->flight[i]);
	agent_unwatch(a, &h->source);
	close(h->source.fd);
	ebpfnet_health_free(h->state);
	free(h);
	a->health = NULL;
}

static int track(struct agent *a, const char *service, const struct ebpfnet_backend *b, const struct check *check,
		 enum ebpfnet_health_state initial)
{
	struct ebpfnet_health_config config = check->config;

	config.initial = initial;
	config.cookie = a->health->round;
	return ebpfnet_health_track(a->health->state, service, b, &config, agent_now_ns());
}

static int track_service(struct agent *a, const struct conf_service *c, const struct check *check)
{
	struct service s;
	const char *why;
	int err = service_read(c->spec, &s, &why);

	if (err < 0)
		return err;
	for (size_t i = 0; !err && i < s.opts.n_backends; i++)
		if (s.backends[i].state == EBPFNET_BACKEND_ACTIVE)
			err = track(a, c->name, &s.backends[i], check, EBPFNET_HEALTH_UNKNOWN);
	service_done(&s);
	return err;
}

/* Backends of an earlier round, borrowed: a walk may not forget them itself. */
struct stale {
	uint64_t round;
	struct ebpfnet_health_info *info;	/* NULL: they are only counted */
	size_t n;
};

static int note_stale(const struct ebpfnet_health_info *i, void *userdata)
{
	struct stale *s = userdata;

	if (i->cookie == s->round)
		return 0;
	if (s->info)
		s->info[s->n] = *i;
	s->n++;
	return 0;
}

static void forget_stale(struct health *h)
{
	struct stale s = { .round = h->round };

	ebpfnet_health_foreach(h->state, note_stale, &s);
	/* without memory they are forgotten next time; their checks do not begin, as no service has them */
	s.info = s.n ? calloc(s.n, sizeof(*s.info)) : NULL;
	if (!s.info)
		return;
	s.n = 0;
	ebpfnet_health_foreach(h->state, note_stale, &s);
	for (size_t i = 0; i < s.n; i++)
		ebpfnet_health_untrack(h->state, s.info[i].service, s.info[i].backend);
	free(s.info);
}

/* Checks that nobody wants any more, or not like this, end. */
static void drop_stale(struct agent *a)
{
	struct health *h = a->health;

	for (size_t i = 0; i < HEALTH_IN_FLIGHT; i++) {
		struct flight *f = &h->flight[i];
		const struct conf_service *c = f->service ? conf_find_service(a->conf, f->service) : NULL;
		struct ebpfnet_health_info info;

		if (f->service && (!c || !json_equal(f->check, json_object_get(c->spec, "health_check")) ||
				   ebpfnet_health_get(h->state, f->service, &f->backend, &info, sizeof(info)) < 0))
			drop(h, f);
	}
}

void agent_health_apply(struct agent *a)
{
	bool wanted = false;
	struct check check;
	int err = 0;

	for (size_t i = 0; !wanted && i < a->conf->n_services; i++)
		wanted = json_object_get(a->conf->services[i].spec, "health_check");
	if (!wanted) {
		agent_health_close(a);
		return;
	}
	if (!a->health)
		err = health_open(a);
	if (err < 0) {
		agent_log(EBPFNET_LOG_ERR, "no backend is checked: %s", strerror(-err));
		return;
	}
	a->health->round++;
	for (size_t i = 0; i < a->conf->n_services; i++) {
		const struct conf_service *c = &a->conf->services[i];

		err = read_check(c->spec, &check) ? track_service(a, c, &check) : 0;
		if (err < 0)
			agent_log(EBPFNET_LOG_WARNING, "service %s: not every backend is checked: %s", c->name,
				  strerror(-err));
	}
	forget_stale(a->health);
	drop_stale(a);
}

struct adoption {
	struct agent *agent;
	const struct conf *conf;
};

static int adopt(const struct ebpfnet_service_opts *s, const struct ebpfnet_service_stats *stats, void *userdata)
{
	const struct adoption *y = userdata;
	const struct conf_service *c = conf_find_service(y->conf, s->name);
	struct check check;
	int err = 0;

	(void)stats;
	if (!c || !read_check(c->spec, &check))
		return 0;
	if (!y->agent->health)
		err = health_open(y->agent);
	for (size_t i = 0; !err && i < s->n_backends; i++)
		if (s->backends[i].state == EBPFNET_BACKEND_QUARANTINED)
			err = track(y->agent, s->name, &s->backends[i], &check, EBPFNET_HEALTH_UNHEALTHY);
	return err;
}

void agent_health_adopt(struct agent *a, const struct conf *conf)
{
	struct adoption y = { .agent = a, .conf = conf };
	int err = ebpfnet_service_foreach(a->dp, adopt, &y);

	if (err < 0)
		agent_log(EBPFNET_LOG_WARNING, "which backends were unhealthy cannot be read: %s", strerror(-err));
}

/* ---- what is known */

/* false: the backend is not checked. */
static bool known(struct agent *a, const char *service, const struct ebpfnet_backend *b,
		  struct ebpfnet_health_info *ret)
{
	return a->health && !ebpfnet_health_get(a->health->state, service, b, ret, sizeof(*ret));
}

void agent_health_overlay(struct agent *a, const json_t *spec, struct service *s)
{
	struct ebpfnet_health_info info;

	if (!json_object_get(spec, "health_check"))
		return;
	for (size_t i = 0; i < s->opts.n_backends; i++)
		if (s->backends[i].state == EBPFNET_BACKEND_ACTIVE && known(a, s->opts.name, &s->backends[i], &info))
			s->backends[i].state = (uint8_t)backend_state(info.state);
}

void agent_health_count(struct agent *a, const struct conf_service *c, json_t *line)
{
	json_int_t checked = 0, healthy = 0;
	struct ebpfnet_health_info info;
	struct service s;
	const char *why;

	if (!json_object_get(c->spec, "health_check") || service_read(c->spec, &s, &why) < 0)
		return;
	for (size_t i = 0; i < s.opts.n_backends; i++) {
		if (!known(a, c->name, &s.backends[i], &info))
			continue;
		checked++;
		healthy += info.state == EBPFNET_HEALTH_HEALTHY;
	}
	service_done(&s);
	json_object_set_new(line, "checked", json_integer(checked));
	json_object_set_new(line, "healthy", json_integer(healthy));
}

void agent_health_show(struct agent *a, const struct conf_service *c, json_t *service)
{
	json_t *check = json_object_get(c->spec, "health_check"), *item;
	struct ebpfnet_health_info info;
	struct ebpfnet_backend b;
	const char *why;
	size_t i;

	if (!check)
		return;
	json_object_set(service, "health_check", check);
	json_array_foreach(json_object_get(service, "backends"), i, item)
		if (!service_read_backend(item, &b, &why) && known(a, c->name, &b, &info))
			json_object_set_new(item, "health", json_string(ebpfnet_health_state_name(info.state)));
}
