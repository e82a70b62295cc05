/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Endpoints: made, found, restored, changed, destroyed. What is asked about them is in endpoint-info.c. */
#include "datapath/egress.h"
#include "datapath/host.h"

#include <stdio.h>

static uint64_t ebn_name_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	return h;
}

/* ---- the list ---- */

static void ebn_ep_free(struct ebpfnet_endpoint *ep)
{
	ebpfnet_labels_unref(ep->labels);
	free(ep);
}

struct ebpfnet_endpoint *ebpfnet_endpoint_ref(struct ebpfnet_endpoint *ep)
{
	if (ep)
		ep->refs++;
	return ep;
}

struct ebpfnet_endpoint *ebpfnet_endpoint_unref(struct ebpfnet_endpoint *ep)
{
	if (ep && !--ep->refs)
		ebn_ep_free(ep);
	return NULL;
}

int ebn_ep_new(struct ebpfnet_datapath *dp, uint32_t row, uint16_t id, const char *name,
	       const struct ebpfnet_labels *labels, struct ebpfnet_endpoint **ret)
{
	struct ebpfnet_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return -ENOMEM;
	ep->refs = 1;
	ep->dp = dp;
	ep->row = row;
	ep->id = id;
	ebn_format(ep->name, sizeof(ep->name), "%s", name);
	ep->hash = ebn_name_hash(name);
	/* a set is immutable: sharing it is copying it */
	ep->labels = ebpfnet_labels_ref((struct ebpfnet_labels *)(uintptr_t)labels);
	*ret = ep;
	return 0;
}

void ebn_ep_link(struct ebpfnet_datapath *dp, struct ebpfnet_endpoint *ep)
{
	dp->p->eps[ep->row] = ep;
	dp->p->ids[ep->id / 64] |= 1ULL << ep->id % 64;
	dp->p->live++;
}

void ebn_ep_unlink(struct ebpfnet_datapath *dp, struct ebpfnet_endpoint *ep)
{
	dp->p->eps[ep->row] = NULL;
	dp->p->ids[ep->id / 64] &= ~(1ULL << ep->id % 64);
	dp->p->live--;
	ep->dp = NULL;
	ebpfnet_endpoint_unref(ep);
}

struct ebpfnet_endpoint *ebn_ep_by_name(struct ebpfnet_datapath *dp, const char *name)
{
	uint64_t hash = ebn_name_hash(name);
	uint32_t i;

	for (i = 0; i < dp->p->n_endpoints; i++)
		if (dp->p->eps[i] && dp->p->eps[i]->hash == hash && !strcmp(dp->p->eps[i]->name, name))
			return dp->p->eps[i];
	return NULL;
}

struct ebpfnet_endpoint *ebn_ep_by_id(struct ebpfnet_datapath *dp, uint16_t id)
{
	uint32_t i;

	if (!(dp->p->ids[id / 64] & 1ULL << id % 64))
		return NULL;
	for (i = 0; i < dp->p->n_endpoints; i++)
		if (dp->p->eps[i] && dp->p->eps[i]->id == id)
			return dp->p->eps[i];
	return NULL;
}

static int ebn_ep_free_id(struct ebpfnet_datapath *dp, uint16_t *ret)
{
	uint32_t i, id;

	/* not the lowest: an id that was just given up is not confused with its successor */
	for (i = 0; i < 65535; i++) {
		id = (dp->p->last_id + i) % 65535 + 1;
		if (!(dp->p->ids[id / 64] & 1ULL << id % 64)) {
			dp->p->last_id = id;
			*ret = (uint16_t)id;
			return 0;
		}
	}
	return -ENOSPC;
}

int ebn_ep_take_id(struct ebpfnet_datapath *dp, uint16_t *id, struct ebpfnet_diag *diag)
{
	if (*id && dp->p->ids[*id / 64] & 1ULL << *id % 64)
		return ebn_diag(diag, "id", EEXIST, "id %u is in use", *id);
	if (!*id && ebn_ep_free_id(dp, id))
		return ebn_diag(diag, "id", ENOSPC, "every id is in use");
	return 0;
}

/* ---- taking over what the tables hold ---- */

