/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet to a service that has no backend to give, answered as a host answers without a listener, from the frontend: TCP with
 * an RST (RFC 9293, 3.10.7.1), UDP with "port unreachable" (RFC 792, RFC 4443). The packet becomes its answer, and turns round
 * to the endpoint past the stack, so policy is not asked about it: it says no more than that there is nobody.
 *
 * Packets with options or extension headers are dropped in silence, as are those of endpoints that are only reached through the
 * stack.
 */
#ifndef EBN_LIB_SERVICE_NONE_H
#define EBN_LIB_SERVICE_NONE_H

#include "lib/cut.h"
#include "lib/endpoint.h"
#include "lib/pkt.h"

/* What the error quotes behind the network header: the ports, and all there is of a UDP header. */
#define EBN_SVC_QUOTE 8u
#define EBN_UDP_CHECK 6u	/* offset of the checksum */
#define EBN_ICMP_PORT 3		/* codes of "destination unreachable" */
#define EBN_ICMP6_PORT 4

struct ebn_svc_error4 {
	struct ebn_ip4 ip;
	struct ebn_icmp icmp;
	struct ebn_ip4 about;
	__u32 quote[EBN_SVC_QUOTE / 4];
};
struct ebn_svc_error6 {
	struct ebn_ip6 ip;
	struct ebn_icmp icmp;
	struct ebn_ip6 about;
	__u32 quote[EBN_SVC_QUOTE / 4];
};
EBN_ASSERT(sizeof(struct ebn_svc_error4) == 56 && sizeof(struct ebn_svc_error6) == 96, "no holes");

/*
 * The sum of what is quoted of UDP. Where somebody fills the checksum in later, all from the UDP header to the end of the packet
 * sums up to the complement of what the field holds until then.
 */
static __always_inline __u32 ebn_svc_quote_sum(__u32 *quote, __u8 partial)
{
	if (partial)
		return (__u16)~((__u16 *)quote)[EBN_UDP_CHECK / 2];
	return (__u32)bpf_csum_diff(0, 0, quote, EBN_SVC_QUOTE, 0);
}

/* All but the Ethernet header, which is in front of room for the error's headers. 0 or not. */
static __always_inline int ebn_svc_error4(struct __sk_buff *skb, struct ebn_pkt *p, __u8 partial)
{
	struct ebn_svc_error4 e = {};
	__u32 sum;

	if (bpf_skb_load_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_svc_error4, about), &e.about,
			       sizeof(e.about) + sizeof(e.quote)))
		return -1;
	e.ip.version_ihl = 0x45;
	e.ip.len = bpf_htons(sizeof(e));
	e.ip.frag = bpf_htons(0x4000);
	e.ip.ttl = 64;
	e.ip.proto = EBN_PROTO_ICMP;
	e.ip.src = p->dst[3];
	e.ip.dst = p->src[3];
	e.ip.check = (__u16)~ebn_fold((__u32)bpf_csum_diff(0, 0, (__be32 *)&e.ip, sizeof(e.ip), 0));
	e.icmp.type = EBN_ICMP_UNREACH;
	e.icmp.code = EBN_ICMP_PORT;
	sum = ebn_svc_quote_sum(e.quote, partial);
	sum = (__u32)bpf_csum_diff(0, 0, (__be32 *)&e.icmp, sizeof(e.icmp) + sizeof(e.about), sum);
	e.icmp.check = (__u16)~ebn_fold(sum);
	return (int)bpf_skb_store_bytes(skb, EBN_ETH_LEN, &e, sizeof(e.ip) + sizeof(e.icmp), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ebn_svc_error6(struct __sk_buff *skb, struct ebn_pkt *p, __u8 partial)
{
	const __u32 len = sizeof(struct ebn_svc_error6) - sizeof(struct ebn_ip6);
	struct ebn_svc_error6 e = {};
	__u32 sum;

	if (bpf_skb_load_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_svc_error6, about), &e.about,
			       sizeof(e.about) + sizeof(e.quote)))
		return -1;
	/* the pseudo header's last words, where the first ones will be */
	e.ip.version = bpf_htonl(len);
	e.ip.ttl = EBN_PROTO_ICMP6;
	__builtin_memcpy(e.ip.src, p->dst, sizeof(e.ip.src));
	__builtin_memcpy(e.ip.dst, p->src, sizeof(e.ip.dst));
	e.icmp.type = EBN_ICMP6_UNREACH;
	e.icmp.code = EBN_ICMP6_PORT;
	sum = ebn_svc_quote_sum(e.quote, partial);
	sum = (__u32)bpf_csum_diff(0, 0, (__be32 *)&e, sizeof(e) - sizeof(e.quote), sum);
	e.icmp.check = (__u16)~ebn_fold(sum);
	e.ip.version = bpf_htonl(6u << 28);
	e.ip.len = bpf_htons(len);
	e.ip.next = EBN_PROTO_ICMP6;
	e.ip.ttl = 64;
	return (int)bpf_skb_store_bytes(skb, EBN_ETH_LEN, &e, sizeof(e.ip) + sizeof(e.icmp), BPF_F_RECOMPUTE_CSUM);
}

