/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#include "datapath/qdisc.h"
#include "datapath/private.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>

#define EBN_FQ_HORIZON_US 2000000u	/* of a delivery time: as the programs' (bpf/lib/rate.h) */
#define EBN_FQ_PACKETS 100u		/* what fq keeps of a flow when nobody says otherwise */
/* linux/pkt_sched.h of before Linux 5.8 has no such attribute */
#define EBN_TCA_FQ_HORIZON 14

/* fq drops, or sends early, what is due behind its horizon. */
static void ebn_fq_see(const struct nlattr *options, struct ebn_qdiscs *q)
{
	uint32_t packets = EBN_FQ_PACKETS, horizon = EBN_FQ_HORIZON_US;
	const struct nlattr *attr;

	if (options)
		mnl_attr_for_each_nested(attr, options) {
			if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
				continue;
			if (mnl_attr_get_type(attr) == TCA_FQ_FLOW_PLIMIT)
				packets = mnl_attr_get_u32(attr);
			if (mnl_attr_get_type(attr) == EBN_TCA_FQ_HORIZON)
				horizon = mnl_attr_get_u32(attr);
		}
	if (!packets || horizon < EBN_FQ_HORIZON_US)
		return;
	if (!q->fq || packets < q->packets)
		q->packets = packets;
	q->fq++;
}

int ebn_qdisc_see(const struct nlmsghdr *nlh, void *qdiscs)
{
	const struct nlattr *attr, *options = NULL;
	struct ebn_qdiscs *q = qdiscs;
	const struct tcmsg *tcm;
	const char *kind = "";
	bool root;

	if (nlh->nlmsg_type != RTM_NEWQDISC || mnl_nlmsg_get_payload_len(nlh) < sizeof(*tcm))
		return 0;
	tcm = mnl_nlmsg_get_payload(nlh);
	if ((uint32_t)tcm->tcm_ifindex != q->ifindex)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*tcm)) {
		if (mnl_attr_get_type(attr) == TCA_KIND && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			kind = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			options = attr;
	}
	root = tcm->tcm_parent == TC_H_ROOT;
	if (root) {
		q->root = true;
		q->handle = tcm->tcm_handle;
		q->mq = !strcmp(kind, "mq");
	} else if (!q->mq || TC_H_MAJ(tcm->tcm_parent) != TC_H_MAJ(q->handle)) {
		/* ingress, or further down */
		return 0;
	} else {
		q->queues++;
	}
	if (!strcmp(kind, "fq"))
		ebn_fq_see(options, q);
	return 0;
}

bool ebn_qdiscs_pace(const struct ebn_qdiscs *q)
{
	return q->root && q->fq && (!q->mq || q->fq == q->queues);
}

int ebn_nl_qdiscs(struct ebn_nl *nl, uint32_t ifindex, struct ebn_qdiscs *ret)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_GETQDISC, NLM_F_DUMP);
	struct tcmsg *tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));

	memset(ret, 0, sizeof(*ret));
	ret->ifindex = ifindex;
	tcm->tcm_family = AF_UNSPEC;
	return ebn_nl_talk(nl, nlh, ebn_qdisc_see, ret, NULL, "queueing disciplines");
}

static int ebn_nl_root(struct ebn_nl *nl, uint16_t type, uint16_t flags, const struct tcmsg *what, const char *kind,
		       struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, type, flags | NLM_F_ACK);
	struct tcmsg *tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));

	*tcm = *what;
	if (kind)
		mnl_attr_put_strz(nlh, TCA_KIND, kind);
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the queueing discipline cannot be changed");
}

int ebn_nl_fq_set(struct ebn_nl *nl, const struct ebn_qdiscs *q, struct ebpfnet_diag *diag)
{
	struct tcmsg tcm = { .tcm_ifindex = (int)q->ifindex, .tcm_parent = TC_H_ROOT, .tcm_handle = EBN_FQ_HANDLE };
	const uint16_t replace = NLM_F_CREATE | NLM_F_REPLACE;
	uint32_t i;
	int r;

	if (!q->mq)
		return ebn_nl_root(nl, RTM_NEWQDISC, replace, &tcm, "fq", diag);
	/* the kernel's own mq has no handle, and nothing can be put below it */
	if (q->handle != EBN_FQ_HANDLE) {
		r = ebn_nl_root(nl, RTM_NEWQDISC, replace, &tcm, "mq", diag);
		if (r < 0)
			return r;
	}
	tcm.tcm_handle = 0;
	for (i = 1; i <= q->queues; i++) {
		tcm.tcm_parent = TC_H_MAKE(EBN_FQ_HANDLE, i);
		r = ebn_nl_root(nl, RTM_NEWQDISC, replace, &tcm, "fq", diag);
		if (r < 0)
			return r;
	}
	return 0;
}

int ebn_nl_fq_del(struct ebn_nl *nl, uint32_t ifindex)
{
	struct tcmsg tcm = { .tcm_ifindex = (int)ifindex, .tcm_parent = TC_H_ROOT, .tcm_handle = EBN_FQ_HANDLE };

	return ebn_nl_root(nl, RTM_DELQDISC, 0, &tcm, NULL, NULL);
}
