/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flow tables: the layout of the mapped arrays that BPF and user space both insert into. One element of the
 * array is a set: a line of eight tags, then eight entries. A key may live in either of two sets. The
 * protocol is described in docs/flow-table.md and implemented in bpf/lib/flow.h and lib/tables/flow.c.
 *
 * The two families differ in the width of the key only: entry4 64 bytes (set 576), entry6 96 bytes (set 832).
 * The tail behind the key, struct ebn_flow_body, is the same.
 */
#ifndef EBN_FLOW_H
#define EBN_FLOW_H

#include "ebn_flow_layout.h"
#include "ebn_types.h"

#define EBN_FLOW_ABI 1
#define EBN_FLOW_WAYS 8u

/* tag = hash:32 | seq:24 | state:8; changed by compare-and-swap and exchange only */
#define EBN_TAG(hash32, seq, state) ((__u64)(__u32)(hash32) << 32 | ((__u64)(seq) & 0xffffff) << 8 | (state))
#define EBN_TAG_HASH(t) ((__u32)((t) >> 32))
#define EBN_TAG_SEQ(t) ((__u32)((t) >> 8) & 0xffffff)
#define EBN_TAG_STATE(t) ((__u32)(t) & 0xff)
enum ebn_tag_state {
	EBN_TAG_FREE,
	EBN_TAG_CLAIM,
	EBN_TAG_LIVE,
	EBN_TAG_DEAD,
	EBN_TAG_UCLAIM,		/* claimed by user space */
};

/*
 * ctl = seq:16 | state:8 | flags:8 | epoch:32; changed by compare-and-swap only. seq is the low 16 bits of the
 * tag's, so that a swap prepared against one flow can never hit the next one in the same place.
 */
#define EBN_CTL(seq, state, flags, epoch)                                                                  \
	((__u64)((seq) & 0xffff) << 48 | (__u64)((state) & 0xff) << 40 | (__u64)((flags) & 0xff) << 32 |   \
	 (__u32)(epoch))
#define EBN_CTL_SEQ(c) ((__u32)((c) >> 48))
#define EBN_CTL_STATE(c) ((__u32)((c) >> 40) & 0xff)
#define EBN_CTL_FLAGS(c) ((__u32)((c) >> 32) & 0xff)
#define EBN_CTL_EPOCH(c) ((__u32)(c))

/* Flow classes, in the order in which they are given up when a set is full (lower first). */
enum ebn_flow_state {
	EBN_FS_NONE,
	EBN_FS_HALF_OPEN,	/* TCP before the handshake is proven; UDP and others with packets one way only */
	EBN_FS_CLOSING,		/* TCP after both FINs or an RST */
	EBN_FS_REPLIED,		/* UDP and others: seen both ways, not yet a stream; TCP: SYN-ACK seen */
	EBN_FS_ESTABLISHED,	/* TCP: the ACK was the recorded initial sequence number + 1; UDP: several packets each way */
	EBN_FS_HALF_CLOSED,	/* TCP: established, and one side has sent its FIN; kept like an established one */
	EBN_FS_MAX,
};
#define EBN_FLOW_IDLE_TCP_HALF 0	/* indexes of ebn_node_hdr.idle_ticks */
#define EBN_FLOW_IDLE_TCP_CLOSING 1
#define EBN_FLOW_IDLE_TCP_EST 2
#define EBN_FLOW_IDLE_UDP_HALF 3
#define EBN_FLOW_IDLE_UDP_EST 4
#define EBN_FLOW_IDLE_ICMP 5
#define EBN_FLOW_IDLE_OTHER 6
#define EBN_FLOW_IDLE_TCP_HALF_CLOSED 7

#define EBN_FF_INIT_HI 0x01u		/* the initiator is the higher (addr, port) of the key */
#define EBN_FF_AUDIT 0x02u		/* admitted in audit mode */
#define EBN_FF_SVC 0x04u		/* to a backend of a service: answers are to be translated, see below */
#define EBN_FF_FIN_LO 0x08u		/* FIN seen from the lower side */
#define EBN_FF_FIN_HI 0x10u
#define EBN_FF_FINS (EBN_FF_FIN_LO | EBN_FF_FIN_HI)
#define EBN_FF_NAT 0x20u		/* translated, or the reservation of a translated flow: see below */
#define EBN_FF_IMPORTED 0x40u		/* picked up in the middle, or imported: nothing known to prove a handshake by */
#define EBN_FF_PROVEN 0x80u		/* was established once since it began; aux is the tick of its creation */

/*
 * Keys. The tuple is ordered: "lo" is the smaller (address, port), compared as the raw words, so that both
 * directions give one key. Equal addresses order by port; when those are equal too, lo = source of the first.
 * ICMP echo: port[0] = identifier, port[1] = 0, aux says which side asked (EBN_KEY_ASK_HI).
 */
