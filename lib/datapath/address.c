/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Addresses that are not local endpoints', and the identities' names. */
#include "datapath/host.h"
#include "datapath/overlay.h"
#include "identity/internal.h"

#include <stdio.h>

/* ---- writing: a[] the address, bits of its 16 bytes; 128 is an address, not a prefix ---- */

static int ebn_address_put(struct ebpfnet_datapath *dp, const uint32_t a[4], uint32_t identity)
{
	uint32_t old = 0, row = 0;
	int r;

	if (!ebn_policy_addr_get(dp->policy, a, &old, &row) && row && !ebn_host_has(dp, row)) {
		ebn_identity_put(dp, identity);
		return -EEXIST;
	}
	r = ebn_policy_addr_set(dp->policy, a, identity, row);
	if (r < 0)
		ebn_identity_put(dp, identity);
	else if (old)
		ebn_identity_put(dp, old);
	return r;
}

/* Takes the reference on the identity. A prefix that a rule brought has no reference of ours. */
static int ebn_prefix_put(struct ebpfnet_datapath *dp, const uint32_t a[4], uint32_t bits, uint32_t identity)
{
	struct ebn_prefix_value old = { 0 }, value = { .identity = identity };
	int r;

	(void)ebn_prefix_get(dp->rows, a, bits, &old);
	r = ebn_prefix_set(dp->rows, a, bits, &value);
	if (r < 0)
		ebn_identity_put(dp, identity);
	else if (old.identity && !old.owner)
		ebn_identity_put(dp, old.identity);
	return r;
}

static int ebn_address_forget(struct ebpfnet_datapath *dp, const uint32_t a[4])
{
	uint32_t identity, row;
	int r;

	r = ebn_policy_addr_get(dp->policy, a, &identity, &row);
	if (r < 0)
		return r;
	if (row && !ebn_host_has(dp, row))
		return -EBUSY;
	/* one of the host's, or of another node's, is that by itself */
	if (row)
		r = ebn_policy_addr_set(dp->policy, a, EBN_ID_HOST, row);
	else if (ebn_ov_is_node(dp, a))
		r = ebn_policy_addr_set(dp->policy, a, EBN_ID_REMOTE_NODE, 0);
	else
		r = ebn_policy_addr_del(dp->policy, a);
	if (!r)
		ebn_identity_put(dp, identity);
	return r;
}

static int ebn_prefix_forget(struct ebpfnet_datapath *dp, const uint32_t a[4], uint32_t bits)
{
	struct ebn_prefix_value v;
	int r;

	r = ebn_prefix_get(dp->rows, a, bits, &v);
	/* a rule's: it goes with the rule */
	if (!r && v.owner)
		r = -ENOENT;
	if (!r)
		r = ebn_prefix_del(dp->rows, a, bits);
	if (r < 0)
		return r;
	/* before the identity goes, no flow may stand on it */
	ebn_prefix_raise(dp->rows);
	ebn_identity_put(dp, v.identity);
	return 0;
}

/* labels NULL: forgets. Raises no epochs when a prefix is set. */
static int ebn_address_change(struct ebpfnet_datapath *dp, const struct ebpfnet_prefix *prefix,
			      const struct ebpfnet_labels *labels)
{
	int bits = ebn_prefix_bits(prefix), r;
	uint32_t a[4], identity;

	if (bits < 0 || (bits == 128 && !ebpfnet_addr_family(&prefix->addr)))
		return -EINVAL;
	memcpy(a, prefix->addr.b, sizeof(a));
	if (!labels)
		return bits == 128 ? ebn_address_forget(dp, a) : ebn_prefix_forget(dp, a, (uint32_t)bits);
	if (!ebpfnet_labels_count(labels))
		return -EINVAL;
	ebn_dp_room(dp);
	r = ebn_policy_identity_get(dp->policy, labels, &identity);
	if (r < 0)
		return r;
	return bits == 128 ? ebn_address_put(dp, a, identity) : ebn_prefix_put(dp, a, (uint32_t)bits, identity);
}

int ebpfnet_address_set_many(struct ebpfnet_datapath *dp, const struct ebpfnet_address_entry *entries, size_t n,
			     size_t *ret_done)
{
	size_t i;
	int r;

	if (!entries && n)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	for (i = 0; !r && i < n; i++) {
		r = ebn_address_change(dp, &entries[i].prefix, entries[i].labels);
		if (r == -ENOENT && !entries[i].labels)
			r = 0;
		if (r < 0)
			break;
	}
	if (dp && dp->rows)
		ebn_prefix_raise(dp->rows);
	if (ret_done)
		*ret_done = i;
	return r;
}

