/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-only OR BSD-2-Clause */
/*
 * Node tables: the layout of the one mapped array that user space writes and BPF reads.
 *
 *   0        header          struct ebn_node_hdr, 4096 bytes: what this is, and the root word
 *   4096     epochs          fixed place, they survive every publish
 *   65536    extents         allocated in units of a line: directories, and the pieces they name
 *
 * All offsets are in bytes from the start of the array, u32, aligned to EBN_LINE; offset 0 means "none".
 * BPF masks every offset with (size - 1); the size is a power of two. A reader that follows a corrupt
 * offset reads some other part of the array, never outside it, and a zero cell is a deny.
 *
 * Publishing: the writer builds new pieces and a new directory in free space, then stores the root
 * {directory offset : 32 | generation : 32} with release semantics. A packet reads the root once and uses
 * only what it reaches from there. Words marked [in place] may be changed with one store while they are
 * reachable, because any mix of such stores is a valid state.
 * A piece that is no longer reachable, a row and a bucket entry are reused only after a grace period.
 */
#ifndef EBN_NODE_H
#define EBN_NODE_H

#include "ebn_types.h"

#define EBN_NODE_MAGIC 0x31656e2d6e626531ULL
#define EBN_NODE_ABI 1

#define EBN_NODE_HDR_SIZE 4096u
#define EBN_NODE_EPOCH_OFF 4096u
#define EBN_NODE_EXTENT_OFF 65536u
#define EBN_NODE_SIZE_MIN (1u << 20)
#define EBN_NODE_SIZE_MAX (1u << 28)

/** Root word: directory offset in the upper half, generation in the lower one. */
#define EBN_ROOT(off, gen) ((__u64)(off) << 32 | (__u32)(gen))
#define EBN_ROOT_OFF(r) ((__u32)((r) >> 32))
#define EBN_ROOT_GEN(r) ((__u32)(r))

#define EBN_PACED_MAX 7u		/* devices */

struct ebn_node_hdr {
	/* line 0: written at creation, before magic is stored */
	__u64 magic;
	__u32 abi;
	__u32 hdr_size;
	__u64 size;		/**< bytes of the array, a power of two */
	__u64 created_ns;	/**< CLOCK_REALTIME */
	__u64 instance;		/**< random; flow tables of the same datapath carry it too */
	__u32 writer_pid;	/**< last writer that adopted, for people */
	__u32 adoptions;	/**< how often a writer took these tables over */
	__u64 flow_seed[2];	/**< random, of the flow tables' hash; never shown to anybody */
	/* line 1: the root alone, so that publishing touches nobody else's line */
	__u64 root;
	__u64 reserved1[7];
	/* line 2: switches that BPF reads live [in place] */
	__u32 observe;		/**< EBN_OBSERVE_*; 0: no events at all */
	__u32 flags;		/**< EBN_NODE_F_* */
	__u32 stage;		/**< flow tables: EBN_STAGE_* */
	__u32 idle_ticks[8];	/**< limits by flow class, EBN_FLOW_IDLE_*, in ticks */
	__u32 wake_bytes;	/**< event ring: wake the reader at this many unread bytes */
	__u32 give_up_ticks;	/**< established flows idle longer may be given up when their sets are full */
	__u32 quota[2];		/**< places of the IPv4, the IPv6 flow table that are one endpoint's share; 0: no limit */
	__u32 quota_percent;	/**< what they were made from; user space */
	/* line 3: what the writer counts, for people; and devices whose queueing discipline keeps packets until they are due */
	__u64 address_failures;	/* addresses and prefixes that could not be recorded */
	__u64 paced[EBN_PACED_MAX];	/**< [in place] ifindex | bytes of an endpoint that may wait there << 32; 0: free */
};
EBN_ASSERT(sizeof(struct ebn_node_hdr) == 256, "node header: four lines");

#define EBN_PACED_BYTES_MAX (64u << 20)

#define EBN_OBSERVE_DROP 0x1u	/* drops */
#define EBN_OBSERVE_NEW 0x2u	/* verdicts on new flows */
#define EBN_OBSERVE_CLOSE 0x4u	/* flows that end */

