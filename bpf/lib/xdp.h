/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the balancer's stages hand on, and its counters. */
#ifndef EBN_LIB_XDP_H
#define EBN_LIB_XDP_H

#include "ebn_xdp.h"

#include "lib/hdr.h"
#include "lib/reason.h"
#include "lib/service.h"

/* One packet's flow. Of an ICMP error the flow it is about, as the client's packets have it. */
struct ebn_xdp_flow {
	__u64 s0, s1;		/* client */
	__u64 d0, d1;		/* VIP */
	__u64 hash;
	__u64 w1;		/* of the connection's entry, 0: none */
	__u64 b0, b1;		/* the backend's address */
	__u32 ports;		/* source, destination; network order */
	__u32 dir;		/* of the tables' root */
	__u32 stamp;
	__u32 now;		/* tick */
	__u32 row;
	__u32 service;
	__u32 frag_id;
	__u16 len;		/* of the packet, from its network header on */
	__u8 proto;
	__u8 flags;		/* EBN_XDP_P_* */
	__u8 tos;
	__u8 l4;		/* of an ICMP message: where it begins behind the network header */
	__u8 reserved[6];
};

#define EBN_XDP_P_SYN 0x01u	/* begins a TCP connection */
#define EBN_XDP_P_FIRST 0x02u	/* first fragment */
#define EBN_XDP_P_LATER 0x04u	/* another one: ports are 0 */
#define EBN_XDP_P_ERROR 0x08u	/* an ICMP error about the flow */
#define EBN_XDP_P_ICMP 0x10u	/* another ICMP message */
#define EBN_XDP_P_DF 0x20u	/* not to be fragmented */
#define EBN_XDP_P_V6 0x40u
#define EBN_XDP_P_SILENT 0x80u	/* its entry is too old */

/* What stages answer beside the reasons for a drop, which are below. */
#define EBN_XDP_PASS (EBN_R_MAX + 1)
#define EBN_XDP_GO (EBN_R_MAX + 2)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EBN_XDP_C_MAX);
	__type(key, __u32);
	__type(value, __u64);
} ebn_xdp_count SEC(".maps");

/* Sized by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct ebn_xdp_svc_stat);
} ebn_xdp_svc SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct ebn_xdp_be_stat);
} ebn_xdp_be SEC(".maps");

static __always_inline void ebn_xdp_words(__u32 *a, __u64 w0, __u64 w1)
{
	a[0] = (__u32)w0;
	a[1] = (__u32)(w0 >> 32);
	a[2] = (__u32)w1;
	a[3] = (__u32)(w1 >> 32);
}

static __always_inline void ebn_xdp_counted(__u32 counter)
{
	__u64 *c = bpf_map_lookup_elem(&ebn_xdp_count, &counter);

	if (c)
		(*c)++;
}

static __always_inline struct ebn_xdp_svc_stat *ebn_xdp_svc_of(__u32 service)
{
	struct ebn_xdp_svc_stat *s = bpf_map_lookup_elem(&ebn_xdp_svc, &service);
	__u32 zero = 0;

	return s ? s : bpf_map_lookup_elem(&ebn_xdp_svc, &zero);
}

static __always_inline void ebn_xdp_sent(const struct ebn_xdp_flow *f)
{
	struct ebn_xdp_svc_stat *s = ebn_xdp_svc_of(f->service);
	__u32 cell = f->row + 1, zero = 0;
	struct ebn_xdp_be_stat *b = bpf_map_lookup_elem(&ebn_xdp_be, &cell);

	if (!b)
		b = bpf_map_lookup_elem(&ebn_xdp_be, &zero);
	if (!s || !b)
		return;
	s->packets++;
	s->bytes += f->len;
	b->packets++;
	b->bytes += f->len;
}

#endif
