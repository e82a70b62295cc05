/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Checksums of whole frames, also of the packet that an ICMP error quotes, made and checked by reading every byte. */
#ifndef EBN_TEST_SUMS_H
#define EBN_TEST_SUMS_H

#include "packet.h"

/* Fills in every checksum but those of a quoted packet. */
void sums_make(struct packet *p);
/* NULL: all are right, else the name of one that is not. A UDP checksum of zero is right. */
const char *sums_wrong(const struct packet *p);
uint32_t sums_crc32c(const uint8_t *b, size_t len);

#endif
