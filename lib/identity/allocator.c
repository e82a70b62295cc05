// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "identity/allocator.h"

#include "core/index.h"
#include "identity/identities.h"
#include "tables/numbers.h"

#define NUMBERS (EBN_ID_CLUSTER_MAX + 1)

static const char *const reserved_names[] = {
	[EBN_ID_HOST] = "reserved:host;",
	[EBN_ID_WORLD] = "reserved:world;",
	[EBN_ID_UNMANAGED] = "reserved:unmanaged;",
	[EBN_ID_HEALTH] = "reserved:health;",
	[EBN_ID_INIT] = "reserved:init;",
	[EBN_ID_REMOTE_NODE] = "reserved:remote-node;",
	[EBN_ID_KUBE_APISERVER] = "reserved:kube-apiserver;",
	[EBN_ID_INGRESS] = "reserved:ingress;",
};

/* Labels of the source "reserved" are ours to give: nobody becomes host or world by writing so. */
static bool claims_reserved(const struct ebpfnet_labels *labels)
{
	const char *text = ebpfnet_labels_format(labels);

	return !strncmp(text, "reserved:", 9) || strstr(text, ";reserved:");
}

const char *ebn_reserved_name(uint32_t identity)
{
	return identity < EBN_ARRAY_SIZE(reserved_names) ? reserved_names[identity] : NULL;
}

int ebn_identity_of_reserved(const struct ebpfnet_labels *labels)
{
	uint32_t i;

	for (i = 1; i < EBN_ARRAY_SIZE(reserved_names); i++)
		if (!strcmp(ebpfnet_labels_format(labels), reserved_names[i]))
			return (int)i;
	return claims_reserved(labels) ? -EINVAL : 0;
}

/* By place: number = first + place * step. */
struct scope {
	uint32_t first, step;
	struct ebn_identity **id;
	size_t cap;
	uint32_t n;
	struct ebn_index by_labels;
	struct ebn_numbers places;
};

struct ebn_identities {
	struct ebn_node *nt;
	struct ebpfnet_identities *source;	/* who gives the numbers; NULL: this object itself */
	struct ebn_identity *by_number[NUMBERS];
	uint64_t resting[NUMBERS / 64];		/* given up, not yet through a grace period */
	struct ebn_index by_labels;		/* hash of the labels -> number */
	uint32_t next;				/* where to look first: numbers rest as long as they can */
	uint32_t n;
	struct scope scope[EBN_SCOPES];
};

static int insert(struct ebn_identities *ids, uint32_t number, const struct ebpfnet_labels *labels,
		  struct ebn_identity **ret)
{
	struct ebn_identity *id = ebn_calloc(1, sizeof(*id));

	if (!id || ebn_index_add(&ids->by_labels, ebpfnet_labels_hash(labels), number) < 0) {
		free(id);
		return -ENOMEM;
	}
	id->labels = ebpfnet_labels_ref((struct ebpfnet_labels *)labels);
	id->number = number;
	ids->by_number[number] = id;
	ids->n++;
	*ret = id;
	return 0;
}

static int add_reserved(struct ebn_identities *ids)
{
	struct ebpfnet_labels *labels;
	struct ebn_identity *id;
	int err = 0;

	for (uint32_t i = 1; !err && i < EBN_ARRAY_SIZE(reserved_names); i++) {
		err = ebpfnet_labels_parse(reserved_names[i], NULL, NULL, &labels);
		if (err < 0)
			break;
		err = insert(ids, i, labels, &id);
		ebpfnet_labels_unref(labels);
	}
	return err;
}

