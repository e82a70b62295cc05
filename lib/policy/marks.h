/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Which prefixes does a set speak of, and which labels does each get? Pure. */
#ifndef EBN_POLICY_MARKS_H
#define EBN_POLICY_MARKS_H

#include "policy/outside.h"

struct ebn_want {
	struct ebn_net net;
	struct ebpfnet_labels *labels;	/* the marks of all prefixes that cover it; of the world's, reserved:world as well */
};

/* A prefix and the label it gives to all it covers. */
struct ebn_mark {
	struct ebn_net net;
	const char *label;	/* borrowed from text */
};

struct ebn_marks {
	struct ebn_mark *mark;
	size_t n, cap;
	char **text;
	size_t n_texts, texts_cap;
	struct ebn_want *want;	/* sorted by prefix */
	size_t n_wants;
	bool inside;		/* of labelled addresses */
};

/*
 * outside NULL: what labelled addresses are told by, else the world's prefixes, with the names it has learnt.
 * -E2BIG with diag (more marks on a prefix than an identity has labels), -ENOMEM; ret is to be done in any case.
 */
int ebn_marks_make(struct ebn_marks *ret, const struct ebpfnet_policy_set *set, const struct ebn_outside *outside,
		   struct ebpfnet_diag *diag);
void ebn_marks_done(struct ebn_marks *m);

/* DNS patterns of a set, sorted, each once. -ENOMEM. */
int ebn_set_patterns(const struct ebpfnet_policy_set *set, char ***ret, size_t *ret_n);
/*
 * Labels of an address as its names are now, by the patterns in force. base: those it has, or those of the prefix around it.
 * -E2BIG, -ENOMEM.
 */
int ebn_learnt_labels(const struct ebn_outside *o, const struct ebn_net *net, const struct ebpfnet_labels *base,
		      struct ebpfnet_diag *diag, struct ebpfnet_labels **ret);

#endif
