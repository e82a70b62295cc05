// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Backends, and sets of them. A backend's row is filled before a set names it, and is given out again a grace period after
 * the last one that did is gone. Equal sets are one, whichever services they are of.
 */
#include <netinet/in.h>

#include "service/internal.h"
#include "service/maglev.h"

#define BACKENDS_MIN 256u

struct ebn_backend_row *ebn_svc_backend(struct ebn_services *s, uint32_t row)
{
	struct ebn_slot slot = ebn_node_slot(s->nt, EBN_P_BACKEND);

	return ebn_node_ptr(s->nt, slot.off + row * (uint32_t)sizeof(struct ebn_backend_row),
			    sizeof(struct ebn_backend_row));
}

uint64_t ebn_svc_backend_hash(const uint32_t addr[4], uint16_t port_be, uint8_t proto)
{
	return ebn_mix64(ebn_addr_hash(addr) + ((uint64_t)proto << 16 | ntohs(port_be)));
}

static int backends_grow(struct ebn_services *s)
{
	struct ebn_slot old = ebn_node_slot(s->nt, EBN_P_BACKEND);
	uint32_t n = s->backends ? s->backends * 2 : BACKENDS_MIN, off;
	struct ebn_svc_beinfo *info;
	int err;

	if (n > EBN_SVC_BACKENDS_MAX)
		return -ENOSPC;
	err = ebn_node_alloc(s->nt, EBN_P_BACKEND, n * (uint32_t)sizeof(struct ebn_backend_row), &off);
	if (err)
		return err;
	err = ebn_grow(&s->backend_free.v, &s->backend_free.cap, n, sizeof(*s->backend_free.v));
	info = err ? NULL : realloc(s->backend, n * sizeof(*info));
	if (info) {
		memset(info + s->backends, 0, (n - s->backends) * sizeof(*info));
		s->backend = info;
		if (s->backends)
			memcpy(ebn_node_ptr(s->nt, off, n * (uint32_t)sizeof(struct ebn_backend_row)),
			       ebn_svc_backend(s, 0), s->backends * sizeof(struct ebn_backend_row));
		err = ebn_node_swap(s->nt, EBN_P_BACKEND, off, n);
	} else {
		err = -ENOMEM;
	}
	if (err) {
		ebn_node_release(s->nt, off);
		return err;
	}
	s->backends = n;
	return ebn_node_retire(s->nt, old.off);
}

static uint32_t backends_left(const struct ebn_services *s)
{
	return s->backends - s->backends_used + (uint32_t)s->backend_free.n;
}

int ebn_svc_backends_reserve(struct ebn_services *s, uint32_t n)
{
	int err = 0;

	while (!err && backends_left(s) < n)
		err = backends_grow(s);
	return err;
}

int ebn_svc_backend_get(struct ebn_services *s, const struct ebn_svc_backend *b, uint32_t *ret)
{
	struct ebn_backend_row r = { .port = htons(b->port), .proto = b->proto };
	uint64_t hash = ebn_svc_backend_hash(b->addr, r.port, r.proto);
	uint32_t cur, row;
	int err;

	memcpy(r.addr, b->addr, sizeof(r.addr));
	ebn_index_for_each(&s->backend_index, hash, cur, row) {
		if (memcmp(ebn_svc_backend(s, row), &r, sizeof(r)))
			continue;
		s->backend[row].refs++;
		*ret = row;
		return 0;
	}
	err = ebn_svc_backends_reserve(s, 1);
	if (!err)
		err = ebn_index_reserve(&s->backend_index, 1);
	if (err)
		return err;
	row = s->backend_free.n ? s->backend_free.v[--s->backend_free.n] : s->backends_used++;
	(void)ebn_index_add(&s->backend_index, hash, row);
	*ebn_svc_backend(s, row) = r;
	s->backend[row] = (struct ebn_svc_beinfo){ .place = EBN_SVC_HELD, .refs = 1 };
	if (s->counters.backend_reset)
		s->counters.backend_reset(s->counters.arg, row);
	*ret = row;
	return 0;
}

