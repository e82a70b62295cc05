/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What conn.c and server.c share: the inside of a connection. */
#ifndef AGENT_SERVER_H
#define AGENT_SERVER_H

#include <stddef.h>
#include "agent.h"
#include "control.h"

struct conn {
	struct source source;	/* first: epoll points here */
	struct agent *agent;
	struct conn *next;
	uint32_t events;	/* as epoll was told */
	int broken;		/* -errno: end it when all is sent */
	char *in;
	size_t in_len, in_size, in_scanned;
	char *out;
	size_t out_at, out_len, out_size;
	struct stream *streams;
	unsigned int n_streams;
};

#endif
