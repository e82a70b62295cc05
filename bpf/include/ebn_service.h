/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Services in the node tables (ebn_node.h).
 *
 *	address, prefix length ──▶ VIP row: what kinds of frontends it has
 *	+ protocol, port       ──▶ frontend row ──▶ set ─ slot[hash] ─▶ member ──▶ backend row
 *
 * Rows of both kinds hang in chains from one array of heads. A row is filled before a head or another row leads to it; it
 * leaves the chain by one store, and is used again after a grace period. So a program sees a frontend as it was or as it is.
 * A set never changes while it can be reached: other backends are another set, and the frontend's word names it [in place].
 */
#ifndef EBN_SERVICE_H
#define EBN_SERVICE_H

#include "ebn_node.h"

#define EBN_X_SVC_SET 0x110u
#define EBN_X_SVC_SOURCES 0x111u
#define EBN_X_SVC_RECORD 0x112u	/* user space only */

/* Rows a program follows in one chain; the writer keeps chains shorter. */
#define EBN_SVC_CHAIN 16u
/* Different prefix lengths below 128 of all VIPs. */
#define EBN_SVC_PLENS 8u

/** First line of EBN_P_SVC_HASH; the heads (row + 1, 0: empty) follow, n of them, a power of two. */
struct ebn_svc_head {
	__u64 plens;		/* a byte each, longest first, 0: no more [in place] */
	__u32 serial;		/* of the last set made [in place] */
	__u32 changes;		/* raised behind every change of what programs read here [in place] */
	__u32 reserved[12];
};
EBN_ASSERT(sizeof(struct ebn_svc_head) == EBN_LINE, "the heads begin at a line");

enum ebn_svc_kind {
	EBN_SVC_NONE,
	EBN_SVC_VIP,		/* protocol, first, last 0 */
	EBN_SVC_PORT,		/* first == last */
	EBN_SVC_RANGE,		/* of ports */
	EBN_SVC_ANY,		/* every port of a protocol, or of every protocol (0) */
};

/* What a VIP row leads to [in place]. */
#define EBN_VIP_RANGE 0x1u
#define EBN_VIP_ANY 0x2u
#define EBN_VIP_NODE 0x4u	/* an address of this node: node ports answer there */
#define EBN_VIP_IPIP 0x8u	/* a frontend that has EBN_SVC_F_IPIP */

/* What a frontend's row says. */
#define EBN_SVC_F_RANDOM 0x1u	/* any slot, else the one of the tuple's hash */
#define EBN_SVC_F_SILENT 0x2u	/* no backend: no answer either */
#define EBN_SVC_F_IPIP 0x4u	/* on node devices packets go to the backend as they are, in a packet of their own */
#define EBN_SVC_F_OUTSIDE 0x8u	/* clients outside are served on node devices: its backends are all on this node */
#define EBN_SVC_F_LEAST 0x10u	/* of two backends that the hash draws the one with fewer connections */
#define EBN_SVC_F_DIRECT_TCP 0x40u	/* backends of other nodes, which routes lead to, are told the frontend and answer themselves */
#define EBN_SVC_F_DIRECT_UDP 0x80u
#define EBN_SVC_F_ANYWHERE 0x20u	/* so they are where there is EBN_NODE_F_SOURCE: its backends are anywhere */

/* Which of a row's sets. */
enum ebn_svc_from {
	EBN_SVC_INSIDE,		/* for clients on this node */
	EBN_SVC_OUTSIDE,
	EBN_SVC_FROMS,
};

struct ebn_svc_row {
	/* the key, three words */
	__u32 addr[4];		/* IPv4 mapped; bits behind the prefix are zero. Node ports: 0.0.0.0 and :: */
	__u16 first;		/* ports, host order */
	__u16 last;
	__u8 proto;
	__u8 plen;		/* IPv4: 96 + the usual number */
	__u8 kind;
	__u8 reserved0;
	__u32 next;		/* row + 1 [in place] */
	__u32 service;		/* number */
	__u32 set[EBN_SVC_FROMS]; /* payloads of EBN_X_SVC_SET, one word [in place] */
	__u32 flags;
	__u32 affinity;		/* seconds, 0: none */
	__u32 sources;		/* payload of EBN_X_SVC_SOURCES, 0: everybody may */
	__u32 reserved1[3];
};
EBN_ASSERT(sizeof(struct ebn_svc_row) == EBN_LINE, "a row is a line");

/*
 * Backends a frontend's flows may be at. members is every one that may keep flows, in order of their rows, so that a program
 * can ask whether one is still there; only those that take new flows have slots.
 */