static void backend_dead(void *arg, uint64_t cookie)
{
	struct ebn_services *s = arg;

	/* readers must not take what is left of it for a backend */
	memset(ebn_svc_backend(s, (uint32_t)cookie), 0, sizeof(struct ebn_backend_row));
	s->backend[cookie].place = EBN_SVC_FREE;
	s->backend_free.v[s->backend_free.n++] = (uint32_t)cookie;
}

void ebn_svc_backend_put(struct ebn_services *s, uint32_t row)
{
	const struct ebn_backend_row *r;

	if (--s->backend[row].refs)
		return;
	r = ebn_svc_backend(s, row);
	ebn_index_remove(&s->backend_index, ebn_svc_backend_hash(r->addr, r->port, r->proto), row);
	if (s->backend[row].place == EBN_SVC_HELD) {
		backend_dead(s, row);
		return;
	}
	s->backend[row].place = EBN_SVC_DYING;
	(void)ebn_node_defer(s->nt, backend_dead, s, row);
}

/* ---- what is in a set ---- */

struct member {
	uint32_t row;
	uint32_t weight;	/* 0: takes no new flows */
	uint64_t hash;
};

struct compiled {
	struct member *m;
	uint32_t n, active, slots;
	bool weights;		/* are told to the programs, too */
	uint64_t content;
};

bool ebn_svc_node_is(const struct ebn_services *s, const char *node)
{
	return s->node && *node && !strcmp(node, s->node->backend->node);
}

bool ebn_svc_zone_is(const struct ebn_services *s, const char *zone)
{
	return s->node && *zone && !strcmp(zone, s->node->backend->zone);
}

/* Does a traffic policy keep this frontend's clients on this node's backends? */
static bool local_only(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f, enum ebn_svc_from from)
{
	if (f->kind == EBPFNET_FRONTEND_HOST_PORT)
		return true;
	if (f->kind == EBPFNET_FRONTEND_CLUSTER_IP)
		return spec->internal_local;
	return from == EBN_SVC_OUTSIDE && spec->external_local;
}

bool ebn_svc_outside(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	return f->kind != EBPFNET_FRONTEND_CLUSTER_IP && local_only(spec, f, EBN_SVC_OUTSIDE) &&
	       !ebn_svc_encapsulated(spec, f);
}

bool ebn_svc_anywhere(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	return f->kind != EBPFNET_FRONTEND_CLUSTER_IP && !local_only(spec, f, EBN_SVC_OUTSIDE) &&
	       !ebn_svc_encapsulated(spec, f);
}

bool ebn_svc_set_one(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	return !ebn_svc_encapsulated(spec, f) &&
	       local_only(spec, f, EBN_SVC_INSIDE) == local_only(spec, f, EBN_SVC_OUTSIDE);
}

static bool takes(const struct ebn_services *s, const struct ebn_svc_backend *b, bool local)
{
	return b->state == EBPFNET_BACKEND_ACTIVE && (!local || ebn_svc_node_is(s, b->node));
}

/* May flows from there to this frontend be at this backend? */
static bool reaches(const struct ebn_svc_spec *spec, const struct ebn_svc_backend *b, const struct ebn_svc_front *f,
		    enum ebn_svc_from from)
{
	return from == EBN_SVC_OUTSIDE ? ebn_svc_carries(spec, b, f) : ebn_svc_serves(b, f);
}

uint32_t ebn_svc_local(const struct ebn_svc_spec *spec, const char *node)
{
	const struct ebn_svc_backend *b;
	uint32_t i, k, n = 0;

	for (i = 0; *node && i < spec->n_backend; i++) {
		b = &spec->backend[i];
		if (b->state != EBPFNET_BACKEND_ACTIVE || strcmp(b->node, node))
			continue;
		for (k = 0; k < spec->n_front; k++)
			if (spec->front[k].kind != EBPFNET_FRONTEND_CLUSTER_IP &&
			    ebn_svc_carries(spec, b, &spec->front[k]))
				break;
		n += k < spec->n_front;
	}
	return n;
}

