// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Masquerade: the ports that are given out, read from the flow tables. A reservation's layout is in ebn_flow.h. */
#include "conntrack/conntrack.h"
#include "datapath/nat.h"

#include <arpa/inet.h>

/* ---- reservations ---- */

/* One read from an entry; addresses as 16 bytes. */
struct reservation {
	uint32_t node[4], peer[4];
	uint16_t port, peer_port;	/* host order; ICMP: identifier and 0 */
	uint8_t protocol;
	uint16_t row;			/* of the endpoint, + 1 */
	uint16_t own_port;		/* of the endpoint, host order */
	uint16_t incarnation;
	uint16_t id;			/* of the device's row */
};

static bool is_icmp(uint8_t protocol)
{
	return protocol == 1 || protocol == 58;
}

static bool reservation_read(const struct ebn_flow_copy *c, bool v6, struct reservation *ret)
{
	unsigned int node = EBN_CTL_FLAGS(c->body.ctl) & EBN_FF_INIT_HI ? 1 : 0, peer = !node;
	const uint16_t *port = v6 ? c->key.v6.port : c->key.v4.port;

	if ((v6 ? c->key.v6.zone : c->key.v4.zone) != EBN_ZONE_NAT || !(EBN_CTL_FLAGS(c->body.ctl) & EBN_FF_NAT))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (v6) {
		memcpy(ret->node, c->key.v6.addr[node], 16);
		memcpy(ret->peer, c->key.v6.addr[peer], 16);
	} else {
		ret->node[2] = ret->peer[2] = htonl(0xffff);
		ret->node[3] = c->key.v4.addr[node];
		ret->peer[3] = c->key.v4.addr[peer];
	}
	ret->protocol = v6 ? c->key.v6.proto : c->key.v4.proto;
	ret->port = ntohs(is_icmp(ret->protocol) ? port[0] : port[node]);
	ret->peer_port = is_icmp(ret->protocol) ? 0 : ntohs(port[peer]);
	ret->row = c->body.row[node];
	ret->own_port = ntohs((uint16_t)c->body.aux);
	ret->incarnation = (uint16_t)(c->body.aux >> 16);
	ret->id = c->body.decision;
	return true;
}

/* ---- the sweep ---- */

/* The key of the flow that holds a reservation, as its endpoint's hook made it; returns the endpoint's side. */
static unsigned int flow_key(const struct reservation *v, const struct ebn_ep_row *ep, bool v6, union ebn_flow_key *ret)
{
	struct ebpfnet_addr own = { .b = { [10] = 0xff, [11] = 0xff } }, peer;

	if (v6)
		memcpy(own.b, ep->addr6, 16);
	else
		memcpy(own.b + 12, &ep->addr4, 4);
	memcpy(peer.b, v->peer, 16);
	return ebn_ct_key(&own, &peer, v->own_port, v->peer_port, v->protocol, ep->zone, ret);
}

bool ebn_nat_orphan(const struct ebn_flow_copy *c, bool v6, void *arg)
{
	struct ebpfnet_datapath *dp = arg;
	const struct ebn_ep_row *ep;
	struct ebn_flow_copy flow;
	union ebn_flow_key key;
	struct reservation v;
	unsigned int hi;

	/* of another node's endpoint: it ends when it has expired */
	if (!reservation_read(c, v6, &v) || !v.row)
		return false;
	ep = ebn_ep_row(dp->rows, v.row - 1u);
	if (!ep || !(ep->flags & EBN_EP_F_LIVE) || (uint16_t)ep->incarnation != v.incarnation)
		return true;
	hi = flow_key(&v, ep, v6, &key);
	if (!ebn_flow_lookup(&dp->flows[v6], &key, &flow))
		return true;
	/* protocols without ports have none to compare */
	return v.port && (!(EBN_CTL_FLAGS(flow.body.ctl) & EBN_FF_NAT) || ntohs(flow.body.row[!hi]) != v.port);
}

/* ---- figures ---- */

struct dest {
	uint32_t node[4], peer[4];
	uint16_t peer_port;
	uint8_t protocol;
	uint32_t count;		/* 0: no destination */
	uint32_t range;
};

struct count {
	struct dest *dest;	/* open addressing */
	size_t size, used;	/* size a power of two */
	const struct ebn_nat_row *rows;
	uint32_t n_rows;
	uint16_t only;		/* id of a row; 0: all */
	uint64_t in_use;
	struct dest fullest;
};

static struct dest *dest_find(struct count *c, const struct reservation *v)
{
	uint64_t h = ebn_addr_hash(v->peer) + ebn_mix64(ebn_addr_hash(v->node) + v->peer_port * 256u + v->protocol);
	struct dest *d;

	for (;; h++) {
		d = &c->dest[h & (c->size - 1)];
		if (!d->count || (!memcmp(d->node, v->node, 16) && !memcmp(d->peer, v->peer, 16) &&
				  d->peer_port == v->peer_port && d->protocol == v->protocol))
			return d;
	}
}

