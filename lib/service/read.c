// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Answers out of the mapped tables, as the programs find them. No grace period waits for a reader in user space, so every
 * offset is bounded before it is used, and an answer is believed when it comes out the same twice.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>

#include "service/internal.h"

#define TRIES 16

struct view {
	const uint8_t *mem;
	uint64_t size;
	struct ebn_dir dir;
};

/* Whole, and where something of its size may stand: damaged tables name any place. */
static const void *at(const struct view *v, uint64_t off, uint64_t len)
{
	uint64_t step = len & -len;

	if (off & ((step < 8 ? step : 8) - 1))
		return NULL;
	return off >= EBN_NODE_EXTENT_OFF && off <= v->size && len <= v->size - off ? v->mem + off : NULL;
}

static int view_open(struct view *v, const void *mem, uint64_t size)
{
	uint64_t root;

	v->mem = mem;
	v->size = size;
	return ebn_node_read_root(mem, size, &root, &v->dir);
}

static bool row_get(const struct view *v, uint32_t row, struct ebn_svc_row *ret)
{
	struct ebn_slot s = v->dir.slot[EBN_P_SVC_ROW];
	const struct ebn_svc_row *r = row < s.n ? at(v, s.off + (uint64_t)row * sizeof(*r), sizeof(*r)) : NULL;
	unsigned int i;

	for (i = 0; r && i < sizeof(*r) / 8; i++)
		((uint64_t *)ret)[i] = EBN_READ(((const uint64_t *)r)[i]);
	return r;
}

/* The row of a chain that matches. */
static bool chain_find(const struct view *v, const struct ebn_svc_row *want, uint16_t port, struct ebn_svc_row *ret)
{
	struct ebn_slot s = v->dir.slot[EBN_P_SVC_HASH];
	uint32_t hash = (uint32_t)ebn_svc_row_hash(want), i, next;
	const uint32_t *head;

	head = at(v, s.off + sizeof(struct ebn_svc_head) + 4ULL * (hash & (s.n - 1)), 4);
	next = head ? __atomic_load_n(head, __ATOMIC_ACQUIRE) : 0;
	for (i = 0; i < EBN_SVC_CHAIN && next; i++) {
		if (!row_get(v, next - 1, ret))
			return false;
		if (!memcmp(ret->addr, want->addr, sizeof(want->addr)) && ret->kind == want->kind &&
		    ret->plen == want->plen && ret->proto == want->proto &&
		    (ret->kind == EBN_SVC_VIP || (ret->first <= port && port <= ret->last)))
			return true;
		next = ret->next;
	}
	return false;
}

static bool key_find(const struct view *v, const uint32_t addr[4], uint8_t plen, uint8_t kind, uint8_t proto,
		     uint16_t port, struct ebn_svc_row *ret)
{
	struct ebn_svc_row want = { .first = port, .last = port, .kind = kind, .plen = plen, .proto = proto };

	memcpy(want.addr, addr, sizeof(want.addr));
	return chain_find(v, &want, port, ret);
}

static bool loopback(const uint32_t a[4])
{
	static const uint32_t one[4] = { 0, 0, 0, 0 };

	if (!a[0] && !a[1] && a[2] == htonl(0xffff))
		return (ntohl(a[3]) >> 24) == 127;
	return !memcmp(a, one, 12) && a[3] == htonl(1);
}

/* Frontends below one VIP: a port, a range, every port, every protocol. */
static bool vip_find(const struct view *v, const uint32_t addr[4], uint8_t plen, uint32_t flags, uint8_t proto,
		     uint16_t port, struct ebn_svc_row *ret)
{
	return key_find(v, addr, plen, EBN_SVC_PORT, proto, port, ret) ||
	       (flags & EBN_VIP_RANGE && key_find(v, addr, plen, EBN_SVC_RANGE, proto, port, ret)) ||
	       (flags & EBN_VIP_ANY && (key_find(v, addr, plen, EBN_SVC_ANY, proto, port, ret) ||
					key_find(v, addr, plen, EBN_SVC_ANY, 0, port, ret)));
}

