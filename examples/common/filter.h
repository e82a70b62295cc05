/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A filter of tracked flows as JSON; addresses may be prefixes, "10.0.0.0/8". And a flow by its ends:
 * {"src","sport","dst","dport","protocol"}.
 */
#ifndef EXAMPLES_FILTER_H
#define EXAMPLES_FILTER_H

#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

#define CT_FILTER_KEYS \
	"addr src dst port sport dport endpoint_id identity protocol state family idle_min_ms age_min_ms " \
	"age_max_ms"
#define CT_FILTER_NUMBERS \
	"port sport dport endpoint_id identity family idle_min_ms age_min_ms age_max_ms"
#define CT_TUPLE_KEYS "src sport dst dport protocol zone"

/* 0, or -EINVAL and *ret_key names the member at fault. Members it does not know are left alone. */
int ct_filter_read(const json_t *params, struct ebpfnet_ct_filter *ret, const char **ret_key);

/* The same for a tuple: src, dst and protocol are needed. */
int ct_tuple_read(const json_t *params, struct ebpfnet_ct_tuple *ret, const char **ret_key);

/* IPPROTO_ of a name or number; -1: neither. */
int protocol_number(const char *text);

#endif
