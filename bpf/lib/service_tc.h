/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services for packets: of endpoints whose sockets nobody asked (ebn_sock.bpf.c), one by one. An address that is a VIP leaves
 * the endpoint's program, which is full, for one of these; they share its memory of the packet (run.h).
 *
 *	ebn_from_ep -> ebn_svc_out	the frontend's address becomes the backend's, and ebn_from_ep begins again: from there on
 *					the packet is one to the backend, for policy, masquerade and all others
 *	(the verdict) -> ebn_svc_back	an answer to a client on this node: the backend's address becomes the frontend's again,
 *					on the last way to the client
 *
 * Which backend is asked for the first packet alone. A flow keeps it as long as it lives; of UDP, while it is in the service.
 */
#ifndef EBN_LIB_SERVICE_TC_H
#define EBN_LIB_SERVICE_TC_H

#include "lib/active.h"
#include "lib/frag.h"
#include "lib/icmp.h"
#include "lib/nat.h"
#include "lib/rewrite.h"
#include "lib/service.h"
#include "lib/service_flow.h"

#define EBN_SVC_TRIES 3		/* backends, when the client's port is in use at one */
#define EBN_SVC_NOT 0		/* not a service's */
#define EBN_SVC_OK 1		/* run->svc is the backend; more: the reason for a drop, and this */
#define EBN_SVC_SELF (-1)	/* translated, and to the endpoint that it came from */

/*
 * What a client that is its own backend is called on the backend's side: a host takes no packet from itself. 169.254.96.1,
 * fd65:626e:7376::1; no endpoint has them.
 */
#define EBN_SVC_SELF4 bpf_htonl(0xa9fe6001)
#define EBN_SVC_SELF6_0 bpf_htonl(0xfd65626e)
#define EBN_SVC_SELF6_1 bpf_htonl(0x73760000)

#define EBN_SVC_SELF4_W1 (EBN_MAPPED | (__u64)EBN_SVC_SELF4 << 32)
#define EBN_SVC_SELF6_W0 (EBN_SVC_SELF6_0 | (__u64)EBN_SVC_SELF6_1 << 32)
#define EBN_SVC_SELF6_W1 ((__u64)bpf_htonl(1) << 32)

static __always_inline bool ebn_svc_is_self(const __u32 *addr, const bool v6)
{
	if (!v6)
		return addr[3] == EBN_SVC_SELF4;
	return addr[0] == EBN_SVC_SELF6_0 && addr[1] == EBN_SVC_SELF6_1 && !addr[2] && addr[3] == bpf_htonl(1);
}

static __always_inline void ebn_svc_self(__u32 *addr, const bool v6)
{
	addr[0] = v6 ? EBN_SVC_SELF6_0 : 0;
	addr[1] = v6 ? EBN_SVC_SELF6_1 : 0;
	addr[2] = v6 ? 0 : EBN_MAPPED;
	addr[3] = v6 ? bpf_htonl(1) : EBN_SVC_SELF4;
}

/* A client's backend while its affinity lasts. Forgotten: the client's hash says the same as long as the backends stay. */
struct ebn_svc_client {
	__u32 addr[4];
	__u32 service;
	__u32 reserved;
};
struct ebn_svc_stays {
	__u64 w0, w1;
	__u32 row;
	__u32 seen;		/* in seconds */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct ebn_svc_client);
	__type(value, struct ebn_svc_stays);
} ebn_svc_aff SEC(".maps");

/* ---- is the address a VIP, or a client's that is its own backend? ---- */

__attribute__((noinline)) int ebn_svc_vip_at(struct ebn_address *addr)
{
	struct ebn_svc_step k = {};
	struct ebn_slot heads;
	struct ebn_view v;
	__u64 plens, w0, w1;
	__u32 i;

	if (!addr || ebn_view_open(&v))
		return 0;
	k.dir = v.dir;
	w0 = ebn_svc_word(addr->a, 0);
	w1 = ebn_svc_word(addr->a, 1);
	if (ebn_svc_is_self(addr->a, w0 != 0))
		return 1;
	if (ebn_svc_vip(&k, w0, w1, 128))
		return 1;
	heads = ebn_view_slot(&v, EBN_P_SVC_HASH);
	plens = ebn_node_u64(&v, heads.off);
	for (i = 0; i < EBN_SVC_PLENS; i++, plens >>= 8) {
		__u32 plen = plens & 0x7f;

		if (!(plens & 0xff))
			return 0;
		if (ebn_svc_vip(&k, plen < 64 ? w0 & ebn_svc_mask64(plen) : w0,
				plen > 64 ? w1 & ebn_svc_mask64(plen - 64) : 0, plen))
			return 1;
	}
	return 0;
}

