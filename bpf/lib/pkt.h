/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of the packet at hand, and how it is found out. Everything here either fills struct ebn_pkt from a packet
 * that is what its headers say, or names the reason why it is not.
 *
 *	ebn_pkt_link()		the ethernet header: which family follows
 *	ebn_pkt_ip4/ip6()	the network header, options and extension headers
 *	ebn_pkt_l4()		ports, flags, ICMP (SCTP: sctp.h); after ebn_frag (frag.h) for later fragments
 *
 * Lengths are taken from the headers, never from the frame, which may be padded; a header must end inside the length that
 * the one before it states, and that inside the frame.
 */
#ifndef EBN_LIB_PKT_H
#define EBN_LIB_PKT_H

#include "ebn_event.h"
#include "ebn_node.h"
#include "ebn_reason.h"

#include "lib/hdr.h"

#include <bpf/bpf_helpers.h>

#define EBN_ETH_LEN 14u
#define EBN_L4_OFF_MAX 511u	/* of the transport header in the frame */
#define EBN_OPTIONS_MAX 12	/* nobody sends as many */
#define EBN_EXT_MAX 6
#define EBN_HEAD_LEN 54u	/* ethernet, IPv4 and TCP headers, or ethernet and IPv6: behind it a copy is cheaper than a pull */
#define EBN_PULL_LEN 128u

enum ebn_frag_kind {
	EBN_FRAG_NONE,
	EBN_FRAG_FIRST,
	EBN_FRAG_LATER,
};

/* A packet and what was decided about it. Sides: 0 is the packet's source, 1 its destination. */
struct ebn_pkt {
	__u32 src[4];		/* network order; IPv4 mapped */
	__u32 dst[4];
	__u16 sport;		/* network order; ICMP queries: identifier */
	__u16 dport;
	__u32 seq;		/* host order */
	__u32 ack;
	__u32 len;		/* from the network header; of the frame until that is parsed */
	__u32 ifindex;
	__u32 frag_id;
	__u32 l4_off;
	__u32 l4_len;
	__u32 frag_off;		/* in bytes */
	__u8 proto;
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 ttl;
	__u8 frag;		/* enum ebn_frag_kind */
	__u8 v6;
	__u8 ask;		/* ICMP queries: the side that asked */
	__u8 point;		/* enum ebn_event_point */
	__u8 side;		/* the side whose endpoint row the hook knows */
	__u8 soft;		/* nothing this packet meets enforces: let through what cannot be judged */
	__u8 event;		/* enum ebn_event_type to report */
	__u8 evf;		/* EBN_EVF_* */
	__u8 verdict;		/* enum ebn_verdict */
	__u8 reason;		/* enum ebn_reason */
	__u8 hi;		/* the source is the higher end of the key */
	__u8 counted;		/* the flow's counters had this packet at an earlier hook */
	__u8 slow;		/* enum ebn_ct_slow_kind */
	__u8 cut;		/* denied, and its flow is to be reset */
	__u8 nat;		/* an answer that was translated: it begins nothing */
	__u8 svc;		/* enum ebn_svc_state */
	__u8 kept;		/* parsed by an earlier program of this run, and looked at: it goes on with what is here */
	__u8 tell;		/* the first option may tell a frontend (service_direct.h): then parsing says EBN_R_SVC_OPTION */
	__u16 zone;
	__u16 decision[2];	/* egress, ingress */
	__u16 ep[2];		/* endpoint ids */
	__u32 row[2];		/* endpoint row + 1, 0: not local or not known yet */
	__u32 identity[2];
	__u32 subject[2];	/* of local sides */
	__u32 dir;		/* directory the verdict is made from */
	__u32 sum;		/* of the epochs the verdict stands on */
	__u32 generation;
	__u64 hash;		/* of the other side's address, 0: not made yet */
	__u32 cell;		/* the called port's, of the port map */
	__u32 scratch;
	__u32 host;		/* to an endpoint: the host's row when it is the source */
	__u32 inner_off;	/* ICMP error: of the transport header that it quotes */
	__u32 nat_off;		/* the row that translates to dst, 0: none */
	__u32 outer[4];		/* ICMP error: who sent it; src, dst and ports are the flow's, as its own packet would have them */
};

#define EBN_MAPPED bpf_htonl(0xffff)

/*
 * The options of RFC 4727 for experiments, which hosts skip: of IPv4 the copied one of class 0, of IPv6 the destination option whose
 * type says "skip".
 */
#define EBN_DIRECT4_TYPE 0x9e
#define EBN_DIRECT6_TYPE 0x1e

static __always_inline void *ebn_data(const struct __sk_buff *skb)
{
	return (void *)(long)skb->data;
}

static __always_inline void *ebn_data_end(const struct __sk_buff *skb)
{
	return (void *)(long)skb->data_end;
}

