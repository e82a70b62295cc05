// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Identities of this node's own scopes: taken when something first stands for them, given up a grace period after the last. */
#include "policy/engine.h"

int ebn_local_take(struct ebn_policy *p, enum ebn_scope scope, const struct ebn_local_want *want, bool silent,
		   struct ebn_identity **ret)
{
	struct ebn_identity *id = ebn_local_find(p->ids, scope, want->labels);
	int err;

	if (id && (!want->like || ebn_class_of(p, id) == ebn_class_of(p, want->like))) {
		id->refs++;
		*ret = id;
		return 0;
	}
	err = ebn_local_make(p->ids, scope, want->labels, want->base, !id, &id);
	if (err < 0)
		return err;
	err = ebn_identity_enter_as(p, id, want->like, silent);
	if (err < 0) {
		ebn_identity_drop(p, id->base);
		ebn_identities_remove(p->ids, id, true);
		return err;
	}
	id->refs = 1;
	*ret = id;
	return 0;
}

void ebn_local_put(struct ebn_policy *p, struct ebn_identity *id, bool silent)
{
	if (id && !--id->refs)
		ebn_identity_leave_as(p, id, silent);
}

static void put_later(void *arg, uint64_t number)
{
	struct ebn_policy *p = arg;

	ebn_local_put(p, ebn_identities_get(p->ids, (uint32_t)number), false);
}

void ebn_local_put_later(struct ebn_policy *p, struct ebn_identity *id)
{
	/* no memory: the number is lost until the next adoption finds that nobody refers to it */
	if (id)
		(void)ebn_node_defer(p->nt, put_later, p, id->number);
}
