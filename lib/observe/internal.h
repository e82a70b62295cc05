/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the parts of observe/ share. */
#ifndef EBN_OBSERVE_INTERNAL_H
#define EBN_OBSERVE_INTERNAL_H

#include <ebpfnet/event.h>
#include <ebpfnet/flow.h>

#include "core/internal.h"
#include "ebn_event.h"
#include "ebn_node.h"
#include "ebn_reason.h"

/* Number of a reason in the common flow format, 0: it has none; and its name there, NULL: unknown number. */
unsigned int ebn_reason_number(uint32_t reason);
const char *ebn_reason_common_name(unsigned int number);
/* "deny", "allow", …; "?" when unknown. */
const char *ebn_verdict_name(uint8_t verdict);

/* The flow was stopped: a drop, or a verdict that stops it. */
static inline bool ebn_event_dropped(const struct ebpfnet_event *e)
{
	return e->type == EBPFNET_EVENT_DROP ||
	       (e->type == EBPFNET_EVENT_VERDICT && (e->verdict == EBN_V_DENY || e->verdict == EBN_V_AUTH));
}

/* Nobody asks for a verdict on a watched device; the end of a flow there comes with the zero that stands for a denial. */
static inline bool ebn_event_has_verdict(const struct ebpfnet_event *e)
{
	return e->type != EBPFNET_EVENT_SEEN && (e->type != EBPFNET_EVENT_CLOSE || e->verdict != EBN_V_DENY);
}

/*
 * Which side stopped a flow that policy stopped? Both are asked where both ends are here. A side that only audits lets
 * pass.
 */
static inline bool ebn_verdict_stops(uint8_t verdict)
{
	return verdict != EBN_V_ALLOW && verdict != EBN_V_AUDIT && verdict != EBPFNET_FLOW_NOT_ASKED;
}
static inline bool ebn_flow_egress_stopped(const struct ebpfnet_flow *f)
{
	return ebn_event_dropped(&f->event) && ebn_verdict_stops(f->egress_verdict);
}
static inline bool ebn_flow_ingress_stopped(const struct ebpfnet_flow *f)
{
	return ebn_event_dropped(&f->event) && ebn_verdict_stops(f->ingress_verdict);
}

/* "TCP", "ICMPv4", …; NULL for protocols without a name. */
const char *ebn_protocol_name(uint8_t protocol);
/* "EchoRequest", …; NULL: no name. */
const char *ebn_icmp_name(bool v6, uint16_t type);

#endif
