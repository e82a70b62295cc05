// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Taking tables over. The records say what there should be, the rows what there is. Where the last writer died in the middle
 * of a change they differ, and the records win: each service is prepared and shown as in any change, which finds all of what
 * is right already there, and what nobody wanted then goes.
 */
#include "service/internal.h"

#define RECORDS_MIN 256u
#define RECORDS_MAX (EBPFNET_SERVICES_MAX + 1)

uint32_t *ebn_svc_record_cell(struct ebn_services *s, uint32_t number)
{
	struct ebn_slot slot = ebn_node_slot(s->nt, EBN_P_SVC_RECORD);

	return ebn_node_ptr(s->nt, slot.off + number * 4, 4);
}

/* n cells in the writer's memory. */
static int records_memory(struct ebn_services *s, uint32_t n)
{
	struct ebn_svc **svc;
	int err;

	err = ebn_grow(&s->number_free.v, &s->number_free.cap, n, sizeof(*s->number_free.v));
	if (err)
		return err;
	svc = realloc(s->svc, n * sizeof(struct ebn_svc *));
	if (!svc)
		return -ENOMEM;
	memset(svc + s->records, 0, (n - s->records) * sizeof(struct ebn_svc *));
	s->svc = svc;
	return 0;
}

/* Room for n more services, and for the node's record. */
int ebn_svc_records_reserve(struct ebn_services *s, uint32_t n)
{
	struct ebn_slot old;
	uint32_t more, off, i;
	int err;

	while (!s->records || s->number_free.n < n) {
		old = ebn_node_slot(s->nt, EBN_P_SVC_RECORD);
		more = s->records ? s->records * 2 : RECORDS_MIN;
		if (s->records >= RECORDS_MAX)
			return -ENOSPC;
		if (more > RECORDS_MAX)
			more = RECORDS_MAX;
		err = records_memory(s, more);
		if (!err)
			err = ebn_node_alloc(s->nt, EBN_P_SVC_RECORD, more * 4, &off);
		if (err)
			return err;
		if (s->records)
			memcpy(ebn_node_ptr(s->nt, off, more * 4), ebn_svc_record_cell(s, 0), s->records * 4);
		err = ebn_node_swap(s->nt, EBN_P_SVC_RECORD, off, more);
		if (err) {
			ebn_node_release(s->nt, off);
			return err;
		}
		(void)ebn_node_retire(s->nt, old.off);
		/* small numbers first */
		for (i = more; i-- > (s->records ? s->records : 1);)
			s->number_free.v[s->number_free.n++] = i;
		s->records = more;
	}
	return 0;
}

/* ---- opening ---- */

static int record_adopt(struct ebn_services *s, uint32_t number, uint32_t off, struct ebpfnet_diag *diag)
{
	const struct ebn_extent *x;
	struct ebn_svc_spec *spec;
	struct ebn_svc *svc;
	int err;

	if (ebn_node_mark(s->nt, off, EBN_X_SVC_RECORD, EBN_LINE))
		return ebn_diag(diag, "services", EPROTO, "record %u is none", number);
	x = (const struct ebn_extent *)ebn_node_ptr(s->nt, off - EBN_LINE, EBN_LINE);
	err = ebn_svc_record_read(x + 1, x->len, number, &spec);
	if (err == -EPROTO)
		return ebn_diag(diag, "services", EPROTO, "record %u is damaged", number);
	if (err)
		return err;
	if (!number) {
		s->node = spec;
		s->node_record = off;
		return spec->n_backend == 1 && spec->n_front <= EBN_SVC_NODE_ADDRS_MAX ?
			       0 :
			       ebn_diag(diag, "services", EPROTO, "the record of the node is damaged");
	}
	if (ebn_svc_find(s, spec->name)) {
		free(spec);
		return ebn_diag(diag, "services", EPROTO, "record %u has the name of another", number);
	}
	err = ebn_svc_new(s, spec, &svc);
	if (err)
		return err;
	svc->number = number;
	svc->record = off;
	s->svc[number] = svc;
	s->count++;
	return ebn_index_add(&s->name_index, ebn_svc_name_hash(spec->name), number);
}