__attribute__((noinline)) int ebn_svc_unreachable(struct __sk_buff *skb, struct ebn_pkt *p)
{
	__u32 l4, head;
	struct ebn_eth eth;
	__u8 partial = 0;
	__u16 check;

	if (!p || bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return -1;
	l4 = p->l4_off;
	head = l4 - EBN_ETH_LEN + sizeof(struct ebn_icmp);
	/* asking leaves another checksum than the one to quote */
	if (bpf_skb_load_bytes(skb, l4 + EBN_UDP_CHECK, &check, sizeof(check)) ||
	    ebn_cut_partial(skb, l4 + EBN_UDP_CHECK, &partial) ||
	    bpf_skb_store_bytes(skb, l4 + EBN_UDP_CHECK, &check, sizeof(check), 0) ||
	    bpf_skb_change_tail(skb, l4 + EBN_SVC_QUOTE, 0) ||
	    bpf_skb_adjust_room(skb, (__s32)head, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	if (p->v6 ? ebn_svc_error6(skb, p, partial) : ebn_svc_error4(skb, p, partial))
		return -1;
	return (int)bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

__attribute__((noinline)) int ebn_svc_reset(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct ebn_cut_rst rst = { .reverse = 1, .flags = EBN_TCP_RST };
	__u32 l4, seq, flags;
	__u8 off = 0;

	if (!p)
		return -1;
	l4 = p->l4_off;
	seq = p->seq;
	flags = p->tcp_flags;
	if (flags & EBN_TCP_RST || bpf_skb_load_bytes(skb, l4 + 12, &off, 1))
		return -1;
	if (flags & EBN_TCP_ACK) {
		rst.seq = p->ack;
	} else {
		rst.flags = EBN_TCP_RST | EBN_TCP_ACK;
		rst.ack = seq + p->l4_len - (off >> 4) * 4 + !!(flags & EBN_TCP_SYN) + !!(flags & EBN_TCP_FIN);
	}
	if (ebn_cut_partial(skb, l4 + EBN_TCP_CHECK, &rst.partial) ||
	    bpf_skb_change_tail(skb, l4 + sizeof(struct ebn_tcp), 0))
		return -1;
	return ebn_cut_write(skb, p, &rst);
}

/** Behind ebn_drop(p), whose action it is given, and returns where there is no answer. */
static __always_inline int ebn_svc_refuse(struct __sk_buff *skb, struct ebn_pkt *p, int action)
{
	const struct ebn_ep_row *ep;
	struct ebn_eth eth;
	struct ebn_view v;
	int rc;

	if (ebn_view_open(&v))
		return action;
	ep = ebn_ep_line(&v, p->row[0] - 1);
	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_REDIRECT) ||
	    p->l4_off != EBN_ETH_LEN + (p->v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4)))
		return action;
	rc = p->proto == EBN_PROTO_TCP ? ebn_svc_reset(skb, p) : ebn_svc_unreachable(skb, p);
	if (rc)
		return action;
	ebn_mac_copy(eth.dst, ep->mac);
	ebn_mac_copy(eth.src, ep->gw_mac);
	if (bpf_skb_store_bytes(skb, 0, &eth, 12, 0))
		return action;
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	return (int)bpf_redirect_peer(ep->ifindex, 0);
}

#endif
