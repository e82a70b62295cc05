/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Addresses in use or at rest, sorted; their leases; owners by name. */
#include "ipam/internal.h"

size_t ebn_ipam_below(const struct ebpfnet_ipam *ipam, ebn_ip ip)
{
	size_t lo = 0, hi = ipam->n_slots;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ipam->slot[mid].ip < ip)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t ebn_ipam_taken(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, unsigned int f)
{
	size_t i, end, n = 0;

	for (i = 0; i < pool->n_segs[f]; i++) {
		const struct ebn_ipam_seg *s = &pool->seg[f][i];

		end = ebn_ipam_below(ipam, s->last);
		end += end < ipam->n_slots && ipam->slot[end].ip == s->last;
		n += end - ebn_ipam_below(ipam, s->first);
	}
	return n;
}

uint32_t ebn_ipam_percent(const struct ebn_ipam_pool *pool, unsigned int f, size_t taken)
{
	return pool->total[f] ? (uint32_t)(((ebn_ip)taken * 100 + pool->total[f] - 1) / pool->total[f]) : 0;
}

struct ebn_ipam_lease *ebn_ipam_at(const struct ebpfnet_ipam *ipam, ebn_ip ip)
{
	size_t i = ebn_ipam_below(ipam, ip);

	return i < ipam->n_slots && ipam->slot[i].ip == ip ? ipam->slot[i].lease : NULL;
}

bool ebn_ipam_gap(const struct ebpfnet_ipam *ipam, ebn_ip from, ebn_ip last, ebn_ip *ret)
{
	size_t base = ebn_ipam_below(ipam, from), lo = base, hi = ipam->n_slots;

	/* slots without a gap are at from, from + 1, …: find the first that is not */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ipam->slot[mid].ip - from == mid - base)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (last - from < lo - base)
		return false;
	*ret = from + (lo - base);
	return true;
}

int ebn_ipam_reserve(struct ebpfnet_ipam *ipam)
{
	int r;

	if (ipam->n_slots + 2 > EBPFNET_IPAM_ADDRESSES_MAX)
		return -ENOSPC;
	r = ebn_grow(&ipam->slot, &ipam->cap_slots, ipam->n_slots + 2, sizeof(*ipam->slot));
	if (!r)
		r = ebn_grow(&ipam->lease, &ipam->cap_leases, ipam->n_leases + 1, sizeof(*ipam->lease));
	if (!r)
		r = ebn_grow(&ipam->free, &ipam->cap_free, ipam->n_leases + 1, sizeof(*ipam->free));
	return r < 0 ? r : ebn_index_reserve(&ipam->owners, 1);
}

static uint64_t owner_hash(const char *owner)
{
	return ebn_hash_bytes(owner, strlen(owner));
}

static void rest_append(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease)
{
	lease->next = NULL;
	lease->prev = ipam->resting_last;
	if (lease->prev)
		lease->prev->next = lease;
	else
		ipam->resting = lease;
	ipam->resting_last = lease;
}

static void rest_remove(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease)
{
	if (lease->prev)
		lease->prev->next = lease->next;
	else
		ipam->resting = lease->next;
	if (lease->next)
		lease->next->prev = lease->prev;
	else
		ipam->resting_last = lease->prev;
}

void ebn_ipam_insert(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease)
{
	unsigned int f;

	for (f = 0; f < 2; f++) {
		size_t i;

		if (!lease->ip[f])
			continue;
		i = ebn_ipam_below(ipam, lease->ip[f]);
		memmove(&ipam->slot[i + 1], &ipam->slot[i], (ipam->n_slots++ - i) * sizeof(*ipam->slot));
		ipam->slot[i] = (struct ebn_ipam_slot){ lease->ip[f], lease };
	}
	lease->number = ipam->n_free ? ipam->free[--ipam->n_free] : (uint32_t)ipam->n_leases++;
	ipam->lease[lease->number] = lease;
	if (lease->resting)
		rest_append(ipam, lease);
	else
		(void)ebn_index_add(&ipam->owners, owner_hash(lease->owner), lease->number);
}

void ebn_ipam_drop(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease, unsigned int family)
{
	size_t i = ebn_ipam_below(ipam, lease->ip[family]);

	memmove(&ipam->slot[i], &ipam->slot[i + 1], (--ipam->n_slots - i) * sizeof(*ipam->slot));
	lease->ip[family] = 0;
	if (lease->ip[!family])
		return;
	if (lease->resting)
		rest_remove(ipam, lease);
	else
		ebn_index_remove(&ipam->owners, owner_hash(lease->owner), lease->number);
	ipam->lease[lease->number] = NULL;
	ipam->free[ipam->n_free++] = lease->number;
	ebn_ipam_lease_free(lease);
}

void ebn_ipam_rest(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease, uint64_t now_ms)
{
	ebn_index_remove(&ipam->owners, owner_hash(lease->owner), lease->number);
	lease->resting = true;
	lease->since_ms = now_ms;
	rest_append(ipam, lease);
}

struct ebn_ipam_lease *ebn_ipam_find(const struct ebpfnet_ipam *ipam, const char *owner)
{
	uint64_t hash = owner_hash(owner);
	uint32_t cursor, number;

	ebn_index_for_each(&ipam->owners, hash, cursor, number)
		if (!strcmp(ipam->lease[number]->owner, owner))
			return ipam->lease[number];
	return NULL;
}

int ebn_ipam_lease_new(const char *owner, size_t owner_len, const char *pool, size_t pool_len,
		       struct ebn_ipam_lease **ret)
{
	struct ebn_ipam_lease *lease = ebn_calloc(1, sizeof(*lease));

	if (!lease)
		return -ENOMEM;
	lease->owner = malloc(owner_len + 1);
	if (!lease->owner) {
		free(lease);
		return -ENOMEM;
	}
	memcpy(lease->owner, owner, owner_len);
	lease->owner[owner_len] = '\0';
	memcpy(lease->pool, pool, pool_len);
	*ret = lease;
	return 0;
}

void ebn_ipam_lease_free(struct ebn_ipam_lease *lease)
{
	if (!lease)
		return;
	free(lease->owner);
	free(lease);
}

uint32_t ebn_ipam_rests(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_lease *lease, uint64_t now_ms)
{
	/* a clock that was set back makes nobody rest longer than from now on */
	uint64_t age = lease->since_ms > now_ms ? 0 : now_ms - lease->since_ms;

	return age >= ipam->quarantine_ms ? 0 : ipam->quarantine_ms - (uint32_t)age;
}
