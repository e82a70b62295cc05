// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Egress gateways: the piece of the node tables, read, checked, written whole. */
#include "datapath/egress.h"

_Static_assert(EBPFNET_EGRESS_RULES_MAX == EBN_EGRESS_RULES && EBPFNET_EGRESS_PREFIXES_MAX == EBN_EGRESS_PREFIXES,
	       "limits are the layout's");

#define TRIES 16

void ebn_eg_free(struct ebn_eg *eg)
{
	free(eg->mem);
	memset(eg, 0, sizeof(*eg));
}

const struct ebn_egress_head *ebn_eg_head(const struct ebn_eg *eg)
{
	return (const struct ebn_egress_head *)eg->mem;
}

struct ebn_egress_rule *ebn_eg_rules(const struct ebn_eg *eg)
{
	return (struct ebn_egress_rule *)(eg->mem + ebn_eg_head(eg)->rules_off);
}

struct ebn_egress_prefix *ebn_eg_prefixes(const struct ebn_eg *eg)
{
	return (struct ebn_egress_prefix *)(eg->mem + ebn_eg_head(eg)->prefixes_off);
}

uint64_t *ebn_eg_masks(const struct ebn_eg *eg)
{
	return (uint64_t *)(eg->mem + ebn_eg_head(eg)->masks_off);
}

const char *ebn_eg_text(const struct ebn_eg *eg)
{
	return eg->mem + ebn_eg_head(eg)->text_off;
}

/* ---- reading ---- */

/* Do the parts stand one behind the other, each with what the head says, and how long is all of it? 0: they do not. */
static uint64_t length(const struct ebn_egress_head *h, uint32_t n, uint64_t room)
{
	uint64_t off = sizeof(*h);

	if (h->rules != n || !n || n > EBN_EGRESS_RULES || h->prefixes > EBN_EGRESS_PREFIXES || h->rules_off != off)
		return 0;
	off += (uint64_t)n * sizeof(struct ebn_egress_rule);
	if (h->prefixes_off != off)
		return 0;
	off += (uint64_t)h->prefixes * sizeof(struct ebn_egress_prefix);
	if (h->masks_off != off)
		return 0;
	off += (uint64_t)h->masks * sizeof(uint64_t);
	if (h->text_off != off)
		return 0;
	off += h->text_len;
	return off <= room ? off : 0;
}

static bool text_sane(const struct ebn_eg *eg)
{
	const char *text = ebn_eg_text(eg), *end = text + ebn_eg_head(eg)->text_len;
	uint32_t i;

	for (i = 0; i < 3 * eg->n; i++) {
		text = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
		if (!text)
			return false;
		text++;
	}
	return true;
}

static bool rules_sane(const struct ebn_eg *eg)
{
	const struct ebn_egress_prefix *px = ebn_eg_prefixes(eg);
	const struct ebn_egress_rule *rule = ebn_eg_rules(eg);
	uint32_t i, k, at = 0;

	for (i = 0; i < eg->n; i++) {
		if (!rule[i].id || rule[i].id > EBN_EGRESS_ID_MAX || rule[i].first != at ||
		    rule[i].n > ebn_eg_head(eg)->prefixes - at)
			return false;
		for (k = 0; k < rule[i].n; k++)
			if (px[at + k].rule != i)
				return false;
		at += rule[i].n;
	}
	return at == ebn_eg_head(eg)->prefixes;
}

static int read_slot(struct ebpfnet_datapath *dp, struct ebn_slot slot, struct ebn_eg *ret)
{
	const char *at = (const char *)dp->node_mem + slot.off;
	struct ebn_egress_head head;
	uint64_t len;

	if (!slot.off)
		return slot.n ? -EPROTO : 0;
	if (slot.off < EBN_NODE_EXTENT_OFF || slot.off % EBN_LINE || slot.off > dp->node_size - sizeof(head))
		return -EPROTO;
	memcpy(&head, at, sizeof(head));
	len = length(&head, slot.n, dp->node_size - slot.off);
	if (!len || head.masks != dp->p->n_endpoints)
		return -EPROTO;
	ret->mem = malloc(len);
	if (!ret->mem)
		return -ENOMEM;
	memcpy(ret->mem, at, len);
	memcpy(ret->mem, &head, sizeof(head));
	ret->len = (uint32_t)len;
	ret->n = slot.n;
	return 0;
}

