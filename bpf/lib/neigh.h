/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ARP and neighbour discovery. An endpoint's questions for its gateway are answered on the spot; what else it says must be
 * about itself and goes to the stack. To an endpoint go questions for its own addresses, and answers.
 */
#ifndef EBN_LIB_NEIGH_H
#define EBN_LIB_NEIGH_H

#include "lib/endpoint.h"
#include "lib/pkt.h"

/* What becomes of a neighbour packet: EBN_R_NONE to the stack, or on to the endpoint; a reason; or this. */
#define EBN_NEIGH_ANSWERED (-1)

static __always_inline void ebn_mac_copy(__u8 *to, const __u8 *from)
{
	__u16 *x = (__u16 *)to;
	const __u16 *y = (const __u16 *)from;

	x[0] = y[0];
	x[1] = y[1];
	x[2] = y[2];
}

static __always_inline __u32 ebn_addr4_load(const __u8 *a)
{
	const __u16 *h = (const __u16 *)a;

	return h[0] | (__u32)h[1] << 16;
}

static __always_inline void ebn_addr4_store(__u8 *a, __u32 v)
{
	__u16 *h = (__u16 *)a;

	h[0] = (__u16)v;
	h[1] = (__u16)(v >> 16);
}

static __always_inline enum ebn_reason ebn_arp_check(const struct ebn_arp *arp)
{
	if (arp->hardware != bpf_htons(1) || arp->protocol != bpf_htons(EBN_ETH_IP4) || arp->hardware_len != 6 ||
	    arp->protocol_len != 4)
		return EBN_R_MALFORMED;
	if (arp->op != bpf_htons(EBN_ARP_REQUEST) && arp->op != bpf_htons(EBN_ARP_REPLY))
		return EBN_R_NEIGHBOUR;
	return EBN_R_NONE;
}

static __always_inline const struct ebn_ep_row *ebn_neigh_ep(struct ebn_view *v, __u32 row)
{
	return ebn_view_open(v) ? 0 : ebn_ep_line(v, row - 1);
}

