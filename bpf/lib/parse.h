/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A whole packet, from its network header to the ports. */
#ifndef EBN_LIB_PARSE_H
#define EBN_LIB_PARSE_H

#include "lib/pkt.h"
#include "lib/sctp.h"

static __always_inline enum ebn_reason ebn_parse(struct __sk_buff *skb, struct ebn_pkt *p, const bool v6)
{
	enum ebn_reason reason = v6 ? ebn_pkt_ip6(skb, p) : ebn_pkt_ip4(skb, p);

	if (reason || p->frag == EBN_FRAG_LATER)
		return reason;
	if (p->proto == EBN_PROTO_SCTP)
		return ebn_sctp_take(skb, p);
	return ebn_pkt_l4(skb, p, v6);
}

#endif
