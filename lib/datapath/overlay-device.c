/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The overlay's device: one VXLAN or Geneve device that takes where to and in whose name from each packet (collect_metadata). It does
 * not resolve neighbours: the programs deliver whatever MAC address a frame has.
 */
#include "datapath/overlay.h"
#include "datapath/links.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>

/* The inner Ethernet; outside IPv6, UDP, and VXLAN or Geneve: 14, 40, 8 and 8. Geneve's options are not used. */
#define OVERHEAD 70u

static void default_name(struct ebpfnet_datapath *dp, uint16_t protocol, char name[IF_NAMESIZE])
{
	const struct ebn_node_hdr *hdr = dp->node_mem;

	ebn_format(name, IF_NAMESIZE, "%s%08x", protocol == EBPFNET_OVERLAY_GENEVE ? "ebngv" : "ebnvx",
		   (uint32_t)ebn_mix64(hdr->instance));
}

/* What the device is known by as ours, whatever it is called. */
static void alias_of(struct ebpfnet_datapath *dp, char alias[64])
{
	const struct ebn_node_hdr *hdr = dp->node_mem;

	ebn_format(alias, 64, "ebpfnet overlay %016llx", (unsigned long long)ebn_mix64(hdr->instance));
}

static int see_tunnel(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWLINK)
		ebn_tunnel_read(nlh, arg);
	return 0;
}

/* What a device says of itself; nothing is known of one that is not there. */
static void ask(struct ebn_nl *nl, uint32_t ifindex, struct ebn_tunnel_info *ret)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_GETLINK, 0);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	ifm->ifi_index = (int)ifindex;
	memset(ret, 0, sizeof(*ret));
	if (ebn_nl_talk(nl, nlh, see_tunnel, ret, NULL, "device") < 0)
		memset(ret, 0, sizeof(*ret));
}

static bool is_ours(struct ebpfnet_datapath *dp, uint32_t ifindex, struct ebn_tunnel_info *ret)
{
	char alias[64];

	alias_of(dp, alias);
	ask(&dp->p->nl, ifindex, ret);
	return !strcmp(ret->alias, alias);
}

