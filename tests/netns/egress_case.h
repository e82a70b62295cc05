/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Rules of egress gateways in a network namespace of the test's own, said and asked in words. */
#ifndef EBN_TEST_EGRESS_CASE_H
#define EBN_TEST_EGRESS_CASE_H

#include <ebpfnet/address.h>
#include <ebpfnet/egress.h>
#include <ebpfnet/host.h>
#include <ebpfnet/node.h>

#include "../unit/suite.h"
#include "datapath/egress.h"
#include "datapath/endpoint.h"

#define LISTED 16

/* A writer with prepared tables and a reader; rows for 16 endpoints; devices d0, which has addresses, and e0, e1, e2. */
extern struct ebpfnet_datapath *dp, *looker;
extern struct ebpfnet_diag *diag;
extern char case_name[32];

void setup(void);
void teardown(void);
/* What teardown() does behind the cleanup. */
void done(void);
struct ebpfnet_datapath *open_dp(uint32_t flags);
void open_all(void);
void close_all(void);

/* A rule of words; what is NULL is not there. */
struct say {
	const char *name, *endpoints, *to, *except, *node, *addr4, *addr6;
	uint16_t port_min, port_max;
	uint32_t reserved;
};

struct ebpfnet_addr addr(const char *text);
int set_rules(const struct ebpfnet_egress_rule *rules, size_t n);
/* At most eight of them. */
int set(const struct say *say, size_t n);

/* What is told of a rule, as one line. */
struct told {
	char line[LISTED][512];
	uint32_t n, number[LISTED], n_endpoints[LISTED], flags[LISTED];
};

struct told ask(struct ebpfnet_datapath *d);
/* The writer and the reader tell exactly this. */
void is(const char *const *lines, uint32_t n);
/* A callback that is never satisfied: -EXDEV. */
int refuse(const struct ebpfnet_egress_info *info, void *userdata);
/* Another one each time something is published. */
uint64_t generation(void);
/* EBN_NODE_F_EGRESS, EBN_NODE_F_CARRY */
uint32_t switches(void);
/* The last failure said these words. */
bool said(const char *words);
void endpoint(const char *ep_name, const char *device, const char *labels, const char *addr4);

/* Four rules with everything that may be said, and how they are told while there is no other node. */
extern const struct say four[4];
extern const char *const four_are[4];

#endif
