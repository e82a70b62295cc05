// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Reading the tables as the programs do: one root, masked offsets, whatever is missing denies. */
#include <stdio.h>

#include "policy/engine.h"

#define TRIES 16

struct view {
	const uint8_t *mem;
	uint64_t size;
	struct ebn_dir dir;
};

static uint16_t get16(const struct view *v, uint32_t off)
{
	return EBN_READ(*(const uint16_t *)(v->mem + (off & (v->size - 2))));
}

static uint32_t get32(const struct view *v, uint32_t off)
{
	return EBN_READ(*(const uint32_t *)(v->mem + (off & (v->size - 4))));
}

static uint32_t peer_class(const struct view *v, uint32_t identity)
{
	struct ebn_slot s = v->dir.slot[EBN_P_IDDIR];
	uint32_t page = identity / EBN_IDPAGE_CELLS, off;

	if (page >= EBN_IDDIR_CELLS || page >= s.n)
		return EBN_CLASS_UNKNOWN;
	off = get32(v, s.off + 4 * page);
	return off ? get32(v, off + 4 * (identity % EBN_IDPAGE_CELLS)) : EBN_CLASS_UNKNOWN;
}

static void find(const struct view *v, uint32_t subject, int dir, uint32_t identity, uint32_t cell,
		 struct ebn_decision *ret)
{
	uint32_t at = v->dir.slot[EBN_P_SUBJECT].off + subject * (uint32_t)sizeof(struct ebn_subject_row) +
		      (uint32_t)dir * (uint32_t)sizeof(struct ebn_policy_table), matrix, row, col, peer, port, d;
	struct ebn_slot ports = v->dir.slot[EBN_P_PORT], decisions = v->dir.slot[EBN_P_DECISION];
	uint32_t w;

	memset(ret, 0, sizeof(*ret));
	matrix = get32(v, at + offsetof(struct ebn_policy_table, matrix));
	if (!matrix)
		return;
	peer = peer_class(v, identity);
	port = cell < ports.n ? get16(v, ports.off + 2 * cell) : 0;
	if (peer >= get32(v, at + offsetof(struct ebn_policy_table, n_peer)))
		peer = 0;
	if (port >= get32(v, at + offsetof(struct ebn_policy_table, n_port)))
		port = 0;
	row = get16(v, get32(v, at + offsetof(struct ebn_policy_table, rowmap)) + 2 * peer);
	col = get16(v, get32(v, at + offsetof(struct ebn_policy_table, colmap)) + 2 * port);
	d = get16(v, matrix + 2 * (row * get16(v, at + offsetof(struct ebn_policy_table, ncols)) + col));
	if (d >= decisions.n)
		return;
	at = decisions.off + d * (uint32_t)sizeof(*ret);
	w = get32(v, at);
	memcpy(ret, &w, sizeof(w));
	ret->rule = get32(v, at + offsetof(struct ebn_decision, rule));
}

int ebn_policy_read(const void *mem, uint64_t size, uint32_t subject, enum ebpfnet_direction direction,
		    uint32_t identity, uint8_t protocol, uint16_t port, struct ebn_decision *ret)
{
	struct view v = { .mem = mem, .size = size };
	uint64_t root;
	int err;

	if (!mem || !ret || (direction != EBPFNET_EGRESS && direction != EBPFNET_INGRESS))
		return -EINVAL;
	for (int i = 0; i < TRIES; i++) {
		err = ebn_node_read_root(mem, size, &root, &v.dir);
		if (err < 0)
			return err;
		if (subject == EBN_SUBJECT_NONE || subject >= v.dir.slot[EBN_P_SUBJECT].n)
			return -EINVAL;
		find(&v, subject, direction, identity, ebn_port_cell(protocol, port), ret);
		/* pieces of an older root may have been used again meanwhile */
		if (ebn_node_root_is(mem, root))
			return 0;
	}
	return -EAGAIN;
}

int ebn_policy_lookup(struct ebn_policy *p, uint32_t subject, enum ebpfnet_direction direction, uint32_t identity,
		      uint8_t protocol, uint16_t port, struct ebpfnet_policy_answer *ret)
{
	struct ebn_decision d;
	const char *name;
	int err;

	if (!p || !ret)
		return -EINVAL;
	err = ebn_policy_read(ebn_node_hdr(p->nt), ebn_node_size(p->nt), subject, direction,
			      identity, protocol, port, &d);
	if (err < 0)
		return err;
	memset(ret, 0, sizeof(*ret));
	ret->verdict = d.verdict;
	ret->rule = d.rule;
	ret->proxy_port = d.proxy_port;
	name = d.rule ? ebn_name_get(p->rows, EBN_NAME_RULE, d.rule) : NULL;
	if (name)
		snprintf(ret->name, sizeof(ret->name), "%s", name);
	else if (d.rule)
		snprintf(ret->name, sizeof(ret->name), "rule %u", d.rule);
	else if (d.flags & EBN_DEC_F_DEFAULT)
		snprintf(ret->name, sizeof(ret->name), "default %s", d.verdict == EBN_V_ALLOW ? "allow" : "deny");
	else
		snprintf(ret->name, sizeof(ret->name), "no policy");
	return 0;
}