int ebpfnet_address_set_prefix(struct ebpfnet_datapath *dp, const struct ebpfnet_prefix *prefix,
			       const struct ebpfnet_labels *labels)
{
	struct ebpfnet_address_entry entry = { .labels = labels };

	if (!prefix || !labels)
		return -EINVAL;
	entry.prefix = *prefix;
	return ebpfnet_address_set_many(dp, &entry, 1, NULL);
}

int ebpfnet_address_delete_prefix(struct ebpfnet_datapath *dp, const struct ebpfnet_prefix *prefix)
{
	int r = ebn_dp_writable(dp);

	if (r < 0)
		return r;
	return prefix ? ebn_address_change(dp, prefix, NULL) : -EINVAL;
}

static struct ebpfnet_prefix ebn_host_prefix(const struct ebpfnet_addr *addr)
{
	struct ebpfnet_prefix p = { .addr = *addr, .len = ebpfnet_addr_family(addr) == 4 ? 32 : 128 };

	return p;
}

int ebpfnet_address_upsert(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr,
			   const struct ebpfnet_labels *labels)
{
	struct ebpfnet_prefix p;

	if (!ebpfnet_addr_family(addr))
		return -EINVAL;
	p = ebn_host_prefix(addr);
	return ebpfnet_address_set_prefix(dp, &p, labels);
}

int ebpfnet_address_delete(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr)
{
	struct ebpfnet_prefix p;

	if (!ebpfnet_addr_family(addr))
		return -EINVAL;
	p = ebn_host_prefix(addr);
	return ebpfnet_address_delete_prefix(dp, &p);
}

/* ---- reading: exactly as the programs look, out of the mapping, so that any process can ---- */

static struct ebpfnet_prefix ebn_prefix_of(const uint32_t a[4], uint32_t bits)
{
	struct ebpfnet_prefix p = { .len = (uint8_t)bits };

	memcpy(p.addr.b, a, sizeof(p.addr.b));
	if (ebpfnet_addr_family(&p.addr) == 4 && bits >= 96)
		p.len = (uint8_t)(bits - 96);
	return p;
}

static uint16_t ebn_row_endpoint(struct ebpfnet_datapath *dp, const struct ebn_dir *dir, uint32_t row)
{
	struct ebn_slot s = dir->slot[EBN_P_ENDPOINT];
	const struct ebn_ep_row *ep;

	if (!row || row > s.n || (uint64_t)s.off + (uint64_t)row * sizeof(*ep) > dp->node_size)
		return 0;
	ep = (const struct ebn_ep_row *)((const char *)dp->node_mem + s.off) + (row - 1);
	return EBN_READ(ep->id);
}

/* The node behind an address or a prefix; what is not whole is under another root, or nobody's. */
static int ebn_address_node(struct ebpfnet_datapath *dp, const struct ebn_dir *dir, const uint32_t a[4], uint32_t bits,
			    struct ebpfnet_address_info *ret)
{
	struct ebn_overlay_node node;
	int r = ebn_ov_match(dp->node_mem, dp->node_size, dir, a, bits, &node);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	memcpy(ret->node, node.name, sizeof(ret->node));
	memcpy(ret->node_addr.b, node.addr[!!(node.flags & EBN_ON_F_SEND6)], sizeof(ret->node_addr.b));
	ret->node_key = node.key;
	ret->tunnel = !(node.flags & EBN_ON_F_NATIVE);
	return 0;
}

static int ebn_address_identity(struct ebpfnet_datapath *dp, const struct ebn_dir *dir, const uint32_t a[4],
				struct ebpfnet_address_info *ret)
{
	uint32_t identity = EBN_ID_WORLD, row = 0;
	struct ebn_prefix p = { 0 };
	int r;

	*ret = (struct ebpfnet_address_info){ .identity = EBN_ID_WORLD, .peer_identity = EBN_ID_WORLD };
	r = ebn_rows_read_address(dp->node_mem, dp->node_size, dir, a, &identity, &row);
	if (!r) {
		ret->identity = ebn_rows_read_told(dp->node_mem, dp->node_size, dir, identity);
		ret->peer_identity = identity;
		ret->endpoint = ebn_row_endpoint(dp, dir, row);
		ret->prefix = ebn_prefix_of(a, 128);
	}
	if (r != -ENOENT)
		return r;
	r = ebn_rows_read_prefix(dp->node_mem, dp->node_size, dir, a, &p);
	if (!r) {
		ret->identity = ebn_rows_read_told(dp->node_mem, dp->node_size, dir, p.identity);
		ret->peer_identity = p.identity;
		ret->policy = p.owner != 0;
		ret->prefix = ebn_prefix_of(p.addr, p.len);
	}
	return r == -ENOENT ? 0 : r;
}

