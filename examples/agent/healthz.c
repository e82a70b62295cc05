// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "healthz.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http.h"

/* Between two attempts at a port that somebody has. */
#define RETRY_MS 5000
/* How long the other side may take to close, once it has its answer. */
#define LINGER_MS 1000

enum kind {
	LISTENER,
	CLIENT,
};

/* A port. First: epoll points here, and to connections. */
struct listener {
	enum kind kind;
	int fd;			/* -1: not yet, see error */
	int error;
	uint16_t port;
	char *service;
	bool wanted;
	struct listener *next;
};

struct client {
	enum kind kind;
	int fd;			/* -1: none */
	char *service;
	enum {
		READING,
		SENDING,
		CLOSING,	/* answered: closing at once, with bytes not read, could take the answer away */
	} step;
	uint64_t since, deadline_ns;
	char in[HTTP_REQUEST_MAX];
	size_t got;
	char out[1024];
	size_t len, at;
};

struct healthz {
	struct source source;	/* first: epoll points here. An epoll of its own */
	struct listener *listeners;
	uint64_t retry_ns;	/* UINT64_MAX: every port is there */
	uint64_t clock;
	struct client client[HEALTHZ_CLIENTS];
};

/* ---- connections */

static void client_end(struct client *c)
{
	if (c->fd < 0)
		return;
	/* closing takes it out of the epoll */
	close(c->fd);
	free(c->service);
	c->fd = -1;
	c->service = NULL;
}