static int records_adopt(struct ebn_services *s, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(s->nt, EBN_P_SVC_RECORD);
	uint32_t i, off;
	int err;

	if (!slot.off)
		return 0;
	if (!slot.n || slot.n > RECORDS_MAX || ebn_node_mark(s->nt, slot.off, EBN_P_SVC_RECORD, slot.n * 4))
		return ebn_diag(diag, "services", EPROTO, "the piece of records is damaged");
	err = records_memory(s, slot.n);
	if (err)
		return err;
	s->records = slot.n;
	for (i = 0; i < slot.n; i++) {
		off = *ebn_svc_record_cell(s, i);
		err = off ? record_adopt(s, i, off, diag) : 0;
		if (err)
			return err;
	}
	for (i = slot.n; i-- > 1;)
		if (!s->svc[i])
			s->number_free.v[s->number_free.n++] = i;
	return 0;
}

/* Source ranges that rows name, each once. */
static int sources_adopt(struct ebn_services *s, struct ebpfnet_diag *diag)
{
	const struct ebn_svc_sources *src;
	const struct ebn_svc_row *r;
	uint32_t i, at;
	size_t k;
	int err;

	for (i = 0; i < s->rows_used; i++) {
		r = ebn_svc_row(s, i);
		if (s->row[i].place != EBN_SVC_LIVE || !r->sources)
			continue;
		/* the rows of one service follow each other, mostly */
		for (k = s->old_sources.n; k-- > 0 && s->old_sources.v[k] != r->sources;)
			;
		if (k < s->old_sources.n)
			continue;
		at = r->sources;
		src = ebn_node_ptr(s->nt, at, sizeof(*src));
		if (ebn_node_mark(s->nt, at, EBN_X_SVC_SOURCES, sizeof(*src)) || src->edges > EBN_SVC_EDGES_MAX ||
		    sizeof(*src) + src->edges * sizeof(struct ebn_svc_edge) > ((const struct ebn_extent *)src)[-1].len)
			return ebn_diag(diag, "services", EPROTO, "source ranges of row %u are damaged", i);
		err = ebn_svc_push(&s->old_sources, at);
		if (err)
			return err;
	}
	return 0;
}

int ebn_services_open(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebpfnet_diag *diag,
		      struct ebn_services **ret)
{
	struct ebn_services *s = ebn_calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->ctx = ctx;
	s->nt = nt;
	err = records_adopt(s, diag);
	if (!err)
		err = ebn_svc_rows_adopt(s, diag);
	if (!err)
		err = ebn_svc_sets_adopt(s, diag);
	if (!err)
		err = sources_adopt(s, diag);
	if (err) {
		ebn_services_free(s);
		return err;
	}
	s->old_sets = s->sets;
	*ret = s;
	return 0;
}

void ebn_services_free(struct ebn_services *s)
{
	uint32_t i;

	if (!s)
		return;
	for (i = 0; i < s->records; i++)
		ebn_svc_free(s->svc[i]);
	free(s->svc);
	free(s->row);
	free(s->chain);
	free(s->row_free.v);
	free(s->backend);
	free(s->backend_free.v);
	free(s->set);
	free(s->set_free.v);
	free(s->number_free.v);
	free(s->old_sources.v);
	free(s->node);
	free(s->node_vip);
	ebn_index_done(&s->row_index);
	ebn_index_done(&s->backend_index);
	ebn_index_done(&s->set_index);
	ebn_index_done(&s->name_index);
	free(s);
}

void ebn_services_count(struct ebn_services *s, const struct ebn_svc_counters *counters)
{
	s->counters = *counters;
}

void ebn_services_totals(struct ebn_services *s, struct ebn_services_totals *ret)
{
	*ret = (struct ebn_services_totals){
		.services = s->count,
		.rows = s->rows_used - (uint32_t)s->row_free.n,
		.backends = s->backends_used - (uint32_t)s->backend_free.n,
		.sets = (uint32_t)(s->sets - s->set_free.n),
	};
}

/* ---- settling ---- */