/** Has the packet to be shown to ebn_svc_out? Most addresses' heads say no. */
static __always_inline bool ebn_svc_wanted(const struct ebn_view *v, struct ebn_pkt *p, const bool v6)
{
	__u64 w0 = v6 ? ebn_svc_word(p->dst, 0) : 0;
	__u64 w1 = v6 ? ebn_svc_word(p->dst, 1) : EBN_MAPPED | (__u64)p->dst[3] << 32;

	__u64 self = v6 ? (w0 ^ EBN_SVC_SELF6_W0) | (w1 ^ EBN_SVC_SELF6_W1) : w1 ^ EBN_SVC_SELF4_W1;

	/* verifier: one comparison */
	asm volatile("" : "+r"(self));
	if (p->svc || (self && !ebn_svc_maybe(v, w0, w1)))
		return false;
	return ebn_svc_vip_at((struct ebn_address *)p->dst);
}

/** Could it be a VIP? By its head alone; a call, for the verifier. */
__attribute__((noinline)) int ebn_svc_maybe_at(struct ebn_address *addr)
{
	struct ebn_view v;

	if (!addr || ebn_view_open(&v))
		return 0;
	return ebn_svc_maybe(&v, ebn_svc_word(addr->a, 0), ebn_svc_word(addr->a, 1));
}

/* ---- which backend ---- */

static __always_inline bool ebn_svc_member(const struct ebn_view *v, __u32 set, __u32 row, __u64 w0, __u64 w1,
					   struct ebn_svc_pick *pick)
{
	struct ebn_svc_member_ask m = { .dir = v->dir, .set = set, .row = row };

	/* the row may be another backend's by now */
	return ebn_svc_is_member(&m) && ebn_svc_backend_row(v, row, pick) && pick->w0 == w0 && pick->w1 == w1;
}

/* The backend that a client has, while its affinity lasts. */
static __always_inline bool ebn_svc_stays(const struct ebn_view *v, const struct ebn_svc_ask *ask,
					  const struct ebn_svc_client *key, struct ebn_svc_pick *pick)
{
	struct ebn_svc_stays *is = bpf_map_lookup_elem(&ebn_svc_aff, key);
	__u32 now = (__u32)(bpf_ktime_get_ns() / 1000000000);

	if (!is || now - EBN_READ(is->seen) > ask->affinity ||
	    !ebn_svc_member(v, ask->set, is->row, is->w0, is->w1, pick))
		return false;
	EBN_WRITE(is->seen, now);
	return true;
}

static __always_inline void ebn_svc_stay(const struct ebn_svc_client *key, const struct ebn_svc_pick *pick)
{
	struct ebn_svc_stays new = { .w0 = pick->w0, .w1 = pick->w1, .row = pick->row,
				     .seen = (__u32)(bpf_ktime_get_ns() / 1000000000) };

	bpf_map_update_elem(&ebn_svc_aff, key, &new, BPF_ANY);
}

/* Frontend of the packet's destination into run->ask; 0: none. */
static __always_inline int ebn_svc_front(struct ebn_run *run)
{
	struct ebn_svc_ask *ask = &run->ask;
	const struct ebn_pkt *p = &run->p;
	struct ebn_view v;

	if (ebn_view_open(&v))
		return 0;
	ask->dir = v.dir;
	ask->w0 = ebn_svc_word(p->dst, 0);
	ask->w1 = ebn_svc_word(p->dst, 1);
	ask->port = bpf_ntohs(p->dport);
	ask->proto = p->proto;
	ask->nodes_only = 0;
	if (!ebn_svc_find(ask))
		return 0;
	if (p->point == EBN_AT_FROM_ENDPOINT)
		return 1;
	/* a client outside */
	ask->set = ask->set_out;
	return ask->flags & EBN_SVC_F_OUTSIDE ||
	       (ask->flags & EBN_SVC_F_ANYWHERE && ebn_ct_switches() & EBN_NODE_F_SOURCE);
}

