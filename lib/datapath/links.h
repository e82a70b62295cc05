/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* Devices in the words of rtnetlink: what is put into requests and read out of answers. No sockets here. */
#ifndef EBN_DATAPATH_LINKS_H
#define EBN_DATAPATH_LINKS_H

#include "datapath/private.h"

#include <linux/netlink.h>

/* What an overlay's device says of itself. */
struct ebn_tunnel_info {
	bool known;		/* of a kind that an overlay is made of */
	uint16_t protocol;	/* enum ebpfnet_overlay_protocol */
	uint16_t port;		/* 0: it did not say */
	char alias[64];
};

/* The kind of device, "vxlan"; NULL: no such protocol. */
const char *ebn_tunnel_kind(uint16_t protocol);
/* The port that is assigned to it. */
uint16_t ebn_tunnel_port(uint16_t protocol);
/* What kind and settings a request for a tunnel's device has, which takes where to from each packet. Room: 128 bytes. */
void ebn_tunnel_put(struct nlmsghdr *nlh, uint16_t protocol, uint16_t port);
/*
 * What a request for a netkit pair has beside the host's side: both ways shut. Between begin and end are the inside's
 * attributes. Room: 128 bytes beside these.
 */
struct nlattr *ebn_netkit_begin(struct nlmsghdr *nlh, bool l3, struct nlattr **ret_data, struct nlattr **ret_peer);
void ebn_netkit_end(struct nlmsghdr *nlh, struct nlattr *info, struct nlattr *data, struct nlattr *peer);
/* What a request has that shuts these ways of a pair and opens the others. */
void ebn_netkit_put_ways(struct nlmsghdr *nlh, uint8_t shut);
/* IFLA_LINKINFO of an answer; of other kinds nothing is said. */
void ebn_netkit_read(const struct nlattr *linkinfo, struct ebn_link_info *ret);

void ebn_tunnel_read(const struct nlmsghdr *nlh, struct ebn_tunnel_info *ret);

#endif
