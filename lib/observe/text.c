// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <netinet/in.h>

#include "observe/emit.h"
#include "observe/internal.h"

/* A name when there is one, else the address, with what the identity says when that is one word. */
static void put_side(struct ebn_out *o, const struct ebpfnet_flow_side *s, const struct ebpfnet_event *e,
		     const struct ebpfnet_addr *addr)
{
	static const char reserved[] = "reserved:";
	const char *end;

	if (s->name) {
		ebn_put_plain(o, s->name);
		return;
	}
	if (!(e->flags & EBPFNET_EVENT_F_L3))
		EBN_PUT(o, "?");
	else
		ebn_put_addr(o, addr);
	end = strchrnul(s->labels, ';');
	if (!strncmp(s->labels, reserved, sizeof(reserved) - 1) && *end && !end[1]) {
		EBN_PUT(o, " (");
		ebn_put(o, s->labels + sizeof(reserved) - 1, (size_t)(end - s->labels) - sizeof(reserved) + 1);
		EBN_PUT(o, ")");
	}
}

static void put_protocol(struct ebn_out *o, const struct ebpfnet_event *e)
{
	const char *name = ebn_protocol_name(e->protocol), *icmp;

	if (!(e->flags & EBPFNET_EVENT_F_L3)) {
		EBN_PUT(o, "non-IP");
		return;
	}
	if (name) {
		ebn_put_str(o, name);
	} else {
		EBN_PUT(o, "protocol ");
		ebn_put_u64(o, e->protocol);
	}
	if (!(e->flags & EBPFNET_EVENT_F_L4))
		return;
	EBN_PUT(o, " ");
	if (e->protocol == IPPROTO_ICMP || e->protocol == IPPROTO_ICMPV6) {
		icmp = ebn_icmp_name(e->protocol == IPPROTO_ICMPV6, e->sport);
		if (icmp)
			ebn_put_str(o, icmp);
		else
			ebn_put_u64(o, e->sport);
	} else {
		/* the port that names the service: of the side that answers */
		ebn_put_u64(o, e->flags & EBPFNET_EVENT_F_REPLY ? e->sport : e->dport);
	}
}

static bool by_policy(uint8_t reason)
{
	return reason == EBN_R_NONE || reason == EBN_R_POLICY || reason == EBN_R_POLICY_RULE || reason == EBN_R_RECHECK;
}

static const char *word(const struct ebpfnet_event *e)
{
	switch (e->type) {
	case EBPFNET_EVENT_DROP:
		return by_policy(e->reason) ? "DENIED" : "DROPPED";
	case EBPFNET_EVENT_CLOSE:
		return "CLOSED";
	case EBPFNET_EVENT_SEEN:
		return "SEEN";
	default:
		break;
	}
	switch (e->verdict) {
	case EBN_V_ALLOW:
		return "ALLOWED";
	case EBN_V_REDIRECT:
		return "REDIRECTED";
	case EBN_V_AUDIT:
		return "AUDITED";
	case EBN_V_AUTH:
		return "AUTH-REQUIRED";
	default:
		return "DENIED";
	}
}

/* Text that a rule wants in logs. */
static void put_log(struct ebn_out *o, const char *log)
{
	EBN_PUT(o, " \"");
	ebn_put_plain(o, log);
	EBN_PUT(o, "\"");
}

/* Who decided: of a denial the sides that denied, else all that were asked. */
static void put_rules(struct ebn_out *o, const struct ebpfnet_flow *f)
{
	bool stopped = ebn_flow_egress_stopped(f) || ebn_flow_ingress_stopped(f);
	const char *egress = !stopped || ebn_flow_egress_stopped(f) ? f->egress_rule : NULL;
	const char *ingress = !stopped || ebn_flow_ingress_stopped(f) ? f->ingress_rule : NULL;

	if (!egress && !ingress)
		return;
	EBN_PUT(o, " by ");
	if (egress) {
		ebn_put_plain(o, egress);
		EBN_PUT(o, " (egress)");
	}
	if (egress && ingress)
		EBN_PUT(o, ", ");
	if (ingress) {
		ebn_put_plain(o, ingress);
		EBN_PUT(o, " (ingress)");
	}
	if (egress && f->egress_log)
		put_log(o, f->egress_log);
	if (ingress && f->ingress_log)
		put_log(o, f->ingress_log);
}

int ebpfnet_flow_to_text(const struct ebpfnet_flow *flow, char *buf, size_t size)
{
	const struct ebpfnet_event *e;
	struct ebn_out o;

	if (!flow || (!buf && size) || !flow->src.labels || !flow->dst.labels)
		return -EINVAL;
	e = &flow->event;
	ebn_out_init(&o, buf, size);
	ebn_put_time(&o, flow->realtime_ns, 3, false);
	EBN_PUT(&o, " ");
	put_side(&o, &flow->src, e, &e->src);
	EBN_PUT(&o, " -> ");
	put_side(&o, &flow->dst, e, &e->dst);
	EBN_PUT(&o, " ");
	put_protocol(&o, e);
	EBN_PUT(&o, " ");
	ebn_put_str(&o, word(e));
	if (e->type == EBPFNET_EVENT_DROP && !by_policy(e->reason)) {
		EBN_PUT(&o, ": ");
		ebn_put_str(&o, ebpfnet_reason_text(e->reason));
	} else if (e->type != EBPFNET_EVENT_SEEN) {
		put_rules(&o, flow);
	}
	if (e->flags & EBPFNET_EVENT_F_REPLY)
		EBN_PUT(&o, " [reply]");
	if (e->flags & EBPFNET_EVENT_F_RECHECK)
		EBN_PUT(&o, " [policy changed]");
	return ebn_out_end(&o);
}
