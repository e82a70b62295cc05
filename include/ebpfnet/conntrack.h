/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file conntrack.h
 * Flows the datapath tracks: list, find, count, delete, watch, carry away and bring back; how long they live, how full the
 * tables are. All of it works on the mapped tables: no packet waits for it, and no system call is made per flow.
 *
 * Functions that only look work on a read-only datapath too, beside the process that owns it.
 */
#ifndef EBPFNET_CONNTRACK_H
#define EBPFNET_CONNTRACK_H

#include <stddef.h>
#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/datapath.h>
#include <ebpfnet/types.h>

EBPFNET_BEGIN_DECLS

enum ebpfnet_ct_state {
	EBPFNET_CT_NONE,
	EBPFNET_CT_HALF_OPEN,	/**< packets of one side only; TCP: no SYN-ACK yet */
	EBPFNET_CT_CLOSING,	/**< TCP, SCTP: both sides have ended, or one has reset */
	EBPFNET_CT_REPLIED,	/**< seen from both sides */
	EBPFNET_CT_ESTABLISHED,	/**< TCP, SCTP: the handshake is proven; others: a stream, four packets each way */
	EBPFNET_CT_HALF_CLOSED,	/**< TCP, SCTP: established, and one side has ended */
};
#define EBPFNET_CT_STATES 8u	/**< room for these and more */

#define EBPFNET_CT_F_PROVEN 0x1u	/**< was established once */
#define EBPFNET_CT_F_AUDIT 0x2u		/**< let through by audit mode alone */
#define EBPFNET_CT_F_REDIRECT 0x4u	/**< to a proxy */
#define EBPFNET_CT_F_PICKED_UP 0x8u	/**< first seen in its middle */
#define EBPFNET_CT_F_FIN_INITIATOR 0x10u /**< the initiator's side has ended */
#define EBPFNET_CT_F_FIN_RESPONDER 0x20u
#define EBPFNET_CT_F_SERVICE 0x80u	/**< the initiator called a service: the responder is its backend */
#define EBPFNET_CT_F_NAT 0x40u		/**< masqueraded: the responder knows it by nat_addr and nat_port */

struct ebpfnet_ct_entry {
	struct ebpfnet_addr src, dst;	/**< of the initiator, of the responder */
	uint16_t sport, dport;		/**< host order; ICMP: identifier and 0 */
	uint8_t protocol;
	uint8_t state;			/**< enum ebpfnet_ct_state */
	uint16_t zone;			/**< 0: endpoints' flows, 0xffff: of watched devices */
	uint8_t tcp_flags[2];		/**< seen from initiator, responder; SCTP: chunks as the flags that mean the same */
	uint16_t src_ep, dst_ep;	/**< endpoint ids, 0: not local */
	uint16_t decision;
	uint32_t rule;			/**< that admitted it, 0: a default */
	uint32_t epoch;
	uint64_t packets[2];		/**< from initiator, responder; may lag a little; wraps at 2^32 */
	uint64_t bytes[2];		/**< from the network header on */
	uint64_t idle_ms;		/**< since the last packet, in ticks of about an eighth of a second */
	uint64_t age_ms;		/**< since the first; TCP and SCTP: since the handshake, until then as idle_ms */
	uint32_t src_identity, dst_identity; /**< of the addresses as they are now; 0: of a watched device's flow */
	uint32_t flags;			/**< EBPFNET_CT_F_* */
	uint32_t reserved;
	struct ebpfnet_addr nat_addr;	/**< none: not masqueraded, or its reservation is gone */
	uint16_t nat_port;		/**< host order */
	uint16_t reserved2[3];
};

/** Conditions that must all hold; what is 0 holds always. */
struct ebpfnet_ct_filter {
	size_t sz;
	struct ebpfnet_addr addr;	/**< either side */
	struct ebpfnet_addr src, dst;
	uint16_t port;			/**< either side */
	uint16_t dport;
	uint16_t endpoint;		/**< id of either side */
	uint8_t protocol;
	uint8_t state;			/**< enum ebpfnet_ct_state */
	uint8_t family;			/**< 4 or 6 */
	uint8_t addr_bits, src_bits, dst_bits; /**< compare only so many of the address's 32 or 128 bits; 0: all */
	uint16_t sport;
	uint16_t reserved;		/**< 0 */
	uint32_t identity;		/**< of either side */
	uint32_t flags;			/**< EBPFNET_CT_F_*: all of these are set */
	uint64_t idle_min_ms;		/**< idle at least so long */
	uint64_t age_min_ms;
	uint64_t age_max_ms;		/**< not older than this */
};
#define ebpfnet_ct_filter__last_field age_max_ms

