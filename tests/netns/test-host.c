// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The host as an endpoint through the public calls, in a network namespace of its own: what is set is what is found, also by a
 * reader and after a restart; what is refused changes nothing; addresses follow the kernel; what a killed writer left half done goes.
 */
#include <ebpfnet/address.h>
#include <ebpfnet/host.h>
#include <ebpfnet/policy.h>

#include "datapath/host.h"
#include "tables.h"

static void setup(void)
{
	setup_in("host",
		 "ip link set lo up; ip link add d0 type veth peer name d1; ip link set d0 addrgenmode none up;"
		 "ip link set d1 addrgenmode none up; ip addr add 192.0.2.1/24 dev d0; ip addr add 192.0.2.1/24 dev d1;"
		 "ip addr add 2001:db8::1/64 dev d0 nodad");
}

static int set(const char *labels, uint32_t flags, const struct ebpfnet_host_safe *safe, size_t n)
{
	struct ebpfnet_host_opts o = { EBPFNET_OPTS_INIT(o), .flags = flags, .safe = safe, .n_safe = n, .diag = diag };
	struct ebpfnet_labels *l = NULL;
	int r;

	if (labels)
		ck_assert_int_eq(ebpfnet_labels_parse(labels, NULL, NULL, &l), 0);
	o.labels = l;
	ebpfnet_diag_clear(diag);
	r = ebpfnet_host_set(dp, &o);
	ebpfnet_labels_unref(l);
	return r;
}

static struct ebpfnet_host_info get(struct ebpfnet_datapath *d)
{
	struct ebpfnet_host_info info;

	ck_assert_int_eq(ebpfnet_host_get(d, &info, sizeof(info)), 0);
	return info;
}

static struct ebpfnet_address_info at(const char *text)
{
	struct ebpfnet_address_info info;
	struct ebpfnet_addr addr;

	ck_assert_int_eq(ebpfnet_addr_parse(text, &addr), 0);
	ck_assert_int_eq(ebpfnet_address_match(dp, &addr, &info, sizeof(info)), 0);
	return info;
}

static struct ebpfnet_endpoint_info endpoint(struct ebpfnet_datapath *d, const char *labels)
{
	struct ebpfnet_endpoint_info info;
	struct ebpfnet_endpoint *ep;

	ck_assert_int_eq(ebpfnet_endpoint_lookup(d, "host", &ep), 0);
	ck_assert_int_eq(ebpfnet_endpoint_get_info(ep, &info, sizeof(info)), 0);
	ck_assert_str_eq(info.labels, labels);
	ck_assert_str_eq(info.name, "host");
	info.name = info.labels = NULL;
	ebpfnet_endpoint_unref(ep);
	return info;
}

static void is_none(void)
{
	struct ebpfnet_host_info info;
	struct ebpfnet_endpoint *ep;

	ck_assert_int_eq(ebpfnet_host_get(dp, &info, sizeof(info)), -ENOENT);
	ck_assert_int_eq(ebpfnet_host_get(looker, &info, sizeof(info)), -ENOENT);
	ck_assert_int_eq(ebpfnet_host_refresh(dp), -ENOENT);
	ck_assert_int_eq(ebpfnet_host_clear(dp), -ENOENT);
	ck_assert_int_eq(ebpfnet_endpoint_lookup(dp, "host", &ep), -ENOENT);
	ck_assert_uint_eq(at("192.0.2.1").identity, 2);
	ck_assert_uint_eq(ebn_node_hdr(dp->node)->flags & EBN_NODE_F_HOST, 0);
}

static struct ebpfnet_host_safe safe_of(const char *prefix, uint8_t protocol, uint16_t min, uint16_t max, uint8_t flags)
{
	struct ebpfnet_host_safe s = { .protocol = protocol, .port_min = min, .port_max = max, .flags = flags };

	if (prefix)
		ck_assert_int_eq(ebpfnet_prefix_parse(prefix, &s.peer), 0);
	return s;
}

