/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way to a backend, and the packet that the client's is put into. */
#ifndef EBN_LIB_XDP_SEND_H
#define EBN_LIB_XDP_SEND_H

#include "lib/xdp_conn.h"
#include "lib/xdp_icmp.h"

#define EBN_PROTO_IPIP 4
#define EBN_PROTO_IP6 41
#define EBN_IP4_DF 0x4000
#define EBN_XDP_MTU_MIN6 1280u

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EBN_XDP_HOPS);
	__type(key, __u32);
	__type(value, struct ebn_xdp_hop);
} ebn_xdp_hop SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ebn_xdp_conf);
} ebn_xdp_conf SEC(".maps");

static __always_inline bool ebn_xdp_is4(__u64 w0, __u64 w1)
{
	return !w0 && (__u32)w1 == EBN_MAPPED4;
}

static __always_inline __u32 ebn_xdp_check(const struct ebn_xdp_flow *f)
{
	return (__u32)(f->b1 >> 32) ^ (__u32)f->b0 ^ (__u32)(f->b0 >> 32) ^ bpf_htonl((__u32)f->b1);
}

static __always_inline struct ebn_xdp_hop *ebn_xdp_hop_at(__u32 row)
{
	__u32 cell = row & (EBN_XDP_HOPS - 1);

	return bpf_map_lookup_elem(&ebn_xdp_hop, &cell);
}

static __always_inline __u8 ebn_xdp_way_of(long answer)
{
	switch (answer) {
	case BPF_FIB_LKUP_RET_SUCCESS:
		return EBN_XDP_SEND;
	case BPF_FIB_LKUP_RET_NOT_FWDED:
		return EBN_XDP_HERE;
	case BPF_FIB_LKUP_RET_FWD_DISABLED:
		return EBN_XDP_BACK;
	case BPF_FIB_LKUP_RET_UNSUPP_LWT:
	case BPF_FIB_LKUP_RET_NO_NEIGH:
		return EBN_XDP_STACK;
	default:
		return EBN_XDP_NOWHERE;
	}
}

/* Asks the kernel's routes for the way to the flow's backend. */
__attribute__((noinline)) int ebn_xdp_route(struct xdp_md *ctx, struct ebn_xdp_flow *f)
{
	struct bpf_fib_lookup fib = { .mtu_result = 1 };
	struct ebn_xdp_hop *hop;
	__u32 mtu = 0;
	long rc;

	if (!f)
		return 0;
	hop = ebn_xdp_hop_at(f->row);
	if (!hop)
		return 0;
	fib.ifindex = ctx->ingress_ifindex;
	fib.family = EBN_AF_INET6;
	ebn_xdp_words(fib.dst, f->b0, f->b1);
	if (ebn_xdp_is4(f->b0, f->b1)) {
		fib.family = EBN_AF_INET;
		fib.dst[0] = fib.dst[3];
	}
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	hop->row1 = f->row + 1;
	hop->check = ebn_xdp_check(f);
	hop->tick = f->now;
	hop->ifindex = fib.ifindex;
	hop->way = ebn_xdp_way_of(rc);
	hop->mtu = fib.mtu_result;
	if (hop->way == EBN_XDP_BACK && !bpf_check_mtu(ctx, 0, &mtu, 0, 0))
		hop->mtu = (__u16)mtu;
	if (hop->way == EBN_XDP_STACK || hop->mtu == 1)
		hop->mtu = 0;
	__builtin_memcpy(hop->dmac, fib.dmac, 6);
	__builtin_memcpy(hop->smac, fib.smac, 6);
	return 0;
}

static __always_inline void ebn_xdp_outer4(struct ebn_ip4 *ip, const struct ebn_xdp_flow *f,
					  const struct ebn_xdp_conf *conf)
{
	__u16 *w = (__u16 *)ip;
	__u64 sum = 0;
	__u32 i;

	ip->version_ihl = 0x45;
	ip->tos = f->tos;
	ip->len = bpf_htons(f->len + (__u16)sizeof(*ip));
	ip->id = f->flags & EBN_XDP_P_DF ? 0 : (__u16)f->frag_id;
	ip->frag = f->flags & EBN_XDP_P_DF && !(f->flags & EBN_XDP_P_V6) ? bpf_htons(EBN_IP4_DF) : 0;
	ip->ttl = EBN_XDP_TTL;
	ip->proto = f->flags & EBN_XDP_P_V6 ? EBN_PROTO_IP6 : EBN_PROTO_IPIP;
	ip->check = 0;
	ip->src = conf->src4 ^ bpf_htonl((__u32)(f->hash >> 32) & 0xffff);
	ip->dst = (__u32)(f->b1 >> 32);
#pragma unroll
	for (i = 0; i < sizeof(*ip) / 2; i++)
		sum += w[i];
	ip->check = (__u16)~ebn_xdp_fold(sum);
}

