// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The datapath: one set of programs for every device. What each does, stage by stage: docs/packet-path.md.
 *
 *	ebn_from_ep	host side of an endpoint's device, ingress: what the endpoint sends
 *	ebn_to_ep	the same device, egress: what the stack sends to the endpoint
 *	ebn_from_netdev	the node's device, ingress: delivers to endpoints, leaves the rest to the stack
 *	ebn_to_netdev	the node's device, egress
 *	ebn_from_overlay	the tunnel's device, ingress: who may send from there; then as ebn_from_netdev
 *	ebn_to_overlay	the tunnel's device, egress: where to, and in whose name
 *	ebn_watch_in/out any device: reports new flows, changes and drops nothing
 *	ebn_svc_out/back the endpoints' programs go on here with packets to and from services
 *	ebn_svc_none	and here with those that no backend takes
 *	ebn_svc_in	the node's devices' with packets of clients outside, then ebn_svc_out
 *	ebn_svc_abroad	and ebn_svc_out with those whose backends are elsewhere
 *	ebn_svc_home	ebn_carried with the answers to these
 *	ebn_too_big	answers what the way takes no packets of the size of
 *	ebn_egress	ebn_from_ep and ebn_from_overlay go on here with what leaves by an egress gateway
 *	ebn_carried	the node's devices' with what may be an answer to that
 *	ebn_host	and with those of the host itself, both ways, when it is an endpoint
 *	ebn_clock	the tick, for user space
 *
 * A program ends in a forwarding action only at the end of a path that asked every question on it; whatever is missing on
 * the way there ends in a drop with its reason.
 */
#include "lib/carry.h"
#include "lib/conntrack.h"
#include "lib/cut.h"
#include "lib/deliver.h"
#include "lib/egress.h"
#include "lib/endpoint.h"
#include "lib/event.h"
#include "lib/frag.h"
#include "lib/gateway.h"
#include "lib/host.h"
#include "lib/icmp.h"
#include "lib/judge.h"
#include "lib/nat.h"
#include "lib/nat_known.h"
#include "lib/neigh.h"
#include "lib/parse.h"
#include "lib/pkt.h"
#include "lib/policy.h"
#include "lib/rate.h"
#include "lib/run.h"
#include "lib/sctp.h"
#include "lib/service_carry.h"
#include "lib/service_deliver.h"
#include "lib/service_direct.h"
#include "lib/service_none.h"
#include "lib/service_tc.h"
#include "lib/stage.h"
#include "lib/stat.h"
#include "lib/to_netdev.h"
#include "lib/tunnel.h"
#include "lib/watch.h"

static __always_inline int from_ep_ip(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v,
				      const struct ebn_ep_row *ep, const bool v6)
{
	enum ebn_reason reason;
	int action;

	/* once: ebn_svc_out comes back with the packet as it is now */
	if (!EBN_READ(p->kept)) {
		reason = ebn_parse(skb, p, v6);
		if (reason)
			return ebn_drop_for(p, reason);
		if (v6 && ebn_is_nd(p)) {
			action = ebn_nd_from_ep(skb, p);
			if (action == EBN_NEIGH_ANSWERED)
				return bpf_redirect(p->ifindex, 0);
			return action ? ebn_drop_for(p, action) : TC_ACT_OK;
		}
		if (!ebn_ep_has(v, ep, p->src, p->row[0], v6))
			return ebn_drop_for(p, EBN_R_SOURCE_IP);
		if (ebn_is_multicast(p->dst, v6))
			return ebn_drop_for(p, EBN_R_MULTICAST);
		if (ebn_svc_wanted(v, p, v6)) {
			bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_OUT);
			return ebn_drop_for(p, EBN_R_TABLES);
		}
	}
	reason = judge(skb, p, v, v6, true);
	if (reason) {
		if (p->svc)
			ebn_svc_denied(p);
		return refuse(skb, p, reason);
	}
	passed(p);
	if (ebn_svc_flow(p))
		return to_service(skb, p);
	if (p->row[1]) {
		action = to_local(skb, p, v, v6);
		if (action != TC_ACT_UNSPEC)
			return action;
	} else if (ebn_gateway_wanted(v, p)) {
		bpf_tail_call(skb, &ebn_stage, EBN_GO_EGRESS);
		return ebn_drop_for(p, EBN_R_TABLES);
	}
	return ebn_deliver_stack(skb, ep);
}

