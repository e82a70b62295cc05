/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From one program of the set to another: what goes on, in what is left to whom. */
#ifndef EBN_LIB_STAGE_H
#define EBN_LIB_STAGE_H

#include "lib/conntrack.h"
#include "lib/deliver.h"
#include "lib/flow_old.h"
#include "lib/run.h"

/* Where programs go on. Each set has its own. */
enum ebn_stage_index {
	EBN_GO_FROM_EP,
	EBN_GO_SVC_OUT,
	EBN_GO_SVC_BACK,
	EBN_GO_SVC_NONE,
	EBN_GO_SVC_IN,
	EBN_GO_FROM_NETDEV,
	EBN_GO_HOST,
	EBN_GO_TOO_BIG,
	EBN_GO_EGRESS,
	EBN_GO_CARRIED,
	EBN_GO_SVC_ABROAD,
	EBN_GO_SVC_HOME,
	EBN_GO_SVC_DIRECT,
	EBN_GO_SVC_LANDED,
	EBN_GO_MAX,
};
int ebn_from_ep(struct __sk_buff *skb);
int ebn_from_netdev(struct __sk_buff *skb);
int ebn_svc_out(struct __sk_buff *skb);
int ebn_svc_back(struct __sk_buff *skb);
int ebn_svc_none(struct __sk_buff *skb);
int ebn_svc_in(struct __sk_buff *skb);
int ebn_host(struct __sk_buff *skb);
int ebn_too_big(struct __sk_buff *skb);
int ebn_egress(struct __sk_buff *skb);
int ebn_carried(struct __sk_buff *skb);
int ebn_svc_abroad(struct __sk_buff *skb);
int ebn_svc_home(struct __sk_buff *skb);
int ebn_svc_direct(struct __sk_buff *skb);
int ebn_svc_landed(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, EBN_GO_MAX);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct __sk_buff *));
} ebn_stage SEC(".maps") = {
	.values = {
		[EBN_GO_FROM_EP] = &ebn_from_ep,
		[EBN_GO_SVC_OUT] = &ebn_svc_out,
		[EBN_GO_SVC_BACK] = &ebn_svc_back,
		[EBN_GO_SVC_NONE] = &ebn_svc_none,
		[EBN_GO_SVC_IN] = &ebn_svc_in,
		[EBN_GO_FROM_NETDEV] = &ebn_from_netdev,
		[EBN_GO_HOST] = &ebn_host,
		[EBN_GO_TOO_BIG] = &ebn_too_big,
		[EBN_GO_EGRESS] = &ebn_egress,
		[EBN_GO_CARRIED] = &ebn_carried,
		[EBN_GO_SVC_ABROAD] = &ebn_svc_abroad,
		[EBN_GO_SVC_HOME] = &ebn_svc_home,
		[EBN_GO_SVC_DIRECT] = &ebn_svc_direct,
		[EBN_GO_SVC_LANDED] = &ebn_svc_landed,
	},
};

/* The rest is another program's. */
static __always_inline int to_service(struct __sk_buff *skb, struct ebn_pkt *p)
{
	bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_BACK);
	return ebn_drop_for(p, EBN_R_TABLES);
}

/*
 * While devices change their programs one by one, everything is still up to those before these: they go on, and do not come
 * back. True: they are not there.
 */
static __always_inline bool hand_back(struct __sk_buff *skb, __u32 before)
{
	if (!EBN_UNLIKELY(ebn_cfg.has_old) || ebn_flow_stage() != EBN_STAGE_OLD)
		return false;
	bpf_tail_call(skb, &ebn_before, before);
	return true;
}

/* No endpoint's, and no service's: the host's, or on its way through. It passes, unless the host has a policy to ask. */
static __always_inline int to_host(struct __sk_buff *skb, __u32 out)
{
	struct ebn_run *run;

	if (!(ebn_ct_switches() & EBN_NODE_F_HOST))
		return TC_ACT_OK;
	run = ebn_run_get();
	if (!run)
		return TC_ACT_SHOT;
	run->host_out = out;
	bpf_tail_call(skb, &ebn_stage, EBN_GO_HOST);
	return ebn_drop_for(&run->p, EBN_R_TABLES);
}

#endif