#define EBN_KEY_ASK_HI 0x1u
#define EBN_KEY_BACK 0x2u		/* of services: the backend's entry, see below */
#define EBN_KEY_CARRY 0x4u		/* of a flow that this node translates for another's endpoint, see below */
struct ebn_flow_key4 {
	__u32 addr[2];		/* lo, hi; network order */
	__u16 port[2];		/* lo, hi; network order */
	__u8 proto;
	__u8 aux;
	__u16 zone;
};
EBN_ASSERT(sizeof(struct ebn_flow_key4) == 16, "key4");
struct ebn_flow_key6 {
	__u32 addr[2][4];
	__u16 port[2];
	__u8 proto;
	__u8 aux;
	__u16 zone;
	__u64 reserved;		/* zero */
};
EBN_ASSERT(sizeof(struct ebn_flow_key6) == 48, "key6");

/*
 * A masqueraded flow has two entries, one for each pair of tuples on the wire. Neither holds the other's place: each finds the
 * other by its key, so that both may move, and what one says of the other is believed only when the other says the same.
 *
 *	{endpoint, peer} in the endpoint's zone: the flow. EBN_FF_NAT: its peer is not local, and the peer's row is the port it was
 *	given, in network order.
 *	{node, peer} in EBN_ZONE_NAT: the reservation of the port, EBN_FF_NAT. The row of the node's side is the endpoint's, aux =
 *	endpoint's port (network order) | low half of its row's incarnation << 16, decision = ebn_nat_row.id; state and seen
 *	follow the flow's. Counters are not used.
 *
 * A flow to a service (EBN_FF_SVC) is {client, backend} in the endpoint's zone, as the packet is behind the translation, and has
 * two entries in EBN_ZONE_SVC beside it that say what the other end is called on either side:
 *
 *	{client, frontend}: the backend. packets[1] = number of the set (ebn_service.h) it was chosen from
 *	{client, backend}, EBN_KEY_BACK: the frontend
 *	bytes[0..1] = address, packets[0] = port in network order | number of the service << 16, aux = row of the backend, the
 *	row of the client's side is the endpoint's. They do not change while the entry lives; state and seen follow the flow's.
 *
 * A flow that this node carries for an endpoint of another (egress gateways), or from a client outside to a backend elsewhere, is not
 * tracked here. The endpoint, or client, is its first end. Here it has two entries of the
 * same form, which say what the endpoint's side is called on either side of the node:
 *
 *	{endpoint, peer} in EBN_ZONE_SVC, EBN_KEY_CARRY: the node's address and the port that was given
 *	{node, peer} in EBN_ZONE_NAT, EBN_FF_NAT: the reservation. No row is named, and the endpoint is in bytes[0..1], packets[0]; the
 *	FINs of a TCP flow are in its flags
 *	packets[0] >> 16 is EBN_CARRY_MARK, aux the rule's number, EBN_SOURCE_ID of a client outside
 */
#define EBN_CARRY_MARK 0xffffu		/* no service's number */
#define EBN_ZONE_NAT 0xfffeu	/* no endpoint has this zone */
#define EBN_ZONE_SVC 0xfffdu	/* nor this one */

/** Whose flow it is, by the body's words: the row that began it, when that is not local the other one; 0: nobody's here. */
static inline __u64 ebn_flow_owner(__u64 tail0, __u64 ctl)
{
	__u64 hi = (ctl >> 32) & EBN_FF_INIT_HI;
	__u64 first = (tail0 >> (32 + 16 * hi)) & 0xffff;
	__u64 other = (tail0 >> (48 - 16 * hi)) & 0xffff;

	return first | (other & (__u64)((__s64)(first - 1) >> 63));
}

/**
 * What programs count for an endpoint, by row + 1: the places that its flows take, and how it stands with the limits of its
 * rates. Programs add to used, user space corrects it by what a sweep has counted. A line each: endpoints on different CPUs
 * begin flows at the same time. Of two the first is what the endpoint sends, the second what it receives.
 */
struct ebn_flow_share {
	__u32 used[2];		/* IPv4, IPv6; atomic add */
	__u64 paid[2];		/* when what was let through is paid for, monotonic clock in sixteenths of ns; atomic */
	__u64 rate_bits[2];	/* a second; 0: no limit */
	__u64 burst_bits[2];	/* as it was given */
	__u32 burst_us[2];	/* the same at that rate: so far ahead of now paid may be */
};
#define EBN_RATE_UNITS 16ULL
EBN_ASSERT(sizeof(struct ebn_flow_share) == 64, "a share is a line");

struct ebn_flow4 {
	struct ebn_flow_key4 key;
	struct ebn_flow_body body;
};
struct ebn_flow6 {
	struct ebn_flow_key6 key;
	struct ebn_flow_body body;
};
EBN_ASSERT(sizeof(struct ebn_flow4) == sizeof(struct ebn_flow_key4) + sizeof(struct ebn_flow_body), "flow4");
EBN_ASSERT(sizeof(struct ebn_flow6) == sizeof(struct ebn_flow_key6) + sizeof(struct ebn_flow_body), "flow6");

