/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The settings of tracking by name: the same in the agent's YAML, on its socket, and in ebpfnetctl. */
#ifndef EXAMPLES_TRACKING_H
#define EXAMPLES_TRACKING_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/conntrack.h>

#define CT_SECONDS_MAX 2592000u
#define CT_CONFIG_NUMBERS \
	"tcp_new_s tcp_established_s tcp_half_closed_s tcp_closing_s udp_new_s udp_stream_s icmp_s other_s give_up_s " \
	"quota_percent"
#define CT_CONFIG_KEYS CT_CONFIG_NUMBERS " midstream cut"

/* Time number i, in the order above: its name, NULL behind the last one. */
const char *ct_time_name(size_t i);
uint32_t *ct_time(struct ebpfnet_ct_config *config, size_t i);

#endif