int ebn_identities_new(struct ebn_node *nt, struct ebn_identities **ret)
{
	struct ebn_identities *ids = ebn_calloc(1, sizeof(*ids));
	int err;

	if (!ids)
		return -ENOMEM;
	ids->nt = nt;
	ids->next = EBN_ID_CLUSTER_MIN;
	ids->scope[EBN_SCOPE_OUTSIDE].first = EBN_ID_SCOPE_LOCAL;
	ids->scope[EBN_SCOPE_OUTSIDE].step = 1;
	ebn_numbers_init(&ids->scope[EBN_SCOPE_OUTSIDE].places, nt, 1, EBN_ID_SPLIT - EBN_ID_SCOPE_LOCAL);
	ids->scope[EBN_SCOPE_SPLIT].first = EBN_ID_SPLIT;
	ids->scope[EBN_SCOPE_SPLIT].step = 2;
	ebn_numbers_init(&ids->scope[EBN_SCOPE_SPLIT].places, nt, 1, (EBN_ID_SCOPE_REMOTE_NODE - EBN_ID_SPLIT) / 2);
	err = add_reserved(ids);
	if (err < 0) {
		ebn_identities_free(ids);
		return err;
	}
	*ret = ids;
	return 0;
}

void ebn_identities_free(struct ebn_identities *ids)
{
	if (!ids)
		return;
	for (uint32_t i = 0; i < NUMBERS; i++) {
		if (ids->by_number[i])
			ebpfnet_labels_unref(ids->by_number[i]->labels);
		free(ids->by_number[i]);
	}
	for (int k = 0; k < EBN_SCOPES; k++) {
		struct scope *sc = &ids->scope[k];

		for (size_t i = 0; i < sc->cap; i++) {
			if (sc->id[i])
				ebpfnet_labels_unref(sc->id[i]->labels);
			free(sc->id[i]);
		}
		free(sc->id);
		ebn_index_done(&sc->by_labels);
		ebn_numbers_done(&sc->places);
	}
	ebn_index_done(&ids->by_labels);
	free(ids);
}

/* ---- local scopes ---- */

/* NULL: of no local scope. */
static struct scope *scope_of(struct ebn_identities *ids, uint32_t number)
{
	if (number < EBN_ID_SCOPE_LOCAL || number >= EBN_ID_SCOPE_REMOTE_NODE)
		return NULL;
	return &ids->scope[ebn_identity_split(number) ? EBN_SCOPE_SPLIT : EBN_SCOPE_OUTSIDE];
}

static uint32_t place_of(const struct scope *sc, uint32_t number)
{
	return (number - sc->first) / sc->step;
}

struct ebn_identity *ebn_local_find(struct ebn_identities *ids, enum ebn_scope scope,
				    const struct ebpfnet_labels *labels)
{
	struct scope *sc = &ids->scope[scope];
	uint32_t cursor, i = 0;

	ebn_index_for_each(&sc->by_labels, ebpfnet_labels_hash(labels), cursor, i)
		if (ebpfnet_labels_equal(sc->id[i]->labels, labels))
			return sc->id[i];
	return NULL;
}

static int local_insert(struct scope *sc, uint32_t i, const struct ebpfnet_labels *labels, bool found,
			struct ebn_identity **ret)
{
	struct ebn_identity *id = ebn_calloc(1, sizeof(*id));

	if (!id || ebn_grow(&sc->id, &sc->cap, (size_t)i + 1, sizeof(*sc->id)) < 0 ||
	    (found && ebn_index_add(&sc->by_labels, ebpfnet_labels_hash(labels), i) < 0)) {
		free(id);
		return -ENOMEM;
	}
	id->labels = ebpfnet_labels_ref((struct ebpfnet_labels *)labels);
	id->number = sc->first + i * sc->step;
	sc->id[i] = id;
	sc->n++;
	*ret = id;
	return 0;
}

int ebn_local_make(struct ebn_identities *ids, enum ebn_scope scope, const struct ebpfnet_labels *labels,
		   struct ebn_identity *base, bool found, struct ebn_identity **ret)
{
	struct scope *sc = &ids->scope[scope];
	uint32_t i = 0;
	int err;

	err = ebn_numbers_get(&sc->places, &i);
	if (err < 0)
		return err;
	err = local_insert(sc, i, labels, found, ret);
	if (err < 0) {
		ebn_numbers_unget(&sc->places, i);
		return err;
	}
	(*ret)->base = base;
	if (base)
		base->refs++;
	return 0;
}

