// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "observe/internal.h"

_Static_assert((int)EBPFNET_EVENT_VERDICT == (int)EBN_EV_VERDICT && (int)EBPFNET_EVENT_DROP == (int)EBN_EV_DROP &&
	       (int)EBPFNET_EVENT_CLOSE == (int)EBN_EV_CLOSE && (int)EBPFNET_EVENT_SEEN == (int)EBN_EV_SEEN,
	       "types are passed through");
_Static_assert(EBPFNET_EVENT_F_REPLY == EBN_EVF_REPLY && EBPFNET_EVENT_F_RECHECK == EBN_EVF_RECHECK &&
	       EBPFNET_EVENT_F_LOCAL == EBN_EVF_LOCAL && EBPFNET_EVENT_F_FRAGMENT == EBN_EVF_FRAGMENT &&
	       EBPFNET_EVENT_F_RELATED == EBN_EVF_RELATED && EBPFNET_EVENT_F_L3 == EBN_EVF_L3 &&
	       EBPFNET_EVENT_F_L4 == EBN_EVF_L4, "flags are passed through");

/* The flags, the addresses and the protocol must tell the same story. A reason may be newer than this library. */
static bool sane(const struct ebn_event *e, const struct ebpfnet_addr *src, const struct ebpfnet_addr *dst)
{
	if (e->type == EBN_EV_NONE || e->type > EBN_EV_SEEN || e->point > EBN_AT_TO_HOST || e->verdict > EBN_V_AUTH)
		return false;
	if (!(e->flags & EBN_EVF_L3))
		return !(e->flags & EBN_EVF_L4);
	if (e->flags & EBN_EVF_IPV6)
		return true;
	return ebpfnet_addr_family(src) == 4 && ebpfnet_addr_family(dst) == 4;
}

int ebpfnet_event_decode(const void *data, size_t len, struct ebpfnet_event *ret, size_t size)
{
	struct ebpfnet_event out;
	struct ebn_event e;

	if (!data || !ret)
		return -EINVAL;
	if (len < sizeof(e))
		return -EBADMSG;
	memcpy(&e, data, sizeof(e));
	if (e.abi != EBN_EVENT_ABI)
		return -EPROTO;
	memset(&out, 0, sizeof(out));
	memcpy(&out.src, e.src, sizeof(out.src));
	memcpy(&out.dst, e.dst, sizeof(out.dst));
	if (!sane(&e, &out.src, &out.dst))
		return -EBADMSG;
	if (!(e.flags & EBN_EVF_L3)) {
		memset(&out.src, 0, sizeof(out.src));
		memset(&out.dst, 0, sizeof(out.dst));
	}
	if (e.flags & EBN_EVF_L4) {
		out.sport = e.sport;
		out.dport = e.dport;
	}
	out.time_ns = e.time_ns;
	out.type = e.type;
	out.point = e.point;
	out.flags = e.flags & (uint8_t)~EBN_EVF_IPV6;
	out.verdict = e.verdict;
	out.reason = e.reason;
	out.protocol = e.proto;
	out.tcp_flags = e.tcp_flags;
	out.len = e.len;
	out.src_identity = e.src_identity;
	out.dst_identity = e.dst_identity;
	out.egress_decision = e.egress_decision;
	out.ingress_decision = e.ingress_decision;
	out.ep = e.ep;
	out.peer_ep = e.peer_ep;
	out.ifindex = e.ifindex;
	out.epoch = e.epoch;
	out.generation = e.generation;
	ebn_copy_out(ret, size, &out, sizeof(out));
	return 0;
}
