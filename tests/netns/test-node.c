// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Other nodes and the overlay through the public calls, in a network namespace of its own: what is set is what is found, also
 * by a reader and after a restart; what is refused changes nothing; the table that programs read, against a plain list.
 */
#include <net/if.h>
#include <ebpfnet/address.h>
#include <ebpfnet/node.h>

#include "datapath/overlay.h"
#include "tables.h"

static void setup(void)
{
	setup_in("node",
		 "ip link set lo up; ip link add d0 type veth peer name d1; ip link set d1 up; ip addr add 192.0.2.1/24 dev d0;"
		 "ip addr add 2001:db8::1/64 dev d0 nodad; ip link set d0 up");
}

/* addresses and prefixes as words; "" for none */
static int set(const char *node, const char *addresses, const char *prefixes, uint32_t flags)
{
	struct ebpfnet_node_opts o = { EBPFNET_OPTS_INIT(o), .flags = flags, .tag = 7, .key = 9, .diag = diag };
	struct ebpfnet_prefix p[EBPFNET_NODE_PREFIXES_MAX + 1];
	char text[1024], *save = NULL, *word;
	struct ebpfnet_addr a;

	snprintf(text, sizeof(text), "%s", addresses);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		ck_assert_int_eq(ebpfnet_addr_parse(word, &a), 0);
		*(ebpfnet_addr_family(&a) == 4 ? &o.addr4 : &o.addr6) = a;
	}
	snprintf(text, sizeof(text), "%s", prefixes);
	for (word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
		ck_assert_int_eq(ebpfnet_prefix_parse(word, &p[o.n_prefixes++]), 0);
	o.prefixes = p;
	ebpfnet_diag_clear(diag);
	return ebpfnet_node_set(dp, node, &o);
}

static bool route_is(const char *prefix, const char *words)
{
	char command[256];

	snprintf(command, sizeof(command), "ip route show %s | grep -q '%s' || ip -6 route show %s | grep -q '%s'", prefix, words,
		 prefix, words);
	return !system(command);
}

static int count(const struct ebpfnet_node_info *info, void *userdata)
{
	(void)info;
	++*(int *)userdata;
	return 0;
}

static int nodes(struct ebpfnet_datapath *d)
{
	int n = 0;

	ck_assert_int_eq(ebpfnet_node_foreach(d, count, &n), 0);
	return n;
}

START_TEST(overlay_is_made_and_removed)
{
	struct ebpfnet_overlay_opts o = { EBPFNET_OPTS_INIT(o), .device = "ov0", .underlay = "d0", .diag = diag };
	struct ebpfnet_overlay_info is;

	setup();
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EBUSY);
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_overlay_get(dp, &is, sizeof(is)), -ENOENT);
	ck_assert_int_eq(ebpfnet_overlay_clear(dp), -ENOENT);
	ck_assert_int_eq(set("n2", "192.0.2.2", "10.42.2.0/24", 0), -EBUSY);
	o.underlay = "nobody";
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -ENODEV);
	o.underlay = NULL;
	o.mtu = 1000;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EINVAL);
	o.mtu = 0;
	o.device = "d0";
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EEXIST);
	o.device = "ov0";
	ck_assert_int_eq(ebpfnet_addr_parse("fd42::1", &o.addr4), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EINVAL);
	ck_assert_int_eq(ebpfnet_addr_parse("10.42.1.1", &o.addr4), 0);
	ck_assert_uint_eq(if_nametoindex("ov0"), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	ck_assert_int_eq(ebpfnet_overlay_get(looker, &is, sizeof(is)), 0);
	ck_assert_str_eq(is.device, "ov0");
	ck_assert_uint_eq(is.ifindex, if_nametoindex("ov0"));
	ck_assert_int_eq(system("ip -d link show ov0 | grep -q 'mtu 1430' && ip -d link show ov0 | grep -q 'external' && "
				"ip addr show ov0 | grep -q 10.42.1.1/32"), 0);
	/* by another name it is another device, and the first one goes */
	o.device = NULL;
	o.port = 4789;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	ck_assert_uint_eq(if_nametoindex("ov0"), 0);
	ck_assert_int_eq(ebpfnet_overlay_clear(dp), 0);
	ck_assert_int_eq(ebpfnet_overlay_get(dp, &is, sizeof(is)), -ENOENT);
	ck_assert_int_eq(system("ip -o link show type vxlan | grep -q ."), 256);
	teardown();
}
END_TEST