int ebn_local_settle(struct ebn_identities *ids, struct ebn_identity *id)
{
	struct scope *sc = &ids->scope[ebn_identity_split(id->number) ? EBN_SCOPE_SPLIT : EBN_SCOPE_OUTSIDE];

	return ebn_index_add(&sc->by_labels, ebpfnet_labels_hash(id->labels), place_of(sc, id->number));
}

int ebn_local_restore(struct ebn_identities *ids, uint32_t number, const struct ebpfnet_labels *labels,
		      struct ebn_identity **ret)
{
	struct scope *sc = scope_of(ids, number);
	uint32_t i;

	if (!sc || number == sc->first || (number - sc->first) % sc->step)
		return -EINVAL;
	i = place_of(sc, number);
	if (ebn_numbers_take(&sc->places, i))
		return -EINVAL;
	/* a second one of the same labels was there for the time of a commit */
	return local_insert(sc, i, labels, !ebn_local_find(ids, sc == ids->scope ? EBN_SCOPE_OUTSIDE : EBN_SCOPE_SPLIT,
							   labels), ret);
}

static void local_remove(struct scope *sc, struct ebn_identity *id, bool reuse_now)
{
	uint32_t i = place_of(sc, id->number);

	ebn_index_remove(&sc->by_labels, ebpfnet_labels_hash(id->labels), i);
	sc->id[i] = NULL;
	sc->n--;
	if (reuse_now)
		ebn_numbers_unget(&sc->places, i);
	else
		ebn_numbers_retire(&sc->places, i);
	ebpfnet_labels_unref(id->labels);
	free(id);
}

static struct ebn_identity *local_next(const struct scope *sc, uint32_t number)
{
	uint32_t from = number <= sc->first ? 0 : (number - sc->first + sc->step - 1) / sc->step;

	for (size_t i = from; i < sc->cap; i++)
		if (sc->id[i])
			return sc->id[i];
	return NULL;
}

/* ---- the cluster's ---- */

static struct ebn_identity *find(struct ebn_identities *ids, const struct ebpfnet_labels *labels)
{
	uint32_t cursor, number = 0;

	ebn_index_for_each(&ids->by_labels, ebpfnet_labels_hash(labels), cursor, number)
		if (ebpfnet_labels_equal(ids->by_number[number]->labels, labels))
			return ids->by_number[number];
	return NULL;
}

static bool taken(const struct ebn_identities *ids, uint32_t number)
{
	return ids->by_number[number] || (ids->resting[number / 64] >> number % 64 & 1);
}

static int pick(struct ebn_identities *ids, uint32_t *ret)
{
	for (uint32_t i = EBN_ID_CLUSTER_MIN; i <= EBN_ID_CLUSTER_MAX; i++) {
		uint32_t number = ids->next;

		ids->next = number == EBN_ID_CLUSTER_MAX ? EBN_ID_CLUSTER_MIN : number + 1;
		if (!taken(ids, number)) {
			*ret = number;
			return 0;
		}
	}
	return -ENOSPC;
}

/* A number for new labels, with a reference at the source. */
static int number_get(struct ebn_identities *ids, const struct ebpfnet_labels *labels, uint32_t *ret)
{
	int r;

	if (!ids->source)
		return pick(ids, ret);
	r = ebpfnet_identities_acquire(ids->source, labels, ret);
	if (r < 0)
		return r;
	if (!ids->by_number[*ret]) {
		/* given up a moment ago: what packets under way still carry are these very labels */
		ids->resting[*ret / 64] &= ~(1ULL << *ret % 64);
		return 0;
	}
	/* tables from before the source have other labels for it */
	(void)ebpfnet_identities_release(ids->source, *ret);
	return -EEXIST;
}

