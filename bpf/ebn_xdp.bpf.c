// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The balancer on node devices. A packet to an address of a service with EBN_SVC_F_IPIP goes to a backend as it is, in a packet
 * of its own; the backend answers the client itself. Everything else is passed on at the cost of one look at a head of chains.
 *
 *	parse ─▶ connection ──────────────▶ send
 *	           │ none, or not sure ─▶ look ─┘
 */
#include "ebn_xdp.h"

#include "lib/xdp_choose.h"
#include "lib/xdp_conn.h"
#include "lib/xdp_icmp.h"
#include "lib/xdp_parse.h"
#include "lib/xdp_send.h"

/* A known flow: f->w1 and the backend. 1; 0: to be looked at, with what is in f->w1 as far as it goes. */
static __always_inline int known(const struct ebn_view *v, struct ebn_xdp_flow *f)
{
	struct ebn_xdp_set *set = ebn_xdp_set_of(f->hash);
	__u32 i, age, stamp = 0;

	if (!set)
		return 0;
	i = ebn_xdp_conn_scan(set, f->hash, &f->w1, &stamp);
	if (i == EBN_XDP_WAYS)
		return 0;
	age = ebn_xdp_age(f->w1, f->now);
	if (f->proto == EBN_PROTO_UDP && age > EBN_XDP_UDP_TICKS) {
		f->w1 = 0;
		f->flags |= EBN_XDP_P_SILENT;
		return 0;
	}
	if (stamp != f->stamp || f->flags & EBN_XDP_P_SYN ||
	    (f->w1 & EBN_XDP_F_CLIENT && age >= EBN_XDP_CLIENT_TICKS) || !ebn_xdp_backend(v, f, EBN_XDP_ROW(f->w1)))
		return 0;
	f->service = EBN_XDP_SERVICE(f->w1);
	if (age && !(f->flags & EBN_XDP_P_ERROR)) {
		f->w1 = (f->w1 & ~(0xffffULL << 34)) | (__u64)(f->now & 0xffff) << 34 | EBN_XDP_F_PROVEN;
		ebn_xdp_conn_write(set, i, f->hash, f->stamp, f->w1);
	}
	return 1;
}

/* A fragment behind the first, whose flow it follows. */
static __always_inline int later(const struct ebn_view *v, struct ebn_xdp_flow *f)
{
	__u32 stamp;

	f->hash = ebn_xdp_hash_frag(f);
	return ebn_xdp_conn_again(f, &stamp) && ebn_xdp_age(f->w1, f->now) < EBN_XDP_FRAG_TICKS &&
	       ebn_xdp_backend(v, f, EBN_XDP_ROW(f->w1));
}

static __always_inline void first(struct ebn_xdp_flow *f)
{
	struct ebn_xdp_put put = { .hash = ebn_xdp_hash_frag(f), .stamp = f->stamp, .now = f->now };

	put.w1 = EBN_XDP_W1(f->w1 & EBN_XDP_F_LOCAL, f->stamp, f->now, f->service, f->row);
	ebn_xdp_conn_put(&put);
}

/* Not a packet of a flow by itself, or not sane. GO: f has a backend. */
__attribute__((noinline)) int ebn_xdp_special(struct xdp_md *ctx, struct ebn_xdp_flow *f, int rc)
{
	struct ebn_xdp_addr vip = {};
	struct ebn_view v;

	if (!f || ebn_view_at(&v, f->dir))
		return EBN_R_TABLES;
	vip.w0 = f->d0;
	vip.w1 = f->d1;
	vip.dir = f->dir;
	if (!ebn_xdp_vip(&vip))
		return EBN_XDP_PASS;
	if (rc != EBN_XDP_GO)
		return rc;
	if (f->flags & EBN_XDP_P_LATER) {
		if (!later(&v, f))
			return EBN_R_FRAGMENT_UNKNOWN;
		f->service = EBN_XDP_SERVICE(f->w1);
		return EBN_XDP_GO;
	}
	if (f->flags & EBN_XDP_P_V6)
		return ebn_xdp_echo(ctx, f, true);
	return ebn_xdp_echo(ctx, f, false);
}

