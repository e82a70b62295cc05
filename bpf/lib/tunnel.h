/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Packets of the overlay's device: where they come from, where they go, in whose name. */
#ifndef EBN_LIB_TUNNEL_H
#define EBN_LIB_TUNNEL_H

#include "lib/egress.h"
#include "lib/endpoint.h"
#include "lib/overlay.h"
#include "lib/policy.h"
#include "lib/stage.h"

/** Source and destination of the packet, for what is asked here; EBN_R_NONE, or why it is not one that an overlay carries. */
static __always_inline enum ebn_reason ebn_overlay_ends(struct __sk_buff *skb, struct ebn_pkt *p)
{
	void *ip;

	if (skb->vlan_present)
		return EBN_R_VLAN;
	ebn_pkt_head(skb);
	switch (ebn_pkt_link(skb)) {
	case EBN_ETH_IP4:
		ip = ebn_data(skb) + EBN_ETH_LEN;
		if (ip + sizeof(struct ebn_ip4) > ebn_data_end(skb))
			return EBN_R_TRUNCATED;
		p->src[2] = p->dst[2] = EBN_MAPPED;
		p->src[3] = ((struct ebn_ip4 *)ip)->src;
		p->dst[3] = ((struct ebn_ip4 *)ip)->dst;
		p->proto = ((struct ebn_ip4 *)ip)->proto;
		break;
	case EBN_ETH_IP6:
		ip = ebn_data(skb) + EBN_ETH_LEN;
		if (ip + sizeof(struct ebn_ip6) > ebn_data_end(skb))
			return EBN_R_TRUNCATED;
		__builtin_memcpy(p->src, ((struct ebn_ip6 *)ip)->src, sizeof(p->src));
		__builtin_memcpy(p->dst, ((struct ebn_ip6 *)ip)->dst, sizeof(p->dst));
		p->proto = ((struct ebn_ip6 *)ip)->next;
		p->v6 = 1;
		p->evf |= EBN_EVF_IPV6;
		break;
	case 0:
		return EBN_R_TRUNCATED;
	default:
		return EBN_R_L3_PROTOCOL;
	}
	p->evf |= EBN_EVF_L3;
	return ebn_is_multicast(p->dst, p->v6) ? EBN_R_MULTICAST : EBN_R_NONE;
}

/* Is this the node's own address, in the family of the outer header? */
static __always_inline bool ebn_overlay_is(const struct ebn_overlay_node *node, const struct bpf_tunnel_key *key,
					   bool six)
{
	const __u32 *is = six ? node->addr[1] : node->addr[0];

	if (!six)
		return is[2] && is[3] == bpf_htonl(key->remote_ipv4);
	return is[0] && ebn_addr_eq6(is, key->remote_ipv6);
}

/** From the overlay: may this come from there? Learns who sent it; *rule: the number of the egress gateway's rule it is sent by. */
static __always_inline enum ebn_reason ebn_overlay_in(struct __sk_buff *skb, struct ebn_pkt *p, __u32 *rule)
{
	const struct ebn_overlay_node *node = 0;
	struct bpf_tunnel_key key = {};
	struct ebn_address outer = {};
	struct ebn_view v;
	__u32 off;
	bool six = false;

	if (ebn_view_open(&v))
		return EBN_R_TABLES;
	if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), 0)) {
		six = true;
		if (bpf_skb_get_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6))
			return EBN_R_OVERLAY_SOURCE;
	}
	/* an endpoint of this node is nowhere else */
	if (ebn_address_row((struct ebn_address *)p->src))
		return EBN_R_SOURCE_IP;
	off = ebn_overlay_find((struct ebn_address *)p->src);
	if (!off && ebn_ct_switches() & EBN_NODE_F_EGRESS) {
		if (six) {
			__builtin_memcpy(outer.a, key.remote_ipv6, sizeof(outer.a));
		} else {
			outer.a[2] = EBN_MAPPED;
			outer.a[3] = bpf_htonl(key.remote_ipv4);
		}
		return ebn_egress_answers(&v, p, outer.a, six) ? EBN_R_NONE : EBN_R_OVERLAY_SOURCE;
	}
	if (off)
		node = ebn_node_line(&v, off);
	if (!node || node->flags & EBN_ON_F_NATIVE || !ebn_overlay_is(node, &key, six))
		return EBN_R_OVERLAY_SOURCE;
	p->identity[0] = key.tunnel_id & EBN_OVERLAY_VNI_MAX;
	if (p->identity[0] & EBN_EGRESS_VNI) {
		*rule = p->identity[0] & EBN_EGRESS_ID_MAX;
		p->identity[0] = 0;
		return EBN_R_NONE;
	}
	if (!p->identity[0])
		return EBN_R_OVERLAY_SOURCE;
	/* what is the host there is a remote node here */
	if (p->identity[0] == EBN_ID_HOST)
		p->identity[0] = EBN_ID_REMOTE_NODE;
	ebn_overlay_learn((struct ebn_address *)p->src, p->identity[0]);
	return EBN_R_NONE;
}