/* "name\tlabels": splits text in place. */
int ebn_ep_text(char *text, char **ret_name, char **ret_labels)
{
	char *tab = strchr(text, '\t');

	if (!tab || tab == text || tab - text > 63)
		return -EPROTO;
	*tab = '\0';
	*ret_name = text;
	*ret_labels = tab + 1;
	return 0;
}

static int ebn_ep_adopt_addr(struct ebpfnet_datapath *dp, uint32_t row, const uint32_t addr[4], uint32_t identity)
{
	uint32_t id, r;

	if (!(addr[0] | addr[1] | addr[2] | addr[3]))
		return 0;
	/* killed between the row and its address */
	if (!ebn_policy_addr_get(dp->policy, addr, &id, &r) && id == identity && r == row + 1)
		return 0;
	return ebn_policy_addr_set(dp->policy, addr, identity, row + 1);
}

void ebn_addr_from4(uint32_t v4, uint32_t ret[4])
{
	ret[0] = ret[1] = 0;
	ret[2] = v4 ? htonl(0xffff) : 0;
	ret[3] = v4;
}

static int ebn_ep_adopt(struct ebpfnet_datapath *dp, uint32_t row, struct ebn_ep_row *r)
{
	const char *text = ebn_name_get(dp->rows, EBN_NAME_ENDPOINT, row);
	_cleanup_(ebn_labels_unrefp) struct ebpfnet_labels *labels = NULL;
	_free_ char *copy = text ? strdup(text) : NULL;
	struct ebpfnet_endpoint *ep;
	char *name, *canon;
	uint32_t identity, subject, a4[4];
	int e;

	if (!copy)
		return text ? -ENOMEM : -EPROTO;
	e = ebn_ep_text(copy, &name, &canon);
	if (!e && *canon)
		e = ebpfnet_labels_parse(canon, NULL, NULL, &labels);
	if (e < 0)
		return e == -ENOMEM ? e : -EPROTO;
	if (!r->id || dp->p->ids[r->id / 64] & 1ULL << r->id % 64)
		return -EPROTO;
	e = ebn_ep_numbers_get(dp, labels, &identity, &subject);
	if (e < 0)
		return e;
	/* killed between the name and the numbers of new labels: finished here */
	if (r->subject != subject || r->identity != identity)
		e = ebn_eg_row(dp, row, labels);
	if (r->subject != subject)
		EBN_WRITE(r->subject, subject);
	if (r->identity != identity)
		EBN_WRITE(r->identity, identity);
	ebn_addr_from4(r->addr4, a4);
	if (!e)
		e = ebn_ep_adopt_addr(dp, row, a4, identity);
	if (!e)
		e = ebn_ep_adopt_addr(dp, row, r->addr6, identity);
	if (!e)
		e = ebn_ep_new(dp, row, r->id, name, labels, &ep);
	if (e < 0) {
		ebn_ep_numbers_put(dp, identity, subject);
		return e;
	}
	ebn_ep_link(dp, ep);
	return 0;
}

struct ebn_orphans {
	struct ebpfnet_datapath *dp;
	uint32_t (*addr)[4];
	size_t n, cap;
};

static int ebn_eps_orphan(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	struct ebn_orphans *o = arg;

	(void)identity;
	if (!row || (row <= o->dp->p->n_endpoints && o->dp->p->eps[row - 1]))
		return 0;
	if (ebn_grow(&o->addr, &o->cap, o->n + 1, sizeof(*o->addr)))
		return -ENOMEM;
	memcpy(o->addr[o->n++], addr, 16);
	return 0;
}