int ebn_eg_read(struct ebpfnet_datapath *dp, struct ebn_eg *ret)
{
	struct ebn_dir dir;
	uint64_t root;
	int r, tries;

	memset(ret, 0, sizeof(*ret));
	for (tries = 0; tries < TRIES; tries++) {
		ebn_eg_free(ret);
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (!r)
			r = read_slot(dp, dir.slot[EBN_P_EGRESS], ret);
		if (r == -ENOMEM)
			return r;
		if (!ebn_node_root_is(dp->node_mem, root))
			continue;
		return r ? r : !ret->mem || (text_sane(ret) && rules_sane(ret)) ? 0 : -EPROTO;
	}
	return -EAGAIN;
}

/* ---- writing ---- */

/* Nobody asks for what is not there: the switch goes behind what comes, and before what goes. */
void ebn_carry_tell(struct ebpfnet_datapath *dp, const struct ebn_eg *eg, bool source)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint32_t flags = EBN_READ(hdr->flags) & ~(EBN_NODE_F_EGRESS | EBN_NODE_F_CARRY | EBN_NODE_F_SOURCE), i;
	struct ebn_eg own = { 0 };

	if (!eg && !ebn_eg_read(dp, &own))
		eg = &own;
	if (eg && eg->n)
		flags |= EBN_NODE_F_EGRESS;
	for (i = 0; eg && i < eg->n; i++)
		if (ebn_eg_rules(eg)[i].flags & EBN_EG_F_HERE)
			flags |= EBN_NODE_F_CARRY;
	if (source)
		flags |= EBN_NODE_F_CARRY | EBN_NODE_F_SOURCE;
	EBN_WRITE(hdr->flags, flags);
	ebn_eg_free(&own);
}

int ebn_eg_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_EGRESS);
	struct ebn_eg eg;
	int r = ebn_eg_read(dp, &eg);

	if (!r && eg.mem)
		r = ebn_node_mark(dp->node, slot.off, EBN_P_EGRESS, eg.len);
	/* the last writer may have died before it told them */
	if (!r)
		ebn_carry_tell(dp, &eg, ebn_source_there(dp));
	ebn_eg_free(&eg);
	return r < 0 ? ebn_diag(diag, "ebn_node", r, "the rules of egress gateways are corrupt: refused") : 0;
}

int ebn_eg_publish(struct ebpfnet_datapath *dp, const struct ebn_eg *eg, struct ebpfnet_diag *diag)
{
	uint32_t old = ebn_node_slot(dp->node, EBN_P_EGRESS).off, off = 0;
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint32_t flags = EBN_READ(hdr->flags);
	int r;

	ebn_dp_room(dp);
	if (eg->mem) {
		r = ebn_node_alloc(dp->node, EBN_P_EGRESS, eg->len, &off);
		if (r < 0)
			return ebn_diag(diag, NULL, r, "the node tables are full");
		memcpy(ebn_node_ptr(dp->node, off, eg->len), eg->mem, eg->len);
	} else {
		ebn_carry_tell(dp, eg, ebn_source_there(dp));
	}
	r = ebn_node_swap(dp->node, EBN_P_EGRESS, off, eg->n);
	if (r < 0) {
		EBN_WRITE(hdr->flags, flags);
		ebn_node_release(dp->node, off);
		return ebn_diag(diag, NULL, r, "the rules cannot be published");
	}
	ebn_carry_tell(dp, eg, ebn_source_there(dp));
	return ebn_node_retire(dp->node, old);
}
