/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The endpoint object, for endpoint.c and endpoint-info.c. */
#ifndef EBN_DATAPATH_ENDPOINT_H
#define EBN_DATAPATH_ENDPOINT_H

#include "datapath/private.h"

#include <arpa/inet.h>

/* One reference is the datapath's list's; when the datapath or the endpoint goes, dp becomes NULL. */
struct ebpfnet_endpoint {
	unsigned int refs;
	struct ebpfnet_datapath *dp;
	uint32_t row;
	uint16_t id;
	char name[64];
	uint64_t hash;		/* of name */
	struct ebpfnet_labels *labels;
	struct ebn_ep_row copy;	/* read-only datapaths: the row as it was read last */
	bool seen;		/* the same: still there at the last reading */
};

static inline void ebn_labels_unrefp(struct ebpfnet_labels **labels)
{
	ebpfnet_labels_unref(*labels);
}

int ebn_ep_new(struct ebpfnet_datapath *dp, uint32_t row, uint16_t id, const char *name,
	       const struct ebpfnet_labels *labels, struct ebpfnet_endpoint **ret);
/* Into the list, which takes the reference over; and out of it. */
void ebn_ep_link(struct ebpfnet_datapath *dp, struct ebpfnet_endpoint *ep);
void ebn_ep_unlink(struct ebpfnet_datapath *dp, struct ebpfnet_endpoint *ep);
struct ebpfnet_endpoint *ebn_ep_by_name(struct ebpfnet_datapath *dp, const char *name);
struct ebpfnet_endpoint *ebn_ep_by_id(struct ebpfnet_datapath *dp, uint16_t id);
int ebn_ep_text(char *text, char **ret_name, char **ret_labels);
int ebn_ep_set_text(struct ebpfnet_datapath *dp, uint32_t row, const char *name, const struct ebpfnet_labels *labels);
/* Identity and subject of labels, with references. */
int ebn_ep_numbers_get(struct ebpfnet_datapath *dp, const struct ebpfnet_labels *labels, uint32_t *ret_identity,
		       uint32_t *ret_subject);
void ebn_ep_numbers_put(struct ebpfnet_datapath *dp, uint32_t identity, uint32_t subject);
/* An id for a new endpoint: the one wanted, or when that is 0 a free one. -EEXIST, -ENOSPC. */
int ebn_ep_take_id(struct ebpfnet_datapath *dp, uint16_t *id, struct ebpfnet_diag *diag);
void ebn_identity_put(struct ebpfnet_datapath *dp, uint32_t identity);
uint32_t ebn_ep_flags(uint32_t flags);
void ebn_addr_from4(uint32_t v4, uint32_t ret[4]);
int ebn_ep_writable(struct ebpfnet_endpoint *ep);
/* rate.c: takes a row's limits away. */
void ebn_rate_clear(struct ebpfnet_datapath *dp, uint32_t row);

#endif
