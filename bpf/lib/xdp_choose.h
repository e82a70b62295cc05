/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which backend: of a flow that has an entry the one it has, while that is in the service; of others the frontend's set says it,
 * by the tuple's hash, as on every other node.
 */
#ifndef EBN_LIB_XDP_CHOOSE_H
#define EBN_LIB_XDP_CHOOSE_H

#include "lib/xdp_conn.h"

struct ebn_xdp_addr {
	__u64 w0, w1;
	__u32 dir;
	__u32 reserved;
};

/* Flags of the VIP that an address belongs to, EBN_VIP_IPIP among them; 0: none of ours. */
__attribute__((noinline)) int ebn_xdp_vip(struct ebn_xdp_addr *a)
{
	struct ebn_svc_step k = {};
	struct ebn_slot heads;
	struct ebn_view v;
	__u64 plens;
	__u32 i;

	if (!a || ebn_view_at(&v, a->dir))
		return 0;
	k.dir = a->dir;
	if (ebn_svc_vip(&k, a->w0, a->w1, 128) && k.flags & EBN_VIP_IPIP)
		return (int)k.flags;
	heads = ebn_view_slot(&v, EBN_P_SVC_HASH);
	plens = ebn_node_u64(&v, heads.off);
	for (i = 0; i < EBN_SVC_PLENS; i++, plens >>= 8) {
		__u32 plen = plens & 0x7f;

		if (!(plens & 0xff))
			return 0;
		if (ebn_svc_vip(&k, plen < 64 ? a->w0 & ebn_svc_mask64(plen) : a->w0,
				plen > 64 ? a->w1 & ebn_svc_mask64(plen - 64) : 0, plen) &&
		    k.flags & EBN_VIP_IPIP)
			return (int)k.flags;
	}
	return 0;
}

/* The backend that row is; 0: nobody's. */
static __always_inline int ebn_xdp_backend(const struct ebn_view *v, struct ebn_xdp_flow *f, __u32 row)
{
	struct ebn_svc_pick pick = {};

	if (!ebn_svc_backend_row(v, row, &pick) || !(pick.w0 | pick.w1))
		return 0;
	f->row = row;
	f->b0 = pick.w0;
	f->b1 = pick.w1;
	return 1;
}

static __always_inline int ebn_xdp_member(const struct ebn_view *v, struct ebn_xdp_flow *f, __u32 set, __u32 row)
{
	struct ebn_svc_member_ask m = { .dir = v->dir, .set = set, .row = row };

	return ebn_svc_is_member(&m) && ebn_xdp_backend(v, f, row);
}

/* The backend of the client's affinity. */
static __always_inline int ebn_xdp_stays(const struct ebn_view *v, struct ebn_xdp_flow *f,
					const struct ebn_svc_ask *ask)
{
	__u64 hash = ebn_xdp_hash_client(f, ask->service), w1 = 0;
	struct ebn_xdp_set *set = ebn_xdp_set_of(hash);
	__u32 stamp, limit, coarse;

	if (!set || ebn_xdp_conn_scan(set, hash, &w1, &stamp) == EBN_XDP_WAYS)
		return 0;
	coarse = w1 & EBN_XDP_F_COARSE ? 1 : 0;
	limit = coarse ? ask->affinity / 32 + 1 : ask->affinity * 8;
	return ebn_xdp_age(w1, f->now) <= limit && ebn_xdp_member(v, f, ask->set_out, EBN_XDP_ROW(w1));
}

static __always_inline void ebn_xdp_remember_client(struct ebn_xdp_flow *f, const struct ebn_svc_ask *ask)
{
	bool coarse = ask->affinity > EBN_XDP_FINE_MAX;
	struct ebn_xdp_put put = {
		.hash = ebn_xdp_hash_client(f, ask->service),
		.stamp = f->stamp,
		.now = f->now,
	};

	put.w1 = EBN_XDP_W1(EBN_XDP_F_PROVEN | (coarse ? EBN_XDP_F_COARSE : 0), f->stamp, coarse ? f->now >> 8 : f->now,
			    ask->service, f->row);
	ebn_xdp_conn_put(&put);
}

/* Is the backend an endpoint here, or about to be? Then the other hooks bring its packets to it. */
static __always_inline int ebn_xdp_is_here(const struct ebn_view *v, const struct ebn_xdp_flow *f)
{
	__u32 a[4];

	ebn_xdp_words(a, f->b0, f->b1);
	return ebn_addr_exact(v, a, ebn_addr_hash(a)) >> 32 ? 1 : 0;
}

static __always_inline bool ebn_xdp_allowed(const struct ebn_xdp_flow *f, const struct ebn_svc_ask *ask)
{
	struct ebn_svc_source_ask s = { .w0 = f->s0, .w1 = f->s1, .dir = f->dir, .sources = ask->sources };

	return !ask->sources || ebn_svc_source_ok(&s);
}

