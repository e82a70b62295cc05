/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The real programs over tables of the test's own, in a network namespace of the test's own. Endpoints a and b are on this
 * node, in one conntrack zone; "far" is an address elsewhere that has an identity, any other address is the world.
 */
#ifndef EBN_TEST_RIG_H
#define EBN_TEST_RIG_H

#include "ebn_config.h"
#include "ebn_event.h"
#include "ebn_flow.h"
#include "ebn_node.h"
#include "ebn_reason.h"
#include "packet.h"
#include "tables/flow.h"
#include "tables/rows.h"

#define A4 "10.0.0.1"
#define B4 "10.0.0.2"
#define FAR4 "10.9.0.1"
#define GW4 "10.0.0.254"
#define A6 "fd00::1"
#define B6 "fd00::2"
#define FAR6 "fd09::1"
#define GW6 "fd00::fe"
#define A6_LL "fe80::a:ff:fe00:a"

extern const uint8_t mac_a[6], mac_b[6], mac_gw[6], mac_nd[6], mac_other[6];

/* Peer classes and port classes of the policy tables. */
enum { P_ANY, P_A, P_B, P_FAR, P_HOST, P_MAX };
enum { Q_OTHER, Q_WEB, Q_ECHO, Q_MAX };		/* Q_WEB: TCP and UDP 80; Q_ECHO: echo requests */
/* Decisions. */
enum { D_DEFAULT, D_ALLOW, D_DENY, D_REDIRECT, D_AUTH, D_AUDIT, D_MAX };
#define RIG_ZONE 7
#define RIG_SHARES 17u		/* endpoint rows + 1 */
#define SUBJECT_A 1u
#define SUBJECT_B 2u
#define SUBJECT_NONE 3u		/* has no policy tables */

struct rig_opts {
	bool weak, midstream;
	bool bare;		/* no endpoints, addresses and policy: the test makes them */
	uint32_t sets;		/* of each flow table; default 64 */
	const struct ebn_flow_layout *old;	/* with tables of this layout that are being replaced, of 16 sets */
	uint32_t node_size;	/* default 1 MiB */
};

struct rig_result {
	int action;		/* TC_ACT_* */
	enum ebn_reason reason;	/* of the drop that was counted */
	bool reported;
	struct ebn_event event;
	struct packet out;
	uint64_t tstamp;	/* when it is to leave */
};

enum rig_prog {
	FROM_EP, TO_EP, FROM_NETDEV, TO_NETDEV, WATCH_IN, WATCH_OUT, SVC_OUT, SVC_BACK, SVC_NONE, SVC_IN, FROM_OVERLAY,
	TO_OVERLAY, HOST, TOO_BIG, EGRESS, CARRIED, SVC_ABROAD, SVC_HOME,
	SVC_DIRECT, SVC_LANDED, RIG_PROGS
};
#define PASS 0
#define DROP 2
#define REDIRECT 7

struct rig {
	struct ebn_node *nt;
	struct ebn_rows *rows;
	struct ebn_node_hdr *hdr;
	struct ebn_flows flows[2], old[2];
	struct ebn_flow_share *share;
	uint32_t ifindex_a, ifindex_b, ifindex_nd;
	uint32_t row_a, row_b;
	uint16_t *matrix[4][2];
	struct ebn_subject_row *subjects;
	int prog[RIG_PROGS];
	uint32_t insns[RIG_PROGS];
};
extern struct rig rig;
/* The device that what leaves by another one came from; 0: nobody knows. */
extern uint32_t rig_came_by;

void rig_open(const struct rig_opts *opts);
void rig_close(void);
/* The programs, in the order of enum rig_prog, that those with an old table hand packets back to. */
void rig_before(const int prog[6]);
void rig_run(enum rig_prog prog, uint32_t ifindex, const struct packet *p, struct rig_result *ret);
/* Without a look at counters and reports: from several threads at once. */
void rig_run_quiet(enum rig_prog prog, uint32_t ifindex, const struct packet *p, struct rig_result *ret);
/* Endpoint a (or b) sends; the stack brings something to b; the wire does. */
void rig_sends(const struct spec *s, struct rig_result *ret);
/* Sets a cell and raises the subject's epoch. */
void rig_policy(uint32_t subject, enum ebn_dir_index dir, int peer, int port, int decision);
/* Allows everything between everybody. */
void rig_allow_all(void);
struct ebn_ep_row *rig_ep(uint32_t row);
/* An endpoint of this device; the row. */
uint32_t rig_endpoint(uint32_t ifindex, const char *addr4, const char *addr6, const uint8_t *mac, uint16_t id,
		      uint32_t identity, uint32_t subject);
/* The key of a packet's flow, as sent by the initiator; is it IPv6? */
bool rig_key(const struct spec *s, uint16_t zone, union ebn_flow_key *ret);
/* That flow: 1 and a copy, or 0. */
int rig_flow(const struct spec *s, struct ebn_flow_copy *ret);
/* The same in a zone: EBN_ZONE_NAT for reservations. */
int rig_flow_in(const struct spec *s, uint16_t zone, struct ebn_flow_copy *ret);
/* Makes these the rows of masquerade. */
void rig_nat(const struct ebn_nat_row *rows, uint32_t n);
uint64_t rig_counter(enum ebn_counter c);
void rig_ep_stat(uint32_t row, struct ebn_ep_stat *ret);
void rig_flush(void);
/* A map of the programs. */
int rig_map(const char *name);
/* A cell of a per-CPU map of the programs, n words, summed. */
void rig_counted(const char *map, uint32_t cell, uint64_t *ret, size_t n);
const char *rig_reason_name(unsigned int reason);

#endif
