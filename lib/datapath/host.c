/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The host as an endpoint: its row, what is safe. Which addresses it has: host-address.c. */
#include "datapath/egress.h"
#include "datapath/host.h"
#include "datapath/overlay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

_Static_assert(EBPFNET_HOST_SAFE_ALL == EBN_HOST_SAFE && EBPFNET_SAFE_OUT == EBN_SAFE_F_OUT &&
	       EBPFNET_SAFE_OWN == EBN_SAFE_F_OWN, "limits and flags are the layout's");

#define TRIES 16
#define LOOPBACK 1u	/* the kernel gives the number to every namespace's; rows are found by one */

/* The piece as programs see it. */
struct host {
	uint32_t row;
	uint32_t n;
	struct ebn_host_safe safe[EBN_HOST_SAFE];
};

bool ebn_host_labels(const struct ebpfnet_labels *labels)
{
	return ebpfnet_labels_get(labels, "reserved", "host") != NULL;
}

/* ---- the piece ---- */

static int host_read(struct ebpfnet_datapath *dp, struct host *ret)
{
	const struct ebn_host_head *head;
	struct ebn_slot slot;
	struct ebn_dir dir;
	uint64_t root;
	int r, tries;

	for (tries = 0; tries < TRIES; tries++) {
		memset(ret, 0, sizeof(*ret));
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (r < 0)
			return r;
		slot = dir.slot[EBN_P_HOST];
		if (slot.off) {
			if (slot.n > EBN_HOST_SAFE || slot.off < EBN_NODE_EXTENT_OFF || slot.off % EBN_LINE ||
			    slot.off > dp->node_size - (slot.n + 1) * EBN_LINE)
				return -EPROTO;
			head = (const void *)((const char *)dp->node_mem + slot.off);
			ret->row = EBN_READ(head->row);
			ret->n = slot.n;
			memcpy(ret->safe, head + 1, slot.n * sizeof(*ret->safe));
		}
		if (ebn_node_root_is(dp->node_mem, root))
			return slot.off && (!ret->row || ret->row > dp->p->n_endpoints) ? -EPROTO : 0;
	}
	return -EAGAIN;
}

/* All of the old piece, or all of the new one; row 0: none. */
static int host_publish(struct ebpfnet_datapath *dp, const struct host *h)
{
	uint32_t off = 0, len = (h->n + 1) * EBN_LINE, old = ebn_node_slot(dp->node, EBN_P_HOST).off;
	struct ebn_host_head *head;
	int r = 0;

	ebn_dp_room(dp);
	if (h->row) {
		r = ebn_node_alloc(dp->node, EBN_P_HOST, len, &off);
		if (r < 0)
			return r;
		head = ebn_node_ptr(dp->node, off, len);
		*head = (struct ebn_host_head){ .row = h->row };
		memcpy(head + 1, h->safe, h->n * sizeof(*h->safe));
	}
	r = ebn_node_swap(dp->node, EBN_P_HOST, off, h->row ? h->n : 0);
	if (r < 0) {
		ebn_node_release(dp->node, off);
		return r;
	}
	return ebn_node_retire(dp->node, old);
}

static void host_switch(struct ebpfnet_datapath *dp, bool on)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint32_t flags = EBN_READ(hdr->flags);

	EBN_WRITE(hdr->flags, on ? flags | EBN_NODE_F_HOST : flags & ~EBN_NODE_F_HOST);
}

uint32_t ebn_host_row(struct ebpfnet_datapath *dp)
{
	struct host h;

	return host_read(dp, &h) ? 0 : h.row;
}

bool ebn_host_has(struct ebpfnet_datapath *dp, uint32_t row)
{
	const struct ebn_ep_row *ep = row ? ebn_ep_row(dp->rows, row - 1) : NULL;

	return ep && ep->flags & EBN_EP_F_HOST;
}

int ebn_host_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_HOST);
	struct host h;
	int r;

	/* tables of before the host could be one have none */
	if (!slot.off && !slot.n)
		return 0;
	r = host_read(dp, &h);
	if (!r)
		r = ebn_node_mark(dp->node, slot.off, EBN_P_HOST, (slot.n + 1) * EBN_LINE);
	return r < 0 ? ebn_diag(diag, "ebn_node", r, "what is said of the host is corrupt: refused") : 0;
}

