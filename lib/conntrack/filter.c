// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Which flows a caller means. */
#include "conntrack/conntrack.h"

static bool bits_fit(uint8_t bits, const struct ebpfnet_addr *addr)
{
	int family = ebpfnet_addr_family(addr);

	return !bits || (family && bits <= (family == 4 ? 32 : 128));
}

int ebn_ct_filter_read(const struct ebpfnet_ct_filter *filter, struct ebpfnet_ct_filter *ret)
{
	const uint32_t known = EBPFNET_CT_F_PROVEN | EBPFNET_CT_F_AUDIT | EBPFNET_CT_F_REDIRECT |
			       EBPFNET_CT_F_PICKED_UP | EBPFNET_CT_F_FIN_INITIATOR | EBPFNET_CT_F_FIN_RESPONDER;
	struct ebpfnet_ct_filter f = { 0 };

	if (!EBN_OPTS_VALID(filter, ebpfnet_ct_filter))
		return -EINVAL;
	if (filter)
		memcpy(&f, filter, filter->sz < sizeof(f) ? filter->sz : sizeof(f));
	f.sz = sizeof(f);
	if ((f.family != 0 && f.family != 4 && f.family != 6) || f.state > EBPFNET_CT_HALF_CLOSED || f.reserved ||
	    f.flags & ~known || !bits_fit(f.addr_bits, &f.addr) || !bits_fit(f.src_bits, &f.src) ||
	    !bits_fit(f.dst_bits, &f.dst))
		return -EINVAL;
	*ret = f;
	return 0;
}

static bool addr_fits(const struct ebpfnet_addr *want, uint8_t bits, const struct ebpfnet_addr *is)
{
	unsigned int n, rest;
	int family = ebpfnet_addr_family(want);

	if (!family)
		return true;
	/* a short prefix of IPv6 may be one of the mapped form, too */
	if (family != ebpfnet_addr_family(is))
		return false;
	/* IPv4 addresses are mapped: their 32 bits are the last ones */
	n = bits ? bits + (family == 4 ? 96u : 0) : 128;
	rest = n % 8;
	if (memcmp(want->b, is->b, n / 8) != 0)
		return false;
	return !rest || !((want->b[n / 8] ^ is->b[n / 8]) >> (8 - rest));
}

/* Both of either: conditions on a side hold for one and the same, those on both sides for any. */
static bool ends_fit(const struct ebpfnet_ct_filter *f, const struct ebpfnet_ct_entry *e)
{
	if (!addr_fits(&f->addr, f->addr_bits, &e->src) && !addr_fits(&f->addr, f->addr_bits, &e->dst))
		return false;
	if (!addr_fits(&f->src, f->src_bits, &e->src) || !addr_fits(&f->dst, f->dst_bits, &e->dst))
		return false;
	if (f->port && f->port != e->sport && f->port != e->dport)
		return false;
	if (f->endpoint && f->endpoint != e->src_ep && f->endpoint != e->dst_ep)
		return false;
	if (f->identity && f->identity != e->src_identity && f->identity != e->dst_identity)
		return false;
	return (!f->sport || f->sport == e->sport) && (!f->dport || f->dport == e->dport);
}

bool ebn_ct_match(const struct ebpfnet_ct_filter *f, const struct ebpfnet_ct_entry *e)
{
	if ((f->protocol && f->protocol != e->protocol) || (f->state && f->state != e->state))
		return false;
	if ((f->family && f->family != ebpfnet_addr_family(&e->src)) || (e->flags & f->flags) != f->flags)
		return false;
	if (e->idle_ms < f->idle_min_ms || e->age_ms < f->age_min_ms || (f->age_max_ms && e->age_ms > f->age_max_ms))
		return false;
	return ends_fit(f, e);
}
