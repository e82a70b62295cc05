// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Flows in the flow format that Hubble's tools read: proto field names, enums by name, zero values left out, a flow with
 * node_name and time beside it. What that format has no field for stands in a sibling object, "ebpfnet".
 */
#include <ebpfnet/version.h>
#include <netinet/in.h>

#include "observe/emit.h"
#include "observe/internal.h"

/* Message types and subtypes of the format. */
#define MESSAGE_DROP 1
#define MESSAGE_TRACE 4
#define MESSAGE_POLICY_VERDICT 5

#define LABELS_SHOWN_MAX 64
#define NAMESPACE_LABEL "k8s:io.kubernetes.pod.namespace="
#define CLUSTER_LABEL "k8s:io.cilium.k8s.policy.cluster="

static const struct {
	const char *name;	/* NULL: says nothing about where */
	uint8_t sub_type;
} points[] = {
	[EBN_AT_NONE] = { NULL, 0 },
	[EBN_AT_FROM_ENDPOINT] = { "FROM_ENDPOINT", 5 },
	[EBN_AT_TO_ENDPOINT] = { "TO_ENDPOINT", 0 },
	[EBN_AT_FROM_NETDEV] = { "FROM_NETWORK", 10 },
	[EBN_AT_TO_NETDEV] = { "TO_NETWORK", 11 },
	[EBN_AT_FROM_HOST] = { "FROM_HOST", 7 },
	[EBN_AT_TO_HOST] = { "TO_HOST", 2 },
	[EBN_AT_FROM_OVERLAY] = { "FROM_OVERLAY", 9 },
	[EBN_AT_TO_OVERLAY] = { "TO_OVERLAY", 4 },
};

static void put_quoted(struct ebn_out *o, const char *s, size_t len)
{
	EBN_PUT(o, "\"");
	ebn_put_json(o, s, len);
	EBN_PUT(o, "\"");
}

/* An id that is the same whoever reads the event: version 8 of RFC 9562, made from what tells it from all others. */
static void put_uuid(struct ebn_out *o, const struct ebpfnet_event *e)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t h[2], w[4];
	char buf[36], *p = buf;
	int i;

	memcpy(w, &e->src, 16);
	memcpy(w + 2, &e->dst, 16);
	h[0] = ebn_mix64(e->time_ns ^ ebn_mix64(w[0] ^ ebn_mix64(w[1] + e->type)));
	h[1] = ebn_mix64(h[0] ^ w[2] ^ ebn_mix64(w[3] ^ ((uint64_t)e->sport << 48 | (uint64_t)e->dport << 32 |
							   (uint64_t)e->protocol << 24 | (uint64_t)e->point << 16 |
							   e->ep)));
	h[0] = (h[0] & ~0xf000ull) | 0x8000;
	h[1] = (h[1] & ~(3ull << 62)) | 2ull << 62;
	for (i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*p++ = '-';
		*p++ = digits[h[i / 16] >> (60 - 4 * (i % 16)) & 15];
	}
	ebn_put(o, buf, sizeof(buf));
}

static const char *verdict(const struct ebpfnet_event *e)
{
	if (ebn_event_dropped(e))
		return "DROPPED";
	if (e->type != EBPFNET_EVENT_VERDICT)
		return "FORWARDED";
	if (e->verdict == EBN_V_REDIRECT)
		return "REDIRECTED";
	return e->verdict == EBN_V_AUDIT ? "AUDIT" : "FORWARDED";
}

static void put_tcp_flags(struct ebn_out *o, uint8_t flags)
{
	static const char names[8][4] = { "FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR" };
	bool first = true;
	int i;

	for (i = 0; i < 8; i++) {
		if (!(flags >> i & 1))
			continue;
		ebn_put(o, &",\""[first], 2 - (size_t)first);
		ebn_put(o, names[i], 3);
		EBN_PUT(o, "\":true");
		first = false;
	}
}

