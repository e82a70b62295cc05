/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet to a service that has no backend to give, answered as a host answers without a listener, from the frontend: TCP with
 * an RST (RFC 9293, 3.10.7.1), UDP with "port unreachable" (RFC 792, RFC 4443), an INIT of SCTP with an ABORT (RFC 9260, 8.4).
 * The packet becomes its answer, and turns round to the endpoint past the stack, so policy is not asked about it: it says no
 * more than that there is nobody. One from outside goes back by the device it came from, when the service has a backend nowhere.
 *
 * Packets with options or extension headers are dropped in silence, as are those of endpoints that are only reached through the
 * stack.
 */
#ifndef EBN_LIB_SERVICE_NONE_H
#define EBN_LIB_SERVICE_NONE_H

#include "lib/conntrack.h"
#include "lib/cut.h"
#include "lib/endpoint.h"
#include "lib/icmp_error.h"
#include "lib/pkt.h"
#include "lib/rewrite.h"
#include "lib/run.h"
#include "lib/sctp.h"
#include "lib/service.h"

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

/* A common header, and a chunk of nothing but a header. */
#define EBN_SCTP_ABORT_LEN 16u
#define EBN_SCTP_ABORT_CHUNK bpf_htonl((__u32)EBN_SCTP_ABORT << 24 | 4)
#define EBN_CRC32C_OF_16 0x42709aeau	/* of sixteen zeroes */

/* The packet becomes the ABORT that answers its INIT, all but the Ethernet header. 0 or not. */
__attribute__((noinline)) int ebn_svc_abort(struct __sk_buff *skb, struct ebn_pkt *p)
{
	__u32 word[EBN_SCTP_ABORT_LEN / 4], l4;

	/* what belongs to an association that nobody knows is not answered */
	if (!p || p->tcp_flags != EBN_TCP_SYN)
		return -1;
	l4 = p->l4_off;
	word[0] = p->dport | (__u32)p->sport << 16;
	word[1] = bpf_htonl(p->seq);
	word[2] = EBN_CRC32C_OF_16 ^ ebn_crc32c_diff(word[0], 12) ^ ebn_crc32c_diff(word[1], 8) ^
		  ebn_crc32c_diff(EBN_SCTP_ABORT_CHUNK, 0);
	word[3] = EBN_SCTP_ABORT_CHUNK;
	if (bpf_skb_change_tail(skb, l4 + sizeof(word), 0) ||
	    bpf_skb_store_bytes(skb, l4, word, sizeof(word), BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH))
		return -1;
	if (p->v6) {
		struct ebn_ip6 ip = { .version = bpf_htonl(6u << 28), .len = bpf_htons(sizeof(word)),
				      .next = EBN_PROTO_SCTP, .ttl = 64 };

		__builtin_memcpy(ip.src, p->dst, sizeof(ip.src));
		__builtin_memcpy(ip.dst, p->src, sizeof(ip.dst));
		return (int)bpf_skb_store_bytes(skb, EBN_ETH_LEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
	} else {
		struct ebn_ip4 ip = { .version_ihl = 0x45, .len = bpf_htons(sizeof(ip) + sizeof(word)),
				      .frag = bpf_htons(0x4000), .ttl = 64, .proto = EBN_PROTO_SCTP,
				      .src = p->dst[3], .dst = p->src[3] };

		ip.check = (__u16)~ebn_fold((__u32)bpf_csum_diff(0, 0, (__be32 *)&ip, sizeof(ip), 0));
		return (int)bpf_skb_store_bytes(skb, EBN_ETH_LEN, &ip, sizeof(ip), BPF_F_RECOMPUTE_CSUM);
	}
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

/* How many packets from outside were answered in this tick; each CPU for itself. */
struct ebn_svc_told {
	__u32 tick;
	__u32 n;
};
#define EBN_SVC_TOLD_MAX 128u	/* a tick is about an eighth of a second */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ebn_svc_told);
} ebn_svc_told SEC(".maps");

static __always_inline bool ebn_svc_may_tell(void)
{
	__u32 zero = 0, now = ebn_tick();
	struct ebn_svc_told *t = bpf_map_lookup_elem(&ebn_svc_told, &zero);

	if (!t)
		return false;
	if (t->tick != now) {
		t->tick = now;
		t->n = 0;
	}
	return t->n++ < EBN_SVC_TOLD_MAX;
}

/* Is it an address that one host has? */
static __always_inline bool ebn_svc_is_host(const __u32 *addr, const bool v6)
{
	if (v6)
		return !ebn_is_multicast(addr, true) && (addr[0] | addr[1] | addr[2] || bpf_ntohl(addr[3]) > 1);
	/* nor one of this network, of the loopback device, of all hosts */
	return !ebn_is_multicast(addr, false) && (__u8)addr[3] && (__u8)addr[3] != 127 && (__u8)addr[3] < 240;
}

/*
 * From outside: is nobody here because there is nobody anywhere? Where there are backends on other nodes, who sent it is to find
 * one of those, and balancers in front rely on silence. What went to many hosts, or comes from none, is not answered.
 */
static __always_inline bool ebn_svc_tell_outside(struct __sk_buff *skb, struct ebn_run *run)
{
	const struct ebn_pkt *p = &run->p;
	const struct ebn_svc_set *s;
	struct ebn_view v;

	if (skb->pkt_type != PACKET_HOST || !(p->v6 ? ebn_svc_is_host(p->src, true) : ebn_svc_is_host(p->src, false)) ||
	    p->l4_off != EBN_ETH_LEN + (p->v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4)))
		return false;
	/* the set for clients here has those of every node */
	if (!ebn_svc_find(&run->ask) || ebn_view_at(&v, run->ask.dir))
		return false;
	s = ebn_node_line(&v, run->ask.set);
	return (!run->ask.set || !s->slots) && ebn_svc_may_tell();
}

/** Behind ebn_drop(p), whose action it is given, and returns where there is no answer. */
static __always_inline int ebn_svc_refuse(struct __sk_buff *skb, struct ebn_run *run, int action)
{
	struct ebn_pkt *p = &run->p;
	bool here = p->point == EBN_AT_FROM_ENDPOINT;
	struct ebn_eth was;

	if (bpf_skb_load_bytes(skb, 0, &was, sizeof(was)))
		return action;
	if (here ? !ebn_icmp_can_answer(p) : !ebn_svc_tell_outside(skb, run))
		return action;
	if (p->proto == EBN_PROTO_TCP  ? ebn_svc_reset(skb, p) :
	    p->proto == EBN_PROTO_SCTP ? ebn_svc_abort(skb, p) :
					 ebn_svc_unreachable(skb, p))
		return action;
	return here ? ebn_icmp_send_back(skb, p, action) : ebn_turn_round(skb, p, &was, action);
}

#endif
