// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Source ranges, flattened: the addresses at which the answer changes. Programs find the last one at or below a client's
 * address by halving, whatever the ranges were.
 */
#include <endian.h>

#include "service/internal.h"

struct point {
	uint64_t hi, lo;
	bool end;		/* past the last address there is */
};

static struct point point_of(const uint32_t a[4])
{
	struct point p = { 0 };
	uint64_t w[2];

	memcpy(w, a, sizeof(w));
	p.hi = be64toh(w[0]);
	p.lo = be64toh(w[1]);
	return p;
}

/* The first address behind a prefix. */
static struct point point_behind(struct point p, uint32_t plen)
{
	uint64_t step;

	if (!plen) {
		p.end = true;
	} else if (plen <= 64) {
		step = 1ULL << (64 - plen);
		p.end = p.hi + step < p.hi;
		p.hi += step;
	} else {
		step = 1ULL << (128 - plen);
		p.lo += step;
		if (p.lo < step)
			p.end = !++p.hi;
	}
	return p;
}

static int by_place(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->end != y->end)
		return x->end ? 1 : -1;
	if (x->hi != y->hi)
		return x->hi < y->hi ? -1 : 1;
	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static bool inside(const struct point *p, const struct ebn_svc_source *src)
{
	struct point a = point_of(src->addr);

	if (src->plen <= 64)
		return !src->plen || (p->hi ^ a.hi) >> (64 - src->plen) == 0;
	return p->hi == a.hi && (src->plen == 64 || (p->lo ^ a.lo) >> (128 - src->plen) == 0);
}

/* The longest prefix decides; of two equal ones, the one that denies. */
static bool allowed(const struct ebn_svc_spec *spec, const struct point *p)
{
	const struct ebn_svc_source *src, *best = NULL;
	bool any = false;
	uint32_t i;

	for (i = 0; i < spec->n_source; i++) {
		src = &spec->source[i];
		any |= !src->deny;
		if (inside(p, src) && (!best || src->plen > best->plen || (src->plen == best->plen && src->deny)))
			best = src;
	}
	return best ? !best->deny : !any;
}

static int edge_add(struct ebn_svc_edge *edge, uint32_t n, const struct point *p)
{
	if (n < EBN_SVC_EDGES_MAX)
		edge[n] = (struct ebn_svc_edge){ .hi = p->hi, .lo = p->lo };
	return n < EBN_SVC_EDGES_MAX ? 0 : -E2BIG;
}

int ebn_svc_sources_new(struct ebn_services *s, const struct ebn_svc_spec *spec, uint32_t *ret)
{
	size_t points = 2 * (size_t)spec->n_source + 1;
	_free_ struct point *p = ebn_calloc(points, sizeof(*p));
	_free_ struct ebn_svc_edge *edge = ebn_calloc(points, sizeof(*edge));
	struct ebn_svc_sources *out;
	uint32_t n = 0, i, off, bytes;
	bool now = false;
	int err = 0;

	*ret = 0;
	if (!spec->n_source)
		return 0;
	if (!p || !edge)
		return -ENOMEM;
	for (i = 0; i < spec->n_source; i++) {
		p[2 * i + 1] = point_of(spec->source[i].addr);
		p[2 * i + 2] = point_behind(p[2 * i + 1], spec->source[i].plen);
	}
	qsort(p, points, sizeof(*p), by_place);
	for (i = 0; !err && i < points && !p[i].end; i++) {
		if (allowed(spec, &p[i]) == now)
			continue;
		now = !now;
		err = edge_add(edge, n++, &p[i]);
	}
	if (err)
		return err;
	bytes = (uint32_t)(sizeof(*out) + n * sizeof(*edge));
	err = ebn_node_alloc(s->nt, EBN_X_SVC_SOURCES, bytes, &off);
	if (err)
		return err;
	out = ebn_node_ptr(s->nt, off, bytes);
	out->edges = n;
	memcpy(out + 1, edge, n * sizeof(*edge));
	*ret = off;
	return 0;
}

bool ebn_svc_sources_equal(const struct ebn_svc_spec *a, const struct ebn_svc_spec *b)
{
	return a->n_source == b->n_source && !memcmp(a->source, b->source, a->n_source * sizeof(*a->source));
}