struct ebpfnet_ct_iter;

/** Starts a walk over the flows. Weakly consistent: a flow that lives through the walk is seen once, others perhaps.
 *  @param filter	copied; NULL: all @return 0, -EINVAL, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_ct_iter_new(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
				    struct ebpfnet_ct_iter **ret);
/** The next flow of the walk. @return 1 and an entry, 0 at the end, -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_ct_iter_next(struct ebpfnet_ct_iter *it, struct ebpfnet_ct_entry *ret, size_t size);
/** Frees a walk; NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_ct_iter_free(struct ebpfnet_ct_iter *it);

/** Deletes the flows that match; their next packet is new. @return how many, -EINVAL, -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_ct_flush(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter);

/** One flow by its ends. */
struct ebpfnet_ct_tuple {
	size_t sz;
	struct ebpfnet_addr src, dst;
	uint16_t sport, dport;	/**< host order; ICMP queries: the identifier and 0, and src is who asked */
	uint8_t protocol;
	uint8_t reserved;	/**< 0 */
	uint16_t zone;		/**< 0xffff: of watched devices */
};
#define ebpfnet_ct_tuple__last_field zone

/** Looks a flow up, whichever end began it. @return 0, -ENOENT, -EINVAL (also: families differ), -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_ct_lookup(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_tuple *tuple,
				  struct ebpfnet_ct_entry *ret, size_t size);
/** Deletes one flow; its next packet is new. @return 0, -ENOENT, -EINVAL, -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_ct_delete(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_tuple *tuple);

struct ebpfnet_ct_counts {
	uint64_t total;
	uint64_t state[EBPFNET_CT_STATES];	/**< by enum ebpfnet_ct_state */
	uint64_t ipv4, ipv6;
	uint64_t tcp, udp, icmp, sctp, other;	/**< icmp: of both families */
	uint64_t expired;	/**< of total: over their limit, waiting for the sweep */
};
/** Counts the flows that match. @param filter NULL: all @return 0, -EINVAL, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_ct_count(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
				 struct ebpfnet_ct_counts *ret, size_t size);

struct ebpfnet_ct_endpoint_count {
	uint16_t endpoint;	/**< id */
	uint16_t reserved;
	uint32_t begun;		/**< flows it began */
	uint32_t answered;	/**< flows that others began to it */
	uint32_t half_open;	/**< of begun and answered together */
};
/** Counts by endpoint, those with flows only, in order of id; fills at most @p n. @return how many there are (may exceed
 *  @p n), -EINVAL, -ENOMEM @since 0.1 */
EBPFNET_API int ebpfnet_ct_count_endpoints(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
					   struct ebpfnet_ct_endpoint_count *ret, size_t n);

#define EBPFNET_CT_QUOTA_PERCENT 50u	/**< of new tables */

/** What tracking does, live: packets see a change at once. Seconds are 1 .. 2,592,000 (30 days). */
struct ebpfnet_ct_config {
	size_t sz;
	uint32_t tcp_new_s;		/**< TCP and SCTP until the handshake is proven */
	uint32_t tcp_established_s;
	uint32_t tcp_half_closed_s;
	uint32_t tcp_closing_s;		/**< behind both FINs or an RST; the wait that lets late packets pass */
	uint32_t udp_new_s;		/**< UDP until it is a stream */
	uint32_t udp_stream_s;
	uint32_t icmp_s;
	uint32_t other_s;
	uint32_t give_up_s;		/**< an established flow idle longer may be given up when its sets are full */
	uint8_t midstream;		/**< 1: pick TCP and SCTP flows up in their middle when policy allows them */
	uint8_t cut;			/**< 1: a TCP flow that policy no longer allows is reset at both ends by its next packet;
					     0: its packets are dropped */
	uint8_t quota_percent;		/**< of the places of each table: one endpoint's share, 0: no limit. Flows that it
					     begins beyond that, or that come to it from outside, leave the last free places
					     of their sets to others, and take only expired flows' places and its own */
	uint8_t reserved;		/**< 0 */
};
#define ebpfnet_ct_config__last_field reserved

/** Reads it back, in whole seconds as the ticks give them. @param[in,out] ret sz set by the caller
 *  @return 0, -EINVAL, -EBUSY (tables are not prepared) @since 0.1 */
EBPFNET_API int ebpfnet_ct_get_config(struct ebpfnet_datapath *dp, struct ebpfnet_ct_config *ret);
/** Sets all of it; a time of 0 is left as it is. Read, change and set. @return 0, -EINVAL, -EROFS @since 0.1 */
EBPFNET_API int ebpfnet_ct_set_config(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_config *config);

