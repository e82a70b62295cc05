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

static bool is_icmp(uint8_t protocol)
{
	return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/* Until a handshake is proven the word holds a sequence number: the flow is as old as it is idle then. */
static bool has_age(uint8_t protocol, uint32_t flags)
{
	return (protocol != IPPROTO_TCP && protocol != IPPROTO_SCTP) || flags & (EBN_FF_PROVEN | EBN_FF_IMPORTED);
}

static uint32_t flags_of(uint32_t ff)
{
	bool hi = ff & EBN_FF_INIT_HI;

	return (ff & EBN_FF_PROVEN ? EBPFNET_CT_F_PROVEN : 0) | (ff & EBN_FF_AUDIT ? EBPFNET_CT_F_AUDIT : 0) |
	       (ff & EBN_FF_SVC ? EBPFNET_CT_F_SERVICE : 0) |
	       (ff & EBN_FF_IMPORTED ? EBPFNET_CT_F_PICKED_UP : 0) | (ff & EBN_FF_NAT ? EBPFNET_CT_F_NAT : 0) |
	       (ff & (hi ? EBN_FF_FIN_HI : EBN_FF_FIN_LO) ? EBPFNET_CT_F_FIN_INITIATOR : 0) |
	       (ff & (hi ? EBN_FF_FIN_LO : EBN_FF_FIN_HI) ? EBPFNET_CT_F_FIN_RESPONDER : 0);
}

/* The address that a masqueraded flow leaves with: that of the reservation which names it. */
static void nat_of(const struct ebn_ct_view *view, const struct ebn_flow_copy *c, bool v6, unsigned int from,
		   struct ebpfnet_ct_entry *e)
{
	uint16_t port = htons(e->sport);
	struct ebn_flow_copy r;
	union ebn_flow_key key;
	unsigned int side;
	uint32_t i;

	/* in the place of the peer's row, which is not local */
	e->dst_ep = 0;
	e->nat_port = ntohs(c->body.row[!from]);
	for (i = 0; i < view->n_nat_addrs; i++) {
		if (ebpfnet_addr_family(&view->nat_addrs[i]) != (v6 ? 6 : 4))
			continue;
		side = ebn_ct_key(&view->nat_addrs[i], &e->dst, e->nat_port, e->dport, e->protocol, EBN_ZONE_NAT, &key);
		if (!ebn_flow_lookup(&view->tables[v6], &key, &r) || r.body.row[side] != c->body.row[from] ||
		    (uint16_t)r.body.aux != port)
			continue;
		e->nat_addr = view->nat_addrs[i];
		return;
	}
}

void ebn_ct_entry(const struct ebn_ct_view *view, const struct ebn_flow_copy *c, bool v6, struct ebpfnet_ct_entry *ret)
{
	const struct ebn_flow_body *b = &c->body;
	unsigned int from = EBN_CTL_FLAGS(b->ctl) & EBN_FF_INIT_HI ? 1 : 0, to = !from;
	uint16_t port[2] = { v6 ? c->key.v6.port[0] : c->key.v4.port[0], v6 ? c->key.v6.port[1] : c->key.v4.port[1] };
	uint8_t protocol = v6 ? c->key.v6.proto : c->key.v4.proto, state = (uint8_t)EBN_CTL_STATE(b->ctl);
	bool icmp = is_icmp(protocol);

	*ret = (struct ebpfnet_ct_entry){
		.flags = flags_of(EBN_CTL_FLAGS(b->ctl)),
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
	if (EBN_CTL_FLAGS(b->ctl) & EBN_FF_NAT)
		nat_of(view, c, v6, from, ret);
}

void ebn_ct_identities(const struct ebn_ct_view *view, struct ebpfnet_ct_entry *entry)
{
	if (!view->identity_of || entry->zone == EBN_CT_ZONE_WATCH)
		return;
	entry->src_identity = view->identity_of(&entry->src, view->arg);
	entry->dst_identity = view->identity_of(&entry->dst, view->arg);
}

bool ebn_ct_wanted(const struct ebn_ct_view *view, const struct ebpfnet_ct_filter *filter,
		   struct ebpfnet_ct_entry *entry)
{
	/* two look-ups: for those alone that are shown, or asked for by what they find */
	if (filter->identity)
		ebn_ct_identities(view, entry);
	if (!ebn_ct_match(filter, entry))
		return false;
	if (!filter->identity)
		ebn_ct_identities(view, entry);
	return true;
}

/* Network order as a little- or big-endian number, as the programs compare it. */
static uint32_t word(const struct ebpfnet_addr *addr, unsigned int i)
{
	uint32_t w;

	memcpy(&w, addr->b + 4 * i, sizeof(w));
	return w;
}

unsigned int ebn_ct_key(const struct ebpfnet_addr *src, const struct ebpfnet_addr *dst, uint16_t sport, uint16_t dport,
			uint8_t protocol, uint16_t zone, union ebn_flow_key *ret)
{
	bool icmp = is_icmp(protocol), v6 = ebpfnet_addr_family(src) == 6;
	uint16_t port[2] = { htons(sport), htons(dport) };
	unsigned int hi, i;

	for (i = 0; i < 3 && word(src, i) == word(dst, i); i++)
		;
	hi = word(src, i) != word(dst, i) ? word(src, i) > word(dst, i) : !icmp && port[0] > port[1];
	memset(ret, 0, sizeof(*ret));
	if (v6) {
		memcpy(ret->v6.addr[hi], src->b, 16);
		memcpy(ret->v6.addr[!hi], dst->b, 16);
		ret->v6.port[icmp ? 0 : hi] = port[0];
		ret->v6.port[icmp ? 1 : !hi] = port[1];
		ret->v6.proto = protocol;
		ret->v6.aux = icmp && hi ? EBN_KEY_ASK_HI : 0;
		ret->v6.zone = zone;
	} else {
		ret->v4.addr[hi] = word(src, 3);
		ret->v4.addr[!hi] = word(dst, 3);
		ret->v4.port[icmp ? 0 : hi] = port[0];
		ret->v4.port[icmp ? 1 : !hi] = port[1];
		ret->v4.proto = protocol;
		ret->v4.aux = icmp && hi ? EBN_KEY_ASK_HI : 0;
		ret->v4.zone = zone;
	}
	return hi;
}

int ebn_ct_find(const struct ebn_flows *tables, const struct ebpfnet_ct_tuple *tuple, bool *ret_v6,
		struct ebn_flow_copy *ret)
{
	const struct ebn_flows *t;
	struct ebpfnet_ct_tuple own = { 0 };
	union ebn_flow_key key;
	int family;

	if (!tuple || !EBN_OPTS_VALID(tuple, ebpfnet_ct_tuple))
		return -EINVAL;
	memcpy(&own, tuple, tuple->sz < sizeof(own) ? tuple->sz : sizeof(own));
	family = ebpfnet_addr_family(&own.src);
	if (!family || family != ebpfnet_addr_family(&own.dst) || own.reserved)
		return -EINVAL;
	t = &tables[family == 6];
	ebn_ct_key(&own.src, &own.dst, own.sport, own.dport, own.protocol, own.zone, &key);
	if (!t->mem || !ebn_flow_lookup(t, &key, ret))
		return -ENOENT;
	*ret_v6 = t->v6;
	return 0;
}

int ebn_ct_next_copy(struct ebn_ct_walk *w, struct ebpfnet_ct_entry *ret, struct ebn_flow_copy *copy)
{
	for (; w->table < 2; w->table++, w->pos = 0) {
		const struct ebn_flows *t = &w->tables[w->table];

		if (!t->mem || (w->filter.family && w->filter.family != (t->v6 ? 6 : 4)))
			continue;
		while (ebn_flow_next(t, &w->pos, copy)) {
			if (ebn_flow_reserves(copy, t->v6))
				continue;
			ebn_ct_entry(&w->view, copy, t->v6, ret);
			if (ebn_ct_wanted(&w->view, &w->filter, ret))
				return 1;
		}
	}
	return 0;
}

int ebn_ct_next(struct ebn_ct_walk *walk, struct ebpfnet_ct_entry *ret)
{
	struct ebn_flow_copy copy;

	return ebn_ct_next_copy(walk, ret, &copy);
}

int ebn_ct_kill(struct ebn_ct_walk *walk)
{
	struct ebpfnet_ct_entry entry;
	struct ebn_flow_copy copy;
	int n = 0;

	while (n < INT_MAX && ebn_ct_next_copy(walk, &entry, &copy))
		n += ebn_flow_kill(&walk->tables[walk->table], &copy);
	return n;
}