static void overlay_is(const char *device, uint16_t protocol, uint16_t port)
{
	struct ebpfnet_overlay_info is;

	ck_assert_int_eq(ebpfnet_overlay_get(looker, &is, sizeof(is)), 0);
	ck_assert_str_eq(is.device, device);
	ck_assert_uint_eq(is.ifindex, if_nametoindex(device));
	ck_assert_uint_eq(is.protocol, protocol);
	ck_assert_uint_eq(is.port, port);
}

START_TEST(routes_follow_the_device)
{
	struct ebpfnet_overlay_opts o = { EBPFNET_OPTS_INIT(o), .device = "ov0" };

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	ck_assert_int_eq(set("n2", "192.0.2.2", "10.42.2.0/24 fd42:2::/64", 0), 0);
	overlay_is("ov0", EBPFNET_OVERLAY_VXLAN, 8472);
	o.device = "ov1";
	o.port = 4789;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	overlay_is("ov1", EBPFNET_OVERLAY_VXLAN, 4789);
	ck_assert_uint_eq(if_nametoindex("ov0"), 0);
	ck_assert(route_is("10.42.2.0/24", "dev ov1"));
	ck_assert(route_is("fd42:2::/64", "dev ov1"));
	/* one that cannot be had leaves the other one where it was */
	ck_assert_int_eq(system("ip link add taken type vxlan external dstport 7001 && ip link set taken up"), 0);
	o.device = "ov2";
	o.port = 7001;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EADDRINUSE);
	overlay_is("ov1", EBPFNET_OVERLAY_VXLAN, 4789);
	ck_assert_uint_eq(if_nametoindex("ov2"), 0);
	ck_assert(route_is("10.42.2.0/24", "dev ov1"));
	teardown();
}
END_TEST

START_TEST(another_protocol)
{
	struct ebpfnet_overlay_opts o = { EBPFNET_OPTS_INIT(o), .device = "ov0", .underlay = "d0" };
	char text[300];

	setup();
	o.diag = diag;
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	o.protocol = 2;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EINVAL);
	o.protocol = EBPFNET_OVERLAY_VXLAN;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	ck_assert_int_eq(set("n2", "192.0.2.2", "10.42.2.0/24 fd42:2::/64", 0), 0);
	o.protocol = EBPFNET_OVERLAY_GENEVE;
	if (!ebpfnet_feature_supported(dp->ctx, EBPFNET_FEATURE_GENEVE)) {
		ebpfnet_diag_clear(diag);
		ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EOPNOTSUPP);
		ebpfnet_diag_format(diag, text, sizeof(text));
		ck_assert_ptr_nonnull(strstr(text, "no Geneve"));
		overlay_is("ov0", EBPFNET_OVERLAY_VXLAN, 8472);
		ck_assert(route_is("10.42.2.0/24", "dev ov0"));
		teardown();
		return;
	}
	/* under the same name: the routes are there again */
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	overlay_is("ov0", EBPFNET_OVERLAY_GENEVE, 6081);
	ck_assert_int_eq(system("ip -d link show ov0 | grep -q 'mtu 1430' && ip -d link show ov0 | grep -q geneve.*external"), 0);
	ck_assert(route_is("10.42.2.0/24", "dev ov0"));
	ck_assert(route_is("fd42:2::/64", "dev ov0"));
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	/* a port that is taken, by Geneve or by anybody: what is there stays */
	ck_assert_int_eq(system("ip link add taken type geneve external dstport 7000 && ip link set taken up"), 0);
	o.device = "ov1";
	o.port = 7000;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EADDRINUSE);
	overlay_is("ov0", EBPFNET_OVERLAY_GENEVE, 6081);
	ck_assert_uint_eq(if_nametoindex("ov1"), 0);
	ck_assert_int_eq(system("ip link del taken && ip link add taken type vxlan external dstport 7001 && "
				"ip link set taken up"), 0);
	o.port = 7001;
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), -EADDRINUSE);
	overlay_is("ov0", EBPFNET_OVERLAY_GENEVE, 6081);
	ck_assert_uint_eq(if_nametoindex("ov1"), 0);
	/* back, under a name of its own */
	o = (struct ebpfnet_overlay_opts){ EBPFNET_OPTS_INIT(o), .device = "ov2" };
	ck_assert_int_eq(ebpfnet_overlay_set(dp, &o), 0);
	overlay_is("ov2", EBPFNET_OVERLAY_VXLAN, 8472);
	ck_assert(route_is("10.42.2.0/24", "dev ov2"));
	ck_assert_int_eq(system("ip link del taken; ip -o link show type geneve | grep -q ."), 256);
	teardown();
}
END_TEST

