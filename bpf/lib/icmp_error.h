/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet that becomes the ICMP error about itself (RFC 792, 1191, RFC 4443), from its destination, and turns round past the stack: to
 * the endpoint that sent it, or to where it came from. Policy is not asked about it. Packets with options or extension headers, and
 * those of endpoints that are only reached through the stack, are not answered.
 */
#ifndef EBN_LIB_ICMP_ERROR_H
#define EBN_LIB_ICMP_ERROR_H

#include "lib/cut.h"
#include "lib/endpoint.h"
#include "lib/pkt.h"

/* What the error quotes behind the network header: a UDP header, and a TCP header without options. */
#define EBN_QUOTE_UDP 8u
#define EBN_QUOTE_TCP 20u
#define EBN_UDP_CHECK 6u	/* offset of the checksum */
#define EBN_ICMP_FRAG 4		/* code of "destination unreachable": fragmentation needed */
#define EBN_ICMP6_TOO_BIG 2

struct ebn_icmp_error {
	__u32 rest;		/* of the header, network order: the MTU */
	__u8 type;
	__u8 code;
	__u8 partial;		/* the packet's checksum is filled in later */
	__u8 reserved;
};

struct ebn_icmp_error4 {
	struct ebn_ip4 ip;
	struct ebn_icmp icmp;
	struct ebn_ip4 about;
	__u32 quote[EBN_QUOTE_TCP / 4];
};
struct ebn_icmp_error6 {
	struct ebn_ip6 ip;
	struct ebn_icmp icmp;
	struct ebn_ip6 about;
	__u32 quote[EBN_QUOTE_TCP / 4];
};
EBN_ASSERT(sizeof(struct ebn_icmp_error4) == 68 && sizeof(struct ebn_icmp_error6) == 108, "no holes");

/*
 * The sum of what is quoted. Where somebody fills the checksum in later, all from the transport header to the end of the packet sums
 * up to the complement of what the field holds until then.
 */
static __always_inline __u32 ebn_icmp_quote_sum(__u32 *quote, __u8 partial, const __u32 size)
{
	if (partial)
		return (__u16)~((__u16 *)quote)[(size == EBN_QUOTE_TCP ? EBN_TCP_CHECK : EBN_UDP_CHECK) / 2];
	return (__u32)bpf_csum_diff(0, 0, quote, size, 0);
}

