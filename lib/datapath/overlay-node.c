/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Other nodes as callers know them. */
#include "datapath/overlay.h"

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define FLAGS (EBPFNET_NODE_NATIVE | EBPFNET_NODE_IPV6 | EBPFNET_NODE_NO_ROUTES)

static bool name_ok(const char *name)
{
	size_t len = name ? strnlen(name, EBPFNET_NODE_NAME_MAX + 1) : 0;

	return len && len <= EBPFNET_NODE_NAME_MAX && strspn(name, NAME_LETTERS) == len;
}

static uint32_t find(const struct ebn_ov *ov, const char *name)
{
	uint32_t i;

	for (i = 0; i < ov->n && strcmp(ov->node[i].name, name); i++)
		;
	return i;
}

struct ebpfnet_prefix ebn_ov_prefix(const struct ebn_overlay_prefix *px)
{
	struct ebpfnet_prefix p = { .len = (uint8_t)px->len };
	int i;

	for (i = 0; i < 8; i++) {
		p.addr.b[i] = (uint8_t)(px->hi >> (56 - 8 * i));
		p.addr.b[8 + i] = (uint8_t)(px->lo >> (56 - 8 * i));
	}
	if (ebpfnet_addr_family(&p.addr) == 4 && px->len >= 96)
		p.len = (uint8_t)(px->len - 96);
	return p;
}

static int prefix_of(const struct ebpfnet_prefix *p, uint32_t node, struct ebn_overlay_prefix *ret)
{
	int bits = ebn_prefix_bits(p);
	uint32_t a[4];

	/* a whole family would lead everything away, what the nodes say to each other too */
	if (bits <= 0 || !p->len)
		return -EINVAL;
	memcpy(a, p->addr.b, sizeof(a));
	*ret = (struct ebn_overlay_prefix){
		.hi = ebn_addr_bits(a[0], a[1]), .lo = ebn_addr_bits(a[2], a[3]), .node = node, .len = (uint32_t)bits,
	};
	return 0;
}

/* The node's line from what the caller says. */
static int read_node(const char *name, const struct ebpfnet_node_opts *o, struct ebn_overlay_node *ret)
{
	int f4 = ebpfnet_addr_family(&o->addr4), f6 = ebpfnet_addr_family(&o->addr6);
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (o->flags & ~FLAGS || o->reserved)
		return ebn_diag(o->diag, "flags", EINVAL, "unknown bits");
	if (f4 == 6 || f6 == 4 || !(f4 || f6))
		return ebn_diag(o->diag, "addresses", EINVAL, "a node has an IPv4 address, an IPv6 address, or one of each");
	if (o->flags & EBPFNET_NODE_IPV6 && !f6)
		return ebn_diag(o->diag, "addresses", EINVAL, "the node has no IPv6 address");
	if (o->n_prefixes > EBPFNET_NODE_PREFIXES_MAX || (o->n_prefixes && !o->prefixes))
		return ebn_diag(o->diag, "prefixes", EINVAL, "more than %u", EBPFNET_NODE_PREFIXES_MAX);
	for (i = 0; i < o->n_prefixes && o->flags & EBPFNET_NODE_NATIVE && !(o->flags & EBPFNET_NODE_NO_ROUTES); i++)
		if (!(ebpfnet_addr_family(&o->prefixes[i].addr) == 4 ? f4 : f6))
			return ebn_diag(o->diag, "prefixes", EINVAL, "the node has no address of the prefix's family to route by");
	ebn_format(ret->name, sizeof(ret->name), "%s", name);
	ret->tag = o->tag;
	ret->key = o->key;
	ret->flags = (o->flags & EBPFNET_NODE_IPV6 || !f4 ? EBN_ON_F_SEND6 : 0) |
		     (o->flags & EBPFNET_NODE_NATIVE ? EBN_ON_F_NATIVE : 0) |
		     (o->flags & EBPFNET_NODE_NO_ROUTES ? EBN_ON_F_NO_ROUTES : 0);
	if (f4)
		memcpy(ret->addr[0], o->addr4.b, sizeof(ret->addr[0]));
	if (f6)
		memcpy(ret->addr[1], o->addr6.b, sizeof(ret->addr[1]));
	return 0;
}

