// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Requests for devices, attribute by attribute, and answers as the kernel gives them; whole, cut, and of the wrong length. */
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <libmnl/libmnl.h>
#include <ebpfnet/node.h>

#include "datapath/links.h"
#include "suite.h"

static char buf[1024] __attribute__((aligned(NLMSG_ALIGNTO)));

static struct nlmsghdr *message(void)
{
	struct nlmsghdr *nlh;

	memset(buf, 0x5a, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWLINK;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	return nlh;
}

/* The attribute within IFLA_LINKINFO or, with data, within its IFLA_INFO_DATA. */
static const struct nlattr *find(const struct nlmsghdr *nlh, bool data, uint16_t type)
{
	const struct nlattr *info = NULL, *in = NULL, *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			info = attr;
	ck_assert_ptr_nonnull(info);
	mnl_attr_for_each_nested(attr, info) {
		if (!data && mnl_attr_get_type(attr) == type)
			return attr;
		if (mnl_attr_get_type(attr) == IFLA_INFO_DATA)
			in = attr;
	}
	if (data && in)
		mnl_attr_for_each_nested(attr, in)
			if (mnl_attr_get_type(attr) == type)
				return attr;
	return NULL;
}

START_TEST(a_geneve_request_says_what_the_kernel_needs)
{
	struct nlmsghdr *nlh = message();
	const struct nlattr *attr;

	ebn_tunnel_put(nlh, EBPFNET_OVERLAY_GENEVE, 6081);
	ck_assert_str_eq(mnl_attr_get_str(find(nlh, false, IFLA_INFO_KIND)), "geneve");
	/* numbers that are the kernel's */
	attr = find(nlh, true, 6);
	ck_assert_ptr_nonnull(attr);
	ck_assert_uint_eq(mnl_attr_get_payload_len(attr), 0);
	attr = find(nlh, true, 5);
	ck_assert_ptr_nonnull(attr);
	ck_assert_uint_eq(mnl_attr_get_payload_len(attr), 2);
	ck_assert_int_eq(memcmp(mnl_attr_get_payload(attr), "\x17\xc1", 2), 0);
	/* neither a number nor an end of its own: the kernel refuses them beside metadata */
	ck_assert_ptr_null(find(nlh, true, 1));
	ck_assert_ptr_null(find(nlh, true, 2));
	ck_assert_ptr_null(find(nlh, true, 7));
	test_defined(nlh, nlh->nlmsg_len);
}
END_TEST

START_TEST(a_vxlan_request_learns_nothing)
{
	struct nlmsghdr *nlh = message();

	ebn_tunnel_put(nlh, EBPFNET_OVERLAY_VXLAN, 8472);
	ck_assert_str_eq(mnl_attr_get_str(find(nlh, false, IFLA_INFO_KIND)), "vxlan");
	ck_assert_uint_eq(mnl_attr_get_u8(find(nlh, true, IFLA_VXLAN_COLLECT_METADATA)), 1);
	ck_assert_uint_eq(mnl_attr_get_u8(find(nlh, true, IFLA_VXLAN_LEARNING)), 0);
	ck_assert_uint_eq(mnl_attr_get_u16(find(nlh, true, IFLA_VXLAN_PORT)), htons(8472));
	test_defined(nlh, nlh->nlmsg_len);
}
END_TEST

START_TEST(protocols_have_kinds_and_ports)
{
	ck_assert_str_eq(ebn_tunnel_kind(EBPFNET_OVERLAY_VXLAN), "vxlan");
	ck_assert_str_eq(ebn_tunnel_kind(EBPFNET_OVERLAY_GENEVE), "geneve");
	ck_assert_ptr_null(ebn_tunnel_kind(2));
	ck_assert_ptr_null(ebn_tunnel_kind(65535));
	ck_assert_uint_eq(ebn_tunnel_port(EBPFNET_OVERLAY_VXLAN), 8472);
	ck_assert_uint_eq(ebn_tunnel_port(EBPFNET_OVERLAY_GENEVE), 6081);
}
END_TEST

START_TEST(what_was_asked_for_is_read_again)
{
	struct ebn_tunnel_info is;
	struct nlmsghdr *nlh;
	uint16_t p;

	for (p = 0; ebn_tunnel_kind(p); p++) {
		nlh = message();
		mnl_attr_put_strz(nlh, IFLA_IFALIAS, "ebpfnet overlay 1");
		ebn_tunnel_put(nlh, p, (uint16_t)(4000 + p));
		ebn_tunnel_read(nlh, &is);
		ck_assert(is.known);
		ck_assert_uint_eq(is.protocol, p);
		ck_assert_uint_eq(is.port, 4000 + p);
		ck_assert_str_eq(is.alias, "ebpfnet overlay 1");
	}
	ck_assert_uint_eq(p, 2);
}
END_TEST

START_TEST(other_devices_are_not_known)
{
	struct ebn_tunnel_info is;
	struct nlmsghdr *nlh = message();
	struct nlattr *info;

	ebn_tunnel_read(nlh, &is);
	ck_assert(!is.known);
	ck_assert_str_eq(is.alias, "");
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "geneve6");
	mnl_attr_nest_end(nlh, info);
	ebn_tunnel_read(nlh, &is);
	ck_assert(!is.known);
	/* not ended by a zero, and one that is longer than there is room */
	nlh = message();
	memset(buf + 512, 'a', 200);
	mnl_attr_put(nlh, IFLA_IFALIAS, 200, buf + 512);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put(nlh, IFLA_INFO_KIND, 6, "geneve");
	mnl_attr_nest_end(nlh, info);
	ebn_tunnel_read(nlh, &is);
	ck_assert(!is.known);
	ck_assert_uint_lt(strlen(is.alias), sizeof(is.alias));
}
END_TEST