SEC("tc")
int ebn_from_ep(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_FROM_ENDPOINT, 0);
	const struct ebn_ep_row *ep = 0;
	struct ebn_eth *eth;
	struct ebn_view v;
	int action;

	if (!p)
		return TC_ACT_SHOT;
	if (hand_back(skb, EBN_BEFORE_FROM_EP))
		return ebn_drop_for(p, EBN_R_TABLES);
	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	p->row[0] = ebn_ep_by_ifindex(&v, p->ifindex, &ep);
	if (!p->row[0] || !ep)
		return ebn_drop_for(p, EBN_R_NO_ENDPOINT);
	p->ep[0] = ep->id;
	p->zone = ep->zone;
	p->soft = !(EBN_READ(ep->flags) & EBN_EP_F_ENFORCE);
	ebn_pkt_head(skb);
	if (skb->vlan_present)
		return ebn_drop_for(p, EBN_R_VLAN);
	eth = ebn_data(skb);
	if ((void *)(eth + 1) > ebn_data_end(skb))
		return ebn_drop_for(p, EBN_R_TRUNCATED);
	if (!ebn_mac_eq(eth->src, ep->mac))
		return ebn_drop_for(p, EBN_R_SOURCE_MAC);
	switch (bpf_ntohs(eth->proto)) {
	case EBN_ETH_IP4:
		return from_ep_ip(skb, p, &v, ep, false);
	case EBN_ETH_IP6:
		return from_ep_ip(skb, p, &v, ep, true);
	case EBN_ETH_ARP:
		action = ebn_arp_from_ep(skb, p->row[0]);
		if (action == EBN_NEIGH_ANSWERED)
			return bpf_redirect(p->ifindex, 0);
		return action ? ebn_drop_for(p, action) : TC_ACT_OK;
	case EBN_ETH_VLAN:
	case EBN_ETH_QINQ:
		return ebn_drop_for(p, EBN_R_VLAN);
	default:
		return ebn_drop_for(p, EBN_R_L3_PROTOCOL);
	}
}

static __always_inline int to_ep_ip(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v,
				    const struct ebn_ep_row *ep, const bool v6)
{
	enum ebn_reason reason = ebn_parse(skb, p, v6);

	if (reason)
		return ebn_drop_for(p, reason);
	if (v6 && ebn_is_nd(p)) {
		reason = ebn_nd_to_ep(skb, p);
		return reason ? ebn_drop_for(p, reason) : TC_ACT_OK;
	}
	if (ebn_is_multicast(p->dst, v6))
		return ebn_drop_for(p, EBN_R_MULTICAST);
	if (!ebn_ep_has(v, ep, p->dst, p->row[1], v6))
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	/* nobody has counted what the host sends */
	if (EBN_READ(ebn_node_live(v)->flags) & EBN_NODE_F_HOST)
		p->host = ebn_host_at((struct ebn_address *)p->src);
	reason = judge(skb, p, v, v6, false);
	if (reason)
		return refuse(skb, p, reason);
	passed(p);
	return ebn_svc_flow(p) ? to_service(skb, p) : TC_ACT_OK;
}

