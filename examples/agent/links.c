// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Hears from the kernel of devices and addresses that come and go, and of queueing disciplines. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"

static void on_qdisc(struct agent *a, const struct nlmsghdr *nh)
{
	const struct tcmsg *tcm = NLMSG_DATA(nh);
	char name[IF_NAMESIZE];

	if (nh->nlmsg_len >= NLMSG_LENGTH(sizeof(*tcm)) && if_indextoname((unsigned int)tcm->tcm_ifindex, name))
		agent_qdisc_changed(a, name);
}

static void on_addresses(struct agent *a)
{
	agent_host_addresses(a);
	agent_source_apply(a);
}

static void on_message(struct agent *a, const struct nlmsghdr *nh)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(nh);
	const struct rtattr *attr;
	int len;

	if (nh->nlmsg_type == RTM_NEWADDR || nh->nlmsg_type == RTM_DELADDR)
		on_addresses(a);
	if (nh->nlmsg_type == RTM_NEWQDISC || nh->nlmsg_type == RTM_DELQDISC)
		on_qdisc(a, nh);
	if ((nh->nlmsg_type != RTM_NEWLINK && nh->nlmsg_type != RTM_DELLINK) ||
	    nh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
		return;
	len = (int)(nh->nlmsg_len - NLMSG_LENGTH(sizeof(*ifi)));
	for (attr = IFLA_RTA(ifi); RTA_OK(attr, len); attr = RTA_NEXT(attr, len)) {
		char name[IF_NAMESIZE] = "";
		size_t size = RTA_PAYLOAD(attr);

		if (attr->rta_type != IFLA_IFNAME || !size || size > sizeof(name))
			continue;
		memcpy(name, RTA_DATA(attr), size);
		name[sizeof(name) - 1] = '\0';
		agent_link_changed(a, name, nh->nlmsg_type == RTM_NEWLINK ? (uint32_t)ifi->ifi_index : 0);
		if (a->conf && conf_find_device(a->conf, name))
			agent_source_apply(a);
	}
}

static void on_links(struct agent *a, struct source *s, uint32_t events)
{
	_Alignas(struct nlmsghdr) char buf[16384];
	ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
	const struct nlmsghdr *nh;
	unsigned int left;

	(void)events;
	if (n < 0) {
		/* Some were lost: look at all. */
		if (errno == ENOBUFS) {
			agent_link_changed(a, NULL, 0);
			on_addresses(a);
			agent_qdisc_changed(a, NULL);
		}
		return;
	}
	left = (unsigned int)n;
	for (nh = (const struct nlmsghdr *)buf; NLMSG_OK(nh, left); nh = NLMSG_NEXT(nh, left))
		on_message(a, nh);
}

int agent_links_open(struct agent *a)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_TC | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int err;

	a->links.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (a->links.fd < 0)
		return -errno;
	a->links.ready = on_links;
	err = bind(a->links.fd, (struct sockaddr *)&nl, sizeof(nl)) < 0 ? -errno :
	      agent_watch(a, &a->links, EPOLLIN);
	if (err < 0) {
		close(a->links.fd);
		a->links.fd = -1;
	}
	return err;
}
