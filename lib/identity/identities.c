// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The allocator of identities. References are counted here only; with other nodes at the store one key says that this node has
 * any.
 */
#include "identity/identities.h"

#include <stdio.h>

#define TRIES 16
#define LEASE_S 60u
#define DAY_MS 86400000u
#define MISSED_MS 100		/* until what found no memory is looked at again */

static uint64_t now_ms(void)
{
	return ebn_realtime_ns() / 1000000;
}

static int pick(struct ebpfnet_identities *ids, uint32_t *ret)
{
	uint32_t i;

	for (i = ids->min; i <= ids->max; i++) {
		uint32_t number = ids->next;

		ids->next = number == ids->max ? ids->min : number + 1;
		if (!ebn_ident_get(ids, number)) {
			*ret = number;
			return 0;
		}
	}
	ids->exhausted++;
	return -ENOSPC;
}

/* ---- interface ---- */

static int refer(struct ebpfnet_identities *ids, struct ebn_ident *id)
{
	int r = 0;

	if (id->until || (ids->node && !id->refs))
		r = ebn_ident_restate(ids, id, 0);
	if (r < 0)
		return r;
	ids->referenced += !id->refs;
	id->refs++;
	ids->acquired++;
	return 0;
}

/* The key that says so in the store was made with it. */
static int make_first(struct ebpfnet_identities *ids, uint32_t number, const struct ebpfnet_labels *labels)
{
	struct ebn_ident *id;
	int r;

	r = ebn_ident_create(ids, number, labels);
	id = r < 0 ? NULL : ebn_ident_get(ids, number);
	if (!id)
		return r;
	id->refs = 1;
	ids->referenced++;
	ids->acquired++;
	return 0;
}

/* 1 new, 0 known. -EAGAIN: another node was quicker, and what it did is known now. */
static int acquire_once(struct ebpfnet_identities *ids, const struct ebpfnet_labels *labels, uint32_t *ret_number)
{
	struct ebn_ident *id = ebn_ident_find(ids, labels);
	uint32_t number = 0;
	int r;

	if (id) {
		number = id->number;
		r = refer(ids, id);
	} else {
		r = pick(ids, &number);
		if (!r)
			r = make_first(ids, number, labels);
	}
	if (r == -EAGAIN) {
		ids->raced++;
		r = ebn_ident_look(ids, number);
		return r < 0 ? r : -EAGAIN;
	}
	if (r < 0)
		return r;
	*ret_number = number;
	return !id;
}

int ebpfnet_identities_acquire(struct ebpfnet_identities *ids, const struct ebpfnet_labels *labels,
			       uint32_t *ret_number)
{
	int r, tries;

	if (!ids || !ret_number || !ebpfnet_labels_count(labels))
		return -EINVAL;
	r = ebn_identity_of_reserved(labels);
	if (r < 0)
		return r;
	if (r) {
		*ret_number = (uint32_t)r;
		return 0;
	}
	r = -EAGAIN;
	for (tries = 0; r == -EAGAIN && tries < TRIES; tries++)
		r = acquire_once(ids, labels, ret_number);
	return r;
}

int ebpfnet_identities_claim(struct ebpfnet_identities *ids, uint32_t number, const struct ebpfnet_labels *labels)
{
	struct ebn_ident *id;
	int r;

	if (!ids || !ebpfnet_labels_count(labels) || number < ids->min || number > ids->max ||
	    ebn_identity_of_reserved(labels))
		return -EINVAL;
	id = ebn_ident_get(ids, number);
	if (id && !ebpfnet_labels_equal(id->labels, labels))
		return -EEXIST;
	if (id)
		return refer(ids, id);
	if (ebn_ident_find(ids, labels))
		return -EEXIST;
	r = make_first(ids, number, labels);
	return r == -EAGAIN ? -EEXIST : r;
}

static int others_refer(const struct ebpfnet_kv *kv, void *arg)
{
	const struct ebpfnet_identities *ids = arg;

	return strcmp(strrchr(kv->key, '/') + 1, ids->node) ? -EEXIST : 0;
}

