/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Direct server return by an option: a client outside, and a backend that is an endpoint of another node, which routes lead to. The
 * backend's node is told the frontend, and its answers go straight to the client.
 *
 *	ebn_svc_abroad -> ebn_svc_direct	to the backend, in the client's name; what begins a flow tells the frontend
 *	ebn_from_netdev -> ebn_svc_landed	there: the option out of the packet, and the entries of a flow to that frontend,
 *	  -> ebn_from_netdev			as if it had been chosen here
 *
 * Datagrams that come in fragments, and those that have no room for the option and are not to be refused, are carried like those of
 * other services: the backend sees this node, and the client its frontend either way.
 *
 * Nobody is believed who tells a frontend: this node has to have it, served so, with the packet's destination among its backends.
 * TCP's later packets go without; a backend's node that has forgotten the flow takes them for
 * what they are, packets to the backend itself.
 *
 * The option comes first, so that it is found, and taken out, at a fixed place.
 */
#ifndef EBN_LIB_SERVICE_DIRECT_H
#define EBN_LIB_SERVICE_DIRECT_H

#include "lib/icmp_error.h"
#include "lib/leave.h"
#include "lib/parse.h"
#include "lib/service_carry.h"
#include "lib/service_count.h"
#include "lib/service_tc.h"
#include "lib/stage.h"

#define EBN_DIRECT4_IHL 2u	/* words that the option takes */
#define EBN_IP4_IHL_MAX 15u

struct ebn_direct4 {
	__u8 type, len;		/* 8 */
	__u16 port;		/* of the frontend, as on the wire */
	__u32 addr;
};
EBN_ASSERT(sizeof(struct ebn_direct4) == 8, "the option in IPv4");

struct ebn_direct6 {
	__u8 next, words;	/* of the header: 24 bytes */
	__u8 type, len;		/* 18 */
	__u16 port;
	__u16 addr[8];
	__u8 pad[2];		/* PadN of two */
};
EBN_ASSERT(sizeof(struct ebn_direct6) == 24, "the header with the option in IPv6");

static __always_inline __u32 ebn_direct_len(const bool v6)
{
	return v6 ? sizeof(struct ebn_direct6) : sizeof(struct ebn_direct4);
}

/* Segments of a datagram that is to be cut are as long as before. */
static __always_inline __u64 ebn_direct_flags(const struct __sk_buff *skb)
{
	return skb->gso_size ? BPF_F_ADJ_ROOM_FIXED_GSO : 0;
}

static __always_inline bool ebn_direct_flagged(__u32 flags, __u8 proto)
{
	return (proto == EBN_PROTO_TCP && flags & EBN_SVC_F_DIRECT_TCP) ||
	       (proto == EBN_PROTO_UDP && flags & EBN_SVC_F_DIRECT_UDP);
}

/** Has the frontend in run->w.from this forwarding, and may this packet go so? A call, for the verifier. */
__attribute__((noinline)) int ebn_svc_is_direct(void)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_svc_ask *ask;
	struct ebn_view v;

	if (!run || (run->p.frag && run->p.proto == EBN_PROTO_UDP) || ebn_view_open(&v))
		return 0;
	ask = &run->ask;
	ask->dir = v.dir;
	ask->w0 = ebn_svc_word(run->w.from, 0);
	ask->w1 = ebn_svc_word(run->w.from, 1);
	ask->port = bpf_ntohs(run->w.from_port);
	ask->proto = run->p.proto;
	ask->nodes_only = 0;
	return ebn_svc_find(ask) && ebn_direct_flagged(ask->flags, ask->proto);
}

/* ---- there ---- */

/* Does the packet tell the frontend? What may begin a flow does. */
static __always_inline bool ebn_direct_tells(const struct ebn_pkt *p)
{
	if (p->evf & EBN_EVF_RELATED || p->frag == EBN_FRAG_LATER)
		return false;
	return p->proto == EBN_PROTO_UDP || ebn_tcp_is_syn(p);
}

/*
 * The answers are not seen here, so a flow's entry says what its client does, and never that the flow is one that others have to
 * make room for.
 */
static __always_inline void ebn_direct_state(const struct ebn_pkt *p, __u32 *state)
{
	__u32 flags = 0;

	ebn_carry_state(p, false, state, &flags);
	if (p->proto == EBN_PROTO_TCP && *state == EBN_FS_HALF_OPEN && !(p->tcp_flags & EBN_TCP_SYN))
		*state = EBN_FS_REPLIED;
	else if (*state == EBN_FS_ESTABLISHED)
		*state = EBN_FS_REPLIED;
}