/** What a part of a sweep saw. */
struct ebpfnet_ct_sweep_stats {
	uint64_t looked_at;	/**< places, empty ones too */
	uint64_t live;		/**< flows that stay */
	uint64_t half_open;	/**< seen, those that were collected included */
	uint64_t expired;	/**< flows collected */
};
/**
 * Goes on with the sweep for at most @p budget places (0: to the end of the turn): for programs that do not call
 * ebpfnet_datapath_maintain(), or want it in parts. Collected places are free after the grace period that
 * ebpfnet_datapath_maintain() waits for.
 * @param[out] ret	may be NULL
 * @return 1 there is more in this turn, 0 it is at its end, -EINVAL, -EBUSY, -EROFS
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ct_sweep(struct ebpfnet_datapath *dp, uint32_t budget, struct ebpfnet_ct_sweep_stats *ret,
				 size_t size);

enum ebpfnet_ct_level {
	EBPFNET_CT_LEVEL_OK,
	EBPFNET_CT_LEVEL_EARLY,	/**< three quarters of the places are in use: time to grow (ebpfnet_datapath_upgrade()) */
	EBPFNET_CT_LEVEL_FULL,	/**< nine tenths, or more than one set in a hundred has no free place */
};

struct ebpfnet_ct_table_pressure {
	uint64_t places;	/**< flows that fit */
	uint64_t live;
	uint64_t dead;		/**< deleted, not free again yet */
	uint64_t claimed;	/**< being filled */
	uint64_t sets;
	uint64_t free[9];	/**< sets by their free places, 0 .. 8; a flow may be in either of two sets */
	uint32_t promille;	/**< places that are not free */
	uint32_t level;		/**< enum ebpfnet_ct_level */
	uint64_t quota;		/**< places that are one endpoint's share, 0: no limit */
	uint32_t over_quota;	/**< endpoints that have used theirs up */
	uint32_t reserved;
};
struct ebpfnet_ct_pressure {
	struct ebpfnet_ct_table_pressure ipv4, ipv6;
	/* since the tables were made */
	uint64_t created;
	uint64_t taken_expired;	/**< an expired flow's place was taken for a new one */
	uint64_t evicted;	/**< a half-open, closing or long idle one's */
	uint64_t refused;	/**< packets dropped because nothing could be given up */
	uint64_t refused_quota;	/**< packets dropped because an endpoint had used up its share */
	uint64_t unrecorded;	/**< packets that went on without an entry: another CPU was making it */
	uint64_t retried;	/**< look-ups that saw a place change hands */
	uint64_t rechecked;	/**< verdicts made again because policy changed */
	uint64_t moved;		/**< flows moved when a table was replaced */
};
/** How full the tables are. Reads their tags, a ninth of their memory. @return 0, -EINVAL, -EBUSY @since 0.1 */
EBPFNET_API int ebpfnet_ct_get_pressure(struct ebpfnet_datapath *dp, struct ebpfnet_ct_pressure *ret, size_t size);
/** "ok", "early", "full"; "?" for an unknown number. Static string. @since 0.1 */
EBPFNET_API const char *ebpfnet_ct_level_name(uint32_t level);

/* ---- watch ---- */

enum ebpfnet_ct_event_type {
	EBPFNET_CT_EVENT_NONE,
	EBPFNET_CT_EVENT_NEW,
	EBPFNET_CT_EVENT_UPDATE,	/**< its state is another one */
	EBPFNET_CT_EVENT_DESTROY,	/**< with its final counters */
};
#define EBPFNET_CT_EVENT_EXISTING 0x1u	/**< NEW: was there when the watch began */
#define EBPFNET_CT_EVENT_LATE 0x2u	/**< DESTROY: its place was taken already; counters are those of the last look */

struct ebpfnet_ct_event {
	uint8_t type;		/**< enum ebpfnet_ct_event_type */
	uint8_t flags;		/**< EBPFNET_CT_EVENT_* */
	uint16_t reserved;
	uint32_t reserved2;
	struct ebpfnet_ct_entry entry;
};

struct ebpfnet_ct_watch_opts {
	size_t sz;
	uint32_t interval_ms;	/**< between two looks at the tables, 10 .. 60,000; 0: 1000 */
	uint32_t kinds;		/**< bit (1 << enum ebpfnet_ct_event_type); 0: NEW and DESTROY */
	uint32_t existing;	/**< 1: report the flows that are there as NEW first */
	uint32_t reserved;	/**< 0 */
	const struct ebpfnet_ct_filter *filter; /**< copied; NULL: all */
};
#define ebpfnet_ct_watch_opts__last_field filter

