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
#include "lib/icmp_error.h"
#include "lib/pkt.h"

#define EBN_ICMP_PORT 3		/* codes of "destination unreachable" */
#define EBN_ICMP6_PORT 4

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

/* "Port unreachable". */
static __always_inline int ebn_svc_unreachable(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct ebn_icmp_error e = { .type = EBN_ICMP_UNREACH, .code = EBN_ICMP_PORT };

	if (p->v6) {
		e.type = EBN_ICMP6_UNREACH;
		e.code = EBN_ICMP6_PORT;
	}
	return ebn_icmp_about_udp(skb, p, &e);
}

/** Behind ebn_drop(p), whose action it is given, and returns where there is no answer. */
static __always_inline int ebn_svc_refuse(struct __sk_buff *skb, struct ebn_pkt *p, int action)
{
	if (!ebn_icmp_can_answer(p))
		return action;
	if (p->proto == EBN_PROTO_TCP ? ebn_svc_reset(skb, p) : ebn_svc_unreachable(skb, p))
		return action;
	return ebn_icmp_send_back(skb, p, action);
}

#endif