/* Takes the node's prefixes out and these in. */
static int put_prefixes(struct ebn_ov *ov, uint32_t node, const struct ebpfnet_node_opts *o)
{
	struct ebn_overlay_prefix *px = realloc(ov->px, (ov->n_px + o->n_prefixes + 1) * sizeof(*px)), p;
	uint32_t i, n = 0;
	size_t k;

	if (!px)
		return -ENOMEM;
	ov->px = px;
	for (i = 0; i < ov->n_px; i++)
		if (px[i].node != node + 1)
			px[n++] = px[i];
	for (k = 0; k < o->n_prefixes; k++) {
		if (prefix_of(&o->prefixes[k], node + 1, &p) < 0)
			return ebn_diag(o->diag, "prefixes", EINVAL, "number %zu is no prefix", k);
		for (i = 0; i < n; i++) {
			if (px[i].hi != p.hi || px[i].lo != p.lo || px[i].len != p.len)
				continue;
			if (px[i].node == node + 1)
				return ebn_diag(o->diag, "prefixes", EINVAL, "number %zu is there twice", k);
			return ebn_diag(o->diag, "prefixes", EEXIST, "number %zu is %s's", k, ov->node[px[i].node - 1].name);
		}
		px[n++] = p;
	}
	ov->n_px = n;
	return 0;
}

static bool has(const struct ebn_ov *ov, const char *name, const struct ebn_overlay_prefix *px)
{
	uint32_t node = find(ov, name), i;

	for (i = 0; node < ov->n && i < ov->n_px; i++)
		if (ov->px[i].node == node + 1 && ov->px[i].hi == px->hi && ov->px[i].lo == px->lo &&
		    ov->px[i].len == px->len)
			return true;
	return false;
}

/* Routes to a node as `now` has it, in the place of those as `was` had it. */
static int reroute(struct ebpfnet_datapath *dp, const struct ebn_ov *was, const struct ebn_ov *now, const char *name,
		   struct ebpfnet_diag *diag)
{
	uint32_t old = find(was, name), new = find(now, name), i;
	struct ebpfnet_prefix p;
	bool other;
	int r = 0;

	other = old < was->n && new < now->n && (was->node[old].flags ^ now->node[new].flags) & EBN_ON_F_NATIVE;
	for (i = 0; old < was->n && i < was->n_px; i++) {
		if (was->px[i].node != old + 1 || (!other && has(now, name, &was->px[i])))
			continue;
		p = ebn_ov_prefix(&was->px[i]);
		(void)ebn_ov_route(dp, was, &was->node[old], &p, false, NULL);
	}
	for (i = 0; new < now->n && i < now->n_px && !r; i++) {
		if (now->px[i].node != new + 1)
			continue;
		p = ebn_ov_prefix(&now->px[i]);
		r = ebn_ov_route(dp, now, &now->node[new], &p, true, diag);
	}
	return r;
}

static bool same(const struct ebn_ov *a, const struct ebn_ov *b, const char *name)
{
	uint32_t i = find(a, name), k = find(b, name), n;

	if (i == a->n || k == b->n || a->n_px != b->n_px || memcmp(&a->node[i], &b->node[k], sizeof(a->node[i])) != 0)
		return false;
	for (n = 0; n < a->n_px; n++)
		if (a->px[n].node == i + 1 && !has(b, name, &a->px[n]))
			return false;
	return true;
}

/* ---- a node's own addresses: "remote-node", unless somebody said who they are ---- */

static int claim_one(struct ebpfnet_datapath *dp, const uint32_t a[4])
{
	uint32_t identity, row;

	if (!(a[0] | a[1] | a[2] | a[3]) || !ebn_policy_addr_get(dp->policy, a, &identity, &row))
		return 0;
	ebn_dp_room(dp);
	return ebn_policy_addr_set(dp->policy, a, EBN_ID_REMOTE_NODE, 0);
}

