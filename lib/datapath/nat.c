// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Masquerade: its rows in the node tables, asked from and told to people; what is given out is counted in nat-ports.c. */
#include "datapath/nat.h"
#include "datapath/host.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>

_Static_assert(EBPFNET_NAT_PREFIXES == EBN_NAT_PREFIXES && EBPFNET_NAT_DEVICES == EBN_NAT_ROWS, "limits are the layout's");
_Static_assert(EBPFNET_NAT_IPV4 == EBN_NAT_F_IP4 && EBPFNET_NAT_IPV6 == EBN_NAT_F_IP6, "families are passed through");

#define TRIES 16
#define PORT_LOWEST 1024u	/* below it are the ports of services */

/* ---- rows ---- */

static bool row_sane(const struct ebn_nat_row *row)
{
	return row->ifindex && row->n4 <= EBN_NAT_PREFIXES && row->n6 <= EBN_NAT_PREFIXES && row->port_min &&
	       row->port_min <= row->port_max;
}

int ebn_nat_read(struct ebpfnet_datapath *dp, struct ebn_nat_row rows[EBN_NAT_ROWS], uint32_t *ret_n)
{
	struct ebn_slot slot;
	struct ebn_dir dir;
	uint64_t root;
	uint32_t i;
	int r, tries;

	for (tries = 0; tries < TRIES; tries++) {
		r = ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir);
		if (r < 0)
			return r;
		slot = dir.slot[EBN_P_NAT];
		if (slot.n > EBN_NAT_ROWS || (slot.n && (slot.off < EBN_NODE_EXTENT_OFF || slot.off > dp->node_size ||
							 slot.n > (dp->node_size - slot.off) / sizeof(*rows))))
			return -EPROTO;
		memcpy(rows, (const char *)dp->node_mem + slot.off, slot.n * sizeof(*rows));
		if (!ebn_node_root_is(dp->node_mem, root))
			continue;
		for (i = 0; i < slot.n; i++)
			if (!row_sane(&rows[i]))
				return -EPROTO;
		*ret_n = slot.n;
		return 0;
	}
	return -EAGAIN;
}

int ebn_nat_adopt(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_slot slot = ebn_node_slot(dp->node, EBN_P_NAT);
	struct ebn_nat_row rows[EBN_NAT_ROWS];
	uint32_t n;
	int r;

	/* tables of before there was masquerade have none */
	if (!slot.off && !slot.n)
		return 0;
	r = slot.n <= EBN_NAT_ROWS ? ebn_node_mark(dp->node, slot.off, EBN_P_NAT, slot.n * (uint32_t)sizeof(*rows))
				   : -EPROTO;
	if (!r)
		r = ebn_nat_read(dp, rows, &n);
	return r < 0 ? ebn_diag(diag, "ebn_node", r, "the rows of masquerade are corrupt: refused") : 0;
}

/* Packets see all of the old rows or all of the new ones. */
static int publish(struct ebpfnet_datapath *dp, const struct ebn_nat_row *rows, uint32_t n)
{
	uint32_t off = 0, len = n * (uint32_t)sizeof(*rows), old = ebn_node_slot(dp->node, EBN_P_NAT).off;
	int r = 0;

	ebn_dp_room(dp);
	if (n) {
		r = ebn_node_alloc(dp->node, EBN_P_NAT, len, &off);
		if (r < 0)
			return r;
		memcpy(ebn_node_ptr(dp->node, off, len), rows, len);
	}
	r = ebn_node_swap(dp->node, EBN_P_NAT, off, n);
	if (r < 0) {
		ebn_node_release(dp->node, off);
		return r;
	}
	return ebn_node_retire(dp->node, old);
}

static struct ebn_nat_row *row_of(struct ebn_nat_row *rows, uint32_t n, uint32_t ifindex)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (rows[i].ifindex == ifindex)
			return &rows[i];
	return NULL;
}