int ebn_eps_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_orphans o = { .dp = dp };
	uint32_t i, n = dp->p->n_endpoints;
	struct ebn_ep_row *row;
	size_t k;
	int r;

	dp->p->eps = ebn_calloc(n, sizeof(struct ebpfnet_endpoint *));
	if (!dp->p->eps)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	if (!dp->rows)
		return 0;
	for (i = 0; i < n; i++) {
		row = ebn_ep_row(dp->rows, i);
		if (!row || !(row->flags & EBN_EP_F_LIVE))
			continue;
		r = ebn_ep_adopt(dp, i, row);
		if (r < 0)
			return ebn_diag(diag, "ebn_node", r, "endpoint row %u cannot be taken over", i);
	}
	/* addresses of endpoints that were being made or destroyed when their writer was killed */
	r = ebn_addr_foreach(dp->rows, ebn_eps_orphan, &o);
	for (k = 0; !r && k < o.n; k++)
		r = ebn_policy_addr_del(dp->policy, o.addr[k]);
	free(o.addr);
	if (r < 0)
		return ebn_diag(diag, "ebn_node", r, "addresses cannot be put in order");
	/* and their programs */
	for (i = 0; i < n; i++)
		if (!dp->p->eps[i] && ebn_dev(dp, i)->ifindex && ebn_dev_detach(dp, i) < 0)
			ebn_warn(dp->ctx, "device %u: cannot detach", ebn_dev(dp, i)->ifindex);
	return 0;
}

void ebn_eps_close(struct ebpfnet_datapath *dp)
{
	uint32_t i;

	for (i = 0; dp->p->eps && i < dp->p->n_endpoints; i++)
		if (dp->p->eps[i])
			ebn_ep_unlink(dp, dp->p->eps[i]);
	free(dp->p->eps);
	dp->p->eps = NULL;
	memset(dp->p->ids, 0, sizeof(dp->p->ids));
	dp->p->live = 0;
}

/* ---- making ---- */

int ebn_ep_numbers_get(struct ebpfnet_datapath *dp, const struct ebpfnet_labels *labels, uint32_t *ret_identity,
		       uint32_t *ret_subject)
{
	uint32_t identity = EBN_ID_INIT;
	int r = 0;

	if (ebn_host_labels(labels))
		identity = EBN_ID_HOST;
	else if (ebpfnet_labels_count(labels))
		r = ebn_policy_identity_get(dp->policy, labels, &identity);
	if (!r)
		r = ebn_policy_subject_get(dp->policy, labels, ret_subject);
	else
		return r;
	if (r < 0) {
		ebn_identity_put(dp, identity);
		return r;
	}
	*ret_identity = identity;
	return 0;
}

void ebn_identity_put(struct ebpfnet_datapath *dp, uint32_t identity)
{
	/* the reserved ones are nobody's to give up */
	if (identity >= EBN_ID_CLUSTER_MIN)
		ebn_policy_identity_put(dp->policy, identity);
}

void ebn_ep_numbers_put(struct ebpfnet_datapath *dp, uint32_t identity, uint32_t subject)
{
	ebn_policy_subject_put(dp->policy, subject);
	ebn_identity_put(dp, identity);
}

int ebn_ep_set_text(struct ebpfnet_datapath *dp, uint32_t row, const char *name, const struct ebpfnet_labels *labels)
{
	const char *canon = ebpfnet_labels_format(labels);
	size_t len = strlen(name) + strlen(canon) + 2;
	_free_ char *text = malloc(len);
	int r;

	if (!text)
		return -ENOMEM;
	r = ebn_format(text, len, "%s\t%s", name, canon);
	return r < 0 ? r : ebn_name_set(dp->rows, EBN_NAME_ENDPOINT, row, text);
}

/* What create holds on its way, so that one function takes it all back. */
struct ebn_ep_making {
	struct ebn_link_info link;
	uint32_t identity, subject, row;
	uint32_t addr[2][4];
	uint32_t peer[2];	/* what policy asks about at the address */
	uint32_t was[2];	/* identity the address had before: it was known as somebody else's */
	uint16_t id;
	bool has_numbers, has_row, published, has_name;
	bool addr_set[2];
};

static int ebn_ep_check_name(const char *name)
{
	size_t n = name ? strnlen(name, 64) : 0, i;

	for (i = 0; i < n; i++)
		if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
			return -EINVAL;
	return n >= 1 && n <= 63 ? 0 : -EINVAL;
}

static int ebn_ep_check(struct ebpfnet_datapath *dp, const struct ebpfnet_endpoint_opts *o, struct ebn_ep_making *m,
			struct ebpfnet_diag *diag)
{
	const struct ebpfnet_addr *addr[2] = { &o->addr4, &o->addr6 }, *gw[2] = { &o->gateway4, &o->gateway6 };
	uint32_t row;
	int i, f;