/* The checksum of a header whose words change. */
static __always_inline __u16 ebn_direct_sum(__u16 check, __u32 *from, __u32 from_len, __u32 *to, __u32 to_len)
{
	return (__u16)~ebn_fold((__u32)bpf_csum_diff(from, from_len, to, to_len, (__u16)~check));
}

static __always_inline enum ebn_reason ebn_direct4_put(struct __sk_buff *skb, const struct ebn_run *run)
{
	struct ebn_ip4 *ip = ebn_data(skb) + EBN_ETH_LEN;
	struct ebn_direct4 opt = { .type = EBN_DIRECT4_TYPE, .len = sizeof(opt) };
	__u32 from, to[3];

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	if ((ip->version_ihl & 15) + EBN_DIRECT4_IHL > EBN_IP4_IHL_MAX || !ip->len)
		return EBN_R_TOO_BIG;
	if (bpf_skb_adjust_room(skb, sizeof(opt), BPF_ADJ_ROOM_NET, ebn_direct_flags(skb)))
		return EBN_R_WRITE;
	opt.port = run->w.from_port;
	opt.addr = run->w.from[3];
	ip = ebn_data(skb) + EBN_ETH_LEN;
	if ((void *)(ip + 1) + sizeof(opt) > ebn_data_end(skb))
		return EBN_R_WRITE;
	from = *(__u32 *)ip;
	ip->version_ihl += EBN_DIRECT4_IHL;
	ip->len = bpf_htons((__u16)(bpf_ntohs(ip->len) + sizeof(opt)));
	to[0] = *(__u32 *)ip;
	__builtin_memcpy(&to[1], &opt, sizeof(opt));
	__builtin_memcpy(ip + 1, &opt, sizeof(opt));
	ip->check = ebn_direct_sum(ip->check, &from, sizeof(from), to, sizeof(to));
	return EBN_R_NONE;
}

static __always_inline enum ebn_reason ebn_direct6_put(struct __sk_buff *skb, const struct ebn_run *run)
{
	struct ebn_ip6 *ip = ebn_data(skb) + EBN_ETH_LEN;
	struct ebn_direct6 opt = { .words = sizeof(opt) / 8 - 1, .type = EBN_DIRECT6_TYPE, .len = 18, .pad = { 1, 0 } };
	struct {
		__u16 len;
		__u8 next, ttl;
	} head;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	/* the hop-by-hop header has to be the first one */
	if (ip->next == EBN_PROTO_HOPOPTS || !ip->len)
		return EBN_R_EXT_HEADER;
	opt.next = ip->next;
	opt.port = run->w.from_port;
	__builtin_memcpy(opt.addr, run->w.from, sizeof(opt.addr));
	head.len = bpf_htons((__u16)(bpf_ntohs(ip->len) + sizeof(opt)));
	head.next = EBN_PROTO_DSTOPTS;
	head.ttl = ip->ttl;
	if (bpf_skb_adjust_room(skb, sizeof(opt), BPF_ADJ_ROOM_NET, ebn_direct_flags(skb)) ||
	    bpf_skb_store_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_ip6, len), &head, sizeof(head),
				BPF_F_RECOMPUTE_CSUM) ||
	    bpf_skb_store_bytes(skb, EBN_ETH_LEN + sizeof(*ip), &opt, sizeof(opt), BPF_F_RECOMPUTE_CSUM))
		return EBN_R_WRITE;
	return EBN_R_NONE;
}

/* Larger than the device takes, with the option? Then run->mtu is what is left for the packet. */
static __always_inline bool ebn_direct_too_big(struct __sk_buff *skb, struct ebn_run *run, __u32 ifindex, __u32 room)
{
	const struct ebn_pkt *p = &run->p;
	__u32 mtu = 0, size = p->len;

	if (skb->gso_size)
		size = p->l4_off - EBN_ETH_LEN + 8 + skb->gso_size;
	if (bpf_check_mtu(skb, ifindex, &mtu, 0, BPF_MTU_CHK_SEGS) <= 0 && (!room || size + room <= mtu))
		return false;
	run->mtu = mtu - room;
	return true;
}

