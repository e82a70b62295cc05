// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Changes. What is asked for is prepared first: checked against everything else, rows, sets, records and the memory to free
 * what it replaces with, all made where nobody can reach them. Then it is carried out by stores that cannot fail, or given up
 * as if it had never been.
 *
 * A killed writer leaves the records of what it had decided on, which are stored before anything else; its successor carries
 * the change out (adopt.c).
 */
#include "service/internal.h"

uint64_t ebn_svc_name_hash(const char *name)
{
	return ebn_hash_bytes(name, strlen(name));
}

struct ebn_svc *ebn_svc_find(struct ebn_services *s, const char *name)
{
	uint32_t cur, number;

	ebn_index_for_each(&s->name_index, ebn_svc_name_hash(name), cur, number)
		if (!strcmp(s->svc[number]->spec->name, name))
			return s->svc[number];
	return NULL;
}

void ebn_svc_free(struct ebn_svc *svc)
{
	if (!svc)
		return;
	free(svc->spec);
	free(svc);
}

/* Takes spec over, also when it fails. */
int ebn_svc_new(struct ebn_services *s, struct ebn_svc_spec *spec, struct ebn_svc **ret)
{
	struct ebn_svc *svc;

	(void)s;
	svc = ebn_calloc(1, sizeof(*svc) + spec->n_front * sizeof(*svc->front) + spec->n_backend * sizeof(uint32_t));
	if (!svc) {
		free(spec);
		return -ENOMEM;
	}
	svc->spec = spec;
	svc->front = (struct ebn_svc_place_front *)(svc + 1);
	svc->backend = (uint32_t *)(svc->front + spec->n_front);
	*ret = svc;
	return 0;
}

/* ---- preparing ---- */

static uint32_t front_flags(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	return (spec->algorithm == EBPFNET_ALGORITHM_RANDOM ? EBN_SVC_F_RANDOM : 0) |
	       (spec->algorithm == EBPFNET_ALGORITHM_LEAST_CONNECTIONS ? EBN_SVC_F_LEAST : 0) |
	       (spec->silent ? EBN_SVC_F_SILENT : 0) | (ebn_svc_encapsulated(spec, f) ? EBN_SVC_F_IPIP : 0) |
	       (ebn_svc_outside(spec, f) ? EBN_SVC_F_OUTSIDE : 0) |
	       (ebn_svc_anywhere(spec, f) ? EBN_SVC_F_ANYWHERE : 0) | ebn_svc_direct(spec, f);
}

/* How a frontend is counted at its VIP. */
static uint8_t front_kind(const struct ebn_svc_spec *spec, const struct ebn_svc_front *f)
{
	return (uint8_t)(f->row_kind | (ebn_svc_encapsulated(spec, f) ? EBN_SVC_IPIP : 0));
}

static void front_row(const struct ebn_svc *svc, const struct ebn_svc_front *f, struct ebn_svc_row *r)
{
	memset(r, 0, sizeof(*r));
	memcpy(r->addr, f->addr, sizeof(r->addr));
	r->first = f->first;
	r->last = f->last;
	r->proto = f->proto;
	r->plen = f->plen;
	r->kind = f->row_kind;
	r->service = svc->number;
	r->flags = front_flags(svc->spec, f);
	r->affinity = svc->spec->affinity;
	r->sources = f->kind == EBPFNET_FRONTEND_CLUSTER_IP ? 0 : svc->sources;
}

static bool same_place(const struct ebn_svc_row *a, const struct ebn_svc_row *b)
{
	return a->kind == b->kind && a->plen == b->plen && a->proto == b->proto &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr)) && a->first <= b->last && b->first <= a->last;
}

static const char *owner_name(struct ebn_services *s, uint32_t number)
{
	return number < s->records && s->svc[number] ? s->svc[number]->spec->name : "another one of this change";
}

/*
 * Who else has this place? Rows of services that are about to be replaced do not count, unless they were taken over already.
 * *ret_row: the old service's row when it can stay as it is but for its sets, else UINT32_MAX.
 */
static int front_check(struct ebn_services *s, const struct ebn_svc *svc, const struct ebn_svc_row *want,
		       uint32_t *ret_row, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_row *r;
	uint32_t cur, row, owner;
	struct ebn_svc *other;

	*ret_row = UINT32_MAX;
	ebn_index_for_each(&s->row_index, ebn_svc_row_hash(want), cur, row) {
		r = ebn_svc_row(s, row);
		if (!same_place(r, want))
			continue;
		owner = s->row[row].service;
		other = owner < s->records ? s->svc[owner] : NULL;
		if (s->row[row].place == EBN_SVC_HELD || s->row[row].claim == s->change ||
		    (other && other->change != s->change))
			return ebn_diag(diag, svc->spec->name, EEXIST, "a frontend overlaps one of service %s",
					owner == svc->number ? svc->spec->name : owner_name(s, owner));
		if (owner == svc->number && r->first == want->first && r->last == want->last &&
		    r->flags == want->flags && r->affinity == want->affinity && r->sources == want->sources)
			*ret_row = row;
	}
	return 0;
}

