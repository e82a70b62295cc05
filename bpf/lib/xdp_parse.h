/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the balancer needs to know of a packet. Each answers GO, PASS (not ours to look at), or a reason for a drop.
 *
 *	ebn_xdp_l3_4(c, f), _6		addresses, and where what follows begins
 *	ebn_xdp_l4(c, f, off)		ports, or what an ICMP error speaks of
 */
#ifndef EBN_LIB_XDP_PARSE_H
#define EBN_LIB_XDP_PARSE_H

#include "lib/xdp.h"

#define EBN_ETH_LEN 14u
#define EBN_XDP_EXTS 6u		/* IPv6 extension headers that are followed */

struct ebn_xdp_ports {
	__u16 sport, dport;
	__u32 seq_len;
};

static __always_inline void *ebn_xdp_at(const struct xdp_md *ctx, __u32 off, __u32 len)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	/* verifier: the bound on the offset, before it is added */
	if (off > 512)
		return 0;
	data += off;
	return data + len > end ? 0 : data;
}

static __always_inline __u32 ebn_xdp_room(const struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

/* Behind EBN_ETH_LEN + 20 bytes that are there. *off: of what follows, from the network header on. */
static __always_inline int ebn_xdp_l3_4(const struct xdp_md *ctx, const struct ebn_ip4 *ip, struct ebn_xdp_flow *f,
				       __u32 *off)
{
	__u16 frag = bpf_ntohs(ip->frag);

	f->len = bpf_ntohs(ip->len);
	*off = (ip->version_ihl & 15) * 4u;
	if (ip->version_ihl >> 4 != 4 || *off < sizeof(*ip) || f->len < *off)
		return EBN_R_MALFORMED;
	if ((__u32)f->len + EBN_ETH_LEN > ebn_xdp_room(ctx))
		return EBN_R_TRUNCATED;
	f->proto = ip->proto;
	f->tos = ip->tos;
	if (frag & EBN_IP4_OFFSET)
		f->flags |= EBN_XDP_P_LATER;
	else if (frag & EBN_IP4_MF)
		f->flags |= EBN_XDP_P_FIRST;
	if (frag & 0x4000)
		f->flags |= EBN_XDP_P_DF;
	f->frag_id = ip->id;
	return EBN_XDP_GO;
}

struct ebn_xdp_ext {
	__u8 next;
	__u8 len;		/* in eights, without the first; AH: in fours, without two */
	__u16 frag;		/* fragment header: offset and flag */
	__u32 id;
};

static __always_inline int ebn_xdp_l3_6(const struct xdp_md *ctx, const struct ebn_ip6 *ip, struct ebn_xdp_flow *f,
				       __u32 *off)
{
	__u32 at = sizeof(*ip), i;
	struct ebn_xdp_ext *e;
	__u8 next = ip->next;

	f->len = bpf_ntohs(ip->len) + sizeof(*ip);
	f->flags |= EBN_XDP_P_V6 | EBN_XDP_P_DF;
	f->tos = (__u8)(bpf_ntohl(ip->version) >> 20);
	if ((bpf_ntohl(ip->version) >> 28) != 6)
		return EBN_R_MALFORMED;
	if ((__u32)f->len + EBN_ETH_LEN > ebn_xdp_room(ctx))
		return EBN_R_TRUNCATED;
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_XDP_EXTS; i++) {
		if (next != EBN_PROTO_HOPOPTS && next != EBN_PROTO_ROUTING && next != EBN_PROTO_DSTOPTS &&
		    next != EBN_PROTO_FRAGMENT)
			break;
		e = ebn_xdp_at(ctx, EBN_ETH_LEN + at, sizeof(*e));
		if (!e)
			return EBN_R_TRUNCATED;
		if (next == EBN_PROTO_FRAGMENT) {
			f->frag_id = e->id;
			if (bpf_ntohs(e->frag) & 0xfff8)
				f->flags |= EBN_XDP_P_LATER;
			else if (bpf_ntohs(e->frag) & 1)
				f->flags |= EBN_XDP_P_FIRST;
			at += 8;
		} else {
			at += (e->len + 1u) * 8;
		}
		next = e->next;
		if (f->flags & EBN_XDP_P_LATER)
			break;
	}
	if (i == EBN_XDP_EXTS)
		return EBN_R_EXT_HEADER;
	f->proto = next;
	*off = at;
	return EBN_XDP_GO;
}