struct ebn_svc_set {
	__u32 serial;		/* no other set ever has it */
	__u32 slots;		/* 0: nobody takes new flows */
	__u32 members;
	__u32 slot_off;		/* of the first slot, from here */
	__u64 content;		/* hash of all that made it; user space finds equal sets by it */
	__u32 weight_off;	/* of the first weight, from here; 0: there are none */
	__u32 reserved;
	/*
	 * __u32 member[members]: backend rows, ascending; __u16 slot[slots]: index into member; with EBN_SVC_F_LEAST
	 * __u16 weight[members], 0 of those that take no new flows
	 */
};
EBN_ASSERT(sizeof(struct ebn_svc_set) == 32, "head of a set");
#define EBN_SVC_MEMBERS_MAX 65535u
#define EBN_SVC_DIRECT_MEMBERS 1024u	/* with EBN_SVC_F_DIRECT_*: they are searched one by one */
#define EBN_SVC_SLOTS_MAX 1048573u	/* the largest prime below 2^20 */

struct ebn_backend_row {
	__u32 addr[4];
	__u16 port;		/* network order; 0: the port the client asked for */
	__u8 proto;		/* 0: any */
	__u8 reserved0;
	__u32 reserved1[3];
};
EBN_ASSERT(sizeof(struct ebn_backend_row) == 32, "two backends a line");

/*
 * Who may be a client: addresses in order at which the answer changes, beginning with "no". Even count so far: no.
 */
struct ebn_svc_edge {
	__u64 hi, lo;		/* the address, host order */
};
struct ebn_svc_sources {
	__u32 edges;
	__u32 reserved[3];
	/* struct ebn_svc_edge edge[edges], ascending */
};
EBN_ASSERT(sizeof(struct ebn_svc_sources) == 16, "head of source ranges");
#define EBN_SVC_EDGES_MAX 4096u

/* Where a row hangs: kinds that hold ports are found without them. */
static inline __u64 ebn_svc_hash_addr(const __u32 a[4])
{
	return ebn_addr_hash(a);
}

static inline __u32 ebn_svc_hash(__u64 addr_hash, __u8 kind, __u8 plen, __u8 proto, __u16 port)
{
	return (__u32)ebn_mix64(addr_hash + ((__u64)kind << 32 | (__u64)plen << 24 | (__u64)proto << 16 | port));
}

/** The slot of a 32-bit hash. */
static inline __u32 ebn_svc_slot(__u32 hash, __u32 slots)
{
	return (__u32)((__u64)hash * slots >> 32);
}

/**
 * Hash by which a tuple chooses its backend: the same on every node, so that each of them sends a flow to the same backend.
 * Ports in host order.
 */
static inline __u32 ebn_svc_tuple_hash(const __u32 src[4], __u16 sport, const __u32 dst[4], __u16 dport, __u8 proto)
{
	__u64 h = ebn_addr_hash(src);

	h = ebn_mix64(h ^ (ebn_addr_hash(dst) + ((__u64)proto << 32 | (__u32)sport << 16 | dport)));
	return (__u32)(h >> 32);
}

/** Another hash, made of this one. */
static inline __u32 ebn_svc_second(__u32 hash)
{
	return (__u32)(ebn_mix64(0x9e3779b97f4a7c15ULL ^ hash) >> 32);
}

/** Who asks, where an answer must stay the same for a client: of its address, or of its network namespace. */
static inline __u32 ebn_svc_client_hash(__u64 client, __u32 service)
{
	return (__u32)(ebn_mix64(client + 0x9e3779b97f4a7c15ULL * (service + 1)) >> 32);
}

/*
 * What endpoints' packets are counted by, per CPU. Map ebn_svc_count by service number, ebn_be_count by backend row + 1; 0 is
 * for those whose number is too high to be counted for themselves. The flow's entries carry both numbers.
 */
struct ebn_svc_count {
	__u64 packets[2];	/* to backends, from them; let through */
	__u64 bytes[2];
	__u64 flows;		/* given a backend, and let through */
	__u64 no_backend;	/* packets */
	__u64 denied;		/* by source ranges; packets */
	__u64 reserved;
};
struct ebn_be_count {
	__u64 packets[2];
	__u64 bytes[2];
	__u64 flows;
};
/*
 * What a backend has now, map ebn_active, by its row; rows behind the last cell are not counted, and look idle. Added to
 * atomically; user space sets flows right, which may be less than nothing until then.
 */
struct ebn_be_active {
	__u32 flows;		/* of packets */
	__u32 sockets;		/* translated, until they are closed or ask for another backend */
	__u32 generation;	/* raised when the row is given to another backend */
	__u32 reserved;
};
EBN_ASSERT(sizeof(struct ebn_be_active) == 16, "ebn_be_active");
#define EBN_BE_ACTIVES 65536u
/** Kept with a socket that was counted; never 0. */
#define EBN_ACTIVE_MARK(generation) ((__u16)((generation) << 1 | 1))

static inline __u64 ebn_active_sum(__u32 flows, __u32 sockets)
{
	return ((__s32)flows > 0 ? flows : 0) + (__u64)((__s32)sockets > 0 ? sockets : 0);
}

#define EBN_SVC_COUNTS 8192u
#define EBN_BE_COUNTS 16384u

#endif
