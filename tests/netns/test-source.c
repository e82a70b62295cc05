// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What clients outside become to backends elsewhere, through the public calls: which devices and addresses, what is refused. */
#include <ebpfnet/address.h>
#include <ebpfnet/endpoint.h>
#include <ebpfnet/service.h>

#include "datapath/private.h"
#include "tables.h"

static void setup(void)
{
	setup_in("source",
		 "ip link set lo up; ip link add d0 type veth peer name d1; ip link add e0 type veth peer name e1; ip link set d1 up;"
		 "ip link set e1 up; ip addr add 192.0.2.1/24 dev d0; ip addr add 192.0.2.7/24 dev d0;"
		 "ip addr add 2001:db8::1/64 dev d0 nodad; ip link set d0 up; ip link set e0 up");
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
}

static int set(const char *addr4, const char *addr6, uint16_t min, uint16_t max)
{
	struct ebpfnet_service_source_opts o = { EBPFNET_OPTS_INIT(o), .port_min = min, .port_max = max, .diag = diag };

	if (*addr4)
		ck_assert_int_eq(ebpfnet_addr_parse(addr4, &o.addr4), 0);
	if (*addr6)
		ck_assert_int_eq(ebpfnet_addr_parse(addr6, &o.addr6), 0);
	ebpfnet_diag_clear(diag);
	return ebpfnet_service_source_set(dp, &o);
}

static const char *text_of(const struct ebpfnet_addr *a, char text[EBPFNET_ADDR_STRLEN])
{
	return ebpfnet_addr_family(a) && ebpfnet_addr_format(a, text, EBPFNET_ADDR_STRLEN) > 0 ? text : "-";
}

/* What a reader finds, as words. */
static const char *is(void)
{
	static char text[512];
	char a4[EBPFNET_ADDR_STRLEN], a6[EBPFNET_ADDR_STRLEN];
	struct ebpfnet_service_source s;
	size_t n = 0;
	uint32_t i;
	int r = ebpfnet_service_source_get(looker, &s, sizeof(s));

	if (r == -ENOENT)
		return "none";
	ck_assert_int_eq(r, 0);
	*text = '\0';
	for (i = 0; i < s.n_devices; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s %s %u-%u;", s.devices[i].device,
				      text_of(&s.devices[i].addr4, a4), text_of(&s.devices[i].addr6, a6), s.port_min,
				      s.port_max);
		ck_assert_uint_lt(n, sizeof(text));
	}
	return text;
}

START_TEST(each_device_has_its_own)
{
	setup();
	ck_assert_str_eq(is(), "none");
	ck_assert_int_eq(set("", "", 20000, 20999), -EADDRNOTAVAIL);
	ck_assert_int_eq(ebpfnet_datapath_attach(dp, "e0", EBPFNET_ROLE_NETDEV, NULL), 0);
	/* it has no address */
	ck_assert_int_eq(set("", "", 20000, 20999), -EADDRNOTAVAIL);
	ck_assert_str_eq(is(), "none");
	ck_assert_int_eq(ebpfnet_datapath_attach(dp, "d0", EBPFNET_ROLE_NETDEV, NULL), 0);
	ck_assert_int_eq(set("", "", 20000, 20999), 0);
	ck_assert_str_eq(is(), "d0 192.0.2.1 2001:db8::1 20000-20999;");
	/* said again nothing is written */
	ck_assert_int_eq(set("", "", 20000, 20999), 0);
	ck_assert_int_eq(set("192.0.2.7", "", 30000, 30000), 0);
	ck_assert_ptr_nonnull(strstr(is(), "d0 192.0.2.7 2001:db8::1 30000-30000;"));
	ck_assert_ptr_nonnull(strstr(is(), "e0 192.0.2.7 - 30000-30000;"));
	/* an address that came later is one from the next call on */
	ck_assert_int_eq(system("ip addr add 198.51.100.1/24 dev e0"), 0);
	ck_assert_int_eq(set("", "", 20000, 20999), 0);
	ck_assert_ptr_nonnull(strstr(is(), "e0 198.51.100.1 - 20000-20999;"));
	close_all();
	open_all();
	ck_assert_ptr_nonnull(strstr(is(), "e0 198.51.100.1 - 20000-20999;"));
	ck_assert_ptr_nonnull(strstr(is(), "d0 192.0.2.1 2001:db8::1 20000-20999;"));
	ck_assert_int_eq(ebpfnet_service_source_clear(looker), -EROFS);
	ck_assert_int_eq(ebpfnet_service_source_clear(dp), 0);
	ck_assert_int_eq(ebpfnet_service_source_clear(dp), -ENOENT);
	ck_assert_str_eq(is(), "none");
	ck_assert_int_eq(ebn_node_verify(dp->node), 0);
	teardown();
}
END_TEST

START_TEST(what_is_wrong_changes_nothing)
{
	struct ebpfnet_service_source_opts o = { EBPFNET_OPTS_INIT(o) };
	struct ebpfnet_endpoint_opts eo = { EBPFNET_OPTS_INIT(eo), .name = "ep", .device = "e0" };
	struct ebpfnet_service_source s;
	const char *before = "d0 192.0.2.1 2001:db8::1 20000-20999;";

	setup();
	ck_assert_int_eq(ebpfnet_addr_parse("10.9.0.2", &eo.addr4), 0);
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &eo, NULL), 0);
	ck_assert_int_eq(ebpfnet_datapath_attach(dp, "d0", EBPFNET_ROLE_NETDEV, NULL), 0);
	ck_assert_int_eq(set("", "", 20000, 20999), 0);
	ck_assert_int_eq(set("", "", 9, 3), -EINVAL);
	ck_assert_int_eq(set("", "", 0, 3), -EINVAL);
	ck_assert_int_eq(set("10.9.0.2", "", 20000, 20999), -EEXIST);
	ck_assert_uint_gt(ebpfnet_diag_count(diag), 0);
	ck_assert_int_eq(ebpfnet_addr_parse("2001:db8::1", &o.addr4), 0);
	ck_assert_int_eq(ebpfnet_service_source_set(dp, &o), -EINVAL);
	memset(&o.addr4, 0, sizeof(o.addr4));
	o.reserved = 1;
	ck_assert_int_eq(ebpfnet_service_source_set(dp, &o), -EINVAL);
	o.sz = 3;
	ck_assert_int_eq(ebpfnet_service_source_set(dp, &o), -EINVAL);
	ck_assert_int_eq(ebpfnet_service_source_set(looker, NULL), -EROFS);
	ck_assert_int_eq(ebpfnet_service_source_set(NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_service_source_get(looker, NULL, sizeof(s)), -EINVAL);
	ck_assert_int_eq(ebpfnet_service_source_get(looker, &s, 0), -EINVAL);
	ck_assert_str_eq(is(), before);
	/* detached: its row stays until the addresses are said again */
	ck_assert_int_eq(ebpfnet_datapath_detach(dp, "d0", NULL), 0);
	ck_assert_int_eq(set("", "", 20000, 20999), -EADDRNOTAVAIL);
	ck_assert_str_eq(is(), before);
	teardown();
}
END_TEST

RUN_SUITE("source", each_device_has_its_own, what_is_wrong_changes_nothing)