/* The last reference here is gone: it rests, unless another node has one. */
static int retire(struct ebpfnet_identities *ids, struct ebn_ident *id)
{
	struct ebpfnet_kv_change c = { 0 };
	char key[96];
	int r = 0;

	if (ids->node) {
		snprintf(key, sizeof(key), "ref/%u/", id->number);
		r = ids->store->ops.list(ids->store->store, key, others_refer, ids);
	}
	if (r == -EEXIST) {
		ebn_ident_ref_key(ids, key, id->number);
		c.key = key;
		return ebn_ident_commit(ids, &c, 1);
	}
	return r < 0 ? r : ebn_ident_restate(ids, id, now_ms() + ids->quarantine_ms);
}

int ebpfnet_identities_release(struct ebpfnet_identities *ids, uint32_t number)
{
	struct ebn_ident *id;

	if (!ids)
		return -EINVAL;
	if (number && number < EBPFNET_IDENTITY_MIN)
		return 0;
	id = ebn_ident_get(ids, number);
	if (!id || !id->refs)
		return -ENOENT;
	ids->released++;
	if (--id->refs)
		return 0;
	ids->referenced--;
	return retire(ids, id);
}

const struct ebpfnet_labels *ebpfnet_identities_lookup(struct ebpfnet_identities *ids, uint32_t number)
{
	const struct ebn_ident *id = ids ? ebn_ident_get(ids, number) : NULL;

	return id ? id->labels : NULL;
}

int ebpfnet_identities_collect(struct ebpfnet_identities *ids)
{
	struct ebn_ident *id;
	uint32_t i;
	int r, n = 0;

	if (!ids)
		return -EINVAL;
	for (i = ids->min; i <= ids->max; i++) {
		id = ebn_ident_get(ids, i);
		if (!id || id->refs || id->until)
			continue;
		r = retire(ids, id);
		if (r == -EAGAIN)
			r = ebn_ident_look(ids, i);
		if (r < 0)
			return r;
		n += id == ebn_ident_get(ids, i) && id->until;
	}
	return n;
}

/* A rest that is over: both keys go, if the store still says so. */
static int expire(struct ebpfnet_identities *ids, struct ebn_ident *id)
{
	_free_ char *old = ebn_ident_value(id, id->until);
	struct ebpfnet_kv_change c[2];
	struct ebpfnet_labels *labels;
	uint32_t number = id->number;
	char key[16], label[40];
	int r;

	if (!old)
		return -ENOMEM;
	ebn_ident_key(key, number);
	c[0] = (struct ebpfnet_kv_change){ .key = key, .when = EBPFNET_KV_EQUAL, .expect = old,
					   .expect_len = strlen(old) };
	ebn_ident_label_key(label, id->labels, id->k);
	c[1] = (struct ebpfnet_kv_change){ .key = label };
	id->mine = true;
	r = ebn_ident_commit(ids, c, 2);
	id->mine = false;
	if (r == -EAGAIN)
		return ebn_ident_look(ids, number);
	if (r < 0)
		return r;
	labels = ebpfnet_labels_ref(id->labels);
	ebn_ident_forget(ids, id);
	ebn_ident_event(ids, EBPFNET_IDENTITY_REMOVED, number, labels);
	ebpfnet_labels_unref(labels);
	return 0;
}

/* The rests are in the order they end; those other nodes began may wait a little longer. */
static int expire_all(struct ebpfnet_identities *ids)
{
	uint64_t now = now_ms();
	struct ebn_ident *id;
	struct ebn_rest rest;
	size_t i;
	int r = 0;

	for (i = 0; !r && i < ids->n_rest && ids->rest[i].until <= now; i++) {
		rest = ids->rest[i];
		id = ebn_ident_get(ids, rest.number);
		/* unless it came back meanwhile, or is gone */
		if (id && id->until == rest.until)
			r = expire(ids, id);
	}
	/* what could not be ended now is tried again */
	i -= r < 0;
	ids->n_rest -= i;
	if (i && ids->n_rest)
		memmove(ids->rest, ids->rest + i, ids->n_rest * sizeof(*ids->rest));
	return r;
}