static int by_row(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->row < y->row ? -1 : x->row > y->row;
}

static void compiled_seal(struct compiled *c)
{
	uint32_t i;

	qsort(c->m, c->n, sizeof(*c->m), by_row);
	c->content = ebn_mix64(c->n);
	for (i = 0; i < c->n; i++)
		c->content = ebn_mix64(c->content ^ ((uint64_t)c->m[i].row << 32 | c->m[i].weight));
	c->content = c->weights ? ebn_mix64(c->content) : c->content;
}

static int compile(struct ebn_services *s, const struct ebn_svc *svc, const struct ebn_svc_front *f,
		   enum ebn_svc_from from, struct compiled *c)
{
	const struct ebn_svc_spec *spec = svc->spec;
	bool local = local_only(spec, f, from), first = spec->algorithm == EBPFNET_ALGORITHM_FIRST, zone = false;
	const struct ebn_svc_backend *b;
	uint32_t i;

	memset(c, 0, sizeof(*c));
	c->weights = spec->algorithm == EBPFNET_ALGORITHM_LEAST_CONNECTIONS;
	c->m = ebn_calloc(spec->n_backend, sizeof(*c->m));
	if (!c->m)
		return -ENOMEM;
	for (i = 0; spec->prefer_zone && !zone && i < spec->n_backend; i++)
		zone = reaches(spec, &spec->backend[i], f, from) && takes(s, &spec->backend[i], local) &&
		       ebn_svc_zone_is(s, spec->backend[i].zone);
	for (i = 0; i < spec->n_backend; i++) {
		b = &spec->backend[i];
		if (!reaches(spec, b, f, from))
			continue;
		c->m[c->n].row = svc->backend[i];
		c->m[c->n].hash = ebn_svc_backend_hash(b->addr, htons(b->port), b->proto);
		if (takes(s, b, local) && (!zone || ebn_svc_zone_is(s, b->zone)) && !(first && c->active)) {
			c->m[c->n].weight = b->weight;
			c->active++;
		}
		c->n++;
	}
	compiled_seal(c);
	return 0;
}

/* ---- sets ---- */

static uint32_t set_bytes(const struct compiled *c)
{
	return (uint32_t)sizeof(struct ebn_svc_set) + c->n * 4 + c->slots * 2 + (c->weights ? c->n * 2 : 0);
}

static bool set_is(struct ebn_services *s, uint32_t number, const struct compiled *c)
{
	const struct ebn_svc_set *set = ebn_node_ptr(s->nt, s->set[number].off, sizeof(*set));
	const uint32_t *member = (const uint32_t *)(set + 1);
	uint32_t i;

	if (s->set[number].content != c->content || set->members != c->n || !set->slots != !c->active ||
	    !set->weight_off != !c->weights)
		return false;
	for (i = 0; i < c->n; i++)
		if (member[i] != c->m[i].row)
			return false;
	return true;
}

static int set_fill(struct ebn_services *s, const struct compiled *c, struct ebn_maglev_in *in, uint32_t off)
{
	struct ebn_svc_set *set = ebn_node_ptr(s->nt, off, set_bytes(c));
	uint32_t *member = (uint32_t *)(set + 1), i;
	uint16_t *weight = (uint16_t *)(member + c->n) + c->slots;
	struct ebn_svc_head *h = ebn_svc_heads(s);

	set->slots = c->slots;
	set->members = c->n;
	set->slot_off = (uint32_t)sizeof(*set) + c->n * 4;
	set->weight_off = c->weights ? set->slot_off + c->slots * 2 : 0;
	set->content = c->content;
	for (i = 0; c->weights && i < c->n; i++)
		weight[i] = (uint16_t)c->m[i].weight;
	/* in the tables before it is used, so that no successor gives it out again */
	EBN_WRITE(h->serial, h->serial + 1);
	set->serial = h->serial;
	for (i = 0; i < c->n; i++)
		member[i] = c->m[i].row;
	return c->active ? ebn_maglev_fill(in, c->active, (uint16_t *)(member + c->n), c->slots) : 0;
}