static __always_inline bool ebn_addr_eq6(const __u32 *a, const __u32 *b)
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

/** The common headers into the linear part, where they nearly always are. Changes packet pointers. */
static __always_inline void ebn_pkt_head(struct __sk_buff *skb)
{
	__u32 linear = skb->data_end - skb->data, len = skb->len;

	if (linear >= EBN_HEAD_LEN || linear >= len)
		return;
	/* on failure the headers stay out of reach, and the packet is dropped as truncated */
	bpf_skb_pull_data(skb, len < EBN_PULL_LEN ? len : EBN_PULL_LEN);
}

/** Ethernet type of the frame in host order; 0: no whole ethernet header. */
static __always_inline __u16 ebn_pkt_link(struct __sk_buff *skb)
{
	struct ebn_eth *eth = ebn_data(skb);

	if ((void *)(eth + 1) > ebn_data_end(skb))
		return 0;
	return bpf_ntohs(eth->proto);
}

/*
 * IPv4 options, from the fixed header to the transport header: each fits, and none sends the packet elsewhere than the
 * address that policy is asked about.
 */
__attribute__((noinline)) int ebn_ip4_options(struct __sk_buff *skb, struct ebn_pkt *p, __u32 end)
{
	__u32 off = EBN_ETH_LEN + sizeof(struct ebn_ip4);
	__u8 opt[2];
	int i;

	if (!p || bpf_skb_load_bytes(skb, off, opt, 1))
		return EBN_R_TRUNCATED;
	if (opt[0] == EBN_DIRECT4_TYPE && p->tell)
		return EBN_R_SVC_OPTION;
	for (i = 0; i < EBN_OPTIONS_MAX && off < end; i++) {
		opt[1] = 0;
		if (bpf_skb_load_bytes(skb, off, opt, 1))
			return EBN_R_TRUNCATED;
		if (opt[0] == 0)
			return EBN_R_NONE;
		if (opt[0] == 1) {
			off++;
			continue;
		}
		if (off + 2 > end || bpf_skb_load_bytes(skb, off, opt, 2) || opt[1] < 2 || off + opt[1] > end)
			return EBN_R_MALFORMED;
		/* loose and strict source route */
		if (opt[0] == 131 || opt[0] == 137)
			return EBN_R_MALFORMED;
		off += opt[1];
	}
	return off < end ? EBN_R_MALFORMED : EBN_R_NONE;
}

static __always_inline enum ebn_reason ebn_pkt_ip4(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct ebn_ip4 *ip = ebn_data(skb) + EBN_ETH_LEN;
	__u32 ihl, len, room = p->len - EBN_ETH_LEN;
	__u16 frag;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	ihl = (ip->version_ihl & 15) * 4;
	len = bpf_ntohs(ip->len);
	/* more than 64 KiB, not yet segmented */
	if (!len && skb->gso_size)
		len = room;
	if (ip->version_ihl >> 4 != 4 || ihl < sizeof(*ip) || len < ihl)
		return EBN_R_MALFORMED;
	if (len > room)
		return EBN_R_TRUNCATED;
	p->src[2] = p->dst[2] = EBN_MAPPED;
	p->src[3] = ip->src;
	p->dst[3] = ip->dst;
	p->evf = EBN_EVF_L3;
	p->len = len;
	p->ttl = ip->ttl;
	p->proto = ip->proto;
	p->l4_off = EBN_ETH_LEN + ihl;
	p->l4_len = len - ihl;
	frag = bpf_ntohs(ip->frag);
	if (frag & (EBN_IP4_MF | EBN_IP4_OFFSET)) {
		p->frag_id = ip->id;
		p->frag_off = (frag & EBN_IP4_OFFSET) * 8;
		p->frag = p->frag_off ? EBN_FRAG_LATER : EBN_FRAG_FIRST;
		p->evf |= EBN_EVF_FRAGMENT;
	}
	if (ihl > sizeof(*ip))
		return ebn_ip4_options(skb, p, EBN_ETH_LEN + ihl);
	return EBN_R_NONE;
}

/* Where an extension header leads: bytes to the next one, or minus the reason. */
static __always_inline int ebn_ip6_ext_step(struct ebn_pkt *p, const __u8 h[8])
{
	switch (p->proto) {
	case EBN_PROTO_ROUTING:
		/* segments left: policy would be asked about a way point */
		if (h[3])
			return -EBN_R_EXT_HEADER;
		return h[1] * 8 + 8;
	case EBN_PROTO_HOPOPTS:
	case EBN_PROTO_DSTOPTS:
		return h[1] * 8 + 8;
	case EBN_PROTO_AH:
		return h[1] * 4 + 8;
	default:
		p->frag_off = (h[2] << 8 | h[3]) & 0xfff8;
		if (p->frag_off || h[3] & 1) {
			p->frag = p->frag_off ? EBN_FRAG_LATER : EBN_FRAG_FIRST;
			p->frag_id = (__u32)h[4] << 24 | h[5] << 16 | h[6] << 8 | h[7];
			p->evf |= EBN_EVF_FRAGMENT;
		}
		return 8;
	}
}