int ebpfnet_identities_dispatch(struct ebpfnet_identities *ids)
{
	uint32_t numbers;
	bool low;
	int r, q;

	if (!ids)
		return -EINVAL;
	r = expire_all(ids);
	q = ids->store->ops.dispatch(ids->store->store);
	if (ids->missed_min) {
		int missed = ebn_ident_make_up(ids);

		q = q < 0 ? q : missed;
	}
	numbers = ids->max - ids->min + 1;
	low = (uint64_t)ids->n * 100 > (uint64_t)numbers * ids->warn_percent;
	if (low && !ids->low) {
		ebn_warn(ids->ctx, "%u of %u identities are in use or at rest", ids->n, numbers);
		ebn_ident_event(ids, EBPFNET_IDENTITY_LOW, 0, NULL);
	}
	ids->low = low;
	return r < 0 ? r : q;
}

int ebpfnet_identities_get_timeout(struct ebpfnet_identities *ids)
{
	uint64_t now, left;
	int r;

	if (!ids)
		return -EINVAL;
	r = ids->store->ops.get_timeout(ids->store->store);
	if (ids->missed_min && (r < 0 || r > MISSED_MS))
		r = MISSED_MS;
	if (!ids->n_rest)
		return r;
	now = now_ms();
	left = ids->rest[0].until > now ? ids->rest[0].until - now : 0;
	if (left > DAY_MS)
		left = DAY_MS;
	return r < 0 || (uint64_t)r > left ? (int)left : r;
}

int ebpfnet_identities_get_fd(struct ebpfnet_identities *ids)
{
	if (!ids)
		return -EINVAL;
	return ids->store->ops.get_fd ? ids->store->ops.get_fd(ids->store->store) : -ENOENT;
}

int ebpfnet_identities_get_stats(struct ebpfnet_identities *ids, struct ebpfnet_identities_stats *ret, size_t size)
{
	struct ebpfnet_identities_stats s;

	if (!ids || !ret)
		return -EINVAL;
	s = (struct ebpfnet_identities_stats){
		.numbers = ids->max - ids->min + 1, .used = ids->n - ids->n_resting, .referenced = ids->referenced,
		.resting = ids->n_resting, .acquired = ids->acquired, .released = ids->released,
		.exhausted = ids->exhausted, .raced = ids->raced,
	};
	ebn_copy_out(ret, size, &s, sizeof(s));
	return 0;
}

/* ---- making ---- */

static bool node_valid(const char *node)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	size_t n = strspn(node, ok);

	return n >= 1 && n <= 63 && !node[n];
}

static int check_opts(struct ebpfnet_identities *ids, const struct ebpfnet_identities_opts *opts)
{
	struct ebpfnet_diag *diag = EBN_OPT(opts, diag, NULL);
	const char *node = EBN_OPT(opts, node, NULL);

	ids->min = EBN_OPT(opts, min, 0) ? opts->min : EBPFNET_IDENTITY_MIN;
	ids->max = EBN_OPT(opts, max, 0) ? opts->max : EBPFNET_IDENTITY_MAX;
	if (ids->min < EBPFNET_IDENTITY_MIN || ids->max > EBPFNET_IDENTITY_MAX || ids->min > ids->max)
		return ebn_diag(diag, "min", EINVAL, "not a range within %u and %u", EBPFNET_IDENTITY_MIN, EBPFNET_IDENTITY_MAX);
	ids->quarantine_ms = EBN_OPT(opts, quarantine_ms, 0) ? opts->quarantine_ms : EBPFNET_IDENTITY_QUARANTINE_MS;
	if (ids->quarantine_ms > DAY_MS)
		return ebn_diag(diag, "quarantine_ms", EINVAL, "more than a day");
	ids->warn_percent = EBN_OPT(opts, warn_percent, 0) ? opts->warn_percent : 90;
	if (ids->warn_percent > 100)
		return ebn_diag(diag, "warn_percent", EINVAL, "more than 100");
	if (node && !node_valid(node))
		return ebn_diag(diag, "node", EINVAL, "not 1 to 63 letters, digits, '.', '_' and '-'");
	ids->next = ids->min;
	ids->fn = EBN_OPT(opts, fn, NULL);
	ids->userdata = EBN_OPT(opts, userdata, NULL);
	ids->id = ebn_calloc(ids->max - ids->min + 1, sizeof(*ids->id));
	ids->node = node ? strdup(node) : NULL;
	return ids->id && (!node || ids->node) ? 0 : -ENOMEM;
}