/* One of the protocols that frontends are of. Verifier: one branch. */
static __always_inline bool ebn_svc_proto(__u32 proto)
{
	__u32 no = proto ^ EBN_PROTO_TCP;

	no *= proto ^ EBN_PROTO_UDP;
	no *= proto ^ EBN_PROTO_SCTP;
	asm volatile("" : "+r"(no));
	return !no;
}

/* Do run->ask's source ranges allow the packet's source? */
static __always_inline bool ebn_svc_allowed(const struct ebn_run *run)
{
	struct ebn_svc_source_ask s = {};

	if (!run->ask.sources)
		return true;
	s.w0 = ebn_svc_word(run->p.src, 0);
	s.w1 = ebn_svc_word(run->p.src, 1);
	s.dir = run->ask.dir;
	s.sources = run->ask.sources;
	return ebn_svc_source_ok(&s);
}

/** Is the destination a frontend that the packet may begin a flow to? EBN_SVC_NOT, OK, or OK and a reason. */
__attribute__((noinline)) int ebn_svc_may(struct ebn_pkt *p)
{
	struct ebn_run *run = ebn_run_get();

	if (!run || !p)
		return EBN_SVC_OK + EBN_R_TABLES;
	if (!ebn_svc_proto(p->proto) || p->frag == EBN_FRAG_LATER || p->evf & EBN_EVF_RELATED || !ebn_svc_front(run))
		return EBN_SVC_NOT;
	return ebn_svc_allowed(run) ? EBN_SVC_OK : EBN_SVC_OK + EBN_R_SVC_SOURCE;
}

/** A backend for the packet into run->svc, another one with each try: OK, or OK and a reason. */
__attribute__((noinline)) int ebn_svc_choose(__u32 try)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_svc_client key = {};
	struct ebn_svc_pick pick = {};
	struct ebn_svc_ask *ask;
	struct ebn_view v;
	struct ebn_pkt *p;
	__u32 hash;
	bool stays;

	if (!run)
		return EBN_SVC_OK + EBN_R_TABLES;
	ask = &run->ask;
	p = &run->p;
	if (ebn_view_at(&v, ask->dir))
		return EBN_SVC_OK + EBN_R_TABLES;
	__builtin_memcpy(key.addr, p->src, sizeof(key.addr));
	key.service = ask->service;
	stays = !try && ask->affinity;
	if (!stays || !ebn_svc_stays(&v, ask, &key, &pick)) {
		hash = ebn_svc_tuple_hash(p->src, bpf_ntohs(p->sport), p->dst, ask->port, ask->proto);
		hash += try * 0x9e3779b1u;
		/* so that it is the same again when the map has forgotten it */
		if (stays)
			hash = ebn_svc_client_hash(ebn_addr_hash(p->src), ask->service);
		else if (ask->flags & EBN_SVC_F_RANDOM)
			hash = bpf_get_prandom_u32();
		if (!ebn_svc_draw(&v, ask, hash, &pick))
			return EBN_SVC_OK + EBN_R_SVC_NO_BACKEND;
		if (stays)
			ebn_svc_stay(&key, &pick);
	}
	run->svc.w0 = pick.w0;
	run->svc.w1 = pick.w1;
	run->svc.port = pick.port ? pick.port : p->dport;
	run->svc.row = pick.row;
	run->svc.service = (__u16)ask->service;
	run->svc.serial = ebn_svc_serial(&v, ask->set);
	return EBN_SVC_OK;
}

/* The chosen backend takes the frontend's place in the tuple, while its entry is looked up; and back. */
static __always_inline void ebn_svc_behind(struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;

	__builtin_memcpy(run->w.from, p->dst, sizeof(p->dst));
	run->w.from_port = p->dport;
	ebn_svc_addr(p->dst, run->svc.w0, run->svc.w1);
	p->dport = run->svc.port;
	if (ebn_addr_eq6(p->dst, p->src))
		ebn_svc_self(p->src, v6);
	run->svc.w0 = ebn_svc_word(run->w.from, 0);
	run->svc.w1 = ebn_svc_word(run->w.from, 1);
	run->svc.port = run->w.from_port;
}

static __always_inline void ebn_svc_before(struct ebn_run *run, const bool v6)
{
	struct ebn_pkt *p = &run->p;

	if (ebn_svc_is_self(p->src, v6))
		__builtin_memcpy(p->src, p->dst, sizeof(p->src));
	run->svc.w0 = ebn_svc_word(p->dst, 0);
	run->svc.w1 = ebn_svc_word(p->dst, 1);
	run->svc.port = p->dport;
	__builtin_memcpy(p->dst, run->w.from, sizeof(p->dst));
	p->dport = run->w.from_port;
}