struct ebpfnet_ct_watch;
/** Called with each event; <0 aborts dispatch and is returned, 1 stops it, 0 goes on. May not re-enter dispatch. */
typedef int (*ebpfnet_ct_watch_fn)(const struct ebpfnet_ct_event *event, void *userdata);

/**
 * Watches flows come and go, for accounting: compares the tables with a copy of its own, which takes as much memory as the
 * tables. Needs no event ring and no other process's help, so there may be any number of watchers, read-only ones too.
 *
 * What it can miss: a flow that came and went between two looks and whose place another one has taken. Such flows are
 * counted, see ebpfnet_ct_watch_missed(). A flow that was seen is always reported destroyed; when its place was taken
 * between two looks (EBPFNET_CT_EVENT_LATE), with the counters of the last look. When the owner replaces the tables,
 * flows go on, also in the watch of the owner; a read-only watch sees no more and has to be opened again.
 * @param opts	copied; NULL: defaults
 * @param[out] ret	holds a reference on @p dp; ebpfnet_ct_watch_free()
 * @return 0, -EINVAL, -EBUSY (tables are not prepared), -ENOMEM, or another error of timerfd_create(2)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ct_watch_new(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_watch_opts *opts,
				     ebpfnet_ct_watch_fn fn, void *userdata, struct ebpfnet_ct_watch **ret);
/** Ends a watch; NULL is allowed. @since 0.1 */
EBPFNET_API void ebpfnet_ct_watch_free(struct ebpfnet_ct_watch *watch);
/** For poll(2): readable when a look is due. Owned by the watch. @return the fd or -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_ct_watch_get_fd(struct ebpfnet_ct_watch *watch);
/** Milliseconds until a look is due, 0: now, or the last dispatch has left something. @return -EINVAL @since 0.1 */
EBPFNET_API int ebpfnet_ct_watch_get_timeout(struct ebpfnet_ct_watch *watch);
/**
 * Looks when that is due, and calls the callback for at most @p max events (0: all of this look); what is left comes first
 * the next time.
 * @return how many events, what the callback returned below 0, -EINVAL (NULL, or called by the callback), -ENOMEM, -EPROTO
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ct_watch_dispatch(struct ebpfnet_ct_watch *watch, unsigned int max);
/** Flows that came and went unseen, at most. Grows in dispatch only. @since 0.1 */
EBPFNET_API uint64_t ebpfnet_ct_watch_missed(struct ebpfnet_ct_watch *watch);

/* ---- export and import: ebpfnet-flows(5) ---- */

/** Takes a piece of an export; <0 aborts and is returned, 0 goes on. */
typedef int (*ebpfnet_ct_write_fn)(const void *data, size_t len, void *userdata);
/**
 * Writes the flows that match as ebpfnet-flows(5); masqueraded ones with the address and port that their peer knows.
 * @return 0, -EINVAL, -EBUSY, -ENOMEM, or what @p fn returned below 0
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ct_export(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_filter *filter,
				  ebpfnet_ct_write_fn fn, void *userdata);

struct ebpfnet_ct_import_stats {
	uint64_t read;		/**< flows in the data */
	uint64_t imported;
	uint64_t present;	/**< left as they are in the tables */
	uint64_t expired;	/**< over their limit by now */
	uint64_t refused;	/**< no place; masqueraded: endpoint, address or port is not this node's, or another flow has the port */
};
/**
 * Brings flows in from an export. All of it is checked before anything is done. Never overwrites a flow that is there, and
 * takes no established one's place; each imported flow is judged by the policy in force on its next packet. A masqueraded flow
 * keeps its port: endpoints and devices that masquerade come before the import.
 * @param[out] ret	may be NULL
 * @return 0, or -EINVAL, -EROFS, -EBUSY, -EBADMSG (not an export, damaged or not sane: diag), -EPROTO (of a newer major
 * version: diag), -E2BIG (over a limit of the format: diag)
 * @since 0.1
 */
EBPFNET_API int ebpfnet_ct_import(struct ebpfnet_datapath *dp, const void *data, size_t len,
				  struct ebpfnet_ct_import_stats *ret, size_t size, struct ebpfnet_diag *diag);

/** Name of a state, "?" for an unknown number. Static string. @since 0.1 */
EBPFNET_API const char *ebpfnet_ct_state_name(uint8_t state);

EBPFNET_END_DECLS
#endif