#define EBN_NODE_F_CUT 0x1u	/* a re-check that denies resets TCP flows instead of dropping silently */
#define EBN_NODE_F_MIDSTREAM 0x2u	/* a TCP or SCTP flow may be picked up in its middle when policy allows it */
#define EBN_NODE_F_RATE 0x4u	/* some endpoint's rate is limited */
#define EBN_NODE_F_HOST 0x8u	/* the host is an endpoint: EBN_P_HOST says which row it has */
#define EBN_NODE_F_PACE 0x10u	/* there is a device in paced[] */
#define EBN_NODE_F_EGRESS 0x20u	/* there are rules of egress gateways */
#define EBN_NODE_F_CARRY 0x40u	/* this node translates flows whose ends are elsewhere: a gateway, or EBN_NODE_F_SOURCE */
#define EBN_NODE_F_SOURCE 0x80u	/* services are served to clients outside wherever backends are: EBN_P_SOURCE */

/* Which flow table is authoritative while one replaces another (see ebn_flow.h). */
enum ebn_stage {
	EBN_STAGE_ONE,		/* there is one table */
	EBN_STAGE_OLD,		/* both are there, the old one is authoritative: programs are being replaced */
	EBN_STAGE_DRAIN,	/* the new one is authoritative; on a miss the entry moves over from the old one */
};

/*
 * Epochs: u32 counters at fixed places. An established flow's entry holds the 32-bit sum of the ones its
 * verdict depended on. BPF reads them before any table; the writer raises them after it has published.
 */
#define EBN_EPOCH_SUBJECT_OFF 4096u	/* by subject index */
#define EBN_EPOCH_SUBJECTS 4096u
#define EBN_EPOCH_ADDR_OFF 20480u	/* by bucket of the peer's address, ebn_addr_epoch() */
#define EBN_EPOCH_ADDRS 4096u
#define EBN_EPOCH_SERVICE_OFF 36864u	/* by service index */
#define EBN_EPOCH_SERVICES 4096u
EBN_ASSERT(EBN_EPOCH_SERVICE_OFF + 4 * EBN_EPOCH_SERVICES <= EBN_NODE_EXTENT_OFF, "epochs fit");

/* What a directory names. The numbers are ABI. */
enum ebn_piece {
	EBN_P_NONE,
	EBN_P_IFINDEX,		/* buckets: ifindex -> endpoint row; n = buckets (power of two) */
	EBN_P_ENDPOINT,		/* struct ebn_ep_row; n = rows */
	EBN_P_ADDR,		/* struct ebn_addr_bucket; n = buckets (power of two) */
	EBN_P_IDDIR,		/* u32 page offsets by identity; n = EBN_IDDIR_CELLS */
	EBN_P_PORT,		/* u16 port class by protocol and port; n = EBN_PORT_CELLS */
	EBN_P_SUBJECT,		/* struct ebn_subject_row; n = rows */
	EBN_P_DECISION,		/* struct ebn_decision; n = rows */
	EBN_P_NAMES,		/* user space only: identities, rules and subjects by name, see lib/tables/names.h */
	EBN_P_USER0,		/* user space only, owned by the layers above */
	EBN_P_USER1,
	EBN_P_PREFIX_NODE,	/* struct ebn_prefix_node; n = nodes */
	EBN_P_PREFIX,		/* struct ebn_prefix; n = prefixes */
	EBN_P_NAT,		/* struct ebn_nat_row; n = rows, one for each device that masquerades */
	EBN_P_OVERLAY,		/* other nodes, see ebn_overlay.h; n = nodes */
	EBN_P_HOST,		/* struct ebn_host_head, then struct ebn_host_safe; n = those */
	EBN_P_EGRESS,		/* egress gateways, see ebn_egress.h; n = rules */
	EBN_P_SOURCE,		/* struct ebn_egress_rule: what clients outside become to backends elsewhere; n = devices */
	EBN_P_SVC_HASH = 20,	/* services, see ebn_service.h; n = heads (power of two) */
	EBN_P_SVC_ROW,		/* struct ebn_svc_row; n = rows */
	EBN_P_BACKEND,		/* struct ebn_backend_row; n = rows */
	EBN_P_SVC_RECORD,	/* user space only: offsets of records by number */
	EBN_P_MAX = 30,
};

struct ebn_slot {
	__u32 off;
	__u32 n;
};

