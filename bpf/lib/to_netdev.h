/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out by a node's device: what endpoints send leaves in the node's name, and what the host sends is not taken for it. */
#ifndef EBN_LIB_TO_NETDEV_H
#define EBN_LIB_TO_NETDEV_H

#include "lib/deliver.h"
#include "lib/frag.h"
#include "lib/icmp.h"
#include "lib/nat.h"
#include "lib/parse.h"

/* Is the host's packet one that is looked at? From the device's address, or an ICMP message, which may quote what came to it. */
static __always_inline bool host_matters(const struct ebn_pkt *p, const struct ebn_nat_row *row, __u8 proto,
					 const bool v6)
{
	return ebn_addr_eq6(p->src, row->addr[v6]) || proto == (v6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP);
}

/*
 * What the host sends, with off the row of its device. Its packets pass, unless they would be taken for an endpoint's. Its ICMP
 * errors, p as the packet that they quote, may quote what came for an endpoint, as it is behind the translation: who gets them
 * knows the flow by other numbers.
 */
static __always_inline int host_to_netdev(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, __u32 off,
					  const bool v6)
{
	const struct ebn_nat_row *row = ebn_nat_line(v, off);
	const struct ebn_ep_row *ep;
	int rc;

	if (!row)
		return TC_ACT_OK;
	if (!(p->evf & EBN_EVF_RELATED))
		return ebn_addr_eq6(p->src, row->addr[v6]) && ebn_nat_taken(p, off, v6, skb->ingress_ifindex) ?
			       ebn_drop_for(p, EBN_R_NAT_PORT) : TC_ACT_OK;
	p->row[0] = ebn_endpoint_row((struct ebn_address *)p->src);
	ep = ebn_ep_line(v, p->row[0] - 1);
	if (!p->row[0] || !ep)
		return TC_ACT_OK;
	p->zone = ep->zone;
	rc = ebn_nat_out(skb, p, off, v6);
	return rc == EBN_R_WRITE ? ebn_drop_for(p, rc) : TC_ACT_OK;
}

/* Addresses and ports of a packet for translation, of its flow that is: those of a fragment's first, those that an error quotes. */
static __always_inline enum ebn_reason parse_flow(struct __sk_buff *skb, struct ebn_pkt *p, const bool v6)
{
	enum ebn_reason reason = ebn_parse(skb, p, v6);

	if (reason)
		return reason;
	if (p->frag == EBN_FRAG_LATER)
		return EBN_READ(p->row[0]) ? ebn_frag_later(p) : EBN_R_FRAGMENT_UNKNOWN;
	if (ebn_is_icmp_error(p, v6))
		return v6 ? ebn_icmp6_inner(skb, p) : ebn_icmp4_inner(skb, p);
	return EBN_R_NONE;
}

/* To the node's device, with off its row of masquerade: what endpoints send leaves translated or not at all. */
static __always_inline int to_netdev_ip(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, __u32 off,
					const bool v6)
{
	void *ip = ebn_data(skb) + EBN_ETH_LEN;
	const struct ebn_nat_row *row = ebn_nat_line(v, off);
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	__u8 proto;
	int rc;

	if (!row)
		return ebn_drop_for(p, EBN_R_TABLES);
	if (!(row->flags & (v6 ? EBN_NAT_F_IP6 : EBN_NAT_F_IP4)))
		return TC_ACT_OK;
	if (ip + (v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4)) > ebn_data_end(skb))
		return ebn_drop_for(p, EBN_R_TRUNCATED);
	if (v6) {
		__builtin_memcpy(p->src, ((struct ebn_ip6 *)ip)->src, sizeof(p->src));
		proto = ((struct ebn_ip6 *)ip)->next;
	} else {
		p->src[2] = EBN_MAPPED;
		p->src[3] = ((struct ebn_ip4 *)ip)->src;
		proto = ((struct ebn_ip4 *)ip)->proto;
	}
	/* verifier: by way of memory, or parsing would be followed twice */
	EBN_WRITE(p->row[0], ebn_endpoint_row((struct ebn_address *)p->src));
	if (EBN_READ(p->row[0])) {
		ep = ebn_ep_line(v, p->row[0] - 1);
		if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_LIVE))
			return ebn_drop_for(p, EBN_R_NO_ENDPOINT);
		p->ep[0] = ep->id;
		p->zone = ep->zone;
	} else if (!host_matters(p, row, proto, v6)) {
		return TC_ACT_OK;
	}
	reason = parse_flow(skb, p, v6);
	if (!EBN_READ(p->row[0]))
		return reason ? TC_ACT_OK : host_to_netdev(skb, p, v, off, v6);
	if (reason)
		return ebn_drop_for(p, reason);
	rc = ebn_nat_out(skb, p, off, v6);
	return rc > 0 ? ebn_drop_for(p, rc) : TC_ACT_OK;
}

#endif