/** row: the endpoint's row + 1. */
__attribute__((noinline)) int ebn_arp_from_ep(struct __sk_buff *skb, __u32 row)
{
	struct ebn_eth *eth = ebn_data(skb);
	struct ebn_arp *arp = (struct ebn_arp *)(eth + 1);
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	struct ebn_view v;
	__u32 sender;

	if ((void *)(arp + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	ep = ebn_neigh_ep(&v, row);
	if (!ep)
		return EBN_R_TABLES;
	reason = ebn_arp_check(arp);
	if (reason)
		return reason;
	if (!ebn_mac_eq(eth->src, ep->mac) || !ebn_mac_eq(arp->sender_mac, ep->mac))
		return EBN_R_SOURCE_MAC;
	sender = ebn_addr4_load(arp->sender);
	/* zero: a probe, whether the address is taken */
	if (sender && sender != ep->addr4)
		return EBN_R_SOURCE_IP;
	if (arp->op != bpf_htons(EBN_ARP_REQUEST) || !(EBN_READ(ep->flags) & EBN_EP_F_GATEWAY) || !ep->gw4 ||
	    ebn_addr4_load(arp->target) != ep->gw4)
		return EBN_R_NONE;
	ebn_mac_copy(eth->dst, ep->mac);
	ebn_mac_copy(eth->src, ep->gw_mac);
	arp->op = bpf_htons(EBN_ARP_REPLY);
	ebn_mac_copy(arp->target_mac, ep->mac);
	ebn_addr4_store(arp->target, sender);
	ebn_mac_copy(arp->sender_mac, ep->gw_mac);
	ebn_addr4_store(arp->sender, ep->gw4);
	return EBN_NEIGH_ANSWERED;
}

__attribute__((noinline)) int ebn_arp_to_ep(struct __sk_buff *skb, __u32 row)
{
	struct ebn_arp *arp = ebn_data(skb) + EBN_ETH_LEN;
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	struct ebn_view v;

	if ((void *)(arp + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	ep = ebn_neigh_ep(&v, row);
	if (!ep)
		return EBN_R_TABLES;
	reason = ebn_arp_check(arp);
	if (reason)
		return reason;
	if (arp->op == bpf_htons(EBN_ARP_REPLY))
		return ebn_mac_eq(arp->target_mac, ep->mac) ? EBN_R_NONE : EBN_R_NEIGHBOUR;
	return ebn_addr4_load(arp->target) == ep->addr4 ? EBN_R_NONE : EBN_R_NEIGHBOUR;
}

static __always_inline bool ebn_is_nd(const struct ebn_pkt *p)
{
	return p->proto == EBN_PROTO_ICMP6 && p->frag != EBN_FRAG_LATER &&
	       p->icmp_type >= EBN_ND_ROUTER_SOLICIT && p->icmp_type <= EBN_ND_REDIRECT;
}

/* The message, and its first option when it has one of the kind that carries an address; zero without. */
static __always_inline enum ebn_reason ebn_nd_load(struct __sk_buff *skb, const struct ebn_pkt *p, struct ebn_nd *nd)
{
	/* routers do not forward them, so one that came from afar shows; fragments hide what they say */
	if (p->ttl != 255 || p->icmp_code || p->frag)
		return EBN_R_MALFORMED;
	nd->opt_type = nd->opt_len = 0;
	if (p->l4_len >= sizeof(*nd))
		return bpf_skb_load_bytes(skb, p->l4_off, nd, sizeof(*nd)) ? EBN_R_TRUNCATED : EBN_R_NONE;
	if (p->l4_len < EBN_ND_LEN || bpf_skb_load_bytes(skb, p->l4_off, nd, EBN_ND_LEN))
		return EBN_R_TRUNCATED;
	return EBN_R_NONE;
}

static __always_inline bool ebn_nd_own(const struct ebn_ep_row *ep, const struct ebn_ep_line6 *line6, const __u32 *a)
{
	return (!ebn_addr_zero6(line6->addr6) && ebn_addr_eq6(line6->addr6, a)) || ebn_ep_link_local(ep, line6, a);
}

/* Pseudo header and message, to be summed up. */
struct ebn_nd_sum {
	__u32 src[4];
	__u32 dst[4];
	__u32 len;
	__u32 next;
	struct ebn_nd nd;
};

static __always_inline __u16 ebn_csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* The question becomes the gateway's answer. */
static __always_inline int ebn_nd_answer(struct __sk_buff *skb, const struct ebn_pkt *p, const struct ebn_ep_row *ep,
					 const struct ebn_ep_line6 *line6)
{
	const __u32 len = EBN_ETH_LEN + sizeof(struct ebn_ip6) + sizeof(struct ebn_nd);
	bool anybody = ebn_addr_zero6(p->src);
	struct ebn_nd_sum s = {};
	struct ebn_eth *eth;
	struct ebn_ip6 *ip;

	if (skb->len != len && bpf_skb_change_tail(skb, len, 0))
		return EBN_R_WRITE;
	eth = ebn_data(skb);
	if ((void *)eth + len > ebn_data_end(skb))
		return EBN_R_WRITE;
	ip = (struct ebn_ip6 *)(eth + 1);
	__builtin_memcpy(s.src, line6->gw6, sizeof(s.src));
	if (anybody) {
		/* who asks without an address is answered to all nodes */
		s.dst[0] = bpf_htonl(0xff020000);
		s.dst[3] = bpf_htonl(1);
	} else {
		__builtin_memcpy(s.dst, p->src, sizeof(s.dst));
	}
	s.len = bpf_htonl(sizeof(struct ebn_nd));
	s.next = bpf_htonl(EBN_PROTO_ICMP6);
	s.nd.type = EBN_ND_ADVERT;
	/* router, override, and solicited when there is somebody who asked */
	s.nd.flags = bpf_htonl(anybody ? 0xa0000000 : 0xe0000000);
	__builtin_memcpy(s.nd.target, line6->gw6, sizeof(s.nd.target));
	s.nd.opt_type = EBN_ND_OPT_TARGET;
	s.nd.opt_len = 1;
	ebn_mac_copy(s.nd.opt_mac, ep->gw_mac);
	s.nd.check = ebn_csum_fold(bpf_csum_diff(0, 0, (__u32 *)&s, sizeof(s), 0));
	ebn_mac_copy(eth->dst, ep->mac);
	ebn_mac_copy(eth->src, ep->gw_mac);
	ip->version = bpf_htonl(0x60000000);
	ip->len = bpf_htons(sizeof(struct ebn_nd));
	ip->next = EBN_PROTO_ICMP6;
	ip->ttl = 255;
	__builtin_memcpy(ip->src, s.src, sizeof(s.src));
	__builtin_memcpy(ip->dst, s.dst, sizeof(s.dst));
	__builtin_memcpy(ip + 1, &s.nd, sizeof(s.nd));
	return EBN_NEIGH_ANSWERED;
}

/** p is parsed, the frame's source MAC address is the endpoint's. */
__attribute__((noinline)) int ebn_nd_from_ep(struct __sk_buff *skb, struct ebn_pkt *p)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	struct ebn_nd nd = {};
	struct ebn_view v;
	bool anybody;

	if (!p)
		return EBN_R_TABLES;
	ep = ebn_neigh_ep(&v, p->row[0]);
	line6 = ep ? ebn_ep_line6(&v, p->row[0] - 1) : 0;
	if (!ep || !line6)
		return EBN_R_TABLES;
	anybody = ebn_addr_zero6(p->src);
	if (!ebn_nd_own(ep, line6, p->src) && !(anybody && p->icmp_type != EBN_ND_ADVERT))
		return EBN_R_SOURCE_IP;
	if (p->icmp_type == EBN_ND_ROUTER_SOLICIT)
		return p->ttl == 255 && !p->frag ? EBN_R_NONE : EBN_R_MALFORMED;
	if (p->icmp_type != EBN_ND_SOLICIT && p->icmp_type != EBN_ND_ADVERT)
		return EBN_R_NEIGHBOUR;
	reason = ebn_nd_load(skb, p, &nd);
	if (reason)
		return reason;
	if ((nd.opt_type == EBN_ND_OPT_SOURCE || nd.opt_type == EBN_ND_OPT_TARGET) &&
	    (nd.opt_len != 1 || !ebn_mac_eq(nd.opt_mac, ep->mac)))
		return EBN_R_SOURCE_MAC;
	if (p->icmp_type == EBN_ND_ADVERT)
		return ebn_nd_own(ep, line6, nd.target) ? EBN_R_NONE : EBN_R_SOURCE_IP;
	if (!(EBN_READ(ep->flags) & EBN_EP_F_GATEWAY) || ebn_addr_zero6(line6->gw6) ||
	    !ebn_addr_eq6(line6->gw6, nd.target))
		return EBN_R_NONE;
	return ebn_nd_answer(skb, p, ep, line6);
}

__attribute__((noinline)) int ebn_nd_to_ep(struct __sk_buff *skb, struct ebn_pkt *p)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	struct ebn_nd nd = {};
	struct ebn_view v;

	if (!p)
		return EBN_R_TABLES;
	ep = ebn_neigh_ep(&v, p->row[1]);
	line6 = ep ? ebn_ep_line6(&v, p->row[1] - 1) : 0;
	if (!ep || !line6)
		return EBN_R_TABLES;
	if (p->icmp_type != EBN_ND_SOLICIT && p->icmp_type != EBN_ND_ADVERT)
		return EBN_R_NEIGHBOUR;
	reason = ebn_nd_load(skb, p, &nd);
	if (reason)
		return reason;
	if (p->icmp_type == EBN_ND_ADVERT)
		return EBN_R_NONE;
	return ebn_nd_own(ep, line6, nd.target) ? EBN_R_NONE : EBN_R_NEIGHBOUR;
}

#endif