struct ebn_dir {
	__u32 magic;		/* EBN_DIR_MAGIC */
	__u32 generation;
	__u64 reserved;
	struct ebn_slot slot[EBN_P_MAX];
};
#define EBN_DIR_MAGIC 0x52494442u
EBN_ASSERT(sizeof(struct ebn_dir) == 256, "a directory is four lines");

/*
 * Every extent starts with this line; offsets in the directory and in rows point behind it, at the payload.
 * It lets adoption walk from the root and check each reference before it believes it.
 */
struct ebn_extent {
	__u32 magic;		/* EBN_EXTENT_MAGIC */
	__u32 type;		/* enum ebn_piece, or EBN_X_* */
	__u32 len;		/* payload bytes, rounded up to EBN_LINE */
	__u32 generation;	/* in which it was built */
	__u32 reserved[12];
};
#define EBN_EXTENT_MAGIC 0x54584542u
EBN_ASSERT(sizeof(struct ebn_extent) == EBN_LINE, "an extent's head is a line");
#define EBN_X_DIR 0x100u
#define EBN_X_IDPAGE 0x101u
#define EBN_X_ROWMAP 0x102u
#define EBN_X_COLMAP 0x103u
#define EBN_X_MATRIX 0x104u
#define EBN_X_NAME 0x105u

/* ---- ifindex -> endpoint row: one line a bucket, bucket = ifindex & (n - 1) ---- */
struct ebn_if_entry {
	__u32 ifindex;		/* 0: free. Stored last when filled, cleared first when removed [in place] */
	__u32 row;
};
struct ebn_if_bucket {
	struct ebn_if_entry e[8];
};
EBN_ASSERT(sizeof(struct ebn_if_bucket) == EBN_LINE, "a bucket is a line");

/* ---- endpoints ---- */
#define EBN_EP_F_LIVE 0x1u	/* row in use */
#define EBN_EP_F_ENFORCE 0x2u	/* else every verdict is carried out as allow and reported as audited */
#define EBN_EP_F_GATEWAY 0x4u	/* answer ARP and neighbour discovery for gw4, gw6 */
#define EBN_EP_F_REDIRECT 0x8u	/* deliver to it by redirect_peer */
#define EBN_EP_F_HOST 0x10u	/* it is the host: its addresses are those that name the row, its device (ifindex 1) is not attached */

/** One endpoint. Words not marked are written before the row is reachable and never after. */
struct ebn_ep_row {
	/* line 0: what an IPv4 packet needs */
	__u32 ifindex;
	__u32 flags;		/* [in place] */
	__u32 identity;		/* of its labels; user space only [in place] */
	__u32 subject;		/* index into EBN_P_SUBJECT and the epochs [in place] */
	__u8 mac[6];		/* of the device inside */
	__u16 zone;		/* conntrack zone */
	__u8 gw_mac[6];		/* of the host's side; answers for the gateway carry it */
	__u16 id;		/* endpoint id, 1..65535 */
	__u32 addr4;		/* network order, 0: none */
	__u32 gw4;		/* network order, 0: none */
	__u32 meta;		/* offset of an EBN_X_NAME extent: name and labels; user space only [in place] */
	__u32 incarnation;	/* raised each time the row is given out */
	__u32 peer4;		/* what policy asks about when addr4 is the peer [in place] */
	__u32 reserved0[3];
	/* line 1: IPv6 */
	__u32 addr6[4];		/* all zero: none */
	__u32 addr6_ll[4];	/* link local, all zero: derived from the MAC is accepted */
	__u32 gw6[4];
	__u32 peer6;		/* and addr6 [in place] */
	__u32 reserved1[3];
};
EBN_ASSERT(sizeof(struct ebn_ep_row) == 2 * EBN_LINE, "an endpoint row is two lines");

/*
 * ---- address -> identity ----
 * Exact addresses of both families as 16 bytes (IPv4 mapped: 0,0,htonl(0xffff),a). Two-choice buckets of
 * four entries, 128 bytes; h = ebn_addr_hash(a), first bucket h & (n-1), second (h >> 32) & (n-1).
 * An address that is in neither bucket has identity EBN_ID_WORLD.
 */