/* {"a":N,"b":N} without the zero ones. */
static bool put_two(struct ebn_out *o, const char *a, unsigned int va, const char *b, unsigned int vb)
{
	if (va) {
		ebn_put_str(o, a);
		ebn_put_u64(o, va);
	}
	if (va && vb)
		EBN_PUT(o, ",");
	if (vb) {
		ebn_put_str(o, b);
		ebn_put_u64(o, vb);
	}
	return va || vb;
}

static void put_l4(struct ebn_out *o, const struct ebpfnet_event *e)
{
	static const char sport[] = "\"source_port\":", dport[] = "\"destination_port\":";
	bool ports = e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP || e->protocol == IPPROTO_SCTP;
	bool icmp = e->protocol == IPPROTO_ICMP || e->protocol == IPPROTO_ICMPV6, any;

	if (!(e->flags & EBPFNET_EVENT_F_L4) || (!ports && !icmp))
		return;
	EBN_PUT(o, ",\"l4\":{\"");
	ebn_put_str(o, ebn_protocol_name(e->protocol));
	EBN_PUT(o, "\":{");
	if (icmp) {
		put_two(o, "\"type\":", e->sport, "\"code\":", e->dport);
	} else {
		any = put_two(o, sport, e->sport, dport, e->dport);
		if (e->protocol == IPPROTO_TCP) {
			if (any)
				EBN_PUT(o, ",");
			EBN_PUT(o, "\"flags\":{");
			put_tcp_flags(o, e->tcp_flags);
			EBN_PUT(o, "}");
		}
	}
	EBN_PUT(o, "}}");
}

static void put_ip(struct ebn_out *o, const struct ebpfnet_event *e)
{
	if (!(e->flags & EBPFNET_EVENT_F_L3))
		return;
	EBN_PUT(o, ",\"IP\":{\"source\":\"");
	ebn_put_addr(o, &e->src);
	EBN_PUT(o, "\",\"destination\":\"");
	ebn_put_addr(o, &e->dst);
	if (ebpfnet_addr_family(&e->src) == 6 || ebpfnet_addr_family(&e->dst) == 6)
		EBN_PUT(o, "\",\"ipVersion\":\"IPv6\"}");
	else
		EBN_PUT(o, "\",\"ipVersion\":\"IPv4\"}");
}

struct part {
	const char *p;
	size_t len;
};

static bool starts(struct part label, const char *prefix, size_t len)
{
	return label.len > len && !memcmp(label.p, prefix, len);
}

static unsigned int split_labels(const char *labels, struct part *parts)
{
	unsigned int n = 0;
	const char *end;

	for (; *labels && n < LABELS_SHOWN_MAX; labels = *end ? end + 1 : end) {
		end = strchrnul(labels, ';');
		parts[n++] = (struct part){ labels, (size_t)(end - labels) };
	}
	return n;
}

/* ,"name":"value" */
static void put_field(struct ebn_out *o, const char *name, const char *value, size_t len)
{
	EBN_PUT(o, ",\"");
	ebn_put_str(o, name);
	EBN_PUT(o, "\":");
	put_quoted(o, value, len);
}

/* The same where it may be the first of its object. */
static void put_member(struct ebn_out *o, const char **comma, const char *name, const char *value, size_t len)
{
	ebn_put_str(o, *comma);
	EBN_PUT(o, "\"");
	ebn_put_str(o, name);
	EBN_PUT(o, "\":");
	put_quoted(o, value, len);
	*comma = ",";
}