/* What the service's rows name already, when it says the same. */
static int sources_settle(struct ebn_services *s, struct ebn_svc *svc)
{
	const struct ebn_svc_sources *want, *have;
	uint32_t i, fresh, old;
	size_t k;
	int err;

	err = ebn_svc_sources_new(s, svc->spec, &fresh);
	if (err || !fresh)
		return err;
	svc->sources = fresh;
	want = ebn_node_ptr(s->nt, fresh, sizeof(*want));
	for (i = 0; i < s->rows_used; i++) {
		if (s->row[i].place != EBN_SVC_LIVE || s->row[i].service != svc->number)
			continue;
		old = ebn_svc_row(s, i)->sources;
		for (k = 0; k < s->old_sources.n && s->old_sources.v[k] != old;)
			k++;
		if (!old || k == s->old_sources.n)
			continue;
		have = ebn_node_ptr(s->nt, old, sizeof(*have));
		if (have->edges != want->edges ||
		    memcmp(have, want, sizeof(*have) + want->edges * sizeof(struct ebn_svc_edge)))
			continue;
		s->old_sources.v[k] = s->old_sources.v[--s->old_sources.n];
		ebn_node_release(s->nt, fresh);
		svc->sources = old;
		break;
	}
	return 0;
}

static int node_settle(struct ebn_services *s)
{
	uint32_t i;
	int err;

	if (!s->node)
		return 0;
	s->node_vip = ebn_calloc(s->node->n_front, sizeof(*s->node_vip));
	if (!s->node_vip)
		return -ENOMEM;
	for (i = 0; i < s->node->n_front; i++) {
		err = ebn_svc_vip_get(s, s->node->front[i].addr, 128, &s->node_vip[i]);
		if (err)
			return err;
		ebn_svc_vip_count(s, s->node_vip[i], EBN_SVC_VIP, 1);
	}
	return 0;
}

static void orphans(struct ebn_services *s)
{
	uint32_t i;
	size_t k;

	for (i = 0; i < s->rows_used; i++) {
		if (s->row[i].place != EBN_SVC_LIVE || (s->row[i].service && s->row[i].claim == s->change) ||
		    (!s->row[i].service && s->row[i].refs))
			continue;
		if (!s->row[i].service && ebn_svc_row(s, i)->plen < 128)
			s->plens[ebn_svc_row(s, i)->plen]--;
		ebn_svc_row_unlink(s, i);
	}
	for (k = 0; k < s->old_sets; k++)
		ebn_svc_set_put(s, (uint32_t)k);
	for (k = 0; k < s->old_sources.n; k++)
		(void)ebn_node_retire(s->nt, s->old_sources.v[k]);
	s->old_sources.n = 0;
	s->old_sets = 0;
}

int ebn_services_settle(struct ebn_services *s, struct ebpfnet_diag *diag)
{
	struct ebn_svc_changes c = { 0 };
	uint32_t number, i;
	int err = 0;

	if (!s->rows && !s->records)
		return 0;
	err = node_settle(s);
	for (number = 1; !err && number < s->records; number++) {
		if (!s->svc[number])
			continue;
		/* its own row must not look like another service's */
		s->svc[number]->change = s->change + 1;
		err = sources_settle(s, s->svc[number]);
		if (!err)
			err = ebn_grow(&c.c, &c.cap, c.n + 1, sizeof(*c.c));
		if (!err)
			c.c[c.n++] = (struct ebn_svc_change){ .new = s->svc[number] };
	}
	if (!err)
		err = ebn_node_defer_room(s->nt, s->rows_used + s->backends_used);
	if (!err)
		err = ebn_svc_prepare(s, &c, diag);
	/* what was prepared is unreachable, and the tables are as they were found */
	if (!err) {
		ebn_svc_plens_show(s);
		for (i = 0; i < c.n; i++)
			ebn_svc_show(s, c.c[i].new);
		for (i = 0; s->node && i < s->node->n_front; i++)
			ebn_svc_vip_show(s, s->node_vip[i]);
		/* rows that were linked just now are claimed as well */
		for (i = 0; i < c.n; i++)
			for (number = 0; number < c.c[i].new->fronts; number++)
				s->row[c.c[i].new->front[number].row].claim = s->change;
		orphans(s);
		ebn_svc_plens_show(s);
		ebn_svc_changed(s);
	}
	free(c.c);
	return err;
}