/* First nobody is asked any more, then what was asked goes. */
static int host_drop(struct ebpfnet_datapath *dp, struct ebpfnet_endpoint *ep)
{
	uint32_t row = ep->row, subject = ebn_ep_row(dp->rows, row)->subject;
	int r, q = 0;

	host_switch(dp, false);
	r = ebn_host_addresses(dp, row + 1, true);
	ebn_rate_clear(dp, row);
	(void)ebn_ep_row_put(dp->rows, row);
	if (ebn_node_slot(dp->node, EBN_P_HOST).off)
		q = host_publish(dp, &(struct host){ 0 });
	(void)ebn_name_set(dp->rows, EBN_NAME_ENDPOINT, row, NULL);
	ebn_policy_subject_put(dp->policy, subject);
	ebn_ep_unlink(dp, ep);
	return r < 0 ? r : q;
}

/* A row of the host that nothing names, or the other way round: its writer was killed while it made it or took it away. */
int ebn_host_open(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_endpoint *ep;
	struct host h;
	uint32_t i;
	int r = host_read(dp, &h);

	if (r < 0)
		return r == -EPROTO ? r : 0;
	ep = h.row ? dp->p->eps[h.row - 1] : NULL;
	if (ep && ebn_host_labels(ep->labels)) {
		host_switch(dp, true);
		return 0;
	}
	host_switch(dp, false);
	if (h.row)
		r = host_publish(dp, &(struct host){ 0 });
	for (i = 0; i < dp->p->n_endpoints && !r; i++)
		if (dp->p->eps[i] && ebn_host_labels(dp->p->eps[i]->labels))
			r = host_drop(dp, dp->p->eps[i]);
	return r;
}

/* ---- what is safe ---- */

static int safe_read(const struct ebpfnet_host_safe *s, size_t at, struct ebn_host_safe *ret, struct ebpfnet_diag *diag)
{
	static const uint8_t none[sizeof(s->reserved)];
	bool ports = s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP || s->protocol == IPPROTO_SCTP;
	int bits = ebn_prefix_bits(&s->peer), i, left;
	char path[32];

	ebn_format(path, sizeof(path), "safe[%zu]", at);
	if (bits < 0)
		return ebn_diag(diag, path, EINVAL, "not a prefix");
	if (s->flags & ~EBPFNET_SAFE_OUT || memcmp(s->reserved, none, sizeof(none)))
		return ebn_diag(diag, path, EINVAL, "unknown bits");
	if ((s->port_min || s->port_max) && (!ports || s->port_min > s->port_max))
		return ebn_diag(diag, path, EINVAL, "not a range of ports, or of a protocol that has none");
	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < 4; i++) {
		left = bits - 32 * i;
		ret->mask[i] = htonl(left >= 32 ? UINT32_MAX : left > 0 ? UINT32_MAX << (32 - left) : 0);
		memcpy(&ret->addr[i], s->peer.addr.b + 4 * i, 4);
		ret->addr[i] &= ret->mask[i];
	}
	ret->port_min = s->port_min;
	ret->port_max = s->port_max ? s->port_max : UINT16_MAX;
	ret->proto = s->protocol;
	ret->flags = s->flags;
	return 0;
}

static void safe_write(const struct ebn_host_safe *s, struct ebpfnet_host_safe *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4;
	int i;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->peer.addr.b, s->addr, 16);
	for (i = 0; i < 4; i++)
		ret->peer.len = (uint8_t)(ret->peer.len + __builtin_popcount(s->mask[i]));
	v4 = ret->peer.len >= 96 && !memcmp(ret->peer.addr.b, mapped, sizeof(mapped));
	ret->peer.len = (uint8_t)(ret->peer.len - (v4 ? 96 : 0));
	if (s->port_min || s->port_max != UINT16_MAX) {
		ret->port_min = s->port_min;
		ret->port_max = s->port_max;
	}
	ret->protocol = s->proto;
	ret->flags = s->flags;
}

/* The packets that the overlay's device makes are the hosts', and carry what is judged inside. */
static int safe_own(struct ebpfnet_datapath *dp, struct host *h)
{
	struct ebn_ov ov;
	uint32_t kept = 0, i;
	int r;

	for (i = 0; i < h->n; i++)
		if (!(h->safe[i].flags & EBN_SAFE_F_OWN))
			h->safe[kept++] = h->safe[i];
	h->n = kept;
	r = ebn_ov_read(dp, &ov);
	for (i = 0; !r && ov.ifindex && ov.port && i < 2; i++)
		h->safe[h->n++] = (struct ebn_host_safe){
			.port_min = ov.port, .port_max = ov.port, .proto = IPPROTO_UDP,
			.flags = (uint8_t)(EBN_SAFE_F_OWN | (i ? EBN_SAFE_F_OUT : 0)),
		};
	ebn_ov_free(&ov);
	return r;
}

