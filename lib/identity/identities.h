/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The inside of the public allocator. */
#ifndef EBN_IDENTITY_IDENTITIES_H
#define EBN_IDENTITY_IDENTITIES_H

#include <ebpfnet/identity.h>

#include "identity/internal.h"
#include "identity/kvstore.h"

struct ebn_ident {
	struct ebpfnet_labels *labels;
	uint64_t until;		/* rests until then, ms of CLOCK_REALTIME; 0: in use */
	uint32_t number;
	uint32_t refs;		/* of this object's users */
	unsigned int k;		/* place of its label key among those of one hash */
	bool announced;
	bool mine;		/* being changed by this object: the watch has no say */
};

struct ebn_rest {
	uint64_t until;
	uint32_t number;
};

struct ebpfnet_identities {
	unsigned int refs;
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_kvstore *store;
	char *node;		/* NULL: nobody else is at the store */
	uint64_t lease;
	uint32_t min, max, next;
	uint32_t quarantine_ms, warn_percent;
	ebpfnet_identities_fn fn;
	void *userdata;
	struct ebn_ident **id;	/* by number - min */
	struct ebn_index by_labels;	/* number */
	struct ebn_rest *rest;	/* what is to be ended, in order */
	size_t n_rest, rest_cap;
	uint32_t n, n_resting, referenced;
	uint64_t acquired, released, exhausted, raced;
	uint32_t missed_min, missed_max;	/* changes among these found no memory; 0: none */
	bool low, starting;
};

/* ---- ident_state.c ---- */
/* What the store holds of an id: "u\nLABELS", or "rMS\nLABELS" when it rests. The caller frees it. NULL: no memory. */
char *ebn_ident_value(const struct ebn_ident *id, uint64_t rest_until);
void ebn_ident_key(char key[16], uint32_t number);
void ebn_ident_label_key(char key[40], const struct ebpfnet_labels *labels, unsigned int k);
void ebn_ident_ref_key(const struct ebpfnet_identities *ids, char key[96], uint32_t number);
struct ebn_ident *ebn_ident_get(struct ebpfnet_identities *ids, uint32_t number);
void ebn_ident_forget(struct ebpfnet_identities *ids, struct ebn_ident *id);
void ebn_ident_event(struct ebpfnet_identities *ids, enum ebpfnet_identity_event e, uint32_t number,
		     const struct ebpfnet_labels *labels);
int ebn_ident_commit(struct ebpfnet_identities *ids, const struct ebpfnet_kv_change *c, size_t n);
/* A pair of the store, by list or by watch. By watch it never fails: what finds no memory is missed, and made up for. */
int ebn_ident_changed(const struct ebpfnet_kv *kv, void *arg);
void ebn_ident_missed(struct ebpfnet_identities *ids, uint32_t number);
/* Looks at what was missed. */
int ebn_ident_make_up(struct ebpfnet_identities *ids);
/* Replaces the value of an id that is known; with others at the store also says whether this node has it. -EAGAIN. */
int ebn_ident_restate(struct ebpfnet_identities *ids, struct ebn_ident *id, uint64_t until);
/* Takes in what the store says of a number, after somebody else was quicker. */
int ebn_ident_look(struct ebpfnet_identities *ids, uint32_t number);
/* Makes a number of these labels, in the store first. -EAGAIN: the number, or the labels, are there. */
int ebn_ident_create(struct ebpfnet_identities *ids, uint32_t number, const struct ebpfnet_labels *labels);
struct ebn_ident *ebn_ident_find(struct ebpfnet_identities *ids, const struct ebpfnet_labels *labels);
/* Number of a reserved name that stands alone, 0: no label is reserved, -EINVAL: mixed, or no such name. */
int ebn_identity_of_reserved(const struct ebpfnet_labels *labels);

#endif