START_TEST(what_is_set_is_found)
{
	const struct ebpfnet_host_safe safe[] = {
		safe_of("192.0.2.0/25", 6, 22, 22, 0), safe_of("2001:db8::/32", 17, 1, 65535, EBPFNET_SAFE_OUT),
		safe_of("198.51.100.7", 0, 0, 0, 0), safe_of(NULL, 58, 0, 0, 0), safe_of("0.0.0.0/0", 132, 5, 9, 0),
	};
	struct ebpfnet_host_info info;
	uint64_t root;
	size_t i;

	setup();
	is_none();
	ck_assert_int_eq(set("role=worker", 0, safe, 5), 0);
	info = get(dp);
	ck_assert_uint_eq(info.n_safe, 5);
	for (i = 0; i < 5; i++)
		ck_assert_msg(!memcmp(&info.safe[i], &safe[i], sizeof(safe[i])), "entry %zu", i);
	ck_assert_uint_eq(info.n_addresses, 2);
	info = get(looker);
	ck_assert_uint_eq(info.n_safe, 5);
	ck_assert_uint_eq(info.n_addresses, 2);
	ck_assert_uint_eq(endpoint(dp, "k8s:role=worker;reserved:host;").identity, 1);
	ck_assert_uint_eq(endpoint(looker, "k8s:role=worker;reserved:host;").flags,
			  EBPFNET_ENDPOINT_HOST | EBPFNET_ENDPOINT_NO_REDIRECT);
	ck_assert_uint_eq(at("192.0.2.1").identity, 1);
	ck_assert_uint_eq(at("2001:db8::1").endpoint, info.endpoint);
	/* said again: no new generation */
	root = ebn_node_hdr(dp->node)->root;
	ck_assert_int_eq(set("role=worker", 0, safe, 5), 0);
	ck_assert(root == ebn_node_hdr(dp->node)->root);
	ck_assert_int_eq(set("role=other", EBPFNET_ENDPOINT_AUDIT, safe, 1), 0);
	ck_assert_uint_eq(get(dp).n_safe, 1);
	ck_assert_uint_eq(get(dp).endpoint, info.endpoint);
	ck_assert_uint_eq(endpoint(dp, "k8s:role=other;reserved:host;").flags,
			  EBPFNET_ENDPOINT_HOST | EBPFNET_ENDPOINT_NO_REDIRECT | EBPFNET_ENDPOINT_AUDIT);
	/* a restart */
	close_all();
	open_all();
	ck_assert_uint_eq(get(dp).n_safe, 1);
	ck_assert_uint_eq(get(dp).n_addresses, 2);
	endpoint(dp, "k8s:role=other;reserved:host;");
	ck_assert_int_eq(ebpfnet_host_refresh(dp), 0);
	ck_assert_uint_ne(ebn_node_hdr(dp->node)->flags & EBN_NODE_F_HOST, 0);
	ck_assert_int_eq(ebpfnet_host_clear(dp), 0);
	is_none();
	/* through the endpoint */
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(set(NULL, 0, NULL, 0), 0);
	{
		struct ebpfnet_endpoint *ep;

		ck_assert_int_eq(ebpfnet_endpoint_lookup(dp, "host", &ep), 0);
		ck_assert_int_eq(ebpfnet_endpoint_restore(ep, NULL), 0);
		ck_assert_int_eq(ebpfnet_endpoint_destroy(ep), 0);
		ck_assert_int_eq(ebpfnet_endpoint_destroy(ep), -ESTALE);
		ebpfnet_endpoint_unref(ep);
	}
	is_none();
	teardown();
}
END_TEST

START_TEST(addresses_follow_the_kernel)
{
	struct ebpfnet_labels *labels;
	struct ebpfnet_addr addr;

	setup();
	ck_assert_int_eq(ebpfnet_labels_parse("reserved:kube-apiserver", NULL, NULL, &labels), 0);
	ck_assert_int_eq(ebpfnet_addr_parse("192.0.2.9", &addr), 0);
	/* said before the host was one */
	ck_assert_int_eq(ebpfnet_address_upsert(dp, &addr, labels), 0);
	ck_assert_int_eq(system("ip addr add 192.0.2.9/24 dev d0"), 0);
	ck_assert_int_eq(set(NULL, 0, NULL, 0), 0);
	ck_assert_uint_eq(get(dp).n_addresses, 3);
	ck_assert_uint_eq(at("192.0.2.9").identity, 7);
	ck_assert_uint_eq(at("192.0.2.9").endpoint, get(dp).endpoint);
	/* and taken back, while it is one */
	ck_assert_int_eq(ebpfnet_address_delete(dp, &addr), 0);
	ck_assert_uint_eq(at("192.0.2.9").identity, 1);
	ck_assert_uint_eq(at("192.0.2.9").endpoint, get(dp).endpoint);
	ck_assert_int_eq(ebpfnet_address_upsert(dp, &addr, labels), 0);
	ck_assert_uint_eq(at("192.0.2.9").endpoint, get(dp).endpoint);
	ck_assert_int_eq(system("ip addr del 192.0.2.9/24 dev d0; ip addr add 192.0.2.8/24 dev d1; ip addr add 192.0.2.7/32 dev lo"), 0);
	ck_assert_int_eq(ebpfnet_host_refresh(dp), 3);
	ck_assert_int_eq(ebpfnet_host_refresh(dp), 0);
	/* what was said of it stays */
	ck_assert_uint_eq(at("192.0.2.9").identity, 7);
	ck_assert_uint_eq(at("192.0.2.9").endpoint, 0);
	ck_assert_uint_eq(at("192.0.2.8").identity, 1);
	ck_assert_uint_eq(at("192.0.2.7").identity, 1);
	ck_assert_uint_eq(at("127.0.0.1").identity, 2);
	ck_assert_int_eq(ebpfnet_host_clear(dp), 0);
	ck_assert_uint_eq(at("192.0.2.8").identity, 2);
	ck_assert_uint_eq(at("192.0.2.9").identity, 7);
	ebpfnet_labels_unref(labels);
	teardown();
}
END_TEST