static int claim(struct ebpfnet_datapath *dp, const struct ebn_overlay_node *node)
{
	int r = claim_one(dp, node->addr[0]);

	return r < 0 ? r : claim_one(dp, node->addr[1]);
}

static bool has_address(const struct ebn_ov *ov, const uint32_t a[4])
{
	uint32_t i;

	for (i = 0; i < ov->n; i++)
		if (!memcmp(ov->node[i].addr[0], a, sizeof(ov->node[i].addr[0])) ||
		    !memcmp(ov->node[i].addr[1], a, sizeof(ov->node[i].addr[1])))
			return true;
	return false;
}

/* Those of a node that are no node's in ov. Before ov is in force: a process that is killed leaves none behind that way. */
static int give_up(struct ebpfnet_datapath *dp, const struct ebn_overlay_node *node, const struct ebn_ov *ov)
{
	uint32_t identity, row, i;
	int r = 0;

	for (i = 0; !r && i < 2; i++) {
		if (has_address(ov, node->addr[i]) || ebn_policy_addr_get(dp->policy, node->addr[i], &identity, &row) ||
		    identity != EBN_ID_REMOTE_NODE || row)
			continue;
		r = ebn_policy_addr_del(dp->policy, node->addr[i]);
	}
	return r;
}

/* A change failed at some step: all of it as it was. */
static void take_back(struct ebpfnet_datapath *dp, const struct ebn_ov *was, const struct ebn_ov *now, const char *name,
		      const struct ebn_overlay_node *line)
{
	uint32_t old = find(was, name);

	(void)reroute(dp, now, was, name, NULL);
	(void)give_up(dp, line, was);
	if (!same(was, now, name))
		(void)ebn_ov_publish(dp, was, NULL);
	if (old < was->n)
		(void)claim(dp, &was->node[old]);
}

static int change(struct ebpfnet_datapath *dp, struct ebn_ov *was, struct ebn_ov *now, const char *name,
		  const struct ebpfnet_node_opts *o)
{
	struct ebn_overlay_node line, *node;
	uint32_t at = find(now, name), old;
	int r = read_node(name, o, &line);

	if (r < 0)
		return r;
	if (!now->ifindex && !(o->flags & EBPFNET_NODE_NATIVE))
		return ebn_diag(o->diag, NULL, EBUSY, "there is no overlay");
	if (at == EBN_OVERLAY_NODES)
		return ebn_diag(o->diag, NULL, ENOSPC, "more than %u nodes", EBN_OVERLAY_NODES);
	if (at == now->n) {
		node = realloc(now->node, (at + 1) * sizeof(*node));
		if (!node)
			return -ENOMEM;
		now->node = node;
		now->n++;
	}
	now->node[at] = line;
	r = put_prefixes(now, at, o);
	if (r < 0)
		return r;
	old = find(was, name);
	if (old < was->n)
		r = give_up(dp, &was->node[old], now);
	/* said again, as after a restart: no new generation of the tables; the routes may be missing */
	if (!r && !same(was, now, name))
		r = ebn_ov_publish(dp, now, o->diag);
	if (!r)
		r = claim(dp, &line);
	if (!r)
		r = reroute(dp, was, now, name, o->diag);
	if (r < 0)
		take_back(dp, was, now, name, &line);
	return r;
}

int ebpfnet_node_set(struct ebpfnet_datapath *dp, const char *name, const struct ebpfnet_node_opts *opts)
{
	struct ebn_ov was = { 0 }, now = { 0 };
	int r;

	if (!name_ok(name) || !opts || !EBN_OPTS_VALID(opts, ebpfnet_node_opts) || !EBN_OPTS_HAS(opts, diag))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	r = ebn_ov_read(dp, &was);
	if (!r)
		r = ebn_ov_read(dp, &now);
	if (!r)
		r = change(dp, &was, &now, name, opts);
	ebn_ov_free(&was);
	ebn_ov_free(&now);
	return r;
}