START_TEST(a_port_of_the_wrong_length_is_none)
{
	struct nlmsghdr *nlh = message();
	struct nlattr *info, *data;
	struct ebn_tunnel_info is;

	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "geneve");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_GENEVE_PORT, 6081);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	ebn_tunnel_read(nlh, &is);
	ck_assert(is.known);
	ck_assert_uint_eq(is.protocol, EBPFNET_OVERLAY_GENEVE);
	ck_assert_uint_eq(is.port, 0);
}
END_TEST

static uint32_t number(const struct nlattr *attr)
{
	ck_assert_ptr_nonnull(attr);
	ck_assert_uint_eq(mnl_attr_get_payload_len(attr), 4);
	return mnl_attr_get_u32(attr);
}

START_TEST(a_netkit_request_is_of_a_pair_that_is_shut)
{
	struct nlattr *info, *data, *peer;
	struct nlmsghdr *nlh;
	const struct nlattr *attr;
	int l3;

	for (l3 = 0; l3 < 2; l3++) {
		nlh = message();
		info = ebn_netkit_begin(nlh, l3, &data, &peer);
		mnl_attr_put_strz(nlh, IFLA_IFNAME, "eth0");
		ebn_netkit_end(nlh, info, data, peer);
		ck_assert_str_eq(mnl_attr_get_str(find(nlh, false, IFLA_INFO_KIND)), "netkit");
		/* the kernel's numbers: drop is 2, layer 3 is 1 */
		ck_assert_uint_eq(number(find(nlh, true, 3)), 2);
		ck_assert_uint_eq(number(find(nlh, true, 4)), 2);
		ck_assert_uint_eq(number(find(nlh, true, 5)), (uint32_t)l3);
		/* the inside: a header of its own, then attributes */
		attr = find(nlh, true, 1);
		ck_assert_ptr_nonnull(attr);
		attr = (const void *)((const char *)mnl_attr_get_payload(attr) + MNL_ALIGN(sizeof(struct ifinfomsg)));
		ck_assert_uint_eq(mnl_attr_get_type(attr), IFLA_IFNAME);
		ck_assert_str_eq(mnl_attr_get_str(attr), "eth0");
		test_defined(nlh, nlh->nlmsg_len);
	}
}
END_TEST

static const struct nlattr *linkinfo(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			return attr;
	return NULL;
}

START_TEST(ways_are_read_as_they_were_set)
{
	struct ebn_link_info is;
	struct nlmsghdr *nlh;
	uint8_t shut;

	for (shut = 0; shut < 4; shut++) {
		nlh = message();
		ebn_netkit_put_ways(nlh, shut);
		/* what may not be changed is not spoken of */
		ck_assert_ptr_null(find(nlh, true, 1));
		ck_assert_ptr_null(find(nlh, true, 5));
		memset(&is, 0xff, sizeof(is));
		ebn_netkit_read(linkinfo(nlh), &is);
		ck_assert(is.netkit);
		ck_assert(!is.netkit_primary);
		ck_assert(!is.netkit_l3);
		ck_assert_uint_eq(is.netkit_shut, shut);
		test_defined(nlh, nlh->nlmsg_len);
	}
}
END_TEST

START_TEST(an_answer_tells_the_primary_side)
{
	struct nlmsghdr *nlh = message();
	struct nlattr *info, *data;
	struct ebn_link_info is = { 0 };

	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "netkit");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u8(nlh, 2, 1);
	mnl_attr_put_u32(nlh, 5, 1);
	mnl_attr_put_u32(nlh, 3, 0);
	mnl_attr_put_u32(nlh, 4, 2);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	ebn_netkit_read(linkinfo(nlh), &is);
	ck_assert(is.netkit && is.netkit_primary && is.netkit_l3);
	ck_assert_uint_eq(is.netkit_shut, EBN_NETKIT_FROM);
	/* another kind with numbers like these, a number of another length, and nothing at all */
	nlh = message();
	ebn_tunnel_put(nlh, EBPFNET_OVERLAY_GENEVE, 1);
	ebn_netkit_read(linkinfo(nlh), &is);
	ck_assert(!is.netkit);
	nlh = message();
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "netkit");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u8(nlh, 4, 2);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	is = (struct ebn_link_info){ 0 };
	ebn_netkit_read(linkinfo(nlh), &is);
	ck_assert(is.netkit);
	ck_assert_uint_eq(is.netkit_shut, 0);
	is = (struct ebn_link_info){ 0 };
	ebn_netkit_read(NULL, &is);
	ck_assert(!is.netkit);
}
END_TEST

RUN_SUITE("links", a_geneve_request_says_what_the_kernel_needs, a_vxlan_request_learns_nothing,
	  protocols_have_kinds_and_ports, what_was_asked_for_is_read_again, other_devices_are_not_known,
	  a_port_of_the_wrong_length_is_none, a_netkit_request_is_of_a_pair_that_is_shut,
	  ways_are_read_as_they_were_set, an_answer_tells_the_primary_side)