int ebpfnet_address_match(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr,
			  struct ebpfnet_address_info *ret, size_t size)
{
	struct ebpfnet_address_info info;
	struct ebn_dir dir;
	uint64_t root;
	uint32_t a[4];
	int tries, r;

	if (!ebpfnet_addr_family(addr) || !ret || ebn_dp_tables(dp) < 0)
		return -EINVAL;
	memcpy(a, addr->b, sizeof(a));
	for (tries = 0; tries < 100; tries++) {
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (!r)
			r = ebn_address_identity(dp, &dir, a, &info);
		if (!r)
			r = ebn_address_node(dp, &dir, a, 128, &info);
		if (!ebn_node_root_is(dp->node_mem, root) || r == -EAGAIN)
			continue;
		if (r < 0)
			return -EINVAL;
		ebn_copy_out(ret, size, &info, sizeof(info));
		return 0;
	}
	return -EAGAIN;
}

int ebpfnet_address_lookup(struct ebpfnet_datapath *dp, const struct ebpfnet_addr *addr, uint32_t *ret_identity)
{
	struct ebpfnet_address_info info;
	int r;

	if (!ret_identity)
		return -EINVAL;
	r = ebpfnet_address_match(dp, addr, &info, sizeof(info));
	if (r < 0)
		return -EINVAL;
	*ret_identity = info.identity;
	return 0;
}

struct ebn_address_walk {
	struct ebpfnet_datapath *dp;
	struct ebn_dir dir;
	ebpfnet_address_fn fn;
	void *userdata;
	struct ebpfnet_address_stats stats;
	bool stopped;
};

static int ebn_address_tell(struct ebn_address_walk *w, const uint32_t a[4], uint32_t bits,
			    struct ebpfnet_address_info *info)
{
	int r = 0;

	/* who only counts does not ask; not whole: the piece is another's by now */
	if (w->fn && !ebn_address_node(w->dp, &w->dir, a, bits, info))
		r = w->fn(info, w->userdata);
	else if (w->fn)
		r = -EAGAIN;
	w->stopped = r > 0;
	return r > 0 ? -ECANCELED : r;
}

static int ebn_address_one(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	struct ebn_address_walk *w = arg;
	struct ebpfnet_address_info info = {
		.prefix = ebn_prefix_of(addr, 128), .peer_identity = identity,
		.identity = ebn_rows_read_told(w->dp->node_mem, w->dp->node_size, &w->dir, identity),
		.endpoint = ebn_row_endpoint(w->dp, &w->dir, row),
	};

	w->stats.addresses++;
	return ebn_address_tell(w, addr, 128, &info);
}

static int ebn_prefix_one(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *v, void *arg)
{
	struct ebn_address_walk *w = arg;
	struct ebpfnet_address_info info = {
		.prefix = ebn_prefix_of(addr, len), .peer_identity = v->identity, .policy = v->owner != 0,
		.identity = ebn_rows_read_told(w->dp->node_mem, w->dp->node_size, &w->dir, v->identity),
	};

	w->stats.prefixes++;
	return ebn_address_tell(w, addr, len, &info);
}

static int ebn_address_walk(struct ebn_address_walk *w)
{
	uint64_t root;
	int r;

	r = ebn_dp_tables(w->dp);
	if (r < 0)
		return -EINVAL;
	r = ebn_node_read_root(w->dp->node_mem, w->dp->node_size, &root, &w->dir);
	if (!r)
		r = ebn_rows_read_addresses(w->dp->node_mem, w->dp->node_size, ebn_address_one, w);
	if (!r)
		r = ebn_rows_read_prefixes(w->dp->node_mem, w->dp->node_size, ebn_prefix_one, w);
	return w->stopped ? 1 : r;
}

int ebpfnet_address_foreach(struct ebpfnet_datapath *dp, ebpfnet_address_fn fn, void *userdata)
{
	struct ebn_address_walk w = { .dp = dp, .fn = fn, .userdata = userdata };

	return dp && fn ? ebn_address_walk(&w) : -EINVAL;
}

int ebpfnet_address_get_stats(struct ebpfnet_datapath *dp, struct ebpfnet_address_stats *ret, size_t size)
{
	struct ebn_address_walk w = { .dp = dp };
	int r;

	if (!dp || !ret)
		return -EINVAL;
	r = ebn_address_walk(&w);
	if (r < 0)
		return r;
	w.stats.failures = EBN_READ(((const struct ebn_node_hdr *)dp->node_mem)->address_failures);
	ebn_copy_out(ret, size, &w.stats, sizeof(w.stats));
	return 0;
}

/* ---- identities by name ---- */

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
