// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Health ports: each of the node's ports is one service's alone, and no frontend's. */
#include <netinet/in.h>

#include "service/internal.h"

struct owner {
	uint16_t port;
	const struct ebn_svc *svc;
};

struct owners {
	struct owner *o;
	size_t n, cap;
};

static int by_port(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return (int)x->port - y->port;
}

static int owners_add(struct owners *list, const struct ebn_svc *svc)
{
	int err;

	if (!svc->spec->health_port)
		return 0;
	err = ebn_grow(&list->o, &list->cap, list->n + 1, sizeof(*list->o));
	if (!err)
		list->o[list->n++] = (struct owner){ svc->spec->health_port, svc };
	return err;
}

typedef int (*after_fn)(const struct ebn_svc *svc, struct owners *list, struct ebpfnet_diag *diag);

/* With each service that there will be after the change. */
static int after_change(struct ebn_services *s, const struct ebn_svc_changes *c, after_fn fn, struct owners *list,
			struct ebpfnet_diag *diag)
{
	uint32_t number;
	int err = 0;
	size_t i;

	for (number = 1; !err && number < s->records; number++)
		if (s->svc[number] && s->svc[number]->change != s->change)
			err = fn(s->svc[number], list, diag);
	for (i = 0; !err && i < c->n; i++)
		if (c->c[i].new)
			err = fn(c->c[i].new, list, diag);
	return err;
}

static int collect(const struct ebn_svc *svc, struct owners *list, struct ebpfnet_diag *diag)
{
	(void)diag;
	return owners_add(list, svc);
}

/* A client of the frontend and one of the health port would be told apart by nothing. */
static int check_fronts(const struct ebn_svc *svc, struct owners *list, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_front *f;
	size_t lo, hi, mid;
	uint32_t i;

	for (i = 0; i < svc->spec->n_front; i++) {
		f = &svc->spec->front[i];
		if (!ebn_svc_own_node(f->kind) || (f->proto && f->proto != IPPROTO_TCP))
			continue;
		for (lo = 0, hi = list->n; lo < hi;) {
			mid = (lo + hi) / 2;
			if (list->o[mid].port < f->first)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo < list->n && list->o[lo].port <= f->last)
			return ebn_diag(diag, list->o[lo].svc->spec->name, EEXIST,
					"the health port %u is a port of the node for service %s", list->o[lo].port,
					svc->spec->name);
	}
	return 0;
}

/* Only what touches ports of the node can bring two together. */
static bool touches(const struct ebn_svc_changes *c)
{
	const struct ebn_svc_spec *spec;
	uint32_t k;
	size_t i;

	for (i = 0; i < c->n; i++) {
		spec = c->c[i].new ? c->c[i].new->spec : NULL;
		if (spec && spec->health_port)
			return true;
		for (k = 0; spec && k < spec->n_front; k++)
			if (ebn_svc_own_node(spec->front[k].kind))
				return true;
	}
	return false;
}

int ebn_svc_health_ports(struct ebn_services *s, const struct ebn_svc_changes *c, struct ebpfnet_diag *diag)
{
	struct owners list = { 0 };
	size_t i;
	int err;

	if (!touches(c))
		return 0;
	err = after_change(s, c, collect, &list, diag);
	if (!err && list.n) {
		qsort(list.o, list.n, sizeof(*list.o), by_port);
		for (i = 1; !err && i < list.n; i++)
			if (list.o[i].port == list.o[i - 1].port)
				err = ebn_diag(diag, list.o[i].svc->spec->name, EEXIST,
					       "the health port %u is that of service %s, too", list.o[i].port,
					       list.o[i - 1].svc->spec->name);
		if (!err)
			err = after_change(s, c, check_fronts, &list, diag);
	}
	free(list.o);
	return err;
}

int ebn_services_local(struct ebn_services *s, const char *name, uint32_t *ret)
{
	const struct ebn_svc *svc = ebn_svc_find(s, name);

	if (!svc)
		return -ENOENT;
	*ret = ebn_svc_local(svc->spec, s->node ? s->node->backend->node : "");
	return 0;
}