static __always_inline void ebn_xdp_outer6(struct ebn_ip6 *ip, const struct ebn_xdp_flow *f,
					  const struct ebn_xdp_conf *conf)
{
	ip->version = bpf_htonl(6u << 28 | (__u32)f->tos << 20);
	ip->len = bpf_htons(f->len);
	ip->next = f->flags & EBN_XDP_P_V6 ? EBN_PROTO_IP6 : EBN_PROTO_IPIP;
	ip->ttl = EBN_XDP_TTL;
	ip->src[0] = conf->src6[0];
	ip->src[1] = conf->src6[1];
	ip->src[2] = conf->src6[2];
	ip->src[3] = (__u32)(f->hash >> 32);
	ebn_xdp_words(ip->dst, f->b0, f->b1);
}

/* Puts the packet into another one; 0, or a reason. hop: where to, NULL for the stack. */
static __always_inline int ebn_xdp_wrap(struct xdp_md *ctx, const struct ebn_xdp_flow *f, const struct ebn_xdp_hop *hop,
					const bool by4)
{
	const __u32 outer = by4 ? sizeof(struct ebn_ip4) : sizeof(struct ebn_ip6);
	struct ebn_eth *eth = ebn_xdp_at(ctx, 0, sizeof(*eth)), was;
	struct ebn_xdp_conf *conf;
	__u32 zero = 0;

	conf = bpf_map_lookup_elem(&ebn_xdp_conf, &zero);
	if (!eth || !conf)
		return EBN_R_TABLES;
	was = *eth;
	if (bpf_xdp_adjust_head(ctx, -(int)outer))
		return EBN_R_WRITE;
	eth = ebn_xdp_at(ctx, 0, EBN_ETH_LEN + outer);
	if (!eth)
		return EBN_R_WRITE;
	if (hop) {
		__builtin_memcpy(eth->dst, hop->way == EBN_XDP_SEND ? hop->dmac : was.src, 6);
		__builtin_memcpy(eth->src, hop->way == EBN_XDP_SEND ? hop->smac : was.dst, 6);
	} else {
		*eth = was;
	}
	eth->proto = bpf_htons(by4 ? EBN_ETH_IP4 : EBN_ETH_IP6);
	if (by4)
		ebn_xdp_outer4((void *)(eth + 1), f, conf);
	else
		ebn_xdp_outer6((void *)(eth + 1), f, conf);
	return 0;
}

static __always_inline int ebn_xdp_dropped(const struct ebn_xdp_flow *f, int reason)
{
	ebn_stat_reason((enum ebn_reason)reason, f->len);
	return XDP_DROP;
}

/* Answered. A global function, as ebn_xdp_l4(). */
__attribute__((noinline)) int ebn_xdp_too_big(struct xdp_md *ctx, struct ebn_xdp_flow *f, __u32 mtu)
{
	int rc;

	if (!f)
		return XDP_DROP;
	if (f->flags & EBN_XDP_P_V6)
		rc = ebn_xdp_too_big6(ctx, f, mtu < EBN_XDP_MTU_MIN6 ? EBN_XDP_MTU_MIN6 : mtu);
	else
		rc = ebn_xdp_too_big4(ctx, f, mtu);
	if (rc)
		return ebn_xdp_dropped(f, rc);
	ebn_xdp_counted(EBN_XDP_C_TOO_BIG);
	return XDP_TX;
}

/* To the backend of f: what becomes of the packet. */
__attribute__((noinline)) int ebn_xdp_send(struct xdp_md *ctx, struct ebn_xdp_flow *f)
{
	struct ebn_xdp_hop *hop;
	bool by4, stack, big;
	__u32 outer;
	int rc;

	if (!f)
		return XDP_DROP;
	hop = ebn_xdp_hop_at(f->row);
	by4 = ebn_xdp_is4(f->b0, f->b1);
	outer = by4 ? sizeof(struct ebn_ip4) : sizeof(struct ebn_ip6);
	if (!hop)
		return ebn_xdp_dropped(f, EBN_R_TABLES);
	if (hop->row1 != f->row + 1 || hop->check != ebn_xdp_check(f) || f->now - hop->tick >= EBN_XDP_HOP_TICKS)
		ebn_xdp_route(ctx, f);
	if (hop->way == EBN_XDP_HERE) {
		ebn_xdp_counted(EBN_XDP_C_HERE);
		return XDP_PASS;
	}
	if (hop->way == EBN_XDP_NOWHERE)
		return ebn_xdp_dropped(f, EBN_R_NO_ROUTE);
	big = hop->mtu && f->len + outer > hop->mtu;
	if (big && f->flags & EBN_XDP_P_DF && !(f->flags & EBN_XDP_P_ERROR))
		return ebn_xdp_too_big(ctx, f, hop->mtu - outer);
	stack = big || hop->way == EBN_XDP_STACK;
	ebn_xdp_sent(f);
	rc = by4 ? ebn_xdp_wrap(ctx, f, stack ? 0 : hop, true) : ebn_xdp_wrap(ctx, f, stack ? 0 : hop, false);
	if (rc)
		return ebn_xdp_dropped(f, rc);
	if (stack) {
		ebn_xdp_counted(EBN_XDP_C_STACK);
		return XDP_PASS;
	}
	if (hop->way == EBN_XDP_BACK || hop->ifindex == ctx->ingress_ifindex)
		return XDP_TX;
	return (int)bpf_redirect(hop->ifindex, 0);
}

#endif
