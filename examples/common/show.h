/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the datapath knows, as JSON: the same for the agent's control socket and for ebpfnetctl when it
 * reads the pinned tables itself. New references; NULL: no memory or nothing to show.
 */
#ifndef EXAMPLES_SHOW_H
#define EXAMPLES_SHOW_H

#include <stdint.h>
#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

json_t *show_status(struct ebpfnet_datapath *dp);
json_t *show_drops(struct ebpfnet_datapath *dp);
/* Devices that masquerade, how, and the ports in use. */
json_t *show_nat(struct ebpfnet_datapath *dp);
/* "10.0.0.0/8" */
json_t *show_prefix(const struct ebpfnet_nat_prefix *prefix);
json_t *show_endpoint(struct ebpfnet_endpoint *ep);
json_t *show_ct(const struct ebpfnet_ct_entry *entry);
/* "new", "update", "destroy"; "?" for anything else. */
const char *ct_event_name(unsigned int type);
json_t *show_ct_counts(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter);
json_t *show_ct_pressure(struct ebpfnet_datapath *dp);
json_t *show_ct_config(struct ebpfnet_datapath *dp);
json_t *show_identity(uint32_t identity, const char *labels, uint32_t refs);

const char *show_verdict(enum ebpfnet_verdict verdict);
/* "TCP", or the number in buf. */
const char *show_protocol(uint8_t protocol, char buf[8]);

#endif
