// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What callers ask for, as changes. */
#include "service/internal.h"

static int change_add(struct ebn_svc_changes *c, struct ebn_svc *old, struct ebn_svc *new)
{
	int err = ebn_grow(&c->c, &c->cap, c->n + 1, sizeof(*c->c));

	if (err) {
		ebn_svc_free(new);
		return err;
	}
	c->c[c->n++] = (struct ebn_svc_change){ .old = old, .new = new };
	return 0;
}

/* Takes spec over. */
static int change_spec(struct ebn_services *s, struct ebn_svc_changes *c, struct ebn_svc *old,
		       struct ebn_svc_spec *spec)
{
	struct ebn_svc *svc;
	int err = ebn_svc_new(s, spec, &svc);

	return err ? err : change_add(c, old, svc);
}

/* try: leaves everything as it was. */
static int run_or_try(struct ebn_services *s, struct ebn_svc_changes *c, int err, bool try, struct ebpfnet_diag *diag)
{
	if (!err)
		err = ebn_svc_prepare(s, c, diag);
	if (!err && !try)
		err = ebn_svc_records_stage(s, c);
	if (err || try)
		ebn_svc_abort(s, c);
	else
		ebn_svc_carry_out(s, c);
	return err;
}

static int run(struct ebn_services *s, struct ebn_svc_changes *c, int err, struct ebpfnet_diag *diag)
{
	return run_or_try(s, c, err, false, diag);
}

int ebn_services_upsert(struct ebn_services *s, const struct ebpfnet_service_opts *opts, struct ebpfnet_diag *diag)
{
	struct ebn_svc_changes c = { 0 };
	struct ebn_svc_spec *spec;
	struct ebn_svc *old;
	int err;

	err = ebn_svc_spec_new(opts, diag, &spec);
	if (err)
		return err;
	old = ebn_svc_find(s, spec->name);
	if (old && ebn_svc_spec_equal(old->spec, spec)) {
		free(spec);
		return 0;
	}
	return run(s, &c, change_spec(s, &c, old, spec), diag);
}

int ebn_services_delete(struct ebn_services *s, const char *name)
{
	struct ebn_svc_changes c = { 0 };
	struct ebn_svc *old = name ? ebn_svc_find(s, name) : NULL;

	if (!name)
		return -EINVAL;
	if (!old)
		return -ENOENT;
	return run(s, &c, change_add(&c, old, NULL), NULL);
}

/* ---- all of them ---- */

struct sync {
	struct ebn_svc_changes c;
	struct ebpfnet_service_changes done;
	struct ebn_index names;		/* of the new list; values are positions */
	uint64_t *kept;			/* bitmap by number */
};

static int sync_one(struct ebn_services *s, struct sync *y, const struct ebpfnet_service_opts *const *services,
		    size_t i, struct ebpfnet_diag *diag)
{
	struct ebn_svc_spec *spec;
	struct ebn_svc *old;
	uint32_t cur, other;
	uint64_t hash;
	int err;

	if (!services[i])
		return -EINVAL;
	err = ebn_svc_spec_new(services[i], diag, &spec);
	if (err)
		return err;
	hash = ebn_svc_name_hash(spec->name);
	ebn_index_for_each(&y->names, hash, cur, other) {
		if (strcmp(services[other]->name, spec->name))
			continue;
		err = ebn_diag(diag, spec->name, EEXIST, "two services of this name");
		free(spec);
		return err;
	}
	(void)ebn_index_add(&y->names, hash, (uint32_t)i);
	old = ebn_svc_find(s, spec->name);
	if (old)
		y->kept[old->number / 64] |= 1ULL << old->number % 64;
	if (old && ebn_svc_spec_equal(old->spec, spec)) {
		free(spec);
		y->done.unchanged++;
		return 0;
	}
	y->done.changed += !!old;
	y->done.added += !old;
	return change_spec(s, &y->c, old, spec);
}

static int sync_all(struct ebn_services *s, const struct ebpfnet_service_opts *const *services, size_t n, bool try,
		    struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag)
{
	struct sync y = { 0 };
	uint32_t number;
	size_t i;
	int err = 0;

	if (n && !services)
		return -EINVAL;
	if (n > EBPFNET_SERVICES_MAX)
		return ebn_diag(diag, NULL, ENOSPC, "%zu services, at most %u", n, EBPFNET_SERVICES_MAX);
	y.kept = ebn_calloc(s->records / 64 + 1, sizeof(*y.kept));
	if (!y.kept || ebn_index_reserve(&y.names, (uint32_t)n))
		err = -ENOMEM;
	for (i = 0; !err && i < n; i++)
		err = sync_one(s, &y, services, i, diag);
	for (number = 1; !err && number < s->records; number++) {
		if (!s->svc[number] || y.kept[number / 64] >> number % 64 & 1)
			continue;
		y.done.removed++;
		err = change_add(&y.c, s->svc[number], NULL);
	}
	err = run_or_try(s, &y.c, err, try, diag);
	ebn_index_done(&y.names);
	free(y.kept);
	if (!err && ret)
		*ret = y.done;
	return err;
}

int ebn_services_sync(struct ebn_services *s, const struct ebpfnet_service_opts *const *services, size_t n,
		      struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag)
{
	return sync_all(s, services, n, false, ret, diag);
}

int ebn_services_try(struct ebn_services *s, const struct ebpfnet_service_opts *const *services, size_t n,
		     struct ebpfnet_service_changes *ret, struct ebpfnet_diag *diag)
{
	return sync_all(s, services, n, true, ret, diag);
}

/* ---- states ---- */

