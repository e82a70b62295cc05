/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SCTP: the first chunk of a packet as the TCP flag that means the same to a flow, and tags as sequence numbers. A packet's
 * verification tag is the one that its receiver chose in its INIT or INIT-ACK, so it proves what an acknowledgement proves.
 *
 *	INIT			SYN, seq = the tag it chooses
 *	INIT-ACK		SYN and ACK, seq likewise, ack = verification tag + 1
 *	SHUTDOWN, SHUTDOWN-ACK	FIN and ACK
 *	ABORT, SHUTDOWN-COMPLETE	RST and ACK
 *	all others		ACK
 *
 * Chunks behind the first are not looked at: those above come alone, or first.
 */
#ifndef EBN_LIB_SCTP_H
#define EBN_LIB_SCTP_H

#include "lib/pkt.h"

#define EBN_SCTP_INIT 1
#define EBN_SCTP_INIT_ACK 2
#define EBN_SCTP_ABORT 6
#define EBN_SCTP_SHUTDOWN 7
#define EBN_SCTP_SHUTDOWN_ACK 8
#define EBN_SCTP_SHUTDOWN_COMPLETE 14

struct ebn_sctp {
	__u16 sport;
	__u16 dport;
	__u32 tag;
	__u32 check;
	__u8 chunk;
	__u8 chunk_flags;
	__u16 chunk_len;
	__u32 chosen;		/* INIT and INIT-ACK: the sender's tag */
};
EBN_ASSERT(sizeof(struct ebn_sctp) == 20, "sctp");
#define EBN_SCTP_MIN 16u	/* without the tag */

/** Ports, flags and numbers. Reason. */
__attribute__((noinline)) int ebn_sctp_take(struct __sk_buff *skb, struct ebn_pkt *p)
{
	struct ebn_sctp h = {};

	if (!p)
		return EBN_R_TABLES;
	if (p->l4_len < EBN_SCTP_MIN || bpf_skb_load_bytes(skb, p->l4_off, &h, EBN_SCTP_MIN))
		return EBN_R_TRUNCATED;
	p->evf |= EBN_EVF_L4;
	p->sport = h.sport;
	p->dport = h.dport;
	p->ack = bpf_ntohl(h.tag) + 1;
	p->tcp_flags = EBN_TCP_ACK;
	switch (h.chunk) {
	case EBN_SCTP_INIT:
	case EBN_SCTP_INIT_ACK:
		if (p->l4_len < sizeof(h) ||
		    bpf_skb_load_bytes(skb, p->l4_off + EBN_SCTP_MIN, &h.chosen, sizeof(h.chosen)))
			return EBN_R_TRUNCATED;
		p->seq = bpf_ntohl(h.chosen);
		p->tcp_flags = h.chunk == EBN_SCTP_INIT ? EBN_TCP_SYN : EBN_TCP_SYN | EBN_TCP_ACK;
		/* an INIT has no tag yet, all others have one */
		if (!h.chosen || (h.chunk == EBN_SCTP_INIT) == !!h.tag)
			return EBN_R_MALFORMED;
		break;
	case EBN_SCTP_ABORT:
	case EBN_SCTP_SHUTDOWN_COMPLETE:
		p->tcp_flags |= EBN_TCP_RST;
		break;
	case EBN_SCTP_SHUTDOWN:
	case EBN_SCTP_SHUTDOWN_ACK:
		p->tcp_flags |= EBN_TCP_FIN;
		break;
	}
	return EBN_R_NONE;
}

#endif