/* The entry of the backend in p's destination, which is to say the frontend in run->svc: OK, or OK and a reason. */
static __always_inline int ebn_svc_answers(struct ebn_run *run, const bool v6)
{
	__u64 w0 = run->svc.w0, w1 = run->svc.w1;
	__u16 port = run->svc.port;
	int rc;

	if (v6 ? ebn_svc6_entry(EBN_KEY_BACK) : ebn_svc4_entry(EBN_KEY_BACK)) {
		if (run->svc.w0 == w0 && run->svc.w1 == w1 && run->svc.port == port)
			return EBN_SVC_OK;
		if (!ebn_nat_expired(&run->nat, run->p.proto) || !ebn_flow_kill(v6, &run->nat))
			return EBN_SVC_OK + EBN_R_SVC_PORT;
		run->svc.w0 = w0;
		run->svc.w1 = w1;
		run->svc.port = port;
		run->svc.service = (__u16)run->ask.service;
	}
	rc = v6 ? ebn_svc6_put(EBN_FS_HALF_OPEN) : ebn_svc4_put(EBN_FS_HALF_OPEN);
	if (rc == EBN_FLOW_INSERTED)
		return EBN_SVC_OK;
	return EBN_SVC_OK + (rc == EBN_FLOW_FULL ? ebn_flow_refusal(&run->nat) : EBN_R_SVC_PORT);
}

/* The backend's entry of the choice in run->svc; run->svc stays. OK, or OK and a reason. */
static __always_inline int ebn_svc_answers_for(struct ebn_run *run, const bool v6)
{
	int rc;

	ebn_svc_behind(run, v6);
	rc = ebn_svc_answers(run, v6);
	ebn_svc_before(run, v6);
	return rc;
}

/* The frontend's entry, of a choice whose backend's entry stands. OK, or OK and a reason. */
static __always_inline int ebn_svc_front_entry(struct ebn_run *run, __u32 row, __u32 serial, const bool v6)
{
	__u64 w0 = run->svc.w0, w1 = run->svc.w1;
	__u16 port = run->svc.port;
	int rc;

	/* another CPU may have been faster: then its choice holds */
	if (v6 ? ebn_svc6_entry(0) : ebn_svc4_entry(0))
		return EBN_SVC_OK;
	run->svc.w0 = w0;
	run->svc.w1 = w1;
	run->svc.port = port;
	run->svc.row = row;
	run->svc.serial = serial;
	run->svc.service = (__u16)run->ask.service;
	run->svc.begun = 1;
	rc = v6 ? ebn_svc6_put(EBN_FS_HALF_OPEN) : ebn_svc4_put(EBN_FS_HALF_OPEN);
	if (rc == EBN_FLOW_INSERTED)
		return EBN_SVC_OK;
	return EBN_SVC_OK + (rc == EBN_FLOW_FULL ? ebn_flow_refusal(&run->nat) : EBN_R_FLOW_BUSY);
}

/* Both entries of the backend in run->svc, which nobody here has chosen. OK, or OK and a reason. */
static __always_inline int ebn_svc_settle(struct ebn_run *run, const bool v6)
{
	__u32 serial = run->svc.serial, row = run->svc.row;
	int rc = ebn_svc_answers_for(run, v6);

	return rc == EBN_SVC_OK ? ebn_svc_front_entry(run, row, serial, v6) : rc;
}

/*
 * A flow that is not known: its backend, and the entries that say so. Verifier: all the calls are from here, on top of each
 * other they would be more than eight.
 */
static __always_inline int ebn_svc_begin(struct ebn_run *run, const bool v6)
{
	__u32 serial, row, i;
	int rc = ebn_svc_may(&run->p);

	if (rc != EBN_SVC_OK)
		return rc;
#pragma clang loop unroll(disable)
	for (i = 0; i < EBN_SVC_TRIES; i++) {
		rc = ebn_svc_choose(i);
		if (rc != EBN_SVC_OK)
			return rc;
		serial = run->svc.serial;
		row = run->svc.row;
		rc = ebn_svc_answers_for(run, v6);
		if (rc != EBN_SVC_OK + EBN_R_SVC_PORT)
			break;
	}
	return rc == EBN_SVC_OK ? ebn_svc_front_entry(run, row, serial, v6) : rc;
}

