/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* From ranges and exclusions to the segments a pool hands out. Pure. */
#include "ipam/internal.h"

#define MAPPED ((ebn_ip)0xffff << 32)

ebn_ip ebn_ip_of(const struct ebpfnet_addr *addr)
{
	ebn_ip ip = 0;
	int i;

	for (i = 0; i < 16; i++)
		ip = ip << 8 | addr->b[i];
	return ip;
}

struct ebpfnet_addr ebn_ip_addr(ebn_ip ip)
{
	struct ebpfnet_addr addr;
	int i;

	for (i = 15; i >= 0; i--, ip >>= 8)
		addr.b[i] = (uint8_t)ip;
	return addr;
}

unsigned int ebn_ip_family(ebn_ip ip)
{
	return ip >> 32 == MAPPED >> 32 ? 0 : 1;
}

static ebn_ip below_mask(unsigned int bits)
{
	return bits >= 128 ? ~(ebn_ip)0 : ((ebn_ip)1 << bits) - 1;
}

int ebn_ipam_prefix_parse(const char *text, struct ebn_ipam_seg *ret, unsigned int *ret_family, unsigned int *ret_len)
{
	const char *slash = text ? strchr(text, '/') : NULL, *p;
	unsigned int len, width, n = 0;
	char buf[EBPFNET_ADDR_STRLEN];
	struct ebpfnet_addr addr;
	ebn_ip ip, mask;

	if (!text)
		return -EINVAL;
	len = (unsigned int)(slash ? (size_t)(slash - text) : strnlen(text, sizeof(buf)));
	if (len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (ebpfnet_addr_parse(buf, &addr) < 0)
		return -EINVAL;
	ip = ebn_ip_of(&addr);
	width = ebn_ip_family(ip) ? 128 : 32;
	if (slash) {
		for (p = slash + 1; *p >= '0' && *p <= '9' && p - slash <= 3; p++)
			n = n * 10 + (unsigned int)(*p - '0');
		if (p == slash + 1 || *p || n > width || (slash[1] == '0' && slash[2]))
			return -EINVAL;
	} else {
		n = width;
	}
	mask = below_mask(width - n);
	if (ip & mask)
		return -EINVAL;
	*ret = (struct ebn_ipam_seg){ ip, ip | mask };
	*ret_family = width == 128;
	*ret_len = n;
	return 0;
}

void ebn_ipam_pool_free(struct ebn_ipam_pool *pool)
{
	if (!pool)
		return;
	free(pool->range);
	free(pool->seg[0]);
	free(pool->seg[1]);
	free(pool);
}

static int add_seg(struct ebn_ipam_pool *pool, unsigned int f, ebn_ip first, ebn_ip last)
{
	int r = ebn_grow(&pool->seg[f], &pool->cap_segs[f], pool->n_segs[f] + 1, sizeof(**pool->seg));

	if (!r)
		pool->seg[f][pool->n_segs[f]++] = (struct ebn_ipam_seg){ first, last };
	return r;
}

/* Cuts a piece out of every segment of the family, keeping their order. */
static int cut(struct ebn_ipam_pool *pool, unsigned int f, struct ebn_ipam_seg out)
{
	size_t i;
	int r;

	for (i = 0; i < pool->n_segs[f]; i++) {
		struct ebn_ipam_seg *s = &pool->seg[f][i], was = *s;

		if (out.last < was.first || out.first > was.last)
			continue;
		if (out.first <= was.first && out.last >= was.last) {
			memmove(s, s + 1, (--pool->n_segs[f] - i) * sizeof(*s));
			i--;
		} else if (out.first <= was.first) {
			s->first = out.last + 1;
		} else if (out.last >= was.last) {
			s->last = out.first - 1;
		} else {
			r = add_seg(pool, f, 0, 0);
			if (r < 0)
				return r;
			s = &pool->seg[f][i];
			memmove(s + 2, s + 1, (pool->n_segs[f] - i - 2) * sizeof(*s));
			s[0].last = out.first - 1;
			s[1] = (struct ebn_ipam_seg){ out.last + 1, was.last };
			i++;
		}
	}
	return 0;
}

static int cut_one(struct ebn_ipam_pool *pool, ebn_ip ip)
{
	return cut(pool, ebn_ip_family(ip), (struct ebn_ipam_seg){ ip, ip });
}

static int bad(const struct ebpfnet_ipam_pool_opts *o, const char *what, const char *text)
{
	return ebn_diag(EBN_OPT(o, diag, NULL), o->name, EINVAL, "%s%s%s", what, text ? ": " : "", text ? text : "");
}

/* The end of a range: what was said, if it lies in the subnet. */
static int range_end(const struct ebpfnet_addr *said, const struct ebn_ipam_range *r, ebn_ip *to)
{
	ebn_ip ip;

	if (!ebpfnet_addr_family(said))
		return 0;
	ip = ebn_ip_of(said);
	if (ip < r->subnet.first || ip > r->subnet.last)
		return -EINVAL;
	*to = ip;
	return 0;
}

static int add_range(struct ebn_ipam_pool *pool, const struct ebpfnet_ipam_pool_opts *o,
		     const struct ebpfnet_ipam_range *in)
{
	struct ebn_ipam_range *r = &pool->range[pool->n_ranges];
	unsigned int family, len, hosts;
	struct ebn_ipam_seg s;
	size_t i;

	if (ebn_ipam_prefix_parse(in->subnet, &r->subnet, &family, &len) < 0 || !strchr(in->subnet, '/'))
		return bad(o, "not a subnet", in->subnet);
	if (in->flags & ~EBPFNET_IPAM_NO_GATEWAY || in->reserved)
		return bad(o, "unknown flags of a range", in->subnet);
	r->family = (uint8_t)family;
	r->prefix = (uint8_t)len;
	hosts = (family ? 128u : 32u) - len;
	s = r->subnet;
	if (hosts > 1) {
		s.first++;
		s.last -= !family;
	}
	if (in->flags & EBPFNET_IPAM_NO_GATEWAY) {
		if (ebpfnet_addr_family(&in->gateway))
			return bad(o, "a gateway and none", in->subnet);
	} else if (ebpfnet_addr_family(&in->gateway)) {
		if (ebn_ip_family(ebn_ip_of(&in->gateway)) != family)
			return bad(o, "the gateway is of the other family", in->subnet);
		r->gateway = in->gateway;
	} else if (hosts > 1) {
		r->gateway = ebn_ip_addr(s.first);
	}
	if (range_end(&in->first, r, &s.first) < 0 || range_end(&in->last, r, &s.last) < 0)
		return bad(o, "the range's ends are not in its subnet", in->subnet);
	if (s.first > s.last)
		return bad(o, "the range ends before it begins", in->subnet);
	for (i = 0; i < pool->n_segs[family]; i++)
		if (s.first <= pool->seg[family][i].last && s.last >= pool->seg[family][i].first)
			return bad(o, "ranges overlap", in->subnet);
	pool->n_ranges++;
	return add_seg(pool, family, s.first, s.last);
}

/* What is never handed out: both ends of each subnet, gateways, exclusions. */
static int cut_all(struct ebn_ipam_pool *pool, const struct ebpfnet_ipam_pool_opts *o)
{
	unsigned int family, len;
	struct ebn_ipam_seg out;
	size_t i;
	int r = 0;

	for (i = 0; !r && i < pool->n_ranges; i++) {
		const struct ebn_ipam_range *range = &pool->range[i];

		if (range->prefix < (range->family ? 127 : 31)) {
			r = cut_one(pool, range->subnet.first);
			if (!r && !range->family)
				r = cut_one(pool, range->subnet.last);
		}
		if (!r && ebpfnet_addr_family(&range->gateway))
			r = cut_one(pool, ebn_ip_of(&range->gateway));
	}
	for (i = 0; !r && i < o->n_exclude; i++) {
		if (ebn_ipam_prefix_parse(o->exclude[i], &out, &family, &len) < 0)
			return bad(o, "not an address or prefix to exclude", o->exclude[i]);
		r = cut(pool, family, out);
	}
	return r;
}

static int count(struct ebn_ipam_pool *pool, const struct ebpfnet_ipam_pool_opts *o)
{
	unsigned int f;
	size_t i;

	for (f = 0; f < 2; f++) {
		for (i = 0; i < pool->n_segs[f]; i++)
			pool->total[f] += pool->seg[f][i].last - pool->seg[f][i].first + 1;
		if (pool->n_segs[f])
			pool->next[f] = pool->seg[f][0].first;
	}
	for (i = 0; i < pool->n_ranges; i++)
		if (!pool->total[pool->range[i].family])
			return bad(o, "exclusions leave no address", pool->range[i].family ? "IPv6" : "IPv4");
	return 0;
}

int ebn_ipam_pool_build(const struct ebpfnet_ipam_pool_opts *o, struct ebn_ipam_pool **ret)
{
	struct ebn_ipam_pool *pool;
	size_t i;
	int r = 0;

	if (!o->name || !ebn_ipam_text_ok(o->name, strnlen(o->name, EBPFNET_IPAM_POOL_MAX + 1), EBPFNET_IPAM_POOL_MAX))
		return ebn_diag(EBN_OPT(o, diag, NULL), NULL, EINVAL, "a pool's name is 1 to %d bytes without control characters",
				EBPFNET_IPAM_POOL_MAX);
	if (!o->ranges || !o->n_ranges || (o->n_exclude && !o->exclude))
		return bad(o, "a pool needs ranges", NULL);
	if (o->warn_percent > 100 || o->reserved)
		return bad(o, "more than 100 percent", NULL);
	if (o->n_ranges > EBPFNET_IPAM_RANGES_MAX || o->n_exclude > EBPFNET_IPAM_EXCLUDES_MAX)
		return ebn_diag(EBN_OPT(o, diag, NULL), o->name, ENOSPC, "more than %d ranges or %d exclusions",
				EBPFNET_IPAM_RANGES_MAX, EBPFNET_IPAM_EXCLUDES_MAX);
	pool = ebn_calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	ebn_format(pool->name, sizeof(pool->name), "%s", o->name);
	pool->warn_percent = o->warn_percent ? o->warn_percent : 90;
	pool->range = ebn_calloc(o->n_ranges, sizeof(*pool->range));
	if (!pool->range)
		r = -ENOMEM;
	for (i = 0; !r && i < o->n_ranges; i++)
		r = add_range(pool, o, &o->ranges[i]);
	if (!r)
		r = cut_all(pool, o);
	if (!r)
		r = count(pool, o);
	if (r < 0) {
		ebn_ipam_pool_free(pool);
		return r;
	}
	*ret = pool;
	return 0;
}

bool ebn_ipam_pool_has(const struct ebn_ipam_pool *pool, ebn_ip ip)
{
	unsigned int f = ebn_ip_family(ip);
	size_t i;

	for (i = 0; i < pool->n_segs[f]; i++)
		if (ip >= pool->seg[f][i].first && ip <= pool->seg[f][i].last)
			return true;
	return false;
}

bool ebn_ipam_pools_overlap(const struct ebn_ipam_pool *a, const struct ebn_ipam_pool *b)
{
	unsigned int f;
	size_t i, j;

	for (f = 0; f < 2; f++)
		for (i = 0; i < a->n_segs[f]; i++)
			for (j = 0; j < b->n_segs[f]; j++)
				if (a->seg[f][i].first <= b->seg[f][j].last && a->seg[f][i].last >= b->seg[f][j].first)
					return true;
	return false;
}
