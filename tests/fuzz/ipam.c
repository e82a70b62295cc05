// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Contents of a store: "key length, key, value length, value" again and again. What is taken in is consistent, and written
 * as it was read.
 */
#include "fuzz.h"

#include "ipam/internal.h"

static int see(const struct ebpfnet_ipam_entry *e, void *userdata)
{
	size_t *n = userdata;

	FUZZ_CHECK(ebn_ipam_text_ok(e->owner, strlen(e->owner), EBPFNET_IPAM_OWNER_MAX));
	FUZZ_CHECK(ebpfnet_addr_family(&e->addr) != 0);
	(*n)++;
	return 0;
}

static void take(struct ebpfnet_ipam *ipam, const uint8_t *key, size_t key_len, const uint8_t *value, size_t value_len)
{
	uint8_t k[EBN_IPAM_KEY_LEN], v[EBN_IPAM_RECORD_MAX];
	struct ebn_ipam_record rec;
	struct ebn_ipam_lease *l;

	if (ebn_ipam_record_decode(key, key_len, value, value_len, &rec) < 0 || ebn_ipam_load_record(ipam, &rec) < 0)
		return;
	l = ebn_ipam_at(ipam, rec.ip);
	FUZZ_CHECK(l && l->resting == rec.resting);
	ebn_ipam_record_key(rec.ip, k);
	FUZZ_CHECK(key_len == sizeof(k) && !memcmp(k, key, sizeof(k)));
	l->since_ms = rec.since_ms;
	FUZZ_CHECK(ebn_ipam_record_encode(l, v) == value_len && !memcmp(v, value, value_len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	struct ebpfnet_ipam *ipam = NULL;
	struct ebpfnet_ctx *ctx = NULL;
	size_t n = 0, i;

	FUZZ_CHECK(ebpfnet_ctx_new(NULL, &ctx) == 0 && ebpfnet_ipam_new(ctx, NULL, &ipam) == 0);
	while (end - data >= 2) {
		size_t key_len = data[0], value_len;
		const uint8_t *key = data + 1;

		if ((size_t)(end - data) < key_len + 2)
			break;
		value_len = key[key_len];
		if ((size_t)(end - key) < key_len + 1 + value_len)
			break;
		take(ipam, key, key_len, key + key_len + 1, value_len);
		data = key + key_len + 1 + value_len;
	}
	for (i = 1; i < ipam->n_slots; i++)
		FUZZ_CHECK(ipam->slot[i - 1].ip < ipam->slot[i].ip);
	FUZZ_CHECK(ebpfnet_ipam_foreach(ipam, see, &n) == 0 && n <= ipam->n_slots);
	ebpfnet_ipam_free(ipam);
	ebpfnet_ctx_unref(ctx);
	return 0;
}
