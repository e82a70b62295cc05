/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The piece of the node tables that says which prefixes are behind which node: read, built anew, published whole. */
#include "datapath/overlay.h"

#include "datapath/egress.h"
#include "datapath/host.h"

_Static_assert(EBPFNET_NODES_MAX == EBN_OVERLAY_NODES && EBPFNET_NODE_PREFIXES_MAX == EBN_OVERLAY_NODE_PREFIXES &&
	       EBPFNET_NODE_LENGTHS_MAX == EBN_OVERLAY_LENGTHS, "limits are the layout's");

#define TRIES 16
#define SLOTS_MAX (1u << 18)

void ebn_ov_free(struct ebn_ov *ov)
{
	free(ov->node);
	free(ov->px);
	memset(ov, 0, sizeof(*ov));
}

/* Do head, nodes and slots fit where the directory says? */
static bool fits(const struct ebn_overlay_head *head, struct ebn_slot slot, uint64_t room)
{
	uint64_t nodes = sizeof(*head) + (uint64_t)slot.n * sizeof(struct ebn_overlay_node);

	return slot.n <= EBN_OVERLAY_NODES && head->slots <= SLOTS_MAX && !(head->slots & (head->slots - 1)) &&
	       head->slots_off == nodes && nodes + (uint64_t)head->slots * sizeof(struct ebn_overlay_prefix) <= room;
}

static bool sane(const struct ebn_ov *ov)
{
	uint32_t i;

	for (i = 0; i < ov->n; i++)
		if (!memchr(ov->node[i].name, '\0', sizeof(ov->node[i].name)))
			return false;
	for (i = 0; i < ov->n_px; i++)
		if (ov->px[i].node > ov->n || !ov->px[i].len || ov->px[i].len > 128)
			return false;
	return true;
}

/* Copies a piece whose bounds were checked. */
static int copy(const char *at, struct ebn_slot slot, struct ebn_ov *ret)
{
	const struct ebn_overlay_head *head = (const void *)at;
	const struct ebn_overlay_prefix *px = (const void *)(at + head->slots_off);
	uint32_t i;

	ret->node = calloc(slot.n + 1, sizeof(*ret->node));
	ret->px = calloc((size_t)head->slots + 1, sizeof(*ret->px));
	if (!ret->node || !ret->px)
		return -ENOMEM;
	ret->ifindex = head->ifindex;
	ret->port = (uint16_t)head->port;
	ret->n = slot.n;
	memcpy(ret->node, at + sizeof(*head), slot.n * sizeof(*ret->node));
	for (i = 0; i < head->slots; i++)
		if (px[i].node)
			ret->px[ret->n_px++] = px[i];
	return 0;
}

static int read_slot(struct ebpfnet_datapath *dp, struct ebn_slot slot, struct ebn_ov *ret)
{
	struct ebn_overlay_head head;

	memset(ret, 0, sizeof(*ret));
	if (!slot.off)
		return 0;
	if (slot.off < EBN_NODE_EXTENT_OFF || slot.off % EBN_LINE || slot.off > dp->node_size - sizeof(head))
		return -EPROTO;
	memcpy(&head, (const char *)dp->node_mem + slot.off, sizeof(head));
	if (!fits(&head, slot, dp->node_size - slot.off))
		return -EPROTO;
	return copy((const char *)dp->node_mem + slot.off, slot, ret);
}

int ebn_ov_read(struct ebpfnet_datapath *dp, struct ebn_ov *ret)
{
	struct ebn_dir dir;
	uint64_t root;
	int r, tries;

	memset(ret, 0, sizeof(*ret));
	for (tries = 0; tries < TRIES; tries++) {
		ebn_ov_free(ret);
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (!r)
			r = read_slot(dp, dir.slot[EBN_P_OVERLAY], ret);
		if (r == -ENOMEM)
			return r;
		if (!ebn_node_root_is(dp->node_mem, root))
			continue;
		return r ? r : sane(ret) ? 0 : -EPROTO;
	}
	return -EAGAIN;
}

/* ---- one address, as programs look: without a copy of the piece ---- */

