/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Endpoint rows: whose device this is, and whether a packet may claim to come from it. */
#ifndef EBN_LIB_ENDPOINT_H
#define EBN_LIB_ENDPOINT_H

#include "lib/hdr.h"
#include "lib/node.h"
#include "lib/pkt.h"

/** Row + 1 of the endpoint on this device and its first line; 0: no live endpoint. */
static __always_inline __u32 ebn_ep_by_ifindex(const struct ebn_view *v, __u32 ifindex,
					       const struct ebn_ep_row **ret)
{
	__s32 row = ebn_ifindex_row(v, ifindex);
	const struct ebn_ep_row *ep;

	if (row < 0)
		return 0;
	ep = ebn_ep_line(v, row);
	/* the row must say the same: a bucket may be read while it changes hands */
	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_LIVE) || ep->ifindex != ifindex)
		return 0;
	*ret = ep;
	return row + 1;
}

/**
 * The row that is said to be an endpoint of this address and zone; NULL when it is not. hint: row + 1,
 * from a flow's entry or the address table; either may be older than the row.
 */
static __always_inline const struct ebn_ep_row *ebn_ep_proven(const struct ebn_view *v, __u32 hint, const __u32 *addr,
							      __u16 zone, const bool v6)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep;
	__u32 any;

	if (!hint)
		return 0;
	ep = ebn_ep_line(v, hint - 1);
	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_LIVE) || ep->zone != zone)
		return 0;
	/*
	 * Which are the host's addresses the address table alone says; one that is no longer the host's has another epoch. Verifier: no
	 * branch, that of 6.12 fails with "BUG backtracking" when there is one more.
	 */
	any = 0 - (EBN_READ(ep->flags) / EBN_EP_F_HOST & 1);
	if (!v6)
		return (ep->addr4 ^ addr[3]) & ~any ? 0 : ep;
	line6 = ebn_ep_line6(v, hint - 1);
	if (!line6)
		return 0;
	return ((line6->addr6[0] ^ addr[0]) | (line6->addr6[1] ^ addr[1]) | (line6->addr6[2] ^ addr[2]) |
		(line6->addr6[3] ^ addr[3])) & ~any ? 0 : ep;
}

static __always_inline bool ebn_mac_eq(const __u8 *a, const __u8 *b)
{
	const __u16 *x = (const __u16 *)a, *y = (const __u16 *)b;

	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2];
}

static __always_inline bool ebn_addr_zero6(const __u32 *a)
{
	return !(a[0] | a[1] | a[2] | a[3]);
}

/* fe80::/10 */
static __always_inline bool ebn_addr_link_local(const __u32 *a)
{
	return (a[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/** The link-local address of this endpoint: the one in its row, or the one its MAC address makes. */
static __always_inline bool ebn_ep_link_local(const struct ebn_ep_row *ep, const struct ebn_ep_line6 *line6,
					      const __u32 *a)
{
	const __u8 *m = ep->mac;

	if (!ebn_addr_zero6(line6->addr6_ll))
		return ebn_addr_eq6(line6->addr6_ll, a);
	return a[0] == bpf_htonl(0xfe800000) && !a[1] &&
	       a[2] == bpf_htonl((__u32)(m[0] ^ 2) << 24 | m[1] << 16 | m[2] << 8 | 0xff) &&
	       a[3] == bpf_htonl(0xfe000000 | m[3] << 16 | m[4] << 8 | m[5]);
}

/** Is it the endpoint's address? row: its own, + 1. */
static __always_inline bool ebn_ep_has(const struct ebn_view *v, const struct ebn_ep_row *ep, const __u32 *addr,
				       __u32 row, const bool v6)
{
	const struct ebn_ep_line6 *line6;

	if (!v6)
		return ep->addr4 && ep->addr4 == addr[3];
	line6 = ebn_ep_line6(v, row - 1);
	return line6 && !ebn_addr_zero6(line6->addr6) && ebn_addr_eq6(line6->addr6, addr);
}

/** Multicast and broadcast are for the neighbour protocols, which come before this is asked. */
static __always_inline bool ebn_is_multicast(const __u32 *dst, const bool v6)
{
	if (v6)
		return (dst[0] & bpf_htonl(0xff000000)) == bpf_htonl(0xff000000);
	return (dst[3] & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000) || dst[3] == 0xffffffff;
}

#endif