START_TEST(what_is_refused_changes_nothing)
{
	struct ebpfnet_host_opts o = { EBPFNET_OPTS_INIT(o), .reserved = 1 };
	struct ebpfnet_host_safe many[EBPFNET_HOST_SAFE_MAX + 1] = { 0 }, bad;
	struct ebpfnet_endpoint_opts ep = { EBPFNET_OPTS_INIT(ep), .name = "a", .device = "d0",
					    .mac = { { 2, 0, 0, 0, 0, 1 } } };
	struct ebpfnet_labels *labels;
	uint32_t row[17], n;

	setup();
	ck_assert_int_eq(ebpfnet_host_set(NULL, NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_host_set(looker, NULL), -EROFS);
	ck_assert_int_eq(ebpfnet_host_clear(looker), -EROFS);
	ck_assert_int_eq(ebpfnet_host_refresh(looker), -EROFS);
	ck_assert_int_eq(ebpfnet_host_get(dp, NULL, 4), -EINVAL);
	ck_assert_int_eq(ebpfnet_host_set(dp, &o), -EINVAL);
	ck_assert_int_eq(set("reserved:world", 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(set("a=b;reserved:init", 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(set(NULL, EBPFNET_ENDPOINT_NO_REDIRECT, NULL, 0), -EINVAL);
	ck_assert_int_eq(set(NULL, 0, many, EBPFNET_HOST_SAFE_MAX + 1), -EINVAL);
	ck_assert_int_eq(set(NULL, 0, NULL, 1), -EINVAL);
	bad = safe_of("10.0.0.0/8", 1, 1, 1, 0);
	ck_assert_int_eq(set(NULL, 0, &bad, 1), -EINVAL);
	bad = safe_of("10.0.0.0/8", 6, 2, 1, 0);
	ck_assert_int_eq(set(NULL, 0, &bad, 1), -EINVAL);
	bad = safe_of("10.0.0.0/8", 6, 1, 2, EBPFNET_SAFE_OWN);
	ck_assert_int_eq(set(NULL, 0, &bad, 1), -EINVAL);
	bad = safe_of("10.0.0.0/8", 6, 1, 2, 0);
	bad.peer.len = 33;
	ck_assert_int_eq(set(NULL, 0, &bad, 1), -EINVAL);
	ck_assert_int_gt(ebpfnet_diag_count(diag), 0);
	is_none();
	/* no row is left for it */
	for (n = 0; !ebn_ep_row_get(dp->rows, &row[n]); n++)
		ck_assert_uint_lt(n, 16);
	ck_assert_uint_eq(n, 16);
	ck_assert_int_eq(set(NULL, 0, NULL, 0), -ENOSPC);
	is_none();
	while (n--)
		ck_assert_int_eq(ebn_ep_row_put(dp->rows, row[n]), 0);
	ck_assert_int_eq(set(NULL, 0, many, EBPFNET_HOST_SAFE_MAX), 0);
	ck_assert_int_eq(set("reserved:world", 0, NULL, 0), -EINVAL);
	ck_assert_uint_eq(get(dp).n_safe, EBPFNET_HOST_SAFE_MAX);
	/* its label, its name, its id and its addresses are its own */
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_labels_parse("reserved:host", NULL, NULL, &labels), 0);
	ck_assert_int_eq(ebpfnet_addr_parse("10.0.0.2", &ep.addr4), 0);
	ep.labels = labels;
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), -EINVAL);
	ep.labels = NULL;
	ep.name = "host";
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), -EEXIST);
	ep.name = "a";
	ep.id = get(dp).endpoint;
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), -EEXIST);
	ep.id = 0;
	ck_assert_int_eq(ebpfnet_addr_parse("192.0.2.1", &ep.addr4), 0);
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), -EEXIST);
	ck_assert_int_eq(ebpfnet_addr_parse("10.0.0.2", &ep.addr4), 0);
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), 0);
	{
		struct ebpfnet_endpoint *e;

		ck_assert_int_eq(ebpfnet_endpoint_lookup(dp, "a", &e), 0);
		ck_assert_int_eq(ebpfnet_endpoint_set_labels(e, labels), -EINVAL);
		ebpfnet_endpoint_unref(e);
		ck_assert_int_eq(ebpfnet_endpoint_lookup(dp, "host", &e), 0);
		ck_assert_int_eq(ebpfnet_endpoint_set_labels(e, NULL), -EINVAL);
		ck_assert_int_eq(ebpfnet_endpoint_set_flags(e, 0), 0);
		ebpfnet_endpoint_unref(e);
	}
	ck_assert_uint_eq(endpoint(dp, "reserved:host;").flags, EBPFNET_ENDPOINT_HOST | EBPFNET_ENDPOINT_NO_REDIRECT);
	/* the other way round */
	ck_assert_int_eq(ebpfnet_host_clear(dp), 0);
	ep.name = "host";
	ck_assert_int_eq(ebpfnet_addr_parse("10.0.0.3", &ep.addr4), 0);
	ep.device = "d1";
	ck_assert_int_eq(ebpfnet_endpoint_create(dp, &ep, NULL), 0);
	ck_assert_int_eq(set(NULL, 0, NULL, 0), -EEXIST);
	ebpfnet_labels_unref(labels);
	teardown();
}
END_TEST