/* An endpoint's name may be "namespace/name"; else the namespace is a label's. */
static void put_side(struct ebn_out *o, const char *which, const struct ebpfnet_flow_side *s)
{
	const char *name = s->name ? s->name : "", *slash = strchr(name, '/');
	struct part parts[LABELS_SHOWN_MAX], ns = { name, slash ? (size_t)(slash - name) : 0 }, cluster = { NULL, 0 };
	unsigned int n = split_labels(s->labels, parts), i;
	const char *comma = "";

	for (i = 0; i < n; i++) {
		if (!ns.len && starts(parts[i], NAMESPACE_LABEL, sizeof(NAMESPACE_LABEL) - 1))
			ns = (struct part){ parts[i].p + sizeof(NAMESPACE_LABEL) - 1,
					    parts[i].len - sizeof(NAMESPACE_LABEL) + 1 };
		else if (starts(parts[i], CLUSTER_LABEL, sizeof(CLUSTER_LABEL) - 1))
			cluster = (struct part){ parts[i].p + sizeof(CLUSTER_LABEL) - 1,
						 parts[i].len - sizeof(CLUSTER_LABEL) + 1 };
	}
	ebn_put_str(o, which);
	if (put_two(o, "\"ID\":", s->endpoint, "\"identity\":", s->identity))
		comma = ",";
	if (cluster.len)
		put_member(o, &comma, "cluster_name", cluster.p, cluster.len);
	if (ns.len)
		put_member(o, &comma, "namespace", ns.p, ns.len);
	for (i = 0; i < n; i++) {
		ebn_put_str(o, comma);
		if (!i)
			EBN_PUT(o, "\"labels\":[");
		put_quoted(o, parts[i].p, parts[i].len);
		comma = ",";
	}
	if (n)
		EBN_PUT(o, "]");
	if (*name) {
		name = slash ? slash + 1 : name;
		put_member(o, &comma, "pod_name", name, strlen(name));
	}
	EBN_PUT(o, "}");
}

/*
 * Relative to the local endpoint and to the side that began the flow. Where both ends are local, policy of one side may
 * have stopped what the other let pass.
 */
static const char *direction(const struct ebpfnet_flow *f)
{
	const struct ebpfnet_event *e = &f->event;
	bool out = e->point == EBN_AT_FROM_ENDPOINT;

	if (!e->ep || (!out && e->point != EBN_AT_TO_ENDPOINT))
		return NULL;
	if (ebn_flow_egress_stopped(f) != ebn_flow_ingress_stopped(f))
		return ebn_flow_egress_stopped(f) ? "EGRESS" : "INGRESS";
	return out != !!(e->flags & EBPFNET_EVENT_F_REPLY) ? "EGRESS" : "INGRESS";
}

static void put_event_type(struct ebn_out *o, const struct ebpfnet_event *e)
{
	unsigned int type = MESSAGE_TRACE, sub_type = 0;

	if (e->type == EBPFNET_EVENT_DROP) {
		type = MESSAGE_DROP;
		sub_type = ebn_reason_number(e->reason);
	} else if (e->type == EBPFNET_EVENT_VERDICT) {
		type = MESSAGE_POLICY_VERDICT;
	} else if (e->point < EBN_ARRAY_SIZE(points)) {
		sub_type = points[e->point].sub_type;
	}
	EBN_PUT(o, ",\"event_type\":{\"type\":");
	ebn_put_u64(o, type);
	if (sub_type) {
		EBN_PUT(o, ",\"sub_type\":");
		ebn_put_u64(o, sub_type);
	}
	EBN_PUT(o, "}");
}

/* Drops say nothing about replies: the flow may not have been looked up yet. */
static void put_meaning(struct ebn_out *o, const struct ebpfnet_flow *f)
{
	const struct ebpfnet_event *e = &f->event;
	const char *dir = direction(f), *name;
	bool dropped = ebn_event_dropped(e), reply = e->flags & EBPFNET_EVENT_F_REPLY;
	unsigned int number = ebn_reason_number(e->reason);

	if (!dropped && reply)
		EBN_PUT(o, ",\"reply\":true");
	put_event_type(o, e);
	if (dir)
		put_field(o, "traffic_direction", dir, strlen(dir));
	if (e->type == EBPFNET_EVENT_SEEN || e->type == EBPFNET_EVENT_CLOSE) {
		name = e->point < EBN_ARRAY_SIZE(points) ? points[e->point].name : NULL;
		if (name)
			put_field(o, "trace_observation_point", name, strlen(name));
		name = reply ? "REPLY" : e->type == EBPFNET_EVENT_SEEN ? "NEW" : "ESTABLISHED";
		put_field(o, "trace_reason", name, strlen(name));
	}
	if (dropped && number) {
		name = ebn_reason_common_name(number);
		if (name) {
			put_field(o, "drop_reason_desc", name, strlen(name));
		} else {
			EBN_PUT(o, ",\"drop_reason_desc\":");
			ebn_put_u64(o, number);
		}
	}
	if (!dropped) {
		if (reply)
			EBN_PUT(o, ",\"is_reply\":true");
		else
			EBN_PUT(o, ",\"is_reply\":false");
	}
	if (e->ifindex) {
		EBN_PUT(o, ",\"interface\":{\"index\":");
		ebn_put_u64(o, e->ifindex);
		EBN_PUT(o, "}");
	}
}

