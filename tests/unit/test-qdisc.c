// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the kernel tells of a device's queueing disciplines: who paces, and how much may wait. */
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "datapath/qdisc.h"
#include "suite.h"

#define DEVICE 7
#define HORIZON 14	/* TCA_FQ_HORIZON */

static struct ebn_qdiscs q;
static _Alignas(struct nlmsghdr) char buf[1024];

static void begin(void)
{
	memset(&q, 0, sizeof(q));
	q.ifindex = DEVICE;
}

static struct nlmsghdr *message(int ifindex, uint32_t parent, uint32_t handle, const char *kind)
{
	struct nlmsghdr *nlh;
	struct tcmsg *tcm;

	memset(buf, 0, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWQDISC;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_ifindex = ifindex;
	tcm->tcm_parent = parent;
	tcm->tcm_handle = handle;
	mnl_attr_put_strz(nlh, TCA_KIND, kind);
	return nlh;
}

static void plain(uint32_t parent, uint32_t handle, const char *kind)
{
	ck_assert_int_eq(ebn_qdisc_see(message(DEVICE, parent, handle, kind), &q), 0);
}

/* horizon 0: the kernel says nothing of one. */
static void fq(uint32_t parent, uint32_t packets, uint32_t horizon)
{
	struct nlmsghdr *nlh = message(DEVICE, parent, 0x80010000, "fq");
	struct nlattr *options = mnl_attr_nest_start(nlh, TCA_OPTIONS);

	mnl_attr_put_u32(nlh, TCA_FQ_PLIMIT, 10000);
	mnl_attr_put_u32(nlh, TCA_FQ_FLOW_PLIMIT, packets);
	if (horizon)
		mnl_attr_put_u32(nlh, HORIZON, horizon);
	mnl_attr_nest_end(nlh, options);
	ck_assert_int_eq(ebn_qdisc_see(nlh, &q), 0);
}

START_TEST(a_root_that_is_fq_paces)
{
	begin();
	ck_assert(!ebn_qdiscs_pace(&q));
	fq(TC_H_ROOT, 100, 10000000);
	ck_assert(ebn_qdiscs_pace(&q));
	ck_assert_uint_eq(q.packets, 100);
	ck_assert_uint_eq(q.handle, 0x80010000);
	/* beside the clsact that programs hang on */
	plain(TC_H_CLSACT, 0xffff0000, "clsact");
	ck_assert(ebn_qdiscs_pace(&q));
	begin();
	fq(TC_H_ROOT, 30, 0);
	ck_assert(ebn_qdiscs_pace(&q));
	ck_assert_uint_eq(q.packets, 30);
	/* nothing said of it at all: what is usual */
	begin();
	plain(TC_H_ROOT, 0, "fq");
	ck_assert(ebn_qdiscs_pace(&q));
	ck_assert_uint_eq(q.packets, 100);
}
END_TEST

START_TEST(others_do_not)
{
	static const char *const kinds[] = { "noqueue", "pfifo_fast", "fq_codel", "mq", "htb", "fq_pie", "f", "fqq", "" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		begin();
		plain(TC_H_ROOT, 0x10000, kinds[i]);
		ck_assert_msg(!ebn_qdiscs_pace(&q), "%s", kinds[i]);
	}
	/* below a class of something else: not all packets go there */
	begin();
	plain(TC_H_ROOT, 0x10000, "htb");
	fq(0x10001, 100, 10000000);
	ck_assert(!ebn_qdiscs_pace(&q));
	/* one that would not wait for so long, or keeps nothing */
	begin();
	fq(TC_H_ROOT, 100, 1999999);
	ck_assert(!ebn_qdiscs_pace(&q));
	begin();
	fq(TC_H_ROOT, 0, 0);
	ck_assert(!ebn_qdiscs_pace(&q));
	begin();
	fq(TC_H_ROOT, 100, 2000000);
	ck_assert(ebn_qdiscs_pace(&q));
}
END_TEST

START_TEST(all_queues_of_mq_have_to)
{
	/* the kernel's own has no handle */
	static const uint32_t handles[] = { 0, 0x80020000 };
	size_t i;

	for (i = 0; i < 2; i++) {
		begin();
		plain(TC_H_ROOT, handles[i], "mq");
		ck_assert(!ebn_qdiscs_pace(&q));
		fq(handles[i] | 1, 200, 0);
		fq(handles[i] | 2, 50, 0);
		fq(handles[i] | 3, 100, 0);
		ck_assert(ebn_qdiscs_pace(&q));
		ck_assert_uint_eq(q.queues, 3);
		/* the least */
		ck_assert_uint_eq(q.packets, 50);
		plain(TC_H_CLSACT, 0xffff0000, "clsact");
		ck_assert(ebn_qdiscs_pace(&q));
		plain(handles[i] | 4, 0, "fq_codel");
		ck_assert(!ebn_qdiscs_pace(&q));
	}
	/* of a queue it is known to be below something else */
	begin();
	plain(TC_H_ROOT, 0x80020000, "mq");
	fq(0x80020001, 100, 0);
	plain(0x80020002, 0x80030000, "htb");
	fq(0x80030001, 100, 0);
	ck_assert(!ebn_qdiscs_pace(&q));
}
END_TEST

START_TEST(other_messages_are_not_believed)
{
	struct nlmsghdr *nlh;
	struct nlattr *options;

	begin();
	ck_assert_int_eq(ebn_qdisc_see(message(DEVICE + 1, TC_H_ROOT, 0, "fq"), &q), 0);
	nlh = message(DEVICE, TC_H_ROOT, 0, "fq");
	nlh->nlmsg_type = RTM_DELQDISC;
	ck_assert_int_eq(ebn_qdisc_see(nlh, &q), 0);
	nlh = message(DEVICE, TC_H_ROOT, 0, "fq");
	nlh->nlmsg_len = sizeof(*nlh) + sizeof(struct tcmsg) - 1;
	ck_assert_int_eq(ebn_qdisc_see(nlh, &q), 0);
	ck_assert(!q.root);
	/* a kind without an end, and none */
	nlh = message(DEVICE, TC_H_ROOT, 0, "fq");
	((struct nlattr *)mnl_nlmsg_get_payload_offset(nlh, sizeof(struct tcmsg)))->nla_len -= 1;
	ck_assert_int_eq(ebn_qdisc_see(nlh, &q), 0);
	nlh->nlmsg_len = sizeof(*nlh) + sizeof(struct tcmsg);
	ck_assert_int_eq(ebn_qdisc_see(nlh, &q), 0);
	ck_assert(!ebn_qdiscs_pace(&q));
	/* numbers of another size are passed over */
	begin();
	nlh = message(DEVICE, TC_H_ROOT, 0, "fq");
	options = mnl_attr_nest_start(nlh, TCA_OPTIONS);
	mnl_attr_put_u16(nlh, TCA_FQ_FLOW_PLIMIT, 3);
	mnl_attr_put_u64(nlh, HORIZON, 3);
	mnl_attr_nest_end(nlh, options);
	ck_assert_int_eq(ebn_qdisc_see(nlh, &q), 0);
	ck_assert(ebn_qdiscs_pace(&q));
	ck_assert_uint_eq(q.packets, 100);
}
END_TEST

RUN_SUITE("qdisc", a_root_that_is_fq_paces, others_do_not, all_queues_of_mq_have_to, other_messages_are_not_believed)
