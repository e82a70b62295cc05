/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The same N rules said to nftables, to iptables and to the library: everybody lets 10.1.0.1 send to one port and nobody
 * else by the last one, drops the rest, and passes what was answered.
 */
#ifndef EBN_BENCH_RULES_H
#define EBN_BENCH_RULES_H

#include "bench.h"
#include "daemon.h"

#define RULES_PORT 9

/* The address that rule i lets in; nobody sends from it. */
uint32_t rules_other(uint32_t i);
/* Of a network namespace: the one this is called in. protocol: "udp" or "tcp". 0, or what the command says. */
int rules_nftables(const char *protocol, uint32_t n);
int rules_iptables(const char *protocol, uint32_t n);
/* The last rule lets in whoever has the labels of the bench (daemon_endpoint()). protocol: its number. */
int rules_policy(struct bench *b, struct daemon *d, uint8_t protocol, uint32_t n);

#endif
