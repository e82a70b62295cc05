/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Handing out, taking back. The store first, then memory: what fails has changed neither. */
#include "ipam/internal.h"

static const char *const family_name[2] = { "IPv4", "IPv6" };

static int find_pool(struct ebpfnet_ipam *ipam, const char *name, struct ebn_ipam_pool **ret)
{
	size_t i;

	for (i = 0; i < ipam->n_pools; i++)
		if (!strcmp(ipam->pool[i]->name, name)) {
			*ret = ipam->pool[i];
			return 0;
		}
	return -ENOENT;
}

/* ---- the store ---- */

static int begin(struct ebpfnet_ipam *ipam)
{
	return ipam->store ? ebn_store_begin(ipam->store) : 0;
}

static int put_lease(struct ebpfnet_ipam *ipam, const struct ebn_ipam_lease *lease)
{
	uint8_t key[EBN_IPAM_KEY_LEN], value[EBN_IPAM_RECORD_MAX];
	size_t len = ebn_ipam_record_encode(lease, value);
	int f, r = 0;

	for (f = 0; ipam->store && !r && f < 2; f++) {
		if (!lease->ip[f])
			continue;
		ebn_ipam_record_key(lease->ip[f], key);
		r = ebn_store_put(ipam->store, key, sizeof(key), value, len);
	}
	return r;
}

static int del_ip(struct ebpfnet_ipam *ipam, ebn_ip ip)
{
	uint8_t key[EBN_IPAM_KEY_LEN];

	if (!ipam->store || !ip)
		return 0;
	ebn_ipam_record_key(ip, key);
	return ebn_store_del(ipam->store, key, sizeof(key));
}

/* Ends a change: commits it, or takes it back when something in it failed. */
static int finish(struct ebpfnet_ipam *ipam, int r)
{
	if (!ipam->store)
		return r;
	if (!r)
		return ebn_store_commit(ipam->store);
	ebn_store_abort(ipam->store);
	return r;
}

/* Forgets addresses that have rested, a bounded number of them. 1: some, 0: none. */
static int forget(struct ebpfnet_ipam *ipam)
{
	uint64_t now = ebn_ipam_now(ipam);
	struct ebn_ipam_lease *l = ipam->resting;
	unsigned int n = 0, i;
	int r;

	if (!l || ebn_ipam_rests(ipam, l, now))
		return 0;
	r = begin(ipam);
	if (r < 0)
		return r;
	for (; !r && l && n < EBN_IPAM_FORGET && !ebn_ipam_rests(ipam, l, now); l = l->next, n++) {
		r = del_ip(ipam, l->ip[0]);
		if (!r)
			r = del_ip(ipam, l->ip[1]);
	}
	r = finish(ipam, r);
	if (r < 0)
		return r;
	for (i = 0; i < n; i++) {
		l = ipam->resting;
		/* the last one frees the lease */
		if (l->ip[0] && l->ip[1])
			ebn_ipam_drop(ipam, l, 0);
		ebn_ipam_drop(ipam, l, l->ip[0] ? 0 : 1);
	}
	return 1;
}

/* ---- which address ---- */

/* The segment the search begins in: the one that holds the place where the last one ended, or the next one behind it. */
static size_t first_segment(const struct ebn_ipam_pool *pool, unsigned int f)
{
	const struct ebn_ipam_seg *seg = pool->seg[f];
	size_t i, at = pool->n_segs[f];

	for (i = 0; i < pool->n_segs[f]; i++)
		if (seg[i].last >= pool->next[f] && (at == pool->n_segs[f] || seg[i].first < seg[at].first))
			at = i;
	return at == pool->n_segs[f] ? 0 : at;
}

/* The next free address of a pool, from where the last search ended; false: there is none. */
static bool pick_from(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, unsigned int f, ebn_ip *ret)
{
	size_t i, n = pool->n_segs[f], at = first_segment(pool, f);

	/* the first one twice: from that place on, then from its beginning */
	for (i = 0; i <= n; i++) {
		const struct ebn_ipam_seg *s = &pool->seg[f][(at + i) % n];
		ebn_ip from = !i && pool->next[f] > s->first && pool->next[f] <= s->last ? pool->next[f] : s->first;

		if (ebn_ipam_gap(ipam, from, s->last, ret))
			return true;
	}
	return false;
}

