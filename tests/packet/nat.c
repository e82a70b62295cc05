// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "nat.h"

#include <arpa/inet.h>
#include <check.h>
#include <string.h>

bool nat_by_device;

void nat_row(struct ebn_nat_row *row, uint16_t port_min, uint16_t port_max)
{
	uint32_t a[4];

	memset(row, 0, sizeof(*row));
	row->ifindex = rig.ifindex_nd;
	row->flags = EBN_NAT_F_IP4 | EBN_NAT_F_IP6;
	row->id = 1;
	row->port_min = port_min;
	row->port_max = port_max;
	packet_addr(NODE4, row->addr[0]);
	packet_addr(NODE6, row->addr[1]);
	packet_addr("10.200.0.0", a);
	row->keep4[row->n4].addr = a[3];
	row->keep4[row->n4++].mask = inet_addr("255.255.0.0");
	packet_addr("fd09:200::", row->keep6[row->n6].addr);
	row->keep6[row->n6++].mask[0] = 0xffffffff;
}

void nat_open(const struct rig_opts *opts, uint16_t port_min, uint16_t port_max)
{
	struct ebn_nat_row row;

	rig_open(opts);
	rig_allow_all();
	nat_row(&row, port_min, port_max);
	rig_nat(&row, 1);
}

static void frame(struct packet *p, const struct spec *spec, const uint8_t *smac, const uint8_t *dmac)
{
	struct spec s = *spec;

	s.smac = smac;
	s.dmac = dmac;
	packet_make(p, &s);
	/* a fragment's checksum is of more than the frame */
	if (!s.frag_off && !s.more && (s.proto != UDP || !s.code))
		sums_make(p);
}

void nat_leaves(const struct spec *s, struct rig_result *ret)
{
	struct packet p;

	frame(&p, s, mac_nd, mac_other);
	if (nat_by_device)
		rig_came_by = !strcmp(s->src, A4) || !strcmp(s->src, A6) ? rig.ifindex_a :
			      !strcmp(s->src, B4) || !strcmp(s->src, B6) ? rig.ifindex_b : 0;
	rig_run(TO_NETDEV, rig.ifindex_nd, &p, ret);
	rig_came_by = 0;
}

void nat_comes(const struct spec *s, struct rig_result *ret)
{
	struct packet p;

	frame(&p, s, mac_other, mac_nd);
	rig_run(FROM_NETDEV, rig.ifindex_nd, &p, ret);
}

void nat_sends(const struct spec *s, struct rig_result *ret)
{
	rig_sends(s, ret);
	if (ret->action == PASS)
		nat_leaves(s, ret);
}

void nat_tuple(const struct packet *p, struct nat_tuple *ret)
{
	const uint8_t *ip = p->b + 14, *l4;
	bool v6 = ip[0] >> 4 == 6;
	uint8_t proto = v6 ? ip[6] : ip[9];

	memset(ret, 0, sizeof(*ret));
	if (v6) {
		memcpy(ret->src, ip + 8, 16);
		memcpy(ret->dst, ip + 24, 16);
	} else {
		ret->src[2] = ret->dst[2] = htonl(0xffff);
		memcpy(&ret->src[3], ip + 12, 4);
		memcpy(&ret->dst[3], ip + 16, 4);
	}
	l4 = ip + (v6 ? 40 : (ip[0] & 15) * 4);
	if (proto == ICMP || proto == ICMP6)
		l4 += 4;
	ret->sport = (uint16_t)(l4[0] << 8 | l4[1]);
	if (proto != ICMP && proto != ICMP6)
		ret->dport = (uint16_t)(l4[2] << 8 | l4[3]);
}

uint16_t nat_is(const struct packet *p, const char *src, const char *dst)
{
	struct nat_tuple t;
	uint32_t a[4];

	nat_tuple(p, &t);
	packet_addr(src, a);
	ck_assert_msg(!memcmp(t.src, a, 16), "the source is not %s", src);
	packet_addr(dst, a);
	ck_assert_msg(!memcmp(t.dst, a, 16), "the destination is not %s", dst);
	ck_assert_msg(!sums_wrong(p), "checksum: %s", sums_wrong(p));
	return t.sport;
}