static __always_inline bool ebn_ip6_is_ext(__u8 proto)
{
	return proto == EBN_PROTO_HOPOPTS || proto == EBN_PROTO_ROUTING || proto == EBN_PROTO_FRAGMENT ||
	       proto == EBN_PROTO_AH || proto == EBN_PROTO_DSTOPTS;
}

/** Walks extension headers from p->l4_off on; leaves proto, l4_off and l4_len at the transport header. */
__attribute__((noinline)) int ebn_ip6_ext(struct __sk_buff *skb, struct ebn_pkt *p)
{
	__u8 h[8];
	int i, n;

	if (!p)
		return EBN_R_TABLES;
	h[2] = 0;
	if (p->tell && p->proto == EBN_PROTO_DSTOPTS)
		bpf_skb_load_bytes(skb, p->l4_off, h, sizeof(h));
	if (h[2] == EBN_DIRECT6_TYPE)
		return EBN_R_SVC_OPTION;
	for (i = 0; i < EBN_EXT_MAX; i++) {
		/* mobility, host identity, shim: nobody here reads behind them */
		if (p->proto == 135 || p->proto == 139 || p->proto == 140)
			return EBN_R_EXT_HEADER;
		if (p->frag == EBN_FRAG_LATER || !ebn_ip6_is_ext(p->proto))
			return EBN_R_NONE;
		/* the hop-by-hop header comes first or not at all; one fragment header */
		if ((p->proto == EBN_PROTO_HOPOPTS && i) || (p->proto == EBN_PROTO_FRAGMENT && p->frag))
			return EBN_R_MALFORMED;
		if (p->l4_len < sizeof(h) || bpf_skb_load_bytes(skb, p->l4_off, h, sizeof(h)))
			return EBN_R_TRUNCATED;
		n = ebn_ip6_ext_step(p, h);
		if (n < 0)
			return -n;
		if ((__u32)n > p->l4_len)
			return EBN_R_TRUNCATED;
		p->l4_off += n;
		p->l4_len -= n;
		p->proto = h[0];
		if (p->l4_off > EBN_L4_OFF_MAX)
			return EBN_R_EXT_HEADER;
	}
	return ebn_ip6_is_ext(p->proto) ? EBN_R_EXT_HEADER : EBN_R_NONE;
}

static __always_inline enum ebn_reason ebn_pkt_ip6(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct ebn_ip6 *ip = ebn_data(skb) + EBN_ETH_LEN;
	__u32 len, room = p->len - EBN_ETH_LEN;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	len = bpf_ntohs(ip->len) + sizeof(*ip);
	/* a jumbogram not yet segmented */
	if (!ip->len && skb->gso_size)
		len = room;
	if ((*(__u8 *)ip & 0xf0) != 0x60)
		return EBN_R_MALFORMED;
	if (len > room)
		return EBN_R_TRUNCATED;
	p->src[0] = ip->src[0];
	p->src[1] = ip->src[1];
	p->src[2] = ip->src[2];
	p->src[3] = ip->src[3];
	p->dst[0] = ip->dst[0];
	p->dst[1] = ip->dst[1];
	p->dst[2] = ip->dst[2];
	p->dst[3] = ip->dst[3];
	p->v6 = 1;
	p->evf = EBN_EVF_L3 | EBN_EVF_IPV6;
	p->len = len;
	p->ttl = ip->ttl;
	p->proto = ip->next;
	p->l4_off = EBN_ETH_LEN + sizeof(*ip);
	p->l4_len = len - sizeof(*ip);
	if (p->proto == EBN_PROTO_TCP || p->proto == EBN_PROTO_UDP || p->proto == EBN_PROTO_ICMP6)
		return EBN_R_NONE;
	return ebn_ip6_ext(skb, p);
}

static __always_inline enum ebn_reason ebn_tcp_take(struct ebn_pkt *p, const struct ebn_tcp *t)
{
	__u32 off = (t->off >> 4) * 4;
	__u8 f = t->flags;

	p->sport = t->sport;
	p->dport = t->dport;
	p->seq = bpf_ntohl(t->seq);
	p->ack = bpf_ntohl(t->ack);
	p->tcp_flags = f;
	if (off < sizeof(*t))
		return EBN_R_MALFORMED;
	if (off > p->l4_len)
		return EBN_R_TRUNCATED;
	f &= EBN_TCP_FIN | EBN_TCP_SYN | EBN_TCP_RST | EBN_TCP_ACK;
	/* nothing that begins and ends at once, nothing without a meaning */
	if (!f || f == EBN_TCP_FIN || (f & EBN_TCP_SYN && f & (EBN_TCP_FIN | EBN_TCP_RST)))
		return EBN_R_MALFORMED;
	return EBN_R_NONE;
}