static int used_up(struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, unsigned int f,
		   struct ebpfnet_diag *diag)
{
	uint64_t now = ebn_ipam_now(ipam), total = pool->total[f] > UINT64_MAX ? UINT64_MAX : (uint64_t)pool->total[f];
	const struct ebn_ipam_lease *l;

	for (l = ipam->resting; l; l = l->next)
		if (l->ip[f] && ebn_ipam_pool_has(pool, l->ip[f]))
			return ebn_diag(diag, pool->name, EAGAIN,
					"all %llu %s addresses of the pool are used, the next one rests for %u ms more",
					(unsigned long long)total, family_name[f], ebn_ipam_rests(ipam, l, now));
	return ebn_diag(diag, pool->name, ENOSPC, "all %llu %s addresses of the pool are used",
			(unsigned long long)total, family_name[f]);
}

/* A certain address. One at rest is given: who asks for it by name knows what he does. */
static int pick_wanted(struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, const struct ebpfnet_addr *want,
		       struct ebpfnet_diag *diag, ebn_ip *ret)
{
	ebn_ip ip = ebn_ip_of(want);
	const struct ebn_ipam_lease *has = ebn_ipam_at(ipam, ip);
	char text[EBPFNET_ADDR_STRLEN];

	ebpfnet_addr_format(want, text, sizeof(text));
	if (!ebn_ipam_pool_has(pool, ip))
		return ebn_diag(diag, pool->name, ERANGE, "%s is not an address that this pool hands out", text);
	if (has && !has->resting)
		return ebn_diag(diag, pool->name, EADDRINUSE, "%s is in use by %s", text, has->owner);
	*ret = ip;
	return 0;
}

static int pick(struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, unsigned int f,
		const struct ebpfnet_addr *want, struct ebpfnet_diag *diag, ebn_ip *ret)
{
	int r;

	if (!pool->n_segs[f])
		return ebn_diag(diag, pool->name, EAFNOSUPPORT, "the pool has no %s range", family_name[f]);
	if (ebpfnet_addr_family(want))
		return pick_wanted(ipam, pool, want, diag, ret);
	while (!pick_from(ipam, pool, f, ret)) {
		r = forget(ipam);
		if (r <= 0)
			return r < 0 ? r : used_up(ipam, pool, f, diag);
	}
	return 0;
}

/* ---- leases ---- */

static void fill(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_lease *lease, struct ebpfnet_ipam_lease *out)
{
	struct ebpfnet_addr *addr[2] = { &out->addr4, &out->addr6 }, *gateway[2] = { &out->gateway4, &out->gateway6 };
	uint8_t *prefix[2] = { &out->prefix4, &out->prefix6 };
	size_t i, j;
	int f;

	memset(out, 0, sizeof(*out));
	for (f = 0; f < 2; f++) {
		if (!lease->ip[f])
			continue;
		*addr[f] = ebn_ip_addr(lease->ip[f]);
		*prefix[f] = f ? 128 : 32;
		for (i = 0; i < ipam->n_pools; i++)
			for (j = 0; j < ipam->pool[i]->n_ranges; j++) {
				const struct ebn_ipam_range *r = &ipam->pool[i]->range[j];

				if (strcmp(ipam->pool[i]->name, lease->pool) != 0 || lease->ip[f] < r->subnet.first ||
				    lease->ip[f] > r->subnet.last)
					continue;
				*gateway[f] = r->gateway;
				*prefix[f] = r->prefix;
			}
	}
}

static void warn_low(struct ebpfnet_ipam *ipam, struct ebn_ipam_pool *pool)
{
	int f;

	for (f = 0; f < 2; f++) {
		uint32_t percent = ebn_ipam_percent(pool, f, ebn_ipam_taken(ipam, pool, f));
		bool low = pool->total[f] && percent >= pool->warn_percent;

		if (low && !pool->warned[f])
			ebn_warn(ipam->ctx, "pool %s: %u %% of its %s addresses are used", pool->name, percent,
				 family_name[f]);
		pool->warned[f] = low;
	}
}

