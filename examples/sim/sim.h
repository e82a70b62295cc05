/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Packets through the programs, with the state that an agent's file says, in namespaces of this process alone.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <stdbool.h>
#include <stdio.h>

#include "../agent/agent.h"
#include "capture.h"

enum sim_where { SIM_ENDPOINT, SIM_NODE, SIM_XDP };

#define SIM_REASONS 256	/* for drops, by number; more than there are */

struct sim_options {
	const char *state, *in, *ct, *out;
	const char *device;	/* or an endpoint's name; NULL: the only one there is */
	enum sim_where where;
	bool outwards;		/* what the host hands to the device */
	bool json;
};

struct sim {
	struct sim_options o;
	struct agent a;
	struct ebpfnet_events *events;
	struct capture in;
	FILE *out;		/* NULL: not written */
	char device[16];	/* whose hook it is */
	int inside_fd;		/* the namespace of the devices' other sides */
	/* flows before the packet that is run */
	struct ebpfnet_ct_entry *flows;
	size_t n_flows;
	uint64_t drops[SIM_REASONS];	/* packets by reason, likewise */
	json_t *reports;	/* of the packet that is run */
};

/* To stderr, with the program's name. Returns 2, the exit status of trouble. */
int sim_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same with what the library said of it, if it did. */
int sim_failed(struct sim *s, const char *what, int err);

/* world.c */
/* A network namespace and a BPF file system of our own: what is made there is gone with the process. 0 or an exit status. */
int sim_enter(struct sim *s);
/* Takes out of the file what is the machine's, makes its devices, and the datapath what it says. */
int sim_make(struct sim *s, struct conf *conf);
void sim_unmake(struct sim *s);

/* packet.c */
/* Runs all of them and prints. 0 or an exit status. */
int sim_packets(struct sim *s);

/* show.c: of a packet's bytes what people and programs read. */
json_t *sim_describe(const uint8_t *data, size_t len);
/* One line of what sim_packets() made of a packet. */
void sim_text(const json_t *result, FILE *f);

#endif
