/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Other nodes and the overlay, within lib/datapath/. */
#ifndef EBN_DATAPATH_OVERLAY_H
#define EBN_DATAPATH_OVERLAY_H

#include "datapath/private.h"
#include "ebn_overlay.h"
#include <ebpfnet/node.h>

/* The piece as lists; prefixes in no order, each with the number of its node. */
struct ebn_ov {
	uint32_t ifindex;
	uint16_t port;
	uint32_t n, n_px;
	struct ebn_overlay_node *node;
	struct ebn_overlay_prefix *px;
};

/* Checks the piece of an earlier process and marks it as in use. -EPROTO: corrupt (diag). */
int ebn_ov_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
/* As programs see it, under one root; ebn_ov_free() also after a failure. -EPROTO, -EAGAIN, -ENOMEM. */
int ebn_ov_read(struct ebpfnet_datapath *dp, struct ebn_ov *ret);
void ebn_ov_free(struct ebn_ov *ov);
/* The node whose prefix, of at most `bits`, covers an address; the longest. Under a root the caller checks. -ENOENT, -EPROTO. */
int ebn_ov_match(const void *mem, uint64_t size, const struct ebn_dir *dir, const uint32_t a[4], uint32_t bits,
		 struct ebn_overlay_node *ret);
/* Is it one of a node's own addresses? Of a writer, whose tables nobody else changes. */
bool ebn_ov_is_node(struct ebpfnet_datapath *dp, const uint32_t a[4]);
/* Packets see all of the old piece or all of the new one. -ENOSPC with diag: too many lengths. */
int ebn_ov_publish(struct ebpfnet_datapath *dp, const struct ebn_ov *ov, struct ebpfnet_diag *diag);

/* overlay-device.c: makes or removes the routes to a node's prefixes. */
int ebn_ov_route(struct ebpfnet_datapath *dp, const struct ebn_ov *ov, const struct ebn_overlay_node *node,
		 const struct ebpfnet_prefix *prefix, bool add, struct ebpfnet_diag *diag);
/* Removes device and routes, before the tables go. */
void ebn_ov_clear(struct ebpfnet_datapath *dp);
struct ebpfnet_prefix ebn_ov_prefix(const struct ebn_overlay_prefix *px);

#endif