static uint32_t unused_id(const struct ebn_nat_row *rows, uint32_t n)
{
	uint32_t id, i;

	for (id = 1;; id++) {
		for (i = 0; i < n && rows[i].id != id; i++)
			;
		if (i == n)
			return id;
	}
}

/* Rows of devices that are gone. */
static uint32_t drop_gone(struct ebpfnet_datapath *dp, struct ebn_nat_row *rows, uint32_t n)
{
	struct ebn_link_info info;
	uint32_t i, left = 0;

	for (i = 0; i < n; i++)
		if (ebn_nl_link(&dp->p->nl, NULL, rows[i].ifindex, &info) != -ENODEV)
			rows[left++] = rows[i];
	return left;
}

/* A place for the device among the rows, which are in order of ifindex; its id is set. NULL: no room. */
static struct ebn_nat_row *row_make(struct ebpfnet_datapath *dp, struct ebn_nat_row *rows, uint32_t *n,
				    uint32_t ifindex)
{
	struct ebn_nat_row *row = row_of(rows, *n, ifindex);
	uint32_t id, i;

	if (row)
		return row;
	if (*n == EBN_NAT_ROWS)
		*n = drop_gone(dp, rows, *n);
	if (*n == EBN_NAT_ROWS)
		return NULL;
	id = unused_id(rows, *n);
	for (i = (*n)++; i && rows[i - 1].ifindex > ifindex; i--)
		rows[i] = rows[i - 1];
	rows[i].id = id;
	rows[i].ifindex = ifindex;
	return &rows[i];
}

/* ---- options ---- */

static int read_prefix(struct ebn_nat_row *row, const struct ebpfnet_nat_prefix *p, size_t at,
		       struct ebpfnet_diag *diag)
{
	static const uint8_t none[sizeof(p->reserved)], any4[12] = { [10] = 0xff, [11] = 0xff };
	/* no address at all is "::" with a length */
	bool v4 = !memcmp(p->addr.b, any4, sizeof(any4));
	uint32_t bits = v4 ? 32 : 128, i, left, word, *addr, *mask;
	char path[32];

	ebn_format(path, sizeof(path), "keep[%zu]", at);
	if (p->len > bits || memcmp(p->reserved, none, sizeof(none)))
		return ebn_diag(diag, path, EINVAL, "not a prefix: %u bits of %u", p->len, bits);
	if ((v4 ? row->n4 : row->n6) == EBN_NAT_PREFIXES)
		return ebn_diag(diag, path, EINVAL, "more than %u prefixes of a family", EBN_NAT_PREFIXES);
	addr = v4 ? &row->keep4[row->n4].addr : row->keep6[row->n6].addr;
	mask = v4 ? &row->keep4[row->n4].mask : row->keep6[row->n6].mask;
	for (i = 0; i < bits / 32; i++) {
		left = p->len > 32 * i ? p->len - 32 * i : 0;
		mask[i] = htonl(left >= 32 ? UINT32_MAX : left ? UINT32_MAX << (32 - left) : 0);
		memcpy(&word, p->addr.b + (v4 ? 12 : 4 * i), sizeof(word));
		addr[i] = word & mask[i];
	}
	if (v4)
		row->n4++;
	else
		row->n6++;
	return 0;
}

/* Ports that the host's own connections leave from; 0 and 0 when it does not say. */
static void host_ports(unsigned int *min, unsigned int *max)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	*min = *max = 0;
	if (!f)
		return;
	if (fscanf(f, "%u %u", min, max) != 2 || *max > 65535 || *min > *max)
		*min = *max = 0;
	fclose(f);
}

int ebn_nat_ports(unsigned int lo, unsigned int hi, bool host_too, uint16_t *min, uint16_t *max,
		  struct ebpfnet_diag *diag)
{
	unsigned int host_lo, host_hi;