static int set_new(struct ebn_services *s, struct compiled *c, uint32_t *ret)
{
	_free_ struct ebn_maglev_in *in = ebn_calloc(c->active, sizeof(*in));
	uint32_t i, k = 0, off, number;
	int err;

	if (!in)
		return -ENOMEM;
	for (i = 0; i < c->n; i++)
		if (c->m[i].weight)
			in[k++] = (struct ebn_maglev_in){ .hash = c->m[i].hash, .weight = c->m[i].weight,
							  .index = (uint16_t)i };
	c->slots = c->active ? ebn_maglev_size(in, c->active) : 0;
	err = ebn_index_reserve(&s->set_index, 1);
	if (!err && !s->set_free.n)
		err = ebn_grow(&s->set, &s->set_cap, s->sets + 1, sizeof(*s->set));
	/* as with rows: freeing must not fail */
	if (!err)
		err = ebn_grow(&s->set_free.v, &s->set_free.cap, s->sets + 1, sizeof(*s->set_free.v));
	if (!err)
		err = ebn_node_alloc(s->nt, EBN_X_SVC_SET, set_bytes(c), &off);
	if (err)
		return err;
	err = set_fill(s, c, in, off);
	if (err) {
		ebn_node_release(s->nt, off);
		return err;
	}
	number = s->set_free.n ? s->set_free.v[--s->set_free.n] : (uint32_t)s->sets++;
	s->set[number] = (struct ebn_svc_setinfo){ .off = off, .refs = 1, .content = c->content };
	(void)ebn_index_add(&s->set_index, c->content, number);
	for (i = 0; i < c->n; i++)
		s->backend[c->m[i].row].refs++;
	*ret = number;
	return 0;
}

int ebn_svc_set_get(struct ebn_services *s, const struct ebn_svc *svc, const struct ebn_svc_front *f,
		    enum ebn_svc_from from, uint32_t *ret)
{
	struct compiled c;
	uint32_t cur, number;
	int err;

	err = compile(s, svc, f, from, &c);
	if (err)
		return err;
	ebn_index_for_each(&s->set_index, c.content, cur, number) {
		if (!set_is(s, number, &c))
			continue;
		s->set[number].refs++;
		*ret = number;
		free(c.m);
		return 0;
	}
	err = set_new(s, &c, ret);
	free(c.m);
	return err;
}

void ebn_svc_set_put(struct ebn_services *s, uint32_t number)
{
	struct ebn_svc_setinfo *info = &s->set[number];
	const struct ebn_svc_set *set;
	const uint32_t *member;
	uint32_t i;

	if (--info->refs)
		return;
	set = ebn_node_ptr(s->nt, info->off, sizeof(*set));
	member = (const uint32_t *)(set + 1);
	for (i = 0; i < set->members; i++)
		ebn_svc_backend_put(s, member[i]);
	ebn_index_remove(&s->set_index, info->content, number);
	if (info->live)
		(void)ebn_node_retire(s->nt, info->off);
	else
		ebn_node_release(s->nt, info->off);
	*info = (struct ebn_svc_setinfo){ 0 };
	s->set_free.v[s->set_free.n++] = number;
}

/* ---- adopting ---- */

