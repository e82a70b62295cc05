/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The consumer's side of a BPF ring buffer. libbpf has one, which reports trouble on standard error and cannot stop after
 * a number of records. Works on any memory of that layout.
 */
#ifndef EBN_OBSERVE_RING_H
#define EBN_OBSERVE_RING_H

#include "core/internal.h"

struct ebn_ring {
	uint64_t *consumer;		/* written here: bytes taken */
	const uint64_t *producer;	/* written by the kernel: bytes reserved */
	const uint8_t *data;		/* size bytes, mapped twice in a row */
	uint64_t size;			/* a power of two */
	uint64_t page;
	bool more;			/* the last walk ended before the last committed record */
};

/* Maps the ring buffer behind a map's fd, which stays the caller's. 0 or -errno. */
int ebn_ring_map(struct ebn_ring *ring, int fd);
void ebn_ring_unmap(struct ebn_ring *ring);

/* <0 ends the walk and is returned; 1 ends it; 0 goes on. The record is consumed in each case. */
typedef int (*ebn_ring_fn)(const void *data, uint32_t len, void *arg);

/* Hands out at most max records, oldest first. How many, what fn returned below 0, or -EBADMSG: the ring is corrupt. */
int ebn_ring_read(struct ebn_ring *ring, unsigned int max, ebn_ring_fn fn, void *arg);

#endif
