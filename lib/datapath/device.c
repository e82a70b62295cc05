/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* A container's pair of devices. */
#include "datapath/links.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>
#include <ebpfnet/device.h>

static bool name_ok(const char *name)
{
	size_t len = name ? strnlen(name, IF_NAMESIZE) : 0;

	return len && len < IF_NAMESIZE && !strpbrk(name, "/: \t\n\v\f\r") && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* ---- inside ---- */

/* Best effort: where it cannot be written IPv6 may be on already, and if not the address is refused. */
static void ipv6_on(const char *inside)
{
	_close_ int fd = -1;
	char path[80];

	if (ebn_format(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", inside) < 0)
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, "0", 1);
}

/*
 * A netlink socket that stays in the namespace; the thread is back when this returns. ipv6 is the device for which IPv6 is
 * switched on, or NULL.
 */
static int inside_open(int netns_fd, const char *ipv6, struct ebn_nl *nl, struct ebpfnet_diag *diag)
{
	_close_ int self = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (self < 0)
		return ebn_diag(diag, NULL, errno, "the thread's own namespace cannot be opened");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return ebn_diag(diag, NULL, errno == EBADF ? EINVAL : errno, "the network namespace cannot be entered");
	r = ebn_nl_open(nl, NETLINK_ROUTE);
	if (!r && ipv6)
		ipv6_on(ipv6);
	/* this cannot fail: the descriptor is of a namespace the thread was just in */
	if (setns(self, CLONE_NEWNET) < 0) {
		r = -errno;
		ebn_nl_close(nl);
	}
	return r < 0 ? ebn_diag(diag, NULL, r, "no netlink socket in the network namespace") : 0;
}

/* ---- links ---- */

static int find_link(struct ebn_nl *nl, const char *name, const char *where, struct ebpfnet_diag *diag,
		     struct ebn_link_info *ret)
{
	int r = ebn_nl_link(nl, name, 0, ret);

	return r < 0 ? ebn_diag(diag, name, r, "no such device %s", where) : 0;
}

static int link_up(struct ebn_nl *nl, uint32_t ifindex, struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	ifm->ifi_index = (int)ifindex;
	ifm->ifi_flags = ifm->ifi_change = IFF_UP;
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the device cannot be taken up");
}

/* The inside's attributes, in the place of its part of a request. */
static void put_inside(struct nlmsghdr *nlh, const struct ebpfnet_device_opts *o, uint32_t mtu)
{
	static const struct ebpfnet_mac none;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, o->inside);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)o->netns_fd);
	if (memcmp(&o->mac, &none, sizeof(none)) != 0)
		mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(o->mac), &o->mac);
}

static void put_veth(struct nlmsghdr *nlh, const struct ebpfnet_device_opts *o, uint32_t mtu)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO), *data, *peer;

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	put_inside(nlh, o, mtu);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
}

static void put_netkit(struct nlmsghdr *nlh, const struct ebpfnet_device_opts *o, uint32_t mtu)
{
	struct nlattr *info, *data, *peer;

	info = ebn_netkit_begin(nlh, o->kind == EBPFNET_DEVICE_NETKIT_L3, &data, &peer);
	put_inside(nlh, o, mtu);
	ebn_netkit_end(nlh, info, data, peer);
}

static int make_pair(struct ebn_nl *nl, const struct ebpfnet_device_opts *o)
{
	char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	uint32_t mtu = o->mtu ? o->mtu : 1500;

	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, o->host);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	if (o->kind == EBPFNET_DEVICE_VETH)
		put_veth(nlh, o, mtu);
	else
		put_netkit(nlh, o, mtu);
	return ebn_nl_talk(nl, nlh, NULL, NULL, NULL, "pair");
}

static void fill_info(struct ebpfnet_device_info *info, const struct ebn_link_info *host,
		      const struct ebn_link_info *inside)
{
	memset(info, 0, sizeof(*info));
	ebn_format(info->host, sizeof(info->host), "%s", host->name);
	info->host_ifindex = host->ifindex;
	info->inside_ifindex = inside->ifindex;
	memcpy(info->host_mac.b, host->mac, sizeof(host->mac));
	memcpy(info->inside_mac.b, inside->mac, sizeof(inside->mac));
	info->mtu = inside->mtu;
	info->kind = !inside->netkit ? EBPFNET_DEVICE_VETH :
		     inside->netkit_l3 ? EBPFNET_DEVICE_NETKIT_L3 : EBPFNET_DEVICE_NETKIT;
}