/* Takes an address from one at rest, whom the new owner asked for by name. */
static void take_over(struct ebpfnet_ipam *ipam, ebn_ip ip)
{
	struct ebn_ipam_lease *rests = ebn_ipam_at(ipam, ip);

	if (rests)
		ebn_ipam_drop(ipam, rests, ebn_ip_family(ip));
}

static int request_valid(const struct ebpfnet_ipam_request *rq)
{
	if (!rq || !EBN_OPTS_VALID(rq, ebpfnet_ipam_request) || !EBN_OPTS_HAS(rq, families) || !rq->pool ||
	    !rq->owner || !ebn_ipam_text_ok(rq->owner, strnlen(rq->owner, EBPFNET_IPAM_OWNER_MAX + 1),
					    EBPFNET_IPAM_OWNER_MAX))
		return -EINVAL;
	if (rq->families & ~(EBPFNET_IPAM_FAMILY4 | EBPFNET_IPAM_FAMILY6) || EBN_OPT(rq, reserved, 0))
		return -EINVAL;
	return ebpfnet_addr_family(&rq->addr4) == 6 || ebpfnet_addr_family(&rq->addr6) == 4 ? -EINVAL : 0;
}

static uint32_t families_wanted(const struct ebpfnet_ipam_request *rq, const struct ebn_ipam_pool *pool)
{
	uint32_t families = rq->families;

	if (!families)
		families = (pool->n_segs[0] ? EBPFNET_IPAM_FAMILY4 : 0u) |
			   (pool->n_segs[1] ? EBPFNET_IPAM_FAMILY6 : 0u);
	if (ebpfnet_addr_family(&rq->addr4))
		families |= EBPFNET_IPAM_FAMILY4;
	if (ebpfnet_addr_family(&rq->addr6))
		families |= EBPFNET_IPAM_FAMILY6;
	return families;
}

static int hand_out(struct ebpfnet_ipam *ipam, struct ebn_ipam_pool *pool, struct ebn_ipam_lease *lease,
		    struct ebpfnet_diag *diag)
{
	int f, r = begin(ipam);

	if (!r)
		r = finish(ipam, put_lease(ipam, lease));
	if (r < 0)
		return ebn_diag(diag, pool->name, r, "the store cannot be written");
	for (f = 0; f < 2; f++) {
		if (!lease->ip[f])
			continue;
		take_over(ipam, lease->ip[f]);
		pool->next[f] = lease->ip[f] + 1;
	}
	ebn_ipam_insert(ipam, lease);
	warn_low(ipam, pool);
	return 0;
}

int ebpfnet_ipam_allocate(struct ebpfnet_ipam *ipam, const struct ebpfnet_ipam_request *rq,
			  struct ebpfnet_ipam_lease *ret, size_t size)
{
	struct ebpfnet_diag *diag;
	struct ebpfnet_ipam_lease out;
	struct ebn_ipam_lease *lease = NULL;
	struct ebn_ipam_pool *pool;
	uint32_t families;
	unsigned int f;
	int r;

	if (!ipam || !ret || request_valid(rq) < 0)
		return -EINVAL;
	diag = EBN_OPT(rq, diag, NULL);
	if (find_pool(ipam, rq->pool, &pool) < 0)
		return ebn_diag(diag, rq->pool, ENOENT, "there is no such pool");
	if (ebn_ipam_find(ipam, rq->owner))
		return ebn_diag(diag, pool->name, EEXIST, "%s has addresses already", rq->owner);
	r = forget(ipam);
	if (r < 0)
		return ebn_diag(diag, pool->name, r, "the store cannot be written");
	r = ebn_ipam_reserve(ipam);
	if (r == -ENOSPC)
		return ebn_diag(diag, pool->name, r, "more than %d addresses are used", EBPFNET_IPAM_ADDRESSES_MAX);
	if (!r)
		r = ebn_ipam_lease_new(rq->owner, strlen(rq->owner), pool->name, strlen(pool->name), &lease);
	families = families_wanted(rq, pool);
	for (f = 0; !r && f < 2; f++)
		if (families & 1u << f)
			r = pick(ipam, pool, f, f ? &rq->addr6 : &rq->addr4, diag, &lease->ip[f]);
	if (!r) {
		lease->since_ms = ebn_ipam_now(ipam);
		r = hand_out(ipam, pool, lease, diag);
	}
	if (r < 0) {
		ebn_ipam_lease_free(lease);
		return r;
	}
	fill(ipam, lease, &out);
	ebn_copy_out(ret, size, &out, sizeof(out));
	return 0;
}