SEC("tc")
int ebn_to_ep(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_TO_ENDPOINT, 1);
	const struct ebn_ep_row *ep = 0;
	struct ebn_view v;
	int reason;

	if (!p)
		return TC_ACT_SHOT;
	if (hand_back(skb, EBN_BEFORE_TO_EP))
		return ebn_drop_for(p, EBN_R_TABLES);
	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	p->row[1] = ebn_ep_by_ifindex(&v, p->ifindex, &ep);
	if (!p->row[1] || !ep)
		return ebn_drop_for(p, EBN_R_NO_ENDPOINT);
	p->ep[1] = ep->id;
	p->zone = ep->zone;
	p->soft = !(EBN_READ(ep->flags) & EBN_EP_F_ENFORCE);
	ebn_pkt_head(skb);
	if (skb->vlan_present)
		return ebn_drop_for(p, EBN_R_VLAN);
	switch (ebn_pkt_link(skb)) {
	case EBN_ETH_IP4:
		return to_ep_ip(skb, p, &v, ep, false);
	case EBN_ETH_IP6:
		return to_ep_ip(skb, p, &v, ep, true);
	case EBN_ETH_ARP:
		reason = ebn_arp_to_ep(skb, p->row[1]);
		return reason ? ebn_drop_for(p, reason) : TC_ACT_OK;
	case EBN_ETH_VLAN:
	case EBN_ETH_QINQ:
		return ebn_drop_for(p, EBN_R_VLAN);
	case 0:
		return ebn_drop_for(p, EBN_R_TRUNCATED);
	default:
		return ebn_drop_for(p, EBN_R_L3_PROTOCOL);
	}
}

/* The endpoint in row[1]; an address is an endpoint's, so nobody else may have it while its row is on the move. */
static __always_inline bool from_netdev_ep(struct ebn_pkt *p, struct ebn_view *v, const struct ebn_ep_row **ret)
{
	const struct ebn_ep_row *ep = ebn_ep_line(v, p->row[1] - 1);

	if (!ep || !(EBN_READ(ep->flags) & EBN_EP_F_LIVE))
		return false;
	p->ep[1] = ep->id;
	p->zone = ep->zone;
	p->soft = !(EBN_READ(ep->flags) & EBN_EP_F_ENFORCE);
	*ret = ep;
	return true;
}

/* An answer to what the node carries, a service's, or the host's. */
static __always_inline int not_an_endpoints(struct __sk_buff *skb, struct ebn_pkt *p)
{
	if (ebn_ct_switches() & EBN_NODE_F_CARRY)
		bpf_tail_call(skb, &ebn_stage, EBN_GO_CARRIED);
	if (ebn_svc_maybe_at((struct ebn_address *)p->dst))
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_IN);
	return to_host(skb, 0);
}

/*
 * From the node's device. The destination decides whose packet it is, before anything else is asked: what is not for an
 * endpoint here is the host's.
 */
static __always_inline int from_netdev_ip(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_view *v, const bool v6)
{
	void *ip = ebn_data(skb) + EBN_ETH_LEN;
	const struct ebn_ep_row *ep;
	enum ebn_reason reason;
	__u32 nat;
	int action;

	if (ip + (v6 ? sizeof(struct ebn_ip6) : sizeof(struct ebn_ip4)) > ebn_data_end(skb))
		return ebn_drop_for(p, EBN_R_TRUNCATED);
	if (v6) {
		__builtin_memcpy(p->dst, ((struct ebn_ip6 *)ip)->dst, sizeof(p->dst));
	} else {
		p->dst[2] = EBN_MAPPED;
		p->dst[3] = ((struct ebn_ip4 *)ip)->dst;
	}
	p->row[1] = ebn_endpoint_row((struct ebn_address *)p->dst);
	/* verifier: by way of memory, or parsing would be followed twice */
	if (!p->row[1])
		EBN_WRITE(p->nat_off, ebn_nat_row_at((struct ebn_address *)p->dst, v6));
	else if (!from_netdev_ep(p, v, &ep))
		return ebn_drop_for(p, EBN_R_NO_ENDPOINT);
	if (!EBN_READ(p->row[1]) && !EBN_READ(p->nat_off))
		return not_an_endpoints(skb, p);
	p->tell = 1;
	reason = ebn_parse(skb, p, v6);
	nat = EBN_READ(p->nat_off);
	if (nat) {
		/* what is broken, and what nobody here asked for, is the host's */
		action = reason ? EBN_NAT_NONE : v6 ? ebn_nat6_in(skb, p, nat) : ebn_nat4_in(skb, p, nat);
		if (action != EBN_NAT_DONE)
			return action == EBN_NAT_NONE ? not_an_endpoints(skb, p) : ebn_drop_for(p, action);
	} else if (reason) {
		/* verifier: no branch; there is no program for any other reason */
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_LANDED + ((reason ^ EBN_R_SVC_OPTION) << 8));
		return ebn_drop_for(p, reason);
	}
	if (!from_netdev_ep(p, v, &ep))
		return ebn_drop_for(p, EBN_R_NO_ENDPOINT);
	if (!ebn_ep_has(v, ep, p->dst, p->row[1], v6))
		return ebn_drop_for(p, EBN_R_NO_ROUTE);
	if (!(EBN_READ(ep->flags) & EBN_EP_F_REDIRECT) || p->ttl <= 1) {
		if (p->svc)
			return ebn_drop_for(p, p->ttl <= 1 ? EBN_R_TTL : EBN_R_NO_ROUTE);
		/* ebn_to_ep judges what the stack brings there, but cannot tell where it came from */
		return ebn_address_row((struct ebn_address *)p->src) ? ebn_drop_for(p, EBN_R_SOURCE_IP) : TC_ACT_OK;
	}
	reason = judge(skb, p, v, v6, false);
	if (reason) {
		if (p->svc)
			ebn_svc_denied(p);
		return refuse(skb, p, reason);
	}
	if (EBN_READ(p->nat))
		ebn_nat_answered(v6);
	passed(p);
	if (ebn_svc_flow(p))
		return to_service(skb, p);
	action = to_local(skb, p, v, v6);
	return action == TC_ACT_UNSPEC ? TC_ACT_OK : action;
}

