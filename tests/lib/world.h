/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Random inventories, random policies of all languages and random questions, for the reference and for the library. */
#ifndef EBN_TEST_WORLD_H
#define EBN_TEST_WORLD_H

#include <stdint.h>

#include <ebpfnet/policy.h>

#include "ref_policy.h"

struct world {
	uint64_t seed;			/* of what comes next */
	json_t *inventory, *documents;
};

/* Everything new. Nine pods, of three namespaces in order: 10.0.1.1 and fd00:1::1 to 10.0.3.3 and fd00:3::3. */
void world_make(struct world *w, uint64_t seed);
void world_done(struct world *w);
/* A number below n. */
unsigned int world_below(struct world *w, unsigned int n);
/* Somebody with an address of the family, 4 or 6; pods only when pod says so. */
void world_end(struct world *w, int family, bool pod, struct ref_end *ret);
/* A subject, a peer of the same family, direction, protocol and port. *ret_family: 4 or 6. */
void world_question(struct world *w, struct ref_question *ret, int *ret_family);

/* The library's view of an end: labels (a new reference; NULL: it has none) as the datapath would have them. */
struct ebpfnet_labels *world_labels(const json_t *inventory, const struct ref_end *end);
/* The documents, parsed, with the inventory's services; NULL and, unless quiet, a message: the library refuses them. */
struct ebpfnet_policy_set *world_set(struct ebpfnet_ctx *ctx, const json_t *inventory, const json_t *documents,
		bool quiet);
/* 0 deny, 1 allow, 2 through a proxy; asks explain. name: who decided. */
int world_explain(const struct ebpfnet_policy_set *set, const struct ref_question *q,
		struct ebpfnet_policy_answer *ret);
/*
 * Takes away documents, rules and peers for as long as differs() says that what is left still shows the difference.
 * Then prints it.
 */
void world_shrink(struct world *w, bool (*differs)(const struct world *w, void *userdata), void *userdata);
void world_print(const struct world *w, const struct ref_question *q);

#endif