struct ebn_flow_set4 {
	__u64 tag[EBN_FLOW_WAYS];
	struct ebn_flow4 e[EBN_FLOW_WAYS];
};
struct ebn_flow_set6 {
	__u64 tag[EBN_FLOW_WAYS];
	struct ebn_flow6 e[EBN_FLOW_WAYS];
};
EBN_ASSERT(sizeof(struct ebn_flow_set4) == 64 + EBN_FLOW_WAYS * sizeof(struct ebn_flow4), "set4");
EBN_ASSERT(sizeof(struct ebn_flow_set6) == 64 + EBN_FLOW_WAYS * sizeof(struct ebn_flow6), "set6");

/*
 * An entry's words by what they mean, and where each of them is, for both families: a table can be read, and its entries can be
 * moved, by a version whose own are elsewhere. The numbers are ABI.
 */
enum ebn_flow_word {
	EBN_FW_KEY,		/* six; IPv4 has two */
	EBN_FW_CTL = 6,
	EBN_FW_BYTES,		/* two */
	EBN_FW_PACKETS = 9,
	EBN_FW_SEEN,		/* and rows */
	EBN_FW_DECISION,	/* and the rest */
	EBN_FLOW_WORDS,
};
#define EBN_FLOW_NOWHERE 0xffu
#define EBN_FLOW_ENTRY_MAX 32u	/* words */
struct ebn_flow_layout {
	__u8 words[2];		/* of an entry: IPv4, IPv6 */
	__u8 at[2][EBN_FLOW_WORDS];
	__u8 reserved[6];
};
EBN_ASSERT(sizeof(struct ebn_flow_layout) == 32, "a layout");
#define EBN_FLOW_AT(family, member) ((__u8)(__builtin_offsetof(struct ebn_flow##family, member) / 8))
/* This build's. */
#define EBN_FLOW_LAYOUT_HERE                                                                               \
	{ { sizeof(struct ebn_flow4) / 8, sizeof(struct ebn_flow6) / 8 },                                   \
	  { { EBN_FLOW_AT(4, key), EBN_FLOW_AT(4, key) + 1, EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE,              \
	      EBN_FLOW_NOWHERE, EBN_FLOW_NOWHERE, EBN_FLOW_AT(4, body.ctl), EBN_FLOW_AT(4, body.bytes),      \
	      EBN_FLOW_AT(4, body.bytes) + 1, EBN_FLOW_AT(4, body.packets), EBN_FLOW_AT(4, body.seen),       \
	      EBN_FLOW_AT(4, body.decision) },                                                              \
	    { EBN_FLOW_AT(6, key), EBN_FLOW_AT(6, key) + 1, EBN_FLOW_AT(6, key) + 2, EBN_FLOW_AT(6, key) + 3, \
	      EBN_FLOW_AT(6, key) + 4, EBN_FLOW_AT(6, key) + 5, EBN_FLOW_AT(6, body.ctl),                    \
	      EBN_FLOW_AT(6, body.bytes), EBN_FLOW_AT(6, body.bytes) + 1, EBN_FLOW_AT(6, body.packets),      \
	      EBN_FLOW_AT(6, body.seen), EBN_FLOW_AT(6, body.decision) } },                                  \
	  { 0, 0, 0, 0, 0, 0 } }

/*
 * Hash: two rounds with the table's random seeds. One round over the raw key is not enough: there are
 * sets of keys that collide under every seed. The tag holds the upper half, the first set is the lower
 * half's low bits, the second set differs from the first by an odd number made from the upper half.
 */
static inline __u64 ebn_flow_mix(__u64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	return h;
}

/** @param w	the key as 64-bit words
 *  @param n	2 for ebn_flow_key4, 6 for ebn_flow_key6; a constant */
static inline __u64 ebn_flow_hash(const __u64 *w, int n, __u64 s0, __u64 s1)
{
	__u64 h = ebn_flow_mix(w[0] ^ s0);
	int i;

	for (i = 1; i < n; i++)
		h = ebn_flow_mix(h + (w[i] ^ s1));
	return h;
}

static inline __u32 ebn_flow_set1(__u64 h, __u32 mask)
{
	return (__u32)h & mask;
}

static inline __u32 ebn_flow_set2(__u64 h, __u32 mask)
{
	return ((__u32)h ^ ((((__u32)(h >> 32) * 0x9e3779b1u) >> 7) | 1)) & mask;
}

/* Number of sets: a power of two in this range. */
#define EBN_FLOW_SETS_MIN (1u << 4)
#define EBN_FLOW_SETS_MAX (1u << 22)

#endif