SEC("tc")
int ebn_from_netdev(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 1);
	struct ebn_view v;

	if (!p)
		return TC_ACT_SHOT;
	if (hand_back(skb, EBN_BEFORE_FROM_NETDEV))
		return ebn_drop_for(p, EBN_R_TABLES);
	/* tagged frames are for other devices of the host, others for other hosts */
	if (skb->vlan_present || skb->pkt_type == PACKET_OTHERHOST)
		return TC_ACT_OK;
	ebn_pkt_head(skb);
	switch (ebn_pkt_link(skb)) {
	case EBN_ETH_IP4:
		if (ebn_view_open(&v))
			return ebn_drop_for(p, EBN_R_TABLES);
		return from_netdev_ip(skb, p, &v, false);
	case EBN_ETH_IP6:
		if (ebn_view_open(&v))
			return ebn_drop_for(p, EBN_R_TABLES);
		return from_netdev_ip(skb, p, &v, true);
	default:
		return TC_ACT_OK;
	}
}

SEC("tc")
int ebn_to_netdev(struct __sk_buff *skb)
{
	bool lost = hand_back(skb, EBN_BEFORE_TO_NETDEV);
	int rc = EBN_NAT_NONE;
	struct ebn_view v;
	struct ebn_pkt *p;
	__u32 off;

	/* tagged frames are of other devices of the host */
	if (skb->vlan_present)
		return TC_ACT_OK;
	ebn_pkt_head(skb);
	switch (ebn_pkt_link(skb)) {
	case EBN_ETH_IP4:
		if (!lost)
			rc = ebn_nat4_known(skb);
		break;
	case EBN_ETH_IP6:
		if (!lost)
			rc = ebn_nat6_known(skb);
		break;
	default:
		return TC_ACT_OK;
	}
	if (!rc)
		return TC_ACT_OK;
	if (rc == EBN_NAT_NO_ROW)
		return to_host(skb, 1);
	p = ebn_run_begin(skb, EBN_AT_TO_NETDEV, 0);
	if (!p)
		return TC_ACT_SHOT;
	if (rc != EBN_NAT_NONE)
		return ebn_drop_for(p, rc);
	off = ebn_nat_row_of(p->ifindex);
	if (!off)
		return to_host(skb, 1);
	if (lost)
		return ebn_drop_for(p, EBN_R_TABLES);
	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	if (ebn_pkt_link(skb) == EBN_ETH_IP6)
		rc = to_netdev_ip(skb, p, &v, off, true);
	else
		rc = to_netdev_ip(skb, p, &v, off, false);
	/* an endpoint's was judged where it was sent */
	return rc == TC_ACT_OK && !EBN_READ(p->row[0]) ? to_host(skb, 1) : rc;
}

