// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What clients outside become to the backends of services that are not on this node: a row of the node tables for each device. */
#include "datapath/egress.h"
#include "datapath/nat.h"

#include <net/if.h>
#include <sys/socket.h>
#include <ebpfnet/service.h>

_Static_assert(EBPFNET_SERVICE_SOURCES == EBN_SOURCE_ROWS, "limits are the layout's");

#define TRIES 16

struct source {
	uint32_t n;
	struct ebn_egress_rule row[EBN_SOURCE_ROWS];
};

/* ---- the piece ---- */

static uint32_t source_len(uint32_t n)
{
	return n * (uint32_t)sizeof(struct ebn_egress_rule);
}

static bool sane(const struct source *s)
{
	uint32_t i;

	for (i = 0; i < s->n; i++)
		if (s->row[i].id != EBN_SOURCE_ID || s->row[i].flags != EBN_EG_F_HERE || !s->row[i].first ||
		    !s->row[i].port_min || s->row[i].port_min > s->row[i].port_max)
			return false;
	return true;
}

/* n 0: there is none. */
static int source_read(struct ebpfnet_datapath *dp, struct source *ret)
{
	struct ebn_slot slot;
	struct ebn_dir dir;
	uint64_t root;
	int r, tries;

	for (tries = 0; tries < TRIES; tries++) {
		memset(ret, 0, sizeof(*ret));
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (r < 0)
			return r;
		slot = dir.slot[EBN_P_SOURCE];
		if (!slot.off != !slot.n || slot.n > EBN_SOURCE_ROWS ||
		    (slot.off && (slot.off < EBN_NODE_EXTENT_OFF || slot.off % EBN_LINE ||
				  slot.off > dp->node_size - source_len(slot.n))))
			return -EPROTO;
		memcpy(ret->row, (const char *)dp->node_mem + slot.off, source_len(slot.n));
		ret->n = slot.n;
		if (ebn_node_root_is(dp->node_mem, root))
			return sane(ret) ? 0 : -EPROTO;
	}
	return -EAGAIN;
}

static int source_publish(struct ebpfnet_datapath *dp, const struct source *s)
{
	uint32_t old = ebn_node_slot(dp->node, EBN_P_SOURCE).off, off = 0, len = source_len(s->n);
	int r;

	ebn_dp_room(dp);
	if (s->n) {
		r = ebn_node_alloc(dp->node, EBN_P_SOURCE, len, &off);
		if (r < 0)
			return r;
		memcpy(ebn_node_ptr(dp->node, off, len), s->row, len);
	} else {
		ebn_carry_tell(dp, NULL, false);
	}
	r = ebn_node_swap(dp->node, EBN_P_SOURCE, off, s->n);
	if (r < 0) {
		ebn_node_release(dp->node, off);
		return r;
	}
	ebn_carry_tell(dp, NULL, s->n);
	return ebn_node_retire(dp->node, old);
}

int ebn_source_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_SOURCE);
	struct source s;
	int r = source_read(dp, &s);

	if (!r && s.n)
		r = ebn_node_mark(dp->node, slot.off, EBN_P_SOURCE, source_len(s.n));
	return r < 0 ? ebn_diag(diag, "ebn_node", r, "the sources of clients outside are corrupt: refused") : 0;
}

bool ebn_source_there(struct ebpfnet_datapath *dp)
{
	return ebn_node_slot(dp->node, EBN_P_SOURCE).off;
}

/* ---- addresses ---- */

/* The caller's, or the first one that the device has; none of a family is no error. */
static int read_address(struct ebpfnet_datapath *dp, struct ebn_egress_rule *row, bool v6,
			const struct ebpfnet_addr *given, struct ebpfnet_diag *diag)
{
	struct ebpfnet_addr addr = *given;

	if (ebpfnet_addr_family(given) && ebpfnet_addr_family(given) != (v6 ? 6 : 4))
		return ebn_diag(diag, v6 ? "addr6" : "addr4", EINVAL, "not an address of IPv%d", v6 ? 6 : 4);
	if (!ebpfnet_addr_family(given) && ebn_nl_addr(&dp->p->nl, row->first, v6 ? AF_INET6 : AF_INET, &addr))
		return 0;
	memcpy(row->addr[v6], addr.b, sizeof(row->addr[v6]));
	return ebn_nat_address_ok(dp, row->addr[v6], v6, diag);
}