	if (ebn_ep_check_name(o->name))
		return ebn_diag(diag, "name", EINVAL, "not 1 to 63 bytes without control characters");
	if (!o->device || !*o->device)
		return ebn_diag(diag, "device", EINVAL, "no device");
	if (o->reserved || o->flags & ~(EBPFNET_ENDPOINT_AUDIT | EBPFNET_ENDPOINT_NO_REDIRECT))
		return ebn_diag(diag, "flags", EINVAL, "unknown bits");
	for (i = 0; i < 2; i++) {
		f = i ? 6 : 4;
		if (ebpfnet_addr_family(addr[i]) && ebpfnet_addr_family(addr[i]) != f)
			return ebn_diag(diag, i ? "addr6" : "addr4", EINVAL, "address of the other family");
		if (ebpfnet_addr_family(gw[i]) && ebpfnet_addr_family(gw[i]) != f)
			return ebn_diag(diag, i ? "gateway6" : "gateway4", EINVAL, "address of the other family");
		memcpy(m->addr[i], addr[i]->b, 16);
	}
	if (!ebpfnet_addr_family(addr[0]) && !ebpfnet_addr_family(addr[1]))
		return ebn_diag(diag, "addr4", EINVAL, "no address");
	if (ebn_ep_by_name(dp, o->name))
		return ebn_diag(diag, "name", EEXIST, "an endpoint named \"%s\" is there", o->name);
	if (ebn_host_labels(o->labels))
		return ebn_diag(diag, "labels", EINVAL, "reserved:host is the host's own");
	for (i = 0; i < 2; i++)
		if (ebpfnet_addr_family(addr[i]) &&
		    !ebn_policy_addr_get(dp->policy, m->addr[i], &m->was[i], &row) && row)
			return ebn_diag(diag, i ? "addr6" : "addr4", EEXIST, "the address is an endpoint's");
	m->id = o->id;
	return ebn_ep_take_id(dp, &m->id, diag);
}

/* The device, and the MAC address inside when the caller did not say it. */
static int ebn_ep_device(struct ebpfnet_datapath *dp, const struct ebpfnet_endpoint_opts *o, struct ebn_ep_making *m,
			 struct ebpfnet_mac *mac, struct ebpfnet_diag *diag)
{
	static const struct ebpfnet_mac none;
	uint32_t n;
	int r;

	r = ebn_nl_link(&dp->p->nl, o->device, 0, &m->link);
	if (r < 0)
		return ebn_diag(diag, o->device, r, r == -ENODEV ? "no such device" : "cannot ask about the device");
	if (!ebn_ep_row_by_ifindex(dp->rows, m->link.ifindex, &n) || !ebn_dev_find(dp, m->link.ifindex, &n))
		return ebn_diag(diag, o->device, EEXIST, "the device is attached already");
	*mac = o->mac;
	if (!memcmp(mac, &none, sizeof(none))) {
		r = ebn_nl_peer_mac(&dp->p->nl, &m->link, mac->b);
		if (r < 0)
			return ebn_diag(diag, o->device, EINVAL,
					"the MAC address inside cannot be seen from here and was not given");
	}
	return 0;
}

static void ebn_ep_fill(struct ebn_ep_row *row, const struct ebpfnet_endpoint_opts *o, const struct ebn_ep_making *m,
			const struct ebpfnet_mac *mac)
{
	uint32_t gw4[4];

	row->ifindex = m->link.ifindex;
	row->flags = ebn_ep_flags(o->flags);
	if (ebpfnet_addr_family(&o->gateway4) || ebpfnet_addr_family(&o->gateway6))
		row->flags |= EBN_EP_F_GATEWAY;
	row->identity = m->identity;
	row->subject = m->subject;
	memcpy(row->mac, mac->b, sizeof(row->mac));
	row->zone = 0;
	memcpy(row->gw_mac, m->link.mac, sizeof(row->gw_mac));
	row->id = m->id;
	row->addr4 = m->addr[0][3];
	memcpy(gw4, o->gateway4.b, sizeof(gw4));
	row->gw4 = gw4[3];
	row->meta = 0;
	row->peer4 = m->peer[0];
	row->peer6 = m->peer[1];
	memcpy(row->addr6, m->addr[1], sizeof(row->addr6));
	memset(row->addr6_ll, 0, sizeof(row->addr6_ll));
	memcpy(row->gw6, o->gateway6.b, sizeof(row->gw6));
}

