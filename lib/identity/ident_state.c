// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Identities: what the store holds, known here in full, kept so by its watch. Every change of "id/N" names the value it replaces,
 * so that two nodes never both succeed: who is late looks again.
 */
#include "identity/identities.h"

#include <inttypes.h>
#include <stdio.h>

#define PLACES 16

/* ---- values ---- */

/* "u\nLABELS", or "rMS\nLABELS"; whoever calls frees it. */
char *ebn_ident_value(const struct ebn_ident *id, uint64_t rest_until)
{
	const char *labels = ebpfnet_labels_format(id->labels);
	size_t size = strlen(labels) + 32;
	char *text = malloc(size);

	if (text && rest_until)
		snprintf(text, size, "r%" PRIu64 "\n%s", rest_until, labels);
	else if (text)
		snprintf(text, size, "u\n%s", labels);
	return text;
}

static int value_read(const struct ebpfnet_kv *kv, uint64_t *ret_until, struct ebpfnet_labels **ret)
{
	_free_ char *text = ebn_calloc(1, kv->len + 2);
	char *end;
	int r;

	if (!text)
		return -ENOMEM;
	if (kv->len)
		memcpy(text, kv->value, kv->len);
	*ret_until = 0;
	end = text + 1;
	if (*text == 'r')
		*ret_until = strtoull(text + 1, &end, 10);
	if ((*text != 'u' && *text != 'r') || *end != '\n' || (*text == 'r' && !*ret_until))
		return -EPROTO;
	r = ebpfnet_labels_parse(end + 1, NULL, NULL, ret);
	if (r < 0)
		return r == -ENOMEM ? r : -EPROTO;
	/* what replaces it names it byte by byte */
	if (ebpfnet_labels_count(*ret) && !strcmp(ebpfnet_labels_format(*ret), end + 1))
		return 0;
	*ret = ebpfnet_labels_unref(*ret);
	return -EPROTO;
}

/* The number in "id/N", 0: none of the range. */
static uint32_t key_number(const struct ebpfnet_identities *ids, const char *key)
{
	unsigned long n = strtoul(key + 3, NULL, 10);

	return n >= ids->min && n <= ids->max ? (uint32_t)n : 0;
}

void ebn_ident_key(char key[16], uint32_t number)
{
	snprintf(key, 16, "id/%u", number);
}

void ebn_ident_label_key(char key[40], const struct ebpfnet_labels *labels, unsigned int k)
{
	snprintf(key, 40, "label/%016" PRIx64 "/%u", ebpfnet_labels_hash(labels), k);
}

void ebn_ident_ref_key(const struct ebpfnet_identities *ids, char key[96], uint32_t number)
{
	snprintf(key, 96, "ref/%u/%s", number, ids->node);
}

/* ---- what is known ---- */

struct ebn_ident *ebn_ident_find(struct ebpfnet_identities *ids, const struct ebpfnet_labels *labels)
{
	uint32_t cursor, n = 0;

	ebn_index_for_each(&ids->by_labels, ebpfnet_labels_hash(labels), cursor, n)
		if (ebpfnet_labels_equal(ids->id[n - ids->min]->labels, labels))
			return ids->id[n - ids->min];
	return NULL;
}

struct ebn_ident *ebn_ident_get(struct ebpfnet_identities *ids, uint32_t number)
{
	return number >= ids->min && number <= ids->max ? ids->id[number - ids->min] : NULL;
}

/* Room for one more rest, so that noting it cannot fail. */
static int rest_room(struct ebpfnet_identities *ids)
{
	return ebn_grow(&ids->rest, &ids->rest_cap, ids->n_rest + 1, sizeof(*ids->rest));
}

static void rest_note(struct ebpfnet_identities *ids, const struct ebn_ident *id)
{
	ids->rest[ids->n_rest++] = (struct ebn_rest){ id->until, id->number };
}

/* All that know() needs. What is not used goes by free(). NULL: no memory. */
static struct ebn_ident *ident_room(struct ebpfnet_identities *ids)
{
	struct ebn_ident *id = ebn_calloc(1, sizeof(*id));

	if (id && !rest_room(ids) && !ebn_index_reserve(&ids->by_labels, 1))
		return id;
	free(id);
	return NULL;
}

/* Takes id, which is ident_room()'s, and labels over. */
static void know(struct ebpfnet_identities *ids, struct ebn_ident *id, uint32_t number, unsigned int k,
		 struct ebpfnet_labels *labels, uint64_t until)
{
	*id = (struct ebn_ident){ .labels = labels, .number = number, .k = k, .until = until };
	(void)ebn_index_add(&ids->by_labels, ebpfnet_labels_hash(labels), number);
	ids->id[number - ids->min] = id;
	ids->n++;
	ids->n_resting += !!until;
	if (until)
		rest_note(ids, id);
}