/* A flow that is not known, or to be chosen anew: GO, or a reason. */
static __always_inline int ebn_xdp_choose(const struct ebn_view *v, struct ebn_xdp_flow *f,
					 const struct ebn_svc_ask *ask)
{
	struct ebn_svc_pick pick = {};
	__u32 src[4], dst[4], hash;

	if (!ebn_xdp_allowed(f, ask))
		return EBN_R_SVC_SOURCE;
	if (ask->affinity && ebn_xdp_stays(v, f, ask))
		return EBN_XDP_GO;
	ebn_xdp_words(src, f->s0, f->s1);
	ebn_xdp_words(dst, f->d0, f->d1);
	if (ask->affinity)
		hash = ebn_svc_client_hash(ebn_addr_hash(src), ask->service);
	else if (ask->flags & EBN_SVC_F_RANDOM && !(f->flags & EBN_XDP_P_ERROR))
		hash = bpf_get_prandom_u32();
	else
		hash = ebn_svc_tuple_hash(src, bpf_ntohs((__u16)f->ports), dst, ask->port, f->proto);
	if (!ebn_svc_pick(v, ask->set_out, hash, &pick))
		return EBN_R_SVC_NO_BACKEND;
	f->row = pick.row;
	f->b0 = pick.w0;
	f->b1 = pick.w1;
	return EBN_XDP_GO;
}

/* A SYN of a connection whose backend was drawn by lot: again to the same, when it is sent again. */
static __always_inline bool ebn_xdp_again(const struct ebn_xdp_flow *f, const struct ebn_svc_ask *ask)
{
	return ask->flags & EBN_SVC_F_RANDOM && !(f->w1 & EBN_XDP_F_PROVEN) &&
	       ebn_xdp_age(f->w1, f->now) < EBN_XDP_SYN_TICKS;
}

static __always_inline void ebn_xdp_record(struct ebn_xdp_flow *f, __u64 flags)
{
	struct ebn_xdp_put put = { .hash = f->hash, .stamp = f->stamp, .now = f->now };

	f->w1 = EBN_XDP_W1(flags, f->stamp, f->now, f->service, f->row);
	put.w1 = f->w1;
	if (!ebn_xdp_conn_put(&put))
		ebn_xdp_counted(EBN_XDP_C_UNRECORDED);
}

/*
 * A packet whose flow has no entry, or one from before the last change of services, or that begins a connection: f->row and the
 * backend. GO, PASS when there is no such frontend, or a reason. A global function: once for both families and all callers.
 */
__attribute__((noinline)) int ebn_xdp_look(struct ebn_xdp_flow *f)
{
	struct ebn_svc_ask ask = {};
	struct ebn_xdp_svc_stat *s;
	struct ebn_view v;
	__u32 stamp;
	bool known;
	int rc;

	if (!f || ebn_view_at(&v, f->dir))
		return EBN_R_TABLES;
	ask.dir = f->dir;
	ask.w0 = f->d0;
	ask.w1 = f->d1;
	ask.port = bpf_ntohs((__u16)(f->ports >> 16));
	ask.proto = f->proto;
	if (!ebn_svc_find(&ask) || !(ask.flags & EBN_SVC_F_IPIP))
		return EBN_XDP_PASS;
	if (!f->w1 && !(f->flags & EBN_XDP_P_SILENT))
		ebn_xdp_conn_again(f, &stamp);
	known = f->w1 && EBN_XDP_SERVICE(f->w1) == (ask.service & 0xffff) &&
		(!(f->flags & EBN_XDP_P_SYN) || ebn_xdp_again(f, &ask)) &&
		ebn_xdp_member(&v, f, ask.set_out, EBN_XDP_ROW(f->w1));
	f->service = ask.service;
	s = ebn_xdp_svc_of(ask.service);
	if (known) {
		ebn_xdp_counted(EBN_XDP_C_CHECKED);
	} else {
		rc = ebn_xdp_choose(&v, f, &ask);
		if (rc != EBN_XDP_GO) {
			if (s)
				s->drops++;
			return rc;
		}
		f->w1 = 0;
	}
	/* an error says nothing about who is there */
	if (f->flags & EBN_XDP_P_ERROR)
		return EBN_XDP_GO;
	ebn_xdp_record(f, (ask.affinity ? EBN_XDP_F_CLIENT : 0) |
				  (known ? f->w1 & (EBN_XDP_F_PROVEN | EBN_XDP_F_LOCAL) :
					   ebn_xdp_is_here(&v, f) ? EBN_XDP_F_LOCAL : 0));
	if (!known && s)
		s->flows++;
	if (ask.affinity)
		ebn_xdp_remember_client(f, &ask);
	return EBN_XDP_GO;
}

#endif
