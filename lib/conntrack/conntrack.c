// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>

#include "conntrack/conntrack.h"

_Static_assert((int)EBPFNET_CT_ESTABLISHED == (int)EBN_FS_ESTABLISHED &&
	       (int)EBPFNET_CT_REPLIED == (int)EBN_FS_REPLIED && (int)EBPFNET_CT_CLOSING == (int)EBN_FS_CLOSING &&
	       (int)EBPFNET_CT_HALF_OPEN == (int)EBN_FS_HALF_OPEN &&
	       (int)EBPFNET_CT_HALF_CLOSED == (int)EBN_FS_HALF_CLOSED,
	       "states are passed through");

const char *ebpfnet_ct_state_name(uint8_t state)
{
	static const char *const names[] = {
		[EBPFNET_CT_NONE] = "none",
		[EBPFNET_CT_HALF_OPEN] = "half-open",
		[EBPFNET_CT_CLOSING] = "closing",
		[EBPFNET_CT_REPLIED] = "replied",
		[EBPFNET_CT_ESTABLISHED] = "established",
		[EBPFNET_CT_HALF_CLOSED] = "half-closed",
	};

	return state < EBN_ARRAY_SIZE(names) ? names[state] : "?";
}

int ebn_ct_filter_read(const struct ebpfnet_ct_filter *filter, struct ebpfnet_ct_filter *ret)
{
	static const uint8_t none[sizeof(ret->reserved)];
	struct ebpfnet_ct_filter f = { 0 };

	if (!EBN_OPTS_VALID(filter, ebpfnet_ct_filter))
		return -EINVAL;
	if (filter)
		memcpy(&f, filter, filter->sz < sizeof(f) ? filter->sz : sizeof(f));
	f.sz = sizeof(f);
	if ((f.family != 0 && f.family != 4 && f.family != 6) || f.state > EBPFNET_CT_HALF_CLOSED ||
	    memcmp(f.reserved, none, sizeof(none)) != 0)
		return -EINVAL;
	*ret = f;
	return 0;
}

static struct ebpfnet_addr addr_of(const union ebn_flow_key *key, bool v6, unsigned int side)
{
	struct ebpfnet_addr addr = { .b = { [10] = 0xff, [11] = 0xff } };

	if (v6)
		memcpy(addr.b, key->v6.addr[side], 16);
	else
		memcpy(addr.b + 12, &key->v4.addr[side], 4);
	return addr;
}

static uint16_t endpoint_of(const struct ebn_ct_view *view, uint16_t row)
{
	return row && row <= view->n_rows ? view->row_id[row - 1] : 0;
}

/* A program's clock may be a tick ahead of ours. */
static uint64_t since_ms(const struct ebn_ct_view *view, uint32_t tick)
{
	int32_t ticks = (int32_t)(view->now - tick);

	return ticks > 0 ? (uint64_t)ticks * view->tick_ns / 1000000u : 0;
}

/* Until a handshake is proven the word holds a sequence number: the flow is as old as it is idle then. */
static bool has_age(uint8_t protocol, uint32_t flags)
{
	return (protocol != IPPROTO_TCP && protocol != IPPROTO_SCTP) || flags & (EBN_FF_PROVEN | EBN_FF_IMPORTED);
}

void ebn_ct_entry(const struct ebn_ct_view *view, const struct ebn_flow_copy *c, bool v6, struct ebpfnet_ct_entry *ret)
{
	const struct ebn_flow_body *b = &c->body;
	unsigned int from = EBN_CTL_FLAGS(b->ctl) & EBN_FF_INIT_HI ? 1 : 0, to = !from;
	uint16_t port[2] = { v6 ? c->key.v6.port[0] : c->key.v4.port[0], v6 ? c->key.v6.port[1] : c->key.v4.port[1] };
	uint8_t protocol = v6 ? c->key.v6.proto : c->key.v4.proto, state = (uint8_t)EBN_CTL_STATE(b->ctl);
	bool icmp = protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;

	*ret = (struct ebpfnet_ct_entry){
		.src = addr_of(&c->key, v6, from),
		.dst = addr_of(&c->key, v6, to),
		/* an ICMP key holds the identifier first, whoever asked */
		.sport = ntohs(port[icmp ? 0 : from]),
		.dport = ntohs(port[icmp ? 1 : to]),
		.protocol = protocol,
		.state = state < EBN_FS_MAX ? state : EBPFNET_CT_NONE,
		.zone = v6 ? c->key.v6.zone : c->key.v4.zone,
		.tcp_flags = { b->tcp_flags[from], b->tcp_flags[to] },
		.src_ep = endpoint_of(view, b->row[from]),
		.dst_ep = endpoint_of(view, b->row[to]),
		.decision = b->decision,
		.rule = b->decision < view->n_decisions ? view->decisions[b->decision].rule : 0,
		.epoch = EBN_CTL_EPOCH(b->ctl),
		.packets = { b->packets[from], b->packets[to] },
		.bytes = { b->bytes[from], b->bytes[to] },
		.idle_ms = since_ms(view, b->seen),
		.age_ms = since_ms(view, has_age(protocol, EBN_CTL_FLAGS(b->ctl)) ? b->aux : b->seen),
	};
}

static bool addr_fits(const struct ebpfnet_addr *want, const struct ebpfnet_addr *is)
{
	return !ebpfnet_addr_family(want) || !memcmp(want, is, sizeof(*is));
}

bool ebn_ct_match(const struct ebpfnet_ct_filter *f, const struct ebpfnet_ct_entry *e)
{
	if (!addr_fits(&f->addr, &e->src) && !addr_fits(&f->addr, &e->dst))
		return false;
	if (!addr_fits(&f->src, &e->src) || !addr_fits(&f->dst, &e->dst))
		return false;
	if (f->port && f->port != e->sport && f->port != e->dport)
		return false;
	if (f->endpoint && f->endpoint != e->src_ep && f->endpoint != e->dst_ep)
		return false;
	return (!f->dport || f->dport == e->dport) && (!f->protocol || f->protocol == e->protocol) &&
	       (!f->state || f->state == e->state) && (!f->family || f->family == ebpfnet_addr_family(&e->src));
}

static int next(struct ebn_ct_walk *w, struct ebn_flow_copy *copy, struct ebpfnet_ct_entry *ret)
{
	for (; w->table < 2; w->table++, w->pos = 0) {
		const struct ebn_flows *t = &w->tables[w->table];

		if (!t->mem || (w->filter.family && w->filter.family != (t->v6 ? 6 : 4)))
			continue;
		while (ebn_flow_next(t, &w->pos, copy)) {
			ebn_ct_entry(&w->view, copy, t->v6, ret);
			if (ebn_ct_match(&w->filter, ret))
				return 1;
		}
	}
	return 0;
}

int ebn_ct_next(struct ebn_ct_walk *walk, struct ebpfnet_ct_entry *ret)
{
	struct ebn_flow_copy copy;

	return next(walk, &copy, ret);
}

int ebn_ct_kill(struct ebn_ct_walk *walk)
{
	struct ebpfnet_ct_entry entry;
	struct ebn_flow_copy copy;
	int n = 0;

	while (n < INT_MAX && next(walk, &copy, &entry))
		n += ebn_flow_kill(&walk->tables[walk->table], &copy);
	return n;
}