void ebn_ident_forget(struct ebpfnet_identities *ids, struct ebn_ident *id)
{
	ebn_index_remove(&ids->by_labels, ebpfnet_labels_hash(id->labels), id->number);
	ids->id[id->number - ids->min] = NULL;
	ids->n--;
	ids->n_resting -= !!id->until;
	ids->referenced -= !!id->refs;
	ebpfnet_labels_unref(id->labels);
	free(id);
}

/* Behind rest_room(). */
static void set_until(struct ebpfnet_identities *ids, struct ebn_ident *id, uint64_t until)
{
	ids->n_resting -= !!id->until;
	id->until = until;
	ids->n_resting += !!until;
	if (until)
		rest_note(ids, id);
}

void ebn_ident_event(struct ebpfnet_identities *ids, enum ebpfnet_identity_event e, uint32_t number,
		  const struct ebpfnet_labels *labels)
{
	if (ids->fn)
		ids->fn(e, number, labels, ids->userdata);
}

/* Nobody here uses it: the store no longer has it. */
static void drop(struct ebpfnet_identities *ids, struct ebn_ident *id)
{
	struct ebpfnet_labels *labels = ebpfnet_labels_ref(id->labels);
	uint32_t number = id->number;
	bool announced = id->announced;

	ebn_ident_forget(ids, id);
	if (announced)
		ebn_ident_event(ids, EBPFNET_IDENTITY_REMOVED, number, labels);
	ebpfnet_labels_unref(labels);
}

/* A value in the store, of whomever. What it says again is no news. -ENOMEM, -EPROTO: nothing is changed. */
static int take_in(struct ebpfnet_identities *ids, uint32_t number, const struct ebpfnet_kv *kv)
{
	struct ebn_ident *id = ebn_ident_get(ids, number);
	struct ebpfnet_labels *labels = NULL;
	_free_ struct ebn_ident *room = NULL;
	uint64_t until = 0;
	int r;

	r = value_read(kv, &until, &labels);
	room = r < 0 ? NULL : ident_room(ids);
	if (!room) {
		ebpfnet_labels_unref(labels);
		return r < 0 ? r : -ENOMEM;
	}
	if (id && !ebpfnet_labels_equal(id->labels, labels) && !id->refs) {
		ebn_ident_forget(ids, id);
		id = NULL;
	}
	if (!id && ebn_ident_find(ids, labels)) {
		/* the same labels twice: the first stays */
		ebpfnet_labels_unref(labels);
	} else if (!id) {
		id = EBN_TAKE_PTR(room);
		know(ids, id, number, 0, labels, until);
	} else {
		ebpfnet_labels_unref(labels);
		/* ours is newer when this object uses it */
		if (!id->refs && !id->mine && id->until != until)
			set_until(ids, id, until);
	}
	if (id && !id->announced && !ids->starting) {
		id->announced = true;
		ebn_ident_event(ids, EBPFNET_IDENTITY_ADDED, number, id->labels);
	}
	return 0;
}

int ebn_ident_changed(const struct ebpfnet_kv *kv, void *arg)
{
	struct ebpfnet_identities *ids = arg;
	uint32_t number = key_number(ids, kv->key);
	struct ebn_ident *id = number ? ebn_ident_get(ids, number) : NULL;
	int r;

	if (!number)
		return ids->starting ? -EPROTO : 0;
	if (!kv->value) {
		if (id && !id->refs && !id->mine)
			drop(ids, id);
		return 0;
	}
	r = take_in(ids, number, kv);
	if (r < 0 && ids->starting)
		return r;
	if (r == -ENOMEM)
		ebn_ident_missed(ids, number);
	return 0;
}

void ebn_ident_missed(struct ebpfnet_identities *ids, uint32_t number)
{
	if (!ids->missed_min || number < ids->missed_min)
		ids->missed_min = number;
	if (number > ids->missed_max)
		ids->missed_max = number;
}

int ebn_ident_make_up(struct ebpfnet_identities *ids)
{
	uint32_t i, max = ids->missed_max;
	int r = 0;

	for (i = ids->missed_min; i && i <= max && !r; i++) {
		ids->missed_min = i;
		r = ebn_ident_look(ids, i);
	}
	if (!r)
		ids->missed_min = ids->missed_max = 0;
	return r;
}

/* ---- the store ---- */

