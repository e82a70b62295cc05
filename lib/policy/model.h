/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Policies as they were given, normalised: what sets hold, explain evaluates and the compiler reads. Immutable once made. */
#ifndef EBN_POLICY_MODEL_H
#define EBN_POLICY_MODEL_H

#include <ebpfnet/policy.h>

#include "core/index.h"

#define EBN_POLICY_NAME_MAX 512
#define EBN_POLICY_RULES_MAX 65535u
#define EBN_RULE_PEERS_MAX 4096u
#define EBN_RULE_PORTS_MAX 4096u

/* Cells of the port map (ebn_port_cell()), both ends inclusive. */
struct ebn_range {
	uint32_t first, last;
};

struct ebn_rule {
	uint8_t direction;			/* enum ebpfnet_direction */
	uint8_t action;				/* EBPFNET_VERDICT_ALLOW or _DENY */
	uint32_t n_peers;			/* 0: everybody */
	struct ebpfnet_selector **peers;
	uint32_t n_ranges;			/* 0: every protocol and port */
	struct ebn_range *ranges;		/* sorted, apart */
};

struct ebn_rulebook {
	unsigned int refs;
	char *name;
	struct ebpfnet_selector *subject;
	bool default_deny[2];			/* by direction */
	bool audit;
	uint32_t n_rules;
	struct ebn_rule *rules;
};

struct ebpfnet_policy_set {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_labels *world;		/* "reserved:world", who a query without peer means */
	struct ebn_rulebook **books;
	size_t n, cap;
	size_t n_rules;
	struct ebn_index names;			/* hash of the name -> number in books */
};

struct ebn_rulebook *ebn_rulebook_ref(struct ebn_rulebook *b);
void ebn_rulebook_unref(struct ebn_rulebook *b);
/* Same in all that decides; the name counts too. */
bool ebn_rulebook_equal(const struct ebn_rulebook *a, const struct ebn_rulebook *b);

uint64_t ebn_text_hash(const char *text);

/* Adds n books in order, all or none; takes over the caller's references on success. -EEXIST, -E2BIG, -ENOMEM with diag. */
int ebn_set_add_books(struct ebpfnet_policy_set *set, struct ebn_rulebook **books, size_t n, struct ebpfnet_diag *diag);
/* A book from the public form. The contract of ebpfnet_policy_set_add(), without its -EEXIST. */
int ebn_rulebook_new(const struct ebpfnet_policy_opts *opts, const struct ebpfnet_policy_rule *rules, size_t n_rules,
		     struct ebn_rulebook **ret);

/* Does the rule speak of this cell of the port map? */
bool ebn_rule_has_cell(const struct ebn_rule *r, uint32_t cell);

#endif