	host_ports(&host_lo, &host_hi);
	if (!lo && !hi) {
		lo = PORT_LOWEST;
		hi = 65535;
		if (host_hi >= lo && !host_too) {
			if (host_lo > lo && host_lo - lo >= hi - host_hi)
				hi = host_lo - 1;
			else
				lo = host_hi + 1;
		}
		if (lo > hi)
			return ebn_diag(diag, "ports", EADDRINUSE, "the host's own connections leave from every port");
	}
	if (!lo || lo > hi)
		return ebn_diag(diag, "ports", EINVAL, "not a range of ports: %u to %u", lo, hi);
	if (host_hi && lo <= host_hi && hi >= host_lo && !host_too)
		return ebn_diag(diag, "ports", EADDRINUSE,
				"%u to %u overlap %u to %u, which the host's own connections leave from (ip_local_port_range)", lo,
				hi, host_lo, host_hi);
	*min = (uint16_t)lo;
	*max = (uint16_t)hi;
	return 0;
}

int ebn_nat_address_ok(struct ebpfnet_datapath *dp, const uint32_t addr[4], bool v6, struct ebpfnet_diag *diag)
{
	const uint8_t *b = (const uint8_t *)addr;
	uint32_t identity, owner;

	if ((v6 && b[0] == 0xff) || (!v6 && b[12] >= 224) || (!v6 && !b[12]))
		return ebn_diag(diag, v6 ? "addr6" : "addr4", EINVAL, "not an address that one can send from");
	if (!ebn_addr_get(dp->rows, addr, &identity, &owner) && owner && !ebn_host_has(dp, owner))
		return ebn_diag(diag, v6 ? "addr6" : "addr4", EEXIST, "it is an endpoint's");
	return 0;
}

/* The address of one family: the caller's, or the device's. -EADDRNOTAVAIL: there is none. */
static int read_address(struct ebpfnet_datapath *dp, struct ebn_nat_row *row, int family,
			const struct ebpfnet_addr *given, struct ebpfnet_diag *diag)
{
	bool v6 = family == 6;
	struct ebpfnet_addr addr = *given;
	int r;

	if (!ebpfnet_addr_family(&addr)) {
		r = ebn_nl_addr(&dp->p->nl, row->ifindex, v6 ? AF_INET6 : AF_INET, &addr);
		if (r < 0)
			return r;
		row->flags |= v6 ? EBN_NAT_F_PRIMARY6 : EBN_NAT_F_PRIMARY4;
	} else if (ebpfnet_addr_family(&addr) != family) {
		return ebn_diag(diag, v6 ? "addr6" : "addr4", EINVAL, "not an address of IPv%d", family);
	}
	memcpy(row->addr[v6], addr.b, sizeof(addr.b));
	r = ebn_nat_address_ok(dp, row->addr[v6], v6, diag);
	if (r < 0)
		return r;
	row->flags |= v6 ? EBN_NAT_F_IP6 : EBN_NAT_F_IP4;
	return 0;
}

static int read_addresses(struct ebpfnet_datapath *dp, struct ebn_nat_row *row, const struct ebpfnet_nat_opts *opts,
			  uint32_t flags, struct ebpfnet_diag *diag)
{
	static const struct ebpfnet_addr none;
	const struct ebpfnet_addr *given[2] = { EBN_OPTS_HAS(opts, addr4) ? &opts->addr4 : &none,
						EBN_OPTS_HAS(opts, addr6) ? &opts->addr6 : &none };
	uint32_t both = EBPFNET_NAT_IPV4 | EBPFNET_NAT_IPV6;
	int i, r;

	for (i = 0; i < 2; i++) {
		if (flags & both && !(flags & (i ? EBPFNET_NAT_IPV6 : EBPFNET_NAT_IPV4))) {
			if (ebpfnet_addr_family(given[i]))
				return ebn_diag(diag, i ? "addr6" : "addr4", EINVAL, "its family is not asked for");
			continue;
		}
		r = read_address(dp, row, i ? 6 : 4, given[i], diag);
		if (r == -EADDRNOTAVAIL && flags & both)
			return ebn_diag(diag, i ? "addr6" : "addr4", r, "the device has no IPv%d address of global scope", i ? 6 : 4);
		if (r < 0 && r != -EADDRNOTAVAIL)
			return r;
	}
	if (!(row->flags & (EBN_NAT_F_IP4 | EBN_NAT_F_IP6)))
		return ebn_diag(diag, NULL, EADDRNOTAVAIL, "the device has no address of global scope");
	return 0;
}

