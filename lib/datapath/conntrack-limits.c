// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* How long flows live, how full their tables are. */
#include "conntrack/count.h"
#include "datapath/conntrack.h"

#define SECONDS_MAX 2592000u

/* A limit in the caller's struct, and the word in the node tables' header. */
static const struct {
	size_t field;
	size_t word;
} limits[] = {
#define LIMIT(field, index) { offsetof(struct ebpfnet_ct_config, field), \
			      offsetof(struct ebn_node_hdr, idle_ticks[index]) }
	LIMIT(tcp_new_s, EBN_FLOW_IDLE_TCP_HALF),
	LIMIT(tcp_established_s, EBN_FLOW_IDLE_TCP_EST),
	LIMIT(tcp_half_closed_s, EBN_FLOW_IDLE_TCP_HALF_CLOSED),
	LIMIT(tcp_closing_s, EBN_FLOW_IDLE_TCP_CLOSING),
	LIMIT(udp_new_s, EBN_FLOW_IDLE_UDP_HALF),
	LIMIT(udp_stream_s, EBN_FLOW_IDLE_UDP_EST),
	LIMIT(icmp_s, EBN_FLOW_IDLE_ICMP),
	LIMIT(other_s, EBN_FLOW_IDLE_OTHER),
#undef LIMIT
	{ offsetof(struct ebpfnet_ct_config, give_up_s), offsetof(struct ebn_node_hdr, give_up_ticks) },
};

static uint32_t *field_at(struct ebpfnet_ct_config *c, size_t off)
{
	return (uint32_t *)(void *)((char *)c + off);
}

int ebpfnet_ct_get_config(struct ebpfnet_datapath *dp, struct ebpfnet_ct_config *ret)
{
	struct ebpfnet_ct_config c = { 0 };
	const struct ebn_node_hdr *hdr;
	const uint32_t *word;
	uint64_t tick_ns;
	uint32_t flags;
	size_t i, sz;
	int r;

	if (!dp || !ret || ret->sz < sizeof(ret->sz))
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (r < 0)
		return r;
	hdr = dp->node_mem;
	tick_ns = ebn_dp_tick_ns(dp);
	for (i = 0; i < EBN_ARRAY_SIZE(limits); i++) {
		word = (const uint32_t *)(const void *)((const char *)hdr + limits[i].word);
		/* rounded: ticks are no whole part of a second everywhere */
		*field_at(&c, limits[i].field) = (uint32_t)((EBN_READ(*word) * tick_ns + 500000000u) / 1000000000u);
	}
	flags = EBN_READ(hdr->flags);
	c.midstream = !!(flags & EBN_NODE_F_MIDSTREAM);
	c.cut = !!(flags & EBN_NODE_F_CUT);
	c.quota_percent = (uint8_t)EBN_READ(hdr->quota_percent);
	sz = ret->sz;
	ebn_copy_out(ret, sz, &c, sizeof(c));
	ret->sz = sz;
	return 0;
}

int ebpfnet_ct_set_config(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_config *config)
{
	struct ebpfnet_ct_config c = { 0 };
	struct ebn_node_hdr *hdr;
	uint32_t flags, seconds;
	uint64_t ticks;
	uint32_t *word;
	size_t i;
	int r;

	if (!dp || !config || !EBN_OPTS_VALID(config, ebpfnet_ct_config))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	hdr = ebn_node_hdr(dp->node);
	flags = EBN_READ(hdr->flags);
	/* what an older caller does not know stays */
	c.midstream = !!(flags & EBN_NODE_F_MIDSTREAM);
	c.cut = !!(flags & EBN_NODE_F_CUT);
	c.quota_percent = (uint8_t)EBN_READ(hdr->quota_percent);
	memcpy(&c, config, config->sz < sizeof(c) ? config->sz : sizeof(c));
	if (c.midstream > 1 || c.cut > 1 || c.quota_percent > 100 || c.reserved)
		return -EINVAL;
	for (i = 0; i < EBN_ARRAY_SIZE(limits); i++)
		if (*field_at(&c, limits[i].field) > SECONDS_MAX)
			return -EINVAL;
	for (i = 0; i < EBN_ARRAY_SIZE(limits); i++) {
		seconds = *field_at(&c, limits[i].field);
		ticks = seconds * 1000000000ULL / ebn_dp_tick_ns(dp);
		word = (uint32_t *)(void *)((char *)hdr + limits[i].word);
		if (seconds)
			EBN_WRITE(*word, (uint32_t)(ticks ? ticks : 1));
	}
	flags &= ~(EBN_NODE_F_MIDSTREAM | EBN_NODE_F_CUT);
	flags |= (c.midstream ? EBN_NODE_F_MIDSTREAM : 0) | (c.cut ? EBN_NODE_F_CUT : 0);
	EBN_WRITE(hdr->flags, flags);
	if (c.quota_percent != EBN_READ(hdr->quota_percent))
		ebn_share_quota(dp, c.quota_percent);
	return 0;
}

static uint64_t counter(struct ebpfnet_datapath *dp, enum ebn_map map, uint32_t cell, size_t words)
{
	uint64_t n[2] = { 0 };

	return ebn_dp_percpu_sum(dp, map, cell, n, words) < 0 ? 0 : n[0];
}

int ebpfnet_ct_get_pressure(struct ebpfnet_datapath *dp, struct ebpfnet_ct_pressure *ret, size_t size)
{
	struct ebpfnet_ct_pressure p = { 0 };
	const struct ebn_node_hdr *hdr;
	int r;

	if (!dp || !ret || !size)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (r < 0)
		return r;
	ebn_ct_pressure(&dp->flows[0], &p.ipv4);
	ebn_ct_pressure(&dp->flows[1], &p.ipv6);
	hdr = dp->node_mem;
	p.ipv4.quota = EBN_READ(hdr->quota[0]);
	p.ipv6.quota = EBN_READ(hdr->quota[1]);
	p.ipv4.over_quota = ebn_share_over(dp, 0);
	p.ipv6.over_quota = ebn_share_over(dp, 1);
	p.created = counter(dp, EBN_MAP_COUNTER, EBN_C_FLOW_NEW, 1);
	p.taken_expired = counter(dp, EBN_MAP_COUNTER, EBN_C_FLOW_EXPIRED, 1);
	p.evicted = counter(dp, EBN_MAP_COUNTER, EBN_C_FLOW_EVICTED, 1);
	p.refused = counter(dp, EBN_MAP_REASON, EBN_R_FLOW_FULL, 2);
	p.refused_quota = counter(dp, EBN_MAP_REASON, EBN_R_FLOW_QUOTA, 2);
	p.unrecorded = counter(dp, EBN_MAP_COUNTER, EBN_C_FLOW_UNRECORDED, 1);
	p.retried = counter(dp, EBN_MAP_COUNTER, EBN_C_TORN, 1);
	p.rechecked = counter(dp, EBN_MAP_COUNTER, EBN_C_RECHECK, 1);
	p.moved = counter(dp, EBN_MAP_COUNTER, EBN_C_FLOW_MOVED, 1);
	ebn_copy_out(ret, size, &p, sizeof(p));
	return 0;
}