/* A device's row, unless it has no address. */
static int add_device(struct ebpfnet_datapath *dp, const struct ebpfnet_service_source_opts *opts, uint32_t ifindex,
		      bool overlay, struct source *s, struct ebpfnet_diag *diag)
{
	static const struct ebpfnet_addr none;
	unsigned int lo = EBN_OPT(opts, port_min, 0), hi = EBN_OPT(opts, port_max, 0);
	struct ebn_egress_rule *row = &s->row[s->n];
	int r;

	if (s->n == EBN_SOURCE_ROWS)
		return ebn_diag(diag, NULL, ENOSPC, "more than %u devices", EBN_SOURCE_ROWS);
	memset(row, 0, sizeof(*row));
	row->id = EBN_SOURCE_ID;
	row->flags = EBN_EG_F_HERE;
	row->first = ifindex;
	r = ebn_nat_ports(lo, hi, lo || hi, &row->port_min, &row->port_max, diag);
	if (!r)
		r = read_address(dp, row, false, overlay || !EBN_OPTS_HAS(opts, addr4) ? &none : &opts->addr4, diag);
	if (!r)
		r = read_address(dp, row, true, overlay || !EBN_OPTS_HAS(opts, addr6) ? &none : &opts->addr6, diag);
	if (!r && (row->addr[0][3] || row->addr[1][0]))
		s->n++;
	return r;
}

static int read_opts(struct ebpfnet_datapath *dp, const struct ebpfnet_service_source_opts *opts, struct source *ret,
		     struct ebpfnet_diag *diag)
{
	struct ebn_dev_row d;
	uint32_t i;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (EBN_OPT(opts, reserved, 0))
		return ebn_diag(diag, "reserved", EINVAL, "unknown bits");
	for (i = 0; !r && i < dp->p->dev_n; i++)
		if (!ebn_dev_read(dp, i, &d) && d.ifindex && (d.kind == EBN_DEV_NETDEV || d.kind == EBN_DEV_OVERLAY))
			r = add_device(dp, opts, d.ifindex, d.kind == EBN_DEV_OVERLAY, ret, diag);
	if (!r && !ret->n)
		return ebn_diag(diag, NULL, EADDRNOTAVAIL, "no device of the node is attached, or none has an address");
	return r;
}

int ebpfnet_service_source_set(struct ebpfnet_datapath *dp, const struct ebpfnet_service_source_opts *opts)
{
	struct source was, now;
	int r;

	if (!EBN_OPTS_VALID(opts, ebpfnet_service_source_opts))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (!r)
		r = read_opts(dp, opts, &now, EBN_OPT(opts, diag, NULL));
	if (!r)
		r = source_read(dp, &was);
	/* said again, as after a restart: no new generation of the tables */
	if (r < 0 || (was.n == now.n && !memcmp(was.row, now.row, source_len(now.n))))
		return r;
	return source_publish(dp, &now);
}

int ebpfnet_service_source_clear(struct ebpfnet_datapath *dp)
{
	struct source s;
	int r = ebn_dp_writable(dp);

	if (!r)
		r = source_read(dp, &s);
	if (!r && !s.n)
		r = -ENOENT;
	return r < 0 ? r : source_publish(dp, &(struct source){ 0 });
}

int ebpfnet_service_source_get(struct ebpfnet_datapath *dp, struct ebpfnet_service_source *ret, size_t size)
{
	struct ebpfnet_service_source out = { 0 };
	struct source s;
	uint32_t i;
	int r = ret && size ? ebn_dp_tables(dp) : -EINVAL;

	if (!r)
		r = source_read(dp, &s);
	if (!r && !s.n)
		r = -ENOENT;
	if (r < 0)
		return r;
	out.n_devices = s.n;
	out.port_min = s.row[0].port_min;
	out.port_max = s.row[0].port_max;
	for (i = 0; i < s.n; i++) {
		if (!if_indextoname(s.row[i].first, out.devices[i].device))
			out.devices[i].device[0] = '\0';
		memcpy(out.devices[i].addr4.b, s.row[i].addr[0], sizeof(out.devices[i].addr4.b));
		memcpy(out.devices[i].addr6.b, s.row[i].addr[1], sizeof(out.devices[i].addr6.b));
	}
	ebn_copy_out(ret, size, &out, sizeof(out));
	return 0;
}