/* Does a slot say that these bits are a node's? Its number, 0: no. */
static uint32_t probe(const struct ebn_overlay_prefix *table, uint32_t slots, uint64_t hi, uint64_t lo, uint32_t len)
{
	uint32_t at = (uint32_t)ebn_overlay_hash(hi, lo, len), i;
	struct ebn_overlay_prefix px;

	for (i = 0; i < EBN_OVERLAY_PROBES; i++) {
		px = table[(at + i) & (slots - 1)];
		if (px.node && px.hi == hi && px.lo == lo && px.len == len)
			return px.node;
	}
	return 0;
}

int ebn_ov_match(const void *mem, uint64_t size, const struct ebn_dir *dir, const uint32_t a[4], uint32_t bits,
		 struct ebn_overlay_node *ret)
{
	uint64_t hi = ebn_addr_bits(a[0], a[1]), lo = ebn_addr_bits(a[2], a[3]);
	struct ebn_slot slot = dir->slot[EBN_P_OVERLAY];
	const char *at = (const char *)mem + slot.off;
	const struct ebn_overlay_prefix *table;
	struct ebn_overlay_head head;
	uint32_t node = 0, i;

	if (!slot.off)
		return -ENOENT;
	if (slot.off < EBN_NODE_EXTENT_OFF || slot.off % EBN_LINE || slot.off > size - sizeof(head))
		return -EPROTO;
	memcpy(&head, at, sizeof(head));
	if (!fits(&head, slot, size - slot.off))
		return -EPROTO;
	table = (const void *)(at + head.slots_off);
	for (i = 0; head.slots && i < EBN_OVERLAY_LENGTHS && !node; i++) {
		const struct ebn_overlay_length *len = &head.len[hi || lo >> 32 != 0xffff][i];

		if (len->hi && len->len <= bits)
			node = probe(table, head.slots, hi & len->hi, lo & len->lo, len->len);
	}
	if (!node)
		return -ENOENT;
	if (node > slot.n)
		return -EPROTO;
	memcpy(ret, at + sizeof(head) + (node - 1) * sizeof(*ret), sizeof(*ret));
	return memchr(ret->name, '\0', sizeof(ret->name)) ? 0 : -EPROTO;
}

bool ebn_ov_is_node(struct ebpfnet_datapath *dp, const uint32_t a[4])
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_OVERLAY);
	const struct ebn_overlay_node *node;
	uint32_t i;

	if (!slot.off || !(a[0] | a[1] | a[2] | a[3]))
		return false;
	node = (const void *)((const char *)dp->node_mem + slot.off + sizeof(struct ebn_overlay_head));
	for (i = 0; i < slot.n; i++)
		if (!memcmp(node[i].addr[0], a, sizeof(node[i].addr[0])) ||
		    !memcmp(node[i].addr[1], a, sizeof(node[i].addr[1])))
			return true;
	return false;
}

int ebn_ov_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_OVERLAY);
	struct ebn_ov ov;
	uint32_t len;
	int r;

	/* tables of before there were nodes have none */
	if (!slot.off)
		return slot.n ? ebn_diag(diag, "ebn_node", EPROTO, "the table of nodes is corrupt: refused") : 0;
	r = ebn_ov_read(dp, &ov);
	ebn_ov_free(&ov);
	if (!r) {
		const struct ebn_overlay_head *head = (const void *)((const char *)dp->node_mem + slot.off);

		len = head->slots_off + head->slots * (uint32_t)sizeof(struct ebn_overlay_prefix);
		r = ebn_node_mark(dp->node, slot.off, EBN_P_OVERLAY, len);
	}
	return r < 0 ? ebn_diag(diag, "ebn_node", r, "the table of nodes is corrupt: refused") : 0;
}

/* ---- building ---- */

static bool is_v4(const struct ebn_overlay_prefix *px)
{
	return px->len >= 96 && !px->hi && px->lo >> 32 == 0xffff;
}