int ebn_ident_commit(struct ebpfnet_identities *ids, const struct ebpfnet_kv_change *c, size_t n)
{
	return ids->store->ops.commit(ids->store->store, c, n);
}

/* Replaces the value of an id that is known; with others at the store also says that this node has it. */
int ebn_ident_restate(struct ebpfnet_identities *ids, struct ebn_ident *id, uint64_t until)
{
	_free_ char *old = ebn_ident_value(id, id->until), *value = ebn_ident_value(id, until);
	struct ebpfnet_kv_change c[2];
	char key[16], ref[96];
	int r;

	if (!old || !value)
		return -ENOMEM;
	ebn_ident_key(key, id->number);
	c[0] = (struct ebpfnet_kv_change){ .key = key, .value = value, .len = strlen(value), .when = EBPFNET_KV_EQUAL,
					   .expect = old, .expect_len = strlen(old) };
	if (ids->node) {
		ebn_ident_ref_key(ids, ref, id->number);
		c[1] = (struct ebpfnet_kv_change){ .key = ref, .value = until ? NULL : "", .lease = ids->lease };
	}
	r = rest_room(ids);
	if (!r)
		r = ebn_ident_commit(ids, c, ids->node ? 2 : 1);
	if (!r)
		set_until(ids, id, until);
	return r;
}

/* The store's view, read anew: after somebody else was quicker. */
int ebn_ident_look(struct ebpfnet_identities *ids, uint32_t number)
{
	struct ebpfnet_kv kv = { 0 };
	struct ebn_ident *id = ebn_ident_get(ids, number);
	_free_ char *value = NULL;
	char key[16];
	int len, r;

	ebn_ident_key(key, number);
	len = ids->store->ops.get(ids->store->store, key, NULL, 0);
	if (len < 0 && len != -ENOENT)
		return len;
	if (len == -ENOENT) {
		if (id && !id->refs)
			drop(ids, id);
		return 0;
	}
	value = malloc((size_t)len + 1);
	if (!value)
		return -ENOMEM;
	if (ids->store->ops.get(ids->store->store, key, value, (size_t)len) != len)
		return -EAGAIN;
	kv = (struct ebpfnet_kv){ key, value, (size_t)len };
	r = take_in(ids, number, &kv);
	/* somebody else's, and no identity: its number is not to be had, no more */
	return r == -EPROTO ? 0 : r;
}

/* Makes a number of these labels, in the store first. -EAGAIN: the number, or the labels, are there. */
int ebn_ident_create(struct ebpfnet_identities *ids, uint32_t number, const struct ebpfnet_labels *labels)
{
	struct ebn_ident probe = { .labels = (struct ebpfnet_labels *)labels, .number = number };
	_free_ char *value = ebn_ident_value(&probe, 0);
	char key[16], label[40], ref[96], text[16], have[16];
	_free_ struct ebn_ident *room = ident_room(ids);
	struct ebpfnet_kv_change c[3];
	unsigned int k;
	int r = -EAGAIN;

	if (!value || !room)
		return -ENOMEM;
	ebn_ident_key(key, number);
	snprintf(text, sizeof(text), "%u", number);
	c[0] = (struct ebpfnet_kv_change){ .key = key, .value = value, .len = strlen(value),
					   .when = EBPFNET_KV_ABSENT };
	c[1] = (struct ebpfnet_kv_change){ .key = label, .value = text, .len = strlen(text),
					   .when = EBPFNET_KV_ABSENT };
	if (ids->node) {
		ebn_ident_ref_key(ids, ref, number);
		c[2] = (struct ebpfnet_kv_change){ .key = ref, .value = "", .lease = ids->lease };
	}
	/* other labels of the same hash have the places before */
	for (k = 0; k < PLACES && r == -EAGAIN; k++) {
		ebn_ident_label_key(label, labels, k);
		r = ids->store->ops.get(ids->store->store, label, have, sizeof(have) - 1);
		if (r >= 0 && r < (int)sizeof(have)) {
			have[r] = '\0';
			r = ebn_ident_look(ids, (uint32_t)strtoul(have, NULL, 10));
			if (r < 0 || ebn_ident_find(ids, labels))
				return r < 0 ? r : -EAGAIN;
			r = -EAGAIN;
			continue;
		}
		r = r == -ENOENT ? ebn_ident_commit(ids, c, ids->node ? 3 : 2) : r < 0 ? r : -EPROTO;
		if (r == -EAGAIN)
			return r;
	}
	if (r < 0)
		return r;
	know(ids, EBN_TAKE_PTR(room), number, k - 1, ebpfnet_labels_ref((struct ebpfnet_labels *)labels), 0);
	return 0;
}