/* The kernel's EEXIST does not say on which side. */
static int why_not(struct ebn_nl *out, struct ebn_nl *in, const struct ebpfnet_device_opts *o, int err)
{
	struct ebn_link_info link;

	if (err == -EEXIST && !ebn_nl_link(in, o->inside, 0, &link))
		return ebn_diag(o->diag, o->inside, EEXIST, "there is a device of that name in the namespace");
	if (err == -EEXIST && !ebn_nl_link(out, o->host, 0, &link))
		return ebn_diag(o->diag, o->host, EEXIST, "there is a device of that name on the host");
	if (err == -EOPNOTSUPP && o->kind != EBPFNET_DEVICE_VETH)
		return ebn_diag(o->diag, "kind", EOPNOTSUPP, "the kernel has no netkit devices (Linux 6.7, CONFIG_NETKIT)");
	return ebn_diag(o->diag, o->host, err, "the pair of devices cannot be made");
}

static int create_pair(struct ebn_nl *out, struct ebn_nl *in, const struct ebpfnet_device_opts *o,
		       struct ebpfnet_device_info *info)
{
	struct ebn_link_info host, inside;
	int r = make_pair(out, o);

	if (r < 0)
		return why_not(out, in, o, r);
	r = find_link(out, o->host, "on the host", o->diag, &host);
	if (r < 0)
		return r;
	ebn_nl_no_address(out, host.ifindex);
	r = find_link(in, o->inside, "in the namespace", o->diag, &inside);
	if (r < 0)
		ebn_nl_link_delete(out, host.ifindex);
	else
		fill_info(info, &host, &inside);
	return r;
}

int ebpfnet_device_create(struct ebpfnet_ctx *ctx, const struct ebpfnet_device_opts *o,
			  struct ebpfnet_device_info *ret, size_t size)
{
	static const struct ebpfnet_mac none;
	struct ebpfnet_device_info info;
	struct ebn_nl out = { 0 }, in = { 0 };
	int r;

	if (!ctx || !o || !EBN_OPTS_VALID(o, ebpfnet_device_opts) || !EBN_OPTS_HAS(o, diag) || !name_ok(o->host) ||
	    !name_ok(o->inside) || o->netns_fd < 0 || (o->mtu && (o->mtu < 68 || o->mtu > 65535)) ||
	    o->kind > EBPFNET_DEVICE_NETKIT_L3 || o->mac.b[0] & 1)
		return -EINVAL;
	if (o->kind == EBPFNET_DEVICE_NETKIT_L3 && memcmp(&o->mac, &none, sizeof(none)) != 0)
		return ebn_diag(o->diag, "mac", EINVAL, "a pair of layer 3 has no MAC addresses");
	/* masked, or missing; who may not ask is told by the kernel what it thinks of the pair */
	if (o->kind != EBPFNET_DEVICE_VETH && !ebpfnet_feature_supported(ctx, EBPFNET_FEATURE_NETKIT))
		return why_not(NULL, NULL, o, -EOPNOTSUPP);
	r = inside_open(o->netns_fd, NULL, &in, o->diag);
	if (r < 0)
		return r;
	r = ebn_nl_open(&out, NETLINK_ROUTE);
	if (!r)
		r = create_pair(&out, &in, o, &info);
	ebn_nl_close(&in);
	ebn_nl_close(&out);
	if (!r && ret)
		ebn_copy_out(ret, size, &info, sizeof(info));
	return r;
}

int ebpfnet_device_delete(struct ebpfnet_ctx *ctx, const char *host)
{
	struct ebn_link_info link;
	struct ebn_nl nl = { 0 };
	int r;

	if (!ctx || !name_ok(host))
		return -EINVAL;
	r = ebn_nl_open(&nl, NETLINK_ROUTE);
	if (!r)
		r = ebn_nl_link(&nl, host, 0, &link);
	if (!r)
		r = ebn_nl_link_delete(&nl, link.ifindex);
	ebn_nl_close(&nl);
	return r;
}

/* Both sides of a pair: the inside's peer is that device of ours whose peer the inside is. */
static int find_pair(struct ebn_nl *out, struct ebn_nl *in, const char *inside, struct ebpfnet_diag *diag,
		     struct ebn_link_info *ret_host, struct ebn_link_info *ret_inside)
{
	int r = find_link(in, inside, "in the namespace", diag, ret_inside);

	if (r < 0)
		return r;
	if (!ret_inside->peer || ebn_nl_link(out, NULL, ret_inside->peer, ret_host) < 0 ||
	    ret_host->peer != ret_inside->ifindex)
		return ebn_diag(diag, inside, ENODEV, "it has no other side on the host");
	return 0;
}

