// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asks every look-up of lib/node.h what is in `probe`. */
#include "lib/node.h"
#include "node_probe.h"

struct ebn_probe probe;

static __always_inline void ask_endpoint(const struct ebn_view *v)
{
	const struct ebn_ep_line6 *line6;
	const struct ebn_ep_row *ep;

	probe.row = ebn_ifindex_row(v, probe.ifindex);
	probe.ep_ifindex = probe.ep_gw6 = 0;
	if (probe.row < 0)
		return;
	ep = ebn_ep_line(v, probe.row);
	line6 = ebn_ep_line6(v, probe.row);
	if (ep && line6) {
		probe.ep_ifindex = ep->ifindex;
		probe.ep_gw6 = line6->gw6[3];
	}
}

static __always_inline void ask_policy(const struct ebn_view *v)
{
	__u32 subject = probe.subject, peer = probe.peer_class, port = probe.port_class;
	struct ebn_policy_hit hit;

	if (probe.dir == EBN_INGRESS)
		probe.policy = ebn_policy_find(v, subject, EBN_INGRESS, peer, port, &hit);
	else
		probe.policy = ebn_policy_find(v, subject, EBN_EGRESS, peer, port, &hit);
	probe.decision = hit.index;
	probe.rule = hit.rule;
	probe.verdict = hit.verdict;
	probe.proxy_port = hit.proxy_port;
}

SEC("tc")
int node_probe(struct __sk_buff *skb)
{
	__u32 addr[4] = { probe.addr[0], probe.addr[1], probe.addr[2], probe.addr[3] };
	__u64 hash = ebn_addr_hash(addr);
	const struct ebn_live *live;
	struct ebn_addr_hit hit;
	struct ebn_view v;

	(void)skb;
	probe.opened = ebn_view_open(&v);
	if (probe.opened)
		return TC_ACT_SHOT;
	probe.epoch = ebn_epoch_subject(&v, probe.subject) + ebn_epoch_addr(&v, hash);
	probe.opened = ebn_view_renew(&v, probe.epoch);
	if (probe.opened)
		return TC_ACT_SHOT;
	probe.generation = v.generation;
	live = ebn_node_live(&v);
	probe.observe = live ? live->observe : 0;
	ask_endpoint(&v);
	hit = ebn_addr_find(&v, addr, hash);
	probe.identity = hit.identity;
	probe.addr_row = hit.row;
	probe.peer_class = ebn_peer_class(&v, hit.identity);
	probe.port_class = ebn_port_class(&v, probe.port_cell);
	ask_policy(&v);
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