/*
 * From ebn_from_ep or ebn_from_netdev, with its packet: to what may be a frontend. It goes back there, with another destination or
 * as it is.
 */
SEC("tc")
int ebn_svc_out(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();
	int rc;

	if (!run)
		return TC_ACT_SHOT;
	run->svc.begun = 0;
	rc = run->p.v6 ? ebn_svc_to_backend(skb, run, true) : ebn_svc_to_backend(skb, run, false);
	if (rc > EBN_SVC_OK)
		ebn_svc_not_passed(run, rc - EBN_SVC_OK);
	if (rc == EBN_SVC_OK + EBN_R_SVC_NO_BACKEND && !(run->ask.flags & EBN_SVC_F_SILENT))
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_NONE);
	if (rc > EBN_SVC_OK)
		return ebn_drop_for(&run->p, rc - EBN_SVC_OK);
	if (rc == EBN_SVC_SELF)
		return ebn_svc_self_deliver(skb, run);
	/* from outside: what is not served here is the host's */
	if (run->p.point != EBN_AT_FROM_ENDPOINT && rc == EBN_SVC_NOT)
		return to_host(skb, 0);
	ebn_svc_keep(run, rc == EBN_SVC_OK);
	run->svc.carry = 0;
	if (rc == EBN_SVC_OK && ebn_svc_is_abroad())
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_ABROAD);
	else if (run->p.point == EBN_AT_FROM_ENDPOINT)
		bpf_tail_call(skb, &ebn_stage, EBN_GO_FROM_EP);
	else
		bpf_tail_call(skb, &ebn_stage, EBN_GO_FROM_NETDEV);
	run->svc.state = EBN_SVC_NEW;
	return ebn_drop_for(&run->p, EBN_R_TABLES);
}

/* From ebn_from_netdev: to what may be a frontend. Parsed here, ebn_from_netdev has no room left. */
SEC("tc")
int ebn_svc_in(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 1);
	enum ebn_reason reason;

	if (!p)
		return TC_ACT_SHOT;
	reason = ebn_pkt_link(skb) == EBN_ETH_IP6 ? ebn_parse(skb, p, true) : ebn_parse(skb, p, false);
	if (!reason && ebn_svc_vip_at((struct ebn_address *)p->dst))
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_OUT);
	return to_host(skb, 0);
}

/* From the node's devices' programs: to the host, or out of it (run->host_out), when the host is an endpoint. */
SEC("tc")
int ebn_host(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_view v;
	struct ebn_pkt *p;
	__u32 out;
	int whose;

	if (!run)
		return TC_ACT_SHOT;
	out = EBN_READ(run->host_out) & 1;
	p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 1);
	if (!p)
		return TC_ACT_SHOT;
	EBN_WRITE(p->point, out ? EBN_AT_TO_NETDEV : EBN_AT_FROM_NETDEV);
	EBN_WRITE(p->side, out ^ 1);
	if (ebn_view_open(&v))
		return ebn_drop_for(p, EBN_R_TABLES);
	whose = ebn_host_begin(skb, p, &v, out);
	if (whose)
		return whose < 0 ? ebn_drop_for(p, -whose) : TC_ACT_OK;
	return EBN_READ(p->v6) ? ebn_host_ip(skb, p, &v, true) : ebn_host_ip(skb, p, &v, false);
}

/* From ebn_svc_out: to a service without a backend that takes it. */
SEC("tc")
int ebn_svc_none(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return ebn_svc_refuse(skb, run, ebn_drop_for(&run->p, EBN_R_SVC_NO_BACKEND));
}

/* From ebn_svc_back: for a way that takes no packets of this size. */
SEC("tc")
int ebn_too_big(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return ebn_icmp_too_big(skb, &run->p, run->mtu, ebn_drop_for(&run->p, EBN_R_TOO_BIG));
}

/* From ebn_from_ep or ebn_svc_back, behind the verdict, or from ebn_from_overlay: to an egress gateway, or this node is it. */
SEC("tc")
int ebn_egress(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return run->p.v6 ? ebn_gateway_out(skb, run, true) : ebn_gateway_out(skb, run, false);
}

