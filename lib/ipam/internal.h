/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Inside of the address pools. An address is a number of 128 bits (IPv4 in its mapped form), so that both families are one
 * body of code. A pool is a list of segments, what is left of its ranges when everything that is never handed out has been
 * cut away; used addresses are one sorted array. The next free address behind another is then a binary search, however
 * large the subnet is: nothing has the size of a range.
 */
#ifndef EBN_IPAM_INTERNAL_H
#define EBN_IPAM_INTERNAL_H

#include "core/index.h"
#include "core/internal.h"
#include "core/store.h"
#include <ebpfnet/ipam.h>

__extension__ typedef unsigned __int128 ebn_ip;

/* Bytes the store may grow to: all records twice over, as LMDB needs them while it changes. */
#define EBN_IPAM_STORE_BYTES (256u << 20)
/* Resting addresses forgotten in one change, so that a change stays short. */
#define EBN_IPAM_FORGET 256
#define EBN_IPAM_QUARANTINE_MAX_MS 86400000u

/* Both ends belong to it. */
struct ebn_ipam_seg {
	ebn_ip first, last;
};

struct ebn_ipam_range {
	struct ebn_ipam_seg subnet;
	struct ebpfnet_addr gateway;
	uint8_t family;		/* 0: IPv4, 1: IPv6; an index everywhere here */
	uint8_t prefix;		/* as people write it: of 32 or of 128 */
};

struct ebn_ipam_pool {
	char name[EBPFNET_IPAM_POOL_MAX + 1];
	struct ebn_ipam_range *range;
	size_t n_ranges;
	struct ebn_ipam_seg *seg[2];	/* in the order they are used in */
	size_t n_segs[2], cap_segs[2];
	ebn_ip total[2];
	ebn_ip next[2];			/* where the search begins */
	uint32_t warn_percent;
	bool warned[2];
};

/* An owner's addresses, or what is left of them while they rest. */
struct ebn_ipam_lease {
	char *owner;
	char pool[EBPFNET_IPAM_POOL_MAX + 1];
	ebn_ip ip[2];			/* 0: none */
	uint64_t since_ms;		/* handed out, or released */
	bool resting;
	uint32_t number;		/* in ipam->lease[] */
	struct ebn_ipam_lease *next, *prev;	/* of those at rest, in the order of release */
};

struct ebn_ipam_slot {
	ebn_ip ip;
	struct ebn_ipam_lease *lease;
};

struct ebpfnet_ipam {
	struct ebpfnet_ctx *ctx;
	struct ebn_store *store;	/* NULL: in memory only */
	uint32_t quarantine_ms;		/* 0: none */
	uint64_t skew_ms;		/* tests only */
	struct ebn_ipam_pool **pool;
	size_t n_pools, cap_pools;
	struct ebn_ipam_slot *slot;	/* sorted by ip */
	size_t n_slots, cap_slots;
	struct ebn_ipam_lease **lease;	/* by number; NULL: free */
	size_t n_leases, cap_leases;
	uint32_t *free;			/* numbers free below n_leases */
	size_t n_free, cap_free;
	struct ebn_index owners;	/* of leases in use */
	struct ebn_ipam_lease *resting, *resting_last;
};

/* ---- range.c: pure */

ebn_ip ebn_ip_of(const struct ebpfnet_addr *addr);
struct ebpfnet_addr ebn_ip_addr(ebn_ip ip);
/* 0 IPv4, 1 IPv6. */
unsigned int ebn_ip_family(ebn_ip ip);
/* "10.0.0.0/8" or an address alone. 0 or -EINVAL: not one, or bits behind the prefix. */
int ebn_ipam_prefix_parse(const char *text, struct ebn_ipam_seg *ret, unsigned int *ret_family, unsigned int *ret_len);
/* Builds a pool, which the caller frees; errors of ebpfnet_ipam_set_pool() but -EEXIST. */
int ebn_ipam_pool_build(const struct ebpfnet_ipam_pool_opts *opts, struct ebn_ipam_pool **ret);
void ebn_ipam_pool_free(struct ebn_ipam_pool *pool);
bool ebn_ipam_pool_has(const struct ebn_ipam_pool *pool, ebn_ip ip);
bool ebn_ipam_pools_overlap(const struct ebn_ipam_pool *a, const struct ebn_ipam_pool *b);

