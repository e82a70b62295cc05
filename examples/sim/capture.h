/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Packets from a file and to one. Read: pcap (both byte orders, micro- and nanoseconds), pcapng, and lines of hexadecimal.
 * Written: pcapng. Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.
 */
#ifndef SIM_CAPTURE_H
#define SIM_CAPTURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_BYTES_MAX (64u << 20)	/* of a file */
#define CAPTURE_PACKET_MAX 65535u

struct captured {
	uint8_t *data;		/* from the Ethernet header on */
	uint32_t len;
	uint64_t time_ns;	/* since 1970; 0: not said */
};

struct capture {
	struct captured *packets;
	size_t n;
};

/*
 * What is read of a broken file is dropped with it: 0, -EINVAL with error saying where and what, -ENOMEM. Ethernet only.
 */
int capture_read(const void *data, size_t len, struct capture *ret, char *error, size_t error_size);
void capture_free(struct capture *c);

/* The header of a file, then packets with a comment each. 0 or -EIO. */
int capture_begin(FILE *f);
int capture_put(FILE *f, const struct captured *p, const char *comment);

#endif