/* run->p is the packet to the backend, run->w and run->nat are as ebn_svc_to_backend() left them. */
static __always_inline int ebn_svc_direct_go(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	__u32 room = ebn_direct_tells(p) ? ebn_direct_len(v6) : 0, state;
	int ifindex, rc;

	ifindex = ebn_leave_by(skb, p, (struct ebn_address *)p->src);
	if (ifindex <= 0)
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	if (ebn_direct_too_big(skb, run, (__u32)ifindex, room)) {
		if (ebn_icmp_too_big_told(skb, p))
			return ebn_svc_abroad_too_big(skb, run, v6);
		if (p->proto == EBN_PROTO_UDP) {
			run->svc.carry = 1;
			bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_ABROAD);
		}
		return ebn_drop_for(p, EBN_R_TOO_BIG);
	}
	ebn_svc_passed(0);
	if (!(p->evf & EBN_EVF_RELATED)) {
		state = EBN_CTL_STATE(run->nat.ctl);
		ebn_direct_state(p, &state);
		run->r.ctl = EBN_CTL(0, state, 0, 0);
		p->svc = EBN_SVC_DONE;
		ebn_svc_beside(run, v6);
	}
	if (room) {
		rc = v6 ? ebn_direct6_put(skb, run) : ebn_direct4_put(skb, run);
		if (rc)
			return ebn_drop_for(p, rc);
	}
	if (!ebn_leave_hop(skb, v6))
		return ebn_drop_for(p, EBN_R_WRITE);
	return (int)bpf_redirect_neigh((__u32)ifindex, 0, 0, 0);
}

/* ---- here ---- */

/* Out of the packet, which was parsed as far as this: 0, the frontend is in run->w.from; or the reason for a drop. */
static __always_inline int ebn_direct4_take(struct __sk_buff *skb, struct ebn_run *run)
{
	struct ebn_ip4 *ip = ebn_data(skb) + EBN_ETH_LEN;
	struct ebn_direct4 opt;
	__u32 from[3], to;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	if ((ip->version_ihl & 15) < 5 + EBN_DIRECT4_IHL || !ip->len ||
	    bpf_skb_load_bytes(skb, EBN_ETH_LEN + sizeof(*ip), &opt, sizeof(opt)) || opt.type != EBN_DIRECT4_TYPE ||
	    opt.len != sizeof(opt))
		return EBN_R_SVC_OPTION;
	if (bpf_skb_adjust_room(skb, -(int)sizeof(opt), BPF_ADJ_ROOM_NET, ebn_direct_flags(skb)))
		return EBN_R_WRITE;
	ip = ebn_data(skb) + EBN_ETH_LEN;
	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	from[0] = *(__u32 *)ip;
	__builtin_memcpy(&from[1], &opt, sizeof(opt));
	ip->version_ihl -= EBN_DIRECT4_IHL;
	ip->len = bpf_htons((__u16)(bpf_ntohs(ip->len) - sizeof(opt)));
	to = *(__u32 *)ip;
	ip->check = ebn_direct_sum(ip->check, from, sizeof(from), &to, sizeof(to));
	run->w.from[0] = run->w.from[1] = 0;
	run->w.from[2] = EBN_MAPPED;
	run->w.from[3] = opt.addr;
	run->w.from_port = opt.port;
	return 0;
}

static __always_inline int ebn_direct6_take(struct __sk_buff *skb, struct ebn_run *run)
{
	struct ebn_ip6 *ip = ebn_data(skb) + EBN_ETH_LEN;
	struct ebn_direct6 opt;
	struct {
		__u16 len;
		__u8 next, ttl;
	} head;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return EBN_R_TRUNCATED;
	if (bpf_ntohs(ip->len) < sizeof(opt) || bpf_skb_load_bytes(skb, EBN_ETH_LEN + sizeof(*ip), &opt, sizeof(opt)) ||
	    opt.type != EBN_DIRECT6_TYPE || opt.len != 18 || opt.words != sizeof(opt) / 8 - 1)
		return EBN_R_SVC_OPTION;
	head.len = bpf_htons((__u16)(bpf_ntohs(ip->len) - sizeof(opt)));
	head.next = opt.next;
	head.ttl = ip->ttl;
	__builtin_memcpy(run->w.from, opt.addr, sizeof(opt.addr));
	run->w.from_port = opt.port;
	if (bpf_skb_adjust_room(skb, -(int)sizeof(opt), BPF_ADJ_ROOM_NET, ebn_direct_flags(skb)) ||
	    bpf_skb_store_bytes(skb, EBN_ETH_LEN + __builtin_offsetof(struct ebn_ip6, len), &head, sizeof(head),
				BPF_F_RECOMPUTE_CSUM))
		return EBN_R_WRITE;
	return 0;
}

/* A look for the backend that the packet is sent to, among those of the set. */
struct ebn_direct_look {
	__u64 w0, w1;
	__u32 dir;
	__u32 base;		/* offset of the first member */
	__u32 row;		/* found: + 1 */
	__u16 port;		/* network order */
	__u16 asked;		/* the frontend's, which a backend without a port has */
};

