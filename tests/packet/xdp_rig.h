/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The balancer over tables of the test's own, on a device of the test's own, in a network namespace of the test's own. */
#ifndef EBN_TEST_XDP_RIG_H
#define EBN_TEST_XDP_RIG_H

#include "ebn_config.h"
#include "ebn_node.h"
#include "ebn_reason.h"
#include "ebn_xdp.h"
#include "packet.h"
#include "service/service.h"
#include "tables/rows.h"

/* Node device nd: 10.9.0.254/16, fd09::fe/64. Behind nd2 10.8.0.0/16 and fd08::/64, behind thin the same of 7, MTU 1400. */
#define XR_VIP4 "10.96.0.1"
#define XR_VIP6 "fd96::1"
#define XR_SRC4 "172.16"	/* of packets outside */
#define XR_SRC6 "fd77:"

extern const uint8_t xr_mac_router[6], xr_mac_nd[6], xr_mac_nd2[6], xr_mac_thin[6], xr_mac_backend[6];

enum xr_action { XR_ABORTED, XR_DROP, XR_PASS, XR_TX, XR_REDIRECT };

struct xr {
	struct ebn_node *nt;
	struct ebn_rows *rows;
	struct ebn_services *sv;
	struct ebpfnet_diag *diag;
	struct ebn_xdp_set *conn;	/* sets of the table */
	uint32_t sets;
	int prog;
	uint32_t insns;
	uint32_t ifindex;
};
extern struct xr xr;

struct xr_result {
	int action;
	enum ebn_reason reason;
	struct packet out;
};

/* sets of the connection table; 0: 64. weak: as for CPUs that reorder loads. */
void xr_open(uint32_t sets, bool weak);
void xr_close(void);
void xr_run(const struct packet *p, struct xr_result *ret);
uint64_t xr_counter(enum ebn_xdp_counter c);
void xr_svc_stat(uint32_t service, struct ebn_xdp_svc_stat *ret);
int xr_map(const char *name);
/* What is free after a grace period. */
void xr_grace(void);

#endif
