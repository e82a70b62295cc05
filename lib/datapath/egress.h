/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Egress gateways, within lib/datapath/. */
#ifndef EBN_DATAPATH_EGRESS_H
#define EBN_DATAPATH_EGRESS_H

#include "datapath/private.h"
#include "ebn_egress.h"
#include <ebpfnet/egress.h>

/* The piece as it lies in the tables, a copy. */
struct ebn_eg {
	char *mem;		/* NULL: there is none */
	uint32_t len;
	uint32_t n;		/* rules */
};
/* As programs see it, under one root; ebn_eg_free() also after a failure. -EPROTO, -EAGAIN, -ENOMEM. */
int ebn_eg_read(struct ebpfnet_datapath *dp, struct ebn_eg *ret);
void ebn_eg_free(struct ebn_eg *eg);
/* Parts of a copy that was read. */
const struct ebn_egress_head *ebn_eg_head(const struct ebn_eg *eg);
struct ebn_egress_rule *ebn_eg_rules(const struct ebn_eg *eg);
struct ebn_egress_prefix *ebn_eg_prefixes(const struct ebn_eg *eg);
uint64_t *ebn_eg_masks(const struct ebn_eg *eg);
/* Three strings for each rule: its name, the selector, the node; "" is none. */
const char *ebn_eg_text(const struct ebn_eg *eg);
static inline const char *ebn_eg_next(const char *text)
{
	return text + strlen(text) + 1;
}
/* Packets see all of the old piece or all of the new one; then the programs are told. Takes no part of eg over. */
int ebn_eg_publish(struct ebpfnet_datapath *dp, const struct ebn_eg *eg, struct ebpfnet_diag *diag);
/* The programs' switches: eg NULL is what the tables have; source: are there addresses for clients outside? */
void ebn_carry_tell(struct ebpfnet_datapath *dp, const struct ebn_eg *eg, bool source);
/* source.c: as below; and is there one? */
int ebn_source_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
bool ebn_source_there(struct ebpfnet_datapath *dp);
/* Checks the piece of an earlier process and marks it as in use. -EPROTO: corrupt (diag). */
int ebn_eg_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);

/* Which rules an endpoint is under, before its packets are: labels NULL, none any more. -ENOMEM. */
int ebn_eg_row(struct ebpfnet_datapath *dp, uint32_t row, const struct ebpfnet_labels *labels);
/* Behind a change of nodes: where the gateways are. */
int ebn_eg_renew(struct ebpfnet_datapath *dp);

#endif