static int read_opts(struct ebpfnet_datapath *dp, struct ebn_nat_row *row, const struct ebpfnet_nat_opts *opts,
		     struct ebpfnet_diag *diag)
{
	uint32_t flags = EBN_OPT(opts, flags, 0), id = row->id, ifindex = row->ifindex;
	const struct ebpfnet_nat_prefix *keep = EBN_OPT(opts, keep, NULL);
	size_t n = EBN_OPT(opts, n_keep, 0), i;
	int r;

	if (flags & ~(EBPFNET_NAT_IPV4 | EBPFNET_NAT_IPV6 | EBPFNET_NAT_HOST_PORTS))
		return ebn_diag(diag, "flags", EINVAL, "unknown bits");
	if (n > 2 * EBN_NAT_PREFIXES || (n && !keep))
		return ebn_diag(diag, "keep", EINVAL, "more than %u prefixes", 2 * EBN_NAT_PREFIXES);
	memset(row, 0, sizeof(*row));
	row->id = id;
	row->ifindex = ifindex;
	r = ebn_nat_ports(EBN_OPT(opts, port_min, 0), EBN_OPT(opts, port_max, 0), flags & EBPFNET_NAT_HOST_PORTS,
			  &row->port_min, &row->port_max, diag);
	for (i = 0; !r && i < n; i++)
		r = read_prefix(row, &keep[i], i, diag);
	return r ? r : read_addresses(dp, row, opts, flags, diag);
}

int ebpfnet_nat_set(struct ebpfnet_datapath *dp, const char *device, const struct ebpfnet_nat_opts *opts)
{
	struct ebn_nat_row rows[EBN_NAT_ROWS], before[EBN_NAT_ROWS], *row;
	struct ebpfnet_diag *diag;
	struct ebn_link_info info;
	uint32_t n, n_before;
	int r;

	if (!device || !EBN_OPTS_VALID(opts, ebpfnet_nat_opts))
		return -EINVAL;
	diag = EBN_OPT(opts, diag, NULL);
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	r = ebn_nl_link(&dp->p->nl, device, 0, &info);
	if (r < 0)
		return ebn_diag(diag, device, r, r == -ENODEV ? "no such device" : "cannot ask about the device");
	memset(rows, 0, sizeof(rows));
	r = ebn_nat_read(dp, rows, &n);
	if (r < 0)
		return r;
	memcpy(before, rows, sizeof(before));
	n_before = n;
	row = row_make(dp, rows, &n, info.ifindex);
	if (!row)
		return ebn_diag(diag, device, ENOSPC, "more than %u devices", EBN_NAT_ROWS);
	r = read_opts(dp, row, opts, diag);
	if (r < 0)
		return r;
	/* said again, as after a restart: no new generation of the tables */
	if (n == n_before && !memcmp(rows, before, n * sizeof(*rows)))
		return 0;
	r = publish(dp, rows, n);
	return r < 0 ? ebn_diag(diag, device, r, "cannot write the tables") : 0;
}

int ebn_nat_forget(struct ebpfnet_datapath *dp, uint32_t ifindex)
{
	struct ebn_nat_row rows[EBN_NAT_ROWS], *row;
	uint32_t n;
	int r;

	r = ebn_nat_read(dp, rows, &n);
	if (r < 0)
		return r;
	row = row_of(rows, n, ifindex);
	if (!row)
		return -ENOENT;
	memmove(row, row + 1, (size_t)(&rows[n] - (row + 1)) * sizeof(*row));
	return publish(dp, rows, n - 1);
}

