/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Devices in the words of rtnetlink. */
#include "datapath/links.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <ebpfnet/node.h>

/* linux/if_link.h of the oldest build environment does not know them; the numbers are the kernel's ABI. */
enum {
	NETKIT_PEER_INFO = 1,
	NETKIT_PRIMARY,
	NETKIT_POLICY,		/* of what the host sends, when no program of netkit's own decides */
	NETKIT_PEER_POLICY,	/* of what the inside sends */
	NETKIT_MODE,
};
#define NETKIT_PASS 0u
#define NETKIT_DROP 2u
#define NETKIT_L2 0u
#define NETKIT_L3 1u

struct tunnel {
	const char *kind;
	uint16_t port;
	uint16_t attr_port;	/* within IFLA_INFO_DATA */
};

static const struct tunnel tunnels[] = {
	/* what Linux took for VXLAN before 4789 was assigned, and others in its place still do */
	[EBPFNET_OVERLAY_VXLAN] = { "vxlan", 8472, IFLA_VXLAN_PORT },
	[EBPFNET_OVERLAY_GENEVE] = { "geneve", 6081, IFLA_GENEVE_PORT },
};

const char *ebn_tunnel_kind(uint16_t protocol)
{
	return protocol < EBN_ARRAY_SIZE(tunnels) ? tunnels[protocol].kind : NULL;
}

uint16_t ebn_tunnel_port(uint16_t protocol)
{
	return protocol < EBN_ARRAY_SIZE(tunnels) ? tunnels[protocol].port : 0;
}

void ebn_tunnel_put(struct nlmsghdr *nlh, uint16_t protocol, uint16_t port)
{
	const struct tunnel *t = &tunnels[protocol];
	struct nlattr *info, *data;

	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, t->kind);
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	if (protocol == EBPFNET_OVERLAY_GENEVE) {
		/* a flag: that it is there counts */
		mnl_attr_put(nlh, IFLA_GENEVE_COLLECT_METADATA, 0, NULL);
	} else {
		mnl_attr_put_u8(nlh, IFLA_VXLAN_COLLECT_METADATA, 1);
		mnl_attr_put_u8(nlh, IFLA_VXLAN_LEARNING, 0);
	}
	mnl_attr_put_u16(nlh, t->attr_port, htons(port));
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
}

static const struct nlattr *find_attr(const struct nlattr *in, uint16_t type)
{
	const struct nlattr *attr;

	if (in)
		mnl_attr_for_each_nested(attr, in)
			if (mnl_attr_get_type(attr) == type)
				return attr;
	return NULL;
}

void ebn_tunnel_read(const struct nlmsghdr *nlh, struct ebn_tunnel_info *ret)
{
	const struct nlattr *attr, *info = NULL, *kind, *port;
	uint16_t i;

	memset(ret, 0, sizeof(*ret));
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			info = attr;
		if (mnl_attr_get_type(attr) == IFLA_IFALIAS && mnl_attr_validate(attr, MNL_TYPE_STRING) >= 0)
			ebn_format(ret->alias, sizeof(ret->alias), "%.*s", (int)mnl_attr_get_payload_len(attr),
				   mnl_attr_get_str(attr));
	}
	kind = find_attr(info, IFLA_INFO_KIND);
	if (!kind || mnl_attr_validate(kind, MNL_TYPE_NUL_STRING) < 0)
		return;
	for (i = 0; i < EBN_ARRAY_SIZE(tunnels) && !ret->known; i++) {
		if (strcmp(mnl_attr_get_str(kind), tunnels[i].kind) != 0)
			continue;
		ret->known = true;
		ret->protocol = i;
		port = find_attr(find_attr(info, IFLA_INFO_DATA), tunnels[i].attr_port);
		if (port && mnl_attr_validate(port, MNL_TYPE_U16) >= 0)
			ret->port = ntohs(mnl_attr_get_u16(port));
	}
}

/* ---- netkit ---- */

static void put_ways(struct nlmsghdr *nlh, uint8_t shut)
{
	mnl_attr_put_u32(nlh, NETKIT_POLICY, shut & EBN_NETKIT_TO ? NETKIT_DROP : NETKIT_PASS);
	mnl_attr_put_u32(nlh, NETKIT_PEER_POLICY, shut & EBN_NETKIT_FROM ? NETKIT_DROP : NETKIT_PASS);
}

struct nlattr *ebn_netkit_begin(struct nlmsghdr *nlh, bool l3, struct nlattr **ret_data, struct nlattr **ret_peer)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "netkit");
	*ret_data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, NETKIT_MODE, l3 ? NETKIT_L3 : NETKIT_L2);
	put_ways(nlh, EBN_NETKIT_TO | EBN_NETKIT_FROM);
	*ret_peer = mnl_attr_nest_start(nlh, NETKIT_PEER_INFO);
	(void)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	return info;
}

void ebn_netkit_end(struct nlmsghdr *nlh, struct nlattr *info, struct nlattr *data, struct nlattr *peer)
{
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
}

void ebn_netkit_put_ways(struct nlmsghdr *nlh, uint8_t shut)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO), *data;

	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "netkit");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	put_ways(nlh, shut);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
}

static uint32_t number_of(const struct nlattr *data, uint16_t type, uint32_t without)
{
	const struct nlattr *attr = find_attr(data, type);

	if (!attr)
		return without;
	/* the kernel says this one in a byte */
	if (type == NETKIT_PRIMARY)
		return mnl_attr_validate(attr, MNL_TYPE_U8) >= 0 ? mnl_attr_get_u8(attr) : without;
	return mnl_attr_validate(attr, MNL_TYPE_U32) >= 0 ? mnl_attr_get_u32(attr) : without;
}

void ebn_netkit_read(const struct nlattr *linkinfo, struct ebn_link_info *ret)
{
	const struct nlattr *kind = find_attr(linkinfo, IFLA_INFO_KIND), *data = find_attr(linkinfo, IFLA_INFO_DATA);

	ret->netkit = kind && mnl_attr_validate(kind, MNL_TYPE_NUL_STRING) >= 0 &&
		      !strcmp(mnl_attr_get_str(kind), "netkit");
	if (!ret->netkit)
		return;
	ret->netkit_primary = number_of(data, NETKIT_PRIMARY, 0) == 1;
	ret->netkit_l3 = number_of(data, NETKIT_MODE, NETKIT_L2) == NETKIT_L3;
	ret->netkit_shut = (number_of(data, NETKIT_POLICY, NETKIT_PASS) == NETKIT_DROP ? EBN_NETKIT_TO : 0) |
			   (number_of(data, NETKIT_PEER_POLICY, NETKIT_PASS) == NETKIT_DROP ? EBN_NETKIT_FROM : 0);
}
