/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the balancer answers itself: echo requests to a VIP, and packets that are too big once they are in another one. */
#ifndef EBN_LIB_XDP_ICMP_H
#define EBN_LIB_XDP_ICMP_H

#include "lib/xdp_parse.h"

#define EBN_XDP_TTL 64
/* What an error quotes: the packet is longer than this, or it would not be too big. */
#define EBN_XDP_QUOTE4 68u	/* the longest header, and eight bytes */
#define EBN_XDP_QUOTE6 128u

static __always_inline void ebn_xdp_mac_swap(struct ebn_eth *eth)
{
	__u8 mac[6];

	__builtin_memcpy(mac, eth->dst, 6);
	__builtin_memcpy(eth->dst, eth->src, 6);
	__builtin_memcpy(eth->src, mac, 6);
}

static __always_inline __u16 ebn_xdp_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* The checksum after a word of what it sums became another. */
static __always_inline __u16 ebn_xdp_adjust(__u16 check, __u16 from, __u16 to)
{
	return (__u16)~ebn_xdp_fold((__u64)(__u16)~check + (__u16)~from + to);
}

/* 0: turned round; else what to do with it. */
static __always_inline int ebn_xdp_echo(struct xdp_md *ctx, const struct ebn_xdp_flow *f, const bool v6)
{
	struct ebn_eth *eth = ebn_xdp_at(ctx, 0, sizeof(*eth));
	struct ebn_icmp *icmp = ebn_xdp_at(ctx, EBN_ETH_LEN + f->l4, sizeof(*icmp));

	if (!eth || !icmp)
		return EBN_R_TRUNCATED;
	if (icmp->type != (v6 ? EBN_ICMP6_ECHO : EBN_ICMP_ECHO))
		return EBN_XDP_PASS;
	if (f->flags & EBN_XDP_P_FIRST)
		return EBN_R_FRAGMENT_UNKNOWN;
	icmp->check = ebn_xdp_adjust(icmp->check, bpf_htons((__u16)(icmp->type << 8)),
				     bpf_htons(v6 ? EBN_ICMP6_ECHO_REPLY << 8 : EBN_ICMP_ECHO_REPLY << 8));
	icmp->type = v6 ? EBN_ICMP6_ECHO_REPLY : EBN_ICMP_ECHO_REPLY;
	if (v6) {
		struct ebn_ip6 *ip = ebn_xdp_at(ctx, EBN_ETH_LEN, sizeof(*ip));

		if (!ip)
			return EBN_R_TRUNCATED;
		ip->ttl = EBN_XDP_TTL;
		__builtin_memcpy(ip->dst, ip->src, 16);
		ebn_xdp_words(ip->src, f->d0, f->d1);
	} else {
		struct ebn_ip4 *ip = ebn_xdp_at(ctx, EBN_ETH_LEN, sizeof(*ip));

		if (!ip)
			return EBN_R_TRUNCATED;
		ip->check = ebn_xdp_adjust(ip->check, bpf_htons((__u16)(ip->ttl << 8)), bpf_htons(EBN_XDP_TTL << 8));
		ip->ttl = EBN_XDP_TTL;
		ip->dst = ip->src;
		ip->src = (__u32)(f->d1 >> 32);
	}
	ebn_xdp_mac_swap(eth);
	return 0;
}

