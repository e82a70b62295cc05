/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The headers on the wire, and the numbers in them that the programs know. All fields in network order. */
#ifndef EBN_LIB_HDR_H
#define EBN_LIB_HDR_H

#include "ebn_types.h"

#include <bpf/bpf_endian.h>

#define EBN_ETH_IP4 0x0800
#define EBN_ETH_ARP 0x0806
#define EBN_ETH_IP6 0x86dd
#define EBN_ETH_VLAN 0x8100
#define EBN_ETH_QINQ 0x88a8

/* as bpf_fib_lookup() has them */
#define EBN_AF_INET 2
#define EBN_AF_INET6 10

enum ebn_proto {
	EBN_PROTO_HOPOPTS = 0,
	EBN_PROTO_ICMP = 1,
	EBN_PROTO_TCP = 6,
	EBN_PROTO_UDP = 17,
	EBN_PROTO_ROUTING = 43,
	EBN_PROTO_FRAGMENT = 44,
	EBN_PROTO_AH = 51,
	EBN_PROTO_ICMP6 = 58,
	EBN_PROTO_NONE = 59,
	EBN_PROTO_DSTOPTS = 60,
	EBN_PROTO_SCTP = 132,
};

#define EBN_TCP_FIN 0x01
#define EBN_TCP_SYN 0x02
#define EBN_TCP_RST 0x04
#define EBN_TCP_ACK 0x10

#define EBN_ICMP_ECHO_REPLY 0
#define EBN_ICMP_UNREACH 3
#define EBN_ICMP_QUENCH 4
#define EBN_ICMP_REDIRECT 5
#define EBN_ICMP_ECHO 8
#define EBN_ICMP_EXCEEDED 11
#define EBN_ICMP_PARAMETER 12
#define EBN_ICMP6_UNREACH 1
#define EBN_ICMP6_PARAMETER 4
#define EBN_ICMP6_ECHO 128
#define EBN_ICMP6_ECHO_REPLY 129
#define EBN_ND_ROUTER_SOLICIT 133
#define EBN_ND_SOLICIT 135
#define EBN_ND_ADVERT 136
#define EBN_ND_REDIRECT 137

struct ebn_eth {
	__u8 dst[6];
	__u8 src[6];
	__u16 proto;
} __attribute__((packed));

struct ebn_ip4 {
	__u8 version_ihl;
	__u8 tos;
	__u16 len;
	__u16 id;
	__u16 frag;
	__u8 ttl;
	__u8 proto;
	__u16 check;
	__u32 src;
	__u32 dst;
};
#define EBN_IP4_MF 0x2000
#define EBN_IP4_OFFSET 0x1fff

struct ebn_ip6 {
	__u32 version;
	__u16 len;
	__u8 next;
	__u8 ttl;
	__u32 src[4];
	__u32 dst[4];
};
EBN_ASSERT(sizeof(struct ebn_ip6) == 40, "ipv6");

struct ebn_tcp {
	__u16 sport;
	__u16 dport;
	__u32 seq;
	__u32 ack;
	__u8 off;
	__u8 flags;
	__u16 window;
	__u32 check_urg;
};
EBN_ASSERT(sizeof(struct ebn_tcp) == 20, "tcp");

struct ebn_icmp {
	__u8 type;
	__u8 code;
	__u16 check;
	__u32 rest;
};
EBN_ASSERT(sizeof(struct ebn_icmp) == 8, "icmp");

struct ebn_arp {
	__u16 hardware;
	__u16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__u16 op;
	__u8 sender_mac[6];
	__u8 sender[4];
	__u8 target_mac[6];
	__u8 target[4];
} __attribute__((packed));
EBN_ASSERT(sizeof(struct ebn_arp) == 28, "arp");
#define EBN_ARP_REQUEST 1
#define EBN_ARP_REPLY 2

/* Neighbour solicitation and advertisement, with room for the one option that matters here. */
struct ebn_nd {
	__u8 type;
	__u8 code;
	__u16 check;
	__u32 flags;
	__u32 target[4];
	__u8 opt_type;
	__u8 opt_len;
	__u8 opt_mac[6];
};
EBN_ASSERT(sizeof(struct ebn_nd) == 32, "nd");
#define EBN_ND_OPT_SOURCE 1
#define EBN_ND_OPT_TARGET 2
#define EBN_ND_LEN 24u		/* without the option */

#endif