struct ebn_addr_entry {
	__u32 addr[4];
	__u32 identity;		/* what policy asks about. 0: free. Stored last (release) when filled [in place] */
	__u32 row;		/* endpoint row + 1 when the address is a local endpoint's, else 0 */
	__u32 reserved[2];
};
struct ebn_addr_bucket {
	struct ebn_addr_entry e[4];
};
EBN_ASSERT(sizeof(struct ebn_addr_bucket) == 2 * EBN_LINE, "an address bucket is two lines");

/*
 * ---- prefix -> identity ----
 * A trie of nodes of 16 slots, four bits of the address each, one root for each family. A node stands at bit `pos`, a
 * multiple of four; a path leaves out positions at which nothing branches. A slot is one word [in place]:
 *   rec	index of the longest prefix of pos .. pos + 3 bits that covers the slot, 0: none. One of fewer than pos + 4 bits
 *		stands in several slots
 *   link	what longer prefixes are below: 0 none; EBN_PX_LEAF with the index of the only one and its length - 1; else the
 *		index of a node and its pos
 * Look-up. Walk down without looking at the bits that were left out, and keep the last prefix passed. Compare it: the
 * address shares d bits with it. When that is all of it, it is the longest. If not, everything that covers the address
 * stands at nodes with pos <= d or is a leaf of at most d bits: walk once more, no further than that, and compare again, for
 * the writer may have been at work in between.
 * A prefix's words never change while it can be reached, but identity and peer. Nodes and prefixes that can no longer be reached are
 * reused after a grace period.
 */
struct ebn_prefix_slot {
	__u32 link;
	__u32 rec;
};
struct ebn_prefix_node {
	struct ebn_prefix_slot s[16];
};
EBN_ASSERT(sizeof(struct ebn_prefix_node) == 2 * EBN_LINE, "a node is two lines, a slot in one of them");
#define EBN_PX_LEAF 0x80000000u
#define EBN_PX_BITS(link) ((link) >> 24 & 0x7f)	/* pos of a node, length - 1 of a leaf */
#define EBN_PX_INDEX(link) ((link) & 0xffffffu)
#define EBN_PX_LINK(bits, index) ((__u32)(bits) << 24 | (index))
#define EBN_PX_ROOT4 1u		/* nodes that are always there: IPv4 begins at bit 96 */
#define EBN_PX_ROOT6 2u
#define EBN_PX_NODES_MAX 32u	/* on any path */
#define EBN_PX_GONE 0u		/* not there, or on its way out */
#define EBN_PX_LIVE 1u		/* stored before the first link to it, and taken back before the last one goes */
struct ebn_prefix {
	__u32 addr[4];		/* bits beyond len are zero */
	__u32 identity;		/* [in place] */
	__u32 peer;		/* the node behind it, user space's number; 0: none [in place] */
	__u8 len;		/* 0 .. 128, of the mapped form for IPv4 */
	__u8 state;		/* EBN_PX_*; user space */
	__u16 owner;		/* who put it there; user space */
	__u32 reserved;
};
EBN_ASSERT(sizeof(struct ebn_prefix) == 32, "two prefixes a line");

/** Half of an address as a number, its first bit the highest. */
static inline __u64 ebn_addr_bits(__u32 first, __u32 second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	first = __builtin_bswap32(first);
	second = __builtin_bswap32(second);
#endif
	return (__u64)first << 32 | second;
}

/** The four bits at pos, a multiple of four up to 124. Without a branch: each would split what the verifier knows of pos. */
static inline __u32 ebn_addr_nibble(__u64 hi, __u64 lo, __u32 pos)
{
	__u64 half = hi ^ ((hi ^ lo) & (0 - (__u64)(pos >> 6)));

	return (__u32)(half >> (60 - (pos & 60))) & 15;
}

/** Leading zeroes of 64 bits; 64 of 0. Without a branch: each would double what the verifier looks at. */
static inline __u32 ebn_clz64(__u64 x)
{
	x |= x >> 1;
	x |= x >> 2;
	x |= x >> 4;
	x |= x >> 8;
	x |= x >> 16;
	x |= x >> 32;
	x = ~x;
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (__u32)(x * 0x0101010101010101ULL >> 56);
}

