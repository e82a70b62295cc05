/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What may be asked about endpoints, by their writer and by read-only processes. */
#include "datapath/endpoint.h"

#include <net/if.h>

/* ---- read-only: the list is read from the tables each time it is asked for ---- */

struct ebn_ep_refresh {
	struct ebpfnet_datapath *dp;
	uint32_t row;
	const char *text;	/* of the name that was looked for */
	char *copy;
};

static int ebn_ep_find_text(uint32_t number, const char *text, void *arg)
{
	struct ebn_ep_refresh *f = arg;

	if (number != f->row)
		return 0;
	f->copy = strdup(text);
	return f->copy ? 1 : -ENOMEM;
}

static int ebn_ep_refresh_row(uint32_t n, const struct ebn_ep_row *row, void *arg)
{
	struct ebn_ep_refresh *f = arg;
	struct ebpfnet_datapath *dp = f->dp;
	_cleanup_(ebn_labels_unrefp) struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_endpoint *ep;
	_free_ char *text = NULL;
	char *name, *canon;
	int r;

	if (n >= dp->p->n_endpoints || !row->id)
		return 0;
	f->row = n;
	f->copy = NULL;
	r = ebn_rows_read_names(dp->node_mem, dp->node_size, EBN_NAME_ENDPOINT, ebn_ep_find_text, f);
	text = f->copy;
	/* a row whose name is not there yet, or no longer, is none */
	if (r < 0 || !text || ebn_ep_text(text, &name, &canon))
		return r == -ENOMEM ? r : 0;
	r = *canon ? ebpfnet_labels_parse(canon, NULL, NULL, &labels) : 0;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	ep = dp->p->eps[n];
	if (ep && (ep->copy.incarnation != row->incarnation || ep->id != row->id || strcmp(ep->name, name))) {
		ebn_ep_unlink(dp, ep);
		ep = NULL;
	}
	if (!ep) {
		r = ebn_ep_new(dp, n, row->id, name, labels, &ep);
		if (r < 0)
			return r;
		ebn_ep_link(dp, ep);
	} else if (!ebpfnet_labels_equal(ep->labels, labels)) {
		ebpfnet_labels_unref(ep->labels);
		ep->labels = EBN_TAKE_PTR(labels);
	}
	ep->copy = *row;
	ep->seen = true;
	return 0;
}

static int ebn_eps_refresh(struct ebpfnet_datapath *dp)
{
	struct ebn_ep_refresh f = { .dp = dp };
	uint32_t i;
	int r;

	r = ebn_dp_tables(dp);
	if (r < 0 || !dp->readonly)
		return r;
	if (!dp->p->eps) {
		r = ebn_eps_open(dp, NULL);
		if (r < 0)
			return r;
	}
	for (i = 0; i < dp->p->n_endpoints; i++)
		if (dp->p->eps[i])
			dp->p->eps[i]->seen = false;
	r = ebn_rows_read_endpoints(dp->node_mem, dp->node_size, ebn_ep_refresh_row, &f);
	for (i = 0; r >= 0 && i < dp->p->n_endpoints; i++)
		if (dp->p->eps[i] && !dp->p->eps[i]->seen)
			ebn_ep_unlink(dp, dp->p->eps[i]);
	return r < 0 ? r : 0;
}

/* ---- finding ---- */

int ebpfnet_endpoint_lookup(struct ebpfnet_datapath *dp, const char *name, struct ebpfnet_endpoint **ret)
{
	struct ebpfnet_endpoint *ep;
	int r;

	if (!dp || !name || !ret)
		return -EINVAL;
	r = ebn_eps_refresh(dp);
	if (r < 0)
		return r == -EBUSY ? -ENOENT : r;
	ep = ebn_ep_by_name(dp, name);
	if (!ep)
		return -ENOENT;
	*ret = ebpfnet_endpoint_ref(ep);
	return 0;
}

int ebpfnet_endpoint_lookup_id(struct ebpfnet_datapath *dp, uint16_t id, struct ebpfnet_endpoint **ret)
{
	struct ebpfnet_endpoint *ep;
	int r;

	if (!dp || !id || !ret)
		return -EINVAL;
	r = ebn_eps_refresh(dp);
	if (r < 0)
		return r == -EBUSY ? -ENOENT : r;
	ep = ebn_ep_by_id(dp, id);
	if (!ep)
		return -ENOENT;
	*ret = ebpfnet_endpoint_ref(ep);
	return 0;
}

static int ebn_ep_by_number(const void *a, const void *b)
{
	const struct ebpfnet_endpoint *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

int ebpfnet_endpoint_foreach(struct ebpfnet_datapath *dp, ebpfnet_endpoint_fn fn, void *userdata)
{
	_free_ struct ebpfnet_endpoint **list = NULL;
	uint32_t i, n = 0;
	int r;

	if (!dp || !fn)
		return -EINVAL;
	r = ebn_eps_refresh(dp);
	if (r < 0)
		return r == -EBUSY ? 0 : r;
	list = ebn_calloc(dp->p->live + 1, sizeof(struct ebpfnet_endpoint *));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < dp->p->n_endpoints; i++)
		if (dp->p->eps[i])
			list[n++] = dp->p->eps[i];
	qsort(list, n, sizeof(*list), ebn_ep_by_number);
	for (i = 0; !r && i < n; i++)
		r = fn(list[i], userdata);
	return r;
}