static int front_prepare(struct ebn_services *s, struct ebn_svc *svc, uint32_t i, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_front *f = &svc->spec->front[i];
	struct ebn_svc_place_front *p = &svc->front[i];
	struct ebn_svc_row want;
	uint32_t row;
	int err;

	front_row(svc, f, &want);
	err = front_check(s, svc, &want, &row, diag);
	if (err)
		return err;
	err = ebn_svc_set_get(s, svc, f, EBN_SVC_INSIDE, &p->set[EBN_SVC_INSIDE]);
	if (err)
		return err;
	if (ebn_svc_set_one(svc->spec, f)) {
		p->set[EBN_SVC_OUTSIDE] = p->set[EBN_SVC_INSIDE];
		s->set[p->set[EBN_SVC_INSIDE]].refs++;
	} else {
		err = ebn_svc_set_get(s, svc, f, EBN_SVC_OUTSIDE, &p->set[EBN_SVC_OUTSIDE]);
		if (err)
			goto no_outside;
	}
	err = ebn_svc_vip_get(s, f->addr, f->plen, &p->vip);
	if (err)
		goto no_vip;
	p->taken = row != UINT32_MAX;
	if (p->taken) {
		p->row = row;
		s->row[row].claim = s->change;
	} else {
		want.set[EBN_SVC_INSIDE] = s->set[p->set[EBN_SVC_INSIDE]].off;
		want.set[EBN_SVC_OUTSIDE] = s->set[p->set[EBN_SVC_OUTSIDE]].off;
		err = ebn_svc_row_new(s, &want, &p->row);
		if (err)
			goto no_row;
	}
	ebn_svc_vip_count(s, p->vip, front_kind(svc->spec, f), 1);
	svc->fronts++;
	return 0;
no_row:
	ebn_svc_vip_put(s, p->vip);
no_vip:
	ebn_svc_set_put(s, p->set[EBN_SVC_OUTSIDE]);
no_outside:
	ebn_svc_set_put(s, p->set[EBN_SVC_INSIDE]);
	return err;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int backends_prepare(struct ebn_services *s, struct ebn_svc *svc, struct ebpfnet_diag *diag)
{
	uint32_t n = svc->spec->n_backend, i;
	_free_ uint32_t *sorted = ebn_calloc(n, sizeof(*sorted));
	int err;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = ebn_svc_backend_get(s, &svc->spec->backend[i], &svc->backend[i]);
		if (err)
			return err;
		svc->backends++;
	}
	memcpy(sorted, svc->backend, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_number);
	for (i = 1; i < n; i++)
		if (sorted[i] == sorted[i - 1])
			return ebn_diag(diag, svc->spec->name, EINVAL, "a backend is there twice");
	return 0;
}

static int sources_prepare(struct ebn_services *s, struct ebn_svc *svc, const struct ebn_svc *old)
{
	if (old && ebn_svc_sources_equal(old->spec, svc->spec)) {
		svc->sources = old->sources;
		svc->sources_taken = true;
		return 0;
	}
	return ebn_svc_sources_new(s, svc->spec, &svc->sources);
}

static int number_prepare(struct ebn_services *s, struct ebn_svc *svc, const struct ebn_svc *old)
{
	int err;

	if (svc->number)
		return 0;
	if (old) {
		svc->number = old->number;
		return 0;
	}
	if (!s->number_free.n) {
		err = ebn_svc_records_reserve(s, 1);
		if (err)
			return err;
	}
	svc->number = s->number_free.v[--s->number_free.n];
	return 0;
}

static int svc_prepare(struct ebn_services *s, struct ebn_svc_change *c, struct ebpfnet_diag *diag)
{
	struct ebn_svc *svc = c->new;
	uint32_t i;
	int err;

	err = number_prepare(s, svc, c->old);
	if (!err && !svc->record) {
		err = ebn_node_alloc(s->nt, EBN_X_SVC_RECORD, ebn_svc_record_size(svc->spec), &svc->record);
		if (!err)
			ebn_svc_record_write(svc->spec, svc->number, ebn_node_ptr(s->nt, svc->record, 64));
	}
	if (!err)
		err = backends_prepare(s, svc, diag);
	if (!err && !svc->sources)
		err = sources_prepare(s, svc, c->old);
	for (i = 0; !err && i < svc->spec->n_front; i++)
		err = front_prepare(s, svc, i, diag);
	if (err == -ENOSPC)
		ebn_diag(diag, svc->spec->name, ENOSPC, "tables, numbers or prefix lengths are used up");
	return err;
}