/* The packet becomes an error about itself, from the VIP to the client. 0, or a reason. */
static __always_inline int ebn_xdp_too_big4(struct xdp_md *ctx, const struct ebn_xdp_flow *f, __u32 mtu)
{
	const __u32 head = sizeof(struct ebn_ip4) + sizeof(struct ebn_icmp);
	struct ebn_icmp *icmp;
	struct ebn_eth *eth, was;
	struct ebn_ip4 *ip;

	eth = ebn_xdp_at(ctx, 0, sizeof(*eth));
	if (!eth || ebn_xdp_room(ctx) < EBN_ETH_LEN + EBN_XDP_QUOTE4)
		return EBN_R_TRUNCATED;
	was = *eth;
	if (bpf_xdp_adjust_tail(ctx, (int)(EBN_ETH_LEN + EBN_XDP_QUOTE4) - (int)ebn_xdp_room(ctx)) ||
	    bpf_xdp_adjust_head(ctx, -(int)head))
		return EBN_R_WRITE;
	eth = ebn_xdp_at(ctx, 0, EBN_ETH_LEN + head + EBN_XDP_QUOTE4);
	if (!eth)
		return EBN_R_WRITE;
	*eth = was;
	ebn_xdp_mac_swap(eth);
	ip = (struct ebn_ip4 *)(eth + 1);
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version_ihl = 0x45;
	ip->len = bpf_htons(head + EBN_XDP_QUOTE4);
	ip->ttl = EBN_XDP_TTL;
	ip->proto = EBN_PROTO_ICMP;
	ip->src = (__u32)(f->d1 >> 32);
	ip->dst = (__u32)(f->s1 >> 32);
	ip->check = (__u16)~ebn_xdp_fold((__u32)bpf_csum_diff(0, 0, (void *)ip, sizeof(*ip), 0));
	icmp = (struct ebn_icmp *)(ip + 1);
	icmp->type = EBN_ICMP_UNREACH;
	icmp->code = 4;
	icmp->check = 0;
	icmp->rest = bpf_htonl(mtu);
	icmp->check = (__u16)~ebn_xdp_fold((__u32)bpf_csum_diff(0, 0, (void *)icmp, sizeof(*icmp) + EBN_XDP_QUOTE4, 0));
	return 0;
}

static __always_inline int ebn_xdp_too_big6(struct xdp_md *ctx, const struct ebn_xdp_flow *f, __u32 mtu)
{
	const __u32 head = sizeof(struct ebn_ip6) + sizeof(struct ebn_icmp);
	const __u32 len = sizeof(struct ebn_icmp) + EBN_XDP_QUOTE6;
	struct ebn_icmp *icmp;
	struct ebn_eth *eth, was;
	struct ebn_ip6 *ip;
	__u64 sum;

	eth = ebn_xdp_at(ctx, 0, sizeof(*eth));
	if (!eth || ebn_xdp_room(ctx) < EBN_ETH_LEN + EBN_XDP_QUOTE6)
		return EBN_R_TRUNCATED;
	was = *eth;
	if (bpf_xdp_adjust_tail(ctx, (int)(EBN_ETH_LEN + EBN_XDP_QUOTE6) - (int)ebn_xdp_room(ctx)) ||
	    bpf_xdp_adjust_head(ctx, -(int)head))
		return EBN_R_WRITE;
	eth = ebn_xdp_at(ctx, 0, EBN_ETH_LEN + head + EBN_XDP_QUOTE6);
	if (!eth)
		return EBN_R_WRITE;
	*eth = was;
	ebn_xdp_mac_swap(eth);
	ip = (struct ebn_ip6 *)(eth + 1);
	ip->version = bpf_htonl(6u << 28);
	ip->len = bpf_htons(len);
	ip->next = EBN_PROTO_ICMP6;
	ip->ttl = EBN_XDP_TTL;
	ebn_xdp_words(ip->src, f->d0, f->d1);
	ebn_xdp_words(ip->dst, f->s0, f->s1);
	icmp = (struct ebn_icmp *)(ip + 1);
	icmp->type = 2;
	icmp->code = 0;
	icmp->check = 0;
	icmp->rest = bpf_htonl(mtu);
	sum = (__u32)bpf_csum_diff(0, 0, (void *)ip->src, 32, 0);
	sum += (__u32)bpf_csum_diff(0, 0, (void *)icmp, len, 0);
	sum += bpf_htonl(len) + (__u64)bpf_htonl(EBN_PROTO_ICMP6);
	icmp->check = (__u16)~ebn_xdp_fold(sum);
	return 0;
}

#endif
