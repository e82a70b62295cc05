/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A device's queueing disciplines: does it keep packets until they are due, and how many? */
#ifndef EBN_DATAPATH_QDISC_H
#define EBN_DATAPATH_QDISC_H

#include <stdbool.h>
#include <stdint.h>

struct ebn_nl;
struct ebpfnet_diag;
struct nlmsghdr;

/* The root that we put there is told from others' by its handle. */
#define EBN_FQ_HANDLE 0x4eb00000u

struct ebn_qdiscs {
	uint32_t ifindex;	/* whose */
	uint32_t handle;	/* the root's */
	uint32_t queues;	/* of an mq: disciplines below it */
	uint32_t fq;		/* of them, or the root itself: fq that keeps packets for two seconds */
	uint32_t packets;	/* the least that one of these keeps of a flow */
	bool root, mq;
};

/* One message of a dump; a root comes before what is below it. */
int ebn_qdisc_see(const struct nlmsghdr *nlh, void *qdiscs);
/* Do all that leave by the device wait until they are due? */
bool ebn_qdiscs_pace(const struct ebn_qdiscs *q);
int ebn_nl_qdiscs(struct ebn_nl *nl, uint32_t ifindex, struct ebn_qdiscs *ret);
/* fq in place of the root that is seen here, or of each queue's below an mq. */
int ebn_nl_fq_set(struct ebn_nl *nl, const struct ebn_qdiscs *q, struct ebpfnet_diag *diag);
/* Takes our root away: the device has what it would have without anybody. */
int ebn_nl_fq_del(struct ebn_nl *nl, uint32_t ifindex);

#endif