static __always_inline enum ebn_reason ebn_pkt_tcp(struct __sk_buff *skb, struct ebn_pkt *p)
{
	/* verifier: bounds the offset */
	__u32 off = p->l4_off & EBN_L4_OFF_MAX;
	struct ebn_tcp *t = ebn_data(skb) + off, copy;

	if (p->l4_len < sizeof(*t))
		return EBN_R_TRUNCATED;
	if ((void *)(t + 1) <= ebn_data_end(skb))
		return ebn_tcp_take(p, t);
	if (bpf_skb_load_bytes(skb, off, &copy, sizeof(copy)))
		return EBN_R_TRUNCATED;
	return ebn_tcp_take(p, &copy);
}

/* The first eight bytes of any other transport header. */
static __always_inline bool ebn_pkt_words(struct __sk_buff *skb, struct ebn_pkt *p, __u32 w[2])
{
	__u32 off = p->l4_off & EBN_L4_OFF_MAX;
	__u32 *h = ebn_data(skb) + off;

	if (p->l4_len < 8)
		return false;
	if ((void *)(h + 2) <= ebn_data_end(skb)) {
		w[0] = h[0];
		w[1] = h[1];
		return true;
	}
	return !bpf_skb_load_bytes(skb, off, w, 8);
}

static __always_inline bool ebn_icmp_is_error(__u8 type, const bool v6)
{
	if (v6)
		return type >= EBN_ICMP6_UNREACH && type <= EBN_ICMP6_PARAMETER;
	return type == EBN_ICMP_UNREACH || type == EBN_ICMP_QUENCH || type == EBN_ICMP_EXCEEDED ||
	       type == EBN_ICMP_PARAMETER;
}

/*
 * The tuple of an ICMP message: queries by their identifier and who asked, everything else by type and code, asked by its
 * sender. w in network order as on the wire.
 */
static __always_inline void ebn_icmp_tuple(struct ebn_pkt *p, const __u32 w[2], const bool v6)
{
	const __u8 *h = (const __u8 *)w;

	p->icmp_type = h[0];
	p->icmp_code = h[1];
	p->ask = 0;
	if (h[0] == (v6 ? EBN_ICMP6_ECHO : EBN_ICMP_ECHO)) {
		p->sport = (__u16)w[1];
		p->dport = 0;
	} else if (h[0] == (v6 ? EBN_ICMP6_ECHO_REPLY : EBN_ICMP_ECHO_REPLY)) {
		p->sport = (__u16)w[1];
		p->dport = 0;
		p->ask = 1;
	} else {
		p->sport = 0;
		p->dport = bpf_htons((__u16)(h[0] << 8 | h[1]));
	}
}

static __always_inline enum ebn_reason ebn_pkt_l4(struct __sk_buff *skb, struct ebn_pkt *p, const bool v6)
{
	__u32 w[2] = {};

	if (p->l4_off > EBN_L4_OFF_MAX)
		return EBN_R_EXT_HEADER;
	if (p->proto == EBN_PROTO_TCP) {
		p->evf |= EBN_EVF_L4;
		return ebn_pkt_tcp(skb, p);
	}
	/* the other family's ICMP, "no next header", and the header that only IPv6 has */
	if (p->proto == (v6 ? EBN_PROTO_ICMP : EBN_PROTO_ICMP6) || p->proto == EBN_PROTO_NONE ||
	    (!v6 && p->proto == EBN_PROTO_HOPOPTS))
		return EBN_R_L4_PROTOCOL;
	/* SCTP: sctp.h */
	if (p->proto != EBN_PROTO_UDP && p->proto != EBN_PROTO_ICMP && p->proto != EBN_PROTO_ICMP6)
		return EBN_R_NONE;
	if (!ebn_pkt_words(skb, p, w))
		return EBN_R_TRUNCATED;
	p->evf |= EBN_EVF_L4;
	if (p->proto == EBN_PROTO_ICMP || p->proto == EBN_PROTO_ICMP6) {
		ebn_icmp_tuple(p, w, v6);
		return EBN_R_NONE;
	}
	p->sport = (__u16)w[0];
	p->dport = (__u16)(w[0] >> 16);
	if (p->proto == EBN_PROTO_UDP && !p->frag && !skb->gso_size) {
		__u32 len = bpf_ntohs((__u16)w[1]);

		/* zero: as long as the packet says, for jumbograms */
		if ((len && len < 8) || len > p->l4_len)
			return EBN_R_MALFORMED;
	}
	return EBN_R_NONE;
}

#endif
