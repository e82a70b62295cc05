/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Addresses that are not local endpoints', and the identities' names. */
#include "datapath/endpoint.h"
#include "identity/internal.h"

#include <stdio.h>

int ebpfnet_address_upsert(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr,
			   const struct ebpfnet_labels *labels)
{
	uint32_t a[4], identity, old = 0, row = 0;
	int r;

	if (!ebpfnet_addr_family(addr) || !ebpfnet_labels_count(labels))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	memcpy(a, addr->b, sizeof(a));
	if (!ebn_addr_get(dp->rows, a, &old, &row) && row)
		return -EEXIST;
	ebn_dp_room(dp);
	r = ebn_policy_identity_get(dp->policy, labels, &identity);
	if (r < 0)
		return r;
	r = old == identity ? 0 : ebn_addr_set(dp->rows, a, identity, 0);
	if (r < 0 || old == identity)
		ebn_identity_put(dp, identity);
	else if (old)
		ebn_identity_put(dp, old);
	return r;
}

int ebpfnet_address_delete(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr)
{
	uint32_t a[4], identity, row;
	int r;

	if (!ebpfnet_addr_family(addr))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	memcpy(a, addr->b, sizeof(a));
	r = ebn_addr_get(dp->rows, a, &identity, &row);
	if (r < 0)
		return r;
	if (row)
		return -EBUSY;
	r = ebn_addr_del(dp->rows, a);
	if (!r)
		ebn_identity_put(dp, identity);
	return r;
}

/* Exactly as the programs look: one root, offsets masked, two buckets. */
int ebpfnet_address_lookup(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr, uint32_t *ret_identity)
{
	const struct ebn_addr_bucket *b;
	struct ebn_dir dir;
	uint32_t a[4], mask, bucket[2], i, k, found;
	uint64_t root, h;
	int tries, r;

	if (!ebpfnet_addr_family(addr) || !ret_identity)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (r < 0)
		return -EINVAL;
	memcpy(a, addr->b, sizeof(a));
	h = ebn_addr_hash(a);
	for (tries = 0; tries < 100; tries++) {
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (r < 0)
			return -EINVAL;
		mask = dir.slot[EBN_P_ADDR].n - 1;
		if ((mask & (mask + 1)) || mask >= dp->node_size / sizeof(*b))
			return -EINVAL;
		bucket[0] = (uint32_t)h & mask;
		bucket[1] = (uint32_t)(h >> 32) & mask;
		found = 0;
		for (i = 0; i < 8 && !found; i++) {
			uint64_t off = dir.slot[EBN_P_ADDR].off + (uint64_t)bucket[i / 4] * sizeof(*b);

			b = (const void *)((const char *)dp->node_mem +
					   (off & (dp->node_size - 1) & ~(uint64_t)(EBN_LINE - 1)));
			/* a whole bucket lies behind a masked line offset unless it is the last line of the array */
			if ((const char *)(b + 1) > (const char *)dp->node_mem + dp->node_size)
				continue;
			for (k = 0; k < 4 && EBN_READ(b->e[i % 4].addr[k]) == a[k]; k++)
				;
			if (k == 4)
				found = EBN_READ(b->e[i % 4].identity);
		}
		if (!ebn_node_root_is(dp->node_mem, root))
			continue;
		*ret_identity = found ? found : EBN_ID_WORLD;
		return 0;
	}
	return -EINVAL;
}

struct ebn_identity_read {
	uint32_t identity;
	char *text;
	ebpfnet_identity_fn fn;
	void *userdata;
};

static int ebn_identity_find(uint32_t number, const char *text, void *arg)
{
	struct ebn_identity_read *f = arg;

	if (number != f->identity)
		return 0;
	f->text = strdup(text);
	return f->text ? 1 : -ENOMEM;
}

int ebpfnet_identity_labels(struct ebpfnet_datapath *dp, uint32_t identity, char *buf, size_t size)
{
	struct ebn_identity_read f = { .identity = identity };
	const struct ebpfnet_labels *labels;
	_free_ char *copy = NULL;
	const char *text;
	int r;

	if (!dp || (!buf && size))
		return -EINVAL;
	text = ebn_reserved_name(identity);
	if (!text && dp->policy) {
		labels = ebn_policy_identity_labels(dp->policy, identity);
		text = labels ? ebpfnet_labels_format(labels) : NULL;
	} else if (!text && dp->prepared) {
		r = ebn_rows_read_names(dp->node_mem, dp->node_size, EBN_NAME_IDENTITY, ebn_identity_find, &f);
		if (r < 0)
			return r;
		text = copy = f.text;
	}
	return text ? snprintf(buf, size, "%s", text) : -ENOENT;
}

static int ebn_identity_each(uint32_t number, const char *text, void *arg)
{
	struct ebn_identity_read *f = arg;

	/* read from outside, nobody counts references */
	return f->fn(number, text, 0, f->userdata);
}

int ebpfnet_identity_foreach(struct ebpfnet_datapath *dp, ebpfnet_identity_fn fn, void *userdata)
{
	struct ebn_identity_read f = { .fn = fn, .userdata = userdata };
	uint32_t i;
	int r;

	if (!dp || !fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (r < 0)
		return r == -EBUSY ? 0 : r;
	if (dp->policy)
		return ebn_policy_identity_foreach(dp->policy, fn, userdata);
	for (i = EBN_ID_HOST; i <= EBN_ID_INGRESS; i++) {
		r = fn(i, ebn_reserved_name(i), 0, userdata);
		if (r)
			return r;
	}
	return ebn_rows_read_names(dp->node_mem, dp->node_size, EBN_NAME_IDENTITY, ebn_identity_each, &f);
}
