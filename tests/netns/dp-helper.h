/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of dp-helper share: the datapath of this run, and the words of a command. */
#ifndef EBN_TEST_DP_HELPER_H
#define EBN_TEST_DP_HELPER_H

#include <ebpfnet/ebpfnet.h>

extern struct ebpfnet_diag *diag;
extern struct ebpfnet_datapath *dp;

/* Of the words "KEY=VALUE" the value, NULL: none has that key; as a number, 0 without; as an address, none without. */
const char *word(char **w, const char *key);
int number(char **w, const char *key);
int address(char **w, const char *key, struct ebpfnet_addr *ret);

/* dp-nodes.c: commands about other nodes, egress gateways and the source of clients outside. -ENOSYS: none of its. */
int nodes_command(char **w);

#endif