static void ebn_ep_undo(struct ebpfnet_datapath *dp, struct ebn_ep_making *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (!m->addr_set[i])
			continue;
		if (m->was[i])
			(void)ebn_policy_addr_set(dp->policy, m->addr[i], m->was[i], 0);
		else
			(void)ebn_policy_addr_del(dp->policy, m->addr[i]);
	}
	if (m->has_row)
		(void)ebn_ep_row_put(dp->rows, m->row);
	for (i = 0; i < 2; i++)
		if (!m->addr_set[i])
			ebn_policy_addr_unnumber(dp->policy, m->peer[i]);
	if (m->has_name)
		(void)ebn_name_set(dp->rows, EBN_NAME_ENDPOINT, m->row, NULL);
	if (m->has_numbers)
		ebn_ep_numbers_put(dp, m->identity, m->subject);
}

static bool ebn_ep_has_addr(const struct ebn_ep_making *m, int i)
{
	return m->addr[i][0] | m->addr[i][1] | m->addr[i][2] | m->addr[i][3];
}

/* Everything in the tables. Identities and subject come before a packet can name them, the row before its addresses. */
static int ebn_ep_tables(struct ebpfnet_datapath *dp, const struct ebpfnet_endpoint_opts *o, struct ebn_ep_making *m,
			 const struct ebpfnet_mac *mac)
{
	int i, r;

	r = ebn_ep_numbers_get(dp, o->labels, &m->identity, &m->subject);
	if (r < 0)
		return r;
	m->has_numbers = true;
	r = ebn_ep_row_get(dp->rows, &m->row);
	if (r < 0)
		return r;
	m->has_row = true;
	r = ebn_ep_set_text(dp, m->row, o->name, o->labels);
	if (r < 0)
		return r;
	m->has_name = true;
	for (i = 0; !r && i < 2; i++)
		if (ebn_ep_has_addr(m, i))
			r = ebn_policy_addr_number(dp->policy, m->addr[i], m->identity, &m->peer[i]);
	if (r < 0)
		return r;
	ebn_ep_fill(ebn_ep_row(dp->rows, m->row), o, m, mac);
	/* of one that was not destroyed to its end */
	ebn_rate_clear(dp, m->row);
	r = ebn_eg_row(dp, m->row, o->labels);
	if (!r)
		r = ebn_ep_row_publish(dp->rows, m->row);
	for (i = 0; !r && i < 2; i++) {
		if (!ebn_ep_has_addr(m, i))
			continue;
		r = ebn_policy_addr_place(dp->policy, m->addr[i], m->peer[i], m->row + 1);
		m->addr_set[i] = !r;
	}
	return r;
}

/* As ebn_ep_tables(); when there is no room but for what waits for a grace period, it is waited for. */
static int ebn_ep_tables_wait(struct ebpfnet_datapath *dp, const struct ebpfnet_endpoint_opts *o,
			      struct ebn_ep_making *m, const struct ebpfnet_mac *mac)
{
	struct ebn_ep_making again = *m;
	int r;

	r = ebn_ep_tables(dp, o, m, mac);
	if (r != -ENOSPC || !ebn_node_retired(dp->node))
		return r;
	ebn_ep_undo(dp, m);
	*m = again;
	r = ebn_dp_grace(dp);
	return r < 0 ? r : ebn_ep_tables(dp, o, m, mac);
}

int ebpfnet_endpoint_create(struct ebpfnet_datapath *dp, const struct ebpfnet_endpoint_opts *opts,
			    struct ebpfnet_endpoint **ret)
{
	struct ebpfnet_diag *diag = EBN_OPT(opts, diag, NULL);
	struct ebpfnet_endpoint_opts o = { 0 };
	struct ebn_ep_making m = { 0 };
	struct ebpfnet_endpoint *ep = NULL;
	struct ebpfnet_mac mac;
	int r, i;

