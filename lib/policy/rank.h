/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Precedence: the rules of one table in the order in which they are asked. */
#ifndef EBN_POLICY_RANK_H
#define EBN_POLICY_RANK_H

#include "policy/engine.h"

#define EBN_RANK_NONE UINT32_MAX

struct ebn_ranked {
	const struct ebn_entry *entry;
	const struct ebn_rule *rule;	/* the entry's */
	const struct ebn_rulebook *book;
	struct ebn_column **col;
	uint32_t ports;		/* the compiler's: number of its set of ranges; EBN_RANK_NONE: all ports */
	uint32_t soft;		/* its place when policies in audit refuse nothing; EBN_RANK_NONE: it is not there then */
	uint16_t decision;	/* the compiler's */
	uint16_t soft_decision;
};

/* A way of asking: places up to admin_end are the admin tier's, up to normal_end the normal one's, then the baseline's. */
struct ebn_order {
	uint32_t admin_end, normal_end;
	bool deny;		/* by default, so that the baseline is not asked */
};

struct ebn_ranking {
	struct ebn_ranked *rule;	/* strictly: as if no policy were in audit */
	uint32_t n;
	struct ebn_order strict, soft;
	uint32_t *soft_rule;	/* rule by soft place */
	uint32_t n_soft;
	bool audit;		/* the two differ */
};

/* -ENOMEM. */
int ebn_rank(const struct ebn_table *t, struct ebn_ranking *ret);
void ebn_ranking_done(struct ebn_ranking *rk);

#endif