static bool node_port_find(const struct view *v, const uint32_t addr[4], uint8_t proto, uint16_t port,
			   struct ebn_svc_row *ret)
{
	uint32_t any[4] = { 0, 0, 0, 0 };
	struct ebn_svc_row vip;

	if (!addr[0] && !addr[1] && addr[2] == htonl(0xffff))
		any[2] = addr[2];
	return key_find(v, any, 128, EBN_SVC_VIP, 0, 0, &vip) &&
	       vip_find(v, any, 128, vip.flags, proto, port, ret);
}

static bool front_find(const struct view *v, const uint32_t addr[4], uint8_t proto, uint16_t port,
		       struct ebn_svc_row *ret)
{
	const struct ebn_svc_head *h = at(v, v->dir.slot[EBN_P_SVC_HASH].off, sizeof(*h));
	struct ebn_svc_row vip;
	uint64_t plens;
	uint32_t a[4];

	if (!h)
		return false;
	if (loopback(addr) && node_port_find(v, addr, proto, port, ret))
		return true;
	if (key_find(v, addr, 128, EBN_SVC_VIP, 0, 0, &vip) &&
	    (vip_find(v, addr, 128, vip.flags, proto, port, ret) ||
	     (vip.flags & EBN_VIP_NODE && node_port_find(v, addr, proto, port, ret))))
		return true;
	for (plens = EBN_READ(h->plens); plens & 0xff; plens >>= 8) {
		uint8_t plen = (uint8_t)plens & 0x7f;

		memcpy(a, addr, sizeof(a));
		ebn_svc_addr_mask(a, plen);
		if (key_find(v, a, plen, EBN_SVC_VIP, 0, 0, &vip) && vip_find(v, a, plen, vip.flags, proto, port, ret))
			return true;
	}
	return false;
}

