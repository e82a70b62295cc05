/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The part of rtnetlink the datapath needs: devices, clsact qdiscs, bpf filters. */
#include "datapath/links.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <libmnl/libmnl.h>

/* IN6_ADDR_GEN_MODE_NONE */
#define NO_ADDRESS 1
#define EBN_NL_BUF 32768

int ebn_nl_open(struct ebn_nl *nl, int protocol)
{
	int one = 1, r;

	nl->sock = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		ebn_nl_close(nl);
		return r;
	}
	/* words beside the error code, and acks that do not repeat the request; both are optional */
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &one, sizeof(one));
	(void)mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &one, sizeof(one));
	nl->portid = mnl_socket_get_portid(nl->sock);
	nl->seq = 0;
	return 0;
}

void ebn_nl_close(struct ebn_nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

struct nlmsghdr *ebn_nl_request(struct ebn_nl *nl, char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++nl->seq;
	return nlh;
}

/* The kernel's words about a refusal, "" when it had none. */
static const char *ebn_nl_words(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	size_t off = sizeof(*err);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		off += err->msg.nlmsg_len - sizeof(struct nlmsghdr);
	mnl_attr_for_each(attr, nlh, (unsigned int)off)
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	return "";
}

int ebn_nl_talk(struct ebn_nl *nl, struct nlmsghdr *req, ebn_nl_fn cb, void *arg, struct ebpfnet_diag *diag,
		const char *what)
{
	char buf[EBN_NL_BUF] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint32_t seq = req->nlmsg_seq;
	const struct nlmsghdr *nlh;
	int r, e = 0, len;
	ssize_t n;

	if (mnl_socket_sendto(nl->sock, req, req->nlmsg_len) < 0)
		return ebn_diag(diag, NULL, errno, "%s: cannot ask the kernel", what);
	for (;;) {
		n = mnl_socket_recvfrom(nl->sock, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ebn_diag(diag, NULL, errno, "%s: no answer from the kernel", what);
		len = (int)n;
		for (nlh = (void *)buf; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_DONE)
				return e;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
				const char *words = ebn_nl_words(nlh);

				if (!err->error)
					return e;
				return ebn_diag(diag, NULL, err->error, "%s%s%s", what,
						*words ? ": " : "", words);
			}
			r = cb && !e ? cb(nlh, arg) : 0;
			if (r < 0)
				e = r;
			if (!(nlh->nlmsg_flags & NLM_F_MULTI) && !(req->nlmsg_flags & NLM_F_ACK))
				return e;
		}
	}
}

/* ---- devices ---- */

static int ebn_nl_link_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(nlh);
	struct ebn_link_info *info = arg;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	info->ifindex = (uint32_t)ifm->ifi_index;
	info->flags = ifm->ifi_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifm)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
				ebn_format(info->name, sizeof(info->name), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_ADDRESS:
			info->has_mac = mnl_attr_get_payload_len(attr) == sizeof(info->mac);
			if (info->has_mac)
				memcpy(info->mac, mnl_attr_get_payload(attr), sizeof(info->mac));
			break;
		case IFLA_MTU:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				info->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				info->peer = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				info->peer_netns = (int32_t)mnl_attr_get_u32(attr);
			break;
		case IFLA_LINKINFO:
			ebn_netkit_read(attr, info);
			break;
		}
	}
	return 0;
}

static int ebn_nl_link_in(struct ebn_nl *nl, const char *name, uint32_t ifindex, int32_t netns,
			  struct ebn_link_info *ret)
{
	char buf[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct ebn_link_info info = { .peer_netns = -1 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_GETLINK, 0);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	int r;

	ifm->ifi_family = AF_UNSPEC;
	ifm->ifi_index = (int)ifindex;
	if (name) {
		if (!*name || strlen(name) >= sizeof(info.name))
			return -ENODEV;
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	}
	/* counters are most of the answer, and nobody reads them */
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (netns >= 0)
		mnl_attr_put_u32(nlh, IFLA_TARGET_NETNSID, (uint32_t)netns);
	r = ebn_nl_talk(nl, nlh, ebn_nl_link_cb, &info, NULL, "device");
	if (r < 0)
		return r;
	if (!info.ifindex)
		return -ENODEV;
	*ret = info;
	return 0;
}

int ebn_nl_link(struct ebn_nl *nl, const char *name, uint32_t ifindex, struct ebn_link_info *ret)
{
	return ebn_nl_link_in(nl, name, ifindex, -1, ret);
}

int ebn_nl_peer_mac(struct ebn_nl *nl, const struct ebn_link_info *link, uint8_t mac[6])
{
	struct ebn_link_info peer;
	int r;

	if (!link->peer)
		return -ENODEV;
	r = ebn_nl_link_in(nl, NULL, link->peer, link->peer_netns, &peer);
	if (r < 0)
		return r;
	if (!peer.has_mac)
		return -ENODEV;
	memcpy(mac, peer.mac, sizeof(peer.mac));
	return 0;
}

int ebn_nl_netkit_ways(struct ebn_nl *nl, uint32_t ifindex, uint8_t shut, struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	ifm->ifi_index = (int)ifindex;
	ebn_netkit_put_ways(nlh, shut);
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the netkit pair cannot be opened or shut");
}

/* ---- addresses ---- */

struct ebn_addr_walk {
	uint32_t ifindex;
	int family;
	struct ebpfnet_addr addr;
};

/* The address of a message about one, and its flags; false: it tells none. */
static bool ebn_nl_local(const struct nlmsghdr *nlh, struct ebpfnet_addr *ret, uint32_t *ret_flags)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *local = NULL;
	size_t len = ifa->ifa_family == AF_INET ? 4 : 16;

