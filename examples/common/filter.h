/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A filter of tracked flows as JSON: {"addr","src","dst","port","dport","endpoint_id","protocol",
 * "state","family"}.
 */
#ifndef EXAMPLES_FILTER_H
#define EXAMPLES_FILTER_H

#include <jansson.h>
#include <ebpfnet/ebpfnet.h>

#define CT_FILTER_KEYS "addr src dst port dport endpoint_id protocol state family"

/* 0, or -EINVAL and *ret_key names the member at fault. Members it does not know are left alone. */
int ct_filter_read(const json_t *params, struct ebpfnet_ct_filter *ret, const char **ret_key);

/* IPPROTO_ of a name or number; -1: neither. */
int protocol_number(const char *text);

#endif