/* The whole of it, once the network header is parsed. rc: what parsing said. */
static __always_inline int balance(struct xdp_md *ctx, const struct ebn_view *v, struct ebn_xdp_flow *f, int rc)
{
	f->now = ebn_xdp_now();
	if (rc != EBN_XDP_GO || f->flags & (EBN_XDP_P_LATER | EBN_XDP_P_ICMP)) {
		rc = ebn_xdp_special(ctx, f, rc);
		if (!rc) {
			ebn_xdp_counted(EBN_XDP_C_ECHO);
			return XDP_TX;
		}
	} else {
		f->hash = ebn_xdp_hash_flow(f);
		rc = known(v, f) ? EBN_XDP_GO : ebn_xdp_look(f);
		if (rc == EBN_XDP_PASS && f->flags & EBN_XDP_P_ERROR) {
			struct ebn_xdp_addr vip = { .w0 = f->d0, .w1 = f->d1, .dir = f->dir };

			if (ebn_xdp_vip(&vip))
				rc = EBN_R_ICMP_UNKNOWN;
		}
	}
	if (rc == EBN_XDP_PASS)
		return XDP_PASS;
	if (rc != EBN_XDP_GO)
		return ebn_xdp_dropped(f, rc);
	if (f->flags & EBN_XDP_P_FIRST)
		first(f);
	if (f->flags & EBN_XDP_P_ERROR)
		ebn_xdp_counted(EBN_XDP_C_ERROR);
	if (f->w1 & EBN_XDP_F_LOCAL) {
		ebn_xdp_counted(EBN_XDP_C_HERE);
		return XDP_PASS;
	}
	return ebn_xdp_send(ctx, f);
}

SEC("xdp")
int ebn_xdp(struct xdp_md *ctx)
{
	struct ebn_eth *eth = ebn_xdp_at(ctx, 0, sizeof(*eth));
	struct ebn_xdp_flow f = {};
	struct ebn_view v;
	__u32 off = 0;
	int rc;

	if (!eth)
		return XDP_PASS;
	if (eth->proto == bpf_htons(EBN_ETH_IP4)) {
		struct ebn_ip4 *ip = ebn_xdp_at(ctx, EBN_ETH_LEN, sizeof(*ip));

		if (!ip)
			return XDP_PASS;
		f.d1 = EBN_MAPPED4 | (__u64)ip->dst << 32;
		f.s1 = EBN_MAPPED4 | (__u64)ip->src << 32;
		if (ebn_view_open(&v))
			return ebn_xdp_dropped(&f, EBN_R_TABLES);
		if (!ebn_svc_maybe(&v, 0, f.d1))
			return XDP_PASS;
		rc = ebn_xdp_l3_4(ctx, ip, &f, &off);
	} else if (eth->proto == bpf_htons(EBN_ETH_IP6)) {
		struct ebn_ip6 *ip = ebn_xdp_at(ctx, EBN_ETH_LEN, sizeof(*ip));

		if (!ip)
			return XDP_PASS;
		f.d0 = ip->dst[0] | (__u64)ip->dst[1] << 32;
		f.d1 = ip->dst[2] | (__u64)ip->dst[3] << 32;
		if (ebn_view_open(&v))
			return ebn_xdp_dropped(&f, EBN_R_TABLES);
		if (!ebn_svc_maybe(&v, f.d0, f.d1))
			return XDP_PASS;
		f.s0 = ip->src[0] | (__u64)ip->src[1] << 32;
		f.s1 = ip->src[2] | (__u64)ip->src[3] << 32;
		rc = ebn_xdp_l3_6(ctx, ip, &f, &off);
	} else {
		return XDP_PASS;
	}
	f.dir = v.dir;
	f.stamp = ebn_xdp_stamp(&v);
	if (rc == EBN_XDP_GO)
		rc = ebn_xdp_l4(ctx, &f, off);
	return balance(ctx, &v, &f, rc);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