/** How many leading bits two addresses, as ebn_addr_bits() has them, share: 0 .. 128. No branch either. */
static inline __u32 ebn_addr_common(__u64 hi0, __u64 lo0, __u64 hi1, __u64 lo1)
{
	__u32 hi = ebn_clz64(hi0 ^ hi1);

	return hi + ebn_clz64(lo0 ^ lo1) * (hi >> 6);
}

/* Reserved identities: numbers that flow tools know. */
#define EBN_ID_UNKNOWN 0u
#define EBN_ID_HOST 1u
#define EBN_ID_WORLD 2u
#define EBN_ID_UNMANAGED 3u
#define EBN_ID_HEALTH 4u
#define EBN_ID_INIT 5u
#define EBN_ID_REMOTE_NODE 6u
#define EBN_ID_KUBE_APISERVER 7u
#define EBN_ID_INGRESS 8u
#define EBN_ID_CLUSTER_MIN 256u
#define EBN_ID_CLUSTER_MAX 65535u
#define EBN_ID_SCOPE_LOCAL (1u << 24)
#define EBN_ID_SCOPE_REMOTE_NODE (2u << 24)
/*
 * The upper half of the local scope: labels that stand within prefixes which rules for endpoints speak of. Numbers are even; the
 * cell behind such a number's has no class but the number that the labels have without the prefixes, which is the one to tell.
 */
#define EBN_ID_SPLIT (EBN_ID_SCOPE_LOCAL + (1u << 23))

/*
 * ---- identity -> peer class ----
 * Three scopes (top byte 0, 1, 2) of 24 bits: page = iddir[scope * 4096 + (id & 0xffffff) >> 12], a page is
 * 4096 u32 peer classes [in place]. No page, class 0: an identity nobody knows, which only rules for
 * everybody match.
 */
#define EBN_IDDIR_SCOPES 3u
#define EBN_IDDIR_CELLS (EBN_IDDIR_SCOPES * 4096u)
#define EBN_IDPAGE_CELLS 4096u
#define EBN_CLASS_UNKNOWN 0u

/*
 * ---- protocol and port -> port class ----
 * u16 cells: TCP, UDP and SCTP by destination port (host order), ICMP and ICMPv6 by type * 256 + code, and every other
 * protocol by its number. Port class 0: no rule speaks of it.
 */
#define EBN_PORT_TCP 0u
#define EBN_PORT_UDP 65536u
#define EBN_PORT_SCTP 131072u
#define EBN_PORT_ICMP 196608u
#define EBN_PORT_ICMP6 262144u
#define EBN_PORT_PROTO 327680u
#define EBN_PORT_CELLS 327936u

/*
 * ---- policy tables ----
 * A subject is what endpoints of equal labels share. For each direction: row = rowmap[peer class] (u16),
 * col = colmap[port class] (u16), cell = matrix[row * ncols + col] (u16), a decision's index. Classes at or
 * over n_peer, n_port use 0. A direction without a table (matrix 0) denies, with EBN_R_NO_POLICY.
 * Cells of the maps that belong to a class no page and no port map in reach names, rows of subjects and decisions nobody in
 * reach refers to, are written in place: no packet can ask for them yet.
 */
enum ebn_dir_index {
	EBN_EGRESS,
	EBN_INGRESS,
	EBN_DIRECTIONS,
};
struct ebn_policy_table {
	__u32 rowmap;
	__u32 colmap;
	__u32 matrix;
	__u16 nrows;
	__u16 ncols;
	__u32 n_peer;
	__u32 n_port;
	__u32 reserved;
};
EBN_ASSERT(sizeof(struct ebn_policy_table) == 28, "policy table descriptor");
struct ebn_subject_row {
	struct ebn_policy_table dir[EBN_DIRECTIONS];
	__u32 flags;		/* EBN_SUBJ_F_* */
	__u32 refs;		/* user space: endpoints of this subject */
};
EBN_ASSERT(sizeof(struct ebn_subject_row) == EBN_LINE, "a subject is a line");
#define EBN_SUBJ_F_LIVE 0x1u
#define EBN_SUBJ_F_AUDIT 0x2u