int ebpfnet_device_find(struct ebpfnet_ctx *ctx, int netns_fd, const char *inside, struct ebpfnet_device_info *ret,
			size_t size)
{
	struct ebn_link_info host, in_link;
	struct ebn_nl out = { 0 }, in = { 0 };
	struct ebpfnet_device_info info;
	int r;

	if (!ctx || netns_fd < 0 || !name_ok(inside) || !ret)
		return -EINVAL;
	r = inside_open(netns_fd, NULL, &in, NULL);
	if (r < 0)
		return r;
	r = ebn_nl_open(&out, NETLINK_ROUTE);
	if (!r)
		r = find_pair(&out, &in, inside, NULL, &host, &in_link);
	ebn_nl_close(&in);
	ebn_nl_close(&out);
	if (r < 0)
		return r;
	fill_info(&info, &host, &in_link);
	ebn_copy_out(ret, size, &info, sizeof(info));
	return 0;
}

/* ---- addresses and routes ---- */

/* An address as netlink wants it: the bytes of its family. */
struct bytes {
	uint8_t family, len;
	const uint8_t *b;
};

static struct bytes bytes_of(const struct ebpfnet_addr *addr)
{
	if (ebpfnet_addr_family(addr) == 4)
		return (struct bytes){ AF_INET, 4, addr->b + 12 };
	return (struct bytes){ AF_INET6, 16, addr->b };
}

/* A route to one address; or, with a gateway, the default route through it. */
static int add_route(struct ebn_nl *nl, uint32_t ifindex, const struct ebpfnet_addr *to, bool through,
		     struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct bytes a = bytes_of(to);

	rtm->rtm_family = a.family;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = through || a.family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rtm->rtm_dst_len = through ? 0 : (uint8_t)(a.len * 8);
	rtm->rtm_flags = through ? RTNH_F_ONLINK : 0;
	mnl_attr_put(nlh, through ? RTA_GATEWAY : RTA_DST, a.len, a.b);
	mnl_attr_put_u32(nlh, RTA_OIF, ifindex);
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the route cannot be set");
}

static bool config_ok(const struct ebpfnet_device_config *c)
{
	int addr4, addr6, gateway4, gateway6;

	if (!c || !EBN_OPTS_VALID(c, ebpfnet_device_config) || !EBN_OPTS_HAS(c, diag) || !name_ok(c->host) ||
	    !name_ok(c->inside) || c->netns_fd < 0 || c->flags & ~EBPFNET_DEVICE_NO_HOST_ROUTES)
		return false;
	addr4 = ebpfnet_addr_family(&c->addr4);
	addr6 = ebpfnet_addr_family(&c->addr6);
	gateway4 = ebpfnet_addr_family(&c->gateway4);
	gateway6 = ebpfnet_addr_family(&c->gateway6);
	return (addr4 || addr6) && addr4 != 6 && addr6 != 4 && (!gateway4 || (gateway4 == 4 && addr4)) &&
	       (!gateway6 || (gateway6 == 6 && addr6));
}

static int configure_inside(struct ebn_nl *in, const struct ebpfnet_device_config *c, uint8_t mac[6])
{
	const struct ebpfnet_addr *addr[2] = { &c->addr4, &c->addr6 }, *gateway[2] = { &c->gateway4, &c->gateway6 };
	struct ebn_link_info link;
	int f, r = find_link(in, c->inside, "in the namespace", c->diag, &link);

	memcpy(mac, link.mac, sizeof(link.mac));
	for (f = 0; !r && f < 2; f++)
		if (ebpfnet_addr_family(addr[f]))
			r = ebn_nl_addr_add(in, link.ifindex, addr[f], c->diag);
	if (!r)
		r = link_up(in, link.ifindex, c->diag);
	for (f = 0; !r && f < 2; f++) {
		if (!ebpfnet_addr_family(gateway[f]))
			continue;
		r = add_route(in, link.ifindex, gateway[f], false, c->diag);
		if (!r)
			r = add_route(in, link.ifindex, gateway[f], true, c->diag);
	}
	return r;
}

/* The host need not ask for the inside's MAC address; and cannot, where its side has no link-local address. */
static int add_neighbour(struct ebn_nl *nl, uint32_t ifindex, const struct ebpfnet_addr *addr, const uint8_t mac[6],
			 struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	struct bytes a = bytes_of(addr);

	ndm->ndm_family = a.family;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_state = NUD_PERMANENT;
	mnl_attr_put(nlh, NDA_DST, a.len, a.b);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the neighbour cannot be set");
}

static int configure_host(struct ebn_nl *out, const uint8_t mac[6], const struct ebpfnet_device_config *c)
{
	const struct ebpfnet_addr *addr[2] = { &c->addr4, &c->addr6 };
	struct ebn_link_info link;
	int f, r = find_link(out, c->host, "on the host", c->diag, &link);

	if (!r)
		r = link_up(out, link.ifindex, c->diag);
	if (r < 0 || c->flags & EBPFNET_DEVICE_NO_HOST_ROUTES)
		return r;
	for (f = 0; !r && f < 2; f++) {
		if (!ebpfnet_addr_family(addr[f]))
			continue;
		r = add_route(out, link.ifindex, addr[f], false, c->diag);
		if (!r)
			r = add_neighbour(out, link.ifindex, addr[f], mac, c->diag);
	}
	return r;
}