/* The last node takes the place of the one that goes. */
static void take_out(struct ebn_ov *ov, uint32_t node)
{
	uint32_t i, n = 0, last = --ov->n;

	for (i = 0; i < ov->n_px; i++) {
		if (ov->px[i].node == node + 1)
			continue;
		ov->px[n] = ov->px[i];
		if (ov->px[n].node == last + 1)
			ov->px[n].node = node + 1;
		n++;
	}
	ov->n_px = n;
	ov->node[node] = ov->node[last];
}

int ebpfnet_node_delete(struct ebpfnet_datapath *dp, const char *name)
{
	struct ebn_ov was = { 0 }, now = { 0 };
	uint32_t at;
	int r;

	if (!name)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	r = ebn_ov_read(dp, &was);
	if (!r)
		r = ebn_ov_read(dp, &now);
	at = r ? 0 : find(&now, name);
	if (!r && at == now.n)
		r = -ENOENT;
	if (!r) {
		take_out(&now, at);
		r = give_up(dp, &was.node[at], &now);
		if (!r)
			r = ebn_ov_publish(dp, &now, NULL);
		if (r < 0)
			(void)claim(dp, &was.node[at]);
	}
	if (!r)
		r = reroute(dp, &was, &now, name, NULL);
	ebn_ov_free(&was);
	ebn_ov_free(&now);
	return r;
}

/* ---- asking ---- */

static void info_of(const struct ebn_ov *ov, uint32_t at, struct ebpfnet_node_info *ret)
{
	const struct ebn_overlay_node *node = &ov->node[at];
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	ebn_format(ret->name, sizeof(ret->name), "%s", node->name);
	ret->tag = node->tag;
	ret->key = node->key;
	ret->flags = (node->flags & EBN_ON_F_SEND6 ? EBPFNET_NODE_IPV6 : 0) |
		     (node->flags & EBN_ON_F_NATIVE ? EBPFNET_NODE_NATIVE : 0) |
		     (node->flags & EBN_ON_F_NO_ROUTES ? EBPFNET_NODE_NO_ROUTES : 0);
	memcpy(ret->addr4.b, node->addr[0], sizeof(ret->addr4.b));
	memcpy(ret->addr6.b, node->addr[1], sizeof(ret->addr6.b));
	for (i = 0; i < ov->n_px && ret->n_prefixes < EBPFNET_NODE_PREFIXES_MAX; i++)
		if (ov->px[i].node == at + 1)
			ret->prefixes[ret->n_prefixes++] = ebn_ov_prefix(&ov->px[i]);
}

int ebpfnet_node_foreach(struct ebpfnet_datapath *dp, ebpfnet_node_fn fn, void *userdata)
{
	struct ebpfnet_node_info info;
	struct ebn_ov ov = { 0 };
	uint32_t i;
	int r;

	if (!fn)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_ov_read(dp, &ov);
	for (i = 0; !r && i < ov.n; i++) {
		info_of(&ov, i, &info);
		r = fn(&info, userdata);
	}
	ebn_ov_free(&ov);
	return r > 0 ? 1 : r;
}

int ebpfnet_node_get(struct ebpfnet_datapath *dp, const char *name, struct ebpfnet_node_info *ret, size_t size)
{
	struct ebpfnet_node_info info;
	struct ebn_ov ov = { 0 };
	uint32_t at;
	int r;

	if (!name || !ret || !size)
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (!r)
		r = ebn_ov_read(dp, &ov);
	at = r ? 0 : find(&ov, name);
	if (!r && at == ov.n)
		r = -ENOENT;
	if (!r) {
		info_of(&ov, at, &info);
		ebn_copy_out(ret, size, &info, sizeof(info));
	}
	ebn_ov_free(&ov);
	return r;
}