/* What is told with an address: the node behind it, "" for none, and how packets go there. */
static void behind(const char *addr, const char *node, const char *via, int tunnel)
{
	struct ebpfnet_datapath *const both[] = { dp, looker };
	char text[EBPFNET_ADDR_STRLEN] = "";
	struct ebpfnet_address_info is;
	struct ebpfnet_addr a;
	size_t i;

	ck_assert_int_eq(ebpfnet_addr_parse(addr, &a), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(ebpfnet_address_match(both[i], &a, &is, sizeof(is)), 0);
		ck_assert_str_eq(is.node, node);
		ck_assert_int_eq(is.tunnel, tunnel);
		ck_assert_uint_eq(is.node_key, *node ? 9 : 0);
		if (*node)
			ck_assert_int_gt(ebpfnet_addr_format(&is.node_addr, text, sizeof(text)), 0);
		ck_assert_str_eq(text, via);
	}
}

/* Of what is listed, prefixes that reach beyond a node's are behind none. */
static int listed(const struct ebpfnet_address_info *info, void *userdata)
{
	char text[EBPFNET_PREFIX_STRLEN];
	size_t len = strlen(userdata);

	ck_assert_int_gt(ebpfnet_prefix_format(&info->prefix, text, sizeof(text)), 0);
	snprintf((char *)userdata + len, 256 - len, "%s=%s ", text, info->node);
	return 0;
}

static void know(const char *prefix)
{
	struct ebpfnet_labels *labels = NULL;
	struct ebpfnet_prefix p;

	ck_assert_int_eq(ebpfnet_prefix_parse(prefix, &p), 0);
	ck_assert_int_eq(ebpfnet_labels_parse("app=far", NULL, NULL, &labels), 0);
	ck_assert_int_eq(ebpfnet_address_set_prefix(dp, &p, labels), 0);
	ebpfnet_labels_unref(labels);
}

START_TEST(addresses_tell_their_node)
{
	char list[256] = "";

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	behind("10.42.2.1", "", "", 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, NULL), 0);
	behind("10.42.2.1", "", "", 0);
	ck_assert_int_eq(set("n2", "192.0.2.2 2001:db8::2", "10.42.2.0/24 fd42:2::/64", 0), 0);
	ck_assert_int_eq(set("n3", "192.0.2.3", "10.42.2.9/32", EBPFNET_NODE_NATIVE), 0);
	behind("10.42.2.8", "n2", "192.0.2.2", 1);
	behind("10.42.2.9", "n3", "192.0.2.3", 0);
	behind("10.42.3.1", "", "", 0);
	behind("fd42:2::7", "n2", "192.0.2.2", 1);
	ck_assert_int_eq(set("n2", "192.0.2.2 2001:db8::2", "10.42.2.0/24 fd42:2::/64", EBPFNET_NODE_IPV6), 0);
	behind("10.42.2.8", "n2", "2001:db8::2", 1);
	know("10.42.2.9");
	know("10.42.2.0/25");
	know("10.42.0.0/16");
	ck_assert_int_eq(ebpfnet_address_foreach(looker, listed, list), 0);
	ck_assert_ptr_nonnull(strstr(list, "10.42.2.9=n3 "));
	ck_assert_ptr_nonnull(strstr(list, "10.42.2.0/25=n2 "));
	ck_assert_ptr_nonnull(strstr(list, "10.42.0.0/16= "));
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n3"), 0);
	behind("10.42.2.9", "n2", "2001:db8::2", 1);
	teardown();
}
END_TEST

static uint32_t identity(const char *address)
{
	struct ebpfnet_addr a;
	uint32_t number;

	ck_assert_int_eq(ebpfnet_addr_parse(address, &a), 0);
	ck_assert_int_eq(ebpfnet_address_lookup(looker, &a, &number), 0);
	return number;
}