/* Policies of endpoints never select it, its own do, whatever their subject says beside the reserved label. */
START_TEST(its_policy_is_the_one_that_says_so)
{
	static const struct {
		const char *subject;
		int denies;
	} subjects[] = {
		{ "", 0 }, { "role=worker", 0 }, { "!app", 0 }, { "reserved:host", 1 }, { "role=worker,reserved:host", 1 },
		{ "role=other,reserved:host", 0 }, { "!reserved:host", 0 }, { "!reserved:init", 1 },
	};
	struct ebpfnet_policy_answer answer;
	struct ebpfnet_policy_set *policies;
	struct ebpfnet_endpoint_info info;
	size_t i;

	setup();
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(set("role=worker", 0, NULL, 0), 0);
	info = endpoint(dp, "k8s:role=worker;reserved:host;");
	for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct ebpfnet_policy_opts o = { EBPFNET_OPTS_INIT(o), .name = "p", .subject = subjects[i].subject,
						 .default_deny_ingress = true };

		ck_assert_int_eq(ebpfnet_policy_set_new(ctx, &policies), 0);
		ck_assert_int_eq(ebpfnet_policy_set_add(policies, &o, NULL, 0), 0);
		ck_assert_int_eq(ebpfnet_policy_commit(dp, policies, NULL), 0);
		ck_assert_int_eq(ebpfnet_policy_lookup(dp, info.id, EBPFNET_INGRESS, 2, 6, 80, &answer), 0);
		ck_assert_msg((answer.verdict == EBPFNET_VERDICT_DENY) == subjects[i].denies, "subject \"%s\"", subjects[i].subject);
		ebpfnet_policy_set_free(policies);
	}
	teardown();
}
END_TEST

/* Killed in the middle of making it or of taking it away. */
START_TEST(what_is_half_done_goes)
{
	struct ebn_slot slot;

	setup();
	ck_assert_int_eq(set(NULL, 0, NULL, 0), 0);
	/* a row, and nothing that names it */
	ck_assert_int_eq(ebn_node_swap(dp->node, EBN_P_HOST, 0, 0), 0);
	close_all();
	open_all();
	is_none();
	/* what names a row that is no longer there */
	ck_assert_int_eq(set(NULL, 0, NULL, 0), 0);
	slot = ebn_node_slot(dp->node, EBN_P_HOST);
	ck_assert_int_eq(ebn_host_addresses(dp, ebn_host_row(dp), true), 2);
	ck_assert_int_eq(ebn_ep_row_put(dp->rows, ebn_host_row(dp) - 1), 0);
	ck_assert_uint_ne(slot.off, 0);
	close_all();
	open_all();
	is_none();
	/* a row that no table has is not believed */
	ck_assert_int_eq(set(NULL, 0, NULL, 0), 0);
	slot = ebn_node_slot(dp->node, EBN_P_HOST);
	((struct ebn_host_head *)ebn_node_ptr(dp->node, slot.off, sizeof(struct ebn_host_head)))->row = 4000;
	{
		struct ebpfnet_host_info info;

		ck_assert_int_eq(ebpfnet_host_get(looker, &info, sizeof(info)), -EPROTO);
	}
	close_all();
	dp = open_dp(0);
	ck_assert_int_eq(ebpfnet_datapath_prepare(dp, diag), -EPROTO);
	/* which says that it could not read them, and takes all away */
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), -EPROTO);
	dp = ebpfnet_datapath_unref(dp);
	ebpfnet_diag_free(diag);
	ebpfnet_ctx_unref(ctx);
}
END_TEST

RUN_SUITE("host", what_is_set_is_found, addresses_follow_the_kernel, what_is_refused_changes_nothing,
	  its_policy_is_the_one_that_says_so, what_is_half_done_goes)