static long ebn_direct_step(__u32 i, struct ebn_direct_look *look)
{
	struct ebn_svc_pick pick = {};
	struct ebn_view v;

	if (ebn_view_at(&v, look->dir) || !ebn_svc_backend_row(&v, ebn_node_u32(&v, look->base + 4 * i), &pick) ||
	    pick.w0 != look->w0 || pick.w1 != look->w1 || (pick.port ? pick.port : look->asked) != look->port)
		return 0;
	look->row = pick.row + 1;
	return 1;
}

/** The row of the backend in run->w.to among those of run->ask's set, + 1; 0: it is none of them. */
__attribute__((noinline)) __u32 ebn_svc_direct_row(void)
{
	struct ebn_direct_look look = {};
	struct ebn_run *run = ebn_run_get();
	struct ebn_view v;
	__u32 set, n;

	if (!run || ebn_view_at(&v, run->ask.dir))
		return 0;
	set = run->ask.set;
	if (!set)
		return 0;
	n = ebn_node_u32(&v, set + __builtin_offsetof(struct ebn_svc_set, members));
	if (n > EBN_SVC_DIRECT_MEMBERS)
		n = EBN_SVC_DIRECT_MEMBERS;
	look.w0 = ebn_svc_word(run->w.to, 0);
	look.w1 = ebn_svc_word(run->w.to, 1);
	look.port = run->w.to_port;
	look.asked = run->w.from_port;
	look.dir = run->ask.dir;
	look.base = set + sizeof(struct ebn_svc_set);
	bpf_loop(n, ebn_direct_step, &look, 0);
	return look.row;
}

/* The entries of a flow to the frontend in p's destination, at the backend in run->w.to. 0, or the reason for a drop. */
static __always_inline int ebn_direct_flow(struct ebn_run *run, const bool v6)
{
	__u64 w0 = ebn_svc_word(run->w.to, 0), w1 = ebn_svc_word(run->w.to, 1);
	struct ebn_view v;
	__u32 row;
	int rc;

	if (v6 ? ebn_svc6_entry(0) : ebn_svc4_entry(0)) {
		if (run->svc.w0 == w0 && run->svc.w1 == w1 && run->svc.port == run->w.to_port)
			return 0;
		/* who chose has chosen again */
		if (!ebn_flow_kill(v6, &run->nat))
			return EBN_R_FLOW_BUSY;
		ebn_active_flow(run->svc.row, -1);
	}
	row = ebn_svc_direct_row();
	if (!row || ebn_view_at(&v, run->ask.dir))
		return EBN_R_SVC_OPTION;
	run->svc.w0 = w0;
	run->svc.w1 = w1;
	run->svc.port = run->w.to_port;
	run->svc.row = row - 1;
	run->svc.service = (__u16)run->ask.service;
	run->svc.serial = ebn_svc_serial(&v, run->ask.set);
	rc = ebn_svc_settle(run, v6);
	return rc == EBN_SVC_OK ? 0 : rc - EBN_SVC_OK;
}

/* Of a packet that tells a frontend: to ebn_from_netdev again, as one of a flow to it. */
static __always_inline int ebn_svc_landed_go(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;
	/* several are one too many */
	int rc = p->svc ? EBN_R_SVC_OPTION : v6 ? ebn_direct6_take(skb, run) : ebn_direct4_take(skb, run);

	if (rc)
		return ebn_drop_for(p, rc);
	p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 1);
	if (!p)
		return TC_ACT_SHOT;
	rc = ebn_parse(skb, p, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	if (!ebn_direct_tells(p))
		return ebn_drop_for(p, EBN_R_SVC_OPTION);
	__builtin_memcpy(run->w.to, p->dst, sizeof(run->w.to));
	run->w.to_port = p->dport;
	__builtin_memcpy(p->dst, run->w.from, sizeof(p->dst));
	p->dport = run->w.from_port;
	if (!ebn_endpoint_row((struct ebn_address *)run->w.to) || !ebn_svc_is_direct())
		return ebn_drop_for(p, EBN_R_SVC_OPTION);
	run->ask.set = run->ask.set_out;
	if (!ebn_svc_allowed(run))
		return ebn_drop_for(p, EBN_R_SVC_SOURCE);
	run->svc.begun = 0;
	rc = ebn_direct_flow(run, v6);
	if (rc)
		return ebn_drop_for(p, rc);
	ebn_svc_keep(run, true);
	bpf_tail_call(skb, &ebn_stage, EBN_GO_FROM_NETDEV);
	run->svc.state = EBN_SVC_NEW;
	return ebn_drop_for(p, EBN_R_TABLES);
}

#endif