	*ret = (struct ebpfnet_addr){ .b = { [10] = 0xff, [11] = 0xff } };
	*ret_flags = ifa->ifa_flags;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		/* on a link between two only IFA_LOCAL is our own */
		if (mnl_attr_get_type(attr) == IFA_LOCAL || (mnl_attr_get_type(attr) == IFA_ADDRESS && !local))
			local = attr;
		if (mnl_attr_get_type(attr) == IFA_FLAGS && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
			*ret_flags = mnl_attr_get_u32(attr);
	}
	if (!local || mnl_attr_get_payload_len(local) != len)
		return false;
	memcpy(ret->b + 16 - len, mnl_attr_get_payload(local), len);
	return true;
}

static int ebn_nl_addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct ebn_addr_walk *w = arg;
	struct ebpfnet_addr addr;
	uint32_t flags;

	if (nlh->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != w->ifindex || ifa->ifa_family != w->family ||
	    ifa->ifa_scope != RT_SCOPE_UNIVERSE || ebpfnet_addr_family(&w->addr))
		return 0;
	if (ebn_nl_local(nlh, &addr, &flags) &&
	    !(flags & (IFA_F_SECONDARY | IFA_F_TENTATIVE | IFA_F_DEPRECATED | IFA_F_DADFAILED)))
		w->addr = addr;
	return 0;
}

int ebn_nl_addr(struct ebn_nl *nl, uint32_t ifindex, int family, struct ebpfnet_addr *ret)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	struct ebn_addr_walk w = { .ifindex = ifindex, .family = family };
	int r;

	ifa->ifa_family = (uint8_t)family;
	r = ebn_nl_talk(nl, nlh, ebn_nl_addr_cb, &w, NULL, "addresses");
	if (r < 0)
		return r;
	if (!ebpfnet_addr_family(&w.addr))
		return -EADDRNOTAVAIL;
	*ret = w.addr;
	return 0;
}

struct ebn_addrs_walk {
	ebn_nl_addr_fn fn;
	void *arg;
};

static int ebn_nl_addrs_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct ebn_addrs_walk *w = arg;
	struct ebpfnet_addr addr;
	uint32_t flags;

	if (nlh->nlmsg_type != RTM_NEWADDR || (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6) ||
	    !ebn_nl_local(nlh, &addr, &flags))
		return 0;
	return w->fn(&addr, ifa->ifa_index, ifa->ifa_scope, w->arg);
}

int ebn_nl_addrs(struct ebn_nl *nl, ebn_nl_addr_fn fn, void *arg)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	struct ebn_addrs_walk w = { fn, arg };

	ifa->ifa_family = AF_UNSPEC;
	return ebn_nl_talk(nl, nlh, ebn_nl_addrs_cb, &w, NULL, "addresses");
}

int ebn_nl_link_delete(struct ebn_nl *nl, uint32_t ifindex)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_DELLINK, NLM_F_ACK);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));

	ifm->ifi_index = (int)ifindex;
	return ebn_nl_talk(nl, nlh, NULL, NULL, NULL, "the device cannot be removed");
}

/* Where the host has no IPv6 there is none anyway. */
void ebn_nl_no_address(struct ebn_nl *nl, uint32_t ifindex)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	struct nlattr *spec, *inet6;

	ifm->ifi_index = (int)ifindex;
	spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	inet6 = mnl_attr_nest_start(nlh, AF_INET6);
	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, NO_ADDRESS);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	(void)ebn_nl_talk(nl, nlh, NULL, NULL, NULL, "address mode");
}

int ebn_nl_addr_add(struct ebn_nl *nl, uint32_t ifindex, const struct ebpfnet_addr *addr, struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	bool four = ebpfnet_addr_family(addr) == 4;
	uint8_t len = four ? 4 : 16;

	ifa->ifa_family = four ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = (uint8_t)(len * 8);
	ifa->ifa_flags = IFA_F_PERMANENT | (four ? 0 : IFA_F_NODAD);
	ifa->ifa_index = ifindex;
	mnl_attr_put(nlh, IFA_LOCAL, len, addr->b + (four ? 12 : 0));
	mnl_attr_put(nlh, IFA_ADDRESS, len, addr->b + (four ? 12 : 0));
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "the address cannot be set");
}

/* ---- clsact ---- */