/* "namespace/policy#rule" as a list of one policy. Defaults are nobody's policy. */
static void put_policy(struct ebn_out *o, const char *field, const char *rule)
{
	const char *hash, *slash;

	if (!rule)
		return;
	hash = strrchr(rule, '#');
	if (!hash)
		return;
	slash = memchr(rule, '/', (size_t)(hash - rule));
	EBN_PUT(o, ",\"");
	ebn_put_str(o, field);
	EBN_PUT(o, "\":[{\"name\":");
	put_quoted(o, slash ? slash + 1 : rule, (size_t)(hash - (slash ? slash + 1 : rule)));
	if (slash)
		put_field(o, "namespace", rule, (size_t)(slash - rule));
	EBN_PUT(o, "}]");
}

/* Texts of the rules that decided, each once. */
static void put_logs(struct ebn_out *o, const struct ebpfnet_flow *f)
{
	const char *out = f->egress_log, *in = f->ingress_log;

	if (!out && !in)
		return;
	EBN_PUT(o, ",\"policy_log\":[");
	if (out)
		put_quoted(o, out, strlen(out));
	if (in && (!out || strcmp(in, out))) {
		if (out)
			EBN_PUT(o, ",");
		put_quoted(o, in, strlen(in));
	}
	EBN_PUT(o, "]");
}

static void put_policies(struct ebn_out *o, const struct ebpfnet_flow *f)
{
	bool no_egress = ebn_flow_egress_stopped(f), no_ingress = ebn_flow_ingress_stopped(f);

	put_policy(o, no_egress ? "egress_denied_by" : "egress_allowed_by", f->egress_rule);
	put_policy(o, no_ingress ? "ingress_denied_by" : "ingress_allowed_by", f->ingress_rule);
	put_logs(o, f);
}

static void put_summary(struct ebn_out *o, const struct ebpfnet_event *e)
{
	static const struct {
		uint8_t bit;
		char name[6];
	} flags[] = { { 0x02, ", SYN" }, { 0x10, ", ACK" }, { 0x04, ", RST" }, { 0x01, ", FIN" },
		      { 0x08, ", PSH" }, { 0x20, ", URG" }, { 0x40, ", ECE" }, { 0x80, ", CWR" } };
	const char *name = ebn_protocol_name(e->protocol), *icmp;
	bool first = true;
	size_t i;

	if (!name || !(e->flags & EBPFNET_EVENT_F_L3))
		return;
	EBN_PUT(o, ",\"Summary\":\"");
	ebn_put_str(o, name);
	if (e->flags & EBPFNET_EVENT_F_L4 && e->protocol == IPPROTO_TCP && e->tcp_flags) {
		EBN_PUT(o, " Flags: ");
		for (i = 0; i < EBN_ARRAY_SIZE(flags); i++) {
			if (!(e->tcp_flags & flags[i].bit))
				continue;
			ebn_put(o, flags[i].name + (first ? 2 : 0), first ? 3 : 5);
			first = false;
		}
	} else if (e->flags & EBPFNET_EVENT_F_L4 && (e->protocol == IPPROTO_ICMP || e->protocol == IPPROTO_ICMPV6)) {
		icmp = ebn_icmp_name(e->protocol == IPPROTO_ICMPV6, e->sport);
		EBN_PUT(o, " ");
		if (icmp)
			ebn_put_str(o, icmp);
		else
			ebn_put_u64(o, e->sport);
	}
	EBN_PUT(o, "\"");
}