static bool source_allowed(const struct view *v, uint32_t off, const uint32_t addr[4])
{
	const struct ebn_svc_sources *s = at(v, off, sizeof(*s));
	uint32_t lo = 0, hi = s ? s->edges : 0, mid;
	const struct ebn_svc_edge *e;
	uint64_t w[2];

	memcpy(w, addr, sizeof(w));
	w[0] = be64toh(w[0]);
	w[1] = be64toh(w[1]);
	if (hi > EBN_SVC_EDGES_MAX)
		return false;
	while (lo < hi) {
		mid = (lo + hi) / 2;
		e = at(v, off + sizeof(*s) + mid * sizeof(*e), sizeof(*e));
		if (!e)
			return false;
		if (e->hi < w[0] || (e->hi == w[0] && e->lo <= w[1]))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo & 1;
}

/* The record's name. */
static void service_name(const struct view *v, uint32_t number, char *buf, size_t size)
{
	struct ebn_slot s = v->dir.slot[EBN_P_SVC_RECORD];
	const uint32_t *cell = number < s.n ? at(v, s.off + 4ULL * number, 4) : NULL;
	const struct ebn_extent *x;
	struct ebn_svc_spec *spec;
	uint32_t off = cell ? EBN_READ(*cell) : 0;

	snprintf(buf, size, "service %u", number);
	x = off ? at(v, off - EBN_LINE, EBN_LINE) : NULL;
	if (!x || !at(v, off, x->len) || ebn_svc_record_read(x + 1, x->len, number, &spec))
		return;
	snprintf(buf, size, "%s", spec->name);
	free(spec);
}

static void answer_backend(const struct view *v, const struct ebn_svc_row *row, uint32_t hash, uint16_t dport,
			   uint32_t set_off, struct ebpfnet_service_answer *a)
{
	const struct ebn_svc_set *set = at(v, set_off, sizeof(*set));
	const struct ebn_backend_row *b;
	const uint32_t *member;
	const uint16_t *slot;

	a->slots = set ? EBN_READ(set->slots) : 0;
	a->members = set ? EBN_READ(set->members) : 0;
	a->verdict = EBPFNET_SERVICE_NO_BACKEND;
	snprintf(a->why, sizeof(a->why), a->members ? "no backend of %u takes new flows" : "the service has no backend",
		 a->members);
	if (!a->slots)
		return;
	a->slot = ebn_svc_slot(hash, a->slots);
	slot = at(v, (uint64_t)set_off + set->slot_off + 2ULL * a->slot, 2);
	member = slot ? at(v, (uint64_t)set_off + sizeof(*set) + 4ULL * *slot, 4) : NULL;
	b = member ? at(v, v->dir.slot[EBN_P_BACKEND].off + (uint64_t)*member * sizeof(*b), sizeof(*b)) : NULL;
	if (!b)
		return;
	a->verdict = EBPFNET_SERVICE_BACKEND;
	memcpy(a->backend.b, b->addr, 16);
	a->port = b->port ? ntohs(b->port) : dport;
	snprintf(a->why, sizeof(a->why), "%s%s: slot %u of %u",
		 row->flags & EBN_SVC_F_LEAST ? "the first of two, of which the one with fewer connections is taken" :
		 row->affinity ? "hash of the client, as there is an affinity, unless it has a backend already" :
		 row->flags & EBN_SVC_F_RANDOM ? "chosen at random; this is the one of the tuple's hash" :
						 "hash of the tuple; sockets choose a slot at random",
		 a->slots == 1 ? ", one backend takes all" : "", a->slot, a->slots);
}

static void answer(const struct view *v, const struct ebpfnet_service_query *q, struct ebpfnet_service_answer *a)
{
	enum ebn_svc_from from = q->outside ? EBN_SVC_OUTSIDE : EBN_SVC_INSIDE;
	uint32_t src[4], dst[4], hash;
	struct ebn_svc_row row;

	memset(a, 0, sizeof(*a));
	memcpy(src, q->src.b, sizeof(src));
	memcpy(dst, q->dst.b, sizeof(dst));
	if (!v->dir.slot[EBN_P_SVC_HASH].n || !front_find(v, dst, q->protocol, q->dport, &row)) {
		snprintf(a->why, sizeof(a->why), "no frontend has this address, protocol and port");
		return;
	}
	service_name(v, row.service, a->service, sizeof(a->service));
	if (row.sources && (!ebpfnet_addr_family(&q->src) || !source_allowed(v, row.sources, src))) {
		a->verdict = EBPFNET_SERVICE_SOURCE;
		snprintf(a->why, sizeof(a->why), ebpfnet_addr_family(&q->src) ?
			 "the source ranges do not allow this client" :
			 "the service has source ranges, and the client's address is not known");
		return;
	}
	hash = row.affinity ? ebn_svc_client_hash(ebn_addr_hash(src), row.service) :
			      ebn_svc_tuple_hash(src, q->sport, dst, q->dport, q->protocol);
	answer_backend(v, &row, hash, q->dport, row.set[from], a);
}

int ebn_services_select(const void *mem, uint64_t size, const struct ebpfnet_service_query *q,
			struct ebpfnet_service_answer *ret)
{
	struct ebpfnet_service_answer a[2];
	struct view v;
	int err, i;

	for (i = 0; i < TRIES; i++) {
		err = view_open(&v, mem, size);
		if (err)
			return err;
		answer(&v, q, &a[i & 1]);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (i && !memcmp(&a[0], &a[1], sizeof(a[0]))) {
			*ret = a[0];
			return 0;
		}
	}
	return -EAGAIN;
}

/* ---- records ---- */

/* A copy that came out the same twice, behind a cell that did not change. *ret NULL: no such service. */
static int record_copy(const struct view *v, const uint32_t *cell, void **ret, uint32_t *ret_len)
{
	const struct ebn_extent *x;
	uint32_t off, len;
	void *copy;
	int i;

	for (i = 0; i < TRIES; i++) {
		off = __atomic_load_n(cell, __ATOMIC_ACQUIRE);
		*ret = NULL;
		if (!off)
			return 0;
		x = at(v, (uint64_t)off - EBN_LINE, EBN_LINE);
		len = x ? EBN_READ(x->len) : 0;
		if (!len || !at(v, off, len))
			continue;
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, x + 1, len);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (EBN_READ(*cell) == off && !memcmp(copy, x + 1, len)) {
			*ret = copy;
			*ret_len = len;
			return 0;
		}
		free(copy);
	}
	return -EAGAIN;
}