struct ebn_ep_find {
	uint16_t id;
	struct ebn_ep_row row;
	uint32_t n;
};

static int ebn_ep_find_row(uint32_t n, const struct ebn_ep_row *row, void *arg)
{
	struct ebn_ep_find *f = arg;

	if (row->id != f->id)
		return 0;
	f->row = *row;
	f->n = n;
	return 1;
}

int ebn_dp_endpoint_row(struct ebpfnet_datapath *dp, uint16_t id, struct ebn_ep_row *ret, uint32_t *ret_row)
{
	struct ebn_ep_find f = { .id = id };
	struct ebpfnet_endpoint *ep;
	int r;

	r = ebn_dp_tables(dp);
	if (r < 0)
		return r;
	if (!id)
		return -ENOENT;
	if (dp->readonly) {
		r = ebn_rows_read_endpoints(dp->node_mem, dp->node_size, ebn_ep_find_row, &f);
		if (r < 0)
			return r;
		if (f.row.id != id)
			return -ENOENT;
	} else {
		ep = ebn_ep_by_id(dp, id);
		if (!ep)
			return -ENOENT;
		f.n = ep->row;
		f.row = *ebn_ep_row(dp->rows, ep->row);
	}
	*ret = f.row;
	if (ret_row)
		*ret_row = f.n;
	return 0;
}

/* ---- asking ---- */

static void ebn_addr_out(struct ebpfnet_addr *dst, const uint32_t src[4])
{
	memcpy(dst->b, src, sizeof(dst->b));
}

int ebpfnet_endpoint_get_info(struct ebpfnet_endpoint *ep, struct ebpfnet_endpoint_info *ret, size_t size)
{
	struct ebpfnet_endpoint_info info = { 0 };
	struct ebn_dev_row dev;
	struct ebn_ep_row row;
	uint32_t a4[4];

	if (!ep || !ret || size < offsetof(struct ebpfnet_endpoint_info, device))
		return -EINVAL;
	if (!ep->dp)
		return -ESTALE;
	row = ep->dp->readonly ? ep->copy : *ebn_ep_row(ep->dp->rows, ep->row);
	info.name = ep->name;
	info.labels = ebpfnet_labels_format(ep->labels);
	info.ifindex = row.flags & EBN_EP_F_HOST ? 0 : row.ifindex;
	if (row.flags & EBN_EP_F_HOST || !if_indextoname(row.ifindex, info.device))
		info.device[0] = '\0';
	info.identity = row.identity;
	info.flags = (row.flags & EBN_EP_F_ENFORCE ? 0 : EBPFNET_ENDPOINT_AUDIT) |
		     (row.flags & EBN_EP_F_REDIRECT ? 0 : EBPFNET_ENDPOINT_NO_REDIRECT) |
		     (row.flags & EBN_EP_F_HOST ? EBPFNET_ENDPOINT_HOST : 0);
	info.id = row.id;
	if (!ebn_dev_read(ep->dp, ep->row, &dev) && dev.ifindex == row.ifindex && info.device[0]) {
		info.attached = dev.state[0] < dev.state[1] ? dev.state[0] : dev.state[1];
	}
	memcpy(info.mac.b, row.mac, sizeof(info.mac.b));
	ebn_addr_from4(row.addr4, a4);
	ebn_addr_out(&info.addr4, a4);
	ebn_addr_out(&info.addr6, row.addr6);
	ebn_addr_from4(row.gw4, a4);
	ebn_addr_out(&info.gateway4, a4);
	ebn_addr_out(&info.gateway6, row.gw6);
	ebn_copy_out(ret, size, &info, sizeof(info));
	return 0;
}

int ebpfnet_endpoint_get_stats(struct ebpfnet_endpoint *ep, struct ebpfnet_endpoint_stats *ret, size_t size)
{
	struct ebpfnet_endpoint_stats st;
	struct ebn_ep_stat v;
	int r;

	if (!ep || !ret || !size)
		return -EINVAL;
	if (!ep->dp)
		return -ESTALE;
	r = ebn_dp_percpu_sum(ep->dp, EBN_MAP_EP_STAT, ep->row, (uint64_t *)&v, sizeof(v) / sizeof(uint64_t));
	if (r < 0)
		return r;
	st = (struct ebpfnet_endpoint_stats){
		.tx_packets = v.packets[0], .tx_bytes = v.bytes[0], .tx_dropped = v.dropped[0],
		.rx_packets = v.packets[1], .rx_bytes = v.bytes[1], .rx_dropped = v.dropped[1],
		.flows_begun = v.flows[0], .flows_answered = v.flows[1],
	};
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}