/* Of UDP, now and then: is the backend still in the service? 0: the flow begins anew. */
static __always_inline int ebn_svc_holds(const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_svc_pick pick = {};
	struct ebn_view v;

	if (!run || run->nat.seen == run->nat.now || run->p.proto != EBN_PROTO_UDP || run->p.evf & EBN_EVF_RELATED)
		return 1;
	if (ebn_svc_front(run) && !ebn_view_at(&v, run->ask.dir) &&
	    (ebn_svc_serial(&v, run->ask.set) == run->svc.serial ||
	     ebn_svc_member(&v, run->ask.set, run->svc.row, run->svc.w0, run->svc.w1, &pick)))
		return 1;
	if (ebn_flow_kill(v6, &run->nat))
		ebn_active_flow(run->svc.row, -1);
	return 0;
}

__attribute__((noinline)) int ebn_svc4_holds(void)
{
	return ebn_svc_holds(false);
}

__attribute__((noinline)) int ebn_svc6_holds(void)
{
	return ebn_svc_holds(true);
}

/* ---- the packet ---- */

/* The tuple of the packet's flow: of a later fragment the first one's, of an error what it quotes. */
static __always_inline enum ebn_reason ebn_svc_tuple(struct __sk_buff *skb, struct ebn_pkt *p, const bool v6)
{
	if (p->frag == EBN_FRAG_LATER)
		return ebn_frag_later(p);
	if (ebn_is_icmp_error(p, v6))
		return v6 ? ebn_icmp6_inner(skb, p) : ebn_icmp4_inner(skb, p);
	return EBN_R_NONE;
}

/* There is no flow beside the entries of a client that is its own backend: what they are is by its packets alone. */
static __always_inline void ebn_svc_self_seen(struct ebn_run *run, const bool v6)
{
	__u32 is = EBN_CTL_STATE(run->nat.ctl), state = EBN_FS_REPLIED;
	const struct ebn_pkt *p = &run->p;

	if (p->evf & EBN_EVF_RELATED)
		return;
	/* of SCTP what its first chunk is like */
	if ((p->proto == EBN_PROTO_TCP || p->proto == EBN_PROTO_SCTP) && p->frag != EBN_FRAG_LATER) {
		if (p->tcp_flags & EBN_TCP_RST)
			state = EBN_FS_CLOSING;
		else if (p->tcp_flags & EBN_TCP_SYN)
			state = EBN_FS_HALF_OPEN;
		else if (p->tcp_flags & EBN_TCP_FIN || is == EBN_FS_HALF_CLOSED)
			state = EBN_FS_HALF_CLOSED;
		else
			state = EBN_FS_ESTABLISHED;
	}
	run->r.ctl = EBN_CTL(0, state, 0, 0);
	ebn_svc_follow(run, v6);
}

/* Both ends, to run->svc and to what the other end is called: the destination first, an error is known by it. */
static __always_inline int ebn_svc_both(struct __sk_buff *skb, __u32 answer, const bool v6)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_rewrite *w;
	struct ebn_pkt *p;
	int rc;

	if (!run)
		return EBN_SVC_OK + EBN_R_TABLES;
	w = &run->w;
	p = &run->p;
	ebn_svc_self_seen(run, v6);
	__builtin_memcpy(w->from, p->dst, sizeof(w->from));
	w->from_port = p->dport;
	/* the destination is the endpoint itself either way, at the backend's port or at the client's */
	__builtin_memcpy(w->to, p->src, sizeof(w->to));
	w->to_port = answer ? p->dport : run->svc.port;
	rc = v6 ? ebn_rewrite6(skb, p, w, 1) : ebn_rewrite4(skb, p, w, 1);
	if (rc)
		return EBN_SVC_OK + rc;
	__builtin_memcpy(w->from, p->src, sizeof(w->from));
	w->from_port = w->to_port = p->sport;
	if (answer) {
		ebn_svc_addr(w->to, run->svc.w0, run->svc.w1);
		w->to_port = run->svc.port;
	} else {
		ebn_svc_self(w->to, v6);
	}
	rc = v6 ? ebn_rewrite6(skb, p, w, 0) : ebn_rewrite4(skb, p, w, 0);
	return rc ? EBN_SVC_OK + rc : EBN_SVC_SELF;
}

