// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "policy/engine.h"

/* More classes than identities cannot be; twice as many while some rest. */
#define CLASSES_MAX (2u * (EBN_ID_CLUSTER_MAX + 1))

int ebn_policy_init(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebn_rows *rows, struct ebn_policy **ret)
{
	struct ebn_policy *p = ebn_calloc(1, sizeof(*p));
	size_t cap = 0;
	int err;

	if (!p)
		return -ENOMEM;
	p->ctx = ebpfnet_ctx_ref(ctx);
	p->nt = nt;
	p->rows = rows;
	p->store.nt = nt;
	ebn_numbers_init(&p->class_ids, nt, 1, CLASSES_MAX);
	ebn_numbers_init(&p->port_ids, nt, 1, EBN_PORT_CLASSES_MAX + 1);
	ebn_numbers_init(&p->subject_ids, nt, 1, EBN_EPOCH_SUBJECTS);
	ebn_numbers_init(&p->dec_ids, nt, 1, EBN_DECISIONS_MAX);
	p->subject = ebn_calloc(EBN_EPOCH_SUBJECTS, sizeof(*p->subject));
	p->dec = ebn_calloc(EBN_DECISIONS_MAX, sizeof(*p->dec));
	err = p->subject && p->dec ? ebn_random(p->seed, sizeof(p->seed)) : -ENOMEM;
	if (!err)
		err = ebn_identities_new(nt, &p->ids);
	if (!err)
		err = ebn_grow(&p->iv, &cap, 1, sizeof(*p->iv));
	if (err < 0) {
		ebn_policy_free(p);
		return err;
	}
	p->iv[0] = (struct ebn_interval){ 0, 0 };
	p->n_iv = 1;
	p->selectors.subjects = true;
	p->n_port_classes = 1;
	*ret = p;
	return 0;
}

/* The tables outlive the object, so nothing is retired: what is in memory is freed, and that is all. */
static void forget_table(struct ebn_table *t)
{
	free(t->inst);
	free(t->cond);
	free(t->dec);
	free(t);
}

void ebn_policy_free(struct ebn_policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_tables; i++)
		forget_table(p->table[i]);
	for (size_t i = 0; i < p->n_inst; i++)
		ebn_inst_free(p->inst[i]);
	for (uint32_t s = 0; p->subject && s < EBN_EPOCH_SUBJECTS; s++)
		ebpfnet_labels_unref(p->subject[s].labels);
	for (size_t i = 0; i < p->n_orphans; i++)
		free(p->orphan[i]);
	free(p->orphan);
	free(p->orphan_number);
	ebn_index_done(&p->orphan_by_name);
	free(p->table);
	free(p->inst);
	free(p->subject);
	free(p->dec);
	free(p->iv);
	free(p->slot_number);
	free(p->spare_slot);
	ebn_columns_done(&p->peers);
	ebn_columns_done(&p->selectors);
	ebn_classes_done(&p->classes);
	ebn_store_done(&p->store);
	ebn_numbers_done(&p->class_ids);
	ebn_numbers_done(&p->port_ids);
	ebn_numbers_done(&p->subject_ids);
	ebn_numbers_done(&p->dec_ids);
	ebn_index_done(&p->inst_by_name);
	ebn_index_done(&p->subject_by_labels);
	ebn_index_done(&p->table_by_key);
	ebn_index_done(&p->dec_by_value);
	ebn_outside_done(p);
	ebn_inside_done(p);
	ebn_port_names_done(&p->port_names);
	for (size_t i = 0; i < p->n_groups; i++)
		ebn_group_unref(p->groups[i]);
	free(p->groups);
	ebn_identities_free(p->ids);
	ebpfnet_ctx_unref(p->ctx);
	free(p);
}