int ebpfnet_device_configure(struct ebpfnet_ctx *ctx, const struct ebpfnet_device_config *c)
{
	struct ebn_nl out = { 0 }, in = { 0 };
	uint8_t mac[6] = { 0 };
	int r;

	if (!ctx || !config_ok(c))
		return -EINVAL;
	r = inside_open(c->netns_fd, ebpfnet_addr_family(&c->addr6) ? c->inside : NULL, &in, c->diag);
	if (r < 0)
		return r;
	r = configure_inside(&in, c, mac);
	ebn_nl_close(&in);
	if (!r)
		r = ebn_nl_open(&out, NETLINK_ROUTE);
	if (!r)
		r = configure_host(&out, mac, c);
	ebn_nl_close(&out);
	return r;
}

/* ---- looking ---- */

/* Looks through addresses or routes for one; found is set when it is there. */
struct looking {
	uint32_t ifindex;
	struct bytes what;
	bool found;
};

static int look_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct looking *l = arg;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != l->ifindex || ifa->ifa_family != l->what.family)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa))
		if (mnl_attr_get_type(attr) == (l->what.family == AF_INET ? IFA_LOCAL : IFA_ADDRESS) &&
		    mnl_attr_get_payload_len(attr) == l->what.len &&
		    !memcmp(mnl_attr_get_payload(attr), l->what.b, l->what.len))
			l->found = true;
	return 0;
}

static int look_default(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	bool device = false, gateway = false;
	struct looking *l = arg;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != l->what.family || rtm->rtm_dst_len ||
	    rtm->rtm_table != RT_TABLE_MAIN)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTA_OIF && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			device = mnl_attr_get_u32(attr) == l->ifindex;
		if (type == RTA_GATEWAY && mnl_attr_get_payload_len(attr) == l->what.len)
			gateway = !memcmp(mnl_attr_get_payload(attr), l->what.b, l->what.len);
	}
	l->found |= device && gateway;
	return 0;
}

static int look(struct ebn_nl *nl, bool route, uint32_t ifindex, const struct ebpfnet_addr *what)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, route ? RTM_GETROUTE : RTM_GETADDR, NLM_F_DUMP);
	struct looking l = { .ifindex = ifindex, .what = bytes_of(what) };
	int r;

	if (!ebpfnet_addr_family(what))
		return 0;
	if (route)
		((struct rtmsg *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg)))->rtm_family = l.what.family;
	else
		((struct ifaddrmsg *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg)))->ifa_family =
			l.what.family;
	r = ebn_nl_talk(nl, nlh, route ? look_default : look_address, &l, NULL, "look");
	if (r < 0 || l.found)
		return r;
	return route ? -ENETUNREACH : -EADDRNOTAVAIL;
}

static int check_inside(struct ebn_nl *out, struct ebn_nl *in, const struct ebpfnet_device_config *c)
{
	const struct ebpfnet_addr *addr[2] = { &c->addr4, &c->addr6 }, *gateway[2] = { &c->gateway4, &c->gateway6 };
	struct ebn_link_info host, inside;
	char text[EBPFNET_ADDR_STRLEN];
	int f, r = find_pair(out, in, c->inside, c->diag, &host, &inside);

	if (r < 0)
		return r;
	if (strcmp(host.name, c->host) != 0)
		return ebn_diag(c->diag, c->inside, ENODEV, "its other side is %s, not %s", host.name, c->host);
	if (!(inside.flags & IFF_UP))
		return ebn_diag(c->diag, c->inside, ENETDOWN, "it is down");
	for (f = 0; f < 2; f++) {
		r = look(in, false, inside.ifindex, addr[f]);
		if (r < 0) {
			ebpfnet_addr_format(addr[f], text, sizeof(text));
			return ebn_diag(c->diag, c->inside, r, "the address %s is missing", text);
		}
		r = look(in, true, inside.ifindex, gateway[f]);
		if (r < 0) {
			ebpfnet_addr_format(gateway[f], text, sizeof(text));
			return ebn_diag(c->diag, c->inside, r, "the default route by %s is missing", text);
		}
	}
	return 0;
}

int ebpfnet_device_check(struct ebpfnet_ctx *ctx, const struct ebpfnet_device_config *c)
{
	struct ebn_nl out = { 0 }, in = { 0 };
	int r;

	if (!ctx || !config_ok(c))
		return -EINVAL;
	r = inside_open(c->netns_fd, NULL, &in, c->diag);
	if (r < 0)
		return r;
	r = ebn_nl_open(&out, NETLINK_ROUTE);
	if (!r)
		r = check_inside(&out, &in, c);
	ebn_nl_close(&in);
	ebn_nl_close(&out);
	return r;
}