/* The lengths in use, longest first. */
static int lengths(const struct ebn_ov *ov, struct ebn_overlay_head *head, struct ebpfnet_diag *diag)
{
	struct ebn_overlay_length *len;
	uint32_t i, k, n, is;

	for (i = 0; i < ov->n_px; i++) {
		is = ov->px[i].len;
		len = head->len[!is_v4(&ov->px[i])];
		for (k = 0; k < EBN_OVERLAY_LENGTHS && len[k].len > is; k++)
			;
		if (k < EBN_OVERLAY_LENGTHS && len[k].len == is)
			continue;
		for (n = k; n < EBN_OVERLAY_LENGTHS && len[n].len; n++)
			;
		if (n == EBN_OVERLAY_LENGTHS)
			return ebn_diag(diag, "prefixes", ENOSPC, "more than %u different lengths", EBN_OVERLAY_LENGTHS);
		memmove(len + k + 1, len + k, (n - k) * sizeof(*len));
		len[k] = (struct ebn_overlay_length){
			.hi = is >= 64 ? UINT64_MAX : UINT64_MAX << (64 - is),
			.lo = is > 64 ? UINT64_MAX << (128 - is) : 0,
			.len = is,
		};
	}
	return 0;
}

/* A slot among those that programs look at. */
static bool put(struct ebn_overlay_prefix *table, uint32_t slots, const struct ebn_overlay_prefix *px)
{
	uint32_t at = (uint32_t)ebn_overlay_hash(px->hi, px->lo, px->len), i;

	for (i = 0; i < EBN_OVERLAY_PROBES; i++) {
		struct ebn_overlay_prefix *to = &table[(at + i) & (slots - 1)];

		if (to->node)
			continue;
		*to = *px;
		return true;
	}
	return false;
}

/* The smallest table at least four times as large as what is in it, in which everything is found. NULL: no memory. */
static struct ebn_overlay_prefix *table_of(const struct ebn_ov *ov, uint32_t *ret_slots)
{
	struct ebn_overlay_prefix *table;
	uint32_t slots = 8, i;

	while (slots < 4 * ov->n_px)
		slots *= 2;
	for (; slots <= SLOTS_MAX; slots *= 2) {
		table = calloc(slots, sizeof(*table));
		if (!table)
			return NULL;
		for (i = 0; i < ov->n_px && put(table, slots, &ov->px[i]); i++)
			;
		if (i == ov->n_px) {
			*ret_slots = slots;
			return table;
		}
		free(table);
	}
	return NULL;
}

int ebn_ov_publish(struct ebpfnet_datapath *dp, const struct ebn_ov *ov, struct ebpfnet_diag *diag)
{
	uint32_t old = ebn_node_slot(dp->node, EBN_P_OVERLAY).off, off, len, i;
	struct ebn_overlay_head head = { .ifindex = ov->ifindex, .port = ov->port };
	_free_ struct ebn_overlay_prefix *table = NULL;
	char *to;
	int r = lengths(ov, &head, diag);

	if (r < 0)
		return r;
	table = table_of(ov, &head.slots);
	if (!table)
		return -ENOMEM;
	head.slots_off = (uint32_t)(sizeof(head) + ov->n * sizeof(*ov->node));
	len = head.slots_off + head.slots * (uint32_t)sizeof(*table);
	ebn_dp_room(dp);
	r = ebn_node_alloc(dp->node, EBN_P_OVERLAY, len, &off);
	if (r < 0)
		return ebn_diag(diag, NULL, r, "the node tables are full");
	to = ebn_node_ptr(dp->node, off, len);
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), ov->node, ov->n * sizeof(*ov->node));
	memcpy(to + head.slots_off, table, head.slots * sizeof(*table));
	r = ebn_node_swap(dp->node, EBN_P_OVERLAY, off, ov->n);
	if (r < 0) {
		ebn_node_release(dp->node, off);
		return r;
	}
	/* what packets told stands only under a node's prefix */
	for (i = 0; i < EBN_EPOCH_ADDRS; i++)
		ebn_node_raise_addr(dp->node, (uint64_t)i << 20);
	r = ebn_node_retire(dp->node, old);
	/* its packets are between hosts */
	if (!r)
		r = ebn_host_renew(dp);
	return r < 0 ? r : ebn_eg_renew(dp);
}