	if (!opts || !EBN_OPTS_VALID(opts, ebpfnet_endpoint_opts))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return ebn_diag(diag, NULL, EBUSY, "programs are not loaded");
	memcpy(&o, opts, opts->sz < sizeof(o) ? opts->sz : sizeof(o));
	r = ebn_ep_check(dp, &o, &m, diag);
	if (!r)
		r = ebn_ep_device(dp, &o, &m, &mac, diag);
	if (r < 0)
		return r;
	r = ebn_ep_tables_wait(dp, &o, &m, &mac);
	if (!r)
		r = ebn_ep_new(dp, m.row, m.id, o.name, o.labels, &ep);
	if (r < 0)
		ebn_diag(diag, o.name, r, "cannot be written into the tables");
	else
		r = ebn_dev_attach(dp, m.row, &m.link, EBN_DEV_ENDPOINT, diag);
	if (r < 0) {
		ebn_ep_undo(dp, &m);
		ebpfnet_endpoint_unref(ep);
		return r;
	}
	ebn_ep_link(dp, ep);
	/* an address that was known as somebody else's gave its number up */
	for (i = 0; i < 2; i++)
		if (m.was[i])
			ebn_identity_put(dp, m.was[i]);
	if (ret)
		*ret = ebpfnet_endpoint_ref(ep);
	return 0;
}

/* ---- changing ---- */

uint32_t ebn_ep_flags(uint32_t flags)
{
	return (flags & EBPFNET_ENDPOINT_AUDIT ? 0 : EBN_EP_F_ENFORCE) |
	       (flags & EBPFNET_ENDPOINT_NO_REDIRECT ? 0 : EBN_EP_F_REDIRECT);
}

int ebn_ep_writable(struct ebpfnet_endpoint *ep)
{
	if (!ep)
		return -EINVAL;
	return ep->dp ? ebn_dp_writable(ep->dp) : -ESTALE;
}

int ebpfnet_endpoint_restore(struct ebpfnet_endpoint *ep, struct ebpfnet_diag *diag)
{
	struct ebpfnet_datapath *dp;
	struct ebn_link_info link;
	struct ebn_dev_row *d;
	uint32_t ifindex;
	int r;

	r = ebn_ep_writable(ep);
	if (r < 0)
		return r;
	dp = ep->dp;
	if (!dp->loaded)
		return ebn_diag(diag, ep->name, EBUSY, "programs are not loaded");
	/* it has no device that is attached */
	if (ebn_host_labels(ep->labels))
		return 0;
	ifindex = ebn_ep_row(dp->rows, ep->row)->ifindex;
	r = ebn_nl_link(&dp->p->nl, NULL, ifindex, &link);
	if (r < 0)
		return ebn_diag(diag, ep->name, r, "device %u is gone", ifindex);
	d = ebn_dev(dp, ep->row);
	if (d->ifindex != ifindex)
		ebn_dev_take(d, &link, EBN_DEV_ENDPOINT);
	r = ebn_dev_restore(dp, ep->row, diag);
	return r < 0 ? r : 0;
}