static int make(struct ebpfnet_datapath *dp, const char *name, const struct ebn_tunnel_info *want, uint32_t mtu,
		struct ebpfnet_diag *diag)
{
	char buf[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(&dp->p->nl, buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	int r;

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	ebn_tunnel_put(nlh, want->protocol, want->port);
	r = ebn_nl_talk(&dp->p->nl, nlh, NULL, NULL, diag, "the overlay's device cannot be made");
	/* Geneve's and VXLAN's words for a device like this on the same port; of this name there is none, as was asked before */
	return r == -EBUSY || r == -EEXIST ? -EADDRINUSE : r;
}

/* Alias, MTU, no neighbours; up or as it is. */
static int dress(struct ebpfnet_datapath *dp, uint32_t ifindex, uint32_t mtu, bool up, struct ebpfnet_diag *diag)
{
	char buf[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 }, alias[64];
	struct nlmsghdr *nlh = ebn_nl_request(&dp->p->nl, buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	alias_of(dp, alias);
	ifm->ifi_index = (int)ifindex;
	ifm->ifi_flags = IFF_NOARP | (up ? IFF_UP : 0);
	ifm->ifi_change = ifm->ifi_flags;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_put_strz(nlh, IFLA_IFALIAS, alias);
	return ebn_nl_talk(&dp->p->nl, nlh, NULL, NULL, diag, "the overlay's device cannot be set up");
}

static int attach(struct ebpfnet_datapath *dp, uint32_t ifindex, struct ebpfnet_diag *diag)
{
	struct ebn_link_info link = { .ifindex = ifindex };
	uint32_t n;
	int r;

	if (!ebn_dev_find(dp, ifindex, &n)) {
		r = ebn_dev_restore(dp, n, diag);
	} else {
		r = ebn_dev_free_row(dp, &n);
		if (!r)
			r = ebn_dev_attach(dp, n, &link, EBN_DEV_OVERLAY, diag);
	}
	/* else what goes there is policed */
	if (r >= 0 && ebn_pacing_overlay(dp) < 0)
		ebn_warn(dp->ctx, "limits of rates are policed in the overlay: too many devices pace");
	return r < 0 ? r : 0;
}

static void remove_device(struct ebpfnet_datapath *dp, uint32_t ifindex)
{
	struct ebn_tunnel_info is;
	uint32_t n;

	if (!is_ours(dp, ifindex, &is))
		return;
	/* down first, by its end: without programs it would carry what nobody judged */
	(void)ebn_nl_link_delete(&dp->p->nl, ifindex);
	if (!ebn_dev_find(dp, ifindex, &n))
		(void)ebn_dev_detach(dp, n);
}

/* The device of this name, made if it has to be. */
static int have_device(struct ebpfnet_datapath *dp, const char *name, const struct ebn_tunnel_info *want, uint32_t mtu,
		       struct ebpfnet_diag *diag, uint32_t *ret)
{
	struct ebn_tunnel_info is;
	struct ebn_link_info link;
	int r = ebn_nl_link(&dp->p->nl, name, 0, &link);

	if (!r && !is_ours(dp, link.ifindex, &is))
		return ebn_diag(diag, name, EEXIST, "there is a device of that name, and it is not this datapath's");
	if (!r && is.protocol != want->protocol) {
		remove_device(dp, link.ifindex);
		r = -ENODEV;
	}
	if (r == -ENODEV) {
		r = make(dp, name, want, mtu, diag);
		if (!r)
			r = ebn_nl_link(&dp->p->nl, name, 0, &link);
		if (!r)
			ebn_nl_no_address(&dp->p->nl, link.ifindex);
	}
	if (!r)
		r = dress(dp, link.ifindex, mtu, false, diag);
	if (!r)
		*ret = link.ifindex;
	return r;
}

static int mtu_of(struct ebpfnet_datapath *dp, const struct ebpfnet_overlay_opts *opts, struct ebpfnet_diag *diag,
		  uint32_t *ret)
{
	const char *underlay = EBN_OPT(opts, underlay, NULL);
	uint32_t mtu = EBN_OPT(opts, mtu, 0);
	struct ebn_link_info link = { .mtu = 1500 };
	int r;

	if (mtu && (mtu < 1280 || mtu > 65535))
		return ebn_diag(diag, "mtu", EINVAL, "an MTU is 1280 to 65535");
	if (!mtu && underlay) {
		r = ebn_nl_link(&dp->p->nl, underlay, 0, &link);
		if (r < 0)
			return ebn_diag(diag, underlay, r, r == -ENODEV ? "no such device" : "cannot ask about the device");
		if (link.mtu < 1280 + OVERHEAD)
			return ebn_diag(diag, underlay, EINVAL, "its MTU of %u is too small for an overlay", link.mtu);
	}
	*ret = mtu ? mtu : link.mtu - OVERHEAD;
	return 0;
}

static int set_addresses(struct ebpfnet_datapath *dp, const struct ebpfnet_overlay_opts *opts, uint32_t ifindex,
			 struct ebpfnet_diag *diag)
{
	int r = 0;

	if (EBN_OPTS_HAS(opts, addr4) && ebpfnet_addr_family(&opts->addr4))
		r = ebn_nl_addr_add(&dp->p->nl, ifindex, &opts->addr4, diag);
	if (!r && EBN_OPTS_HAS(opts, addr6) && ebpfnet_addr_family(&opts->addr6))
		r = ebn_nl_addr_add(&dp->p->nl, ifindex, &opts->addr6, diag);
	return r;
}

/* The routes of a device that went or goes lead into this one. */
static int move_routes(struct ebpfnet_datapath *dp, const struct ebn_ov *ov, struct ebpfnet_diag *diag)
{
	struct ebpfnet_prefix p;
	uint32_t i;
	int r = 0;

	for (i = 0; i < ov->n_px && !r; i++) {
		p = ebn_ov_prefix(&ov->px[i]);
		r = ebn_ov_route(dp, ov, &ov->node[ov->px[i].node - 1], &p, true, diag);
	}
	return r;
}

/* Down until the programs are on it. */
static int set(struct ebpfnet_datapath *dp, const struct ebpfnet_overlay_opts *opts, const char *name,
	       const struct ebn_tunnel_info *want, struct ebpfnet_diag *diag)
{
	uint32_t mtu = 0, ifindex = 0, before;
	struct ebn_ov ov;
	int r = mtu_of(dp, opts, diag, &mtu);

	if (!r)
		r = ebn_ov_read(dp, &ov);
	if (r < 0)
		return r;
	before = ov.ifindex;
	ifindex = before;
	r = have_device(dp, name, want, mtu, diag, &ifindex);
	if (!r)
		r = attach(dp, ifindex, diag);
	if (!r && (ov.ifindex != ifindex || ov.port != want->port)) {
		ov.ifindex = ifindex;
		ov.port = want->port;
		r = ebn_ov_publish(dp, &ov, diag);
	}
	if (!r)
		r = set_addresses(dp, opts, ifindex, diag);
	if (!r)
		r = dress(dp, ifindex, mtu, true, diag);
	if (!r && before != ifindex)
		r = move_routes(dp, &ov, diag);
	if (r == -EADDRINUSE)
		ebn_diag(diag, name, r, "the port is another device's");
	/* of two devices one goes: that which was called otherwise, or the new one that cannot be had */
	if (r < 0 && ov.ifindex != before) {
		ov.ifindex = before;
		(void)move_routes(dp, &ov, NULL);
		(void)ebn_ov_publish(dp, &ov, NULL);
	}
	if (before != ifindex && (before || r < 0))
		remove_device(dp, r < 0 ? ifindex : before);
	ebn_ov_free(&ov);
	return r;
}

/* Before anything is touched: is there such a protocol here? */
static int want_protocol(struct ebpfnet_datapath *dp, const struct ebpfnet_overlay_opts *opts,
			 struct ebpfnet_diag *diag, struct ebn_tunnel_info *ret)
{
	uint16_t port = EBN_OPT(opts, port, 0), protocol = EBN_OPT(opts, protocol, 0);

	if (!ebn_tunnel_kind(protocol))
		return ebn_diag(diag, "protocol", EINVAL, "an overlay is of VXLAN or Geneve");
	if (protocol == EBPFNET_OVERLAY_GENEVE && !ebpfnet_feature_supported(dp->ctx, EBPFNET_FEATURE_GENEVE))
		return ebn_diag(diag, "protocol", EOPNOTSUPP,
				"the kernel has no Geneve devices: its module geneve (CONFIG_GENEVE) is missing");
	*ret = (struct ebn_tunnel_info){ .known = true, .protocol = protocol,
					 .port = port ? port : ebn_tunnel_port(protocol) };
	return 0;
}

int ebpfnet_overlay_set(struct ebpfnet_datapath *dp, const struct ebpfnet_overlay_opts *opts)
{
	struct ebn_tunnel_info want = { 0 };
	char name[IF_NAMESIZE];
	struct ebpfnet_diag *diag;
	const char *device;
	int r;

	if (!EBN_OPTS_VALID(opts, ebpfnet_overlay_opts))
		return -EINVAL;
	diag = EBN_OPT(opts, diag, NULL);
	device = EBN_OPT(opts, device, NULL);
	if (EBN_OPTS_HAS(opts, addr6) &&
	    (ebpfnet_addr_family(&opts->addr4) == 6 || ebpfnet_addr_family(&opts->addr6) == 4))
		return ebn_diag(diag, "addresses", EINVAL, "an address of the other family");
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded || dp->p->set.prog_fd[EBN_PROG_FROM_OVERLAY] < 0)
		return ebn_diag(diag, NULL, EBUSY, "the programs are not loaded, or of a version that had no overlay");
	r = want_protocol(dp, opts, diag, &want);
	if (r < 0)
		return r;
	default_name(dp, want.protocol, name);
	if (device && (!*device || strlen(device) >= sizeof(name) || strpbrk(device, "/: \t\n")))
		return ebn_diag(diag, "device", EINVAL, "not a device's name");
	return set(dp, opts, device ? device : name, &want, diag);
}

void ebn_ov_clear(struct ebpfnet_datapath *dp)
{
	struct ebpfnet_prefix p;
	struct ebn_ov ov;
	uint32_t i;

	if (!ebn_ov_read(dp, &ov)) {
		for (i = 0; i < ov.n_px; i++) {
			p = ebn_ov_prefix(&ov.px[i]);
			(void)ebn_ov_route(dp, &ov, &ov.node[ov.px[i].node - 1], &p, false, NULL);
		}
		if (ov.ifindex)
			remove_device(dp, ov.ifindex);
	}
	ebn_ov_free(&ov);
}

int ebpfnet_overlay_clear(struct ebpfnet_datapath *dp)
{
	struct ebn_ov ov = { 0 };
	uint32_t ifindex;
	int r = ebn_dp_writable(dp);

	if (!r)
		r = ebn_ov_read(dp, &ov);
	ifindex = ov.ifindex;
	if (!r && !ifindex)
		r = -ENOENT;
	if (!r) {
		ov.ifindex = 0;
		ov.port = 0;
		r = ebn_ov_publish(dp, &ov, NULL);
	}
	if (!r)
		remove_device(dp, ifindex);
	ebn_ov_free(&ov);
	return r;
}

/* A datapath that was opened to look has no socket of its own. */
static void ask_kernel(uint32_t ifindex, struct ebn_tunnel_info *ret)
{
	struct ebn_nl nl = { 0 };

	memset(ret, 0, sizeof(*ret));
	if (ebn_nl_open(&nl, NETLINK_ROUTE) < 0)
		return;
	ask(&nl, ifindex, ret);
	ebn_nl_close(&nl);
}

int ebpfnet_overlay_get(struct ebpfnet_datapath *dp, struct ebpfnet_overlay_info *ret, size_t size)
{
	struct ebpfnet_overlay_info info = { .device = "" };
	struct ebn_tunnel_info is;
	struct ebn_ov ov = { 0 };
	char name[IF_NAMESIZE];
	int r = ret && size ? ebn_dp_tables(dp) : -EINVAL;

	if (!r)
		r = ebn_ov_read(dp, &ov);
	if (!r && !ov.ifindex)
		r = -ENOENT;
	if (!r) {
		info.ifindex = ov.ifindex;
		info.nodes = ov.n;
		info.prefixes = ov.n_px;
		ask_kernel(ov.ifindex, &is);
		info.protocol = is.protocol;
		info.port = is.port;
		if (if_indextoname(ov.ifindex, name))
			ebn_format(info.device, sizeof(info.device), "%s", name);
		ebn_copy_out(ret, size, &info, sizeof(info));
	}
	ebn_ov_free(&ov);
	return r;
}

/* ---- routes ---- */

static int route(struct ebn_nl *nl, const struct ebpfnet_prefix *prefix, uint32_t ifindex, const uint32_t *gateway,
		 bool add, struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	bool four = ebpfnet_addr_family(&prefix->addr) == 4;
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, add ? RTM_NEWROUTE : RTM_DELROUTE,
					      (uint16_t)(NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0)));
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = four ? AF_INET : AF_INET6;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = gateway || !four ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rtm->rtm_dst_len = prefix->len;
	mnl_attr_put(nlh, RTA_DST, four ? 4 : 16, prefix->addr.b + (four ? 12 : 0));
	if (gateway)
		mnl_attr_put(nlh, RTA_GATEWAY, four ? 4 : 16, (const uint8_t *)gateway + (four ? 12 : 0));
	else
		mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the route to the node's prefix cannot be set");
}

int ebn_ov_route(struct ebpfnet_datapath *dp, const struct ebn_ov *ov, const struct ebn_overlay_node *node,
		 const struct ebpfnet_prefix *prefix, bool add, struct ebpfnet_diag *diag)
{
	bool native = node->flags & EBN_ON_F_NATIVE;
	int family = ebpfnet_addr_family(&prefix->addr);

	/* without its device there is no way into the overlay, and none to take away */
	if (node->flags & EBN_ON_F_NO_ROUTES || (!native && !ov->ifindex))
		return 0;
	return route(&dp->p->nl, prefix, ov->ifindex, native ? node->addr[family == 6] : NULL, add, diag);
}