/* What an ICMP error quotes: a packet of the backend's, from the VIP. Its flow, as the client's packets have it. */
static __always_inline int ebn_xdp_quoted(const struct xdp_md *ctx, struct ebn_xdp_flow *f, __u32 at)
{
	struct ebn_xdp_ports *p;
	__u64 src0, src1;

	if (f->flags & EBN_XDP_P_V6) {
		struct ebn_ip6 *ip = ebn_xdp_at(ctx, at, sizeof(*ip));

		if (!ip)
			return EBN_R_TRUNCATED;
		src0 = ip->src[0] | (__u64)ip->src[1] << 32;
		src1 = ip->src[2] | (__u64)ip->src[3] << 32;
		f->s0 = ip->dst[0] | (__u64)ip->dst[1] << 32;
		f->s1 = ip->dst[2] | (__u64)ip->dst[3] << 32;
		f->proto = ip->next;
		at += sizeof(*ip);
	} else {
		struct ebn_ip4 *ip = ebn_xdp_at(ctx, at, sizeof(*ip));

		if (!ip)
			return EBN_R_TRUNCATED;
		if (ip->frag & bpf_htons(EBN_IP4_OFFSET))
			return EBN_R_ICMP_UNKNOWN;
		src0 = 0;
		src1 = EBN_MAPPED4 | (__u64)ip->src << 32;
		f->s0 = 0;
		f->s1 = EBN_MAPPED4 | (__u64)ip->dst << 32;
		f->proto = ip->proto;
		at += (ip->version_ihl & 15) * 4u;
	}
	if (src0 != f->d0 || src1 != f->d1 || (f->proto != EBN_PROTO_TCP && f->proto != EBN_PROTO_UDP))
		return EBN_R_ICMP_UNKNOWN;
	p = ebn_xdp_at(ctx, at, 4);
	if (!p)
		return EBN_R_TRUNCATED;
	f->ports = p->dport | (__u32)p->sport << 16;
	f->flags |= EBN_XDP_P_ERROR;
	return EBN_XDP_GO;
}

static __always_inline bool ebn_xdp_is_error(const struct ebn_xdp_flow *f, __u8 type)
{
	if (f->flags & EBN_XDP_P_V6)
		return type >= EBN_ICMP6_UNREACH && type <= EBN_ICMP6_PARAMETER;
	return type == EBN_ICMP_UNREACH || type == EBN_ICMP_EXCEEDED || type == EBN_ICMP_PARAMETER;
}

/*
 * off: from the network header on. A global function, as its like: the verifier follows it once, and what the packet turned out
 * to be is forgotten behind it.
 */
__attribute__((noinline)) int ebn_xdp_l4(struct xdp_md *ctx, struct ebn_xdp_flow *f, __u32 off)
{
	__u32 at = EBN_ETH_LEN + off;
	struct ebn_xdp_ports *p;
	struct ebn_tcp *tcp;
	__u8 *type;

	if (!f)
		return EBN_R_TABLES;
	if (f->flags & EBN_XDP_P_LATER)
		return EBN_XDP_GO;
	if (f->proto == EBN_PROTO_TCP) {
		tcp = ebn_xdp_at(ctx, at, sizeof(*tcp));
		if (!tcp)
			return EBN_R_TRUNCATED;
		if ((tcp->flags & (EBN_TCP_SYN | EBN_TCP_ACK)) == EBN_TCP_SYN)
			f->flags |= EBN_XDP_P_SYN;
		f->ports = tcp->sport | (__u32)tcp->dport << 16;
		return EBN_XDP_GO;
	}
	if (f->proto == EBN_PROTO_UDP) {
		p = ebn_xdp_at(ctx, at, 8);
		if (!p)
			return EBN_R_TRUNCATED;
		f->ports = p->sport | (__u32)p->dport << 16;
		return EBN_XDP_GO;
	}
	if (f->proto != (f->flags & EBN_XDP_P_V6 ? EBN_PROTO_ICMP6 : EBN_PROTO_ICMP))
		return EBN_XDP_PASS;
	type = ebn_xdp_at(ctx, at, 8);
	if (!type || off > 255)
		return EBN_R_TRUNCATED;
	f->l4 = (__u8)off;
	if (ebn_xdp_is_error(f, *type))
		return ebn_xdp_quoted(ctx, f, at + 8);
	f->flags |= EBN_XDP_P_ICMP;
	return EBN_XDP_GO;
}

#endif
