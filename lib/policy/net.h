/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Prefixes of both families as policies name them. */
#ifndef EBN_POLICY_NET_H
#define EBN_POLICY_NET_H

#include <ebpfnet/types.h>

#include "core/internal.h"

/* IPv4 in the mapped form, its length 96 more; so "::/0" is of IPv6 only and not above 0.0.0.0/0. No padding. */
struct ebn_net {
	uint8_t b[16];		/* bits behind len are 0 */
	uint8_t len;		/* 0..128 */
	uint8_t family;		/* 4 or 6 */
};

/* "fd00::-64" and so on fits, with the NUL. */
#define EBN_NET_LABEL_LEN 56

/* "10.0.0.0/8", "fd00::/8", or an address alone. -EINVAL: not one, or bits are set behind the prefix. */
int ebn_net_parse(const char *text, struct ebn_net *ret);
/* As people write it; buf has room for EBN_NET_LABEL_LEN bytes. */
void ebn_net_format(const struct ebn_net *net, char *buf);
/* The same as a label's key: ':' become '-', with a 0 where the text would begin or end with one. */
void ebn_net_label(const struct ebn_net *net, char *buf);
bool ebn_net_has(const struct ebn_net *net, const struct ebpfnet_addr *addr);
/* Is inner the same as outer, or inside? */
bool ebn_net_covers(const struct ebn_net *outer, const struct ebn_net *inner);
/* Order: family, address, then the shorter prefix first: each prefix stands before those inside it. */
int ebn_net_cmp(const void *a, const void *b);

#endif