/* Who sends: the endpoint, or this node. */
static __always_inline __u32 ebn_overlay_sender(const struct ebn_view *v, struct ebn_pkt *p)
{
	const struct ebn_ep_row *ep;

	p->row[0] = ebn_endpoint_row((struct ebn_address *)p->src);
	if (!p->row[0])
		return EBN_ID_REMOTE_NODE;
	ep = ebn_ep_line(v, p->row[0] - 1);
	return ep && EBN_READ(ep->flags) & EBN_EP_F_LIVE ? EBN_READ(ep->identity) : EBN_ID_UNKNOWN;
}

/** Into the overlay: which node, and in whose name. */
static __always_inline enum ebn_reason ebn_overlay_out(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct bpf_tunnel_key key = { .tunnel_ttl = 64 };
	const struct ebn_overlay_node *node;
	const struct ebn_egress_rule *rule;
	__u64 flags = BPF_F_ZERO_CSUM_TX;
	struct ebn_view v;
	const __u32 *to;
	__u32 off;
	bool six;

	if (ebn_view_open(&v))
		return EBN_R_TABLES;
	key.tunnel_id = ebn_overlay_sender(&v, p);
	if (!key.tunnel_id || key.tunnel_id >= EBN_EGRESS_VNI)
		return EBN_R_NO_ENDPOINT;
	p->identity[0] = key.tunnel_id;
	off = ebn_overlay_find((struct ebn_address *)p->dst);
	if (off) {
		node = ebn_node_line(&v, off);
		if (node->flags & EBN_ON_F_NATIVE)
			return EBN_R_NO_ROUTE;
		six = node->flags & EBN_ON_F_SEND6;
		to = six ? node->addr[1] : node->addr[0];
	} else {
		off = p->row[0] && ebn_ct_switches() & EBN_NODE_F_EGRESS ? ebn_egress_of(p) : 0;
		if (!off)
			return EBN_R_NO_ROUTE;
		rule = ebn_node_line(&v, off);
		if (rule->flags & (EBN_EG_F_HERE | EBN_EG_F_LOST))
			return EBN_R_EGRESS_GATEWAY;
		key.tunnel_id = EBN_EGRESS_VNI | rule->id;
		six = rule->flags & EBN_EG_F_SEND6;
		to = six ? rule->addr[1] : rule->addr[0];
	}
	if (six) {
		/* IPv6 takes no UDP without a checksum */
		flags = BPF_F_TUNINFO_IPV6;
		__builtin_memcpy(key.remote_ipv6, to, sizeof(key.remote_ipv6));
	} else {
		key.remote_ipv4 = bpf_ntohl(to[3]);
	}
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags) ? EBN_R_WRITE : EBN_R_NONE;
}

/** From the tunnel's device: 0, or why it may not. */
static __always_inline enum ebn_reason ebn_overlay_receive(struct __sk_buff *skb, struct ebn_pkt *p)
{
	enum ebn_reason reason = ebn_overlay_ends(skb, p);
	struct ebn_run *run = ebn_run_get();
	__u32 rule = 0;

	if (!run)
		return EBN_R_TABLES;
	if (!reason)
		reason = ebn_overlay_in(skb, p, &rule);
	if (reason)
		return reason;
	/* the sender knows no MAC address here */
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	if (rule) {
		run->egress_id = rule;
		bpf_tail_call(skb, &ebn_stage, EBN_GO_EGRESS);
		return EBN_R_TABLES;
	}
	bpf_tail_call(skb, &ebn_stage, EBN_GO_FROM_NETDEV);
	/* never: and the endpoint's own device judges what the stack brings there */
	return EBN_R_NONE;
}

/** To the tunnel's device: 0, or why it may not. */
static __always_inline enum ebn_reason ebn_overlay_send(struct __sk_buff *skb, struct ebn_pkt *p)
{
	enum ebn_reason reason = ebn_overlay_ends(skb, p);

	return reason ? reason : ebn_overlay_out(skb, p);
}

#endif