static struct nlmsghdr *ebn_nl_qdisc(struct ebn_nl *nl, char *buf, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, type, flags | NLM_F_ACK);
	struct tcmsg *tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));

	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = (int)ifindex;
	tcm->tcm_parent = TC_H_CLSACT;
	tcm->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	mnl_attr_put_strz(nlh, TCA_KIND, "clsact");
	return nlh;
}

int ebn_nl_clsact_add(struct ebn_nl *nl, uint32_t ifindex, struct ebpfnet_diag *diag)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_qdisc(nl, buf, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, ifindex);
	int r;

	/* somebody's is there already: as good, and not ours to remove */
	r = ebn_nl_talk(nl, nlh, NULL, NULL, NULL, "clsact");
	if (r == -EEXIST)
		return 0;
	if (r < 0)
		return ebn_diag(diag, NULL, r, "cannot make the clsact qdisc");
	return 1;
}

int ebn_nl_clsact_del(struct ebn_nl *nl, uint32_t ifindex)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };

	return ebn_nl_talk(nl, ebn_nl_qdisc(nl, buf, RTM_DELQDISC, 0, ifindex), NULL, NULL, NULL, "clsact");
}

/* ---- filters ---- */

static uint32_t ebn_nl_parent(enum ebn_hook hook)
{
	return TC_H_MAKE(TC_H_CLSACT, hook == EBN_HOOK_IN ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static struct nlmsghdr *ebn_nl_filter(struct ebn_nl *nl, char *buf, uint16_t type, uint16_t flags,
				      const struct ebn_filter *f)
{
	struct nlmsghdr *nlh = ebn_nl_request(nl, buf, type, flags);
	struct tcmsg *tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));

	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = (int)f->ifindex;
	tcm->tcm_parent = ebn_nl_parent(f->hook);
	tcm->tcm_handle = f->handle;
	if (f->prio)
		tcm->tcm_info = TC_H_MAKE((uint32_t)f->prio << 16, htons(ETH_P_ALL));
	return nlh;
}

int ebn_nl_filter_set(struct ebn_nl *nl, const struct ebn_filter *f, bool replace, struct ebpfnet_diag *diag)
{
	char buf[512] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh;
	struct nlattr *opts;

	nlh = ebn_nl_filter(nl, buf, RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | (replace ? 0 : NLM_F_EXCL), f);
	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	opts = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u32(nlh, TCA_BPF_FD, (uint32_t)f->prog_fd);
	mnl_attr_put_strz(nlh, TCA_BPF_NAME, f->name);
	mnl_attr_put_u32(nlh, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(nlh, opts);
	return ebn_nl_talk(nl, nlh, NULL, NULL, diag, "cannot attach a clsact filter");
}

int ebn_nl_filter_del(struct ebn_nl *nl, const struct ebn_filter *f)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *nlh = ebn_nl_filter(nl, buf, RTM_DELTFILTER, NLM_F_ACK, f);

	mnl_attr_put_strz(nlh, TCA_KIND, "bpf");
	return ebn_nl_talk(nl, nlh, NULL, NULL, NULL, "filter");
}

struct ebn_filter_walk {
	ebn_filter_fn fn;
	void *arg;
	struct ebn_filter f;
};

static int ebn_nl_filter_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *sub;
	struct ebn_filter_walk *w = arg;
	struct ebn_filter f = w->f;
	const char *kind = "";

	if (nlh->nlmsg_type != RTM_NEWTFILTER)
		return 0;
	f.handle = tcm->tcm_handle;
	f.prio = (uint16_t)(tcm->tcm_info >> 16);
	mnl_attr_for_each(attr, nlh, sizeof(*tcm)) {
		if (mnl_attr_get_type(attr) == TCA_KIND && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			kind = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) != TCA_OPTIONS || strcmp(kind, "bpf"))
			continue;
		mnl_attr_for_each_nested(sub, attr)
			if (mnl_attr_get_type(sub) == TCA_BPF_ID && mnl_attr_validate(sub, MNL_TYPE_U32) >= 0)
				f.prog_id = mnl_attr_get_u32(sub);
			else if (mnl_attr_get_type(sub) == TCA_BPF_NAME &&
				 mnl_attr_validate(sub, MNL_TYPE_NUL_STRING) >= 0)
				f.name = mnl_attr_get_str(sub);
	}
	/* a chain's or a priority's head comes without a handle: it is no filter */
	return f.handle || strcmp(kind, "bpf") ? w->fn(&f, kind, w->arg) : 0;
}

int ebn_nl_filters(struct ebn_nl *nl, uint32_t ifindex, enum ebn_hook hook, ebn_filter_fn fn, void *arg)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct ebn_filter_walk w = { fn, arg, { .ifindex = ifindex, .hook = hook } };
	struct nlmsghdr *nlh = ebn_nl_filter(nl, buf, RTM_GETTFILTER, NLM_F_DUMP, &w.f);
	int r;

	r = ebn_nl_talk(nl, nlh, ebn_nl_filter_cb, &w, NULL, "filters");
	/* no qdisc, no filters */
	return r == -EINVAL || r == -ENOENT ? 0 : r;
}
