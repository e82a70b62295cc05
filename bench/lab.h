/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A directory, and in it an agent that runs from a configuration of its own. */
#ifndef EBN_BENCH_LAB_H
#define EBN_BENCH_LAB_H

#include <sys/types.h>

#include "bench.h"

struct lab {
	char dir[64], conf[96], sock[96];
	pid_t agent;
};

/* A directory in memory. From here to lab_close() the bench runs as anybody does, on every CPU. */
int lab_open(struct bench *b, struct lab *l);

/* A file with this text. */
int lab_file(struct bench *b, const char *path, const char *text);

/* Starts the agent with l->conf, and waits until it listens. */
int lab_agent(struct bench *b, struct lab *l);

/* Stops it, and removes all it left. */
void lab_close(struct bench *b, struct lab *l);

#endif