int ebpfnet_ipam_lookup(struct ebpfnet_ipam *ipam, const char *owner, struct ebpfnet_ipam_lease *ret, size_t size)
{
	const struct ebn_ipam_lease *lease;
	struct ebpfnet_ipam_lease out;

	if (!ipam || !owner || !ret)
		return -EINVAL;
	lease = ebn_ipam_find(ipam, owner);
	if (!lease)
		return -ENOENT;
	fill(ipam, lease, &out);
	ebn_copy_out(ret, size, &out, sizeof(out));
	return 0;
}

static int release(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease)
{
	struct ebn_ipam_lease rests = *lease;
	int r = begin(ipam);

	if (r < 0)
		return r;
	rests.resting = true;
	rests.since_ms = ebn_ipam_now(ipam);
	if (ipam->quarantine_ms) {
		r = put_lease(ipam, &rests);
	} else {
		r = del_ip(ipam, lease->ip[0]);
		if (!r)
			r = del_ip(ipam, lease->ip[1]);
	}
	r = finish(ipam, r);
	if (r < 0)
		return r;
	if (ipam->quarantine_ms) {
		ebn_ipam_rest(ipam, lease, rests.since_ms);
		return 0;
	}
	if (rests.ip[0])
		ebn_ipam_drop(ipam, lease, 0);
	if (rests.ip[1])
		ebn_ipam_drop(ipam, lease, 1);
	return 0;
}

int ebpfnet_ipam_release(struct ebpfnet_ipam *ipam, const char *owner)
{
	struct ebn_ipam_lease *lease;

	if (!ipam || !owner)
		return -EINVAL;
	lease = ebn_ipam_find(ipam, owner);
	return lease ? release(ipam, lease) : -ENOENT;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int ebpfnet_ipam_collect(struct ebpfnet_ipam *ipam, const struct ebpfnet_ipam_collect_opts *o, size_t *ret)
{
	_free_ const char **live = NULL;
	size_t i, n = 0, prefix_len;
	uint64_t now;
	int r = 0;

	if (!ipam || !o || !EBN_OPTS_VALID(o, ebpfnet_ipam_collect_opts) || !EBN_OPTS_HAS(o, min_age_ms) ||
	    EBN_OPT(o, reserved, 0) || (o->n_live && !o->live))
		return -EINVAL;
	live = ebn_calloc(o->n_live, sizeof(*live));
	if (!live)
		return -ENOMEM;
	for (i = 0; i < o->n_live; i++)
		if (!(live[i] = o->live[i]))
			return -EINVAL;
	if (o->n_live)
		qsort(live, o->n_live, sizeof(*live), by_text);
	prefix_len = o->prefix ? strlen(o->prefix) : 0;
	now = ebn_ipam_now(ipam);
	for (i = 0; !r && i < ipam->n_leases; i++) {
		struct ebn_ipam_lease *l = ipam->lease[i];

		if (!l || l->resting || (prefix_len && strncmp(l->owner, o->prefix, prefix_len) != 0) ||
		    (o->min_age_ms && (now < l->since_ms || now - l->since_ms < o->min_age_ms)) ||
		    (o->n_live && bsearch(&l->owner, live, o->n_live, sizeof(*live), by_text)))
			continue;
		r = release(ipam, l);
		n += !r;
	}
	if (ret)
		*ret = n;
	return r;
}