static int dest_grow(struct count *c)
{
	struct count bigger = { .size = c->size ? c->size * 2 : 256 };
	size_t i;

	bigger.dest = ebn_calloc(bigger.size, sizeof(*bigger.dest));
	if (!bigger.dest)
		return -ENOMEM;
	for (i = 0; i < c->size; i++) {
		struct reservation v = { .peer_port = c->dest[i].peer_port, .protocol = c->dest[i].protocol };

		if (!c->dest[i].count)
			continue;
		memcpy(v.node, c->dest[i].node, 16);
		memcpy(v.peer, c->dest[i].peer, 16);
		*dest_find(&bigger, &v) = c->dest[i];
	}
	free(c->dest);
	c->dest = bigger.dest;
	c->size = bigger.size;
	return 0;
}

static uint32_t range_of(const struct count *c, uint16_t id)
{
	uint32_t i;

	for (i = 0; i < c->n_rows; i++)
		if (c->rows[i].id == id)
			return c->rows[i].port_max - c->rows[i].port_min + 1u;
	return 0;
}

static int count_one(struct count *c, const struct reservation *v)
{
	struct dest *d;
	int r;

	if (c->only && v->id != c->only)
		return 0;
	c->in_use++;
	if (c->used * 2 >= c->size) {
		r = dest_grow(c);
		if (r < 0)
			return r;
	}
	d = dest_find(c, v);
	if (!d->count) {
		memcpy(d->node, v->node, 16);
		memcpy(d->peer, v->peer, 16);
		d->peer_port = v->peer_port;
		d->protocol = v->protocol;
		d->range = range_of(c, v->id);
		c->used++;
	}
	d->count++;
	/* by share of the range; the ports of a device that masquerades no more are in nobody's way */
	if (d->range &&
	    (!c->fullest.count || (uint64_t)d->count * c->fullest.range > (uint64_t)c->fullest.count * d->range))
		c->fullest = *d;
	return 0;
}

static int count_all(struct ebpfnet_datapath *dp, struct count *c)
{
	struct ebn_flow_copy copy;
	struct reservation v;
	uint64_t pos;
	int i, r;

	for (i = 0; i < 2; i++)
		for (pos = 0; ebn_flow_next(&dp->flows[i], &pos, &copy);) {
			if (!reservation_read(&copy, i, &v))
				continue;
			r = count_one(c, &v);
			if (r < 0)
				return r;
		}
	return 0;
}

static void stats_fullest(const struct dest *d, struct ebpfnet_nat_stats *st)
{
	uint64_t percent;

	if (!d->count)
		return;
	percent = (uint64_t)d->count * 100 / d->range;
	st->fullest = d->count;
	st->fullest_percent = percent > 100 ? 100 : (uint8_t)percent;
	st->warn = st->fullest_percent > EBPFNET_NAT_WARN;
	st->fullest_protocol = d->protocol;
	st->fullest_port = d->peer_port;
	memcpy(st->fullest_addr.b, d->peer, 16);
}

int ebpfnet_nat_stats(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_nat_stats *ret, size_t size)
{
	struct ebn_nat_row rows[EBN_NAT_ROWS], row;
	struct ebpfnet_nat_stats st = { 0 };
	struct count c = { .rows = rows };
	int r;

	if (!dp || !ret || !size)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r && device)
		r = ebn_nat_row_by_name(dp, device, &row);
	if (!r)
		r = ebn_nat_read(dp, rows, &c.n_rows);
	if (r < 0)
		return r;
	if (device) {
		c.only = (uint16_t)row.id;
		st.range = row.port_max - row.port_min + 1u;
	}
	r = count_all(dp, &c);
	st.in_use = c.in_use;
	stats_fullest(&c.fullest, &st);
	free(c.dest);
	if (r < 0)
		return r;
	(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_NAT_NEW, &st.given, 1);
	(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_NAT_SCAN, &st.walked, 1);
	(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_NAT_EXHAUSTED, &st.exhausted, 1);
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}

void ebn_nat_watch(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;
	uint64_t walked = 0, exhausted = 0;

	if (!ebn_node_slot(dp->node, EBN_P_NAT).n)
		return;
	(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_NAT_SCAN, &walked, 1);
	(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_NAT_EXHAUSTED, &exhausted, 1);
	if (exhausted > p->nat_exhausted)
		ebn_warn(dp->ctx, "%s: masquerade: %llu packets dropped, no port was left towards their destination", dp->name,
			 (unsigned long long)(exhausted - p->nat_exhausted));
	else if (walked > p->nat_walked && !p->nat_warned)
		ebn_warn(dp->ctx, "%s: masquerade: most ports towards a destination are in use", dp->name);
	p->nat_warned = walked > p->nat_walked;
	p->nat_walked = walked;
	p->nat_exhausted = exhausted;
}