/* Who stands behind the nodes' own addresses. */
START_TEST(nodes_are_remote_nodes)
{
	struct ebpfnet_address_stats st;
	struct ebpfnet_addr a;
	uint32_t known;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, NULL), 0);
	know("192.0.2.4");
	known = identity("192.0.2.4");
	ck_assert_uint_eq(identity("192.0.2.2"), 2);
	ck_assert_int_eq(set("n2", "192.0.2.2 2001:db8::2", "10.42.2.0/24", 0), 0);
	ck_assert_int_eq(set("n4", "192.0.2.4", "10.42.4.0/24", 0), 0);
	ck_assert_uint_eq(identity("192.0.2.2"), 6);
	ck_assert_uint_eq(identity("2001:db8::2"), 6);
	ck_assert_uint_eq(identity("192.0.2.4"), known);
	ck_assert_uint_eq(identity("192.0.2.3"), 2);
	/* what is said comes first, whenever it is said; said no more, it is a node again */
	know("192.0.2.2");
	ck_assert_uint_eq(identity("192.0.2.2"), known);
	ck_assert_int_eq(set("n2", "192.0.2.2 2001:db8::2", "10.42.2.0/24", 0), 0);
	ck_assert_uint_eq(identity("192.0.2.2"), known);
	ck_assert_int_eq(ebpfnet_addr_parse("192.0.2.2", &a), 0);
	ck_assert_int_eq(ebpfnet_address_delete(dp, &a), 0);
	ck_assert_uint_eq(identity("192.0.2.2"), 6);
	ck_assert_int_eq(ebpfnet_address_delete(dp, &a), 0);
	ck_assert_uint_eq(identity("192.0.2.2"), 6);
	/* another address; one that two nodes have stays with the other one */
	ck_assert_int_eq(set("n5", "2001:db8::2", "10.42.5.0/24", 0), 0);
	ck_assert_int_eq(set("n2", "192.0.2.3", "10.42.2.0/24", 0), 0);
	ck_assert_uint_eq(identity("192.0.2.2"), 2);
	ck_assert_uint_eq(identity("192.0.2.3"), 6);
	ck_assert_uint_eq(identity("2001:db8::2"), 6);
	/* a refusal changes none of it */
	ck_assert_int_eq(set("n2", "192.0.2.9", "10.42.5.0/24", 0), -EEXIST);
	ck_assert_uint_eq(identity("192.0.2.3"), 6);
	ck_assert_uint_eq(identity("192.0.2.9"), 2);
	/* routes that cannot be made are found when all else is done */
	ck_assert_int_lt(set("n2", "198.51.100.9", "10.42.9.0/24", EBPFNET_NODE_NATIVE), 0);
	ck_assert_uint_eq(identity("192.0.2.3"), 6);
	ck_assert_uint_eq(identity("198.51.100.9"), 2);
	close_all();
	open_all();
	ck_assert_uint_eq(identity("192.0.2.3"), 6);
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n2"), 0);
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n5"), 0);
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n4"), 0);
	ck_assert_uint_eq(identity("192.0.2.3"), 2);
	ck_assert_uint_eq(identity("2001:db8::2"), 2);
	ck_assert_uint_eq(identity("192.0.2.4"), known);
	ck_assert_int_eq(ebpfnet_address_get_stats(looker, &st, sizeof(st)), 0);
	ck_assert_uint_eq(st.addresses, 1);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