/* What may wait for a grace period afterwards. */
static int room_prepare(struct ebn_services *s, const struct ebn_svc_changes *c)
{
	uint64_t n = EBN_SVC_NODE_ADDRS_MAX + 1, names = 0;
	size_t i;
	int err;

	for (i = 0; i < c->n; i++) {
		if (c->c[i].old)
			n += 2 * (uint64_t)c->c[i].old->spec->n_front + c->c[i].old->spec->n_backend + 1;
		names += c->c[i].new && !c->c[i].old;
	}
	err = n > UINT32_MAX / 2 ? -ENOSPC : ebn_node_defer_room(s->nt, (uint32_t)n);
	return err ? err : ebn_index_reserve(&s->name_index, (uint32_t)names);
}

int ebn_svc_prepare(struct ebn_services *s, struct ebn_svc_changes *c, struct ebpfnet_diag *diag)
{
	size_t i;
	int err;

	s->change++;
	for (i = 0; i < c->n; i++)
		if (c->c[i].old)
			c->c[i].old->change = s->change;
	err = room_prepare(s, c);
	if (!err)
		err = ebn_svc_health_ports(s, c, diag);
	/* the line before the heads numbers the sets */
	if (!err && c->n)
		err = ebn_svc_rows_reserve(s, 1);
	for (i = 0; !err && i < c->n; i++)
		if (c->c[i].new)
			err = svc_prepare(s, &c->c[i], diag);
	return err;
}

/*
 * Records of more than one service change with one store, so that a successor never finds a frontend in two of them. Last of
 * what may fail: a growing array would publish the cells too early.
 */
int ebn_svc_records_stage(struct ebn_services *s, const struct ebn_svc_changes *c)
{
	uint32_t *cell;
	size_t i;
	int err;

	if (c->n < 2)
		return 0;
	err = ebn_node_alloc(s->nt, EBN_P_SVC_RECORD, s->records * 4, &s->staged);
	if (err)
		return err;
	err = ebn_node_begin(s->nt);
	if (err) {
		ebn_node_release(s->nt, s->staged);
		s->staged = 0;
		return err;
	}
	cell = ebn_node_ptr(s->nt, s->staged, s->records * 4);
	memcpy(cell, ebn_svc_record_cell(s, 0), s->records * 4);
	for (i = 0; i < c->n; i++)
		cell[c->c[i].new ? c->c[i].new->number : c->c[i].old->number] = c->c[i].new ? c->c[i].new->record : 0;
	return 0;
}

static void records_publish(struct ebn_services *s, const struct ebn_svc_changes *c)
{
	struct ebn_slot old = ebn_node_slot(s->nt, EBN_P_SVC_RECORD);

	if (!c->n)
		return;
	if (!s->staged) {
		/* release: readers in other processes follow it */
		__atomic_store_n(ebn_svc_record_cell(s, c->c->new ? c->c->new->number : c->c->old->number),
				 c->c->new ? c->c->new->record : 0, __ATOMIC_RELEASE);
		return;
	}
	ebn_node_set(s->nt, EBN_P_SVC_RECORD, s->staged, s->records);
	(void)ebn_node_publish(s->nt);
	(void)ebn_node_retire(s->nt, old.off);
	s->staged = 0;
}

/* ---- carrying out ---- */

void ebn_svc_show(struct ebn_services *s, struct ebn_svc *svc)
{
	struct ebn_svc_place_front *p;
	const uint32_t *member;
	struct ebn_svc_row *r;
	uint32_t i, k, m;

	for (i = 0; i < svc->fronts; i++) {
		p = &svc->front[i];
		for (k = 0; k < EBN_SVC_FROMS; k++) {
			struct ebn_svc_set *set = ebn_node_ptr(s->nt, s->set[p->set[k]].off, sizeof(*set));

			if (s->set[p->set[k]].live)
				continue;
			s->set[p->set[k]].live = true;
			member = (const uint32_t *)(set + 1);
			for (m = 0; m < set->members; m++)
				s->backend[member[m]].place = EBN_SVC_LIVE;
		}
		ebn_svc_vip_show(s, p->vip);
		r = ebn_svc_row(s, p->row);
		if (!p->taken) {
			ebn_svc_row_link(s, p->row);
		} else if (r->set[0] != s->set[p->set[0]].off || r->set[1] != s->set[p->set[1]].off) {
			uint32_t w[2] = { s->set[p->set[0]].off, s->set[p->set[1]].off };
			uint64_t v, *both = (void *)r->set;

			memcpy(&v, w, sizeof(v));
			/* release: the sets were filled before */
			__atomic_store_n(both, v, __ATOMIC_RELEASE);
		}
	}
	/* a backend that no frontend is of the family of is in no set */
	for (i = 0; i < svc->backends; i++)
		s->backend[svc->backend[i]].place = EBN_SVC_LIVE;
}