int ebpfnet_nat_clear(struct ebpfnet_datapath *dp, const char *device)
{
	struct ebn_link_info info;
	int r;

	if (!device)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	r = ebn_nl_link(&dp->p->nl, device, 0, &info);
	if (r < 0)
		return r == -ENODEV ? -ENOENT : r;
	return ebn_nat_forget(dp, info.ifindex);
}

/* ---- asking ---- */

static void info_prefixes(const struct ebn_nat_row *row, struct ebpfnet_nat_info *ret)
{
	uint32_t i, k, bits;

	for (i = 0; i < row->n4; i++) {
		struct ebpfnet_nat_prefix *p = &ret->keep[ret->n_keep++];

		p->addr.b[10] = p->addr.b[11] = 0xff;
		memcpy(p->addr.b + 12, &row->keep4[i].addr, 4);
		p->len = (uint8_t)__builtin_popcount(row->keep4[i].mask);
	}
	for (i = 0; i < row->n6; i++) {
		struct ebpfnet_nat_prefix *p = &ret->keep[ret->n_keep++];

		memcpy(p->addr.b, row->keep6[i].addr, 16);
		for (k = bits = 0; k < 4; k++)
			bits += (uint32_t)__builtin_popcount(row->keep6[i].mask[k]);
		p->len = (uint8_t)bits;
	}
}

static void info_of(struct ebpfnet_datapath *dp, const struct ebn_nat_row *row, struct ebpfnet_nat_info *ret)
{
	struct ebn_dev_row dev;
	char name[IF_NAMESIZE];
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	ret->ifindex = row->ifindex;
	/* read-only processes have no socket to ask with */
	if (if_indextoname(row->ifindex, name))
		ebn_format(ret->device, sizeof(ret->device), "%s", name);
	ret->flags = row->flags & (EBN_NAT_F_IP4 | EBN_NAT_F_IP6);
	ret->port_min = row->port_min;
	ret->port_max = row->port_max;
	if (row->flags & EBN_NAT_F_IP4)
		memcpy(ret->addr4.b, row->addr[0], 16);
	if (row->flags & EBN_NAT_F_IP6)
		memcpy(ret->addr6.b, row->addr[1], 16);
	ret->primary4 = !!(row->flags & EBN_NAT_F_PRIMARY4);
	ret->primary6 = !!(row->flags & EBN_NAT_F_PRIMARY6);
	for (i = 0; !ebn_dev_read(dp, i, &dev); i++)
		ret->attached |= dev.ifindex == row->ifindex && dev.kind == EBN_DEV_NETDEV;
	info_prefixes(row, ret);
}

int ebpfnet_nat_foreach(struct ebpfnet_datapath *dp, ebpfnet_nat_fn fn, void *userdata)
{
	struct ebn_nat_row rows[EBN_NAT_ROWS];
	struct ebpfnet_nat_info info;
	uint32_t n, i;
	int r;

	if (!fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_nat_read(dp, rows, &n);
	for (i = 0; !r && i < n; i++) {
		info_of(dp, &rows[i], &info);
		r = fn(&info, userdata);
	}
	return r;
}

int ebn_nat_row_by_name(struct ebpfnet_datapath *dp, const char *device, struct ebn_nat_row *ret)
{
	struct ebn_nat_row rows[EBN_NAT_ROWS], *row;
	uint32_t n, ifindex;
	int r;

	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_nat_read(dp, rows, &n);
	if (r < 0)
		return r;
	ifindex = if_nametoindex(device);
	row = ifindex ? row_of(rows, n, ifindex) : NULL;
	if (!row)
		return -ENOENT;
	*ret = *row;
	return 0;
}

int ebpfnet_nat_get(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_nat_info *ret, size_t size)
{
	struct ebpfnet_nat_info info;
	struct ebn_nat_row row;
	int r;

	if (!dp || !device || !ret || !size)
		return -EINVAL;
	r = ebn_nat_row_by_name(dp, device, &row);
	if (r < 0)
		return r;
	info_of(dp, &row, &info);
	ebn_copy_out(ret, size, &info, sizeof(info));
	return 0;
}
