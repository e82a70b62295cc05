/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Masquerade, within lib/datapath/. */
#ifndef EBN_DATAPATH_NAT_H
#define EBN_DATAPATH_NAT_H

#include "datapath/private.h"
#include <ebpfnet/nat.h>

/* The rows as programs see them, under one root. -EPROTO, -EAGAIN. */
int ebn_nat_read(struct ebpfnet_datapath *dp, struct ebn_nat_row rows[EBN_NAT_ROWS], uint32_t *ret_n);
/* -ENOENT: that device does not masquerade. */
int ebn_nat_row_by_name(struct ebpfnet_datapath *dp, const char *device, struct ebn_nat_row *ret);
/* A range to give ports out of; 0 and 0: the larger part that the host's own connections leave free. host_too: they may overlap. */
int ebn_nat_ports(unsigned int lo, unsigned int hi, bool host_too, uint16_t *min, uint16_t *max,
		  struct ebpfnet_diag *diag);
/* Can one send from the address, and is it no endpoint's? -EINVAL, -EEXIST. */
int ebn_nat_address_ok(struct ebpfnet_datapath *dp, const uint32_t addr[4], bool v6, struct ebpfnet_diag *diag);
/* Takes the rows of adopted tables over. */
int ebn_nat_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
/* The device's row goes. -ENOENT: it has none. */
int ebn_nat_forget(struct ebpfnet_datapath *dp, uint32_t ifindex);

/*
 * Is nobody behind this reservation any more? Its endpoint is gone, the flow is, or has another port: nothing will end it but
 * the sweep. For ebn_sweep.orphan; arg is the datapath.
 */
bool ebn_nat_orphan(const struct ebn_flow_copy *c, bool v6, void *arg);
/* Says in the log, once for each time it gets worse, that ports are used up. */
void ebn_nat_watch(struct ebpfnet_datapath *dp);

#endif
