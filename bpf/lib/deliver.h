/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end of a packet's way through a program: to the endpoint's device, to the stack, or nowhere. */
#ifndef EBN_LIB_DELIVER_H
#define EBN_LIB_DELIVER_H

#include "lib/endpoint.h"
#include "lib/event.h"
#include "lib/neigh.h"
#include "lib/pkt.h"
#include "lib/stat.h"

/** Counts and reports what p->reason says. way: as in struct ebn_ep_stat. */
__attribute__((noinline)) int ebn_drop(struct ebn_pkt *p)
{
	__u32 side;

	if (!p)
		return TC_ACT_SHOT;
	side = p->side & 1;
	p->verdict = EBN_V_DENY;
	p->event = EBN_EV_DROP;
	ebn_stat_reason(p->reason, p->len);
	if (side)
		ebn_stat_dropped(p->row[1], 1);
	else
		ebn_stat_dropped(p->row[0], 0);
	ebn_event_emit(p);
	return TC_ACT_SHOT;
}

static __always_inline int ebn_drop_for(struct ebn_pkt *p, enum ebn_reason reason)
{
	p->reason = reason;
	return ebn_drop(p);
}

/* The router's part: one hop less, and the checksum that stands on it (RFC 1624). */
static __always_inline void ebn_hop4(struct ebn_ip4 *ip)
{
	__u32 sum = (__u32)ip->check + bpf_htons(0x0100);

	ip->check = (__u16)(sum + (sum >> 16));
	ip->ttl--;
}

/**
 * To an endpoint of this node, past the stack. Action of the program; -1: the packet cannot be written to.
 * The frame is for that device, whatever it was for before.
 */
static __always_inline int ebn_deliver_peer(struct __sk_buff *skb, const struct ebn_ep_row *ep, const bool v6)
{
	struct ebn_eth *eth = ebn_data(skb);
	void *end = ebn_data_end(skb);

	if (v6) {
		struct ebn_ip6 *ip = (struct ebn_ip6 *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -1;
		ip->ttl--;
	} else {
		struct ebn_ip4 *ip = (struct ebn_ip4 *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return -1;
		ebn_hop4(ip);
	}
	ebn_mac_copy(eth->dst, ep->mac);
	ebn_mac_copy(eth->src, ep->gw_mac);
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return bpf_redirect_peer(ep->ifindex, 0);
}

/** A frame to the gateway's address is the host's, also where the device itself has another one. */
static __always_inline int ebn_deliver_stack(struct __sk_buff *skb, const struct ebn_ep_row *from)
{
	struct ebn_eth *eth = ebn_data(skb);

	if (skb->pkt_type == PACKET_OTHERHOST && (void *)(eth + 1) <= ebn_data_end(skb) &&
	    ebn_mac_eq(eth->dst, from->gw_mac))
		bpf_skb_change_type(skb, PACKET_HOST);
	return TC_ACT_OK;
}

#endif