int ebn_host_renew(struct ebpfnet_datapath *dp)
{
	struct host h, was;
	int r = host_read(dp, &h);

	if (r < 0 || !h.row)
		return r;
	was = h;
	r = safe_own(dp, &h);
	if (r < 0 || (h.n == was.n && !memcmp(h.safe, was.safe, h.n * sizeof(*h.safe))))
		return r;
	return host_publish(dp, &h);
}

/* ---- making and changing ---- */

struct making {
	struct ebpfnet_labels *labels;	/* with the reserved one */
	uint32_t flags;
	uint16_t id;
	struct host h;
};

static int labels_with(const struct ebpfnet_labels *labels, struct ebpfnet_diag *diag, struct ebpfnet_labels **ret)
{
	const char *text = ebpfnet_labels_format(labels);
	size_t len = strlen(text) + sizeof("reserved:host") + 1;
	_free_ char *all = malloc(len);
	int r;

	if (!all)
		return -ENOMEM;
	/* each label ends in ';' */
	ebn_format(all, len, "%sreserved:host", text);
	r = ebpfnet_labels_parse(all, NULL, diag, ret);
	if (r < 0)
		return r;
	if (strstr(text, "reserved:") == text || strstr(text, ";reserved:")) {
		*ret = ebpfnet_labels_unref(*ret);
		return ebn_diag(diag, "labels", EINVAL, "reserved labels are not given: reserved:host is there by itself");
	}
	return 0;
}

static int read_opts(const struct ebpfnet_host_opts *opts, struct making *m, struct ebpfnet_diag *diag)
{
	const struct ebpfnet_host_safe *safe = EBN_OPT(opts, safe, NULL);
	size_t n = EBN_OPT(opts, n_safe, 0), i;
	int r = 0;

	m->flags = EBN_OPT(opts, flags, 0);
	m->id = EBN_OPT(opts, id, 0);
	if (m->flags & ~EBPFNET_ENDPOINT_AUDIT || EBN_OPT(opts, reserved, 0))
		return ebn_diag(diag, "flags", EINVAL, "unknown bits");
	if (n > EBPFNET_HOST_SAFE_MAX || (n && !safe))
		return ebn_diag(diag, "safe", EINVAL, "more than %u entries", EBPFNET_HOST_SAFE_MAX);
	for (i = 0; !r && i < n; i++)
		r = safe_read(&safe[i], i, &m->h.safe[i], diag);
	m->h.n = (uint32_t)n;
	return r ? r : labels_with(EBN_OPT(opts, labels, NULL), diag, &m->labels);
}

/* The row, what names it, its addresses, and at last the switch. What fails takes all of it back. */
static int host_make(struct ebpfnet_datapath *dp, struct making *m, struct ebpfnet_endpoint **ret)
{
	struct ebpfnet_endpoint *ep = NULL;
	uint32_t subject, row;
	struct ebn_ep_row *e;
	int r;

	r = ebn_policy_subject_get(dp->policy, m->labels, &subject);
	if (r < 0)
		return r;
	r = ebn_ep_row_get(dp->rows, &row);
	if (r < 0) {
		ebn_policy_subject_put(dp->policy, subject);
		return r;
	}
	r = ebn_ep_set_text(dp, row, EBPFNET_HOST_NAME, m->labels);
	if (!r)
		r = ebn_ep_new(dp, row, m->id, EBPFNET_HOST_NAME, m->labels, &ep);
	if (!r) {
		e = ebn_ep_row(dp->rows, row);
		e->ifindex = LOOPBACK;
		e->flags = EBN_EP_F_HOST | (m->flags & EBPFNET_ENDPOINT_AUDIT ? 0 : EBN_EP_F_ENFORCE);
		e->identity = e->peer4 = e->peer6 = EBN_ID_HOST;
		e->subject = subject;
		e->id = m->id;
		ebn_rate_clear(dp, row);
		r = ebn_eg_row(dp, row, NULL);
		if (!r)
			r = ebn_ep_row_publish(dp->rows, row);
	}
	m->h.row = row + 1;
	if (!r)
		r = host_publish(dp, &m->h);
	if (!r)
		r = ebn_host_addresses(dp, row + 1, false);
	if (r < 0) {
		(void)ebn_host_addresses(dp, row + 1, true);
		if (ebn_node_slot(dp->node, EBN_P_HOST).off)
			(void)host_publish(dp, &(struct host){ 0 });
		(void)ebn_ep_row_put(dp->rows, row);
		(void)ebn_name_set(dp->rows, EBN_NAME_ENDPOINT, row, NULL);
		ebn_policy_subject_put(dp->policy, subject);
		ebpfnet_endpoint_unref(ep);
		return r;
	}
	ebn_ep_link(dp, ep);
	host_switch(dp, true);
	*ret = ep;
	return 0;
}

