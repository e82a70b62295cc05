/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A datapath for the bench: the library's own programs and tables, in a network namespace of the process, with two
 * endpoints (rows 0 and 1, devices ebnb0 and ebnb1), 10,000 known remote addresses and 50 rules for each direction.
 */
#ifndef EBN_BENCH_SETUP_H
#define EBN_BENCH_SETUP_H

#include "bench.h"
#include "packet_bench.h"
#include "tables/flow.h"
#include "tables/rows.h"

struct ebn_datapath_bpf;
struct packet_bpf;

#define SETUP_PORT_ALLOWED 80u
#define SETUP_PORT_DENIED 81u

struct setup {
	struct ebn_datapath_bpf *dp;
	struct packet_bpf *harness;
	uint8_t *mem;
	uint64_t node_size;
	struct ebn_node *nt;
	struct ebn_rows *rows;
	uint8_t *flow_mem[2];
	struct ebn_flows flows[2];
	uint32_t ifindex[2];
	double load_ms;			/* of the datapath's programs */
	double idle[2];			/* what the harness takes by itself, [0] one flow, [1] many */
};

/* A network namespace of our own, made once: it goes with the process. */
int setup_namespace(struct bench *b);
/* Pairs of devices NAME0, NAME0p, NAME1, …; made once each. */
int setup_devices(struct bench *b, const char *name, unsigned int n);
/* Runs a command of the shell: 0, -EIO when it fails. */
int setup_shell(const char *command);
/* us for a tcx link of an empty program on this device; 0: cannot be had. */
double setup_link_us(const char *device);

/* flows: the table of each family holds so many (ebn_flow_sets()). */
int setup_open(struct bench *b, uint64_t flows4, uint64_t flows6, struct setup *s);
void setup_close(struct setup *s);

enum setup_packet { SETUP_SYN, SETUP_SYN_ACK, SETUP_ACK };
/* Fills the harness's template. to: 0 remote, 1 the other endpoint. SYN_ACK is what the other side answers. */
void setup_packet(struct setup *s, bool v6, enum setup_packet kind, bool to_local, uint16_t port);
/* Address number n of an endpoint, or of those elsewhere. */
void setup_addr(bool local, bool v6, uint32_t n, uint32_t ret[4]);
/* Another destination for the template. */
void setup_to(struct setup *s, bool v6, const uint32_t addr[4]);
/* flows: power of two. */
void setup_flows(struct setup *s, bool v6, bool reply, uint32_t flows, bool scatter);

enum setup_prog { SETUP_FROM_EP, SETUP_TO_EP, SETUP_TO_NETDEV, SETUP_FROM_NETDEV, SETUP_NOTHING };
/* Runs the harness in front of a program, on device 0 or 1, n packets; *ret the last return value. */
int setup_run(struct bench *b, struct setup *s, bool v6, enum setup_prog prog, unsigned int device, uint32_t n,
	      uint32_t *ret);
/* The same measured: ns a packet, the harness taken off. want: the action that must come out. */
int setup_measure(struct bench *b, struct setup *s, bool v6, enum setup_prog prog, unsigned int device, uint32_t want,
		  struct bench_sample *ret, double *ret_idle);
/* Three packets each: `flows` established connections from endpoint 0. */
int setup_establish(struct bench *b, struct setup *s, bool v6, bool to_local, uint32_t flows);
/* Empties both flow tables; nothing may run. */
void setup_clear(struct setup *s);

#endif