static void client_watch(struct healthz *h, struct client *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(h->source.fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
		client_end(c);
}

static void client_send(struct healthz *h, struct client *c)
{
	while (c->at < c->len) {
		ssize_t n = send(c->fd, c->out + c->at, c->len - c->at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			client_watch(h, c, EPOLLOUT);
			return;
		}
		if (n < 0) {
			client_end(c);
			return;
		}
		c->at += (size_t)n;
	}
	c->step = CLOSING;
	c->deadline_ns = agent_now_ns() + LINGER_MS * 1000000ull;
	shutdown(c->fd, SHUT_WR);
	client_watch(h, c, EPOLLIN);
}

static void client_answer(struct agent *a, struct client *c, int status, bool head)
{
	char *text = NULL;
	json_t *o;
	uint32_t n = 0;
	int len;

	if (status == 200 && ebpfnet_service_local(a->dp, c->service, &n) < 0)
		status = 500;
	if (status == 200 && !n)
		status = 503;
	o = status == 200 || status == 503 ? json_pack("{s:s, s:I}", "service", c->service, "localEndpoints", (json_int_t)n) :
					     json_pack("{s:i}", "status", status);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	len = text ? http_answer(c->out, sizeof(c->out), status, head, text) : -ENOMEM;
	free(text);
	json_decref(o);
	if (len < 0) {
		client_end(c);
		return;
	}
	c->step = SENDING;
	c->len = (size_t)len;
	c->at = 0;
	client_send(a->healthz, c);
}

static void client_read(struct agent *a, struct client *c)
{
	struct http_request r;
	ssize_t n = recv(c->fd, c->in + c->got, sizeof(c->in) - c->got, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (!n && !c->got)) {
		client_end(c);
		return;
	}
	c->got += (size_t)n;
	if (http_read(c->in, c->got, !n, &r))
		client_answer(a, c, r.status, r.head);
}

/* Reads and forgets, a little at a time. */
static void client_drain(struct client *c)
{
	ssize_t n = recv(c->fd, c->in, sizeof(c->in), MSG_DONTWAIT);

	if (!n || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_end(c);
}

static void on_client(struct agent *a, struct client *c)
{
	switch (c->step) {
	case READING:
		client_read(a, c);
		break;
	case SENDING:
		client_send(a->healthz, c);
		break;
	case CLOSING:
		client_drain(c);
		break;
	}
}

/* A free place, or that of the one who has been here longest. */
static struct client *client_place(struct healthz *h)
{
	struct client *oldest = h->client;

	for (size_t i = 0; i < HEALTHZ_CLIENTS; i++) {
		if (h->client[i].fd < 0)
			return &h->client[i];
		if (h->client[i].since < oldest->since)
			oldest = &h->client[i];
	}
	client_end(oldest);
	return oldest;
}

static void on_listener(struct agent *a, struct listener *l)
{
	struct healthz *h = a->healthz;
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0)
		return;
	c = client_place(h);
	c->service = strdup(l->service);
	ev.data.ptr = c;
	c->fd = fd;
	c->step = READING;
	c->since = ++h->clock;
	c->deadline_ns = agent_now_ns() + HEALTHZ_MS * 1000000ull;
	c->got = c->len = c->at = 0;
	if (!c->service || epoll_ctl(h->source.fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		client_end(c);
}

/*
 * Connections first: a new one may take the place of an old one, whose event would then be taken for its own. Few at a time, so
 * that others of the loop have their turn.
 */
static void on_ready(struct agent *a, struct source *s, uint32_t events)
{
	struct epoll_event ev[32];
	int n = epoll_wait(s->fd, ev, 32, 0);

	(void)events;
	for (int i = 0; i < n; i++) {
		struct client *c = ev[i].data.ptr;

		if (c->kind == CLIENT && c->fd >= 0)
			on_client(a, c);
	}
	for (int i = 0; i < n; i++) {
		struct listener *l = ev[i].data.ptr;

		if (l->kind == LISTENER)
			on_listener(a, l);
	}
}

/* ---- ports */

static int listen_at(uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, off = 0, err;
	bool v6 = fd >= 0;

	/* a host without IPv6 */
	if (!v6)
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* what the last agent's connections have left behind */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0) ||
	    bind(fd, v6 ? (void *)&in6 : (void *)&in, v6 ? sizeof(in6) : sizeof(in)) < 0 ||
	    listen(fd, 64) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/* Said once for each thing that is wrong. */
static void listener_open(struct agent *a, struct listener *l)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	int fd = listen_at(l->port), err = fd < 0 ? fd : 0;

	if (!err && epoll_ctl(a->healthz->source.fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		err = -errno;
		close(fd);
	}
	if (err < 0) {
		if (err != l->error)
			agent_log(EBPFNET_LOG_WARNING, "service %s: balancers are not answered at its health port %u, which is "
				  "tried again: %s", l->service, l->port, strerror(-err));
		l->error = err;
		a->healthz->retry_ns = agent_now_ns() + RETRY_MS * 1000000ull;
		return;
	}
	if (l->error)
		agent_log(6, "service %s: balancers are answered at its health port %u", l->service, l->port);
	l->error = 0;
	l->fd = fd;
}

static void listener_free(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->service);
	free(l);
}

static void open_waiting(struct agent *a)
{
	a->healthz->retry_ns = UINT64_MAX;
	for (struct listener *l = a->healthz->listeners; l; l = l->next)
		if (l->fd < 0)
			listener_open(a, l);
}

static uint16_t port_of(const struct conf_service *c)
{
	return (uint16_t)json_integer_value(json_object_get(c->spec, "health_port"));
}

static int want(struct healthz *h, const struct conf_service *c)
{
	struct listener *l;

	for (l = h->listeners; l; l = l->next) {
		if (l->port != port_of(c) || strcmp(l->service, c->name))
			continue;
		l->wanted = true;
		return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->kind = LISTENER;
	l->fd = -1;
	l->port = port_of(c);
	l->wanted = true;
	l->service = strdup(c->name);
	if (!l->service) {
		free(l);
		return -ENOMEM;
	}
	l->next = h->listeners;
	h->listeners = l;
	return 0;
}

/* A port that goes to another service is free before that one asks for it. */
static void drop_unwanted(struct healthz *h)
{
	struct listener *l;

	for (struct listener **p = &h->listeners; (l = *p);) {
		if (l->wanted) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		for (size_t i = 0; i < HEALTHZ_CLIENTS; i++)
			if (h->client[i].fd >= 0 && !strcmp(h->client[i].service, l->service))
				client_end(&h->client[i]);
		listener_free(l);
	}
}

static int healthz_open(struct agent *a)
{
	struct healthz *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	for (size_t i = 0; i < HEALTHZ_CLIENTS; i++) {
		h->client[i].kind = CLIENT;
		h->client[i].fd = -1;
	}
	h->source.ready = on_ready;
	h->source.fd = epoll_create1(EPOLL_CLOEXEC);
	err = h->source.fd < 0 ? -errno : agent_watch(a, &h->source, EPOLLIN);
	if (err < 0) {
		if (h->source.fd >= 0)
			close(h->source.fd);
		free(h);
		return err;
	}
	a->healthz = h;
	return 0;
}

void agent_healthz_close(struct agent *a)
{
	struct healthz *h = a->healthz;
	struct listener *next;

	if (!h)
		return;
	for (size_t i = 0; i < HEALTHZ_CLIENTS; i++)
		client_end(&h->client[i]);
	for (struct listener *l = h->listeners; l; l = next) {
		next = l->next;
		listener_free(l);
	}
	agent_unwatch(a, &h->source);
	close(h->source.fd);
	free(h);
	a->healthz = NULL;
}

void agent_healthz_apply(struct agent *a)
{
	const struct conf *conf = a->conf;
	bool wanted = false;
	int err = 0;

	for (size_t i = 0; a->dp && !wanted && i < conf->n_services; i++)
		wanted = port_of(&conf->services[i]);
	if (!wanted) {
		agent_healthz_close(a);
		return;
	}
	if (!a->healthz)
		err = healthz_open(a);
	if (!err)
		for (struct listener *l = a->healthz->listeners; l; l = l->next)
			l->wanted = false;
	for (size_t i = 0; !err && i < conf->n_services; i++)
		if (port_of(&conf->services[i]))
			err = want(a->healthz, &conf->services[i]);
	if (err < 0)
		agent_log(EBPFNET_LOG_ERR, "balancers are not answered at every health port: %s", strerror(-err));
	if (!a->healthz)
		return;
	drop_unwanted(a->healthz);
	open_waiting(a);
}

int agent_healthz_run(struct agent *a)
{
	uint64_t now = agent_now_ns(), due;
	struct healthz *h = a->healthz;

	if (!h)
		return -1;
	if (h->retry_ns <= now)
		open_waiting(a);
	due = h->retry_ns;
	for (size_t i = 0; i < HEALTHZ_CLIENTS; i++) {
		struct client *c = &h->client[i];

		/* who began to ask is told, who did not listen is not */
		if (c->fd >= 0 && c->deadline_ns <= now) {
			if (c->step == READING && c->got)
				client_answer(a, c, 408, false);
			else
				client_end(c);
		}
		if (c->fd >= 0 && c->deadline_ns < due)
			due = c->deadline_ns;
	}
	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : (int)((due - now + 999999u) / 1000000u);
}

void agent_healthz_show(struct agent *a, const char *service, json_t *ret)
{
	for (struct listener *l = a->healthz ? a->healthz->listeners : NULL; l; l = l->next)
		if (!strcmp(l->service, service) && l->error)
			json_object_set_new(ret, "health_port_error", json_string(strerror(-l->error)));
}