int ebpfnet_endpoint_set_labels(struct ebpfnet_endpoint *ep, const struct ebpfnet_labels *labels)
{
	uint32_t identity, subject, old_identity, old_subject, addr[2][4], peer[2] = { 0, 0 };
	struct ebpfnet_datapath *dp;
	struct ebn_ep_row *row;
	int r, i;

	r = ebn_ep_writable(ep);
	if (r < 0)
		return r;
	if (!strcmp(ebpfnet_labels_format(labels), ebpfnet_labels_format(ep->labels)))
		return 0;
	if (ebn_host_labels(labels) != ebn_host_labels(ep->labels))
		return -EINVAL;
	dp = ep->dp;
	row = ebn_ep_row(dp->rows, ep->row);
	ebn_dp_room(dp);
	r = ebn_ep_numbers_get(dp, labels, &identity, &subject);
	if (r < 0)
		return r;
	ebn_addr_from4(row->addr4, addr[0]);
	memcpy(addr[1], row->addr6, sizeof(addr[1]));
	for (i = 0; !r && i < 2; i++)
		if (addr[i][0] | addr[i][1] | addr[i][2] | addr[i][3])
			r = ebn_policy_addr_number(dp->policy, addr[i], identity, &peer[i]);
	if (!r)
		r = ebn_ep_set_text(dp, ep->row, ep->name, labels);
	if (!r) {
		r = ebn_eg_row(dp, ep->row, labels);
		if (r < 0)
			(void)ebn_ep_set_text(dp, ep->row, ep->name, ep->labels);
	}
	if (r < 0) {
		ebn_policy_addr_unnumber(dp->policy, peer[0]);
		ebn_policy_addr_unnumber(dp->policy, peer[1]);
		ebn_ep_numbers_put(dp, identity, subject);
		return r;
	}
	old_identity = row->identity;
	old_subject = row->subject;
	EBN_WRITE(row->subject, subject);
	/* the addresses are there, so these change words and need no room */
	for (i = 0; !r && i < 2; i++)
		if (peer[i])
			r = ebn_policy_addr_place(dp->policy, addr[i], peer[i], ep->row + 1);
	EBN_WRITE(row->identity, identity);
	/* two subjects' epochs may be equal: both move, so that every living flow is checked again */
	ebn_node_raise_subject(dp->node, old_subject);
	ebn_node_raise_subject(dp->node, subject);
	ebn_ep_numbers_put(dp, old_identity, old_subject);
	ebpfnet_labels_unref(ep->labels);
	ep->labels = ebpfnet_labels_ref((struct ebpfnet_labels *)(uintptr_t)labels);
	return r;
}

int ebpfnet_endpoint_set_flags(struct ebpfnet_endpoint *ep, uint32_t flags)
{
	struct ebn_ep_row *row;
	int r;

	r = ebn_ep_writable(ep);
	if (r < 0)
		return r;
	if (flags & ~(EBPFNET_ENDPOINT_AUDIT | EBPFNET_ENDPOINT_NO_REDIRECT))
		return -EINVAL;
	row = ebn_ep_row(ep->dp->rows, ep->row);
	/* to the host nothing is redirected */
	if (row->flags & EBN_EP_F_HOST)
		flags |= EBPFNET_ENDPOINT_NO_REDIRECT;
	EBN_WRITE(row->flags, (row->flags & ~(EBN_EP_F_ENFORCE | EBN_EP_F_REDIRECT)) | ebn_ep_flags(flags));
	/* audited flows are decided again */
	ebn_node_raise_subject(ep->dp->node, row->subject);
	return 0;
}

int ebpfnet_endpoint_destroy(struct ebpfnet_endpoint *ep)
{
	struct ebpfnet_datapath *dp;
	struct ebn_ep_row *row;
	uint32_t identity, subject, a4[4], a6[4];
	int r;

	r = ebn_ep_writable(ep);
	if (r < 0)
		return r;
	dp = ep->dp;
	row = ebn_ep_row(dp->rows, ep->row);
	if (row->flags & EBN_EP_F_HOST)
		return ebpfnet_host_clear(dp);
	/* attached until it is out of the tables: what it still sends is dropped, not passed */
	identity = row->identity;
	subject = row->subject;
	ebn_addr_from4(row->addr4, a4);
	memcpy(a6, row->addr6, sizeof(a6));
	ebn_rate_clear(dp, ep->row);
	if (a4[3])
		(void)ebn_policy_addr_del(dp->policy, a4);
	if (a6[0] | a6[1] | a6[2] | a6[3])
		(void)ebn_policy_addr_del(dp->policy, a6);
	(void)ebn_ep_row_put(dp->rows, ep->row);
	r = ebn_dev_detach(dp, ep->row);
	(void)ebn_name_set(dp->rows, EBN_NAME_ENDPOINT, ep->row, NULL);
	ebn_ep_numbers_put(dp, identity, subject);
	ebn_ep_unlink(dp, ep);
	return r;
}