int ebn_policy_new(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebn_rows *rows, struct ebpfnet_diag *diag,
		   struct ebn_policy **ret)
{
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .diag = diag };
	struct ebpfnet_policy_set *empty = NULL;
	struct ebn_policy *p = NULL;
	struct ebn_identity *id;
	int err;

	err = ebn_policy_init(ctx, nt, rows, &p);
	if (err < 0)
		return err;
	for (uint32_t next = 0; !err && (id = ebn_identities_next(p->ids, next)); next = id->number + 1)
		err = ebn_identity_enter(p, id);
	if (!err)
		err = ebpfnet_policy_set_new(ctx, &empty);
	if (!err)
		err = ebn_policy_commit(p, empty, &opts);
	ebpfnet_policy_set_free(empty);
	if (err < 0) {
		ebn_policy_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

void ebn_policy_sweep(struct ebn_policy *p)
{
	struct ebn_identity *id;

	for (uint32_t next = EBN_ID_CLUSTER_MIN; (id = ebn_identity_next(p, next)); ) {
		next = id->number + 1;
		if (!id->refs)
			ebn_identity_leave(p, id);
	}
	for (uint32_t s = 1; s < p->subject_ids.end; s++)
		if (p->subject[s].labels && !p->subject[s].refs)
			ebn_subject_leave(p, s);
}

void ebn_policy_stats(struct ebn_policy *p, struct ebpfnet_policy_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->policies = (uint32_t)p->n_inst;
	ret->rules = p->n_rules;
	ret->identities = ebn_identities_count(p->ids);
	ret->peer_classes = p->classes.n + 1;
	ret->port_classes = p->n_port_classes;
	for (uint32_t s = 1; s < p->subject_ids.end; s++)
		ret->subjects += p->subject[s].labels != NULL;
	ret->bytes = ebn_node_used(p->nt);
	ret->bytes_free = ebn_node_size(p->nt) - ret->bytes;
	ret->generation = ebn_node_generation(p->nt);
}

/* What a plan that is not carried out would come to. */
static void plan_stats(const struct ebn_plan *pl, struct ebpfnet_policy_stats *ret)
{
	ebn_policy_stats(pl->p, ret);
	ret->policies = (uint32_t)pl->n_inst;
	ret->rules = pl->n_rules;
	if (pl->new_classes)
		ret->peer_classes = pl->classes.n + 1;
	if (pl->new_ports)
		ret->port_classes = pl->n_port_classes;
	ret->bytes += pl->p->store.short_by;
}

int ebn_policy_commit(struct ebn_policy *p, const struct ebpfnet_policy_set *set,
		      const struct ebpfnet_policy_commit_opts *opts)
{
	struct ebpfnet_policy_stats *stats = EBN_OPT(opts, stats, NULL);
	struct ebn_outside_plan *outside = NULL;
	struct ebn_inside_plan *inside = NULL;
	struct ebn_plan pl;
	bool misfits;
	int err;

	if (!p || !set || !EBN_OPTS_VALID(opts, ebpfnet_policy_commit_opts))
		return -EINVAL;
	ebn_plan_begin(p, EBN_OPT(opts, diag, NULL), &pl);
	pl.dry = EBN_OPT(opts, dry_run, 0) != 0;
	misfits = p->misfits;
	err = ebn_outside_begin(p, set, pl.dry, pl.diag, &outside);
	if (!err)
		err = ebn_inside_begin(p, set, pl.dry, pl.diag, &inside);
	if (!err)
		err = ebn_plan_set(&pl, set);
	if (!err) {
		err = ebn_plan_stage(&pl);
		if (stats)
			plan_stats(&pl, stats);
	}
	if (!err && !pl.dry) {
		err = ebn_plan_publish(&pl);
	}
	ebn_plan_drop(&pl);
	ebn_inside_end(inside, !err && !pl.dry);
	ebn_outside_end(outside, !err && !pl.dry);
	/* without a publish those made for it stay misfits until they go */
	if (!err || pl.dry)
		p->misfits = misfits && pl.dry;
	if (!err && !pl.dry && stats)
		ebn_policy_stats(p, stats);
	/* the header knows one error for "does not fit" */
	return err == -E2BIG ? -ENOSPC : err;
}

struct ebn_identities *ebn_policy_identities(struct ebn_policy *p)
{
	return p->ids;
}
