/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/* What the socket programs keep, and count. */
#ifndef EBN_SOCK_H
#define EBN_SOCK_H

#include "ebn_types.h"

/* Destinations a socket remembers; an unconnected one that sends to more forgets the oldest. */
#define EBN_SOCK_WAYS 4u

/** A destination that was translated. */
struct ebn_sock_way {
	__u64 vip0, vip1;	/* the frontend's address */
	__u64 be0, be1;		/* the backend's */
	__u16 vip_port;		/* network order; 0: unused */
	__u16 be_port;
	__u32 row;		/* of the backend */
	__u32 serial;		/* of the set in which it was last seen to be */
	__u16 service;
	__u16 counted;		/* EBN_ACTIVE_MARK() of the backend, 0: it is not */
};
EBN_ASSERT(sizeof(struct ebn_sock_way) == 48, "ebn_sock_way");

/** A socket's, map ebn_sock (BPF_MAP_TYPE_SK_STORAGE): goes with the socket. */
struct ebn_sock {
	__u32 next;		/* way to use next */
	__u32 connected;	/* way of the peer + 1, 0: not connected, or not translated */
	struct ebn_sock_way way[EBN_SOCK_WAYS];
};

/** What ebn_socks.bpf.c tells of a connected socket. */
struct ebn_socks_record {
	__u64 cookie;		/* 0: nobody has asked for one yet */
	__u64 be0, be1;		/* its peer */
	__u32 port;		/* network order */
	__u32 reserved;
};
EBN_ASSERT(sizeof(struct ebn_socks_record) == 32, "ebn_socks_record");

/* A client's backend, map ebn_sock_aff (LRU hash). The client is a network namespace. */
struct ebn_aff_key {
	__u64 netns;		/* cookie */
	__u32 service;
	__u32 family;		/* 4, 6: they have backends of their own */
};
struct ebn_aff {
	__u64 be0, be1;
	__u64 seen;		/* jiffies */
	__u32 row;
	__u32 reserved;
};

/* By service number, map ebn_svc_stat; added to atomically. */
struct ebn_svc_stat {
	__u64 connections;
	__u64 no_backend;
	__u64 denied;
	__u64 reserved;
};
#define EBN_SVC_STATS 65536u
/* Connections by backend row, map ebn_be_stat. */
#define EBN_BE_STATS 262144u

#endif
