/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The host as an endpoint, within lib/datapath/. */
#ifndef EBN_DATAPATH_HOST_H
#define EBN_DATAPATH_HOST_H

#include "datapath/endpoint.h"
#include <ebpfnet/host.h>

/* The host's row + 1, 0: it is no endpoint. Of a writer. */
uint32_t ebn_host_row(struct ebpfnet_datapath *dp);
/* Is this row, + 1, the host's? 0 is nobody's. Of a writer. */
bool ebn_host_has(struct ebpfnet_datapath *dp, uint32_t row);
/* Are these the host's labels, and nobody else's? */
bool ebn_host_labels(const struct ebpfnet_labels *labels);
/* Checks the piece of an earlier process and marks it as in use. -EPROTO: corrupt (diag). */
int ebn_host_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag);
/* Behind the endpoints: finishes what a killed process left half done. */
int ebn_host_open(struct ebpfnet_datapath *dp);
/* What else is set up has changed what is safe. */
int ebn_host_renew(struct ebpfnet_datapath *dp);

/* host-address.c: addresses of the host's row; all: of no row any more. How many came or went. */
int ebn_host_addresses(struct ebpfnet_datapath *dp, uint32_t row, bool none);
uint32_t ebn_host_count_addresses(struct ebpfnet_datapath *dp, uint32_t row);

#endif