static int host_change(struct ebpfnet_datapath *dp, struct making *m, const struct host *was)
{
	struct ebpfnet_endpoint *ep = dp->p->eps[was->row - 1];
	int r = 0;

	m->h.row = was->row;
	if (m->h.n != was->n || memcmp(m->h.safe, was->safe, m->h.n * sizeof(*m->h.safe)))
		r = host_publish(dp, &m->h);
	if (!r)
		r = ebpfnet_endpoint_set_labels(ep, m->labels);
	if (!r && !(ebn_ep_row(dp->rows, ep->row)->flags & EBN_EP_F_ENFORCE) != !!(m->flags & EBPFNET_ENDPOINT_AUDIT))
		r = ebpfnet_endpoint_set_flags(ep, m->flags);
	if (!r)
		r = ebn_host_addresses(dp, was->row, false);
	return r < 0 ? r : 0;
}

int ebpfnet_host_set(struct ebpfnet_datapath *dp, const struct ebpfnet_host_opts *opts)
{
	struct ebpfnet_endpoint *ep = NULL;
	struct ebpfnet_diag *diag;
	struct making m = { 0 };
	struct host was;
	int r;

	if (!EBN_OPTS_VALID(opts, ebpfnet_host_opts))
		return -EINVAL;
	diag = EBN_OPT(opts, diag, NULL);
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	r = read_opts(opts, &m, diag);
	if (!r)
		r = host_read(dp, &was);
	if (!r)
		r = safe_own(dp, &m.h);
	if (!r && was.row) {
		r = host_change(dp, &m, &was);
	} else if (!r) {
		r = ebn_ep_by_name(dp, EBPFNET_HOST_NAME) ?
			    ebn_diag(diag, "name", EEXIST, "an endpoint named \"" EBPFNET_HOST_NAME "\" is there") :
			    ebn_ep_take_id(dp, &m.id, diag);
		if (!r)
			r = host_make(dp, &m, &ep);
		if (r < 0)
			ebn_diag(diag, EBPFNET_HOST_NAME, r, "cannot be written into the tables");
	}
	ebpfnet_labels_unref(m.labels);
	return r;
}

int ebpfnet_host_clear(struct ebpfnet_datapath *dp)
{
	uint32_t row;
	int r = ebn_dp_writable(dp);

	if (r < 0)
		return r;
	row = ebn_host_row(dp);
	return row ? host_drop(dp, dp->p->eps[row - 1]) : -ENOENT;
}

int ebpfnet_host_get(struct ebpfnet_datapath *dp, struct ebpfnet_host_info *ret, size_t size)
{
	struct ebpfnet_host_info info = { 0 };
	const struct ebn_ep_row *row;
	struct ebn_dir dir;
	uint64_t root;
	struct host h;
	uint32_t i;
	int r = ret && size ? ebn_dp_tables(dp) : -EINVAL;

	if (!r)
		r = host_read(dp, &h);
	if (!r && !h.row)
		r = -ENOENT;
	if (!r)
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
	if (r < 0)
		return r;
	if (h.row > dir.slot[EBN_P_ENDPOINT].n)
		return -EPROTO;
	row = (const struct ebn_ep_row *)((const char *)dp->node_mem + dir.slot[EBN_P_ENDPOINT].off) + (h.row - 1);
	info.endpoint = EBN_READ(row->id);
	info.n_addresses = ebn_host_count_addresses(dp, h.row);
	info.n_safe = h.n;
	for (i = 0; i < h.n; i++)
		safe_write(&h.safe[i], &info.safe[i]);
	ebn_copy_out(ret, size, &info, sizeof(info));
	return 0;
}