static int set_adopt(struct ebn_services *s, uint32_t off, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_set *set = ebn_node_ptr(s->nt, off, sizeof(*set));
	const struct ebn_svc_head *h = ebn_svc_heads(s);
	const uint32_t *member;
	const uint16_t *slot;
	uint64_t bytes;
	uint32_t i;
	int err;

	if (ebn_node_mark(s->nt, off, EBN_X_SVC_SET, sizeof(*set)))
		return ebn_diag(diag, "services", EPROTO, "a frontend names a set that is none");
	bytes = sizeof(*set) + (uint64_t)set->members * 4 + (uint64_t)set->slots * 2 +
		(set->weight_off ? (uint64_t)set->members * 2 : 0);
	if (set->members > EBN_SVC_MEMBERS_MAX || set->slots > EBN_SVC_SLOTS_MAX ||
	    bytes > ((const struct ebn_extent *)set)[-1].len || set->slot_off != sizeof(*set) + set->members * 4 ||
	    (set->weight_off && set->weight_off != set->slot_off + set->slots * 2) ||
	    set->serial > h->serial)
		return ebn_diag(diag, "services", EPROTO, "a set has a size no writer gives it");
	member = (const uint32_t *)(set + 1);
	slot = (const uint16_t *)(member + set->members);
	for (i = 0; i < set->members; i++)
		if (member[i] >= s->backends || (i && member[i] <= member[i - 1]))
			return ebn_diag(diag, "services", EPROTO, "a set names backend %u", member[i]);
	for (i = 0; i < set->slots; i++)
		if (slot[i] >= set->members)
			return ebn_diag(diag, "services", EPROTO, "a slot names member %u of %u", slot[i], set->members);
	err = ebn_grow(&s->set, &s->set_cap, s->sets + 1, sizeof(*s->set));
	if (!err)
		err = ebn_grow(&s->set_free.v, &s->set_free.cap, s->sets + 1, sizeof(*s->set_free.v));
	if (!err)
		err = ebn_index_add(&s->set_index, set->content, (uint32_t)s->sets);
	if (err)
		return err;
	/* one reference, given up when everybody who wants it has one */
	s->set[s->sets++] = (struct ebn_svc_setinfo){ .off = off, .refs = 1, .content = set->content, .live = true };
	for (i = 0; i < set->members; i++)
		s->backend[member[i]].refs++;
	return 0;
}

static int by_off(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Every set that a row names, once. */
static int sets_of_rows(struct ebn_services *s, struct ebpfnet_diag *diag)
{
	_free_ uint32_t *off = ebn_calloc((size_t)s->rows_used * EBN_SVC_FROMS, sizeof(*off));
	uint32_t i, k, n = 0;
	int err;

	if (!off)
		return -ENOMEM;
	for (i = 0; i < s->rows_used; i++)
		for (k = 0; s->row[i].place == EBN_SVC_LIVE && k < EBN_SVC_FROMS; k++)
			if (ebn_svc_row(s, i)->set[k])
				off[n++] = ebn_svc_row(s, i)->set[k];
	qsort(off, n, sizeof(*off), by_off);
	for (i = 0; i < n; i++) {
		if (i && off[i] == off[i - 1])
			continue;
		err = set_adopt(s, off[i], diag);
		if (err)
			return err;
	}
	return 0;
}

int ebn_svc_sets_adopt(struct ebn_services *s, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(s->nt, EBN_P_BACKEND);
	const struct ebn_backend_row *r;
	uint32_t i;
	int err;

	if (slot.off && (slot.n > EBN_SVC_BACKENDS_MAX ||
			 ebn_node_mark(s->nt, slot.off, EBN_P_BACKEND, slot.n * (uint32_t)sizeof(*r))))
		return ebn_diag(diag, "services", EPROTO, "the piece of backends is damaged");
	s->backend = ebn_calloc(slot.n, sizeof(*s->backend));
	err = ebn_grow(&s->backend_free.v, &s->backend_free.cap, slot.n, sizeof(*s->backend_free.v));
	if (err || !s->backend)
		return -ENOMEM;
	s->backends = slot.off ? slot.n : 0;
	if (s->rows)
		err = sets_of_rows(s, diag);
	for (i = 0; !err && i < s->backends; i++) {
		if (!s->backend[i].refs)
			continue;
		r = ebn_svc_backend(s, i);
		s->backend[i].place = EBN_SVC_LIVE;
		s->backends_used = i + 1;
		err = ebn_index_add(&s->backend_index, ebn_svc_backend_hash(r->addr, r->port, r->proto), i);
	}
	for (i = 0; !err && i < s->backends_used; i++)
		if (!s->backend[i].refs)
			s->backend_free.v[s->backend_free.n++] = i;
	return err;
}