/*
 * From ebn_from_netdev, which knows the destination, of a node that carries others' flows: what clients outside send to services, an
 * answer from outside, or one of the others' packets.
 */
SEC("tc")
int ebn_carried(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();
	struct ebn_pkt *p;
	int rc;

	if (!run)
		return TC_ACT_SHOT;
	if (ebn_svc_maybe_at((struct ebn_address *)run->p.dst)) {
		rc = ebn_pkt_link(skb) == EBN_ETH_IP6 ? ebn_svc_known(skb, true) : ebn_svc_known(skb, false);
		if (rc != EBN_SVC_ASK)
			return rc;
	}
	p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 1);
	if (!p)
		return TC_ACT_SHOT;
	rc = ebn_pkt_link(skb) == EBN_ETH_IP6 ? ebn_gateway_in(skb, run, true) : ebn_gateway_in(skb, run, false);
	if (rc != TC_ACT_UNSPEC)
		return rc;
	if (ebn_svc_maybe_at((struct ebn_address *)p->dst))
		bpf_tail_call(skb, &ebn_stage, EBN_GO_SVC_IN);
	return to_host(skb, 0);
}

/* From ebn_svc_out: of a client outside, to a backend that is no endpoint here. */
SEC("tc")
int ebn_svc_abroad(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return run->p.v6 ? ebn_svc_abroad_go(skb, run, true) : ebn_svc_abroad_go(skb, run, false);
}

/* From ebn_carried: what such a backend answers. */
SEC("tc")
int ebn_svc_home(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return run->p.v6 ? ebn_svc_home_go(skb, run, true) : ebn_svc_home_go(skb, run, false);
}

/* From ebn_svc_abroad: to an endpoint of another node that answers the client itself. */
SEC("tc")
int ebn_svc_direct(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return run->p.v6 ? ebn_svc_direct_go(skb, run, true) : ebn_svc_direct_go(skb, run, false);
}

/* From ebn_from_netdev, with options, which may tell a frontend. */
SEC("tc")
int ebn_svc_landed(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return run->p.v6 ? ebn_svc_landed_go(skb, run, true) : ebn_svc_landed_go(skb, run, false);
}

/* Behind the verdict of any program on a packet of a service's flow. */
SEC("tc")
int ebn_svc_back(struct __sk_buff *skb)
{
	struct ebn_run *run = ebn_run_get();

	if (!run)
		return TC_ACT_SHOT;
	return run->p.v6 ? ebn_svc_deliver(skb, run, true) : ebn_svc_deliver(skb, run, false);
}

SEC("tc")
int ebn_from_overlay(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_FROM_OVERLAY, 0);
	enum ebn_reason reason = p ? ebn_overlay_receive(skb, p) : EBN_R_TABLES;

	if (!p)
		return TC_ACT_SHOT;
	return reason ? ebn_drop_for(p, reason) : TC_ACT_OK;
}

SEC("tc")
int ebn_to_overlay(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_TO_OVERLAY, 0);
	enum ebn_reason reason = p ? ebn_overlay_send(skb, p) : EBN_R_TABLES;

	if (!p)
		return TC_ACT_SHOT;
	if (reason)
		return ebn_drop_for(p, reason);
	return p->row[0] ? TC_ACT_OK : to_host(skb, 1);
}

SEC("tc")
int ebn_watch_in(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_FROM_NETDEV, 0);

	return p && !hand_back(skb, EBN_BEFORE_WATCH_IN) ? ebn_watch(skb, p) : TC_ACT_OK;
}

SEC("tc")
int ebn_watch_out(struct __sk_buff *skb)
{
	struct ebn_pkt *p = ebn_run_begin(skb, EBN_AT_TO_NETDEV, 0);

	return p && !hand_back(skb, EBN_BEFORE_WATCH_OUT) ? ebn_watch(skb, p) : TC_ACT_OK;
}

SEC("tc")
int ebn_clock(struct __sk_buff *skb)
{
	(void)skb;
	return (int)ebn_tick();
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
