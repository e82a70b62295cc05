// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Backends that no service has any more: the sockets that were connected to them are ended, so that their clients ask again and are
 * given another. Datagrams' always, streams' when the service says so ("on_removal: reset"); else those finish.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "../common/service.h"
#include "agent.h"
#include "control.h"

/* Ports of a range that are looked at: of wider ones sockets are left alone. */
#define PORTS_MAX 16

struct place {
	struct ebpfnet_backend b;	/* address, port, protocol */
	bool reset;
};

struct places {
	struct place *at;
	size_t n, cap;
};

static int add(struct places *l, const struct ebpfnet_backend *b, uint16_t port, uint8_t protocol, bool reset)
{
	struct place *at = l->at;

	if (l->n == l->cap) {
		at = realloc(at, (l->cap ? l->cap * 2 : 32) * sizeof(*at));
		if (!at)
			return -ENOMEM;
		l->cap = l->cap ? l->cap * 2 : 32;
		l->at = at;
	}
	at[l->n++] = (struct place){ .b = { .addr = b->addr, .port = port, .protocol = protocol }, .reset = reset };
	return 0;
}

/* A backend as the clients of a frontend are connected to it: with its own port, or the frontend's. */
static int add_of(struct places *l, const struct ebpfnet_frontend *f, const struct ebpfnet_backend *b, bool reset)
{
	uint8_t protocol = b->protocol ? b->protocol : f->protocol;
	unsigned int last = f->port_last ? f->port_last : f->port, port;
	int err = 0;

	if (b->protocol && f->protocol && b->protocol != f->protocol)
		return 0;
	if (b->port)
		return add(l, b, b->port, protocol, reset);
	if (!f->port || last - f->port >= PORTS_MAX)
		return 0;
	for (port = f->port; !err && port <= last; port++)
		err = add(l, b, (uint16_t)port, protocol, reset);
	return err;
}

static int add_service(struct places *l, const json_t *spec)
{
	const char *way = json_string_value(json_object_get(spec, "on_removal")), *why;
	struct service s;
	int err = service_read(spec, &s, &why);

	if (err < 0)
		return err;
	for (size_t f = 0; !err && f < s.opts.n_frontends; f++)
		for (size_t i = 0; !err && i < s.opts.n_backends; i++)
			err = add_of(l, &s.frontends[f], &s.backends[i], way && !strcmp(way, "reset"));
	service_done(&s);
	return err;
}

static int order(const void *a, const void *b)
{
	const struct ebpfnet_backend *x = &((const struct place *)a)->b, *y = &((const struct place *)b)->b;
	int c = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return c ? c : (int)x->port - (int)y->port;
}

/* Has a service the place for the protocol? */
static bool has(const struct places *l, const struct place *p, uint8_t protocol)
{
	const struct place *at = l->n ? bsearch(p, l->at, l->n, sizeof(*l->at), order) : NULL;

	if (!at)
		return false;
	while (at > l->at && !order(at - 1, p))
		at--;
	for (; at < l->at + l->n && !order(at, p); at++)
		if (!at->b.protocol || at->b.protocol == protocol)
			return true;
	return false;
}

static void end(struct agent *a, const struct place *p, uint8_t protocol)
{
	char text[EBPFNET_ADDR_STRLEN];
	struct ebpfnet_backend b = p->b;
	int n;

	b.protocol = protocol;
	n = ebpfnet_service_end_sockets(a->dp, &b);
	ebpfnet_addr_format(&b.addr, text, sizeof(text));
	if (n < 0 && n != -EOPNOTSUPP)
		agent_log(EBPFNET_LOG_WARNING, "backend %s:%u: its sockets are not ended: %s", text, b.port, strerror(-n));
	else if (n > 0)
		agent_log(EBPFNET_LOG_DEBUG, "backend %s:%u: %d sockets ended", text, b.port, n);
}

static void end_gone(struct agent *a, const struct places *was, const struct places *now)
{
	static const uint8_t protocols[] = { IPPROTO_UDP, IPPROTO_TCP };

	for (size_t i = 0; i < was->n; i++) {
		const struct place *p = &was->at[i];

		/* one that several frontends have is told several times */
		if (i && !order(p, p - 1) && p->b.protocol == p[-1].b.protocol && p->reset == p[-1].reset)
			continue;
		for (size_t k = 0; k < 2; k++)
			if ((!p->b.protocol || p->b.protocol == protocols[k]) &&
			    (protocols[k] == IPPROTO_UDP || p->reset) && !has(now, p, protocols[k]))
				end(a, p, protocols[k]);
	}
}

void agent_backends_removed(struct agent *a, const struct conf *now, const json_t *const *was, size_t n_was)
{
	struct places before = {}, after = {};
	int err = 0;

	/* nobody's sockets are served */
	if (!json_array_size(a->conf->node.cgroups))
		return;
	for (size_t i = 0; !err && i < n_was; i++)
		err = add_service(&before, was[i]);
	for (size_t i = 0; !err && before.n && i < now->n_services; i++)
		err = add_service(&after, now->services[i].spec);
	if (before.n)
		qsort(before.at, before.n, sizeof(*before.at), order);
	if (after.n)
		qsort(after.at, after.n, sizeof(*after.at), order);
	if (!err)
		end_gone(a, &before, &after);
	else
		agent_log(EBPFNET_LOG_WARNING, "sockets of removed backends are not ended: %s", strerror(-err));
	free(before.at);
	free(after.at);
}