static int rest_order(const void *a, const void *b)
{
	const struct ebn_rest *x = a, *y = b;

	return (x->until > y->until) - (x->until < y->until);
}

/* The place of a label key tells which of the labels of one hash it is for. */
static int place(const struct ebpfnet_kv *kv, void *arg)
{
	struct ebpfnet_identities *ids = arg;
	const char *k = strrchr(kv->key, '/');
	struct ebn_ident *id;
	char text[16] = "";

	if (kv->len < sizeof(text) && kv->len)
		memcpy(text, kv->value, kv->len);
	id = ebn_ident_get(ids, (uint32_t)strtoul(text, NULL, 10));
	if (id)
		id->k = (unsigned int)strtoul(k + 1, NULL, 10) % TRIES;
	return 0;
}

static int take_over(struct ebpfnet_identities *ids)
{
	struct ebpfnet_kvstore *s = ids->store;
	uint32_t i;
	int r;

	r = s->ops.watch(s->store, "id/", ebn_ident_changed, ids);
	if (!r && ids->node && s->ops.lease)
		r = s->ops.lease(s->store, LEASE_S, &ids->lease);
	ids->starting = true;
	if (!r)
		r = s->ops.list(s->store, "id/", ebn_ident_changed, ids);
	if (!r)
		r = s->ops.list(s->store, "label/", place, ids);
	ids->starting = false;
	for (i = 0; !r && i <= ids->max - ids->min; i++)
		if (ids->id[i])
			ids->id[i]->announced = true;
	if (ids->n_rest)
		qsort(ids->rest, ids->n_rest, sizeof(*ids->rest), rest_order);
	return r;
}

static void ids_free(struct ebpfnet_identities *ids)
{
	uint32_t i;

	for (i = 0; ids->id && i <= ids->max - ids->min; i++)
		if (ids->id[i])
			ebn_ident_forget(ids, ids->id[i]);
	ebn_index_done(&ids->by_labels);
	free(ids->id);
	free(ids->rest);
	free(ids->node);
	ebpfnet_ctx_unref(ids->ctx);
	free(ids);
}

int ebpfnet_identities_new(struct ebpfnet_ctx *ctx, const struct ebpfnet_identities_opts *opts,
			   struct ebpfnet_identities **ret)
{
	struct ebpfnet_kvstore *own = NULL;
	struct ebpfnet_identities *ids;
	int r;

	if (!ctx || !ret || !EBN_OPTS_VALID(opts, ebpfnet_identities_opts))
		return -EINVAL;
	ids = ebn_calloc(1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	ids->refs = 1;
	ids->ctx = ebpfnet_ctx_ref(ctx);
	r = check_opts(ids, opts);
	ids->store = EBN_OPT(opts, store, NULL);
	if (!r && !ids->store) {
		r = ebpfnet_kvstore_memory(&own);
		ids->store = own;
	}
	if (!r) {
		r = take_over(ids);
		if (r < 0)
			ebn_diag(EBN_OPT(opts, diag, NULL), NULL, r, "the store holds what is no identity");
	}
	if (r < 0) {
		if (ids->store && !own)
			(void)ids->store->ops.watch(ids->store->store, "", NULL, NULL);
		ebpfnet_kvstore_free(own);
		ids_free(ids);
		return r;
	}
	*ret = ids;
	return 0;
}

struct ebpfnet_identities *ebpfnet_identities_ref(struct ebpfnet_identities *ids)
{
	if (ids)
		ids->refs++;
	return ids;
}

struct ebpfnet_identities *ebpfnet_identities_unref(struct ebpfnet_identities *ids)
{
	if (!ids || --ids->refs)
		return NULL;
	ebpfnet_kvstore_free(ids->store);
	ids_free(ids);
	return NULL;
}
