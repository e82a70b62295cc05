/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The object: opened from its store, pools, figures, the walk. */
#include "ipam/internal.h"

uint64_t ebn_ipam_now(const struct ebpfnet_ipam *ipam)
{
	return ebn_realtime_ns() / 1000000u + ipam->skew_ms;
}

void ebn_ipam_skip(struct ebpfnet_ipam *ipam, uint64_t ms)
{
	ipam->skew_ms += ms;
}

struct loading {
	struct ebpfnet_ipam *ipam;
	struct ebpfnet_diag *diag;
	const char *path;
};

static int load_record(const void *key, size_t key_len, const void *value, size_t value_len, void *arg)
{
	struct loading *l = arg;
	struct ebn_ipam_record rec;
	int r = ebn_ipam_record_decode(key, key_len, value, value_len, &rec);

	if (!r)
		r = ebn_ipam_load_record(l->ipam, &rec);
	return r == -EPROTO ? ebn_diag(l->diag, l->path, r, "a record of the store is damaged or of another version") : r;
}

static int by_release(const void *a, const void *b)
{
	uint64_t x = (*(struct ebn_ipam_lease *const *)a)->since_ms, y = (*(struct ebn_ipam_lease *const *)b)->since_ms;

	return (x > y) - (x < y);
}

/* Those at rest were read in the order of addresses; they end their rest in the order of release. */
static int sort_resting(struct ebpfnet_ipam *ipam)
{
	_free_ struct ebn_ipam_lease **all = NULL;
	uint64_t now = ebn_ipam_now(ipam);
	struct ebn_ipam_lease *l;
	size_t i, n = 0;

	all = ebn_calloc(ipam->n_leases, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (l = ipam->resting; l; l = l->next) {
		/* released in what is now the future: the clock was set back */
		if (l->since_ms > now)
			l->since_ms = now;
		all[n++] = l;
	}
	if (!n)
		return 0;
	qsort(all, n, sizeof(*all), by_release);
	for (i = 0; i < n; i++) {
		all[i]->prev = i ? all[i - 1] : NULL;
		all[i]->next = i + 1 < n ? all[i + 1] : NULL;
	}
	ipam->resting = all[0];
	ipam->resting_last = all[n - 1];
	return 0;
}

static int load(struct ebpfnet_ipam *ipam, const char *path, struct ebpfnet_diag *diag)
{
	struct loading l = { ipam, diag, path };
	int r = ebn_store_open(path, EBN_IPAM_STORE_BYTES, diag, &ipam->store);

	if (!r) {
		r = ebn_store_foreach(ipam->store, load_record, &l);
		if (r < 0 && r != -EPROTO)
			ebn_diag(diag, path, r, "the store cannot be read");
	}
	return r < 0 ? r : sort_resting(ipam);
}

int ebn_ipam_open(struct ebpfnet_ctx *ctx, const struct ebpfnet_ipam_opts *o, uint64_t skew_ms,
		  struct ebpfnet_ipam **ret)
{
	uint32_t quarantine = EBN_OPT(o, quarantine_ms, 0), flags = EBN_OPT(o, flags, 0);
	const char *path = EBN_OPT(o, path, NULL);
	struct ebpfnet_ipam *ipam;
	int r = 0;

	if (!ctx || !ret || !EBN_OPTS_VALID(o, ebpfnet_ipam_opts) || flags & ~EBPFNET_IPAM_NO_QUARANTINE ||
	    quarantine > EBN_IPAM_QUARANTINE_MAX_MS || (flags && quarantine))
		return -EINVAL;
	ipam = ebn_calloc(1, sizeof(*ipam));
	if (!ipam)
		return -ENOMEM;
	ipam->ctx = ebpfnet_ctx_ref(ctx);
	ipam->skew_ms = skew_ms;
	ipam->quarantine_ms = flags ? 0 : quarantine ? quarantine : EBPFNET_IPAM_QUARANTINE_MS;
	if (path)
		r = load(ipam, path, EBN_OPT(o, diag, NULL));
	if (r < 0) {
		ebpfnet_ipam_free(ipam);
		return r;
	}
	*ret = ipam;
	return 0;
}

int ebpfnet_ipam_new(struct ebpfnet_ctx *ctx, const struct ebpfnet_ipam_opts *o, struct ebpfnet_ipam **ret)
{
	return ebn_ipam_open(ctx, o, 0, ret);
}

void ebpfnet_ipam_free(struct ebpfnet_ipam *ipam)
{
	size_t i;

	if (!ipam)
		return;
	for (i = 0; i < ipam->n_pools; i++)
		ebn_ipam_pool_free(ipam->pool[i]);
	for (i = 0; i < ipam->n_leases; i++)
		ebn_ipam_lease_free(ipam->lease[i]);
	free(ipam->pool);
	free(ipam->slot);
	free(ipam->lease);
	free(ipam->free);
	ebn_index_done(&ipam->owners);
	ebn_store_close(ipam->store);
	ebpfnet_ctx_unref(ipam->ctx);
	free(ipam);
}

/* ---- pools ---- */

static size_t pool_number(const struct ebpfnet_ipam *ipam, const char *name)
{
	size_t i;

	for (i = 0; i < ipam->n_pools; i++)
		if (!strcmp(ipam->pool[i]->name, name))
			break;
	return i;
}

int ebpfnet_ipam_set_pool(struct ebpfnet_ipam *ipam, const struct ebpfnet_ipam_pool_opts *o)
{
	struct ebn_ipam_pool *pool;
	size_t i, at;
	int f, r;

	if (!ipam || !o || !EBN_OPTS_VALID(o, ebpfnet_ipam_pool_opts) || !EBN_OPTS_HAS(o, diag))
		return -EINVAL;
	r = ebn_ipam_pool_build(o, &pool);
	if (r < 0)
		return r;
	at = pool_number(ipam, pool->name);
	for (i = 0; !r && i < ipam->n_pools; i++)
		if (i != at && ebn_ipam_pools_overlap(pool, ipam->pool[i]))
			r = ebn_diag(o->diag, pool->name, EEXIST, "pool %s has some of these addresses", ipam->pool[i]->name);
	if (!r && at == ipam->n_pools)
		r = at == EBPFNET_IPAM_POOLS_MAX ?
			    ebn_diag(o->diag, pool->name, ENOSPC, "more than %d pools", EBPFNET_IPAM_POOLS_MAX) :
			    ebn_grow(&ipam->pool, &ipam->cap_pools, at + 1, sizeof(*ipam->pool));
	if (r < 0) {
		ebn_ipam_pool_free(pool);
		return r;
	}
	if (at == ipam->n_pools) {
		ipam->n_pools++;
	} else {
		/* goes on where it was, so that addresses just freed are not the next ones again */
		for (f = 0; f < 2; f++) {
			pool->next[f] = ipam->pool[at]->next[f];
			pool->warned[f] = ipam->pool[at]->warned[f];
		}
		ebn_ipam_pool_free(ipam->pool[at]);
	}
	ipam->pool[at] = pool;
	return 0;
}

int ebpfnet_ipam_remove_pool(struct ebpfnet_ipam *ipam, const char *name)
{
	size_t i;

	if (!ipam || !name)
		return -EINVAL;
	i = pool_number(ipam, name);
	if (i == ipam->n_pools)
		return -ENOENT;
	ebn_ipam_pool_free(ipam->pool[i]);
	memmove(&ipam->pool[i], &ipam->pool[i + 1], (--ipam->n_pools - i) * sizeof(*ipam->pool));
	return 0;
}

static uint64_t capped(ebn_ip n)
{
	return n > UINT64_MAX ? UINT64_MAX : (uint64_t)n;
}

static void measure(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, unsigned int f,
		    struct ebpfnet_ipam_usage *u)
{
	size_t taken = ebn_ipam_taken(ipam, pool, f), i;
	const struct ebn_ipam_lease *l;

	for (l = ipam->resting; l; l = l->next)
		u->resting += l->ip[f] && ebn_ipam_pool_has(pool, l->ip[f]);
	for (i = 0; i < ipam->n_leases; i++) {
		l = ipam->lease[i];
		u->outside += l && !l->resting && l->ip[f] && !strcmp(l->pool, pool->name) &&
			      !ebn_ipam_pool_has(pool, l->ip[f]);
	}
	u->total = capped(pool->total[f]);
	u->used = taken - u->resting;
	u->free = capped(pool->total[f] - taken);
	u->percent = ebn_ipam_percent(pool, f, taken);
	u->low = pool->total[f] && u->percent >= pool->warn_percent;
}

int ebpfnet_ipam_get_pool(struct ebpfnet_ipam *ipam, const char *name, struct ebpfnet_ipam_pool_info *ret, size_t size)
{
	struct ebpfnet_ipam_pool_info info = { 0 };
	size_t i;

	if (!ipam || !name || !ret)
		return -EINVAL;
	i = pool_number(ipam, name);
	if (i == ipam->n_pools)
		return -ENOENT;
	measure(ipam, ipam->pool[i], 0, &info.usage4);
	measure(ipam, ipam->pool[i], 1, &info.usage6);
	ebn_copy_out(ret, size, &info, sizeof(info));
	return 0;
}

/* ---- the walk ---- */

static int walk_family(struct ebpfnet_ipam *ipam, unsigned int f, ebpfnet_ipam_fn fn, void *userdata)
{
	uint64_t now = ebn_ipam_now(ipam);
	size_t i;
	int r = 0;

	for (i = 0; !r && i < ipam->n_slots; i++) {
		const struct ebn_ipam_lease *l = ipam->slot[i].lease;
		struct ebpfnet_ipam_entry e = { .owner = l->owner, .pool = l->pool, .since_ms = l->since_ms };

		if (ebn_ip_family(ipam->slot[i].ip) != f)
			continue;
		if (l->resting && !(e.resting_ms = ebn_ipam_rests(ipam, l, now)))
			continue;
		e.addr = ebn_ip_addr(ipam->slot[i].ip);
		r = fn(&e, userdata);
	}
	return r;
}

int ebpfnet_ipam_foreach(struct ebpfnet_ipam *ipam, ebpfnet_ipam_fn fn, void *userdata)
{
	int r;

	if (!ipam || !fn)
		return -EINVAL;
	r = walk_family(ipam, 0, fn, userdata);
	return r ? r : walk_family(ipam, 1, fn, userdata);
}