START_TEST(nodes_are_what_was_said)
{
	struct ebpfnet_node_info is;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, NULL), 0);
	ck_assert_int_eq(set("n2", "192.0.2.2 2001:db8::2", "10.42.2.0/24 fd42:2::/64", 0), 0);
	ck_assert_int_eq(set("n3", "192.0.2.3 2001:db8::3", "10.42.3.0/24 10.42.2.9/32 fd42:3::/64", EBPFNET_NODE_NATIVE), 0);
	ck_assert_int_eq(set("n4", "2001:db8::4", "10.42.4.0/24", EBPFNET_NODE_NO_ROUTES), 0);
	ck_assert(route_is("10.42.2.0/24", "dev ebnvx"));
	ck_assert(route_is("fd42:2::/64", "dev ebnvx"));
	ck_assert(route_is("10.42.2.9", "via 192.0.2.3 dev d0"));
	ck_assert(route_is("fd42:3::/64", "via 2001:db8::3 dev d0"));
	ck_assert(!route_is("10.42.4.0/24", "."));
	ck_assert_int_eq(ebpfnet_node_get(looker, "n3", &is, sizeof(is)), 0);
	ck_assert_uint_eq(is.n_prefixes, 3);
	ck_assert_uint_eq(is.tag, 7);
	ck_assert_uint_eq(is.key, 9);
	ck_assert_uint_eq(is.flags, EBPFNET_NODE_NATIVE);
	ck_assert_int_eq(ebpfnet_node_get(looker, "n4", &is, sizeof(is)), 0);
	ck_assert_uint_eq(is.flags, EBPFNET_NODE_IPV6 | EBPFNET_NODE_NO_ROUTES);
	close_all();
	open_all();
	ck_assert_int_eq(nodes(dp), 3);
	ck_assert_int_eq(nodes(looker), 3);
	/* from native to overlay, with other prefixes */
	ck_assert_int_eq(set("n3", "192.0.2.3", "10.42.3.0/25", 0), 0);
	ck_assert(route_is("10.42.3.0/25", "dev ebnvx"));
	ck_assert(!route_is("10.42.3.0/24", "."));
	ck_assert(!route_is("10.42.2.9", "."));
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n2"), 0);
	ck_assert_int_eq(ebpfnet_node_delete(dp, "n2"), -ENOENT);
	ck_assert(!route_is("10.42.2.0/24", "."));
	ck_assert_int_eq(ebpfnet_node_get(dp, "n2", &is, sizeof(is)), -ENOENT);
	ck_assert_int_eq(ebpfnet_node_get(dp, "n4", &is, sizeof(is)), 0);
	ck_assert_uint_eq(is.n_prefixes, 1);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

