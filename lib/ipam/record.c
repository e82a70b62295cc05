/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A record of the store:
 *
 *   key    'a', 16 bytes of address in network order
 *   value  version 1 | state 1 in use, 2 at rest | length of the pool's name | length of the owner's | 4 zero bytes
 *          | time in ms, little endian, 8 bytes | pool | owner
 */
#include "ipam/internal.h"

#define RECORD_VERSION 1
#define FIXED 16

bool ebn_ipam_text_ok(const char *text, size_t len, size_t max)
{
	size_t i;

	if (!len || len > max)
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

void ebn_ipam_record_key(ebn_ip ip, uint8_t key[EBN_IPAM_KEY_LEN])
{
	struct ebpfnet_addr addr = ebn_ip_addr(ip);

	key[0] = 'a';
	memcpy(key + 1, addr.b, sizeof(addr.b));
}

size_t ebn_ipam_record_encode(const struct ebn_ipam_lease *lease, uint8_t buf[EBN_IPAM_RECORD_MAX])
{
	size_t pool_len = strlen(lease->pool), owner_len = strlen(lease->owner);
	int i;

	memset(buf, 0, FIXED);
	buf[0] = RECORD_VERSION;
	buf[1] = lease->resting ? 2 : 1;
	buf[2] = (uint8_t)pool_len;
	buf[3] = (uint8_t)owner_len;
	for (i = 0; i < 8; i++)
		buf[8 + i] = (uint8_t)(lease->since_ms >> 8 * i);
	memcpy(buf + FIXED, lease->pool, pool_len);
	memcpy(buf + FIXED + pool_len, lease->owner, owner_len);
	return FIXED + pool_len + owner_len;
}

int ebn_ipam_record_decode(const void *key, size_t key_len, const void *value, size_t value_len,
			   struct ebn_ipam_record *ret)
{
	static const uint8_t zero[4];
	struct ebn_ipam_record rec = { 0 };
	const uint8_t *k = key, *v = value;
	struct ebpfnet_addr addr;
	int i;

	if (key_len != EBN_IPAM_KEY_LEN || k[0] != 'a' || value_len < FIXED || value_len > EBN_IPAM_RECORD_MAX)
		return -EPROTO;
	memcpy(addr.b, k + 1, sizeof(addr.b));
	rec.ip = ebn_ip_of(&addr);
	rec.resting = v[1] == 2;
	rec.pool_len = v[2];
	rec.owner_len = v[3];
	for (i = 7; i >= 0; i--)
		rec.since_ms = rec.since_ms << 8 | v[8 + i];
	if (!rec.ip || v[0] != RECORD_VERSION || v[1] < 1 || v[1] > 2 || memcmp(v + 4, zero, sizeof(zero)) != 0 ||
	    value_len != FIXED + rec.pool_len + rec.owner_len)
		return -EPROTO;
	rec.pool = (const char *)v + FIXED;
	rec.owner = rec.pool + rec.pool_len;
	if (!ebn_ipam_text_ok(rec.pool, rec.pool_len, EBPFNET_IPAM_POOL_MAX) ||
	    !ebn_ipam_text_ok(rec.owner, rec.owner_len, EBPFNET_IPAM_OWNER_MAX))
		return -EPROTO;
	*ret = rec;
	return 0;
}

int ebn_ipam_load_record(struct ebpfnet_ipam *ipam, const struct ebn_ipam_record *rec)
{
	unsigned int f = ebn_ip_family(rec->ip);
	struct ebn_ipam_lease *lease, *other;
	int r;

	if (ebn_ipam_at(ipam, rec->ip))
		return -EPROTO;
	r = ebn_ipam_reserve(ipam);
	if (!r)
		r = ebn_ipam_lease_new(rec->owner, rec->owner_len, rec->pool, rec->pool_len, &lease);
	if (r < 0)
		return r;
	lease->since_ms = rec->since_ms;
	lease->resting = rec->resting;
	/* the owner's, if his address of the other family was read before */
	other = rec->resting ? NULL : ebn_ipam_find(ipam, lease->owner);
	if (other && (other->ip[f] || strcmp(other->pool, lease->pool) != 0)) {
		ebn_ipam_lease_free(lease);
		return -EPROTO;
	}
	if (other) {
		lease->ip[!f] = other->ip[!f];
		ebn_ipam_drop(ipam, other, !f);
	}
	lease->ip[f] = rec->ip;
	ebn_ipam_insert(ipam, lease);
	return 0;
}