__attribute__((noinline)) int ebn_svc4_both(struct __sk_buff *skb, __u32 answer)
{
	return ebn_svc_both(skb, answer, false);
}

__attribute__((noinline)) int ebn_svc6_both(struct __sk_buff *skb, __u32 answer)
{
	return ebn_svc_both(skb, answer, true);
}

/* From an endpoint to what may be a frontend: EBN_SVC_NOT, OK, SELF, or OK and the reason for a drop. */
static __always_inline int ebn_svc_to_backend(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_rewrite *w = &run->w;
	struct ebn_pkt *p = &run->p;
	int rc = ebn_svc_tuple(skb, p, v6);
	__u32 answer;

	if (rc)
		return EBN_SVC_OK + rc;
	/* verifier: by way of memory, or what follows would be followed twice */
	answer = ebn_forget(p, ebn_svc_is_self(p->dst, v6) ? EBN_KEY_BACK : 0);
	if (answer && p->point != EBN_AT_FROM_ENDPOINT)
		return EBN_SVC_NOT;
	rc = v6 ? ebn_svc6_entry(answer) : ebn_svc4_entry(answer);
	if (!rc && answer)
		return EBN_SVC_OK + EBN_R_SVC_UNKNOWN;
	if (rc && !answer)
		rc = v6 ? ebn_svc6_holds() : ebn_svc4_holds();
	if (!rc)
		rc = ebn_svc_begin(run, v6);
	if (rc != EBN_SVC_OK)
		return rc;
	if (p->frag == EBN_FRAG_FIRST) {
		rc = ebn_frag_first(p);
		if (rc)
			return EBN_SVC_OK + rc;
	}
	if (answer || (run->svc.w0 == ebn_svc_word(p->src, 0) && run->svc.w1 == ebn_svc_word(p->src, 1)))
		return v6 ? ebn_svc6_both(skb, answer) : ebn_svc4_both(skb, answer);
	__builtin_memcpy(w->from, p->dst, sizeof(w->from));
	w->from_port = p->dport;
	ebn_svc_addr(w->to, run->svc.w0, run->svc.w1);
	w->to_port = run->svc.port;
	rc = v6 ? ebn_rewrite6(skb, p, w, 1) : ebn_rewrite4(skb, p, w, 1);
	return EBN_SVC_OK + rc;
}

/*
 * For the program that goes on: the packet as it is now. A later fragment, and an error, which p has as the packet that it quotes,
 * are parsed anew.
 */
static __always_inline void ebn_svc_keep(struct ebn_run *run, bool translated)
{
	struct ebn_pkt *p = &run->p;

	run->svc.state = translated ? EBN_SVC_DONE : EBN_SVC_PLAIN;
	run->svc.kept = p->point == EBN_AT_FROM_ENDPOINT && p->frag != EBN_FRAG_LATER && !(p->evf & EBN_EVF_RELATED);
	if (!translated)
		return;
	__builtin_memcpy(p->dst, run->w.to, sizeof(p->dst));
	p->dport = run->w.to_port;
}

/* The backend's answer becomes the frontend's. 0, or the reason for a drop. */
static __always_inline int ebn_svc_to_client(struct __sk_buff *skb, struct ebn_run *run, const bool v6)
{
	struct ebn_rewrite *w = &run->w;
	struct ebn_pkt *p = &run->p;
	int rc;

	if (!(v6 ? ebn_svc6_entry(EBN_KEY_BACK) : ebn_svc4_entry(EBN_KEY_BACK)))
		return EBN_R_SVC_UNKNOWN;
	__builtin_memcpy(w->from, p->src, sizeof(w->from));
	w->from_port = p->sport;
	ebn_svc_addr(w->to, run->svc.w0, run->svc.w1);
	w->to_port = run->svc.port;
	rc = v6 ? ebn_rewrite6(skb, p, w, 0) : ebn_rewrite4(skb, p, w, 0);
	if (rc || p->evf & EBN_EVF_RELATED || !ebn_svc_follow(run, v6))
		return rc;
	/* now and then the frontend's entry, which questions alone would keep */
	__builtin_memcpy(p->src, w->to, sizeof(p->src));
	p->sport = w->to_port;
	if (v6 ? ebn_svc6_entry(0) : ebn_svc4_entry(0))
		ebn_svc_follow(run, v6);
	return 0;
}

#endif