/* ---- used.c: the sorted array and the leases */

/* Number of used addresses below ip. */
size_t ebn_ipam_below(const struct ebpfnet_ipam *ipam, ebn_ip ip);
/* Used addresses of a pool, and how many percent of it these are, rounded up. */
size_t ebn_ipam_taken(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_pool *pool, unsigned int f);
uint32_t ebn_ipam_percent(const struct ebn_ipam_pool *pool, unsigned int f, size_t taken);
/* Who has it, or had it last; NULL: nobody. */
struct ebn_ipam_lease *ebn_ipam_at(const struct ebpfnet_ipam *ipam, ebn_ip ip);
/* The first free one in [from, last]; false: there is none. */
bool ebn_ipam_gap(const struct ebpfnet_ipam *ipam, ebn_ip from, ebn_ip last, ebn_ip *ret);
/* Room for one more lease of two addresses, so that ebn_ipam_insert() cannot fail. -ENOSPC, -ENOMEM. */
int ebn_ipam_reserve(struct ebpfnet_ipam *ipam);
/* Takes the lease over. */
void ebn_ipam_insert(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease);
/* Takes one address from a lease; a lease with none left is freed. */
void ebn_ipam_drop(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease, unsigned int family);
/* From in use to at rest. */
void ebn_ipam_rest(struct ebpfnet_ipam *ipam, struct ebn_ipam_lease *lease, uint64_t now_ms);
struct ebn_ipam_lease *ebn_ipam_find(const struct ebpfnet_ipam *ipam, const char *owner);
int ebn_ipam_lease_new(const char *owner, size_t owner_len, const char *pool, size_t pool_len,
		       struct ebn_ipam_lease **ret);
void ebn_ipam_lease_free(struct ebn_ipam_lease *lease);
/* Milliseconds a lease at rest still rests; 0: no more. */
uint32_t ebn_ipam_rests(const struct ebpfnet_ipam *ipam, const struct ebn_ipam_lease *lease, uint64_t now_ms);

/* ---- record.c: what stands in the store */

#define EBN_IPAM_KEY_LEN 17
#define EBN_IPAM_RECORD_MAX (16 + EBPFNET_IPAM_POOL_MAX + EBPFNET_IPAM_OWNER_MAX)

/* A record as it was read; texts point into it. */
struct ebn_ipam_record {
	ebn_ip ip;
	bool resting;
	uint64_t since_ms;
	const char *pool, *owner;
	size_t pool_len, owner_len;
};

void ebn_ipam_record_key(ebn_ip ip, uint8_t key[EBN_IPAM_KEY_LEN]);
size_t ebn_ipam_record_encode(const struct ebn_ipam_lease *lease, uint8_t buf[EBN_IPAM_RECORD_MAX]);
/* 0 or -EPROTO. Any bytes may come. */
int ebn_ipam_record_decode(const void *key, size_t key_len, const void *value, size_t value_len,
			   struct ebn_ipam_record *ret);
/* A text of 1..max bytes without control characters. */
bool ebn_ipam_text_ok(const char *text, size_t len, size_t max);

/* Takes one record into an ipam that is being filled. -EPROTO: it contradicts those before it. */
int ebn_ipam_load_record(struct ebpfnet_ipam *ipam, const struct ebn_ipam_record *rec);

/* What the ipam takes for the time, in ms of the wall clock. */
uint64_t ebn_ipam_now(const struct ebpfnet_ipam *ipam);
/* Tests: lets time pass, and ebpfnet_ipam_new() after so much of it. */
int ebn_ipam_open(struct ebpfnet_ctx *ctx, const struct ebpfnet_ipam_opts *o, uint64_t skew_ms,
		  struct ebpfnet_ipam **ret);
void ebn_ipam_skip(struct ebpfnet_ipam *ipam, uint64_t ms);

#endif