/* All but the Ethernet header, which is in front of room for the error's headers. 0 or not. */
static __always_inline int ebn_icmp_write4(struct __sk_buff *skb, struct ebn_pkt *p, const struct ebn_icmp_error *is,
					   const __u32 size)
{
	struct ebn_icmp_error4 e = {};
	__u32 sum;

	if (bpf_skb_load_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_icmp_error4, about), &e.about,
			       sizeof(e.about) + size))
		return -1;
	e.ip.version_ihl = 0x45;
	e.ip.len = bpf_htons(sizeof(e) - sizeof(e.quote) + size);
	e.ip.frag = bpf_htons(0x4000);
	e.ip.ttl = 64;
	e.ip.proto = EBN_PROTO_ICMP;
	e.ip.src = p->dst[3];
	e.ip.dst = p->src[3];
	e.ip.check = (__u16)~ebn_fold((__u32)bpf_csum_diff(0, 0, (__be32 *)&e.ip, sizeof(e.ip), 0));
	e.icmp.type = is->type;
	e.icmp.code = is->code;
	e.icmp.rest = is->rest;
	sum = ebn_icmp_quote_sum(e.quote, is->partial, size);
	sum = (__u32)bpf_csum_diff(0, 0, (__be32 *)&e.icmp, sizeof(e.icmp) + sizeof(e.about), sum);
	e.icmp.check = (__u16)~ebn_fold(sum);
	return (int)bpf_skb_store_bytes(skb, EBN_ETH_LEN, &e, sizeof(e.ip) + sizeof(e.icmp), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ebn_icmp_write6(struct __sk_buff *skb, struct ebn_pkt *p, const struct ebn_icmp_error *is,
					   const __u32 size)
{
	const __u32 len = sizeof(struct ebn_icmp_error6) - sizeof(struct ebn_ip6) - EBN_QUOTE_TCP + size;
	struct ebn_icmp_error6 e = {};
	__u32 sum;

	if (bpf_skb_load_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_icmp_error6, about), &e.about,
			       sizeof(e.about) + size))
		return -1;
	/* the pseudo header's last words, where the first ones will be */
	e.ip.version = bpf_htonl(len);
	e.ip.ttl = EBN_PROTO_ICMP6;
	__builtin_memcpy(e.ip.src, p->dst, sizeof(e.ip.src));
	__builtin_memcpy(e.ip.dst, p->src, sizeof(e.ip.dst));
	e.icmp.type = is->type;
	e.icmp.code = is->code;
	e.icmp.rest = is->rest;
	sum = ebn_icmp_quote_sum(e.quote, is->partial, size);
	sum = (__u32)bpf_csum_diff(0, 0, (__be32 *)&e, sizeof(e) - sizeof(e.quote), sum);
	e.icmp.check = (__u16)~ebn_fold(sum);
	e.ip.version = bpf_htonl(6u << 28);
	e.ip.len = bpf_htons(len);
	e.ip.next = EBN_PROTO_ICMP6;
	e.ip.ttl = 64;
	return (int)bpf_skb_store_bytes(skb, EBN_ETH_LEN, &e, sizeof(e.ip) + sizeof(e.icmp), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ebn_icmp_about(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_icmp_error *is,
					  const __u32 size)
{
	const __u32 at = size == EBN_QUOTE_TCP ? EBN_TCP_CHECK : EBN_UDP_CHECK;
	__u32 l4, head;
	struct ebn_eth eth;
	__u16 check;

	if (!p || !is || bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return -1;
	l4 = p->l4_off;
	head = l4 - EBN_ETH_LEN + sizeof(struct ebn_icmp);
	/* asking leaves another checksum than the one to quote; an echo request's is whole */
	if (p->proto != EBN_PROTO_ICMP && p->proto != EBN_PROTO_ICMP6 &&
	    (bpf_skb_load_bytes(skb, l4 + at, &check, sizeof(check)) || ebn_cut_partial(skb, l4 + at, &is->partial) ||
	     bpf_skb_store_bytes(skb, l4 + at, &check, sizeof(check), 0)))
		return -1;
	if (bpf_skb_change_tail(skb, l4 + size, 0) ||
	    bpf_skb_adjust_room(skb, (__s32)head, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	if (p->v6 ? ebn_icmp_write6(skb, p, is, size) : ebn_icmp_write4(skb, p, is, size))
		return -1;
	return (int)bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

__attribute__((noinline)) int ebn_icmp_about_udp(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_icmp_error *is)
{
	return ebn_icmp_about(skb, p, is, EBN_QUOTE_UDP);
}

__attribute__((noinline)) int ebn_icmp_about_tcp(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_icmp_error *is)
{
	return ebn_icmp_about(skb, p, is, EBN_QUOTE_TCP);
}

/** Is there a way back to who sent the packet: an endpoint here, or the device that it came by? */
static __always_inline bool ebn_icmp_can_answer(const struct ebn_pkt *p)
{
	const struct ebn_ep_row *ep;
	struct ebn_view v;

	if (p->l4_off != EBN_ETH_LEN + (p->v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4)))
		return false;
	if (p->point != EBN_AT_FROM_ENDPOINT)
		return true;
	if (ebn_view_open(&v))
		return false;
	ep = ebn_ep_line(&v, p->row[0] - 1);
	return ep && EBN_READ(ep->flags) & EBN_EP_F_REDIRECT;
}

/*
 * To the neighbour that it came from, by what was its Ethernet header; action where it cannot be. In the overlay the program there
 * finds out which node that is.
 */
static __always_inline int ebn_turn_round(struct __sk_buff *skb, struct ebn_pkt *p, const struct ebn_eth *was,
					  int action)
{
	struct ebn_eth eth;

	ebn_mac_copy(eth.dst, was->src);
	ebn_mac_copy(eth.src, was->dst);
	if (bpf_skb_store_bytes(skb, 0, &eth, 12, 0))
		return action;
	return (int)bpf_redirect(p->ifindex, 0);
}

/** To the endpoint, or back by the device; action where it cannot be. */
static __always_inline int ebn_icmp_send_back(struct __sk_buff *skb, struct ebn_pkt *p, int action)
{
	const struct ebn_ep_row *ep;
	struct ebn_eth eth;
	struct ebn_view v;

	if (p->point != EBN_AT_FROM_ENDPOINT)
		return bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)) ? action : ebn_turn_round(skb, p, &eth, action);
	if (ebn_view_open(&v))
		return action;
	ep = ebn_ep_line(&v, p->row[0] - 1);
	if (!ep)
		return action;
	ebn_mac_copy(eth.dst, ep->mac);
	ebn_mac_copy(eth.src, ep->gw_mac);
	if (bpf_skb_store_bytes(skb, 0, &eth, 12, 0))
		return action;
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return (int)bpf_redirect_peer(ep->ifindex, 0);
}

/* May the sender be told that its packet is too big? Of IPv4 only when it said not to fragment, never of fragments and of errors. */
static __always_inline bool ebn_icmp_too_big_told(struct __sk_buff *skb, const struct ebn_pkt *p)
{
	__u16 frag = 0;

	if (p->frag || p->evf & EBN_EVF_RELATED || !ebn_icmp_can_answer(p))
		return false;
	if (p->proto != EBN_PROTO_TCP && p->proto != EBN_PROTO_UDP &&
	    (p->proto != (p->v6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP) ||
	     p->icmp_type != (p->v6 ? EBN_ICMP6_ECHO : EBN_ICMP_ECHO)))
		return false;
	if (p->v6)
		return true;
	return !bpf_skb_load_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_ip4, frag), &frag, sizeof(frag)) &&
	       frag & bpf_htons(0x4000);
}

/** "Packet too big". Behind ebn_drop(p), whose action it is given, and returns where there is no answer. */
static __always_inline int ebn_icmp_too_big(struct __sk_buff *skb, struct ebn_pkt *p, __u32 mtu, int action)
{
	struct ebn_icmp_error e = { .type = EBN_ICMP_UNREACH, .code = EBN_ICMP_FRAG, .rest = bpf_htonl(mtu) };

	if (!ebn_icmp_too_big_told(skb, p))
		return action;
	if (p->v6) {
		e.type = EBN_ICMP6_TOO_BIG;
		e.code = 0;
	}
	if (p->proto == EBN_PROTO_TCP ? ebn_icmp_about_tcp(skb, p, &e) : ebn_icmp_about_udp(skb, p, &e))
		return action;
	return ebn_icmp_send_back(skb, p, action);
}

#endif