/* A decision; index 0 is "nothing matched": deny. */
enum ebn_verdict {
	EBN_V_DENY,
	EBN_V_ALLOW,
	EBN_V_REDIRECT,
	EBN_V_AUDIT,		/* would be denied, is let through and reported */
	EBN_V_AUTH,
};
struct ebn_decision {
	__u8 verdict;		/* enum ebn_verdict */
	__u8 flags;		/* EBN_DEC_F_* */
	__u16 proxy_port;
	__u32 rule;		/* rule id; names in EBN_P_NAMES; 0: the default of the direction */
	__u64 reserved;
};
EBN_ASSERT(sizeof(struct ebn_decision) == 16, "four decisions a line");
#define EBN_DEC_F_LOG 0x1u
#define EBN_DEC_F_DEFAULT 0x2u	/* no rule matched, the direction's default decided */

/*
 * ---- masquerade ----
 * A row for each device that does, in no order; the piece is replaced whole. Prefixes are address and mask, in network order:
 * destinations that are left as they are.
 */
#define EBN_NAT_ROWS 8u
#define EBN_NAT_PREFIXES 32u	/* of each family */
#define EBN_NAT_F_IP4 0x1u	/* packets of endpoints leave with addr[0], or not at all */
#define EBN_NAT_F_IP6 0x2u
#define EBN_NAT_F_PRIMARY4 0x4u	/* user space: the address is the device's own */
#define EBN_NAT_F_PRIMARY6 0x8u
struct ebn_nat_prefix4 {
	__u32 addr;
	__u32 mask;
};
struct ebn_nat_prefix6 {
	__u32 addr[4];
	__u32 mask[4];
};
struct ebn_nat_row {
	/* line 0 */
	__u32 ifindex;
	__u32 flags;		/* EBN_NAT_F_* */
	__u32 addr[2][4];	/* network order, IPv4 mapped; all zero: none of this family */
	__u16 port_min;		/* host order, both ends included */
	__u16 port_max;
	__u16 n4;		/* prefixes */
	__u16 n6;
	__u32 id;		/* of the row, 1..65535; entries of the flow tables keep it */
	__u32 reserved[3];
	/* lines 1 to 4, 5 to 20 */
	struct ebn_nat_prefix4 keep4[EBN_NAT_PREFIXES];
	struct ebn_nat_prefix6 keep6[EBN_NAT_PREFIXES];
};
EBN_ASSERT(sizeof(struct ebn_nat_row) == 21 * EBN_LINE, "a row of masquerade is whole lines");

/*
 * ---- the host as an endpoint ----
 * The piece is replaced whole. What is marked as safe passes whatever policy says, and however full the flow tables are.
 */
#define EBN_HOST_SAFE 64u	/* entries */
struct ebn_host_head {
	__u32 row;		/* of the host, + 1 */
	__u32 reserved[15];
};
EBN_ASSERT(sizeof(struct ebn_host_head) == EBN_LINE, "the head is a line");
#define EBN_SAFE_F_OUT 0x1u	/* the host called: the port is the other side's; else it is the host's */
#define EBN_SAFE_F_OWN 0x2u	/* user space: not asked for, but needed by what else is set up */
struct ebn_host_safe {
	__u32 addr[4];		/* the other side's prefix, as in the address table; bits beyond the mask are zero */
	__u32 mask[4];
	__u16 port_min;		/* host order, both ends included; ICMP: 0 and 65535 */
	__u16 port_max;
	__u8 proto;		/* 0: any */
	__u8 flags;		/* EBN_SAFE_F_* */
	__u8 reserved[26];
};
EBN_ASSERT(sizeof(struct ebn_host_safe) == EBN_LINE, "an entry is a line");

/* The 64-bit finalizer of MurmurHash3 (Austin Appleby, public domain). */
static inline __u64 ebn_mix64(__u64 h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdULL;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ULL;
	h ^= h >> 33;
	return h;
}

/** Hash of a 16-byte address for the address table; user space is the only one to fill it, so it needs no seed. */
static inline __u64 ebn_addr_hash(const __u32 a[4])
{
	__u64 hi = (__u64)a[0] << 32 | a[1], lo = (__u64)a[2] << 32 | a[3];

	return ebn_mix64(ebn_mix64(hi ^ 0x9e3779b97f4a7c15ULL) + lo);
}

/** Bucket of the address epochs. */
static inline __u32 ebn_addr_epoch(__u64 hash)
{
	return (hash >> 20) & (EBN_EPOCH_ADDRS - 1);
}

#endif