int ebn_identities_use(struct ebn_identities *ids, struct ebpfnet_identities *source)
{
	struct ebn_identity *id;
	int r;

	for (uint32_t n = EBN_ID_CLUSTER_MIN; (id = ebn_identities_next(ids, n)) && id->number < NUMBERS;
	     n = id->number + 1) {
		r = ebpfnet_identities_claim(source, id->number, id->labels);
		/* what the tables say counts on this node until nobody uses it any more */
		if (r < 0 && r != -EEXIST && r != -EINVAL)
			return r;
	}
	ids->source = source;
	return 0;
}

int ebn_identities_acquire(struct ebn_identities *ids, const struct ebpfnet_labels *labels, struct ebn_identity **ret)
{
	struct ebn_identity *id = find(ids, labels);
	uint32_t number;
	int err;

	if (id) {
		id->refs++;
		*ret = id;
		return 0;
	}
	if (claims_reserved(labels))
		return -EINVAL;
	err = number_get(ids, labels, &number);
	if (err < 0)
		return err;
	err = insert(ids, number, labels, &id);
	if (err < 0) {
		if (ids->source)
			ebpfnet_identities_release(ids->source, number);
		return err;
	}
	id->refs = 1;
	*ret = id;
	return 1;
}

int ebn_identities_restore(struct ebn_identities *ids, uint32_t number, const struct ebpfnet_labels *labels,
			   struct ebn_identity **ret)
{
	if (number < EBN_ID_CLUSTER_MIN || number > EBN_ID_CLUSTER_MAX || claims_reserved(labels))
		return -EINVAL;
	if (taken(ids, number) || find(ids, labels))
		return -EEXIST;
	return insert(ids, number, labels, ret);
}

bool ebn_identities_release(struct ebn_identity *id)
{
	if (!id->refs)
		return false;
	return --id->refs == 0 && !ebn_identity_reserved(id->number);
}

static void rested(void *arg, uint64_t number)
{
	struct ebn_identities *ids = arg;

	ids->resting[number / 64] &= ~(1ULL << number % 64);
	/* -ENOENT: tables from before the source had it */
	if (ids->source)
		(void)ebpfnet_identities_release(ids->source, (uint32_t)number);
}

void ebn_identities_remove(struct ebn_identities *ids, struct ebn_identity *id, bool reuse_now)
{
	uint32_t number = id->number;
	struct scope *sc = scope_of(ids, number);

	if (sc) {
		local_remove(sc, id, reuse_now);
		return;
	}
	ebn_index_remove(&ids->by_labels, ebpfnet_labels_hash(id->labels), number);
	ids->by_number[number] = NULL;
	ids->n--;
	ebpfnet_labels_unref(id->labels);
	free(id);
	if (reuse_now) {
		if (ids->source)
			(void)ebpfnet_identities_release(ids->source, number);
		return;
	}
	ids->resting[number / 64] |= 1ULL << number % 64;
	/* without memory for the note the number rests until the next start */
	ebn_node_defer(ids->nt, rested, ids, number);
}

struct ebn_identity *ebn_identities_get(struct ebn_identities *ids, uint32_t number)
{
	struct scope *sc = scope_of(ids, number);
	uint32_t i;

	if (!sc)
		return number < NUMBERS ? ids->by_number[number] : NULL;
	i = place_of(sc, number);
	return (number - sc->first) % sc->step == 0 && i < sc->cap ? sc->id[i] : NULL;
}

struct ebn_identity *ebn_identities_next(struct ebn_identities *ids, uint32_t number)
{
	struct ebn_identity *id = NULL;

	for (; number < NUMBERS; number++)
		if (ids->by_number[number])
			return ids->by_number[number];
	for (int k = 0; !id && k < EBN_SCOPES; k++)
		id = local_next(&ids->scope[k], number);
	return id;
}

uint32_t ebn_identities_count(const struct ebn_identities *ids)
{
	return ids->n + ids->scope[EBN_SCOPE_OUTSIDE].n + ids->scope[EBN_SCOPE_SPLIT].n;
}