/* Everything an old service held. Its rows that a new one took over stay. */
static void svc_hide(struct ebn_services *s, struct ebn_svc *svc)
{
	struct ebn_svc_place_front *p;
	uint32_t i;

	for (i = 0; i < svc->fronts; i++) {
		p = &svc->front[i];
		if (s->row[p->row].claim != s->change)
			ebn_svc_row_unlink(s, p->row);
		ebn_svc_vip_count(s, p->vip, front_kind(svc->spec, &svc->spec->front[i]), -1);
		if (s->row[p->vip].refs > 1)
			ebn_svc_vip_show(s, p->vip);
		ebn_svc_vip_put(s, p->vip);
	}
}

static void svc_let_go(struct ebn_services *s, struct ebn_svc *svc, bool sources_stay)
{
	uint32_t i, k;

	for (i = 0; i < svc->fronts; i++)
		for (k = 0; k < EBN_SVC_FROMS; k++)
			ebn_svc_set_put(s, svc->front[i].set[k]);
	for (i = 0; i < svc->backends; i++)
		ebn_svc_backend_put(s, svc->backend[i]);
	if (!sources_stay)
		(void)ebn_node_retire(s->nt, svc->sources);
	(void)ebn_node_retire(s->nt, svc->record);
}

static void number_show(struct ebn_services *s, struct ebn_svc_change *c)
{
	uint32_t number = c->new ? c->new->number : c->old->number;

	if (c->new && c->old) {
		s->svc[number] = c->new;
		return;
	}
	if (c->new) {
		s->svc[number] = c->new;
		s->count++;
		(void)ebn_index_add(&s->name_index, ebn_svc_name_hash(c->new->spec->name), number);
		if (s->counters.service_reset)
			s->counters.service_reset(s->counters.arg, number);
		return;
	}
	ebn_index_remove(&s->name_index, ebn_svc_name_hash(c->old->spec->name), number);
	s->svc[number] = NULL;
	s->count--;
}

static void number_dead(void *arg, uint64_t cookie)
{
	struct ebn_services *s = arg;

	s->number_free.v[s->number_free.n++] = (uint32_t)cookie;
}

void ebn_svc_carry_out(struct ebn_services *s, struct ebn_svc_changes *c)
{
	size_t i;

	records_publish(s, c);
	for (i = 0; i < c->n; i++)
		number_show(s, &c->c[i]);
	ebn_svc_plens_show(s);
	for (i = 0; i < c->n; i++)
		if (c->c[i].new)
			ebn_svc_show(s, c->c[i].new);
	for (i = 0; i < c->n; i++)
		if (c->c[i].old)
			svc_hide(s, c->c[i].old);
	ebn_svc_plens_show(s);
	ebn_svc_changed(s);
	for (i = 0; i < c->n; i++) {
		if (!c->c[i].old)
			continue;
		svc_let_go(s, c->c[i].old, c->c[i].new && c->c[i].new->sources_taken);
		if (!c->c[i].new)
			(void)ebn_node_defer(s->nt, number_dead, s, c->c[i].old->number);
		ebn_svc_free(c->c[i].old);
	}
	free(c->c);
}

void ebn_svc_abort(struct ebn_services *s, struct ebn_svc_changes *c)
{
	struct ebn_svc_place_front *p;
	struct ebn_svc *svc;
	uint32_t k, f;
	size_t i;

	for (i = 0; i < c->n; i++) {
		svc = c->c[i].new;
		if (!svc)
			continue;
		for (f = 0; f < svc->fronts; f++) {
			p = &svc->front[f];
			if (!p->taken)
				ebn_svc_row_drop(s, p->row);
			ebn_svc_vip_count(s, p->vip, front_kind(svc->spec, &svc->spec->front[f]), -1);
			ebn_svc_vip_put(s, p->vip);
			for (k = 0; k < EBN_SVC_FROMS; k++)
				ebn_svc_set_put(s, p->set[k]);
		}
		for (f = 0; f < svc->backends; f++)
			ebn_svc_backend_put(s, svc->backend[f]);
		if (!svc->sources_taken)
			ebn_node_release(s->nt, svc->sources);
		ebn_node_release(s->nt, svc->record);
		if (svc->number && !c->c[i].old)
			s->number_free.v[s->number_free.n++] = svc->number;
		ebn_svc_free(svc);
	}
	/* rows that were claimed are nobody's claim any more */
	s->change++;
	free(c->c);
}
