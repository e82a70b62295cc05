/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program run's memory. The packet, the flow's copy and a new flow's body would not fit on a stack of 512 bytes that all
 * the functions called share, so they are per CPU. Runs do not interrupt each other: traffic control runs with softirqs off,
 * and no program of this set starts another one before it ends.
 */
#ifndef EBN_LIB_RUN_H
#define EBN_LIB_RUN_H

#include "lib/flow.h"
#include "lib/pkt.h"
#include "lib/rewrite.h"
#include "lib/service.h"

/* What a program of services leaves for the one that goes on. */
enum ebn_svc_state {
	EBN_SVC_NEW,		/* nobody has asked */
	EBN_SVC_DONE,		/* the destination was a frontend, and is a backend now */
	EBN_SVC_PLAIN,		/* it is no frontend */
};

/* An entry's other end (ebn_flow.h). */
struct ebn_svc_run {
	__u64 w0, w1;
	__u32 row;
	__u32 serial;
	__u16 port;		/* network order */
	__u16 service;		/* number */
	__u8 state;		/* enum ebn_svc_state, for the next program of this run */
	__u8 begun;		/* the packet is its flow's first one */
	__u8 kept;		/* with state: the next program has not to parse the packet anew */
	__u8 carry;		/* for ebn_svc_abroad: the packet has no room for an option */
};

/* A look for a node's prefix (overlay.h). */
struct ebn_overlay_look {
	__u64 hi, lo;
	__u32 lengths;		/* offsets */
	__u32 table;
	__u32 slots;
	__u32 node;		/* found: index + 1 */
};

/* A look for the rule of an egress gateway (egress.h). */
struct ebn_egress_look {
	__u64 mask;		/* rules that may still decide */
	__u32 addr[4];
	__u32 at;		/* offset of the prefixes */
	__u32 found;		/* index + 1 */
	__u32 v4;		/* EBN_EX_F_IP6 when it is an IPv4 address */
	__u32 reserved;
};

struct ebn_run {
	struct ebn_pkt p;
	struct ebn_flow_ref r;
	struct ebn_flow_body body;
	/* translation: the reservation's copy, the rewrite, and the aux word of its owner */
	struct ebn_flow_ref nat;
	struct ebn_rewrite w;
	__u32 nat_owner;
	__u32 nat_id;
	__u32 nat_min;		/* ports */
	__u32 nat_max;
	__u32 nat_row;		/* the owner's, + 1; 0: an endpoint of another node, run->svc */
	__u32 egress_id;	/* for ebn_egress, from the overlay: number of the rule */
	struct ebn_svc_run svc;
	struct ebn_svc_ask ask;
	struct ebn_overlay_look look;
	struct ebn_egress_look egress_look;
	__u32 host_out;		/* for ebn_host: the packet is on its way out */
	__u32 mtu;		/* for ebn_too_big */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ebn_run);
} ebn_run SEC(".maps");

static __always_inline struct ebn_run *ebn_run_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ebn_run, &zero);
}

/** A packet's memory, cleared unless a program that goes on keeps what is there. NULL never happens, and is a drop. */
static __always_inline struct ebn_pkt *ebn_run_begin(struct __sk_buff *skb, __u8 point, __u8 side)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_pkt *p;

	if (!run)
		return 0;
	p = &run->p;
	if (run->svc.state != EBN_SVC_NEW && run->svc.kept) {
		p->svc = run->svc.state;
		p->kept = 1;
		run->svc.state = EBN_SVC_NEW;
		return p;
	}
	__builtin_memset(p, 0, sizeof(*p));
	p->point = point;
	p->side = side;
	p->svc = run->svc.state;
	run->svc.state = EBN_SVC_NEW;
	/*
	 * Fields of the context that are asked for late, at once. Verifier: the compiler would merge later loads of different
	 * fields into one from a computed address, which is refused for the context.
	 */
	p->len = skb->len;
	p->ifindex = skb->ifindex;
	p->decision[EBN_EGRESS] = p->decision[EBN_INGRESS] = EBN_DECISION_NONE;
	return p;
}

#endif