/* 1: it has the backend in another state, and a change was added; 2: in this state already; 0: it has no such backend. */
static int state_one(struct ebn_services *s, struct ebn_svc_changes *c, struct ebn_svc *svc,
		     const struct ebpfnet_backend *b, enum ebpfnet_backend_state state)
{
	struct ebn_svc_spec *spec;
	uint32_t i;
	int err;

	for (i = 0; i < svc->spec->n_backend; i++)
		if (!memcmp(svc->spec->backend[i].addr, b->addr.b, 16) && svc->spec->backend[i].port == b->port &&
		    svc->spec->backend[i].proto == b->protocol)
			break;
	if (i == svc->spec->n_backend)
		return 0;
	if (svc->spec->backend[i].state == state)
		return 2;
	err = ebn_svc_spec_copy(svc->spec, &spec);
	if (err)
		return err;
	spec->backend[i].state = (uint8_t)state;
	err = change_spec(s, c, svc, spec);
	return err ? err : 1;
}

int ebn_services_state(struct ebn_services *s, const char *service, const struct ebpfnet_backend *backend,
		       enum ebpfnet_backend_state state)
{
	struct ebn_svc *only = service ? ebn_svc_find(s, service) : NULL;
	struct ebn_svc_changes c = { 0 };
	uint32_t number;
	bool found = false;
	int err = 0, n;

	if (!backend || (unsigned int)state > EBPFNET_BACKEND_MAINTENANCE)
		return -EINVAL;
	if (service && !only)
		return -ENOENT;
	for (number = 1; err >= 0 && number < s->records; number++) {
		if (!s->svc[number] || (only && s->svc[number] != only))
			continue;
		err = state_one(s, &c, s->svc[number], backend, state);
		found |= err > 0;
	}
	n = (int)c.n;
	err = run(s, &c, err < 0 ? err : found ? 0 : -ENOENT, NULL);
	return err ? err : n;
}

/* ---- this node ---- */

static bool node_same(const struct ebn_svc_spec *a, const struct ebn_svc_spec *b)
{
	return a && b && !strcmp(a->backend->zone, b->backend->zone) && !strcmp(a->backend->node, b->backend->node);
}

/* Everybody anew: who is local, and who near, has changed. */
static int node_changes(struct ebn_services *s, struct ebn_svc_changes *c)
{
	struct ebn_svc_spec *spec;
	uint32_t number;
	int err = 0;

	for (number = 1; !err && number < s->records; number++) {
		if (!s->svc[number])
			continue;
		err = ebn_svc_spec_copy(s->svc[number]->spec, &spec);
		if (!err)
			err = change_spec(s, c, s->svc[number], spec);
	}
	return err;
}

static void node_put(struct ebn_services *s, const uint32_t *vip, uint32_t n)
{
	while (n-- > 0) {
		ebn_svc_vip_count(s, vip[n], EBN_SVC_VIP, -1);
		if (s->row[vip[n]].refs > 1 && s->row[vip[n]].place == EBN_SVC_LIVE)
			ebn_svc_vip_show(s, vip[n]);
		ebn_svc_vip_put(s, vip[n]);
	}
}

/* The new node is in s already. */
static int node_prepare(struct ebn_services *s, uint32_t *vip, uint32_t *n, uint32_t *record)
{
	uint32_t i;
	int err;

	err = ebn_svc_records_reserve(s, 0);
	if (!err)
		err = ebn_node_alloc(s->nt, EBN_X_SVC_RECORD, ebn_svc_record_size(s->node), record);
	if (!err)
		ebn_svc_record_write(s->node, 0, ebn_node_ptr(s->nt, *record, 64));
	for (i = 0; !err && i < s->node->n_front; i++) {
		err = ebn_svc_vip_get(s, s->node->front[i].addr, 128, &vip[i]);
		if (err)
			break;
		ebn_svc_vip_count(s, vip[i], EBN_SVC_VIP, 1);
		++*n;
	}
	return err;
}

int ebn_services_node(struct ebn_services *s, const struct ebpfnet_service_node_opts *opts, struct ebpfnet_diag *diag)
{
	struct ebn_svc_spec *node, *old = s->node;
	struct ebn_svc_changes c = { 0 };
	uint32_t n = 0, record = 0, i, *vip;
	int err;

	if (!opts || !EBN_OPTS_VALID(opts, ebpfnet_service_node_opts))
		return -EINVAL;
	err = ebn_svc_node_spec(opts, diag, &node);
	if (err)
		return err;
	if (old && ebn_svc_spec_equal(old, node)) {
		free(node);
		return 0;
	}
	vip = ebn_calloc(node->n_front, sizeof(*vip));
	if (!vip) {
		free(node);
		return -ENOMEM;
	}
	s->node = node;
	err = node_prepare(s, vip, &n, &record);
	if (!err && !node_same(old, node))
		err = node_changes(s, &c);
	if (!err)
		err = ebn_svc_prepare(s, &c, diag);
	if (!err)
		err = ebn_svc_records_stage(s, &c);
	if (err) {
		ebn_svc_abort(s, &c);
		node_put(s, vip, n);
		ebn_node_release(s->nt, record);
		s->node = old;
		free(node);
		free(vip);
		return err == -ENOSPC ? ebn_diag(diag, "node", ENOSPC, "tables are full") : err;
	}
	/* with the others', where theirs change with one store */
	__atomic_store_n(s->staged ? (uint32_t *)ebn_node_ptr(s->nt, s->staged, 4) : ebn_svc_record_cell(s, 0), record,
			 __ATOMIC_RELEASE);
	for (i = 0; i < n; i++)
		ebn_svc_vip_show(s, vip[i]);
	ebn_svc_carry_out(s, &c);
	if (old)
		node_put(s, s->node_vip, old->n_front);
	(void)ebn_node_retire(s->nt, s->node_record);
	s->node_record = record;
	free(s->node_vip);
	s->node_vip = vip;
	free(old);
	return 0;
}