START_TEST(what_is_wrong_changes_nothing)
{
	char prefixes[2048] = "", text[300];
	int i;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_overlay_set(dp, NULL), 0);
	ck_assert_int_eq(set("n2", "192.0.2.2", "10.42.2.0/24", 0), 0);
	ck_assert_int_eq(set("", "192.0.2.2", "10.43.2.0/24", 0), -EINVAL);
	ck_assert_int_eq(set("a/b", "192.0.2.2", "10.43.2.0/24", 0), -EINVAL);
	memset(text, 'n', 64);
	text[64] = '\0';
	ck_assert_int_eq(set(text, "192.0.2.2", "10.43.2.0/24", 0), -EINVAL);
	ck_assert_int_eq(set("n3", "", "10.43.2.0/24", 0), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "0.0.0.0/0", 0), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "::/0", 0), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "10.43.2.0/24", EBPFNET_NODE_IPV6), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "fd42:3::/64", EBPFNET_NODE_NATIVE), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "10.43.2.0/24", 1u << 30), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "10.43.2.0/24 10.43.2.0/24", 0), -EINVAL);
	ck_assert_int_eq(set("n3", "192.0.2.3", "10.43.2.0/24 10.42.2.0/24", 0), -EEXIST);
	ebpfnet_diag_format(diag, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "n2's"));
	for (i = 0; i < 17; i++)
		snprintf(prefixes + strlen(prefixes), sizeof(prefixes) - strlen(prefixes), "10.50.%d.0/24 ", i);
	ck_assert_int_eq(set("n3", "192.0.2.3", prefixes, 0), -EINVAL);
	prefixes[0] = '\0';
	for (i = 0; i < 8; i++)
		snprintf(prefixes + strlen(prefixes), sizeof(prefixes) - strlen(prefixes), "10.%d.0.0/%d ", 64 + i, 16 + i);
	/* with the /24 of n2 they are nine lengths */
	ck_assert_int_eq(set("n3", "192.0.2.3", prefixes, 0), -ENOSPC);
	/* a gateway that is not there */
	ck_assert_int_lt(set("n3", "203.0.113.3", "10.60.0.0/24", EBPFNET_NODE_NATIVE), 0);
	ck_assert_int_eq(nodes(dp), 1);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	ck_assert(route_is("10.42.2.0/24", "dev ebnvx"));
	ck_assert_int_eq(ebpfnet_node_set(dp, "n3", NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_node_set(looker, "n3", NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_node_delete(looker, "n2"), -EROFS);
	ck_assert_int_eq(ebpfnet_overlay_clear(looker), -EROFS);
	ck_assert_int_eq(ebpfnet_node_foreach(dp, NULL, NULL), -EINVAL);
	teardown();
}
END_TEST

/* ---- the table as programs read it, against all prefixes one after the other */

static uint32_t random_bits(void)
{
	return (uint32_t)random() << 16 ^ (uint32_t)random();
}

/* Number of the node that a reader finds, 0: none. */
static uint32_t look(const struct ebn_ov *ov, const uint32_t a[4])
{
	struct ebpfnet_address_info is;
	struct ebpfnet_addr addr;
	uint32_t i;

	memcpy(addr.b, a, sizeof(addr.b));
	ck_assert_int_eq(ebpfnet_address_match(looker, &addr, &is, sizeof(is)), 0);
	for (i = 0; *is.node && i < ov->n; i++)
		if (!strcmp(ov->node[i].name, is.node))
			return i + 1;
	ck_assert_str_eq(is.node, "");
	return 0;
}

static uint32_t look_plainly(const struct ebn_ov *ov, const uint32_t a[4])
{
	uint64_t hi = ebn_addr_bits(a[0], a[1]), lo = ebn_addr_bits(a[2], a[3]);
	uint32_t i, best = 0, node = 0;

	for (i = 0; i < ov->n_px; i++)
		if (ov->px[i].len > best &&
		    ebn_addr_common(hi, lo, ov->px[i].hi, ov->px[i].lo) >= ov->px[i].len) {
			best = ov->px[i].len;
			node = ov->px[i].node;
		}
	return node;
}

static void random_prefix(char *text, size_t size)
{
	static const unsigned int len4[] = { 8, 12, 16, 20, 24, 28, 30, 32 };
	static const unsigned int len6[] = { 16, 32, 48, 56, 64, 96, 120, 128 };
	struct ebpfnet_prefix p = { .len = 0 };
	bool v6 = random() & 1;
	unsigned int bits, i;

	p.len = (uint8_t)(v6 ? len6[random() % 8] : len4[random() % 8]);
	bits = v6 ? p.len : p.len + 96u;
	for (i = 0; i < 16; i++)
		p.addr.b[i] = (uint8_t)(random() % 3 ? random() % 4 : random());
	if (v6)
		p.addr.b[0] = 0xfd;
	else
		memcpy(p.addr.b, "\0\0\0\0\0\0\0\0\0\0\377\377\12", 13);
	for (i = bits; i < 128; i++)
		p.addr.b[i / 8] &= (uint8_t)~(0x80 >> i % 8);
	ebpfnet_prefix_format(&p, text, size);
}

START_TEST(the_table_is_the_list)
{
	char prefix[EBPFNET_PREFIX_STRLEN], node[16], list[512];
	uint32_t a[4], i, n, tries, hits = 0;
	struct ebn_ov ov;

	setup();
	srandom((unsigned int)test_seed());
	for (n = 0; n < 300; n++) {
		list[0] = '\0';
		for (i = 0; i < 4; i++) {
			random_prefix(prefix, sizeof(prefix));
			snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s ", prefix);
		}
		snprintf(node, sizeof(node), "n%ld", random() % 60);
		if (random() % 5)
			(void)set(node, "192.0.2.2 2001:db8::2", list, EBPFNET_NODE_NATIVE | EBPFNET_NODE_NO_ROUTES);
		else
			(void)ebpfnet_node_delete(dp, node);
	}
	ck_assert_int_gt(nodes(dp), 10);
	ck_assert_int_eq(ebn_ov_read(dp, &ov), 0);
	for (tries = 0; tries < 20000; tries++) {
		if (random() & 1) {
			const struct ebn_overlay_prefix *px = &ov.px[random_bits() % ov.n_px];
			struct ebpfnet_prefix p = ebn_ov_prefix(px);

			for (i = px->len; i < 128; i++)
				if (random() & 1)
					p.addr.b[i / 8] |= (uint8_t)(0x80 >> i % 8);
			memcpy(a, p.addr.b, sizeof(a));
		} else {
			for (i = 0; i < 4; i++)
				a[i] = random_bits();
		}
		ck_assert_uint_eq(look(&ov, a), look_plainly(&ov, a));
		hits += look(&ov, a) != 0;
	}
	ck_assert_uint_gt(hits, 5000);
	ebn_ov_free(&ov);
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

RUN_SUITE("node", overlay_is_made_and_removed, routes_follow_the_device, another_protocol, nodes_are_remote_nodes,
	  nodes_are_what_was_said, addresses_tell_their_node, what_is_wrong_changes_nothing, the_table_is_the_list)
