// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "conntrack/count.h"

#include <limits.h>
#include <netinet/in.h>

#define ENDPOINTS 65536u

static uint64_t *protocol_count(struct ebpfnet_ct_counts *c, uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return &c->tcp;
	case IPPROTO_UDP:
		return &c->udp;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return &c->icmp;
	case IPPROTO_SCTP:
		return &c->sctp;
	default:
		return &c->other;
	}
}

void ebn_ct_count(struct ebn_ct_walk *walk, const uint32_t *idle_ticks, struct ebpfnet_ct_counts *ret)
{
	struct ebpfnet_ct_counts c = { 0 };
	struct ebpfnet_ct_entry e;
	uint64_t limit_ms;

	while (ebn_ct_next(walk, &e)) {
		c.total++;
		c.state[e.state % EBPFNET_CT_STATES]++;
		if (ebpfnet_addr_family(&e.src) == 4)
			c.ipv4++;
		else
			c.ipv6++;
		++*protocol_count(&c, e.protocol);
		limit_ms = EBN_READ(idle_ticks[ebn_flow_idle_index(e.protocol, e.state)]);
		limit_ms = limit_ms * walk->view.tick_ns / 1000000u;
		c.expired += e.idle_ms > limit_ms;
	}
	*ret = c;
}

int ebn_ct_count_endpoints(struct ebn_ct_walk *walk, struct ebpfnet_ct_endpoint_count *ret, size_t n)
{
	struct ebpfnet_ct_endpoint_count *all = ebn_calloc(ENDPOINTS, sizeof(*all));
	struct ebpfnet_ct_entry e;
	unsigned int id, found = 0;

	if (!all)
		return -ENOMEM;
	while (ebn_ct_next(walk, &e)) {
		all[e.src_ep].begun++;
		all[e.dst_ep].answered++;
		all[e.src_ep].half_open += e.state == EBPFNET_CT_HALF_OPEN;
		/* both ends may be the same one */
		if (e.dst_ep != e.src_ep)
			all[e.dst_ep].half_open += e.state == EBPFNET_CT_HALF_OPEN;
	}
	/* 0 is nobody's */
	for (id = 1; id < ENDPOINTS; id++) {
		if (!all[id].begun && !all[id].answered)
			continue;
		if (found < n) {
			ret[found] = all[id];
			ret[found].endpoint = (uint16_t)id;
		}
		found++;
	}
	free(all);
	return (int)found;
}

void ebn_ct_pressure(const struct ebn_flows *t, struct ebpfnet_ct_table_pressure *ret)
{
	struct ebpfnet_ct_table_pressure p = { 0 };
	uint64_t used;
	uint32_t set, way, n;

	if (!t->mem) {
		*ret = p;
		return;
	}
	p.sets = (uint64_t)t->mask + 1;
	p.places = p.sets * EBN_FLOW_WAYS;
	for (set = 0; set < p.sets; set++) {
		n = 0;
		for (way = 0; way < EBN_FLOW_WAYS; way++) {
			switch (EBN_TAG_STATE(ebn_flow_tag_at(t, set, way))) {
			case EBN_TAG_FREE:
				n++;
				break;
			case EBN_TAG_LIVE:
				p.live++;
				break;
			case EBN_TAG_DEAD:
				p.dead++;
				break;
			default:
				p.claimed++;
			}
		}
		p.free[n]++;
	}
	used = p.live + p.dead + p.claimed;
	p.promille = (uint32_t)(used * 1000 / p.places);
	p.level = p.promille >= 900 || p.free[0] * 100 > p.sets ? EBPFNET_CT_LEVEL_FULL :
		  p.promille >= 750 ? EBPFNET_CT_LEVEL_EARLY : EBPFNET_CT_LEVEL_OK;
	*ret = p;
}

const char *ebpfnet_ct_level_name(uint32_t level)
{
	static const char *const names[] = { "ok", "early", "full" };

	return level < EBN_ARRAY_SIZE(names) ? names[level] : "?";
}