/* With each service, and with the node's record, which is number 0. */
typedef int (*spec_fn)(uint32_t number, const struct ebn_svc_spec *spec, void *arg);

static int specs_read(const void *mem, uint64_t size, spec_fn fn, void *arg)
{
	struct ebn_svc_spec *spec;
	struct ebn_slot s;
	struct view v;
	uint32_t i, len = 0;
	void *copy = NULL;
	int err;

	err = view_open(&v, mem, size);
	if (err)
		return err;
	s = v.dir.slot[EBN_P_SVC_RECORD];
	if (s.n && !at(&v, s.off, 4ULL * s.n))
		return -EPROTO;
	for (i = 0; i < s.n; i++) {
		err = record_copy(&v, (const uint32_t *)(v.mem + s.off) + i, &copy, &len);
		if (err)
			return err;
		if (!copy)
			continue;
		err = ebn_svc_record_read(copy, len, i, &spec);
		free(copy);
		if (err)
			return err;
		err = fn(i, spec, arg);
		free(spec);
		if (err)
			return err;
	}
	return 0;
}

struct services_read {
	ebn_svc_record_fn fn;
	void *arg;
};

static int service_read(uint32_t number, const struct ebn_svc_spec *spec, void *arg)
{
	const struct services_read *r = arg;
	struct ebn_svc_view seen;
	int err;

	if (!number)
		return 0;
	err = ebn_svc_spec_view(spec, &seen);
	if (err)
		return err;
	err = r->fn(number, &seen.opts, r->arg);
	ebn_svc_view_done(&seen);
	return err;
}

int ebn_services_read(const void *mem, uint64_t size, ebn_svc_record_fn fn, void *arg)
{
	struct services_read r = { fn, arg };

	return specs_read(mem, size, service_read, &r);
}

struct local_read {
	const char *name;
	char node[EBPFNET_SERVICE_NAME_MAX + 1];
	uint32_t n;
};

static int local_read(uint32_t number, const struct ebn_svc_spec *spec, void *arg)
{
	struct local_read *l = arg;

	if (!number) {
		if (spec->n_backend)
			snprintf(l->node, sizeof(l->node), "%s", spec->backend->node);
		return 0;
	}
	if (strcmp(spec->name, l->name))
		return 0;
	l->n = ebn_svc_local(spec, l->node);
	return 1;
}

int ebn_services_read_local(const void *mem, uint64_t size, const char *name, uint32_t *ret)
{
	struct local_read l = { .name = name };
	int err = specs_read(mem, size, local_read, &l);

	if (err == 1)
		*ret = l.n;
	return err < 0 ? err : err ? 0 : -ENOENT;
}

int ebn_services_backend_row(const void *mem, uint64_t size, const struct ebpfnet_backend *b, uint32_t *ret_row)
{
	struct ebn_backend_row want = { .port = htons(b->port), .proto = b->protocol };
	const struct ebn_backend_row *r;
	struct ebn_slot s;
	struct view v;
	uint32_t i;
	int err;

	err = view_open(&v, mem, size);
	if (err)
		return err;
	memcpy(want.addr, b->addr.b, sizeof(want.addr));
	s = v.dir.slot[EBN_P_BACKEND];
	for (i = 0; i < s.n; i++) {
		r = at(&v, s.off + (uint64_t)i * sizeof(*r), sizeof(*r));
		if (r && !memcmp(r, &want, sizeof(want))) {
			*ret_row = i;
			return 0;
		}
	}
	return -ENOENT;
}