static void put_extras(struct ebn_out *o, const struct ebpfnet_flow *f)
{
	const struct ebpfnet_event *e = &f->event;

	EBN_PUT(o, ",\"ebpfnet\":{\"type\":\"");
	ebn_put_str(o, ebpfnet_event_type_name(e->type));
	EBN_PUT(o, "\",\"point\":\"");
	ebn_put_str(o, ebpfnet_event_point_name(e->point));
	if (ebn_event_has_verdict(e)) {
		EBN_PUT(o, "\",\"verdict\":\"");
		ebn_put_str(o, ebn_verdict_name(e->verdict));
	}
	EBN_PUT(o, "\"");
	if (e->reason) {
		EBN_PUT(o, ",\"reason\":\"");
		ebn_put_str(o, ebpfnet_reason_name(e->reason));
		EBN_PUT(o, "\"");
	}
	if (f->egress_rule)
		put_field(o, "egress_rule", f->egress_rule, strlen(f->egress_rule));
	if (f->ingress_rule)
		put_field(o, "ingress_rule", f->ingress_rule, strlen(f->ingress_rule));
	if (e->flags & EBPFNET_EVENT_F_LOCAL)
		EBN_PUT(o, ",\"local\":true");
	if (e->flags & EBPFNET_EVENT_F_RECHECK)
		EBN_PUT(o, ",\"recheck\":true");
	if (e->flags & EBPFNET_EVENT_F_FRAGMENT)
		EBN_PUT(o, ",\"fragment\":true");
	if (e->flags & EBPFNET_EVENT_F_RELATED)
		EBN_PUT(o, ",\"related\":true");
	EBN_PUT(o, ",\"length\":");
	ebn_put_u64(o, e->len);
	EBN_PUT(o, ",\"epoch\":");
	ebn_put_u64(o, e->epoch);
	EBN_PUT(o, ",\"generation\":");
	ebn_put_u64(o, e->generation);
	EBN_PUT(o, "}");
}

static void put_flow(struct ebn_out *o, const struct ebpfnet_flow *f)
{
	const struct ebpfnet_event *e = &f->event;
	unsigned int number = ebn_reason_number(e->reason);

	EBN_PUT(o, "{\"flow\":{\"time\":\"");
	ebn_put_time(o, f->realtime_ns, 9, true);
	EBN_PUT(o, "\",\"uuid\":\"");
	put_uuid(o, e);
	EBN_PUT(o, "\",\"emitter\":{\"name\":\"libebpfnet\",\"version\":\"" EBPFNET_VERSION "\"},\"verdict\":\"");
	ebn_put_str(o, verdict(e));
	EBN_PUT(o, "\"");
	if (ebn_event_dropped(e) && number) {
		EBN_PUT(o, ",\"drop_reason\":");
		ebn_put_u64(o, number);
	}
	put_ip(o, e);
	put_l4(o, e);
	put_side(o, ",\"source\":{", &f->src);
	put_side(o, ",\"destination\":{", &f->dst);
	EBN_PUT(o, ",\"Type\":\"L3_L4\"");
	put_field(o, "node_name", f->node, strlen(f->node));
	put_meaning(o, f);
	put_policies(o, f);
	put_summary(o, e);
	EBN_PUT(o, "}");
}

int ebpfnet_flow_to_json(const struct ebpfnet_flow *flow, uint32_t flags, char *buf, size_t size)
{
	struct ebn_out o;

	if (!flow || flags & ~EBPFNET_FLOW_STRICT || (!buf && size))
		return -EINVAL;
	if (!flow->node || !flow->src.labels || !flow->dst.labels)
		return -EINVAL;
	ebn_out_init(&o, buf, size);
	put_flow(&o, flow);
	put_field(&o, "node_name", flow->node, strlen(flow->node));
	EBN_PUT(&o, ",\"time\":\"");
	ebn_put_time(&o, flow->realtime_ns, 9, true);
	EBN_PUT(&o, "\"");
	if (!(flags & EBPFNET_FLOW_STRICT))
		put_extras(&o, flow);
	EBN_PUT(&o, "}");
	return ebn_out_end(&o);
}
